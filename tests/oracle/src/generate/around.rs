//! Views, triggers, routines and events.

use super::Generator;
use crate::server::quoted;

impl Generator {
    /// One is made or goes.
    pub(super) fn around(&mut self) {
        if self.model.tables.is_empty() {
            return self.new_table(1);
        }
        self.model.names += 1;
        let number = self.random.below(self.model.names) + 1;
        let table = self.random.pick(&self.model.tables).clone();
        let schema = quoted(&table.schema);
        let name = |what: &str| format!("{schema}.{}", quoted(&format!("{what} {number}")));
        let first = quoted(&table.columns[0].name);
        let or_replace = if self.random.percent(50) { "OR REPLACE " } else { "" };
        let statement = match self.random.below(10) {
            0 | 1 => format!("CREATE {or_replace}VIEW {} AS SELECT {first} FROM {}", name("view"), table.sql()),
            2 => format!("DROP VIEW IF EXISTS {}", name("view")),
            3 => format!("CREATE PROCEDURE {}() SELECT 1; ", name("proc")).trim_end_matches("; ").to_owned(),
            4 => format!("CREATE FUNCTION {}() RETURNS INT DETERMINISTIC RETURN 1", name("func")),
            5 => format!("DROP PROCEDURE IF EXISTS {}", name("proc")),
            6 => format!("CREATE EVENT {} ON SCHEDULE EVERY 1 YEAR STARTS '2030-01-01' DO SET @x = 1", name("event")),
            7 => format!("DROP EVENT IF EXISTS {}", name("event")),
            8 => format!("CREATE TRIGGER {} BEFORE INSERT ON {} FOR EACH ROW SET @t = 1", name("trigger"), table.sql()),
            _ => format!("DROP TRIGGER IF EXISTS {}", name("trigger")),
        };
        self.push(1, statement);
    }
}
