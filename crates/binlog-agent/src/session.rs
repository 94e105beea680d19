//! One session with a source: from its connection to its end.

mod error;
mod opening;
mod report;

use std::path::PathBuf;
use std::time::Duration;

use backtrail_binlog::{
    Boundary, EventBody, EventHeader, EventType, FormatDescription, TransactionTracker, file_name, parse_event,
};
use backtrail_domain::{BinlogFile, BinlogPosition, GtidSet, Timeline};
use backtrail_objects::SegmentName;
use backtrail_service::telemetry;
use backtrail_source::{BinlogStream, Connection, RawEvent, ServerFacts};
use backtrail_store::{AgentLease, NewSegment, Segment, Server, StoreError};
use bytes::Bytes;
use time::OffsetDateTime;
use tokio::time::{Instant, MissedTickBehavior};
use tokio_util::sync::CancellationToken;

pub(crate) use self::error::SessionError;
use self::opening::Opened;
use crate::Parts;
use crate::accounts::Accounts;
use crate::coverage::Coverage;
use crate::segment::SegmentBuffer;

/// Commit times of servers that are not exact are those of the statement's beginning, in whole seconds. How long the
/// statement runs is looked up with each sample.
const ALLOWANCE: Duration = Duration::from_secs(1);
/// How often a segment's age is looked at.
const TICK: Duration = Duration::from_millis(250);
/// How often the server's registration is looked at.
const BETWEEN_REGISTRATIONS: Duration = Duration::from_secs(10);

/// What is needed to read a file's events.
struct FileState {
    file: BinlogFile,
    format: FormatDescription,
    /// The format description event.
    bytes: Bytes,
    created_at: Option<OffsetDateTime>,
}

/// A session under way.
pub(crate) struct Session<'a> {
    parts: &'a Parts,
    lease: &'a AgentLease,
    server: Server,
    suspect: &'a mut Option<BinlogPosition>,
    control: Connection,
    facts: ServerFacts,
    timeline: Timeline,
    file: Option<FileState>,
    tracker: TransactionTracker,
    accounts: Accounts,
    segment: Option<SegmentBuffer>,
    /// What had committed where the open segment begins.
    gtid_before: Option<GtidSet>,
    /// Everything before this place is in segments.
    archived: BinlogPosition,
    /// Whether the file that the archive ends in was seen to end there, without a rotation that says so.
    file_ended: bool,
    coverage: Coverage,
    directory: PathBuf,
}

impl<'a> Session<'a> {
    /// Reads and archives until cancelled; `Ok` means that.
    pub(crate) async fn run(
        parts: &'a Parts,
        lease: &'a AgentLease,
        suspect: &'a mut Option<BinlogPosition>,
        cancelled: &CancellationToken,
    ) -> Result<(), SessionError> {
        let opened = tokio::select! {
            opened = Box::pin(Self::open(parts, lease, suspect)) => opened,
            () = cancelled.cancelled() => return Ok(()),
        };
        let (mut session, mut stream) = opened?;
        let outcome = Box::pin(session.follow(&mut stream, cancelled)).await;
        if matches!(outcome, Ok(())) {
            // Asked to stop: what is whole is stored, so that the next agent need not read it again.
            session.seal(None).await?;
            session.report(None).await?;
        }
        stream.end(&mut session.control).await;
        outcome
    }

    async fn open(
        parts: &'a Parts,
        lease: &'a AgentLease,
        suspect: &'a mut Option<BinlogPosition>,
    ) -> Result<(Self, BinlogStream), SessionError> {
        let Opened { server, control, facts, start, format, stream } = opening::open(parts, lease).await?;
        let allowance = if facts.has_exact_commit_times() { Duration::ZERO } else { ALLOWANCE };
        let mut session = Self {
            parts,
            lease,
            server,
            suspect,
            control,
            facts,
            timeline: start.timeline,
            file: None,
            tracker: TransactionTracker::resuming(start.executed),
            accounts: Accounts::default(),
            segment: None,
            gtid_before: None,
            archived: start.from.clone(),
            file_ended: false,
            coverage: Coverage::new(allowance),
            directory: parts.settings.work_dir.clone().unwrap_or_else(std::env::temp_dir),
        };
        session.enter_file(start.from.file, &format)?;
        Ok((session, stream))
    }

