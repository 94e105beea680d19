//! The stack's directory and the secrets in it.

use std::fs::{DirBuilder, OpenOptions};
use std::io::Write;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use rand::Rng;
use rand::distr::Alphanumeric;

use crate::error::DevstackError;

/// Waits until its standard input closes, which happens when the owning process is gone however it ended, and then
/// removes the directory. It tries for a while, because the servers in the directory are being stopped at that moment.
const JANITOR: &str = r#"
read -r _
n=0
while [ -e "$1" ] && [ $n -lt 100 ]; do
  rm -rf -- "$1" 2>/dev/null
  [ -e "$1" ] && sleep 0.1
  n=$((n + 1))
done
"#;

/// A private directory below the system's temporary directory that disappears with its owner.
///
/// The directory is removed when the value is dropped, and by a small watcher process when the owning process is
/// killed. Others may pass through it (mode 0711) because PostgreSQL runs as its own user; everything secret in it has
/// mode 0600.
#[derive(Debug)]
pub struct StackDirectory {
    path: PathBuf,
    keep: bool,
    janitor: Option<Child>,
}

impl StackDirectory {
    /// Creates a new directory whose name starts with `backtrail-` and the given label.
    pub fn create(label: &str) -> Result<Self, DevstackError> {
        let parent = std::env::temp_dir();
        let suffix: String = rand::rng().sample_iter(Alphanumeric).take(8).map(char::from).collect();
        let path = parent.join(format!("backtrail-{label}-{suffix}"));
        create_directory(&path, 0o711)?;
        let janitor = Command::new("/bin/sh")
            .args(["-c", JANITOR, "backtrail-janitor"])
            .arg(&path)
            .current_dir("/")
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .process_group(0)
            .spawn()
            .map_err(|source| DevstackError::Spawn {
                part: "the watcher of the stack directory".to_owned(),
                program: "/bin/sh".to_owned(),
                source,
            })?;
        Ok(Self { path, keep: false, janitor: Some(janitor) })
    }

    /// The directory.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Leaves the directory behind when the value is dropped, for looking at logs and data.
    pub fn keep(&mut self) {
        self.keep = true;
        self.end_janitor();
    }

    fn end_janitor(&mut self) {
        if let Some(mut janitor) = self.janitor.take() {
            let _ = janitor.kill();
            let _ = janitor.wait();
        }
    }
}

impl Drop for StackDirectory {
    fn drop(&mut self) {
        self.end_janitor();
        if !self.keep {
            remove_directory(&self.path);
        }
    }
}

/// Removes a directory tree, trying again while a dying process still writes into it.
pub(crate) fn remove_directory(path: &Path) {
    for _ in 0..50 {
        match std::fs::remove_dir_all(path) {
            Ok(()) => return,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return,
            Err(_) => std::thread::sleep(std::time::Duration::from_millis(20)),
        }
    }
    tracing::warn!(path = %path.display(), "could not remove the stack's directory");
}

/// Creates a directory (and its parents) with the given mode, whatever the umask.
pub(crate) fn create_directory(path: &Path, mode: u32) -> Result<(), DevstackError> {
    DirBuilder::new().recursive(true).mode(mode).create(path).map_err(DevstackError::file("create", path))?;
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode))
        .map_err(DevstackError::file("set the mode of", path))
}

/// Writes a file that only its owner can read. An existing file is replaced.
pub fn write_secret(path: &Path, contents: &str) -> Result<(), DevstackError> {
    match std::fs::remove_file(path) {
        Ok(()) => {}
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
        Err(error) => return Err(DevstackError::file("replace", path)(error)),
    }
    OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(path)
        .and_then(|mut file| file.write_all(contents.as_bytes()))
        .map_err(DevstackError::file("write", path))
}

/// A random password or key of 32 letters and digits, which needs no quoting anywhere.
pub fn random_secret() -> String {
    rand::rng().sample_iter(Alphanumeric).take(32).map(char::from).collect()
}

/// A short random name in lower case, for databases, vhosts, buckets.
pub(crate) fn random_name(prefix: &str) -> String {
    let suffix: u64 = rand::rng().random();
    format!("{prefix}{suffix:016x}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_are_private_and_the_directory_disappears() {
        let directory = StackDirectory::create("unit").expect("directory");
        let path = directory.path().to_owned();
        let secret = path.join("secret");
        write_secret(&secret, "one").expect("written");
        write_secret(&secret, "two").expect("replaced");
        assert_eq!(std::fs::read_to_string(&secret).expect("read"), "two");
        assert_eq!(std::fs::metadata(&secret).expect("metadata").permissions().mode() & 0o777, 0o600);
        drop(directory);
        assert!(!path.exists());
    }
}
