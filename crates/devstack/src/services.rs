//! The five services as processes, and the `backtrail` command with their settings.

use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};
use std::time::Duration;

use nix::sys::signal::Signal;

use crate::directory::{create_directory, write_secret};
use crate::error::DevstackError;
use crate::ports;
use crate::process::{ProcessSpec, SupervisedProcess, search_path, tail};
use crate::s3::S3Address;

const READY_DEADLINE: Duration = Duration::from_secs(60);

/// One of the services.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum ServiceKind {
    /// The REST interface.
    Gateway,
    /// Sweeps: schedules, expired leases, retention.
    Scheduler,
    /// Takes backups.
    BackupWorker,
    /// Rebuilds tables as they were.
    PitrWorker,
    /// Archives binary logs.
    BinlogAgent,
}

impl ServiceKind {
    /// All of them.
    pub const ALL: [Self; 5] =
        [Self::Gateway, Self::Scheduler, Self::BackupWorker, Self::PitrWorker, Self::BinlogAgent];

    /// The service's name, such as `backup-worker`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Gateway => "gateway",
            Self::Scheduler => "scheduler",
            Self::BackupWorker => "backup-worker",
            Self::PitrWorker => "pitr-worker",
            Self::BinlogAgent => "binlog-agent",
        }
    }

    /// The name of its program.
    pub fn program(self) -> String {
        format!("backtrail-{}", self.name())
    }
}

/// What the services need to know of the parts.
#[derive(Debug, Clone)]
pub struct ServiceSettings {
    /// The PostgreSQL database, password included.
    pub database_url: String,
    /// The RabbitMQ vhost, password included.
    pub amqp_url: String,
    /// The S3 server.
    pub s3: S3Address,
    /// The bucket.
    pub bucket: String,
    /// More environment variables for every service. No secrets.
    pub environment: Vec<(String, String)>,
}

/// The services of one installation: their settings in files, ready to start any number of processes with them.
#[derive(Debug)]
pub struct Services {
    directory: PathBuf,
    binaries: PathBuf,
    environment: Vec<(OsString, OsString)>,
    gateway_port: u16,
    started: u32,
    /// The processes that [`Services::start_all`] started, in the order of [`ServiceKind::ALL`].
    pub processes: Vec<ServiceProcess>,
}

impl Services {
    /// Writes the settings below `directory`. Nothing is started yet.
    pub fn prepare(directory: &Path, settings: &ServiceSettings) -> Result<Self, DevstackError> {
        create_directory(directory, 0o700)?;
        let directory = directory.canonicalize().map_err(DevstackError::file("find", directory))?;
        let mut environment: Vec<(OsString, OsString)> = Vec::new();
        let secret_key = hex::encode(rand::random::<[u8; 32]>());
        for (variable, file, value) in [
            ("BACKTRAIL_DATABASE_URL_FILE", "database-url", settings.database_url.as_str()),
            ("BACKTRAIL_AMQP_URL_FILE", "amqp-url", settings.amqp_url.as_str()),
            ("BACKTRAIL_S3_ACCESS_KEY_ID_FILE", "s3-access-key-id", settings.s3.access_key_id.as_str()),
            ("BACKTRAIL_S3_SECRET_ACCESS_KEY_FILE", "s3-secret-access-key", settings.s3.secret_access_key.as_str()),
            ("BACKTRAIL_SECRET_KEY_FILE", "secret-key", secret_key.as_str()),
        ] {
            let path = directory.join("secrets").join(file);
            create_directory(&directory.join("secrets"), 0o700)?;
            write_secret(&path, value)?;
            environment.push((variable.into(), path.into()));
        }
        for (variable, value) in [
            ("BACKTRAIL_S3_ENDPOINT", settings.s3.endpoint.as_str()),
            ("BACKTRAIL_S3_REGION", settings.s3.region.as_str()),
            ("BACKTRAIL_S3_BUCKET", settings.bucket.as_str()),
            ("BACKTRAIL_S3_FORCE_PATH_STYLE", "true"),
            ("BACKTRAIL_LOG_FORMAT", "json"),
            ("BACKTRAIL_LOG", "info"),
            // Below the time that a process is given when the stack stops.
            ("BACKTRAIL_SHUTDOWN_SECONDS", "4"),
            ("BACKTRAIL_DRAIN_SECONDS", "2"),
        ] {
            environment.push((variable.into(), value.into()));
        }
        // Last, so that the caller's values win.
        environment.extend(settings.environment.iter().map(|(name, value)| (name.into(), value.into())));
        Ok(Self {
            directory,
            binaries: binaries()?,
            environment,
            gateway_port: ports::free()?,
            started: 0,
            processes: Vec::new(),
        })
    }

