//! Where transactions begin and end.
//!
//! The servers mark this in several ways, all of which come down to one group of events that ends with a commit:
//!
//! | server | group |
//! |---|---|
//! | MySQL 5.6+ | GTID or anonymous GTID, `BEGIN`, …, XID (or `COMMIT`, where a table is not transactional) |
//! | MySQL 8.0.20+, compressed | GTID, one payload event with all the rest |
//! | MySQL, DDL | GTID, the statement |
//! | MariaDB | GTID (which is the BEGIN), …, XID or `COMMIT` |
//! | MariaDB, DDL | GTID marked "standalone", the statement |
//! | MariaDB, ALTER in two phases | as DDL, once for the start (which changes nothing) and once for the end |
//! | before GTIDs | `BEGIN`, …, XID or `COMMIT`; or a statement alone, with the variables it needs before it |
//! | XA | …, `XA START`, …, `XA END`, XA_PREPARE; later, as a group of its own, `XA COMMIT` or `XA ROLLBACK` |

use std::mem::discriminant;

use backtrail_domain::{Gtid, GtidSet};

use crate::bytes::Cursor;
use crate::query::{QueryEvent, TransactionWord};
use crate::{AlterPhase, BinlogError, Event, EventBody, EventType, RowsEvent};

/// The beginning of a transaction.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TransactionStart {
    /// Its name, where it has one.
    pub gtid: Option<Gtid>,
    /// Offset of its first event, where it has one.
    pub offset: Option<u64>,
}

/// The end of a transaction.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CommitInfo {
    /// Its name, where it has one.
    pub gtid: Option<Gtid>,
    /// When it committed, in microseconds since 1970: what the GTID event says (MySQL 8), else the timestamp of the last
    /// event, in whole seconds.
    pub commit_time_micros: i64,
    /// Whether the time is the GTID event's.
    pub exact: bool,
    /// Offset of its first event, where it has one.
    pub start: Option<u64>,
    /// Offset behind its last event: a place to cut at.
    pub end: Option<u64>,
}

/// What an event means for the transaction around it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Boundary {
    /// It belongs to no transaction.
    Outside,
    /// It is a transaction's first event (and part of it).
    Begins(TransactionStart),
    /// It is within a transaction.
    Inside,
    /// It commits the transaction: all since its beginning counts.
    Commits(CommitInfo),
    /// It rolls the transaction back: nothing of it counts. (MariaDB's start of an ALTER in two phases is one of these:
    /// the statement takes effect where it stands again, at the end; and so is its failure.)
    RollsBack(CommitInfo),
    /// It prepares an XA transaction: whether all since its beginning counts, a later `XA COMMIT` or `XA ROLLBACK` says.
    Prepares(CommitInfo),
    /// It is a statement that commits by itself: DDL, or one that completes a prepared XA transaction.
    Standalone(CommitInfo),
    /// The file ends (or another begins) without the transaction's end: nothing of it counts.
    Abandons(TransactionStart),
}

impl Boundary {
    /// The transaction that ends with the event, if any does.
    pub fn ending(&self) -> Option<&CommitInfo> {
        match self {
            Self::Commits(info) | Self::RollsBack(info) | Self::Prepares(info) | Self::Standalone(info) => Some(info),
            Self::Outside | Self::Begins(_) | Self::Inside | Self::Abandons(_) => None,
        }
    }
}

#[derive(Debug, Clone)]
struct Open {
    start: TransactionStart,
    commit_micros: Option<u64>,
    /// Whether it ends only with a COMMIT of some kind. Else the next statement is all of it.
    explicit: bool,
    /// Whether that statement takes effect.
    effective: bool,
}

/// Takes in events in order and says what each means for transactions. Holds no row data.
///
/// It can follow a log over file boundaries. An event from within a transaction payload may be given to it in place of
/// the payload event (which it would have to decompress to see how it ends); not both.
#[derive(Debug, Clone, Default)]
pub struct TransactionTracker {
    open: Option<Open>,
    executed: Option<GtidSet>,
}

impl TransactionTracker {
    /// Knows of no transaction yet; the first file's PREVIOUS_GTIDS or GTID_LIST will say.
    pub fn new() -> Self {
        Self::default()
    }

    /// Begins behind these transactions: for reading on from the middle of a file.
    pub fn resuming(executed: Option<GtidSet>) -> Self {
        Self { open: None, executed }
    }

    /// Whether the log can be cut behind the last event: no transaction is open there.
    pub fn at_boundary(&self) -> bool {
        self.open.is_none()
    }

