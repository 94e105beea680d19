//! The proof: every table's row count and checksum on one server and on another.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::Stdio;

use anyhow::{Context, bail};
use mysql_async::prelude::Queryable;

use super::shop::SCHEMA;
use crate::source_server::DatabaseAddress;

/// Per table: rows, and the server's checksum over all their values.
pub(super) type Truth = BTreeMap<String, (u64, u64)>;

/// Records what the shop holds now.
pub(super) async fn record(server: &DatabaseAddress) -> anyhow::Result<Truth> {
    let mut connection = server.connect().await?;
    let tables: Vec<String> = connection
        .exec(
            "SELECT table_name FROM information_schema.tables WHERE table_schema = ? AND table_type = 'BASE TABLE'",
            (SCHEMA,),
        )
        .await?;
    let mut truth = Truth::new();
    for table in tables {
        let rows = connection.query_first(format!("SELECT COUNT(*) FROM `{SCHEMA}`.`{table}`")).await?;
        let checksum = connection.query_first(format!("CHECKSUM TABLE `{SCHEMA}`.`{table}` EXTENDED")).await?;
        let (Some(rows), Some((_, Some(checksum)))) = (rows, checksum.map(|row: (String, Option<u64>)| row)) else {
            bail!("the server gives no checksum of {table}");
        };
        truth.insert(table, (rows, checksum));
    }
    connection.disconnect().await?;
    Ok(truth)
}

/// Loads a dump as an operator would: with the stock client, one file after the other, schemas first.
pub(super) async fn load_with_stock_client(dump: &Path, server: &DatabaseAddress) -> anyhow::Result<usize> {
    let mut names: Vec<String> = Vec::new();
    for entry in std::fs::read_dir(dump)? {
        names.push(entry?.file_name().to_string_lossy().into_owned());
    }
    names.retain(|name| name.ends_with(".sql"));
    let rank = |name: &str| match name {
        name if name.ends_with("-schema-create.sql") => 0,
        name if name.ends_with("-schema.sql") => 1,
        _ => 2,
    };
    names.sort_by_key(|name| (rank(name), name.clone()));
    // The password is in a file: neither on the command line nor in the environment.
    let defaults = dump.join("client.cnf");
    server.write_client_options(&defaults)?;
    for name in &names {
        let mut client = tokio::process::Command::new("mariadb");
        client.arg(format!("--defaults-file={}", defaults.display())).arg("--binary-mode");
        if rank(name) > 0 {
            client.arg(SCHEMA);
        }
        let output = client
            .stdin(std::fs::File::open(dump.join(name))?)
            .stdout(Stdio::null())
            .kill_on_drop(true)
            .output()
            .await?;
        if !output.status.success() {
            bail!("{name} does not load: {}", String::from_utf8_lossy(&output.stderr).trim());
        }
    }
    std::fs::remove_file(&defaults).context("the client's settings cannot be removed")?;
    Ok(names.len())
}

/// The tables that differ, each with what was wanted and what is there.
pub(super) fn differences(wanted: &Truth, found: &Truth) -> Vec<String> {
    let names = wanted.keys().chain(found.keys().filter(|name| !wanted.contains_key(*name)));
    let differing = names.filter(|name| wanted.get(*name) != found.get(*name));
    differing.map(|name| format!("{name}: wanted {:?}, found {:?}", wanted.get(name), found.get(name))).collect()
}
