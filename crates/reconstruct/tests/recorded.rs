//! Recorded histories rebuilt in all ways there are, and compared with what mydumper saw on the server.

#![expect(clippy::disallowed_methods, reason = "the recorded histories are files")]
#![expect(clippy::unwrap_used, clippy::panic, reason = "a test's helpers may panic like the test")]

#[path = "support/memory.rs"]
mod memory;
mod support {
    pub(crate) use super::memory;
}
#[path = "support/rows.rs"]
mod rows;

use std::path::PathBuf;

use backtrail_domain::{CutTarget, TableFilter};
use backtrail_reconstruct::{
    BinaryLog, Compression, EngineError, Inputs, NoObserver, Plan, RefusalPolicy, Report, Request, TableAction, plan,
    reconstruct,
};
use memory::{Memory, Pieces};

struct Case {
    baseline: Memory,
    log: Memory,
    directory: PathBuf,
}

struct Point {
    expected: Memory,
    targets: Vec<CutTarget>,
}

impl Case {
    fn open(name: &str) -> Self {
        let directory = PathBuf::from("tests/data").join(name);
        Self {
            baseline: Memory::read(&directory.join("baseline")),
            log: Memory::read(&directory.join("binlogs")),
            directory,
        }
    }

    fn points(&self) -> Vec<Point> {
        let table = std::fs::read_to_string(self.directory.join("points.tsv")).unwrap();
        let point = |line: &str| {
            let fields: Vec<&str> = line.split('\t').collect();
            Point {
                expected: Memory::read(&self.directory.join(fields[0])),
                targets: vec![
                    CutTarget::Position(fields[1].parse().unwrap()),
                    CutTarget::Gtid(fields[2].parse().unwrap()),
                    CutTarget::parse_time(fields[3]).unwrap(),
                ],
            }
        };
        table.lines().map(point).collect()
    }

    fn files(&self) -> Pieces {
        Pieces::files(&self.log)
    }
}

fn run(baseline: &Memory, log: &dyn BinaryLog, request: &Request) -> Result<(Plan, Report, Memory), EngineError> {
    let spill = Memory::default();
    let inputs = Inputs { baseline, log, spill: &spill, observer: &NoObserver };
    let plan = plan(&inputs, request)?;
    let result = Memory::default();
    let report = reconstruct(&inputs, &plan, request, &result)?;
    Ok((plan, report, result))
}

#[track_caller]
fn check(case: &Case, point: &Point, log: &dyn BinaryLog, request: &Request) -> Memory {
    let (_, report, result) = run(&case.baseline, log, request).unwrap();
    let expected = rows::rows(&point.expected, &case.baseline);
    let got = rows::rows(&result, &case.baseline);
    assert_eq!(got.keys().collect::<Vec<_>>(), expected.keys().collect::<Vec<_>>(), "{}", request.target);
    for (table, rows) in &expected {
        assert_eq!(got[table].len(), rows.len(), "{} {table}", request.target);
        assert!(got[table] == *rows, "{} {table}: the rows differ", request.target);
        assert_eq!(report.tables[table].rows_written, rows.len() as u64);
    }
    for file in &report.files {
        assert_eq!(result.files()[&file.name].len() as u64, file.size, "{}", file.name);
    }
    assert_eq!(report.files.len(), result.files().len());
    result
}

const CASES: [&str; 2] = ["mariadb", "mysql"];

#[test]
fn every_point_by_position_gtid_and_time() {
    for name in CASES {
        let case = Case::open(name);
        for point in case.points() {
            for target in &point.targets {
                check(&case, &point, &case.files(), &Request::new(target.clone(), TableFilter::All));
            }
        }
    }
}

#[test]
fn the_way_does_not_matter() {
    for name in CASES {
        let case = Case::open(name);
        for point in case.points() {
            let usual = Request::new(point.targets[0].clone(), TableFilter::All);
            let result = check(&case, &point, &case.files(), &usual);
            let spilling = Request { memory_budget: 1, threads: 4, ..usual.clone() };
            assert!(check(&case, &point, &case.files(), &spilling).files() == result.files(), "{name}: spilling");
            for transactions in [1, 7, 1000] {
                let segments = Pieces::segments(&case.log, transactions);
                for target in &point.targets {
                    let request = Request { target: target.clone(), ..usual.clone() };
                    check(&case, &point, &segments, &request);
                }
            }
            for compression in [Compression::Gzip, Compression::Zstd] {
                check(&case, &point, &case.files(), &Request { compression, ..usual.clone() });
            }
        }
    }
}

