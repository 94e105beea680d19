//! Statements about what stands beside tables: views, triggers, routines, packages and events.

use std::ops::Range;

use backtrail_domain::{TableName, lowered_name};

use crate::SqlDialect;
use crate::classify::{Reader, Reason};
use crate::cursor::Cursor;
use crate::lexer::{self, Kind, Token};
use crate::rewrite::quoted_name;

/// Tokens of the longest statement.
pub(crate) const MOST_TOKENS: usize = 4_000_000;

/// What stands beside tables.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[expect(missing_docs, reason = "the SQL names")]
pub enum ObjectKind {
    View,
    Trigger,
    Function,
    Procedure,
    Package,
    PackageBody,
    Event,
    Library,
}

impl ObjectKind {
    /// As SQL writes it.
    pub fn sql(self) -> &'static str {
        match self {
            Self::View => "VIEW",
            Self::Trigger => "TRIGGER",
            Self::Function => "FUNCTION",
            Self::Procedure => "PROCEDURE",
            Self::Package => "PACKAGE",
            Self::PackageBody => "PACKAGE BODY",
            Self::Event => "EVENT",
            Self::Library => "LIBRARY",
        }
    }
}

/// What is done to it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(missing_docs, reason = "the SQL names")]
pub enum ObjectVerb {
    Create,
    Alter,
    Drop,
}

/// The place of a trigger among those of the same table, moment and event.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TriggerPlace {
    /// PRECEDES; else FOLLOWS.
    pub before: bool,
    /// The other trigger.
    pub other: String,
}

/// A statement that makes, changes or removes something beside tables.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ObjectStatement {
    /// What it does.
    pub verb: ObjectVerb,
    /// To what.
    pub kind: ObjectKind,
    /// Schema and name.
    pub name: TableName,
    /// DROP VIEW: the names behind the first.
    pub more_names: Vec<TableName>,
    /// IF EXISTS or IF NOT EXISTS stands in it.
    pub conditional: bool,
    /// OR REPLACE stands in it.
    pub or_replace: bool,
    /// A DEFINER stands in it.
    pub has_definer: bool,
    /// A trigger's table.
    pub table: Option<TableName>,
    /// Where a trigger stands among others.
    pub place: Option<TriggerPlace>,
    /// ALTER EVENT … RENAME TO.
    pub rename_to: Option<TableName>,
    /// An event's schedule counts from the moment of the statement.
    pub counts_from_now: bool,
    /// A view's column list.
    pub columns: Option<Vec<String>>,
    /// Where a view's query begins, in bytes.
    pub query_at: usize,
    /// Whether it says anything besides a new name.
    pub says_more: bool,
    spans: Spans,
}

/// Places in the statement's text, in bytes.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
struct Spans {
    /// The statement without SET STATEMENT before it; its end without semicolons.
    whole: Range<usize>,
    verb: Range<usize>,
    definer: Range<usize>,
    name: Range<usize>,
    table: Range<usize>,
    /// What stands there, without schema and quotes.
    written_name: String,
    written_table: String,
    left_out: Vec<Range<usize>>,
    /// Strings with a line that ends in a semicolon.
    broken_strings: Vec<Range<usize>>,
    /// Something stands behind the last token that is no blank.
    trailing: bool,
}

/// How a statement is written again. Names are in the characters of its text.
#[derive(Debug, Clone, Copy, Default)]
pub struct ObjectNames<'a> {
    /// The object's name.
    pub name: &'a str,
    /// A schema in front of it; none: the current one.
    pub schema: Option<&'a str>,
    /// The trigger's table.
    pub table: Option<&'a str>,
    /// A definer as SQL, where the statement has none.
    pub definer: Option<&'a str>,
    /// A definer as SQL in the place of the one that the statement has.
    pub other_definer: Option<&'a str>,
}

