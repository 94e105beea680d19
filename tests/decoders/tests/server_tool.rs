//! What the other decoder gets wrong or does not know, through the server's own tool: numbers and times of MariaDB's logs as
//! `mariadb-binlog -vv` prints them.

use std::path::{Path, PathBuf};
use std::process::Command;

use backtrail_binlog::{ColumnImage, ColumnKind, EventBody, EventReader, TableMaps, Value, decode_value};

/// The values of these types in order, as the tool writes them.
fn by_the_tool(log: &Path) -> Vec<String> {
    let options = ["--no-defaults", "-vv", "--base64-output=decode-rows"];
    let output =
        Command::new("mariadb-binlog").args(options).arg(log).output().expect("MariaDB's client tools are there");
    assert!(output.status.success(), "{}: {}", log.display(), String::from_utf8_lossy(&output.stderr));
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let values = text.lines().filter_map(|line| {
        let (value, kind) = line.strip_prefix("###   @")?.split_once('=')?.1.rsplit_once(" /* ")?;
        let kind = kind.split([' ', '(']).next()?;
        // An integer below zero stands beside the number that it would be without a sign.
        let value = value.split(" (").next()?.trim_matches('\'');
        ["TINYINT", "SHORTINT", "MEDIUMINT", "INT", "LONGINT", "DECIMAL", "DATE", "TIME", "DATETIME"]
            .contains(&kind)
            .then(|| value.to_owned())
    });
    values.collect()
}

/// The same by our decoder. The tool takes every integer for one with a sign.
fn by_us(log: &Path) -> Vec<String> {
    let bytes = std::fs::read(log).unwrap();
    let mut reader = EventReader::new(&bytes[..], "binlog.000001".parse().unwrap()).unwrap();
    let (mut tables, mut values) = (TableMaps::new(), Vec::new());
    while let Some(event) = reader.next_event().unwrap() {
        match event.body().unwrap() {
            EventBody::TableMap(_) => drop(tables.insert(&event).unwrap()),
            EventBody::Rows(rows) => {
                let table = tables.get(rows.table_id).unwrap();
                let mut changes = rows.rows(table).unwrap();
                while let Some(change) = changes.next_row().unwrap() {
                    for image in [change.before, change.after].into_iter().flatten() {
                        for (image, column) in image.columns().iter().zip(&table.columns) {
                            values.extend(value(*image, column.kind));
                        }
                    }
                }
            }
            _ => {}
        }
    }
    values
}

fn value(image: ColumnImage<'_>, kind: ColumnKind) -> Option<String> {
    let compared = matches!(
        kind,
        ColumnKind::TinyInt
            | ColumnKind::SmallInt
            | ColumnKind::MediumInt
            | ColumnKind::Int
            | ColumnKind::BigInt
            | ColumnKind::Decimal { .. }
            | ColumnKind::Date
            | ColumnKind::Time { .. }
            | ColumnKind::OldTime
            | ColumnKind::DateTime { .. }
            | ColumnKind::OldDateTime
    );
    match image {
        _ if !compared => None,
        ColumnImage::Bytes(raw) => Some(match decode_value(kind, false, raw).unwrap() {
            Value::Int(number) => number.to_string(),
            Value::Decimal(number) => number.to_string(),
            Value::Date(date) => date.to_string().replace('-', ":"),
            Value::Time(time) => time.to_string(),
            Value::DateTime(time) => time.to_string(),
            other => panic!("{other:?} of {kind:?}"),
        }),
        ColumnImage::Null => Some("NULL".to_owned()),
        other => panic!("{other:?} in a log of MariaDB"),
    }
}

#[test]
fn numbers_and_times_of_mariadb() {
    let crates = Path::new("../../crates");
    let mut logs = vec![crates.join("binlog/tests/data/mariadb-10.11.000001")];
    let mut directories = vec![crates.join("reconstruct/tests/data/mariadb/binlogs")];
    if let Some(cases) = std::env::var_os("BACKTRAIL_CASES").map(PathBuf::from) {
        directories.extend(["mariadb-10.11-dml", "mariadb-10.11-all"].map(|case| cases.join(case).join("binlogs")));
    }
    for directory in directories.iter().filter(|directory| directory.is_dir()) {
        logs.extend(std::fs::read_dir(directory).unwrap().map(|entry| entry.unwrap().path()));
    }
    let mut compared = 0;
    for log in logs.iter().filter(|log| std::fs::read(log).is_ok_and(|bytes| bytes.starts_with(b"\xfebin"))) {
        let theirs = by_the_tool(log);
        let ours = by_us(log);
        let different = ours.iter().zip(&theirs).enumerate().find(|(_, (ours, theirs))| ours != theirs);
        assert_eq!(different, None, "{}", log.display());
        assert_eq!(ours.len(), theirs.len(), "{}", log.display());
        compared += ours.len();
    }
    println!("{compared} values");
    assert!(compared > 100, "{compared}");
}
