//! Streaming uploads.

use std::time::Duration;

use aws_sdk_s3::config::timeout::TimeoutConfig;
use aws_sdk_s3::primitives::ByteStream;
use aws_sdk_s3::types::{CompletedMultipartUpload, CompletedPart};
use bytes::{Bytes, BytesMut};
use sha2::{Digest, Sha256};
use tokio::task::JoinHandle;
use uuid::Uuid;

use crate::store::WRITER;
use crate::{ObjectError, ObjectStore};

/// A part is answered when all of it is there: on a slow line that takes its time. What stands still is noticed otherwise.
const PART_TIMEOUT: Duration = Duration::from_secs(900);
/// A buffer begins with this much and grows: most objects are small.
const FIRST_BUFFER: usize = 256 * 1024;

/// An object that was stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredObject {
    /// Its key, without the store's prefix.
    pub key: String,
    /// In bytes.
    pub size: u64,
    /// 64 lower-case hex digits.
    pub sha256: String,
}

/// An object on its way. It exists once [`finish`](Self::finish) has returned; dropped or aborted before, it leaves nothing.
///
/// A small object goes in one request, a large one in parts, the last of which may be sent while the next is filled: two
/// parts at most are in memory.
pub struct Upload {
    store: ObjectStore,
    key: String,
    /// Tells our object from somebody else's when an answer was lost.
    writer: String,
    buffer: BytesMut,
    upload_id: Option<String>,
    /// Parts begun so far.
    parts_begun: u32,
    in_flight: Option<JoinHandle<Result<CompletedPart, ObjectError>>>,
    done: Vec<CompletedPart>,
    digest: Sha256,
    size: u64,
}

impl Upload {
    pub(crate) fn new(store: ObjectStore, key: String) -> Self {
        Self {
            store,
            key,
            writer: Uuid::now_v7().to_string(),
            buffer: BytesMut::new(),
            upload_id: None,
            parts_begun: 0,
            in_flight: None,
            done: Vec::new(),
            digest: Sha256::new(),
            size: 0,
        }
    }

    /// The object's key.
    pub fn key(&self) -> &str {
        &self.key
    }

    /// Bytes written so far.
    pub fn size(&self) -> u64 {
        self.size
    }

    /// Adds bytes. It waits while two parts are full.
    ///
    /// # Errors
    /// The store's, perhaps of a part before this one; [`ObjectError::TooLarge`] past the largest object that fits.
    pub async fn write(&mut self, mut bytes: Bytes) -> Result<(), ObjectError> {
        self.digest.update(&bytes);
        self.size += bytes.len() as u64;
        while !bytes.is_empty() {
            let part_size = self.part_size()?;
            let room = part_size.saturating_sub(self.buffer.len());
            let piece = bytes.split_to(room.min(bytes.len()));
            if self.buffer.capacity() == 0 {
                self.buffer.reserve(FIRST_BUFFER.max(piece.len()).min(part_size));
            }
            self.buffer.extend_from_slice(&piece);
            if self.buffer.len() >= part_size {
                self.send_part().await?;
            }
        }
        Ok(())
    }

    fn part_size(&self) -> Result<usize, ObjectError> {
        let size = self.store.part_sizes.of_part(self.parts_begun);
        let too_large = || ObjectError::TooLarge { object: self.store.url(&self.key), limit: self.size };
        size.and_then(|size| usize::try_from(size).ok()).ok_or_else(too_large)
    }

    /// Sends the buffer as the next part, in the background, once the one before it is done.
    async fn send_part(&mut self) -> Result<(), ObjectError> {
        self.settle().await?;
        let upload_id = match &self.upload_id {
            Some(id) => id.clone(),
            None => {
                let id = self.begin().await?;
                self.upload_id.insert(id).clone()
            }
        };
        self.parts_begun += 1;
        let number = i32::try_from(self.parts_begun).unwrap_or(i32::MAX);
        let content = self.buffer.split().freeze();
        // The next part gets memory of its own.
        self.buffer = BytesMut::new();
        let (store, key) = (self.store.clone(), self.key.clone());
        self.in_flight = Some(tokio::spawn(send_part(store, key, upload_id, number, content)));
        Ok(())
    }

    /// Waits for the part that is on its way.
    async fn settle(&mut self) -> Result<(), ObjectError> {
        let Some(task) = &mut self.in_flight else { return Ok(()) };
        let ended = task.await;
        self.in_flight = None;
        // The task neither panics nor is aborted while we wait for it, unless the runtime goes away.
        let part = ended.map_err(|_| ObjectError::Abandoned { object: self.store.url(&self.key) })??;
        self.done.push(part);
        Ok(())
    }

    async fn begin(&self) -> Result<String, ObjectError> {
        let object = self.store.url(&self.key);
        let begun = self
            .store
            .client
            .create_multipart_upload()
            .bucket(self.store.bucket())
            .key(self.store.full(&self.key))
            .metadata(WRITER, &self.writer)
            .send()
            .await
            .map_err(|error| ObjectError::of_sdk("begin to write", &object, &error))?;
        let missing = || ObjectError::Rejected {
            action: "begin to write",
            object,
            reason: "the answer holds no upload id".to_owned(),
        };
        begun.upload_id.ok_or_else(missing)
    }