/// What kind of object a CREATE, ALTER or DROP is about, which stands before names and bodies that may not be understood.
pub fn object_kind(text: &str, dialect: &SqlDialect) -> Option<ObjectKind> {
    const HEAD: usize = 60;
    let tokens = lexer::lex(text, dialect, HEAD).ok()?;
    let mut reader = Reader { cursor: Cursor::new(text, &tokens), default_schema: "" };
    if reader.cursor.accept_all(&["SET", "STATEMENT"]) {
        reader.behind_for(text)?;
    }
    if !reader.cursor.accept_any(&["CREATE", "ALTER", "DROP"]) {
        return None;
    }
    reader.cursor.accept_all(&["OR", "REPLACE"]);
    while reader.cursor.accept("AGGREGATE") || reader.clause_before_object().ok()? {}
    reader.object_kind()
}

/// Reads a statement about a view, trigger, routine, package or event; None for any other statement.
///
/// # Errors
/// What is about such an object and is not understood.
pub fn read_object_statement(
    text: &str,
    default_schema: &str,
    dialect: &SqlDialect,
) -> Result<Option<ObjectStatement>, &'static str> {
    let tokens = lexer::lex(text, dialect, MOST_TOKENS).map_err(|_| "a string, name or comment in it is not closed")?;
    let mut reader = Reader { cursor: Cursor::new(text, &tokens), default_schema };
    let mut start = 0;
    if reader.cursor.accept_all(&["SET", "STATEMENT"]) {
        reader.behind_for(text).ok_or("SET STATEMENT without FOR")?;
        start = reader.cursor.offset();
    }
    let Some(mut found) = reader.object_statement()? else { return Ok(None) };
    let last = tokens.iter().rposition(|token| token.kind != Kind::Symbol(';'));
    let behind = tokens.last().map_or(text.len(), |token| token.end);
    let end = match last.and_then(|last| tokens.get(last + 1)) {
        Some(semicolon) => semicolon.start,
        None => text.len(),
    };
    found.spans.trailing = text.get(behind..).is_some_and(|rest| !rest.trim().is_empty());
    found.spans.whole = start..end;
    for token in &tokens {
        let own = text.get(token.start..token.end).unwrap_or_default();
        match token.kind {
            Kind::Text(_) if own.contains(";\n") => {
                if dialect.no_backslash_escapes {
                    return Err(
                        "a string in it has a line that ends in a semicolon, where no loader would go on reading",
                    );
                }
                found.spans.broken_strings.push(token.start..token.end);
            }
            Kind::Name(_) if own.contains(";\n") => return Err("a name in it has a semicolon and a line break"),
            _ => {}
        }
    }
    Ok(Some(found))
}

impl ObjectStatement {
    /// Puts the names of schemas, views and tables in small letters, as a server keeps them whose `lower_case_table_names` is 1.
    pub fn lower_names(&mut self) {
        let schema = |name: &mut TableName| name.schema = lowered_name(&name.schema);
        schema(&mut self.name);
        self.rename_to.iter_mut().for_each(schema);
        if self.kind == ObjectKind::View {
            let names = std::iter::once(&mut self.name).chain(&mut self.more_names);
            names.for_each(|name| *name = name.lowered());
        }
        self.more_names.iter_mut().for_each(schema);
        self.table.iter_mut().for_each(|table| *table = table.lowered());
    }
    /// Writes a CREATE or ALTER again as mydumper has it in its files, without the semicolon at its end: no OR REPLACE, IF
    /// NOT EXISTS, FOLLOWS, PRECEDES or RENAME TO; an ALTER VIEW as CREATE VIEW; no line within it ends in a semicolon.
    pub fn write(&self, text: &str, names: &ObjectNames<'_>) -> String {
        let mut edits: Vec<(Range<usize>, String)> =
            self.spans.left_out.iter().map(|span| (span.clone(), String::new())).collect();
        let own = text.get(self.spans.name.clone()).unwrap_or_default();
        let full = match names.schema {
            Some(schema) => format!("{}.{}", quoted_name(schema), quoted_name(names.name)),
            None => quoted_name(names.name),
        };
        // A name that stays is left as it was written.
        if names.schema.is_some() || names.name != self.spans.written_name || is_qualified(own) {
            edits.push((self.spans.name.clone(), full));
        }
        if let Some(table) = names.table.filter(|_| self.table.is_some()) {
            let own = text.get(self.spans.table.clone()).unwrap_or_default();
            if table != self.spans.written_table || is_qualified(own) {
                edits.push((self.spans.table.clone(), quoted_name(table)));
            }
        }
        if self.kind == ObjectKind::View && self.verb == ObjectVerb::Alter {
            edits.push((self.spans.verb.clone(), "CREATE".to_owned()));
        }
        if let Some(definer) = names.definer.filter(|_| !self.has_definer) {
            edits.push((self.spans.verb.end..self.spans.verb.end, format!(" DEFINER={definer}")));
        }
        if let Some(definer) = names.other_definer.filter(|_| self.has_definer) {
            edits.push((self.spans.definer.clone(), format!("DEFINER={definer}")));
        }
        for span in &self.spans.broken_strings {
            let string = text.get(span.clone()).unwrap_or_default();
            edits.push((span.clone(), string.replace(";\n", ";\\n")));
        }
        edits.sort_by_key(|(span, _)| (span.start, span.end));
        let mut out = String::with_capacity(text.len());
        let mut at = self.spans.whole.start;
        for (span, with) in edits {
            out.push_str(text.get(at..span.start).unwrap_or_default());
            out.push_str(&with);
            at = span.end;
        }
        out.push_str(text.get(at..self.spans.whole.end).unwrap_or_default());
        let mut out = out.trim().replace(";\n", "; \n");
        if self.spans.trailing {
            // A comment may reach to the line's end.
            out.push('\n');
        }
        out
    }
}

