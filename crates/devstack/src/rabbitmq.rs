//! A private RabbitMQ broker with its own Erlang port mapper.
//!
//! The distribution's wrapper in `/usr/sbin` changes to the distribution's user and directories, so the server script
//! below `/usr/lib/rabbitmq` is called directly. Erlang would start a port mapper (epmd) that outlives the node; ours
//! is a supervised process of the stack on a private port. The management plugin is on: it costs no start-up time, and
//! its HTTP interface creates a vhost in 10 ms where `rabbitmqctl` takes a whole Erlang start.

use std::ops::Deref;
use std::path::{Path, PathBuf};
use std::time::Duration;

use nix::sys::signal::Signal;
use serde::{Deserialize, Serialize};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::directory::{create_directory, random_name, random_secret, write_secret};
use crate::error::DevstackError;
use crate::ports;
use crate::process::{ProcessSpec, SupervisedProcess, find_program};

const START_DEADLINE: Duration = Duration::from_secs(120);
const STOP_DEADLINE: Duration = Duration::from_secs(30);

/// How to reach a RabbitMQ broker.
#[derive(Clone, Serialize, Deserialize)]
pub struct RabbitMqAddress {
    /// Always the loopback interface.
    pub host: String,
    /// The AMQP port.
    pub port: u16,
    /// The port of the management plugin's HTTP interface.
    pub management_port: u16,
    /// An administrator.
    pub user: String,
    /// Its password.
    pub password: String,
}

impl std::fmt::Debug for RabbitMqAddress {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(formatter, "amqp://{}@{}:{}", self.user, self.host, self.port)
    }
}

impl RabbitMqAddress {
    /// The AMQP URL of a vhost, password included. The default vhost is `/`.
    pub fn url(&self, vhost: &str) -> String {
        format!("amqp://{}:{}@{}:{}/{}", self.user, self.password, self.host, self.port, encoded(vhost))
    }

    /// Creates a vhost in which the user has all permissions, and answers its URL.
    pub async fn create_vhost(&self, name: &str) -> Result<String, DevstackError> {
        let path = format!("vhosts/{}", encoded(name));
        self.management(reqwest::Method::PUT, &path).await?;
        Ok(self.url(name))
    }

    /// Creates a vhost with a random name, for one test, and answers its URL.
    pub async fn create_test_vhost(&self) -> Result<String, DevstackError> {
        self.create_vhost(&random_name("test-")).await
    }

    /// Deletes a vhost with its queues; clients connected to it are disconnected.
    pub async fn delete_vhost(&self, name: &str) -> Result<(), DevstackError> {
        self.management(reqwest::Method::DELETE, &format!("vhosts/{}", encoded(name))).await.map(|_| ())
    }

    /// Closes every client connection from the broker's side, and answers how many there were.
    pub async fn close_connections(&self) -> Result<usize, DevstackError> {
        let connections = self.management(reqwest::Method::GET, "connections").await?;
        let names: Vec<String> = connections
            .as_array()
            .into_iter()
            .flatten()
            .filter_map(|connection| Some(connection.get("name")?.as_str()?.to_owned()))
            .collect();
        for name in &names {
            // One that has gone in the meantime is as good as closed.
            let _ = self.management(reqwest::Method::DELETE, &format!("connections/{}", encoded(name))).await;
        }
        Ok(names.len())
    }

    /// Calls the management interface (`path` comes after `/api/`) and answers its JSON document, null when empty.
    pub async fn management(&self, method: reqwest::Method, path: &str) -> Result<serde_json::Value, DevstackError> {
        let action = format!("answer {method} /api/{path}");
        let refused = |error: reqwest::Error| DevstackError::refused("RabbitMQ", action.clone(), &error);
        let url = format!("http://{}:{}/api/{path}", self.host, self.management_port);
        let client = reqwest::Client::builder().no_proxy().build().map_err(refused)?;
        let response = client
            .request(method, url)
            .header("content-type", "application/json")
            .basic_auth(&self.user, Some(&self.password))
            .send()
            .await
            .map_err(refused)?
            .error_for_status()
            .map_err(refused)?;
        let body = response.bytes().await.map_err(refused)?;
        if body.is_empty() {
            return Ok(serde_json::Value::Null);
        }
        serde_json::from_slice(&body).map_err(|error| DevstackError::refused("RabbitMQ", action.clone(), &error))
    }
}

