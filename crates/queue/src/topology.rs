//! Exchanges and queues.

use std::fmt;

use backtrail_domain::RunKind;
use lapin::options::{ExchangeDeclareOptions, QueueBindOptions, QueueDeclareOptions};
use lapin::types::{AMQPValue, FieldTable};
use lapin::{Channel, ExchangeKind};

/// The exchange that jobs are published to; the routing key is the job's kind.
pub const JOBS_EXCHANGE: &str = "backtrail.jobs";

/// The queue of messages that nobody could work on. Its exchange has the same name.
pub const DEAD_LETTER_QUEUE: &str = "backtrail.dead";

/// How often a message may come back to its queue before it is put aside.
pub const DELIVERY_LIMIT: i64 = 5;

/// Kinds of work: one queue and one kind of worker each.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum JobKind {
    /// Full backups.
    Backup,
    /// Point-in-time recoveries.
    Pitr,
}

/// The jobs that a kind of run is queued as.
impl From<RunKind> for JobKind {
    fn from(kind: RunKind) -> Self {
        match kind {
            RunKind::Backup => Self::Backup,
            RunKind::Pitr => Self::Pitr,
        }
    }
}

impl JobKind {
    /// Every kind.
    pub const ALL: [Self; 2] = [Self::Backup, Self::Pitr];

    /// The routing key.
    pub fn routing_key(self) -> &'static str {
        match self {
            Self::Backup => "backup",
            Self::Pitr => "pitr",
        }
    }

    /// The queue's name.
    pub fn queue_name(self) -> &'static str {
        match self {
            Self::Backup => "backtrail.backup",
            Self::Pitr => "backtrail.pitr",
        }
    }
}

/// Writes the routing key.
impl fmt::Display for JobKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.routing_key())
    }
}

/// Declares everything: harmless when it is there already, an error of the broker when it is there but different.
pub(crate) async fn declare(channel: &Channel) -> lapin::Result<()> {
    let durable = ExchangeDeclareOptions { durable: true, ..ExchangeDeclareOptions::default() };
    let (jobs, dead) = (JOBS_EXCHANGE, DEAD_LETTER_QUEUE);
    channel.exchange_declare(jobs.into(), ExchangeKind::Direct, durable, FieldTable::default()).await?;
    channel.exchange_declare(dead.into(), ExchangeKind::Fanout, durable, FieldTable::default()).await?;

    channel.queue_declare(dead.into(), QueueDeclareOptions::durable(), arguments(&[])).await?;
    channel.queue_bind(dead.into(), dead.into(), "".into(), QueueBindOptions::default(), FieldTable::default()).await?;

    for kind in JobKind::ALL {
        let arguments = arguments(&[
            ("x-delivery-limit", AMQPValue::LongLongInt(DELIVERY_LIMIT)),
            ("x-dead-letter-exchange", text(dead)),
            // A dead letter is confirmed by its new queue before it leaves the old one. The broker wants an overflow rule
            // with it that drops nothing.
            ("x-dead-letter-strategy", text("at-least-once")),
            ("x-overflow", text("reject-publish")),
        ]);
        let (queue, key) = (kind.queue_name(), kind.routing_key());
        channel.queue_declare(queue.into(), QueueDeclareOptions::durable(), arguments).await?;
        channel
            .queue_bind(queue.into(), jobs.into(), key.into(), QueueBindOptions::default(), FieldTable::default())
            .await?;
    }
    Ok(())
}

fn arguments(more: &[(&str, AMQPValue)]) -> FieldTable {
    let mut table = FieldTable::default();
    table.insert("x-queue-type".into(), text("quorum"));
    for (name, value) in more {
        table.insert((*name).into(), value.clone());
    }
    table
}

fn text(value: &str) -> AMQPValue {
    AMQPValue::LongString(value.into())
}
