//! A private MySQL server from an extracted Debian tree.
//!
//! The stable distribution has no MySQL. `devstack install --mysql` extracts the packages of Debian's newest suite into
//! the user's cache directory; the server runs from there through the tree's own dynamic linker and libraries, without
//! a chroot.

use std::ops::Deref;
use std::path::{Path, PathBuf};
use std::time::Duration;

use nix::sys::signal::Signal;

use crate::directory::{create_directory, random_secret, write_secret};
use crate::error::DevstackError;
use crate::ports;
use crate::process::{ProcessSpec, SupervisedProcess, is_root};
use crate::source_server::{DatabaseAddress, DatabaseOptions, Family, socket_path};

const START_DEADLINE: Duration = Duration::from_secs(120);
const STOP_DEADLINE: Duration = Duration::from_secs(60);

/// The extracted tree and the way to run its programs.
#[derive(Debug, Clone)]
pub struct MySqlTree {
    root: PathBuf,
    libraries: PathBuf,
    linker: PathBuf,
}

impl MySqlTree {
    /// Where the tree is, or would be: `$XDG_CACHE_HOME/backtrail/mysql-sid`.
    pub fn location() -> PathBuf {
        let cache = std::env::var_os("XDG_CACHE_HOME")
            .filter(|value| !value.is_empty())
            .map(PathBuf::from)
            .or_else(|| std::env::var_os("HOME").map(|home| Path::new(&home).join(".cache")))
            .unwrap_or_else(std::env::temp_dir);
        cache.join("backtrail/mysql-sid")
    }

    /// The installed tree.
    pub fn find() -> Result<Self, DevstackError> {
        let root = Self::location();
        let missing = || {
            DevstackError::Unsuitable(format!(
                "there is no MySQL server in {}; `devstack install --mysql` puts one there",
                root.display()
            ))
        };
        if !root.join("usr/sbin/mysqld").is_file() {
            return Err(missing());
        }
        let libraries = entries(&root.join("usr/lib"))
            .find(|path| path.file_name().is_some_and(|name| name.to_string_lossy().ends_with("-linux-gnu")))
            .ok_or_else(missing)?;
        let linker = entries(&libraries)
            .find(|path| path.file_name().is_some_and(|name| name.to_string_lossy().starts_with("ld-linux")))
            .ok_or_else(missing)?;
        Ok(Self { root, libraries, linker })
    }

    /// How to run one of the tree's programs, such as `usr/bin/mysql`: program and first arguments.
    pub fn command(&self, program: &str) -> Vec<PathBuf> {
        vec![self.linker.clone(), PathBuf::from("--library-path"), self.libraries.clone(), self.root.join(program)]
    }

    fn spec(&self, part: &str, directory: &Path, log: &Path) -> ProcessSpec {
        let command = self.command("usr/sbin/mysqld");
        let share = self.root.join("usr/share/mysql");
        let mut spec = ProcessSpec::new(part, &self.linker, directory, log)
            .arguments(command.iter().skip(1))
            .argument("--no-defaults")
            .argument(format!("--basedir={}", self.root.join("usr").display()))
            .argument(format!("--lc-messages-dir={}", share.display()))
            .argument(format!("--character-sets-dir={}", share.join("charsets").display()))
            .argument(format!("--plugin-dir={}", self.root.join("usr/lib/mysql/plugin").display()))
            .argument("--secure-file-priv=NULL")
            .argument(format!("--datadir={}", directory.join("data").display()));
        if is_root() {
            spec = spec.argument("--user=root");
        }
        spec
    }
}

fn entries(directory: &Path) -> impl Iterator<Item = PathBuf> {
    std::fs::read_dir(directory).into_iter().flatten().flatten().map(|entry| entry.path())
}

/// A running MySQL server, stopped when dropped.
#[derive(Debug)]
pub struct MySql {
    process: Option<SupervisedProcess>,
    address: DatabaseAddress,
    spec: ProcessSpec,
}

impl Deref for MySql {
    type Target = DatabaseAddress;

    fn deref(&self) -> &DatabaseAddress {
        &self.address
    }
}

