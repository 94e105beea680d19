//! Points are rebuilt by the engine, loaded into the second server and compared.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use anyhow::Context;
use backtrail_domain::{CutTarget, TableFilter, TableName};
use backtrail_objects::local::{DirectoryBaseline, DirectoryBinaryLog, DirectorySink, TempSpill};
use backtrail_reconstruct::{
    Compression, Inputs, NoObserver, ObjectAction, RefusalPolicy, Report, Request, plan, reconstruct,
};
use mysql_async::prelude::Queryable;

use crate::load::load;
use crate::objects::{differences, objects};
use crate::random::Random;
use crate::record::{Point, Recording};
use crate::script::By;
use crate::segments;
use crate::server::{Server, schemas};
use crate::truth::{contents, difference};

/// How a point is rebuilt: what must not make a difference.
#[derive(Debug, Clone)]
pub struct Variant {
    memory: u64,
    threads: usize,
    compression: Compression,
    segments: Option<usize>,
    /// Begin with the result of the point before, instead of the baseline.
    chained: bool,
    /// A client for each file.
    each: bool,
}

impl Variant {
    fn random(random: &mut Random) -> Self {
        Self {
            memory: *random.weighted(&[(50, 64 << 20), (30, 1 << 12), (20, 1 << 16)]),
            threads: random.between(1, 2),
            compression: *random.weighted(&[(70, Compression::None), (15, Compression::Gzip), (15, Compression::Zstd)]),
            segments: random.percent(40).then(|| random.between(1, 5)),
            chained: random.percent(30),
            each: random.percent(15),
        }
    }
}

/// What is wrong with a rebuilt point.
#[derive(Debug, Clone)]
pub struct Finding {
    /// The number of the point.
    pub point: usize,
    /// The same for findings that look alike: what to keep while shrinking.
    pub kind: String,
    /// All about it.
    pub detail: String,
}

/// What rebuilding a point gave.
#[derive(Debug, Default)]
pub struct Outcome {
    /// Tables that were compared.
    pub compared: usize,
    /// Tables that the engine refused, by reason.
    pub refused: BTreeMap<TableName, String>,
    /// It does not load, and neither does the baseline: servers make rows that they do not take, such as those that get a
    /// JSON or GEOMETRY column without a default.
    pub not_loadable: bool,
    /// Tables that differ, and errors.
    pub findings: Vec<Finding>,
}

/// Rebuilds all points of a recording.
///
/// # Errors
/// The server fails; the engine's errors are findings.
pub async fn rebuild_all(
    recording: &Recording,
    target: &Server,
    directory: &Path,
    random: &mut Random,
) -> anyhow::Result<Vec<Outcome>> {
    let mut outcomes: Vec<Outcome> = Vec::new();
    let mut previous: Option<(PathBuf, Vec<TableName>)> = None;
    for (number, point) in recording.points.iter().enumerate() {
        let mut variant = Variant::random(random);
        // What was left out of a result, and renamed since, would be missed in the next one.
        variant.chained &= previous.as_ref().is_some_and(|(_, absent)| absent.is_empty());
        let out = directory.join(format!("result-{number}"));
        let from = match &previous {
            Some((result, _)) if variant.chained => result.clone(),
            _ => recording.baseline.clone(),
        };
        let log = match variant.segments {
            Some(transactions) => {
                let segments = directory.join(format!("segments-{number}"));
                segments::cut(&recording.binlogs, &segments, transactions)?;
                segments
            }
            None => recording.binlogs.clone(),
        };
        let absent = match &previous {
            Some((_, absent)) if variant.chained => absent.clone(),
            _ => Vec::new(),
        };
        let mut outcome = Outcome::default();
        let finding = |kind: String, detail: String| Finding {
            point: number,
            kind,
            detail: format!("point {number} at {} by {:?}, {variant:?}\n{detail}", point.position, point.by),
        };
        match engine(&from, &log, point, &variant, &out).await {
            Ok(report) => {
                compare(point, recording, &report, &absent, target, &out, &variant, &mut outcome, &finding).await?;
                let left_out = absent.into_iter().chain(outcome.refused.keys().cloned()).collect();
                previous = Some((out, left_out));
            }
            // Found while its rows are read: the run ends, by the table's name, and the table has to be left out.
            Err(error) if look_alike(&error).is_some() => {
                let table = look_alike(&error).context("a table")?;
                outcome.refused.insert(table, "rows that look alike".to_owned());
                previous = None;
            }
            Err(error) => {
                let kind = error.split(['`', ':', '0', '1', '2', '3', '4', '5', '6', '7', '8', '9']).next();
                outcome.findings.push(finding(format!("engine: {}", kind.unwrap_or_default()), error));
                previous = None;
            }
        }
        outcomes.push(outcome);
    }
    Ok(outcomes)
}

