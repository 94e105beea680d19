//! The dependency directions of ARCHITECTURE.md, kept by a test over Cargo's own metadata.

use std::collections::BTreeMap;
use std::process::Command;

use serde_json::Value;

/// A crate may depend on crates of a lower layer, and on those of its own layer that are named beside it.
const LAYERS: &[(&str, u8, &[&str])] = &[
    ("settings", 0, &[]),
    ("domain", 0, &[]),
    ("contracts", 0, &["domain"]),
    ("binlog", 0, &["domain"]),
    ("dump", 0, &["domain"]),
    ("schema", 0, &["domain"]),
    ("reconstruct", 0, &["domain", "binlog", "dump", "schema"]),
    ("store", 1, &[]),
    ("queue", 1, &[]),
    ("objects", 1, &[]),
    ("source", 1, &[]),
    ("service", 1, &[]),
    ("relay", 2, &[]),
    ("worker", 2, &[]),
    ("gateway", 3, &[]),
    ("scheduler", 3, &[]),
    ("backup-worker", 3, &[]),
    ("pitr-worker", 3, &[]),
    ("binlog-agent", 3, &[]),
    ("cli", 4, &[]),
    ("devstack", 4, &[]),
    ("tests", 5, &[]),
    ("oracle", 5, &["decoders"]),
    ("fuzz", 5, &[]),
    ("decoders", 5, &[]),
];

/// The one crate that may know a library.
const KEEPERS: &[(&str, &[&str])] = &[
    ("diesel", &["store"]),
    ("diesel-async", &["store"]),
    ("lapin", &["queue"]),
    ("aws-sdk-s3", &["objects"]),
    ("mysql_async", &["source", "devstack", "tests", "oracle"]),
    ("actix-web", &["gateway", "service"]),
];

/// What a pure crate must not reach.
const IMPURE: &[&str] =
    &["tokio", "actix-web", "lapin", "diesel", "diesel-async", "aws-sdk-s3", "mysql_async", "reqwest", "rand", "clap"];

fn dependencies() -> BTreeMap<String, Vec<String>> {
    let output = Command::new(env!("CARGO"))
        .args(["metadata", "--format-version", "1", "--no-deps", "--offline"])
        .output()
        .expect("cargo runs");
    let metadata: Value = serde_json::from_slice(&output.stdout).expect("cargo metadata is JSON");
    let short = |name: &str| name.strip_prefix("backtrail-").unwrap_or(name).to_owned();
    let packages = metadata["packages"].as_array().expect("packages");
    packages
        .iter()
        .map(|package| {
            let normal = package["dependencies"].as_array().expect("dependencies").iter();
            let names = normal
                .filter(|dependency| dependency["kind"].is_null())
                .map(|dependency| dependency["name"].as_str().expect("a name").to_owned());
            (short(package["name"].as_str().expect("a name")), names.collect())
        })
        .collect()
}

#[test]
fn dependencies_run_downwards() {
    let all = dependencies();
    let layer = |name: &str| LAYERS.iter().find(|(known, ..)| *known == name);
    let mut wrong = Vec::new();
    for (name, dependencies) in &all {
        let Some((_, own, siblings)) = layer(name) else {
            wrong.push(format!("crate `{name}` has no layer: give it one in this test and in ARCHITECTURE.md"));
            continue;
        };
        for dependency in dependencies.iter().filter_map(|dependency| dependency.strip_prefix("backtrail-")) {
            let lower = layer(dependency).is_some_and(|(_, other, _)| other < own);
            if !lower && !siblings.contains(&dependency) {
                wrong.push(format!("`{name}` must not depend on `{dependency}`"));
            }
        }
    }
    assert!(all.len() >= LAYERS.len() - 2, "cargo metadata gave {} crates", all.len());
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn each_outside_system_has_one_keeper() {
    let mut wrong = Vec::new();
    for (name, dependencies) in &dependencies() {
        for (library, keepers) in KEEPERS {
            if dependencies.iter().any(|dependency| dependency == library) && !keepers.contains(&name.as_str()) {
                wrong.push(format!("`{name}` depends on {library}, which belongs to {keepers:?}"));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn pure_crates_reach_nothing_outside() {
    let mut wrong = Vec::new();
    for (name, dependencies) in &dependencies() {
        let pure = LAYERS.iter().any(|(known, layer, _)| known == name && *layer == 0) && name != "settings";
        if pure {
            let impure = dependencies.iter().filter(|dependency| IMPURE.contains(&dependency.as_str()));
            wrong.extend(impure.map(|dependency| format!("pure crate `{name}` depends on {dependency}")));
            let bans = format!("../crates/{name}/clippy.toml");
            if !std::fs::read_to_string(&bans).is_ok_and(|text| text.contains("disallowed-methods")) {
                wrong.push(format!(
                    "pure crate `{name}` has no clippy.toml that bans the clock, files and the environment"
                ));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
