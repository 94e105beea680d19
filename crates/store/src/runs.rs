//! What backups and PITR runs have in common: claims, leases, phases, ends, and the sweeps.

use std::time::Duration;

use backtrail_domain::{Phase, RunKind, RunState, RunStatus, ServerId, TenantId};
use serde_json::Value as Json;
use time::OffsetDateTime;
use uuid::Uuid;

use crate::{Store, StoreError};

/// The rule: one running backup for a server.
pub const ONE_RUNNING_BACKUP: &str = "runs_one_running_backup";
/// The rule: one running PITR for a server.
pub const ONE_RUNNING_PITR: &str = "runs_one_running_pitr";

/// Proof that a worker held a run's lease when it got this. Every write takes it; a write under a token that is no
/// longer the newest is [`StoreError::LostRace`] and changes nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FencingToken {
    pub(crate) run: Uuid,
    pub(crate) kind: RunKind,
    pub(crate) fencing: i64,
}

/// A run that was claimed.
#[derive(Debug, Clone)]
pub struct Claim<R> {
    /// As it stands after the claim.
    pub run: R,
    /// Goes with every further write.
    pub token: FencingToken,
}

/// What a worker learns when it renews its lease.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Renewed {
    /// A client wants the run ended: stop, clean up, call [`FencingToken::end_cancelled`].
    pub cancel_requested: bool,
    /// Until when the lease now lasts.
    pub lease_expires_at: OffsetDateTime,
}

/// Why a run failed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RunFailure {
    /// Stable word for programs, e.g. `source_unreachable`.
    pub code: String,
    /// For people: what failed, on what, what to do.
    pub message: String,
    /// Whether another try may help: then the run is queued again while tries are left.
    pub retryable: bool,
    /// The tail of a tool's output, where one ran.
    pub tool_log: Option<String>,
}

/// The part of a run's row that does not depend on its kind.
#[derive(Debug, Clone, PartialEq)]
pub struct RunRecord {
    /// The run's id: a `BackupId` or `PitrId`.
    pub id: Uuid,
    /// Its kind.
    pub kind: RunKind,
    /// Whose.
    pub tenant_id: TenantId,
    /// The server backed up or rebuilt.
    pub server_id: ServerId,
    /// That server's name.
    pub server_name: String,
    /// Where it stands.
    pub state: RunState,
    /// What a client sees of that.
    pub status: RunStatus,
    /// How far it is; for a failed run, where it failed.
    pub phase: Phase,
    /// Tries that began.
    pub attempt: u32,
    /// A client asked for its end.
    pub cancel_requested: bool,
    /// `s3://bucket/…/` of the latest try.
    pub s3_path: Option<String>,
    /// The same as a key in the bucket, with the `/` at its end.
    pub key_prefix: Option<String>,
    /// Stored bytes of the result.
    pub size_bytes: Option<u64>,
    /// Stored objects of the result.
    pub file_count: Option<u64>,
    /// From `started_at` to `completed_at`.
    pub duration_ms: Option<u64>,
    /// Stable word for programs.
    pub error_code: Option<String>,
    /// For people.
    pub error_message: Option<String>,
    /// What a client should know about the result.
    pub warnings: Vec<String>,
    /// How far the phase is: tables, rows, bytes; whatever the worker reports.
    pub progress: Option<Json>,
    /// The manifest, once there is a result.
    pub manifest: Option<Json>,
    /// The tail of a tool's output.
    pub tool_log: Option<String>,
    /// W3C trace context of the request that caused it.
    pub traceparent: Option<String>,
    /// When it was asked for.
    pub started_at: OffsetDateTime,
    /// When it was last queued.
    pub queued_at: OffsetDateTime,
    /// When its latest try began.
    pub claimed_at: Option<OffsetDateTime>,
    /// When it ended.
    pub completed_at: Option<OffsetDateTime>,
    /// Who works on it, for people.
    pub lease_holder: Option<String>,
    /// Until when, unless renewed.
    pub lease_expires_at: Option<OffsetDateTime>,
}

/// A run that a sweep moved.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Swept {
    /// The run.
    pub id: Uuid,
    /// Its kind.
    pub kind: RunKind,
    /// Whose.
    pub tenant_id: TenantId,
    /// Its server.
    pub server_id: ServerId,
    /// Where it was.
    pub from: RunState,
    /// Where it is now.
    pub to: RunState,
}

impl FencingToken {
    /// The run it is for.
    pub fn run_id(&self) -> Uuid {
        self.run
    }

    /// The token's number: rises with every claim of the run.
    pub fn number(&self) -> i64 {
        self.fencing
    }

    /// Says that the worker is still there.
    pub async fn renew(&self, store: &Store, lease_for: Duration) -> Result<Renewed, StoreError> {
        todo!()
    }

    /// Enters a phase. Going back is [`StoreError::Refused`].
    pub async fn set_phase(&self, store: &Store, phase: Phase) -> Result<(), StoreError> {
        todo!()
    }

    /// Stores progress. Workers do this at most once a second.
    pub async fn set_progress(&self, store: &Store, progress: &Json) -> Result<(), StoreError> {
        todo!()
    }

    /// Takes a key prefix for this try before anything is stored below it. `key_prefix` ends with `/`. A prefix that any
    /// try of any run has ever taken is a [`StoreError::Conflict`] with [`UNIQUE_PREFIX`](crate::prefixes::UNIQUE_PREFIX):
    /// choose another.
    pub async fn set_location(&self, store: &Store, s3_path: &str, key_prefix: &str) -> Result<(), StoreError> {
        todo!()
    }

    /// Ends the try. The run is queued again when that may help and tries are left, else it is failed; failed as
    /// cancelled when a client asked for its end. Says where it stands now.
    pub async fn fail(&self, store: &Store, failure: &RunFailure) -> Result<RunState, StoreError> {
        todo!()
    }

    /// Ends the run because a client asked, once everything has stopped.
    pub async fn end_cancelled(&self, store: &Store, tool_log: Option<&str>) -> Result<(), StoreError> {
        todo!()
    }
}

/// Moves the runs whose worker has not been heard of for longer than its lease: queued again, failed, or cancelled.
pub async fn sweep_expired(store: &Store, limit: u16) -> Result<Vec<Swept>, StoreError> {
    todo!()
}

/// Gives a new message to the runs that wait although their message was published longer than `unclaimed_for` ago
/// (5 minutes is a good value); fails those whose tries are used up.
pub async fn sweep_unclaimed(store: &Store, unclaimed_for: Duration, limit: u16) -> Result<Vec<Swept>, StoreError> {
    todo!()
}

/// Fails a queued or leased-out run from outside any worker: for a message that no worker can process.
pub async fn fail_undeliverable(store: &Store, kind: RunKind, id: Uuid, message: &str) -> Result<bool, StoreError> {
    todo!()
}
