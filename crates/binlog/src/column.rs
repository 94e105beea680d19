//! What a column's bytes are.

use crate::bytes::{Cursor, little_endian};
use crate::{Flavour, Malformed};

/// A column's type on the wire, with what the table map says of it: as much as splitting and decoding row images needs.
///
/// Text and binary types are one here (`VarChar` is VARBINARY too, `Blob` is TEXT too, `Char` is BINARY, and MariaDB's
/// UUID and INET6): which one it is tells the schema.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ColumnKind {
    /// TINYINT, one byte.
    TinyInt,
    /// SMALLINT, two bytes.
    SmallInt,
    /// MEDIUMINT, three bytes.
    MediumInt,
    /// INT, four bytes.
    Int,
    /// BIGINT, eight bytes.
    BigInt,
    /// FLOAT, four bytes.
    Float,
    /// DOUBLE, eight bytes.
    Double,
    /// DECIMAL.
    Decimal {
        /// All digits.
        precision: u8,
        /// Those behind the point.
        scale: u8,
    },
    /// BIT.
    Bit {
        /// From 1 to 64.
        bits: u8,
    },
    /// YEAR, one byte.
    Year,
    /// DATE, three bytes.
    Date,
    /// TIME.
    Time {
        /// Digits of the fraction.
        fsp: u8,
    },
    /// DATETIME.
    DateTime {
        /// Digits of the fraction.
        fsp: u8,
    },
    /// TIMESTAMP.
    Timestamp {
        /// Digits of the fraction.
        fsp: u8,
    },
    /// TIME as before MySQL 5.6, three bytes.
    OldTime,
    /// DATETIME as before MySQL 5.6, eight bytes.
    OldDateTime,
    /// TIMESTAMP as before MySQL 5.6, four bytes.
    OldTimestamp,
    /// VARCHAR, VARBINARY: one byte of length if at most 255 bytes fit, else two.
    VarChar {
        /// In bytes.
        max_length: u16,
    },
    /// CHAR, BINARY: length before the bytes as for `VarChar`; padding at the end is left out.
    Char {
        /// In bytes.
        max_length: u16,
    },
    /// ENUM.
    Enum {
        /// 1 or 2.
        bytes: u8,
    },
    /// SET.
    Set {
        /// From 1 to 8.
        bytes: u8,
    },
    /// The four BLOB and four TEXT types.
    Blob {
        /// Bytes of the length before it: 1 to 4.
        length_bytes: u8,
    },
    /// GEOMETRY and its kinds: four bytes of SRID, then WKB.
    Geometry {
        /// Bytes of the length before it.
        length_bytes: u8,
    },
    /// MySQL's JSON (MariaDB's is LONGTEXT).
    Json {
        /// Bytes of the length before it.
        length_bytes: u8,
    },
    /// MySQL's VECTOR: floats of four bytes.
    Vector {
        /// Bytes of the length before it.
        length_bytes: u8,
    },
    /// The hidden column of MySQL's index over a JSON array; its values are binary JSON.
    TypedArray,
    /// MariaDB: BLOB or TEXT `COMPRESSED`.
    CompressedBlob {
        /// Bytes of the length before it.
        length_bytes: u8,
    },
    /// MariaDB: VARCHAR or VARBINARY `COMPRESSED`.
    CompressedVarChar {
        /// In bytes.
        max_length: u16,
    },
    /// A column that can only be NULL.
    Null,
}

/// Bytes of a decimal's leftover digits (those that do not fill a group of nine).
pub(crate) const LEFTOVER_BYTES: [usize; 10] = [0, 1, 1, 2, 2, 3, 3, 4, 4, 4];

