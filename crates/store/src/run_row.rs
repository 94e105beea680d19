//! A run's row, and how a move is written.

use std::time::Duration;

use backtrail_contracts::jobs::{Job, RunBackup, RunPitr, job};
use backtrail_domain::run::{EndReason, RunEffect, RunEvent, transition};
use backtrail_domain::{Phase, RunKind, RunState, RunStatus, ServerId, TenantId};
use diesel::dsl::sql;
use diesel::expression::SqlLiteral;
use diesel::pg::Pg;
use diesel::prelude::*;
use diesel::sql_types::{Jsonb, Nullable};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use serde_json::Value as Json;
use time::OffsetDateTime;
use uuid::Uuid;

use crate::row::RowName;
use crate::runs::RunRecord;
use crate::schema::{outbox, runs};
use crate::{StoreError, prefixes};

/// The rows of `runs`: whole, and as pages list them. Both are written once, so that they stay the same.
macro_rules! rows {
    ($($field:ident: $type:ty,)*) => {
        /// A row of `runs`, as it is.
        #[derive(Debug, Clone, Queryable, Selectable)]
        #[diesel(table_name = runs, check_for_backend(Pg))]
        pub(crate) struct RunRow {
            pub(crate) manifest: Option<Json>,
            pub(crate) tool_log: Option<String>,
            pub(crate) plan: Option<Json>,
            pub(crate) report: Option<Json>,
            $(pub(crate) $field: $type,)*
        }

        /// A row as pages list it: without what may be megabytes. A manifest has a line a file.
        #[derive(Queryable, Selectable)]
        #[diesel(table_name = runs, check_for_backend(Pg))]
        pub(crate) struct ListedRow {
            #[diesel(select_expression = sql::<Nullable<Jsonb>>("runs.manifest - 'files'"))]
            #[diesel(select_expression_type = SqlLiteral<Nullable<Jsonb>>)]
            manifest: Option<Json>,
            $($field: $type,)*
        }

        impl From<ListedRow> for RunRow {
            fn from(row: ListedRow) -> Self {
                Self { manifest: row.manifest, tool_log: None, plan: None, report: None, $($field: row.$field,)* }
            }
        }
    };
}

rows! {
    id: Uuid,
    kind: String,
    tenant_id: Uuid,
    server_id: Uuid,
    status: String,
    phase: String,
    attempt: i32,
    cancel_requested: bool,
    fencing: i64,
    lease_holder: Option<String>,
    lease_expires_at: Option<OffsetDateTime>,
    s3_path: Option<String>,
    key_prefix: Option<String>,
    size_bytes: Option<i64>,
    file_count: Option<i64>,
    error_code: Option<String>,
    error_message: Option<String>,
    warnings: Vec<String>,
    progress: Option<Json>,
    traceparent: Option<String>,
    started_at: OffsetDateTime,
    queued_at: OffsetDateTime,
    claimed_at: Option<OffsetDateTime>,
    completed_at: Option<OffsetDateTime>,
    schedule_id: Option<Uuid>,
    backup_tool: Option<String>,
    retention_days: Option<i32>,
    s3_prefix: Option<String>,
    coordinates_file: Option<String>,
    coordinates_position: Option<i64>,
    gtid_set: Option<String>,
    consistent: bool,
    snapshot_from: Option<OffsetDateTime>,
    consistent_at: Option<OffsetDateTime>,
    timeline: Option<String>,
    expired_at: Option<OffsetDateTime>,
    target_time: Option<OffsetDateTime>,
    target_gtid: Option<String>,
    target_position: Option<String>,
    tables_filter: Option<String>,
    allow_gaps: bool,
    baseline_id: Option<Uuid>,
    cut: Option<String>,
    cut_gtid_set: Option<String>,
}

impl RunRow {
    pub(crate) fn name(&self) -> RowName {
        RowName { table: "runs", id: self.id }
    }

    pub(crate) fn kind(&self) -> Result<RunKind, StoreError> {
        self.name().parse("kind", &self.kind)
    }

    pub(crate) fn state(&self) -> Result<RunState, StoreError> {
        let name = self.name();
        let status: RunStatus = name.parse("status", &self.status)?;
        let phase: Phase = name.parse("phase", &self.phase)?;
        let attempt = name.number("attempt", self.attempt)?;
        RunState::from_row(self.kind()?, status, phase, attempt, self.cancel_requested)
            .ok_or_else(|| name.corrupt("phase", format_args!("{phase}, although it is {status}")))
    }

