#![doc = include_str!("../README.md")]

mod job_codec;
pub mod jobs;
pub mod manifest;

pub use job_codec::{JOB_LIMIT, JobCodecError};
