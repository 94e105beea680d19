//! What can go wrong between us and the broker.

use std::path::PathBuf;
use std::time::Duration;

use backtrail_settings::SecretError;
use lapin::ErrorKind;
use lapin::protocol::{AMQPErrorKind, AMQPHardError, AMQPSoftError};

/// An error of the queue. None quotes the URL's user or password.
#[derive(Debug, thiserror::Error)]
pub enum QueueError {
    /// The URL is not set or its file cannot be read.
    #[error(transparent)]
    Setting(#[from] SecretError),
    /// The URL cannot be used.
    #[error("BACKTRAIL_AMQP_URL is not usable: {reason}; write it as in amqp://user:password@host:5672/vhost")]
    Url {
        /// Why.
        reason: &'static str,
    },
    /// The file of trusted certificates cannot be read.
    #[error("the certificates in {path} (BACKTRAIL_AMQP_CA_FILE) cannot be read")]
    CertificateAuthority {
        /// The file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// The broker answers, and refuses us: login, virtual host, permission, or a certificate that is not trusted.
    #[error(
        "RabbitMQ at {broker} refuses the connection: {reason}; check the user, password, virtual host and certificates"
    )]
    Refused {
        /// Its address, without user and password.
        broker: String,
        /// Its own words.
        reason: String,
    },
    /// An exchange or queue exists with other arguments than ours.
    #[error(
        "RabbitMQ at {broker} has a queue or exchange of ours with other arguments: {reason}; \
         let it run empty and delete it, it is made anew at the next connect"
    )]
    Topology {
        /// Its address.
        broker: String,
        /// The broker's words: which argument, which queue, what is wanted and what is there.
        reason: String,
    },
    /// No connection, or it broke, or the broker did not answer in time. Whether a message got through is unknown.
    #[error("RabbitMQ at {broker} cannot be reached, tried for {} s; is it running?", waited.as_secs())]
    Unavailable {
        /// Its address.
        broker: String,
        /// How long was tried.
        waited: Duration,
        /// The last error seen.
        source: Option<lapin::Error>,
    },
    /// The broker said that it did not take the message: its disk or its quorum is in trouble.
    #[error("RabbitMQ at {broker} did not take a message for {key}; look at the queue's state")]
    NotTaken {
        /// Its address.
        broker: String,
        /// The routing key.
        key: String,
    },
    /// The broker returned the message: no queue is bound for it.
    #[error("RabbitMQ at {broker} has no queue for a message to {key} ({reply}); was a queue or binding deleted?")]
    Unroutable {
        /// Its address.
        broker: String,
        /// The routing key.
        key: String,
        /// The broker's words.
        reply: String,
    },
    /// The message is larger than any job.
    #[error("a message of {size} bytes is larger than the {limit} that a job may have")]
    TooLarge {
        /// Its size.
        size: usize,
        /// The limit.
        limit: usize,
    },
    /// The connection that brought a delivery is gone: the broker delivers it again, perhaps to another worker.
    #[error("the connection of this delivery is gone; it is delivered again")]
    DeliveryLost,
    /// The queue was closed by this process.
    #[error("the connection to RabbitMQ at {broker} was closed by this process")]
    Closed {
        /// Its address.
        broker: String,
    },
}

impl QueueError {
    /// Whether the same call may succeed later, with nobody changing anything in between.
    pub fn retryable(&self) -> bool {
        match self {
            Self::Unavailable { .. } | Self::NotTaken { .. } | Self::DeliveryLost => true,
            Self::Setting(_)
            | Self::Url { .. }
            | Self::CertificateAuthority { .. }
            | Self::Refused { .. }
            | Self::Topology { .. }
            | Self::Unroutable { .. }
            | Self::TooLarge { .. }
            | Self::Closed { .. } => false,
        }
    }

    /// Sorts an error of connecting or declaring. What a person must mend is told from what mends itself.
    pub(crate) fn of_connecting(broker: &str, error: lapin::Error) -> Self {
        let broker = broker.to_owned();
        match error.kind() {
            ErrorKind::ProtocolError(answer) => {
                let reason = answer.get_message().to_string();
                match answer.kind() {
                    AMQPErrorKind::Soft(AMQPSoftError::PRECONDITIONFAILED) => Self::Topology { broker, reason },
                    AMQPErrorKind::Soft(AMQPSoftError::ACCESSREFUSED)
                    | AMQPErrorKind::Hard(AMQPHardError::NOTALLOWED) => Self::Refused { broker, reason },
                    _ => Self::Unavailable { broker, waited: Duration::ZERO, source: Some(error) },
                }
            }
            // This is how TLS says that it does not trust the other side.
            ErrorKind::IOError(source) if source.kind() == std::io::ErrorKind::InvalidData => {
                Self::Refused { broker, reason: source.to_string() }
            }
            _ => Self::Unavailable { broker, waited: Duration::ZERO, source: Some(error) },
        }
    }
}
