//! A failing history is made smaller: pieces are left out as long as the same kind of finding remains.

use std::time::{Duration, Instant};

use crate::rebuild::Finding;
use crate::record::Recording;
use crate::run::Oracle;
use crate::script::{History, Step};

/// Leaves out halves, then quarters, then single steps, until nothing more can be left out or the time is over.
///
/// # Errors
/// None of its own: a smaller history with which a server or a dumper fails is not taken.
pub(crate) async fn shrink(
    oracle: &mut Oracle,
    recording: &Recording,
    finding: &Finding,
    seed: u64,
    limit: Duration,
) -> anyhow::Result<History> {
    let end = Instant::now() + limit;
    let mut best = recording.history.clone();
    // Nothing behind the point matters; the points before it only do where results are chained.
    if let Some(point) = recording.points.get(finding.point) {
        let mut shorter = best.clone();
        shorter.steps.truncate(point.step + 1);
        let mut only = shorter.clone();
        let last = point.step;
        let mut number = 0;
        only.steps.retain(|step| {
            number += 1;
            number == last + 1 || !matches!(step, Step::Point(_))
        });
        for candidate in [only, shorter] {
            if fails(oracle, &candidate, finding, seed).await {
                best = candidate;
                break;
            }
        }
    }
    let mut size = best.steps.len().div_ceil(2);
    while size > 0 && Instant::now() < end {
        let (mut at, mut changed) = (0, false);
        while at < best.steps.len() && Instant::now() < end {
            let mut candidate = best.clone();
            let mut number = 0;
            candidate.steps.retain(|step| {
                number += 1;
                let inside = number > at && number <= at + size;
                !inside || matches!(step, Step::Baseline(_) | Step::Point(_))
            });
            if candidate.steps.len() < best.steps.len() && fails(oracle, &candidate, finding, seed).await {
                best = candidate;
                changed = true;
            } else {
                at += size;
            }
        }
        size = if size == 1 && !changed { 0 } else { (size / 2).max(1) };
    }
    best.remarks = vec![format!("seed {seed}: {}", finding.kind)];
    Ok(best)
}

/// The same variants are tried first; a finding may also depend on them.
async fn fails(oracle: &mut Oracle, history: &History, finding: &Finding, seed: u64) -> bool {
    match oracle.run_history(history, seed).await {
        Ok((_, outcomes)) => {
            outcomes.iter().flat_map(|outcome| &outcome.findings).any(|found| found.kind == finding.kind)
        }
        Err(_) => false,
    }
}
