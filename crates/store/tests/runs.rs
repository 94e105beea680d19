//! Runs: created with their message, claimed once, moved under their token, swept when their worker dies.

#![expect(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]

mod support;

use std::time::Duration;

use backtrail_contracts::jobs::{Job, job};
use backtrail_domain::{BackupId, CutTarget, Phase, RunKind, RunState, RunStatus};
use backtrail_store::runs::{self, ONE_RUNNING_BACKUP, ONE_RUNNING_PITR};
use backtrail_store::{
    BackupRun, Cursor, NewBackup, PitrOutcome, PitrRun, RunFailure, RunFilter, Server, StoreError, Tenant, outbox,
    prefixes, sweeps,
};
use serde_json::json;
use support::{LEASE, World, new_server, outcome};

fn failure(retryable: bool) -> RunFailure {
    RunFailure {
        code: "source_unreachable".to_owned(),
        message: "db.example:3306 does not answer; check the network".to_owned(),
        retryable,
        tool_log: Some("x".repeat(200_000)),
    }
}

#[track_caller]
fn lost(result: Result<impl std::fmt::Debug, StoreError>) {
    assert!(matches!(result, Err(StoreError::LostRace { .. })), "{result:?}");
}

#[tokio::test]
async fn a_run_and_its_message_appear_together() {
    let world = World::new().await;
    let run = world.backup().await;
    assert_eq!((run.status, run.phase, run.attempt), (RunStatus::Running, Phase::Queued, 0));
    assert_eq!(run.server_name, "production-db");
    let messages = outbox::relay_batch(&world.store, 10, LEASE).await.unwrap();
    assert_eq!(messages.len(), 1);
    let job = Job::from_bytes(&messages[0].payload).unwrap();
    assert_eq!(job.message_id, messages[0].id.to_string());
    let Some(job::Job::Backup(backup)) = job.job else { panic!("{job:?}") };
    assert_eq!((backup.backup_id, backup.server_id), (run.id.to_string(), world.server.to_string()));

    // A second one is refused, and its message with it.
    let error = BackupRun::create(&world.store, world.new_backup()).await.unwrap_err();
    assert!(error.is_conflict(ONE_RUNNING_BACKUP), "{error:?}");
    assert_eq!(world.count("SELECT count(*) FROM outbox").await, 1);

    // A PITR beside it is not a second backup; a second PITR is.
    let pitr = PitrRun::create(&world.store, world.new_pitr(None)).await.unwrap();
    assert_eq!(pitr.tables_filter.as_deref(), Some("shop.orders"));
    let error = PitrRun::create(&world.store, world.new_pitr(None)).await.unwrap_err();
    assert!(error.is_conflict(ONE_RUNNING_PITR), "{error:?}");
}

#[tokio::test]
async fn a_run_needs_a_server_of_its_tenant() {
    let world = World::new().await;
    let other = Tenant::create(&world.store, "beta").await.unwrap().id;
    let foreign = NewBackup { tenant_id: other, ..world.new_backup() };
    assert!(matches!(BackupRun::create(&world.store, foreign).await, Err(StoreError::NotFound { .. })));
    let run = world.backup().await;
    assert_eq!(BackupRun::find(&world.store, other, run.id).await.unwrap(), None);
    assert!(matches!(BackupRun::request_cancel(&world.store, other, run.id).await, Err(StoreError::NotFound { .. })));
    let theirs = Server::create(&world.store, &world.key, new_server(other, "x")).await.unwrap().id;
    let pitr = PitrRun::create(&world.store, world.new_pitr(None)).await.unwrap();
    assert_eq!(PitrRun::find(&world.store, world.tenant, theirs, pitr.id).await.unwrap(), None);
    assert!(PitrRun::find(&world.store, world.tenant, world.server, pitr.id).await.unwrap().is_some());
    let error = PitrRun::request_cancel(&world.store, world.tenant, theirs, pitr.id).await.unwrap_err();
    assert!(matches!(error, StoreError::NotFound { .. }));
    Server::soft_delete(&world.store, world.tenant, world.server).await.unwrap();
    assert!(matches!(
        BackupRun::create(&world.store, world.new_backup()).await,
        Err(StoreError::NotFound { .. } | StoreError::Conflict { .. })
    ));
    // Its history keeps its name.
    assert_eq!(world.pitr(pitr.id).await.server_name, "production-db");
}

