//! The same logs through another decoder, value by value.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test's helpers fail as its tests do")]
#![expect(clippy::disallowed_methods, reason = "tests read files")]

use std::path::PathBuf;

use backtrail_binlog::{
    ColumnImage, ColumnKind, EventBody, EventReader, RowImage, TableMap, TableMaps, Value, decode_value, json,
};
use mysql_common::Value as Theirs;
use mysql_common::binlog::BinlogFile;
use mysql_common::binlog::consts::BinlogVersion;
use mysql_common::binlog::events::{EventData, RowsEventData};
use mysql_common::binlog::row::BinlogRow;
use mysql_common::binlog::value::BinlogValue;

/// Where the other decoder is known to be wrong.
const ANYTHING: &str = "*";

/// The rows of a log outside compressed events, a text for each value.
fn ours(log: &[u8]) -> Vec<Vec<String>> {
    let mut rows = Vec::new();
    let mut reader = EventReader::new(log, "binlog.000001".parse().unwrap()).unwrap();
    let mut tables = TableMaps::new();
    while let Some(event) = reader.next_event().unwrap() {
        match event.body().unwrap() {
            EventBody::TableMap(_) => drop(tables.insert(&event).unwrap()),
            EventBody::Rows(event) => {
                let table = tables.get(event.table_id).unwrap();
                let mut changes = event.rows(table).unwrap();
                while let Some(change) = changes.next_row().unwrap() {
                    let images = [change.before, change.after].into_iter().flatten();
                    rows.push(images.flat_map(|image| our_image(image, table)).collect());
                }
            }
            _ => {}
        }
    }
    rows
}

fn our_image(image: RowImage<'_, '_>, table: &TableMap) -> Vec<String> {
    let present = image.columns().iter().zip(&table.columns).filter(|(image, _)| **image != ColumnImage::Absent);
    present
        .map(|(image, column)| match image {
            ColumnImage::Bytes(raw) => {
                our_value(&decode_value(column.kind, column.unsigned == Some(true), raw).unwrap(), column.kind)
            }
            ColumnImage::JsonDiff(_) => "difference".to_owned(),
            _ => "NULL".to_owned(),
        })
        .collect()
}

/// Written as the other decoder has it.
fn our_value(value: &Value<'_>, kind: ColumnKind) -> String {
    match value {
        // It loses the sign.
        Value::Int(..0) if kind == ColumnKind::MediumInt => ANYTHING.to_owned(),
        Value::Int(value) => value.to_string(),
        Value::UInt(value) => value.to_string(),
        Value::Float(value) => format!("{value:?}"),
        Value::Double(value) => format!("{value:?}"),
        Value::Decimal(value) => hex(value.to_string().as_bytes()),
        Value::Bit { value, bits } => hex(&value.to_be_bytes()[8 - usize::from(*bits).div_ceil(8)..]),
        Value::Date(date) => format!("{date} 00:00:00.000000"),
        Value::Time(time) => backtrail_binlog::Time { fsp: 6, ..*time }.to_string(),
        Value::DateTime(time) => backtrail_binlog::DateTime { fsp: 6, ..*time }.to_string(),
        Value::Timestamp(time) if kind == ColumnKind::OldTimestamp => time.seconds.to_string(),
        Value::Timestamp(time) if time.micros == 0 => hex(time.seconds.to_string().as_bytes()),
        Value::Timestamp(time) => hex(format!("{}.{:06}", time.seconds, time.micros).as_bytes()),
        // It takes YEAR 0 for 1900.
        Value::Year(year) => hex((*year).max(1900).to_string().as_bytes()),
        Value::Enum(member) => member.to_string(),
        Value::Set(members) => {
            let ColumnKind::Set { bytes } = kind else { panic!("{kind:?}") };
            hex(&members.to_le_bytes()[..usize::from(bytes)])
        }
        Value::Bytes(bytes) => hex(bytes),
        Value::Json(binary) => {
            let text = json::to_text(binary).unwrap();
            comparable_json(&serde_json::from_str(&text).unwrap())
        }
        Value::Null => "NULL".to_owned(),
    }
}

fn comparable_json(value: &serde_json::Value) -> String {
    value.to_string()
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold("0x".to_owned(), |text, byte| format!("{text}{byte:02x}"))
}

