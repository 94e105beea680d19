//! What the run's row says about a failure.

use backtrail_objects::ObjectError;
use backtrail_reconstruct::EngineError;
use backtrail_worker::WorkError;

/// Names an error of the engine. What lies in the data fails again at the next try; what lies in reading and writing may
/// not.
pub(crate) fn of_engine(error: EngineError) -> WorkError {
    let (code, retryable) = match &error {
        EngineError::Cancelled => return WorkError::Stopped,
        EngineError::Refused { .. } => ("tables_refused", false),
        EngineError::UnknownTables { .. } => ("unknown_table", false),
        EngineError::TargetBeforeBaseline { .. } => ("no_baseline", false),
        EngineError::TargetNotCovered { .. } => ("not_yet_archived", false),
        EngineError::LogGap { .. } | EngineError::LogDoesNotReachBaseline { .. } => ("binlog_gap", false),
        EngineError::TargetInsideTransaction { .. } | EngineError::TargetImpossible { .. } => ("invalid_target", false),
        EngineError::BaselineRead { .. }
        | EngineError::LogRead { .. }
        | EngineError::Result { .. }
        | EngineError::Spill { .. } => ("input_or_output", error.retryable()),
        // In the middle of a file.
        _ if error.retryable() => ("input_or_output", true),
        _ => ("reconstruction_failed", false),
    };
    WorkError::of(code, retryable, &error)
}

/// Names an error of the object store.
pub(crate) fn of_objects(error: ObjectError) -> WorkError {
    WorkError::of("object_store", error.retryable(), &error)
}
