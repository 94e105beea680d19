//! `backtrail reconstruct` on what the services stored: on the objects themselves, and on a copy of them with nothing else
//! of Backtrail at hand.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use anyhow::Context;
use backtrail_objects::{ObjectSettings, ObjectStore};
use backtrail_tests::{Contents, World, WorldOptions, backtrail, contents, execute, load, position, quiet_instant};
use serde_json::{Value, json};

/// Everything below a place on S3, copied as `aws s3 cp --recursive` would.
async fn download(store: &ObjectStore, prefix: &str, to: &Path) -> anyhow::Result<usize> {
    let objects = store.list(prefix).await?;
    for object in &objects {
        let name = object.key.strip_prefix(prefix).with_context(|| object.key.clone())?;
        let path = to.join(name.trim_start_matches('/'));
        std::fs::create_dir_all(path.parent().context("no directory")?)?;
        std::fs::write(&path, store.get(&object.key, 1 << 30).await?)?;
    }
    Ok(objects.len())
}

/// What the services stored of a server: the places of a backup and of the binary log, and a copy of both.
struct Stored {
    baseline: String,
    binlogs: String,
    store: ObjectStore,
    /// Keys of segments begin with this.
    prefix: String,
    dump: PathBuf,
    logs: PathBuf,
}

impl Stored {
    async fn of(world: &World, server: &str, backup: &Value) -> anyhow::Result<Self> {
        let (bucket, s3) = (world.bucket.name(), &world.bucket.server);
        let mut settings = ObjectSettings::new(bucket, &s3.access_key_id, &s3.secret_access_key);
        settings.s3_endpoint = Some(s3.endpoint.clone());
        settings.s3_force_path_style = true;
        let store = ObjectStore::connect(&settings)?;
        let baseline = backup["s3_path"].as_str().context("no place")?.to_owned();
        let key = baseline.strip_prefix(&format!("s3://{bucket}/")).context("another bucket")?;
        let tenant = key.split('/').nth(1).context("no tenant")?;
        let prefix = format!("binlogs/{tenant}/{server}/");
        let (dump, logs) = (world.path("copy/dump"), world.path("copy/binlogs"));
        anyhow::ensure!(download(&store, key, &dump).await? > 3, "no dump");
        anyhow::ensure!(download(&store, &prefix, &logs).await? > 1, "no segments");
        Ok(Self { binlogs: format!("s3://{bucket}/{prefix}"), baseline, store, prefix, dump, logs })
    }
}

/// The command with nothing but the copy.
async fn alone(arguments: &[&str]) -> anyhow::Result<Value> {
    let output = backtrail()?.args(arguments).output().await?;
    anyhow::ensure!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    Ok(serde_json::from_slice(&output.stdout)?)
}

