//! The archive against the servers' own files: through crashes of agent and server, over gaps, from MariaDB and MySQL.

#![expect(clippy::unwrap_used, reason = "a test's helpers fail as its tests do")]

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use backtrail_binlog_agent::{Agent, ArchiveFrom, ArchiveSettings};
use backtrail_devstack::{DatabaseAddress, DatabaseOptions, MariaDb, MySql, Postgres, S3, StackDirectory};
use backtrail_domain::{BinlogFile, Timeline};
use backtrail_objects::{ObjectSettings, ObjectStore};
use backtrail_service::{Context, Health};
use backtrail_settings::ByteSize;
use backtrail_source::SourceEndpoint;
use backtrail_store::{Coverage, Gap, NewServer, SealingKey, Segment, Server, Store, StoreSettings, Tenant};
use tokio_util::sync::CancellationToken;

const KEY: &str = "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f";

/// Everything that an agent needs, and one registered server.
struct World {
    _postgres: Postgres,
    _s3: S3,
    store: Store,
    objects: ObjectStore,
    key: SealingKey,
    server: Server,
    source: SourceEndpoint,
    settings: ArchiveSettings,
}

impl World {
    async fn of(directory: &StackDirectory, address: &DatabaseAddress) -> Self {
        let postgres = Postgres::start(directory.path().join("postgres")).await.unwrap();
        let s3 = S3::start(directory.path().join("s3")).await.unwrap();
        let store =
            Store::connect(&StoreSettings::for_url(&postgres.create_test_database().await.unwrap())).await.unwrap();
        store.migrate().await.unwrap();
        let bucket = s3.create_test_bucket().unwrap();
        let mut settings = ObjectSettings::new(&bucket, &s3.access_key_id, &s3.secret_access_key);
        settings.s3_endpoint = Some(s3.endpoint.clone());
        settings.s3_force_path_style = true;
        let objects = ObjectStore::connect(&settings).unwrap();
        let key = SealingKey::from_hex(&KEY.into()).unwrap();
        let tenant = Tenant::create(&store, "acme").await.unwrap();
        let new = NewServer {
            tenant_id: tenant.id,
            name: "source".to_owned(),
            host: address.host.clone(),
            port: address.port,
            username: address.user.clone(),
            password: Some(address.password.as_str().into()),
            tls_mode: "preferred".to_owned(),
            tls_ca: None,
        };
        let server = Server::create(&store, &key, new).await.unwrap();
        let source = SourceEndpoint::new(&address.host, address.port, &address.user, address.password.as_str().into());
        let settings = ArchiveSettings {
            agent_servers: 4,
            lease_seconds: 3,
            segment_bytes: ByteSize(64 * 1024),
            segment_seconds: 1,
            heartbeat_seconds: 1,
            archive_from: ArchiveFrom::Oldest,
            replica_id_base: 3_900_000_000,
            work_dir: Some(directory.path().to_owned()),
        };
        Self { _postgres: postgres, _s3: s3, store, objects, key, server, source, settings }
    }

    /// Starts an agent; cancelling ends it in order, aborting kills it.
    fn agent(&self) -> (tokio::task::JoinHandle<()>, CancellationToken) {
        let cancelled = CancellationToken::new();
        let context = Context {
            name: "binlog-agent",
            instance: "agent".to_owned(),
            health: Health::new(),
            cancelled: cancelled.clone(),
        };
        let agent = Agent::of(self.store.clone(), self.key.clone(), self.objects.clone(), self.settings.clone());
        (tokio::spawn(async move { agent.run_until_cancelled(&context).await.unwrap() }), cancelled)
    }

    async fn segments(&self) -> Vec<Segment> {
        Segment::list(&self.store, self.server.tenant_id, self.server.id).await.unwrap()
    }

    async fn gaps(&self) -> Vec<Gap> {
        Gap::list(&self.store, self.server.tenant_id, self.server.id).await.unwrap()
    }

