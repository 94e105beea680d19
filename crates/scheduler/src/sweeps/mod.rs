//! The sweeps, one a file.

mod housekeeping;
mod objects;
mod retention;
mod runs;
mod schedules;
mod strays;

pub(crate) use housekeeping::housekeeping;
pub(crate) use objects::objects;
pub(crate) use retention::retention;
pub(crate) use runs::runs;
pub(crate) use schedules::schedules;
pub(crate) use strays::strays;

use backtrail_service::telemetry;

/// How much one call takes at once; a sweep calls until less comes.
const BATCH: u16 = 50;

/// Tells of one thing that a sweep could not do; the sweep goes on with the others, and the next one tries again.
fn failed(sweep: &'static str, what: &str, error: &(dyn std::error::Error + 'static)) {
    metrics::counter!("backtrail_sweep_failures_total", "sweep" => sweep).increment(1);
    tracing::warn!(sweep, error = %telemetry::chain(error), "{what}; the next sweep tries again");
}
