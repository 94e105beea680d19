//! Archived stretches of binary log.

use backtrail_domain::{BinlogFile, BinlogPosition, GtidSet, SegmentId, ServerId, TenantId, Timeline};
use diesel::dsl::now;
use diesel::prelude::*;
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use serde_json::Value as Json;
use time::OffsetDateTime;
use uuid::Uuid;

use crate::schema::segments;
use crate::segment_row::{ObjectRow, Row, insert};
use crate::{AgentToken, NewGap, Store, StoreError, agents, gaps};

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

/// Where a segment's bytes lie.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SegmentObject {
    /// The segment.
    pub id: SegmentId,
    /// Its file.
    pub file: BinlogFile,
    /// Offset of its first byte.
    pub start: u64,
    /// Offset after its last byte.
    pub end: u64,
    /// Key of the object.
    pub key: String,
    /// Size of the object, in bytes.
    pub size_bytes: u64,
    /// SHA-256 of the object.
    pub sha256: [u8; 32],
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
    /// Adds a segment under the agent's lease; its object must be stored before. It must begin where the archive ends:
    /// at the last segment's end, at the start (offset 4) of the file that segment rotated to, or, with a gap, where the
    /// gap ends. The gap is recorded in the same transaction. Anything else is [`StoreError::NotContinuous`]. The first
    /// segment of a server may begin anywhere; a new timeline needs a gap. Adding the last segment once more gives that
    /// one back: an agent that does not know whether its commit went through simply repeats it.
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
        let mut transaction = store.begin().await?;
        let added = append_in(&mut transaction, token, new, gap, previous_file_ended).await;
        transaction.end(added).await
    }

    /// The server's last segment.
    pub async fn last(store: &Store, server_id: ServerId) -> Result<Option<Self>, StoreError> {
        let connection = &mut store.connection().await?;
        let row: Option<Row> = segments::table
            .filter(segments::server_id.eq(server_id.0))
            .order(segments::ordinal.desc())
            .select(Row::as_select())
            .first(connection)
            .await
            .optional()?;
        row.map(Self::try_from).transpose()
    }

    /// The server's segments in the archive's order.
    pub async fn list(store: &Store, tenant_id: TenantId, server_id: ServerId) -> Result<Vec<Self>, StoreError> {
        let connection = &mut store.connection().await?;
        let rows: Vec<Row> = segments::table
            .filter(segments::server_id.eq(server_id.0))
            .filter(segments::tenant_id.eq(tenant_id.0))
            .filter(segments::expired_at.is_null())
            .order(segments::ordinal)
            .select(Row::as_select())
            .load(connection)
            .await?;
        rows.into_iter().map(Self::try_from).collect()
    }

    /// Where the bytes of those segments lie, in the archive's order. One that is gone is missing from the answer.
    pub async fn objects(store: &Store, ids: &[SegmentId]) -> Result<Vec<SegmentObject>, StoreError> {
        let connection = &mut store.connection().await?;
        let rows: Vec<ObjectRow> = segments::table
            .filter(segments::id.eq_any(uuids(ids)))
            .filter(segments::expired_at.is_null())
            .order((segments::server_id, segments::ordinal))
            .select(ObjectRow::as_select())
            .load(connection)
            .await?;
        rows.into_iter().map(SegmentObject::try_from).collect()
    }

    /// Retention takes these segments: no PITR will read them. Delete the objects (their keys are returned), then call
    /// [`forget`](Self::forget).
    pub async fn mark_expired(store: &Store, ids: &[SegmentId]) -> Result<Vec<(SegmentId, String)>, StoreError> {
        let mut transaction = store.begin().await?;
        let marked: Result<Vec<(Uuid, String)>, _> = diesel::update(segments::table)
            .filter(segments::id.eq_any(uuids(ids)))
            .filter(segments::expired_at.is_null())
            .set(segments::expired_at.eq(now))
            .returning((segments::id, segments::object_key))
            .get_results(&mut *transaction)
            .await;
        let marked = transaction.end(marked.map_err(StoreError::from)).await?;
        Ok(marked.into_iter().map(|(id, key)| (SegmentId(id), key)).collect())
    }

    /// Segments that retention took and whose objects may still be there, oldest first, without the first `skip`: those
    /// whose objects could not be deleted.
    pub async fn expired(store: &Store, skip: u32, limit: u16) -> Result<Vec<(SegmentId, String)>, StoreError> {
        let connection = &mut store.connection().await?;
        let rows: Vec<(Uuid, String)> = segments::table
            .filter(segments::expired_at.is_not_null())
            .order((segments::expired_at, segments::id))
            .offset(i64::from(skip))
            .limit(i64::from(limit))
            .select((segments::id, segments::object_key))
            .load(connection)
            .await?;
        Ok(rows.into_iter().map(|(id, key)| (SegmentId(id), key)).collect())
    }

    /// Removes the rows of expired segments, once their objects are gone.
    pub async fn forget(store: &Store, ids: &[SegmentId]) -> Result<(), StoreError> {
        let mut transaction = store.begin().await?;
        let forgotten = diesel::delete(segments::table)
            .filter(segments::id.eq_any(uuids(ids)))
            .filter(segments::expired_at.is_not_null())
            .execute(&mut *transaction)
            .await;
        transaction.end(forgotten.map(|_| ()).map_err(StoreError::from)).await
    }
}

