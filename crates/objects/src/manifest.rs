//! Reading and writing `manifest.json`.
//!
//! A prefix exists with its manifest: it is written last, and never over another one.

use std::collections::BTreeMap;

use backtrail_contracts::manifest::{BackupManifest, MANIFEST_NAME, MANIFEST_VERSION, ManifestFile, PitrManifest};
use backtrail_reconstruct::Promised;
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::{ObjectError, ObjectStore};

/// Some 200,000 files.
pub(crate) const LIMIT: u64 = 64 << 20;

/// What a manifest lists.
pub trait Manifest: Serialize + DeserializeOwned {
    /// Its data objects.
    fn files(&self) -> &[ManifestFile];
}

impl Manifest for BackupManifest {
    fn files(&self) -> &[ManifestFile] {
        &self.files
    }
}

impl Manifest for PitrManifest {
    fn files(&self) -> &[ManifestFile] {
        &self.files
    }
}

/// Writes the manifest of a prefix. From here on the prefix exists.
///
/// # Errors
/// [`ObjectError::AlreadyExists`], or the store's.
pub async fn write<M: Manifest>(store: &ObjectStore, prefix: &str, manifest: &M) -> Result<(), ObjectError> {
    let key = key(prefix);
    let mut text = serde_json::to_vec_pretty(manifest)
        .map_err(|error| ObjectError::damaged(&store.url(&key), format!("it cannot be written as JSON: {error}")))?;
    text.push(b'\n');
    store.put_new(&key, text).await
}

/// Reads the manifest of a prefix.
///
/// # Errors
/// [`ObjectError::NotFound`] for a prefix that was never completed, [`ObjectError::Damaged`] for one of a newer version or
/// none at all, or the store's.
pub async fn read<M: Manifest>(store: &ObjectStore, prefix: &str) -> Result<M, ObjectError> {
    let key = key(prefix);
    let text = store.get(&key, LIMIT).await?;
    parse(&store.url(&key), &text)
}

/// Whether every file of the manifest is there, with its size.
///
/// # Errors
/// [`ObjectError::Damaged`] names the first that is not.
pub async fn verify<M: Manifest>(store: &ObjectStore, prefix: &str, manifest: &M) -> Result<(), ObjectError> {
    let directory = directory(prefix);
    let found = store.list(&directory).await?;
    let found =
        found.into_iter().filter_map(|object| Some((object.key.strip_prefix(&directory)?.to_owned(), object.size)));
    check_files(&store.url(&directory), manifest.files(), &found.collect())
}

/// A prefix with one slash at its end; nothing stays nothing.
pub(crate) fn directory(prefix: &str) -> String {
    match prefix.trim_end_matches('/') {
        "" => String::new(),
        prefix => format!("{prefix}/"),
    }
}

fn key(prefix: &str) -> String {
    format!("{}{MANIFEST_NAME}", directory(prefix))
}

/// What a manifest says of a file, for the engine to compare with.
pub(crate) fn promised(file: &ManifestFile) -> Promised {
    Promised { size: file.size, sha256: file.sha256.clone(), rows: file.rows }
}

/// Compares what a manifest lists with names and sizes that are there.
pub(crate) fn check_files(
    place: &str,
    files: &[ManifestFile],
    found: &BTreeMap<String, u64>,
) -> Result<(), ObjectError> {
    for file in files {
        match found.get(&file.name) {
            Some(size) if *size == file.size => {}
            Some(size) => {
                let reason = format!("{} has {size} bytes where its manifest says {}", file.name, file.size);
                return Err(ObjectError::damaged(place, reason));
            }
            None => {
                return Err(ObjectError::damaged(place, format!("{} is missing, which its manifest lists", file.name)));
            }
        }
    }
    Ok(())
}

pub(crate) fn parse<M: Manifest>(place: &str, text: &[u8]) -> Result<M, ObjectError> {
    #[derive(serde::Deserialize)]
    struct Version {
        version: u32,
    }
    let bad = |error: serde_json::Error| ObjectError::damaged(place, format!("it is no manifest: {error}"));
    // The version first: a newer manifest may have another shape.
    let Version { version } = serde_json::from_slice(text).map_err(bad)?;
    if version > MANIFEST_VERSION {
        let reason = format!("it is of version {version}, this program knows {MANIFEST_VERSION}; use a newer one");
        return Err(ObjectError::damaged(place, reason));
    }
    serde_json::from_slice(text).map_err(bad)
}
