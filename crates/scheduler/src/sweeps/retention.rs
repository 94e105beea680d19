//! Backups past their days, and the binary log that no kept baseline needs.

use backtrail_domain::retention;
use backtrail_store::{BackupRun, Segment};

use crate::Parts;

/// Lets go of what `backtrail_domain::retention` says may go. The `objects` sweep deletes it then.
pub(crate) async fn retention(parts: Parts) -> anyhow::Result<()> {
    let now = parts.store.now().await?;
    for server in backtrail_store::retention::servers(&parts.store).await? {
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
    }
    Ok(())
}
