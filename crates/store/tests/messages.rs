//! The outbox and idempotency keys, and a database that goes away.

#![expect(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]

mod support;

use std::time::Duration;

use backtrail_devstack::{Postgres, StackDirectory};
use backtrail_domain::Permission;
use backtrail_store::idempotency::{self, Answer, Begun, Caller, First, Kept};
use backtrail_store::{ApiKey, BackupRun, NewApiKey, RunFilter, Store, StoreError, StoreSettings, Tenant, outbox};
use support::{LEASE, World};

#[tokio::test]
async fn relays_share_the_outbox() {
    let world = World::new().await;
    let store = &world.store;
    world.backup().await;
    backtrail_store::PitrRun::create(store, world.new_pitr(None)).await.unwrap();
    assert_eq!(outbox::backlog(store).await.unwrap().0, 2);
    let first = outbox::relay_batch(store, 1, LEASE).await.unwrap();
    let second = outbox::relay_batch(store, 10, LEASE).await.unwrap();
    assert_eq!((first.len(), second.len()), (1, 1));
    assert_ne!(first[0].kind, second[0].kind);
    assert_eq!(outbox::relay_batch(store, 10, LEASE).await.unwrap(), []);
    // The broker refused one: another try at once.
    outbox::release(store, &[first[0].id]).await.unwrap();
    assert_eq!(outbox::relay_batch(store, 10, LEASE).await.unwrap(), first);
    // A relay died holding the other: another try after a while.
    world.sql("UPDATE outbox SET held_until = now() - interval '1 second'").await;
    assert_eq!(outbox::relay_batch(store, 10, LEASE).await.unwrap().len(), 2);
    outbox::mark_published(store, &[first[0].id, second[0].id]).await.unwrap();
    world.sql("UPDATE outbox SET held_until = NULL").await;
    assert_eq!(outbox::relay_batch(store, 10, LEASE).await.unwrap(), []);
    assert_eq!(outbox::backlog(store).await.unwrap(), (0, 0));
    assert_eq!(outbox::prune(store, Duration::from_secs(60)).await.unwrap(), 0);
    world.sql("UPDATE outbox SET published_at = now() - interval '2 minutes'").await;
    assert_eq!(outbox::prune(store, Duration::from_secs(60)).await.unwrap(), 2);
}

#[tokio::test]
async fn the_same_key_gives_the_first_answer() {
    let world = World::new().await;
    let store = &world.store;
    let caller = caller(&world, 1).await;
    let begin = async |key: &str, sum: u8| idempotency::begin(store, caller, key, &[sum; 32]).await.unwrap();
    let answer = answer();
    let (first, other) = match tokio::join!(begin("k", 1), begin("k", 1)) {
        (Begun::First(first), other) | (other, Begun::First(first)) => (first, other),
        both => panic!("{both:?}"),
    };
    assert_eq!(other, Begun::InProgress);
    assert_eq!(begin("k", 2).await, Begun::Mismatch);
    idempotency::finish(store, &first, &answer).await.unwrap();
    assert_eq!(begin("k", 1).await, Begun::Replay(answer.clone()));
    assert_eq!(begin("k", 2).await, Begun::Mismatch);
    // An answer that was given is not abandoned.
    idempotency::abandon(store, &first).await.unwrap();
    assert_eq!(begin("k", 1).await, Begun::Replay(answer));
    let other = self::caller(&world, 2).await;
    is_first(idempotency::begin(store, other, "k", &[2; 32]).await.unwrap());

    let failed = is_first(begin("failed", 1).await);
    idempotency::abandon(store, &failed).await.unwrap();
    is_first(begin("failed", 2).await);
    // Whoever began it died.
    world.sql("UPDATE idempotency SET begun_at = now() - interval '2 minutes' WHERE key = 'failed'").await;
    is_first(begin("failed", 2).await);
    world.sql("UPDATE idempotency SET begun_at = now() - interval '25 hours' WHERE key = 'k'").await;
    is_first(begin("k", 2).await);
    world.sql("UPDATE idempotency SET begun_at = now() - interval '25 hours'").await;
    assert_eq!(idempotency::prune(store).await.unwrap(), 3);
}

