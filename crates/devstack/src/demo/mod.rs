//! The demonstration that `make demo` shows: a shop loses a table, and gets it back.
//!
//! [`run`] has a running [`Stack`] and tells its story on it; it returns an error when a step fails or a result is not
//! what it should be. Starting, stopping, Ctrl-C and the exit status are the caller's.

mod changes;
mod proof;
mod shop;
mod terminal;

use std::time::Duration;

use anyhow::{Context, bail};
use mysql_async::prelude::Queryable;
use serde_json::{Value, json};

use self::changes::Traffic;
use self::terminal::{Terminal, count, size};
use crate::api::Api;
use crate::directory::random_secret;
use crate::mariadb::MariaDb;
use crate::source_server::{DatabaseAddress, DatabaseOptions};
use crate::stack::Stack;

const CONNECTIONS: u64 = 4;
const CHANGES_BEFORE: u64 = 6_000;
const CHANGES_AFTER: u64 = 3_000;
/// How long the archive may take to reach an instant.
const ARCHIVE_DEADLINE: Duration = Duration::from_secs(60);

/// What a source has to grant, as README.md says.
const GRANTS: &str =
    "SELECT, RELOAD, LOCK TABLES, SHOW VIEW, TRIGGER, EVENT, PROCESS, REPLICATION SLAVE, BINLOG MONITOR, SLAVE MONITOR";

/// What makes the demo's services quick to watch.
pub fn environment() -> Vec<(String, String)> {
    [("BACKTRAIL_SEGMENT_SECONDS", "2"), ("BACKTRAIL_SWEEP_SECONDS", "1")]
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .to_vec()
}

