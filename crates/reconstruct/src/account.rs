//! The account of the log's events: every one that was seen is applied, or skipped for a reason that has a name.
//!
//! The planning pass counts with a [`Tally`]; the collecting pass counts again, on its own, and [`balance`] compares the two.

use std::collections::BTreeMap;

use backtrail_domain::{BinlogPosition, TableName};
use serde::{Deserialize, Serialize};

use crate::EngineError;
use crate::collect::TableChanges;
use crate::plan::{Plan, TableAction};

/// Events of the log, by what became of them. `read` is the sum of the next three, `seen` of `without_rows` and
/// `row_events`, and `row_events` of all that begin with `row_events_`. Those inside compressed transactions count as if
/// they stood there alone.
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
    /// Row events of tables that are rebuilt.
    pub row_events_applied: u64,
    /// Row events of transactions, or parts of them, that were rolled back or never committed.
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

/// Row events of one table between baseline and cut, by what became of them: `seen` is the sum of the others, which are as
/// in [`EventCounts`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct RowEventCounts {
    /// All of them.
    pub seen: u64,
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

/// Whose row events they are, and so what becomes of them once they have committed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fate {
    Applied,
    Refused,
    NotWanted,
    Ended,
    OtherTable,
}

/// A table that is followed, at the end of the planning pass.
pub(crate) struct Followed {
    /// Its number while planning.
    pub(crate) id: usize,
    /// Its name at the cut, or at its end.
    pub(crate) name: TableName,
    /// Its row events that committed.
    pub(crate) committed: u64,
    pub(crate) fate: Fate,
}

/// Events between baseline and cut.
#[derive(Debug, Default)]
struct Window {
    events: u64,
    bytes: u64,
    row_events: u64,
    /// Of followed tables, by their numbers.
    followed: BTreeMap<usize, u64>,
    /// Of all others.
    elsewhere: BTreeMap<TableName, u64>,
}

impl Window {
    fn take_in(&mut self, other: Self) {
        self.events += other.events;
        self.bytes += other.bytes;
        self.row_events += other.row_events;
        for (id, count) in other.followed {
            *self.followed.entry(id).or_default() += count;
        }
        for (name, count) in other.elsewhere {
            *self.elsewhere.entry(name).or_default() += count;
        }
    }
}

/// What the planning pass saw. Whether an event lies before the cut shows later: it is held back until a transaction ends
/// that is in.
#[derive(Debug, Default)]
pub(crate) struct Tally {
    before_baseline: u64,
    behind_cut: u64,
    seen: Window,
    held: Window,
    /// Where the first event lies that is held back.
    held_from: Option<BinlogPosition>,
}

impl Tally {
    /// An event outside the window.
    pub(crate) fn outside(&mut self, reached_baseline: bool) {
        if reached_baseline {
            self.behind_cut += 1;
        } else {
            self.before_baseline += 1;
        }
    }

    /// An event between the baseline and, perhaps, the cut.
    pub(crate) fn event(&mut self, at: impl FnOnce() -> BinlogPosition, bytes: u64) {
        self.held.events += 1;
        self.held.bytes += bytes;
        if self.held_from.is_none() {
            self.held_from = Some(at());
        }
    }

    /// The event has rows, of a followed table or of another one.
    pub(crate) fn row_event(&mut self, id: Option<usize>, name: &TableName) {
        self.held.row_events += 1;
        let counted = match id {
            Some(id) => self.held.followed.entry(id).or_default(),
            None => self.held.elsewhere.entry(name.clone()).or_default(),
        };
        *counted += 1;
    }

    /// A transaction ends: before the cut, with everything before it, or behind.
    pub(crate) fn ends(&mut self, included: bool) {
        let held = std::mem::take(&mut self.held);
        self.held_from = None;
        if included {
            self.seen.take_in(held);
        } else {
            self.behind_cut += held.events;
        }
    }

    /// The account, when the walk is over and the cut is known: the counts of all events, and of row events by table.
    ///
    /// # Errors
    /// Sums that do not add up.
    pub(crate) fn account(
        mut self,
        delivered: u64,
        cut: &BinlogPosition,
        followed: Vec<Followed>,
        elsewhere: &dyn Fn(&TableName) -> Fate,
    ) -> Result<(EventCounts, BTreeMap<TableName, RowEventCounts>), EngineError> {
        // What stands between the last transaction and a cut behind it, such as the end of a file.
        let included = self.held_from.as_ref().is_none_or(|from| from < cut);
        self.ends(included);
        let mut counts = EventCounts {
            read: delivered,
            before_baseline: self.before_baseline,
            behind_cut: self.behind_cut,
            seen: self.seen.events,
            without_rows: self.seen.events.saturating_sub(self.seen.row_events),
            row_events: self.seen.row_events,
            bytes: self.seen.bytes,
            ..EventCounts::default()
        };
        let mut tables: BTreeMap<TableName, RowEventCounts> = BTreeMap::new();
        let mut put = |name: TableName, fate: Fate, committed: u64, rolled_back: u64| {
            let table = tables.entry(name).or_default();
            table.seen += committed + rolled_back;
            table.rolled_back += rolled_back;
            *match fate {
                Fate::Applied => &mut table.applied,
                Fate::Refused => &mut table.refused,
                Fate::NotWanted => &mut table.not_wanted,
                Fate::Ended => &mut table.ended,
                Fate::OtherTable => &mut table.other_tables,
            } += committed;
        };
        for table in followed {
            let seen = self.seen.followed.get(&table.id).copied().unwrap_or(0);
            let Some(rolled_back) = seen.checked_sub(table.committed) else {
                return Err(EngineError::Accounting {
                    problem: format!("{seen} row events were seen, {} committed", table.committed),
                    table: table.name,
                });
            };
            if seen > 0 {
                put(table.name, table.fate, table.committed, rolled_back);
            }
        }
        for (name, seen) in &self.seen.elsewhere {
            put(name.clone(), elsewhere(name), *seen, 0);
        }
        tables.values().for_each(|table| counts.add(table));
        check(&counts, &tables)?;
        Ok((counts, tables))
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
    if counts.row_events != counts.of_tables() {
        return unbalanced(format!(
            "{} row events were seen, {} are applied or skipped for a reason",
            counts.row_events,
            counts.of_tables()
        ));
    }
    let mut sums = EventCounts::default();
    for (name, table) in tables {
        if table.seen != table.sum() {
            return Err(EngineError::Accounting {
                table: name.clone(),
                problem: format!(
                    "{} row events were seen, {} are applied or skipped for a reason",
                    table.seen,
                    table.sum()
                ),
            });
        }
        sums.add(table);
    }
    if sums.of_tables() != counts.row_events || sums.row_events_applied != counts.row_events_applied {
        return unbalanced(format!(
            "the tables have {} row events, {} of them applied; all in all there are {} and {}",
            sums.of_tables(),
            sums.row_events_applied,
            counts.row_events,
            counts.row_events_applied
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
    Ok(())
}

#[cfg(test)]
mod tests;
