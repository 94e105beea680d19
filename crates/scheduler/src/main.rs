//! The scheduler's process: settings in, sweeps until asked to stop.

use std::process::ExitCode;

use backtrail_scheduler::{Scheduler, Settings};
use backtrail_service::Context;

fn main() -> ExitCode {
    backtrail_service::run("scheduler", |context: Context, settings: Settings| async move {
        Scheduler::build(&context, settings)?.run_until_cancelled(context).await
    })
}
