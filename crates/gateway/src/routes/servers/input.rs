//! What a client says of a server, field by field.

use std::net::IpAddr;

use secrecy::SecretString;
use serde_json::Value;
use utoipa::ToSchema;

use crate::input::{self, Fields, FromFields};
use crate::preflight;

const DEFAULT_PORT: u16 = 3306;
const DEFAULT_TLS_MODE: &str = "preferred";
const TLS_MODES: [&str; 5] = ["disabled", "preferred", "required", "verify_ca", "verify_identity"];

/// A server to be registered.
#[derive(ToSchema)]
#[schema(example = json!({
    "name": "production-db", "host": "db.example.com", "port": 3306, "username": "backtrail",
    "password": "correct horse battery staple", "tls_mode": "verify_identity", "tls_ca": null,
}))]
pub(crate) struct RegisterServer {
    /// Unique among the tenant's servers, at most 100 characters.
    pub(super) name: String,
    /// Host name or address.
    #[schema(value_type = String)]
    pub(super) host: String,
    /// TCP port.
    #[schema(value_type = i32, required = false, minimum = 1, maximum = 65535, default = 3306)]
    pub(super) port: u16,
    /// The account that Backtrail is to use.
    pub(super) username: String,
    /// Its password. Stored sealed, never shown.
    #[schema(value_type = Option<String>, write_only)]
    pub(super) password: Option<SecretString>,
    /// `disabled`, `preferred`, `required`, `verify_ca` or `verify_identity`.
    #[schema(value_type = String, required = false, default = "preferred")]
    pub(super) tls_mode: String,
    /// PEM certificates that the server's certificate must come from; null for the system's.
    pub(super) tls_ca: Option<String>,
}

impl FromFields for RegisterServer {
    fn from_fields(fields: &mut Fields) -> Option<Self> {
        let name = fields.required("name", name);
        let host = fields.required("host", host);
        let port = fields.optional("port", port);
        let username = fields.required("username", username);
        let password = fields.optional("password", password);
        let tls_mode = fields.optional("tls_mode", tls_mode);
        let tls_ca = fields.optional("tls_ca", tls_ca);
        Some(Self {
            name: name?,
            host: host?,
            port: port?.unwrap_or(DEFAULT_PORT),
            username: username?,
            password: password?,
            tls_mode: tls_mode?.unwrap_or_else(|| DEFAULT_TLS_MODE.to_owned()),
            tls_ca: tls_ca?,
        })
    }
}

/// What to change of a server; what is left out stays.
#[derive(ToSchema)]
#[schema(example = json!({ "host": "db2.example.com", "password": "correct horse battery staple" }))]
pub(crate) struct UpdateServer {
    /// New name.
    #[schema(value_type = String, required = false)]
    pub(super) name: Option<String>,
    /// New host. Needs `password`.
    #[schema(value_type = String, required = false)]
    pub(super) host: Option<String>,
    /// New port. Needs `password`.
    #[schema(value_type = i32, required = false, minimum = 1, maximum = 65535)]
    pub(super) port: Option<u16>,
    /// New account. Needs `password`.
    #[schema(value_type = String, required = false)]
    pub(super) username: Option<String>,
    /// New password; null forgets the stored one.
    #[schema(value_type = Option<String>, write_only)]
    pub(super) password: Option<Option<SecretString>>,
    /// `disabled`, `preferred`, `required`, `verify_ca` or `verify_identity`.
    #[schema(value_type = String, required = false)]
    pub(super) tls_mode: Option<String>,
    /// PEM certificates; null for the system's.
    #[schema(value_type = Option<String>)]
    pub(super) tls_ca: Option<Option<String>>,
}

impl FromFields for UpdateServer {
    fn from_fields(fields: &mut Fields) -> Option<Self> {
        let name = fields.present("name", name);
        let host = fields.present("host", host);
        let port = fields.present("port", port);
        let username = fields.present("username", username);
        let password = fields.nullable("password", password);
        let tls_mode = fields.present("tls_mode", tls_mode);
        let tls_ca = fields.nullable("tls_ca", tls_ca);
        Some(Self {
            name: name?,
            host: host?,
            port: port?,
            username: username?,
            password: password?,
            tls_mode: tls_mode?,
            tls_ca: tls_ca?,
        })
    }
}

fn name(value: &Value) -> Result<String, String> {
    let name = input::text_up_to(100)(value)?;
    if name.trim() != name || name.chars().any(char::is_control) {
        return Err("begins or ends with white space, or holds a control character".to_owned());
    }
    Ok(name)
}

/// A name of the DNS (underscores allowed, as many networks do) or an address, without brackets or a port.
fn host(value: &Value) -> Result<String, String> {
    let host = input::text_up_to(253)(value)?;
    let label = |label: &str| {
        !label.is_empty()
            && label.len() <= 63
            && label.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_')
            && !label.starts_with('-')
            && !label.ends_with('-')
    };
    let labels = host.strip_suffix('.').unwrap_or(&host);
    // Four numbers that are no address are no name either.
    let numeric = labels.rsplit('.').next().is_some_and(|last| last.bytes().all(|b| b.is_ascii_digit()));
    if host.parse::<IpAddr>().is_ok() || (labels.split('.').all(label) && !numeric) {
        return Ok(host);
    }
    Err(format!("`{host}` is neither a host name nor an address; the port is a field of its own"))
}

fn port(value: &Value) -> Result<u16, String> {
    input::integer(1..=65535)(value).map(|port| port as u16)
}

fn username(value: &Value) -> Result<String, String> {
    input::text_up_to(128)(value)
}

fn password(value: &Value) -> Result<SecretString, String> {
    // Never shown, not even in the answer to a value that is no text.
    input::text_up_to(1024)(value).map(SecretString::from).map_err(|_| {
        "is not a text of 1 to 1024 characters without NUL; leave it out, or send null, for an account without one"
            .to_owned()
    })
}

fn tls_mode(value: &Value) -> Result<String, String> {
    let mode = input::text(value)?;
    if TLS_MODES.contains(&mode.as_str()) {
        return Ok(mode);
    }
    Err(format!("`{mode}` is not a TLS mode; there are {}", TLS_MODES.join(", ")))
}

fn tls_ca(value: &Value) -> Result<String, String> {
    let pem = input::text_up_to(48 * 1024)(value)?;
    preflight::check_certificates(&pem)?;
    Ok(pem)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn hosts() {
        for text in
            ["db", "db.example.com", "db_1.internal.", "10.0.0.1", "::1", "fe80::1", "xn--bcher-kva.example", "1a"]
        {
            assert_eq!(host(&json!(text)), Ok(text.to_owned()));
        }
        let long = "a".repeat(64);
        for text in
            ["", "db:3306", "[::1]", "a b", "-db", "db-", "a..b", "10.0.0.256", "10.0.0", "db/x", "u@db", "ä.de", &long]
        {
            assert!(host(&json!(text)).is_err(), "{text}");
        }
    }

    #[test]
    fn a_wrong_password_is_not_repeated() {
        let error = password(&json!({ "secret": "hunter2" })).unwrap_err();
        assert!(!error.contains("hunter2"), "{error}");
    }
}
