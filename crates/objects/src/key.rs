//! Keys, and what they say.

use std::fmt;
use std::str::FromStr;

use backtrail_domain::{BinlogFile, Timeline};

use crate::ObjectError;

/// The protocol's limit, in bytes.
const LONGEST_KEY: usize = 1024;

/// Refuses keys that a store, or a directory made from one, could take for another key.
pub(crate) fn check_key(key: &str) -> Result<(), ObjectError> {
    let reason = if key.is_empty() {
        "it is empty"
    } else if key.len() > LONGEST_KEY {
        "it is longer than 1024 bytes"
    } else if key.chars().any(char::is_control) {
        "it holds a control character"
    } else if key.split('/').any(|part| part.is_empty() || part == "." || part == "..") {
        "one of its parts is empty, `.` or `..`"
    } else {
        return Ok(());
    };
    Err(ObjectError::Key { key: key.to_owned(), reason })
}

/// A place on S3: `s3://bucket` or `s3://bucket/prefix`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct S3Url {
    /// The bucket.
    pub bucket: String,
    /// Without slashes at its ends; may be empty.
    pub prefix: String,
}

impl S3Url {
    /// Whether a text that names a place means one on S3.
    pub fn is_s3(text: &str) -> bool {
        text.starts_with("s3://")
    }
}

impl FromStr for S3Url {
    type Err = ObjectError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let bad = || ObjectError::Url { text: text.to_owned() };
        let rest = text.strip_prefix("s3://").ok_or_else(bad)?;
        let (bucket, prefix) = rest.split_once('/').unwrap_or((rest, ""));
        let prefix = prefix.trim_matches('/');
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || b".-_".contains(&byte);
        if bucket.is_empty() || !bucket.bytes().all(plain) || (!prefix.is_empty() && check_key(prefix).is_err()) {
            return Err(bad());
        }
        Ok(Self { bucket: bucket.to_owned(), prefix: prefix.to_owned() })
    }
}

impl fmt::Display for S3Url {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "s3://{}/{}", self.bucket, self.prefix)
    }
}

/// What the end of a segment's key says: the events of one binlog file from one offset to another.
///
/// Written `<file>/<start>-<end>.binlog.zst`, offsets with 20 digits so that keys sort like offsets.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct SegmentName {
    /// The server's file.
    pub file: BinlogFile,
    /// Offset of the first event.
    pub start: u64,
    /// Offset of the end of the last event.
    pub end: u64,
}

impl SegmentName {
    /// The whole key: `binlogs/<tenant>/<server>/<timeline>/<file>/<start>-<end>.binlog.zst`.
    pub fn key(&self, tenant: &str, server: &str, timeline: &Timeline) -> String {
        format!("binlogs/{tenant}/{server}/{timeline}/{self}")
    }

    /// Reads the end of a key or path. Somebody who copied segments into one directory may have joined the file's name and
    /// the offsets by a dot, a dash or an underscore; and a segment may be decompressed, or compressed otherwise.
    pub fn parse(path: &str) -> Option<Self> {
        let (directory, name) = path.rsplit_once('/').unwrap_or(("", path));
        let name = strip_compression(name).strip_suffix(".binlog")?;
        let (front, end) = name.rsplit_once('-')?;
        let digits = front.len() - front.bytes().rev().take_while(u8::is_ascii_digit).count();
        let (joined, start) = front.split_at_checked(digits)?;
        let file =
            if joined.is_empty() { directory.rsplit('/').next()? } else { joined.strip_suffix(['.', '-', '_'])? };
        let (file, start, end) = (file.parse().ok()?, offset(start)?, offset(end)?);
        (start < end).then_some(Self { file, start, end })
    }
}

fn offset(text: &str) -> Option<u64> {
    (text.len() == 20 && text.bytes().all(|byte| byte.is_ascii_digit())).then(|| text.parse().ok())?
}

/// A name without `.zst` or `.gz`.
pub(crate) fn strip_compression(name: &str) -> &str {
    name.strip_suffix(".zst").or_else(|| name.strip_suffix(".gz")).unwrap_or(name)
}

impl fmt::Display for SegmentName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{:020}-{:020}.binlog.zst", self.file, self.start, self.end)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn segment_keys() {
        let name = SegmentName { file: "my.odd-1.000012".parse().unwrap(), start: 4, end: 1 << 33 };
        let key = name.key("acme", "shop", &"mariadb-77-1".parse().unwrap());
        assert_eq!(
            key,
            "binlogs/acme/shop/mariadb-77-1/my.odd-1.000012/00000000000000000004-00000000008589934592.binlog.zst"
        );
        assert_eq!(SegmentName::parse(&key), Some(name.clone()));
        for flat in [
            "my.odd-1.000012/00000000000000000004-00000000008589934592.binlog",
            "x/my.odd-1.000012.00000000000000000004-00000000008589934592.binlog.gz",
            "my.odd-1.000012-00000000000000000004-00000000008589934592.binlog.zst",
            "my.odd-1.000012_00000000000000000004-00000000008589934592.binlog.zst",
        ] {
            assert_eq!(SegmentName::parse(flat), Some(name.clone()), "{flat}");
        }
        for other in [
            "",
            "binlog.000001",
            "binlog.000001/4-8.binlog.zst",
            "binlog.000001/00000000000000000008-00000000000000000004.binlog.zst",
            "00000000000000000004-00000000000000000008.binlog.zst",
            "notes/00000000000000000004-00000000000000000008.binlog.zst",
            "binlog.000001/00000000000000000004-00000000000000000008.json",
        ] {
            assert_eq!(SegmentName::parse(other), None, "{other}");
        }
    }

    #[test]
    fn places_on_s3() {
        let url = |text: &str| text.parse::<S3Url>().map(|url| (url.bucket, url.prefix)).ok();
        let pair = |bucket: &str, prefix: &str| Some((bucket.to_owned(), prefix.to_owned()));
        assert_eq!(url("s3://bucket"), pair("bucket", ""));
        assert_eq!(url("s3://bucket/a/b/"), pair("bucket", "a/b"));
        for text in ["bucket/a", "s3://", "s3:///a", "s3://b/../c", "s3://b/a//b", "s3://user:word@host/x"] {
            assert_eq!(url(text), None, "{text}");
        }
    }

    #[test]
    fn keys_that_no_store_should_get() {
        for key in ["", "/a", "a//b", "a/../b", "a/", "a\nb", &"x".repeat(1025)] {
            assert!(check_key(key).is_err(), "{key}");
        }
        assert!(check_key("backups/acme/shop/2026-04-13/020000/shop.t able.sql.zst").is_ok());
    }
}
