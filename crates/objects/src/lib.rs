#![doc = include_str!("../README.md")]

pub mod blocking;
mod download;
mod error;
mod key;
pub mod local;
pub mod manifest;
mod pieces;
mod settings;
mod store;
mod unfinished;
mod upload;

pub use download::Download;
pub use error::ObjectError;
pub use key::{S3Url, SegmentName};
pub use settings::{ObjectSettings, S3AccessKeyId, S3SecretAccessKey, S3SessionToken};
pub use store::{ObjectInfo, ObjectStore};
pub use unfinished::UnfinishedUpload;
pub use upload::{StoredObject, Upload};
