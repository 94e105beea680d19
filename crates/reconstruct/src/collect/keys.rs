//! Keys and counters out of row images.

use backtrail_binlog::{ColumnImage, RowImage, TableMap, Value, decode_value};
use backtrail_dump::literal::parse_literal;
use backtrail_schema::TableShape;

use crate::values::image;
use crate::values::key::{KeyCodec, KeyPart};
use crate::values::render::is_unsigned;

/// The key of a row image. What it lacks is in the before-image, to which differences of JSON apply too, or one of the
/// defaults.
pub(super) fn key_of(
    codec: &KeyCodec,
    shape: &TableShape,
    map: &TableMap,
    row: &RowImage<'_, '_>,
    before: Option<&RowImage<'_, '_>>,
    defaults: &[Option<Vec<u8>>],
    out: &mut Vec<u8>,
) -> Result<(), String> {
    out.clear();
    for part in codec.parts() {
        let column = shape.columns.get(part.column).ok_or("a column of the key is not there")?;
        let cell = cell_of(row, before, part.column);
        if let (ColumnImage::Absent, Some(Some(literal))) = (cell, defaults.get(part.column)) {
            let literal = parse_literal(literal).map_err(|problem| problem.to_string())?;
            part.push_literal(&literal, out).map_err(|problem| format!("column `{}`: {problem}", column.name))?;
            continue;
        }
        match cell {
            ColumnImage::Null => part.push_null(out).map_err(|problem| problem.to_string())?,
            ColumnImage::Bytes(raw) => {
                let value = logged_value(part.column, shape, map, raw)?;
                part.push_value(&value, out).map_err(|problem| format!("column `{}`: {problem}", column.name))?;
            }
            ColumnImage::JsonDiff(differences) => {
                let document = image::json_after(before.map(|before| before.column(part.column)), differences)?;
                part.push_json_text(&document, out)
                    .map_err(|problem| format!("column `{}`: {problem}", column.name))?;
            }
            ColumnImage::Absent => return Err(format!("column `{}` of the key is not in the row image", column.name)),
        }
    }
    for part in codec.parts().iter().filter(|part| part.has_exact_value()) {
        match (cell_of(row, before, part.column), defaults.get(part.column)) {
            (ColumnImage::Absent, Some(Some(literal))) => {
                let literal = parse_literal(literal).map_err(|problem| problem.to_string())?;
                KeyPart::push_exact_literal(&literal, out).map_err(|problem| problem.to_string())?;
            }
            (ColumnImage::Bytes(raw), _) => {
                KeyPart::push_exact_value(Some(&logged_value(part.column, shape, map, raw)?), out);
            }
            _ => KeyPart::push_exact_value(None, out),
        }
    }
    Ok(())
}

/// A column of an image, or what the image before it says where it does not have it.
pub(super) fn cell_of<'a, 'e>(
    row: &'a RowImage<'e, 'e>,
    before: Option<&'a RowImage<'e, 'e>>,
    column: usize,
) -> ColumnImage<'e> {
    match (row.column(column), before) {
        (ColumnImage::Absent, Some(before)) => before.column(column),
        (cell, _) => cell,
    }
}

pub(super) fn logged_value<'a>(
    index: usize,
    shape: &TableShape,
    map: &TableMap,
    raw: &'a [u8],
) -> Result<Value<'a>, String> {
    let column = shape.columns.get(index).ok_or("a column of the key is not there")?;
    let logged = map.columns.get(index).ok_or("a column of the key is not in the log")?;
    decode_value(logged.kind, is_unsigned(&column.ty), raw)
        .map_err(|problem| format!("column `{}`: {problem}", column.name))
}

/// The number of a row in the column that the server counts up.
pub(super) fn counter(shape: &TableShape, map: &TableMap, row: &RowImage<'_, '_>) -> Option<u64> {
    let at = shape.columns.iter().position(|column| column.auto_increment)?;
    let (column, logged) = (shape.columns.get(at)?, map.columns.get(at)?);
    let ColumnImage::Bytes(raw) = row.column(at) else { return None };
    match decode_value(logged.kind, is_unsigned(&column.ty), raw).ok()? {
        backtrail_binlog::Value::Int(number) => u64::try_from(number).ok(),
        backtrail_binlog::Value::UInt(number) => Some(number),
        _ => None,
    }
}
