//! Keys, foreign keys and checks of a table's definition.

use super::{DraftCheck, DraftForeignKey, DraftKey, KeyKind, Parser};
use crate::lexer::Kind;
use crate::shape::ReferentialAction;
use crate::{Flavour, SchemaError};

impl Parser<'_, '_> {
    /// A key other than primary and unique ones: nothing that names rows.
    pub(super) fn other_index(&mut self) -> Result<(), SchemaError> {
        let special = self.cursor.accept_any(&["FULLTEXT", "SPATIAL", "VECTOR"]);
        self.cursor.accept_any(&["KEY", "INDEX"]);
        self.key(KeyKind::Plain, String::new(), false)?;
        if special && self.flavour == Flavour::Mysql {
            self.last_key_is_of_no_use();
        }
        Ok(())
    }

    /// No foreign key does without an index of its own for the sake of this one.
    fn last_key_is_of_no_use(&mut self) {
        if let Some(key) = self.keys.last_mut() {
            key.usable = Some(0);
        }
    }

    pub(super) fn key(&mut self, kind: KeyKind, mut name: String, conditional: bool) -> Result<(), SchemaError> {
        let conditional = self.cursor.accept_all(&["IF", "NOT", "EXISTS"]) || conditional;
        if !self.cursor.is_symbol('(') && !self.cursor.is_any_word(&["USING", "TYPE"]) {
            name = self.expect_name("an index name")?;
        }
        self.key_parts(kind, name, conditional)
    }

    /// `[USING x] (columns) options`.
    pub(crate) fn key_parts(&mut self, kind: KeyKind, name: String, conditional: bool) -> Result<(), SchemaError> {
        let mut hashed = false;
        if self.cursor.accept_any(&["USING", "TYPE"]) {
            hashed = self.cursor.is_word("HASH");
            self.cursor.advance();
        }
        self.expect_symbol('(', "the key's columns")?;
        let mut key = DraftKey {
            kind,
            name,
            parts: Vec::new(),
            has_expression: false,
            usable: (hashed && self.flavour == Flavour::Mariadb).then_some(0),
            conditional,
            at_column: false,
        };
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
            if self.cursor.is_word("DESC") && self.flavour == Flavour::Mysql {
                key.usable.get_or_insert(key.parts.len().saturating_sub(1));
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

    pub(super) fn index_options(&mut self) -> Result<(), SchemaError> {
        while !self.at_element_end() && !self.at_partitioning() && !self.cursor.is_any_word(&["ALGORITHM", "LOCK"]) {
            let method = self.cursor.is_any_word(&["USING", "TYPE"]);
            if method && self.cursor.is_word_at(1, "HASH") && self.flavour == Flavour::Mariadb {
                self.last_key_is_of_no_use();
            }
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

    pub(super) fn check(&mut self) -> Result<(), SchemaError> {
        self.cursor.advance();
        if !self.cursor.skip_parentheses() {
            return Err(self.bad("the condition of a CHECK"));
        }
        self.cursor.accept_all(&["NOT", "ENFORCED"]);
        self.cursor.accept("ENFORCED");
        Ok(())
    }

    /// A CHECK at a column. MySQL makes a table's constraint of it, MariaDB leaves it at the column.
    pub(super) fn column_check(&mut self, name: String) -> Result<(), SchemaError> {
        if self.flavour == Flavour::Mysql {
            self.checks.push(DraftCheck { name, conditional: false });
        }
        self.check()
    }

    pub(super) fn foreign_key(&mut self, mut name: String, conditional: bool) -> Result<(), SchemaError> {
        self.cursor.advance();
        if !self.cursor.accept("KEY") {
            return Err(self.bad("KEY"));
        }
        let conditional = self.cursor.accept_all(&["IF", "NOT", "EXISTS"]) || conditional;
        let mut index = name.clone();
        if !self.cursor.is_symbol('(') {
            let second = self.expect_name("a foreign key's name")?;
            if name.is_empty() {
                // MySQL takes it for the index, MariaDB for the constraint as well.
                index.clone_from(&second);
                if self.flavour == Flavour::Mariadb {
                    name = second;
                }
            }
        }
        let columns = self.column_names()?;
        self.references(name, index, columns, conditional)
    }

    pub(super) fn column_names(&mut self) -> Result<Vec<String>, SchemaError> {
        self.expect_symbol('(', "a list of columns")?;
        let mut names = vec![self.expect_name("a column")?];
        while self.cursor.accept_symbol(',') {
            names.push(self.expect_name("a column")?);
        }
        self.expect_symbol(')', "a `,` or the end of the columns")?;
        Ok(names)
    }

    pub(super) fn references(
        &mut self,
        name: String,
        index: String,
        columns: Vec<String>,
        conditional: bool,
    ) -> Result<(), SchemaError> {
        if !self.cursor.accept("REFERENCES") {
            return Err(self.bad("REFERENCES"));
        }
        let schema = self.shape.name.schema.clone();
        let parent = self.cursor.table_name(&schema).ok_or_else(|| self.bad("the parent table"))?;
        // Without a list it is the parent's primary key.
        let parent_columns = if self.cursor.is_symbol('(') { self.column_names()? } else { Vec::new() };
        self.keys.push(DraftKey {
            kind: KeyKind::Foreign,
            name: index,
            parts: columns.iter().map(|column| (column.clone(), None)).collect(),
            has_expression: false,
            usable: None,
            conditional,
            at_column: false,
        });
        let mut key = DraftForeignKey {
            conditional,
            name,
            columns,
            parent,
            parent_columns,
            on_delete: ReferentialAction::unsaid(self.flavour),
            on_update: ReferentialAction::unsaid(self.flavour),
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

    pub(super) fn referential_action(&mut self) -> Result<ReferentialAction, SchemaError> {
        if self.cursor.accept("RESTRICT") {
            Ok(ReferentialAction::Restrict)
        } else if self.cursor.accept_all(&["NO", "ACTION"]) {
            Ok(ReferentialAction::NoAction)
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
}
