//! Stretches of binary log that are known to be missing.

use backtrail_domain::{BinlogPosition, GapFact, ServerId, TenantId, Timeline};
use time::OffsetDateTime;
use uuid::Uuid;

use crate::{AgentToken, Store, StoreError};

/// A gap.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Gap {
    /// Id.
    pub id: Uuid,
    /// Whose.
    pub tenant_id: TenantId,
    /// The source server.
    pub server_id: ServerId,
    /// What is missing and why.
    pub content: NewGap,
    /// When it was noticed.
    pub detected_at: OffsetDateTime,
}

/// A gap as its agent describes it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewGap {
    /// The timeline in which the archive ends.
    pub from_timeline: Timeline,
    /// Where the archive ends.
    pub from: BinlogPosition,
    /// The timeline in which it goes on: another one after `RESET MASTER` or on a rebuilt server.
    pub to_timeline: Timeline,
    /// Where it goes on.
    pub to: BinlogPosition,
    /// Time of the last commit before it.
    pub from_time: Option<OffsetDateTime>,
    /// Time of the first commit after it, where known.
    pub to_time: Option<OffsetDateTime>,
    /// Why, in a few words: `purged by the source`, `RESET MASTER`, `another server answers`.
    pub cause: String,
}

impl Gap {
    /// Records a gap before there is a segment behind it: an agent that goes on behind a hole says so before its next
    /// heartbeat. The next segment must begin at the gap's end.
    pub async fn record(store: &Store, token: &AgentToken, new: NewGap) -> Result<Self, StoreError> {
        todo!()
    }

    /// The server's gaps, oldest first.
    pub async fn list(store: &Store, tenant_id: TenantId, server_id: ServerId) -> Result<Vec<Self>, StoreError> {
        todo!()
    }
}
