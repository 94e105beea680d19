//! What can go wrong when a part is started, asked or stopped.

use std::path::PathBuf;

/// A failure of the development stack. Every message names the part and says what to do or where to look.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DevstackError {
    /// A program of the distribution is not installed.
    #[error("{program} is not installed; `make prerequisites` installs it (Debian package {package})")]
    MissingProgram {
        /// The program or directory that was looked for.
        program: String,
        /// The Debian package that has it.
        package: &'static str,
    },
    /// A file or directory of the stack could not be read, written or removed.
    #[error("cannot {action} {path}")]
    File {
        /// The verb: "create", "write", "read", …
        action: &'static str,
        /// The file or directory.
        path: PathBuf,
        /// The operating system's answer.
        source: std::io::Error,
    },
    /// A process could not be started at all.
    #[error("cannot start {part}: {program}")]
    Spawn {
        /// The part's name.
        part: String,
        /// The program that was called.
        program: String,
        /// The operating system's answer.
        source: std::io::Error,
    },
    /// A process ended before it was ready, or a helper program failed.
    #[error("{part} ended with {status}; its log {log} says:\n{tail}")]
    Ended {
        /// The part's name.
        part: String,
        /// Its exit status, in words.
        status: String,
        /// Where its output went.
        log: PathBuf,
        /// The last lines of it.
        tail: String,
    },
    /// A part did not answer within its deadline.
    #[error("{part} was not ready after {seconds} s ({last}); its log {log} says:\n{tail}")]
    NotReady {
        /// The part's name.
        part: String,
        /// The deadline that passed.
        seconds: u64,
        /// What the last attempt answered.
        last: String,
        /// Where its output went.
        log: PathBuf,
        /// The last lines of it.
        tail: String,
    },
    /// A running part refused a request.
    #[error("{part} refused to {action}: {reason}")]
    Refused {
        /// The part's name.
        part: &'static str,
        /// What was asked.
        action: String,
        /// What it answered, with the whole chain of causes.
        reason: String,
    },
    /// No free TCP port could be found on the loopback interface.
    #[error("no free TCP port on 127.0.0.1 after {attempts} attempts")]
    NoFreePort {
        /// How many ports were tried.
        attempts: u32,
    },
    /// The host lacks something that the caller can provide.
    #[error("{0}")]
    Unsuitable(String),
}

impl DevstackError {
    pub(crate) fn file(action: &'static str, path: impl Into<PathBuf>) -> impl FnOnce(std::io::Error) -> Self {
        let path = path.into();
        move |source| Self::File { action, path, source }
    }

    pub(crate) fn refused(part: &'static str, action: impl Into<String>, error: &dyn std::error::Error) -> Self {
        Self::Refused { part, action: action.into(), reason: chain(error) }
    }
}

/// The text of an error with all its causes, for messages that people read.
pub(crate) fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(inner) = cause {
        let inner_text = inner.to_string();
        if !text.contains(&inner_text) {
            text.push_str(": ");
            text.push_str(&inner_text);
        }
        cause = inner.source();
    }
    text
}
