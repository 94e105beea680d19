//! Every row, event and byte is accounted for, and a sum that does not add up fails the run.

#![expect(clippy::disallowed_methods, reason = "the recorded histories are files")]
#![expect(clippy::unwrap_used, clippy::panic, reason = "a test's helpers may panic like the test")]

#[path = "support/memory.rs"]
mod memory;

use std::collections::BTreeMap;
use std::io::{self, Cursor, Read};
use std::path::Path;
use std::sync::atomic::{AtomicU32, Ordering};

use backtrail_binlog::{EventReader, EventType};
use backtrail_domain::{CutTarget, TableFilter, TableName};
use backtrail_reconstruct::{
    Baseline, BinaryLog, EngineError, FileInfo, Inputs, LogPiece, NoObserver, Plan, Promised, Report, Request, plan,
    reconstruct,
};
use memory::{Memory, Pieces};
use sha2::{Digest, Sha256};

const CASES: [&str; 2] = ["mariadb", "mysql"];

fn sha256(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}

struct Case {
    baseline: Memory,
    log: Memory,
    /// By position: its two points, and the end.
    requests: [Request; 2],
}

impl Case {
    fn open(name: &str) -> Self {
        let directory = Path::new("tests/data").join(name);
        let points = std::fs::read_to_string(directory.join("points.tsv")).unwrap();
        let target = |line: &str| CutTarget::Position(line.split('\t').nth(1).unwrap().parse().unwrap());
        let requests: Vec<Request> =
            points.lines().map(|line| Request::new(target(line), TableFilter::All)).take(2).collect();
        Self {
            baseline: Memory::read(&directory.join("baseline")),
            log: Memory::read(&directory.join("binlogs")),
            requests: requests.try_into().unwrap(),
        }
    }
}

fn planned(baseline: &dyn Baseline, log: &dyn BinaryLog, request: &Request) -> Result<Plan, EngineError> {
    plan(&Inputs { baseline, log, spill: &Memory::default(), observer: &NoObserver }, request)
}

fn carried_out(
    baseline: &dyn Baseline,
    log: &dyn BinaryLog,
    request: &Request,
    plan: &Plan,
) -> Result<(Report, Memory), EngineError> {
    let result = Memory::default();
    let inputs = Inputs { baseline, log, spill: &Memory::default(), observer: &NoObserver };
    reconstruct(&inputs, plan, request, &result).map(|report| (report, result))
}

fn run(baseline: &dyn Baseline, log: &dyn BinaryLog, request: &Request) -> Result<(Report, Memory), EngineError> {
    carried_out(baseline, log, request, &planned(baseline, log, request)?)
}

/// An error with its sources.
fn failure<T>(outcome: Result<T, EngineError>) -> String {
    let Err(error) = outcome else { panic!("it did not fail") };
    let mut text = error.to_string();
    let mut source = std::error::Error::source(&error);
    while let Some(error) = source {
        text.push_str(": ");
        text.push_str(&error.to_string());
        source = error.source();
    }
    text
}

#[test]
fn inputs_and_outputs_are_listed_with_their_checksums() {
    for name in CASES {
        let case = Case::open(name);
        for request in &case.requests {
            let segments = Pieces::segments(&case.log, 7);
            for log in [&Pieces::files(&case.log), &segments] {
                let (report, result) = run(&case.baseline, log, request).unwrap();
                let stored = case.baseline.files();
                let listed: Vec<&str> = report.inputs.baseline.iter().map(|file| file.name.as_str()).collect();
                assert_eq!(listed, stored.keys().collect::<Vec<_>>(), "every file of this baseline is needed");
                for file in &report.inputs.baseline {
                    let bytes = &stored[&file.name];
                    assert_eq!((file.reading.bytes, file.reading.whole), (bytes.len() as u64, true), "{}", file.name);
                    assert_eq!(file.reading.sha256, sha256(bytes), "{}", file.name);
                    assert!(!file.reading.compared);
                }
                let rows_read: u64 = report.inputs.baseline.iter().filter_map(|file| file.rows).sum();
                assert_eq!(rows_read, report.rows.rows_read);
                assert!(!report.inputs.log.is_empty());
                for piece in &report.inputs.log {
                    let (_, bytes) = log.0.iter().find(|(own, _)| own.name == piece.name).unwrap();
                    let read = usize::try_from(piece.reading.bytes).unwrap();
                    assert_eq!(piece.reading.sha256, sha256(&bytes[..read]), "{}", piece.name);
                    assert!(!piece.reading.whole || read == bytes.len(), "{}", piece.name);
                }
                assert!(report.inputs.log.iter().rev().skip(1).all(|piece| piece.reading.whole));
                assert_eq!(report.files.len(), result.files().len());
                for file in &report.files {
                    assert_eq!(file.sha256, sha256(&result.files()[&file.name]), "{}", file.name);
                }
                let in_files: u64 = report.files.iter().filter_map(|file| file.rows).sum();
                assert_eq!(in_files, report.rows_written);
            }
        }
    }
}

