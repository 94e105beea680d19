//! The same `Idempotency-Key` and body give the first answer again for 24 hours.

use backtrail_domain::TenantId;

use crate::{Store, StoreError};

/// What is known of a key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Begun {
    /// Not seen before: do the work, then call [`finish`], or [`abandon`] if nothing came of it.
    First,
    /// Done before: give this answer.
    Replay(Answer),
    /// The first request is still being worked on.
    InProgress,
    /// Seen with another request: refuse.
    Mismatch,
}

/// An answer as it was given.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    /// HTTP status.
    pub status: u16,
    /// Content type of the body.
    pub content_type: String,
    /// Body.
    pub body: Vec<u8>,
}

/// Notes that work on a request begins. `request_sha256` covers method, path and body. A first request that has been
/// neither finished nor abandoned for a minute is taken for dead.
pub async fn begin(
    store: &Store,
    tenant_id: TenantId,
    key: &str,
    request_sha256: &[u8; 32],
) -> Result<Begun, StoreError> {
    todo!()
}

/// Keeps the answer for 24 hours.
pub async fn finish(store: &Store, tenant_id: TenantId, key: &str, answer: &Answer) -> Result<(), StoreError> {
    todo!()
}

/// Forgets a key whose request came to nothing, so that it can be repeated.
pub async fn abandon(store: &Store, tenant_id: TenantId, key: &str) -> Result<(), StoreError> {
    todo!()
}

/// Forgets keys older than 24 hours.
pub async fn prune(store: &Store) -> Result<u64, StoreError> {
    todo!()
}
