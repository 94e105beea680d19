//! The replica's side of replication: the binary log as the server's own bytes.
//!
//! Sources: <https://dev.mysql.com/doc/dev/mysql-server/latest/page_protocol_com_binlog_dump.html>,
//! <https://mariadb.com/kb/en/com_binlog_dump/>, <https://mariadb.com/kb/en/replica-capabilities/>

use std::time::Duration;

use backtrail_domain::{BinlogFile, BinlogPosition};
use bytes::Bytes;
use uuid::Uuid;

use crate::connection::within;
use crate::packet::is_end;
use crate::{Connection, SourceEndpoint, SourceError};

const REGISTER_REPLICA: u8 = 0x15;
const BINLOG_DUMP: u8 = 0x12;
/// End the stream at the end of the log instead of waiting.
const NON_BLOCKING: u16 = 1;
/// MariaDB: leave no ANNOTATE_ROWS events out.
const SEND_ANNOTATIONS: u16 = 2;

const HEADER: usize = 19;
/// The first event of a file stands after the magic.
const FIRST: u64 = 4;
/// The largest event: a server's `max_allowed_packet` is at most 1 GiB; its header and a packet's status byte come on top.
const EVENT_LIMIT: usize = (1 << 30) + 4096;

const ROTATE: u8 = 4;
const FORMAT_DESCRIPTION: u8 = 15;
const HEARTBEAT: u8 = 27;
const PREVIOUS_GTIDS: u8 = 35;
const GTID_LIST: u8 = 163;
const HEARTBEAT_V2: u8 = 41;
const START_ENCRYPTION: u8 = 164;
/// Header flag: made up by the server for the stream, not in any file.
const ARTIFICIAL: u16 = 0x20;
/// Header flag: who does not know the event may pass over it.
const IGNORABLE: u16 = 0x80;

/// How to read.
#[derive(Debug, Clone)]
pub struct StreamOptions {
    /// Our id among the server's replicas. Two readers with one id throw each other off.
    pub replica_id: u32,
    /// Likewise by UUID: with the same one again, the server ends what is left of our last connection.
    pub replica_uuid: Uuid,
    /// How often an idle server gives a sign of life.
    pub heartbeat: Duration,
    /// How long nothing at all may come before the connection counts as dead; several heartbeats.
    pub read_deadline: Duration,
    /// End at the end of the log instead of waiting for more.
    pub until_end: bool,
}

impl StreamOptions {
    /// For a follower: heartbeats every five seconds, dead after thirty.
    pub fn new(replica_id: u32, replica_uuid: Uuid) -> Self {
        Self {
            replica_id,
            replica_uuid,
            heartbeat: Duration::from_secs(5),
            read_deadline: Duration::from_secs(30),
            until_end: false,
        }
    }

    /// The host name that a replica of this UUID gives. MariaDB tells nothing else of a replica by which two can be told
    /// apart.
    pub fn host_of(replica_uuid: Uuid) -> String {
        format!("backtrail-{}", replica_uuid.simple())
    }
}

/// What the stream brings.
#[derive(Debug, Clone)]
pub enum RawEvent {
    /// An event of the file that is being read.
    Event {
        /// Offset of its first byte in the server's file.
        offset: u64,
        /// The event: header, body and checksum, as the server sent it.
        bytes: Bytes,
    },
    /// The stream goes on with this file (said at its start, too).
    File {
        /// Its name.
        file: BinlogFile,
    },
    /// The format description of a file, sent because reading begins inside it. Not the file's own bytes: the server
    /// clears the time in it.
    Format {
        /// The event.
        bytes: Bytes,
    },
    /// Nothing new.
    Heartbeat,
}

/// What the first event of a file says. Two files of one name are told apart by it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FileFormat {
    /// The format description event at offset 4, as the server sends it.
    pub bytes: Bytes,
    /// Seconds since 1970 at which the file was begun.
    pub created: u32,
    /// The event behind it that lists what had committed before the file (MySQL's PREVIOUS_GTIDS, MariaDB's GTID_LIST),
    /// where there is one.
    pub gtids: Option<Bytes>,
}

