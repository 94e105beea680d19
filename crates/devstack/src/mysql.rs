//! A private MySQL server from an extracted Debian tree.
//!
//! The stable distribution has no MySQL; `devstack install --mysql` fetches one.

use std::ffi::OsString;
use std::ops::Deref;
use std::path::{Path, PathBuf};
use std::time::Duration;

use nix::sys::signal::Signal;

use crate::directory::{create_directory, random_name, random_secret, write_secret};
use crate::error::DevstackError;
use crate::ports;
use crate::process::{ProcessSpec, SupervisedProcess, is_root};
use crate::source_server::{DatabaseAddress, DatabaseOptions, Family, socket_path};
use crate::tree::{Release, ServerTree};

const START_DEADLINE: Duration = Duration::from_secs(120);
const STOP_DEADLINE: Duration = Duration::from_secs(60);

fn server(tree: &ServerTree, part: &str, directory: &Path, log: &Path) -> ProcessSpec {
    let mut plugins = OsString::from("--plugin-dir=");
    plugins.push(tree.path("usr/lib/mysql/plugin"));
    let mut spec = tree
        .server(part, &tree.path("usr/share/mysql"), directory, log)
        .argument(plugins)
        .argument("--secure-file-priv=NULL")
        .argument(format!("--datadir={}", directory.join("data").display()));
    if is_root() {
        spec = spec.argument("--user=root");
    }
    spec
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
    /// Whether a MySQL server is installed where [`Release::location`] says.
    pub fn available() -> bool {
        Release::MySql.available()
    }

    /// Initialises a server in `directory` (created when missing) and waits until it answers.
    pub async fn start(directory: impl AsRef<Path>, options: DatabaseOptions) -> Result<Self, DevstackError> {
        let directory = directory.as_ref();
        let tree = ServerTree::find(Release::MySql)?;
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
        server(&tree, "the initialisation of MySQL", &directory, &log)
            .argument("--initialize-insecure")
            .argument(format!("--init-file={}", accounts.display()))
            .argument("--innodb-redo-log-capacity=64M")
            .run(START_DEADLINE)
            .await?;
        std::fs::remove_file(&accounts).map_err(DevstackError::file("remove", &accounts))?;

        let mut spec = server(&tree, "MySQL", &directory, &log)
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

    /// Gives the server a keyring, in a file of its own, and starts it again with `binlog_encryption`.
    pub async fn encrypt_log(&mut self) -> Result<(), DevstackError> {
        self.stop().await;
        let tree = ServerTree::find(Release::MySql)?;
        let data = self.data_directory();
        let keys = self.spec.directory.join("keyring");
        // A server learns of components beside its program, and there that each has its own list beside its data: one
        // without a list has none.
        for (path, text) in [
            (tree.path("usr/sbin/mysqld.my"), r#"{"read_local_manifest": true}"#.to_owned()),
            (tree.path("usr/lib/mysql/plugin/component_keyring_file.cnf"), r#"{"read_local_config": true}"#.to_owned()),
            (data.join("mysqld.my"), r#"{"components": "file://component_keyring_file"}"#.to_owned()),
            (
                data.join("component_keyring_file.cnf"),
                format!(r#"{{"path": {:?}, "read_only": false}}"#, keys.display().to_string()),
            ),
        ] {
            if !path.exists() {
                let unfinished = path.with_extension(random_name("new-"));
                std::fs::write(&unfinished, text).map_err(DevstackError::file("write", &unfinished))?;
                std::fs::rename(&unfinished, &path).map_err(DevstackError::file("create", &path))?;
            }
        }
        self.spec = self.spec.clone().argument("--binlog-encryption=ON");
        self.start_again().await
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
