//! The running tool.

use std::collections::VecDeque;
use std::io::{self, Read};
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, killpg};
use nix::sys::wait::{Id, WaitPidFlag, waitid};
use nix::unistd::Pid;
use secrecy::{ExposeSecret, SecretString};
use tokio::sync::watch;

/// Where programs are looked for: the environment is not passed on.
pub(crate) const SEARCH_PATH: &str = "/usr/local/bin:/usr/bin:/bin";
/// How much of the tool's output is kept: its end.
const TAIL: usize = 64 * 1024;
/// Between its word that it unlocks and the server's answer.
const TO_UNLOCK: Duration = Duration::from_secs(2);

/// mydumper cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum MydumperError {
    /// It does not start.
    #[error("{program} cannot be started; install mydumper, or name it in BACKTRAIL_MYDUMPER")]
    Start {
        /// The program.
        program: String,
        /// Why.
        source: io::Error,
    },
    /// It is something else, or too old.
    #[error("{program} is not mydumper 0.10 or later; it says `{found}`")]
    Version {
        /// The program.
        program: String,
        /// What it printed.
        found: String,
    },
}

/// A mydumper at work, in a process group of its own. Dropped, it is killed; killed are all of its group too when this
/// process dies.
#[derive(Debug)]
pub struct DumpProcess {
    shared: Arc<Shared>,
    ended: watch::Receiver<Option<ExitStatus>>,
    id: u32,
}

#[derive(Debug)]
struct Shared {
    /// The group, until its leader is reaped: after that its number may be somebody else's.
    group: Mutex<Option<Pid>>,
    output: Mutex<Output>,
    secret: SecretString,
}

#[derive(Debug, Default)]
struct Output {
    tail: VecDeque<u8>,
    unlocked: Option<Instant>,
}

impl DumpProcess {
    /// Starts the tool with an empty environment, `home` as its home.
    ///
    /// # Errors
    /// It does not start.
    pub fn start(
        program: &Path,
        arguments: &[String],
        home: &Path,
        secret: SecretString,
    ) -> Result<Self, MydumperError> {
        let failed = |source| MydumperError::Start { program: program.display().to_string(), source };
        let mut command = die_with_us(program);
        command
            .args(arguments)
            .env_clear()
            .env("PATH", SEARCH_PATH)
            .env("HOME", home)
            .env("LC_ALL", "C.UTF-8")
            .current_dir(home)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .process_group(0);
        let shared = Arc::new(Shared { group: Mutex::new(None), output: Mutex::new(Output::default()), secret });
        let (ended_sender, ended) = watch::channel(None);
        let (started_sender, started) = std::sync::mpsc::channel();
        let for_thread = shared.clone();
        // The kernel sends the signal of the parent's death when the thread that started the child ends. So that thread
        // lives as long as the child does: one of its own.
        std::thread::Builder::new()
            .name("mydumper".to_owned())
            .spawn(move || {
                let child = match command.spawn() {
                    Ok(child) => child,
                    Err(error) => return drop(started_sender.send(Err(error))),
                };
                let id = child.id();
                *for_thread.group.lock().unwrap_or_else(PoisonError::into_inner) =
                    i32::try_from(id).ok().map(Pid::from_raw);
                let _ = started_sender.send(Ok(id));
                let status = attend(child, &for_thread);
                let _ = ended_sender.send(status);
            })
            .map_err(failed)?;
        let id = started
            .recv()
            .unwrap_or_else(|_| Err(io::Error::other("the thread that starts it has ended")))
            .map_err(failed)?;
        Ok(Self { shared, ended, id })
    }

    /// Its process id.
    pub fn id(&self) -> u32 {
        self.id
    }

    /// Waits for its end; `None` when that cannot be known.
    pub async fn wait(&mut self) -> Option<ExitStatus> {
        // The sender goes away without a word when the status is unknown.
        match self.ended.wait_for(Option::is_some).await {
            Ok(status) => *status,
            Err(_) => None,
        }
    }

    /// Whether it has ended.
    pub fn has_ended(&self) -> bool {
        self.ended.borrow().is_some() || self.ended.has_changed().is_err()
    }

    /// Makes it stand still. Never before [`may_pause`](Self::may_pause): it would stand still with the lock.
    pub fn pause(&self) {
        self.signal(Signal::SIGSTOP);
    }

    /// Lets it go on.
    pub fn resume(&self) {
        self.signal(Signal::SIGCONT);
    }

    /// Kills it and everything it has started.
    pub fn kill(&self) {
        self.signal(Signal::SIGKILL);
    }

    fn signal(&self, signal: Signal) {
        let group = self.shared.group.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(group) = *group {
            // It may just have ended; it is not reaped while we hold the lock.
            let _ = killpg(group, signal);
        }
    }

    /// Whether it has said that it releases its lock on the source, which it says just before it does.
    pub fn has_unlocked(&self) -> bool {
        self.unlocked().is_some()
    }

    /// Whether its lock on the source is gone, so that it may stand still.
    pub fn may_pause(&self) -> bool {
        self.unlocked().is_some_and(|said| said.elapsed() > TO_UNLOCK)
    }

