//! What the events of every kind of server mean for transactions, on logs made by hand.

#![expect(clippy::unwrap_used, reason = "a test's helpers fail as its tests do")]

use backtrail_binlog::{Boundary, EventReader, EventType, StreamPosition, TransactionTracker, parse_event};

/// A log without checksums, event by event.
struct Log(Vec<u8>);

impl Log {
    fn new(version: &str) -> Self {
        let mut body = vec![4, 0];
        body.extend_from_slice(version.as_bytes());
        body.resize(52, 0);
        body.extend_from_slice(&[0, 0, 0, 0, 19]);
        let mut lengths = vec![0u8; 171];
        for (event_type, length) in [(2, 13), (4, 8), (19, 8), (23, 8), (30, 10), (35, 0), (162, 19), (163, 4)] {
            lengths[event_type - 1] = length;
        }
        body.extend_from_slice(&lengths);
        body.push(0);
        let mut log = Self(b"\xfebin".to_vec());
        // Room for a checksum that is not there.
        body.extend_from_slice(&[0; 4]);
        log.event(EventType::FORMAT_DESCRIPTION, &body);
        log
    }

    fn event(&mut self, event_type: EventType, body: &[u8]) -> &mut Self {
        self.at(event_type, 1_700_000_000, body)
    }

    fn at(&mut self, event_type: EventType, timestamp: u32, body: &[u8]) -> &mut Self {
        let next = self.0.len() + 19 + body.len();
        self.0.extend_from_slice(&timestamp.to_le_bytes());
        self.0.push(event_type.0);
        self.0.extend_from_slice(&7u32.to_le_bytes());
        self.0.extend_from_slice(&(19 + body.len() as u32).to_le_bytes());
        self.0.extend_from_slice(&(next as u32).to_le_bytes());
        self.0.extend_from_slice(&[0, 0]);
        self.0.extend_from_slice(body);
        self
    }

    fn query(&mut self, statement: &str) -> &mut Self {
        let mut body = vec![0; 13];
        body[8] = 1;
        body.extend_from_slice(b"d\0");
        body.extend_from_slice(statement.as_bytes());
        self.event(EventType::QUERY, &body)
    }

    fn mysql_gtid(&mut self, sequence: u64, commit_micros: u64) -> &mut Self {
        let mut body = vec![0];
        body.extend_from_slice(&[0xaa; 16]);
        body.extend_from_slice(&sequence.to_le_bytes());
        body.push(2);
        body.extend_from_slice(&[0; 16]);
        body.extend_from_slice(&commit_micros.to_le_bytes()[..7]);
        let event_type = if sequence == 0 { EventType::ANONYMOUS_GTID } else { EventType::GTID };
        self.event(event_type, &body)
    }

    fn mariadb_gtid(&mut self, sequence: u64, flags: u8) -> &mut Self {
        let mut body = sequence.to_le_bytes().to_vec();
        body.extend_from_slice(&[0, 0, 0, 0, flags, 0, 0, 0, 0, 0, 0]);
        self.event(EventType::MARIADB_GTID, &body)
    }

    fn table_map(&mut self) -> &mut Self {
        self.event(EventType::TABLE_MAP, b"\x01\0\0\0\0\0\0\0\x01d\0\x01t\0\x01\x03\0\0")
    }

    fn rows(&mut self, flags: u8) -> &mut Self {
        self.event(EventType::WRITE_ROWS_V1, &[1, 0, 0, 0, 0, 0, flags, 0, 1, 1, 0, 5, 0, 0, 0])
    }

    fn xid(&mut self) -> &mut Self {
        self.event(EventType::XID, &[9, 0, 0, 0, 0, 0, 0, 0])
    }

