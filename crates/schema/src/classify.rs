//! What a statement does.
//!
//! The first words decide; behind them every token is accounted for as far as it can name a table. Whatever does not fit is
//! [`Statement::Unknown`].

use backtrail_domain::TableName;

use crate::cursor::Cursor;
use crate::lexer::{self, Kind, Token};
use crate::statement::{DataChange, DataChangeVerb, Statement, TransactionControl};
use crate::{SchemaError, SqlDialect};

/// Statements that only hold rows are read this far.
const HEAD_TOKENS: usize = 256;
/// Statements that may name tables anywhere are read to their end, up to here.
const MOST_TOKENS: usize = 4_000_000;

/// Why a statement is not understood.
pub(crate) type Reason = &'static str;

/// Says what a statement of the binary log does. Tables named without a schema are in `default_schema` (the query
/// event's).
///
/// The text must be UTF-8, or of a character set in which no byte of a character looks like a quote or a backslash; one in
/// `gbk`, `big5`, `sjis`, `cp932` or `gb18030` has to be converted by the caller first. Names that are not UTF-8 make the
/// statement unknown.
pub fn classify(statement: &[u8], default_schema: &str, dialect: &SqlDialect) -> Statement {
    let text = String::from_utf8_lossy(statement);
    let found = classify_text(&text, default_schema, dialect, 0);
    let damaged = matches!(&found, Ok(found) if names_of(found).any(|name| name.contains('\u{fffd}')));
    match found {
        Ok(found) if !damaged => found,
        Ok(_) => unknown(&text, "a name in it is not UTF-8"),
        Err(reason) => unknown(&text, reason),
    }
}

fn unknown(text: &str, reason: Reason) -> Statement {
    Statement::Unknown { beginning: text.trim_start().chars().take(80).collect(), reason: reason.to_owned() }
}

fn names_of(statement: &Statement) -> impl Iterator<Item = &str> {
    let (tables, schema) = match statement {
        Statement::Ddl(ddl) => (ddl.tables.as_slice(), ddl.schema.as_deref()),
        Statement::DataChange(change) => (change.tables.as_deref().unwrap_or_default(), None),
        _ => (&[][..], None),
    };
    tables.iter().flat_map(|name| [name.schema.as_str(), name.table.as_str()]).chain(schema)
}

fn classify_text(text: &str, default_schema: &str, dialect: &SqlDialect, depth: u8) -> Result<Statement, Reason> {
    let lex_error = |_: SchemaError| "a string, name or comment in it is not closed";
    let head = lexer::lex(text, dialect, HEAD_TOKENS).map_err(lex_error)?;
    let mut cursor = Cursor::new(text, &head);
    let Some(verb) = cursor.keyword() else {
        return match cursor.peek() {
            None => Ok(harmless("comment")),
            Some(Kind::Symbol('(')) => Ok(function()),
            Some(_) => Err("it does not begin with a keyword"),
        };
    };
    // Only definitions are read beyond their heads.
    let whole: Vec<Token<'_>>;
    if head.len() == HEAD_TOKENS && needs_whole(&cursor, &verb) {
        whole = lexer::lex(text, dialect, MOST_TOKENS).map_err(lex_error)?;
        if whole.len() == MOST_TOKENS {
            return Err("it is longer than any definition");
        }
        cursor = Cursor::new(text, &whole);
    }
    cursor.advance();
    let reader = &mut Reader { cursor, default_schema };
    match verb.as_str() {
        "CREATE" => reader.create(),
        "ALTER" => reader.alter(),
        "DROP" => reader.drop(),
        "TRUNCATE" => reader.truncate(),
        "RENAME" => reader.rename(),
        "INSERT" | "REPLACE" | "UPDATE" | "DELETE" | "LOAD" | "CALL" | "DO" | "SELECT" | "WITH" | "VALUES" => {
            reader.data_change(&verb)
        }
        "SET" if reader.cursor.is_word("STATEMENT") => {
            // MariaDB: SET STATEMENT variable=value, … FOR statement.
            if depth > 0 {
                return Err("SET STATEMENT is nested");
            }
            let rest = reader.behind_for(text).ok_or("SET STATEMENT without FOR")?;
            let mut found = classify_text(rest, default_schema, dialect, depth + 1)?;
            if let Statement::Ddl(ddl) = &mut found {
                let before = text.len() - rest.len();
                for span in &mut ddl.name_spans {
                    *span = span.start + before..span.end + before;
                }
            }
            Ok(found)
        }
        _ => reader.other(&verb),
    }
}

