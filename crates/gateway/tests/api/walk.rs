//! Every route that the document knows × no key, a wrong permission, another tenant's objects.

use std::collections::BTreeMap;

use backtrail_domain::Permission;
use backtrail_gateway::document;
use reqwest::Method;
use serde_json::{Value, json};
use time::OffsetDateTime;

use crate::seed;
use crate::support::{Client, TestApi, send};

struct Route {
    method: Method,
    /// Below `/api/v1`, with `{names}`.
    path: String,
    permission: Permission,
    /// The document's own example of a body.
    body: Option<Value>,
    success: Vec<u16>,
}

fn routes() -> Vec<Route> {
    let document = serde_json::to_value(document()).unwrap();
    let mut routes = Vec::new();
    for (path, item) in document["paths"].as_object().unwrap() {
        for (method, operation) in item.as_object().unwrap() {
            let schema = operation["requestBody"]["content"]["application/json"]["schema"]["$ref"].as_str();
            let body = schema.map(|link| {
                let name = link.rsplit('/').next().unwrap();
                document["components"]["schemas"][name]["example"].clone()
            });
            routes.push(Route {
                method: method.to_ascii_uppercase().parse().unwrap(),
                path: path.strip_prefix("/api/v1").unwrap().to_owned(),
                permission: operation["security"][0]["api_key"][0].as_str().unwrap().parse().unwrap(),
                body,
                success: operation["responses"]
                    .as_object()
                    .unwrap()
                    .keys()
                    .filter_map(|s| s.parse().ok())
                    .filter(|s| *s < 300)
                    .collect(),
            });
        }
    }
    routes
}

/// Ids of one of each thing, by the name they have in paths.
type Ids = BTreeMap<&'static str, String>;

async fn one_of_each(api: &TestApi) -> Ids {
    let server = seed::server(&api.store, api.tenant, "production-db").await;
    let schedule = api
        .admin
        .post("/backup/schedules", json!({ "server_id": server, "schedule_cron": "0 2 * * *" }))
        .await
        .expect(201);
    let key = api.admin.post("/keys", json!({ "name": "ci", "role": "viewer" })).await.expect(201);
    let backup = seed::backup(&api.store, api.tenant, server).await;
    let pitr = seed::pitr(&api.store, api.tenant, server, OffsetDateTime::UNIX_EPOCH).await;
    Ids::from([
        ("server_id", server.to_string()),
        ("schedule_id", schedule["id"].as_str().unwrap().to_owned()),
        ("history_id", backup.to_string()),
        ("pitr_id", pitr.to_string()),
        ("key_id", key["id"].as_str().unwrap().to_owned()),
    ])
}

async fn call(client: &Client, route: &Route, ids: &Ids) -> crate::support::Answer {
    let mut path = route.path.clone();
    for (name, id) in ids {
        path = path.replace(&format!("{{{name}}}"), id);
    }
    let request = client.request(route.method.clone(), &path);
    match &route.body {
        Some(body) => {
            let mut body = body.clone();
            if body.get("server_id").is_some() {
                body["server_id"] = ids["server_id"].clone().into();
            }
            send(request.json(&body)).await
        }
        None => send(request).await,
    }
}

#[tokio::test]
async fn without_a_key() {
    let api = TestApi::start().await;
    let ids = one_of_each(&api).await;
    let unknown = format!("bt_live_{}", "0".repeat(32));
    for route in routes() {
        for key in [None, Some(unknown.as_str()), Some("nonsense")] {
            let answer = call(&api.with_key(key), &route, &ids).await;
            assert_eq!(answer.headers["www-authenticate"], "Bearer realm=\"backtrail\"");
            answer.problem(401, "unauthorized");
        }
    }
}

#[tokio::test]
async fn without_the_permission() {
    let api = TestApi::start().await;
    let ids = one_of_each(&api).await;
    for permission in Permission::ALL {
        let others: Vec<_> = Permission::ALL.iter().copied().filter(|other| other != permission).collect();
        let client = api.client(api.tenant, &others).await;
        for route in routes().iter().filter(|route| route.permission == *permission) {
            let body = call(&client, route, &ids).await.problem(403, "permission_missing");
            assert!(body["detail"].as_str().unwrap().contains(permission.as_str()), "{body}");
        }
    }
}

#[tokio::test]
async fn with_the_one_permission_named() {
    let api = TestApi::start().await;
    let ids = one_of_each(&api).await;
    for permission in Permission::ALL {
        let client = api.client(api.tenant, &[*permission]).await;
        for route in routes().iter().filter(|route| route.permission == *permission && route.method == Method::GET) {
            let answer = call(&client, route, &ids).await;
            let status = answer.status.as_u16();
            // Runs that have not completed have no files.
            assert!(
                route.success.contains(&status) || status == 409,
                "{} {}: {}",
                route.method,
                route.path,
                answer.text
            );
        }
    }
}

#[tokio::test]
async fn with_another_tenants_objects() {
    let api = TestApi::start().await;
    let ids = one_of_each(&api).await;
    let rival = api.client(api.other_tenant().await, Permission::ALL).await;
    for route in routes() {
        let about_an_object =
            route.path.contains('{') || route.body.as_ref().is_some_and(|b| b.get("server_id").is_some());
        let answer = call(&rival, &route, &ids).await;
        if about_an_object {
            answer.problem(404, "not_found");
        } else if route.method == Method::GET {
            // The rival's own key is all that it has.
            let expected = if route.path == "/keys" { 1 } else { 0 };
            assert_eq!(answer.expect(200).as_array().unwrap().len(), expected, "{}", route.path);
        }
    }
    // Nothing of it had an effect.
    let backup = api.admin.get(&format!("/backup/history/{}", ids["history_id"])).await.expect(200);
    assert_eq!(backup["status"], "running");
    assert_eq!(api.admin.get("/servers").await.expect(200).as_array().unwrap().len(), 1);
    assert_eq!(api.admin.get("/backup/schedules").await.expect(200).as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn ids_that_are_no_uuid() {
    let api = TestApi::start().await;
    for route in routes().iter().filter(|route| route.path.contains('{')) {
        let ids: Ids =
            ["server_id", "schedule_id", "history_id", "pitr_id", "key_id"].map(|name| (name, "42".to_owned())).into();
        let body = call(&api.admin, route, &ids).await.problem(422, "validation_failed");
        let pointer = body["errors"][0]["pointer"].as_str().unwrap();
        assert!(route.path.contains(pointer), "{} {}: {body}", route.method, route.path);
    }
}
