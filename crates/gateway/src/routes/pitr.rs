//! PITR runs: starting one, the history, cancelling, files.

use actix_web::http::StatusCode;
use actix_web::{HttpRequest, HttpResponse, get, post, web};
use backtrail_domain::{BackupId, CutTarget, Phase, PitrId, RunStatus, ServerId, TableFilter, TenantId};
use backtrail_store::{Cursor, NewPitr, PitrRun, RunFilter, Server};
use serde::Serialize;
use serde_json::Value;
use utoipa::{IntoParams, ToSchema};

use crate::app::State;
use crate::auth::{Authorized, BackupCreate};
use crate::chain;
use crate::idempotency::{IdempotencyKey, Repeatable};
use crate::input::{self, Body, Fields, FromFields, Path, Query, path_ids};
use crate::openapi::problems;
use crate::problem::{Code, Problem};
use crate::routes::backups::{refuse_ended, traceparent, without_files};
use crate::routes::files::{self, File};
use crate::routes::page;
use crate::times::{Exact, Seconds};

path_ids! {
    /// Names a server.
    ServerPath {
        /// The server.
        server_id: ServerId,
    }
}

path_ids! {
    /// Names a PITR run.
    PitrPath {
        /// The server.
        server_id: ServerId,
        /// The PITR run.
        pitr_id: PitrId,
    }
}

problems! {
    TriggerProblems = [
        MalformedJson, NotFound, PitrAlreadyRunning, IdempotencyKeyInUse, PayloadTooLarge, ValidationFailed,
        TargetInFuture, NoBaseline, NotYetArchived, BinlogGap, UnknownTable, IdempotencyKeyReused,
    ];
    ListProblems = [NotFound, ValidationFailed];
    EntryProblems = [NotFound, ValidationFailed];
    CancelProblems = [NotFound, RunNotRunning, IdempotencyKeyInUse, ValidationFailed, IdempotencyKeyReused];
    FilesProblems = [NotFound, RunHasNoFiles, ValidationFailed];
    RunPlanProblems = [NotFound, RunHasNoPlan, ValidationFailed];
}

/// What to rebuild: exactly one of the three targets.
#[derive(ToSchema)]
#[expect(dead_code, reason = "the three targets are read into `target`; their fields are documentation")]
#[schema(example = json!({
    "target_time": "2026-04-10T14:30:00Z", "tables": "mydb.orders,mydb.customers", "allow_gaps": false,
}))]
pub(crate) struct TriggerPitr {
    /// Everything that committed at or before this instant: RFC 3339 with an offset.
    #[schema(value_type = Option<String>, format = DateTime)]
    target_time: (),
    /// Everything up to and with this transaction (or set of transactions).
    #[schema(value_type = Option<String>, example = "0-1-4711")]
    target_gtid: (),
    /// Everything before this place in the binary log, `file:position`.
    #[schema(value_type = Option<String>, example = "binlog.000012:4711")]
    target_position: (),
    /// Comma-separated `schema.table`; a name that holds a comma, dot or backtick stands in backticks, doubled inside. All
    /// tables when left out.
    #[schema(value_type = Option<String>)]
    pub(crate) tables: Option<(String, TableFilter)>,
    /// Go on across gaps in the archived binary log. The result's manifest says so.
    #[schema(value_type = bool, required = false, default = false)]
    pub(crate) allow_gaps: bool,
    #[schema(ignore)]
    pub(crate) target: CutTarget,
}

impl FromFields for TriggerPitr {
    fn from_fields(fields: &mut Fields) -> Option<Self> {
        const TARGETS: [&str; 3] = ["target_time", "target_gtid", "target_position"];
        let given: Vec<&str> = TARGETS.into_iter().filter(|name| fields.has(name)).collect();
        let time = fields.optional("target_time", |value| input::instant(value).map(CutTarget::Time));
        let gtid = fields.optional("target_gtid", |value| input::parsed(value).map(CutTarget::Gtid));
        let position = fields.optional("target_position", |value| input::parsed(value).map(CutTarget::Position));
        let tables = fields.optional("tables", |value| {
            let text = input::text(value)?;
            let filter = text.parse::<TableFilter>().map_err(|error| error.to_string())?;
            Ok((text, filter))
        });
        let allow_gaps = fields.optional("allow_gaps", input::boolean);
        match given.as_slice() {
            [] => fields.mistake("target_time", "is required, or else `target_gtid` or `target_position`"),
            [_] => {}
            [first, others @ ..] => {
                for other in others {
                    fields.mistake(other, format!("is given together with `{first}`; give one target"));
                }
            }
        }
        Some(Self {
            target_time: (),
            target_gtid: (),
            target_position: (),
            tables: tables?,
            allow_gaps: allow_gaps?.unwrap_or(false),
            target: time?.or(gtid?).or(position?)?,
        })
    }
}

