//! The account of the log's events: every one that was seen is applied, or skipped for a reason that has a name.
//!
//! The planning pass counts with a [`Tally`]; the collecting pass counts again, on its own, and [`balance`] compares the two.

use std::collections::BTreeMap;

use backtrail_domain::TableName;
use serde::{Deserialize, Serialize};

pub(crate) use tally::{Fate, Followed, RowTally, Tally};

use crate::EngineError;
use crate::collect::TableChanges;
use crate::plan::{Plan, TableAction};

mod tally;

/// Events of the log, by what became of them. `read` is the sum of the next three, `seen` of `without_rows` and
/// `row_events`; `row_events` and `row_events_carried` together are the sum of all behind them that begin with `row_events_`.
/// Those inside compressed transactions count as if they stood there alone.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct EventCounts {
    /// All that were read while planning.
    pub read: u64,
    /// Before the baseline, in the piece that holds its place.
    pub before_baseline: u64,
    /// Behind the cut: how far one has to look to know where it is.
    pub behind_cut: u64,
    /// Between baseline and cut.
    pub seen: u64,
    /// Those of them without rows: statements, table maps, transactions' marks.
    pub without_rows: u64,
    /// Those of them with rows.
    pub row_events: u64,
    /// Row events from before the baseline that count all the same: those of XA transactions that were prepared there and
    /// commit in the window. They are in none of the sums above.
    pub row_events_carried: u64,
    /// Row events of tables that are rebuilt.
    pub row_events_applied: u64,
    /// Row events of transactions, or parts of them, that were rolled back or had not committed at the cut.
    pub row_events_rolled_back: u64,
    /// Row events of tables that are refused.
    pub row_events_refused: u64,
    /// Row events of tables that the request does not ask for.
    pub row_events_not_wanted: u64,
    /// Row events of tables that were dropped, emptied or replaced later on.
    pub row_events_ended: u64,
    /// Row events of tables that the baseline does not have, such as the server's own.
    pub row_events_other_tables: u64,
    /// Transactions between baseline and cut.
    pub transactions: u64,
    /// Bytes of the events between baseline and cut.
    pub bytes: u64,
}

/// Row events of one table, by what became of them: `seen` and `carried` together are the sum of the others, which are as in
/// [`EventCounts`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct RowEventCounts {
    /// All between baseline and cut.
    pub seen: u64,
    /// See [`EventCounts::row_events_carried`].
    pub carried: u64,
    /// See [`EventCounts::row_events_applied`].
    pub applied: u64,
    /// See [`EventCounts::row_events_rolled_back`].
    pub rolled_back: u64,
    /// See [`EventCounts::row_events_refused`].
    pub refused: u64,
    /// See [`EventCounts::row_events_not_wanted`].
    pub not_wanted: u64,
    /// See [`EventCounts::row_events_ended`].
    pub ended: u64,
    /// See [`EventCounts::row_events_other_tables`].
    pub other_tables: u64,
}

impl RowEventCounts {
    fn sum(&self) -> u64 {
        self.applied + self.rolled_back + self.refused + self.not_wanted + self.ended + self.other_tables
    }
}

impl EventCounts {
    /// Adds a table's row events.
    fn add(&mut self, table: &RowEventCounts) {
        self.row_events_carried += table.carried;
        self.row_events_applied += table.applied;
        self.row_events_rolled_back += table.rolled_back;
        self.row_events_refused += table.refused;
        self.row_events_not_wanted += table.not_wanted;
        self.row_events_ended += table.ended;
        self.row_events_other_tables += table.other_tables;
    }

    fn of_tables(&self) -> u64 {
        self.row_events_applied
            + self.row_events_rolled_back
            + self.row_events_refused
            + self.row_events_not_wanted
            + self.row_events_ended
            + self.row_events_other_tables
    }
}

