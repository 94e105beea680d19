//! Statements that change definitions.

use super::model::{Key, Table};
use super::{Generator, alter, tables};
use crate::server::quoted;

impl Generator {
    /// One of them, or a few that belong together.
    pub(super) fn definition(&mut self) {
        if self.model.tables.is_empty() {
            return self.new_table(1);
        }
        let at = self.random.below(self.model.tables.len());
        let choices = [
            (38, 0),
            (6, 1),
            (5, 2),
            (5, 3),
            (4, 4),
            (4, 5),
            (8, 6),
            (4, 7),
            (5, 8),
            (4, 9),
            (6, 10),
            (1, 11),
            (4, 12),
            (12, 13),
        ];
        match *self.random.weighted(&choices) {
            0 => self.alter(at),
            1 => self.say(at, "TRUNCATE TABLE", ""),
            2 => self.drop_tables(at),
            3 => self.new_table(1),
            4 => self.create_select(at),
            5 => self.create_like(at),
            6 => self.rename(at),
            7 => self.replace(at),
            8 => self.ghost(at),
            9 => self.percona(at),
            10 => self.partitions(at),
            11 => self.drop_schema(),
            12 => self.noise(at),
            _ => self.around(),
        }
    }

    /// A point, if one is left and the baseline is there.
    pub(super) fn maybe_point(&mut self) {
        if self.points > 1 && self.steps < self.baseline_at {
            self.points -= 1;
            self.queue.push_back((crate::script::Step::Point(crate::script::By::Position), None));
        }
    }

    fn alter(&mut self, at: usize) {
        let mut table = self.model.tables[at].clone();
        let before = table.sql();
        let clauses = alter::clauses(self.dialect, &mut table, &mut self.random);
        let (schema, name) = (table.schema.clone(), table.name.clone());
        let text = format!("ALTER TABLE {before} {clauses}");
        self.disguised(&schema, text, move |model| {
            if let Some(at) = model.find(&table.schema, &name) {
                model.tables[at] = table;
            }
        });
    }

    /// A statement about one table that leaves its columns as they are.
    fn say(&mut self, at: usize, before: &str, after: &str) {
        let table = &self.model.tables[at];
        let (schema, text) = (table.schema.clone(), format!("{before} {}{after}", table.sql()));
        self.disguised(&schema, text, |_| {});
    }

    /// A statement as one may also write it: with comments, odd white space, in another session's schema, in ANSI quotes.
    fn disguised(&mut self, schema: &str, text: String, effect: impl FnOnce(&mut super::Model) + Send + 'static) {
        let mut text = text;
        if self.random.percent(12) {
            text =
                text.replacen(' ', self.random.word(&["\t\n  ", " /* c; d */ ", "  -- e\n  ", " # f\n\t", "/**/"]), 1);
        }
        if self.random.percent(6) {
            text = format!("{}{text}", self.random.word(&["/* ALTER TABLE x; */ ", "\n\n", "-- before\n ", " \t"]));
        }
        if self.random.percent(6) {
            text.push_str(self.random.word(&[" /* after */", "  ", " -- end"]));
        }
        if self.random.percent(20) {
            self.push(1, format!("USE {}", quoted(schema)));
            text = text.replace(&format!("{}.", quoted(schema)), "");
        }
        if self.random.percent(8) && !text.contains('"') {
            self.push(1, "SET SESSION sql_mode = 'ANSI_QUOTES'");
            text = text.replace('`', "\"");
        } else if self.random.percent(8) {
            let modes: &[&str] = if self.dialect.mysql {
                &["TIME_TRUNCATE_FRACTIONAL", "PIPES_AS_CONCAT", "HIGH_NOT_PRECEDENCE", "IGNORE_SPACE"]
            } else {
                &["EMPTY_STRING_IS_NULL", "TIME_ROUND_FRACTIONAL", "PIPES_AS_CONCAT", "HIGH_NOT_PRECEDENCE"]
            };
            let mode = *self.random.pick(modes);
            self.push(1, format!("SET SESSION sql_mode = '{mode}'"));
        }
        self.push_with(1, text, effect);
    }