/// Whether tables can be named anywhere in the statement.
fn needs_whole(cursor: &Cursor<'_, '_>, verb: &str) -> bool {
    match verb {
        "DROP" | "RENAME" | "ALTER" | "SET" => true,
        "CREATE" => (1..12).any(|ahead| cursor.is_word_at(ahead, "TABLE")),
        _ => false,
    }
}

pub(crate) fn harmless(what: &str) -> Statement {
    Statement::Harmless { what: what.to_owned() }
}

fn function() -> Statement {
    Statement::DataChange(DataChange { verb: DataChangeVerb::Function, tables: None })
}

fn control(verb: TransactionControl) -> Result<Statement, Reason> {
    Ok(Statement::TransactionControl { verb })
}

/// Reads one statement; behind its first word.
pub(crate) struct Reader<'r, 't, 'a> {
    pub(crate) cursor: Cursor<'t, 'a>,
    pub(crate) default_schema: &'r str,
}

impl<'a> Reader<'_, '_, 'a> {
    pub(crate) fn table(&mut self) -> Result<TableName, Reason> {
        self.cursor.table_name(self.default_schema).ok_or("a table name is expected, with its schema or after USE")
    }

    fn data_change(&mut self, verb: &str) -> Result<Statement, Reason> {
        let modifiers =
            ["LOW_PRIORITY", "HIGH_PRIORITY", "DELAYED", "QUICK", "IGNORE", "CONCURRENT", "LOCAL", "DATA", "XML"];
        let (verb, tables) = match verb {
            "INSERT" | "REPLACE" => {
                while self.cursor.accept_any(&modifiers) {}
                self.cursor.accept("INTO");
                let table = self.cursor.table_name(self.default_schema);
                let kind = if verb == "INSERT" { DataChangeVerb::Insert } else { DataChangeVerb::Replace };
                (kind, table.map(|table| vec![table]))
            }
            "UPDATE" => {
                while self.cursor.accept_any(&modifiers) {}
                let table = self.cursor.table_name(self.default_schema);
                // More than one table before SET: which ones change shows in the assignments.
                self.accept_partitions();
                self.accept_alias(&["SET"]);
                let single = self.cursor.is_word("SET");
                (DataChangeVerb::Update, table.filter(|_| single).map(|table| vec![table]))
            }
            "DELETE" => {
                while self.cursor.accept_any(&modifiers) {}
                let single = self.cursor.accept("FROM");
                let table = self.cursor.table_name(self.default_schema);
                self.accept_partitions();
                self.accept_alias(&["WHERE", "ORDER", "LIMIT", "RETURNING", "FOR", "USING"]);
                let single = single
                    && (self.cursor.at_end()
                        || self.cursor.is_any_word(&["WHERE", "ORDER", "LIMIT", "RETURNING", "FOR"]));
                (DataChangeVerb::Delete, table.filter(|_| single).map(|table| vec![table]))
            }
            "LOAD" => {
                if !self.cursor.is_any_word(&["DATA", "XML"]) {
                    return if self.cursor.is_word("INDEX") {
                        Ok(harmless("index cache"))
                    } else {
                        Err("an unknown LOAD")
                    };
                }
                while !self.cursor.is_word("INTO") {
                    self.cursor.advance().ok_or("the table of a LOAD is expected")?;
                }
                self.cursor.advance();
                let named = self.cursor.accept("TABLE");
                let table = self.cursor.table_name(self.default_schema);
                (DataChangeVerb::LoadData, table.filter(|_| named).map(|table| vec![table]))
            }
            "CALL" => (DataChangeVerb::Call, None),
            // WITH may stand before an UPDATE or a DELETE as well.
            _ => (DataChangeVerb::Function, None),
        };
        Ok(Statement::DataChange(DataChange { verb, tables }))
    }

