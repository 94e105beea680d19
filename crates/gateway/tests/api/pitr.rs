//! `/servers/{id}/pitr` and its plan.

use backtrail_domain::ServerId;
use backtrail_store::{NewGap, PitrOutcome, PitrRun};
use serde_json::{Value, json};
use time::{Duration, OffsetDateTime};

use crate::seed;
use crate::support::TestApi;

/// A server with a baseline two hours ago, and an hour of archived binary log behind it.
struct Archived {
    api: TestApi,
    server: ServerId,
    /// The baseline's instant.
    base: OffsetDateTime,
    lease: backtrail_store::AgentLease,
}

impl Archived {
    async fn start() -> Self {
        let api = TestApi::start().await;
        let server = seed::server(&api.store, api.tenant, "production-db").await;
        let base = (OffsetDateTime::now_utc() - Duration::hours(2)).replace_nanosecond(0).unwrap();
        let backup = seed::backup(&api.store, api.tenant, server).await;
        seed::complete_backup(&api.store, backup, base).await;
        let lease = seed::lease(&api.store).await;
        seed::segment(&api.store, &lease, (4, 50_000), (base + Duration::SECOND, base + Duration::HOUR)).await;
        Self { api, server, base, lease }
    }

    fn path(&self) -> String {
        format!("/servers/{}/pitr", self.server)
    }

    /// So long after the baseline.
    fn after(&self, duration: Duration) -> String {
        (self.base + duration).format(&time::format_description::well_known::Rfc3339).unwrap()
    }

    async fn post(&self, body: Value) -> crate::support::Answer {
        self.api.admin.post(&self.path(), body).await
    }
}

#[tokio::test]
async fn impossible_targets_are_refused_at_once() {
    let archived = Archived::start().await;
    let refused = async |target: String, code: &str| {
        let body = json!({ "target_time": target });
        let planned =
            archived.api.admin.post(&format!("{}/plan", archived.path()), body.clone()).await.problem(422, code);
        let started = archived.post(body).await.problem(422, code);
        assert_eq!(planned["detail"], started["detail"]);
        assert_eq!(started["errors"][0]["pointer"], "/target_time");
        started
    };
    refused(archived.after(Duration::hours(3)), "target_in_future").await;
    let none = refused(archived.after(-Duration::HOUR), "no_baseline").await;
    assert_eq!(none["oldest_baseline"], archived.after(Duration::ZERO));
    let late = refused(archived.after(Duration::minutes(61)), "not_yet_archived").await;
    assert_eq!(late["archived_until"], archived.after(Duration::HOUR));
    assert_eq!(archived.api.admin.get(&archived.path()).await.expect(200), json!([]), "nothing was started");

    seed::covered(&archived.api.store, &archived.lease, archived.base + Duration::minutes(62)).await;
    archived.post(json!({ "target_time": archived.after(Duration::minutes(61)) })).await.expect(202);
}

#[tokio::test]
async fn a_gap_is_refused_unless_it_is_allowed() {
    let archived = Archived::start().await;
    let timeline: backtrail_domain::Timeline = "mariadb-1-1".parse().unwrap();
    let gap = NewGap {
        from_timeline: timeline.clone(),
        from: "binlog.000001:50000".parse().unwrap(),
        to_timeline: timeline,
        to: "binlog.000001:60000".parse().unwrap(),
        from_time: None,
        to_time: None,
        cause: "purged by the source".to_owned(),
    };
    backtrail_store::Gap::record(&archived.api.store, &archived.lease.token, gap).await.unwrap();
    let (first, last) = (archived.base + Duration::minutes(70), archived.base + Duration::minutes(80));
    seed::segment(&archived.api.store, &archived.lease, (60_000, 70_000), (first, last)).await;

    let body = json!({ "target_time": archived.after(Duration::minutes(75)) });
    let problem = archived.post(body).await.problem(422, "binlog_gap");
    assert_eq!(problem["gaps"][0]["from"], "binlog.000001:50000");
    assert_eq!(problem["gaps"][0]["to"], "binlog.000001:60000");
    assert_eq!((&problem["gaps"][0]["cause"], &problem["passable"]), (&json!("purged by the source"), &json!(true)));
    let coverage = archived.api.admin.get(&format!("{}/coverage", archived.path())).await.expect(200);
    assert_eq!(coverage["gaps"][0]["from"], "binlog.000001:50000");
    assert_eq!(coverage["recoverable_windows"].as_array().unwrap().len(), 1);

    let allowed = json!({ "target_time": archived.after(Duration::minutes(75)), "allow_gaps": true });
    let plan = archived.api.admin.post(&format!("{}/plan", archived.path()), allowed.clone()).await.expect(200);
    assert_eq!((plan["gaps"].as_array().unwrap().len(), plan["segments"].as_array().unwrap().len()), (1, 2));
    let started = archived.post(allowed).await.expect(202);
    let entry = archived.api.admin.get(&format!("{}/{}", archived.path(), started["pitr_id"].as_str().unwrap())).await;
    assert_eq!(entry.expect(200)["allow_gaps"], true);
}

