//! The rows of a dump, in a form in which equal rows are equal whatever wrote them.

use std::collections::BTreeMap;
use std::io::Read;

use backtrail_binlog::json::Document;
use backtrail_domain::TableName;
use backtrail_dump::literal::{Literal, parse_literal};
use backtrail_dump::names::Layout;
use backtrail_dump::tokenizer::{Piece, StatementReader};
use backtrail_reconstruct::values::key::KeyCodec;
use backtrail_schema::{ColumnType, SqlDialect, TableShape, parse_create_table};

use super::support::memory::Memory;

/// The sorted rows of every table that has data files; definitions come from another directory.
pub(crate) fn rows(data: &Memory, definitions: &Memory) -> BTreeMap<TableName, Vec<Vec<u8>>> {
    let names: Vec<String> = data.files().into_keys().collect();
    let layout = Layout::of(names.iter().map(String::as_str), None).unwrap();
    let mut tables = BTreeMap::new();
    for (name, files) in &layout.tables {
        let shape = shape(definitions, name);
        let mut rows = Vec::new();
        for file in &files.data {
            rows_of_file(&content(data, &file.name), &file.name, &shape, &mut rows);
        }
        rows.sort();
        if !rows.is_empty() {
            tables.insert(name.clone(), rows);
        }
    }
    tables
}

fn content(data: &Memory, name: &str) -> Vec<u8> {
    let stored = data.files()[name].clone();
    let mut content = Vec::new();
    if name.ends_with(".zst") {
        zstd::stream::copy_decode(stored.as_slice(), &mut content).unwrap();
    } else if name.ends_with(".gz") {
        flate2::read::MultiGzDecoder::new(stored.as_slice()).read_to_end(&mut content).unwrap();
    } else {
        content = stored;
    }
    content
}

fn shape(definitions: &Memory, name: &TableName) -> TableShape {
    let file = format!("{}.{}-schema.sql", name.schema, name.table);
    let sql = String::from_utf8(content(definitions, &file)).unwrap();
    parse_create_table(&sql, &name.schema, &SqlDialect::mariadb())
        .or_else(|_| parse_create_table(&sql, &name.schema, &SqlDialect::mysql()))
        .unwrap()
}

fn rows_of_file(content: &[u8], name: &str, shape: &TableShape, rows: &mut Vec<Vec<u8>>) {
    let mut reader = StatementReader::new(content, name);
    let mut columns: Vec<usize> = Vec::new();
    let mut fields = Vec::new();
    while let Some(piece) = reader.next_piece().unwrap() {
        match piece {
            Piece::InsertHead(head) => {
                assert_eq!(head.table, shape.name.table);
                columns = match head.columns {
                    Some(names) => names.iter().map(|name| shape.column_index(name).unwrap()).collect(),
                    None => shape.positional_columns().collect(),
                };
            }
            Piece::Row(row) => {
                row.fields(usize::MAX, &mut fields);
                assert_eq!(fields.len(), columns.len(), "{name}");
                let mut key = Vec::new();
                for (field, column) in fields.iter().zip(&columns) {
                    let literal = parse_literal(row.field(field)).unwrap();
                    if shape.columns[*column].ty == ColumnType::Json {
                        json(&literal, &mut key);
                    } else {
                        let codec = KeyCodec::new(shape, &[*column], true).unwrap();
                        codec.parts()[0].push_literal(&literal, &mut key).unwrap();
                    }
                }
                rows.push(key);
            }
            Piece::Preamble(_) | Piece::End => {}
        }
    }
}

fn json(literal: &Literal<'_>, key: &mut Vec<u8>) {
    match literal {
        Literal::Null => key.push(0),
        Literal::String { bytes, .. } => {
            let text = std::str::from_utf8(bytes).unwrap();
            key.extend_from_slice(Document::from_text(text).unwrap().to_text().as_bytes());
            key.push(1);
        }
        other => panic!("{other:?}"),
    }
}
