//! The files of a backup or a PITR result, each with a presigned URL.

use actix_web::HttpResponse;
use backtrail_contracts::manifest::ManifestFile;
use backtrail_domain::RunStatus;
use backtrail_store::RunRecord;
use serde::{Deserialize, Serialize};
use time::OffsetDateTime;
use utoipa::ToSchema;

use crate::app::State;
use crate::problem::{Code, Problem};
use crate::times::Seconds;

/// A stored file.
#[derive(Serialize, ToSchema)]
#[schema(example = json!({
    "name": "mydb.orders.00000.sql.zst", "size": 1048576,
    "sha256": "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
    "content_size": 9437184, "rows": 81920, "table": "mydb.orders",
    "url": "https://s3.example.com/bucket/backups/…/mydb.orders.00000.sql.zst?X-Amz-Signature=…",
    "url_expires_at": "2026-04-13T03:15:00Z",
}))]
pub(crate) struct File {
    /// Name below the run's `s3_path`.
    name: String,
    /// Stored size, in bytes.
    size: u64,
    /// SHA-256 of the stored object, 64 hex digits.
    sha256: String,
    /// Size once decompressed, in bytes.
    content_size: u64,
    /// Rows in the file, for data files.
    rows: Option<u64>,
    /// The table that a data or schema file belongs to.
    table: Option<String>,
    /// Gives the file to anyone who has it, without a key, until it expires.
    url: String,
    /// When the URL expires.
    #[schema(value_type = String, format = DateTime)]
    url_expires_at: Seconds,
}

/// The files of both kinds of manifest.
#[derive(Deserialize)]
struct Files {
    files: Vec<ManifestFile>,
}

/// The answer for a run: a bare array in the manifest's order.
pub(crate) async fn respond(state: &State, run: &RunRecord, expired: bool) -> Result<HttpResponse, Problem> {
    let (Some(manifest), Some(prefix), RunStatus::Completed, false) =
        (&run.manifest, &run.key_prefix, run.status, expired)
    else {
        let detail = match run.status {
            RunStatus::Running => "the run is still running; its files are there once it has completed",
            RunStatus::Failed => "the run failed; it left no files",
            RunStatus::Completed => "the run's files are no longer kept",
        };
        return Err(Problem::new(Code::RunHasNoFiles, detail));
    };
    let manifest: Files = Deserialize::deserialize(manifest).map_err(Problem::internal)?;
    let url_expires_at = Seconds(OffsetDateTime::now_utc() + state.presign_ttl);
    let mut files = Vec::with_capacity(manifest.files.len());
    for file in manifest.files {
        let url = state
            .objects
            .presign_get(&format!("{prefix}{}", file.name), state.presign_ttl)
            .await
            .map_err(Problem::internal)?;
        files.push(File {
            name: file.name,
            size: file.size,
            sha256: file.sha256,
            content_size: file.content_size,
            rows: file.rows,
            table: file.table,
            url,
            url_expires_at,
        });
    }
    Ok(HttpResponse::Ok().json(files))
}
