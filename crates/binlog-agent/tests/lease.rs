//! What an agent's lease outlives.

#![expect(clippy::unwrap_used, reason = "a test's helpers fail as its tests do")]

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use backtrail_binlog_agent::{Agent, ArchiveFrom, ArchiveSettings};
use backtrail_devstack::TestDatabase;
use backtrail_objects::{ObjectSettings, ObjectStore};
use backtrail_service::{Context, Health};
use backtrail_settings::ByteSize;
use backtrail_store::{NewServer, SealingKey, Server, Store, StoreSettings, Tenant};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio_util::sync::CancellationToken;

const KEY: &str = "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f";
const DEADLINE: Duration = Duration::from_secs(30);

/// A way to the database on which the next answers to the COMMIT behind a statement get lost, with their connections.
struct Proxy {
    port: u16,
    to_lose: Arc<AtomicUsize>,
}

impl Proxy {
    async fn start(database: String, statement: &'static [u8]) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let to_lose = Arc::new(AtomicUsize::new(0));
        let shared = to_lose.clone();
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                let server = TcpStream::connect(&database).await.unwrap();
                tokio::spawn(carry(client, server, statement, shared.clone()));
            }
        });
        Self { port, to_lose }
    }
}

const RENEWAL: &[u8] = br#"UPDATE "agents" SET "lease_expires_at" = $1 WHERE"#;
const TAKING: &[u8] = br#"UPDATE "agents" SET "fencing" = "#;

fn find(bytes: &[u8], wanted: &[u8]) -> Option<usize> {
    bytes.windows(wanted.len()).position(|window| window == wanted)
}

/// Carries bytes both ways until an answer is to get lost.
async fn carry(mut client: TcpStream, mut server: TcpStream, statement: &[u8], to_lose: Arc<AtomicUsize>) {
    let (mut asked, mut answered) = (vec![0; 1 << 16], vec![0; 1 << 16]);
    // The prepared statement's name, an `s` and a number, between the zero that ends it and that of what stands before it.
    let mut prepared: Option<Vec<u8>> = None;
    let (mut executes, mut losing) = (false, false);
    loop {
        tokio::select! {
            read = client.read(&mut asked) => {
                let Ok(length @ 1..) = read else { return };
                let asked = &asked[..length];
                if let Some(text) = find(asked, statement) {
                    let name = asked[..text].iter().rposition(|byte| *byte == b's').unwrap();
                    prepared = Some([b"\0", &asked[name..text]].concat());
                }
                executes |= prepared.as_ref().is_some_and(|name| find(asked, name).is_some());
                // A simple query: type, length, text.
                if find(asked, b"COMMIT\0").is_some() {
                    let lose = |left: usize| left.checked_sub(1);
                    losing = executes && to_lose.fetch_update(Ordering::SeqCst, Ordering::SeqCst, lose).is_ok();
                    executes = false;
                }
                server.write_all(asked).await.unwrap();
            }
            read = server.read(&mut answered) => {
                let Ok(length @ 1..) = read else { return };
                if losing || client.write_all(&answered[..length]).await.is_err() {
                    return;
                }
            }
        }
    }
}

async fn store(url: &str) -> Store {
    Store::connect(&StoreSettings::for_url(url)).await.unwrap()
}

/// Fencing token and when the lease ends, if there is one that is good.
async fn lease(database: &tokio_postgres::Client) -> (i64, Option<f64>) {
    let query = "SELECT fencing, CASE WHEN lease_expires_at > now() THEN extract(epoch FROM lease_expires_at)::float8 END FROM agents";
    let row = database.query_one(query, &[]).await.unwrap();
    (row.get(0), row.get(1))
}

