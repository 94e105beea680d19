//! Which privileges an account has and which it needs.

use std::collections::BTreeSet;

use crate::{Connection, Flavour, ServerFacts, ServerVersion, SourceError};

/// A privilege that is needed, under the names that servers give it.
pub(crate) struct Need {
    /// One of these is enough. The first is what a report names.
    pub(crate) names: &'static [&'static str],
    /// What it is for.
    pub(crate) purpose: &'static str,
    /// Without it nothing can be promised; else only something is worse.
    pub(crate) required: bool,
}

const fn need(names: &'static [&'static str], purpose: &'static str) -> Need {
    Need { names, purpose, required: true }
}

/// What an account needs on every server.
const COMMON: [Need; 8] = [
    need(&["SELECT"], "read the tables"),
    need(&["RELOAD", "FLUSH_TABLES"], "lock the tables for the instant at which the dump begins"),
    need(&["LOCK TABLES"], "lock tables that are not transactional"),
    need(&["SHOW VIEW"], "dump views"),
    need(&["TRIGGER"], "dump triggers"),
    need(&["EVENT"], "dump events"),
    need(&["PROCESS"], "see queries that would hold the dump up"),
    need(&["REPLICATION SLAVE", "REPLICATION REPLICA"], "read the binary log"),
];

pub(crate) fn needs(facts: &ServerFacts) -> Vec<&'static Need> {
    const CLIENT: Need = need(&["REPLICATION CLIENT", "BINLOG MONITOR"], "see where the binary log stands");
    const MONITOR: Need = need(&["BINLOG MONITOR", "REPLICATION CLIENT"], "see where the binary log stands");
    const REPLICA_MONITOR: Need = Need {
        names: &["SLAVE MONITOR", "REPLICA MONITOR"],
        purpose: "note in a dump where the server stands as a replica",
        required: false,
    };
    const BACKUP: Need = Need {
        names: &["BACKUP_ADMIN"],
        purpose: "keep DDL out of a dump without locking writers out (newer mydumper)",
        required: false,
    };
    let mut needs: Vec<&'static Need> = COMMON.iter().collect();
    match facts.flavour {
        Flavour::Mysql => {
            needs.push(&CLIENT);
            if facts.number >= ServerVersion(8, 0, 0) {
                needs.push(&BACKUP);
            }
        }
        Flavour::Mariadb => {
            needs.push(&MONITOR);
            if facts.number >= ServerVersion(10, 5, 9) {
                needs.push(&REPLICA_MONITOR);
            }
        }
    }
    needs
}

/// What an account may do everywhere (`ON *.*`).
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Grants {
    all: bool,
    names: BTreeSet<String>,
}

impl Grants {
    pub(crate) fn allows(&self, need: &Need) -> bool {
        self.all || need.names.iter().any(|name| self.names.contains(*name))
    }

    /// Takes in a line of `SHOW GRANTS`. Only what holds for every schema counts: a backup is of all of them.
    pub(crate) fn add(&mut self, line: &str) {
        let Some(rest) = line.strip_prefix("GRANT ") else { return };
        let Some((privileges, _)) = rest.split_once(" ON *.* TO ") else { return };
        for privilege in privileges.split(',') {
            let privilege = privilege.trim().to_ascii_uppercase();
            if matches!(privilege.as_str(), "ALL PRIVILEGES" | "ALL") {
                self.all = true;
            }
            self.names.insert(privilege);
        }
    }
}

impl Connection {
    /// Whether the account may lock DDL out without locking writers out, as MySQL 8 and later let it.
    ///
    /// # Errors
    /// As [`query`](Self::query).
    pub async fn may_lock_ddl(&mut self, facts: &ServerFacts) -> Result<bool, SourceError> {
        Ok(self.grants(facts).await?.allows(&need(&["BACKUP_ADMIN"], "")))
    }

    pub(crate) async fn grants(&mut self, facts: &ServerFacts) -> Result<Grants, SourceError> {
        let mut rows = self.query("SHOW GRANTS").await?;
        if facts.flavour == Flavour::Mysql && facts.number >= ServerVersion(8, 0, 0) {
            let roles = self.scalar("SELECT CURRENT_ROLE()").await?.unwrap_or_default();
            if !roles.is_empty() && roles != "NONE" {
                rows.extend(self.query(&format!("SHOW GRANTS FOR CURRENT_USER() USING {roles}")).await?);
            }
        }
        let mut grants = Grants::default();
        rows.iter().filter_map(|row| row.text_at(0)).for_each(|line| grants.add(&line));
        Ok(grants)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn grants(lines: &[&str]) -> Grants {
        let mut grants = Grants::default();
        lines.iter().for_each(|line| grants.add(line));
        grants
    }

    #[test]
    fn reads_global_grants_only() {
        let some = grants(&[
            "GRANT SELECT, RELOAD, PROCESS, LOCK TABLES, BINLOG MONITOR ON *.* TO `b`@`%` IDENTIFIED BY PASSWORD '*x'",
            "GRANT EVENT ON `shop`.* TO `b`@`%`",
            "GRANT BACKUP_ADMIN,FLUSH_TABLES ON *.* TO `b`@`%`",
        ]);
        let missing: Vec<_> = COMMON.iter().filter(|need| !some.allows(need)).map(|need| need.names[0]).collect();
        assert_eq!(missing, ["SHOW VIEW", "TRIGGER", "EVENT", "REPLICATION SLAVE"]);
        let all = grants(&["GRANT ALL PRIVILEGES ON *.* TO `root`@`%` WITH GRANT OPTION"]);
        assert!(COMMON.iter().all(|need| all.allows(need)));
    }
}
