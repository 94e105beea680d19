//! Several processes of one service share the work: each piece of it is done once.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use backtrail_devstack::{DatabaseAddress, ServiceKind};
use backtrail_tests::{World, WorldOptions, execute, quiet_instant};
use mysql_async::prelude::Queryable;
use serde_json::{Value, json};
use tokio_postgres::{Client, NoTls};
use tokio_util::sync::CancellationToken;

const DEADLINE: Duration = Duration::from_secs(60);

async fn database(world: &World) -> Client {
    let (client, connection) = tokio_postgres::connect(&world.database_url, NoTls).await.unwrap();
    tokio::spawn(connection);
    client
}

/// Inserts a row at a time, with a rotation now and then, until cancelled; says how many rows.
async fn write(source: DatabaseAddress, stop: CancellationToken) -> u64 {
    let mut connection = source.connect().await.unwrap();
    let mut rows = 0;
    while !stop.is_cancelled() {
        connection.query_drop("INSERT INTO shop.t (v) VALUES (REPEAT('x', 200))").await.unwrap();
        rows += 1;
        if rows % 200 == 0 {
            connection.query_drop("FLUSH BINARY LOGS").await.unwrap();
        }
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
    connection.disconnect().await.unwrap();
    rows
}

/// Who has a lease that is good, and of how many servers.
async fn holders(database: &Client) -> Vec<(String, i64)> {
    let query = "SELECT holder, count(*) FROM agents WHERE lease_expires_at > now() GROUP BY holder ORDER BY holder";
    database.query(query, &[]).await.unwrap().iter().map(|row| (row.get(0), row.get(1))).collect()
}

/// Waits until so many agents share so many servers.
async fn shared_by(database: &Client, agents: usize, servers: i64) -> Vec<(String, i64)> {
    let began = Instant::now();
    loop {
        let holders = holders(database).await;
        if holders.len() == agents && holders.iter().map(|(_, count)| count).sum::<i64>() == servers {
            return holders;
        }
        assert!(began.elapsed() < DEADLINE, "{servers} servers for {agents} agents: {holders:?}");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

/// Waits until the archive of each of so many servers has become longer by two segments.
async fn archived_further(database: &Client, servers: usize) {
    let count = async || {
        let query = "SELECT server_id::text, count(*) FROM segments GROUP BY server_id";
        let rows = database.query(query, &[]).await.unwrap();
        rows.iter().map(|row| (row.get(0), row.get(1))).collect::<BTreeMap<String, i64>>()
    };
    let (began, before) = (Instant::now(), count().await);
    loop {
        let now = count().await;
        let further = now.iter().filter(|(server, count)| **count >= before.get(*server).unwrap_or(&0) + 2).count();
        if further == servers {
            return;
        }
        assert!(began.elapsed() < DEADLINE, "from {before:?} to {now:?}");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

/// Connections that read a source's binary log.
async fn readers(source: &DatabaseAddress) -> usize {
    let mut connection = source.connect().await.unwrap();
    let query = "SELECT id FROM information_schema.processlist WHERE command LIKE 'Binlog Dump%'";
    let ids: Vec<u64> = connection.query(query).await.unwrap();
    connection.disconnect().await.unwrap();
    ids.len()
}

async fn read_by(source: &DatabaseAddress, wanted: usize) {
    let began = Instant::now();
    while readers(source).await != wanted {
        assert!(began.elapsed() < DEADLINE, "{} readers, not {wanted}", readers(source).await);
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

/// Segments of a server that do not begin where the one before ends.
const BROKEN: &str = "SELECT count(*) FROM ( \
     SELECT file, start_position, \
            lag(coalesce(rotated_to, file)) OVER w AS due_file, \
            lag(CASE WHEN rotated_to IS NULL THEN end_position ELSE 4 END) OVER w AS due_position \
     FROM segments WINDOW w AS (PARTITION BY server_id ORDER BY ordinal)) pairs \
     WHERE due_file IS NOT NULL AND (file, start_position) IS DISTINCT FROM (due_file, due_position)";

#[tokio::test(flavor = "multi_thread")]
async fn two_agents_share_servers_and_one_takes_over() {
    let mut world = World::start(WorldOptions::default()).await.unwrap();
    // Both agents begin at once, when all servers are there.
    world.services.process(ServiceKind::BinlogAgent).unwrap().kill9().await;
    let (first, second) = (world.mariadb().await.unwrap(), world.mariadb().await.unwrap());
    let mut servers = Vec::new();
    for source in [&first, &second] {
        let setup = [
            "CREATE DATABASE shop",
            "CREATE TABLE shop.t (id INT AUTO_INCREMENT PRIMARY KEY, v TEXT)",
            "FLUSH BINARY LOGS",
        ];
        execute(source, &setup).await.unwrap();
        for _ in 0..3 {
            let server = world.register(&format!("server-{}", servers.len()), source).await.unwrap();
            servers.push((server, source.address().clone()));
        }
    }
    let stop = CancellationToken::new();
    let writers = [&first, &second].map(|source| tokio::spawn(write(source.address().clone(), stop.clone())));
    let second_agent = world.services.start(ServiceKind::BinlogAgent).unwrap();
    world.services.processes.push(second_agent);
    world.services.process(ServiceKind::BinlogAgent).unwrap().start_again().unwrap();

    let database = database(&world).await;
    let shares = shared_by(&database, 2, 6).await;
    assert!(shares.iter().all(|(_, count)| *count >= 1), "{shares:?}");
    for source in [&first, &second] {
        read_by(source, 3).await;
    }
    archived_further(&database, 6).await;

    let (victim, victims_share) = &shares[0];
    // A holder's name ends with its process id.
    let named = |pid: Option<u32>| pid.is_some_and(|pid| victim.ends_with(&format!("/{pid}")));
    let agent = world.services.processes.iter_mut().find_map(|process| named(process.pid()).then_some(process));
    agent.expect("an agent of that name").kill9().await;
    let survivor = shared_by(&database, 1, 6).await;
    assert_eq!(survivor[0].0, shares[1].0, "{victims_share} servers of {victim} went to {survivor:?}");
    for source in [&first, &second] {
        read_by(source, 3).await;
    }
    archived_further(&database, 6).await;
    stop.cancel();
    let mut written = Vec::new();
    for writer in writers {
        written.push(writer.await.unwrap());
    }

    // Every row is archived once for each server.
    let instant = quiet_instant(&second).await.unwrap();
    for (index, (server, _)) in servers.iter().enumerate() {
        let began = Instant::now();
        let coverage = loop {
            let coverage = world.api.get(&format!("/servers/{server}/pitr/coverage")).await.unwrap();
            if coverage["covered_until"].as_str().is_some_and(|until| until[..19] > instant[..19]) {
                break coverage;
            }
            assert!(began.elapsed() < DEADLINE, "not archived until {instant}: {coverage}");
            tokio::time::sleep(Duration::from_millis(100)).await;
        };
        assert_eq!(coverage["total_events"], json!(written[index / 3]), "{coverage}");
        assert_eq!(coverage["gaps"], json!([]), "{coverage}");
    }
    assert_eq!(database.query_one(BROKEN, &[]).await.unwrap().get::<_, i64>(0), 0, "segments that do not meet");
    assert_eq!(world.unexpected_errors(&[]).unwrap(), Vec::<String>::new());
}

#[tokio::test(flavor = "multi_thread")]
async fn two_schedulers_fire_each_slot_once() {
    let mut world = World::start(WorldOptions::default()).await.unwrap();
    let source = world.mariadb().await.unwrap();
    execute(&source, &["CREATE DATABASE shop", "CREATE TABLE shop.t (id INT PRIMARY KEY)"]).await.unwrap();
    let second = world.services.start(ServiceKind::Scheduler).unwrap();
    world.services.processes.push(second);
    let mut schedules = Vec::new();
    for number in 0..3 {
        let server = world.register(&format!("server-{number}"), &source).await.unwrap();
        let body = json!({"server_id": server, "schedule_cron": "0 0 1 1 *", "retention_days": 3});
        let schedule = world.api.post("/backup/schedules", &body).await.unwrap();
        assert_eq!((&schedule["last_run"], &schedule["last_status"]), (&Value::Null, &Value::Null), "{schedule}");
        schedules.push(schedule);
    }
    let database = database(&world).await;
    for round in 1..=3 {
        if round == 3 {
            // The one that is left goes on alone.
            world.services.process(ServiceKind::Scheduler).unwrap().kill9().await;
        }
        // New year comes early.
        let slot = "date_trunc('second', now()) + interval '2 seconds'";
        let early = format!("UPDATE schedules SET next_run_at = {slot}, due_at = {slot}");
        assert_eq!(database.execute(early.as_str(), &[]).await.unwrap(), 3);
        for schedule in &schedules {
            check_slot(&world, schedule, round).await;
        }
    }
    let slots = "SELECT count(DISTINCT (schedule_id, slot_at)), count(*) FROM runs";
    let row = database.query_one(slots, &[]).await.unwrap();
    assert_eq!((row.get::<_, i64>(0), row.get::<_, i64>(1)), (9, 9));
    let told: usize = world
        .services
        .processes
        .iter()
        .filter(|process| process.kind == ServiceKind::Scheduler)
        .map(|process| process.log_text().unwrap().matches("a schedule's slot came").count())
        .sum();
    assert_eq!(told, 9, "each slot is told by the scheduler that fired it");
    assert_eq!(world.unexpected_errors(&[]).unwrap(), Vec::<String>::new());
}

/// Waits until the schedule has run so many times, and compares what it says of itself with its last run.
async fn check_slot(world: &World, schedule: &Value, runs: usize) {
    let server = schedule["server_id"].as_str().unwrap();
    let began = Instant::now();
    let history = loop {
        let history = world.api.get(&format!("/backup/history?server_id={server}")).await.unwrap();
        let history = history.as_array().unwrap().clone();
        if history.len() >= runs && history.iter().all(|run| run["status"] != "running") {
            break history;
        }
        assert!(began.elapsed() < DEADLINE, "{runs} runs: {history:?}");
        tokio::time::sleep(Duration::from_millis(50)).await;
    };
    assert_eq!(history.len(), runs, "{history:?}");
    let last = &history[0];
    assert_eq!((&last["status"], &last["schedule_id"]), (&json!("completed"), &schedule["id"]), "{last}");
    assert_eq!(last["retention_days"], 3, "{last}");
    let listed = world.api.get("/backup/schedules").await.unwrap();
    let now = listed.as_array().unwrap().iter().find(|listed| listed["id"] == schedule["id"]).unwrap();
    assert_eq!((&now["last_run"], &now["last_status"]), (&last["started_at"], &json!("completed")), "{now}");
    // The next slot is the one that it had before the year was cut short.
    assert_eq!(now["next_run_at"], schedule["next_run_at"], "{now}");
}
