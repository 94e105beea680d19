//! `amqps://`: a broker behind TLS with a private certificate authority.

#![expect(clippy::unwrap_used, reason = "a test's helpers fail as its tests do")]

use std::path::Path;
use std::process::Command;
use std::sync::Arc;

use backtrail_devstack::{RabbitMq, StackDirectory};
use backtrail_queue::{JobKind, Queue, QueueError, QueueSettings};
use rustls::ServerConfig;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;
use tokio_util::sync::CancellationToken;

/// A self-signed certificate for the loopback address.
fn certificate(directory: &Path) -> ServerConfig {
    let status = Command::new("openssl")
        .args(["req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=broker"])
        .args(["-addext", "subjectAltName=DNS:localhost", "-addext", "basicConstraints=critical,CA:FALSE"])
        .args(["-keyout", "key.pem", "-out", "certificate.pem"])
        .current_dir(directory)
        .output()
        .unwrap();
    assert!(status.status.success(), "{}", String::from_utf8_lossy(&status.stderr));
    let certificates = vec![CertificateDer::from_pem_file(directory.join("certificate.pem")).unwrap()];
    let key = PrivateKeyDer::from_pem_file(directory.join("key.pem")).unwrap();
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(certificates, key)
        .unwrap()
}

/// Takes TLS on a port of its own and passes the content on.
async fn terminate_tls(config: ServerConfig, broker: u16) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let acceptor = TlsAcceptor::from(Arc::new(config));
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let acceptor = acceptor.clone();
            tokio::spawn(async move {
                let Ok(mut outside) = acceptor.accept(stream).await else { return };
                let mut inside = TcpStream::connect(("127.0.0.1", broker)).await.unwrap();
                let _ = tokio::io::copy_bidirectional(&mut outside, &mut inside).await;
            });
        }
    });
    port
}

#[tokio::test]
async fn amqps_with_a_certificate_authority_of_our_own() {
    let directory = StackDirectory::create("queue-tls").unwrap();
    let broker = RabbitMq::start(&directory.path().join("broker")).await.unwrap();
    let port = terminate_tls(certificate(directory.path()), broker.port).await;
    let url = broker.create_test_vhost().await.unwrap();
    let url =
        url.replace("amqp://", "amqps://").replace(&format!("127.0.0.1:{}", broker.port), &format!("localhost:{port}"));

    let Err(error) = Queue::connect(&QueueSettings::new(&url), CancellationToken::new()).await else {
        panic!("a certificate of nobody was trusted")
    };
    assert!(matches!(error, QueueError::Refused { .. }), "{error:?}");

    let trusted = directory.path().join("certificate.pem");
    let settings = QueueSettings { amqp_ca_file: Some(trusted), ..QueueSettings::new(&url) };
    let queue = Queue::connect(&settings, CancellationToken::new()).await.unwrap();
    assert_eq!(queue.depth(JobKind::Backup).await.unwrap(), 0);
    queue.close().await;

    let missing = QueueSettings { amqp_ca_file: Some("/nowhere/ca.pem".into()), ..QueueSettings::new(&url) };
    let Err(error) = Queue::connect(&missing, CancellationToken::new()).await else { panic!("connected") };
    assert!(matches!(error, QueueError::CertificateAuthority { .. }), "{error}");
}
