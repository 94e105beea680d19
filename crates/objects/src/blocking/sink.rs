//! A result on S3.

use std::io::{self, Write};
use std::sync::{Arc, Mutex, PoisonError};

use backtrail_reconstruct::{ResultFile, ResultSink};
use bytes::{Bytes, BytesMut};
use tokio::runtime::Handle;
use tokio::sync::{mpsc, oneshot};

use super::reader::ended;
use crate::{ObjectError, ObjectStore, StoredObject, Upload, manifest};

const CHUNK: usize = 256 * 1024;
const CHUNKS_AHEAD: usize = 4;

/// Writes a result below a prefix. A file that is dropped unfinished leaves nothing in the store; the prefix exists once
/// its manifest is written, which is the caller's, from [`stored`](Self::stored).
pub struct S3ResultSink {
    store: ObjectStore,
    runtime: Handle,
    directory: String,
    stored: Arc<Mutex<Vec<StoredObject>>>,
}

impl S3ResultSink {
    /// A sink for files right below a prefix. To be called in the async runtime, used outside it.
    pub fn new(store: &ObjectStore, prefix: &str) -> Self {
        let directory = manifest::directory(prefix);
        Self { store: store.clone(), runtime: Handle::current(), directory, stored: Arc::default() }
    }

    /// The files finished so far, with whole keys, in key order.
    pub fn stored(&self) -> Vec<StoredObject> {
        let mut stored = self.stored.lock().unwrap_or_else(PoisonError::into_inner).clone();
        stored.sort_by(|a, b| a.key.cmp(&b.key));
        stored
    }
}

impl ResultSink for S3ResultSink {
    fn create(&self, name: &str) -> io::Result<Box<dyn ResultFile>> {
        let key = format!("{}{name}", self.directory);
        let upload = self.store.upload(&key)?;
        let (commands, receiver) = mpsc::channel(CHUNKS_AHEAD);
        let (outcome, wait) = oneshot::channel();
        self.runtime.spawn(run(upload, receiver, outcome));
        Ok(Box::new(S3File {
            object: self.store.url(&key),
            buffer: BytesMut::new(),
            commands,
            outcome: Some(wait),
            stored: self.stored.clone(),
        }))
    }
}

enum Command {
    Write(Bytes),
    Finish,
}

type Outcome = Result<StoredObject, ObjectError>;

async fn run(mut upload: Upload, mut commands: mpsc::Receiver<Command>, outcome: oneshot::Sender<Outcome>) {
    let result = loop {
        match commands.recv().await {
            Some(Command::Write(bytes)) => {
                if let Err(error) = upload.write(bytes).await {
                    // The upload is dropped with this task, which gives it up.
                    break Err(error);
                }
            }
            Some(Command::Finish) => break upload.finish().await,
            None => {
                if let Err(error) = upload.abort().await {
                    tracing::warn!(
                        error = &error as &dyn std::error::Error,
                        "an unfinished upload is left in the store"
                    );
                }
                return;
            }
        }
    };
    let _ = outcome.send(result);
}

struct S3File {
    object: String,
    buffer: BytesMut,
    commands: mpsc::Sender<Command>,
    outcome: Option<oneshot::Receiver<Outcome>>,
    stored: Arc<Mutex<Vec<StoredObject>>>,
}

impl S3File {
    fn send(&mut self, command: Command) -> io::Result<()> {
        match self.commands.blocking_send(command) {
            Ok(()) => Ok(()),
            // The task ended before its time: its outcome says why.
            Err(_) => Err(self.outcome().err().unwrap_or_else(|| ended(self.object.clone())).into()),
        }
    }

    fn outcome(&mut self) -> Outcome {
        let outcome = self.outcome.take().and_then(|outcome| outcome.blocking_recv().ok());
        outcome.unwrap_or_else(|| Err(ended(self.object.clone())))
    }

    fn send_buffer(&mut self) -> io::Result<()> {
        if self.buffer.is_empty() {
            return Ok(());
        }
        let bytes = std::mem::replace(&mut self.buffer, BytesMut::with_capacity(CHUNK)).freeze();
        self.send(Command::Write(bytes))
    }
}

impl Write for S3File {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.buffer.extend_from_slice(bytes);
        if self.buffer.len() >= CHUNK {
            self.send_buffer()?;
        }
        Ok(bytes.len())
    }

    /// Hands over what is gathered; it is stored when the file is finished, not before.
    fn flush(&mut self) -> io::Result<()> {
        self.send_buffer()
    }
}

impl ResultFile for S3File {
    fn finish(mut self: Box<Self>) -> io::Result<()> {
        self.send_buffer()?;
        self.send(Command::Finish)?;
        let stored = self.outcome()?;
        self.stored.lock().unwrap_or_else(PoisonError::into_inner).push(stored);
        Ok(())
    }
}
