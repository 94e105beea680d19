//! Whole directories: our own small dumps, and recorded cases where `BACKTRAIL_CASES` names their directory.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test's helpers fail by panicking")]

mod common;

use std::collections::BTreeMap;
use std::io::{Cursor, Read};
use std::path::Path;

use backtrail_domain::TableName;
use backtrail_dump::metadata::{Dialect, DumpMetadata};
use backtrail_dump::names::{Compression, Layout};
use backtrail_dump::tokenizer::{Piece, StatementReader};

struct Dump {
    metadata: DumpMetadata,
    layout: Layout,
    rows: BTreeMap<TableName, u64>,
}

/// Reads a dump through, and checks it as any reader should: every head names the file's table, all rows have as many
/// fields as the first, every field is a literal.
fn read(name: &str, files: &[(String, Vec<u8>)]) -> Dump {
    let bytes_of = |file: &str| &files.iter().find(|(name, _)| name == file).unwrap().1;
    let metadata = DumpMetadata::parse(&String::from_utf8_lossy(bytes_of("metadata"))).unwrap();
    let layout = Layout::of(files.iter().map(|(name, _)| name.as_str()), Some(&metadata)).unwrap();
    let mut rows = BTreeMap::new();
    for (table, files) in &layout.tables {
        let count: &mut u64 = rows.entry(table.clone()).or_default();
        let mut width = None;
        for file in &files.data {
            let source: Box<dyn Read> = match Compression::split(&file.name).1 {
                Compression::None => Box::new(Cursor::new(bytes_of(&file.name))),
                Compression::Zstd => Box::new(zstd::stream::read::Decoder::new(&bytes_of(&file.name)[..]).unwrap()),
                Compression::Gzip => panic!("no case has gzip"),
            };
            let mut reader = StatementReader::new(source, &file.name);
            let mut fields = Vec::new();
            while let Some(piece) = reader.next_piece().unwrap() {
                match piece {
                    Piece::InsertHead(head) => assert_eq!(head.table, table.table, "{name}: {}", file.name),
                    Piece::Row(row) => {
                        row.fields(usize::MAX, &mut fields);
                        assert_eq!(fields.len(), *width.get_or_insert(fields.len()), "{name}: {}", file.name);
                        for range in &fields {
                            let field = row.field(range);
                            backtrail_dump::literal::parse_literal(field).unwrap();
                        }
                        *count += 1;
                    }
                    Piece::Preamble(_) | Piece::End => {}
                }
            }
        }
        if let Some(expected) = files.rows {
            assert_eq!(*count, expected, "{name}: {table}");
        }
    }
    Dump { metadata, layout, rows }
}

#[test]
fn a_classic_dump() {
    let dump = read("classic", &common::own("classic"));
    assert_eq!(dump.metadata.dialect, Dialect::Classic);
    assert!(dump.metadata.is_finished() && dump.layout.has_metadata);
    let coordinates = dump.metadata.coordinates.unwrap();
    assert_eq!(coordinates.position.to_string(), "binlog.000001:58653");
    assert_eq!(coordinates.gtid_set.unwrap().to_string(), "0-5-59");
    let counts: Vec<_> = dump.rows.iter().map(|(name, rows)| (name.table.as_str(), *rows)).collect();
    assert_eq!(counts, [("chunked", 100), ("empty_t", 0), ("gen", 3), ("odd name-x", 1), ("types", 4), ("vw", 0)]);
    assert!(!dump.layout.tables[&TableName::new("small", "vw")].is_table());
}

#[test]
fn a_dump_of_sections() {
    let dump = read("sections", &common::own("sections"));
    assert_eq!(dump.metadata.dialect, Dialect::Sections);
    let counts: Vec<_> = dump.rows.iter().map(|(name, rows)| (name.table.as_str(), *rows)).collect();
    assert_eq!(counts, [("empty_t", 0), ("gen", 3), ("odd.name,x", 2), ("types", 4)]);
    assert_eq!(dump.layout.tables[&TableName::new("small", "odd.name,x")].rows, Some(2));
}

#[test]
fn recorded_cases() {
    #[expect(clippy::disallowed_methods, reason = "the caller of the tests says where they are")]
    let cases = std::env::var_os("BACKTRAIL_CASES");
    let Some(cases) = cases else {
        eprintln!("BACKTRAIL_CASES is not set: no recorded cases to read");
        return;
    };
    #[expect(clippy::disallowed_methods, reason = "tests list their files")]
    let cases: Vec<_> = std::fs::read_dir(Path::new(&cases)).unwrap().map(|case| case.unwrap().path()).collect();
    assert!(!cases.is_empty());
    for case in cases {
        let name = case.file_name().unwrap().to_string_lossy().into_owned();
        let dump = read(&name, &common::files(&case.join("baseline")));
        assert!(dump.metadata.is_finished(), "{name}");
        assert!(dump.metadata.coordinates.is_some(), "{name}");
        assert!(dump.rows.values().sum::<u64>() > 0, "{name}");
        if dump.metadata.dialect == Dialect::Sections {
            assert!(dump.layout.tables.values().all(|files| files.rows.is_some()), "{name}");
        }
        for files in dump.layout.tables.values() {
            assert!(files.schema.is_some(), "{name}");
        }
    }
}