#[test]
fn every_event_has_a_fate() {
    for name in CASES {
        let case = Case::open(name);
        let request = Request { tables: "shop.items".parse().unwrap(), ..case.requests[1].clone() };
        let (all, _) = run(&case.baseline, &Pieces::files(&case.log), &case.requests[1]).unwrap();
        let (some, _) = run(&case.baseline, &Pieces::files(&case.log), &request).unwrap();
        let events = |report: &Report| (report.events.read, report.events.seen, report.events.row_events);
        assert_eq!(events(&all), events(&some));
        assert!(all.events.before_baseline > 0 && all.events.without_rows > 0);
        assert_eq!(all.events.row_events_not_wanted, 0);
        assert!(some.events.row_events_not_wanted > 0);
        let items: TableName = "shop.items".parse().unwrap();
        assert_eq!(all.row_events[&items], some.row_events[&items]);
        assert_eq!(some.row_events[&items].applied, some.events.row_events_applied);
        let orders = some.row_events[&"shop.orders".parse().unwrap()];
        assert_eq!((orders.seen, orders.applied), (orders.not_wanted, 0));
        assert!(orders.seen > 0);
    }
}

/// A baseline with a manifest.
struct Promising {
    files: Memory,
    promised: BTreeMap<String, Promised>,
}

impl Promising {
    /// The manifest of these files; the rows are those that a run counted.
    fn of(files: &Memory, rows: &Report) -> Self {
        let rows: BTreeMap<&str, Option<u64>> =
            rows.inputs.baseline.iter().map(|file| (file.name.as_str(), file.rows)).collect();
        let promise = |(name, bytes): (String, Vec<u8>)| {
            let rows = rows.get(name.as_str()).copied().flatten();
            (name, Promised { size: bytes.len() as u64, sha256: sha256(&bytes), rows })
        };
        let promised = files.files().into_iter().map(promise).collect();
        let copy = Memory::default();
        files.files().into_iter().for_each(|(name, bytes)| copy.put(&name, bytes));
        Self { files: copy, promised }
    }
}

impl Baseline for Promising {
    fn files(&self) -> io::Result<Vec<FileInfo>> {
        Baseline::files(&self.files)
    }

    fn open(&self, name: &str) -> io::Result<Box<dyn Read + Send>> {
        Baseline::open(&self.files, name)
    }

    fn promised(&self, name: &str) -> Option<Promised> {
        self.promised.get(name).cloned()
    }
}

#[test]
fn a_changed_byte_of_the_baseline_fails_the_run() {
    for name in CASES {
        let case = Case::open(name);
        let (log, request) = (Pieces::files(&case.log), &case.requests[1]);
        let (counted, plain) = run(&case.baseline, &log, request).unwrap();
        let whole = Promising::of(&case.baseline, &counted);
        let (report, result) = run(&whole, &log, request).unwrap();
        assert!(report.inputs.baseline.iter().all(|file| file.reading.compared && file.reading.whole));
        assert_eq!(report.rows, counted.rows);
        assert!(result.files() == plain.files(), "{name}: a manifest makes no difference");
        for (file, bytes) in case.baseline.files() {
            let changed = Promising::of(&case.baseline, &counted);
            // A digit for a digit where there is one: nothing but the checksum can tell.
            let at = bytes.iter().rposition(u8::is_ascii_digit).unwrap_or(bytes.len() - 1);
            let mut other = bytes.clone();
            other[at] = if other[at] == b'7' { b'8' } else { b'7' };
            changed.files.put(&file, other);
            let error = failure(run(&changed, &log, request));
            assert!(error.contains(&file) && error.contains("SHA-256"), "{file}: {error}");
            let mut shorter = bytes.clone();
            shorter.truncate(bytes.len() - 1);
            changed.files.put(&file, shorter);
            let error = failure(run(&changed, &log, request));
            assert!(error.contains(&file), "{file}: {error}");
        }
    }
}