/// Percent-encodes one segment of a path.
fn encoded(segment: &str) -> String {
    let mut text = String::with_capacity(segment.len());
    for byte in segment.bytes() {
        if byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.' | b'~') {
            text.push(char::from(byte));
        } else {
            text.push_str(&format!("%{byte:02X}"));
        }
    }
    text
}

/// A running RabbitMQ broker, stopped when dropped.
#[derive(Debug)]
pub struct RabbitMq {
    process: Option<SupervisedProcess>,
    address: RabbitMqAddress,
    spec: ProcessSpec,
    // Dropped after the node.
    _port_mapper: SupervisedProcess,
}

impl Deref for RabbitMq {
    type Target = RabbitMqAddress;

    fn deref(&self) -> &RabbitMqAddress {
        &self.address
    }
}

impl RabbitMq {
    /// Starts a broker with its data in `directory` (created when missing) and waits until it answers.
    pub async fn start(directory: impl AsRef<Path>) -> Result<Self, DevstackError> {
        let directory = directory.as_ref();
        create_directory(directory, 0o700)?;
        let directory = directory.canonicalize().map_err(DevstackError::file("find", directory))?;
        let log = directory.join("rabbitmq.log");
        let address = RabbitMqAddress {
            host: "127.0.0.1".to_owned(),
            port: ports::free()?,
            management_port: ports::free()?,
            user: "backtrail".to_owned(),
            password: random_secret(),
        };
        let mapper_port = ports::free()?.to_string();
        let distribution_port = ports::free()?.to_string();

        let configuration = format!(
            "listeners.tcp.1 = 127.0.0.1:{port}\n\
             management.tcp.ip = 127.0.0.1\n\
             management.tcp.port = {management_port}\n\
             management_agent.disable_metrics_collector = true\n\
             default_user = {user}\n\
             default_pass = {password}\n\
             log.console = true\n\
             log.console.level = info\n\
             log.file = false\n\
             disk_free_limit.absolute = 50MB\n",
            port = address.port,
            management_port = address.management_port,
            user = address.user,
            password = address.password,
        );
        write_secret(&directory.join("rabbitmq.conf"), &configuration)?;
        write_secret(&directory.join("enabled_plugins"), "[rabbitmq_management].\n")?;
        write_secret(&directory.join(".erlang.cookie"), &random_secret())?;
        std::fs::set_permissions(directory.join(".erlang.cookie"), std::os::unix::fs::PermissionsExt::from_mode(0o400))
            .map_err(DevstackError::file("set the mode of", directory.join(".erlang.cookie")))?;

        let epmd = find_program(&["epmd"], "rabbitmq-server")?;
        let mut port_mapper = ProcessSpec::new("Erlang's port mapper", epmd, &directory, &directory.join("epmd.log"))
            .arguments(["-port", &mapper_port, "-address", "127.0.0.1", "-relaxed_command_check"])
            .start()?;
        let mapper_address = format!("127.0.0.1:{mapper_port}");
        port_mapper.until_ready(START_DEADLINE, async || connect(&mapper_address).await.map(|_| ())).await?;

        let spec = ProcessSpec::new("RabbitMQ", server_script()?, &directory, &log)
            .variable("HOME", &directory)
            .variable("ERL_EPMD_PORT", &mapper_port)
            .variable("ERL_EPMD_ADDRESS", "127.0.0.1")
            .variable("RABBITMQ_NODENAME", "backtrail@localhost")
            .variable("RABBITMQ_DIST_PORT", &distribution_port)
            .variable("RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS", "-kernel inet_dist_use_interface {127,0,0,1}")
            .variable("RABBITMQ_MNESIA_BASE", directory.join("data"))
            .variable("RABBITMQ_LOG_BASE", &directory)
            .variable("RABBITMQ_LOGS", "-")
            .variable("RABBITMQ_CONFIG_FILE", directory.join("rabbitmq"))
            .variable("RABBITMQ_CONF_ENV_FILE", directory.join("no-environment-file"))
            .variable("RABBITMQ_ADVANCED_CONFIG_FILE", directory.join("no-advanced.config"))
            .variable("RABBITMQ_FEATURE_FLAGS_FILE", directory.join("feature_flags"))
            .variable("RABBITMQ_ENABLED_PLUGINS_FILE", directory.join("enabled_plugins"))
            .variable("RABBITMQ_GENERATED_CONFIG_DIR", directory.join("generated"))
            .variable("RABBITMQ_PID_FILE", directory.join("rabbitmq.pid"));
        let mut rabbitmq = Self { process: None, address, spec, _port_mapper: port_mapper };
        rabbitmq.start_again().await?;
        Ok(rabbitmq)
    }

