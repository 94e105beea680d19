//! Why work did not come to its end.

use backtrail_service::telemetry;
use backtrail_store::StoreError;

/// Why a try of a run ended without a result.
#[derive(Debug, thiserror::Error)]
pub enum WorkError {
    /// The try failed.
    #[error("{message}")]
    Failed {
        /// Stable word for programs, e.g. `source_unreachable`.
        code: &'static str,
        /// For people: what failed, on what, and what to do. Never a secret.
        message: String,
        /// Whether another try may help.
        retryable: bool,
        /// The tail of a tool's output, where one ran.
        tool_log: Option<String>,
    },
    /// The work was told to stop ([`Lease::stopped`](crate::Lease::stopped)) and did.
    #[error("the work was stopped")]
    Stopped,
}

impl WorkError {
    /// A failure that another try would meet again.
    pub fn failed(code: &'static str, message: impl Into<String>) -> Self {
        Self::Failed { code, message: message.into(), retryable: false, tool_log: None }
    }

    /// A failure that another try may not meet. `error` is written with its chain.
    pub fn of(code: &'static str, retryable: bool, error: &(dyn std::error::Error + 'static)) -> Self {
        Self::Failed { code, message: telemetry::chain(error).to_string(), retryable, tool_log: None }
    }

    /// The same failure with the tail of a tool's output.
    pub fn with_tool_log(self, log: String) -> Self {
        match self {
            Self::Failed { code, message, retryable, .. } => {
                Self::Failed { code, message, retryable, tool_log: Some(log) }
            }
            Self::Stopped => Self::Stopped,
        }
    }
}

impl From<StoreError> for WorkError {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::LostRace { .. } => Self::Stopped,
            error => Self::of("database", error.worth_repeating(), &error),
        }
    }
}
