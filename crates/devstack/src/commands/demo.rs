//! `devstack demo`: a stack of its own, and the story told on it.

use std::process::ExitCode;
use std::time::Duration;

use backtrail_devstack::{Interrupts, Stack, StackOptions};

/// So much later than the processes it has started the demo may hear of a Ctrl-C.
const MEANWHILE: Duration = Duration::from_millis(300);

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
        let interrupt = tokio::select! {
            told = Box::pin(story) => match told {
                Ok(()) => return Ok(ExitCode::SUCCESS),
                // Ctrl-C reaches all processes at once, and what the story waits for may end of it first.
                Err(error) => match tokio::time::timeout(MEANWHILE, interrupts.next()).await {
                    Ok(interrupt) => interrupt,
                    Err(_) => return Err(error),
                },
            },
            interrupt = interrupts.next() => interrupt,
        };
        eprintln!("interrupted; everything is being stopped");
        Ok(ExitCode::from(interrupt.exit_status()))
    }
}
