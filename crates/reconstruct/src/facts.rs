//! What the log says about tables between baseline and cut.

use std::collections::{BTreeMap, BTreeSet};

use backtrail_domain::{BinlogPosition, TableName};

use crate::plan::{EventCounts, Refusal};

/// Longer statements are cut in messages.
const LONGEST_STATEMENT: usize = 300;

/// What the log says about one table.
#[derive(Debug, Clone, Default)]
pub(crate) struct TableFacts {
    pub(crate) row_events: u64,
    pub(crate) row_event_bytes: u64,
    /// The first event that stands in the way of rebuilding it.
    pub(crate) obstacle: Option<Obstacle>,
    /// The first event that deleted rows while foreign keys were checked.
    pub(crate) rows_deleted: Option<BinlogPosition>,
    /// Per column, the first event that changed it in a row while foreign keys were checked; only of tables that are
    /// watched for it.
    pub(crate) columns_changed: BTreeMap<usize, BinlogPosition>,
    /// The first event that changed rows.
    pub(crate) first_row_event: Option<BinlogPosition>,
}

/// An event that stands in the way.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Obstacle {
    pub(crate) position: BinlogPosition,
    pub(crate) statement: Option<String>,
    pub(crate) reason: String,
    pub(crate) remedy: &'static str,
}

impl Obstacle {
    pub(crate) fn refusal(&self, table: &TableName) -> Refusal {
        Refusal {
            table: table.clone(),
            position: Some(self.position.clone()),
            statement: self.statement.clone(),
            reason: self.reason.clone(),
            remedy: self.remedy.to_owned(),
        }
    }
}

/// A table comes or goes that is not in the baseline.
#[derive(Debug, Clone)]
pub(crate) enum Making {
    Made(TableName, Obstacle),
    Gone(TableName),
    SchemaGone(String),
}

/// What the log says, of some transactions or of all.
#[derive(Debug, Clone, Default)]
pub(crate) struct Facts {
    pub(crate) tables: BTreeMap<TableName, TableFacts>,
    /// An event that may concern any table.
    pub(crate) any_table: Option<Obstacle>,
    /// Tables that were made in the window and are not in the baseline, while they exist.
    pub(crate) created: BTreeMap<TableName, Obstacle>,
    /// The changes to it, in order, of a transaction that has not committed.
    pub(crate) making: Vec<Making>,
    /// Schemas that were made in the window.
    pub(crate) created_schemas: BTreeSet<String>,
    /// Statements about what lies around tables: views, triggers, routines, events.
    pub(crate) around: Vec<String>,
    pub(crate) events: EventCounts,
}

impl Facts {
    pub(crate) fn table(&mut self, name: &TableName) -> &mut TableFacts {
        if !self.tables.contains_key(name) {
            self.tables.insert(name.clone(), TableFacts::default());
        }
        self.tables.entry(name.clone()).or_default()
    }

    /// Notes what stands in the way of a table, unless something did before.
    pub(crate) fn obstruct(&mut self, name: &TableName, obstacle: impl FnOnce() -> Obstacle) {
        self.table(name).obstacle.get_or_insert_with(obstacle);
    }

    /// Whether a table that is not in the baseline was made, and not dropped again.
    pub(crate) fn has_made(&self, name: &TableName) -> bool {
        let last = self.making.iter().rev().find_map(|making| match making {
            Making::Made(made, _) if made == name => Some(true),
            Making::Gone(gone) if gone == name => Some(false),
            Making::SchemaGone(schema) if *schema == name.schema => Some(false),
            _ => None,
        });
        last.unwrap_or_else(|| self.created.contains_key(name))
    }

    /// Adds what a transaction did, which came later than all that is here.
    pub(crate) fn absorb(&mut self, later: &mut Facts) {
        for (name, facts) in std::mem::take(&mut later.tables) {
            let mine = self.tables.entry(name).or_default();
            mine.row_events += facts.row_events;
            mine.row_event_bytes += facts.row_event_bytes;
            mine.obstacle = mine.obstacle.take().or(facts.obstacle);
            mine.rows_deleted = mine.rows_deleted.take().or(facts.rows_deleted);
            mine.first_row_event = mine.first_row_event.take().or(facts.first_row_event);
            for (column, position) in facts.columns_changed {
                mine.columns_changed.entry(column).or_insert(position);
            }
        }
        self.any_table = self.any_table.take().or(later.any_table.take());
        for making in later.making.drain(..) {
            match making {
                Making::Made(name, obstacle) => {
                    self.created.entry(name).or_insert(obstacle);
                }
                Making::Gone(name) => {
                    self.created.remove(&name);
                    self.tables.remove(&name);
                }
                Making::SchemaGone(schema) => self.created.retain(|name, _| name.schema != schema),
            }
        }
        self.created_schemas.append(&mut later.created_schemas);
        self.around.append(&mut later.around);
        let counts = std::mem::take(&mut later.events);
        self.events.seen += counts.seen;
        self.events.row_events += counts.row_events;
        self.events.row_events_rolled_back += counts.row_events_rolled_back;
        self.events.transactions += counts.transactions;
        self.events.bytes += counts.bytes;
    }
}

/// A statement for a message.
pub(crate) fn statement_text(statement: &[u8]) -> String {
    let text = String::from_utf8_lossy(statement);
    let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
    match text.char_indices().nth(LONGEST_STATEMENT) {
        Some((end, _)) => format!("{}…", text.get(..end).unwrap_or_default()),
        None => text,
    }
}
