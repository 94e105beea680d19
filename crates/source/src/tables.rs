//! The tables of a server and what PITR promises for each.

use std::collections::{BTreeMap, BTreeSet};

use backtrail_domain::TableName;
use serde::{Deserialize, Serialize};

use crate::{Connection, Flavour, ServerFacts, ServerVersion, SourceError};

/// Schemas that belong to the server itself: neither dumped nor rebuilt.
pub const SYSTEM_SCHEMAS: [&str; 4] = ["mysql", "information_schema", "performance_schema", "sys"];

/// One table of a source server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SourceTable {
    /// Its name.
    pub name: TableName,
    /// `BASE TABLE`, `SYSTEM VERSIONED`, `SEQUENCE`.
    pub kind: String,
    /// Its storage engine.
    pub engine: String,
    /// The server's estimate of its size in bytes.
    pub size: u64,
    /// Whether it has a primary key.
    pub has_primary_key: bool,
    /// A FLOAT column that tells its rows apart: of its key, or of a table without one.
    pub rounded_column: Option<String>,
    /// The foreign keys through which the server itself changes its rows: name and rule.
    pub cascades: Vec<(String, String)>,
}

/// What PITR promises for a table.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Promise {
    /// Rebuilt exactly.
    Exact,
    /// Rebuilt exactly, or refused: the reason says when.
    Conditional,
}

/// A table and its promise.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TablePromise {
    /// The schema.
    pub schema: String,
    /// The table.
    pub table: String,
    /// What is promised.
    pub promise: Promise,
    /// Why or when it is refused, and what would change that.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

impl SourceTable {
    /// Whether a dump reads it from the transaction's snapshot, without holding locks.
    pub fn is_transactional(&self) -> bool {
        self.engine.eq_ignore_ascii_case("InnoDB")
    }

    /// What PITR promises for it.
    pub fn promise(&self, facts: &ServerFacts) -> TablePromise {
        // From 9.6 on MySQL writes the rows that a cascade changes to the binary log.
        let logs_cascades = facts.flavour == Flavour::Mysql && facts.number >= ServerVersion(9, 6, 0);
        let mut when = Vec::new();
        if self.kind == "SYSTEM VERSIONED" {
            when.push("if its rows changed, since those of the past are not in a dump".to_owned());
        }
        let is_sequence = self.kind == "SEQUENCE";
        if is_sequence {
            when.push(
                "if the dump has it in a file of its own (-schema-sequence.sql) and its value moved on".to_owned(),
            );
        } else if !self.is_transactional() {
            let engine = if self.engine.is_empty() { "unknown" } else { &self.engine };
            when.push(format!(
                "if a transaction that changed it was rolled back, unless its engine {engine} is transactional; InnoDB is"
            ));
        }
        if !self.has_primary_key && !is_sequence {
            when.push(
                "if it has no unique key without NULL either, and an ENUM or SET by whose members rows cannot \
                 be told apart; a primary key mends that"
                    .to_owned(),
            );
        }
        if let Some(column) = &self.rounded_column {
            when.push(format!(
                "if rows changed whose FLOAT {column} looks alike in the six digits that a dump has of it"
            ));
        }
        if let (Some((name, rule)), false) = (self.cascades.first(), logs_cascades) {
            when.push(format!(
                "if the foreign key {name} ({rule}) changed its rows, which this server does not log, by values whose \
                 references cannot be followed (such as texts beyond ASCII)"
            ));
        }
        if facts.logs_partial_images() {
            when.push("if a row image leaves out what cannot be told, which binlog_row_image = FULL mends".to_owned());
        }
        let (promise, reason) = if when.is_empty() {
            (Promise::Exact, None)
        } else {
            (Promise::Conditional, Some(format!("refused {}", when.join("; or "))))
        };
        TablePromise { schema: self.name.schema.clone(), table: self.name.table.clone(), promise, reason }
    }
}

