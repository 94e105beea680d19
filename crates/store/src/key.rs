//! What an API key looks like: `bt_live_` and 32 hex digits. Only its SHA-256 is ever stored.

use rand::RngCore;
use secrecy::{ExposeSecret, SecretString};
use sha2::{Digest, Sha256};

const PREFIX: &str = "bt_live_";
const DIGITS: usize = 32;
/// How much of a key is shown in lists, to tell keys apart: 24 of its 128 bits.
const SHOWN: usize = PREFIX.len() + 6;

/// A key as its owner holds it.
pub struct Key(SecretString);

impl Key {
    /// A new key.
    pub fn generate() -> Self {
        let mut bytes = [0; DIGITS / 2];
        rand::rng().fill_bytes(&mut bytes);
        Self(format!("{PREFIX}{}", hex::encode(bytes)).into())
    }

    /// Reads a key; `None` for a text of another form, which needs no look-up.
    pub fn parse(text: &str) -> Option<Self> {
        let digits = text.strip_prefix(PREFIX)?;
        let valid = digits.len() == DIGITS && digits.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'));
        valid.then(|| Self(text.into()))
    }

    /// What is stored.
    pub fn sha256(&self) -> [u8; 32] {
        Sha256::digest(self.0.expose_secret()).into()
    }

    /// What is shown in lists.
    pub fn prefix(&self) -> &str {
        self.0.expose_secret().get(..SHOWN).unwrap_or(PREFIX)
    }

    /// The key itself, for the one answer that shows it.
    pub fn expose(&self) -> &str {
        self.0.expose_secret()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_what_it_makes() {
        let key = Key::generate();
        assert_eq!(Key::parse(key.expose()).unwrap().sha256(), key.sha256());
        assert_eq!(key.prefix().len(), 14);
        assert_ne!(Key::generate().sha256(), key.sha256());
    }

    #[test]
    fn refuses_other_texts() {
        for text in
            ["", "bt_live_", "bt_test_00000000000000000000000000000000", "bt_live_0000000000000000000000000000000"]
        {
            assert!(Key::parse(text).is_none(), "{text}");
        }
        assert!(Key::parse("bt_live_0000000000000000000000000000000G").is_none());
    }
}
