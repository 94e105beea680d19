//! Change sets of tables without a key whose rows the baseline has in fewer digits than the log.
//!
//! The entries are by exact rows, as the log has them. A row of the baseline may be any of those that print like it; the
//! dump has lost which. It is looked up by what is printed, and as many go as all of these together have lost. What the
//! window added has exact values. Rows of the baseline that were touched and are there at the end count as gone and added.

use super::{ChangeSet, Changes, Lookup};
use crate::EngineError;
use crate::changes::record::{Effect, EventAt, Misfit, Record};
use crate::io::Spill;

/// Beyond this the entries go to disk, if the exact ones did.
const MOST_IN_MEMORY: usize = 4 << 20;

/// How many rows go, by what is printed.
pub(super) struct Rounded {
    changes: Box<Changes>,
    /// So many bytes at the end of an exact key are not printed.
    exact: usize,
}

fn printed(key: &[u8], exact: usize) -> &[u8] {
    key.get(..key.len().saturating_sub(exact)).unwrap_or_default()
}

fn goes(record: &Record<'_>) -> i64 {
    match record.effect {
        Effect::Count { low, .. } => -low,
        Effect::Row { .. } | Effect::Event(_) => {
            debug_assert!(false, "a key that names one row is no whole row");
            0
        }
    }
}

impl Rounded {
    pub(super) fn new(
        of: &Changes,
        exact: usize,
        spill: &dyn Spill,
        misfit: &mut dyn FnMut(Misfit, &Record<'_>) -> EngineError,
    ) -> Result<Self, EngineError> {
        let mut set = ChangeSet::counted(0);
        let on_disk = of.spilled > 0;
        of.for_each(&mut |record, _| {
            let goes = goes(record);
            if goes > 0 {
                let effect = Effect::Count { delta: -goes, low: -goes };
                set.apply(printed(record.key, exact), effect, record.at, &[])
                    .map_err(|problem| misfit(problem, record))?;
                if on_disk && set.bytes() > MOST_IN_MEMORY {
                    set.spill(spill)?;
                }
            }
            Ok(())
        })?;
        Ok(Self { changes: Box::new(set.freeze(spill, misfit)?), exact })
    }

    pub(super) fn lookup(&self) -> Lookup<'_> {
        self.changes.lookup()
    }

    /// See [`Changes::check_rounded`].
    pub(super) fn check(
        &self,
        of: &Changes,
        misfit: &mut dyn FnMut(&Record<'_>, &'static str) -> EngineError,
    ) -> Result<(), EngineError> {
        let mut lookup = self.lookup();
        let mut group = Group::default();
        of.for_each(&mut |record, seen| {
            let key = printed(record.key, self.exact);
            if group.key != key {
                group.end(&mut lookup, misfit)?;
                group = Group { key: key.to_vec(), ..Group::default() };
            }
            let goes = goes(record);
            group.at = record.at;
            group.goes += goes;
            group.went += i64::from(seen).min(goes);
            Ok(())
        })?;
        group.end(&mut lookup, misfit)
    }
}

/// The entries that print alike.
#[derive(Default)]
struct Group {
    key: Vec<u8>,
    at: EventAt,
    /// Rows that the log takes away.
    goes: i64,
    /// Of these, rows that were met with their exact values.
    went: i64,
}

impl Group {
    fn end(
        &self,
        lookup: &mut Lookup<'_>,
        misfit: &mut dyn FnMut(&Record<'_>, &'static str) -> EngineError,
    ) -> Result<(), EngineError> {
        if self.goes == 0 {
            return Ok(());
        }
        let written = i64::from(lookup.times_met(&self.key)?).min(self.goes);
        let problem = match (written + self.went).cmp(&self.goes) {
            std::cmp::Ordering::Equal => return Ok(()),
            std::cmp::Ordering::Less => "the log changes or deletes more such rows than the baseline has",
            std::cmp::Ordering::Greater => "which of the rows that print alike were deleted cannot be told",
        };
        let effect = Effect::Count { delta: -self.goes, low: -self.goes };
        Err(misfit(&Record { key: &self.key, effect, at: self.at, image: &[] }, problem))
    }
}
