//! `devstack run` gives a command its parts, returns its status, and leaves nothing behind even when killed.

mod support;

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use backtrail_devstack::StackState;
use support::{eventually, processes_of};

fn devstack() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_devstack"));
    command.env_remove(backtrail_devstack::shared::STATE_VARIABLE);
    command
}

fn wait_for_file(path: &Path) -> String {
    eventually("the command was not started", Duration::from_secs(60), || {
        std::fs::read_to_string(path).is_ok_and(|text| text.ends_with('\n'))
    });
    std::fs::read_to_string(path).unwrap_or_default()
}

#[test]
fn run_returns_the_status_of_its_command() {
    let seen = tempfile::NamedTempFile::new().expect("file");
    let status = devstack()
        .args(["run", "--parts", "postgres,s3", "--", "sh", "-c"])
        .arg("cp \"$BACKTRAIL_DEVSTACK\" \"$1\"; exit 7")
        .arg("sh")
        .arg(seen.path())
        .status()
        .expect("run");
    assert_eq!(status.code(), Some(7));
    let state = StackState::read(seen.path()).expect("state");
    assert!(state.postgres.is_some() && state.s3.is_some() && state.rabbitmq.is_none());
    assert!(!state.is_running());
    assert!(!state.directory.exists());
    assert_eq!(processes_of(&state.directory), Vec::<String>::new());
}

#[test]
fn nothing_stays_behind_when_the_stack_is_killed() {
    let scratch = tempfile::tempdir().expect("directory");
    let seen = scratch.path().join("seen");
    let mut run = devstack()
        .args(["run", "--parts", "postgres,mariadb,rabbitmq,s3", "--", "sh", "-c"])
        .arg("echo \"$BACKTRAIL_DEVSTACK\" > \"$1\"; exec sleep 600")
        .arg("sh")
        .arg(&seen)
        .stdin(Stdio::null())
        .spawn()
        .expect("run");
    let state_file = PathBuf::from(wait_for_file(&seen).trim());
    let state = StackState::read(&state_file).expect("state");
    assert!(state.is_running());
    assert!(processes_of(&state.directory).len() >= 4);
    let sleeping: Vec<u32> = children(run.id());
    run.kill().expect("killed");
    run.wait().expect("waited");
    eventually("processes stay behind", Duration::from_secs(20), || processes_of(&state.directory).is_empty());
    eventually("the directory stays behind", Duration::from_secs(20), || !state.directory.exists());
    // The command itself is not the stack's: here nobody else ends it.
    for pid in sleeping {
        if std::fs::read_to_string(format!("/proc/{pid}/cmdline")).is_ok_and(|line| line.starts_with("sleep")) {
            let _ = nix::sys::signal::kill(nix::unistd::Pid::from_raw(pid.cast_signed()), nix::sys::signal::SIGKILL);
        }
    }
}

#[test]
fn a_signal_ends_the_command_and_the_stack() {
    let scratch = tempfile::tempdir().expect("directory");
    let seen = scratch.path().join("seen");
    let mut run = devstack()
        .args(["run", "--parts", "postgres", "--", "sh", "-c"])
        .arg("echo \"$BACKTRAIL_DEVSTACK\" > \"$1\"; exec sleep 600")
        .arg("sh")
        .arg(&seen)
        .stdin(Stdio::null())
        .spawn()
        .expect("run");
    let state_file = PathBuf::from(wait_for_file(&seen).trim());
    let state = StackState::read(&state_file).expect("state");
    let pid = nix::unistd::Pid::from_raw(run.id().cast_signed());
    nix::sys::signal::kill(pid, nix::sys::signal::SIGTERM).expect("signalled");
    let status = run.wait().expect("waited");
    assert_eq!(status.code(), Some(143));
    assert!(!state.directory.exists());
    assert_eq!(processes_of(&state.directory), Vec::<String>::new());
}

fn children(parent: u32) -> Vec<u32> {
    std::fs::read_to_string(format!("/proc/{parent}/task/{parent}/children"))
        .unwrap_or_default()
        .split_ascii_whitespace()
        .filter_map(|pid| pid.parse().ok())
        .collect()
}
