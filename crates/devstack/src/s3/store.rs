//! Buckets and objects in memory, their bytes and index on disk.
//!
//! An object's bytes lie in a file with a random name, so that a key may be any text up to the protocol's 1024 bytes and
//! `x/y` and `x/y/z` can both exist. Each object has a small index file beside it, from which a later server reads the
//! bucket again. Unfinished uploads do not outlive the server.

use std::collections::{BTreeMap, HashMap};
use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::SystemTime;

use s3s::dto::{ETag, ETagCondition};
use s3s::{S3Error, S3Result, s3_error};
use serde::{Deserialize, Serialize};

use crate::directory::random_name;

/// What a client said about an object besides its bytes.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(super) struct Attributes {
    pub(super) content_type: Option<String>,
    pub(super) content_encoding: Option<String>,
    pub(super) content_disposition: Option<String>,
    pub(super) content_language: Option<String>,
    pub(super) cache_control: Option<String>,
    pub(super) metadata: HashMap<String, String>,
}

/// The verified checksums of a whole object, base64.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Checksums {
    pub(super) crc32: Option<String>,
    pub(super) crc32c: Option<String>,
    pub(super) crc64nvme: Option<String>,
    pub(super) sha1: Option<String>,
    pub(super) sha256: Option<String>,
}

/// A complete object. Never changes: a new version of a key is a new value with a new file.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct StoredObject {
    pub(super) key: String,
    pub(super) file: String,
    pub(super) size: u64,
    pub(super) e_tag: String,
    pub(super) modified: SystemTime,
    pub(super) attributes: Attributes,
    pub(super) checksums: Checksums,
}

/// One uploaded part of an unfinished multipart upload.
#[derive(Debug, Clone)]
pub(super) struct StoredPart {
    pub(super) file: String,
    pub(super) size: u64,
    pub(super) md5: [u8; 16],
    pub(super) modified: SystemTime,
}

/// An unfinished multipart upload.
#[derive(Debug, Clone)]
pub(super) struct Upload {
    pub(super) key: String,
    pub(super) initiated: SystemTime,
    pub(super) attributes: Attributes,
    pub(super) parts: BTreeMap<i32, StoredPart>,
}

#[derive(Debug, Default)]
pub(super) struct Bucket {
    pub(super) objects: BTreeMap<String, Arc<StoredObject>>,
    pub(super) uploads: BTreeMap<String, Upload>,
}

/// Conditions under which an object may be written.
#[derive(Debug, Default)]
pub(super) struct WriteConditions {
    pub(super) if_match: Option<ETagCondition>,
    pub(super) if_none_match: Option<ETagCondition>,
}

impl WriteConditions {
    pub(super) fn check(&self, existing: Option<&StoredObject>) -> S3Result<()> {
        let matches = |condition: &ETagCondition| match condition {
            ETagCondition::Any => existing.is_some(),
            ETagCondition::ETag(tag) => {
                existing.is_some_and(|object| ETag::Strong(object.e_tag.clone()).strong_cmp(tag))
            }
        };
        if self.if_none_match.as_ref().is_some_and(matches) {
            return Err(s3_error!(PreconditionFailed, "the object exists"));
        }
        match &self.if_match {
            Some(_) if existing.is_none() => Err(s3_error!(NoSuchKey)),
            Some(condition) if !matches(condition) => Err(s3_error!(PreconditionFailed, "the ETag does not match")),
            _ => Ok(()),
        }
    }
}

/// All buckets below one directory.
#[derive(Debug)]
pub(super) struct ObjectStore {
    root: PathBuf,
    /// Whether it knows how to list unfinished uploads: not every S3 server does.
    pub(super) lists_uploads: AtomicBool,
    buckets: Mutex<BTreeMap<String, Bucket>>,
}

/// A failure of the disk below the store.
pub(super) fn disk_error(error: std::io::Error) -> S3Error {
    s3_error!(error, InternalError, "the disk below the S3 server failed")
}

