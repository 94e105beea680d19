//! From a message to the end of its run.

use std::future::Future;
use std::sync::Arc;
use std::time::{Duration, Instant};

use backtrail_contracts::jobs::{Job, job};
use backtrail_domain::RunKind;
use backtrail_queue::{Delivery, Queue};
use backtrail_service::{Context, telemetry};
use backtrail_store::runs::RunFailure;
use backtrail_store::sweeps::fail_undeliverable;
use backtrail_store::{Claim, Store, StoreError};
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tracing::Instrument;
use uuid::Uuid;

use crate::WorkError;
use crate::lease::{Lease, StopReason};

/// How long a message is held while the database is away. Shorter than the broker's own patience with a message that is not
/// acknowledged (30 minutes), and short enough that another worker gets it if only this one's way to the database is broken.
const LONGEST_HOLD: Duration = Duration::from_secs(5 * 60);
const BETWEEN_CLAIMS: Duration = Duration::from_millis(500);

/// Settings of every worker.
#[derive(Debug, Clone, clap::Args)]
pub struct WorkerSettings {
    /// Runs at once in this process
    #[arg(long, env = "BACKTRAIL_WORKER_CONCURRENCY", default_value_t = 1, value_parser = clap::value_parser!(u16).range(1..=64))]
    pub worker_concurrency: u16,
    /// A run whose worker is silent for so long goes to another, in seconds
    #[arg(long, env = "BACKTRAIL_LEASE_SECONDS", default_value_t = 60, value_parser = clap::value_parser!(u64).range(3..=3600))]
    pub lease_seconds: u64,
    /// When asked to stop: how long runs may go on before they are given back to the queue, in seconds. Keep it below
    /// BACKTRAIL_SHUTDOWN_SECONDS
    #[arg(long, env = "BACKTRAIL_DRAIN_SECONDS", default_value_t = 20)]
    pub drain_seconds: u64,
}

/// One kind of work.
pub trait Work: Send + Sync + 'static {
    /// A run of this kind, as the store has it.
    type Run: Send + 'static;

    /// The kind.
    const KIND: RunKind;

    /// Claims a run of this kind.
    fn claim(
        &self,
        store: &Store,
        id: Uuid,
        holder: &str,
        lease_for: Duration,
    ) -> impl Future<Output = Result<Option<Claim<Self::Run>>, StoreError>> + Send;

    /// What the log calls the run: its server and its tenant.
    fn names(run: &Self::Run) -> (String, String);

    /// Does the work and stores its result; `Ok` means that the run is completed.
    fn perform(&self, run: Self::Run, lease: Lease) -> impl Future<Output = Result<(), WorkError>> + Send;
}

/// Works until the service is asked to stop.
///
/// # Errors
/// None that end a single run: those are the run's. The queue was closed for good.
pub async fn run<W: Work>(
    work: W,
    store: Store,
    queue: Queue,
    settings: &WorkerSettings,
    context: &Context,
) -> anyhow::Result<()> {
    let executor = Arc::new(Executor {
        work,
        store,
        holder: context.instance.clone(),
        lease_for: Duration::from_secs(settings.lease_seconds),
    });
    let slots = Arc::new(Semaphore::new(usize::from(settings.worker_concurrency)));
    let draining = CancellationToken::new();
    let runs = TaskTracker::new();
    // A message is fetched only when there is a slot for its run: the others stay in the queue, for other workers and
    // for whoever scales them by its depth.
    let mut deliveries = queue.consume(W::KIND.into(), 1, context.cancelled.clone());
    loop {
        let slot = tokio::select! {
            slot = slots.clone().acquire_owned() => slot?,
            () = context.cancelled.cancelled() => break,
        };
        let Some(delivery) = deliveries.recv().await else { break };
        let Some((run, lease)) = executor.take(delivery, &context.cancelled).await else { continue };
        let (executor, draining) = (executor.clone(), draining.clone());
        let (server, tenant) = W::names(&run);
        let span = telemetry::run_span(W::KIND.as_str(), lease.token().run_id(), server, tenant);
        runs.spawn(
            async move {
                executor.execute(run, lease, &draining).await;
                drop(slot);
            }
            .instrument(span),
        );
    }
    drop(deliveries);
    runs.close();
    if tokio::time::timeout(Duration::from_secs(settings.drain_seconds), runs.wait()).await.is_err() {
        draining.cancel();
        runs.wait().await;
    }
    queue.close().await;
    anyhow::ensure!(context.cancelled.is_cancelled(), "the queue was closed");
    Ok(())
}