#[tokio::test]
async fn one_of_many_claims_wins() {
    let world = World::new().await;
    let run = world.backup().await;
    let claims = (0..8).map(|_| {
        let (store, id) = (world.store.clone(), run.id);
        tokio::spawn(async move { BackupRun::claim(&store, id, "worker", LEASE).await.unwrap().is_some() })
    });
    let mut won = 0;
    for claim in claims.collect::<Vec<_>>() {
        won += usize::from(claim.await.unwrap());
    }
    assert_eq!(won, 1);
    let run = BackupRun::by_id(&world.store, run.id).await.unwrap().unwrap();
    assert_eq!((run.phase, run.attempt, run.lease_holder.as_deref()), (Phase::Preparing, 1, Some("worker")));
    // A message of the other kind, or for nothing, claims nothing.
    assert!(PitrRun::claim(&world.store, backtrail_domain::PitrId(run.id.0), "w", LEASE).await.unwrap().is_none());
    assert!(world.claim(BackupId(uuid::Uuid::from_u128(1))).await.is_none());
}

#[tokio::test]
async fn a_backup_from_claim_to_completion() {
    let world = World::new().await;
    let store = &world.store;
    let claim = world.claimed_backup().await;
    let token = claim.token;
    token.set_location(store, "s3://b/backups/a/", "backups/a/").await.unwrap();
    token.set_phase(store, Phase::Dumping).await.unwrap();
    token.set_progress(store, &json!({"rows": 5})).await.unwrap();
    let renewed = token.renew(store, LEASE).await.unwrap();
    assert!(!renewed.cancel_requested && renewed.lease_expires_at > claim.run.lease_expires_at.unwrap());
    assert!(matches!(token.set_phase(store, Phase::Preparing).await, Err(StoreError::Refused { .. })));
    assert!(matches!(token.set_phase(store, Phase::Reconstructing).await, Err(StoreError::Refused { .. })));
    token.set_phase(store, Phase::Uploading).await.unwrap();
    let run = world.row(&token).await;
    assert_eq!(run.progress, Some(json!({"rows": 5})));
    assert_eq!(run.duration_ms, None);

    let run =
        BackupRun::complete(store, &token, outcome(Some("binlog.000012:8589934592".parse().unwrap()))).await.unwrap();
    assert_eq!((run.status, run.phase, run.size_bytes), (RunStatus::Completed, Phase::Complete, Some(26_000_000)));
    assert_eq!(run.progress, Some(json!({"bytes_done": 7, "bytes_expected": 7})), "not the last of the work");
    assert_eq!(run.s3_path.as_deref(), Some("s3://b/backups/a/"));
    assert_eq!(run.coordinates.as_ref().unwrap().offset, 8_589_934_592);
    assert!(run.duration_ms.is_some() && run.lease_holder.is_none() && run.fact().is_some());
    assert_eq!(run.tool_log.as_deref(), Some("a line with a NUL \u{fffd} in it"));

    // A page has hundreds of them: it leaves out what is long.
    world.sql("UPDATE runs SET manifest = manifest || '{\"files\": [{\"name\": \"metadata\"}]}'").await;
    let listed = BackupRun::list(store, &RunFilter::of(world.tenant)).await.unwrap().items.remove(0);
    let whole = BackupRun::find(store, world.tenant, run.id).await.unwrap().unwrap();
    let files = |run: &BackupRun| run.manifest.as_ref().map(|manifest| manifest.get("files").is_some());
    assert_eq!((files(&listed), files(&whole)), (Some(false), Some(true)));
    assert_eq!((listed.tool_log.is_some(), whole.tool_log.is_some()), (false, true));

    // It is over: nothing moves it, and the token is worth nothing.
    lost(token.renew(store, LEASE).await);
    lost(token.set_phase(store, Phase::Uploading).await);
    lost(token.set_progress(store, &json!({})).await);
    lost(token.fail(store, &failure(true)).await);
    lost(BackupRun::complete(store, &token, outcome(None)).await);
    let cancelled = BackupRun::request_cancel(store, world.tenant, run.id).await.unwrap();
    assert_eq!(cancelled.status, RunStatus::Completed);
    // Another one may run now.
    world.backup().await;
}

#[tokio::test]
async fn a_backup_without_coordinates_is_no_baseline() {
    let world = World::new().await;
    let claim = world.claimed_backup().await;
    claim.token.set_location(&world.store, "s3://b/backups/a/", "backups/a/").await.unwrap();
    let run = BackupRun::complete(&world.store, &claim.token, outcome(None)).await.unwrap();
    assert_eq!((run.status, run.fact()), (RunStatus::Completed, None));
}

