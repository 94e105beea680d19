//! The engine's inputs and outputs on S3.
//!
//! The engine runs on threads of its own (`std::thread`, `spawn_blocking`) and reads and writes as it likes; tasks of the
//! async runtime do the work, joined to it by short channels, so that the slower side holds the faster one back. Nothing
//! here may be used on a thread of the async runtime itself: it would wait for itself.

mod baseline;
mod binary_log;
mod reader;
mod sink;

pub use baseline::S3Baseline;
pub use binary_log::{ArchivedSegment, S3BinaryLog};
pub use reader::ObjectReader;
pub use sink::S3ResultSink;
