//! crates/scheduler
