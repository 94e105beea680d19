//! Backup schedules.

use backtrail_domain::schedule::{Fire, ScheduleFacts, decide, due_at};
use backtrail_domain::{
    BackupId, CronExpression, MissedRunPolicy, RunKind, RunStatus, ScheduleId, ServerId, TenantId, Zone,
};
use diesel::dsl::{exists, now as database_now};
use diesel::pg::Pg;
use diesel::prelude::*;
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use time::OffsetDateTime;
use uuid::Uuid;

use crate::backups::{self, Slot};
use crate::idempotency::{self, Kept};
use crate::row::RowName;
use crate::schema::{runs, schedules, servers};
use crate::{NewBackup, Store, StoreError};

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
        Self::create_answered(store, new, |_| Ok(None)).await
    }

    /// [`create`](Self::create), with the answer to the request that asked for it in the same transaction.
    pub async fn create_answered(
        store: &Store,
        new: NewSchedule,
        answer: impl FnOnce(&Self) -> Result<Option<Kept>, StoreError>,
    ) -> Result<Self, StoreError> {
        let mut transaction = store.begin().await?;
        let made = async {
            let schedule = insert(&mut transaction, new).await?;
            idempotency::keep(&mut transaction, answer(&schedule)?.as_ref()).await?;
            Ok(schedule)
        };
        let made = made.await;
        transaction.end(made).await
    }

    /// The tenant's schedules, oldest first.
    pub async fn list(store: &Store, tenant_id: TenantId) -> Result<Vec<Self>, StoreError> {
        of_tenant(&mut *store.connection().await?, tenant_id, None).await
    }

    /// The tenant's schedule of that id.
    pub async fn find(store: &Store, tenant_id: TenantId, id: ScheduleId) -> Result<Option<Self>, StoreError> {
        Ok(of_tenant(&mut *store.connection().await?, tenant_id, Some(id)).await?.pop())
    }

    /// Changes a schedule.
    pub async fn update(
        store: &Store,
        tenant_id: TenantId,
        id: ScheduleId,
        changes: ScheduleChanges,
    ) -> Result<Self, StoreError> {
        let mut transaction = store.begin().await?;
        let changed = change(&mut transaction, tenant_id, id, changes).await;
        transaction.end(changed).await
    }

    /// Deletes a schedule. Its backups stay.
    pub async fn delete(store: &Store, tenant_id: TenantId, id: ScheduleId) -> Result<(), StoreError> {
        let mut transaction = store.begin().await?;
        let deleted = diesel::delete(schedules::table.find(id.0))
            .filter(schedules::tenant_id.eq(tenant_id.0))
            .execute(&mut *transaction)
            .await
            .map_err(StoreError::from)
            .and_then(|rows| if rows == 1 { Ok(()) } else { Err(not_found(id)) });
        transaction.end(deleted).await
    }

    /// Fires what is due, at most `limit` schedules: the run, its message and the next slot are one transaction per
    /// schedule, and a schedule that another scheduler has at hand is passed over. So each slot fires once, however many
    /// schedulers there are.
    pub async fn claim_due(store: &Store, limit: u16) -> Result<Vec<Fired>, StoreError> {
        let mut fired = Vec::new();
        let mut tried = Vec::new();
        for _ in 0..limit {
            let mut transaction = store.begin().await?;
            let one = fire_one(&mut transaction, &mut tried).await;
            match transaction.end(one).await {
                Ok(Some(one)) => fired.push(one),
                Ok(None) => break,
                Err(error @ (StoreError::Unavailable { .. } | StoreError::Unknown { .. })) if fired.is_empty() => {
                    return Err(error);
                }
                // One that cannot be fired must not keep the others from it; it is tried again at the next sweep. (A
                // backup that was started by hand in between ends up here, too, and is found running then.)
                Err(error) => {
                    let schedule = tried.last().map(Uuid::to_string);
                    tracing::warn!(%error, schedule, "a schedule could not be fired");
                }
            }
        }
        Ok(fired)
    }
}

fn not_found(id: ScheduleId) -> StoreError {
    StoreError::NotFound { what: "schedule", id: id.to_string() }
}

/// The next slot of a schedule and when it is due; nothing for one that is disabled.
fn next_slot(
    id: Uuid,
    enabled: bool,
    cron: &CronExpression,
    zone: &Zone,
    jitter_seconds: u32,
    now: OffsetDateTime,
) -> (Option<OffsetDateTime>, Option<OffsetDateTime>) {
    let slot = cron.next_after(now, zone).filter(|_| enabled);
    (slot, slot.map(|slot| due_at(slot, id.as_u128(), jitter_seconds)))
}

fn seconds(jitter: u32) -> Result<i32, StoreError> {
    jitter.try_into().map_err(|_| StoreError::OutOfRange { what: "jitter_seconds" })
}

