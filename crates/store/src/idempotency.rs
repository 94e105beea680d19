//! The same `Idempotency-Key` and body give the first answer again for 24 hours, to the API key that had it.
//!
//! An answer that tells of something made is stored in the transaction that makes it ([`Kept`]): whoever dies in between
//! has made nothing, and whoever dies behind it finds the answer. Other answers are stored behind the work ([`finish`]).

use backtrail_domain::{ApiKeyId, TenantId};
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
    First(First),
    /// Done before: give this answer.
    Replay(Answer),
    /// The first request is still being worked on.
    InProgress,
    /// Seen with another request: refuse.
    Mismatch,
}

/// Whose a key is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Caller {
    /// The tenant.
    pub tenant_id: TenantId,
    /// The API key that the request came with.
    pub api_key_id: ApiKeyId,
}

/// The first request with a key, while it is worked on. Another one that takes its place makes it void.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct First {
    api_key_id: ApiKeyId,
    key: String,
    begun_at: OffsetDateTime,
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

/// An answer that is stored in the transaction of what it tells of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Kept {
    /// The request that is answered.
    pub first: First,
    /// The answer.
    pub answer: Answer,
}

/// Notes that work on a request begins. `request_sha256` covers method, path and body. A first request that has been
/// neither finished nor abandoned for a minute is taken for dead.
pub async fn begin(store: &Store, caller: Caller, key: &str, request_sha256: &[u8; 32]) -> Result<Begun, StoreError> {
    let mut transaction = store.begin().await?;
    let begun = begin_in(&mut transaction, caller, key, request_sha256).await;
    transaction.end(begun).await
}

/// Keeps the answer for 24 hours, unless the request has one: a [`Kept`] stays.
pub async fn finish(store: &Store, first: &First, answer: &Answer) -> Result<(), StoreError> {
    let mut transaction = store.begin().await?;
    let finished = answer_in(&mut transaction, first, answer).await;
    transaction.end(finished.map(drop)).await
}

/// Forgets a key whose request came to nothing, so that it can be repeated.
pub async fn abandon(store: &Store, first: &First) -> Result<(), StoreError> {
    let mut transaction = store.begin().await?;
    let abandoned = diesel::delete(idempotency::table.find((first.api_key_id.0, &first.key)))
        .filter(idempotency::begun_at.eq(first.begun_at))
        .filter(idempotency::status.is_null())
        .execute(&mut *transaction)
        .await;
    transaction.end(abandoned.map(drop).map_err(StoreError::from)).await
}

/// Stores an answer in an open transaction, which must not be committed if that fails: another request took this one's
/// place ([`StoreError::LostRace`]) and does the work.
pub(crate) async fn keep(connection: &mut AsyncPgConnection, kept: Option<&Kept>) -> Result<(), StoreError> {
    let Some(Kept { first, answer }) = kept else { return Ok(()) };
    match answer_in(connection, first, answer).await? {
        1 => Ok(()),
        _ => Err(StoreError::LostRace { what: IDEMPOTENCY_KEY, id: first.key.clone() }),
    }
}

/// What [`StoreError::LostRace`] names when another request with the key took this one's place.
pub const IDEMPOTENCY_KEY: &str = "Idempotency-Key";

async fn answer_in(connection: &mut AsyncPgConnection, first: &First, answer: &Answer) -> Result<usize, StoreError> {
    Ok(diesel::update(idempotency::table.find((first.api_key_id.0, &first.key)))
        .filter(idempotency::begun_at.eq(first.begun_at))
        .filter(idempotency::status.is_null())
        .set((
            idempotency::status.eq(i32::from(answer.status)),
            idempotency::content_type.eq(&answer.content_type),
            idempotency::body.eq(&answer.body),
        ))
        .execute(connection)
        .await?)
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
    caller: Caller,
    key: &str,
    request_sha256: &[u8; 32],
) -> Result<Begun, StoreError> {
    let first = |begun_at| First { api_key_id: caller.api_key_id, key: key.to_owned(), begun_at };
    let new = (
        idempotency::tenant_id.eq(caller.tenant_id.0),
        idempotency::api_key_id.eq(caller.api_key_id.0),
        idempotency::key.eq(key),
        idempotency::request_sha256.eq(&request_sha256[..]),
    );
    // Of two at once, one inserts and the other waits for its commit here.
    let inserted: Option<OffsetDateTime> = diesel::insert_into(idempotency::table)
        .values(&new)
        .on_conflict_do_nothing()
        .returning(idempotency::begun_at)
        .get_result(connection)
        .await
        .optional()?;
    if let Some(begun_at) = inserted {
        return Ok(Begun::First(first(begun_at)));
    }
    let row = idempotency::table.find((caller.api_key_id.0, key));
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
        let begun_at = diesel::update(row)
            .set((
                idempotency::request_sha256.eq(&request_sha256[..]),
                idempotency::begun_at.eq(now),
                idempotency::status.eq(None::<i32>),
                idempotency::content_type.eq(None::<String>),
                idempotency::body.eq(None::<Vec<u8>>),
            ))
            .returning(idempotency::begun_at)
            .get_result(connection)
            .await?;
        return Ok(Begun::First(first(begun_at)));
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
