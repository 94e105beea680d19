//! A segment's row.

use backtrail_domain::{BinlogFile, BinlogPosition, GtidSet, SegmentFact, SegmentId, ServerId, TenantId};
use diesel::pg::Pg;
use diesel::prelude::*;
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use serde_json::Value as Json;
use time::OffsetDateTime;
use uuid::Uuid;

use crate::row::{RowName, bigint};
use crate::schema::segments;
use crate::segments::SegmentObject;
use crate::{AgentToken, NewSegment, Segment, StoreError};

#[derive(Queryable, Selectable, Insertable)]
#[diesel(table_name = segments, check_for_backend(Pg))]
pub(crate) struct Row {
    id: Uuid,
    tenant_id: Uuid,
    server_id: Uuid,
    ordinal: i64,
    timeline: String,
    file: String,
    start_position: i64,
    end_position: i64,
    rotated_to: Option<String>,
    object_key: String,
    size_bytes: i64,
    content_size: i64,
    sha256: Vec<u8>,
    gtid_before: Option<String>,
    gtid_after: Option<String>,
    first_commit_at: Option<OffsetDateTime>,
    last_commit_at: Option<OffsetDateTime>,
    first_row_event_at: Option<OffsetDateTime>,
    last_row_event_at: Option<OffsetDateTime>,
    events: i64,
    row_changes: i64,
    tables: Json,
    file_created_at: Option<OffsetDateTime>,
    sealed_at: OffsetDateTime,
}

pub(crate) async fn insert(
    connection: &mut AsyncPgConnection,
    token: &AgentToken,
    ordinal: i64,
    new: &NewSegment,
) -> Result<Row, StoreError> {
    let row = Row {
        id: Uuid::now_v7(),
        tenant_id: token.tenant_id.0,
        server_id: token.server_id.0,
        ordinal,
        timeline: new.timeline.to_string(),
        file: new.file.to_string(),
        start_position: bigint("start", new.start)?,
        end_position: bigint("end", new.end)?,
        rotated_to: new.rotated_to.as_ref().map(BinlogFile::to_string),
        object_key: new.key.clone(),
        size_bytes: bigint("size_bytes", new.size_bytes)?,
        content_size: bigint("content_size", new.content_size)?,
        sha256: new.sha256.to_vec(),
        gtid_before: new.gtid_before.as_ref().map(GtidSet::to_string),
        gtid_after: new.gtid_after.as_ref().map(GtidSet::to_string),
        first_commit_at: new.first_commit_at,
        last_commit_at: new.last_commit_at,
        first_row_event_at: new.first_row_event_at,
        last_row_event_at: new.last_row_event_at,
        events: bigint("events", new.events)?,
        row_changes: bigint("row_changes", new.row_changes)?,
        tables: new.tables.clone(),
        file_created_at: new.file_created_at,
        sealed_at: new.sealed_at,
    };
    Ok(diesel::insert_into(segments::table).values(row).returning(Row::as_returning()).get_result(connection).await?)
}

impl Row {
    fn name(&self) -> RowName {
        RowName { table: "segments", id: self.id }
    }

    /// Where the log goes on after it.
    pub(crate) fn continues_at(&self) -> Result<BinlogPosition, StoreError> {
        let name = self.name();
        Ok(match &self.rotated_to {
            Some(file) => BinlogPosition { file: name.parse("rotated_to", file)?, offset: 4 },
            None => BinlogPosition {
                file: name.parse("file", &self.file)?,
                offset: name.number("end_position", self.end_position)?,
            },
        })
    }
}

/// What planning and retention need of a segment. An archive has tens of thousands, and what they hold per table is most
/// of a row: that stays in the database.
#[derive(Queryable, QueryableByName, Selectable)]
#[diesel(table_name = segments, check_for_backend(Pg))]
pub(crate) struct FactRow {
    id: Uuid,
    timeline: String,
    file: String,
    start_position: i64,
    end_position: i64,
    rotated_to: Option<String>,
    size_bytes: i64,
    gtid_before: Option<String>,
    gtid_after: Option<String>,
    first_commit_at: Option<OffsetDateTime>,
    last_commit_at: Option<OffsetDateTime>,
    events: i64,
    row_changes: i64,
    file_created_at: Option<OffsetDateTime>,
    sealed_at: OffsetDateTime,
}

