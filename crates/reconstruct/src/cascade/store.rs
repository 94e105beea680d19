//! Cascades, by the values that they come for.

use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::{Mutex, PoisonError};

use super::{Encoded, Feeds};
use crate::EngineError;
use crate::changes::record::{EventAt, RowEvent};
use crate::changes::{ChangeSet, Changes, Lookup};
use crate::io::Spill;
use crate::values::wire;

/// What becomes of the rows that a cascade comes for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Action {
    Delete,
    SetNull,
    /// The parts of the key that get other values, as literals.
    Update(Vec<(usize, Vec<u8>)>),
}

impl Action {
    /// Puts the cascade into a set.
    pub(crate) fn note(&self, set: &mut ChangeSet, key: &[u8], tick: u64, at: EventAt) {
        match self {
            Self::Delete => set.note(key, tick, RowEvent::Deleted, at, &[]),
            Self::SetNull => set.note(key, tick, RowEvent::Updated, at, &[]),
            Self::Update(values) => {
                let mut image = Vec::new();
                for (part, literal) in values {
                    wire::put_number(&mut image, *part as u64);
                    wire::put_bytes(&mut image, literal);
                }
                set.note(key, tick, RowEvent::Updated, at, &image);
            }
        }
    }

    fn read(event: RowEvent, mut image: &[u8]) -> Self {
        match event {
            RowEvent::Deleted => Self::Delete,
            RowEvent::Inserted | RowEvent::Updated | RowEvent::Moved if image.is_empty() => Self::SetNull,
            RowEvent::Inserted | RowEvent::Updated | RowEvent::Moved => {
                let mut values = Vec::new();
                while let (Some(part), Some(literal)) = (wire::take_number(&mut image), wire::take_bytes(&mut image)) {
                    values.push((part as usize, literal.to_vec()));
                }
                Self::Update(values)
            }
        }
    }
}

/// The cascades of one link.
struct OfLink {
    /// Those of logged events.
    logged: Changes,
    /// Those of silent ones, as far as they are known.
    silent: Changes,
    /// Silent ones that are being found.
    found: Mutex<Found>,
}

struct Found {
    set: ChangeSet,
    /// The same for the same cascades, in whichever order they were found.
    digest: u64,
    /// That of `silent`.
    settled: u64,
}

/// All cascades of a run.
pub(crate) struct Cascades<'a> {
    pub(crate) feeds: &'a Feeds,
    links: Vec<OfLink>,
    spill: &'a dyn Spill,
    /// Bytes that what is found on one link may take in memory.
    memory: usize,
}

impl<'a> Cascades<'a> {
    pub(crate) fn new(
        feeds: &'a Feeds,
        logged: Vec<Changes>,
        spill: &'a dyn Spill,
        memory_budget: u64,
    ) -> Result<Self, EngineError> {
        let memory = usize::try_from(memory_budget).unwrap_or(usize::MAX) / (4 * logged.len().max(1));
        let links = logged.into_iter().map(|logged| {
            let found = Found { set: ChangeSet::events(), digest: 0, settled: 0 };
            Ok(OfLink { logged, silent: frozen(ChangeSet::events(), spill)?, found: Mutex::new(found) })
        });
        Ok(Self { feeds, links: links.collect::<Result<_, EngineError>>()?, spill, memory })
    }

    /// Whether a link has no cascades.
    pub(crate) fn is_empty(&self, link: usize) -> bool {
        self.links.get(link).is_none_or(|link| link.logged.is_empty() && link.silent.is_empty())
    }

    /// A row has changed silently, which is a cascade for the children of its table.
    pub(crate) fn found(
        &self,
        link: usize,
        key: &[u8],
        tick: u64,
        action: &Action,
        at: EventAt,
    ) -> Result<(), EngineError> {
        let Some(link) = self.links.get(link) else { return Ok(()) };
        let mut found = link.found.lock().unwrap_or_else(PoisonError::into_inner);
        let mut hasher = DefaultHasher::new();
        (key, tick).hash(&mut hasher);
        if let Action::Update(values) = action {
            values.hash(&mut hasher);
        }
        found.digest = found.digest.wrapping_add(hasher.finish() | 1);
        action.note(&mut found.set, key, tick, at);
        if found.set.bytes() > self.memory {
            found.set.spill(self.spill)?;
        }
        Ok(())
    }

    /// From now on, what was found on a link is what comes over it. Says whether that differs from what was known before.
    pub(crate) fn settle(&mut self, link: usize) -> Result<bool, EngineError> {
        let spill = self.spill;
        let Some(link) = self.links.get_mut(link) else { return Ok(false) };
        let found = link.found.get_mut().unwrap_or_else(PoisonError::into_inner);
        let news = found.digest != found.settled;
        link.silent = frozen(std::mem::replace(&mut found.set, ChangeSet::events()), spill)?;
        found.settled = std::mem::take(&mut found.digest);
        Ok(news)
    }

    /// Whether cascades come over a link for values that a text of which equality is not known might be equal to.
    pub(crate) fn may_come_for(&self, link: usize, doubtful: &Encoded) -> Result<bool, EngineError> {
        let (Some(link), Encoded::Doubtful(rest)) = (self.links.get(link), doubtful) else { return Ok(false) };
        let mut may = false;
        for changes in [&link.logged, &link.silent] {
            changes.for_each(&mut |record, _| {
                let mut key = record.key.iter();
                may |= rest.iter().all(|byte| key.any(|other| other == byte));
                Ok(())
            })?;
        }
        Ok(may)
    }

    /// A way to look cascades of a link up; each thread has its own.
    pub(crate) fn lookup(&self, link: usize) -> Option<LinkLookup<'_>> {
        let link = self.links.get(link)?;
        Some(LinkLookup { logged: link.logged.lookup(), silent: link.silent.lookup() })
    }
}

fn frozen(set: ChangeSet, spill: &dyn Spill) -> Result<Changes, EngineError> {
    set.freeze(spill, &mut |_, _| EngineError::Spill {
        source: std::io::Error::new(std::io::ErrorKind::InvalidData, "cascades of several kinds"),
    })
}

/// Looks up what cascades come for a row.
pub(crate) struct LinkLookup<'a> {
    logged: Lookup<'a>,
    silent: Lookup<'a>,
}

impl LinkLookup<'_> {
    /// The next cascade for these values behind a tick.
    pub(crate) fn next(&mut self, key: &[u8], after: u64) -> Result<Option<(u64, Action, EventAt)>, EngineError> {
        let mut first = None;
        for lookup in [&mut self.logged, &mut self.silent] {
            if let Some((_, tick, record)) = lookup.next(key, after)?
                && first.as_ref().is_none_or(|(earlier, _, _)| tick < *earlier)
                && let crate::changes::record::Effect::Event(event) = record.effect
            {
                first = Some((tick, Action::read(event, record.image), record.at));
            }
        }
        Ok(first)
    }
}
