//! Where a recovery stops.

use std::fmt;

use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use crate::{BinlogPosition, GtidSet};

/// What an operator asks for. It comes down to a *cut*: a place between two transactions of the binary log, the same for
/// every table; what committed at or before it is in, nothing after it is, and no transaction is half in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CutTarget {
    /// Every transaction whose commit time is at or before this instant.
    Time(OffsetDateTime),
    /// The first place at which everything in the set has committed. One GTID is a set of one: the cut is right after it.
    Gtid(GtidSet),
    /// Everything before this place, which must lie between two transactions.
    Position(BinlogPosition),
}

impl CutTarget {
    /// Reads an instant: RFC 3339 with an offset. A time without an offset is refused, since it would be read in
    /// somebody's zone.
    ///
    /// # Errors
    /// Text of another form.
    pub fn parse_time(text: &str) -> Result<Self, ParseCutTargetError> {
        OffsetDateTime::parse(text, &Rfc3339)
            .map(|time| Self::Time(time.to_offset(time::UtcOffset::UTC)))
            .map_err(|_| ParseCutTargetError { text: text.to_owned() })
    }
}

/// Writes what was asked for: a time as RFC 3339 in UTC, a GTID set, or `file:position`.
impl fmt::Display for CutTarget {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Time(time) => f.write_str(&time.format(&Rfc3339).map_err(|_| fmt::Error)?),
            Self::Gtid(set) => set.fmt(f),
            Self::Position(position) => position.fmt(f),
        }
    }
}

/// A text that is no instant.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{text}` is not a time with an offset; write it as in `2026-04-10T14:30:00Z` or `2026-04-10T16:30:00+02:00`")]
pub struct ParseCutTargetError {
    text: String,
}