/// The files of a result, with their contents.
fn files(directory: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let files = std::fs::read_dir(directory).unwrap().map(|entry| entry.unwrap().path());
    files.map(|path| (path.file_name().unwrap().into(), std::fs::read(&path).unwrap())).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn objects_and_a_copy_of_them_give_the_same_tables() {
    let mut world = World::start(WorldOptions::default()).await.unwrap();
    let source = world.mariadb().await.unwrap();
    let scratch = world.mariadb().await.unwrap();
    let rows = "SELECT seq, CONCAT('row ', seq, ' \\'é\\' '), seq / 7, SHA2(seq, 256) FROM shop.seq_1_to_20000";
    let fill = format!("INSERT INTO shop.items {rows}");
    let before = [
        "CREATE DATABASE shop CHARACTER SET utf8mb4",
        "CREATE TABLE shop.items (id INT PRIMARY KEY, name VARCHAR(60), price DECIMAL(20,6), hash VARBINARY(64))",
        "CREATE TABLE shop.log (at DATETIME(6), day DATE, n BIGINT UNSIGNED NOT NULL PRIMARY KEY, j JSON)",
        fill.as_str(),
    ];
    execute(&source, &before).await.unwrap();
    let server = world.register("shop-db", &source).await.unwrap();
    let backup = world.back_up(&server).await.unwrap();
    let during = [
        "UPDATE shop.items SET price = price + 1, name = REPLACE(name, 'row', 'Zeile') WHERE id % 5 = 0",
        "DELETE FROM shop.items WHERE id % 7 = 0",
        "UPDATE shop.items SET id = id + 1000000 WHERE id BETWEEN 100 AND 120",
        "FLUSH BINARY LOGS",
        "INSERT INTO shop.log SELECT '2026-01-01 00:00:00.000001', '2024-02-29', 18446744073709551000 + seq, '{\"a\": 1.50}' FROM shop.seq_1_to_500",
    ];
    execute(&source, &during).await.unwrap();
    let truth = contents(&source, "shop").await.unwrap();
    let (place, gtid) = position(&source).await.unwrap();
    let instant = quiet_instant(&source).await.unwrap();
    execute(&source, &["TRUNCATE shop.log", "DELETE FROM shop.items WHERE id > 50"]).await.unwrap();
    let (behind, _) = position(&source).await.unwrap();

    // The services' own result is the first to compare with.
    let path = world.start_pitr(&server, &json!({"target_time": instant})).await.unwrap();
    world.api.follow(&path, |_| ()).await.unwrap();
    let result = world.path("service");
    world.api.fetch_files(&format!("{path}/files"), &result).await.unwrap();
    assert!(loaded(&result, &scratch).await == truth);
    // Without the services it is an event behind the instant that proves it covered: that, too, has to be archived.
    let path = world.start_pitr(&server, &json!({"target_position": behind})).await.unwrap();
    world.api.follow(&path, |_| ()).await.unwrap();

    let stored = Stored::of(&world, &server, &backup).await.unwrap();
    for (flag, target) in [("--target-time", &instant), ("--target-gtid", &gtid), ("--target-position", &place)] {
        let (from_objects, from_copy) = (world.path(&format!("objects{flag}")), world.path(&format!("copy{flag}")));
        let arguments = [
            "reconstruct",
            "--json",
            "--baseline",
            &stored.baseline,
            "--binlogs",
            &stored.binlogs,
            flag,
            target,
            "--out",
        ];
        let printed =
            world.services.cli(arguments.iter().copied().chain([from_objects.to_str().unwrap()])).await.unwrap();
        let report: Value = serde_json::from_str(&printed).unwrap();
        let (dump, logs) = (stored.dump.to_str().unwrap(), stored.logs.to_str().unwrap());
        let out = from_copy.to_str().unwrap();
        let offline = ["reconstruct", "--json", "--baseline", dump, "--binlogs", logs, flag, target, "--out", out];
        let report_alone = alone(&offline).await.unwrap();

        let expected: u64 = truth.values().map(|rows| rows.len() as u64).sum();
        assert_eq!((&report["rows_written"], &report_alone["rows_written"]), (&json!(expected), &json!(expected)));
        assert!(files(&from_objects) == files(&from_copy), "{flag}: the same bytes from objects and copy");
        for result in [&from_objects, &from_copy] {
            assert!(loaded(result, &scratch).await == truth, "{flag}: {}", result.display());
        }
    }
    assert_eq!(world.unexpected_errors(&[]).unwrap(), Vec::<String>::new());
}

/// What a server holds once it has loaded a result.
async fn loaded(result: &Path, scratch: &backtrail_devstack::DatabaseAddress) -> Contents {
    execute(scratch, &["DROP DATABASE IF EXISTS shop"]).await.unwrap();
    load(result, "shop", scratch).await.unwrap();
    contents(scratch, "shop").await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_copy_that_is_not_whole_is_refused() {
    let mut world = World::start(WorldOptions::default()).await.unwrap();
    let source = world.mariadb().await.unwrap();
    let before = [
        "CREATE DATABASE shop",
        "CREATE TABLE shop.t (id INT PRIMARY KEY, v INT)",
        "INSERT INTO shop.t SELECT seq, seq FROM shop.seq_1_to_1000",
    ];
    execute(&source, &before).await.unwrap();
    let server = world.register("shop-db", &source).await.unwrap();
    let backup = world.back_up(&server).await.unwrap();
    for turn in 0..3 {
        let update = format!("UPDATE shop.t SET v = v + 1 WHERE id % 3 = {turn}");
        execute(&source, &[&update, "FLUSH BINARY LOGS"]).await.unwrap();
    }
    let (place, _) = position(&source).await.unwrap();
    let path = world.start_pitr(&server, &json!({"target_position": place})).await.unwrap();
    world.api.follow(&path, |_| ()).await.unwrap();

    let stored = Stored::of(&world, &server, &backup).await.unwrap();
    let (dump, logs) = (&stored.dump, &stored.logs);
    let (dump_text, logs_text) = (dump.to_str().unwrap(), logs.to_str().unwrap());
    let refused = async |name: &str, words: &[&str]| {
        let out = world.path(name);
        let arguments = ["--baseline", dump_text, "--binlogs", logs_text, "--target-position", &place, "--out"];
        let arguments: Vec<&str> =
            ["reconstruct", "--json"].into_iter().chain(arguments).chain([out.to_str().unwrap()]).collect();
        let error = alone(&arguments).await.unwrap_err().to_string();
        for word in words {
            assert!(error.contains(word), "{name}: {error}");
        }
    };

    // One segment in the middle is not there.
    let segments = stored.store.list(&stored.prefix).await.unwrap();
    let behind = backup["manifest"]["coordinates"]["file"].as_str().unwrap();
    let middle = segments.iter().find(|object| !object.key.contains(behind)).unwrap();
    let file = logs.join(middle.key.strip_prefix(&stored.prefix).unwrap());
    let content = std::fs::read(&file).unwrap();
    std::fs::remove_file(&file).unwrap();
    refused("without a segment", &["gap"]).await;

    // It is cut short.
    std::fs::write(&file, &content[..content.len() - 9]).unwrap();
    refused("with a cut segment", &[file.parent().unwrap().file_name().unwrap().to_str().unwrap()]).await;
    std::fs::write(&file, &content).unwrap();

    // A file of the dump is not the one that was stored.
    let names = files(dump).into_keys().filter_map(|name| name.to_str().map(str::to_owned));
    let data = dump.join(names.into_iter().find(|name| name.starts_with("shop.t.")).unwrap());
    let content = std::fs::read(&data).unwrap();
    let mut changed = content.clone();
    let middle = changed.len() / 2;
    changed[middle] ^= 1;
    std::fs::write(&data, &changed).unwrap();
    refused("with a changed file", &[data.file_name().unwrap().to_str().unwrap()]).await;
    std::fs::remove_file(&data).unwrap();
    refused("without a file", &[data.file_name().unwrap().to_str().unwrap()]).await;
}

/// Files that someone kept say nothing about what came after them.
#[tokio::test]
async fn a_time_behind_the_logs_end_wants_a_word() {
    let case = Path::new("../crates/reconstruct/tests/data/mariadb");
    let (baseline, logs) = (case.join("baseline"), case.join("binlogs"));
    let plan = async |more: &[&str]| {
        let first = ["reconstruct", "--json", "--plan", "--skip-refused"];
        let files = ["--baseline", baseline.to_str().unwrap(), "--binlogs", logs.to_str().unwrap()];
        alone(&first.iter().chain(&files).chain(more).copied().collect::<Vec<_>>()).await
    };
    let behind = "2026-11-24T00:00:00Z";
    let error = format!("{:#}", plan(&["--target-time", behind]).await.unwrap_err());
    assert!(error.contains("--assume-complete") && error.contains("is not covered"), "{error}");
    let warnings = plan(&["--target-time", behind, "--assume-complete"]).await.unwrap()["warnings"].to_string();
    assert!(warnings.contains("it is taken that nothing followed"), "{warnings}");
    let future = ["--target-time", "2999-01-01T00:00:00Z", "--assume-complete"];
    let error = format!("{:#}", plan(&future).await.unwrap_err());
    assert!(error.contains("is in the future"), "{error}");

    // Of a place it would not help to assume anything; and where there is no log at all, that is what is said.
    let error = format!("{:#}", plan(&["--target-position", "binlog.000999:4"]).await.unwrap_err());
    assert!(error.contains("is not covered") && !error.contains("--assume-complete"), "{error}");
    let empty = backtrail_devstack::StackDirectory::create("empty").unwrap();
    let nowhere = empty.path().to_str().unwrap();
    let base = ["reconstruct", "--baseline", baseline.to_str().unwrap(), "--target-time", behind];
    let arguments = [&base[..], &["--binlogs", nowhere, "--plan"]].concat();
    let error = format!("{:#}", alone(&arguments).await.unwrap_err());
    assert!(error.contains(&format!("{nowhere} holds no binary log file")), "{error}");
    // A directory called `s3:` is not what anybody wants.
    let arguments = [&base[..], &["--binlogs", logs.to_str().unwrap(), "--out", "s3://bucket/result"]].concat();
    let error = format!("{:#}", alone(&arguments).await.unwrap_err());
    assert!(error.contains("local directory"), "{error}");
}
