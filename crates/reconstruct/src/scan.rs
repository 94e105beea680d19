//! The planning pass over the log: it finds the cut, follows the tables through the statements that change them, and notes
//! for each what stands in the way of rebuilding it. No row is decoded, but those of parents of cascading foreign keys are
//! compared.
//!
//! What a transaction did is held back until it commits, and dropped if it does not or lies behind the cut.

use std::collections::{BTreeMap, BTreeSet};

use backtrail_binlog::{
    Boundary, CommitInfo, Event, EventBody, EventType, QueryEvent, RowsEvent, RowsKind, TableMap, TableMaps, XaId,
};
use backtrail_domain::{BinlogPosition, TableName};
use backtrail_schema::{DataChange, Ddl, DdlVerb, Flavour, Statement, TransactionControl, classify};

use crate::EngineError;
use crate::account::{EventCounts, Tally};
use crate::baseline::Catalog;
use crate::cascade::Finder;
use crate::cut::CutFinder;
use crate::facts::{LATER_BASELINE, Obstacle, STATEMENT_FORMAT, statement_text};
use crate::history::{History, Told};
use crate::io::{Observer, Phase, Progress};
use crate::layout;
use crate::log::{Flow, Place, Visitor, at_event, corrupt};
use crate::statement::StatementText;

/// Progress is reported once in so many bytes.
const REPORT_EVERY: u64 = 4 << 20;

/// Schemas of the server's own, which no dump holds.
pub(crate) fn is_system_schema(name: &str) -> bool {
    ["mysql", "sys", "performance_schema", "information_schema"].iter().any(|own| name.eq_ignore_ascii_case(own))
}

/// What the open transaction did, besides statements that the history has taken in.
#[derive(Debug, Default)]
struct Pending {
    events: EventCounts,
    /// Row events and their bytes, and the first of them, by table and era.
    rows: BTreeMap<(usize, usize), (u64, u64, BinlogPosition)>,
    /// Tables whose rows foreign keys may have changed, and where.
    cascaded: Vec<(usize, BinlogPosition)>,
    /// What stands in the way of tables.
    obstacles: Vec<(usize, Obstacle)>,
    /// What stands in the way of all tables.
    of_all: Vec<Obstacle>,
    /// Statements about what lies around tables.
    around: Vec<String>,
}

/// The planning pass.
pub(crate) struct Scan<'a> {
    catalog: &'a Catalog<'a>,
    pub(crate) history: History<'a>,
    pub(crate) cascades: Finder,
    /// Whether the server's engine changes the rows of children without an event.
    silent_cascades: bool,
    flavour: Flavour,
    observer: &'a dyn Observer,
    pub(crate) finder: CutFinder<'a>,
    pub(crate) events: EventCounts,
    /// The account of all events.
    pub(crate) tally: Tally,
    /// Tables with row events that are neither in the baseline nor made since, and the first of these events.
    pub(crate) unknown: BTreeMap<TableName, BinlogPosition>,
    /// Sequences whose value moved on, and where.
    pub(crate) sequences: BTreeMap<TableName, BinlogPosition>,
    pub(crate) around: Vec<String>,
    /// Schemas that were made in the window.
    pub(crate) created_schemas: BTreeSet<String>,
    pub(crate) rolled_back: Vec<BinlogPosition>,
    pending: Pending,
    /// Where the open transaction begins.
    began: Option<BinlogPosition>,
    table_maps: TableMaps,
    /// XA transactions that were prepared in the window and are not completed.
    prepared: Vec<XaId>,
    first_event: bool,
    bytes_reported: u64,
    /// Events of the window so far.
    moment: u64,
}

impl<'a> Scan<'a> {
    pub(crate) fn new(
        catalog: &'a Catalog<'a>,
        history: History<'a>,
        silent_cascades: bool,
        flavour: Flavour,
        observer: &'a dyn Observer,
        finder: CutFinder<'a>,
    ) -> Self {
        Self {
            catalog,
            history,
            cascades: Finder::default(),
            silent_cascades,
            flavour,
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
            prepared: Vec::new(),
            first_event: true,
            bytes_reported: 0,
            moment: 0,
        }
    }

