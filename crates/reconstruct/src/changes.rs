//! Change sets: what the window did to one table, folded to one entry per key.
//!
//! While it is filled a set lives in memory, as bytes in an arena with a hash table over them; past the budget of all sets
//! together it is written out as a sorted run and begins anew. When the log has been read, [`ChangeSet::freeze`] makes it
//! a [`Changes`] that any number of threads look keys up in.

use std::hash::{BuildHasher, RandomState};
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};

use crate::EngineError;
use crate::arena::{Arena, Spot};
use crate::io::Spill;
use crate::record::{Effect, EventAt, Misfit, Record, RowEvent};
use crate::spill::{Run, RunWriter, SortedCursor, SortedFile};

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
    table: HashedEntries,
    runs: Vec<Run>,
    spilled: u64,
}

/// One table's changes, complete.
pub struct Changes {
    kind: Kind,
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

#[derive(Default)]
struct HashedEntries {
    hasher: RandomState,
    arena: Arena,
    entries: Vec<Entry>,
    /// Index of an entry plus one, or 0; a power of two of them, at most three quarters full.
    slots: Vec<u32>,
}

struct Entry {
    key: Spot,
    image: Spot,
    image_room: u32,
    effect: Packed,
    at: EventAt,
}

/// An [`Effect`] in eight bytes. Counts saturate far beyond the rows of a window that fits in memory.
#[derive(Clone, Copy)]
struct Packed {
    delta: i32,
    low: i32,
}

impl Packed {
    fn new(effect: Effect) -> Self {
        match effect {
            Effect::Row { existed, present } => Self { delta: i32::from(present), low: i32::from(existed) },
            Effect::Count { delta, low } => Self { delta: saturate(delta), low: saturate(low) },
            Effect::Event(event) => Self { delta: event as i32, low: 0 },
        }
    }

    fn effect(self, kind: Kind) -> Effect {
        match kind {
            Kind::Counted => Effect::Count { delta: i64::from(self.delta), low: i64::from(self.low) },
            Kind::Keyed => Effect::Row { existed: self.low != 0, present: self.delta != 0 },
            Kind::Events => Effect::Event(RowEvent::from_number(self.delta as u8)),
        }
    }
}

fn saturate(number: i64) -> i32 {
    number.clamp(i64::from(i32::MIN), i64::from(i32::MAX)) as i32
}

impl HashedEntries {
    fn hash(&self, key: &[u8]) -> usize {
        self.hasher.hash_one(key) as usize
    }

    /// The slot of a key: where it is, or where it belongs.
    fn slot(&self, key: &[u8]) -> Option<usize> {
        let mask = self.slots.len().checked_sub(1)?;
        let mut slot = self.hash(key) & mask;
        loop {
            match self.slots.get(slot).copied() {
                Some(0) | None => return Some(slot),
                Some(number) => {
                    let entry = self.entries.get(number as usize - 1)?;
                    if self.arena.get(entry.key) == key {
                        return Some(slot);
                    }
                }
            }
            slot = (slot + 1) & mask;
        }
    }

    fn find(&self, key: &[u8]) -> Option<usize> {
        let slot = self.slot(key)?;
        (self.slots.get(slot).copied()? as usize).checked_sub(1)
    }

    fn add(&mut self, key: &[u8], effect: Effect, at: EventAt, image: &[u8]) {
        if (self.entries.len() + 1) * 4 > self.slots.len() * 3 {
            self.grow();
        }
        let key_spot = self.arena.push(key);
        let image = self.arena.push(image);
        self.entries.push(Entry { key: key_spot, image, image_room: image.length, effect: Packed::new(effect), at });
        let number = self.entries.len() as u32;
        if let Some(slot) = self.slot(key)
            && let Some(place) = self.slots.get_mut(slot)
        {
            *place = number;
        }
    }

    fn grow(&mut self) {
        let size = (self.slots.len() * 2).max(64);
        let mask = size - 1;
        let mut slots = vec![0_u32; size];
        for (index, entry) in self.entries.iter().enumerate() {
            let mut slot = self.hash(self.arena.get(entry.key)) & mask;
            while slots.get(slot).is_some_and(|number| *number != 0) {
                slot = (slot + 1) & mask;
            }
            if let Some(place) = slots.get_mut(slot) {
                *place = index as u32 + 1;
            }
        }
        self.slots = slots;
    }

    fn change(&mut self, index: usize, effect: Effect, at: EventAt, image: &[u8]) {
        let Self { arena, entries, .. } = self;
        let Some(entry) = entries.get_mut(index) else { return };
        entry.effect = Packed::new(effect);
        entry.at = at;
        if arena.overwrite(entry.image, entry.image_room, image) {
            entry.image.length = image.len() as u32;
        } else {
            entry.image = arena.push(image);
            entry.image_room = entry.image.length;
        }
    }

    fn record(&self, index: usize, kind: Kind) -> Option<Record<'_>> {
        let entry = self.entries.get(index)?;
        Some(Record {
            key: self.arena.get(entry.key),
            effect: entry.effect.effect(kind),
            at: entry.at,
            image: self.arena.get(entry.image),
        })
    }

