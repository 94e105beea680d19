//! Backup runs.

use std::ops::Deref;
use std::time::Duration;

use backtrail_domain::run::RunEvent;
use backtrail_domain::{
    BackupId, BaselineFact, BinlogPosition, GtidSet, RunKind, RunStatus, ScheduleId, ServerId, TenantId, Timeline,
};
use diesel::dsl::{exists, not, now};
use diesel::prelude::*;
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use serde_json::Value as Json;
use time::OffsetDateTime;
use uuid::Uuid;

use crate::idempotency::{self, Kept};
use crate::row::bigint;
use crate::run_list::{self, NamedRow};
use crate::run_row::{RunPatch, RunRow, put_message};
use crate::runs::{self as mechanics, RunRecord};
use crate::schema::runs;
use crate::{Claim, FencingToken, Page, RunFilter, Store, StoreError, prefixes, servers};

/// A backup run: what runs have in common (by `Deref`), and what only backups have.
#[derive(Debug, Clone, PartialEq)]
pub struct BackupRun {
    /// What runs have in common.
    pub run: RunRecord,
    /// Id.
    pub id: BackupId,
    /// The schedule that caused it, while that exists.
    pub schedule_id: Option<ScheduleId>,
    /// `mydumper`.
    pub backup_tool: String,
    /// Days it is kept.
    pub retention_days: u16,
    /// In front of its keys.
    pub s3_prefix: Option<String>,
    /// Where the dump stands in the binary log; `None` for one that is no baseline.
    pub coordinates: Option<BinlogPosition>,
    /// What had committed there.
    pub gtid_set: Option<GtidSet>,
    /// Whether every table stands at `coordinates`.
    pub consistent: bool,
    /// Lower bound of the snapshot's instant, by the source's clock.
    pub snapshot_from: Option<OffsetDateTime>,
    /// Upper bound of the snapshot's instant, by the source's clock.
    pub consistent_at: Option<OffsetDateTime>,
    /// The log's timeline, where it was known.
    pub timeline: Option<Timeline>,
    /// When retention took it: no longer a baseline, its objects are being deleted.
    pub expired_at: Option<OffsetDateTime>,
}

impl Deref for BackupRun {
    type Target = RunRecord;

    fn deref(&self) -> &RunRecord {
        &self.run
    }
}

/// A backup to be made.
#[derive(Debug, Clone)]
pub struct NewBackup {
    /// Whose.
    pub tenant_id: TenantId,
    /// What to back up.
    pub server_id: ServerId,
    /// `mydumper`.
    pub backup_tool: String,
    /// Days to keep it, 1 to 365.
    pub retention_days: u16,
    /// In front of its keys.
    pub s3_prefix: Option<String>,
    /// W3C trace context of the request.
    pub traceparent: Option<String>,
}

/// What a backup's worker found and stored.
#[derive(Debug, Clone)]
pub struct BackupOutcome {
    /// Stored bytes.
    pub size_bytes: u64,
    /// Stored objects.
    pub file_count: u64,
    /// The manifest as stored.
    pub manifest: Json,
    /// How far it went: all of it.
    pub progress: Json,
    /// Where the dump stands in the binary log; `None` if that is not proven.
    pub coordinates: Option<BinlogPosition>,
    /// What had committed there.
    pub gtid_set: Option<GtidSet>,
    /// Whether every table stands at `coordinates`.
    pub consistent: bool,
    /// Lower bound of the snapshot's instant, by the source's clock: read before the dump began.
    pub snapshot_from: Option<OffsetDateTime>,
    /// Upper bound of the snapshot's instant, by the source's clock. Needed for a baseline.
    pub consistent_at: Option<OffsetDateTime>,
    /// The log's timeline, where it is known.
    pub timeline: Option<Timeline>,
    /// What a client should know.
    pub warnings: Vec<String>,
    /// The tail of the tool's output.
    pub tool_log: Option<String>,
}

impl BackupRun {
    /// Makes a run and its message in one transaction. A second one for a server while one runs is a
    /// [`StoreError::Conflict`] with [`ONE_RUNNING_BACKUP`](crate::runs::ONE_RUNNING_BACKUP); a server that is not the
    /// tenant's, or was removed, is [`StoreError::NotFound`].
    pub async fn create(store: &Store, new: NewBackup) -> Result<Self, StoreError> {
        Self::create_answered(store, new, |_| Ok(None)).await
    }

