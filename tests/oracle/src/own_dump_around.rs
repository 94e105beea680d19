//! The oracle's own dumper, beside tables: views, triggers, routines and events in mydumper's form.

use std::path::Path;

use anyhow::Context;
use mysql_async::prelude::Queryable;

use crate::server::quoted;

/// Statements between mydumper's settings of the session.
fn with_charset(client: &str, collation: &str, statements: &str) -> String {
    format!(
        "SET @PREV_CHARACTER_SET_CLIENT=@@CHARACTER_SET_CLIENT;\nSET @PREV_CHARACTER_SET_RESULTS=@@CHARACTER_SET_RESULTS;\n\
         SET @PREV_COLLATION_CONNECTION=@@COLLATION_CONNECTION;\nSET character_set_client = {client};\n\
         SET character_set_results = {client};\nSET collation_connection = {collation};\n{statements}\
         SET character_set_client = @PREV_CHARACTER_SET_CLIENT;\nSET character_set_results = @PREV_CHARACTER_SET_RESULTS;\n\
         SET collation_connection = @PREV_COLLATION_CONNECTION;\n"
    )
}

fn text(row: &mysql_async::Row, column: usize) -> String {
    row.get::<Option<Vec<u8>>, _>(column)
        .flatten()
        .map_or_else(String::new, |bytes| String::from_utf8_lossy(&bytes).into_owned())
}

/// Writes the files of a schema. `wide`: one file for all triggers, as mydumper 1.0 has it.
///
/// # Errors
/// The server refuses something.
pub(crate) async fn dump(
    reader: &mut mysql_async::Conn,
    directory: &Path,
    schema: &str,
    head: &str,
    wide: bool,
) -> anyhow::Result<()> {
    reader.query_drop("SET NAMES utf8mb4").await?;
    reader.query_drop(format!("USE {}", quoted(schema))).await?;
    views(reader, directory, schema, head).await.context("views")?;
    let triggers: Vec<(String, String)> = reader
        .exec(
            "SELECT CAST(trigger_name AS CHAR), CAST(event_object_table AS CHAR) FROM information_schema.triggers \
             WHERE trigger_schema = ? ORDER BY event_object_table, action_timing, event_manipulation, action_order",
            (schema,),
        )
        .await?;
    let mut files: std::collections::BTreeMap<String, String> = std::collections::BTreeMap::new();
    for (trigger, table) in triggers {
        let shown: Option<mysql_async::Row> =
            reader.query_first(format!("SHOW CREATE TRIGGER {}", quoted(&trigger))).await?;
        let row = shown.context("a trigger without a definition")?;
        let name = if wide {
            format!("{schema}-schema-triggers.sql")
        } else {
            format!("{schema}.{table}-schema-triggers.sql")
        };
        let drop = if wide { format!("DROP TRIGGER IF EXISTS {};\n", quoted(&trigger)) } else { String::new() };
        let statements = format!("{drop}{};\n", text(&row, 2).replace(";\n", "; \n"));
        let file = files.entry(name).or_insert_with(|| if wide { head.to_owned() } else { String::new() });
        file.push_str(&with_charset(&text(&row, 3), &text(&row, 4), &statements));
    }
    for (name, content) in files {
        std::fs::write(directory.join(name), content)?;
    }
    let mut post = String::new();
    for kind in ["FUNCTION", "PROCEDURE"] {
        let query = "SELECT CAST(routine_name AS CHAR) FROM information_schema.routines WHERE routine_schema = ? AND \
                     routine_type = ? ORDER BY routine_name";
        let names: Vec<String> = reader.exec(query, (schema, kind)).await?;
        for name in names {
            let shown: Option<mysql_async::Row> =
                reader.query_first(format!("SHOW CREATE {kind} {}", quoted(&name))).await?;
            let row = shown.context("a routine without a definition")?;
            let definition = text(&row, 2).replace(";\n", "; \n");
            let statements = format!("DROP {kind} IF EXISTS {};\n{definition};\n", quoted(&name));
            post.push_str(&with_charset(&text(&row, 3), &text(&row, 4), &statements));
        }
    }
    let query = "SELECT CAST(event_name AS CHAR) FROM information_schema.events WHERE event_schema = ?";
    let names: Vec<String> = reader.exec(query, (schema,)).await?;
    for name in names {
        let shown: Option<mysql_async::Row> =
            reader.query_first(format!("SHOW CREATE EVENT {}", quoted(&name))).await?;
        let row = shown.context("an event without a definition")?;
        let definition = text(&row, 3).replace(";\n", "; \n");
        let statements = format!("DROP EVENT IF EXISTS {};\n{definition};\n", quoted(&name));
        post.push_str(&with_charset(&text(&row, 4), &text(&row, 5), &statements));
    }
    if !post.is_empty() {
        let head = if wide { head } else { "" };
        std::fs::write(directory.join(format!("{schema}-schema-post.sql")), format!("{head}{post}"))?;
    }
    Ok(())
}

async fn views(reader: &mut mysql_async::Conn, directory: &Path, schema: &str, head: &str) -> anyhow::Result<()> {
    let query = "SELECT CAST(table_name AS CHAR) FROM information_schema.tables WHERE table_schema = ? AND \
                 table_type = 'VIEW'";
    let names: Vec<String> = reader.exec(query, (schema,)).await?;
    for name in names {
        // What cannot be used cannot be described.
        let Ok(columns) = reader.query::<mysql_async::Row, _>(format!("SHOW FIELDS FROM {}", quoted(&name))).await
        else {
            continue;
        };
        let columns: Vec<String> = columns.iter().map(|row| format!("{} int", quoted(&text(row, 0)))).collect();
        let placeholder =
            format!("{head}CREATE TABLE IF NOT EXISTS {}(\n{}\n) ENGINE=MEMORY;\n", quoted(&name), columns.join(",\n"));
        std::fs::write(directory.join(format!("{schema}.{name}-schema.sql")), placeholder)?;
        let shown: Option<mysql_async::Row> = reader.query_first(format!("SHOW CREATE VIEW {}", quoted(&name))).await?;
        let row = shown.context("a view without a definition")?;
        let view = with_charset(&text(&row, 2), &text(&row, 3), &format!("{};\n", text(&row, 1)));
        let drops = format!("DROP TABLE IF EXISTS {0};\nDROP VIEW IF EXISTS {0};\n", quoted(&name));
        std::fs::write(directory.join(format!("{schema}.{name}-schema-view.sql")), format!("{head}{drops}{view}"))?;
    }
    Ok(())
}
