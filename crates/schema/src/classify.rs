//! What a statement does.
//!
//! The first words decide; behind them every token is accounted for as far as it can name a table. Whatever does not fit is
//! [`Statement::Unknown`].

use backtrail_domain::TableName;

use crate::alter;
use crate::cursor::Cursor;
use crate::lexer::{self, Kind, Token};
use crate::statement::{
    AlterClause, AlterKind, DataChange, DataChangeVerb, Ddl, DdlVerb, Statement, TransactionControl,
};
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
            classify_text(rest, default_schema, dialect, depth + 1)
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

fn harmless(what: &str) -> Statement {
    Statement::Harmless { what: what.to_owned() }
}

fn function() -> Statement {
    Statement::DataChange(DataChange { verb: DataChangeVerb::Function, tables: None })
}

fn control(verb: TransactionControl) -> Result<Statement, Reason> {
    Ok(Statement::TransactionControl { verb })
}

pub(crate) fn ddl(verb: DdlVerb) -> Ddl {
    Ddl {
        verb,
        tables: Vec::new(),
        schema: None,
        object: None,
        conditional: false,
        or_replace: false,
        renames: Vec::new(),
        like: None,
        clauses: Vec::new(),
    }
}

/// The things that have a definition, by the keyword that names them.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Object {
    Table,
    Index,
    View,
    Trigger,
    Routine,
    Event,
    Database,
    Sequence,
    Storage,
    /// Accounts, servers, resource groups: nothing near rows.
    Harmless(&'static str),
}

struct Reader<'r, 't, 'a> {
    cursor: Cursor<'t, 'a>,
    default_schema: &'r str,
}

impl<'a> Reader<'_, '_, 'a> {
    fn table(&mut self) -> Result<TableName, Reason> {
        self.cursor.table_name(self.default_schema).ok_or("a table name is expected, with its schema or after USE")
    }

    /// A name of something else than a table that lives in a schema.
    fn object_in_schema(&mut self, ddl: &mut Ddl) -> Result<(), Reason> {
        let name = self.cursor.table_name(self.default_schema).ok_or("a name is expected")?;
        ddl.schema = Some(name.schema);
        ddl.object = Some(name.table);
        Ok(())
    }

    fn if_exists(&mut self) -> bool {
        self.cursor.accept_all(&["IF", "EXISTS"]) || self.cursor.accept_all(&["IF", "NOT", "EXISTS"])
    }

    /// MariaDB's `WAIT n` and `NOWAIT`.
    fn wait(&mut self) {
        if !self.cursor.accept("NOWAIT")
            && self.cursor.is_word("WAIT")
            && matches!(self.cursor.peek_at(1), Some(Kind::Number(_)))
        {
            self.cursor.position += 2;
        }
    }

    fn end(&self, ddl: Ddl) -> Result<Statement, Reason> {
        if self.cursor.at_end() {
            Ok(Statement::Ddl(ddl))
        } else {
            Err("something stands behind the end of the statement")
        }
    }

    /// Passes over `DEFINER = user`, `ALGORITHM = x` and `SQL SECURITY x`.
    fn clause_before_object(&mut self) -> Result<bool, Reason> {
        if self.cursor.accept("ALGORITHM") {
            self.cursor.accept_symbol('=');
            self.cursor.advance();
        } else if self.cursor.accept_all(&["SQL", "SECURITY"]) {
            self.cursor.advance();
        } else if self.cursor.accept("DEFINER") {
            self.cursor.accept_symbol('=');
            self.cursor.advance().ok_or("a user is expected")?;
            if self.cursor.accept_symbol('(') {
                self.cursor.accept_symbol(')');
            }
            if self.cursor.accept_symbol('@') {
                self.cursor.advance();
                // A bare host name has dots, and may have dashes.
                while self.cursor.is_symbol('.') || self.cursor.is_symbol('-') {
                    self.cursor.position += 2;
                }
            }
        } else {
            return Ok(false);
        }
        Ok(true)
    }

