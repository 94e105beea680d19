//! What the store refuses, as an answer.

use backtrail_store::{StoreError, idempotency, pitrs, runs, servers};

use crate::problem::{Code, Problem};

impl From<StoreError> for Problem {
    fn from(error: StoreError) -> Self {
        match &error {
            StoreError::NotFound { what, .. } if *what == pitrs::BASELINE => {
                let detail = "retention has just taken the baseline that the target was to be reached from; choose a later \
                              target, or take a backup now for later ones";
                Problem::new(Code::NoBaseline, detail)
            }
            StoreError::LostRace { what, .. } if *what == idempotency::IDEMPOTENCY_KEY => crate::idempotency::in_use(),
            StoreError::NotFound { what, .. } => Problem::not_found(what),
            StoreError::Conflict { .. } if error.is_conflict(runs::ONE_RUNNING_BACKUP) => {
                Problem::new(Code::BackupAlreadyRunning, "a backup of this server is running; wait for it or cancel it")
            }
            StoreError::Conflict { .. } if error.is_conflict(runs::ONE_RUNNING_PITR) => {
                Problem::new(Code::PitrAlreadyRunning, "a PITR of this server is running; wait for it or cancel it")
            }
            StoreError::Conflict { .. } if error.is_conflict(servers::UNIQUE_NAME) => {
                Problem::new(Code::ServerNameTaken, "another server of yours has this name; choose another").at("/name")
            }
            StoreError::Unknown { .. } => {
                Problem::unavailable("whether the change took place is unknown; look before you repeat it", error)
            }
            _ if error.retryable() => {
                Problem::unavailable("the database cannot be reached right now; try again", error)
            }
            _ => Problem::internal(error),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_baseline_that_went_meanwhile_is_no_baseline() {
        let error = StoreError::NotFound { what: pitrs::BASELINE, id: String::new() };
        assert_eq!(Problem::from(error).code(), Code::NoBaseline);
        let error = StoreError::NotFound { what: "server", id: String::new() };
        assert_eq!(Problem::from(error).code(), Code::NotFound);
    }
}
