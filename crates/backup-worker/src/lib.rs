#![doc = include_str!("../README.md")]

mod compress;
mod dump;
mod failure;
mod local;
mod outcome;
mod source;
mod unmet;
mod upload;
mod work;

use std::path::PathBuf;
use std::time::Duration;

use anyhow::Context as _;
use backtrail_objects::{ObjectSettings, ObjectStore};
use backtrail_queue::{Queue, QueueSettings};
use backtrail_service::Context;
use backtrail_settings::{ByteSize, parse_duration};
use backtrail_store::{SealingSettings, Store, StoreSettings};
use backtrail_worker::WorkerSettings;

use crate::work::BackupWork;

/// Settings of the backup worker.
#[derive(Debug, Clone, clap::Args)]
pub struct Settings {
    #[command(flatten)]
    store: StoreSettings,
    #[command(flatten)]
    sealing: SealingSettings,
    #[command(flatten)]
    queue: QueueSettings,
    #[command(flatten)]
    objects: ObjectSettings,
    #[command(flatten)]
    worker: WorkerSettings,
    #[command(flatten)]
    dump: DumpSettings,
}

/// How mydumper is driven.
#[derive(Debug, Clone, clap::Args)]
pub(crate) struct DumpSettings {
    /// The mydumper program
    #[arg(long, env = "BACKTRAIL_MYDUMPER", default_value = "mydumper")]
    pub(crate) mydumper: PathBuf,
    /// More options for mydumper, separated by spaces
    #[arg(long, env = "BACKTRAIL_MYDUMPER_OPTIONS", value_delimiter = ' ')]
    pub(crate) mydumper_options: Vec<String>,
    /// Tables dumped at a time
    #[arg(long, env = "BACKTRAIL_DUMP_THREADS", default_value_t = 4, value_parser = clap::value_parser!(u16).range(1..=64))]
    pub(crate) dump_threads: u16,
    /// About how large a file of a table's rows gets, in MiB
    #[arg(long, env = "BACKTRAIL_DUMP_CHUNK_MEBIBYTES", default_value_t = 64, value_parser = clap::value_parser!(u32).range(1..=4096))]
    pub(crate) dump_chunk_mebibytes: u32,
    /// A dump that takes longer is ended
    #[arg(long, env = "BACKTRAIL_DUMP_DEADLINE", default_value = "24h", value_parser = parse_duration)]
    pub(crate) dump_deadline: Duration,
    /// No dump begins while a query has been running for longer, in seconds
    #[arg(long, env = "BACKTRAIL_LONG_QUERY_SECONDS", default_value_t = 60)]
    pub(crate) long_query_seconds: u32,
    /// How long the dump may wait for its lock, in seconds: so long every writer may stand behind it
    #[arg(long, env = "BACKTRAIL_LOCK_WAIT_SECONDS", default_value_t = 20)]
    pub(crate) lock_wait_seconds: u32,
    /// Bytes that a dump may take on this machine
    #[arg(long, env = "BACKTRAIL_LOCAL_DISK_LIMIT", default_value = "4GiB")]
    pub(crate) local_disk_limit: ByteSize,
    /// Where dumps lie until they are uploaded; the system's directory for temporary files when not set
    #[arg(long, env = "BACKTRAIL_WORK_DIR")]
    pub(crate) work_dir: Option<PathBuf>,
    /// zstd's level
    #[arg(long, env = "BACKTRAIL_DUMP_COMPRESSION_LEVEL", default_value_t = 3, value_parser = clap::value_parser!(i32).range(1..=19))]
    pub(crate) dump_compression_level: i32,
}

/// The worker, ready to run.
pub struct BackupWorker {
    work: BackupWork,
    store: Store,
    queue: Queue,
    settings: WorkerSettings,
}

impl BackupWorker {
    /// Takes what the worker needs, none of which has to be there yet, and registers its readiness checks.
    ///
    /// # Errors
    /// Settings that cannot be used.
    pub fn build(context: &Context, settings: Settings) -> anyhow::Result<Self> {
        let store = Store::open(&settings.store).context("Postgres")?;
        let objects = ObjectStore::connect(&settings.objects).context("S3")?;
        let sealing = settings.sealing.resolve()?;
        let directory = settings.dump.work_dir.clone().unwrap_or_else(std::env::temp_dir);
        local::clear(&directory).with_context(|| format!("{} cannot be used", directory.display()))?;
        let queue = Queue::open(&settings.queue, context.cancelled.clone()).context("RabbitMQ")?;
        backtrail_worker::readiness(&context.health, &store, &queue);
        let work = BackupWork { store: store.clone(), objects, sealing, settings: settings.dump, directory };
        Ok(Self { work, store, queue, settings: settings.worker })
    }

    /// Works until the service is asked to stop.
    ///
    /// # Errors
    /// The queue was closed for good.
    pub async fn run_until_cancelled(self, context: &Context) -> anyhow::Result<()> {
        backtrail_worker::run(self.work, self.store, self.queue, &self.settings, context).await
    }
}
