//! `backtrail reconstruct`: point-in-time recovery from files, with nothing else of Backtrail.

use std::io::IsTerminal;
use std::path::PathBuf;
use std::time::SystemTime;

use anyhow::{Context, bail};
use backtrail_domain::{BinlogPosition, CutTarget, GtidSet, TableFilter};
use backtrail_objects::blocking::{S3Baseline, S3BinaryLog};
use backtrail_objects::local::{DirectoryBaseline, DirectoryBinaryLog, DirectorySink, TempSpill};
use backtrail_objects::{ObjectSettings, ObjectStore, S3Url};
use backtrail_reconstruct::{
    Baseline, BinaryLog, Compression, EngineError, Inputs, Observer, Phase, Plan, Progress, RefusalPolicy, Report,
    Request,
};
use backtrail_settings::ByteSize;
use clap::ValueEnum;
use indicatif::{ProgressBar, ProgressStyle};

use crate::output;

#[derive(Debug, clap::Args)]
pub(crate) struct ReconstructArguments {
    /// A mydumper directory (0.10 to 1.0; plain, gzip or zstd), or `s3://bucket/prefix`.
    #[arg(long)]
    baseline: String,
    /// A directory of the server's binary log files or of archived segments, or `s3://bucket/prefix`.
    #[arg(long)]
    binlogs: String,
    #[command(flatten)]
    target: Target,
    /// Comma-separated `schema.table`; all tables when left out.
    #[arg(long)]
    tables: Option<TableFilter>,
    /// Cross gaps in the binary log; the result then lacks what was lost there, and says so.
    #[arg(long)]
    allow_gaps: bool,
    /// Take it that nothing was committed between the binary log's end and the target time. Without this, some later event
    /// has to prove that the log reaches the target.
    #[arg(long)]
    assume_complete: bool,
    /// Leave out tables that cannot be rebuilt although they are named. (Of all tables, the others are rebuilt anyway.)
    #[arg(long)]
    skip_refused: bool,
    /// Fail before the work if any table cannot be rebuilt.
    #[arg(long, conflicts_with = "skip_refused")]
    all_or_nothing: bool,
    /// Memory for changes; what is more goes to temporary files.
    #[arg(long, default_value = "256MiB")]
    memory: ByteSize,
    /// Threads that merge; as many as there are processors when left out.
    #[arg(long)]
    threads: Option<usize>,
    /// How to compress the result's files.
    #[arg(long, value_enum, default_value_t = Compress::None)]
    compress: Compress,
    /// Say what would be done (the cut, the pieces of the log, each table with its eras and stages or why it is refused, and
    /// how much work it is), and write nothing.
    #[arg(long)]
    plan: bool,
    /// Print the accounts (or the plan) as JSON.
    #[arg(long)]
    json: bool,
    /// A new or empty directory for the result.
    #[arg(long, required_unless_present = "plan", value_parser = directory)]
    out: Option<PathBuf>,
    #[command(flatten)]
    objects: ObjectSettings,
}

