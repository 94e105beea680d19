//! `CREATE TABLE` to a shape.
//!
//! The grammar is the servers' own as far as their `SHOW CREATE TABLE` prints it, and the common hand-written forms. What
//! is not recognised is an error: a clause that was passed over could be a column.

mod columns;
mod finish;
mod keys;

use backtrail_domain::TableName;

use crate::column_type::TypeSpec;
use crate::cursor::Cursor;
use crate::lexer::{self, Kind};
use crate::shape::{Column, ReferentialAction, TableShape};
use crate::{ColumnType, Flavour, SchemaError, SqlDialect};
pub(crate) use columns::charset_alias;
pub(crate) use finish::{
    Listed, Names, add_check, add_foreign_key, add_key, charset_of_collation, finish_column, needless, takes_prefix,
};

/// Tokens of the longest definition: 4096 columns with everything said about each.
const MOST_TOKENS: usize = 4_000_000;

/// Reads a `CREATE TABLE` statement. A table named without a schema is in `default_schema`. `SET` statements before it
/// (mydumper's preamble) are passed over, so that a whole `…-schema.sql` file can be handed in.
///
/// # Errors
/// Text that is no such statement or is not understood to its end; a name, ENUM or SET member with U+FFFD in it, which
/// stands for bytes that were not UTF-8.
pub fn parse_create_table(sql: &str, default_schema: &str, dialect: &SqlDialect) -> Result<TableShape, SchemaError> {
    parse_create_table_in(sql, default_schema, dialect, &SchemaDefaults::default())
}

/// The character set and collation of tables whose definitions name none: those of their schema. None where not known.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct SchemaDefaults<'a> {
    /// The character set, as a server names it.
    pub charset: Option<&'a str>,
    /// The collation, as a server names it.
    pub collation: Option<&'a str>,
}

/// As [`parse_create_table`], for a statement that may leave the character set to the schema.
///
/// # Errors
/// As [`parse_create_table`].
pub fn parse_create_table_in(
    sql: &str,
    default_schema: &str,
    dialect: &SqlDialect,
    defaults: &SchemaDefaults<'_>,
) -> Result<TableShape, SchemaError> {
    let tokens = lexer::lex(sql, dialect, MOST_TOKENS)?;
    if tokens.len() == MOST_TOKENS {
        return Err(SchemaError::Limit { schema: default_schema.to_owned(), what: "it is too long" });
    }
    let mut parser = Parser::new(Cursor::new(sql, &tokens), dialect, TableName::new(default_schema, ""));
    parser.statement(default_schema)?;
    if parser.shape.charset.is_none() && parser.shape.collation.is_none() {
        parser.shape.charset = defaults.charset.map(charset_alias);
        parser.shape.collation = defaults.collation.map(charset_alias);
    }
    let shape = parser.finish()?;
    let damaged = names_of(&shape).find(|name| name.contains('\u{fffd}')).map(str::to_owned);
    match damaged {
        Some(text) => Err(SchemaError::NotUtf8 { table: shape.name.to_string(), text }),
        None => Ok(shape),
    }
}

/// What must be right to the letter. (A schema file may hold other bytes than UTF-8: MariaDB prints the default of a
/// binary column as it is. The caller then puts U+FFFD in their place, which does no harm in a default.)
fn names_of(shape: &TableShape) -> impl Iterator<Item = &str> {
    let members = shape.columns.iter().flat_map(|column| match &column.ty {
        ColumnType::Enum { values } | ColumnType::Set { values } => values.as_slice(),
        _ => &[],
    });
    let parents = shape
        .foreign_keys
        .iter()
        .flat_map(|key| key.parent_columns.iter().chain([&key.parent.schema, &key.parent.table]));
    let columns = shape.columns.iter().map(|column| &column.name);
    columns.chain(members).chain(parents).chain([&shape.name.schema, &shape.name.table]).map(String::as_str)
}

