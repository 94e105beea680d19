//! The `metadata` file in every dialect from mydumper 0.10 to 1.0, and the names of a dump's files.
//!
//! An input is the file; behind a zero byte may follow the names of files, one a line.

use backtrail_dump::metadata::{DumpCoordinates, DumpMetadata, ResultTable, render};
use backtrail_dump::names::{Compression, Layout};

use crate::Cost;

/// Reads a metadata file and sorts a directory out.
pub fn check(input: &[u8]) -> Cost {
    let mut parts = input.splitn(2, |byte| *byte == 0);
    let text = String::from_utf8_lossy(parts.next().unwrap_or_default());
    let names = String::from_utf8_lossy(parts.next().unwrap_or_default());
    let metadata = DumpMetadata::parse(&text);
    match &metadata {
        Ok(metadata) => written_again(metadata),
        Err(error) => assert!(!error.to_string().is_empty()),
    }
    for metadata in [None, metadata.as_ref().ok()] {
        layout(&names, metadata);
    }
    Cost::Proportional
}

/// A result's metadata is read as it is written.
fn written_again(metadata: &DumpMetadata) {
    let Some(coordinates) = &metadata.coordinates else { return };
    let mut names = backtrail_dump::names::FileNames::default();
    let tables: Vec<ResultTable> = metadata
        .tables
        .iter()
        .map(|(name, entry)| ResultTable {
            schema_file_name: names.name(&name.schema),
            file_name: names.name(&name.table),
            table: name.table.clone(),
            rows: entry.rows.unwrap_or(7),
        })
        .collect();
    let text = render("2026-11-23 01:35:31", "2026-11-23 01:36:00", coordinates, tables.clone());
    let again = DumpMetadata::parse(&text).expect("a result's metadata is read");
    assert!(again.is_finished());
    // An empty set is no set.
    let expected = DumpCoordinates {
        position: coordinates.position.clone(),
        gtid_set: coordinates.gtid_set.clone().filter(|set| !set.to_string().is_empty()),
    };
    assert_eq!(again.coordinates, Some(expected), "{text}");
    for table in tables {
        let found = again.tables.iter().find(|(name, entry)| {
            name.schema == table.schema_file_name && entry.file_name == table.file_name && name.table == table.table
        });
        assert_eq!(found.and_then(|(_, entry)| entry.rows), Some(table.rows), "{table:?} in\n{text}");
    }
}

fn layout(names: &str, metadata: Option<&DumpMetadata>) {
    for name in names.lines() {
        let (stem, compression) = Compression::split(name);
        assert_eq!(format!("{stem}{}", compression.suffix()), name);
    }
    let mut layout = match Layout::of(names.lines(), metadata) {
        Ok(layout) => layout,
        Err(error) => return assert!(!error.to_string().is_empty()),
    };
    for (alias, _) in layout.aliased_tables() {
        layout.rename_table(&alias, "real");
    }
    for (alias, _) in layout.aliased_schemas() {
        layout.rename_schema(&alias, "real");
    }
}
