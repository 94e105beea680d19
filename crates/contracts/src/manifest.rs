//! `manifest.json`: the object written last into every backup and every PITR result.
//!
//! A prefix without a manifest does not exist: a reader that finds none must treat the data objects beside it as a run
//! that is still going on or that died. The manifest lists every data object with its size and checksum, so a reader can
//! tell a complete prefix from a damaged one without trusting the store's listing.
//!
//! Every manifest ever written stays readable: `version` only grows, and `golden/` holds one file per version.

use std::collections::BTreeMap;

use backtrail_domain::{BackupId, PitrId, ServerId, TenantId};
use serde::{Deserialize, Serialize};
use time::OffsetDateTime;

/// The object's name below its prefix.
pub const MANIFEST_NAME: &str = "manifest.json";

/// The name below the prefix of a PITR's plan.
pub const PLAN_NAME: &str = "plan.json";

/// The newest version this code writes.
pub const MANIFEST_VERSION: u32 = 1;

/// One stored object of a backup or a result.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ManifestFile {
    /// Name below the prefix, e.g. `shop.orders.00000.sql.zst`.
    pub name: String,
    /// Size of the stored object, in bytes.
    pub size: u64,
    /// SHA-256 of the stored object, 64 lower-case hex digits.
    pub sha256: String,
    /// Size of the content once decompressed, in bytes; equal to `size` for what is stored as it is.
    pub content_size: u64,
    /// Rows in the file, for data files.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rows: Option<u64>,
    /// The table (`schema.table`, quoted as in the REST API) a data or schema file belongs to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub table: Option<String>,
}

/// Where a dump stands in its source's binary log.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Coordinates {
    /// Binary log file, e.g. `binlog.000012`.
    pub file: String,
    /// Offset of the first event after the dump, in bytes.
    pub position: u64,
    /// Executed GTID set at that place (MySQL: sets, MariaDB: one GTID a domain); empty where the server has none.
    pub gtid_set: String,
}

/// The server a dump was taken from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SourceIdentity {
    /// `mysql` or `mariadb`.
    pub flavour: String,
    /// What `SELECT VERSION()` answers.
    pub version: String,
    /// MySQL's `server_uuid`; on MariaDB, which has none, `mariadb-<server_id>`.
    pub identity: String,
    /// `lower_case_table_names`: how it tells names of schemas and tables apart. Not in manifests of before.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lower_case_table_names: Option<u8>,
}

/// How the dump came to be consistent.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Consistency {
    /// The lock mode mydumper ran with, e.g. `ftwrl`, `backup-lock`, `no-lock`.
    pub lock_mode: String,
    /// Whether every table stands at `coordinates`.
    pub consistent: bool,
}

/// `manifest.json` of a backup.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct BackupManifest {
    /// [`MANIFEST_VERSION`] at the time of writing.
    pub version: u32,
    /// The run that wrote it.
    pub backup_id: BackupId,
    /// Its tenant.
    pub tenant_id: TenantId,
    /// The server dumped.
    pub server_id: ServerId,
    /// What that server was.
    pub source: SourceIdentity,
    /// `mydumper 0.10.1` and the like.
    pub tool: String,
    /// Start of the dump, UTC.
    #[serde(with = "time::serde::rfc3339")]
    pub started_at: OffsetDateTime,
    /// End of the dump, UTC.
    #[serde(with = "time::serde::rfc3339")]
    pub completed_at: OffsetDateTime,
    /// Where the dump stands in the binary log; `None` means it can be restored but is no baseline for PITR.
    pub coordinates: Option<Coordinates>,
    /// Why it is no baseline, where it is none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub not_a_baseline_because: Option<String>,
    /// How it is consistent.
    pub consistency: Consistency,
    /// Rows per table (`schema.table`).
    pub tables: BTreeMap<String, u64>,
    /// Every data object, in name order.
    pub files: Vec<ManifestFile>,
}

/// `manifest.json` of a PITR result.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PitrManifest {
    /// [`MANIFEST_VERSION`] at the time of writing.
    pub version: u32,
    /// The run that wrote it.
    pub pitr_id: PitrId,
    /// Its tenant.
    pub tenant_id: TenantId,
    /// The server rebuilt.
    pub server_id: ServerId,
    /// The baseline it started from.
    pub baseline: BackupId,
    /// The target as it was asked for: an RFC 3339 time, a GTID set, or `file:position`.
    pub target: String,
    /// The place between two transactions that the target came down to.
    pub cut: Coordinates,
    /// Commit time of the last transaction before the cut, where there is one after the baseline.
    #[serde(with = "time::serde::rfc3339::option")]
    pub last_commit_at: Option<OffsetDateTime>,
    /// Whether gaps were allowed, and the gaps that the result runs across (`file:pos..file:pos`).
    pub allow_gaps: bool,
    /// See `allow_gaps`.
    pub gaps: Vec<String>,
    /// `plan.json` beside it: what was decided before the first row was written, as `backtrail reconstruct --plan --json`
    /// prints it. It is no part of the dump and not among `files`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub plan: Option<ManifestFile>,
    /// The engine's accounts, as `backtrail reconstruct --json` prints them.
    pub report: serde_json::Value,
    /// Every data object, in name order.
    pub files: Vec<ManifestFile>,
}