impl MySql {
    /// Whether a MySQL server is installed where [`MySqlTree::location`] says.
    pub fn available() -> bool {
        MySqlTree::find().is_ok()
    }

    /// Initialises a server in `directory` (created when missing) and waits until it answers.
    pub async fn start(directory: impl AsRef<Path>, options: DatabaseOptions) -> Result<Self, DevstackError> {
        let directory = directory.as_ref();
        let tree = MySqlTree::find()?;
        create_directory(directory, 0o700)?;
        let directory = directory.canonicalize().map_err(DevstackError::file("find", directory))?;
        let log = directory.join("mysql.log");
        let socket = socket_path(&directory)?;
        let address = DatabaseAddress {
            family: Family::Mysql,
            host: "127.0.0.1".to_owned(),
            port: ports::free()?,
            user: "root".to_owned(),
            password: random_secret(),
        };

        let accounts = directory.join("accounts.sql");
        let password = &address.password;
        write_secret(
            &accounts,
            &format!(
                "ALTER USER 'root'@'localhost' IDENTIFIED BY '{password}';\n\
                 CREATE USER 'root'@'%' IDENTIFIED BY '{password}';\n\
                 GRANT ALL PRIVILEGES ON *.* TO 'root'@'%' WITH GRANT OPTION;\n"
            ),
        )?;
        tree.spec("the initialisation of MySQL", &directory, &log)
            .argument("--initialize-insecure")
            .argument(format!("--init-file={}", accounts.display()))
            .argument("--innodb-redo-log-capacity=64M")
            .run(START_DEADLINE)
            .await?;
        std::fs::remove_file(&accounts).map_err(DevstackError::file("remove", &accounts))?;

        let mut spec = tree
            .spec("MySQL", &directory, &log)
            .argument(format!("--socket={}", socket.display()))
            .argument(format!("--pid-file={}", directory.join("server.pid").display()))
            .argument(format!("--port={}", address.port))
            .argument(format!("--server-id={}", options.server_id))
            .arguments([
                "--bind-address=127.0.0.1",
                "--mysqlx=OFF",
                "--skip-name-resolve",
                "--performance-schema=OFF",
                "--innodb-buffer-pool-size=64M",
                "--innodb-redo-log-capacity=64M",
                "--innodb-flush-log-at-trx-commit=2",
                "--sync-binlog=0",
                "--gtid-mode=ON",
                "--enforce-gtid-consistency=ON",
            ]);
        spec = if options.binary_log {
            spec.arguments(["--log-bin=mysql-bin", "--binlog-format=ROW", "--binlog-row-image=FULL"])
        } else {
            spec.argument("--skip-log-bin")
        };
        spec = spec.arguments(&options.arguments);
        let mut mysql = Self { process: None, address, spec };
        mysql.start_again().await?;
        Ok(mysql)
    }

    /// How to reach the server.
    pub fn address(&self) -> &DatabaseAddress {
        &self.address
    }

    /// The file its output goes to.
    pub fn log(&self) -> &Path {
        &self.spec.log
    }

    /// The directory of its data and binary log files.
    pub fn data_directory(&self) -> PathBuf {
        self.spec.directory.join("data")
    }

    /// Shuts the server down in an orderly way.
    pub async fn stop(&mut self) {
        if let Some(mut process) = self.process.take() {
            process.terminate(Signal::SIGTERM, STOP_DEADLINE).await;
        }
    }

    /// Kills the server (`SIGKILL`), as a crash would.
    pub fn kill(&mut self) {
        self.process = None;
    }

    /// Starts a stopped server again, on the same port with the same data.
    pub async fn start_again(&mut self) -> Result<(), DevstackError> {
        if self.process.is_some() {
            return Ok(());
        }
        let mut process = self.spec.clone().start()?;
        let address = self.address.clone();
        process.until_ready(START_DEADLINE, async || address.ping().await).await?;
        self.process = Some(process);
        Ok(())
    }

    /// Stops and starts the server; it begins a new binary log file.
    pub async fn restart(&mut self) -> Result<(), DevstackError> {
        self.stop().await;
        self.start_again().await
    }
}
