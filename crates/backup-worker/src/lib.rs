//! crates/backup-worker
