//! The engine's progress in the run's row.

use backtrail_reconstruct::{Observer, Progress, Report};
use backtrail_worker::Lease;
use serde_json::json;

/// What is left in the row of a run that is through: all is done.
pub(crate) fn of_the_whole(report: &Report) -> serde_json::Value {
    json!({
        "tables_done": report.tables.len(),
        "tables_total": report.tables.len(),
        "rows": report.rows_written,
        "bytes_done": report.bytes_written,
        "bytes_expected": report.bytes_written,
        "events": report.events.seen,
    })
}

/// Passes progress on to the lease, and the lease's end on to the engine.
pub(crate) struct RunObserver(pub(crate) Lease);

impl Observer for RunObserver {
    fn progress(&self, progress: &Progress) {
        self.0.progress(json!({
            "tables_done": progress.tables_done,
            "tables_total": progress.tables_total,
            "rows": progress.rows,
            "bytes_done": progress.bytes_done,
            "bytes_expected": progress.bytes_expected,
            "events": progress.events,
        }));
    }

    fn cancelled(&self) -> bool {
        self.0.stopped().is_cancelled()
    }
}
