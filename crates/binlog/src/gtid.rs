//! The events that name transactions: MySQL's three, MariaDB's one, and the sets that begin a file.

use std::collections::BTreeMap;

use backtrail_domain::{Gtid, GtidSet};
use uuid::Uuid;

use crate::body::{GtidListEvent, XaId};
use crate::bytes::{Cursor, size, text};
use crate::{EventHeader, EventType, Malformed};

/// The first event of a transaction.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GtidEvent {
    /// Its name; `None` when the server assigns none (MySQL's anonymous transactions).
    pub gtid: Option<Gtid>,
    /// MySQL 8.0.1 and later: microseconds since 1970 when the server whose log this is committed the transaction.
    pub immediate_commit_micros: Option<u64>,
    /// Likewise, when the server where it was first executed did.
    pub original_commit_micros: Option<u64>,
    /// MySQL 8.0.2 and later: bytes of the whole transaction in the log, this event included.
    pub transaction_length: Option<u64>,
    /// MySQL's logical clock: `last_committed` and `sequence_number`.
    pub logical_clock: Option<(u64, u64)>,
    /// MySQL: version of the server whose log this is, such as 80040.
    pub server_version: Option<u32>,
    /// MariaDB: one statement that commits by itself follows, without an ending XID or COMMIT.
    pub standalone: bool,
    /// MariaDB: the transaction is DDL.
    pub ddl: bool,
    /// MariaDB: the transaction can be rolled back (only transactional tables are in it).
    pub transactional: bool,
    /// MariaDB: BEGIN is implied by this event; no BEGIN statement follows.
    pub implies_begin: bool,
    /// MariaDB: transactions of equal number committed together.
    pub commit_group: Option<u64>,
    /// MariaDB: the XA transaction that is prepared here.
    pub prepared_xa: Option<XaId>,
    /// MariaDB: the XA transaction that is committed or rolled back here.
    pub completed_xa: Option<XaId>,
    /// MariaDB 10.8 and later with `binlog_alter_two_phase`: an ALTER TABLE is logged when it starts and again when it
    /// ends, with the same statement both times.
    pub alter_phase: Option<AlterPhase>,
}

/// See [`GtidEvent::alter_phase`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AlterPhase {
    /// It starts: nothing has changed yet.
    Start,
    /// It has taken effect.
    Commit {
        /// Sequence of the GTID that it started with.
        started: u64,
    },
    /// It has failed: nothing has changed.
    Rollback {
        /// Sequence of the GTID that it started with.
        started: u64,
    },
}

impl GtidEvent {
    fn of(gtid: Option<Gtid>) -> Self {
        Self {
            gtid,
            immediate_commit_micros: None,
            original_commit_micros: None,
            transaction_length: None,
            logical_clock: None,
            server_version: None,
            standalone: false,
            ddl: false,
            transactional: false,
            implies_begin: false,
            commit_group: None,
            prepared_xa: None,
            completed_xa: None,
            alter_phase: None,
        }
    }

    pub(crate) fn parse(header: &EventHeader, body: &[u8]) -> Result<Self, Malformed> {
        match header.event_type {
            EventType::GTID_TAGGED => tagged(body),
            EventType::MARIADB_GTID => mariadb(header, body),
            event_type => untagged(event_type, body),
        }
    }
}

/// Top bit of the seven bytes of a commit time: the original's follows.
const TWO_TIMES: u64 = 1 << 55;
/// Top bit of a server version: the original's follows.
const TWO_VERSIONS: u32 = 1 << 31;
/// "Unknown".
const NO_VERSION: u32 = 999_999;

fn untagged(event_type: EventType, body: &[u8]) -> Result<GtidEvent, Malformed> {
    let mut cursor = Cursor::new(body);
    cursor.u8("GTID flags")?;
    let source = Uuid::from_bytes(cursor.array("GTID source")?);
    let sequence = cursor.u64("GTID sequence")?;
    let mut event = GtidEvent::of(match event_type {
        EventType::ANONYMOUS_GTID => None,
        _ => Some(mysql(source, String::new(), sequence)?),
    });
    // MySQL 5.6 ends here; before 5.7.5 other fields of no use follow, under another type code.
    if cursor.is_empty() || cursor.u8("logical clock type")? != 2 {
        return Ok(event);
    }
    event.logical_clock = Some((cursor.u64("last committed")?, cursor.u64("sequence number")?));
    if cursor.len() < 7 {
        return Ok(event);
    }
    let immediate = cursor.uint(7, "immediate commit time")?;
    event.immediate_commit_micros = Some(immediate & !TWO_TIMES);
    event.original_commit_micros =
        Some(if immediate & TWO_TIMES == 0 { immediate } else { cursor.uint(7, "original commit time")? });
    if !cursor.is_empty() {
        event.transaction_length = Some(cursor.packed("transaction length")?);
    }
    if cursor.len() >= 4 {
        event.server_version = version(cursor.u32("server version")? & !TWO_VERSIONS);
    }
    Ok(event)
}