    fn body(&mut self, place: &Place<'_>, event: &Event<'_>) -> Result<(), EngineError> {
        self.pending.events.seen += 1;
        match event.header.event_type {
            EventType::TABLE_MAP => {
                self.table_maps.insert(event)?;
            }
            event_type if event_type.is_rows() => {
                if let EventBody::Rows(rows) = event.body()? {
                    self.rows(place, event, &rows)?;
                }
            }
            EventType::QUERY | EventType::QUERY_COMPRESSED => {
                if let EventBody::Query(query) = event.body()? {
                    self.query(place, event, &query)?;
                }
            }
            EventType::XID
            | EventType::ROWS_QUERY
            | EventType::ANNOTATE_ROWS
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
            }
            return Ok(());
        };
        let Some(tracked) = self.history.tracked.get(id) else { return Ok(()) };
        let era = tracked.life.last_number();
        let counts = self.pending.rows.entry((id, era)).or_insert_with(|| (0, 0, place.start_position()));
        counts.0 += 1;
        counts.1 += u64::from(event.header.event_size);
        let problem = match tracked.life.last().filter(|_| tracked.unreadable.is_none()) {
            _ if tracked.obstacle.is_some() => None,
            Some(era) => layout::difference(&era.shape, map)
                .map(|difference| (format!("{difference}: its definition changed without the log saying so"), LATER_BASELINE))
                .or_else(|| {
                    layout::missing_column(&era.shape, rows).map(|column| {
                        (
                            format!("a row image lacks column `{column}` (binlog_row_image is not FULL)"),
                            "set binlog_row_image=FULL on the server and take a new backup; a target before this event can be reached",
                        )
                    })
                }),
            None => None,
        };
        if let Some((reason, remedy)) = problem {
            let obstacle = Obstacle { position: place.start_position(), statement: None, reason, remedy };
            self.pending.obstacles.push((id, obstacle));
        }
        if self.silent_cascades && !rows.foreign_key_checks_off() && rows.kind != RowsKind::Write {
            let map = std::sync::Arc::clone(map);
            self.cascade(place, event, rows, &map)?;
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

    fn query(&mut self, place: &Place<'_>, event: &Event<'_>, query: &QueryEvent<'_>) -> Result<(), EngineError> {
        let trimmed = query.statement.trim_ascii();
        if [&b"BEGIN"[..], b"COMMIT", b"ROLLBACK"].iter().any(|word| trimmed.eq_ignore_ascii_case(word)) {
            return Ok(());
        }
        let statement = StatementText::read(query, self.flavour, event.header.timestamp);
        let obstacle = |reason: &str, remedy: &'static str| Obstacle {
            position: place.start_position(),
            statement: Some(statement_text(statement.text.as_bytes())),
            reason: reason.to_owned(),
            remedy,
        };
        match classify(statement.text.as_bytes(), &statement.schema, &statement.dialect) {
            Statement::Harmless { .. } => {}
            Statement::Ddl(ddl) if ddl.concerns_rows() => {
                self.sequence(&ddl, place);
                let told = Told { statement: &statement, position: place.start_position(), moment: self.moment };
                self.history.ddl(&ddl, &told);
            }
            Statement::Ddl(ddl) => self.around(place, &ddl, &statement),
            Statement::TransactionControl { verb } => {
                self.control(verb, &statement.text, &|reason: &str| obstacle(reason, LATER_BASELINE));
            }
            Statement::DataChange(change) => {
                self.data_change(&change, &|reason: &str| obstacle(reason, STATEMENT_FORMAT));
            }
            Statement::Unknown { reason, .. } => {
                let reason = format!("a statement is not understood ({reason}) and may concern any table");
                self.pending.of_all.push(obstacle(&reason, LATER_BASELINE));
            }
        }
        Ok(())
    }

