//! The planning pass over the log: it finds the cut, follows the tables through the statements that change them, and notes
//! for each what stands in the way of rebuilding it. No row is decoded, but those of parents of cascading foreign keys are
//! compared.
//!
//! What a transaction did is held back until it commits, and dropped if it does not or lies behind the cut.

pub(crate) mod cut;
pub(crate) mod layout;
pub(crate) mod partial;
pub(crate) mod pending;
pub(crate) mod statement;
mod statements;
pub(crate) mod texts;
mod transactions;
pub(crate) mod xa;

use std::collections::{BTreeMap, BTreeSet};

use backtrail_binlog::{Boundary, Event, EventBody, EventType, RowsEvent, RowsKind, TableMap, TableMaps, XaId};
use backtrail_domain::{BinlogPosition, TableName};
use backtrail_schema::SqlDialect;

use crate::EngineError;
use crate::account::{EventCounts, Tally};
use crate::around;
use crate::cascade::Finder;
use crate::history::History;
use crate::input::baseline::Catalog;
use crate::input::log::{Flow, Place, Visitor, at_event, corrupt};
use crate::input::span::Span;
use crate::io::{Observer, Phase, Progress};
use crate::plan::facts::{LATER_BASELINE, Obstacle, STATEMENT_FORMAT};
use crate::scan::cut::CutFinder;
use crate::scan::partial::{ImageCheck, Images};
use crate::scan::pending::Pending;
use crate::scan::xa::{Completion, Foreign, Prepared};

/// Progress is reported once in so many bytes.
const REPORT_EVERY: u64 = 4 << 20;

/// Schemas of the server's own, which no dump holds.
pub(crate) fn is_system_schema(name: &str) -> bool {
    ["mysql", "sys", "performance_schema", "information_schema"].iter().any(|own| name.eq_ignore_ascii_case(own))
}

/// The planning pass.
pub(crate) struct Scan<'a> {
    catalog: &'a Catalog<'a>,
    pub(crate) history: History<'a>,
    pub(crate) cascades: Finder,
    /// Whether the server's engine changes the rows of children without an event.
    silent_cascades: bool,
    dialect: SqlDialect,
    images: ImageCheck,
    observer: &'a dyn Observer,
    pub(crate) finder: CutFinder<'a>,
    pub(crate) events: EventCounts,
    /// The account of all events.
    pub(crate) tally: Tally,
    /// Tables with row events that are neither in the baseline nor made since, and the first of these events.
    pub(crate) unknown: BTreeMap<TableName, BinlogPosition>,
    /// Sequences whose value moved on, and where.
    pub(crate) sequences: BTreeMap<TableName, BinlogPosition>,
    /// Statements about what stands around tables.
    pub(crate) around: Vec<around::Told>,
    /// Schemas that were made in the window.
    pub(crate) created_schemas: BTreeSet<String>,
    pub(crate) rolled_back: Vec<BinlogPosition>,
    pending: Pending,
    /// Where the open transaction begins.
    began: Option<BinlogPosition>,
    table_maps: TableMaps,
    /// What of the window's row events was undone.
    pub(crate) undone: Vec<Span>,
    /// XA transactions that were prepared in the window and are not completed.
    pub(crate) prepared: BTreeMap<XaId, Prepared>,
    /// Those that committed and were prepared before.
    pub(crate) foreign: Vec<Foreign>,
    /// The name of the XA transaction that is being prepared.
    preparing: Option<XaId>,
    /// What the open transaction, which is a statement alone, does to a prepared one.
    completing: Option<(Completion, String)>,
    first_event: bool,
    /// The end of the last event in its file.
    read_to: u64,
    bytes_reported: u64,
    /// Events of the window so far.
    moment: u64,
}

impl<'a> Scan<'a> {
    pub(crate) fn new(
        catalog: &'a Catalog<'a>,
        history: History<'a>,
        silent_cascades: bool,
        dialect: SqlDialect,
        observer: &'a dyn Observer,
        finder: CutFinder<'a>,
    ) -> Self {
        Self {
            catalog,
            history,
            cascades: Finder::default(),
            silent_cascades,
            dialect,
            images: ImageCheck::new(dialect.flavour),
            observer,
            finder,
            events: EventCounts::default(),
            tally: Tally::default(),
            unknown: BTreeMap::new(),
            sequences: BTreeMap::new(),
            around: Vec::new(),
            created_schemas: BTreeSet::new(),
            rolled_back: Vec::new(),
            pending: Pending::default(),
            began: None,
            table_maps: TableMaps::new(),
            undone: Vec::new(),
            prepared: BTreeMap::new(),
            foreign: Vec::new(),
            preparing: None,
            completing: None,
            first_event: true,
            read_to: 0,
            bytes_reported: 0,
            moment: 0,
        }
    }

