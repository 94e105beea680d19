//! What our decoder says, written as the other one has it.

use backtrail_binlog::{
    ChecksumAlgorithm, ColumnImage, ColumnKind, ColumnShape, Event, EventBody, EventReader, EventType, Flavour,
    QueryEvent, RowImage, RowsEvent, RowsKind, TableMap, TableMaps, Value, decode_value, json,
};

use crate::plain::plain_type;
use crate::{ANYTHING, EventText, hex, loose};

pub(crate) fn events(log: &[u8]) -> Result<Vec<EventText>, String> {
    let fail = |error: &dyn std::error::Error| match error.source() {
        Some(source) => format!("{error}: {source}"),
        None => error.to_string(),
    };
    let mut reader = EventReader::new(log, "binlog.000001".parse().map_err(|_| "no name")?).map_err(|e| fail(&e))?;
    let mut tables = TableMaps::new();
    let mut texts = Vec::new();
    while let Some(event) = reader.next_event().map_err(|e| fail(&e))? {
        texts.push(text(&event, &mut tables)?);
        if let EventBody::TransactionPayload(payload) = event.body().map_err(|e| fail(&e))? {
            let mut inner = payload.events().map_err(|e| fail(&e))?;
            while let Some(event) = inner.next_event().map_err(|e| fail(&e))? {
                texts.push(text(&event, &mut tables)?);
            }
        }
    }
    Ok(texts)
}

fn text(event: &Event<'_>, tables: &mut TableMaps) -> Result<EventText, String> {
    let header = &event.header;
    let (own, twin) = (header.event_type.0, plain_type(header.event_type.0));
    let size = if own == twin { header.event_size.to_string() } else { ANYTHING.to_owned() };
    let mut text = EventText {
        header: format!(
            "type {twin} at {} by {} to {} flags {:#x}",
            header.timestamp, header.server_id, header.next_position, header.flags
        ),
        ..EventText::default()
    };
    text.field("size", size);
    match event.body().map_err(|error| format!("{error}: {:?}", std::error::Error::source(&error)))? {
        EventBody::FormatDescription(format) => {
            text.field("version", &format.server_version);
            text.field("created", format.created);
            text.field("checksum", format.checksum == ChecksumAlgorithm::Crc32);
            text.field("lengths", hex(&format.post_header_lengths));
        }
        EventBody::Rotate(rotate) => {
            text.field("position", rotate.position);
            text.field("file", hex(rotate.file));
        }
        EventBody::Query(query) => self::query(&query, &mut text),
        EventBody::Xid(number) => text.field("xid", number),
        EventBody::IntVar { kind, value } => {
            text.field("variable", kind);
            text.field("value", value);
        }
        EventBody::Rand { first, second } => {
            text.field("first", first);
            text.field("second", second);
        }
        EventBody::UserVar { name } => text.field("name", hex(name)),
        EventBody::Incident(incident) => {
            text.field("incident", incident.incident);
            text.field("message", hex(incident.message));
        }
        EventBody::RowsQuery(statement) if header.event_type == EventType::ROWS_QUERY => {
            text.field("statement", hex(statement));
        }
        EventBody::Gtid(gtid) if header.event_type != EventType::MARIADB_GTID => {
            if let Some(name) = &gtid.gtid {
                text.field("gtid", name.to_set());
            }
            let (committed, number) = gtid.logical_clock.unwrap_or_default();
            text.field("last committed", committed);
            text.field("sequence number", number);
            text.field("commit time", gtid.immediate_commit_micros.unwrap_or_default());
            text.field("original commit time", gtid.original_commit_micros.unwrap_or_default());
            text.field("length", gtid.transaction_length.unwrap_or_default());
        }
        EventBody::PreviousGtids(set) => text.field("gtids", set),
        EventBody::TransactionPayload(payload) => {
            text.field("uncompressed", payload.uncompressed_size.unwrap_or_default());
        }
        EventBody::TableMap(_) => {
            table(tables.insert(event).map_err(|error| error.to_string())?, &mut text);
            // To MariaDB, GEOMETRY has a character set; to it, never.
            let geometry = |column: &ColumnShape| matches!(column.kind, ColumnKind::Geometry { .. });
            let mariadb = event.format().is_some_and(|format| format.flavour == Flavour::Mariadb);
            if mariadb && tables.insert(event).is_ok_and(|table| table.columns.iter().any(geometry)) {
                text.field("collations", ANYTHING);
            }
        }
        EventBody::Rows(rows) => self::rows(&rows, tables, &mut text)?,
        _ => {}
    }
    Ok(text)
}

