//! One supervised process: started in its own process group, and gone when its owner is gone.
//!
//! Every part is started by a small shell script, its guardian, which holds one end of a pipe; the owner holds the
//! other. However the owner ends (dropped value, returned `main`, panic, `kill -9`) the kernel closes the pipe, and the
//! guardian stops the part and everything in its process group. No process of a stack can outlive the stack.

use std::ffi::{OsStr, OsString};
use std::fs::{File, OpenOptions};
use std::io::{BufRead, BufReader, Read, Seek, SeekFrom};
use std::os::unix::fs::OpenOptionsExt;
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use nix::sys::signal::{self, Signal};
use nix::unistd::Pid;

use crate::error::DevstackError;

/// `$1` is the signal that stops the part at once, the rest its command. Descriptor 3 is the lifeline, 4 takes the
/// part's process id; its output goes to the guardian's standard error, which is the log.
const GUARDIAN: &str = r#"
exec 3<&0 4>&1 </dev/null >&2
stop=$1
shift
orphaned=
child=
trap 'orphaned=yes; kill -s "$stop" "$child"' USR1
"$@" 3<&- 4>&- &
child=$!
echo "$child" >&4
exec 4>&-
{
  trap - USR1
  read -r _ <&3
  kill -s USR1 "$$"
  sleep 5
  kill -s KILL -- "-$$"
} 2>/dev/null &
watcher=$!
exec 3<&- 2>/dev/null
while :; do
  wait "$child"
  status=$?
  kill -s 0 "$child" 2>/dev/null || break
done
[ -z "$orphaned" ] || kill -s KILL -- "-$$"
kill -s KILL "$watcher"
exit "$status"
"#;

/// Lines of a log that an error message quotes.
const TAIL_LINES: usize = 30;
const TAIL_BYTES: u64 = 8 * 1024;

/// How to start a part.
#[derive(Debug, Clone)]
pub struct ProcessSpec {
    /// The part's name in messages.
    pub part: String,
    /// The program, as a path or looked up in `PATH`.
    pub program: OsString,
    /// Its arguments: no secrets, other users can read them.
    pub arguments: Vec<OsString>,
    /// Its whole environment besides `PATH` and `LANG`: no secrets either.
    pub environment: Vec<(OsString, OsString)>,
    /// Its working directory.
    pub directory: PathBuf,
    /// The file to which its output is appended.
    pub log: PathBuf,
    /// User and group to run as, when not one's own.
    pub user: Option<(u32, u32)>,
    /// The signal that stops it at once, without a shutdown phase.
    pub stop_signal: Signal,
}

impl ProcessSpec {
    /// A process with no arguments and an empty environment, that `SIGKILL` stops.
    pub fn new(part: impl Into<String>, program: impl AsRef<OsStr>, directory: &Path, log: &Path) -> Self {
        Self {
            part: part.into(),
            program: program.as_ref().to_owned(),
            arguments: Vec::new(),
            environment: Vec::new(),
            directory: directory.to_owned(),
            log: log.to_owned(),
            user: None,
            stop_signal: Signal::SIGKILL,
        }
    }

    /// Appends an argument.
    pub fn argument(mut self, argument: impl AsRef<OsStr>) -> Self {
        self.arguments.push(argument.as_ref().to_owned());
        self
    }

    /// Appends arguments.
    pub fn arguments<A: AsRef<OsStr>>(mut self, arguments: impl IntoIterator<Item = A>) -> Self {
        self.arguments.extend(arguments.into_iter().map(|argument| argument.as_ref().to_owned()));
        self
    }

    /// Sets an environment variable.
    pub fn variable(mut self, name: impl AsRef<OsStr>, value: impl AsRef<OsStr>) -> Self {
        self.environment.push((name.as_ref().to_owned(), value.as_ref().to_owned()));
        self
    }

