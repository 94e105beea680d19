//! One backup run, from its claim to its manifest.

use std::path::PathBuf;
use std::time::Duration;

use backtrail_contracts::manifest::ManifestFile;
use backtrail_domain::{Phase, RunKind, RunStatus};
use backtrail_objects::{ObjectStore, manifest};
use backtrail_store::{BackupOutcome, BackupRun, Claim, SealingKey, Store, StoreError, prefixes};
use backtrail_worker::{Lease, Work, WorkError};
use time::OffsetDateTime;
use time::macros::format_description;
use uuid::Uuid;

use crate::dump::{Dumped, dump};
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
        let prefix = self.take_prefix(&run, &lease).await?;

        lease.enter(Phase::Dumping).await?;
        let mut dumped = dump(&source, &self.settings, &self.objects, &prefix, directory.path(), &lease).await?;

        lease.enter(Phase::Uploading).await?;
        let lasting = source.lasting_tables().await?;
        self.upload_metadata(&prefix, &mut dumped).await?;
        let proven = prove(&run, &source, &lasting, &dumped, OffsetDateTime::now_utc())?;
        lease.check()?;
        manifest::write(&self.objects, &prefix, &proven.manifest).await.map_err(failure::of_objects)?;
        self.complete(&run, &lease, outcome(&source, dumped, proven)?).await
    }
}

impl BackupWork {
    /// Takes a prefix that no try of any run has ever had:
    /// `[<s3_prefix>/]backups/<tenant>/<server>/<YYYY-MM-DD>/<HHMMSS>/`.
    async fn take_prefix(&self, run: &BackupRun, lease: &Lease) -> Result<String, WorkError> {
        let before =
            run.s3_prefix.as_deref().map(|prefix| format!("{}/", prefix.trim_matches('/'))).unwrap_or_default();
        let mut at = OffsetDateTime::now_utc();
        loop {
            let time = at
                .format(format_description!("[year]-[month]-[day]/[hour][minute][second]"))
                .map_err(|error| WorkError::of("internal", false, &error))?;
            let prefix = format!("{before}backups/{}/{}/{time}/", run.tenant_id, run.server_id);
            match lease.token().set_location(&self.store, &self.objects.url(&prefix), &prefix).await {
                Ok(()) => return Ok(prefix),
                Err(error) if error.is_conflict(prefixes::UNIQUE_PREFIX) => at += Duration::from_secs(1),
                Err(error) if error.retryable() => {
                    lease.check()?;
                    tokio::time::sleep(Duration::from_millis(250)).await;
                }
                Err(error) => return Err(error.into()),
            }
        }
    }

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

    /// The manifest is stored: from here on only the row is missing, and a row whose fate is unknown is looked at.
    async fn complete(&self, run: &BackupRun, lease: &Lease, outcome: BackupOutcome) -> Result<(), WorkError> {
        loop {
            match BackupRun::complete(&self.store, lease.token(), outcome.clone()).await {
                Ok(_) => return Ok(()),
                Err(error) if error.retryable() || matches!(error, StoreError::Unknown { .. }) => {
                    lease.check()?;
                    tokio::time::sleep(Duration::from_millis(250)).await;
                    let stored = BackupRun::by_id(&self.store, run.id).await;
                    if stored.is_ok_and(|stored| stored.is_some_and(|stored| stored.status == RunStatus::Completed)) {
                        return Ok(());
                    }
                }
                Err(error) => return Err(error.into()),
            }
        }
    }
}

fn outcome(source: &Source, dumped: Dumped, proven: Proven) -> Result<BackupOutcome, WorkError> {
    let (coordinates, gtid_set) = match proven.coordinates {
        Some((position, gtid_set)) => (Some(position), gtid_set),
        None => (None, None),
    };
    Ok(BackupOutcome {
        size_bytes: proven.manifest.files.iter().map(|file| file.size).sum(),
        file_count: proven.manifest.files.len() as u64,
        manifest: serde_json::to_value(&proven.manifest).map_err(|error| WorkError::of("internal", false, &error))?,
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
