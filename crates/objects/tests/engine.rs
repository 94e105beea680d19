//! The engine's traits over directories and over S3: the same law for both.

#![expect(clippy::unwrap_used, reason = "a test's helpers fail as its tests do")]

mod support;

use std::collections::BTreeMap;
use std::io::{self, Read, Write};
use std::path::Path;

use backtrail_contracts::manifest::{BackupManifest, MANIFEST_NAME, MANIFEST_VERSION, ManifestFile};
use backtrail_contracts::manifest::{Consistency, SourceIdentity};
use backtrail_objects::blocking::{ArchivedSegment, S3Baseline, S3BinaryLog, S3ResultSink};
use backtrail_objects::local::{DirectoryBaseline, DirectoryBinaryLog, DirectorySink, TempSpill};
use backtrail_objects::{ObjectError, ObjectSettings, ObjectStore, SegmentName, manifest};
use backtrail_reconstruct::{Baseline, BinaryLog, Promised, ResultSink, Spill};
use sha2::{Digest, Sha256};
use support::{Bench, Proxy, noise};
use uuid::Uuid;

const MIB: usize = 1 << 20;

fn listed(name: &str, content: &[u8]) -> ManifestFile {
    ManifestFile {
        name: name.to_owned(),
        size: content.len() as u64,
        sha256: hex::encode(Sha256::digest(content)),
        content_size: content.len() as u64,
        rows: None,
        table: None,
    }
}

fn promised(content: &[u8]) -> Promised {
    Promised { size: content.len() as u64, sha256: hex::encode(Sha256::digest(content)), rows: None }
}

fn backup(files: Vec<ManifestFile>) -> BackupManifest {
    let now = time::OffsetDateTime::UNIX_EPOCH;
    BackupManifest {
        version: MANIFEST_VERSION,
        backup_id: Uuid::nil().into(),
        tenant_id: Uuid::nil().into(),
        server_id: Uuid::nil().into(),
        source: SourceIdentity {
            flavour: "mariadb".into(),
            version: "10.11".into(),
            identity: "mariadb:1".into(),
            lower_case_table_names: Some(0),
        },
        tool: "mydumper 0.10.1".into(),
        started_at: now,
        completed_at: now,
        coordinates: None,
        not_a_baseline_because: None,
        consistency: Consistency { lock_mode: "ftwrl".into(), consistent: true },
        tables: BTreeMap::new(),
        files,
    }
}

fn read(reader: io::Result<Box<dyn Read + Send>>) -> io::Result<Vec<u8>> {
    let mut content = Vec::new();
    reader?.read_to_end(&mut content).map(|_| content)
}

fn names(baseline: &dyn Baseline) -> Vec<String> {
    baseline.files().unwrap().into_iter().map(|file| file.name).collect()
}

async fn outside<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> T {
    tokio::task::spawn_blocking(work).await.unwrap()
}

const ROWS: &[u8] = b"INSERT INTO `t` VALUES (1);";

#[test]
fn a_plain_dump_in_a_directory() {
    let directory = tempfile::tempdir().unwrap();
    std::fs::write(directory.path().join("metadata"), b"Started").unwrap();
    std::fs::write(directory.path().join("shop.t.sql"), ROWS).unwrap();
    std::fs::create_dir(directory.path().join("other")).unwrap();
    let baseline = DirectoryBaseline::open(directory.path()).unwrap();
    assert_eq!(names(&baseline), ["metadata", "shop.t.sql"]);
    assert_eq!(read(baseline.open("shop.t.sql")).unwrap(), ROWS);
    for name in ["none", "../shop.t.sql", "/etc/passwd"] {
        assert_eq!(read(baseline.open(name)).unwrap_err().kind(), io::ErrorKind::NotFound, "{name}");
    }
    let missing = DirectoryBaseline::open(directory.path().join("none")).map(|_| ()).unwrap_err();
    assert_eq!(io::Error::from(missing).kind(), io::ErrorKind::NotFound);
}

