#![doc = include_str!("../README.md")]

mod error;
mod execute;
mod lease;

pub use error::WorkError;
pub use execute::{Work, WorkerSettings, readiness, run};
pub use lease::{Lease, StopReason};
