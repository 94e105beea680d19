//! Change sets: what the window did to one table, folded to one entry per key.
//!
//! While it is filled a set lives in memory, as bytes in an arena with a hash table over them; past the budget of all sets
//! together it is written out as a sorted run and begins anew. When the log has been read, [`ChangeSet::freeze`] makes it
//! a [`Changes`] that any number of threads look keys up in.

pub(crate) mod arena;
mod filter;
mod hashed;
mod lookup;
pub mod record;
mod rounded;
pub(crate) mod spill;

use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};

use crate::EngineError;
use crate::changes::record::{Effect, EventAt, Misfit, Record, RowEvent};
use crate::changes::spill::{Run, RunWriter, SortedFile};
use crate::io::Spill;
use filter::Filter;
use hashed::HashedEntries;
pub use lookup::Lookup;
use lookup::LookupKind;
use rounded::Rounded;

/// How the entries of a set are told apart, and what becomes of several for one key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// A key names one row; its events fold into one entry.
    Keyed,
    /// A key is a whole row, of which there may be several; they are counted.
    Counted,
    /// A key ends with a tick, and every event is an entry.
    Events,
}

/// One table's changes, being collected.
pub struct ChangeSet {
    kind: Kind,
    /// So many bytes at the end of the keys are unknown of the baseline's rows.
    exact: usize,
    table: HashedEntries,
    runs: Vec<Run>,
    spilled: u64,
}

/// One table's changes, complete.
pub struct Changes {
    kind: Kind,
    rounded: Option<Rounded>,
    store: Store,
    /// Of the keys of single events.
    filter: Filter,
    /// Which entries the baseline has had: a bit each, or a number each where rows are counted.
    seen: Seen,
    spilled: u64,
}

enum Store {
    Memory { table: HashedEntries, order: Vec<u32> },
    Disk(SortedFile),
}

enum Seen {
    Once(Vec<AtomicU64>),
    Often(Vec<AtomicU32>),
}

impl ChangeSet {
    /// An empty set, of a table whose key names one row each.
    pub fn keyed() -> Self {
        Self { kind: Kind::Keyed, exact: 0, table: HashedEntries::default(), runs: Vec::new(), spilled: 0 }
    }

    /// An empty set of a table without a key, whose equal rows are counted. `exact`: so many bytes at the end of each key
    /// say what the baseline's keys do not.
    pub fn counted(exact: usize) -> Self {
        Self { kind: Kind::Counted, exact, ..Self::keyed() }
    }

    /// An empty set that keeps every event apart, of a table whose rows also change without events.
    pub fn events() -> Self {
        Self { kind: Kind::Events, ..Self::keyed() }
    }

    /// One event of a set that keeps them apart.
    pub fn note(&mut self, key: &[u8], tick: u64, event: RowEvent, at: EventAt, image: &[u8]) {
        debug_assert!(self.kind == Kind::Events, "a set that folds events");
        let key = [key, &tick.to_be_bytes()].concat();
        match self.table.find(&key) {
            None => self.table.add(&key, Effect::Event(event), at, image),
            Some(index) => self.table.change(index, Effect::Event(event), at, image),
        }
    }

    /// A row is inserted.
    ///
    /// # Errors
    /// It is there already.
    pub fn insert(&mut self, key: &[u8], at: EventAt, image: &[u8]) -> Result<(), Misfit> {
        let effect = if self.kind == Kind::Counted {
            Effect::Count { delta: 1, low: 0 }
        } else {
            Effect::Row { existed: false, present: true }
        };
        self.apply(key, effect, at, image)
    }

    /// A row is updated and keeps its key.
    ///
    /// # Errors
    /// It is not there.
    pub fn update(&mut self, key: &[u8], at: EventAt, image: &[u8]) -> Result<(), Misfit> {
        let effect = if self.kind == Kind::Counted {
            // The same whole row before and after: nothing to do but to demand that there is one.
            Effect::Count { delta: 0, low: -1 }
        } else {
            Effect::Row { existed: true, present: true }
        };
        self.apply(key, effect, at, image)
    }

