//! From what Postgres knows to what the engine reads.

use backtrail_domain::BackupId;
use backtrail_domain::chain::{self, ChainPlan, ChainRequest};
use backtrail_objects::ObjectStore;
use backtrail_objects::blocking::{ArchivedSegment, S3Baseline, S3BinaryLog};
use backtrail_reconstruct::LogPiece;
use backtrail_store::{BackupRun, PitrRun, Segment, Store, coverage};
use backtrail_worker::{Lease, WorkError};
use time::OffsetDateTime;

use crate::failure;

/// What one recovery works from.
pub(crate) struct Recovery {
    /// The baseline's run.
    pub(crate) backup: BackupId,
    /// Where its objects lie, for people.
    pub(crate) baseline_place: String,
    /// Its objects.
    pub(crate) baseline: S3Baseline,
    /// The segments from the baseline to the target.
    pub(crate) log: S3BinaryLog,
    /// Everything that committed until then is in the segments.
    pub(crate) covered_until: Option<OffsetDateTime>,
    /// The baseline stands at or before this instant.
    pub(crate) consistent_at: OffsetDateTime,
}

/// Chooses the baseline and the segments, and opens them.
pub(crate) async fn gather(
    store: &Store,
    objects: &ObjectStore,
    run: &PitrRun,
    lease: &Lease,
) -> Result<Recovery, WorkError> {
    let target = Some(&run.target);
    let (facts, now) = lease.persist(|| coverage::chain_facts(store, run.tenant_id, run.server_id, target)).await?;
    let request = ChainRequest { target: &run.target, allow_gaps: run.allow_gaps, now };
    let ChainPlan { baseline, segments, .. } =
        chain::plan(&facts, &request).map_err(|refusal| WorkError::failed(refusal.code(), refusal.to_string()))?;
    let backup = lease.persist(|| BackupRun::by_id(store, baseline.id)).await?;
    let prefix = backup.and_then(|backup| backup.key_prefix.clone()).ok_or_else(|| {
        WorkError::failed("no_baseline", format!("the baseline {} is gone; start the recovery again", baseline.id))
    })?;
    let ids: Vec<_> = segments.iter().map(|segment| segment.id).collect();
    let rows = lease.persist(|| Segment::objects(store, &ids)).await?;
    if rows.len() != ids.len() {
        return Err(WorkError::failed("binlog_gap", "segments that the recovery needs have expired; start it again"));
    }
    let archived = rows.into_iter().map(|segment| ArchivedSegment {
        piece: LogPiece { name: segment.key, file: segment.file, start: segment.start, end: Some(segment.end) },
        size: segment.size_bytes,
        sha256: hex::encode(segment.sha256),
    });
    Ok(Recovery {
        backup: baseline.id,
        baseline_place: objects.url(&prefix),
        baseline: S3Baseline::open_backup(objects, &prefix).await.map_err(failure::of_objects)?,
        log: S3BinaryLog::of_segments(objects, archived.collect()),
        covered_until: facts.covered.as_ref().map(|covered| covered.until),
        consistent_at: baseline.consistent_at,
    })
}