impl Connection {
    /// The tables of every schema that is not the server's own, views left out, in name order.
    ///
    /// # Errors
    /// As [`query`](Self::query).
    pub async fn tables(&mut self) -> Result<Vec<SourceTable>, SourceError> {
        let system = SYSTEM_SCHEMAS.map(|schema| format!("'{schema}'")).join(",");
        let pair = |row: &crate::Row| Some(TableName::new(row.text_at(0)?, row.text_at(1)?));
        let rows = self
            .query(&format!(
                "SELECT TABLE_SCHEMA, TABLE_NAME, TABLE_TYPE, ENGINE, DATA_LENGTH FROM information_schema.TABLES \
                 WHERE TABLE_SCHEMA NOT IN ({system}) AND TABLE_TYPE NOT IN ('VIEW', 'SYSTEM VIEW')"
            ))
            .await?;
        let keyed: BTreeSet<TableName> = self
            .query(&format!(
                "SELECT TABLE_SCHEMA, TABLE_NAME FROM information_schema.TABLE_CONSTRAINTS \
                 WHERE CONSTRAINT_TYPE = 'PRIMARY KEY' AND TABLE_SCHEMA NOT IN ({system})"
            ))
            .await?
            .iter()
            .filter_map(pair)
            .collect();
        // What tells rows apart and is not in a dump with all its digits.
        let mut rounded: BTreeMap<TableName, String> = BTreeMap::new();
        let columns = self
            .query(&format!(
                "SELECT TABLE_SCHEMA, TABLE_NAME, COLUMN_NAME, COLUMN_KEY FROM information_schema.COLUMNS \
                 WHERE TABLE_SCHEMA NOT IN ({system}) AND DATA_TYPE = 'float' ORDER BY ORDINAL_POSITION DESC"
            ))
            .await?;
        for row in &columns {
            if let (Some(name), Some(column), Some(key)) = (pair(row), row.text_at(2), row.text_at(3))
                && (key == "PRI" || !keyed.contains(&name))
            {
                rounded.insert(name, column);
            }
        }
        let mut cascades: BTreeMap<TableName, Vec<(String, String)>> = BTreeMap::new();
        let rules = self
            .query(&format!(
                "SELECT CONSTRAINT_SCHEMA, TABLE_NAME, CONSTRAINT_NAME, DELETE_RULE, UPDATE_RULE \
                 FROM information_schema.REFERENTIAL_CONSTRAINTS WHERE CONSTRAINT_SCHEMA NOT IN ({system})"
            ))
            .await?;
        for row in &rules {
            let changes = |rule: &Option<String>| {
                rule.as_deref().is_some_and(|rule| matches!(rule, "CASCADE" | "SET NULL" | "SET DEFAULT"))
            };
            let (on_delete, on_update) = (row.text_at(3), row.text_at(4));
            let rule = match (changes(&on_delete), changes(&on_update)) {
                (true, _) => format!("ON DELETE {}", on_delete.unwrap_or_default()),
                (_, true) => format!("ON UPDATE {}", on_update.unwrap_or_default()),
                _ => continue,
            };
            if let Some(name) = pair(row) {
                cascades.entry(name).or_default().push((row.text_at(2).unwrap_or_default(), rule));
            }
        }
        let mut tables: Vec<SourceTable> = rows
            .iter()
            .filter_map(|row| {
                let name = pair(row)?;
                Some(SourceTable {
                    kind: row.text_at(2)?,
                    engine: row.text_at(3).unwrap_or_default(),
                    size: row.text_at(4).and_then(|size| size.parse().ok()).unwrap_or(0),
                    has_primary_key: keyed.contains(&name),
                    rounded_column: rounded.remove(&name),
                    cascades: cascades.remove(&name).unwrap_or_default(),
                    name,
                })
            })
            .collect();
        tables.sort_by(|a, b| a.name.cmp(&b.name));
        Ok(tables)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn promises() {
        let facts = |flavour, number| ServerFacts {
            version: String::new(),
            number,
            flavour,
            identity: String::new(),
            server_id: 1,
            variables: BTreeMap::new(),
        };
        let mariadb = facts(Flavour::Mariadb, ServerVersion(10, 11, 4));
        let plain = SourceTable {
            name: TableName::new("s", "t"),
            kind: "BASE TABLE".to_owned(),
            engine: "InnoDB".to_owned(),
            size: 0,
            has_primary_key: true,
            rounded_column: None,
            cascades: Vec::new(),
        };
        let keyless = SourceTable { has_primary_key: false, ..plain.clone() };
        let old = SourceTable { engine: "MyISAM".to_owned(), ..plain.clone() };
        let versioned = SourceTable { kind: "SYSTEM VERSIONED".to_owned(), ..plain.clone() };
        let sequence = SourceTable { kind: "SEQUENCE".to_owned(), ..plain.clone() };
        let child = SourceTable { cascades: vec![("fk".to_owned(), "ON DELETE CASCADE".to_owned())], ..plain.clone() };
        let rounded = SourceTable { rounded_column: Some("f".to_owned()), ..plain.clone() };
        for (table, promise) in [
            (&rounded, Promise::Conditional),
            (&plain, Promise::Exact),
            (&keyless, Promise::Conditional),
            (&old, Promise::Conditional),
            (&child, Promise::Conditional),
            (&versioned, Promise::Conditional),
            (&sequence, Promise::Conditional),
        ] {
            let found = table.promise(&mariadb);
            assert_eq!((found.promise, found.reason.is_some()), (promise, promise != Promise::Exact), "{table:?}");
        }
        let mut partial = mariadb.clone();
        partial.variables.insert("binlog_row_image".to_owned(), "MINIMAL".to_owned());
        assert_eq!(plain.promise(&partial).promise, Promise::Conditional);
        // From 9.6 on MySQL logs what a cascade changes.
        let mysql = |number| child.promise(&facts(Flavour::Mysql, number)).promise;
        assert_eq!(mysql(ServerVersion(9, 5, 0)), Promise::Conditional);
        assert_eq!(mysql(ServerVersion(9, 6, 0)), Promise::Exact);
    }
}
