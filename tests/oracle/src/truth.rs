//! What a server's tables hold, exactly, and how two servers differ.

use std::collections::BTreeMap;
use std::fmt::Write;

use anyhow::Context;
use backtrail_domain::TableName;
use mysql_async::prelude::Queryable;

use crate::server::{quoted, schemas};

/// A table as the server shows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TableContents {
    /// Its definition, without the counter of its next automatic value.
    pub definition: String,
    /// Its columns, in order.
    pub columns: Vec<String>,
    /// Its rows: of each column the bytes in hexadecimal, `~` for NULL, joined with `|`; sorted.
    pub rows: Vec<String>,
}

/// All tables of a server.
pub type Contents = BTreeMap<TableName, TableContents>;

/// Reads everything.
///
/// # Errors
/// The server refuses something.
pub async fn contents(connection: &mut mysql_async::Conn) -> anyhow::Result<Contents> {
    connection.query_drop("SET SESSION time_zone = '+00:00', sql_mode = 'NO_ENGINE_SUBSTITUTION'").await?;
    connection.query_drop("SET NAMES utf8mb4").await?;
    let mut contents = Contents::new();
    for schema in schemas(connection).await? {
        let columns: Vec<(String, String, String)> = connection
            .exec(
                "SELECT CAST(c.table_name AS CHAR), CAST(c.column_name AS CHAR), CAST(c.data_type AS CHAR) \
                 FROM information_schema.columns c JOIN information_schema.tables t \
                 ON t.table_schema = c.table_schema AND t.table_name = c.table_name \
                 AND t.table_type IN ('BASE TABLE', 'SYSTEM VERSIONED') \
                 WHERE c.table_schema = ? ORDER BY c.table_name, c.ordinal_position",
                (&schema,),
            )
            .await?;
        let mut tables: BTreeMap<String, Vec<(String, String)>> = BTreeMap::new();
        for (table, column, kind) in columns {
            tables.entry(table).or_default().push((column, kind));
        }
        for (table, columns) in tables {
            let name = TableName::new(schema.clone(), table);
            let found = table_contents(connection, &name, &columns).await.with_context(|| format!("reading {name}"))?;
            contents.insert(name, found);
        }
    }
    Ok(contents)
}

async fn table_contents(
    connection: &mut mysql_async::Conn,
    name: &TableName,
    columns: &[(String, String)],
) -> anyhow::Result<TableContents> {
    let qualified = format!("{}.{}", quoted(&name.schema), quoted(&name.table));
    let values: Vec<String> = columns.iter().map(|(column, kind)| exact(&quoted(column), kind)).collect();
    // One value a column: a row as one text would meet limits of its own.
    let rows: Vec<mysql_async::Row> =
        connection.query(format!("SELECT {} FROM {qualified}", values.join(", "))).await?;
    let mut rows: Vec<String> = rows
        .into_iter()
        .map(|row| row.unwrap().into_iter().map(mysql_async::from_value::<String>).collect::<Vec<_>>().join("|"))
        .collect();
    rows.sort_unstable();
    let shown: Option<mysql_async::Row> = connection.query_first(format!("SHOW CREATE TABLE {qualified}")).await?;
    let definition = shown.and_then(|row| row.get::<Vec<u8>, _>(1)).context("it has no definition")?;
    // The default of a binary column is shown as its bytes.
    let definition = String::from_utf8_lossy(&definition).into_owned();
    let columns = columns.iter().map(|(column, _)| column.clone()).collect();
    Ok(TableContents { definition: without_counter(&definition), columns, rows })
}

/// An expression that tells a value from every other one.
fn exact(column: &str, kind: &str) -> String {
    let value = match kind {
        "bit" => format!("CAST({column} AS UNSIGNED)"),
        // A FLOAT by itself is printed with six digits.
        "float" => format!("CONVERT({column} * 1e0 USING utf8mb4)"),
        "json" => format!("CAST({column} AS CHAR CHARACTER SET utf8mb4)"),
        "char" | "varchar" | "tinytext" | "text" | "mediumtext" | "longtext" | "binary" | "varbinary" | "tinyblob"
        | "blob" | "mediumblob" | "longblob" | "vector" | "point" | "linestring" | "polygon" | "geometry"
        | "multipoint" | "multilinestring" | "multipolygon" | "geometrycollection" | "geomcollection" => {
            column.to_owned()
        }
        _ => format!("CONVERT({column} USING utf8mb4)"),
    };
    format!("COALESCE(HEX({value}), '~')")
}

/// A definition without ` AUTO_INCREMENT=n`.
fn without_counter(definition: &str) -> String {
    let Some(at) = definition.rfind(" AUTO_INCREMENT=") else { return definition.to_owned() };
    let (before, rest) = definition.split_at(at);
    let rest = rest.trim_start_matches(" AUTO_INCREMENT=").trim_start_matches(|c: char| c.is_ascii_digit());
    format!("{before}{rest}")
}

/// How a table differs from what it should be; nothing when it does not.
pub fn difference(expected: &TableContents, found: &TableContents) -> Option<String> {
    if expected == found {
        return None;
    }
    let mut text = String::new();
    if expected.definition != found.definition {
        let _ = write!(text, "definition:\n{}\ninstead of\n{}\n", found.definition, expected.definition);
    }
    if expected.columns != found.columns {
        let _ = writeln!(text, "columns {:?} instead of {:?}", found.columns, expected.columns);
        return Some(text);
    }
    let (missing, extra) = (without(&expected.rows, &found.rows), without(&found.rows, &expected.rows));
    if !missing.is_empty() || !extra.is_empty() {
        let _ = writeln!(
            text,
            "{} rows instead of {}: {} missing, {} that should not be",
            found.rows.len(),
            expected.rows.len(),
            missing.len(),
            extra.len()
        );
        show(&mut text, "missing", expected, missing.first());
        show(&mut text, "not expected", expected, extra.first());
    }
    Some(text)
}

/// The multiset difference of two sorted lists.
fn without<'a>(rows: &'a [String], other: &[String]) -> Vec<&'a String> {
    let (mut left, mut at) = (Vec::new(), 0);
    for row in rows {
        while other.get(at).is_some_and(|other| other < row) {
            at += 1;
        }
        if other.get(at) == Some(row) {
            at += 1;
        } else {
            left.push(row);
        }
    }
    left
}

fn show(text: &mut String, what: &str, table: &TableContents, row: Option<&&String>) {
    let Some(row) = row else { return };
    let _ = writeln!(text, "{what}:");
    for (column, value) in table.columns.iter().zip(row.split('|')) {
        let _ = writeln!(text, "  {column} = {}", readable(value));
    }
}

/// Hexadecimal as text where it is text.
fn readable(value: &str) -> String {
    let bytes: Option<Vec<u8>> = (0..value.len() / 2)
        .map(|at| value.get(at * 2..at * 2 + 2).and_then(|pair| u8::from_str_radix(pair, 16).ok()))
        .collect();
    let shortened = |text: &str| match text.char_indices().nth(120) {
        Some((at, _)) => format!("{}… ({} characters)", &text[..at], text.chars().count()),
        None => text.to_owned(),
    };
    match bytes.map(String::from_utf8) {
        Some(Ok(text)) if value != "~" && !text.chars().any(char::is_control) => format!("{:?}", shortened(&text)),
        _ => shortened(value),
    }
}
