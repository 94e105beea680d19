//! The binary log as it arrives, against the server's own files.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test's helpers fail as its tests do")]

use std::collections::BTreeMap;
use std::path::PathBuf;

use backtrail_devstack::{DatabaseAddress, DatabaseOptions, MariaDb, MySql, StackDirectory};
use backtrail_domain::{BinlogFile, BinlogPosition};
use backtrail_source::{BinlogStream, Promise, RawEvent, SourceEndpoint, StreamOptions, TlsMode, preflight};

fn endpoint(address: &DatabaseAddress) -> SourceEndpoint {
    SourceEndpoint::new(&address.host, address.port, &address.user, address.password.as_str().into())
}

/// Some of everything: DDL, transactions, rollbacks, a large row, statement and row events, several files.
async fn write_history(address: &DatabaseAddress) {
    address
        .execute([
            "CREATE DATABASE shop",
            "CREATE TABLE shop.t (id INT AUTO_INCREMENT PRIMARY KEY, v LONGTEXT)",
            "INSERT INTO shop.t (v) VALUES ('a'), ('b')",
            "CREATE TABLE shop.keyless (v INT)",
            "CREATE TABLE shop.child (id INT PRIMARY KEY, t INT, FOREIGN KEY (t) REFERENCES shop.t (id) ON DELETE CASCADE)",
            "CREATE TABLE shop.measured (f FLOAT PRIMARY KEY)",
            "CREATE TABLE shop.old (id INT PRIMARY KEY) ENGINE=MyISAM",
            "FLUSH BINARY LOGS",
            "START TRANSACTION",
            "UPDATE shop.t SET v = REPEAT('x', 300000)",
            "INSERT INTO shop.keyless VALUES (1), (2)",
            "COMMIT",
            "START TRANSACTION",
            "INSERT INTO shop.t (v) VALUES ('never')",
            "ROLLBACK",
            "DELETE FROM shop.t WHERE id = 2",
            "FLUSH BINARY LOGS",
            "ALTER TABLE shop.t ADD COLUMN n BIGINT UNSIGNED",
            "UPDATE shop.t SET n = 18446744073709551615",
        ])
        .await
        .unwrap();
}

/// Reads the log from a place to its end; the bytes per file, from that place on.
async fn read(endpoint: &SourceEndpoint, from: BinlogPosition) -> BTreeMap<BinlogFile, Vec<u8>> {
    let options =
        StreamOptions { until_end: true, ..StreamOptions::new(4_000_000_001, uuid::Uuid::from_u128(4_000_000_001)) };
    let mut stream = BinlogStream::open(endpoint, from.clone(), options).await.unwrap();
    let mut files: BTreeMap<BinlogFile, Vec<u8>> = BTreeMap::new();
    let mut current = None;
    while let Some(event) = stream.next().await.unwrap() {
        match event {
            RawEvent::File { file } => current = Some(file),
            RawEvent::Event { offset, bytes } => {
                let file = current.clone().unwrap();
                let start = if file == from.file { from.offset } else { 4 };
                let content = files.entry(file).or_default();
                assert_eq!(start + content.len() as u64, offset);
                content.extend_from_slice(&bytes);
            }
            RawEvent::Format { .. } | RawEvent::Heartbeat => {}
        }
    }
    files
}

/// The place behind a file's first five events; the bytes are those behind its magic.
fn behind_five_events(bytes: &[u8]) -> usize {
    (0..5).fold(4, |offset, _| {
        offset + u32::from_le_bytes(bytes[offset - 4 + 9..offset - 4 + 13].try_into().unwrap()) as usize
    })
}

/// The flag that the server clears when it closes a file: the only byte in which a file that is being written differs.
fn close(file: &mut [u8]) {
    file[4 + 17] &= !1;
}

