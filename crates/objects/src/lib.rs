//! crates/objects