fn optional<T: std::fmt::Debug>(text: &mut EventText, name: &'static str, value: Option<T>) {
    if let Some(value) = value {
        text.field(name, format!("{value:?}"));
    }
}

fn query(query: &QueryEvent<'_>, text: &mut EventText) {
    text.field("thread", query.thread_id);
    text.field("seconds", query.execution_seconds);
    text.field("error", query.error_code);
    text.field("schema", hex(query.schema));
    text.field("statement", hex(&query.statement));
    let status = &query.status;
    optional(text, "session flags", status.flags);
    optional(text, "sql_mode", status.sql_mode);
    optional(text, "catalog", status.catalog);
    optional(text, "auto increment", status.auto_increment);
    optional(text, "charset", status.charset);
    optional(text, "time zone", status.time_zone);
    optional(text, "locale", status.time_names);
    optional(text, "schema's collation", status.database_collation);
    optional(text, "explicit timestamps", status.explicit_timestamp_defaults);
    optional(text, "collation for utf8mb4", status.utf8mb4_collation);
    optional(text, "require primary key", status.require_primary_key);
    optional(text, "table encryption", status.table_encryption);
}

fn table(table: &TableMap, text: &mut EventText) {
    let metadata = &table.metadata;
    text.field("table id", table.table_id);
    text.field("table", format!("{:?}.{:?}", table.name.schema, table.name.table));
    let nullable: Vec<bool> = table.columns.iter().map(|column| column.nullable).collect();
    text.field("nullable", format!("{nullable:?}"));
    text.field("names", format!("{:?}", metadata.names));
    text.field("SET members", format!("{:?}", metadata.set_values));
    text.field("ENUM members", format!("{:?}", metadata.enum_values));
    text.field("geometries", format!("{:?}", metadata.geometry_types));
    text.field("primary key", format!("{:?}", metadata.primary_key));
    text.field("visible", format!("{:?}", metadata.visible));
    text.field("dimensions", format!("{:?}", metadata.vector_dimensions));
    let unsigned: Vec<bool> = table.columns.iter().filter_map(|column| column.unsigned).collect();
    text.field("unsigned", format!("{unsigned:?}"));
    let collations: Vec<u32> = table.columns.iter().filter_map(|column| column.collation).collect();
    text.field("collations", format!("{collations:?}"));
    text.field("members' collations", format!("{:?}", metadata.enum_and_set_collations));
}

fn rows(event: &RowsEvent<'_>, tables: &TableMaps, text: &mut EventText) -> Result<(), String> {
    text.field("table id", event.table_id);
    // It keeps the four that it has names for.
    text.field("row flags", event.flags & 0xf);
    text.field("columns", event.column_count);
    if event.kind != RowsKind::Write {
        text.field("before", bits(event.columns_before, event.column_count));
    }
    if event.kind != RowsKind::Delete {
        text.field("after", bits(event.columns_after, event.column_count));
    }
    let table = tables.get(event.table_id).ok_or("rows without their table")?;
    let mut changes = event.rows(table).map_err(|problem| problem.to_string())?;
    while let Some(change) = changes.next_row().map_err(|problem| problem.to_string())? {
        let mut row = Vec::new();
        for image in [change.before, change.after].into_iter().flatten() {
            text.unreadable |= unreadable(image, table);
            row.extend(self::image(image, table)?);
        }
        text.rows.push(row);
    }
    Ok(())
}

pub(crate) fn bits(bits: &[u8], count: usize) -> String {
    (0..count)
        .map(|bit| if bits.get(bit / 8).is_some_and(|byte| byte >> (bit % 8) & 1 == 1) { '1' } else { '0' })
        .collect()
}

fn image(image: RowImage<'_, '_>, table: &TableMap) -> Result<Vec<String>, String> {
    let present = image.columns().iter().zip(&table.columns).filter(|(image, _)| **image != ColumnImage::Absent);
    present
        .map(|(image, column)| match image {
            ColumnImage::Bytes(raw) => {
                let value = decode_value(column.kind, column.unsigned == Some(true), raw);
                self::value(&value.map_err(|problem| problem.to_string())?, column.kind)
            }
            ColumnImage::JsonDiff(diffs) => self::diffs(diffs),
            _ => Ok("NULL".to_owned()),
        })
        .collect()
}

