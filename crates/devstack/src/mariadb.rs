//! A private MariaDB server, as a source of backups or an empty server to load a result into.

use std::ops::Deref;
use std::path::{Path, PathBuf};
use std::time::Duration;

use nix::sys::signal::Signal;

use crate::directory::{create_directory, random_secret, write_secret};
use crate::error::DevstackError;
use crate::ports;
use crate::process::{ProcessSpec, SupervisedProcess, find_program, is_root};
use crate::source_server::{DatabaseAddress, DatabaseOptions, Family, socket_path};
use crate::tree::ServerTree;

const START_DEADLINE: Duration = Duration::from_secs(60);
const STOP_DEADLINE: Duration = Duration::from_secs(30);

/// What mariadb-install-db does with a server's own files, which it does not find in an extracted tree.
const BOOTSTRAP: &str = r#"
share=$1
shift
{
  printf 'CREATE DATABASE IF NOT EXISTS mysql;\nUSE mysql;\nSET @auth_root_socket=NULL;\n'
  for name in system_tables performance_tables system_tables_data; do
    cat "$share/mariadb_$name.sql" 2>/dev/null || cat "$share/mysql_$name.sql"
  done
  cat "$share/maria_add_gis_sp_bootstrap.sql"
  if [ -e "$share/mariadb_sys_schema.sql" ]; then cat "$share/mariadb_sys_schema.sql"; fi
} | "$@"
"#;

/// Where the programs of a server come from.
#[derive(Debug)]
enum Programs {
    Distribution,
    Tree(ServerTree),
}

impl Programs {
    /// Makes the system tables.
    async fn initialise(
        &self,
        directory: &Path,
        data: &Path,
        temporary: &Path,
        log: &Path,
    ) -> Result<(), DevstackError> {
        let spec = match self {
            Self::Distribution => {
                let installer = find_program(&["mariadb-install-db", "mysql_install_db"], "mariadb-server")?;
                let mut spec = ProcessSpec::new("mariadb-install-db", installer, directory, log)
                    .argument("--no-defaults")
                    .argument(format!("--datadir={}", data.display()))
                    .argument("--auth-root-authentication-method=normal")
                    .arguments(["--skip-test-db", "--skip-name-resolve"]);
                if is_root() {
                    spec = spec.argument("--user=root");
                }
                spec
            }
            Self::Tree(tree) => {
                create_directory(data, 0o700)?;
                let server = self.server(directory, data, log)?;
                ProcessSpec::new("the initialisation of MariaDB", "/bin/sh", directory, log)
                    .arguments(["-c", BOOTSTRAP, "backtrail-bootstrap"])
                    .argument(share(tree))
                    .argument(&server.program)
                    .arguments(&server.arguments)
                    .arguments(["--bootstrap", "--innodb-log-file-size=64M", "--innodb-buffer-pool-size=64M"])
                    .argument(format!("--tmpdir={}", temporary.display()))
            }
        };
        spec.variable("TMPDIR", temporary).run(START_DEADLINE).await
    }

    /// The server with the arguments that it always has.
    fn server(&self, directory: &Path, data: &Path, log: &Path) -> Result<ProcessSpec, DevstackError> {
        let spec = match self {
            Self::Distribution => {
                let program = find_program(&["mariadbd", "mysqld"], "mariadb-server")?;
                ProcessSpec::new("MariaDB", program, directory, log).argument("--no-defaults")
            }
            Self::Tree(tree) => tree.server("MariaDB", &share(tree), directory, log),
        };
        let spec = spec.argument(format!("--datadir={}", data.display()));
        Ok(if is_root() { spec.argument("--user=root") } else { spec })
    }
}

/// Newer suites have its messages and scripts under its own name.
fn share(tree: &ServerTree) -> PathBuf {
    let own = tree.path("usr/share/mariadb");
    if own.join("charsets").is_dir() { own } else { tree.path("usr/share/mysql") }
}

/// A running MariaDB server, stopped when dropped.
#[derive(Debug)]
pub struct MariaDb {
    process: Option<SupervisedProcess>,
    address: DatabaseAddress,
    spec: ProcessSpec,
}

