//! Whether the rows in the log are of the table that the baseline has.

use backtrail_binlog::{ColumnKind, TableMap};
use backtrail_schema::{ColumnType, TableShape};

use crate::plan::facts::LATER_BASELINE;

/// What to do about images that are not whole.
pub(crate) const WHOLE_IMAGES: &str =
    "set binlog_row_image=FULL on the server and take a new backup; a target before this event can be reached";

/// Why a row event is none of a table of this shape, and what to do about it.
pub(crate) fn problem(shape: &TableShape, map: &TableMap) -> Option<(String, &'static str)> {
    difference(shape, map)
        .map(|difference| (format!("{difference}: its definition changed without the log saying so"), LATER_BASELINE))
}

/// Says how a table in the log differs from a shape, if it does.
fn difference(shape: &TableShape, map: &TableMap) -> Option<String> {
    if shape.columns.len() != map.columns.len() {
        return Some(format!(
            "its rows have {} columns in the log and {} in the baseline's definition",
            map.columns.len(),
            shape.columns.len()
        ));
    }
    for (index, (column, logged)) in shape.columns.iter().zip(&map.columns).enumerate() {
        if let Some(name) = map.metadata.names.get(index)
            && *name != column.name
        {
            return Some(format!(
                "column {} is called `{name}` in the log and `{}` in the baseline",
                index + 1,
                column.name
            ));
        }
        let unsigned_differs = match (logged.unsigned, integer_sign(&column.ty)) {
            (Some(logged), Some(own)) => logged != own,
            _ => false,
        };
        if !fits(&column.ty, logged.kind) || unsigned_differs {
            return Some(format!("column `{}` has another type in the log ({:?})", column.name, logged.kind));
        }
    }
    None
}

fn integer_sign(ty: &ColumnType) -> Option<bool> {
    match ty {
        ColumnType::TinyInt { unsigned }
        | ColumnType::SmallInt { unsigned }
        | ColumnType::MediumInt { unsigned }
        | ColumnType::Int { unsigned }
        | ColumnType::BigInt { unsigned } => Some(*unsigned),
        _ => None,
    }
}

/// Whether a column of the type is written to the log in this way.
fn fits(ty: &ColumnType, kind: ColumnKind) -> bool {
    use ColumnKind as K;
    use ColumnType as T;
    match (ty, kind) {
        (T::TinyInt { .. }, K::TinyInt)
        | (T::SmallInt { .. }, K::SmallInt)
        | (T::MediumInt { .. }, K::MediumInt)
        | (T::Int { .. }, K::Int)
        | (T::BigInt { .. }, K::BigInt)
        | (T::Float { .. }, K::Float)
        | (T::Double { .. }, K::Double)
        | (T::Date, K::Date)
        | (T::Year, K::Year)
        | (T::Time { fsp: 0 }, K::OldTime)
        | (T::DateTime { fsp: 0 }, K::OldDateTime)
        | (T::Timestamp { fsp: 0 }, K::OldTimestamp)
        | (T::VarChar { .. } | T::VarBinary { .. }, K::VarChar { .. } | K::CompressedVarChar { .. })
        | (T::Char { .. } | T::Binary { .. } | T::Uuid | T::Inet4 | T::Inet6, K::Char { .. })
        | (T::Json, K::Json { .. })
        | (T::Geometry { .. }, K::Geometry { .. })
        | (T::Vector { .. }, K::Vector { .. } | K::VarChar { .. }) => true,
        (T::Decimal { precision, scale, .. }, K::Decimal { precision: p, scale: s }) => *precision == p && *scale == s,
        (T::Bit { bits }, K::Bit { bits: logged }) => *bits == logged,
        (T::Time { fsp }, K::Time { fsp: logged })
        | (T::DateTime { fsp }, K::DateTime { fsp: logged })
        | (T::Timestamp { fsp }, K::Timestamp { fsp: logged }) => *fsp == logged,
        (T::TinyText | T::TinyBlob, K::Blob { length_bytes } | K::CompressedBlob { length_bytes }) => length_bytes == 1,
        (T::Text | T::Blob, K::Blob { length_bytes } | K::CompressedBlob { length_bytes }) => length_bytes == 2,
        (T::MediumText | T::MediumBlob, K::Blob { length_bytes } | K::CompressedBlob { length_bytes }) => {
            length_bytes == 3
        }
        (T::LongText | T::LongBlob, K::Blob { length_bytes } | K::CompressedBlob { length_bytes }) => length_bytes == 4,
        (T::Enum { values }, K::Enum { bytes }) => (bytes == 1) == (values.len() < 256),
        (T::Set { values }, K::Set { bytes }) => {
            let needed = values.len().div_ceil(8);
            usize::from(bytes) == if needed > 4 { 8 } else { needed }
        }
        _ => false,
    }
}
