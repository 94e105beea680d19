//! The pool of connections, and the database's schema.

use crate::{StoreError, StoreSettings};

/// The database. Cheap to clone; all clones share one pool.
#[derive(Clone)]
pub struct Store {}

impl Store {
    /// Makes the pool and proves that the database answers. Does not migrate.
    ///
    /// # Errors
    /// Unusable settings, or no database there.
    pub async fn connect(settings: &StoreSettings) -> Result<Self, StoreError> {
        todo!()
    }

    /// Brings the schema up to date. Safe to call from several processes at once.
    ///
    /// # Errors
    /// The database is not there, or a migration failed (nothing of it remains).
    pub async fn migrate(&self) -> Result<(), StoreError> {
        todo!()
    }

    /// Whether the schema is the one that this code was written for. For readiness checks.
    ///
    /// # Errors
    /// The database is not there.
    pub async fn is_migrated(&self) -> Result<bool, StoreError> {
        todo!()
    }

    /// Proves that the database answers. For readiness checks.
    ///
    /// # Errors
    /// It does not.
    pub async fn ping(&self) -> Result<(), StoreError> {
        todo!()
    }
}
