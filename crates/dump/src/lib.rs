//! crates/dump