#[test]
fn rows_of_a_file_that_its_manifest_does_not_have() {
    let case = Case::open("mysql");
    let (log, request) = (Pieces::files(&case.log), &case.requests[1]);
    let (counted, _) = run(&case.baseline, &log, request).unwrap();
    let mut promising = Promising::of(&case.baseline, &counted);
    let promised = promising.promised.get_mut("shop.items.sql").unwrap();
    promised.rows = promised.rows.map(|rows| rows + 1);
    let error = failure(run(&promising, &log, request));
    assert!(error.contains("shop.items.sql") && error.contains("its manifest says"), "{error}");
}

/// A file that is shorter than the directory says has lost its end, though it ends behind a statement.
#[test]
fn a_file_of_another_size_than_listed() {
    struct Shorter(Memory);
    impl Baseline for Shorter {
        fn files(&self) -> io::Result<Vec<FileInfo>> {
            let files = Baseline::files(&self.0)?.into_iter();
            Ok(files.map(|file| FileInfo { size: file.size + 1, ..file }).collect())
        }

        fn open(&self, name: &str) -> io::Result<Box<dyn Read + Send>> {
            Baseline::open(&self.0, name)
        }
    }
    let case = Case::open("mariadb");
    let error = failure(run(&Shorter(case.baseline), &Pieces::files(&case.log), &case.requests[0]));
    assert!(error.contains("were stored"), "{error}");
}

#[test]
fn a_row_that_the_metadata_counted_is_missing_from_a_table_that_is_copied() {
    let case = Case::open("mariadb");
    let log = Pieces::files(&case.log);
    let (_, baseline) = run(&case.baseline, &log, &case.requests[0]).unwrap();
    // To where it stands, which changes nothing.
    let (report, _) = run(&baseline, &log, &case.requests[0]).unwrap();
    let items = report.tables[&"shop.items".parse().unwrap()];
    assert!(items.rows_read > 1 && items.rows_read == items.rows_kept);
    let file = report.inputs.baseline.iter().find(|file| file.name.starts_with("shop.items.") && file.rows.is_some());
    let file = &file.unwrap().name;
    let text = baseline.text(file);
    let mut lines: Vec<String> = text.lines().map(str::to_owned).collect();
    let row = lines.iter().rposition(|line| line.starts_with('(') || line.starts_with(",(")).unwrap();
    lines.remove(row);
    let last = lines[row - 1].trim_end_matches([',', ';']).to_owned();
    lines[row - 1] = format!("{last};");
    baseline.put(file, lines.join("\n").into_bytes());
    let error = failure(run(&baseline, &log, &case.requests[0]));
    assert!(error.contains("shop.items") && error.contains("rows of it are missing"), "{error}");
}

/// A log that is another one when it is read for the second time: from the first opening of the second pass on.
struct Changing {
    first: Pieces,
    second: Pieces,
    file: String,
    /// How often the file is opened before it changes.
    openings: AtomicU32,
}

impl BinaryLog for Changing {
    fn pieces(&self) -> io::Result<Vec<LogPiece>> {
        self.first.pieces()
    }

    fn open(&self, piece: &LogPiece) -> io::Result<Box<dyn Read + Send>> {
        if piece.name == self.file
            && self.openings.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |n| n.checked_sub(1)).is_err()
        {
            let (_, bytes) = self.second.0.iter().find(|(own, _)| own == piece).unwrap();
            return Ok(Box::new(Cursor::new(bytes.clone())));
        }
        self.first.open(piece)
    }
}