    pub(crate) fn record(&self, server_name: String) -> Result<RunRecord, StoreError> {
        let name = self.name();
        let state = self.state()?;
        let duration = self.completed_at.map(|completed| (completed - self.started_at).whole_milliseconds());
        Ok(RunRecord {
            id: self.id,
            kind: self.kind()?,
            tenant_id: TenantId(self.tenant_id),
            server_id: ServerId(self.server_id),
            server_name,
            state,
            status: state.status(),
            phase: state.phase(),
            attempt: state.attempt(),
            cancel_requested: self.cancel_requested,
            s3_path: self.s3_path.clone(),
            key_prefix: self.key_prefix.clone(),
            size_bytes: name.number_some("size_bytes", self.size_bytes)?,
            file_count: name.number_some("file_count", self.file_count)?,
            duration_ms: name.number_some("completed_at", duration)?,
            error_code: self.error_code.clone(),
            error_message: self.error_message.clone(),
            warnings: self.warnings.clone(),
            progress: self.progress.clone(),
            manifest: self.manifest.clone(),
            tool_log: self.tool_log.clone(),
            traceparent: self.traceparent.clone(),
            started_at: self.started_at,
            queued_at: self.queued_at,
            claimed_at: self.claimed_at,
            completed_at: self.completed_at,
            lease_holder: self.lease_holder.clone(),
            lease_expires_at: self.lease_expires_at,
        })
    }
}

/// What a mover brings along: written together with the move.
#[derive(Debug, Default)]
pub(crate) struct RunPatch {
    /// With a claim.
    pub(crate) holder: Option<String>,
    /// With a claim or a renewal.
    pub(crate) lease_for: Option<Duration>,
    pub(crate) error_code: Option<String>,
    pub(crate) error_message: Option<String>,
    pub(crate) tool_log: Option<String>,
    pub(crate) warnings: Option<Vec<String>>,
    pub(crate) size_bytes: Option<i64>,
    pub(crate) file_count: Option<i64>,
    pub(crate) manifest: Option<Json>,
    pub(crate) progress: Option<Json>,
}

/// The columns that moves write. `None` leaves a column, `Some(None)` empties it.
#[derive(AsChangeset)]
#[diesel(table_name = runs)]
struct Columns {
    status: &'static str,
    phase: &'static str,
    attempt: i32,
    cancel_requested: bool,
    fencing: i64,
    lease_holder: Option<Option<String>>,
    lease_expires_at: Option<Option<OffsetDateTime>>,
    queued_at: Option<OffsetDateTime>,
    claimed_at: Option<OffsetDateTime>,
    completed_at: Option<OffsetDateTime>,
    s3_path: Option<Option<String>>,
    key_prefix: Option<Option<String>>,
    progress: Option<Option<Json>>,
    error_code: Option<Option<String>>,
    error_message: Option<Option<String>>,
    tool_log: Option<String>,
    warnings: Option<Vec<String>>,
    size_bytes: Option<i64>,
    file_count: Option<i64>,
    manifest: Option<Json>,
}

