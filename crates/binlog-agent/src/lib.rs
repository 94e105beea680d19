//! crates/binlog-agent
