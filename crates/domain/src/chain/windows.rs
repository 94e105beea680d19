//! What can be recovered at all.

use serde::{Deserialize, Serialize};
use time::{Duration, OffsetDateTime};

use super::plan::just_before;
use super::walk::{End, Step, walk};
use super::{BaselineFact, ChainFacts};

/// A stretch of time: each instant of it, its ends included, can be recovered to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Window {
    /// Its first instant.
    #[serde(with = "time::serde::rfc3339")]
    pub from: OffsetDateTime,
    /// Its last.
    #[serde(with = "time::serde::rfc3339")]
    pub until: OffsetDateTime,
}

/// The windows that baselines and binary log together give, without gaps, oldest first. Exactly the times that
/// [`plan`](super::plan()) accepts without `allow_gaps`, to the microsecond.
pub fn recoverable_windows(facts: &ChainFacts) -> Vec<Window> {
    let mut baselines: Vec<&BaselineFact> = facts.baselines.iter().collect();
    baselines.sort_by(|a, b| (a.consistent_at, &a.coordinates, a.id).cmp(&(b.consistent_at, &b.coordinates, b.id)));
    let mut windows: Vec<Window> = Vec::new();
    for (index, baseline) in baselines.iter().enumerate() {
        // From the next baseline on, planning starts from that one.
        let next = baselines.get(index + 1).map(|next| just_before(next.consistent_at));
        let Some(reach) = reach(facts, baseline) else { continue };
        let until = next.map_or(reach, |next| next.min(reach));
        if until < baseline.consistent_at {
            continue;
        }
        match windows.last_mut() {
            Some(last) if baseline.consistent_at <= last.until + Duration::MICROSECOND => last.until = until,
            _ => windows.push(Window { from: baseline.consistent_at, until }),
        }
    }
    windows
}

/// The last instant that can be reached from the baseline without a hole.
fn reach(facts: &ChainFacts, baseline: &BaselineFact) -> Option<OffsetDateTime> {
    let way = walk(facts, baseline);
    let mut latest: Option<OffsetDateTime> = None;
    for step in way.steps {
        match step {
            Step::Hole(_) => return latest.map(just_before),
            Step::Segment(segment) => latest = latest.max(segment.last_commit_at),
        }
    }
    let covered = facts.covered.as_ref().map(|covered| covered.until).filter(|_| matches!(way.end, End::Open { .. }));
    latest.map(just_before).max(covered)
}
