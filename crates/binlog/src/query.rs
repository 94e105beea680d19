//! Statements and the settings they ran with.

use std::borrow::Cow;

use crate::bytes::Cursor;
use crate::compressed::decompress;
use crate::{EventType, Malformed};

/// A statement.
///
/// Source: <https://dev.mysql.com/doc/dev/mysql-server/latest/classmysql_1_1binlog_1_1event_1_1Query__event.html>
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct QueryEvent<'a> {
    /// The session that ran it.
    pub thread_id: u32,
    /// Seconds from the event's timestamp to the end of the statement, as the server measured it.
    pub execution_seconds: u32,
    /// Its error; 0 when it succeeded.
    pub error_code: u16,
    /// The session's current schema.
    pub schema: &'a [u8],
    /// The statement, in the session's character set (see [`QueryStatus::charset`]).
    pub statement: Cow<'a, [u8]>,
    /// What the session had set.
    pub status: QueryStatus<'a>,
}

/// Settings of the session; `None` where the event does not say.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct QueryStatus<'a> {
    /// Bits of `OPTION_…`: see the methods.
    pub flags: Option<u32>,
    /// Bits of `sql_mode`, whose meaning depends on the family.
    pub sql_mode: Option<u64>,
    /// Catalog: always `std`.
    pub catalog: Option<&'a [u8]>,
    /// `auto_increment_increment` and `auto_increment_offset`.
    pub auto_increment: Option<(u16, u16)>,
    /// Collation ids of `character_set_client`, `collation_connection` and `collation_server`.
    pub charset: Option<(u16, u16, u16)>,
    /// `time_zone`.
    pub time_zone: Option<&'a [u8]>,
    /// Number of `lc_time_names`.
    pub time_names: Option<u16>,
    /// Id of `collation_database`.
    pub database_collation: Option<u16>,
    /// User and host on whose behalf it ran, where what it makes is theirs and it does not say so (ALTER EVENT).
    pub invoker: Option<(&'a [u8], &'a [u8])>,
    /// Microseconds to add to the event's timestamp: when the statement began.
    pub microseconds: Option<u32>,
    /// `explicit_defaults_for_timestamp`.
    pub explicit_timestamp_defaults: Option<bool>,
    /// MySQL 8 (and, under another number, MariaDB): DDL that took part in crash recovery, under this number.
    pub ddl_transaction: Option<u64>,
    /// `default_collation_for_utf8mb4`.
    pub utf8mb4_collation: Option<u16>,
    /// `sql_require_primary_key`.
    pub require_primary_key: Option<u8>,
    /// `default_table_encryption`.
    pub table_encryption: Option<u8>,
    /// MariaDB 11.2 and later: `character_set_collations`, as the log has it; see [`QueryStatus::charset_collations`].
    pub raw_charset_collations: Option<&'a [u8]>,
    /// The number of a variable that is not known here. Those that stand behind it are not read.
    pub unknown: Option<u8>,
}

impl QueryStatus<'_> {
    /// The collations that the session gives to character sets which the statement names without one: pairs of a
    /// character set, by the number of a collation of it, and a collation. `None` where the statement does not depend on it.
    pub fn charset_collations(&self) -> Option<impl Iterator<Item = (u16, u16)>> {
        let number = |bytes: &[u8]| bytes.try_into().map_or(0, u16::from_le_bytes);
        let (pairs, _) = self.raw_charset_collations?.as_chunks::<4>();
        Some(pairs.iter().map(move |pair| (number(&pair[..2]), number(&pair[2..]))))
    }

    /// Whether the session had set `foreign_key_checks` to 0.
    pub fn foreign_key_checks_off(&self) -> bool {
        self.flags.is_some_and(|flags| flags & (1 << 26) != 0)
    }

    /// Whether the session had set `unique_checks` to 0.
    pub fn unique_checks_off(&self) -> bool {
        self.flags.is_some_and(|flags| flags & (1 << 27) != 0)
    }
}

/// What a statement does to a transaction, as told by its first words alone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum TransactionWord {
    Begin,
    Commit,
    Rollback,
    XaStart,
    XaCommit,
    XaRollback,
    Other,
}

impl<'a> QueryEvent<'a> {
    pub(crate) fn parse(event_type: EventType, body: &'a [u8], post_header: usize) -> Result<Self, Malformed> {
        let mut cursor = Cursor::new(body);
        let mut head = Cursor::new(cursor.take(post_header, "query post-header")?);
        let thread_id = head.u32("thread id")?;
        let execution_seconds = head.u32("execution time")?;
        let schema_length = head.u8("schema length")?;
        let error_code = head.u16("error code")?;
        let status_length = if head.is_empty() { 0 } else { head.u16("length of status variables")? };
        let status = QueryStatus::parse(cursor.take(usize::from(status_length), "status variables")?)?;
        let schema = cursor.take(usize::from(schema_length), "schema name")?;
        cursor.u8("schema name's end")?;
        let statement = match event_type {
            EventType::QUERY_COMPRESSED => Cow::Owned(decompress(cursor.rest())?),
            _ => Cow::Borrowed(cursor.rest()),
        };
        Ok(Self { thread_id, execution_seconds, error_code, schema, statement, status })
    }