#[test]
fn a_result_is_a_baseline() {
    for name in CASES {
        let case = Case::open(name);
        let points = case.points();
        let first = Request::new(points[0].targets[0].clone(), TableFilter::All);
        let (_, _, result) = run(&case.baseline, &case.files(), &first).unwrap();
        let between = Case { baseline: result, ..Case::open(name) };
        for target in &points[1].targets {
            check(&between, &points[1], &case.files(), &Request::new(target.clone(), TableFilter::All));
        }
        // And to where it stands, which changes nothing.
        let (_, report, again) = run(&between.baseline, &case.files(), &first).unwrap();
        assert_eq!(report.events.row_events, 0);
        assert_eq!(rows::rows(&again, &case.baseline), rows::rows(&between.baseline, &case.baseline));
    }
}

/// A baseline that stands where nothing has been archived yet: what nobody has to look up in a log is known without one.
#[test]
fn without_a_log_the_baseline_itself_can_be_rebuilt() {
    for name in CASES {
        let case = Case::open(name);
        let points = case.points();
        let first = Request::new(points[0].targets[0].clone(), TableFilter::All);
        let (_, _, result) = run(&case.baseline, &case.files(), &first).unwrap();
        let there = Case { baseline: result, ..Case::open(name) };
        let nothing = Pieces::default();
        for target in &points[0].targets[..2] {
            check(&there, &points[0], &nothing, &Request::new(target.clone(), TableFilter::All));
        }
        // By time only where it is known that nothing had followed, and never because somebody takes it so.
        let CutTarget::Time(time) = points[0].targets[2] else { panic!("no time") };
        let by_time = Request { baseline_instant: Some(time), ..Request::new(CutTarget::Time(time), TableFilter::All) };
        check(&there, &points[0], &nothing, &Request { covered_until: Some(time), ..by_time.clone() });
        let early = time - std::time::Duration::from_secs(1);
        let later = Request::new(points[1].targets[0].clone(), TableFilter::All);
        for request in [
            by_time.clone(),
            Request { covered_until: Some(early), ..by_time.clone() },
            Request { assume_complete_log: true, ..by_time },
            later,
        ] {
            let error = run(&there.baseline, &nothing, &request).unwrap_err();
            assert!(matches!(error, EngineError::TargetNotCovered { .. }), "{error}");
        }
    }
}

#[test]
fn a_damaged_segment_is_named() {
    let case = Case::open("mariadb");
    let request = Request::new(case.points()[1].targets[0].clone(), TableFilter::All);
    let whole = Pieces::segments(&case.log, 7);
    let middle = whole.0.len() / 2;
    let name = whole.0[middle].0.name.clone();
    let plain = zstd::decode_all(whole.0[middle].1.as_slice()).unwrap();
    let stored = whole.0[middle].1.clone();
    let mut flipped = stored.clone();
    flipped[stored.len() / 2] ^= 0x55;
    for damaged in [
        flipped,
        stored[..stored.len() / 2].to_vec(),
        stored[..2].to_vec(),
        Vec::new(),
        plain[..plain.len() - 3].to_vec(),
        plain[..plain.len() / 2].to_vec(),
        b"something else".to_vec(),
    ] {
        let mut log = whole.clone();
        log.0[middle].1 = damaged;
        let error = run(&case.baseline, &log, &request).unwrap_err();
        let chain = format!("{error} {:?}", std::error::Error::source(&error));
        assert!(error.to_string().contains(&name), "{chain}");
        assert!(!error.retryable(), "a second try meets the same: {chain}");
    }
}

#[test]
fn some_tables() {
    let case = Case::open("mariadb");
    let target = case.points()[1].targets[0].clone();
    let request = Request::new(target.clone(), "shop.orders,shop.quiet".parse().unwrap());
    let (_, report, result) = run(&case.baseline, &case.files(), &request).unwrap();
    let tables: Vec<String> = report.tables.keys().map(ToString::to_string).collect();
    assert_eq!(tables, ["shop.orders", "shop.quiet"]);
    assert!(report.events.row_events_not_wanted > 0);
    assert!(result.files().keys().all(|name| !name.contains("items")));
    let unknown = Request::new(target, "shop.orders,shop.nothing".parse().unwrap());
    let error = run(&case.baseline, &case.files(), &unknown).unwrap_err();
    assert!(error.to_string().contains("shop.nothing"), "{error}");
}

