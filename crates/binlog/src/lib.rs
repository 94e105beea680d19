//! crates/binlog
