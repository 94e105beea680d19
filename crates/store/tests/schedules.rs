//! Schedules: each slot fires once, however many schedulers look.

#![expect(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]

mod support;

use std::time::Duration;

use backtrail_domain::{MissedRunPolicy, RunStatus, ScheduleId, Zone};
use backtrail_store::{
    BackupRun, FireOutcome, Fired, NewSchedule, Schedule, ScheduleChanges, Server, StoreError, Tenant,
};
use support::{World, new_server};

fn new_schedule(world: &World) -> NewSchedule {
    NewSchedule {
        tenant_id: world.tenant,
        server_id: world.server,
        schedule_cron: "0 2 * * *".parse().unwrap(),
        timezone: Zone::utc(),
        backup_tool: "mydumper".to_owned(),
        retention_days: 30,
        s3_prefix: Some("team-a".to_owned()),
        enabled: true,
        missed_run_policy: MissedRunPolicy::RunOnce,
        jitter_seconds: 0,
    }
}

async fn create(world: &World) -> Schedule {
    Schedule::create(&world.store, new_schedule(world)).await.unwrap()
}

/// Makes every slot one that came that long ago.
async fn due_since(world: &World, interval: &str) {
    world
        .sql(&format!(
            "UPDATE schedules SET next_run_at = now() - interval '{interval}', due_at = now() - interval '{interval}' WHERE enabled"
        ))
        .await;
}

async fn fire(world: &World) -> Vec<Fired> {
    Schedule::claim_due(&world.store, 100).await.unwrap()
}

#[tokio::test]
async fn created_changed_and_deleted() {
    let world = World::new().await;
    let store = &world.store;
    let made = create(&world).await;
    let now = store.now().await.unwrap();
    assert_eq!(made.next_run_at, made.schedule_cron.next_after(now, &made.timezone));
    assert_eq!((made.server_name.as_str(), made.last_run, made.last_status), ("production-db", None, None));
    assert_eq!(Schedule::find(store, world.tenant, made.id).await.unwrap(), Some(made.clone()));
    assert_eq!(Schedule::list(store, world.tenant).await.unwrap(), std::slice::from_ref(&made));

    let change = async |changes| Schedule::update(store, world.tenant, made.id, changes).await.unwrap();
    let changes = ScheduleChanges { enabled: Some(false), retention_days: Some(7), ..ScheduleChanges::default() };
    let changed = change(changes).await;
    assert_eq!((changed.enabled, changed.retention_days, changed.next_run_at), (false, 7, None));
    assert_eq!(changed.s3_prefix.as_deref(), Some("team-a"));
    let changes = ScheduleChanges {
        enabled: Some(true),
        schedule_cron: Some("0 3 * * 0".parse().unwrap()),
        timezone: Some("Europe/Berlin".parse().unwrap()),
        s3_prefix: Some(None),
        ..ScheduleChanges::default()
    };
    let changed = change(changes).await;
    assert_eq!(changed.next_run_at, changed.schedule_cron.next_after(now, &changed.timezone));
    assert_eq!((changed.timezone.name(), changed.s3_prefix.as_deref()), ("Europe/Berlin", None));
    // A slot that is due is not lost by a change that has nothing to do with it.
    due_since(&world, "1 minute").await;
    let changed = change(ScheduleChanges { retention_days: Some(8), ..ScheduleChanges::default() }).await;
    assert!(changed.next_run_at.unwrap() < store.now().await.unwrap());

    let other = Tenant::create(store, "beta").await.unwrap().id;
    assert_eq!(Schedule::find(store, other, made.id).await.unwrap(), None);
    let foreign = Schedule::update(store, other, made.id, ScheduleChanges::default()).await;
    assert!(matches!(foreign, Err(StoreError::NotFound { .. })));
    assert!(matches!(Schedule::delete(store, other, made.id).await, Err(StoreError::NotFound { .. })));
    let foreign = NewSchedule { tenant_id: other, ..new_schedule(&world) };
    assert!(matches!(Schedule::create(store, foreign).await, Err(StoreError::NotFound { .. })));
    Schedule::delete(store, world.tenant, made.id).await.unwrap();
    assert!(matches!(Schedule::delete(store, world.tenant, made.id).await, Err(StoreError::NotFound { .. })));
}

#[tokio::test]
async fn a_slot_fires_once_for_many_schedulers() {
    let world = World::new().await;
    let store = &world.store;
    let mut schedules = vec![create(&world).await.id];
    for name in ["a", "b", "c", "d"] {
        let server_id = Server::create(store, &world.key, new_server(world.tenant, name)).await.unwrap().id;
        let new = NewSchedule { server_id, ..new_schedule(&world) };
        schedules.push(Schedule::create(store, new).await.unwrap().id);
    }
    assert_eq!(fire(&world).await, []);
    due_since(&world, "1 minute").await;
    let sweeps: Vec<_> = (0..4)
        .map(|_| {
            let store = store.clone();
            tokio::spawn(async move { Schedule::claim_due(&store, 100).await.unwrap() })
        })
        .collect();
    let mut fired: Vec<ScheduleId> = Vec::new();
    for sweep in sweeps {
        for one in sweep.await.unwrap() {
            assert!(matches!(one.outcome, FireOutcome::Started(_)), "{one:?}");
            assert!(one.next_run_at.unwrap() > one.slot);
            fired.push(one.schedule_id);
        }
    }
    fired.sort_unstable();
    schedules.sort_unstable();
    assert_eq!(fired, schedules);
    assert_eq!(world.count("SELECT count(*) FROM runs").await, 5);
    assert_eq!(world.count("SELECT count(*) FROM outbox").await, 5);
    assert_eq!(fire(&world).await, []);
}

