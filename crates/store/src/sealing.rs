//! Passwords at rest: AES-256-GCM under a key that the database does not hold.
//!
//! What is sealed is bound to the server's id, host and port: copied to another row, or after the row's host was changed,
//! it does not open. So a saved password can never be sent to a host it was not given for.

use secrecy::SecretString;

use crate::{Server, StoreError};

/// The key. Made from a setting.
#[derive(Clone)]
pub struct SealingKey {}

impl SealingKey {
    /// Reads 64 hex digits.
    pub fn from_hex(text: &SecretString) -> Result<Self, StoreError> {
        todo!()
    }

    /// The server's password; `None` where none is stored.
    pub fn unseal(&self, server: &Server) -> Result<Option<SecretString>, StoreError> {
        todo!()
    }
}
