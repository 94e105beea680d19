//! Rows that have served.

use std::time::Duration;

use backtrail_store::{idempotency, outbox};

use crate::Parts;

const KEEP_PUBLISHED: Duration = Duration::from_secs(24 * 3600);

/// Forgets published messages and idempotency keys past their day.
pub(crate) async fn housekeeping(parts: Parts) -> anyhow::Result<()> {
    outbox::prune(&parts.store, KEEP_PUBLISHED).await?;
    idempotency::prune(&parts.store).await?;
    let (waiting, oldest_seconds) = outbox::backlog(&parts.store).await?;
    metrics::gauge!("backtrail_outbox_messages").set(waiting as f64);
    metrics::gauge!("backtrail_outbox_oldest_seconds").set(oldest_seconds as f64);
    Ok(())
}