impl Deref for MariaDb {
    type Target = DatabaseAddress;

    fn deref(&self) -> &DatabaseAddress {
        &self.address
    }
}

impl MariaDb {
    /// Initialises a server of the distribution in `directory` (created when missing) and waits until it answers.
    pub async fn start(directory: impl AsRef<Path>, options: DatabaseOptions) -> Result<Self, DevstackError> {
        Self::start_with(&Programs::Distribution, directory.as_ref(), options).await
    }

    /// The same with a server of another suite.
    pub async fn start_tree(
        tree: ServerTree,
        directory: impl AsRef<Path>,
        options: DatabaseOptions,
    ) -> Result<Self, DevstackError> {
        Self::start_with(&Programs::Tree(tree), directory.as_ref(), options).await
    }

    async fn start_with(
        programs: &Programs,
        directory: &Path,
        options: DatabaseOptions,
    ) -> Result<Self, DevstackError> {
        create_directory(directory, 0o700)?;
        let directory = directory.canonicalize().map_err(DevstackError::file("find", directory))?;
        let log = directory.join("mariadb.log");
        let data = directory.join("data");
        let socket = socket_path(&directory)?;
        let address = DatabaseAddress {
            family: Family::Mariadb,
            host: "127.0.0.1".to_owned(),
            port: ports::free()?,
            user: "root".to_owned(),
            password: random_secret(),
        };

        // A server that starts removes what lies in its directory for temporary tables, another server's as well.
        let temporary = directory.join("temporary");
        create_directory(&temporary, 0o700)?;
        programs.initialise(&directory, &data, &temporary, &log).await?;

        let mut spec = programs
            .server(&directory, &data, &log)?
            .argument(format!("--socket={}", socket.display()))
            .argument(format!("--pid-file={}", directory.join("server.pid").display()))
            .argument(format!("--port={}", address.port))
            .argument(format!("--server-id={}", options.server_id))
            .argument(format!("--tmpdir={}", temporary.display()))
            .arguments([
                "--bind-address=127.0.0.1",
                "--skip-name-resolve",
                "--performance-schema=OFF",
                "--innodb-buffer-pool-size=64M",
                "--innodb-log-file-size=64M",
                "--innodb-flush-log-at-trx-commit=2",
                "--sync-binlog=0",
                "--gtid-strict-mode=OFF",
            ]);
        if options.binary_log {
            spec = spec.arguments(["--log-bin=mariadb-bin", "--binlog-format=ROW", "--binlog-row-image=FULL"]);
        }
        spec = spec.arguments(&options.arguments);

        // The first start sets the password, outside of the binary log, and leaves root as the only account.
        let accounts = directory.join("accounts.sql");
        let password = &address.password;
        write_secret(
            &accounts,
            &format!(
                "SET SESSION sql_log_bin = 0;\n\
                 DELETE FROM mysql.global_priv WHERE User IN ('root', '') AND Host <> 'localhost';\n\
                 FLUSH PRIVILEGES;\n\
                 ALTER USER 'root'@'localhost' IDENTIFIED BY '{password}';\n\
                 CREATE USER 'root'@'%' IDENTIFIED BY '{password}';\n\
                 GRANT ALL PRIVILEGES ON *.* TO 'root'@'%' WITH GRANT OPTION;\n"
            ),
        )?;
        let first = spec.clone().argument(format!("--init-file={}", accounts.display()));
        let mut mariadb = Self { process: None, address, spec };
        mariadb.launch(first).await?;
        std::fs::remove_file(&accounts).map_err(DevstackError::file("remove", &accounts))?;
        Ok(mariadb)
    }

    async fn launch(&mut self, spec: ProcessSpec) -> Result<(), DevstackError> {
        let mut process = spec.start()?;
        let address = self.address.clone();
        process.until_ready(START_DEADLINE, async || address.ping().await).await?;
        self.process = Some(process);
        Ok(())
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
        self.launch(self.spec.clone()).await
    }

    /// Stops and starts the server; it begins a new binary log file.
    pub async fn restart(&mut self) -> Result<(), DevstackError> {
        self.stop().await;
        self.start_again().await
    }
}
