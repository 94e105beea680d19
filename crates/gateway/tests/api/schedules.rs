//! `/backup/schedules`.

use serde_json::{Value, json};

use crate::seed;
use crate::support::TestApi;

async fn schedule(api: &TestApi, more: Value) -> crate::support::Answer {
    let server = api.admin.get("/servers").await.expect(200)[0]["id"].clone();
    let mut body = json!({ "server_id": server, "schedule_cron": "0 2 * * *" });
    for (name, value) in more.as_object().unwrap() {
        body[name] = value.clone();
    }
    api.admin.post("/backup/schedules", body).await
}

#[tokio::test]
async fn wrong_schedules() {
    let api = TestApi::start().await;
    seed::server(&api.store, api.tenant, "a").await;
    for (body, pointers) in [
        (json!({ "schedule_cron": "0 2 * *" }), ["/schedule_cron"].as_slice()),
        (json!({ "schedule_cron": "0 0 2 * * *" }), &["/schedule_cron"]),
        (json!({ "schedule_cron": "0 0 L * *" }), &["/schedule_cron"]),
        (json!({ "schedule_cron": "0 0 * * 1#2" }), &["/schedule_cron"]),
        (json!({ "schedule_cron": "0 0 15W * *" }), &["/schedule_cron"]),
        (json!({ "schedule_cron": "0 0 30 2 *" }), &["/schedule_cron"]),
        (json!({ "schedule_cron": "" }), &["/schedule_cron"]),
        (json!({ "schedule_cron": null }), &["/schedule_cron"]),
        (json!({ "retention_days": 0 }), &["/retention_days"]),
        (json!({ "retention_days": 366 }), &["/retention_days"]),
        (json!({ "retention_days": 7.5 }), &["/retention_days"]),
        (json!({ "retention_days": "30" }), &["/retention_days"]),
        (json!({ "backup_tool": "xtrabackup" }), &["/backup_tool"]),
        (json!({ "s3_prefix": "/x" }), &["/s3_prefix"]),
        (json!({ "s3_prefix": "a/../b" }), &["/s3_prefix"]),
        (json!({ "enabled": "yes" }), &["/enabled"]),
        (json!({ "timezone": "Mars/Olympus" }), &["/timezone"]),
        (json!({ "missed_run_policy": "run_all" }), &["/missed_run_policy"]),
        (json!({ "jitter_seconds": 3601 }), &["/jitter_seconds"]),
        (json!({ "server_id": 7 }), &["/server_id"]),
        (json!({ "retention": 30, "timezone": "x" }), &["/timezone", "/retention"]),
    ] {
        schedule(&api, body).await.invalid(pointers);
    }
    assert_eq!(api.admin.get("/backup/schedules").await.expect(200), json!([]));
    api.admin.post("/backup/schedules", json!({})).await.invalid(&["/server_id", "/schedule_cron"]);
}

#[tokio::test]
async fn limits_are_inclusive() {
    let api = TestApi::start().await;
    seed::server(&api.store, api.tenant, "a").await;
    for days in [1, 365] {
        let created = schedule(&api, json!({ "retention_days": days })).await.expect(201);
        assert_eq!(created["retention_days"], days);
    }
}

#[tokio::test]
async fn every_field() {
    let api = TestApi::start().await;
    seed::server(&api.store, api.tenant, "a").await;
    let given = json!({
        "schedule_cron": "30 2 * * 1-5", "retention_days": 14, "s3_prefix": "team-a/nightly", "enabled": false,
        "timezone": "Europe/Berlin", "missed_run_policy": "skip", "jitter_seconds": 300,
    });
    let created = schedule(&api, given.clone()).await.expect(201);
    for (name, value) in given.as_object().unwrap() {
        assert_eq!(&created[name], value, "{name}");
    }
    assert_eq!(created["next_run_at"], Value::Null, "a disabled schedule has no next slot");
    let path = format!("/backup/schedules/{}", created["id"].as_str().unwrap());
    let enabled = api.admin.patch(&path, json!({ "enabled": true })).await.expect(200);
    assert!(enabled["next_run_at"].is_string());
}

#[tokio::test]
async fn a_patch_changes_only_what_it_names() {
    let api = TestApi::start().await;
    seed::server(&api.store, api.tenant, "a").await;
    let created = schedule(&api, json!({ "s3_prefix": "team-a", "retention_days": 14 })).await.expect(201);
    let path = format!("/backup/schedules/{}", created["id"].as_str().unwrap());

    let untouched = api.admin.patch(&path, json!({})).await.expect(200);
    assert_eq!(untouched, created);
    let kept = api.admin.patch(&path, json!({ "retention_days": 7 })).await.expect(200);
    assert_eq!((&kept["s3_prefix"], &kept["retention_days"]), (&json!("team-a"), &json!(7)));
    let cleared = api.admin.patch(&path, json!({ "s3_prefix": null })).await.expect(200);
    assert_eq!((&cleared["s3_prefix"], &cleared["retention_days"]), (&Value::Null, &json!(7)));

    for (body, pointers) in [
        (json!({ "retention_days": null }), ["/retention_days"].as_slice()),
        (json!({ "enabled": null }), &["/enabled"]),
        (json!({ "schedule_cron": "x" }), &["/schedule_cron"]),
        (json!({ "server_id": created["server_id"] }), &["/server_id"]),
    ] {
        api.admin.patch(&path, body).await.invalid(pointers);
    }
}

#[tokio::test]
async fn a_schedule_needs_a_server() {
    let api = TestApi::start().await;
    let server = seed::server(&api.store, api.tenant, "a").await;
    schedule(&api, json!({ "server_id": uuid::Uuid::nil() })).await.problem(404, "not_found");
    api.admin.delete(&format!("/servers/{server}")).await.expect(204);
    let body = json!({ "server_id": server, "schedule_cron": "0 2 * * *" });
    api.admin.post("/backup/schedules", body).await.problem(404, "not_found");
}