    fn object(&mut self) -> Result<Object, Reason> {
        let keyword = self.cursor.keyword().ok_or("the kind of object is expected")?;
        self.cursor.advance();
        Ok(match keyword.as_str() {
            "TABLE" | "TABLES" => Object::Table,
            "INDEX" => Object::Index,
            "VIEW" => Object::View,
            "TRIGGER" => Object::Trigger,
            "PROCEDURE" | "FUNCTION" | "LIBRARY" => Object::Routine,
            "PACKAGE" => {
                self.cursor.accept("BODY");
                Object::Routine
            }
            "EVENT" => Object::Event,
            "DATABASE" | "SCHEMA" => Object::Database,
            "SEQUENCE" => Object::Sequence,
            "TABLESPACE" => Object::Storage,
            "LOGFILE" if self.cursor.accept("GROUP") => Object::Storage,
            "UNDO" if self.cursor.accept("TABLESPACE") => Object::Storage,
            "USER" => Object::Harmless("account"),
            "ROLE" => Object::Harmless("role"),
            "SERVER" => Object::Harmless("server link"),
            "RESOURCE" if self.cursor.accept("GROUP") => Object::Harmless("resource group"),
            "SPATIAL" if self.cursor.accept_all(&["REFERENCE", "SYSTEM"]) => Object::Harmless("reference system"),
            "INSTANCE" => Object::Harmless("instance"),
            "PREPARE" => Object::Harmless("prepared statement"),
            // MySQL 9: views over tables as JSON documents.
            "JSON" => {
                self.cursor.accept("RELATIONAL");
                if !self.cursor.accept_all(&["DUALITY", "VIEW"]) {
                    return Err("the kind of object is not known");
                }
                Object::View
            }
            _ => return Err("the kind of object is not known"),
        })
    }

    fn create(&mut self) -> Result<Statement, Reason> {
        let or_replace = self.cursor.accept_all(&["OR", "REPLACE"]);
        let start = self.cursor.position;
        let mut temporary = false;
        let mut index_kind = AlterKind::Index;
        loop {
            if self.cursor.accept("TEMPORARY") {
                temporary = true;
            } else if self.cursor.accept("UNIQUE") {
                index_kind = AlterKind::RowKey;
            } else if (self.cursor.is_any_word(&["FULLTEXT", "SPATIAL", "VECTOR"])
                && self.cursor.is_word_at(1, "INDEX"))
                || self.cursor.is_any_word(&["ONLINE", "OFFLINE", "AGGREGATE"])
            {
                self.cursor.advance();
            } else if !self.clause_before_object()? {
                break;
            }
        }
        let object = self.object()?;
        let mut found = ddl(DdlVerb::CreateTable);
        found.or_replace = or_replace;
        found.conditional = self.if_exists();
        match object {
            Object::Table if temporary => Ok(harmless("temporary table")),
            Object::Sequence if temporary => Ok(harmless("temporary sequence")),
            Object::Table => self.create_table(found),
            Object::Index => {
                found.verb = DdlVerb::CreateIndex;
                found.object = Some(self.cursor.name().ok_or("an index name is expected")?);
                if self.cursor.accept_any(&["USING", "TYPE"]) {
                    self.cursor.advance();
                }
                if !self.cursor.accept("ON") {
                    return Err("the index's table is expected");
                }
                found.tables.push(self.table()?);
                while self.cursor.advance().is_some() {}
                let text = self.cursor.text_since(start).to_owned();
                found.clauses.push(AlterClause { kind: index_kind, text });
                Ok(Statement::Ddl(found))
            }
            Object::View => {
                found.verb = DdlVerb::CreateView;
                let view = self.table()?;
                found.schema = Some(view.schema.clone());
                found.object = Some(view.table.clone());
                found.tables.push(view);
                Ok(Statement::Ddl(found))
            }
            Object::Trigger => {
                found.verb = DdlVerb::CreateTrigger;
                self.object_in_schema(&mut found)?;
                while !self.cursor.is_word("ON") {
                    self.cursor.advance().ok_or("the trigger's table is expected")?;
                }
                self.cursor.advance();
                // A trigger is in its table's schema.
                let schema = found.schema.clone().unwrap_or_default();
                let table = self.cursor.table_name(&schema).ok_or("the trigger's table is expected")?;
                found.tables.push(table);
                Ok(Statement::Ddl(found))
            }
            Object::Routine => {
                found.verb = DdlVerb::CreateRoutine;
                self.object_in_schema(&mut found)?;
                Ok(Statement::Ddl(found))
            }
            Object::Event => {
                found.verb = DdlVerb::CreateEvent;
                self.object_in_schema(&mut found)?;
                Ok(Statement::Ddl(found))
            }
            Object::Database => {
                found.verb = DdlVerb::CreateDatabase;
                found.schema = Some(self.cursor.name().ok_or("a schema name is expected")?);
                Ok(Statement::Ddl(found))
            }
            Object::Sequence => {
                found.verb = DdlVerb::CreateSequence;
                found.tables.push(self.table()?);
                Ok(Statement::Ddl(found))
            }
            Object::Storage => {
                found.verb = DdlVerb::Storage;
                Ok(Statement::Ddl(found))
            }
            Object::Harmless(what) => Ok(harmless(what)),
        }
    }

