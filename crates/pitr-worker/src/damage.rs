//! Whether a contradiction in the data comes of a stored object that is not what was stored.
//!
//! Checksums are known at an object's end, and its rows are used before: bytes that changed, and still decompress, show as a
//! history that does not fit. Then, and only then, the objects are read once more for their checksums.

use std::io::{self, Read};

use backtrail_domain::TableName;
use backtrail_objects::blocking::S3Baseline;
use backtrail_reconstruct::{Baseline, BinaryLog, EngineError};

use crate::recovery::Recovery;

const BUFFER: usize = 256 << 10;

/// The damage behind an error that may come of one: of the table's files in the baseline, or of the log.
pub(crate) fn behind(error: &EngineError, recovery: &Recovery, stopped: &dyn Fn() -> bool) -> Option<io::Error> {
    let table = match error {
        EngineError::HistoryDoesNotFit { table, .. }
        | EngineError::Accounting { table, .. }
        | EngineError::BaselineRows { table, .. }
        | EngineError::BaselineData { table, .. }
        | EngineError::Value { table, .. } => table,
        _ => return None,
    };
    let baseline = &recovery.baseline;
    let files = files_of(baseline, table).into_iter().map(|name| baseline.open(&name));
    let pieces = recovery.log.pieces().unwrap_or_default().into_iter().map(|piece| recovery.log.open(&piece));
    files.chain(pieces).take_while(|_| !stopped()).find_map(|opened| read_through(opened, stopped))
}

/// The table's files; where it has none under that name (it was renamed), those of all tables.
fn files_of(baseline: &S3Baseline, table: &TableName) -> Vec<String> {
    let listed = baseline.manifest().map(|manifest| manifest.files.as_slice()).unwrap_or_default();
    let name = table.to_string();
    let own: Vec<String> =
        listed.iter().filter(|file| file.table.as_ref() == Some(&name)).map(|file| file.name.clone()).collect();
    if own.is_empty() { listed.iter().map(|file| file.name.clone()).collect() } else { own }
}

/// The damage that shows when it is read to its end. That it cannot be read now says nothing.
fn read_through(opened: io::Result<Box<dyn Read + Send>>, stopped: &dyn Fn() -> bool) -> Option<io::Error> {
    let mut buffer = vec![0; BUFFER];
    let outcome = opened.and_then(|mut reader| {
        while !stopped() && reader.read(&mut buffer)? > 0 {}
        Ok(())
    });
    outcome.err().filter(|error| error.kind() == io::ErrorKind::InvalidData)
}
