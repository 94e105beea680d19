//! What the other decoder says.

use std::collections::BTreeMap;

use mysql_common::Value;
use mysql_common::binlog::consts::{BinlogChecksumAlg, BinlogVersion};
use mysql_common::binlog::events::{
    Event, EventData, GtidEvent, OptionalMetaExtractor, OptionalMetadataField, PreviousGtidsEvent, QueryEvent,
    RowsEventData, StatusVarVal, TableMapEvent,
};
use mysql_common::binlog::row::BinlogRow;
use mysql_common::binlog::value::BinlogValue;
use mysql_common::binlog::{BinlogFileHeader, EventStreamReader};

use crate::{EventText, LOOSE, hex, loose};

/// The events of a log. `ours` says in which of them are rows that the decoder cannot read.
pub(crate) fn events(log: &[u8], ours: &[EventText]) -> Result<Vec<EventText>, String> {
    let fail = |error: std::io::Error| error.to_string();
    let mut input = log;
    BinlogFileHeader::read(&mut input).map_err(fail)?;
    let mut reader = EventStreamReader::new(BinlogVersion::Version4);
    let mut texts = Vec::new();
    while let Some(event) = reader.read(&mut input).map_err(fail)? {
        let readable = |number: usize| ours.get(number).is_none_or(|own: &EventText| !own.unreadable);
        texts.push(text(&event, &reader, readable(texts.len())).map_err(fail)?);
        if let Ok(Some(EventData::TransactionPayloadEvent(payload))) = event.read_data() {
            let mut inner = payload.decompressed().map_err(fail)?;
            while inner.has_data_left().map_err(fail)? {
                let Some(event) = reader.read_decompressed(&mut inner).map_err(fail)? else { break };
                texts.push(text(&event, &reader, readable(texts.len())).map_err(fail)?);
            }
        }
    }
    Ok(texts)
}

fn text(event: &Event, reader: &EventStreamReader, readable: bool) -> std::io::Result<EventText> {
    let header = event.header();
    let mut text = EventText {
        header: format!(
            "type {} at {} by {} to {} flags {:#x}",
            header.event_type_raw(),
            header.timestamp(),
            header.server_id(),
            header.log_pos(),
            header.flags_raw()
        ),
        ..EventText::default()
    };
    text.field("size", header.event_size());
    // MariaDB's own types are unknown to it.
    if header.event_type().is_err() {
        return Ok(text);
    }
    match event.read_data()? {
        Some(EventData::FormatDescriptionEvent(format)) => {
            text.field("version", format.server_version().trim_end_matches('\0'));
            text.field("created", format.create_timestamp());
            let checksum = event.footer().get_checksum_alg();
            text.field("checksum", matches!(checksum, Ok(Some(BinlogChecksumAlg::BINLOG_CHECKSUM_ALG_CRC32))));
            text.field("lengths", hex(format.event_type_header_lengths()));
        }
        Some(EventData::RotateEvent(rotate)) => {
            text.field("position", rotate.position());
            text.field("file", hex(rotate.name_raw()));
        }
        Some(EventData::QueryEvent(event)) => query(&event, &mut text),
        Some(EventData::XidEvent(event)) => text.field("xid", event.xid),
        Some(EventData::IntvarEvent(event)) => {
            text.field("variable", event.subtype() as u8);
            text.field("value", event.value());
        }
        Some(EventData::RandEvent(event)) => {
            text.field("first", *event.seed1);
            text.field("second", *event.seed2);
        }
        Some(EventData::UserVarEvent(event)) => text.field("name", hex(event.name_raw())),
        Some(EventData::IncidentEvent(event)) => {
            if let Ok(kind) = event.incident_type() {
                text.field("incident", kind as u16);
            }
            text.field("message", hex(event.message_raw()));
        }
        Some(EventData::RowsQueryEvent(event)) => text.field("statement", hex(event.query_raw())),
        Some(EventData::GtidEvent(event)) => gtid(&event, true, &mut text),
        Some(EventData::AnonymousGtidEvent(event)) => gtid(&event.0, event.0.tag().is_some(), &mut text),
        Some(EventData::PreviousGtidsEvent(event)) => text.field("gtids", previous_gtids(&event)),
        Some(EventData::TransactionPayloadEvent(event)) => text.field("uncompressed", event.uncompressed_size()),
        Some(EventData::TableMapEvent(event)) => table(&event, &mut text)?,
        Some(EventData::RowsEvent(event)) => {
            text.unreadable = !readable;
            rows(&event, reader, &mut text)?;
        }
        _ => {}
    }
    Ok(text)
}

