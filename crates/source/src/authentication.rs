//! Passwords: proofs of knowing one, for the stock plugins.
//!
//! Sources: <https://dev.mysql.com/doc/dev/mysql-server/latest/page_caching_sha2_authentication_exchanges.html>,
//! <https://dev.mysql.com/doc/dev/mysql-server/latest/page_protocol_connection_phase_authentication_methods_native_password_authentication.html>

use aws_lc_rs::digest::{Context, SHA1_FOR_LEGACY_USE_ONLY, SHA256, digest};
use aws_lc_rs::rsa::{OAEP_SHA1_MGF1SHA1, OaepPublicEncryptingKey, PublicEncryptingKey};
use rustls::pki_types::SubjectPublicKeyInfoDer;
use rustls::pki_types::pem::PemObject;

/// A plugin that we speak.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Plugin {
    /// `mysql_native_password`.
    Native,
    /// `caching_sha2_password`.
    CachingSha2,
    /// `mysql_clear_password`: PAM and LDAP. Only over TLS with a checked certificate.
    Clear,
}

impl Plugin {
    pub(crate) fn named(name: &[u8]) -> Option<Self> {
        match name {
            b"mysql_native_password" => Some(Self::Native),
            b"caching_sha2_password" => Some(Self::CachingSha2),
            b"mysql_clear_password" => Some(Self::Clear),
            _ => None,
        }
    }

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Native => "mysql_native_password",
            Self::CachingSha2 => "caching_sha2_password",
            Self::Clear => "mysql_clear_password",
        }
    }

    /// The answer to the server's challenge; nothing for an empty password.
    pub(crate) fn answer(self, password: &str, challenge: &[u8]) -> Vec<u8> {
        let password = password.as_bytes();
        match self {
            Self::Clear => [password, &[0]].concat(),
            _ if password.is_empty() => Vec::new(),
            Self::Native => {
                let once = digest(&SHA1_FOR_LEGACY_USE_ONLY, password);
                let twice = digest(&SHA1_FOR_LEGACY_USE_ONLY, once.as_ref());
                let mut mask = Context::new(&SHA1_FOR_LEGACY_USE_ONLY);
                mask.update(challenge);
                mask.update(twice.as_ref());
                exclusive_or(once.as_ref(), mask.finish().as_ref())
            }
            Self::CachingSha2 => {
                let once = digest(&SHA256, password);
                let twice = digest(&SHA256, once.as_ref());
                let mut mask = Context::new(&SHA256);
                mask.update(twice.as_ref());
                mask.update(challenge);
                exclusive_or(once.as_ref(), mask.finish().as_ref())
            }
        }
    }
}

fn exclusive_or(bytes: &[u8], mask: &[u8]) -> Vec<u8> {
    bytes.iter().zip(mask).map(|(byte, mask)| byte ^ mask).collect()
}

/// The password under the server's public key, for a connection without TLS; `None` for a key that cannot be used.
pub(crate) fn encrypt(password: &str, challenge: &[u8], key_pem: &[u8]) -> Option<Vec<u8>> {
    let masked: Vec<u8> =
        [password.as_bytes(), &[0]].concat().iter().zip(challenge.iter().cycle()).map(|(a, b)| a ^ b).collect();
    let key = SubjectPublicKeyInfoDer::from_pem_slice(key_pem).ok()?;
    let key = OaepPublicEncryptingKey::new(PublicEncryptingKey::from_der(key.as_ref()).ok()?).ok()?;
    let mut encrypted = vec![0; key.ciphertext_size()];
    let written = key.encrypt(&OAEP_SHA1_MGF1SHA1, &masked, &mut encrypted, None).ok()?.len();
    encrypted.truncate(written);
    Some(encrypted)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_have_the_length_of_their_hash() {
        assert_eq!(Plugin::Native.answer("secret", &[7; 20]).len(), 20);
        assert_eq!(Plugin::CachingSha2.answer("secret", &[7; 20]).len(), 32);
        assert!(Plugin::Native.answer("", &[7; 20]).is_empty());
        assert_eq!(Plugin::Clear.answer("a", &[]), b"a\0");
        assert!(encrypt("secret", &[7; 20], b"no key").is_none());
    }
}
