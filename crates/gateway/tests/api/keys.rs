//! `/keys`.

use backtrail_domain::Permission;
use serde_json::{Value, json};

use crate::support::TestApi;

#[tokio::test]
async fn a_key_is_shown_once() {
    let api = TestApi::start().await;
    let created = api.admin.post("/keys", json!({ "name": "ci", "role": "operator" })).await.expect(201);
    let key = created["key"].as_str().unwrap();
    assert_eq!(key.len(), 40);
    assert!(key.starts_with(created["prefix"].as_str().unwrap()));
    assert_eq!(created["permissions"], json!(["servers:read", "servers:write", "backup:create"]));
    let client = api.with_key(Some(key));
    client.get("/backup/history").await.expect(200);
    client.get("/keys").await.problem(403, "permission_missing");

    let listed = api.admin.get("/keys").await;
    assert!(!listed.text.contains(key));
    let listed = listed.expect(200);
    let entry = listed.as_array().unwrap().iter().find(|entry| entry["id"] == created["id"]).unwrap();
    assert_eq!(entry.get("key"), None);
    assert!(entry["last_used_at"].is_string());
    assert_eq!(entry["role"], "operator");
}

#[tokio::test]
async fn a_revoked_key_is_invalid_at_once() {
    let api = TestApi::start().await;
    let created = api.admin.post("/keys", json!({ "name": "ci", "permissions": ["keys:manage"] })).await.expect(201);
    assert_eq!((&created["role"], &created["permissions"]), (&Value::Null, &json!(["keys:manage"])));
    let client = api.with_key(created["key"].as_str());
    let path = format!("/keys/{}", created["id"].as_str().unwrap());
    client.delete(&path).await.expect(204);
    client.get("/keys").await.problem(401, "unauthorized");
    api.admin.delete(&path).await.expect(204);
    api.admin.delete(&format!("/keys/{}", uuid::Uuid::nil())).await.problem(404, "not_found");
}

#[tokio::test]
async fn a_key_gives_no_more_than_it_has() {
    let api = TestApi::start().await;
    let client = api.client(api.tenant, &[Permission::KeysManage, Permission::ServersRead]).await;
    client.post("/keys", json!({ "name": "a", "role": "viewer" })).await.expect(201);
    client.post("/keys", json!({ "name": "b", "role": "admin" })).await.problem(403, "permission_missing");
    client
        .post("/keys", json!({ "name": "c", "permissions": ["backup:create"] }))
        .await
        .problem(403, "permission_missing");
}

#[tokio::test]
async fn wrong_keys() {
    let api = TestApi::start().await;
    for (body, pointers) in [
        (json!({}), ["/name", "/role"].as_slice()),
        (json!({ "name": "", "role": "viewer" }), &["/name"]),
        (json!({ "name": "x", "role": "root" }), &["/role"]),
        (json!({ "name": "x", "permissions": [] }), &["/permissions"]),
        (json!({ "name": "x", "permissions": ["all"] }), &["/permissions"]),
        (json!({ "name": "x", "permissions": "servers:read" }), &["/permissions"]),
        (json!({ "name": "x", "role": "viewer", "permissions": ["servers:read"] }), &["/permissions"]),
        (json!({ "name": "x", "role": "viewer", "expires_at": "2026-04-10T14:30:00" }), &["/expires_at"]),
        (json!({ "name": "x", "role": "viewer", "expires_at": "2020-04-10T14:30:00Z" }), &["/expires_at"]),
    ] {
        api.admin.post("/keys", body).await.invalid(pointers);
    }
}
