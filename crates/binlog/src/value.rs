//! Values of every column type.

use std::borrow::Cow;

use crate::bytes::{big_endian, little_endian};
use crate::compressed::decompress_column;
use crate::temporal::{self, Date, DateTime, Time, Timestamp};
use crate::{ColumnKind, Decimal, Malformed};

/// A column's value, decoded.
#[derive(Debug, Clone, PartialEq)]
pub enum Value<'a> {
    /// A signed integer.
    Int(i64),
    /// An UNSIGNED one.
    UInt(u64),
    /// FLOAT.
    Float(f32),
    /// DOUBLE.
    Double(f64),
    /// DECIMAL.
    Decimal(Decimal),
    /// BIT: the bits as a number.
    Bit {
        /// The number.
        value: u64,
        /// Bits of the column.
        bits: u8,
    },
    /// DATE.
    Date(Date),
    /// TIME.
    Time(Time),
    /// DATETIME.
    DateTime(DateTime),
    /// TIMESTAMP.
    Timestamp(Timestamp),
    /// YEAR: 0, or from 1901.
    Year(u16),
    /// ENUM: the member's number from 1; 0 is the empty text of an invalid value.
    Enum(u16),
    /// SET: a bit for each member, the first one lowest.
    Set(u64),
    /// A text in the column's character set, or bytes. CHAR comes without the spaces at its end, BINARY without its zero
    /// bytes. GEOMETRY is four bytes of SRID and WKB; VECTOR is floats of four bytes, the low one first.
    Bytes(Cow<'a, [u8]>),
    /// MySQL's binary JSON: [`crate::json::to_text`] writes it out.
    Json(&'a [u8]),
    /// NULL: only of columns that can be nothing else.
    Null,
}

/// Decodes a value's bytes, as [`crate::ColumnImage::Bytes`] has them: without a length before them.
///
/// `unsigned` counts for integers alone: it is in the table map of newer servers, and always in the schema.
///
/// # Errors
/// Bytes that are not a value of the type.
pub fn decode_value<'a>(kind: ColumnKind, unsigned: bool, raw: &'a [u8]) -> Result<Value<'a>, Malformed> {
    if let Some(length) = kind.fixed_length()
        && length != raw.len()
    {
        let problem = format!("{} bytes where {kind:?} has {length}", raw.len());
        return Err(Malformed::invalid("a column's value", problem));
    }
    Ok(match kind {
        ColumnKind::TinyInt | ColumnKind::SmallInt | ColumnKind::MediumInt | ColumnKind::Int | ColumnKind::BigInt => {
            let value = little_endian(raw);
            if unsigned { Value::UInt(value) } else { Value::Int(sign_extended(value, raw.len())) }
        }
        ColumnKind::Float => Value::Float(f32::from_bits(little_endian(raw) as u32)),
        ColumnKind::Double => Value::Double(f64::from_bits(little_endian(raw))),
        ColumnKind::Decimal { precision, scale } => Value::Decimal(Decimal::decode(precision, scale, raw)?),
        ColumnKind::Bit { bits } => Value::Bit { value: big_endian(raw), bits },
        ColumnKind::Year => Value::Year(match little_endian(raw) {
            0 => 0,
            year => 1900 + year as u16,
        }),
        ColumnKind::Date => Value::Date(temporal::date(raw)),
        ColumnKind::Time { fsp } => Value::Time(temporal::time(fsp, raw)?),
        ColumnKind::DateTime { fsp } => Value::DateTime(temporal::datetime(fsp, raw)?),
        ColumnKind::Timestamp { fsp } => Value::Timestamp(temporal::timestamp(fsp, raw)?),
        ColumnKind::OldTime => Value::Time(temporal::old_time(raw)),
        ColumnKind::OldDateTime => Value::DateTime(temporal::old_datetime(raw)?),
        ColumnKind::OldTimestamp => Value::Timestamp(temporal::old_timestamp(raw)),
        ColumnKind::Enum { .. } => Value::Enum(little_endian(raw) as u16),
        ColumnKind::Set { .. } => Value::Set(little_endian(raw)),
        ColumnKind::VarChar { .. }
        | ColumnKind::Char { .. }
        | ColumnKind::Blob { .. }
        | ColumnKind::Geometry { .. }
        | ColumnKind::Vector { .. } => Value::Bytes(Cow::Borrowed(raw)),
        ColumnKind::CompressedBlob { .. } | ColumnKind::CompressedVarChar { .. } => {
            Value::Bytes(decompress_column(raw)?)
        }
        ColumnKind::Json { .. } | ColumnKind::TypedArray => Value::Json(raw),
        ColumnKind::Null => Value::Null,
    })
}

