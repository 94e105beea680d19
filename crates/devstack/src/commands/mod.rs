//! The subcommands, one file each.

mod background;
mod bench;
mod demo;
mod install;
mod run;
mod s3;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

/// Starts the real parts of Backtrail privately: own directories, free ports, nothing left behind.
#[derive(Debug, Parser)]
#[command(name = "devstack", version)]
pub(crate) struct Arguments {
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Start a whole installation in the background and print how to use it.
    Up(background::Up),
    /// Stop the installation in the background and remove its data.
    Down(background::StateFile),
    /// Print how to use the installation in the background.
    Status(background::StateFile),
    /// Hold the installation that `up` starts.
    #[command(hide = true)]
    Serve(background::Up),
    /// Start an installation, show what it can do, and stop it again.
    Demo(demo::Demo),
    /// Measure a recovery beside the classical way, on the same data.
    Bench(bench::Bench),
    /// Run a command with the parts that tests share, and stop them afterwards.
    Run(run::Run),
    /// Fetch what the distribution's packages do not have.
    Install(install::Install),
    /// Serve S3 in the foreground.
    S3(s3::ServeS3),
}

impl Command {
    pub(crate) async fn run(self) -> anyhow::Result<ExitCode> {
        match self {
            Self::Up(up) => up.run().await,
            Self::Down(state) => state.down().await,
            Self::Status(state) => state.status(),
            Self::Serve(serve) => serve.serve().await,
            Self::Demo(demo) => demo.run().await,
            Self::Bench(bench) => Box::pin(bench.run()).await,
            Self::Run(run) => run.run().await,
            Self::Install(install) => install.run().await,
            Self::S3(s3) => s3.run().await,
        }
    }
}
