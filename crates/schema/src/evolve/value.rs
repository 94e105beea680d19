//! What becomes of a column's values when its definition changes.

use super::{ColumnOrigin, DdlContext, ValueChange};
use crate::shape::Column;

/// The origin of a column that comes of `old`.
pub(super) fn kept(
    from: usize,
    old: &Column,
    new: &Column,
    _ignore: bool,
    _context: &DdlContext<'_>,
) -> Result<ColumnOrigin, String> {
    if old.ty == new.ty && old.charset == new.charset {
        return Ok(ColumnOrigin::Kept { from, change: ValueChange::Same, null_becomes: None, numbered: false });
    }
    Err("its type changes".to_owned())
}
