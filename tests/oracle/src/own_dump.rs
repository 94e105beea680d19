//! A small dumper of the oracle's own that writes files like mydumper's: for servers for which there is no mydumper. It is
//! no mydumper, and what is found with it is to be confirmed with one.

use std::fmt::Write as _;
use std::path::Path;

use anyhow::Context;
use backtrail_devstack::DatabaseAddress;
use mysql_async::Value;
use mysql_async::prelude::Queryable;

use crate::own_dump_around;
use crate::random::Random;
use crate::server::{quoted, schemas};

const HEAD: &str = "/*!40101 SET NAMES binary*/;\n/*!40014 SET FOREIGN_KEY_CHECKS=0*/;\n\
     /*!40101 SET SQL_MODE='NO_AUTO_VALUE_ON_ZERO,NO_ENGINE_SUBSTITUTION'*/;\n/*!40103 SET TIME_ZONE='+00:00' */;\n";

/// How values are written.
#[derive(Debug, Clone, Copy)]
struct Style {
    /// Binary values as `0x…`.
    hexadecimal: bool,
    /// `_binary` in front of binary strings.
    introducer: bool,
    /// Every INSERT names its columns.
    complete: bool,
    /// Rows of an INSERT and of a file.
    rows: usize,
    file_rows: usize,
    /// mydumper 1.0's metadata, not 0.10's.
    sections: bool,
}

/// Takes a dump under a global read lock, which ends once the snapshot is there.
///
/// # Errors
/// The server refuses something.
pub(crate) async fn take(server: &DatabaseAddress, directory: &Path, random: &mut Random) -> anyhow::Result<String> {
    std::fs::create_dir_all(directory)?;
    let style = Style {
        hexadecimal: random.percent(30),
        introducer: random.percent(50),
        complete: random.percent(40),
        rows: *random.pick(&[1, 3, 1000]),
        file_rows: *random.pick(&[4, 1000, 1000]),
        sections: random.percent(70),
    };
    let (mut lock, mut reader) = (server.connect().await?, server.connect().await?);
    reader.query_drop("SET SESSION time_zone = '+00:00', transaction_isolation = 'REPEATABLE-READ'").await?;
    reader.query_drop("SET SESSION sql_mode = ''").await?;
    lock.query_drop("FLUSH TABLES WITH READ LOCK").await?;
    let status: mysql_async::Row = lock.query_first("SHOW BINARY LOG STATUS").await?.context("no binary log")?;
    let gtid: String = lock.query_first("SELECT @@gtid_executed").await?.unwrap_or_default();
    reader.query_drop("START TRANSACTION WITH CONSISTENT SNAPSHOT").await?;
    lock.query_drop("UNLOCK TABLES").await?;
    let (file, position): (String, u64) = (status.get(0).context("no file")?, status.get(1).context("no position")?);
    let gtid: String = gtid.split_whitespace().collect();
    let mut metadata = if style.sections {
        format!(
            "# Started dump at: 2026-01-01 00:00:00\n[config]\nquote-character = BACKTICK\n\n[source]\n# Channel_Name = ''\n\
             # executed_gtid_set = \"{gtid}\"\n# SOURCE_LOG_FILE = \"{file}\"\n# SOURCE_LOG_POS = {position}\n\n"
        )
    } else {
        format!(
            "Started dump at: 2026-01-01 00:00:00\nSHOW MASTER STATUS:\n\tLog: {file}\n\tPos: {position}\n\tGTID:{gtid}\n\n"
        )
    };
    for schema in schemas(&mut reader).await? {
        reader.query_drop("SET NAMES utf8mb4").await?;
        let created: Option<(String, String)> =
            reader.query_first(format!("SHOW CREATE DATABASE IF NOT EXISTS {}", quoted(&schema))).await?;
        let created = created.context("a schema without a definition")?.1;
        std::fs::write(directory.join(format!("{schema}-schema-create.sql")), format!("{HEAD}{created};\n"))?;
        let tables: Vec<String> = reader
            .exec(
                "SELECT CAST(table_name AS CHAR) FROM information_schema.tables WHERE table_schema = ? AND \
                 table_type = 'BASE TABLE' ORDER BY table_name",
                (&schema,),
            )
            .await?;
        for table in tables {
            let rows = dump_table(&mut reader, directory, &schema, &table, style)
                .await
                .with_context(|| format!("dumping {schema}.{table}"))?;
            if style.sections {
                let _ = writeln!(
                    metadata,
                    "[{}.{}]\nreal_table_name={table}\nrows = {rows}\n",
                    quoted(&schema),
                    quoted(&table)
                );
            }
        }
        own_dump_around::dump(&mut reader, directory, &schema, HEAD, style.sections)
            .await
            .with_context(|| format!("dumping what stands around the tables of {schema}"))?;
    }
    let mark = if style.sections { "# " } else { "" };
    let _ = writeln!(metadata, "{mark}Finished dump at: 2026-01-01 00:00:00");
    std::fs::write(directory.join("metadata"), metadata)?;
    lock.disconnect().await?;
    reader.disconnect().await?;
    Ok(format!("the oracle's own dumper, {style:?}"))
}

