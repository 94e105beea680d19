//! Tables of every type, each dumped by mydumper 1.0.1 in several forms from one server: all give the same rows.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test's helpers fail by panicking")]

mod common;

use std::collections::BTreeMap;

use backtrail_dump::literal::{Literal, parse_literal};
use backtrail_dump::load_data::{LoadFile, LoadedRows};
use backtrail_dump::tokenizer::{Piece, Row, StatementReader};

/// A value: whether it stands as a number, and its bytes.
type Value = Option<(bool, Vec<u8>)>;
type Tables = BTreeMap<String, Vec<Vec<Value>>>;

fn values(row: &Row<'_>) -> Vec<Value> {
    let mut fields = Vec::new();
    row.fields(usize::MAX, &mut fields);
    let value = |range| {
        let literal = parse_literal(row.field(range)).unwrap();
        let is_number = matches!(literal, Literal::Number(_));
        literal.into_bytes().map(|bytes| (is_number, bytes.into_owned()))
    };
    fields.iter().map(value).collect()
}

fn is_number(table: &str, column: &str) -> bool {
    matches!((table, column), (_, "id") | ("nums", "a" | "b" | "c" | "g") | ("gen", "a"))
}

/// All rows of a dump, read in the form of each file.
fn tables(dump: &str) -> Tables {
    let files: BTreeMap<String, Vec<u8>> = common::own(&format!("load_data/{dump}")).into_iter().collect();
    let mut tables = Tables::new();
    for (name, bytes) in files.iter().filter(|(name, _)| name.ends_with(".sql")) {
        let Some(rows) = files.get(&name.replace(".sql", ".dat")) else {
            let mut reader = StatementReader::new(bytes.as_slice(), name);
            let mut table = String::new();
            while let Some(piece) = reader.next_piece().unwrap() {
                match piece {
                    Piece::InsertHead(head) => table = head.table,
                    Piece::Row(row) => tables.entry(table.clone()).or_default().push(values(&row)),
                    Piece::Preamble(_) | Piece::End => {}
                }
            }
            continue;
        };
        let file = LoadFile::parse(bytes).unwrap();
        assert!(file.preamble.iter().any(|statement| statement.starts_with(b"/*!40101 SET NAMES binary*/")), "{name}");
        let table = file.statement.table.clone();
        let mut reader = LoadedRows::new(rows.as_slice(), name, file.statement, |column| is_number(&table, column));
        let found = tables.entry(table.clone()).or_default();
        while let Some(row) = reader.next_row().unwrap() {
            found.push(values(&row));
        }
    }
    tables
}

#[test]
fn every_form_of_every_type_is_the_same_rows() {
    for (server, forms) in [("mysql", ["tabs", "csv"]), ("mariadb", ["tabs", "csv"])] {
        let inserts = tables(&format!("{server}-inserts"));
        assert_eq!(inserts.keys().collect::<Vec<_>>(), ["bins", "gen", "geo", "js", "nums", "one", "strs", "times"]);
        for form in forms {
            let found = tables(&format!("{server}-{form}"));
            assert!(inserts.keys().eq(found.keys()), "{server} {form}");
            for (table, rows) in &inserts {
                assert_eq!(&found[table], rows, "{server} {form} {table}");
            }
        }
    }
}
