//! The servers that this agent holds, each followed by a task of its own.

use std::sync::Arc;
use std::time::Duration;

use backtrail_service::telemetry;
use backtrail_store::{AgentLease, AgentToken, StoreError, agents};
use tokio::sync::Semaphore;
use tokio::task::JoinSet;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use tracing::Instrument;

use crate::{Parts, follower};

/// Between two looks for servers that nobody reads.
const BETWEEN_LOOKS: Duration = Duration::from_millis(1000);
/// Servers taken at a look, so that several agents get their share.
const AT_A_LOOK: usize = 4;

/// Takes servers and follows them until cancelled.
pub(crate) async fn run(parts: Parts, holder: &str, cancelled: CancellationToken) {
    let slots = Arc::new(Semaphore::new(usize::from(parts.settings.agent_servers)));
    // Dropped with this function, and its tasks with it.
    let mut tasks = JoinSet::new();
    while !cancelled.is_cancelled() {
        let wanted = u16::try_from(slots.available_permits().min(AT_A_LOOK)).unwrap_or(0);
        if wanted > 0 {
            match agents::acquire(&parts.store, holder, parts.settings.lease(), wanted).await {
                Ok(leases) => {
                    for lease in leases {
                        let Ok(slot) = slots.clone().try_acquire_owned() else { break };
                        let span = telemetry::server_span(lease.server.id, lease.server.tenant_id);
                        let (parts, cancelled) = (parts.clone(), cancelled.clone());
                        metrics::gauge!("backtrail_agent_servers").increment(1);
                        let hold = async move {
                            hold(parts, lease, cancelled).await;
                            metrics::gauge!("backtrail_agent_servers").decrement(1);
                            drop(slot);
                        };
                        tasks.spawn(hold.instrument(span));
                    }
                }
                Err(error) => {
                    tracing::warn!(error = %telemetry::chain(&error), "no servers could be taken; trying again");
                }
            }
        }
        while let Some(ended) = tasks.try_join_next() {
            report(ended);
        }
        tokio::select! {
            () = tokio::time::sleep(BETWEEN_LOOKS) => {}
            () = cancelled.cancelled() => {}
        }
    }
    while let Some(ended) = tasks.join_next().await {
        report(ended);
    }
}

fn report(ended: Result<(), tokio::task::JoinError>) {
    if let Err(error) = ended {
        tracing::error!(error = %error, "reading a server broke off; its lease expires");
    }
}

/// Follows one server for as long as its lease is ours.
async fn hold(parts: Parts, lease: AgentLease, cancelled: CancellationToken) {
    tracing::info!(name = lease.server.name, "reading this server from now on");
    let token = lease.token;
    tokio::select! {
        () = follower::follow(&parts, &lease, &cancelled) => {}
        // What is under way is dropped here, before its next write.
        error = keep(&parts, token) => {
            tracing::warn!(error = %telemetry::chain(&error), "the lease of this server was lost; stopped reading it");
        }
    }
    // Also when it counts as lost: it may be ours still, and nobody would read the server until it has expired.
    if let Err(error) = token.release(&parts.store).await {
        tracing::debug!(error = %error, "the lease could not be given back; it expires");
    }
}

/// Renews the lease; returns once it is lost, with the reason.
async fn keep(parts: &Parts, token: AgentToken) -> StoreError {
    let lease = parts.settings.lease();
    let mut renewed = Instant::now();
    loop {
        tokio::time::sleep(lease / 4).await;
        let began = Instant::now();
        match token.renew(&parts.store, lease).await {
            Ok(()) => renewed = began,
            // A renewal whose answer was lost may be done again.
            Err(error) if error.worth_repeating() && renewed.elapsed() < lease => {
                tracing::debug!(error = %error, "the lease could not be renewed; trying again");
            }
            Err(error) => return error,
        }
    }
}
