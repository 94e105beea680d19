//! No password anywhere but in its file: not in a command line, an environment, a log line, the queue's or the database's
//! rows, nor in an answer.

use std::path::Path;

use backtrail_tests::{World, WorldOptions, execute};
use serde_json::json;

const PASSWORD: &str = "corr3ct-h0rse-b4ttery";

#[tokio::test]
async fn the_source_password_stays_where_it_belongs() {
    let mut world = World::start(WorldOptions::default()).await.unwrap();
    let source = world.mariadb().await.unwrap();
    execute(
        &source,
        &[
            &format!("CREATE USER backtrail@'127.0.0.1' IDENTIFIED BY '{PASSWORD}'"),
            "GRANT ALL ON *.* TO backtrail@'127.0.0.1'",
            "CREATE DATABASE shop",
            "USE shop",
            "CREATE TABLE shop.a (id INT NOT NULL PRIMARY KEY, v VARCHAR(200))",
            "INSERT INTO shop.a SELECT seq, REPEAT(MD5(seq), 5) FROM seq_1_to_200000",
        ],
    )
    .await
    .unwrap();
    let body = json!({
        "name": "shop-db", "host": source.host, "port": source.port, "username": "backtrail", "password": PASSWORD,
        "tls_mode": "disabled",
    });
    let server = world.api.post("/servers", &body).await.unwrap();
    assert!(!server.to_string().contains(PASSWORD));
    let id = server["id"].as_str().unwrap();

    // While mydumper runs: nobody can read it from outside.
    let path = world.start_backup(id).await.unwrap();
    let mut looks = 0;
    loop {
        let found = processes_that_tell(PASSWORD);
        assert!(found.is_empty(), "{found:?}");
        looks += 1;
        let run = world.api.get(&path).await.unwrap();
        assert!(!run.to_string().contains(PASSWORD));
        if run["status"] != "running" {
            assert_eq!(run["status"], "completed", "{run}");
            break;
        }
    }
    assert!(looks > 3, "only {looks} looks at the processes");

    // A wrong password, whose errors must not repeat it.
    let wrong = json!({"name": "wrong", "host": source.host, "port": source.port, "username": "backtrail",
        "password": format!("{PASSWORD}-wrong"), "tls_mode": "disabled"});
    let refused = world.api.post("/servers", &wrong).await.unwrap();
    assert!(!refused.to_string().contains(PASSWORD));
    let failed = world.start_backup(refused["id"].as_str().unwrap()).await.unwrap();
    world.wait_for_phase(&failed, &["complete"]).await.unwrap();
    assert!(!world.api.get(&failed).await.unwrap().to_string().contains(PASSWORD));

    // What the services themselves hold is in files alone, too.
    let mut secrets = vec![PASSWORD.to_owned(), world.api_key.clone(), world.bucket.server.secret_access_key.clone()];
    for url in [&world.database_url, &world.amqp_url] {
        secrets.push(url.split(['/', '@', ':']).nth(4).unwrap().to_owned());
    }
    for file in files_below(&world.directory().join("services/secrets")) {
        secrets.push(std::fs::read_to_string(file).unwrap().trim().to_owned());
    }
    assert!(secrets.len() >= 9 && secrets.iter().all(|secret| secret.len() >= 6), "{}", secrets.len());
    for process in &mut world.services.processes {
        let log = process.log_text().unwrap();
        assert!(log.contains("\"level\":\"INFO\""), "{:?} has logged", process.kind);
        let pid = process.pid().unwrap();
        for secret in &secrets {
            assert!(!log.contains(secret), "{:?}", process.kind);
            for file in ["cmdline", "environ"] {
                let bytes = std::fs::read(format!("/proc/{pid}/{file}")).unwrap();
                assert!(!holds(&bytes, secret), "{:?}: {file}", process.kind);
            }
        }
    }
    for file in files_below(&world.directory().join("services")) {
        let text = std::fs::read(&file).unwrap_or_default();
        assert!(!holds(&text, PASSWORD), "{} holds the password after the run", file.display());
    }
    let rows = everything_in(&world.database_url).await;
    assert!(rows.contains("shop-db"), "the rows were read");
    assert!(!rows.contains(PASSWORD));
    // The messages that went through the queue are among the rows, as bytes.
    let hex = |text: &str| text.bytes().map(|byte| format!("{byte:02x}")).collect::<String>();
    assert!(rows.contains(&hex(id)), "a message names its server");
    assert!(!rows.contains(&hex(PASSWORD)));
}

fn holds(bytes: &[u8], text: &str) -> bool {
    bytes.windows(text.len()).any(|window| window == text.as_bytes())
}

/// Processes whose command line or environment holds the text.
fn processes_that_tell(text: &str) -> Vec<String> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir("/proc").unwrap().flatten() {
        for file in ["cmdline", "environ"] {
            let bytes = std::fs::read(entry.path().join(file)).unwrap_or_default();
            if holds(&bytes, text) {
                found.push(format!("{}/{file}", entry.path().display()));
            }
        }
    }
    found
}

fn files_below(directory: &Path) -> Vec<std::path::PathBuf> {
    let mut files = Vec::new();
    for entry in std::fs::read_dir(directory).into_iter().flatten().flatten() {
        let path = entry.path();
        if path.is_dir() { files.extend(files_below(&path)) } else { files.push(path) }
    }
    files
}

/// Every row of every table, as text.
async fn everything_in(url: &str) -> String {
    let (client, connection) = tokio_postgres::connect(url, tokio_postgres::NoTls).await.unwrap();
    let driver = tokio::spawn(connection);
    let mut text = String::new();
    let tables = client.query("SELECT tablename FROM pg_tables WHERE schemaname = 'public'", &[]).await.unwrap();
    for table in tables {
        let table: String = table.get(0);
        for row in client.query(&format!("SELECT t::text FROM \"{table}\" t"), &[]).await.unwrap() {
            text.push_str(&row.get::<_, String>(0));
        }
    }
    drop(client);
    driver.await.unwrap().unwrap();
    text
}
