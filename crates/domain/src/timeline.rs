//! Stretches of binary log in which file names do not start over.

use std::fmt;
use std::str::FromStr;

use crate::position::serde_as_text;
use serde::{Deserialize, Serialize};

/// A server's binary log from one `RESET MASTER` (or rebuild, or change of identity) to the next.
///
/// Written `<identity>-<number>`. Within a timeline a file and an offset name one place; across timelines they do not.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Timeline {
    /// MySQL: `server_uuid`. MariaDB: `mariadb-<server_id>`.
    pub identity: String,
    /// From 1.
    pub number: u32,
}

impl fmt::Display for Timeline {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}", self.identity, self.number)
    }
}

impl FromStr for Timeline {
    type Err = ParseTimelineError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let bad = || ParseTimelineError { text: text.to_owned() };
        let (identity, number) = text.rsplit_once('-').ok_or_else(bad)?;
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte);
        if identity.is_empty() || !identity.bytes().all(plain) || !number.bytes().all(|byte| byte.is_ascii_digit()) {
            return Err(bad());
        }
        let number = number.parse().ok().filter(|number| *number > 0).ok_or_else(bad)?;
        Ok(Self { identity: identity.to_owned(), number })
    }
}

serde_as_text!(Timeline);

/// A text that names no timeline.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{text}` is not a timeline, written `<server identity>-<number>`")]
pub struct ParseTimelineError {
    text: String,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_and_writes() {
        for text in ["mariadb-77-1", "79f916ce-e6dc-11f1-a03a-02fc00000001-12"] {
            assert_eq!(text.parse::<Timeline>().unwrap().to_string(), text);
        }
        for text in ["", "1", "-1", "x-", "x-0", "x-+1", "a/b-1", "x-99999999999"] {
            assert!(text.parse::<Timeline>().is_err(), "{text}");
        }
    }
}
