//! Type names to types.

use crate::cursor::Cursor;
use crate::lexer::Kind;
use crate::{ColumnType, Flavour, GeometryKind};

/// A type as written, before the column's attributes are known.
#[derive(Debug, Default)]
pub(crate) struct TypeSpec {
    /// In upper case, words joined with spaces.
    pub(crate) name: String,
    numbers: Vec<u32>,
    values: Vec<String>,
    pub(crate) unsigned: bool,
    /// `CHARACTER SET binary` or `BYTE`: the type is one of bytes.
    pub(crate) bytes: bool,
    /// Bytes per character, for `TEXT(n)`.
    pub(crate) widest: u32,
}

/// Type names of several words, longest first.
const LONG_NAMES: &[&[&str]] = &[
    &["NATIONAL", "CHARACTER", "VARYING"],
    &["NATIONAL", "CHAR", "VARYING"],
    &["NATIONAL", "VARCHARACTER"],
    &["NATIONAL", "VARCHAR"],
    &["NATIONAL", "CHARACTER"],
    &["NATIONAL", "CHAR"],
    &["NCHAR", "VARYING"],
    &["NCHAR", "VARCHARACTER"],
    &["NCHAR", "VARCHAR"],
    &["CHARACTER", "VARYING"],
    &["CHAR", "VARYING"],
    &["DOUBLE", "PRECISION"],
    &["LONG", "VARCHAR"],
    &["LONG", "VARBINARY"],
    &["LONG", "CHAR", "VARYING"],
    &["LONG", "CHARACTER", "VARYING"],
];

impl TypeSpec {
    /// Reads a type's name and what stands in its parentheses. None where there is no type.
    pub(crate) fn parse(cursor: &mut Cursor<'_, '_>) -> Option<Self> {
        let mut spec = Self { widest: 4, ..Self::default() };
        match LONG_NAMES.iter().find(|words| cursor.accept_all(words)) {
            Some(words) => spec.name = words.join(" "),
            None => {
                spec.name = cursor.keyword()?;
                cursor.advance();
            }
        }
        if cursor.accept_symbol('(') {
            loop {
                match cursor.advance()? {
                    Kind::Number(number) => spec.numbers.push(number.parse().ok()?),
                    // Servers strip the trailing spaces of ENUM and SET members.
                    Kind::Text(text) => spec.values.push(text.trim_end_matches(' ').to_owned()),
                    // `ENUM(_utf8mb4'a')`, `ENUM(N'a')`: the member follows. Oracle's `VARCHAR2(10 CHAR)`.
                    Kind::Word(_) => {}
                    Kind::Symbol(',') => {}
                    Kind::Symbol(')') => break,
                    _ => return None,
                }
            }
        }
        Some(spec)
    }

