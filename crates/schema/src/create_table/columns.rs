//! Columns of a table's definition.

use super::{Draft, DraftKey, KeyKind, Parser};
use crate::column_type::TypeSpec;
use crate::lexer::Kind;
use crate::shape::{Column, Generated};
use crate::{ColumnType, Flavour, SchemaError};

impl Parser<'_, '_> {
    /// A column with its attributes, up to its end or an ALTER's `FIRST` or `AFTER`.
    pub(crate) fn column(&mut self) -> Result<(), SchemaError> {
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
            zerofill: false,
            decimals: None,
        };
        let keys = self.keys.len();
        if spec.name == "SERIAL" {
            self.column_key(&column.name, KeyKind::Unique);
        }
        let mut draft = Draft { column, spec, charset: None, collation: None, says_null: false };
        if draft.spec.is_national() {
            draft.charset = Some("utf8mb3".to_owned());
        }
        while !self.at_element_end() && !self.cursor.is_any_word(&["FIRST", "AFTER"]) && !self.at_partitioning() {
            self.attribute(&mut draft)?;
        }
        self.needless_column_keys(keys);
        self.drafts.push(draft);
        Ok(())
    }

    pub(super) fn attribute(&mut self, draft: &mut Draft) -> Result<(), SchemaError> {
        let keyword = self.cursor.keyword().unwrap_or_default();
        let start = self.cursor.position;
        self.cursor.advance();
        match keyword.as_str() {
            "UNSIGNED" => draft.spec.unsigned = true,
            "ZEROFILL" => {
                draft.spec.unsigned = true;
                draft.column.zerofill = true;
            }
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
                    draft.says_null = true;
                } else if !self.cursor.accept("SECONDARY") {
                    return Err(self.bad("NULL"));
                }
            }
            "NULL" => {
                draft.column.nullable = true;
                draft.says_null = true;
            }
            "DEFAULT" => {
                draft.column.default = Some(self.default_text()?);
            }
            "ON" => {
                if !self.cursor.accept("UPDATE") {
                    return Err(self.bad("UPDATE"));
                }
                let from = self.cursor.position;
                self.default_value()?;
                draft.column.on_update = Some(self.cursor.text_since(from));
            }
            "AUTO_INCREMENT" => draft.column.auto_increment = true,
            "PRIMARY" | "KEY" => {
                self.cursor.accept("KEY");
                self.column_key(&draft.column.name, KeyKind::Primary);
            }
            "UNIQUE" => {
                self.cursor.accept("KEY");
                self.column_key(&draft.column.name, KeyKind::Unique);
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
                let named = !self.cursor.is_word("CHECK");
                let name = if named { self.expect_name("a constraint's name")? } else { String::new() };
                if !self.cursor.is_word("CHECK") {
                    return Err(self.bad("CHECK"));
                }
                self.column_check(name)?;
            }
            "CHECK" => {
                self.cursor.position = start;
                self.column_check(String::new())?;
            }
            "REFERENCES" => {
                self.cursor.position = start;
                let columns = vec![draft.column.name.clone()];
                self.references(String::new(), String::new(), columns, false)?;
                if self.ignores_references {
                    self.keys.pop();
                    self.foreign_keys.pop();
                }
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

    /// A column said to be unique twice is so once; in MariaDB the primary key is enough.
    fn needless_column_keys(&mut self, from: usize) {
        let own = self.keys.split_off(from);
        let primary = own.iter().any(|key| key.kind == KeyKind::Primary);
        let mut unique = primary && self.flavour == Flavour::Mariadb;
        let mut once = |key: &DraftKey| key.kind != KeyKind::Unique || !std::mem::replace(&mut unique, true);
        self.keys.extend(own.into_iter().filter(|key| once(key)));
    }

    fn column_key(&mut self, column: &str, kind: KeyKind) {
        let parts = vec![(column.to_owned(), None)];
        self.keys.push(DraftKey {
            kind,
            name: String::new(),
            parts,
            has_expression: false,
            usable: None,
            conditional: false,
            at_column: true,
        });
    }

    /// `PARTITION BY` and `REMOVE PARTITIONING` may stand behind an ALTER's last clause without a comma.
    pub(crate) fn at_partitioning(&self) -> bool {
        (self.cursor.is_word("PARTITION") && self.cursor.is_word_at(1, "BY"))
            || (self.cursor.is_word("REMOVE") && self.cursor.is_word_at(1, "PARTITIONING"))
    }

    pub(crate) fn charset_name(&mut self) -> Result<String, SchemaError> {
        let name = match self.cursor.text() {
            Some(text) => text.into_owned(),
            None => self.expect_name("a character set or collation")?,
        };
        Ok(charset_alias(&name))
    }

    /// `[GENERATED ALWAYS] AS (…)`, or MariaDB's `GENERATED ALWAYS AS ROW START`.
    pub(super) fn generated(&mut self, draft: &mut Draft, keyword: &str) -> Result<(), SchemaError> {
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

    /// A default as written, or what the session's mode makes of it.
    pub(crate) fn default_text(&mut self) -> Result<String, SchemaError> {
        let from = self.cursor.position;
        self.default_value()?;
        let written = self.cursor.text_since(from);
        let is_null = self.empty_string_is_null && is_empty_string(&written);
        Ok(if is_null { "NULL".to_owned() } else { written })
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
}

/// `''`, which may have a character set before it.
fn is_empty_string(literal: &str) -> bool {
    let rest = literal.trim_start_matches(|c: char| c == '_' || c.is_ascii_alphanumeric()).trim_start();
    let hexadecimal = literal.starts_with(['x', 'X', 'b', 'B']);
    !hexadecimal && matches!(rest, "''" | "\"\"")
}

/// A character set's or collation's name in lower case, `utf8` as `utf8mb3`.
pub(crate) fn charset_alias(name: &str) -> String {
    let name = name.to_ascii_lowercase();
    match name.strip_prefix("utf8_") {
        Some(rest) => format!("utf8mb3_{rest}"),
        None if name == "utf8" => "utf8mb3".to_owned(),
        None => name,
    }
}
