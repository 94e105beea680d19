//! What the gateway derives from the installation's secret key, for itself: the key of request digests, and the one that
//! seals stored answers. (The passwords of servers are the store's business.)

use aws_lc_rs::aead::{AES_256_GCM, Aad, NONCE_LEN, Nonce, RandomizedNonceKey};
use secrecy::{ExposeSecret, SecretString};
use sha2::{Digest, Sha256};

/// See the module.
pub(crate) struct Secrets {
    /// Goes in front of what is digested.
    pub(crate) digest: [u8; 32],
    answers: RandomizedNonceKey,
}

impl Secrets {
    /// Derives both keys.
    pub(crate) fn derive(secret_key: &SecretString) -> Result<Self, SecretsError> {
        let derive = |purpose: &str| -> [u8; 32] {
            let mut digest = Sha256::new();
            digest.update(purpose);
            digest.update([0]);
            digest.update(secret_key.expose_secret().to_ascii_lowercase());
            digest.finalize().into()
        };
        let answers =
            RandomizedNonceKey::new(&AES_256_GCM, &derive("gateway: stored answers")).map_err(|_| SecretsError::Key)?;
        Ok(Self { digest: derive("gateway: request digests"), answers })
    }

    /// Seals `content`, bound to `owner`: the nonce, then the sealed bytes.
    pub(crate) fn seal(&self, owner: &[u8], content: &[u8]) -> Result<Vec<u8>, SecretsError> {
        let mut sealed = content.to_vec();
        let nonce =
            self.answers.seal_in_place_append_tag(Aad::from(owner), &mut sealed).map_err(|_| SecretsError::Seal)?;
        Ok([nonce.as_ref().as_slice(), &sealed].concat())
    }

    /// Opens what was sealed for `owner`.
    pub(crate) fn open(&self, owner: &[u8], sealed: Vec<u8>) -> Result<Vec<u8>, SecretsError> {
        let (nonce, content) = sealed.split_at_checked(NONCE_LEN).ok_or(SecretsError::Open)?;
        let nonce = Nonce::try_assume_unique_for_key(nonce).map_err(|_| SecretsError::Open)?;
        let mut content = content.to_vec();
        let length =
            self.answers.open_in_place(nonce, Aad::from(owner), &mut content).map_err(|_| SecretsError::Open)?.len();
        content.truncate(length);
        Ok(content)
    }
}

/// Sealing or opening failed. The library gives no reasons, on purpose.
#[derive(Debug, thiserror::Error)]
pub(crate) enum SecretsError {
    #[error("no sealing key can be derived")]
    Key,
    #[error("an answer cannot be sealed")]
    Seal,
    #[error("a stored answer does not open; it was sealed under another secret key")]
    Open,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn opens_what_it_sealed_for_its_owner_only() {
        let secrets = Secrets::derive(&"00".repeat(32).into()).unwrap();
        let sealed = secrets.seal(b"tenant a", b"content").unwrap();
        assert_ne!(secrets.seal(b"tenant a", b"content").unwrap(), sealed);
        assert_eq!(secrets.open(b"tenant a", sealed.clone()).unwrap(), b"content");
        assert!(secrets.open(b"tenant b", sealed.clone()).is_err());
        assert!(secrets.open(b"tenant a", sealed[..20].to_vec()).is_err());
        assert!(secrets.open(b"tenant a", Vec::new()).is_err());
        let other = Secrets::derive(&"01".repeat(32).into()).unwrap();
        assert!(other.open(b"tenant a", sealed).is_err());
    }
}