fn query(event: &QueryEvent<'_>, text: &mut EventText) {
    text.field("thread", event.thread_id());
    text.field("seconds", event.execution_time());
    text.field("error", event.error_code());
    text.field("schema", hex(event.schema_raw()));
    text.field("statement", hex(event.query_raw()));
    for variable in event.status_vars().iter() {
        let Ok(value) = variable.get_value() else { continue };
        match value {
            StatusVarVal::Flags2(flags) => text.field("session flags", flags.0),
            StatusVarVal::SqlMode(mode) => text.field("sql_mode", mode.0),
            StatusVarVal::Catalog(catalog) => text.field("catalog", format!("{catalog:?}")),
            StatusVarVal::CatalogNz(catalog) => text.field("catalog", format!("{:?}", catalog.as_bytes())),
            StatusVarVal::AutoIncrement { increment, offset } => {
                text.field("auto increment", format!("{:?}", (increment, offset)));
            }
            StatusVarVal::Charset { charset_client, collation_connection, collation_server } => {
                text.field("charset", format!("{:?}", (charset_client, collation_connection, collation_server)));
            }
            StatusVarVal::TimeZone(zone) => text.field("time zone", format!("{:?}", zone.as_bytes())),
            StatusVarVal::LcTimeNames(locale) => text.field("locale", locale),
            StatusVarVal::CharsetDatabase(collation) => text.field("schema's collation", collation),
            StatusVarVal::ExplicitDefaultsForTimestamp(explicit) => text.field("explicit timestamps", explicit),
            StatusVarVal::DefaultCollationForUtf8mb4(collation) => text.field("collation for utf8mb4", collation),
            StatusVarVal::SqlRequirePrimaryKey(required) => text.field("require primary key", required),
            StatusVarVal::DefaultTableEncryption(encrypted) => text.field("table encryption", encrypted),
            _ => {}
        }
    }
}

fn named(sid: [u8; 16], tag: Option<&str>, intervals: &str) -> String {
    let tag = tag.map(|tag| format!("{tag}:")).unwrap_or_default();
    format!("{}:{tag}{intervals}", uuid::Uuid::from_bytes(sid))
}

fn gtid(event: &GtidEvent, named: bool, text: &mut EventText) {
    if named {
        text.field("gtid", self::named(event.sid(), event.tag().map(|tag| &**tag), &event.gno().to_string()));
    }
    text.field("last committed", event.last_committed());
    text.field("sequence number", event.sequence_number());
    text.field("commit time", event.immediate_commit_timestamp());
    text.field("original commit time", event.original_commit_timestamp());
    text.field("length", event.tx_length());
}

fn previous_gtids(event: &PreviousGtidsEvent<'_>) -> String {
    let mut sets: BTreeMap<[u8; 16], Vec<(Option<String>, String)>> = BTreeMap::new();
    for sid in event.sids() {
        let interval = |from: u64, to: u64| if to == from { from.to_string() } else { format!("{from}-{to}") };
        let intervals: Vec<_> = sid.intervals().iter().map(|own| interval(own.start(), own.end() - 1)).collect();
        sets.entry(sid.uuid()).or_default().push((sid.tag().map(|tag| tag.to_string()), intervals.join(":")));
    }
    let sources = sets.into_iter().map(|(uuid, parts)| {
        let parts: Vec<_> = parts
            .into_iter()
            .map(|(tag, intervals)| tag.map(|tag| format!("{tag}:{intervals}")).unwrap_or(intervals))
            .collect();
        format!("{}:{}", uuid::Uuid::from_bytes(uuid), parts.join(":"))
    });
    sources.collect::<Vec<_>>().join(",")
}

