//! Every key prefix that a run's try ever took, and those that wait for deletion.

use std::time::Duration;

use backtrail_domain::RunKind;
use time::OffsetDateTime;
use uuid::Uuid;

use crate::{Store, StoreError};

/// The rule: a prefix is taken once.
pub const UNIQUE_PREFIX: &str = "prefixes_pkey";

/// A prefix whose objects belong to no result (any more).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Orphan {
    /// Ends with `/`.
    pub key_prefix: String,
    /// The run whose try took it.
    pub run_id: Uuid,
    /// That run's kind.
    pub kind: RunKind,
    /// Since when it belongs to nothing.
    pub orphaned_at: OffsetDateTime,
}

/// Prefixes to delete, oldest first. `after` is how long to leave a prefix alone: a worker that lost its lease may still
/// be writing below it (15 minutes is a good value).
pub async fn orphans(store: &Store, after: Duration, limit: u16) -> Result<Vec<Orphan>, StoreError> {
    todo!()
}

/// Notes that nothing is left below the prefix.
pub async fn deleted(store: &Store, key_prefix: &str) -> Result<(), StoreError> {
    todo!()
}
