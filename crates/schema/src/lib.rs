//! crates/schema