    /// One letter an event: what each of them means.
    fn boundaries(&self) -> String {
        let mut reader = EventReader::new(&self.0[..], "binlog.000001".parse().unwrap()).unwrap();
        let mut tracker = TransactionTracker::new();
        let mut letters = String::new();
        while let Some(event) = reader.next_event().unwrap() {
            let boundary = match tracker.observe(&event) {
                Ok(boundary) => boundary,
                Err(error) => return format!("{letters}: {error}"),
            };
            letters.push(match &boundary {
                Boundary::Outside => '.',
                Boundary::Begins(_) => '(',
                Boundary::Inside => '-',
                Boundary::Commits(_) => ')',
                Boundary::RollsBack(_) => 'x',
                Boundary::Prepares(_) => 'p',
                Boundary::Standalone(_) => 'S',
                Boundary::Abandons(_) => '!',
            });
            if let Some(info) = boundary.ending() {
                assert_eq!(info.end, Some(reader.offset()));
            }
        }
        letters
    }
}

const STATEMENT_END: u8 = 1;
/// MariaDB's flags: no COMMIT will follow; the tables are transactional.
const STANDALONE: u8 = 1;
const TRANSACTIONAL: u8 = 4;

#[test]
fn every_kind_of_group() {
    let check = |log: &mut Log, expected: &str| assert_eq!(log.boundaries(), expected);
    let mysql = || Log::new("8.0.40");
    let mariadb = || Log::new("10.11.6-MariaDB-log");

    check(mysql().mysql_gtid(1, 0).query("BEGIN").table_map().rows(STATEMENT_END).xid(), ".(---)");
    check(mysql().mysql_gtid(0, 0).query("BEGIN").table_map().rows(0).rows(STATEMENT_END).query("COMMIT"), ".(----)");
    check(mysql().mysql_gtid(1, 0).query("CREATE TABLE t (a INT)").mysql_gtid(2, 0).query("DROP TABLE t"), ".(S(S");
    check(mysql().mysql_gtid(1, 0).query("BEGIN").query("ROLLBACK"), ".(-x");
    check(mysql().mysql_gtid(1, 0).query("BEGIN").query("SAVEPOINT `a`").query("ROLLBACK TO `a`").xid(), ".(---)");
    // CREATE TABLE … SELECT is one transaction.
    check(
        mysql().mysql_gtid(1, 0).query("BEGIN").query("CREATE TABLE t START TRANSACTION").table_map().rows(1).xid(),
        ".(----)",
    );
    check(
        mysql()
            .mysql_gtid(1, 0)
            .query("XA START X'61',X'',1")
            .query("XA END X'61',X'',1")
            .event(EventType::XA_PREPARE, b"\0\x01\0\0\0\x01\0\0\0\0\0\0\0a"),
        ".(--p",
    );
    check(
        mysql()
            .mysql_gtid(1, 0)
            .query("XA START X'61',X'',1")
            .query("XA END X'61',X'',1")
            .event(EventType::XA_PREPARE, b"\x01\x01\0\0\0\x01\0\0\0\0\0\0\0a"),
        ".(--)",
    );
    check(mysql().mysql_gtid(1, 0).query("XA COMMIT X'61',X'',1"), ".(S");

    check(mariadb().mariadb_gtid(1, TRANSACTIONAL).table_map().rows(STATEMENT_END).xid(), ".(--)");
    check(mariadb().mariadb_gtid(1, 0).table_map().rows(STATEMENT_END).query("COMMIT"), ".(--)");
    check(mariadb().mariadb_gtid(1, STANDALONE).query("CREATE TABLE t (a INT)"), ".(S");
    check(
        mariadb().mariadb_gtid(1, STANDALONE).event(EventType::INTVAR, &[2, 1, 0, 0, 0, 0, 0, 0, 0]).query("INSERT"),
        ".(-S",
    );
    check(mariadb().mariadb_gtid(1, TRANSACTIONAL).query("CREATE TABLE t (a INT)").table_map().rows(1).xid(), ".(---)");

    // Before GTIDs.
    check(mysql().query("BEGIN").table_map().rows(STATEMENT_END).xid().query("DROP TABLE t"), ".(--)S");
    check(mysql().query("DROP TABLE t"), ".S");
    check(mysql().event(EventType::INTVAR, &[2, 1, 0, 0, 0, 0, 0, 0, 0]).query("INSERT INTO t VALUES (1)"), ".(S");
    check(mysql().table_map().rows(0).rows(STATEMENT_END).query("COMMIT").query("DROP TABLE t"), ".(-).S");

    // Ends of files.
    check(
        mysql().mysql_gtid(1, 0).query("BEGIN").xid().event(EventType::ROTATE, b"\x04\0\0\0\0\0\0\0binlog.000002"),
        ".(-).",
    );
    check(mysql().mysql_gtid(1, 0).query("BEGIN").table_map().event(EventType::STOP, b""), ".(--!");
}

