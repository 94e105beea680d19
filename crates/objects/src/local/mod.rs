//! The engine's inputs and outputs in directories of this machine. No async runtime is needed.

mod baseline;
mod binary_log;
mod sink;
mod spill;

pub use baseline::DirectoryBaseline;
pub use binary_log::DirectoryBinaryLog;
pub use sink::DirectorySink;
pub use spill::TempSpill;

use std::io;
use std::path::{Path, PathBuf};

use crate::ObjectError;

/// Deeper than any key.
const DEEPEST: usize = 16;

fn file_error(path: &Path) -> impl FnOnce(io::Error) -> ObjectError {
    let path = path.to_owned();
    move |source| ObjectError::File { path, source }
}

/// Paths (with `/`) and sizes of the files below a directory, symbolic links followed, `depth` levels deep.
fn files_below(root: &Path, depth: usize) -> Result<Vec<(String, u64)>, ObjectError> {
    let mut found = Vec::new();
    let mut open = vec![(PathBuf::new(), depth.min(DEEPEST))];
    while let Some((below, depth)) = open.pop() {
        let directory = root.join(&below);
        for entry in std::fs::read_dir(&directory).map_err(file_error(&directory))? {
            let entry = entry.map_err(file_error(&directory))?;
            let (path, below) = (entry.path(), below.join(entry.file_name()));
            let metadata = std::fs::metadata(&path).map_err(file_error(&path))?;
            if metadata.is_dir() {
                if depth > 1 {
                    open.push((below, depth - 1));
                }
            } else if metadata.is_file()
                && let Some(name) = below.to_str()
            {
                found.push((name.to_owned(), metadata.len()));
            }
        }
    }
    found.sort();
    Ok(found)
}
