//! A directory that only we can look into, for the files that mydumper reads.

use std::fs::{DirBuilder, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use secrecy::ExposeSecret;

use crate::{Flavour, ServerFacts, ServerVersion, SourceEndpoint, TlsMode};

/// Holds the option file with the password, and the CA. Removed when dropped.
#[derive(Debug)]
pub struct PrivateDirectory {
    directory: tempfile::TempDir,
    /// The option file.
    pub defaults_file: PathBuf,
    /// The CA, where the endpoint has one.
    pub ca_file: Option<PathBuf>,
}

impl PrivateDirectory {
    /// Writes the files below `parent`, with modes 0700 and 0600.
    ///
    /// # Errors
    /// The file system's.
    pub fn create(
        parent: &Path,
        endpoint: &SourceEndpoint,
        facts: &ServerFacts,
        lock_wait_seconds: u32,
    ) -> io::Result<Self> {
        DirBuilder::new().recursive(true).mode(0o700).create(parent)?;
        let directory = tempfile::Builder::new().prefix("options-").tempdir_in(parent)?;
        let ca_file = match &endpoint.ca_pem {
            Some(pem) => {
                let path = directory.path().join("ca.pem");
                write_private(&path, pem)?;
                Some(path)
            }
            None => None,
        };
        let defaults_file = directory.path().join("mydumper.cnf");
        write_private(&defaults_file, &content(endpoint, facts, lock_wait_seconds, ca_file.as_deref()))?;
        Ok(Self { directory, defaults_file, ca_file })
    }

    /// The directory: a home for the tool that has no other option files in it.
    pub fn path(&self) -> &Path {
        self.directory.path()
    }
}

fn write_private(path: &Path, content: &str) -> io::Result<()> {
    OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)?.write_all(content.as_bytes())
}

/// What the client library reads at every connection of the tool.
fn content(endpoint: &SourceEndpoint, facts: &ServerFacts, lock_wait_seconds: u32, ca_file: Option<&Path>) -> String {
    // A lock that does not come stands in the way of every writer behind it: it is given up in time.
    let mut session = format!("lock_wait_timeout={lock_wait_seconds}, net_write_timeout=3600");
    if facts.flavour == Flavour::Mysql && facts.number >= ServerVersion(8, 0, 32) {
        // Newer versions of the tool read EXPLAIN's old form.
        session.push_str(", explain_format='TRADITIONAL'");
    }
    let mut content = format!(
        "[client]\npassword={}\ninit-command={}\n",
        quoted(endpoint.password.expose_secret()),
        quoted(&format!("SET SESSION {session}"))
    );
    if let (TlsMode::VerifyCa | TlsMode::VerifyIdentity, Some(ca)) = (endpoint.tls, ca_file) {
        content.push_str(&format!("ssl-ca={}\n", quoted(&ca.display().to_string())));
    }
    // MySQL's client library knows `ssl-mode`. MariaDB's checks the chain of a certificate as soon as it knows a CA, and the
    // name by the other option, which it passes over when it has no value.
    match endpoint.tls {
        TlsMode::Disabled | TlsMode::Preferred => {}
        TlsMode::Required => content.push_str("ssl-mode=REQUIRED\n"),
        TlsMode::VerifyCa => content.push_str("ssl-mode=VERIFY_CA\n"),
        TlsMode::VerifyIdentity => content.push_str("ssl-mode=VERIFY_IDENTITY\nssl-verify-server-cert=1\n"),
    }
    content
}

/// A value as option files have it: in quotes, with their escapes.
fn quoted(value: &str) -> String {
    let mut quoted = String::with_capacity(value.len() + 2);
    quoted.push('"');
    for character in value.chars() {
        match character {
            '\\' => quoted.push_str("\\\\"),
            '"' => quoted.push_str("\\\""),
            '\n' => quoted.push_str("\\n"),
            '\r' => quoted.push_str("\\r"),
            '\t' => quoted.push_str("\\t"),
            other => quoted.push(other),
        }
    }
    quoted.push('"');
    quoted
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_escaped() {
        assert_eq!(quoted("pa\"s#s\\ 'x; \n"), r#""pa\"s#s\\ 'x; \n""#);
    }
}
