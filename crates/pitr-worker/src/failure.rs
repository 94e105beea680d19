//! What the run's row says about a failure.

use backtrail_objects::ObjectError;
use backtrail_reconstruct::{DamagedInput, EngineError};
use backtrail_worker::WorkError;

/// What can be done about an object that is not what was stored.
const DAMAGED: &str = "put a good copy of it in its place, or choose a target that is reached without it";

/// Names an error of the engine. What lies in the data fails again at the next try; what lies in reading and writing may
/// not. `baseline` is the place of the baseline's files, of which the engine knows the names only.
pub(crate) fn of_engine(error: EngineError, baseline: &str) -> WorkError {
    let (code, retryable) = match &error {
        EngineError::Cancelled => return WorkError::Stopped,
        EngineError::Refused { .. } => ("tables_refused", false),
        EngineError::UnknownTables { .. } => ("unknown_table", false),
        EngineError::TargetBeforeBaseline { .. } => ("no_baseline", false),
        EngineError::TargetNotCovered { .. } => ("not_yet_archived", false),
        EngineError::LogGap { .. } | EngineError::LogDoesNotReachBaseline { .. } => ("binlog_gap", false),
        EngineError::TargetInsideTransaction { .. } | EngineError::TargetImpossible { .. } => ("invalid_target", false),
        _ if error.is_damage() => ("damaged_object", false),
        EngineError::BaselineRead { .. }
        | EngineError::LogRead { .. }
        | EngineError::Result { .. }
        | EngineError::Spill { .. } => ("input_or_output", error.retryable()),
        // In the middle of a file.
        _ if error.retryable() => ("input_or_output", true),
        _ => ("reconstruction_failed", false),
    };
    let of_baseline = matches!(
        error,
        EngineError::BaselineRead { .. }
            | EngineError::BaselineData { .. }
            | EngineError::Damaged { input: DamagedInput::Baseline(_), .. }
    );
    let says_what_to_do = matches!(error, EngineError::Damaged { .. });
    match WorkError::of(code, retryable, &error) {
        WorkError::Failed { code, mut message, retryable, tool_log } => {
            if of_baseline {
                message = format!("{message}; the baseline lies at {baseline}");
            }
            if code == "damaged_object" && !says_what_to_do {
                message = format!("{message}; {DAMAGED}");
            }
            WorkError::Failed { code, message, retryable, tool_log }
        }
        stopped => stopped,
    }
}

/// Names an error of the object store.
pub(crate) fn of_objects(error: ObjectError) -> WorkError {
    let code = match &error {
        ObjectError::Damaged { .. } => "damaged_object",
        _ => "object_store",
    };
    WorkError::of(code, error.retryable(), &error)
}

#[cfg(test)]
mod tests {
    use std::io;

    use super::*;

    #[test]
    fn what_does_not_mend_itself_is_final_and_names_the_object() {
        let damaged = || {
            let object = "s3://bucket/binlogs/one".to_owned();
            ObjectError::Damaged { object, reason: "its SHA-256 is 00 where 11 was stored".to_owned() }
        };
        let away = || {
            let object = "s3://bucket/binlogs/one".to_owned();
            ObjectError::Unavailable { action: "read", object, reason: "connection reset".to_owned() }
        };
        let check = |error: WorkError, wanted: (&str, bool), parts: &[&str]| match error {
            WorkError::Failed { code, message, retryable, .. } => {
                assert_eq!((code, retryable), wanted, "{message}");
                for part in parts {
                    assert!(message.contains(part), "{message}");
                }
            }
            WorkError::Stopped => panic!("stopped"),
        };
        let place = "s3://bucket/backups/two/";
        let log = |error: ObjectError| EngineError::LogRead { piece: "binlogs/one".to_owned(), source: error.into() };
        let baseline =
            |error: io::Error| EngineError::BaselineRead { file: "shop.t.00000.sql.zst".to_owned(), source: error };
        let broken = || io::Error::new(io::ErrorKind::InvalidData, "does not decompress");
        check(of_engine(log(damaged()), place), ("damaged_object", false), &["s3://bucket/binlogs/one", "good copy"]);
        check(of_engine(log(away()), place), ("input_or_output", true), &["connection reset"]);
        check(of_engine(baseline(broken()), place), ("damaged_object", false), &["shop.t.00000.sql.zst", place]);
        check(of_engine(baseline(away().into()), place), ("input_or_output", true), &["shop.t.00000.sql.zst", place]);
        let shown = Box::new(baseline(broken()));
        let input = DamagedInput::Baseline("shop.t.00001.sql".to_owned());
        let behind = EngineError::Damaged { input, reason: "its SHA-256 is 00".to_owned(), shown };
        let parts = ["shop.t.00001.sql is damaged: its SHA-256 is 00", "good copy", "showed as: cannot read", place];
        check(of_engine(behind, place), ("damaged_object", false), &parts);
        check(of_objects(damaged()), ("damaged_object", false), &["s3://bucket/binlogs/one"]);
        check(of_objects(away()), ("object_store", true), &[]);
    }
}