    fn create_table(&mut self, mut found: Ddl) -> Result<Statement, Reason> {
        found.tables.push(self.table()?);
        let in_parentheses = self.cursor.is_symbol('(');
        if self.cursor.is_word("LIKE") || (in_parentheses && self.cursor.is_word_at(1, "LIKE")) {
            self.cursor.position += 1 + usize::from(in_parentheses);
            found.verb = DdlVerb::CreateTableLike;
            found.like = Some(self.table()?);
            if in_parentheses && !self.cursor.accept_symbol(')') {
                return Err("the parenthesis behind LIKE is not closed");
            }
            return self.end(found);
        }
        let query_words = ["SELECT", "WITH", "VALUES", "TABLE"];
        if in_parentheses && query_words.iter().any(|word| self.cursor.is_word_at(1, word)) {
            found.verb = DdlVerb::CreateTableSelect;
            return Ok(Statement::Ddl(found));
        }
        if in_parentheses && !self.cursor.skip_parentheses() {
            return Err("the column list is not closed");
        }
        while let Some(kind) = self.cursor.peek() {
            match kind {
                Kind::Symbol('(') => {
                    if self.cursor.is_word_at(1, "SELECT") || self.cursor.is_word_at(1, "WITH") {
                        found.verb = DdlVerb::CreateTableSelect;
                        return Ok(Statement::Ddl(found));
                    }
                    if !self.cursor.skip_parentheses() {
                        return Err("a parenthesis is not closed");
                    }
                }
                Kind::Word(_) if self.cursor.is_any_word(&["SELECT", "AS"]) => {
                    found.verb = DdlVerb::CreateTableSelect;
                    return Ok(Statement::Ddl(found));
                }
                Kind::Word(_)
                    if (self.cursor.is_word("WITH") && !self.cursor.is_word_at(1, "SYSTEM"))
                        || (self.cursor.is_any_word(&["TABLE", "VALUES"])) =>
                {
                    found.verb = DdlVerb::CreateTableSelect;
                    return Ok(Statement::Ddl(found));
                }
                Kind::Symbol(';') => break,
                _ => {
                    self.cursor.advance();
                }
            }
        }
        if !in_parentheses {
            return Err("a table without columns");
        }
        self.end(found)
    }

    fn alter(&mut self) -> Result<Statement, Reason> {
        while self.cursor.accept_any(&["ONLINE", "OFFLINE", "IGNORE"]) || self.clause_before_object()? {}
        let object = self.object()?;
        let mut found = ddl(DdlVerb::AlterTable);
        // `ALTER DATABASE` may leave the name out, and IF is none.
        found.conditional = self.if_exists();
        match object {
            Object::Table => {
                found.tables.push(self.table()?);
                self.wait();
                alter::clauses(&mut self.cursor, self.default_schema, &mut found)?;
                Ok(Statement::Ddl(found))
            }
            Object::View => {
                found.verb = DdlVerb::AlterView;
                let view = self.table()?;
                found.schema = Some(view.schema.clone());
                found.object = Some(view.table.clone());
                found.tables.push(view);
                Ok(Statement::Ddl(found))
            }
            Object::Routine | Object::Event => {
                found.verb = if object == Object::Event { DdlVerb::AlterEvent } else { DdlVerb::AlterRoutine };
                self.object_in_schema(&mut found)?;
                Ok(Statement::Ddl(found))
            }
            Object::Database => {
                found.verb = DdlVerb::AlterDatabase;
                let option = ["DEFAULT", "CHARACTER", "CHARSET", "COLLATE", "ENCRYPTION", "COMMENT", "READ", "UPGRADE"];
                let schema = if self.cursor.is_any_word(&option) {
                    (!self.default_schema.is_empty()).then(|| self.default_schema.to_owned())
                } else {
                    self.cursor.name()
                };
                found.schema = Some(schema.ok_or("a schema name is expected")?);
                // The obsolete UPGRADE DATA DIRECTORY NAME renames a schema.
                if self.cursor.is_word("UPGRADE") {
                    return Err("it renames a schema");
                }
                Ok(Statement::Ddl(found))
            }
            Object::Sequence => {
                found.verb = DdlVerb::AlterSequence;
                found.tables.push(self.table()?);
                Ok(Statement::Ddl(found))
            }
            Object::Storage => {
                found.verb = DdlVerb::Storage;
                Ok(Statement::Ddl(found))
            }
            Object::Harmless(what) => Ok(harmless(what)),
            Object::Index | Object::Trigger => Err("there is no such ALTER"),
        }
    }

