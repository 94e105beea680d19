//! For the tests of sweeps: a database, a vhost and a store of their own.

use std::time::Duration;

use backtrail_devstack::{S3, StackDirectory, TestDatabase, TestVhost};
use backtrail_domain::{ServerId, TenantId, Timeline};
use backtrail_objects::{ObjectSettings, ObjectStore};
use backtrail_queue::{Queue, QueueSettings};
use backtrail_store::runs::RunFailure;
use backtrail_store::{
    AgentToken, BackupOutcome, BackupRun, FencingToken, NewBackup, NewSegment, NewServer, SealingKey, Segment, Server,
    Store, StoreSettings, Tenant, agents,
};
use serde_json::json;
use time::OffsetDateTime;
use tokio_postgres::NoTls;
use tokio_util::sync::CancellationToken;

use crate::Parts;

/// Longer than any test takes.
const LEASE: Duration = Duration::from_secs(300);

/// Everything that a sweep needs, and one registered server.
pub(crate) struct World {
    pub(crate) parts: Parts,
    pub(crate) s3: S3,
    pub(crate) tenant: TenantId,
    pub(crate) server: ServerId,
    key: SealingKey,
    database: TestDatabase,
    _directory: StackDirectory,
}

impl World {
    pub(crate) async fn new() -> Self {
        let directory = StackDirectory::create("scheduler").unwrap();
        let (database, vhost) = tokio::try_join!(TestDatabase::create(), TestVhost::create()).unwrap();
        let s3 = S3::start(directory.path().join("s3")).await.unwrap();
        let store = Store::connect(&StoreSettings::for_url(database.url())).await.unwrap();
        store.migrate().await.unwrap();
        let bucket = s3.create_test_bucket().unwrap();
        let mut settings = ObjectSettings::new(&bucket, &s3.access_key_id, &s3.secret_access_key);
        settings.s3_endpoint = Some(s3.endpoint.clone());
        settings.s3_force_path_style = true;
        let cancelled = CancellationToken::new();
        let parts = Parts {
            queue: Queue::connect(&QueueSettings::new(&vhost.url()), cancelled.clone()).await.unwrap(),
            objects: ObjectStore::connect(&settings).unwrap(),
            unclaimed_for: Duration::ZERO,
            orphaned_for: Duration::ZERO,
            cancelled,
            store,
        };
        let key = SealingKey::from_hex(&"5c".repeat(32).into()).unwrap();
        let tenant = Tenant::create(&parts.store, "acme").await.unwrap().id;
        let mut world = Self { parts, s3, tenant, server: ServerId(tenant.0), key, database, _directory: directory };
        world.server = world.server("source").await;
        world
    }

    pub(crate) async fn server(&self, name: &str) -> ServerId {
        let new = NewServer {
            tenant_id: self.tenant,
            name: name.to_owned(),
            host: "db.example".to_owned(),
            port: 3306,
            username: "backup".to_owned(),
            password: None,
            tls_mode: "disabled".to_owned(),
            tls_ca: None,
        };
        Server::create(&self.parts.store, &self.key, new).await.unwrap().id
    }

    /// A statement past the store: what a crash, a clock or a hand may do.
    pub(crate) async fn sql(&self, sql: &str) {
        let (client, connection) = tokio_postgres::connect(self.database.url(), NoTls).await.unwrap();
        tokio::spawn(connection);
        client.execute(sql, &[]).await.unwrap_or_else(|error| panic!("{sql}: {error:?}"));
    }

    /// A backup that a worker has claimed, with a prefix of its own.
    async fn backup(&self, server_id: ServerId, prefix: &str) -> FencingToken {
        let new = NewBackup {
            tenant_id: self.tenant,
            server_id,
            backup_tool: "mydumper".to_owned(),
            retention_days: 7,
            s3_prefix: None,
            traceparent: None,
        };
        let store = &self.parts.store;
        let run = BackupRun::create(store, new).await.unwrap();
        let token = BackupRun::claim(store, run.id, "worker", LEASE).await.unwrap().unwrap().token;
        token.set_location(store, &format!("s3://b/{prefix}"), prefix).await.unwrap();
        token
    }

    pub(crate) async fn failed_backup(&self, prefix: &str) {
        let failure = RunFailure { code: "x".to_owned(), message: "x".to_owned(), retryable: false, tool_log: None };
        self.backup(self.server, prefix).await.fail(&self.parts.store, &failure).await.unwrap();
    }

    pub(crate) async fn completed_backup(&self, server: ServerId, prefix: &str) {
        let token = self.backup(server, prefix).await;
        let outcome = BackupOutcome {
            size_bytes: 1,
            file_count: 1,
            progress: serde_json::json!({"bytes_done": 7, "bytes_expected": 7}),
            manifest: json!({}),
            coordinates: None,
            gtid_set: None,
            consistent: false,
            snapshot_from: None,
            consistent_at: None,
            timeline: None,
            warnings: vec![],
            tool_log: None,
        };
        BackupRun::complete(&self.parts.store, &token, outcome).await.unwrap();
    }

    /// The lease of the first server.
    pub(crate) async fn agent(&self) -> AgentToken {
        let leases = agents::acquire(&self.parts.store, "agent", LEASE, 10).await.unwrap();
        leases.iter().find(|lease| lease.server.id == self.server).unwrap().token
    }

    /// The key of a stretch of the first server's `log.000001`.
    pub(crate) fn key(&self, start: u64, end: u64) -> String {
        format!("binlogs/{}/{}/mariadb-77-1/log.000001/{start:020}-{end:020}.binlog.zst", self.tenant, self.server)
    }

    /// Such a stretch, stored and with its row.
    pub(crate) async fn segment(&self, token: &AgentToken, start: u64, end: u64) -> Segment {
        let new = NewSegment {
            timeline: Timeline { identity: "mariadb-77".to_owned(), number: 1 },
            file: "log.000001".parse().unwrap(),
            start,
            end,
            rotated_to: None,
            key: self.key(start, end),
            size_bytes: 5,
            content_size: 5,
            sha256: [7; 32],
            gtid_before: None,
            gtid_after: None,
            first_commit_at: None,
            last_commit_at: None,
            first_row_event_at: None,
            last_row_event_at: None,
            events: 1,
            row_changes: 0,
            tables: json!({}),
            file_created_at: None,
            sealed_at: OffsetDateTime::now_utc(),
        };
        self.parts.objects.put(&new.key, "bytes").await.unwrap();
        Segment::append(&self.parts.store, token, new, None, false).await.unwrap()
    }
}
