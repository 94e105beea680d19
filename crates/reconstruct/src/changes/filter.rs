//! Which keys have events at all.

use std::hash::{BuildHasher, RandomState};

use super::Store;
use crate::EngineError;

/// Tells most keys that have no event without a search: a bit for each hash that a key with events has.
#[derive(Default)]
pub(super) struct Filter {
    hasher: RandomState,
    bits: Vec<u64>,
}

impl Filter {
    const BITS_PER_EVENT: usize = 8;

    pub(super) fn of(store: &Store, events: usize) -> Result<Self, EngineError> {
        let words = (events * Self::BITS_PER_EVENT / 64 + 1).next_power_of_two();
        let mut filter = Self { hasher: RandomState::new(), bits: vec![0; words] };
        let mut add = |key: &[u8]| {
            let (word, bit) = filter.place(key.split_last_chunk::<8>().map_or(key, |(own, _)| own));
            if let Some(word) = filter.bits.get_mut(word) {
                *word |= bit;
            }
        };
        match store {
            Store::Memory { table, .. } => table.keys().for_each(add),
            Store::Disk(file) => file.for_each(&mut |_, record| {
                add(record.key);
                Ok(())
            })?,
        }
        Ok(filter)
    }

    pub(super) fn place(&self, key: &[u8]) -> (usize, u64) {
        let hash = self.hasher.hash_one(key);
        ((hash >> 6) as usize & (self.bits.len() - 1), 1 << (hash & 63))
    }

    pub(super) fn may_hold(&self, key: &[u8]) -> bool {
        if self.bits.is_empty() {
            return false;
        }
        let (word, bit) = self.place(key);
        self.bits.get(word).is_some_and(|word| word & bit != 0)
    }
}
