//! What can go wrong between us and a source server.

use std::io;
use std::time::Duration;

/// An error of a source server. None holds a password.
#[derive(Debug, thiserror::Error)]
pub enum SourceError {
    /// Nobody answers there.
    #[error("{server} cannot be reached; check host, port and firewall")]
    Unreachable {
        /// `host:port`.
        server: String,
        /// Why.
        source: io::Error,
    },
    /// The connection broke.
    #[error("the connection to {server} broke")]
    Broken {
        /// `host:port`.
        server: String,
        /// How.
        source: io::Error,
    },
    /// No answer in time.
    #[error("{server} did not answer within {} s ({doing})", after.as_secs())]
    Deadline {
        /// `host:port`.
        server: String,
        /// What was waited for.
        doing: String,
        /// How long.
        after: Duration,
    },
    /// TLS is wanted and cannot be had.
    #[error("no TLS with {server}: {reason}")]
    Tls {
        /// `host:port`.
        server: String,
        /// Why.
        reason: String,
    },
    /// The server refuses the account.
    #[error("{server} refuses the login: {message} (error {code}); check user, password and allowed hosts")]
    Login {
        /// `host:port`.
        server: String,
        /// The server's error number.
        code: u16,
        /// The server's words.
        message: String,
    },
    /// The account uses a password plugin that we do not speak.
    #[error(
        "{server} wants the password plugin {plugin}, which is not supported{}; use an account with \
         caching_sha2_password or mysql_native_password", if *.needs_tls { " without verified TLS" } else { "" }
    )]
    Plugin {
        /// `host:port`.
        server: String,
        /// Its name.
        plugin: String,
        /// Whether it would be spoken over TLS with a checked certificate.
        needs_tls: bool,
    },
    /// The server refuses a statement or a command.
    #[error("{server} refuses {doing}: {message} (error {code})")]
    Refused {
        /// `host:port`.
        server: String,
        /// The statement or command.
        doing: String,
        /// The server's error number.
        code: u16,
        /// The server's words.
        message: String,
    },
    /// The server says something that its protocol does not have, or more than we take.
    #[error("{server} sent an answer that cannot be understood: {problem}")]
    Protocol {
        /// `host:port`.
        server: String,
        /// What is wrong.
        problem: String,
    },
    /// The server is of a kind or version, or set up in a way, that we cannot work with.
    #[error("{server} cannot be used: {reason}")]
    Unsuitable {
        /// `host:port`.
        server: String,
        /// Why, and what to do.
        reason: String,
    },
}

/// The dump command's error: a file or position that is not there, among other things.
const MASTER_FATAL_ERROR_READING_BINLOG: u16 = 1236;

impl SourceError {
    /// Whether the same call may succeed later, with nobody changing anything in between.
    pub fn retryable(&self) -> bool {
        match self {
            Self::Unreachable { .. } | Self::Broken { .. } | Self::Deadline { .. } => true,
            // Too many connections, server shutdown in progress, lock wait timeout, deadlock, query interrupted,
            // connection killed, too many connections of the user.
            Self::Login { code, .. } | Self::Refused { code, .. } => {
                matches!(code, 1040 | 1053 | 1203 | 1205 | 1213 | 1226 | 1317 | 1927 | 3024)
            }
            Self::Tls { .. } | Self::Plugin { .. } | Self::Protocol { .. } | Self::Unsuitable { .. } => false,
        }
    }

    /// Whether the server cannot send the binary log from the place asked for: it was purged, or was never there.
    pub fn is_binlog_not_there(&self) -> bool {
        matches!(self, Self::Refused { code: MASTER_FATAL_ERROR_READING_BINLOG, .. })
    }

    /// The server's error number, where it gave one.
    pub fn code(&self) -> Option<u16> {
        match self {
            Self::Login { code, .. } | Self::Refused { code, .. } => Some(*code),
            _ => None,
        }
    }
}
