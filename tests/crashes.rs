//! What dies, and what comes of it: every run ends, completed with a right result or failed with a reason.

use std::time::{Duration, Instant};

use backtrail_devstack::{DatabaseAddress, ServiceKind};
use backtrail_queue::{JobKind, Queue, QueueSettings};
use backtrail_tests::{Contents, World, WorldOptions, contents, execute, load};
use mysql_async::prelude::Queryable;
use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;

/// A source with enough in it that a backup takes a moment.
async fn filled(world: &mut World) -> backtrail_devstack::MariaDb {
    let source = world.mariadb().await.unwrap();
    execute(
        &source,
        &[
            "CREATE DATABASE shop CHARACTER SET utf8mb4",
            "USE shop",
            "CREATE TABLE shop.a (id INT NOT NULL PRIMARY KEY, v VARCHAR(200))",
            "CREATE TABLE shop.b (id INT NOT NULL, part INT NOT NULL, v VARBINARY(200), PRIMARY KEY (id, part))",
            "INSERT INTO shop.a SELECT seq, REPEAT(MD5(seq), 5) FROM seq_1_to_100000",
            "INSERT INTO shop.b SELECT seq, seq % 7, UNHEX(REPEAT(SHA1(seq), 6)) FROM seq_1_to_100000",
        ],
    )
    .await
    .unwrap();
    source
}

async fn change(source: &DatabaseAddress) -> (Contents, String) {
    execute(
        source,
        &[
            "USE shop",
            "UPDATE shop.a SET v = 'changed' WHERE id % 10 = 3",
            "DELETE FROM shop.b WHERE part = 4",
            "UPDATE shop.b SET id = id + 1000000 WHERE part = 5",
            "INSERT INTO shop.a SELECT seq, 'new' FROM seq_200001_to_200500",
        ],
    )
    .await
    .unwrap();
    let truth = contents(source, "shop").await.unwrap();
    let mut connection = source.connect().await.unwrap();
    let gtid: Option<String> = connection.query_first("SELECT @@gtid_binlog_pos").await.unwrap();
    connection.disconnect().await.unwrap();
    (truth, gtid.unwrap())
}

