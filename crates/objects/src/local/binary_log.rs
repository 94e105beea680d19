//! A binary log in a directory.

use std::fs::File;
use std::io::{self, Read};
use std::path::PathBuf;

use backtrail_reconstruct::{BinaryLog, LogPiece};

use super::{DEEPEST, file_error, files_below};
use crate::ObjectError;
use crate::pieces::pieces_of;

/// A server's binary log in a directory: its own files (`binlog.000001`, plain, `.zst` or `.gz`), or our segments, as their
/// keys nest them or all in one directory.
pub struct DirectoryBinaryLog {
    directory: PathBuf,
    pieces: Vec<LogPiece>,
}

impl DirectoryBinaryLog {
    /// Lists a directory, and the directories in it.
    ///
    /// # Errors
    /// A directory that cannot be read, or that holds logs of several timelines.
    pub fn open(directory: impl Into<PathBuf>) -> Result<Self, ObjectError> {
        let directory = directory.into();
        let names = files_below(&directory, DEEPEST)?.into_iter().map(|(name, _)| name);
        // A relative path like `.` has no name of its own.
        let root = std::fs::canonicalize(&directory).map_err(file_error(&directory))?;
        let pieces = pieces_of(&root.display().to_string(), names)?;
        Ok(Self { directory, pieces })
    }
}

impl BinaryLog for DirectoryBinaryLog {
    fn pieces(&self) -> io::Result<Vec<LogPiece>> {
        Ok(self.pieces.clone())
    }

    fn open(&self, piece: &LogPiece) -> io::Result<Box<dyn Read + Send>> {
        let path = self.directory.join(&piece.name);
        if !self.pieces.iter().any(|known| known.name == piece.name) {
            return Err(ObjectError::NotFound { object: path.display().to_string() }.into());
        }
        Ok(Box::new(File::open(&path).map_err(file_error(&path))?))
    }
}