async fn check(address: &DatabaseAddress, data: PathBuf) {
    write_history(address).await;
    let endpoint = endpoint(address);
    let mut connection = endpoint.connect().await.unwrap();
    let facts = connection.facts().await.unwrap();
    let position = connection.position(&facts).await.unwrap();
    let logs = connection.binary_logs().await.unwrap();
    assert!(logs.len() >= 3, "{logs:?}");
    assert_eq!(logs.last().map(|log| (&log.file, log.size)), Some((&position.file, position.offset)));
    let first = BinlogPosition { file: logs[0].file.clone(), offset: 4 };

    let archive = read(&endpoint, first).await;
    for log in &logs {
        let mut file = std::fs::read(data.join(log.file.to_string())).unwrap();
        close(&mut file);
        let mut copy = b"\xfebin".to_vec();
        copy.extend_from_slice(&archive[&log.file]);
        close(&mut copy);
        assert!(copy == file, "{} differs: {} and {} bytes", log.file, copy.len(), file.len());
    }

    // From the middle of a file: the same bytes from there on, and the format description does not count.
    let middle = &logs[1].file;
    let whole = &archive[middle];
    let offset = behind_five_events(whole);
    let rest = read(&endpoint, BinlogPosition { file: middle.clone(), offset: offset as u64 }).await;
    assert!(rest[middle] == whole[offset - 4..]);

    let format = BinlogStream::format_of(
        &endpoint,
        middle,
        &StreamOptions::new(4_000_000_002, uuid::Uuid::from_u128(4_000_000_002)),
    )
    .await
    .unwrap();
    assert!(whole.starts_with(&format.bytes));
    assert!(format.created > 1_700_000_000);
    let gtids = format.gtids.unwrap();
    assert!(whole[format.bytes.len()..].starts_with(&gtids));

    // What is not there.
    let nowhere = BinlogPosition { file: format!("{}.999990", middle.base()).parse().unwrap(), offset: 4 };
    let options =
        StreamOptions { until_end: true, ..StreamOptions::new(4_000_000_003, uuid::Uuid::from_u128(4_000_000_003)) };
    let mut stream = BinlogStream::open(&endpoint, nowhere, options).await.unwrap();
    let error = loop {
        match stream.next().await {
            Ok(Some(_)) => {}
            Ok(None) => panic!("a file that is not there was read"),
            Err(error) => break error,
        }
    };
    assert!(error.is_binlog_not_there(), "{error}");
    connection.clock().await.unwrap();
    connection.close().await;
}

async fn check_preflight(address: &DatabaseAddress) {
    let endpoint = endpoint(address);
    let report = preflight(&endpoint).await;
    assert!(report.ok, "{:#?}", report.checks);
    let promise = |table: &str| report.tables.iter().find(|promise| promise.table == table).unwrap().promise;
    assert_eq!(promise("t"), Promise::Exact);
    assert_eq!(promise("keyless"), Promise::Conditional);
    assert_eq!(promise("old"), Promise::Conditional);
    assert_eq!(promise("measured"), Promise::Conditional);
    assert!(report.tables.iter().all(|table| table.schema == "shop"));

    address
        .execute(["CREATE USER little@'%' IDENTIFIED BY 'few \"rights'", "GRANT SELECT ON *.* TO little@'%'"])
        .await
        .unwrap();
    let little = SourceEndpoint::new(&address.host, address.port, "little", "few \"rights".into());
    let report = preflight(&little).await;
    assert!(report.reachable && !report.ok);
    assert!(report.grants.missing.contains(&"RELOAD".to_owned()), "{:?}", report.grants);

    let wrong = SourceEndpoint::new(&address.host, address.port, "little", "hunter2".into());
    let report = preflight(&wrong).await;
    assert!(!report.reachable && !report.ok);
    let text = format!("{report:?} {wrong:?}");
    assert!(text.contains("refuses the login") && !text.contains("hunter2"), "{text}");
    let nobody = SourceEndpoint::new("127.0.0.1", 1, "x", "hunter2".into());
    assert!(!preflight(&nobody).await.reachable);
}

#[tokio::test]
async fn mariadb_sends_its_files_byte_for_byte() {
    let directory = StackDirectory::create("source").unwrap();
    // Compressed events are of types that only MariaDB has.
    let options = DatabaseOptions::with_arguments(["--log-bin-compress=ON", "--binlog-annotate-row-events=ON"]);
    let server = MariaDb::start(&directory.path().join("mariadb"), options).await.unwrap();
    check(&server, server.data_directory()).await;
    check_preflight(&server).await;
    let mut required = endpoint(&server);
    required.tls = TlsMode::Required;
    let error = required.connect().await.unwrap_err();
    assert!(error.to_string().contains("does not offer it"), "{error}");
}

