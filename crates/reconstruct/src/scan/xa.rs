//! XA transactions of two phases: prepared in one place of the log, committed or rolled back in another.
//!
//! From `XA PREPARE` to `XA COMMIT` a transaction keeps its locks, over a restart of the server too: no other one changes
//! the rows that it changed, and no statement the definitions of its tables. So it makes no difference whether its rows are
//! applied where they are logged or where they commit; *whether* they are is decided by the `XA COMMIT`: it must be at or
//! before the cut. One that was prepared before the baseline and commits in the window is in neither: it is looked for in
//! the log before the baseline.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use backtrail_binlog::{Boundary, Event, EventBody, EventType, RowsKind, TableMaps, XaId};
use backtrail_domain::{BinlogPosition, TableName};
use backtrail_schema::{Flavour, SqlDialect, Statement, TableShape, TransactionControl, classify};

use crate::EngineError;
use crate::account::RowTally;
use crate::history::History;
use crate::input::log::{Flow, Log, Place, Visitor, at_event};
use crate::input::span::Span;
use crate::io::Observer;
use crate::plan::facts::{LATER_BASELINE, Obstacle, statement_text};
use crate::plan::{Coordinates, PlannedPiece};
use crate::scan::layout;
use crate::scan::partial::is_whole;
use crate::scan::pending::{Pending, Touched, is_transactional, savepoint_name};

/// What a statement does to a prepared transaction.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Completion {
    pub(crate) commits: bool,
    /// None where the statement's name for it is not understood.
    pub(crate) xid: Option<XaId>,
}

impl Completion {
    /// Reads `XA COMMIT X'…',X'…',1` and `XA ROLLBACK …`, as servers write them.
    pub(crate) fn read(statement: &str) -> Option<Self> {
        let text = statement.trim();
        let (commits, rest) = match (after_words(text, "XA COMMIT"), after_words(text, "XA ROLLBACK")) {
            (Some(rest), _) => (true, rest),
            (None, Some(rest)) => (false, rest),
            (None, None) => return None,
        };
        Some(Self { commits, xid: xid(rest) })
    }
}

fn after_words<'a>(text: &'a str, words: &str) -> Option<&'a str> {
    let (start, rest) = text.split_at_checked(words.len())?;
    (start.eq_ignore_ascii_case(words) && rest.starts_with(' ')).then_some(rest)
}

fn xid(text: &str) -> Option<XaId> {
    let mut parts = text.split(',').map(str::trim);
    let mut bytes = || {
        let digits = parts.next()?.strip_prefix(['X', 'x'])?.strip_prefix('\'')?.strip_suffix('\'')?;
        let (pairs, rest) = digits.as_bytes().as_chunks::<2>();
        let byte = |pair: &[u8; 2]| u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok();
        if rest.is_empty() { pairs.iter().map(byte).collect::<Option<Vec<u8>>>() } else { None }
    };
    let (global, branch) = (bytes()?, bytes()?);
    let format = parts.next()?.parse().ok()?;
    parts.next().is_none().then_some(XaId { format, global, branch })
}

/// For messages: as the statements write it.
pub(crate) fn xa_text(id: &XaId) -> String {
    let hex = |bytes: &[u8]| bytes.iter().map(|byte| format!("{byte:02x}")).collect::<String>();
    format!("X'{}',X'{}',{}", hex(&id.global), hex(&id.branch), id.format)
}

/// A transaction that is prepared in the window.
#[derive(Debug)]
pub(crate) struct Prepared {
    pub(crate) begin: BinlogPosition,
    pub(crate) end: BinlogPosition,
    pub(crate) pending: Pending,
}

/// An `XA COMMIT` of a transaction that was not prepared in the window.
#[derive(Debug, Clone)]
pub(crate) struct Foreign {
    pub(crate) xid: XaId,
    pub(crate) position: BinlogPosition,
    pub(crate) statement: String,
}

impl Foreign {
    fn obstacle(&self, reason: String) -> Obstacle {
        Obstacle {
            position: self.position.clone(),
            statement: Some(statement_text(self.statement.as_bytes())),
            reason,
            remedy: "hand in the log before the baseline in which the transaction is prepared, or take a baseline after this event, or a target before it",
        }
    }
}

