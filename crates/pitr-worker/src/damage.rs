//! Whether a contradiction in the data comes of a stored object that is not what was stored.
//!
//! Checksums are known at an object's end, and its rows are used before: bytes that changed, and still decompress, show as a
//! history that does not fit. Then, and only then, the objects are read once more for their checksums.

use std::io::{self, Read};

use backtrail_domain::TableName;
use backtrail_objects::ObjectError;
use backtrail_objects::blocking::S3Baseline;
use backtrail_reconstruct::{Baseline, BinaryLog, EngineError, Promised};
use sha2::{Digest, Sha256};

use crate::recovery::Recovery;

const BUFFER: usize = 256 << 10;

/// The damage behind an error that may come of one: of the table's files in the baseline, or of the log.
pub(crate) fn behind(error: &EngineError, recovery: &Recovery, stopped: &dyn Fn() -> bool) -> Option<ObjectError> {
    let table = match error {
        EngineError::HistoryDoesNotFit { table, .. }
        | EngineError::RowsLookAlike { table, .. }
        | EngineError::Accounting { table, .. }
        | EngineError::BaselineRows { table, .. }
        | EngineError::BaselineData { table, .. }
        | EngineError::Value { table, .. } => table,
        _ => return None,
    };
    let baseline = &recovery.baseline;
    let files = files_of(baseline, table).into_iter().map(|name| {
        let place = format!("{}{name}", recovery.baseline_place);
        (place, baseline.promised(&name), baseline.open(&name))
    });
    let pieces = recovery.log.pieces().unwrap_or_default().into_iter().map(|piece| {
        let place = format!("{}{}", recovery.objects_place, piece.name);
        (place, recovery.log.promised(&piece), recovery.log.open(&piece))
    });
    files
        .chain(pieces)
        .take_while(|_| !stopped())
        .find_map(|(place, promised, opened)| read_through(&place, &promised?, opened, stopped))
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
fn read_through(
    place: &str,
    promised: &Promised,
    opened: io::Result<Box<dyn Read + Send>>,
    stopped: &dyn Fn() -> bool,
) -> Option<ObjectError> {
    let mut reader = opened.ok()?;
    let mut buffer = vec![0; BUFFER];
    let mut digest = Sha256::new();
    loop {
        match reader.read(&mut buffer).ok()? {
            _ if stopped() => return None,
            0 => break,
            count => digest.update(buffer.get(..count)?),
        }
    }
    let found = hex::encode(digest.finalize());
    let reason = format!("its SHA-256 is {found} where {} was stored", promised.sha256);
    (found != promised.sha256).then(|| ObjectError::Damaged { object: place.to_owned(), reason })
}