/// Tells the story on a running stack.
pub async fn run(stack: &mut Stack) -> anyhow::Result<()> {
    let mut terminal = Terminal::new();
    let directory = stack.directory().join("demo");
    std::fs::create_dir_all(&directory)?;
    let api = Api::new(&stack.services.gateway_url(), &stack.api_key)?;

    terminal.step("The system is up: PostgreSQL, RabbitMQ, S3 protocol, five services");
    terminal.say(&format!("gateway {}  (private ports, private directories)", stack.services.gateway_url()));
    terminal.say(&format!(
        "tenant `{}` with an API key {}…",
        stack.tenant,
        &stack.api_key[..14.min(stack.api_key.len())]
    ));

    terminal.step("A MariaDB server with a shop on it");
    let options = DatabaseOptions { server_id: 101, ..DatabaseOptions::default() };
    let without_log = DatabaseOptions { binary_log: false, ..DatabaseOptions::default() };
    let (source_directory, empty_directory) = (directory.join("source"), directory.join("empty"));
    let (source, empty) =
        tokio::try_join!(MariaDb::start(&source_directory, options), MariaDb::start(&empty_directory, without_log),)?;
    let rows = Box::pin(shop::load(&source)).await?;
    terminal.say(&format!("{} tables, {} rows on 127.0.0.1:{}", shop::tables(), count(rows), source.port));

    terminal.step("Register it; the preflight says what backups and recovery need");
    let server = register(&api, &terminal, &source).await?;

    terminal.step("Back it up: POST /api/v1/backup");
    let started = api.post("/backup", &json!({ "server_id": server })).await?;
    let backup_path = format!("/backup/history/{}", text(&started, "backup_id")?);
    let backup = api.follow(&backup_path, |phase| terminal.say(phase)).await?;
    terminal.say(&format!(
        "{} in {:.1} s at {}",
        size(backup["size_bytes"].as_u64().unwrap_or(0)),
        backup["duration_ms"].as_f64().unwrap_or(0.0) / 1000.0,
        text(&backup, "s3_path")?
    ));

    terminal.step(&format!("{CONNECTIONS} connections change the shop"));
    let mut traffic = Traffic::start(&source, CONNECTIONS);
    traffic.wait_for(CHANGES_BEFORE / 2).await?;
    traffic.alter(&source).await?;
    terminal.say("meanwhile: ALTER TABLE orders ADD COLUMN channel …, TRUNCATE TABLE sessions");
    traffic.wait_for(CHANGES_BEFORE).await?;
    // The instant: nothing is under way, and a second passes in which nothing commits, since MariaDB's binary log knows
    // whole seconds only.
    let still = traffic.pause().await;
    let target = next_second(&source).await?;
    let truth = proof::record(&source).await?;
    wait_for_clock(&source, &target).await?;
    let recorded: u64 = truth.values().map(|(rows, _)| rows).sum();
    terminal.say(&format!(
        "{} rows changed; the truth at {target} is recorded: {} rows",
        count(traffic.changes()),
        count(recorded)
    ));
    drop(still);

    terminal.step("The accident, in the middle of it all: DELETE FROM customers");
    let lost = accident(&source).await?;
    traffic.wait_for(CHANGES_BEFORE + CHANGES_AFTER).await?;
    let changed = traffic.stop().await?;
    terminal.say(&format!(
        "{} customers are gone, and {} more rows have changed since",
        count(lost),
        count(changed - CHANGES_BEFORE)
    ));

    terminal.step("What can be recovered? GET /api/v1/servers/{id}/pitr/coverage");
    let coverage = wait_for_archive(&api, &server, &target).await?;
    for field in ["oldest_event", "latest_event", "total_events", "available", "covered_until"] {
        terminal.say(&format!("{field:<14} {}", coverage[field]));
    }

    terminal.step(&format!("Rebuild every table as of {target}: POST /api/v1/servers/{{id}}/pitr"));
    let started = api.post(&format!("/servers/{server}/pitr"), &json!({ "target_time": target })).await?;
    let pitr_path = format!("/servers/{server}/pitr/{}", text(&started, "pitr_id")?);
    let pitr = api.follow(&pitr_path, |phase| terminal.say(phase)).await?;
    terminal.say(&format!(
        "{} files, {} in {:.1} s at {}",
        pitr["file_count"],
        size(pitr["size_bytes"].as_u64().unwrap_or(0)),
        pitr["duration_ms"].as_f64().unwrap_or(0.0) / 1000.0,
        text(&pitr, "s3_path")?
    ));

    terminal.step("Fetch the dump from S3 and load it into an empty server with the stock client");
    let dump = directory.join("recovered");
    let (files, bytes) = api.fetch_files(&format!("{pitr_path}/files"), &dump).await?;
    terminal.say(&format!("{files} files, {} fetched", size(bytes)));
    let loaded = proof::load_with_stock_client(&dump, &empty).await?;
    terminal.say(&format!("{loaded} files loaded by `mariadb`"));

    terminal.step("The proof: every table's row count and checksum");
    let found = proof::record(&empty).await?;
    for (table, (rows, checksum)) in &truth {
        let same = found.get(table) == Some(&(*rows, *checksum));
        terminal.say(&format!(
            "{} {table:<16} {:>8} rows  checksum {checksum:>10}",
            if same { "✓" } else { "✗" },
            count(*rows)
        ));
    }
    let differences = proof::differences(&truth, &found);
    if !differences.is_empty() {
        bail!("the result is not what was there:\n{}", differences.join("\n"));
    }

    let report = &pitr["manifest"]["report"];
    let silently = changed_by_foreign_keys(report);
    if silently == 0 {
        bail!("no row was changed by a foreign key, so that nothing is proved of what the log does not have");
    }
    terminal.summary(&[
        ("tables equal", format!("{} of {}", found.len(), truth.len())),
        ("rows equal", count(recorded)),
        ("rows brought back", format!("{} customers", count(lost))),
        (
            "rows changed",
            format!(
                "{} before the instant and {} after it",
                count(CHANGES_BEFORE),
                count(changed.saturating_sub(CHANGES_BEFORE) + lost)
            ),
        ),
        ("of that, not in the log", format!("{} rows that foreign keys deleted or set to NULL", count(silently))),
        ("backup took", seconds(&backup)),
        ("recovery took", format!("{} without a database server", seconds(&pitr))),
        ("log events read", report["events"]["seen"].to_string()),
        ("result", text(&pitr, "s3_path")?.to_owned()),
    ]);
    println!("\nThe shop is as it was at {target}.");
    Ok(())
}

/// Registers the source with a user of its own that has just the documented grants; answers the server's id.
async fn register(api: &Api, terminal: &Terminal, source: &DatabaseAddress) -> anyhow::Result<String> {
    let password = random_secret();
    source
        .execute([
            format!("CREATE USER backtrail@'127.0.0.1' IDENTIFIED BY '{password}'"),
            format!("GRANT {GRANTS} ON *.* TO backtrail@'127.0.0.1'"),
        ])
        .await?;
    let body = json!({
        "name": "shop-db", "host": source.host, "port": source.port, "username": "backtrail", "password": password,
        "tls_mode": "disabled",
    });
    let server = api.post("/servers", &body).await?;
    let checks = server["preflight"]["checks"].as_array().cloned().unwrap_or_default();
    if checks.is_empty() {
        bail!("the preflight has no checks: {server}");
    }
    for check in &checks {
        let mark = if check["ok"] == true { "✓" } else { "✗" };
        terminal.say(&format!(
            "{mark} {}: {}",
            check["name"].as_str().unwrap_or("?"),
            check["found"].as_str().unwrap_or("?")
        ));
    }
    if let Some(failed) = checks.iter().find(|check| check["ok"] != true) {
        bail!("the preflight found a fault: {failed}");
    }
    Ok(text(&server, "id")?.to_owned())
}

