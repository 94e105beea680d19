//! Whether a contradiction in the data comes of a stored file that is not what was stored.
//!
//! Checksums are known at a file's end, and its rows are used before: bytes that changed, and still decompress, show as a
//! history that does not fit. Then, and only then, the files that it may come of are read once more for their checksums.

use std::collections::BTreeSet;
use std::io::{self, Read};

use backtrail_domain::TableName;
use sha2::{Digest, Sha256};

use crate::EngineError;
use crate::error::DamagedInput;
use crate::input::baseline::{Catalog, TableFiles};
use crate::input::ledger::{AccountedBaseline, hexadecimal};
use crate::io::Promised;
use crate::plan::{Plan, TableAction};
use crate::request::Inputs;

const BUFFER: usize = 256 << 10;

/// What an error that may come of damage is about.
enum Suspect<'a> {
    Table(&'a TableName),
    File(&'a str),
    Baseline,
    Log,
}

/// The error that is to be told: the damage behind this one, where there is some. `pieces`: those of the log that were read;
/// `plan`: once there is one.
pub(crate) fn explained(
    error: EngineError,
    inputs: &Inputs<'_>,
    pieces: &BTreeSet<String>,
    plan: Option<&Plan>,
) -> EngineError {
    match behind(&error, inputs, pieces, plan) {
        Some((input, reason)) => EngineError::Damaged { input, reason, shown: Box::new(error) },
        None => error,
    }
}

fn behind(
    error: &EngineError,
    inputs: &Inputs<'_>,
    read: &BTreeSet<String>,
    plan: Option<&Plan>,
) -> Option<(DamagedInput, String)> {
    let suspect = suspect(error)?;
    let in_baseline = files(&suspect, inputs, plan).into_iter().find_map(|name| {
        let found = difference(&inputs.baseline.promised(&name)?, || inputs.baseline.open(&name), inputs)?;
        Some((DamagedInput::Baseline(name), found))
    });
    let in_log = || {
        if matches!(suspect, Suspect::File(_)) {
            return None;
        }
        let pieces = inputs.log.pieces().unwrap_or_default();
        pieces.into_iter().filter(|piece| read.contains(&piece.name)).find_map(|piece| {
            let found = difference(&inputs.log.promised(&piece)?, || inputs.log.open(&piece), inputs)?;
            Some((DamagedInput::Log(piece.name), found))
        })
    };
    in_baseline.or_else(in_log)
}

/// None for an error of another kind: of what was asked for, or of the world.
fn suspect(error: &EngineError) -> Option<Suspect<'_>> {
    match error {
        _ if error.retryable() => None,
        EngineError::HistoryDoesNotFit { table, .. }
        | EngineError::RowsLookAlike { table, .. }
        | EngineError::Accounting { table, .. }
        | EngineError::BaselineRows { table, .. }
        | EngineError::BaselineData { table, .. }
        | EngineError::Value { table, .. } => Some(Suspect::Table(table)),
        EngineError::InputAccounting { file, .. } => Some(Suspect::File(file)),
        EngineError::StalePlan { .. } => Some(Suspect::Baseline),
        EngineError::Log { .. }
        | EngineError::LogPiece { .. }
        | EngineError::LogEvent { .. }
        | EngineError::EventAccounting { .. } => Some(Suspect::Log),
        EngineError::Cancelled
        | EngineError::BaselineRead { .. }
        | EngineError::BaselineIncomplete { .. }
        | EngineError::NoCoordinates
        | EngineError::Metadata { .. }
        | EngineError::FileName { .. }
        | EngineError::UnknownTables { .. }
        | EngineError::LogRead { .. }
        | EngineError::LogDoesNotReachBaseline { .. }
        | EngineError::LogGap { .. }
        | EngineError::TargetBeforeBaseline { .. }
        | EngineError::TargetNotCovered { .. }
        | EngineError::TargetInsideTransaction { .. }
        | EngineError::TargetImpossible { .. }
        | EngineError::Refused { .. }
        | EngineError::Damaged { .. }
        | EngineError::Result { .. }
        | EngineError::Spill { .. } => None,
    }
}

/// The baseline's files that the error may come of, the likeliest alone where it is known.
fn files(suspect: &Suspect<'_>, inputs: &Inputs<'_>, plan: Option<&Plan>) -> Vec<String> {
    let all = || inputs.baseline.files().unwrap_or_default().into_iter().map(|file| file.name).collect();
    let table = match suspect {
        Suspect::Log => return Vec::new(),
        Suspect::File(name) => return vec![(*name).to_owned()],
        Suspect::Baseline => return all(),
        Suspect::Table(table) => *table,
    };
    // The table's name in the result is not that in the baseline where it was renamed, and what cascades did to it comes of
    // its parents' rows too.
    let origin = match plan.and_then(|plan| plan.tables.get(table)) {
        Some(TableAction::Merge { origin, cascaded: None, .. }) => origin.as_ref(),
        Some(TableAction::Copy { .. }) => Some(table),
        Some(TableAction::Merge { .. } | TableAction::Refused(_)) | None => return all(),
    };
    let baseline = AccountedBaseline::new(inputs.baseline);
    let Ok(catalog) = Catalog::read(&baseline) else { return all() };
    let names = |files: &TableFiles| {
        let files = files.schema.iter().chain(&files.data).chain(files.beside.values());
        files.map(|file| file.name.clone()).collect()
    };
    origin.and_then(|origin| catalog.tables.get(origin)).map(names).unwrap_or_default()
}

/// How a file's bytes differ from what was stored, read to their end. That they cannot be read now says nothing.
fn difference<R: Read>(
    promised: &Promised,
    open: impl FnOnce() -> io::Result<R>,
    inputs: &Inputs<'_>,
) -> Option<String> {
    if inputs.observer.cancelled() {
        return None;
    }
    let mut reader = open().ok()?;
    let mut buffer = vec![0; BUFFER];
    let mut digest = Sha256::new();
    loop {
        match reader.read(&mut buffer).ok()? {
            _ if inputs.observer.cancelled() => return None,
            0 => break,
            count => digest.update(buffer.get(..count)?),
        }
    }
    let found = hexadecimal(&digest.finalize());
    (found != promised.sha256).then(|| format!("its SHA-256 is {found} where {} was stored", promised.sha256))
}
