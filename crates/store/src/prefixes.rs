//! Every key prefix that a run's try ever took, and those that wait for deletion.

use std::time::Duration;

use backtrail_domain::RunKind;
use diesel::dsl::now;
use diesel::prelude::*;
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use time::OffsetDateTime;
use uuid::Uuid;

use crate::row::RowName;
use crate::run_row::RunRow;
use crate::schema::{prefixes, runs};
use crate::{FencingToken, Store, StoreError};

/// The rule: a prefix is taken once.
pub const UNIQUE_PREFIX: &str = "prefixes_pkey";

/// A prefix whose objects belong to no result (any more).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Orphan {
    /// Ends with `/`.
    pub key_prefix: String,
    /// The run whose try took it.
    pub run_id: Uuid,
    /// That run's kind.
    pub kind: RunKind,
    /// Since when it belongs to nothing.
    pub orphaned_at: OffsetDateTime,
}

/// Prefixes to delete, oldest first, without the first `skip`: those that could not be deleted. `after` is how long to
/// leave a prefix alone: a worker that lost its lease may still be writing below it (15 minutes is a good value).
pub async fn orphans(store: &Store, after: Duration, skip: u32, limit: u16) -> Result<Vec<Orphan>, StoreError> {
    let connection = &mut store.connection().await?;
    let before = crate::connection::now(connection).await? - after;
    let rows: Vec<(String, Uuid, String, Option<OffsetDateTime>)> = prefixes::table
        .inner_join(runs::table)
        .filter(prefixes::orphaned_at.lt(before))
        .filter(prefixes::deleted_at.is_null())
        .order((prefixes::orphaned_at, prefixes::key_prefix))
        .offset(i64::from(skip))
        .limit(i64::from(limit))
        .select((prefixes::key_prefix, prefixes::run_id, runs::kind, prefixes::orphaned_at))
        .load(connection)
        .await?;
    let orphan = |(key_prefix, run_id, kind, orphaned_at): (_, _, String, Option<_>)| {
        let name = RowName { table: "prefixes", id: run_id };
        let orphaned_at = orphaned_at.ok_or_else(|| name.corrupt("orphaned_at", "nothing"))?;
        Ok(Orphan { key_prefix, run_id, kind: name.parse("kind", &kind)?, orphaned_at })
    };
    rows.into_iter().map(orphan).collect()
}

/// Notes that nothing is left below the prefix.
pub async fn deleted(store: &Store, key_prefix: &str) -> Result<(), StoreError> {
    let mut transaction = store.begin().await?;
    let noted = diesel::update(prefixes::table.find(key_prefix))
        .filter(prefixes::orphaned_at.is_not_null())
        .filter(prefixes::deleted_at.is_null())
        .set(prefixes::deleted_at.eq(now))
        .execute(&mut *transaction)
        .await;
    transaction.end(noted.map(|_| ()).map_err(StoreError::from)).await
}

/// Takes a prefix for a try; the one that the run has taken before belongs to no result from now on.
pub(crate) async fn take(
    connection: &mut AsyncPgConnection,
    token: &FencingToken,
    s3_path: &str,
    key_prefix: &str,
) -> Result<(), StoreError> {
    let row = token.hold(connection).await?;
    orphan(connection, &row).await?;
    diesel::insert_into(prefixes::table)
        .values((prefixes::key_prefix.eq(key_prefix), prefixes::run_id.eq(row.id), prefixes::attempt.eq(row.attempt)))
        .execute(connection)
        .await?;
    diesel::update(runs::table.find(row.id))
        .set((runs::s3_path.eq(s3_path), runs::key_prefix.eq(key_prefix)))
        .execute(connection)
        .await?;
    Ok(())
}

/// Marks the prefix that the run has taken as belonging to no result.
pub(crate) async fn orphan(connection: &mut AsyncPgConnection, row: &RunRow) -> Result<(), StoreError> {
    if let Some(prefix) = &row.key_prefix {
        diesel::update(prefixes::table.find(prefix))
            .filter(prefixes::run_id.eq(row.id))
            .filter(prefixes::orphaned_at.is_null())
            .set(prefixes::orphaned_at.eq(now))
            .execute(connection)
            .await?;
    }
    Ok(())
}