    /// Passes on variables of this process's own environment, where they are set.
    pub fn inherit<'a>(mut self, names: impl IntoIterator<Item = &'a str>) -> Self {
        for name in names {
            if let Some(value) = std::env::var_os(name) {
                self.environment.push((name.into(), value));
            }
        }
        self
    }

    fn command(&self, program: &OsStr) -> Result<Command, DevstackError> {
        let log = OpenOptions::new()
            .create(true)
            .append(true)
            .mode(0o600)
            .open(&self.log)
            .map_err(DevstackError::file("open the log", &self.log))?;
        let mut command = Command::new(program);
        command
            .current_dir(&self.directory)
            .env_clear()
            .env("PATH", search_path())
            .env("LANG", "C.UTF-8")
            .envs(self.environment.iter().map(|(name, value)| (name, value)))
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(log)
            .process_group(0);
        if let Some((user, group)) = self.user {
            command.uid(user).gid(group);
        }
        Ok(command)
    }

    fn spawn_error(&self, source: std::io::Error) -> DevstackError {
        DevstackError::Spawn { part: self.part.clone(), program: self.program.to_string_lossy().into_owned(), source }
    }

    /// Starts the process under its guardian. It runs, but need not be ready yet.
    pub fn start(self) -> Result<SupervisedProcess, DevstackError> {
        let mut guardian = self
            .command(OsStr::new("/bin/sh"))?
            .args(["-c", GUARDIAN, "backtrail-guardian"])
            .arg(self.stop_signal.as_str().trim_start_matches("SIG"))
            .arg(&self.program)
            .args(&self.arguments)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .map_err(|source| self.spawn_error(source))?;
        let lifeline = guardian.stdin.take();
        let mut line = String::new();
        if let Some(stdout) = guardian.stdout.take() {
            BufReader::new(stdout).read_line(&mut line).map_err(|source| self.spawn_error(source))?;
        }
        let mut process = SupervisedProcess { spec: self, guardian, lifeline, pid: 0, status: None };
        match line.trim().parse() {
            Ok(pid) => process.pid = pid,
            Err(_) => return Err(process.ended_error()),
        }
        Ok(process)
    }

    /// Runs a helper program to its end, with its output in the log, and fails when it does.
    pub async fn run(self, deadline: Duration) -> Result<(), DevstackError> {
        let part = self.part.clone();
        let mut process = self.start()?;
        let status = process.wait(deadline).await;
        match status {
            Some(status) if status.success() => Ok(()),
            Some(_) => Err(process.ended_error()),
            None => Err(DevstackError::NotReady {
                part,
                seconds: deadline.as_secs(),
                last: "it was still running".to_owned(),
                log: process.log().to_owned(),
                tail: process.log_tail(),
            }),
        }
    }
}

/// A running process of the stack. Dropping it stops it.
#[derive(Debug)]
pub struct SupervisedProcess {
    spec: ProcessSpec,
    guardian: Child,
    lifeline: Option<ChildStdin>,
    pid: i32,
    status: Option<ExitStatus>,
}

impl SupervisedProcess {
    /// The process id of the part itself.
    pub fn pid(&self) -> u32 {
        self.pid.unsigned_abs()
    }

    /// The process group that holds the part and its children.
    pub fn process_group(&self) -> u32 {
        self.guardian.id()
    }

    /// How the process was started.
    pub fn spec(&self) -> &ProcessSpec {
        &self.spec
    }

    /// The file its output goes to.
    pub fn log(&self) -> &Path {
        &self.spec.log
    }

    /// The last lines of its output.
    pub fn log_tail(&self) -> String {
        tail(&self.spec.log)
    }

    /// Whether the part still runs.
    pub fn is_running(&mut self) -> bool {
        self.poll().is_none()
    }

    /// The part's exit status once it has ended. A part that died of a signal has the status 128 + signal.
    pub fn poll(&mut self) -> Option<ExitStatus> {
        if self.status.is_none() {
            self.status = match self.guardian.try_wait() {
                Ok(status) => status,
                // Nothing but "no such child" is possible here: the process is not ours any more.
                Err(_) => Some(ExitStatus::from_raw(0)),
            };
        }
        self.status
    }

    /// Sends a signal to the part alone, not to its children.
    pub fn signal(&mut self, signal: Signal) {
        if self.is_running() {
            let _ = signal::kill(Pid::from_raw(self.pid), signal);
        }
    }

