//! One PITR run, from its claim to its manifest.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use backtrail_contracts::manifest::{Coordinates, MANIFEST_VERSION, ManifestFile, PLAN_NAME, PitrManifest};
use backtrail_domain::{CutTarget, Phase, RunKind, RunStatus, TableFilter};
use backtrail_objects::blocking::S3ResultSink;
use backtrail_objects::local::TempSpill;
use backtrail_objects::{ObjectStore, StoredObject, manifest};
use backtrail_reconstruct::{Compression, FileReport, Inputs, Plan, Report, Request, plan, reconstruct};
use backtrail_store::{Claim, PitrOutcome, PitrRun, Store, StoreError};
use backtrail_worker::{Lease, Work, WorkError};
use serde::Serialize;
use sha2::{Digest, Sha256};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;
use time::macros::format_description;
use uuid::Uuid;

use crate::progress::RunObserver;
use crate::recovery::{self, Recovery};
use crate::{failure, progress};

/// The work of this service, and what it works with.
pub(crate) struct PitrWork {
    pub(crate) store: Store,
    pub(crate) objects: ObjectStore,
    pub(crate) spill_directory: PathBuf,
    pub(crate) memory_budget: u64,
    pub(crate) threads: usize,
    pub(crate) compression: Compression,
}

impl Work for PitrWork {
    type Run = PitrRun;

    const KIND: RunKind = RunKind::Pitr;

    async fn claim(
        &self,
        store: &Store,
        id: Uuid,
        holder: &str,
        lease_for: Duration,
    ) -> Result<Option<Claim<PitrRun>>, StoreError> {
        PitrRun::claim(store, id.into(), holder, lease_for).await
    }

    fn names(run: &PitrRun) -> (String, String) {
        (run.server_id.to_string(), run.tenant_id.to_string())
    }

    async fn perform(&self, run: PitrRun, lease: Lease) -> Result<(), WorkError> {
        lease.enter(Phase::Preparing).await?;
        let request = self.request(&run)?;
        let recovery = Arc::new(recovery::gather(&self.store, &self.objects, &run, &lease).await?);
        let request = Arc::new(Request {
            covered_until: recovery.covered_until,
            baseline_instant: Some(recovery.consistent_at),
            ..request
        });

        let engine = Engine { recovery, request, lease: lease.clone(), spill_directory: self.spill_directory.clone() };
        let plan = engine.clone().plan().await?;
        let stored_plan = to_json(&plan)?;
        let baseline = engine.recovery.backup;
        lease.persist(|| PitrRun::set_plan(&self.store, lease.token(), baseline, &stored_plan)).await?;

        lease.enter(Phase::Reconstructing).await?;
        let target = target_folder(&run.target);
        let prefix = lease
            .take_prefix(
                |time| format!("pitr/{}/{}/{target}/{time}/", run.tenant_id, run.server_id),
                |prefix| self.objects.url(prefix),
            )
            .await?;
        let sink = Arc::new(S3ResultSink::new(&self.objects, &prefix));
        let report = engine.reconstruct(Arc::new(plan), Arc::clone(&sink)).await?;

        lease.enter(Phase::Uploading).await?;
        check_stored(&prefix, &report.files, &sink.stored())?;
        lease.check()?;
        let plan = self.store_plan(&prefix, &stored_plan).await?;
        let manifest = manifest_of(&run, baseline, &report, plan)?;
        lease.check()?;
        manifest::write(&self.objects, &prefix, &manifest).await.map_err(failure::of_objects)?;
        let outcome = PitrOutcome {
            size_bytes: report.bytes_written,
            file_count: report.files.len() as u64,
            manifest: to_json(&manifest)?,
            progress: progress::of_the_whole(&report),
            report: to_json(&report)?,
            cut: report.cut.clone(),
            cut_gtid_set: report.gtid_set.clone(),
            warnings: report.warnings.clone(),
        };
        lease
            .complete(
                async || PitrRun::complete(&self.store, lease.token(), outcome.clone()).await.map(drop),
                async || {
                    let stored = PitrRun::by_id(&self.store, run.id).await?;
                    Ok(stored.is_some_and(|stored| stored.status == RunStatus::Completed))
                },
            )
            .await
    }
}

impl PitrWork {
    /// Puts the plan beside the result.
    async fn store_plan(&self, prefix: &str, plan: &serde_json::Value) -> Result<ManifestFile, WorkError> {
        let mut text = serde_json::to_vec_pretty(plan).map_err(|error| WorkError::of("internal", false, &error))?;
        text.push(b'\n');
        let (size, sha256) = (text.len() as u64, hex::encode(Sha256::digest(&text)));
        self.objects.put_new(&format!("{prefix}{PLAN_NAME}"), text).await.map_err(failure::of_objects)?;
        Ok(ManifestFile { name: PLAN_NAME.to_owned(), size, sha256, content_size: size, rows: None, table: None })
    }

    fn request(&self, run: &PitrRun) -> Result<Request, WorkError> {
        let tables = match &run.tables_filter {
            None => TableFilter::All,
            Some(text) => text.parse().map_err(|error| WorkError::of("invalid_tables", false, &error))?,
        };
        let mut request = Request::new(run.target.clone(), tables);
        request.allow_gaps = run.allow_gaps;
        request.memory_budget = self.memory_budget;
        request.threads = self.threads;
        request.compression = self.compression;
        Ok(request)
    }
}

/// The part of the prefix that names the target: `YYYYMMDDTHHMMSS` for a time.
fn target_folder(target: &CutTarget) -> String {
    match target {
        CutTarget::Time(time) => {
            time.format(format_description!("[year][month][day]T[hour][minute][second]")).unwrap_or_default()
        }
        CutTarget::Gtid(_) => "gtid".to_owned(),
        CutTarget::Position(place) => format!("{}-{}", place.file, place.offset),
    }
}

