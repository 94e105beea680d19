//! PITR runs.

use std::ops::Deref;
use std::time::Duration;

use backtrail_domain::{BackupId, BinlogPosition, CutTarget, GtidSet, PitrId, ServerId, TenantId};
use serde_json::Value as Json;
use time::OffsetDateTime;

use crate::runs::RunRecord;
use crate::{Claim, FencingToken, Page, RunFilter, Store, StoreError};

/// A PITR run: what runs have in common (by `Deref`), and what only PITR has.
#[derive(Debug, Clone, PartialEq)]
pub struct PitrRun {
    /// What runs have in common.
    pub run: RunRecord,
    /// Id.
    pub id: PitrId,
    /// Where to stop.
    pub target: CutTarget,
    /// The tables asked for, as they were written; `None` for all.
    pub tables_filter: Option<String>,
    /// Whether to go on across gaps.
    pub allow_gaps: bool,
    /// The baseline it starts from, once chosen.
    pub baseline_id: Option<BackupId>,
    /// What would be done, as printed by the plan endpoint.
    pub plan: Option<Json>,
    /// The engine's accounts.
    pub report: Option<Json>,
    /// What the target came down to.
    pub cut: Option<BinlogPosition>,
    /// What had committed there.
    pub cut_gtid_set: Option<GtidSet>,
}

impl Deref for PitrRun {
    type Target = RunRecord;

    fn deref(&self) -> &RunRecord {
        &self.run
    }
}

/// A PITR to be made.
#[derive(Debug, Clone)]
pub struct NewPitr {
    /// Whose.
    pub tenant_id: TenantId,
    /// What to rebuild.
    pub server_id: ServerId,
    /// Where to stop.
    pub target: CutTarget,
    /// The tables asked for, as they were written; `None` for all.
    pub tables_filter: Option<String>,
    /// Whether to go on across gaps.
    pub allow_gaps: bool,
    /// The baseline that planning chose: retention leaves it alone while the run is running.
    pub baseline_id: Option<BackupId>,
    /// W3C trace context of the request.
    pub traceparent: Option<String>,
}

/// What a PITR's worker made.
#[derive(Debug, Clone)]
pub struct PitrOutcome {
    /// Stored bytes.
    pub size_bytes: u64,
    /// Stored objects.
    pub file_count: u64,
    /// The manifest as stored.
    pub manifest: Json,
    /// The engine's accounts.
    pub report: Json,
    /// What the target came down to.
    pub cut: BinlogPosition,
    /// What had committed there.
    pub cut_gtid_set: Option<GtidSet>,
    /// What a client should know.
    pub warnings: Vec<String>,
}

impl PitrRun {
    /// Makes a run and its message in one transaction. A second one for a server while one runs is a
    /// [`StoreError::Conflict`] with [`ONE_RUNNING_PITR`](crate::runs::ONE_RUNNING_PITR); a server that is not the
    /// tenant's, or was removed, is [`StoreError::NotFound`].
    pub async fn create(store: &Store, new: NewPitr) -> Result<Self, StoreError> {
        todo!()
    }

    /// The tenant's PITR of that server and id.
    pub async fn find(
        store: &Store,
        tenant_id: TenantId,
        server_id: ServerId,
        id: PitrId,
    ) -> Result<Option<Self>, StoreError> {
        todo!()
    }

    /// The PITR of that id, of any tenant: for services.
    pub async fn by_id(store: &Store, id: PitrId) -> Result<Option<Self>, StoreError> {
        todo!()
    }

    /// A page of PITR runs, newest first.
    pub async fn list(store: &Store, filter: &RunFilter) -> Result<Page<Self>, StoreError> {
        todo!()
    }

    /// Takes the run for `holder` if it waits; `None` if it does not (any more): then the message is of no use.
    pub async fn claim(
        store: &Store,
        id: PitrId,
        holder: &str,
        lease_for: Duration,
    ) -> Result<Option<Claim<Self>>, StoreError> {
        todo!()
    }

    /// Stores the plan and the baseline that it starts from. A baseline that has expired meanwhile is
    /// [`StoreError::NotFound`].
    pub async fn set_plan(
        store: &Store,
        token: &FencingToken,
        baseline_id: BackupId,
        plan: &Json,
    ) -> Result<(), StoreError> {
        todo!()
    }

    /// Ends the run with its result. The manifest must be stored before.
    pub async fn complete(store: &Store, token: &FencingToken, outcome: PitrOutcome) -> Result<Self, StoreError> {
        todo!()
    }

    /// As [`BackupRun::request_cancel`](crate::BackupRun::request_cancel).
    pub async fn request_cancel(
        store: &Store,
        tenant_id: TenantId,
        server_id: ServerId,
        id: PitrId,
    ) -> Result<Self, StoreError> {
        todo!()
    }
}
