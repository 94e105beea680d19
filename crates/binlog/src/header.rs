//! What every event begins with.

use std::fmt;

use crate::Malformed;
use crate::bytes::Cursor;

/// Length of the header that every version 4 event has, at least.
pub const HEADER_LENGTH: usize = 19;

/// The server's limit for one event: 1 GiB.
pub const MAX_EVENT_SIZE: u32 = 1 << 30;

/// An event's type, as the byte in its header. Types of the future are kept as they are.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct EventType(pub u8);

macro_rules! event_types {
    ($($name:ident = $code:literal $text:literal),+ $(,)?) => {
        #[expect(missing_docs, reason = "the names are the servers' own")]
        impl EventType {
            $(pub const $name: Self = Self($code);)+
        }
        impl fmt::Display for EventType {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                match *self {
                    $(Self::$name => f.write_str($text),)+
                    Self(code) => write!(f, "event of unknown type {code}"),
                }
            }
        }
    };
}

event_types! {
    START_V3 = 1 "START_EVENT_V3",
    QUERY = 2 "QUERY_EVENT",
    STOP = 3 "STOP_EVENT",
    ROTATE = 4 "ROTATE_EVENT",
    INTVAR = 5 "INTVAR_EVENT",
    LOAD = 6 "LOAD_EVENT",
    SLAVE = 7 "SLAVE_EVENT",
    CREATE_FILE = 8 "CREATE_FILE_EVENT",
    APPEND_BLOCK = 9 "APPEND_BLOCK_EVENT",
    EXEC_LOAD = 10 "EXEC_LOAD_EVENT",
    DELETE_FILE = 11 "DELETE_FILE_EVENT",
    NEW_LOAD = 12 "NEW_LOAD_EVENT",
    RAND = 13 "RAND_EVENT",
    USER_VAR = 14 "USER_VAR_EVENT",
    FORMAT_DESCRIPTION = 15 "FORMAT_DESCRIPTION_EVENT",
    XID = 16 "XID_EVENT",
    BEGIN_LOAD_QUERY = 17 "BEGIN_LOAD_QUERY_EVENT",
    EXECUTE_LOAD_QUERY = 18 "EXECUTE_LOAD_QUERY_EVENT",
    TABLE_MAP = 19 "TABLE_MAP_EVENT",
    PRE_GA_WRITE_ROWS = 20 "PRE_GA_WRITE_ROWS_EVENT",
    PRE_GA_UPDATE_ROWS = 21 "PRE_GA_UPDATE_ROWS_EVENT",
    PRE_GA_DELETE_ROWS = 22 "PRE_GA_DELETE_ROWS_EVENT",
    WRITE_ROWS_V1 = 23 "WRITE_ROWS_EVENT_V1",
    UPDATE_ROWS_V1 = 24 "UPDATE_ROWS_EVENT_V1",
    DELETE_ROWS_V1 = 25 "DELETE_ROWS_EVENT_V1",
    INCIDENT = 26 "INCIDENT_EVENT",
    HEARTBEAT = 27 "HEARTBEAT_LOG_EVENT",
    IGNORABLE = 28 "IGNORABLE_LOG_EVENT",
    ROWS_QUERY = 29 "ROWS_QUERY_LOG_EVENT",
    WRITE_ROWS = 30 "WRITE_ROWS_EVENT",
    UPDATE_ROWS = 31 "UPDATE_ROWS_EVENT",
    DELETE_ROWS = 32 "DELETE_ROWS_EVENT",
    GTID = 33 "GTID_LOG_EVENT",
    ANONYMOUS_GTID = 34 "ANONYMOUS_GTID_LOG_EVENT",
    PREVIOUS_GTIDS = 35 "PREVIOUS_GTIDS_LOG_EVENT",
    TRANSACTION_CONTEXT = 36 "TRANSACTION_CONTEXT_EVENT",
    VIEW_CHANGE = 37 "VIEW_CHANGE_EVENT",
    XA_PREPARE = 38 "XA_PREPARE_LOG_EVENT",
    PARTIAL_UPDATE_ROWS = 39 "PARTIAL_UPDATE_ROWS_EVENT",
    TRANSACTION_PAYLOAD = 40 "TRANSACTION_PAYLOAD_EVENT",
    HEARTBEAT_V2 = 41 "HEARTBEAT_LOG_EVENT_V2",
    GTID_TAGGED = 42 "GTID_TAGGED_LOG_EVENT",
    ANNOTATE_ROWS = 160 "ANNOTATE_ROWS_EVENT",
    BINLOG_CHECKPOINT = 161 "BINLOG_CHECKPOINT_EVENT",
    MARIADB_GTID = 162 "GTID_EVENT",
    GTID_LIST = 163 "GTID_LIST_EVENT",
    START_ENCRYPTION = 164 "START_ENCRYPTION_EVENT",
    QUERY_COMPRESSED = 165 "QUERY_COMPRESSED_EVENT",
    WRITE_ROWS_COMPRESSED_V1 = 166 "WRITE_ROWS_COMPRESSED_EVENT_V1",
    UPDATE_ROWS_COMPRESSED_V1 = 167 "UPDATE_ROWS_COMPRESSED_EVENT_V1",
    DELETE_ROWS_COMPRESSED_V1 = 168 "DELETE_ROWS_COMPRESSED_EVENT_V1",
    WRITE_ROWS_COMPRESSED = 169 "WRITE_ROWS_COMPRESSED_EVENT",
    UPDATE_ROWS_COMPRESSED = 170 "UPDATE_ROWS_COMPRESSED_EVENT",
    DELETE_ROWS_COMPRESSED = 171 "DELETE_ROWS_COMPRESSED_EVENT",
}

