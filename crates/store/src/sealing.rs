//! Passwords at rest: AES-256-GCM under a key that the database does not hold.
//!
//! What is sealed is bound to the server's id, host and port: copied to another row, or after the row's host was changed,
//! it does not open. So a saved password can never be sent to a host it was not given for.
//!
//! Form: one byte for the version (1), 12 bytes nonce, the ciphertext, 16 bytes tag.

use std::fmt;
use std::sync::Arc;

use aws_lc_rs::aead::{AES_256_GCM, Aad, NONCE_LEN, Nonce, RandomizedNonceKey};
use backtrail_domain::ServerId;
use secrecy::{ExposeSecret, SecretString};

use crate::{Server, StoreError};

const VERSION: u8 = 1;
const TAG_LENGTH: usize = 16;

/// The key. Made from a setting.
#[derive(Clone)]
pub struct SealingKey {
    key: Arc<RandomizedNonceKey>,
}

impl SealingKey {
    /// Reads 64 hex digits.
    ///
    /// # Errors
    /// Text of another form. The text is not repeated.
    pub fn from_hex(text: &SecretString) -> Result<Self, StoreError> {
        let bad = |what| StoreError::Sealing { what };
        let mut bytes = [0; 32];
        hex::decode_to_slice(text.expose_secret().trim(), &mut bytes)
            .map_err(|_| bad("the secret key is not 64 hex digits; make one with `openssl rand -hex 32`"))?;
        let key = RandomizedNonceKey::new(&AES_256_GCM, &bytes).map_err(|_| bad("the secret key cannot be used"))?;
        Ok(Self { key: Arc::new(key) })
    }

    /// The server's password; `None` where none is stored.
    ///
    /// # Errors
    /// It was sealed with another key, or for another server, host or port.
    pub fn unseal(&self, server: &Server) -> Result<Option<SecretString>, StoreError> {
        let Some(sealed) = &server.sealed_password else { return Ok(None) };
        self.open(sealed, &binding(server.id, &server.host, server.port)).map(Some)
    }

    pub(crate) fn seal(
        &self,
        password: &SecretString,
        server_id: ServerId,
        host: &str,
        port: u16,
    ) -> Result<Vec<u8>, StoreError> {
        let mut content = password.expose_secret().as_bytes().to_vec();
        let nonce = self
            .key
            .seal_in_place_append_tag(Aad::from(binding(server_id, host, port)), &mut content)
            .map_err(|_| StoreError::Sealing { what: "the password cannot be sealed" })?;
        let mut sealed = vec![VERSION];
        sealed.extend_from_slice(nonce.as_ref());
        sealed.append(&mut content);
        Ok(sealed)
    }

    fn open(&self, sealed: &[u8], binding: &[u8]) -> Result<SecretString, StoreError> {
        let bad = |what| StoreError::Sealing { what };
        let (version, rest) = sealed.split_first().ok_or(bad("a sealed password is empty; enter it again"))?;
        if *version != VERSION || rest.len() < NONCE_LEN + TAG_LENGTH {
            return Err(bad("a sealed password has a form that this version does not know; enter it again"));
        }
        let (nonce, content) = rest.split_at(NONCE_LEN);
        let nonce = Nonce::try_assume_unique_for_key(nonce).map_err(|_| bad("a sealed password has no nonce"))?;
        let mut content = content.to_vec();
        let plain = self.key.open_in_place(nonce, Aad::from(binding), &mut content).map_err(|_| {
            bad("a saved password was sealed with another secret key or for another host; enter it again")
        })?;
        let plain = std::str::from_utf8(plain).map_err(|_| bad("a saved password is no text; enter it again"))?;
        Ok(SecretString::from(plain))
    }
}

/// Never shows the key.
impl fmt::Debug for SealingKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SealingKey(<hidden>)")
    }
}

/// What a sealed password is good for. The host comes last: nothing in it can be taken for the parts before it.
fn binding(server_id: ServerId, host: &str, port: u16) -> Vec<u8> {
    let mut bytes = server_id.0.as_bytes().to_vec();
    bytes.extend_from_slice(&port.to_be_bytes());
    bytes.extend_from_slice(host.as_bytes());
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;
    use uuid::Uuid;

    fn key(byte: &str) -> SealingKey {
        SealingKey::from_hex(&byte.repeat(32).into()).unwrap()
    }

    #[test]
    fn opens_only_with_its_key_and_for_its_host() {
        let (id, other) = (ServerId(Uuid::from_u128(1)), ServerId(Uuid::from_u128(2)));
        let sealed = key("a7").seal(&"hunter2".into(), id, "db.example", 3306).unwrap();
        assert!(!sealed.windows(7).any(|window| window == b"hunter2"));
        assert_eq!(key("a7").open(&sealed, &binding(id, "db.example", 3306)).unwrap().expose_secret(), "hunter2");
        assert!(key("a8").open(&sealed, &binding(id, "db.example", 3306)).is_err());
        assert!(key("a7").open(&sealed, &binding(other, "db.example", 3306)).is_err());
        assert!(key("a7").open(&sealed, &binding(id, "evil.example", 3306)).is_err());
        assert!(key("a7").open(&sealed, &binding(id, "db.example", 3307)).is_err());
        for length in 0..sealed.len() {
            assert!(key("a7").open(&sealed[..length], &binding(id, "db.example", 3306)).is_err());
        }
        assert_ne!(sealed, key("a7").seal(&"hunter2".into(), id, "db.example", 3306).unwrap());
    }

    /// A password sealed by the first version opens for ever.
    #[test]
    fn version_1_stays_readable() {
        let sealed = hex::decode(include_str!("../golden/sealed-password-v1.hex").trim()).unwrap();
        let opened = key("a7").open(&sealed, &binding(ServerId(Uuid::from_u128(1)), "db.example", 3306)).unwrap();
        assert_eq!(opened.expose_secret(), "correct horse");
    }

    #[test]
    fn refuses_what_is_no_key() {
        for text in ["", "a7", &"a7".repeat(31), &"zz".repeat(32), &"a7".repeat(33)] {
            let error = SealingKey::from_hex(&(*text).into()).unwrap_err();
            assert!(error.to_string().contains("64 hex digits"));
        }
    }
}
