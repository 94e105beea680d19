//! Backups: starting one, the history, cancelling, files.

use actix_web::http::StatusCode;
use actix_web::{HttpMessage, HttpRequest, HttpResponse, get, post, web};
use backtrail_domain::{BackupId, Phase, RunStatus, ServerId};
use backtrail_service::TraceParent;
use backtrail_store::{BackupRun, NewBackup, RunFilter};
use serde::Serialize;
use serde_json::Value;
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use crate::app::State;
use crate::auth::{Authorized, BackupCreate};
use crate::idempotency::{IdempotencyKey, Repeatable};
use crate::input::{self, Body, Fields, FromFields, Path, Query, path_ids};
use crate::openapi::problems;
use crate::problem::{Code, Problem};
use crate::routes::files::{self, File};
use crate::routes::page;
use crate::times::Seconds;

/// Days that a backup is kept when nothing else is said.
pub(crate) const DEFAULT_RETENTION_DAYS: u16 = 30;
/// The one tool there is.
pub(crate) const BACKUP_TOOL: &str = "mydumper";

path_ids! {
    /// Names a backup.
    HistoryPath {
        /// The backup.
        history_id: BackupId,
    }
}

problems! {
    TriggerProblems = [
        MalformedJson, NotFound, BackupAlreadyRunning, IdempotencyKeyInUse, PayloadTooLarge, ValidationFailed,
        IdempotencyKeyReused,
    ];
    ListProblems = [ValidationFailed];
    EntryProblems = [NotFound, ValidationFailed];
    CancelProblems = [NotFound, RunNotRunning, IdempotencyKeyInUse, ValidationFailed, IdempotencyKeyReused];
    FilesProblems = [NotFound, RunHasNoFiles, ValidationFailed];
}

/// What to back up.
#[derive(ToSchema)]
#[schema(example = json!({ "server_id": "5f0c5b52-7d8e-4e0a-9a51-6f2a4a7f2c11" }))]
pub(crate) struct TriggerBackup {
    /// The server to back up.
    #[schema(value_type = Uuid)]
    server_id: ServerId,
}

impl FromFields for TriggerBackup {
    fn from_fields(fields: &mut Fields) -> Option<Self> {
        Some(Self { server_id: fields.required("server_id", input::id)? })
    }
}

/// A backup that was started.
#[derive(Serialize, ToSchema)]
#[schema(example = json!({ "backup_id": "8a6e0804-2bd0-4672-b79d-d97027f9071a", "status": "running" }))]
struct BackupStarted {
    /// The backup: follow it in the history.
    #[schema(value_type = Uuid)]
    backup_id: BackupId,
    /// `running`.
    #[schema(value_type = String)]
    status: RunStatus,
}

/// A backup in the history.
#[derive(Serialize, ToSchema)]
#[schema(example = json!({
    "id": "8a6e0804-2bd0-4672-b79d-d97027f9071a", "schedule_id": "3f333df6-90a4-4fda-8dd3-9485d27cee36",
    "server_id": "5f0c5b52-7d8e-4e0a-9a51-6f2a4a7f2c11", "server_name": "production-db", "backup_tool": "mydumper",
    "status": "completed", "phase": "complete", "s3_path": "s3://bucket/backups/tenant/server/2026-04-13/020000/",
    "size_bytes": 26000000, "duration_ms": 4500, "error_message": null, "started_at": "2026-04-13T02:00:00Z",
    "completed_at": "2026-04-13T02:00:04Z", "error_code": null, "file_count": 75, "retention_days": 30,
    "expired": false, "baseline": true, "attempt": 1, "progress": null,
    "manifest": { "version": 1, "tool": "mydumper 0.10.1", "coordinates": { "file": "binlog.000012", "position": 4711, "gtid_set": "" } },
    "warnings": [],
}))]
pub(crate) struct BackupEntry {
    /// The backup.
    #[schema(value_type = Uuid)]
    id: BackupId,
    /// The schedule that started it; null for one on demand.
    #[schema(value_type = Option<Uuid>)]
    schedule_id: Option<Uuid>,
    /// The server.
    #[schema(value_type = Uuid)]
    server_id: ServerId,
    /// The server's name.
    server_name: String,
    /// `mydumper`.
    backup_tool: String,
    /// `running`, `completed` or `failed`.
    #[schema(value_type = String)]
    status: RunStatus,
    /// `queued`, `preparing`, `dumping`, `uploading`, `complete`; `cancelled` for one that was cancelled. A failed backup
    /// keeps the phase it failed in.
    #[schema(value_type = String)]
    phase: Phase,
    /// Where it lies; null before the first object.
    s3_path: Option<String>,
    /// Stored bytes; null before the end.
    size_bytes: Option<u64>,
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
    /// Why it failed, as a stable word for programs.
    error_code: Option<String>,
    /// Stored files; null before the end.
    file_count: Option<u64>,
    /// Days it is kept.
    retention_days: u16,
    /// Whether retention has taken it: its files are gone, or going.
    expired: bool,
    /// Whether a PITR can start from it.
    baseline: bool,
    /// Tries that began.
    attempt: u32,
    /// How far the phase is: tables, rows and bytes done and expected.
    #[schema(value_type = Option<Object>)]
    progress: Option<Value>,
    /// `manifest.json` without its list of files, which `…/files` gives; null before the end.
    #[schema(value_type = Option<Object>)]
    manifest: Option<Value>,
    /// What to know about the result.
    warnings: Vec<String>,
    /// The end of what mydumper printed; only in the answer that is about this one backup, and absent where it printed
    /// nothing.
    #[serde(skip_serializing_if = "Option::is_none")]
    tool_log: Option<String>,
}

