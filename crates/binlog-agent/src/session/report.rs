//! What a session says of itself while it reads, and what it is told.

use backtrail_domain::BinlogPosition;
use backtrail_source::BinlogStream;
use backtrail_store::{Heartbeat, Server};
use time::OffsetDateTime;

use super::{Session, SessionError};

impl Session<'_> {
    /// Asks the source for its clock and then for its log's end, and reports.
    ///
    /// Whatever commits behind that end began after the clock, or is running when it was read. Where a commit carries the
    /// time at which its statement began, the clock counts for no more than the oldest of those.
    pub(super) async fn sample(&mut self, stream: &BinlogStream) -> Result<(), SessionError> {
        let clock = self.control.clock().await?;
        let running = match self.facts.has_exact_commit_times() {
            true => None,
            false => self.control.oldest_statement(&self.facts).await?,
        };
        let end = self.control.position(&self.facts).await?;
        self.coverage.sample(running.map_or(clock, |began| began.min(clock)), end.clone());
        // A file's first events and an idle server's rest belong to no transaction: they need not be stored to be covered.
        let nothing_open = self.tracker.at_boundary() && !self.accounts.has_commits();
        let place = match (&self.segment, stream.position()) {
            (Some(_), Some(place)) if nothing_open => place,
            _ => self.archived.clone(),
        };
        self.coverage.reached(&place);
        self.report(Some((clock, end))).await
    }

    pub(super) async fn report(
        &mut self,
        sampled: Option<(OffsetDateTime, BinlogPosition)>,
    ) -> Result<(), SessionError> {
        let covered_until = self.coverage.until();
        let expiry = self.facts.binlog_expiry_seconds().and_then(|seconds| i64::try_from(seconds).ok());
        let (clock, source_position) = sampled.unzip();
        let lag = covered_until.zip(clock).map(|(until, clock)| (clock - until).whole_seconds().max(0));
        if let Some(lag) = lag {
            metrics::gauge!("backtrail_archive_lag_seconds", "server" => self.server.id.to_string()).set(lag as f64);
        }
        let heartbeat = Heartbeat {
            covered_until,
            timeline: Some(self.timeline.clone()),
            source_position,
            source_oldest_file: None,
            binlog_expiry: covered_until
                .zip(expiry)
                .and_then(|(until, seconds)| until.checked_add(time::Duration::seconds(seconds))),
            lag_seconds: lag.and_then(|lag| u32::try_from(lag).ok()),
            error: None,
        };
        match self.lease.token.heartbeat(&self.parts.store, &heartbeat).await {
            Ok(()) => Ok(()),
            Err(error) if error.worth_repeating() => {
                tracing::debug!(error = %error, "the report was not stored");
                Ok(())
            }
            Err(error) => Err(error.into()),
        }
    }

    pub(super) async fn check_registration(&self) -> Result<(), SessionError> {
        let now = match Server::by_id(&self.parts.store, self.server.id).await {
            Ok(Some(now)) if now.deleted_at.is_none() => now,
            Ok(_) => return Err(SessionError::LeaseLost),
            Err(error) => {
                tracing::debug!(error = %error, "the server's registration could not be looked at");
                return Ok(());
            }
        };
        let same = now.host == self.server.host
            && now.port == self.server.port
            && now.username == self.server.username
            && now.sealed_password == self.server.sealed_password
            && now.tls_mode == self.server.tls_mode
            && now.tls_ca == self.server.tls_ca;
        if same { Ok(()) } else { Err(SessionError::ServerChanged) }
    }
}
