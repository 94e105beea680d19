//! What sessions do beside single statements: transactions, savepoints, XA, settings.

use std::collections::BTreeSet;

use super::kinds::Dialect;
use super::{Generator, dml};
use crate::random::Random;

/// What a session has open.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
enum Open {
    #[default]
    Nothing,
    Transaction,
    /// An XA transaction by its name; prepared or not.
    Xa(String, bool),
}

/// One of the history's sessions.
#[derive(Debug, Default)]
pub(super) struct Session {
    open: Open,
    /// Families of tables of which it may hold locks.
    holds: BTreeSet<usize>,
    savepoints: usize,
}

/// Settings of the whole server for one history.
pub(super) fn server_settings(dialect: Dialect, random: &mut Random) -> Vec<String> {
    let mut settings = Vec::new();
    if random.percent(15) {
        settings.push("SET GLOBAL binlog_checksum = NONE".to_owned());
    }
    if dialect.mysql {
        if random.percent(35) {
            settings.push("SET GLOBAL binlog_row_metadata = FULL".to_owned());
        }
        if random.percent(25) {
            // Of the session that makes the tables: those without a key get one that SELECT * leaves out.
            settings.push("SET SESSION sql_generate_invisible_primary_key = ON".to_owned());
        }
        if random.percent(20) {
            settings.push("SET GLOBAL binlog_rows_query_log_events = ON".to_owned());
        }
    } else if random.percent(35) {
        settings.push("SET GLOBAL log_bin_compress = ON".to_owned());
        settings.push(format!("SET GLOBAL log_bin_compress_min_len = {}", random.pick(&[10, 100, 256])));
    }
    if dialect.newer && random.percent(35) {
        settings.push("SET GLOBAL binlog_row_image = FULL_NODUP".to_owned());
    } else if random.percent(12) {
        settings.push(format!("SET GLOBAL binlog_row_image = {}", random.pick(&["MINIMAL", "NOBLOB"])));
    }
    settings
}

fn session_setting(dialect: Dialect, times: bool, random: &mut Random) -> String {
    let common = [
        "SET SESSION sql_mode = ''",
        "SET SESSION sql_mode = ''",
        "SET SESSION sql_mode = 'STRICT_ALL_TABLES,NO_ENGINE_SUBSTITUTION'",
        "SET SESSION sql_mode = 'ANSI_QUOTES'",
        "SET SESSION sql_mode = 'ALLOW_INVALID_DATES,NO_AUTO_VALUE_ON_ZERO'",
        "SET SESSION time_zone = '+05:30'",
        "SET SESSION time_zone = '-11:00'",
        "SET SESSION time_zone = '+00:00'",
        "SET SESSION foreign_key_checks = 0",
        "SET SESSION foreign_key_checks = 1",
        "SET SESSION foreign_key_checks = 1",
        "SET SESSION unique_checks = 0",
        "SET NAMES latin1",
        "SET NAMES binary",
        "SET SESSION character_set_connection = latin1",
        "SET NAMES utf8mb4",
        "SET NAMES utf8mb4",
        "SET SESSION transaction_isolation = 'READ-COMMITTED'",
        "SET SESSION binlog_row_image = FULL",
        "SET SESSION binlog_row_image = FULL",
        "SET SESSION binlog_row_image = MINIMAL",
        "SET SESSION binlog_row_image = NOBLOB",
    ];
    let own: &[&str] = if dialect.mysql {
        &[
            "SET SESSION binlog_row_value_options = 'PARTIAL_JSON'",
            "SET SESSION binlog_row_value_options = 'PARTIAL_JSON'",
            "SET SESSION binlog_row_value_options = ''",
            "SET SESSION binlog_transaction_compression = ON",
            "SET SESSION binlog_transaction_compression = ON",
            "SET SESSION binlog_transaction_compression = OFF",
        ]
    } else {
        &[
            "SET SESSION binlog_row_image = FULL",
            "SET SESSION timestamp = 1700000000.25",
            "SET SESSION timestamp = DEFAULT",
        ]
    };
    if dialect.newer && random.percent(15) {
        return random
            .word(&[
                "SET SESSION binlog_row_image = FULL_NODUP",
                "SET SESSION binlog_row_image = FULL_NODUP",
                "SET SESSION character_set_collations = 'utf8mb4=utf8mb4_general_ci,latin1=latin1_bin'",
                "SET SESSION character_set_collations = DEFAULT",
                "SET SESSION binlog_alter_two_phase = ON",
            ])
            .to_owned();
    }
    // A clock that is set back makes a point in time mean nothing.
    let own: &[&str] = if times && !dialect.mysql { &own[..1] } else { own };
    let setting = if random.percent(30) { random.pick(own) } else { random.pick(&common) };
    (*setting).replace("transaction_isolation", if dialect.mysql { "transaction_isolation" } else { "tx_isolation" })
}

impl Generator {
    /// Something of a session.
    pub(super) fn work(&mut self) {
        let session = self.random.between(1, self.sessions.len() - 1);
        match self.sessions[session].open.clone() {
            Open::Nothing => self.outside(session),
            Open::Transaction => self.inside(session),
            Open::Xa(name, prepared) => self.inside_xa(session, &name, prepared),
        }
    }

