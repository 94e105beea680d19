//! The reader of binary logs: a whole log, every event's body, every row, every value, the transactions.
//!
//! An input is a log as it is (checksums are made right, so that what lies behind them is reached), or, for a fuzzer that
//! changes lengths, pieces of which a log is made: a byte that chooses the server's family and checksums, then for each
//! event its type, its flags' lower byte, two bytes of length and the body.

use backtrail_binlog::{
    ColumnImage, ColumnKind, Event, EventBody, EventReader, EventType, MAGIC, RowImage, RowsEvent, StreamPosition,
    TableMap, TableMaps, TransactionTracker, Value, decode_value, json, split_image,
};

use crate::Cost;

const MYSQL: &[u8] = include_bytes!("../../../crates/binlog/tests/data/mysql-9.7.000001");
const MARIADB: &[u8] = include_bytes!("../../../crates/binlog/tests/data/mariadb-10.11.000001");

/// Bytes of an event's header.
const HEADER: usize = 19;

/// Reads a log.
pub fn check(input: &[u8]) -> Cost {
    let log = match input.strip_prefix(&MAGIC) {
        Some(_) => {
            read(input);
            with_checksums(input)
        }
        None => of_pieces(input),
    };
    read(&log)
}

/// The first event of a recorded log, with this checksum algorithm.
fn format_description(log: &[u8], checksums: bool) -> Vec<u8> {
    let size = u32::from_le_bytes([log[13], log[14], log[15], log[16]]) as usize;
    let mut event = log[4..4 + size].to_vec();
    event[size - 5] = u8::from(checksums);
    seal(&mut event);
    event
}

/// Puts an event's checksum at its end.
fn seal(event: &mut [u8]) {
    if let Some((covered, checksum)) = event.split_last_chunk_mut::<4>() {
        *checksum = crc32fast::hash(covered).to_le_bytes();
    }
}

/// A log of the input's pieces.
pub fn of_pieces(input: &[u8]) -> Vec<u8> {
    let (choice, mut rest) = input.split_first().unwrap_or((&0, &[]));
    let checksums = choice & 2 == 0;
    let mut log = MAGIC.to_vec();
    log.extend(format_description(if choice & 1 == 0 { MYSQL } else { MARIADB }, checksums));
    while let Some(([event_type, flags, low, high], behind)) = rest.split_first_chunk::<4>() {
        let length = usize::from(u16::from_le_bytes([*low, *high])).min(behind.len());
        let (body, behind) = behind.split_at(length);
        rest = behind;
        let size = HEADER + body.len() + if checksums { 4 } else { 0 };
        let mut event = 1_700_000_000_u32.to_le_bytes().to_vec();
        event.push(*event_type);
        event.extend(1_u32.to_le_bytes());
        event.extend((size as u32).to_le_bytes());
        event.extend(((log.len() + size) as u32).to_le_bytes());
        event.extend([*flags, 0]);
        event.extend(body);
        if checksums {
            event.extend([0; 4]);
            seal(&mut event);
        }
        log.extend(event);
    }
    log
}

/// The pieces of a log: what [`of_pieces`] makes one of again. Events that are too long are left out.
pub fn to_pieces(log: &[u8], choice: u8) -> Vec<u8> {
    let mut pieces = vec![choice];
    let mut reader = EventReader::new(log, name()).expect("a log of ours");
    while let Some(event) = reader.next_event().expect("a log of ours") {
        if event.header.event_type == EventType::FORMAT_DESCRIPTION {
            continue;
        }
        push_piece(&mut pieces, event.header.event_type.0, event.header.flags as u8, event.body);
        if let Ok(EventBody::TransactionPayload(payload)) = event.body() {
            push_piece(&mut pieces, event.header.event_type.0, 0, &plain_payload(&payload));
        }
    }
    pieces
}

fn push_piece(pieces: &mut Vec<u8>, event_type: u8, flags: u8, body: &[u8]) {
    if let Ok(length) = u16::try_from(body.len()) {
        pieces.extend([event_type, flags]);
        pieces.extend(length.to_le_bytes());
        pieces.extend(body);
    }
}

/// A compressed transaction as one that is not compressed, for a fuzzer to change.
fn plain_payload(payload: &backtrail_binlog::TransactionPayload<'_>) -> Vec<u8> {
    let mut inner = Vec::new();
    let mut events = payload.events().expect("a log of ours");
    while let Some(event) = events.next_event().expect("a log of ours") {
        inner.extend_from_slice(event.raw);
    }
    let mut body = vec![2, 3, 252, 255, 0, 1, 3, 252];
    body.extend(u16::try_from(inner.len()).unwrap_or(u16::MAX).to_le_bytes());
    body.push(0);
    body.extend(inner);
    body
}

/// The log with all checksums made right.
fn with_checksums(log: &[u8]) -> Vec<u8> {
    let mut log = log.to_vec();
    let mut at = MAGIC.len();
    while let Some(header) = log.get(at..at + HEADER) {
        let size = u32::from_le_bytes([header[9], header[10], header[11], header[12]]) as usize;
        let event = at.checked_add(size).and_then(|end| log.get_mut(at..end)).filter(|event| event.len() >= HEADER + 4);
        let Some(event) = event else { break };
        seal(event);
        at += size;
    }
    log
}

fn name() -> backtrail_domain::BinlogFile {
    "binlog.000001".parse().expect("a name of ours")
}

