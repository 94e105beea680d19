//! Small logs recorded from MariaDB 10.11 and MySQL 9.7, read to the last value. `data/README.md` says how they came to be.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test's helpers fail as its tests do")]

use std::fmt::Write;

use backtrail_binlog::{
    Boundary, ColumnImage, Event, EventBody, EventReader, RowImage, TableMap, TableMaps, TransactionTracker, Value,
    decode_value, json, split_image,
};

const MARIADB: &[u8] = include_bytes!("data/mariadb-10.11.000001");
const MARIADB_COMPRESSED: &[u8] = include_bytes!("data/mariadb-10.11-compressed.000001");
const MYSQL: &[u8] = include_bytes!("data/mysql-9.7.000001");
const MYSQL_MINIMAL: &[u8] = include_bytes!("data/mysql-9.7-minimal.000002");
const MYSQL_TAGGED: &[u8] = include_bytes!("data/mysql-9.7-tagged.000003");

/// One line an event that matters, and one a row.
fn describe(log: &[u8]) -> Vec<String> {
    let mut lines = Vec::new();
    let mut reader = EventReader::new(log, "binlog.000001".parse().unwrap()).unwrap();
    let (mut tracker, mut tables) = (TransactionTracker::new(), TableMaps::new());
    while let Some(event) = reader.next_event().unwrap() {
        let boundary = tracker.observe(&event).unwrap();
        describe_event(&event, &mut tables, &mut lines);
        match &boundary {
            Boundary::Begins(start) => lines.push(format!("begins {}", name(start.gtid.as_ref()))),
            Boundary::Commits(info) => lines.push(format!("commits {}", name(info.gtid.as_ref()))),
            Boundary::RollsBack(info) => lines.push(format!("rolls back {}", name(info.gtid.as_ref()))),
            Boundary::Prepares(info) => lines.push(format!("prepares {}", name(info.gtid.as_ref()))),
            Boundary::Standalone(info) => lines.push(format!("commits alone {}", name(info.gtid.as_ref()))),
            Boundary::Outside | Boundary::Inside => {}
            Boundary::Abandons(_) => panic!("{}", event.place()),
        }
    }
    assert!(tracker.at_boundary());
    assert_eq!(reader.offset(), log.len() as u64);
    lines
}

fn name(gtid: Option<&backtrail_domain::Gtid>) -> String {
    match gtid {
        // The recording server's UUID is of no interest.
        Some(backtrail_domain::Gtid::Mysql { tag, sequence, .. }) => format!("{tag}:{sequence}"),
        Some(gtid) => gtid.to_string(),
        None => "-".to_owned(),
    }
}

fn describe_event(event: &Event<'_>, tables: &mut TableMaps, lines: &mut Vec<String>) {
    match event.body().unwrap() {
        EventBody::Query(query) => {
            let statement: String = query.statement_text().split_whitespace().collect::<Vec<_>>().join(" ");
            lines.push(format!("query {}", statement.chars().take(40).collect::<String>()));
        }
        EventBody::TableMap(_) => drop(tables.insert(event).unwrap()),
        EventBody::Rows(rows) => {
            let table = tables.get(rows.table_id).unwrap();
            let mut changes = rows.rows(table).unwrap();
            while let Some(change) = changes.next_row().unwrap() {
                let mut line = format!("{:?} {}:", rows.kind, table.name);
                if let Some(before) = change.before {
                    line += &describe_image(before, None, table);
                }
                if let Some(after) = change.after {
                    line += if change.before.is_some() { " ->" } else { "" };
                    line += &describe_image(after, change.before, table);
                }
                lines.push(line);
            }
        }
        EventBody::TransactionPayload(payload) => {
            lines.push(format!("payload {:?}", payload.compression));
            let mut events = payload.events().unwrap();
            while let Some(event) = events.next_event().unwrap() {
                describe_event(&event, tables, lines);
            }
        }
        EventBody::Unknown => panic!("{}", event.header.event_type),
        _ => {}
    }
}

/// The columns that are not NULL, by name.
fn describe_image(image: RowImage<'_, '_>, before: Option<RowImage<'_, '_>>, table: &TableMap) -> String {
    let mut text = String::new();
    for (index, (image, column)) in image.columns().iter().zip(&table.columns).enumerate() {
        let value = match image {
            ColumnImage::Null => continue,
            ColumnImage::Absent => "absent".to_owned(),
            ColumnImage::Bytes(raw) => {
                describe_value(&decode_value(column.kind, column.unsigned == Some(true), raw).unwrap())
            }
            ColumnImage::JsonDiff(diffs) => {
                let Some(ColumnImage::Bytes(raw)) = before.map(|before| before.column(index)) else {
                    panic!("no value")
                };
                let mut document = json::Document::from_binary(raw).unwrap();
                json::apply_diffs(&mut document, diffs).unwrap();
                format!("changed to {}", document.to_text())
            }
        };
        write!(text, " {}={value}", table.metadata.names[index]).unwrap();
    }
    text
}

