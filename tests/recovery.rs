//! The main job through all the services: back up, archive, rebuild, load, compare.

use std::io::Read;
use std::time::{Duration, Instant};

use anyhow::Context;
use backtrail_devstack::{DatabaseAddress, ServiceKind};
use backtrail_objects::{ObjectSettings, ObjectStore};
use backtrail_tests::{Contents, World, WorldOptions, contents, execute, load, position, quiet_instant};
use mysql_async::prelude::Queryable;
use serde_json::{Value, json};

/// Tables of several kinds of key, on either family of server.
const TABLES: &[&str] = &[
    "CREATE DATABASE shop CHARACTER SET utf8mb4",
    "CREATE TABLE shop.orders (id BIGINT UNSIGNED NOT NULL AUTO_INCREMENT PRIMARY KEY, placed DATETIME(6) NOT NULL, \
     total DECIMAL(12,2), note TEXT, paid TIMESTAMP(3) NULL)",
    "CREATE TABLE shop.`odd, name` (k VARCHAR(40) COLLATE utf8mb4_bin NOT NULL, part DECIMAL(9,3) NOT NULL, v VARBINARY(60), flags BIT(9), PRIMARY KEY (k, part))",
    "CREATE TABLE shop.quiet (id INT NOT NULL PRIMARY KEY, v JSON)",
    "CREATE TABLE shop.empty_one (id INT NOT NULL PRIMARY KEY)",
];

const BEFORE: &[&str] = &[
    "INSERT INTO shop.orders (placed, total, note) VALUES (NOW(6), 1.50, 'first'), (NOW(6), -2.25, 'it''s \\\\ \\n \\0'), (NOW(6), NULL, NULL)",
    "INSERT INTO shop.`odd, name` VALUES ('a', 1.5, x'00ff2700', 257), ('A', 1.5, NULL, NULL), ('ž', -0.001, '', 0)",
    "INSERT INTO shop.quiet VALUES (1, '{\"a\": [1, 2.5, \"x\"]}'), (2, NULL)",
];

const AFTER: &[&str] = &[
    "UPDATE shop.orders SET note = 'changed', total = total + 1 WHERE id = 2",
    "DELETE FROM shop.orders WHERE id = 1",
    "INSERT INTO shop.orders (placed, note) VALUES ('2026-01-01 00:00:00.000001', REPEAT('long ', 1000))",
    // Two keys swap through a third one.
    "UPDATE shop.`odd, name` SET k = 'swap' WHERE k = BINARY 'a'",
    "UPDATE shop.`odd, name` SET k = 'a' WHERE k = BINARY 'A'",
    "UPDATE shop.`odd, name` SET k = 'A' WHERE k = 'swap'",
];