    /// All transactions up to here, once anything told which: the set that began the log and every transaction that
    /// ended since. (Open ones are not in it.)
    pub fn executed(&self) -> Option<&GtidSet> {
        self.executed.as_ref()
    }

    /// Takes in the next event.
    ///
    /// # Errors
    /// An event that cannot be understood, or that cannot stand where it does: reading began within a transaction, or
    /// the log is not in order.
    pub fn observe(&mut self, event: &Event<'_>) -> Result<Boundary, BinlogError> {
        match event.header.event_type {
            EventType::FORMAT_DESCRIPTION | EventType::ROTATE | EventType::STOP => {
                Ok(self.open.take().map_or(Boundary::Outside, |open| Boundary::Abandons(open.start)))
            }
            EventType::PREVIOUS_GTIDS | EventType::GTID_LIST => self.file_begins(event),
            event_type if event_type.is_gtid() => self.gtid(event),
            EventType::QUERY | EventType::QUERY_COMPRESSED => self.query(event),
            EventType::XID => self.commit(event),
            EventType::XA_PREPARE => match event.body()? {
                EventBody::XaPrepare(prepare) if prepare.one_phase => self.commit(event),
                _ => Ok(Boundary::Prepares(self.end(event)?)),
            },
            EventType::TRANSACTION_PAYLOAD => self.payload(event),
            event_type if event_type.is_rows() => self.rows(event),
            EventType::TABLE_MAP
            | EventType::ROWS_QUERY
            | EventType::ANNOTATE_ROWS
            | EventType::INTVAR
            | EventType::RAND
            | EventType::USER_VAR
            | EventType::CREATE_FILE
            | EventType::BEGIN_LOAD_QUERY
            | EventType::APPEND_BLOCK
            | EventType::DELETE_FILE => Ok(self.part(event)),
            EventType::LOAD | EventType::NEW_LOAD | EventType::EXEC_LOAD | EventType::EXECUTE_LOAD_QUERY => {
                self.statement(event)
            }
            EventType::INCIDENT if self.open.is_some() => self.statement(event),
            _ if self.open.is_some() => Ok(Boundary::Inside),
            _ => Ok(Boundary::Outside),
        }
    }

    fn file_begins(&mut self, event: &Event<'_>) -> Result<Boundary, BinlogError> {
        let before = match event.body()? {
            // MariaDB also sends artificial ones, to tell a replica where to stop.
            _ if event.header.is_artificial() => return Ok(Boundary::Outside),
            EventBody::PreviousGtids(set) => set,
            EventBody::GtidList(list) => list.position,
            _ => return Ok(Boundary::Outside),
        };
        if !before.is_empty() && self.is_foreign(&before) {
            return Err(misplaced(event, FOREIGN));
        }
        match &mut self.executed {
            Some(executed) => executed.union(&before),
            None => self.executed = Some(before),
        }
        Ok(Boundary::Outside)
    }

    /// Whether transactions of the other family of servers are known: no set holds both.
    fn is_foreign(&self, set: &GtidSet) -> bool {
        let known = self.executed.as_ref().filter(|executed| !executed.is_empty());
        known.is_some_and(|executed| discriminant(executed) != discriminant(set))
    }

    fn gtid(&mut self, event: &Event<'_>) -> Result<Boundary, BinlogError> {
        if self.open.is_some() {
            return Err(misplaced(event, "begins a transaction within another"));
        }
        let EventBody::Gtid(gtid) = event.body()? else {
            return Err(misplaced(event, "is not the GTID event that it should be"));
        };
        let start = TransactionStart { gtid: gtid.gtid, offset: event.offset };
        if let Some(set) = start.gtid.as_ref().map(Gtid::to_set)
            && self.is_foreign(&set)
        {
            return Err(misplaced(event, FOREIGN));
        }
        self.open = Some(Open {
            start: start.clone(),
            commit_micros: gtid.immediate_commit_micros.filter(|micros| *micros > 0),
            explicit: gtid.implies_begin,
            effective: !matches!(gtid.alter_phase, Some(AlterPhase::Start | AlterPhase::Rollback { .. })),
        });
        Ok(Boundary::Begins(start))
    }

