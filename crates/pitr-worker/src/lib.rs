#![doc = include_str!("../README.md")]

mod failure;
mod progress;
mod recovery;
mod work;

use std::path::PathBuf;

use anyhow::Context as _;
use backtrail_objects::{ObjectSettings, ObjectStore};
use backtrail_queue::{Queue, QueueSettings};
use backtrail_reconstruct::Compression;
use backtrail_service::Context;
use backtrail_settings::ByteSize;
use backtrail_store::{Store, StoreSettings};
use backtrail_worker::WorkerSettings;
use clap::ValueEnum;

use crate::work::PitrWork;

/// Settings of the PITR worker.
#[derive(Debug, Clone, clap::Args)]
pub struct Settings {
    #[command(flatten)]
    store: StoreSettings,
    #[command(flatten)]
    queue: QueueSettings,
    #[command(flatten)]
    objects: ObjectSettings,
    #[command(flatten)]
    worker: WorkerSettings,
    /// Where change sets go past their memory; the system's directory for temporary files when not set
    #[arg(long, env = "BACKTRAIL_WORK_DIR")]
    work_dir: Option<PathBuf>,
    /// Memory for the change sets of one run
    #[arg(long, env = "BACKTRAIL_PITR_MEMORY", default_value = "256MiB")]
    pitr_memory: ByteSize,
    /// Threads that merge tables; as many as there are processors when not set
    #[arg(long, env = "BACKTRAIL_PITR_THREADS")]
    pitr_threads: Option<usize>,
    /// How the result's files are compressed: `none` loads with every version of myloader
    #[arg(long, env = "BACKTRAIL_PITR_COMPRESSION", value_enum, default_value_t = Compress::None)]
    pitr_compression: Compress,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum Compress {
    None,
    Gzip,
    Zstd,
}

impl From<Compress> for Compression {
    fn from(compress: Compress) -> Self {
        match compress {
            Compress::None => Self::None,
            Compress::Gzip => Self::Gzip,
            Compress::Zstd => Self::Zstd,
        }
    }
}

/// The worker, ready to run.
pub struct PitrWorker {
    work: PitrWork,
    store: Store,
    queue: Queue,
    settings: WorkerSettings,
}

impl PitrWorker {
    /// Takes what the worker needs, none of which has to be there yet, and registers its readiness checks.
    ///
    /// # Errors
    /// Settings that cannot be used.
    pub fn build(context: &Context, settings: Settings) -> anyhow::Result<Self> {
        let store = Store::open(&settings.store).context("Postgres")?;
        let objects = ObjectStore::connect(&settings.objects).context("S3")?;
        let queue = Queue::open(&settings.queue, context.cancelled.clone()).context("RabbitMQ")?;
        backtrail_worker::readiness(&context.health, &store, &queue);
        let spill_directory = settings.work_dir.unwrap_or_else(std::env::temp_dir);
        std::fs::create_dir_all(&spill_directory).with_context(|| format!("{}", spill_directory.display()))?;
        let work = PitrWork {
            store: store.clone(),
            objects,
            spill_directory,
            memory_budget: settings.pitr_memory.bytes(),
            threads: settings
                .pitr_threads
                .unwrap_or_else(|| std::thread::available_parallelism().map_or(1, |n| n.get())),
            compression: settings.pitr_compression.into(),
        };
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
