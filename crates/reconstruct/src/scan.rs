//! The planning pass over the log: it finds the cut and gathers, for every table, what stands in the way of rebuilding it.
//! No row is decoded, but those of parents of cascading foreign keys are compared.
//!
//! Facts of a transaction are held back until it commits, and dropped if it does not or lies behind the cut.

use std::collections::{BTreeMap, BTreeSet};

use backtrail_binlog::{
    Boundary, CommitInfo, Event, EventBody, EventType, QueryEvent, RowsEvent, RowsKind, TableMaps, XaId,
};
use backtrail_domain::{BinlogPosition, TableFilter, TableName};
use backtrail_schema::{
    DataChange, Ddl, DdlVerb, Flavour, SqlDialect, Statement, TableShape, TransactionControl, classify,
};

use crate::EngineError;
use crate::baseline::Catalog;
use crate::cut::CutFinder;
use crate::facts::{Facts, Making, Obstacle, statement_text};
use crate::io::{Observer, Phase, Progress};
use crate::layout;
use crate::log::{Flow, Place, Visitor, at_event, corrupt};

const STATEMENT_FORMAT: &str =
    "set binlog_format=ROW on the server and take a new backup; a target before this event can be reached";
const LATER_BASELINE: &str = "take a baseline after this event, or a target before it, or leave the table out";

/// Progress is reported once in so many bytes.
const REPORT_EVERY: u64 = 4 << 20;

/// Schemas of the server's own, which no dump holds.
pub(crate) fn is_system_schema(name: &str) -> bool {
    ["mysql", "sys", "performance_schema", "information_schema"].iter().any(|own| name.eq_ignore_ascii_case(own))
}

/// Which tables a run is about.
pub(crate) struct Scope<'a> {
    pub(crate) catalog: &'a Catalog<'a>,
    pub(crate) filter: &'a TableFilter,
    pub(crate) schemas: BTreeSet<&'a str>,
}

impl<'a> Scope<'a> {
    pub(crate) fn new(catalog: &'a Catalog<'a>, filter: &'a TableFilter) -> Self {
        let tables = catalog.tables.keys().chain(catalog.views.keys()).chain(catalog.sequences.keys());
        let schemas =
            tables.map(|name| name.schema.as_str()).chain(catalog.schemas.keys().map(String::as_str)).collect();
        Self { catalog, filter, schemas }
    }

    /// The baseline's tables that a statement means by a name: the one of that name, else those that differ in nothing
    /// but case, since on some servers (`lower_case_table_names`) case does not count and statements are logged as typed.
    fn resolve(&self, name: &TableName) -> Vec<&'a TableName> {
        let all = || self.catalog.tables.keys().chain(self.catalog.sequences.keys());
        if let Some((own, _)) = self.catalog.tables.get_key_value(name) {
            return vec![own];
        }
        if let Some((own, _)) = self.catalog.sequences.get_key_value(name) {
            return vec![own];
        }
        let folded = |name: &TableName| (name.schema.to_lowercase(), name.table.to_lowercase());
        let wanted = folded(name);
        all().filter(|other| folded(other) == wanted).collect()
    }

    /// Whether the result must have the table, if it exists: it is named, or all are wanted and the baseline has its
    /// schema.
    fn wants(&self, name: &TableName, created_schemas: &BTreeSet<String>) -> bool {
        match self.filter {
            TableFilter::Only(names) => names.contains(name),
            TableFilter::All => {
                !is_system_schema(&name.schema)
                    && (self.schemas.contains(name.schema.as_str()) || created_schemas.contains(&name.schema))
            }
        }
    }
}

/// The planning pass.
pub(crate) struct Scan<'a> {
    pub(crate) scope: Scope<'a>,
    pub(crate) shapes: &'a BTreeMap<TableName, TableShape>,
    /// Columns that cascading foreign keys refer to, by parent.
    pub(crate) watched: &'a BTreeMap<TableName, BTreeSet<usize>>,
    pub(crate) flavour: Flavour,
    pub(crate) observer: &'a dyn Observer,
    pub(crate) finder: CutFinder<'a>,
    pub(crate) facts: Facts,
    pub(crate) rolled_back: Vec<BinlogPosition>,
    pub(crate) warnings: Vec<String>,
    /// What the open transaction did.
    pending: Facts,
    /// Where it begins.
    began: Option<BinlogPosition>,
    table_maps: TableMaps,
    /// XA transactions that were prepared in the window and are not completed.
    prepared: Vec<XaId>,
    first_event: bool,
    bytes_reported: u64,
    /// Schemas outside the scope whose tables changed.
    pub(crate) out_of_scope: BTreeSet<String>,
}

