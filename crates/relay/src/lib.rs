#![doc = include_str!("../README.md")]

use std::time::Duration;

use backtrail_queue::Queue;
use backtrail_service::telemetry;
use backtrail_store::outbox::{self, OutboxMessage};
use backtrail_store::{Store, StoreError};
use tokio_util::sync::CancellationToken;

const BATCH: u16 = 50;
const BETWEEN_LOOKS: Duration = Duration::from_millis(200);
/// After a failure: the database or the broker is away.
const PAUSE: Duration = Duration::from_secs(1);
/// Messages a relay took are another's after this time: longer than a publish may take.
const HOLD: Duration = Duration::from_secs(60);

/// Relays until cancelled. A database or broker that is away is waited for.
pub async fn run(store: Store, queue: Queue, cancelled: CancellationToken) {
    while !cancelled.is_cancelled() {
        let pause = match relay_once(&store, &queue).await {
            Ok(Carried::Everything) => BETWEEN_LOOKS,
            Ok(Carried::FullBatch) => continue,
            Ok(Carried::NotAll) => PAUSE,
            Err(error) => {
                tracing::warn!(error = %telemetry::chain(&error), "the outbox could not be read; trying again");
                PAUSE
            }
        };
        tokio::select! {
            () = tokio::time::sleep(pause) => {}
            () = cancelled.cancelled() => {}
        }
    }
}

/// What one look came to.
enum Carried {
    /// Nothing waits any more.
    Everything,
    /// There may be more.
    FullBatch,
    /// The broker did not take something.
    NotAll,
}

async fn relay_once(store: &Store, queue: &Queue) -> Result<Carried, StoreError> {
    if !queue.is_connected() {
        return Ok(Carried::NotAll);
    }
    let messages = outbox::relay_batch(store, BATCH, HOLD).await?;
    let (mut published, mut held) = (Vec::new(), Vec::new());
    for message in &messages {
        match publish(queue, message).await {
            Ok(()) => published.push(message.id),
            Err(error) => {
                tracing::warn!(run = %message.run_id, server = %message.server_id, tenant = %message.tenant_id,
                    error = %telemetry::chain(&error), "a message was not published; trying again");
                held.push(message.id);
            }
        }
    }
    metrics::counter!("backtrail_outbox_published_total").increment(published.len() as u64);
    outbox::mark_published(store, &published).await?;
    outbox::release(store, &held).await?;
    Ok(match (held.is_empty(), messages.len() < usize::from(BATCH)) {
        (false, _) => Carried::NotAll,
        (true, true) => Carried::Everything,
        (true, false) => Carried::FullBatch,
    })
}

async fn publish(queue: &Queue, message: &OutboxMessage) -> Result<(), backtrail_queue::QueueError> {
    queue
        .publish(message.kind.into(), &message.payload, message.id, message.run_id, message.traceparent.as_deref())
        .await
}
