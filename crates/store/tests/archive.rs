//! The archive: one agent a server, segments without a silent hole, coverage and the facts for planning.

#![expect(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]

mod support;

use std::time::Duration;

use backtrail_domain::chain::{self, ChainRequest, recoverable_windows};
use backtrail_domain::{BinlogPosition, CutTarget, SegmentFact, ServerId};
use backtrail_store::agents::{self, acquire, archive_end};
use backtrail_store::coverage::chain_facts;
use backtrail_store::{
    AgentToken, BackupRun, Coverage, FirstPlace, Gap, Heartbeat, NewGap, Segment, Server, ServerChanges, StoreError,
    Tenant, retention,
};
use support::{LEASE, World, new_server, now, segment, timeline};

async fn lease(world: &World) -> AgentToken {
    let leases = acquire(&world.store, "agent-1", LEASE, 10).await.unwrap();
    leases.iter().find(|lease| lease.server.id == world.server).expect("the server is free").token
}

async fn append(
    world: &World,
    token: &AgentToken,
    range: &str,
    rotated_to: Option<&str>,
) -> Result<Segment, StoreError> {
    Segment::append(&world.store, token, segment(range, rotated_to), None, false).await
}

#[track_caller]
fn hole(result: Result<Segment, StoreError>, expected: &str, found: &str) {
    let Err(StoreError::NotContinuous { expected: is, found: came, .. }) = result else { panic!("{result:?}") };
    assert_eq!((is.to_string().as_str(), came.to_string().as_str()), (expected, found));
}

fn gap(from: &str, to: &str, to_timeline: u32) -> NewGap {
    NewGap {
        from_timeline: timeline(1),
        from: from.parse().unwrap(),
        to_timeline: timeline(to_timeline),
        to: to.parse().unwrap(),
        from_time: Some(now()),
        to_time: None,
        cause: "purged by the source".to_owned(),
    }
}

async fn end(world: &World) -> BinlogPosition {
    archive_end(&world.store, world.server).await.unwrap().unwrap().position
}

#[tokio::test]
async fn one_agent_reads_a_server() {
    let world = World::new().await;
    let store = &world.store;
    for name in ["b", "c"] {
        Server::create(store, &world.key, new_server(world.tenant, name)).await.unwrap();
    }
    let (a, b) = tokio::join!(acquire(store, "a", LEASE, 2), acquire(store, "b", LEASE, 2));
    let (a, b) = (a.unwrap(), b.unwrap());
    let mut servers: Vec<ServerId> = a.iter().chain(&b).map(|lease| lease.server.id).collect();
    servers.sort_unstable();
    servers.dedup();
    // What one had at hand the other passed over; the rest is there at the next look.
    let rest = acquire(store, "b", LEASE, 10).await.unwrap();
    assert_eq!(servers.len() + rest.len(), 3);
    assert_eq!(acquire(store, "c", LEASE, 10).await.unwrap().len(), 0);

    let token = a.first().or(b.first()).unwrap().token;
    token.renew(store, LEASE).await.unwrap();
    token.release(store).await.unwrap();
    assert!(matches!(token.renew(store, LEASE).await, Err(StoreError::LostRace { .. })));
    let again = acquire(store, "c", LEASE, 10).await.unwrap();
    assert_eq!(again[0].server.id, token.server_id());
    assert!(again[0].token.number() > token.number());
    // A late release of the old holder takes nothing away from the new one.
    token.release(store).await.unwrap();
    again[0].token.renew(store, LEASE).await.unwrap();

    world.expire_leases().await;
    assert_eq!(acquire(store, "d", LEASE, 10).await.unwrap().len(), 3);
    assert!(matches!(again[0].token.renew(store, LEASE).await, Err(StoreError::LostRace { .. })));
}

#[tokio::test]
async fn a_removed_server_is_no_longer_read() {
    let world = World::new().await;
    let token = lease(&world).await;
    Server::soft_delete(&world.store, world.tenant, world.server).await.unwrap();
    assert!(matches!(token.renew(&world.store, LEASE).await, Err(StoreError::LostRace { .. })));
    assert_eq!(acquire(&world.store, "a", LEASE, 10).await.unwrap().len(), 0);
}