#[tokio::test]
async fn a_lost_lease_stops_the_old_worker() {
    let world = World::new().await;
    let store = &world.store;
    let first = world.claimed_backup().await;
    first.token.set_location(store, "s3://b/backups/a/", "backups/a/").await.unwrap();
    first.token.set_phase(store, Phase::Dumping).await.unwrap();
    assert_eq!(sweeps::sweep_expired(store, 10).await.unwrap(), []);
    world.expire_leases().await;
    let swept = sweeps::sweep_expired(store, 10).await.unwrap();
    assert_eq!(swept.len(), 1);
    assert_eq!(swept[0].to, RunState::Queued { attempt: 1 });
    lost(first.token.renew(store, LEASE).await);
    assert_eq!(world.count("SELECT count(*) FROM outbox").await, 2);

    let second = world.claim(first.run.id).await.unwrap();
    assert!(second.token.number() > first.token.number());
    assert_eq!((second.run.attempt, second.run.s3_path.as_deref()), (2, None));
    // The old worker wakes up: it can neither write nor end the run, and cannot take a prefix.
    lost(first.token.set_progress(store, &json!({"rows": 1})).await);
    lost(first.token.set_location(store, "s3://b/backups/b/", "backups/b/").await);
    lost(BackupRun::complete(store, &first.token, outcome(None)).await);
    lost(first.token.fail(store, &failure(false)).await);
    // What it had stored waits for deletion, and its prefix is never used again.
    let conflict = second.token.set_location(store, "s3://b/backups/a/", "backups/a/").await.unwrap_err();
    assert!(conflict.is_conflict(prefixes::UNIQUE_PREFIX), "{conflict:?}");
    second.token.set_location(store, "s3://b/backups/b/", "backups/b/").await.unwrap();
    let orphans = prefixes::orphans(store, Duration::ZERO, 0, 10).await.unwrap();
    assert_eq!(orphans.iter().map(|orphan| orphan.key_prefix.as_str()).collect::<Vec<_>>(), ["backups/a/"]);
    assert_eq!(prefixes::orphans(store, Duration::from_secs(900), 0, 10).await.unwrap(), []);
    prefixes::deleted(store, "backups/a/").await.unwrap();
    assert_eq!(prefixes::orphans(store, Duration::ZERO, 0, 10).await.unwrap(), []);
    BackupRun::complete(store, &second.token, outcome(None)).await.unwrap();
}

#[tokio::test]
async fn the_third_lost_worker_fails_the_run() {
    let world = World::new().await;
    let run = world.backup().await;
    for attempt in 1..=3 {
        assert_eq!(world.claim(run.id).await.unwrap().run.attempt, attempt);
        world.expire_leases().await;
        assert_eq!(sweeps::sweep_expired(&world.store, 10).await.unwrap().len(), 1);
    }
    let run = BackupRun::by_id(&world.store, run.id).await.unwrap().unwrap();
    assert_eq!((run.status, run.error_code.as_deref()), (RunStatus::Failed, Some("worker_lost")));
    assert!(run.error_message.as_deref().unwrap().contains("worker-1"), "{:?}", run.error_message);
    assert!(run.completed_at.is_some());
    assert!(world.claim(run.id).await.is_none());
}

#[tokio::test]
async fn failures_are_tried_again_only_where_that_helps() {
    let world = World::new().await;
    let claim = world.claimed_backup().await;
    let state = claim.token.fail(&world.store, &failure(true)).await.unwrap();
    assert_eq!(state, RunState::Queued { attempt: 1 });
    let run = world.row(&claim.token).await;
    assert_eq!(run.error_code.as_deref(), Some("source_unreachable"));
    assert_eq!(run.tool_log.as_ref().unwrap().len(), runs::TEXT_LIMIT);
    let again = world.claim(run.id).await.unwrap();
    assert_eq!(again.run.error_message, None);
    let state = again.token.fail(&world.store, &failure(false)).await.unwrap();
    assert_eq!(state, RunState::Failed { attempt: 2, phase: Phase::Preparing });
    let run = world.row(&claim.token).await;
    assert!(run.error_message.as_deref().unwrap().starts_with("db.example:3306"));
}

