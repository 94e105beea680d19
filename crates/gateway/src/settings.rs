//! The gateway's own settings.

use std::net::SocketAddr;
use std::time::Duration;

use backtrail_objects::ObjectSettings;
use backtrail_queue::QueueSettings;
use backtrail_settings::parse_duration;
use backtrail_store::{SealingSettings, StoreSettings};

/// Everything that the gateway is told from outside.
#[derive(Debug, Clone, clap::Args)]
pub struct Settings {
    /// How it serves.
    #[command(flatten)]
    pub gateway: GatewaySettings,
    /// Its database.
    #[command(flatten)]
    pub store: StoreSettings,
    /// The key that seals passwords.
    #[command(flatten)]
    pub sealing: SealingSettings,
    /// The broker that it relays messages to.
    #[command(flatten)]
    pub queue: QueueSettings,
    /// The object store that presigned URLs lead to.
    #[command(flatten)]
    pub objects: ObjectSettings,
}

/// How the gateway serves.
#[derive(Debug, Clone, clap::Args)]
pub struct GatewaySettings {
    /// Address of the REST API; port 0 takes any free one.
    #[arg(long, env = "BACKTRAIL_HTTP_LISTEN", default_value = "0.0.0.0:8080")]
    pub http_listen: SocketAddr,
    /// Threads that serve requests.
    #[arg(long, env = "BACKTRAIL_HTTP_WORKERS", default_value_t = 2, value_parser = workers)]
    pub http_workers: usize,
    /// How long a presigned URL is valid.
    #[arg(long, env = "BACKTRAIL_PRESIGN_TTL", default_value = "1h", value_parser = presign_ttl)]
    pub presign_ttl: Duration,
}

fn workers(text: &str) -> Result<usize, String> {
    text.parse().ok().filter(|count| (1..=64).contains(count)).ok_or_else(|| "give a number from 1 to 64".to_owned())
}

/// S3 knows no presigned URL that is valid for longer than a week.
fn presign_ttl(text: &str) -> Result<Duration, String> {
    let ttl = parse_duration(text).map_err(|error| error.to_string())?;
    let week = Duration::from_secs(7 * 24 * 3600);
    if (Duration::from_secs(1)..=week).contains(&ttl) { Ok(ttl) } else { Err("give from 1s to 7d".to_owned()) }
}
