//! A private PostgreSQL server.
//!
//! PostgreSQL refuses to run as root, so a root caller starts it as the distribution's `postgres` user. Data that must
//! survive only as long as the stack needs no fsync.

use std::ops::Deref;
use std::path::{Path, PathBuf};
use std::time::Duration;

use nix::sys::signal::Signal;
use serde::{Deserialize, Serialize};

use crate::directory::{StackDirectory, create_directory, random_name, random_secret, write_secret};
use crate::error::DevstackError;
use crate::ports;
use crate::process::{ProcessSpec, SupervisedProcess, is_root};

const START_DEADLINE: Duration = Duration::from_secs(60);
const STOP_DEADLINE: Duration = Duration::from_secs(20);

/// How to reach a PostgreSQL server.
#[derive(Clone, Serialize, Deserialize)]
pub struct PostgresAddress {
    /// Always the loopback interface.
    pub host: String,
    /// The TCP port.
    pub port: u16,
    /// A superuser.
    pub user: String,
    /// Its password.
    pub password: String,
}

impl std::fmt::Debug for PostgresAddress {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(formatter, "postgres://{}@{}:{}", self.user, self.host, self.port)
    }
}

impl PostgresAddress {
    /// The URL of the `postgres` database, password included.
    pub fn url(&self) -> String {
        self.database_url("postgres")
    }

    /// The URL of the named database, password included.
    pub fn database_url(&self, database: &str) -> String {
        format!("postgres://{}:{}@{}:{}/{database}", self.user, self.password, self.host, self.port)
    }

    /// Runs SQL statements in the `postgres` database.
    pub async fn execute(&self, sql: &str) -> Result<(), DevstackError> {
        let refused = |error: tokio_postgres::Error| DevstackError::refused("PostgreSQL", "run a statement", &error);
        let (client, connection) =
            tokio_postgres::connect(&self.url(), tokio_postgres::NoTls).await.map_err(refused)?;
        let driver = tokio::spawn(connection);
        let result = client.batch_execute(sql).await.map_err(refused);
        drop(client);
        let _ = driver.await;
        result
    }

    /// Creates a database and answers its URL.
    pub async fn create_database(&self, name: &str) -> Result<String, DevstackError> {
        self.execute(&format!("CREATE DATABASE \"{}\"", name.replace('"', "\"\""))).await?;
        Ok(self.database_url(name))
    }

    /// Creates a database with a random name, for one test, and answers its URL.
    pub async fn create_test_database(&self) -> Result<String, DevstackError> {
        self.create_database(&random_name("test_")).await
    }
}

/// A running PostgreSQL server, stopped when dropped.
#[derive(Debug)]
pub struct Postgres {
    process: Option<SupervisedProcess>,
    address: PostgresAddress,
    spec: ProcessSpec,
    // Dropped after the process.
    _elsewhere: Option<StackDirectory>,
}

impl Deref for Postgres {
    type Target = PostgresAddress;

    fn deref(&self) -> &PostgresAddress {
        &self.address
    }
}

impl Postgres {
    /// Initialises a server in `directory` (created when missing) and waits until it answers.
    ///
    /// As root, when the `postgres` user cannot reach the directory, the data goes to a directory of its own below the
    /// system's temporary directory.
    pub async fn start(directory: impl AsRef<Path>) -> Result<Self, DevstackError> {
        let directory = directory.as_ref();
        create_directory(directory, 0o711)?;
        let bin = installation()?;
        let user = server_user()?;
        let elsewhere = match user {
            Some(_) if !others_can_reach(directory) => Some(StackDirectory::create("postgres")?),
            _ => None,
        };
        let home = elsewhere.as_ref().map_or(directory, StackDirectory::path);
        let home = home.canonicalize().map_err(DevstackError::file("find", home))?;
        let data = home.join("data");
        let log = directory.join("postgres.log");
        create_directory(&data, 0o700)?;
        let address = PostgresAddress {
            host: "127.0.0.1".to_owned(),
            port: ports::free()?,
            user: "backtrail".to_owned(),
            password: random_secret(),
        };
        let password_file = home.join("password");
        write_secret(&password_file, &address.password)?;
        if let Some((user, group)) = user {
            for path in [&data, &password_file] {
                std::os::unix::fs::chown(path, Some(user), Some(group))
                    .map_err(DevstackError::file("change the owner of", path))?;
            }
        }

        let mut initdb = ProcessSpec::new("initdb", bin.join("initdb"), &home, &log)
            .argument("--no-sync")
            .argument("--no-instructions")
            .argument("--auth=scram-sha-256")
            .argument("--encoding=UTF8")
            .argument("--locale=C.UTF-8")
            .argument(format!("--username={}", address.user))
            .argument(format!("--pwfile={}", password_file.display()))
            .argument(format!("--pgdata={}", data.display()));
        initdb.user = user;
        initdb.run(START_DEADLINE).await?;
        std::fs::remove_file(&password_file).map_err(DevstackError::file("remove", &password_file))?;

        let settings = [
            "listen_addresses=127.0.0.1".to_owned(),
            format!("port={}", address.port),
            "unix_socket_directories=".to_owned(),
            // Commits reach the operating system, so they survive a crash of the server, if not one of the machine.
            "fsync=off".to_owned(),
            "full_page_writes=off".to_owned(),
            "max_connections=400".to_owned(),
            "shared_buffers=32MB".to_owned(),
            "logging_collector=off".to_owned(),
            "log_line_prefix=%m [%p] %d ".to_owned(),
            "timezone=UTC".to_owned(),
            "log_timezone=UTC".to_owned(),
        ];
        let mut spec = ProcessSpec::new("PostgreSQL", bin.join("postgres"), &home, &log)
            .argument("-D")
            .argument(&data)
            .arguments(settings.iter().flat_map(|setting| ["-c", setting.as_str()]));
        spec.user = user;
        // Immediate shutdown: it leaves no shared memory behind, as SIGKILL would.
        spec.stop_signal = Signal::SIGQUIT;
        let mut postgres = Self { process: None, address, spec, _elsewhere: elsewhere };
        postgres.start_again().await?;
        Ok(postgres)
    }

