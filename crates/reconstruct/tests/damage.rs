//! Bytes that changed where they are stored, and still make sense, show as contradictions: the file is named that is not
//! what was stored.

#![expect(clippy::disallowed_methods, reason = "what tests share also reads recorded histories, which are files")]
#![expect(clippy::unwrap_used, reason = "a test's helpers may panic like the test")]

#[path = "support/log.rs"]
#[expect(dead_code, reason = "other tests use the rest")]
mod log;
#[path = "support/memory.rs"]
#[expect(dead_code, reason = "other tests use the rest")]
mod memory;

use std::io::{self, Read};

use backtrail_domain::{CutTarget, TableFilter};
use backtrail_reconstruct::{
    Baseline, BinaryLog, DamagedInput, EngineError, FileInfo, Inputs, LogPiece, NoObserver, Promised, Request, plan,
    reconstruct,
};
use log::{Log, baseline, pieces};
use memory::{Memory, Pieces};
use sha2::{Digest, Sha256};

fn promise(bytes: &[u8]) -> Promised {
    let sha256 = Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect();
    Promised { size: bytes.len() as u64, sha256, rows: None }
}

/// What is there, and what was stored.
struct StoredBaseline {
    now: Memory,
    then: Memory,
}

impl Baseline for StoredBaseline {
    fn files(&self) -> io::Result<Vec<FileInfo>> {
        Baseline::files(&self.now)
    }

    fn open(&self, name: &str) -> io::Result<Box<dyn Read + Send>> {
        Baseline::open(&self.now, name)
    }

    fn promised(&self, name: &str) -> Option<Promised> {
        self.then.files().get(name).map(|bytes| promise(bytes))
    }
}

struct StoredLog {
    now: Pieces,
    then: Pieces,
}

impl BinaryLog for StoredLog {
    fn pieces(&self) -> io::Result<Vec<LogPiece>> {
        self.now.pieces()
    }

    fn open(&self, piece: &LogPiece) -> io::Result<Box<dyn Read + Send>> {
        BinaryLog::open(&self.now, piece)
    }

    fn promised(&self, piece: &LogPiece) -> Option<Promised> {
        self.then.0.iter().find(|(own, _)| own == piece).map(|(_, bytes)| promise(bytes))
    }
}

/// Row 9 comes to `t`, which is then called `u`, and `v` takes its name, and gets row 8.
fn history() -> (Log, String) {
    let mut log = Log::file("binlog.000001", "8.0.40", false, false);
    log.gtid(0, 1, false).insert("t", &[(9, 9)]).commit();
    log.gtid(0, 2, true).query("RENAME TABLE d.t TO d.u, d.v TO d.t");
    log.gtid(0, 3, false).update("t", (1, 1), (1, 7)).insert("t", &[(8, 8)]).commit();
    let cut = log.end();
    // The piece is not read to its end.
    for sequence in 4..44 {
        log.gtid(0, sequence, false).insert("t", &[(100, 1); 2000]).commit();
    }
    (log, cut)
}

fn replaced(bytes: &[u8], old: &[u8], new: &[u8]) -> Vec<u8> {
    let at = (0..bytes.len()).find(|at| bytes[*at..].starts_with(old)).unwrap();
    [&bytes[..at], new, &bytes[at + old.len()..]].concat()
}

fn run(baseline: &StoredBaseline, log: &StoredLog, cut: &str) -> Result<(), EngineError> {
    let (spill, result) = (Memory::default(), Memory::default());
    let inputs = Inputs { baseline, log, spill: &spill, observer: &NoObserver };
    let request = Request::new(CutTarget::Position(cut.parse().unwrap()), TableFilter::All);
    let plan = plan(&inputs, &request)?;
    reconstruct(&inputs, &plan, &request, &result).map(|_| ())
}

#[test]
fn the_file_behind_a_contradiction_is_named() {
    let (history, cut) = history();
    let start = Log::file("binlog.000001", "8.0.40", false, false).end();
    let whole = baseline(&start, &[("t", "InnoDB"), ("v", "InnoDB")]);
    let log = pieces(&[&history]);
    let changed = |file: &str, old: &str, new: &str| {
        let copy = Memory::default();
        whole.files().into_iter().for_each(|(name, bytes)| copy.put(&name, bytes));
        if !file.is_empty() {
            copy.put(file, replaced(&whole.files()[file], old.as_bytes(), new.as_bytes()));
        }
        StoredBaseline { now: copy, then: whole.clone() }
    };
    let with_log = |old: &[u8], new: &[u8]| {
        let mut now = log.clone();
        let bytes = &mut now.0[0].1;
        *bytes = replaced(bytes, old, new);
        StoredLog { now, then: log.clone() }
    };
    run(&changed("", "", ""), &with_log(b"", b""), &cut).unwrap();

    let damaged = |outcome: Result<(), EngineError>| match outcome {
        Err(error @ EngineError::Damaged { .. }) => {
            assert!(error.is_damage() && !error.retryable());
            let EngineError::Damaged { input, shown, .. } = error else { panic!() };
            (input, shown.to_string())
        }
        other => panic!("{other:?}"),
    };
    // Under the name that it has in the baseline.
    let (input, shown) = damaged(run(&changed("d.t.sql", "(5,5)", "(9,5)"), &with_log(b"", b""), &cut));
    assert_eq!(input, DamagedInput::Baseline("d.t.sql".to_owned()));
    assert!(shown.contains("the history of d.u does not fit together"), "{shown}");
    let (input, _) = damaged(run(&changed("d.v.sql", "(5,5)", "(8,5)"), &with_log(b"", b""), &cut));
    assert_eq!(input, DamagedInput::Baseline("d.v.sql".to_owned()));

    let nine = [9i32.to_le_bytes(), 9i32.to_le_bytes()].concat();
    let five = [5i32.to_le_bytes(), 9i32.to_le_bytes()].concat();
    let (input, shown) = damaged(run(&changed("", "", ""), &with_log(&nine, &five), &cut));
    assert_eq!(input, DamagedInput::Log("binlog.000001/4".to_owned()));
    assert!(shown.contains("row (5)"), "{shown}");
    // An event's type that is none.
    let types = [[EVENT, 7, 0, 0, 0], [250, 7, 0, 0, 0]];
    let (input, _) = damaged(run(&changed("", "", ""), &with_log(&types[0], &types[1]), &cut));
    assert_eq!(input, DamagedInput::Log("binlog.000001/4".to_owned()));

    // Where everything is as it was stored, the contradiction is what there is to tell.
    let contradicting = StoredLog { then: with_log(&nine, &five).now, now: with_log(&nine, &five).now };
    let error = run(&changed("", "", ""), &contradicting, &cut).unwrap_err();
    assert!(matches!(error, EngineError::HistoryDoesNotFit { .. }), "{error}");
}

/// WRITE_ROWS_EVENT_V1.
const EVENT: u8 = 23;
