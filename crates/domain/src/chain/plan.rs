//! Choosing the baseline and the segments for a target, or saying why there are none.

use serde::Serialize;
use time::{Duration, OffsetDateTime};

use super::walk::{End, Step, segments_of, timeline_of, walk};
use super::{BaselineFact, ChainFacts, Hole, SegmentFact};
use crate::{BinlogPosition, CutTarget, GtidSet, Timeline};

/// What is asked for.
#[derive(Debug, Clone)]
pub struct ChainRequest<'a> {
    /// Where to stop.
    pub target: &'a CutTarget,
    /// The time by which a target is in the future.
    pub now: OffsetDateTime,
    /// Whether to go on across holes.
    pub allow_gaps: bool,
}

/// The way to the target.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ChainPlan<'a> {
    /// Where to start.
    pub baseline: &'a BaselineFact,
    /// What to read, in the log's order: from the one that holds the baseline's place, or ends there, to the one that holds the cut.
    pub segments: Vec<&'a SegmentFact>,
    /// The holes in between; empty unless they were allowed.
    pub gaps: Vec<Hole>,
}

impl ChainPlan<'_> {
    /// Stored bytes of the segments.
    pub fn bytes(&self) -> u64 {
        self.segments.iter().map(|segment| segment.size_bytes).sum()
    }

    /// Events in the segments.
    pub fn events(&self) -> u64 {
        self.segments.iter().map(|segment| segment.events).sum()
    }

    /// Rows changed in the segments.
    pub fn row_changes(&self) -> u64 {
        self.segments.iter().map(|segment| segment.row_changes).sum()
    }
}

/// Why a target cannot be reached (now).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, thiserror::Error)]
#[serde(tag = "code", rename_all = "snake_case")]
pub enum Refusal {
    /// It has not come yet.
    #[error("the target is in the future; choose an instant that has passed")]
    TargetInFuture,
    /// No baseline stands at or before it.
    #[error("no baseline stands at or before the target{}; choose a later target, or take a backup now for later ones", .oldest.map(|oldest| format!(", the oldest is from {oldest}")).unwrap_or_default())]
    NoBaseline {
        /// From when on there is one.
        #[serde(with = "time::serde::rfc3339::option")]
        oldest: Option<OffsetDateTime>,
    },
    /// The binary log is not archived that far.
    #[error("the binary log is not archived as far as the target{}; wait, and look whether the agent runs", .until.map(|until| format!(" but until {until}")).unwrap_or_default())]
    NotYetArchived {
        /// How far it is, where anything is.
        #[serde(with = "time::serde::rfc3339::option")]
        until: Option<OffsetDateTime>,
    },
    /// Parts of the binary log between the baseline and the target are missing.
    #[error("the binary log between the baseline and the target has {} gap(s), the first from {} to {} ({}); {}", .gaps.len(), first(.gaps, |hole| hole.from.to_string()), first(.gaps, |hole| hole.to.to_string()), first(.gaps, |hole| hole.cause.clone()), if *.passable { "choose another target, or allow gaps and accept a result without those changes" } else { "choose a target before it, or one after a newer backup" })]
    BinlogGap {
        /// All of them, in order.
        gaps: Vec<Hole>,
        /// Whether `allow_gaps` would help.
        passable: bool,
    },
}

fn first(gaps: &[Hole], text: impl Fn(&Hole) -> String) -> String {
    gaps.first().map(text).unwrap_or_default()
}

impl Refusal {
    /// The API's code.
    pub fn code(&self) -> &'static str {
        match self {
            Self::TargetInFuture => "target_in_future",
            Self::NoBaseline { .. } => "no_baseline",
            Self::NotYetArchived { .. } => "not_yet_archived",
            Self::BinlogGap { .. } => "binlog_gap",
        }
    }
}

/// Finds the way to a target: the newest baseline at or before it, and the segments from there on.
///
/// The newest baseline always has the shortest way, and every hole of it is a hole of the others': an older one is never
/// tried in its place.
///
/// # Errors
/// There is no way, or none yet.
pub fn plan<'a>(facts: &'a ChainFacts, request: &ChainRequest<'_>) -> Result<ChainPlan<'a>, Refusal> {
    if let CutTarget::Time(time) = request.target
        && *time > request.now
    {
        return Err(Refusal::TargetInFuture);
    }
    let baseline = choose(facts, request.target)?;
    let mut plan = ChainPlan { baseline, segments: Vec::new(), gaps: Vec::new() };
    if stands_at(baseline, request.target) {
        return Ok(plan);
    }
    let way = walk(facts, baseline);
    plan.segments.extend(way.before);
    let mut last_commit = None;
    let mut reached = false;
    for step in way.steps {
        match step {
            Step::Hole(hole) => plan.gaps.push(hole),
            Step::Segment(segment) => {
                plan.segments.push(segment);
                last_commit = segment.last_commit_at.or(last_commit);
                reached = holds(segment, request.target);
            }
        }
        if reached {
            break;
        }
    }
    let mut until = last_commit.map(just_before);
    let mut passable = true;
    match way.end {
        _ if reached => {}
        End::OtherTimeline(hole) => {
            plan.gaps.push(hole);
            passable = false;
        }
        // Only from the archive's end does what the agent has seen say anything about this way.
        End::Open { at } => {
            let covered = facts.covered.as_ref().map(|covered| covered.until);
            reached = ends_before(&at, covered, request.target);
            until = until.max(covered);
        }
        End::Ahead => until = until.max(archived_until(facts, request.target)),
    }
    let may_pass = request.allow_gaps && passable;
    if !plan.gaps.is_empty() && !may_pass {
        return Err(Refusal::BinlogGap { gaps: plan.gaps, passable });
    }
    if !reached {
        return Err(Refusal::NotYetArchived { until });
    }
    Ok(plan)
}

