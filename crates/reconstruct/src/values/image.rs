//! Row images as a change set keeps them: the bytes of the log, decoded only when they are written out.

use std::sync::Arc;

use backtrail_binlog::{ColumnImage, Malformed, RowImage, TableMap, json, split_image};

use crate::values::wire;

/// How images of a table are laid out; a table has one as long as nobody alters it or the server's settings.
#[derive(Debug, Clone)]
pub(crate) struct Layout {
    pub(crate) map: Arc<TableMap>,
    /// The number of the era in which they were written.
    pub(crate) era: usize,
    /// A bit for each column that is in the images.
    present: Vec<u8>,
}

/// The layouts of one table's images, by number.
#[derive(Debug, Clone, Default)]
pub(crate) struct Layouts {
    known: Vec<Layout>,
    last: usize,
}

/// One column of a stored image.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Cell<'a> {
    Absent,
    Null,
    /// As in the log.
    Raw(&'a [u8]),
    /// JSON after a partial update.
    JsonText(&'a [u8]),
    /// A literal: a default.
    Literal(&'a [u8]),
}

impl Layouts {
    /// The number of a layout.
    pub(crate) fn number(&mut self, map: &Arc<TableMap>, era: usize, present: &[u8]) -> usize {
        let same = |layout: &Layout| {
            layout.era == era
                && layout.present == present
                && (Arc::ptr_eq(&layout.map, map) || layout.map.columns == map.columns)
        };
        if !self.known.get(self.last).is_some_and(same) {
            self.last = self.known.iter().position(same).unwrap_or_else(|| {
                self.known.push(Layout { map: Arc::clone(map), era, present: present.to_vec() });
                self.known.len() - 1
            });
        }
        self.last
    }

    /// How a stored image is laid out.
    pub(crate) fn layout(&self, image: &[u8]) -> Result<&Layout, Malformed> {
        let number = wire::take_number(&mut &*image).and_then(|head| usize::try_from(head >> 1).ok());
        number.and_then(|number| self.known.get(number)).ok_or_else(damaged)
    }

    /// Takes a stored image apart.
    pub(crate) fn cells<'s, 'a>(&'s self, image: &'a [u8], cells: &mut Vec<Cell<'a>>) -> Result<&'s Layout, Malformed> {
        let mut rest = image;
        let head = wire::take_number(&mut rest).ok_or_else(damaged)?;
        let layout = usize::try_from(head >> 1).ok().and_then(|number| self.known.get(number)).ok_or_else(damaged)?;
        cells.clear();
        if head & 1 == 0 {
            let mut columns = Vec::with_capacity(layout.map.columns.len());
            split_image(&layout.map, &layout.present, rest, &mut columns)?;
            cells.extend(columns.into_iter().map(|column| match column {
                ColumnImage::Absent | ColumnImage::JsonDiff(_) => Cell::Absent,
                ColumnImage::Null => Cell::Null,
                ColumnImage::Bytes(bytes) => Cell::Raw(bytes),
            }));
            return Ok(layout);
        }
        for _ in &layout.map.columns {
            let (tag, after) = rest.split_first().ok_or_else(damaged)?;
            rest = after;
            cells.push(match tag {
                0 => Cell::Absent,
                1 => Cell::Null,
                2 => Cell::Raw(wire::take_bytes(&mut rest).ok_or_else(damaged)?),
                4 => Cell::Literal(wire::take_bytes(&mut rest).ok_or_else(damaged)?),
                _ => Cell::JsonText(wire::take_bytes(&mut rest).ok_or_else(damaged)?),
            });
        }
        Ok(layout)
    }
}

fn damaged() -> Malformed {
    Malformed::Invalid { what: "a stored row image", problem: "cannot be read back".into() }
}

/// Whether a stored image may lack columns: it is kept column by column.
pub(crate) fn may_lack(image: &[u8]) -> bool {
    wire::take_number(&mut &*image).is_none_or(|head| head & 1 == 1)
}

/// Writes an after-image for the change set; `before` is the row's before-image, to which JSON differences apply. One that
/// is not `whole` takes what it lacks from there, and from the `defaults`, as far as they have it.
pub(crate) fn store(
    layout: usize,
    after: &RowImage<'_, '_>,
    before: Option<&RowImage<'_, '_>>,
    whole: bool,
    defaults: &[Option<Vec<u8>>],
    out: &mut Vec<u8>,
) -> Result<(), String> {
    let has_differences = after.columns().iter().any(|column| matches!(column, ColumnImage::JsonDiff(_)));
    wire::put_number(out, (layout as u64) << 1 | u64::from(has_differences || !whole));
    if !has_differences && whole {
        out.extend_from_slice(after.bytes());
        return Ok(());
    }
    for (index, column) in after.columns().iter().enumerate() {
        let column = match column {
            ColumnImage::Absent => before.map_or(ColumnImage::Absent, |before| before.column(index)),
            other => *other,
        };
        match column {
            ColumnImage::Absent => match defaults.get(index).and_then(Option::as_ref) {
                Some(literal) => {
                    out.push(4);
                    wire::put_bytes(out, literal);
                }
                None => out.push(0),
            },
            ColumnImage::Null => out.push(1),
            ColumnImage::Bytes(bytes) => {
                out.push(2);
                wire::put_bytes(out, bytes);
            }
            ColumnImage::JsonDiff(differences) => {
                let text = json_after(before.map(|before| before.column(index)), differences)?;
                out.push(3);
                wire::put_bytes(out, text.as_bytes());
            }
        }
    }
    Ok(())
}

/// The text of a JSON value after a partial update; `before`: what was there.
pub(crate) fn json_after(before: Option<ColumnImage<'_>>, differences: &[u8]) -> Result<String, String> {
    let Some(ColumnImage::Bytes(value)) = before else {
        return Err("a partial JSON update without the value before it".to_owned());
    };
    let mut document = json::Document::from_binary(value).map_err(|problem| problem.to_string())?;
    json::apply_diffs(&mut document, differences).map_err(|problem| problem.to_string())?;
    Ok(document.to_text())
}
