//! Which agent reads which source: one lease a server, so that no two replicas share a server id.

use std::time::Duration;

use backtrail_domain::{BinlogPosition, GtidSet, ServerId, TenantId, Timeline};
use time::OffsetDateTime;

use crate::{Gap, Segment, Server, Store, StoreError};

/// Proof that an agent held a server's lease when it got this.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AgentToken {
    pub(crate) server_id: ServerId,
    pub(crate) tenant_id: TenantId,
    pub(crate) fencing: i64,
}

/// A server that an agent may read now.
#[derive(Debug, Clone)]
pub struct AgentLease {
    /// The server.
    pub server: Server,
    /// Goes with every write.
    pub token: AgentToken,
    /// Where the archive ends.
    pub archive_end: Option<ArchiveEnd>,
}

/// Where a server's archive ends: the place to go on from.
#[derive(Debug, Clone, PartialEq)]
pub struct ArchiveEnd {
    /// The timeline of `position`.
    pub timeline: Timeline,
    /// The next byte to archive. Where the last segment ends with a rotate event: offset 4 of the next file.
    pub position: BinlogPosition,
    /// What had committed there, where known.
    pub gtid_set: Option<GtidSet>,
    /// The last segment.
    pub segment: Option<Segment>,
    /// The gap behind the last segment, if one is recorded there.
    pub gap: Option<Gap>,
}

/// What an agent reports every few seconds.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Heartbeat {
    /// Every transaction that committed at or before this instant (source's clock) is in a segment. `None` leaves the
    /// stored value. Never moves back within a timeline.
    pub covered_until: Option<OffsetDateTime>,
    /// The timeline being read. Needed with `covered_until`.
    pub timeline: Option<Timeline>,
    /// Where the source's log ends.
    pub source_position: Option<BinlogPosition>,
    /// The oldest file that the source still has.
    pub source_oldest_file: Option<BinlogFile>,
    /// When the source would purge what is not archived yet.
    pub binlog_expiry: Option<OffsetDateTime>,
    /// Seconds that the archive is behind the source.
    pub lag_seconds: Option<u32>,
    /// Why the agent cannot read the source, if it cannot. No secret in it.
    pub error: Option<String>,
}

use backtrail_domain::BinlogFile;

impl AgentToken {
    /// The server it is for.
    pub fn server_id(&self) -> ServerId {
        self.server_id
    }

    /// The token's number: rises with every lease of the server.
    pub fn number(&self) -> i64 {
        self.fencing
    }

    /// Says that the agent is still there. [`StoreError::LostRace`] means: stop reading at once.
    pub async fn renew(&self, store: &Store, lease_for: Duration) -> Result<(), StoreError> {
        todo!()
    }

    /// Gives the server back.
    pub async fn release(&self, store: &Store) -> Result<(), StoreError> {
        todo!()
    }

    /// Stores a report, and the time of it.
    pub async fn heartbeat(&self, store: &Store, heartbeat: &Heartbeat) -> Result<(), StoreError> {
        todo!()
    }
}

/// Takes up to `limit` servers that no agent reads, of any tenant.
pub async fn acquire(
    store: &Store,
    holder: &str,
    lease_for: Duration,
    limit: u16,
) -> Result<Vec<AgentLease>, StoreError> {
    todo!()
}

/// Where the server's archive ends; `None` before its first segment.
pub async fn archive_end(store: &Store, server_id: ServerId) -> Result<Option<ArchiveEnd>, StoreError> {
    todo!()
}
