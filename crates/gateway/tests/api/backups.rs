//! `/backup` and `/backup/history`.

use backtrail_store::BackupRun;
use serde_json::{Value, json};
use time::{Duration, OffsetDateTime};

use crate::seed;
use crate::support::TestApi;

#[tokio::test]
async fn one_backup_of_a_server_at_a_time() {
    let api = TestApi::start().await;
    let (first, second) =
        (seed::server(&api.store, api.tenant, "a").await, seed::server(&api.store, api.tenant, "b").await);
    api.admin.post("/backup", json!({ "server_id": first })).await.expect(202);
    api.admin.post("/backup", json!({ "server_id": first })).await.problem(409, "backup_already_running");
    api.admin.post("/backup", json!({ "server_id": second })).await.expect(202);
}

#[tokio::test]
async fn a_backup_waits_in_the_outbox_with_its_trace() {
    let api = TestApi::start().await;
    let server = seed::server(&api.store, api.tenant, "a").await;
    let traceparent = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
    let request = api.admin.request(reqwest::Method::POST, "/backup").header("traceparent", traceparent);
    let started = crate::support::send(request.json(&json!({ "server_id": server }))).await.expect(202);
    let waiting = backtrail_store::outbox::relay_batch(&api.store, 10, seed::LEASE).await.unwrap();
    assert_eq!(waiting.len(), 1);
    assert_eq!(started["backup_id"], waiting[0].run_id.to_string());
    let sent = waiting[0].traceparent.as_deref().unwrap();
    assert!(sent.starts_with("00-4bf92f3577b34da6a3ce929d0e0e4736-") && sent != traceparent, "{sent}");
}

/// Backups of a server, newest first.
async fn some_backups(api: &TestApi, name: &str, count: usize) -> (String, Vec<String>) {
    let server = seed::server(&api.store, api.tenant, name).await;
    let mut ids = Vec::new();
    for _ in 0..count {
        let id = seed::backup(&api.store, api.tenant, server).await;
        seed::complete_backup(&api.store, id, OffsetDateTime::now_utc()).await;
        ids.insert(0, id.to_string());
    }
    (server.to_string(), ids)
}

fn ids(list: &Value) -> Vec<&str> {
    list.as_array().unwrap().iter().map(|entry| entry["id"].as_str().unwrap()).collect()
}

#[tokio::test]
async fn history_filters() {
    let api = TestApi::start().await;
    let (server, of_a) = some_backups(&api, "a", 2).await;
    let (_, of_b) = some_backups(&api, "b", 1).await;
    let running = seed::backup(&api.store, api.tenant, server.parse().unwrap()).await.to_string();
    let get = async |query: &str| api.admin.get(&format!("/backup/history?{query}")).await.expect(200);

    assert_eq!(ids(&get("").await), [&running, &of_b[0], &of_a[0], &of_a[1]]);
    assert_eq!(ids(&get(&format!("server_id={server}")).await), [&running, &of_a[0], &of_a[1]]);
    assert_eq!(ids(&get("status=completed").await), [&of_b[0], &of_a[0], &of_a[1]]);
    assert_eq!(ids(&get("status=running&limit=200").await), [&running]);
    assert!(ids(&get("status=failed").await).is_empty());
    assert_eq!(ids(&get("limit=1").await), [&running]);
    assert!(ids(&get(&format!("server_id={}", uuid::Uuid::nil())).await).is_empty());

    let hour = |hours: i64| {
        let instant = OffsetDateTime::now_utc() + Duration::hours(hours);
        instant.format(&time::format_description::well_known::Rfc3339).unwrap()
    };
    assert_eq!(ids(&get(&format!("since={}&until={}", hour(-1), hour(1))).await).len(), 4);
    assert!(ids(&get(&format!("since={}", hour(1))).await).is_empty());
    assert!(ids(&get(&format!("until={}", hour(-1))).await).is_empty());
    let today = OffsetDateTime::now_utc().date();
    assert_eq!(ids(&get(&format!("since={today}&until={today}")).await).len(), 4);
}

#[tokio::test]
async fn history_pages() {
    let api = TestApi::start().await;
    let (_, expected) = some_backups(&api, "a", 5).await;
    let mut path = "/backup/history?limit=2&status=completed".to_owned();
    let mut found: Vec<String> = Vec::new();
    for size in [2, 2, 1] {
        let answer = api.admin.get(&path).await;
        let link = answer.headers.get("link").map(|link| link.to_str().unwrap().to_owned());
        let page = answer.expect(200);
        assert_eq!(page.as_array().unwrap().len(), size);
        found.extend(ids(&page).into_iter().map(str::to_owned));
        match link {
            Some(link) => {
                let next = link.strip_prefix("</api/v1").unwrap().strip_suffix(">; rel=\"next\"").unwrap();
                assert!(next.contains("limit=2&status=completed&cursor="), "{next}");
                path = next.to_owned();
            }
            None => assert_eq!(size, 1),
        }
    }
    assert_eq!(found, expected);
}