#[test]
fn what_cannot_be() {
    let check = |log: &mut Log, problem: &str| {
        let said = log.boundaries();
        assert!(said.contains(problem), "{said}");
    };
    check(Log::new("8.0.40").xid(), "XID_EVENT ends a transaction that has not begun");
    check(Log::new("8.0.40").mysql_gtid(1, 0).mysql_gtid(2, 0), "begins a transaction within another");
    check(Log::new("8.0.40").mysql_gtid(1, 0).query("BEGIN").query("BEGIN"), "begins a transaction within another");
    check(Log::new("8.0.40").mysql_gtid(u64::MAX, 0), "cannot be understood");
    // A set of GTIDs is of one family: the other's would be left out of it in silence.
    let mut mixed = Log::new("8.0.40");
    mixed.mysql_gtid(1, 0).query("BEGIN").xid().mariadb_gtid(1, TRANSACTIONAL).xid();
    check(&mut mixed, "GTID_EVENT has a GTID of another family of servers");
    let mut mixed = Log::new("10.11.6-MariaDB");
    mixed.mariadb_gtid(1, TRANSACTIONAL).xid().event(EventType::PREVIOUS_GTIDS, &previous_gtids());
    check(&mut mixed, "PREVIOUS_GTIDS_LOG_EVENT has a GTID of another family of servers");
}

/// One source, one interval.
fn previous_gtids() -> Vec<u8> {
    [&1_u64.to_le_bytes()[..], &[0xaa; 16], &1_u64.to_le_bytes(), &1_u64.to_le_bytes(), &3_u64.to_le_bytes()].concat()
}

#[test]
fn commit_times() {
    let mut log = Log::new("8.0.40");
    log.mysql_gtid(1, 1_700_000_000_123_456).query("BEGIN").xid();
    log.mysql_gtid(0, 0).query("BEGIN").at(EventType::XID, 1_700_000_009, &[0; 8]);
    let mut reader = EventReader::new(&log.0[..], "binlog.000001".parse().unwrap()).unwrap();
    let mut tracker = TransactionTracker::new();
    let mut commits = Vec::new();
    while let Some(event) = reader.next_event().unwrap() {
        if let Boundary::Commits(info) = tracker.observe(&event).unwrap() {
            commits.push((info.commit_time_micros, info.exact, info.gtid.is_some()));
        }
    }
    assert_eq!(commits, [(1_700_000_000_123_456, true, true), (1_700_000_009_000_000, false, false)]);
    assert_eq!(tracker.executed().unwrap().to_string(), "aaaaaaaa-aaaa-aaaa-aaaa-aaaaaaaaaaaa:1");
}

/// A piece of a file: the file's format description, then events from further on.
#[test]
fn pieces_of_large_files() {
    let mut log = Log::new("8.0.40");
    log.query("BEGIN").xid();
    let start = 5 << 30;
    let mut reader = EventReader::resumed(&log.0[..], "binlog.000001".parse().unwrap(), start).unwrap();
    let mut offsets = Vec::new();
    while let Some(event) = reader.next_event().unwrap() {
        offsets.push((event.offset.unwrap(), event.end().unwrap()));
    }
    let format_end = offsets[0].1;
    assert_eq!(offsets, [(4, format_end), (start, start + 39), (start + 39, start + 66)]);
    assert_eq!(reader.offset(), start + 66);
}

