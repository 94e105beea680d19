//! `devstack up`, `down` and `status`: an installation that runs in the background until it is stopped.

use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, bail};
use backtrail_devstack::{Interrupts, Stack, StackOptions, StackState};
use nix::sys::signal::Signal;

const START_DEADLINE: Duration = Duration::from_secs(300);
const STOP_DEADLINE: Duration = Duration::from_secs(60);

#[derive(Debug, clap::Args)]
pub(crate) struct StateFile {
    /// The file in which the running installation says how to reach it.
    #[arg(long, default_value = ".devstack/state.json")]
    state: PathBuf,
}

#[derive(Debug, clap::Args)]
pub(crate) struct Up {
    #[command(flatten)]
    file: StateFile,
    /// Leave data and logs behind after `down`.
    #[arg(long)]
    keep: bool,
}

impl StateFile {
    fn log(&self) -> PathBuf {
        self.state.with_file_name("devstack.log")
    }

    /// The state of the installation, running or not; none when there is no file.
    fn read(&self) -> anyhow::Result<Option<StackState>> {
        if !self.state.exists() {
            return Ok(None);
        }
        Ok(Some(StackState::read(&self.state)?))
    }

    /// Removes what an installation left behind whose process was killed. Its parts stopped with it.
    fn clean(&self, state: &StackState) {
        if let Err(error) = std::fs::remove_dir_all(&state.directory)
            && error.kind() != std::io::ErrorKind::NotFound
        {
            eprintln!("cannot remove {}: {error}", state.directory.display());
        }
        let _ = std::fs::remove_file(&self.state);
    }

    pub(crate) fn status(self) -> anyhow::Result<ExitCode> {
        match self.read()? {
            Some(state) if state.is_running() => {
                print!("{}", describe(&state));
                Ok(ExitCode::SUCCESS)
            }
            _ => {
                println!("nothing is running");
                Ok(ExitCode::FAILURE)
            }
        }
    }

    pub(crate) async fn down(self) -> anyhow::Result<ExitCode> {
        let Some(state) = self.read()? else {
            println!("nothing is running");
            return Ok(ExitCode::SUCCESS);
        };
        let started = Instant::now();
        if let Some(supervisor) = state.supervisor {
            supervisor.signal(Signal::SIGTERM);
            while supervisor.is_running() {
                if started.elapsed() > STOP_DEADLINE {
                    // Its parts notice and stop by themselves.
                    supervisor.signal(Signal::SIGKILL);
                }
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
        }
        self.clean(&state);
        println!("stopped in {:.1} s", started.elapsed().as_secs_f64());
        Ok(ExitCode::SUCCESS)
    }
}

impl Up {
    pub(crate) async fn run(self) -> anyhow::Result<ExitCode> {
        if let Some(state) = self.file.read()? {
            if state.is_running() {
                println!("already running:\n{}", describe(&state));
                return Ok(ExitCode::SUCCESS);
            }
            self.file.clean(&state);
        }
        let mut interrupts = Interrupts::listen()?;
        let directory = self.file.state.parent().unwrap_or(Path::new("."));
        std::fs::create_dir_all(directory).with_context(|| format!("cannot create {}", directory.display()))?;
        let log_path = self.file.log();
        let log = std::fs::File::create(&log_path).with_context(|| format!("cannot create {}", log_path.display()))?;
        let mut serve = Command::new(std::env::current_exe()?);
        serve.arg("serve").arg("--state").arg(&self.file.state);
        if self.keep {
            serve.arg("--keep");
        }
        let mut supervisor = serve
            .stdin(Stdio::null())
            .stdout(log.try_clone()?)
            .stderr(log)
            // Its own group: a Ctrl-C at this terminal is not meant for it.
            .process_group(0)
            .spawn()
            .context("cannot start the process that holds the installation")?;

        let started = Instant::now();
        loop {
            if let Ok(Some(state)) = self.file.read() {
                println!("ready in {:.1} s\n{}", started.elapsed().as_secs_f64(), describe(&state));
                return Ok(ExitCode::SUCCESS);
            }
            if let Some(status) = supervisor.try_wait()? {
                let said = std::fs::read_to_string(&log_path).unwrap_or_default();
                bail!("the installation did not start ({status}):\n{}", said.trim());
            }
            if started.elapsed() > START_DEADLINE {
                end(&mut supervisor);
                bail!(
                    "the installation was not ready after {} s; see {}",
                    START_DEADLINE.as_secs(),
                    log_path.display()
                );
            }
            tokio::select! {
                () = tokio::time::sleep(Duration::from_millis(100)) => {}
                interrupt = interrupts.next() => {
                    end(&mut supervisor);
                    return Ok(ExitCode::from(interrupt.exit_status()));
                }
            }
        }
    }

