//! What can be recovered of a server.

use actix_web::{HttpResponse, get, web};
use backtrail_domain::BackupId;
use backtrail_store::{CompletedBackup, Coverage, Gap};
use serde::Serialize;
use utoipa::ToSchema;

use crate::app::State;
use crate::auth::{Authorized, BackupCreate};
use crate::chain;
use crate::input::{Path, path_ids};
use crate::openapi::problems;
use crate::problem::Problem;
use crate::routes::pitr::known_server;
use crate::times::{Bare, Exact, Seconds};

path_ids! {
    /// Names a server.
    ServerPath {
        /// The server.
        server_id: backtrail_domain::ServerId,
    }
}

problems! {
    CoverageProblems = [NotFound, ValidationFailed];
}

/// What is archived of a server's binary log, and what can be recovered with its backups.
#[derive(Serialize, ToSchema)]
#[schema(as = Coverage, example = json!({
    "oldest_event": "2026-03-16T01:00:00", "latest_event": "2026-04-13T14:12:38", "total_events": 132193,
    "available": true, "covered_until": "2026-04-13T14:14:28.000123Z", "lag_seconds": 2,
    "binlog_expiry": "2026-05-13T14:12:38Z", "heartbeat_at": "2026-04-13T14:14:30Z", "error": null, "segments": 4120,
    "segment_bytes": 734003200, "gaps": [],
    "recoverable_windows": [{ "from": "2026-04-01T02:00:04Z", "to": "2026-04-13T14:14:28.000123Z" }],
    "baselines": [{
        "id": "8a6e0804-2bd0-4672-b79d-d97027f9071a", "consistent_at": "2026-04-01T02:00:04Z",
        "position": "binlog.000012:4711", "size_bytes": 26000000,
    }],
}))]
struct CoverageView {
    /// Commit time of the first archived row change: UTC, without an offset.
    #[schema(value_type = Option<String>, example = "2026-03-16T01:00:00")]
    oldest_event: Option<Bare>,
    /// Commit time of the last archived row change: UTC, without an offset.
    #[schema(value_type = Option<String>, example = "2026-04-13T14:12:38")]
    latest_event: Option<Bare>,
    /// Archived row changes.
    total_events: u64,
    /// Whether the agent is there: its heartbeat is younger than 30 seconds. When it is not, the last known range is
    /// given still. An agent that is there but cannot read the source says why in `error`.
    available: bool,
    /// Everything that committed until then is archived, also when nothing did.
    #[schema(value_type = Option<String>, format = DateTime)]
    covered_until: Option<Exact>,
    /// Seconds from `covered_until` to now.
    lag_seconds: Option<u64>,
    /// When the source would purge binary log that is not archived yet.
    #[schema(value_type = Option<String>, format = DateTime)]
    binlog_expiry: Option<Seconds>,
    /// The agent's last heartbeat.
    #[schema(value_type = Option<String>, format = DateTime)]
    heartbeat_at: Option<Seconds>,
    /// Why the agent cannot read the source.
    error: Option<String>,
    /// Archived segments.
    segments: u64,
    /// Their stored bytes.
    segment_bytes: u64,
    /// Stretches of binary log that are known to be missing, oldest first.
    gaps: Vec<GapView>,
    /// Ranges of targets that a PITR can reach without `allow_gaps`: baseline and binary log together. Oldest first.
    recoverable_windows: Vec<WindowView>,
    /// Backups that a PITR can start from, oldest first.
    baselines: Vec<BaselineView>,
}

/// A stretch of binary log that is missing.
#[derive(Serialize, ToSchema)]
#[schema(as = Gap)]
pub(crate) struct GapView {
    /// What is archived ends here, `file:position`.
    #[schema(example = "binlog.000012:4711")]
    pub(crate) from: String,
    /// And goes on here.
    #[schema(example = "binlog.000014:4")]
    pub(crate) to: String,
    /// Time of the last commit before it.
    #[schema(value_type = Option<String>, format = DateTime)]
    pub(crate) from_time: Option<Exact>,
    /// Time of the first commit after it.
    #[schema(value_type = Option<String>, format = DateTime)]
    pub(crate) to_time: Option<Exact>,
    /// Why.
    #[schema(example = "purged by the source")]
    pub(crate) cause: String,
}

impl GapView {
    fn of(gap: &Gap) -> Self {
        let content = &gap.content;
        Self {
            from: content.from.to_string(),
            to: content.to.to_string(),
            from_time: content.from_time.map(Exact),
            to_time: content.to_time.map(Exact),
            cause: content.cause.clone(),
        }
    }
}

/// A range of targets that can be reached.
#[derive(Serialize, ToSchema)]
#[schema(as = RecoverableWindow)]
pub(crate) struct WindowView {
    /// The earliest.
    #[schema(value_type = String, format = DateTime)]
    pub(crate) from: Exact,
    /// The latest.
    #[schema(value_type = String, format = DateTime)]
    pub(crate) to: Exact,
}

/// A backup that a PITR can start from.
#[derive(Serialize, ToSchema)]
#[schema(as = Baseline)]
struct BaselineView {
    /// The backup.
    #[schema(value_type = Uuid)]
    id: BackupId,
    /// Targets from here on can start from it.
    #[schema(value_type = Option<String>, format = DateTime)]
    consistent_at: Option<Exact>,
    /// Its place in the binary log, `file:position`.
    position: Option<String>,
    /// Stored bytes.
    size_bytes: Option<u64>,
}

impl BaselineView {
    fn of(backup: &CompletedBackup) -> Self {
        let fact = backup.fact.as_ref();
        Self {
            id: backup.id,
            consistent_at: fact.map(|fact| Exact(fact.consistent_at)),
            position: fact.map(|fact| fact.coordinates.to_string()),
            size_bytes: backup.size_bytes,
        }
    }
}

/// Get the PITR coverage
///
/// The range of binary log that is archived, and which targets can be recovered with the backups there are.
#[utoipa::path(
    tag = "PITR",
    params(ServerPath),
    responses((status = 200, description = "The coverage.", body = CoverageView), CoverageProblems),
    security(("api_key" = ["backup:create"])),
)]
#[get("/servers/{server_id}/pitr/coverage")]
async fn get_pitr_coverage(
    caller: Authorized<BackupCreate>,
    state: web::Data<State>,
    path: Path<ServerPath>,
) -> Result<HttpResponse, Problem> {
    let server = known_server(&state, caller.tenant, path.0.server_id).await?;
    let coverage = Coverage::of(&state.store, caller.tenant, server.id).await?;
    let recoverable_windows = chain::windows(&state.store, &server).await?;
    Ok(HttpResponse::Ok().json(CoverageView {
        oldest_event: coverage.oldest_event.map(Bare),
        latest_event: coverage.latest_event.map(Bare),
        total_events: coverage.total_events,
        available: coverage.available,
        covered_until: coverage.covered_until.map(Exact),
        lag_seconds: coverage.lag_seconds,
        binlog_expiry: coverage.binlog_expiry.map(Seconds),
        heartbeat_at: coverage.heartbeat_at.map(Seconds),
        error: coverage.error,
        segments: coverage.segments,
        segment_bytes: coverage.segment_bytes,
        gaps: coverage.gaps.iter().map(GapView::of).collect(),
        recoverable_windows,
        baselines: coverage.baselines.iter().map(BaselineView::of).collect(),
    }))
}
