//! Nothing that is not a binary log makes the reader do anything but say so.

#![expect(clippy::unwrap_used, reason = "a test's helpers fail as its tests do")]

use backtrail_binlog::{
    Boundary, ColumnKind, EventBody, EventReader, EventType, TableMaps, TransactionTracker, decode_value, json,
    parse_event,
};
use proptest::prelude::*;

const LOGS: [&[u8]; 4] = [
    include_bytes!("data/mariadb-10.11.000001"),
    include_bytes!("data/mariadb-10.11-compressed.000001"),
    include_bytes!("data/mysql-9.7.000001"),
    include_bytes!("data/mysql-9.7-minimal.000002"),
];

/// Reads as far as it goes, decoding all.
fn read(log: &[u8]) {
    let Ok(mut reader) = EventReader::new(log, "binlog.000001".parse().unwrap()) else { return };
    let (mut tracker, mut tables) = (TransactionTracker::new(), TableMaps::new());
    while let Ok(Some(event)) = reader.next_event() {
        let _ = tracker.observe(&event);
        decode(&event, &mut tables);
    }
}

fn decode(event: &backtrail_binlog::Event<'_>, tables: &mut TableMaps) {
    match event.body() {
        Ok(EventBody::TableMap(_)) => {
            let _ = tables.insert(event);
        }
        Ok(EventBody::Rows(rows)) => {
            let Some(table) = tables.get(rows.table_id) else { return };
            let Ok(mut changes) = rows.rows(table) else { return };
            while let Ok(Some(change)) = changes.next_row() {
                for image in [change.before, change.after].into_iter().flatten() {
                    for (column, image) in table.columns.iter().zip(image.columns()) {
                        match image {
                            backtrail_binlog::ColumnImage::Bytes(raw) => {
                                let _ = decode_value(column.kind, false, raw);
                                let _ = json::to_text(raw);
                            }
                            backtrail_binlog::ColumnImage::JsonDiff(diff) => {
                                let mut document = json::Document::Object(Vec::new());
                                let _ = json::apply_diffs(&mut document, diff);
                            }
                            _ => {}
                        }
                    }
                }
            }
        }
        Ok(EventBody::TransactionPayload(payload)) => {
            let Ok(mut events) = payload.events() else { return };
            while let Ok(Some(event)) = events.next_event() {
                decode(&event, tables);
            }
        }
        _ => {}
    }
}

/// Makes the checksums of a changed log right again, so that what lies behind them is reached.
fn with_checksums(log: &mut [u8]) {
    let mut at = 4;
    while let Some(header) = log.get(at..at + 19) {
        let size = u32::from_le_bytes(header[9..13].try_into().unwrap()) as usize;
        let Some(event) = log.get_mut(at..at.saturating_add(size)).filter(|event| event.len() >= 23) else { return };
        let (covered, checksum) = event.split_at_mut(size - 4);
        checksum.copy_from_slice(&crc32fast::hash(covered).to_le_bytes());
        at += size;
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn damaged_logs(which in 0..LOGS.len(), damage in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..8)) {
        let mut log = LOGS[which].to_vec();
        for (at, byte) in damage {
            let at = at.index(log.len());
            log[at] = byte;
        }
        read(&log);
        with_checksums(&mut log);
        read(&log);
    }

    #[test]
    fn cut_logs(which in 0..LOGS.len(), at in any::<prop::sample::Index>()) {
        let log = LOGS[which];
        let cut = &log[..at.index(log.len())];
        read(cut);
    }

    #[test]
    fn events_of_any_bytes(event_type in any::<u8>(), flags in any::<u16>(), body in prop::collection::vec(any::<u8>(), 0..300)) {
        let mut format = EventReader::new(LOGS[0], "binlog.000001".parse().unwrap()).unwrap();
        format.next_event().unwrap();
        let format = format.format().unwrap();
        let mut raw = vec![0, 0, 0, 0, event_type, 1, 0, 0, 0];
        raw.extend_from_slice(&(19 + body.len() as u32 + 4).to_le_bytes());
        raw.extend_from_slice(&0u32.to_le_bytes());
        raw.extend_from_slice(&flags.to_le_bytes());
        raw.extend_from_slice(&body);
        raw.extend_from_slice(&crc32fast::hash(&raw).to_le_bytes());
        for known in [None, Some(format)] {
            if let Ok(event) = parse_event(&raw, known) {
                let _ = event.body();
                decode(&event, &mut TableMaps::new());
                let _ = TransactionTracker::new().observe(&event);
            }
        }
    }

    #[test]
    fn values_of_any_bytes(raw in prop::collection::vec(any::<u8>(), 0..40), a in 0u8..=70, b in 0u8..=70) {
        for kind in [
            ColumnKind::TinyInt, ColumnKind::MediumInt, ColumnKind::BigInt, ColumnKind::Float, ColumnKind::Double,
            ColumnKind::Decimal { precision: a.max(1), scale: b.min(a) }, ColumnKind::Bit { bits: a.clamp(1, 64) }, ColumnKind::Year,
            ColumnKind::Date, ColumnKind::Time { fsp: a % 7 }, ColumnKind::DateTime { fsp: a % 7 },
            ColumnKind::Timestamp { fsp: a % 7 }, ColumnKind::OldTime, ColumnKind::OldDateTime, ColumnKind::OldTimestamp,
            ColumnKind::Enum { bytes: 2 }, ColumnKind::Set { bytes: 8 }, ColumnKind::CompressedBlob { length_bytes: 2 },
        ] {
            let raw = match kind.fixed_length() {
                Some(length) => &raw[..length.min(raw.len())],
                None => &raw[..],
            };
            if let Ok(value) = decode_value(kind, a > b, raw) {
                // The texts must be writable too.
                match value {
                    backtrail_binlog::Value::Time(time) => drop(time.to_string()),
                    backtrail_binlog::Value::DateTime(time) => drop(time.to_string()),
                    backtrail_binlog::Value::Timestamp(time) => drop(time.to_string()),
                    _ => {}
                }
            }
        }
    }

    #[test]
    fn json_of_any_bytes(kind in 0u8..16, bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        let binary = [&[kind], &bytes[..]].concat();
        let text = json::to_text(&binary);
        let document = json::Document::from_binary(&binary);
        prop_assert_eq!(text.is_ok(), document.is_ok());
        let _ = json::apply_diffs(&mut json::Document::Array(Vec::new()), &bytes);
    }

    #[test]
    fn json_text_of_any_kind(text in "\\PC{0,60}", structural in "[\\[\\]{}\":,0-9a\\\\u ]{0,40}") {
        for text in [text, structural] {
            if let Ok(document) = json::Document::from_text(&text) {
                let written = document.to_text();
                prop_assert_eq!(json::Document::from_text(&written), Ok(document));
            }
        }
    }
}

