//! Messages on their way to the queue: written with the run, published afterwards.

use std::time::Duration;

use backtrail_domain::{RunKind, ServerId, TenantId};
use time::OffsetDateTime;
use uuid::Uuid;

use crate::{Store, StoreError};

/// A message to be published.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OutboxMessage {
    /// Also the message's id on the queue.
    pub id: Uuid,
    /// Which workers it is for.
    pub kind: RunKind,
    /// The run it names.
    pub run_id: Uuid,
    /// Whose.
    pub tenant_id: TenantId,
    /// The run's server.
    pub server_id: ServerId,
    /// An encoded [`Job`](backtrail_contracts::jobs::Job).
    pub payload: Vec<u8>,
    /// W3C trace context of the request that caused it.
    pub traceparent: Option<String>,
    /// When it was written.
    pub created_at: OffsetDateTime,
}

/// Takes up to `limit` unpublished messages, oldest first, that no other relay has at hand. They are this relay's for
/// `hold_for` (30 s is a good value): a relay that dies holding them delays them by no more than that.
pub async fn relay_batch(store: &Store, limit: u16, hold_for: Duration) -> Result<Vec<OutboxMessage>, StoreError> {
    todo!()
}

/// Notes that the broker confirmed these.
pub async fn mark_published(store: &Store, ids: &[Uuid]) -> Result<(), StoreError> {
    todo!()
}

/// Gives back messages that could not be published.
pub async fn release(store: &Store, ids: &[Uuid]) -> Result<(), StoreError> {
    todo!()
}

/// Messages that wait, and the age of the oldest in seconds.
pub async fn backlog(store: &Store) -> Result<(u64, u64), StoreError> {
    todo!()
}

/// Deletes messages that were published longer than `older_than` ago.
pub async fn prune(store: &Store, older_than: Duration) -> Result<u64, StoreError> {
    todo!()
}
