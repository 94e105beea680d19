//! Archived stretches of binary log.

use backtrail_domain::{BinlogFile, GtidSet, SegmentFact, SegmentId, ServerId, TenantId, Timeline};
use serde_json::Value as Json;
use time::OffsetDateTime;

use crate::{AgentToken, NewGap, Store, StoreError};

/// An archived stretch of one binary log file.
#[derive(Debug, Clone, PartialEq)]
pub struct Segment {
    /// Id.
    pub id: SegmentId,
    /// Whose.
    pub tenant_id: TenantId,
    /// The source server.
    pub server_id: ServerId,
    /// Rises with every segment of the server: the order of the archive.
    pub ordinal: i64,
    /// What is in it.
    pub content: NewSegment,
}

/// A segment as its agent describes it.
#[derive(Debug, Clone, PartialEq)]
pub struct NewSegment {
    /// Its timeline.
    pub timeline: Timeline,
    /// Its file.
    pub file: BinlogFile,
    /// Offset of its first byte.
    pub start: u64,
    /// Offset after its last byte.
    pub end: u64,
    /// The next file, where the segment ends with the rotate event that names it.
    pub rotated_to: Option<BinlogFile>,
    /// Key of the object.
    pub key: String,
    /// Size of the object, in bytes.
    pub size_bytes: u64,
    /// Size decompressed, in bytes.
    pub content_size: u64,
    /// SHA-256 of the object.
    pub sha256: [u8; 32],
    /// What had committed at its start.
    pub gtid_before: Option<GtidSet>,
    /// What had committed at its end.
    pub gtid_after: Option<GtidSet>,
    /// Commit time of its first transaction.
    pub first_commit_at: Option<OffsetDateTime>,
    /// Commit time of its last transaction.
    pub last_commit_at: Option<OffsetDateTime>,
    /// Commit time of its first transaction with row changes.
    pub first_row_event_at: Option<OffsetDateTime>,
    /// Commit time of its last transaction with row changes.
    pub last_row_event_at: Option<OffsetDateTime>,
    /// Events in it.
    pub events: u64,
    /// Rows inserted, updated and deleted in it.
    pub row_changes: u64,
    /// Per table: counts, and the frames that hold its events.
    pub tables: Json,
    /// When the source made the file (its format description event).
    pub file_created_at: Option<OffsetDateTime>,
    /// When the segment was sealed.
    pub sealed_at: OffsetDateTime,
}

impl Segment {
    /// What recovery planning needs of it.
    pub fn fact(&self) -> SegmentFact {
        let content = &self.content;
        SegmentFact {
            id: self.id,
            timeline: content.timeline.clone(),
            file: content.file.clone(),
            start: content.start,
            end: content.end,
            rotated_to: content.rotated_to.clone(),
            first_commit_at: content.first_commit_at,
            last_commit_at: content.last_commit_at,
            gtid_before: content.gtid_before.clone(),
            gtid_after: content.gtid_after.clone(),
            sealed_at: content.sealed_at,
            size_bytes: content.size_bytes,
            events: content.events,
            row_changes: content.row_changes,
        }
    }

    /// Adds a segment under the agent's lease; its object must be stored before. It must begin where the archive ends:
    /// at the last segment's end, at the start (offset 4) of the file that segment rotated to, or, with a gap, where the
    /// gap ends. The gap is recorded in the same transaction. Anything else is [`StoreError::NotContinuous`]. The first
    /// segment of a server may begin anywhere; a new timeline needs a gap.
    ///
    /// `previous_file_ended` says that the source was seen to go on with this segment's file right after the last
    /// segment's end, although that segment holds no rotate event (the source crashed, or was stopped).
    pub async fn append(
        store: &Store,
        token: &AgentToken,
        new: NewSegment,
        gap: Option<NewGap>,
        previous_file_ended: bool,
    ) -> Result<Self, StoreError> {
        todo!()
    }

    /// The server's last segment.
    pub async fn last(store: &Store, server_id: ServerId) -> Result<Option<Self>, StoreError> {
        todo!()
    }

    /// The server's segments in the archive's order.
    pub async fn list(store: &Store, tenant_id: TenantId, server_id: ServerId) -> Result<Vec<Self>, StoreError> {
        todo!()
    }

    /// Those segments, in the archive's order. One that is gone is missing from the answer.
    pub async fn by_ids(store: &Store, ids: &[SegmentId]) -> Result<Vec<Self>, StoreError> {
        todo!()
    }

    /// Retention takes these segments: no PITR will read them. Delete the objects (their keys are returned), then call
    /// [`forget`](Self::forget).
    pub async fn mark_expired(store: &Store, ids: &[SegmentId]) -> Result<Vec<(SegmentId, String)>, StoreError> {
        todo!()
    }

    /// Segments that retention took and whose objects may still be there: what a crash left behind.
    pub async fn expired(store: &Store, limit: u16) -> Result<Vec<(SegmentId, String)>, StoreError> {
        todo!()
    }

    /// Removes the rows of expired segments, once their objects are gone.
    pub async fn forget(store: &Store, ids: &[SegmentId]) -> Result<(), StoreError> {
        todo!()
    }
}