    /// The statement as text, with U+FFFD for what is not UTF-8.
    pub fn statement_text(&self) -> Cow<'_, str> {
        String::from_utf8_lossy(&self.statement)
    }

    pub(crate) fn transaction_word(&self) -> TransactionWord {
        transaction_word(&self.statement)
    }
}

/// The server itself writes these statements: plain words, one blank, no comments before them.
pub(crate) fn transaction_word(statement: &[u8]) -> TransactionWord {
    let starts = |words: &[u8]| {
        statement.get(..words.len()).is_some_and(|start| start.eq_ignore_ascii_case(words))
            && statement.get(words.len()).is_none_or(|next| !next.is_ascii_alphanumeric() && *next != b'_')
    };
    let is = |words: &[u8]| statement.trim_ascii().eq_ignore_ascii_case(words);
    if is(b"BEGIN") || is(b"START TRANSACTION") {
        TransactionWord::Begin
    } else if is(b"COMMIT") {
        TransactionWord::Commit
    } else if starts(b"ROLLBACK") && !starts(b"ROLLBACK TO") {
        TransactionWord::Rollback
    } else if starts(b"XA START") || starts(b"XA BEGIN") {
        TransactionWord::XaStart
    } else if starts(b"XA COMMIT") {
        TransactionWord::XaCommit
    } else if starts(b"XA ROLLBACK") {
        TransactionWord::XaRollback
    } else {
        TransactionWord::Other
    }
}

impl<'a> QueryStatus<'a> {
    /// How long a variable is is not told: behind one that is unknown nothing can be read.
    fn parse(bytes: &'a [u8]) -> Result<Self, Malformed> {
        let mut status = Self::default();
        let mut cursor = Cursor::new(bytes);
        while !cursor.is_empty() {
            match cursor.u8("status variable")? {
                0 => status.flags = Some(cursor.u32("session flags")?),
                1 => status.sql_mode = Some(cursor.u64("sql_mode")?),
                2 => {
                    status.catalog = Some(short_string(&mut cursor, "catalog")?);
                    cursor.u8("catalog's end")?;
                }
                3 => status.auto_increment = Some((cursor.u16("auto increment")?, cursor.u16("auto increment")?)),
                4 => {
                    status.charset =
                        Some((cursor.u16("character set")?, cursor.u16("collation")?, cursor.u16("collation")?));
                }
                5 => status.time_zone = Some(short_string(&mut cursor, "time zone")?),
                6 => status.catalog = Some(short_string(&mut cursor, "catalog")?),
                7 => status.time_names = Some(cursor.u16("locale")?),
                8 => status.database_collation = Some(cursor.u16("collation_database")?),
                9 => drop(cursor.u64("tables for update")?),
                10 => drop(cursor.u32("original length")?),
                11 => {
                    status.invoker = Some((
                        short_string(&mut cursor, "invoker's user")?,
                        short_string(&mut cursor, "invoker's host")?,
                    ));
                }
                12 => {
                    // 254 is "too many to list".
                    let count = cursor.u8("count of schemas")?;
                    for _ in 0..if count == 254 { 0 } else { count } {
                        let name = cursor.rest().iter().position(|byte| *byte == 0).unwrap_or(cursor.len());
                        cursor.take(name.saturating_add(1), "schema name")?;
                    }
                }
                13 | 128 => status.microseconds = Some(cursor.uint(3, "microseconds")? as u32),
                14 => drop(cursor.take(8, "commit timestamp")?),
                16 => status.explicit_timestamp_defaults = Some(cursor.u8("explicit_defaults_for_timestamp")? != 0),
                17 | 129 => status.ddl_transaction = Some(cursor.u64("DDL transaction")?),
                18 => status.utf8mb4_collation = Some(cursor.u16("collation of utf8mb4")?),
                19 => status.require_primary_key = Some(cursor.u8("sql_require_primary_key")?),
                // MariaDB 10.8 and later: a part of an ALTER; at its end with the number of its beginning.
                130 => {
                    const ENDS_ALTER: u8 = 4 | 8;
                    if cursor.u8("flags of the GTID")? & ENDS_ALTER != 0 {
                        cursor.u64("number of the ALTER's beginning")?;
                    }
                }
                131 => {
                    let pairs = cursor.u8("count of collations")?;
                    status.raw_charset_collations =
                        Some(cursor.take(usize::from(pairs) * 4, "collations of character sets")?);
                }
                20 => status.table_encryption = Some(cursor.u8("default_table_encryption")?),
                number => {
                    status.unknown = Some(number);
                    break;
                }
            }
        }
        Ok(status)
    }
}

fn short_string<'a>(cursor: &mut Cursor<'a>, what: &'static str) -> Result<&'a [u8], Malformed> {
    let length = cursor.u8(what)?;
    cursor.take(usize::from(length), what)
}
