//! Connecting and logging in.

use std::fmt;
use std::io;
use std::time::Duration;

use bytes::Bytes;
use secrecy::ExposeSecret;
use tokio::net::TcpStream;

use crate::authentication::{Plugin, encrypt};
use crate::packet::{Fields, PacketStream, error_packet};
use crate::{SourceEndpoint, SourceError, TlsMode, tls};

/// Capabilities of client and server.
/// Source: <https://dev.mysql.com/doc/dev/mysql-server/latest/group__group__cs__capabilities__flags.html>
mod capability {
    pub(super) const LONG_PASSWORD: u32 = 1;
    pub(super) const LONG_FLAG: u32 = 1 << 2;
    pub(super) const PROTOCOL_41: u32 = 1 << 9;
    pub(super) const SSL: u32 = 1 << 11;
    pub(super) const TRANSACTIONS: u32 = 1 << 13;
    pub(super) const SECURE_CONNECTION: u32 = 1 << 15;
    pub(super) const PLUGIN_AUTH: u32 = 1 << 19;
}

/// The largest packet we say we take: the protocol's own limit, since events of the binary log may be as large.
const MAX_PACKET: u32 = 1 << 30;
/// The largest packet of a login.
const LOGIN_LIMIT: usize = 64 * 1024;
/// utf8mb4_general_ci, which every supported server has.
const COLLATION: u8 = 45;
/// Steps of a login: no plugin needs as many.
const MOST_STEPS: usize = 8;

/// A connection to a source server, logged in.
pub struct Connection {
    pub(crate) packets: PacketStream,
    pub(crate) endpoint: SourceEndpoint,
    /// What the server called itself in its greeting.
    greeting_version: String,
    connection_id: u32,
    encrypted: bool,
    /// An exchange was begun and not ended: what comes next belongs to it, not to the next one.
    pub(crate) unfinished: bool,
}

impl SourceEndpoint {
    /// Connects and logs in.
    ///
    /// # Errors
    /// Nobody is there, TLS cannot be had as wanted, or the account is refused.
    pub async fn connect(&self) -> Result<Connection, SourceError> {
        within(self.connect_deadline, self, "connecting", Connection::open(self)).await
    }
}

/// Runs something with a deadline.
pub(crate) async fn within<T>(
    deadline: Duration,
    endpoint: &SourceEndpoint,
    doing: &str,
    work: impl Future<Output = Result<T, SourceError>>,
) -> Result<T, SourceError> {
    tokio::time::timeout(deadline, work).await.unwrap_or_else(|_| {
        Err(SourceError::Deadline { server: endpoint.name(), doing: doing.to_owned(), after: deadline })
    })
}

struct Greeting {
    version: String,
    connection_id: u32,
    challenge: Vec<u8>,
    capabilities: u32,
    plugin: Option<Plugin>,
}

impl Greeting {
    fn parse(packet: &[u8]) -> Option<Self> {
        let mut fields = Fields(packet.strip_prefix(&[10])?);
        let version = String::from_utf8_lossy(fields.text()).into_owned();
        let connection_id = u32::try_from(fields.int(4)?).ok()?;
        let mut challenge = fields.take(8)?.to_vec();
        fields.take(1)?;
        let low = fields.int(2)?;
        fields.take(3)?;
        let capabilities = u32::try_from(low | fields.int(2)? << 16).ok()?;
        let length = fields.int(1)?;
        fields.take(10)?;
        let rest = usize::try_from(length.saturating_sub(8).max(13)).ok()?.min(fields.0.len());
        challenge.extend_from_slice(fields.take(rest)?);
        // The challenge is 20 bytes; a NUL follows.
        challenge.resize(20, 0);
        let plugin = if capabilities & capability::PLUGIN_AUTH == 0 { None } else { Plugin::named(fields.text()) };
        Some(Self { version, connection_id, challenge, capabilities, plugin })
    }
}

impl Connection {
    async fn open(endpoint: &SourceEndpoint) -> Result<Self, SourceError> {
        let unreachable = |source| SourceError::Unreachable { server: endpoint.name(), source };
        let socket = TcpStream::connect((endpoint.host.as_str(), endpoint.port)).await.map_err(unreachable)?;
        socket.set_nodelay(true).map_err(unreachable)?;
        let mut connection = Self {
            packets: PacketStream::new(Box::new(socket)),
            endpoint: endpoint.clone(),
            greeting_version: String::new(),
            connection_id: 0,
            encrypted: false,
            unfinished: false,
        };
        let packet = connection.read(LOGIN_LIMIT).await?;
        if let Some((code, message)) = error_packet(&packet) {
            return Err(SourceError::Login { server: endpoint.name(), code, message });
        }
        let greeting = Greeting::parse(&packet).ok_or_else(|| connection.protocol("a greeting of another protocol"))?;
        connection.greeting_version.clone_from(&greeting.version);
        connection.connection_id = greeting.connection_id;
        connection.log_in(greeting).await?;
        Ok(connection)
    }

