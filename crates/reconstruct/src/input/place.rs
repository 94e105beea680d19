//! Places and stretches of the log.

use std::fmt;

use backtrail_domain::{BinlogFile, BinlogPosition, GtidSet};
use serde::{Deserialize, Serialize};

use crate::input::ledger::Reading;

/// A place in the log with what had been executed there.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Coordinates {
    /// The place.
    pub position: BinlogPosition,
    /// The GTIDs executed there, where the server has them.
    pub gtid_set: Option<GtidSet>,
}

/// A piece of the log that is read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PlannedPiece {
    /// Where it is stored.
    pub name: String,
    /// The server's file.
    pub file: BinlogFile,
    /// From this offset in the server's file.
    pub from: u64,
    /// To this offset.
    pub to: u64,
    /// Bytes and checksum of what was read of it as stored. Of a piece that was read in part they are those of its
    /// beginning, which reaches at least to `to`.
    #[serde(flatten)]
    pub reading: Reading,
}

/// A hole in the log.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Gap {
    /// The last place before it that is known.
    pub from: BinlogPosition,
    /// The first place behind it.
    pub to: BinlogPosition,
    /// How it was seen.
    pub cause: String,
}

impl fmt::Display for Gap {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "from {} to {}: {}", self.from, self.to, self.cause)
    }
}
