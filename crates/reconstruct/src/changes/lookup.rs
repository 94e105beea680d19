//! Looking keys up in a complete set.

use super::{Changes, HashedEntries};
use crate::EngineError;
use crate::changes::record::Record;
use crate::changes::spill::SortedCursor;

/// Looks up what happened to the baseline's rows.
pub struct Lookup<'a> {
    changes: &'a Changes,
    kind: LookupKind<'a>,
    rounded: Option<Box<Lookup<'a>>>,
    /// A key with a tick behind it.
    wanted: Vec<u8>,
}

pub(super) enum LookupKind<'a> {
    Memory(&'a HashedEntries, &'a [u32]),
    Disk(SortedCursor<'a>),
}

impl<'a> Lookup<'a> {
    pub(super) fn new(changes: &'a Changes, kind: LookupKind<'a>, rounded: Option<Box<Self>>) -> Self {
        Self { changes, kind, rounded, wanted: Vec::new() }
    }

    /// What it looks into.
    pub fn changes(&self) -> &'a Changes {
        self.changes
    }

    /// The entry of a row as the baseline has it: its key says no exact values. Else like [`Lookup::meet`].
    ///
    /// # Errors
    /// Those of the temporary files.
    pub fn meet_written(&mut self, key: &[u8]) -> Result<Option<(Record<'_>, u32)>, EngineError> {
        match &mut self.rounded {
            Some(rounded) => meet(rounded.changes, &mut rounded.kind, key),
            None => meet(self.changes, &mut self.kind, key),
        }
    }

    /// How often rows of this key were met.
    pub(super) fn times_met(&mut self, key: &[u8]) -> Result<u32, EngineError> {
        let changes = self.changes;
        let number = match &mut self.kind {
            LookupKind::Memory(table, _) => table.find(key).map(|index| index as u64),
            LookupKind::Disk(cursor) => cursor.find(key)?.map(|(number, _)| number),
        };
        Ok(number.map_or(0, |number| changes.times_seen(number)))
    }

    /// The entry of a row, if the window did something to it, and how often a row of this key was met before. The row
    /// counts as met from now on.
    ///
    /// # Errors
    /// Those of the temporary files.
    pub fn meet(&mut self, key: &[u8]) -> Result<Option<(Record<'_>, u32)>, EngineError> {
        meet(self.changes, &mut self.kind, key)
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

pub(super) fn meet<'a>(
    changes: &'a Changes,
    kind: &'a mut LookupKind<'_>,
    key: &[u8],
) -> Result<Option<(Record<'a>, u32)>, EngineError> {
    Ok(match kind {
        LookupKind::Memory(table, _) => table
            .find(key)
            .and_then(|index| table.record(index, changes.kind).map(|record| (record, changes.mark(index as u64)))),
        LookupKind::Disk(cursor) => cursor.find(key)?.map(|(number, record)| (record, changes.mark(number))),
    })
}
