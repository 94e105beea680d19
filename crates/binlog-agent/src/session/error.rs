//! Why a session ends.

use backtrail_binlog::BinlogError;
use backtrail_source::SourceError;
use backtrail_store::StoreError;

use crate::segment::{SpillError, UploadError};

/// Why a session ended.
#[derive(Debug, thiserror::Error)]
pub(crate) enum SessionError {
    /// Another agent reads the server, or nobody shall.
    #[error("the lease of the server was lost")]
    LeaseLost,
    /// Host, account or TLS were changed.
    #[error("the server's registration was changed")]
    ServerChanged,
    /// The source.
    #[error(transparent)]
    Source(#[from] SourceError),
    /// The database.
    #[error(transparent)]
    Store(StoreError),
    /// The object store, or the local disk.
    #[error(transparent)]
    Upload(#[from] UploadError),
    /// What came is not what the server wrote.
    #[error(transparent)]
    Binlog(#[from] BinlogError),
    /// The server cannot be read as it is registered or set up.
    #[error("{0}")]
    Unusable(String),
}

impl From<StoreError> for SessionError {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::LostRace { .. } => Self::LeaseLost,
            error => Self::Store(error),
        }
    }
}

impl From<SpillError> for SessionError {
    fn from(error: SpillError) -> Self {
        Self::Upload(error.into())
    }
}
