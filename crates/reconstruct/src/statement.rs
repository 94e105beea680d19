//! A statement of the log as text, with what its session had set.

use backtrail_binlog::QueryEvent;
use backtrail_schema::{Charset, DdlContext, Flavour, SqlDialect, SqlMode, transcode};

/// A statement, readable.
#[derive(Debug, Clone)]
pub(crate) struct StatementText<'a> {
    /// In UTF-8.
    pub(crate) text: String,
    /// The session's schema.
    pub(crate) schema: String,
    pub(crate) dialect: SqlDialect,
    query: &'a QueryEvent<'a>,
    /// The second in which it began.
    timestamp: u32,
}

impl<'a> StatementText<'a> {
    pub(crate) fn read(query: &'a QueryEvent<'a>, flavour: Flavour, timestamp: u32) -> Self {
        let status = &query.status;
        let latin1 = status.charset.is_some_and(|(client, ..)| matches!(client, 5 | 8 | 15 | 31 | 47 | 48 | 49 | 94));
        let text = if latin1 && !query.statement.is_ascii() {
            transcode(Charset::Latin1, Charset::Utf8mb4, &query.statement).unwrap_or_else(|_| query.statement.to_vec())
        } else {
            query.statement.to_vec()
        };
        Self {
            text: String::from_utf8_lossy(&text).into_owned(),
            schema: String::from_utf8_lossy(query.schema).into_owned(),
            dialect: SqlDialect {
                flavour,
                ansi_quotes: status.ansi_quotes(),
                no_backslash_escapes: status.no_backslash_escapes(),
            },
            query,
            timestamp,
        }
    }

    /// The statement had an error, and was logged for what it had done by then.
    pub(crate) fn failed(&self) -> bool {
        self.query.error_code != 0
    }

    pub(crate) fn context(&self) -> DdlContext<'_> {
        DdlContext {
            sql_mode: self.query.status.sql_mode.map(SqlMode),
            explicit_defaults_for_timestamp: self.query.status.explicit_timestamp_defaults,
            ..DdlContext::new(self.dialect)
        }
    }

    /// When the statement began by the server's clock, in microseconds since 1970.
    pub(crate) fn micros(&self) -> i64 {
        i64::from(self.timestamp) * 1_000_000 + i64::from(self.query.status.microseconds.unwrap_or(0))
    }

    /// The session's time zone as seconds east of UTC, where it is a number.
    pub(crate) fn utc_offset(&self) -> Option<i64> {
        let zone = std::str::from_utf8(self.query.status.time_zone?).ok()?;
        if zone.eq_ignore_ascii_case("UTC") {
            return Some(0);
        }
        let (sign, rest) = match zone.split_at_checked(1)? {
            ("+", rest) => (1, rest),
            ("-", rest) => (-1, rest),
            _ => return None,
        };
        let (hours, minutes) = rest.split_once(':')?;
        Some(sign * (hours.parse::<i64>().ok()? * 3600 + minutes.parse::<i64>().ok()? * 60))
    }
}
