//! The facts that retention decides on.
//!
//! Carrying a plan out: [`BackupRun::mark_expired`](crate::BackupRun::mark_expired) (which leaves out what a PITR has begun to use meanwhile), then the
//! prefixes that [`orphans`](crate::prefixes::orphans) names; [`Segment::mark_expired`](crate::Segment::mark_expired), then their objects, then
//! [`Segment::forget`](crate::Segment::forget).

use backtrail_domain::retention::{self, BackupFact, RetentionFacts};
use backtrail_domain::{RunKind, RunStatus, SegmentFact, ServerId};
use diesel::prelude::*;
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use uuid::Uuid;

use crate::schema::{runs, segments as segments_table};
use crate::segment_row::FactRow;
use crate::{Store, StoreError, completed};

/// Segments that are looked at in one go: there are few, but for a server whose retention was shortened.
const AT_ONCE: i64 = 20_000;

/// Servers that have backups or segments, removed ones included.
pub async fn servers(store: &Store) -> Result<Vec<ServerId>, StoreError> {
    let connection = &mut store.connection().await?;
    let with_backups: Vec<Uuid> = runs::table
        .filter(runs::kind.eq(RunKind::Backup.as_str()))
        .filter(runs::status.eq(RunStatus::Completed.as_str()))
        .filter(runs::expired_at.is_null())
        .select(runs::server_id)
        .distinct()
        .load(connection)
        .await?;
    let mut servers = with_backups;
    let with_segments: Vec<Uuid> =
        segments_table::table.select(segments_table::server_id).distinct().load(connection).await?;
    servers.extend(with_segments);
    servers.sort_unstable();
    servers.dedup();
    Ok(servers.into_iter().map(ServerId).collect())
}

/// The facts of one server, for [`backtrail_domain::retention::plan`]. One consistent snapshot.
pub async fn facts(store: &Store, server_id: ServerId) -> Result<RetentionFacts, StoreError> {
    let mut transaction = store.begin_snapshot().await?;
    let facts = gather(&mut transaction, server_id).await;
    transaction.end(facts).await
}

async fn gather(connection: &mut AsyncPgConnection, server_id: ServerId) -> Result<RetentionFacts, StoreError> {
    let in_use: Vec<Option<Uuid>> = runs::table
        .filter(runs::server_id.eq(server_id.0))
        .filter(runs::status.eq(RunStatus::Running.as_str()))
        .filter(runs::baseline_id.is_not_null())
        .select(runs::baseline_id)
        .load(connection)
        .await?;
    let backups: Vec<BackupFact> = completed::of_server(connection, server_id)
        .await?
        .into_iter()
        .map(|backup| BackupFact {
            id: backup.id,
            completed_at: backup.completed_at,
            retention_days: backup.retention_days,
            in_use: in_use.contains(&Some(backup.id.0)),
            baseline: backup.fact,
        })
        .collect();
    let segments = segments_before_the_kept(connection, server_id, &backups).await?;
    Ok(RetentionFacts { backups, segments })
}

/// The segments that were sealed before the oldest baseline that stays, which needs whatever came later. Where they are
/// many, the oldest of them.
async fn segments_before_the_kept(
    connection: &mut AsyncPgConnection,
    server_id: ServerId,
    backups: &[BackupFact],
) -> Result<Vec<SegmentFact>, StoreError> {
    let alone = RetentionFacts { backups: backups.to_vec(), segments: Vec::new() };
    let kept = retention::plan(&alone, crate::connection::now(connection).await?).kept;
    let stays = |backup: &&BackupFact| kept.iter().any(|kept| kept.id == backup.id);
    let baselines = backups.iter().filter(stays).filter_map(|backup| backup.baseline.as_ref());
    let Some(oldest) = baselines.map(|baseline| baseline.consistent_at).min() else { return Ok(Vec::new()) };
    let rows: Vec<FactRow> = segments_table::table
        .filter(segments_table::server_id.eq(server_id.0))
        .filter(segments_table::expired_at.is_null())
        .filter(segments_table::sealed_at.le(oldest))
        .order(segments_table::ordinal)
        .limit(AT_ONCE)
        .select(FactRow::as_select())
        .load(connection)
        .await?;
    rows.into_iter().map(SegmentFact::try_from).collect()
}
