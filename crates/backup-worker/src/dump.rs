//! mydumper at work, and its files on their way up as it closes them.

use std::collections::VecDeque;
use std::path::Path;
use std::time::{Duration, Instant};

use backtrail_contracts::manifest::ManifestFile;
use backtrail_dump::metadata::DumpMetadata;
use backtrail_objects::ObjectStore;
use backtrail_source::mydumper::{
    ClosedFile, DumpDirectory, DumpPlan, DumpProcess, DumpRequest, Mydumper, PrivateDirectory, plan_arguments,
    release_locks,
};
use backtrail_worker::{Lease, WorkError};
use secrecy::SecretString;
use serde_json::json;
use time::OffsetDateTime;
use tokio::task::JoinSet;

use crate::DumpSettings;
use crate::failure;
use crate::source::Source;
use crate::upload::upload;

const BETWEEN_LOOKS: Duration = Duration::from_millis(100);
/// Files on their way up at a time.
const UPLOADS: usize = 4;

/// A dump that has ended well.
pub(crate) struct Dumped {
    pub(crate) tool: String,
    pub(crate) plan: DumpPlan,
    /// What of the source this version of the tool does not dump as it is.
    pub(crate) warnings: Vec<String>,
    /// The metadata as mydumper wrote it.
    pub(crate) metadata_text: String,
    pub(crate) metadata: DumpMetadata,
    /// The source's clock when the dump's place in the binary log was known.
    pub(crate) consistent_at: Option<OffsetDateTime>,
    /// What was uploaded, without the metadata.
    pub(crate) files: Vec<ManifestFile>,
    /// The end of what mydumper printed.
    pub(crate) tool_log: String,
}

/// Runs mydumper to its end.
pub(crate) async fn dump(
    source: &Source,
    settings: &DumpSettings,
    objects: &ObjectStore,
    prefix: &str,
    run_directory: &Path,
    lease: &Lease,
) -> Result<Dumped, WorkError> {
    let tool = Mydumper::probe(&settings.mydumper).await.map_err(|error| WorkError::of("mydumper", false, &error))?;
    let private = PrivateDirectory::create(run_directory, &source.endpoint, &source.facts, settings.lock_wait_seconds)
        .map_err(|error| failure::of_disk("cannot write mydumper's options", &error))?;
    let output = run_directory.join("dump");
    let mut warnings = Vec::new();
    if tool.version.leaves_out_expression_defaults() && !source.with_expression_defaults.is_empty() {
        let names: Vec<String> = source.with_expression_defaults.iter().map(ToString::to_string).collect();
        warnings.push(format!(
            "mydumper {} leaves columns whose default is an expression, such as CURRENT_TIMESTAMP, out of its dumps of MySQL \
             {}: {}; restored rows will have that default, and PITR refuses these tables. Give the backup worker mydumper \
             1.0 or later (BACKTRAIL_MYDUMPER)",
            tool.version,
            source.facts.number,
            names.join(", ")
        ));
    }
    let plan = plan_arguments(&DumpRequest {
        version: tool.version,
        facts: &source.facts,
        endpoint: &source.endpoint,
        all_transactional: source.all_transactional(),
        may_lock_ddl: source.may_lock_ddl,
        defaults_file: &private.defaults_file,
        ca_file: private.ca_file.as_deref(),
        output: &output,
        threads: settings.dump_threads,
        chunk_mebibytes: settings.dump_chunk_mebibytes,
        long_query_seconds: settings.long_query_seconds,
        more: &settings.mydumper_options,
    });
    let secret: SecretString = source.endpoint.password.clone();
    let process = DumpProcess::start(&tool.program, &plan.arguments, private.path(), secret)
        .map_err(|error| WorkError::of("mydumper", false, &error))?;
    let mut watch = Watch {
        source,
        settings,
        lease,
        process,
        directory: DumpDirectory::new(&output),
        waiting: VecDeque::new(),
        uploads: Uploads {
            objects: objects.clone(),
            prefix: prefix.to_owned(),
            running: JoinSet::new(),
            files: Vec::new(),
        },
        consistent_at: None,
        paused: false,
    };
    let outcome = watch.until_the_end().await;
    if let Err(error) = outcome {
        watch.abandon().await;
        return Err(error.with_tool_log(watch.process.output()));
    }
    let log = watch.process.output();
    let (metadata_text, metadata) =
        finished_metadata(&watch.directory, &tool).map_err(|error| error.with_tool_log(log.clone()))?;
    Ok(Dumped {
        tool: format!("mydumper {}", tool.version),
        plan,
        warnings,
        metadata_text,
        metadata,
        consistent_at: watch.consistent_at,
        files: watch.uploads.files,
        tool_log: log,
    })
}