    async fn follow(&mut self, stream: &mut BinlogStream, cancelled: &CancellationToken) -> Result<(), SessionError> {
        let mut tick = tokio::time::interval(TICK);
        tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let between_reports = Duration::from_secs(self.parts.settings.heartbeat_seconds);
        let mut next_report = Instant::now();
        let mut next_registration = Instant::now() + BETWEEN_REGISTRATIONS;
        loop {
            tokio::select! {
                biased;
                () = cancelled.cancelled() => return Ok(()),
                _ = tick.tick() => {
                    if self.segment.as_ref().is_some_and(|segment| self.is_due(segment)) {
                        self.seal(None).await?;
                    }
                    if Instant::now() >= next_report {
                        next_report = Instant::now() + between_reports;
                        self.sample(stream).await?;
                    }
                    if Instant::now() >= next_registration {
                        next_registration = Instant::now() + BETWEEN_REGISTRATIONS;
                        self.check_registration().await?;
                    }
                }
                event = stream.next() => match event? {
                    Some(event) => self.take(event).await?,
                    None => return Err(SessionError::Unusable("the source ended the stream".to_owned())),
                },
            }
        }
    }

    async fn take(&mut self, event: RawEvent) -> Result<(), SessionError> {
        match event {
            RawEvent::Heartbeat | RawEvent::Format { .. } => Ok(()),
            RawEvent::File { file } => self.go_on_with(file).await,
            RawEvent::Event { offset, bytes } => self.event(offset, bytes).await,
        }
    }

    /// The source goes on with another file. Where the one before held no rotation (the server was stopped, or crashed),
    /// its end is known from this alone.
    async fn go_on_with(&mut self, file: BinlogFile) -> Result<(), SessionError> {
        if self.file.as_ref().is_some_and(|known| known.file == file) {
            return Ok(());
        }
        if !self.tracker.at_boundary() {
            // A transaction that its file does not finish is none; its bytes stand in the file all the same.
            self.tracker = TransactionTracker::resuming(self.tracker.executed().cloned());
        }
        self.seal(None).await?;
        if self.archived.file != file {
            self.archived = BinlogPosition { file: file.clone(), offset: 4 };
            self.file_ended = true;
        }
        self.file = None;
        self.accounts.next_file();
        Ok(())
    }

    async fn event(&mut self, offset: u64, bytes: Bytes) -> Result<(), SessionError> {
        let bytes = if offset == 4 { closed(&bytes) } else { bytes };
        if self.file.is_none() {
            let file = self.archived.file.clone();
            self.enter_file(file, &bytes)?;
        }
        let Some(state) = &self.file else { return Err(lost_file()) };
        let segment = match &mut self.segment {
            Some(segment) => segment,
            empty => {
                self.gtid_before = self.tracker.executed().cloned();
                empty.insert(SegmentBuffer::new(offset, &state.bytes, self.directory.clone()))
            }
        };
        if segment.end != offset {
            let problem = format!("an event at {offset} of {} where {} was due", state.file, segment.end);
            return Err(SessionError::Unusable(problem));
        }
        let frame = segment.frame();
        let mut rotated_to = None;
        match parse_event(&bytes, Some(&state.format)) {
            Ok(event) => {
                let boundary = self.tracker.observe(&event).unwrap_or_else(|error| {
                    tracing::warn!(file = %state.file, offset, error = %telemetry::chain(&error), "an event does not fit into a transaction; it is archived all the same");
                    self.tracker = TransactionTracker::resuming(self.tracker.executed().cloned());
                    Boundary::Outside
                });
                self.accounts.observe(&event, &boundary, frame);
                if event.header.event_type == EventType::ROTATE
                    && let Ok(EventBody::Rotate(rotate)) = event.body()
                {
                    rotated_to = file_name(rotate.file).ok();
                }
            }
            Err(error) => {
                let place = BinlogPosition { file: state.file.clone(), offset };
                // Perhaps only the transfer was bad: the second time it is what the server has.
                if self.suspect.replace(place.clone()).as_ref() != Some(&place) {
                    return Err(error.into());
                }
                tracing::warn!(%place, error = %telemetry::chain(&error), "an event is damaged on the source; it is archived as it is");
                self.accounts.unreadable();
            }
        }
        segment.push(&bytes)?;
        let due = self.segment.as_ref().is_some_and(|segment| self.is_due(segment));
        if due || rotated_to.is_some() {
            self.seal(rotated_to).await?;
        }
        Ok(())
    }

    /// Whether the segment is to be sealed at the next place between transactions.
    fn is_due(&self, segment: &SegmentBuffer) -> bool {
        let settings = &self.parts.settings;
        segment.content_size() >= settings.segment_bytes.bytes()
            || segment.since.elapsed() >= Duration::from_secs(settings.segment_seconds)
    }

