//! crates/pitr-worker
