//! `backtrail server`: the source servers.

use anyhow::Context;
use clap::Subcommand;
use serde_json::{Map, Value, json};

use crate::api::ApiSettings;
use crate::output::{self, Column};

const COLUMNS: &[Column] =
    &[("ID", "id"), ("NAME", "name"), ("HOST", "host"), ("PORT", "port"), ("USER", "username"), ("TLS", "tls_mode")];

#[derive(Debug, Subcommand)]
pub(crate) enum ServerCommand {
    /// Register a server; checks at once what backups and recovery need of it.
    Add {
        /// What to call it.
        name: String,
        #[command(flatten)]
        connection: Connection,
    },
    /// List the registered servers.
    List,
    /// Show one with its last preflight report.
    Show {
        /// Id or name.
        server: String,
    },
    /// Change a server. A changed host, port or user needs its password again.
    Update {
        /// Id or name.
        server: String,
        /// A new name.
        #[arg(long)]
        name: Option<String>,
        #[command(flatten)]
        connection: Connection,
    },
    /// Run the preflight again.
    Check {
        /// Id or name.
        server: String,
    },
    /// Forget a server. Its backups stay readable.
    Remove {
        /// Id or name.
        server: String,
    },
}

/// How to reach a server.
#[derive(Debug, clap::Args)]
pub(crate) struct Connection {
    /// Host name or address.
    #[arg(long)]
    host: Option<String>,
    /// TCP port.
    #[arg(long)]
    port: Option<u16>,
    /// User that Backtrail connects as.
    #[arg(long)]
    username: Option<String>,
    /// File with the user's password; `-` reads it from standard input.
    #[arg(long)]
    password_file: Option<String>,
    /// `disabled`, `required`, `verify_ca` or `verify_identity`.
    #[arg(long)]
    tls_mode: Option<String>,
    /// PEM file with the certificate authority to trust.
    #[arg(long)]
    tls_ca: Option<String>,
}

impl Connection {
    fn into_fields(self) -> anyhow::Result<Map<String, Value>> {
        let mut fields = Map::new();
        let mut set = |name: &str, value: Option<Value>| {
            if let Some(value) = value {
                fields.insert(name.to_owned(), value);
            }
        };
        set("host", self.host.map(Value::from));
        set("port", self.port.map(Value::from));
        set("username", self.username.map(Value::from));
        set("tls_mode", self.tls_mode.map(Value::from));
        set("password", self.password_file.map(|file| read_password(&file)).transpose()?.map(Value::from));
        let ca = self.tls_ca.map(|file| std::fs::read_to_string(&file).with_context(|| format!("cannot read {file}")));
        set("tls_ca", ca.transpose()?.map(Value::from));
        Ok(fields)
    }
}

fn read_password(file: &str) -> anyhow::Result<String> {
    let text = if file == "-" { std::io::read_to_string(std::io::stdin()) } else { std::fs::read_to_string(file) };
    let text = text.with_context(|| format!("cannot read the password from {file}"))?;
    Ok(text.trim_end_matches(['\r', '\n']).to_owned())
}

pub(crate) async fn run(settings: &ApiSettings, command: ServerCommand) -> anyhow::Result<()> {
    let api = settings.client()?;
    match command {
        ServerCommand::Add { name, connection } => {
            let mut fields = connection.into_fields()?;
            fields.insert("name".to_owned(), json!(name));
            show(&api.post("servers", Some(Value::Object(fields))).await?, settings.json);
        }
        ServerCommand::List => output::print_list(&api.get("servers", &[]).await?, COLUMNS, settings.json),
        ServerCommand::Show { server } => {
            let id = api.server_id(&server).await?;
            show(&api.get(&format!("servers/{id}"), &[]).await?, settings.json);
        }
        ServerCommand::Update { server, name, connection } => {
            let id = api.server_id(&server).await?;
            let mut fields = connection.into_fields()?;
            if let Some(name) = name {
                fields.insert("name".to_owned(), json!(name));
            }
            show(&api.patch(&format!("servers/{id}"), Value::Object(fields)).await?, settings.json);
        }
        ServerCommand::Check { server } => {
            let id = api.server_id(&server).await?;
            show(&api.post(&format!("servers/{id}/check"), None).await?, settings.json);
        }
        ServerCommand::Remove { server } => {
            let id = api.server_id(&server).await?;
            api.delete(&format!("servers/{id}")).await?;
        }
    }
    Ok(())
}

/// A server, its preflight as one line a check and one a table that PITR refuses.
fn show(server: &Value, json: bool) {
    if json {
        return output::print_json(server);
    }
    let mut plain = server.clone();
    let report = match plain.as_object_mut() {
        Some(fields) if fields.contains_key("preflight") => fields.remove("preflight").unwrap_or_default(),
        _ => plain.clone(),
    };
    if plain.get("id").is_some() {
        output::print_object(&plain, false);
    }
    for check in report["checks"].as_array().into_iter().flatten() {
        let text = |name: &str| check[name].as_str().unwrap_or_default();
        let ok = check["ok"] == true;
        print!("{} {}: {}", if ok { "✓" } else { "✗" }, text("name"), text("found"));
        println!("{}", if ok { String::new() } else { format!(" (wanted: {}). {}", text("wanted"), text("remedy")) });
    }
    for table in report["tables"].as_array().into_iter().flatten().filter(|table| table["promise"] != "exact") {
        let text = |name: &str| table[name].as_str().unwrap_or_default();
        println!("! {}.{}: {}", text("schema"), text("table"), text("reason"));
    }
}
