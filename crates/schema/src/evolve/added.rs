//! What rows that are there have in a new column.

use super::{AddedValue, DdlContext};
use crate::shape::Column;

/// The value of a new column.
pub(super) fn value(column: &Column, _context: &DdlContext<'_>) -> Result<AddedValue, String> {
    match &column.default {
        None if column.nullable => Ok(AddedValue::Null),
        Some(text) if text.eq_ignore_ascii_case("NULL") => Ok(AddedValue::Null),
        _ => Err("its default is not computed".to_owned()),
    }
}
