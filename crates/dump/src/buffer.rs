//! The buffer between a source of bytes and the readers of data files.
//!
//! It grows while a single piece does not fit and never beyond the limit; what has been handed out is overwritten by what
//! follows.

use std::io::{ErrorKind, Read};

use crate::DumpError;
use crate::head;
use crate::tokenizer::Limits;

/// The bytes of a file that are here.
#[derive(Debug)]
pub(crate) struct Buffer<R> {
    source: R,
    file: String,
    limits: Limits,
    bytes: Vec<u8>,
    /// The next piece begins here.
    start: usize,
    /// How many of the bytes are filled.
    filled: usize,
    /// The file's offset of the first byte.
    base: u64,
    at_end: bool,
}

impl<R: Read> Buffer<R> {
    pub(crate) fn new(source: R, file: String, limits: Limits) -> Self {
        Self { source, file, limits, bytes: Vec::new(), start: 0, filled: 0, base: 0, at_end: false }
    }

    /// Where the next piece begins in the (decompressed) file.
    pub(crate) fn offset(&self) -> u64 {
        self.base + self.start as u64
    }

    /// The longest piece.
    pub(crate) fn longest(&self) -> usize {
        self.limits.piece
    }

    /// Whether the source has no more.
    pub(crate) fn at_end(&self) -> bool {
        self.at_end
    }

    /// What is here of the next piece and what follows.
    pub(crate) fn rest(&self) -> &[u8] {
        self.bytes.get(self.start..self.filled).unwrap_or_default()
    }

    /// Goes on behind so many bytes.
    pub(crate) fn skip(&mut self, length: usize) {
        self.start = (self.start + length).min(self.filled);
    }

    /// The bytes that were skipped last.
    pub(crate) fn behind(&self, length: usize) -> &[u8] {
        self.bytes.get(self.start.saturating_sub(length)..self.start).unwrap_or_default()
    }

    /// Reads on behind what is there; false at the file's end. `what` is not to become longer than `limit`.
    pub(crate) fn fill(&mut self, what: &'static str, limit: usize) -> Result<bool, DumpError> {
        if self.at_end {
            return Ok(false);
        }
        if self.filled == self.bytes.len() {
            self.make_room(what, limit)?;
        }
        loop {
            let room = self.bytes.get_mut(self.filled..).unwrap_or_default();
            match self.source.read(room) {
                Ok(0) => {
                    self.at_end = true;
                    return Ok(false);
                }
                Ok(count) => {
                    self.filled += count.min(room.len());
                    return Ok(true);
                }
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(source) => {
                    let offset = self.base + self.filled as u64;
                    return Err(DumpError::Read { file: self.file.clone(), offset, source });
                }
            }
        }
    }

    fn make_room(&mut self, what: &'static str, limit: usize) -> Result<(), DumpError> {
        let pending = self.filled - self.start;
        if pending >= limit {
            return Err(DumpError::TooLong { file: self.file.clone(), offset: self.offset(), what, limit });
        }
        if self.start > 0 {
            self.bytes.copy_within(self.start..self.filled, 0);
            self.base += self.start as u64;
            self.start = 0;
            self.filled = pending;
        }
        if pending * 2 >= self.bytes.len() {
            let size = (self.bytes.len() * 2).max(self.limits.buffer.max(1)).min(limit.max(1));
            self.bytes.resize(size.max(pending + 1), 0);
        }
        Ok(())
    }

    pub(crate) fn truncated(&self, inside: &'static str) -> DumpError {
        DumpError::Truncated { file: self.file.clone(), offset: self.base + self.filled as u64, inside }
    }

    /// What is wrong with the byte `at` so many behind the next piece's beginning.
    pub(crate) fn syntax(&self, at: usize, what: &str) -> DumpError {
        let shown = self.rest().get(at..).unwrap_or_default();
        self.wrong(self.offset() + at as u64, format!("{what}, not `{}`", head::beginning(shown)))
    }

    pub(crate) fn wrong(&self, offset: u64, what: String) -> DumpError {
        DumpError::Syntax { file: self.file.clone(), offset, what }
    }
}
