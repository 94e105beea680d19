//! One message, and the answer to it.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use backtrail_contracts::jobs::{Job, job};
use lapin::options::{BasicAckOptions, BasicNackOptions};
use lapin::types::{AMQPValue, FieldTable};
use lapin::{Acker, Channel};
use prost::Message;
use tokio::sync::OwnedSemaphorePermit;
use uuid::Uuid;

use crate::publish::{MESSAGE_LIMIT, RUN_HEADER, TRACE_HEADER};
use crate::{JobKind, QueueError};

/// A message from the queue. It is answered once, by [`ack`](Self::ack), [`reject_dead`](Self::reject_dead) or
/// [`retry_later`](Self::retry_later); dropped without an answer it goes back to the queue, which counts towards the
/// delivery limit.
pub struct Delivery {
    /// The job, or why it is none.
    pub job: Result<Job, DecodeError>,
    /// The message's id: two messages with one id are the same message twice.
    pub message_id: Option<Uuid>,
    /// The run that the sender meant, known even when the job cannot be decoded.
    pub run_id: Option<Uuid>,
    /// W3C trace context, where the sender had one.
    pub traceparent: Option<String>,
    /// Whether it was delivered before, to us or to somebody else.
    pub redelivered: bool,
    /// How often it came back to the queue.
    pub delivery_count: u64,
    acker: Acker,
    /// Taken with the answer.
    slot: Mutex<Option<OwnedSemaphorePermit>>,
    retry_delay: Duration,
    /// A channel closes with its last handle, and its unanswered deliveries with it.
    channel: Channel,
}

impl Delivery {
    pub(crate) fn new(
        message: lapin::message::Delivery,
        channel: Channel,
        kind: Option<JobKind>,
        retry_delay: Duration,
        slot: OwnedSemaphorePermit,
    ) -> Self {
        let none = FieldTable::default();
        let headers = message.properties.headers().as_ref().unwrap_or(&none);
        let uuid = |text: Option<String>| text.and_then(|text| Uuid::parse_str(&text).ok());
        Self {
            job: decode(&message.data, kind),
            message_id: uuid(message.properties.message_id().as_ref().map(ToString::to_string)),
            run_id: uuid(text(headers, RUN_HEADER)),
            traceparent: text(headers, TRACE_HEADER),
            redelivered: message.redelivered,
            delivery_count: headers.inner().get("x-delivery-count").and_then(count).unwrap_or(0),
            acker: message.acker,
            slot: Mutex::new(Some(slot)),
            retry_delay,
            channel,
        }
    }

    /// Done: the queue forgets the message.
    ///
    /// # Errors
    /// [`QueueError::DeliveryLost`]: the message comes again.
    pub async fn ack(&self) -> Result<(), QueueError> {
        let _slot = self.take_slot();
        answered(self.acker.ack(BasicAckOptions::default()).await)
    }

    /// Nobody can ever work on it: it goes to the dead-letter queue.
    ///
    /// # Errors
    /// [`QueueError::DeliveryLost`]: the message comes again.
    pub async fn reject_dead(&self) -> Result<(), QueueError> {
        let _slot = self.take_slot();
        answered(self.acker.nack(BasicNackOptions { requeue: false, multiple: false }).await)
    }

    fn take_slot(&self) -> Option<OwnedSemaphorePermit> {
        self.slot.lock().unwrap_or_else(PoisonError::into_inner).take()
    }

    /// Not now: it goes back to the queue after the settings' delay, during which it counts as unacknowledged. After
    /// [`DELIVERY_LIMIT`](crate::DELIVERY_LIMIT) times it goes to the dead-letter queue.
    pub fn retry_later(self) {
        let delay = self.retry_delay;
        let delivery = self;
        tokio::spawn(async move {
            tokio::time::sleep(delay).await;
            // Dropping it gives it back.
            drop(delivery);
        });
    }
}

impl Drop for Delivery {
    fn drop(&mut self) {
        let Some(slot) = self.take_slot() else { return };
        // Outside a runtime the process is ending, and the broken connection gives the message back.
        if let Ok(runtime) = tokio::runtime::Handle::try_current() {
            let (acker, channel) = (self.acker.clone(), self.channel.clone());
            runtime.spawn(async move {
                let _ = acker.nack(BasicNackOptions { requeue: true, multiple: false }).await;
                drop((channel, slot));
            });
        }
    }
}

fn answered(result: lapin::Result<bool>) -> Result<(), QueueError> {
    match result {
        Ok(true) => Ok(()),
        Ok(false) | Err(_) => Err(QueueError::DeliveryLost),
    }
}

fn decode(data: &[u8], kind: Option<JobKind>) -> Result<Job, DecodeError> {
    if data.len() > MESSAGE_LIMIT {
        return Err(DecodeError::TooLarge { size: data.len() });
    }
    let job = Job::decode(data).map_err(DecodeError::NotAJob)?;
    let found = match &job.job {
        Some(job::Job::Backup(_)) => JobKind::Backup,
        Some(job::Job::Pitr(_)) => JobKind::Pitr,
        None => return Err(DecodeError::UnknownKind),
    };
    match kind {
        Some(wanted) if wanted != found => Err(DecodeError::OtherKind { wanted, found }),
        _ => Ok(job),
    }
}

fn text(headers: &FieldTable, name: &str) -> Option<String> {
    match headers.inner().get(name)? {
        AMQPValue::LongString(text) => String::from_utf8(text.as_bytes().to_vec()).ok(),
        AMQPValue::ShortString(text) => Some(text.to_string()),
        _ => None,
    }
}

fn count(value: &AMQPValue) -> Option<u64> {
    match value {
        AMQPValue::LongLongInt(count) => u64::try_from(*count).ok(),
        AMQPValue::LongInt(count) => u64::try_from(*count).ok(),
        AMQPValue::LongUInt(count) => Some(u64::from(*count)),
        AMQPValue::ShortInt(count) => u64::try_from(*count).ok(),
        AMQPValue::ShortUInt(count) => Some(u64::from(*count)),
        AMQPValue::ShortShortInt(count) => u64::try_from(*count).ok(),
        AMQPValue::ShortShortUInt(count) => Some(u64::from(*count)),
        _ => None,
    }
}

/// A message that is no job of this queue's kind.
#[derive(Debug, thiserror::Error)]
pub enum DecodeError {
    /// Larger than any job.
    #[error("the message has {size} bytes, more than a job may have")]
    TooLarge {
        /// Its size.
        size: usize,
    },
    /// Not a `backtrail.v1.Job`.
    #[error("the message is no backtrail.v1.Job")]
    NotAJob(#[source] prost::DecodeError),
    /// A job without content, or of a kind that a newer version has brought.
    #[error("the message is a job of a kind that this version does not know")]
    UnknownKind,
    /// A job that belongs to another queue.
    #[error("the message is a {found} job in the queue of {wanted} jobs")]
    OtherKind {
        /// The queue's kind.
        wanted: JobKind,
        /// The job's kind.
        found: JobKind,
    },
}