#[test]
fn a_table_is_followed_through_an_alter() {
    for name in CASES {
        let case = Case::open(name);
        let end = case.log.files().into_iter().rev().find(|(_, bytes)| bytes.len() > 1000).unwrap();
        let mut request = Request::new(CutTarget::parse_time("2100-01-01T00:00:00Z").unwrap(), TableFilter::All);
        let error = run(&case.baseline, &case.files(), &request).map(|_| ()).unwrap_err();
        assert!(matches!(error, EngineError::TargetNotCovered { .. }), "{error}");
        request.assume_complete_log = true;
        let (plan, report, result) = run(&case.baseline, &case.files(), &request).unwrap();
        let table = "shop.gen".parse().unwrap();
        let TableAction::Merge { eras, .. } = &plan.tables[&table] else { panic!("{:?}", plan.tables[&table]) };
        assert_eq!(eras.len(), 2);
        let from = eras[1].from.as_ref().unwrap();
        assert!(from.to_string().contains(&end.0) && eras[1].statement.as_ref().unwrap().contains("ALTER TABLE gen"));
        assert!(result.text("shop.gen-schema.sql").contains("ALTER TABLE `gen`"));
        assert_eq!(
            report.tables[&table].rows_written,
            report.tables[&table].rows_read + report.tables[&table].inserts - report.tables[&table].deletes
        );
        // The result is a baseline like any other.
        let (_, again, _) = run(&result, &case.files(), &request).unwrap();
        assert_eq!(again.tables[&table].rows_written, report.tables[&table].rows_written);
    }
}

/// A statement that has no faithful map refuses its table alone, and by name.
#[test]
fn a_statement_that_cannot_be_followed_refuses_its_table() {
    for name in CASES {
        let case = Case::open(name);
        let mut request = Request::new(CutTarget::parse_time("2100-01-01T00:00:00Z").unwrap(), TableFilter::All);
        request.assume_complete_log = true;
        request.refusals = RefusalPolicy::Fail;
        // The dump lacks the values of a column that is no longer computed.
        let text = case.baseline.text("shop.gen-schema.sql").replace("STORED", "STORED INVISIBLE");
        assert_ne!(text, case.baseline.text("shop.gen-schema.sql"));
        let other = Memory::default();
        case.baseline.files().into_iter().for_each(|(name, bytes)| other.put(&name, bytes));
        other.put("shop.gen-schema.sql", text.replace("`d` text", "`z` text").into_bytes());
        let error = run(&other, &case.files(), &request).map(|_| ()).unwrap_err().to_string();
        assert!(error.contains("shop.gen"), "{error}");
        request.refusals = RefusalPolicy::Skip;
        let (_, report, result) = run(&other, &case.files(), &request).unwrap();
        assert_eq!(report.refused.len(), 1);
        assert!(report.warnings.iter().any(|warning| warning.contains("shop.gen")));
        assert!(!result.files().keys().any(|name| name.contains("gen")));
    }
}

fn position(text: &str) -> Request {
    Request::new(CutTarget::Position(text.parse().unwrap()), TableFilter::All)
}

fn refusal(case: &Case, log: &dyn BinaryLog, request: &Request) -> String {
    run(&case.baseline, log, request).unwrap_err().to_string()
}

#[test]
fn targets_that_cannot_be() {
    let case = Case::open("mysql");
    let log = case.files();
    let inside = refusal(&case, &log, &position("binlog.000001:56614"));
    assert!(inside.contains("not between two transactions") && inside.contains("binlog.000001:56615"), "{inside}");
    let before = refusal(&case, &log, &position("binlog.000001:40000"));
    assert!(before.contains("lies before the baseline"), "{before}");
    let behind = refusal(&case, &log, &position("binlog.000009:4"));
    assert!(behind.contains("not covered"), "{behind}");
    let nowhere = refusal(&case, &log, &position("binlog.000001:999999"));
    assert!(nowhere.contains("the file ends at"), "{nowhere}");
    let early = Request::new(CutTarget::parse_time("2026-11-23T09:43:51Z").unwrap(), TableFilter::All);
    let early = refusal(&case, &log, &early);
    assert!(early.contains("lies before the baseline"), "{early}");
    let foreign = Request::new(CutTarget::Gtid("0-1-5".parse().unwrap()), TableFilter::All);
    let foreign = refusal(&case, &log, &foreign);
    assert!(foreign.contains("no meaning"), "{foreign}");
}

