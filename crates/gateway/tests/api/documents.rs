//! `/openapi.json` and `/docs`.

use backtrail_gateway::{Code, document};
use serde_json::Value;

use crate::support::TestApi;

#[test]
fn the_document() {
    let document = serde_json::to_string_pretty(&document()).unwrap();
    insta::assert_snapshot!("openapi", document);
}

#[test]
fn every_operation_is_described() {
    let document = serde_json::to_value(document()).unwrap();
    assert_eq!(document["openapi"], "3.1.0");
    let mut examples = 0;
    for (path, item) in document["paths"].as_object().unwrap() {
        for (method, operation) in item.as_object().unwrap() {
            let place = format!("{method} {path}");
            assert!(!operation["summary"].as_str().unwrap_or_default().is_empty(), "{place}");
            assert_eq!(operation["security"].as_array().map(Vec::len), Some(1), "{place}");
            for parameter in operation["parameters"].as_array().into_iter().flatten() {
                assert!(parameter["description"].is_string(), "{place} {parameter}");
            }
            for status in ["401", "403", "500", "503"] {
                assert!(operation["responses"][status].is_object(), "{place} {status}");
            }
        }
    }
    for (name, schema) in document["components"]["schemas"].as_object().unwrap() {
        assert!(schema["description"].is_string(), "{name}");
        examples += usize::from(schema.get("example").is_some());
        for (field, property) in schema["properties"].as_object().into_iter().flatten() {
            assert!(property["description"].is_string() || property["$ref"].is_string(), "{name}.{field}");
        }
    }
    assert!(examples >= 15, "{examples} examples");
}

#[tokio::test]
async fn are_served_without_a_key() {
    let api = TestApi::start().await;
    let client = api.with_key(None);
    let served: Value = client.get("//openapi.json").await.expect(200);
    assert_eq!(served, serde_json::to_value(document()).unwrap());
    let page = client.get("//docs").await;
    assert_eq!(page.status, 200);
    for code in Code::ALL {
        assert!(page.text.contains(&format!("id=\"problem-{}\"", code.as_str())), "{code:?}");
    }
    for (path, _) in served["paths"].as_object().unwrap() {
        assert!(page.text.contains(path), "{path}");
    }
    assert!(
        !page.text.contains("http://") && !page.text.contains("https://cdn"),
        "the page loads nothing from elsewhere"
    );
}

#[tokio::test]
async fn probes_are_answered_without_a_key() {
    let api = TestApi::start().await;
    let client = api.with_key(None);
    client.get("//healthz").await.expect(200);
    let readiness = client.get("//readyz").await.expect(200);
    assert_eq!(readiness["checks"]["postgres"]["detail"]["migrated"], true);
}
