//! The sweeps, one a file.

mod housekeeping;
mod objects;
mod retention;
mod runs;
mod schedules;

pub(crate) use housekeeping::housekeeping;
pub(crate) use objects::objects;
pub(crate) use retention::retention;
pub(crate) use runs::runs;
pub(crate) use schedules::schedules;

/// How much one call takes at once; a sweep calls until less comes.
const BATCH: u16 = 50;