impl ColumnKind {
    /// Reads a column's part of a table map's metadata.
    pub(crate) fn parse(code: u8, metadata: &mut Cursor<'_>) -> Result<Self, Malformed> {
        const WHAT: &str = "column metadata";
        Ok(match code {
            1 => Self::TinyInt,
            2 => Self::SmallInt,
            3 => Self::Int,
            4 => {
                sized(metadata.u8(WHAT)?, 4, "FLOAT")?;
                Self::Float
            }
            5 => {
                sized(metadata.u8(WHAT)?, 8, "DOUBLE")?;
                Self::Double
            }
            6 => Self::Null,
            7 => Self::OldTimestamp,
            8 => Self::BigInt,
            9 => Self::MediumInt,
            10 | 14 => Self::Date,
            11 => Self::OldTime,
            12 => Self::OldDateTime,
            13 => Self::Year,
            15 | 253 => Self::VarChar { max_length: metadata.u16(WHAT)? },
            16 => {
                let (rest, bytes) = (metadata.u8(WHAT)?, metadata.u8(WHAT)?);
                let bits = u16::from(bytes) * 8 + u16::from(rest);
                match u8::try_from(bits) {
                    Ok(bits @ 1..=64) if rest < 8 => Self::Bit { bits },
                    _ => return Err(Malformed::invalid("BIT column", format!("{bits} bits"))),
                }
            }
            17 => Self::Timestamp { fsp: fsp(metadata)? },
            18 => Self::DateTime { fsp: fsp(metadata)? },
            19 => Self::Time { fsp: fsp(metadata)? },
            20 => {
                let element = metadata.u8(WHAT)?;
                // The elements' own metadata; the values are JSON whatever it says.
                let length = match element {
                    15 => 3,
                    246 => 2,
                    17..=19 | 245 | 252 | 4 | 5 => 1,
                    _ => 0,
                };
                metadata.take(length, WHAT)?;
                Self::TypedArray
            }
            140 => Self::CompressedBlob { length_bytes: length_bytes(metadata)? },
            141 => Self::CompressedVarChar { max_length: metadata.u16(WHAT)? },
            242 => Self::Vector { length_bytes: length_bytes(metadata)? },
            245 => Self::Json { length_bytes: length_bytes(metadata)? },
            246 => {
                let (precision, scale) = (metadata.u8(WHAT)?, metadata.u8(WHAT)?);
                if precision == 0 || precision > 65 || scale > precision {
                    return Err(Malformed::invalid("DECIMAL column", format!("DECIMAL({precision},{scale})")));
                }
                Self::Decimal { precision, scale }
            }
            252 => Self::Blob { length_bytes: length_bytes(metadata)? },
            254 => {
                let (high, low) = (metadata.u8(WHAT)?, metadata.u8(WHAT)?);
                match high {
                    247 => Self::Enum { bytes: ranged(low, 2, "ENUM")? },
                    248 => Self::Set { bytes: ranged(low, 8, "SET")? },
                    // Bits 8 and 9 of a long CHAR's length stand inverted in bits 4 and 5 of the type.
                    _ => Self::Char { max_length: (u16::from(high & 0x30) ^ 0x30) << 4 | u16::from(low) },
                }
            }
            255 => Self::Geometry { length_bytes: length_bytes(metadata)? },
            0 => return Err(Malformed::unsupported("a DECIMAL column from before MySQL 5.0")),
            other => return Err(Malformed::unsupported(format!("column type {other}"))),
        })
    }

    /// The length of every value, where it is the same for all.
    #[inline]
    pub fn fixed_length(self) -> Option<usize> {
        Some(match self {
            Self::TinyInt | Self::Year => 1,
            Self::SmallInt => 2,
            Self::MediumInt | Self::Date | Self::OldTime => 3,
            Self::Int | Self::Float | Self::OldTimestamp => 4,
            Self::BigInt | Self::Double | Self::OldDateTime => 8,
            Self::Decimal { precision, scale } => decimal_length(precision, scale),
            Self::Bit { bits } => usize::from(bits).div_ceil(8),
            Self::Time { fsp } => 3 + fraction_length(fsp),
            Self::DateTime { fsp } => 5 + fraction_length(fsp),
            Self::Timestamp { fsp } => 4 + fraction_length(fsp),
            Self::Enum { bytes } | Self::Set { bytes } => usize::from(bytes),
            Self::Null => 0,
            Self::VarChar { .. }
            | Self::Char { .. }
            | Self::Blob { .. }
            | Self::Geometry { .. }
            | Self::Json { .. }
            | Self::Vector { .. }
            | Self::TypedArray
            | Self::CompressedBlob { .. }
            | Self::CompressedVarChar { .. } => return None,
        })
    }