    /// Waits until everything that has committed by now is archived.
    async fn caught_up(&self) {
        let wanted = self.source.connect().await.unwrap().clock().await.unwrap();
        let deadline = tokio::time::Instant::now() + Duration::from_secs(60);
        loop {
            let coverage = Coverage::of(&self.store, self.server.tenant_id, self.server.id).await.unwrap();
            if coverage.covered_until.is_some_and(|until| until >= wanted) {
                assert!(coverage.available, "{coverage:?}");
                return;
            }
            assert!(tokio::time::Instant::now() < deadline, "not archived until {wanted}: {coverage:?}");
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    }

    /// The archived bytes of every file, each from its beginning, proved to be without a hole.
    async fn archive(&self) -> BTreeMap<(Timeline, BinlogFile), Vec<u8>> {
        let mut files: BTreeMap<(Timeline, BinlogFile), Vec<u8>> = BTreeMap::new();
        for segment in self.segments().await {
            let content = segment.content;
            let stored = self.objects.get(&content.key, 1 << 30).await.unwrap();
            assert_eq!(stored.len() as u64, content.size_bytes);
            let plain = zstd::decode_all(stored.as_ref()).unwrap();
            assert_eq!(plain.len() as u64, content.content_size);
            assert!(plain.starts_with(b"\xfebin"));
            let file = files.entry((content.timeline, content.file)).or_default();
            if content.start == 4 {
                assert!(file.is_empty());
                file.extend_from_slice(&plain);
            } else {
                let format = u32::from_le_bytes(plain[4 + 9..4 + 13].try_into().unwrap()) as usize;
                assert_eq!(plain[4..4 + format], file[4..4 + format]);
                assert_eq!(file.len() as u64, content.start);
                file.extend_from_slice(&plain[4 + format..]);
            }
            assert_eq!(file.len() as u64, content.end);
        }
        files
    }

    /// Compares the newest timeline with the server's files.
    async fn compare(&self, data: PathBuf) {
        let archive = self.archive().await;
        let timeline = archive.keys().map(|(timeline, _)| timeline).max_by_key(|timeline| timeline.number).unwrap();
        for log in self.source.connect().await.unwrap().binary_logs().await.unwrap() {
            let mut file = std::fs::read(data.join(log.file.to_string())).unwrap();
            // Set while the server has the file open.
            file[4 + 17] &= !1;
            let archived = archive.get(&(timeline.clone(), log.file.clone())).map_or(&[][..], Vec::as_slice);
            assert!(archived == file, "{}: {} bytes, archived {}", log.file, file.len(), archived.len());
        }
    }
}

/// Changes rows until cancelled; says how many.
async fn write(address: DatabaseAddress, cancelled: CancellationToken) -> u64 {
    let mut changed = 0;
    let mut turn = 0_u64;
    while !cancelled.is_cancelled() {
        turn += 1;
        let mut statements = vec!["START TRANSACTION".to_owned()];
        for row in 0..5 {
            statements.push(format!("INSERT INTO shop.t (v) VALUES ('{turn}-{row}'), (REPEAT('é', 500))"));
        }
        statements.push(format!(
            "UPDATE shop.t SET v = 'x' WHERE id = (SELECT * FROM (SELECT MIN(id) FROM shop.t) x) + {turn}"
        ));
        let commits = !turn.is_multiple_of(7);
        statements.push(if commits { "COMMIT" } else { "ROLLBACK" }.to_owned());
        if turn.is_multiple_of(20) {
            statements.push("FLUSH BINARY LOGS".to_owned());
        }
        if address.execute(&statements).await.is_ok() && commits {
            changed += 10;
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    changed
}

async fn crash_and_go_on(world: &World, address: &DatabaseAddress) {
    address
        .execute(["CREATE DATABASE shop", "CREATE TABLE shop.t (id INT AUTO_INCREMENT PRIMARY KEY, v LONGTEXT)"])
        .await
        .unwrap();
    let stop = CancellationToken::new();
    let writer = tokio::spawn(write(address.clone(), stop.clone()));
    for milliseconds in [1700, 400, 2300] {
        let (agent, _) = world.agent();
        tokio::time::sleep(Duration::from_millis(milliseconds)).await;
        agent.abort();
        let _ = agent.await;
        // The lease of a killed agent has to run out.
        tokio::time::sleep(Duration::from_millis(3100)).await;
    }
    // One row that is larger than a segment.
    address.execute(["INSERT INTO shop.t (v) VALUES (REPEAT('y', 3000000))"]).await.unwrap();
    stop.cancel();
    let inserted = writer.await.unwrap() + 1;
    let (agent, cancelled) = world.agent();
    world.caught_up().await;
    cancelled.cancel();
    agent.await.unwrap();

    let segments = world.segments().await;
    let counted: u64 =
        segments.iter().filter_map(|segment| segment.content.tables.get("shop.t")?.get("inserted")?.as_u64()).sum();
    assert_eq!(counted, inserted);
    assert!(segments.len() > 5);
    assert!(world.gaps().await.is_empty());
    assert!(segments.iter().all(|segment| segment.content.gtid_after.is_some()));
    assert!(segments.iter().any(|segment| segment.content.rotated_to.is_some()));
    assert!(segments.iter().all(|segment| segment.content.first_commit_at <= segment.content.last_commit_at));
}

#[tokio::test(flavor = "multi_thread")]
async fn mariadb_through_crashes_restarts_and_gaps() {
    let directory = StackDirectory::create("agent").unwrap();
    let options = DatabaseOptions::with_arguments(["--log-bin-compress=ON"]);
    let mut source = MariaDb::start(&directory.path().join("mariadb"), options).await.unwrap();
    let address = source.address().clone();
    let world = World::of(&directory, &address).await;
    crash_and_go_on(&world, &address).await;
    world.compare(source.data_directory()).await;

    // The source is stopped, which ends its file without a rotation, and killed, which ends it with nothing.
    let (agent, cancelled) = world.agent();
    for kill in [false, true] {
        if kill {
            source.kill();
            source.start_again().await.unwrap();
        } else {
            source.restart().await.unwrap();
        }
        address.execute(["INSERT INTO shop.t (v) VALUES ('after')"]).await.unwrap();
        world.caught_up().await;
    }
    cancelled.cancel();
    agent.await.unwrap();
    assert!(world.gaps().await.is_empty(), "{:?}", world.gaps().await);
    world.compare(source.data_directory()).await;

    // The source removes what is not archived.
    address
        .execute(["INSERT INTO shop.t (v) VALUES ('lost')", "FLUSH BINARY LOGS", "FLUSH BINARY LOGS"])
        .await
        .unwrap();
    let mut connection = world.source.connect().await.unwrap();
    let newest = connection.binary_logs().await.unwrap().pop().unwrap();
    let deadline = tokio::time::Instant::now() + Duration::from_secs(30);
    // Files that somebody reads are not purged: what is left of killed agents has to go first.
    while connection.binary_logs().await.unwrap().len() > 1 {
        assert!(tokio::time::Instant::now() < deadline, "the source does not purge its log");
        connection.execute(&format!("PURGE BINARY LOGS TO '{}'", newest.file)).await.unwrap();
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    let (agent, cancelled) = world.agent();
    world.caught_up().await;
    cancelled.cancel();
    agent.await.unwrap();
    let gaps = world.gaps().await;
    assert_eq!(gaps.len(), 1, "{gaps:?}");
    assert_eq!(gaps[0].content.cause, "purged by the source");
    assert_eq!(gaps[0].content.to.file, newest.file);

    // And begins anew.
    address.execute(["RESET MASTER", "INSERT INTO shop.t (v) VALUES ('anew')"]).await.unwrap();
    let (agent, cancelled) = world.agent();
    world.caught_up().await;
    cancelled.cancel();
    agent.await.unwrap();
    let gaps = world.gaps().await;
    assert_eq!(gaps.len(), 2, "{gaps:?}");
    assert_eq!((gaps[1].content.cause.as_str(), gaps[1].content.to_timeline.number), ("RESET MASTER", 2));
    world.compare(source.data_directory()).await;
}

/// The connections that read a source's binary log.
async fn readers(world: &World) -> Vec<u64> {
    let query = "SELECT id FROM information_schema.processlist WHERE command LIKE 'Binlog Dump%' ORDER BY id";
    let rows = world.source.connect().await.unwrap().query(query).await.unwrap();
    rows.iter().map(|row| row.text_at(0).unwrap().parse().unwrap()).collect()
}

async fn two_installations(address: &DatabaseAddress) {
    let directories = [StackDirectory::create("one").unwrap(), StackDirectory::create("other").unwrap()];
    let (one, other) = (World::of(&directories[0], address).await, World::of(&directories[1], address).await);
    address.execute(["CREATE DATABASE shop", "CREATE TABLE shop.t (id INT PRIMARY KEY)"]).await.unwrap();
    let agents = [one.agent(), other.agent()];
    let mut known = None;
    for id in 0..4 {
        address.execute([format!("INSERT INTO shop.t VALUES ({id})")]).await.unwrap();
        one.caught_up().await;
        other.caught_up().await;
        let readers = readers(&one).await;
        assert_eq!(readers.len(), 2);
        // Neither was thrown off and had to come again.
        assert_eq!(*known.get_or_insert(readers.clone()), readers);
    }
    for (agent, cancelled) in agents {
        cancelled.cancel();
        agent.await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn two_installations_read_one_source() {
    let directory = StackDirectory::create("source").unwrap();
    let source = MariaDb::start(&directory.path().join("mariadb"), DatabaseOptions::default()).await.unwrap();
    two_installations(source.address()).await;
    if MySql::available() {
        let source = MySql::start(&directory.path().join("mysql"), DatabaseOptions::default()).await.unwrap();
        two_installations(source.address()).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn mysql_through_crashes() {
    if !MySql::available() {
        return eprintln!("no MySQL server is installed: not tried");
    }
    let directory = StackDirectory::create("agent").unwrap();
    let options = DatabaseOptions::with_arguments(["--binlog-transaction-compression=ON"]);
    let source = MySql::start(&directory.path().join("mysql"), options).await.unwrap();
    let world = World::of(&directory, source.address()).await;
    crash_and_go_on(&world, source.address()).await;
    world.compare(source.data_directory()).await;
}
