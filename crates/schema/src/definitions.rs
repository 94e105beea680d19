//! Statements that make, change and remove definitions.

use backtrail_domain::TableName;

use crate::alter;
use crate::classify::{Reader, Reason, harmless};
use crate::lexer::Kind;
use crate::statement::{AlterClause, AlterKind, Ddl, DdlVerb, Statement};

fn ddl(verb: DdlVerb) -> Ddl {
    Ddl {
        verb,
        tables: Vec::new(),
        name_spans: Vec::new(),
        schema: None,
        object: None,
        conditional: false,
        or_replace: false,
        ignore: false,
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

impl Reader<'_, '_, '_> {
    /// A table, view or sequence that the statement is about.
    fn push_table(&mut self, ddl: &mut Ddl) -> Result<TableName, Reason> {
        let start = self.cursor.position;
        let name = self.table()?;
        ddl.tables.push(name.clone());
        ddl.name_spans.push(self.cursor.span_since(start));
        Ok(name)
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
    pub(crate) fn clause_before_object(&mut self) -> Result<bool, Reason> {
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

    pub(crate) fn create(&mut self) -> Result<Statement, Reason> {
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
                self.push_table(&mut found)?;
                while self.cursor.advance().is_some() {}
                let text = self.cursor.text_since(start);
                found.clauses.push(AlterClause { kind: index_kind, text });
                Ok(Statement::Ddl(found))
            }
            Object::View => {
                found.verb = DdlVerb::CreateView;
                let view = self.push_table(&mut found)?;
                found.schema = Some(view.schema);
                found.object = Some(view.table);
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
                let start = self.cursor.position;
                let table = self.cursor.table_name(&schema).ok_or("the trigger's table is expected")?;
                found.tables.push(table);
                found.name_spans.push(self.cursor.span_since(start));
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
                self.push_table(&mut found)?;
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
        self.push_table(&mut found)?;
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

    pub(crate) fn alter(&mut self) -> Result<Statement, Reason> {
        let mut found = ddl(DdlVerb::AlterTable);
        loop {
            if self.cursor.accept("IGNORE") {
                found.ignore = true;
            } else if !self.cursor.accept_any(&["ONLINE", "OFFLINE"]) && !self.clause_before_object()? {
                break;
            }
        }
        let object = self.object()?;
        // `ALTER DATABASE` may leave the name out, and IF is none.
        found.conditional = self.if_exists();
        match object {
            Object::Table => {
                self.push_table(&mut found)?;
                self.wait();
                alter::clauses(&mut self.cursor, self.default_schema, &mut found)?;
                Ok(Statement::Ddl(found))
            }
            Object::View => {
                found.verb = DdlVerb::AlterView;
                let view = self.push_table(&mut found)?;
                found.schema = Some(view.schema);
                found.object = Some(view.table);
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
                self.push_table(&mut found)?;
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

    pub(crate) fn drop(&mut self) -> Result<Statement, Reason> {
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
                self.push_table(&mut found)?;
                while self.cursor.accept_symbol(',') {
                    self.push_table(&mut found)?;
                }
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
                self.push_table(&mut found)?;
                while self.cursor.advance().is_some() {}
                let text = self.cursor.text_since(start);
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

    pub(crate) fn truncate(&mut self) -> Result<Statement, Reason> {
        self.cursor.accept("TABLE");
        let mut found = ddl(DdlVerb::TruncateTable);
        self.push_table(&mut found)?;
        self.wait();
        self.end(found)
    }

    pub(crate) fn rename(&mut self) -> Result<Statement, Reason> {
        if self.cursor.accept("USER") {
            return Ok(harmless("account"));
        }
        if !self.cursor.accept_any(&["TABLE", "TABLES"]) {
            return Err("the kind of object is not known");
        }
        let mut found = ddl(DdlVerb::RenameTable);
        found.conditional = self.if_exists();
        loop {
            let from = self.push_table(&mut found)?;
            self.wait();
            if !self.cursor.accept("TO") {
                return Err("the new name is expected");
            }
            let to = self.push_table(&mut found)?;
            found.renames.push((from, to));
            if !self.cursor.accept_symbol(',') {
                break;
            }
        }
        self.wait();
        self.end(found)
    }
}