fn version(number: u32) -> Option<u32> {
    (number != NO_VERSION).then_some(number)
}

fn mysql(source: Uuid, tag: String, sequence: u64) -> Result<Gtid, Malformed> {
    // The server's bound; it also keeps interval ends from overflowing.
    if !(1..i64::MAX.cast_unsigned()).contains(&sequence) {
        return Err(Malformed::invalid("GTID sequence", format!("{sequence} is out of range")));
    }
    Ok(Gtid::Mysql { source, tag, sequence })
}

/// Fields by number, in MySQL's serialization format.
///
/// Source: <https://dev.mysql.com/doc/dev/mysql-server/latest/PageLibsMysqlSerialization.html>
fn tagged(body: &[u8]) -> Result<GtidEvent, Malformed> {
    let mut cursor = Cursor::new(body);
    cursor.varint("serialization version")?;
    let length = size(cursor.varint("message size")?);
    // The size counts from the version's byte, which we are past, as is the size's own field.
    let used = body.len() - cursor.len();
    let mut cursor = Cursor::new(cursor.take(
        length.checked_sub(used).ok_or_else(|| Malformed::invalid("message size", "smaller than its own field"))?,
        "tagged GTID",
    )?);
    let last_needed = cursor.varint("last non-ignorable field")?;
    let (mut source, mut tag, mut sequence) = (Uuid::nil(), String::new(), 0);
    let mut event = GtidEvent::of(None);
    let (mut last_committed, mut sequence_number) = (None, None);
    while !cursor.is_empty() {
        match cursor.varint("field number")? {
            0 => drop(cursor.varint("GTID flags")?),
            1 => {
                // An array of bytes, each of them a variable-length integer.
                let mut bytes = [0; 16];
                for byte in &mut bytes {
                    *byte = u8::try_from(cursor.varint("GTID source")?)
                        .map_err(|_| Malformed::invalid("GTID source", "a byte above 255"))?;
                }
                source = Uuid::from_bytes(bytes);
            }
            2 => sequence = zigzag(cursor.varint("GTID sequence")?)?,
            3 => tag = read_tag(&mut cursor)?,
            4 => last_committed = Some(zigzag(cursor.varint("last committed")?)?),
            5 => sequence_number = Some(zigzag(cursor.varint("sequence number")?)?),
            6 => event.immediate_commit_micros = Some(cursor.varint("immediate commit time")?),
            7 => event.original_commit_micros = Some(cursor.varint("original commit time")?),
            8 => event.transaction_length = Some(cursor.varint("transaction length")?),
            9 => event.server_version = u32::try_from(cursor.varint("server version")?).ok().and_then(version),
            10 => drop(cursor.varint("original server version")?),
            11 => drop(cursor.varint("commit group ticket")?),
            // Fields have no lengths of their own: behind an unknown one nothing can be found.
            unknown if unknown <= last_needed => {
                return Err(Malformed::unsupported(format!("field {unknown} of a tagged GTID")));
            }
            _ => break,
        }
    }
    event.gtid = Some(mysql(source, tag, sequence)?);
    event.original_commit_micros = event.original_commit_micros.or(event.immediate_commit_micros);
    event.logical_clock = last_committed.zip(sequence_number);
    Ok(event)
}

/// A signed integer that may not be negative here.
fn zigzag(value: u64) -> Result<u64, Malformed> {
    if value & 1 == 0 { Ok(value >> 1) } else { Err(Malformed::invalid("number", "negative")) }
}

fn read_tag(cursor: &mut Cursor<'_>) -> Result<String, Malformed> {
    let length = cursor.varint("GTID tag length")?;
    let tag = text(cursor.take(size(length), "GTID tag")?, "GTID tag")?;
    let valid = tag.len() <= 32 && tag.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
    if valid { Ok(tag.to_ascii_lowercase()) } else { Err(Malformed::invalid("GTID tag", "not a tag")) }
}

/// Flags of MariaDB's event. Source: <https://mariadb.com/kb/en/gtid_event/>
mod mariadb_flags {
    pub(super) const STANDALONE: u8 = 1;
    pub(super) const GROUP_COMMIT: u8 = 2;
    pub(super) const TRANSACTIONAL: u8 = 4;
    pub(super) const DDL: u8 = 32;
    pub(super) const PREPARED_XA: u8 = 64;
    pub(super) const COMPLETED_XA: u8 = 128;
    /// In a second byte of flags, as the rest.
    pub(super) const MULTI_ENGINE: u8 = 1;
    pub(super) const START_ALTER: u8 = 2;
    pub(super) const COMMIT_ALTER: u8 = 4;
    pub(super) const ROLLBACK_ALTER: u8 = 8;
}

