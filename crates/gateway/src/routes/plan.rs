//! What a PITR would do, without doing it.

use std::collections::BTreeMap;

use actix_web::{HttpResponse, post, web};
use backtrail_contracts::manifest::BackupManifest;
use backtrail_domain::{BackupId, TableName};
use backtrail_source::Promise;
use backtrail_store::Server;
use serde::Serialize;
use utoipa::ToSchema;

use crate::app::State;
use crate::auth::{Authorized, BackupCreate};
use crate::chain;
use crate::idempotency::IdempotencyKey;
use crate::input::{Body, Path, path_ids};
use crate::openapi::problems;
use crate::problem::Problem;
use crate::routes::{GapView, TriggerPitr};
use crate::times::Exact;

path_ids! {
    /// Names a server.
    ServerPath {
        /// The server.
        server_id: backtrail_domain::ServerId,
    }
}

problems! {
    PlanProblems = [
        MalformedJson, NotFound, IdempotencyKeyInUse, PayloadTooLarge, ValidationFailed, TargetInFuture, NoBaseline,
        NotYetArchived, BinlogGap, UnknownTable, IdempotencyKeyReused,
    ];
}

/// What a PITR would do.
#[derive(Serialize, ToSchema)]
#[schema(as = PitrPlan, example = json!({
    "target": "2026-04-10T14:30:00Z",
    "baseline": {
        "id": "8a6e0804-2bd0-4672-b79d-d97027f9071a", "consistent_at": "2026-04-10T02:00:04Z",
        "position": "binlog.000012:4711", "size_bytes": 26000000,
    },
    "segments": [{ "file": "binlog.000012", "start": 4, "end": 16777216, "size_bytes": 2097152, "events": 40111, "row_changes": 20321 }],
    "gaps": [], "events": 40111, "row_changes": 20321, "bytes_to_read": 28097152, "expected_size_bytes": 118000000,
    "tables": [
        { "table": "mydb.orders", "action": "rebuild", "rows": 81920, "reason": null },
        { "table": "mydb.events", "action": "conditional", "rows": 51200, "reason": "refused if its rows changed, since those of the past are not in a dump" },
    ],
}))]
struct PlanView {
    /// The target asked for.
    target: String,
    /// The backup it would start from.
    baseline: PlanBaseline,
    /// The archived binary log it would read, in order.
    segments: Vec<PlanSegment>,
    /// Gaps it would go on across, `file:position` to `file:position`; empty without `allow_gaps`.
    gaps: Vec<GapView>,
    /// Events in those segments.
    events: u64,
    /// Row changes in those segments.
    row_changes: u64,
    /// Stored bytes to read: baseline and segments.
    bytes_to_read: u64,
    /// About how large the result would be, uncompressed.
    expected_size_bytes: u64,
    /// What would happen to each table.
    tables: Vec<PlanTable>,
}

/// The backup a PITR would start from.
#[derive(Serialize, ToSchema)]
struct PlanBaseline {
    /// The backup.
    #[schema(value_type = Uuid)]
    id: BackupId,
    /// The instant from which it can serve.
    #[schema(value_type = String, format = DateTime)]
    consistent_at: Exact,
    /// Its place in the binary log, `file:position`.
    position: String,
    /// Stored bytes.
    size_bytes: Option<u64>,
}

/// A stretch of archived binary log.
#[derive(Serialize, ToSchema)]
struct PlanSegment {
    /// The server's binary log file.
    file: String,
    /// Offset of its first byte in that file.
    start: u64,
    /// Offset after its last byte.
    end: u64,
    /// Stored bytes.
    size_bytes: u64,
    /// Events in it.
    events: u64,
    /// Row changes in it.
    row_changes: u64,
}

/// What would happen to a table.
#[derive(Serialize, ToSchema)]
struct PlanTable {
    /// `schema.table`.
    table: String,
    /// `rebuild`, or `conditional`: rebuilt unless the binary log holds what the reason names, which the run
    /// finds out.
    action: &'static str,
    /// Rows in the baseline; null for a table that is not in it.
    rows: Option<u64>,
    /// When it would be refused.
    reason: Option<String>,
}

