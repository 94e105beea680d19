//! Events that recordings do not have, made by hand.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test's helpers fail as its tests do")]

use backtrail_binlog::{
    Event, EventBody, EventReader, EventType, FormatDescription, HeartbeatEvent, file_name, parse_event,
};

fn mysql() -> FormatDescription {
    let log = include_bytes!("data/mysql-9.7.000001");
    let mut reader = EventReader::new(&log[..], "binlog.000001".parse().unwrap()).unwrap();
    reader.next_event().unwrap();
    reader.format().unwrap().clone()
}

/// An event with its checksum.
fn raw(event_type: EventType, next: u32, flags: u8, body: &[u8]) -> Vec<u8> {
    let mut raw = vec![0, 0, 0, 0, event_type.0, 7, 0, 0, 0];
    raw.extend_from_slice(&(23 + body.len() as u32).to_le_bytes());
    raw.extend_from_slice(&next.to_le_bytes());
    raw.extend_from_slice(&[flags, 0]);
    raw.extend_from_slice(body);
    raw.extend_from_slice(&crc32fast::hash(&raw).to_le_bytes());
    raw
}

fn body(event: Event<'_>) -> EventBody<'_> {
    event.body().unwrap_or_else(|error| panic!("{error}: {:?}", std::error::Error::source(&error)))
}

#[test]
fn heartbeats() {
    let format = mysql();
    let check = |event_type: EventType, next: u32, bytes: &[u8], position: u64| {
        let raw = raw(event_type, next, 0, bytes);
        match body(parse_event(&raw, Some(&format)).unwrap()) {
            EventBody::Heartbeat(heartbeat) => {
                assert_eq!(heartbeat, HeartbeatEvent { file: b"binlog.000001", position })
            }
            other => panic!("{other:?}"),
        }
    };
    check(EventType::HEARTBEAT, 1234, b"binlog.000001", 1234);
    check(EventType::HEARTBEAT, 0, b"\0\0\0\0\x01\0\0\0binlog.000001", 1 << 32);
    check(EventType::HEARTBEAT_V2, 0, b"\x01\x0dbinlog.000001\x02\x09\xfe\0\0\0\0\x01\0\0\0\0", 1 << 32);
    // A field of the future before the end.
    check(EventType::HEARTBEAT_V2, 0, b"\x01\x0dbinlog.000001\x02\x01\x04\x07\x02??\0", 4);
}

#[test]
fn the_rotate_before_the_format() {
    let rotate = |raw: &[u8]| match body(parse_event(raw, None).unwrap()) {
        EventBody::Rotate(rotate) => (file_name(rotate.file).unwrap().to_string(), rotate.position),
        other => panic!("{other:?}"),
    };
    let with_checksum = raw(EventType::ROTATE, 0, 0x20, b"\x04\0\0\0\0\0\0\0binlog.000001");
    assert_eq!(rotate(&with_checksum), ("binlog.000001".to_owned(), 4));
    let mut without = with_checksum[..with_checksum.len() - 4].to_vec();
    without[9] -= 4;
    assert_eq!(rotate(&without), ("binlog.000001".to_owned(), 4));
    let xid = raw(EventType::XID, 0, 0, &[0; 8]);
    assert!(parse_event(&xid, None).unwrap_err().to_string().contains("before the format description"));
}

#[test]
fn incidents() {
    let format = mysql();
    let raw = raw(EventType::INCIDENT, 0, 0, b"\x01\0\x04lost");
    match body(parse_event(&raw, Some(&format)).unwrap()) {
        EventBody::Incident(incident) => assert_eq!((incident.incident, incident.message), (1, &b"lost"[..])),
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_delivered_size_that_is_not_the_events() {
    let format = mysql();
    let raw = raw(EventType::XID, 0, 0, &[0; 8]);
    let error = parse_event(&raw[..raw.len() - 1], Some(&format)).unwrap_err();
    assert!(std::error::Error::source(&error).unwrap().to_string().contains("31 bytes, 30 were delivered"));
}

/// A statement with these variables of its session, as MariaDB 11.8 has logged them.
fn statement(variables: &[u8]) -> Vec<u8> {
    let length = u16::try_from(variables.len()).unwrap().to_le_bytes();
    [&[0; 8][..], &[1, 0, 0], &length, variables, b"q\0create table t (c char(3) character set latin1)"].concat()
}

#[test]
fn settings_of_sessions() {
    let format = mysql();
    let read = |variables: &[u8]| {
        let bytes = raw(EventType::QUERY, 0, 0, &statement(variables));
        let EventBody::Query(query) = body(parse_event(&bytes, Some(&format)).unwrap()) else {
            panic!("another event")
        };
        let pairs = query.status.charset_collations().map(|pairs| pairs.collect::<Vec<_>>());
        (pairs, query.status.charset, query.status.unknown)
    };
    let charset = [4, 8, 0, 45, 0, 0, 9];
    let both = |before: &[u8]| read(&[before, &charset].concat());
    // They do not stand in the order of their numbers: the collations of character sets come first.
    assert_eq!(both(&[131, 2, 8, 0, 47, 0, 45, 0, 0, 9]), (Some(vec![(8, 47), (45, 2304)]), Some((8, 45, 2304)), None));
    assert_eq!(both(&[131, 0]), (Some(Vec::new()), Some((8, 45, 2304)), None));
    assert_eq!(both(&[]), (None, Some((8, 45, 2304)), None));
    assert_eq!(both(&[130, 2]), (None, Some((8, 45, 2304)), None));
    assert_eq!(both(&[130, 4, 16, 0, 0, 0, 0, 0, 0, 0]), (None, Some((8, 45, 2304)), None));
    assert_eq!(both(&[200, 1]), (None, None, Some(200)));
}
