//! The report: what was done, with every row and event accounted for.

use std::collections::BTreeMap;

use backtrail_domain::{BinlogPosition, GtidSet, TableName};
use serde::{Deserialize, Serialize};

use crate::account::{EventCounts, RowEventCounts};
use crate::around::PlannedObject;
use crate::input::ledger::BaselineReading;
use crate::plan::{Gap, PlannedPiece, Refusal};

/// What was done.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Report {
    /// Where the result stands in the log.
    pub cut: BinlogPosition,
    /// The GTIDs executed there.
    pub gtid_set: Option<GtidSet>,
    /// When the last transaction that is in committed, RFC 3339.
    pub last_commit: Option<String>,
    /// Events between baseline and cut.
    pub events: EventCounts,
    /// Row events between baseline and cut by table, also of tables that are not wanted.
    pub row_events: BTreeMap<TableName, RowEventCounts>,
    /// Every table of the result.
    pub tables: BTreeMap<TableName, TableReport>,
    /// Wanted tables that are not in the result.
    pub refused: Vec<Refusal>,
    /// What stands around tables and was made, changed or removed in the window.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub around: Vec<PlannedObject>,
    /// Holes in the log that were crossed.
    pub gaps: Vec<Gap>,
    /// What the result was made of.
    pub inputs: InputReport,
    /// The result's files, by name.
    pub files: Vec<FileReport>,
    /// The rows of all tables of the result together.
    pub rows: TableReport,
    /// Rows of all tables of the result.
    pub rows_written: u64,
    /// Bytes of all files as stored.
    pub bytes_written: u64,
    /// Bytes of change sets that went to spill files.
    pub bytes_spilled: u64,
    /// What an operator should know.
    pub warnings: Vec<String>,
}

/// What became of a table's rows: `read = kept + replaced + deleted`, `written = kept + replaced + added`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct TableReport {
    /// Rows in the baseline.
    pub rows_read: u64,
    /// Rows copied as they were.
    pub rows_kept: u64,
    /// Rows written with other values.
    pub rows_replaced: u64,
    /// Rows dropped.
    pub rows_deleted: u64,
    /// Rows that the baseline did not have.
    pub rows_added: u64,
    /// Rows in the result.
    pub rows_written: u64,
    /// Rows inserted by the window's events (a row may be inserted and deleted more than once).
    pub inserts: u64,
    /// Rows updated by the window's events.
    pub updates: u64,
    /// Rows deleted by the window's events.
    pub deletes: u64,
    /// Rows that a foreign key deleted along with a parent's, without an event.
    #[serde(default)]
    pub cascade_deletes: u64,
    /// Times that a foreign key changed a row along with a parent's, without an event.
    #[serde(default)]
    pub cascade_updates: u64,
    /// Inserts, updates and deletes of the window's events whose images lacked columns (`binlog_row_image` was not FULL)
    /// and were completed.
    #[serde(default)]
    pub partial_images: u64,
}

impl TableReport {
    /// The sums of several tables.
    pub(crate) fn total<'a>(tables: impl Iterator<Item = &'a Self>) -> Self {
        tables.fold(Self::default(), |total, table| Self {
            rows_read: total.rows_read + table.rows_read,
            rows_kept: total.rows_kept + table.rows_kept,
            rows_replaced: total.rows_replaced + table.rows_replaced,
            rows_deleted: total.rows_deleted + table.rows_deleted,
            rows_added: total.rows_added + table.rows_added,
            rows_written: total.rows_written + table.rows_written,
            inserts: total.inserts + table.inserts,
            updates: total.updates + table.updates,
            deletes: total.deletes + table.deletes,
            cascade_deletes: total.cascade_deletes + table.cascade_deletes,
            cascade_updates: total.cascade_updates + table.cascade_updates,
            partial_images: total.partial_images + table.partial_images,
        })
    }
}

/// What a result was made of: every file that was read, with the checksum of what was read of it.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct InputReport {
    /// Files of the baseline, by name.
    pub baseline: Vec<BaselineReading>,
    /// Pieces of the binary log, in order.
    pub log: Vec<PlannedPiece>,
}

/// A file of the result.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FileReport {
    /// Its name.
    pub name: String,
    /// Its size as stored.
    pub size: u64,
    /// Its size before compression, in bytes.
    pub content_size: u64,
    /// SHA-256 of its bytes as stored, in hexadecimal.
    pub sha256: String,
    /// The table whose rows or definition it holds.
    pub table: Option<TableName>,
    /// Rows in it, for data files.
    pub rows: Option<u64>,
}
