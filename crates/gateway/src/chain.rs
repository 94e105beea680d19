//! From which baseline, over which archived binary log, a target can be reached; and the answer where it cannot.

use backtrail_contracts::manifest::BackupManifest;
use backtrail_domain::chain::{self, ChainRequest, Hole, Refusal};
use backtrail_domain::{BackupId, BaselineFact, SegmentFact, TableFilter, TableName};
use backtrail_source::{Promise, TablePromise};
use backtrail_store::{BackupRun, Server, Store, coverage};
use serde::Deserialize;
use serde_json::Value;

use crate::problem::{Code, Problem};
use crate::routes::{GapView, TriggerPitr, WindowView};
use crate::times::{self, Exact};

/// What a PITR would start from and read.
pub(crate) struct Chain {
    pub(crate) baseline: BaselineFact,
    pub(crate) segments: Vec<SegmentFact>,
    /// Gaps that it would go on across.
    pub(crate) gaps: Vec<GapView>,
    /// The baseline's manifest.
    pub(crate) manifest: BackupManifest,
    /// The baseline's stored bytes.
    pub(crate) size_bytes: Option<u64>,
}

/// Finds the chain to the target of `wanted`, or says why there is none. The worker plans with the same function.
pub(crate) async fn find(store: &Store, server: &Server, wanted: &TriggerPitr) -> Result<Chain, Problem> {
    let (facts, now) = coverage::chain_facts(store, server.tenant_id, server.id, Some(&wanted.target)).await?;
    let request = ChainRequest { target: &wanted.target, now, allow_gaps: wanted.allow_gaps };
    let plan = chain::plan(&facts, &request).map_err(|refusal| refused(refusal, wanted))?;
    let (run, manifest) = baseline(store, server, plan.baseline.id).await?;
    if let Some((_, filter)) = &wanted.tables {
        refuse_unknown_tables(filter, &manifest, server)?;
    }
    Ok(Chain {
        baseline: plan.baseline.clone(),
        segments: plan.segments.into_iter().cloned().collect(),
        gaps: plan.gaps.iter().map(gap).collect(),
        manifest,
        size_bytes: run.size_bytes,
    })
}

/// The ranges of targets that can be reached.
pub(crate) async fn windows(store: &Store, server: &Server) -> Result<Vec<WindowView>, Problem> {
    let (facts, _) = coverage::chain_facts(store, server.tenant_id, server.id, None).await?;
    let windows = chain::recoverable_windows(&facts);
    Ok(windows.iter().map(|window| WindowView { from: Exact(window.from), to: Exact(window.until) }).collect())
}

fn refused(refusal: Refusal, wanted: &TriggerPitr) -> Problem {
    let detail = refusal.to_string();
    let problem = match refusal {
        Refusal::TargetInFuture => Problem::new(Code::TargetInFuture, detail),
        Refusal::NoBaseline { oldest } => {
            Problem::new(Code::NoBaseline, detail).with("oldest_baseline", oldest.map(times::exact))
        }
        Refusal::NotYetArchived { until } => {
            Problem::new(Code::NotYetArchived, detail).with("archived_until", until.map(times::exact))
        }
        Refusal::BinlogGap { gaps, passable } => {
            let gaps: Vec<GapView> = gaps.iter().map(gap).collect();
            match serde_json::to_value(gaps) {
                Ok(gaps) => Problem::new(Code::BinlogGap, detail).with("gaps", gaps).with("passable", passable),
                Err(error) => return Problem::internal(error),
            }
        }
    };
    problem.at(wanted.target_pointer())
}

fn gap(hole: &Hole) -> GapView {
    GapView {
        from: hole.from.to_string(),
        to: hole.to.to_string(),
        from_time: hole.from_time.map(Exact),
        to_time: hole.to_time.map(Exact),
        cause: hole.cause.clone(),
    }
}

/// The baseline's row, with its manifest.
async fn baseline(store: &Store, server: &Server, id: BackupId) -> Result<(BackupRun, BackupManifest), Problem> {
    let run = BackupRun::find(store, server.tenant_id, id).await?;
    let run = run.ok_or_else(|| Problem::internal(format!("the baseline {id} has no row")))?;
    let manifest = run.manifest.as_ref().map(BackupManifest::deserialize).transpose().map_err(Problem::internal)?;
    let manifest = manifest.ok_or_else(|| Problem::internal(format!("the baseline {id} has no manifest")))?;
    Ok((run, manifest))
}

/// Refuses tables that nobody has heard of: neither in the baseline, nor on the server when it was last looked at.
fn refuse_unknown_tables(filter: &TableFilter, manifest: &BackupManifest, server: &Server) -> Result<(), Problem> {
    let TableFilter::Only(names) = filter else { return Ok(()) };
    let on_server: Vec<TableName> = preflight_tables(server).into_iter().map(|table| table.name).collect();
    let known = |name: &TableName| manifest.tables.contains_key(&name.to_string()) || on_server.contains(name);
    let unknown: Vec<String> = names.iter().filter(|name| !known(name)).map(ToString::to_string).collect();
    if unknown.is_empty() {
        return Ok(());
    }
    let detail = format!(
        "{} {} neither in the baseline nor on the server; names are compared byte by byte",
        unknown.join(", "),
        if unknown.len() == 1 { "is" } else { "are" },
    );
    Err(Problem::new(Code::UnknownTable, detail).at("/tables").with("tables", unknown))
}

/// A table that the server had at its last preflight.
pub(crate) struct PreflightTable {
    pub(crate) name: TableName,
    /// What PITR promises for it.
    pub(crate) promise: Promise,
    /// Why or when PITR refuses it, if it may.
    pub(crate) reason: Option<String>,
}

/// The tables of the last preflight's report; none where there was none.
pub(crate) fn preflight_tables(server: &Server) -> Vec<PreflightTable> {
    let tables = server.preflight.as_ref().and_then(|report| report.get("tables")).and_then(Value::as_array);
    tables
        .into_iter()
        .flatten()
        .filter_map(|table| TablePromise::deserialize(table).ok())
        .map(|table| PreflightTable {
            name: TableName::new(table.schema, table.table),
            promise: table.promise,
            reason: table.reason,
        })
        .collect()
}