/// Whoever dies between a run and the answer has either made both or neither.
#[tokio::test]
async fn an_answer_is_stored_with_what_it_tells_of() {
    let world = World::new().await;
    let store = &world.store;
    let caller = caller(&world, 1).await;
    let begin = async || idempotency::begin(store, caller, "k", &[1; 32]).await.unwrap();
    let first = is_first(begin().await);
    let keep = |first: &First| Ok(Some(Kept { first: first.clone(), answer: answer() }));

    // A request that was taken for dead, and whose work another one does now, makes nothing.
    world.sql("UPDATE idempotency SET begun_at = now() - interval '2 minutes'").await;
    let second = is_first(begin().await);
    let error = BackupRun::create_answered(store, world.new_backup(), |_| keep(&first)).await.unwrap_err();
    assert!(matches!(error, StoreError::LostRace { what: idempotency::IDEMPOTENCY_KEY, .. }), "{error:?}");
    assert_eq!(begin().await, Begun::InProgress);

    // Here the process dies: nobody finishes the request.
    let run = BackupRun::create_answered(store, world.new_backup(), |_| keep(&second)).await.unwrap();
    assert_eq!(begin().await, Begun::Replay(answer()));
    let all = BackupRun::list(store, &RunFilter::of(world.tenant)).await.unwrap().items;
    assert_eq!(all.iter().map(|run| run.id).collect::<Vec<_>>(), [run.id]);
}

fn answer() -> Answer {
    Answer { status: 202, content_type: "application/json".to_owned(), body: b"{\"a\":1}".to_vec() }
}

#[track_caller]
fn is_first(begun: Begun) -> First {
    match begun {
        Begun::First(first) => first,
        other => panic!("{other:?}"),
    }
}

async fn caller(world: &World, sum: u8) -> Caller {
    let new = NewApiKey {
        tenant_id: world.tenant,
        name: "test".to_owned(),
        prefix: format!("bt_live_{sum}"),
        sha256: [sum; 32],
        permissions: vec![Permission::BackupCreate],
        role: None,
        expires_at: None,
    };
    let api_key_id = ApiKey::create(&world.store, new).await.unwrap().id;
    Caller { tenant_id: world.tenant, api_key_id }
}

#[tokio::test]
async fn a_database_that_restarts_is_used_again() {
    let directory = StackDirectory::create("store").unwrap();
    let mut postgres = Postgres::start(&directory.path().join("postgres")).await.unwrap();
    let url = postgres.address().create_test_database().await.unwrap();
    let mut settings = StoreSettings::for_url(&url);
    settings.database_timeout = Duration::from_secs(3);
    let store = Store::connect(&settings).await.unwrap();
    store.migrate().await.unwrap();
    Tenant::create(&store, "acme").await.unwrap();
    postgres.kill();
    let error = Tenant::create(&store, "beta").await.unwrap_err();
    assert!(error.retryable(), "{error:?}");
    assert!(store.ping().await.unwrap_err().retryable());
    postgres.start_again().await.unwrap();
    // No broken connection is left in the pool.
    for name in ["beta", "gamma", "delta"] {
        Tenant::create(&store, name).await.unwrap();
    }
    postgres.restart().await.unwrap();
    assert_eq!(Tenant::list(&store).await.unwrap().len(), 4);
}

#[tokio::test]
async fn a_commit_without_an_answer_is_unknown() {
    let world = World::new().await;
    let client = world.client().await;
    // The connection breaks while the transaction is being committed, or before.
    let trigger = |timing: &str| {
        format!(
            "CREATE OR REPLACE FUNCTION die() RETURNS trigger LANGUAGE plpgsql AS
             $$ BEGIN PERFORM pg_terminate_backend(pg_backend_pid()); RETURN NULL; END $$;
             DROP TRIGGER IF EXISTS die ON tenants;
             CREATE CONSTRAINT TRIGGER die AFTER INSERT ON tenants DEFERRABLE INITIALLY {timing}
             FOR EACH ROW EXECUTE FUNCTION die()"
        )
    };
    client.batch_execute(&trigger("DEFERRED")).await.unwrap();
    let error = Tenant::create(&world.store, "beta").await.unwrap_err();
    assert!(matches!(error, StoreError::Unknown { .. }), "{error:?}");
    assert!(!error.retryable());
    client.batch_execute(&trigger("IMMEDIATE")).await.unwrap();
    let error = Tenant::create(&world.store, "beta").await.unwrap_err();
    assert!(matches!(error, StoreError::Unavailable { .. }), "{error:?}");
    client.batch_execute("DROP TRIGGER die ON tenants").await.unwrap();
    Tenant::create(&world.store, "beta").await.unwrap();
}
