//! crates/service
