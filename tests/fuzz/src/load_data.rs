//! Rows beside a LOAD DATA statement: the statement, lines, fields, in whatever pieces the file of rows arrives.
//!
//! An input is the file with the statement, a byte of zero, and the file with the rows.

use std::io::Read;

use backtrail_dump::literal::parse_literal;
use backtrail_dump::load_data::{LoadData, LoadFile, LoadedRows};
use backtrail_dump::tokenizer::Limits;

use crate::Cost;

/// Reads both files.
pub fn check(input: &[u8]) -> Cost {
    let split = input.iter().position(|byte| *byte == 0).unwrap_or(input.len());
    let (file, rows) = input.split_at(split);
    let rows = rows.get(1..).unwrap_or_default();
    let statement = match LoadFile::parse(file) {
        Ok(file) => file.statement,
        Err(error) => {
            let _ = error.to_string();
            return Cost::Proportional;
        }
    };
    assert!(!statement.columns.is_empty(), "a row has values");
    let whole = read(LoadedRows::new(rows, "t.dat", statement.clone(), is_number), &statement);
    // The smallest buffer: how a file arrives makes no difference.
    let limits = Limits { buffer: 1, ..Limits::default() };
    let pieces = read(LoadedRows::with_limits(rows, "t.dat", statement.clone(), is_number, limits), &statement);
    assert_eq!(whole, pieces, "how a file arrives makes no difference");
    // A limit on rows only makes more of them an error.
    let limits = Limits { buffer: 16, piece: 64 };
    let (limited, _) = read(LoadedRows::with_limits(rows, "t.dat", statement.clone(), is_number, limits), &statement);
    assert!(
        limited.len() <= whole.0.len() && limited.iter().zip(&whole.0).all(|(a, b)| a == b),
        "a limit changes a row"
    );
    Cost::Proportional
}

fn is_number(column: &str) -> bool {
    column.starts_with('i')
}

/// All rows, each of which is one of an INSERT, and whether the file was whole.
fn read(mut reader: LoadedRows<impl Read>, statement: &LoadData) -> (Vec<Vec<u8>>, bool) {
    let (mut rows, mut fields) = (Vec::new(), Vec::new());
    loop {
        match reader.next_row() {
            Ok(Some(row)) => {
                row.fields(usize::MAX, &mut fields);
                assert_eq!(fields.len(), statement.columns.len(), "a row has a value for each column");
                for field in &fields {
                    assert!(parse_literal(row.field(field)).is_ok(), "a row's values are literals");
                }
                rows.push(row.raw.to_vec());
            }
            Ok(None) => return (rows, true),
            Err(error) => {
                let _ = (error.to_string(), error.offset());
                return (rows, false);
            }
        }
    }
}