    /// Holds the installation until a signal comes; runs in the background.
    pub(crate) async fn serve(self) -> anyhow::Result<ExitCode> {
        let mut interrupts = Interrupts::listen()?;
        let options = StackOptions { label: "up".to_owned(), keep: self.keep, ..StackOptions::default() };
        let stack = tokio::select! {
            stack = Box::pin(Stack::start(options)) => stack?,
            interrupt = interrupts.next() => return Ok(ExitCode::from(interrupt.exit_status())),
        };
        stack.state().write(&self.file.state)?;
        interrupts.next().await;
        drop(stack);
        let _ = std::fs::remove_file(&self.file.state);
        Ok(ExitCode::SUCCESS)
    }
}

/// Ends the supervisor that is still starting, and waits for it.
fn end(supervisor: &mut std::process::Child) {
    let _ = nix::sys::signal::kill(nix::unistd::Pid::from_raw(supervisor.id().cast_signed()), Signal::SIGTERM);
    let _ = supervisor.wait();
}

/// What a person needs to play with the installation.
fn describe(state: &StackState) -> String {
    let mut lines = Vec::new();
    if let Some(services) = &state.services {
        lines.push(format!("gateway     {}", services.gateway));
        lines.push(format!("API key     {}   (tenant {})", services.api_key, services.tenant));
        for (name, url) in &services.health {
            lines.push(format!("{name:<15} {url}/readyz  {url}/metrics"));
        }
    }
    if let Some(postgres) = &state.postgres {
        lines.push(format!("PostgreSQL  {}", postgres.database_url("backtrail")));
    }
    if let Some(rabbitmq) = &state.rabbitmq {
        lines.push(format!(
            "RabbitMQ    {}   management http://{}:{}",
            rabbitmq.url("backtrail"),
            rabbitmq.host,
            rabbitmq.management_port
        ));
    }
    if let Some(s3) = &state.s3 {
        lines.push(format!(
            "S3          {}   access key id {}   secret access key {}",
            s3.endpoint, s3.access_key_id, s3.secret_access_key
        ));
    }
    if let Some(mariadb) = &state.mariadb {
        lines.push(format!("MariaDB     {}", mariadb.url("")));
    }
    lines.push(format!("data, logs  {}", state.directory.display()));
    if let (Some(services), Some(mariadb)) = (&state.services, &state.mariadb) {
        let (url, key) = (&services.gateway, &services.api_key);
        lines.push(String::new());
        lines.push("Try:".to_owned());
        lines.push(format!("  curl -s {url}/healthz"));
        lines.push(format!("  curl -s -H 'Authorization: Bearer {key}' {url}/api/v1/servers"));
        lines.push(format!(
            "  curl -s -H 'Authorization: Bearer {key}' -H 'Content-Type: application/json' {url}/api/v1/servers \\\n    \
             -d '{{\"name\":\"shop\",\"host\":\"{}\",\"port\":{},\"username\":\"{}\",\"password\":\"{}\",\"tls_mode\":\"disabled\"}}'",
            mariadb.host, mariadb.port, mariadb.user, mariadb.password
        ));
    }
    lines.push(String::new());
    lines.join("\n")
}