impl TriggerPitr {
    /// The field that named the target.
    pub(crate) fn target_pointer(&self) -> &'static str {
        match self.target {
            CutTarget::Time(_) => "/target_time",
            CutTarget::Gtid(_) => "/target_gtid",
            CutTarget::Position(_) => "/target_position",
        }
    }
}

/// A PITR that was started.
#[derive(Serialize, ToSchema)]
#[schema(example = json!({ "pitr_id": "0d7a2f4b-7f0b-4c52-b1f4-2d5c7fb6b0f2", "status": "running" }))]
struct PitrStarted {
    /// The PITR run: follow it in the history.
    #[schema(value_type = Uuid)]
    pitr_id: PitrId,
    /// `running`.
    #[schema(value_type = String)]
    status: RunStatus,
}

/// A PITR run in the history.
#[derive(Serialize, ToSchema)]
#[schema(example = json!({
    "id": "0d7a2f4b-7f0b-4c52-b1f4-2d5c7fb6b0f2", "server_id": "5f0c5b52-7d8e-4e0a-9a51-6f2a4a7f2c11",
    "server_name": "production-db", "target_time": "2026-04-10T14:30:00Z", "tables_filter": null, "status": "completed",
    "phase": "complete", "s3_path": "s3://bucket/pitr/tenant/server-id/20260410T143000/2026-04-13/141500/",
    "size_bytes": 124000, "file_count": 75, "duration_ms": 33000, "error_message": null,
    "started_at": "2026-04-13T14:14:30Z", "completed_at": "2026-04-13T14:15:03Z", "target_gtid": null,
    "target_position": null, "allow_gaps": false, "baseline_id": "8a6e0804-2bd0-4672-b79d-d97027f9071a",
    "error_code": null, "attempt": 1, "progress": null,
    "manifest": { "version": 1, "cut": { "file": "binlog.000012", "position": 4711, "gtid_set": "0-1-42" } }, "warnings": [],
}))]
pub(crate) struct PitrEntry {
    /// The PITR run.
    #[schema(value_type = Uuid)]
    id: PitrId,
    /// The server.
    #[schema(value_type = Uuid)]
    server_id: ServerId,
    /// The server's name.
    server_name: String,
    /// The instant asked for; null where another kind of target was.
    #[schema(value_type = Option<String>, format = DateTime)]
    target_time: Option<Exact>,
    /// The tables asked for, as they were written; null for all.
    tables_filter: Option<String>,
    /// `running`, `completed` or `failed`.
    #[schema(value_type = String)]
    status: RunStatus,
    /// `queued`, `preparing`, `reconstructing`, `uploading`, `complete`; `cancelled` for one that was cancelled. A failed
    /// run keeps the phase it failed in.
    #[schema(value_type = String)]
    phase: Phase,
    /// Where the result lies; null before the first object.
    s3_path: Option<String>,
    /// Stored bytes; null before the end.
    size_bytes: Option<u64>,
    /// Stored files; null before the end.
    file_count: Option<u64>,
    /// Milliseconds from start to end; null before the end.
    duration_ms: Option<u64>,
    /// Why it failed, and what to do.
    error_message: Option<String>,
    /// When it was asked for.
    #[schema(value_type = String, format = DateTime)]
    started_at: Seconds,
    /// When it ended.
    #[schema(value_type = Option<String>, format = DateTime)]
    completed_at: Option<Seconds>,
    /// The GTID asked for.
    target_gtid: Option<String>,
    /// The place asked for, `file:position`.
    target_position: Option<String>,
    /// Whether it was to go on across gaps.
    allow_gaps: bool,
    /// The backup it starts from.
    #[schema(value_type = Option<Uuid>)]
    baseline_id: Option<BackupId>,
    /// Why it failed, as a stable word for programs.
    error_code: Option<String>,
    /// Tries that began.
    attempt: u32,
    /// How far the phase is: tables, rows, events and bytes done and expected.
    #[schema(value_type = Option<Object>)]
    progress: Option<Value>,
    /// `manifest.json` without its lists of files, of which `…/files` gives the result's; null before the end.
    #[schema(value_type = Option<Object>)]
    manifest: Option<Value>,
    /// What to know about the result.
    warnings: Vec<String>,
}

