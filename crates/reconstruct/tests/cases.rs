//! The large recorded cases, when they are at hand: `BACKTRAIL_CASES` names their directory. Every point is rebuilt by
//! position, GTID and time, whole and in segments, in memory and past it: the results are the same, and have the rows that
//! were counted on the server. (Whether each value is exact, a real server says: see the oracle.)

#![expect(clippy::disallowed_methods, reason = "the cases are files, and where they are is a setting")]
#![expect(clippy::unwrap_used, reason = "a test's helpers may panic like the test")]

#[path = "support/memory.rs"]
#[expect(dead_code, reason = "not every test looks into files")]
mod memory;

use std::collections::BTreeMap;
use std::path::Path;

use backtrail_domain::{CutTarget, TableFilter};
use backtrail_reconstruct::{BinaryLog, Inputs, NoObserver, RefusalPolicy, Report, Request, plan, reconstruct};
use memory::{Memory, Pieces};
use serde_json::Value;

fn run(baseline: &Memory, log: &dyn BinaryLog, request: &Request) -> (Report, BTreeMap<String, Vec<u8>>) {
    let spill = Memory::default();
    let inputs = Inputs { baseline, log, spill: &spill, observer: &NoObserver };
    let plan = plan(&inputs, request).unwrap();
    let result = Memory::default();
    let report = reconstruct(&inputs, &plan, request, &result).unwrap();
    (report, result.files())
}

fn case(directory: &Path) {
    let truth: Value = serde_json::from_slice(&std::fs::read(directory.join("truth.json")).unwrap()).unwrap();
    let baseline = Memory::read(&directory.join("baseline"));
    let log = Memory::read(&directory.join("binlogs"));
    let (files, segments) = (Pieces::files(&log), Pieces::segments(&log, 5));
    for point in truth["points"].as_array().unwrap() {
        let position = format!("{}:{}", point["file"].as_str().unwrap(), point["pos"]);
        let name = format!("{} {position}", directory.display());
        let gtid = point["gtid"].as_str().unwrap().replace('\n', "");
        let mut request = Request::new(CutTarget::Position(position.parse().unwrap()), TableFilter::All);
        request.refusals = RefusalPolicy::Skip;
        let (report, result) = run(&baseline, &files, &request);
        for (table, counts) in &report.tables {
            let expected = point["tables"][&table.table]["rows"].as_u64();
            assert_eq!(Some(counts.rows_written), expected, "{name} {table}");
        }
        let tables = point["tables"].as_object().unwrap();
        let refused = |table: &str| report.refused.iter().any(|refusal| refusal.table.table == table);
        for table in tables.keys() {
            let written = report.tables.keys().any(|own| own.table == *table);
            assert!(written != refused(table), "{name} {table}: neither written nor refused, or both");
        }
        for target in
            [CutTarget::Gtid(gtid.parse().unwrap()), CutTarget::parse_time(point["time"].as_str().unwrap()).unwrap()]
        {
            let request = Request { target, assume_complete_log: true, ..request.clone() };
            let (other, same) = run(&baseline, &files, &request);
            assert_eq!((&other.cut, &other.gtid_set), (&report.cut, &report.gtid_set), "{name} {}", request.target);
            assert!(same == result, "{name} {}: another result", request.target);
        }
        let spilling = Request { memory_budget: 100_000, threads: 3, ..request.clone() };
        assert!(run(&baseline, &files, &spilling).1 == result, "{name}: spilling makes a difference");
        assert!(run(&baseline, &segments, &request).1 == result, "{name}: segments make a difference");
    }
}

#[test]
fn every_case_every_point() {
    let Ok(directory) = std::env::var("BACKTRAIL_CASES") else {
        eprintln!("skipped: BACKTRAIL_CASES does not name the directory of the recorded cases");
        return;
    };
    let mut cases = 0;
    for entry in std::fs::read_dir(&directory).unwrap() {
        case(&entry.unwrap().path());
        cases += 1;
    }
    assert!(cases > 0, "{directory} is empty");
}
