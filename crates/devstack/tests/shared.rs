//! What tests share: with `devstack run` its parts, without it parts of the test's own.

mod support;

use std::process::Command;

use backtrail_devstack::shared::STATE_VARIABLE;
use backtrail_devstack::{TestBucket, TestDatabase, TestSchema, TestVhost};
use mysql_async::prelude::Queryable;
use support::processes_of;

#[tokio::test]
async fn every_test_has_a_place_of_its_own() {
    let (one, other) = tokio::try_join!(TestDatabase::create(), TestDatabase::create()).expect("databases");
    assert_ne!(one.url(), other.url());
    let (client, connection) = tokio_postgres::connect(one.url(), tokio_postgres::NoTls).await.expect("connected");
    tokio::spawn(connection);
    client.batch_execute("CREATE TABLE t (i int)").await.expect("table");

    let schema = TestSchema::on_mariadb().await.expect("schema");
    let mut connection = mysql_async::Conn::new(schema.opts()).await.expect("connected");
    let current: Option<String> = connection.query_first("SELECT DATABASE()").await.expect("asked");
    assert_eq!(current.as_deref(), Some(schema.name()));

    let vhost = TestVhost::create().await.expect("vhost");
    let queues = vhost.broker.management(reqwest::Method::GET, &format!("queues/{}", vhost.name())).await;
    assert_eq!(queues.expect("answered"), serde_json::json!([]));
    assert!(vhost.url().ends_with(vhost.name()));

    let bucket = TestBucket::create().await.expect("bucket");
    assert!(bucket.server.directory.join(bucket.name()).is_dir());
}

/// Not a test of its own: what the next one runs in another process, with and without shared parts.
#[tokio::test]
async fn where_the_postgres_is() {
    if let Some(file) = std::env::var_os("BACKTRAIL_TEST_ANSWER") {
        let database = TestDatabase::create().await.expect("database");
        std::fs::write(file, format!("{} {}", database.server.port, std::env::temp_dir().display())).expect("written");
    }
}

#[test]
fn the_variable_decides_whose_parts_are_used() {
    let scratch = tempfile::Builder::new().prefix("bt").tempdir().expect("directory");
    let ask = |command: &mut Command| {
        let answer = scratch.path().join("answer");
        let status = command.env("BACKTRAIL_TEST_ANSWER", &answer).env("TMPDIR", scratch.path()).status();
        assert!(status.expect("run").success());
        std::fs::read_to_string(answer).expect("answer")
    };
    let this = std::env::current_exe().expect("this program");
    let arguments = ["--exact", "where_the_postgres_is"];
    let port_of = |answer: &str| answer.split(' ').next().map(str::to_owned);

    // Without the variable every process has its own, and takes it along when it ends.
    let one = ask(Command::new(&this).args(arguments).env_remove(STATE_VARIABLE));
    let other = ask(Command::new(&this).args(arguments).env_remove(STATE_VARIABLE));
    assert_ne!(port_of(&one), port_of(&other));
    support::eventually("the parts of an ended test stay", std::time::Duration::from_secs(10), || {
        processes_of(scratch.path()).is_empty()
            && std::fs::read_dir(scratch.path()).is_ok_and(|entries| entries.count() == 1)
    });

    // Two tests in one run use the same.
    let script = "\"$0\" \"$@\" && cp \"$BACKTRAIL_TEST_ANSWER\" \"$BACKTRAIL_TEST_ANSWER.1\" && \"$0\" \"$@\"";
    let second = ask(Command::new(env!("CARGO_BIN_EXE_devstack"))
        .env_remove(STATE_VARIABLE)
        .args(["run", "--parts", "postgres", "--", "sh", "-c", script])
        .arg(&this)
        .args(arguments));
    let first = std::fs::read_to_string(scratch.path().join("answer.1")).expect("answer");
    assert_eq!(port_of(&first), port_of(&second));
}
