//! One server's archive as a table, and what planning makes of it.

use proptest::prelude::*;
use time::{Duration, OffsetDateTime};
use uuid::Uuid;

use super::*;
use crate::{BackupId, BinlogPosition, CutTarget, SegmentId, Timeline};

/// An instant: seconds after some midnight.
pub(crate) fn at(seconds: i64) -> OffsetDateTime {
    time::macros::datetime!(2026-04-10 00:00 UTC) + Duration::seconds(seconds)
}

pub(crate) fn place(text: &str) -> BinlogPosition {
    text.parse().unwrap()
}

pub(crate) fn timeline(number: u32) -> Timeline {
    Timeline { identity: "mariadb-7".to_owned(), number }
}

pub(crate) fn baseline(id: u128, coordinates: &str, consistent_at: i64) -> BaselineFact {
    BaselineFact {
        id: BackupId(Uuid::from_u128(id)),
        timeline: Some(timeline(1)),
        coordinates: place(coordinates),
        gtid_set: None,
        started_at: at(consistent_at - 2),
        consistent_at: at(consistent_at),
    }
}

/// A segment `file:start-end`, its commits' times, and the file it rotates to.
pub(crate) fn segment(range: &str, commits: (i64, i64), rotated_to: Option<&str>) -> SegmentFact {
    let (file, range) = range.split_once(':').unwrap();
    let (start, end) = range.split_once('-').unwrap();
    let (start, end) = (start.parse().unwrap(), end.parse().unwrap());
    let commits = (commits.0 > 0).then_some(commits);
    SegmentFact {
        id: SegmentId(Uuid::from_u128(end as u128 * 1000 + u128::from(file.as_bytes()[file.len() - 1]))),
        timeline: timeline(1),
        file: file.parse().unwrap(),
        start,
        end,
        rotated_to: rotated_to.map(|file| file.parse().unwrap()),
        first_commit_at: commits.map(|(first, _)| at(first)),
        last_commit_at: commits.map(|(_, last)| at(last)),
        gtid_before: None,
        gtid_after: None,
        file_created_at: None,
        sealed_at: at(commits.map_or(1000, |(_, last)| last + 30)),
        size_bytes: end - start,
        events: 1,
        row_changes: 1,
    }
}

fn gap(from: &str, to: &str, to_timeline: u32) -> GapFact {
    GapFact {
        from_timeline: timeline(1),
        from: place(from),
        to_timeline: timeline(to_timeline),
        to: place(to),
        from_time: None,
        to_time: None,
        cause: "purged".to_owned(),
    }
}

fn covered(seconds: i64) -> Option<Covered> {
    Some(Covered { timeline: timeline(1), until: at(seconds) })
}

/// Three segments over two files, two baselines, idle since 400.
fn world() -> ChainFacts {
    ChainFacts {
        baselines: vec![baseline(1, "log.000001:150", 110), baseline(2, "log.000002:300", 350)],
        segments: vec![
            segment("log.000002:4-500", (310, 400), None),
            segment("log.000001:200-400", (210, 300), Some("log.000002")),
            segment("log.000001:4-200", (100, 200), None),
        ],
        gaps: vec![],
        covered: covered(900),
    }
}

/// What planning answers; the same whether the baselines know their timeline or the archive has to tell.
#[track_caller]
fn check(facts: &ChainFacts, target: &str, allow_gaps: bool, expect: &str) {
    check_as_it_is(facts, target, allow_gaps, expect);
    let mut unknown = facts.clone();
    unknown.baselines.iter_mut().for_each(|baseline| baseline.timeline = None);
    check_as_it_is(&unknown, target, allow_gaps, expect);
}

