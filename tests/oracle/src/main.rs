//! `oracle`: random histories for as long as one likes.

use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context, bail};
use backtrail_oracle::generate::Profile;
use backtrail_oracle::script::History;
use backtrail_oracle::{Oracle, ServerKind, Settings, run_for};
use clap::Parser;

/// Random histories on a live server, every recorded point rebuilt and compared.
#[derive(Debug, Parser)]
struct Arguments {
    /// The first history; the following ones have the seeds after it.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// For how long.
    #[arg(long, default_value_t = 1.0)]
    minutes: f64,
    /// `mariadb`, `mariadb-11.8`, `mariadb-10.5` or `mysql`.
    #[arg(long, default_value = "mariadb")]
    server: String,
    /// Leave out statements that change definitions.
    #[arg(long)]
    no_ddl: bool,
    /// What histories are not to have, comma-separated: `addresses`, `invisible`, `wide-members`, `binary-defaults`,
    /// `xa`, `sequence-types`.
    #[arg(long, value_delimiter = ',')]
    avoid: Vec<String>,
    /// Where failures go.
    #[arg(long)]
    failures: Option<PathBuf>,
    /// How many seconds are spent on making a failure smaller.
    #[arg(long, default_value_t = 120)]
    shrink: u64,
    /// Say which tables are refused, and which statements are not accepted.
    #[arg(long)]
    verbose: bool,
    /// Run this history instead of random ones.
    #[arg(long)]
    replay: Option<PathBuf>,
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let arguments = Arguments::parse();
    let settings = Settings {
        server: ServerKind::parse(&arguments.server)?,
        profile: Profile { ddl: !arguments.no_ddl, avoid: arguments.avoid, ..Profile::default() },
        failures: arguments.failures.unwrap_or_else(|| std::env::temp_dir().join("backtrail-oracle-failures")),
        shrink: Duration::from_secs(arguments.shrink),
        verbose: arguments.verbose,
    };
    let mut oracle = Oracle::start(settings).await?;
    if let Some(path) = arguments.replay {
        let text = std::fs::read_to_string(&path).with_context(|| path.display().to_string())?;
        let (recording, outcomes) = oracle.run_case(&History::parse(&text)?, arguments.seed).await?;
        for (text, error) in &recording.refused_statements {
            println!("not accepted: {error}: {text}");
        }
        for outcome in &outcomes {
            outcome.refused.iter().for_each(|(table, reason)| println!("refused: {table}: {reason}"));
            outcome.findings.iter().for_each(|finding| println!("{}: {}", finding.kind, finding.detail));
        }
        oracle.tally.failures = outcomes.iter().filter(|outcome| !outcome.findings.is_empty()).count();
    } else {
        run_for(&mut oracle, arguments.seed, Duration::from_secs_f64(arguments.minutes * 60.0)).await?;
    }
    println!("{}", oracle.tally);
    if oracle.tally.failures > 0 {
        bail!("{} histories have findings", oracle.tally.failures);
    }
    Ok(())
}