/// Moves a run whose row the transaction holds, with all that goes with the move. The row afterwards.
pub(crate) async fn apply(
    connection: &mut AsyncPgConnection,
    row: RunRow,
    event: RunEvent,
    patch: RunPatch,
) -> Result<RunRow, StoreError> {
    let kind = row.kind()?;
    let state = row.state()?;
    let (next, effects) =
        transition(kind, state, event).map_err(|source| StoreError::Refused { id: row.id.to_string(), source })?;
    let now = crate::connection::now(connection).await?;

    let mut columns = Columns {
        status: next.status().as_str(),
        phase: next.phase().as_str(),
        attempt: next.attempt().try_into().map_err(|_| StoreError::OutOfRange { what: "attempt" })?,
        cancel_requested: next.cancel_requested(),
        fencing: row.fencing,
        lease_holder: None,
        lease_expires_at: None,
        queued_at: None,
        claimed_at: None,
        completed_at: None,
        s3_path: None,
        key_prefix: None,
        progress: patch.progress.map(Some),
        error_code: patch.error_code.map(Some),
        error_message: patch.error_message.map(|text| Some(without_nul(text))),
        tool_log: patch.tool_log.map(without_nul),
        warnings: patch.warnings.map(|warnings| warnings.into_iter().map(without_nul).collect()),
        size_bytes: patch.size_bytes,
        file_count: patch.file_count,
        manifest: patch.manifest,
    };
    let mut publish = false;
    for effect in effects {
        match effect {
            RunEffect::GrantLease => {
                columns.fencing += 1;
                columns.lease_holder = Some(Some(patch.holder.clone().unwrap_or_default()));
                columns.claimed_at = Some(now);
                columns.lease_expires_at = Some(Some(now + patch.lease_for.unwrap_or_default()));
                // The last try's error is no longer what a client should see.
                columns.error_code = Some(None);
                columns.error_message = Some(None);
            }
            RunEffect::ExtendLease => {
                // A phase is entered without a length at hand: only a renewal extends.
                if let Some(lease_for) = patch.lease_for {
                    columns.lease_expires_at = Some(Some(now + lease_for));
                }
            }
            RunEffect::EndLease => {
                columns.lease_holder = Some(None);
                columns.lease_expires_at = Some(None);
            }
            RunEffect::Publish => {
                columns.queued_at = Some(now);
                columns.progress = Some(None);
                publish = true;
            }
            // The clock may have gone back since.
            RunEffect::End => columns.completed_at = Some(now.max(row.started_at)),
            RunEffect::Orphan => {
                prefixes::orphan(connection, &row).await?;
                columns.s3_path = Some(None);
                columns.key_prefix = Some(None);
            }
            RunEffect::Reason(reason) => {
                columns.error_code = Some(Some(reason.as_str().to_owned()));
                // The worker's own words, if it had any, say more than ours.
                if columns.error_message.is_none() || *reason == EndReason::Cancelled {
                    columns.error_message = Some(Some(explain(*reason, next.attempt(), row.lease_holder.as_deref())));
                }
            }
        }
    }
    if publish {
        put_message(connection, &row).await?;
    }
    Ok(diesel::update(runs::table.find(row.id))
        .set(columns)
        .returning(RunRow::as_returning())
        .get_result(connection)
        .await?)
}

fn explain(reason: EndReason, attempts: u32, holder: Option<&str>) -> String {
    match reason {
        EndReason::WorkerLost => format!(
            "worker lost: {} was not heard of for longer than its lease, in the last of {attempts} tries; look at the workers' logs, then start it again",
            holder.unwrap_or("the worker"),
        ),
        EndReason::NeverClaimed => format!(
            "no worker came for it after {} messages; check that workers run and reach the queue, then start it again",
            attempts + 1
        ),
        EndReason::Undeliverable => "no worker could process its message; start it again".to_owned(),
        EndReason::Cancelled => "cancelled by a client".to_owned(),
    }
}

/// Postgres keeps no NUL in a text.
fn without_nul(text: String) -> String {
    if text.contains('\0') { text.replace('\0', "\u{fffd}") } else { text }
}

/// Writes a message that names the run.
pub(crate) async fn put_message(connection: &mut AsyncPgConnection, row: &RunRow) -> Result<(), StoreError> {
    let id = Uuid::now_v7();
    let (run, tenant_id, server_id) = (row.id.to_string(), row.tenant_id.to_string(), row.server_id.to_string());
    let job = match row.kind()? {
        RunKind::Backup => job::Job::Backup(RunBackup { backup_id: run, tenant_id, server_id }),
        RunKind::Pitr => job::Job::Pitr(RunPitr { pitr_id: run, tenant_id, server_id }),
    };
    let job =
        Job { message_id: id.to_string(), traceparent: row.traceparent.clone().unwrap_or_default(), job: Some(job) };
    let payload = job.to_bytes().map_err(|error| row.name().corrupt("traceparent", error))?;
    diesel::insert_into(outbox::table)
        .values((
            outbox::id.eq(id),
            outbox::kind.eq(&row.kind),
            outbox::run_id.eq(row.id),
            outbox::tenant_id.eq(row.tenant_id),
            outbox::server_id.eq(row.server_id),
            outbox::payload.eq(payload),
            outbox::traceparent.eq(&row.traceparent),
        ))
        .execute(connection)
        .await?;
    Ok(())
}
