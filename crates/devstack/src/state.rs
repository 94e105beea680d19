//! The file in which a running stack says how to reach it.

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::directory::write_secret;
use crate::error::DevstackError;
use crate::identity::ProcessIdentity;
use crate::postgres::PostgresAddress;
use crate::rabbitmq::RabbitMqAddress;
use crate::s3::S3Address;
use crate::source_server::DatabaseAddress;

/// How to reach a running stack. Holds passwords: the file has mode 0600.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct StackState {
    /// The process that holds the stack.
    pub supervisor: Option<ProcessIdentity>,
    /// The directory with everything of the stack.
    pub directory: PathBuf,
    /// PostgreSQL, when it is part of the stack.
    pub postgres: Option<PostgresAddress>,
    /// RabbitMQ, when it is part of the stack.
    pub rabbitmq: Option<RabbitMqAddress>,
    /// The S3 server, when it is part of the stack.
    pub s3: Option<S3Address>,
    /// A MariaDB server, when it is part of the stack.
    pub mariadb: Option<DatabaseAddress>,
    /// A MySQL server, when it is part of the stack.
    pub mysql: Option<DatabaseAddress>,
    /// The services, when they are part of the stack.
    pub services: Option<ServicesState>,
}

/// How to use the services of a running stack.
#[derive(Clone, Serialize, Deserialize)]
pub struct ServicesState {
    /// The URL of the gateway.
    pub gateway: String,
    /// A tenant's name.
    pub tenant: String,
    /// An API key of that tenant with all permissions.
    pub api_key: String,
    /// The bucket that the services write to.
    pub bucket: String,
    /// The health and metrics URL of each service, by the service's name.
    pub health: Vec<(String, String)>,
}

impl std::fmt::Debug for ServicesState {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(formatter, "gateway at {} for tenant {}", self.gateway, self.tenant)
    }
}

impl StackState {
    /// Writes the file; readers see the old or the new one, never half of it.
    pub fn write(&self, path: &Path) -> Result<(), DevstackError> {
        let text = serde_json::to_string_pretty(self).map_err(|error| DevstackError::File {
            action: "write",
            path: path.to_owned(),
            source: error.into(),
        })?;
        let unfinished = path.with_extension("unfinished");
        write_secret(&unfinished, &text)?;
        std::fs::rename(&unfinished, path).map_err(DevstackError::file("write", path))
    }

    /// Reads the file.
    pub fn read(path: &Path) -> Result<Self, DevstackError> {
        let text = std::fs::read_to_string(path).map_err(DevstackError::file("read", path))?;
        serde_json::from_str(&text).map_err(|error| DevstackError::File {
            action: "understand",
            path: path.to_owned(),
            source: error.into(),
        })
    }

    /// Whether the process that holds the stack still runs.
    pub fn is_running(&self) -> bool {
        self.supervisor.is_some_and(|supervisor| supervisor.is_running())
    }
}
