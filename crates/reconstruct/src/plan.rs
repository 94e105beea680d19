//! The plan: what is going to be done, decided before any row is written.

pub(crate) mod decide;
pub(crate) mod facts;
pub(crate) mod planner;
pub(crate) mod recipe;
mod text;

use std::collections::BTreeMap;
use std::fmt;

use backtrail_domain::{BinlogPosition, GtidSet, TableName};
use backtrail_schema::{Flavour, SqlDialect};
use serde::{Deserialize, Serialize};

use crate::account::{EventCounts, RowEventCounts};
use crate::around::{AroundFile, PlannedObject};
use crate::cascade::Feeds;
use crate::history::Binding;
use crate::input::ledger::BaselineReading;
pub use crate::input::place::{Coordinates, Gap, PlannedPiece};
use crate::input::span::Span;
use crate::plan::recipe::Recipe;

/// The version of stored plans that this code writes. Those of every version can be read.
pub const PLAN_VERSION: u32 = 1;

/// What is going to be done. A value to print (with `Display`, for people), to store (as JSON) and to hand to
/// [`reconstruct`](crate::reconstruct).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Plan {
    /// [`PLAN_VERSION`] when it was made.
    pub version: u32,
    /// What was asked for, as text.
    pub target: String,
    /// Where the baseline's rows belong in the log.
    pub baseline: Coordinates,
    /// Where the recovery stops.
    pub cut: Cut,
    /// The pieces of the log to read, in order: from the first of `carried` on, else from the baseline.
    pub log: Vec<PlannedPiece>,
    /// Holes in the log that are crossed because the request allows it.
    pub gaps: Vec<Gap>,
    /// Every wanted table, by name.
    pub tables: BTreeMap<TableName, TableAction>,
    /// What stands around tables and was made, changed or removed in the window.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub around: Vec<PlannedObject>,
    /// Wanted tables and sequences of the baseline, or with row events, that are not there at the cut, or are there with no row of before:
    /// they were dropped, emptied (by a start of the server too, where they are in memory) or replaced. In the order of the log.
    pub ended: Vec<EndedTable>,
    /// How much there is to do.
    pub expected: ExpectedWork,
    /// Transactions within the window that were rolled back or are not committed at the cut: where each begins. Nothing of
    /// them is applied, but for rows of tables whose storage engine knows no transactions.
    pub rolled_back: Vec<BinlogPosition>,
    /// Every part of the log whose row events were undone: these transactions, and what was undone to a savepoint. In the
    /// order of the log.
    #[serde(default)]
    pub undone: Vec<Span>,
    /// XA transactions that were prepared before the baseline and commit in the window, in the order of the log.
    #[serde(default)]
    pub carried: Vec<Span>,
    /// What was counted on the way.
    pub events: EventCounts,
    /// Row events between baseline and cut by table, also of tables that are not wanted.
    pub row_events: BTreeMap<TableName, RowEventCounts>,
    /// What an operator should know.
    pub warnings: Vec<String>,
    /// How every table that is not copied is rebuilt, and every one whose changes others follow. Not stored: a plan that was stored is one to read.
    #[serde(skip)]
    pub(crate) recipes: BTreeMap<TableName, Recipe>,
    /// What was read of the baseline. Not stored, as above: the report says it.
    #[serde(skip)]
    pub(crate) read: Vec<BaselineReading>,
    /// The files that hold no rows and are not those of tables. Not stored, as above.
    #[serde(skip)]
    pub(crate) around_files: Option<Vec<AroundFile>>,
    /// Which table a name means in the log, and from when on.
    #[serde(skip)]
    pub(crate) bindings: Vec<Binding>,
    /// The number among the recipes of each tracked table that has one.
    #[serde(skip)]
    pub(crate) rebuilt: BTreeMap<usize, usize>,
    /// Foreign keys that changed rows without events.
    #[serde(skip)]
    pub(crate) cascades: Feeds,
    /// How the server's definitions are read.
    #[serde(skip, default = "no_dialect")]
    pub(crate) dialect: SqlDialect,
}

fn no_dialect() -> SqlDialect {
    SqlDialect::of_flavour(Flavour::Mysql)
}

impl Plan {
    /// The wanted tables that are left out.
    pub fn refusals(&self) -> impl Iterator<Item = &Refusal> {
        self.tables.values().filter_map(|action| match action {
            TableAction::Refused(refusal) => Some(refusal),
            _ => None,
        })
    }

    /// The tables that are going to be written.
    pub fn written(&self) -> impl Iterator<Item = &TableName> {
        self.tables.iter().filter(|(_, action)| !matches!(action, TableAction::Refused(_))).map(|(name, _)| name)
    }
}

/// Where a recovery stops: between two transactions.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cut {
    /// The place: a replica that starts here gets the first transaction that is not in the result.
    pub position: BinlogPosition,
    /// The GTIDs executed there, where the server has them.
    pub gtid_set: Option<GtidSet>,
    /// When the last transaction that is in committed, RFC 3339; `None` when the cut is the baseline itself.
    pub last_commit: Option<String>,
    /// Transactions between baseline and cut.
    pub transactions: u64,
}

