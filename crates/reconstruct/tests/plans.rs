//! Plans as people and programs see them.

#![expect(clippy::disallowed_methods, reason = "the recorded histories are files")]
#![expect(clippy::unwrap_used, reason = "a test's helpers may panic like the test")]

#[path = "support/memory.rs"]
#[expect(dead_code, reason = "nothing is rebuilt here")]
mod memory;

use std::path::Path;

use backtrail_domain::{CutTarget, TableFilter};
use backtrail_reconstruct::{Inputs, NoObserver, PLAN_VERSION, Plan, Request, TableAction, plan};
use memory::{Memory, Pieces};
use serde_json::Value;

/// Reads a stored plan and writes it again without a difference.
#[track_caller]
fn check(golden: &str) -> Plan {
    let plan: Plan = serde_json::from_str(golden).unwrap();
    assert_eq!(serde_json::to_value(&plan).unwrap(), serde_json::from_str::<Value>(golden).unwrap());
    plan
}

#[test]
fn plan_version_1() {
    let plan = check(include_str!("../golden/plan-v1.json"));
    assert_eq!(plan.version, 1);
    insta::assert_snapshot!(plan);
}

#[test]
fn the_newest_version_has_its_golden_file() {
    let path = Path::new("golden").join(format!("plan-v{PLAN_VERSION}.json"));
    assert!(path.exists(), "{} is missing", path.display());
}

fn of_recorded(case: &str, tables: TableFilter) -> Plan {
    let directory = Path::new("tests/data").join(case);
    let baseline = Memory::read(&directory.join("baseline"));
    let log = Pieces::files(&Memory::read(&directory.join("binlogs")));
    let mut request = Request::new(CutTarget::parse_time("2100-01-01T00:00:00Z").unwrap(), tables);
    request.assume_complete_log = true;
    let inputs = Inputs { baseline: &baseline, log: &log, spill: &Memory::default(), observer: &NoObserver };
    plan(&inputs, &request).unwrap()
}

#[test]
fn the_plan_of_a_recorded_history() {
    let plan = of_recorded("mariadb", TableFilter::All);
    insta::assert_snapshot!(plan);
    // What is stored is what was planned.
    let stored = serde_json::to_value(&plan).unwrap();
    let read: Plan = serde_json::from_value(stored.clone()).unwrap();
    assert_eq!(serde_json::to_value(&read).unwrap(), stored);
    assert_eq!(read.to_string(), plan.to_string());
    assert_eq!(plan.expected.row_events, plan.events.row_events_applied);
    assert_eq!(plan.expected.log_bytes, plan.events.bytes);
}

#[test]
fn the_plan_of_one_table() {
    let plan = of_recorded("mysql", "shop.gen".parse().unwrap());
    assert_eq!(plan.tables.len(), 1);
    let TableAction::Merge { origin, eras, .. } = plan.tables.values().next().unwrap() else {
        panic!("{:?}", plan.tables)
    };
    assert_eq!((origin.as_ref().map(ToString::to_string).as_deref(), eras.len()), (Some("shop.gen"), 2));
    assert!(plan.events.row_events_not_wanted > 0);
    assert_eq!(plan.expected.tables_merged, 1);
}