/// A column whose character set waits for the table's.
#[derive(Debug)]
pub(crate) struct Draft {
    pub(crate) column: Column,
    pub(crate) spec: TypeSpec,
    pub(crate) charset: Option<String>,
    pub(crate) collation: Option<String>,
    /// Whether `NULL` or `NOT NULL` is said.
    pub(crate) says_null: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum KeyKind {
    Primary,
    Unique,
    /// Any other index.
    Plain,
    /// The index of a foreign key, which is made where no other begins with its columns.
    Foreign,
}

/// A key whose columns may come later in the text.
#[derive(Debug)]
pub(crate) struct DraftKey {
    pub(crate) kind: KeyKind,
    /// Empty where the server names it.
    pub(crate) name: String,
    pub(crate) parts: Vec<(String, Option<u32>)>,
    pub(crate) has_expression: bool,
    /// As [`Key::usable`](crate::Key::usable).
    pub(crate) usable: Option<usize>,
    /// `IF NOT EXISTS`.
    pub(crate) conditional: bool,
    /// Said at the column.
    pub(crate) at_column: bool,
}

#[derive(Debug)]
pub(crate) struct DraftForeignKey {
    pub(crate) name: String,
    pub(crate) columns: Vec<String>,
    pub(crate) parent: TableName,
    pub(crate) parent_columns: Vec<String>,
    pub(crate) on_delete: ReferentialAction,
    pub(crate) on_update: ReferentialAction,
    /// `IF NOT EXISTS`.
    pub(crate) conditional: bool,
}

#[derive(Debug)]
pub(crate) struct DraftCheck {
    /// Empty where the server names it.
    pub(crate) name: String,
    /// `IF NOT EXISTS`.
    pub(crate) conditional: bool,
}

pub(crate) struct Parser<'t, 'a> {
    pub(crate) cursor: Cursor<'t, 'a>,
    pub(crate) flavour: Flavour,
    /// Whether REFERENCES at a column means nothing.
    pub(crate) ignores_references: bool,
    /// Whether the default `''` is NULL.
    empty_string_is_null: bool,
    /// The table's own attributes; columns and keys are drafts until the end.
    pub(crate) shape: TableShape,
    pub(crate) drafts: Vec<Draft>,
    pub(crate) keys: Vec<DraftKey>,
    pub(crate) foreign_keys: Vec<DraftForeignKey>,
    pub(crate) checks: Vec<DraftCheck>,
}

impl<'t, 'a> Parser<'t, 'a> {
    pub(crate) fn new(cursor: Cursor<'t, 'a>, dialect: &SqlDialect, name: TableName) -> Self {
        let shape = TableShape {
            name,
            columns: Vec::new(),
            primary_key: None,
            unique_keys: Vec::new(),
            indexes: Vec::new(),
            foreign_keys: Vec::new(),
            checks: Vec::new(),
            charset: None,
            collation: None,
            engine: None,
            partitioned: false,
            auto_increment: None,
            system_versioned: false,
            sequence: false,
        };
        Self {
            cursor,
            flavour: dialect.flavour,
            ignores_references: dialect.ignores_references,
            empty_string_is_null: dialect.empty_string_is_null,
            shape,
            drafts: Vec::new(),
            keys: Vec::new(),
            foreign_keys: Vec::new(),
            checks: Vec::new(),
        }
    }
}

impl Parser<'_, '_> {
    pub(crate) fn bad(&self, what: &'static str) -> SchemaError {
        SchemaError::Syntax {
            table: self.shape.name.to_string(),
            at: self.cursor.shown(),
            offset: self.cursor.offset(),
            what,
        }
    }

    fn not_a_table(&self, what: &'static str) -> SchemaError {
        let mut start = self.cursor.clone();
        start.position = 0;
        SchemaError::NotATable { beginning: start.shown(), what }
    }

    fn expect_symbol(&mut self, symbol: char, what: &'static str) -> Result<(), SchemaError> {
        if self.cursor.accept_symbol(symbol) { Ok(()) } else { Err(self.bad(what)) }
    }

