//! TLS by policy.

use std::io;
use std::sync::Arc;

use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{CertificateError, ClientConfig, DigitallySignedStruct, RootCertStore, SignatureScheme};
use tokio_rustls::TlsConnector;

use crate::packet::Transport;
use crate::{SourceEndpoint, SourceError, TlsMode};

/// Checks a certificate as far as the mode wants it. Signatures of the handshake are always checked.
#[derive(Debug)]
struct Policy {
    /// `None` accepts every certificate.
    chain: Option<Arc<WebPkiServerVerifier>>,
    check_name: bool,
    provider: Arc<CryptoProvider>,
}

impl ServerCertVerifier for Policy {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server_name: &ServerName<'_>,
        ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        let Some(chain) = &self.chain else { return Ok(ServerCertVerified::assertion()) };
        match chain.verify_server_cert(end_entity, intermediates, server_name, ocsp_response, now) {
            // The name is what the verifier looks at last: the chain is good.
            Err(rustls::Error::InvalidCertificate(
                CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. },
            )) if !self.check_name => Ok(ServerCertVerified::assertion()),
            outcome => outcome,
        }
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls12_signature(message, cert, dss, &self.provider.signature_verification_algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls13_signature(message, cert, dss, &self.provider.signature_verification_algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider.signature_verification_algorithms.supported_schemes()
    }
}

/// Begins TLS on a connection.
pub(crate) async fn begin(
    endpoint: &SourceEndpoint,
    transport: Box<dyn Transport>,
) -> Result<Box<dyn Transport>, SourceError> {
    let failed = |reason: String| SourceError::Tls { server: endpoint.name(), reason };
    let config = configuration(endpoint).map_err(&failed)?;
    let name = ServerName::try_from(endpoint.host.clone())
        .map_err(|_| failed(format!("`{}` is no name that a certificate can have", endpoint.host)))?;
    let stream = TlsConnector::from(Arc::new(config)).connect(name, transport).await.map_err(|error| {
        if error.kind() == io::ErrorKind::InvalidData {
            failed(error.to_string())
        } else {
            SourceError::Broken { server: endpoint.name(), source: error }
        }
    })?;
    Ok(Box::new(stream))
}

fn configuration(endpoint: &SourceEndpoint) -> Result<ClientConfig, String> {
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let verify = matches!(endpoint.tls, TlsMode::VerifyCa | TlsMode::VerifyIdentity);
    let chain = if verify {
        let verifier = WebPkiServerVerifier::builder_with_provider(Arc::new(roots(endpoint)?), provider.clone());
        Some(verifier.build().map_err(|error| error.to_string())?)
    } else {
        None
    };
    let check_name = endpoint.tls == TlsMode::VerifyIdentity;
    let policy = Policy { chain, check_name, provider: provider.clone() };
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|error| error.to_string())?
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(policy))
        .with_no_client_auth();
    Ok(config)
}

fn roots(endpoint: &SourceEndpoint) -> Result<RootCertStore, String> {
    let mut roots = RootCertStore::empty();
    match &endpoint.ca_pem {
        Some(pem) => {
            for certificate in CertificateDer::pem_slice_iter(pem.as_bytes()) {
                let certificate = certificate.map_err(|error| format!("the CA is not in PEM form: {error}"))?;
                roots.add(certificate).map_err(|error| format!("the CA cannot be used: {error}"))?;
            }
        }
        None => {
            roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
        }
    }
    if roots.is_empty() {
        return Err("there is no certificate of an authority to trust; give the server's CA in PEM form".to_owned());
    }
    Ok(roots)
}