/// Whether the sums add up.
pub(crate) fn check(counts: &EventCounts, tables: &BTreeMap<TableName, RowEventCounts>) -> Result<(), EngineError> {
    let unbalanced = |problem: String| Err(EngineError::EventAccounting { problem });
    let parts = counts.before_baseline + counts.seen + counts.behind_cut;
    if counts.read != parts {
        return unbalanced(format!(
            "{} were read, {} lie before the baseline, {} between it and the cut, {} behind",
            counts.read, counts.before_baseline, counts.seen, counts.behind_cut
        ));
    }
    if counts.seen != counts.without_rows + counts.row_events {
        return unbalanced(format!(
            "{} were seen, {} with rows and {} without",
            counts.seen, counts.row_events, counts.without_rows
        ));
    }
    if counts.row_events + counts.row_events_carried != counts.of_tables() {
        return unbalanced(format!(
            "{} row events were seen, {} carried from before the baseline, {} are applied or skipped for a reason",
            counts.row_events,
            counts.row_events_carried,
            counts.of_tables()
        ));
    }
    let mut sums = EventCounts::default();
    for (name, table) in tables {
        if table.seen + table.carried != table.sum() {
            return Err(EngineError::Accounting {
                table: name.clone(),
                problem: format!(
                    "{} row events were seen, {} carried from before the baseline, {} are applied or skipped for a reason",
                    table.seen,
                    table.carried,
                    table.sum()
                ),
            });
        }
        sums.add(table);
    }
    let parts = |counts: &EventCounts| (counts.of_tables(), counts.row_events_carried, counts.row_events_applied);
    if parts(&sums) != parts(counts) {
        return unbalanced(format!(
            "of row events, those carried from before the baseline, and those applied the tables have {:?}, all in all there \
             are {:?}",
            parts(&sums),
            parts(counts)
        ));
    }
    Ok(())
}

/// What the collecting pass saw, counted on its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Collected {
    pub(crate) before_baseline: u64,
    /// Between baseline and cut.
    pub(crate) seen: u64,
    /// Those with rows.
    pub(crate) row_events: u64,
    /// Row events of XA transactions before the baseline, in a walk of its own.
    pub(crate) carried: u64,
}

/// Whether the collecting pass saw what the planning pass saw, and applied what it should, no more and no less.
pub(crate) fn balance(
    plan: &Plan,
    delivered: u64,
    pass: &Collected,
    tables: &[TableChanges<'_>],
) -> Result<(), EngineError> {
    check(&plan.events, &plan.row_events)?;
    for table in tables {
        let (committed, counts) = (table.recipe.row_events().0, table.counts);
        // Others are only lived through, for what becomes of their children.
        let written = matches!(plan.tables.get(table.name), Some(TableAction::Merge { .. }));
        let planned = plan.row_events.get(table.name).copied().unwrap_or_default();
        if committed != counts.row_events || (written && planned.applied != counts.row_events) {
            return Err(EngineError::Accounting {
                table: table.name.clone(),
                problem: format!("the plan counted {committed} row events, {} were applied", counts.row_events),
            });
        }
    }
    let unbalanced = |what: &str, planned: u64, collected: u64| {
        let problem = format!("the plan counted {planned} {what}, {collected} were seen when they were to be applied");
        Err(EngineError::EventAccounting { problem })
    };
    if delivered != pass.before_baseline + pass.seen {
        return unbalanced("events up to the cut", pass.before_baseline + pass.seen, delivered);
    }
    if plan.events.seen != pass.seen {
        return unbalanced("events between baseline and cut", plan.events.seen, pass.seen);
    }
    if plan.events.row_events != pass.row_events {
        return unbalanced("row events", plan.events.row_events, pass.row_events);
    }
    if plan.events.row_events_carried != pass.carried {
        return unbalanced("row events carried from before the baseline", plan.events.row_events_carried, pass.carried);
    }
    Ok(())
}

#[cfg(test)]
mod tests;
