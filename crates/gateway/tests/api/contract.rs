//! The contract's own examples, word for word: every path, body, default, status and field.

use serde_json::{Value, json};
use time::Duration;
use time::OffsetDateTime;

use crate::seed;
use crate::support::TestApi;

/// What a value must be.
type Kind = fn(&Value) -> bool;

/// Checks that an object has these fields, with values of these kinds, and gives it back.
#[track_caller]
fn has(object: &Value, fields: &[(&str, Kind)]) {
    for (name, kind) in fields {
        let value = object.get(name).unwrap_or_else(|| panic!("`{name}` is missing in {object}"));
        assert!(kind(value), "`{name}` is {value}");
    }
}

fn uuid(value: &Value) -> bool {
    value.as_str().is_some_and(|text| text.len() == 36 && uuid::Uuid::parse_str(text).is_ok())
}

/// `2026-04-13T02:00:00Z`, nothing else.
fn second(value: &Value) -> bool {
    value.as_str().is_some_and(|text| text.len() == 20 && text.ends_with('Z') && text.as_bytes()[10] == b'T')
}

fn text(value: &Value) -> bool {
    value.is_string()
}

fn number(value: &Value) -> bool {
    value.is_u64()
}

fn null(value: &Value) -> bool {
    value.is_null()
}

fn boolean(value: &Value) -> bool {
    value.is_boolean()
}

#[tokio::test]
async fn trigger_backup() {
    let api = TestApi::start().await;
    let server = seed::server(&api.store, api.tenant, "production-db").await;
    let started = api.admin.post("/backup", json!({ "server_id": server })).await.expect(202);
    assert_eq!(started.as_object().unwrap().len(), 2);
    has(&started, &[("backup_id", uuid)]);
    assert_eq!(started["status"], "running");
}

#[tokio::test]
async fn schedules() {
    let api = TestApi::start().await;
    let server = seed::server(&api.store, api.tenant, "production-db").await;
    let body = json!({
        "server_id": server, "schedule_cron": "0 2 * * *", "backup_tool": "mydumper", "retention_days": 30, "s3_prefix": null,
    });
    let created = api.admin.post("/backup/schedules", body).await.expect(201);
    let fields: &[(&str, Kind)] = &[
        ("id", uuid),
        ("server_id", uuid),
        ("server_name", text),
        ("schedule_cron", text),
        ("backup_tool", text),
        ("retention_days", number),
        ("s3_prefix", null),
        ("enabled", boolean),
        ("last_run", null),
        ("last_status", null),
        ("created_at", second),
    ];
    has(&created, fields);
    assert_eq!(created["server_name"], "production-db");
    assert_eq!(created["schedule_cron"], "0 2 * * *");
    assert_eq!(created["backup_tool"], "mydumper");
    assert_eq!(created["retention_days"], 30);
    assert_eq!(created["enabled"], true);

    // Only what is required; the rest has the defaults.
    let short = json!({ "server_id": server, "schedule_cron": "0 2 * * *" });
    let defaulted = api.admin.post("/backup/schedules", short).await.expect(201);
    for field in ["backup_tool", "retention_days", "s3_prefix", "enabled"] {
        assert_eq!(defaulted[field], created[field], "{field}");
    }

    let listed = api.admin.get("/backup/schedules").await.expect(200);
    assert_eq!(listed, json!([created, defaulted]));

    let path = format!("/backup/schedules/{}", created["id"].as_str().unwrap());
    let change = json!({ "enabled": false, "retention_days": 7, "schedule_cron": "0 3 * * 0" });
    let changed = api.admin.patch(&path, change).await.expect(200);
    assert_eq!((&changed["enabled"], &changed["retention_days"]), (&json!(false), &json!(7)));
    assert_eq!(changed["schedule_cron"], "0 3 * * 0");
    assert_eq!((&changed["id"], &changed["created_at"]), (&created["id"], &created["created_at"]));

    let deleted = api.admin.delete(&path).await;
    assert_eq!((deleted.status.as_u16(), deleted.text.as_str()), (204, ""));
    api.admin.delete(&path).await.problem(404, "not_found");
}

