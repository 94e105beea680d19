//! Runs that nobody moves any more.

use backtrail_domain::RunKind;
use backtrail_store::sweeps::{Swept, sweep_expired, sweep_overdue, sweep_unclaimed};

use super::BATCH;
use crate::Parts;

/// So many times longer a run waits for a second message while others' messages wait, too.
const OVERDUE: u32 = 12;

/// Moves runs whose worker died or whose message was lost.
pub(crate) async fn runs(parts: Parts) -> anyhow::Result<()> {
    let mut full = true;
    while full {
        let expired = sweep_expired(&parts.store, BATCH).await?;
        expired.iter().for_each(|swept| tell(swept, "its worker was lost"));
        full = expired.len() == usize::from(BATCH);
    }
    for kind in [RunKind::Backup, RunKind::Pitr] {
        if !parts.queue.is_connected() {
            continue;
        }
        // While messages wait in the queue, a run that waits has most likely lost nothing: all workers are busy.
        if parts.queue.depth(kind.into()).await? == 0 {
            let unclaimed = sweep_unclaimed(&parts.store, kind, parts.unclaimed_for, BATCH).await?;
            unclaimed.iter().for_each(|swept| tell(swept, "no worker took it"));
        } else {
            let overdue = sweep_overdue(&parts.store, kind, parts.unclaimed_for * OVERDUE, BATCH).await?;
            overdue.iter().for_each(|swept| tell(swept, "no worker has taken it for long"));
        }
    }
    Ok(())
}

fn tell(swept: &Swept, why: &'static str) {
    metrics::counter!("backtrail_runs_swept_total", "kind" => swept.kind.as_str(), "why" => why).increment(1);
    tracing::warn!(
        run = %swept.id, kind = %swept.kind, server = %swept.server_id, tenant = %swept.tenant_id,
        from = ?swept.from, to = ?swept.to, "a run was moved: {why}"
    );
}
