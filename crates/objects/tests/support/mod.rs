//! A store for a test, and a proxy in front of it that cuts connections.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};

use backtrail_devstack::{S3, StackDirectory};
use backtrail_objects::{ObjectSettings, ObjectStore};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

/// A running store with a bucket of its own.
pub(crate) struct Bench {
    pub(crate) s3: S3,
    pub(crate) bucket: String,
    _directory: StackDirectory,
}

impl Bench {
    pub(crate) async fn start() -> Self {
        let directory = StackDirectory::create("objects").unwrap();
        let s3 = S3::start(directory.path()).await.unwrap();
        let bucket = s3.create_test_bucket().unwrap();
        Self { s3, bucket, _directory: directory }
    }

    pub(crate) fn settings(&self) -> ObjectSettings {
        ObjectSettings {
            s3_endpoint: Some(self.s3.endpoint.clone()),
            s3_region: self.s3.region.clone(),
            s3_force_path_style: true,
            s3_attempts: 3,
            ..ObjectSettings::new(&self.bucket, &self.s3.access_key_id, &self.s3.secret_access_key)
        }
    }

    pub(crate) fn store(&self) -> ObjectStore {
        ObjectStore::connect(&self.settings()).unwrap()
    }

    /// Keys of uploads that are neither finished nor given up.
    pub(crate) async fn leftovers(&self) -> Vec<String> {
        let unfinished = self.store().unfinished_uploads("").await.unwrap();
        unfinished.into_iter().map(|upload| upload.key).collect()
    }

    /// Waits until no unfinished upload is left.
    pub(crate) async fn until_nothing_is_left(&self) {
        let started = std::time::Instant::now();
        loop {
            let left = self.leftovers().await;
            if left.is_empty() {
                return;
            }
            assert!(started.elapsed().as_secs() < 20, "parts stay: {left:?}");
            tokio::time::sleep(std::time::Duration::from_millis(20)).await;
        }
    }
}

/// A proxy on a port of its own.
pub(crate) struct Proxy {
    pub(crate) address: SocketAddr,
    faults: Arc<Faults>,
}

#[derive(Default)]
struct Faults {
    /// Connections that are still to be cut.
    cuts: AtomicI64,
    /// After how many bytes of answers.
    after: AtomicI64,
    cut: AtomicU64,
}

impl Proxy {
    pub(crate) async fn before(upstream: &str) -> Self {
        let upstream: SocketAddr = upstream.strip_prefix("http://").unwrap().parse().unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let faults = Arc::new(Faults::default());
        let shared = faults.clone();
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                let faults = shared.clone();
                tokio::spawn(async move {
                    if let Ok(server) = TcpStream::connect(upstream).await {
                        relay(client, server, &faults).await;
                    }
                });
            }
        });
        Self { address, faults }
    }

    pub(crate) fn endpoint(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Cuts the next connections, each once it has brought so many bytes from now on.
    pub(crate) fn cut(&self, connections: i64, after: i64) {
        self.faults.after.store(after, Ordering::SeqCst);
        self.faults.cuts.store(connections, Ordering::SeqCst);
    }

    /// How many were cut.
    pub(crate) fn cuts(&self) -> u64 {
        self.faults.cut.load(Ordering::SeqCst)
    }
}

async fn relay(client: TcpStream, server: TcpStream, faults: &Faults) {
    let (mut from_client, mut to_client) = client.into_split();
    let (mut from_server, mut to_server) = server.into_split();
    let up = async { tokio::io::copy(&mut from_client, &mut to_server).await };
    let down = async {
        let mut buffer = vec![0; 16 * 1024];
        let mut seen = 0;
        loop {
            let count = from_server.read(&mut buffer).await.unwrap_or(0);
            if count == 0 {
                return;
            }
            if faults.cuts.load(Ordering::SeqCst) > 0 {
                seen += count as i64;
                if seen > faults.after.load(Ordering::SeqCst) {
                    faults.cuts.fetch_sub(1, Ordering::SeqCst);
                    faults.cut.fetch_add(1, Ordering::SeqCst);
                    return;
                }
            }
            if to_client.write_all(&buffer[..count]).await.is_err() {
                return;
            }
        }
    };
    tokio::select! {
        _ = up => {}
        () = down => {}
    }
}

/// Bytes that repeat nowhere near.
pub(crate) fn noise(size: usize) -> Vec<u8> {
    let mut state = 0x9E37_79B9_7F4A_7C15_u64;
    let mut bytes = Vec::with_capacity(size + 8);
    while bytes.len() < size {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        bytes.extend_from_slice(&state.to_le_bytes());
    }
    bytes.truncate(size);
    bytes
}
