#![doc = include_str!("../README.md")]

mod authentication;
mod connection;
mod endpoint;
mod error;
mod facts;
mod grants;
pub mod mydumper;
mod packet;
mod preflight;
mod query;
mod stream;
mod tables;
mod tls;

pub use connection::Connection;
pub use endpoint::{SourceEndpoint, TlsMode, UnknownTlsModeError};
pub use error::SourceError;
pub use facts::{BinaryLog, Flavour, ServerFacts, ServerVersion};
pub use preflight::{Check, GrantReport, PreflightReport, preflight};
pub use query::Row;
pub use stream::{BinlogStream, FileFormat, RawEvent, StreamOptions};
pub use tables::{Promise, SYSTEM_SCHEMAS, SourceTable, TablePromise};
