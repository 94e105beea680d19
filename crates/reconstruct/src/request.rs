//! What is asked for, and from what.

use backtrail_domain::{CutTarget, TableFilter};
use time::OffsetDateTime;

use crate::io::{Baseline, BinaryLog, Observer, Spill};

pub use backtrail_dump::names::Compression;

/// What the engine reads from and reports to.
#[derive(Clone, Copy)]
pub struct Inputs<'a> {
    /// The dump to start from.
    pub baseline: &'a dyn Baseline,
    /// The binary log of the same server.
    pub log: &'a dyn BinaryLog,
    /// Room for what does not fit in memory.
    pub spill: &'a dyn Spill,
    /// Who watches.
    pub observer: &'a dyn Observer,
}

impl std::fmt::Debug for Inputs<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Inputs").finish_non_exhaustive()
    }
}

/// What is wanted.
#[derive(Debug, Clone)]
pub struct Request {
    /// Where to stop.
    pub target: CutTarget,
    /// Which tables. A table that is named and not in the baseline is an error.
    pub tables: TableFilter,
    /// Cross gaps in the log instead of refusing: the result then lacks what was lost there, and the plan and the report
    /// say so.
    pub allow_gaps: bool,
    /// What to do about tables that cannot be rebuilt.
    pub refusals: RefusalPolicy,
    /// Up to where the log is known to be complete, for a target time later than the log's last event: the archive's
    /// heartbeat. `None` when nobody knows.
    pub covered_until: Option<OffsetDateTime>,
    /// The log ends where it ends because nothing followed; a target time later than its last event means its end. For an
    /// operator who hands in a directory of files; a warning names the last event's time.
    pub assume_complete_log: bool,
    /// An upper bound for the instant of the baseline's snapshot, where it is known: with it, a target time that comes
    /// before the first transaction of the log can be told from one that comes before the baseline.
    pub baseline_instant: Option<OffsetDateTime>,
    /// Bytes that change sets may take in memory, all tables together.
    pub memory_budget: u64,
    /// Threads that merge.
    pub threads: usize,
    /// How the result's files are compressed.
    pub compression: Compression,
}

impl Request {
    /// A request with the usual settings: tables that were asked for by name must not be refused, no gap is crossed, 256 MiB,
    /// one thread, uncompressed.
    pub fn new(target: CutTarget, tables: TableFilter) -> Self {
        Self {
            target,
            tables,
            allow_gaps: false,
            refusals: RefusalPolicy::FailIfNamed,
            covered_until: None,
            assume_complete_log: false,
            baseline_instant: None,
            memory_budget: 256 << 20,
            threads: 1,
            compression: Compression::None,
        }
    }
}

/// What to do when some of the wanted tables cannot be rebuilt.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum RefusalPolicy {
    /// Of all tables, rebuild the others: plan, report and warnings name those left out. Fail like [`RefusalPolicy::Fail`] if
    /// tables were asked for by name, or if none is left.
    #[default]
    FailIfNamed,
    /// Fail before any row is written, naming them all.
    Fail,
    /// Rebuild the others, also of tables that were asked for by name.
    Skip,
}

impl Request {
    /// Whether tables that cannot be rebuilt end the whole, `left` others being there.
    pub(crate) fn fails_with_refusals(&self, left: usize) -> bool {
        match self.refusals {
            RefusalPolicy::FailIfNamed => left == 0 || self.tables != TableFilter::All,
            RefusalPolicy::Fail => true,
            RefusalPolicy::Skip => false,
        }
    }
}
