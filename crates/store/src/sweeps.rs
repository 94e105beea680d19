//! Moves of runs that nobody holds: their worker, their message, or whoever could read it, is lost.

use std::time::Duration;

use backtrail_domain::run::{RunEvent, transition};
use backtrail_domain::{Phase, RunKind, RunState, RunStatus, ServerId, TenantId};
use diesel::dsl::now as database_now;
use diesel::prelude::*;
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use uuid::Uuid;

use crate::run_row::{RunPatch, RunRow, apply};
use crate::runs::{lock, tail};
use crate::schema::{outbox, runs};
use crate::{Store, StoreError};

/// A run that a sweep moved.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Swept {
    /// The run.
    pub id: Uuid,
    /// Its kind.
    pub kind: RunKind,
    /// Whose.
    pub tenant_id: TenantId,
    /// Its server.
    pub server_id: ServerId,
    /// Where it was.
    pub from: RunState,
    /// Where it is now.
    pub to: RunState,
}

/// Moves the runs whose worker has not been heard of for longer than its lease: queued again, failed, or cancelled.
pub async fn sweep_expired(store: &Store, limit: u16) -> Result<Vec<Swept>, StoreError> {
    let mut transaction = store.begin().await?;
    let swept = sweep_expired_in(&mut transaction, limit).await;
    transaction.end(swept).await
}

async fn sweep_expired_in(connection: &mut AsyncPgConnection, limit: u16) -> Result<Vec<Swept>, StoreError> {
    let rows: Vec<RunRow> = runs::table
        .filter(runs::lease_expires_at.lt(database_now))
        .order(runs::lease_expires_at)
        .limit(i64::from(limit))
        .select(RunRow::as_select())
        .for_update()
        .skip_locked()
        .load(connection)
        .await?;
    sweep(connection, rows, RunEvent::LeaseExpired).await
}

/// Gives a new message to the runs of a kind that wait although their last message was published longer than
/// `unclaimed_for` ago (5 minutes is a good value); fails those whose tries are used up.
///
/// Call it only while the kind's queue is empty: a message that waits in a queue for a busy worker is not lost.
pub async fn sweep_unclaimed(
    store: &Store,
    kind: RunKind,
    unclaimed_for: Duration,
    limit: u16,
) -> Result<Vec<Swept>, StoreError> {
    let mut transaction = store.begin().await?;
    let swept = sweep_waiting(&mut transaction, kind, RunEvent::MessageLost, unclaimed_for, limit).await;
    transaction.end(swept).await
}

/// Gives a new message to the runs of a kind that wait although their last message was published longer than `after` ago,
/// whatever is in the queue: theirs may be among the dead ones. That counts as no try, since all workers may just be busy;
/// a message too many is forgotten by whoever gets it.
pub async fn sweep_overdue(
    store: &Store,
    kind: RunKind,
    after: Duration,
    limit: u16,
) -> Result<Vec<Swept>, StoreError> {
    let mut transaction = store.begin().await?;
    let swept = sweep_waiting(&mut transaction, kind, RunEvent::MessageOverdue, after, limit).await;
    transaction.end(swept).await
}

async fn sweep_waiting(
    connection: &mut AsyncPgConnection,
    kind: RunKind,
    event: RunEvent,
    unclaimed_for: Duration,
    limit: u16,
) -> Result<Vec<Swept>, StoreError> {
    let since = crate::connection::now(connection).await? - unclaimed_for;
    let recent = outbox::table
        .filter(outbox::run_id.eq(runs::id))
        .filter(outbox::published_at.is_null().or(outbox::published_at.gt(since)));
    let rows: Vec<RunRow> = runs::table
        .filter(runs::kind.eq(kind.as_str()))
        .filter(runs::status.eq(RunStatus::Running.as_str()))
        .filter(runs::phase.eq(Phase::Queued.as_str()))
        .filter(runs::queued_at.lt(since))
        .filter(diesel::dsl::not(diesel::dsl::exists(recent)))
        .order(runs::queued_at)
        .limit(i64::from(limit))
        .select(RunRow::as_select())
        .for_update()
        .skip_locked()
        .load(connection)
        .await?;
    sweep(connection, rows, event).await
}

async fn sweep(
    connection: &mut AsyncPgConnection,
    rows: Vec<RunRow>,
    event: RunEvent,
) -> Result<Vec<Swept>, StoreError> {
    let mut swept = Vec::with_capacity(rows.len());
    for row in rows {
        let from = match row.state() {
            Ok(from) => from,
            Err(error) => {
                // One row that cannot be understood must not keep the others from moving.
                tracing::warn!(run = %row.id, error = %error, "a run cannot be moved until its row is mended");
                continue;
            }
        };
        let row = apply(connection, row, event, RunPatch::default()).await?;
        swept.push(Swept {
            id: row.id,
            kind: row.kind()?,
            tenant_id: TenantId(row.tenant_id),
            server_id: ServerId(row.server_id),
            from,
            to: row.state()?,
        });
    }
    Ok(swept)
}

/// Fails a waiting run whose message no worker can process. Whether there was one to fail: a run that is worked on, or
/// has ended, is left alone.
pub async fn fail_undeliverable(store: &Store, kind: RunKind, id: Uuid, message: &str) -> Result<bool, StoreError> {
    let mut transaction = store.begin().await?;
    let failed = fail_undeliverable_in(&mut transaction, kind, id, message).await;
    transaction.end(failed).await
}

async fn fail_undeliverable_in(
    connection: &mut AsyncPgConnection,
    kind: RunKind,
    id: Uuid,
    message: &str,
) -> Result<bool, StoreError> {
    let Some(row) = lock(connection, kind, id).await? else { return Ok(false) };
    if transition(kind, row.state()?, RunEvent::Undeliverable).is_err() {
        return Ok(false);
    }
    let patch = RunPatch { error_message: Some(tail(message).to_owned()), ..RunPatch::default() };
    apply(connection, row, RunEvent::Undeliverable, patch).await?;
    Ok(true)
}
