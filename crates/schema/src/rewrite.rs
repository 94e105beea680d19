//! A statement written again for a table of another name.

use std::ops::Range;

use crate::lexer::{self, Kind, Token};
use crate::{AlterKind, Ddl, DdlVerb, SqlDialect};

/// Tokens of the longest statement.
const MOST_TOKENS: usize = 4_000_000;

/// Writes a CREATE TABLE, ALTER TABLE, CREATE INDEX or DROP INDEX again, for a table called `name` in the current schema.
///
/// What it does to the table stays as it was; the parents of foreign keys keep their names. Left out is what would hinder:
/// comments (what executable ones hold is kept), `IF [NOT] EXISTS` and `OR REPLACE` of the table, `START TRANSACTION`,
/// `RENAME TO`, `ALGORITHM` and `LOCK`, and MariaDB's `SET STATEMENT … FOR`. Quotes are written for the default SQL mode,
/// whatever the mode of the session was.
///
/// `statement` is the text that `ddl` was read from, in the same dialect. None for other statements, and where nothing is
/// left of it.
pub fn rename_in_statement(statement: &str, ddl: &Ddl, dialect: &SqlDialect, name: &str) -> Option<String> {
    let name = format!("`{}`", name.replace('`', "``"));
    match ddl.verb {
        DdlVerb::AlterTable => {
            let mut out = format!("ALTER {}TABLE {name}", if ddl.ignore { "IGNORE " } else { "" });
            let mut separator = " ";
            for clause in &ddl.clauses {
                let begins =
                    |word: &str| clause.text.get(..word.len()).is_some_and(|start| start.eq_ignore_ascii_case(word));
                let hinders = clause.kind == AlterKind::Option && (begins("ALGORITHM") || begins("LOCK"));
                if clause.kind == AlterKind::RenameTable || hinders {
                    continue;
                }
                let tokens = lexer::lex(&clause.text, dialect, MOST_TOKENS).ok()?;
                out.push_str(separator);
                write_tokens(&clause.text, &tokens, dialect, &mut out);
                separator = ", ";
            }
            (separator == ", ").then_some(out)
        }
        DdlVerb::CreateTable | DdlVerb::CreateIndex | DdlVerb::DropIndex => {
            let tokens = lexer::lex(statement, dialect, MOST_TOKENS).ok()?;
            let span = ddl.name_spans.first()?;
            let named = tokens.iter().position(|token| token.start == span.start)?;
            let behind = tokens.iter().position(|token| token.start >= span.end).unwrap_or(tokens.len());
            let verb = verb(&tokens, named)?;
            let table = ddl.verb == DdlVerb::CreateTable;
            let mut head = tokens.get(verb..named)?.to_vec();
            if table {
                leave_out(&mut head, &["OR", "REPLACE"]);
                leave_out(&mut head, &["IF", "NOT", "EXISTS"]);
            }
            let mut tail = tokens.get(behind..)?.to_vec();
            if table {
                leave_out(&mut tail, &["START", "TRANSACTION"]);
            }
            while tail.last().is_some_and(|token| token.kind == Kind::Symbol(';')) {
                tail.pop();
            }
            let mut out = String::with_capacity(statement.len() + name.len());
            write_tokens(statement, &head, dialect, &mut out);
            out.push(' ');
            out.push_str(&name);
            out.push(' ');
            write_tokens(statement, &tail, dialect, &mut out);
            Some(out.trim_end().to_owned())
        }
        _ => None,
    }
}

/// Puts table options behind the columns of a CREATE TABLE; None where it has no columns.
pub fn with_table_options(statement: &str, dialect: &SqlDialect, options: &str) -> Option<String> {
    let tokens = lexer::lex(statement, dialect, MOST_TOKENS).ok()?;
    let mut depth = 0_u32;
    for token in &tokens {
        match token.kind {
            Kind::Symbol('(') => depth += 1,
            Kind::Symbol(')') => {
                depth = depth.checked_sub(1)?;
                if depth == 0 {
                    let (before, behind) = statement.split_at_checked(token.end)?;
                    return Some(format!("{before} {options}{behind}"));
                }
            }
            _ => {}
        }
    }
    None
}

