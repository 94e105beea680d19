#![doc = include_str!("../README.md")]

mod accounts;
mod coverage;
mod fleet;
mod follower;
mod segment;
mod session;
mod start;

use std::path::PathBuf;
use std::time::Duration;

use anyhow::Context as _;
use backtrail_objects::{ObjectSettings, ObjectStore};
use backtrail_service::Context;
use backtrail_settings::ByteSize;
use backtrail_store::{SealingKey, SealingSettings, Store, StoreSettings};
use clap::ValueEnum;

/// Settings of the binlog agent.
#[derive(Debug, Clone, clap::Args)]
pub struct Settings {
    #[command(flatten)]
    store: StoreSettings,
    #[command(flatten)]
    sealing: SealingSettings,
    #[command(flatten)]
    objects: ObjectSettings,
    #[command(flatten)]
    archive: ArchiveSettings,
}

/// How the agent archives.
#[derive(Debug, Clone, clap::Args)]
pub struct ArchiveSettings {
    /// Servers that this process reads at most
    #[arg(long, env = "BACKTRAIL_AGENT_SERVERS", default_value_t = 64, value_parser = clap::value_parser!(u16).range(1..=1000))]
    pub agent_servers: u16,
    /// A server whose agent is silent for so long goes to another, in seconds; it is renewed four times as often
    #[arg(long, env = "BACKTRAIL_LEASE_SECONDS", default_value_t = 15, value_parser = clap::value_parser!(u64).range(3..=3600))]
    pub lease_seconds: u64,
    /// A segment is sealed at this size
    #[arg(long, env = "BACKTRAIL_SEGMENT_BYTES", default_value = "16MiB")]
    pub segment_bytes: ByteSize,
    /// And at this age, counted from its first event, in seconds
    #[arg(long, env = "BACKTRAIL_SEGMENT_SECONDS", default_value_t = 30, value_parser = clap::value_parser!(u64).range(1..=3600))]
    pub segment_seconds: u64,
    /// Between two reports of how far a server's archive is, in seconds
    #[arg(long, env = "BACKTRAIL_HEARTBEAT_SECONDS", default_value_t = 2, value_parser = clap::value_parser!(u64).range(1..=15))]
    pub heartbeat_seconds: u64,
    /// Where the archive of a new server begins
    #[arg(long, env = "BACKTRAIL_ARCHIVE_FROM", value_enum, default_value_t = ArchiveFrom::Registration)]
    pub archive_from: ArchiveFrom,
    /// Ids among a source's replicas begin here
    #[arg(long, env = "BACKTRAIL_REPLICA_ID_BASE", default_value_t = 3_900_000_000)]
    pub replica_id_base: u32,
    /// Where a segment goes that outgrows its memory; the system's directory for temporary files when not set
    #[arg(long, env = "BACKTRAIL_WORK_DIR")]
    pub work_dir: Option<PathBuf>,
}

/// Where the archive of a new server begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum ArchiveFrom {
    /// In the file that the server wrote when it was registered, or in that of its oldest backup if that is earlier.
    Registration,
    /// With the oldest file that it has.
    Oldest,
}

/// What every follower works with.
#[derive(Clone)]
pub(crate) struct Parts {
    pub(crate) store: Store,
    pub(crate) key: SealingKey,
    pub(crate) objects: ObjectStore,
    pub(crate) settings: ArchiveSettings,
}

impl ArchiveSettings {
    pub(crate) fn lease(&self) -> Duration {
        Duration::from_secs(self.lease_seconds)
    }
}

/// The agent, ready to run.
pub struct Agent {
    parts: Parts,
}

impl Agent {
    /// Takes what the agent needs, none of which has to be there yet, and registers its readiness checks.
    ///
    /// # Errors
    /// Settings that cannot be used.
    pub fn build(context: &Context, settings: Settings) -> anyhow::Result<Self> {
        let key = settings.sealing.resolve().context("BACKTRAIL_SECRET_KEY")?;
        let store = Store::open(&settings.store).context("Postgres")?;
        let objects = ObjectStore::connect(&settings.objects).context("S3")?;
        let agent = Self::of(store, key, objects, settings.archive);
        agent.register(context);
        Ok(agent)
    }

    /// An agent of parts that are there already.
    pub fn of(store: Store, key: SealingKey, objects: ObjectStore, settings: ArchiveSettings) -> Self {
        Self { parts: Parts { store, key, objects, settings } }
    }

    fn register(&self, context: &Context) {
        let store = self.parts.store.clone();
        context.health.check("postgres", move || {
            let store = store.clone();
            async move { store.check_ready().await.map(|()| serde_json::json!({ "migrated": true })) }
        });
        let objects = self.parts.objects.clone();
        context.health.check("s3", move || {
            let objects = objects.clone();
            async move { objects.check_bucket().await.map(|()| serde_json::Value::Null) }
        });
    }

    /// Archives until the service is asked to stop.
    ///
    /// # Errors
    /// None of a single server's: those are in its report and in the log.
    pub async fn run_until_cancelled(self, context: &Context) -> anyhow::Result<()> {
        fleet::run(self.parts, &context.instance, context.cancelled.clone()).await;
        Ok(())
    }
}