#[tokio::test]
async fn wrong_queries() {
    let api = TestApi::start().await;
    for (query, pointers) in [
        ("limit=0", ["?limit"].as_slice()),
        ("limit=201", &["?limit"]),
        ("limit=ten", &["?limit"]),
        ("status=cancelled", &["?status"]),
        ("server_id=42", &["?server_id"]),
        ("since=2026-04-10T14:30:00", &["?since"]),
        ("until=2026-13-01", &["?until"]),
        ("cursor=nonsense", &["?cursor"]),
        ("page=2", &["?page"]),
        ("limit=1&limit=2", &["?limit"]),
        ("server_id=42&status=x&limit=0&order=asc", &["?server_id", "?status", "?limit", "?order"]),
    ] {
        api.admin.get(&format!("/backup/history?{query}")).await.invalid(pointers);
    }
}

#[tokio::test]
async fn cancelling() {
    let api = TestApi::start().await;
    let server = seed::server(&api.store, api.tenant, "a").await;
    // One that waits ends at once; cancelling it again changes nothing.
    let waiting = seed::backup(&api.store, api.tenant, server).await;
    for _ in 0..2 {
        let entry = api.admin.post(&format!("/backup/history/{waiting}/cancel"), json!({})).await.expect(202);
        assert_eq!((&entry["status"], &entry["phase"]), (&json!("failed"), &json!("cancelled")));
    }
    // One that is worked on ends when its worker says so.
    let worked_on = seed::backup(&api.store, api.tenant, server).await;
    let claim = BackupRun::claim(&api.store, worked_on, "test", seed::LEASE).await.unwrap().unwrap();
    let entry = api.admin.post(&format!("/backup/history/{worked_on}/cancel"), json!({})).await.expect(202);
    assert_eq!(entry["status"], "running");
    assert!(claim.token.renew(&api.store, seed::LEASE).await.unwrap().cancel_requested);
    claim.token.end_cancelled(&api.store, None).await.unwrap();
    let entry = api.admin.get(&format!("/backup/history/{worked_on}")).await.expect(200);
    assert_eq!((&entry["status"], &entry["phase"]), (&json!("failed"), &json!("cancelled")));
    // One that has completed cannot be.
    let done = seed::backup(&api.store, api.tenant, server).await;
    seed::complete_backup(&api.store, done, OffsetDateTime::now_utc()).await;
    api.admin.post(&format!("/backup/history/{done}/cancel"), json!({})).await.problem(409, "run_not_running");
}

#[tokio::test]
async fn files_can_be_fetched_by_their_urls() {
    let api = TestApi::start().await;
    let server = seed::server(&api.store, api.tenant, "a").await;
    let id = seed::backup(&api.store, api.tenant, server).await;
    let path = format!("/backup/history/{id}/files");
    api.admin.get(&path).await.problem(409, "run_has_no_files");
    let run = seed::complete_backup(&api.store, id, OffsetDateTime::now_utc()).await;
    let key = format!("{}mydb.orders.00000.sql.zst", run.key_prefix.as_deref().unwrap());
    api.objects.put(&key, "content").await.unwrap();

    let files = api.admin.get(&path).await.expect(200);
    let names: Vec<_> = files.as_array().unwrap().iter().map(|file| file["name"].as_str().unwrap()).collect();
    assert_eq!(names, ["mydb.customers.00000.sql.zst", "mydb.orders.00000.sql.zst"]);
    assert_eq!((&files[1]["size"], &files[1]["rows"]), (&json!(100), &json!(10)));
    assert_eq!(files[1]["sha256"].as_str().unwrap().len(), 64);
    let fetched = reqwest::get(files[1]["url"].as_str().unwrap()).await.unwrap();
    assert_eq!(fetched.text().await.unwrap(), "content");
    // The list of files is not part of the entry.
    let entry = api.admin.get(&format!("/backup/history/{id}")).await.expect(200);
    assert_eq!(entry["manifest"]["tool"], "mydumper 0.10.1");
    assert!(entry["manifest"].get("files").is_none());
}

#[tokio::test]
async fn what_mydumper_printed_is_in_the_answer_about_one_backup() {
    let api = TestApi::start().await;
    let server = seed::server(&api.store, api.tenant, "a").await;
    let id = seed::backup(&api.store, api.tenant, server).await;
    seed::complete_backup(&api.store, id, OffsetDateTime::now_utc()).await;
    let entry = api.admin.get(&format!("/backup/history/{id}")).await.expect(200);
    assert_eq!(entry["tool_log"], "** Message: done");
    let listed = api.admin.get("/backup/history").await.expect(200);
    assert_eq!(listed[0].get("tool_log"), None, "{listed}");
}
