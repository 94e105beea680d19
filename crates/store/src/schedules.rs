//! Backup schedules.

use backtrail_domain::{BackupId, CronExpression, MissedRunPolicy, RunStatus, ScheduleId, ServerId, TenantId, Zone};
use time::OffsetDateTime;

use crate::{Store, StoreError};

/// A schedule.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Schedule {
    /// Id.
    pub id: ScheduleId,
    /// Whose.
    pub tenant_id: TenantId,
    /// What it backs up.
    pub server_id: ServerId,
    /// That server's name.
    pub server_name: String,
    /// When it fires.
    pub schedule_cron: CronExpression,
    /// In whose time.
    pub timezone: Zone,
    /// `mydumper`.
    pub backup_tool: String,
    /// Days its backups are kept, 1 to 365.
    pub retention_days: u16,
    /// In front of its backups' keys.
    pub s3_prefix: Option<String>,
    /// Whether it fires at all.
    pub enabled: bool,
    /// What to do about slots that nobody saw.
    pub missed_run_policy: MissedRunPolicy,
    /// Fires are spread over this many seconds after the slot.
    pub jitter_seconds: u32,
    /// Its next slot; `None` while it is disabled.
    pub next_run_at: Option<OffsetDateTime>,
    /// When its latest backup started.
    pub last_run: Option<OffsetDateTime>,
    /// That backup's status.
    pub last_status: Option<RunStatus>,
    /// When it was made.
    pub created_at: OffsetDateTime,
}

/// A schedule to be made. Its first slot is computed from the database's clock.
#[derive(Debug, Clone)]
pub struct NewSchedule {
    /// Whose.
    pub tenant_id: TenantId,
    /// What it backs up.
    pub server_id: ServerId,
    /// When it fires.
    pub schedule_cron: CronExpression,
    /// In whose time.
    pub timezone: Zone,
    /// `mydumper`.
    pub backup_tool: String,
    /// Days its backups are kept, 1 to 365.
    pub retention_days: u16,
    /// In front of its backups' keys.
    pub s3_prefix: Option<String>,
    /// Whether it fires.
    pub enabled: bool,
    /// What to do about slots that nobody saw.
    pub missed_run_policy: MissedRunPolicy,
    /// Fires are spread over this many seconds after the slot, at most 3600.
    pub jitter_seconds: u32,
}

/// What to change of a schedule; `None` leaves a field as it is. The next slot is computed anew.
#[derive(Debug, Clone, Default)]
pub struct ScheduleChanges {
    /// See [`NewSchedule`].
    pub schedule_cron: Option<CronExpression>,
    /// See [`NewSchedule`].
    pub timezone: Option<Zone>,
    /// See [`NewSchedule`].
    pub backup_tool: Option<String>,
    /// See [`NewSchedule`].
    pub retention_days: Option<u16>,
    /// New prefix, or none.
    pub s3_prefix: Option<Option<String>>,
    /// See [`NewSchedule`].
    pub enabled: Option<bool>,
    /// See [`NewSchedule`].
    pub missed_run_policy: Option<MissedRunPolicy>,
    /// See [`NewSchedule`].
    pub jitter_seconds: Option<u32>,
}

/// A slot that came.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fired {
    /// Whose slot.
    pub schedule_id: ScheduleId,
    /// What it backs up.
    pub server_id: ServerId,
    /// Whose.
    pub tenant_id: TenantId,
    /// The slot.
    pub slot: OffsetDateTime,
    /// What came of it.
    pub outcome: FireOutcome,
    /// The next slot.
    pub next_run_at: Option<OffsetDateTime>,
}

/// What came of a slot.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FireOutcome {
    /// A backup run was made for it.
    Started(BackupId),
    /// A backup of the server was running: nothing was made.
    AlreadyRunning,
    /// It was missed, and the schedule does not make up for missed slots.
    Missed,
}

impl Schedule {
    /// Makes a schedule. A server that is not the tenant's is [`StoreError::NotFound`].
    pub async fn create(store: &Store, new: NewSchedule) -> Result<Self, StoreError> {
        todo!()
    }

    /// The tenant's schedules, oldest first.
    pub async fn list(store: &Store, tenant_id: TenantId) -> Result<Vec<Self>, StoreError> {
        todo!()
    }

    /// The tenant's schedule of that id.
    pub async fn find(store: &Store, tenant_id: TenantId, id: ScheduleId) -> Result<Option<Self>, StoreError> {
        todo!()
    }

    /// Changes a schedule.
    pub async fn update(
        store: &Store,
        tenant_id: TenantId,
        id: ScheduleId,
        changes: ScheduleChanges,
    ) -> Result<Self, StoreError> {
        todo!()
    }

    /// Deletes a schedule. Its backups stay.
    pub async fn delete(store: &Store, tenant_id: TenantId, id: ScheduleId) -> Result<(), StoreError> {
        todo!()
    }

    /// Fires what is due, at most `limit` schedules: the run, its message and the next slot are one transaction per
    /// schedule, and a schedule that another scheduler has at hand is passed over. So each slot fires once, however many
    /// schedulers there are.
    pub async fn claim_due(store: &Store, limit: u16) -> Result<Vec<Fired>, StoreError> {
        todo!()
    }
}