#[track_caller]
fn check_as_it_is(facts: &ChainFacts, target: &str, allow_gaps: bool, expect: &str) {
    let target = match target.parse::<i64>() {
        Ok(seconds) => CutTarget::Time(at(seconds)),
        Err(_) => target.parse().map(CutTarget::Position).unwrap_or_else(|_| CutTarget::Gtid(target.parse().unwrap())),
    };
    let got = match plan(facts, &ChainRequest { target: &target, now: at(1000), allow_gaps }) {
        Ok(plan) => {
            let segments: Vec<_> =
                plan.segments.iter().map(|segment| format!("{}:{}", segment.file.number(), segment.start)).collect();
            let gaps: Vec<_> = plan.gaps.iter().map(|hole| format!(" gap {}..{}", hole.from, hole.to)).collect();
            format!("{} [{}]{}", plan.baseline.id.0.as_u128(), segments.join(" "), gaps.concat())
        }
        Err(refusal) => {
            assert!(!refusal.to_string().is_empty());
            match &refusal {
                Refusal::NotYetArchived { until } => {
                    format!("not_yet_archived {:?}", until.map(|until| (until - at(0)).as_seconds_f64()))
                }
                Refusal::BinlogGap { gaps, passable } => format!("binlog_gap {} {passable}", gaps.len()),
                other => other.code().to_owned(),
            }
        }
    };
    assert_eq!(got, expect, "{target}");
}

#[test]
fn by_time() {
    let facts = world();
    check(&facts, "1001", false, "target_in_future");
    check(&facts, "109", false, "no_baseline");
    check(&facts, "110", false, "1 [1:4]");
    check(&facts, "199", false, "1 [1:4]");
    // Another transaction may have committed in the same instant.
    check(&facts, "200", false, "1 [1:4 1:200]");
    check(&facts, "305", false, "1 [1:4 1:200 2:4]");
    check(&facts, "349", false, "1 [1:4 1:200 2:4]");
    check(&facts, "350", false, "2 [2:4]");
    check(&facts, "400", false, "2 [2:4]");
    check(&facts, "900", false, "2 [2:4]");
    check(&facts, "901", false, "not_yet_archived Some(900.0)");
    let facts = ChainFacts { covered: None, ..world() };
    check(&facts, "399", false, "2 [2:4]");
    check(&facts, "400", false, "not_yet_archived Some(399.999999)");
}

#[test]
fn by_position() {
    let facts = world();
    check(&facts, "log.000001:100", false, "no_baseline");
    check(&facts, "log.000001:150", false, "1 []");
    check(&facts, "log.000001:200", false, "1 [1:4]");
    check(&facts, "log.000001:201", false, "1 [1:4 1:200]");
    check(&facts, "log.000002:4", false, "1 [1:4 1:200]");
    check(&facts, "log.000002:299", false, "1 [1:4 1:200 2:4]");
    check(&facts, "log.000002:301", false, "2 [2:4]");
    check(&facts, "log.000002:500", false, "2 [2:4]");
    check(&facts, "log.000002:501", false, "not_yet_archived Some(900.0)");
    check(&facts, "other.000001:500", false, "no_baseline");
}

#[test]
fn by_gtid() {
    let mut facts = world();
    for (segment, set) in facts.segments.iter_mut().zip(["0-1-30", "0-1-20", "0-1-10"]) {
        segment.gtid_after = Some(set.parse().unwrap());
    }
    check(&facts, "0-1-5", false, "no_baseline");
    facts.baselines[0].gtid_set = Some("0-1-5".parse().unwrap());
    facts.baselines[1].gtid_set = Some("0-1-25".parse().unwrap());
    check(&facts, "0-1-4", false, "no_baseline");
    check(&facts, "0-1-5", false, "1 []");
    check(&facts, "0-1-10", false, "1 [1:4]");
    check(&facts, "0-1-11", false, "1 [1:4 1:200]");
    check(&facts, "0-1-24", false, "1 [1:4 1:200 2:4]");
    check(&facts, "0-1-25", false, "2 []");
    check(&facts, "0-1-26", false, "2 [2:4]");
    check(&facts, "0-1-31", false, "not_yet_archived Some(900.0)");
    // A baseline that does not say what it holds is used where its place tells.
    facts.baselines[0].gtid_set = None;
    check(&facts, "0-1-11", false, "1 [1:4 1:200]");
    check(&facts, "0-1-9", false, "no_baseline");
}