fn theirs(log: &[u8]) -> Vec<Vec<String>> {
    let mut rows = Vec::new();
    let mut file = BinlogFile::new(BinlogVersion::Version4, log).unwrap();
    while let Some(event) = file.next() {
        let event = event.unwrap();
        // MariaDB's own types are unknown to it.
        let Ok(Some(EventData::RowsEvent(data))) = event.read_data() else { continue };
        let table = file.reader().get_tme(data.table_id()).unwrap();
        let changes: Vec<(Option<BinlogRow>, Option<BinlogRow>)> = match &data {
            RowsEventData::WriteRowsEventV1(event) => event.rows(table).map(Result::unwrap).collect(),
            RowsEventData::UpdateRowsEventV1(event) => event.rows(table).map(Result::unwrap).collect(),
            RowsEventData::DeleteRowsEventV1(event) => event.rows(table).map(Result::unwrap).collect(),
            RowsEventData::WriteRowsEvent(event) => event.rows(table).map(Result::unwrap).collect(),
            RowsEventData::UpdateRowsEvent(event) => event.rows(table).map(Result::unwrap).collect(),
            RowsEventData::DeleteRowsEvent(event) => event.rows(table).map(Result::unwrap).collect(),
            RowsEventData::PartialUpdateRowsEvent(event) => event.rows(table).map(Result::unwrap).collect(),
        };
        for (before, after) in changes {
            rows.push([before, after].into_iter().flatten().flat_map(|row| row.unwrap()).map(their_value).collect());
        }
    }
    rows
}

fn their_value(value: BinlogValue<'static>) -> String {
    match value {
        BinlogValue::JsonDiff(_) => "difference".to_owned(),
        BinlogValue::Jsonb(value) => match serde_json::Value::try_from(value) {
            Ok(value) => comparable_json(&value),
            Err(error) => format!("{error}"),
        },
        BinlogValue::Value(value) => match value {
            Theirs::NULL => "NULL".to_owned(),
            Theirs::Bytes(bytes) => hex(&bytes),
            Theirs::Int(value) => value.to_string(),
            Theirs::UInt(value) => value.to_string(),
            Theirs::Float(value) => format!("{value:?}"),
            Theirs::Double(value) => format!("{value:?}"),
            Theirs::Date(year, month, day, hour, minute, second, micros) => {
                format!("{year:04}-{month:02}-{day:02} {hour:02}:{minute:02}:{second:02}.{micros:06}")
            }
            Theirs::Time(negative, days, hours, minutes, seconds, micros) => format!(
                "{}{:02}:{minutes:02}:{seconds:02}.{micros:06}",
                if negative { "-" } else { "" },
                days * 24 + u32::from(hours)
            ),
        },
    }
}

fn compare(name: &str, log: &[u8]) -> usize {
    let (ours, theirs) = (ours(log), theirs(log));
    assert_eq!(ours.len(), theirs.len(), "{name}: rows");
    for (number, (ours, theirs)) in ours.iter().zip(&theirs).enumerate() {
        assert_eq!(ours.len(), theirs.len(), "{name}: columns in row {number}");
        for (column, (ours, theirs)) in ours.iter().zip(theirs).enumerate() {
            assert!(ours == ANYTHING || ours == theirs, "{name}: row {number} column {column}: {ours} {theirs}");
        }
    }
    ours.len()
}

#[test]
fn recorded_logs() {
    assert_eq!(compare("MySQL", include_bytes!("data/mysql-9.7-minimal.000002")), 3);
}

/// Logs that the other decoder reads: no compressed events, and checksums (it has them) or none.
#[test]
fn cases() {
    let Some(cases) = std::env::var_os("BACKTRAIL_CASES").map(PathBuf::from) else {
        eprintln!("BACKTRAIL_CASES is not set: nothing to compare");
        return;
    };
    let mut rows = 0;
    for case in ["mysql-9.7-all", "mysql-9.7-dml", "mysql-9.7-partial-json", "mariadb-10.11-all", "mariadb-10.11-dml"] {
        for entry in std::fs::read_dir(cases.join(case).join("binlogs")).unwrap() {
            let path = entry.unwrap().path();
            rows += compare(&path.display().to_string(), &std::fs::read(&path).unwrap());
        }
    }
    assert!(rows > 5_000, "{rows} rows");
}
