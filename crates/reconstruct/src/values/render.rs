//! Values of the binary log as SQL literals that load exactly, under the preamble that result files begin with
//! ([`backtrail_dump::writer::PREAMBLE`]): bytes as they are, times in UTC, an SQL mode that takes every date.

use std::borrow::Cow;
use std::fmt::Write as _;

use backtrail_binlog::{Value, decode_value, json};
use backtrail_dump::literal::{write_binary, write_json, write_null, write_number, write_string};
use backtrail_schema::{Column, ColumnType, TableShape};

use crate::history::life::Trace;
use crate::values::address::Address;
use crate::values::image::{Cell, Layout};
use crate::values::key::member_bytes;

/// Writes a row as `(…)`: the values that an image of an era has for the result's columns, but for those that are `given`.
///
/// # Errors
/// A column's name and what is wrong with its value.
pub(crate) fn row<'p>(
    shape: &TableShape,
    sources: &[Trace],
    layout: &Layout,
    cells: &[Cell<'_>],
    given: &dyn Fn(usize) -> Option<Result<Cow<'p, [u8]>, String>>,
    out: &mut Vec<u8>,
) -> Result<(), (String, String)> {
    out.push(b'(');
    let mut scratch = Vec::new();
    for (number, source) in sources.iter().enumerate() {
        if number > 0 {
            out.push(b',');
        }
        if let Some(value) = given(number) {
            out.extend_from_slice(&value.map_err(|problem| (format!("#{number}"), problem))?);
            continue;
        }
        let Some(column) = source.column() else {
            out.extend_from_slice(&source.apply(b"NULL").map_err(|problem| (format!("#{number}"), problem))?);
            continue;
        };
        if source.is_plain() {
            cell(shape, column, layout, cells, out)?;
            continue;
        }
        scratch.clear();
        cell(shape, column, layout, cells, &mut scratch)?;
        let name = || shape.columns.get(column).map_or_else(String::new, |column| column.name.clone());
        out.extend_from_slice(&source.apply(&scratch).map_err(|problem| (name(), problem))?);
    }
    out.push(b')');
    Ok(())
}