    /// Ends the object: when this returns, it is there.
    ///
    /// # Errors
    /// The store's; nothing is left behind then.
    pub async fn finish(mut self) -> Result<StoredObject, ObjectError> {
        if self.upload_id.is_none() {
            self.put_whole().await?;
        } else {
            if !self.buffer.is_empty() {
                self.send_part().await?;
            }
            self.settle().await?;
            self.complete().await?;
        }
        self.upload_id = None;
        let digest = std::mem::take(&mut self.digest);
        Ok(StoredObject { key: std::mem::take(&mut self.key), size: self.size, sha256: hex::encode(digest.finalize()) })
    }

    async fn put_whole(&mut self) -> Result<(), ObjectError> {
        let content = self.buffer.split().freeze();
        let request = self.store.client.put_object().bucket(self.store.bucket()).key(self.store.full(&self.key));
        let request = request.metadata(WRITER, &self.writer).body(ByteStream::from(content));
        let sent = request.customize().config_override(patient()).send().await;
        sent.map(|_| ()).map_err(|error| ObjectError::of_sdk("write", &self.store.url(&self.key), &error))
    }

    async fn complete(&self) -> Result<(), ObjectError> {
        let parts = CompletedMultipartUpload::builder().set_parts(Some(self.done.clone())).build();
        let completed = self
            .store
            .client
            .complete_multipart_upload()
            .bucket(self.store.bucket())
            .key(self.store.full(&self.key))
            .set_upload_id(self.upload_id.clone())
            .multipart_upload(parts)
            .customize()
            .config_override(patient())
            .send()
            .await;
        let Err(error) = completed else { return Ok(()) };
        let error = ObjectError::of_sdk("complete", &self.store.url(&self.key), &error);
        // When the answer to a first attempt got lost, a second one finds no upload: it has become the object.
        if matches!(error, ObjectError::NotFound { .. }) && self.store.is_by(&self.key, &self.writer).await? {
            return Ok(());
        }
        Err(given_up(error))
    }

    /// Gives the object up, and waits until the store has forgotten its parts.
    ///
    /// # Errors
    /// The store's: parts may be left there, which its rules for incomplete uploads remove.
    pub async fn abort(mut self) -> Result<(), ObjectError> {
        if let Some(task) = self.in_flight.take() {
            // A part that arrives after the end of its upload would stay.
            task.abort();
            let _ = task.await;
        }
        match self.upload_id.take() {
            Some(id) => forget(self.store.clone(), std::mem::take(&mut self.key), id).await,
            None => Ok(()),
        }
    }
}

/// Best effort: nobody can wait for it.
impl Drop for Upload {
    fn drop(&mut self) {
        let task = self.in_flight.take();
        if let Some(task) = &task {
            task.abort();
        }
        let Some(id) = self.upload_id.take() else { return };
        let (store, key) = (self.store.clone(), std::mem::take(&mut self.key));
        let Ok(runtime) = tokio::runtime::Handle::try_current() else {
            tracing::warn!(object = store.url(&key), "an unfinished upload is left in the store: no runtime is there");
            return;
        };
        runtime.spawn(async move {
            if let Some(task) = task {
                let _ = task.await;
            }
            if let Err(error) = forget(store, key, id).await {
                tracing::warn!(error = &error as &dyn std::error::Error, "an unfinished upload is left in the store");
            }
        });
    }
}

async fn send_part(
    store: ObjectStore,
    key: String,
    upload_id: String,
    number: i32,
    content: Bytes,
) -> Result<CompletedPart, ObjectError> {
    let request = store.client.upload_part().bucket(store.bucket()).key(store.full(&key));
    let request = request.upload_id(upload_id).part_number(number).body(ByteStream::from(content));
    let sent = request.customize().config_override(patient()).send().await;
    let sent = sent.map_err(|error| given_up(ObjectError::of_sdk("write a part of", &store.url(&key), &error)))?;
    Ok(CompletedPart::builder().part_number(number).set_e_tag(sent.e_tag).build())
}

/// An upload that the store does not know any more was given up by somebody else: the worker that took this run over.
fn given_up(error: ObjectError) -> ObjectError {
    match error {
        ObjectError::NotFound { object } => ObjectError::Abandoned { object },
        other => other,
    }
}

pub(crate) async fn forget(store: ObjectStore, key: String, upload_id: String) -> Result<(), ObjectError> {
    let request = store.client.abort_multipart_upload().bucket(store.bucket()).key(store.full(&key));
    let gone = request.upload_id(upload_id).send().await;
    match gone.map_err(|error| ObjectError::of_sdk("abort the upload of", &store.url(&key), &error)) {
        Ok(_) | Err(ObjectError::NotFound { .. }) => Ok(()),
        Err(error) => Err(error),
    }
}

fn patient() -> aws_sdk_s3::config::Builder {
    aws_sdk_s3::Config::builder().timeout_config(TimeoutConfig::builder().read_timeout(PART_TIMEOUT).build())
}
