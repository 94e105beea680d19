//! What stands in the way of a table, and statements in messages.

use backtrail_domain::{BinlogPosition, TableName};

use crate::plan::Refusal;

/// Longer statements are cut in messages.
const LONGEST_STATEMENT: usize = 300;

pub(crate) const STATEMENT_FORMAT: &str =
    "set binlog_format=ROW on the server and take a new backup; a target before this event can be reached";
pub(crate) const LATER_BASELINE: &str =
    "take a baseline after this event, or a target before it, or leave the table out";

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

/// A statement for a message.
pub(crate) fn statement_text(statement: &[u8]) -> String {
    let text = String::from_utf8_lossy(statement);
    let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
    match text.char_indices().nth(LONGEST_STATEMENT) {
        Some((end, _)) => format!("{}…", text.get(..end).unwrap_or_default()),
        None => text,
    }
}
