//! Every stored format of every version stays readable, and what is written today is what its golden file says.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use backtrail_contracts::jobs::{Job, RunBackup, RunPitr, job};
use backtrail_contracts::manifest::{BackupManifest, MANIFEST_VERSION, PLAN_NAME, PitrManifest};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

/// Reads the file, and writes it again without a difference: nothing of it is lost, and nothing new comes in unversioned.
#[track_caller]
fn check<T: Serialize + DeserializeOwned>(golden: &str) -> T {
    let read: T = serde_json::from_str(golden).unwrap();
    let written = serde_json::to_value(&read).unwrap();
    assert_eq!(written, serde_json::from_str::<Value>(golden).unwrap());
    read
}

#[test]
fn backup_manifest_version_1_with_how_names_are_told_apart() {
    let manifest: BackupManifest = check(include_str!("../golden/manifest-backup-v1-with-name-case.json"));
    assert_eq!((manifest.version, manifest.source.lower_case_table_names), (1, Some(1)));
}

#[test]
fn backup_manifest_version_1() {
    let manifest: BackupManifest = check(include_str!("../golden/manifest-backup-v1.json"));
    assert_eq!(manifest.version, 1);
    assert_eq!(manifest.coordinates.unwrap().position, 8_589_934_592);
    assert_eq!(manifest.files[1].rows, Some(3));
}

#[test]
fn pitr_manifest_version_1() {
    let manifest: PitrManifest = check(include_str!("../golden/manifest-pitr-v1.json"));
    assert_eq!(manifest.cut.file, "binlog.000013");
    assert!(manifest.last_commit_at.is_some());
    assert!(manifest.plan.is_none());
}

#[test]
fn pitr_manifest_version_1_with_its_plan() {
    let manifest: PitrManifest = check(include_str!("../golden/manifest-pitr-v1-with-plan.json"));
    assert_eq!((manifest.version, manifest.plan.unwrap().name.as_str()), (1, PLAN_NAME));
}

#[test]
fn the_newest_version_has_its_golden_files() {
    let directory = "golden";
    for kind in ["backup", "pitr"] {
        let path = format!("{directory}/manifest-{kind}-v{MANIFEST_VERSION}.json");
        assert!(std::path::Path::new(&path).exists(), "{path} is missing");
    }
}

#[test]
fn jobs_version_1() {
    let golden = include_bytes!("../golden/job-backup-v1.bin");
    let expect = Job {
        message_id: "0190a3f4-2222-7000-8000-000000000001".to_owned(),
        traceparent: "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01".to_owned(),
        job: Some(job::Job::Backup(RunBackup {
            backup_id: "0190a3f4-1111-7000-8000-000000000001".to_owned(),
            tenant_id: "0190a3f4-1111-7000-8000-000000000002".to_owned(),
            server_id: "0190a3f4-1111-7000-8000-000000000003".to_owned(),
        })),
    };
    assert_eq!(Job::from_bytes(golden).unwrap(), expect);
    assert_eq!(expect.to_bytes().unwrap(), golden);

    let golden = include_bytes!("../golden/job-pitr-v1.bin");
    let expect = Job {
        traceparent: String::new(),
        job: Some(job::Job::Pitr(RunPitr {
            pitr_id: "0190a3f4-1111-7000-8000-000000000004".to_owned(),
            tenant_id: "0190a3f4-1111-7000-8000-000000000002".to_owned(),
            server_id: "0190a3f4-1111-7000-8000-000000000003".to_owned(),
        })),
        ..expect
    };
    assert_eq!(Job::from_bytes(golden).unwrap(), expect);
    assert_eq!(expect.to_bytes().unwrap(), golden);
}