fn is_qualified(name: &str) -> bool {
    // Dots inside of quotes do not count, but writing such a name anew does no harm.
    name.contains('.')
}

impl Reader<'_, '_, '_> {
    fn leave_out(&mut self, left_out: &mut Vec<Range<usize>>, words: &[&str]) -> bool {
        let start = self.cursor.position;
        let found = self.cursor.accept_all(words);
        if found {
            left_out.push(self.cursor.span_since(start));
        }
        found
    }

    fn object_statement(&mut self) -> Result<Option<ObjectStatement>, Reason> {
        let mut spans = Spans::default();
        let start = self.cursor.position;
        let verb = match self.cursor.keyword().as_deref() {
            Some("CREATE") => ObjectVerb::Create,
            Some("ALTER") => ObjectVerb::Alter,
            Some("DROP") => ObjectVerb::Drop,
            _ => return Ok(None),
        };
        self.cursor.advance();
        spans.verb = self.cursor.span_since(start);
        let or_replace = self.leave_out(&mut spans.left_out, &["OR", "REPLACE"]);
        let mut has_definer = false;
        loop {
            let start = self.cursor.position;
            let definer = self.cursor.is_word("DEFINER");
            if !self.cursor.accept("AGGREGATE") && !self.clause_before_object()? {
                break;
            }
            if definer {
                has_definer = true;
                spans.definer = self.cursor.span_since(start);
            }
        }
        let Some(kind) = self.object_kind() else { return Ok(None) };
        if kind == ObjectKind::Library && verb != ObjectVerb::Drop {
            return Err("dumps have no libraries");
        }
        self.cursor.position += 1 + usize::from(kind == ObjectKind::PackageBody);
        let conditional = self.leave_out(&mut spans.left_out, &["IF", "NOT", "EXISTS"])
            || self.leave_out(&mut spans.left_out, &["IF", "EXISTS"]);
        let start = self.cursor.position;
        let name = self.table()?;
        spans.name = self.cursor.span_since(start);
        spans.written_name.clone_from(&name.table);
        let mut found = ObjectStatement {
            verb,
            kind,
            name,
            more_names: Vec::new(),
            conditional,
            or_replace,
            has_definer,
            table: None,
            place: None,
            rename_to: None,
            counts_from_now: false,
            columns: None,
            query_at: 0,
            says_more: true,
            spans,
        };
        match (verb, kind) {
            (ObjectVerb::Drop, _) => {
                while self.cursor.accept_symbol(',') {
                    found.more_names.push(self.table()?);
                }
            }
            (_, ObjectKind::View) => self.view(&mut found)?,
            (ObjectVerb::Create, ObjectKind::Trigger) => self.trigger(&mut found)?,
            (ObjectVerb::Alter, ObjectKind::Trigger) => return Err("there is no such ALTER"),
            (_, ObjectKind::Event) => self.event(&mut found)?,
            (_, ObjectKind::Function) if self.is_loadable() => return Ok(None),
            _ => {}
        }
        Ok(Some(found))
    }

    fn object_kind(&self) -> Option<ObjectKind> {
        Some(match self.cursor.keyword()?.as_str() {
            "VIEW" => ObjectKind::View,
            "TRIGGER" => ObjectKind::Trigger,
            "FUNCTION" => ObjectKind::Function,
            "PROCEDURE" => ObjectKind::Procedure,
            "PACKAGE" if self.cursor.is_word_at(1, "BODY") => ObjectKind::PackageBody,
            "PACKAGE" => ObjectKind::Package,
            "EVENT" => ObjectKind::Event,
            "LIBRARY" => ObjectKind::Library,
            _ => return None,
        })
    }

    /// CREATE FUNCTION … RETURNS … SONAME is the server's, not a schema's.
    fn is_loadable(&self) -> bool {
        self.cursor.is_word("RETURNS") && self.cursor.is_word_at(2, "SONAME")
    }

    fn view(&mut self, found: &mut ObjectStatement) -> Result<(), Reason> {
        if self.cursor.accept_symbol('(') {
            let mut columns = Vec::new();
            loop {
                columns.push(self.cursor.name().ok_or("a view's column is expected")?);
                if !self.cursor.accept_symbol(',') {
                    break;
                }
            }
            if !self.cursor.accept_symbol(')') {
                return Err("a view's column list is not closed");
            }
            found.columns = Some(columns);
        }
        if !self.cursor.accept("AS") {
            return Err("a view's query is expected");
        }
        found.query_at = self.cursor.offset();
        Ok(())
    }

    fn trigger(&mut self, found: &mut ObjectStatement) -> Result<(), Reason> {
        while !self.cursor.is_word("ON") {
            self.cursor.advance().ok_or("the trigger's table is expected")?;
        }
        self.cursor.advance();
        let start = self.cursor.position;
        let schema = found.name.schema.clone();
        let table = self.cursor.table_name(&schema).ok_or("the trigger's table is expected")?;
        found.spans.table = self.cursor.span_since(start);
        found.spans.written_table.clone_from(&table.table);
        found.table = Some(table);
        if !self.cursor.accept_all(&["FOR", "EACH", "ROW"]) {
            return Err("FOR EACH ROW is expected");
        }
        let start = self.cursor.position;
        let before = self.cursor.is_word("PRECEDES");
        if before || self.cursor.is_word("FOLLOWS") {
            self.cursor.advance();
            let other = self.cursor.name().ok_or("another trigger is expected")?;
            found.place = Some(TriggerPlace { before, other });
            found.spans.left_out.push(self.cursor.span_since(start));
        }
        Ok(())
    }

    fn event(&mut self, found: &mut ObjectStatement) -> Result<(), Reason> {
        const NOW: &[&str] = &[
            "CURRENT_TIMESTAMP",
            "NOW",
            "CURRENT_DATE",
            "CURDATE",
            "CURRENT_TIME",
            "CURTIME",
            "LOCALTIME",
            "LOCALTIMESTAMP",
            "UTC_TIMESTAMP",
            "UTC_DATE",
            "UTC_TIME",
            "SYSDATE",
            "UNIX_TIMESTAMP",
        ];
        let (mut every, mut starts, mut now) = (false, false, false);
        found.says_more = found.verb == ObjectVerb::Create;
        while !self.cursor.at_end() {
            let start = self.cursor.position;
            if self.cursor.accept_all(&["RENAME", "TO"]) {
                found.rename_to = Some(self.table()?);
                found.spans.left_out.push(self.cursor.span_since(start));
                continue;
            }
            found.says_more = true;
            if self.cursor.is_word("DO") {
                break;
            }
            every |= self.cursor.is_word("EVERY");
            starts |= self.cursor.is_word("STARTS");
            now |= self.cursor.is_any_word(NOW);
            self.cursor.advance();
        }
        found.counts_from_now = now || (every && !starts);
        Ok(())
    }
}