    /// Takes the programs from this directory, instead of from the one that the running program was built into.
    pub fn use_binaries(&mut self, directory: &Path) {
        self.binaries = directory.to_owned();
    }

    /// The URL of the gateway that [`Services::start_all`] starts.
    pub fn gateway_url(&self) -> String {
        format!("http://127.0.0.1:{}", self.gateway_port)
    }

    /// The directory with secrets, logs and working directories.
    pub fn directory(&self) -> &Path {
        &self.directory
    }

    /// Starts one process of a service. Further gateways get ports of their own.
    pub fn start(&mut self, kind: ServiceKind) -> Result<ServiceProcess, DevstackError> {
        self.started += 1;
        let name = format!("{}-{}", kind.name(), self.started);
        let work = self.directory.join("work").join(&name);
        create_directory(&work, 0o700)?;
        let health = format!("127.0.0.1:{}", ports::free()?);
        let http_port = if self.processes.iter().any(|process| process.kind == ServiceKind::Gateway) {
            ports::free()?
        } else {
            self.gateway_port
        };
        let http = format!("127.0.0.1:{http_port}");
        let log = self.directory.join(format!("{name}.log"));
        let mut spec = ProcessSpec::new(name, self.binary(&kind.program())?, &self.directory, &log)
            .variable("BACKTRAIL_HEALTH_LISTEN", &health)
            .variable("BACKTRAIL_WORK_DIR", &work)
            .variable("RUST_BACKTRACE", "1")
            .variable("TMPDIR", &work)
            .variable("HOME", &work);
        if kind == ServiceKind::Gateway {
            spec = spec.variable("BACKTRAIL_HTTP_LISTEN", &http);
        }
        spec.environment.extend(self.environment.iter().cloned());
        // A service that must go gets the chance to end what it has started.
        spec.stop_signal = Signal::SIGTERM;
        let process = spec.clone().start()?;
        Ok(ServiceProcess { kind, spec, process: Some(process), health, http })
    }

    /// Starts one process of every service and waits until all are ready.
    pub async fn start_all(&mut self) -> Result<(), DevstackError> {
        for kind in ServiceKind::ALL {
            let process = self.start(kind)?;
            self.processes.push(process);
        }
        futures::future::try_join_all(self.processes.iter_mut().map(ServiceProcess::wait_ready)).await?;
        Ok(())
    }

    /// The process of a service that [`Services::start_all`] started.
    pub fn process(&mut self, kind: ServiceKind) -> Option<&mut ServiceProcess> {
        self.processes.iter_mut().find(|process| process.kind == kind)
    }

    /// Runs the `backtrail` command with the services' settings and answers what it printed.
    pub async fn cli<A: AsRef<OsStr>>(&self, arguments: impl IntoIterator<Item = A>) -> Result<String, DevstackError> {
        let program = self.binary("backtrail")?;
        let arguments: Vec<OsString> = arguments.into_iter().map(|argument| argument.as_ref().to_owned()).collect();
        let output = tokio::process::Command::new(&program)
            .args(&arguments)
            .current_dir(&self.directory)
            .env_clear()
            .env("PATH", search_path())
            .env("HOME", &self.directory)
            .envs(self.environment.iter().map(|(name, value)| (name, value)))
            .env("BACKTRAIL_URL", self.gateway_url())
            .stdin(std::process::Stdio::null())
            .kill_on_drop(true)
            .output()
            .await
            .map_err(|source| DevstackError::Spawn {
                part: "backtrail".to_owned(),
                program: program.display().to_string(),
                source,
            })?;
        if output.status.success() {
            return Ok(String::from_utf8_lossy(&output.stdout).into_owned());
        }
        let shown: Vec<String> = arguments.iter().map(|argument| argument.to_string_lossy().into_owned()).collect();
        Err(DevstackError::Refused {
            part: "backtrail",
            action: format!("run `backtrail {}`", shown.join(" ")),
            reason: format!("{}: {}", output.status, String::from_utf8_lossy(&output.stderr).trim()),
        })
    }

    /// Brings the database up to date.
    pub async fn migrate(&self) -> Result<(), DevstackError> {
        self.cli(["admin", "migrate"]).await.map(|_| ())
    }