/// A few entries that all lead to one array, level by level: 2^100 values in a kilobyte.
#[test]
fn json_that_would_never_end() {
    let mut binary = vec![2u8];
    let levels = 100u16;
    for level in 0..levels {
        // Two entries, both at offset 10: the next level, which begins where this one's entries end.
        let size = 10 * (levels - level) + 4;
        binary.extend_from_slice(&[2, 0]);
        binary.extend_from_slice(&size.to_le_bytes());
        for _ in 0..2 {
            binary.extend_from_slice(&[2, 10, 0]);
        }
    }
    binary.extend_from_slice(&[0, 0, 4, 0]);
    assert!(json::to_text(&binary).is_err());
    assert!(json::Document::from_binary(&binary).is_err());
}

/// An event that claims a gibibyte takes no memory for it.
#[test]
fn sizes_are_not_believed() {
    let mut log = LOGS[2].to_vec();
    let at = 4 + u32::from_le_bytes(log[13..17].try_into().unwrap()) as usize;
    log[at + 9..at + 13].copy_from_slice(&(1u32 << 30).to_le_bytes());
    let mut reader = EventReader::new(&log[..], "binlog.000001".parse().unwrap()).unwrap();
    reader.next_event().unwrap();
    let error = reader.next_event().unwrap_err();
    assert!(error.to_string().contains("ends within an event"), "{error}");
    log[at + 12] = 0xff;
    let mut reader = EventReader::new(&log[..], "binlog.000001".parse().unwrap()).unwrap();
    reader.next_event().unwrap();
    let error = reader.next_event().unwrap_err();
    assert!(error.to_string().contains("binlog.000001:127: PREVIOUS_GTIDS_LOG_EVENT claims"), "{error}");
}

/// Every way to cut a log in two is either between two events, or told, with the end of the last whole one.
#[test]
fn every_cut() {
    for log in LOGS {
        let mut ends = vec![4u64];
        let mut reader = EventReader::new(log, "binlog.000001".parse().unwrap()).unwrap();
        while let Some(event) = reader.next_event().unwrap() {
            ends.push(event.end().unwrap());
        }
        for length in 4..log.len() {
            let mut reader = EventReader::new(&log[..length], "binlog.000001".parse().unwrap()).unwrap();
            let error = loop {
                match reader.next_event() {
                    Ok(Some(_)) => {}
                    Ok(None) => break None,
                    Err(error) => break Some(error),
                }
            };
            let last = *ends.iter().filter(|end| **end <= length as u64).max().unwrap();
            assert_eq!(reader.offset(), last);
            match error {
                None => assert_eq!(last, length as u64),
                Some(error) => assert_eq!(error.place().offset, Some(last), "{error}"),
            }
        }
    }
}

/// One flipped bit anywhere behind the format description is found by the checksum, or by the size before it.
#[test]
fn every_flipped_bit_is_found() {
    let log = LOGS[1];
    for at in 4..log.len() {
        let mut damaged = log.to_vec();
        damaged[at] ^= 1 << (at % 8);
        let mut reader = EventReader::new(&damaged[..], "binlog.000001".parse().unwrap()).unwrap();
        let mut events = 0;
        let error = loop {
            match reader.next_event() {
                Ok(Some(_)) => events += 1,
                Ok(None) => break None,
                Err(error) => break Some(error),
            }
        };
        // The one bit that may change: whether the server has the file open.
        let in_use = at == 4 + 17 && at % 8 == 0;
        assert!(error.is_some() || in_use, "byte {at}, {events} events read");
    }
}

#[test]
fn types_of_the_future_are_told() {
    let mut reader = EventReader::new(LOGS[0], "binlog.000001".parse().unwrap()).unwrap();
    reader.next_event().unwrap();
    let format = reader.format().unwrap();
    let event = |flags: u8| {
        let mut raw = vec![0, 0, 0, 0, 99, 1, 0, 0, 0, 23, 0, 0, 0, 0, 0, 0, 0, flags, 0];
        raw.extend_from_slice(&crc32fast::hash(&raw).to_le_bytes());
        raw
    };
    let raw = event(0);
    let unknown = parse_event(&raw, Some(format)).unwrap();
    assert_eq!(unknown.header.event_type, EventType(99));
    assert!(matches!(unknown.body().unwrap(), EventBody::Unknown));
    assert_eq!(TransactionTracker::new().observe(&unknown).unwrap(), Boundary::Outside);
    let raw = event(0x80);
    assert!(matches!(parse_event(&raw, Some(format)).unwrap().body().unwrap(), EventBody::Ignorable));
}
