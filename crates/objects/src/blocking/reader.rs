//! An object as `Read`.

use std::io::{self, Read};

use bytes::{Bytes, BytesMut};
use tokio::runtime::Handle;
use tokio::sync::mpsc;

use crate::{Download, ObjectError, ObjectStore};

/// What goes through the channel at once, about: connections give small pieces, and each hand-over costs.
const CHUNK: usize = 256 * 1024;
const CHUNKS_AHEAD: usize = 4;

#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    Reading,
    AtEnd,
    Failed,
}

/// Reads an object on a thread outside the runtime.
pub struct ObjectReader {
    chunks: mpsc::Receiver<Result<Bytes, ObjectError>>,
    current: Bytes,
    state: State,
}

impl ObjectReader {
    /// Opens an object. Its absence shows here, not at the first read.
    ///
    /// # Errors
    /// [`ObjectError::NotFound`], or the store's.
    pub fn open(store: &ObjectStore, key: &str, runtime: &Handle) -> Result<Self, ObjectError> {
        let (sender, chunks) = mpsc::channel(CHUNKS_AHEAD);
        let (store, key, object) = (store.clone(), key.to_owned(), store.url(key));
        let (opened, wait) = tokio::sync::oneshot::channel();
        runtime.spawn(async move {
            match store.open(&key).await {
                Ok(download) => {
                    if opened.send(Ok(())).is_ok() {
                        pump(download, sender).await;
                    }
                }
                Err(error) => {
                    let _ = opened.send(Err(error));
                }
            }
        });
        wait.blocking_recv().unwrap_or_else(|_| Err(ended(object)))?;
        Ok(Self { chunks, current: Bytes::new(), state: State::Reading })
    }
}

/// The runtime went away under us.
pub(super) fn ended(object: String) -> ObjectError {
    ObjectError::Abandoned { object }
}

async fn pump(mut download: Download, sender: mpsc::Sender<Result<Bytes, ObjectError>>) {
    let mut gathered = BytesMut::new();
    loop {
        let chunk = match download.next_chunk().await {
            Ok(chunk) => chunk,
            Err(error) => {
                let _ = sender.send(Err(error)).await;
                return;
            }
        };
        let end = chunk.is_none();
        gathered.extend_from_slice(&chunk.unwrap_or_default());
        if (end || gathered.len() >= CHUNK) && !gathered.is_empty() {
            let full = std::mem::replace(&mut gathered, BytesMut::with_capacity(CHUNK)).freeze();
            if sender.send(Ok(full)).await.is_err() {
                return;
            }
        }
        if end {
            // An empty piece says that this is the end, and not a task that vanished.
            let _ = sender.send(Ok(Bytes::new())).await;
            return;
        }
    }
}

impl ObjectReader {
    fn receive(&mut self) -> io::Result<()> {
        let received = self.chunks.blocking_recv();
        self.state = match &received {
            Some(Ok(chunk)) if chunk.is_empty() => State::AtEnd,
            Some(Ok(_)) => State::Reading,
            Some(Err(_)) | None => State::Failed,
        };
        match received {
            Some(chunk) => self.current = chunk?,
            None => return Err(io::Error::new(io::ErrorKind::UnexpectedEof, "the async runtime ended while it read")),
        }
        Ok(())
    }
}

impl Read for ObjectReader {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if buffer.is_empty() {
            return Ok(0);
        }
        if self.current.is_empty() {
            match self.state {
                State::Reading => self.receive()?,
                State::AtEnd => {}
                State::Failed => return Err(io::Error::other("reading goes on after an error")),
            }
        }
        let count = buffer.len().min(self.current.len());
        let chunk = self.current.split_to(count);
        if let Some(room) = buffer.get_mut(..count) {
            room.copy_from_slice(&chunk);
        }
        Ok(count)
    }
}
