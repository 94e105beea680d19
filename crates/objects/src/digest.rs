//! Reading with size and checksum checked.

use std::io::{self, Read};

use backtrail_contracts::manifest::ManifestFile;
use sha2::{Digest, Sha256};

use crate::ObjectError;

/// Passes bytes through, and fails at their end unless size and SHA-256 are the ones that were promised. Whoever stops
/// before the end has checked nothing.
pub struct CheckedReader<R> {
    inner: R,
    name: String,
    size: u64,
    sha256: String,
    seen: u64,
    digest: Sha256,
    checked: bool,
}

impl<R: Read> CheckedReader<R> {
    /// Checks a stored file: `name` is for messages, `size` and `sha256` (hex) are those of the stored bytes.
    pub fn new(inner: R, name: impl Into<String>, size: u64, sha256: impl Into<String>) -> Self {
        let (name, sha256) = (name.into(), sha256.into());
        Self { inner, name, size, sha256, seen: 0, digest: Sha256::new(), checked: false }
    }

    /// Checks a file that a manifest lists.
    pub fn of_file(inner: R, file: &ManifestFile) -> Self {
        Self::new(inner, file.name.clone(), file.size, file.sha256.clone())
    }

    fn check(&mut self) -> io::Result<()> {
        if self.checked {
            return Ok(());
        }
        let found = hex::encode(std::mem::take(&mut self.digest).finalize());
        if self.seen != self.size {
            let reason = format!("it has {} bytes where {} were stored", self.seen, self.size);
            return Err(ObjectError::damaged(&self.name, reason).into());
        }
        if !found.eq_ignore_ascii_case(&self.sha256) {
            let reason = format!("its SHA-256 is {found} where {} was stored", self.sha256);
            return Err(ObjectError::damaged(&self.name, reason).into());
        }
        self.checked = true;
        Ok(())
    }
}

impl<R: Read> Read for CheckedReader<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if buffer.is_empty() {
            return Ok(0);
        }
        let count = self.inner.read(buffer)?;
        if count == 0 {
            self.check()?;
            return Ok(0);
        }
        self.seen += count as u64;
        if self.seen > self.size {
            let reason = format!("it has more than the {} bytes that were stored", self.size);
            return Err(ObjectError::damaged(&self.name, reason).into());
        }
        self.digest.update(buffer.get(..count).unwrap_or_default());
        Ok(count)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn damage_is_seen_at_the_end() {
        let sha256 = hex::encode(Sha256::digest(b"content"));
        let read = |content: &'static [u8], size| {
            let mut read = Vec::new();
            CheckedReader::new(content, "file", size, sha256.clone()).read_to_end(&mut read).map(|_| read)
        };
        assert_eq!(read(b"content", 7).unwrap(), b"content");
        for (content, size) in [(&b"c0ntent"[..], 7), (b"conten", 7), (b"contents", 7), (b"", 7), (b"content", 8)] {
            let error = read(content, size).unwrap_err();
            assert_eq!(error.kind(), io::ErrorKind::InvalidData);
            assert!(error.to_string().contains("file is damaged"), "{error}");
        }
    }
}