/// The next whole second of the source's clock, as the API wants it.
async fn next_second(source: &DatabaseAddress) -> anyhow::Result<String> {
    query(source, "SELECT DATE_FORMAT(UTC_TIMESTAMP() + INTERVAL 1 SECOND, '%Y-%m-%dT%H:%i:%sZ')").await
}

/// Waits until the source's clock is past the second.
async fn wait_for_clock(source: &DatabaseAddress, target: &str) -> anyhow::Result<()> {
    let past = format!("SELECT UTC_TIMESTAMP() > '{}'", target.trim_end_matches('Z'));
    while query(source, &past).await? != "1" {
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    Ok(())
}

async fn accident(source: &DatabaseAddress) -> anyhow::Result<u64> {
    let mut connection = source.connect().await?;
    connection.query_drop(format!("DELETE FROM {}.customers", shop::SCHEMA)).await?;
    let lost = connection.affected_rows();
    connection.disconnect().await?;
    Ok(lost)
}

/// Waits until everything up to the target is archived; answers the coverage.
async fn wait_for_archive(api: &Api, server: &str, target: &str) -> anyhow::Result<Value> {
    let began = std::time::Instant::now();
    loop {
        let plan = api.try_post(&format!("/servers/{server}/pitr/plan"), &json!({ "target_time": target })).await?;
        match plan {
            Ok(_) => {
                let coverage = api.get(&format!("/servers/{server}/pitr/coverage")).await?;
                // Right behind a load of so many rows the agent may have reached the target, but not the log's end.
                if coverage["covered_until"].is_string() || began.elapsed() > ARCHIVE_DEADLINE {
                    return Ok(coverage);
                }
                tokio::time::sleep(Duration::from_millis(200)).await;
            }
            Err((422, problem)) if problem["code"] == "not_yet_archived" && began.elapsed() < ARCHIVE_DEADLINE => {
                tokio::time::sleep(Duration::from_millis(200)).await;
            }
            Err((status, problem)) => bail!("the target cannot be recovered: {status} {problem}"),
        }
    }
}

async fn query(source: &DatabaseAddress, sql: &str) -> anyhow::Result<String> {
    let mut connection = source.connect().await?;
    let value: Option<String> = connection.query_first(sql).await?;
    connection.disconnect().await?;
    value.context("the source gave no value")
}

/// Rows that went or changed along with their parent's, of which the log has nothing.
fn changed_by_foreign_keys(report: &Value) -> u64 {
    let tables = report["tables"].as_object().into_iter().flat_map(|tables| tables.values());
    tables.flat_map(|table| [&table["cascade_deletes"], &table["cascade_updates"]]).filter_map(Value::as_u64).sum()
}

fn text<'a>(answer: &'a Value, field: &str) -> anyhow::Result<&'a str> {
    answer[field].as_str().with_context(|| format!("the answer has no `{field}`: {answer}"))
}

fn seconds(run: &Value) -> String {
    format!("{:.1} s", run["duration_ms"].as_f64().unwrap_or(0.0) / 1000.0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::directory::StackDirectory;

    #[tokio::test]
    async fn the_shop_fills_and_lives() {
        let directory = StackDirectory::create("demo-shop").unwrap();
        let source = MariaDb::start(&directory.path().join("source"), DatabaseOptions::default()).await.unwrap();
        let rows = Box::pin(shop::load(&source)).await.unwrap();
        assert!(rows > 300_000, "{rows} rows");
        let before = proof::record(&source).await.unwrap();
        assert_eq!(before.len(), shop::tables());
        let mut traffic = Traffic::start(&source, 3);
        traffic.wait_for(300).await.unwrap();
        traffic.alter(&source).await.unwrap();
        traffic.wait_for(1_000).await.unwrap();
        assert!(traffic.stop().await.unwrap() >= 1_000);
        let after = proof::record(&source).await.unwrap();
        let rows = |truth: &proof::Truth, table| truth.get(table).map(|(rows, _)| *rows);
        assert_ne!(rows(&before, "wishlist_items"), rows(&after, "wishlist_items"));
        assert_ne!(before.get("gift_cards"), after.get("gift_cards"));
        assert!(proof::differences(&before, &after).len() > 5);
        assert!(proof::differences(&after, &after).is_empty());
    }
}
