//! Room for change sets past their memory budget.

use std::fs::File;
use std::io::{self, Write};
use std::os::unix::fs::FileExt;
use std::path::PathBuf;

use backtrail_reconstruct::{Spill, SpillFile};

use super::file_error;

/// Temporary files without a name: whatever becomes of the process, they are gone with it.
pub struct TempSpill {
    directory: PathBuf,
}

impl TempSpill {
    /// Files in this directory, which must exist.
    pub fn in_directory(directory: impl Into<PathBuf>) -> Self {
        Self { directory: directory.into() }
    }
}

/// In the system's directory of temporary files.
impl Default for TempSpill {
    fn default() -> Self {
        Self::in_directory(std::env::temp_dir())
    }
}

impl Spill for TempSpill {
    fn create(&self) -> io::Result<Box<dyn SpillFile>> {
        let file = tempfile::tempfile_in(&self.directory).map_err(file_error(&self.directory))?;
        Ok(Box::new(TempFile { file }))
    }
}

struct TempFile {
    file: File,
}

impl SpillFile for TempFile {
    fn append(&mut self, bytes: &[u8]) -> io::Result<()> {
        // Reading at an offset does not move the place where writing goes on.
        self.file.write_all(bytes)
    }

    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> io::Result<()> {
        self.file.read_exact_at(buffer, offset)
    }
}