struct Executor<W> {
    work: W,
    store: Store,
    holder: String,
    lease_for: Duration,
}

impl<W: Work> Executor<W> {
    /// Claims the run that a message names, then answers the message.
    async fn take(&self, delivery: Delivery, cancelled: &CancellationToken) -> Option<(W::Run, Lease)> {
        let id = match delivery.job.as_ref().map(run_id) {
            Ok(Some(id)) => id,
            Ok(None) => {
                self.put_aside(&delivery, "its run's id is no UUID".to_owned()).await;
                return None;
            }
            Err(error) => {
                let reason = telemetry::chain(error).to_string();
                self.put_aside(&delivery, reason).await;
                return None;
            }
        };
        match self.claim(id, cancelled).await {
            Ok(claim) => {
                // A lost acknowledgement brings the message again, to be forgotten then: the run is claimed.
                if let Err(error) = delivery.ack().await {
                    tracing::debug!(run = %id, error = %error, "the claim's message was not acknowledged");
                }
                let Some(claim) = claim else {
                    tracing::info!(run = %id, "the message's run is not waiting for a worker; forgotten");
                    return None;
                };
                Some((claim.run, Lease::new(self.store.clone(), claim.token, self.lease_for)))
            }
            Err(error) => {
                tracing::warn!(run = %id, error = %telemetry::chain(&error), "the run could not be claimed; its message is tried again later");
                delivery.retry_later();
                None
            }
        }
    }

    /// Claims a run, and waits for a database that is away: a message that went back to its queue again and again meanwhile
    /// would end among the dead ones.
    async fn claim(&self, id: Uuid, cancelled: &CancellationToken) -> Result<Option<Claim<W::Run>>, StoreError> {
        let until = Instant::now() + LONGEST_HOLD;
        loop {
            let error = match self.work.claim(&self.store, id, &self.holder, self.lease_for).await {
                Err(error) if error.worth_repeating() && Instant::now() < until => error,
                outcome => return outcome,
            };
            tracing::debug!(run = %id, error = %telemetry::chain(&error), "the run could not be claimed yet");
            tokio::select! {
                () = tokio::time::sleep(BETWEEN_CLAIMS) => {}
                () = cancelled.cancelled() => return Err(error),
            }
        }
    }

    /// A message that no worker can ever work on.
    async fn put_aside(&self, delivery: &Delivery, reason: String) {
        metrics::counter!("backtrail_messages_dead_total", "kind" => W::KIND.as_str()).increment(1);
        tracing::warn!(run = ?delivery.run_id, message = ?delivery.message_id, reason, "a message that cannot be worked on goes to the dead-letter queue");
        if let Some(run) = delivery.run_id {
            let message = format!(
                "the run's message could not be read ({reason}); it is in the queue backtrail.dead, start the run again"
            );
            if let Err(error) = fail_undeliverable(&self.store, W::KIND, run, &message).await {
                tracing::warn!(run = %run, error = %telemetry::chain(&error), "its run could not be failed; the scheduler's sweep will");
            }
        }
        if let Err(error) = delivery.reject_dead().await {
            tracing::debug!(error = %error, "the rejection was lost; the message comes again");
        }
    }