/// What is done about a table.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "action", rename_all = "snake_case")]
pub enum TableAction {
    /// Nothing changed in the window: the baseline's files are copied.
    Copy {
        /// Rows, where the baseline says.
        rows: Option<u64>,
        /// Bytes of its data files as stored.
        bytes: u64,
    },
    /// The changes of the window are merged into the baseline's rows, or the rows are written anew for a new definition
    /// (without row events and cascades), or the table is made anew (without an origin).
    Merge {
        /// The table of the baseline whose rows it begins with; `None` where it was made or emptied in the window.
        origin: Option<TableName>,
        /// The key that tells rows apart.
        key: PlannedKey,
        /// Rows in the baseline, where it says.
        rows: Option<u64>,
        /// Bytes of its data files as stored.
        bytes: u64,
        /// Row events to apply.
        row_events: u64,
        /// Bytes of these events.
        row_event_bytes: u64,
        /// The table's eras, where there is more than one: between them its definition or name changed.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        eras: Vec<PlannedEra>,
        /// The stages that its rows go through, where there is more than one: between them their key changed.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        stages: Vec<PlannedStage>,
        /// Where foreign keys first may have changed its rows along with a parent's, which no event of its own tells.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        cascaded: Option<BinlogPosition>,
        /// Images of updated rows lack values (`binlog_row_image` is not FULL), which are those of the rows before.
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        partial_images: bool,
    },
    /// The table cannot be rebuilt.
    Refused(Refusal),
}

/// A time in which a table has one name and one definition.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PlannedEra {
    /// Its name then.
    pub name: TableName,
    /// Where it began, unless with the baseline.
    pub from: Option<BinlogPosition>,
    /// The statement that began it (the first few hundred characters).
    pub statement: Option<String>,
    /// Row events in it.
    pub row_events: u64,
}

/// Eras of a table in which one key tells its rows apart.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PlannedStage {
    /// The first of these eras, counted from 0.
    pub first_era: usize,
    /// The key.
    pub key: PlannedKey,
}

/// A table that came to its end in the window.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct EndedTable {
    /// Its last name.
    pub name: TableName,
    /// The statement that ended it: where.
    pub position: BinlogPosition,
    /// The statement (the first few hundred characters).
    pub statement: String,
    /// Rows in the baseline, where it says.
    pub rows: Option<u64>,
    /// Row events in vain.
    pub row_events: u64,
}

/// How much there is to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct ExpectedWork {
    /// Tables whose files are copied.
    pub tables_copied: u64,
    /// Tables whose rows are gone through.
    pub tables_merged: u64,
    /// Rows of the baseline in both, where it says for all.
    pub rows: Option<u64>,
    /// Bytes of their data files as stored.
    pub bytes: u64,
    /// Row events to apply.
    pub row_events: u64,
    /// Bytes of these.
    pub row_event_bytes: u64,
    /// Bytes of the log between baseline and cut.
    pub log_bytes: u64,
}

impl ExpectedWork {
    pub(crate) fn of<'a>(actions: impl Iterator<Item = &'a TableAction>, log_bytes: u64) -> Self {
        let mut work = Self { rows: Some(0), log_bytes, ..Self::default() };
        for action in actions {
            let (rows, bytes) = match action {
                TableAction::Copy { rows, bytes } => {
                    work.tables_copied += 1;
                    (rows, bytes)
                }
                TableAction::Merge { rows, bytes, row_events, row_event_bytes, .. } => {
                    work.tables_merged += 1;
                    work.row_events += row_events;
                    work.row_event_bytes += row_event_bytes;
                    (rows, bytes)
                }
                TableAction::Refused(_) => continue,
            };
            work.rows = work.rows.zip(*rows).map(|(sum, rows)| sum + rows);
            work.bytes += bytes;
        }
        work
    }
}

/// What tells a table's rows apart.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum PlannedKey {
    /// The primary key.
    Primary {
        /// Its columns.
        columns: Vec<String>,
    },
    /// A unique key of columns that are never NULL.
    Unique {
        /// Its columns.
        columns: Vec<String>,
    },
    /// None: rows are told apart by all their values, and equal rows are counted.
    WholeRow,
}

/// Why a table cannot be rebuilt.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Refusal {
    /// The table.
    pub table: TableName,
    /// The event that stands in the way, if one does.
    pub position: Option<BinlogPosition>,
    /// Its statement, if it has one (the first few hundred characters).
    pub statement: Option<String>,
    /// What stands in the way.
    pub reason: String,
    /// What to do about it.
    pub remedy: String,
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.table, self.reason)?;
        if let Some(position) = &self.position {
            write!(f, " at {position}")?;
        }
        if let Some(statement) = &self.statement {
            write!(f, " (`{statement}`)")?;
        }
        write!(f, "; {}", self.remedy)
    }
}
