//! What may be deleted.
//!
//! A backup is kept for its days. A baseline is kept longer where an instant that is still within its days can be reached
//! only from it: until a newer kept baseline stands at or before the begin of those days. Binary log is kept from the
//! oldest kept baseline on. So deleting what the plan names never takes away an instant that was promised, and the
//! newest good baseline always stays.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;
use time::{Duration, OffsetDateTime};

use crate::{BackupId, BaselineFact, BinlogPosition, SegmentFact, SegmentId, Timeline};

/// Segments younger than this are never deleted: whatever is being made may need them.
const YOUNG: Duration = Duration::days(1);

/// A completed backup that has not expired.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BackupFact {
    /// The backup.
    pub id: BackupId,
    /// When it was complete.
    pub completed_at: OffsetDateTime,
    /// Days it is to be kept.
    pub retention_days: u16,
    /// What it is as a baseline; `None` for one that no PITR can start from.
    pub baseline: Option<BaselineFact>,
    /// A running PITR starts from it.
    pub in_use: bool,
}

/// What retention knows of one server.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RetentionFacts {
    /// In any order.
    pub backups: Vec<BackupFact>,
    /// In any order.
    pub segments: Vec<SegmentFact>,
}

/// What may go, and why the rest stays.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct RetentionPlan {
    /// Backups whose days are over and that nothing needs, oldest first.
    pub backups: Vec<BackupId>,
    /// Segments that no kept baseline needs, in the log's order.
    pub segments: Vec<SegmentId>,
    /// Stored bytes of those segments.
    pub segment_bytes: u64,
    /// Backups that stay, newest first.
    pub kept: Vec<Kept>,
}

/// A backup that stays.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Kept {
    /// The backup.
    pub id: BackupId,
    /// Why it stays.
    pub because: Because,
}

/// Why a backup stays.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Because {
    /// Its days are not over.
    WithinItsDays,
    /// It is the newest that anything can be recovered from.
    Newest,
    /// Instants within its days can be reached from no other.
    NeededForItsDays,
    /// A running PITR starts from it.
    InUse,
}

/// Decides what may be deleted of one server's backups and binary log.
pub fn plan(facts: &RetentionFacts, now: OffsetDateTime) -> RetentionPlan {
    let mut plan = RetentionPlan::default();
    let mut backups: Vec<&BackupFact> = facts.backups.iter().collect();
    backups.sort_by_key(|backup| std::cmp::Reverse((instant(backup), backup.id)));
    // Newest first, so that whether a newer one stays is known.
    let mut baselines: Vec<&BaselineFact> = Vec::new();
    for backup in backups {
        let days_begin = now - Duration::days(i64::from(backup.retention_days));
        let replaced = baselines.iter().any(|kept| kept.consistent_at <= days_begin);
        let because = if backup.in_use {
            Some(Because::InUse)
        } else if backup.completed_at >= days_begin {
            Some(Because::WithinItsDays)
        } else if plan.kept.is_empty() || (baselines.is_empty() && backup.baseline.is_some()) {
            Some(Because::Newest)
        } else if backup.baseline.is_some() && !replaced {
            Some(Because::NeededForItsDays)
        } else {
            None
        };
        match because {
            Some(because) => {
                plan.kept.push(Kept { id: backup.id, because });
                baselines.extend(&backup.baseline);
            }
            None => plan.backups.push(backup.id),
        }
    }
    plan.backups.reverse();
    delete_segments(&facts.segments, &baselines, now, &mut plan);
    plan
}

/// The instant from which on a backup is of use.
fn instant(backup: &BackupFact) -> OffsetDateTime {
    backup.baseline.as_ref().map_or(backup.completed_at, |baseline| baseline.consistent_at)
}