async fn insert(connection: &mut AsyncPgConnection, new: NewSchedule) -> Result<Schedule, StoreError> {
    crate::servers::hold(connection, new.tenant_id, new.server_id).await?;
    let id = Uuid::now_v7();
    let now = crate::connection::now(connection).await?;
    let (slot, due) = next_slot(id, new.enabled, &new.schedule_cron, &new.timezone, new.jitter_seconds, now);
    diesel::insert_into(schedules::table)
        .values((
            schedules::id.eq(id),
            schedules::tenant_id.eq(new.tenant_id.0),
            schedules::server_id.eq(new.server_id.0),
            schedules::schedule_cron.eq(new.schedule_cron.as_str()),
            schedules::timezone.eq(new.timezone.name()),
            schedules::backup_tool.eq(new.backup_tool),
            schedules::retention_days.eq(i32::from(new.retention_days)),
            schedules::s3_prefix.eq(new.s3_prefix),
            schedules::enabled.eq(new.enabled),
            schedules::missed_run_policy.eq(new.missed_run_policy.as_str()),
            schedules::jitter_seconds.eq(seconds(new.jitter_seconds)?),
            schedules::next_run_at.eq(slot),
            schedules::due_at.eq(due),
        ))
        .execute(connection)
        .await?;
    existing(connection, new.tenant_id, ScheduleId(id)).await
}

async fn existing(
    connection: &mut AsyncPgConnection,
    tenant_id: TenantId,
    id: ScheduleId,
) -> Result<Schedule, StoreError> {
    of_tenant(connection, tenant_id, Some(id)).await?.pop().ok_or_else(|| not_found(id))
}

async fn change(
    connection: &mut AsyncPgConnection,
    tenant_id: TenantId,
    id: ScheduleId,
    changes: ScheduleChanges,
) -> Result<Schedule, StoreError> {
    // Against a scheduler that has it at hand.
    let held: Option<Uuid> = schedules::table
        .find(id.0)
        .filter(schedules::tenant_id.eq(tenant_id.0))
        .select(schedules::id)
        .for_update()
        .first(connection)
        .await
        .optional()?;
    held.ok_or_else(|| not_found(id))?;
    let old = existing(connection, tenant_id, id).await?;
    let timing = changes.schedule_cron.is_some()
        || changes.timezone.is_some()
        || changes.jitter_seconds.is_some()
        || changes.enabled.is_some_and(|enabled| enabled != old.enabled);
    let enabled = changes.enabled.unwrap_or(old.enabled);
    if enabled {
        // A removed server's schedules stay disabled.
        crate::servers::hold(connection, tenant_id, old.server_id).await?;
    }
    let cron = changes.schedule_cron.unwrap_or(old.schedule_cron);
    let zone = changes.timezone.unwrap_or(old.timezone);
    let jitter = changes.jitter_seconds.unwrap_or(old.jitter_seconds);
    let row = schedules::table.find(id.0);
    diesel::update(row)
        .set((
            schedules::schedule_cron.eq(cron.as_str()),
            schedules::timezone.eq(zone.name()),
            schedules::backup_tool.eq(changes.backup_tool.unwrap_or(old.backup_tool)),
            schedules::retention_days.eq(i32::from(changes.retention_days.unwrap_or(old.retention_days))),
            schedules::s3_prefix.eq(changes.s3_prefix.unwrap_or(old.s3_prefix)),
            schedules::missed_run_policy.eq(changes.missed_run_policy.unwrap_or(old.missed_run_policy).as_str()),
            schedules::jitter_seconds.eq(seconds(jitter)?),
            schedules::updated_at.eq(database_now),
        ))
        .execute(connection)
        .await?;
    if timing {
        let now = crate::connection::now(connection).await?;
        let (slot, due) = next_slot(id.0, enabled, &cron, &zone, jitter, now);
        diesel::update(row)
            .set((schedules::enabled.eq(enabled), schedules::next_run_at.eq(slot), schedules::due_at.eq(due)))
            .execute(connection)
            .await?;
    }
    existing(connection, tenant_id, id).await
}

/// Fires the schedule that is due for longest, unless another scheduler has it at hand.
async fn fire_one(connection: &mut AsyncPgConnection, tried: &mut Vec<Uuid>) -> Result<Option<Fired>, StoreError> {
    let row: Option<Row> = schedules::table
        .filter(schedules::due_at.le(database_now))
        .filter(schedules::id.ne_all(tried.clone()))
        .order((schedules::due_at, schedules::id))
        .select(Row::as_select())
        .for_update()
        .skip_locked()
        .first(connection)
        .await
        .optional()?;
    let Some(row) = row else { return Ok(None) };
    tried.push(row.id);
    let name = row.name();
    let (cron, zone): (CronExpression, Zone) =
        (name.parse("schedule_cron", &row.schedule_cron)?, name.parse("timezone", &row.timezone)?);
    let now = crate::connection::now(connection).await?;
    let jitter_seconds = name.number("jitter_seconds", row.jitter_seconds)?;
    let facts = ScheduleFacts {
        cron: &cron,
        zone: &zone,
        next_run_at: row.next_run_at.ok_or_else(|| name.corrupt("next_run_at", "nothing"))?,
        missed_run_policy: name.parse("missed_run_policy", &row.missed_run_policy)?,
        jitter_seconds,
        jitter_seed: row.id.as_u128(),
    };
    let plan = decide(&facts, now);
    let (slot, outcome) = match plan.fire {
        Fire::Wait => return Err(name.corrupt("due_at", "a time before the slot is due")),
        Fire::Skip { slot } => (slot, FireOutcome::Missed),
        Fire::Run { slot } => (slot, start(connection, &row, slot).await?),
    };
    let due = plan.next_run_at.map(|slot| due_at(slot, row.id.as_u128(), jitter_seconds));
    diesel::update(schedules::table.find(row.id))
        .set((schedules::next_run_at.eq(plan.next_run_at), schedules::due_at.eq(due)))
        .execute(connection)
        .await?;
    Ok(Some(Fired {
        schedule_id: ScheduleId(row.id),
        server_id: ServerId(row.server_id),
        tenant_id: TenantId(row.tenant_id),
        slot,
        outcome,
        next_run_at: plan.next_run_at,
    }))
}

