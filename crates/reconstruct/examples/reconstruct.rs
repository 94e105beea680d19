//! A point-in-time recovery from two directories into a third: the engine alone, for trying and measuring.
//!
//! `reconstruct --baseline DIR --binlogs DIR (--target-time T | --target-gtid G | --target-position FILE:POS) --out DIR
//! [--tables a.b,c.d] [--memory BYTES] [--threads N] [--skip] [--plan]`

#![expect(
    clippy::disallowed_methods,
    clippy::disallowed_types,
    clippy::unwrap_used,
    reason = "a tool for trying things"
)]

#[path = "../tests/support/mod.rs"]
mod support;

use std::collections::HashMap;
use std::error::Error;
use std::time::Instant;

use backtrail_domain::{CutTarget, TableFilter};
use backtrail_reconstruct::{Inputs, NoObserver, RefusalPolicy, Request, plan, reconstruct};
use support::Directory;

fn main() {
    if let Err(error) = run() {
        let mut text = error.to_string();
        let mut source = error.source();
        while let Some(cause) = source {
            text.push_str(": ");
            text.push_str(&cause.to_string());
            source = cause.source();
        }
        eprintln!("{text}");
        std::process::exit(1);
    }
}

fn run() -> Result<(), Box<dyn Error>> {
    let mut options: HashMap<String, String> = HashMap::new();
    let mut arguments = std::env::args().skip(1);
    while let Some(name) = arguments.next() {
        let flag = matches!(name.as_str(), "--skip" | "--plan" | "--quiet");
        let value = if flag { String::new() } else { arguments.next().ok_or("a value is missing")? };
        options.insert(name, value);
    }
    let get = |name: &str| options.get(name).cloned().ok_or(format!("{name} is missing"));
    let target = if let Some(time) = options.get("--target-time") {
        CutTarget::parse_time(time)?
    } else if let Some(set) = options.get("--target-gtid") {
        CutTarget::Gtid(set.parse()?)
    } else {
        CutTarget::Position(get("--target-position")?.parse()?)
    };
    let tables: TableFilter = match options.get("--tables") {
        Some(list) => list.parse()?,
        None => TableFilter::All,
    };
    let mut request = Request::new(target, tables);
    request.assume_complete_log = true;
    request.threads = options.get("--threads").map_or(Ok(2), |text| text.parse())?;
    if let Some(bytes) = options.get("--memory") {
        request.memory_budget = bytes.parse()?;
    }
    if options.contains_key("--skip") {
        request.refusals = RefusalPolicy::Skip;
    }
    let baseline = Directory(get("--baseline")?.into());
    let log = Directory(get("--binlogs")?.into());
    let out = Directory(get("--out")?.into());
    let spill = Directory(std::env::temp_dir());
    let inputs = Inputs { baseline: &baseline, log: &log, spill: &spill, observer: &NoObserver };
    let begun = Instant::now();
    let plan = plan(&inputs, &request)?;
    let planned = begun.elapsed();
    if options.contains_key("--plan") {
        println!("{plan:#?}");
        return Ok(());
    }
    let report = reconstruct(&inputs, &plan, &request, &out)?;
    if !options.contains_key("--quiet") {
        println!("{report:#?}");
    }
    println!("planned in {planned:?}, all in {:?}", begun.elapsed());
    Ok(())
}
