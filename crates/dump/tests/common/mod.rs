//! Dumps to test with, read whole.

#![expect(clippy::disallowed_methods, reason = "tests read their files")]

use std::path::Path;

/// The files of a directory: name and bytes.
pub(crate) fn files(directory: &Path) -> Vec<(String, Vec<u8>)> {
    let mut files: Vec<_> = std::fs::read_dir(directory)
        .unwrap_or_else(|error| panic!("{}: {error}", directory.display()))
        .map(|entry| {
            let path = entry.unwrap().path();
            (path.file_name().unwrap().to_string_lossy().into_owned(), std::fs::read(path).unwrap())
        })
        .collect();
    files.sort();
    files
}

/// A dump that is part of the tests: `classic` or `sections`.
pub(crate) fn own(dialect: &str) -> Vec<(String, Vec<u8>)> {
    files(&Path::new("tests/data").join(dialect))
}