    fn enter_file(&mut self, file: BinlogFile, format: &[u8]) -> Result<(), SessionError> {
        let bytes = closed(format);
        let event = parse_event(&bytes, None)?;
        let created = i64::from(event.header.timestamp);
        let EventBody::FormatDescription(format) = event.body()? else {
            return Err(SessionError::Unusable(format!("{file} does not begin with its format description")));
        };
        let created_at = OffsetDateTime::from_unix_timestamp(created).ok();
        self.file = Some(FileState { file, format, bytes: bytes.clone(), created_at });
        Ok(())
    }

    /// Stores the open segment, if it ends between transactions.
    async fn seal(&mut self, rotated_to: Option<BinlogFile>) -> Result<(), SessionError> {
        if !self.tracker.at_boundary() && rotated_to.is_none() {
            return Ok(());
        }
        let (Some(segment), Some(state)) = (self.segment.take(), &self.file) else { return Ok(()) };
        let name = SegmentName { file: state.file.clone(), start: segment.start, end: segment.end };
        let (tenant, server) = (self.server.tenant_id.to_string(), self.server.id.to_string());
        let key = name.key(&tenant, &server, &self.timeline);
        let content_size = segment.content_size();
        let stored = segment.upload(&self.parts.objects, &key).await?;
        let mut sha256 = [0; 32];
        hex::decode_to_slice(&stored.sha256, &mut sha256)
            .map_err(|_| SessionError::Unusable(format!("{key} was stored without a SHA-256")))?;
        let accounts = &self.accounts;
        let new = NewSegment {
            timeline: self.timeline.clone(),
            file: name.file.clone(),
            start: name.start,
            end: name.end,
            rotated_to: rotated_to.clone(),
            key,
            size_bytes: stored.size,
            content_size,
            sha256,
            gtid_before: self.gtid_before.clone(),
            gtid_after: self.tracker.executed().cloned(),
            first_commit_at: accounts.first_commit_at,
            last_commit_at: accounts.last_commit_at,
            first_row_event_at: accounts.first_row_event_at,
            last_row_event_at: accounts.last_row_event_at,
            events: accounts.events,
            row_changes: accounts.row_changes,
            tables: accounts.tables(),
            file_created_at: state.created_at,
            sealed_at: OffsetDateTime::now_utc(),
        };
        self.append(new).await?;
        metrics::counter!("backtrail_segments_total").increment(1);
        metrics::counter!("backtrail_segment_bytes_total").increment(stored.size);
        tracing::debug!(file = %name.file, start = name.start, end = name.end, bytes = stored.size, "a segment");
        self.accounts.next_segment();
        self.file_ended = false;
        self.archived = BinlogPosition { file: name.file, offset: name.end };
        if let Some(next) = rotated_to {
            self.archived = BinlogPosition { file: next, offset: 4 };
            self.file = None;
            self.accounts.next_file();
        }
        self.coverage.reached(&self.archived);
        Ok(())
    }

    /// Adds the row, trying again while the database is away: the lease's keeper says when to give up.
    async fn append(&self, new: NewSegment) -> Result<(), SessionError> {
        let store = &self.parts.store;
        loop {
            let appended = Segment::append(store, &self.lease.token, new.clone(), None, self.file_ended).await;
            match appended {
                Ok(_) => return Ok(()),
                Err(error) if error.worth_repeating() => {
                    tracing::warn!(error = %telemetry::chain(&error), "a segment's row is not stored yet; trying again");
                    tokio::time::sleep(Duration::from_millis(500)).await;
                }
                Err(error @ StoreError::NotContinuous { .. }) => {
                    // After an answer that got lost the row may be there already.
                    let last = Segment::last(store, self.server.id).await?;
                    return match last {
                        Some(last) if last.content.key == new.key && last.content.end == new.end => Ok(()),
                        _ => Err(error.into()),
                    };
                }
                Err(error) => return Err(error.into()),
            }
        }
    }
}

fn lost_file() -> SessionError {
    SessionError::Unusable("an event came without its file".to_owned())
}

/// A format description as it stands in a file that the server has closed. Other events are left alone.
fn closed(event: &[u8]) -> Bytes {
    let mut bytes = event.to_vec();
    if bytes.get(4) == Some(&EventType::FORMAT_DESCRIPTION.0)
        && let Some(flags) = bytes.get_mut(17)
    {
        *flags &= !(EventHeader::FLAG_IN_USE as u8);
    }
    bytes.into()
}
