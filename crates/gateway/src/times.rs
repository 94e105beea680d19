//! How instants are written in answers.
//!
//! The contract's own fields stand as its page prints them, in whole seconds; fields that were added keep what the
//! database has, down to microseconds.

use serde::{Serialize, Serializer};
use time::format_description::well_known::Rfc3339;
use time::macros::format_description;
use time::{OffsetDateTime, UtcOffset};

/// `2026-04-13T02:00:00Z`.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Seconds(pub(crate) OffsetDateTime);

/// `2026-04-13T02:00:00`: UTC without saying so, as the page prints coverage.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Bare(pub(crate) OffsetDateTime);

/// `2026-04-13T02:00:00.123456Z`, or without the fraction where there is none.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Exact(pub(crate) OffsetDateTime);

impl Serialize for Seconds {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let format = format_description!("[year]-[month]-[day]T[hour]:[minute]:[second]Z");
        text(serializer, self.0.to_offset(UtcOffset::UTC).format(format))
    }
}

impl Serialize for Bare {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let format = format_description!("[year]-[month]-[day]T[hour]:[minute]:[second]");
        text(serializer, self.0.to_offset(UtcOffset::UTC).format(format))
    }
}

impl Serialize for Exact {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        text(serializer, self.0.to_offset(UtcOffset::UTC).format(&Rfc3339))
    }
}

fn text<S: Serializer>(serializer: S, formatted: Result<String, time::error::Format>) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(&formatted.map_err(serde::ser::Error::custom)?)
}

/// An instant as RFC 3339 text, for members of problems.
pub(crate) fn exact(instant: OffsetDateTime) -> String {
    instant.to_offset(UtcOffset::UTC).format(&Rfc3339).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;
    use time::macros::datetime;

    #[test]
    fn forms() {
        let instant = datetime!(2026-04-13 04:00:00.123456 +2);
        assert_eq!(json!(Seconds(instant)), "2026-04-13T02:00:00Z");
        assert_eq!(json!(Bare(instant)), "2026-04-13T02:00:00");
        assert_eq!(json!(Exact(instant)), "2026-04-13T02:00:00.123456Z");
        assert_eq!(json!(Exact(datetime!(2026-04-13 02:00 UTC))), "2026-04-13T02:00:00Z");
    }
}
