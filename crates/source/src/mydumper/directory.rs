//! Which files of a dump are complete while it is still being written.

use std::collections::{BTreeSet, HashSet};
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

/// A file that mydumper has written to its end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClosedFile {
    /// Its name in the dump.
    pub name: String,
    /// Where it lies.
    pub path: PathBuf,
    /// Its size in bytes.
    pub size: u64,
}

/// A dump's directory, watched. Each file is reported once.
#[derive(Debug)]
pub struct DumpDirectory {
    path: PathBuf,
    reported: HashSet<String>,
}

/// The file with the position while the dump runs, and after it.
const METADATA: [&str; 2] = ["metadata.partial", "metadata"];

impl DumpDirectory {
    /// The dump at this place, which need not exist yet.
    pub fn new(path: impl Into<PathBuf>) -> Self {
        Self { path: path.into(), reported: HashSet::new() }
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The files that have been completed since the last call, without the metadata. While the process runs, a file is
    /// complete when the process has it open no more: mydumper opens each file once. An empty one may still be removed by the
    /// tool, and is reported at the end. Without the process all files are complete.
    ///
    /// # Errors
    /// The directory cannot be read, or holds something that is no plain file with a plain name.
    pub fn completed(&mut self, process: Option<u32>) -> io::Result<Vec<ClosedFile>> {
        // Files first, then what is open: a file that appears in between is seen next time.
        let mut found = BTreeSet::new();
        let entries = match fs::read_dir(&self.path) {
            Ok(entries) => entries,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            Err(error) => return Err(error),
        };
        for entry in entries {
            let entry = entry?;
            let odd =
                |what: &str| io::Error::new(io::ErrorKind::InvalidData, format!("{what} in the dump's directory"));
            let name = entry.file_name().into_string().map_err(|_| odd("a file name that is not UTF-8"))?;
            if !entry.file_type()?.is_file() {
                return Err(odd("something that is no file"));
            }
            if !METADATA.contains(&name.as_str()) && !self.reported.contains(&name) {
                found.insert(name);
            }
        }
        let open = match process {
            Some(id) => match open_files(id) {
                Some(open) => open,
                // It has just ended, or cannot be looked into: the end of the process will tell.
                None => return Ok(Vec::new()),
            },
            None => HashSet::new(),
        };
        let directory = self.path.canonicalize()?;
        let mut closed = Vec::new();
        for name in found {
            let path = directory.join(&name);
            if open.contains(&path) {
                continue;
            }
            let size = match fs::metadata(&path) {
                Ok(metadata) => metadata.len(),
                // mydumper 1.0 removes what it has written nothing into.
                Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
                Err(error) => return Err(error),
            };
            if size == 0 && process.is_some() {
                continue;
            }
            self.reported.insert(name.clone());
            closed.push(ClosedFile { name, path, size });
        }
        Ok(closed)
    }

    /// The metadata as far as it is written; `None` before there is any.
    ///
    /// # Errors
    /// The file system's.
    pub fn metadata(&self) -> io::Result<Option<String>> {
        for name in METADATA.iter().rev() {
            match fs::read(self.path.join(name)) {
                Ok(content) => return Ok(Some(String::from_utf8_lossy(&content).into_owned())),
                Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                Err(error) => return Err(error),
            }
        }
        Ok(None)
    }

    /// Bytes that the dump takes on disk now.
    ///
    /// # Errors
    /// The file system's.
    pub fn size(&self) -> io::Result<u64> {
        let entries = match fs::read_dir(&self.path) {
            Ok(entries) => entries,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(0),
            Err(error) => return Err(error),
        };
        // A file may be deleted while we look.
        Ok(entries.flatten().filter_map(|entry| entry.metadata().ok()).map(|metadata| metadata.len()).sum())
    }
}

/// The files that a process has open; `None` when that cannot be known.
fn open_files(process: u32) -> Option<HashSet<PathBuf>> {
    let mut open = HashSet::new();
    for entry in fs::read_dir(format!("/proc/{process}/fd")).ok()? {
        // A descriptor may be closed while we look.
        if let Ok(target) = fs::read_link(entry.ok()?.path()) {
            open.insert(target);
        }
    }
    // A process has at least its standard streams; none means that it has ended.
    (!open.is_empty()).then_some(open)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn open_files_are_not_complete() {
        let directory = tempfile::tempdir().unwrap();
        let mut dump = DumpDirectory::new(directory.path());
        fs::write(directory.path().join("metadata.partial"), "Started").unwrap();
        fs::write(directory.path().join("shop.a.sql"), "x").unwrap();
        let open = fs::File::create(directory.path().join("shop.b.sql")).unwrap();
        let names = |files: Vec<ClosedFile>| files.into_iter().map(|file| file.name).collect::<Vec<_>>();
        let own = Some(std::process::id());
        assert_eq!(names(dump.completed(own).unwrap()), ["shop.a.sql"]);
        assert!(dump.completed(own).unwrap().is_empty());
        drop(open);
        assert!(dump.completed(own).unwrap().is_empty());
        fs::write(directory.path().join("shop.b.sql"), "y").unwrap();
        assert_eq!(names(dump.completed(own).unwrap()), ["shop.b.sql"]);
        assert_eq!(dump.metadata().unwrap().unwrap(), "Started");
        assert_eq!(dump.size().unwrap(), 9);
        fs::write(directory.path().join("shop.c.sql"), "").unwrap();
        assert!(dump.completed(own).unwrap().is_empty());
        assert_eq!(names(dump.completed(None).unwrap()), ["shop.c.sql"]);
        assert!(dump.completed(None).unwrap().is_empty());
    }
}
