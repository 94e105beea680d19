#![doc = include_str!("../README.md")]

mod error;
pub mod literal;
pub mod metadata;
pub mod names;
pub mod tokenizer;
pub mod writer;

pub use error::DumpError;
