//! What backups and PITR runs have in common: claims, leases, phases and ends.
//!
//! Every move locks the run's row, asks [`transition`], and writes what comes of it
//! together with its effects in the same transaction.

use std::time::Duration;

use backtrail_domain::run::{RunEvent, transition};
use backtrail_domain::{Phase, RunKind, RunState, RunStatus, ServerId, TenantId};
use diesel::prelude::*;
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use serde_json::Value as Json;
use time::OffsetDateTime;
use uuid::Uuid;

use crate::run_row::{RunPatch, RunRow, apply};
use crate::schema::runs;
use crate::{Store, StoreError, prefixes};

/// The rule: one running backup for a server.
pub const ONE_RUNNING_BACKUP: &str = "runs_one_running_backup";
/// The rule: one running PITR for a server.
pub const ONE_RUNNING_PITR: &str = "runs_one_running_pitr";

/// The longest text that a row keeps of a message or a tool's output, in bytes: its end.
pub const TEXT_LIMIT: usize = 64 * 1024;

/// Proof that a worker held a run's lease when it got this. Every write takes it; a write under a token that is no
/// longer the newest is [`StoreError::LostRace`] and changes nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FencingToken {
    pub(crate) run: Uuid,
    pub(crate) kind: RunKind,
    pub(crate) fencing: i64,
}

/// A run that was claimed.
#[derive(Debug, Clone)]
pub struct Claim<R> {
    /// As it stands after the claim.
    pub run: R,
    /// Goes with every further write.
    pub token: FencingToken,
}

/// What a worker learns when it renews its lease.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Renewed {
    /// A client wants the run ended: stop, clean up, call [`FencingToken::end_cancelled`].
    pub cancel_requested: bool,
    /// Until when the lease now lasts.
    pub lease_expires_at: OffsetDateTime,
}

/// Why a run failed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RunFailure {
    /// Stable word for programs, e.g. `source_unreachable`.
    pub code: String,
    /// For people: what failed, on what, what to do.
    pub message: String,
    /// Whether another try may help: then the run is queued again while tries are left.
    pub retryable: bool,
    /// The tail of a tool's output, where one ran.
    pub tool_log: Option<String>,
}

/// The part of a run's row that does not depend on its kind.
#[derive(Debug, Clone, PartialEq)]
pub struct RunRecord {
    /// The run's id: a `BackupId` or `PitrId`.
    pub id: Uuid,
    /// Its kind.
    pub kind: RunKind,
    /// Whose.
    pub tenant_id: TenantId,
    /// The server backed up or rebuilt.
    pub server_id: ServerId,
    /// That server's name.
    pub server_name: String,
    /// Where it stands.
    pub state: RunState,
    /// What a client sees of that.
    pub status: RunStatus,
    /// How far it is; for a failed run, where it failed.
    pub phase: Phase,
    /// Tries that began.
    pub attempt: u32,
    /// A client asked for its end.
    pub cancel_requested: bool,
    /// `s3://bucket/…/` of the latest try.
    pub s3_path: Option<String>,
    /// The same as a key in the bucket, with the `/` at its end.
    pub key_prefix: Option<String>,
    /// Stored bytes of the result.
    pub size_bytes: Option<u64>,
    /// Stored objects of the result.
    pub file_count: Option<u64>,
    /// From `started_at` to `completed_at`.
    pub duration_ms: Option<u64>,
    /// Stable word for programs. While a run waits for its next try: why the last one failed.
    pub error_code: Option<String>,
    /// For people. As `error_code`.
    pub error_message: Option<String>,
    /// What a client should know about the result.
    pub warnings: Vec<String>,
    /// How far the phase is: tables, rows, bytes; whatever the worker reports.
    pub progress: Option<Json>,
    /// The manifest, once there is a result.
    pub manifest: Option<Json>,
    /// The tail of a tool's output.
    pub tool_log: Option<String>,
    /// W3C trace context of the request that caused it.
    pub traceparent: Option<String>,
    /// When it was asked for.
    pub started_at: OffsetDateTime,
    /// When it was last queued.
    pub queued_at: OffsetDateTime,
    /// When its latest try began.
    pub claimed_at: Option<OffsetDateTime>,
    /// When it ended.
    pub completed_at: Option<OffsetDateTime>,
    /// Who works on it, for people.
    pub lease_holder: Option<String>,
    /// Until when, unless renewed.
    pub lease_expires_at: Option<OffsetDateTime>,
}