/// Up to a segment's last commit everything is known only *before* that instant: the next transaction may have
/// committed at the very same one.
pub(super) fn just_before(time: OffsetDateTime) -> OffsetDateTime {
    time - Duration::MICROSECOND
}

/// How far anything is archived, where the way has not even begun.
fn archived_until(facts: &ChainFacts, target: &CutTarget) -> Option<OffsetDateTime> {
    let latest = facts.segments.iter().filter_map(|segment| segment.last_commit_at).max().map(just_before);
    latest.filter(|latest| !matches!(target, CutTarget::Time(time) if latest >= time))
}

/// Whether the cut cannot lie behind this segment.
fn holds(segment: &SegmentFact, target: &CutTarget) -> bool {
    match target {
        CutTarget::Time(time) => segment.last_commit_at.is_some_and(|last| last > *time),
        CutTarget::Gtid(set) => segment.gtid_after.as_ref().is_some_and(|after| after.is_superset(set)),
        CutTarget::Position(position) => segment.to() >= *position || segment.continues_at() == *position,
    }
}

/// Whether the cut lies at the archive's end or before it, although no segment says so.
fn ends_before(at: &BinlogPosition, covered: Option<OffsetDateTime>, target: &CutTarget) -> bool {
    match target {
        CutTarget::Time(time) => covered.is_some_and(|until| until >= *time),
        CutTarget::Gtid(_) => false,
        CutTarget::Position(position) => at >= position,
    }
}

/// Whether the baseline is the result. Not for times: a later transaction may have committed at the same instant.
fn stands_at(baseline: &BaselineFact, target: &CutTarget) -> bool {
    match target {
        CutTarget::Time(_) => false,
        CutTarget::Gtid(set) => baseline.gtid_set.as_ref() == Some(set),
        CutTarget::Position(position) => baseline.coordinates == *position,
    }
}

/// The newest baseline at or before the target.
fn choose<'a>(facts: &'a ChainFacts, target: &CutTarget) -> Result<&'a BaselineFact, Refusal> {
    let oldest = facts.baselines.iter().map(|baseline| baseline.consistent_at).min();
    let none = Refusal::NoBaseline { oldest };
    match target {
        CutTarget::Time(time) => newest(facts, |baseline| baseline.consistent_at <= *time).ok_or(none),
        CutTarget::Gtid(set) => newest(facts, |baseline| is_before(facts, baseline, set)).ok_or(none),
        CutTarget::Position(position) => {
            let timeline = timeline_with(facts, position);
            newest(facts, |baseline| {
                baseline.coordinates.file.base() == position.file.base()
                    && baseline.coordinates <= *position
                    && timeline.as_ref().is_none_or(|timeline| timeline_of(facts, baseline).as_ref() == Some(timeline))
            })
            .ok_or(none)
        }
    }
}

fn newest(facts: &ChainFacts, usable: impl Fn(&BaselineFact) -> bool) -> Option<&BaselineFact> {
    facts
        .baselines
        .iter()
        .filter(|baseline| usable(baseline))
        .max_by(|a, b| (a.consistent_at, &a.coordinates, a.id).cmp(&(b.consistent_at, &b.coordinates, b.id)))
}

/// Whether the place right after a set of transactions is the baseline's or a later one.
fn is_before(facts: &ChainFacts, baseline: &BaselineFact, target: &GtidSet) -> bool {
    match &baseline.gtid_set {
        Some(set) => set == target || !set.is_superset(target),
        // Without a set of its own: it must stand before the segment in which the target completes.
        None => timeline_of(facts, baseline).is_some_and(|timeline| {
            segments_of(facts, &timeline)
                .into_iter()
                .find(|segment| segment.gtid_after.as_ref().is_some_and(|after| after.is_superset(target)))
                .is_some_and(|segment| baseline.coordinates <= segment.from())
        }),
    }
}

/// The timeline in which a place is known: the latest, if it comes in several.
fn timeline_with(facts: &ChainFacts, position: &BinlogPosition) -> Option<Timeline> {
    let holds = |segment: &&SegmentFact| {
        (segment.from() <= *position && *position <= segment.to()) || segment.continues_at() == *position
    };
    let known = facts.segments.iter().filter(holds).max_by_key(|segment| segment.sealed_at);
    known.map(|segment| segment.timeline.clone()).or_else(|| facts.covered.as_ref().map(|c| c.timeline.clone()))
}
