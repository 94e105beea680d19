//! Every file of the shared recordings is read to its end, or fails where and as it should; the recordings' truth is
//! compared with what the transaction tracker says. `BACKTRAIL_CASES` names the directory of recorded cases, beside which
//! the directory `binlogs` has single files of many servers.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test's helpers fail as its tests do")]
#![expect(clippy::disallowed_methods, reason = "tests read files")]
#![expect(clippy::disallowed_types, reason = "tests read files")]

use std::collections::BTreeMap;
use std::fs::File;
use std::io::BufReader;
use std::path::{Path, PathBuf};

use backtrail_binlog::{
    BinlogError, Boundary, ColumnImage, Event, EventBody, EventReader, TableMaps, TransactionTracker, decode_value,
    json,
};

fn cases() -> Option<PathBuf> {
    let cases = std::env::var_os("BACKTRAIL_CASES").map(PathBuf::from);
    if cases.is_none() {
        eprintln!("BACKTRAIL_CASES is not set: nothing to read");
    }
    cases
}

fn files(directory: &Path) -> Vec<PathBuf> {
    let mut files: Vec<_> = std::fs::read_dir(directory).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    files
}

fn open(path: &Path) -> Result<EventReader<BufReader<File>>, BinlogError> {
    let name = path.file_name().unwrap().to_str().unwrap();
    // Some single files have no number in their names.
    let name = name.parse().or_else(|_| format!("{name}.000001").parse()).unwrap();
    EventReader::new(BufReader::new(File::open(path).unwrap()), name)
}

#[derive(Debug, Default, PartialEq)]
struct Seen {
    events: usize,
    rows: usize,
    values: usize,
    commits: usize,
}

/// Decodes everything in an event.
fn decode(event: &Event<'_>, tables: &mut TableMaps, seen: &mut Seen) -> Result<(), BinlogError> {
    seen.events += 1;
    match event.body()? {
        EventBody::TableMap(_) => drop(tables.insert(event)?),
        EventBody::Rows(rows) => {
            let table = tables.get(rows.table_id).unwrap_or_else(|| panic!("{}: no table", event.place()));
            let mut changes = rows.rows(table).map_err(|problem| event.corrupt(problem))?;
            while let Some(change) = changes.next_row().map_err(|problem| event.corrupt(problem))? {
                seen.rows += 1;
                for image in [change.before, change.after].into_iter().flatten() {
                    for (image, column) in image.columns().iter().zip(&table.columns) {
                        if let ColumnImage::Bytes(raw) = image {
                            let value = decode_value(column.kind, column.unsigned == Some(true), raw)
                                .map_err(|problem| event.corrupt(problem))?;
                            if let backtrail_binlog::Value::Json(binary) = value {
                                let text = json::to_text(binary).unwrap();
                                assert_eq!(json::Document::from_binary(binary).unwrap().to_text(), text);
                                let from_text = json::Document::from_text(&text).unwrap();
                                assert_eq!(from_text.to_text(), text, "key order and text survive");
                            }
                            seen.values += 1;
                        }
                    }
                }
            }
        }
        EventBody::TransactionPayload(payload) => {
            let mut inner = payload.events()?;
            while let Some(event) = inner.next_event()? {
                decode(&event, tables, seen)?;
            }
        }
        EventBody::Unknown => panic!("{}: {}", event.place(), event.header.event_type),
        _ => {}
    }
    Ok(())
}

fn read(path: &Path) -> (Seen, Result<(), BinlogError>) {
    let mut seen = Seen::default();
    let result = (|| {
        let mut reader = open(path)?;
        let (mut tracker, mut tables) = (TransactionTracker::new(), TableMaps::new());
        while let Some(event) = reader.next_event()? {
            let boundary = tracker.observe(&event)?;
            seen.commits += usize::from(boundary.ending().is_some());
            decode(&event, &mut tables, &mut seen)?;
        }
        assert!(tracker.at_boundary(), "{}: ends within a transaction", path.display());
        Ok(())
    })();
    (seen, result)
}

