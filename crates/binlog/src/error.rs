//! What can be wrong with a binary log.

use std::borrow::Cow;
use std::fmt;

use backtrail_domain::BinlogFile;

use crate::EventType;

/// Where in a log something is wrong: `binlog.000001:1234`, or less when an event came without a place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// The file, when the events come from one.
    pub file: Option<BinlogFile>,
    /// Offset of the event's first byte in the file, when known.
    pub offset: Option<u64>,
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (&self.file, self.offset) {
            (Some(file), Some(offset)) => write!(f, "{file}:{offset}"),
            (Some(file), None) => write!(f, "{file}"),
            (None, Some(offset)) => write!(f, "offset {offset}"),
            (None, None) => f.write_str("the binlog stream"),
        }
    }
}

/// A log that cannot be read on.
#[derive(Debug, thiserror::Error)]
pub enum BinlogError {
    /// The byte source failed.
    #[error("{place}: cannot read the binary log")]
    Read {
        /// Where the next byte was wanted.
        place: Place,
        /// What the source said.
        source: std::io::Error,
    },
    /// The file does not start as a binary log does.
    #[error("{place}: not a binary log: it starts with {found:02x?} instead of fe 62 69 6e")]
    NotBinlog {
        /// The file.
        place: Place,
        /// Its first bytes, at most four.
        found: Vec<u8>,
    },
    /// MySQL's encrypted file (magic `fd 62 69 6e`) or MariaDB's START_ENCRYPTION event.
    #[error(
        "{place}: the binary log is encrypted; have the server send it (the replica protocol delivers plain events)"
    )]
    Encrypted {
        /// Where it begins to be.
        place: Place,
    },
    /// A log from before MySQL 5.0.
    #[error("{place}: binary log version {version} is not supported, only version 4 (MySQL 5.0 and later) is")]
    OldVersion {
        /// The file.
        place: Place,
        /// The version that the format description states; 1 or 3 for a start event.
        version: u16,
    },
    /// An event came before any format description.
    #[error("{place}: {event} stands before the format description that says how to read it")]
    NoFormat {
        /// The event.
        place: Place,
        /// Its type.
        event: EventType,
    },
    /// A checksum algorithm of the future.
    #[error("{place}: checksum algorithm {algorithm} is not known")]
    UnknownChecksum {
        /// The format description event.
        place: Place,
        /// Its number.
        algorithm: u8,
    },
    /// An event's bytes are not those that the server wrote.
    #[error("{place}: checksum mismatch in {event}: stored {stored:08x}, computed {computed:08x}")]
    Checksum {
        /// The event.
        place: Place,
        /// Its type.
        event: EventType,
        /// As the event ends.
        stored: u32,
        /// Over its bytes.
        computed: u32,
    },
    /// The file ends within an event. A server that crashed leaves such a tail (`in_use` is then set) and so does a
    /// file that is still being written; else the file was cut.
    #[error(
        "{place}: the file ends within an event: {got} of {wanted} bytes{}",
        if *.in_use { "; the server had not closed this file: it crashed, or writes still" } else { "" }
    )]
    Truncated {
        /// Where the incomplete event begins: the end of what can be used.
        place: Place,
        /// Bytes of it that are there.
        got: u64,
        /// Its size; that of a header where not even that is complete.
        wanted: u64,
        /// Whether the format description still says that the server has the file open.
        in_use: bool,
    },
    /// An event of an impossible or refused size.
    #[error("{place}: {event} claims {size} bytes; between {least} and {most} are possible")]
    EventSize {
        /// The event.
        place: Place,
        /// Its type.
        event: EventType,
        /// The size in its header.
        size: u32,
        /// A header's length.
        least: u32,
        /// The reader's limit.
        most: u32,
    },
    /// An event's content is not as its type has it.
    #[error("{place}: {event} cannot be understood")]
    Corrupt {
        /// The event.
        place: Place,
        /// Its type.
        event: EventType,
        /// What is wrong in it.
        source: Malformed,
    },
    /// The events do not make up transactions.
    #[error("{place}: {event} {problem}")]
    Sequence {
        /// The event.
        place: Place,
        /// Its type.
        event: EventType,
        /// What is wrong with its coming here.
        problem: &'static str,
    },
}

impl BinlogError {
    /// Whether this is the tail of a file that the server never closed: everything before [`BinlogError::place`] is good.
    pub fn is_unfinished_tail(&self) -> bool {
        matches!(self, Self::Truncated { in_use: true, .. })
    }

    /// Whether the same bytes, read again later, may do better: the source failed, or the file is still being written.
    pub fn retryable(&self) -> bool {
        match self {
            Self::Read { .. } => true,
            Self::Truncated { in_use, .. } => *in_use,
            Self::NotBinlog { .. }
            | Self::Encrypted { .. }
            | Self::OldVersion { .. }
            | Self::NoFormat { .. }
            | Self::UnknownChecksum { .. }
            | Self::Checksum { .. }
            | Self::EventSize { .. }
            | Self::Corrupt { .. }
            | Self::Sequence { .. } => false,
        }
    }

    /// Where it is wrong.
    pub fn place(&self) -> &Place {
        match self {
            Self::Read { place, .. }
            | Self::NotBinlog { place, .. }
            | Self::Encrypted { place }
            | Self::OldVersion { place, .. }
            | Self::NoFormat { place, .. }
            | Self::UnknownChecksum { place, .. }
            | Self::Checksum { place, .. }
            | Self::Truncated { place, .. }
            | Self::EventSize { place, .. }
            | Self::Corrupt { place, .. }
            | Self::Sequence { place, .. } => place,
        }
    }
}

/// Bytes that are not what their format says, without a place: [`crate::Event::corrupt`] adds it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Malformed {
    /// Fewer bytes than the format needs.
    #[error("{what} needs {wanted} bytes where {left} are left")]
    Short {
        /// The field that was read.
        what: &'static str,
        /// Its length.
        wanted: u64,
        /// What is left.
        left: u64,
    },
    /// A value that the format does not have.
    #[error("{what}: {problem}")]
    Invalid {
        /// The field.
        what: &'static str,
        /// What is wrong with it.
        problem: Cow<'static, str>,
    },
    /// Something that exists, but that this program does not read.
    #[error("{what} is not supported")]
    Unsupported {
        /// What it is.
        what: Cow<'static, str>,
    },
}

impl Malformed {
    pub(crate) fn invalid(what: &'static str, problem: impl Into<Cow<'static, str>>) -> Self {
        Self::Invalid { what, problem: problem.into() }
    }

    pub(crate) fn unsupported(what: impl Into<Cow<'static, str>>) -> Self {
        Self::Unsupported { what: what.into() }
    }
}