    fn outside(&mut self, session: usize) {
        match *self.random.weighted(&[(45, 0), (30, 1), (12, 2), (3, 3), (10, 4)]) {
            0 => {
                self.change(session);
                self.sessions[session].holds.clear();
            }
            1 => {
                self.sessions[session].open = Open::Transaction;
                let begin =
                    *self.random.pick(&["BEGIN", "START TRANSACTION", "START TRANSACTION WITH CONSISTENT SNAPSHOT"]);
                self.push(session, begin);
                self.change(session);
            }
            2 => {
                let setting = session_setting(self.dialect, self.times, &mut self.random);
                self.push(session, setting);
            }
            3 if !self.profile.avoid.iter().any(|avoided| avoided == "xa") => {
                self.model.names += 1;
                let name = format!("xa{}", self.model.names);
                self.push(session, format!("XA START '{name}'"));
                self.sessions[session].open = Open::Xa(name, false);
                self.change(session);
            }
            _ => {
                // A short transaction at once.
                self.push(session, "BEGIN");
                for _ in 0..self.random.between(1, 5) {
                    self.change(session);
                }
                self.swap(session);
                let end = if self.random.percent(85) { "COMMIT" } else { "ROLLBACK" };
                self.push(session, end);
                self.sessions[session].holds.clear();
            }
        }
    }

    fn inside(&mut self, session: usize) {
        match *self.random.weighted(&[(60, 0), (9, 1), (9, 2), (14, 3), (6, 4), (4, 5), (2, 6)]) {
            0 => self.change(session),
            1 => {
                let own = &mut self.sessions[session];
                own.savepoints += 1;
                let name = format!("SAVEPOINT `s {}`", own.savepoints);
                self.push(session, name);
                self.change(session);
            }
            2 if self.sessions[session].savepoints > 0 => {
                let number = self.random.between(1, self.sessions[session].savepoints);
                let verb = *self.random.pick(&["ROLLBACK TO SAVEPOINT", "ROLLBACK TO SAVEPOINT", "RELEASE SAVEPOINT"]);
                self.push(session, format!("{verb} `s {number}`"));
            }
            4 => self.end(session, "ROLLBACK"),
            6 => {
                // Makes MariaDB log what is undone later.
                self.model.names += 1;
                let name = self.model.names;
                self.push(session, format!("CREATE TEMPORARY TABLE shop.tmp{name} (id INT) ENGINE = InnoDB"));
            }
            5 => self.swap(session),
            _ => self.end(session, "COMMIT"),
        }
    }

    fn inside_xa(&mut self, session: usize, name: &str, prepared: bool) {
        if prepared {
            let verb = if self.random.percent(75) { "XA COMMIT" } else { "XA ROLLBACK" };
            return self.end(session, &format!("{verb} '{name}'"));
        }
        match self.random.below(5) {
            0 | 1 => self.change(session),
            2 => {
                self.push(session, format!("XA END '{name}'"));
                self.end(session, &format!("XA COMMIT '{name}' ONE PHASE"));
            }
            3 => {
                self.push(session, format!("XA END '{name}'"));
                self.end(session, &format!("XA ROLLBACK '{name}'"));
            }
            _ => {
                self.push(session, format!("XA END '{name}'"));
                self.push(session, format!("XA PREPARE '{name}'"));
                self.sessions[session].open = Open::Xa(name.to_owned(), true);
            }
        }
    }

    fn end(&mut self, session: usize, statement: &str) {
        self.push(session, statement);
        self.sessions[session] = Session::default();
    }

    /// Ends what all sessions have open, in front of a change of definitions.
    pub(super) fn end_transactions(&mut self) {
        for session in 1..self.sessions.len() {
            match self.sessions[session].open.clone() {
                Open::Nothing => {}
                Open::Transaction => {
                    let end = if self.random.percent(80) { "COMMIT" } else { "ROLLBACK" };
                    self.end(session, end);
                }
                Open::Xa(name, true) => self.end(session, &format!("XA COMMIT '{name}'")),
                Open::Xa(name, false) => {
                    self.push(session, format!("XA END '{name}'"));
                    self.end(session, &format!("XA COMMIT '{name}' ONE PHASE"));
                }
            }
        }
    }

    /// A table of which no other session may hold locks, with the session holding them from now on.
    fn table(&mut self, session: usize) -> Option<usize> {
        let others: BTreeSet<usize> = self
            .sessions
            .iter()
            .enumerate()
            .filter(|(number, _)| *number != session)
            .flat_map(|(_, other)| other.holds.iter().copied())
            .collect();
        let free: Vec<usize> =
            (0..self.model.tables.len()).filter(|at| !others.contains(&self.model.tables[*at].family)).collect();
        if free.is_empty() {
            return None;
        }
        let at = *self.random.pick(&free);
        self.sessions[session].holds.insert(self.model.tables[at].family);
        Some(at)
    }

    /// A statement that changes rows.
    fn change(&mut self, session: usize) {
        if let Some(at) = self.table(session) {
            let statement = dml::statement(self.dialect, &self.model.tables[at], &mut self.random);
            self.push(session, statement);
        }
    }

    fn swap(&mut self, session: usize) {
        if let Some(at) = self.table(session)
            && let Some(statements) = dml::swap(&self.model.tables[at], &mut self.random)
        {
            statements.into_iter().for_each(|statement| self.push(session, statement));
        }
    }
}
