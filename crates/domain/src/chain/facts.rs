//! What planning knows of a server.

use serde::{Deserialize, Serialize};
use time::OffsetDateTime;

use crate::{BackupId, BinlogFile, BinlogPosition, GtidSet, SegmentId, Timeline};

/// A completed, consistent backup with a proven place in the binary log.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct BaselineFact {
    /// The backup.
    pub id: BackupId,
    /// Its log's timeline; `None` where the worker could not tell (only the server's identity was known).
    pub timeline: Option<Timeline>,
    /// The first event that is not in the dump begins here.
    pub coordinates: BinlogPosition,
    /// What had committed there, where the server keeps count.
    pub gtid_set: Option<GtidSet>,
    /// Lower bound of the snapshot's instant, by the source's clock.
    #[serde(with = "time::serde::rfc3339")]
    pub started_at: OffsetDateTime,
    /// Upper bound of the snapshot's instant, by the source's clock: a target from here on can start from it.
    #[serde(with = "time::serde::rfc3339")]
    pub consistent_at: OffsetDateTime,
}

/// An archived stretch of one binary log file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SegmentFact {
    /// The segment.
    pub id: SegmentId,
    /// Its timeline.
    pub timeline: Timeline,
    /// Its file.
    pub file: BinlogFile,
    /// Offset of its first byte.
    pub start: u64,
    /// Offset after its last byte.
    pub end: u64,
    /// The next file, where the source went on with it after `end`.
    pub rotated_to: Option<BinlogFile>,
    /// Commit time of its first transaction.
    #[serde(with = "time::serde::rfc3339::option")]
    pub first_commit_at: Option<OffsetDateTime>,
    /// Commit time of its last transaction.
    #[serde(with = "time::serde::rfc3339::option")]
    pub last_commit_at: Option<OffsetDateTime>,
    /// What had committed at its start.
    pub gtid_before: Option<GtidSet>,
    /// What had committed at its end.
    pub gtid_after: Option<GtidSet>,
    /// When the source made the file, by the source's clock, to the second.
    #[serde(with = "time::serde::rfc3339::option")]
    pub file_created_at: Option<OffsetDateTime>,
    /// When it was archived.
    #[serde(with = "time::serde::rfc3339")]
    pub sealed_at: OffsetDateTime,
    /// Size of the stored object, in bytes.
    pub size_bytes: u64,
    /// Events in it.
    pub events: u64,
    /// Rows inserted, updated and deleted in it.
    pub row_changes: u64,
}

/// A stretch of binary log that is known to be missing.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct GapFact {
    /// The timeline in which the archive ends.
    pub from_timeline: Timeline,
    /// What is archived ends here.
    pub from: BinlogPosition,
    /// The timeline in which it goes on: another one after `RESET MASTER` or on a rebuilt server.
    pub to_timeline: Timeline,
    /// And goes on here.
    pub to: BinlogPosition,
    /// Time of the last commit before it.
    #[serde(with = "time::serde::rfc3339::option")]
    pub from_time: Option<OffsetDateTime>,
    /// Time of the first commit after it.
    #[serde(with = "time::serde::rfc3339::option")]
    pub to_time: Option<OffsetDateTime>,
    /// Why, in a few words.
    pub cause: String,
}

/// How far the agent has seen everything: also without a segment, when the source is idle.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Covered {
    /// The timeline that the agent reads.
    pub timeline: Timeline,
    /// Every transaction that committed at or before this instant (source's clock) is in a segment.
    #[serde(with = "time::serde::rfc3339")]
    pub until: OffsetDateTime,
}

/// Everything known of one server's baselines and binary log.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ChainFacts {
    /// In any order.
    pub baselines: Vec<BaselineFact>,
    /// In any order.
    pub segments: Vec<SegmentFact>,
    /// In any order.
    pub gaps: Vec<GapFact>,
    /// `None` before the agent's first report.
    pub covered: Option<Covered>,
}

impl SegmentFact {
    /// Its first byte's place.
    pub fn from(&self) -> BinlogPosition {
        BinlogPosition { file: self.file.clone(), offset: self.start }
    }

    /// The place after its last byte.
    pub fn to(&self) -> BinlogPosition {
        BinlogPosition { file: self.file.clone(), offset: self.end }
    }

    /// Where the log goes on after it: in the next file, if it ends with the rotation to that.
    pub fn continues_at(&self) -> BinlogPosition {
        match &self.rotated_to {
            Some(file) => BinlogPosition { file: file.clone(), offset: FIRST_OFFSET },
            None => self.to(),
        }
    }
}

/// Where a file's first event begins, after the magic bytes.
pub(crate) const FIRST_OFFSET: u64 = 4;
