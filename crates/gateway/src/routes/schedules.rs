//! Backup schedules.

use actix_web::http::StatusCode;
use actix_web::{HttpResponse, delete, get, patch, post, web};
use backtrail_domain::schedule::MAX_JITTER;
use backtrail_domain::{CronExpression, MissedRunPolicy, RunStatus, ScheduleId, ServerId, Zone};
use backtrail_store::{NewSchedule, Schedule, ScheduleChanges};
use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;

use crate::app::State;
use crate::auth::{Authorized, BackupCreate};
use crate::idempotency::{IdempotencyKey, Repeatable};
use crate::input::{self, Body, Fields, FromFields, Path, path_ids};
use crate::openapi::problems;
use crate::problem::Problem;
use crate::routes::backups::{BACKUP_TOOL, DEFAULT_RETENTION_DAYS};
use crate::times::{Exact, Seconds};

path_ids! {
    /// Names a schedule.
    SchedulePath {
        /// The schedule.
        schedule_id: ScheduleId,
    }
}

problems! {
    ListProblems = [];
    CreateProblems = [
        MalformedJson, NotFound, IdempotencyKeyInUse, PayloadTooLarge, ValidationFailed, IdempotencyKeyReused,
    ];
    ChangeProblems = [MalformedJson, NotFound, PayloadTooLarge, ValidationFailed];
    DeleteProblems = [NotFound, ValidationFailed];
}

/// A backup schedule.
#[derive(Serialize, ToSchema)]
#[schema(as = Schedule, example = json!({
    "id": "3f333df6-90a4-4fda-8dd3-9485d27cee36", "server_id": "5f0c5b52-7d8e-4e0a-9a51-6f2a4a7f2c11",
    "server_name": "production-db", "schedule_cron": "0 2 * * *", "backup_tool": "mydumper", "retention_days": 30,
    "s3_prefix": null, "enabled": true, "last_run": "2026-04-13T02:00:00Z", "last_status": "completed",
    "created_at": "2026-04-01T10:00:00Z", "timezone": "UTC", "missed_run_policy": "run_once", "jitter_seconds": 0,
    "next_run_at": "2026-04-14T02:00:00Z",
}))]
pub(crate) struct ScheduleView {
    /// The schedule.
    #[schema(value_type = Uuid)]
    id: ScheduleId,
    /// The server it backs up.
    #[schema(value_type = Uuid)]
    server_id: ServerId,
    /// That server's name.
    server_name: String,
    /// When it fires: five cron fields.
    #[schema(value_type = String)]
    schedule_cron: CronExpression,
    /// `mydumper`.
    backup_tool: String,
    /// Days its backups are kept.
    retention_days: u16,
    /// In front of its backups' S3 keys.
    s3_prefix: Option<String>,
    /// Whether it fires.
    enabled: bool,
    /// When its latest backup started.
    #[schema(value_type = Option<String>, format = DateTime)]
    last_run: Option<Seconds>,
    /// `running`, `completed` or `failed`: that backup's status.
    #[schema(value_type = Option<String>)]
    last_status: Option<RunStatus>,
    /// When it was made.
    #[schema(value_type = String, format = DateTime)]
    created_at: Seconds,
    /// The IANA time zone in which it fires.
    #[schema(value_type = String)]
    timezone: Zone,
    /// What happens when nobody was there at its time: `run_once` makes up for it, `skip` waits for the next time.
    #[schema(value_type = String)]
    missed_run_policy: MissedRunPolicy,
    /// It fires up to so many seconds later, to spread load.
    jitter_seconds: u32,
    /// When it fires next; null while it is disabled.
    #[schema(value_type = Option<String>, format = DateTime)]
    next_run_at: Option<Exact>,
}

