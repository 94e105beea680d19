//! The same `Idempotency-Key` and body give the first answer again for 24 hours.

use backtrail_domain::TenantId;
use diesel::dsl::now;
use diesel::prelude::*;
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use time::{Duration, OffsetDateTime};

use crate::schema::idempotency;
use crate::{Store, StoreError};

/// How long an answer is given again.
const KEPT: Duration = Duration::hours(24);

/// How long a first request may take before a repetition takes its place.
const ABANDONED_AFTER: Duration = Duration::minutes(1);

/// What is known of a key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Begun {
    /// Not seen before: do the work, then call [`finish`], or [`abandon`] if nothing came of it.
    First,
    /// Done before: give this answer.
    Replay(Answer),
    /// The first request is still being worked on.
    InProgress,
    /// Seen with another request: refuse.
    Mismatch,
}

/// An answer as it was given.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    /// HTTP status.
    pub status: u16,
    /// Content type of the body.
    pub content_type: String,
    /// Body.
    pub body: Vec<u8>,
}

/// Notes that work on a request begins. `request_sha256` covers method, path and body. A first request that has been
/// neither finished nor abandoned for a minute is taken for dead.
pub async fn begin(
    store: &Store,
    tenant_id: TenantId,
    key: &str,
    request_sha256: &[u8; 32],
) -> Result<Begun, StoreError> {
    let mut transaction = store.begin().await?;
    let begun = begin_in(&mut transaction, tenant_id, key, request_sha256).await;
    transaction.end(begun).await
}

/// Keeps the answer for 24 hours.
pub async fn finish(store: &Store, tenant_id: TenantId, key: &str, answer: &Answer) -> Result<(), StoreError> {
    let mut transaction = store.begin().await?;
    let finished = diesel::update(idempotency::table.find((tenant_id.0, key)))
        .set((
            idempotency::status.eq(i32::from(answer.status)),
            idempotency::content_type.eq(&answer.content_type),
            idempotency::body.eq(&answer.body),
        ))
        .execute(&mut *transaction)
        .await;
    transaction.end(finished.map(|_| ()).map_err(StoreError::from)).await
}

/// Forgets a key whose request came to nothing, so that it can be repeated.
pub async fn abandon(store: &Store, tenant_id: TenantId, key: &str) -> Result<(), StoreError> {
    let mut transaction = store.begin().await?;
    let abandoned = diesel::delete(idempotency::table.find((tenant_id.0, key)))
        .filter(idempotency::status.is_null())
        .execute(&mut *transaction)
        .await;
    transaction.end(abandoned.map(|_| ()).map_err(StoreError::from)).await
}

/// Forgets keys older than 24 hours.
pub async fn prune(store: &Store) -> Result<u64, StoreError> {
    let mut transaction = store.begin().await?;
    let pruned = prune_in(&mut transaction).await;
    transaction.end(pruned).await
}

type Row = (Vec<u8>, OffsetDateTime, Option<i32>, Option<String>, Option<Vec<u8>>);

async fn begin_in(
    connection: &mut AsyncPgConnection,
    tenant_id: TenantId,
    key: &str,
    request_sha256: &[u8; 32],
) -> Result<Begun, StoreError> {
    let new = (
        idempotency::tenant_id.eq(tenant_id.0),
        idempotency::key.eq(key),
        idempotency::request_sha256.eq(&request_sha256[..]),
    );
    // Of two at once, one inserts and the other waits for its commit here.
    let inserted =
        diesel::insert_into(idempotency::table).values(&new).on_conflict_do_nothing().execute(connection).await?;
    if inserted == 1 {
        return Ok(Begun::First);
    }
    let row = idempotency::table.find((tenant_id.0, key));
    let (sum, begun_at, status, content_type, body): Row = row
        .select((
            idempotency::request_sha256,
            idempotency::begun_at,
            idempotency::status,
            idempotency::content_type,
            idempotency::body,
        ))
        .for_update()
        .first(connection)
        .await?;
    let age = crate::connection::now(connection).await? - begun_at;
    let answer = match (status, content_type, body) {
        (Some(status), Some(content_type), Some(body)) => {
            let status = u16::try_from(status).map_err(|_| StoreError::OutOfRange { what: "status" })?;
            Some(Answer { status, content_type, body })
        }
        _ => None,
    };
    let stale = age > KEPT || (answer.is_none() && age > ABANDONED_AFTER);
    if stale {
        diesel::update(row)
            .set((
                idempotency::request_sha256.eq(&request_sha256[..]),
                idempotency::begun_at.eq(now),
                idempotency::status.eq(None::<i32>),
                idempotency::content_type.eq(None::<String>),
                idempotency::body.eq(None::<Vec<u8>>),
            ))
            .execute(connection)
            .await?;
        return Ok(Begun::First);
    }
    if sum != request_sha256 {
        return Ok(Begun::Mismatch);
    }
    Ok(answer.map_or(Begun::InProgress, Begun::Replay))
}

async fn prune_in(connection: &mut AsyncPgConnection) -> Result<u64, StoreError> {
    let before = crate::connection::now(connection).await? - KEPT;
    Ok(diesel::delete(idempotency::table.filter(idempotency::begun_at.lt(before))).execute(connection).await? as u64)
}