fn table(event: &TableMapEvent<'_>, text: &mut EventText) -> std::io::Result<()> {
    let count = event.columns_count() as usize;
    text.field("table id", event.table_id());
    text.field("table", format!("{:?}.{:?}", event.database_name(), event.table_name()));
    let nullable: Vec<bool> = event.null_bitmask().iter().by_vals().take(count).collect();
    text.field("nullable", format!("{nullable:?}"));
    let (mut names, mut sets, mut enums) = (Vec::new(), Vec::new(), Vec::new());
    let (mut geometries, mut keys, mut visible, mut dimensions) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    for field in event.iter_optional_meta() {
        match field? {
            OptionalMetadataField::ColumnName(own) => {
                for name in own.iter_names() {
                    names.push(name?.name().into_owned());
                }
            }
            OptionalMetadataField::SetStrValue(own) => {
                for list in own.iter_values() {
                    sets.push(list?.values().iter().map(|value| value.value_raw().to_vec()).collect::<Vec<_>>());
                }
            }
            OptionalMetadataField::EnumStrValue(own) => {
                for list in own.iter_values() {
                    enums.push(list?.values().iter().map(|value| value.value_raw().to_vec()).collect::<Vec<_>>());
                }
            }
            OptionalMetadataField::GeometryType(own) => {
                for kind in own.iter_geometry_types() {
                    geometries.push(kind? as u8);
                }
            }
            OptionalMetadataField::SimplePrimaryKey(own) => {
                for column in own.iter_indexes() {
                    keys.push((column?, 0));
                }
            }
            OptionalMetadataField::PrimaryKeyWithPrefix(own) => {
                for key in own.iter_keys() {
                    let key = key?;
                    keys.push((key.column_index(), key.prefix_length()));
                }
            }
            OptionalMetadataField::ColumnVisibility(own) => visible.extend(own.iter().by_vals().take(count)),
            OptionalMetadataField::Dimensionality(own) => {
                for dimension in own.iter_dimensionalities() {
                    dimensions.push(dimension?);
                }
            }
            _ => {}
        }
    }
    text.field("names", format!("{names:?}"));
    text.field("SET members", format!("{sets:?}"));
    text.field("ENUM members", format!("{enums:?}"));
    text.field("geometries", format!("{geometries:?}"));
    text.field("primary key", format!("{keys:?}"));
    text.field("visible", format!("{visible:?}"));
    text.field("dimensions", format!("{dimensions:?}"));
    let types: Vec<_> = (0..count).filter_map(|column| event.get_column_type(column).ok().flatten()).collect();
    let extractor = OptionalMetaExtractor::new(event.iter_optional_meta())?;
    let numbers = types.iter().filter(|kind| kind.is_numeric_type()).count();
    let unsigned: Vec<bool> = extractor.iter_signedness().take(numbers).collect();
    text.field("unsigned", format!("{unsigned:?}"));
    let characters = types.iter().filter(|kind| kind.is_character_type()).count();
    let collations = extractor.iter_charset().take(characters).collect::<Result<Vec<_>, _>>()?;
    text.field("collations", format!("{collations:?}"));
    let members = types.iter().filter(|kind| kind.is_enum_or_set_type()).count();
    let collations = extractor.iter_enum_and_set_charset().take(members).collect::<Result<Vec<_>, _>>()?;
    text.field("members' collations", format!("{collations:?}"));
    Ok(())
}

fn rows(event: &RowsEventData<'_>, reader: &EventStreamReader, text: &mut EventText) -> std::io::Result<()> {
    let missing = || std::io::Error::other("rows without their table");
    let table = reader.get_tme(event.table_id()).ok_or_else(missing)?;
    text.field("table id", event.table_id());
    text.field("row flags", event.flags().bits());
    text.field("columns", event.num_columns());
    let letter = |bit: bool| if bit { '1' } else { '0' };
    if let Some(before) = event.columns_before_image() {
        text.field("before", before.iter().by_vals().map(letter).collect::<String>());
    }
    if let Some(after) = event.columns_after_image() {
        text.field("after", after.iter().by_vals().map(letter).collect::<String>());
    }
    if text.unreadable {
        return Ok(());
    }
    for change in event.rows(table) {
        let (before, after): (Option<BinlogRow>, Option<BinlogRow>) = change?;
        let images = [before, after].into_iter().flatten();
        text.rows.push(images.flat_map(|row| row.unwrap()).map(value).collect());
    }
    Ok(())
}

fn value(value: BinlogValue<'static>) -> String {
    match value {
        BinlogValue::JsonDiff(diffs) => diffs.iter().fold(String::new(), |text, diff| {
            let value = diff.value().map(|value| json(value.clone().into_owned())).unwrap_or_default();
            let value = loose(value.strip_prefix(LOOSE).unwrap_or(&value));
            format!("{text}{} {} {value};", diff.operation() as u8, diff.path_str())
        }),
        BinlogValue::Jsonb(value) => json(value),
        BinlogValue::Value(value) => match value {
            Value::NULL => "NULL".to_owned(),
            Value::Bytes(bytes) => hex(&bytes),
            Value::Int(value) => value.to_string(),
            Value::UInt(value) => value.to_string(),
            Value::Float(value) => format!("{value:?}"),
            Value::Double(value) => format!("{value:?}"),
            Value::Date(year, month, day, hour, minute, second, micros) => {
                format!("{year:04}-{month:02}-{day:02} {hour:02}:{minute:02}:{second:02}.{micros:06}")
            }
            Value::Time(negative, days, hours, minutes, seconds, micros) => format!(
                "{}{:02}:{minutes:02}:{seconds:02}.{micros:06}",
                if negative { "-" } else { "" },
                days * 24 + u32::from(hours)
            ),
        },
    }
}

fn json(value: mysql_common::binlog::jsonb::Value<'static>) -> String {
    match serde_json::Value::try_from(value.clone()) {
        Ok(value) => value.to_string(),
        // It has times, decimals and bytes in it.
        Err(_) => match value.parse() {
            Ok(document) => format!("{LOOSE}{}", loose(&serde_json::Value::from(document).to_string())),
            Err(error) => error.to_string(),
        },
    }
}