#[test]
fn holes() {
    let mut facts = world();
    facts.segments.remove(1);
    check(&facts, "199", false, "1 [1:4]");
    check(&facts, "250", false, "binlog_gap 1 true");
    check(&facts, "250", true, "1 [1:4 2:4] gap log.000001:200..log.000002:4");
    check(&facts, "350", false, "2 [2:4]");
    // The archive begins behind the baseline.
    let mut facts = world();
    facts.segments.remove(2);
    check(&facts, "150", false, "binlog_gap 1 true");
    check(&facts, "150", true, "1 [1:200] gap log.000001:150..log.000001:200");
    // A rotation that nobody saw.
    let mut facts = world();
    facts.segments[1].rotated_to = None;
    check(&facts, "305", false, "binlog_gap 1 true");
}

#[test]
fn a_gap_behind_the_last_segment_is_a_hole_although_the_source_is_idle() {
    let mut facts = world();
    facts.gaps.push(gap("log.000002:500", "log.000005:4", 1));
    check(&facts, "399", false, "2 [2:4]");
    check(&facts, "800", false, "binlog_gap 1 true");
    check(&facts, "800", true, "2 [2:4] gap log.000002:500..log.000005:4");
    facts.gaps[0] = gap("log.000002:500", "log.000001:4", 2);
    check(&facts, "800", true, "binlog_gap 1 false");
    // Nothing was recorded, but the agent reads another log.
    facts.gaps.clear();
    facts.covered = Some(Covered { timeline: timeline(2), until: at(900) });
    check(&facts, "399", true, "2 [2:4]");
    check(&facts, "800", true, "not_yet_archived Some(399.999999)");
    let mut after = segment("log.000001:4-300", (600, 700), None);
    after.timeline = timeline(2);
    facts.segments.push(after);
    check(&facts, "800", true, "binlog_gap 1 false");
}

#[test]
fn a_baseline_at_the_edges() {
    // At the end of what is archived, on an idle source.
    let mut facts = world();
    facts.baselines.push(baseline(3, "log.000002:500", 500));
    check(&facts, "800", false, "3 [2:4]");
    // Right behind a rotation whose file is not archived yet.
    let mut facts = world();
    facts.segments.remove(0);
    facts.baselines = vec![baseline(3, "log.000002:4", 500), baseline(1, "log.000001:400", 450)];
    check(&facts, "800", false, "3 []");
    check(&facts, "450", false, "1 [1:200]");
    // At the end of a file: the next file is read as well.
    let mut facts = world();
    facts.baselines = vec![baseline(1, "log.000001:400", 305)];
    check(&facts, "350", false, "1 [1:200 2:4]");
    // Ahead of everything archived: what the agent says it has seen proves nothing there.
    let mut facts = world();
    facts.baselines.push(baseline(3, "log.000002:600", 500));
    check(&facts, "800", false, "not_yet_archived Some(399.999999)");
    // On a source that has been idle for days.
    let mut facts = world();
    let days = 10 * 86_400;
    facts.covered = covered(days + 100);
    facts.baselines.push(baseline(3, "log.000002:500", days));
    let target = CutTarget::Time(at(days + 50));
    for timeline in [Some(timeline(1)), None] {
        facts.baselines[2].timeline = timeline;
        let plan = plan(&facts, &ChainRequest { target: &target, now: at(days + 200), allow_gaps: false }).unwrap();
        assert_eq!((plan.baseline.id, plan.segments.len()), (facts.baselines[2].id, 1));
    }
}