impl ScheduleView {
    fn of(schedule: &Schedule) -> Self {
        Self {
            id: schedule.id,
            server_id: schedule.server_id,
            server_name: schedule.server_name.clone(),
            schedule_cron: schedule.schedule_cron.clone(),
            backup_tool: schedule.backup_tool.clone(),
            retention_days: schedule.retention_days,
            s3_prefix: schedule.s3_prefix.clone(),
            enabled: schedule.enabled,
            last_run: schedule.last_run.map(Seconds),
            last_status: schedule.last_status,
            created_at: Seconds(schedule.created_at),
            timezone: schedule.timezone.clone(),
            missed_run_policy: schedule.missed_run_policy,
            jitter_seconds: schedule.jitter_seconds,
            next_run_at: schedule.next_run_at.map(Exact),
        }
    }
}

/// A schedule to be made.
#[derive(ToSchema)]
#[schema(example = json!({
    "server_id": "5f0c5b52-7d8e-4e0a-9a51-6f2a4a7f2c11", "schedule_cron": "0 2 * * *", "backup_tool": "mydumper",
    "retention_days": 30, "s3_prefix": null,
}))]
pub(crate) struct CreateSchedule {
    /// The server to back up.
    #[schema(value_type = Uuid)]
    server_id: ServerId,
    /// Five cron fields as in Vixie cron, e.g. `0 2 * * *` for 2 AM daily.
    #[schema(value_type = String)]
    schedule_cron: CronExpression,
    /// The tool.
    #[schema(value_type = String, required = false, default = "mydumper")]
    backup_tool: &'static str,
    /// Days to keep its backups.
    #[schema(value_type = i32, required = false, minimum = 1, maximum = 365, default = 30)]
    retention_days: u16,
    /// In front of its backups' S3 keys.
    s3_prefix: Option<String>,
    /// Whether it fires.
    #[schema(value_type = bool, required = false, default = true)]
    enabled: bool,
    /// The IANA time zone in which it fires.
    #[schema(value_type = String, required = false, default = "UTC")]
    timezone: Zone,
    /// `run_once` or `skip`.
    #[schema(value_type = String, required = false, default = "run_once")]
    missed_run_policy: MissedRunPolicy,
    /// Fire up to so many seconds later.
    #[schema(value_type = i32, required = false, minimum = 0, maximum = 3600, default = 0)]
    jitter_seconds: u32,
}

impl FromFields for CreateSchedule {
    fn from_fields(fields: &mut Fields) -> Option<Self> {
        let server_id = fields.required("server_id", input::id);
        let schedule_cron = fields.required("schedule_cron", input::parsed);
        let backup_tool = fields.optional("backup_tool", backup_tool);
        let retention_days = fields.optional("retention_days", retention_days);
        let s3_prefix = fields.optional("s3_prefix", s3_prefix);
        let enabled = fields.optional("enabled", input::boolean);
        let timezone = fields.optional("timezone", input::parsed);
        let missed_run_policy = fields.optional("missed_run_policy", input::parsed);
        let jitter_seconds = fields.optional("jitter_seconds", jitter_seconds);
        Some(Self {
            server_id: server_id?,
            schedule_cron: schedule_cron?,
            backup_tool: backup_tool?.unwrap_or(BACKUP_TOOL),
            retention_days: retention_days?.unwrap_or(DEFAULT_RETENTION_DAYS),
            s3_prefix: s3_prefix?,
            enabled: enabled?.unwrap_or(true),
            timezone: timezone?.unwrap_or_else(Zone::utc),
            missed_run_policy: missed_run_policy?.unwrap_or(MissedRunPolicy::RunOnce),
            jitter_seconds: jitter_seconds?.unwrap_or(0),
        })
    }
}