#[test]
fn gaps_are_found() {
    for name in CASES {
        let case = Case::open(name);
        let target = case.points()[1].targets[0].clone();
        let mut request = Request::new(target, TableFilter::All);
        let mut segments = Pieces::segments(&case.log, 3);
        let baseline = plan(
            &Inputs { baseline: &case.baseline, log: &segments, spill: &Memory::default(), observer: &NoObserver },
            &request,
        )
        .unwrap()
        .baseline
        .position;
        let missing = segments
            .0
            .iter()
            .position(|(piece, _)| piece.file == baseline.file && piece.start > baseline.offset)
            .unwrap();
        let (lost, _) = segments.0.remove(missing);
        let error = refusal(&case, &segments, &request);
        assert!(error.contains("gap") && error.contains(&format!("{}:{}", lost.file, lost.start)), "{error}");
        request.allow_gaps = true;
        let inputs =
            Inputs { baseline: &case.baseline, log: &segments, spill: &Memory::default(), observer: &NoObserver };
        let crossed = plan(&inputs, &request).unwrap();
        assert_eq!(crossed.gaps.len(), 1);
        assert_eq!((crossed.gaps[0].from.offset, crossed.gaps[0].to.offset), (lost.start, lost.end.unwrap()));
        assert!(!crossed.warnings.is_empty());
    }
}

#[test]
fn a_log_file_cut_short_is_a_gap() {
    for name in CASES {
        let case = Case::open(name);
        let target = case.points()[1].targets[0].clone();
        let request = Request::new(target, TableFilter::All);
        // The first file ends behind an earlier transaction, as if it had been copied while the server wrote.
        let segments = Pieces::segments(&case.log, 1);
        let ends: Vec<u64> = segments
            .0
            .iter()
            .filter(|(piece, _)| piece.file.number() == 1)
            .filter_map(|(piece, _)| piece.end)
            .collect();
        let mut log = case.files();
        log.0[0].1.truncate(usize::try_from(ends[ends.len() - 4]).unwrap());
        let error = refusal(&case, &log, &request);
        assert!(error.contains("gap"), "{error}");
        // A whole file missing.
        let mut log = case.files();
        log.0.remove(0);
        let error = refusal(&case, &log, &request);
        assert!(error.contains("does not reach back"), "{error}");
    }
}

#[test]
fn a_history_that_does_not_fit_is_found() {
    let case = Case::open("mariadb");
    let target = case.points()[1].targets[0].clone();
    let request = Request::new(target, TableFilter::All);
    // A row too few and a row too many in the baseline.
    let text = case.baseline.text("shop.items.sql");
    let rows: Vec<&str> = text.lines().collect();
    let first = rows.iter().position(|line| line.starts_with('(')).unwrap();
    let mut fewer = rows.clone();
    fewer.remove(first);
    let less = Memory::default();
    case.baseline.files().into_iter().for_each(|(name, bytes)| less.put(&name, bytes));
    less.put("shop.items.sql", fewer.join("\n").into_bytes());
    let outcome = run(&less, &case.files(), &request);
    let error = outcome.err().map(|error| error.to_string()).unwrap_or_default();
    assert!(error.contains("does not fit") && error.contains("shop.items"), "{error}");
    let mut more = rows.clone();
    more.insert(first, rows[first]);
    less.put("shop.items.sql", more.join("\n").into_bytes());
    let error = run(&less, &case.files(), &request).err().map(|error| error.to_string()).unwrap_or_default();
    assert!(error.contains("shop.items"), "{error}");
    // A file cut short.
    less.put("shop.items.sql", text.as_bytes()[..text.len() - 10].to_vec());
    let error = run(&less, &case.files(), &request).err().unwrap();
    assert!(matches!(error, EngineError::BaselineData { .. }), "{error}");
}

