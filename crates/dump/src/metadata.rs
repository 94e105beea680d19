//! The `metadata` file: coordinates, row counts, the completion mark.

use std::collections::BTreeMap;

use backtrail_domain::{BinlogFile, GtidSet, TableName};

/// The dialects of the file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Dialect {
    /// Up to 0.12: `SHOW MASTER STATUS:` and indented lines.
    Classic,
    /// From 0.13: sections in brackets, keys and values.
    Sections,
}

/// How names are quoted in the dump's SQL.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum QuoteCharacter {
    /// `` `name` ``.
    #[default]
    Backtick,
    /// `"name"`.
    DoubleQuote,
}

/// What the `metadata` file says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DumpMetadata {
    /// When the dump began, as written (the dumping host's local time, without a zone).
    pub started_at: Option<String>,
    /// Whether the completion mark (`Finished dump at`) is there. A dump without it is not complete.
    pub finished: bool,
    /// The place in the dumped server's own binary log that the rows belong to. What it replicates from is not it.
    pub coordinates: Option<DumpCoordinates>,
    /// Tables with a section of their own, by real name.
    pub tables: BTreeMap<TableName, TableEntry>,
    /// Schemas whose name in file names is an alias: alias to real name.
    pub schema_aliases: BTreeMap<String, String>,
    /// How the dump's SQL quotes names.
    pub quote: QuoteCharacter,
    /// The file's dialect.
    pub dialect: Dialect,
}

/// A place in the source's binary log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DumpCoordinates {
    /// The file.
    pub file: BinlogFile,
    /// The offset in it.
    pub position: u64,
    /// What had been executed.
    pub gtid_set: Option<GtidSet>,
}

/// What the metadata says about a table.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct TableEntry {
    /// The table's name in file names, where it is not the real one.
    pub file_alias: Option<String>,
    /// Rows in the dump.
    pub rows: Option<u64>,
    /// Whether the section is a view's.
    pub is_view: bool,
    /// Whether the section is a sequence's.
    pub is_sequence: bool,
}

impl DumpMetadata {
    /// Reads a `metadata` file of any dialect from 0.10 to 1.0.
    ///
    /// # Errors
    /// Text of no dialect, and coordinates or counts that are no numbers.
    pub fn parse(_text: &str) -> Result<Self, MetadataError> {
        Err(MetadataError::NotMetadata)
    }
}

/// Writes the `metadata` of a result: the classic dialect, which every myloader reads.
pub fn render(_started_at: &str, _finished_at: &str, _coordinates: Option<&DumpCoordinates>) -> String {
    String::new()
}

/// A metadata file that could not be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum MetadataError {
    /// Not a metadata file.
    #[error("the dump's metadata file has no line that a mydumper writes; is this a dump's directory?")]
    NotMetadata,
    /// A value that is not what its key promises.
    #[error("line {line} of the dump's metadata has a value that is not {expected}: `{text}`")]
    Value {
        /// Counted from 1.
        line: usize,
        /// The line.
        text: String,
        /// What the value should be.
        expected: &'static str,
    },
}
