//! Backup runs.

use std::ops::Deref;
use std::time::Duration;

use backtrail_domain::{BackupId, BinlogPosition, GtidSet, ScheduleId, ServerId, TenantId, Timeline};
use serde_json::Value as Json;
use time::OffsetDateTime;

use crate::runs::RunRecord;
use crate::{Claim, FencingToken, Page, RunFilter, Store, StoreError};

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
        todo!()
    }

    /// The tenant's backup of that id.
    pub async fn find(store: &Store, tenant_id: TenantId, id: BackupId) -> Result<Option<Self>, StoreError> {
        todo!()
    }

    /// The backup of that id, of any tenant: for services.
    pub async fn by_id(store: &Store, id: BackupId) -> Result<Option<Self>, StoreError> {
        todo!()
    }

    /// A page of backups, newest first.
    pub async fn list(store: &Store, filter: &RunFilter) -> Result<Page<Self>, StoreError> {
        todo!()
    }

    /// Takes the run for `holder` if it waits; `None` if it does not (any more): then the message is of no use.
    pub async fn claim(
        store: &Store,
        id: BackupId,
        holder: &str,
        lease_for: Duration,
    ) -> Result<Option<Claim<Self>>, StoreError> {
        todo!()
    }

    /// Ends the run with its result. The manifest must be stored before.
    pub async fn complete(store: &Store, token: &FencingToken, outcome: BackupOutcome) -> Result<Self, StoreError> {
        todo!()
    }

    /// A client wants the run ended: at once if nobody works on it, else by its worker. The run as it stands then; one
    /// that had ended already is returned as it is.
    pub async fn request_cancel(store: &Store, tenant_id: TenantId, id: BackupId) -> Result<Self, StoreError> {
        todo!()
    }

    /// Retention takes these backups: no PITR will start from them, and their prefixes wait for deletion. One that a
    /// running PITR starts from is left out. Those that were taken.
    pub async fn mark_expired(store: &Store, ids: &[BackupId]) -> Result<Vec<BackupId>, StoreError> {
        todo!()
    }
}