#[tokio::test]
async fn a_run_that_is_given_back_has_lost_no_try() {
    let world = World::new().await;
    let store = &world.store;
    let run = world.backup().await;
    for _ in 0..5 {
        let claim = world.claim(run.id).await.unwrap();
        assert_eq!(claim.run.attempt, 1);
        claim.token.give_back(store, "the worker was asked to stop").await.unwrap();
        assert!(matches!(claim.token.give_back(store, "").await, Err(StoreError::LostRace { .. })));
        let row = world.row(&claim.token).await;
        assert_eq!((row.state, row.error_code.as_deref()), (RunState::Queued { attempt: 0 }, Some("worker_stopped")));
    }
    assert_eq!(world.count("SELECT count(*) FROM outbox").await, 6);
    let claim = world.claim(run.id).await.unwrap();
    BackupRun::request_cancel(store, world.tenant, run.id).await.unwrap();
    claim.token.give_back(store, "").await.unwrap();
    assert_eq!(world.row(&claim.token).await.state, RunState::Cancelled { attempt: 1 });
}

#[tokio::test]
async fn a_run_that_waits_for_very_long_gets_another_message_and_loses_no_try() {
    let world = World::new().await;
    let hour = Duration::from_secs(3600);
    let run = world.backup().await;
    for _ in 0..4 {
        let messages = outbox::relay_batch(&world.store, 10, LEASE).await.unwrap();
        assert_eq!(messages.len(), 1);
        outbox::mark_published(&world.store, &[messages[0].id]).await.unwrap();
        assert_eq!(sweeps::sweep_overdue(&world.store, RunKind::Backup, hour, 10).await.unwrap(), []);
        let long_ago = "now() - interval '61 minutes'";
        world.sql(&format!("UPDATE runs SET queued_at = {long_ago}, started_at = {long_ago}")).await;
        world.sql(&format!("UPDATE outbox SET published_at = {long_ago}")).await;
        let swept = sweeps::sweep_overdue(&world.store, RunKind::Backup, hour, 10).await.unwrap();
        assert_eq!(swept[0].to, RunState::Queued { attempt: 0 });
    }
    assert_eq!(world.claim(run.id).await.unwrap().run.attempt, 1);
}

#[tokio::test]
async fn cancelling() {
    let world = World::new().await;
    let store = &world.store;
    // Nobody works on it: at once.
    let run = world.backup().await;
    let run = BackupRun::request_cancel(store, world.tenant, run.id).await.unwrap();
    assert_eq!((run.status, run.phase), (RunStatus::Failed, Phase::Cancelled));
    assert_eq!(run.error_code.as_deref(), Some("cancelled"));
    assert!(world.claim(run.id).await.is_none());

    // The worker sees it when it renews, and ends it.
    let claim = world.claimed_backup().await;
    let run = BackupRun::request_cancel(store, world.tenant, claim.run.id).await.unwrap();
    assert_eq!((run.status, run.cancel_requested), (RunStatus::Running, true));
    assert!(claim.token.renew(store, LEASE).await.unwrap().cancel_requested);
    claim.token.end_cancelled(store, Some("killed")).await.unwrap();
    let run = world.row(&claim.token).await;
    assert_eq!((run.phase, run.tool_log.as_deref()), (Phase::Cancelled, Some("killed")));

    // The worker is dead: the sweep ends it, without another try.
    let claim = world.claimed_backup().await;
    claim.token.set_location(store, "s3://b/backups/c/", "backups/c/").await.unwrap();
    BackupRun::request_cancel(store, world.tenant, claim.run.id).await.unwrap();
    world.expire_leases().await;
    assert_eq!(sweeps::sweep_expired(store, 10).await.unwrap()[0].to, RunState::Cancelled { attempt: 1 });
    assert_eq!(prefixes::orphans(store, Duration::ZERO, 0, 10).await.unwrap().len(), 1);

    // A worker that fails meanwhile ends it as what the client wanted.
    let claim = world.claimed_backup().await;
    BackupRun::request_cancel(store, world.tenant, claim.run.id).await.unwrap();
    assert_eq!(claim.token.fail(store, &failure(true)).await.unwrap(), RunState::Cancelled { attempt: 1 });
}