fn mariadb(header: &EventHeader, body: &[u8]) -> Result<GtidEvent, Malformed> {
    let mut cursor = Cursor::new(body);
    let sequence = cursor.u64("GTID sequence")?;
    let domain = cursor.u32("GTID domain")?;
    let flags = cursor.u8("GTID flags")?;
    let mut event = GtidEvent::of(Some(Gtid::Mariadb { domain, server: header.server_id, sequence }));
    event.standalone = flags & mariadb_flags::STANDALONE != 0;
    event.implies_begin = !event.standalone;
    event.transactional = flags & mariadb_flags::TRANSACTIONAL != 0;
    event.ddl = flags & mariadb_flags::DDL != 0;
    if flags & mariadb_flags::GROUP_COMMIT != 0 {
        event.commit_group = Some(cursor.u64("commit group")?);
    }
    if flags & (mariadb_flags::PREPARED_XA | mariadb_flags::COMPLETED_XA) != 0 {
        let format = cursor.u32("XA format id")?.cast_signed();
        let (global, branch) = (cursor.u8("XA global length")?, cursor.u8("XA branch length")?);
        let xid = XaId {
            format,
            global: cursor.take(usize::from(global), "XA global id")?.to_vec(),
            branch: cursor.take(usize::from(branch), "XA branch qualifier")?.to_vec(),
        };
        if flags & mariadb_flags::PREPARED_XA != 0 {
            event.prepared_xa = Some(xid);
        } else {
            event.completed_xa = Some(xid);
        }
    }
    // Before 10.8 zeros fill the event up.
    let more = if cursor.is_empty() { 0 } else { cursor.u8("more GTID flags")? };
    if more & mariadb_flags::MULTI_ENGINE != 0 {
        cursor.u8("count of engines")?;
    }
    if more & mariadb_flags::START_ALTER != 0 {
        event.alter_phase = Some(AlterPhase::Start);
    } else if more & mariadb_flags::COMMIT_ALTER != 0 {
        event.alter_phase = Some(AlterPhase::Commit { started: cursor.u64("start of the ALTER")? });
    } else if more & mariadb_flags::ROLLBACK_ALTER != 0 {
        event.alter_phase = Some(AlterPhase::Rollback { started: cursor.u64("start of the ALTER")? });
    }
    Ok(event)
}

/// MySQL's PREVIOUS_GTIDS: both its forms. The newer one has a tag behind each UUID and says so in its first eight bytes,
/// which in the old form are a count below 2^56.
pub(crate) fn previous_gtids(body: &[u8]) -> Result<GtidSet, Malformed> {
    let mut cursor = Cursor::new(body);
    let head = cursor.u64("count of sources")?;
    let tagged = match head >> 56 {
        0 => false,
        1 => true,
        other => return Err(Malformed::unsupported(format!("format {other} of PREVIOUS_GTIDS"))),
    };
    let count = if tagged { head << 8 >> 16 } else { head };
    let mut set = GtidSet::Mysql(BTreeMap::new());
    for _ in 0..count {
        let source = Uuid::from_bytes(cursor.array("GTID source")?);
        let tag = if tagged { read_tag(&mut cursor)? } else { String::new() };
        let intervals = size(cursor.u64("count of intervals")?);
        let bytes = cursor.take(intervals.saturating_mul(16), "GTID intervals")?;
        let mut list = Vec::with_capacity(intervals);
        let mut previous_end = 0;
        for interval in bytes.as_chunks::<16>().0 {
            let mut interval = Cursor::new(interval);
            // The second number is the first that is not in the interval.
            let (from, end) = (interval.u64("interval")?, interval.u64("interval")?);
            if from <= previous_end || end <= from || end > i64::MAX.cast_unsigned() {
                return Err(Malformed::invalid("GTID interval", format!("{from}-{end} is out of order")));
            }
            list.push((from, end - 1));
            previous_end = end;
        }
        if !list.is_empty() {
            set.union(&GtidSet::Mysql(BTreeMap::from([((source, tag), list)])));
        }
    }
    if !cursor.is_empty() {
        return Err(Malformed::invalid("PREVIOUS_GTIDS", "bytes behind its end"));
    }
    Ok(set)
}

/// MariaDB's GTID_LIST.
pub(crate) fn gtid_list(body: &[u8]) -> Result<GtidListEvent, Malformed> {
    let mut cursor = Cursor::new(body);
    let head = cursor.u32("count of GTIDs")?;
    let (count, flags) = (head & 0x0fff_ffff, (head >> 28) as u8);
    let bytes = cursor.take((count as usize).saturating_mul(16), "list of GTIDs")?;
    let mut position = GtidSet::Mariadb(BTreeMap::new());
    let mut all = Vec::with_capacity(bytes.len() / 16);
    for entry in bytes.as_chunks::<16>().0 {
        let mut entry = Cursor::new(entry);
        let gtid = Gtid::Mariadb {
            domain: entry.u32("GTID domain")?,
            server: entry.u32("GTID server")?,
            sequence: entry.u64("GTID sequence")?,
        };
        position.insert(&gtid);
        all.push(gtid);
    }
    Ok(GtidListEvent { position, all, flags })
}
