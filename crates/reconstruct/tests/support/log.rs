//! Binary logs made by hand, event by event, of tables of two INT columns: a number and a value.

use backtrail_binlog::{EventType, MAGIC};
use backtrail_reconstruct::LogPiece;

use crate::memory::{Memory, Pieces};

/// When the first events happen.
const TIME: u32 = 1_700_000_000;

/// A baseline of tables `d.TABLE`, of `(number INT PRIMARY KEY, value INT)` with the rows (1, 1) to (5, 5).
pub(crate) fn baseline(position: &str, tables: &[(&str, &str)]) -> Memory {
    let (file, offset) = position.split_once(':').unwrap();
    let memory = Memory::default();
    let metadata = format!(
        "Started dump at: 2023-11-14 22:13:20\nSHOW MASTER STATUS:\n\tLog: {file}\n\tPos: {offset}\n\tGTID:\n\n\
         Finished dump at: 2023-11-14 22:13:20\n"
    );
    memory.put("metadata", metadata.into_bytes());
    memory.put("d-schema-create.sql", b"CREATE DATABASE `d`;\n".to_vec());
    for (table, engine) in tables {
        let definition = format!(
            "/*!40101 SET NAMES binary*/;\nCREATE TABLE `{table}` (\n  `number` int NOT NULL,\n  `value` int DEFAULT \
             NULL,\n  PRIMARY KEY (`number`)\n) ENGINE={engine};\n"
        );
        memory.put(&format!("d.{table}-schema.sql"), definition.into_bytes());
        let rows = format!(
            "/*!40101 SET NAMES binary*/;\n/*!40103 SET TIME_ZONE='+00:00' */;\nINSERT INTO `{table}` VALUES\n\
             (1,1),\n(2,2),\n(3,3),\n(4,4),\n(5,5);\n"
        );
        memory.put(&format!("d.{table}.sql"), rows.into_bytes());
    }
    memory
}

/// A piece of one file, being written.
pub(crate) struct Log {
    file: String,
    version: &'static str,
    checksums: bool,
    /// Where its events begin in the file.
    start: u64,
    /// Where the next event stands.
    at: u64,
    format: Vec<u8>,
    events: Vec<u8>,
    /// What events say about where they end.
    tells_ends: bool,
    /// The time of events, in seconds since 1970.
    time: u32,
}

fn put(out: &mut Vec<u8>, time: u32, event_type: EventType, next: u32, body: &[u8], checksums: bool) {
    let start = out.len();
    out.extend_from_slice(&time.to_le_bytes());
    out.push(event_type.0);
    out.extend_from_slice(&7u32.to_le_bytes());
    out.extend_from_slice(&(19 + body.len() as u32 + if checksums { 4 } else { 0 }).to_le_bytes());
    out.extend_from_slice(&next.to_le_bytes());
    out.extend_from_slice(&[0, 0]);
    out.extend_from_slice(body);
    if checksums {
        let checksum = crc32fast::hash(&out[start..]);
        out.extend_from_slice(&checksum.to_le_bytes());
    }
}

impl Log {
    /// A whole file; `created`: it is the first one since the server started.
    pub(crate) fn file(file: &str, version: &'static str, checksums: bool, created: bool) -> Self {
        let mut body = vec![4, 0];
        body.extend_from_slice(version.as_bytes());
        body.resize(52, 0);
        body.extend_from_slice(&(if created { TIME } else { 0 }).to_le_bytes());
        body.push(19);
        let mut lengths = vec![0u8; 171];
        for (event_type, length) in
            [(2, 13), (4, 8), (19, 8), (23, 8), (24, 8), (25, 8), (30, 10), (31, 10), (32, 10), (162, 19), (163, 4)]
        {
            lengths[event_type - 1] = length;
        }
        body.extend_from_slice(&lengths);
        body.push(u8::from(checksums));
        let mut format = Vec::new();
        // The checksum of a format description is there in any case.
        put(&mut format, TIME, EventType::FORMAT_DESCRIPTION, 0, &body, true);
        let at = 4 + format.len() as u64;
        let file = file.to_owned();
        Self { file, version, checksums, start: 4, at, format, events: Vec::new(), tells_ends: true, time: TIME }
    }

    /// A segment of a file, from an offset on.
    pub(crate) fn segment(file: &str, version: &'static str, start: u64) -> Self {
        Self { start, at: start, ..Self::file(file, version, true, false) }
    }

    pub(crate) fn silent_about_ends(mut self) -> Self {
        self.tells_ends = false;
        self
    }

    /// Events from here on are so many seconds later.
    pub(crate) fn later(&mut self, seconds: u32) -> &mut Self {
        self.time += seconds;
        self
    }

    /// The end of what is written.
    pub(crate) fn end(&self) -> String {
        format!("{}:{}", self.file, self.at)
    }

