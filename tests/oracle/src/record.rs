//! A history happens on a live server: the statements run, the baseline is taken, the truth is recorded.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use backtrail_devstack::Family;
use mysql_async::prelude::Queryable;

use crate::baseline;
use crate::objects::{Objects, objects};
use crate::random::Random;
use crate::script::{By, History, Step};
use crate::server::{Server, Sessions};
use crate::truth::{Contents, contents};

/// MariaDB knows the commit time in whole seconds.
const QUIET: Duration = Duration::from_millis(1100);

/// Where the steps of a history come from.
pub trait Steps {
    /// The next step; none at the end.
    fn next(&mut self) -> Option<Step>;

    /// Whether the server accepted the last statement.
    fn outcome(&mut self, accepted: bool);
}

/// Steps that are known beforehand.
pub struct Given(std::vec::IntoIter<Step>);

impl Given {
    /// These.
    pub fn new(steps: Vec<Step>) -> Self {
        Self(steps.into_iter())
    }
}

impl Steps for Given {
    fn next(&mut self) -> Option<Step> {
        self.0.next()
    }

    fn outcome(&mut self, _accepted: bool) {}
}

/// A place between two transactions, and what the tables held there.
#[derive(Debug, Clone)]
pub struct Point {
    /// The number of its step in the history.
    pub step: usize,
    /// How it is to be asked for.
    pub by: By,
    /// `file:position`.
    pub position: String,
    /// The GTIDs executed.
    pub gtid: String,
    /// The server's clock, RFC 3339.
    pub time: String,
    /// The truth.
    pub contents: Arc<Contents>,
    /// What stands around the tables.
    pub objects: Arc<Objects>,
}

/// What is left of a history.
#[derive(Debug)]
pub struct Recording {
    /// The steps that were taken, failed statements included.
    pub history: History,
    /// Statements that the server did not accept, and its answers.
    pub refused_statements: Vec<(String, String)>,
    /// The mydumper directory.
    pub baseline: PathBuf,
    /// By what the baseline was taken.
    pub dumper: String,
    /// The server's binary log files.
    pub binlogs: PathBuf,
    /// The places with known truth.
    pub points: Vec<Point>,
    /// What stood around the tables when the baseline was taken.
    pub baseline_objects: Objects,
}

/// Lets a history happen on a server, which is made empty first. Files go to `directory`.
///
/// # Errors
/// The server or the dumper fails. A statement that the server does not accept is no error.
pub async fn record(
    server: &Server,
    steps: &mut dyn Steps,
    directory: &Path,
    random: &mut Random,
) -> anyhow::Result<Recording> {
    server.reset(true).await.context("making the source empty")?;
    let mut sessions = Sessions::new(server);
    let mut reader = server.connect().await?;
    let baseline = directory.join("baseline");
    let mut recording = Recording {
        history: History::new(server.kind(), Vec::new()),
        refused_statements: Vec::new(),
        baseline: baseline.clone(),
        dumper: String::new(),
        binlogs: directory.join("binlogs"),
        points: Vec::new(),
        baseline_objects: Objects::new(),
    };
    while let Some(step) = steps.next() {
        match &step {
            Step::Sql { session, text } => {
                let answer = sessions.run(*session, text).await?;
                steps.outcome(answer.is_ok());
                if let Err(error) = answer {
                    recording.refused_statements.push((text.clone(), error));
                }
            }
            Step::Baseline(options) => {
                recording.dumper =
                    baseline::take(server.address(), &baseline, options, random).await.context("the baseline")?;
                recording.baseline_objects = objects(&mut reader).await.context("recording the baseline's objects")?;
            }
            Step::Point(by) => {
                let number = recording.history.steps.len();
                let point = point(&mut reader, server.family(), *by, number).await.context("recording a point")?;
                recording.points.push(point);
            }
        }
        recording.history.steps.push(step);
    }
    sessions.close().await;
    reader.query_drop("FLUSH BINARY LOGS").await?;
    reader.disconnect().await?;
    copy_binlogs(&server.data_directory(), &recording.binlogs)?;
    Ok(recording)
}

async fn point(connection: &mut mysql_async::Conn, family: Family, by: By, step: usize) -> anyhow::Result<Point> {
    if by == By::Time {
        tokio::time::sleep(QUIET).await;
    }
    let (status, executed) = match family {
        Family::Mariadb => ("SHOW MASTER STATUS", "SELECT @@gtid_binlog_pos"),
        Family::Mysql => ("SHOW BINARY LOG STATUS", "SELECT @@gtid_executed"),
    };
    let status: mysql_async::Row = connection.query_first(status).await?.context("there is no binary log")?;
    let (file, offset): (String, u64) = (status.get(0).context("no file")?, status.get(1).context("no position")?);
    let gtid: String = connection.query_first(executed).await?.unwrap_or_default();
    let time: Option<String> =
        connection.query_first("SELECT DATE_FORMAT(UTC_TIMESTAMP(6), '%Y-%m-%dT%H:%i:%s.%fZ')").await?;
    let contents = Arc::new(contents(connection).await?);
    let objects = Arc::new(objects(connection).await?);
    if by == By::Time {
        tokio::time::sleep(QUIET).await;
    }
    Ok(Point {
        step,
        by,
        position: format!("{file}:{offset}"),
        gtid: gtid.split_whitespace().collect(),
        time: time.context("no clock")?,
        contents,
        objects,
    })
}

fn copy_binlogs(from: &Path, to: &Path) -> anyhow::Result<()> {
    std::fs::create_dir_all(to)?;
    for entry in std::fs::read_dir(from)? {
        let entry = entry?;
        let name = entry.file_name().to_string_lossy().into_owned();
        let number = name.strip_prefix("mariadb-bin.").or_else(|| name.strip_prefix("mysql-bin."));
        if number.is_some_and(|number| number.bytes().all(|byte| byte.is_ascii_digit())) {
            std::fs::copy(entry.path(), to.join(&name))?;
        }
    }
    Ok(())
}