#[tokio::test]
async fn segments_meet_or_are_refused() {
    let world = World::new().await;
    let token = lease(&world).await;
    assert_eq!(archive_end(&world.store, world.server).await.unwrap(), None);
    let first = append(&world, &token, "log.000007:900-1000", None).await.unwrap();
    assert_eq!(end(&world).await.to_string(), "log.000007:1000");
    hole(append(&world, &token, "log.000007:1001-1100", None).await, "log.000007:1000", "log.000007:1001");
    hole(append(&world, &token, "log.000007:999-1100", None).await, "log.000007:1000", "log.000007:999");
    hole(append(&world, &token, "log.000008:4-1100", None).await, "log.000007:1000", "log.000008:4");
    append(&world, &token, "log.000007:1000-1200", Some("log.000008")).await.unwrap();
    assert_eq!(end(&world).await.to_string(), "log.000008:4");
    hole(append(&world, &token, "log.000007:1200-1300", None).await, "log.000008:4", "log.000007:1200");
    append(&world, &token, "log.000008:4-300", None).await.unwrap();
    // The server stopped without a rotate event, and went on with the next file.
    let next = segment("log.000009:4-200", None);
    hole(Segment::append(&world.store, &token, next.clone(), None, false).await, "log.000008:300", "log.000009:4");
    let skips = segment("log.000010:4-200", None);
    hole(Segment::append(&world.store, &token, skips, None, true).await, "log.000008:300", "log.000010:4");
    let added = Segment::append(&world.store, &token, next.clone(), None, true).await.unwrap();
    // Whoever does not know whether that went through repeats it.
    assert_eq!(Segment::append(&world.store, &token, next, None, true).await.unwrap(), added);

    let all = Segment::list(&world.store, world.tenant, world.server).await.unwrap();
    assert_eq!(all.iter().map(|segment| segment.ordinal).collect::<Vec<_>>(), [1, 2, 3, 4]);
    assert_eq!(all[0], first);
    assert_eq!(all[2].content.rotated_to, Some("log.000009".parse().unwrap()));
    assert_eq!(Segment::last(&world.store, world.server).await.unwrap().unwrap().id, added.id);
}

#[tokio::test]
async fn a_lost_lease_archives_nothing() {
    let world = World::new().await;
    let old = lease(&world).await;
    append(&world, &old, "log.000001:4-100", None).await.unwrap();
    world.expire_leases().await;
    let new = lease(&world).await;
    let refused = append(&world, &old, "log.000001:100-200", None).await;
    assert!(matches!(refused, Err(StoreError::LostRace { .. })), "{refused:?}");
    assert!(matches!(old.heartbeat(&world.store, &Heartbeat::default()).await, Err(StoreError::LostRace { .. })));
    let refused = Gap::record(&world.store, &old, gap("log.000001:100", "log.000005:4", 1)).await;
    assert!(matches!(refused, Err(StoreError::LostRace { .. })));
    append(&world, &new, "log.000001:100-200", None).await.unwrap();
}

