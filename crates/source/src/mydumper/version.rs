//! Which mydumper is there.

use std::fmt;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use super::MydumperError;

/// A version of mydumper.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct MydumperVersion(pub u32, pub u32, pub u32);

impl MydumperVersion {
    /// Reads what `mydumper --version` prints: `mydumper 0.10.1, built against MySQL 10.5.8`, `mydumper v0.16.9-1, built …`.
    pub fn parse(text: &str) -> Option<Self> {
        let rest = text.trim_start().strip_prefix("mydumper")?.trim_start().trim_start_matches(['v', 'V']);
        let mut numbers = rest.split(|c: char| !c.is_ascii_digit()).map(|number| number.parse::<u32>().ok());
        Some(Self(numbers.next()??, numbers.next()??, numbers.next().flatten().unwrap_or(0)))
    }
}

impl fmt::Display for MydumperVersion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}.{}", self.0, self.1, self.2)
    }
}

/// What the versions of mydumper can do, by the first release that could.
impl MydumperVersion {
    /// The first that suits every server: what remedies name.
    pub(crate) const RECOMMENDED: &'static str = "1.0";

    /// `--ssl-mode`; from then on `--ssl` alone does nothing where the tool is built with MariaDB's client library.
    pub(crate) fn has_ssl_mode(self) -> bool {
        self >= Self(0, 12, 1)
    }

    /// `SHOW BINARY LOG STATUS`, without which newer MySQL servers do not say where their log stands.
    pub(crate) fn asks_for_binary_log_status(self) -> bool {
        self >= Self(0, 16, 3)
    }

    /// `LOCK INSTANCE FOR BACKUP` on MySQL 8, and `--skip-ddl-locks` to go without.
    pub(crate) fn locks_ddl(self) -> bool {
        self >= Self(0, 16, 3)
    }

    /// `--sync-thread-lock-mode` and `--trx-tables`, in place of `--trx-consistency-only`.
    pub(crate) fn has_lock_modes(self) -> bool {
        self >= Self(0, 18, 1)
    }

    /// `--ftwrl-timeout-retries`.
    pub(crate) fn has_lock_retries(self) -> bool {
        self >= Self(0, 19, 3)
    }

    /// `--server-version`.
    pub(crate) fn takes_server_version(self) -> bool {
        self >= Self(0, 20, 1)
    }

    /// `--no-trx-tables`; the tool takes all tables for transactional without it.
    pub(crate) fn has_no_trx_tables(self) -> bool {
        self >= Self(0, 20, 2)
    }

    /// Whether it takes `DEFAULT_GENERATED`, as MySQL 8 calls a default that is an expression, for a generated column, and
    /// leaves such columns out. Mended in 0.10.3.
    pub fn leaves_out_expression_defaults(self) -> bool {
        self < Self(0, 10, 3)
    }
}

/// A mydumper that can be started.
#[derive(Debug, Clone)]
pub struct Mydumper {
    /// The program.
    pub program: PathBuf,
    /// Its version.
    pub version: MydumperVersion,
}

impl Mydumper {
    /// Asks a program for its version.
    ///
    /// # Errors
    /// It cannot be started, does not answer, or is no mydumper of 0.10 or later.
    pub async fn probe(program: impl AsRef<Path>) -> Result<Self, MydumperError> {
        let program = program.as_ref().to_owned();
        let start = |source| MydumperError::Start { program: program.display().to_string(), source };
        let command = tokio::process::Command::new(&program)
            .arg("--version")
            .env_clear()
            .env("PATH", super::process::SEARCH_PATH)
            .stdin(Stdio::null())
            .kill_on_drop(true)
            .output();
        let output = tokio::time::timeout(Duration::from_secs(10), command)
            .await
            .map_err(|_| start(std::io::ErrorKind::TimedOut.into()))?
            .map_err(start)?;
        let text = String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned();
        let found = || text.lines().next().unwrap_or_default().chars().take(200).collect();
        let version = MydumperVersion::parse(&text)
            .ok_or_else(|| MydumperError::Version { program: program.display().to_string(), found: found() })?;
        if version < MydumperVersion(0, 10, 0) {
            return Err(MydumperError::Version { program: program.display().to_string(), found: found() });
        }
        Ok(Self { program, version })
    }
}

impl fmt::Display for Mydumper {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "mydumper {}", self.version)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_as_printed() {
        for (text, version) in [
            ("mydumper 0.10.1, built against MySQL 10.5.8", Some(MydumperVersion(0, 10, 1))),
            ("mydumper v0.16.9-1, built against MySQL 8.4.6 with SSL support", Some(MydumperVersion(0, 16, 9))),
            ("mydumper v1.0.1-1", Some(MydumperVersion(1, 0, 1))),
            ("bash: mydumper: not found", None),
            ("", None),
        ] {
            assert_eq!(MydumperVersion::parse(text), version, "{text}");
        }
    }
}