    /// How to reach the server.
    pub fn address(&self) -> &PostgresAddress {
        &self.address
    }

    /// The file its output goes to.
    pub fn log(&self) -> &Path {
        &self.spec.log
    }

    /// Shuts the server down in an orderly way; open sessions are ended.
    pub async fn stop(&mut self) {
        if let Some(mut process) = self.process.take() {
            process.terminate(Signal::SIGINT, STOP_DEADLINE).await;
        }
    }

    /// Stops the server without a checkpoint, as a crash would: the next start recovers.
    pub fn kill(&mut self) {
        self.process = None;
    }

    /// Starts a stopped server again, on the same port with the same data.
    pub async fn start_again(&mut self) -> Result<(), DevstackError> {
        if self.process.is_some() {
            return Ok(());
        }
        let mut process = self.spec.clone().start()?;
        let url = self.address.url();
        process
            .until_ready(START_DEADLINE, async || {
                let (client, connection) = tokio_postgres::connect(&url, tokio_postgres::NoTls)
                    .await
                    .map_err(|error| crate::error::chain(&error))?;
                drop(client);
                connection.await.map_err(|error| crate::error::chain(&error))
            })
            .await?;
        self.process = Some(process);
        Ok(())
    }

    /// Stops and starts the server.
    pub async fn restart(&mut self) -> Result<(), DevstackError> {
        self.stop().await;
        self.start_again().await
    }
}

/// The newest installed version's program directory.
fn installation() -> Result<PathBuf, DevstackError> {
    let mut versions: Vec<(u32, PathBuf)> = std::fs::read_dir("/usr/lib/postgresql")
        .into_iter()
        .flatten()
        .flatten()
        .filter_map(|entry| Some((entry.file_name().to_str()?.parse().ok()?, entry.path().join("bin"))))
        .filter(|(_, bin)| bin.join("postgres").is_file())
        .collect();
    versions.sort();
    if let Some((_, bin)) = versions.pop() {
        return Ok(bin);
    }
    let initdb = crate::process::find_program(&["initdb"], "postgresql")?;
    Ok(initdb.parent().map_or_else(PathBuf::new, Path::to_owned))
}

/// The user to run as: none for an ordinary caller, `postgres` for root.
fn server_user() -> Result<Option<(u32, u32)>, DevstackError> {
    if !is_root() {
        return Ok(None);
    }
    match nix::unistd::User::from_name("postgres") {
        Ok(Some(user)) => Ok(Some((user.uid.as_raw(), user.gid.as_raw()))),
        _ => Err(DevstackError::Unsuitable(
            "PostgreSQL does not run as root and there is no user named postgres to run it as; install the Debian \
             package postgresql, or run as an ordinary user"
                .to_owned(),
        )),
    }
}

/// Whether any user may pass through all directories down to this one.
fn others_can_reach(directory: &Path) -> bool {
    use std::os::unix::fs::PermissionsExt;
    let Ok(directory) = directory.canonicalize() else { return false };
    directory
        .ancestors()
        .all(|ancestor| std::fs::metadata(ancestor).is_ok_and(|metadata| metadata.permissions().mode() & 0o001 != 0))
}