#[tokio::test]
async fn a_gap_is_recorded_with_the_segment_behind_it_or_before_it() {
    let world = World::new().await;
    let store = &world.store;
    let token = lease(&world).await;
    append(&world, &token, "log.000001:4-100", None).await.unwrap();
    let behind = segment("log.000005:4-100", None);
    // A gap that does not begin where the archive ends explains nothing.
    let wrong =
        Segment::append(store, &token, behind.clone(), Some(gap("log.000001:90", "log.000005:4", 1)), false).await;
    hole(wrong, "log.000001:100", "log.000001:90");
    let wrong =
        Segment::append(store, &token, behind.clone(), Some(gap("log.000001:100", "log.000004:4", 1)), false).await;
    hole(wrong, "log.000004:4", "log.000005:4");
    // And what was refused left nothing behind.
    assert_eq!(Gap::list(store, world.tenant, world.server).await.unwrap(), []);
    assert_eq!(end(&world).await.to_string(), "log.000001:100");
    Segment::append(store, &token, behind, Some(gap("log.000001:100", "log.000005:4", 1)), false).await.unwrap();

    // Noticed before anything follows; and then the hole grows.
    Gap::record(store, &token, gap("log.000005:100", "log.000007:4", 1)).await.unwrap();
    let wider = NewGap { cause: "RESET MASTER".to_owned(), ..gap("log.000007:4", "log.000001:4", 2) };
    Gap::record(store, &token, wider).await.unwrap();
    let gaps = Gap::list(store, world.tenant, world.server).await.unwrap();
    assert_eq!(gaps.len(), 2);
    assert_eq!(gaps[1].content.from.to_string(), "log.000005:100");
    assert_eq!(
        (&gaps[1].content.to_timeline, gaps[1].content.to.to_string()),
        (&timeline(2), "log.000001:4".to_owned())
    );
    assert_eq!(gaps[1].content.cause, "purged by the source; RESET MASTER");
    let archive = archive_end(store, world.server).await.unwrap().unwrap();
    assert_eq!((archive.timeline, archive.position.to_string()), (timeline(2), "log.000001:4".to_owned()));
    assert_eq!(archive.gap.as_ref(), Some(&gaps[1]));
    assert_eq!(archive.segment.unwrap().ordinal, 2);
    // The same file and offset as the first segment, in another timeline.
    let mut reset = segment("log.000001:4-100", None);
    reset.key = "other".to_owned();
    hole(Segment::append(store, &token, reset.clone(), None, false).await, "log.000001:4", "log.000001:4");
    reset.timeline = timeline(2);
    Segment::append(store, &token, reset, None, false).await.unwrap();
}

#[tokio::test]
async fn coverage_counts_and_the_heartbeat_ages() {
    let world = World::new().await;
    let store = &world.store;
    let of = async || Coverage::of(store, world.tenant, world.server).await.unwrap();
    let empty = of().await;
    assert_eq!((empty.total_events, empty.oldest_event, empty.available), (0, None, false));

    let token = lease(&world).await;
    let first = append(&world, &token, "log.000001:4-100", None).await.unwrap();
    let mut idle = segment("log.000001:100-140", None);
    (idle.row_changes, idle.first_row_event_at, idle.last_row_event_at) = (0, None, None);
    (idle.first_commit_at, idle.last_commit_at) = (None, None);
    Segment::append(store, &token, idle, None, false).await.unwrap();
    let second = append(&world, &token, "log.000001:140-200", None).await.unwrap();
    let until = now() - Duration::from_secs(3);
    let heartbeat = Heartbeat {
        covered_until: Some(until),
        timeline: Some(timeline(1)),
        source_position: Some("log.000001:200".parse().unwrap()),
        binlog_expiry: Some(until + Duration::from_secs(86_400)),
        ..Heartbeat::default()
    };
    token.heartbeat(store, &heartbeat).await.unwrap();
    let covered = of().await;
    assert_eq!((covered.total_events, covered.segments, covered.segment_bytes), (20, 3, 300));
    assert_eq!(covered.oldest_event, first.content.first_row_event_at);
    assert_eq!(covered.latest_event, second.content.last_row_event_at);
    assert_eq!((covered.covered_until, covered.timeline), (Some(until), Some(timeline(1))));
    assert!(covered.available && covered.lag_seconds.is_some_and(|lag| lag < 60));
    assert!(covered.binlog_expiry.is_some());

    // It never goes back, and says nothing for another timeline than the archive's.
    let back = Heartbeat { covered_until: Some(until - Duration::from_secs(60)), ..heartbeat.clone() };
    token.heartbeat(store, &back).await.unwrap();
    assert_eq!(of().await.covered_until, Some(until));
    let elsewhere = Heartbeat { covered_until: Some(now()), timeline: Some(timeline(2)), ..Heartbeat::default() };
    token.heartbeat(store, &elsewhere).await.unwrap();
    assert_eq!((of().await.covered_until, of().await.timeline), (Some(until), Some(timeline(1))));

    let broken = Heartbeat { error: Some("connection refused".to_owned()), ..Heartbeat::default() };
    token.heartbeat(store, &broken).await.unwrap();
    assert_eq!((of().await.available, of().await.error.as_deref()), (true, Some("connection refused")));
    token.heartbeat(store, &Heartbeat::default()).await.unwrap();
    assert!(of().await.available);
    world.sql("UPDATE agents SET heartbeat_at = now() - interval '31 seconds'").await;
    let stale = of().await;
    assert_eq!((stale.available, stale.covered_until), (false, Some(until)));

    let other = Tenant::create(store, "beta").await.unwrap().id;
    let foreign = Coverage::of(store, other, world.server).await.unwrap();
    assert_eq!((foreign.total_events, foreign.covered_until, foreign.segments), (0, None, 0));
    let (facts, _) = chain_facts(store, other, world.server, None).await.unwrap();
    assert_eq!(facts, chain::ChainFacts::default());
}

