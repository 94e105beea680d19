//! Which agent reads which source: one lease a server, so that no two replicas share a server id.

use std::time::Duration;

use backtrail_domain::{BinlogFile, BinlogPosition, GtidSet, ServerId, TenantId, Timeline};
use diesel::dsl::now;
use diesel::pg::Pg;
use diesel::prelude::*;
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use time::OffsetDateTime;
use uuid::Uuid;

use crate::row::{RowName, bigint};
use crate::schema::{agents, servers};
use crate::{Gap, Segment, Server, Store, StoreError, gaps, segments};

/// Proof that an agent held a server's lease when it got this.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AgentToken {
    pub(crate) server_id: ServerId,
    pub(crate) tenant_id: TenantId,
    pub(crate) fencing: i64,
}

/// A server that an agent may read now.
#[derive(Debug, Clone)]
pub struct AgentLease {
    /// The server.
    pub server: Server,
    /// Goes with every write.
    pub token: AgentToken,
    /// Where the archive ends.
    pub archive_end: Option<ArchiveEnd>,
}

/// Where a server's archive ends: the place to go on from.
#[derive(Debug, Clone, PartialEq)]
pub struct ArchiveEnd {
    /// The timeline of `position`.
    pub timeline: Timeline,
    /// The next byte to archive. Where the last segment ends with a rotate event: offset 4 of the next file.
    pub position: BinlogPosition,
    /// What had committed there, where known.
    pub gtid_set: Option<GtidSet>,
    /// The last segment.
    pub segment: Option<Segment>,
    /// The gap behind the last segment, if one is recorded there.
    pub gap: Option<Gap>,
}

/// What an agent reports every few seconds.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Heartbeat {
    /// Every transaction that committed at or before this instant (source's clock) is in a segment. `None` leaves the
    /// stored value. Never moves back within a timeline.
    pub covered_until: Option<OffsetDateTime>,
    /// The timeline being read. Needed with `covered_until`.
    pub timeline: Option<Timeline>,
    /// Where the source's log ends.
    pub source_position: Option<BinlogPosition>,
    /// The oldest file that the source still has.
    pub source_oldest_file: Option<BinlogFile>,
    /// When the source would purge what is not archived yet.
    pub binlog_expiry: Option<OffsetDateTime>,
    /// Seconds that the archive is behind the source.
    pub lag_seconds: Option<u32>,
    /// Why the agent cannot read the source, if it cannot. No secret in it.
    pub error: Option<String>,
}

impl AgentToken {
    /// The server it is for.
    pub fn server_id(&self) -> ServerId {
        self.server_id
    }

    /// The token's number: rises with every lease of the server.
    pub fn number(&self) -> i64 {
        self.fencing
    }

    /// Says that the agent is still there. [`StoreError::LostRace`] means: stop reading at once.
    pub async fn renew(&self, store: &Store, lease_for: Duration) -> Result<(), StoreError> {
        let mut transaction = store.begin().await?;
        let renewed = renew_in(&mut transaction, self, lease_for).await;
        transaction.end(renewed).await
    }

    /// Gives the server back. Nothing happens if somebody else has it by now.
    pub async fn release(&self, store: &Store) -> Result<(), StoreError> {
        let mut transaction = store.begin().await?;
        let released = diesel::update(agents::table.find(self.server_id.0))
            .filter(agents::fencing.eq(self.fencing))
            .set((agents::holder.eq(None::<String>), agents::lease_expires_at.eq(None::<OffsetDateTime>)))
            .execute(&mut *transaction)
            .await;
        transaction.end(released.map(|_| ()).map_err(StoreError::from)).await
    }

    /// Stores a report, and the time of it.
    pub async fn heartbeat(&self, store: &Store, heartbeat: &Heartbeat) -> Result<(), StoreError> {
        let mut transaction = store.begin().await?;
        let stored = heartbeat_in(&mut transaction, self, heartbeat).await;
        transaction.end(stored).await
    }
}

/// Takes up to `limit` servers that no agent reads, of any tenant. A server whose rows cannot be understood is taken out
/// of the way for as long as a lease lasts, with the reason in its report, and is not among them.
pub async fn acquire(
    store: &Store,
    holder: &str,
    lease_for: Duration,
    limit: u16,
) -> Result<Vec<AgentLease>, StoreError> {
    let mut transaction = store.begin().await?;
    let acquired = acquire_in(&mut transaction, holder, lease_for, limit).await;
    transaction.end(acquired).await
}