    pub(crate) fn expect_name(&mut self, what: &'static str) -> Result<String, SchemaError> {
        self.cursor.name().ok_or_else(|| self.bad(what))
    }

    fn statement(&mut self, default_schema: &str) -> Result<(), SchemaError> {
        while self.cursor.is_word("SET") || self.cursor.is_symbol(';') {
            while self.cursor.advance().is_some_and(|kind| *kind != Kind::Symbol(';')) {}
        }
        if !self.cursor.accept("CREATE") {
            return Err(self.not_a_table("it is another statement"));
        }
        self.cursor.accept_all(&["OR", "REPLACE"]);
        self.cursor.accept("TEMPORARY");
        if !self.cursor.accept("TABLE") {
            return Err(self.not_a_table("it creates something else"));
        }
        self.cursor.accept_all(&["IF", "NOT", "EXISTS"]);
        let name = self.cursor.table_name(default_schema).ok_or_else(|| self.bad("a table name"))?;
        self.shape.name = name;
        if self.cursor.is_word("LIKE") || (self.cursor.is_symbol('(') && self.cursor.is_word_at(1, "LIKE")) {
            return Err(self.not_a_table("it copies the definition of another table"));
        }
        if !self.cursor.is_symbol('(') || self.cursor.is_word_at(1, "SELECT") {
            return Err(self.not_a_table("its columns come from a query"));
        }
        self.expect_symbol('(', "the list of columns")?;
        loop {
            self.element()?;
            if !self.cursor.accept_symbol(',') {
                break;
            }
        }
        self.expect_symbol(')', "a `,` or the end of the column list")?;
        self.options()
    }

    pub(crate) fn element(&mut self) -> Result<(), SchemaError> {
        let mut constraint = String::new();
        let mut conditional = false;
        if self.cursor.accept("CONSTRAINT") {
            conditional = self.cursor.accept_all(&["IF", "NOT", "EXISTS"]);
            if !self.cursor.is_any_word(&["PRIMARY", "UNIQUE", "FOREIGN", "CHECK"]) {
                constraint = self.expect_name("a constraint's name")?;
            }
        }
        let keyword = self.cursor.keyword().unwrap_or_default();
        match keyword.as_str() {
            "PRIMARY" => {
                self.cursor.advance();
                if !self.cursor.accept("KEY") {
                    return Err(self.bad("KEY"));
                }
                self.key(KeyKind::Primary, constraint, conditional)
            }
            "UNIQUE" => {
                self.cursor.advance();
                self.cursor.accept_any(&["KEY", "INDEX"]);
                self.key(KeyKind::Unique, constraint, conditional)
            }
            "FOREIGN" => self.foreign_key(constraint, conditional),
            "CHECK" => {
                self.checks.push(DraftCheck { name: constraint, conditional });
                self.check()
            }
            "KEY" | "INDEX" | "FULLTEXT" | "SPATIAL" => self.other_index(),
            "VECTOR" if self.cursor.is_word_at(1, "KEY") || self.cursor.is_word_at(1, "INDEX") => self.other_index(),
            "PERIOD" if self.cursor.is_word_at(1, "FOR") => {
                self.cursor.position += 2;
                if self.cursor.is_word("SYSTEM_TIME") {
                    self.shape.system_versioned = true;
                }
                self.cursor.advance();
                if self.cursor.skip_parentheses() { Ok(()) } else { Err(self.bad("the period's columns")) }
            }
            _ => self.column(),
        }
    }

    /// `name [=] value`.
    fn assignment(&mut self) -> Result<(), SchemaError> {
        self.cursor.advance();
        self.cursor.accept_symbol('=');
        match self.cursor.peek() {
            Some(Kind::Symbol('(')) => {
                self.cursor.skip_parentheses();
                Ok(())
            }
            Some(Kind::Word(_) | Kind::Name(_) | Kind::Text(_) | Kind::Number(_)) => {
                self.cursor.advance();
                Ok(())
            }
            _ => Err(self.bad("an option's value")),
        }
    }