#[tokio::test]
async fn planning_from_the_rows() {
    let world = World::new().await;
    let store = &world.store;
    let token = lease(&world).await;
    append(&world, &token, "log.000001:4-100", None).await.unwrap();
    let baseline = world.baseline("log.000001:60").await;
    append(&world, &token, "log.000001:100-200", Some("log.000002")).await.unwrap();
    let until = now() + Duration::from_secs(1);
    let heartbeat = Heartbeat { covered_until: Some(until), timeline: Some(timeline(1)), ..Heartbeat::default() };
    token.heartbeat(store, &heartbeat).await.unwrap();
    let (facts, _) = chain_facts(store, world.tenant, world.server, None).await.unwrap();
    assert_eq!(Coverage::of(store, world.tenant, world.server).await.unwrap().baselines.len(), 1);
    let target = CutTarget::Time(until);
    let plan = chain::plan(&facts, &ChainRequest { target: &target, now: until, allow_gaps: false }).unwrap();
    assert_eq!((plan.baseline.id, plan.segments.len()), (baseline.id, 2));
    let windows = recoverable_windows(&facts);
    assert_eq!((windows[0].from, windows[0].until), (baseline.consistent_at.unwrap(), until));
    // A read of the planned segments, and of what retention took meanwhile.
    let ids: Vec<_> = plan.segments.iter().map(|segment| segment.id).collect();
    assert_eq!(Segment::objects(store, &ids).await.unwrap().len(), 2);

    assert_eq!(retention::servers(store).await.unwrap(), [world.server]);
    let facts = retention::facts(store, world.server).await.unwrap();
    // What was sealed behind the baseline stays in any case.
    assert_eq!((facts.backups.len(), facts.segments.len()), (1, 1));
    assert!(facts.backups[0].baseline.is_some() && !facts.backups[0].in_use);

    let marked = Segment::mark_expired(store, &ids[..1]).await.unwrap();
    assert_eq!(marked, [(ids[0], "binlogs/log.000001/4-100".to_owned())]);
    assert_eq!(Segment::mark_expired(store, &ids[..1]).await.unwrap(), []);
    assert_eq!(Segment::objects(store, &ids).await.unwrap().len(), 1);
    assert_eq!(Segment::expired(store, 0, 10).await.unwrap(), marked);
    // A segment that has not expired is not forgotten.
    Segment::forget(store, &ids).await.unwrap();
    assert_eq!(Segment::expired(store, 0, 10).await.unwrap(), []);
    assert_eq!(Segment::list(store, world.tenant, world.server).await.unwrap().len(), 1);
    // Where the archive ends is known even when nothing of it is left.
    Segment::mark_expired(store, &ids).await.unwrap();
    Segment::forget(store, &ids).await.unwrap();
    let archive = agents::archive_end(store, world.server).await.unwrap().unwrap();
    assert_eq!((archive.position.to_string(), archive.segment), ("log.000002:4".to_owned(), None));
    append(&world, &token, "log.000002:4-100", None).await.unwrap();
}

