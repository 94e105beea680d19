//! Clauses to actions.

use super::{DdlContext, SqlMode, Unfaithful};
use crate::create_table::{Draft, DraftCheck, DraftForeignKey, DraftKey, KeyKind, Parser, charset_of_collation};
use crate::cursor::Cursor;
use crate::lexer::{self, Kind};
use crate::{AlterKind, ColumnType, Ddl, DdlVerb, Flavour, SchemaError, TableShape};

/// Tokens of the longest clause.
const MOST_TOKENS: usize = 4_000_000;

/// Where a column goes.
#[derive(Debug)]
pub(super) enum Place {
    /// Where it was; a new one to the end.
    Stays,
    First,
    After(String),
}

/// What an ALTER COLUMN sets.
#[derive(Debug)]
pub(super) enum Attribute {
    Default(String),
    NoDefault,
    Invisible(bool),
}

/// What one clause does, or one part of it.
#[derive(Debug)]
pub(super) enum Action {
    AddColumn {
        draft: Draft,
        place: Place,
        conditional: bool,
    },
    ChangeColumn {
        from: String,
        draft: Draft,
        place: Place,
        conditional: bool,
    },
    RenameColumn {
        from: String,
        to: String,
        conditional: bool,
    },
    AlterColumn {
        name: String,
        attribute: Attribute,
        conditional: bool,
    },
    DropColumn {
        name: String,
        conditional: bool,
    },
    AddKey(DraftKey),
    AddForeignKey(DraftForeignKey),
    AddCheck(DraftCheck),
    DropPrimary,
    DropIndex {
        name: String,
        conditional: bool,
    },
    DropForeignKey {
        name: String,
    },
    DropConstraint {
        name: String,
    },
    DropCheck {
        name: String,
    },
    RenameIndex {
        from: String,
        to: String,
    },
    /// `CONVERT TO CHARACTER SET`.
    Convert {
        charset: Option<String>,
        collation: Option<String>,
    },
    /// `DEFAULT CHARACTER SET`.
    Defaults {
        charset: Option<String>,
        collation: Option<String>,
    },
    AutoIncrement(u64),
    Engine(String),
    Partitioned(bool),
    /// Rows come or go.
    Rows(Unfaithful),
}

/// Reads all clauses.
pub(super) fn read(shape: &TableShape, ddl: &Ddl, context: &DdlContext<'_>) -> Result<Vec<Action>, Unfaithful> {
    let mut actions = Vec::new();
    for clause in &ddl.clauses {
        let text = clause.text.as_str();
        let failed = |error: SchemaError| Unfaithful::clause(text, error);
        let tokens = lexer::lex(text, &context.dialect, MOST_TOKENS).map_err(failed)?;
        let cursor = Cursor::new(text, &tokens);
        let parser = Parser::new(cursor, &context.dialect, shape.name.clone());
        let mut reader = Reader { parser, context, text, actions: &mut actions };
        match (ddl.verb, clause.kind) {
            (DdlVerb::CreateIndex, _) => reader.create_index(ddl).map_err(failed)?,
            (DdlVerb::DropIndex, _) => {
                let name = ddl.object.clone().unwrap_or_default();
                actions.push(drop_index(name, ddl.conditional));
            }
            (_, AlterKind::Unknown) => return Err(Unfaithful::clause(text, "it is not understood")),
            (_, AlterKind::Versioning) => {
                return Err(Unfaithful::clause(text, "system versioning and periods are not followed"));
            }
            (_, AlterKind::PartitionRows | AlterKind::ExchangePartition) => {
                let reason = "rows come or go with a partition, and the binary log does not hold them";
                actions.push(Action::Rows(Unfaithful::clause(text, reason)));
            }
            (_, AlterKind::Tablespace) => {
                let reason = "the rows go or come with a tablespace, and the binary log does not hold them";
                actions.push(Action::Rows(Unfaithful::clause(text, reason)));
            }
            (_, AlterKind::RenameTable) => {}
            _ => reader.clause().map_err(failed)?,
        }
    }
    let mut refusals = Vec::new();
    for action in &mut actions {
        if let Action::AddColumn { draft, .. } = action
            && context.dialect.flavour == Flavour::Mariadb
            && draft.spec.name == "JSON"
            && !draft.column.nullable
            && draft.column.default.is_none()
        {
            let reason = "rows have an empty text in it, which its own check would not let in";
            refusals.push(Action::Rows(Unfaithful::column(&draft.column.name, reason)));
        }
        if let Action::AddColumn { draft, .. } | Action::ChangeColumn { draft, .. } = action {
            check_mode(draft, context)?;
        }
    }
    actions.append(&mut refusals);
    Ok(actions)
}