fn crc32(bytes: &[u8]) -> u32 {
    !bytes.iter().fold(!0_u32, |crc, byte| {
        (0..8).fold(crc ^ u32::from(*byte), |crc, _| (crc >> 1) ^ (0xedb8_8320 & 0_u32.wrapping_sub(crc & 1)))
    })
}

/// Changes the last row event of a file before a place with `change`, and its checksum with it.
fn changed(bytes: &[u8], file: &str, before: u64, change: impl Fn(&mut [u8])) -> Vec<u8> {
    let mut reader = EventReader::new(bytes, file.parse().unwrap()).unwrap();
    let mut found = None;
    while let Some(event) = reader.next_event().unwrap() {
        if event.header.event_type.is_rows() && event.offset.unwrap() < before {
            found = event.offset.map(|offset| (usize::try_from(offset).unwrap(), event.raw.len()));
        }
    }
    let (start, length) = found.unwrap();
    let mut bytes = bytes.to_vec();
    let event = &mut bytes[start..start + length];
    change(event);
    let (content, sum) = event.split_at_mut(length - 4);
    sum.copy_from_slice(&crc32(content).to_le_bytes());
    bytes
}

#[test]
fn an_event_that_is_not_applied_fails_the_run() {
    for name in CASES {
        let case = Case::open(name);
        let request = &case.requests[1];
        let first = Pieces::files(&case.log);
        let plan = planned(&case.baseline, &first, request).unwrap();
        // A file that is read to its end: what is done to it is seen in any case.
        let piece = plan.log.iter().find(|piece| piece.file < plan.cut.position.file && piece.to > 1000).unwrap();
        let (file, end) = (piece.name.clone(), piece.to);
        let changing = |change: &dyn Fn(&mut [u8])| {
            let mut second = first.clone();
            let piece = second.0.iter_mut().find(|(piece, _)| piece.name == file).unwrap();
            piece.1 = changed(&piece.1, &file, end, change);
            Changing { first: first.clone(), second, file: file.clone(), openings: AtomicU32::new(0) }
        };
        // The event is there, but as one that is passed over.
        let annotation = if name == "mariadb" { EventType::ANNOTATE_ROWS } else { EventType::ROWS_QUERY };
        let lost = changing(&|event| event[4] = annotation.0);
        let error = failure(carried_out(&case.baseline, &lost, request, &plan));
        assert!(error.contains("does not balance") && error.contains("row events"), "{error}");
        // The same event with another value: the counts agree, the bytes do not.
        let other = changing(&|event| {
            let at = event[..event.len() - 4].iter().rposition(u8::is_ascii_lowercase).unwrap();
            event[at] = if event[at] == b'x' { b'y' } else { b'x' };
        });
        let error = failure(carried_out(&case.baseline, &other, request, &plan));
        assert!(error.contains("has other bytes") || error.contains("does not fit"), "{error}");
    }
}

#[test]
fn a_plan_with_other_numbers_is_not_carried_out() {
    let case = Case::open("mysql");
    let (log, request) = (Pieces::files(&case.log), &case.requests[1]);
    let plan = planned(&case.baseline, &log, request).unwrap();
    carried_out(&case.baseline, &log, request, &plan).unwrap();
    let items: TableName = "shop.items".parse().unwrap();
    let changes: [&dyn Fn(&mut Plan); 5] = [
        &|plan| {
            plan.events.seen += 1;
            plan.events.read += 1;
            plan.events.without_rows += 1;
        },
        &|plan| plan.events.row_events_applied -= 1,
        &|plan| plan.row_events.get_mut(&items).unwrap().applied -= 1,
        &|plan| plan.row_events.retain(|name, _| *name != items),
        &|plan| {
            let counts = plan.row_events.get_mut(&items).unwrap();
            counts.applied -= 1;
            counts.rolled_back += 1;
            plan.events.row_events_applied -= 1;
            plan.events.row_events_rolled_back += 1;
        },
    ];
    for (number, change) in changes.into_iter().enumerate() {
        let mut plan = plan.clone();
        change(&mut plan);
        let error = failure(carried_out(&case.baseline, &log, request, &plan));
        assert!(error.contains("does not balance"), "change {number}: {error}");
    }
}