    /// Waits for the part's own end.
    pub async fn wait(&mut self, deadline: Duration) -> Option<ExitStatus> {
        let end = Instant::now() + deadline;
        loop {
            if let Some(status) = self.poll() {
                return Some(status);
            }
            if Instant::now() >= end {
                return None;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }

    /// Asks the part to end with the given signal, waits, and stops it by force after the deadline. Says whether it
    /// ended by itself.
    pub async fn terminate(&mut self, signal: Signal, deadline: Duration) -> bool {
        self.signal(signal);
        let orderly = self.wait(deadline).await.is_some();
        if !orderly && signal == self.spec.stop_signal {
            self.signal(Signal::SIGKILL);
        }
        self.stop_now();
        orderly
    }

    /// Begins to stop the part, as [`stop_now`](Self::stop_now) does, without waiting.
    pub fn begin_stop(&mut self) {
        // The guardian does it when its lifeline is cut: with the part's own signal first.
        self.lifeline = None;
    }

    /// Stops the part and its process group at once, and waits until they are gone.
    pub fn stop_now(&mut self) {
        self.begin_stop();
        let end = Instant::now() + Duration::from_secs(6);
        while self.is_running() && Instant::now() < end {
            std::thread::sleep(Duration::from_millis(5));
        }
        // What is left of the group: children that outlived the part. The group's id cannot have been given to others
        // while a member lives; without members there is nobody to hit.
        let group = Pid::from_raw(self.guardian.id().cast_signed());
        let _ = signal::killpg(group, Signal::SIGKILL);
        while self.is_running() {
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    pub(crate) fn ended_error(&mut self) -> DevstackError {
        let status = self.poll().map_or_else(|| "no status".to_owned(), |status| status.to_string());
        DevstackError::Ended { part: self.spec.part.clone(), status, log: self.spec.log.clone(), tail: self.log_tail() }
    }

    /// Asks `probe` again and again until it succeeds, the process ends or the deadline passes.
    pub(crate) async fn until_ready<F>(&mut self, deadline: Duration, mut probe: F) -> Result<(), DevstackError>
    where
        F: AsyncFnMut() -> Result<(), String>,
    {
        let started = Instant::now();
        let mut last = "no answer yet".to_owned();
        while started.elapsed() < deadline {
            if !self.is_running() {
                return Err(self.ended_error());
            }
            match tokio::time::timeout(Duration::from_secs(3), probe()).await {
                Ok(Ok(())) => return Ok(()),
                Ok(Err(reason)) => last = reason,
                Err(_) => last = "no answer within 3 s".to_owned(),
            }
            tokio::time::sleep(Duration::from_millis(30)).await;
        }
        Err(DevstackError::NotReady {
            part: self.spec.part.clone(),
            seconds: deadline.as_secs(),
            last,
            log: self.spec.log.clone(),
            tail: self.log_tail(),
        })
    }
}

impl Drop for SupervisedProcess {
    fn drop(&mut self) {
        self.stop_now();
    }
}

/// The last lines of a log file, or a remark when it cannot be read.
pub(crate) fn tail(log: &Path) -> String {
    let read = || -> std::io::Result<String> {
        let mut file = File::open(log)?;
        let length = file.metadata()?.len();
        file.seek(SeekFrom::Start(length.saturating_sub(TAIL_BYTES)))?;
        let mut bytes = Vec::new();
        file.read_to_end(&mut bytes)?;
        Ok(String::from_utf8_lossy(&bytes).into_owned())
    };
    match read() {
        Ok(text) => {
            let lines: Vec<&str> = text.lines().collect();
            let first = lines.len().saturating_sub(TAIL_LINES);
            lines.get(first..).unwrap_or_default().join("\n")
        }
        Err(error) => format!("(cannot be read: {error})"),
    }
}

/// The caller's search path with the directories of system programs, which an ordinary user's path lacks on Debian.
pub(crate) fn search_path() -> OsString {
    let mut path = std::env::var_os("PATH").unwrap_or_default();
    path.push(":/usr/local/sbin:/usr/sbin:/sbin:/usr/local/bin:/usr/bin:/bin");
    path
}

/// Finds a program in [`search_path`].
pub(crate) fn find_program(names: &[&str], package: &'static str) -> Result<PathBuf, DevstackError> {
    for directory in std::env::split_paths(&search_path()) {
        for name in names {
            let candidate = directory.join(name);
            if candidate.is_file() {
                return Ok(candidate);
            }
        }
    }
    Err(DevstackError::MissingProgram { program: names.join(" or "), package })
}

/// Whether this process runs as root.
pub(crate) fn is_root() -> bool {
    nix::unistd::geteuid().is_root()
}
