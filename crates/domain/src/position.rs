//! Places in a server's binary log.

use std::cmp::Ordering;
use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// A binary log file's name: a base and a number, `binlog.000012`.
///
/// Ordered by number, never as text: after `binlog.999999` comes `binlog.1000000`. Files of different bases come from
/// different logs and are ordered by base only so that the order is total.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct BinlogFile {
    base: String,
    /// As written: leading zeros are part of the file's name.
    digits: String,
    number: u64,
}

impl BinlogFile {
    /// The part before the last dot.
    pub fn base(&self) -> &str {
        &self.base
    }

    /// The number after the last dot.
    pub fn number(&self) -> u64 {
        self.number
    }

    /// Whether `next` is the file a server opens when it rotates out of this one.
    pub fn is_followed_by(&self, next: &BinlogFile) -> bool {
        self.base == next.base && self.number.checked_add(1) == Some(next.number)
    }
}

impl FromStr for BinlogFile {
    type Err = ParsePositionError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let bad =
            || ParsePositionError { text: text.to_owned(), expected: "a binlog file name such as `binlog.000001`" };
        let (base, digits) = text.rsplit_once('.').ok_or_else(bad)?;
        if base.is_empty()
            || base.contains(['/', '\\', '\0'])
            || digits.is_empty()
            || !digits.bytes().all(|b| b.is_ascii_digit())
        {
            return Err(bad());
        }
        let number = digits.parse().map_err(|_| bad())?;
        Ok(Self { base: base.to_owned(), digits: digits.to_owned(), number })
    }
}

impl fmt::Display for BinlogFile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.base, self.digits)
    }
}

impl Ord for BinlogFile {
    fn cmp(&self, other: &Self) -> Ordering {
        (&self.base, self.number, &self.digits).cmp(&(&other.base, other.number, &other.digits))
    }
}

impl PartialOrd for BinlogFile {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

/// A place in a binary log: the offset of an event's first byte, or of the end of the last one.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct BinlogPosition {
    /// The file.
    pub file: BinlogFile,
    /// Bytes from the file's start; 64 bits, since files grow past 4 GiB.
    pub offset: u64,
}

impl FromStr for BinlogPosition {
    type Err = ParsePositionError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let bad =
            || ParsePositionError { text: text.to_owned(), expected: "`file:position`, such as `binlog.000001:4`" };
        let (file, offset) = text.rsplit_once(':').ok_or_else(bad)?;
        if offset.is_empty() || !offset.bytes().all(|b| b.is_ascii_digit()) {
            return Err(bad());
        }
        Ok(Self { file: file.parse()?, offset: offset.parse().map_err(|_| bad())? })
    }
}

impl fmt::Display for BinlogPosition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.file, self.offset)
    }
}

/// A text that is no binlog file name or position.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{text}` is not {expected}")]
pub struct ParsePositionError {
    text: String,
    expected: &'static str,
}

macro_rules! serde_as_text {
    ($($name:ty),+) => {$(
        impl Serialize for $name {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(self)
            }
        }
        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
            }
        }
    )+};
}
pub(crate) use serde_as_text;

serde_as_text!(BinlogFile, BinlogPosition);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_are_ordered_by_number() {
        let file = |text: &str| text.parse::<BinlogFile>().unwrap();
        assert!(file("binlog.999999") < file("binlog.1000000"));
        assert!(file("binlog.999999").is_followed_by(&file("binlog.1000000")));
        assert!(!file("binlog.000001").is_followed_by(&file("binlog.000003")));
        assert!(!file("a.000001").is_followed_by(&file("b.000002")));
        assert_eq!(file("my.odd-base.000042").to_string(), "my.odd-base.000042");
    }

    #[test]
    fn positions_beyond_four_gib() {
        let position: BinlogPosition = "binlog.000001:8589934592".parse().unwrap();
        assert_eq!(position.offset, 1 << 33);
        assert_eq!(position.to_string(), "binlog.000001:8589934592");
    }

    #[test]
    fn refuses_what_is_no_position() {
        for text in
            ["", "binlog", "binlog.", ".000001", "binlog.00x1", "../binlog.000001", "binlog.99999999999999999999"]
        {
            assert!(text.parse::<BinlogFile>().is_err(), "{text}");
        }
        for text in ["binlog.000001", "binlog.000001:", "binlog.000001:-4", "binlog.000001:+4", ":4"] {
            assert!(text.parse::<BinlogPosition>().is_err(), "{text}");
        }
    }
}
