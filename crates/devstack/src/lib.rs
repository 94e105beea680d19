#![doc = include_str!("../README.md")]

mod directory;
mod error;
mod mariadb;
mod mysql;
pub mod ports;
mod postgres;
mod process;
mod rabbitmq;
mod s3;
mod source_server;

pub use directory::{StackDirectory, random_secret, write_secret};
pub use error::DevstackError;
pub use mariadb::MariaDb;
pub use mysql::{MySql, MySqlTree};
pub use postgres::{Postgres, PostgresAddress};
pub use process::{ProcessSpec, SupervisedProcess};
pub use rabbitmq::{RabbitMq, RabbitMqAddress};
pub use s3::{S3, S3Address};
pub use source_server::{DatabaseAddress, DatabaseOptions, Family};
