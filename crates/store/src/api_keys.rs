//! API keys: only their SHA-256 is stored.

use backtrail_domain::{ApiKeyId, Permission, Role, TenantId};
use time::OffsetDateTime;

use crate::{Store, StoreError};

/// What is known of an API key. Not the key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ApiKey {
    /// Id.
    pub id: ApiKeyId,
    /// Whose.
    pub tenant_id: TenantId,
    /// For people.
    pub name: String,
    /// The key's first characters, to tell keys apart.
    pub prefix: String,
    /// What it may do.
    pub permissions: Vec<Permission>,
    /// The role its permissions came from, where they came from one.
    pub role: Option<Role>,
    /// When it was made.
    pub created_at: OffsetDateTime,
    /// When it ceases to be valid.
    pub expires_at: Option<OffsetDateTime>,
    /// When it was last used, to the minute.
    pub last_used_at: Option<OffsetDateTime>,
    /// When it was revoked.
    pub revoked_at: Option<OffsetDateTime>,
}

/// A key to be stored.
#[derive(Debug, Clone)]
pub struct NewApiKey {
    /// Whose.
    pub tenant_id: TenantId,
    /// For people.
    pub name: String,
    /// The key's first characters.
    pub prefix: String,
    /// SHA-256 of the whole key.
    pub sha256: [u8; 32],
    /// What it may do.
    pub permissions: Vec<Permission>,
    /// The role its permissions came from.
    pub role: Option<Role>,
    /// When it ceases to be valid.
    pub expires_at: Option<OffsetDateTime>,
}

impl ApiKey {
    /// Stores a key.
    pub async fn create(store: &Store, new: NewApiKey) -> Result<Self, StoreError> {
        todo!()
    }

    /// The key with that sum, if it is valid now: neither revoked nor expired. Notes its use, at most once a minute.
    pub async fn authenticate(store: &Store, sha256: &[u8; 32]) -> Result<Option<Self>, StoreError> {
        todo!()
    }

    /// A tenant's keys, newest first, revoked ones included.
    pub async fn list(store: &Store, tenant_id: TenantId) -> Result<Vec<Self>, StoreError> {
        todo!()
    }

    /// Makes a key invalid from now on. Revoking it again changes nothing.
    pub async fn revoke(store: &Store, tenant_id: TenantId, id: ApiKeyId) -> Result<Self, StoreError> {
        todo!()
    }
}