/// Gives back what the holder has, all but these: where the answer to [`acquire`] was lost, servers may be its own that it
/// knows nothing of. Answers how many.
pub async fn release_others(store: &Store, holder: &str, held: &[ServerId]) -> Result<usize, StoreError> {
    let mut transaction = store.begin().await?;
    let held: Vec<Uuid> = held.iter().map(|id| id.0).collect();
    let released = diesel::update(agents::table)
        .filter(agents::holder.eq(holder))
        .filter(diesel::dsl::not(agents::server_id.eq_any(held)))
        .set((agents::holder.eq(None::<String>), agents::lease_expires_at.eq(None::<OffsetDateTime>)))
        .execute(&mut *transaction)
        .await;
    transaction.end(released.map_err(StoreError::from)).await
}

/// Where the server's archive ends; `None` before its first segment.
pub async fn archive_end(store: &Store, server_id: ServerId) -> Result<Option<ArchiveEnd>, StoreError> {
    let mut transaction = store.begin().await?;
    let end = async {
        match row(&mut transaction, server_id).await? {
            Some(row) => row.archive_end(&mut transaction).await,
            None => Ok(None),
        }
    };
    let end = end.await;
    transaction.end(end).await
}

async fn row(connection: &mut AsyncPgConnection, server_id: ServerId) -> Result<Option<Row>, StoreError> {
    Ok(agents::table.find(server_id.0).select(Row::as_select()).first(connection).await.optional()?)
}

/// Locks the server's row, if the lease is still the token's.
pub(crate) async fn hold(connection: &mut AsyncPgConnection, token: &AgentToken) -> Result<Row, StoreError> {
    let row: Option<Row> = agents::table
        .find(token.server_id.0)
        .filter(agents::fencing.eq(token.fencing))
        .filter(agents::holder.is_not_null())
        .select(Row::as_select())
        .for_update()
        .first(connection)
        .await
        .optional()?;
    row.ok_or_else(|| StoreError::LostRace { what: "the archive of server", id: token.server_id.to_string() })
}

async fn renew_in(
    connection: &mut AsyncPgConnection,
    token: &AgentToken,
    lease_for: Duration,
) -> Result<(), StoreError> {
    hold(connection, token).await?;
    let until = crate::connection::now(connection).await? + lease_for;
    diesel::update(agents::table.find(token.server_id.0))
        .set(agents::lease_expires_at.eq(until))
        .execute(connection)
        .await?;
    Ok(())
}

async fn heartbeat_in(
    connection: &mut AsyncPgConnection,
    token: &AgentToken,
    heartbeat: &Heartbeat,
) -> Result<(), StoreError> {
    let row = hold(connection, token).await?;
    let mut covered = None;
    if let (Some(until), Some(timeline)) = (heartbeat.covered_until, &heartbeat.timeline) {
        let timeline = timeline.to_string();
        // What was covered in another timeline than the archive's end says nothing about what follows that end.
        if row.archive_timeline.as_ref().is_some_and(|archive| *archive != timeline) {
            tracing::warn!(server = %token.server_id, %timeline, "coverage of a timeline that the archive does not end in");
        } else {
            let before = row.covered_until.filter(|_| row.timeline.as_ref() == Some(&timeline));
            covered = Some(Covered { timeline, covered_until: before.max(Some(until)) });
        }
    }
    let source = heartbeat.source_position.as_ref();
    let columns = HeartbeatColumns {
        heartbeat_at: crate::connection::now(connection).await?,
        source_file: source.map(|position| position.file.to_string()),
        source_position: source.map(|position| bigint("source_position", position.offset)).transpose()?,
        source_oldest_file: heartbeat.source_oldest_file.as_ref().map(BinlogFile::to_string),
        binlog_expiry: heartbeat.binlog_expiry,
        lag_seconds: heartbeat.lag_seconds.map(i64::from),
        error: heartbeat.error.as_ref().map(|error| error.replace('\0', "")),
    };
    let row = agents::table.find(token.server_id.0);
    diesel::update(row).set(&columns).execute(connection).await?;
    if columns.error.is_none() {
        diesel::update(row).set(agents::error.eq(None::<String>)).execute(connection).await?;
    }
    if let Some(covered) = covered {
        diesel::update(row).set(&covered).execute(connection).await?;
    }
    Ok(())
}

/// `None` leaves a column.
#[derive(AsChangeset)]
#[diesel(table_name = agents)]
struct HeartbeatColumns {
    heartbeat_at: OffsetDateTime,
    source_file: Option<String>,
    source_position: Option<i64>,
    source_oldest_file: Option<String>,
    binlog_expiry: Option<OffsetDateTime>,
    lag_seconds: Option<i64>,
    error: Option<String>,
}

#[derive(AsChangeset)]
#[diesel(table_name = agents)]
struct Covered {
    timeline: String,
    covered_until: Option<OffsetDateTime>,
}

