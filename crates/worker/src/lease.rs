//! A run's lease: kept while the work goes on, and the way to tell the work to stop.

use std::future::Future;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use backtrail_domain::Phase;
use backtrail_store::{FencingToken, Store, StoreError, prefixes};
use serde_json::Value as Json;
use time::OffsetDateTime;
use time::macros::format_description;
use tokio::sync::watch;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use crate::WorkError;

/// Progress is stored, and a client's wish to cancel seen, this often.
const BETWEEN_RENEWALS: Duration = Duration::from_secs(1);
const BETWEEN_TRIES: Duration = Duration::from_millis(250);

/// Why work has to stop.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StopReason {
    /// A client asked for the run's end.
    Cancelled,
    /// The run is somebody else's by now, or may be.
    LeaseLost,
    /// This process is asked to end and has waited long enough.
    Draining,
}

/// The right to work on a run. All clones are one.
#[derive(Clone)]
pub struct Lease {
    store: Store,
    token: FencingToken,
    lease_for: Duration,
    stop: CancellationToken,
    reason: Arc<OnceLock<StopReason>>,
    progress: Arc<watch::Sender<Option<Json>>>,
}

impl Lease {
    pub(crate) fn new(store: Store, token: FencingToken, lease_for: Duration) -> Self {
        Self {
            store,
            token,
            lease_for,
            stop: CancellationToken::new(),
            reason: Arc::default(),
            progress: Arc::new(watch::Sender::new(None)),
        }
    }

    /// Goes with every write to the run.
    pub fn token(&self) -> &FencingToken {
        &self.token
    }

    /// Cancelled when the work has to stop: then end processes, abort uploads, and return [`WorkError::Stopped`].
    pub fn stopped(&self) -> &CancellationToken {
        &self.stop
    }

    /// Why, once [`stopped`](Self::stopped) is cancelled.
    pub fn stop_reason(&self) -> Option<StopReason> {
        self.reason.get().copied()
    }

    /// Fails with [`WorkError::Stopped`] when the work has to stop.
    pub fn check(&self) -> Result<(), WorkError> {
        if self.stop.is_cancelled() { Err(WorkError::Stopped) } else { Ok(()) }
    }

    /// Enters a phase.
    pub async fn enter(&self, phase: Phase) -> Result<(), WorkError> {
        self.persist(|| self.token.set_phase(&self.store, phase)).await
    }

    /// Says how far the work is. Cheap: the newest is stored about once a second.
    pub fn progress(&self, progress: Json) {
        self.progress.send_replace(Some(progress));
    }

    /// Writes to the database, trying again while it is away, for as long as the lease can be ours. `write` must be safe to
    /// repeat, as every write under a fencing token that sets a state is.
    pub async fn persist<T, F, Fut>(&self, write: F) -> Result<T, WorkError>
    where
        F: Fn() -> Fut,
        Fut: Future<Output = Result<T, StoreError>>,
    {
        loop {
            match write().await {
                Err(error) if error.worth_repeating() => self.pause().await?,
                outcome => return Ok(outcome?),
            }
        }
    }

    /// Takes a key prefix that no try of any run has ever had. `prefix` makes one from a date and a time of day,
    /// `2026-04-13/020000`; `url` says where that is, for people.
    pub async fn take_prefix(
        &self,
        prefix: impl Fn(&str) -> String,
        url: impl Fn(&str) -> String,
    ) -> Result<String, WorkError> {
        let mut at = OffsetDateTime::now_utc();
        loop {
            let time = at
                .format(format_description!("[year]-[month]-[day]/[hour][minute][second]"))
                .map_err(|error| WorkError::of("internal", false, &error))?;
            let candidate = prefix(&time);
            match self.token.set_location(&self.store, &url(&candidate), &candidate).await {
                Ok(()) => return Ok(candidate),
                Err(error) if error.is_conflict(prefixes::UNIQUE_PREFIX) => at += Duration::from_secs(1),
                Err(error) if error.worth_repeating() => self.pause().await?,
                Err(error) => return Err(error.into()),
            }
        }
    }

    /// Ends the run with its result. The result is stored by now, so only the row is missing; a write whose fate is unknown
    /// is looked at (`is_completed`), never assumed.
    pub async fn complete<W, Written, L, Looked>(&self, write: W, is_completed: L) -> Result<(), WorkError>
    where
        W: Fn() -> Written,
        Written: Future<Output = Result<(), StoreError>>,
        L: Fn() -> Looked,
        Looked: Future<Output = Result<bool, StoreError>>,
    {
        loop {
            match write().await {
                Ok(()) => return Ok(()),
                Err(error) if error.worth_repeating() => self.pause().await?,
                Err(error) => return Err(error.into()),
            }
            if is_completed().await.unwrap_or(false) {
                return Ok(());
            }
        }
    }

    /// Before another try.
    async fn pause(&self) -> Result<(), WorkError> {
        tokio::select! {
            () = tokio::time::sleep(BETWEEN_TRIES) => Ok(()),
            () = self.stop.cancelled() => Err(WorkError::Stopped),
        }
    }

    pub(crate) fn tell_to_stop(&self, reason: StopReason) {
        let _ = self.reason.set(reason);
        self.stop.cancel();
    }

    /// Renews the lease, stores progress, and looks for a client's wish to cancel. Ends when the work has to stop.
    pub(crate) async fn keep(&self) {
        let mut renewed = Instant::now();
        let mut progress = self.progress.subscribe();
        let between = BETWEEN_RENEWALS.min(self.lease_for / 3);
        while !self.stop.is_cancelled() {
            tokio::time::sleep(between).await;
            match self.token.renew(&self.store, self.lease_for).await {
                Ok(answer) => {
                    renewed = Instant::now();
                    if answer.cancel_requested {
                        return self.tell_to_stop(StopReason::Cancelled);
                    }
                }
                Err(error) if !error.worth_repeating() => {
                    tracing::warn!(error = %error, "the lease was lost");
                    return self.tell_to_stop(StopReason::LeaseLost);
                }
                Err(error) if renewed.elapsed() > self.lease_for => {
                    tracing::warn!(error = %error, "the lease could not be renewed in time and counts as lost");
                    return self.tell_to_stop(StopReason::LeaseLost);
                }
                Err(error) => tracing::debug!(error = %error, "the lease could not be renewed; trying again"),
            }
            if progress.has_changed().unwrap_or(false) {
                let newest = progress.borrow_and_update().clone();
                if let Some(newest) = newest
                    && let Err(error) = self.token.set_progress(&self.store, &newest).await
                {
                    tracing::debug!(error = %error, "progress was not stored");
                }
            }
        }
    }
}
