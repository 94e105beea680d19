//! `backtrail backup`: runs of mydumper.

use clap::Subcommand;
use serde_json::json;

use crate::api::ApiSettings;
use crate::output::{self, Column};
use crate::wait;

const COLUMNS: &[Column] = &[
    ("ID", "id"),
    ("SERVER", "server_name"),
    ("STATUS", "status"),
    ("PHASE", "phase"),
    ("STARTED", "started_at"),
    ("TOOK", "duration_ms"),
    ("SIZE", "size_bytes"),
];

const FILE_COLUMNS: &[Column] = &[("SIZE", "size"), ("SHA-256", "sha256"), ("NAME", "name")];

#[derive(Debug, Subcommand)]
pub(crate) enum BackupCommand {
    /// Take a full backup now.
    Start {
        /// Server, by id or name.
        server: String,
        /// Stay until it ends.
        #[arg(long)]
        wait: bool,
    },
    /// List backups, newest first.
    List(HistoryFilter),
    /// Show one.
    Show {
        /// The backup's id.
        backup: String,
    },
    /// Follow one to its end.
    Wait {
        /// The backup's id.
        backup: String,
    },
    /// List its files with addresses to fetch them from.
    Files {
        /// The backup's id.
        backup: String,
    },
    /// End it.
    Cancel {
        /// The backup's id.
        backup: String,
    },
}

/// Which runs to list.
#[derive(Debug, clap::Args)]
pub(crate) struct HistoryFilter {
    /// Only of this server, by id or name.
    #[arg(long)]
    server: Option<String>,
    /// Only these: `running`, `completed` or `failed`.
    #[arg(long)]
    status: Option<String>,
    /// Started at or after this time (RFC 3339).
    #[arg(long)]
    since: Option<String>,
    /// Started before this time (RFC 3339).
    #[arg(long)]
    until: Option<String>,
    /// How many, 1 to 200.
    #[arg(long, default_value_t = 50)]
    limit: u32,
}

pub(crate) async fn run(settings: &ApiSettings, command: BackupCommand) -> anyhow::Result<()> {
    let api = settings.client()?;
    match command {
        BackupCommand::Start { server, wait } => {
            let server = api.server_id(&server).await?;
            let started = api.post("backup", Some(json!({ "server_id": server }))).await?;
            match (wait, started["backup_id"].as_str()) {
                (true, Some(id)) => wait::follow(&api, &format!("backup/history/{id}"), settings.json).await?,
                _ => output::print_object(&started, settings.json),
            }
        }
        BackupCommand::List(filter) => {
            let mut query = vec![("limit", filter.limit.to_string())];
            if let Some(server) = filter.server {
                query.push(("server_id", api.server_id(&server).await?));
            }
            let optional = [("status", filter.status), ("since", filter.since), ("until", filter.until)];
            query.extend(optional.into_iter().filter_map(|(name, value)| Some((name, value?))));
            output::print_list(&api.get("backup/history", &query).await?, COLUMNS, settings.json);
        }
        BackupCommand::Show { backup } => {
            let run = api.get(&format!("backup/history/{backup}"), &[]).await?;
            output::print_object(&wait::without_details(run, settings.json), settings.json);
        }
        BackupCommand::Wait { backup } => {
            wait::follow(&api, &format!("backup/history/{backup}"), settings.json).await?
        }
        BackupCommand::Files { backup } => {
            let files = api.get(&format!("backup/history/{backup}/files"), &[]).await?;
            output::print_list(&files, FILE_COLUMNS, settings.json);
        }
        BackupCommand::Cancel { backup } => {
            output::print_object(&api.post(&format!("backup/history/{backup}/cancel"), None).await?, settings.json);
        }
    }
    Ok(())
}
