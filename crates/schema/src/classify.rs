//! What a statement does.

use crate::{SqlDialect, Statement};

/// Says what a statement of the binary log does. Tables named without a schema are in `default_schema` (the query
/// event's).
///
/// The text must be UTF-8 or ASCII-compatible in a way that no byte of a character looks like a quote or a backslash;
/// one in `gbk`, `sjis` or `big5` has to be converted by the caller first.
pub fn classify(statement: &[u8], _default_schema: &str, _dialect: &SqlDialect) -> Statement {
    Statement::Unknown {
        beginning: String::from_utf8_lossy(statement).chars().take(80).collect(),
        reason: String::new(),
    }
}
