//! One entry of a change set: what the window did to the rows of one key.

use crate::values::wire;

/// A place in the log, packed: the number of the file among those read, then the offset.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub struct EventAt(u64);

impl EventAt {
    const OFFSET_BITS: u32 = 44;

    /// Packs a place. Offsets reach 16 TiB, file numbers a million.
    pub fn new(file: u32, offset: u64) -> Self {
        Self(u64::from(file) << Self::OFFSET_BITS | offset & ((1 << Self::OFFSET_BITS) - 1))
    }

    /// The file's number.
    pub fn file(self) -> u32 {
        (self.0 >> Self::OFFSET_BITS) as u32
    }

    /// The offset in it.
    pub fn offset(self) -> u64 {
        self.0 & ((1 << Self::OFFSET_BITS) - 1)
    }

    pub(crate) fn bits(self) -> u64 {
        self.0
    }

    pub(crate) fn from_bits(bits: u64) -> Self {
        Self(bits)
    }
}

/// What the window did to the rows of one key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Effect {
    /// The key names one row.
    Row {
        /// The first event updated or deleted the row, so it must be in the baseline; else it inserted it, and it must
        /// not be.
        existed: bool,
        /// Whether the row is there at the end.
        present: bool,
    },
    /// The key is a whole row, of which there may be several.
    Count {
        /// How many more there are at the end.
        delta: i64,
        /// The least that `delta` ever was: the baseline must have at least as many rows as it is below zero.
        low: i64,
    },
    /// One event, not folded with others: the key ends with its tick (the number of a row change in the log), so that each has its own.
    Event(RowEvent),
}

/// What one event did to a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RowEvent {
    /// There is a row of this key from now on.
    Inserted,
    /// The row has other values from now on.
    Updated,
    /// The row is gone from now on.
    Deleted,
    /// The row has other values from now on, those of its key too; its image lacks some.
    Moved,
}

impl RowEvent {
    pub(crate) fn from_number(number: u8) -> Self {
        match number {
            0 => Self::Inserted,
            1 => Self::Updated,
            2 => Self::Deleted,
            _ => Self::Moved,
        }
    }
}

/// An entry.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Record<'a> {
    /// The key, as [`crate::values::key`] encodes it.
    pub key: &'a [u8],
    /// What happened to it.
    pub effect: Effect,
    /// The last event that did something to it.
    pub at: EventAt,
    /// The last row image; empty where the row is not there at the end.
    pub image: &'a [u8],
}

/// Two events that contradict each other.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Misfit {
    /// An insert of a row that is there.
    InsertOfPresent,
    /// An update of a row that is not there.
    UpdateOfAbsent,
    /// A delete of a row that is not there.
    DeleteOfAbsent,
}

impl Misfit {
    /// For messages.
    pub fn text(self) -> &'static str {
        match self {
            Self::InsertOfPresent => "a row is inserted that earlier events left in place",
            Self::UpdateOfAbsent => "a row is updated that earlier events deleted",
            Self::DeleteOfAbsent => "a row is deleted that earlier events had deleted",
        }
    }
}

impl Effect {
    /// What two effects of the same key do one after the other.
    ///
    /// # Errors
    /// When the later one begins with something else than the earlier one ends with.
    pub fn then(self, later: Self) -> Result<Self, Misfit> {
        match (self, later) {
            (Self::Row { existed, present }, Self::Row { existed: expected, present: at_end }) => {
                if present == expected {
                    Ok(Self::Row { existed, present: at_end })
                } else if present {
                    Err(Misfit::InsertOfPresent)
                } else {
                    Err(Misfit::UpdateOfAbsent)
                }
            }
            (Self::Count { delta, low }, Self::Count { delta: more, low: lower }) => {
                Ok(Self::Count { delta: delta + more, low: low.min(delta + lower) })
            }
            // Found twice, as cascades may be.
            (Self::Event(_), Self::Event(_)) => Ok(later),
            (Self::Row { .. } | Self::Count { .. } | Self::Event(_), _) => {
                debug_assert!(false, "a change set of several kinds");
                Err(Misfit::UpdateOfAbsent)
            }
        }
    }
}

impl<'a> Record<'a> {
    /// Writes the entry for a spill file.
    pub(crate) fn write(&self, out: &mut Vec<u8>) {
        wire::put_bytes(out, self.key);
        match self.effect {
            Effect::Row { existed, present } => out.push(u8::from(existed) | u8::from(present) << 1),
            Effect::Count { delta, low } => {
                out.push(4);
                wire::put_signed(out, delta);
                wire::put_signed(out, low);
            }
            Effect::Event(event) => out.push(8 | event as u8),
        }
        out.extend_from_slice(&self.at.bits().to_le_bytes());
        wire::put_bytes(out, self.image);
    }

    /// Reads an entry from the front of `bytes` and moves them on; None where they end too early.
    pub(crate) fn read(bytes: &mut &'a [u8]) -> Option<Self> {
        let mut rest = *bytes;
        let key = wire::take_bytes(&mut rest)?;
        let (tag, after) = rest.split_first()?;
        rest = after;
        let effect = if tag & 4 != 0 {
            Effect::Count { delta: wire::take_signed(&mut rest)?, low: wire::take_signed(&mut rest)? }
        } else if tag & 8 != 0 {
            Effect::Event(RowEvent::from_number(tag & 3))
        } else {
            Effect::Row { existed: tag & 1 != 0, present: tag & 2 != 0 }
        };
        let (at, after) = rest.split_first_chunk::<8>()?;
        rest = after;
        let image = wire::take_bytes(&mut rest)?;
        *bytes = rest;
        Some(Self { key, effect, at: EventAt::from_bits(u64::from_le_bytes(*at)), image })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn effects_compose() {
        let row = |existed, present| Effect::Row { existed, present };
        assert_eq!(row(true, true).then(row(true, false)), Ok(row(true, false)));
        assert_eq!(row(false, true).then(row(true, true)), Ok(row(false, true)));
        assert_eq!(row(true, false).then(row(false, true)), Ok(row(true, true)));
        assert_eq!(row(true, false).then(row(true, true)), Err(Misfit::UpdateOfAbsent));
        assert_eq!(row(true, true).then(row(false, true)), Err(Misfit::InsertOfPresent));
        let count = |delta, low| Effect::Count { delta, low };
        assert_eq!(count(2, 0).then(count(-3, -3)), Ok(count(-1, -1)));
        assert_eq!(count(-2, -2).then(count(1, -1)), Ok(count(-1, -3)));
    }

    #[test]
    fn records_survive_the_file() {
        for effect in [
            Effect::Row { existed: true, present: false },
            Effect::Row { existed: false, present: true },
            Effect::Count { delta: -5, low: -7 },
            Effect::Event(RowEvent::Inserted),
            Effect::Event(RowEvent::Updated),
            Effect::Event(RowEvent::Deleted),
            Effect::Event(RowEvent::Moved),
        ] {
            let image = vec![7; 300];
            let record = Record { key: b"key", effect, at: EventAt::new(3, 1 << 40), image: &image };
            let mut bytes = Vec::new();
            record.write(&mut bytes);
            let mut rest = bytes.as_slice();
            assert_eq!(Record::read(&mut rest), Some(record));
            assert!(rest.is_empty());
            assert_eq!((record.at.file(), record.at.offset()), (3, 1 << 40));
            assert_eq!(Record::read(&mut &bytes[..bytes.len() - 1]), None);
        }
    }
}