impl PitrEntry {
    fn of(run: &PitrRun) -> Self {
        let (mut target_time, mut target_gtid, mut target_position) = (None, None, None);
        match &run.target {
            CutTarget::Time(time) => target_time = Some(Exact(*time)),
            CutTarget::Gtid(set) => target_gtid = Some(set.to_string()),
            CutTarget::Position(position) => target_position = Some(position.to_string()),
        }
        Self {
            id: run.id,
            server_id: run.server_id,
            server_name: run.server_name.clone(),
            target_time,
            tables_filter: run.tables_filter.clone(),
            status: run.status,
            phase: run.phase,
            s3_path: run.s3_path.clone(),
            size_bytes: run.size_bytes,
            file_count: run.file_count,
            duration_ms: run.duration_ms,
            error_message: run.error_message.clone(),
            started_at: Seconds(run.started_at),
            completed_at: run.completed_at.map(Seconds),
            target_gtid,
            target_position,
            allow_gaps: run.allow_gaps,
            baseline_id: run.baseline_id,
            error_code: run.error_code.clone(),
            attempt: run.attempt,
            progress: run.progress.clone(),
            manifest: without_files(run.manifest.as_ref()),
            warnings: run.warnings.clone(),
        }
    }
}

/// Trigger a PITR
///
/// Rebuilds all or some tables as they stood at the target, as a mydumper directory on S3. It runs asynchronously: poll
/// the history entry. A target that cannot be reached is refused at once. One PITR runs per server at a time.
#[utoipa::path(
    tag = "PITR",
    params(ServerPath, IdempotencyKey),
    request_body = TriggerPitr,
    responses((status = 202, description = "The PITR was started.", body = PitrStarted), TriggerProblems),
    security(("api_key" = ["backup:create"])),
)]
#[post("/servers/{server_id}/pitr")]
async fn trigger_pitr(
    caller: Authorized<BackupCreate>,
    state: web::Data<State>,
    request: HttpRequest,
    repeatable: Repeatable,
    path: Path<ServerPath>,
    body: Body<TriggerPitr>,
) -> Result<HttpResponse, Problem> {
    let (server_id, body) = (path.0.server_id, body.0);
    let server = Server::find(&state.store, caller.tenant, server_id).await?;
    let server = server.ok_or_else(|| Problem::not_found("server"))?;
    let chain = chain::find(&state.store, &server, &body).await?;
    let new = NewPitr {
        tenant_id: caller.tenant,
        server_id,
        target: body.target,
        tables_filter: body.tables.map(|(text, _)| text),
        allow_gaps: body.allow_gaps,
        baseline_id: Some(chain.baseline.id),
        traceparent: traceparent(&request),
    };
    let answer = |pitr_id| PitrStarted { pitr_id, status: RunStatus::Running };
    let keep = |id| repeatable.keep(&state, StatusCode::ACCEPTED, &answer(id));
    let run = PitrRun::create_answered(&state.store, new, keep).await?;
    tracing::info!(run = %run.id, server = %server_id, "PITR started");
    Ok(HttpResponse::Accepted().json(answer(run.id)))
}

/// Which PITR runs to list.
#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct HistoryQuery {
    /// `running`, `completed` or `failed` only.
    #[param(value_type = Option<String>, example = "completed")]
    status: Option<RunStatus>,
    /// Results on a page.
    #[param(value_type = i32, required = false, minimum = 1, maximum = 200, default = 50)]
    limit: u16,
    /// Where to go on; taken from the `Link` header.
    #[param(value_type = Option<String>)]
    cursor: Option<Cursor>,
}

