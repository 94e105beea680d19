//! What can go wrong between a service and its database.

use backtrail_domain::run::RefusedMove;
use backtrail_domain::{BinlogPosition, ServerId};
use backtrail_settings::SecretError;
use diesel::result::{DatabaseErrorKind, Error as DieselError};

/// Why an operation on the store failed.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// No such row, or none that this tenant may see.
    #[error("there is no {what} {id}")]
    NotFound {
        /// What was looked for, e.g. `server`.
        what: &'static str,
        /// Its id or name.
        id: String,
    },
    /// A rule of the database forbids it: something of that name exists, or one is running already.
    #[error("refused by the rule `{constraint}`")]
    Conflict {
        /// The constraint or unique index, as in the constants of the modules, e.g. [`ONE_RUNNING_BACKUP`](crate::runs::ONE_RUNNING_BACKUP).
        constraint: String,
    },
    /// Somebody else moved it first: the lease is lost, and whoever held it must stop.
    #[error("{what} {id} is no longer ours: its lease was lost")]
    LostRace {
        /// What was held.
        what: &'static str,
        /// Its id.
        id: String,
    },
    /// The run's state does not allow the move.
    #[error("run {id} does not allow that")]
    Refused {
        /// The run.
        id: String,
        /// State and event.
        source: RefusedMove,
    },
    /// A segment that does not begin where the archive ends, without a gap that says so.
    #[error("the archive of server {server} ends at {expected}, and the segment begins at {found}")]
    NotContinuous {
        /// The source server.
        server: String,
        /// Where the archive ends.
        expected: Box<BinlogPosition>,
        /// Where the segment begins.
        found: Box<BinlogPosition>,
    },
    /// The database cannot be reached, or is too busy. Nothing was changed; trying again later may help.
    #[error("the database is not available")]
    Unavailable {
        /// Why.
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// The connection broke while a change was being committed: it may or may not have happened.
    #[error("the connection to the database broke; whether the change took place is unknown")]
    Unknown {
        /// Why.
        source: DieselError,
    },
    /// The database refused a statement: a mistake of ours, or a schema of another version.
    #[error("the database refused a statement")]
    Database {
        /// Why.
        source: DieselError,
    },
    /// A row holds what it must not hold.
    #[error("{table} {id} holds an invalid {column}: {reason}")]
    Corrupt {
        /// The table.
        table: &'static str,
        /// The row.
        id: String,
        /// The column.
        column: &'static str,
        /// What is wrong with it.
        reason: String,
    },
    /// The database's schema is not the one that this code was written for.
    #[error("the database is not migrated to this version; run `backtrail admin migrate`")]
    NotMigrated,
    /// The database's schema could not be brought up to date.
    #[error("the database could not be migrated")]
    Migration {
        /// Why.
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// A setting is missing or unusable.
    #[error("a setting of the store is unusable")]
    Settings {
        /// Which.
        source: SecretError,
    },
    /// The database's URL is not one. Its text is not repeated: it holds a password.
    #[error("the database URL is unusable: {reason}; write `postgres://user:password@host:port/name`")]
    Url {
        /// What is wrong with it.
        reason: String,
    },
    /// A secret cannot be sealed or opened.
    #[error("{what}")]
    Sealing {
        /// What happened and what to do.
        what: &'static str,
    },
    /// A value does not fit a column.
    #[error("{what} is out of range")]
    OutOfRange {
        /// The value's name.
        what: &'static str,
    },
}

impl StoreError {
    pub(crate) fn not_continuous(server: ServerId, expected: BinlogPosition, found: BinlogPosition) -> Self {
        Self::NotContinuous { server: server.to_string(), expected: Box::new(expected), found: Box::new(found) }
    }

    /// Whether the same call may succeed later without anything else having changed.
    pub fn retryable(&self) -> bool {
        match self {
            // `Unknown` is not: the caller has to look first.
            Self::Unavailable { .. } => true,
            Self::Database { source } => is_transient(source),
            Self::NotFound { .. }
            | Self::Conflict { .. }
            | Self::LostRace { .. }
            | Self::Refused { .. }
            | Self::NotContinuous { .. }
            | Self::Unknown { .. }
            | Self::Corrupt { .. }
            | Self::NotMigrated
            | Self::Migration { .. }
            | Self::Settings { .. }
            | Self::Url { .. }
            | Self::Sealing { .. }
            | Self::OutOfRange { .. } => false,
        }
    }

    /// Whether a write that may be repeated, as every one under a token that sets a state may, is worth repeating: also one
    /// whose fate is unknown.
    pub fn worth_repeating(&self) -> bool {
        self.retryable() || matches!(self, Self::Unknown { .. })
    }

    /// Whether a rule of this name was violated.
    pub fn is_conflict(&self, rule: &str) -> bool {
        matches!(self, Self::Conflict { constraint } if constraint == rule)
    }
}

fn is_transient(error: &DieselError) -> bool {
    matches!(error, DieselError::DatabaseError(DatabaseErrorKind::SerializationFailure, _))
}

/// Whether the connection is gone, or the server has something better to do: the statement was not carried out.
pub(crate) fn is_disconnect(error: &DieselError) -> bool {
    match error {
        DieselError::DatabaseError(DatabaseErrorKind::ClosedConnection | DatabaseErrorKind::UnableToSendCommand, _)
        | DieselError::BrokenTransactionManager
        | DieselError::AlreadyInTransaction
        | DieselError::NotInTransaction => true,
        // Diesel passes no SQLSTATE on.
        DieselError::DatabaseError(_, information) => {
            ["terminating connection", "the database system is", "deadlock detected", "canceling statement due to"]
                .iter()
                .any(|text| information.message().starts_with(text))
        }
        DieselError::RollbackErrorOnCommit { commit_error, .. } => is_disconnect(commit_error),
        _ => false,
    }
}

/// Diesel's errors, as they come out of queries. Every write is in a transaction, so before its commit a broken
/// connection means that nothing was changed.
impl From<DieselError> for StoreError {
    fn from(source: DieselError) -> Self {
        match source {
            DieselError::DatabaseError(
                DatabaseErrorKind::UniqueViolation
                | DatabaseErrorKind::ForeignKeyViolation
                | DatabaseErrorKind::CheckViolation,
                ref information,
            ) => Self::Conflict { constraint: information.constraint_name().unwrap_or("unnamed").to_owned() },
            source if is_disconnect(&source) => Self::Unavailable { source: Box::new(source) },
            source => Self::Database { source },
        }
    }
}
