//! The format description: how the other events of a file are to be read.

use crate::bytes::Cursor;
use crate::{EventType, Malformed};

/// The first four bytes of a binary log file.
pub const MAGIC: [u8; 4] = *b"\xfebin";

/// The first four bytes of a file that MySQL encrypted.
pub const ENCRYPTED_MAGIC: [u8; 4] = *b"\xfdbin";

/// Which family of servers wrote a log.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Flavour {
    /// MySQL, Percona Server.
    Mysql,
    /// MariaDB.
    Mariadb,
}

/// What ends each event.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ChecksumAlgorithm {
    /// Nothing.
    None,
    /// zlib's CRC-32 of all before it, four bytes.
    Crc32,
}

impl ChecksumAlgorithm {
    /// Bytes at the end of each event.
    pub fn length(self) -> usize {
        match self {
            Self::None => 0,
            Self::Crc32 => 4,
        }
    }
}

/// A file's first event.
///
/// Source: <https://dev.mysql.com/doc/dev/mysql-server/latest/classmysql_1_1binlog_1_1event_1_1Format__description__event.html>
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FormatDescription {
    /// Always 4; others are refused.
    pub binlog_version: u16,
    /// As the server states it: `8.0.40`, `10.11.6-MariaDB-log`.
    pub server_version: String,
    /// Told by the version.
    pub flavour: Flavour,
    /// Seconds since 1970 when the server started, if this is the first file since then; else 0.
    pub created: u32,
    /// Length of the header of every other event; 19.
    pub header_length: u8,
    /// Length of the fixed part of each event's body, from type 1.
    pub post_header_lengths: Vec<u8>,
    /// How the events of this file end.
    pub checksum: ChecksumAlgorithm,
    /// The server has the file open, or crashed with it open.
    pub in_use: bool,
}

/// What can be wrong with a format description.
pub(crate) enum FormatProblem {
    Version(u16),
    Checksum(u8),
    Malformed(Malformed),
}

impl From<Malformed> for FormatProblem {
    fn from(problem: Malformed) -> Self {
        Self::Malformed(problem)
    }
}

impl FormatDescription {
    /// Parses the event's bytes after its header, checksum included where it has one.
    pub(crate) fn parse(bytes: &[u8], in_use: bool) -> Result<Self, FormatProblem> {
        let mut cursor = Cursor::new(bytes);
        let binlog_version = cursor.u16("binlog version")?;
        if binlog_version != 4 {
            return Err(FormatProblem::Version(binlog_version));
        }
        let version = cursor.take(50, "server version")?;
        let version = version.split(|byte| *byte == 0).next().unwrap_or_default();
        let server_version = String::from_utf8_lossy(version).into_owned();
        let flavour =
            if server_version.to_ascii_lowercase().contains("mariadb") { Flavour::Mariadb } else { Flavour::Mysql };
        let created = cursor.u32("creation time")?;
        let header_length = cursor.u8("header length")?;
        if usize::from(header_length) < crate::HEADER_LENGTH {
            return Err(Malformed::invalid("header length", "less than 19").into());
        }
        let mut post_header_lengths = cursor.rest();
        let mut checksum = ChecksumAlgorithm::None;
        if has_checksum_field(&server_version, flavour) {
            // The algorithm's number, then four bytes that are there even when the algorithm is "none".
            let Some((lengths, tail)) = post_header_lengths.split_last_chunk::<5>() else {
                return Err(Malformed::Short {
                    what: "checksum algorithm",
                    wanted: 5,
                    left: post_header_lengths.len() as u64,
                }
                .into());
            };
            post_header_lengths = lengths;
            checksum = match tail[0] {
                // 255: "undefined", from a replica of a server that knew no checksums.
                0 | 255 => ChecksumAlgorithm::None,
                1 => ChecksumAlgorithm::Crc32,
                other => return Err(FormatProblem::Checksum(other)),
            };
        }
        Ok(Self {
            binlog_version,
            server_version,
            flavour,
            created,
            header_length,
            post_header_lengths: post_header_lengths.to_vec(),
            checksum,
            in_use,
        })
    }

    /// Length of the fixed part of an event's body; 0 for types that the server did not know.
    pub fn post_header_length(&self, event_type: EventType) -> usize {
        usize::from(event_type.0)
            .checked_sub(1)
            .and_then(|index| self.post_header_lengths.get(index))
            .map_or(0, |length| usize::from(*length))
    }
}

/// Since MySQL 5.6.1 and MariaDB 5.3.0. (MariaDB's `5.5.5-` prefix is part of its protocol greeting, not of its logs.)
fn has_checksum_field(server_version: &str, flavour: Flavour) -> bool {
    let mut numbers = server_version.split(|c: char| !c.is_ascii_digit()).map(|text| text.parse::<u32>().unwrap_or(0));
    let mut next = || numbers.next().unwrap_or(0);
    let version = (next(), next(), next());
    version >= if flavour == Flavour::Mariadb { (5, 3, 0) } else { (5, 6, 1) }
}
