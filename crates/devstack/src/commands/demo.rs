//! `devstack demo`: a stack of its own, and the story told on it.

use std::process::ExitCode;

use backtrail_devstack::{Interrupts, Stack, StackOptions};

#[derive(Debug, clap::Args)]
pub(crate) struct Demo {
    /// Leave data and logs behind.
    #[arg(long)]
    keep: bool,
}

impl Demo {
    pub(crate) async fn run(self) -> anyhow::Result<ExitCode> {
        let mut interrupts = Interrupts::listen()?;
        let options = StackOptions {
            label: "demo".to_owned(),
            more_parts: Vec::new(),
            environment: backtrail_devstack::demo::environment(),
            keep: self.keep,
            ..StackOptions::default()
        };
        let story = async {
            let mut stack = Stack::start(options).await?;
            if self.keep {
                println!("data and logs stay in {}", stack.directory().display());
            }
            backtrail_devstack::demo::run(&mut stack).await
        };
        // Whichever way it ends, the stack is dropped here and everything stops.
        tokio::select! {
            told = Box::pin(story) => told.map(|()| ExitCode::SUCCESS),
            interrupt = interrupts.next() => {
                eprintln!("interrupted; everything is being stopped");
                Ok(ExitCode::from(interrupt.exit_status()))
            }
        }
    }
}
