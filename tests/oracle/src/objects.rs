//! What stands around tables, as a server shows it: schemas, views, triggers, routines, packages, events.

use std::collections::BTreeMap;

use anyhow::Context;
use mysql_async::prelude::Queryable;

use crate::server::{quoted, schemas};

/// Something around tables.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Object {
    /// As the server prints it, with single blanks; none for a view that reads what is not there.
    pub definition: Option<String>,
    /// What its session had set, as far as it is kept. mydumper does not keep all of it.
    pub session: String,
}

/// All of them, by kind and name: `VIEW shop.v`.
pub type Objects = BTreeMap<String, Object>;

fn plain(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

fn text(row: &mysql_async::Row, column: usize) -> String {
    row.get::<Option<Vec<u8>>, _>(column)
        .flatten()
        .map_or_else(String::new, |bytes| String::from_utf8_lossy(&bytes).into_owned())
}

/// Reads them all.
///
/// # Errors
/// The server refuses something.
pub async fn objects(connection: &mut mysql_async::Conn) -> anyhow::Result<Objects> {
    connection.query_drop("SET SESSION time_zone = '+00:00', sql_mode = 'NO_ENGINE_SUBSTITUTION'").await?;
    connection.query_drop("SET NAMES utf8mb4").await?;
    let mut found = Objects::new();
    for schema in schemas(connection).await? {
        let shown: Option<mysql_async::Row> =
            connection.query_first(format!("SHOW CREATE DATABASE {}", quoted(&schema))).await?;
        let definition = shown.map(|row| plain(&text(&row, 1)));
        found.insert(format!("DATABASE {schema}"), Object { definition, session: String::new() });
        views(connection, &schema, &mut found).await.with_context(|| format!("the views of {schema}"))?;
        triggers(connection, &schema, &mut found).await.with_context(|| format!("the triggers of {schema}"))?;
        routines(connection, &schema, &mut found).await.with_context(|| format!("the routines of {schema}"))?;
        sequences(connection, &schema, &mut found).await.with_context(|| format!("the sequences of {schema}"))?;
        events(connection, &schema, &mut found).await.with_context(|| format!("the events of {schema}"))?;
    }
    Ok(found)
}

/// The names that a query of the information schema gives for a schema.
async fn names(connection: &mut mysql_async::Conn, query: &str, schema: &str) -> anyhow::Result<Vec<(String, String)>> {
    Ok(connection.exec(query, (schema,)).await?)
}

async fn views(connection: &mut mysql_async::Conn, schema: &str, found: &mut Objects) -> anyhow::Result<()> {
    let query = "SELECT CAST(table_name AS CHAR), '' FROM information_schema.tables \
                 WHERE table_schema = ? AND table_type = 'VIEW'";
    for (name, _) in names(connection, query, schema).await? {
        let qualified = format!("{}.{}", quoted(schema), quoted(&name));
        let valid = connection.query_drop(format!("SELECT * FROM {qualified} LIMIT 0")).await.is_ok();
        let shown: Option<mysql_async::Row> =
            connection.query_first(format!("SHOW CREATE VIEW {qualified}")).await.unwrap_or_default();
        let object = match shown.filter(|_| valid) {
            Some(row) => Object {
                definition: Some(plain(&text(&row, 1))),
                session: format!("{} {}", text(&row, 2), text(&row, 3)),
            },
            None => Object { definition: None, session: String::new() },
        };
        found.insert(format!("VIEW {schema}.{name}"), object);
    }
    Ok(())
}

async fn triggers(connection: &mut mysql_async::Conn, schema: &str, found: &mut Objects) -> anyhow::Result<()> {
    let rows: Vec<mysql_async::Row> = connection
        .exec(
            "SELECT trigger_name, event_object_table, action_timing, event_manipulation, action_order, definer, \
             action_statement, sql_mode, character_set_client, collation_connection FROM information_schema.triggers \
             WHERE trigger_schema = ?",
            (schema,),
        )
        .await?;
    for row in rows {
        let order: u64 = row.get(4).context("no order")?;
        let part = |column| plain(&text(&row, column));
        let definition = format!("on {} {} {} number {order} by {}: {}", part(1), part(2), part(3), part(5), part(6));
        let session = format!("{} {} {}", part(7), part(8), part(9));
        found.insert(format!("TRIGGER {schema}.{}", part(0)), Object { definition: Some(definition), session });
    }
    Ok(())
}

async fn routines(connection: &mut mysql_async::Conn, schema: &str, found: &mut Objects) -> anyhow::Result<()> {
    let query = "SELECT CAST(routine_name AS CHAR), CAST(routine_type AS CHAR) FROM information_schema.routines \
                 WHERE routine_schema = ?";
    for (name, kind) in names(connection, query, schema).await? {
        let shown: Option<mysql_async::Row> =
            connection.query_first(format!("SHOW CREATE {kind} {}.{}", quoted(schema), quoted(&name))).await?;
        let row = shown.context("a routine without a definition")?;
        let session = format!("{} {} {}", text(&row, 1), text(&row, 3), text(&row, 4));
        found.insert(format!("{kind} {schema}.{name}"), Object { definition: Some(plain(&text(&row, 2))), session });
    }
    Ok(())
}

async fn sequences(connection: &mut mysql_async::Conn, schema: &str, found: &mut Objects) -> anyhow::Result<()> {
    let query = "SELECT CAST(table_name AS CHAR), '' FROM information_schema.tables \
                 WHERE table_schema = ? AND table_type = 'SEQUENCE'";
    for (name, _) in names(connection, query, schema).await? {
        let row: Option<mysql_async::Row> =
            connection.query_first(format!("SELECT * FROM {}.{}", quoted(schema), quoted(&name))).await?;
        let row = row.context("a sequence without a row")?;
        let values: Vec<String> = (0..row.len()).map(|column| text(&row, column)).collect();
        let shown: Option<mysql_async::Row> =
            connection.query_first(format!("SHOW CREATE SEQUENCE {}.{}", quoted(schema), quoted(&name))).await?;
        let shown = shown.map(|row| plain(&text(&row, 1))).unwrap_or_default();
        let object = Object { definition: Some(format!("{} {shown}", values.join(","))), session: String::new() };
        found.insert(format!("SEQUENCE {schema}.{name}"), object);
    }
    Ok(())
}

async fn events(connection: &mut mysql_async::Conn, schema: &str, found: &mut Objects) -> anyhow::Result<()> {
    let query = "SELECT CAST(event_name AS CHAR), '' FROM information_schema.events WHERE event_schema = ?";
    for (name, _) in names(connection, query, schema).await? {
        let shown: Option<mysql_async::Row> =
            connection.query_first(format!("SHOW CREATE EVENT {}.{}", quoted(schema), quoted(&name))).await?;
        let row = shown.context("an event without a definition")?;
        let session = format!("{} {} {} {}", text(&row, 1), text(&row, 2), text(&row, 4), text(&row, 5));
        found.insert(format!("EVENT {schema}.{name}"), Object { definition: Some(plain(&text(&row, 3))), session });
    }
    Ok(())
}

/// Whether an object may be the baseline's, under its name or under another one that is gone.
fn is_of_baseline(name: &str, object: &Object, expected: &Objects, baseline: &Objects) -> bool {
    let kind = |name: &str| name.split(' ').next().map(str::to_owned);
    baseline.iter().any(|(before, then)| {
        then.session == object.session
            && (before == name || (kind(before) == kind(name) && !expected.contains_key(before)))
    })
}

/// How what was found differs from what should be there. Objects that are as they were in the baseline need not have the
/// settings of their session: a dump does not tell them.
pub fn differences(expected: &Objects, found: &Objects, baseline: &Objects) -> Vec<(String, String)> {
    let mut differences = Vec::new();
    for (name, object) in expected {
        let Some(definition) = &object.definition else { continue };
        let Some(own) = found.get(name) else {
            differences.push((name.clone(), format!("{name} is missing: {definition}")));
            continue;
        };
        if own.definition.as_ref() != Some(definition) {
            let own = own.definition.as_deref().unwrap_or("one that cannot be used");
            differences.push((name.clone(), format!("{name} is\n{own}\ninstead of\n{definition}")));
        } else if own.session != object.session && !is_of_baseline(name, object, expected, baseline) {
            let text = format!("{name} has the settings {} instead of {}", own.session, object.session);
            differences.push((name.clone(), text));
        }
    }
    for name in found.keys().filter(|name| !expected.contains_key(*name)) {
        differences.push((name.clone(), format!("{name} should not be there")));
    }
    differences
}
