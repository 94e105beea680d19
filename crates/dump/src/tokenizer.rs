//! A data file as a stream of statements and rows.

use std::io::Read;
use std::ops::Range;

use crate::DumpError;

/// How much memory a reader may take.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Bytes asked for at once; the buffer's first size.
    pub buffer: usize,
    /// The longest row or statement head.
    pub piece: usize,
}

impl Default for Limits {
    /// 256 KiB buffers; rows up to 1 GiB of data with every byte escaped and some room.
    fn default() -> Self {
        Self { buffer: 256 * 1024, piece: (2 << 30) + (1 << 20) }
    }
}

/// Reads a data file piece by piece.
#[derive(Debug)]
pub struct StatementReader<R> {
    source: R,
    file: String,
    limits: Limits,
}

/// A piece of a data file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Piece<'a> {
    /// A statement that sets the session up or a comment, with its `;`. To be copied as it is.
    Preamble(&'a [u8]),
    /// The beginning of an INSERT.
    InsertHead(InsertHead<'a>),
    /// One row of it.
    Row(Row<'a>),
    /// The INSERT's `;`.
    End,
}

/// The beginning of an INSERT, up to and with `VALUES`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InsertHead<'a> {
    /// As written.
    pub raw: &'a [u8],
    /// The schema, if written.
    pub schema: Option<String>,
    /// The table.
    pub table: String,
    /// The column list, if written.
    pub columns: Option<Vec<String>>,
}

/// One row of an INSERT.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Row<'a> {
    /// As written, from `(` to `)`.
    pub raw: &'a [u8],
    /// Where it begins in the (decompressed) file.
    pub offset: u64,
}

impl Row<'_> {
    /// Finds the first `up_to` fields (fewer if the row has fewer): ranges of `raw`, put into `fields` (cleared first).
    /// `usize::MAX` takes the whole row apart.
    pub fn fields(&self, _up_to: usize, fields: &mut Vec<Range<usize>>) {
        fields.clear();
    }
}

impl<R: Read> StatementReader<R> {
    /// Reads `source` (decompressed); `file` names it in errors.
    pub fn new(source: R, file: impl Into<String>) -> Self {
        Self::with_limits(source, file, Limits::default())
    }

    /// The same with other limits.
    pub fn with_limits(source: R, file: impl Into<String>, limits: Limits) -> Self {
        Self { source, file: file.into(), limits }
    }

    /// The next piece; None where the file ends behind a finished statement.
    ///
    /// # Errors
    /// A file that cannot be read, is cut short, or holds what no mydumper writes. After an error there is no going on.
    pub fn next_piece(&mut self) -> Result<Option<Piece<'_>>, DumpError> {
        let _ = (&mut self.source, &self.file, &self.limits);
        Ok(None)
    }

    /// Where the next piece begins in the (decompressed) file.
    pub fn offset(&self) -> u64 {
        0
    }
}
