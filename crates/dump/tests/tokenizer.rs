//! The tokenizer over whole files: shapes, ends, limits, and laws.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test's helpers fail by panicking")]

mod common;

use std::io::{self, Read};

use backtrail_dump::DumpError;
use backtrail_dump::literal::{self, Literal, parse_literal};
use backtrail_dump::tokenizer::{InsertVerb, Limits, Piece, StatementReader};
use backtrail_dump::writer::TableDataWriter;
use proptest::prelude::*;

/// Everything a file holds.
#[derive(Debug, Default, PartialEq, Eq)]
struct Contents {
    preambles: usize,
    heads: Vec<String>,
    rows: Vec<Vec<u8>>,
    ends: usize,
}

fn read(source: impl Read, limits: Limits) -> Result<Contents, DumpError> {
    let mut reader = StatementReader::with_limits(source, "shop.t.sql", limits);
    let mut contents = Contents::default();
    while let Some(piece) = reader.next_piece()? {
        match piece {
            Piece::Preamble(_) => contents.preambles += 1,
            Piece::InsertHead(head) => {
                let columns = head.columns.map(|columns| format!(" {columns:?}")).unwrap_or_default();
                let schema = head.schema.map(|schema| format!("{schema}.")).unwrap_or_default();
                let verb = match head.verb {
                    InsertVerb::Insert => "",
                    InsertVerb::InsertIgnore => "ignore ",
                    InsertVerb::Replace => "replace ",
                };
                contents.heads.push(format!("{verb}{schema}{}{columns}", head.table));
            }
            Piece::Row(row) => contents.rows.push(row.raw.to_vec()),
            Piece::End => contents.ends += 1,
        }
    }
    Ok(contents)
}

fn read_all(bytes: &[u8]) -> Result<Contents, DumpError> {
    read(bytes, Limits::default())
}

/// Hands out a few bytes at a time.
struct Trickle<'a>(&'a [u8], usize);

impl Read for Trickle<'_> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        let length = self.1.min(out.len()).min(self.0.len());
        out[..length].copy_from_slice(&self.0[..length]);
        self.0 = &self.0[length..];
        Ok(length)
    }
}

/// The fields of every row, as texts.
fn fields(bytes: &[u8]) -> Vec<Vec<String>> {
    let mut reader = StatementReader::new(bytes, "x");
    let mut found = Vec::new();
    let mut ranges = Vec::new();
    while let Some(piece) = reader.next_piece().unwrap() {
        if let Piece::Row(row) = piece {
            row.fields(usize::MAX, &mut ranges);
            found.push(ranges.iter().map(|range| String::from_utf8_lossy(row.field(range)).into_owned()).collect());
        }
    }
    found
}

#[test]
fn both_layouts_of_rows() {
    let old = b"/*!40101 SET NAMES binary*/;\nINSERT INTO `t` VALUES\n(1,\"a\"),\n(2,NULL);\nINSERT INTO `t` VALUES\n(3,'),(');\n";
    let new = b"/*!40101 SET NAMES binary*/;\nINSERT INTO `t` VALUES(1,\"a\")\n,(2,NULL)\n;\nINSERT INTO `t` VALUES(3,'),(')\n;\n";
    let contents = read_all(old).unwrap();
    assert_eq!(contents.rows, [b"(1,\"a\")".to_vec(), b"(2,NULL)".to_vec(), b"(3,'),(')".to_vec()]);
    assert_eq!((contents.preambles, contents.heads.len(), contents.ends), (1, 2, 2));
    assert_eq!(contents, read_all(new).unwrap());
    assert_eq!(fields(new), [["1", "\"a\""], ["2", "NULL"], ["3", "'),('"]]);
}

#[test]
fn heads() {
    #[track_caller]
    fn check(head: &str, expect: &str) {
        let contents = read_all(format!("{head} (1);\n").as_bytes()).unwrap_or_else(|error| panic!("{head}: {error}"));
        assert_eq!(contents.heads, [expect], "{head}");
    }
    check("INSERT INTO `t` VALUES", "t");
    check("insert ignore into t values", "ignore t");
    check("REPLACE INTO `a`.`b` VALUES", "replace a.b");
    check("INSERT INTO \"a\"\"b\" VALUES", "a\"b");
    check("INSERT /* x */ INTO `VALUES` VALUES", "VALUES");
    check("INSERT INTO `a``b ) VALUES (` (`c,d`, `e``f`) VALUES", "a`b ) VALUES ( [\"c,d\", \"e`f\"]");
    check("INSERT INTO `é漢` VALUES", "é漢");
}

