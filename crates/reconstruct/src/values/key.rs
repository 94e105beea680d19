//! Keys as bytes.
//!
//! A key is encoded alike from a value of the binary log and from a literal of a dump, so that equal bytes mean the same
//! row. It is never compared by collation: `'a'` and `'A'` are two keys, and an UPDATE from one to the other is a delete
//! and an insert. The bytes are ordered like the columns' values for numbers, times and bytes (text: by bytes), part by
//! part; each part is of fixed length or ends by itself, so that parts cannot run into each other.
//!
//! A key part with a prefix length counts as its whole column.
//!
//! A dump has a FLOAT as the server prints it, with six digits: so has its key. In a table without a key, where rows that
//! print alike are not the same row, the log's keys end in the exact numbers, and the dump's do not
//! ([`KeyCodec::exact_length`]).

mod bytes;
mod members;
mod words;

use std::borrow::Cow;

use backtrail_binlog::{Value, json};
use backtrail_dump::literal::Literal;
use backtrail_schema::{Column, ColumnType, TableShape};

use crate::values::address::Address;
use crate::values::temporal;
use bytes::{
    put_bytes, put_date, put_decimal, put_double, put_json, put_signed, put_unsigned, take_bytes, without_padding,
};
pub(crate) use members::member_bytes;
use members::{member_bits, members, ordinal};

mod canonical;

/// Encodes the keys of one table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyCodec {
    parts: Vec<KeyPart>,
}