#[tokio::test]
async fn a_plan_says_what_would_be_read() {
    let archived = Archived::start().await;
    let body = json!({ "target_time": archived.after(Duration::minutes(30)), "tables": "mydb.orders" });
    let mut plan = archived.api.admin.post(&format!("{}/plan", archived.path()), body.clone()).await.expect(200);
    assert!(plan["baseline"]["id"].is_string());
    plan["baseline"]["id"] = json!("…");
    plan["baseline"]["consistent_at"] = json!("…");
    plan["target"] = json!("…");
    insta::assert_json_snapshot!(plan);
    assert_eq!(archived.api.admin.get(&archived.path()).await.expect(200), json!([]));
}

#[tokio::test]
async fn a_plan_says_what_may_be_refused() {
    let archived = Archived::start().await;
    let table =
        |name: &str, promise: &str| json!({ "schema": "mydb", "table": name, "promise": promise, "reason": "why" });
    let report = json!({ "tables": [table("orders", "conditional"), table("old", "exact")] });
    backtrail_store::Server::set_preflight(&archived.api.store, archived.server, &report).await.unwrap();
    let body = json!({ "target_time": archived.after(Duration::minutes(30)) });
    let plan = archived.api.admin.post(&format!("{}/plan", archived.path()), body).await.expect(200);
    let told = |name: &str| {
        let tables = plan["tables"].as_array().unwrap();
        let table = tables.iter().find(|table| table["table"] == name).unwrap();
        json!([table["action"], table["reason"]])
    };
    assert_eq!(told("mydb.customers"), json!(["rebuild", null]));
    assert_eq!(told("mydb.orders"), json!(["conditional", "why"]));
    assert_eq!(told("mydb.old"), json!(["rebuild", null]));
}

#[tokio::test]
async fn unknown_tables_are_named() {
    let archived = Archived::start().await;
    let report = json!({ "tables": [{ "schema": "mydb", "table": "new.one", "promise": "exact" }] });
    backtrail_store::Server::set_preflight(&archived.api.store, archived.server, &report).await.unwrap();
    let time = archived.after(Duration::minutes(30));
    let tables = "mydb.orders,mydb.custmers,mydb.`new.one`,other.orders";
    let problem = archived.post(json!({ "target_time": time, "tables": tables })).await.problem(422, "unknown_table");
    assert_eq!(problem["tables"], json!(["mydb.custmers", "other.orders"]));
    assert_eq!(problem["errors"][0]["pointer"], "/tables");
    archived.post(json!({ "target_time": time, "tables": "mydb.orders,mydb.`new.one`" })).await.expect(202);
}

#[tokio::test]
async fn wrong_bodies() {
    let archived = Archived::start().await;
    for (body, pointers) in [
        (json!({}), ["/target_time"].as_slice()),
        (json!({ "target_time": null }), &["/target_time"]),
        (json!({ "target_time": "2026-04-10T14:30:00" }), &["/target_time"]),
        (json!({ "target_time": "2026-04-10" }), &["/target_time"]),
        (json!({ "target_time": 1_775_831_400 }), &["/target_time"]),
        (json!({ "target_gtid": "nonsense" }), &["/target_gtid"]),
        (json!({ "target_position": "binlog.000001" }), &["/target_position"]),
        (json!({ "target_time": "2026-04-10T14:30:00Z", "target_gtid": "0-1-5" }), &["/target_gtid"]),
        (json!({ "target_time": "2026-04-10T14:30:00Z", "tables": "orders" }), &["/tables"]),
        (json!({ "target_time": "2026-04-10T14:30:00Z", "tables": "" }), &["/tables"]),
        (json!({ "target_time": "2026-04-10T14:30:00Z", "tables": ["mydb.orders"] }), &["/tables"]),
        (json!({ "target_time": "2026-04-10T14:30:00Z", "allow_gaps": "yes" }), &["/allow_gaps"]),
        (json!({ "target_time": "2026-04-10T14:30:00Z", "time": 1 }), &["/time"]),
    ] {
        archived.post(body.clone()).await.invalid(pointers);
        archived.api.admin.post(&format!("{}/plan", archived.path()), body).await.invalid(pointers);
    }
    archived
        .api
        .admin
        .get(&format!("{}?limit=0&since=2026-04-10", archived.path()))
        .await
        .invalid(&["?limit", "?since"]);
}

#[tokio::test]
async fn other_targets() {
    let archived = Archived::start().await;
    let plan = async |body: Value| archived.api.admin.post(&format!("{}/plan", archived.path()), body).await;
    plan(json!({ "target_position": "binlog.000001:20000" })).await.expect(200);
    let problem = plan(json!({ "target_position": "binlog.000001:60000" })).await.problem(422, "not_yet_archived");
    assert_eq!(problem["errors"][0]["pointer"], "/target_position");
    plan(json!({ "target_position": "binlog.000001:999" })).await.problem(422, "no_baseline");

    let started = archived.post(json!({ "target_position": "binlog.000001:20000" })).await.expect(202);
    let entry = archived.api.admin.get(&format!("{}/{}", archived.path(), started["pitr_id"].as_str().unwrap())).await;
    let entry = entry.expect(200);
    assert_eq!((&entry["target_time"], &entry["target_position"]), (&Value::Null, &json!("binlog.000001:20000")));
}