    fn body(&mut self, place: &Place<'_>, event: &Event<'_>, boundary: &Boundary) -> Result<(), EngineError> {
        self.pending.events.seen += 1;
        match event.header.event_type {
            EventType::TABLE_MAP | EventType::ANNOTATE_ROWS => self.images.before_rows(event, &mut self.table_maps)?,
            event_type if event_type.is_rows() => {
                if let EventBody::Rows(rows) = event.body()? {
                    self.rows(place, event, &rows)?;
                    self.images.behind_rows(&rows);
                }
            }
            EventType::QUERY | EventType::QUERY_COMPRESSED => {
                if let EventBody::Query(query) = event.body()? {
                    self.query(place, event, &query, *boundary == Boundary::Inside)?;
                }
            }
            EventType::XID
            | EventType::ROWS_QUERY
            | EventType::GTID
            | EventType::ANONYMOUS_GTID
            | EventType::GTID_TAGGED
            | EventType::MARIADB_GTID => {}
            _ => self.rare(place, event)?,
        }
        Ok(())
    }

    fn rare(&mut self, place: &Place<'_>, event: &Event<'_>) -> Result<(), EngineError> {
        match event.body()? {
            EventBody::Incident(incident) => Err(at_event(
                place,
                format!(
                    "the server lost events here and said so (incident {}: {}); take a baseline after it",
                    incident.incident,
                    String::from_utf8_lossy(incident.message)
                ),
            )),
            EventBody::Unknown => Err(at_event(
                place,
                format!(
                    "{} is not known to this program, and the server says that it must not be skipped",
                    event.header.event_type
                ),
            )),
            EventBody::LoadData => {
                self.pending.of_all.push(Obstacle {
                    position: place.start_position(),
                    statement: None,
                    reason: "a LOAD DATA was logged as a statement, not as rows".to_owned(),
                    remedy: STATEMENT_FORMAT,
                });
                Ok(())
            }
            _ => Ok(()),
        }
    }

    fn rows(&mut self, place: &Place<'_>, event: &Event<'_>, rows: &RowsEvent<'_>) -> Result<(), EngineError> {
        if rows.column_count == 0 {
            // The placeholder that ends a statement without rows.
            return Ok(());
        }
        let Some(map) = self.table_maps.get(rows.table_id) else {
            return Err(at_event(place, "rows of a table that no table map has named"));
        };
        let name = &map.name;
        let followed = self.history.find(name);
        self.tally.row_event(followed, name);
        let Some(id) = followed else {
            if self.catalog.sequences.contains_key(name) {
                self.sequences.entry(name.clone()).or_insert_with(|| place.start_position());
            } else if !is_system_schema(&name.schema) {
                self.unknown.entry(name.clone()).or_insert_with(|| place.start_position());
                if let Some(other) = self.history.in_other_case(name) {
                    let reason = format!(
                        "rows change of {name}, which differs from it in small and capital letters only: whether the server \
                         tells the two apart is not known"
                    );
                    let position = place.start_position();
                    let obstacle = Obstacle { position, statement: None, reason, remedy: LATER_BASELINE };
                    self.pending.obstacles.push((other, obstacle));
                }
            }
            return Ok(());
        };
        let Some(tracked) = self.history.tracked.get(id) else { return Ok(()) };
        let era = tracked.life.last_number();
        self.pending.row_event((id, era), u64::from(event.header.event_size), place.start_position());
        let problem = match tracked.life.last().filter(|_| tracked.unreadable.is_none()) {
            Some(era) if tracked.obstacle.is_none() => {
                let shape = &era.shape;
                layout::problem(shape, map).or_else(|| {
                    match self.images.of(shape, &map.name, rows) {
                        Ok(Images::Partial) => drop(self.pending.partial.insert(id)),
                        Ok(Images::Whole | Images::Completed) => {}
                        Err(reason) => return Some((reason, layout::WHOLE_IMAGES)),
                    }
                    None
                })
            }
            _ => None,
        };
        if let Some((reason, remedy)) = problem {
            let obstacle = Obstacle { position: place.start_position(), statement: None, reason, remedy };
            self.pending.row_obstacle(id, obstacle);
        }
        let is_sequence = tracked.sequence.is_some();
        if self.silent_cascades && !rows.foreign_key_checks_off() && rows.kind != RowsKind::Write {
            let map = std::sync::Arc::clone(map);
            self.cascade(place, event, rows, &map)?;
        }
        if is_sequence {
            self.sequence_row(place, event, rows, id)?;
        }
        Ok(())
    }

    /// A server took numbers from a sequence, and wrote down from where on it will take the next ones.
    fn sequence_row(
        &mut self,
        place: &Place<'_>,
        event: &Event<'_>,
        rows: &RowsEvent<'_>,
        id: usize,
    ) -> Result<(), EngineError> {
        let Some(map) = self.table_maps.get(rows.table_id) else { return Ok(()) };
        let mut changes = rows.rows(map).map_err(|problem| corrupt(event, problem))?;
        let sequence = self.history.tracked.get(id).and_then(|tracked| tracked.sequence.as_ref());
        while let Some(change) = changes.next_row().map_err(|problem| corrupt(event, problem))? {
            match change.after.as_ref().and_then(|row| sequence?.literal(row)) {
                Some(row) => drop(self.pending.sequences.insert(id, row)),
                None => {
                    let reason = "its row in the log is not that of a sequence".to_owned();
                    let obstacle =
                        Obstacle { position: place.start_position(), statement: None, reason, remedy: LATER_BASELINE };
                    self.pending.obstacles.push((id, obstacle));
                }
            }
        }
        Ok(())
    }

