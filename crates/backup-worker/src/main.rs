//! The backup worker's process: settings in, runs until asked to stop.

use std::process::ExitCode;

use backtrail_backup_worker::{BackupWorker, Settings};
use backtrail_service::Context;

fn main() -> ExitCode {
    backtrail_service::run("backup-worker", |context: Context, settings: Settings| async move {
        BackupWorker::build(&context, settings)?.run_until_cancelled(&context).await
    })
}
