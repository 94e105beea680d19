//! The recorded binary logs, read by two decoders.

use anyhow::Context;
use backtrail_decoders::{Compared, Disagreement, compare};

use crate::rebuild::{Finding, Outcome};
use crate::record::Recording;

/// Compares what the decoders say. A difference is a finding of the last point.
///
/// # Errors
/// A file cannot be read.
pub(crate) fn compare_all(recording: &Recording, outcomes: &mut Vec<Outcome>) -> anyhow::Result<Compared> {
    let mut all = Compared::default();
    for entry in std::fs::read_dir(&recording.binlogs)? {
        let path = entry?.path();
        let log = std::fs::read(&path).with_context(|| path.display().to_string())?;
        match compare(&log) {
            Ok(compared) => all += compared,
            // It does not know all that MariaDB has.
            Err(Disagreement::Theirs(_)) => {}
            Err(disagreement) => {
                let point = outcomes.len().saturating_sub(1);
                let detail = format!("{}: {disagreement}", path.display());
                let finding = Finding { point, kind: "two decoders differ".to_owned(), detail };
                match outcomes.last_mut() {
                    Some(last) => last.findings.push(finding),
                    None => outcomes.push(Outcome { findings: vec![finding], ..Outcome::default() }),
                }
            }
        }
    }
    Ok(all)
}
