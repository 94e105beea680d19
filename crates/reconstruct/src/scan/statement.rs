//! A statement of the log as text, with what its session had set.

use backtrail_binlog::QueryEvent;
use backtrail_schema::{ClientCharset, DdlContext, Flavour, SqlDialect, SqlMode, TableShape};

use crate::history::collations::{name_of, setting};
use crate::history::session::{SessionSettings, seconds_east};
use crate::input::declared::in_utf8;
use crate::scan::texts::Texts;

/// A statement, readable.
#[derive(Debug, Clone)]
pub(crate) struct StatementText<'a> {
    /// In UTF-8.
    pub(crate) text: String,
    /// Its characters are not those that the server read.
    pub(crate) damaged: bool,
    texts: Texts,
    /// The server wrote it itself.
    pub(crate) of_server: bool,
    /// The session's schema.
    pub(crate) schema: String,
    pub(crate) dialect: SqlDialect,
    query: &'a QueryEvent<'a>,
    /// The second in which it began.
    timestamp: u32,
}

impl<'a> StatementText<'a> {
    /// `of_server`: the server wrote it, in UTF-8, whatever the client's characters are.
    pub(crate) fn read(query: &'a QueryEvent<'a>, dialect: SqlDialect, timestamp: u32, of_server: bool) -> Self {
        let status = &query.status;
        let of_mode = SqlDialect::of_sql_mode(dialect.flavour, status.sql_mode.unwrap_or(0));
        let dialect = SqlDialect {
            ignores_references: dialect.ignores_references,
            // A server escapes with backslashes whatever the mode.
            no_backslash_escapes: of_mode.no_backslash_escapes && !of_server,
            ..of_mode
        };
        let charset = status.charset.filter(|_| !of_server);
        let client = charset.map(|(client, ..)| ClientCharset::of_collation(client));
        let ascii = query.statement.is_ascii();
        let text = match client {
            Some(client) if !client.has_ascii() => None,
            Some(client) if !ascii && client.is_latin1() => client.decode(&query.statement),
            Some(client) if !ascii && !client.is_utf8() => None,
            // Behind what is not known the character set may stand.
            None if !ascii && !of_server && status.unknown.is_some() => None,
            _ => String::from_utf8(in_utf8(&query.statement).into_owned()).ok(),
        };
        let damaged = text.is_none();
        let text = text.unwrap_or_else(|| String::from_utf8_lossy(&query.statement).into_owned());
        let texts = if of_server { Texts::Same } else { texts_of(&text, &dialect, query) };
        let schema = String::from_utf8_lossy(query.schema).into_owned();
        Self { text, damaged, texts, of_server, schema, dialect, query, timestamp }
    }

    /// A statement about tables that is damaged only since its client sent other characters, decoded; None where some are not
    /// certain. (Of statements about other things a part may be the server's own, in UTF-8.)
    pub(crate) fn decoded(&self) -> Option<Self> {
        let (client, ..) = self.query.status.charset?;
        let text = ClientCharset::of_collation(client).decode(&self.query.statement)?;
        let texts = texts_of(&text, &self.dialect, self.query);
        Some(Self { text, damaged: false, texts, ..self.clone() })
    }

    /// Whether ASCII means the same to its client.
    pub(crate) fn has_ascii(&self) -> bool {
        self.query.status.charset.is_none_or(|(client, ..)| ClientCharset::of_collation(client).has_ascii())
    }

    /// Whether the table that the statement has made of another one, or anew, holds texts that are not the server's.
    pub(crate) fn has_other_texts(&self, shape: &TableShape) -> bool {
        self.texts.differ_in(shape)
    }

    /// The statement had an error, and was logged for what it had done by then.
    pub(crate) fn failed(&self) -> bool {
        self.query.error_code != 0
    }

    pub(crate) fn context(&self) -> DdlContext<'_> {
        DdlContext {
            sql_mode: self.query.status.sql_mode.map(SqlMode),
            explicit_defaults_for_timestamp: self.explicit_timestamps().filter(|explicit| *explicit || self.is_mysql()),
            ..DdlContext::new(self.dialect)
        }
    }

    fn is_mysql(&self) -> bool {
        self.dialect.flavour == Flavour::Mysql
    }

    /// `explicit_defaults_for_timestamp`; in MariaDB a flag since 10.10, before that always unset.
    fn explicit_timestamps(&self) -> Option<bool> {
        const EXPLICIT: u32 = 1 << 24;
        let status = &self.query.status;
        if self.is_mysql() {
            status.explicit_timestamp_defaults
        } else {
            status.flags.map(|flags| flags & EXPLICIT != 0)
        }
    }

    /// `character_set_collations`, where the statement depends on it: only then servers log it. Err: the collation with
    /// which a table cannot be followed.
    fn collations(&self) -> Result<Option<String>, u16> {
        self.query.status.charset_collations().map(setting).transpose()
    }

    /// What its session had set that keeps a table from being followed through the statement.
    pub(crate) fn unfollowed(&self) -> Option<String> {
        if let Some(number) = self.query.status.unknown {
            return Some(format!(
                "the log has a setting of its session (number {number}) that this version does not know"
            ));
        }
        self.collations().err().map(|collation| {
            let name = name_of(collation).map_or_else(|| format!("number {collation}"), str::to_owned);
            format!(
                "its session had chosen a default collation ({name}, by character_set_collations) that is not followed"
            )
        })
    }

    /// What the session had set that the statement depends on.
    pub(crate) fn session(&self) -> SessionSettings {
        SessionSettings::new(&self.text, self.query.status.sql_mode, self.explicit_timestamps(), self.utc_offset())
            .with_collations(self.collations().unwrap_or_default())
    }

    /// Why a table that the statement makes cannot be read.
    pub(crate) fn unreadable(&self) -> Option<String> {
        SessionSettings::unreadable(&self.text, self.query.status.sql_mode).or_else(|| self.unfollowed())
    }

    /// When the statement began by the server's clock, in microseconds since 1970.
    pub(crate) fn micros(&self) -> i64 {
        i64::from(self.timestamp) * 1_000_000 + i64::from(self.query.status.microseconds.unwrap_or(0))
    }

    /// The session's time zone as seconds east of UTC, where it is a number.
    pub(crate) fn utc_offset(&self) -> Option<i64> {
        seconds_east(std::str::from_utf8(self.query.status.time_zone?).ok()?)
    }

    /// The statement depends on a time zone that the log has only the name of.
    pub(crate) fn is_in_unknown_zone(&self) -> bool {
        self.query.status.time_zone.is_some() && self.utc_offset().is_none()
    }
}

fn texts_of(text: &str, dialect: &SqlDialect, query: &QueryEvent<'_>) -> Texts {
    let Some((client, connection, _)) = query.status.charset else { return Texts::Same };
    Texts::of(text, dialect, ClientCharset::of_collation(client), ClientCharset::of_collation(connection))
}
