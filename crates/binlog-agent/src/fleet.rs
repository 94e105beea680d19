//! The servers that this agent holds, each followed by a task of its own.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use backtrail_domain::ServerId;
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
    let mut followed: HashMap<tokio::task::Id, ServerId> = HashMap::new();
    // Whether servers may be ours of which we know nothing: the answer that named them was lost.
    let mut unsure = false;
    while !cancelled.is_cancelled() {
        if unsure {
            let held: Vec<ServerId> = followed.values().copied().collect();
            match agents::release_others(&parts.store, holder, &held).await {
                Ok(released) => {
                    tracing::info!(released, "servers were given back whose taking had no answer");
                    unsure = false;
                }
                Err(error) => tracing::debug!(error = %error, "what was taken without an answer is not given back yet"),
            }
        }
        let wanted = u16::try_from(slots.available_permits().min(AT_A_LOOK)).unwrap_or(0);
        if wanted > 0 {
            match agents::acquire(&parts.store, holder, parts.settings.lease(), wanted).await {
                Ok(leases) => {
                    for lease in leases {
                        let Ok(slot) = slots.clone().try_acquire_owned() else { break };
                        let server = lease.server.id;
                        let span = telemetry::server_span(lease.server.id, lease.server.tenant_id);
                        let (parts, cancelled) = (parts.clone(), cancelled.clone());
                        metrics::gauge!("backtrail_agent_servers").increment(1);
                        let hold = async move {
                            hold(parts, lease, cancelled).await;
                            metrics::gauge!("backtrail_agent_servers").decrement(1);
                            drop(slot);
                        };
                        followed.insert(tasks.spawn(hold.instrument(span)).id(), server);
                    }
                }
                Err(error) => {
                    unsure |= matches!(error, StoreError::Unknown { .. });
                    tracing::warn!(error = %telemetry::chain(&error), "no servers could be taken; trying again");
                }
            }
        }
        while let Some(ended) = tasks.try_join_next_with_id() {
            followed.remove(&report(ended));
        }
        tokio::select! {
            () = tokio::time::sleep(BETWEEN_LOOKS) => {}
            () = cancelled.cancelled() => {}
        }
    }
    while let Some(ended) = tasks.join_next_with_id().await {
        report(ended);
    }
}

/// The task that ended.
fn report(ended: Result<(tokio::task::Id, ()), tokio::task::JoinError>) -> tokio::task::Id {
    match ended {
        Ok((id, ())) => id,
        Err(error) => {
            tracing::error!(error = %error, "reading a server broke off; its lease expires");
            error.id()
        }
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
