//! Rows as workers and agents would have written them.

use std::time::Duration;

use backtrail_domain::{BackupId, CutTarget, PitrId, ServerId, TenantId};
use backtrail_store::{
    AgentLease, BackupOutcome, BackupRun, Heartbeat, NewBackup, NewPitr, NewSegment, NewServer, PitrRun, SealingKey,
    Segment, Server, Store, agents,
};
use serde_json::{Value, json};
use time::OffsetDateTime;

pub(crate) const LEASE: Duration = Duration::from_secs(60);

pub(crate) fn sealing_key() -> SealingKey {
    SealingKey::from_hex(&"5a".repeat(32).into()).unwrap()
}

/// A server that nobody has looked at.
pub(crate) async fn server(store: &Store, tenant_id: TenantId, name: &str) -> ServerId {
    let new = NewServer {
        tenant_id,
        name: name.to_owned(),
        host: "db.example.com".to_owned(),
        port: 3306,
        username: "backtrail".to_owned(),
        password: Some("hunter2".into()),
        tls_mode: "preferred".to_owned(),
        tls_ca: None,
    };
    Server::create(store, &sealing_key(), new).await.unwrap().id
}

pub(crate) async fn backup(store: &Store, tenant_id: TenantId, server_id: ServerId) -> BackupId {
    let new = NewBackup {
        tenant_id,
        server_id,
        backup_tool: "mydumper".to_owned(),
        retention_days: 30,
        s3_prefix: None,
        traceparent: None,
    };
    BackupRun::create(store, new).await.unwrap().id
}

/// Completes a backup with two files of two tables, whose place in the binary log is `binlog.000001:1000`.
pub(crate) async fn complete_backup(store: &Store, id: BackupId, consistent_at: OffsetDateTime) -> BackupRun {
    let claim = BackupRun::claim(store, id, "test", LEASE).await.unwrap().unwrap();
    let prefix = format!("backups/{}/", id);
    claim.token.set_location(store, &format!("s3://bucket/{prefix}"), &prefix).await.unwrap();
    let outcome = BackupOutcome {
        size_bytes: 26_000_000,
        file_count: 2,
        progress: serde_json::json!({"bytes_done": 7, "bytes_expected": 7}),
        manifest: manifest(&claim.run),
        coordinates: Some("binlog.000001:1000".parse().unwrap()),
        gtid_set: Some("0-1-10".parse().unwrap()),
        consistent: true,
        snapshot_from: Some(consistent_at),
        consistent_at: Some(consistent_at),
        timeline: Some("mariadb-1-1".parse().unwrap()),
        warnings: Vec::new(),
        tool_log: Some("** Message: done".to_owned()),
    };
    BackupRun::complete(store, &claim.token, outcome).await.unwrap()
}

fn manifest(run: &BackupRun) -> Value {
    let file = |table: &str| {
        json!({
            "name": format!("{table}.00000.sql.zst"), "size": 100, "sha256": "ab".repeat(32), "content_size": 1000,
            "rows": 10, "table": table,
        })
    };
    json!({
        "version": 1, "backup_id": run.id, "tenant_id": run.tenant_id, "server_id": run.server_id,
        "source": { "flavour": "mariadb", "version": "10.11.6-MariaDB", "identity": "mariadb-1" },
        "tool": "mydumper 0.10.1", "started_at": "2026-04-13T02:00:00Z", "completed_at": "2026-04-13T02:00:04Z",
        "coordinates": { "file": "binlog.000001", "position": 1000, "gtid_set": "0-1-10" },
        "consistency": { "lock_mode": "ftwrl", "consistent": true },
        "tables": { "mydb.orders": 10, "mydb.customers": 10 }, "files": [file("mydb.customers"), file("mydb.orders")],
    })
}

pub(crate) async fn pitr(store: &Store, tenant_id: TenantId, server_id: ServerId, target: OffsetDateTime) -> PitrId {
    let new = NewPitr {
        tenant_id,
        server_id,
        target: CutTarget::Time(target),
        tables_filter: None,
        allow_gaps: false,
        baseline_id: None,
        traceparent: None,
    };
    PitrRun::create(store, new).await.unwrap().id
}

/// Takes the only server there is, as its agent.
pub(crate) async fn lease(store: &Store) -> AgentLease {
    agents::acquire(store, "test", LEASE, 1).await.unwrap().pop().unwrap()
}

/// Archives `binlog.000001` from `start` to `end`, with row changes at the two instants, and reports it as covered.
pub(crate) async fn segment(
    store: &Store,
    lease: &AgentLease,
    range: (u64, u64),
    times: (OffsetDateTime, OffsetDateTime),
) {
    let (start, end) = range;
    let (first, last) = (Some(times.0), Some(times.1));
    let new = NewSegment {
        timeline: "mariadb-1-1".parse().unwrap(),
        file: "binlog.000001".parse().unwrap(),
        start,
        end,
        rotated_to: None,
        key: format!("binlogs/{start:020}-{end:020}.binlog.zst"),
        size_bytes: 5_000,
        content_size: end - start,
        sha256: [7; 32],
        gtid_before: None,
        gtid_after: None,
        first_commit_at: first,
        last_commit_at: last,
        first_row_event_at: first,
        last_row_event_at: last,
        events: 40,
        row_changes: 20,
        tables: json!({}),
        file_created_at: None,
        sealed_at: OffsetDateTime::now_utc(),
    };
    Segment::append(store, &lease.token, new, None, false).await.unwrap();
    covered(store, lease, times.1).await;
}

pub(crate) async fn covered(store: &Store, lease: &AgentLease, until: OffsetDateTime) {
    let heartbeat = Heartbeat {
        covered_until: Some(until),
        timeline: Some("mariadb-1-1".parse().unwrap()),
        ..Heartbeat::default()
    };
    lease.token.heartbeat(store, &heartbeat).await.unwrap();
}