/// The engine's calls, each on a thread of its own.
#[derive(Clone)]
struct Engine {
    recovery: Arc<Recovery>,
    request: Arc<Request>,
    lease: Lease,
    spill_directory: PathBuf,
}

impl Engine {
    async fn plan(self) -> Result<Plan, WorkError> {
        self.on_a_thread(plan).await
    }

    async fn reconstruct(self, decided: Arc<Plan>, sink: Arc<S3ResultSink>) -> Result<Report, WorkError> {
        self.on_a_thread(move |inputs, request| reconstruct(inputs, &decided, request, &*sink)).await
    }

    async fn on_a_thread<T, F>(self, work: F) -> Result<T, WorkError>
    where
        T: Send + 'static,
        F: FnOnce(&Inputs<'_>, &Request) -> Result<T, backtrail_reconstruct::EngineError> + Send + 'static,
    {
        let span = tracing::Span::current();
        let outcome = tokio::task::spawn_blocking(move || {
            let _entered = span.enter();
            let spill = TempSpill::in_directory(&self.spill_directory);
            let observer = RunObserver(self.lease.clone());
            let inputs = Inputs {
                baseline: &self.recovery.baseline,
                log: &self.recovery.log,
                spill: &spill,
                observer: &observer,
            };
            work(&inputs, &self.request).map_err(|error| failure::of_engine(error, &self.recovery.baseline_place))
        });
        match outcome.await {
            Ok(outcome) => outcome,
            Err(_) => Err(WorkError::failed("internal", "the engine broke off; its log line says where")),
        }
    }
}

/// Whether what the store took is what the engine wrote, file by file.
fn check_stored(prefix: &str, written: &[FileReport], stored: &[StoredObject]) -> Result<(), WorkError> {
    let different = |name: &str, reason: String| {
        let message =
            format!("the account of the result's {name} does not balance: {reason}; start the recovery again");
        Err(WorkError::failed("reconstruction_failed", message))
    };
    let by_key: BTreeMap<&str, &StoredObject> = stored.iter().map(|object| (object.key.as_str(), object)).collect();
    for file in written {
        match by_key.get(format!("{prefix}{}", file.name).as_str()) {
            None => return different(&file.name, "it was written, and not stored".to_owned()),
            Some(object) if object.size != file.size || object.sha256 != file.sha256 => {
                let reason = format!(
                    "{} bytes with SHA-256 {} were written, {} bytes with {} stored",
                    file.size, file.sha256, object.size, object.sha256
                );
                return different(&file.name, reason);
            }
            Some(_) => {}
        }
    }
    match stored.len().checked_sub(written.len()) {
        Some(0) => Ok(()),
        _ => different("files", format!("{} were written, {} stored", written.len(), stored.len())),
    }
}

fn manifest_of(
    run: &PitrRun,
    baseline: backtrail_domain::BackupId,
    report: &Report,
    plan: ManifestFile,
) -> Result<PitrManifest, WorkError> {
    let last_commit_at = report.last_commit.as_ref().and_then(|text| OffsetDateTime::parse(text, &Rfc3339).ok());
    Ok(PitrManifest {
        version: MANIFEST_VERSION,
        pitr_id: run.id,
        tenant_id: run.tenant_id,
        server_id: run.server_id,
        baseline,
        target: run.target.to_string(),
        cut: Coordinates {
            file: report.cut.file.to_string(),
            position: report.cut.offset,
            gtid_set: report.gtid_set.as_ref().map(ToString::to_string).unwrap_or_default(),
        },
        last_commit_at,
        allow_gaps: run.allow_gaps,
        gaps: report.gaps.iter().map(|gap| format!("{}..{}", gap.from, gap.to)).collect(),
        plan: Some(plan),
        report: to_json(report)?,
        files: report
            .files
            .iter()
            .map(|file| ManifestFile {
                name: file.name.clone(),
                size: file.size,
                sha256: file.sha256.clone(),
                content_size: file.content_size,
                rows: file.rows,
                table: file.table.as_ref().map(ToString::to_string),
            })
            .collect(),
    })
}

fn to_json(value: &impl Serialize) -> Result<serde_json::Value, WorkError> {
    serde_json::to_value(value).map_err(|error| WorkError::of("internal", false, &error))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_stored_is_what_was_written() {
        let written = |name: &str, size, sha256: &str| FileReport {
            name: name.to_owned(),
            size,
            content_size: size,
            sha256: sha256.to_owned(),
            table: None,
            rows: None,
        };
        let stored =
            |key: &str, size, sha256: &str| StoredObject { key: key.to_owned(), size, sha256: sha256.to_owned() };
        let check = |stored: &[StoredObject], expect: &str| {
            let files = [written("metadata", 9, "aa"), written("shop.t.sql", 10, "bb")];
            match check_stored("pitr/x/", &files, stored) {
                Ok(()) => assert_eq!(expect, ""),
                Err(error) => assert!(!expect.is_empty() && error.to_string().contains(expect), "{error}"),
            }
        };
        let (metadata, table) = (stored("pitr/x/metadata", 9, "aa"), stored("pitr/x/shop.t.sql", 10, "bb"));
        check(&[metadata.clone(), table.clone()], "");
        check(std::slice::from_ref(&metadata), "shop.t.sql does not balance: it was written, and not stored");
        check(&[metadata.clone(), stored("pitr/x/shop.t.sql", 10, "bc")], "bb were written, 10 bytes with bc stored");
        check(&[metadata.clone(), stored("pitr/x/shop.t.sql", 11, "bb")], "11 bytes with bb stored");
        check(&[metadata, table, stored("pitr/x/other", 1, "cc")], "2 were written, 3 stored");
    }
}