#[test]
fn preambles() {
    let text = b"-- a comment; \n# another\n/*!40101 SET NAMES binary*/;\nSET @a='x;y';\n/* plain */ SET a = 1;\n;\n";
    assert_eq!(read_all(text).unwrap().preambles, 5);
    assert_eq!(read_all(b"").unwrap(), Contents::default());
    assert_eq!(read_all(b"\n\n").unwrap(), Contents::default());
    for text in [
        "DROP TABLE t;",
        "LOAD DATA LOCAL INFILE 'x' INTO TABLE t;",
        "USE x;",
        "INSERT INTO t SELECT 1;",
        "INSERT INTO t VALUES (1) ON DUPLICATE KEY UPDATE a = 1;",
        "INSERT INTO t VALUES (1) (2);",
        "INSERT INTO t VALUES ,(2);",
        "INSERT INTO t VALUES (1),;",
        "INSERT INTO t VALUES ;",
        "INSERT INTO t VALUES (1;2);",
        "\u{1}",
        "}",
    ] {
        let found = read_all(text.as_bytes());
        assert!(matches!(found, Err(DumpError::Syntax { .. })), "{text}: {found:?}");
    }
}

#[test]
fn every_cut_is_an_error() {
    for dialect in ["classic", "sections"] {
        for (name, bytes) in common::own(dialect) {
            if !name.ends_with(".sql") || name.contains("-schema") {
                continue;
            }
            let whole = read_all(&bytes).unwrap();
            // Where a statement is finished, the file may end.
            let mut complete = 0;
            for cut in 0..bytes.len() {
                match read_all(&bytes[..cut]) {
                    Ok(contents) => {
                        complete += 1;
                        assert_eq!(contents.heads.len(), contents.ends, "{name} cut at {cut}");
                        let before = bytes[..cut].trim_ascii_end();
                        assert!(before.is_empty() || before.ends_with(b";"), "{name} cut at {cut}");
                        assert_eq!(contents.rows[..], whole.rows[..contents.rows.len()], "{name} cut at {cut}");
                    }
                    Err(DumpError::Truncated { file, offset, .. }) => {
                        assert_eq!((file.as_str(), offset), ("shop.t.sql", cut as u64), "{name} cut at {cut}");
                    }
                    Err(other) => panic!("{name} cut at {cut}: {other}"),
                }
            }
            // Twice for each statement: before its line break and behind it.
            assert!(complete <= 2 * (whole.preambles + whole.ends + 1), "{name}: {complete}");
        }
    }
}

#[test]
fn bytes_come_in_any_portions() {
    for dialect in ["classic", "sections"] {
        for (name, bytes) in common::own(dialect) {
            if name.ends_with(".sql") && !name.contains("-schema") {
                let whole = read_all(&bytes).unwrap();
                for portion in [1, 2, 3, 7, 64] {
                    let limits = Limits { buffer: portion, ..Limits::default() };
                    assert_eq!(read(Trickle(&bytes, portion), limits).unwrap(), whole, "{name} by {portion}");
                }
            }
        }
    }
}

#[test]
fn long_rows_grow_the_buffer_up_to_the_limit() {
    let text = format!("INSERT INTO t VALUES (1,'{}'),(2,'x');", "y".repeat(5 << 20));
    let contents = read_all(text.as_bytes()).unwrap();
    assert_eq!(contents.rows.iter().map(Vec::len).collect::<Vec<_>>(), [(5 << 20) + 6, 7]);
    let limits = Limits { buffer: 1024, piece: 1 << 20 };
    let found = read(text.as_bytes(), limits);
    let Err(DumpError::TooLong { offset: 21, limit, what: "row", .. }) = found else { panic!("{found:?}") };
    assert_eq!(limit, 1 << 20);
    let endless = read(io::repeat(b'x'), limits);
    assert!(matches!(endless, Err(DumpError::TooLong { .. })), "{endless:?}");
}

#[test]
fn a_source_that_fails_is_named() {
    struct Broken;
    impl Read for Broken {
        fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
            Err(io::Error::other("corrupt frame"))
        }
    }
    let source = (&b"INSERT INTO t VALUES (1"[..]).chain(Broken);
    let Err(error) = read(source, Limits::default()) else { panic!("an error is expected") };
    assert!(matches!(error, DumpError::Read { offset: 23, .. }), "{error}");
    assert_eq!(error.file(), "shop.t.sql");
}

