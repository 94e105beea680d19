//! Streaming downloads that outlive their connection.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use aws_sdk_s3::operation::get_object::GetObjectOutput;
use aws_sdk_s3::primitives::ByteStream;
use bytes::Bytes;
use futures::StreamExt;
use futures::stream::BoxStream;
use tokio::io::{AsyncBufRead, AsyncRead, ReadBuf};
use tokio::time::sleep;
use tokio_util::io::StreamReader;

use crate::error::{chain, status};
use crate::store::instant;
use crate::{ObjectError, ObjectInfo, ObjectStore};

/// How often in a row reading may break without a byte in between. Each time the SDK has tried several times itself.
const BREAKS: u32 = 8;
const FIRST_PAUSE: Duration = Duration::from_millis(100);
const LONGEST_PAUSE: Duration = Duration::from_secs(10);

/// An object, read from front to back. It ends when all of the object was read; anything less is an error.
pub struct Download {
    info: ObjectInfo,
    reader: StreamReader<BoxStream<'static, io::Result<Bytes>>, Bytes>,
}

impl Download {
    pub(crate) async fn open(store: ObjectStore, key: String) -> Result<Self, ObjectError> {
        let answer = store.client.get_object().bucket(store.bucket()).key(store.full(&key)).send().await;
        let answer = answer.map_err(|error| ObjectError::of_sdk("read", &store.url(&key), &error))?;
        let size = answer.content_length().and_then(|size| u64::try_from(size).ok());
        let info = ObjectInfo {
            size: size
                .ok_or_else(|| ObjectError::damaged(&store.url(&key), "the store does not say how long it is"))?,
            etag: answer.e_tag().unwrap_or_default().to_owned(),
            last_modified: answer.last_modified().and_then(instant),
            key,
        };
        let source = Source { store, info: info.clone(), body: Some(answer.body), offset: 0, breaks: 0 };
        let chunks = futures::stream::try_unfold(source, |mut source| async move {
            let chunk = source.next().await?;
            Ok(chunk.map(|chunk| (chunk, source)))
        });
        Ok(Self { info, reader: StreamReader::new(chunks.boxed()) })
    }

    /// What the store said about the object.
    pub fn info(&self) -> &ObjectInfo {
        &self.info
    }

    /// The next bytes, of whatever number came; `None` at the end. Not to be mixed with reading through `AsyncRead`.
    ///
    /// # Errors
    /// [`ObjectError::Changed`], [`ObjectError::NotFound`] when it was deleted meanwhile, or the store's.
    pub async fn next_chunk(&mut self) -> Result<Option<Bytes>, ObjectError> {
        match self.reader.get_mut().next().await {
            None => Ok(None),
            Some(Ok(chunk)) => Ok(Some(chunk)),
            Some(Err(error)) => Err(error.downcast::<ObjectError>().unwrap_or_else(|error| ObjectError::Unavailable {
                action: "read",
                object: self.info.key.clone(),
                reason: chain(&error),
            })),
        }
    }
}

impl AsyncRead for Download {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.reader).poll_read(context, buffer)
    }
}

impl AsyncBufRead for Download {
    fn poll_fill_buf(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<&[u8]>> {
        Pin::new(&mut self.get_mut().reader).poll_fill_buf(context)
    }

    fn consume(mut self: Pin<&mut Self>, amount: usize) {
        Pin::new(&mut self.reader).consume(amount);
    }
}

struct Source {
    store: ObjectStore,
    info: ObjectInfo,
    /// `None`: broken, to be opened again.
    body: Option<ByteStream>,
    offset: u64,
    breaks: u32,
}

impl Source {
    async fn next(&mut self) -> Result<Option<Bytes>, ObjectError> {
        loop {
            let body = match &mut self.body {
                Some(body) => body,
                None => {
                    let body = self.open_again().await?;
                    self.body.insert(body)
                }
            };
            let reason = match body.next().await {
                Some(Ok(chunk)) if chunk.is_empty() => continue,
                Some(Ok(chunk)) => {
                    self.offset += chunk.len() as u64;
                    self.breaks = 0;
                    if self.offset > self.info.size {
                        return Err(self.damaged("more bytes came than the store announced"));
                    }
                    return Ok(Some(chunk));
                }
                None if self.offset == self.info.size => return Ok(None),
                None => "the answer ended early".to_owned(),
                Some(Err(error)) => chain(&error),
            };
            self.body = None;
            self.breaks += 1;
            let object = self.store.url(&self.info.key);
            if self.breaks > BREAKS {
                return Err(ObjectError::Unavailable { action: "read", object, reason });
            }
            tracing::debug!(object, reason, offset = self.offset, "reading broke off; going on from there");
            sleep(FIRST_PAUSE.saturating_mul(1 << (self.breaks - 1)).min(LONGEST_PAUSE)).await;
        }
    }

    async fn open_again(&self) -> Result<ByteStream, ObjectError> {
        let (key, object) = (&self.info.key, self.store.url(&self.info.key));
        let changed = || ObjectError::Changed { object: object.clone() };
        let mut request = self.store.client.get_object().bucket(self.store.bucket()).key(self.store.full(key));
        if self.offset > 0 {
            request = request.range(format!("bytes={}-", self.offset));
        }
        if !self.info.etag.is_empty() {
            request = request.if_match(&self.info.etag);
        }
        let answer = match request.send().await {
            Ok(answer) => answer,
            Err(error) if matches!(status(&error), Some(412 | 416)) => return Err(changed()),
            Err(error) => return Err(ObjectError::of_sdk("read", &object, &error)),
        };
        // There are stores that ignore the condition, or the range.
        if answer.e_tag().unwrap_or_default() != self.info.etag || size_of(&answer) != Some(self.info.size) {
            return Err(changed());
        }
        let rest = answer.content_length().and_then(|length| u64::try_from(length).ok());
        if rest != Some(self.info.size - self.offset) {
            return Err(self.damaged("the store did not go on where reading broke off"));
        }
        Ok(answer.body)
    }

    fn damaged(&self, reason: &str) -> ObjectError {
        ObjectError::damaged(&self.store.url(&self.info.key), reason)
    }
}

/// The whole object's size, also when only a part of it was asked for.
fn size_of(answer: &GetObjectOutput) -> Option<u64> {
    match answer.content_range() {
        Some(range) => range.rsplit('/').next()?.parse().ok(),
        None => u64::try_from(answer.content_length()?).ok(),
    }
}
