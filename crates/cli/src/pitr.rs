//! `backtrail pitr`: point-in-time recoveries.

use backtrail_reconstruct::Plan;
use clap::{Args, Subcommand};
use serde::Deserialize;
use serde_json::{Map, Value};

use crate::api::ApiSettings;
use crate::output::{self, Column};
use crate::wait;

const COLUMNS: &[Column] = &[
    ("ID", "id"),
    ("TARGET", "target_time"),
    ("TABLES", "tables_filter"),
    ("STATUS", "status"),
    ("PHASE", "phase"),
    ("STARTED", "started_at"),
    ("TOOK", "duration_ms"),
    ("FILES", "file_count"),
    ("SIZE", "size_bytes"),
];

const FILE_COLUMNS: &[Column] = &[("SIZE", "size"), ("SHA-256", "sha256"), ("NAME", "name")];

#[derive(Debug, Subcommand)]
pub(crate) enum PitrCommand {
    /// Rebuild tables as they stood at an instant.
    Start {
        #[command(flatten)]
        wanted: Wanted,
        /// Stay until it ends.
        #[arg(long)]
        wait: bool,
    },
    /// Say what a recovery would do, without starting it.
    Plan(Wanted),
    /// List a server's recoveries, newest first.
    List {
        /// Server, by id or name.
        server: String,
        /// Only these: `running`, `completed` or `failed`.
        #[arg(long)]
        status: Option<String>,
        /// How many, 1 to 200.
        #[arg(long, default_value_t = 50)]
        limit: u32,
    },
    /// Show one.
    Show(OneRun),
    /// Follow one to its end.
    Wait(OneRun),
    /// Show what it was found to have to do: cut, log, and each table with its eras or why it is refused.
    ShowPlan(OneRun),
    /// List its files with addresses to fetch them from.
    Files(OneRun),
    /// End it.
    Cancel(OneRun),
}

#[derive(Debug, Args)]
pub(crate) struct OneRun {
    /// Server, by id or name.
    server: String,
    /// The recovery's id.
    pitr: String,
}

/// What to rebuild.
#[derive(Debug, Args)]
pub(crate) struct Wanted {
    /// Server, by id or name.
    server: String,
    #[command(flatten)]
    target: Target,
    /// Comma-separated `schema.table`; all tables when left out.
    #[arg(long)]
    tables: Option<String>,
    /// Go on across gaps in the archived binary log.
    #[arg(long)]
    allow_gaps: bool,
}

#[derive(Debug, Args)]
#[group(required = true, multiple = false)]
struct Target {
    /// Everything committed at or before this time (RFC 3339 with an offset).
    #[arg(long)]
    target_time: Option<String>,
    /// The first place where all of this GTID set has committed.
    #[arg(long)]
    target_gtid: Option<String>,
    /// A place between two transactions, `file:position`.
    #[arg(long)]
    target_position: Option<String>,
}

impl Wanted {
    fn body(&self) -> Value {
        let mut fields = Map::new();
        let targets = [
            ("target_time", &self.target.target_time),
            ("target_gtid", &self.target.target_gtid),
            ("target_position", &self.target.target_position),
            ("tables", &self.tables),
        ];
        for (name, value) in targets {
            fields.extend(value.as_ref().map(|value| (name.to_owned(), Value::from(value.as_str()))));
        }
        if self.allow_gaps {
            fields.insert("allow_gaps".to_owned(), Value::from(true));
        }
        Value::Object(fields)
    }
}

pub(crate) async fn run(settings: &ApiSettings, command: PitrCommand) -> anyhow::Result<()> {
    let api = settings.client()?;
    let path = |server: &str, rest: &str| format!("servers/{server}/pitr{rest}");
    match command {
        PitrCommand::Start { wanted, wait } => {
            let server = api.server_id(&wanted.server).await?;
            let started = api.post(&path(&server, ""), Some(wanted.body())).await?;
            match (wait, started["pitr_id"].as_str()) {
                (true, Some(id)) => wait::follow(&api, &path(&server, &format!("/{id}")), settings.json).await?,
                _ => output::print_object(&started, settings.json),
            }
        }
        PitrCommand::Plan(wanted) => {
            let server = api.server_id(&wanted.server).await?;
            let plan = api.post(&path(&server, "/plan"), Some(wanted.body())).await?;
            output::print_object(&plan, settings.json);
        }
        PitrCommand::List { server, status, limit } => {
            let server = api.server_id(&server).await?;
            let mut query = vec![("limit", limit.to_string())];
            query.extend(status.map(|status| ("status", status)));
            output::print_list(&api.get(&path(&server, ""), &query).await?, COLUMNS, settings.json);
        }
        PitrCommand::Show(OneRun { server, pitr }) => {
            let server = api.server_id(&server).await?;
            let run = api.get(&path(&server, &format!("/{pitr}")), &[]).await?;
            output::print_object(&wait::without_details(run, settings.json), settings.json);
        }
        PitrCommand::Wait(OneRun { server, pitr }) => {
            let server = api.server_id(&server).await?;
            wait::follow(&api, &path(&server, &format!("/{pitr}")), settings.json).await?;
        }
        PitrCommand::ShowPlan(OneRun { server, pitr }) => {
            let server = api.server_id(&server).await?;
            let stored = api.get(&path(&server, &format!("/{pitr}/plan")), &[]).await?;
            match Plan::deserialize(&stored) {
                Ok(plan) if !settings.json => print!("{plan}"),
                // A gateway may be newer than this program.
                _ => output::print_json(&stored),
            }
        }
        PitrCommand::Files(OneRun { server, pitr }) => {
            let server = api.server_id(&server).await?;
            let files = api.get(&path(&server, &format!("/{pitr}/files")), &[]).await?;
            output::print_list(&files, FILE_COLUMNS, settings.json);
        }
        PitrCommand::Cancel(OneRun { server, pitr }) => {
            let server = api.server_id(&server).await?;
            let run = api.post(&path(&server, &format!("/{pitr}/cancel")), None).await?;
            output::print_object(&wait::without_details(run, settings.json), settings.json);
        }
    }
    Ok(())
}
