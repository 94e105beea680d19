//! What can go wrong between us and the store.

use std::error::Error;
use std::io;
use std::path::PathBuf;

use aws_sdk_s3::config::http::HttpResponse;
use aws_sdk_s3::error::{ProvideErrorMetadata, SdkError};
use backtrail_settings::SecretError;

/// An error of the store. None holds a key.
#[derive(Debug, thiserror::Error)]
pub enum ObjectError {
    /// A key is not set or its file cannot be read.
    #[error(transparent)]
    Secret(#[from] SecretError),
    /// A setting cannot be used.
    #[error("{setting} cannot be used: {reason}")]
    Settings {
        /// Its name.
        setting: &'static str,
        /// Why.
        reason: &'static str,
    },
    /// A text that is no `s3://bucket/prefix`.
    #[error("`{text}` is not an S3 place; write it as in s3://bucket/prefix")]
    Url {
        /// The text.
        text: String,
    },
    /// A key that not every store can hold, or that could be taken for another one.
    #[error("`{key}` cannot be an object's key: {reason}")]
    Key {
        /// The key.
        key: String,
        /// Why.
        reason: &'static str,
    },
    /// There is no such object.
    #[error("{object} does not exist")]
    NotFound {
        /// Its URL.
        object: String,
    },
    /// There is no such bucket.
    #[error("the bucket of {object} does not exist; create it, or mend BACKTRAIL_S3_BUCKET")]
    NoBucket {
        /// URL of what was asked for.
        object: String,
    },
    /// The object is there already, and may not be replaced.
    #[error("{object} exists already and is never replaced")]
    AlreadyExists {
        /// Its URL.
        object: String,
    },
    /// The object became another one while it was read.
    #[error("{object} was replaced while it was read")]
    Changed {
        /// Its URL.
        object: String,
    },
    /// The store refuses us.
    #[error(
        "the store refuses to {action} {object}: {reason}; check the access keys, their permissions and the region"
    )]
    Refused {
        /// What was tried.
        action: &'static str,
        /// On what.
        object: String,
        /// The store's words.
        reason: String,
    },
    /// No connection, no answer in time, or trouble inside the store.
    #[error("the store could not {action} {object}: {reason}")]
    Unavailable {
        /// What was tried.
        action: &'static str,
        /// On what.
        object: String,
        /// The error, with what caused it.
        reason: String,
    },
    /// The store says that the request is wrong.
    #[error("the store did not {action} {object}: {reason}")]
    Rejected {
        /// What was tried.
        action: &'static str,
        /// On what.
        object: String,
        /// The store's words.
        reason: String,
    },
    /// More bytes than the caller, or the store, allows.
    #[error("{object} is larger than {limit} bytes")]
    TooLarge {
        /// Its URL.
        object: String,
        /// The limit.
        limit: u64,
    },
    /// The content is not what it must be.
    #[error("{object} is damaged: {reason}")]
    Damaged {
        /// Its URL or path.
        object: String,
        /// How that shows.
        reason: String,
    },
    /// A file or directory of this machine.
    #[error("{path} cannot be used")]
    File {
        /// Where.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// A place that holds binary logs of more than one server or timeline.
    #[error("{place} holds binary logs of several timelines ({timelines}); name one of them")]
    SeveralTimelines {
        /// Where.
        place: String,
        /// Those found.
        timelines: String,
    },
    /// An upload was given up before its end.
    #[error("the upload of {object} was given up")]
    Abandoned {
        /// Its URL.
        object: String,
    },
}

impl ObjectError {
    /// Whether the same call may succeed later, with nobody changing anything in between.
    pub fn retryable(&self) -> bool {
        match self {
            Self::Unavailable { .. } => true,
            Self::Secret(_)
            | Self::Settings { .. }
            | Self::Url { .. }
            | Self::Key { .. }
            | Self::NotFound { .. }
            | Self::NoBucket { .. }
            | Self::AlreadyExists { .. }
            | Self::Changed { .. }
            | Self::Refused { .. }
            | Self::Rejected { .. }
            | Self::TooLarge { .. }
            | Self::Damaged { .. }
            | Self::File { .. }
            | Self::SeveralTimelines { .. }
            | Self::Abandoned { .. } => false,
        }
    }