    /// [`create`](Self::create), with the answer to the request that asked for it in the same transaction.
    pub async fn create_answered(
        store: &Store,
        new: NewBackup,
        answer: impl FnOnce(BackupId) -> Result<Option<Kept>, StoreError>,
    ) -> Result<Self, StoreError> {
        let mut transaction = store.begin().await?;
        let made = async {
            let id = insert(&mut transaction, new, None).await?;
            idempotency::keep(&mut transaction, answer(id)?.as_ref()).await?;
            Ok(id)
        };
        let made = made.await;
        let id = transaction.end(made).await?;
        Self::existing(store, id).await
    }

    /// The tenant's backup of that id.
    pub async fn find(store: &Store, tenant_id: TenantId, id: BackupId) -> Result<Option<Self>, StoreError> {
        let row = run_list::find(&mut *store.connection().await?, RunKind::Backup, Some(tenant_id), id.0).await?;
        row.map(Self::try_from).transpose()
    }

    /// The backup of that id, of any tenant: for services.
    pub async fn by_id(store: &Store, id: BackupId) -> Result<Option<Self>, StoreError> {
        let row = run_list::find(&mut *store.connection().await?, RunKind::Backup, None, id.0).await?;
        row.map(Self::try_from).transpose()
    }

    /// A page of backups, newest first; their manifests are without the files, and they have no log.
    pub async fn list(store: &Store, filter: &RunFilter) -> Result<Page<Self>, StoreError> {
        let page = run_list::list(store, RunKind::Backup, filter).await?;
        let items = page.items.into_iter().map(Self::try_from).collect::<Result<_, _>>()?;
        Ok(Page { items, next: page.next })
    }

    /// Takes the run for `holder` if it waits; `None` if it does not (any more): then the message is of no use.
    pub async fn claim(
        store: &Store,
        id: BackupId,
        holder: &str,
        lease_for: Duration,
    ) -> Result<Option<Claim<Self>>, StoreError> {
        let Some(token) = mechanics::claim(store, RunKind::Backup, id.0, holder, lease_for).await? else {
            return Ok(None);
        };
        Ok(Some(Claim { run: Self::existing(store, id).await?, token }))
    }

    /// Ends the run with its result. The manifest must be stored before.
    pub async fn complete(store: &Store, token: &FencingToken, outcome: BackupOutcome) -> Result<Self, StoreError> {
        let mut transaction = store.begin().await?;
        let completed = finish(&mut transaction, token, outcome).await;
        transaction.end(completed).await?;
        Self::existing(store, BackupId(token.run)).await
    }

    /// A client wants the run ended: at once if nobody works on it, else by its worker. The run as it stands then; one
    /// that had ended already is returned as it is.
    pub async fn request_cancel(store: &Store, tenant_id: TenantId, id: BackupId) -> Result<Self, StoreError> {
        mechanics::request_cancel(store, RunKind::Backup, tenant_id, None, id.0).await?;
        Self::existing(store, id).await
    }

    /// Retention takes these backups: no PITR will start from them, and their prefixes wait for deletion. One that a
    /// running PITR starts from is left out. Those that were taken.
    pub async fn mark_expired(store: &Store, ids: &[BackupId]) -> Result<Vec<BackupId>, StoreError> {
        let mut transaction = store.begin().await?;
        let expired = expire(&mut transaction, ids).await;
        transaction.end(expired).await
    }

    /// What recovery planning needs of it; `None` for what is no baseline, or not any more.
    pub fn fact(&self) -> Option<BaselineFact> {
        if self.status != RunStatus::Completed || self.expired_at.is_some() || !self.consistent {
            return None;
        }
        Some(BaselineFact {
            id: self.id,
            timeline: self.timeline.clone(),
            coordinates: self.coordinates.clone()?,
            gtid_set: self.gtid_set.clone(),
            started_at: self.snapshot_from?,
            consistent_at: self.consistent_at?,
        })
    }

    async fn existing(store: &Store, id: BackupId) -> Result<Self, StoreError> {
        Self::by_id(store, id).await?.ok_or_else(|| StoreError::NotFound { what: "backup", id: id.to_string() })
    }
}

/// A schedule's slot that a run is made for.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Slot {
    pub(crate) schedule_id: ScheduleId,
    pub(crate) at: OffsetDateTime,
}