/// An archive is long, and little of it leads anywhere.
#[tokio::test]
async fn planning_reads_what_a_way_can_begin_with() {
    let world = World::new().await;
    let store = &world.store;
    let token = lease(&world).await;
    let read = async |target: Option<CutTarget>| {
        let (facts, _) = chain_facts(store, world.tenant, world.server, target.as_ref()).await.unwrap();
        facts.segments.iter().map(|segment| format!("{}:{}", segment.file, segment.start)).collect::<Vec<_>>()
    };
    append(&world, &token, "log.000001:4-100", Some("log.000002")).await.unwrap();
    append(&world, &token, "log.000002:4-100", Some("log.000003")).await.unwrap();
    append(&world, &token, "log.000003:4-100", None).await.unwrap();
    // Nothing can be planned from nowhere.
    assert_eq!(read(None).await, Vec::<String>::new());
    world.sql("UPDATE segments SET sealed_at = now() - interval '9 days'").await;
    let baseline = world.baseline("log.000003:100").await;
    append(&world, &token, "log.000003:100-200", None).await.unwrap();
    // The source was idle for days: the baseline stands where an old segment ends, which an older one leads up to.
    assert_eq!(read(None).await, ["log.000002:4", "log.000003:4", "log.000003:100"]);
    let at = baseline.consistent_at.unwrap();
    assert_eq!(read(Some(CutTarget::Time(at))).await.len(), 3);
    assert_eq!(read(Some(CutTarget::Time(at - Duration::from_secs(1)))).await, Vec::<String>::new());
}

/// Numbers that look random, the same in every run.
struct Numbers(u64);

impl Numbers {
    fn below(&mut self, end: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % end
    }
}

