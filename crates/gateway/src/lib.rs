//! crates/gateway
