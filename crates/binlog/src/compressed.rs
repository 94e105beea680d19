//! MariaDB's zlib records: compressed statements and rows (`log_bin_compress`), and compressed columns.

use std::borrow::Cow;
use std::io::Read;

use flate2::read::{DeflateDecoder, ZlibDecoder};

use crate::bytes::{Cursor, big_endian};
use crate::{MAX_EVENT_SIZE, Malformed};

/// A compressed statement or row image: a byte `1aaa0lll` (algorithm, length of the length), the original length with
/// its high byte first, zlib data.
pub(crate) fn decompress(record: &[u8]) -> Result<Vec<u8>, Malformed> {
    let mut cursor = Cursor::new(record);
    let head = cursor.u8("compression header")?;
    if head & 0x80 == 0 || head & 0x70 != 0 {
        return Err(Malformed::unsupported(format!("compression header {head:#04x}")));
    }
    let length_bytes = usize::from(head & 7);
    if !(1..=4).contains(&length_bytes) {
        return Err(Malformed::invalid("compression header", "a length of more than four bytes, or none"));
    }
    let length = big_endian(cursor.take(length_bytes, "original length")?);
    inflate(ZlibDecoder::new(cursor.rest()), length)
}

/// A value of a `COMPRESSED` column: empty, or a byte of method 0 (plain) or 8 (zlib) in its upper half, with bit 3 for
/// raw deflate data without zlib's frame and the length's length in the lower three.
pub(crate) fn decompress_column(value: &[u8]) -> Result<Cow<'_, [u8]>, Malformed> {
    let Some((head, rest)) = value.split_first() else { return Ok(Cow::Borrowed(value)) };
    match head >> 4 {
        0 => Ok(Cow::Borrowed(rest)),
        8 => {
            let mut cursor = Cursor::new(rest);
            let length = big_endian(cursor.take(usize::from(head & 7), "original length")?);
            if head & 8 == 0 {
                inflate(ZlibDecoder::new(cursor.rest()), length).map(Cow::Owned)
            } else {
                inflate(DeflateDecoder::new(cursor.rest()), length).map(Cow::Owned)
            }
        }
        method => Err(Malformed::unsupported(format!("column compression method {method}"))),
    }
}

/// Memory grows with what comes out, never by the stated length alone.
fn inflate(decoder: impl Read, length: u64) -> Result<Vec<u8>, Malformed> {
    if length > u64::from(MAX_EVENT_SIZE) {
        return Err(Malformed::invalid("original length", format!("{length} bytes are more than an event may have")));
    }
    let mut plain = Vec::new();
    decoder
        .take(length + 1)
        .read_to_end(&mut plain)
        .map_err(|error| Malformed::invalid("compressed data", error.to_string()))?;
    if plain.len() as u64 != length {
        let problem = format!("{} bytes or more came out where {length} were announced", plain.len());
        return Err(Malformed::invalid("compressed data", problem));
    }
    Ok(plain)
}
