//! The way from a baseline through the archive: segments and the holes between them.

use serde::{Deserialize, Serialize};
use time::{Duration, OffsetDateTime};

use super::{BaselineFact, ChainFacts, GapFact, SegmentFact};
use crate::{BinlogPosition, GtidSet, Timeline};

/// How far the clocks of source and agent may be apart, and how long an event may take into a sealed segment.
const SLACK: Duration = Duration::minutes(5);

/// A stretch of log that a recovery would have to do without.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hole {
    /// What is archived ends here (or the baseline stands here).
    pub from: BinlogPosition,
    /// And goes on here.
    pub to: BinlogPosition,
    /// Time of the last known commit before it.
    #[serde(with = "time::serde::rfc3339::option")]
    pub from_time: Option<OffsetDateTime>,
    /// Time of the first known commit after it.
    #[serde(with = "time::serde::rfc3339::option")]
    pub to_time: Option<OffsetDateTime>,
    /// Why.
    pub cause: String,
}

/// One step of the way.
pub(super) enum Step<'a> {
    Segment(&'a SegmentFact),
    Hole(Hole),
}

/// What is behind the last step.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum End {
    /// The archive's end, where the agent goes on: what it says to have covered holds here.
    Open { at: BinlogPosition },
    /// The baseline lies behind all that is archived.
    Ahead,
    /// The log went on under another timeline: nothing leads there from here.
    OtherTimeline(Hole),
}

pub(super) struct Walk<'a> {
    /// The segment that ends where the baseline stands. Nothing in it comes behind the baseline, but by it the place is known.
    pub(super) before: Option<&'a SegmentFact>,
    pub(super) steps: Vec<Step<'a>>,
    pub(super) end: End,
}

/// Walks from the baseline to the end of its timeline.
pub(super) fn walk<'a>(facts: &'a ChainFacts, baseline: &BaselineFact) -> Walk<'a> {
    let Some(timeline) = timeline_of(facts, baseline) else {
        return Walk { before: None, steps: Vec::new(), end: End::Ahead };
    };
    let segments = segments_of(facts, &timeline);
    let at = &baseline.coordinates;
    let gap_to = |place: &BinlogPosition| facts.gaps.iter().any(|gap| gap.to_timeline == timeline && gap.to == *place);

    // The first segment that holds anything behind the baseline's place, and whether the place itself is known.
    let first = segments.partition_point(|segment| segment.to() <= *at);
    let before = first.checked_sub(1).and_then(|index| segments.get(index));
    let joins_before = before.is_some_and(|segment| segment.to() == *at || segment.continues_at() == *at) || gap_to(at);
    let rest = segments.get(first..).unwrap_or_default();
    let before = before.copied().filter(|segment| segment.to() == *at);
    let at_first = before.map_or_else(|| at.clone(), SegmentFact::continues_at);
    let mut walker =
        Walker { gaps: &facts.gaps, timeline: &timeline, before, steps: Vec::new(), at: at_first, time: None };
    match rest.first() {
        Some(segment) if segment.from() <= *at || joins_before => {
            if !may_follow(segment, baseline) {
                // Never to be crossed: these are changes from before the backup.
                let cause = "the archived log of that name is not the one that the backup was taken in";
                let hole = walker.hole_to(segment, cause);
                return Walk { before, steps: walker.steps, end: End::OtherTimeline(hole) };
            }
        }
        None if !joins_before => {
            // A gap that is recorded behind the last segment may hold the place.
            let inside = |gap: &&GapFact| gap.from_timeline == timeline && gap.from <= *at && *at < gap.to;
            match facts.gaps.iter().find(inside) {
                Some(gap) if gap.to_timeline == timeline => walker.cross(gap),
                Some(gap) => {
                    let hole = walker.hole_of(gap);
                    return Walk { before, steps: walker.steps, end: End::OtherTimeline(hole) };
                }
                None => {
                    let end = walker.left_behind(facts).unwrap_or(End::Ahead);
                    return Walk { before, steps: walker.steps, end };
                }
            }
        }
        Some(_) | None => {}
    }
    for (index, segment) in rest.iter().enumerate() {
        let holds_start = index == 0 && segment.from() <= walker.at;
        if !holds_start && segment.from() != walker.at {
            let hole = walker.hole_to(segment, "not archived");
            walker.steps.push(Step::Hole(hole));
        }
        walker.take(segment);
    }
    walker.finish(facts)
}

struct Walker<'a, 'b> {
    gaps: &'b [GapFact],
    timeline: &'b Timeline,
    before: Option<&'a SegmentFact>,
    steps: Vec<Step<'a>>,
    /// Where the log goes on.
    at: BinlogPosition,
    /// The last known commit.
    time: Option<OffsetDateTime>,
}