/// A table as the baseline has it.
pub(crate) struct Origin {
    pub(crate) id: usize,
    /// None where it cannot be read.
    pub(crate) shape: Option<Arc<TableShape>>,
}

/// A transaction before the baseline.
struct Group {
    span: Span,
    pending: Pending,
    /// Why it cannot be applied.
    problem: Option<&'static str>,
    /// Tables whose rows are deleted or updated.
    parents: BTreeSet<TableName>,
    /// Tables that the baseline does not have.
    unknown: BTreeSet<TableName>,
    /// Its row events, for the account.
    tally: RowTally,
}

/// Looks for prepared transactions in the log before the baseline.
struct LookBack<'a> {
    wanted: &'a BTreeSet<XaId>,
    until: &'a BinlogPosition,
    origins: &'a BTreeMap<TableName, Origin>,
    observer: &'a dyn Observer,
    open: Option<Group>,
    table_maps: TableMaps,
    found: BTreeMap<XaId, Group>,
    reached: bool,
}

impl LookBack<'_> {
    fn rows(&mut self, place: &Place<'_>, event: &Event<'_>) -> Result<(), EngineError> {
        let (Some(group), EventBody::Rows(rows)) = (&mut self.open, event.body()?) else { return Ok(()) };
        if rows.column_count == 0 {
            return Ok(());
        }
        let Some(map) = self.table_maps.get(rows.table_id) else {
            return Err(at_event(place, "rows of a table that no table map has named"));
        };
        let origin = self.origins.get(&map.name);
        group.tally.event(origin.map(|origin| origin.id), &map.name);
        let Some(origin) = origin else {
            group.unknown.insert(map.name.clone());
            return Ok(());
        };
        let position = place.start_position();
        group.pending.row_event((origin.id, 0), u64::from(event.header.event_size), position.clone());
        if rows.kind != RowsKind::Write && !rows.foreign_key_checks_off() {
            group.parents.insert(map.name.clone());
        }
        let lacking = |shape: &TableShape| {
            let reason = "a row image before the baseline lacks columns (binlog_row_image is not FULL)".to_owned();
            (!is_whole(shape, &rows)).then_some((reason, layout::WHOLE_IMAGES))
        };
        if let Some(shape) = &origin.shape
            && let Some((reason, remedy)) = layout::problem(shape, map).or_else(|| lacking(shape))
        {
            let obstacle = Obstacle { position, statement: None, reason, remedy };
            group.pending.row_obstacle(origin.id, obstacle);
        }
        Ok(())
    }

    fn query(&mut self, place: &Place<'_>, event: &Event<'_>) -> Result<(), EngineError> {
        let EventBody::Query(query) = event.body()? else { return Ok(()) };
        let text = query.statement_text();
        if let Some(Completion { xid, .. }) = Completion::read(&text) {
            match xid {
                Some(xid) => drop(self.found.remove(&xid)),
                None => self.found.clear(),
            }
            return Ok(());
        }
        let Some(group) = &mut self.open else { return Ok(()) };
        let transactional = |(id, _): Touched| {
            let origin = self.origins.values().find(|origin| origin.id == id)?;
            is_transactional(origin.shape.as_ref()?.engine.as_deref())
        };
        match classify(text.as_bytes(), "", &SqlDialect::of_flavour(Flavour::Mysql)) {
            Statement::TransactionControl { verb: TransactionControl::Savepoint } => {
                group.pending.savepoint(&savepoint_name(&text), place.start_position());
            }
            Statement::TransactionControl { verb: TransactionControl::RollbackToSavepoint } => {
                let name = savepoint_name(&text);
                if group.pending.rollback_to(&name, place.end_position(), &transactional).is_err() {
                    group.problem =
                        Some("it was undone to a savepoint, and it cannot be told which of its rows that concerned");
                }
            }
            Statement::TransactionControl { .. } | Statement::Harmless { .. } => {}
            Statement::Ddl(_) | Statement::DataChange(_) | Statement::Unknown { .. } => {
                group.problem = Some("it holds statements that were logged as such, not as rows");
            }
        }
        Ok(())
    }
}

