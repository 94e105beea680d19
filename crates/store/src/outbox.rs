//! Messages on their way to the queue: written with the run, published afterwards.

use std::time::Duration;

use backtrail_domain::{RunKind, ServerId, TenantId};
use diesel::dsl::{count_star, min, now};
use diesel::pg::Pg;
use diesel::prelude::*;
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use time::OffsetDateTime;
use uuid::Uuid;

use crate::row::RowName;
use crate::schema::outbox;
use crate::{Store, StoreError};

/// A message to be published.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OutboxMessage {
    /// Also the message's id on the queue.
    pub id: Uuid,
    /// Which workers it is for.
    pub kind: RunKind,
    /// The run it names.
    pub run_id: Uuid,
    /// Whose.
    pub tenant_id: TenantId,
    /// The run's server.
    pub server_id: ServerId,
    /// An encoded [`Job`](backtrail_contracts::jobs::Job).
    pub payload: Vec<u8>,
    /// W3C trace context of the request that caused it.
    pub traceparent: Option<String>,
    /// When it was written.
    pub created_at: OffsetDateTime,
}

/// Takes up to `limit` unpublished messages, oldest first, that no other relay has at hand. They are this relay's for
/// `hold_for` (30 s is a good value): a relay that dies holding them delays them by no more than that.
pub async fn relay_batch(store: &Store, limit: u16, hold_for: Duration) -> Result<Vec<OutboxMessage>, StoreError> {
    let mut transaction = store.begin().await?;
    let taken = take(&mut transaction, limit, hold_for).await;
    transaction.end(taken).await?.into_iter().map(OutboxMessage::try_from).collect()
}

/// Notes that the broker confirmed these.
pub async fn mark_published(store: &Store, ids: &[Uuid]) -> Result<(), StoreError> {
    let mut transaction = store.begin().await?;
    let marked = diesel::update(outbox::table.filter(outbox::id.eq_any(ids)))
        .filter(outbox::published_at.is_null())
        .set(outbox::published_at.eq(now))
        .execute(&mut *transaction)
        .await;
    transaction.end(marked.map(|_| ()).map_err(StoreError::from)).await
}

/// Gives back messages that could not be published.
pub async fn release(store: &Store, ids: &[Uuid]) -> Result<(), StoreError> {
    let mut transaction = store.begin().await?;
    let released = diesel::update(outbox::table.filter(outbox::id.eq_any(ids)))
        .set(outbox::held_until.eq(None::<OffsetDateTime>))
        .execute(&mut *transaction)
        .await;
    transaction.end(released.map(|_| ()).map_err(StoreError::from)).await
}

/// Messages that wait, and the age of the oldest in seconds.
pub async fn backlog(store: &Store) -> Result<(u64, u64), StoreError> {
    let connection = &mut store.connection().await?;
    let (waiting, oldest): (i64, Option<OffsetDateTime>) = outbox::table
        .filter(outbox::published_at.is_null())
        .select((count_star(), min(outbox::created_at)))
        .first(connection)
        .await?;
    let age = match oldest {
        Some(oldest) => (crate::connection::now(connection).await? - oldest).whole_seconds(),
        None => 0,
    };
    Ok((waiting.unsigned_abs(), u64::try_from(age).unwrap_or_default()))
}

/// Deletes messages that were published longer than `older_than` ago.
pub async fn prune(store: &Store, older_than: Duration) -> Result<u64, StoreError> {
    let mut transaction = store.begin().await?;
    let pruned = prune_in(&mut transaction, older_than).await;
    transaction.end(pruned).await
}

async fn take(connection: &mut AsyncPgConnection, limit: u16, hold_for: Duration) -> Result<Vec<Row>, StoreError> {
    let ids: Vec<Uuid> = outbox::table
        .filter(outbox::published_at.is_null())
        .filter(outbox::held_until.is_null().or(outbox::held_until.lt(now)))
        .order((outbox::created_at, outbox::id))
        .limit(i64::from(limit))
        .select(outbox::id)
        .for_update()
        .skip_locked()
        .load(connection)
        .await?;
    if ids.is_empty() {
        return Ok(Vec::new());
    }
    let held_until = crate::connection::now(connection).await? + hold_for;
    let mut rows: Vec<Row> = diesel::update(outbox::table.filter(outbox::id.eq_any(ids)))
        .set(outbox::held_until.eq(held_until))
        .returning(Row::as_returning())
        .get_results(connection)
        .await?;
    rows.sort_by_key(|row| (row.created_at, row.id));
    Ok(rows)
}

async fn prune_in(connection: &mut AsyncPgConnection, older_than: Duration) -> Result<u64, StoreError> {
    let before = crate::connection::now(connection).await? - older_than;
    Ok(diesel::delete(outbox::table.filter(outbox::published_at.lt(before))).execute(connection).await? as u64)
}

#[derive(Queryable, Selectable)]
#[diesel(table_name = outbox, check_for_backend(Pg))]
struct Row {
    id: Uuid,
    kind: String,
    run_id: Uuid,
    tenant_id: Uuid,
    server_id: Uuid,
    payload: Vec<u8>,
    traceparent: Option<String>,
    created_at: OffsetDateTime,
}

impl TryFrom<Row> for OutboxMessage {
    type Error = StoreError;

    fn try_from(row: Row) -> Result<Self, StoreError> {
        Ok(Self {
            id: row.id,
            kind: RowName { table: "outbox", id: row.id }.parse("kind", &row.kind)?,
            run_id: row.run_id,
            tenant_id: TenantId(row.tenant_id),
            server_id: ServerId(row.server_id),
            payload: row.payload,
            traceparent: row.traceparent,
            created_at: row.created_at,
        })
    }
}