fn write_backup(directory: &Path, files: Vec<ManifestFile>) {
    std::fs::write(directory.join(MANIFEST_NAME), serde_json::to_vec(&backup(files)).unwrap()).unwrap();
}

#[test]
fn a_backup_in_a_directory_is_what_its_manifest_says() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("shop.t.sql");
    std::fs::write(&file, ROWS).unwrap();
    std::fs::write(directory.path().join("left.over.sql"), ROWS).unwrap();
    write_backup(directory.path(), vec![listed("shop.t.sql", ROWS)]);
    let open = || DirectoryBaseline::open(directory.path());
    let baseline = open().unwrap();
    assert!(baseline.manifest().is_some());
    assert_eq!(names(&baseline), ["shop.t.sql"]);
    assert_eq!(read(baseline.open("shop.t.sql")).unwrap(), ROWS);

    // Other bytes of the same number show to the engine, which compares with this; everything else at once.
    assert_eq!(baseline.promised("shop.t.sql"), Some(promised(ROWS)));
    assert_eq!(baseline.promised("left.over.sql"), None);
    std::fs::write(&file, b"short").unwrap();
    assert!(matches!(open(), Err(ObjectError::Damaged { .. })));
    std::fs::remove_file(&file).unwrap();
    let error = open().map(|_| ()).unwrap_err().to_string();
    assert!(error.contains("shop.t.sql is missing"), "{error}");

    std::fs::write(directory.path().join(MANIFEST_NAME), r#"{"version": 99, "shape": "new"}"#).unwrap();
    let error = open().map(|_| ()).unwrap_err().to_string();
    assert!(error.contains("version 99"), "{error}");
}

#[tokio::test]
async fn dumps_on_s3() {
    let bench = Bench::start().await;
    let store = bench.store();
    let content = noise(3 * MIB);
    for (name, content) in [("shop.t.sql", ROWS), ("shop.large.sql.zst", &content[..])] {
        store.put(&format!("backups/one/{name}"), content.to_vec()).await.unwrap();
    }
    assert!(matches!(S3Baseline::open_backup(&store, "backups/one").await, Err(ObjectError::NotFound { .. })));
    assert!(matches!(S3Baseline::open_any(&store, "backups/none").await, Err(ObjectError::NotFound { .. })));
    let plain = S3Baseline::open_any(&store, "backups/one/").await.unwrap();
    assert_eq!(names(&plain), ["shop.large.sql.zst", "shop.t.sql"]);
    let expect = content.clone();
    outside(move || {
        assert!(read(plain.open("shop.large.sql.zst")).unwrap() == expect);
        assert_eq!(read(plain.open("none")).unwrap_err().kind(), io::ErrorKind::NotFound);
        // Half read and dropped: the download ends.
        plain.open("shop.large.sql.zst").unwrap().read_exact(&mut [0; 10]).unwrap();
    })
    .await;

    let files = vec![listed("shop.large.sql.zst", &content), listed("shop.t.sql", ROWS)];
    manifest::write(&store, "backups/one", &backup(files.clone())).await.unwrap();
    let again = manifest::write(&store, "backups/one", &backup(Vec::new())).await;
    assert!(matches!(again, Err(ObjectError::AlreadyExists { .. })));
    let read_back: BackupManifest = manifest::read(&store, "backups/one/").await.unwrap();
    assert_eq!(read_back.files, files);
    manifest::verify(&store, "backups/one", &read_back).await.unwrap();

    let checked = S3Baseline::open_backup(&store, "backups/one").await.unwrap();
    outside(move || {
        assert_eq!(read(checked.open("shop.t.sql")).unwrap(), ROWS);
        assert_eq!(checked.promised("shop.large.sql.zst"), Some(promised(&content)));
    })
    .await;
    store.delete(&["backups/one/shop.t.sql".to_owned()]).await.unwrap();
    assert!(matches!(manifest::verify(&store, "backups/one", &read_back).await, Err(ObjectError::Damaged { .. })));
    assert!(matches!(S3Baseline::open_any(&store, "backups/one").await, Err(ObjectError::Damaged { .. })));
}