/// Plan a PITR
///
/// Says what the PITR with the same body would do: the baseline, the binary log to read, expected sizes, and what would
/// happen to each table. Starts nothing. A target that cannot be reached is refused as the PITR would be. A run may still
/// refuse a table because of what it finds in the binary log.
#[utoipa::path(
    tag = "PITR",
    params(ServerPath, IdempotencyKey),
    request_body = TriggerPitr,
    responses((status = 200, description = "The plan.", body = PlanView), PlanProblems),
    security(("api_key" = ["backup:create"])),
)]
#[post("/servers/{server_id}/pitr/plan")]
async fn plan_pitr(
    caller: Authorized<BackupCreate>,
    state: web::Data<State>,
    path: Path<ServerPath>,
    body: Body<TriggerPitr>,
) -> Result<HttpResponse, Problem> {
    let body = body.0;
    let server = Server::find(&state.store, caller.tenant, path.0.server_id).await?;
    let server = server.ok_or_else(|| Problem::not_found("server"))?;
    let chain = chain::find(&state.store, &server, &body).await?;
    let segments: Vec<PlanSegment> = chain
        .segments
        .iter()
        .map(|segment| PlanSegment {
            file: segment.file.to_string(),
            start: segment.start,
            end: segment.end,
            size_bytes: segment.size_bytes,
            events: segment.events,
            row_changes: segment.row_changes,
        })
        .collect();
    let of_segments = |of: fn(&PlanSegment) -> u64| segments.iter().map(of).sum::<u64>();
    let wanted = |table: &TableName| body.tables.as_ref().is_none_or(|(_, filter)| filter.matches(table));
    Ok(HttpResponse::Ok().json(PlanView {
        target: body.target.to_string(),
        events: of_segments(|segment| segment.events),
        row_changes: of_segments(|segment| segment.row_changes),
        bytes_to_read: chain.size_bytes.unwrap_or_default() + of_segments(|segment| segment.size_bytes),
        expected_size_bytes: expected_size(&chain.manifest, wanted),
        tables: tables(&chain.manifest, &server, wanted),
        gaps: chain.gaps,
        baseline: PlanBaseline {
            id: chain.baseline.id,
            consistent_at: Exact(chain.baseline.consistent_at),
            position: chain.baseline.coordinates.to_string(),
            size_bytes: chain.size_bytes,
        },
        segments,
    }))
}

/// The content of the baseline's files of those tables; schema files of the whole included.
fn expected_size(manifest: &BackupManifest, wanted: impl Fn(&TableName) -> bool) -> u64 {
    let counts =
        |table: &Option<String>| table.as_ref().and_then(|name| name.parse().ok()).is_none_or(|name| wanted(&name));
    manifest.files.iter().filter(|file| counts(&file.table)).map(|file| file.content_size).sum()
}

/// The baseline's tables and those that the server had at its last preflight, by name.
fn tables(manifest: &BackupManifest, server: &Server, wanted: impl Fn(&TableName) -> bool) -> Vec<PlanTable> {
    let mut tables: BTreeMap<TableName, PlanTable> = BTreeMap::new();
    let of = |name: &TableName, rows| PlanTable { table: name.to_string(), action: "rebuild", rows, reason: None };
    for (name, rows) in &manifest.tables {
        if let Ok(name) = name.parse::<TableName>() {
            tables.insert(name.clone(), of(&name, Some(*rows)));
        }
    }
    for table in chain::preflight_tables(server) {
        let entry = tables.entry(table.name.clone()).or_insert_with(|| of(&table.name, None));
        (entry.action, entry.reason) = match table.promise {
            Promise::Exact => ("rebuild", None),
            Promise::Conditional => ("conditional", table.reason),
        };
    }
    tables.into_iter().filter(|(name, _)| wanted(name)).map(|(_, table)| table).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::Value;
    use uuid::Uuid;

    #[test]
    fn a_file_of_no_table_counts_always() {
        let file = |table: Option<&str>, content_size| {
            serde_json::json!({
                "name": "x", "size": 1, "sha256": "", "content_size": content_size, "table": table,
            })
        };
        let files = [file(None, 1), file(Some("a.b"), 10), file(Some("a.c"), 100)];
        let manifest: Value = serde_json::json!({
            "version": 1, "backup_id": Uuid::nil(), "tenant_id": Uuid::nil(), "server_id": Uuid::nil(),
            "source": { "flavour": "mariadb", "version": "", "identity": "" }, "tool": "",
            "started_at": "2026-04-10T02:00:00Z", "completed_at": "2026-04-10T02:00:00Z", "coordinates": null,
            "consistency": { "lock_mode": "", "consistent": true }, "tables": { "a.b": 1, "a.c": 2 }, "files": files,
        });
        let manifest: BackupManifest = serde_json::from_value(manifest).unwrap();
        assert_eq!(expected_size(&manifest, |_| true), 111);
        assert_eq!(expected_size(&manifest, |name| name.table == "c"), 101);
    }
}
