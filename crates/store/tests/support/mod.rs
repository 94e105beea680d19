//! A database of its own for each test, and the short way to rows in it.

#![allow(
    dead_code,
    clippy::allow_attributes,
    reason = "no test file uses all of it, and each leaves out something else"
)]

use std::time::Duration;

use backtrail_devstack::shared::TestDatabase;
use backtrail_domain::{BackupId, BinlogPosition, CutTarget, ServerId, TenantId, Timeline};
use backtrail_store::{
    BackupOutcome, BackupRun, Claim, FencingToken, NewBackup, NewPitr, NewSegment, NewServer, PitrRun, SealingKey,
    Server, Store, StoreSettings, Tenant,
};
use serde_json::json;
use time::OffsetDateTime;
use tokio_postgres::{Client, NoTls};

/// Longer than any test takes.
pub(crate) const LEASE: Duration = Duration::from_secs(300);

pub(crate) struct World {
    pub(crate) store: Store,
    pub(crate) database: TestDatabase,
    pub(crate) tenant: TenantId,
    pub(crate) server: ServerId,
    pub(crate) key: SealingKey,
}

impl World {
    /// A migrated database with a tenant and a server.
    pub(crate) async fn new() -> Self {
        let database = TestDatabase::create().await.expect("a database");
        let store = Store::connect(&StoreSettings::for_url(database.url())).await.expect("connected");
        store.migrate().await.expect("migrated");
        let key = SealingKey::from_hex(&"5c".repeat(32).into()).expect("a key");
        let tenant = Tenant::create(&store, "acme").await.expect("a tenant").id;
        let server = Server::create(&store, &key, new_server(tenant, "production-db")).await.expect("a server").id;
        Self { store, database, tenant, server, key }
    }

    /// Statements past the store: what a crash, a clock or a hand may do.
    pub(crate) async fn sql(&self, sql: &str) -> u64 {
        let client = self.client().await;
        client.execute(sql, &[]).await.unwrap_or_else(|error| panic!("{sql}: {error:?}"))
    }

    /// One number.
    pub(crate) async fn count(&self, sql: &str) -> i64 {
        self.client().await.query_one(sql, &[]).await.unwrap_or_else(|error| panic!("{sql}: {error:?}")).get(0)
    }

    pub(crate) async fn client(&self) -> Client {
        let (client, connection) = tokio_postgres::connect(self.database.url(), NoTls).await.expect("connected");
        tokio::spawn(connection);
        client
    }

    pub(crate) fn new_backup(&self) -> NewBackup {
        NewBackup {
            tenant_id: self.tenant,
            server_id: self.server,
            backup_tool: "mydumper".to_owned(),
            retention_days: 30,
            s3_prefix: None,
            traceparent: None,
        }
    }

    pub(crate) async fn backup(&self) -> BackupRun {
        BackupRun::create(&self.store, self.new_backup()).await.expect("a backup")
    }

    pub(crate) async fn claimed_backup(&self) -> Claim<BackupRun> {
        let backup = self.backup().await;
        self.claim(backup.id).await.expect("it waits")
    }

    pub(crate) async fn claim(&self, id: BackupId) -> Option<Claim<BackupRun>> {
        BackupRun::claim(&self.store, id, "worker-1", LEASE).await.expect("claimed")
    }

    /// A completed backup that is a baseline.
    pub(crate) async fn baseline(&self, coordinates: &str) -> BackupRun {
        let claim = self.claimed_backup().await;
        let prefix = format!("backups/{}/", claim.run.id);
        claim.token.set_location(&self.store, &format!("s3://b/{prefix}"), &prefix).await.expect("a prefix");
        let outcome = outcome(Some(coordinates.parse().unwrap()));
        BackupRun::complete(&self.store, &claim.token, outcome).await.expect("completed")
    }

    pub(crate) fn new_pitr(&self, baseline_id: Option<BackupId>) -> NewPitr {
        NewPitr {
            tenant_id: self.tenant,
            server_id: self.server,
            target: CutTarget::Time(now()),
            tables_filter: Some("shop.orders".to_owned()),
            allow_gaps: false,
            baseline_id,
            traceparent: None,
        }
    }

    pub(crate) async fn row(&self, token: &FencingToken) -> BackupRun {
        BackupRun::by_id(&self.store, BackupId(token.run_id())).await.unwrap().unwrap()
    }

    pub(crate) async fn pitr(&self, id: backtrail_domain::PitrId) -> PitrRun {
        PitrRun::by_id(&self.store, id).await.unwrap().unwrap()
    }

    /// Makes every lease one that has expired.
    pub(crate) async fn expire_leases(&self) {
        self.sql("UPDATE runs SET lease_expires_at = now() - interval '1 second' WHERE lease_expires_at IS NOT NULL")
            .await;
        self.sql("UPDATE agents SET lease_expires_at = now() - interval '1 second' WHERE holder IS NOT NULL").await;
    }
}

/// Now, as precisely as the database keeps it.
pub(crate) fn now() -> OffsetDateTime {
    let now = OffsetDateTime::now_utc();
    now.replace_microsecond(now.microsecond()).expect("a microsecond")
}

pub(crate) fn new_server(tenant_id: TenantId, name: &str) -> NewServer {
    NewServer {
        tenant_id,
        name: name.to_owned(),
        host: "db.example".to_owned(),
        port: 3306,
        username: "backup".to_owned(),
        password: Some("hunter2-plain".into()),
        tls_mode: "verify_identity".to_owned(),
        tls_ca: None,
    }
}

pub(crate) fn outcome(coordinates: Option<BinlogPosition>) -> BackupOutcome {
    let now = now();
    BackupOutcome {
        size_bytes: 26_000_000,
        file_count: 12,
        progress: serde_json::json!({"bytes_done": 7, "bytes_expected": 7}),
        manifest: json!({"version": 1, "source": {"identity": "mariadb-77"}}),
        coordinates,
        gtid_set: Some("0-77-485".parse().unwrap()),
        consistent: true,
        snapshot_from: Some(now - Duration::from_secs(2)),
        consistent_at: Some(now),
        timeline: Some(timeline(1)),
        warnings: vec![],
        tool_log: Some("a line with a NUL \0 in it".to_owned()),
    }
}

pub(crate) fn timeline(number: u32) -> Timeline {
    Timeline { identity: "mariadb-77".to_owned(), number }
}

/// A segment `file:start-end` with ten row changes.
pub(crate) fn segment(range: &str, rotated_to: Option<&str>) -> NewSegment {
    let (file, range) = range.split_once(':').unwrap();
    let (start, end) = range.split_once('-').unwrap();
    let now = now();
    NewSegment {
        timeline: timeline(1),
        file: file.parse().unwrap(),
        start: start.parse().unwrap(),
        end: end.parse().unwrap(),
        rotated_to: rotated_to.map(|file| file.parse().unwrap()),
        key: format!("binlogs/{file}/{start}-{end}"),
        size_bytes: 100,
        content_size: 300,
        sha256: [7; 32],
        gtid_before: None,
        gtid_after: Some("0-77-485".parse().unwrap()),
        first_commit_at: Some(now - Duration::from_secs(60)),
        last_commit_at: Some(now),
        first_row_event_at: Some(now - Duration::from_secs(50)),
        last_row_event_at: Some(now - Duration::from_secs(5)),
        events: 40,
        row_changes: 10,
        tables: json!({"shop.orders": {"rows": 10, "frames": [0]}}),
        file_created_at: None,
        sealed_at: now,
    }
}
