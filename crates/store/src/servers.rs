//! Registered MySQL and MariaDB servers.

use backtrail_domain::{ServerId, TenantId};
use secrecy::SecretString;
use serde_json::Value as Json;
use time::OffsetDateTime;

use crate::{SealingKey, Store, StoreError};

/// A registered server.
#[derive(Debug, Clone, PartialEq)]
pub struct Server {
    /// Id.
    pub id: ServerId,
    /// Whose.
    pub tenant_id: TenantId,
    /// Unique among the tenant's servers that are not deleted.
    pub name: String,
    /// Host name or address.
    pub host: String,
    /// TCP port.
    pub port: u16,
    /// Account.
    pub username: String,
    /// Its password, sealed; see [`SealingKey::unseal`].
    pub sealed_password: Option<Vec<u8>>,
    /// `disabled`, `preferred`, `required`, `verify_ca` or `verify_identity`.
    pub tls_mode: String,
    /// PEM certificates that its certificate must come from.
    pub tls_ca: Option<String>,
    /// The last preflight's report.
    pub preflight: Option<Json>,
    /// When that was.
    pub preflight_at: Option<OffsetDateTime>,
    /// A number of its own among all servers, from 1: for what needs a small unique number, such as a replica's server id.
    pub number: u32,
    /// When it was registered.
    pub created_at: OffsetDateTime,
    /// When it was last changed.
    pub updated_at: OffsetDateTime,
    /// When it was removed: its history stays.
    pub deleted_at: Option<OffsetDateTime>,
}

/// A server to be registered.
#[derive(Debug, Clone)]
pub struct NewServer {
    /// Whose.
    pub tenant_id: TenantId,
    /// Unique among the tenant's servers.
    pub name: String,
    /// Host name or address.
    pub host: String,
    /// TCP port.
    pub port: u16,
    /// Account.
    pub username: String,
    /// Its password: sealed before it is stored.
    pub password: Option<SecretString>,
    /// See [`Server::tls_mode`].
    pub tls_mode: String,
    /// See [`Server::tls_ca`].
    pub tls_ca: Option<String>,
}

/// What to change of a server; `None` leaves a field as it is.
#[derive(Debug, Clone, Default)]
pub struct ServerChanges {
    /// New name.
    pub name: Option<String>,
    /// New host. Without a new password the saved one is forgotten: it was given for the old host.
    pub host: Option<String>,
    /// New port. As for `host`.
    pub port: Option<u16>,
    /// New account.
    pub username: Option<String>,
    /// New password, or none.
    pub password: Option<Option<SecretString>>,
    /// New TLS mode.
    pub tls_mode: Option<String>,
    /// New CA, or none.
    pub tls_ca: Option<Option<String>>,
}

impl Server {
    /// Registers a server. A name that exists is a [`StoreError::Conflict`] with [`UNIQUE_NAME`].
    pub async fn create(store: &Store, key: &SealingKey, new: NewServer) -> Result<Self, StoreError> {
        todo!()
    }

    /// The tenant's server of that id, unless it was removed.
    pub async fn find(store: &Store, tenant_id: TenantId, id: ServerId) -> Result<Option<Self>, StoreError> {
        todo!()
    }

    /// The server of that id, of any tenant, removed or not: for services that work on behalf of a run.
    pub async fn by_id(store: &Store, id: ServerId) -> Result<Option<Self>, StoreError> {
        todo!()
    }

    /// The tenant's servers by name, without removed ones.
    pub async fn list(store: &Store, tenant_id: TenantId) -> Result<Vec<Self>, StoreError> {
        todo!()
    }

    /// Changes a server. Only a changed host or port without a new password loses the saved password.
    pub async fn update(
        store: &Store,
        key: &SealingKey,
        tenant_id: TenantId,
        id: ServerId,
        changes: ServerChanges,
    ) -> Result<Self, StoreError> {
        todo!()
    }

    /// Removes a server: it is no longer listed, its schedules are disabled, its agent's lease ends, its password is
    /// forgotten. Its runs and archive stay. A second removal is [`StoreError::NotFound`].
    pub async fn soft_delete(store: &Store, tenant_id: TenantId, id: ServerId) -> Result<(), StoreError> {
        todo!()
    }

    /// Stores a preflight's report.
    pub async fn set_preflight(store: &Store, id: ServerId, report: &Json) -> Result<(), StoreError> {
        todo!()
    }
}

/// The rule that a server's name is unique among its tenant's.
pub const UNIQUE_NAME: &str = "servers_name";
