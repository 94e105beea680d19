//! The gateway as a process: it answers while the queue is away, keeps secrets out of its log, and stops when asked to.

use std::net::TcpListener;
use std::process::Stdio;
use std::time::Duration;

use backtrail_devstack::TestDatabase;
use backtrail_store::{Store, StoreSettings};
use serde_json::Value;
use tokio::process::{Child, Command};
use tokio::time::{Instant, sleep, timeout};

fn free_address() -> String {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().to_string()
}

async fn get(url: &str) -> Option<(u16, String)> {
    let answer = reqwest::get(url).await.ok()?;
    Some((answer.status().as_u16(), answer.text().await.ok()?))
}

async fn wait_until_ready(health: &str, process: &mut Child) {
    let began = Instant::now();
    loop {
        if get(&format!("http://{health}/readyz")).await.is_some_and(|(status, _)| status == 200) {
            return;
        }
        assert!(process.try_wait().unwrap().is_none(), "the gateway ended");
        assert!(began.elapsed() < Duration::from_secs(20), "the gateway is not ready after 20 s");
        sleep(Duration::from_millis(50)).await;
    }
}

#[tokio::test]
async fn without_a_broker() {
    let database = TestDatabase::create().await.unwrap();
    Store::connect(&StoreSettings::for_url(database.url())).await.unwrap().migrate().await.unwrap();
    let (api, health) = (free_address(), free_address());
    let mut process = Command::new(env!("CARGO_BIN_EXE_backtrail-gateway"))
        .env("BACKTRAIL_DATABASE_URL", database.url())
        .env("BACKTRAIL_AMQP_URL", format!("amqp://backtrail:hunter2@{}/", free_address()))
        .env("BACKTRAIL_SECRET_KEY", "5a".repeat(32))
        .env("BACKTRAIL_S3_ENDPOINT", "http://127.0.0.1:1")
        .env("BACKTRAIL_S3_BUCKET", "bucket")
        .env("BACKTRAIL_S3_ACCESS_KEY_ID", "id")
        .env("BACKTRAIL_S3_SECRET_ACCESS_KEY", "hunter3")
        .env("BACKTRAIL_HTTP_LISTEN", &api)
        .env("BACKTRAIL_HEALTH_LISTEN", &health)
        .env("BACKTRAIL_LOG", "debug")
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .unwrap();
    wait_until_ready(&health, &mut process).await;
    assert_eq!(get(&format!("http://{api}/api/v1/servers")).await.unwrap().0, 401);
    let (_, metrics) = get(&format!("http://{health}/metrics")).await.unwrap();
    assert!(metrics.contains("backtrail_build_info{service=\"gateway\""), "{metrics}");
    assert!(
        metrics.contains("backtrail_http_requests_total{method=\"GET\",route=\"/api/v1/servers\",status=\"401\"} 1"),
        "{metrics}"
    );

    let terminated = Command::new("kill").arg(process.id().unwrap().to_string()).status().await.unwrap();
    assert!(terminated.success());
    let output = timeout(Duration::from_secs(20), process.wait_with_output()).await.expect("it stops").unwrap();
    let log = String::from_utf8(output.stdout).unwrap();
    assert!(output.status.success(), "{log}");
    assert_eq!(String::from_utf8(output.stderr).unwrap(), "");
    for line in log.lines() {
        let line: Value = serde_json::from_str(line).unwrap_or_else(|_| panic!("no JSON line: {line}"));
        assert_ne!(line["level"], "ERROR", "{line}");
        assert_eq!(line["service"], "gateway");
    }
    for secret in ["hunter2", "hunter3", "5a5a5a5a", database.server.password.as_str()] {
        assert!(!log.contains(secret), "a secret is in the log");
    }
}