/// A server's binary log from some place on.
pub struct BinlogStream {
    connection: Connection,
    options: StreamOptions,
    file: Option<BinlogFile>,
    /// Of the next event.
    offset: u64,
    /// Events before this place are known already and left out.
    from: BinlogPosition,
}

impl BinlogStream {
    /// Asks a server for its binary log from a place on, which must be the beginning of an event.
    ///
    /// # Errors
    /// The login fails, or the account may not replicate. That the place is not there shows at the first event.
    pub async fn open(
        endpoint: &SourceEndpoint,
        from: BinlogPosition,
        options: StreamOptions,
    ) -> Result<Self, SourceError> {
        let mut connection = endpoint.connect().await?;
        // Checksums as they are in the file, the extensions of MariaDB (its GTIDs, its compressed events), heartbeats, and
        // time to take a breath on a slow upload. The server reads these when the dump begins.
        let nanoseconds = options.heartbeat.as_nanos();
        for statement in [
            "SET @master_binlog_checksum = 'CRC32', @source_binlog_checksum = 'CRC32'".to_owned(),
            "SET @mariadb_slave_capability = 4".to_owned(),
            format!("SET @master_heartbeat_period = {nanoseconds}, @source_heartbeat_period = {nanoseconds}"),
            format!("SET @slave_uuid = '{0}', @replica_uuid = '{0}'", options.replica_uuid),
            "SET SESSION net_write_timeout = 600".to_owned(),
        ] {
            connection.execute(&statement).await?;
        }
        let deadline = endpoint.query_deadline;
        within(deadline, endpoint, "the registration as a replica", async {
            connection.unfinished = true;
            connection.packets.restart();
            connection.write(&registration(&options)).await?;
            let answer = connection.read(EVENT_LIMIT).await?;
            if answer.first() != Some(&0) {
                return Err(connection.refusal(&answer, "the registration as a replica"));
            }
            Ok(())
        })
        .await?;

        // The command has 32 bits for the position. A later one is reached by reading the file from its beginning.
        let asked = u32::try_from(from.offset).unwrap_or(FIRST as u32);
        let annotations = if connection.greeting_version().contains("MariaDB") { SEND_ANNOTATIONS } else { 0 };
        let flags = annotations | if options.until_end { NON_BLOCKING } else { 0 };
        let mut command = vec![BINLOG_DUMP];
        command.extend_from_slice(&asked.to_le_bytes());
        command.extend_from_slice(&flags.to_le_bytes());
        command.extend_from_slice(&options.replica_id.to_le_bytes());
        command.extend_from_slice(from.file.to_string().as_bytes());
        connection.packets.restart();
        connection.write(&command).await?;
        Ok(Self { connection, options, file: None, offset: u64::from(asked), from })
    }

    /// The next event; `None` at the end of the log, when that was asked for. Cancelling loses nothing.
    ///
    /// # Errors
    /// The connection breaks or is silent for too long, the server refuses
    /// ([`is_binlog_not_there`](SourceError::is_binlog_not_there)), or what comes is not the log without a hole.
    pub async fn next(&mut self) -> Result<Option<RawEvent>, SourceError> {
        loop {
            let deadline = self.options.read_deadline;
            let packet = match tokio::time::timeout(deadline, self.connection.read(EVENT_LIMIT)).await {
                Ok(packet) => packet?,
                Err(_) => {
                    let (server, doing) = (self.connection.endpoint().name(), "the binary log".to_owned());
                    return Err(SourceError::Deadline { server, doing, after: deadline });
                }
            };
            match packet.first() {
                Some(0) => {}
                Some(0xff) => return Err(self.connection.refusal(&packet, &format!("binary log from {}", self.from))),
                Some(0xfe) if is_end(&packet) => return Ok(None),
                _ => return Err(self.connection.protocol("something else than an event of the binary log")),
            }
            if let Some(event) = self.place(packet.slice(1..))? {
                return Ok(Some(event));
            }
        }
    }

