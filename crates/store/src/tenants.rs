//! Customers.

use backtrail_domain::TenantId;
use time::OffsetDateTime;

use crate::{Store, StoreError};

/// A customer: owns servers, keys, schedules and runs, and sees nobody else's.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tenant {
    /// Id.
    pub id: TenantId,
    /// Unique name.
    pub name: String,
    /// When it was made.
    pub created_at: OffsetDateTime,
}

impl Tenant {
    /// Makes a tenant. A name that exists is a [`StoreError::Conflict`] with [`UNIQUE_NAME`].
    pub async fn create(store: &Store, name: &str) -> Result<Self, StoreError> {
        todo!()
    }

    /// All, by name.
    pub async fn list(store: &Store) -> Result<Vec<Self>, StoreError> {
        todo!()
    }

    /// The one of that name.
    pub async fn by_name(store: &Store, name: &str) -> Result<Option<Self>, StoreError> {
        todo!()
    }

    /// The one of that id.
    pub async fn find(store: &Store, id: TenantId) -> Result<Option<Self>, StoreError> {
        todo!()
    }
}

/// The rule that a tenant's name is unique.
pub const UNIQUE_NAME: &str = "tenants_name";
