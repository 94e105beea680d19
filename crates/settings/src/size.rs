//! Sizes in bytes.

use std::fmt;
use std::str::FromStr;

/// A number of bytes, written `4096`, `64KiB`, `256MiB`, `4GiB`, or in powers of ten `100MB`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct ByteSize(pub u64);

const UNITS: [(&str, u64); 10] = [
    ("TiB", 1 << 40),
    ("GiB", 1 << 30),
    ("MiB", 1 << 20),
    ("KiB", 1 << 10),
    ("TB", 1_000_000_000_000),
    ("GB", 1_000_000_000),
    ("MB", 1_000_000),
    ("KB", 1_000),
    ("B", 1),
    ("", 1),
];

impl ByteSize {
    /// The number.
    pub fn bytes(self) -> u64 {
        self.0
    }
}

/// Reads a whole number and a unit, in either case, white space between them allowed. A bare `M` or `G` is refused, since it
/// is read in both ways.
impl FromStr for ByteSize {
    type Err = ParseSizeError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let parse = || {
            let trimmed = text.trim();
            let digits = trimmed.find(|c: char| !c.is_ascii_digit()).unwrap_or(trimmed.len());
            let (number, unit) = trimmed.split_at(digits);
            let (_, factor) = UNITS.iter().find(|(name, _)| name.eq_ignore_ascii_case(unit.trim()))?;
            number.parse::<u64>().ok()?.checked_mul(*factor).map(Self)
        };
        parse().ok_or_else(|| ParseSizeError { text: text.to_owned() })
    }
}

/// Writes the largest binary unit that divides the size.
impl fmt::Display for ByteSize {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (unit, factor) in &UNITS[..4] {
            if self.0 >= *factor && self.0.is_multiple_of(*factor) {
                return write!(f, "{}{unit}", self.0 / factor);
            }
        }
        write!(f, "{}B", self.0)
    }
}

/// A text that is no size.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{text}` is not a size; write it as in `4096`, `64KiB`, `256MiB` or `100MB`")]
pub struct ParseSizeError {
    text: String,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_and_writes_sizes() {
        for (text, bytes, written) in [
            ("0", 0, "0B"),
            ("4096", 4096, "4KiB"),
            ("256MiB", 256 << 20, "256MiB"),
            (" 4 gib ", 4 << 30, "4GiB"),
            ("100MB", 100_000_000, "100000000B"),
            ("1025B", 1025, "1025B"),
        ] {
            let size: ByteSize = text.parse().unwrap();
            assert_eq!((size.bytes(), size.to_string().as_str()), (bytes, written), "{text}");
            assert_eq!(written.parse(), Ok(size));
        }
        for text in ["", "MiB", "1M", "1.5GiB", "-1", "1 2", "99999999TiB"] {
            assert!(text.parse::<ByteSize>().is_err(), "{text}");
        }
    }
}