#[test]
fn binary_logs_in_directories() {
    let directory = tempfile::tempdir().unwrap();
    for name in ["binlog.000001", "binlog.000002.zst", "binlog.index"] {
        std::fs::write(directory.path().join(name), name).unwrap();
    }
    let log = DirectoryBinaryLog::open(directory.path()).unwrap();
    let pieces = log.pieces().unwrap();
    let found: Vec<_> = pieces.iter().map(|piece| (piece.file.to_string(), piece.start, piece.end)).collect();
    assert_eq!(found, [("binlog.000001".to_owned(), 4, None), ("binlog.000002".to_owned(), 4, None)]);
    assert_eq!(read(log.open(&pieces[1])).unwrap(), b"binlog.000002.zst");

    let directory = tempfile::tempdir().unwrap();
    let segment = SegmentName { file: "binlog.000007".parse().unwrap(), start: 4, end: 77 };
    let path = directory.path().join("mariadb-1-1").join(segment.to_string());
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    std::fs::write(&path, b"segment").unwrap();
    for root in [directory.path().to_owned(), directory.path().join("mariadb-1-1/binlog.000007")] {
        let log = DirectoryBinaryLog::open(root).unwrap();
        let pieces = log.pieces().unwrap();
        assert_eq!((pieces.len(), pieces[0].start, pieces[0].end), (1, 4, Some(77)));
        assert_eq!(read(log.open(&pieces[0])).unwrap(), b"segment");
    }
}

#[tokio::test]
async fn binary_logs_on_s3() {
    let bench = Bench::start().await;
    let settings = ObjectSettings { s3_prefix: "all".to_owned(), ..bench.settings() };
    let store = ObjectStore::connect(&settings).unwrap();
    let segment = SegmentName { file: "binlog.000007".parse().unwrap(), start: 4, end: 77 };
    let key = segment.key("acme", "shop", &"mariadb-1-1".parse().unwrap());
    store.put(&key, &b"segment"[..]).await.unwrap();
    store.put("copied/mysql-bin.000001", &b"file"[..]).await.unwrap();
    store.put("copied/mysql-bin.index", &b""[..]).await.unwrap();

    let logs = [
        S3BinaryLog::open(&store, "binlogs/acme/shop").await.unwrap(),
        S3BinaryLog::open(&store, "binlogs/acme/shop/mariadb-1-1/binlog.000007").await.unwrap(),
        S3BinaryLog::open(&store, "copied/").await.unwrap(),
    ];
    let piece = logs[0].pieces().unwrap().remove(0);
    let archived =
        |sha256: &[u8]| ArchivedSegment { piece: piece.clone(), size: 7, sha256: hex::encode(Sha256::digest(sha256)) };
    let listed = S3BinaryLog::of_segments(&store, vec![archived(b"segment")]);
    outside(move || {
        for (log, content, end) in
            [(&logs[0], "segment", Some(77)), (&logs[1], "segment", Some(77)), (&logs[2], "file", None)]
        {
            let pieces = log.pieces().unwrap();
            assert_eq!((pieces.len(), pieces[0].start, pieces[0].end), (1, 4, end));
            assert_eq!(read(log.open(&pieces[0])).unwrap(), content.as_bytes());
        }
        assert_eq!(read(listed.open(&piece)).unwrap(), b"segment");
        assert_eq!(listed.promised(&piece), Some(promised(b"segment")));
    })
    .await;

    let second = segment.key("acme", "shop", &"mariadb-1-2".parse().unwrap());
    store.put(&second, &b"other"[..]).await.unwrap();
    let several = S3BinaryLog::open(&store, "binlogs/acme/shop").await;
    assert!(matches!(several, Err(ObjectError::SeveralTimelines { .. })));
}

