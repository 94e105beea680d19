//! From the command line to the exit status.

use std::future::Future;
use std::net::SocketAddr;
use std::process::ExitCode;
use std::time::Duration;

use anyhow::Context as _;
use clap::{Args, CommandFactory, FromArgMatches, Parser};
use tokio_util::sync::CancellationToken;

use crate::health::HealthServer;
use crate::telemetry::{self, TelemetrySettings};
use crate::{Health, metrics, shutdown, tls};

/// Settings of every service.
#[derive(Debug, Clone, Args)]
pub struct ServiceSettings {
    #[command(flatten)]
    telemetry: TelemetrySettings,
    /// Address of the health port: `/healthz`, `/readyz`, `/metrics`.
    #[arg(long, env = "BACKTRAIL_HEALTH_LISTEN", default_value = "0.0.0.0:9090")]
    health_listen: SocketAddr,
    /// How long the service may take to stop once it is asked to, in seconds; after that it is ended.
    #[arg(long, env = "BACKTRAIL_SHUTDOWN_SECONDS", default_value_t = 30)]
    shutdown_seconds: u64,
}

/// What the glue gives a service.
#[derive(Clone)]
pub struct Context {
    /// The service's name, as in `backtrail-<name>`.
    pub name: &'static str,
    /// This process among its replicas, `<name>/<host>/<process id>`: what leases name as their holder.
    pub instance: String,
    /// Where the service adds its readiness checks.
    pub health: Health,
    /// Cancelled when the process is asked to stop.
    pub cancelled: CancellationToken,
}

#[derive(Parser)]
#[command(name = "backtrail")]
struct CommandLine<S: Args> {
    #[command(flatten)]
    service: ServiceSettings,
    #[command(flatten)]
    own: S,
}

/// Runs a service from its command line to its exit status: reads the settings (flags or environment), starts log lines,
/// metrics and the health port, and calls `service`, which builds what it needs and works until `context.cancelled`.
///
/// The status is 0 when the service ended because it was asked to, 1 when it failed, when it ended unasked or when it did
/// not stop in time, 2 for a wrong command line. An error is printed once, with its chain.
pub fn run<S, F, Fut>(name: &'static str, service: F) -> ExitCode
where
    S: Args,
    F: FnOnce(Context, S) -> Fut,
    Fut: Future<Output = anyhow::Result<()>>,
{
    let command = CommandLine::<S>::command()
        .bin_name(format!("backtrail-{name}"))
        .version(env!("CARGO_PKG_VERSION"))
        .about(format!("Backtrail's {name}: backups and point-in-time recovery for MySQL and MariaDB."));
    let mut matches = command.get_matches();
    let line = CommandLine::<S>::from_arg_matches_mut(&mut matches).unwrap_or_else(|error| error.exit());

    telemetry::init(name, &line.service.telemetry);
    tls::install_crypto_provider();
    let outcome = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .context("the runtime cannot be started")
        .and_then(|runtime| {
            let outcome = runtime.block_on(supervise(name, line.service, |context| service(context, line.own)));
            // Blocking work that still runs must not hold the exit back.
            runtime.shutdown_background();
            outcome
        });
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            tracing::error!(error = %telemetry::chain(error.as_ref()), "{name} failed");
            ExitCode::FAILURE
        }
    }
}

async fn supervise<F, Fut>(name: &'static str, settings: ServiceSettings, service: F) -> anyhow::Result<()>
where
    F: FnOnce(Context) -> Fut,
    Fut: Future<Output = anyhow::Result<()>>,
{
    let cancelled = shutdown::signal().context("signals cannot be listened for")?;
    let metrics = metrics::install()?;
    metrics::describe(name);
    tokio::spawn(metrics::keep_up(metrics.clone()));

    let health = Health::new();
    let server = HealthServer::bind(settings.health_listen)
        .with_context(|| format!("the health port {} cannot be opened", settings.health_listen))?;
    tracing::info!(address = %server.address(), "health port open");
    let context = Context { name, instance: instance(name), health: health.clone(), cancelled: cancelled.clone() };
    // The health port outlives the token: probes go on being answered while the service winds down.
    let health_stop = CancellationToken::new();
    let health_server = tokio::spawn(server.run_until(health, metrics, health_stop.clone()));

    let deadline = Duration::from_secs(settings.shutdown_seconds);
    let too_late = {
        let cancelled = cancelled.clone();
        async move {
            cancelled.cancelled().await;
            tokio::time::sleep(deadline).await;
        }
    };
    let outcome = tokio::select! {
        outcome = service(context) => match outcome {
            Ok(()) if !cancelled.is_cancelled() => Err(anyhow::anyhow!("{name} ended without having been asked to")),
            outcome => outcome,
        },
        () = too_late => Err(anyhow::anyhow!("{name} did not stop within {deadline:?} and was abandoned")),
    };
    cancelled.cancel();
    health_stop.cancel();
    let _ = tokio::time::timeout(Duration::from_secs(2), health_server).await;
    if outcome.is_ok() {
        tracing::info!("stopped");
    }
    outcome
}

/// Names this process. The host is the pod's name in Kubernetes.
fn instance(name: &str) -> String {
    let host = std::fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default();
    let host = if host.trim().is_empty() { "localhost" } else { host.trim() };
    format!("{name}/{host}/{}", std::process::id())
}
