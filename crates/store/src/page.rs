//! Long lists, page by page.

use std::fmt;
use std::str::FromStr;

use backtrail_domain::{RunStatus, ServerId, TenantId};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use time::OffsetDateTime;
use uuid::Uuid;

/// One page of a list.
#[derive(Debug, Clone)]
pub struct Page<T> {
    /// Newest first.
    pub items: Vec<T>,
    /// Where the next page begins; `None` on the last page.
    pub next: Option<Cursor>,
}

/// A place in a list of runs: after the run that started then and has this id. Clients see only opaque text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cursor {
    /// See above.
    pub started_at: OffsetDateTime,
    /// See above.
    pub id: Uuid,
}

/// Text that needs no escaping in a URL: base64 of microseconds since 1970 and the id.
impl fmt::Display for Cursor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let microseconds = (self.started_at.unix_timestamp_nanos() / 1000) as i64;
        let mut bytes = [0; 24];
        bytes[..8].copy_from_slice(&microseconds.to_be_bytes());
        bytes[8..].copy_from_slice(self.id.as_bytes());
        f.write_str(&URL_SAFE_NO_PAD.encode(bytes))
    }
}

impl FromStr for Cursor {
    type Err = ParseCursorError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let parse = || {
            let bytes: [u8; 24] = URL_SAFE_NO_PAD.decode(text).ok()?.try_into().ok()?;
            let (microseconds, id) = bytes.split_first_chunk::<8>()?;
            let nanoseconds = i128::from(i64::from_be_bytes(*microseconds)) * 1000;
            let started_at = OffsetDateTime::from_unix_timestamp_nanos(nanoseconds).ok()?;
            Some(Self { started_at, id: Uuid::from_slice(id).ok()? })
        };
        parse().ok_or(ParseCursorError)
    }
}

/// A text that is no cursor.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a cursor; use the one from the answer's `Link` header as it is")]
pub struct ParseCursorError;

/// Which runs to list, newest first.
#[derive(Debug, Clone)]
pub struct RunFilter {
    /// Whose.
    pub tenant_id: TenantId,
    /// Of this server only.
    pub server_id: Option<ServerId>,
    /// In this state only.
    pub status: Option<RunStatus>,
    /// Started at or after.
    pub since: Option<OffsetDateTime>,
    /// Started at or before.
    pub until: Option<OffsetDateTime>,
    /// Runs on a page, at least 1.
    pub limit: u16,
    /// Where to go on; `None` from the newest.
    pub cursor: Option<Cursor>,
}

impl RunFilter {
    /// All of a tenant's runs, 50 on a page.
    pub fn of(tenant_id: TenantId) -> Self {
        Self { tenant_id, server_id: None, status: None, since: None, until: None, limit: 50, cursor: None }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cursors_read_back() {
        let cursor = Cursor {
            started_at: time::macros::datetime!(2026-04-13 02:00:00.123456 UTC),
            id: Uuid::from_u128(0x1234_5678_9abc_def0),
        };
        assert_eq!(cursor.to_string().parse(), Ok(cursor));
        for text in ["", "x", "AAAA", "\0", &"A".repeat(33), &"/".repeat(32)] {
            assert_eq!(text.parse::<Cursor>(), Err(ParseCursorError), "{text}");
        }
    }
}