fn describe_value(value: &Value<'_>) -> String {
    match value {
        Value::Int(value) => value.to_string(),
        Value::UInt(value) => format!("{value}u"),
        Value::Float(value) => format!("{value:?}f"),
        Value::Double(value) => format!("{value:?}"),
        Value::Decimal(value) => value.to_string(),
        Value::Bit { value, bits } => format!("{value:x}/{bits}"),
        Value::Date(value) => value.to_string(),
        Value::Time(value) => value.to_string(),
        Value::DateTime(value) => value.to_string(),
        Value::Timestamp(value) => value.to_string(),
        Value::Year(value) => value.to_string(),
        Value::Enum(value) => format!("#{value}"),
        Value::Set(value) => format!("{value:b}"),
        Value::Bytes(value) if value.len() > 99 => format!("{}*{}", char::from(value[0]), value.len()),
        Value::Bytes(value) if value.iter().all(u8::is_ascii_graphic) => {
            format!("'{}'", String::from_utf8_lossy(value))
        }
        Value::Bytes(value) => value.iter().fold("0x".to_owned(), |text, byte| format!("{text}{byte:02x}")),
        Value::Json(value) => json::to_text(value).unwrap(),
        Value::Null => "nothing".to_owned(),
    }
}

fn check(log: &[u8], expected: &str) {
    let (lines, expected) = (describe(log), expected.lines().collect::<Vec<_>>());
    for (number, (line, expected)) in lines.iter().zip(&expected).enumerate() {
        assert_eq!(line, expected, "line {}", number + 1);
    }
    assert_eq!(lines.len(), expected.len());
}

#[test]
fn mariadb() {
    check(MARIADB, include_str!("data/mariadb-10.11.txt"));
}

#[test]
fn mariadb_compressed() {
    check(MARIADB_COMPRESSED, include_str!("data/mariadb-10.11-compressed.txt"));
}

#[test]
fn mysql() {
    check(MYSQL, include_str!("data/mysql-9.7.txt"));
}

#[test]
fn mysql_minimal() {
    check(MYSQL_MINIMAL, include_str!("data/mysql-9.7-minimal.txt"));
}

/// The same log as a server with `binlog_checksum=NONE` writes it: only the format description has one.
fn without_checksums(log: &[u8]) -> Vec<u8> {
    let mut plain = log[..4].to_vec();
    let mut at = 4;
    while at < log.len() {
        let size = u32::from_le_bytes(log[at + 9..at + 13].try_into().unwrap()) as usize;
        let (covered, _) = log[at..at + size].split_at(size - 4);
        let start = plain.len();
        plain.extend_from_slice(covered);
        if at == 4 {
            *plain.last_mut().unwrap() = 0;
            plain[start + 17] &= !1;
            let checksum = crc32fast::hash(&plain[start..]);
            plain.extend_from_slice(&checksum.to_le_bytes());
        } else {
            plain[start + 9..start + 13].copy_from_slice(&(size as u32 - 4).to_le_bytes());
        }
        at += size;
    }
    plain
}

#[test]
fn logs_without_checksums() {
    for log in [MARIADB, MARIADB_COMPRESSED, MYSQL, MYSQL_MINIMAL] {
        assert_eq!(describe(&without_checksums(log)), describe(log));
    }
    // A flipped bit that turns checksums off is found by the format description's own.
    let mut damaged = MYSQL.to_vec();
    let format_end = 4 + u32::from_le_bytes(damaged[13..17].try_into().unwrap()) as usize;
    damaged[format_end - 5] = 0;
    let mut reader = EventReader::new(&damaged[..], "binlog.000001".parse().unwrap()).unwrap();
    assert!(reader.next_event().unwrap_err().to_string().starts_with("binlog.000001:4: checksum mismatch"));
}

/// What has been executed is the same, added up over the files or read at the beginning of the last.
#[test]
fn tagged_sets() {
    let mut followed = TransactionTracker::new();
    for log in [MYSQL, MYSQL_MINIMAL] {
        let mut reader = EventReader::new(log, "binlog.000001".parse().unwrap()).unwrap();
        while let Some(event) = reader.next_event().unwrap() {
            followed.observe(&event).unwrap();
        }
    }
    let mut read = TransactionTracker::new();
    let mut reader = EventReader::new(MYSQL_TAGGED, "binlog.000003".parse().unwrap()).unwrap();
    while let Some(event) = reader.next_event().unwrap() {
        assert_eq!(read.observe(&event).unwrap(), Boundary::Outside);
    }
    assert_eq!(read.executed(), followed.executed());
    assert!(read.executed().unwrap().to_string().ends_with(":1-21:blue:1"), "{read:?}");
}

