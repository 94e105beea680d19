//! The indexes that foreign keys make. A definition is written without its foreign keys, which come at its end, so that it
//! does not matter which of its parents are there; their indexes are written by the names that the server gave them, and
//! go where they gave way to another.

use backtrail_schema::{
    AlterClause, AlterKind, Ddl, Key, SqlDialect, TableShape, alter_empty, dropped_constraint, foreign_key_columns,
    quoted_name,
};

use super::Step;

/// A table on its way through the statements.
pub(super) struct Indexes {
    /// As it was on the source.
    present: TableShape,
}

/// A statement without its foreign keys.
pub(super) struct Rewritten {
    /// Indexes that go before it.
    pub(super) first: Vec<String>,
    pub(super) ddl: Ddl,
    pub(super) dialect: SqlDialect,
    /// Indexes that come behind it.
    pub(super) then: Vec<String>,
}

impl Indexes {
    pub(super) fn new(present: TableShape) -> Self {
        Self { present }
    }

    /// The indexes that the foreign keys of a CREATE TABLE have made: their columns, and what to write for each.
    pub(super) fn made(&self) -> Vec<(Vec<String>, String)> {
        let made = self.present.indexes.iter().filter(|key| key.implied);
        made.map(|key| (columns(&self.present, key), written(&self.present, key))).collect()
    }

    /// A server has shown the table as it is now.
    pub(super) fn shown(self) -> Self {
        Self { present: self.present.with_implied_indexes() }
    }

    /// It is a copy by CREATE TABLE … LIKE, which has no foreign keys.
    pub(super) fn copied(&mut self) {
        self.present.foreign_keys.clear();
    }

    /// Takes the table through a statement.
    pub(super) fn follow(&mut self, step: &Step, table: &str) -> Result<Rewritten, String> {
        let after = |shape: &TableShape, ddl: &Ddl, dialect: SqlDialect| {
            if ddl.clauses.is_empty() {
                return Ok(shape.clone());
            }
            alter_empty(shape, ddl, &step.session.context(dialect)).map_err(|problem| problem.reason)
        };
        let name = step.ddl.tables.first().filter(|name| **name != self.present.name);
        let before = name.map_or_else(|| self.present.clone(), |name| self.present.renamed(name.clone()));
        let next = after(&before, &step.ddl, step.dialect)?;
        let implied = |shape: &TableShape, wanted: &dyn Fn(&Key) -> bool| {
            shape.indexes.iter().filter(|key| key.implied).find(|key| wanted(key)).cloned()
        };
        // Foreign keys go; where one made an index, that stands in its place.
        let mut replaced: Vec<String> = Vec::new();
        let mut clauses: Vec<AlterClause> = Vec::new();
        for clause in step.ddl.clauses.iter().rev() {
            let of_key = dropped_constraint(&clause.text, &step.dialect)
                .is_some_and(|name| before.foreign_keys.iter().any(|key| key.name.eq_ignore_ascii_case(&name)));
            if of_key {
                continue;
            }
            if clause.kind != AlterKind::ForeignKey {
                clauses.push(clause.clone());
                continue;
            }
            let Some(of_clause) = foreign_key_columns(&clause.text, &step.dialect) else { continue };
            let made = implied(&next, &|key| alike(&columns(&next, key), &of_clause) && !replaced.contains(&key.name));
            let Some(made) = made else { continue };
            clauses.push(AlterClause { kind: AlterKind::Index, text: format!("ADD {}", written(&next, &made)) });
            replaced.push(made.name);
        }
        clauses.reverse();
        let ddl = Ddl { clauses, ..step.ddl.clone() };
        let dialect = SqlDialect { ignores_references: true, ..step.dialect };

        // What gives way by itself on the source does not where all indexes are written.
        let mut bare = before.clone();
        bare.foreign_keys.clear();
        bare.indexes.iter_mut().for_each(|key| key.implied = false);
        let left = after(&bare, &ddl, dialect)?;
        let gives_way = |key: &&Key| {
            key.implied
                && left.indexes.iter().any(|other| other.name == key.name)
                && (replaced.contains(&key.name) || implied(&next, &|other| other.name == key.name).is_none())
        };
        let gone: Vec<String> = before.indexes.iter().filter(gives_way).map(|key| key.name.clone()).collect();
        bare.indexes.retain(|key| !gone.contains(&key.name));
        let left = after(&bare, &ddl, dialect)?;
        let missing = next.indexes.iter().filter(|key| key.implied);
        let missing = missing.filter(|key| !left.indexes.iter().any(|other| other.name == key.name));
        let then =
            missing.map(|key| format!("ALTER TABLE {} ADD {}", quoted_name(table), written(&next, key))).collect();
        let first = gone
            .iter()
            .map(|key| format!("ALTER TABLE {} DROP KEY {}", quoted_name(table), quoted_name(key)))
            .collect();
        self.present = next;
        Ok(Rewritten { first, ddl, dialect, then })
    }
}

fn columns(shape: &TableShape, key: &Key) -> Vec<String> {
    let columns = key.parts.iter().filter_map(|part| shape.columns.get(part.column));
    columns.map(|column| column.name.clone()).collect()
}

fn written(shape: &TableShape, key: &Key) -> String {
    let columns: Vec<String> = columns(shape, key).iter().map(|name| quoted_name(name)).collect();
    format!("KEY {} ({})", quoted_name(&key.name), columns.join(", "))
}

fn alike(a: &[String], b: &[String]) -> bool {
    a.len() == b.len() && a.iter().zip(b).all(|(a, b)| a.to_lowercase() == b.to_lowercase())
}