#[test]
fn a_result_in_a_directory() {
    let parent = tempfile::tempdir().unwrap();
    let out = parent.path().join("new/result");
    let sink = DirectorySink::create(&out).unwrap();
    let entries = || std::fs::read_dir(&out).unwrap().count();
    let mut file = sink.create("shop.t.00000.sql").unwrap();
    file.write_all(ROWS).unwrap();
    assert!(!out.join("shop.t.00000.sql").exists());
    file.finish().unwrap();
    assert_eq!(std::fs::read(out.join("shop.t.00000.sql")).unwrap(), ROWS);
    drop(sink.create("given.up.sql").unwrap());
    assert_eq!(entries(), 1);
    let kind = |name: &str| sink.create(name).map(|_| ()).unwrap_err().kind();
    assert_eq!(kind("shop.t.00000.sql"), io::ErrorKind::AlreadyExists);
    assert_eq!(kind("../x"), io::ErrorKind::InvalidInput);
    assert!(matches!(DirectorySink::create(&out), Err(ObjectError::File { .. })));
}

#[tokio::test]
async fn a_result_on_s3() {
    let bench = Bench::start().await;
    let store = bench.store();
    let content = noise(20 * MIB);
    let (sink, expect) = (S3ResultSink::new(&store, "pitr/one"), content.clone());
    let sink = outside(move || {
        let mut large = sink.create("large.sql").unwrap();
        let mut small = sink.create("small.sql").unwrap();
        for piece in content.chunks(100_003) {
            large.write_all(piece).unwrap();
        }
        small.write_all(ROWS).unwrap();
        large.finish().unwrap();
        small.finish().unwrap();
        sink.create("empty.sql").unwrap().finish().unwrap();
        let mut given_up = sink.create("given.up.sql").unwrap();
        given_up.write_all(&content).unwrap();
        drop(given_up);
        sink
    })
    .await;
    let stored = sink.stored();
    let names: Vec<_> = stored.iter().map(|object| (object.key.as_str(), object.size)).collect();
    assert_eq!(
        names,
        [("pitr/one/empty.sql", 0), ("pitr/one/large.sql", 20 * MIB as u64), ("pitr/one/small.sql", ROWS.len() as u64)]
    );
    assert_eq!(stored[1].sha256, hex::encode(Sha256::digest(&expect)));
    assert!(store.get("pitr/one/large.sql", u64::MAX).await.unwrap() == expect);
    bench.until_nothing_is_left().await;
    assert!(store.head("pitr/one/given.up.sql").await.unwrap().is_none());
}

#[tokio::test]
async fn a_store_that_goes_away_is_an_error_for_the_engine() {
    let bench = Bench::start().await;
    let proxy = Proxy::before(&bench.s3.endpoint).await;
    bench.store().put("dump/t.sql", noise(4 * MIB)).await.unwrap();
    let settings = ObjectSettings { s3_endpoint: Some(proxy.endpoint()), s3_attempts: 1, ..bench.settings() };
    let store = ObjectStore::connect(&settings).unwrap();
    let baseline = S3Baseline::open_any(&store, "dump").await.unwrap();
    let sink = S3ResultSink::new(&store, "result");
    outside(move || {
        let mut reader = baseline.open("t.sql").unwrap();
        reader.read_exact(&mut [0; 10]).unwrap();
        proxy.cut(i64::MAX, 0);
        let mut file = sink.create("t.sql").unwrap();
        let error = io::copy(&mut reader, &mut file).and_then(|_| file.finish()).unwrap_err();
        assert!(error.to_string().contains("could not"), "{error}");
        assert!(sink.stored().is_empty() && proxy.cuts() > 0);
    })
    .await;
}

#[test]
fn spilled_bytes_come_back() {
    let directory = tempfile::tempdir().unwrap();
    let mut file = TempSpill::in_directory(directory.path()).create().unwrap();
    assert_eq!(std::fs::read_dir(directory.path()).unwrap().count(), 0, "the file has no name");
    file.append(b"first ").unwrap();
    let mut buffer = [0; 5];
    file.read_at(0, &mut buffer).unwrap();
    file.append(b"second").unwrap();
    file.read_at(4, &mut buffer).unwrap();
    assert_eq!(&buffer, b"t sec");
    assert_eq!(file.read_at(10, &mut buffer).unwrap_err().kind(), io::ErrorKind::UnexpectedEof);
    assert!(TempSpill::in_directory("/nowhere").create().is_err());
}
