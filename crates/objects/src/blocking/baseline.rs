//! A dump on S3.

use std::collections::BTreeMap;
use std::io::{self, Read};

use backtrail_contracts::manifest::{BackupManifest, MANIFEST_NAME, ManifestFile};
use backtrail_reconstruct::{Baseline, FileInfo, NameCase, Promised};
use tokio::runtime::Handle;

use super::ObjectReader;
use crate::{ObjectError, ObjectStore, manifest};

/// A mydumper directory below a prefix: one of our backups with its manifest, or a plain one that somebody copied there.
/// With a manifest, exactly the files that it lists are there, and what it says of each is what the engine compares with.
pub struct S3Baseline {
    store: ObjectStore,
    runtime: Handle,
    /// With a slash at its end.
    directory: String,
    files: Vec<FileInfo>,
    manifest: Option<BackupManifest>,
    listed: BTreeMap<String, ManifestFile>,
}

impl S3Baseline {
    /// One of our backups: it has a manifest, or it does not exist. To be called in the async runtime, used outside it.
    ///
    /// # Errors
    /// [`ObjectError::NotFound`] without a manifest, [`ObjectError::Damaged`] when a file is missing or of another size, or
    /// the store's.
    pub async fn open_backup(store: &ObjectStore, prefix: &str) -> Result<Self, ObjectError> {
        let found = listing(store, prefix).await?;
        Self::with_manifest(store, prefix, &found).await
    }

    /// Any dump, with or without a manifest. To be called in the async runtime, used outside it.
    ///
    /// # Errors
    /// [`ObjectError::NotFound`] when nothing is there, and as [`open_backup`](Self::open_backup).
    pub async fn open_any(store: &ObjectStore, prefix: &str) -> Result<Self, ObjectError> {
        let found = listing(store, prefix).await?;
        if found.contains_key(MANIFEST_NAME) {
            return Self::with_manifest(store, prefix, &found).await;
        }
        if found.is_empty() {
            return Err(ObjectError::NotFound { object: store.url(&manifest::directory(prefix)) });
        }
        let files = found.into_iter().map(|(name, size)| FileInfo { name, size }).collect();
        Ok(Self {
            store: store.clone(),
            runtime: Handle::current(),
            directory: manifest::directory(prefix),
            files,
            manifest: None,
            listed: BTreeMap::new(),
        })
    }

    async fn with_manifest(
        store: &ObjectStore,
        prefix: &str,
        found: &BTreeMap<String, u64>,
    ) -> Result<Self, ObjectError> {
        let manifest: BackupManifest = manifest::read(store, prefix).await?;
        let directory = manifest::directory(prefix);
        manifest::check_files(&store.url(&directory), &manifest.files, found)?;
        let files = manifest.files.iter().map(|file| FileInfo { name: file.name.clone(), size: file.size }).collect();
        let listed = manifest.files.iter().map(|file| (file.name.clone(), file.clone())).collect();
        let (store, runtime) = (store.clone(), Handle::current());
        Ok(Self { store, runtime, directory, files, manifest: Some(manifest), listed })
    }

    /// The manifest, where there is one.
    pub fn manifest(&self) -> Option<&BackupManifest> {
        self.manifest.as_ref()
    }
}

/// Names and sizes right below a prefix.
async fn listing(store: &ObjectStore, prefix: &str) -> Result<BTreeMap<String, u64>, ObjectError> {
    let directory = manifest::directory(prefix);
    let found = store.list(&directory).await?;
    let name = |key: &str| key.strip_prefix(&directory).filter(|name| !name.contains('/')).map(str::to_owned);
    Ok(found.into_iter().filter_map(|object| Some((name(&object.key)?, object.size))).collect())
}

impl Baseline for S3Baseline {
    fn files(&self) -> io::Result<Vec<FileInfo>> {
        Ok(self.files.clone())
    }

    fn open(&self, name: &str) -> io::Result<Box<dyn Read + Send>> {
        Ok(Box::new(ObjectReader::open(&self.store, &format!("{}{name}", self.directory), &self.runtime)?))
    }

    fn promised(&self, name: &str) -> Option<Promised> {
        self.listed.get(name).map(manifest::promised)
    }

    fn name_case(&self) -> Option<NameCase> {
        self.manifest.as_ref()?.source.lower_case_table_names.and_then(NameCase::of_variable)
    }
}