/// Follows a run to its end, whatever that is.
async fn ended(world: &World, path: &str) -> Value {
    let began = Instant::now();
    loop {
        let run = world.api.get(path).await.unwrap_or(Value::Null);
        if run["status"] == "completed" || run["status"] == "failed" {
            return run;
        }
        assert!(began.elapsed() < Duration::from_secs(120), "stuck: {run}");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

/// What a PITR's result holds when it is loaded.
async fn loaded(world: &World, path: &str, phase: &str, scratch: &DatabaseAddress) -> Contents {
    let dump = world.path(&format!("after-{phase}"));
    world.api.fetch_files(&format!("{path}/files"), &dump).await.unwrap();
    execute(scratch, &["DROP DATABASE IF EXISTS shop"]).await.unwrap();
    load(&dump, "shop", scratch).await.unwrap();
    contents(scratch, "shop").await.unwrap()
}

#[tokio::test]
async fn workers_and_agents_killed_in_every_phase() {
    let mut world = World::start(WorldOptions::default()).await.unwrap();
    let source = filled(&mut world).await;
    let scratch = world.mariadb().await.unwrap();
    let server = world.register("shop-db", &source).await.unwrap();

    for phase in ["preparing", "dumping", "uploading"] {
        let path = world.start_backup(&server).await.unwrap();
        let seen = world.wait_for_phase(&path, &[phase]).await.unwrap();
        let worker = world.services.process(ServiceKind::BackupWorker).unwrap();
        worker.kill9().await;
        worker.start_again().unwrap();
        let run = ended(&world, &path).await;
        assert_eq!(run["status"], "completed", "killed while {seen}: {run}");
        // The dump that was killed has left nothing behind on the source: no lock, no connection.
        execute(&source, &["SET lock_wait_timeout = 5", "UPDATE shop.a SET v = CONCAT(v, '') WHERE id = 1"])
            .await
            .unwrap();
    }

    // The agent dies while changes are made, and again before they are archived.
    let agent = world.services.process(ServiceKind::BinlogAgent).unwrap();
    agent.kill9().await;
    let (truth, gtid) = change(&source).await;
    let agent = world.services.process(ServiceKind::BinlogAgent).unwrap();
    agent.start_again().unwrap();
    tokio::time::sleep(Duration::from_millis(500)).await;
    let agent = world.services.process(ServiceKind::BinlogAgent).unwrap();
    agent.kill9().await;
    agent.start_again().unwrap();
    execute(&source, &["DELETE FROM shop.a", "DROP TABLE shop.b"]).await.unwrap();

    for phase in ["preparing", "reconstructing", "uploading"] {
        let path = world.start_pitr(&server, &json!({"target_gtid": gtid})).await.unwrap();
        let seen = world.wait_for_phase(&path, &[phase]).await.unwrap();
        let worker = world.services.process(ServiceKind::PitrWorker).unwrap();
        worker.kill9().await;
        worker.start_again().unwrap();
        let run = ended(&world, &path).await;
        assert_eq!(run["status"], "completed", "killed while {seen}: {run}");
        assert_eq!(loaded(&world, &path, phase, &scratch).await, truth, "killed while {seen}");
    }
    let coverage = world.api.get(&format!("/servers/{server}/pitr/coverage")).await.unwrap();
    assert_eq!(coverage["gaps"], json!([]), "{coverage}");
}

#[tokio::test]
async fn gateway_and_scheduler_killed_between_request_and_message() {
    let mut world = World::start(WorldOptions::default()).await.unwrap();
    let source = filled(&mut world).await;
    let server = world.register("shop-db", &source).await.unwrap();
    let path = world.start_backup(&server).await.unwrap();
    kill_all_but_workers(&mut world).await;
    let run = ended(&world, &path).await;
    assert_eq!(run["status"], "completed", "{run}");
}

async fn kill_all_but_workers(world: &mut World) {
    let kinds = [ServiceKind::Gateway, ServiceKind::Scheduler, ServiceKind::BinlogAgent];
    for kind in kinds {
        world.services.process(kind).unwrap().kill9().await;
    }
    for kind in kinds {
        let process = world.services.process(kind).unwrap();
        process.start_again().unwrap();
        process.wait_ready().await.unwrap();
    }
}

#[tokio::test]
async fn gateway_scheduler_and_agent_killed_in_every_phase() {
    let mut world = World::start(WorldOptions::default()).await.unwrap();
    let source = filled(&mut world).await;
    let scratch = world.mariadb().await.unwrap();
    let server = world.register("shop-db", &source).await.unwrap();
    for phase in ["preparing", "dumping", "uploading"] {
        let path = world.start_backup(&server).await.unwrap();
        let seen = world.wait_for_phase(&path, &[phase]).await.unwrap();
        kill_all_but_workers(&mut world).await;
        let run = ended(&world, &path).await;
        // What nobody killed was not tried again either.
        assert_eq!((&run["status"], &run["attempt"]), (&json!("completed"), &json!(1)), "killed while {seen}: {run}");
    }
    let (truth, gtid) = change(&source).await;
    execute(&source, &["DELETE FROM shop.a"]).await.unwrap();
    for phase in ["preparing", "reconstructing", "uploading"] {
        let path = world.start_pitr(&server, &json!({"target_gtid": gtid})).await.unwrap();
        let seen = world.wait_for_phase(&path, &[phase]).await.unwrap();
        kill_all_but_workers(&mut world).await;
        let run = ended(&world, &path).await;
        assert_eq!(run["status"], "completed", "killed while {seen}: {run}");
        assert_eq!(loaded(&world, &path, phase, &scratch).await, truth, "killed while {seen}");
    }
    let coverage = world.api.get(&format!("/servers/{server}/pitr/coverage")).await.unwrap();
    assert_eq!(coverage["gaps"], json!([]), "{coverage}");
}

#[tokio::test]
async fn a_cancelled_backup_stops_and_stands_in_nobodys_way() {
    let mut world = World::start(WorldOptions::default()).await.unwrap();
    let source = filled(&mut world).await;
    let server = world.register("shop-db", &source).await.unwrap();
    // A lock of somebody else's: the dump waits for it, and whoever writes waits behind the dump.
    let mut holder = source.connect().await.unwrap();
    holder.query_drop("LOCK TABLES shop.a WRITE").await.unwrap();
    let path = world.start_backup(&server).await.unwrap();
    world.wait_for_phase(&path, &["dumping"]).await.unwrap();
    world.api.post(&format!("{path}/cancel"), &json!({})).await.unwrap();
    let run = ended(&world, &path).await;
    assert_eq!((&run["status"], &run["phase"]), (&json!("failed"), &json!("cancelled")), "{run}");
    // Nothing of the dump waits on the source any more: others write while the lock is still held.
    execute(&source, &["SET lock_wait_timeout = 3", "UPDATE shop.b SET v = '' WHERE id = 1"]).await.unwrap();
    holder.disconnect().await.unwrap();
    // And the next one goes through.
    let path = world.start_backup(&server).await.unwrap();
    assert_eq!(ended(&world, &path).await["status"], "completed");
}

#[tokio::test]
async fn broker_and_database_away_in_the_middle_of_runs() {
    let mut world = World::start(WorldOptions { own_servers: true, ..WorldOptions::default() }).await.unwrap();
    let source = filled(&mut world).await;
    let scratch = world.mariadb().await.unwrap();
    let server = world.register("shop-db", &source).await.unwrap();

    // The database goes down while the dump runs, hard, and comes back.
    let path = world.start_backup(&server).await.unwrap();
    world.wait_for_phase(&path, &["dumping"]).await.unwrap();
    let postgres = world.postgres.as_mut().unwrap();
    postgres.kill();
    postgres.start_again().await.unwrap();
    let run = ended(&world, &path).await;
    assert_eq!(run["status"], "completed", "{run}");

    // The broker is down when a run is asked for: it starts when the broker is back.
    world.rabbitmq.as_mut().unwrap().kill();
    let path = world.start_backup(&server).await.unwrap();
    world.rabbitmq.as_mut().unwrap().start_again().await.unwrap();
    let run = ended(&world, &path).await;
    assert_eq!(run["status"], "completed", "{run}");

    let (truth, gtid) = change(&source).await;
    let path = world.start_pitr(&server, &json!({"target_gtid": gtid})).await.unwrap();
    let (postgres, rabbitmq) = (world.postgres.as_mut().unwrap(), world.rabbitmq.as_mut().unwrap());
    tokio::try_join!(postgres.restart(), rabbitmq.restart()).unwrap();
    let run = ended(&world, &path).await;
    assert_eq!(run["status"], "completed", "{run}");
    let dump = world.path("result");
    world.api.fetch_files(&format!("{path}/files"), &dump).await.unwrap();
    load(&dump, "shop", &scratch).await.unwrap();
    assert_eq!(contents(&scratch, "shop").await.unwrap(), truth);
    assert_eq!(world.unexpected_errors(&[]).unwrap(), Vec::<String>::new());
}

#[tokio::test]
async fn services_that_start_before_their_database_and_broker_wait_for_them() {
    let mut world = World::start(WorldOptions { own_servers: true, ..WorldOptions::default() }).await.unwrap();
    let source = filled(&mut world).await;
    let server = world.register("shop-db", &source).await.unwrap();
    for process in &mut world.services.processes {
        assert!(process.terminate(Duration::from_secs(10)).await, "{} does not stop", process.kind.name());
    }
    world.postgres.as_mut().unwrap().kill();
    world.rabbitmq.as_mut().unwrap().kill();
    for process in &mut world.services.processes {
        process.start_again().unwrap();
    }
    let client = reqwest::Client::builder().no_proxy().build().unwrap();
    for process in &mut world.services.processes {
        let (began, url) = (Instant::now(), format!("{}/readyz", process.health_url()));
        loop {
            let text = match client.get(&url).send().await {
                Ok(answer) if answer.status() == 503 => answer.text().await.unwrap(),
                Ok(answer) => panic!("{} says {} without its database", process.kind.name(), answer.status()),
                Err(error) => error.to_string(),
            };
            if text.contains("postgres") {
                break;
            }
            assert!(began.elapsed() < Duration::from_secs(20), "{}: {text}", process.kind.name());
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        assert!(process.is_running(), "{} gave up", process.kind.name());
    }
    // A request is told so.
    let refused = world.api.try_post("/backup", &json!({"server_id": server})).await.unwrap().unwrap_err();
    assert_eq!((refused.0, &refused.1["code"]), (503, &json!("unavailable")), "{}", refused.1);

    world.postgres.as_mut().unwrap().start_again().await.unwrap();
    world.rabbitmq.as_mut().unwrap().start_again().await.unwrap();
    for process in &mut world.services.processes {
        process.wait_ready().await.unwrap();
    }
    let path = world.start_backup(&server).await.unwrap();
    let run = ended(&world, &path).await;
    assert_eq!(run["status"], "completed", "{run}");
    assert_eq!(world.unexpected_errors(&[]).unwrap(), Vec::<String>::new());
}

#[tokio::test]
async fn a_message_that_comes_while_the_database_is_away_waits_for_it() {
    let environment = vec![("BACKTRAIL_AMQP_RETRY_DELAY", "200ms".to_owned())];
    let mut world = World::start(WorldOptions { own_servers: true, environment }).await.unwrap();
    let source = filled(&mut world).await;
    let server = world.register("shop-db", &source).await.unwrap();
    // The run's message is kept back until the worker is there and the database is not.
    let worker = world.services.process(ServiceKind::BackupWorker).unwrap();
    worker.kill9().await;
    let path = world.start_backup(&server).await.unwrap();
    let stop = CancellationToken::new();
    let queue = Queue::connect(&QueueSettings::new(&world.amqp_url), stop.clone()).await.unwrap();
    let mut deliveries = queue.consume(JobKind::Backup, 1, stop.clone());
    let message = deliveries.recv().await.unwrap();
    drop(deliveries);
    let worker = world.services.process(ServiceKind::BackupWorker).unwrap();
    worker.start_again().unwrap();
    worker.wait_ready().await.unwrap();
    world.postgres.as_mut().unwrap().kill();
    drop(message);
    // Time enough to give it back more often than the queue allows.
    tokio::time::sleep(Duration::from_secs(10)).await;
    world.postgres.as_mut().unwrap().start_again().await.unwrap();
    let run = ended(&world, &path).await;
    assert_eq!(run["status"], "completed", "{run}");
    assert_eq!(queue.dead_depth().await.unwrap(), 0);
}

#[tokio::test]
async fn a_message_nobody_can_read_fails_its_run_and_is_put_aside() {
    let mut world = World::start(WorldOptions::default()).await.unwrap();
    let source = filled(&mut world).await;
    let server = world.register("shop-db", &source).await.unwrap();
    world.services.process(ServiceKind::BackupWorker).unwrap().kill9().await;
    let path = world.start_backup(&server).await.unwrap();
    let run: uuid::Uuid = path.rsplit('/').next().unwrap().parse().unwrap();

    // The run's own message is taken away and a broken one put in its place.
    let stop = CancellationToken::new();
    let queue = Queue::connect(&QueueSettings::new(&world.amqp_url), stop.clone()).await.unwrap();
    let mut deliveries = queue.consume(JobKind::Backup, 1, stop.clone());
    deliveries.recv().await.unwrap().ack().await.unwrap();
    drop(deliveries);
    queue.publish(JobKind::Backup, b"\xffnot a job", uuid::Uuid::nil(), run, None).await.unwrap();

    world.services.process(ServiceKind::BackupWorker).unwrap().start_again().unwrap();
    let run = ended(&world, &path).await;
    assert_eq!(run["status"], "failed", "{run}");
    assert!(run["error_message"].as_str().unwrap().contains("backtrail.dead"), "{run}");
    let began = Instant::now();
    while queue.dead_depth().await.unwrap() != 1 {
        assert!(began.elapsed() < Duration::from_secs(20), "the message is not in the dead-letter queue");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

#[tokio::test]
async fn a_second_run_of_a_server_is_a_conflict() {
    let mut world = World::start(WorldOptions::default()).await.unwrap();
    let source = filled(&mut world).await;
    let server = world.register("shop-db", &source).await.unwrap();
    world.services.process(ServiceKind::BackupWorker).unwrap().kill9().await;
    let path = world.start_backup(&server).await.unwrap();
    let refused = world.api.try_post("/backup", &json!({"server_id": server})).await.unwrap().unwrap_err();
    assert_eq!(refused.0, 409, "{}", refused.1);
    world.services.process(ServiceKind::BackupWorker).unwrap().start_again().unwrap();
    assert_eq!(ended(&world, &path).await["status"], "completed");
}
