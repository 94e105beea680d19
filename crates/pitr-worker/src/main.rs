//! The PITR worker's process: settings in, runs until asked to stop.

use std::process::ExitCode;

use backtrail_pitr_worker::{PitrWorker, Settings};
use backtrail_service::Context;

fn main() -> ExitCode {
    backtrail_service::run("pitr-worker", |context: Context, settings: Settings| async move {
        PitrWorker::build(&context, settings)?.run_until_cancelled(&context).await
    })
}
