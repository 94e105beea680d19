//! What an ALTER TABLE, CREATE INDEX or DROP INDEX makes of a table, and of the values in it.
//!
//! Three steps: the clauses are read ([`clause`]); the columns ([`columns`]) and keys ([`keys`]) are rebuilt as the server
//! rebuilds them; and each column of the outcome is traced to what it comes of ([`value`], [`added`]).

mod added;
mod clause;
mod columns;
mod compose;
mod keys;
mod value;

pub(crate) use keys::rename_all;

use std::fmt;

use crate::charset::Charset;
use crate::shape::Column;
use crate::{Ddl, DdlVerb, SqlDialect, TableShape};

/// A session's `sql_mode` as the query event's status variable has it. The bits used here are the same in both families.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SqlMode(pub u64);

impl SqlMode {
    const REAL_AS_FLOAT: u64 = 1;
    const ORACLE: u64 = 1 << 9;
    const MAXDB: u64 = 1 << 12;
    const NO_AUTO_VALUE_ON_ZERO: u64 = 1 << 19;
    const STRICT_TRANS_TABLES: u64 = 1 << 21;
    const STRICT_ALL_TABLES: u64 = 1 << 22;
    const PAD_CHAR_TO_FULL_LENGTH: u64 = 1 << 31;
    /// MySQL's TIME_TRUNCATE_FRACTIONAL; in MariaDB the bit is EMPTY_STRING_IS_NULL.
    const BIT_32: u64 = 1 << 32;
    /// MariaDB's TIME_ROUND_FRACTIONAL.
    const TIME_ROUND_FRACTIONAL: u64 = 1 << 34;

    fn has(self, bit: u64) -> bool {
        self.0 & bit != 0
    }

    /// Whether an ALTER fails where a value does not fit.
    pub fn is_strict(self) -> bool {
        self.has(Self::STRICT_TRANS_TABLES | Self::STRICT_ALL_TABLES)
    }
}

/// What is known of the session that ran a statement.
#[derive(Debug, Clone, Copy)]
pub struct DdlContext<'a> {
    /// How its text is read.
    pub dialect: SqlDialect,
    /// None where the event does not say: then only what holds in every mode is taken for granted.
    pub sql_mode: Option<SqlMode>,
    /// The default character set of the table's schema, where known.
    pub schema_charset: Option<&'a str>,
    /// The default collation of the table's schema, where known.
    pub schema_collation: Option<&'a str>,
    /// `explicit_defaults_for_timestamp`: without it a bare TIMESTAMP column is NOT NULL and may keep the time by itself.
    /// In MySQL a status variable of the query event (16), in MariaDB a flag of it. None where not known.
    pub explicit_defaults_for_timestamp: Option<bool>,
}

impl DdlContext<'_> {
    /// Only the dialect is known.
    pub fn new(dialect: SqlDialect) -> Self {
        Self {
            dialect,
            sql_mode: None,
            schema_charset: None,
            schema_collation: None,
            explicit_defaults_for_timestamp: None,
        }
    }

    fn is_strict(&self) -> bool {
        self.sql_mode.is_some_and(SqlMode::is_strict)
    }

    /// Whether a mode is on, or not known to be off.
    fn may_have(&self, bit: u64) -> bool {
        self.sql_mode.is_none_or(|mode| mode.has(bit))
    }

    fn has(&self, bit: u64) -> bool {
        self.sql_mode.is_some_and(|mode| mode.has(bit))
    }
}

/// A table behind a statement, and where its rows' values come from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Evolution {
    /// The table. Its name is as before: a RENAME clause is in [`Ddl::renames`], see [`TableShape::renamed`].
    pub shape: TableShape,
    /// One for each of the shape's columns.
    pub columns: Vec<ColumnOrigin>,
    /// The columns that have another name now: old and new. Foreign keys of other tables follow, see
    /// [`TableShape::parent_columns_renamed`].
    pub renamed_columns: Vec<(String, String)>,
}

impl Evolution {
    /// Whether every row is as it was: the same values in the same columns in the same order.
    pub fn keeps_rows(&self) -> bool {
        self.columns.iter().enumerate().all(|(place, origin)| match origin {
            ColumnOrigin::Kept { from, change, null_becomes, numbered } => {
                *from == place && *change == ValueChange::Same && null_becomes.is_none() && !numbered
            }
            ColumnOrigin::Added(value) => *value == AddedValue::Computed,
        })
    }
}

/// Where a column's values come from, in the rows that were there before the statement.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ColumnOrigin {
    /// From a column that was there.
    Kept {
        /// Its place before the statement.
        from: usize,
        /// What became of the values.
        change: ValueChange,
        /// What a NULL became, where the column has come to be NOT NULL and the statement would not have failed for it.
        /// None: a NULL is still a NULL, or there was none.
        null_becomes: Option<AddedValue>,
        /// The column has come to be AUTO_INCREMENT: a row with a 0 or a NULL got a number, and which one cannot be told.
        /// Where there is such a row, the table has to be refused.
        numbered: bool,
    },
    /// The column is new.
    Added(AddedValue),
}