/// SQL modes that give types another meaning.
fn check_mode(draft: &mut Draft, context: &DdlContext<'_>) -> Result<(), Unfaithful> {
    if draft.spec.name == "REAL" && context.may_have(SqlMode::REAL_AS_FLOAT) {
        if context.sql_mode.is_none() {
            return Err(Unfaithful::column(&draft.column.name, "whether REAL means FLOAT depends on the SQL mode"));
        }
        draft.spec.name = "FLOAT".to_owned();
    }
    let mariadb = context.dialect.flavour == Flavour::Mariadb;
    let oracle = mariadb && matches!(draft.spec.name.as_str(), "DATE" | "BLOB" | "NUMBER" | "CLOB" | "VARCHAR");
    if (oracle && context.has(SqlMode::ORACLE)) || (draft.spec.name == "TIMESTAMP" && context.has(SqlMode::MAXDB)) {
        return Err(Unfaithful::column(&draft.column.name, "the session's SQL mode gives its type another meaning"));
    }
    Ok(())
}

fn drop_index(name: String, conditional: bool) -> Action {
    if name.eq_ignore_ascii_case("PRIMARY") { Action::DropPrimary } else { Action::DropIndex { name, conditional } }
}

struct Reader<'r, 't, 'a> {
    parser: Parser<'t, 'a>,
    context: &'r DdlContext<'r>,
    text: &'r str,
    actions: &'r mut Vec<Action>,
}