    fn drop_tables(&mut self, at: usize) {
        let mut names = vec![self.model.tables[at].sql()];
        if self.random.percent(25) {
            names.push(self.random.pick(&self.model.tables).sql());
            names.dedup();
        }
        let schema = self.model.tables[at].schema.clone();
        let word = self.random.word(&["DROP TABLE", "DROP TABLE IF EXISTS"]);
        let text = format!("{word} {}", names.join(", "));
        self.disguised(&schema, text, move |model| model.tables.retain(|table| !names.contains(&table.sql())));
    }

    fn other_name(&mut self, wish: &str) -> String {
        self.model.names += 1;
        format!("{wish} {}", self.model.names)
    }

    fn create_select(&mut self, at: usize) {
        let mut table = self.model.tables[at].clone();
        let from = table.sql();
        table.name = self.other_name("selected");
        table.parent = None;
        table.partitioned = false;
        table.key = Key::None;
        table.family = self.model.new_family();
        let columns: Vec<String> =
            table.columns.iter().filter(|column| !column.invisible).map(|column| quoted(&column.name)).collect();
        table.columns.retain(|column| !column.invisible);
        for column in &mut table.columns {
            (column.generated, column.automatic) = (None, false);
        }
        if columns.is_empty() {
            return self.noise(at);
        }
        let schema = table.schema.clone();
        let text = format!("CREATE TABLE {} AS SELECT {} FROM {from}", table.sql(), columns.join(", "));
        self.disguised(&schema, text, move |model| model.tables.push(table));
    }

    fn create_like(&mut self, at: usize) {
        let mut table = self.model.tables[at].clone();
        let from = table.sql();
        table.name = self.other_name("like");
        table.parent = None;
        table.family = self.model.new_family();
        let schema = table.schema.clone();
        let text = if self.random.percent(50) {
            format!("CREATE TABLE {} LIKE {from}", table.sql())
        } else {
            format!("CREATE TABLE IF NOT EXISTS {} (LIKE {from})", table.sql())
        };
        self.disguised(&schema, text, move |model| model.tables.push(table));
    }

    /// CREATE OR REPLACE where there is such a thing; else a DROP and a CREATE of the same name.
    fn replace(&mut self, at: usize) {
        let old = self.model.tables[at].clone();
        let (text, mut table) = tables::create(self.dialect, &mut self.model, &old.schema, &mut self.random);
        let text = text.replacen(&table.sql(), &old.sql(), 1);
        table.name.clone_from(&old.name);
        let text = if self.dialect.mysql {
            self.push(1, format!("DROP TABLE {}", old.sql()));
            text
        } else {
            text.replacen("CREATE TABLE", "CREATE OR REPLACE TABLE", 1)
        };
        self.disguised(&old.schema, text, move |model| match model.find(&table.schema, &table.name) {
            Some(at) => model.tables[at] = table,
            None => model.tables.push(table),
        });
    }

    /// One table gets a new name, two or three exchange theirs.
    fn rename(&mut self, at: usize) {
        let table = self.model.tables[at].clone();
        let fresh = self.other_name("moved");
        let schema = self.random.pick(&self.model.schemas).clone();
        let new = format!("{}.{}", quoted(&schema), quoted(&fresh));
        let others: Vec<Table> = self.model.tables.iter().filter(|other| other.sql() != table.sql()).cloned().collect();
        if others.is_empty() || self.random.percent(50) {
            let text = match self.random.below(3) {
                0 => format!("ALTER TABLE {} RENAME TO {new}", table.sql()),
                1 => format!("ALTER TABLE {} RENAME {new}", table.sql()),
                _ => format!("RENAME TABLE {} TO {new}", table.sql()),
            };
            return self.push_with(1, text, move |model| {
                if let Some(at) = model.find(&table.schema, &table.name) {
                    (model.tables[at].schema, model.tables[at].name) = (schema, fresh);
                }
            });
        }
        let other = self.random.pick(&others).clone();
        let text = format!(
            "RENAME TABLE {} TO {new}, {} TO {}, {new} TO {}",
            table.sql(),
            other.sql(),
            table.sql(),
            other.sql()
        );
        self.push_with(1, text, move |model| {
            let (one, two) = (model.find(&table.schema, &table.name), model.find(&other.schema, &other.name));
            if let (Some(one), Some(two)) = (one, two) {
                (model.tables[one].schema, model.tables[one].name) = (other.schema, other.name);
                (model.tables[two].schema, model.tables[two].name) = (table.schema, table.name);
            }
        });
    }