fn uuids(ids: &[SegmentId]) -> Vec<Uuid> {
    ids.iter().map(|id| id.0).collect()
}

/// The segment of that ordinal, unless retention took it.
pub(crate) async fn at(
    connection: &mut AsyncPgConnection,
    server_id: ServerId,
    ordinal: i64,
) -> Result<Option<Segment>, StoreError> {
    let row: Option<Row> = segments::table
        .filter(segments::server_id.eq(server_id.0))
        .filter(segments::ordinal.eq(ordinal))
        .select(Row::as_select())
        .first(connection)
        .await
        .optional()?;
    row.map(Segment::try_from).transpose()
}

async fn append_in(
    connection: &mut AsyncPgConnection,
    token: &AgentToken,
    new: NewSegment,
    gap: Option<NewGap>,
    previous_file_ended: bool,
) -> Result<Segment, StoreError> {
    let mut agent = agents::hold(connection, token).await?;
    if let Some(last) = at(connection, token.server_id, agent.last_ordinal).await?
        && last.content.key == new.key
        && last.content.sha256 == new.sha256
        && last.content.start == new.start
        && last.content.end == new.end
    {
        return Ok(last);
    }
    if let Some(gap) = gap {
        gaps::record(connection, token, &agent, gap).await?;
        agent = agents::hold(connection, token).await?;
    }
    if let Some((timeline, expected)) = agent.next_place()? {
        let found = new.from();
        let meets = timeline == new.timeline && expected == found;
        // The source went on with the next file, and the last segment could not know.
        let next_file = timeline == new.timeline
            && previous_file_ended
            && expected.file.is_followed_by(&found.file)
            && found.offset == FIRST_OFFSET;
        if next_file {
            diesel::update(segments::table)
                .filter(segments::server_id.eq(token.server_id.0))
                .filter(segments::ordinal.eq(agent.last_ordinal))
                .filter(segments::file.eq(expected.file.to_string()))
                .set(segments::rotated_to.eq(found.file.to_string()))
                .execute(connection)
                .await?;
        } else if !meets {
            return Err(StoreError::not_continuous(token.server_id, expected, found));
        }
    }
    if new.rotated_to.as_ref().is_some_and(|next| !new.file.is_followed_by(next)) {
        return Err(StoreError::OutOfRange { what: "the file that a segment rotates to" });
    }
    let ordinal = agent.last_ordinal + 1;
    let row = insert(connection, token, ordinal, &new).await?;
    let end = row.continues_at()?;
    agents::set_archive_end(connection, token.server_id, &new.timeline, &end, new.gtid_after.as_ref()).await?;
    diesel::update(crate::schema::agents::table.find(token.server_id.0))
        .set(crate::schema::agents::last_ordinal.eq(ordinal))
        .execute(connection)
        .await?;
    row.try_into()
}

/// Where a file's first event begins, after the magic bytes.
const FIRST_OFFSET: u64 = 4;

impl NewSegment {
    fn from(&self) -> BinlogPosition {
        BinlogPosition { file: self.file.clone(), offset: self.start }
    }
}
