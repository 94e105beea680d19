//! What the planning pass counts, and what becomes of it when the cut is known.

use std::collections::BTreeMap;

use backtrail_domain::{BinlogPosition, TableName};

use super::{EventCounts, RowEventCounts, check};
use crate::EngineError;

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

/// Row events by table.
#[derive(Debug, Default)]
pub(crate) struct RowTally {
    /// All of them.
    events: u64,
    /// Of followed tables, by their numbers.
    followed: BTreeMap<usize, u64>,
    /// Of all others.
    elsewhere: BTreeMap<TableName, u64>,
    /// How many of followed tables were undone, counted when that was seen.
    undone: BTreeMap<usize, u64>,
}

impl RowTally {
    /// A row event of a followed table or of another one.
    pub(crate) fn event(&mut self, id: Option<usize>, name: &TableName) {
        self.events += 1;
        let counted = match id {
            Some(id) => self.followed.entry(id).or_default(),
            None => self.elsewhere.entry(name.clone()).or_default(),
        };
        *counted += 1;
    }

    /// Row events of followed tables were undone.
    pub(crate) fn undone(&mut self, events: &BTreeMap<usize, u64>) {
        for (id, events) in events {
            *self.undone.entry(*id).or_default() += events;
        }
    }

    pub(crate) fn take_in(&mut self, other: Self) {
        self.events += other.events;
        for (id, count) in other.followed {
            *self.followed.entry(id).or_default() += count;
        }
        for (name, count) in other.elsewhere {
            *self.elsewhere.entry(name).or_default() += count;
        }
        self.undone(&other.undone);
    }

    fn of(&self, id: usize) -> u64 {
        self.followed.get(&id).copied().unwrap_or(0)
    }
}

/// Events between baseline and cut.
#[derive(Debug, Default)]
struct Window {
    events: u64,
    bytes: u64,
    rows: RowTally,
}

impl Window {
    fn take_in(&mut self, other: Self) {
        self.events += other.events;
        self.bytes += other.bytes;
        self.rows.take_in(other.rows);
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
    /// Of XA transactions from before the baseline.
    carried: RowTally,
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
        self.held.rows.event(id, name);
    }

    /// Row events of transactions before the cut were undone.
    pub(crate) fn undone(&mut self, events: &BTreeMap<usize, u64>) {
        self.seen.rows.undone(events);
    }

    /// Row events of the open transaction were undone, of which it is not known whether it lies before the cut.
    pub(crate) fn undone_if_seen(&mut self, events: &BTreeMap<usize, u64>) {
        self.held.rows.undone(events);
    }

    /// Row events of XA transactions from before the baseline that commit in the window.
    pub(crate) fn carry(&mut self, rows: RowTally) {
        self.carried.take_in(rows);
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
        let (seen, carried) = (&self.seen.rows, &self.carried);
        let mut counts = EventCounts {
            read: delivered,
            before_baseline: self.before_baseline,
            behind_cut: self.behind_cut,
            seen: self.seen.events,
            without_rows: self.seen.events.saturating_sub(seen.events),
            row_events: seen.events,
            bytes: self.seen.bytes,
            ..EventCounts::default()
        };
        let mut tables: BTreeMap<TableName, RowEventCounts> = BTreeMap::new();
        let mut put = |name: TableName, fate: Fate, counted: RowEventCounts, committed: u64| {
            let table = tables.entry(name).or_default();
            table.seen += counted.seen;
            table.carried += counted.carried;
            table.rolled_back += counted.rolled_back;
            *match fate {
                Fate::Applied => &mut table.applied,
                Fate::Refused => &mut table.refused,
                Fate::NotWanted => &mut table.not_wanted,
                Fate::Ended => &mut table.ended,
                Fate::OtherTable => &mut table.other_tables,
            } += committed;
        };
        for table in followed {
            let undone = |rows: &RowTally| rows.undone.get(&table.id).copied().unwrap_or(0);
            let (seen, carried, rolled_back) =
                (seen.of(table.id), carried.of(table.id), undone(seen) + undone(carried));
            if seen + carried != table.committed + rolled_back {
                return Err(EngineError::Accounting {
                    problem: format!(
                        "{seen} row events were seen and {carried} carried from before the baseline, {} committed and \
                         {rolled_back} were rolled back",
                        table.committed
                    ),
                    table: table.name,
                });
            }
            if seen + carried > 0 {
                let counted = RowEventCounts { seen, carried, rolled_back, ..RowEventCounts::default() };
                put(table.name, table.fate, counted, table.committed);
            }
        }
        for (name, seen) in &seen.elsewhere {
            put(name.clone(), elsewhere(name), RowEventCounts { seen: *seen, ..RowEventCounts::default() }, *seen);
        }
        for (name, carried) in &carried.elsewhere {
            let counted = RowEventCounts { carried: *carried, ..RowEventCounts::default() };
            put(name.clone(), elsewhere(name), counted, *carried);
        }
        tables.values().for_each(|table| counts.add(table));
        // What was carried is told by its own count, not by the tables' sum.
        counts.row_events_carried = carried.events;
        check(&counts, &tables)?;
        Ok((counts, tables))
    }
}
