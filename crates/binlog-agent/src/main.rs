//! The binlog agent's process: settings in, archives until asked to stop.

use std::process::ExitCode;

use backtrail_binlog_agent::{Agent, Settings};
use backtrail_service::Context;

fn main() -> ExitCode {
    backtrail_service::run("binlog-agent", |context: Context, settings: Settings| async move {
        Agent::build(&context, settings)?.run_until_cancelled(&context).await
    })
}
