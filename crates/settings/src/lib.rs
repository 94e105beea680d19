#![doc = include_str!("../README.md")]

mod duration;
mod secret;
mod size;

pub use duration::{ParseDurationError, parse_duration};
pub use secret::{SecretError, SecretName, SecretSetting};
pub use size::{ByteSize, ParseSizeError};
