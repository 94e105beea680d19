//! Views, triggers, routines and events.

use super::Generator;
use super::kinds::{Column, Kind};
use super::model::{Key, Table};
use crate::server::quoted;

impl Generator {
    /// A trigger whose changes of another table are in the binary log as row events of their own.
    pub(super) fn log_changes(&mut self) {
        if self.model.tables.is_empty() || !self.random.percent(25) {
            return;
        }
        let at = self.random.below(self.model.tables.len());
        if is_lost(&self.model.tables[at]) {
            return;
        }
        let (name, schema, family) = {
            let table = &self.model.tables[at];
            (table.sql(), table.schema.clone(), table.family)
        };
        let mut log = Table {
            schema,
            name: "trigger log".to_owned(),
            columns: vec![
                Column { automatic: true, nullable: false, ..Column::new("n", Kind::Int { bytes: 8, unsigned: true }) },
                Column::new("what", Kind::Varbinary(40)),
            ],
            key: Key::Primary(vec![0]),
            family,
            parent: None,
            partitioned: false,
        };
        let key = if self.random.percent(50) { ", PRIMARY KEY (n)" } else { ", KEY (n)" };
        if key.starts_with(", KEY") {
            log.key = Key::None;
        }
        let columns: Vec<String> = log.columns.iter().map(Column::sql).collect();
        let (on, schema) = (log.sql(), quoted(&log.schema));
        self.push_with(1, format!("CREATE TABLE {on} ({}{key})", columns.join(", ")), move |model| {
            model.tables.push(log);
        });
        for event in ["INSERT", "UPDATE", "DELETE"] {
            let trigger = format!("{schema}.`log {}`", event.to_lowercase());
            self.push(
                1,
                format!(
                    "CREATE TRIGGER {trigger} AFTER {event} ON {name} FOR EACH ROW INSERT INTO {on} (what) VALUES ('{event}')"
                ),
            );
        }
    }

    /// One is made or goes.
    pub(super) fn around(&mut self) {
        if self.model.tables.is_empty() {
            return self.new_table(1);
        }
        if !self.dialect.mysql && self.random.percent(15) {
            return self.sequence();
        }
        self.model.names += 1;
        let mut number = self.random.below(self.model.names) + 1;
        let table = self.random.pick(&self.model.tables).clone();
        if is_lost(&table) && !self.dialect.beyond_dumps {
            return self.new_table(1);
        }
        let schema = quoted(&table.schema);
        // Few names, so that they meet again in other letters and from other clients.
        let letters = if self.random.percent(45) { Some(self.random.pick(LETTERS)) } else { None };
        let other_case = self.random.percent(30);
        if letters.is_some() {
            number = self.random.below(3) + 1;
        }
        let spelled = |what: &str, number: usize| match letters {
            None if other_case => quoted(&format!("{} {number}", what.to_uppercase())),
            None => quoted(&format!("{what} {number}")),
            Some(letters) => {
                let first = &what[..1];
                let name = letters.names[number % letters.names.len()];
                quoted(&if other_case { format!("{first}{name}").to_uppercase() } else { format!("{first}{name}") })
            }
        };
        let client = letters.map(|letters| *self.random.pick(letters.clients)).filter(|_| self.dialect.beyond_dumps);
        // In which nothing beyond ASCII is certain: not which schema it is about.
        let client = client.filter(|client| *client != "cp850" || schema.is_ascii());
        let name = |what: &str| format!("{schema}.{}", spelled(what, number));
        let first = quoted(&table.columns[0].name);
        let or_replace = if self.random.percent(50) { "OR REPLACE " } else { "" };
        let or_replace_trigger = if self.dialect.mysql { "" } else { or_replace };
        let second = quoted(&table.columns[table.columns.len() - 1].name);
        let other = self.random.below(self.model.names) + 1;
        let named = |what: &str| spelled(what, other);
        let moment = *self.random.pick(&["BEFORE INSERT", "AFTER DELETE", "AFTER UPDATE"]);
        let mode = *self.random.pick(&["'ANSI_QUOTES'", "''", "'NO_BACKSLASH_ESCAPES'", "DEFAULT"]);
        if self.random.percent(20) {
            self.push(1, format!("SET SESSION sql_mode = {mode}"));
        }
        if self.random.percent(15) {
            self.push(1, format!("USE {schema}"));
        }
        let body = *self.random.pick(&[
            "SET @t = 1",
            "BEGIN\n  SET @t = 1;\n  SET @u = ';';\n  END",
            "BEGIN /* ; */ SET @é = 'ü'; END",
        ]);
        let body = match letters.filter(|_| client.is_some()) {
            Some(letters) => body.replace(['é', 'ü'], letters.letter),
            None => body.to_owned(),
        };
        let statement = match self.random.below(24) {
            0 | 1 => format!("CREATE {or_replace}VIEW {} AS SELECT {first} FROM {}", name("view"), table.sql()),
            2 => format!("DROP VIEW IF EXISTS {}", name("view")),
            3 => format!("CREATE PROCEDURE {}() SELECT 1", name("proc")),
            4 => format!("CREATE FUNCTION {}() RETURNS INT DETERMINISTIC RETURN 1", name("func")),
            5 => format!("DROP PROCEDURE IF EXISTS {}", name("proc")),
            6 => {
                format!("CREATE EVENT {} ON SCHEDULE EVERY 1 YEAR STARTS '2030-01-01' DISABLE DO {body}", name("event"))
            }
            7 => format!("DROP EVENT IF EXISTS {}", name("event")),
            8 => format!(
                "CREATE {or_replace_trigger}TRIGGER {} {moment} ON {} FOR EACH ROW {body}",
                name("trigger"),
                table.sql()
            ),
            9 => format!("DROP TRIGGER IF EXISTS {}", name("trigger")),
            10 => format!("CREATE {or_replace}VIEW {} AS SELECT * FROM {} x", name("view"), table.sql()),
            11 => format!("CREATE VIEW {} AS SELECT * FROM {schema}.{}", name("view"), named("view")),
            12 => format!("ALTER VIEW {} AS SELECT {second} AS `a b`, {first} FROM {}", name("view"), table.sql()),
            13 => format!("RENAME TABLE {} TO {schema}.{}", name("view"), named("view")),
            14 => format!(
                "CREATE TRIGGER {} {moment} ON {} FOR EACH ROW FOLLOWS {} {body}",
                name("trigger"),
                table.sql(),
                named("trigger")
            ),
            15 => format!(
                "CREATE TRIGGER {} {moment} ON {} FOR EACH ROW PRECEDES {} {body}",
                name("trigger"),
                table.sql(),
                named("trigger")
            ),
            16 => format!("ALTER PROCEDURE {} SQL SECURITY INVOKER COMMENT 'c{other}'", name("proc")),
            17 => format!("ALTER EVENT {} RENAME TO {schema}.{}", name("event"), named("event")),
            18 => format!("ALTER EVENT {} COMMENT 'e{other}' DO {body}", name("event")),
            19 => format!("CREATE EVENT {} ON SCHEDULE EVERY {other} HOUR DISABLE DO SET @x = 1", name("event")),
            20 => format!("CREATE PROCEDURE {}(IN a INT) {body}", name("proc")),
            21 => format!("DROP FUNCTION IF EXISTS {}", name("func")),
            22 => format!("ALTER DATABASE {schema} COLLATE utf8mb4_bin"),
            _ => format!("CREATE OR REPLACE VIEW {} AS SELECT 1 AS one, {first} FROM {}", name("view"), table.sql()),
        };
        if let Some(client) = client {
            self.push(1, format!("SET NAMES {client}"));
        }
        self.push(1, statement);
        if client.is_some() {
            self.push(1, "SET NAMES utf8mb4");
        }
    }

