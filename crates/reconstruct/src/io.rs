//! How the engine reaches the world: through these traits and nothing else.
//!
//! All are called from several threads at once.

use std::io::{self, Read, Write};

use backtrail_domain::BinlogFile;

/// A file of a dump.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FileInfo {
    /// Its name as stored (`shop.t.00000.sql.zst`), without a directory.
    pub name: String,
    /// Its size as stored, in bytes.
    pub size: u64,
}

/// What a manifest, or an archive's index, says of a file that was stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Promised {
    /// Its size as stored, in bytes.
    pub size: u64,
    /// SHA-256 of its bytes as stored, in hexadecimal.
    pub sha256: String,
    /// Rows in it, for data files whose rows were counted when it was stored.
    pub rows: Option<u64>,
}

/// What a server's `lower_case_table_names` makes of names of schemas and tables.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NameCase {
    /// 0: names that differ in nothing but case are two.
    Distinct,
    /// 1: names are kept in small letters, whatever a statement says.
    Lowered,
    /// 2: names are kept as they were made, and compared in small letters.
    Compared,
}

impl NameCase {
    /// By the variable's value; None for one that it does not have.
    pub fn of_variable(value: u8) -> Option<Self> {
        match value {
            0 => Some(Self::Distinct),
            1 => Some(Self::Lowered),
            2 => Some(Self::Compared),
            _ => None,
        }
    }
}

/// A mydumper directory, wherever it lies.
pub trait Baseline: Sync {
    /// The files, in any order.
    ///
    /// # Errors
    /// A directory that cannot be listed. An empty list is an empty directory, never a missing one.
    fn files(&self) -> io::Result<Vec<FileInfo>>;

    /// Opens a file of [`Baseline::files`], as stored: the engine decompresses.
    ///
    /// # Errors
    /// A file that cannot be opened; a missing one is [`io::ErrorKind::NotFound`].
    fn open(&self, name: &str) -> io::Result<Box<dyn Read + Send>>;

    /// What a file must be, where that is known. The engine compares while it reads, and a difference fails the run.
    fn promised(&self, name: &str) -> Option<Promised> {
        let _ = name;
        None
    }

    /// How the server that was dumped tells names apart, where a manifest says.
    fn name_case(&self) -> Option<NameCase> {
        None
    }
}

/// One piece of a server's binary log: a file of the server, or a segment of one.
///
/// A segment begins with the magic and the file's format description, then come the events that were at `start..end` in
/// the file, unchanged.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogPiece {
    /// Where it is stored, for [`BinaryLog::open`] and for messages.
    pub name: String,
    /// The server's file.
    pub file: BinlogFile,
    /// Offset in the server's file of its first event (behind the format description, for a segment); 4 for whole files.
    pub start: u64,
    /// Offset in the server's file of the end of its last event; `None`: to the end of the file.
    pub end: Option<u64>,
}

/// The pieces of one server's binary log.
pub trait BinaryLog: Sync {
    /// All pieces, in any order, overlapping or not: the engine sorts them and proves that nothing is missing.
    ///
    /// # Errors
    /// A place that cannot be listed.
    fn pieces(&self) -> io::Result<Vec<LogPiece>>;

    /// Opens a piece, as stored: plain, zstd or gzip, told by its first bytes; the engine decompresses.
    ///
    /// # Errors
    /// A piece that cannot be opened.
    fn open(&self, piece: &LogPiece) -> io::Result<Box<dyn Read + Send>>;

    /// What a piece must be, where that is known. The engine compares the pieces that it reads to their end.
    fn promised(&self, piece: &LogPiece) -> Option<Promised> {
        let _ = piece;
        None
    }
}

/// Where the result goes.
pub trait ResultSink: Sync {
    /// Begins a file. Names are never used twice.
    ///
    /// # Errors
    /// A file that cannot be made.
    fn create(&self, name: &str) -> io::Result<Box<dyn ResultFile>>;
}

/// A file of the result. It exists once `finish` has returned; one that is dropped before must leave nothing behind.
pub trait ResultFile: Write + Send {
    /// Ends the file.
    ///
    /// # Errors
    /// A file that could not be stored whole.
    fn finish(self: Box<Self>) -> io::Result<()>;
}

/// Room for sorted runs of change sets past their memory budget.
pub trait Spill: Sync {
    /// A new, empty file, which goes away when it is dropped.
    ///
    /// # Errors
    /// No room.
    fn create(&self) -> io::Result<Box<dyn SpillFile>>;
}

/// A temporary file: written once, from front to back, then read at any offset.
pub trait SpillFile: Send + Sync {
    /// Adds bytes at the end. The engine writes large blocks; no buffer is needed.
    ///
    /// # Errors
    /// No room, or a broken disk.
    fn append(&mut self, bytes: &[u8]) -> io::Result<()>;

    /// Fills `buffer` from the bytes at `offset`.
    ///
    /// # Errors
    /// Fewer bytes than wanted ([`io::ErrorKind::UnexpectedEof`]), or a broken disk.
    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> io::Result<()>;
}

/// Who watches a run.
pub trait Observer: Sync {
    /// Called now and then, at most every few hundred thousand bytes of work, from any thread. It should return at once.
    fn progress(&self, progress: &Progress);

    /// Whether to stop: asked as often as `progress` is called. The engine then returns
    /// [`EngineError::Cancelled`](crate::EngineError::Cancelled).
    fn cancelled(&self) -> bool;
}

/// An observer that sees nothing and cancels nothing.
#[derive(Debug, Clone, Copy, Default)]
pub struct NoObserver;

impl Observer for NoObserver {
    fn progress(&self, _progress: &Progress) {}

    fn cancelled(&self) -> bool {
        false
    }
}

/// How far a run has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Progress {
    /// What is being done.
    pub phase: Phase,
    /// Tables merged so far.
    pub tables_done: u64,
    /// Tables to merge.
    pub tables_total: u64,
    /// Rows read from the baseline so far (those of tables that are copied unread are not counted).
    pub rows: u64,
    /// Bytes done: of the log (as written by the server) while reading it, of the baseline (as stored) while merging.
    pub bytes_done: u64,
    /// Bytes expected, where they are known.
    pub bytes_expected: u64,
    /// Log events seen so far.
    pub events: u64,
}

/// What the engine is doing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Phase {
    /// Reading the baseline's metadata and schema files and the log's boundaries.
    #[default]
    Planning,
    /// Reading the log's row events into change sets.
    Collecting,
    /// Merging the change sets into the baseline.
    Merging,
}