    pub(crate) fn event(&mut self, event_type: EventType, body: &[u8]) -> &mut Self {
        let before = self.events.len();
        let size = 19 + body.len() as u64 + if self.checksums { 4 } else { 0 };
        let next = if self.tells_ends { (self.at + size) as u32 } else { 0 };
        put(&mut self.events, self.time, event_type, next, body, self.checksums);
        self.at += (self.events.len() - before) as u64;
        self
    }

    pub(crate) fn query(&mut self, statement: &str) -> &mut Self {
        let mut body = vec![0; 13];
        body[8] = 1;
        body.extend_from_slice(b"d\0");
        body.extend_from_slice(statement.as_bytes());
        self.event(EventType::QUERY, &body)
    }

    /// A statement of a client, by the number of a collation of its character set.
    pub(crate) fn query_of_client(&mut self, statement: &[u8], collation: u8) -> &mut Self {
        const CHARSET: u8 = 4;
        let status = [CHARSET, collation, 0, collation, 0, 45, 0];
        let mut body = vec![0; 13];
        body[8] = 1;
        body[11] = status.len() as u8;
        body.extend_from_slice(&status);
        body.extend_from_slice(b"d\0");
        body.extend_from_slice(statement);
        self.event(EventType::QUERY, &body)
    }

    fn is_mariadb(&self) -> bool {
        self.version.contains("MariaDB")
    }

    /// The GTID of a transaction; of MySQL's, none at 0.
    pub(crate) fn gtid(&mut self, domain: u32, sequence: u64, standalone: bool) -> &mut Self {
        if self.is_mariadb() {
            let mut body = sequence.to_le_bytes().to_vec();
            body.extend_from_slice(&domain.to_le_bytes());
            body.extend_from_slice(&[u8::from(standalone), 0, 0, 0, 0, 0, 0]);
            return self.event(EventType::MARIADB_GTID, &body);
        }
        let mut body = vec![0];
        body.extend_from_slice(&[0xaa; 16]);
        body.extend_from_slice(&sequence.to_le_bytes());
        body.push(2);
        body.extend_from_slice(&[0; 23]);
        self.event(if sequence == 0 { EventType::ANONYMOUS_GTID } else { EventType::GTID }, &body);
        if standalone { self } else { self.query("BEGIN") }
    }

    fn table_map(&mut self, table: &str) -> u8 {
        let id = table.bytes().next().unwrap_or_default();
        let mut body = vec![id, 0, 0, 0, 0, 0, 1, 0, 1, b'd', 0, table.len() as u8];
        body.extend_from_slice(table.as_bytes());
        body.extend_from_slice(&[0, 2, 3, 3, 0, 2]);
        self.event(EventType::TABLE_MAP, &body);
        id
    }

    fn rows(&mut self, event_type: EventType, table: &str, images: &[(i32, i32)]) -> &mut Self {
        let id = self.table_map(table);
        let mut body = vec![id, 0, 0, 0, 0, 0, 1, 0, 2, 3];
        if event_type == EventType::UPDATE_ROWS_V1 {
            body.push(3);
        }
        for (number, value) in images {
            body.push(0);
            body.extend_from_slice(&number.to_le_bytes());
            body.extend_from_slice(&value.to_le_bytes());
        }
        self.event(event_type, &body)
    }

    pub(crate) fn insert(&mut self, table: &str, rows: &[(i32, i32)]) -> &mut Self {
        self.rows(EventType::WRITE_ROWS_V1, table, rows)
    }

    pub(crate) fn update(&mut self, table: &str, before: (i32, i32), after: (i32, i32)) -> &mut Self {
        self.rows(EventType::UPDATE_ROWS_V1, table, &[before, after])
    }

    pub(crate) fn delete(&mut self, table: &str, row: (i32, i32)) -> &mut Self {
        self.rows(EventType::DELETE_ROWS_V1, table, &[row])
    }

    pub(crate) fn commit(&mut self) -> &mut Self {
        self.event(EventType::XID, &[9, 0, 0, 0, 0, 0, 0, 0])
    }

    pub(crate) fn xa_prepare(&mut self, name: &str) -> &mut Self {
        let mut body = vec![0, 1, 0, 0, 0, name.len() as u8, 0, 0, 0, 0, 0, 0, 0];
        body.extend_from_slice(name.as_bytes());
        self.event(EventType::XA_PREPARE, &body)
    }

    pub(crate) fn rotate(&mut self, next: &str) -> &mut Self {
        self.event(EventType::ROTATE, &[&4u64.to_le_bytes(), next.as_bytes()].concat())
    }

    /// As the engine takes it.
    pub(crate) fn piece(&self) -> (LogPiece, Vec<u8>) {
        let name = format!("{}/{}", self.file, self.start);
        let end = (self.start > 4).then_some(self.at);
        let piece = LogPiece { name, file: self.file.parse().unwrap(), start: self.start, end };
        (piece, [&MAGIC[..], &self.format, &self.events].concat())
    }
}

pub(crate) fn pieces(logs: &[&Log]) -> Pieces {
    Pieces(logs.iter().map(|log| log.piece()).collect())
}
