//! What is in a segment: rows per table, commit times. Nothing here can stop the archive.

use std::collections::{BTreeMap, BTreeSet};

use backtrail_binlog::{BinlogError, Boundary, CommitInfo, Event, EventBody, RowsEvent, RowsKind, TableMaps};
use serde_json::{Value as Json, json};
use time::OffsetDateTime;

/// Rows of one table.
#[derive(Debug, Default)]
struct TableAccount {
    inserted: u64,
    updated: u64,
    deleted: u64,
    /// Frames of the segment that hold its events.
    frames: BTreeSet<u32>,
}

/// The accounts of the segment at hand, and the tables known in the file.
#[derive(Debug, Default)]
pub(crate) struct Accounts {
    maps: TableMaps,
    tables: BTreeMap<String, TableAccount>,
    pub(crate) events: u64,
    pub(crate) row_changes: u64,
    pub(crate) first_commit_at: Option<OffsetDateTime>,
    pub(crate) last_commit_at: Option<OffsetDateTime>,
    pub(crate) first_row_event_at: Option<OffsetDateTime>,
    pub(crate) last_row_event_at: Option<OffsetDateTime>,
    /// Whether the transaction at hand has changed rows.
    rows_pending: bool,
    /// Events whose rows could not be counted.
    unread: u64,
}

impl Accounts {
    /// Begins with a new segment of the same file.
    pub(crate) fn next_segment(&mut self) {
        *self = Self { maps: std::mem::take(&mut self.maps), ..Self::default() };
    }

    /// Begins with a new file: table numbers are good for one.
    pub(crate) fn next_file(&mut self) {
        self.maps.clear();
    }

    /// Takes in an event that could not be read at all.
    pub(crate) fn unreadable(&mut self) {
        self.events += 1;
        self.unread += 1;
    }

    /// Takes in an event and what it means for transactions.
    pub(crate) fn observe(&mut self, event: &Event<'_>, boundary: &Boundary, frame: u32) {
        self.events += 1;
        if let Err(error) = self.count(event, frame) {
            self.unread += 1;
            tracing::warn!(error = %backtrail_service::telemetry::chain(&error), "the rows of an event could not be counted; it is archived all the same");
        }
        match boundary {
            Boundary::Commits(commit) | Boundary::Standalone(commit) => self.committed(commit),
            Boundary::RollsBack(_) | Boundary::Abandons(_) => self.rows_pending = false,
            Boundary::Prepares(_) | Boundary::Begins(_) | Boundary::Inside | Boundary::Outside => {}
        }
    }

    fn committed(&mut self, commit: &CommitInfo) {
        let nanoseconds = i128::from(commit.commit_time_micros) * 1000;
        let Ok(at) = OffsetDateTime::from_unix_timestamp_nanos(nanoseconds) else { return };
        let earliest = |known: &mut Option<OffsetDateTime>| *known = Some(known.map_or(at, |known| known.min(at)));
        let latest = |known: &mut Option<OffsetDateTime>| *known = Some(known.map_or(at, |known| known.max(at)));
        earliest(&mut self.first_commit_at);
        latest(&mut self.last_commit_at);
        if std::mem::take(&mut self.rows_pending) {
            earliest(&mut self.first_row_event_at);
            latest(&mut self.last_row_event_at);
        }
    }

    fn count(&mut self, event: &Event<'_>, frame: u32) -> Result<(), BinlogError> {
        let event_type = event.header.event_type;
        if event_type == backtrail_binlog::EventType::TABLE_MAP {
            self.maps.insert(event)?;
        } else if event_type.is_rows() {
            if let EventBody::Rows(rows) = event.body()? {
                self.count_rows(event, &rows, frame)?;
            }
        } else if event_type == backtrail_binlog::EventType::TRANSACTION_PAYLOAD
            && let EventBody::TransactionPayload(payload) = event.body()?
        {
            let mut events = payload.events()?;
            while let Some(inner) = events.next_event()? {
                self.count(&inner, frame)?;
            }
        }
        Ok(())
    }

    fn count_rows(&mut self, event: &Event<'_>, rows: &RowsEvent<'_>, frame: u32) -> Result<(), BinlogError> {
        let Some(map) = self.maps.get(rows.table_id).cloned() else {
            self.unread += 1;
            return Ok(());
        };
        let mut changes = rows.rows(&map).map_err(|problem| event.corrupt(problem))?;
        let mut count = 0;
        while changes.next_row().map_err(|problem| event.corrupt(problem))?.is_some() {
            count += 1;
        }
        let table = self.tables.entry(map.name.to_string()).or_default();
        match rows.kind {
            RowsKind::Write => table.inserted += count,
            RowsKind::Update => table.updated += count,
            RowsKind::Delete => table.deleted += count,
        }
        table.frames.insert(frame);
        self.row_changes += count;
        self.rows_pending |= count > 0;
        Ok(())
    }

    /// Whether a transaction's end is among the events.
    pub(crate) fn has_commits(&self) -> bool {
        self.last_commit_at.is_some()
    }

    /// Per table: counts, and the frames that hold its events.
    pub(crate) fn tables(&self) -> Json {
        let tables = self.tables.iter().map(|(name, table)| {
            let counts = json!({
                "inserted": table.inserted,
                "updated": table.updated,
                "deleted": table.deleted,
                "frames": table.frames,
            });
            (name.clone(), counts)
        });
        Json::Object(tables.collect())
    }
}
