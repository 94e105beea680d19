//! Following a run to its end.

use std::time::Duration;

use anyhow::bail;
use indicatif::{ProgressBar, ProgressStyle};
use serde_json::Value;

use crate::api::Api;
use crate::output;

const BETWEEN_LOOKS: Duration = Duration::from_millis(500);

/// Shows a run until it ends, then prints it. A run that failed is an error that carries the run's own words.
pub(crate) async fn follow(api: &Api, path: &str, json: bool) -> anyhow::Result<()> {
    let bar = if json { ProgressBar::hidden() } else { ProgressBar::new(0) };
    bar.set_style(ProgressStyle::with_template("{spinner} {msg:14} {wide_bar} {bytes}/{total_bytes} {elapsed}")?);
    bar.enable_steady_tick(Duration::from_millis(120));
    let run = loop {
        let run = api.get(path, &[]).await?;
        if run["status"] != "running" {
            break run;
        }
        bar.set_message(run["phase"].as_str().unwrap_or_default().to_owned());
        let progress = |name: &str| run["progress"][name].as_u64();
        if let (Some(done), Some(expected)) = (progress("bytes_done"), progress("bytes_expected")) {
            bar.set_length(expected.max(done));
            bar.set_position(done);
        }
        tokio::time::sleep(BETWEEN_LOOKS).await;
    };
    bar.finish_and_clear();
    output::print_object(&without_details(run.clone(), json), json);
    if run["status"] != "completed" {
        bail!(
            "the run {}: {}",
            run["phase"].as_str().unwrap_or("failed"),
            run["error_message"].as_str().unwrap_or("no reason given")
        );
    }
    Ok(())
}

/// A run without its long parts, which only programs read.
pub(crate) fn without_details(mut run: Value, json: bool) -> Value {
    if let (false, Some(fields)) = (json, run.as_object_mut()) {
        for long in ["manifest", "progress", "plan", "report"] {
            fields.remove(long);
        }
    }
    run
}