/// A statement about a schema.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SchemaStatement {
    /// CREATE, ALTER or DROP.
    pub verb: ObjectVerb,
    /// The schema.
    pub schema: String,
    /// IF NOT EXISTS or IF EXISTS stands in it.
    pub conditional: bool,
    /// OR REPLACE stands in it.
    pub or_replace: bool,
    /// What it says besides, for the default SQL mode.
    pub options: String,
    /// The character set and collation among that, as table options; empty where it names none.
    pub charset: String,
}

/// Reads CREATE, ALTER and DROP DATABASE; None for any other statement.
///
/// # Errors
/// What is such a statement and is not understood.
pub fn read_schema_statement(
    text: &str,
    default_schema: &str,
    dialect: &SqlDialect,
) -> Result<Option<SchemaStatement>, &'static str> {
    let tokens = lexer::lex(text, dialect, MOST_TOKENS).map_err(|_| "a string, name or comment in it is not closed")?;
    let mut cursor = Cursor::new(text, &tokens);
    if cursor.accept_all(&["SET", "STATEMENT"]) {
        let mut reader = Reader { cursor, default_schema };
        reader.behind_for(text).ok_or("SET STATEMENT without FOR")?;
        cursor = reader.cursor;
    }
    let verb = match cursor.keyword().as_deref() {
        Some("CREATE") => ObjectVerb::Create,
        Some("ALTER") => ObjectVerb::Alter,
        Some("DROP") => ObjectVerb::Drop,
        _ => return Ok(None),
    };
    cursor.advance();
    let or_replace = cursor.accept_all(&["OR", "REPLACE"]);
    if !cursor.accept_any(&["DATABASE", "SCHEMA"]) {
        return Ok(None);
    }
    let conditional = cursor.accept_all(&["IF", "NOT", "EXISTS"]) || cursor.accept_all(&["IF", "EXISTS"]);
    let option = ["DEFAULT", "CHARACTER", "CHARSET", "COLLATE", "ENCRYPTION", "COMMENT", "READ", "UPGRADE"];
    let schema = if verb == ObjectVerb::Alter && cursor.is_any_word(&option) {
        default_schema.to_owned()
    } else {
        cursor.name().ok_or("a schema name is expected")?
    };
    if schema.is_empty() || cursor.is_word("UPGRADE") {
        return Err("a schema name is expected");
    }
    let rest: Vec<Token<'_>> = tokens.get(cursor.position..).unwrap_or_default().to_vec();
    let rest: Vec<Token<'_>> = rest.into_iter().filter(|token| token.kind != Kind::Symbol(';')).collect();
    let mut options = String::new();
    crate::rewrite::write_tokens(text, &rest, dialect, &mut options);
    Ok(Some(SchemaStatement { verb, schema, conditional, or_replace, charset: charset_options(&rest), options }))
}

/// `CHARACTER SET x` and `COLLATE x` among tokens.
fn charset_options(tokens: &[Token<'_>]) -> String {
    let mut found = Vec::new();
    let is = |at: usize, word: &str| matches!(tokens.get(at).map(|token| &token.kind), Some(Kind::Word(own)) if own.eq_ignore_ascii_case(word));
    for at in 0..tokens.len() {
        let (option, mut value) = if is(at, "CHARACTER") && is(at + 1, "SET") {
            ("CHARACTER SET", at + 2)
        } else if is(at, "CHARSET") {
            ("CHARACTER SET", at + 1)
        } else if is(at, "COLLATE") {
            ("COLLATE", at + 1)
        } else {
            continue;
        };
        value += usize::from(tokens.get(value).is_some_and(|token| token.kind == Kind::Symbol('=')));
        match tokens.get(value).map(|token| &token.kind) {
            Some(Kind::Word(name)) => found.push(format!("{option} {name}")),
            Some(Kind::Name(name) | Kind::Text(name)) => found.push(format!("{option} {name}")),
            _ => {}
        }
    }
    found.join(" ")
}