/// A random archive of some forty segments in several files and two timelines, with gaps and baselines.
async fn random_archive(world: &World, numbers: &mut Numbers, begin: time::OffsetDateTime) {
    let mut sql = "TRUNCATE segments, gaps, runs, prefixes, outbox CASCADE;".to_owned();
    let (tenant, server) = (world.tenant, world.server);
    let at = |minutes: u64| (begin + time::Duration::minutes(i64::try_from(minutes).unwrap())).unix_timestamp();
    let (mut file, mut offset, mut number, mut minutes) = (1, 4, 1, 1);
    let (mut file_begun, mut executed) = (0, 0);
    // Where a baseline has no set, only the whole archive tells whether it comes before one.
    let without_sets = numbers.below(2);
    for ordinal in 1..=40_u64 {
        let end = offset + 10 + numbers.below(90);
        let executed_before = executed;
        executed += numbers.below(6);
        let commits = match numbers.below(5) {
            0 => "NULL, NULL".to_owned(),
            _ => format!("to_timestamp({}), to_timestamp({})", at(minutes), at(minutes + numbers.below(3))),
        };
        let rotates = numbers.below(6) == 0;
        let rotated_to = if rotates { format!("'log.{:06}'", file + 1) } else { "NULL".to_owned() };
        let created = at(file_begun);
        sql += &format!(
            "INSERT INTO segments (id, tenant_id, server_id, ordinal, timeline, file, start_position, end_position, \
                 rotated_to, object_key, size_bytes, content_size, sha256, first_commit_at, last_commit_at, events, \
                 row_changes, tables, file_created_at, sealed_at, gtid_before, gtid_after) VALUES (gen_random_uuid(), '{tenant}', '{server}', \
                 {ordinal}, 'mariadb-77-{number}', 'log.{file:06}', {offset}, {end}, {rotated_to}, 'k{ordinal}', 1, 1, \
                 sha256(''), {commits}, 1, 0, '{{}}', to_timestamp({created}), to_timestamp({}), \
                 '0-77-{executed_before}', '0-77-{executed}');",
            at(minutes + 3)
        );
        if numbers.below(4) == 0 {
            let place = match numbers.below(4) {
                0 => offset,
                1 => end,
                2 if rotates => 4,
                _ => offset + numbers.below(end - offset + 30),
            };
            let of = if place == 4 && rotates { file + 1 } else { file };
            let executed = match place {
                _ if numbers.below(2) < without_sets => "NULL".to_owned(),
                _ if place == offset => format!("'0-77-{executed_before}'"),
                _ if place >= end || place == 4 => format!("'0-77-{executed}'"),
                _ => format!("'0-77-{}'", executed_before + numbers.below(executed - executed_before + 1)),
            };
            let timeline = if numbers.below(3) == 0 { "NULL".to_owned() } else { format!("'mariadb-77-{number}'") };
            sql += &format!(
                "INSERT INTO runs (id, kind, tenant_id, server_id, status, phase, s3_path, key_prefix, size_bytes, \
                     file_count, manifest, started_at, completed_at, backup_tool, retention_days, coordinates_file, \
                     coordinates_position, consistent, snapshot_from, consistent_at, timeline, gtid_set) \
                     VALUES (gen_random_uuid(), 'backup', '{tenant}', '{server}', 'completed', 'complete', 's{ordinal}', \
                     'p{ordinal}/', 1, 1, '{{}}', to_timestamp({0}), to_timestamp({0} + 9), 'mydumper', 90, \
                     'log.{of:06}', {place}, true, to_timestamp({0}), to_timestamp({0} + 1), {timeline}, {executed});",
                at(minutes)
            );
        }
        offset = end;
        minutes += numbers.below(20);
        let before = (number, file, offset);
        if rotates {
            (file, offset, file_begun) = (file + 1, 4, minutes);
        }
        match numbers.below(12) {
            0 => offset += 20,
            1 => (file, offset, file_begun) = (file + 2, 4, minutes),
            2 if number == 1 => {
                (number, file, offset, file_begun) = (2, 1, 4, minutes);
                executed = 0;
            }
            _ => continue,
        }
        let from = if rotates { (before.1 + 1, 4) } else { (before.1, before.2) };
        sql += &format!(
            "INSERT INTO gaps (id, tenant_id, server_id, after_ordinal, from_timeline, from_file, from_position, \
                 to_timeline, to_file, to_position, cause) VALUES (gen_random_uuid(), '{tenant}', '{server}', {ordinal}, \
                 'mariadb-77-{}', 'log.{:06}', {}, 'mariadb-77-{number}', 'log.{file:06}', {offset}, 'lost');",
            before.0, from.0, from.1
        );
    }
    sql += &format!(
        "UPDATE agents SET timeline = 'mariadb-77-{number}', covered_until = to_timestamp({})",
        at(minutes + 5)
    );
    world.client().await.batch_execute(&sql).await.unwrap();
}

/// What is left out or folded changes nothing of what can be recovered, and how.
#[tokio::test]
async fn planning_from_few_rows_is_planning_from_all() {
    let world = World::new().await;
    let store = &world.store;
    let begin = now().replace_nanosecond(0).unwrap() - Duration::from_secs(5 * 86_400);
    let mut numbers = Numbers(7);
    let (mut folded, mut left_out, mut gtids_left_out, mut reached) = (0, 0, 0, 0);
    for _ in 0..20 {
        random_archive(&world, &mut numbers, begin).await;
        let all: Vec<SegmentFact> = Segment::list(store, world.tenant, world.server)
            .await
            .unwrap()
            .into_iter()
            .map(|Segment { id, content, .. }| SegmentFact {
                id,
                timeline: content.timeline,
                file: content.file,
                start: content.start,
                end: content.end,
                rotated_to: content.rotated_to,
                first_commit_at: content.first_commit_at,
                last_commit_at: content.last_commit_at,
                gtid_before: content.gtid_before,
                gtid_after: content.gtid_after,
                file_created_at: content.file_created_at,
                sealed_at: content.sealed_at,
                size_bytes: content.size_bytes,
                events: content.events,
                row_changes: content.row_changes,
            })
            .collect();
        let (facts, now) = chain_facts(store, world.tenant, world.server, None).await.unwrap();
        folded += all.len().saturating_sub(facts.segments.len());
        let in_full = chain::ChainFacts { segments: all, ..facts.clone() };
        assert_eq!(recoverable_windows(&facts), recoverable_windows(&in_full), "{in_full:#?}");

        for _ in 0..30 {
            let target = match numbers.below(4) {
                1 => CutTarget::Gtid(format!("0-77-{}", numbers.below(110)).parse().unwrap()),
                0 => CutTarget::Position(
                    format!("log.{:06}:{}", 1 + numbers.below(9), 4 + numbers.below(500)).parse().unwrap(),
                ),
                _ => CutTarget::Time(begin + Duration::from_secs(30 * numbers.below(20 * 60))),
            };
            let (facts, _) = chain_facts(store, world.tenant, world.server, Some(&target)).await.unwrap();
            let less = in_full.segments.len() - facts.segments.len();
            left_out += less;
            gtids_left_out += if matches!(target, CutTarget::Gtid(_)) { less } else { 0 };
            for allow_gaps in [false, true] {
                let request = ChainRequest { target: &target, now, allow_gaps };
                let (few, full) = (chain::plan(&facts, &request), chain::plan(&in_full, &request));
                assert_eq!(few, full, "{target:?} {in_full:#?}");
                reached += usize::from(full.is_ok());
            }
        }
    }
    let enough = folded > 100 && left_out > 1000 && gtids_left_out > 200 && reached > 100;
    assert!(enough, "{folded} {left_out} {gtids_left_out} {reached}");
}

