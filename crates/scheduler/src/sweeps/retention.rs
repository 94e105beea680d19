//! Backups past their days, and the binary log that no kept baseline needs.

use backtrail_domain::{ServerId, retention};
use backtrail_store::{BackupRun, Segment, StoreError};
use time::OffsetDateTime;

use super::failed;
use crate::Parts;

/// Lets go of what `backtrail_domain::retention` says may go. The `objects` sweep deletes it then. A server whose rows
/// cannot be read keeps what it has, and the others are looked at all the same.
pub(crate) async fn retention(parts: Parts) -> anyhow::Result<()> {
    let now = parts.store.now().await?;
    for server in backtrail_store::retention::servers(&parts.store).await? {
        match of_server(&parts, server, now).await {
            Ok(()) => {}
            // The database is away: for all servers.
            Err(error) if error.retryable() => return Err(error.into()),
            Err(error) => failed("retention", &format!("retention of server {server} was left out"), &error),
        }
    }
    Ok(())
}

async fn of_server(parts: &Parts, server: ServerId, now: OffsetDateTime) -> Result<(), StoreError> {
    let facts = backtrail_store::retention::facts(&parts.store, server).await?;
    let plan = retention::plan(&facts, now);
    let backups = BackupRun::mark_expired(&parts.store, &plan.backups).await?;
    // A backup that a recovery has begun to use meanwhile stays, and with it the log from its place on.
    let segments = if backups.len() == plan.backups.len() {
        Segment::mark_expired(&parts.store, &plan.segments).await?
    } else {
        Vec::new()
    };
    if !backups.is_empty() || !segments.is_empty() {
        tracing::info!(server = %server, backups = ?backups, segments = segments.len(), bytes = plan.segment_bytes, "retention let go");
    }
    metrics::counter!("backtrail_retention_backups_total").increment(backups.len() as u64);
    metrics::counter!("backtrail_retention_segments_total").increment(segments.len() as u64);
    Ok(())
}

#[cfg(test)]
mod tests {
    use backtrail_store::prefixes;

    use super::*;
    use crate::support::World;

    #[tokio::test(flavor = "multi_thread")]
    async fn a_server_that_cannot_be_read_keeps_what_it_has_and_the_next_one_does_not() {
        let world = World::new().await;
        let other = world.server("other").await;
        for (server, prefix) in [(world.server, "backups/a/"), (other, "backups/b/")] {
            world.completed_backup(server, prefix).await;
            // A server's last backup is kept whatever its age.
            world.completed_backup(server, &format!("{prefix}new/")).await;
        }
        let old = "completed_at = completed_at - interval '90 days', started_at = started_at - interval '90 days'";
        world.sql(&format!("UPDATE runs SET {old} WHERE key_prefix NOT LIKE '%new/'")).await;
        // Whichever comes first.
        for (broken, good) in [("backups/a/", "backups/b/"), ("backups/b/", "backups/a/")] {
            world.sql("UPDATE runs SET expired_at = NULL").await;
            world.sql("UPDATE prefixes SET orphaned_at = NULL").await;
            world.sql("UPDATE runs SET gtid_set = '0-1-1'").await;
            world.sql(&format!("UPDATE runs SET gtid_set = 'no set' WHERE key_prefix = '{broken}'")).await;
            retention(world.parts.clone()).await.unwrap();
            let orphans = prefixes::orphans(&world.parts.store, std::time::Duration::ZERO, 0, 10).await.unwrap();
            let prefixes: Vec<_> = orphans.iter().map(|orphan| orphan.key_prefix.as_str()).collect();
            assert_eq!(prefixes, [good]);
        }
    }
}
