#![doc = include_str!("../README.md")]

mod error;
pub mod io;
mod plan;
mod report;
mod request;

pub use error::EngineError;
pub use io::{
    Baseline, BinaryLog, FileInfo, LogPiece, NoObserver, Observer, Phase, Progress, ResultFile, ResultSink, Spill,
    SpillFile,
};
pub use plan::{Coordinates, Cut, EventCounts, Gap, Plan, PlannedKey, PlannedPiece, Refusal, TableAction};
pub use report::{FileReport, Report, TableReport};
pub use request::{Compression, Inputs, RefusalPolicy, Request};

/// Gathers facts and decides: finds the cut, proves that the log is whole up to it, and says of every wanted table what
/// is to be done or why it cannot be. Under [`RefusalPolicy::Fail`] a plan with refusals is returned all the same;
/// [`reconstruct`] then fails with them.
///
/// # Errors
/// See [`EngineError`].
pub fn plan(inputs: &Inputs<'_>, request: &Request) -> Result<Plan, EngineError> {
    let _ = (inputs, request);
    Err(EngineError::NoCoordinates)
}

/// Carries a plan out: writes a mydumper directory of the tables as they stood at the cut.
///
/// # Errors
/// See [`EngineError`]. What was written by then is not a result: the `metadata` file comes last.
pub fn reconstruct(
    inputs: &Inputs<'_>,
    plan: &Plan,
    request: &Request,
    sink: &dyn ResultSink,
) -> Result<Report, EngineError> {
    let _ = (inputs, plan, request, sink);
    Err(EngineError::NoCoordinates)
}