    fn partitions(&mut self, at: usize) {
        let partitioned: Vec<usize> =
            (0..self.model.tables.len()).filter(|at| self.model.tables[*at].partitioned).collect();
        let Some(at) = partitioned.first().copied().or(Some(at)) else { return };
        let table = self.model.tables[at].clone();
        let Some(number) = table.numbered() else { return self.alter(at) };
        let clause = match self.random.below(8) {
            0 => " TRUNCATE PARTITION p0",
            1 => " DROP PARTITION p1",
            2 => " REMOVE PARTITIONING",
            3 => " COALESCE PARTITION 1",
            4 => " ADD PARTITION PARTITIONS 2",
            5 => {
                " REORGANIZE PARTITION p0 INTO (PARTITION p00 VALUES LESS THAN (5), PARTITION p0 VALUES LESS THAN (10))"
            }
            6 => {
                let other = format!("{}.{}", quoted(&table.schema), quoted(&self.other_name("part")));
                self.push(1, format!("CREATE TABLE {other} LIKE {}", table.sql()));
                self.push(1, format!("ALTER TABLE {other} REMOVE PARTITIONING"));
                return self.push(1, format!("ALTER TABLE {} EXCHANGE PARTITION p0 WITH TABLE {other}", table.sql()));
            }
            _ => {
                let text =
                    format!("ALTER TABLE {} PARTITION BY HASH ({}) PARTITIONS 2", table.sql(), quoted(&number.name));
                return self.push_with(1, text, move |model| {
                    if let Some(at) = model.find(&table.schema, &table.name) {
                        model.tables[at].partitioned = true;
                    }
                });
            }
        };
        let removed = clause.contains("REMOVE");
        let text = format!("ALTER TABLE {}{clause}", table.sql());
        self.disguised(&table.schema.clone(), text, move |model| {
            if let Some(at) = model.find(&table.schema, &table.name) {
                model.tables[at].partitioned &= !removed;
            }
        });
    }

    fn drop_schema(&mut self) {
        let schema = self.random.pick(&self.model.schemas).clone();
        let name = quoted(&schema);
        self.push_with(1, format!("DROP DATABASE {name}"), move |model| {
            model.tables.retain(|table| table.schema != schema);
        });
        self.push(1, format!("CREATE DATABASE {name}"));
    }

    /// Statements that look like changes and are none, or concern nothing that stays.
    fn noise(&mut self, at: usize) {
        let schema = quoted(&self.model.tables[at].schema);
        match self.random.below(7) {
            0 => self.push(1, format!("DROP TABLE IF EXISTS {schema}.`never was`")),
            1 => self.say(at, "CREATE TABLE IF NOT EXISTS", " (z INT)"),
            2 => {
                self.push(1, format!("CREATE TEMPORARY TABLE {schema}.`temp` (id INT PRIMARY KEY)"));
                self.push(1, format!("INSERT INTO {schema}.`temp` VALUES (1), (2)"));
                self.push(1, format!("DROP TEMPORARY TABLE {schema}.`temp`"));
            }
            3 => self.say(at, "ANALYZE TABLE", ""),
            4 => self.say(at, "OPTIMIZE TABLE", ""),
            5 => self.push(1, format!("ALTER DATABASE {schema} CHARACTER SET utf8mb4")),
            _ => self.push(1, "CREATE DATABASE IF NOT EXISTS `shop`"),
        }
    }
}
