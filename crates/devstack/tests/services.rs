//! How services are started and stopped, with shell scripts in their place.

mod support;

use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::time::Duration;

use backtrail_devstack::{DevstackError, S3Address, ServiceKind, ServiceSettings, Services, StackDirectory};
use support::{eventually, processes_of};

const ORDERLY: &str = "#!/bin/sh
tr '\\0' '\\n' </proc/$$/environ
trap 'echo bye; exit 0' TERM
sleep 300 & echo started
while :; do wait; done
";
const STUBBORN: &str = "#!/bin/sh\ntrap '' TERM\necho started\nwhile :; do sleep 0.05; done\n";
const BROKEN: &str = "#!/bin/sh\necho 'no such database' >&2\nexit 3\n";
const COMMAND: &str = "#!/bin/sh
case \"$*\" in
'admin tenant create acme') ;;
'admin key create --tenant acme --role admin') cat \"$BACKTRAIL_DATABASE_URL_FILE\"; echo; echo bt_live_0123 ;;
*) echo \"what is $*?\" >&2; exit 2 ;;
esac
";

fn prepare(directory: &Path, programs: &[(&str, &str)]) -> Result<Services, DevstackError> {
    let settings = ServiceSettings {
        database_url: "postgres://u:top-secret-one@127.0.0.1/d".to_owned(),
        amqp_url: "amqp://u:top-secret-two@127.0.0.1/v".to_owned(),
        s3: S3Address {
            endpoint: "http://127.0.0.1:9".to_owned(),
            region: "us-east-1".to_owned(),
            access_key_id: "top-secret-three".to_owned(),
            secret_access_key: "top-secret-four".to_owned(),
            directory: directory.to_owned(),
        },
        bucket: "backtrail".to_owned(),
        environment: vec![("BACKTRAIL_LOG".to_owned(), "debug".to_owned())],
    };
    let mut services = Services::prepare(&directory.join("services"), &settings)?;
    let binaries = directory.join("bin");
    std::fs::create_dir_all(&binaries).map_err(|error| DevstackError::Unsuitable(error.to_string()))?;
    for (name, script) in programs {
        let path = binaries.join(name);
        std::fs::write(&path, script)
            .and_then(|()| std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755)))
            .map_err(|error| DevstackError::Unsuitable(error.to_string()))?;
    }
    services.use_binaries(&binaries);
    Ok(services)
}

fn logged(process: &backtrail_devstack::ServiceProcess, line: &str, times: usize) {
    eventually(&format!("{line} is not logged"), Duration::from_secs(10), || {
        process.log_text().is_ok_and(|log| log.lines().filter(|logged| *logged == line).count() == times)
    });
}

#[tokio::test]
async fn secrets_are_in_files_only() {
    let directory = StackDirectory::create("services").expect("directory");
    let mut services = prepare(directory.path(), &[("backtrail-gateway", ORDERLY)]).expect("prepared");
    let gateway = services.start(ServiceKind::Gateway).expect("started");
    logged(&gateway, "started", 1);
    let environment = gateway.log_text().expect("log");
    assert!(!environment.contains("top-secret"), "{environment}");
    assert!(environment.lines().any(|line| line == "BACKTRAIL_LOG=debug"), "the caller's value wins");
    assert!(environment.contains(&format!("BACKTRAIL_HTTP_LISTEN={}", &gateway.http_url()["http://".len()..])));
    assert!(environment.contains(&format!("BACKTRAIL_HEALTH_LISTEN={}", &gateway.health_url()["http://".len()..])));
    let mut contents = Vec::new();
    for line in environment.lines() {
        if let Some((name, path)) = line.split_once('=')
            && name.ends_with("_FILE")
        {
            let mode = std::fs::metadata(path).expect("metadata").permissions().mode();
            assert_eq!(mode & 0o777, 0o600, "{path}");
            contents.push(std::fs::read_to_string(path).expect("read"));
        }
    }
    assert_eq!(contents.len(), 5);
    assert_eq!(contents.iter().filter(|text| text.contains("top-secret")).count(), 4);
    assert!(contents.iter().any(|text| text.len() == 64 && text.bytes().all(|byte| byte.is_ascii_hexdigit())));
}

#[tokio::test]
async fn a_service_is_terminated_killed_and_started_again() {
    let directory = StackDirectory::create("services").expect("directory");
    let programs = [("backtrail-scheduler", ORDERLY), ("backtrail-pitr-worker", STUBBORN)];
    let mut services = prepare(directory.path(), &programs).expect("prepared");
    let mut scheduler = services.start(ServiceKind::Scheduler).expect("started");
    logged(&scheduler, "started", 1);
    scheduler.kill9().await;
    assert!(!scheduler.is_running());
    scheduler.start_again().expect("started again");
    logged(&scheduler, "started", 2);
    assert!(scheduler.terminate(Duration::from_secs(10)).await, "it ends by itself");
    logged(&scheduler, "bye", 1);

    let mut worker = services.start(ServiceKind::PitrWorker).expect("started");
    logged(&worker, "started", 1);
    assert!(!worker.terminate(Duration::from_millis(200)).await, "it has to be killed");
    assert!(!worker.is_running());

    // What is still running, children included, ends with the values.
    scheduler.start_again().expect("started again");
    logged(&scheduler, "started", 3);
    drop((scheduler, worker, services));
    assert_eq!(processes_of(directory.path()), Vec::<String>::new());
}

#[tokio::test]
async fn a_service_that_does_not_start_says_why() {
    let directory = StackDirectory::create("services").expect("directory");
    let mut services = prepare(directory.path(), &[("backtrail-binlog-agent", BROKEN)]).expect("prepared");
    let mut agent = services.start(ServiceKind::BinlogAgent).expect("started");
    let error = agent.wait_ready().await.expect_err("it ended").to_string();
    assert!(error.contains("exit status: 3") && error.contains("no such database"), "{error}");
    let error = services.start(ServiceKind::BackupWorker).expect_err("not built").to_string();
    assert!(error.contains("cargo build"), "{error}");
}

#[tokio::test]
async fn the_command_makes_a_tenant_and_a_key() {
    let directory = StackDirectory::create("services").expect("directory");
    let services = prepare(directory.path(), &[("backtrail", COMMAND)]).expect("prepared");
    assert_eq!(services.create_tenant("acme").await.expect("created"), "bt_live_0123");
    let error = services.migrate().await.expect_err("refused").to_string();
    assert!(error.contains("what is admin migrate?"), "{error}");
}
