#![doc = include_str!("../README.md")]

pub mod demo;
mod directory;
mod error;
mod identity;
mod interrupt;
mod mariadb;
mod mysql;
mod mysql_install;
mod parts;
pub mod ports;
mod postgres;
mod process;
mod rabbitmq;
mod s3;
mod services;
pub mod shared;
mod source_server;
mod stack;
mod state;

pub use directory::{StackDirectory, random_secret, write_secret};
pub use error::DevstackError;
pub use identity::ProcessIdentity;
pub use interrupt::{Interrupt, Interrupts};
pub use mariadb::MariaDb;
pub use mysql::{MySql, MySqlTree};
pub use mysql_install::install_mysql;
pub use parts::{Part, Parts};
pub use postgres::{Postgres, PostgresAddress};
pub use process::{ProcessSpec, SupervisedProcess};
pub use rabbitmq::{RabbitMq, RabbitMqAddress};
pub use s3::{S3, S3Address};
pub use services::{ServiceKind, ServiceProcess, ServiceSettings, Services};
pub use shared::{TestBucket, TestDatabase, TestSchema, TestVhost};
pub use source_server::{DatabaseAddress, DatabaseOptions, Family};
pub use stack::{Stack, StackOptions};
pub use state::{ServicesState, StackState};
