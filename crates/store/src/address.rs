//! The database's URL, and how much of the way there is protected.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;
use std::time::Duration;

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{ClientConfig, DigitallySignedStruct, RootCertStore, SignatureScheme};
use tokio_postgres::Config;
use tokio_postgres::config::SslMode;
use tokio_postgres_rustls::MakeRustlsConnect;
use url::Url;

use crate::StoreError;

/// A parsed database URL.
pub(crate) struct Address {
    config: Config,
    tls: Option<MakeRustlsConnect>,
    /// For messages: no password in it.
    shown: String,
}

impl Address {
    /// Reads a URL. `sslmode` means what it means to libpq: `disable`, `prefer` (the default), `require` (encrypted, the
    /// certificate unchecked), `verify-full` (certificate and name checked, against `sslrootcert` or the system's roots).
    pub(crate) fn parse(text: &str, timeout: Duration) -> Result<Self, StoreError> {
        let bad = |reason: &str| StoreError::Url { reason: reason.to_owned() };
        let mut url = Url::parse(text.trim()).map_err(|error| bad(&error.to_string()))?;
        if !matches!(url.scheme(), "postgres" | "postgresql") {
            return Err(bad("its scheme is neither `postgres` nor `postgresql`"));
        }
        let mut mode = "prefer".to_owned();
        let mut roots = None;
        let mut rest = Vec::new();
        for (name, value) in url.query_pairs() {
            match &*name {
                "sslmode" => mode = value.into_owned(),
                "sslrootcert" => roots = Some(value.into_owned()),
                _ => rest.push((name.into_owned(), value.into_owned())),
            }
        }
        url.set_query(None);
        if !rest.is_empty() {
            url.query_pairs_mut().extend_pairs(rest);
        }
        // The library's own message could repeat parts of the URL.
        let mut config = Config::from_str(url.as_str()).map_err(|_| bad("it holds a part that is not understood"))?;
        let (ssl_mode, tls) = match mode.as_str() {
            "disable" => (SslMode::Disable, None),
            "prefer" => (SslMode::Prefer, Some(unverified()?)),
            "require" => (SslMode::Require, Some(unverified()?)),
            "verify-full" => (SslMode::Require, Some(verified(roots.as_deref())?)),
            _ => return Err(bad("its sslmode is none of disable, prefer, require and verify-full")),
        };
        config
            .ssl_mode(ssl_mode)
            .application_name("backtrail")
            .connect_timeout(timeout)
            .keepalives_idle(Duration::from_secs(30))
            .tcp_user_timeout(Duration::from_secs(30))
            .options("-c statement_timeout=60000 -c lock_timeout=30000 -c idle_in_transaction_session_timeout=60000");
        let shown = format!(
            "{}@{}:{}{} ({mode})",
            url.username(),
            url.host_str().unwrap_or("?"),
            url.port().unwrap_or(5432),
            url.path()
        );
        Ok(Self { config, tls, shown })
    }

    pub(crate) fn config(&self) -> &Config {
        &self.config
    }

    pub(crate) fn tls(&self) -> Option<MakeRustlsConnect> {
        self.tls.clone()
    }
}

impl fmt::Debug for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.shown)
    }
}

fn provider() -> Arc<CryptoProvider> {
    Arc::new(rustls::crypto::aws_lc_rs::default_provider())
}

fn verified(roots: Option<&str>) -> Result<MakeRustlsConnect, StoreError> {
    let bad = |reason: String| StoreError::Url { reason };
    let mut store = RootCertStore::empty();
    match roots {
        Some(path) => {
            let certificates = CertificateDer::pem_file_iter(path)
                .and_then(Iterator::collect::<Result<Vec<_>, _>>)
                .map_err(|error| bad(format!("its sslrootcert {path} cannot be read: {error}")))?;
            let (added, _) = store.add_parsable_certificates(certificates);
            if added == 0 {
                return Err(bad(format!("its sslrootcert {path} holds no certificate")));
            }
        }
        None => {
            store.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
        }
    }
    let config = ClientConfig::builder_with_provider(provider())
        .with_safe_default_protocol_versions()
        .map_err(|error| bad(format!("TLS cannot be set up: {error}")))?
        .with_root_certificates(store)
        .with_no_client_auth();
    Ok(MakeRustlsConnect::new(config))
}

fn unverified() -> Result<MakeRustlsConnect, StoreError> {
    let provider = provider();
    let config = ClientConfig::builder_with_provider(Arc::clone(&provider))
        .with_safe_default_protocol_versions()
        .map_err(|error| StoreError::Url { reason: format!("TLS cannot be set up: {error}") })?
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(AnyCertificate(provider)))
        .with_no_client_auth();
    Ok(MakeRustlsConnect::new(config))
}

/// Takes any certificate: `sslmode=require` asks for secrecy against listeners, not for proof of who answers.
#[derive(Debug)]
struct AnyCertificate(Arc<CryptoProvider>);

impl ServerCertVerifier for AnyCertificate {
    fn verify_server_cert(
        &self,
        _: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls12_signature(message, certificate, signature, &self.0.signature_verification_algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls13_signature(message, certificate, signature, &self.0.signature_verification_algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.signature_verification_algorithms.supported_schemes()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shows_no_password() {
        let address =
            Address::parse("postgres://joe:s3cret@db:5433/x?sslmode=disable", Duration::from_secs(1)).unwrap();
        assert_eq!(format!("{address:?}"), "joe@db:5433/x (disable)");
        assert!(address.tls().is_none());
        for text in [
            "postgres://joe:s3cret@db/x?sslmode=maybe",
            "http://joe:s3cret@db/x",
            "joe:s3cret@db",
            "postgres://joe:s3cret@db/x?s3cret=1",
        ] {
            let error = Address::parse(text, Duration::from_secs(1)).map(|_| ()).unwrap_err();
            assert!(!format!("{error} {error:?}").contains("s3cret"), "{error:?}");
        }
    }
}