#[derive(Debug, clap::Args)]
#[group(required = true, multiple = false)]
struct Target {
    /// Everything committed at or before this time (RFC 3339 with an offset).
    #[arg(long, value_parser = CutTarget::parse_time)]
    target_time: Option<CutTarget>,
    /// The first place where all of this GTID set has committed.
    #[arg(long)]
    target_gtid: Option<GtidSet>,
    /// A place between two transactions, `file:position`.
    #[arg(long)]
    target_position: Option<BinlogPosition>,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum Compress {
    None,
    Gzip,
    Zstd,
}

pub(crate) async fn run(arguments: ReconstructArguments) -> anyhow::Result<()> {
    let baseline = open_baseline(&arguments).await?;
    let log = open_log(&arguments).await?;
    let request = arguments.request()?;
    // The engine works on threads of its own; the runtime only serves S3 meanwhile.
    tokio::task::spawn_blocking(move || rebuild(&arguments, &*baseline, &*log, &request)).await?
}

impl ReconstructArguments {
    fn request(&self) -> anyhow::Result<Request> {
        let target = &self.target;
        let target = target
            .target_time
            .clone()
            .or_else(|| target.target_gtid.clone().map(CutTarget::Gtid))
            .or_else(|| target.target_position.clone().map(CutTarget::Position))
            .context("a target is needed")?;
        if let CutTarget::Time(time) = &target
            && *time > SystemTime::now()
        {
            bail!("the target {target} is in the future; choose an instant that has passed");
        }
        let mut request = Request::new(target, self.tables.clone().unwrap_or_default());
        request.allow_gaps = self.allow_gaps;
        request.refusals = match (self.skip_refused, self.all_or_nothing) {
            (true, _) => RefusalPolicy::Skip,
            (_, true) => RefusalPolicy::Fail,
            _ => RefusalPolicy::FailIfNamed,
        };
        request.assume_complete_log = self.assume_complete;
        request.memory_budget = self.memory.bytes();
        request.threads = self.threads.unwrap_or_else(|| std::thread::available_parallelism().map_or(1, |n| n.get()));
        request.compression = match self.compress {
            Compress::None => Compression::None,
            Compress::Gzip => Compression::Gzip,
            Compress::Zstd => Compression::Zstd,
        };
        Ok(request)
    }
}

async fn open_baseline(arguments: &ReconstructArguments) -> anyhow::Result<Box<dyn Baseline + Send>> {
    if S3Url::is_s3(&arguments.baseline) {
        let store = ObjectStore::connect_to(&arguments.objects, arguments.baseline.parse()?)?;
        return Ok(Box::new(S3Baseline::open_any(&store, "").await?));
    }
    Ok(Box::new(DirectoryBaseline::open(&arguments.baseline)?))
}

async fn open_log(arguments: &ReconstructArguments) -> anyhow::Result<Box<dyn BinaryLog + Send>> {
    if S3Url::is_s3(&arguments.binlogs) {
        let store = ObjectStore::connect_to(&arguments.objects, arguments.binlogs.parse()?)?;
        return Ok(Box::new(S3BinaryLog::open(&store, "").await?));
    }
    Ok(Box::new(DirectoryBinaryLog::open(&arguments.binlogs)?))
}

/// The place of the result: unlike the inputs' it is never on S3, and `s3:` would be a directory like any other.
fn directory(text: &str) -> Result<PathBuf, String> {
    match S3Url::is_s3(text) {
        true => Err("the result is written to a local directory; copy it to S3 from there".to_owned()),
        false => Ok(PathBuf::from(text)),
    }
}

/// Says of a target that lies behind the log what can be done about it here.
fn not_covered(error: EngineError, arguments: &ReconstructArguments, log: &dyn BinaryLog) -> anyhow::Error {
    let EngineError::TargetNotCovered { .. } = error else { return error.into() };
    if log.pieces().is_ok_and(|pieces| pieces.is_empty()) {
        let place = &arguments.binlogs;
        return anyhow::Error::new(error).context(format!("{place} holds no binary log file and no segment"));
    }
    match arguments.target.target_time.is_some() {
        true => anyhow::Error::new(error).context(
            "the target is not proven to be covered; --assume-complete takes it that nothing was committed after the log's end",
        ),
        false => error.into(),
    }
}

fn rebuild(
    arguments: &ReconstructArguments,
    baseline: &dyn Baseline,
    log: &dyn BinaryLog,
    request: &Request,
) -> anyhow::Result<()> {
    let bar = Bar::new(arguments.json);
    let spill = TempSpill::default();
    let inputs = Inputs { baseline, log, spill: &spill, observer: &bar };
    let plan = backtrail_reconstruct::plan(&inputs, request).map_err(|error| not_covered(error, arguments, log))?;
    let Some(out) = arguments.out.as_ref().filter(|_| !arguments.plan) else {
        bar.clear();
        return print_plan(&plan, arguments.json);
    };
    let sink = DirectorySink::create(out)?;
    let report = backtrail_reconstruct::reconstruct(&inputs, &plan, request, &sink)?;
    bar.clear();
    if arguments.json {
        output::print_json(&serde_json::to_value(&report)?);
    } else {
        print_report(&report, out);
    }
    Ok(())
}

fn print_plan(plan: &Plan, json: bool) -> anyhow::Result<()> {
    if json {
        output::print_json(&serde_json::to_value(plan)?);
        return Ok(());
    }
    print!("{plan}");
    Ok(())
}

fn print_report(report: &Report, out: &std::path::Path) {
    for (table, account) in &report.tables {
        print!(
            "{table}: {} rows ({} kept, {} replaced, {} deleted, {} added)",
            account.rows_written, account.rows_kept, account.rows_replaced, account.rows_deleted, account.rows_added
        );
        if account.cascade_deletes + account.cascade_updates > 0 {
            print!(
                "; foreign keys deleted {} and changed {} below the log",
                account.cascade_deletes, account.cascade_updates
            );
        }
        println!();
    }
    println!(
        "{} of {} row events applied, {} of {} baseline rows kept",
        report.events.row_events_applied,
        report.events.row_events + report.events.row_events_carried,
        report.rows.rows_kept,
        report.rows.rows_read
    );
    println!(
        "{} tables, {} rows, {} in {} as of {}",
        report.tables.len(),
        report.rows_written,
        output::size(report.bytes_written),
        out.display(),
        report.cut
    );
    tell(&report.warnings, report.gaps.iter().map(ToString::to_string));
}

fn tell(warnings: &[String], gaps: impl Iterator<Item = String>) {
    warnings.iter().for_each(|warning| eprintln!("warning: {warning}"));
    gaps.for_each(|gap| eprintln!("gap: {gap}"));
}

/// The engine's progress on a terminal.
struct Bar(ProgressBar);

impl Bar {
    fn new(hidden: bool) -> Self {
        let bar = if hidden || !std::io::stderr().is_terminal() { ProgressBar::hidden() } else { ProgressBar::new(0) };
        if let Ok(style) = ProgressStyle::with_template("{msg:10} {wide_bar} {bytes}/{total_bytes} {elapsed}") {
            bar.set_style(style);
        }
        Self(bar)
    }

    fn clear(&self) {
        self.0.finish_and_clear();
    }
}

impl Observer for Bar {
    fn progress(&self, progress: &Progress) {
        self.0.set_message(match progress.phase {
            Phase::Planning => "planning",
            Phase::Collecting => "collecting",
            Phase::Merging => "merging",
        });
        self.0.set_length(progress.bytes_expected.max(progress.bytes_done));
        self.0.set_position(progress.bytes_done);
    }

    fn cancelled(&self) -> bool {
        false
    }
}
