#![doc = include_str!("../README.md")]

pub mod health;
pub mod metrics;
mod run;
pub mod shutdown;
pub mod telemetry;
pub mod tls;
pub mod trace;

pub use health::Health;
pub use run::{Context, ServiceSettings, run};
pub use trace::TraceParent;