    fn unlocked(&self) -> Option<Instant> {
        self.shared.output.lock().unwrap_or_else(PoisonError::into_inner).unlocked
    }

    /// The end of what it has printed, without the password should that be in it.
    pub fn output(&self) -> String {
        let mut output = self.shared.output.lock().unwrap_or_else(PoisonError::into_inner);
        let text = String::from_utf8_lossy(output.tail.make_contiguous()).into_owned();
        let secret = self.shared.secret.expose_secret();
        if secret.is_empty() { text } else { text.replace(secret, "<password>") }
    }
}

impl Drop for DumpProcess {
    fn drop(&mut self) {
        self.kill();
    }
}

/// util-linux's setpriv asks the kernel to kill the program when we die, however we do.
fn die_with_us(program: &Path) -> Command {
    for directory in SEARCH_PATH.split(':') {
        let setpriv = Path::new(directory).join("setpriv");
        if setpriv.is_file() {
            let mut command = Command::new(setpriv);
            command.args(["--pdeathsig", "KILL", "--"]).arg(program);
            return command;
        }
    }
    tracing::warn!("setpriv (util-linux) is not installed: a dump would outlive this process if it were killed");
    Command::new(program)
}

/// Collects what the child prints and waits for its end.
fn attend(mut child: Child, shared: &Arc<Shared>) -> Option<ExitStatus> {
    let streams: [Option<Box<dyn Read + Send>>; 2] = [
        child.stdout.take().map(|stream| Box::new(stream) as Box<dyn Read + Send>),
        child.stderr.take().map(|stream| Box::new(stream) as Box<dyn Read + Send>),
    ];
    let readers: Vec<_> = streams
        .into_iter()
        .flatten()
        .filter_map(|mut stream| {
            let shared = shared.clone();
            let read = move || {
                let mut buffer = [0; 8192];
                while let Ok(count) = stream.read(&mut buffer) {
                    match buffer.get(..count) {
                        Some(text) if count > 0 => keep(&shared, text),
                        _ => break,
                    }
                }
            };
            std::thread::Builder::new().name("mydumper output".to_owned()).spawn(read).ok()
        })
        .collect();
    let id = Pid::from_raw(i32::try_from(child.id()).ok()?);
    // Waits without reaping, so that the number stays ours until nobody can signal it any more.
    while let Err(nix::Error::EINTR) = waitid(Id::Pid(id), WaitPidFlag::WEXITED | WaitPidFlag::WNOWAIT) {}
    let mut group = shared.group.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(group) = *group {
        // Nothing it has started may stay.
        let _ = killpg(group, Signal::SIGKILL);
    }
    *group = None;
    drop(group);
    let status = child.wait().ok();
    for reader in readers {
        let _ = reader.join();
    }
    status
}

fn keep(shared: &Shared, text: &[u8]) {
    let mut output = shared.output.lock().unwrap_or_else(PoisonError::into_inner);
    output.tail.extend(text);
    let excess = output.tail.len().saturating_sub(TAIL);
    output.tail.drain(..excess);
    if output.unlocked.is_none() {
        let text = output.tail.make_contiguous();
        let says = |words: &[u8]| text.windows(words.len()).any(|window| window.eq_ignore_ascii_case(words));
        let unlocked = says(b"unlocking tables") || says(b"releasing ftwrl") || says(b"releasing global locks");
        output.unlocked = unlocked.then(Instant::now);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn start(script: &str) -> DumpProcess {
        let arguments = ["-c".to_owned(), script.to_owned()];
        DumpProcess::start(Path::new("/bin/sh"), &arguments, Path::new("/"), "hunter2".into()).unwrap()
    }

    #[tokio::test]
    async fn output_is_kept_without_the_password() {
        let mut process = start("echo one; echo hunter2 >&2; echo 'Transactions started, unlocking tables'; exit 3");
        assert_eq!(process.wait().await.unwrap().code(), Some(3));
        assert!(process.has_ended() && process.has_unlocked());
        let output = process.output();
        assert!(output.contains("one") && output.contains("<password>") && !output.contains("hunter2"), "{output}");
        // Too late, and harmless.
        process.kill();
    }

    #[tokio::test]
    async fn the_whole_group_is_killed() {
        let mut process = start("sleep 1000 & echo $!; wait");
        while process.output().is_empty() {
            tokio::time::sleep(std::time::Duration::from_millis(10)).await;
        }
        let child: u32 = process.output().trim().parse().unwrap();
        process.pause();
        process.kill();
        assert!(!process.wait().await.unwrap().success());
        let deadline = Instant::now() + Duration::from_secs(5);
        loop {
            let stat = std::fs::read_to_string(format!("/proc/{child}/stat")).unwrap_or_default();
            if stat.is_empty() || stat.contains(") Z ") {
                break;
            }
            assert!(Instant::now() < deadline, "{stat}");
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }

    #[tokio::test]
    async fn a_program_that_is_not_there() {
        let error = super::super::Mydumper::probe("/nowhere/mydumper").await.unwrap_err();
        assert!(error.to_string().contains("cannot be started"), "{error}");
    }
}