/// What to change of a schedule; what is left out stays.
#[derive(ToSchema)]
#[schema(example = json!({ "enabled": false, "retention_days": 7, "schedule_cron": "0 3 * * 0" }))]
pub(crate) struct UpdateSchedule {
    /// Five cron fields.
    #[schema(value_type = String, required = false)]
    schedule_cron: Option<CronExpression>,
    /// The tool: `mydumper`.
    #[schema(value_type = String, required = false)]
    backup_tool: Option<&'static str>,
    /// Days to keep its backups from now on.
    #[schema(value_type = i32, required = false, minimum = 1, maximum = 365)]
    retention_days: Option<u16>,
    /// In front of its backups' S3 keys; null for none.
    #[schema(value_type = Option<String>)]
    s3_prefix: Option<Option<String>>,
    /// Whether it fires.
    #[schema(value_type = bool, required = false)]
    enabled: Option<bool>,
    /// The IANA time zone in which it fires.
    #[schema(value_type = String, required = false)]
    timezone: Option<Zone>,
    /// `run_once` or `skip`.
    #[schema(value_type = String, required = false)]
    missed_run_policy: Option<MissedRunPolicy>,
    /// Fire up to so many seconds later.
    #[schema(value_type = i32, required = false, minimum = 0, maximum = 3600)]
    jitter_seconds: Option<u32>,
}

impl FromFields for UpdateSchedule {
    fn from_fields(fields: &mut Fields) -> Option<Self> {
        let schedule_cron = fields.present("schedule_cron", input::parsed);
        let backup_tool = fields.present("backup_tool", backup_tool);
        let retention_days = fields.present("retention_days", retention_days);
        let s3_prefix = fields.nullable("s3_prefix", s3_prefix);
        let enabled = fields.present("enabled", input::boolean);
        let timezone = fields.present("timezone", input::parsed);
        let missed_run_policy = fields.present("missed_run_policy", input::parsed);
        let jitter_seconds = fields.present("jitter_seconds", jitter_seconds);
        Some(Self {
            schedule_cron: schedule_cron?,
            backup_tool: backup_tool?,
            retention_days: retention_days?,
            s3_prefix: s3_prefix?,
            enabled: enabled?,
            timezone: timezone?,
            missed_run_policy: missed_run_policy?,
            jitter_seconds: jitter_seconds?,
        })
    }
}

fn backup_tool(value: &Value) -> Result<&'static str, String> {
    match input::text(value)?.as_str() {
        BACKUP_TOOL => Ok(BACKUP_TOOL),
        other => Err(format!("`{other}` is not a backup tool; there is `{BACKUP_TOOL}`")),
    }
}

fn retention_days(value: &Value) -> Result<u16, String> {
    input::integer(1..=365)(value).map(|days| days as u16)
}

fn jitter_seconds(value: &Value) -> Result<u32, String> {
    input::integer(0..=MAX_JITTER.whole_seconds())(value).map(|seconds| seconds as u32)
}

/// Segments of plain characters with `/` between them. A `/` at the end is not part of the prefix: the keys' own follows.
fn s3_prefix(value: &Value) -> Result<String, String> {
    let prefix = input::text_up_to(200)(value)?;
    let prefix = prefix.strip_suffix('/').unwrap_or(&prefix);
    let plain = |segment: &str| {
        !segment.is_empty()
            && !segment.bytes().all(|b| b == b'.')
            && segment.bytes().all(|b| b.is_ascii_alphanumeric() || b"!-_.*'()=+@".contains(&b))
    };
    if !prefix.split('/').all(plain) {
        return Err("is no S3 prefix; write words of letters, digits and `-_.=` with `/` between them".to_owned());
    }
    Ok(prefix.to_owned())
}

/// List schedules
///
/// All schedules of the tenant, oldest first.
#[utoipa::path(
    tag = "Backups",
    responses((status = 200, description = "The schedules.", body = Vec<ScheduleView>), ListProblems),
    security(("api_key" = ["backup:create"])),
)]
#[get("/backup/schedules")]
async fn list_schedules(caller: Authorized<BackupCreate>, state: web::Data<State>) -> Result<HttpResponse, Problem> {
    let schedules = Schedule::list(&state.store, caller.tenant).await?;
    Ok(HttpResponse::Ok().json(schedules.iter().map(ScheduleView::of).collect::<Vec<_>>()))
}