impl TryFrom<FactRow> for SegmentFact {
    type Error = StoreError;

    fn try_from(row: FactRow) -> Result<Self, StoreError> {
        let name = RowName { table: "segments", id: row.id };
        Ok(Self {
            id: SegmentId(row.id),
            timeline: name.parse("timeline", &row.timeline)?,
            file: name.parse("file", &row.file)?,
            start: name.number("start_position", row.start_position)?,
            end: name.number("end_position", row.end_position)?,
            rotated_to: name.parse_some("rotated_to", row.rotated_to.as_deref())?,
            first_commit_at: row.first_commit_at,
            last_commit_at: row.last_commit_at,
            gtid_before: name.gtid_set("gtid_before", row.gtid_before.as_deref())?,
            gtid_after: name.gtid_set("gtid_after", row.gtid_after.as_deref())?,
            file_created_at: row.file_created_at,
            sealed_at: row.sealed_at,
            size_bytes: name.number("size_bytes", row.size_bytes)?,
            events: name.number("events", row.events)?,
            row_changes: name.number("row_changes", row.row_changes)?,
        })
    }
}

/// Where a segment's bytes lie.
#[derive(Queryable, Selectable)]
#[diesel(table_name = segments, check_for_backend(Pg))]
pub(crate) struct ObjectRow {
    id: Uuid,
    file: String,
    start_position: i64,
    end_position: i64,
    object_key: String,
    size_bytes: i64,
    sha256: Vec<u8>,
}

impl TryFrom<ObjectRow> for SegmentObject {
    type Error = StoreError;

    fn try_from(row: ObjectRow) -> Result<Self, StoreError> {
        let name = RowName { table: "segments", id: row.id };
        Ok(Self {
            id: SegmentId(row.id),
            file: name.parse("file", &row.file)?,
            start: name.number("start_position", row.start_position)?,
            end: name.number("end_position", row.end_position)?,
            size_bytes: name.number("size_bytes", row.size_bytes)?,
            sha256: name.sum("sha256", &row.sha256)?,
            key: row.object_key,
        })
    }
}

impl TryFrom<Row> for Segment {
    type Error = StoreError;

    fn try_from(row: Row) -> Result<Self, StoreError> {
        let name = row.name();
        let content = NewSegment {
            timeline: name.parse("timeline", &row.timeline)?,
            file: name.parse("file", &row.file)?,
            start: name.number("start_position", row.start_position)?,
            end: name.number("end_position", row.end_position)?,
            rotated_to: name.parse_some("rotated_to", row.rotated_to.as_deref())?,
            key: row.object_key,
            size_bytes: name.number("size_bytes", row.size_bytes)?,
            content_size: name.number("content_size", row.content_size)?,
            sha256: name.sum("sha256", &row.sha256)?,
            gtid_before: name.gtid_set("gtid_before", row.gtid_before.as_deref())?,
            gtid_after: name.gtid_set("gtid_after", row.gtid_after.as_deref())?,
            first_commit_at: row.first_commit_at,
            last_commit_at: row.last_commit_at,
            first_row_event_at: row.first_row_event_at,
            last_row_event_at: row.last_row_event_at,
            events: name.number("events", row.events)?,
            row_changes: name.number("row_changes", row.row_changes)?,
            tables: row.tables,
            file_created_at: row.file_created_at,
            sealed_at: row.sealed_at,
        };
        Ok(Self {
            id: SegmentId(row.id),
            tenant_id: TenantId(row.tenant_id),
            server_id: ServerId(row.server_id),
            ordinal: row.ordinal,
            content,
        })
    }
}
