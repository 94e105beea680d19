//! The outbox and idempotency keys, and a database that goes away.

#![expect(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]

mod support;

use std::time::Duration;

use backtrail_devstack::{Postgres, StackDirectory};
use backtrail_store::idempotency::{self, Answer, Begun};
use backtrail_store::{Store, StoreError, StoreSettings, Tenant, outbox};
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
    let (store, tenant) = (&world.store, world.tenant);
    let begin = async |key: &str, sum: u8| idempotency::begin(store, tenant, key, &[sum; 32]).await.unwrap();
    let answer = Answer { status: 202, content_type: "application/json".to_owned(), body: b"{\"a\":1}".to_vec() };
    let (a, b) = tokio::join!(begin("k", 1), begin("k", 1));
    assert!(matches!((&a, &b), (Begun::First, Begun::InProgress) | (Begun::InProgress, Begun::First)), "{a:?} {b:?}");
    assert_eq!(begin("k", 2).await, Begun::Mismatch);
    idempotency::finish(store, tenant, "k", &answer).await.unwrap();
    assert_eq!(begin("k", 1).await, Begun::Replay(answer.clone()));
    assert_eq!(begin("k", 2).await, Begun::Mismatch);
    // An answer that was given is not abandoned.
    idempotency::abandon(store, tenant, "k").await.unwrap();
    assert_eq!(begin("k", 1).await, Begun::Replay(answer));
    let other = Tenant::create(store, "beta").await.unwrap().id;
    assert_eq!(idempotency::begin(store, other, "k", &[2; 32]).await.unwrap(), Begun::First);

    assert_eq!(begin("failed", 1).await, Begun::First);
    idempotency::abandon(store, tenant, "failed").await.unwrap();
    assert_eq!(begin("failed", 2).await, Begun::First);
    // Whoever began it died.
    world.sql("UPDATE idempotency SET begun_at = now() - interval '2 minutes' WHERE key = 'failed'").await;
    assert_eq!(begin("failed", 2).await, Begun::First);
    world.sql("UPDATE idempotency SET begun_at = now() - interval '25 hours' WHERE key = 'k'").await;
    assert_eq!(begin("k", 2).await, Begun::First);
    world.sql("UPDATE idempotency SET begun_at = now() - interval '25 hours'").await;
    assert_eq!(idempotency::prune(store).await.unwrap(), 3);
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