async fn acquire_in(
    connection: &mut AsyncPgConnection,
    holder: &str,
    lease_for: Duration,
    limit: u16,
) -> Result<Vec<AgentLease>, StoreError> {
    // Those that nobody has read for longest come first, so that a server that fails again and again starves no other.
    let free: Vec<Uuid> = agents::table
        .inner_join(servers::table)
        .filter(servers::deleted_at.is_null())
        .filter(agents::lease_expires_at.is_null().or(agents::lease_expires_at.lt(now)))
        .order((agents::heartbeat_at.asc().nulls_first(), agents::server_id))
        .limit(i64::from(limit))
        .select(agents::server_id)
        .for_update()
        .skip_locked()
        .load(connection)
        .await?;
    let until = crate::connection::now(connection).await? + lease_for;
    let mut leases = Vec::with_capacity(free.len());
    for id in free {
        let taken: Row = diesel::update(agents::table.find(id))
            .set((
                agents::fencing.eq(agents::fencing + 1),
                agents::holder.eq(holder),
                agents::lease_expires_at.eq(until),
            ))
            .returning(Row::as_returning())
            .get_result(connection)
            .await?;
        match taken.lease(connection).await {
            Ok(lease) => leases.push(lease),
            Err(error @ StoreError::Corrupt { .. }) => {
                tracing::warn!(server = %id, error = %error, "this server cannot be read by any agent until its row is mended");
                diesel::update(agents::table.find(id))
                    .set(agents::error.eq(error.to_string()))
                    .execute(connection)
                    .await?;
            }
            Err(error) => return Err(error),
        }
    }
    Ok(leases)
}

#[derive(Queryable, Selectable)]
#[diesel(table_name = agents, check_for_backend(Pg))]
pub(crate) struct Row {
    pub(crate) server_id: Uuid,
    pub(crate) fencing: i64,
    pub(crate) last_ordinal: i64,
    pub(crate) archive_timeline: Option<String>,
    pub(crate) archive_file: Option<String>,
    pub(crate) archive_position: Option<i64>,
    pub(crate) archive_gtid_set: Option<String>,
    pub(crate) heartbeat_at: Option<OffsetDateTime>,
    pub(crate) timeline: Option<String>,
    pub(crate) covered_until: Option<OffsetDateTime>,
    pub(crate) binlog_expiry: Option<OffsetDateTime>,
    pub(crate) error: Option<String>,
}

impl Row {
    pub(crate) fn name(&self) -> RowName {
        RowName { table: "agents", id: self.server_id }
    }

    /// Where the next byte belongs; `None` before the first segment.
    pub(crate) fn next_place(&self) -> Result<Option<(Timeline, BinlogPosition)>, StoreError> {
        let name = self.name();
        let timeline = name.parse_some("archive_timeline", self.archive_timeline.as_deref())?;
        let position = name.position("archive_file", self.archive_file.as_deref(), self.archive_position)?;
        Ok(timeline.zip(position))
    }

    async fn lease(&self, connection: &mut AsyncPgConnection) -> Result<AgentLease, StoreError> {
        let server: crate::servers::Row =
            servers::table.find(self.server_id).select(crate::servers::Row::as_select()).first(connection).await?;
        let server = Server::try_from(server)?;
        let token = AgentToken { server_id: server.id, tenant_id: server.tenant_id, fencing: self.fencing };
        Ok(AgentLease { server, token, archive_end: self.archive_end(connection).await? })
    }

    async fn archive_end(&self, connection: &mut AsyncPgConnection) -> Result<Option<ArchiveEnd>, StoreError> {
        let Some((timeline, position)) = self.next_place()? else { return Ok(None) };
        let server_id = ServerId(self.server_id);
        Ok(Some(ArchiveEnd {
            timeline,
            position,
            gtid_set: self.name().gtid_set("archive_gtid_set", self.archive_gtid_set.as_deref())?,
            segment: segments::at(connection, server_id, self.last_ordinal).await?,
            gap: gaps::after(connection, server_id, self.last_ordinal).await?,
        }))
    }
}

/// Moves the archive's end.
pub(crate) async fn set_archive_end(
    connection: &mut AsyncPgConnection,
    server_id: ServerId,
    timeline: &Timeline,
    position: &BinlogPosition,
    gtid_set: Option<&GtidSet>,
) -> Result<(), StoreError> {
    diesel::update(agents::table.find(server_id.0))
        .set((
            agents::archive_timeline.eq(timeline.to_string()),
            agents::archive_file.eq(position.file.to_string()),
            agents::archive_position.eq(bigint("position", position.offset)?),
            agents::archive_gtid_set.eq(gtid_set.map(GtidSet::to_string)),
        ))
        .execute(connection)
        .await?;
    Ok(())
}