impl Visitor for LookBack<'_> {
    fn boundary(&mut self, at: &Place<'_>) -> Result<Flow, EngineError> {
        self.reached = at.start_position() >= *self.until;
        Ok(if self.reached { Flow::Stop } else { Flow::Continue })
    }

    fn event(&mut self, place: &Place<'_>, event: &Event<'_>, boundary: &Boundary) -> Result<Flow, EngineError> {
        match boundary {
            Boundary::Begins(_) => {
                if self.observer.cancelled() {
                    return Err(EngineError::Cancelled);
                }
                self.open = Some(Group {
                    span: Span { from: place.start_position(), to: place.end_position() },
                    pending: Pending::default(),
                    problem: None,
                    parents: BTreeSet::new(),
                    unknown: BTreeSet::new(),
                    tally: RowTally::default(),
                });
            }
            Boundary::Abandons(_) => self.open = None,
            _ => {}
        }
        match event.header.event_type {
            EventType::FORMAT_DESCRIPTION => self.table_maps.clear(),
            EventType::TABLE_MAP => drop(self.table_maps.insert(event)?),
            event_type if event_type.is_rows() => self.rows(place, event)?,
            EventType::QUERY | EventType::QUERY_COMPRESSED => self.query(place, event)?,
            _ => {}
        }
        if boundary.ending().is_some() {
            let group = self.open.take();
            if let (Boundary::Prepares(_), Some(mut group), EventBody::XaPrepare(prepare)) =
                (boundary, group, event.body()?)
                && self.wanted.contains(&prepare.xid)
            {
                group.span.to = place.end_position();
                self.found.insert(prepare.xid, group);
            }
        }
        Ok(Flow::Continue)
    }

    fn interrupted(&mut self) -> Result<(), EngineError> {
        self.open = None;
        self.table_maps.clear();
        Ok(())
    }
}

/// Transactions from before the baseline that are to be applied.
#[derive(Debug, Default)]
pub(crate) struct Carried {
    /// Where they lie, in the order of the log.
    pub(crate) spans: Vec<Span>,
    /// What of them was undone.
    pub(crate) undone: Vec<Span>,
    /// Their row events.
    pub(crate) rows: RowTally,
    /// The pieces of the log from the first of them on, up to the baseline.
    pub(crate) pieces: Vec<PlannedPiece>,
}

/// What was found in the log before the baseline.
#[derive(Default)]
struct Found {
    groups: BTreeMap<XaId, Group>,
    pieces: Vec<PlannedPiece>,
    /// Why others were not found.
    reason: String,
}

/// What the planning pass found of transactions from before the baseline.
pub(crate) struct Foreigners<'a, 'h> {
    pub(crate) log: &'a Log<'a>,
    pub(crate) baseline: &'a Coordinates,
    pub(crate) history: &'a mut History<'h>,
    pub(crate) silent_cascades: bool,
    pub(crate) observer: &'a dyn Observer,
    pub(crate) completed: &'a [Foreign],
}

