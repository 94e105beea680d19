//! `devstack run -- COMMAND`: the parts that the tests of one run share.

use std::ffi::OsString;
use std::io::IsTerminal;
use std::os::unix::process::ExitStatusExt;
use std::process::{ExitCode, ExitStatus};
use std::time::Instant;

use anyhow::Context;
use backtrail_devstack::shared::STATE_VARIABLE;
use backtrail_devstack::{Interrupt, Interrupts, Part, Parts};
use nix::sys::signal::{self, Signal};
use nix::unistd::Pid;
use tokio::process::{Child, Command};

#[derive(Debug, clap::Args)]
pub(crate) struct Run {
    /// The parts to start; all that are installed when not given.
    #[arg(long, value_enum, value_delimiter = ',')]
    parts: Option<Vec<Part>>,
    /// Leave data and logs behind.
    #[arg(long)]
    keep: bool,
    /// The command and its arguments.
    #[arg(required = true, trailing_var_arg = true, allow_hyphen_values = true)]
    command: Vec<OsString>,
}

impl Run {
    pub(crate) async fn run(self) -> anyhow::Result<ExitCode> {
        let mut interrupts = Interrupts::listen()?;
        let started = Instant::now();
        let wanted = self.parts.clone().unwrap_or_else(Part::all_available);
        let mut parts = tokio::select! {
            parts = Parts::start("run", &wanted) => parts?,
            interrupt = interrupts.next() => return Ok(ExitCode::from(interrupt.exit_status())),
        };
        if self.keep {
            parts.keep_directory();
            eprintln!("devstack: data and logs stay in {}", parts.directory().display());
        }
        let state_file = parts.directory().join("state.json");
        parts.state().write(&state_file)?;
        eprintln!("devstack: {} parts ready in {:.1} s", wanted.len(), started.elapsed().as_secs_f64());

        let (program, arguments) = self.command.split_first().context("no command given")?;
        let mut child = Command::new(program)
            .args(arguments)
            .env(STATE_VARIABLE, &state_file)
            .spawn()
            .with_context(|| format!("cannot start {}", program.display()))?;
        let status = follow(&mut child, &mut interrupts).await?;
        drop(parts);
        Ok(exit_code(status))
    }
}

/// Waits for the command. A signal is passed on, except for a Ctrl-C at the terminal, which the command got as well.
async fn follow(child: &mut Child, interrupts: &mut Interrupts) -> std::io::Result<ExitStatus> {
    loop {
        tokio::select! {
            status = child.wait() => return status,
            interrupt = interrupts.next() => {
                let passed_on = match interrupt {
                    Interrupt::Interrupt if std::io::stdin().is_terminal() => None,
                    Interrupt::Interrupt => Some(Signal::SIGINT),
                    Interrupt::Terminate => Some(Signal::SIGTERM),
                    Interrupt::Hangup => Some(Signal::SIGHUP),
                };
                if let (Some(signal), Some(pid)) = (passed_on, child.id()) {
                    let _ = signal::kill(Pid::from_raw(pid.cast_signed()), signal);
                }
            }
        }
    }
}

/// The command's own status; 128 + signal when a signal ended it, as a shell does.
fn exit_code(status: ExitStatus) -> ExitCode {
    let code = status.code().or_else(|| status.signal().map(|signal| 128 + signal)).unwrap_or(1);
    ExitCode::from(u8::try_from(code).unwrap_or(1))
}