#[test]
fn a_file_name_that_came_again_is_another_log() {
    // The archive is hours older than the backup that names a place in its files.
    let mut facts = world();
    facts.segments.iter_mut().for_each(|segment| {
        segment.last_commit_at = segment.last_commit_at.map(|time| time - Duration::hours(5));
        segment.first_commit_at = segment.first_commit_at.map(|time| time - Duration::hours(5));
        segment.sealed_at -= Duration::hours(5);
    });
    check_as_it_is(&facts, "120", true, "binlog_gap 1 false");
    // Sealed only now, but with old commits alone.
    facts.segments.iter_mut().for_each(|segment| segment.sealed_at += Duration::hours(5));
    check_as_it_is(&facts, "120", true, "binlog_gap 1 false");
    // An agent that catches up seals old commits together with what came after the backup.
    facts.segments.iter_mut().for_each(|segment| segment.sealed_at += Duration::hours(5));
    check(&facts, "120", true, "1 [1:4 1:200 2:4]");
    // MySQL's sets say so as well.
    const A: &str = "79f916ce-e6dc-11f1-a03a-02fc00000001";
    let mut facts = world();
    facts.segments[0].gtid_before = Some(format!("{A}:1-900").parse().unwrap());
    facts.baselines[1].gtid_set = Some(format!("{A}:1-20").parse().unwrap());
    check(&facts, "360", true, "binlog_gap 1 false");
    facts.baselines[1].gtid_set = Some(format!("{A}:1-920").parse().unwrap());
    check(&facts, "360", false, "2 [2:4]");
}

/// A log that started over after an hour: the same names and offsets again, with baselines in both lives.
fn two_lives() -> ChainFacts {
    const HOUR: i64 = 3600;
    let mut facts = world();
    facts.baselines.push(baseline(3, "log.000001:150", HOUR + 120));
    facts.baselines.push(baseline(4, "log.000001:400", HOUR + 350));
    facts.baselines.iter_mut().for_each(|baseline| baseline.timeline = None);
    facts.gaps.push(gap("log.000002:500", "log.000001:4", 2));
    facts.covered = Some(Covered { timeline: timeline(2), until: at(HOUR + 900) });
    for (range, first, last) in [("log.000001:4-200", 110, 200), ("log.000001:200-400", 210, 340)] {
        let id = SegmentId(Uuid::from_u128(first as u128));
        let made = segment(range, (HOUR + first, HOUR + last), None);
        facts.segments.push(SegmentFact { id, timeline: timeline(2), ..made });
    }
    facts
}

#[test]
fn a_baseline_that_does_not_know_its_timeline_goes_to_the_log_that_can_hold_it() {
    let mut facts = two_lives();
    for known in [false, true] {
        if known {
            // Where the files' ages are known, they decide.
            for segment in &mut facts.segments {
                let second = segment.timeline == timeline(2);
                let created = if second { 3700 } else { i64::try_from(segment.file.number()).unwrap() * 300 - 290 };
                segment.file_created_at = Some(at(created));
            }
        }
        let check = |target: i64, expect: &str| {
            let target = CutTarget::Time(at(target));
            let request = ChainRequest { target: &target, now: at(10_000), allow_gaps: true };
            let got = match plan(&facts, &request) {
                Ok(plan) => {
                    let timelines = plan.segments.iter().map(|segment| segment.timeline.number.to_string());
                    format!("{}: {}", plan.baseline.id.0.as_u128(), timelines.collect::<String>())
                }
                Err(refusal) => refusal.code().to_owned(),
            };
            assert_eq!(got, expect, "{target}, ages known: {known}");
        };
        check(305, "1: 111");
        check(399, "2: 1");
        check(1000, "binlog_gap");
        check(3600 + 130, "3: 2");
        check(3600 + 220, "3: 22");
        check(3600 + 800, "4: 2");
    }
    // A file that was made after the backup cannot be the one it names.
    facts.segments.retain(|segment| segment.timeline == timeline(2));
    facts.gaps.clear();
    let target = CutTarget::Time(at(3600 + 115));
    let refusal = plan(&facts, &ChainRequest { target: &target, now: at(10_000), allow_gaps: true }).unwrap_err();
    assert!(
        matches!(refusal, Refusal::BinlogGap { passable: false, .. } | Refusal::NotYetArchived { .. }),
        "{refusal:?}"
    );
}

