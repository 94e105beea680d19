//! Runs that nobody moves any more.

use backtrail_store::runs::{Swept, sweep_expired, sweep_unclaimed};

use super::BATCH;
use crate::Parts;

/// Moves runs whose worker died or whose message was lost.
pub(crate) async fn runs(parts: Parts) -> anyhow::Result<()> {
    loop {
        let expired = sweep_expired(&parts.store, BATCH).await?;
        let unclaimed = sweep_unclaimed(&parts.store, parts.unclaimed_for, BATCH).await?;
        expired.iter().for_each(|swept| tell(swept, "its worker was lost"));
        unclaimed.iter().for_each(|swept| tell(swept, "no worker took it"));
        if expired.len().max(unclaimed.len()) < usize::from(BATCH) {
            return Ok(());
        }
    }
}

fn tell(swept: &Swept, why: &'static str) {
    metrics::counter!("backtrail_runs_swept_total", "kind" => swept.kind.as_str(), "why" => why).increment(1);
    tracing::warn!(
        run = %swept.id, kind = %swept.kind, server = %swept.server_id, tenant = %swept.tenant_id,
        from = ?swept.from, to = ?swept.to, "a run was moved: {why}"
    );
}