    /// A row is deleted.
    ///
    /// # Errors
    /// It is not there.
    pub fn delete(&mut self, key: &[u8], at: EventAt) -> Result<(), Misfit> {
        let effect = if self.kind == Kind::Counted {
            Effect::Count { delta: -1, low: -1 }
        } else {
            Effect::Row { existed: true, present: false }
        };
        self.apply(key, effect, at, &[]).map_err(|misfit| match misfit {
            Misfit::UpdateOfAbsent => Misfit::DeleteOfAbsent,
            other => other,
        })
    }

    fn apply(&mut self, key: &[u8], effect: Effect, at: EventAt, image: &[u8]) -> Result<(), Misfit> {
        match self.table.find(key) {
            None => self.table.add(key, effect, at, image),
            Some(index) => {
                let Some(record) = self.table.record(index, self.kind) else { return Ok(()) };
                let combined = record.effect.then(effect)?;
                if self.kind == Kind::Counted && image.is_empty() {
                    // A row that goes takes no image with it: equal rows share one.
                    let kept = record.image.to_vec();
                    self.table.change(index, combined, at, &kept);
                } else {
                    self.table.change(index, combined, at, image);
                }
            }
        }
        Ok(())
    }

    /// Bytes in memory.
    pub fn bytes(&self) -> usize {
        self.table.bytes()
    }

    /// Moves what is in memory to a temporary file.
    ///
    /// # Errors
    /// No room there.
    pub fn spill(&mut self, spill: &dyn Spill) -> Result<(), EngineError> {
        let table = std::mem::take(&mut self.table);
        if table.is_empty() {
            return Ok(());
        }
        let mut writer = RunWriter::new(spill)?;
        for index in table.sorted() {
            if let Some(record) = table.record(index as usize, self.kind) {
                writer.push(&record)?;
            }
        }
        let run = writer.finish()?;
        self.spilled += run.length();
        self.runs.push(run);
        Ok(())
    }

    /// Ends the collecting. `misfit` makes the error of two entries that contradict each other.
    ///
    /// # Errors
    /// Such entries, or no room in the temporary files.
    pub fn freeze(
        mut self,
        spill: &dyn Spill,
        misfit: &mut dyn FnMut(Misfit, &Record<'_>) -> EngineError,
    ) -> Result<Changes, EngineError> {
        let store = if self.runs.is_empty() {
            let order = self.table.sorted();
            Store::Memory { table: self.table, order }
        } else {
            self.spill(spill)?;
            let several = self.runs.len() > 1;
            let file = SortedFile::build(self.runs, spill, misfit)?;
            self.spilled += if several { file.length() } else { 0 };
            Store::Disk(file)
        };
        let count = match &store {
            Store::Memory { order, .. } => order.len(),
            Store::Disk(file) => usize::try_from(file.records()).unwrap_or(usize::MAX),
        };
        let filter = match self.kind {
            Kind::Events => Filter::of(&store, count)?,
            Kind::Keyed | Kind::Counted => Filter::default(),
        };
        let seen = if self.kind == Kind::Counted {
            Seen::Often((0..count).map(|_| AtomicU32::new(0)).collect())
        } else {
            Seen::Once((0..count.div_ceil(64)).map(|_| AtomicU64::new(0)).collect())
        };
        let mut changes = Changes { kind: self.kind, rounded: None, store, filter, seen, spilled: self.spilled };
        if self.exact > 0 {
            changes.rounded = Some(Rounded::new(&changes, self.exact, spill, misfit)?);
        }
        Ok(changes)
    }
}

impl Changes {
    /// How many rows of a key go that were there before the first event, and how many come: of several events, only the
    /// outcome counts. Where the baseline's rows are known by their rounded values alone, every row of theirs that was ever
    /// touched goes, and what comes has its exact values.
    pub fn goes_and_comes(&self, delta: i64, low: i64) -> (i64, i64) {
        if self.rounded.is_some() { (-low, delta - low) } else { ((-delta).max(0), delta.max(0)) }
    }

