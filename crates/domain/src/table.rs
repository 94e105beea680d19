//! Table names and the filter that an operator writes.

use std::collections::BTreeSet;
use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::position::serde_as_text;

/// A table in its schema. Names are compared byte by byte, as servers on case-sensitive file systems do.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TableName {
    /// The schema (database), as the server stores it.
    pub schema: String,
    /// The table, as the server stores it.
    pub table: String,
}

impl TableName {
    /// The name in small letters: see [`lowered_name`].
    pub fn lowered(&self) -> Self {
        Self { schema: lowered_name(&self.schema), table: lowered_name(&self.table) }
    }

    /// A table in a schema.
    pub fn new(schema: impl Into<String>, table: impl Into<String>) -> Self {
        Self { schema: schema.into(), table: table.into() }
    }
}

/// A schema's or table's name in small letters, character by character as servers do it (`Σ` is `σ` at the end, too).
pub fn lowered_name(name: &str) -> String {
    name.chars().filter_map(|character| character.to_lowercase().next()).collect()
}

/// Writes `schema.table`; a name with a comma, a dot or a backtick (or white space at an end) stands in backticks.
impl fmt::Display for TableName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_name(f, &self.schema)?;
        f.write_str(".")?;
        write_name(f, &self.table)
    }
}

fn write_name(f: &mut fmt::Formatter<'_>, name: &str) -> fmt::Result {
    if name.is_empty() || name.contains(['.', ',', '`']) || name.trim() != name {
        write!(f, "`{}`", name.replace('`', "``"))
    } else {
        f.write_str(name)
    }
}

impl FromStr for TableName {
    type Err = ParseTableError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let mut names = parse_list(text)?;
        match (names.pop(), names.is_empty()) {
            (Some(name), true) => Ok(name),
            _ => Err(ParseTableError::new(text, "one `schema.table` is wanted")),
        }
    }
}

/// Which tables a run is about.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum TableFilter {
    /// Every table.
    #[default]
    All,
    /// These tables; never empty.
    Only(BTreeSet<TableName>),
}

impl TableFilter {
    /// Whether the table is wanted.
    pub fn matches(&self, name: &TableName) -> bool {
        match self {
            Self::All => true,
            Self::Only(names) => names.contains(name),
        }
    }
}

/// Reads a comma-separated list of `schema.table`; a name with a comma, dot or backtick is written in backticks, doubled
/// inside.
impl FromStr for TableFilter {
    type Err = ParseTableError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Ok(Self::Only(parse_list(text)?.into_iter().collect()))
    }
}

impl fmt::Display for TableFilter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::All => f.write_str("all tables"),
            Self::Only(names) => {
                for (i, name) in names.iter().enumerate() {
                    write!(f, "{}{name}", if i == 0 { "" } else { "," })?;
                }
                Ok(())
            }
        }
    }
}

/// A text that is no list of tables.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "`{text}` is not a list of tables: {reason}; write `schema.table`, with commas between, and a name that holds a comma, dot or backtick in backticks"
)]
pub struct ParseTableError {
    text: String,
    reason: &'static str,
}

impl ParseTableError {
    fn new(text: &str, reason: &'static str) -> Self {
        Self { text: text.to_owned(), reason }
    }
}

fn parse_list(text: &str) -> Result<Vec<TableName>, ParseTableError> {
    let bad = |reason| ParseTableError::new(text, reason);
    let mut names = Vec::new();
    let mut rest = text;
    loop {
        let (schema, after) = parse_name(rest).map_err(bad)?;
        let after = after.strip_prefix('.').ok_or_else(|| bad("a table without its schema"))?;
        let (table, after) = parse_name(after).map_err(bad)?;
        names.push(TableName { schema, table });
        match after.strip_prefix(',') {
            Some(next) => rest = next,
            None if after.is_empty() => return Ok(names),
            None => return Err(bad("a comma is missing")),
        }
    }
}

/// One name and what follows it. White space around a name is not part of it unless it stands in backticks.
fn parse_name(text: &str) -> Result<(String, &str), &'static str> {
    let text = text.trim_start();
    let (name, rest) = if let Some(quoted) = text.strip_prefix('`') {
        let mut name = String::new();
        let mut rest = quoted;
        loop {
            let (head, tail) = rest.split_once('`').ok_or("a backtick is not closed")?;
            name.push_str(head);
            match tail.strip_prefix('`') {
                Some(after) => {
                    name.push('`');
                    rest = after;
                }
                None => break (name, tail),
            }
        }
    } else {
        let end = text.find(['.', ',', '`']).unwrap_or(text.len());
        (text[..end].trim_end().to_owned(), &text[end..])
    };
    if name.is_empty() {
        return Err("a name is empty");
    }
    if name.contains('\0') {
        return Err("a name holds a NUL byte");
    }
    Ok((name, rest.trim_start()))
}

serde_as_text!(TableName);

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, expect: &[(&str, &str)]) {
        let names = parse_list(text).unwrap();
        let got: Vec<_> = names.iter().map(|n| (n.schema.as_str(), n.table.as_str())).collect();
        assert_eq!(got, expect, "{text}");
        let again: Vec<_> = names.iter().map(|n| n.to_string().parse::<TableName>().unwrap()).collect();
        assert_eq!(again, names);
    }

    #[test]
    fn reads_lists() {
        check("mydb.orders,mydb.customers", &[("mydb", "orders"), ("mydb", "customers")]);
        check(" mydb . orders , mydb.x ", &[("mydb", "orders"), ("mydb", "x")]);
        check("`a.b`.`c,d`,shop.odd name-x", &[("a.b", "c,d"), ("shop", "odd name-x")]);
        check("`a``b`.` c`", &[("a`b", " c")]);
    }

    #[test]
    fn refuses_what_is_no_list() {
        for text in ["", "orders", "a.b,", ",a.b", "a..b", "a.b.c", "`a.b", "a.b c,d", "a.`b`c", "a.``"] {
            assert!(text.parse::<TableFilter>().is_err(), "{text}");
        }
    }
}
