//! A live server of either family that one history after the other starts from scratch.

use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, bail};
use backtrail_devstack::{DatabaseAddress, DatabaseOptions, Family, MariaDb, MySql, ServerTree};
use mysql_async::prelude::Queryable;

use crate::characters::Characters;
use crate::kind::ServerKind;

/// Longer than any statement of a history should take.
const STATEMENT_DEADLINE: Duration = Duration::from_secs(30);

/// What histories may change of the server's own settings, as both families know it.
const COMMON_GLOBALS: &[(&str, &str)] = &[
    ("binlog_checksum", "CRC32"),
    ("binlog_row_image", "FULL"),
    ("foreign_key_checks", "1"),
    ("time_zone", "'SYSTEM'"),
    ("event_scheduler", "OFF"),
    ("log_bin_trust_function_creators", "1"),
];
const MARIADB_GLOBALS: &[(&str, &str)] =
    &[("log_bin_compress", "OFF"), ("log_bin_compress_min_len", "256"), ("binlog_annotate_row_events", "ON")];
const MYSQL_GLOBALS: &[(&str, &str)] = &[
    ("binlog_transaction_compression", "OFF"),
    ("binlog_row_value_options", "''"),
    ("binlog_row_metadata", "MINIMAL"),
    ("binlog_rows_query_log_events", "OFF"),
];

enum Process {
    Mariadb(MariaDb),
    Mysql(MySql),
}

/// A server with a directory of its own, stopped when dropped.
pub struct Server {
    kind: ServerKind,
    process: Process,
    address: DatabaseAddress,
}

impl Server {
    /// Starts a server that writes a binary log.
    ///
    /// # Errors
    /// It does not start.
    pub async fn source(kind: ServerKind, directory: &Path) -> anyhow::Result<Self> {
        // A statement that waits for another session's lock is to fail at once: the sessions take turns.
        let wait = if kind.family() == Family::Mariadb { "0" } else { "1" };
        let mut arguments = vec![format!("--innodb-lock-wait-timeout={wait}"), "--lock-wait-timeout=5".to_owned()];
        arguments.push("--max-allowed-packet=64M".to_owned());
        if kind.family() == Family::Mysql {
            arguments.push("--explain-format=TRADITIONAL".to_owned());
        }
        Self::start(kind, directory, DatabaseOptions::with_arguments(arguments)).await
    }

    /// Starts a server to load results into.
    ///
    /// # Errors
    /// It does not start.
    pub async fn target(kind: ServerKind, directory: &Path) -> anyhow::Result<Self> {
        let mut options = DatabaseOptions::with_arguments([
            "--sql-mode=NO_ENGINE_SUBSTITUTION",
            "--max-allowed-packet=64M",
            "--character-set-server=utf8mb4",
        ]);
        options.binary_log = false;
        options.server_id = 2;
        Self::start(kind, directory, options).await
    }

    async fn start(kind: ServerKind, directory: &Path, mut options: DatabaseOptions) -> anyhow::Result<Self> {
        // A server that starts removes the temporary tables of all that share the directory with it.
        let temporary = directory.join("tmp");
        std::fs::create_dir_all(&temporary)?;
        options.arguments.push(format!("--tmpdir={}", temporary.display()));
        let process = match (kind.family(), kind.release()) {
            (Family::Mariadb, None) => Process::Mariadb(MariaDb::start(directory, options).await?),
            (Family::Mariadb, Some(release)) => {
                Process::Mariadb(MariaDb::start_tree(ServerTree::find(release)?, directory, options).await?)
            }
            (Family::Mysql, _) => Process::Mysql(MySql::start(directory, options).await?),
        };
        let address = match &process {
            Process::Mariadb(server) => server.address().clone(),
            Process::Mysql(server) => server.address().clone(),
        };
        Ok(Self { kind, process, address })
    }

    /// How to reach it.
    pub fn address(&self) -> &DatabaseAddress {
        &self.address
    }

    /// Which kind it is.
    pub fn kind(&self) -> ServerKind {
        self.kind
    }

    /// Which family it is of.
    pub fn family(&self) -> Family {
        self.address.family
    }

    /// Where its binary log files are.
    pub fn data_directory(&self) -> PathBuf {
        match &self.process {
            Process::Mariadb(server) => server.data_directory(),
            Process::Mysql(server) => server.data_directory(),
        }
    }

