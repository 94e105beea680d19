//! What the events say, one variant a kind.

use std::borrow::Cow;

use backtrail_domain::{Gtid, GtidSet};

use crate::bytes::{Cursor, size};
use crate::{
    BinlogError, Event, EventType, Flavour, FormatDescription, GtidEvent, Malformed, QueryEvent, RowsEvent, TableMap,
    TransactionPayload, gtid,
};

/// An event's content.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub enum EventBody<'a> {
    /// How to read the rest of the file.
    FormatDescription(FormatDescription),
    /// The last event of a file: the log goes on in the next. (Sent artificially, it names the file that follows on the
    /// wire.)
    Rotate(RotateEvent<'a>),
    /// The server shut down; the last event of a file.
    Stop,
    /// MySQL: the transactions in all files before this one.
    PreviousGtids(GtidSet),
    /// MariaDB: the last transaction of each domain before this file.
    GtidList(GtidListEvent),
    /// A transaction begins.
    Gtid(GtidEvent),
    /// A statement: BEGIN, COMMIT, DDL, or DML in statement format.
    Query(QueryEvent<'a>),
    /// A transaction commits.
    Xid(u64),
    /// An XA transaction is prepared (or, in one phase, committed).
    XaPrepare(XaPrepareEvent),
    /// The shape of a table that the next row events refer to.
    TableMap(TableMap),
    /// Changed rows.
    Rows(RowsEvent<'a>),
    /// A whole transaction's events, compressed.
    TransactionPayload(TransactionPayload<'a>),
    /// The statement behind the next row events (MySQL's ROWS_QUERY, MariaDB's ANNOTATE_ROWS).
    RowsQuery(&'a [u8]),
    /// The server could not log something: what follows is incomplete.
    Incident(IncidentEvent<'a>),
    /// A sign of life on the wire.
    Heartbeat(HeartbeatEvent<'a>),
    /// Value of INSERT_ID or LAST_INSERT_ID for the next statement.
    IntVar {
        /// 1 is LAST_INSERT_ID, 2 is INSERT_ID.
        kind: u8,
        /// Its value.
        value: u64,
    },
    /// Seeds of RAND() for the next statement.
    Rand {
        /// The first.
        first: u64,
        /// The second.
        second: u64,
    },
    /// A user variable for the next statement: its name. (Statement format is not replayed, so the value is not read.)
    UserVar {
        /// Without the `@`.
        name: &'a [u8],
    },
    /// A piece of a LOAD DATA file in statement format, or the statement itself.
    LoadData,
    /// MariaDB: the first file that crash recovery needs.
    BinlogCheckpoint {
        /// Its name.
        file: &'a [u8],
    },
    /// Marked by the server as one that may be skipped.
    Ignorable,
    /// Of a type that this program does not know and that may not be skipped.
    Unknown,
}

/// See [`EventBody::Rotate`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RotateEvent<'a> {
    /// Where to go on in that file.
    pub position: u64,
    /// Name of the next file.
    pub file: &'a [u8],
}

/// See [`EventBody::GtidList`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GtidListEvent {
    /// The last transaction of each domain. (The event may list several servers of a domain; the last listed is it.)
    pub position: GtidSet,
    /// Every pair of domain and server, as listed.
    pub all: Vec<Gtid>,
    /// The upper four bits of the count: flags for replicas.
    pub flags: u8,
}

/// See [`EventBody::XaPrepare`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct XaPrepareEvent {
    /// Whether it is a COMMIT ONE PHASE.
    pub one_phase: bool,
    /// The transaction.
    pub xid: XaId,
}

/// The name of an XA transaction.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct XaId {
    /// Format id.
    pub format: i32,
    /// Global part.
    pub global: Vec<u8>,
    /// Branch qualifier.
    pub branch: Vec<u8>,
}

/// See [`EventBody::Incident`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct IncidentEvent<'a> {
    /// 1 is "lost events".
    pub incident: u16,
    /// The server's words.
    pub message: &'a [u8],
}

/// See [`EventBody::Heartbeat`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct HeartbeatEvent<'a> {
    /// The file that the server is at the end of.
    pub file: &'a [u8],
    /// Its place in it. MySQL's first version of the event has only the lower 32 bits of it.
    pub position: u64,
}