impl<'a> Walker<'a, '_> {
    /// A hole up to the segment, with the recorded cause where there is one.
    fn hole_to(&self, segment: &SegmentFact, cause: &str) -> Hole {
        let to = segment.from();
        let recorded = self.gaps.iter().find(|gap| gap.to_timeline == *self.timeline && gap.to == to);
        Hole {
            from: self.at.clone(),
            to,
            from_time: self.time.or(recorded.and_then(|gap| gap.from_time)),
            to_time: segment.first_commit_at.or(recorded.and_then(|gap| gap.to_time)),
            cause: recorded.map_or(cause, |gap| &gap.cause).to_owned(),
        }
    }

    fn hole_of(&self, gap: &GapFact) -> Hole {
        Hole {
            from: self.at.clone(),
            to: gap.to.clone(),
            from_time: self.time.or(gap.from_time),
            to_time: gap.to_time,
            cause: gap.cause.clone(),
        }
    }

    fn cross(&mut self, gap: &GapFact) {
        let hole = self.hole_of(gap);
        self.at = gap.to.clone();
        self.steps.push(Step::Hole(hole));
    }

    fn take(&mut self, segment: &'a SegmentFact) {
        self.at = segment.continues_at();
        self.time = segment.last_commit_at.or(self.time);
        self.steps.push(Step::Segment(segment));
    }

    /// Behind the last segment: a gap may be recorded that no segment follows yet.
    fn finish(mut self, facts: &ChainFacts) -> Walk<'a> {
        match self.gaps.iter().find(|gap| gap.from_timeline == *self.timeline && gap.from == self.at) {
            Some(gap) if gap.to_timeline == *self.timeline => self.cross(gap),
            Some(gap) => {
                let hole = self.hole_of(gap);
                return Walk { before: self.before, steps: self.steps, end: End::OtherTimeline(hole) };
            }
            None => {}
        }
        let end = self.left_behind(facts);
        Walk { before: self.before, steps: self.steps, end: end.unwrap_or(End::Open { at: self.at }) }
    }

    /// Whether the agent reads another timeline although no gap says so: then what it has covered says nothing here.
    fn left_behind(&self, facts: &ChainFacts) -> Option<End> {
        let reads = facts.covered.as_ref().map(|covered| &covered.timeline).filter(|reads| *reads != self.timeline)?;
        let first = facts.segments.iter().filter(|segment| segment.timeline == *reads).min_by_key(|s| s.from());
        let Some(first) = first else { return Some(End::Ahead) };
        Some(End::OtherTimeline(Hole {
            from: self.at.clone(),
            to: first.from(),
            from_time: self.time,
            to_time: first.first_commit_at,
            cause: format!("the source's log went on as {reads}"),
        }))
    }
}

/// The timeline that the baseline's coordinates belong to. Where the worker could not tell, the archive does: by the
/// youngest file of that name that is older than the baseline; else by the segment that can hold the place; else by the
/// log that was being archived then.
pub(super) fn timeline_of(facts: &ChainFacts, baseline: &BaselineFact) -> Option<Timeline> {
    if let Some(timeline) = &baseline.timeline {
        return Some(timeline.clone());
    }
    let same_file = |segment: &&SegmentFact| segment.file == baseline.coordinates.file;
    let file = facts
        .segments
        .iter()
        .filter(same_file)
        .filter(|segment| segment.file_created_at.is_some() && !is_younger(segment, baseline))
        .max_by_key(|segment| (segment.file_created_at, segment.sealed_at));
    let holder = || facts.segments.iter().filter(|segment| can_hold(segment, baseline)).max_by_key(|s| s.sealed_at);
    let since = |segment: &&SegmentFact| segment.sealed_at >= baseline.started_at;
    let next = || facts.segments.iter().filter(since).min_by_key(|segment| segment.sealed_at);
    let idle = || facts.covered.as_ref().map(|covered| covered.timeline.clone());
    file.or_else(holder).or_else(next).map(|segment| segment.timeline.clone()).or_else(idle)
}

/// Whether the segment's file was made after the baseline.
fn is_younger(segment: &SegmentFact, baseline: &BaselineFact) -> bool {
    segment.file_created_at.is_some_and(|created| created > baseline.consistent_at)
}

/// Whether the baseline's place can be one in, or at the edge of, this segment.
fn can_hold(segment: &SegmentFact, baseline: &BaselineFact) -> bool {
    let place = &baseline.coordinates;
    let inside = segment.from() <= *place && *place < segment.to();
    let at_end = segment.to() == *place || segment.continues_at() == *place;
    // Its first commit comes before the snapshot: with the rare exceptions, the log that was archived then is taken.
    let later = segment.first_commit_at.is_some_and(|first| first > baseline.consistent_at + SLACK);
    let younger = is_younger(segment, baseline);
    (inside && !later && may_follow(segment, baseline))
        || (at_end && !later && !younger && !contradicts(segment.gtid_after.as_ref(), baseline))
}

pub(super) fn segments_of<'a>(facts: &'a ChainFacts, timeline: &Timeline) -> Vec<&'a SegmentFact> {
    let mut segments: Vec<_> = facts.segments.iter().filter(|segment| segment.timeline == *timeline).collect();
    segments.sort_by_key(|segment| segment.from());
    segments
}

/// Whether a segment can hold events from behind the baseline: after `RESET MASTER` a file name and offset come again,
/// and mean another place.
fn may_follow(segment: &SegmentFact, baseline: &BaselineFact) -> bool {
    // What was archived before the backup began holds nothing that came after it.
    let archived_before = segment.sealed_at < baseline.started_at - SLACK;
    // Nor, as a rule, does what holds old commits only. (An agent that catches up may put them together with later
    // events, but it does so long after the backup.)
    let old = segment.last_commit_at.is_some_and(|last| last < baseline.started_at - SLACK)
        && segment.sealed_at < baseline.consistent_at + SLACK;
    // Of a segment that begins at or before the baseline, it holds what was there then.
    let begins_before = segment.from() <= baseline.coordinates;
    let foreign =
        begins_before && (is_younger(segment, baseline) || contradicts(segment.gtid_before.as_ref(), baseline));
    !archived_before && !old && !foreign
}

/// Whether what had committed at a place before the baseline's is missing in the baseline.
fn contradicts(before: Option<&GtidSet>, baseline: &BaselineFact) -> bool {
    match (before, &baseline.gtid_set) {
        // A MariaDB position names only each domain's last transaction: it proves nothing here.
        (Some(before @ GtidSet::Mysql(_)), Some(set @ GtidSet::Mysql(_))) => !set.is_superset(before),
        _ => false,
    }
}