impl FromFields for HistoryQuery {
    fn from_fields(fields: &mut Fields) -> Option<Self> {
        let status = page::status(fields);
        let limit = page::limit(fields);
        let cursor = page::cursor(fields);
        Some(Self { status: status?, limit: limit?, cursor: cursor? })
    }
}

/// List the PITR history of a server
///
/// Newest first, also of a server that was removed.
#[utoipa::path(
    tag = "PITR",
    params(ServerPath, HistoryQuery),
    responses(
        (status = 200, description = "A page of PITR runs.", body = Vec<PitrEntry>, headers(("Link" = String, description = "Where the next page is, if there is one: `<…>; rel=\"next\"`."))),
        ListProblems
    ),
    security(("api_key" = ["backup:create"])),
)]
#[get("/servers/{server_id}/pitr")]
async fn list_pitr_history(
    caller: Authorized<BackupCreate>,
    state: web::Data<State>,
    request: HttpRequest,
    path: Path<ServerPath>,
    query: Query<HistoryQuery>,
) -> Result<HttpResponse, Problem> {
    let server = known_server(&state, caller.tenant, path.0.server_id).await?;
    let filter = RunFilter {
        server_id: Some(server.id),
        status: query.0.status,
        limit: query.0.limit,
        cursor: query.0.cursor,
        ..RunFilter::of(caller.tenant)
    };
    let runs = PitrRun::list(&state.store, &filter).await?;
    Ok(page::respond(&request, runs, PitrEntry::of))
}

/// A server of the tenant, also one that was removed: its runs remain readable.
pub(crate) async fn known_server(state: &State, tenant: TenantId, id: ServerId) -> Result<Server, Problem> {
    let server = Server::by_id(&state.store, id).await?;
    server.filter(|server| server.tenant_id == tenant).ok_or_else(|| Problem::not_found("server"))
}

/// Get a PITR entry
#[utoipa::path(
    tag = "PITR",
    params(PitrPath),
    responses((status = 200, description = "The PITR run.", body = PitrEntry), EntryProblems),
    security(("api_key" = ["backup:create"])),
)]
#[get("/servers/{server_id}/pitr/{pitr_id}")]
async fn get_pitr_entry(
    caller: Authorized<BackupCreate>,
    state: web::Data<State>,
    path: Path<PitrPath>,
) -> Result<HttpResponse, Problem> {
    let run = find(&state, &caller, path.0).await?;
    Ok(HttpResponse::Ok().json(PitrEntry::of(&run)))
}

/// Cancel a PITR
///
/// The run ends as `failed`, phase `cancelled`: at once while it waits, else as soon as its worker has stopped and
/// cleaned up. The answer is the entry as it stands.
#[utoipa::path(
    tag = "PITR",
    params(PitrPath, IdempotencyKey),
    responses((status = 202, description = "The run is being cancelled, or is cancelled.", body = PitrEntry), CancelProblems),
    security(("api_key" = ["backup:create"])),
)]
#[post("/servers/{server_id}/pitr/{pitr_id}/cancel")]
async fn cancel_pitr(
    caller: Authorized<BackupCreate>,
    state: web::Data<State>,
    path: Path<PitrPath>,
) -> Result<HttpResponse, Problem> {
    let PitrPath { server_id, pitr_id } = path.0;
    let run = PitrRun::request_cancel(&state.store, caller.tenant, server_id, pitr_id).await?;
    refuse_ended(run.status, run.phase)?;
    Ok(HttpResponse::Accepted().json(PitrEntry::of(&run)))
}

/// List a PITR result's files
///
/// Each file of a completed PITR, with a presigned URL.
#[utoipa::path(
    tag = "PITR",
    params(PitrPath),
    responses((status = 200, description = "The files.", body = Vec<File>), FilesProblems),
    security(("api_key" = ["backup:create"])),
)]
#[get("/servers/{server_id}/pitr/{pitr_id}/files")]
async fn list_pitr_files(
    caller: Authorized<BackupCreate>,
    state: web::Data<State>,
    path: Path<PitrPath>,
) -> Result<HttpResponse, Problem> {
    let run = find(&state, &caller, path.0).await?;
    files::respond(&state, &run, false).await
}