fn windows(facts: &ChainFacts) -> Vec<(f64, f64)> {
    let seconds = |time: OffsetDateTime| (time - at(0)).as_seconds_f64();
    recoverable_windows(facts).iter().map(|window| (seconds(window.from), seconds(window.until))).collect()
}

#[test]
fn windows_join_and_break() {
    assert_eq!(windows(&world()), [(110.0, 900.0)]);
    let mut facts = world();
    facts.segments.remove(1);
    assert_eq!(windows(&facts), [(110.0, 199.999999), (350.0, 900.0)]);
    facts.covered = None;
    assert_eq!(windows(&facts), [(110.0, 199.999999), (350.0, 399.999999)]);
    assert_eq!(windows(&ChainFacts::default()), []);
}

/// A log of files of three segments each, with some segments missing and baselines at random places.
pub(crate) fn any_facts() -> impl Strategy<Value = ChainFacts> {
    let segments = prop::collection::vec((prop::bool::weighted(0.9), 1i64..40), 1..12);
    let baselines = prop::collection::vec((0usize..12, 0u64..=100), 0..5);
    (segments, baselines, prop::option::of(0i64..200)).prop_map(|(pieces, baselines, idle)| {
        let mut facts = ChainFacts::default();
        let mut time = 100;
        let mut all = Vec::new();
        for (index, (archived, seconds)) in pieces.iter().enumerate() {
            let (file, piece) = (index / 3 + 1, index as u64 % 3);
            let range = format!("log.{file:06}:{}-{}", 4 + piece * 100, 104 + piece * 100);
            let next = format!("log.{:06}", file + 1);
            let made = segment(&range, (time + 1, time + seconds), (piece == 2).then_some(next.as_str()));
            all.push((made.clone(), time));
            if *archived {
                facts.segments.push(SegmentFact { id: SegmentId(Uuid::from_u128(index as u128)), ..made });
            }
            time += seconds;
        }
        for (id, (index, offset)) in baselines.into_iter().enumerate() {
            let Some((segment, begins)) = all.get(index) else { continue };
            let mut fact = baseline(id as u128, "log.000001:4", begins + 1);
            fact.coordinates = BinlogPosition { file: segment.file.clone(), offset: segment.start + offset };
            facts.baselines.push(fact);
        }
        facts.covered = idle.and_then(|idle| covered(time + idle));
        facts
    })
}

proptest! {
    #[test]
    fn a_plan_is_continuous(facts in any_facts(), target in 90i64..700, allow_gaps: bool) {
        let target = CutTarget::Time(at(target));
        let Ok(plan) = plan(&facts, &ChainRequest { target: &target, now: at(10_000), allow_gaps }) else { return Ok(()) };
        prop_assert!(allow_gaps || plan.gaps.is_empty());
        let mut place = plan.baseline.coordinates.clone();
        for (index, segment) in plan.segments.iter().enumerate() {
            let holds = index == 0 && segment.from() <= place && place <= segment.to();
            let jumps = plan.gaps.iter().any(|hole| hole.to == segment.from());
            let follows = segment.from() == place
                || (index == 0 && facts.segments.iter().any(|s| s.to() == place && s.continues_at() == segment.from()));
            prop_assert!(holds || jumps || follows, "{place} then {}", segment.from());
            place = segment.continues_at();
        }
    }

    #[test]
    fn windows_are_what_planning_accepts(facts in any_facts(), target in 90i64..700) {
        let windows = recoverable_windows(&facts);
        for pair in windows.windows(2) {
            prop_assert!(pair[0].until < pair[1].from);
        }
        for time in [at(target), at(target) - Duration::MICROSECOND] {
            let target = CutTarget::Time(time);
            let accepted = plan(&facts, &ChainRequest { target: &target, now: at(10_000), allow_gaps: false }).is_ok();
            let inside = windows.iter().any(|window| window.from <= time && time <= window.until);
            prop_assert_eq!(accepted, inside, "{} {:?}", time, windows);
        }
    }
}