#[tokio::test]
async fn a_lost_message_is_sent_again() {
    let world = World::new().await;
    let store = &world.store;
    let five_minutes = Duration::from_secs(300);
    let run = world.backup().await;
    let mut sent = Vec::new();
    loop {
        let messages = outbox::relay_batch(store, 10, LEASE).await.unwrap();
        if messages.is_empty() {
            break;
        }
        // Not yet published: it is not lost.
        world
            .sql("UPDATE runs SET queued_at = now() - interval '10 minutes', started_at = now() - interval '1 hour'")
            .await;
        assert_eq!(sweeps::sweep_unclaimed(store, RunKind::Backup, five_minutes, 10).await.unwrap(), []);
        // Just published: it is not lost either.
        outbox::mark_published(store, &messages.iter().map(|message| message.id).collect::<Vec<_>>()).await.unwrap();
        assert_eq!(sweeps::sweep_unclaimed(store, RunKind::Backup, five_minutes, 10).await.unwrap(), []);
        sent.extend(messages);
        world.sql("UPDATE outbox SET published_at = now() - interval '6 minutes'").await;
        assert_eq!(sweeps::sweep_unclaimed(store, RunKind::Pitr, five_minutes, 10).await.unwrap(), []);
        assert_eq!(sweeps::sweep_unclaimed(store, RunKind::Backup, five_minutes, 10).await.unwrap().len(), 1);
    }
    assert_eq!(sent.len(), 3);
    let run = BackupRun::by_id(store, run.id).await.unwrap().unwrap();
    assert_eq!((run.status, run.error_code.as_deref()), (RunStatus::Failed, Some("never_claimed")));
}

#[tokio::test]
async fn a_message_that_nobody_can_process_fails_its_run() {
    let world = World::new().await;
    let run = world.backup().await;
    assert!(!sweeps::fail_undeliverable(&world.store, RunKind::Pitr, run.id.0, "").await.unwrap());
    assert!(sweeps::fail_undeliverable(&world.store, RunKind::Backup, run.id.0, "no job in it").await.unwrap());
    assert!(!sweeps::fail_undeliverable(&world.store, RunKind::Backup, run.id.0, "no job in it").await.unwrap());
    let run = BackupRun::by_id(&world.store, run.id).await.unwrap().unwrap();
    assert_eq!(run.error_code.as_deref(), Some("undeliverable"));
    assert_eq!(run.error_message.as_deref(), Some("no job in it"));
    let claim = world.claimed_backup().await;
    assert!(!sweeps::fail_undeliverable(&world.store, RunKind::Backup, claim.run.id.0, "").await.unwrap());
}

#[tokio::test]
async fn a_pitr_keeps_its_baseline() {
    let world = World::new().await;
    let store = &world.store;
    let baseline = world.baseline("binlog.000001:4").await;
    let pitr = PitrRun::create(store, world.new_pitr(Some(baseline.id))).await.unwrap();
    assert_eq!(BackupRun::mark_expired(store, &[baseline.id]).await.unwrap(), []);
    let claim = PitrRun::claim(store, pitr.id, "worker-2", LEASE).await.unwrap().unwrap();
    assert!(matches!(claim.run.target, CutTarget::Time(_)));
    assert!(matches!(
        PitrRun::set_plan(store, &claim.token, BackupId(uuid::Uuid::from_u128(5)), &json!({})).await,
        Err(StoreError::NotFound { .. })
    ));
    PitrRun::set_plan(store, &claim.token, baseline.id, &json!({"segments": []})).await.unwrap();
    claim.token.set_location(store, "s3://b/pitr/a/", "pitr/a/").await.unwrap();
    claim.token.set_phase(store, Phase::Reconstructing).await.unwrap();
    let outcome = PitrOutcome {
        size_bytes: 124_000,
        file_count: 75,
        progress: serde_json::json!({"bytes_done": 7, "bytes_expected": 7}),
        manifest: json!({"version": 1}),
        report: json!({"tables": []}),
        cut: "binlog.000001:900".parse().unwrap(),
        cut_gtid_set: None,
        warnings: vec!["one gap".to_owned()],
    };
    let run = PitrRun::complete(store, &claim.token, outcome).await.unwrap();
    assert_eq!((run.status, run.file_count, run.baseline_id), (RunStatus::Completed, Some(75), Some(baseline.id)));
    assert_eq!(run.cut, Some("binlog.000001:900".parse().unwrap()));
    assert_eq!(run.warnings, ["one gap"]);

    // Its work is done: the baseline may go, and no new PITR starts from it.
    assert_eq!(BackupRun::mark_expired(store, &[baseline.id]).await.unwrap(), [baseline.id]);
    assert_eq!(BackupRun::mark_expired(store, &[baseline.id]).await.unwrap(), []);
    assert_eq!(prefixes::orphans(store, Duration::ZERO, 0, 10).await.unwrap().len(), 1);
    let error = PitrRun::create(store, world.new_pitr(Some(baseline.id))).await.unwrap_err();
    assert!(matches!(error, StoreError::NotFound { what: "baseline", .. }), "{error:?}");
    // By position and by GTID, read back as asked.
    for target in
        ["binlog.000001:77".parse().map(CutTarget::Position).unwrap(), CutTarget::Gtid("0-77-9".parse().unwrap())]
    {
        let new = backtrail_store::NewPitr { target: target.clone(), ..world.new_pitr(None) };
        let run = PitrRun::create(store, new).await.unwrap();
        assert_eq!(run.target, target);
        PitrRun::request_cancel(store, world.tenant, world.server, run.id).await.unwrap();
    }
}