/// Writes a run and its message.
pub(crate) async fn insert(
    connection: &mut AsyncPgConnection,
    new: NewBackup,
    slot: Option<Slot>,
) -> Result<BackupId, StoreError> {
    servers::hold(connection, new.tenant_id, new.server_id).await?;
    let row: RunRow = diesel::insert_into(runs::table)
        .values((
            runs::id.eq(Uuid::now_v7()),
            runs::kind.eq(RunKind::Backup.as_str()),
            runs::tenant_id.eq(new.tenant_id.0),
            runs::server_id.eq(new.server_id.0),
            runs::backup_tool.eq(new.backup_tool),
            runs::retention_days.eq(i32::from(new.retention_days)),
            runs::s3_prefix.eq(new.s3_prefix),
            runs::traceparent.eq(run_list::traceparent(new.traceparent)),
            runs::schedule_id.eq(slot.map(|slot| slot.schedule_id.0)),
            runs::slot_at.eq(slot.map(|slot| slot.at)),
        ))
        .returning(RunRow::as_returning())
        .get_result(connection)
        .await?;
    put_message(connection, &row).await?;
    Ok(BackupId(row.id))
}

async fn finish(
    connection: &mut AsyncPgConnection,
    token: &FencingToken,
    outcome: BackupOutcome,
) -> Result<(), StoreError> {
    let row = token.hold(connection).await?;
    // A lower bound that nobody measured: the try's begin, by another clock.
    let snapshot_from = outcome.snapshot_from.or(row.claimed_at.min(outcome.consistent_at));
    let patch = RunPatch {
        size_bytes: Some(bigint("size_bytes", outcome.size_bytes)?),
        file_count: Some(bigint("file_count", outcome.file_count)?),
        manifest: Some(outcome.manifest),
        progress: Some(outcome.progress),
        warnings: Some(outcome.warnings),
        tool_log: outcome.tool_log,
        ..RunPatch::default()
    };
    let row = crate::run_row::apply(connection, row, RunEvent::Succeed, patch).await?;
    let offset = outcome.coordinates.as_ref().map(|position| bigint("position", position.offset)).transpose()?;
    diesel::update(runs::table.find(row.id))
        .set((
            runs::coordinates_file.eq(outcome.coordinates.map(|position| position.file.to_string())),
            runs::coordinates_position.eq(offset),
            runs::gtid_set.eq(outcome.gtid_set.map(|set| set.to_string())),
            runs::consistent.eq(outcome.consistent),
            runs::snapshot_from.eq(snapshot_from),
            runs::consistent_at.eq(outcome.consistent_at),
            runs::timeline.eq(outcome.timeline.map(|timeline| timeline.to_string())),
        ))
        .execute(connection)
        .await?;
    Ok(())
}

async fn expire(connection: &mut AsyncPgConnection, ids: &[BackupId]) -> Result<Vec<BackupId>, StoreError> {
    let ids: Vec<Uuid> = ids.iter().map(|id| id.0).collect();
    // Whoever is about to start a PITR from one of these waits here, and then finds it expired.
    let held: Vec<Uuid> =
        runs::table.filter(runs::id.eq_any(&ids)).select(runs::id).for_update().load(connection).await?;
    let users = diesel::alias!(runs as users);
    let in_use = users
        .filter(users.field(runs::baseline_id).eq(runs::id.nullable()))
        .filter(users.field(runs::status).eq(RunStatus::Running.as_str()));
    let rows: Vec<RunRow> = diesel::update(runs::table.filter(runs::id.eq_any(held)))
        .filter(runs::kind.eq(RunKind::Backup.as_str()))
        .filter(runs::status.eq(RunStatus::Completed.as_str()))
        .filter(runs::expired_at.is_null())
        .filter(not(exists(in_use)))
        .set(runs::expired_at.eq(now))
        .returning(RunRow::as_returning())
        .get_results(connection)
        .await?;
    for row in &rows {
        prefixes::orphan(connection, row).await?;
    }
    Ok(rows.into_iter().map(|row| BackupId(row.id)).collect())
}

impl TryFrom<NamedRow> for BackupRun {
    type Error = StoreError;

    fn try_from((row, server_name): NamedRow) -> Result<Self, StoreError> {
        let name = row.name();
        let run = row.record(server_name)?;
        Ok(Self {
            run,
            id: BackupId(row.id),
            schedule_id: row.schedule_id.map(ScheduleId),
            backup_tool: row.backup_tool.ok_or_else(|| name.corrupt("backup_tool", "nothing"))?,
            retention_days: name
                .number_some("retention_days", row.retention_days)?
                .ok_or_else(|| name.corrupt("retention_days", "nothing"))?,
            s3_prefix: row.s3_prefix,
            coordinates: name.position(
                "coordinates_file",
                row.coordinates_file.as_deref(),
                row.coordinates_position,
            )?,
            gtid_set: name.gtid_set("gtid_set", row.gtid_set.as_deref())?,
            consistent: row.consistent,
            snapshot_from: row.snapshot_from,
            consistent_at: row.consistent_at,
            timeline: name.parse_some("timeline", row.timeline.as_deref())?,
            expired_at: row.expired_at,
        })
    }
}