/// Waits until the lease of that number ends later than it did.
async fn renewed(database: &tokio_postgres::Client, before: Option<f64>) -> Option<f64> {
    let began = Instant::now();
    loop {
        let (fencing, ends) = lease(database).await;
        assert!(fencing <= 1, "the lease was lost, and taken anew");
        if ends > before {
            return ends;
        }
        assert!(began.elapsed() < DEADLINE, "the lease is not renewed");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

/// An agent that reaches its database through a [`Proxy`], and one server to read.
struct Bench {
    watch: tokio_postgres::Client,
    proxy: Proxy,
    cancelled: CancellationToken,
    agent: tokio::task::JoinHandle<()>,
    _database: TestDatabase,
}

impl Bench {
    /// With so many answers to the statement's COMMIT lost from the beginning.
    async fn start(statement: &'static [u8], to_lose: usize, lease_seconds: u64) -> Self {
        let database = TestDatabase::create().await.unwrap();
        let direct = store(database.url()).await;
        direct.migrate().await.unwrap();
        let (watch, connection) = tokio_postgres::connect(database.url(), tokio_postgres::NoTls).await.unwrap();
        tokio::spawn(connection);
        let key = SealingKey::from_hex(&KEY.into()).unwrap();
        let tenant = Tenant::create(&direct, "acme").await.unwrap();
        // Nobody answers there: an agent keeps the server all the same, and tries again.
        let new = NewServer {
            tenant_id: tenant.id,
            name: "source".to_owned(),
            host: "127.0.0.1".to_owned(),
            port: 1,
            username: "backtrail".to_owned(),
            password: Some("password".into()),
            tls_mode: "disabled".to_owned(),
            tls_ca: None,
        };
        Server::create(&direct, &key, new).await.unwrap();

        let address = format!("127.0.0.1:{}", database.server.port);
        let proxy = Proxy::start(address.clone(), statement).await;
        proxy.to_lose.store(to_lose, Ordering::SeqCst);
        assert!(database.url().contains(&address), "{} is not in the URL", address);
        let through = database.url().replace(&address, &format!("127.0.0.1:{}", proxy.port));
        let mut objects = ObjectSettings::new("bucket", "id", "secret");
        objects.s3_endpoint = Some("http://127.0.0.1:1".to_owned());
        let settings = ArchiveSettings {
            agent_servers: 4,
            lease_seconds,
            segment_bytes: ByteSize(64 * 1024),
            segment_seconds: 1,
            heartbeat_seconds: 1,
            archive_from: ArchiveFrom::Oldest,
            replica_id_base: 3_900_000_000,
            work_dir: None,
        };
        let cancelled = CancellationToken::new();
        let context = Context {
            name: "binlog-agent",
            instance: "agent".to_owned(),
            health: Health::new(),
            cancelled: cancelled.clone(),
        };
        let agent = Agent::of(store(&through).await, key, ObjectStore::connect(&objects).unwrap(), settings);
        let agent = tokio::spawn(async move { agent.run_until_cancelled(&context).await.unwrap() });
        Self { watch, proxy, cancelled, agent, _database: database }
    }

    /// Waits until all answers that were to be lost are.
    async fn lost(&self) {
        let began = Instant::now();
        while self.proxy.to_lose.load(Ordering::SeqCst) > 0 {
            assert!(began.elapsed() < DEADLINE, "nothing was committed");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lost_answer_to_a_renewal_costs_nothing() {
    let bench = Bench::start(RENEWAL, 0, 4).await;
    let mut ends = renewed(&bench.watch, None).await;
    for _ in 0..4 {
        bench.proxy.to_lose.store(1, Ordering::SeqCst);
        bench.lost().await;
        // The one that was lost, and the next one.
        ends = renewed(&bench.watch, ends).await;
        ends = renewed(&bench.watch, ends).await;
    }
    bench.cancelled.cancel();
    bench.agent.await.unwrap();
    assert_eq!(lease(&bench.watch).await, (1, None));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_whose_taking_had_no_answer_is_taken_again_at_once() {
    // Far longer than the test: nothing waits for the lease to expire.
    let bench = Bench::start(TAKING, 2, 600).await;
    bench.lost().await;
    let began = Instant::now();
    let reported = "SELECT fencing FROM agents WHERE heartbeat_at IS NOT NULL";
    while bench.watch.query_opt(reported, &[]).await.unwrap().is_none() {
        assert!(began.elapsed() < DEADLINE, "nobody reads the server: {:?}", lease(&bench.watch).await);
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    let (fencing, ends) = lease(&bench.watch).await;
    assert!(fencing == 3 && ends.is_some(), "{fencing} {ends:?}");
    bench.cancelled.cancel();
    bench.agent.await.unwrap();
    assert_eq!(lease(&bench.watch).await, (3, None));
}
