//! `backtrail schedule`: backups by cron.

use clap::Subcommand;
use serde_json::{Map, Value, json};

use crate::api::ApiSettings;
use crate::output::{self, Column};

const COLUMNS: &[Column] = &[
    ("ID", "id"),
    ("SERVER", "server_name"),
    ("CRON", "schedule_cron"),
    ("ZONE", "timezone"),
    ("DAYS KEPT", "retention_days"),
    ("ENABLED", "enabled"),
    ("LAST RUN", "last_run"),
    ("LAST STATUS", "last_status"),
];

#[derive(Debug, Subcommand)]
pub(crate) enum ScheduleCommand {
    /// Back a server up by cron.
    Create {
        /// Server, by id or name.
        server: String,
        /// Five cron fields, e.g. `0 2 * * *`.
        cron: String,
        #[command(flatten)]
        options: ScheduleOptions,
    },
    /// List the schedules.
    List,
    /// Change one; what is not given stays.
    Update {
        /// The schedule's id.
        schedule: String,
        /// Five cron fields.
        #[arg(long)]
        cron: Option<String>,
        /// Whether it fires.
        #[arg(long)]
        enabled: Option<bool>,
        #[command(flatten)]
        options: ScheduleOptions,
    },
    /// Delete one. Its backups stay.
    Delete {
        /// The schedule's id.
        schedule: String,
    },
}

/// What a schedule may say besides when.
#[derive(Debug, clap::Args)]
pub(crate) struct ScheduleOptions {
    /// IANA time zone that the cron fields are read in; UTC by default.
    #[arg(long)]
    timezone: Option<String>,
    /// Days to keep its backups, 1 to 365; 30 by default.
    #[arg(long)]
    retention_days: Option<u32>,
    /// Put its backups below this path of the bucket.
    #[arg(long)]
    s3_prefix: Option<String>,
    /// What to do about a slot missed while nothing ran: `run_once` or `skip`.
    #[arg(long)]
    missed_run_policy: Option<String>,
    /// Start up to this many seconds late, at random.
    #[arg(long)]
    jitter_seconds: Option<u32>,
}

impl ScheduleOptions {
    fn into_fields(self) -> Map<String, Value> {
        let fields = [
            ("timezone", self.timezone.map(Value::from)),
            ("retention_days", self.retention_days.map(Value::from)),
            ("s3_prefix", self.s3_prefix.map(Value::from)),
            ("missed_run_policy", self.missed_run_policy.map(Value::from)),
            ("jitter_seconds", self.jitter_seconds.map(Value::from)),
        ];
        fields.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?))).collect()
    }
}

pub(crate) async fn run(settings: &ApiSettings, command: ScheduleCommand) -> anyhow::Result<()> {
    let api = settings.client()?;
    match command {
        ScheduleCommand::Create { server, cron, options } => {
            let mut fields = options.into_fields();
            fields.insert("server_id".to_owned(), json!(api.server_id(&server).await?));
            fields.insert("schedule_cron".to_owned(), json!(cron));
            let created = api.post("backup/schedules", Some(Value::Object(fields))).await?;
            output::print_object(&created, settings.json);
        }
        ScheduleCommand::List => {
            output::print_list(&api.get("backup/schedules", &[]).await?, COLUMNS, settings.json);
        }
        ScheduleCommand::Update { schedule, cron, enabled, options } => {
            let mut fields = options.into_fields();
            fields.extend(cron.map(|cron| ("schedule_cron".to_owned(), json!(cron))));
            fields.extend(enabled.map(|enabled| ("enabled".to_owned(), json!(enabled))));
            let updated = api.patch(&format!("backup/schedules/{schedule}"), Value::Object(fields)).await?;
            output::print_object(&updated, settings.json);
        }
        ScheduleCommand::Delete { schedule } => api.delete(&format!("backup/schedules/{schedule}")).await?,
    }
    Ok(())
}