#[test]
fn a_dump_that_is_no_baseline() {
    let case = Case::open("mariadb");
    let request = position("binlog.000002:4");
    let metadata = case.baseline.text("metadata");
    let with = |text: &str| {
        let files = case.baseline.files();
        let other = Memory::default();
        files.into_iter().for_each(|(name, bytes)| other.put(&name, bytes));
        other.put("metadata", text.as_bytes().to_vec());
        run(&other, &case.files(), &request).map(|_| ()).unwrap_err()
    };
    let unfinished: String =
        metadata.lines().filter(|line| !line.starts_with("Finished")).map(|l| format!("{l}\n")).collect();
    assert!(matches!(with(&unfinished), EngineError::BaselineIncomplete { .. }));
    let nowhere: String =
        metadata.lines().filter(|line| line.contains("dump at")).map(|line| format!("{line}\n")).collect();
    assert!(matches!(with(&nowhere), EngineError::NoCoordinates));
    let elsewhere = metadata.replace("Pos: ", "Pos: 1");
    assert!(matches!(with(&elsewhere), EngineError::LogDoesNotReachBaseline { .. }));
    let files = case.baseline.files();
    let partial = Memory::default();
    files.into_iter().filter(|(name, _)| name != "metadata").for_each(|(name, bytes)| partial.put(&name, bytes));
    partial.put("metadata.partial", unfinished.into_bytes());
    let error = run(&partial, &case.files(), &request).map(|_| ()).unwrap_err();
    assert!(error.to_string().contains("not finished"), "{error}");
}

/// mydumper 0.10 takes a column with DEFAULT CURRENT_TIMESTAMP on MySQL 8 for a generated one and leaves it out.
#[test]
fn a_dump_that_lacks_a_column_is_refused_though_nothing_changed() {
    let case = Case::open("mariadb");
    let baseline = Memory::default();
    case.baseline.files().into_iter().for_each(|(name, bytes)| baseline.put(&name, bytes));
    let rows =
        case.baseline.text("shop.quiet.sql").replace("INSERT INTO `quiet` VALUES", "INSERT INTO `quiet` (`id`) VALUES");
    baseline.put("shop.quiet.sql", rows.into_bytes());
    let target = case.points()[0].targets[0].clone();
    let request = Request { refusals: RefusalPolicy::Fail, ..Request::new(target, TableFilter::All) };
    let error = run(&baseline, &case.files(), &request).unwrap_err().to_string();
    assert!(error.contains("shop.quiet: the dump lacks its column `v`"), "{error}");
}

/// Its row events belong to no era, and were once overlooked: the table was copied as it had been.
#[test]
fn a_changed_table_whose_definition_cannot_be_read_is_refused() {
    let case = Case::open("mariadb");
    let baseline = Memory::default();
    case.baseline.files().into_iter().for_each(|(name, bytes)| baseline.put(&name, bytes));
    let definition = case.baseline.text("shop.items-schema.sql").replace("CREATE TABLE", "CREATE WONDROUS TABLE");
    baseline.put("shop.items-schema.sql", definition.into_bytes());
    let mut request = Request::new(case.points()[0].targets[0].clone(), TableFilter::All);
    request.refusals = RefusalPolicy::Fail;
    let error = run(&baseline, &case.files(), &request).unwrap_err().to_string();
    assert!(error.contains("shop.items: its definition cannot be read"), "{error}");
    request.refusals = RefusalPolicy::Skip;
    let (_, report, _) = run(&baseline, &case.files(), &request).unwrap();
    let refused: Vec<String> = report.refused.iter().map(|refusal| refusal.table.to_string()).collect();
    assert_eq!(refused, ["shop.items"]);
}

/// Two threads of myloader that begin with two files of one table must not end in MariaDB's deadlock.
#[test]
fn every_file_of_a_table_in_several_has_unique_checks_on() {
    let case = Case::open("mariadb");
    let (baseline, mut files) = (Memory::default(), case.baseline.files());
    let rows = files.remove("shop.quiet.sql").unwrap();
    let empty = case.baseline.text("shop.quiet.sql").split("INSERT").next().unwrap().to_owned();
    files.into_iter().for_each(|(name, bytes)| baseline.put(&name, bytes));
    baseline.put("shop.quiet.00000.sql", rows);
    baseline.put("shop.quiet.00001.sql", empty.into_bytes());
    let request = Request::new(case.points()[0].targets[0].clone(), TableFilter::All);
    let (_, _, result) = run(&baseline, &case.files(), &request).unwrap();
    for (name, bytes) in result.files() {
        let text = String::from_utf8_lossy(&bytes);
        let single = name.starts_with("shop.") && !name.contains("schema") && !name.starts_with("shop.quiet.");
        if name.starts_with("shop.quiet.0") || (single && text.contains("ALLOW_INVALID_DATES")) {
            assert!(text.contains("SET UNIQUE_CHECKS=1"), "{name}");
        }
    }
}
