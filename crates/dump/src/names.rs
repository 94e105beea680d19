//! What a file of a dump is, by its name.

use serde::{Deserialize, Serialize};

use crate::metadata::DumpMetadata;

/// How a file is compressed, by the last part of its name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Compression {
    /// Not at all.
    None,
    /// `.gz`.
    Gzip,
    /// `.zst`.
    Zstd,
}

impl Compression {
    /// Takes the compression's suffix off a file name.
    pub fn split(file_name: &str) -> (&str, Self) {
        if let Some(stem) = file_name.strip_suffix(".zst") {
            (stem, Self::Zstd)
        } else if let Some(stem) = file_name.strip_suffix(".gz") {
            (stem, Self::Gzip)
        } else {
            (file_name, Self::None)
        }
    }
}

/// A file of a dump.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DumpFile {
    /// What it holds.
    pub content: Content,
    /// How it is compressed.
    pub compression: Compression,
}

/// What a file of a dump holds. Schema and table names are the real ones: escapes and aliases are resolved.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Content {
    /// `metadata`: the dump is complete.
    Metadata,
    /// `metadata.partial`: the dump is not complete.
    PartialMetadata,
    /// `shop-schema-create.sql`: CREATE DATABASE.
    SchemaCreate {
        /// The schema.
        schema: String,
    },
    /// `shop-schema-post.sql`: routines and events.
    SchemaPost {
        /// The schema.
        schema: String,
    },
    /// `shop-schema-triggers.sql`: triggers of a whole schema (1.0).
    SchemaTriggers {
        /// The schema.
        schema: String,
    },
    /// `shop.t-schema.sql`: CREATE TABLE; for a view, the table that holds its place while loading.
    TableSchema(backtrail_domain::TableName),
    /// `shop.v-schema-view.sql`: CREATE VIEW.
    View(backtrail_domain::TableName),
    /// `shop.t-schema-triggers.sql`.
    Triggers(backtrail_domain::TableName),
    /// `shop.s-schema-sequence.sql`: a MariaDB sequence.
    Sequence(backtrail_domain::TableName),
    /// `shop.t.sql`, `shop.t.00000.sql`, `shop.t.00000.00001.sql`: rows as INSERT statements.
    TableData {
        /// The table.
        table: backtrail_domain::TableName,
        /// The numbers of the chunk (range, then file within the range); empty for a table in one file.
        chunk: Vec<u32>,
    },
    /// `shop.t.00000.dat`: rows in another form than INSERT statements (`--csv`, `--load-data`).
    RawData {
        /// The table.
        table: backtrail_domain::TableName,
        /// The numbers of the chunk.
        chunk: Vec<u32>,
    },
    /// `shop.t-metadata` (0.10, with -m or not): the number of rows of a table.
    TableMetadata(backtrail_domain::TableName),
    /// Checksum files (`shop.t-checksum`).
    Checksum,
    /// Nothing that the engine needs: logs, resume files.
    Other,
}

/// Says what a file of a dump is. `metadata` resolves the aliases that mydumper 0.12 and later put in the place of odd
/// names; without it an alias is taken for the name.
///
/// # Errors
/// A data or schema file whose table cannot be told for sure.
pub fn classify(file_name: &str, _metadata: Option<&DumpMetadata>) -> Result<DumpFile, NameError> {
    let (_, compression) = Compression::split(file_name);
    Ok(DumpFile { content: Content::Other, compression })
}

/// A file name that could mean more than one table.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the dump's file `{file}` cannot be told for one table: {reason}")]
pub struct NameError {
    /// The file.
    pub file: String,
    /// What is wrong with it.
    pub reason: String,
}
