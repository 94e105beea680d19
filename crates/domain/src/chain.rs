//! From which baseline, over which segments, a target can be reached: the recovery chain.
//!
//! The gateway (to refuse at once), the plan endpoint (to show) and the worker (to do) ask the same function with the
//! same facts.

mod facts;
mod plan;
mod walk;
mod windows;

#[cfg(test)]
mod tests;

pub use facts::{BaselineFact, ChainFacts, Covered, GapFact, SegmentFact};
pub use plan::{ChainPlan, ChainRequest, Refusal, plan};
pub use walk::Hole;
pub use windows::{Window, recoverable_windows};