    fn sorted(&self) -> Vec<u32> {
        let mut order: Vec<u32> = (0..self.entries.len() as u32).collect();
        let key = |index: &u32| self.entries.get(*index as usize).map(|entry| self.arena.get(entry.key));
        order.sort_unstable_by(|a, b| key(a).cmp(&key(b)));
        order
    }

    fn bytes(&self) -> usize {
        self.arena.allocated() + self.entries.capacity() * size_of::<Entry>() + self.slots.len() * size_of::<u32>()
    }
}

impl ChangeSet {
    /// An empty set, of a table whose key names one row each.
    pub fn keyed() -> Self {
        Self { kind: Kind::Keyed, table: HashedEntries::default(), runs: Vec::new(), spilled: 0 }
    }

    /// An empty set of a table without a key, whose equal rows are counted.
    pub fn counted() -> Self {
        Self { kind: Kind::Counted, ..Self::keyed() }
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
        if table.entries.is_empty() {
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
        Ok(Changes { kind: self.kind, store, filter, seen, spilled: self.spilled })
    }
}

impl Changes {
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
        match &self.store {
            Store::Memory { table, order } => {
                Lookup { changes: self, kind: LookupKind::Memory(table, order), wanted: Vec::new() }
            }
            Store::Disk(file) => Lookup { changes: self, kind: LookupKind::Disk(file.cursor()), wanted: Vec::new() },
        }
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

/// Looks up what happened to the baseline's rows.
pub struct Lookup<'a> {
    changes: &'a Changes,
    kind: LookupKind<'a>,
    /// A key with a tick behind it.
    wanted: Vec<u8>,
}

enum LookupKind<'a> {
    Memory(&'a HashedEntries, &'a [u32]),
    Disk(SortedCursor<'a>),
}

impl Lookup<'_> {
    /// The entry of a row of the baseline, if the window did something to it, and how often a row of this key was met
    /// before. The row counts as met from now on.
    ///
    /// # Errors
    /// Those of the temporary files.
    pub fn meet(&mut self, key: &[u8]) -> Result<Option<(Record<'_>, u32)>, EngineError> {
        let changes = self.changes;
        Ok(match &mut self.kind {
            LookupKind::Memory(table, _) => table
                .find(key)
                .and_then(|index| table.record(index, changes.kind).map(|record| (record, changes.mark(index as u64)))),
            LookupKind::Disk(cursor) => cursor.find(key)?.map(|(number, record)| (record, changes.mark(number))),
        })
    }

    /// The first event of a key behind a tick, of a set that keeps events apart: its number, its tick and itself.
    ///
    /// # Errors
    /// Those of the temporary files.
    pub(crate) fn next(&mut self, key: &[u8], after: u64) -> Result<Option<(u64, u64, Record<'_>)>, EngineError> {
        let changes = self.changes;
        if !changes.filter.may_hold(key) {
            return Ok(None);
        }
        self.wanted.clear();
        self.wanted.extend_from_slice(key);
        self.wanted.extend_from_slice(&after.saturating_add(1).to_be_bytes());
        let wanted = self.wanted.as_slice();
        let found = match &mut self.kind {
            LookupKind::Memory(table, order) => {
                let record = |index: &u32| table.record(*index as usize, changes.kind);
                let place = order.partition_point(|index| record(index).is_some_and(|record| record.key < wanted));
                order.get(place).and_then(|index| Some((u64::from(*index), record(index)?)))
            }
            LookupKind::Disk(cursor) => cursor.first_from(wanted)?,
        };
        Ok(found.and_then(|(number, record)| {
            let (own, tick) = record.key.split_last_chunk::<8>()?;
            (own == key).then_some((number, u64::from_be_bytes(*tick), record))
        }))
    }
}

/// Tells most keys that have no event without a search: a bit for each hash that a key with events has.
#[derive(Default)]
struct Filter {
    hasher: RandomState,
    bits: Vec<u64>,
}

impl Filter {
    const BITS_PER_EVENT: usize = 8;

    fn of(store: &Store, events: usize) -> Result<Self, EngineError> {
        let words = (events * Self::BITS_PER_EVENT / 64 + 1).next_power_of_two();
        let mut filter = Self { hasher: RandomState::new(), bits: vec![0; words] };
        let mut add = |key: &[u8]| {
            let (word, bit) = filter.place(key.split_last_chunk::<8>().map_or(key, |(own, _)| own));
            if let Some(word) = filter.bits.get_mut(word) {
                *word |= bit;
            }
        };
        match store {
            Store::Memory { table, .. } => table.entries.iter().for_each(|entry| add(table.arena.get(entry.key))),
            Store::Disk(file) => file.for_each(&mut |_, record| {
                add(record.key);
                Ok(())
            })?,
        }
        Ok(filter)
    }

    fn place(&self, key: &[u8]) -> (usize, u64) {
        let hash = self.hasher.hash_one(key);
        ((hash >> 6) as usize & (self.bits.len() - 1), 1 << (hash & 63))
    }

    fn may_hold(&self, key: &[u8]) -> bool {
        if self.bits.is_empty() {
            return false;
        }
        let (word, bit) = self.place(key);
        self.bits.get(word).is_some_and(|word| word & bit != 0)
    }
}

#[cfg(test)]
mod tests;