    /// Sequences are the baseline's; what is done to them is noted.
    fn sequence(&mut self, ddl: &Ddl, place: &Place<'_>) {
        for name in &ddl.tables {
            if self.catalog.sequences.contains_key(name) {
                self.sequences.entry(name.clone()).or_insert_with(|| place.start_position());
            }
        }
    }

    /// Views, triggers, routines and events: their files are the baseline's.
    fn around(&mut self, place: &Place<'_>, ddl: &Ddl, statement: &StatementText<'_>) {
        if ddl.verb == DdlVerb::CreateDatabase
            && let Some(schema) = &ddl.schema
            && !self.catalog.has_schema(schema)
        {
            self.created_schemas.insert(schema.clone());
            return;
        }
        let mut schemas = ddl.tables.iter().map(|name| name.schema.as_str()).chain(ddl.schema.as_deref());
        if ddl.verb != DdlVerb::Storage && schemas.any(|schema| self.catalog.has_schema(schema)) {
            let text = statement_text(statement.text.as_bytes());
            self.pending.around.push(format!("`{text}` at {}", place.start_position()));
        }
    }

    fn control(&mut self, verb: TransactionControl, statement: &str, obstacle: &dyn Fn(&str) -> Obstacle) {
        match verb {
            TransactionControl::RollbackToSavepoint => {
                let touched: BTreeSet<usize> = self.pending.rows.keys().map(|(id, _)| *id).collect();
                for id in touched {
                    let obstacle = obstacle("a transaction that changed it was rolled back in part, to a savepoint");
                    self.pending.obstacles.push((id, obstacle));
                }
            }
            TransactionControl::XaCommit | TransactionControl::XaRollback => {
                let text = statement.to_ascii_lowercase();
                let known = self.prepared.iter().position(|id| text.contains(&xa_text(id)));
                match (known, verb) {
                    (Some(index), _) => drop(self.prepared.swap_remove(index)),
                    (None, TransactionControl::XaCommit) => {
                        self.pending.of_all.push(obstacle(
                            "an XA transaction commits that was prepared before the baseline, with changes to any table",
                        ));
                    }
                    (None, _) => {}
                }
            }
            TransactionControl::Begin
            | TransactionControl::Commit
            | TransactionControl::Rollback
            | TransactionControl::Savepoint
            | TransactionControl::ReleaseSavepoint
            | TransactionControl::XaStart
            | TransactionControl::XaEnd
            | TransactionControl::XaPrepare => {}
        }
    }

    fn data_change(&mut self, change: &DataChange, obstacle: &dyn Fn(&str) -> Obstacle) {
        const REASON: &str = "rows were changed by a statement that was logged as such, not as rows";
        let Some(tables) = &change.tables else {
            self.pending.of_all.push(obstacle(REASON));
            return;
        };
        // A trigger's changes to other tables are part of the statement.
        let catalog = self.catalog;
        let triggers = catalog.tables.values().any(|files| !files.triggers.is_empty())
            || catalog.schemas.values().flatten().any(|file| file.name.contains("-triggers"));
        if triggers && !tables.iter().all(|name| is_system_schema(&name.schema)) {
            self.pending.of_all.push(obstacle(REASON));
        }
        for name in tables {
            let name = self.history.resolve(name);
            if let Some(id) = self.history.find(&name) {
                self.pending.obstacles.push((id, obstacle(REASON)));
            }
        }
    }