impl BackupEntry {
    /// The entry with what only the answer about one backup holds.
    fn in_full(run: &BackupRun) -> Self {
        Self { tool_log: run.tool_log.clone(), ..Self::of(run) }
    }

    fn of(run: &BackupRun) -> Self {
        Self {
            id: run.id,
            schedule_id: run.schedule_id.map(Uuid::from),
            server_id: run.server_id,
            server_name: run.server_name.clone(),
            backup_tool: run.backup_tool.clone(),
            status: run.status,
            phase: run.phase,
            s3_path: run.s3_path.clone(),
            size_bytes: run.size_bytes,
            duration_ms: run.duration_ms,
            error_message: run.error_message.clone(),
            started_at: Seconds(run.started_at),
            completed_at: run.completed_at.map(Seconds),
            error_code: run.error_code.clone(),
            file_count: run.file_count,
            retention_days: run.retention_days,
            expired: run.expired_at.is_some(),
            baseline: run.fact().is_some(),
            attempt: run.attempt,
            progress: run.progress.clone(),
            manifest: without_files(run.manifest.as_ref()),
            warnings: run.warnings.clone(),
            tool_log: None,
        }
    }
}

/// A manifest lists every file, and the engine's accounts in it list them again, and those that were read; a page of 200
/// of them would be megabytes.
pub(crate) fn without_files(manifest: Option<&Value>) -> Option<Value> {
    let mut manifest = manifest?.clone();
    if let Some(members) = manifest.as_object_mut() {
        members.remove("files");
    }
    if let Some(report) = manifest.get_mut("report").and_then(Value::as_object_mut) {
        report.remove("files");
        report.remove("inputs");
    }
    Some(manifest)
}

/// The trace of a request, for the run it starts.
pub(crate) fn traceparent(request: &HttpRequest) -> Option<String> {
    request.extensions().get::<TraceParent>().map(ToString::to_string)
}

/// Trigger a backup
///
/// Starts a full backup of a server, also when its last preflight found something wrong. It runs asynchronously: poll the
/// history entry. It is kept for 30 days.
#[utoipa::path(
    tag = "Backups",
    params(IdempotencyKey),
    request_body = TriggerBackup,
    responses((status = 202, description = "The backup was started.", body = BackupStarted), TriggerProblems),
    security(("api_key" = ["backup:create"])),
)]
#[post("/backup")]
async fn trigger_backup(
    caller: Authorized<BackupCreate>,
    state: web::Data<State>,
    request: HttpRequest,
    repeatable: Repeatable,
    body: Body<TriggerBackup>,
) -> Result<HttpResponse, Problem> {
    let new = NewBackup {
        tenant_id: caller.tenant,
        server_id: body.0.server_id,
        backup_tool: BACKUP_TOOL.to_owned(),
        retention_days: DEFAULT_RETENTION_DAYS,
        s3_prefix: None,
        traceparent: traceparent(&request),
    };
    let answer = |backup_id| BackupStarted { backup_id, status: RunStatus::Running };
    let keep = |id| repeatable.keep(&state, StatusCode::ACCEPTED, &answer(id));
    let run = BackupRun::create_answered(&state.store, new, keep).await?;
    tracing::info!(run = %run.id, server = %run.server_id, "backup started");
    Ok(HttpResponse::Accepted().json(answer(run.id)))
}

/// Which backups to list.
#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct HistoryQuery {
    /// Of this server only.
    #[param(value_type = Option<Uuid>)]
    server_id: Option<ServerId>,
    /// `running`, `completed` or `failed` only.
    #[param(value_type = Option<String>, example = "completed")]
    status: Option<RunStatus>,
    /// Started at or after: RFC 3339 with an offset, or a date.
    #[param(value_type = Option<String>, example = "2026-04-01T00:00:00Z")]
    since: Option<time::OffsetDateTime>,
    /// Started at or before: RFC 3339 with an offset, or a date.
    #[param(value_type = Option<String>, example = "2026-04-30")]
    until: Option<time::OffsetDateTime>,
    /// Results on a page.
    #[param(value_type = i32, required = false, minimum = 1, maximum = 200, default = 50)]
    limit: u16,
    /// Where to go on; taken from the `Link` header.
    #[param(value_type = Option<String>)]
    cursor: Option<backtrail_store::Cursor>,
}

