//! One bucket of one store.

use std::ops::Range;
use std::sync::Arc;
use std::time::Duration;

use aws_sdk_s3::Client;
use aws_sdk_s3::presigning::PresigningConfig;
use aws_sdk_s3::primitives::ByteStream;
use aws_sdk_s3::types::{Delete, ObjectIdentifier};
use bytes::{Bytes, BytesMut};
use time::OffsetDateTime;
use uuid::Uuid;

use crate::error::{chain, status};
use crate::key::check_key;
use crate::settings::PartSizes;
use crate::{Download, ObjectError, ObjectSettings, S3Url, Upload};

/// Metadata that tells whose write an object is, when the answer to the write was lost.
pub(crate) const WRITER: &str = "backtrail-writer";
const DELETE_BATCH: usize = 1_000;

/// A bucket, below a prefix that goes in front of every key. Clones share the connections.
#[derive(Clone)]
pub struct ObjectStore {
    pub(crate) client: Client,
    /// Bucket and prefix.
    place: Arc<S3Url>,
    pub(crate) part_sizes: PartSizes,
}

/// What the store knows about an object.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ObjectInfo {
    /// Its key, without the store's prefix.
    pub key: String,
    /// In bytes.
    pub size: u64,
    /// Changes with the content.
    pub etag: String,
    /// By the store's clock.
    pub last_modified: Option<OffsetDateTime>,
}

impl ObjectStore {
    /// A store by its settings. Nothing is sent yet: see [`check_bucket`](Self::check_bucket).
    ///
    /// # Errors
    /// Settings that are missing or cannot be used.
    pub fn connect(settings: &ObjectSettings) -> Result<Self, ObjectError> {
        let bucket = settings.s3_bucket.as_deref().filter(|bucket| !bucket.is_empty());
        let bucket =
            bucket.ok_or(ObjectError::Settings { setting: "BACKTRAIL_S3_BUCKET", reason: "it is not set" })?.to_owned();
        let place = format!("s3://{bucket}/{}", settings.s3_prefix.trim_matches('/')).parse()?;
        Self::connect_to(settings, place)
    }

    /// A store by its settings, but this bucket and prefix.
    ///
    /// # Errors
    /// Settings that are missing or cannot be used.
    pub fn connect_to(settings: &ObjectSettings, place: S3Url) -> Result<Self, ObjectError> {
        let client = Client::from_conf(settings.sdk_config()?);
        Ok(Self { client, place: Arc::new(place), part_sizes: settings.part_sizes()? })
    }

    /// `s3://bucket/key`, the store's prefix included.
    pub fn url(&self, key: &str) -> String {
        format!("s3://{}/{}", self.place.bucket, self.full(key))
    }

    pub(crate) fn bucket(&self) -> &str {
        &self.place.bucket
    }

    /// A key as the bucket has it.
    pub(crate) fn full(&self, key: &str) -> String {
        if self.place.prefix.is_empty() { key.to_owned() } else { format!("{}/{key}", self.place.prefix) }
    }

    pub(crate) fn checked(&self, key: &str) -> Result<String, ObjectError> {
        let full = self.full(key);
        check_key(&full)?;
        Ok(full)
    }

    /// Whether the bucket is there and lets us in.
    ///
    /// # Errors
    /// It is not, or does not.
    pub async fn check_bucket(&self) -> Result<(), ObjectError> {
        // Unlike HEAD, a listing answers with a code and a message when it is refused.
        let asked = self.client.list_objects_v2().bucket(self.bucket()).max_keys(1).send().await;
        asked.map(|_| ()).map_err(|error| ObjectError::of_sdk("list", &self.url(""), &error))
    }

    /// Stores an object in one request, over what was there.
    ///
    /// # Errors
    /// A key that cannot be one, or the store's.
    pub async fn put(&self, key: &str, content: impl Into<Bytes>) -> Result<(), ObjectError> {
        let full = self.checked(key)?;
        let body = ByteStream::from(content.into());
        let sent = self.client.put_object().bucket(self.bucket()).key(full).body(body).send().await;
        sent.map(|_| ()).map_err(|error| ObjectError::of_sdk("write", &self.url(key), &error))
    }