    pub(crate) fn damaged(object: &str, reason: impl Into<String>) -> Self {
        Self::Damaged { object: object.to_owned(), reason: reason.into() }
    }

    /// Sorts an error of the SDK. Its own `Debug` holds the whole answer, so it is turned into words here.
    pub(crate) fn of_sdk<E>(action: &'static str, object: &str, error: &SdkError<E, HttpResponse>) -> Self
    where
        E: ProvideErrorMetadata + Error + 'static,
    {
        let object = object.to_owned();
        let code = error.code().unwrap_or_default();
        let status = status(error);
        let said = || {
            let message = error.message().unwrap_or("no more is said");
            match (code, status) {
                ("", Some(status)) => format!("{message} (HTTP status {status})"),
                _ => format!("{message} ({code})"),
            }
        };
        match (code, status) {
            ("NoSuchKey" | "NotFound" | "NoSuchUpload", _) => Self::NotFound { object },
            ("NoSuchBucket", _) => Self::NoBucket { object },
            ("", Some(404)) => Self::NotFound { object },
            (
                "AccessDenied"
                | "InvalidAccessKeyId"
                | "SignatureDoesNotMatch"
                | "AuthorizationHeaderMalformed"
                | "ExpiredToken"
                | "InvalidToken"
                | "RequestTimeTooSkewed"
                | "PermanentRedirect",
                _,
            )
            | (_, Some(401 | 403)) => Self::Refused { action, object, reason: said() },
            ("ConditionalRequestConflict" | "SlowDown" | "RequestTimeout" | "OperationAborted", _)
            | (_, Some(408 | 429 | 500 | 502..=599)) => Self::Unavailable { action, object, reason: said() },
            // A timeout, no connection, an answer that breaks off, an answer that cannot be read.
            _ if !matches!(error, SdkError::ServiceError(_)) => {
                Self::Unavailable { action, object, reason: chain(error) }
            }
            _ => Self::Rejected { action, object, reason: said() },
        }
    }
}

/// The HTTP status of the answer, where there was one.
pub(crate) fn status<E>(error: &SdkError<E, HttpResponse>) -> Option<u16> {
    error.raw_response().map(|response| response.status().as_u16())
}

/// An error and its causes, in one line.
pub(crate) fn chain(error: &(dyn Error + 'static)) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        let more = error.to_string();
        if !text.ends_with(&more) {
            text.push_str(": ");
            text.push_str(&more);
        }
        cause = error.source();
    }
    text
}

/// For the engine's traits and for `AsyncRead`.
impl From<ObjectError> for io::Error {
    fn from(error: ObjectError) -> Self {
        let kind = match &error {
            ObjectError::NotFound { .. } | ObjectError::NoBucket { .. } => io::ErrorKind::NotFound,
            ObjectError::AlreadyExists { .. } => io::ErrorKind::AlreadyExists,
            ObjectError::Refused { .. } => io::ErrorKind::PermissionDenied,
            ObjectError::Damaged { .. } | ObjectError::Changed { .. } => io::ErrorKind::InvalidData,
            ObjectError::File { source, .. } => source.kind(),
            ObjectError::Secret(_)
            | ObjectError::Settings { .. }
            | ObjectError::Url { .. }
            | ObjectError::Key { .. }
            | ObjectError::SeveralTimelines { .. } => io::ErrorKind::InvalidInput,
            ObjectError::Unavailable { .. }
            | ObjectError::Rejected { .. }
            | ObjectError::TooLarge { .. }
            | ObjectError::Abandoned { .. } => io::ErrorKind::Other,
        };
        Self::new(kind, error)
    }
}