impl<'a> Event<'a> {
    /// Parses the event's content.
    ///
    /// # Errors
    /// Content that is not as the type has it. (Types that are unknown are no error: [`EventBody::Unknown`].)
    pub fn body(&self) -> Result<EventBody<'a>, BinlogError> {
        if self.header.event_type == EventType::FORMAT_DESCRIPTION {
            return Ok(EventBody::FormatDescription(self.format_description()?));
        }
        self.parse_body().map_err(|problem| self.corrupt(problem))
    }

    fn parse_body(&self) -> Result<EventBody<'a>, Malformed> {
        let mut cursor = Cursor::new(self.body);
        Ok(match self.header.event_type {
            EventType::ROTATE => EventBody::Rotate(rotate(self)?),
            EventType::STOP => EventBody::Stop,
            EventType::PREVIOUS_GTIDS => EventBody::PreviousGtids(gtid::previous_gtids(self.body)?),
            EventType::GTID_LIST => EventBody::GtidList(gtid::gtid_list(self.body)?),
            EventType::GTID | EventType::ANONYMOUS_GTID | EventType::GTID_TAGGED | EventType::MARIADB_GTID => {
                EventBody::Gtid(GtidEvent::parse(&self.header, self.body)?)
            }
            EventType::QUERY | EventType::QUERY_COMPRESSED => {
                EventBody::Query(QueryEvent::parse(self.header.event_type, self.body, self.post_header_length(13))?)
            }
            EventType::XID => {
                cursor.take(self.post_header_length(0), "post-header")?;
                EventBody::Xid(cursor.u64("transaction number")?)
            }
            EventType::XA_PREPARE => EventBody::XaPrepare(xa_prepare(cursor)?),
            EventType::TABLE_MAP => {
                let flavour = self.format.map_or(Flavour::Mysql, |format| format.flavour);
                EventBody::TableMap(TableMap::parse(self.body, self.post_header_length(8), flavour)?)
            }
            rows if rows.is_rows() => {
                EventBody::Rows(RowsEvent::parse(rows, self.body, self.post_header_length(rows_header_length(rows)))?)
            }
            EventType::TRANSACTION_PAYLOAD => EventBody::TransactionPayload(TransactionPayload::parse(self)?),
            EventType::ROWS_QUERY => {
                // One byte of a length that is not kept right for long statements: all that is left is the statement.
                cursor.take(self.post_header_length(0), "post-header")?;
                cursor.u8("statement length")?;
                EventBody::RowsQuery(cursor.rest())
            }
            EventType::ANNOTATE_ROWS => EventBody::RowsQuery(self.body),
            EventType::INCIDENT => {
                let incident = cursor.u16("incident number")?;
                let length = cursor.u8("message length")?;
                EventBody::Incident(IncidentEvent { incident, message: cursor.take(usize::from(length), "message")? })
            }
            EventType::HEARTBEAT => EventBody::Heartbeat(match self.header.next_position {
                // What does not fit in the header, MariaDB puts before the name.
                0 => HeartbeatEvent { position: cursor.u64("heartbeat position")?, file: cursor.rest() },
                position => HeartbeatEvent { position: u64::from(position), file: self.body },
            }),
            EventType::HEARTBEAT_V2 => EventBody::Heartbeat(heartbeat(cursor)?),
            EventType::INTVAR => {
                EventBody::IntVar { kind: cursor.u8("variable")?, value: cursor.u64("variable's value")? }
            }
            EventType::RAND => EventBody::Rand { first: cursor.u64("seed")?, second: cursor.u64("seed")? },
            EventType::USER_VAR => {
                let length = cursor.u32("name length")?;
                EventBody::UserVar { name: cursor.take(length as usize, "name")? }
            }
            EventType::LOAD
            | EventType::NEW_LOAD
            | EventType::CREATE_FILE
            | EventType::APPEND_BLOCK
            | EventType::EXEC_LOAD
            | EventType::DELETE_FILE
            | EventType::BEGIN_LOAD_QUERY
            | EventType::EXECUTE_LOAD_QUERY => EventBody::LoadData,
            EventType::BINLOG_CHECKPOINT => {
                let length = cursor.u32("name length")?;
                EventBody::BinlogCheckpoint { file: cursor.take(length as usize, "file name")? }
            }
            EventType::PRE_GA_WRITE_ROWS | EventType::PRE_GA_UPDATE_ROWS | EventType::PRE_GA_DELETE_ROWS => {
                return Err(Malformed::unsupported("a row event of MySQL before 5.1.16"));
            }
            // Group replication's own; they concern no table.
            EventType::IGNORABLE | EventType::SLAVE | EventType::TRANSACTION_CONTEXT | EventType::VIEW_CHANGE => {
                EventBody::Ignorable
            }
            _ if self.header.flags & crate::EventHeader::FLAG_IGNORABLE != 0 => EventBody::Ignorable,
            _ => EventBody::Unknown,
        })
    }
}

