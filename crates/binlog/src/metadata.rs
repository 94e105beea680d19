//! The optional part of a table map.

use crate::bytes::Cursor;
use crate::{ColumnKind, ColumnShape, Flavour, Malformed};

/// What a table map says of its columns beyond their types. Empty where the server says nothing: all but signedness and
/// character sets needs `binlog_row_metadata=FULL`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct TableMetadata {
    /// Column names, for every column.
    pub names: Vec<String>,
    /// The member lists of the SET columns, in their order; in each column's character set.
    pub set_values: Vec<Vec<Vec<u8>>>,
    /// Likewise of the ENUM columns.
    pub enum_values: Vec<Vec<Vec<u8>>>,
    /// Collation ids of the ENUM and SET columns, in their order.
    pub enum_and_set_collations: Vec<u32>,
    /// Kinds of the GEOMETRY columns, in their order: 0 GEOMETRY, 1 POINT, …
    pub geometry_types: Vec<u32>,
    /// The primary key's columns by number, with a prefix length (0: the whole column).
    pub primary_key: Vec<(u32, u32)>,
    /// For every column, whether `SELECT *` shows it.
    pub visible: Vec<bool>,
    /// Dimensions of the VECTOR columns, in their order.
    pub vector_dimensions: Vec<u32>,
}

const WHAT: &str = "optional table metadata";

pub(crate) fn parse(bytes: &[u8], columns: &mut [ColumnShape], flavour: Flavour) -> Result<TableMetadata, Malformed> {
    let mut metadata = TableMetadata::default();
    let mut cursor = Cursor::new(bytes);
    while !cursor.is_empty() {
        let field = cursor.u8(WHAT)?;
        let mut value = Cursor::new(cursor.packed_bytes(WHAT)?);
        match field {
            1 => {
                let numeric = columns.iter_mut().filter(|column| column.kind.is_numeric());
                for (index, column) in numeric.enumerate() {
                    column.unsigned = high_bit(value.rest(), index);
                }
            }
            2 => {
                let characters = columns.iter_mut().filter(|column| column.kind.is_character(flavour));
                for (column, collation) in characters.zip(with_exceptions(&mut value)?) {
                    column.collation = Some(collation);
                }
            }
            3 => {
                for column in columns.iter_mut().filter(|column| column.kind.is_character(flavour)) {
                    if !value.is_empty() {
                        column.collation = Some(number(&mut value)?);
                    }
                }
            }
            4 => {
                while !value.is_empty() {
                    metadata.names.push(String::from_utf8_lossy(value.packed_bytes(WHAT)?).into_owned());
                }
            }
            5 => metadata.set_values = lists(&mut value)?,
            6 => metadata.enum_values = lists(&mut value)?,
            7 => metadata.geometry_types = numbers(&mut value)?,
            8 => metadata.primary_key = numbers(&mut value)?.into_iter().map(|column| (column, 0)).collect(),
            9 => {
                while !value.is_empty() {
                    metadata.primary_key.push((number(&mut value)?, number(&mut value)?));
                }
            }
            10 => {
                let count = columns
                    .iter()
                    .filter(|column| matches!(column.kind, ColumnKind::Enum { .. } | ColumnKind::Set { .. }))
                    .count();
                metadata.enum_and_set_collations = with_exceptions(&mut value)?.take(count).collect();
            }
            11 => metadata.enum_and_set_collations = numbers(&mut value)?,
            12 => {
                metadata.visible = (0..columns.len()).map_while(|index| high_bit(value.rest(), index)).collect();
            }
            13 => metadata.vector_dimensions = numbers(&mut value)?,
            // Of the future; each has its length, so it can be passed over.
            _ => {}
        }
    }
    Ok(metadata)
}

/// Bit `index` where the first is the most significant of the first byte.
fn high_bit(bits: &[u8], index: usize) -> Option<bool> {
    bits.get(index / 8).map(|byte| byte >> (7 - index % 8) & 1 == 1)
}

fn number(value: &mut Cursor<'_>) -> Result<u32, Malformed> {
    u32::try_from(value.packed(WHAT)?).map_err(|_| Malformed::invalid(WHAT, "a number above 32 bits"))
}

fn numbers(value: &mut Cursor<'_>) -> Result<Vec<u32>, Malformed> {
    let mut all = Vec::new();
    while !value.is_empty() {
        all.push(number(value)?);
    }
    Ok(all)
}

/// The default, then pairs of index and number that differ from it: an endless list.
fn with_exceptions(value: &mut Cursor<'_>) -> Result<impl Iterator<Item = u32>, Malformed> {
    let default = number(value)?;
    let mut exceptions = Vec::new();
    while !value.is_empty() {
        exceptions.push((number(value)?, number(value)?));
    }
    Ok((0u32..)
        .map(move |index| exceptions.iter().find(|(at, _)| *at == index).map_or(default, |(_, collation)| *collation)))
}

fn lists(value: &mut Cursor<'_>) -> Result<Vec<Vec<Vec<u8>>>, Malformed> {
    let mut all = Vec::new();
    while !value.is_empty() {
        let count = value.packed(WHAT)?;
        let mut list = Vec::new();
        for _ in 0..count {
            list.push(value.packed_bytes(WHAT)?.to_vec());
        }
        all.push(list);
    }
    Ok(all)
}
