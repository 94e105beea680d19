//! When sweeps run: `tokio-cron-scheduler`, used as a clock that ticks in UTC.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::Context as _;
use backtrail_service::telemetry;
use tokio::sync::Mutex;
use tokio_cron_scheduler::{Job, JobScheduler};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::Parts;

/// Calls sweeps at their times.
pub(crate) struct Ticker {
    parts: Parts,
    jobs: JobScheduler,
    running: TaskTracker,
}

impl Ticker {
    pub(crate) async fn new(parts: Parts) -> anyhow::Result<Self> {
        let jobs = JobScheduler::new().await.context("the ticker cannot be made")?;
        Ok(Self { parts, jobs, running: TaskTracker::new() })
    }

    /// Calls `sweep` every `interval`, unless it is still at work from last time.
    pub(crate) async fn every<F, Fut>(&self, interval: Duration, name: &'static str, sweep: F) -> anyhow::Result<()>
    where
        F: Fn(Parts) -> Fut + Copy + Send + Sync + 'static,
        Fut: Future<Output = anyhow::Result<()>> + Send + 'static,
    {
        let (parts, running) = (self.parts.clone(), self.running.clone());
        let at_work = Arc::new(Mutex::new(()));
        let job = Job::new_repeated_async(interval, move |_, _| {
            let (parts, at_work) = (parts.clone(), at_work.clone());
            let work = async move {
                if let Ok(_only_one) = at_work.try_lock() {
                    once(name, sweep(parts)).await;
                }
            };
            let tracked: Pin<Box<dyn Future<Output = ()> + Send>> = Box::pin(running.track_future(work));
            tracked
        });
        self.jobs.add(job.with_context(|| format!("sweep {name}"))?).await.with_context(|| format!("sweep {name}"))?;
        Ok(())
    }

    /// Ticks until cancelled, then waits for the sweeps at work.
    pub(crate) async fn run_until(mut self, cancelled: &CancellationToken) -> anyhow::Result<()> {
        self.jobs.start().await.context("the ticker cannot be started")?;
        cancelled.cancelled().await;
        self.jobs.shutdown().await.context("the ticker cannot be stopped")?;
        self.running.close();
        self.running.wait().await;
        Ok(())
    }
}

async fn once(name: &'static str, sweep: impl Future<Output = anyhow::Result<()>>) {
    let began = Instant::now();
    let outcome = sweep.await;
    metrics::histogram!("backtrail_sweep_seconds", "sweep" => name).record(began.elapsed().as_secs_f64());
    if let Err(error) = outcome {
        metrics::counter!("backtrail_sweep_failures_total", "sweep" => name).increment(1);
        // The next tick tries again: an outside system that is down for a while is no error of ours.
        tracing::warn!(sweep = name, error = %telemetry::chain(error.as_ref()), "the sweep failed; the next tick tries again");
    }
}