struct Watch<'a> {
    source: &'a Source,
    settings: &'a DumpSettings,
    lease: &'a Lease,
    process: DumpProcess,
    directory: DumpDirectory,
    waiting: VecDeque<ClosedFile>,
    uploads: Uploads,
    consistent_at: Option<OffsetDateTime>,
    paused: bool,
}

struct Uploads {
    objects: ObjectStore,
    prefix: String,
    running: JoinSet<Result<ManifestFile, WorkError>>,
    files: Vec<ManifestFile>,
}

impl Watch<'_> {
    async fn until_the_end(&mut self) -> Result<(), WorkError> {
        let deadline = Instant::now() + self.settings.dump_deadline;
        let mut status = None;
        loop {
            let ended = self.process.has_ended();
            if ended && status.is_none() {
                status = Some(self.process.wait().await);
            }
            let process = (!ended).then(|| self.process.id());
            let closed = self.directory.completed(process);
            self.waiting.extend(closed.map_err(|error| failure::of_disk("the dump cannot be looked at", &error))?);
            self.note_the_instant().await?;
            self.send_up()?;
            self.keep_within_the_disk()?;
            self.tell();
            if ended && self.waiting.is_empty() && self.uploads.running.is_empty() {
                break;
            }
            if Instant::now() > deadline {
                let limit = self.settings.dump_deadline;
                return Err(WorkError::failed(
                    "dump_deadline",
                    format!("the dump took longer than {limit:?} (BACKTRAIL_DUMP_DEADLINE)"),
                ));
            }
            tokio::select! {
                () = tokio::time::sleep(BETWEEN_LOOKS) => {}
                () = self.lease.stopped().cancelled() => return Err(WorkError::Stopped),
                Some(uploaded) = self.uploads.running.join_next() => self.uploads.keep(uploaded)?,
            }
        }
        match status.flatten() {
            Some(status) if status.success() => Ok(()),
            Some(status) => Err(WorkError::Failed {
                code: "mydumper",
                message: format!(
                    "mydumper on {} ended with {status}: {}",
                    self.source.endpoint.name(),
                    last_lines(&self.process.output())
                ),
                retryable: true,
                tool_log: None,
            }),
            None => Err(WorkError::failed("mydumper", "mydumper's end could not be seen")),
        }
    }

    /// Reads the source's clock as soon as the dump's place in the log is settled: the baseline stands before that.
    async fn note_the_instant(&mut self) -> Result<(), WorkError> {
        if self.consistent_at.is_some() {
            return Ok(());
        }
        let text =
            self.directory.metadata().map_err(|error| failure::of_disk("the metadata cannot be read", &error))?;
        let has_place = text.and_then(|text| DumpMetadata::parse(&text).ok()).is_some_and(|m| m.coordinates.is_some());
        if has_place || self.process.has_unlocked() || self.process.has_ended() {
            let mut connection = self.source.connect().await?;
            self.consistent_at = Some(connection.clock().await.map_err(failure::of_source)?);
        }
        Ok(())
    }

    fn send_up(&mut self) -> Result<(), WorkError> {
        while let Some(uploaded) = self.uploads.running.try_join_next() {
            self.uploads.keep(uploaded)?;
        }
        while self.uploads.running.len() < UPLOADS
            && let Some(file) = self.waiting.pop_front()
        {
            let (objects, prefix) = (self.uploads.objects.clone(), self.uploads.prefix.clone());
            self.uploads.running.spawn(upload(objects, prefix, file, self.settings.dump_compression_level));
        }
        Ok(())
    }

    /// Has mydumper stand still while too much lies here; never while it holds its lock.
    fn keep_within_the_disk(&mut self) -> Result<(), WorkError> {
        let size = self.directory.size().map_err(|error| failure::of_disk("the dump cannot be measured", &error))?;
        let limit = self.settings.local_disk_limit.bytes();
        if !self.paused && size > limit && self.process.may_pause() && !self.process.has_ended() {
            tracing::info!(size, limit, "mydumper stands still until uploads have caught up");
            self.process.pause();
            self.paused = true;
        } else if self.paused && (size < limit / 2 || self.nothing_to_send()) {
            self.process.resume();
            self.paused = false;
        }
        Ok(())
    }

    /// Only the files being written are left: standing still would wait for nothing.
    fn nothing_to_send(&self) -> bool {
        self.waiting.is_empty() && self.uploads.running.is_empty()
    }

    fn tell(&self) {
        self.lease.progress(progress(&self.uploads.files, Some(self.source.size())));
    }

    /// Ends everything that is still going on, here and on the source.
    async fn abandon(&mut self) {
        self.process.resume();
        self.process.kill();
        let _ = tokio::time::timeout(Duration::from_secs(10), self.process.wait()).await;
        self.uploads.running.shutdown().await;
        let released = async {
            release_locks(&mut self.source.connect().await?, self.source.connection_id)
                .await
                .map_err(failure::of_source)
        };
        match tokio::time::timeout(Duration::from_secs(10), released).await {
            Ok(Ok(0)) => {}
            Ok(Ok(ended)) => {
                tracing::warn!(ended, "connections of the killed dump that stood in the way of others were ended")
            }
            Ok(Err(error)) => tracing::warn!(error = %error, "could not look for locks of the killed dump"),
            Err(_) => tracing::warn!("the source did not answer when asked for locks of the killed dump"),
        }
    }
}

