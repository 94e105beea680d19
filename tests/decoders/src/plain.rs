//! MariaDB's compressed events, written again without compression.
//!
//! Nothing of our decoder is used here but the constants: it is to be compared with what comes out.

use std::io::Read;

use backtrail_binlog::EventType;

const HEADER: usize = 19;

/// The type of a compressed event's plain twin.
pub(crate) fn plain_type(event_type: u8) -> u8 {
    match EventType(event_type) {
        EventType::QUERY_COMPRESSED => EventType::QUERY.0,
        EventType::WRITE_ROWS_COMPRESSED_V1 => EventType::WRITE_ROWS_V1.0,
        EventType::UPDATE_ROWS_COMPRESSED_V1 => EventType::UPDATE_ROWS_V1.0,
        EventType::DELETE_ROWS_COMPRESSED_V1 => EventType::DELETE_ROWS_V1.0,
        EventType::WRITE_ROWS_COMPRESSED => EventType::WRITE_ROWS.0,
        EventType::UPDATE_ROWS_COMPRESSED => EventType::UPDATE_ROWS.0,
        EventType::DELETE_ROWS_COMPRESSED => EventType::DELETE_ROWS.0,
        _ => event_type,
    }
}

pub(crate) fn without_compression(log: &[u8]) -> Result<Vec<u8>, String> {
    let mut plain = log.get(..4).ok_or("no log")?.to_vec();
    let mut rest = log.get(4..).unwrap_or_default();
    let mut checksum = 0;
    while !rest.is_empty() {
        let size = rest.get(9..13).ok_or("a header is cut")?;
        let size = u32::from_le_bytes([size[0], size[1], size[2], size[3]]) as usize;
        let (event, behind) = rest.split_at_checked(size).ok_or("an event is cut")?;
        rest = behind;
        if event[4] == EventType::FORMAT_DESCRIPTION.0 && event.len() > HEADER + 57 + 5 {
            checksum = if event[event.len() - 5] == 1 { 4 } else { 0 };
        }
        let twin = plain_type(event[4]);
        if twin == event[4] {
            plain.extend_from_slice(event);
            continue;
        }
        let body = event.get(HEADER..event.len() - checksum).ok_or("an event without a body")?;
        let head = head_length(event[4], body).ok_or("an event without its fixed part")?;
        let content = inflated(body.get(head..).ok_or("an event without content")?)?;
        let start = plain.len();
        plain.extend_from_slice(event.get(..HEADER + head).ok_or("an event is cut")?);
        plain.extend_from_slice(&content);
        let length = (plain.len() - start + checksum) as u32;
        plain[start + 4] = twin;
        plain[start + 9..start + 13].copy_from_slice(&length.to_le_bytes());
        if checksum == 4 {
            let sum = crc32fast::hash(&plain[start..]);
            plain.extend_from_slice(&sum.to_le_bytes());
        }
    }
    Ok(plain)
}

/// How long the part is that is not compressed.
fn head_length(event_type: u8, body: &[u8]) -> Option<usize> {
    if EventType(event_type) == EventType::QUERY_COMPRESSED {
        let (schema, status) = (*body.get(8)?, u16::from_le_bytes([*body.get(11)?, *body.get(12)?]));
        return Some(13 + usize::from(status) + usize::from(schema) + 1);
    }
    // The second version's extra data states its length, its own two bytes included.
    let second = event_type >= EventType::WRITE_ROWS_COMPRESSED.0;
    let fixed = if second { 8 + usize::from(u16::from_le_bytes([*body.get(8)?, *body.get(9)?])) } else { 8 };
    let (columns, length) = match *body.get(fixed)? {
        252 => (usize::from(u16::from_le_bytes([*body.get(fixed + 1)?, *body.get(fixed + 2)?])), 3),
        small => (usize::from(small), 1),
    };
    let update =
        matches!(EventType(event_type), EventType::UPDATE_ROWS_COMPRESSED | EventType::UPDATE_ROWS_COMPRESSED_V1);
    Some(fixed + length + columns.div_ceil(8) * if update { 2 } else { 1 })
}

/// A byte whose lower three bits are the length of the length, the length, zlib's data.
fn inflated(record: &[u8]) -> Result<Vec<u8>, String> {
    let length_bytes = usize::from(record.first().ok_or("nothing is compressed")? & 7);
    let stated = record.get(1..=length_bytes).ok_or("no length")?;
    let stated = stated.iter().fold(0_usize, |length, byte| length << 8 | usize::from(*byte));
    let mut content = Vec::new();
    flate2::read::ZlibDecoder::new(record.get(1 + length_bytes..).unwrap_or_default())
        .read_to_end(&mut content)
        .map_err(|error| error.to_string())?;
    if content.len() == stated {
        Ok(content)
    } else {
        Err(format!("{} bytes where {stated} were stated", content.len()))
    }
}
