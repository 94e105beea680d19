//! What can be recovered: the archive's range and health, and the facts that planning works on.

use backtrail_domain::{ChainFacts, ServerId, TenantId, Timeline};
use time::OffsetDateTime;

use crate::{BackupRun, Gap, Store, StoreError};

/// An agent counts as unreachable when its last heartbeat is older than this, in seconds.
pub const HEARTBEAT_TIMEOUT_SECONDS: i64 = 30;

/// A server's archive in numbers.
#[derive(Debug, Clone, PartialEq)]
pub struct Coverage {
    /// Commit time of the first archived row change.
    pub oldest_event: Option<OffsetDateTime>,
    /// Commit time of the last one.
    pub latest_event: Option<OffsetDateTime>,
    /// Archived row changes.
    pub total_events: u64,
    /// Everything that committed until then is archived.
    pub covered_until: Option<OffsetDateTime>,
    /// The timeline that the agent reads.
    pub timeline: Option<Timeline>,
    /// Oldest first.
    pub gaps: Vec<Gap>,
    /// Completed backups with coordinates that are consistent and not expired, oldest first.
    pub baselines: Vec<BackupRun>,
    /// Seconds from `covered_until` to now.
    pub lag_seconds: Option<u64>,
    /// When the source would purge what is not archived.
    pub binlog_expiry: Option<OffsetDateTime>,
    /// Whether the agent's heartbeat is younger than [`HEARTBEAT_TIMEOUT_SECONDS`] and reports no error.
    pub available: bool,
    /// The agent's last heartbeat.
    pub heartbeat_at: Option<OffsetDateTime>,
    /// Why the agent cannot read the source.
    pub error: Option<String>,
    /// Archived segments, and their stored bytes.
    pub segments: u64,
    /// See `segments`.
    pub segment_bytes: u64,
}

impl Coverage {
    /// Sums up a server's archive. For a server of another tenant everything is empty.
    pub async fn of(store: &Store, tenant_id: TenantId, server_id: ServerId) -> Result<Self, StoreError> {
        todo!()
    }
}

/// The facts for [`backtrail_domain::chain`], and the database's time they were read at. One consistent snapshot.
pub async fn chain_facts(
    store: &Store,
    tenant_id: TenantId,
    server_id: ServerId,
) -> Result<(ChainFacts, OffsetDateTime), StoreError> {
    todo!()
}
