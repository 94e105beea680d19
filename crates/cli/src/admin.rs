//! `backtrail admin`: what whoever installs the system does, straight to Postgres.

use anyhow::Context;
use backtrail_domain::Role;

use backtrail_store::{ApiKey, Key, NewApiKey, Store, StoreSettings, Tenant};
use clap::Subcommand;
use serde_json::json;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use crate::output::{self, Column};

const KEY_COLUMNS: &[Column] = &[
    ("ID", "id"),
    ("NAME", "name"),
    ("BEGINS WITH", "prefix"),
    ("ROLE", "role"),
    ("LAST USED", "last_used_at"),
    ("EXPIRES", "expires_at"),
    ("REVOKED", "revoked_at"),
];

#[derive(Debug, clap::Args)]
pub(crate) struct AdminArguments {
    #[command(flatten)]
    store: StoreSettings,
    /// Print JSON.
    #[arg(long, global = true)]
    json: bool,
    #[command(subcommand)]
    command: AdminCommand,
}

#[derive(Debug, Subcommand)]
enum AdminCommand {
    /// Bring the database's schema up to this version.
    Migrate,
    /// Tenants.
    #[command(subcommand)]
    Tenant(TenantCommand),
    /// API keys.
    #[command(subcommand)]
    Key(KeyCommand),
}

#[derive(Debug, Subcommand)]
enum TenantCommand {
    /// Make a tenant.
    Create {
        /// Its name, unique.
        name: String,
    },
    /// List the tenants.
    List,
}

#[derive(Debug, Subcommand)]
enum KeyCommand {
    /// Make a key and print it; it is shown this once.
    Create {
        /// The tenant's name.
        #[arg(long)]
        tenant: String,
        /// What the key may do: `viewer`, `operator` or `admin`.
        #[arg(long, default_value = "operator")]
        role: Role,
        /// What to call it.
        #[arg(long, default_value = "made by backtrail admin")]
        name: String,
        /// When it ceases to be valid (RFC 3339); never when left out.
        #[arg(long, value_parser = |text: &str| OffsetDateTime::parse(text, &Rfc3339))]
        expires_at: Option<OffsetDateTime>,
    },
    /// List a tenant's keys.
    List {
        /// The tenant's name.
        #[arg(long)]
        tenant: String,
    },
    /// Make a key invalid from now on.
    Revoke {
        /// The tenant's name.
        #[arg(long)]
        tenant: String,
        /// The key's id, from `key list`.
        id: backtrail_domain::ApiKeyId,
    },
}

pub(crate) async fn run(arguments: AdminArguments) -> anyhow::Result<()> {
    let json = arguments.json;
    let store = Store::connect(&arguments.store).await?;
    match arguments.command {
        AdminCommand::Migrate => store.migrate().await?,
        AdminCommand::Tenant(TenantCommand::Create { name }) => {
            let tenant = Tenant::create(&store, &name).await.with_context(|| format!("tenant `{name}`"))?;
            output::print_object(&tenant_fields(&tenant)?, json);
        }
        AdminCommand::Tenant(TenantCommand::List) => {
            let tenants = Tenant::list(&store).await?;
            let rows = tenants.iter().map(tenant_fields).collect::<anyhow::Result<Vec<_>>>()?;
            output::print_list(&rows.into(), &[("ID", "id"), ("NAME", "name"), ("MADE", "created_at")], json);
        }
        AdminCommand::Key(KeyCommand::Create { tenant, role, name, expires_at }) => {
            let tenant = find_tenant(&store, &tenant).await?;
            let key = Key::generate();
            let new = NewApiKey {
                tenant_id: tenant.id,
                name,
                prefix: key.prefix().to_owned(),
                sha256: key.sha256(),
                permissions: role.permissions().to_vec(),
                role: Some(role),
                expires_at,
            };
            let stored = ApiKey::create(&store, new).await?;
            if json {
                let mut fields = key_fields(&stored)?;
                fields["key"] = key.expose().into();
                output::print_json(&fields);
            } else {
                // Nothing but the key, so that a script can take it.
                println!("{}", key.expose());
            }
        }
        AdminCommand::Key(KeyCommand::List { tenant }) => {
            let tenant = find_tenant(&store, &tenant).await?;
            let keys = ApiKey::list(&store, tenant.id).await?;
            let rows = keys.iter().map(key_fields).collect::<anyhow::Result<Vec<_>>>()?;
            output::print_list(&rows.into(), KEY_COLUMNS, json);
        }
        AdminCommand::Key(KeyCommand::Revoke { tenant, id }) => {
            let tenant = find_tenant(&store, &tenant).await?;
            let revoked = ApiKey::revoke(&store, tenant.id, id).await?;
            output::print_object(&key_fields(&revoked)?, json);
        }
    }
    Ok(())
}

async fn find_tenant(store: &Store, name: &str) -> anyhow::Result<Tenant> {
    let tenant = Tenant::by_name(store, name).await?;
    tenant.with_context(|| format!("no tenant is called `{name}`; `backtrail admin tenant list` shows them"))
}

fn tenant_fields(tenant: &Tenant) -> anyhow::Result<serde_json::Value> {
    Ok(json!({ "id": tenant.id, "name": tenant.name, "created_at": tenant.created_at.format(&Rfc3339)? }))
}

fn key_fields(key: &ApiKey) -> anyhow::Result<serde_json::Value> {
    let time = |time: Option<OffsetDateTime>| time.map(|time| time.format(&Rfc3339)).transpose();
    Ok(json!({
        "id": key.id,
        "name": key.name,
        "prefix": key.prefix,
        "role": key.role,
        "permissions": key.permissions,
        "created_at": key.created_at.format(&Rfc3339)?,
        "last_used_at": time(key.last_used_at)?,
        "expires_at": time(key.expires_at)?,
        "revoked_at": time(key.revoked_at)?,
    }))
}
