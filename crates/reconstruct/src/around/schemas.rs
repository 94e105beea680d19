//! Schemas: what makes them.

use backtrail_schema::{ObjectVerb, SchemaStatement};

use super::source::Session;

/// A schema at some moment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Schema {
    /// The baseline's file, and what was said about it since.
    Baseline(Vec<SchemaStatement>),
    /// Made in the window.
    Made { create: SchemaStatement, collation: Option<u16>, later: Vec<SchemaStatement> },
    /// The statements about it are not understood.
    Unclear,
    Gone,
}

impl Schema {
    /// What it is after a statement; `self` is None where there was no such schema.
    pub(crate) fn after(before: Option<Self>, statement: &SchemaStatement, session: &Session) -> Option<Self> {
        let there = before.as_ref().is_some_and(|before| *before != Self::Gone);
        match statement.verb {
            ObjectVerb::Drop => there.then_some(Self::Gone),
            ObjectVerb::Create if there && !statement.or_replace => before,
            ObjectVerb::Create => Some(Self::Made {
                create: statement.clone(),
                collation: session.server_collation().filter(|_| !statement.says_charset),
                later: Vec::new(),
            }),
            ObjectVerb::Alter => {
                let mut schema = before;
                if let Some(Self::Baseline(later) | Self::Made { later, .. }) = &mut schema {
                    later.push(statement.clone());
                }
                schema
            }
        }
    }
}

fn quoted(name: &str) -> String {
    format!("`{}`", name.replace('`', "``"))
}

/// CREATE DATABASE as a file has it.
pub(crate) fn made(name: &str, create: &SchemaStatement, collation: Option<u16>, later: &[SchemaStatement]) -> Vec<u8> {
    let mut out = format!("CREATE DATABASE IF NOT EXISTS {}", quoted(name));
    if !create.options.is_empty() {
        out.push(' ');
        out.push_str(&create.options);
    }
    out.push_str(";\n");
    if let Some(collation) = collation {
        out = format!(
            "SET @PREV_COLLATION_SERVER=@@COLLATION_SERVER;\nSET collation_server = {collation};\n{out}SET collation_server = @PREV_COLLATION_SERVER;\n"
        );
    }
    altered(name, out.into_bytes(), later)
}

/// A file's text, and behind it what was said since.
pub(crate) fn altered(name: &str, mut file: Vec<u8>, later: &[SchemaStatement]) -> Vec<u8> {
    if file.last().is_some_and(|last| *last != b'\n') {
        file.push(b'\n');
    }
    for statement in later {
        file.extend_from_slice(format!("ALTER DATABASE {} {};\n", quoted(name), statement.options).as_bytes());
    }
    file
}