/// Writes the value of one column of an image.
///
/// # Errors
/// The column's name and what is wrong with its value.
pub(crate) fn cell(
    shape: &TableShape,
    index: usize,
    layout: &Layout,
    cells: &[Cell<'_>],
    out: &mut Vec<u8>,
) -> Result<(), (String, String)> {
    let unknown = || (format!("#{index}"), "the column is not known".to_owned());
    let column = shape.columns.get(index).ok_or_else(unknown)?;
    let logged = layout.map.columns.get(index).ok_or_else(unknown)?;
    let failed = |problem: String| (column.name.clone(), problem);
    match cells.get(index).copied().unwrap_or(Cell::Absent) {
        Cell::Absent => return Err(failed("it is not in the row image".to_owned())),
        Cell::Null => write_null(out),
        Cell::Literal(literal) => out.extend_from_slice(literal),
        Cell::JsonText(text) => {
            write_json(out, std::str::from_utf8(text).map_err(|problem| failed(problem.to_string()))?);
        }
        Cell::Raw(raw) => {
            let value = decode_value(logged.kind, is_unsigned(&column.ty), raw)
                .map_err(|problem| failed(problem.to_string()))?;
            literal(column, &value, out).map_err(failed)?;
        }
    }
    Ok(())
}

/// Whether integers of the column are UNSIGNED.
pub(crate) fn is_unsigned(ty: &ColumnType) -> bool {
    match ty {
        ColumnType::TinyInt { unsigned }
        | ColumnType::SmallInt { unsigned }
        | ColumnType::MediumInt { unsigned }
        | ColumnType::Int { unsigned }
        | ColumnType::BigInt { unsigned } => *unsigned,
        _ => false,
    }
}

/// Writes one value.
///
/// # Errors
/// A value that has no literal.
pub fn literal(column: &Column, value: &Value<'_>, out: &mut Vec<u8>) -> Result<(), String> {
    let mut number = String::new();
    // Writing to a String does not fail.
    let _ = match value {
        Value::Null => {
            write_null(out);
            return Ok(());
        }
        Value::Int(value) => write!(number, "{value}"),
        Value::UInt(value) => write!(number, "{value}"),
        // As a double, whose shortest text is exact: the server reads a double and rounds it once, back to this.
        Value::Float(value) if value.is_finite() => write!(number, "{:e}", f64::from(*value)),
        Value::Double(value) if value.is_finite() => write!(number, "{value:e}"),
        Value::Float(_) | Value::Double(_) => return Err("it is not a finite number".to_owned()),
        Value::Decimal(value) => write!(number, "{}", value.as_str()),
        Value::Bit { value, .. } => write!(number, "{value}"),
        Value::Year(year) => write!(number, "{year:04}"),
        Value::Date(date) => return text(&date.to_string(), out),
        Value::Time(time) => return text(&time.to_string(), out),
        Value::DateTime(time) => return text(&time.to_string(), out),
        Value::Timestamp(time) => return text(&time.to_string(), out),
        Value::Enum(ordinal) => return member(column, *ordinal, out),
        Value::Set(bits) => return members(column, *bits, out),
        Value::Bytes(bytes) => {
            if let Some(address) = Address::of(&column.ty) {
                let bytes = address.bytes_of_log(bytes);
                let text = bytes.and_then(|bytes| address.text(&bytes)).ok_or("it has more bytes than its type")?;
                out.extend_from_slice(b"_latin1");
                write_string(out, text.as_bytes());
            } else if is_text(&column.ty) {
                write_string(out, bytes);
            } else if let ColumnType::Binary { length } = column.ty {
                // A later type of the column may keep the zeros that the log leaves away.
                let mut whole = bytes.to_vec();
                whole.resize(whole.len().max(length as usize), 0);
                write_binary(out, &whole);
            } else {
                write_binary(out, bytes);
            }
            return Ok(());
        }
        Value::Json(binary) => {
            write_json(out, &json::to_text(binary).map_err(|problem| problem.to_string())?);
            return Ok(());
        }
    };
    write_number(out, &number);
    Ok(())
}

fn text(text: &str, out: &mut Vec<u8>) -> Result<(), String> {
    write_string(out, text.as_bytes());
    Ok(())
}

fn is_text(ty: &ColumnType) -> bool {
    matches!(
        ty,
        ColumnType::Char { .. }
            | ColumnType::VarChar { .. }
            | ColumnType::TinyText
            | ColumnType::Text
            | ColumnType::MediumText
            | ColumnType::LongText
    )
}

/// An ENUM's member by its text, or where the bytes of that are not known by its number.
fn member(column: &Column, ordinal: u16, out: &mut Vec<u8>) -> Result<(), String> {
    let ColumnType::Enum { values } = &column.ty else { return Err("an ENUM value in another column".to_owned()) };
    match usize::from(ordinal).checked_sub(1).map(|index| values.get(index)) {
        // The empty text of an invalid value: only its number loads.
        None => write_number(out, "0"),
        Some(Some(value)) => match member_bytes(value, column.charset.as_deref()) {
            Some(bytes) => write_string(out, &bytes),
            None => write_number(out, &ordinal.to_string()),
        },
        Some(None) => return Err(format!("it is member {ordinal} of an ENUM of {}", values.len())),
    }
    Ok(())
}

/// A SET's members by their texts, or where the bytes of these are not known by their bits.
fn members(column: &Column, bits: u64, out: &mut Vec<u8>) -> Result<(), String> {
    let ColumnType::Set { values } = &column.ty else { return Err("a SET value in another column".to_owned()) };
    if bits.checked_shr(values.len() as u32).unwrap_or(0) != 0 {
        return Err(format!("it has members {bits:#b} of a SET of {}", values.len()));
    }
    let charset = column.charset.as_deref();
    let chosen = values.iter().enumerate().filter(|(index, _)| bits >> index & 1 == 1);
    let texts: Option<Vec<Vec<u8>>> = chosen.map(|(_, value)| member_bytes(value, charset)).collect();
    match texts.zip(member_bytes(",", charset)) {
        Some((texts, comma)) => write_string(out, &texts.join(&*comma)),
        None => write_number(out, &bits.to_string()),
    }
    Ok(())
}