impl Reader<'_, '_, '_> {
    fn accept(&mut self, word: &str) -> bool {
        self.parser.cursor.accept(word)
    }

    fn if_exists(&mut self) -> bool {
        self.parser.cursor.accept_all(&["IF", "EXISTS"])
    }

    fn if_not_exists(&mut self) -> bool {
        self.parser.cursor.accept_all(&["IF", "NOT", "EXISTS"])
    }

    /// A column's name, which may stand behind its table's.
    fn column_name(&mut self) -> Result<String, SchemaError> {
        self.skip_qualifier();
        self.parser.expect_name("a column's name")
    }

    fn skip_qualifier(&mut self) {
        while self.parser.cursor.peek_at(1) == Some(&Kind::Symbol('.')) {
            self.parser.cursor.position += 2;
        }
    }

    fn expect(&mut self, word: &str, what: &'static str) -> Result<(), SchemaError> {
        if self.accept(word) { Ok(()) } else { Err(self.parser.bad(what)) }
    }

    fn clause(&mut self) -> Result<(), SchemaError> {
        let verb = self.parser.cursor.keyword().unwrap_or_default();
        let start = self.parser.cursor.position;
        self.parser.cursor.advance();
        match verb.as_str() {
            "ADD" => self.add()?,
            "DROP" => self.drop()?,
            "MODIFY" => {
                self.accept("COLUMN");
                let conditional = self.if_exists();
                self.skip_qualifier();
                self.change(None, conditional)?;
            }
            "CHANGE" => {
                self.accept("COLUMN");
                let conditional = self.if_exists();
                let from = self.column_name()?;
                self.change(Some(from), conditional)?;
            }
            "ALTER" => self.alter()?,
            "RENAME" => self.rename()?,
            "CONVERT" => {
                let (charset, collation) = self.charsets()?;
                self.actions.push(Action::Convert { charset, collation });
            }
            _ => {
                self.parser.cursor.position = start;
                return self.options();
            }
        }
        if self.parser.at_partitioning() {
            return self.options();
        }
        if self.parser.cursor.at_end() { Ok(()) } else { Err(self.parser.bad("the end of the clause")) }
    }

    fn add(&mut self) -> Result<(), SchemaError> {
        let cursor = &self.parser.cursor;
        let key = cursor.is_any_word(&[
            "CONSTRAINT",
            "PRIMARY",
            "UNIQUE",
            "FOREIGN",
            "CHECK",
            "INDEX",
            "KEY",
            "FULLTEXT",
            "SPATIAL",
        ]) || (cursor.is_word("VECTOR") && (cursor.is_word_at(1, "INDEX") || cursor.is_word_at(1, "KEY")));
        if key {
            self.parser.element()?;
            self.take_keys();
            return Ok(());
        }
        if cursor.is_word("PARTITION") {
            return self.options();
        }
        self.accept("COLUMN");
        let conditional = self.if_not_exists();
        if self.parser.cursor.accept_symbol('(') {
            loop {
                self.parser.element()?;
                if !self.parser.cursor.accept_symbol(',') {
                    break;
                }
            }
            if !self.parser.cursor.accept_symbol(')') {
                return Err(self.parser.bad("a `,` or the end of the columns"));
            }
            self.conditional_keys(conditional);
            for draft in std::mem::take(&mut self.parser.drafts) {
                self.actions.push(Action::AddColumn { draft, place: Place::Stays, conditional });
            }
        } else {
            let (draft, place) = self.column()?;
            self.conditional_keys(conditional);
            self.actions.push(Action::AddColumn { draft, place, conditional });
        }
        self.take_keys();
        Ok(())
    }

    fn column(&mut self) -> Result<(Draft, Place), SchemaError> {
        self.skip_qualifier();
        self.parser.column()?;
        let place = if self.accept("FIRST") {
            Place::First
        } else if self.accept("AFTER") {
            Place::After(self.column_name()?)
        } else {
            Place::Stays
        };
        let draft = self.parser.drafts.pop().ok_or_else(|| self.parser.bad("a column"))?;
        Ok((draft, place))
    }

    fn change(&mut self, from: Option<String>, conditional: bool) -> Result<(), SchemaError> {
        let (draft, place) = self.column()?;
        self.conditional_keys(conditional);
        let from = from.unwrap_or_else(|| draft.column.name.clone());
        self.actions.push(Action::ChangeColumn { from, draft, place, conditional });
        self.take_keys();
        Ok(())
    }

    /// The keys said at columns: with `IF [NOT] EXISTS` they are made where there is none of the name, whether or not the
    /// column is left out.
    fn conditional_keys(&mut self, conditional: bool) {
        for key in self.parser.keys.iter_mut().filter(|key| key.at_column) {
            key.conditional |= conditional;
        }
    }

    /// The keys and checks that were read so far.
    fn take_keys(&mut self) {
        self.actions.extend(std::mem::take(&mut self.parser.keys).into_iter().map(Action::AddKey));
        self.actions.extend(std::mem::take(&mut self.parser.foreign_keys).into_iter().map(Action::AddForeignKey));
        self.actions.extend(std::mem::take(&mut self.parser.checks).into_iter().map(Action::AddCheck));
    }

    fn drop(&mut self) -> Result<(), SchemaError> {
        let keyword = self.parser.cursor.keyword().unwrap_or_default();
        let start = self.parser.cursor.position;
        self.parser.cursor.advance();
        let action = match keyword.as_str() {
            "PRIMARY" => {
                self.expect("KEY", "KEY")?;
                Action::DropPrimary
            }
            "INDEX" | "KEY" => {
                let conditional = self.if_exists();
                drop_index(self.parser.expect_name("an index name")?, conditional)
            }
            "FOREIGN" => {
                self.expect("KEY", "KEY")?;
                self.if_exists();
                Action::DropForeignKey { name: self.parser.expect_name("a foreign key's name")? }
            }
            "CONSTRAINT" => {
                self.if_exists();
                let name = self.parser.expect_name("a constraint's name")?;
                if name.eq_ignore_ascii_case("PRIMARY") { Action::DropPrimary } else { Action::DropConstraint { name } }
            }
            "CHECK" => {
                self.if_exists();
                Action::DropCheck { name: self.parser.expect_name("a constraint's name")? }
            }
            _ => {
                self.parser.cursor.position = start;
                self.accept("COLUMN");
                let conditional = self.if_exists();
                let name = self.column_name()?;
                self.parser.cursor.accept_any(&["RESTRICT", "CASCADE"]);
                Action::DropColumn { name, conditional }
            }
        };
        self.actions.push(action);
        Ok(())
    }

    fn alter(&mut self) -> Result<(), SchemaError> {
        if self.parser.cursor.is_any_word(&["INDEX", "KEY", "CHECK", "CONSTRAINT"]) {
            while self.parser.cursor.advance().is_some() {}
            return Ok(());
        }
        self.accept("COLUMN");
        let conditional = self.if_exists();
        let name = self.column_name()?;
        let attribute = if self.parser.cursor.accept_all(&["DROP", "DEFAULT"]) {
            Attribute::NoDefault
        } else if self.parser.cursor.accept_all(&["SET", "DEFAULT"]) {
            Attribute::Default(self.parser.default_text()?)
        } else if self.parser.cursor.accept_all(&["SET", "INVISIBLE"]) {
            Attribute::Invisible(true)
        } else if self.parser.cursor.accept_all(&["SET", "VISIBLE"]) {
            Attribute::Invisible(false)
        } else {
            return Err(self.parser.bad("SET or DROP DEFAULT"));
        };
        self.actions.push(Action::AlterColumn { name, attribute, conditional });
        Ok(())
    }

    fn rename(&mut self) -> Result<(), SchemaError> {
        let column = self.accept("COLUMN");
        if !column && !self.parser.cursor.accept_any(&["INDEX", "KEY"]) {
            return Err(self.parser.bad("COLUMN or INDEX"));
        }
        let conditional = self.if_exists();
        let from = self.parser.expect_name("the old name")?;
        self.expect("TO", "TO")?;
        let to = self.parser.expect_name("the new name")?;
        self.actions.push(if column {
            Action::RenameColumn { from, to, conditional }
        } else {
            Action::RenameIndex { from, to }
        });
        Ok(())
    }

    /// `TO CHARACTER SET x COLLATE y`.
    fn charsets(&mut self) -> Result<(Option<String>, Option<String>), SchemaError> {
        self.expect("TO", "TO")?;
        if !self.accept("CHARSET") && !self.parser.cursor.accept_all(&["CHARACTER", "SET"]) {
            return Err(self.parser.bad("CHARACTER SET"));
        }
        self.parser.cursor.accept_symbol('=');
        let mut collation = None;
        let charset = if self.accept("DEFAULT") {
            collation = self.context.schema_collation.map(str::to_owned);
            self.schema_charset()
        } else {
            Some(self.parser.charset_name()?)
        };
        if self.accept("COLLATE") {
            self.parser.cursor.accept_symbol('=');
            collation = Some(self.parser.charset_name()?);
        }
        Ok((charset, collation))
    }

    fn schema_charset(&self) -> Option<String> {
        let of_collation = self.context.schema_collation.and_then(charset_of_collation);
        self.context.schema_charset.or(of_collation).map(str::to_owned)
    }

    /// Table options, with or without commas between; what changes neither rows nor columns is passed over.
    fn options(&mut self) -> Result<(), SchemaError> {
        let (mut charset, mut collation) = (None, None);
        while !self.parser.cursor.at_end() {
            let keyword = self.parser.cursor.keyword().unwrap_or_default();
            let partitioning = self.parser.at_partitioning();
            if !self.parser.cursor.skip_parentheses() {
                self.parser.cursor.advance();
            }
            match keyword.as_str() {
                "PARTITION" | "REMOVE" if partitioning => {
                    self.actions.push(Action::Partitioned(keyword == "PARTITION"));
                    while self.parser.cursor.advance().is_some() {}
                }
                "CHARSET" | "CHARACTER" => {
                    self.accept("SET");
                    self.parser.cursor.accept_symbol('=');
                    if self.accept("DEFAULT") {
                        charset = self.schema_charset();
                        collation = self.context.schema_collation.map(str::to_owned);
                        if charset.is_none() {
                            return Err(self.parser.bad("a character set whose name is known"));
                        }
                    } else {
                        charset = Some(self.parser.charset_name()?);
                    }
                }
                "COLLATE" => {
                    self.parser.cursor.accept_symbol('=');
                    collation = Some(self.parser.charset_name()?);
                }
                "ENGINE" | "TYPE" => {
                    self.parser.cursor.accept_symbol('=');
                    let engine = match self.parser.cursor.text() {
                        Some(text) => text.into_owned(),
                        None => self.parser.expect_name("an engine")?,
                    };
                    if !keeps_rows(&engine) {
                        let reason = "whether the engine keeps the rows is not known";
                        self.actions.push(Action::Rows(Unfaithful::clause(self.text, reason)));
                    }
                    self.actions.push(Action::Engine(engine));
                }
                "AUTO_INCREMENT" => {
                    self.parser.cursor.accept_symbol('=');
                    if let Some(next) = self.parser.cursor.number() {
                        self.actions.push(Action::AutoIncrement(next));
                    }
                }
                // `COMMENT = 'x'`, `ALGORITHM = COPY`: the value is no option of its own.
                "COMMENT" | "ALGORITHM" | "LOCK" | "CONNECTION" | "ROW_FORMAT" => {
                    self.parser.cursor.accept_symbol('=');
                    self.parser.cursor.advance();
                }
                _ => {}
            }
        }
        if charset.is_some() || collation.is_some() {
            self.actions.push(Action::Defaults { charset, collation });
        }
        Ok(())
    }

    /// `UNIQUE INDEX IF NOT EXISTS i USING BTREE ON t (a)`.
    fn create_index(&mut self, ddl: &Ddl) -> Result<(), SchemaError> {
        let mut kind = KeyKind::Plain;
        while let Some(word) = self.parser.cursor.keyword() {
            self.parser.cursor.advance();
            match word.as_str() {
                "INDEX" => break,
                "UNIQUE" => kind = KeyKind::Unique,
                _ => {}
            }
        }
        self.if_not_exists();
        let name = self.parser.expect_name("an index name")?;
        if self.parser.cursor.accept_any(&["USING", "TYPE"]) {
            self.parser.cursor.advance();
        }
        self.expect("ON", "ON")?;
        let schema = self.parser.shape.name.schema.clone();
        self.parser.cursor.table_name(&schema).ok_or_else(|| self.parser.bad("a table's name"))?;
        if ddl.or_replace {
            self.actions.push(Action::DropIndex { name: name.clone(), conditional: true });
        }
        self.parser.key_parts(kind, name, ddl.conditional)?;
        self.take_keys();
        Ok(())
    }
}

/// Whether an engine stores the rows that an ALTER gives it.
fn keeps_rows(engine: &str) -> bool {
    ["InnoDB", "MyISAM", "Aria", "MEMORY", "HEAP", "ARCHIVE", "CSV", "ROCKSDB", "TokuDB", "NDB", "NDBCLUSTER"]
        .iter()
        .any(|known| known.eq_ignore_ascii_case(engine))
}

/// Whether a type is TIMESTAMP.
pub(super) fn is_timestamp(ty: &ColumnType) -> bool {
    matches!(ty, ColumnType::Timestamp { .. })
}
