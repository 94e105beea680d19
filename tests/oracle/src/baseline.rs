//! The baseline of a history: mydumper's, taken while transactions of other sessions are open.

use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use anyhow::{Context, bail};
use backtrail_devstack::{DatabaseAddress, Family};

use crate::own_dump;
use crate::random::Random;

/// mydumper 0.10 sometimes does not end although its threads have: it is begun anew then.
const DEADLINE: Duration = Duration::from_secs(30);
const ATTEMPTS: usize = 3;

/// Takes a baseline into a new directory and says with what.
///
/// # Errors
/// The dump fails, or is not finished.
pub(crate) async fn take(
    server: &DatabaseAddress,
    directory: &Path,
    options: &str,
    random: &mut Random,
) -> anyhow::Result<String> {
    match server.family {
        Family::Mariadb => {
            for _ in 1..ATTEMPTS {
                match mydumper(server, directory, options, random).await? {
                    Ended::Finished(how) => return Ok(how),
                    Ended::Hung(_) if directory.exists() => std::fs::remove_dir_all(directory)?,
                    Ended::Hung(_) => {}
                }
            }
            match mydumper(server, directory, options, random).await? {
                Ended::Finished(how) => Ok(how),
                Ended::Hung(what) => bail!(what),
            }
        }
        // mydumper 0.10 finds no binlog position on MySQL 8.4 and later.
        Family::Mysql => own_dump::take(server, directory, random).await,
    }
}

/// What became of a dump.
enum Ended {
    /// With these options.
    Finished(String),
    /// What was to be seen then.
    Hung(String),
}

async fn mydumper(
    server: &DatabaseAddress,
    directory: &Path,
    given: &str,
    random: &mut Random,
) -> anyhow::Result<Ended> {
    let options = option_file(directory);
    server.write_client_options(&options)?;
    let mut arguments = vec![
        "--regex".to_owned(),
        r"^(?!(mysql|information_schema|performance_schema|sys)\.)".to_owned(),
        "--triggers".to_owned(),
        "--events".to_owned(),
        "--routines".to_owned(),
        "--threads".to_owned(),
        random.between(1, 3).to_string(),
    ];
    if !given.is_empty() {
        arguments.extend(given.split_whitespace().map(str::to_owned));
    } else if random.percent(20) {
        arguments.push("--compress".to_owned());
    }
    if given.is_empty() && random.percent(20) {
        arguments.extend(["--rows".to_owned(), random.pick(&["3", "10"]).to_string()]);
    }
    // mydumper 0.10 names the columns in the first statement of a file only, which does not load where one is generated.
    if given.is_empty() && random.percent(20) && !has_generated_columns(server).await? {
        arguments.extend(["--statement-size".to_owned(), random.pick(&["200", "5000"]).to_string()]);
    }
    let mut command = tokio::process::Command::new("mydumper");
    command.arg(format!("--defaults-file={}", options.display()));
    command.args(["--host", &server.host, "--port", &server.port.to_string(), "--user", &server.user]);
    let log_file = directory.with_extension("log");
    command.arg("--outputdir").arg(directory).args(&arguments).args(["--verbose", "3"]);
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(std::fs::File::create(&log_file)?).kill_on_drop(true);
    let ended = tokio::time::timeout(DEADLINE, command.status()).await;
    let log = String::from_utf8_lossy(&std::fs::read(&log_file)?).into_owned();
    let Ok(status) = ended else {
        let connections = connections(server).await?;
        return Ok(Ended::Hung(format!(
            "mydumper {} hangs: {}\nthe server: {connections}",
            arguments.join(" "),
            log.trim()
        )));
    };
    let status = status.context("mydumper does not start")?;
    std::fs::remove_file(&options)?;
    std::fs::remove_file(&log_file)?;
    if !status.success() || log.contains("CRITICAL") || log.contains("ERROR") {
        bail!("mydumper fails: {}", log.trim());
    }
    Ok(Ended::Finished(format!("mydumper {}", arguments[2..].join(" "))))
}

fn option_file(directory: &Path) -> PathBuf {
    directory.with_extension("cnf")
}

/// What every connection does, for a message.
async fn connections(server: &DatabaseAddress) -> anyhow::Result<String> {
    use mysql_async::prelude::Queryable;
    let mut connection = server.connect().await?;
    let query = "SELECT id, command, time, state, info FROM information_schema.processlist ORDER BY id";
    type Line = (u64, String, u64, Option<String>, Option<String>);
    let lines: Vec<Line> = connection.query(query).await?;
    connection.disconnect().await?;
    Ok(lines.iter().map(|line| format!("\n  {line:?}")).collect())
}

async fn has_generated_columns(server: &DatabaseAddress) -> anyhow::Result<bool> {
    use mysql_async::prelude::Queryable;
    let mut connection = server.connect().await?;
    let query = "SELECT COUNT(*) FROM information_schema.columns WHERE extra LIKE '%GENERATED%'";
    let count: Option<u64> = connection.query_first(query).await?;
    connection.disconnect().await?;
    Ok(count != Some(0))
}
