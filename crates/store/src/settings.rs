//! Where the database is, and the key that seals what is secret in it.

use std::time::Duration;

use backtrail_settings::{SecretSetting, parse_duration};

use crate::{SealingKey, StoreError};

backtrail_settings::secret_names! {
    /// The database: `postgres://user:password@host:port/name?sslmode=verify-full`
    pub DatabaseUrl = "BACKTRAIL_DATABASE_URL", file flag "database-url-file";
    /// The key that seals the passwords of registered servers: 64 hex digits
    pub SecretKey = "BACKTRAIL_SECRET_KEY", file flag "secret-key-file";
}

/// Settings of [`Store`](crate::Store).
#[derive(Debug, Clone, clap::Args)]
pub struct StoreSettings {
    /// Where the database is.
    #[command(flatten)]
    pub database_url: SecretSetting<DatabaseUrl>,
    /// Connections this process holds at most.
    #[arg(long, env = "BACKTRAIL_DATABASE_CONNECTIONS", default_value_t = 8, value_parser = clap::value_parser!(u16).range(1..=200))]
    pub database_connections: u16,
    /// How long to wait for a connection before an operation fails as unavailable.
    #[arg(long, env = "BACKTRAIL_DATABASE_TIMEOUT", default_value = "10s", value_parser = parse_duration)]
    pub database_timeout: Duration,
}

impl StoreSettings {
    /// The defaults with this URL.
    pub fn for_url(url: &str) -> Self {
        Self { database_url: url.into(), database_connections: 8, database_timeout: Duration::from_secs(10) }
    }
}

/// The setting for a [`SealingKey`], apart from [`StoreSettings`] since few services need it.
#[derive(Debug, Clone, clap::Args)]
pub struct SealingSettings {
    /// The key.
    #[command(flatten)]
    pub secret_key: SecretSetting<SecretKey>,
}

impl SealingSettings {
    /// Reads the key.
    ///
    /// # Errors
    /// It is not set, or is not 64 hex digits.
    pub fn resolve(&self) -> Result<SealingKey, StoreError> {
        let text = self.secret_key.required().map_err(|source| StoreError::Settings { source })?;
        SealingKey::from_hex(&text)
    }
}
