//! `backtrail coverage`: what instants of a server can be recovered.

use serde_json::Value;

use crate::api::ApiSettings;
use crate::output;

#[derive(Debug, clap::Args)]
pub(crate) struct CoverageArguments {
    #[command(flatten)]
    api: ApiSettings,
    /// Server, by id or name.
    server: String,
}

pub(crate) async fn run(arguments: CoverageArguments) -> anyhow::Result<()> {
    let api = arguments.api.client()?;
    let server = api.server_id(&arguments.server).await?;
    let coverage = api.get(&format!("servers/{server}/pitr/coverage"), &[]).await?;
    if arguments.api.json {
        output::print_json(&coverage);
        return Ok(());
    }
    let mut plain = coverage.clone();
    for list in ["recoverable_windows", "gaps", "baselines"] {
        plain.as_object_mut().map(|fields| fields.remove(list));
    }
    output::print_object(&plain, false);
    let text = |row: &Value, name: &str| row[name].as_str().unwrap_or("-").to_owned();
    for window in coverage["recoverable_windows"].as_array().into_iter().flatten() {
        println!("recoverable  {} to {}", text(window, "from"), text(window, "to"));
    }
    for gap in coverage["gaps"].as_array().into_iter().flatten() {
        println!("gap          {} to {} ({})", text(gap, "from"), text(gap, "to"), text(gap, "cause"));
    }
    Ok(())
}
