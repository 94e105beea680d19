//! How an operator names the broker.

use std::path::PathBuf;
use std::time::Duration;

use backtrail_settings::{SecretSetting, parse_duration};
use lapin::tcp::OwnedTLSConfig;
use lapin::uri::AMQPUri;
use secrecy::ExposeSecret;

use crate::QueueError;

backtrail_settings::secret_names! {
    /// URL of RabbitMQ, with user and password: amqp://user:password@host:5672/vhost, or amqps:// for TLS
    pub AmqpUrl = "BACKTRAIL_AMQP_URL", file flag "amqp-url-file";
}

/// Seconds. The broker's own default of a minute is long for noticing that a peer is gone.
const HEARTBEAT: u16 = 20;

/// Settings of the connection to RabbitMQ.
#[derive(Debug, Clone, clap::Args)]
pub struct QueueSettings {
    /// See [`AmqpUrl`].
    #[command(flatten)]
    pub amqp_url: SecretSetting<AmqpUrl>,
    /// Certificates (PEM) to trust besides the system's, for amqps://
    #[arg(long, env = "BACKTRAIL_AMQP_CA_FILE", value_name = "FILE")]
    pub amqp_ca_file: Option<PathBuf>,
    /// How long [`Queue::connect`](crate::Queue::connect) waits for the broker. Services do not: see
    /// [`Queue::open`](crate::Queue::open).
    #[arg(skip = Duration::from_secs(30))]
    pub amqp_connect_deadline: Duration,
    /// How long a message waits for the broker to take it
    #[arg(long, env = "BACKTRAIL_AMQP_PUBLISH_DEADLINE", default_value = "30s", value_parser = parse_duration)]
    pub amqp_publish_deadline: Duration,
    /// How long a message that could not be worked on stays away before it is given back to the queue
    #[arg(long, env = "BACKTRAIL_AMQP_RETRY_DELAY", default_value = "5s", value_parser = parse_duration)]
    pub amqp_retry_delay: Duration,
}

impl QueueSettings {
    /// The defaults, for this URL.
    pub fn new(url: &str) -> Self {
        Self {
            amqp_url: url.into(),
            amqp_ca_file: None,
            amqp_connect_deadline: Duration::from_secs(30),
            amqp_publish_deadline: Duration::from_secs(30),
            amqp_retry_delay: Duration::from_secs(5),
        }
    }

    pub(crate) fn endpoint(&self) -> Result<Endpoint, QueueError> {
        let text = self.amqp_url.required()?;
        let uri = parse_uri(text.expose_secret()).map_err(|reason| QueueError::Url { reason })?;
        let cert_chain = match &self.amqp_ca_file {
            None => None,
            Some(path) => {
                let pem = std::fs::read_to_string(path)
                    .map_err(|source| QueueError::CertificateAuthority { path: path.clone(), source })?;
                Some(pem)
            }
        };
        let vhost = if uri.vhost == "/" { "" } else { uri.vhost.as_str() };
        let name = format!("{}://{}:{}/{vhost}", uri.scheme, uri.authority.host, uri.authority.port);
        Ok(Endpoint { uri, tls: OwnedTLSConfig { identity: None, cert_chain }, name })
    }
}

/// Where to connect to.
#[derive(Clone)]
pub(crate) struct Endpoint {
    /// Holds the password: never printed.
    pub(crate) uri: AMQPUri,
    pub(crate) tls: OwnedTLSConfig,
    /// For messages: without user and password.
    pub(crate) name: String,
}

/// The library's own errors quote the URL, and it takes an address in brackets for `localhost`: so the URL is looked at here.
fn parse_uri(text: &str) -> Result<AMQPUri, &'static str> {
    let url = url::Url::parse(text).map_err(|_| "it is not a URL")?;
    if !matches!(url.scheme(), "amqp" | "amqps") {
        return Err("its scheme is neither amqp nor amqps");
    }
    let host = match url.host() {
        Some(url::Host::Ipv6(address)) => address.to_string(),
        Some(host) if !host.to_string().is_empty() => host.to_string(),
        _ => return Err("it has no host"),
    };
    let mut uri: AMQPUri = text.parse().map_err(|_| "its path or one of its parameters cannot be read")?;
    uri.authority.host = host;
    if uri.vhost.is_empty() {
        // `amqp://host/` names a virtual host without a name, which no broker has.
        uri.vhost = "/".to_owned();
    }
    uri.query.heartbeat.get_or_insert(HEARTBEAT);
    Ok(uri)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_urls() {
        for (url, name) in [
            ("amqp://u:p@127.0.0.1:5673", "amqp://127.0.0.1:5673/"),
            ("amqp://u:p@rabbit", "amqp://rabbit:5672/"),
            ("amqp://u:p@rabbit/", "amqp://rabbit:5672/"),
            ("amqps://u:p%2F@rabbit/%2f", "amqps://rabbit:5671/"),
            ("amqp://u:p@[::1]:5672/tests", "amqp://::1:5672/tests"),
        ] {
            let endpoint = QueueSettings::new(url).endpoint().map_err(|error| error.to_string());
            assert_eq!(endpoint.map(|endpoint| endpoint.name), Ok(name.to_owned()), "{url}");
        }
    }

    #[test]
    fn refuses_other_urls_without_quoting_them() {
        for url in [
            "",
            "hunter2",
            "http://u:hunter2@host",
            "amqp:hunter2",
            "amqp://u:hunter2@h?heartbeat=x",
            "amqp://u:hunter2@h:99999",
        ] {
            let Err(error) = QueueSettings::new(url).endpoint() else { panic!("{url} was accepted") };
            let text = format!("{error} {error:?}");
            assert!(!text.contains("hunter2"), "{text}");
            assert!(!error.retryable());
        }
    }
}
