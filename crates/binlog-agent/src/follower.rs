//! Following one server: sessions, one after the other.

use std::time::Duration;

use backtrail_domain::BinlogPosition;
use backtrail_service::telemetry;
use backtrail_store::{AgentLease, Heartbeat};
use tokio_util::sync::CancellationToken;

use crate::Parts;
use crate::session::{Session, SessionError};

const FIRST_PAUSE: Duration = Duration::from_millis(500);
const LONGEST_PAUSE: Duration = Duration::from_secs(20);
/// A session of this length was a good one.
const GOOD_SESSION: Duration = Duration::from_secs(60);

/// Archives the server's log until cancelled or until the lease is lost.
pub(crate) async fn follow(parts: &Parts, lease: &AgentLease, cancelled: &CancellationToken) {
    let mut pause = FIRST_PAUSE;
    // An event that did not fit its checksum when it was read last: the second time it is taken as it is.
    let mut suspect: Option<BinlogPosition> = None;
    while !cancelled.is_cancelled() {
        let began = tokio::time::Instant::now();
        let outcome = Box::pin(Session::run(parts, lease, &mut suspect, cancelled)).await;
        if began.elapsed() > GOOD_SESSION {
            pause = FIRST_PAUSE;
        }
        match outcome {
            Ok(()) => return,
            Err(SessionError::LeaseLost) => return,
            Err(SessionError::ServerChanged) => {
                tracing::info!("the server's registration was changed; reading it anew");
                continue;
            }
            Err(error) => {
                let text = telemetry::chain(&error).to_string();
                tracing::warn!(error = text, "reading the server's binary log was interrupted; trying again");
                metrics::counter!("backtrail_agent_interruptions_total").increment(1);
                let heartbeat = Heartbeat { error: Some(text), ..Heartbeat::default() };
                if let Err(error) = lease.token.heartbeat(&parts.store, &heartbeat).await {
                    tracing::debug!(error = %error, "the interruption could not be reported");
                }
            }
        }
        tokio::select! {
            () = tokio::time::sleep(pause) => {}
            () = cancelled.cancelled() => {}
        }
        pause = (pause * 2).min(LONGEST_PAUSE);
    }
}