#[tokio::test]
async fn the_place_of_the_first_look_stays_until_the_address_changes() {
    let world = World::new().await;
    let places = async || FirstPlace::list(&world.store, world.tenant, world.server).await.unwrap();
    assert_eq!(places().await, []);
    let first =
        FirstPlace { identity: "mariadb-77".to_owned(), position: "b.000004:400".parse().unwrap(), seen_at: now() };
    let later = FirstPlace { position: "b.000005:4".parse().unwrap(), ..first.clone() };
    first.keep(&world.store, world.server).await.unwrap();
    later.keep(&world.store, world.server).await.unwrap();
    assert_eq!(places().await, std::slice::from_ref(&first));

    // A backup from before is a place of the archive as well, while it is kept.
    let baseline = world.baseline("b.000003:700").await;
    let of_baseline = FirstPlace {
        position: "b.000003:700".parse().unwrap(),
        seen_at: baseline.consistent_at.unwrap(),
        ..first.clone()
    };
    assert_eq!(places().await, [first.clone(), of_baseline]);
    BackupRun::mark_expired(&world.store, &[baseline.id]).await.unwrap();

    let change = async |changes| {
        Server::update(&world.store, &world.key, world.tenant, world.server, changes).await.unwrap().first_place
    };
    let renamed = ServerChanges { name: Some("another".to_owned()), ..ServerChanges::default() };
    assert_eq!(change(renamed).await, Some(first));
    let moved = ServerChanges { port: Some(3307), ..ServerChanges::default() };
    assert_eq!(change(moved).await, None);
    later.keep(&world.store, world.server).await.unwrap();
    assert_eq!(places().await, [later]);
}

#[tokio::test]
async fn a_row_that_cannot_be_read_keeps_no_agent_from_the_others() {
    let world = World::new().await;
    let store = &world.store;
    let other = Server::create(store, &world.key, new_server(world.tenant, "other")).await.unwrap().id;
    let broken = "archive_timeline = 'x', archive_file = 'no file', archive_position = 4";
    world.sql(&format!("UPDATE agents SET {broken} WHERE server_id = '{}'", world.server)).await;
    let taken: Vec<_> = acquire(store, "a", LEASE, 10).await.unwrap().iter().map(|lease| lease.server.id).collect();
    assert_eq!(taken, [other]);
    // It says why, and is out of the way of the next look.
    let error = Coverage::of(store, world.tenant, world.server).await.unwrap().error.unwrap();
    assert!(error.contains("archive_timeline"), "{error}");
    assert_eq!(acquire(store, "b", LEASE, 1).await.unwrap().len(), 0);
}