/// Files that are not whole, or too old: the end of what is good in them, and a part of what is said.
const UNREADABLE: [(&str, u64, &str); 5] = [
    ("binlog_truncated_event.000001", 4, "the file ends within an event: 10 of 19 bytes"),
    ("binlog_truncated_prev_gtid_event.000001", 120, "9 of 19 bytes; the server had not closed this file"),
    // A relay log that lost the BEGIN of a transaction.
    ("corrupt-relay-bin.000624", 4264, "XID_EVENT ends a transaction that has not begun"),
    ("ver_5_1-wl2325_r.001", 428, "XID_EVENT ends a transaction that has not begun"),
    ("ver_5_1-wl2325_s.001", 411, "PRE_GA_WRITE_ROWS_EVENT cannot be understood"),
];

#[test]
fn every_single_file() {
    let Some(cases) = cases() else { return };
    let mut unreadable = 0;
    for path in files(&cases.join("../binlogs")) {
        let (seen, result) = read(&path);
        let name = path.file_name().unwrap().to_str().unwrap();
        match UNREADABLE.iter().find(|(file, ..)| *file == name) {
            None => {
                result.unwrap_or_else(|error| panic!("{error}: {:?}", std::error::Error::source(&error)));
                assert!(seen.events > 1);
            }
            Some((_, offset, problem)) => {
                let error = result.unwrap_err();
                assert_eq!(error.place().offset, Some(*offset), "{error}");
                assert!(error.to_string().contains(problem), "{error}");
                unreadable += 1;
            }
        }
    }
    assert_eq!(unreadable, UNREADABLE.len());
}

#[test]
fn every_case_and_its_truth() {
    let Some(cases) = cases() else { return };
    for case in files(&cases) {
        let truth: serde_json::Value =
            serde_json::from_slice(&std::fs::read(case.join("truth.json")).unwrap()).unwrap();
        let mut points: BTreeMap<(String, u64), (String, i64)> = truth["points"]
            .as_array()
            .unwrap()
            .iter()
            .map(|point| {
                let text = |name: &str| point[name].as_str().unwrap().to_owned();
                let time = time::OffsetDateTime::parse(&text("time"), &time::format_description::well_known::Rfc3339);
                let place = (text("file"), point["pos"].as_u64().unwrap());
                (place, (text("gtid"), time.unwrap().unix_timestamp() * 1_000_000))
            })
            .collect();
        let (mut tracker, mut seen) = (TransactionTracker::new(), Seen::default());
        let mut last_commit = 0;
        let mut awaited_time = None;
        for path in files(&case.join("binlogs")) {
            let name = path.file_name().unwrap().to_str().unwrap().to_owned();
            let mut tables = TableMaps::new();
            let mut reader = open(&path).unwrap();
            while let Some(event) = reader.next_event().unwrap() {
                let boundary = tracker.observe(&event).unwrap();
                decode(&event, &mut tables, &mut seen).unwrap();
                if let Some(info) = boundary.ending() {
                    seen.commits += 1;
                    assert!(matches!(boundary, Boundary::Commits(_) | Boundary::Standalone(_)), "{boundary:?}");
                    assert_eq!(info.end, event.end());
                    if let Some(time) = awaited_time.take() {
                        assert!(last_commit < time, "{}: {last_commit} {time}", event.place());
                        assert!(time < info.commit_time_micros, "{}: {time} {info:?}", event.place());
                    }
                    last_commit = info.commit_time_micros;
                }
                if let Some((gtid, time)) = points.remove(&(name.clone(), event.end().unwrap())) {
                    assert!(tracker.at_boundary(), "{}", event.place());
                    assert_eq!(tracker.executed().unwrap().to_string(), gtid, "{}", event.place());
                    awaited_time = Some(time);
                }
            }
            assert!(tracker.at_boundary());
        }
        assert!(points.is_empty(), "{}: {points:?}", case.display());
        println!("{}: {seen:?}", case.file_name().unwrap().display());
    }
}
