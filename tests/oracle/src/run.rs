//! Histories one after the other, each rebuilt and compared; failures are made small and written down.

use std::collections::BTreeMap;
use std::fmt;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use anyhow::Context;
use backtrail_devstack::StackDirectory;

use crate::decoders;
use crate::generate::{Generator, Profile};
use crate::kind::ServerKind;
use crate::random::Random;
use crate::rebuild::{Finding, Outcome, rebuild_all};
use crate::record::{Given, Recording, Steps, record};
use crate::script::{History, Step};
use crate::server::Server;
use crate::shrink;

/// What is run.
#[derive(Debug, Clone)]
pub struct Settings {
    /// On which server.
    pub server: ServerKind,
    /// What histories are made of.
    pub profile: Profile,
    /// Where failures are written.
    pub failures: PathBuf,
    /// How long one failure is made smaller.
    pub shrink: Duration,
    /// Say which tables are refused, and which statements are not accepted.
    pub verbose: bool,
}

/// What was done.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Tally {
    /// Histories that ran.
    pub histories: usize,
    /// Statements in them.
    pub statements: usize,
    /// Statements that the server did not accept.
    pub not_accepted: usize,
    /// Points that were rebuilt.
    pub points: usize,
    /// Tables that were compared.
    pub tables: usize,
    /// Tables that were refused, by reason.
    pub refused: BTreeMap<String, usize>,
    /// Points that could not be loaded, and the baseline neither.
    pub not_loadable: usize,
    /// Values in row events of which two decoders said the same.
    pub values: usize,
    /// Histories with something wrong.
    pub failures: usize,
}

impl fmt::Display for Tally {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} histories, {} statements ({} not accepted), {} points, {} tables compared, {} refused, \
             {} values by two decoders, {} failures",
            self.histories,
            self.statements,
            self.not_accepted,
            self.points,
            self.tables,
            self.refused.values().sum::<usize>(),
            self.values,
            self.failures
        )?;
        if self.not_loadable > 0 {
            write!(
                f,
                "\n  {} points not compared: they hold rows that the server made and does not take",
                self.not_loadable
            )?;
        }
        let mut reasons: Vec<_> = self.refused.iter().collect();
        reasons.sort_by_key(|(_, count)| std::cmp::Reverse(**count));
        for (reason, count) in reasons {
            write!(f, "\n  {count} refused: {reason}")?;
        }
        Ok(())
    }
}

/// Two servers of a kind, and what has been done with them.
pub struct Oracle {
    settings: Settings,
    source: Server,
    target: Server,
    directory: StackDirectory,
    runs: usize,
    /// What was done so far.
    pub tally: Tally,
}

impl Oracle {
    /// Starts the servers.
    ///
    /// # Errors
    /// One does not start.
    pub async fn start(settings: Settings) -> anyhow::Result<Self> {
        let directory = StackDirectory::create("oracle")?;
        let path = directory.path();
        let (source, target) = (path.join("source"), path.join("target"));
        // One after the other: two initialisations at one moment get into each other's way.
        let source = Server::source(settings.server, &source).await?;
        let target = Server::target(settings.server, &target).await?;
        Ok(Self { settings, source, target, directory, runs: 0, tally: Tally::default() })
    }

    /// Runs the history of a seed. Its findings, if any, have been written to a directory, which is said on standard error.
    ///
    /// # Errors
    /// A server or the dumper fails.
    pub async fn run_seed(&mut self, seed: u64) -> anyhow::Result<Vec<Finding>> {
        let mut generator = Generator::new(self.settings.server, self.settings.profile.clone(), seed);
        let (recording, outcomes) = self.replay(&mut generator, seed).await.with_context(|| format!("seed {seed}"))?;
        self.count(&recording, &outcomes);
        if self.settings.verbose {
            for (text, error) in &recording.refused_statements {
                eprintln!("seed {seed}: not accepted: {error}: {text}");
            }
            for (number, outcome) in outcomes.iter().enumerate() {
                let refused = outcome.refused.iter();
                refused.for_each(|(table, reason)| eprintln!("seed {seed}, point {number}: {table}: {reason}"));
            }
        }
        let findings: Vec<Finding> = outcomes.into_iter().flat_map(|outcome| outcome.findings).collect();
        if let Some(first) = findings.first() {
            self.tally.failures += 1;
            let place = self.settings.failures.join(format!("{}-{seed}", self.settings.server.word()));
            write_failure(&place, seed, &recording, &findings)?;
            self.tidy()?;
            eprintln!("seed {seed}: {} findings, written to {}", findings.len(), place.display());
            eprintln!("  {}", first.detail.lines().take(12).collect::<Vec<_>>().join("\n  "));
            let limit = self.settings.shrink;
            if !limit.is_zero() {
                let small = shrink::shrink(self, &recording, first, seed, limit).await?;
                std::fs::write(place.join("small.sql"), small.to_string())?;
                eprintln!("  {} of {} steps are left in small.sql", small.steps.len(), recording.history.steps.len());
            }
        } else {
            self.tidy()?;
        }
        Ok(findings)
    }