impl FencingToken {
    /// The run it is for.
    pub fn run_id(&self) -> Uuid {
        self.run
    }

    /// The run's kind.
    pub fn kind(&self) -> RunKind {
        self.kind
    }

    /// The token's number: rises with every claim of the run.
    pub fn number(&self) -> i64 {
        self.fencing
    }

    /// Says that the worker is still there.
    pub async fn renew(&self, store: &Store, lease_for: Duration) -> Result<Renewed, StoreError> {
        let patch = RunPatch { lease_for: Some(lease_for), ..RunPatch::default() };
        let row = self.move_run(store, RunEvent::Renew, patch).await?.1;
        let lease_expires_at = row.lease_expires_at.ok_or_else(|| row.name().corrupt("lease_expires_at", "nothing"))?;
        Ok(Renewed { cancel_requested: row.cancel_requested, lease_expires_at })
    }

    /// Enters a phase. Going back is [`StoreError::Refused`].
    pub async fn set_phase(&self, store: &Store, phase: Phase) -> Result<(), StoreError> {
        self.move_run(store, RunEvent::Enter(phase), RunPatch::default()).await.map(|_| ())
    }

    /// Stores progress. Workers do this at most once a second.
    pub async fn set_progress(&self, store: &Store, progress: &Json) -> Result<(), StoreError> {
        let mut transaction = store.begin().await?;
        let written = diesel::update(runs::table.find(self.run))
            .filter(runs::fencing.eq(self.fencing))
            .filter(runs::lease_holder.is_not_null())
            .set(runs::progress.eq(progress))
            .execute(&mut *transaction)
            .await
            .map_err(StoreError::from)
            .and_then(|rows| if rows == 1 { Ok(()) } else { Err(self.lost()) });
        transaction.end(written).await
    }

    /// Takes a key prefix for this try before anything is stored below it. `key_prefix` ends with `/`. A prefix that any
    /// try of any run has ever taken is a [`StoreError::Conflict`] with [`UNIQUE_PREFIX`](crate::prefixes::UNIQUE_PREFIX):
    /// choose another.
    pub async fn set_location(&self, store: &Store, s3_path: &str, key_prefix: &str) -> Result<(), StoreError> {
        let mut transaction = store.begin().await?;
        let taken = prefixes::take(&mut transaction, self, s3_path, key_prefix).await;
        transaction.end(taken).await
    }

    /// Ends the try. The run is queued again when that may help and tries are left, else it is failed; failed as
    /// cancelled when a client asked for its end. Says where it stands now.
    pub async fn fail(&self, store: &Store, failure: &RunFailure) -> Result<RunState, StoreError> {
        let patch = RunPatch {
            error_code: Some(failure.code.clone()),
            error_message: Some(tail(&failure.message).to_owned()),
            tool_log: failure.tool_log.as_deref().map(|log| tail(log).to_owned()),
            ..RunPatch::default()
        };
        self.move_run(store, RunEvent::Fail { retryable: failure.retryable }, patch).await?.1.state()
    }

    /// Hands the run back to the queue, unfinished, because the worker was asked to stop: that counts as no try. `why` is
    /// what a client sees meanwhile. A run that a client wanted ended is ended as that.
    pub async fn give_back(&self, store: &Store, why: &str) -> Result<(), StoreError> {
        let patch = RunPatch {
            error_code: Some("worker_stopped".to_owned()),
            error_message: Some(tail(why).to_owned()),
            ..RunPatch::default()
        };
        self.move_run(store, RunEvent::GivenBack, patch).await.map(|_| ())
    }

    /// Ends the run because a client asked, once everything has stopped.
    pub async fn end_cancelled(&self, store: &Store, tool_log: Option<&str>) -> Result<(), StoreError> {
        let patch = RunPatch { tool_log: tool_log.map(|log| tail(log).to_owned()), ..RunPatch::default() };
        self.move_run(store, RunEvent::Stopped, patch).await.map(|_| ())
    }