#[tokio::test]
async fn history_and_files() {
    let archived = Archived::start().await;
    let store = &archived.api.store;
    let started = archived.post(json!({ "target_time": archived.after(Duration::MINUTE) })).await.expect(202);
    let id = started["pitr_id"].as_str().unwrap();
    let entry_path = format!("{}/{id}", archived.path());
    archived.api.admin.get(&format!("{entry_path}/files")).await.problem(409, "run_has_no_files");

    let claim = PitrRun::claim(store, id.parse().unwrap(), "test", seed::LEASE).await.unwrap().unwrap();
    claim.token.set_location(store, "s3://bucket/pitr/x/", "pitr/x/").await.unwrap();
    archived.api.admin.get(&format!("{entry_path}/plan")).await.problem(409, "run_has_no_plan");
    let plan = json!({ "version": 1, "tables": { "mydb.orders": { "action": "copy" } } });
    let baseline =
        archived.api.admin.get(&entry_path).await.expect(200)["baseline_id"].as_str().unwrap().parse().unwrap();
    PitrRun::set_plan(store, &claim.token, baseline, &plan).await.unwrap();
    assert_eq!(archived.api.admin.get(&format!("{entry_path}/plan")).await.expect(200), plan);
    let outcome = PitrOutcome {
        size_bytes: 124_000,
        file_count: 75,
        progress: serde_json::json!({"bytes_done": 7, "bytes_expected": 7}),
        manifest: json!({ "version": 1, "report": { "events": { "seen": 9 }, "inputs": {}, "files": [] }, "files": [
            { "name": "metadata", "size": 3, "sha256": "cd".repeat(32), "content_size": 3 },
        ]}),
        report: json!({}),
        cut: "binlog.000001:20000".parse().unwrap(),
        cut_gtid_set: None,
        warnings: vec!["the source's clock is 2 s ahead".to_owned()],
    };
    PitrRun::complete(store, &claim.token, outcome).await.unwrap();
    let entry = archived.api.admin.get(&entry_path).await.expect(200);
    assert_eq!((&entry["status"], &entry["phase"]), (&json!("completed"), &json!("complete")));
    assert_eq!(
        (&entry["size_bytes"], &entry["file_count"], &entry["attempt"]),
        (&json!(124_000), &json!(75), &json!(1))
    );
    assert_eq!(entry["manifest"]["report"], json!({ "events": { "seen": 9 } }));
    assert_eq!(archived.api.admin.get(&format!("{entry_path}/plan")).await.expect(200), plan);
    assert_eq!(entry["warnings"], json!(["the source's clock is 2 s ahead"]));
    let files = archived.api.admin.get(&format!("{entry_path}/files")).await.expect(200);
    assert_eq!((&files[0]["name"], &files[0]["rows"]), (&json!("metadata"), &Value::Null));
    archived.api.objects.put("pitr/x/metadata", "abc").await.unwrap();
    let fetched = reqwest::get(files[0]["url"].as_str().unwrap()).await.unwrap();
    assert_eq!(fetched.text().await.unwrap(), "abc");

    let list = async |query: &str| archived.api.admin.get(&format!("{}?{query}", archived.path())).await.expect(200);
    assert_eq!(list("status=completed").await, json!([entry]));
    assert_eq!(list("status=failed&limit=200").await, json!([]));
    archived.api.admin.post(&format!("{entry_path}/cancel"), json!({})).await.problem(409, "run_not_running");
}

#[tokio::test]
async fn cancelling_makes_room_for_the_next() {
    let archived = Archived::start().await;
    let body = json!({ "target_time": archived.after(Duration::MINUTE) });
    let started = archived.post(body.clone()).await.expect(202);
    archived.post(body.clone()).await.problem(409, "pitr_already_running");
    let path = format!("{}/{}/cancel", archived.path(), started["pitr_id"].as_str().unwrap());
    let entry = archived.api.admin.post(&path, json!({})).await.expect(202);
    assert_eq!((&entry["status"], &entry["phase"]), (&json!("failed"), &json!("cancelled")));
    archived.post(body).await.expect(202);
}

#[tokio::test]
async fn a_run_belongs_to_its_server() {
    let archived = Archived::start().await;
    let started = archived.post(json!({ "target_time": archived.after(Duration::MINUTE) })).await.expect(202);
    let other = seed::server(&archived.api.store, archived.api.tenant, "other").await;
    let id = started["pitr_id"].as_str().unwrap();
    archived.api.admin.get(&format!("/servers/{other}/pitr/{id}")).await.problem(404, "not_found");
    archived.api.admin.post(&format!("/servers/{other}/pitr/{id}/cancel"), json!({})).await.problem(404, "not_found");
}
