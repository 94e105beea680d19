//! What can be wrong with a dump's data file.

use std::io;

/// A data file that could not be read.
#[derive(Debug, thiserror::Error)]
pub enum DumpError {
    /// The bytes did not come (or did not decompress).
    #[error("cannot read {file} at byte {offset}")]
    Read {
        /// The file.
        file: String,
        /// Bytes (decompressed) read so far.
        offset: u64,
        /// Why.
        source: io::Error,
    },
    /// The file ends inside a statement.
    #[error("{file} is cut short: it ends at byte {offset} inside {inside}; take a complete backup as the baseline")]
    Truncated {
        /// The file.
        file: String,
        /// Its length (decompressed).
        offset: u64,
        /// What is not finished.
        inside: &'static str,
    },
    /// A row or statement beyond the limit.
    #[error("{file}: the {what} at byte {offset} is longer than {limit} bytes; raise the row limit")]
    TooLong {
        /// The file.
        file: String,
        /// Where it begins.
        offset: u64,
        /// Row or statement.
        what: &'static str,
        /// The limit.
        limit: usize,
    },
    /// Something that no mydumper writes.
    #[error("{file} is not understood at byte {offset}: {what}")]
    Syntax {
        /// The file.
        file: String,
        /// Where.
        offset: u64,
        /// What is wrong.
        what: String,
    },
}

impl DumpError {
    /// The file that the error is about.
    pub fn file(&self) -> &str {
        match self {
            Self::Read { file, .. }
            | Self::Truncated { file, .. }
            | Self::TooLong { file, .. }
            | Self::Syntax { file, .. } => file,
        }
    }

    /// The offset in the (decompressed) file.
    pub fn offset(&self) -> u64 {
        match self {
            Self::Read { offset, .. }
            | Self::Truncated { offset, .. }
            | Self::TooLong { offset, .. }
            | Self::Syntax { offset, .. } => *offset,
        }
    }
}
