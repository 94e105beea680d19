//! A statement written again for a table of another name.

use std::ops::Range;

use crate::lexer::{self, Kind, Token};
use crate::shape::same_column_name;
use crate::{AlterKind, Ddl, DdlVerb, SqlDialect};

/// Tokens of the longest statement.
const MOST_TOKENS: usize = 4_000_000;

/// A name in backticks.
pub fn quoted_name(name: &str) -> String {
    format!("`{}`", name.replace('`', "``"))
}

/// Writes a CREATE TABLE, ALTER TABLE, CREATE INDEX or DROP INDEX again, for a table called `name` in the current schema.
///
/// What it does to the table stays as it was; the parents of foreign keys keep their names. Left out is what would hinder:
/// comments (what executable ones hold is kept), `IF [NOT] EXISTS` and `OR REPLACE` of the table, `START TRANSACTION`,
/// `RENAME TO`, `ALGORITHM` and `LOCK`, what only changes a partition's rows, and MariaDB's `SET STATEMENT … FOR`. Quotes are written for the default SQL mode,
/// whatever the mode of the session was.
///
/// `statement` is the text that `ddl` was read from, in the same dialect. None for other statements, and where nothing is
/// left of it.
pub fn rename_in_statement(statement: &str, ddl: &Ddl, dialect: &SqlDialect, name: &str) -> Option<String> {
    let name = quoted_name(name);
    match ddl.verb {
        DdlVerb::AlterTable => {
            let mut out = format!("ALTER {}TABLE {name}", if ddl.ignore { "IGNORE " } else { "" });
            let mut separator = " ";
            for clause in &ddl.clauses {
                let begins =
                    |word: &str| clause.text.get(..word.len()).is_some_and(|start| start.eq_ignore_ascii_case(word));
                let hinders = match clause.kind {
                    AlterKind::Option => begins("ALGORITHM") || begins("LOCK"),
                    AlterKind::ExchangePartition => true,
                    AlterKind::PartitionRows => begins("TRUNCATE"),
                    _ => false,
                };
                if clause.kind == AlterKind::RenameTable || hinders {
                    continue;
                }
                let mut tokens = lexer::lex(&clause.text, dialect, MOST_TOKENS).ok()?;
                if dialect.ignores_references
                    && clause.kind != AlterKind::ForeignKey
                    && let Some(range) = reference(&tokens)
                {
                    tokens.drain(range);
                }
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

/// Writes a CREATE TABLE again, as a server shows it, so that the table counts on from `next`; None where it has no columns
/// or no ENGINE.
pub fn with_auto_increment(create: &str, dialect: &SqlDialect, next: u64) -> Option<String> {
    let tokens = lexer::lex(create, dialect, MOST_TOKENS).ok()?;
    let mut depth = 0_u32;
    let options = tokens.iter().position(|token| {
        match token.kind {
            Kind::Symbol('(') => depth += 1,
            Kind::Symbol(')') => depth = depth.saturating_sub(1),
            _ => {}
        }
        depth == 0 && token.kind == Kind::Symbol(')')
    })?;
    let end = tokens.iter().position(|token| token.kind == Kind::Symbol(';')).unwrap_or(tokens.len());
    let options = tokens.get(options..end)?;
    // `KEYWORD=value` or `KEYWORD value`.
    let value_of = |keyword: &str| {
        let at = options.iter().position(|token| is_word(token, keyword))?;
        let equals = options.get(at + 1).is_some_and(|token| token.kind == Kind::Symbol('='));
        options.get(at + 1 + usize::from(equals))
    };
    let (start, end, text) = match (value_of("AUTO_INCREMENT"), value_of("ENGINE")) {
        (Some(value), _) => (value.start, value.end, next.to_string()),
        (None, Some(engine)) => (engine.end, engine.end, format!(" AUTO_INCREMENT={next}")),
        (None, None) => return None,
    };
    Some(format!("{}{text}{}", create.get(..start)?, create.get(end..)?))
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
    let mut out = format!("{verb} SEQUENCE {} ", quoted_name(name));
    write_tokens(statement, &tail, dialect, &mut out);
    Some(out.trim_end().to_owned())
}

/// The type that a CREATE or ALTER SEQUENCE names behind AS, and whether it is UNSIGNED; None where it names none.
pub fn sequence_type(statement: &str, ddl: &Ddl, dialect: &SqlDialect) -> Option<(String, bool)> {
    let tokens = lexer::lex(statement, dialect, MOST_TOKENS).ok()?;
    let end = ddl.name_spans.first()?.end;
    let mut tail = tokens.iter().skip_while(|token| token.start < end || !is_word(token, "AS"));
    tail.next()?;
    let Kind::Word(name) = tail.next()?.kind else { return None };
    let attributes = tail.take_while(|token| match token.kind {
        Kind::Word(_) => ["UNSIGNED", "SIGNED", "ZEROFILL"].iter().any(|word| is_word(token, word)),
        Kind::Symbol('(' | ')') | Kind::Number(_) => true,
        _ => false,
    });
    let unsigned = attributes.into_iter().any(|token| is_word(token, "UNSIGNED") || is_word(token, "ZEROFILL"));
    Some((name.to_owned(), unsigned))
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

/// Writes a CREATE TABLE without the foreign keys in it, those at columns too, and in their places the indexes that they
/// make: `indexes` are the columns of each and the text of the index. The text is in the default SQL mode.
///
/// None where it is no such statement.
pub fn without_foreign_keys(create: &str, dialect: &SqlDialect, indexes: &[(Vec<String>, String)]) -> Option<String> {
    without(create, dialect, Some(indexes.to_vec()))
}

/// Writes a CREATE TABLE without the foreign keys at columns, for a server to which they mean something.
///
/// None where it is no such statement.
pub fn without_column_references(create: &str, dialect: &SqlDialect) -> Option<String> {
    without(create, dialect, None)
}

/// The child's columns in `[ADD] [CONSTRAINT [name]] FOREIGN KEY [name] (columns) REFERENCES …`; None for another text.
pub fn foreign_key_columns(text: &str, dialect: &SqlDialect) -> Option<Vec<String>> {
    let tokens = lexer::lex(text, dialect, MOST_TOKENS).ok()?;
    let added = tokens.first().is_some_and(|first| is_word(first, "ADD"));
    tokens.get(usize::from(added)..).filter(|part| is_foreign_key(part)).map(columns_of)
}

/// What a clause `DROP CONSTRAINT name` drops; None for another clause.
pub fn dropped_constraint(text: &str, dialect: &SqlDialect) -> Option<String> {
    let tokens = lexer::lex(text, dialect, MOST_TOKENS).ok()?;
    let begins = |words: &[&str]| {
        words.iter().enumerate().all(|(at, word)| tokens.get(at).is_some_and(|token| is_word(token, word)))
    };
    let at = if begins(&["DROP", "CONSTRAINT", "IF", "EXISTS"]) { 4 } else { 2 };
    tokens.get(at).filter(|_| begins(&["DROP", "CONSTRAINT"])).and_then(name_of)
}

fn name_of(token: &Token<'_>) -> Option<String> {
    match &token.kind {
        Kind::Name(name) => Some(name.to_string()),
        Kind::Word(word) => Some((*word).to_owned()),
        _ => None,
    }
}

/// The names in the first parentheses.
fn columns_of(part: &[Token<'_>]) -> Vec<String> {
    let inside = part.iter().skip_while(|token| token.kind != Kind::Symbol('(')).skip(1);
    inside.take_while(|token| token.kind != Kind::Symbol(')')).filter_map(name_of).collect()
}

/// `indexes`: what to write in the places of foreign keys; None to keep those that stand by themselves.
fn without(create: &str, dialect: &SqlDialect, mut indexes: Option<Vec<(Vec<String>, String)>>) -> Option<String> {
    let tokens = lexer::lex(create, dialect, MOST_TOKENS).ok()?;
    let open = tokens.iter().position(|token| token.kind == Kind::Symbol('('))?;
    let mut depth = 0_i32;
    let (mut parts, mut begin, mut close) = (Vec::new(), open + 1, None);
    for (place, token) in tokens.iter().enumerate().skip(open) {
        match token.kind {
            Kind::Symbol('(') => depth += 1,
            Kind::Symbol(')') => depth -= 1,
            Kind::Symbol(',') if depth == 1 => {
                parts.push(begin..place);
                begin = place + 1;
            }
            _ => {}
        }
        if depth == 0 {
            parts.push(begin..place);
            close = Some(place);
            break;
        }
    }
    let (open, close) = (tokens.get(open)?, tokens.get(close?)?);
    let mut kept = Vec::new();
    // From the end: of two foreign keys with the same columns the later one's index is made.
    for part in parts.into_iter().rev() {
        let part = tokens.get(part)?;
        let (Some(first), Some(last)) = (part.first(), part.last()) else { continue };
        let is_key = is_foreign_key(part);
        let own = reference(part).filter(|_| !is_key);
        if let Some(indexes) = indexes.as_mut().filter(|_| is_key || own.is_some()) {
            let columns = if is_key { columns_of(part) } else { name_of(first).into_iter().collect() };
            let same = |other: &[String]| {
                other.len() == columns.len() && other.iter().zip(&columns).all(|(a, b)| same_column_name(a, b))
            };
            if let Some(at) = indexes.iter().position(|(columns, _)| same(columns)) {
                kept.push(indexes.remove(at).1);
            }
            if is_key {
                continue;
            }
        }
        let text = create.get(first.start..last.end)?;
        kept.push(match own {
            Some(range) => {
                let from = part.get(range.start)?.start - first.start;
                let to = part.get(range.end - 1)?.end - first.start;
                format!("{}{}", text.get(..from)?.trim_end(), text.get(to..)?)
            }
            None => text.to_owned(),
        });
    }
    kept.reverse();
    let lines = create.get(open.end..close.start)?.contains('\n');
    let (before, between, after) = if lines { ("\n  ", ",\n  ", "\n") } else { ("", ", ", "") };
    let (head, tail) = (create.get(..open.end)?, create.get(close.start..)?);
    Some(format!("{head}{before}{}{after}{tail}", kept.join(between)))
}

/// Whether a part of a definition is a foreign key: `[CONSTRAINT [name]] FOREIGN KEY …`.
fn is_foreign_key(part: &[Token<'_>]) -> bool {
    let named = part.first().is_some_and(|token| is_word(token, "CONSTRAINT"));
    let begins = |at: usize| {
        part.get(at).is_some_and(|token| is_word(token, "FOREIGN"))
            && part.get(at + 1).is_some_and(|token| is_word(token, "KEY"))
    };
    begins(0) || (named && (begins(1) || begins(2)))
}

/// Where in a column's definition its foreign key stands: `REFERENCES t [(…)] [MATCH …] [ON … …]`.
fn reference(part: &[Token<'_>]) -> Option<Range<usize>> {
    let word = |at: usize, word: &str| part.get(at).is_some_and(|token| is_word(token, word));
    let symbol = |at: usize, symbol: char| part.get(at).is_some_and(|token| token.kind == Kind::Symbol(symbol));
    let mut depth = 0_i32;
    let start = part.iter().enumerate().position(|(place, token)| {
        match token.kind {
            Kind::Symbol('(') => depth += 1,
            Kind::Symbol(')') => depth -= 1,
            _ => {}
        }
        depth == 0 && place > 0 && is_word(token, "REFERENCES")
    })?;
    let mut end = start + 2;
    if symbol(end, '.') {
        end += 2;
    }
    if symbol(end, '(') {
        end += part.get(end..)?.iter().position(|token| token.kind == Kind::Symbol(')'))? + 1;
    }
    loop {
        if word(end, "MATCH") {
            end += 2;
        } else if word(end, "ON") && (word(end + 1, "DELETE") || word(end + 1, "UPDATE")) {
            // SET NULL, SET DEFAULT and NO ACTION are two words.
            end += if word(end + 2, "SET") || word(end + 2, "NO") { 4 } else { 3 };
        } else {
            return Some(start..end.min(part.len()));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(create: &str, expected: &str) {
        assert_eq!(without_foreign_keys(create, &SqlDialect::mysql(), &[]).as_deref(), Some(expected));
    }

    #[test]
    fn foreign_keys_are_left_out() {
        check(
            "CREATE TABLE c (id INT, p INT, FOREIGN KEY (p) REFERENCES s.p (id) ON DELETE NO ACTION)",
            "CREATE TABLE c (id INT, p INT)",
        );
        check(
            "CREATE TABLE `c` (\n  `p` int,\n  CONSTRAINT `f` FOREIGN KEY (`p`, `q`) REFERENCES `p` (`a`, `b`),\n  KEY `p` (`p`)\n) COMMENT='a'",
            "CREATE TABLE `c` (\n  `p` int,\n  KEY `p` (`p`)\n) COMMENT='a'",
        );
        check(
            "create table c (p int references s.p (id) match full on delete set null on update cascade unique, d decimal(3,1) DEFAULT (f(1,2)), constraint foreign key i (d) references x(y))",
            "create table c (p int unique, d decimal(3,1) DEFAULT (f(1,2)))",
        );
        check(
            "CREATE TABLE c (`references` int, x enum('FOREIGN KEY',')'))",
            "CREATE TABLE c (`references` int, x enum('FOREIGN KEY',')'))",
        );
        check("CREATE TABLE c (p int REFERENCES p)", "CREATE TABLE c (p int)");
        let dialect = SqlDialect { ignores_references: true, ..SqlDialect::mysql() };
        let kept = without_column_references(
            "create table c (p int references p, foreign key (p) references q (r))",
            &dialect,
        );
        assert_eq!(kept.as_deref(), Some("create table c (p int, foreign key (p) references q (r))"));
        let statement =
            "ALTER TABLE c ADD q int REFERENCES p (id) ON DELETE CASCADE, ADD FOREIGN KEY (q) REFERENCES p (id)";
        let crate::Statement::Ddl(ddl) = crate::classify(statement.as_bytes(), "s", &dialect) else {
            panic!("it is DDL")
        };
        let renamed = rename_in_statement(statement, &ddl, &dialect, "d").unwrap();
        assert_eq!(renamed, "ALTER TABLE `d` ADD q int, ADD FOREIGN KEY (q) REFERENCES p (id)");
        for text in ["ALTER TABLE c EXCHANGE PARTITION p WITH TABLE d", "ALTER TABLE c TRUNCATE PARTITION p"] {
            let crate::Statement::Ddl(ddl) = crate::classify(text.as_bytes(), "s", &dialect) else {
                panic!("it is DDL")
            };
            assert_eq!(rename_in_statement(text, &ddl, &dialect, "d"), None);
        }
        assert_eq!(without_foreign_keys("CREATE TABLE a LIKE b", &SqlDialect::mysql(), &[]), None);
        assert_eq!(without_foreign_keys("CREATE TABLE a (b int", &SqlDialect::mysql(), &[]), None);
    }
    #[test]
    fn indexes_stand_in_the_places_of_foreign_keys() {
        let indexes =
            [(vec!["P".to_owned()], "KEY `i` (`p`)".to_owned()), (vec!["q".to_owned()], "KEY `q` (`q`)".to_owned())];
        let create = "CREATE TABLE c (p int, q int references x (y), foreign key (p) references x (y), constraint n foreign key (p) references x (z), key (q, p))";
        assert_eq!(
            without_foreign_keys(create, &SqlDialect::mysql(), &indexes).as_deref(),
            Some("CREATE TABLE c (p int, q int, KEY `q` (`q`), KEY `i` (`p`), key (q, p))")
        );
        let columns = |text: &str| foreign_key_columns(text, &SqlDialect::mysql());
        assert_eq!(columns("add constraint f foreign key i (`a b`, c) references x (y, z)").unwrap(), ["a b", "c"]);
        assert_eq!(columns("DROP FOREIGN KEY f"), None);
        assert_eq!(columns("add c int references x (y)"), None);
        let dropped = |text: &str| dropped_constraint(text, &SqlDialect::mariadb());
        assert_eq!(dropped("drop constraint if exists `f f`").as_deref(), Some("f f"));
        assert_eq!(dropped("DROP CONSTRAINT f").as_deref(), Some("f"));
        assert_eq!(dropped("DROP KEY f"), None);
    }
}
