//! Consuming across broken connections, and only on demand.
//!
//! A message that was fetched ahead of need would wait, unacknowledged, behind a run of hours: hidden from idle workers,
//! and redelivered by the broker's consumer timeout until its delivery limit is reached. So there is a subscription only
//! while somebody waits for a message, it may hold one message, and it ends with that message.

use std::sync::Arc;
use std::time::Duration;

use futures::StreamExt;
use lapin::options::{BasicCancelOptions, BasicConsumeOptions, BasicNackOptions, BasicQosOptions};
use lapin::types::FieldTable;
use lapin::{Channel, Consumer};
use tokio::sync::Semaphore;
use tokio::time::{Instant, sleep, timeout};
use tokio_util::sync::CancellationToken;

use crate::connection::Shared;
use crate::{Delivery, JobKind, QueueError};

const SUBSCRIBE_DEADLINE: Duration = Duration::from_secs(10);
/// Between attempts to subscribe on a connection that stands, e.g. while a queue elects its leader.
const PAUSE: Duration = Duration::from_millis(500);
const UNSUBSCRIBE_DEADLINE: Duration = Duration::from_secs(2);

/// Messages of one queue, one for each call of [`recv`](Self::recv). Dropping it ends the subscription; deliveries taken
/// from it stay valid.
pub struct Deliveries {
    shared: Arc<Shared>,
    queue: &'static str,
    kind: Option<JobKind>,
    cancel: CancellationToken,
    /// One for each delivery that may be unanswered.
    slots: Arc<Semaphore>,
    /// With the number of its session.
    channel: Option<(u64, Channel)>,
    subscription: Option<Subscription>,
    /// A message whose `recv` was dropped just before its end.
    taken: Option<Delivery>,
}

impl Deliveries {
    pub(crate) fn new(
        shared: Arc<Shared>,
        queue: &'static str,
        kind: Option<JobKind>,
        unanswered: u16,
        cancel: CancellationToken,
    ) -> Self {
        let slots = Arc::new(Semaphore::new(usize::from(unanswered.max(1))));
        Self { shared, queue, kind, cancel, slots, channel: None, subscription: None, taken: None }
    }

    /// The next message; `None` once the consumer is cancelled or the queue closed. It waits while as many deliveries as
    /// allowed are unanswered. A call that is dropped loses nothing, but may hold a message back until the next call.
    pub async fn recv(&mut self) -> Option<Delivery> {
        let cancel = self.cancel.clone();
        let next = tokio::select! {
            biased;
            () = cancel.cancelled() => None,
            next = self.next() => next,
        };
        if next.is_none() {
            self.taken = None;
            if let Some(subscription) = self.subscription.take() {
                subscription.hand_back().await;
            }
        }
        next
    }

    async fn next(&mut self) -> Option<Delivery> {
        if let Some(delivery) = self.taken.take() {
            return Some(delivery);
        }
        let slot = self.slots.clone().acquire_owned().await.ok()?;
        loop {
            let subscription = match &mut self.subscription {
                Some(subscription) => subscription,
                None => match self.subscribe().await {
                    Ok(subscription) => self.subscription.insert(subscription),
                    Err(QueueError::Closed { .. }) => return None,
                    Err(error) => {
                        self.channel = None;
                        let error = &error as &(dyn std::error::Error + Send + Sync);
                        tracing::debug!(
                            error = error as &dyn std::error::Error,
                            queue = self.queue,
                            "cannot subscribe yet"
                        );
                        sleep(PAUSE).await;
                        continue;
                    }
                },
            };
            match subscription.consumer.next().await {
                Some(Ok(message)) => {
                    let retry_delay = self.shared.settings.amqp_retry_delay;
                    let channel = subscription.channel.clone();
                    self.taken = Some(Delivery::new(message, channel, self.kind, retry_delay, slot));
                    let ended = self.subscription.take();
                    if let Some(subscription) = ended
                        && !subscription.end().await
                    {
                        self.channel = None;
                    }
                    return self.taken.take();
                }
                // The channel broke, or the broker cancelled the subscription: the queue was deleted, or its node is going
                // down.
                broken => {
                    let reason = broken.and_then(Result::err).map(|error| error.to_string());
                    tracing::debug!(reason, queue = self.queue, "a subscription broke");
                    (self.subscription, self.channel) = (None, None);
                    sleep(PAUSE).await;
                }
            }
        }
    }

    async fn subscribe(&mut self) -> Result<Subscription, QueueError> {
        let started = Instant::now();
        let session = self.shared.session(started, started + SUBSCRIBE_DEADLINE).await?;
        let open =
            self.channel.take().filter(|(number, channel)| *number == session.number && channel.status().connected());
        let subscribe = async {
            let channel = match open {
                Some((_, channel)) => channel,
                None => {
                    let channel = session.channel().await?;
                    channel.basic_qos(1, BasicQosOptions::default()).await?;
                    channel
                }
            };
            let (queue, options) = (self.queue.into(), BasicConsumeOptions::default());
            let consumer = channel.basic_consume(queue, "".into(), options, FieldTable::default()).await?;
            Ok(Subscription { channel, consumer })
        };
        let subscription = match timeout(SUBSCRIBE_DEADLINE, subscribe).await {
            Ok(subscribed) => subscribed.map_err(|error| self.shared.unavailable(started, Some(error)))?,
            Err(_) => return Err(self.shared.unavailable(started, None)),
        };
        self.channel = Some((session.number, subscription.channel.clone()));
        Ok(subscription)
    }
}

impl Drop for Deliveries {
    fn drop(&mut self) {
        if let (Some(subscription), Ok(runtime)) = (self.subscription.take(), tokio::runtime::Handle::try_current()) {
            runtime.spawn(subscription.hand_back());
        }
    }
}

struct Subscription {
    /// Lives on as long as deliveries hold it.
    channel: Channel,
    consumer: Consumer,
}

impl Subscription {
    /// Ends it, and says whether its channel can be used again.
    async fn end(&self) -> bool {
        let end = self.channel.basic_cancel(self.consumer.tag(), BasicCancelOptions::default());
        matches!(timeout(UNSUBSCRIBE_DEADLINE, end).await, Ok(Ok(())))
    }

    /// Ends it, and gives back the message that may have come in the meantime.
    async fn hand_back(mut self) {
        if !self.end().await {
            return;
        }
        let give_back = async {
            while let Some(Ok(message)) = self.consumer.next().await {
                let _ = message.nack(BasicNackOptions { requeue: true, multiple: false }).await;
            }
        };
        let _ = timeout(UNSUBSCRIBE_DEADLINE, give_back).await;
    }
}
