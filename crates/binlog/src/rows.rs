//! Row events and the images in them.

use std::borrow::Cow;

use crate::bytes::{Cursor, bit, size};
use crate::compressed::decompress;
use crate::{ColumnKind, EventType, Malformed, TableMap};

/// What a row event does to its rows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum RowsKind {
    /// INSERT: after-images.
    Write,
    /// UPDATE: pairs of a before-image and an after-image.
    Update,
    /// DELETE: before-images.
    Delete,
}

/// Rows of one table, changed by one statement (or a part of it).
///
/// Source: <https://dev.mysql.com/doc/dev/mysql-server/latest/classmysql_1_1binlog_1_1event_1_1Rows__event.html>
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RowsEvent<'a> {
    /// INSERT, UPDATE or DELETE.
    pub kind: RowsKind,
    /// The number of a [`TableMap`] before it.
    pub table_id: u64,
    /// The `FLAG_…` bits.
    pub flags: u16,
    /// Columns of the table, as the event sees it.
    pub column_count: usize,
    /// Which columns the before-images have, a bit each from the lowest; empty for INSERT.
    pub columns_before: &'a [u8],
    /// Likewise of the after-images; empty for DELETE.
    pub columns_after: &'a [u8],
    /// What the second version's header carries besides: NDB's data, partition numbers.
    pub extra: &'a [u8],
    /// After-images may hold JSON differences instead of values.
    pub partial: bool,
    /// The images, decompressed.
    data: Cow<'a, [u8]>,
}

impl<'a> RowsEvent<'a> {
    /// The statement ends here.
    pub const FLAG_STATEMENT_END: u16 = 0x1;
    /// `foreign_key_checks` was 0.
    pub const FLAG_NO_FOREIGN_KEY_CHECKS: u16 = 0x2;
    /// `unique_checks` was 0.
    pub const FLAG_NO_UNIQUE_CHECKS: u16 = 0x4;
    /// Every column is in the images.
    pub const FLAG_COMPLETE_ROWS: u16 = 0x8;

    pub(crate) fn parse(event_type: EventType, body: &'a [u8], post_header: usize) -> Result<Self, Malformed> {
        let (kind, compressed) = match event_type {
            EventType::WRITE_ROWS | EventType::WRITE_ROWS_V1 => (RowsKind::Write, false),
            EventType::UPDATE_ROWS | EventType::UPDATE_ROWS_V1 | EventType::PARTIAL_UPDATE_ROWS => {
                (RowsKind::Update, false)
            }
            EventType::WRITE_ROWS_COMPRESSED | EventType::WRITE_ROWS_COMPRESSED_V1 => (RowsKind::Write, true),
            EventType::UPDATE_ROWS_COMPRESSED | EventType::UPDATE_ROWS_COMPRESSED_V1 => (RowsKind::Update, true),
            EventType::DELETE_ROWS_COMPRESSED | EventType::DELETE_ROWS_COMPRESSED_V1 => (RowsKind::Delete, true),
            _ => (RowsKind::Delete, false),
        };
        let mut cursor = Cursor::new(body);
        let table_id = cursor.uint(if post_header == 6 { 4 } else { 6 }, "table id")?;
        let flags = cursor.u16("row event flags")?;
        let mut extra: &[u8] = &[];
        if post_header == 10 {
            // The length counts its own two bytes.
            let length = usize::from(cursor.u16("length of extra data")?);
            let length = length.checked_sub(2).ok_or_else(|| Malformed::invalid("length of extra data", "below 2"))?;
            extra = cursor.take(length, "extra data")?;
        }
        let column_count = size(cursor.packed("count of columns")?);
        let first = cursor.take(column_count.div_ceil(8), "columns present")?;
        let (columns_before, columns_after): (&[u8], &[u8]) = match kind {
            RowsKind::Write => (&[], first),
            RowsKind::Update => (first, cursor.take(column_count.div_ceil(8), "columns present")?),
            RowsKind::Delete => (first, &[]),
        };
        let data = match compressed {
            true => Cow::Owned(decompress(cursor.rest())?),
            false => Cow::Borrowed(cursor.rest()),
        };
        let partial = event_type == EventType::PARTIAL_UPDATE_ROWS;
        Ok(Self { kind, table_id, flags, column_count, columns_before, columns_after, extra, partial, data })
    }