    fn ends(&mut self, place: &Place<'_>, boundary: &Boundary, commit: &CommitInfo) -> Result<Flow, EngineError> {
        let in_window = self.finder.in_window();
        let included = self.finder.transaction(commit, &place.end_position());
        let began = self.began.take();
        let mut pending = std::mem::take(&mut self.pending);
        self.tally.ends(in_window && included);
        if in_window && included {
            pending.events.transactions += 1;
            match boundary {
                Boundary::RollsBack(_) => {
                    self.history.revert();
                    self.rolled_back.extend(began);
                    let obstacle = Obstacle {
                        position: place.start_position(),
                        statement: None,
                        reason: "its storage engine knows no transactions, and a transaction that changed it was rolled back".to_owned(),
                        remedy: LATER_BASELINE,
                    };
                    for id in self.not_transactional(&pending) {
                        self.history.obstruct(id, obstacle.clone());
                    }
                    self.count(&pending.events);
                }
                Boundary::Prepares(_) => {
                    // Its rows count when it commits, which may be behind other transactions.
                    let touched: BTreeSet<usize> = pending.rows.keys().map(|(id, _)| *id).collect();
                    for id in touched {
                        let obstacle = Obstacle {
                            position: place.start_position(),
                            statement: None,
                            reason: "it was changed in an XA transaction of two phases".to_owned(),
                            remedy: LATER_BASELINE,
                        };
                        pending.obstacles.push((id, obstacle));
                    }
                    self.absorb(pending);
                }
                _ => self.absorb(pending),
            }
            self.history.settle();
        } else {
            self.history.revert();
        }
        Ok(if self.finder.seen_enough(commit) { Flow::Stop } else { Flow::Continue })
    }

    fn absorb(&mut self, pending: Pending) {
        for obstacle in &pending.of_all {
            self.history.obstruct_all(obstacle);
        }
        for (id, obstacle) in pending.obstacles {
            self.history.obstruct(id, obstacle);
        }
        for (id, position) in pending.cascaded {
            if let Some(tracked) = self.history.tracked.get_mut(id) {
                tracked.cascaded.get_or_insert(position);
            }
        }
        for ((id, era), (events, bytes, first)) in pending.rows {
            let Some(tracked) = self.history.tracked.get_mut(id) else { continue };
            tracked.first_row_event.get_or_insert(first);
            if let Some(era) = tracked.life.eras.get_mut(era) {
                era.row_events += events;
                era.row_event_bytes += bytes;
            }
        }
        self.around.extend(pending.around);
        self.count(&pending.events);
    }

    fn count(&mut self, counts: &EventCounts) {
        self.events.seen += counts.seen;
        self.events.transactions += counts.transactions;
    }

    fn not_transactional(&self, pending: &Pending) -> Vec<usize> {
        let transactional = |engine: &str| {
            ["InnoDB", "RocksDB", "TokuDB", "ndbcluster", "ndb"].iter().any(|known| known.eq_ignore_ascii_case(engine))
        };
        let engine_of = |id: usize| self.history.tracked.get(id)?.life.last()?.shape.engine.clone();
        let ids: BTreeSet<usize> = pending.rows.keys().map(|(id, _)| *id).collect();
        ids.into_iter().filter(|id| engine_of(*id).is_none_or(|engine| !transactional(&engine))).collect()
    }

    /// The open transaction never committed: the server crashed in it.
    fn abandon(&mut self) {
        self.pending = Pending::default();
        self.history.revert();
        let began = self.began.take();
        if self.finder.in_window() {
            self.rolled_back.extend(began);
        }
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

/// As servers write it in a statement, in lower case.
fn xa_text(id: &XaId) -> String {
    let hex = |bytes: &[u8]| bytes.iter().map(|byte| format!("{byte:02x}")).collect::<String>();
    format!("x'{}',x'{}',{}", hex(&id.global), hex(&id.branch), id.format)
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
            let open = std::mem::take(&mut self.pending);
            self.rare(place, event)?;
            let outside = std::mem::replace(&mut self.pending, open);
            self.absorb(outside);
            self.history.settle();
        } else {
            if let Boundary::Prepares(_) = boundary
                && let EventBody::XaPrepare(prepare) = event.body()?
            {
                self.prepared.push(prepare.xid);
            }
            self.body(place, event)?;
        }
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
