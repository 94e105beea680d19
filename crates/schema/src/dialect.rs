//! How a statement's text is to be read.

use serde::{Deserialize, Serialize};

/// The two server families, whose SQL differs in places.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Flavour {
    /// MySQL and Percona Server.
    Mysql,
    /// MariaDB.
    Mariadb,
}

/// What decides how the bytes of a statement split into tokens: the server's family and the session's `sql_mode`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SqlDialect {
    /// The server that ran the statement.
    pub flavour: Flavour,
    /// `ANSI_QUOTES`: what stands in double quotes is a name, not a string.
    pub ansi_quotes: bool,
    /// `NO_BACKSLASH_ESCAPES`: a backslash in a string is a backslash.
    pub no_backslash_escapes: bool,
    /// MariaDB's `EMPTY_STRING_IS_NULL`: the default `''` is NULL.
    pub empty_string_is_null: bool,
    /// `REFERENCES` at a column means nothing, as before MySQL 9.0 (and MariaDB 10.5): only FOREIGN KEY makes one.
    pub ignores_references: bool,
}

impl SqlDialect {
    /// MySQL in its default mode.
    pub const fn mysql() -> Self {
        Self::of_flavour(Flavour::Mysql)
    }

    /// MariaDB in its default mode.
    pub const fn mariadb() -> Self {
        Self::of_flavour(Flavour::Mariadb)
    }

    /// The dialect of a query event: its `sql_mode` status variable's bits.
    ///
    /// Two of them are the same in both families: `MODE_ANSI_QUOTES` (4) and `MODE_NO_BACKSLASH_ESCAPES` (0x10_0000).
    /// `MODE_EMPTY_STRING_IS_NULL` (1 << 32) is another mode in MySQL.
    pub const fn of_sql_mode(flavour: Flavour, sql_mode: u64) -> Self {
        Self {
            ansi_quotes: sql_mode & 4 != 0,
            no_backslash_escapes: sql_mode & 0x10_0000 != 0,
            empty_string_is_null: matches!(flavour, Flavour::Mariadb) && sql_mode & (1 << 32) != 0,
            ..Self::of_flavour(flavour)
        }
    }

    /// The default mode of a family.
    pub const fn of_flavour(flavour: Flavour) -> Self {
        Self {
            flavour,
            ansi_quotes: false,
            no_backslash_escapes: false,
            empty_string_is_null: false,
            ignores_references: false,
        }
    }
}