#[test]
fn positions_in_a_stream() {
    // An event's raw bytes with a next position and flags of choice.
    let raw = |event_type: EventType, next: u32, flags: u16, body: &[u8]| {
        let mut raw = vec![0, 0, 0, 0, event_type.0, 7, 0, 0, 0];
        if flags & 0x20 == 0 {
            raw[0] = 1;
        }
        raw.extend_from_slice(&(19 + body.len() as u32).to_le_bytes());
        raw.extend_from_slice(&next.to_le_bytes());
        raw.extend_from_slice(&flags.to_le_bytes());
        raw.extend_from_slice(body);
        raw
    };
    let format = {
        let log = Log::new("8.0.40");
        let mut reader = EventReader::new(&log.0[..], "binlog.000001".parse().unwrap()).unwrap();
        reader.next_event().unwrap();
        reader.format().unwrap().clone()
    };
    let mut position = StreamPosition::new();
    let mut check = |raw: Vec<u8>, expected: Option<u64>, next: &str| {
        let mut event = parse_event(&raw, Some(&format)).unwrap();
        let in_file = position.observe(&mut event).unwrap();
        assert_eq!(in_file.then_some(event.offset).flatten(), expected);
        assert_eq!(position.next().unwrap().to_string(), next);
    };
    let start = (1u64 << 32) - 30;
    let rotate = |to: u64, file: &str| [&to.to_le_bytes(), file.as_bytes()].concat();
    check(raw(EventType::ROTATE, 0, 0x20, &rotate(start, "binlog.000001")), None, "binlog.000001:4294967266");
    // Over the 4 GiB line.
    check(raw(EventType::XID, 4_294_967_293, 0, &[0; 8]), Some(start), "binlog.000001:4294967293");
    check(raw(EventType::XID, 24, 0, &[0; 8]), Some(start + 27), "binlog.000001:4294967320");
    check(raw(EventType::HEARTBEAT, 24, 0, b"binlog.000001"), None, "binlog.000001:4294967320");
    // No position stated; then a hundred bytes that the server left out.
    check(raw(EventType::XID, 0, 0, &[0; 8]), Some(start + 54), "binlog.000001:4294967347");
    check(raw(EventType::XID, 51 + 100 + 27, 0, &[0; 8]), Some(start + 81 + 100), "binlog.000001:4294967474");
    check(raw(EventType::ROTATE, 178 + 40, 0, &rotate(4, "binlog.000002")), Some(start + 208), "binlog.000002:4");
    let mut nameless = StreamPosition::new();
    let raw = raw(EventType::XID, 0, 0, &[0; 8]);
    assert!(nameless.observe(&mut parse_event(&raw, Some(&format)).unwrap()).is_err());
}

#[test]
fn files_that_are_none() {
    let error = |bytes: &[u8]| match EventReader::new(bytes, "binlog.000001".parse().unwrap()) {
        Ok(mut reader) => reader.next_event().unwrap_err().to_string(),
        Err(error) => error.to_string(),
    };
    assert_eq!(
        error(b"\xfdbin\x01"),
        "binlog.000001:0: the binary log is encrypted; have the server send it (the replica \
                                       protocol delivers plain events)"
    );
    assert!(error(b"PK\x03\x04").contains("not a binary log"));
    assert!(error(b"\xfebi").contains("ends within an event"));
    let mut log = Log::new("8.0.40");
    log.event(EventType::START_ENCRYPTION, &[1; 17]);
    let mut reader = EventReader::new(&log.0[..], "binlog.000001".parse().unwrap()).unwrap();
    reader.next_event().unwrap();
    assert!(reader.next_event().unwrap_err().to_string().contains("encrypted"));
    let mut old = b"\xfebin".to_vec();
    old.extend_from_slice(&[1, 0, 0, 0, 1, 1, 0, 0, 0, 75, 0, 0, 0, 0, 0, 0, 0, 0, 0]);
    old.resize(4 + 75, 0);
    assert_eq!(
        error(&old),
        "binlog.000001:4: binary log version 3 is not supported, only version 4 (MySQL 5.0 and later) is"
    );
    let mut log = Log(b"\xfebin".to_vec());
    log.xid();
    assert!(error(&log.0).contains("stands before the format description"));
}