    /// Finds out where an event stands; `None` for one that is known already.
    fn place(&mut self, bytes: Bytes) -> Result<Option<RawEvent>, SourceError> {
        let header = Header::parse(&bytes).ok_or_else(|| self.connection.protocol("an event without a header"))?;
        if header.size as usize != bytes.len() {
            let problem = format!("an event of {} bytes that says it has {}", bytes.len(), header.size);
            return Err(self.connection.protocol(problem));
        }
        match header.kind {
            HEARTBEAT | HEARTBEAT_V2 => return Ok(Some(RawEvent::Heartbeat)),
            ROTATE if header.flags & ARTIFICIAL != 0 || header.timestamp == 0 => {
                let (position, file) = rotate_target(&bytes)
                    .ok_or_else(|| self.connection.protocol("a rotation to a file that has no name of one"))?;
                let goes_on = self.file.as_ref() == Some(&file) && position == self.offset;
                if goes_on {
                    return Ok(None);
                }
                self.offset = position;
                self.file = Some(file.clone());
                return Ok(Some(RawEvent::File { file }));
            }
            FORMAT_DESCRIPTION if header.next_position == 0 || self.offset != FIRST => {
                return Ok(Some(RawEvent::Format { bytes }));
            }
            // MariaDB decrypts what it sends, and marks this event as one to pass over.
            START_ENCRYPTION if header.flags & IGNORABLE == 0 => {
                let reason =
                    "it sends its binary log encrypted (encrypt_binlog), which no server of today does".to_owned();
                return Err(SourceError::Unsuitable { server: self.connection.endpoint().name(), reason });
            }
            // Sent once more where the stream begins in the middle of a file.
            START_ENCRYPTION if header.next_position == 0 => return Ok(None),
            _ if header.flags & ARTIFICIAL != 0 => return Ok(None),
            _ => {}
        }
        let Some(file) = &self.file else {
            return Err(self.connection.protocol("an event before its file's name"));
        };
        let offset = self.offset;
        let end = offset + u64::from(header.size);
        // The event says where it ends, in 32 bits; some events of MariaDB say 0.
        if header.next_position != 0 && header.next_position != end as u32 {
            let problem = format!(
                "an event that ends at {} (modulo 2^32) where {file}:{offset} was due, {} bytes long",
                header.next_position, header.size
            );
            return Err(self.connection.protocol(problem));
        }
        self.offset = end;
        if *file == self.from.file && offset < self.from.offset {
            if end > self.from.offset {
                let problem = format!("{} is inside of an event", self.from);
                return Err(self.connection.protocol(problem));
            }
            return Ok(None);
        }
        Ok(Some(RawEvent::Event { offset, bytes }))
    }

    /// Ends the stream on the server's side, through another connection of the same account. A server notices only
    /// when it next sends something that the reader is gone, and until then it keeps the file being read from being purged.
    pub async fn end(self, control: &mut Connection) {
        let id = self.connection.connection_id();
        drop(self);
        // It may be gone already.
        if let Err(error) = control.execute(&format!("KILL {id}")).await {
            tracing::debug!(error = %error, "the stream's connection was not ended");
        }
    }

    /// Where the next event is due.
    pub fn position(&self) -> Option<BinlogPosition> {
        self.file.clone().map(|file| BinlogPosition { file, offset: self.offset })
    }

    /// The first event of a file.
    ///
    /// # Errors
    /// As [`open`](Self::open) and [`next`](Self::next).
    pub async fn format_of(
        endpoint: &SourceEndpoint,
        file: &BinlogFile,
        options: &StreamOptions,
    ) -> Result<FileFormat, SourceError> {
        let from = BinlogPosition { file: file.clone(), offset: FIRST };
        let options = StreamOptions { until_end: true, ..options.clone() };
        let mut stream = Self::open(endpoint, from, options).await?;
        let mut format = None;
        while let Some(event) = stream.next().await? {
            let RawEvent::Event { bytes, .. } = event else { continue };
            let kind = bytes.get(4).copied();
            match format.take() {
                None => {
                    let created = bytes.get(..4).and_then(|bytes| bytes.try_into().ok()).map(u32::from_le_bytes);
                    match (kind, created) {
                        (Some(FORMAT_DESCRIPTION), Some(created)) => {
                            format = Some(FileFormat { bytes, created, gtids: None });
                        }
                        _ => {
                            let problem = "a file that does not begin with its format description";
                            return Err(stream.connection.protocol(problem));
                        }
                    }
                }
                Some(format) => {
                    let lists = matches!(kind, Some(PREVIOUS_GTIDS | GTID_LIST));
                    return Ok(FileFormat { gtids: lists.then_some(bytes), ..format });
                }
            }
        }
        if let Some(format) = format {
            return Ok(format);
        }
        Err(stream.connection.protocol(format!("nothing of {file}")))
    }
}