/// What an ALTER makes of a column's values.
///
/// *Loading* means: the literal of the old value is inserted into the new column, in `sql_mode` '' with
/// `ALLOW_INVALID_DATES`, under `SET NAMES binary` (text literals are bytes of the column's own character set), in the time
/// zone +00:00. ENUM and SET values are written by their labels, numbers and BIT as numbers without quotes, BINARY(n) with
/// all its n bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ValueChange {
    /// Loading gives exactly what the ALTER did, and the new column's literal is the old one's.
    Same,
    /// Loading gives exactly what the ALTER did, and the value is the same, but the server writes it in another way: a DATE
    /// with a time, a DECIMAL with more decimals, a BINARY with more zeros, a SET in another order, a number as text. A key
    /// has to be computed by the new column's type.
    Equal,
    /// Loading rounds or cuts as the ALTER did: exact as long as nothing else happens to the column and it is in no key.
    Rounded,
    /// Exact once the text's bytes (the labels' too, for ENUM and SET) have been converted by [`crate::transcode`].
    Transcoded {
        /// The character set before.
        from: Charset,
        /// The character set behind.
        to: Charset,
    },
}

/// What rows that were there have in a new column.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AddedValue {
    /// NULL.
    Null,
    /// A SQL literal that loads exactly (see [`ValueChange`]); the bytes of text are of the column's character set.
    Literal(Vec<u8>),
    /// A TIMESTAMP written in the session's time zone: `2020-01-31 12:00:00`, perhaps with a fraction. The caller has to
    /// turn it into UTC.
    SessionTimestamp(String),
    /// The time of the statement.
    StatementTime {
        /// How many decimals of a second count (the rest is cut off).
        fsp: u8,
        /// In which form and time zone.
        kind: StatementTimeKind,
    },
    /// Computed by the server: not written.
    Computed,
}

/// The forms of a statement's time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StatementTimeKind {
    /// A TIMESTAMP, in UTC.
    Timestamp,
    /// A DATETIME in the session's time zone.
    DateTime,
    /// A DATE in the session's time zone.
    Date,
    /// A TIME in the session's time zone.
    Time,
}

/// Why a table's rows cannot be followed through a statement.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub struct Unfaithful {
    /// A sentence's part that names the clause or column and the reason.
    pub reason: String,
}

impl fmt::Display for Unfaithful {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.reason)
    }
}

impl Unfaithful {
    fn new(reason: impl Into<String>) -> Self {
        Self { reason: reason.into() }
    }

    fn clause(text: &str, reason: impl fmt::Display) -> Self {
        let shown: String = text.chars().take(120).collect();
        Self::new(format!("`{shown}`: {reason}"))
    }

    fn column(name: &str, reason: impl fmt::Display) -> Self {
        Self::new(format!("column `{name}`: {reason}"))
    }
}

/// Takes one table through an ALTER TABLE, CREATE INDEX or DROP INDEX that succeeded.
///
/// # Errors
/// A clause that is not understood or does not fit the table, and a change of the rows that cannot be computed here.
pub fn alter(shape: &TableShape, ddl: &Ddl, context: &DdlContext<'_>) -> Result<Evolution, Unfaithful> {
    let (evolution, refusals) = evolve(shape, ddl, context)?;
    match refusals.into_iter().next() {
        Some(refusal) => Err(refusal),
        None => Ok(evolution),
    }
}

/// What a column has in a row that is inserted without a value for it, as a literal that loads exactly.
///
/// # Errors
/// A value that is not the same for every row, or that the server makes: the reason, in a sentence's part.
pub fn insert_default(column: &Column, dialect: SqlDialect) -> Result<Vec<u8>, String> {
    match added::value(column, &DdlContext::new(dialect))? {
        AddedValue::Null => Ok(b"NULL".to_vec()),
        AddedValue::Literal(literal) => Ok(literal),
        AddedValue::SessionTimestamp(_) | AddedValue::StatementTime { .. } | AddedValue::Computed => {
            Err("its default is not the same for every row".to_owned())
        }
    }
}

/// As [`alter`], for a table that had no row: what would become of rows does not matter.
///
/// # Errors
/// A clause that is not understood or does not fit the table.
pub fn alter_empty(shape: &TableShape, ddl: &Ddl, context: &DdlContext<'_>) -> Result<TableShape, Unfaithful> {
    Ok(evolve(shape, ddl, context)?.0.shape)
}

/// The outcome, and why rows could not be followed, if there were any.
fn evolve(shape: &TableShape, ddl: &Ddl, context: &DdlContext<'_>) -> Result<(Evolution, Vec<Unfaithful>), Unfaithful> {
    if !matches!(ddl.verb, DdlVerb::AlterTable | DdlVerb::CreateIndex | DdlVerb::DropIndex) {
        return Err(Unfaithful::new("it is no ALTER TABLE, CREATE INDEX or DROP INDEX"));
    }
    if shape.system_versioned {
        return Err(Unfaithful::new("the table is system-versioned: an ALTER also writes rows of the past"));
    }
    let mut actions = clause::read(shape, ddl, context)?;
    let mut refusals = Vec::new();
    let mut next = shape.clone();
    let layout = columns::rebuild(&mut next, shape, &mut actions, context)?;
    keys::rebuild(&mut next, shape, &layout, actions, ddl, context.dialect.flavour, &mut refusals)?;

    let mut origins = Vec::with_capacity(next.columns.len());
    for (column, slot) in next.columns.iter().zip(&layout.slots) {
        let origin = match slot.from.and_then(|from| Some((from, shape.columns.get(from)?))) {
            _ if column.generated.is_some() => Ok(ColumnOrigin::Added(AddedValue::Computed)),
            Some((from, old)) => value::kept(from, old, column, ddl.ignore, context),
            None => added::value(column, context).map(ColumnOrigin::Added),
        };
        match origin {
            Ok(origin) => origins.push(origin),
            Err(reason) => {
                refusals.push(Unfaithful::column(&column.name, reason));
                origins.push(ColumnOrigin::Added(AddedValue::Null));
            }
        }
    }
    Ok((Evolution { shape: next, columns: origins, renamed_columns: layout.renamed }, refusals))
}
