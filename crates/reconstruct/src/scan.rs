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
use backtrail_schema::{
    DataChange, DataChangeVerb, Ddl, DdlVerb, ObjectVerb, SchemaStatement, SqlDialect, Statement, TransactionControl,
    classify,
};

use crate::EngineError;
use crate::account::{EventCounts, Tally};
use crate::around;
use crate::baseline::Catalog;
use crate::cascade::Finder;
use crate::cut::CutFinder;
use crate::facts::{LATER_BASELINE, Obstacle, STATEMENT_FORMAT, statement_text};
use crate::history::{History, Told};
use crate::io::{Observer, Phase, Progress};
use crate::layout;
use crate::log::{Flow, Place, Visitor, at_event, corrupt};
use crate::partial::{ImageCheck, Images};
use crate::pending::{Pending, savepoint_name};
use crate::span::Span;
use crate::statement::StatementText;
use crate::xa::{Completion, Foreign, Prepared};

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
    /// The event is within a transaction, and not all of it.
    inside: bool,
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
            inside: false,
            read_to: 0,
            bytes_reported: 0,
            moment: 0,
        }
    }

    fn body(&mut self, place: &Place<'_>, event: &Event<'_>) -> Result<(), EngineError> {
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
                    self.query(place, event, &query)?;
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
        while let Some(change) = changes.next_row().map_err(|problem| corrupt(event, problem))? {
            match change.after.as_ref().and_then(around::sequences::literal) {
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

    fn query(&mut self, place: &Place<'_>, event: &Event<'_>, query: &QueryEvent<'_>) -> Result<(), EngineError> {
        let trimmed = query.statement.trim_ascii();
        if [&b"BEGIN"[..], b"COMMIT", b"ROLLBACK"].iter().any(|word| trimmed.eq_ignore_ascii_case(word)) {
            return Ok(());
        }
        self.pending.inside_payload |= event.is_in_payload();
        // A definition before its rows is that of a CREATE … SELECT, as the server writes it.
        let by_server = self.inside && query.statement.starts_with(b"CREATE TABLE `");
        let statement = StatementText::read(query, self.dialect, event.header.timestamp, by_server);
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
                let position = place.start_position();
                let around = around::of_tables(&ddl, &statement, query, &position, &mut self.history);
                self.pending.around.extend(around);
                let told = Told { statement: &statement, position: place.start_position(), moment: self.moment };
                self.history.ddl(&ddl, &told);
            }
            Statement::Ddl(ddl) => self.around(place, event, query, &ddl, &statement),
            Statement::TransactionControl { verb } => {
                self.control(verb, &statement.text, place, &|reason: &str| obstacle(reason, LATER_BASELINE));
            }
            Statement::DataChange(ref change)
                if change.verb == DataChangeVerb::Delete
                    && let Some([name]) = change.tables.as_deref()
                    && self.history.says_empty(name, &statement.text) =>
            {
                let told = Told { statement: &statement, position: place.start_position(), moment: self.moment };
                self.history.truncate(name, &told);
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

    /// Views, triggers, routines and events, and schemas that are made or altered.
    fn around(
        &mut self,
        place: &Place<'_>,
        event: &Event<'_>,
        query: &QueryEvent<'_>,
        ddl: &Ddl,
        statement: &StatementText<'_>,
    ) {
        let position = place.start_position();
        let told = match ddl.verb {
            DdlVerb::Storage => None,
            DdlVerb::CreateDatabase | DdlVerb::AlterDatabase => {
                if ddl.verb == DdlVerb::CreateDatabase
                    && let Some(schema) = ddl.schema.as_ref().filter(|schema| !self.catalog.has_schema(schema))
                {
                    self.created_schemas.insert(schema.clone());
                }
                around::of_schema(ddl, statement, query, &position)
            }
            _ => {
                let second = event.header.timestamp;
                around::of_objects(ddl, statement, query, second, &position, &mut self.history)
            }
        };
        self.pending.around.extend(told);
    }

    fn control(
        &mut self,
        verb: TransactionControl,
        statement: &str,
        place: &Place<'_>,
        obstacle: &dyn Fn(&str) -> Obstacle,
    ) {
        match verb {
            TransactionControl::Savepoint => {
                self.pending.savepoint(&savepoint_name(statement), place.start_position());
            }
            TransactionControl::RollbackToSavepoint => {
                let history = &self.history;
                let engine = |touched| history.is_transactional(touched);
                let name = savepoint_name(statement);
                // Places within a compressed transaction are not told apart.
                let outcome = if self.pending.inside_payload {
                    Err(self.pending.touched().into_iter().map(|(id, _)| id).collect())
                } else {
                    self.pending.rollback_to(&name, place.end_position(), &engine)
                };
                for id in outcome.err().into_iter().flatten() {
                    let reason = "a transaction that changed it was rolled back in part, and it cannot be told which of its rows that concerned";
                    self.pending.obstacles.push((id, obstacle(reason)));
                }
            }
            TransactionControl::XaCommit | TransactionControl::XaRollback => {
                self.completing = Completion::read(statement).map(|completion| (completion, statement.to_owned()));
            }
            TransactionControl::Begin
            | TransactionControl::Commit
            | TransactionControl::Rollback
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
        let completing = self.completing.take();
        let mut pending = std::mem::take(&mut self.pending);
        if in_window && included {
            pending.events.transactions += 1;
            if let Some((completion, statement)) = completing {
                self.complete(&completion, &statement, place, &mut pending);
            }
            let begin = began.unwrap_or_else(|| place.start_position());
            match boundary {
                Boundary::RollsBack(_) => {
                    self.history.revert();
                    pending.around.clear();
                    self.roll_back(&begin, place, &mut pending);
                    self.rolled_back.push(begin);
                    self.absorb(pending);
                }
                Boundary::Prepares(_) => self.prepare(begin, place, pending),
                _ => self.absorb(pending),
            }
            self.history.settle();
        } else {
            self.history.revert();
        }
        self.tally.ends(in_window && included);
        Ok(if self.finder.seen_enough(commit) { Flow::Stop } else { Flow::Continue })
    }

    fn roll_back(&mut self, begin: &BinlogPosition, place: &Place<'_>, pending: &mut Pending) {
        let history = &self.history;
        let engine = |touched| history.is_transactional(touched);
        let unknown = pending.rollback(begin.clone(), place.end_position(), &engine).err();
        for id in unknown.into_iter().flatten() {
            let obstacle = Obstacle {
                position: place.start_position(),
                statement: None,
                reason: "a transaction that changed it was rolled back, and it cannot be told whether its storage engine knows transactions".to_owned(),
                remedy: LATER_BASELINE,
            };
            pending.obstacles.push((id, obstacle));
        }
    }

    /// Whether the rows of an XA transaction count, a later statement says.
    fn prepare(&mut self, begin: BinlogPosition, place: &Place<'_>, mut pending: Pending) {
        let events = std::mem::take(&mut pending.events);
        self.count(&events);
        self.count_sequences(std::mem::take(&mut pending.sequences));
        let prepared = Prepared { begin, end: place.end_position(), pending };
        // One that was prepared before under this name is gone: else the server had not taken the name again.
        if let Some(xid) = self.preparing.take()
            && let Some(gone) = self.prepared.insert(xid, prepared)
        {
            self.drop_prepared(gone);
        }
    }

    /// A prepared XA transaction was rolled back.
    fn drop_prepared(&mut self, gone: Prepared) {
        let Prepared { begin, end, mut pending } = gone;
        let place = Place { file: &end.file, offset: end.offset, end: end.offset };
        self.roll_back(&begin, &place, &mut pending);
        self.rolled_back.push(begin);
        self.absorb(pending);
    }

    /// A prepared XA transaction is committed or rolled back.
    fn complete(&mut self, completion: &Completion, statement: &str, place: &Place<'_>, pending: &mut Pending) {
        let obstacle = |reason: &str| Obstacle {
            position: place.start_position(),
            statement: Some(statement_text(statement.as_bytes())),
            reason: reason.to_owned(),
            remedy: LATER_BASELINE,
        };
        let Some(xid) = &completion.xid else {
            pending.of_all.push(obstacle("an XA transaction is completed, and it cannot be told which"));
            return;
        };
        match self.prepared.remove(xid) {
            Some(prepared) if completion.commits => {
                for touched in prepared.pending.touched() {
                    if !self.history.is_unchanged(touched) {
                        let reason =
                            "its definition changed while an XA transaction that changed its rows was prepared";
                        pending.obstacles.push((touched.0, obstacle(reason)));
                    }
                }
                pending.adopt(prepared.pending);
            }
            Some(prepared) => self.drop_prepared(prepared),
            None if completion.commits => {
                let position = place.start_position();
                self.foreign.push(Foreign { xid: xid.clone(), position, statement: statement.to_owned() });
            }
            None => {}
        }
    }

    /// XA transactions that are still prepared do not count.
    pub(crate) fn leave_prepared(&mut self) -> Vec<(XaId, BinlogPosition)> {
        let mut left = Vec::new();
        for (xid, prepared) in std::mem::take(&mut self.prepared) {
            left.push((xid, prepared.begin.clone()));
            self.drop_prepared(prepared);
        }
        left
    }

    fn absorb(&mut self, mut pending: Pending) {
        for obstacle in &pending.of_all {
            self.history.obstruct_all(obstacle);
        }
        for (id, obstacle) in &pending.obstacles {
            self.history.obstruct(*id, obstacle.clone());
        }
        self.undone.extend(pending.undone.iter().cloned());
        self.tally.undone(&pending.undone_events);
        self.count(&pending.events);
        for id in &pending.partial {
            if let Some(tracked) = self.history.tracked.get_mut(*id) {
                tracked.partial = true;
            }
        }
        self.count_sequences(std::mem::take(&mut pending.sequences));
        for told in &pending.around {
            if let around::What::Schema { statement, session } = &told.what
                && !self.there_already(statement)
                && let Some(options) = around::table_options(statement, session)
            {
                self.history.schema_gives(&statement.schema, options);
            }
        }
        self.around.append(&mut pending.around);
        for (id, position) in &pending.cascaded {
            if let Some(tracked) = self.history.tracked.get_mut(*id) {
                tracked.cascaded.get_or_insert(position.clone());
            }
        }
        let (rows, obstacles) = pending.rows();
        for (id, obstacle) in obstacles {
            self.history.obstruct(id, obstacle);
        }
        for ((id, era), rows) in rows {
            self.history.count_rows(id, era, &rows);
        }
    }

    /// Numbers that were taken from a sequence stay taken, whatever becomes of the transaction.
    fn count_sequences(&mut self, rows: BTreeMap<usize, String>) {
        for (id, row) in rows {
            if let Some(sequence) = self.history.tracked.get_mut(id).and_then(|tracked| tracked.sequence.as_mut()) {
                sequence.row(row);
            }
        }
    }

    /// Whether a CREATE DATABASE does nothing.
    fn there_already(&self, statement: &SchemaStatement) -> bool {
        let same = |told: &&around::Told| match &told.what {
            around::What::Schema { statement: own, .. } => own.schema == statement.schema,
            _ => false,
        };
        let last = self.around.iter().rev().find(same);
        let there = match last.map(|told| &told.what) {
            Some(around::What::Schema { statement, .. }) => statement.verb != ObjectVerb::Drop,
            _ => self.catalog.has_schema(&statement.schema),
        };
        statement.verb == ObjectVerb::Create && !statement.or_replace && there
    }

    fn count(&mut self, counts: &EventCounts) {
        self.events.seen += counts.seen;
        self.events.transactions += counts.transactions;
    }

    /// The open transaction never committed: the server crashed in it.
    fn abandon(&mut self) {
        let mut pending = std::mem::take(&mut self.pending);
        self.history.revert();
        let Some(began) = self.began.take().filter(|_| self.finder.in_window()) else { return };
        let end = BinlogPosition { file: began.file.clone(), offset: self.read_to };
        let place = Place { file: &end.file, offset: end.offset, end: end.offset };
        for (id, _) in pending.touched().into_iter().filter(|t| self.history.is_transactional(*t) == Some(false)) {
            let obstacle = Obstacle {
                position: began.clone(),
                statement: None,
                reason: "the log breaks off within a transaction that changed it, and its storage engine knows no transactions".to_owned(),
                remedy: LATER_BASELINE,
            };
            pending.obstacles.push((id, obstacle));
        }
        self.roll_back(&began, &place, &mut pending);
        self.rolled_back.push(began);
        // No row of it committed, also where that is an obstacle.
        let undone = pending.give_up();
        self.tally.undone_if_seen(&undone);
        self.absorb(pending);
        self.history.settle();
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
        self.inside = *boundary == Boundary::Inside;
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
            self.body(place, event)?;
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