impl<'a> Scan<'a> {
    pub(crate) fn new(
        scope: Scope<'a>,
        shapes: &'a BTreeMap<TableName, TableShape>,
        watched: &'a BTreeMap<TableName, BTreeSet<usize>>,
        flavour: Flavour,
        observer: &'a dyn Observer,
        finder: CutFinder<'a>,
    ) -> Self {
        Self {
            scope,
            shapes,
            watched,
            flavour,
            observer,
            finder,
            facts: Facts::default(),
            rolled_back: Vec::new(),
            warnings: Vec::new(),
            pending: Facts::default(),
            began: None,
            table_maps: TableMaps::new(),
            prepared: Vec::new(),
            first_event: true,
            bytes_reported: 0,
            out_of_scope: BTreeSet::new(),
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
                    self.query(place, &query)?;
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
                self.pending.any_table.get_or_insert_with(|| Obstacle {
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
        self.pending.events.row_events += 1;
        let bytes = u64::from(event.header.event_size);
        let wanted = self.scope.wants(name, &self.facts.created_schemas);
        let watched = self.watched.get(name);
        if !wanted && watched.is_none() {
            let known = self.scope.schemas.contains(name.schema.as_str()) || self.out_of_scope.contains(&name.schema);
            if !known && !is_system_schema(&name.schema) {
                self.out_of_scope.insert(name.schema.clone());
            }
            return Ok(());
        }
        let created = self.pending.has_made(name) || self.facts.has_made(name);
        let shape = self.shapes.get(name);
        let facts = self.pending.table(name);
        facts.row_events += 1;
        facts.row_event_bytes += bytes;
        facts.first_row_event.get_or_insert_with(|| place.start_position());
        if !rows.foreign_key_checks_off() {
            if rows.kind == RowsKind::Delete {
                facts.rows_deleted.get_or_insert_with(|| place.start_position());
            } else if rows.kind == RowsKind::Update
                && let Some(columns) = watched
            {
                let mut left: BTreeSet<usize> =
                    columns.iter().copied().filter(|column| !facts.columns_changed.contains_key(column)).collect();
                let mut changes = rows.rows(map).map_err(|problem| corrupt(event, problem))?;
                while !left.is_empty()
                    && let Some(change) = changes.next_row().map_err(|problem| corrupt(event, problem))?
                {
                    let (Some(before), Some(after)) = (change.before, change.after) else { break };
                    left.retain(|column| {
                        let changed = before.column(*column) != after.column(*column);
                        if changed {
                            facts.columns_changed.insert(*column, place.start_position());
                        }
                        !changed
                    });
                }
            }
        }
        if !wanted || facts.obstacle.is_some() {
            return Ok(());
        }
        let problem = match shape {
            Some(shape) => layout::difference(shape, map)
                .map(|difference| (format!("{difference}: its definition changed without the log saying so"), LATER_BASELINE))
                .or_else(|| {
                    layout::missing_column(shape, rows).map(|column| {
                        (
                            format!("a row image lacks column `{column}` (binlog_row_image is not FULL)"),
                            "set binlog_row_image=FULL on the server and take a new backup; a target before this event can be reached",
                        )
                    })
                }),
            None if created => None,
            None if self.scope.catalog.tables.contains_key(name) => None,
            None => Some(("rows change that the baseline does not have: the table is not in it".to_owned(), LATER_BASELINE)),
        };
        if let Some((reason, remedy)) = problem {
            facts.obstacle = Some(Obstacle { position: place.start_position(), statement: None, reason, remedy });
        }
        Ok(())
    }

    fn query(&mut self, place: &Place<'_>, query: &QueryEvent<'_>) -> Result<(), EngineError> {
        let trimmed = query.statement.trim_ascii();
        if [&b"BEGIN"[..], b"COMMIT", b"ROLLBACK"].iter().any(|word| trimmed.eq_ignore_ascii_case(word)) {
            return Ok(());
        }
        let dialect = SqlDialect {
            flavour: self.flavour,
            ansi_quotes: query.status.ansi_quotes(),
            no_backslash_escapes: query.status.no_backslash_escapes(),
        };
        let schema = String::from_utf8_lossy(query.schema);
        let obstacle = |reason: String, remedy: &'static str| Obstacle {
            position: place.start_position(),
            statement: Some(statement_text(&query.statement)),
            reason,
            remedy,
        };
        match classify(&query.statement, &schema, &dialect) {
            Statement::Harmless { .. } => {}
            Statement::Ddl(ddl) if ddl.concerns_rows() => {
                self.ddl(&ddl, &|reason: &str| obstacle(reason.to_owned(), LATER_BASELINE));
            }
            Statement::Ddl(ddl) => self.around(place, &ddl, &query.statement),
            Statement::TransactionControl { verb } => {
                self.control(verb, &query.statement, &|reason: &str| obstacle(reason.to_owned(), LATER_BASELINE))
            }
            Statement::DataChange(change) => {
                self.data_change(&change, &|reason: &str| obstacle(reason.to_owned(), STATEMENT_FORMAT));
            }
            Statement::Unknown { reason, .. } => {
                self.pending.any_table.get_or_insert_with(|| {
                    obstacle(
                        format!("a statement is not understood ({reason}) and may concern any table"),
                        LATER_BASELINE,
                    )
                });
            }
        }
        Ok(())
    }

    fn ddl(&mut self, ddl: &Ddl, obstacle: &dyn Fn(&str) -> Obstacle) {
        let mut touched: Vec<TableName> = Vec::new();
        for name in &ddl.tables {
            let own = self.scope.resolve(name);
            if own.is_empty() {
                let gone = ddl.verb == DdlVerb::DropTable || ddl.renames.iter().any(|(from, _)| from == name);
                if gone {
                    self.pending.making.push(Making::Gone(name.clone()));
                } else if self.scope.wants(name, &self.facts.created_schemas) && ddl.verb != DdlVerb::DropSequence {
                    self.pending.making.push(Making::Made(name.clone(), obstacle("it was made behind the baseline")));
                }
            }
            touched.extend(own.into_iter().cloned());
        }
        if ddl.verb == DdlVerb::DropDatabase
            && let Some(schema) = &ddl.schema
        {
            self.pending.making.push(Making::SchemaGone(schema.clone()));
            let all = self.scope.catalog.tables.keys().chain(self.scope.catalog.sequences.keys());
            touched.extend(all.filter(|name| name.schema.eq_ignore_ascii_case(schema)).cloned());
        }
        for name in touched {
            // Parents of cascading foreign keys are watched although they may not be wanted.
            if self.scope.wants(&name, &self.facts.created_schemas) || self.watched.contains_key(&name) {
                self.pending.obstruct(&name, || obstacle("a statement changes its definition or all of its rows"));
            }
        }
    }

    /// Views, triggers, routines and events: their files are the baseline's.
    fn around(&mut self, place: &Place<'_>, ddl: &Ddl, statement: &[u8]) {
        if ddl.verb == DdlVerb::CreateDatabase
            && let Some(schema) = &ddl.schema
            && !self.scope.schemas.contains(schema.as_str())
        {
            self.pending.created_schemas.insert(schema.clone());
            return;
        }
        let mut schemas = ddl.tables.iter().map(|name| name.schema.as_str()).chain(ddl.schema.as_deref());
        if ddl.verb != DdlVerb::Storage && schemas.any(|schema| self.scope.schemas.contains(schema)) {
            self.pending.around.push(format!("`{}` at {}", statement_text(statement), place.start_position()));
        }
    }

    fn control(&mut self, verb: TransactionControl, statement: &[u8], obstacle: &dyn Fn(&str) -> Obstacle) {
        match verb {
            TransactionControl::RollbackToSavepoint => {
                let touched: Vec<TableName> = self.pending.tables.keys().cloned().collect();
                for name in touched {
                    self.pending.obstruct(&name, || {
                        obstacle("a transaction that changed it was rolled back in part, to a savepoint")
                    });
                }
            }
            TransactionControl::XaCommit | TransactionControl::XaRollback => {
                let text = String::from_utf8_lossy(statement).to_ascii_lowercase();
                let known = self.prepared.iter().position(|id| text.contains(&xa_text(id)));
                match (known, verb) {
                    (Some(index), _) => drop(self.prepared.swap_remove(index)),
                    (None, TransactionControl::XaCommit) => {
                        self.pending.any_table.get_or_insert_with(|| {
                            obstacle("an XA transaction commits that was prepared before the baseline, with changes to any table")
                        });
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
        match &change.tables {
            None => {
                self.pending.any_table.get_or_insert_with(|| obstacle(REASON));
            }
            Some(tables) => {
                let catalog = self.scope.catalog;
                let own = |name: &TableName| is_system_schema(&name.schema);
                // A trigger's changes to other tables are part of the statement.
                let triggers = catalog.tables.values().any(|files| !files.triggers.is_empty())
                    || catalog.schemas.values().flatten().any(|file| file.name.contains("-triggers"));
                if triggers && !tables.iter().all(own) {
                    self.pending.any_table.get_or_insert_with(|| obstacle(REASON));
                }
                for name in tables.iter().flat_map(|name| self.scope.resolve(name)) {
                    if self.scope.wants(name, &self.facts.created_schemas) || self.watched.contains_key(name) {
                        self.pending.obstruct(name, || obstacle(REASON));
                    }
                }
            }
        }
    }

    fn ends(&mut self, place: &Place<'_>, boundary: &Boundary, commit: &CommitInfo) -> Result<Flow, EngineError> {
        let in_window = self.finder.in_window();
        let included = self.finder.transaction(commit, &place.end_position());
        let began = self.began.take();
        let mut pending = std::mem::take(&mut self.pending);
        if in_window && included {
            pending.events.transactions += 1;
            match boundary {
                Boundary::RollsBack(_) => {
                    let kept = self.not_transactional(&pending);
                    let mut counts = Facts { events: pending.events, ..Facts::default() };
                    counts.events.row_events_rolled_back = counts.events.row_events;
                    self.facts.absorb(&mut counts);
                    self.rolled_back.extend(began);
                    for name in kept {
                        self.facts.obstruct(&name, || Obstacle {
                            position: place.start_position(),
                            statement: None,
                            reason: "its storage engine knows no transactions, and a transaction that changed it was rolled back".to_owned(),
                            remedy: LATER_BASELINE,
                        });
                    }
                }
                Boundary::Prepares(_) => self.prepare(place, pending)?,
                _ => self.facts.absorb(&mut pending),
            }
        }
        Ok(if self.finder.seen_enough(commit) { Flow::Stop } else { Flow::Continue })
    }

    /// The rows of a prepared transaction count when it commits, which may be behind other transactions: tables that it
    /// touches are not followed.
    fn prepare(&mut self, place: &Place<'_>, mut pending: Facts) -> Result<(), EngineError> {
        let names: Vec<TableName> = pending.tables.keys().cloned().collect();
        for name in names {
            pending.obstruct(&name, || Obstacle {
                position: place.start_position(),
                statement: None,
                reason: "it was changed in an XA transaction of two phases".to_owned(),
                remedy: LATER_BASELINE,
            });
        }
        self.facts.absorb(&mut pending);
        Ok(())
    }

    fn not_transactional(&self, pending: &Facts) -> Vec<TableName> {
        let transactional = |engine: &str| {
            ["InnoDB", "RocksDB", "TokuDB", "ndbcluster", "ndb"].iter().any(|known| known.eq_ignore_ascii_case(engine))
        };
        pending
            .tables
            .keys()
            .filter(|name| {
                self.shapes.get(*name).and_then(|shape| shape.engine.as_deref()).is_none_or(|e| !transactional(e))
            })
            .cloned()
            .collect()
    }

    /// The open transaction never committed: the server crashed in it.
    fn abandon(&mut self) {
        self.pending = Facts::default();
        let began = self.began.take();
        if self.finder.in_window() {
            self.rolled_back.extend(began);
        }
    }

    fn report(&mut self, place: &Place<'_>, event: &Event<'_>) -> Result<(), EngineError> {
        let _ = place;
        self.facts.events.bytes += u64::from(event.header.event_size);
        if self.facts.events.bytes - self.bytes_reported < REPORT_EVERY {
            return Ok(());
        }
        self.bytes_reported = self.facts.events.bytes;
        if self.observer.cancelled() {
            return Err(EngineError::Cancelled);
        }
        self.observer.progress(&Progress {
            phase: Phase::Planning,
            bytes_done: self.facts.events.bytes,
            events: self.facts.events.seen,
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
                self.pending = Facts::default();
            }
            Boundary::Abandons(_) => self.abandon(),
            _ => {}
        }
        if !self.finder.in_window() {
            // Before the baseline and behind the cut only the times of commits count.
            if let Some(commit) = boundary.ending() {
                self.began = None;
                self.finder.transaction(commit, &place.end_position());
                if self.finder.seen_enough(commit) {
                    return Ok(Flow::Stop);
                }
            }
            return Ok(Flow::Continue);
        }
        self.report(place, event)?;
        // A statement that is a transaction of its own may begin and end in one event.
        if boundary.ending().is_some() && self.began.is_none() {
            self.began = Some(place.start_position());
        }
        if *boundary == Boundary::Outside {
            self.facts.events.seen += 1;
            let mut outside = std::mem::take(&mut self.pending);
            self.rare(place, event)?;
            std::mem::swap(&mut outside, &mut self.pending);
            self.facts.absorb(&mut outside);
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
