//! PITR runs.

use std::ops::Deref;
use std::time::Duration;

use backtrail_domain::run::RunEvent;
use backtrail_domain::{BackupId, BinlogPosition, CutTarget, GtidSet, PitrId, RunKind, RunStatus, ServerId, TenantId};
use diesel::prelude::*;
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use serde_json::Value as Json;
use uuid::Uuid;

use crate::idempotency::{self, Kept};
use crate::row::bigint;
use crate::run_list::{self, NamedRow};
use crate::run_row::{RunPatch, RunRow, apply, put_message};
use crate::runs::{self as mechanics, RunRecord};
use crate::schema::runs;
use crate::{Claim, FencingToken, Page, RunFilter, Store, StoreError, servers};

/// What [`StoreError::NotFound`] names when the baseline of a PITR is none (any more).
pub const BASELINE: &str = "baseline";

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
    /// How far it went: all of it.
    pub progress: Json,
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
    /// So is, under the name [`BASELINE`], a baseline that has expired meanwhile.
    pub async fn create(store: &Store, new: NewPitr) -> Result<Self, StoreError> {
        Self::create_answered(store, new, |_| Ok(None)).await
    }

    /// [`create`](Self::create), with the answer to the request that asked for it in the same transaction.
    pub async fn create_answered(
        store: &Store,
        new: NewPitr,
        answer: impl FnOnce(PitrId) -> Result<Option<Kept>, StoreError>,
    ) -> Result<Self, StoreError> {
        let mut transaction = store.begin().await?;
        let made = async {
            let id = insert(&mut transaction, new).await?;
            idempotency::keep(&mut transaction, answer(id)?.as_ref()).await?;
            Ok(id)
        };
        let made = made.await;
        let id = transaction.end(made).await?;
        Self::existing(store, id).await
    }

    /// The tenant's PITR of that server and id.
    pub async fn find(
        store: &Store,
        tenant_id: TenantId,
        server_id: ServerId,
        id: PitrId,
    ) -> Result<Option<Self>, StoreError> {
        let row = run_list::find(&mut *store.connection().await?, RunKind::Pitr, Some(tenant_id), id.0).await?;
        row.filter(|(row, _)| row.server_id == server_id.0).map(Self::try_from).transpose()
    }

    /// The PITR of that id, of any tenant: for services.
    pub async fn by_id(store: &Store, id: PitrId) -> Result<Option<Self>, StoreError> {
        let row = run_list::find(&mut *store.connection().await?, RunKind::Pitr, None, id.0).await?;
        row.map(Self::try_from).transpose()
    }

    /// A page of PITR runs, newest first.
    pub async fn list(store: &Store, filter: &RunFilter) -> Result<Page<Self>, StoreError> {
        let page = run_list::list(store, RunKind::Pitr, filter).await?;
        let items = page.items.into_iter().map(Self::try_from).collect::<Result<_, _>>()?;
        Ok(Page { items, next: page.next })
    }

    /// Takes the run for `holder` if it waits; `None` if it does not (any more): then the message is of no use.
    pub async fn claim(
        store: &Store,
        id: PitrId,
        holder: &str,
        lease_for: Duration,
    ) -> Result<Option<Claim<Self>>, StoreError> {
        let Some(token) = mechanics::claim(store, RunKind::Pitr, id.0, holder, lease_for).await? else {
            return Ok(None);
        };
        Ok(Some(Claim { run: Self::existing(store, id).await?, token }))
    }

    /// Stores the plan and the baseline that it starts from. A baseline that has expired meanwhile is
    /// [`StoreError::NotFound`].
    pub async fn set_plan(
        store: &Store,
        token: &FencingToken,
        baseline_id: BackupId,
        plan: &Json,
    ) -> Result<(), StoreError> {
        let mut transaction = store.begin().await?;
        let planned = plan_in(&mut transaction, token, baseline_id, plan).await;
        transaction.end(planned).await
    }

    /// Ends the run with its result. The manifest must be stored before.
    pub async fn complete(store: &Store, token: &FencingToken, outcome: PitrOutcome) -> Result<Self, StoreError> {
        let mut transaction = store.begin().await?;
        let completed = finish(&mut transaction, token, outcome).await;
        transaction.end(completed).await?;
        Self::existing(store, PitrId(token.run)).await
    }

    /// As [`BackupRun::request_cancel`](crate::BackupRun::request_cancel).
    pub async fn request_cancel(
        store: &Store,
        tenant_id: TenantId,
        server_id: ServerId,
        id: PitrId,
    ) -> Result<Self, StoreError> {
        mechanics::request_cancel(store, RunKind::Pitr, tenant_id, Some(server_id), id.0).await?;
        Self::existing(store, id).await
    }

    async fn existing(store: &Store, id: PitrId) -> Result<Self, StoreError> {
        Self::by_id(store, id).await?.ok_or_else(|| StoreError::NotFound { what: "PITR", id: id.to_string() })
    }
}