fn read(log: &[u8]) -> Cost {
    let mut walk = Walk::default();
    let Ok(mut reader) = EventReader::new(log, name()) else { return Cost::Proportional };
    let mut tracker = TransactionTracker::new();
    let mut stream = StreamPosition::new();
    let mut offset = reader.offset();
    while let Ok(Some(event)) = reader.next_event() {
        assert_eq!(event.offset, Some(offset), "an event begins where the one before it ends");
        assert_eq!(event.raw.len(), event.header.event_size as usize, "an event is of its size");
        offset += event.raw.len() as u64;
        assert_eq!(event.end(), Some(offset));
        // Payloads are walked by it too.
        let _ = tracker.observe(&event);
        let mut streamed = event;
        let _ = stream.observe(&mut streamed);
        walk.event(&event, false);
    }
    assert!(reader.offset() <= log.len() as u64, "no more is read than there is");
    if walk.decompresses { Cost::Decompressed } else { Cost::Proportional }
}

/// What one event tells of those behind it.
#[derive(Default)]
struct Walk {
    tables: TableMaps,
    last_table: Option<std::sync::Arc<TableMap>>,
    document: Option<json::Document>,
    decompresses: bool,
}

impl Walk {
    fn event(&mut self, event: &Event<'_>, inside: bool) {
        self.decompresses |=
            (EventType::QUERY_COMPRESSED.0..=EventType::DELETE_ROWS_COMPRESSED.0).contains(&event.header.event_type.0);
        match event.body() {
            Err(error) => drop((error.to_string(), error.place().to_string(), error.retryable())),
            Ok(EventBody::TableMap(map)) => {
                let table = self.tables.insert(event).expect("it was parsed once");
                assert_eq!(**table, map);
                self.last_table = Some(table.clone());
            }
            Ok(EventBody::Rows(rows)) => self.rows(&rows),
            Ok(EventBody::TransactionPayload(payload)) => {
                self.decompresses |= payload.compression == backtrail_binlog::PayloadCompression::Zstd;
                let Ok(mut events) = payload.events() else { return };
                while let Ok(Some(event)) = events.next_event() {
                    // One level is all there is.
                    if !inside {
                        self.event(&event, true);
                    }
                }
            }
            Ok(EventBody::Gtid(gtid)) => {
                if let Some(gtid) = gtid.gtid {
                    let set = gtid.to_set();
                    assert_eq!(set.to_string().parse().as_ref(), Ok(&set), "a GTID is read as it is written");
                }
            }
            Ok(EventBody::PreviousGtids(set)) => {
                let text = set.to_string();
                if !text.is_empty() {
                    assert_eq!(text.parse().as_ref(), Ok(&set), "a GTID set is read as it is written");
                }
            }
            Ok(EventBody::Query(query)) => drop(query.statement_text().into_owned()),
            Ok(EventBody::Rotate(rotate)) => drop(backtrail_binlog::file_name(rotate.file)),
            Ok(_) => {}
        }
    }

    fn rows(&mut self, event: &RowsEvent<'_>) {
        let table = self.tables.get(event.table_id).cloned().or_else(|| self.last_table.clone());
        let Some(table) = table else { return };
        let _ = event.has_full_images();
        let Ok(mut changes) = event.rows(&table) else { return };
        let mut left = event.data().len();
        while let Ok(Some(change)) = changes.next_row() {
            let images = [(change.before, event.columns_before), (change.after, event.columns_after)];
            let taken: usize = images.iter().filter_map(|(image, _)| Some(image.as_ref()?.bytes().len())).sum();
            left = left.checked_sub(taken).expect("rows are of the event's bytes");
            for (image, present) in images {
                if let Some(image) = image {
                    self.image(&table, image, present);
                }
            }
        }
    }

    fn image(&mut self, table: &TableMap, image: RowImage<'_, '_>, present: &[u8]) {
        let mut again = Vec::new();
        if !image.columns().iter().any(|column| matches!(column, ColumnImage::JsonDiff(_))) {
            split_image(table, present, image.bytes(), &mut again).expect("an image splits as it did");
            assert_eq!(again, image.columns());
        }
        for (column, shape) in image.columns().iter().zip(&table.columns) {
            match column {
                ColumnImage::Bytes(raw) => self.value(shape.kind, raw),
                ColumnImage::JsonDiff(diffs) => {
                    let mut document = self.document.clone().unwrap_or(json::Document::Object(Vec::new()));
                    if json::apply_diffs(&mut document, diffs).is_ok() {
                        json::Document::from_text(&document.to_text()).expect("a document is read as it is written");
                    }
                }
                ColumnImage::Absent | ColumnImage::Null => {}
            }
        }
    }

    fn value(&mut self, kind: ColumnKind, raw: &[u8]) {
        self.decompresses |= matches!(kind, ColumnKind::CompressedBlob { .. } | ColumnKind::CompressedVarChar { .. });
        for unsigned in [false, true] {
            match decode_value(kind, unsigned, raw) {
                Ok(Value::Json(binary)) => {
                    let text = json::to_text(binary);
                    let document = json::Document::from_binary(binary);
                    assert_eq!(text.is_ok(), document.is_ok(), "two ways to read binary JSON");
                    if let (Ok(text), Ok(document)) = (text, document) {
                        assert_eq!(document.to_text(), text);
                        json::Document::from_text(&text).expect("JSON is read as it is written");
                        self.document = Some(document);
                    }
                }
                Ok(Value::Decimal(decimal)) => drop(decimal.to_string()),
                Ok(Value::Date(value)) => drop(value.to_string()),
                Ok(Value::Time(value)) => drop(value.to_string()),
                Ok(Value::DateTime(value)) => drop(value.to_string()),
                Ok(value) => drop(format!("{value:?}")),
                Err(problem) => drop(problem.to_string()),
            }
        }
    }
}