#[test]
fn values_of_our_own_dumps() {
    let (_, bytes) = common::own("sections").into_iter().find(|(name, _)| name == "small.types.00000.sql").unwrap();
    let rows = fields(&bytes);
    assert_eq!(rows.iter().map(Vec::len).collect::<Vec<_>>(), [7, 7, 7, 7]);
    let value = |row: usize, column: usize| parse_literal(rows[row][column].as_bytes()).unwrap().into_bytes();
    assert_eq!(value(0, 3).unwrap().as_ref(), b"a),(b");
    assert_eq!(value(0, 6).unwrap().as_ref(), br#"{"a": [1, ")"]}"#);
    assert_eq!(value(1, 3).unwrap().as_ref(), b"'),(");
    assert_eq!(value(1, 6).unwrap().as_ref(), b"{}");
    assert_eq!(value(2, 6), None);
    assert_eq!(parse_literal(rows[3][0].as_bytes()), Ok(Literal::Number(b"18446744073709551615")));
}

/// A field as a test makes it: its text and what it means.
fn field() -> impl Strategy<Value = (Vec<u8>, Option<Vec<u8>>)> {
    let bytes =
        || prop::collection::vec(prop_oneof![any::<u8>(), prop::sample::select(b"'\"\\),(;\n\0\x1a".to_vec())], 0..30);
    fn written(write: fn(&mut Vec<u8>, &[u8])) -> impl Fn(Vec<u8>) -> (Vec<u8>, Option<Vec<u8>>) {
        move |bytes| {
            let mut out = Vec::new();
            write(&mut out, &bytes);
            (out, Some(bytes))
        }
    }
    prop_oneof![
        Just((b"NULL".to_vec(), None)),
        (-1_000_000i64..1_000_000).prop_map(|n| (n.to_string().into_bytes(), Some(n.to_string().into_bytes()))),
        bytes().prop_map(written(literal::write_string)),
        bytes().prop_map(written(literal::write_binary)),
        bytes().prop_map(written(literal::write_hex)),
        "\\PC{0,20}".prop_map(|text| {
            let mut out = Vec::new();
            literal::write_json(&mut out, &text);
            (out, Some(text.into_bytes()))
        }),
        // As mydumper writes: double quotes, doubled quotes, few escapes.
        bytes().prop_map(|bytes| {
            let mut out = vec![b'"'];
            for byte in &bytes {
                match byte {
                    b'"' => out.extend_from_slice(b"\"\""),
                    b'\\' => out.extend_from_slice(b"\\\\"),
                    other => out.push(*other),
                }
            }
            out.push(b'"');
            (out, Some(bytes))
        }),
    ]
}

/// Splits at every `(`, `)`, `,` outside strings, one byte at a time.
fn naive_fields(row: &[u8]) -> Vec<Vec<u8>> {
    let (mut found, mut field, mut quote, mut depth) = (Vec::new(), Vec::new(), None, 0);
    let mut bytes = row.iter().copied();
    while let Some(byte) = bytes.next() {
        match quote {
            Some(_) if byte == b'\\' => {
                field.push(byte);
                field.extend(bytes.next());
                continue;
            }
            Some(q) if q == byte => quote = None,
            Some(_) => {}
            None => match byte {
                b'\'' | b'"' => quote = Some(byte),
                b'(' => {
                    depth += 1;
                    if depth == 1 {
                        continue;
                    }
                }
                b')' => {
                    depth -= 1;
                    if depth == 0 {
                        found.push(std::mem::take(&mut field));
                        continue;
                    }
                }
                b',' if depth == 1 => {
                    found.push(std::mem::take(&mut field));
                    continue;
                }
                _ => {}
            },
        }
        field.push(byte);
    }
    found
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn what_is_written_is_read(rows in prop::collection::vec(prop::collection::vec(field(), 1..6), 0..12), portion in 1usize..40) {
        let mut writer = TableDataWriter::new(Vec::new(), "t", None).unwrap();
        let mut texts = Vec::new();
        for row in &rows {
            let inside = row.iter().map(|(text, _)| text.clone()).collect::<Vec<_>>().join(&b","[..]);
            let text = [b"(".as_slice(), &inside, b")"].concat();
            writer.write_row(&text).unwrap();
            texts.push(text);
        }
        let bytes = writer.finish().unwrap();
        let limits = Limits { buffer: portion, ..Limits::default() };
        let contents = read(Trickle(&bytes, portion), limits).unwrap();
        prop_assert_eq!(&contents.rows, &texts);
        let mut reader = StatementReader::new(&bytes[..], "x");
        let mut ranges = Vec::new();
        let mut row_index = 0;
        while let Some(piece) = reader.next_piece().unwrap() {
            let Piece::Row(row) = piece else { continue };
            prop_assert_eq!(&bytes[row.offset as usize..][..row.raw.len()], row.raw);
            row.fields(usize::MAX, &mut ranges);
            let found: Vec<_> = ranges.iter().map(|range| row.field(range).to_vec()).collect();
            prop_assert_eq!(&found, &naive_fields(row.raw));
            for (field, (_, value)) in found.iter().zip(&rows[row_index]) {
                let read = parse_literal(field).unwrap().into_bytes();
                prop_assert_eq!(read.as_deref(), value.as_deref());
            }
            prop_assert_eq!(found.len(), rows[row_index].len());
            for up_to in 0..3 {
                let all = ranges.clone();
                row.fields(up_to, &mut ranges);
                prop_assert_eq!(&ranges[..], &all[..up_to.min(all.len())]);
                ranges = all;
            }
            row_index += 1;
        }
    }

    #[test]
    fn no_bytes_make_it_panic(bytes in prop::collection::vec(prop::sample::select(b"INSERTVALUO\"'`\\(),;/*!-# \n0x\xff".to_vec()), 0..80)) {
        let _ = read_all(&bytes);
        let text = [b"INSERT INTO t VALUES ".as_slice(), &bytes].concat();
        let _ = read_all(&text);
        let _ = parse_literal(&bytes);
    }
}