    /// Lets a given history happen and rebuilds its points.
    ///
    /// # Errors
    /// A server or the dumper fails.
    pub async fn run_history(&mut self, history: &History, seed: u64) -> anyhow::Result<(Recording, Vec<Outcome>)> {
        let result = self.replay(&mut Given::new(history.steps.clone()), seed).await;
        self.tidy()?;
        result
    }

    /// Removes the files of the last run.
    fn tidy(&self) -> anyhow::Result<()> {
        Ok(std::fs::remove_dir_all(self.directory.path().join(format!("run-{}", self.runs)))?)
    }

    /// The same, counted.
    ///
    /// # Errors
    /// A server or the dumper fails.
    pub async fn run_case(&mut self, history: &History, seed: u64) -> anyhow::Result<(Recording, Vec<Outcome>)> {
        let (recording, outcomes) = self.run_history(history, seed).await?;
        self.count(&recording, &outcomes);
        Ok((recording, outcomes))
    }

    async fn replay(&mut self, steps: &mut dyn Steps, seed: u64) -> anyhow::Result<(Recording, Vec<Outcome>)> {
        self.runs += 1;
        let directory = self.directory.path().join(format!("run-{}", self.runs));
        std::fs::create_dir_all(&directory)?;
        // How a history is dumped and rebuilt does not depend on how many numbers its statements took.
        let mut random = Random::new(seed ^ 0x5eed_0f0d_d1ce);
        let recording = record(&self.source, steps, &directory, &mut random.fork()).await?;
        let mut outcomes = rebuild_all(&recording, &self.target, &directory, &mut random.fork()).await?;
        let decoded = decoders::compare_all(&recording, &mut outcomes)?;
        self.tally.values += decoded.values;
        Ok((recording, outcomes))
    }

    fn count(&mut self, recording: &Recording, outcomes: &[Outcome]) {
        let tally = &mut self.tally;
        tally.histories += 1;
        tally.statements += recording.history.steps.iter().filter(|step| matches!(step, Step::Sql { .. })).count();
        tally.not_accepted += recording.refused_statements.len();
        tally.points += outcomes.len();
        for outcome in outcomes {
            tally.tables += outcome.compared;
            tally.not_loadable += usize::from(outcome.not_loadable);
            for reason in outcome.refused.values() {
                *tally.refused.entry(reason.clone()).or_default() += 1;
            }
        }
    }
}

/// Runs one seed after the other until the time is over.
///
/// # Errors
/// A server or the dumper fails.
pub async fn run_for(oracle: &mut Oracle, first_seed: u64, duration: Duration) -> anyhow::Result<()> {
    let (end, mut seed) = (Instant::now() + duration, first_seed);
    let mut told = Instant::now();
    while Instant::now() < end {
        oracle.run_seed(seed).await?;
        seed = seed.wrapping_add(1);
        if told.elapsed() > Duration::from_secs(60) {
            let line = oracle.tally.to_string();
            eprintln!("seed {seed}: {}", line.lines().next().unwrap_or_default());
            told = Instant::now();
        }
    }
    Ok(())
}

fn write_failure(place: &Path, seed: u64, recording: &Recording, findings: &[Finding]) -> anyhow::Result<()> {
    if place.exists() {
        std::fs::remove_dir_all(place)?;
    }
    std::fs::create_dir_all(place)?;
    let mut history = recording.history.clone();
    history.remarks.push(format!("seed {seed}, baseline by {}", recording.dumper));
    std::fs::write(place.join("history.sql"), history.to_string())?;
    let details: Vec<&str> = findings.iter().map(|finding| finding.detail.as_str()).collect();
    std::fs::write(place.join("findings.txt"), details.join("\n\n"))?;
    let errors: Vec<String> =
        recording.refused_statements.iter().map(|(text, error)| format!("{error}\n  {text}")).collect();
    std::fs::write(place.join("not-accepted.txt"), errors.join("\n"))?;
    for (from, to) in [(&recording.baseline, "baseline"), (&recording.binlogs, "binlogs")] {
        copy(from, &place.join(to))?;
    }
    Ok(())
}

fn copy(from: &Path, to: &Path) -> anyhow::Result<()> {
    std::fs::create_dir_all(to)?;
    for entry in std::fs::read_dir(from)? {
        let entry = entry?;
        std::fs::copy(entry.path(), to.join(entry.file_name()))?;
    }
    Ok(())
}
