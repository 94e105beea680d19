//! A result in a directory.

use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::path::PathBuf;

use backtrail_reconstruct::{ResultFile, ResultSink};

use super::file_error;
use crate::ObjectError;

/// What a file is called until it is whole.
const UNFINISHED: &str = ".unfinished";

/// Writes a result into a directory. A file appears under its name when it is whole and on the disk.
pub struct DirectorySink {
    directory: PathBuf,
}

impl DirectorySink {
    /// Makes the directory, which must be new or empty: a result is never mixed with something else.
    ///
    /// # Errors
    /// A directory that cannot be made or has something in it.
    pub fn create(directory: impl Into<PathBuf>) -> Result<Self, ObjectError> {
        let directory = directory.into();
        std::fs::create_dir_all(&directory).map_err(file_error(&directory))?;
        let mut entries = std::fs::read_dir(&directory).map_err(file_error(&directory))?;
        if entries.next().is_some() {
            let source = io::Error::new(io::ErrorKind::DirectoryNotEmpty, "it is not empty; name a new directory");
            return Err(ObjectError::File { path: directory, source });
        }
        Ok(Self { directory })
    }
}

impl ResultSink for DirectorySink {
    fn create(&self, name: &str) -> io::Result<Box<dyn ResultFile>> {
        crate::key::check_key(name)?;
        if name.contains('/') {
            let reason = "a file of a result lies in no directory of its own";
            return Err(ObjectError::Key { key: name.to_owned(), reason }.into());
        }
        let path = self.directory.join(name);
        let unfinished = self.directory.join(format!("{name}{UNFINISHED}"));
        if path.exists() {
            return Err(ObjectError::AlreadyExists { object: path.display().to_string() }.into());
        }
        let file =
            OpenOptions::new().write(true).create_new(true).open(&unfinished).map_err(file_error(&unfinished))?;
        Ok(Box::new(DirectoryFile { file, path, unfinished, finished: false }))
    }
}

struct DirectoryFile {
    file: File,
    path: PathBuf,
    unfinished: PathBuf,
    finished: bool,
}

impl Write for DirectoryFile {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.file.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

impl ResultFile for DirectoryFile {
    fn finish(mut self: Box<Self>) -> io::Result<()> {
        self.file.sync_all().map_err(file_error(&self.unfinished))?;
        std::fs::rename(&self.unfinished, &self.path).map_err(file_error(&self.path))?;
        self.finished = true;
        Ok(())
    }
}

impl Drop for DirectoryFile {
    fn drop(&mut self) {
        if !self.finished {
            let _ = std::fs::remove_file(&self.unfinished);
        }
    }
}