    /// How many bytes before a value say its length; 0 for a fixed length.
    #[inline]
    pub fn prefix_length(self) -> usize {
        match self {
            Self::VarChar { max_length } | Self::Char { max_length } | Self::CompressedVarChar { max_length } => {
                if max_length > 255 {
                    2
                } else {
                    1
                }
            }
            Self::Blob { length_bytes }
            | Self::Geometry { length_bytes }
            | Self::Json { length_bytes }
            | Self::Vector { length_bytes }
            | Self::CompressedBlob { length_bytes } => usize::from(length_bytes),
            Self::TypedArray => 4,
            _ => 0,
        }
    }

    /// Takes one value off the front: its bytes, without the length before them.
    #[inline]
    pub(crate) fn take<'a>(self, cursor: &mut Cursor<'a>) -> Result<&'a [u8], Malformed> {
        let length = match self.fixed_length() {
            Some(length) => length,
            None => little_endian(cursor.take(self.prefix_length(), "a value's length")?) as usize,
        };
        cursor.take(length, "a column's value")
    }

    /// Whether the value is a number that may be UNSIGNED: these have a bit each in the table map's signedness.
    pub(crate) fn is_numeric(self) -> bool {
        matches!(
            self,
            Self::TinyInt
                | Self::SmallInt
                | Self::MediumInt
                | Self::Int
                | Self::BigInt
                | Self::Float
                | Self::Double
                | Self::Decimal { .. }
                | Self::Year
        )
    }

    /// Whether the column has an entry in the table map's list of character sets: to MariaDB, GEOMETRY is a blob.
    pub(crate) fn is_character(self, flavour: Flavour) -> bool {
        matches!(self, Self::Geometry { .. }) && flavour == Flavour::Mariadb
            || matches!(
                self,
                Self::VarChar { .. }
                    | Self::Char { .. }
                    | Self::Blob { .. }
                    | Self::CompressedBlob { .. }
                    | Self::CompressedVarChar { .. }
            )
    }
}

fn fraction_length(fsp: u8) -> usize {
    usize::from(fsp).div_ceil(2)
}

fn decimal_length(precision: u8, scale: u8) -> usize {
    let part = |digits: usize| digits / 9 * 4 + LEFTOVER_BYTES[digits % 9];
    part(usize::from(precision.saturating_sub(scale))) + part(usize::from(scale))
}

fn sized(found: u8, expected: u8, what: &'static str) -> Result<(), Malformed> {
    if found == expected {
        Ok(())
    } else {
        Err(Malformed::invalid("column metadata", format!("a {what} of {found} bytes")))
    }
}

fn ranged(bytes: u8, most: u8, what: &'static str) -> Result<u8, Malformed> {
    if (1..=most).contains(&bytes) {
        Ok(bytes)
    } else {
        Err(Malformed::invalid("column metadata", format!("{what} of {bytes} bytes")))
    }
}

fn length_bytes(metadata: &mut Cursor<'_>) -> Result<u8, Malformed> {
    ranged(metadata.u8("column metadata")?, 4, "a value with a length")
}

fn fsp(metadata: &mut Cursor<'_>) -> Result<u8, Malformed> {
    let fsp = metadata.u8("column metadata")?;
    if fsp <= 6 { Ok(fsp) } else { Err(Malformed::invalid("column metadata", format!("{fsp} digits of a fraction"))) }
}
