#![doc = include_str!("../README.md")]

mod buffer;
mod error;
mod file_names;
mod head;
pub mod literal;
pub mod load_data;
pub mod metadata;
pub mod names;
mod scan;
pub mod tokenizer;
pub mod writer;

pub use error::DumpError;
