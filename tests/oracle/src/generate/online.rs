//! The statements that online schema changers issue, in their order, with other sessions' changes between them.

use super::model::Table;
use super::{Generator, alter, dml};
use crate::server::quoted;

impl Generator {
    /// As gh-ost does it: a ghost table that follows the log, and one RENAME.
    pub(super) fn ghost(&mut self, at: usize) {
        let table = self.model.tables[at].clone();
        let names = [("gho", "_"), ("ghc", "_"), ("del", "_")].map(|(end, begin)| {
            format!("{}.{}", quoted(&table.schema), quoted(&format!("{begin}{}_{end}", table.name)))
        });
        let [ghost, log, old] = &names;
        let mut changed = table.clone();
        let clauses = alter::clauses(self.dialect, &mut changed, &mut self.random);
        self.push(3, format!("create /* gh-ost */ table {ghost} like {}", table.sql()));
        self.push(3, format!("alter /* gh-ost */ table {ghost} {clauses}"));
        self.push(
            3,
            format!(
                "create /* gh-ost */ table {log} (id bigint unsigned auto_increment, last_update timestamp not null \
                 DEFAULT CURRENT_TIMESTAMP ON UPDATE CURRENT_TIMESTAMP, hint varchar(64) charset ascii not null, value \
                 varchar(255) charset ascii not null, primary key(id), unique key hint_uidx(hint)) auto_increment=256"
            ),
        );
        self.push(3, format!("insert /* gh-ost */ into {log} (hint, value) values ('state', 'GhostTableMigrated') on duplicate key update last_update=NOW(), value=VALUES(value)"));
        self.between(&table);
        self.copy(&table, &changed, ghost, "insert /* gh-ost */ ignore into");
        let swap = format!("rename /* gh-ost */ table {} to {old}, {ghost} to {}", table.sql(), table.sql());
        self.push_with(3, swap, move |model| {
            if let Some(at) = model.find(&changed.schema, &changed.name) {
                model.tables[at] = changed;
            }
        });
        self.push(3, format!("drop /* gh-ost */ table if exists {log}"));
        self.push(3, format!("drop /* gh-ost */ table if exists {old}"));
    }

    /// As pt-online-schema-change does it: a new table that triggers keep up, and one RENAME.
    pub(super) fn percona(&mut self, at: usize) {
        let table = self.model.tables[at].clone();
        let name = |text: &str| format!("{}.{}", quoted(&table.schema), quoted(text));
        let (new, old) = (name(&format!("_{}_new", table.name)), name(&format!("_{}_old", table.name)));
        let mut changed = table.clone();
        let clauses = alter::clauses(self.dialect, &mut changed, &mut self.random);
        self.push(3, format!("CREATE TABLE {new} LIKE {}", table.sql()));
        self.push(3, format!("ALTER TABLE {new} {clauses}"));
        let columns = common(&table, &changed);
        let keys: Vec<String> = table.key.columns().iter().map(|at| quoted(&table.columns[*at].name)).collect();
        let same = |row: &str| {
            let pairs = keys.iter().map(|key| format!("{new}.{key} <=> {row}.{key}"));
            pairs.collect::<Vec<_>>().join(" AND ")
        };
        let news: Vec<String> = columns.iter().map(|column| format!("NEW.{column}")).collect();
        let replace = format!("REPLACE INTO {new} ({}) VALUES ({})", columns.join(", "), news.join(", "));
        let triggers = ["del", "upd", "ins"].map(|end| name(&format!("pt_osc_{end}_{}", self.model.names)));
        self.model.names += 1;
        if !keys.is_empty() {
            let on = table.sql();
            self.push(
                3,
                format!(
                    "CREATE TRIGGER {} AFTER DELETE ON {on} FOR EACH ROW DELETE IGNORE FROM {new} WHERE {}",
                    triggers[0],
                    same("OLD")
                ),
            );
            self.push(3, format!("CREATE TRIGGER {} AFTER UPDATE ON {on} FOR EACH ROW BEGIN DELETE IGNORE FROM {new} WHERE {}; {replace}; END", triggers[1], same("OLD")));
            self.push(3, format!("CREATE TRIGGER {} AFTER INSERT ON {on} FOR EACH ROW {replace}", triggers[2]));
        }
        self.between(&table);
        self.copy(&table, &changed, &new, "INSERT LOW_PRIORITY IGNORE INTO");
        self.between(&table);
        let swap = format!("RENAME TABLE {} TO {old}, {new} TO {}", table.sql(), table.sql());
        self.push_with(3, swap, move |model| {
            if let Some(at) = model.find(&changed.schema, &changed.name) {
                model.tables[at] = changed;
            }
        });
        self.push(3, format!("DROP TABLE IF EXISTS {old}"));
        for trigger in triggers {
            self.push(3, format!("DROP TRIGGER IF EXISTS {trigger}"));
        }
        self.push(3, format!("DROP TABLE IF EXISTS {new}"));
    }

    /// What others change meanwhile.
    fn between(&mut self, table: &Table) {
        for _ in 0..self.random.below(4) {
            let statement = dml::statement(self.dialect, table, &mut self.random);
            self.push(2, statement);
        }
        if self.random.percent(25) {
            self.maybe_point();
        }
    }

    fn copy(&mut self, from: &Table, to: &Table, name: &str, verb: &str) {
        let columns = common(from, to).join(", ");
        if !columns.is_empty() {
            self.push(3, format!("{verb} {name} ({columns}) SELECT {columns} FROM {}", from.sql()));
        }
    }
}

/// Columns that both have and that take values.
fn common(from: &Table, to: &Table) -> Vec<String> {
    let both = from.columns.iter().filter(|column| {
        column.writable() && to.columns.iter().any(|other| other.writable() && other.name == column.name)
    });
    both.map(|column| quoted(&column.name)).collect()
}
