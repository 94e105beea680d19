//! Which process a number means: a process id together with the moment the process started.

use serde::{Deserialize, Serialize};

use nix::sys::signal::{self, Signal};
use nix::unistd::Pid;

/// A process that cannot be mistaken for a later one with the same id.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProcessIdentity {
    /// The process id.
    pub pid: u32,
    /// When it started, in clock ticks since boot.
    pub started: u64,
}

impl ProcessIdentity {
    /// This process.
    pub fn current() -> Option<Self> {
        Self::of(std::process::id())
    }

    /// The process that has this id now.
    pub fn of(pid: u32) -> Option<Self> {
        let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
        // The second field is the program's name in parentheses and may hold anything; the start time is field 22.
        let (_, fields) = stat.rsplit_once(')')?;
        let mut fields = fields.split_ascii_whitespace();
        if matches!(fields.next(), None | Some("Z" | "X")) {
            return None;
        }
        let started = fields.nth(18)?.parse().ok()?;
        Some(Self { pid, started })
    }

    /// Whether this very process still runs.
    pub fn is_running(&self) -> bool {
        Self::of(self.pid) == Some(*self)
    }

    /// Sends the process a signal, unless it is gone.
    pub fn signal(&self, signal: Signal) {
        if self.is_running() {
            let _ = signal::kill(Pid::from_raw(self.pid.cast_signed()), signal);
        }
    }

    /// Kills the process group that this process leads, unless it is gone.
    pub fn kill_group(&self) {
        if self.is_running() {
            let _ = signal::killpg(Pid::from_raw(self.pid.cast_signed()), Signal::SIGKILL);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reused_number_is_another_process() {
        let own = ProcessIdentity::current().expect("this process");
        assert!(own.is_running());
        assert!(!ProcessIdentity { started: own.started + 1, ..own }.is_running());
        assert_eq!(ProcessIdentity::of(u32::MAX), None);
    }
}
