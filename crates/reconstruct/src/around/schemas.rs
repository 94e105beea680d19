//! Schemas: what makes them.

use backtrail_schema::{ObjectVerb, SchemaStatement, quoted_name};

use super::source::Session;
use crate::history::collations::name_of;

/// A schema at some moment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Schema {
    /// The baseline's file, and what was said about it since.
    Baseline(Vec<SchemaStatement>),
    /// Made in the window.
    Made {
        create: SchemaStatement,
        collation: Option<u16>,
        later: Vec<SchemaStatement>,
    },
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
                collation: session.server_collation().filter(|_| statement.charset.is_empty()),
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

/// The table options that a schema gives to tables which name no character set, after a statement about it. None where the
/// statement leaves them as they are; empty where they are not known.
pub(crate) fn table_options(statement: &SchemaStatement, session: &Session) -> Option<String> {
    match (statement.verb, statement.charset.is_empty()) {
        (ObjectVerb::Drop, _) => Some(String::new()),
        (_, false) => Some(statement.charset.clone()),
        (ObjectVerb::Alter, true) => None,
        (ObjectVerb::Create, true) => {
            let name = session.server_collation().and_then(name_of);
            Some(name.map_or_else(String::new, |name| format!("COLLATE {name}")))
        }
    }
}

/// CREATE DATABASE as a file has it.
pub(crate) fn made(name: &str, create: &SchemaStatement, collation: Option<u16>, later: &[SchemaStatement]) -> Vec<u8> {
    let mut out = format!("CREATE DATABASE IF NOT EXISTS {}", quoted_name(name));
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
        file.extend_from_slice(format!("ALTER DATABASE {} {};\n", quoted_name(name), statement.options).as_bytes());
    }
    file
}