    /// A new connection.
    ///
    /// # Errors
    /// The server refuses.
    pub async fn connect(&self) -> anyhow::Result<mysql_async::Conn> {
        Ok(self.address.connect().await?)
    }

    /// Makes the server as if it were new: no schemas, settings as at its start, an empty binary log.
    ///
    /// # Errors
    /// The server refuses something.
    pub async fn reset(&self, binary_log: bool) -> anyhow::Result<()> {
        let mut connection = self.connect().await?;
        let prepared: Vec<(u64, usize, usize, Vec<u8>)> = connection.query("XA RECOVER").await?;
        for (_, length, _, data) in prepared {
            let name = String::from_utf8_lossy(data.get(..length).unwrap_or(&data)).into_owned();
            // One that was rolled back by the server answers with an error, and is gone.
            let _ = connection.query_drop(format!("XA ROLLBACK '{name}'")).await;
        }
        connection.query_drop("SET SESSION foreign_key_checks = 0").await?;
        for schema in schemas(&mut connection).await? {
            connection.query_drop(format!("DROP DATABASE {}", quoted(&schema))).await?;
        }
        if binary_log {
            let own = if self.family() == Family::Mariadb { MARIADB_GLOBALS } else { MYSQL_GLOBALS };
            for (name, value) in COMMON_GLOBALS.iter().chain(own) {
                connection
                    .query_drop(format!("SET GLOBAL {name} = {value}"))
                    .await
                    .with_context(|| (*name).to_owned())?;
            }
            let reset = match self.family() {
                Family::Mariadb => "RESET MASTER",
                Family::Mysql => "RESET BINARY LOGS AND GTIDS",
            };
            connection.query_drop(reset).await?;
        }
        connection.disconnect().await?;
        Ok(())
    }
}

/// The schemas that are not the server's own.
///
/// # Errors
/// The server refuses.
pub async fn schemas(connection: &mut mysql_async::Conn) -> anyhow::Result<Vec<String>> {
    Ok(connection
        .query(
            "SELECT CAST(schema_name AS CHAR) FROM information_schema.schemata WHERE schema_name NOT IN \
             ('mysql', 'information_schema', 'performance_schema', 'sys')",
        )
        .await?)
}

/// A name in backticks.
pub fn quoted(name: &str) -> String {
    format!("`{}`", name.replace('`', "``"))
}

/// The connections of a history, by their numbers.
pub struct Sessions<'a> {
    server: &'a Server,
    open: Vec<Option<mysql_async::Conn>>,
    characters: Vec<Option<Characters>>,
}

impl<'a> Sessions<'a> {
    /// None is open yet.
    pub fn new(server: &'a Server) -> Self {
        Self { server, open: Vec::new(), characters: Vec::new() }
    }

    /// Runs a statement; the inner error is the server's answer to a statement that it does not accept.
    ///
    /// # Errors
    /// There is no server to answer, or it takes too long.
    pub async fn run(&mut self, session: usize, text: &str) -> anyhow::Result<Result<(), String>> {
        if self.open.len() <= session {
            self.open.resize_with(session + 1, || None);
            self.characters.resize(session + 1, None);
        }
        let slot = &mut self.open[session];
        let connection = match slot {
            Some(connection) => connection,
            None => slot.insert(self.server.connect().await?),
        };
        let statement = match self.characters[session] {
            Some(characters) => characters.encode(text),
            None => text.as_bytes().to_vec(),
        };
        match tokio::time::timeout(STATEMENT_DEADLINE, connection.query_drop(statement)).await {
            Ok(Ok(())) => {
                if let Some(characters) = Characters::set_by(text) {
                    self.characters[session] = characters;
                }
                Ok(Ok(()))
            }
            Ok(Err(mysql_async::Error::Server(error))) => Ok(Err(format!("{}: {}", error.code, error.message))),
            Ok(Err(error)) => {
                *slot = None;
                self.characters[session] = None;
                self.server.connect().await.with_context(|| format!("the server died of: {text}"))?;
                Ok(Err(error.to_string()))
            }
            Err(_) => bail!("session {session} hangs in: {text}"),
        }
    }

    /// Closes all of them.
    pub async fn close(self) {
        for connection in self.open.into_iter().flatten() {
            let _ = connection.disconnect().await;
        }
    }
}