/// The events are as long as in the files, and readable.
#[tokio::test]
async fn an_encrypted_mariadb_sends_its_files_decrypted() {
    let directory = StackDirectory::create("source").unwrap();
    let keys = directory.path().join("keys");
    std::fs::write(&keys, format!("1;{}\n", "0f".repeat(32))).unwrap();
    let options = DatabaseOptions::with_arguments([
        "--plugin-load-add=file_key_management".to_owned(),
        format!("--file-key-management-filename={}", keys.display()),
        "--encrypt-binlog=ON".to_owned(),
    ]);
    let server = MariaDb::start(&directory.path().join("mariadb"), options).await.unwrap();
    write_history(&server).await;
    check_decrypted(&server, server.data_directory(), 0).await;
}

/// What is sent is readable, as its files are not. `header`: how many bytes the files have in front of the log.
async fn check_decrypted(server: &DatabaseAddress, directory: PathBuf, header: u64) {
    let endpoint = endpoint(server);
    let logs: Vec<_> = endpoint.connect().await.unwrap().binary_logs().await.unwrap();
    // The first of MySQL's are from before it had a keyring.
    let logs: Vec<_> =
        logs.into_iter().filter(|log| is_encrypted(&directory.join(log.file.to_string()), &log.file)).collect();
    assert!(logs.len() > 2, "{logs:?}");
    let whole = read(&endpoint, BinlogPosition { file: logs[0].file.clone(), offset: 4 }).await;
    for log in &logs {
        let mut copy = b"\xfebin".to_vec();
        copy.extend_from_slice(&whole[&log.file]);
        assert_eq!(copy.len() as u64 + header, log.size, "{}", log.file);
        let mut reader = backtrail_binlog::EventReader::new(&copy[..], log.file.clone()).unwrap();
        while reader.next_event().unwrap().is_some() {}
    }
    // Behind the format description and, on MariaDB, the event that says how the file is encrypted.
    let middle = &logs[1].file;
    let bytes = &whole[middle];
    let offset = behind_five_events(bytes);
    let rest = read(&endpoint, BinlogPosition { file: middle.clone(), offset: offset as u64 }).await;
    assert!(rest[middle] == bytes[offset - 4..]);
}

/// Whether reading a server's own file ends with the words that it is encrypted.
fn is_encrypted(path: &std::path::Path, file: &BinlogFile) -> bool {
    let bytes = std::fs::read(path).unwrap();
    let read = || -> Result<(), backtrail_binlog::BinlogError> {
        let mut reader = backtrail_binlog::EventReader::new(&bytes[..], file.clone())?;
        while reader.next_event()?.is_some() {}
        Ok(())
    };
    read().is_err_and(|error| error.to_string().contains("is encrypted; have the server send it"))
}

#[tokio::test]
async fn an_encrypted_mysql_sends_its_files_decrypted() {
    if !MySql::available() {
        return eprintln!("left out: no MySQL server (`devstack install --mysql`)");
    }
    let directory = StackDirectory::create("source").unwrap();
    let mut server = MySql::start(&directory.path().join("mysql"), DatabaseOptions::default()).await.unwrap();
    server.encrypt_log().await.unwrap();
    write_history(&server).await;
    check_decrypted(&server, server.data_directory(), 512).await;
}

#[tokio::test]
async fn mysql_sends_its_files_byte_for_byte() {
    if !MySql::available() {
        return eprintln!("no MySQL server is installed: not tried");
    }
    let directory = StackDirectory::create("source").unwrap();
    let options = DatabaseOptions::with_arguments(["--binlog-transaction-compression=ON"]);
    let server = MySql::start(&directory.path().join("mysql"), options).await.unwrap();
    check(&server, server.data_directory()).await;
    check_preflight(&server).await;
    // It has made certificates for itself.
    let mut tls = endpoint(&server);
    tls.tls = TlsMode::VerifyCa;
    tls.ca_pem = std::fs::read_to_string(server.data_directory().join("ca.pem")).ok();
    assert!(tls.connect().await.unwrap().is_encrypted());
    tls.tls = TlsMode::VerifyIdentity;
    let error = tls.connect().await.unwrap_err();
    assert!(error.to_string().contains("no TLS"), "{error}");
    tls.tls = TlsMode::Disabled;
    assert!(!tls.connect().await.unwrap().is_encrypted());
}
