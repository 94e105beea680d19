//! What a server is at, of which a commit with an old time can still come.

#![expect(clippy::unwrap_used, reason = "a test's helpers fail as its tests do")]

use std::time::{Duration, Instant};

use backtrail_devstack::{DatabaseAddress, DatabaseOptions, MariaDb, StackDirectory};
use backtrail_source::{Connection, ServerFacts, SourceEndpoint};
use time::OffsetDateTime;

fn endpoint(address: &DatabaseAddress) -> SourceEndpoint {
    SourceEndpoint::new(&address.host, address.port, &address.user, address.password.as_str().into())
}

/// Waits until the statement is running; then, what the oldest one's beginning is said to be.
async fn while_running(
    endpoint: &SourceEndpoint,
    facts: &ServerFacts,
    statement: &'static str,
) -> Option<OffsetDateTime> {
    let other = endpoint.clone();
    let running = tokio::spawn(async move { other.connect().await.unwrap().query(statement).await.map(drop) });
    let mut connection = endpoint.connect().await.unwrap();
    let deadline = Instant::now() + Duration::from_secs(10);
    let sleeping = "SELECT COUNT(*) FROM information_schema.PROCESSLIST WHERE STATE = 'User sleep'";
    while connection.scalar(sleeping).await.unwrap().as_deref() != Some("1") {
        assert!(Instant::now() < deadline, "`{statement}` does not run");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    let oldest = connection.oldest_statement(facts).await.unwrap();
    running.await.unwrap().unwrap();
    oldest
}

async fn clock(connection: &mut Connection) -> OffsetDateTime {
    connection.clock().await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_oldest_statement_that_may_write() {
    let directory = StackDirectory::create("activity").unwrap();
    let source = MariaDb::start(&directory.path().join("mariadb"), DatabaseOptions::default()).await.unwrap();
    let address = source.address();
    address.execute(["CREATE DATABASE shop", "CREATE TABLE shop.t (id INT PRIMARY KEY)"]).await.unwrap();
    let endpoint = endpoint(address);
    let mut connection = endpoint.connect().await.unwrap();
    let facts = connection.facts().await.unwrap();
    assert!(!facts.has_exact_commit_times());
    assert_eq!(connection.oldest_statement(&facts).await.unwrap(), None);

    let before = clock(&mut connection).await;
    let began = while_running(&endpoint, &facts, "INSERT INTO shop.t SELECT 1 + SLEEP(2)").await;
    let after = clock(&mut connection).await;
    let began = began.unwrap_or_else(|| panic!("an INSERT is running"));
    // What it committed carries the time at which it began; that is taken for a little earlier rather than later, by as
    // long as the question takes.
    let second = Duration::from_secs(1);
    assert!(before - second <= began && began < after - second, "{before} {began} {after}");
    assert_eq!(connection.oldest_statement(&facts).await.unwrap(), None);

    // A dump's SELECT of hours holds nothing up; where there are functions to call, it might write.
    assert_eq!(while_running(&endpoint, &facts, "SELECT SLEEP(1)").await, None);
    address.execute(["CREATE FUNCTION shop.f() RETURNS INT DETERMINISTIC RETURN 1"]).await.unwrap();
    assert!(while_running(&endpoint, &facts, "SELECT SLEEP(1)").await.is_some());
}