    async fn log_in(&mut self, greeting: Greeting) -> Result<(), SourceError> {
        let offered = greeting.capabilities & capability::SSL != 0;
        let wanted = match self.endpoint.tls {
            TlsMode::Disabled => false,
            TlsMode::Preferred => offered,
            TlsMode::Required | TlsMode::VerifyCa | TlsMode::VerifyIdentity if offered => true,
            mode => {
                let reason = format!("the server does not offer it, and the TLS mode is {mode}");
                return Err(SourceError::Tls { server: self.endpoint.name(), reason });
            }
        };
        let capabilities = capability::LONG_PASSWORD
            | capability::LONG_FLAG
            | capability::PROTOCOL_41
            | capability::TRANSACTIONS
            | capability::SECURE_CONNECTION
            | capability::PLUGIN_AUTH
            | if wanted { capability::SSL } else { 0 };
        let mut response = Vec::with_capacity(128);
        response.extend_from_slice(&capabilities.to_le_bytes());
        response.extend_from_slice(&MAX_PACKET.to_le_bytes());
        response.push(COLLATION);
        response.extend_from_slice(&[0; 23]);
        if wanted {
            self.write(&response).await?;
            self.begin_tls().await?;
        }

        let plugin = greeting.plugin.filter(|plugin| *plugin != Plugin::Clear).unwrap_or(Plugin::Native);
        let answer = plugin.answer(self.endpoint.password.expose_secret(), &greeting.challenge);
        response.extend_from_slice(self.endpoint.username.as_bytes());
        response.push(0);
        response.push(u8::try_from(answer.len()).unwrap_or(0));
        response.extend_from_slice(&answer);
        response.extend_from_slice(plugin.name().as_bytes());
        response.push(0);
        self.write(&response).await?;
        self.finish_login(plugin, greeting.challenge).await
    }

    async fn begin_tls(&mut self) -> Result<(), SourceError> {
        let nothing: Box<dyn crate::packet::Transport> = Box::new(tokio::io::empty());
        let plain = std::mem::replace(&mut self.packets, PacketStream::new(nothing));
        let endpoint = self.endpoint.clone();
        let mut problem = None;
        let wrapped = plain
            .wrap(async |transport| {
                tls::begin(&endpoint, transport).await.map_err(|error| {
                    problem = Some(error);
                    io::Error::other("TLS")
                })
            })
            .await;
        match (wrapped, problem) {
            (Ok(packets), _) => {
                self.packets = packets;
                self.encrypted = true;
                Ok(())
            }
            (Err(_), Some(error)) => Err(error),
            (Err(error), None) => Err(self.broken(error)),
        }
    }

    async fn finish_login(&mut self, mut plugin: Plugin, mut challenge: Vec<u8>) -> Result<(), SourceError> {
        let password = self.endpoint.password.clone();
        for _ in 0..MOST_STEPS {
            let packet = self.read(LOGIN_LIMIT).await?;
            match packet.as_ref() {
                [0, ..] => return Ok(()),
                [0xff, ..] => {
                    let (code, message) = error_packet(&packet).ok_or_else(|| self.protocol("a broken error"))?;
                    return Err(SourceError::Login { server: self.endpoint.name(), code, message });
                }
                [0xfe, switch @ ..] => {
                    let mut fields = Fields(switch);
                    let name = fields.text();
                    plugin = self.choose(name)?;
                    challenge = fields.0.strip_suffix(&[0]).unwrap_or(fields.0).to_vec();
                    let answer = plugin.answer(password.expose_secret(), &challenge);
                    self.write(&answer).await?;
                }
                // The server knows the password's hash already: the proof was enough, an OK follows.
                [1, 3] if plugin == Plugin::CachingSha2 => {}
                [1, 4] if plugin == Plugin::CachingSha2 => {
                    let secret = if self.encrypted {
                        Plugin::Clear.answer(password.expose_secret(), &[])
                    } else {
                        self.write(&[2]).await?;
                        let key = self.read(LOGIN_LIMIT).await?;
                        encrypt(password.expose_secret(), &challenge, key.get(1..).unwrap_or_default())
                            .ok_or_else(|| self.protocol("no public key to encrypt the password with"))?
                    };
                    self.write(&secret).await?;
                }
                _ => return Err(self.protocol("an unknown step of the login")),
            }
        }
        Err(self.protocol("a login without an end"))
    }

    fn choose(&self, name: &[u8]) -> Result<Plugin, SourceError> {
        let verified = self.encrypted && matches!(self.endpoint.tls, TlsMode::VerifyCa | TlsMode::VerifyIdentity);
        let known = Plugin::named(name);
        match known {
            Some(plugin) if plugin != Plugin::Clear || verified => Ok(plugin),
            _ => Err(SourceError::Plugin {
                server: self.endpoint.name(),
                plugin: String::from_utf8_lossy(name).into_owned(),
                needs_tls: known.is_some(),
            }),
        }
    }

    /// What the server called itself when the connection was made.
    pub fn greeting_version(&self) -> &str {
        &self.greeting_version
    }

    /// The connection's number on the server, as its process list shows it.
    pub fn connection_id(&self) -> u32 {
        self.connection_id
    }

    /// Whether the connection is under TLS.
    pub fn is_encrypted(&self) -> bool {
        self.encrypted
    }

    /// Where this connection leads.
    pub fn endpoint(&self) -> &SourceEndpoint {
        &self.endpoint
    }

    /// Says goodbye, so that the server does not count an aborted connection.
    pub async fn close(mut self) {
        if !self.unfinished {
            self.packets.restart();
            let _ = tokio::time::timeout(Duration::from_secs(1), self.packets.write(&[1])).await;
        }
    }

    pub(crate) async fn read(&mut self, limit: usize) -> Result<Bytes, SourceError> {
        self.packets.read(limit).await.map_err(|error| self.broken(error))
    }

    pub(crate) async fn write(&mut self, payload: &[u8]) -> Result<(), SourceError> {
        self.packets.write(payload).await.map_err(|error| self.broken(error))
    }

    pub(crate) fn broken(&self, source: io::Error) -> SourceError {
        SourceError::Broken { server: self.endpoint.name(), source }
    }

    pub(crate) fn protocol(&self, problem: impl Into<String>) -> SourceError {
        SourceError::Protocol { server: self.endpoint.name(), problem: problem.into() }
    }
}

impl fmt::Debug for Connection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "connection {} to {:?}", self.connection_id, self.endpoint)
    }
}
