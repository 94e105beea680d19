#![doc = include_str!("../README.md")]

mod connection;
mod consume;
mod delivery;
mod error;
mod publish;
mod settings;
mod topology;

pub use connection::Queue;
pub use consume::Deliveries;
pub use delivery::{DecodeError, Delivery};
pub use error::QueueError;
pub use settings::{AmqpUrl, QueueSettings};
pub use topology::{DEAD_LETTER_QUEUE, DELIVERY_LIMIT, JOBS_EXCHANGE, JobKind};