    /// The type; None for a name that is not known or numbers that make no sense.
    pub(crate) fn resolve(mut self, flavour: Flavour) -> Option<ColumnType> {
        let unsigned = self.unsigned;
        let first = self.numbers.first().copied();
        let fsp = || u8::try_from(first.unwrap_or(0)).ok().filter(|fsp| *fsp <= 6);
        Some(match self.name.as_str() {
            "TINYINT" | "INT1" | "BOOL" | "BOOLEAN" => ColumnType::TinyInt { unsigned },
            "SMALLINT" | "INT2" => ColumnType::SmallInt { unsigned },
            "MEDIUMINT" | "INT3" | "MIDDLEINT" => ColumnType::MediumInt { unsigned },
            "INT" | "INTEGER" | "INT4" => ColumnType::Int { unsigned },
            "BIGINT" | "INT8" => ColumnType::BigInt { unsigned },
            "SERIAL" => ColumnType::BigInt { unsigned: true },
            "DECIMAL" | "DEC" | "NUMERIC" | "FIXED" | "NUMBER" => {
                let precision = u8::try_from(first.filter(|p| *p != 0).unwrap_or(10)).ok()?;
                let scale = u8::try_from(self.numbers.get(1).copied().unwrap_or(0)).ok()?;
                (precision <= 65 && scale <= precision && scale <= 38).then_some(ColumnType::Decimal {
                    precision,
                    scale,
                    unsigned,
                })?
            }
            // FLOAT(25) and more is a DOUBLE; FLOAT(25,2) is not.
            "FLOAT" if self.numbers.len() == 1 && first > Some(24) => ColumnType::Double { unsigned },
            "FLOAT" | "FLOAT4" => ColumnType::Float { unsigned },
            "DOUBLE" | "DOUBLE PRECISION" | "REAL" | "FLOAT8" => ColumnType::Double { unsigned },
            "BIT" => {
                let bits = u8::try_from(first.unwrap_or(1)).ok().filter(|bits| (1..=64).contains(bits))?;
                ColumnType::Bit { bits }
            }
            "DATE" => ColumnType::Date,
            "TIME" => ColumnType::Time { fsp: fsp()? },
            "DATETIME" => ColumnType::DateTime { fsp: fsp()? },
            "TIMESTAMP" => ColumnType::Timestamp { fsp: fsp()? },
            "YEAR" => ColumnType::Year,
            "CHAR" | "CHARACTER" | "NCHAR" | "NATIONAL CHAR" | "NATIONAL CHARACTER" => {
                let length = first.unwrap_or(1);
                if self.bytes { ColumnType::Binary { length } } else { ColumnType::Char { length } }
            }
            "VARCHAR"
            | "VARCHARACTER"
            | "VARCHAR2"
            | "NVARCHAR"
            | "CHARACTER VARYING"
            | "CHAR VARYING"
            | "NATIONAL VARCHAR"
            | "NATIONAL VARCHARACTER"
            | "NATIONAL CHAR VARYING"
            | "NATIONAL CHARACTER VARYING"
            | "NCHAR VARYING"
            | "NCHAR VARCHAR"
            | "NCHAR VARCHARACTER" => {
                let length = first?;
                if self.bytes { ColumnType::VarBinary { length } } else { ColumnType::VarChar { length } }
            }
            "BINARY" => ColumnType::Binary { length: first.unwrap_or(1) },
            "VARBINARY" | "RAW" => ColumnType::VarBinary { length: first? },
            "TINYTEXT" | "TINYBLOB" => self.sized_text(1),
            "TEXT" | "BLOB" => match first {
                None => self.sized_text(2),
                Some(length) => {
                    let bytes = u64::from(length) * u64::from(if self.is_blob() { 1 } else { self.widest });
                    self.sized_text(match bytes {
                        0..=0xff => 1,
                        0x100..=0xffff => 2,
                        0x1_0000..=0xff_ffff => 3,
                        _ => 4,
                    })
                }
            },
            "MEDIUMTEXT"
            | "MEDIUMBLOB"
            | "LONG"
            | "LONG VARCHAR"
            | "LONG VARBINARY"
            | "LONG CHAR VARYING"
            | "LONG CHARACTER VARYING" => self.sized_text(3),
            "LONGTEXT" | "LONGBLOB" | "CLOB" => self.sized_text(4),
            "ENUM" if !self.values.is_empty() => ColumnType::Enum { values: std::mem::take(&mut self.values) },
            "SET" if !self.values.is_empty() && self.values.len() <= 64 => {
                ColumnType::Set { values: std::mem::take(&mut self.values) }
            }
            "JSON" => match flavour {
                Flavour::Mysql => ColumnType::Json,
                Flavour::Mariadb => ColumnType::LongText,
            },
            "UUID" => ColumnType::Uuid,
            "INET4" => ColumnType::Inet4,
            "INET6" => ColumnType::Inet6,
            "VECTOR" => ColumnType::Vector { dimensions: first.unwrap_or(2048) },
            name => ColumnType::Geometry {
                kind: match name {
                    "GEOMETRY" => GeometryKind::Geometry,
                    "POINT" => GeometryKind::Point,
                    "LINESTRING" => GeometryKind::LineString,
                    "POLYGON" => GeometryKind::Polygon,
                    "MULTIPOINT" => GeometryKind::MultiPoint,
                    "MULTILINESTRING" => GeometryKind::MultiLineString,
                    "MULTIPOLYGON" => GeometryKind::MultiPolygon,
                    "GEOMETRYCOLLECTION" | "GEOMCOLLECTION" => GeometryKind::GeometryCollection,
                    _ => return None,
                },
            },
        })
    }

    /// `FLOAT(M,D)`: the D.
    pub(crate) fn decimals(&self) -> Option<u8> {
        let floating =
            matches!(self.name.as_str(), "FLOAT" | "FLOAT4" | "DOUBLE" | "DOUBLE PRECISION" | "REAL" | "FLOAT8");
        self.numbers.get(1).filter(|_| floating).and_then(|decimals| u8::try_from(*decimals).ok())
    }

    fn is_blob(&self) -> bool {
        self.bytes || self.name.ends_with("BLOB") || self.name.ends_with("VARBINARY")
    }

    fn sized_text(&self, length_bytes: u8) -> ColumnType {
        match (length_bytes, self.is_blob()) {
            (1, false) => ColumnType::TinyText,
            (2, false) => ColumnType::Text,
            (3, false) => ColumnType::MediumText,
            (_, false) => ColumnType::LongText,
            (1, true) => ColumnType::TinyBlob,
            (2, true) => ColumnType::Blob,
            (3, true) => ColumnType::MediumBlob,
            (_, true) => ColumnType::LongBlob,
        }
    }

    /// Whether the name alone makes the character set utf8mb3.
    pub(crate) fn is_national(&self) -> bool {
        self.name.starts_with('N') && self.name.contains("CHAR")
    }
}

impl ColumnType {
    /// Whether the type has a character set.
    pub fn is_text(&self) -> bool {
        matches!(
            self,
            Self::Char { .. }
                | Self::VarChar { .. }
                | Self::TinyText
                | Self::Text
                | Self::MediumText
                | Self::LongText
                | Self::Enum { .. }
                | Self::Set { .. }
        )
    }
}
