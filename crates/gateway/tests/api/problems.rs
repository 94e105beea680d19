//! What is wrong with a request before any route has looked at it.

use reqwest::Method;
use serde_json::json;

use crate::support::{TestApi, send};

#[tokio::test]
async fn problem_documents() {
    let api = TestApi::start().await;
    let admin = &api.admin;
    let raw = |body: &str| admin.request(Method::POST, "/backup").body(body.to_owned());
    let mut shown = Vec::new();
    let mut show = |name: &str, body: serde_json::Value| shown.push(json!({ "case": name, "answer": body }));

    show("malformed JSON", send(raw("{\"server_id\":")).await.problem(400, "malformed_json"));
    show("not an object", send(raw("[1]")).await.problem(422, "validation_failed"));
    show("no body", send(raw("")).await.problem(422, "validation_failed"));
    show(
        "no UUID and an unknown field",
        admin.post("/backup", json!({ "server_id": "42", "servers": [] })).await.problem(422, "validation_failed"),
    );
    show(
        "unknown server",
        admin.post("/backup", json!({ "server_id": uuid::Uuid::nil() })).await.problem(404, "not_found"),
    );
    show("unknown path", admin.get("/backups").await.problem(404, "not_found"));
    show("unknown path outside the API", admin.get("//").await.problem(404, "not_found"));
    show(
        "wrong query",
        admin.get("/backup/history?limit=201&since=yesterday&page=2").await.problem(422, "validation_failed"),
    );
    show("no key", api.with_key(None).get("/servers").await.problem(401, "unauthorized"));
    let wrong_method = send(admin.request(Method::PUT, "/backup/schedules")).await;
    assert_eq!(wrong_method.headers["allow"], "GET, POST");
    show("wrong method", wrong_method.problem(405, "method_not_allowed"));

    insta::assert_json_snapshot!(shown);
}

#[tokio::test]
async fn a_body_that_is_too_large() {
    let api = TestApi::start().await;
    let padded = |size: usize| format!("{{\"server_id\":\"{}\"{}}}", uuid::Uuid::nil(), " ".repeat(size));
    let post = |body: String| send(api.admin.request(Method::POST, "/backup").body(body));
    post(padded(60_000)).await.problem(404, "not_found");
    post(padded(70_000)).await.problem(413, "payload_too_large");
}

#[tokio::test]
async fn an_unknown_path_needs_no_key() {
    let api = TestApi::start().await;
    api.with_key(None).get("/nowhere").await.problem(404, "not_found");
    api.with_key(Some("bt_live_nonsense")).get("//docs/x").await.problem(404, "not_found");
}
