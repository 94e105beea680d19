//! Parts that the tests of one run share.
//!
//! `devstack run -- COMMAND` starts the parts once and names its state file in [`STATE_VARIABLE`]. Where that variable
//! is missing (a single test started from an editor), each test process starts the parts it needs for itself, which
//! takes a few seconds; they end with the process.
//!
//! Tests keep out of each other's way by having a database, vhost, bucket or schema of their own: see [`TestDatabase`]
//! and its siblings. Nothing needs tidying up, the parts are thrown away after the run.

use std::path::PathBuf;

use tokio::sync::OnceCell;

use crate::directory::StackDirectory;
use crate::error::DevstackError;
use crate::mariadb::MariaDb;
use crate::mysql::MySql;
use crate::postgres::{Postgres, PostgresAddress};
use crate::rabbitmq::{RabbitMq, RabbitMqAddress};
use crate::s3::{S3, S3Address};
use crate::source_server::{DatabaseAddress, DatabaseOptions};
use crate::state::StackState;

/// The environment variable that names the state file of the shared parts. It holds a path, no secret.
pub const STATE_VARIABLE: &str = "BACKTRAIL_DEVSTACK";

static STATE: OnceCell<Option<StackState>> = OnceCell::const_new();
// Never dropped: their guardians stop them when this process ends.
static DIRECTORY: OnceCell<StackDirectory> = OnceCell::const_new();
static POSTGRES: OnceCell<Postgres> = OnceCell::const_new();
static RABBITMQ: OnceCell<RabbitMq> = OnceCell::const_new();
static OBJECT_STORE: OnceCell<S3> = OnceCell::const_new();
static MARIADB: OnceCell<MariaDb> = OnceCell::const_new();
static MYSQL: OnceCell<MySql> = OnceCell::const_new();

async fn state() -> Result<Option<&'static StackState>, DevstackError> {
    let state = STATE
        .get_or_try_init(async || match std::env::var_os(STATE_VARIABLE) {
            Some(path) => StackState::read(&PathBuf::from(path)).map(Some),
            None => Ok(None),
        })
        .await?;
    Ok(state.as_ref())
}

async fn directory(name: &str) -> Result<PathBuf, DevstackError> {
    let directory = DIRECTORY.get_or_try_init(async || StackDirectory::create("test")).await?;
    Ok(directory.path().join(name))
}

/// The PostgreSQL server of this test run.
pub async fn postgres() -> Result<PostgresAddress, DevstackError> {
    if let Some(address) = state().await?.and_then(|state| state.postgres.clone()) {
        return Ok(address);
    }
    let part = POSTGRES.get_or_try_init(async || Postgres::start(&directory("postgres").await?).await).await?;
    Ok(part.address().clone())
}

/// The RabbitMQ broker of this test run.
pub async fn rabbitmq() -> Result<RabbitMqAddress, DevstackError> {
    if let Some(address) = state().await?.and_then(|state| state.rabbitmq.clone()) {
        return Ok(address);
    }
    let part = RABBITMQ.get_or_try_init(async || RabbitMq::start(&directory("rabbitmq").await?).await).await?;
    Ok(part.address().clone())
}

/// The S3 server of this test run.
pub async fn s3() -> Result<S3Address, DevstackError> {
    if let Some(address) = state().await?.and_then(|state| state.s3.clone()) {
        return Ok(address);
    }
    let part = OBJECT_STORE.get_or_try_init(async || S3::start(&directory("s3").await?).await).await?;
    Ok(part.address().clone())
}

/// The MariaDB server of this test run, with binary log. Tests that change server-wide settings, read the whole binary
/// log or restart the server start one of their own instead.
pub async fn mariadb() -> Result<DatabaseAddress, DevstackError> {
    if let Some(address) = state().await?.and_then(|state| state.mariadb.clone()) {
        return Ok(address);
    }
    let part = MARIADB
        .get_or_try_init(async || MariaDb::start(&directory("mariadb").await?, DatabaseOptions::default()).await)
        .await?;
    Ok(part.address().clone())
}

/// The MySQL server of this test run, with binary log and GTIDs; none where MySQL is not installed.
pub async fn mysql() -> Result<Option<DatabaseAddress>, DevstackError> {
    if let Some(address) = state().await?.and_then(|state| state.mysql.clone()) {
        return Ok(Some(address));
    }
    if !MySql::available() {
        return Ok(None);
    }
    let part = MYSQL
        .get_or_try_init(async || MySql::start(&directory("mysql").await?, DatabaseOptions::default()).await)
        .await?;
    Ok(Some(part.address().clone()))
}

/// An empty PostgreSQL database of one test.
#[derive(Debug)]
pub struct TestDatabase {
    /// The server it is on.
    pub server: PostgresAddress,
    url: String,
}

impl TestDatabase {
    /// Creates it.
    pub async fn create() -> Result<Self, DevstackError> {
        let server = postgres().await?;
        let url = server.create_test_database().await?;
        Ok(Self { server, url })
    }

    /// Its URL, password included.
    pub fn url(&self) -> &str {
        &self.url
    }
}

/// An empty RabbitMQ vhost of one test.
#[derive(Debug)]
pub struct TestVhost {
    /// The broker it is on.
    pub broker: RabbitMqAddress,
    name: String,
}

impl TestVhost {
    /// Creates it.
    pub async fn create() -> Result<Self, DevstackError> {
        let broker = rabbitmq().await?;
        let name = crate::directory::random_name("test-");
        broker.create_vhost(&name).await?;
        Ok(Self { broker, name })
    }

    /// Its name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Its URL, password included.
    pub fn url(&self) -> String {
        self.broker.url(&self.name)
    }
}

/// An empty bucket of one test.
#[derive(Debug)]
pub struct TestBucket {
    /// The server it is on.
    pub server: S3Address,
    name: String,
}

impl TestBucket {
    /// Creates it.
    pub async fn create() -> Result<Self, DevstackError> {
        let server = s3().await?;
        let name = server.create_test_bucket()?;
        Ok(Self { server, name })
    }

    /// Its name.
    pub fn name(&self) -> &str {
        &self.name
    }
}

/// An empty schema on the shared MariaDB or MySQL server, of one test.
#[derive(Debug)]
pub struct TestSchema {
    /// The server it is on.
    pub server: DatabaseAddress,
    name: String,
}

impl TestSchema {
    /// Creates it on the shared MariaDB server.
    pub async fn on_mariadb() -> Result<Self, DevstackError> {
        Self::on(mariadb().await?).await
    }

    /// Creates it on the shared MySQL server; none where MySQL is not installed.
    pub async fn on_mysql() -> Result<Option<Self>, DevstackError> {
        match mysql().await? {
            Some(server) => Self::on(server).await.map(Some),
            None => Ok(None),
        }
    }

    async fn on(server: DatabaseAddress) -> Result<Self, DevstackError> {
        let name = server.create_test_schema().await?;
        Ok(Self { server, name })
    }

    /// Its name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Connection options for the administrator with this schema as the default.
    pub fn opts(&self) -> mysql_async::Opts {
        self.server.opts_builder().db_name(Some(self.name.as_str())).into()
    }
}
