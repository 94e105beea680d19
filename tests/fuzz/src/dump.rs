//! The tokenizer of data files: statements, rows, fields, literals, in whatever pieces a file arrives.
//!
//! An input's first byte chooses how many bytes arrive at once; the rest is the file.

use std::io::Read;

use backtrail_dump::literal::{self, Literal, parse_literal};
use backtrail_dump::tokenizer::{Limits, Piece, StatementReader};
use backtrail_dump::writer::TableDataWriter;

use crate::Cost;

/// Reads a data file.
pub fn check(input: &[u8]) -> Cost {
    let (choice, file) = input.split_first().unwrap_or((&0, &[]));
    let (pieces, whole) = pieces(StatementReader::new(file, "t.sql"));
    // The smallest buffer, and a source that gives a few bytes at once.
    let limits = Limits { buffer: 1, ..Limits::default() };
    let dribble = Dribble { file, at_once: usize::from(choice % 16) + 1 };
    let (again, again_whole) = self::pieces(StatementReader::with_limits(dribble, "t.sql", limits));
    assert_eq!((&pieces, whole), (&again, again_whole), "how a file arrives makes no difference");
    // A limit on rows only makes more of them an error.
    let limits = Limits { buffer: 16, piece: 64 };
    let (limited, _) = self::pieces(StatementReader::with_limits(file, "t.sql", limits));
    assert!(limited.len() <= pieces.len() && limited.iter().zip(&pieces).all(|(a, b)| a == b), "a limit changes a row");
    let rows: Vec<&[u8]> =
        pieces.iter().filter(|(kind, _)| *kind == Kind::Row).map(|(_, raw)| raw.as_slice()).collect();
    for row in &rows {
        fields(row);
    }
    written_again(&rows);
    // The file as a field.
    value(file);
    Cost::Proportional
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Preamble,
    Head,
    Row,
    End,
}

/// All pieces, and whether the file was whole.
fn pieces(mut reader: StatementReader<impl Read>) -> (Vec<(Kind, Vec<u8>)>, bool) {
    let mut pieces = Vec::new();
    loop {
        let piece = match reader.next_piece() {
            Ok(Some(Piece::Preamble(raw))) => (Kind::Preamble, raw.to_vec()),
            Ok(Some(Piece::InsertHead(head))) => {
                assert!(!head.table.is_empty());
                (Kind::Head, head.raw.to_vec())
            }
            Ok(Some(Piece::Row(row))) => {
                assert!(row.raw.starts_with(b"(") && row.raw.ends_with(b")"));
                (Kind::Row, row.raw.to_vec())
            }
            Ok(Some(Piece::End)) => (Kind::End, Vec::new()),
            Ok(None) => return (pieces, true),
            Err(error) => {
                let _ = (error.to_string(), error.offset());
                return (pieces, false);
            }
        };
        pieces.push(piece);
    }
}

/// Gives few bytes at once.
struct Dribble<'f> {
    file: &'f [u8],
    at_once: usize,
}

impl Read for Dribble<'_> {
    fn read(&mut self, room: &mut [u8]) -> std::io::Result<usize> {
        let count = self.at_once.min(room.len()).min(self.file.len());
        let (now, later) = self.file.split_at(count);
        room[..count].copy_from_slice(now);
        self.file = later;
        Ok(count)
    }
}

/// Takes a row apart.
fn fields(raw: &[u8]) {
    let row = backtrail_dump::tokenizer::Row { raw, offset: 0 };
    let (mut all, mut first) = (Vec::new(), Vec::new());
    row.fields(usize::MAX, &mut all);
    row.fields(2, &mut first);
    assert_eq!(first, all[..all.len().min(2)], "the first fields are the first of all");
    let mut end = 1;
    for field in &all {
        assert!(field.start >= end && field.end >= field.start && field.end < raw.len(), "{field:?} of {all:?}");
        end = field.end;
        value(row.field(field));
    }
}

/// What is read from a literal is read again from what is written for it.
fn value(text: &[u8]) {
    let Ok(literal) = parse_literal(text) else { return };
    let Some(bytes) = literal.clone().into_bytes() else { return };
    let mut out = Vec::new();
    if let Literal::Number(number) = literal {
        assert_eq!(number, text);
        return;
    }
    for write in [literal::write_string, literal::write_binary, literal::write_hex] {
        out.clear();
        write(&mut out, &bytes);
        assert_eq!(parse_literal(&out).ok().and_then(Literal::into_bytes).as_deref(), Some(&*bytes));
    }
    if let Ok(text) = std::str::from_utf8(&bytes) {
        out.clear();
        literal::write_json(&mut out, text);
        assert_eq!(parse_literal(&out).ok().and_then(Literal::into_bytes).as_deref(), Some(&*bytes));
    }
}

/// Rows that are moved to another file are there as they were.
fn written_again(rows: &[&[u8]]) {
    let mut writer = TableDataWriter::new(Vec::new(), "a`b", None).expect("memory takes all");
    for row in rows {
        writer.write_row(row).expect("memory takes all");
    }
    let file = writer.finish().expect("memory takes all");
    let (pieces, whole) = pieces(StatementReader::new(&file[..], "t.sql"));
    let read = pieces.iter().filter(|(kind, _)| *kind == Kind::Row).map(|(_, raw)| raw.as_slice());
    assert!(whole && read.eq(rows.iter().copied()), "rows are read as they are written");
}