    /// Whether the images of rows as they were have a column.
    pub fn has_before(&self, column: usize) -> bool {
        bit(self.columns_before, column)
    }

    /// Whether the images of rows as they became have a column.
    pub fn has_after(&self, column: usize) -> bool {
        bit(self.columns_after, column)
    }

    /// Whether every column is in every image (`binlog_row_image=FULL`).
    pub fn has_full_images(&self) -> bool {
        self.has_whole_images(0..self.column_count)
    }

    /// Whether each of these columns is in every image.
    pub fn has_whole_images(&self, mut columns: impl Iterator<Item = usize>) -> bool {
        columns.all(|column| {
            (self.kind == RowsKind::Write || self.has_before(column))
                && (self.kind == RowsKind::Delete || self.has_after(column))
        })
    }

    /// Whether the statement ran with `foreign_key_checks` at 0.
    pub fn foreign_key_checks_off(&self) -> bool {
        self.flags & Self::FLAG_NO_FOREIGN_KEY_CHECKS != 0
    }

    /// Whether the event ends its statement.
    pub fn ends_statement(&self) -> bool {
        self.flags & Self::FLAG_STATEMENT_END != 0
    }

    /// The images' bytes, one after the other, decompressed.
    pub fn data(&self) -> &[u8] {
        &self.data
    }

    /// Walks the rows. The table must be the one of this event's number.
    ///
    /// # Errors
    /// The table has another count of columns.
    pub fn rows<'e>(&'e self, table: &'e TableMap) -> Result<Rows<'e>, Malformed> {
        if table.columns.len() != self.column_count {
            let problem = format!(
                "the rows have {} columns, the table map of {} has {}",
                self.column_count,
                table.name,
                table.columns.len()
            );
            return Err(Malformed::invalid("row event", problem));
        }
        Ok(Rows {
            kind: self.kind,
            partial: self.partial,
            columns_before: self.columns_before,
            columns_after: self.columns_after,
            table,
            cursor: Cursor::new(&self.data),
            before: Vec::new(),
            after: Vec::new(),
            // An event without columns at all is a placeholder that ends a statement. Any other has a row, even one of
            // no bytes: an INSERT of nothing but defaults under `binlog_row_image=MINIMAL`.
            pending: self.column_count > 0,
        })
    }
}

/// One column in a row image.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ColumnImage<'a> {
    /// Not in the image (`binlog_row_image` is not FULL).
    Absent,
    /// NULL.
    Null,
    /// The value's bytes **without** the length before them: what [`crate::decode_value`] takes. Text, blobs and JSON
    /// are these bytes.
    Bytes(&'a [u8]),
    /// Differences to the before-image's JSON value: what [`crate::json::apply_diffs`] takes.
    JsonDiff(&'a [u8]),
}

/// One row image, split into columns.
#[derive(Debug, Clone, Copy)]
pub struct RowImage<'r, 'e> {
    bytes: &'e [u8],
    columns: &'r [ColumnImage<'e>],
}

impl<'r, 'e> RowImage<'r, 'e> {
    /// The columns in order, absent ones too.
    pub fn columns(&self) -> &'r [ColumnImage<'e>] {
        self.columns
    }

    /// The column of this number; absent when the table has none such.
    pub fn column(&self, index: usize) -> ColumnImage<'e> {
        self.columns.get(index).copied().unwrap_or(ColumnImage::Absent)
    }

    /// The image as it is in the event: NULL bits, then values, each with its length. [`split_image`] takes it apart
    /// again. (With JSON differences in it, it can only be taken apart here and now.)
    pub fn bytes(&self) -> &'e [u8] {
        self.bytes
    }
}

/// One row's change.
#[derive(Debug, Clone, Copy)]
pub struct RowChange<'r, 'e> {
    /// The row before; none for INSERT.
    pub before: Option<RowImage<'r, 'e>>,
    /// The row after; none for DELETE.
    pub after: Option<RowImage<'r, 'e>>,
}