    /// How to reach the broker.
    pub fn address(&self) -> &RabbitMqAddress {
        &self.address
    }

    /// The file its output goes to.
    pub fn log(&self) -> &Path {
        &self.spec.log
    }

    /// Shuts the broker down in an orderly way.
    pub async fn stop(&mut self) {
        if let Some(mut process) = self.process.take() {
            process.terminate(Signal::SIGTERM, STOP_DEADLINE).await;
        }
    }

    /// Kills the broker (`SIGKILL`), as a crash would.
    pub fn kill(&mut self) {
        self.process = None;
    }

    /// Starts a stopped broker again, on the same port with the same data.
    pub async fn start_again(&mut self) -> Result<(), DevstackError> {
        if self.process.is_some() {
            return Ok(());
        }
        let mut process = self.spec.clone().start()?;
        let address = self.address.clone();
        process
            .until_ready(START_DEADLINE, async || {
                greeting(&address).await?;
                address
                    .management(reqwest::Method::GET, "vhosts/%2F")
                    .await
                    .map(|_| ())
                    .map_err(|error| error.to_string())
            })
            .await?;
        self.process = Some(process);
        Ok(())
    }

    /// Stops the broker in an orderly way and starts it again.
    pub async fn restart(&mut self) -> Result<(), DevstackError> {
        self.stop().await;
        self.start_again().await
    }
}

async fn connect(address: &str) -> Result<TcpStream, String> {
    TcpStream::connect(address).await.map_err(|error| error.to_string())
}

/// Sends the AMQP 0-9-1 protocol header; a broker that accepts connections answers with a method frame (type 1).
async fn greeting(address: &RabbitMqAddress) -> Result<(), String> {
    let mut stream = connect(&format!("{}:{}", address.host, address.port)).await?;
    stream.write_all(b"AMQP\x00\x00\x09\x01").await.map_err(|error| error.to_string())?;
    match stream.read_u8().await {
        Ok(1) => Ok(()),
        Ok(other) => Err(format!("it answered with frame type {other}")),
        Err(error) => Err(error.to_string()),
    }
}

/// The server script of the newest installed version.
fn server_script() -> Result<PathBuf, DevstackError> {
    let base = "/usr/lib/rabbitmq/lib";
    let mut scripts: Vec<PathBuf> = std::fs::read_dir(base)
        .into_iter()
        .flatten()
        .flatten()
        .map(|entry| entry.path().join("sbin/rabbitmq-server"))
        .filter(|script| script.is_file())
        .collect();
    scripts.sort();
    scripts.pop().ok_or_else(|| DevstackError::MissingProgram {
        program: format!("{base}/rabbitmq_server-*/sbin/rabbitmq-server"),
        package: "rabbitmq-server",
    })
}