/// Following the events inside a compressed transaction is as good as following the event that holds them.
#[test]
fn payloads_from_within() {
    let mut reader = EventReader::new(MYSQL, "binlog.000001".parse().unwrap()).unwrap();
    let (mut outside, mut inside) = (TransactionTracker::new(), TransactionTracker::new());
    let mut payloads = 0;
    while let Some(event) = reader.next_event().unwrap() {
        let expected = outside.observe(&event).unwrap();
        let EventBody::TransactionPayload(payload) = event.body().unwrap() else {
            assert_eq!(inside.observe(&event).unwrap(), expected);
            continue;
        };
        payloads += 1;
        let mut events = payload.events().unwrap();
        let mut last = None;
        while let Some(event) = events.next_event().unwrap() {
            assert!(!inside.at_boundary());
            last = Some(inside.observe(&event).unwrap());
        }
        assert_eq!(last, Some(expected));
        assert_eq!(last.unwrap().ending().unwrap().end, event.end());
    }
    assert_eq!(payloads, 1);
}

/// The table map of `d.types`, the widest table of a log.
fn types(log: &[u8]) -> TableMap {
    let mut reader = EventReader::new(log, "binlog.000001".parse().unwrap()).unwrap();
    while let Some(event) = reader.next_event().unwrap() {
        if let EventBody::TableMap(map) = event.body().unwrap() {
            assert_eq!(map.name.to_string(), "d.types");
            return map;
        }
    }
    panic!("no table map");
}

#[test]
fn table_metadata() {
    // Column, collation, UNSIGNED. To MariaDB, GEOMETRY counts among the columns with a collation.
    let said = |map: &TableMap| {
        let columns = map.columns.iter().zip(&map.metadata.names);
        let said = columns.filter(|(column, _)| column.collation.is_some() || column.unsigned.is_some());
        said.map(|(column, name)| match (column.collation, column.unsigned) {
            (Some(collation), _) => format!("{name} {collation}"),
            (None, unsigned) => format!("{name}{}", if unsigned == Some(true) { " unsigned" } else { "" }),
        })
        .collect::<Vec<_>>()
        .join(", ")
    };
    let map = types(MARIADB);
    assert_eq!(
        said(&map),
        "id, y unsigned, u unsigned, m, dc, d0, f, g, c 45, l 8, bn 63, p 63, bl 63, tx 45, zc 45, vc 45, ud 63, i6 63, \
         i4 63, ub unsigned"
    );
    assert_eq!(map.metadata.geometry_types, [1]);
    assert_eq!(map.metadata.set_values, [[b"x", b"y", b"z"]]);
    assert_eq!(map.metadata.enum_values, [[b"a", b"b"]]);
    assert_eq!(map.metadata.primary_key, [(0, 0)]);
    assert!(map.metadata.visible.is_empty(), "MariaDB does not say");
    assert!(!map.columns[0].nullable && map.columns[1].nullable);

    let map = types(MYSQL);
    assert_eq!(
        said(&map),
        "id, y unsigned, u unsigned, m, dc, d0, f, g, c 255, l 8, bn 63, bl 63, tx 255, h, ub unsigned"
    );
    assert_eq!(map.metadata.enum_and_set_collations, [255, 255]);
    assert_eq!(map.metadata.vector_dimensions, [2]);
    let hidden: Vec<_> = map.metadata.visible.iter().enumerate().filter(|(_, visible)| !**visible).collect();
    assert_eq!(hidden, [(27, &false)]);
}

/// Splitting a stored image gives what the walk over the event gave.
#[test]
fn images_can_be_split_again() {
    let mut reader = EventReader::new(MARIADB, "binlog.000001".parse().unwrap()).unwrap();
    let mut tables = TableMaps::new();
    let mut images = 0;
    while let Some(event) = reader.next_event().unwrap() {
        match event.body().unwrap() {
            EventBody::TableMap(_) => drop(tables.insert(&event).unwrap()),
            EventBody::Rows(rows) => {
                let table = tables.get(rows.table_id).unwrap();
                assert!(rows.has_full_images());
                let mut changes = rows.rows(table).unwrap();
                while let Some(change) = changes.next_row().unwrap() {
                    for (image, present) in [(change.before, rows.columns_before), (change.after, rows.columns_after)] {
                        let Some(image) = image else { continue };
                        let mut columns = Vec::new();
                        split_image(table, present, image.bytes(), &mut columns).unwrap();
                        assert_eq!(columns, image.columns());
                        let short = &image.bytes()[..image.bytes().len() - 1];
                        assert!(split_image(table, present, short, &mut columns).is_err());
                        images += 1;
                    }
                }
            }
            _ => {}
        }
    }
    assert_eq!(images, 12);
}