/// Walks the rows of an event. Each row is split in one pass, into buffers that are used again.
#[derive(Debug)]
pub struct Rows<'e> {
    kind: RowsKind,
    partial: bool,
    columns_before: &'e [u8],
    columns_after: &'e [u8],
    table: &'e TableMap,
    cursor: Cursor<'e>,
    before: Vec<ColumnImage<'e>>,
    after: Vec<ColumnImage<'e>>,
    pending: bool,
}

impl<'e> Rows<'e> {
    /// The next row, or `None` after the last.
    ///
    /// # Errors
    /// Images that end early or do not fit the table.
    pub fn next_row(&mut self) -> Result<Option<RowChange<'_, 'e>>, Malformed> {
        if !std::mem::take(&mut self.pending) && self.cursor.is_empty() {
            return Ok(None);
        }
        let left = self.cursor.len();
        let before = match self.kind {
            RowsKind::Write => None,
            _ => Some(split(&mut self.cursor, self.table, self.columns_before, None, &mut self.before)?),
        };
        let after = match self.kind {
            RowsKind::Delete => None,
            _ => {
                let partial = if self.partial { partial_columns(&mut self.cursor, self.table)? } else { None };
                Some(split(&mut self.cursor, self.table, self.columns_after, partial, &mut self.after)?)
            }
        };
        if !self.cursor.is_empty() && self.cursor.len() == left {
            return Err(Malformed::invalid("row image", "of no bytes, with bytes behind it"));
        }
        Ok(Some(RowChange {
            before: before.map(|bytes| RowImage { bytes, columns: &self.before }),
            after: after.map(|bytes| RowImage { bytes, columns: &self.after }),
        }))
    }
}

/// Splits a stored image (see [`RowImage::bytes`]) into columns, as the walk over its event did.
///
/// `present` has a bit for each column that is in the image: the event's `columns_before` or `columns_after`.
///
/// # Errors
/// An image that does not fit the table.
pub fn split_image<'a>(
    table: &TableMap,
    present: &[u8],
    image: &'a [u8],
    columns: &mut Vec<ColumnImage<'a>>,
) -> Result<(), Malformed> {
    let mut cursor = Cursor::new(image);
    split(&mut cursor, table, present, None, columns)?;
    if cursor.is_empty() { Ok(()) } else { Err(Malformed::invalid("row image", "bytes behind its last column")) }
}

/// The head of an after-image in PARTIAL_UPDATE_ROWS: options, then a bit for every JSON column of the table.
fn partial_columns<'e>(cursor: &mut Cursor<'e>, table: &TableMap) -> Result<Option<&'e [u8]>, Malformed> {
    let options = cursor.packed("value options")?;
    if options & !1 != 0 {
        return Err(Malformed::unsupported(format!("value options {options:#x}")));
    }
    if options == 0 {
        return Ok(None);
    }
    let count = table.columns.iter().filter(|column| matches!(column.kind, ColumnKind::Json { .. })).count();
    cursor.take(count.div_ceil(8), "partial columns").map(Some)
}

fn split<'e>(
    cursor: &mut Cursor<'e>,
    table: &TableMap,
    present: &[u8],
    partial: Option<&[u8]>,
    columns: &mut Vec<ColumnImage<'e>>,
) -> Result<&'e [u8], Malformed> {
    let whole = cursor.rest();
    let present_count = (0..table.columns.len()).filter(|index| bit(present, *index)).count();
    let nulls = cursor.take(present_count.div_ceil(8), "NULL bits")?;
    columns.clear();
    let (mut position, mut json) = (0, 0);
    for (index, column) in table.columns.iter().enumerate() {
        let mut is_diff = false;
        if let Some(partial) = partial
            && matches!(column.kind, ColumnKind::Json { .. })
        {
            is_diff = bit(partial, json);
            json += 1;
        }
        if !bit(present, index) {
            columns.push(ColumnImage::Absent);
            continue;
        }
        columns.push(if bit(nulls, position) {
            ColumnImage::Null
        } else {
            let bytes = column.kind.take(cursor)?;
            if is_diff { ColumnImage::JsonDiff(bytes) } else { ColumnImage::Bytes(bytes) }
        });
        position += 1;
    }
    let length = whole.len() - cursor.len();
    Ok(whole.get(..length).unwrap_or_default())
}