/// Create a schedule
#[utoipa::path(
    tag = "Backups",
    params(IdempotencyKey),
    request_body = CreateSchedule,
    responses((status = 201, description = "The created schedule.", body = ScheduleView), CreateProblems),
    security(("api_key" = ["backup:create"])),
)]
#[post("/backup/schedules")]
async fn create_schedule(
    caller: Authorized<BackupCreate>,
    state: web::Data<State>,
    repeatable: Repeatable,
    body: Body<CreateSchedule>,
) -> Result<HttpResponse, Problem> {
    let body = body.0;
    let new = NewSchedule {
        tenant_id: caller.tenant,
        server_id: body.server_id,
        schedule_cron: body.schedule_cron,
        timezone: body.timezone,
        backup_tool: body.backup_tool.to_owned(),
        retention_days: body.retention_days,
        s3_prefix: body.s3_prefix,
        enabled: body.enabled,
        missed_run_policy: body.missed_run_policy,
        jitter_seconds: body.jitter_seconds,
    };
    let keep = |made: &Schedule| repeatable.keep(&state, StatusCode::CREATED, &ScheduleView::of(made));
    let schedule = Schedule::create_answered(&state.store, new, keep).await?;
    tracing::info!(schedule = %schedule.id, server = %schedule.server_id, "schedule created");
    Ok(HttpResponse::Created().json(ScheduleView::of(&schedule)))
}

/// Update a schedule
///
/// Only the fields that are given are changed; `"s3_prefix": null` removes the prefix. Backups that were made already
/// keep their own retention.
#[utoipa::path(
    tag = "Backups",
    params(SchedulePath),
    request_body = UpdateSchedule,
    responses((status = 200, description = "The schedule as it is now.", body = ScheduleView), ChangeProblems),
    security(("api_key" = ["backup:create"])),
)]
#[patch("/backup/schedules/{schedule_id}")]
async fn update_schedule(
    caller: Authorized<BackupCreate>,
    state: web::Data<State>,
    path: Path<SchedulePath>,
    body: Body<UpdateSchedule>,
) -> Result<HttpResponse, Problem> {
    let body = body.0;
    let changes = ScheduleChanges {
        schedule_cron: body.schedule_cron,
        timezone: body.timezone,
        backup_tool: body.backup_tool.map(str::to_owned),
        retention_days: body.retention_days,
        s3_prefix: body.s3_prefix,
        enabled: body.enabled,
        missed_run_policy: body.missed_run_policy,
        jitter_seconds: body.jitter_seconds,
    };
    let schedule = Schedule::update(&state.store, caller.tenant, path.0.schedule_id, changes).await?;
    Ok(HttpResponse::Ok().json(ScheduleView::of(&schedule)))
}

/// Delete a schedule
///
/// Its backups stay.
#[utoipa::path(
    tag = "Backups",
    params(SchedulePath),
    responses((status = 204, description = "The schedule is gone."), DeleteProblems),
    security(("api_key" = ["backup:create"])),
)]
#[delete("/backup/schedules/{schedule_id}")]
async fn delete_schedule(
    caller: Authorized<BackupCreate>,
    state: web::Data<State>,
    path: Path<SchedulePath>,
) -> Result<HttpResponse, Problem> {
    Schedule::delete(&state.store, caller.tenant, path.0.schedule_id).await?;
    tracing::info!(schedule = %path.0.schedule_id, "schedule deleted");
    Ok(HttpResponse::NoContent().finish())
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn prefixes() {
        for (text, prefix) in [("custom", "custom"), ("a/b-c_d.e/", "a/b-c_d.e")] {
            assert_eq!(s3_prefix(&json!(text)), Ok(prefix.to_owned()));
        }
        for text in ["", "/", "/a", "a//b", "a/../b", ".", "a b", "a\\b", "ä", "s3://bucket"] {
            assert!(s3_prefix(&json!(text)).is_err(), "{text}");
        }
    }
}