async fn insert(connection: &mut AsyncPgConnection, new: NewPitr) -> Result<PitrId, StoreError> {
    servers::hold(connection, new.tenant_id, new.server_id).await?;
    if let Some(baseline_id) = new.baseline_id {
        hold_baseline(connection, new.server_id.0, baseline_id).await?;
    }
    let (time, gtid, position) = match &new.target {
        CutTarget::Time(time) => (Some(*time), None, None),
        CutTarget::Gtid(set) => (None, Some(set.to_string()), None),
        CutTarget::Position(position) => (None, None, Some(position.to_string())),
    };
    let row: RunRow = diesel::insert_into(runs::table)
        .values((
            runs::id.eq(Uuid::now_v7()),
            runs::kind.eq(RunKind::Pitr.as_str()),
            runs::tenant_id.eq(new.tenant_id.0),
            runs::server_id.eq(new.server_id.0),
            runs::target_time.eq(time),
            runs::target_gtid.eq(gtid),
            runs::target_position.eq(position),
            runs::tables_filter.eq(new.tables_filter),
            runs::allow_gaps.eq(new.allow_gaps),
            runs::baseline_id.eq(new.baseline_id.map(|id| id.0)),
            runs::traceparent.eq(run_list::traceparent(new.traceparent)),
        ))
        .returning(RunRow::as_returning())
        .get_result(connection)
        .await?;
    put_message(connection, &row).await?;
    Ok(PitrId(row.id))
}

/// Proves that the baseline is one of the server's and has not expired, and keeps it so until the transaction ends: from
/// then on the PITR's row keeps it.
async fn hold_baseline(connection: &mut AsyncPgConnection, server_id: Uuid, id: BackupId) -> Result<(), StoreError> {
    let found: Option<Uuid> = runs::table
        .find(id.0)
        .filter(runs::kind.eq(RunKind::Backup.as_str()))
        .filter(runs::server_id.eq(server_id))
        .filter(runs::status.eq(RunStatus::Completed.as_str()))
        .filter(runs::expired_at.is_null())
        .select(runs::id)
        .for_share()
        .first(connection)
        .await
        .optional()?;
    found.map(|_| ()).ok_or_else(|| StoreError::NotFound { what: BASELINE, id: id.to_string() })
}

async fn plan_in(
    connection: &mut AsyncPgConnection,
    token: &FencingToken,
    baseline_id: BackupId,
    plan: &Json,
) -> Result<(), StoreError> {
    let row = token.hold(connection).await?;
    hold_baseline(connection, row.server_id, baseline_id).await?;
    diesel::update(runs::table.find(row.id))
        .set((runs::baseline_id.eq(baseline_id.0), runs::plan.eq(plan)))
        .execute(connection)
        .await?;
    Ok(())
}

async fn finish(
    connection: &mut AsyncPgConnection,
    token: &FencingToken,
    outcome: PitrOutcome,
) -> Result<(), StoreError> {
    let row = token.hold(connection).await?;
    let patch = RunPatch {
        size_bytes: Some(bigint("size_bytes", outcome.size_bytes)?),
        file_count: Some(bigint("file_count", outcome.file_count)?),
        manifest: Some(outcome.manifest),
        progress: Some(outcome.progress),
        warnings: Some(outcome.warnings),
        ..RunPatch::default()
    };
    // Before the move: a completed row without these is refused.
    diesel::update(runs::table.find(row.id))
        .set((
            runs::report.eq(outcome.report),
            runs::cut.eq(outcome.cut.to_string()),
            runs::cut_gtid_set.eq(outcome.cut_gtid_set.map(|set| set.to_string())),
        ))
        .execute(connection)
        .await?;
    apply(connection, row, RunEvent::Succeed, patch).await?;
    Ok(())
}

impl TryFrom<NamedRow> for PitrRun {
    type Error = StoreError;

    fn try_from((row, server_name): NamedRow) -> Result<Self, StoreError> {
        let name = row.name();
        let run = row.record(server_name)?;
        let gtid = name.parse_some("target_gtid", row.target_gtid.as_deref())?.map(CutTarget::Gtid);
        let position = name.parse_some("target_position", row.target_position.as_deref())?.map(CutTarget::Position);
        let target = row.target_time.map(CutTarget::Time).or(gtid).or(position);
        Ok(Self {
            run,
            id: PitrId(row.id),
            target: target.ok_or_else(|| name.corrupt("target_time", "nothing"))?,
            tables_filter: row.tables_filter,
            allow_gaps: row.allow_gaps,
            baseline_id: row.baseline_id.map(BackupId),
            plan: row.plan,
            report: row.report,
            cut: name.parse_some("cut", row.cut.as_deref())?,
            cut_gtid_set: name.gtid_set("cut_gtid_set", row.cut_gtid_set.as_deref())?,
        })
    }
}