impl std::fmt::Debug for BinlogStream {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("BinlogStream").field("file", &self.file).field("offset", &self.offset).finish_non_exhaustive()
    }
}

/// What every event begins with.
struct Header {
    timestamp: u32,
    kind: u8,
    size: u32,
    next_position: u32,
    flags: u16,
}

impl Header {
    fn parse(event: &[u8]) -> Option<Self> {
        let mut fields = crate::packet::Fields(event.get(..HEADER)?);
        let mut number = |size| fields.int(size).and_then(|number| u32::try_from(number).ok());
        let timestamp = number(4)?;
        let kind = u8::try_from(number(1)?).ok()?;
        number(4)?;
        let (size, next_position) = (number(4)?, number(4)?);
        let flags = u16::try_from(number(2)?).ok()?;
        Some(Self { timestamp, kind, size, next_position, flags })
    }
}

/// Where a ROTATE leads. A checksum may or may not follow the name: a name ends in digits, and one with four bytes too
/// many is told by the checksum being right.
fn rotate_target(event: &[u8]) -> Option<(u64, BinlogFile)> {
    let mut fields = crate::packet::Fields(event.get(HEADER..)?);
    let position = fields.int(8)?;
    let name = fields.0;
    let parse = |name: &[u8]| std::str::from_utf8(name).ok()?.trim_end_matches('\0').parse::<BinlogFile>().ok();
    let summed =
        event.split_last_chunk::<4>().is_some_and(|(covered, sum)| checksum(covered) == u32::from_le_bytes(*sum));
    let file = if summed { parse(name.get(..name.len().checked_sub(4)?)?)? } else { parse(name)? };
    Some((position, file))
}

/// CRC-32 as the servers use it. Made for the rare ROTATE: no table.
fn checksum(bytes: &[u8]) -> u32 {
    !bytes.iter().fold(!0_u32, |sum, byte| {
        (0..8).fold(sum ^ u32::from(*byte), |sum, _| if sum & 1 == 1 { sum >> 1 ^ 0xedb8_8320 } else { sum >> 1 })
    })
}

fn registration(options: &StreamOptions) -> Vec<u8> {
    let mut command = vec![REGISTER_REPLICA];
    command.extend_from_slice(&options.replica_id.to_le_bytes());
    let host = StreamOptions::host_of(options.replica_uuid);
    command.push(host.len() as u8);
    command.extend_from_slice(host.as_bytes());
    // User, password and port, for other tools to connect back with: none.
    command.extend_from_slice(&[0, 0, 0, 0]);
    command.extend_from_slice(&[0; 8]);
    command
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rotate(name: &[u8], summed: bool) -> Vec<u8> {
        let mut event = vec![0; HEADER];
        event.extend_from_slice(&4_u64.to_le_bytes());
        event.extend_from_slice(name);
        if summed {
            let sum = checksum(&event);
            event.extend_from_slice(&sum.to_le_bytes());
        }
        event
    }

    #[test]
    fn rotations_with_and_without_checksum() {
        assert_eq!(checksum(b"123456789"), 0xcbf4_3926);
        for summed in [false, true] {
            let (position, file) = rotate_target(&rotate(b"binlog.000012", summed)).unwrap();
            assert_eq!((position, file.to_string().as_str()), (4, "binlog.000012"));
        }
        assert!(rotate_target(&rotate(b"", true)).is_none());
        assert!(rotate_target(&[0; 20]).is_none());
    }

    #[test]
    fn a_replica_is_known_by_its_host_name() {
        let host = StreamOptions::host_of(Uuid::max());
        assert_eq!(host, format!("backtrail-{}", "f".repeat(32)));
        // What both kinds of server take at most.
        assert!(host.len() <= 60);
    }
}
