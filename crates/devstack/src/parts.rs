//! Several parts in one directory, started side by side.

use std::path::Path;

use crate::directory::StackDirectory;
use crate::error::DevstackError;
use crate::identity::ProcessIdentity;
use crate::mariadb::MariaDb;
use crate::mysql::MySql;
use crate::postgres::Postgres;
use crate::rabbitmq::RabbitMq;
use crate::s3::S3;
use crate::source_server::DatabaseOptions;
use crate::state::StackState;

/// A kind of part.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Part {
    /// PostgreSQL.
    Postgres,
    /// RabbitMQ.
    #[value(name = "rabbitmq")]
    RabbitMq,
    /// The S3 server.
    S3,
    /// A MariaDB server.
    #[value(name = "mariadb")]
    MariaDb,
    /// A MySQL server.
    #[value(name = "mysql")]
    MySql,
}

impl Part {
    /// Every part that can be started on this machine: MySQL only when it is installed.
    pub fn all_available() -> Vec<Self> {
        let mut parts = vec![Self::Postgres, Self::RabbitMq, Self::S3, Self::MariaDb];
        if MySql::available() {
            parts.push(Self::MySql);
        }
        parts
    }
}

/// The parts of one stack. Dropping it stops them and removes the directory.
#[derive(Debug)]
pub struct Parts {
    /// PostgreSQL, when chosen.
    pub postgres: Option<Postgres>,
    /// RabbitMQ, when chosen.
    pub rabbitmq: Option<RabbitMq>,
    /// The S3 server, when chosen.
    pub s3: Option<S3>,
    /// A MariaDB server, when chosen.
    pub mariadb: Option<MariaDb>,
    /// A MySQL server, when chosen.
    pub mysql: Option<MySql>,
    // Last, so that it is removed after everything in it has stopped.
    directory: StackDirectory,
}

impl Parts {
    /// Starts the chosen parts in a new directory and waits until all of them answer.
    pub async fn start(label: &str, parts: &[Part]) -> Result<Self, DevstackError> {
        let directory = StackDirectory::create(label)?;
        let at = |name: &str| directory.path().join(name);
        let (postgres, rabbitmq, s3, mariadb, mysql) = tokio::try_join!(
            async {
                if !parts.contains(&Part::Postgres) {
                    return Ok(None);
                }
                Postgres::start(&at("postgres")).await.map(Some)
            },
            async {
                if !parts.contains(&Part::RabbitMq) {
                    return Ok(None);
                }
                RabbitMq::start(&at("rabbitmq")).await.map(Some)
            },
            async {
                if !parts.contains(&Part::S3) {
                    return Ok(None);
                }
                S3::start(&at("s3")).await.map(Some)
            },
            async {
                if !parts.contains(&Part::MariaDb) {
                    return Ok(None);
                }
                MariaDb::start(&at("mariadb"), DatabaseOptions::default()).await.map(Some)
            },
            async {
                if !parts.contains(&Part::MySql) {
                    return Ok(None);
                }
                MySql::start(&at("mysql"), DatabaseOptions { server_id: 2, ..DatabaseOptions::default() })
                    .await
                    .map(Some)
            },
        )?;
        Ok(Self { postgres, rabbitmq, s3, mariadb, mysql, directory })
    }

    /// The directory with the data and logs of all parts.
    pub fn directory(&self) -> &Path {
        self.directory.path()
    }

    /// Leaves the directory behind when the parts are dropped.
    pub fn keep_directory(&mut self) {
        self.directory.keep();
    }

    /// How others can reach the parts.
    pub fn state(&self) -> StackState {
        StackState {
            supervisor: ProcessIdentity::current(),
            directory: self.directory().to_owned(),
            postgres: self.postgres.as_ref().map(|part| part.address().clone()),
            rabbitmq: self.rabbitmq.as_ref().map(|part| part.address().clone()),
            s3: self.s3.as_ref().map(|part| part.address().clone()),
            mariadb: self.mariadb.as_ref().map(|part| part.address().clone()),
            mysql: self.mysql.as_ref().map(|part| part.address().clone()),
            services: None,
        }
    }
}
