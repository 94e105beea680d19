//! Consuming across broken connections.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use futures::{Stream, StreamExt};
use lapin::options::{BasicCancelOptions, BasicConsumeOptions, BasicNackOptions, BasicQosOptions};
use lapin::types::FieldTable;
use lapin::{Channel, Consumer};
use tokio::sync::mpsc;
use tokio::time::{Instant, sleep, timeout};
use tokio_util::sync::{CancellationToken, DropGuard};

use crate::connection::Shared;
use crate::{Delivery, JobKind, QueueError};

const SUBSCRIBE_DEADLINE: Duration = Duration::from_secs(10);
/// Between attempts to subscribe on a connection that stands, e.g. while a queue elects its leader.
const PAUSE: Duration = Duration::from_millis(500);
/// How long giving back what was fetched ahead may take at the end.
const HANDBACK_DEADLINE: Duration = Duration::from_secs(2);

/// Messages of one queue, as they come. Dropping it ends the subscription; deliveries taken from it stay valid.
pub struct Deliveries {
    receiver: mpsc::Receiver<Delivery>,
    cancel: CancellationToken,
    _cancel_on_drop: DropGuard,
}

impl Deliveries {
    /// The next message; `None` once the consumer is cancelled or the queue closed.
    pub async fn recv(&mut self) -> Option<Delivery> {
        tokio::select! {
            biased;
            () = self.cancel.cancelled() => None,
            delivery = self.receiver.recv() => delivery,
        }
    }
}

impl Stream for Deliveries {
    type Item = Delivery;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Delivery>> {
        self.receiver.poll_recv(context)
    }
}

pub(crate) fn start(
    shared: Arc<Shared>,
    queue: &'static str,
    kind: Option<JobKind>,
    prefetch: u16,
    cancel: CancellationToken,
) -> Deliveries {
    let cancel = cancel.child_token();
    let (sender, receiver) = mpsc::channel(1);
    let subscription = Subscription { shared, queue, kind, prefetch: prefetch.max(1), sender, cancel: cancel.clone() };
    tokio::spawn(subscription.run());
    Deliveries { receiver, _cancel_on_drop: cancel.clone().drop_guard(), cancel }
}

struct Subscription {
    shared: Arc<Shared>,
    queue: &'static str,
    kind: Option<JobKind>,
    prefetch: u16,
    sender: mpsc::Sender<Delivery>,
    cancel: CancellationToken,
}

impl Subscription {
    async fn run(self) {
        loop {
            let subscribed = tokio::select! {
                subscribed = self.subscribe() => subscribed,
                () = self.cancel.cancelled() => return,
            };
            match subscribed {
                Ok((channel, consumer)) => self.forward(&channel, consumer).await,
                Err(QueueError::Closed { .. }) => return,
                Err(error) => {
                    tracing::debug!(
                        error = &error as &dyn std::error::Error,
                        queue = self.queue,
                        "cannot subscribe yet"
                    );
                }
            }
            tokio::select! {
                () = sleep(PAUSE) => {}
                () = self.cancel.cancelled() => return,
            }
        }
    }

    async fn subscribe(&self) -> Result<(Channel, Consumer), QueueError> {
        let started = Instant::now();
        let session = self.shared.session(started, started + SUBSCRIBE_DEADLINE).await?;
        let subscribe = async {
            let channel = session.channel().await?;
            channel.basic_qos(self.prefetch, BasicQosOptions::default()).await?;
            let (queue, options) = (self.queue.into(), BasicConsumeOptions::default());
            let consumer = channel.basic_consume(queue, "".into(), options, FieldTable::default()).await?;
            Ok((channel, consumer))
        };
        match timeout(SUBSCRIBE_DEADLINE, subscribe).await {
            Ok(subscribed) => subscribed.map_err(|error| self.shared.unavailable(started, Some(error))),
            Err(_) => Err(self.shared.unavailable(started, None)),
        }
    }

    /// Passes deliveries on until the channel breaks or we are told to stop.
    async fn forward(&self, channel: &Channel, mut consumer: Consumer) {
        loop {
            let next = tokio::select! {
                next = consumer.next() => next,
                () = self.cancel.cancelled() => return hand_back(channel, consumer).await,
            };
            let message = match next {
                Some(Ok(message)) => message,
                Some(Err(error)) => {
                    tracing::debug!(
                        error = &error as &dyn std::error::Error,
                        queue = self.queue,
                        "a subscription broke"
                    );
                    return;
                }
                // The broker cancelled it: the queue was deleted, or its node is going down.
                None => return,
            };
            let retry_delay = self.shared.settings.amqp_retry_delay;
            let delivery = Delivery::new(message, channel.clone(), self.kind, retry_delay);
            tokio::select! {
                sent = self.sender.send(delivery) => if sent.is_err() {
                    return hand_back(channel, consumer).await;
                },
                () = self.cancel.cancelled() => return hand_back(channel, consumer).await,
            }
        }
    }
}

/// Ends the subscription and gives back what it had fetched ahead. The channel lives on as long as deliveries hold it.
async fn hand_back(channel: &Channel, mut consumer: Consumer) {
    let give_back = async {
        if channel.basic_cancel(consumer.tag(), BasicCancelOptions::default()).await.is_err() {
            return;
        }
        while let Some(Ok(message)) = consumer.next().await {
            let _ = message.nack(BasicNackOptions { requeue: true, multiple: false }).await;
        }
    };
    let _ = timeout(HANDBACK_DEADLINE, give_back).await;
}
