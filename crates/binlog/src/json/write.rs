//! Text of values.

use std::fmt::Write;

use super::binary::{Node, spend};
use super::{JsonError, MAX_DEPTH};
use crate::temporal::{self, Time};
use crate::{Decimal, Malformed};

pub(super) fn value(text: &mut String, node: Node<'_>, depth: usize, budget: &mut usize) -> Result<(), JsonError> {
    spend(budget)?;
    match node {
        Node::Array(container) => {
            deeper(depth)?;
            text.push('[');
            for index in 0..container.len() {
                if index > 0 {
                    text.push_str(", ");
                }
                value(text, container.value(index)?, depth + 1, budget)?;
            }
            text.push(']');
        }
        Node::Object(container) => {
            deeper(depth)?;
            text.push('{');
            for index in 0..container.len() {
                if index > 0 {
                    text.push_str(", ");
                }
                string(text, container.key(index)?);
                text.push_str(": ");
                value(text, container.value(index)?, depth + 1, budget)?;
            }
            text.push('}');
        }
        scalar => write_scalar(text, scalar)?,
    }
    Ok(())
}

pub(super) fn deeper(depth: usize) -> Result<(), JsonError> {
    if depth < MAX_DEPTH { Ok(()) } else { Err(JsonError::TooDeep) }
}

/// Writes anything but a container (of which it writes nothing).
pub(super) fn write_scalar(text: &mut String, node: Node<'_>) -> Result<(), JsonError> {
    // Writing into a `String` cannot fail.
    let _ = match node {
        Node::Null => text.write_str("null"),
        Node::Bool(value) => write!(text, "{value}"),
        Node::Int(value) => write!(text, "{value}"),
        Node::UInt(value) => write!(text, "{value}"),
        // Shortest digits that come back as the same number, and always with a point or exponent: `1.0` is no integer.
        Node::Double(value) => write!(text, "{value:?}"),
        Node::String(value) => {
            string(text, value);
            Ok(())
        }
        Node::Opaque(kind, bytes) => return opaque(text, kind, bytes),
        Node::Array(_) | Node::Object(_) => Ok(()),
    };
    Ok(())
}

/// Types of opaque values, by their column type's number.
mod opaque_type {
    pub(super) const TIMESTAMP: u8 = 7;
    pub(super) const DATE: u8 = 10;
    pub(super) const TIME: u8 = 11;
    pub(super) const DATETIME: u8 = 12;
    pub(super) const DECIMAL: u8 = 246;
}

fn opaque(text: &mut String, kind: u8, bytes: &[u8]) -> Result<(), JsonError> {
    let packed = || -> Result<i64, Malformed> {
        let bytes: [u8; 8] = bytes
            .try_into()
            .map_err(|_| Malformed::invalid("JSON date or time", format!("of {} bytes", bytes.len())))?;
        Ok(i64::from_le_bytes(bytes))
    };
    let _ = match kind {
        opaque_type::DECIMAL => {
            let Some(([precision, scale], digits)) = bytes.split_first_chunk::<2>() else {
                return Err(Malformed::invalid("JSON decimal", "without precision and scale").into());
            };
            write!(text, "{}", Decimal::decode(*precision, *scale, digits)?)
        }
        opaque_type::DATE => {
            let (value, _) = seconds_and_micros(packed()?);
            write!(text, "\"{}\"", temporal::from_packed(value, 0, 0).date)
        }
        opaque_type::DATETIME | opaque_type::TIMESTAMP => {
            let (value, micros) = seconds_and_micros(packed()?);
            write!(text, "\"{}\"", temporal::from_packed(value, micros, 6))
        }
        opaque_type::TIME => {
            let packed = packed()?;
            let (value, micros) = seconds_and_micros(packed);
            let time = Time {
                negative: packed < 0,
                hours: (value >> 12 & 0x3ff) as u16,
                minutes: (value >> 6 & 0x3f) as u8,
                seconds: (value & 0x3f) as u8,
                micros,
                fsp: 6,
            };
            write!(text, "\"{time}\"")
        }
        _ => {
            let _ = write!(text, "\"base64:type{kind}:");
            base64(text, bytes);
            text.write_char('"')
        }
    };
    Ok(())
}

/// The server's packed form: 24 bits of millionths below the rest; negative as a whole.
fn seconds_and_micros(packed: i64) -> (u64, u32) {
    let magnitude = packed.unsigned_abs();
    (magnitude >> 24, ((magnitude & 0xff_ffff) as u32).min(999_999))
}

/// Writes a string in quotes, with what JSON wants escaped.
pub(super) fn string(text: &mut String, value: &str) {
    text.push('"');
    let mut plain = 0;
    for (at, byte) in value.bytes().enumerate() {
        let escape = match byte {
            b'"' => "\\\"",
            b'\\' => "\\\\",
            0x08 => "\\b",
            0x0c => "\\f",
            b'\n' => "\\n",
            b'\r' => "\\r",
            b'\t' => "\\t",
            0..0x20 => "",
            _ => continue,
        };
        text.push_str(value.get(plain..at).unwrap_or_default());
        plain = at + 1;
        if escape.is_empty() {
            let _ = write!(text, "\\u{byte:04x}");
        } else {
            text.push_str(escape);
        }
    }
    text.push_str(value.get(plain..).unwrap_or_default());
    text.push('"');
}

fn base64(text: &mut String, bytes: &[u8]) {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    for chunk in bytes.chunks(3) {
        let value = chunk.iter().fold(0u32, |value, byte| value << 8 | u32::from(*byte)) << (8 * (3 - chunk.len()));
        for digit in 0..4 {
            text.push(match digit <= chunk.len() {
                true => char::from(DIGITS[(value >> (18 - 6 * digit) & 63) as usize]),
                false => '=',
            });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn base64_of_every_ending() {
        let check = |bytes: &[u8], expected: &str| {
            let mut text = String::new();
            base64(&mut text, bytes);
            assert_eq!(text, expected);
        };
        check(b"", "");
        check(b"f", "Zg==");
        check(b"fo", "Zm8=");
        check(b"foo", "Zm9v");
        check(b"foobar\xff\xfe", "Zm9vYmFy//4=");
    }

    #[test]
    fn strings_are_escaped() {
        let mut text = String::new();
        string(&mut text, "a\"b\\c\n\u{1}\u{7f}é\u{1f600}");
        assert_eq!(text, "\"a\\\"b\\\\c\\n\\u0001\u{7f}é\u{1f600}\"");
    }
}