    /// One of few sequences is made, asked for numbers, changed or dropped.
    pub(super) fn sequence(&mut self) {
        let schema = quoted(self.random.pick::<String>(&self.model.schemas));
        let name = format!("{schema}.{}", quoted(&format!("seq {}", self.random.below(3))));
        // A type of its own came with MariaDB 11.5.
        let types: &[&str] = if self.dialect.sequence_types {
            &["", " AS TINYINT", " AS INT UNSIGNED", " AS BIGINT UNSIGNED", " AS SMALLINT", " AS MEDIUMINT UNSIGNED"]
        } else {
            &[""]
        };
        let options =
            *self.random.pick(&["", " START WITH 5", " INCREMENT BY 3 CACHE 5", " MAXVALUE 90 CYCLE", " NOCACHE"]);
        let number = self.random.below(80) + 1;
        let kind = *self.random.pick(types);
        let statement = match self.random.below(10) {
            0..=2 => format!("CREATE SEQUENCE {name}{kind}{options}"),
            3 => format!("CREATE OR REPLACE SEQUENCE {name}{kind}{options}"),
            4..=6 => format!("SELECT NEXTVAL({name})"),
            7 => format!("SELECT SETVAL({name}, {number})"),
            8 => format!("ALTER SEQUENCE {name}{options} RESTART {number}").replace(" START WITH 5", ""),
            _ => format!("DROP SEQUENCE IF EXISTS {name}"),
        };
        self.push(1, statement);
    }
}

/// mydumper 0.10 does not find the triggers of such a table.
fn is_lost(table: &Table) -> bool {
    table.name.contains('\\')
}

/// Names, and clients that can send them.
struct Letters {
    names: &'static [&'static str],
    letter: &'static str,
    clients: &'static [&'static str],
}

const LETTERS: &[Letters] = &[
    Letters { names: &["вид", "видё", "виде"], letter: "ж", clients: &["cp1251", "koi8r", "utf8mb4"] },
    Letters {
        names: &["té", "te", "tö"],
        letter: "ü",
        clients: &["latin1 COLLATE latin1_german1_ci", "latin2", "cp850", "utf8mb4"],
    },
    // The second byte of the first is a backslash in sjis.
    Letters { names: &["表", "図", "図表"], letter: "図", clients: &["sjis", "ujis", "gbk", "utf8mb4"] },
];