    fn accept_partitions(&mut self) {
        if self.cursor.is_word("PARTITION") && matches!(self.cursor.peek_at(1), Some(Kind::Symbol('('))) {
            self.cursor.advance();
            self.cursor.skip_parentheses();
        }
    }

    fn accept_alias(&mut self, not: &[&str]) {
        if self.cursor.accept("AS") || !self.cursor.is_any_word(not) {
            let position = self.cursor.position;
            if self.cursor.name().is_none() {
                self.cursor.position = position;
            }
        }
    }

    /// The statement behind SET STATEMENT's FOR.
    pub(crate) fn behind_for(&mut self, text: &'a str) -> Option<&'a str> {
        loop {
            match self.cursor.peek()? {
                Kind::Symbol('(') => {
                    if !self.cursor.skip_parentheses() {
                        return None;
                    }
                }
                Kind::Word(word) if word.eq_ignore_ascii_case("FOR") => {
                    self.cursor.advance();
                    return text.get(self.cursor.offset()..);
                }
                _ => {
                    self.cursor.advance();
                }
            }
        }
    }

    fn other(&mut self, verb: &str) -> Result<Statement, Reason> {
        use TransactionControl as Control;
        match verb {
            "BEGIN" => {
                self.cursor.accept("WORK");
                if self.cursor.at_end() { control(Control::Begin) } else { Err("a compound statement") }
            }
            "START" if self.cursor.is_word("TRANSACTION") => control(Control::Begin),
            "START" | "STOP" | "CHANGE" | "RESET" | "PURGE" => Ok(harmless("replication")),
            "COMMIT" => control(Control::Commit),
            "ROLLBACK" => {
                self.cursor.accept("WORK");
                control(if self.cursor.is_word("TO") { Control::RollbackToSavepoint } else { Control::Rollback })
            }
            "SAVEPOINT" => control(Control::Savepoint),
            "RELEASE" if self.cursor.is_word("SAVEPOINT") => control(Control::ReleaseSavepoint),
            "XA" => {
                let verb = self.cursor.keyword().ok_or("an unknown XA statement")?;
                control(match verb.as_str() {
                    "START" | "BEGIN" => Control::XaStart,
                    "END" => Control::XaEnd,
                    "PREPARE" => Control::XaPrepare,
                    "COMMIT" => Control::XaCommit,
                    "ROLLBACK" => Control::XaRollback,
                    "RECOVER" => return Ok(harmless("XA RECOVER")),
                    _ => return Err("an unknown XA statement"),
                })
            }
            "GRANT" | "REVOKE" => Ok(harmless("privilege")),
            "SET" => Ok(harmless("SET")),
            "USE" => Ok(harmless("USE")),
            "FLUSH" | "OPTIMIZE" | "REPAIR" | "CHECK" | "CHECKSUM" | "CACHE" | "BACKUP" => Ok(harmless("maintenance")),
            // MariaDB's ANALYZE runs the statement behind it; ANALYZE TABLE only counts.
            "ANALYZE" => {
                self.cursor.accept_any(&["NO_WRITE_TO_BINLOG", "LOCAL"]);
                let maintenance = self.cursor.is_any_word(&["TABLE", "TABLES"]);
                if maintenance { Ok(harmless("maintenance")) } else { Err("ANALYZE of a statement runs it") }
            }
            "LOCK" | "UNLOCK" => Ok(harmless("lock")),
            "INSTALL" | "UNINSTALL" => Ok(harmless("plugin")),
            "SHOW" | "HELP" | "EXPLAIN" | "DESCRIBE" | "DESC" => Ok(harmless("query")),
            "KILL" | "SHUTDOWN" | "RESTART" => Ok(harmless("server")),
            "PREPARE" | "DEALLOCATE" => Ok(harmless("prepared statement")),
            "SIGNAL" | "RESIGNAL" => Ok(harmless("signal")),
            _ => Err("a statement that is not known"),
        }
    }
}