/// The table whose rows cannot be told apart by what a dump has of a FLOAT, if that is the error.
fn look_alike(error: &str) -> Option<TableName> {
    let table = error.strip_prefix("rows of ")?.split_once(" cannot be told apart: ")?.0;
    let (schema, table) = table.split_once('.')?;
    Some(TableName::new(schema, table))
}

/// Plans and rebuilds; the error is the engine's whole chain, or its panic.
async fn engine(from: &Path, log: &Path, point: &Point, variant: &Variant, out: &Path) -> Result<Report, String> {
    let (from, log, out, point, variant) =
        (from.to_owned(), log.to_owned(), out.to_owned(), point.clone(), variant.clone());
    let work = tokio::task::spawn_blocking(move || -> anyhow::Result<Report> {
        let baseline = DirectoryBaseline::open(&from)?;
        let log = DirectoryBinaryLog::open(&log)?;
        let target = match point.by {
            By::Position => CutTarget::Position(point.position.parse()?),
            By::Gtid if point.gtid.is_empty() => CutTarget::Position(point.position.parse()?),
            By::Gtid => CutTarget::Gtid(point.gtid.parse()?),
            By::Time => CutTarget::parse_time(&point.time)?,
        };
        let mut request = Request::new(target, TableFilter::All);
        request.refusals = RefusalPolicy::Skip;
        request.assume_complete_log = true;
        request.memory_budget = variant.memory;
        request.threads = variant.threads;
        request.compression = variant.compression;
        let spill = TempSpill::default();
        let inputs = Inputs { baseline: &baseline, log: &log, spill: &spill, observer: &NoObserver };
        let plan = plan(&inputs, &request)?;
        let sink = DirectorySink::create(&out)?;
        Ok(reconstruct(&inputs, &plan, &request, &sink)?)
    });
    match work.await {
        Ok(Ok(report)) => Ok(report),
        Ok(Err(error)) => Err(format!("{error:#}")),
        Err(panic) => Err(format!("panic: {panic}")),
    }
}

/// What a server says of a geometry without bytes. It makes them itself, of a column that has no default.
const GEOMETRY_WITHOUT_BYTES: &str = "1416";

/// The errors of rows that a server makes and does not take: that, a vector without numbers, and MariaDB's check of a JSON
/// without text.
const NOT_TAKEN: [&str; 3] = [GEOMETRY_WITHOUT_BYTES, "6136", "4025"];

/// The number of the error with which a client ended.
fn server_error(text: &str) -> String {
    text.rsplit("ERROR").next().unwrap_or_default().split_whitespace().next().unwrap_or_default().to_owned()
}