    /// Creates a tenant and an API key with all permissions for it, and answers the key.
    pub async fn create_tenant(&self, name: &str) -> Result<String, DevstackError> {
        self.cli(["admin", "tenant", "create", name]).await?;
        let printed = self.cli(["admin", "key", "create", "--tenant", name, "--role", "admin"]).await?;
        match printed.lines().map(str::trim).rfind(|line| !line.is_empty()) {
            Some(key) => Ok(key.to_owned()),
            None => Err(DevstackError::Refused {
                part: "backtrail",
                action: "create an API key".to_owned(),
                reason: "it printed nothing".to_owned(),
            }),
        }
    }

    fn binary(&self, name: &str) -> Result<PathBuf, DevstackError> {
        let path = self.binaries.join(name);
        if path.is_file() {
            return Ok(path);
        }
        Err(DevstackError::Unsuitable(format!(
            "{} does not exist; build it with `cargo build --workspace --bins`",
            path.display()
        )))
    }
}

impl Drop for Services {
    fn drop(&mut self) {
        // Side by side: each takes its time to end what it is doing.
        for process in &mut self.processes {
            process.begin_stop();
        }
    }
}

/// The directory of the programs that were built together with the running one.
fn binaries() -> Result<PathBuf, DevstackError> {
    let program = std::env::current_exe().map_err(DevstackError::file("find", "the running program"))?;
    let directory = program.parent().unwrap_or(Path::new("."));
    // Test programs live one level deeper.
    let directory = if directory.ends_with("deps") { directory.parent().unwrap_or(directory) } else { directory };
    Ok(directory.to_owned())
}

/// One running (or stopped) process of a service. Dropping it stops it.
#[derive(Debug)]
pub struct ServiceProcess {
    /// Which service it is.
    pub kind: ServiceKind,
    spec: ProcessSpec,
    process: Option<SupervisedProcess>,
    health: String,
    http: String,
}

impl ServiceProcess {
    /// The URL of its health and metrics port.
    pub fn health_url(&self) -> String {
        format!("http://{}", self.health)
    }

    /// The URL of its REST interface; only gateways have one.
    pub fn http_url(&self) -> String {
        format!("http://{}", self.http)
    }

    /// Its process id, unless it is stopped.
    pub fn pid(&mut self) -> Option<u32> {
        let process = self.process.as_mut()?;
        process.is_running().then(|| process.pid())
    }

    /// Whether the process runs.
    pub fn is_running(&mut self) -> bool {
        self.pid().is_some()
    }

    /// The file its log lines go to; a restarted process appends to it.
    pub fn log(&self) -> &Path {
        &self.spec.log
    }

    /// Everything it has logged.
    pub fn log_text(&self) -> Result<String, DevstackError> {
        std::fs::read(&self.spec.log)
            .map(|bytes| String::from_utf8_lossy(&bytes).into_owned())
            .map_err(DevstackError::file("read", &self.spec.log))
    }

    /// Starts a stopped process again, with the same settings and ports.
    pub fn start_again(&mut self) -> Result<(), DevstackError> {
        if !self.is_running() {
            self.process = None;
            self.process = Some(self.spec.clone().start()?);
        }
        Ok(())
    }

    /// Kills the process alone with `SIGKILL`: what it has started stays, as after a real crash, until the process is
    /// started again or the value dropped.
    pub async fn kill9(&mut self) {
        if let Some(process) = &mut self.process {
            process.signal(Signal::SIGKILL);
            process.wait(Duration::from_secs(10)).await;
        }
    }

    /// Sends `SIGTERM` and waits for the process to end by itself. False when it had to be killed.
    pub async fn terminate(&mut self, deadline: Duration) -> bool {
        match &mut self.process {
            Some(process) => process.terminate(Signal::SIGTERM, deadline).await,
            None => true,
        }
    }

    fn begin_stop(&mut self) {
        if let Some(process) = &mut self.process {
            process.begin_stop();
        }
    }

    /// Waits until the service says that it is ready.
    pub async fn wait_ready(&mut self) -> Result<(), DevstackError> {
        let url = format!("{}/readyz", self.health_url());
        let Some(process) = &mut self.process else {
            return Err(DevstackError::Ended {
                part: self.spec.part.clone(),
                status: "a stop".to_owned(),
                log: self.spec.log.clone(),
                tail: tail(&self.spec.log),
            });
        };
        let client = reqwest::Client::builder()
            .no_proxy()
            .build()
            .map_err(|error| DevstackError::refused("the HTTP client", "start", &error))?;
        process
            .until_ready(READY_DEADLINE, async || {
                let response = client.get(&url).send().await.map_err(|error| crate::error::chain(&error))?;
                if response.status().is_success() {
                    return Ok(());
                }
                let status = response.status();
                Err(format!("{status}: {}", response.text().await.unwrap_or_default().trim()))
            })
            .await
    }
}
