//! A data file as a stream of statements and rows.

use std::io::Read;
use std::ops::Range;

use crate::DumpError;
use crate::buffer::Buffer;
use crate::head::{self, Parsed};
use crate::scan::{self, RowScan, Scan};

pub use crate::head::{InsertHead, InsertVerb};

/// How much memory a reader may take.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Bytes asked for at once; the buffer's first size.
    pub buffer: usize,
    /// The longest row or statement head.
    pub piece: usize,
}

impl Default for Limits {
    /// 256 KiB buffers; rows up to 1 GiB of data with every byte escaped, and some room.
    fn default() -> Self {
        Self { buffer: 256 * 1024, piece: (2 << 30) + (1 << 20) }
    }
}

/// Statement heads are names and keywords: longer ones are something else.
const LONGEST_HEAD: usize = 16 << 20;

/// A piece of a data file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Piece<'a> {
    /// A statement that sets the session up, or a comment, with its `;` or line end.
    Preamble(&'a [u8]),
    /// The beginning of an INSERT, up to and with `VALUES`.
    InsertHead(InsertHead<'a>),
    /// One row of it.
    Row(Row<'a>),
    /// The INSERT's `;`.
    End,
}

/// One row of an INSERT.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Row<'a> {
    /// As written, from `(` to `)`.
    pub raw: &'a [u8],
    /// Where it begins in the (decompressed) file.
    pub offset: u64,
}

impl<'a> Row<'a> {
    /// Finds the first `up_to` fields (fewer if the row has fewer): ranges of `raw` without the white space around, put
    /// into `fields` (cleared first). `usize::MAX` takes the whole row apart.
    pub fn fields(&self, up_to: usize, fields: &mut Vec<Range<usize>>) {
        fields.clear();
        let end = self.raw.len().saturating_sub(1);
        let Some(inside) = self.raw.get(..end) else { return };
        let mut from = 1;
        while fields.len() < up_to {
            let to = scan::end_of_field(inside, from).min(end);
            let Some(field) = inside.get(from..to) else { return };
            let start = from + field.iter().take_while(|b| b.is_ascii_whitespace()).count();
            let trailing = field.iter().rev().take_while(|b| b.is_ascii_whitespace()).count();
            fields.push(start..(to - trailing).max(start));
            if to >= end {
                return;
            }
            from = to + 1;
        }
    }

    /// The bytes of a field that [`Row::fields`] found.
    pub fn field(&self, range: &Range<usize>) -> &'a [u8] {
        self.raw.get(range.clone()).unwrap_or_default()
    }
}

/// What may come next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Outside,
    BeforeFirstRow,
    BehindRow,
    BehindComma,
}

/// Reads a data file piece by piece.
#[derive(Debug)]
pub struct StatementReader<R> {
    buffer: Buffer<R>,
    state: State,
}

impl<R: Read> StatementReader<R> {
    /// Reads `source` (decompressed); `file` names it in errors.
    pub fn new(source: R, file: impl Into<String>) -> Self {
        Self::with_limits(source, file, Limits::default())
    }

    /// The same with other limits.
    pub fn with_limits(source: R, file: impl Into<String>, limits: Limits) -> Self {
        Self { buffer: Buffer::new(source, file.into(), limits), state: State::Outside }
    }

    /// Where the next piece begins in the (decompressed) file.
    pub fn offset(&self) -> u64 {
        self.buffer.offset()
    }

    /// The next piece; None where the file ends behind a finished statement.
    ///
    /// A file that was cut exactly between two statements cannot be told from a whole one here: the row counts of the
    /// dump's metadata tell.
    ///
    /// # Errors
    /// A file that cannot be read, is cut short, or holds what no mydumper writes. After an error there is no going on.
    pub fn next_piece(&mut self) -> Result<Option<Piece<'_>>, DumpError> {
        loop {
            let Some(byte) = self.skip_white_space()? else {
                return match self.state {
                    State::Outside => Ok(None),
                    State::BeforeFirstRow => Err(self.buffer.truncated("an INSERT without rows")),
                    State::BehindRow | State::BehindComma => Err(self.buffer.truncated("an INSERT")),
                };
            };
            match (self.state, byte) {
                (State::Outside, b';') => self.buffer.skip(1),
                (State::Outside, _) => return self.statement().map(Some),
                (State::BeforeFirstRow | State::BehindComma, b'(') => return self.row().map(Some),
                (State::BehindRow, b',') => {
                    self.buffer.skip(1);
                    self.state = State::BehindComma;
                }
                (State::BehindRow, b';') => {
                    self.buffer.skip(1);
                    self.state = State::Outside;
                    return Ok(Some(Piece::End));
                }
                (State::BehindRow, _) => return Err(self.buffer.syntax(0, "a `,` or `;` is expected behind a row")),
                (State::BeforeFirstRow | State::BehindComma, _) => {
                    return Err(self.buffer.syntax(0, "a row's `(` is expected"));
                }
            }
        }
    }

    fn row(&mut self) -> Result<Piece<'_>, DumpError> {
        let mut scan = RowScan::default();
        let length = loop {
            match scan.advance(self.buffer.rest()) {
                Scan::Done(length) => break length,
                Scan::Bad(at) => return Err(self.buffer.syntax(at, "a `;` stands inside a row")),
                Scan::More => {
                    if !self.buffer.fill("row", self.buffer.longest())? {
                        return Err(self.buffer.truncated("a row"));
                    }
                }
            }
        };
        let offset = self.offset();
        self.buffer.skip(length);
        self.state = State::BehindRow;
        Ok(Piece::Row(Row { raw: self.buffer.behind(length), offset }))
    }

    fn statement(&mut self) -> Result<Piece<'_>, DumpError> {
        let length = loop {
            match head::length(self.buffer.rest(), self.buffer.at_end()) {
                Ok(Parsed::Whole(length)) => break length,
                Ok(Parsed::More) => {
                    if !self.buffer.fill("statement", LONGEST_HEAD.min(self.buffer.longest()))? {
                        return Err(self.buffer.truncated("a statement"));
                    }
                }
                Err(what) => return Err(self.buffer.syntax(0, what)),
            }
        };
        let offset = self.offset();
        self.buffer.skip(length);
        let raw = self.buffer.behind(length);
        match head::parse(raw) {
            Ok(Some(head)) => {
                self.state = State::BeforeFirstRow;
                Ok(Piece::InsertHead(head))
            }
            Ok(None) => Ok(Piece::Preamble(raw)),
            Err(what) => Err(self.buffer.wrong(offset, format!("{what}: `{}`", head::beginning(raw)))),
        }
    }

    /// Goes on to the next byte that is no white space, and says which; None at the file's end.
    fn skip_white_space(&mut self) -> Result<Option<u8>, DumpError> {
        loop {
            let rest = self.buffer.rest();
            if let Some(skip) = rest.iter().position(|b| !b.is_ascii_whitespace()) {
                let byte = rest.get(skip).copied();
                self.buffer.skip(skip);
                return Ok(byte);
            }
            let length = rest.len();
            self.buffer.skip(length);
            if !self.buffer.fill("run of white space", self.buffer.longest())? {
                return Ok(None);
            }
        }
    }
}
