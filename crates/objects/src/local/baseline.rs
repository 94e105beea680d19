//! A dump in a directory.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use backtrail_contracts::manifest::{BackupManifest, MANIFEST_NAME, ManifestFile};
use backtrail_reconstruct::{Baseline, FileInfo, NameCase, Promised};

use super::{file_error, files_below};
use crate::{ObjectError, manifest};

/// A mydumper directory: a plain one as mydumper wrote it, or one of ours with its manifest. With a manifest, exactly the
/// files that it lists are there, and what it says of each is what the engine compares with.
pub struct DirectoryBaseline {
    directory: PathBuf,
    files: Vec<FileInfo>,
    manifest: Option<BackupManifest>,
    listed: BTreeMap<String, ManifestFile>,
}

impl DirectoryBaseline {
    /// Lists a directory and reads its manifest, where there is one.
    ///
    /// # Errors
    /// A directory that cannot be read, or whose manifest lists files that are not there.
    pub fn open(directory: impl Into<PathBuf>) -> Result<Self, ObjectError> {
        let directory = directory.into();
        let found = files_below(&directory, 1)?;
        let Some((_, size)) = found.iter().find(|(name, _)| name == MANIFEST_NAME) else {
            let files = found.into_iter().map(|(name, size)| FileInfo { name, size }).collect();
            return Ok(Self { directory, files, manifest: None, listed: BTreeMap::new() });
        };
        let manifest = read_manifest(&directory.join(MANIFEST_NAME), *size)?;
        manifest::check_files(&directory.display().to_string(), &manifest.files, &found.into_iter().collect())?;
        let files = manifest.files.iter().map(|file| FileInfo { name: file.name.clone(), size: file.size }).collect();
        let listed = manifest.files.iter().map(|file| (file.name.clone(), file.clone())).collect();
        Ok(Self { directory, files, manifest: Some(manifest), listed })
    }

    /// The manifest, where there is one.
    pub fn manifest(&self) -> Option<&BackupManifest> {
        self.manifest.as_ref()
    }
}

fn read_manifest(path: &Path, size: u64) -> Result<BackupManifest, ObjectError> {
    if size > manifest::LIMIT {
        return Err(ObjectError::TooLarge { object: path.display().to_string(), limit: manifest::LIMIT });
    }
    let text = std::fs::read(path).map_err(file_error(path))?;
    manifest::parse(&path.display().to_string(), &text)
}

impl Baseline for DirectoryBaseline {
    fn files(&self) -> io::Result<Vec<FileInfo>> {
        Ok(self.files.clone())
    }

    fn open(&self, name: &str) -> io::Result<Box<dyn Read + Send>> {
        // Only what was listed: a name cannot lead out of the directory.
        if !self.files.iter().any(|file| file.name == name) {
            let object = self.directory.join(name).display().to_string();
            return Err(ObjectError::NotFound { object }.into());
        }
        let path = self.directory.join(name);
        Ok(Box::new(File::open(&path).map_err(file_error(&path))?))
    }

    fn promised(&self, name: &str) -> Option<Promised> {
        self.listed.get(name).map(manifest::promised)
    }

    fn name_case(&self) -> Option<NameCase> {
        self.manifest.as_ref()?.source.lower_case_table_names.and_then(NameCase::of_variable)
    }
}