fn delete_segments(segments: &[SegmentFact], kept: &[&BaselineFact], now: OffsetDateTime, plan: &mut RetentionPlan) {
    // Without a baseline nobody knows where the first one will stand.
    let Some(newest) = kept.iter().map(|baseline| baseline.started_at).max() else { return };
    // A baseline of which the timeline is unknown may stand in any of them.
    let unknown = kept.iter().filter(|baseline| baseline.timeline.is_none()).map(|b| b.started_at).min();
    let mut needed_from: BTreeMap<&Timeline, &BinlogPosition> = BTreeMap::new();
    for baseline in kept {
        if let Some(timeline) = &baseline.timeline {
            let from = needed_from.entry(timeline).or_insert(&baseline.coordinates);
            *from = (*from).min(&baseline.coordinates);
        }
    }
    let deletable = |segment: &&SegmentFact| {
        let old = segment.sealed_at < now - YOUNG
            && segment.sealed_at < newest - YOUNG
            && unknown.is_none_or(|since| segment.sealed_at < since - YOUNG);
        let passed = needed_from.get(&segment.timeline).is_none_or(|from| segment.to() <= **from);
        // By the segment that it stands in, or at the end of, a baseline is known to stand in the log: on an idle source
        // that segment can be as old as you like.
        let holds = kept.iter().any(|baseline| {
            let place = &baseline.coordinates;
            (segment.from() <= *place && *place <= segment.to()) || segment.continues_at() == *place
        });
        old && passed && !holds
    };
    let mut deleted: Vec<&SegmentFact> = segments.iter().filter(deletable).collect();
    deleted.sort_by_key(|segment| (segment.timeline.clone(), segment.from()));
    let mut seen = BTreeSet::new();
    for segment in deleted {
        if seen.insert(segment.id) {
            plan.segments.push(segment.id);
            plan.segment_bytes += segment.size_bytes;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::CutTarget;
    use crate::chain::{self, ChainFacts, ChainRequest};
    use proptest::prelude::*;
    use time::macros::datetime;
    use uuid::Uuid;

    const NOW: OffsetDateTime = datetime!(2026-06-01 00:00 UTC);

    fn ago(days: f64) -> OffsetDateTime {
        NOW - Duration::seconds_f64(days * 86_400.0)
    }

    fn timeline() -> Timeline {
        Timeline { identity: "mariadb-7".to_owned(), number: 1 }
    }

    /// The days on which the source was idle: nothing was written to its log.
    #[derive(Clone, Default)]
    struct Idle(BTreeSet<u64>);

    impl Idle {
        fn on(&self, day: u64) -> bool {
            self.0.contains(&day)
        }

        /// Where the log ended then. One file for each day that was not idle; the log of day `n` is file `1000 - n`.
        fn place(&self, days_ago: f64) -> BinlogPosition {
            let mut day = days_ago.floor() as u64;
            let mut offset = 4 + ((1.0 - (days_ago - days_ago.floor())) * 1000.0) as u64;
            while self.on(day) {
                day += 1;
                offset = 1100;
            }
            BinlogPosition { file: self.file(day), offset }
        }

        /// Numbered by the days that were not idle.
        fn file(&self, day: u64) -> crate::BinlogFile {
            let busy = (0..day).filter(|day| !self.on(*day)).count();
            format!("log.{:06}", 1000 - busy).parse().unwrap()
        }

        fn segments(&self) -> Vec<SegmentFact> {
            (0..60).filter(|day| !self.on(*day)).map(|day| self.segment(day)).collect()
        }

        fn segment(&self, day: u64) -> SegmentFact {
            // The log rotates when something is written again, not before.
            let rotates = (day > 0 && !self.on(day - 1)).then(|| self.file(day - 1));
            SegmentFact {
                id: SegmentId(Uuid::from_u128(u128::from(day))),
                timeline: timeline(),
                rotated_to: rotates.or_else(|| {
                    let next = (0..day).rev().find(|day| !self.on(*day))?;
                    Some(self.file(next))
                }),
                file: self.file(day),
                start: 4,
                end: 1100,
                first_commit_at: Some(ago(day as f64 + 1.0)),
                last_commit_at: Some(ago(day as f64)),
                gtid_before: None,
                gtid_after: None,
                file_created_at: None,
                sealed_at: ago(day as f64),
                size_bytes: 10,
                events: 1,
                row_changes: 1,
            }
        }
    }

    fn backup(id: u128, days_ago: f64, retention_days: u16) -> BackupFact {
        backup_at(id, days_ago, retention_days, Idle::default().place(days_ago))
    }

    fn backup_at(id: u128, days_ago: f64, retention_days: u16, coordinates: BinlogPosition) -> BackupFact {
        let baseline = BaselineFact {
            id: BackupId(Uuid::from_u128(id)),
            timeline: Some(timeline()),
            coordinates,
            gtid_set: None,
            started_at: ago(days_ago),
            consistent_at: ago(days_ago),
        };
        BackupFact {
            id: baseline.id,
            completed_at: ago(days_ago),
            retention_days,
            baseline: Some(baseline),
            in_use: false,
        }
    }

    #[track_caller]
    fn check(backups: Vec<BackupFact>, gone: &[u128], kept: &[(u128, Because)], segments_gone: std::ops::Range<u64>) {
        let facts = RetentionFacts { backups, segments: Idle::default().segments() };
        let plan = plan(&facts, NOW);
        assert_eq!(plan.backups.iter().map(|id| id.0.as_u128()).collect::<Vec<_>>(), gone);
        let got: Vec<_> = plan.kept.iter().map(|kept| (kept.id.0.as_u128(), kept.because)).collect();
        assert_eq!(got, kept);
        let mut segments: Vec<_> = plan.segments.iter().map(|id| id.0.as_u128() as u64).collect();
        segments.sort_unstable();
        assert_eq!(segments, segments_gone.collect::<Vec<_>>());
    }

    #[test]
    fn the_newest_stays_however_old() {
        check(vec![backup(1, 50.5, 7)], &[], &[(1, Because::Newest)], 52..60);
        check(vec![], &[], &[], 0..0);
        let failed_as_baseline = BackupFact { baseline: None, ..backup(2, 40.5, 7) };
        check(vec![backup(1, 50.5, 7), failed_as_baseline], &[], &[(2, Because::Newest), (1, Because::Newest)], 52..60);
    }

    #[test]
    fn a_baseline_stays_while_its_days_need_it() {
        // Weekly backups kept for 7 days: the one of 10 days ago carries the points of 7 to 3 days ago.
        check(
            vec![backup(1, 17.5, 7), backup(2, 10.5, 7), backup(3, 3.5, 7)],
            &[1],
            &[(3, Because::WithinItsDays), (2, Because::NeededForItsDays)],
            11..60,
        );
        let in_use = BackupFact { in_use: true, ..backup(1, 17.5, 7) };
        check(
            vec![in_use, backup(2, 10.5, 7), backup(3, 3.5, 7)],
            &[],
            &[(3, Because::WithinItsDays), (2, Because::NeededForItsDays), (1, Because::InUse)],
            18..60,
        );
    }

    #[test]
    fn binlog_goes_only_with_a_baseline_behind_it() {
        let facts = RetentionFacts { backups: vec![], segments: Idle::default().segments() };
        assert_eq!(plan(&facts, NOW).segments, []);
        let unknown = |mut backup: BackupFact| {
            backup.baseline.as_mut().unwrap().timeline = None;
            backup
        };
        let facts = RetentionFacts { backups: vec![unknown(backup(1, 3.5, 7))], ..facts };
        assert!(plan(&facts, NOW).segments.iter().all(|id| id.0.as_u128() > 3));
    }

    /// A source that has been idle for weeks: the segment at whose end every backup stands must stay.
    #[test]
    fn an_idle_source_keeps_what_its_baselines_stand_in() {
        for known in [true, false] {
            let idle = Idle((0..40).collect());
            let mut backups: Vec<_> = (0u8..10)
                .map(|day| backup_at(day.into(), f64::from(day) + 0.5, 3, idle.place(f64::from(day))))
                .collect();
            if !known {
                backups.iter_mut().for_each(|backup| backup.baseline.as_mut().unwrap().timeline = None);
            }
            let facts = RetentionFacts { backups, segments: idle.segments() };
            let plan = plan(&facts, NOW);
            assert!(!plan.segments.contains(&SegmentId(Uuid::from_u128(40))), "{plan:?}");
            assert!(plan.segments.contains(&SegmentId(Uuid::from_u128(41))), "{plan:?}");
        }
    }

    proptest! {
        #[test]
        fn expiry_never_breaks_a_promised_point(
            backups in prop::collection::vec((0.0f64..59.0, 1u16..40, prop::bool::weighted(0.2), any::<bool>()), 0..8),
            missing in prop::collection::vec(0u64..60, 0..4),
            idle in prop::collection::vec((0u64..60, 1u64..20), 0..4),
            points in prop::collection::vec(0.0f64..59.0, 20),
        ) {
            let idle = Idle(idle.into_iter().flat_map(|(from, days)| from..(from + days).min(60)).collect());
            let backups: Vec<_> = backups
                .into_iter()
                .enumerate()
                .map(|(id, (age, days, in_use, known))| {
                    let mut backup = backup_at(id as u128, age, days, idle.place(age));
                    backup.baseline.as_mut().unwrap().timeline = known.then(timeline);
                    BackupFact { in_use, ..backup }
                })
                .collect();
            let mut segments = idle.segments();
            let newest = segments.first().map(|segment| segment.id);
            segments.retain(|segment| !missing.contains(&(segment.id.0.as_u128() as u64)));
            // An agent that has seen everything has archived the newest segment.
            let covered = (segments.first().map(|segment| segment.id) == newest)
                .then(|| crate::Covered { timeline: timeline(), until: NOW });
            let facts = RetentionFacts { backups, segments };
            let plan = plan(&facts, NOW);
            let kept: Vec<_> = facts.backups.iter().filter(|backup| !plan.backups.contains(&backup.id)).collect();
            let left: Vec<_> =
                facts.segments.iter().filter(|segment| !plan.segments.contains(&segment.id)).cloned().collect();
            prop_assert!(facts.backups.is_empty() || !kept.is_empty());
            prop_assert!(facts.backups.iter().all(|backup| !backup.in_use || kept.iter().any(|k| k.id == backup.id)));
            let reaches = |backups: Vec<&BackupFact>, segments: &[SegmentFact], point: OffsetDateTime| {
                let facts = ChainFacts {
                    baselines: backups.into_iter().filter_map(|backup| backup.baseline.clone()).collect(),
                    segments: segments.to_vec(),
                    covered: covered.clone(),
                    ..ChainFacts::default()
                };
                let request = ChainRequest { target: &CutTarget::Time(point), now: NOW, allow_gaps: false };
                chain::plan(&facts, &request).is_ok()
            };
            for age in points {
                let point = ago(age);
                let promised = facts.backups.iter().any(|backup| {
                    age <= f64::from(backup.retention_days) && reaches(vec![backup], &facts.segments, point)
                });
                prop_assert!(!promised || reaches(kept.clone(), &left, point), "{age} days ago is lost: {plan:?}");
            }
        }
    }
}