impl FromFields for HistoryQuery {
    fn from_fields(fields: &mut Fields) -> Option<Self> {
        let server_id = fields.optional("server_id", input::id);
        let status = page::status(fields);
        let since = fields.optional("since", page::bound(false));
        let until = fields.optional("until", page::bound(true));
        let limit = page::limit(fields);
        let cursor = page::cursor(fields);
        Some(Self {
            server_id: server_id?,
            status: status?,
            since: since?,
            until: until?,
            limit: limit?,
            cursor: cursor?,
        })
    }
}

/// List the backup history
///
/// Backups of the tenant, newest first, also of servers that were removed.
#[utoipa::path(
    tag = "Backups",
    params(HistoryQuery),
    responses(
        (status = 200, description = "A page of backups.", body = Vec<BackupEntry>, headers(("Link" = String, description = "Where the next page is, if there is one: `<…>; rel=\"next\"`."))),
        ListProblems
    ),
    security(("api_key" = ["backup:create"])),
)]
#[get("/backup/history")]
async fn list_backup_history(
    caller: Authorized<BackupCreate>,
    state: web::Data<State>,
    request: HttpRequest,
    query: Query<HistoryQuery>,
) -> Result<HttpResponse, Problem> {
    let query = query.0;
    let filter = RunFilter {
        tenant_id: caller.tenant,
        server_id: query.server_id,
        status: query.status,
        since: query.since,
        until: query.until,
        limit: query.limit,
        cursor: query.cursor,
    };
    let runs = BackupRun::list(&state.store, &filter).await?;
    Ok(page::respond(&request, runs, BackupEntry::of))
}

/// Get a backup entry
#[utoipa::path(
    tag = "Backups",
    params(HistoryPath),
    responses((status = 200, description = "The backup.", body = BackupEntry), EntryProblems),
    security(("api_key" = ["backup:create"])),
)]
#[get("/backup/history/{history_id}")]
async fn get_backup_entry(
    caller: Authorized<BackupCreate>,
    state: web::Data<State>,
    path: Path<HistoryPath>,
) -> Result<HttpResponse, Problem> {
    let run = find(&state, &caller, path.0.history_id).await?;
    Ok(HttpResponse::Ok().json(BackupEntry::in_full(&run)))
}

/// Cancel a backup
///
/// The backup ends as `failed`, phase `cancelled`: at once while it waits, else as soon as its worker has stopped and
/// cleaned up. The answer is the entry as it stands.
#[utoipa::path(
    tag = "Backups",
    params(HistoryPath, IdempotencyKey),
    responses((status = 202, description = "The backup is being cancelled, or is cancelled.", body = BackupEntry), CancelProblems),
    security(("api_key" = ["backup:create"])),
)]
#[post("/backup/history/{history_id}/cancel")]
async fn cancel_backup(
    caller: Authorized<BackupCreate>,
    state: web::Data<State>,
    path: Path<HistoryPath>,
) -> Result<HttpResponse, Problem> {
    let run = BackupRun::request_cancel(&state.store, caller.tenant, path.0.history_id).await?;
    refuse_ended(run.status, run.phase)?;
    Ok(HttpResponse::Accepted().json(BackupEntry::of(&run)))
}

/// A run that ended some other way than by being cancelled was not cancelled.
pub(crate) fn refuse_ended(status: RunStatus, phase: Phase) -> Result<(), Problem> {
    if status != RunStatus::Running && phase != Phase::Cancelled {
        return Err(Problem::new(Code::RunNotRunning, format!("the run has ended: it is {status}")));
    }
    Ok(())
}

/// List a backup's files
///
/// Each file of a completed backup, with a presigned URL.
#[utoipa::path(
    tag = "Backups",
    params(HistoryPath),
    responses((status = 200, description = "The files.", body = Vec<File>), FilesProblems),
    security(("api_key" = ["backup:create"])),
)]
#[get("/backup/history/{history_id}/files")]
async fn list_backup_files(
    caller: Authorized<BackupCreate>,
    state: web::Data<State>,
    path: Path<HistoryPath>,
) -> Result<HttpResponse, Problem> {
    let run = find(&state, &caller, path.0.history_id).await?;
    files::respond(&state, &run, run.expired_at.is_some()).await
}

async fn find(state: &State, caller: &Authorized<BackupCreate>, id: BackupId) -> Result<BackupRun, Problem> {
    BackupRun::find(&state.store, caller.tenant, id).await?.ok_or_else(|| Problem::not_found("backup"))
}
