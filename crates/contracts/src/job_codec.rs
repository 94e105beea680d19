//! [`Job`] as bytes.

use prost::Message;

use crate::jobs::Job;

/// The longest encoded job, in bytes. One names a run by ids; what is longer was not made by us.
pub const JOB_LIMIT: usize = 4096;

impl Job {
    /// The bytes of a queue message.
    ///
    /// # Errors
    /// The job is longer than [`JOB_LIMIT`] or names no work.
    pub fn to_bytes(&self) -> Result<Vec<u8>, JobCodecError> {
        if self.job.is_none() {
            return Err(JobCodecError::NoWork);
        }
        match self.encoded_len() {
            length if length > JOB_LIMIT => Err(JobCodecError::TooLong { length }),
            _ => Ok(self.encode_to_vec()),
        }
    }

    /// Reads a queue message. Fields that a newer version added are passed over.
    ///
    /// # Errors
    /// The bytes are too long, no job, or a job of a kind that this version does not know.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, JobCodecError> {
        if bytes.len() > JOB_LIMIT {
            return Err(JobCodecError::TooLong { length: bytes.len() });
        }
        let job = Self::decode(bytes).map_err(|source| JobCodecError::Malformed { source })?;
        if job.job.is_none() {
            return Err(JobCodecError::NoWork);
        }
        Ok(job)
    }
}

/// Why bytes are no job, or a job no message.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum JobCodecError {
    /// Longer than any message of ours.
    #[error("a job message of {length} bytes is longer than {JOB_LIMIT}")]
    TooLong {
        /// Bytes.
        length: usize,
    },
    /// No protobuf, or not of this schema.
    #[error("a job message is malformed")]
    Malformed {
        /// Why.
        source: prost::DecodeError,
    },
    /// Neither a backup nor a PITR.
    #[error("a job message names no work that this version knows; a newer version may have sent it")]
    NoWork,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::jobs::{RunBackup, job};

    #[test]
    fn refuses_what_is_no_job() {
        assert_eq!(Job::from_bytes(&[]), Err(JobCodecError::NoWork));
        assert!(matches!(Job::from_bytes(b"\xff\xff\xff"), Err(JobCodecError::Malformed { .. })));
        assert_eq!(Job::from_bytes(&[0; 5000]), Err(JobCodecError::TooLong { length: 5000 }));
        assert_eq!(Job::default().to_bytes(), Err(JobCodecError::NoWork));
        let long =
            Job { traceparent: "x".repeat(5000), job: Some(job::Job::Backup(RunBackup::default())), ..Job::default() };
        assert!(matches!(long.to_bytes(), Err(JobCodecError::TooLong { .. })));
        // A kind of a later version: field 15, empty.
        assert_eq!(Job::from_bytes(&[0x7a, 0x00]), Err(JobCodecError::NoWork));
    }
}
