//! The main job with a mydumper that knows newer MySQL servers, and what is said of one that does not.

use std::time::Duration;

use anyhow::Context;
use backtrail_devstack::{DatabaseAddress, Family};
use backtrail_tests::{World, WorldOptions, contents, execute, load, newer_mydumper, stock_mydumper};
use mysql_async::prelude::Queryable;
use serde_json::{Value, json};

/// What the README says that a source's account needs.
const GRANTS: &str =
    "SELECT, RELOAD, LOCK TABLES, SHOW VIEW, TRIGGER, EVENT, PROCESS, REPLICATION SLAVE, REPLICATION CLIENT";
const PASSWORD: &str = "s'p\"a#c e\\d;";

/// What both families have.
const TABLES: &[&str] = &[
    "CREATE DATABASE shop CHARACTER SET utf8mb4",
    "CREATE TABLE shop.orders (id BIGINT UNSIGNED NOT NULL AUTO_INCREMENT PRIMARY KEY, total DECIMAL(12,2), note TEXT, \
     ordered INT, doubled INT GENERATED ALWAYS AS (ordered * 2) STORED, \
     placed TIMESTAMP(6) NOT NULL DEFAULT CURRENT_TIMESTAMP(6))",
    "CREATE TABLE shop.`odd, name` (k VARCHAR(40) COLLATE utf8mb4_bin NOT NULL, part DECIMAL(9,3) NOT NULL, \
     v VARBINARY(60), flags BIT(9), PRIMARY KEY (k, part))",
    "CREATE TABLE shop.documents (id INT NOT NULL PRIMARY KEY, v JSON)",
    "CREATE TABLE shop.empty_one (id INT NOT NULL PRIMARY KEY)",
    "CREATE TABLE shop.many (id INT NOT NULL PRIMARY KEY, v VARCHAR(300), b BINARY(8))",
    "CREATE VIEW shop.paid AS SELECT id, total FROM shop.orders",
    "CREATE TRIGGER shop.watch BEFORE INSERT ON shop.empty_one FOR EACH ROW SET @watched = 1",
    "CREATE PROCEDURE shop.nothing() SELECT 1",
    "CREATE EVENT shop.never ON SCHEDULE AT '2037-01-01' DO SELECT 1",
    "INSERT INTO shop.orders (total, note, ordered) VALUES (1.50, 'first', 1), (-2.25, 'it''s \\\\ \\n \\0', 2), (NULL, NULL, NULL)",
    "INSERT INTO shop.`odd, name` VALUES ('a', 1.5, x'00ff2700', 257), ('A', 1.5, NULL, NULL), ('ž', -0.001, '', 0)",
];

/// What MySQL alone has.
const VECTORS: &[&str] = &[
    "CREATE TABLE shop.vectors (id INT NOT NULL PRIMARY KEY, v VECTOR(3))",
    "INSERT INTO shop.vectors VALUES (1, STRING_TO_VECTOR('[1.5, -2, 3e-5]')), (2, NULL)",
];

const CHANGES: &[&str] = &[
    "UPDATE shop.orders SET note = 'changed', total = total + 1, ordered = 7 WHERE id = 2",
    "DELETE FROM shop.orders WHERE id = 1",
    "INSERT INTO shop.orders (note) VALUES (REPEAT('long ', 1000))",
    "UPDATE shop.`odd, name` SET k = 'swap' WHERE k = BINARY 'a'",
    "UPDATE shop.`odd, name` SET k = 'a' WHERE k = BINARY 'A'",
    "UPDATE shop.`odd, name` SET k = 'A' WHERE k = 'swap'",
    "UPDATE shop.documents SET v = JSON_SET(v, '$.a', 'changed', '$.n', id) WHERE id % 2 = 0",
    "UPDATE shop.documents SET v = JSON_REMOVE(v, '$.long') WHERE id % 3 = 0",
    "UPDATE shop.many SET v = CONCAT('changed ', id) WHERE id % 1000 = 7",
    "DELETE FROM shop.many WHERE id BETWEEN 11000 AND 12000",
    "UPDATE shop.many SET id = id + 1000000 WHERE id < 100",
];

const LATER: &[&str] = &[
    "DELETE FROM shop.orders",
    "UPDATE shop.`odd, name` SET v = 'late'",
    "DELETE FROM shop.many",
    "DELETE FROM shop.documents",
];