/// Writes a CREATE or ALTER SEQUENCE again, for one called `name` in the current schema, as [`rename_in_statement`] does.
pub fn rename_in_sequence(statement: &str, ddl: &Ddl, dialect: &SqlDialect, name: &str) -> Option<String> {
    let verb = match ddl.verb {
        DdlVerb::CreateSequence => "CREATE",
        DdlVerb::AlterSequence => "ALTER",
        _ => return None,
    };
    let tokens = lexer::lex(statement, dialect, MOST_TOKENS).ok()?;
    let span = ddl.name_spans.first()?;
    let behind = tokens.iter().position(|token| token.start >= span.end).unwrap_or(tokens.len());
    let mut tail = tokens.get(behind..)?.to_vec();
    while tail.last().is_some_and(|token| token.kind == Kind::Symbol(';')) {
        tail.pop();
    }
    let mut out = format!("{verb} SEQUENCE `{}` ", name.replace('`', "``"));
    write_tokens(statement, &tail, dialect, &mut out);
    Some(out.trim_end().to_owned())
}

fn is_word(token: &Token<'_>, word: &str) -> bool {
    matches!(token.kind, Kind::Word(text) if text.eq_ignore_ascii_case(word))
}

/// The statement's verb, which may stand behind `SET STATEMENT … FOR`.
fn verb(tokens: &[Token<'_>], named: usize) -> Option<usize> {
    let head = tokens.get(..named)?;
    if !head.first().is_some_and(|token| is_word(token, "SET")) {
        return Some(0);
    }
    let mut depth = 0_i32;
    let follows = head.iter().position(|token| {
        match token.kind {
            Kind::Symbol('(') => depth += 1,
            Kind::Symbol(')') => depth -= 1,
            _ => {}
        }
        depth == 0 && is_word(token, "FOR")
    })?;
    Some(follows + 1)
}

/// Leaves out the first place, outside of parentheses, where these words follow each other.
fn leave_out(tokens: &mut Vec<Token<'_>>, words: &[&str]) {
    let mut depth = 0_i32;
    let mut found = None;
    for (place, token) in tokens.iter().enumerate() {
        match token.kind {
            Kind::Symbol('(') => depth += 1,
            Kind::Symbol(')') => depth -= 1,
            _ => {}
        }
        let here = tokens.get(place..place + words.len());
        if depth == 0 && here.is_some_and(|here| here.iter().zip(words).all(|(token, word)| is_word(token, word))) {
            found = Some(place..place + words.len());
            break;
        }
    }
    if let Some(range) = found {
        tokens.drain(range);
    }
}

/// Writes tokens with the space between them; a comment is a space.
pub(crate) fn write_tokens(text: &str, tokens: &[Token<'_>], dialect: &SqlDialect, out: &mut String) {
    let slice = |range: Range<usize>| text.get(range).unwrap_or_default();
    let mut end = None;
    for token in tokens {
        if let Some(end) = end {
            let gap = slice(end..token.start.max(end));
            let blank = gap.bytes().all(|byte| byte.is_ascii_whitespace());
            out.push_str(if blank { gap } else { " " });
        }
        match &token.kind {
            Kind::Name(name) if dialect.ansi_quotes => {
                out.push('`');
                out.push_str(&name.replace('`', "``"));
                out.push('`');
            }
            Kind::Text(value) if dialect.no_backslash_escapes => {
                out.push('\'');
                out.push_str(&value.replace('\\', "\\\\").replace('\'', "''"));
                out.push('\'');
            }
            _ => out.push_str(slice(token.start..token.end)),
        }
        end = Some(token.end);
    }
}