    /// Rows of a parent are deleted or updated: children may have changed along with them.
    fn cascade(
        &mut self,
        place: &Place<'_>,
        event: &Event<'_>,
        rows: &RowsEvent<'_>,
        map: &TableMap,
    ) -> Result<(), EngineError> {
        let reach = self
            .cascades
            .event(&mut self.history, self.moment, rows, map)
            .map_err(|problem| corrupt(event, problem))?;
        self.pending.cascaded.extend(reach.children.into_iter().map(|id| (id, place.start_position())));
        let verb = if rows.kind == RowsKind::Delete { "DELETE" } else { "UPDATE" };
        for (id, problem) in reach.obstacles {
            let obstacle = Obstacle {
                position: place.start_position(),
                statement: None,
                reason: format!(
                    "a {verb} of rows of {} may have changed its rows by a foreign key, which the server does not log, and what it did cannot be followed: {problem}",
                    map.name
                ),
                remedy: LATER_BASELINE,
            };
            self.pending.obstacles.push((id, obstacle));
        }
        Ok(())
    }

    fn report(&mut self, event: &Event<'_>) -> Result<(), EngineError> {
        self.events.bytes += u64::from(event.header.event_size);
        if self.events.bytes - self.bytes_reported < REPORT_EVERY {
            return Ok(());
        }
        self.bytes_reported = self.events.bytes;
        if self.observer.cancelled() {
            return Err(EngineError::Cancelled);
        }
        self.observer.progress(&Progress {
            phase: Phase::Planning,
            bytes_done: self.events.bytes,
            events: self.events.seen,
            ..Progress::default()
        });
        Ok(())
    }
}

impl Visitor for Scan<'_> {
    fn boundary(&mut self, at: &Place<'_>) -> Result<Flow, EngineError> {
        self.finder.boundary(&at.start_position())
    }

    fn event(&mut self, place: &Place<'_>, event: &Event<'_>, boundary: &Boundary) -> Result<Flow, EngineError> {
        let first = std::mem::take(&mut self.first_event);
        if !event.header.is_artificial() && event.header.timestamp != 0 {
            let of_file = first && event.header.event_type == EventType::FORMAT_DESCRIPTION;
            self.finder.timestamp(event.header.timestamp, of_file);
        }
        match event.header.event_type {
            EventType::PREVIOUS_GTIDS | EventType::GTID_LIST => match event.body()? {
                EventBody::PreviousGtids(set) => self.finder.header_set(&set),
                EventBody::GtidList(list) => self.finder.header_set(&list.position),
                _ => {}
            },
            EventType::FORMAT_DESCRIPTION => self.table_maps.clear(),
            _ => {}
        }
        match boundary {
            Boundary::Begins(_) => {
                self.began = Some(place.start_position());
                self.pending = Pending::default();
                self.images.statement_ends();
            }
            Boundary::Abandons(_) => self.abandon(),
            _ => {}
        }
        if !self.finder.in_window() {
            // Before the baseline and behind the cut only the times of commits count.
            self.tally.outside(self.finder.has_reached_baseline());
            if let Some(commit) = boundary.ending() {
                self.began = None;
                self.finder.transaction(commit, &place.end_position());
                if self.finder.seen_enough(commit) {
                    return Ok(Flow::Stop);
                }
            }
            return Ok(Flow::Continue);
        }
        self.moment += 1;
        self.tally.event(|| place.start_position(), u64::from(event.header.event_size));
        self.report(event)?;
        // A statement that is a transaction of its own may begin and end in one event.
        if boundary.ending().is_some() && self.began.is_none() {
            self.began = Some(place.start_position());
        }
        if *boundary == Boundary::Outside {
            self.events.seen += 1;
            if let EventType::FORMAT_DESCRIPTION = event.header.event_type
                && let EventBody::FormatDescription(format) = event.body()?
                && format.created != 0
            {
                self.history.server_starts(&place.start_position(), self.moment);
            }
            let open = std::mem::take(&mut self.pending);
            self.rare(place, event)?;
            let outside = std::mem::replace(&mut self.pending, open);
            self.absorb(outside);
            self.history.settle();
        } else {
            if let Boundary::Prepares(_) = boundary
                && let EventBody::XaPrepare(prepare) = event.body()?
            {
                self.preparing = Some(prepare.xid);
            }
            self.body(place, event, boundary)?;
        }
        self.read_to = place.end;
        match boundary.ending() {
            Some(commit) => self.ends(place, boundary, commit),
            None => Ok(Flow::Continue),
        }
    }

    fn interrupted(&mut self) -> Result<(), EngineError> {
        self.abandon();
        self.table_maps.clear();
        Ok(())
    }
}