/// Rows that fill several files of the dump.
async fn fill(source: &DatabaseAddress) -> anyhow::Result<()> {
    let mut connection = source.connect().await?;
    for from in (1..=30_000).step_by(1_000) {
        // BINARY(8) with a trailing zero, which the log leaves out and the dump keeps.
        let rows: Vec<String> = (from..from + 1_000)
            .map(|id| format!("({id}, REPEAT(SHA2({id}, 256), 3), LEFT(UNHEX(SHA2({id}, 256)), 7))"))
            .collect();
        connection.query_drop(format!("INSERT INTO shop.many VALUES {}", rows.join(", "))).await?;
    }
    let documents: Vec<String> = (1..=60)
        .map(|id| {
            format!(r#"({id}, '{{"a": "{id}", "n": {id}.5, "long": "{}", "list": [1, null, true]}}')"#, "x".repeat(400))
        })
        .collect();
    connection.query_drop(format!("INSERT INTO shop.documents VALUES {}", documents.join(", "))).await?;
    connection.disconnect().await?;
    Ok(())
}

/// An account with the documented privileges and no others.
async fn account(source: &DatabaseAddress, more_grants: &str) -> anyhow::Result<DatabaseAddress> {
    let mut connection = source.connect().await?;
    let quoted = PASSWORD.replace('\\', "\\\\").replace('\'', "''");
    connection.query_drop(format!("CREATE USER backtrail@'127.0.0.1' IDENTIFIED BY '{quoted}'")).await?;
    connection.query_drop(format!("GRANT {GRANTS}, {more_grants} ON *.* TO backtrail@'127.0.0.1'")).await?;
    connection.disconnect().await?;
    Ok(DatabaseAddress { user: "backtrail".to_owned(), password: PASSWORD.to_owned(), ..source.clone() })
}

async fn ask(source: &DatabaseAddress, query: &str) -> anyhow::Result<String> {
    let mut connection = source.connect().await?;
    let answer: Option<String> = connection.query_first(query).await?;
    connection.disconnect().await?;
    answer.context("no answer")
}

/// An instant of the source's clock with a quiet second on either side.
async fn quiet_instant(source: &DatabaseAddress) -> anyhow::Result<String> {
    tokio::time::sleep(Duration::from_millis(1_100)).await;
    let now = ask(source, "SELECT DATE_FORMAT(UTC_TIMESTAMP(), '%Y-%m-%dT%H:%i:%sZ')").await?;
    tokio::time::sleep(Duration::from_millis(1_100)).await;
    Ok(now)
}

/// Backs a filled source up, changes it, and compares what comes back at each kind of target.
async fn comes_back(
    world: &World,
    source: &DatabaseAddress,
    scratch: &DatabaseAddress,
    more_grants: &str,
    gtid: &str,
) -> anyhow::Result<()> {
    execute(source, TABLES).await?;
    if source.family == Family::Mysql {
        execute(source, VECTORS).await?;
    }
    fill(source).await?;
    let server = world.register("shop-db", &account(source, more_grants).await?).await?;
    let backup = world.back_up(&server).await?;
    let manifest = &backup["manifest"];
    anyhow::ensure!(manifest["not_a_baseline_because"].is_null(), "{backup}");
    anyhow::ensure!(manifest["coordinates"]["position"].as_u64().is_some_and(|place| place > 4), "{backup}");
    anyhow::ensure!(manifest["tables"]["shop.many"] == 30_000, "{}", manifest["tables"]);
    anyhow::ensure!(backup["warnings"].as_array().is_some_and(Vec::is_empty), "{backup}");
    let id = backup["id"].as_str().context("no id")?;
    let files = world.api.get(&format!("/backup/history/{id}/files")).await?;
    let files: Vec<&str> =
        files.as_array().context("no files")?.iter().filter_map(|file| file["name"].as_str()).collect();
    for part in ["shop-schema-create", "shop-schema-post", "shop.empty_one-schema-triggers", "shop.paid-schema-view"] {
        anyhow::ensure!(files.iter().any(|name| name.starts_with(part)), "{part} is not in {files:?}");
    }
    anyhow::ensure!(files.iter().filter(|name| name.starts_with("shop.many.")).count() > 1, "{files:?}");
    anyhow::ensure!(!files.iter().any(|name| name.starts_with("mysql") || name.starts_with("sys")), "{files:?}");

    execute(source, CHANGES).await?;
    let truth = contents(source, "shop").await?;
    let checksummed = checksums(source).await?;
    let gtid = ask(source, &format!("SELECT {gtid}")).await?;
    let instant = quiet_instant(source).await?;
    execute(source, LATER).await?;

    for target in [json!({"target_time": instant}), json!({"target_gtid": gtid})] {
        let path = world.start_pitr(&server, &target).await?;
        let run = world.api.follow(&path, |_| ()).await?;
        let dump = world.path(&format!("result-{}", run["id"].as_str().context("no id")?));
        world.api.fetch_files(&format!("{path}/files"), &dump).await?;
        execute(scratch, &["DROP DATABASE IF EXISTS shop"]).await?;
        load(&dump, "shop", scratch).await?;
        let loaded = contents(scratch, "shop").await?;
        for (table, rows) in &truth {
            let found = loaded.get(table).map_or(0, Vec::len);
            anyhow::ensure!(
                loaded.get(table) == Some(rows),
                "{target}: {table} has {found} rows, not these {}",
                rows.len()
            );
        }
        anyhow::ensure!(checksums(scratch).await? == checksummed, "{target}: checksums differ");
    }
    let unexpected = world.unexpected_errors(&[])?;
    anyhow::ensure!(unexpected.is_empty(), "{unexpected:?}");
    Ok(())
}

/// What the server says of the tables whose rows are stored in one way alone: a document is, updated, stored in another.
async fn checksums(server: &DatabaseAddress) -> anyhow::Result<Vec<(String, u64)>> {
    let mut connection = server.connect().await?;
    let tables = "CHECKSUM TABLE shop.orders, shop.`odd, name`, shop.empty_one, shop.many";
    let rows: Vec<(String, u64)> = connection.query(tables).await?;
    connection.disconnect().await?;
    Ok(rows)
}

async fn world_with_newer_mydumper() -> Option<World> {
    let mydumper = newer_mydumper().await?.to_string_lossy().into_owned();
    let environment = vec![("BACKTRAIL_MYDUMPER", mydumper), ("BACKTRAIL_DUMP_CHUNK_MEBIBYTES", "1".to_owned())];
    Some(World::start(WorldOptions { environment, ..WorldOptions::default() }).await.unwrap())
}

async fn a_mysql_shop_comes_back(arguments: &[&str]) {
    let Some(mut world) = world_with_newer_mydumper().await else { return };
    let Some(source) = world.mysql_with(arguments.iter().copied()).await.unwrap() else {
        eprintln!("left out: MySQL is not installed (`devstack install --mysql`)");
        return;
    };
    let scratch = world.mysql().await.unwrap().unwrap();
    comes_back(&world, &source, &scratch, "BACKUP_ADMIN", "@@GLOBAL.gtid_executed").await.unwrap();
}

#[tokio::test]
async fn a_mysql_shop_comes_back_by_time_and_gtid() {
    a_mysql_shop_comes_back(&[]).await;
}

#[tokio::test]
async fn a_mysql_shop_comes_back_from_compressed_transactions_and_partial_json() {
    a_mysql_shop_comes_back(&["--binlog-row-value-options=PARTIAL_JSON", "--binlog-transaction-compression=ON"]).await;
}

#[tokio::test]
async fn a_mysql_shop_comes_back_from_an_encrypted_log() {
    let Some(mut world) = world_with_newer_mydumper().await else { return };
    let Some(mut source) = world.mysql().await.unwrap() else {
        eprintln!("left out: MySQL is not installed (`devstack install --mysql`)");
        return;
    };
    source.encrypt_log().await.unwrap();
    let scratch = world.mysql().await.unwrap().unwrap();
    comes_back(&world, &source, &scratch, "BACKUP_ADMIN", "@@GLOBAL.gtid_executed").await.unwrap();
    let mut connection = source.connect().await.unwrap();
    let logs: Vec<(String, u64, String)> = connection.query("SHOW BINARY LOGS").await.unwrap();
    assert!(logs.last().is_some_and(|(_, _, encrypted)| encrypted == "Yes"), "{logs:?}");
}

#[tokio::test]
async fn a_mariadb_shop_comes_back_with_a_newer_mydumper() {
    let Some(mut world) = world_with_newer_mydumper().await else { return };
    let (source, scratch) = (world.mariadb().await.unwrap(), world.mariadb().await.unwrap());
    comes_back(&world, &source, &scratch, "BINLOG MONITOR, SLAVE MONITOR", "@@GLOBAL.gtid_binlog_pos").await.unwrap();
}

#[tokio::test]
async fn an_old_mydumper_on_a_new_mysql_says_what_to_do() {
    let old = stock_mydumper().await.unwrap();
    if old.version.to_string() != "0.10.1" && old.version.to_string() != "0.10.0" {
        eprintln!("left out: this machine's mydumper is {}", old.version);
        return;
    }
    let mut world = World::start(WorldOptions::default()).await.unwrap();
    let Some(source) = world.mysql().await.unwrap() else {
        eprintln!("left out: MySQL is not installed (`devstack install --mysql`)");
        return;
    };
    execute(&source, TABLES).await.unwrap();
    let server = world.register("shop-db", &source).await.unwrap();
    let run = world.back_up(&server).await.unwrap();
    assert_eq!(run["manifest"]["coordinates"], Value::Null, "{run}");
    let warnings = run["warnings"].to_string();
    assert!(warnings.contains("is no baseline for PITR"), "{warnings}");
    assert!(warnings.contains("mydumper 1.0 or later (BACKTRAIL_MYDUMPER)"), "{warnings}");
    assert!(warnings.contains("default is an expression") && warnings.contains("shop.orders"), "{warnings}");
    assert!(!warnings.contains("shop.documents"), "{warnings}");
    let target = json!({ "target_time": quiet_instant(&source).await.unwrap() });
    let refused = world.api.try_post(&format!("/servers/{server}/pitr"), &target).await.unwrap();
    assert_eq!(refused.unwrap_err().1["code"], "no_baseline");
}
