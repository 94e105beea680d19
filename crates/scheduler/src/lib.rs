#![doc = include_str!("../README.md")]

#[cfg(test)]
mod support;
mod sweeps;
mod ticker;

use std::time::Duration;

use anyhow::Context as _;
use backtrail_objects::{ObjectSettings, ObjectStore};
use backtrail_queue::{Queue, QueueSettings};
use backtrail_service::Context;
use backtrail_store::{Store, StoreSettings};

use tokio_util::sync::CancellationToken;

use crate::ticker::Ticker;

/// Settings of the scheduler.
#[derive(Debug, Clone, clap::Args)]
pub struct Settings {
    #[command(flatten)]
    store: StoreSettings,
    #[command(flatten)]
    queue: QueueSettings,
    #[command(flatten)]
    objects: ObjectSettings,
    /// Between two looks for due schedules and dead workers.
    #[arg(long, env = "BACKTRAIL_SWEEP_SECONDS", default_value_t = 5, value_parser = clap::value_parser!(u64).range(1..=3600))]
    sweep_seconds: u64,
    /// Between two looks at what may be deleted.
    #[arg(long, env = "BACKTRAIL_RETENTION_SECONDS", default_value_t = 600, value_parser = clap::value_parser!(u64).range(1..=86_400))]
    retention_seconds: u64,
    /// A run whose message was published this long ago and that nobody took gets another message; twelve times later while
    /// the messages of other runs wait in the queue.
    #[arg(long, env = "BACKTRAIL_UNCLAIMED_SECONDS", default_value_t = 300, value_parser = clap::value_parser!(u64).range(5..=86_400))]
    unclaimed_seconds: u64,
    /// Objects of a try that died are left alone this long: its worker may still be writing.
    #[arg(long, env = "BACKTRAIL_ORPHAN_SECONDS", default_value_t = 900, value_parser = clap::value_parser!(u64).range(1..=86_400))]
    orphan_seconds: u64,
    /// Between two looks through the archive's objects for those that dead agents have left.
    #[arg(long, env = "BACKTRAIL_STRAYS_SECONDS", default_value_t = 3600, value_parser = clap::value_parser!(u64).range(1..=604_800))]
    strays_seconds: u64,
}

/// What every sweep works with.
#[derive(Clone)]
pub(crate) struct Parts {
    store: Store,
    queue: Queue,
    objects: ObjectStore,
    unclaimed_for: Duration,
    orphaned_for: Duration,
    /// Long sweeps end early on it, between two things.
    cancelled: CancellationToken,
}

/// The scheduler, ready to run.
pub struct Scheduler {
    parts: Parts,
    sweep_every: Duration,
    retention_every: Duration,
    strays_every: Duration,
}

impl Scheduler {
    /// Takes what the scheduler needs, none of which has to be there yet, and registers its readiness checks.
    ///
    /// # Errors
    /// Settings that cannot be used. An outside system that is down is no error: the scheduler is then not ready.
    pub fn build(context: &Context, settings: Settings) -> anyhow::Result<Self> {
        let store = Store::open(&settings.store).context("Postgres")?;
        let queue = Queue::open(&settings.queue, context.cancelled.clone()).context("RabbitMQ")?;
        let objects = ObjectStore::connect(&settings.objects).context("S3")?;
        backtrail_worker::readiness(&context.health, &store, &queue);
        let parts = Parts {
            store,
            queue,
            objects,
            unclaimed_for: Duration::from_secs(settings.unclaimed_seconds),
            orphaned_for: Duration::from_secs(settings.orphan_seconds),
            cancelled: context.cancelled.clone(),
        };
        Ok(Self {
            parts,
            sweep_every: Duration::from_secs(settings.sweep_seconds),
            retention_every: Duration::from_secs(settings.retention_seconds),
            strays_every: Duration::from_secs(settings.strays_seconds),
        })
    }

    /// Sweeps and relays until the service is asked to stop; the sweep at hand is finished first.
    ///
    /// # Errors
    /// The ticker cannot be started.
    pub async fn run_until_cancelled(self, context: Context) -> anyhow::Result<()> {
        let relay = tokio::spawn(backtrail_relay::run(
            self.parts.store.clone(),
            self.parts.queue.clone(),
            context.cancelled.clone(),
        ));
        let ticker = Ticker::new(self.parts).await?;
        ticker.every(self.sweep_every, "schedules", sweeps::schedules).await?;
        ticker.every(self.sweep_every, "runs", sweeps::runs).await?;
        ticker.every(self.retention_every, "retention", sweeps::retention).await?;
        ticker.every(self.sweep_every.max(Duration::from_secs(10)), "objects", sweeps::objects).await?;
        ticker.every(self.strays_every, "strays", sweeps::strays).await?;
        ticker.every(Duration::from_secs(60), "housekeeping", sweeps::housekeeping).await?;
        ticker.run_until(&context.cancelled).await?;
        relay.await.context("the relay broke")?;
        Ok(())
    }
}