/// The plan of a run, as the engine made it from the baseline and the binary log and carried it out: an object with more in
/// it than is named here (see `docs/plan-and-report.md`).
#[derive(ToSchema)]
#[expect(dead_code, reason = "the plan is stored as JSON; the fields are documentation")]
#[schema(example = json!({
    "version": 1, "target": "2026-04-10T14:30:00Z", "baseline": { "position": "binlog.000012:4711", "gtid_set": "0-1-42" },
    "cut": { "position": "binlog.000013:90210", "gtid_set": "0-1-99", "last_commit": "2026-04-10T14:29:58Z", "transactions": 57 },
    "log": [{
        "name": "binlogs/…/00000000000000000004-00000000000000090210.binlog.zst", "file": "binlog.000013", "from": 4, "to": 90210,
        "bytes": 65536, "sha256": "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08", "whole": true, "compared": true,
    }],
    "gaps": [], "tables": {
        "mydb.quiet": { "action": "copy", "rows": 12, "bytes": 640 },
        "mydb.orders": {
            "action": "merge", "origin": "mydb.orders", "key": { "kind": "primary", "columns": ["id"] }, "rows": 81920,
            "bytes": 26000000, "row_events": 300, "row_event_bytes": 40000,
        },
    },
    "ended": [{ "name": "mydb.old", "position": "binlog.000013:9000", "statement": "DROP TABLE old", "rows": 3, "row_events": 0 }],
    "expected": {
        "tables_copied": 1, "tables_merged": 1, "rows": 81932, "bytes": 26000640, "row_events": 300, "row_event_bytes": 40000,
        "log_bytes": 105000,
    },
    "warnings": [],
}))]
struct RunPlan {
    /// The version of this format.
    version: u32,
    /// The target asked for.
    target: String,
    /// Where the baseline stands in the binary log.
    #[schema(value_type = Object)]
    baseline: Value,
    /// The place between two transactions where the recovery stops.
    #[schema(value_type = Object)]
    cut: Value,
    /// The pieces of the archived binary log, in order, with bytes and checksum of what was read.
    #[schema(value_type = Vec<Object>)]
    log: Value,
    /// Gaps that are crossed.
    #[schema(value_type = Vec<Object>)]
    gaps: Value,
    /// What is done about each wanted table, by name: `copy`, `merge` (with its eras and stages) or `refused` (with
    /// position, reason and remedy).
    #[schema(value_type = Object)]
    tables: Value,
    /// Wanted tables that were dropped, emptied or replaced by the cut.
    #[schema(value_type = Vec<Object>)]
    ended: Value,
    /// How much there is to do.
    #[schema(value_type = Object)]
    expected: Value,
    /// What to know about the result.
    warnings: Vec<String>,
}

/// Get the plan of a PITR
///
/// What the run does (or did, or refused to do), as its worker decided it from the baseline and the binary log: the cut,
/// the pieces of the log, and per table what is done, through which eras and stages, or why it is refused. It is stored
/// before the first row is written, and beside the result as `plan.json`.
#[utoipa::path(
    tag = "PITR",
    params(PitrPath),
    responses((status = 200, description = "The plan.", body = RunPlan), RunPlanProblems),
    security(("api_key" = ["backup:create"])),
)]
#[get("/servers/{server_id}/pitr/{pitr_id}/plan")]
async fn get_pitr_run_plan(
    caller: Authorized<BackupCreate>,
    state: web::Data<State>,
    path: Path<PitrPath>,
) -> Result<HttpResponse, Problem> {
    let run = find(&state, &caller, path.0).await?;
    match &run.plan {
        Some(plan) => Ok(HttpResponse::Ok().json(plan)),
        None => {
            let detail = match run.status {
                RunStatus::Running => "the run has not been planned yet; ask again when it is reconstructing",
                RunStatus::Failed | RunStatus::Completed => "the run ended before it was planned",
            };
            Err(Problem::new(Code::RunHasNoPlan, detail))
        }
    }
}

async fn find(state: &State, caller: &Authorized<BackupCreate>, path: PitrPath) -> Result<PitrRun, Problem> {
    let run = PitrRun::find(&state.store, caller.tenant, path.server_id, path.pitr_id).await?;
    run.ok_or_else(|| Problem::not_found("PITR run"))
}