    async fn execute(&self, run: W::Run, lease: Lease, draining: &CancellationToken) {
        let began = Instant::now();
        tracing::info!("claimed");
        metrics::gauge!("backtrail_runs_active", "kind" => W::KIND.as_str()).increment(1);
        let outcome = {
            let work = self.work.perform(run, lease.clone());
            let keep = async {
                lease.keep().await;
                std::future::pending::<()>().await;
            };
            let drain = async {
                draining.cancelled().await;
                lease.tell_to_stop(StopReason::Draining);
                std::future::pending::<()>().await;
            };
            tokio::select! {
                outcome = work => outcome,
                () = keep => Err(WorkError::Stopped),
                () = drain => Err(WorkError::Stopped),
            }
        };
        metrics::gauge!("backtrail_runs_active", "kind" => W::KIND.as_str()).decrement(1);
        metrics::histogram!("backtrail_run_seconds", "kind" => W::KIND.as_str()).record(began.elapsed().as_secs_f64());
        let ended = self.end(&lease, outcome).await;
        metrics::counter!("backtrail_runs_total", "kind" => W::KIND.as_str(), "outcome" => ended).increment(1);
    }

    /// Writes the try's end into the run's row.
    async fn end(&self, lease: &Lease, outcome: Result<(), WorkError>) -> &'static str {
        let failure = match (outcome, lease.stop_reason()) {
            (Ok(()), _) => {
                tracing::info!("completed");
                return "completed";
            }
            (Err(_), Some(StopReason::LeaseLost)) => {
                tracing::warn!("stopped: the run is no longer this worker's");
                return "lease_lost";
            }
            (Err(_), Some(StopReason::Cancelled)) => {
                let token = *lease.token();
                let ended = self.persist(|| async move { token.end_cancelled(&self.store, None).await }).await;
                tracing::info!(stored = ended, "cancelled");
                return "cancelled";
            }
            (Err(_), Some(StopReason::Draining)) => {
                let (token, why) = (*lease.token(), "the worker was asked to stop while it worked on the run");
                let given_back = self.persist(|| async move { token.give_back(&self.store, why).await }).await;
                tracing::info!(stored = given_back, "given back to the queue");
                return "given_back";
            }
            (Err(WorkError::Stopped), None) => return "lease_lost",
            (Err(WorkError::Failed { code, message, retryable, tool_log }), None) => {
                RunFailure { code: code.to_owned(), message, retryable, tool_log }
            }
        };
        let (token, told) = (*lease.token(), &failure);
        let stored = self.persist(|| async move { token.fail(&self.store, told).await.map(drop) }).await;
        tracing::warn!(
            code = failure.code,
            reason = failure.message,
            retryable = failure.retryable,
            stored,
            "the try failed"
        );
        "failed"
    }

    /// Tries to store an end for as long as the lease may last; after that the sweep does it.
    async fn persist<Fut>(&self, write: impl Fn() -> Fut) -> bool
    where
        Fut: Future<Output = Result<(), StoreError>>,
    {
        let until = Instant::now() + self.lease_for;
        loop {
            match write().await {
                Ok(()) => return true,
                // Where it is unknown whether a write took place, the next one says so: the run is no longer this worker's.
                Err(error) if error.worth_repeating() && Instant::now() < until => {
                    tokio::time::sleep(Duration::from_millis(250)).await;
                }
                Err(error) => {
                    tracing::debug!(error = %telemetry::chain(&error), "the end was not stored");
                    return false;
                }
            }
        }
    }
}

fn run_id(job: &Job) -> Option<Uuid> {
    let text = match job.job.as_ref()? {
        job::Job::Backup(backup) => &backup.backup_id,
        job::Job::Pitr(pitr) => &pitr.pitr_id,
    };
    Uuid::parse_str(text).ok()
}

/// The readiness of a worker: its database and its queue.
pub fn readiness(health: &backtrail_service::Health, store: &Store, queue: &Queue) {
    let checked = store.clone();
    health.check("postgres", move || {
        let store = checked.clone();
        async move { store.check_ready().await.map(|()| serde_json::json!({ "migrated": true })) }
    });
    let checked = queue.clone();
    health.check("rabbitmq", move || {
        let connected = checked.is_connected();
        async move { if connected { Ok(serde_json::json!("connected")) } else { Err("not connected") } }
    });
}
