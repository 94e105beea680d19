//! `/servers`.

use backtrail_devstack::shared;
use backtrail_store::Server;
use serde_json::{Value, json};

use crate::seed;
use crate::support::TestApi;

/// A port on which nobody listens.
fn closed_port() -> u16 {
    std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

#[tokio::test]
async fn registering_a_server_looks_at_it() {
    let api = TestApi::start().await;
    let source = shared::mariadb().await.unwrap();
    source
        .execute([
            "CREATE DATABASE IF NOT EXISTS preflight",
            "CREATE TABLE IF NOT EXISTS preflight.t (id INT PRIMARY KEY)",
        ])
        .await
        .unwrap();
    let body = json!({
        "name": "production-db", "host": source.host, "port": source.port, "username": source.user,
        "password": source.password, "tls_mode": "disabled",
    });
    let answer = api.admin.post("/servers", body).await;
    assert!(!answer.text.contains(&source.password));
    let server = answer.expect(201);
    assert_eq!((&server["has_password"], server.get("password")), (&json!(true), None));
    assert_eq!(server["tenant_id"], api.tenant.to_string());
    let report = &server["preflight"];
    assert_eq!((&report["reachable"], &report["log_bin"]), (&json!(true), &json!(true)), "{report}");
    assert_eq!((&report["binlog_format"], &report["binlog_row_image"]), (&json!("ROW"), &json!("FULL")));
    assert!(report["version"].as_str().unwrap().contains("MariaDB"));
    let stored = Server::by_id(&api.store, server["id"].as_str().unwrap().parse().unwrap()).await.unwrap().unwrap();
    assert_eq!(report["binlog_position"], stored.first_place.unwrap().position.to_string());
    let tables = report["tables"].as_array().unwrap();
    assert!(tables.iter().any(|table| table["schema"] == "preflight" && table["promise"] == "exact"), "{report}");

    let path = format!("/servers/{}", server["id"].as_str().unwrap());
    assert_eq!(api.admin.get(&path).await.expect(200), server);
    let listed = api.admin.get("/servers").await.expect(200);
    assert_eq!(listed[0]["id"], server["id"]);
    assert_eq!(listed[0]["preflight"].get("tables"), None);

    source.execute(["CREATE TABLE IF NOT EXISTS preflight.later (id INT PRIMARY KEY)"]).await.unwrap();
    let checked = api.admin.post(&format!("{path}/check"), json!({})).await.expect(200);
    let later = checked["preflight"]["tables"].as_array().unwrap().iter().find(|table| table["table"] == "later");
    assert!(later.is_some());
    assert_eq!(checked["updated_at"], server["updated_at"], "a check changes nothing of the server");
}

#[tokio::test]
async fn a_wrong_password_is_a_report_without_the_password() {
    let api = TestApi::start().await;
    let source = shared::mariadb().await.unwrap();
    let body = json!({
        "name": "a", "host": source.host, "port": source.port, "username": source.user, "password": "hunter2-wrong",
        "tls_mode": "disabled",
    });
    let answer = api.admin.post("/servers", body).await;
    assert!(!answer.text.contains("hunter2"));
    assert_eq!(answer.expect(201)["preflight"]["reachable"], false);
}

#[tokio::test]
async fn a_server_that_cannot_be_reached_is_registered() {
    let api = TestApi::start().await;
    let body = json!({ "name": "a", "host": "127.0.0.1", "port": closed_port(), "username": "u" });
    let server = api.admin.post("/servers", body).await.expect(201);
    assert_eq!(server["preflight"]["reachable"], false);
    assert_eq!((&server["has_password"], &server["tls_mode"]), (&json!(false), &json!("preferred")));
    // Its backup starts all the same; the worker will tell.
    api.admin.post("/backup", json!({ "server_id": server["id"] })).await.expect(202);
}

#[tokio::test]
async fn names_are_unique_among_servers_that_are_there() {
    let api = TestApi::start().await;
    let first = seed::server(&api.store, api.tenant, "a").await;
    let body = json!({ "name": "a", "host": "127.0.0.1", "port": closed_port(), "username": "u" });
    let problem = api.admin.post("/servers", body.clone()).await.problem(409, "server_name_taken");
    assert_eq!(problem["errors"][0]["pointer"], "/name");
    let other = seed::server(&api.store, api.tenant, "b").await;
    api.admin.patch(&format!("/servers/{other}"), json!({ "name": "a" })).await.problem(409, "server_name_taken");
    api.admin.delete(&format!("/servers/{first}")).await.expect(204);
    api.admin.post("/servers", body).await.expect(201);
}

#[tokio::test]
async fn wrong_servers() {
    let api = TestApi::start().await;
    api.admin.post("/servers", json!({})).await.invalid(&["/name", "/host", "/username"]);
    let good = json!({ "name": "a", "host": "db.example.com", "username": "u" });
    for (field, value) in [
        ("name", json!("")),
        ("name", json!("x".repeat(101))),
        ("name", json!(" a")),
        ("host", json!("db:3306")),
        ("host", json!("http://db")),
        ("host", json!("10.0.0.256")),
        ("port", json!(0)),
        ("port", json!(65536)),
        ("port", json!("3306")),
        ("username", json!("")),
        ("username", json!("a\u{0}b")),
        ("password", json!(7)),
        ("password", json!("")),
        ("tls_mode", json!("sometimes")),
        ("tls_ca", json!("no PEM")),
        ("tenant_id", json!(api.tenant)),
    ] {
        let mut body = good.clone();
        body[field] = value;
        api.admin.post("/servers", body).await.invalid(&[&format!("/{field}")]);
    }
    assert_eq!(api.admin.get("/servers").await.expect(200), json!([]));
}

#[tokio::test]
async fn a_saved_password_goes_nowhere_else() {
    let api = TestApi::start().await;
    let body =
        json!({ "name": "a", "host": "127.0.0.1", "port": closed_port(), "username": "u", "password": "hunter2" });
    let server = api.admin.post("/servers", body).await.expect(201);
    let path = format!("/servers/{}", server["id"].as_str().unwrap());
    for change in [json!({ "host": "localhost" }), json!({ "port": closed_port() }), json!({ "username": "root" })] {
        let problem = api.admin.patch(&path, change).await.problem(422, "password_required");
        assert_eq!(problem["errors"][0]["pointer"], "/password");
    }
    assert_eq!(api.admin.get(&path).await.expect(200), server, "nothing was changed");
    // The same values are no change.
    let same = json!({ "host": "127.0.0.1", "username": "u", "name": "b" });
    assert_eq!(api.admin.patch(&path, same).await.expect(200)["has_password"], true);
    // With a password, or without needing one, it may move.
    let moved = json!({ "host": "localhost", "password": "hunter3" });
    let moved = api.admin.patch(&path, moved).await.expect(200);
    assert_eq!((&moved["host"], &moved["has_password"]), (&json!("localhost"), &json!(true)));
    let forgotten = api.admin.patch(&path, json!({ "username": "root", "password": null })).await.expect(200);
    assert_eq!(forgotten["has_password"], false);
    api.admin.patch(&path, json!({ "host": "127.0.0.1" })).await.expect(200);
}

#[tokio::test]
async fn a_removed_server_keeps_its_history() {
    let api = TestApi::start().await;
    let server = seed::server(&api.store, api.tenant, "a").await;
    let backup = seed::backup(&api.store, api.tenant, server).await;
    seed::complete_backup(&api.store, backup, time::OffsetDateTime::now_utc()).await;
    let path = format!("/servers/{server}");
    api.admin.delete(&path).await.expect(204);
    api.admin.get(&path).await.problem(404, "not_found");
    api.admin.delete(&path).await.problem(404, "not_found");
    api.admin.patch(&path, json!({ "name": "b" })).await.problem(404, "not_found");
    api.admin.post("/backup", json!({ "server_id": server })).await.problem(404, "not_found");
    let target = json!({ "target_time": "2026-04-10T14:30:00Z" });
    api.admin.post(&format!("{path}/pitr"), target).await.problem(404, "not_found");
    assert_eq!(api.admin.get("/servers").await.expect(200), json!([]));
    assert_eq!(api.admin.get(&format!("/backup/history/{backup}")).await.expect(200)["server_name"], "a");
    assert_eq!(api.admin.get(&format!("{path}/pitr")).await.expect(200), Value::Array(Vec::new()));
    api.admin.get(&format!("{path}/pitr/coverage")).await.expect(200);
}
