//! What a server holds, exactly, and how a dump gets into one.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::Stdio;

use anyhow::{Context, bail};
use backtrail_devstack::{DatabaseAddress, Family, Release, ServerTree};
use mysql_async::prelude::Queryable;
use tokio::process::Command;

/// Per table of a schema: its rows, each as the hexadecimal values of its columns, sorted.
pub type Contents = BTreeMap<String, Vec<String>>;

/// Reads every base table of a schema.
///
/// # Errors
/// The server refuses something.
pub async fn contents(server: &DatabaseAddress, schema: &str) -> anyhow::Result<Contents> {
    let mut connection = server.connect().await?;
    connection.query_drop("SET time_zone = '+00:00'").await?;
    let columns: Vec<(String, String, String)> = connection
        .exec(
            "SELECT c.table_name, c.column_name, c.data_type FROM information_schema.columns c JOIN information_schema.tables t \
             ON t.table_schema = c.table_schema AND t.table_name = c.table_name AND t.table_type = 'BASE TABLE' \
             WHERE c.table_schema = ? ORDER BY c.table_name, c.ordinal_position",
            (schema,),
        )
        .await?;
    let mut tables: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for (table, column, kind) in columns {
        let name = format!("`{}`", column.replace('`', "``"));
        let value = match kind.as_str() {
            "bit" => format!("CAST({name} AS UNSIGNED)"),
            "json" => format!("CAST({name} AS CHAR CHARACTER SET utf8mb4)"),
            "point" | "geometry" => format!("ST_AsBinary({name})"),
            _ => name,
        };
        tables.entry(table).or_default().push(format!("COALESCE(HEX({value}), '~')"));
    }
    let mut contents = Contents::new();
    for (table, values) in tables {
        let query =
            format!("SELECT CONCAT_WS('|', {}) FROM `{schema}`.`{}`", values.join(", "), table.replace('`', "``"));
        let mut rows: Vec<String> = connection.query(query).await.with_context(|| format!("rows of {table}"))?;
        rows.sort();
        contents.insert(table, rows);
    }
    connection.disconnect().await?;
    Ok(contents)
}

/// Loads a dump with the stock client, one file after the other, schemas first.
///
/// # Errors
/// The client refuses a file.
pub async fn load(dump: &Path, schema: &str, server: &DatabaseAddress) -> anyhow::Result<()> {
    let mut names = Vec::new();
    for entry in std::fs::read_dir(dump)? {
        let name = entry?.file_name().to_string_lossy().into_owned();
        if name.ends_with(".sql") {
            let rank =
                if name.ends_with("-schema-create.sql") { 0 } else { 1 + u8::from(!name.ends_with("-schema.sql")) };
            names.push((rank, name));
        }
    }
    names.sort();
    let defaults = dump.join("client.cnf");
    server.write_client_options(&defaults)?;
    for (rank, name) in names {
        let mut client = client(server.family)?;
        client.arg(format!("--defaults-file={}", defaults.display())).arg("--binary-mode");
        if rank > 0 {
            client.arg(schema);
        }
        let output = client.stdin(std::fs::File::open(dump.join(&name))?).stdout(Stdio::null()).output().await?;
        if !output.status.success() {
            bail!("{name} does not load: {}", String::from_utf8_lossy(&output.stderr).trim());
        }
    }
    Ok(())
}

fn client(family: Family) -> anyhow::Result<Command> {
    match family {
        Family::Mariadb => Ok(Command::new("mariadb")),
        Family::Mysql => {
            let words = ServerTree::find(Release::MySql)?.command(Release::MySql.client());
            let (program, arguments) = words.split_first().context("no client")?;
            let mut command = Command::new(program);
            command.args(arguments);
            Ok(command)
        }
    }
}