    /// Stores an object in one request, unless there is one already.
    ///
    /// # Errors
    /// [`ObjectError::AlreadyExists`], a key that cannot be one, or the store's.
    pub async fn put_new(&self, key: &str, content: impl Into<Bytes>) -> Result<(), ObjectError> {
        let full = self.checked(key)?;
        let exists = || ObjectError::AlreadyExists { object: self.url(key) };
        // Some stores ignore the condition on the request; asking first leaves them only a small gap.
        if self.head(key).await?.is_some() {
            return Err(exists());
        }
        let writer = Uuid::now_v7().to_string();
        let sent = self
            .client
            .put_object()
            .bucket(self.bucket())
            .key(full)
            .if_none_match("*")
            .metadata(WRITER, &writer)
            .body(ByteStream::from(content.into()))
            .send()
            .await;
        match sent {
            Ok(_) => Ok(()),
            // When the answer to a first attempt got lost, a second one meets the object that the first one made.
            Err(error) if status(&error) == Some(412) => {
                if self.is_by(key, &writer).await? {
                    Ok(())
                } else {
                    Err(exists())
                }
            }
            Err(error) => Err(ObjectError::of_sdk("write", &self.url(key), &error)),
        }
    }

    /// Whether the object was written by this writer.
    pub(crate) async fn is_by(&self, key: &str, writer: &str) -> Result<bool, ObjectError> {
        let asked = self.client.head_object().bucket(self.bucket()).key(self.checked(key)?).send().await;
        match asked.map_err(|error| ObjectError::of_sdk("look up", &self.url(key), &error)) {
            Ok(found) => Ok(found.metadata().and_then(|metadata| metadata.get(WRITER)).is_some_and(|by| by == writer)),
            Err(ObjectError::NotFound { .. }) => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// Begins a streaming upload. Nothing is sent before the first part is full.
    ///
    /// # Errors
    /// A key that cannot be one.
    pub fn upload(&self, key: &str) -> Result<Upload, ObjectError> {
        self.checked(key)?;
        Ok(Upload::new(self.clone(), key.to_owned()))
    }

    /// Opens an object for reading from front to back.
    ///
    /// # Errors
    /// [`ObjectError::NotFound`], or the store's.
    pub async fn open(&self, key: &str) -> Result<Download, ObjectError> {
        self.checked(key)?;
        Download::open(self.clone(), key.to_owned()).await
    }

    /// Reads a whole object of at most `limit` bytes.
    ///
    /// # Errors
    /// [`ObjectError::NotFound`], [`ObjectError::TooLarge`], or the store's.
    pub async fn get(&self, key: &str, limit: u64) -> Result<Bytes, ObjectError> {
        let mut download = self.open(key).await?;
        if download.info().size > limit {
            return Err(ObjectError::TooLarge { object: self.url(key), limit });
        }
        let mut content = BytesMut::with_capacity(usize::try_from(download.info().size).unwrap_or_default());
        while let Some(chunk) = download.next_chunk().await? {
            content.extend_from_slice(&chunk);
        }
        Ok(content.freeze())
    }

    /// Reads the bytes of a range, all of which must be there.
    ///
    /// # Errors
    /// [`ObjectError::NotFound`], [`ObjectError::Damaged`] for an object that ends before the range does, or the store's.
    pub async fn get_range(&self, key: &str, range: Range<u64>) -> Result<Bytes, ObjectError> {
        let full = self.checked(key)?;
        let Some(last) = range.end.checked_sub(1).filter(|last| *last >= range.start) else { return Ok(Bytes::new()) };
        let bytes = format!("bytes={}-{last}", range.start);
        let short = || ObjectError::damaged(&self.url(key), format!("it ends before byte {}", range.end));
        let asked = self.client.get_object().bucket(self.bucket()).key(full).range(bytes).send().await;
        let found = match asked {
            Ok(found) => found,
            Err(error) if status(&error) == Some(416) => return Err(short()),
            Err(error) => return Err(ObjectError::of_sdk("read", &self.url(key), &error)),
        };
        let content = found.body.collect().await.map_err(|error| ObjectError::Unavailable {
            action: "read",
            object: self.url(key),
            reason: chain(&error),
        })?;
        let content = content.into_bytes();
        if content.len() as u64 == range.end - range.start { Ok(content) } else { Err(short()) }
    }

    /// Asks for an object without reading it.
    ///
    /// # Errors
    /// The store's; an object that does not exist is none.
    pub async fn head(&self, key: &str) -> Result<Option<ObjectInfo>, ObjectError> {
        let asked = self.client.head_object().bucket(self.bucket()).key(self.checked(key)?).send().await;
        match asked.map_err(|error| ObjectError::of_sdk("look up", &self.url(key), &error)) {
            Ok(found) => Ok(Some(ObjectInfo {
                key: key.to_owned(),
                size: found.content_length().and_then(|size| u64::try_from(size).ok()).unwrap_or_default(),
                etag: found.e_tag().unwrap_or_default().to_owned(),
                last_modified: found.last_modified().and_then(instant),
            })),
            Err(ObjectError::NotFound { .. }) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Every object whose key begins with `prefix`, in key order. `a/b` means everything that begins so, `a/b/` what lies
    /// below.
    ///
    /// # Errors
    /// The store's. Nothing found is an empty list.
    pub async fn list(&self, prefix: &str) -> Result<Vec<ObjectInfo>, ObjectError> {
        let (full, cut) = (self.full(prefix), self.full("").len());
        let mut pages =
            self.client.list_objects_v2().bucket(self.bucket()).prefix(&full).into_paginator().page_size(1_000).send();
        let mut found = Vec::new();
        while let Some(page) = pages.next().await {
            let page = page.map_err(|error| ObjectError::of_sdk("list", &self.url(prefix), &error))?;
            for object in page.contents.unwrap_or_default() {
                // A key that ends with a slash is a directory that some console made.
                let Some(key) = object.key().and_then(|key| key.get(cut..)).filter(|key| !key.ends_with('/')) else {
                    continue;
                };
                found.push(ObjectInfo {
                    key: key.to_owned(),
                    size: object.size().and_then(|size| u64::try_from(size).ok()).unwrap_or_default(),
                    etag: object.e_tag().unwrap_or_default().to_owned(),
                    last_modified: object.last_modified().and_then(instant),
                });
            }
        }
        Ok(found)
    }

    /// Deletes objects, those that do not exist included.
    ///
    /// # Errors
    /// The store's; some objects may be deleted then.
    pub async fn delete(&self, keys: &[String]) -> Result<(), ObjectError> {
        for batch in keys.chunks(DELETE_BATCH) {
            let mut objects = Vec::with_capacity(batch.len());
            for key in batch {
                let object = ObjectIdentifier::builder().key(self.checked(key)?).build();
                objects.push(object.map_err(|error| rejected("delete", self.url(key), &error))?);
            }
            let place = self.url(batch.first().map_or("", String::as_str));
            let delete = Delete::builder().set_objects(Some(objects)).quiet(true).build();
            let delete = delete.map_err(|error| rejected("delete", place.clone(), &error))?;
            let done = self.client.delete_objects().bucket(self.bucket()).delete(delete).send().await;
            let done = done.map_err(|error| ObjectError::of_sdk("delete", &place, &error))?;
            if let Some(failed) = done.errors().iter().find(|failed| failed.code() != Some("NoSuchKey")) {
                let object = format!("s3://{}/{}", self.bucket(), failed.key().unwrap_or_default());
                let (message, code) =
                    (failed.message().unwrap_or("no more is said"), failed.code().unwrap_or("no code"));
                let reason = format!("{message} ({code}; {} of {} objects)", done.errors().len(), batch.len());
                return Err(match failed.code() {
                    Some("AccessDenied") => ObjectError::Refused { action: "delete", object, reason },
                    Some("InternalError" | "SlowDown") => ObjectError::Unavailable { action: "delete", object, reason },
                    _ => ObjectError::Rejected { action: "delete", object, reason },
                });
            }
        }
        Ok(())
    }

    /// A URL with which anybody can read the object for a while.
    ///
    /// # Errors
    /// A time of more than a week.
    pub async fn presign_get(&self, key: &str, valid_for: Duration) -> Result<String, ObjectError> {
        let full = self.checked(key)?;
        let config =
            PresigningConfig::expires_in(valid_for).map_err(|error| rejected("sign", self.url(key), &error))?;
        let signed = self.client.get_object().bucket(self.bucket()).key(full).presigned(config).await;
        let signed = signed.map_err(|error| ObjectError::of_sdk("sign", &self.url(key), &error))?;
        Ok(signed.uri().to_owned())
    }
}

fn rejected(action: &'static str, object: String, error: &(dyn std::error::Error + 'static)) -> ObjectError {
    ObjectError::Rejected { action, object, reason: chain(error) }
}

pub(crate) fn instant(time: &aws_sdk_s3::primitives::DateTime) -> Option<OffsetDateTime> {
    OffsetDateTime::from_unix_timestamp_nanos(time.as_nanos()).ok()
}
