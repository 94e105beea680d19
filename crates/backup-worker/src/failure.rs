//! What the run's row says about a failure.

use backtrail_objects::ObjectError;
use backtrail_source::SourceError;
use backtrail_worker::WorkError;

/// Names an error of the source server.
pub(crate) fn of_source(error: SourceError) -> WorkError {
    WorkError::of("source", error.retryable(), &error)
}

/// Names an error of the object store.
pub(crate) fn of_objects(error: ObjectError) -> WorkError {
    WorkError::of("object_store", error.retryable(), &error)
}

/// Names an error of the local disk.
pub(crate) fn of_disk(what: &str, error: &std::io::Error) -> WorkError {
    let message = format!("{what}: {error}");
    WorkError::Failed { code: "local_disk", message, retryable: true, tool_log: None }
}
