//! What real servers print for tables of every kind, and the shapes that come of it.

#![expect(clippy::disallowed_methods, reason = "tests read their files")]
#![expect(clippy::unwrap_used, clippy::panic, reason = "a test's helpers fail by panicking")]

use std::fmt::Write;
use std::path::Path;

use backtrail_schema::{Flavour, SqlDialect, TableShape, parse_create_table};

/// A shape in a few lines.
fn summary(shape: &TableShape) -> String {
    let mut out =
        format!("{} engine={:?} charset={:?} collation={:?}", shape.name, shape.engine, shape.charset, shape.collation);
    for (flag, name) in [(shape.partitioned, "partitioned"), (shape.system_versioned, "system versioned")] {
        if flag {
            write!(out, " {name}").unwrap();
        }
    }
    if let Some(next) = shape.auto_increment {
        write!(out, " auto_increment={next}").unwrap();
    }
    out.push('\n');
    for column in &shape.columns {
        write!(out, "  {}: {:?}", column.name, column.ty).unwrap();
        for (flag, name) in
            [(!column.nullable, "not null"), (column.invisible, "invisible"), (column.auto_increment, "auto_increment")]
        {
            if flag {
                write!(out, ", {name}").unwrap();
            }
        }
        for (value, name) in [
            (&column.default, "default"),
            (&column.on_update, "on update"),
            (&column.charset, "charset"),
            (&column.collation, "collation"),
        ] {
            if let Some(value) = value {
                write!(out, ", {name} {value}").unwrap();
            }
        }
        if let Some(generated) = column.generated {
            write!(out, ", {generated:?}").unwrap();
        }
        out.push('\n');
    }
    let parts = |parts: &[backtrail_schema::KeyPart]| {
        let part = |part: &backtrail_schema::KeyPart| {
            let prefix = part.prefix_length.map(|length| format!("({length})")).unwrap_or_default();
            format!("{}{prefix}", shape.columns[part.column].name)
        };
        parts.iter().map(part).collect::<Vec<_>>().join(", ")
    };
    if let Some(key) = &shape.primary_key {
        writeln!(out, "  primary key: {}", parts(key)).unwrap();
    }
    for key in &shape.unique_keys {
        let expression = if key.has_expression { " and an expression" } else { "" };
        writeln!(out, "  unique key {}: {}{expression}", key.name, parts(&key.parts)).unwrap();
    }
    for key in &shape.foreign_keys {
        let columns: Vec<_> = key.columns.iter().map(|column| shape.columns[*column].name.as_str()).collect();
        writeln!(
            out,
            "  foreign key {}: {columns:?} -> {} {:?}, on delete {:?}, on update {:?}",
            key.name, key.parent, key.parent_columns, key.on_delete, key.on_update
        )
        .unwrap();
    }
    match shape.row_key() {
        Some(key) => writeln!(out, "  rows by: {}", parts(key.parts)).unwrap(),
        None => writeln!(out, "  rows by: nothing").unwrap(),
    }
    out
}

fn summaries(server: &str, flavour: Flavour) -> String {
    let path = Path::new("tests/data").join(format!("{server}.sql"));
    let text = String::from_utf8_lossy(&std::fs::read(path).unwrap()).into_owned();
    text.split(";\n\n")
        .map(|sql| {
            let shape = parse_create_table(sql, "sh", &SqlDialect::of_flavour(flavour));
            summary(&shape.unwrap_or_else(|error| panic!("{error}\n{sql}")))
        })
        .collect::<Vec<_>>()
        .join("\n")
}

#[test]
fn mariadb() {
    insta::assert_snapshot!(summaries("mariadb-10.11", Flavour::Mariadb));
}

#[test]
fn mysql() {
    insta::assert_snapshot!(summaries("mysql-9.7", Flavour::Mysql));
}
