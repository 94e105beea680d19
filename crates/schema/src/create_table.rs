//! `CREATE TABLE` to a shape.
//!
//! The grammar is the servers' own as far as their `SHOW CREATE TABLE` prints it, and the common hand-written forms. What
//! is not recognised is an error: a clause that was passed over could be a column.

use backtrail_domain::TableName;

use crate::column_type::TypeSpec;
use crate::cursor::Cursor;
use crate::lexer::{self, Kind};
use crate::shape::{Column, ForeignKey, Generated, Key, KeyPart, ReferentialAction, TableShape, same_column_name};
use crate::{ColumnType, Flavour, SchemaError, SqlDialect};

/// Tokens of the longest definition: 4096 columns with everything said about each.
const MOST_TOKENS: usize = 4_000_000;

/// Reads a `CREATE TABLE` statement. A table named without a schema is in `default_schema`. `SET` statements before it
/// (mydumper's preamble) are passed over, so that a whole `…-schema.sql` file can be handed in.
///
/// # Errors
/// Text that is no such statement or is not understood to its end; a name, ENUM or SET member with U+FFFD in it, which
/// stands for bytes that were not UTF-8.
pub fn parse_create_table(sql: &str, default_schema: &str, dialect: &SqlDialect) -> Result<TableShape, SchemaError> {
    let tokens = lexer::lex(sql, dialect, MOST_TOKENS)?;
    if tokens.len() == MOST_TOKENS {
        return Err(SchemaError::Limit { schema: default_schema.to_owned(), what: "it is too long" });
    }
    let mut parser = Parser {
        cursor: Cursor::new(sql, &tokens),
        flavour: dialect.flavour,
        shape: TableShape {
            name: TableName::new(default_schema, ""),
            columns: Vec::new(),
            primary_key: None,
            unique_keys: Vec::new(),
            foreign_keys: Vec::new(),
            charset: None,
            collation: None,
            engine: None,
            partitioned: false,
            auto_increment: None,
            system_versioned: false,
        },
        drafts: Vec::new(),
        keys: Vec::new(),
        foreign_keys: Vec::new(),
    };
    parser.statement(default_schema)?;
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
struct Draft {
    column: Column,
    spec: TypeSpec,
    charset: Option<String>,
    collation: Option<String>,
}

enum KeyKind {
    Primary,
    Unique,
}

/// A key whose columns may come later in the text.
struct DraftKey {
    kind: KeyKind,
    name: String,
    parts: Vec<(String, Option<u32>)>,
    has_expression: bool,
}

struct DraftForeignKey {
    name: String,
    columns: Vec<String>,
    parent: TableName,
    parent_columns: Vec<String>,
    on_delete: ReferentialAction,
    on_update: ReferentialAction,
}

struct Parser<'t, 'a> {
    cursor: Cursor<'t, 'a>,
    flavour: Flavour,
    shape: TableShape,
    drafts: Vec<Draft>,
    keys: Vec<DraftKey>,
    foreign_keys: Vec<DraftForeignKey>,
}

impl Parser<'_, '_> {
    fn bad(&self, what: &'static str) -> SchemaError {
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

    fn expect_name(&mut self, what: &'static str) -> Result<String, SchemaError> {
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

    fn element(&mut self) -> Result<(), SchemaError> {
        let mut constraint = String::new();
        if self.cursor.accept("CONSTRAINT") && !self.cursor.is_any_word(&["PRIMARY", "UNIQUE", "FOREIGN", "CHECK"]) {
            constraint = self.expect_name("a constraint's name")?;
        }
        let keyword = self.cursor.keyword().unwrap_or_default();
        match keyword.as_str() {
            "PRIMARY" => {
                self.cursor.advance();
                if !self.cursor.accept("KEY") {
                    return Err(self.bad("KEY"));
                }
                self.key(KeyKind::Primary, constraint)
            }
            "UNIQUE" => {
                self.cursor.advance();
                self.cursor.accept_any(&["KEY", "INDEX"]);
                self.key(KeyKind::Unique, constraint)
            }
            "FOREIGN" => self.foreign_key(constraint),
            "CHECK" => self.check(),
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

    /// A key other than primary and unique ones: nothing that names rows.
    fn other_index(&mut self) -> Result<(), SchemaError> {
        self.cursor.accept_any(&["FULLTEXT", "SPATIAL", "VECTOR"]);
        self.cursor.accept_any(&["KEY", "INDEX"]);
        self.cursor.accept_all(&["IF", "NOT", "EXISTS"]);
        if !self.cursor.is_symbol('(') && !self.cursor.is_word("USING") {
            self.expect_name("an index name")?;
        }
        if self.cursor.accept_any(&["USING", "TYPE"]) {
            self.cursor.advance();
        }
        if !self.cursor.skip_parentheses() {
            return Err(self.bad("the index's columns"));
        }
        self.index_options()
    }

    fn key(&mut self, kind: KeyKind, mut name: String) -> Result<(), SchemaError> {
        self.cursor.accept_all(&["IF", "NOT", "EXISTS"]);
        if !self.cursor.is_symbol('(') && !self.cursor.is_any_word(&["USING", "TYPE"]) {
            name = self.expect_name("an index name")?;
        }
        if self.cursor.accept_any(&["USING", "TYPE"]) {
            self.cursor.advance();
        }
        self.expect_symbol('(', "the key's columns")?;
        let mut key = DraftKey { kind, name, parts: Vec::new(), has_expression: false };
        loop {
            if self.cursor.is_symbol('(') {
                key.has_expression = true;
                self.cursor.skip_parentheses();
            } else {
                let column = self.expect_name("a column of the key")?;
                let mut prefix = None;
                if self.cursor.accept_symbol('(') {
                    prefix = Some(self.cursor.number().ok_or_else(|| self.bad("a prefix length"))?);
                    self.expect_symbol(')', "`)`")?;
                }
                // MariaDB: an application-time period in a key names no column of its own.
                if self.cursor.accept_all(&["WITHOUT", "OVERLAPS"]) {
                    key.has_expression = true;
                } else {
                    key.parts.push((column, prefix));
                }
            }
            self.cursor.accept_any(&["ASC", "DESC"]);
            if !self.cursor.accept_symbol(',') {
                break;
            }
        }
        self.expect_symbol(')', "a `,` or the end of the key")?;
        self.keys.push(key);
        self.index_options()
    }

    fn index_options(&mut self) -> Result<(), SchemaError> {
        while !self.at_element_end() {
            let executed = match self.cursor.keyword().as_deref() {
                Some("USING" | "TYPE" | "COMMENT") => 2,
                Some("VISIBLE" | "INVISIBLE" | "IGNORED") => 1,
                Some("NOT") if self.cursor.is_word_at(1, "IGNORED") => 2,
                Some("WITH") if self.cursor.is_word_at(1, "PARSER") => 3,
                // `KEY_BLOCK_SIZE=8`, MariaDB's `DISTANCE=cosine` and engines' own attributes.
                Some(_) => 0,
                None if matches!(self.cursor.peek(), Some(Kind::Name(_))) => 0,
                None => return Err(self.bad("an index option")),
            };
            if executed > 0 {
                self.cursor.position += executed;
            } else {
                self.assignment()?;
            }
        }
        Ok(())
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

    fn at_element_end(&self) -> bool {
        matches!(self.cursor.peek(), None | Some(Kind::Symbol(',' | ')')))
    }

    fn check(&mut self) -> Result<(), SchemaError> {
        self.cursor.advance();
        if !self.cursor.skip_parentheses() {
            return Err(self.bad("the condition of a CHECK"));
        }
        self.cursor.accept_all(&["NOT", "ENFORCED"]);
        self.cursor.accept("ENFORCED");
        Ok(())
    }

    fn foreign_key(&mut self, mut name: String) -> Result<(), SchemaError> {
        self.cursor.advance();
        if !self.cursor.accept("KEY") {
            return Err(self.bad("KEY"));
        }
        self.cursor.accept_all(&["IF", "NOT", "EXISTS"]);
        if !self.cursor.is_symbol('(') {
            let index = self.expect_name("a foreign key's name")?;
            if name.is_empty() {
                name = index;
            }
        }
        let columns = self.column_names()?;
        self.references(name, columns)
    }

    fn column_names(&mut self) -> Result<Vec<String>, SchemaError> {
        self.expect_symbol('(', "a list of columns")?;
        let mut names = vec![self.expect_name("a column")?];
        while self.cursor.accept_symbol(',') {
            names.push(self.expect_name("a column")?);
        }
        self.expect_symbol(')', "a `,` or the end of the columns")?;
        Ok(names)
    }

    fn references(&mut self, name: String, columns: Vec<String>) -> Result<(), SchemaError> {
        if !self.cursor.accept("REFERENCES") {
            return Err(self.bad("REFERENCES"));
        }
        let schema = self.shape.name.schema.clone();
        let parent = self.cursor.table_name(&schema).ok_or_else(|| self.bad("the parent table"))?;
        // Without a list it is the parent's primary key.
        let parent_columns = if self.cursor.is_symbol('(') { self.column_names()? } else { Vec::new() };
        let mut key = DraftForeignKey {
            name,
            columns,
            parent,
            parent_columns,
            on_delete: ReferentialAction::default(),
            on_update: ReferentialAction::default(),
        };
        loop {
            if self.cursor.accept("MATCH") {
                self.cursor.advance();
            } else if self.cursor.is_word("ON") && self.cursor.is_word_at(1, "DELETE") {
                self.cursor.position += 2;
                key.on_delete = self.referential_action()?;
            } else if self.cursor.is_word("ON") && self.cursor.is_word_at(1, "UPDATE") {
                self.cursor.position += 2;
                key.on_update = self.referential_action()?;
            } else {
                break;
            }
        }
        self.foreign_keys.push(key);
        Ok(())
    }

    fn referential_action(&mut self) -> Result<ReferentialAction, SchemaError> {
        if self.cursor.accept("RESTRICT") || self.cursor.accept_all(&["NO", "ACTION"]) {
            Ok(ReferentialAction::Restrict)
        } else if self.cursor.accept("CASCADE") {
            Ok(ReferentialAction::Cascade)
        } else if self.cursor.accept_all(&["SET", "NULL"]) {
            Ok(ReferentialAction::SetNull)
        } else if self.cursor.accept_all(&["SET", "DEFAULT"]) {
            Ok(ReferentialAction::SetDefault)
        } else {
            Err(self.bad("what happens to the child rows"))
        }
    }

    fn column(&mut self) -> Result<(), SchemaError> {
        let name = self.expect_name("a column's name")?;
        let spec = TypeSpec::parse(&mut self.cursor).ok_or_else(|| self.bad("a column's type"))?;
        let column = Column {
            name,
            ty: ColumnType::Date,
            nullable: spec.name != "SERIAL",
            generated: None,
            invisible: false,
            default: None,
            on_update: None,
            auto_increment: spec.name == "SERIAL",
            charset: None,
            collation: None,
        };
        if spec.name == "SERIAL" {
            let parts = vec![(column.name.clone(), None)];
            self.keys.push(DraftKey { kind: KeyKind::Unique, name: String::new(), parts, has_expression: false });
        }
        let mut draft = Draft { column, spec, charset: None, collation: None };
        if draft.spec.is_national() {
            draft.charset = Some("utf8mb3".to_owned());
        }
        while !self.at_element_end() {
            self.attribute(&mut draft)?;
        }
        self.drafts.push(draft);
        Ok(())
    }

    fn attribute(&mut self, draft: &mut Draft) -> Result<(), SchemaError> {
        let keyword = self.cursor.keyword().unwrap_or_default();
        let start = self.cursor.position;
        self.cursor.advance();
        match keyword.as_str() {
            "UNSIGNED" | "ZEROFILL" => draft.spec.unsigned = true,
            "SIGNED" => {}
            // The character set's binary collation.
            "BINARY" | "ASCII" | "UNICODE" => {
                match keyword.as_str() {
                    "ASCII" => draft.charset = Some("latin1".to_owned()),
                    "UNICODE" => draft.charset = Some("ucs2".to_owned()),
                    _ => {}
                };
            }
            "BYTE" => draft.spec.bytes = true,
            "NOT" => {
                if self.cursor.accept("NULL") {
                    draft.column.nullable = false;
                } else if !self.cursor.accept("SECONDARY") {
                    return Err(self.bad("NULL"));
                }
            }
            "NULL" => draft.column.nullable = true,
            "DEFAULT" => {
                let from = self.cursor.position;
                self.default_value()?;
                draft.column.default = Some(self.cursor.text_since(from).to_owned());
            }
            "ON" => {
                if !self.cursor.accept("UPDATE") {
                    return Err(self.bad("UPDATE"));
                }
                let from = self.cursor.position;
                self.default_value()?;
                draft.column.on_update = Some(self.cursor.text_since(from).to_owned());
            }
            "AUTO_INCREMENT" => draft.column.auto_increment = true,
            "PRIMARY" | "KEY" => {
                self.cursor.accept("KEY");
                self.column_key(draft, KeyKind::Primary);
            }
            "UNIQUE" => {
                self.cursor.accept("KEY");
                self.column_key(draft, KeyKind::Unique);
            }
            "COLLATE" => {
                self.cursor.accept_symbol('=');
                draft.collation = Some(self.charset_name()?);
            }
            "CHARSET" => draft.charset = Some(self.charset_name()?),
            "CHARACTER" | "CHAR" => {
                if !self.cursor.accept("SET") {
                    return Err(self.bad("SET"));
                }
                draft.charset = Some(self.charset_name()?);
            }
            "GENERATED" | "AS" => self.generated(draft, &keyword)?,
            "VIRTUAL" => draft.column.generated = Some(Generated::Virtual),
            "STORED" | "PERSISTENT" => draft.column.generated = Some(Generated::Stored),
            "INVISIBLE" => draft.column.invisible = true,
            "VISIBLE" | "COMPRESSED" => {
                // MariaDB: `COMPRESSED`, `COMPRESSED=zlib`.
                if self.cursor.accept_symbol('=') {
                    self.cursor.advance();
                }
            }
            "CONSTRAINT" => {
                if !self.cursor.is_word("CHECK") {
                    self.expect_name("a constraint's name")?;
                }
            }
            "CHECK" => {
                self.cursor.position = start;
                self.check()?;
            }
            "REFERENCES" => {
                self.cursor.position = start;
                let columns = vec![draft.column.name.clone()];
                self.references(String::new(), columns)?;
            }
            "WITH" | "WITHOUT" => {
                if !self.cursor.accept_all(&["SYSTEM", "VERSIONING"]) {
                    return Err(self.bad("SYSTEM VERSIONING"));
                }
            }
            "COMMENT"
            | "COLUMN_FORMAT"
            | "STORAGE"
            | "SRID"
            | "REF_SYSTEM_ID"
            | "ENGINE_ATTRIBUTE"
            | "SECONDARY_ENGINE_ATTRIBUTE" => {
                self.cursor.position = start;
                self.assignment()?;
            }
            // Engines' own attributes in MariaDB: `name`=value.
            _ if self.cursor.is_symbol('=') => {
                self.cursor.position = start;
                self.assignment()?;
            }
            _ => {
                self.cursor.position = start;
                return Err(self.bad("a column's attribute"));
            }
        }
        Ok(())
    }

    fn column_key(&mut self, draft: &Draft, kind: KeyKind) {
        let parts = vec![(draft.column.name.clone(), None)];
        self.keys.push(DraftKey { kind, name: String::new(), parts, has_expression: false });
    }

    fn charset_name(&mut self) -> Result<String, SchemaError> {
        let name = match self.cursor.text() {
            Some(text) => text.into_owned(),
            None => self.expect_name("a character set or collation")?,
        };
        let name = name.to_ascii_lowercase();
        Ok(match name.strip_prefix("utf8_") {
            Some(rest) => format!("utf8mb3_{rest}"),
            None if name == "utf8" => "utf8mb3".to_owned(),
            None => name,
        })
    }

    /// `[GENERATED ALWAYS] AS (…)`, or MariaDB's `GENERATED ALWAYS AS ROW START`.
    fn generated(&mut self, draft: &mut Draft, keyword: &str) -> Result<(), SchemaError> {
        if keyword == "GENERATED" && !self.cursor.accept_all(&["ALWAYS", "AS"]) {
            return Err(self.bad("ALWAYS AS"));
        }
        if self.cursor.accept("ROW") {
            if !self.cursor.accept_any(&["START", "END"]) {
                return Err(self.bad("START or END"));
            }
            draft.column.generated = Some(Generated::Stored);
            return Ok(());
        }
        if !self.cursor.skip_parentheses() {
            return Err(self.bad("a generated column's expression"));
        }
        draft.column.generated.get_or_insert(Generated::Virtual);
        Ok(())
    }

    /// One value: a literal, a function's call, an expression in parentheses.
    fn default_value(&mut self) -> Result<(), SchemaError> {
        if !self.cursor.accept_symbol('-') {
            self.cursor.accept_symbol('+');
        }
        match self.cursor.peek() {
            Some(Kind::Symbol('(')) => {
                if !self.cursor.skip_parentheses() {
                    return Err(self.bad("the end of an expression"));
                }
            }
            Some(Kind::Text(_)) => while self.cursor.text().is_some() {},
            Some(Kind::Number(_)) => {
                self.cursor.advance();
            }
            Some(Kind::Word(_) | Kind::Name(_)) => {
                self.cursor.advance();
                while self.cursor.accept_symbol('.') {
                    self.expect_name("a name behind the dot")?;
                }
                // `_utf8mb4'a'`, `b'1'`, `DATE '2020-01-01'`; `uuid()`, `CURRENT_TIMESTAMP(6)`.
                if self.cursor.text().is_none() && self.cursor.is_symbol('(') && !self.cursor.skip_parentheses() {
                    return Err(self.bad("the end of a call"));
                }
            }
            _ => return Err(self.bad("a default value")),
        }
        Ok(())
    }

    fn options(&mut self) -> Result<(), SchemaError> {
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

    fn finish(mut self) -> Result<TableShape, SchemaError> {
        let mut shape = self.shape;
        if shape.charset.is_none() {
            shape.charset = shape.collation.as_deref().and_then(charset_of_collation).map(str::to_owned);
        }
        let table = shape.name.to_string();
        for draft in std::mem::take(&mut self.drafts) {
            shape.columns.push(finish_column(draft, &shape, self.flavour, &table)?);
        }
        let index_of = |shape: &TableShape, key: &str, column: &str| {
            shape.columns.iter().position(|c| same_column_name(&c.name, column)).ok_or_else(|| {
                SchemaError::UnknownColumn { table: table.clone(), key: key.to_owned(), column: column.to_owned() }
            })
        };
        for key in self.keys {
            let shown = if matches!(key.kind, KeyKind::Primary) { "PRIMARY" } else { key.name.as_str() };
            let parts = key
                .parts
                .iter()
                .map(|(column, prefix_length)| {
                    Ok(KeyPart { column: index_of(&shape, shown, column)?, prefix_length: *prefix_length })
                })
                .collect::<Result<Vec<_>, SchemaError>>()?;
            match key.kind {
                KeyKind::Primary if !key.has_expression => {
                    for part in &parts {
                        if let Some(column) = shape.columns.get_mut(part.column) {
                            column.nullable = false;
                        }
                    }
                    shape.primary_key = Some(parts);
                }
                // MariaDB's PRIMARY KEY (id, period WITHOUT OVERLAPS): rows of one id differ in their period.
                KeyKind::Primary => {
                    shape.unique_keys.push(Key { name: "PRIMARY".to_owned(), parts, has_expression: true });
                }
                KeyKind::Unique => {
                    shape.unique_keys.push(Key { name: key.name, parts, has_expression: key.has_expression });
                }
            }
        }
        for key in self.foreign_keys {
            let columns = key
                .columns
                .iter()
                .map(|column| index_of(&shape, &key.name, column))
                .collect::<Result<Vec<_>, SchemaError>>()?;
            shape.foreign_keys.push(ForeignKey {
                name: key.name,
                columns,
                parent: key.parent,
                parent_columns: key.parent_columns,
                on_delete: key.on_delete,
                on_update: key.on_update,
            });
        }
        Ok(shape)
    }
}

fn finish_column(draft: Draft, shape: &TableShape, flavour: Flavour, table: &str) -> Result<Column, SchemaError> {
    let Draft { mut column, mut spec, charset, collation } = draft;
    let of_collation = collation.as_deref().and_then(charset_of_collation).map(str::to_owned);
    let inherits = charset.is_none() && of_collation.is_none();
    let charset = charset.or(of_collation).or_else(|| shape.charset.clone());
    // A table's default of `binary` makes bytes of its text columns just as the column's own does.
    spec.bytes |= charset.as_deref() == Some("binary");
    spec.widest = match charset.as_deref() {
        Some("utf8mb3") => 3,
        Some("utf8mb4" | "utf16" | "utf16le" | "utf32") | None => 4,
        Some("gbk" | "big5" | "sjis" | "cp932" | "euckr" | "gb2312" | "ucs2") => 2,
        Some("ujis" | "eucjpms") => 3,
        Some("gb18030") => 4,
        Some(_) => 1,
    };
    let mariadb_json = spec.name == "JSON" && flavour == Flavour::Mariadb;
    let type_name = spec.name.clone();
    column.ty = spec.resolve(flavour).ok_or_else(|| SchemaError::UnknownType {
        table: table.to_owned(),
        column: column.name.clone(),
        type_name,
    })?;
    if mariadb_json {
        column.charset = Some("utf8mb4".to_owned());
        column.collation = Some("utf8mb4_bin".to_owned());
    } else if column.ty.is_text() {
        column.charset = charset;
        column.collation = collation.or_else(|| inherits.then(|| shape.collation.clone()).flatten());
    }
    Ok(column)
}

/// The character set that a collation's name begins with. MariaDB's `uca1400_…` may stand for several.
fn charset_of_collation(collation: &str) -> Option<&str> {
    let charset = collation.split('_').next()?;
    (charset != "uca1400").then_some(charset)
}
