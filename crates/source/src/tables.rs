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
    /// The foreign keys through which the server itself changes its rows: name and rule.
    pub cascades: Vec<(String, String)>,
}

/// What PITR promises for a table.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Promise {
    /// Rebuilt exactly.
    Exact,
    /// Not rebuilt: the reason says why.
    Refused,
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
    /// Why it is refused, and what would change that.
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
        let reason = if self.kind == "SEQUENCE" {
            Some("a sequence is no table of rows; PITR does not rebuild it".to_owned())
        } else if self.kind == "SYSTEM VERSIONED" {
            Some("its history rows are not rebuilt; system-versioned tables are not supported yet".to_owned())
        } else if !self.is_transactional() {
            let engine = if self.engine.is_empty() { "unknown" } else { &self.engine };
            Some(format!("its engine {engine} is not transactional; convert it to InnoDB"))
        } else if !self.has_primary_key {
            Some("it has no primary key, by which its rows could be told apart; add one".to_owned())
        } else if let (Some((name, rule)), false) = (self.cascades.first(), logs_cascades) {
            Some(format!(
                "the foreign key {name} ({rule}) changes its rows without a trace in this server's binary log"
            ))
        } else {
            None
        };
        TablePromise {
            schema: self.name.schema.clone(),
            table: self.name.table.clone(),
            promise: if reason.is_some() { Promise::Refused } else { Promise::Exact },
            reason,
        }
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
                    cascades: cascades.remove(&name).unwrap_or_default(),
                    name,
                })
            })
            .collect();
        tables.sort_by(|a, b| a.name.cmp(&b.name));
        Ok(tables)
    }
}