#[expect(clippy::too_many_arguments, reason = "it joins everything that is known of a point")]
async fn compare(
    point: &Point,
    recording: &Recording,
    report: &Report,
    absent: &[TableName],
    target: &Server,
    out: &Path,
    variant: &Variant,
    outcome: &mut Outcome,
    finding: &dyn Fn(String, String) -> Finding,
) -> anyhow::Result<()> {
    for refusal in &report.refused {
        // What the result before lacks for a reason is not counted again.
        if !absent.contains(&refusal.table) {
            outcome.refused.insert(refusal.table.clone(), reason(&refusal.reason));
        }
    }
    target.reset(false).await.context("making the target empty")?;
    let names: Vec<String> = {
        let known = point.contents.keys().chain(report.tables.keys()).map(|name| name.schema.clone());
        let mut names: Vec<String> = known.chain(schema_files(out)?).collect();
        names.sort();
        names.dedup();
        names
    };
    if let Err(error) = load(out, target, &names, variant.each, !absent.is_empty() || !outcome.refused.is_empty()).await
    {
        let text = format!("{error:#}");
        let kind = server_error(&text);
        target.reset(false).await.context("making the target empty")?;
        let baseline = load(&recording.baseline, target, &names, false, true).await;
        outcome.not_loadable = NOT_TAKEN.contains(&kind.as_str())
            && (kind == GEOMETRY_WITHOUT_BYTES && text.contains("_binary ''")
                || baseline.is_err_and(|error| server_error(&format!("{error:#}")) == kind));
        if !outcome.not_loadable {
            outcome.findings.push(finding(format!("load: {kind}"), text));
        }
        return Ok(());
    }
    let mut connection = target.connect().await?;
    let found = contents(&mut connection).await.context("reading the result")?;
    let found_objects = objects(&mut connection).await.context("reading what stands around the result's tables")?;
    let there = schemas(&mut connection).await?;
    connection.query_drop("DO 0").await?;
    connection.disconnect().await?;
    for (name, expected) in point.contents.iter() {
        if outcome.refused.contains_key(name) || absent.contains(name) {
            continue;
        }
        let out_of_scope = report.warnings.iter().any(|warning| {
            warning.contains("the baseline has nothing of the schemas") && warning.contains(&name.schema)
        });
        match found.get(name) {
            None if out_of_scope && !there.contains(&name.schema) => {
                outcome.refused.insert(name.clone(), "its schema is not in the baseline".to_owned());
            }
            None => outcome.findings.push(finding("missing table".to_owned(), format!("{name} is missing"))),
            Some(found) => {
                outcome.compared += 1;
                if let Some(text) = difference(expected, found) {
                    let what = if expected.rows == found.rows { "definition" } else { "rows" };
                    outcome.findings.push(finding(format!("{what} differ"), format!("{name}: {text}")));
                }
            }
        }
    }
    let whole = absent.is_empty() && outcome.refused.is_empty();
    for left_out in report.around.iter().filter(|object| object.action == ObjectAction::LeftOut) {
        outcome.refused.insert(left_out.name.clone(), reason(left_out.reason.as_deref().unwrap_or_default()));
    }
    // Where tables are missing, only they were loaded.
    for (name, text) in
        differences(&point.objects, &found_objects, &recording.baseline_objects).into_iter().filter(|_| whole)
    {
        let (kind, own) = name.split_once(' ').unwrap_or((&name, ""));
        let own = own.trim_start_matches("BODY ");
        let schema = own.split('.').next().unwrap_or_default();
        let left_out = outcome.refused.keys().any(|refused| {
            // Of a name that cannot be read, this is the beginning.
            let refused = refused.to_string();
            refused == own || refused.strip_suffix('…').is_some_and(|begin| own.starts_with(begin))
        });
        if !left_out && there.iter().any(|there| there == schema) {
            outcome.findings.push(finding(format!("{kind} differs"), text));
        }
    }
    // mydumper makes a table for each view, until the view takes its place.
    let views = view_files(out)?;
    let for_view = |name: &TableName| {
        let own = format!("{}.{}", name.schema, name.table);
        // Files of names with other letters have other names.
        views.contains(&own) || point.objects.contains_key(&format!("VIEW {own}"))
    };
    for name in found.keys().filter(|name| !point.contents.contains_key(*name) && !for_view(name)) {
        outcome.findings.push(finding("table too many".to_owned(), format!("{name} should not be there")));
    }
    Ok(())
}

fn schema_files(out: &Path) -> anyhow::Result<Vec<String>> {
    let mut names = Vec::new();
    for entry in std::fs::read_dir(out)? {
        let name = entry?.file_name().to_string_lossy().into_owned();
        if let Some((schema, _)) = name.split_once("-schema-create.sql") {
            names.push(schema.to_owned());
        }
    }
    Ok(names)
}

fn view_files(out: &Path) -> anyhow::Result<Vec<String>> {
    let mut names = Vec::new();
    for entry in std::fs::read_dir(out)? {
        let name = entry?.file_name().to_string_lossy().into_owned();
        if let Some((view, _)) = name.split_once("-schema-view.sql") {
            names.push(view.to_owned());
        }
    }
    Ok(names)
}

/// A reason without the names in it, to count by.
fn reason(text: &str) -> String {
    let mut plain = String::new();
    for (at, part) in text.split('`').enumerate() {
        plain.push_str(if at % 2 == 0 { part } else { "…" });
    }
    match (plain.find(" of rows of "), plain.find(" may have changed its rows")) {
        (Some(from), Some(to)) if from < to => format!("{} of rows of …{}", &plain[..from], &plain[to..]),
        _ => plain,
    }
}
