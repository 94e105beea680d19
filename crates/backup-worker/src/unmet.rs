//! What a preflight finds wrong, and what that does to a backup that is taken all the same.

use backtrail_source::{Check, PreflightReport};

/// The checks without which the binary log behind a backup cannot carry a recovery.
const FOR_RECOVERY: [&str; 3] = ["log_bin", "binlog_format", "binlog_row_image"];

/// Required checks that did not pass.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Unmet {
    /// One for each, for the run.
    pub(crate) warnings: Vec<String>,
    /// Why no recovery can start from the backup, where that follows.
    pub(crate) not_a_baseline_because: Option<String>,
}

impl Unmet {
    pub(crate) fn of(report: &PreflightReport) -> Self {
        let unmet: Vec<&Check> = report.checks.iter().filter(|check| check.required && !check.ok).collect();
        let describe = |check: &&&Check| {
            let remedy = check.remedy.as_deref().unwrap_or_default();
            format!("{} is {}, not {}: {remedy}", check.name, check.found, check.wanted)
        };
        let (recovery, others): (Vec<_>, Vec<_>) =
            unmet.iter().partition(|check| FOR_RECOVERY.contains(&check.name.as_str()));
        let reasons: Vec<String> = recovery.iter().map(|check| describe(&check)).collect();
        Self {
            warnings: others.iter().map(|check| describe(&check)).collect(),
            not_a_baseline_because: Some(reasons.join("; ")).filter(|reason| !reason.is_empty()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_keeps_a_backup_from_being_a_baseline() {
        let check = |name: &str, ok: bool, required: bool| {
            serde_json::json!({
                "name": name, "ok": ok, "required": required, "found": "A", "wanted": "B", "remedy": "mend it",
            })
        };
        let report = |checks: Vec<serde_json::Value>| -> PreflightReport {
            serde_json::from_value(serde_json::json!({
                "checked_at": "2026-04-13T02:00:00Z", "reachable": true, "ok": false, "version": null, "flavour": null,
                "identity": null, "encrypted": null, "log_bin": null, "binlog_format": null, "binlog_row_image": null,
                "binlog_expire_seconds": null, "gtid_mode": null, "grants": { "present": [], "missing": [] },
                "checks": checks, "tables": [],
            }))
            .unwrap()
        };
        assert_eq!(
            Unmet::of(&report(vec![check("log_bin", true, true), check("binlog expiry", false, false)])),
            Unmet::default()
        );
        let unmet = Unmet::of(&report(vec![check("grant EVENT", false, true), check("binlog_format", false, true)]));
        assert_eq!(unmet.warnings, ["grant EVENT is A, not B: mend it"]);
        assert_eq!(unmet.not_a_baseline_because.as_deref(), Some("binlog_format is A, not B: mend it"));
        for name in FOR_RECOVERY {
            assert!(Unmet::of(&report(vec![check(name, false, true)])).not_a_baseline_because.is_some(), "{name}");
        }
    }
}