fn sign_extended(value: u64, bytes: usize) -> i64 {
    let unused = 64 - 8 * bytes.clamp(1, 8) as u32;
    value.cast_signed() << unused >> unused
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(kind: ColumnKind, unsigned: bool, raw: &[u8], expected: &Value<'_>) {
        assert_eq!(&decode_value(kind, unsigned, raw).unwrap(), expected, "{kind:?} {raw:02x?}");
    }

    #[test]
    fn integers() {
        check(ColumnKind::TinyInt, false, &[0x80], &Value::Int(-128));
        check(ColumnKind::TinyInt, true, &[0x80], &Value::UInt(128));
        check(ColumnKind::SmallInt, false, &[0xff, 0xff], &Value::Int(-1));
        check(ColumnKind::MediumInt, false, &[0x00, 0x00, 0x80], &Value::Int(-8_388_608));
        check(ColumnKind::MediumInt, true, &[0xff, 0xff, 0xff], &Value::UInt(16_777_215));
        check(ColumnKind::Int, false, &[0, 0, 0, 0x80], &Value::Int(i64::from(i32::MIN)));
        check(ColumnKind::BigInt, false, &[0, 0, 0, 0, 0, 0, 0, 0x80], &Value::Int(i64::MIN));
        check(ColumnKind::BigInt, true, &[0xff; 8], &Value::UInt(u64::MAX));
    }

    #[test]
    fn bits_enums_sets_years() {
        check(ColumnKind::Bit { bits: 1 }, false, &[1], &Value::Bit { value: 1, bits: 1 });
        check(ColumnKind::Bit { bits: 17 }, false, &[1, 0, 2], &Value::Bit { value: 0x1_0002, bits: 17 });
        check(ColumnKind::Bit { bits: 64 }, false, &[0xff; 8], &Value::Bit { value: u64::MAX, bits: 64 });
        check(
            ColumnKind::Bit { bits: 64 },
            false,
            &[0x80, 0, 0, 0, 0, 0, 0, 1],
            &Value::Bit { value: 1 << 63 | 1, bits: 64 },
        );
        check(ColumnKind::Enum { bytes: 2 }, false, &[0x01, 0x01], &Value::Enum(257));
        check(ColumnKind::Set { bytes: 8 }, false, &[0, 0, 0, 0, 0, 0, 0, 0x80], &Value::Set(1 << 63));
        check(ColumnKind::Year, false, &[0], &Value::Year(0));
        check(ColumnKind::Year, false, &[1], &Value::Year(1901));
        check(ColumnKind::Year, false, &[255], &Value::Year(2155));
    }

    #[test]
    fn floats_and_bytes() {
        check(ColumnKind::Float, false, &16_777_217f32.to_le_bytes(), &Value::Float(16_777_216.0));
        check(ColumnKind::Double, false, &(-0.0f64).to_le_bytes(), &Value::Double(-0.0));
        check(ColumnKind::Blob { length_bytes: 4 }, false, b"\0\xff", &Value::Bytes(Cow::Borrowed(b"\0\xff")));
        check(ColumnKind::CompressedBlob { length_bytes: 2 }, false, b"", &Value::Bytes(Cow::Borrowed(b"")));
        check(
            ColumnKind::CompressedBlob { length_bytes: 2 },
            false,
            b"\0plain",
            &Value::Bytes(Cow::Borrowed(b"plain")),
        );
        assert!(decode_value(ColumnKind::CompressedBlob { length_bytes: 2 }, false, b"\x81\x05x").is_err());
    }

    #[test]
    fn a_wrong_length_is_no_value() {
        assert!(decode_value(ColumnKind::Int, false, &[0; 3]).is_err());
        assert!(decode_value(ColumnKind::Time { fsp: 3 }, false, &[0; 3]).is_err());
        assert!(decode_value(ColumnKind::Decimal { precision: 65, scale: 30 }, false, &[]).is_err());
    }
}