impl Foreigners<'_, '_> {
    /// Finds them in the log before the baseline, and counts their rows; those that are not to be found stand in the way of
    /// every table of the baseline. Says which are to be applied, and rows of which tables they have that the baseline does
    /// not.
    pub(crate) fn resolve(self, unknown: &mut BTreeMap<TableName, BinlogPosition>) -> Result<Carried, EngineError> {
        let mut carried = Carried::default();
        if self.completed.is_empty() {
            return Ok(carried);
        }
        let origins = self.history.origins();
        let Found { groups: mut found, pieces, mut reason } = self.look_back(&origins)?;
        for foreign in self.completed {
            let text = xa_text(&foreign.xid);
            let obstruct_all = |history: &mut History<'_>, why: &str| {
                let obstacle = foreign.obstacle(format!(
                    "an XA transaction ({text}) commits that was prepared before the baseline and may have changed it, {why}"
                ));
                for origin in origins.values() {
                    history.obstruct(origin.id, obstacle.clone());
                }
            };
            let Some(group) = found.remove(&foreign.xid) else {
                obstruct_all(self.history, &reason);
                reason.clear();
                reason.push_str("and that its name had twice");
                continue;
            };
            if let Some(problem) = group.problem {
                obstruct_all(self.history, problem);
                continue;
            }
            if self.silent_cascades {
                for child in descendants(&origins, &group.parents) {
                    let reason = format!(
                        "an XA transaction ({text}) that was prepared before the baseline may have changed its rows by a foreign key with CASCADE or SET NULL, which the server does not log"
                    );
                    self.history.obstruct(child, Obstacle { remedy: LATER_BASELINE, ..foreign.obstacle(reason) });
                }
            }
            for name in group.unknown {
                unknown.entry(name).or_insert_with(|| group.span.from.clone());
            }
            carried.undone.extend(group.pending.undone.iter().cloned());
            carried.rows.take_in(group.tally);
            carried.rows.undone(&group.pending.undone_events);
            let (rows, obstacles) = group.pending.rows();
            for (id, obstacle) in obstacles {
                self.history.obstruct(id, obstacle);
            }
            for ((id, era), rows) in rows {
                self.history.count_rows(id, era, &rows);
            }
            carried.spans.push(group.span);
        }
        carried.spans.sort_by(|a, b| a.from.cmp(&b.from));
        if let Some(Span { from, .. }) = carried.spans.first() {
            let needed = |piece: &PlannedPiece| (&piece.file, piece.to) > (&from.file, from.offset);
            carried.pieces = pieces.into_iter().filter(needed).collect();
        }
        Ok(carried)
    }

    /// Reads further and further back, until all are found or the log has no more.
    fn look_back(&self, origins: &BTreeMap<TableName, Origin>) -> Result<Found, EngineError> {
        let wanted: BTreeSet<XaId> = self.completed.iter().map(|foreign| foreign.xid.clone()).collect();
        let mut pieces = 0;
        let mut found = Found::default();
        loop {
            let because = |reason: String, found: Found| Ok(Found { reason, ..found });
            let Some(start) = self.log.start_before(&self.baseline.position, pieces)? else {
                return because("and the log before it does not hold it".to_owned(), found);
            };
            let mut visitor = LookBack {
                wanted: &wanted,
                until: &self.baseline.position,
                origins,
                observer: self.observer,
                open: None,
                table_maps: TableMaps::new(),
                found: BTreeMap::new(),
                reached: false,
            };
            let from = Coordinates { position: start, gtid_set: None };
            match self.log.walk(&from, false, &mut visitor) {
                Ok(walked) if visitor.reached => {
                    found = Found { groups: visitor.found, pieces: walked.pieces, reason: String::new() };
                }
                Ok(_) => return because("and the log before it does not reach up to it".to_owned(), found),
                Err(EngineError::Cancelled) => return Err(EngineError::Cancelled),
                Err(EngineError::LogGap { gap }) => {
                    return because(format!("and the log before it has a gap {gap}"), found);
                }
                Err(problem) => return because(format!("and the log before it cannot be read: {problem}"), found),
            }
            if found.groups.len() == wanted.len() {
                return Ok(found);
            }
            pieces = (pieces * 2).max(1);
        }
    }
}

/// The tables that change along with these, by foreign keys of the baseline.
fn descendants(origins: &BTreeMap<TableName, Origin>, parents: &BTreeSet<TableName>) -> BTreeSet<usize> {
    let mut wave: Vec<&TableName> = parents.iter().collect();
    let mut children = BTreeSet::new();
    while let Some(parent) = wave.pop() {
        for (name, origin) in origins {
            let follows =
                origin.shape.iter().flat_map(|shape| &shape.foreign_keys).any(|key| {
                    key.parent == *parent && (key.on_delete.changes_child() || key.on_update.changes_child())
                });
            if follows && children.insert(origin.id) {
                wave.push(name);
            }
        }
    }
    children
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn completions_are_read() {
        let check = |statement: &str, expected: Option<(bool, Option<&str>)>| {
            let read = Completion::read(statement);
            let got = read.map(|read| (read.commits, read.xid.map(|id| xa_text(&id))));
            assert_eq!(got, expected.map(|(commits, id)| (commits, id.map(str::to_owned))), "{statement}");
        };
        check("XA COMMIT X'6731',X'',7", Some((true, Some("X'6731',X'',7"))));
        check("XA ROLLBACK X'00FF27',X'62',-1", Some((false, Some("X'00ff27',X'62',-1"))));
        check("XA COMMIT 'a'", Some((true, None)));
        check("XA COMMIT X'6',X'',1", Some((true, None)));
        check("XA COMMIT X'61',X'',1,2", Some((true, None)));
        check("XA END X'6731',X'',7", None);
        check("XA COMMITTED", None);
    }
}
