//! crates/source
