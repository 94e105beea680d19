//! Servers that the stable distribution lacks: packages of another of Debian's suites, extracted into the user's cache
//! directory. A tree's programs run from there through its own dynamic linker and libraries, without a chroot.

use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};

use crate::error::DevstackError;
use crate::process::ProcessSpec;

/// A server that can be fetched.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Release {
    /// MySQL of Debian's newest suite.
    MySql,
    /// MariaDB of the newer stable suite.
    MariaDb118,
    /// MariaDB of the older stable suite.
    MariaDb105,
}

impl Release {
    /// As messages name it.
    pub fn name(self) -> &'static str {
        match self {
            Self::MySql => "MySQL",
            Self::MariaDb118 => "MariaDB 11.8",
            Self::MariaDb105 => "MariaDB 10.5",
        }
    }

    /// The options of `devstack install` that fetch it.
    pub fn option(self) -> &'static str {
        match self {
            Self::MySql => "--mysql",
            Self::MariaDb118 => "--mariadb 11.8",
            Self::MariaDb105 => "--mariadb 10.5",
        }
    }

    /// The Debian suite that has it.
    pub(crate) fn suite(self) -> &'static str {
        match self {
            Self::MySql => "sid",
            Self::MariaDb118 => "trixie",
            Self::MariaDb105 => "bullseye",
        }
    }

    /// The packages that are enough to run it, comma-separated.
    pub(crate) fn packages(self) -> &'static str {
        match self {
            Self::MySql => "mysql-server-core,mysql-client-core,mysql-common",
            Self::MariaDb118 => "mariadb-server-core,mariadb-client-core,mariadb-common",
            Self::MariaDb105 => "mariadb-server-core-10.5,mariadb-client-core-10.5,mariadb-common",
        }
    }

    /// The server's program within its tree.
    pub(crate) fn server(self) -> &'static str {
        match self {
            Self::MySql => "usr/sbin/mysqld",
            Self::MariaDb118 | Self::MariaDb105 => "usr/sbin/mariadbd",
        }
    }

    /// The stock client within its tree.
    pub fn client(self) -> &'static str {
        match self {
            Self::MySql => "usr/bin/mysql",
            Self::MariaDb118 | Self::MariaDb105 => "usr/bin/mariadb",
        }
    }

    fn directory(self) -> &'static str {
        match self {
            Self::MySql => "mysql-sid",
            Self::MariaDb118 => "mariadb-trixie",
            Self::MariaDb105 => "mariadb-bullseye",
        }
    }

    /// Where its tree is, or would be: below `$XDG_CACHE_HOME/backtrail`.
    pub fn location(self) -> PathBuf {
        cache_directory().join(self.directory())
    }

    /// Whether it is installed there.
    pub fn available(self) -> bool {
        ServerTree::find(self).is_ok()
    }
}

/// What this project keeps for the user between runs: `$XDG_CACHE_HOME/backtrail`.
pub fn cache_directory() -> PathBuf {
    let cache = std::env::var_os("XDG_CACHE_HOME")
        .filter(|value| !value.is_empty())
        .map(PathBuf::from)
        .or_else(|| std::env::var_os("HOME").map(|home| Path::new(&home).join(".cache")))
        .unwrap_or_else(std::env::temp_dir);
    cache.join("backtrail")
}

/// An extracted tree and the way to run its programs.
#[derive(Debug, Clone)]
pub struct ServerTree {
    release: Release,
    root: PathBuf,
    libraries: OsString,
    linker: PathBuf,
}

impl ServerTree {
    /// The installed tree of a release.
    pub fn find(release: Release) -> Result<Self, DevstackError> {
        let root = release.location();
        let missing = || {
            DevstackError::Unsuitable(format!(
                "there is no {} server in {}; `devstack install {}` puts one there",
                release.name(),
                root.display(),
                release.option()
            ))
        };
        if !root.join(release.server()).is_file() {
            return Err(missing());
        }
        // Older suites have libraries both below /usr and beside it.
        let libraries: Vec<PathBuf> = ["usr/lib", "lib"]
            .iter()
            .flat_map(|directory| entries(root.join(directory)))
            .filter(|path| path.is_dir() && name_of(path).ends_with("-linux-gnu"))
            .collect();
        let linker = libraries
            .iter()
            .flat_map(entries)
            .find(|path| name_of(path).starts_with("ld-linux"))
            .ok_or_else(missing)?;
        let libraries = std::env::join_paths(libraries).map_err(|_| missing())?;
        Ok(Self { release, root, libraries, linker })
    }

    /// Which server it is.
    pub fn release(&self) -> Release {
        self.release
    }

    /// A file or directory of the tree.
    pub(crate) fn path(&self, within: &str) -> PathBuf {
        self.root.join(within)
    }

    /// How to run one of the tree's programs, such as `usr/bin/mysql`: program and first arguments.
    pub fn command(&self, program: &str) -> Vec<PathBuf> {
        vec![
            self.linker.clone(),
            PathBuf::from("--library-path"),
            PathBuf::from(&self.libraries),
            self.root.join(program),
        ]
    }

    /// How to run the tree's server with its own messages, character sets and plugins, and no option files.
    /// `share` is where the former two are.
    pub(crate) fn server(&self, part: &str, share: &Path, directory: &Path, log: &Path) -> ProcessSpec {
        ProcessSpec::new(part, &self.linker, directory, log)
            .arguments(self.command(self.release.server()).iter().skip(1))
            .argument("--no-defaults")
            .argument(option("--basedir=", &self.path("usr")))
            .argument(option("--lc-messages-dir=", share))
            .argument(option("--character-sets-dir=", &share.join("charsets")))
    }
}

fn option(name: &str, path: &Path) -> OsString {
    let mut option = OsString::from(name);
    option.push(path);
    option
}

fn name_of(path: &Path) -> String {
    path.file_name().unwrap_or(OsStr::new("")).to_string_lossy().into_owned()
}

fn entries(directory: impl AsRef<Path>) -> impl Iterator<Item = PathBuf> {
    std::fs::read_dir(directory).into_iter().flatten().flatten().map(|entry| entry.path())
}
