//! What MariaDB and MySQL have in common: how to reach one, and how to configure one as a source of backups.

use serde::{Deserialize, Serialize};

use crate::directory::random_name;
use crate::error::DevstackError;

/// The family of a database server.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Family {
    /// MariaDB.
    Mariadb,
    /// MySQL.
    Mysql,
}

impl Family {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Mariadb => "MariaDB",
            Self::Mysql => "MySQL",
        }
    }
}

/// How to reach a MariaDB or MySQL server.
#[derive(Clone, Serialize, Deserialize)]
pub struct DatabaseAddress {
    /// Which of the two it is.
    pub family: Family,
    /// Always the loopback interface.
    pub host: String,
    /// The TCP port.
    pub port: u16,
    /// The administrator, `root`.
    pub user: String,
    /// Its password.
    pub password: String,
}

impl std::fmt::Debug for DatabaseAddress {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(formatter, "{} at {}@{}:{}", self.family.name(), self.user, self.host, self.port)
    }
}

impl DatabaseAddress {
    /// Connection options for the administrator, without a default schema.
    pub fn opts(&self) -> mysql_async::Opts {
        self.opts_builder().into()
    }

    /// Connection options for the administrator that can be refined.
    pub fn opts_builder(&self) -> mysql_async::OptsBuilder {
        mysql_async::OptsBuilder::default()
            .ip_or_hostname(self.host.as_str())
            .tcp_port(self.port)
            .user(Some(self.user.as_str()))
            .pass(Some(self.password.as_str()))
            .prefer_socket(false)
    }

    /// The URL for clients that want one, password included. `schema` may be empty.
    pub fn url(&self, schema: &str) -> String {
        format!("mysql://{}:{}@{}:{}/{schema}", self.user, self.password, self.host, self.port)
    }

    /// Writes an option file for the stock clients (`--defaults-file`): how to reach the server, and the password, which is
    /// then neither on a command line nor in an environment.
    pub fn write_client_options(&self, path: &std::path::Path) -> Result<(), DevstackError> {
        let Self { host, port, user, password, .. } = self;
        let options = format!("[client]\nhost={host}\nport={port}\nprotocol=tcp\nuser={user}\npassword={password}\n");
        crate::directory::write_secret(path, &options)
    }

    /// A new connection as the administrator.
    pub async fn connect(&self) -> Result<mysql_async::Conn, DevstackError> {
        mysql_async::Conn::new(self.opts())
            .await
            .map_err(|error| DevstackError::refused(self.family.name(), "open a connection", &error))
    }

    /// Runs SQL statements, one after the other, each given without its closing semicolon.
    pub async fn execute<S: AsRef<str>>(&self, statements: impl IntoIterator<Item = S>) -> Result<(), DevstackError> {
        use mysql_async::prelude::Queryable;
        let mut connection = self.connect().await?;
        for statement in statements {
            let statement = statement.as_ref();
            connection.query_drop(statement).await.map_err(|error| {
                let shown: String = statement.chars().take(120).collect();
                DevstackError::refused(self.family.name(), format!("run {shown:?}"), &error)
            })?;
        }
        connection
            .disconnect()
            .await
            .map_err(|error| DevstackError::refused(self.family.name(), "close a connection", &error))
    }

    /// Creates a schema with a random name, for one test, and answers the name.
    pub async fn create_test_schema(&self) -> Result<String, DevstackError> {
        let name = random_name("test_");
        self.execute([format!("CREATE DATABASE `{name}`")]).await?;
        Ok(name)
    }

    pub(crate) async fn ping(&self) -> Result<(), String> {
        let connection = mysql_async::Conn::new(self.opts()).await.map_err(|error| crate::error::chain(&error))?;
        connection.disconnect().await.map_err(|error| crate::error::chain(&error))
    }
}

/// The settings of a source server that tests and the demo vary.
#[derive(Debug, Clone)]
pub struct DatabaseOptions {
    /// The replication id of the server.
    pub server_id: u32,
    /// Whether it writes a binary log, in row format with full images.
    pub binary_log: bool,
    /// More options of the server's command line, for example `--binlog-row-image=MINIMAL`. No secrets.
    pub arguments: Vec<String>,
}

impl Default for DatabaseOptions {
    fn default() -> Self {
        Self { server_id: 1, binary_log: true, arguments: Vec::new() }
    }
}

impl DatabaseOptions {
    /// The default options with more of the server's own.
    pub fn with_arguments<S: Into<String>>(arguments: impl IntoIterator<Item = S>) -> Self {
        Self { arguments: arguments.into_iter().map(Into::into).collect(), ..Self::default() }
    }
}

/// A socket's address holds 108 bytes; a longer path makes the server fail in an obscure way.
pub(crate) fn socket_path(directory: &std::path::Path) -> Result<std::path::PathBuf, DevstackError> {
    let socket = directory.join("server.sock");
    if socket.as_os_str().len() > 100 {
        return Err(DevstackError::Unsuitable(format!(
            "{} is too long for the path of a database server's socket; use a directory with a shorter path",
            socket.display()
        )));
    }
    Ok(socket)
}