/// Whether the other decoder overflows: at a TIME(1) or TIME(2) below zero with a fraction.
fn unreadable(image: RowImage<'_, '_>, table: &TableMap) -> bool {
    image.columns().iter().zip(&table.columns).any(|(image, column)| match (image, column.kind) {
        (ColumnImage::Bytes(raw), kind @ ColumnKind::Time { fsp: 1 | 2 }) => {
            matches!(decode_value(kind, false, raw), Ok(Value::Time(time)) if time.negative && time.micros > 0)
        }
        _ => false,
    })
}

/// Operation, path and value of each difference.
fn diffs(mut diffs: &[u8]) -> Result<String, String> {
    let mut text = String::new();
    while let Some((operation, rest)) = diffs.split_first() {
        let (path, rest) = packed(rest).ok_or("a difference without its path")?;
        text.push_str(&format!("{operation} {} ", String::from_utf8_lossy(path)));
        diffs = rest;
        if *operation != 2 {
            let (value, rest) = packed(rest).ok_or("a difference without its value")?;
            text.push_str(&loose(&self::json(value)?));
            diffs = rest;
        }
        text.push(';');
    }
    Ok(text)
}

/// Bytes behind their length.
fn packed(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let (first, rest) = bytes.split_first()?;
    let (length, rest) = match first {
        252 => (usize::from(u16::from_le_bytes([*rest.first()?, *rest.get(1)?])), rest.get(2..)?),
        253 => (usize::from(rest[0]) | usize::from(rest[1]) << 8 | usize::from(rest[2]) << 16, rest.get(3..)?),
        small => (usize::from(*small), rest),
    };
    rest.split_at_checked(length)
}

fn json(binary: &[u8]) -> Result<String, String> {
    let text = json::to_text(binary).map_err(|error| error.to_string())?;
    let value: serde_json::Value = serde_json::from_str(&text).map_err(|error| format!("{text}: {error}"))?;
    Ok(value.to_string())
}

fn value(value: &Value<'_>, kind: ColumnKind) -> Result<String, String> {
    Ok(match value {
        // It loses the sign.
        Value::Int(value @ ..0) if kind == ColumnKind::MediumInt => (value & 0xff_ffff).to_string(),
        Value::Int(value) => value.to_string(),
        Value::UInt(value) => value.to_string(),
        Value::Float(value) => format!("{value:?}"),
        Value::Double(value) => format!("{value:?}"),
        Value::Decimal(value) => hex(value.to_string().as_bytes()),
        Value::Bit { value, bits } => hex(&value.to_be_bytes()[8 - usize::from(*bits).div_ceil(8)..]),
        Value::Date(date) => format!("{date} 00:00:00.000000"),
        // It does not know that this type goes below zero.
        Value::Time(time) if kind == ColumnKind::OldTime && time.negative => ANYTHING.to_owned(),
        Value::Time(time) => backtrail_binlog::Time { fsp: 6, ..*time }.to_string(),
        Value::DateTime(time) => backtrail_binlog::DateTime { fsp: 6, ..*time }.to_string(),
        // Behind January 2038 it reads seconds before 1970.
        Value::Timestamp(time) if time.seconds > i64::from(i32::MAX) => ANYTHING.to_owned(),
        Value::Timestamp(time) if kind == ColumnKind::OldTimestamp => time.seconds.to_string(),
        Value::Timestamp(time) if time.micros == 0 => hex(time.seconds.to_string().as_bytes()),
        Value::Timestamp(time) => hex(format!("{}.{:06}", time.seconds, time.micros).as_bytes()),
        // It takes YEAR 0 for 1900.
        Value::Year(year) => hex((*year).max(1900).to_string().as_bytes()),
        Value::Enum(member) => member.to_string(),
        Value::Set(members) => match kind {
            ColumnKind::Set { bytes } => hex(&members.to_le_bytes()[..usize::from(bytes)]),
            other => return Err(format!("a SET in {other:?}")),
        },
        Value::Bytes(bytes) => hex(bytes),
        Value::Json(binary) => json(binary)?,
        Value::Null => "NULL".to_owned(),
    })
}
