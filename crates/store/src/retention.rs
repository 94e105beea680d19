//! The facts that retention decides on.

use backtrail_domain::ServerId;

use crate::{Store, StoreError};

/// Servers that have backups or segments, removed ones included.
pub async fn servers(store: &Store) -> Result<Vec<ServerId>, StoreError> {
    todo!()
}