    fn query(&mut self, event: &Event<'_>) -> Result<Boundary, BinlogError> {
        let query = QueryEvent::parse(event.header.event_type, event.body, event.post_header_length(13))
            .map_err(|problem| event.corrupt(problem))?;
        let open = self.open.is_some();
        match query.transaction_word() {
            TransactionWord::Begin | TransactionWord::XaStart => match &mut self.open {
                Some(open) if open.explicit && open.start.gtid.is_some() => {
                    // MariaDB's GTID event is a BEGIN; its XA transactions still say XA START.
                    match query.transaction_word() {
                        TransactionWord::XaStart => Ok(Boundary::Inside),
                        _ => Err(misplaced(event, "begins a transaction within another")),
                    }
                }
                Some(open) if open.explicit => Err(misplaced(event, "begins a transaction within another")),
                Some(open) => {
                    open.explicit = true;
                    Ok(Boundary::Inside)
                }
                None => Ok(self.begin(event, true)),
            },
            TransactionWord::Commit if open => self.commit(event),
            TransactionWord::Rollback if open => Ok(Boundary::RollsBack(self.end(event)?)),
            // Left over behind the rows of a table that is not transactional (MySQL 5.1).
            TransactionWord::Commit | TransactionWord::Rollback => Ok(Boundary::Outside),
            TransactionWord::XaCommit | TransactionWord::XaRollback | TransactionWord::Other => self.statement(event),
        }
    }

    /// A statement within a transaction is part of it; else it is all of one.
    fn statement(&mut self, event: &Event<'_>) -> Result<Boundary, BinlogError> {
        if self.open.as_ref().is_some_and(|open| open.explicit) {
            return Ok(Boundary::Inside);
        }
        if self.open.is_none() {
            self.begin(event, false);
        }
        let effective = self.open.as_ref().is_none_or(|open| open.effective);
        let info = self.end(event)?;
        Ok(if effective { Boundary::Standalone(info) } else { Boundary::RollsBack(info) })
    }

    /// An event that can only be part of something.
    fn part(&mut self, event: &Event<'_>) -> Boundary {
        if self.open.is_some() { Boundary::Inside } else { self.begin(event, false) }
    }

    /// Outside of a BEGIN (MySQL 5.1, tables that are not transactional), a statement's last rows are the end of it.
    fn rows(&mut self, event: &Event<'_>) -> Result<Boundary, BinlogError> {
        let boundary = self.part(event);
        if self.open.as_ref().is_some_and(|open| open.explicit) {
            return Ok(boundary);
        }
        let mut cursor = Cursor::new(event.body);
        let id_length = if event.post_header_length(8) == 6 { 4 } else { 6 };
        let flags = cursor.take(id_length, "table id").and_then(|_| cursor.u16("row event flags"));
        let flags = flags.map_err(|problem| event.corrupt(problem))?;
        if flags & RowsEvent::FLAG_STATEMENT_END != 0 { self.commit(event) } else { Ok(boundary) }
    }

    fn payload(&mut self, event: &Event<'_>) -> Result<Boundary, BinlogError> {
        let EventBody::TransactionPayload(payload) = event.body()? else {
            return Err(misplaced(event, "is not the payload that it should be"));
        };
        let mut events = payload.events()?;
        let mut last = self.part(event);
        while let Some(inner) = events.next_event()? {
            if inner.header.event_type == EventType::TRANSACTION_PAYLOAD {
                return Err(misplaced(event, "holds another of its kind"));
            }
            last = self.observe(&inner)?;
        }
        if self.at_boundary() { Ok(last) } else { Err(misplaced(event, "does not hold the end of its transaction")) }
    }

    fn begin(&mut self, event: &Event<'_>, explicit: bool) -> Boundary {
        let start = TransactionStart { gtid: None, offset: event.offset };
        self.open = Some(Open { start: start.clone(), commit_micros: None, explicit, effective: true });
        Boundary::Begins(start)
    }

    fn commit(&mut self, event: &Event<'_>) -> Result<Boundary, BinlogError> {
        self.end(event).map(Boundary::Commits)
    }

    fn end(&mut self, event: &Event<'_>) -> Result<CommitInfo, BinlogError> {
        let Some(open) = self.open.take() else {
            return Err(misplaced(event, "ends a transaction that has not begun: reading started within it"));
        };
        if let Some(gtid) = &open.start.gtid {
            match &mut self.executed {
                Some(executed) if !executed.is_empty() => executed.insert(gtid),
                executed => *executed = Some(gtid.to_set()),
            }
        }
        let stated = open.commit_micros.and_then(|micros| i64::try_from(micros).ok());
        Ok(CommitInfo {
            gtid: open.start.gtid,
            commit_time_micros: stated.unwrap_or(i64::from(event.header.timestamp) * 1_000_000),
            exact: stated.is_some(),
            start: open.start.offset,
            end: event.end(),
        })
    }
}

const FOREIGN: &str = "has a GTID of another family of servers than those before it: the files are not of one log";

fn misplaced(event: &Event<'_>, problem: &'static str) -> BinlogError {
    BinlogError::Sequence { place: event.place(), event: event.header.event_type, problem }
}