    pub(crate) fn at_element_end(&self) -> bool {
        matches!(self.cursor.peek(), None | Some(Kind::Symbol(',' | ')' | ';')))
    }

    pub(crate) fn options(&mut self) -> Result<(), SchemaError> {
        loop {
            self.cursor.accept_symbol(',');
            if self.cursor.at_end() {
                return Ok(());
            }
            let keyword = match self.cursor.peek() {
                Some(Kind::Word(word)) => word.to_ascii_uppercase(),
                // Engines' own options in MariaDB: `ENCRYPTED`=YES.
                Some(Kind::Name(_)) => String::new(),
                _ => return Err(self.bad("a table option")),
            };
            match keyword.as_str() {
                "DEFAULT" => {
                    self.cursor.advance();
                }
                "CHARSET" | "CHARACTER" | "CHAR" => {
                    self.cursor.advance();
                    self.cursor.accept("SET");
                    self.cursor.accept_symbol('=');
                    self.shape.charset = Some(self.charset_name()?);
                }
                "COLLATE" => {
                    self.cursor.advance();
                    self.cursor.accept_symbol('=');
                    self.shape.collation = Some(self.charset_name()?);
                }
                "ENGINE" | "TYPE" => {
                    self.cursor.advance();
                    self.cursor.accept_symbol('=');
                    let engine = match self.cursor.text() {
                        Some(text) => text.into_owned(),
                        None => self.expect_name("an engine")?,
                    };
                    self.shape.engine = Some(engine);
                }
                "AUTO_INCREMENT" => {
                    self.cursor.advance();
                    self.cursor.accept_symbol('=');
                    self.shape.auto_increment = Some(self.cursor.number().ok_or_else(|| self.bad("a number"))?);
                }
                "WITH" => {
                    self.cursor.advance();
                    if !self.cursor.accept_all(&["SYSTEM", "VERSIONING"]) {
                        return Err(self.bad("SYSTEM VERSIONING"));
                    }
                    self.shape.system_versioned = true;
                }
                "SEQUENCE" => {
                    self.cursor.advance();
                    self.cursor.accept_symbol('=');
                    let number: u8 = self.cursor.number().ok_or_else(|| self.bad("0 or 1"))?;
                    self.shape.sequence = number != 0;
                }
                // MySQL writes it for CREATE TABLE … SELECT: the rows follow as events.
                "START" => {
                    self.cursor.advance();
                    if !self.cursor.accept("TRANSACTION") {
                        return Err(self.bad("TRANSACTION"));
                    }
                }
                "DATA" | "INDEX" if self.cursor.is_word_at(1, "DIRECTORY") => {
                    self.cursor.advance();
                    self.assignment()?;
                }
                "STORAGE" => self.cursor.position += 2,
                "PARTITION" => {
                    self.shape.partitioned = true;
                    return self.partitions();
                }
                "SELECT" | "AS" | "IGNORE" | "REPLACE" | "TABLE" | "VALUES" => {
                    return Err(self.not_a_table("some of its columns come from a query"));
                }
                _ => self.assignment()?,
            }
        }
    }

    /// Passes over the partitions, as far as the parentheses are balanced.
    fn partitions(&mut self) -> Result<(), SchemaError> {
        while !self.cursor.at_end() {
            match self.cursor.peek() {
                Some(Kind::Symbol('(')) => {
                    if !self.cursor.skip_parentheses() {
                        return Err(self.bad("the end of the partitions"));
                    }
                }
                Some(Kind::Word(word)) if word.eq_ignore_ascii_case("SELECT") || word.eq_ignore_ascii_case("AS") => {
                    return Err(self.not_a_table("some of its columns come from a query"));
                }
                Some(Kind::Symbol(')' | ';')) => return Err(self.bad("the end of the statement")),
                _ => {
                    self.cursor.advance();
                }
            }
        }
        Ok(())
    }
}