impl ObjectStore {
    pub(super) fn new(root: &Path) -> Self {
        Self { root: root.to_owned(), lists_uploads: AtomicBool::new(true), buckets: Mutex::default() }
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<String, Bucket>> {
        self.buckets.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Does something with a bucket, which is read from the disk when it is used for the first time.
    pub(super) fn bucket<T>(&self, name: &str, work: impl FnOnce(&mut Bucket) -> S3Result<T>) -> S3Result<T> {
        let mut buckets = self.lock();
        if let Some(bucket) = buckets.get_mut(name) {
            return work(bucket);
        }
        let directory = self.root.join(name);
        if !directory.is_dir() {
            return Err(s3_error!(NoSuchBucket));
        }
        let bucket = load(&directory).map_err(disk_error)?;
        work(buckets.entry(name.to_owned()).or_insert(bucket))
    }

    pub(super) fn bucket_names(&self) -> S3Result<Vec<(String, SystemTime)>> {
        let mut names = Vec::new();
        for entry in std::fs::read_dir(&self.root).map_err(disk_error)? {
            let entry = entry.map_err(disk_error)?;
            let metadata = entry.metadata().map_err(disk_error)?;
            if let (true, Ok(name)) = (metadata.is_dir(), entry.file_name().into_string()) {
                names.push((name, metadata.modified().unwrap_or(SystemTime::UNIX_EPOCH)));
            }
        }
        names.sort();
        Ok(names)
    }

    pub(super) fn create_bucket(&self, name: &str) -> S3Result<()> {
        match std::fs::create_dir(self.root.join(name)) {
            Ok(()) => Ok(()),
            Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => Err(s3_error!(BucketAlreadyOwnedByYou)),
            Err(error) => Err(disk_error(error)),
        }
    }

    pub(super) fn delete_bucket(&self, name: &str) -> S3Result<()> {
        self.bucket(name, |bucket| if bucket.objects.is_empty() { Ok(()) } else { Err(s3_error!(BucketNotEmpty)) })?;
        self.lock().remove(name);
        std::fs::remove_dir_all(self.root.join(name)).map_err(disk_error)
    }

    /// A name for the bytes of a new object or part, and where they go.
    pub(super) fn new_file(&self, bucket: &str) -> S3Result<(String, PathBuf)> {
        self.bucket(bucket, |_| Ok(()))?;
        let file = random_name("");
        let path = self.path(bucket, &file);
        if let Some(directory) = path.parent() {
            std::fs::create_dir_all(directory).map_err(disk_error)?;
        }
        Ok((file, path))
    }

    pub(super) fn path(&self, bucket: &str, file: &str) -> PathBuf {
        self.root.join(bucket).join("data").join(file)
    }

    fn index_path(&self, bucket: &str, file: &str) -> PathBuf {
        self.root.join(bucket).join("index").join(format!("{file}.json"))
    }

    /// Makes an object visible, unless a condition forbids it; its bytes are on the disk already.
    pub(super) fn commit(
        &self,
        bucket_name: &str,
        object: StoredObject,
        conditions: &WriteConditions,
    ) -> S3Result<Arc<StoredObject>> {
        self.bucket(bucket_name, |bucket| {
            let existing = bucket.objects.get(&object.key).cloned();
            conditions.check(existing.as_deref())?;
            let index = self.index_path(bucket_name, &object.file);
            if let Some(directory) = index.parent() {
                std::fs::create_dir_all(directory).map_err(disk_error)?;
            }
            let text = serde_json::to_vec(&object).map_err(|error| s3_error!(error, InternalError))?;
            std::fs::write(&index, text).map_err(disk_error)?;
            let object = Arc::new(object);
            bucket.objects.insert(object.key.clone(), Arc::clone(&object));
            if let Some(replaced) = existing {
                self.forget(bucket_name, &replaced.file);
            }
            Ok(object)
        })
    }

    /// The current object of a key.
    pub(super) fn object(&self, bucket: &str, key: &str) -> S3Result<Arc<StoredObject>> {
        self.bucket(bucket, |bucket| bucket.objects.get(key).cloned().ok_or_else(|| s3_error!(NoSuchKey)))
    }

    /// Removes a key; one that does not exist is no error.
    pub(super) fn remove(&self, bucket_name: &str, key: &str) -> S3Result<()> {
        self.bucket(bucket_name, |bucket| {
            if let Some(object) = bucket.objects.remove(key) {
                self.forget(bucket_name, &object.file);
            }
            Ok(())
        })
    }

    /// Removes bytes that no object refers to any more. Somebody who reads them keeps his open file.
    pub(super) fn forget(&self, bucket: &str, file: &str) {
        let _ = std::fs::remove_file(self.index_path(bucket, file));
        let _ = std::fs::remove_file(self.path(bucket, file));
    }
}

fn load(directory: &Path) -> std::io::Result<Bucket> {
    let mut bucket = Bucket::default();
    let index = directory.join("index");
    if !index.is_dir() {
        return Ok(bucket);
    }
    for entry in std::fs::read_dir(index)? {
        let text = std::fs::read(entry?.path())?;
        let object: StoredObject = serde_json::from_slice(&text)?;
        bucket.objects.insert(object.key.clone(), Arc::new(object));
    }
    Ok(bucket)
}
