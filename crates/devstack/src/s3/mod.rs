//! An S3 server inside this process.
//!
//! It has a runtime of its own, so that it serves whatever the caller's runtime does, and keeps its objects below a
//! directory. Signatures and checksums are verified, against one random key pair.
//!
//! The protocol is the `s3s` crate's. The store below it is our own: `s3s-fs` keeps an object's key in file names and so
//! refuses the key of an ordinary backup file (some 130 bytes in a multipart upload), cannot hold `x/y` beside `x/y/z`,
//! lists no unfinished uploads, and shows an object before its checksum is verified.

mod listing;
mod operations;
mod receive;
mod store;

use std::net::{Ipv4Addr, SocketAddr};
use std::ops::Deref;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::Ordering;

use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto::Builder;
use s3s::auth::SimpleAuth;
use s3s::service::{S3Service, S3ServiceBuilder};
use serde::{Deserialize, Serialize};
use tokio::net::TcpListener;
use tokio::runtime::Runtime;

use crate::directory::{create_directory, random_name, random_secret};
use crate::error::DevstackError;
use crate::ports;
use operations::Operations;
use store::ObjectStore;

/// How to reach an S3 server.
#[derive(Clone, Serialize, Deserialize)]
pub struct S3Address {
    /// The endpoint's URL; buckets are addressed by path.
    pub endpoint: String,
    /// The region that requests are signed for.
    pub region: String,
    /// The access key's id.
    pub access_key_id: String,
    /// The secret key.
    pub secret_access_key: String,
    /// Where the server keeps its buckets, on this machine.
    pub directory: PathBuf,
}

impl std::fmt::Debug for S3Address {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(formatter, "{} as {}", self.endpoint, self.access_key_id)
    }
}

impl S3Address {
    /// Creates a bucket; one that exists already is no error.
    pub fn create_bucket(&self, name: &str) -> Result<(), DevstackError> {
        create_directory(&self.directory.join(name), 0o700)
    }

    /// Creates a bucket with a random name, for one test, and answers the name.
    pub fn create_test_bucket(&self) -> Result<String, DevstackError> {
        let name = random_name("test-");
        self.create_bucket(&name)?;
        Ok(name)
    }
}

/// A running S3 server, stopped when dropped.
#[derive(Debug)]
pub struct S3 {
    address: S3Address,
    store: Arc<ObjectStore>,
    runtime: Option<Runtime>,
}

impl Deref for S3 {
    type Target = S3Address;

    fn deref(&self) -> &S3Address {
        &self.address
    }
}

impl S3 {
    /// Serves the objects below `directory` (created when missing) on a free port, with a random key pair.
    pub async fn start(directory: impl AsRef<Path>) -> Result<Self, DevstackError> {
        let listen = SocketAddr::from((Ipv4Addr::LOCALHOST, ports::free()?));
        Self::start_with(directory.as_ref(), listen, random_secret(), random_secret()).await
    }

    /// Serves the objects below `directory` at the given address with the given key pair.
    pub async fn start_with(
        directory: &Path,
        listen: SocketAddr,
        access_key_id: String,
        secret_access_key: String,
    ) -> Result<Self, DevstackError> {
        create_directory(directory, 0o700)?;
        let directory = directory.canonicalize().map_err(DevstackError::file("find", directory))?;
        let address = S3Address {
            endpoint: format!("http://{listen}"),
            region: "us-east-1".to_owned(),
            access_key_id,
            secret_access_key,
            directory,
        };
        let store = Arc::new(ObjectStore::new(&address.directory));
        let mut s3 = Self { address, store, runtime: None };
        s3.serve(listen)?;
        Ok(s3)
    }

    fn serve(&mut self, socket: SocketAddr) -> Result<(), DevstackError> {
        let refused = |action: &str, error: &dyn std::error::Error| DevstackError::refused("S3", action, error);
        let service = self.service();
        let listener = std::net::TcpListener::bind(socket).map_err(|error| refused("listen", &error))?;
        listener.set_nonblocking(true).map_err(|error| refused("listen", &error))?;
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(2)
            .thread_name("devstack-s3")
            .enable_all()
            .build()
            .map_err(|error| refused("start its runtime", &error))?;
        let listener = {
            let _inside = runtime.enter();
            TcpListener::from_std(listener).map_err(|error| refused("listen", &error))?
        };
        runtime.spawn(accept(listener, service));
        self.runtime = Some(runtime);
        Ok(())
    }

    fn service(&self) -> S3Service {
        let mut builder = S3ServiceBuilder::new(Operations(Arc::clone(&self.store)));
        let S3Address { access_key_id, secret_access_key, .. } = &self.address;
        builder.set_auth(SimpleAuth::from_single(access_key_id.clone(), secret_access_key.clone()));
        builder.build()
    }

    /// How to reach the server.
    pub fn address(&self) -> &S3Address {
        &self.address
    }

    /// From now on it is like those S3 servers that do not know how to list unfinished uploads.
    pub fn unlearn_listing_of_uploads(&self) {
        self.store.lists_uploads.store(false, Ordering::Relaxed);
    }

    /// Stops serving: connections are cut, new ones refused, until [`S3::start_again`]. Objects stay.
    pub fn stop(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }

    /// Serves again after [`S3::stop`], on the same port with the same objects and keys.
    pub async fn start_again(&mut self) -> Result<(), DevstackError> {
        if self.runtime.is_some() {
            return Ok(());
        }
        let port = self.address.endpoint.rsplit(':').next().and_then(|port| port.parse().ok()).unwrap_or_default();
        let socket = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
        // The old listener goes away in the background.
        for _ in 0..100 {
            if self.serve(socket).is_ok() {
                return Ok(());
            }
            tokio::time::sleep(std::time::Duration::from_millis(20)).await;
        }
        self.serve(socket)
    }
}

impl Drop for S3 {
    fn drop(&mut self) {
        self.stop();
    }
}

async fn accept(listener: TcpListener, service: S3Service) {
    loop {
        match listener.accept().await {
            Ok((stream, _)) => {
                let _ = stream.set_nodelay(true);
                let service = service.clone();
                tokio::spawn(async move {
                    let connection = Builder::new(TokioExecutor::new());
                    if let Err(error) = connection.serve_connection(TokioIo::new(stream), service).await {
                        tracing::debug!(%error, "an S3 connection ended early");
                    }
                });
            }
            Err(error) => {
                tracing::warn!(%error, "the S3 server cannot accept a connection");
                tokio::time::sleep(std::time::Duration::from_millis(100)).await;
            }
        }
    }
}
