//! Every log that is at hand, through both decoders.

use std::path::{Path, PathBuf};

use backtrail_decoders::{Compared, compare};

/// The logs in these directories but those of these names.
fn compare_all(directories: &[PathBuf], without: &[&str]) -> Compared {
    let (mut all, mut wrong) = (Compared::default(), Vec::new());
    for directory in directories {
        let mut paths: Vec<PathBuf> =
            std::fs::read_dir(directory).unwrap().map(|entry| entry.unwrap().path()).collect();
        paths.sort();
        for path in paths {
            let log = std::fs::read(&path).unwrap();
            let name = path.file_name().unwrap().to_string_lossy();
            if !log.starts_with(b"\xfebin") || without.iter().any(|other| *other == name) {
                continue;
            }
            match compare(&log) {
                Ok(compared) => {
                    println!("{}: {compared:?}", path.display());
                    all += compared;
                }
                Err(difference) => wrong.push(format!("{}: {difference}", path.display())),
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    all
}

/// It has columns of the types 140 and 141 (MariaDB's COMPRESSED), which the other decoder does not know. What is in them is
/// compared with the server's own answer, in the decoder's own tests.
const UNKNOWN_THERE: &[&str] = &["mariadb-10.11.000001"];

/// Cut short, damaged, and from before the first release of row events.
const REFUSED: &[&str] = &[
    "binlog_truncated_event.000001",
    "binlog_truncated_prev_gtid_event.000001",
    "corrupt-relay-bin.000624",
    "ver_5_1-wl2325_r.001",
    "ver_5_1-wl2325_s.001",
];

#[test]
fn logs_in_the_repository() {
    let crates = Path::new("../../crates");
    let directories =
        ["binlog/tests/data", "reconstruct/tests/data/mariadb/binlogs", "reconstruct/tests/data/mysql/binlogs"];
    let all = compare_all(&directories.map(|directory| crates.join(directory)), UNKNOWN_THERE);
    assert!(all.events > 500 && all.rows > 300 && all.values > 2_000, "{all:?}");
}

#[test]
fn logs_of_the_recorded_cases() {
    let Some(cases) = std::env::var_os("BACKTRAIL_CASES").map(PathBuf::from) else {
        eprintln!("BACKTRAIL_CASES is not set: nothing to compare");
        return;
    };
    let mut directories: Vec<PathBuf> =
        std::fs::read_dir(&cases).unwrap().map(|entry| entry.unwrap().path().join("binlogs")).collect();
    directories.retain(|directory| directory.is_dir());
    let all = compare_all(&directories, &[]);
    assert!(all.rows > 5_000, "{all:?}");
}

#[test]
fn logs_of_many_versions() {
    let Some(cases) = std::env::var_os("BACKTRAIL_CASES").map(PathBuf::from) else {
        eprintln!("BACKTRAIL_CASES is not set: nothing to compare");
        return;
    };
    let directory = cases.join("../binlogs");
    let all = compare_all(std::slice::from_ref(&directory), REFUSED);
    assert!(all.events > 500 && all.unread == 0, "{all:?}");
    for name in REFUSED {
        assert!(compare(&std::fs::read(directory.join(name)).unwrap()).is_err(), "{name} is read");
    }
}