impl EventType {
    /// Whether the event carries row images.
    pub fn is_rows(self) -> bool {
        matches!(
            self,
            Self::WRITE_ROWS_V1
                | Self::UPDATE_ROWS_V1
                | Self::DELETE_ROWS_V1
                | Self::WRITE_ROWS
                | Self::UPDATE_ROWS
                | Self::DELETE_ROWS
                | Self::PARTIAL_UPDATE_ROWS
                | Self::WRITE_ROWS_COMPRESSED_V1
                | Self::UPDATE_ROWS_COMPRESSED_V1
                | Self::DELETE_ROWS_COMPRESSED_V1
                | Self::WRITE_ROWS_COMPRESSED
                | Self::UPDATE_ROWS_COMPRESSED
                | Self::DELETE_ROWS_COMPRESSED
        )
    }

    /// Whether the event begins a transaction by naming it: MySQL's three GTID events and MariaDB's.
    pub fn is_gtid(self) -> bool {
        matches!(self, Self::GTID | Self::ANONYMOUS_GTID | Self::GTID_TAGGED | Self::MARIADB_GTID)
    }

    /// Whether the event exists only on the wire, as a sign of life, and never in a file.
    pub fn is_heartbeat(self) -> bool {
        matches!(self, Self::HEARTBEAT | Self::HEARTBEAT_V2)
    }
}

impl fmt::Debug for EventType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// The fields of every event's header.
///
/// Source: <https://dev.mysql.com/doc/dev/mysql-server/latest/page_protocol_replication_binlog_event.html>
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct EventHeader {
    /// Seconds since 1970: when the statement began (for XID and COMMIT: when the commit began).
    pub timestamp: u32,
    /// The event's type.
    pub event_type: EventType,
    /// `server_id` of the server that made the event.
    pub server_id: u32,
    /// Header, body and checksum together.
    pub event_size: u32,
    /// Offset of the next event in the server's file. No more than a hint: it is 0 in artificial events and within
    /// transaction payloads, wraps at 4 GiB, and in MariaDB may be 0 elsewhere too.
    pub next_position: u32,
    /// The `FLAG_…` bits.
    pub flags: u16,
}

impl EventHeader {
    /// In a format description: the server has the file open, or crashed with it open.
    pub const FLAG_IN_USE: u16 = 0x1;
    /// The statement uses things of its session, such as temporary tables.
    pub const FLAG_THREAD_SPECIFIC: u16 = 0x4;
    /// The statement does not depend on the current schema.
    pub const FLAG_SUPPRESS_USE: u16 = 0x8;
    /// Made up by the sending server; not in its file.
    pub const FLAG_ARTIFICIAL: u16 = 0x20;
    /// Made by a replica's receiver thread.
    pub const FLAG_RELAY_LOG: u16 = 0x40;
    /// Who does not know the type may skip the event.
    pub const FLAG_IGNORABLE: u16 = 0x80;

    /// Reads the header at the front of an event.
    ///
    /// # Errors
    /// Fewer than [`HEADER_LENGTH`] bytes.
    pub fn parse(raw: &[u8]) -> Result<Self, Malformed> {
        let mut cursor = Cursor::new(raw);
        let bytes: [u8; HEADER_LENGTH] = cursor.array("an event header")?;
        let mut cursor = Cursor::new(&bytes);
        Ok(Self {
            timestamp: cursor.u32("timestamp")?,
            event_type: EventType(cursor.u8("event type")?),
            server_id: cursor.u32("server id")?,
            event_size: cursor.u32("event size")?,
            next_position: cursor.u32("next position")?,
            flags: cursor.u16("flags")?,
        })
    }

    /// Whether the event is made up by the sending server and not part of its file.
    pub fn is_artificial(&self) -> bool {
        self.flags & Self::FLAG_ARTIFICIAL != 0
    }
}
