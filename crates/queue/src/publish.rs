//! Publishing with confirms.

use std::time::Duration;

use lapin::message::BasicReturnMessage;
use lapin::options::{BasicPublishOptions, ConfirmSelectOptions};
use lapin::types::{AMQPValue, FieldTable};
use lapin::{BasicProperties, Channel, Confirmation};
use tokio::time::{Instant, sleep, timeout_at};
use uuid::Uuid;

use crate::connection::{Session, Shared};
use crate::{JOBS_EXCHANGE, QueueError};

/// Jobs hold a few ids.
pub(crate) const MESSAGE_LIMIT: usize = 128 * 1024;
pub(crate) const RUN_HEADER: &str = "backtrail-run-id";
pub(crate) const TRACE_HEADER: &str = "traceparent";

const PERSISTENT: u8 = 2;
/// After a break, so that the supervisor sees it before we ask for the session again.
const PAUSE: Duration = Duration::from_millis(50);

/// A channel in confirm mode, of one session.
pub(crate) struct Publisher {
    session: u64,
    channel: Channel,
}

pub(crate) fn properties(message_id: Uuid, run_id: Uuid, traceparent: Option<&str>) -> BasicProperties {
    let mut headers = FieldTable::default();
    headers.insert(RUN_HEADER.into(), AMQPValue::LongString(run_id.to_string().into()));
    if let Some(traceparent) = traceparent.filter(|text| !text.is_empty()) {
        headers.insert(TRACE_HEADER.into(), AMQPValue::LongString(traceparent.into()));
    }
    BasicProperties::default()
        .with_message_id(message_id.to_string().into())
        .with_content_type("application/x-protobuf".into())
        .with_delivery_mode(PERSISTENT)
        .with_headers(headers)
}

pub(crate) async fn publish(
    shared: &Shared,
    key: &'static str,
    payload: &[u8],
    properties: BasicProperties,
) -> Result<(), QueueError> {
    if payload.len() > MESSAGE_LIMIT {
        return Err(QueueError::TooLarge { size: payload.len(), limit: MESSAGE_LIMIT });
    }
    let started = Instant::now();
    let deadline = started + shared.settings.amqp_publish_deadline;
    let Ok(mut publisher) = timeout_at(deadline, shared.publisher.lock()).await else {
        return Err(shared.unavailable(started, None));
    };
    loop {
        let session = shared.session(started, deadline).await?;
        // Taken out: an attempt that is given up half-way, or dropped, leaves no channel behind whose next confirm would
        // belong to somebody else's message.
        let attempt = attempt(publisher.take(), &session, key, payload, properties.clone());
        let error = match timeout_at(deadline, attempt).await {
            Err(_) => return Err(shared.unavailable(started, None)),
            Ok(Err(error)) => error,
            Ok(Ok((channel, confirmation))) => {
                *publisher = Some(channel);
                return judge(shared, key, confirmation);
            }
        };
        if Instant::now() + PAUSE >= deadline {
            return Err(shared.unavailable(started, Some(error)));
        }
        tracing::debug!(error = &error as &dyn std::error::Error, key, "a message's fate is unknown; sending it again");
        sleep(PAUSE).await;
    }
}

async fn attempt(
    publisher: Option<Publisher>,
    session: &Session,
    key: &'static str,
    payload: &[u8],
    properties: BasicProperties,
) -> lapin::Result<(Publisher, Confirmation)> {
    let publisher = match publisher {
        Some(publisher) if publisher.session == session.number && publisher.channel.status().connected() => publisher,
        _ => {
            let channel = session.channel().await?;
            channel.confirm_select(ConfirmSelectOptions::default()).await?;
            Publisher { session: session.number, channel }
        }
    };
    let options = BasicPublishOptions { mandatory: true, immediate: false };
    let confirm =
        publisher.channel.basic_publish(JOBS_EXCHANGE.into(), key.into(), options, payload, properties).await?;
    let confirmation = confirm.await?;
    Ok((publisher, confirmation))
}

fn judge(shared: &Shared, key: &str, confirmation: Confirmation) -> Result<(), QueueError> {
    let (broker, key) = (shared.broker.clone(), key.to_owned());
    match confirmation {
        Confirmation::Ack(None) => Ok(()),
        Confirmation::Ack(Some(returned)) | Confirmation::Nack(Some(returned)) => {
            Err(QueueError::Unroutable { broker, key, reply: reply(&returned) })
        }
        // Not asking for confirms would be our own mistake; it is not success either.
        Confirmation::Nack(None) | Confirmation::NotRequested => Err(QueueError::NotTaken { broker, key }),
    }
}

fn reply(returned: &BasicReturnMessage) -> String {
    format!("{} {}", returned.reply_code, returned.reply_text)
}