impl Uploads {
    fn keep(
        &mut self,
        uploaded: Result<Result<ManifestFile, WorkError>, tokio::task::JoinError>,
    ) -> Result<(), WorkError> {
        let file =
            uploaded.map_err(|_| WorkError::failed("internal", "an upload broke off; its log line says where"))??;
        self.files.push(file);
        Ok(())
    }
}

fn finished_metadata(directory: &DumpDirectory, tool: &Mydumper) -> Result<(String, DumpMetadata), WorkError> {
    let broken = |why: String| {
        WorkError::failed(
            "dump_incomplete",
            format!("mydumper {} ended well, but {why}; take the backup again", tool.version),
        )
    };
    let path = directory.path().join("metadata");
    let text = std::fs::read_to_string(&path).map_err(|_| broken("its dump has no `metadata`".to_owned()))?;
    let metadata =
        DumpMetadata::parse(&text).map_err(|error| broken(format!("its `metadata` cannot be understood: {error}")))?;
    if !metadata.is_finished() {
        return Err(broken("its `metadata` has no completion mark".to_owned()));
    }
    Ok((text, metadata))
}

/// The end of what a tool printed, for a message.
fn last_lines(output: &str) -> String {
    let lines: Vec<&str> = output.lines().filter(|line| !line.trim().is_empty()).collect();
    if lines.is_empty() {
        return "it printed nothing".to_owned();
    }
    lines[lines.len().saturating_sub(3)..].join(" | ")
}

/// How far a dump is whose files these are. What is expected is the server's estimate, and in the end what there was.
pub(crate) fn progress(files: &[ManifestFile], expected: Option<u64>) -> serde_json::Value {
    let bytes: u64 = files.iter().map(|file| file.content_size).sum();
    json!({
        "files_done": files.len(),
        "rows": files.iter().filter_map(|file| file.rows).sum::<u64>(),
        "bytes_done": bytes,
        "bytes_expected": expected.unwrap_or(bytes),
    })
}
