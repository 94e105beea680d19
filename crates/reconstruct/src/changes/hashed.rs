//! Entries in memory: bytes in an arena, and a hash table over them.

use std::hash::{BuildHasher, RandomState};

use super::Kind;
use crate::changes::arena::{Arena, Spot};
use crate::changes::record::{Effect, EventAt, Record, RowEvent};

#[derive(Default)]
pub(super) struct HashedEntries {
    hasher: RandomState,
    arena: Arena,
    entries: Vec<Entry>,
    /// Index of an entry plus one, or 0; a power of two of them, at most three quarters full.
    slots: Vec<u32>,
}

pub(super) struct Entry {
    key: Spot,
    image: Spot,
    image_room: u32,
    effect: Packed,
    at: EventAt,
}

/// An [`Effect`] in eight bytes. Counts saturate far beyond the rows of a window that fits in memory.
#[derive(Clone, Copy)]
pub(super) struct Packed {
    delta: i32,
    low: i32,
}

impl Packed {
    pub(super) fn new(effect: Effect) -> Self {
        match effect {
            Effect::Row { existed, present } => Self { delta: i32::from(present), low: i32::from(existed) },
            Effect::Count { delta, low } => Self { delta: saturate(delta), low: saturate(low) },
            Effect::Event(event) => Self { delta: event as i32, low: 0 },
        }
    }

    pub(super) fn effect(self, kind: Kind) -> Effect {
        match kind {
            Kind::Counted => Effect::Count { delta: i64::from(self.delta), low: i64::from(self.low) },
            Kind::Keyed => Effect::Row { existed: self.low != 0, present: self.delta != 0 },
            Kind::Events => Effect::Event(RowEvent::from_number(self.delta as u8)),
        }
    }
}

pub(super) fn saturate(number: i64) -> i32 {
    number.clamp(i64::from(i32::MIN), i64::from(i32::MAX)) as i32
}

impl HashedEntries {
    pub(super) fn hash(&self, key: &[u8]) -> usize {
        self.hasher.hash_one(key) as usize
    }

    /// The slot of a key: where it is, or where it belongs.
    pub(super) fn slot(&self, key: &[u8]) -> Option<usize> {
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

    pub(super) fn find(&self, key: &[u8]) -> Option<usize> {
        let slot = self.slot(key)?;
        (self.slots.get(slot).copied()? as usize).checked_sub(1)
    }

    pub(super) fn add(&mut self, key: &[u8], effect: Effect, at: EventAt, image: &[u8]) {
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

    pub(super) fn grow(&mut self) {
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

    pub(super) fn change(&mut self, index: usize, effect: Effect, at: EventAt, image: &[u8]) {
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

    pub(super) fn record(&self, index: usize, kind: Kind) -> Option<Record<'_>> {
        let entry = self.entries.get(index)?;
        Some(Record {
            key: self.arena.get(entry.key),
            effect: entry.effect.effect(kind),
            at: entry.at,
            image: self.arena.get(entry.image),
        })
    }

    pub(super) fn sorted(&self) -> Vec<u32> {
        let mut order: Vec<u32> = (0..self.entries.len() as u32).collect();
        let key = |index: &u32| self.entries.get(*index as usize).map(|entry| self.arena.get(entry.key));
        order.sort_unstable_by(|a, b| key(a).cmp(&key(b)));
        order
    }

    pub(super) fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    pub(super) fn keys(&self) -> impl Iterator<Item = &[u8]> {
        self.entries.iter().map(|entry| self.arena.get(entry.key))
    }

    pub(super) fn bytes(&self) -> usize {
        self.arena.allocated() + self.entries.capacity() * size_of::<Entry>() + self.slots.len() * size_of::<u32>()
    }
}
