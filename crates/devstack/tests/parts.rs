//! Each part starts, serves, restarts and stops, and leaves nothing behind.

mod support;

use std::time::Duration;

use backtrail_devstack::{DatabaseOptions, MariaDb, MySql, Postgres, RabbitMq, StackDirectory};
use mysql_async::prelude::Queryable;
use support::{eventually, processes_of};

fn assert_nothing_left(directory: StackDirectory) {
    // A killed Erlang node's helper programs need a moment to notice.
    eventually("processes stay behind", Duration::from_secs(2), || processes_of(directory.path()).is_empty());
    let path = directory.path().to_owned();
    drop(directory);
    assert!(!path.exists());
}

#[tokio::test]
async fn postgres_serves_and_survives_restart_and_crash() {
    let directory = StackDirectory::create("pg").expect("directory");
    let mut postgres = Postgres::start(&directory.path().join("postgres")).await.expect("started");
    let url = postgres.create_database("shop").await.expect("database");
    let count = async |url: &str| -> i64 {
        let (client, connection) = tokio_postgres::connect(url, tokio_postgres::NoTls).await.expect("connected");
        tokio::spawn(connection);
        client
            .batch_execute("CREATE TABLE IF NOT EXISTS t (i int); INSERT INTO t VALUES (1);")
            .await
            .expect("inserted");
        client.query_one("SELECT count(*) FROM t", &[]).await.expect("counted").get(0)
    };
    assert_eq!(count(&url).await, 1);
    postgres.restart().await.expect("restarted");
    assert_eq!(count(&url).await, 2);
    postgres.kill();
    assert!(tokio_postgres::connect(&url, tokio_postgres::NoTls).await.is_err());
    postgres.start_again().await.expect("started again");
    assert_eq!(count(&url).await, 3);
    assert!(!processes_of(directory.path()).is_empty());
    assert!(processes_of(directory.path()).iter().all(|line| !line.contains(&postgres.password)));
    drop(postgres);
    assert_nothing_left(directory);
}

#[tokio::test]
async fn mariadb_serves_and_survives_restart_and_crash() {
    let directory = StackDirectory::create("maria").expect("directory");
    let options = DatabaseOptions { server_id: 77, ..DatabaseOptions::with_arguments(["--max-allowed-packet=32M"]) };
    let mut mariadb = MariaDb::start(&directory.path().join("mariadb"), options).await.expect("started");
    let mut connection = mariadb.connect().await.expect("connected");
    let settings: (u64, String, u32, u64) = connection
        .query_first("SELECT @@log_bin, @@binlog_format, @@server_id, @@max_allowed_packet")
        .await
        .expect("asked")
        .expect("a row");
    assert_eq!(settings, (1, "ROW".to_owned(), 77, 32 * 1024 * 1024));
    let gtid: Option<String> = connection.query_first("SELECT @@gtid_binlog_pos").await.expect("asked");
    assert_eq!(gtid.as_deref(), Some(""), "starting leaves no transaction in the binary log");
    let schema = mariadb.create_test_schema().await.expect("schema");
    mariadb.execute([format!("CREATE TABLE `{schema}`.t (i INT PRIMARY KEY)")]).await.expect("table");
    mariadb.restart().await.expect("restarted");
    mariadb.execute([format!("INSERT INTO `{schema}`.t VALUES (1)")]).await.expect("row");
    mariadb.kill();
    mariadb.start_again().await.expect("started again");
    let mut connection = mariadb.connect().await.expect("connected");
    let count: Option<u64> = connection.query_first(format!("SELECT count(*) FROM `{schema}`.t")).await.expect("asked");
    assert_eq!(count, Some(1));
    assert!(processes_of(directory.path()).iter().all(|line| !line.contains(&mariadb.password)));
    drop(connection);
    drop(mariadb);
    assert_nothing_left(directory);
}

#[tokio::test]
async fn mysql_serves_with_gtids() {
    if !MySql::available() {
        eprintln!("skipped: no MySQL installed (`devstack install --mysql`)");
        return;
    }
    let directory = StackDirectory::create("mysql").expect("directory");
    let mut mysql = MySql::start(&directory.path().join("mysql"), DatabaseOptions::default()).await.expect("started");
    let mut connection = mysql.connect().await.expect("connected");
    let settings: (u64, String, String) =
        connection.query_first("SELECT @@log_bin, @@binlog_format, @@gtid_mode").await.expect("asked").expect("a row");
    assert_eq!(settings, (1, "ROW".to_owned(), "ON".to_owned()));
    let gtids: Option<String> = connection.query_first("SELECT @@gtid_executed").await.expect("asked");
    assert_eq!(gtids.as_deref(), Some(""), "starting leaves no transaction in the binary log");
    drop(connection);
    mysql.create_test_schema().await.expect("schema");
    mysql.kill();
    mysql.start_again().await.expect("started again");
    mysql.stop().await;
    assert_nothing_left(directory);
}

#[tokio::test]
async fn rabbitmq_serves_and_survives_restart_and_crash() {
    let directory = StackDirectory::create("rabbit").expect("directory");
    let mut rabbitmq = RabbitMq::start(&directory.path().join("rabbitmq")).await.expect("started");
    let url = rabbitmq.create_vhost("team/a").await.expect("vhost");
    assert!(url.ends_with("/team%2Fa"), "{url}");
    let vhosts = async |rabbitmq: &RabbitMq| {
        let answer = rabbitmq.management(reqwest::Method::GET, "vhosts").await.expect("answered");
        answer.as_array().map(Vec::len)
    };
    assert_eq!(vhosts(&rabbitmq).await, Some(2));
    assert_eq!(rabbitmq.close_connections().await.expect("closed"), 0);
    rabbitmq.restart().await.expect("restarted");
    assert_eq!(vhosts(&rabbitmq).await, Some(2));
    rabbitmq.kill();
    rabbitmq.start_again().await.expect("started again");
    rabbitmq.delete_vhost("team/a").await.expect("deleted");
    assert_eq!(vhosts(&rabbitmq).await, Some(1));
    assert!(processes_of(directory.path()).iter().all(|line| !line.contains(&rabbitmq.password)));
    drop(rabbitmq);
    assert_nothing_left(directory);
}
