//! One PITR run, from its claim to its manifest.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use backtrail_contracts::manifest::{Coordinates, MANIFEST_VERSION, ManifestFile, PitrManifest};
use backtrail_domain::{CutTarget, Phase, RunKind, RunStatus, TableFilter};
use backtrail_objects::blocking::S3ResultSink;
use backtrail_objects::local::TempSpill;
use backtrail_objects::{ObjectStore, manifest};
use backtrail_reconstruct::{Compression, Inputs, Plan, Report, Request, plan, reconstruct};
use backtrail_store::{Claim, PitrOutcome, PitrRun, Store, StoreError};
use backtrail_worker::{Lease, Work, WorkError};
use serde::Serialize;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;
use time::macros::format_description;
use uuid::Uuid;

use crate::progress::RunObserver;
use crate::recovery::{self, Recovery};
use crate::{damage, failure, progress};

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
        let report = engine.reconstruct(Arc::new(plan), sink).await?;

        lease.enter(Phase::Uploading).await?;
        let manifest = manifest_of(&run, baseline, &report)?;
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
        let place = self.recovery.baseline_place.clone();
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
            work(&inputs, &self.request).map_err(|error| {
                let stopped = || self.lease.stopped().is_cancelled();
                match damage::behind(&error, &self.recovery, &stopped) {
                    Some(damage) => failure::of_damage(&damage, &error),
                    None => failure::of_engine(error, &place),
                }
            })
        });
        match outcome.await {
            Ok(outcome) => outcome,
            Err(_) => Err(WorkError::failed("internal", "the engine broke off; its log line says where")),
        }
    }
}

fn manifest_of(
    run: &PitrRun,
    baseline: backtrail_domain::BackupId,
    report: &Report,
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
