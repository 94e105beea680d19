//! crates/reconstruct