async fn dump_table(
    reader: &mut mysql_async::Conn,
    directory: &Path,
    schema: &str,
    table: &str,
    style: Style,
) -> anyhow::Result<usize> {
    reader.query_drop("SET NAMES utf8mb4").await?;
    let qualified = format!("{}.{}", quoted(schema), quoted(table));
    let columns: Vec<(String, String, String)> = reader
        .exec(
            "SELECT CAST(column_name AS CHAR), CAST(data_type AS CHAR), CAST(extra AS CHAR) FROM \
             information_schema.columns WHERE table_schema = ? AND table_name = ? ORDER BY ordinal_position",
            (schema, table),
        )
        .await?;
    let whole = columns.iter().all(|(_, _, extra)| !extra.contains("GENERATED") && !extra.contains("INVISIBLE"));
    let columns: Vec<(String, String)> = columns
        .into_iter()
        .filter(|(_, _, extra)| !extra.contains("VIRTUAL GENERATED") && !extra.contains("STORED GENERATED"))
        .map(|(name, kind, _)| (name, kind))
        .collect();
    let names: Vec<String> = columns.iter().map(|(name, _)| quoted(name)).collect();
    reader.query_drop("SET NAMES binary").await?;
    let shown: Option<mysql_async::Row> = reader.query_first(format!("SHOW CREATE TABLE {qualified}")).await?;
    let definition: Vec<u8> = shown.and_then(|row| row.get(1)).context("it has no definition")?;
    let file = [HEAD.as_bytes(), &definition, b";\n"].concat();
    std::fs::write(directory.join(format!("{schema}.{table}-schema.sql")), file)?;
    let rows: Vec<mysql_async::Row> = reader.query(format!("SELECT {} FROM {qualified}", names.join(", "))).await?;
    let list = if style.complete || !whole { format!(" ({})", names.join(",")) } else { String::new() };
    let count = rows.len();
    for (number, rows) in rows.chunks(style.file_rows).enumerate() {
        let mut text = HEAD.as_bytes().to_vec();
        for rows in rows.chunks(style.rows) {
            text.extend_from_slice(format!("INSERT INTO {}{list} VALUES", quoted(table)).as_bytes());
            for (at, row) in rows.iter().enumerate() {
                text.extend_from_slice(if at == 0 { b"(" } else { b"\n,(" });
                for (at, (_, kind)) in columns.iter().enumerate() {
                    if at > 0 {
                        text.push(b',');
                    }
                    write_value(&mut text, row.as_ref(at).unwrap_or(&Value::NULL), kind, style);
                }
                text.push(b')');
            }
            text.extend_from_slice(b";\n");
        }
        std::fs::write(directory.join(format!("{schema}.{table}.{number:05}.sql")), text)?;
    }
    Ok(count)
}

fn write_value(text: &mut Vec<u8>, value: &Value, kind: &str, style: Style) {
    let Value::Bytes(bytes) = value else {
        text.extend_from_slice(b"NULL");
        return;
    };
    let binary = matches!(
        kind,
        "bit" | "binary" | "varbinary" | "tinyblob" | "blob" | "mediumblob" | "longblob" | "vector" | "geometry"
    ) || kind.contains("point")
        || kind.contains("polygon")
        || kind.contains("linestring");
    match kind {
        "tinyint" | "smallint" | "mediumint" | "int" | "bigint" | "decimal" | "float" | "double" | "year" => {
            text.extend_from_slice(bytes);
        }
        "json" => {
            text.extend_from_slice(b"CONVERT(");
            write_string(text, bytes);
            text.extend_from_slice(b" USING UTF8MB4)");
        }
        _ if binary && style.hexadecimal && !bytes.is_empty() => {
            text.extend_from_slice(b"0x");
            bytes.iter().for_each(|byte| text.extend_from_slice(format!("{byte:02X}").as_bytes()));
        }
        _ => {
            if binary && style.introducer {
                text.extend_from_slice(b"_binary ");
            }
            write_string(text, bytes);
        }
    }
}

fn write_string(text: &mut Vec<u8>, bytes: &[u8]) {
    text.push(b'"');
    for byte in bytes {
        match byte {
            0 => text.extend_from_slice(b"\\0"),
            b'\n' => text.extend_from_slice(b"\\n"),
            b'\r' => text.extend_from_slice(b"\\r"),
            0x1a => text.extend_from_slice(b"\\Z"),
            b'\\' | b'"' | b'\'' => text.extend_from_slice(&[b'\\', *byte]),
            byte => text.push(*byte),
        }
    }
    text.push(b'"');
}
