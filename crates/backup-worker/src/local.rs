//! The run's directory on this machine.

use std::fs::{self, File};
use std::io;
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};

const PREFIX: &str = "backup-";
const LOCK: &str = "lock";

/// A directory for one try. Removed when dropped; one that a killed process left is known by its free lock.
pub(crate) struct RunDirectory {
    path: PathBuf,
    _lock: File,
}

impl RunDirectory {
    /// Makes one below `parent`, for this process's eyes only.
    pub(crate) fn create(parent: &Path) -> io::Result<Self> {
        let path = parent.join(format!("{PREFIX}{}", uuid::Uuid::new_v4()));
        fs::DirBuilder::new().mode(0o700).create(&path)?;
        let lock = File::create(path.join(LOCK))?;
        lock.lock()?;
        Ok(Self { path, _lock: lock })
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }
}

impl Drop for RunDirectory {
    fn drop(&mut self) {
        if let Err(error) = fs::remove_dir_all(&self.path) {
            tracing::warn!(path = %self.path.display(), error = %error, "the run's directory was not removed");
        }
    }
}

/// Makes the parent directory and removes what killed processes have left in it.
pub(crate) fn clear(parent: &Path) -> io::Result<()> {
    fs::create_dir_all(parent)?;
    for entry in fs::read_dir(parent)? {
        let entry = entry?;
        if !entry.file_name().to_string_lossy().starts_with(PREFIX) {
            continue;
        }
        let free = match File::open(entry.path().join(LOCK)) {
            Ok(lock) => lock.try_lock().is_ok(),
            // Being made at this moment, or without a lock: not ours to judge.
            Err(_) => false,
        };
        if free {
            tracing::info!(path = %entry.path().display(), "removing what a killed worker has left");
            fs::remove_dir_all(entry.path())?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_lives_stays_and_what_is_left_goes() {
        let parent = tempfile::tempdir().unwrap();
        let living = RunDirectory::create(parent.path()).unwrap();
        let left = parent.path().join("backup-left");
        fs::create_dir(&left).unwrap();
        File::create(left.join(LOCK)).unwrap();
        let other = parent.path().join("somebody-else");
        fs::create_dir(&other).unwrap();
        clear(parent.path()).unwrap();
        assert!(living.path().exists());
        assert!(!left.exists());
        assert!(other.exists());
        let path = living.path().to_owned();
        drop(living);
        assert!(!path.exists());
    }
}