    /// Checks, when all rows of the baseline have been met, that those that went by their rounded values are as many as
    /// the log says. Each entry that is short of rows, or has too many, is told: with the reason.
    ///
    /// # Errors
    /// Those of `misfit`, and those of the temporary files.
    pub fn check_rounded(
        &self,
        misfit: &mut dyn FnMut(&Record<'_>, &'static str) -> EngineError,
    ) -> Result<(), EngineError> {
        match &self.rounded {
            Some(rounded) => rounded.check(self, misfit),
            None => Ok(()),
        }
    }

    /// Whether the baseline's rows are known by their rounded values alone.
    pub fn is_rounded(&self) -> bool {
        self.rounded.is_some()
    }

    /// Whether there is no entry.
    pub fn is_empty(&self) -> bool {
        match &self.store {
            Store::Memory { order, .. } => order.is_empty(),
            Store::Disk(file) => file.records() == 0,
        }
    }

    /// Bytes that went to temporary files.
    pub fn bytes_spilled(&self) -> u64 {
        self.spilled
    }

    /// A way to look keys up; each thread has its own.
    pub fn lookup(&self) -> Lookup<'_> {
        let kind = match &self.store {
            Store::Memory { table, order } => LookupKind::Memory(table, order),
            Store::Disk(file) => LookupKind::Disk(file.cursor()),
        };
        let rounded = self.rounded.as_ref().map(|rounded| Box::new(rounded.lookup()));
        Lookup::new(self, kind, rounded)
    }

    /// Calls `each` for every entry in key order, with the number of rows of the baseline that had its key.
    ///
    /// # Errors
    /// Those of `each`, and those of the temporary files.
    pub fn for_each(
        &self,
        each: &mut dyn FnMut(&Record<'_>, u32) -> Result<(), EngineError>,
    ) -> Result<(), EngineError> {
        match &self.store {
            Store::Memory { table, order } => {
                order.iter().try_for_each(|index| match table.record(*index as usize, self.kind) {
                    Some(record) => each(&record, self.times_seen(u64::from(*index))),
                    None => Ok(()),
                })
            }
            Store::Disk(file) => file.for_each(&mut |number, record| each(record, self.times_seen(number))),
        }
    }

    /// Marks an entry as met in the baseline and says how often it had been before.
    fn mark(&self, number: u64) -> u32 {
        let index = usize::try_from(number).unwrap_or(usize::MAX);
        match &self.seen {
            Seen::Once(bits) => bits.get(index / 64).map_or(0, |word| {
                let bit = 1 << (index % 64);
                u32::from(word.fetch_or(bit, Ordering::Relaxed) & bit != 0)
            }),
            Seen::Often(counts) => counts.get(index).map_or(0, |count| count.fetch_add(1, Ordering::Relaxed)),
        }
    }

    /// Claims the event of this number; false if that was done before.
    pub(crate) fn claim(&self, number: u64) -> bool {
        self.mark(number) == 0
    }

    /// Whether the event of this number has been claimed.
    pub(crate) fn is_claimed(&self, number: u64) -> bool {
        self.times_seen(number) > 0
    }

    /// Begins anew: no entry has been met, no event claimed.
    pub(crate) fn forget_what_was_met(&self) {
        match &self.seen {
            Seen::Once(bits) => bits.iter().for_each(|word| word.store(0, Ordering::Relaxed)),
            Seen::Often(counts) => counts.iter().for_each(|count| count.store(0, Ordering::Relaxed)),
        }
    }

    fn times_seen(&self, number: u64) -> u32 {
        let index = usize::try_from(number).unwrap_or(usize::MAX);
        match &self.seen {
            Seen::Once(bits) => {
                bits.get(index / 64).map_or(0, |word| (word.load(Ordering::Relaxed) >> (index % 64) & 1) as u32)
            }
            Seen::Often(counts) => counts.get(index).map_or(0, |count| count.load(Ordering::Relaxed)),
        }
    }
}

#[cfg(test)]
mod tests;