async fn start(connection: &mut AsyncPgConnection, row: &Row, slot: OffsetDateTime) -> Result<FireOutcome, StoreError> {
    let running = runs::table
        .filter(runs::server_id.eq(row.server_id))
        .filter(runs::kind.eq(RunKind::Backup.as_str()))
        .filter(runs::status.eq(RunStatus::Running.as_str()));
    if diesel::select(exists(running)).get_result(connection).await? {
        return Ok(FireOutcome::AlreadyRunning);
    }
    let new = NewBackup {
        tenant_id: TenantId(row.tenant_id),
        server_id: ServerId(row.server_id),
        backup_tool: row.backup_tool.clone(),
        retention_days: row.name().number("retention_days", row.retention_days)?,
        s3_prefix: row.s3_prefix.clone(),
        traceparent: None,
    };
    let slot = Slot { schedule_id: ScheduleId(row.id), at: slot };
    Ok(FireOutcome::Started(backups::insert(connection, new, Some(slot)).await?))
}

/// A tenant's schedules with their servers' names and their latest runs, oldest first.
async fn of_tenant(
    connection: &mut AsyncPgConnection,
    tenant_id: TenantId,
    id: Option<ScheduleId>,
) -> Result<Vec<Schedule>, StoreError> {
    let mut query = schedules::table
        .inner_join(servers::table.on(servers::id.eq(schedules::server_id)))
        .filter(schedules::tenant_id.eq(tenant_id.0))
        .order((schedules::created_at, schedules::id))
        .select((Row::as_select(), servers::name))
        .into_boxed::<Pg>();
    if let Some(id) = id {
        query = query.filter(schedules::id.eq(id.0));
    }
    let rows: Vec<(Row, String)> = query.load(connection).await?;
    let ids: Vec<Uuid> = rows.iter().map(|(row, _)| row.id).collect();
    let latest: Vec<(Option<Uuid>, OffsetDateTime, String)> = runs::table
        .filter(runs::schedule_id.eq_any(ids))
        .distinct_on(runs::schedule_id)
        .order((runs::schedule_id, runs::started_at.desc(), runs::id.desc()))
        .select((runs::schedule_id, runs::started_at, runs::status))
        .load(connection)
        .await?;
    rows.into_iter()
        .map(|(row, server_name)| {
            let last = latest.iter().find(|(schedule, ..)| *schedule == Some(row.id));
            row.schedule(server_name, last.map(|(_, started_at, status)| (*started_at, status.as_str())))
        })
        .collect()
}

#[derive(Queryable, Selectable)]
#[diesel(table_name = schedules, check_for_backend(Pg))]
struct Row {
    id: Uuid,
    tenant_id: Uuid,
    server_id: Uuid,
    schedule_cron: String,
    timezone: String,
    backup_tool: String,
    retention_days: i32,
    s3_prefix: Option<String>,
    enabled: bool,
    missed_run_policy: String,
    jitter_seconds: i32,
    next_run_at: Option<OffsetDateTime>,
    created_at: OffsetDateTime,
}

impl Row {
    fn name(&self) -> RowName {
        RowName { table: "schedules", id: self.id }
    }

    fn schedule(self, server_name: String, last: Option<(OffsetDateTime, &str)>) -> Result<Schedule, StoreError> {
        let name = self.name();
        Ok(Schedule {
            id: ScheduleId(self.id),
            tenant_id: TenantId(self.tenant_id),
            server_id: ServerId(self.server_id),
            server_name,
            schedule_cron: name.parse("schedule_cron", &self.schedule_cron)?,
            timezone: name.parse("timezone", &self.timezone)?,
            backup_tool: self.backup_tool,
            retention_days: name.number("retention_days", self.retention_days)?,
            s3_prefix: self.s3_prefix,
            enabled: self.enabled,
            missed_run_policy: name.parse("missed_run_policy", &self.missed_run_policy)?,
            jitter_seconds: name.number("jitter_seconds", self.jitter_seconds)?,
            next_run_at: self.next_run_at,
            last_run: last.map(|(started_at, _)| started_at),
            last_status: last.map(|(_, status)| name.parse("status", status)).transpose()?,
            created_at: self.created_at,
        })
    }
}
