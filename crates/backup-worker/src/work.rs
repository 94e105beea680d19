//! One backup run, from its claim to its manifest.

use std::path::PathBuf;
use std::time::Duration;

use backtrail_contracts::manifest::ManifestFile;
use backtrail_domain::{Phase, RunKind, RunStatus};
use backtrail_objects::{ObjectStore, manifest};
use backtrail_store::{BackupOutcome, BackupRun, Claim, SealingKey, Store, StoreError};
use backtrail_worker::{Lease, Work, WorkError};
use time::OffsetDateTime;
use uuid::Uuid;

use crate::dump::{Dumped, dump, progress};
use crate::local::RunDirectory;
use crate::outcome::{Proven, prove};
use crate::source::Source;
use crate::{DumpSettings, failure};

/// The work of this service, and what it works with.
pub(crate) struct BackupWork {
    pub(crate) store: Store,
    pub(crate) objects: ObjectStore,
    pub(crate) sealing: SealingKey,
    pub(crate) settings: DumpSettings,
    pub(crate) directory: PathBuf,
}

impl Work for BackupWork {
    type Run = BackupRun;

    const KIND: RunKind = RunKind::Backup;

    async fn claim(
        &self,
        store: &Store,
        id: Uuid,
        holder: &str,
        lease_for: Duration,
    ) -> Result<Option<Claim<BackupRun>>, StoreError> {
        BackupRun::claim(store, id.into(), holder, lease_for).await
    }

    fn names(run: &BackupRun) -> (String, String) {
        (run.server_id.to_string(), run.tenant_id.to_string())
    }

    async fn perform(&self, run: BackupRun, lease: Lease) -> Result<(), WorkError> {
        lease.enter(Phase::Preparing).await?;
        let source = Source::look(&self.store, &self.sealing, &run, &lease).await?;
        let directory = RunDirectory::create(&self.directory)
            .map_err(|error| failure::of_disk("cannot make a directory for the dump", &error))?;
        let before =
            run.s3_prefix.as_deref().map(|prefix| format!("{}/", prefix.trim_matches('/'))).unwrap_or_default();
        let prefix = lease
            .take_prefix(
                |time| format!("{before}backups/{}/{}/{time}/", run.tenant_id, run.server_id),
                |prefix| self.objects.url(prefix),
            )
            .await?;

        lease.enter(Phase::Dumping).await?;
        let mut dumped = dump(&source, &self.settings, &self.objects, &prefix, directory.path(), &lease).await?;

        lease.enter(Phase::Uploading).await?;
        let lasting = source.lasting_tables().await?;
        self.upload_metadata(&prefix, &mut dumped).await?;
        let proven = prove(&run, &source, &lasting, &dumped, OffsetDateTime::now_utc())?;
        lease.check()?;
        manifest::write(&self.objects, &prefix, &proven.manifest).await.map_err(failure::of_objects)?;
        let outcome = outcome(&source, dumped, proven)?;
        lease
            .complete(
                async || BackupRun::complete(&self.store, lease.token(), outcome.clone()).await.map(drop),
                async || {
                    let stored = BackupRun::by_id(&self.store, run.id).await?;
                    Ok(stored.is_some_and(|stored| stored.status == RunStatus::Completed))
                },
            )
            .await
    }
}

impl BackupWork {
    /// Stores `metadata` as mydumper wrote it: loaders want it plain.
    async fn upload_metadata(&self, prefix: &str, dumped: &mut Dumped) -> Result<(), WorkError> {
        let mut upload = self.objects.upload(&format!("{prefix}metadata")).map_err(failure::of_objects)?;
        upload.write(dumped.metadata_text.clone().into()).await.map_err(failure::of_objects)?;
        let stored = upload.finish().await.map_err(failure::of_objects)?;
        dumped.files.push(ManifestFile {
            name: "metadata".to_owned(),
            size: stored.size,
            sha256: stored.sha256,
            content_size: stored.size,
            rows: None,
            table: None,
        });
        Ok(())
    }
}

fn outcome(source: &Source, dumped: Dumped, proven: Proven) -> Result<BackupOutcome, WorkError> {
    let progress = progress(&proven.manifest.files, None);
    let (coordinates, gtid_set) = match proven.coordinates {
        Some((position, gtid_set)) => (Some(position), gtid_set),
        None => (None, None),
    };
    Ok(BackupOutcome {
        size_bytes: proven.manifest.files.iter().map(|file| file.size).sum(),
        file_count: proven.manifest.files.len() as u64,
        manifest: serde_json::to_value(&proven.manifest).map_err(|error| WorkError::of("internal", false, &error))?,
        progress,
        coordinates,
        gtid_set,
        consistent: dumped.plan.consistent,
        snapshot_from: Some(source.clock),
        consistent_at: dumped.consistent_at,
        // Which of the identity's timelines the log is in, only the agent knows.
        timeline: None,
        warnings: proven.warnings,
        tool_log: Some(dumped.tool_log).filter(|log| !log.is_empty()),
    })
}