fn rows_header_length(event_type: EventType) -> usize {
    match event_type {
        EventType::WRITE_ROWS
        | EventType::UPDATE_ROWS
        | EventType::DELETE_ROWS
        | EventType::PARTIAL_UPDATE_ROWS
        | EventType::WRITE_ROWS_COMPRESSED
        | EventType::UPDATE_ROWS_COMPRESSED
        | EventType::DELETE_ROWS_COMPRESSED => 10,
        _ => 8,
    }
}

fn rotate<'a>(event: &Event<'a>) -> Result<RotateEvent<'a>, Malformed> {
    let mut cursor = Cursor::new(event.body);
    let position = cursor.u64("next position")?;
    let mut file = cursor.rest();
    // Ahead of the first format description nobody can say whether a checksum ends the event. A file name ends in
    // digits, and whoever reads four bytes more sees them here.
    if event.format.is_none()
        && let Some((name, stored)) = file.split_last_chunk::<4>()
        && let Some((covered, _)) = event.raw.split_last_chunk::<4>()
        && u32::from_le_bytes(*stored) == crc32fast::hash(covered)
    {
        file = name;
    }
    if file.is_empty() {
        return Err(Malformed::invalid("next file", "without a name"));
    }
    Ok(RotateEvent { position, file })
}

fn xa_prepare(mut cursor: Cursor<'_>) -> Result<XaPrepareEvent, Malformed> {
    let one_phase = cursor.u8("one-phase flag")? != 0;
    let format = cursor.u32("XA format id")?.cast_signed();
    let global = cursor.u32("XA global length")?;
    let branch = cursor.u32("XA branch length")?;
    let xid = XaId {
        format,
        global: cursor.take(global as usize, "XA global id")?.to_vec(),
        branch: cursor.take(branch as usize, "XA branch qualifier")?.to_vec(),
    };
    Ok(XaPrepareEvent { one_phase, xid })
}

fn heartbeat(mut cursor: Cursor<'_>) -> Result<HeartbeatEvent<'_>, Malformed> {
    let mut heartbeat = HeartbeatEvent { file: &[], position: 0 };
    while !cursor.is_empty() {
        let field = cursor.packed("heartbeat field")?;
        if field == 0 {
            break;
        }
        let length = cursor.packed("heartbeat field length")?;
        let mut value = Cursor::new(cursor.take(size(length), "heartbeat field value")?);
        match field {
            1 => heartbeat.file = value.rest(),
            2 => heartbeat.position = value.packed("heartbeat position")?,
            _ => {}
        }
    }
    Ok(heartbeat)
}

/// A file name from an event: for comparing with, or making, a [`backtrail_domain::BinlogFile`].
///
/// # Errors
/// Bytes that are no binlog file name.
pub fn file_name(bytes: &[u8]) -> Result<backtrail_domain::BinlogFile, Malformed> {
    let text: Cow<'_, str> = String::from_utf8_lossy(bytes);
    text.trim_end_matches('\0').parse().map_err(|_| Malformed::invalid("file name", format!("`{text}` is none")))
}