    fn drop(&mut self) -> Result<Statement, Reason> {
        let temporary = self.cursor.accept("TEMPORARY");
        self.cursor.accept_any(&["ONLINE", "OFFLINE"]);
        let start = self.cursor.position;
        let object = self.object()?;
        let mut found = ddl(DdlVerb::DropTable);
        found.conditional = self.if_exists();
        match object {
            Object::Table | Object::Sequence if temporary => Ok(harmless("temporary table")),
            Object::Table | Object::View | Object::Sequence => {
                found.verb = match object {
                    Object::View => DdlVerb::DropView,
                    Object::Sequence => DdlVerb::DropSequence,
                    _ => DdlVerb::DropTable,
                };
                found.tables = self.tables()?;
                self.wait();
                self.cursor.accept_any(&["RESTRICT", "CASCADE"]);
                self.end(found)
            }
            Object::Index => {
                found.verb = DdlVerb::DropIndex;
                found.object = Some(self.cursor.name().ok_or("an index name is expected")?);
                if !self.cursor.accept("ON") {
                    return Err("the index's table is expected");
                }
                found.tables.push(self.table()?);
                while self.cursor.advance().is_some() {}
                let text = self.cursor.text_since(start).to_owned();
                found.clauses.push(AlterClause { kind: AlterKind::RowKey, text });
                Ok(Statement::Ddl(found))
            }
            Object::Trigger | Object::Routine | Object::Event => {
                found.verb = match object {
                    Object::Trigger => DdlVerb::DropTrigger,
                    Object::Routine => DdlVerb::DropRoutine,
                    _ => DdlVerb::DropEvent,
                };
                self.object_in_schema(&mut found)?;
                self.end(found)
            }
            Object::Database => {
                found.verb = DdlVerb::DropDatabase;
                found.schema = Some(self.cursor.name().ok_or("a schema name is expected")?);
                self.end(found)
            }
            Object::Storage => {
                found.verb = DdlVerb::Storage;
                Ok(Statement::Ddl(found))
            }
            Object::Harmless(what) => Ok(harmless(what)),
        }
    }

    fn tables(&mut self) -> Result<Vec<TableName>, Reason> {
        let mut tables = vec![self.table()?];
        while self.cursor.accept_symbol(',') {
            tables.push(self.table()?);
        }
        Ok(tables)
    }

    fn truncate(&mut self) -> Result<Statement, Reason> {
        self.cursor.accept("TABLE");
        let mut found = ddl(DdlVerb::TruncateTable);
        found.tables.push(self.table()?);
        self.wait();
        self.end(found)
    }

    fn rename(&mut self) -> Result<Statement, Reason> {
        if self.cursor.accept("USER") {
            return Ok(harmless("account"));
        }
        if !self.cursor.accept_any(&["TABLE", "TABLES"]) {
            return Err("the kind of object is not known");
        }
        let mut found = ddl(DdlVerb::RenameTable);
        found.conditional = self.if_exists();
        loop {
            let from = self.table()?;
            self.wait();
            if !self.cursor.accept("TO") {
                return Err("the new name is expected");
            }
            let to = self.table()?;
            found.tables.extend([from.clone(), to.clone()]);
            found.renames.push((from, to));
            if !self.cursor.accept_symbol(',') {
                break;
            }
        }
        self.wait();
        self.end(found)
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
    fn behind_for(&mut self, text: &'a str) -> Option<&'a str> {
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
