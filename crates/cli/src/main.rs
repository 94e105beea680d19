#![doc = include_str!("../README.md")]

mod admin;
mod api;
mod backup;
mod coverage;
mod output;
mod pitr;
mod reconstruct;
mod schedule;
mod server;
mod wait;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

use crate::api::ApiSettings;

/// Backups and point-in-time recovery for MySQL and MariaDB.
#[derive(Debug, Parser)]
#[command(name = "backtrail", version, max_term_width = 100)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Rebuild tables from a dump and binary logs, with no server, database or network.
    Reconstruct(Box<reconstruct::ReconstructArguments>),
    /// Prepare the system: migrations, tenants, keys. Speaks to Postgres.
    Admin(admin::AdminArguments),
    /// Source servers. Speaks to the gateway, like the commands below.
    Server(Remote<server::ServerCommand>),
    /// Backups of a server.
    Backup(Remote<backup::BackupCommand>),
    /// Backup schedules.
    Schedule(Remote<schedule::ScheduleCommand>),
    /// Point-in-time recoveries.
    Pitr(Remote<pitr::PitrCommand>),
    /// What instants of a server can be recovered.
    Coverage(coverage::CoverageArguments),
}

/// A command that speaks to the gateway.
#[derive(Debug, clap::Args)]
struct Remote<C: Subcommand> {
    #[command(flatten)]
    api: ApiSettings,
    #[command(subcommand)]
    command: C,
}

#[tokio::main]
async fn main() -> ExitCode {
    // Colours, wrapping and exit status 2 for usage errors are clap's.
    let arguments = Arguments::parse();
    let outcome = match arguments.command {
        Command::Reconstruct(arguments) => reconstruct::run(*arguments).await,
        Command::Admin(arguments) => admin::run(arguments).await,
        Command::Server(remote) => server::run(&remote.api, remote.command).await,
        Command::Backup(remote) => backup::run(&remote.api, remote.command).await,
        Command::Schedule(remote) => schedule::run(&remote.api, remote.command).await,
        Command::Pitr(remote) => pitr::run(&remote.api, remote.command).await,
        Command::Coverage(arguments) => coverage::run(arguments).await,
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("backtrail: {error:#}");
            ExitCode::FAILURE
        }
    }
}
