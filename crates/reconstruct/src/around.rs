//! What stands around tables: schemas, views, triggers, routines, packages and events.
//!
//! The planning pass notes the window's statements about them ([`told`]); they count when their transaction does. Once the
//! cut is found, [`follow()`] takes the baseline's objects through them, in order. What did not change is copied from the
//! baseline, file by file; a file in which something changed is written anew, object by object: the baseline's own text
//! where it still holds, and behind it the very statements of the window, each with the session's settings before it.
//!
//! An object that cannot be followed is left out, and a warning says which, why, and by which statement. So is a view of
//! which it is known that it cannot be made from what the result has: a loader would stop at it.

mod characters;
mod columns;
mod files;
mod follow;
mod schemas;
pub(crate) mod sequences;
mod source;
mod told;
mod views;

use backtrail_domain::{BinlogPosition, TableName};
use serde::{Deserialize, Serialize};

pub(crate) use characters::read_again;
pub(crate) use columns::Columns;
pub(crate) use follow::{Followed, Scope, follow};
pub(crate) use schemas::table_options;
pub(crate) use told::{Told, What, of_damaged, of_objects, of_schema, of_tables, of_unread};

/// Something around tables that the window changed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PlannedObject {
    /// VIEW, TRIGGER, FUNCTION, PROCEDURE, PACKAGE, PACKAGE BODY, EVENT, LIBRARY, SEQUENCE or DATABASE.
    pub kind: String,
    /// Its schema and name; a schema's name twice.
    pub name: TableName,
    /// What is done about it.
    pub action: ObjectAction,
    /// The last statement about it.
    pub position: Option<BinlogPosition>,
    /// Why it is left out.
    pub reason: Option<String>,
}

/// What is done about something around tables.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ObjectAction {
    /// It is in the result, as it stood at the cut.
    Written,
    /// It was dropped.
    Dropped,
    /// It is not in the result, although it was there.
    LeftOut,
}

/// A file of the result that holds no rows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct AroundFile {
    pub(crate) of: FileOf,
    pub(crate) content: Content,
}

impl AroundFile {
    /// The table, view or sequence whose definition it holds.
    pub(crate) fn table(&self) -> Option<&TableName> {
        match &self.of {
            FileOf::Schema(_) | FileOf::Post(_) | FileOf::SchemaTriggers(_) => None,
            FileOf::TableTriggers(name)
            | FileOf::Placeholder(name)
            | FileOf::View(name)
            | FileOf::Sequence(name)
            | FileOf::SequenceTable(name)
            | FileOf::SequenceRow(name) => Some(name),
        }
    }
}

/// What it is for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum FileOf {
    Schema(String),
    Post(String),
    SchemaTriggers(String),
    TableTriggers(TableName),
    /// The table that holds a view's place.
    Placeholder(TableName),
    View(TableName),
    /// A sequence in a form of its own.
    Sequence(TableName),
    /// A sequence in the form of a table.
    SequenceTable(TableName),
    SequenceRow(TableName),
}

/// What is in it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Content {
    /// The baseline's file of this name.
    Copied(String),
    Written(Vec<u8>),
}
