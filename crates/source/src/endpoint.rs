//! How to reach a source server.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use secrecy::SecretString;
use serde::{Deserialize, Serialize};

/// How the connection is protected.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TlsMode {
    /// No TLS.
    Disabled,
    /// TLS where the server offers it; nobody's certificate is checked.
    #[default]
    Preferred,
    /// TLS or no connection; the certificate is not checked.
    Required,
    /// TLS, and the certificate is signed by a trusted authority.
    VerifyCa,
    /// TLS, and the certificate is signed by a trusted authority for this host.
    VerifyIdentity,
}

impl TlsMode {
    /// All of them, with the words used for them.
    const WORDS: [(Self, &'static str); 5] = [
        (Self::Disabled, "disabled"),
        (Self::Preferred, "preferred"),
        (Self::Required, "required"),
        (Self::VerifyCa, "verify_ca"),
        (Self::VerifyIdentity, "verify_identity"),
    ];

    /// The word used in the API and in rows.
    pub fn as_str(self) -> &'static str {
        Self::WORDS.iter().find(|(mode, _)| *mode == self).map_or("", |(_, word)| word)
    }
}

impl fmt::Display for TlsMode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl FromStr for TlsMode {
    type Err = UnknownTlsModeError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::WORDS
            .iter()
            .find(|(_, word)| *word == text)
            .map(|(mode, _)| *mode)
            .ok_or_else(|| UnknownTlsModeError { text: text.to_owned() })
    }
}

/// A text that names no TLS mode.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{text}` is not a TLS mode; known are disabled, preferred, required, verify_ca, verify_identity")]
pub struct UnknownTlsModeError {
    text: String,
}

/// Where a source server is and who we are there.
#[derive(Clone)]
pub struct SourceEndpoint {
    /// Host name or address.
    pub host: String,
    /// TCP port.
    pub port: u16,
    /// The account.
    pub username: String,
    /// Its password; empty for none.
    pub password: SecretString,
    /// How the connection is protected.
    pub tls: TlsMode,
    /// Certificates (PEM) of the authorities to trust; `None` for the system's.
    pub ca_pem: Option<String>,
    /// How long connecting and logging in may take.
    pub connect_deadline: Duration,
    /// How long one query may take.
    pub query_deadline: Duration,
}

impl SourceEndpoint {
    /// An endpoint with the default TLS mode and deadlines.
    pub fn new(host: impl Into<String>, port: u16, username: impl Into<String>, password: SecretString) -> Self {
        Self {
            host: host.into(),
            port,
            username: username.into(),
            password,
            tls: TlsMode::default(),
            ca_pem: None,
            connect_deadline: Duration::from_secs(10),
            query_deadline: Duration::from_secs(60),
        }
    }

    /// `host:port`, for messages.
    pub fn name(&self) -> String {
        if self.host.contains(':') {
            format!("[{}]:{}", self.host, self.port)
        } else {
            format!("{}:{}", self.host, self.port)
        }
    }
}

/// Everything but the password.
impl fmt::Debug for SourceEndpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}@{} (TLS {})", self.username, self.name(), self.tls)
    }
}