#[tokio::test]
async fn a_run_carries_what_its_schedule_says() {
    let world = World::new().await;
    let made = create(&world).await;
    due_since(&world, "1 minute").await;
    let fired = fire(&world).await;
    let FireOutcome::Started(id) = fired[0].outcome else { panic!("{fired:?}") };
    let run = BackupRun::by_id(&world.store, id).await.unwrap().unwrap();
    assert_eq!((run.schedule_id, run.retention_days), (Some(made.id), 30));
    assert_eq!(run.s3_prefix.as_deref(), Some("team-a"));
    let shown = Schedule::find(&world.store, world.tenant, made.id).await.unwrap().unwrap();
    assert_eq!((shown.last_run, shown.last_status), (Some(run.started_at), Some(RunStatus::Running)));

    // A slot while it runs is left out; the schedule goes on.
    due_since(&world, "1 minute").await;
    let fired = fire(&world).await;
    assert_eq!(fired[0].outcome, FireOutcome::AlreadyRunning);
    assert!(fired[0].next_run_at.unwrap() > world.store.now().await.unwrap());
    BackupRun::request_cancel(&world.store, world.tenant, id).await.unwrap();
    due_since(&world, "1 minute").await;
    assert!(matches!(fire(&world).await[0].outcome, FireOutcome::Started(_)));
    let shown = Schedule::find(&world.store, world.tenant, made.id).await.unwrap().unwrap();
    assert_eq!(shown.last_status, Some(RunStatus::Running));
    // Its runs outlive it.
    Schedule::delete(&world.store, world.tenant, made.id).await.unwrap();
    assert_eq!(BackupRun::by_id(&world.store, id).await.unwrap().unwrap().schedule_id, None);
}

#[tokio::test]
async fn missed_slots() {
    let world = World::new().await;
    let made = create(&world).await;
    due_since(&world, "3 days").await;
    let fired = fire(&world).await;
    assert!(matches!(fired[..], [Fired { outcome: FireOutcome::Started(id), .. }] if id.0 != made.id.0), "{fired:?}");
    world.sql("UPDATE schedules SET missed_run_policy = 'skip'").await;
    due_since(&world, "3 days").await;
    assert_eq!(fire(&world).await[0].outcome, FireOutcome::Missed);
    assert_eq!(fire(&world).await, []);
    assert_eq!(world.count("SELECT count(*) FROM runs").await, 1);
}

#[tokio::test]
async fn one_bad_schedule_stops_no_other() {
    let world = World::new().await;
    let bad = create(&world).await;
    let server_id = Server::create(&world.store, &world.key, new_server(world.tenant, "b")).await.unwrap().id;
    let good = Schedule::create(&world.store, NewSchedule { server_id, ..new_schedule(&world) }).await.unwrap();
    due_since(&world, "1 minute").await;
    world
        .sql(&format!(
            "UPDATE schedules SET schedule_cron = 'x', due_at = now() - interval '30 seconds' WHERE id = '{}'",
            bad.id
        ))
        .await;
    world.sql(&format!("UPDATE schedules SET due_at = now() - interval '10 seconds' WHERE id = '{}'", good.id)).await;
    let fired = fire(&world).await;
    assert_eq!(fired.iter().map(|one| one.schedule_id).collect::<Vec<_>>(), [good.id]);
}

#[tokio::test]
async fn jitter_delays_a_slot_but_does_not_move_it() {
    let world = World::new().await;
    let new = NewSchedule { jitter_seconds: 3600, ..new_schedule(&world) };
    let made = Schedule::create(&world.store, new).await.unwrap();
    let late = world.count("SELECT extract(epoch FROM due_at - next_run_at)::bigint FROM schedules").await;
    assert!((0..=3600).contains(&late));
    assert_eq!(made.next_run_at.unwrap().minute(), 0);
    world
        .sql("UPDATE schedules SET next_run_at = now() - interval '1 minute', due_at = now() + interval '1 minute'")
        .await;
    assert_eq!(fire(&world).await, []);
}

#[tokio::test]
async fn a_removed_server_is_not_backed_up() {
    let world = World::new().await;
    let made = create(&world).await;
    due_since(&world, "1 minute").await;
    Server::soft_delete(&world.store, world.tenant, world.server).await.unwrap();
    assert_eq!(fire(&world).await, []);
    let shown = Schedule::find(&world.store, world.tenant, made.id).await.unwrap().unwrap();
    assert!(!shown.enabled);
    let enable = ScheduleChanges { enabled: Some(true), ..ScheduleChanges::default() };
    let refused = Schedule::update(&world.store, world.tenant, made.id, enable).await;
    assert!(matches!(refused, Err(StoreError::NotFound { .. })));
    tokio::time::timeout(Duration::from_secs(5), fire(&world)).await.unwrap();
}