#[tokio::test]
async fn history_page_by_page() {
    let world = World::new().await;
    let store = &world.store;
    let mut ids = Vec::new();
    for index in 0..5 {
        let run = world.backup().await;
        if index % 2 == 0 {
            BackupRun::request_cancel(store, world.tenant, run.id).await.unwrap();
        } else {
            world.claim(run.id).await.unwrap().token.fail(store, &failure(false)).await.unwrap();
        }
        ids.push(run.id);
    }
    // Two of one instant: the id tells them apart.
    world.sql("UPDATE runs SET started_at = (SELECT min(started_at) FROM runs)").await;
    ids.sort_by_key(|id| std::cmp::Reverse(id.0));
    let mut filter = RunFilter { limit: 2, ..RunFilter::of(world.tenant) };
    let mut seen = Vec::new();
    loop {
        let page = BackupRun::list(store, &filter).await.unwrap();
        seen.extend(page.items.iter().map(|run| run.id));
        let Some(next) = page.next else { break };
        filter.cursor = Some(next.to_string().parse::<Cursor>().unwrap());
    }
    assert_eq!(seen, ids);
    let list = async |filter: RunFilter| BackupRun::list(store, &filter).await.unwrap().items.len();
    let all = || RunFilter::of(world.tenant);
    let started = BackupRun::by_id(store, ids[0]).await.unwrap().unwrap().started_at;
    let second = Duration::from_secs(1);
    assert_eq!(list(RunFilter { status: Some(RunStatus::Failed), ..all() }).await, 5);
    assert_eq!(list(RunFilter { status: Some(RunStatus::Running), ..all() }).await, 0);
    assert_eq!(list(RunFilter { since: Some(started), until: Some(started), ..all() }).await, 5);
    assert_eq!(list(RunFilter { since: Some(started + second), ..all() }).await, 0);
    assert_eq!(list(RunFilter { until: Some(started - second), ..all() }).await, 0);
    let other = Tenant::create(store, "beta").await.unwrap().id;
    assert_eq!(list(RunFilter::of(other)).await, 0);
    assert_eq!(PitrRun::list(store, &all()).await.unwrap().items.len(), 0);
    let elsewhere = Server::create(store, &world.key, new_server(world.tenant, "second")).await.unwrap().id;
    assert_eq!(list(RunFilter { server_id: Some(elsewhere), ..all() }).await, 0);
    assert_eq!(list(RunFilter { server_id: Some(world.server), ..all() }).await, 5);
}

#[tokio::test]
async fn rows_that_cannot_be_are_refused() {
    let world = World::new().await;
    let run = world.backup().await;
    let client = world.client().await;
    for change in [
        "status = 'completed'",
        "phase = 'dumping'",
        "phase = 'complete'",
        "phase = 'reconstructing'",
        "lease_holder = 'x', lease_expires_at = now()",
        "status = 'failed', completed_at = now()",
        "cancel_requested = true",
        "completed_at = now()",
        "target_time = now()",
        "coordinates_file = 'binlog.000001', coordinates_position = 4",
        "expired_at = now()",
        "kind = 'pitr'",
        "retention_days = 0",
    ] {
        let sql = format!("UPDATE runs SET {change} WHERE id = '{}'", run.id);
        assert!(client.execute(&sql, &[]).await.is_err(), "{change}");
    }
    let other = Tenant::create(&world.store, "beta").await.unwrap().id;
    let sql = format!("UPDATE runs SET tenant_id = '{other}' WHERE id = '{}'", run.id);
    assert!(client.execute(&sql, &[]).await.is_err(), "a run of another tenant's server");
}