/// One column of a key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyPart {
    /// Its place in [`TableShape::columns`].
    pub column: usize,
    nullable: bool,
    encoding: Encoding,
    charset: Option<String>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Encoding {
    Signed,
    Unsigned,
    Decimal {
        whole: usize,
        scale: usize,
    },
    /// `exact`: 0.0 and -0.0 are different (they are, in a row; they are not, in a key).
    Double {
        exact: bool,
    },
    /// As printed; `exact` as for DOUBLE.
    Float {
        decimals: Option<u8>,
        exact: bool,
    },
    Bit,
    Date,
    Time,
    DateTime,
    Timestamp,
    Year,
    /// Member texts as the dump writes them.
    Enum(Vec<Vec<u8>>),
    Set(Vec<Vec<u8>>),
    /// CHAR: without this padding at the end.
    Padded(&'static [u8]),
    Bytes,
    /// MySQL's JSON, as [`canonical::json`] writes it.
    Json,
    Address(Address),
}

/// A key that cannot be encoded: what is wrong with the value.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct KeyError(pub(crate) Cow<'static, str>);

fn bad<T>(problem: impl Into<Cow<'static, str>>) -> Result<T, KeyError> {
    Err(KeyError(problem.into()))
}

impl KeyCodec {
    /// The codec of some columns of a table. `whole_row`: the key is the row itself, for a table that has none.
    ///
    /// # Errors
    /// A column that no two places write alike.
    pub fn new(shape: &TableShape, columns: &[usize], whole_row: bool) -> Result<Self, KeyError> {
        let parts = columns
            .iter()
            .map(|index| {
                let Some(column) = shape.columns.get(*index) else {
                    return bad("a key names a column that is not there");
                };
                let charset = column.charset.as_deref();
                Ok(KeyPart {
                    column: *index,
                    nullable: column.nullable,
                    encoding: encoding(column, charset, whole_row)
                        .map_err(|problem| KeyError(format!("column `{}` {}", column.name, problem.0).into()))?,
                    charset: column.charset.clone(),
                })
            })
            .collect::<Result<_, _>>()?;
        Ok(Self { parts })
    }

    /// The parts, in key order.
    pub fn parts(&self) -> &[KeyPart] {
        &self.parts
    }

    /// How many bytes at the end of the log's keys the dump's do not have: the exact values of the FLOAT columns of a table
    /// without a key.
    pub fn exact_length(&self) -> usize {
        self.parts.iter().filter(|part| part.has_exact_value()).count() * EXACT_LENGTH
    }

    /// Whether values that the log tells apart may make one key.
    pub(crate) fn is_rounded(&self) -> bool {
        self.parts.iter().any(|part| matches!(part.encoding, Encoding::Float { exact: false, .. }))
    }

    /// Whether equal values make equal keys in both.
    pub fn encodes_like(&self, other: &Self) -> bool {
        let same = |(a, b): (&KeyPart, &KeyPart)| {
            (a.nullable, &a.encoding, &a.charset) == (b.nullable, &b.encoding, &b.charset)
        };
        self.parts.len() == other.parts.len() && self.parts.iter().zip(&other.parts).all(same)
    }

    /// The key in words, for messages.
    pub fn describe(&self, key: &[u8]) -> String {
        let mut rest = key;
        let parts: Vec<String> = self.parts.iter().map(|part| part.describe(&mut rest)).collect();
        let text = parts.join(",");
        match text.char_indices().nth(200) {
            Some((end, _)) => format!("({}…)", text.get(..end).unwrap_or_default()),
            None => format!("({text})"),
        }
    }
}

/// Bytes of an exact FLOAT.
const EXACT_LENGTH: usize = 4;

fn encoding(column: &Column, charset: Option<&str>, whole_row: bool) -> Result<Encoding, KeyError> {
    Ok(match &column.ty {
        ColumnType::TinyInt { unsigned }
        | ColumnType::SmallInt { unsigned }
        | ColumnType::MediumInt { unsigned }
        | ColumnType::Int { unsigned }
        | ColumnType::BigInt { unsigned } => {
            if *unsigned {
                Encoding::Unsigned
            } else {
                Encoding::Signed
            }
        }
        ColumnType::Decimal { precision, scale, .. } => {
            Encoding::Decimal { whole: usize::from(precision.saturating_sub(*scale)), scale: usize::from(*scale) }
        }
        ColumnType::Float { .. } => Encoding::Float { decimals: column.decimals, exact: whole_row },
        ColumnType::Double { .. } => Encoding::Double { exact: whole_row },
        ColumnType::Bit { .. } => Encoding::Bit,
        ColumnType::Date => Encoding::Date,
        ColumnType::Time { .. } => Encoding::Time,
        ColumnType::DateTime { .. } => Encoding::DateTime,
        ColumnType::Timestamp { .. } => Encoding::Timestamp,
        ColumnType::Year => Encoding::Year,
        ColumnType::Enum { values } => Encoding::Enum(members(values, charset)?),
        ColumnType::Set { values } => Encoding::Set(members(values, charset)?),
        ColumnType::Char { .. } => Encoding::Padded(match charset {
            Some("ucs2" | "utf16") => b"\0 ",
            Some("utf16le") => b" \0",
            Some("utf32") => b"\0\0\0 ",
            _ => b" ",
        }),
        ColumnType::Binary { .. } => Encoding::Padded(b"\0"),
        ColumnType::VarChar { .. }
        | ColumnType::VarBinary { .. }
        | ColumnType::TinyText
        | ColumnType::Text
        | ColumnType::MediumText
        | ColumnType::LongText
        | ColumnType::TinyBlob
        | ColumnType::Blob
        | ColumnType::MediumBlob
        | ColumnType::LongBlob
        | ColumnType::Geometry { .. }
        | ColumnType::Vector { .. } => Encoding::Bytes,
        ColumnType::Json => Encoding::Json,
        ColumnType::Uuid => Encoding::Address(Address::Uuid),
        ColumnType::Inet4 => Encoding::Address(Address::Inet4),
        ColumnType::Inet6 => Encoding::Address(Address::Inet6),
    })
}

impl KeyPart {
    fn null(&self, out: &mut Vec<u8>) -> Result<(), KeyError> {
        if self.nullable {
            out.push(0);
            Ok(())
        } else {
            bad("NULL in a column that has none")
        }
    }

    /// Adds NULL from the binary log.
    ///
    /// # Errors
    /// The column has no NULL.
    pub fn push_null(&self, out: &mut Vec<u8>) -> Result<(), KeyError> {
        self.null(out)
    }

    /// Adds a value from the binary log.
    ///
    /// # Errors
    /// A value that is not of the column's type.
    pub fn push_value(&self, value: &Value<'_>, out: &mut Vec<u8>) -> Result<(), KeyError> {
        if matches!(value, Value::Null) {
            return self.null(out);
        }
        if self.nullable {
            out.push(1);
        }
        match (&self.encoding, value) {
            (Encoding::Signed, Value::Int(number)) => put_signed(out, *number),
            (Encoding::Unsigned, Value::UInt(number)) => put_unsigned(out, *number),
            (Encoding::Decimal { whole, scale }, Value::Decimal(number)) => {
                return put_decimal(out, number.as_str().as_bytes(), *whole, *scale);
            }
            (Encoding::Double { exact }, Value::Double(number)) => put_double(out, *number, *exact),
            (Encoding::Float { decimals, exact }, Value::Float(number)) => {
                let printed = canonical::printed_float(*number, *decimals);
                put_double(out, printed.ok_or(KeyError("a number that is not finite".into()))?, *exact);
            }
            (Encoding::Json, Value::Json(binary)) => {
                let text = json::to_text(binary).map_err(|problem| KeyError(problem.to_string().into()))?;
                put_json(out, &text)?;
            }
            (Encoding::Address(address), Value::Bytes(bytes)) => match address.bytes_of_log(bytes) {
                Some(bytes) => put_bytes(out, &bytes),
                None => return bad("more bytes than the type has"),
            },
            (Encoding::Bit, Value::Bit { value, .. }) => put_unsigned(out, *value),
            (Encoding::Date, Value::Date(date)) => {
                put_date(out, u64::from(date.year), date.month.into(), date.day.into())
            }
            (Encoding::Time, Value::Time(time)) => {
                let seconds = (i64::from(time.hours) * 60 + i64::from(time.minutes)) * 60 + i64::from(time.seconds);
                let micros = seconds * 1_000_000 + i64::from(time.micros);
                put_signed(out, if time.negative { -micros } else { micros });
            }
            (Encoding::DateTime, Value::DateTime(at)) => put_unsigned(
                out,
                temporal::DateTime {
                    year: at.date.year.into(),
                    month: at.date.month.into(),
                    day: at.date.day.into(),
                    hour: at.hour.into(),
                    minute: at.minute.into(),
                    second: at.second.into(),
                    micros: at.micros.into(),
                }
                .packed(),
            ),
            (Encoding::Timestamp, Value::Timestamp(at)) => {
                put_unsigned(out, at.seconds.max(0).unsigned_abs() * 1_000_000 + u64::from(at.micros));
            }
            (Encoding::Year, Value::Year(year)) => put_unsigned(out, u64::from(*year)),
            (Encoding::Enum(_), Value::Enum(ordinal)) => put_unsigned(out, u64::from(*ordinal)),
            (Encoding::Set(_), Value::Set(bits)) => put_unsigned(out, *bits),
            (Encoding::Padded(padding), Value::Bytes(bytes)) => put_bytes(out, without_padding(bytes, padding)),
            (Encoding::Bytes, Value::Bytes(bytes)) => put_bytes(out, bytes),
            _ => return bad(format!("a value of another type than the column's: {value:?}")),
        }
        Ok(())
    }

    /// Adds a JSON value that the log has as changes of an earlier one.
    ///
    /// # Errors
    /// A value of another type, or no JSON.
    pub(crate) fn push_json_text(&self, text: &str, out: &mut Vec<u8>) -> Result<(), KeyError> {
        if self.encoding != Encoding::Json {
            return bad("a JSON value in a column of another type");
        }
        if self.nullable {
            out.push(1);
        }
        put_json(out, text)
    }

    /// Whether the log's keys end in this column's exact value.
    pub(crate) fn has_exact_value(&self) -> bool {
        matches!(self.encoding, Encoding::Float { exact: true, .. })
    }

    /// Adds the exact value of a column that [`KeyPart::has_exact_value`] is true of, from the log: behind all parts.
    pub(crate) fn push_exact_value(value: Option<&Value<'_>>, out: &mut Vec<u8>) {
        let number = if let Some(Value::Float(number)) = value { number.to_bits() } else { 0 };
        out.extend_from_slice(&number.to_be_bytes());
    }

    /// The same from a literal that has all digits.
    ///
    /// # Errors
    /// No number.
    pub(crate) fn push_exact_literal(literal: &Literal<'_>, out: &mut Vec<u8>) -> Result<(), KeyError> {
        let number = match literal {
            Literal::Null => 0.0,
            literal => {
                let text = literal.clone().into_bytes().unwrap_or_default();
                canonical::float_of_text(&text).ok_or(KeyError("no number of a FLOAT column".into()))?
            }
        };
        out.extend_from_slice(&number.to_bits().to_be_bytes());
        Ok(())
    }

    /// Adds a literal of a dump.
    ///
    /// # Errors
    /// A literal that the column's type is not written with.
    pub fn push_literal(&self, literal: &Literal<'_>, out: &mut Vec<u8>) -> Result<(), KeyError> {
        let bytes: Cow<'_, [u8]> = match literal {
            Literal::Null => return self.null(out),
            Literal::Number(text) => Cow::Borrowed(*text),
            Literal::String { charset, bytes } => {
                self.check_charset(*charset)?;
                Cow::Borrowed(bytes.as_ref())
            }
            Literal::Hex { charset, bytes } => {
                self.check_charset(*charset)?;
                Cow::Borrowed(bytes.as_slice())
            }
            Literal::Bits(bytes) => Cow::Borrowed(bytes.as_slice()),
            Literal::Word(word) => return bad(format!("`{}` is no value", String::from_utf8_lossy(word))),
        };
        if self.nullable {
            out.push(1);
        }
        let is_number = matches!(literal, Literal::Number(_));
        let is_bytes = matches!(literal, Literal::Hex { .. } | Literal::Bits(_));
        let odd = || KeyError(format!("`{}` is no value of the column's type", String::from_utf8_lossy(&bytes)).into());
        match &self.encoding {
            // Written as 0x…, a number would be its digits' bytes: no mydumper does.
            Encoding::Signed
            | Encoding::Unsigned
            | Encoding::Decimal { .. }
            | Encoding::Double { .. }
            | Encoding::Float { .. }
            | Encoding::Date
            | Encoding::Time
            | Encoding::DateTime
            | Encoding::Timestamp
            | Encoding::Year
                if is_bytes && !bytes.iter().all(|b| b.is_ascii_graphic() || *b == b' ') =>
            {
                return Err(odd());
            }
            Encoding::Signed => put_signed(out, temporal::parse_number(&bytes).ok_or_else(odd)?),
            Encoding::Unsigned => {
                let number: u64 = temporal::parse_number(&bytes).ok_or_else(odd)?;
                put_unsigned(out, number);
            }
            Encoding::Decimal { whole, scale } => return put_decimal(out, &bytes, *whole, *scale),
            Encoding::Double { exact } => {
                let text = std::str::from_utf8(&bytes).map_err(|_| odd())?;
                put_double(out, text.parse().map_err(|_| odd())?, *exact);
            }
            Encoding::Float { decimals, exact } => {
                let number = canonical::float_of_text(&bytes).ok_or_else(odd)?;
                put_double(out, canonical::printed_float(number, *decimals).ok_or_else(odd)?, *exact);
            }
            Encoding::Json => put_json(out, std::str::from_utf8(&bytes).map_err(|_| odd())?)?,
            Encoding::Address(address) => put_bytes(out, &address.bytes_of_text(&bytes).ok_or_else(odd)?),
            Encoding::Bit if is_number => put_unsigned(out, temporal::parse_number(&bytes).ok_or_else(odd)?),
            Encoding::Bit => {
                let digits = bytes.iter().skip_while(|byte| **byte == 0);
                if digits.clone().count() > 8 {
                    return Err(odd());
                }
                put_unsigned(out, digits.fold(0, |number, byte| number << 8 | u64::from(*byte)));
            }
            Encoding::Date => {
                let (year, month, day) = temporal::parse_date(&bytes).ok_or_else(odd)?;
                put_date(out, year, month, day);
            }
            Encoding::Time => put_signed(out, temporal::parse_time(&bytes).ok_or_else(odd)?),
            Encoding::DateTime => {
                // One from before an ALTER may be a DATE.
                let at = temporal::DateTime::parse(&bytes).or_else(|| temporal::DateTime::of_date(&bytes));
                put_unsigned(out, at.ok_or_else(odd)?.packed());
            }
            Encoding::Timestamp => {
                let at = temporal::DateTime::parse(&bytes).ok_or_else(odd)?;
                put_unsigned(out, at.micros_since_epoch().ok_or_else(odd)?);
            }
            Encoding::Year => put_unsigned(out, temporal::parse_number(&bytes).ok_or_else(odd)?),
            Encoding::Enum(_) | Encoding::Set(_) if is_number => {
                put_unsigned(out, temporal::parse_number(&bytes).ok_or_else(odd)?);
            }
            Encoding::Enum(members) => put_unsigned(out, ordinal(members, &bytes).ok_or_else(odd)?),
            Encoding::Set(members) => {
                put_unsigned(out, member_bits(members, &bytes, self.charset.as_deref()).ok_or_else(odd)?)
            }
            Encoding::Padded(padding) => put_bytes(out, without_padding(&bytes, padding)),
            Encoding::Bytes => put_bytes(out, &bytes),
        }
        Ok(())
    }

    /// Under `SET NAMES binary` a literal without introducer, or with `_binary`, is the column's own bytes.
    fn check_charset(&self, charset: Option<&[u8]>) -> Result<(), KeyError> {
        let Some(charset) = charset else { return Ok(()) };
        let own = self.charset.as_deref().unwrap_or_default().as_bytes();
        let is_text =
            matches!(self.encoding, Encoding::Padded(_) | Encoding::Bytes | Encoding::Enum(_) | Encoding::Set(_));
        let same = charset.eq_ignore_ascii_case(own) || charset.eq_ignore_ascii_case(b"utf8") && own == b"utf8mb3";
        if !is_text || charset.eq_ignore_ascii_case(b"binary") || same {
            return Ok(());
        }
        bad(format!("a text in the character set {}, which is not the column's", String::from_utf8_lossy(charset)))
    }
}

fn quoted(bytes: &[u8]) -> String {
    match std::str::from_utf8(bytes) {
        Ok(text) => format!("'{text}'"),
        Err(_) => format!("0x{}", bytes.iter().map(|byte| format!("{byte:02x}")).collect::<String>()),
    }
}

#[cfg(test)]
mod tests;
