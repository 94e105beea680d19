//! `Idempotency-Key`.

use reqwest::Method;
use serde_json::{Value, json};

use crate::seed;
use crate::support::{Answer, Client, TestApi, send};

async fn post(client: &Client, path: &str, key: &str, body: &Value) -> Answer {
    send(client.request(Method::POST, path).header("Idempotency-Key", key).json(body)).await
}

#[tokio::test]
async fn the_first_answer_again() {
    let api = TestApi::start().await;
    let server = seed::server(&api.store, api.tenant, "a").await;
    let body = json!({ "server_id": server });
    let first = post(&api.admin, "/backup", "k1", &body).await;
    assert!(first.headers.get("idempotency-replayed").is_none());
    let again = post(&api.admin, "/backup", "k1", &body).await;
    assert_eq!(again.headers["idempotency-replayed"], "true");
    assert_eq!(again.headers["content-type"], first.headers["content-type"]);
    assert_eq!(again.expect(202), first.expect(202));
    assert_eq!(api.admin.get("/backup/history").await.expect(200).as_array().unwrap().len(), 1);
    // Another key is another request.
    post(&api.admin, "/backup", "k2", &body).await.problem(409, "backup_already_running");
}

#[tokio::test]
async fn another_request_with_the_key_is_refused() {
    let api = TestApi::start().await;
    let (a, b) = (seed::server(&api.store, api.tenant, "a").await, seed::server(&api.store, api.tenant, "b").await);
    post(&api.admin, "/backup", "k", &json!({ "server_id": a })).await.expect(202);
    let body =
        post(&api.admin, "/backup", "k", &json!({ "server_id": b })).await.problem(422, "idempotency_key_reused");
    assert_eq!(body["errors"][0]["pointer"], "Idempotency-Key:");
    let schedule = json!({ "server_id": a, "schedule_cron": "0 2 * * *" });
    post(&api.admin, "/backup/schedules", "k", &schedule).await.problem(422, "idempotency_key_reused");
}

#[tokio::test]
async fn keys_are_apart_by_api_key() {
    let api = TestApi::start().await;
    let rival = api.client(api.other_tenant().await, backtrail_domain::Permission::ALL).await;
    let colleague = api.client(api.tenant, backtrail_domain::Permission::ALL).await;
    let body = json!({ "name": "ci", "role": "viewer" });
    let first = post(&api.admin, "/keys", "k", &body).await.expect(201);
    for client in [rival, colleague] {
        let other = post(&client, "/keys", "k", &body).await;
        assert!(other.headers.get("idempotency-replayed").is_none());
        assert_ne!(first["id"], other.expect(201)["id"]);
    }
}

#[tokio::test]
async fn nobody_is_told_what_he_may_not_ask() {
    let api = TestApi::start().await;
    let body = json!({ "name": "root", "role": "admin" });
    post(&api.admin, "/keys", "k", &body).await.expect(201);
    let viewer = api.client(api.tenant, &[backtrail_domain::Permission::ServersRead]).await;
    post(&viewer, "/keys", "k", &body).await.problem(403, "permission_missing");
}

#[tokio::test]
async fn refusals_are_answers_too() {
    let api = TestApi::start().await;
    let first = post(&api.admin, "/backup", "k", &json!({ "server_id": "42" })).await;
    let again = post(&api.admin, "/backup", "k", &json!({ "server_id": "42" })).await;
    assert_eq!(again.headers["idempotency-replayed"], "true");
    assert_eq!(again.invalid(&["/server_id"]), first.invalid(&["/server_id"]));
    // But not those that say nothing about the request.
    let viewer = api.client(api.tenant, &[backtrail_domain::Permission::ServersRead]).await;
    post(&viewer, "/keys", "k3", &json!({ "name": "x", "role": "viewer" })).await.problem(403, "permission_missing");
    post(&api.admin, "/keys", "k3", &json!({ "name": "x", "role": "viewer" })).await.expect(201);
    post(&api.with_key(None), "/backup", "k4", &json!({})).await.problem(401, "unauthorized");
}

#[tokio::test]
async fn a_new_api_key_is_shown_once_and_not_stored() {
    let api = TestApi::start().await;
    let body = json!({ "name": "ci", "role": "viewer" });
    let mut first = post(&api.admin, "/keys", "k", &body).await.expect(201);
    let again = post(&api.admin, "/keys", "k", &body).await;
    assert_eq!(again.headers["idempotency-replayed"], "true");
    assert!(first.as_object_mut().unwrap().remove("key").is_some_and(|key| key.is_string()));
    assert_eq!(again.expect(201), first);
    assert_eq!(api.admin.get("/keys").await.expect(200).as_array().unwrap().len(), 2);
}

#[tokio::test]
async fn a_server_is_registered_with_its_answer_or_not_at_all() {
    let api = TestApi::start().await;
    // A source that says nothing: the preflight waits for it, and meanwhile another request takes the key over.
    let source = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let body = json!({
        "name": "silent", "host": "127.0.0.1", "port": source.local_addr().unwrap().port(), "username": "u",
        "password": "p",
    });
    let database = api.sql().await;
    let take_over = async {
        let (connection, _) = source.accept().await.unwrap();
        let taken = database.execute("UPDATE idempotency SET begun_at = begun_at + interval '1 second'", &[]);
        assert_eq!(taken.await.unwrap(), 1);
        drop(connection);
    };
    let (first, ()) = tokio::join!(post(&api.admin, "/servers", "k", &body), take_over);
    first.problem(409, "idempotency_key_in_use");
    assert_eq!(api.admin.get("/servers").await.expect(200), json!([]), "a server without its answer");

    database.execute("DELETE FROM idempotency", &[]).await.unwrap();
    drop(source);
    let first = post(&api.admin, "/servers", "k", &body).await.expect(201);
    assert_eq!(first["preflight"]["reachable"], false);
    let again = post(&api.admin, "/servers", "k", &body).await;
    assert_eq!(again.headers["idempotency-replayed"], "true");
    assert_eq!(again.expect(201), first);
    post(&api.admin, "/servers", "k2", &body).await.problem(409, "server_name_taken");
}

#[tokio::test]
async fn wrong_keys() {
    let api = TestApi::start().await;
    for key in ["", "two words", &"x".repeat(256)] {
        post(&api.admin, "/backup", key, &json!({})).await.invalid(&["Idempotency-Key:"]);
    }
}