    /// One move of the holder: where the run was, and its row afterwards.
    pub(crate) async fn move_run(
        &self,
        store: &Store,
        event: RunEvent,
        patch: RunPatch,
    ) -> Result<(RunState, RunRow), StoreError> {
        let mut transaction = store.begin().await?;
        let moved = self.move_in(&mut transaction, event, patch).await;
        transaction.end(moved).await
    }

    async fn move_in(
        &self,
        connection: &mut AsyncPgConnection,
        event: RunEvent,
        patch: RunPatch,
    ) -> Result<(RunState, RunRow), StoreError> {
        let row = self.hold(connection).await?;
        let from = row.state()?;
        Ok((from, apply(connection, row, event, patch).await?))
    }

    /// Locks the run's row, if the lease is still ours.
    pub(crate) async fn hold(&self, connection: &mut AsyncPgConnection) -> Result<RunRow, StoreError> {
        let row = lock(connection, self.kind, self.run).await?.ok_or_else(|| self.lost())?;
        if row.fencing != self.fencing || row.lease_holder.is_none() {
            return Err(self.lost());
        }
        Ok(row)
    }

    pub(crate) fn lost(&self) -> StoreError {
        StoreError::LostRace { what: self.kind.as_str(), id: self.run.to_string() }
    }
}

pub(crate) async fn lock(
    connection: &mut AsyncPgConnection,
    kind: RunKind,
    id: Uuid,
) -> Result<Option<RunRow>, StoreError> {
    Ok(runs::table
        .find(id)
        .filter(runs::kind.eq(kind.as_str()))
        .select(RunRow::as_select())
        .for_update()
        .first(connection)
        .await
        .optional()?)
}

/// Takes a run for `holder` if it waits.
pub(crate) async fn claim(
    store: &Store,
    kind: RunKind,
    id: Uuid,
    holder: &str,
    lease_for: Duration,
) -> Result<Option<FencingToken>, StoreError> {
    let mut transaction = store.begin().await?;
    let claimed = claim_in(&mut transaction, kind, id, holder, lease_for).await;
    transaction.end(claimed).await
}

async fn claim_in(
    connection: &mut AsyncPgConnection,
    kind: RunKind,
    id: Uuid,
    holder: &str,
    lease_for: Duration,
) -> Result<Option<FencingToken>, StoreError> {
    let Some(row) = lock(connection, kind, id).await? else { return Ok(None) };
    if transition(kind, row.state()?, RunEvent::Claim).is_err() {
        return Ok(None);
    }
    let patch = RunPatch { holder: Some(holder.to_owned()), lease_for: Some(lease_for), ..RunPatch::default() };
    let row = apply(connection, row, RunEvent::Claim, patch).await?;
    Ok(Some(FencingToken { run: id, kind, fencing: row.fencing }))
}

/// A client wants the run ended. A run that has ended already stays as it is.
pub(crate) async fn request_cancel(
    store: &Store,
    kind: RunKind,
    tenant_id: TenantId,
    server_id: Option<ServerId>,
    id: Uuid,
) -> Result<(), StoreError> {
    let mut transaction = store.begin().await?;
    let asked = cancel_in(&mut transaction, kind, tenant_id, server_id, id).await;
    transaction.end(asked).await
}

async fn cancel_in(
    connection: &mut AsyncPgConnection,
    kind: RunKind,
    tenant_id: TenantId,
    server_id: Option<ServerId>,
    id: Uuid,
) -> Result<(), StoreError> {
    let row = lock(connection, kind, id)
        .await?
        .filter(|row| row.tenant_id == tenant_id.0 && server_id.is_none_or(|server| server.0 == row.server_id))
        .ok_or_else(|| StoreError::NotFound { what: kind.as_str(), id: id.to_string() })?;
    if !row.state()?.is_final() {
        apply(connection, row, RunEvent::Cancel, RunPatch::default()).await?;
    }
    Ok(())
}

/// The end of a text that is too long for a row, cut between characters. Postgres takes no NUL: see [`RunPatch`].
pub(crate) fn tail(text: &str) -> &str {
    let mut start = text.len().saturating_sub(TEXT_LIMIT);
    while !text.is_char_boundary(start) {
        start += 1;
    }
    text.get(start..).unwrap_or_default()
}