/// Makes the source remove all but its newest file; answers that file's name.
async fn purge(source: &DatabaseAddress) -> anyhow::Result<String> {
    let place = position(source).await?.0;
    let kept = place.split(':').next().context("no file")?.to_owned();
    let mut connection = source.connect().await?;
    let began = Instant::now();
    // A file is kept while the storage engine may need it for its own recovery.
    loop {
        connection.query_drop(format!("PURGE BINARY LOGS TO '{kept}'")).await?;
        let files: Vec<mysql_async::Row> = connection.query("SHOW BINARY LOGS").await?;
        if files.len() == 1 {
            break;
        }
        anyhow::ensure!(began.elapsed() < Duration::from_secs(30), "the source does not purge its log");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    connection.disconnect().await?;
    Ok(kept)
}

/// The plan is in the run's row and beside the result, the same; the accounts say what became of every row and input.
async fn check_plan(world: &World, path: &str, run: &Value) {
    let plan = world.api.get(&format!("{path}/plan")).await.unwrap();
    assert_eq!(plan["tables"]["shop.orders"]["action"], "merge", "{plan}");
    assert_eq!(plan["tables"]["shop.quiet"]["action"], "copy", "{plan}");
    let (bucket, s3) = (world.bucket.name(), &world.bucket.server);
    let mut settings = ObjectSettings::new(bucket, &s3.access_key_id, &s3.secret_access_key);
    settings.s3_endpoint = Some(s3.endpoint.clone());
    settings.s3_force_path_style = true;
    let store = ObjectStore::connect(&settings).unwrap();
    let prefix = run["s3_path"].as_str().unwrap().strip_prefix(&format!("s3://{bucket}/")).unwrap();
    let stored = store.get(&format!("{prefix}plan.json"), 1 << 20).await.unwrap();
    assert_eq!(serde_json::from_slice::<Value>(&stored).unwrap(), plan);
    let manifest = store.get(&format!("{prefix}manifest.json"), 1 << 20).await.unwrap();
    let manifest: Value = serde_json::from_slice(&manifest).unwrap();
    assert_eq!((&manifest["plan"]["name"], &manifest["plan"]["size"]), (&json!("plan.json"), &json!(stored.len())));
    let inputs = &manifest["report"]["inputs"];
    let compared = |file: &Value| file["whole"] == true && file["compared"] == true;
    assert!(
        inputs["baseline"].as_array().is_some_and(|files| files.len() > 5 && files.iter().all(compared)),
        "{inputs}"
    );
    assert!(inputs["log"].as_array().is_some_and(|pieces| !pieces.is_empty()), "{inputs}");
    assert_eq!(manifest["report"]["events"]["row_events"], plan["events"]["row_events"]);
}

/// What the shop was at a position goes into another server.
async fn comes_back(world: &World, server: &str, place: &str, scratch: &DatabaseAddress, truth: &Contents) {
    let path = world.start_pitr(server, &json!({"target_position": place})).await.unwrap();
    let run = world.api.follow(&path, |_| ()).await.unwrap();
    let dump = world.path("result");
    world.api.fetch_files(&format!("{path}/files"), &dump).await.unwrap();
    load(&dump, "shop", scratch).await.unwrap();
    assert_eq!(contents(scratch, "shop").await.unwrap(), *truth, "{run}");
}

#[tokio::test]
async fn a_mariadb_shop_comes_back_by_time_gtid_and_position() {
    let mut world = World::start(WorldOptions::default()).await.unwrap();
    let source = world.mariadb().await.unwrap();
    let scratch = world.mariadb().await.unwrap();
    execute(&source, TABLES).await.unwrap();
    execute(&source, BEFORE).await.unwrap();
    let server = world.register("shop-db", &source).await.unwrap();

    let backup = world.back_up(&server).await.unwrap();
    assert_eq!(backup["phase"], "complete", "{backup}");
    assert!(
        backup["s3_path"].as_str().unwrap().starts_with(&format!("s3://{}/backups/", world.bucket.name())),
        "{backup}"
    );

    execute(&source, AFTER).await.unwrap();
    let truth = contents(&source, "shop").await.unwrap();
    let (place, gtid) = position(&source).await.unwrap();
    let instant = quiet_instant(&source).await.unwrap();
    execute(&source, &["DELETE FROM shop.orders", "UPDATE shop.`odd, name` SET v = 'late'", "TRUNCATE shop.quiet"])
        .await
        .unwrap();

    for target in [json!({"target_time": instant}), json!({"target_gtid": gtid}), json!({"target_position": place})] {
        let path = world.start_pitr(&server, &target).await.unwrap();
        let run = world.api.follow(&path, |_| ()).await.unwrap();
        check_plan(&world, &path, &run).await;
        let dump = world.path(&format!("result-{}", run["id"].as_str().unwrap()));
        world.api.fetch_files(&format!("{path}/files"), &dump).await.unwrap();
        execute(&scratch, &["DROP DATABASE IF EXISTS shop"]).await.unwrap();
        load(&dump, "shop", &scratch).await.unwrap();
        assert_eq!(contents(&scratch, "shop").await.unwrap(), truth, "{target}");
    }

    // Some tables only, with a name that needs backticks.
    let body = json!({"target_time": instant, "tables": "shop.`odd, name`,shop.quiet"});
    let path = world.start_pitr(&server, &body).await.unwrap();
    world.api.follow(&path, |_| ()).await.unwrap();
    let files = world.api.get(&format!("{path}/files")).await.unwrap();
    let names: Vec<&str> = files.as_array().unwrap().iter().filter_map(|file| file["name"].as_str()).collect();
    assert!(names.iter().any(|name| name.contains("quiet")), "{names:?}");
    assert!(!names.iter().any(|name| name.contains("orders")), "{names:?}");

    assert_eq!(world.unexpected_errors(&[]).unwrap(), Vec::<String>::new());
}

const ROTATIONS: &[&str] = &["FLUSH BINARY LOGS", "FLUSH BINARY LOGS", "FLUSH BINARY LOGS"];

#[tokio::test]
async fn the_first_backup_counts_although_the_agent_comes_late() {
    let mut world = World::start(WorldOptions::default()).await.unwrap();
    let source = world.mariadb().await.unwrap();
    let scratch = world.mariadb().await.unwrap();
    execute(&source, ROTATIONS).await.unwrap();
    execute(&source, TABLES).await.unwrap();
    execute(&source, BEFORE).await.unwrap();
    world.services.process(ServiceKind::BinlogAgent).unwrap().kill9().await;
    let server = world.register("shop-db", &source).await.unwrap();
    execute(&source, ROTATIONS).await.unwrap();
    world.back_up(&server).await.unwrap();
    execute(&source, AFTER).await.unwrap();
    execute(&source, ROTATIONS).await.unwrap();
    let truth = contents(&source, "shop").await.unwrap();
    let instant = quiet_instant(&source).await.unwrap();
    execute(&source, &["DELETE FROM shop.orders"]).await.unwrap();
    execute(&source, ROTATIONS).await.unwrap();
    world.services.process(ServiceKind::BinlogAgent).unwrap().start_again().unwrap();

    let path = world.start_pitr(&server, &json!({"target_time": instant})).await.unwrap();
    let run = world.api.follow(&path, |_| ()).await.unwrap();
    assert_eq!(run["status"], "completed", "{run}");
    let dump = world.path("result");
    world.api.fetch_files(&format!("{path}/files"), &dump).await.unwrap();
    load(&dump, "shop", &scratch).await.unwrap();
    assert_eq!(contents(&scratch, "shop").await.unwrap(), truth);
    let coverage = world.api.get(&format!("/servers/{server}/pitr/coverage")).await.unwrap();
    assert_eq!(coverage["gaps"], json!([]), "{coverage}");
    assert_eq!(world.unexpected_errors(&[]).unwrap(), Vec::<String>::new());
}

#[tokio::test]
async fn log_that_is_purged_before_the_agent_comes_is_a_gap() {
    let mut world = World::start(WorldOptions::default()).await.unwrap();
    let source = world.mariadb().await.unwrap();
    execute(&source, TABLES).await.unwrap();
    world.services.process(ServiceKind::BinlogAgent).unwrap().kill9().await;
    let server = world.register("shop-db", &source).await.unwrap();
    let registered = position(&source).await.unwrap().0;
    let first = world.back_up(&server).await.unwrap();
    execute(&source, BEFORE).await.unwrap();
    execute(&source, ROTATIONS).await.unwrap();
    let kept = purge(&source).await.unwrap();
    world.services.process(ServiceKind::BinlogAgent).unwrap().start_again().unwrap();
    execute(&source, AFTER).await.unwrap();
    let instant = quiet_instant(&source).await.unwrap();

    let body = json!({"target_time": instant});
    let (status, problem) = loop {
        let refused = world.api.try_post(&format!("/servers/{server}/pitr"), &body).await.unwrap().unwrap_err();
        if refused.1["code"] != "not_yet_archived" {
            break refused;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    };
    assert_eq!((status, &problem["code"]), (422, &json!("binlog_gap")), "{problem}");
    let coverage = world.api.get(&format!("/servers/{server}/pitr/coverage")).await.unwrap();
    let gap = &coverage["gaps"][0];
    assert_eq!(gap["cause"], "purged by the source", "{coverage}");
    assert_eq!((&gap["from"], &gap["to"]), (&json!(registered), &json!(format!("{kept}:4"))), "{coverage}");
    assert_eq!(coverage["baselines"][0]["id"], first["id"], "{coverage}");
    assert_eq!(coverage["recoverable_windows"].as_array().map(Vec::len), Some(0), "{coverage}");
}

#[tokio::test]
async fn impossible_targets_are_refused_at_once() {
    let mut world = World::start(WorldOptions::default()).await.unwrap();
    let source = world.mariadb().await.unwrap();
    execute(&source, TABLES).await.unwrap();
    let server = world.register("shop-db", &source).await.unwrap();
    let early = quiet_instant(&source).await.unwrap();
    let path = format!("/servers/{server}/pitr");

    let code = async |body: Value| match world.api.try_post(&path, &body).await.unwrap() {
        Ok(answer) => panic!("{body} was accepted: {answer}"),
        Err((status, problem)) => (status, problem["code"].as_str().unwrap_or_default().to_owned()),
    };
    assert_eq!(code(json!({"target_time": early})).await, (422, "no_baseline".to_owned()));
    world.back_up(&server).await.unwrap();
    assert_eq!(code(json!({"target_time": early})).await, (422, "no_baseline".to_owned()));
    assert_eq!(code(json!({"target_time": "2999-01-01T00:00:00Z"})).await, (422, "target_in_future".to_owned()));
    let instant = quiet_instant(&source).await.unwrap();
    let body = json!({"target_time": instant, "tables": "shop.nothing"});
    let began = Instant::now();
    let answer = loop {
        let answer = code(body.clone()).await;
        if answer.1 != "not_yet_archived" || began.elapsed() > Duration::from_secs(30) {
            break answer;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    };
    assert_eq!(answer, (422, "unknown_table".to_owned()));
}

/// A server decrypts its log as it sends it.
#[tokio::test]
async fn a_server_that_encrypts_its_log_is_archived_plain() {
    let mut world = World::start(WorldOptions::default()).await.unwrap();
    let keys = world.path("keys");
    std::fs::write(&keys, format!("1;{}\n", "0f".repeat(32))).unwrap();
    let options = [
        "--plugin-load-add=file_key_management".to_owned(),
        format!("--file-key-management-filename={}", keys.display()),
        "--encrypt-binlog=ON".to_owned(),
    ];
    let source = world.mariadb_with(options).await.unwrap();
    let scratch = world.mariadb().await.unwrap();
    execute(&source, TABLES).await.unwrap();
    execute(&source, BEFORE).await.unwrap();
    let server = world.register("shop-db", &source).await.unwrap();
    let backup = world.back_up(&server).await.unwrap();
    assert_eq!((&backup["baseline"], &backup["warnings"]), (&json!(true), &json!([])), "{backup}");
    execute(&source, AFTER).await.unwrap();
    // An agent that begins in the middle of a file is sent the keys' description again.
    world.services.process(ServiceKind::BinlogAgent).unwrap().kill9().await;
    world.services.process(ServiceKind::BinlogAgent).unwrap().start_again().unwrap();
    execute(&source, &["FLUSH BINARY LOGS", "UPDATE shop.`odd, name` SET v = 'encrypted'"]).await.unwrap();
    let truth = contents(&source, "shop").await.unwrap();
    let (place, _) = position(&source).await.unwrap();
    execute(&source, &["DELETE FROM shop.orders"]).await.unwrap();

    comes_back(&world, &server, &place, &scratch, &truth).await;
}

/// A stored dump with one bit flipped, by which one letter of a row is another one.
fn with_another_letter(stored: &[u8]) -> Option<Vec<u8>> {
    let text = zstd::decode_all(stored).unwrap();
    let rows = text.windows(6).position(|word| word == b"VALUES")?;
    let bits = (0..stored.len()).flat_map(|at| (0..8).map(move |bit| (at, bit)));
    let mut flipped = bits.map(|(at, bit)| {
        let mut changed = stored.to_vec();
        changed[at] ^= 1 << bit;
        changed
    });
    flipped.find(|changed| {
        // The frame's checksum comes last, when its rows have been used.
        let mut other = Vec::new();
        let _ = zstd::Decoder::new(&changed[..]).map(|mut decoder| decoder.read_to_end(&mut other));
        let mut differing = text.iter().zip(&other).enumerate().filter(|(_, (a, b))| a != b);
        let Some((at, (a, b))) = differing.next() else { return false };
        let one_letter = at > rows && a.is_ascii_alphabetic() && b.is_ascii_alphabetic();
        one_letter && differing.next().is_none() && other.len() == text.len()
    })
}

/// A baseline's bytes that changed in the store, and still decompress, show as rows that contradict the log.
#[tokio::test]
async fn an_object_that_changed_in_the_store_is_named_at_the_first_try() {
    let mut world = World::start(WorldOptions::default()).await.unwrap();
    let source = world.mariadb().await.unwrap();
    let before = [
        "CREATE DATABASE shop",
        // Keys that cannot be compressed: a flipped bit of the object is one of a key.
        "CREATE TABLE shop.t (k VARBINARY(32) PRIMARY KEY, v INT)",
        "INSERT INTO shop.t SELECT UNHEX(SHA2(seq, 256)), 1 FROM shop.seq_1_to_500",
    ];
    execute(&source, &before).await.unwrap();
    let server = world.register("shop-db", &source).await.unwrap();
    let backup = world.back_up(&server).await.unwrap();
    execute(&source, &["UPDATE shop.t SET v = v + 1"]).await.unwrap();
    let (place, _) = position(&source).await.unwrap();

    let store = world.objects().unwrap();
    let place_of_all = format!("s3://{}/", world.bucket.name());
    let prefix = backup["s3_path"].as_str().unwrap().strip_prefix(&place_of_all).unwrap();
    let key = store.list(prefix).await.unwrap().into_iter().find(|object| object.key.contains("shop.t.")).unwrap().key;
    let stored = store.get(&key, 1 << 20).await.unwrap();
    store.put(&key, with_another_letter(&stored).unwrap()).await.unwrap();

    let path = world.start_pitr(&server, &json!({"target_position": place})).await.unwrap();
    let error = world.api.follow(&path, |_| ()).await.unwrap_err();
    let run = world.api.get(&path).await.unwrap();
    assert_eq!((&run["error_code"], &run["attempt"]), (&json!("damaged_object"), &json!(1)), "{error:#} {run}");
    let message = run["error_message"].as_str().unwrap();
    let file = key.strip_prefix(prefix).unwrap().trim_start_matches('/');
    assert!(message.contains(&format!("{file} is damaged")), "{message}");
    assert!(message.contains("it showed as"), "{message}");
    assert!(message.contains(&format!("lies at {place_of_all}{prefix}")), "{message}");
}

/// The server's settings may have changed since it was registered: each backup looks again.
#[tokio::test]
async fn a_backup_says_that_no_recovery_can_start_from_it() {
    let mut world = World::start(WorldOptions::default()).await.unwrap();
    let source = world.mariadb().await.unwrap();
    execute(&source, TABLES).await.unwrap();
    let server = world.register("shop-db", &source).await.unwrap();
    let good = world.back_up(&server).await.unwrap();
    assert_eq!((&good["baseline"], &good["warnings"]), (&json!(true), &json!([])), "{good}");
    // Small as it is, it ends before progress is ever reported.
    let progress = &good["progress"];
    assert_eq!(progress["files_done"], good["file_count"], "{good}");
    assert!(
        progress["bytes_done"].as_u64() > Some(0) && progress["bytes_done"] == progress["bytes_expected"],
        "{good}"
    );

    // What such images leave out is completed: a warning, and a baseline all the same.
    let check = async |world: &World, name: &str| {
        let report = world.api.get(&format!("/servers/{server}")).await.unwrap()["preflight"].clone();
        let checks = report["checks"].as_array().unwrap().clone();
        let check = checks.into_iter().find(|check| check["name"] == name).unwrap();
        (report["ok"].clone(), check["ok"].clone(), check["found"].clone())
    };
    execute(&source, &["SET GLOBAL binlog_row_image = 'MINIMAL'"]).await.unwrap();
    let run = world.back_up(&server).await.unwrap();
    assert_eq!((&run["baseline"], &run["warnings"]), (&json!(true), &json!([])), "{run}");
    assert_eq!(check(&world, "binlog_row_image").await, (json!(true), json!(false), json!("MINIMAL")));

    execute(&source, &["SET GLOBAL binlog_format = 'MIXED'"]).await.unwrap();
    let run = world.back_up(&server).await.unwrap();
    assert_eq!((&run["status"], &run["baseline"]), (&json!("completed"), &json!(false)), "{run}");
    let warnings = run["warnings"].to_string();
    assert!(warnings.contains("no baseline for PITR: binlog_format is MIXED, not ROW"), "{warnings}");
    assert_eq!(check(&world, "binlog_format").await, (json!(false), json!(false), json!("MIXED")));
}

/// With `lower_case_table_names` of 1 a server logs the names of statements as typed, and those of rows in small letters: the
/// backup's manifest tells which it is.
#[tokio::test]
async fn a_shop_in_small_letters_comes_back() {
    let mut world = World::start(WorldOptions::default()).await.unwrap();
    let source = world.mariadb_with(["--lower-case-table-names=1"]).await.unwrap();
    let scratch = world.mariadb_with(["--lower-case-table-names=1"]).await.unwrap();
    let before = [
        "CREATE DATABASE Shop",
        "CREATE TABLE Shop.Parent (id INT PRIMARY KEY, v INT)",
        "CREATE TABLE Shop.Other (id INT PRIMARY KEY)",
        "INSERT INTO Shop.Parent VALUES (1, 1), (2, 2)",
        "INSERT INTO Shop.Other VALUES (1)",
    ];
    execute(&source, &before).await.unwrap();
    let server = world.register("shop-db", &source).await.unwrap();
    let backup = world.back_up(&server).await.unwrap();
    assert_eq!(backup["manifest"]["source"]["lower_case_table_names"], 1, "{backup}");
    let changes = [
        "CREATE TABLE SHOP.Kid (id INT PRIMARY KEY, p INT, FOREIGN KEY (p) REFERENCES Shop.PARENT (id) ON DELETE CASCADE)",
        "INSERT INTO shop.kid VALUES (1, 1), (2, 2)",
        "DELETE FROM Shop.pArent WHERE id = 1",
        "RENAME TABLE Shop.OTHER TO Shop.Another",
        "INSERT INTO shop.ANOTHER VALUES (2)",
        "DROP TABLE IF EXISTS Shop.NOTHING",
        "ALTER TABLE Shop.PARENT ADD COLUMN w INT DEFAULT 5",
    ];
    execute(&source, &changes).await.unwrap();
    let truth = contents(&source, "shop").await.unwrap();
    let (place, _) = position(&source).await.unwrap();
    execute(&source, &["DROP TABLE shop.kid"]).await.unwrap();

    comes_back(&world, &server, &place, &scratch, &truth).await;
}
