//! Slots that have come.

use backtrail_store::{FireOutcome, Schedule};

use super::BATCH;
use crate::Parts;

/// Starts the backups whose slot has come.
pub(crate) async fn schedules(parts: Parts) -> anyhow::Result<()> {
    loop {
        let fired = Schedule::claim_due(&parts.store, BATCH).await?;
        for slot in &fired {
            let outcome = match slot.outcome {
                FireOutcome::Started(_) => "started",
                FireOutcome::AlreadyRunning => "already_running",
                FireOutcome::Missed => "missed",
            };
            metrics::counter!("backtrail_schedule_slots_total", "outcome" => outcome).increment(1);
            tracing::info!(
                schedule = %slot.schedule_id, server = %slot.server_id, tenant = %slot.tenant_id, slot = %slot.slot,
                next = ?slot.next_run_at, outcome, "a schedule's slot came"
            );
        }
        if fired.len() < usize::from(BATCH) {
            return Ok(());
        }
    }
}