#[tokio::test]
async fn backup_history() {
    let api = TestApi::start().await;
    let server = seed::server(&api.store, api.tenant, "production-db").await;
    let id = seed::backup(&api.store, api.tenant, server).await;
    let running = api.admin.get(&format!("/backup/history/{id}")).await.expect(200);
    has(
        &running,
        &[
            ("schedule_id", null),
            ("s3_path", null),
            ("size_bytes", null),
            ("duration_ms", null),
            ("completed_at", null),
        ],
    );
    assert_eq!((&running["status"], &running["phase"]), (&json!("running"), &json!("queued")));

    seed::complete_backup(&api.store, id, OffsetDateTime::now_utc()).await;
    let entry = api.admin.get(&format!("/backup/history/{id}")).await.expect(200);
    has(
        &entry,
        &[
            ("id", uuid),
            ("schedule_id", null),
            ("server_id", uuid),
            ("server_name", text),
            ("backup_tool", text),
            ("status", text),
            ("phase", text),
            ("s3_path", text),
            ("size_bytes", number),
            ("duration_ms", number),
            ("error_message", null),
            ("started_at", second),
            ("completed_at", second),
        ],
    );
    assert_eq!((&entry["status"], &entry["phase"]), (&json!("completed"), &json!("complete")));
    assert_eq!(entry["size_bytes"], 26_000_000);
    // A list leaves out what may be long.
    let mut listed = entry.clone();
    listed.as_object_mut().unwrap().remove("tool_log");
    assert_eq!(api.admin.get("/backup/history").await.expect(200), json!([listed]));
}

#[tokio::test]
async fn pitr() {
    let api = TestApi::start().await;
    let server = seed::server(&api.store, api.tenant, "production-db").await;
    let base = OffsetDateTime::now_utc() - Duration::hours(2);
    let backup = seed::backup(&api.store, api.tenant, server).await;
    seed::complete_backup(&api.store, backup, base).await;
    let lease = seed::lease(&api.store).await;
    seed::segment(&api.store, &lease, (4, 50_000), (base, base + Duration::HOUR)).await;

    let target = (base + Duration::minutes(30)).replace_nanosecond(0).unwrap();
    let target = target.format(&time::format_description::well_known::Rfc3339).unwrap();
    let body = json!({ "target_time": target, "tables": "mydb.orders,mydb.customers", "allow_gaps": false });
    let path = format!("/servers/{server}/pitr");
    let started = api.admin.post(&path, body.clone()).await.expect(202);
    assert_eq!(started.as_object().unwrap().len(), 2);
    has(&started, &[("pitr_id", uuid)]);
    assert_eq!(started["status"], "running");
    api.admin.post(&path, body).await.problem(409, "pitr_already_running");

    let listed = api.admin.get(&path).await.expect(200);
    has(
        &listed[0],
        &[
            ("id", uuid),
            ("server_id", uuid),
            ("server_name", text),
            ("target_time", second),
            ("tables_filter", text),
            ("status", text),
            ("phase", text),
            ("s3_path", null),
            ("size_bytes", null),
            ("file_count", null),
            ("duration_ms", null),
            ("error_message", null),
            ("started_at", second),
            ("completed_at", null),
        ],
    );
    assert_eq!(listed[0]["target_time"], target);
    assert_eq!(listed[0]["tables_filter"], "mydb.orders,mydb.customers");
    let entry = api.admin.get(&format!("{path}/{}", started["pitr_id"].as_str().unwrap())).await.expect(200);
    assert_eq!(json!([entry]), listed);
}

#[tokio::test]
async fn coverage() {
    let api = TestApi::start().await;
    let server = seed::server(&api.store, api.tenant, "production-db").await;
    let path = format!("/servers/{server}/pitr/coverage");
    let empty = api.admin.get(&path).await.expect(200);
    has(&empty, &[("oldest_event", null), ("latest_event", null), ("total_events", number), ("available", boolean)]);
    assert_eq!((&empty["total_events"], &empty["available"]), (&json!(0), &json!(false)));

    let base = time::macros::datetime!(2026-03-16 01:00:00.7 UTC);
    let lease = seed::lease(&api.store).await;
    seed::segment(&api.store, &lease, (4, 50_000), (base, base + Duration::HOUR)).await;
    let coverage = api.admin.get(&path).await.expect(200);
    assert_eq!(coverage["oldest_event"], "2026-03-16T01:00:00");
    assert_eq!(coverage["latest_event"], "2026-03-16T02:00:00");
    assert_eq!((&coverage["total_events"], &coverage["available"]), (&json!(20), &json!(true)));
    assert_eq!(coverage["covered_until"], "2026-03-16T02:00:00.7Z");
    for list in ["gaps", "recoverable_windows", "baselines"] {
        assert_eq!(coverage[list], json!([]), "{list}");
    }
}
