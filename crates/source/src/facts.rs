//! What a server is and where its binary log stands.

use std::collections::BTreeMap;
use std::fmt;

use backtrail_domain::{BinlogFile, BinlogPosition};
use serde::{Deserialize, Serialize};
use time::macros::format_description;
use time::{OffsetDateTime, PrimitiveDateTime};

use crate::{Connection, SourceError};

/// The two families.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Flavour {
    /// MySQL, Percona Server and others that call themselves MySQL.
    Mysql,
    /// MariaDB.
    Mariadb,
}

impl Flavour {
    /// `mysql` or `mariadb`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Mysql => "mysql",
            Self::Mariadb => "mariadb",
        }
    }
}

impl fmt::Display for Flavour {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// A server's version, by number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct ServerVersion(pub u32, pub u32, pub u32);

impl ServerVersion {
    /// Reads `10.11.19-MariaDB-0+deb12u1`, `8.0.36`, `5.5.5-10.6.1-MariaDB` (as MariaDB greets old clients).
    pub fn parse(text: &str) -> Self {
        let text = text.strip_prefix("5.5.5-").filter(|rest| rest.contains("MariaDB")).unwrap_or(text);
        let mut numbers = text.split(|c: char| !c.is_ascii_digit()).map(|number| number.parse().unwrap_or(0));
        let mut next = || numbers.next().unwrap_or(0);
        Self(next(), next(), next())
    }
}

impl fmt::Display for ServerVersion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}.{}", self.0, self.1, self.2)
    }
}

/// What a server says about itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ServerFacts {
    /// `SELECT VERSION()`.
    pub version: String,
    /// The same by number.
    pub number: ServerVersion,
    /// Its family.
    pub flavour: Flavour,
    /// What names it in timelines: MySQL's `server_uuid`, `mariadb-<server_id>`.
    pub identity: String,
    /// Its replication id.
    pub server_id: u32,
    /// Its global variables that matter here, by lower-case name; those it does not know are missing.
    pub variables: BTreeMap<String, String>,
}

/// The variables asked for.
const VARIABLES: &[&str] = &[
    "server_id",
    "server_uuid",
    "log_bin",
    "binlog_format",
    "binlog_row_image",
    "binlog_row_value_options",
    "binlog_expire_logs_seconds",
    "binlog_expire_logs_auto_purge",
    "expire_logs_days",
    "binlog_checksum",
    "binlog_row_metadata",
    "binlog_transaction_compression",
    "log_bin_compress",
    "binlog_encryption",
    "gtid_mode",
    "gtid_domain_id",
    "max_allowed_packet",
    "max_binlog_size",
    "lower_case_table_names",
    "max_binlog_total_size",
    "binlog_space_limit",
    "version_comment",
];

impl ServerFacts {
    /// A variable's value.
    pub fn variable(&self, name: &str) -> Option<&str> {
        self.variables.get(name).map(String::as_str)
    }

    /// Whether a switch is on.
    pub fn is_on(&self, name: &str) -> bool {
        self.variable(name).is_some_and(|value| value.eq_ignore_ascii_case("ON") || value == "1")
    }

    /// Whether its row images leave out columns, in a way that is known.
    pub(crate) fn logs_partial_images(&self) -> bool {
        let value = self.variable("binlog_row_image").unwrap_or_default();
        ["MINIMAL", "NOBLOB"].iter().any(|known| value.eq_ignore_ascii_case(known))
    }

    /// Whether it is MySQL but does not say so in words that mydumper looks for: builds of distributions do not.
    pub(crate) fn is_mysql_by_another_name(&self) -> bool {
        let told = format!("{} {}", self.version, self.variable("version_comment").unwrap_or_default());
        let told = told.to_ascii_lowercase();
        let products = ["mysql", "percona", "source", "tidb", "dolt", "google"];
        self.flavour == Flavour::Mysql && !products.iter().any(|product| told.contains(product))
    }

    /// After how many seconds the server removes its binary log; `None` for never.
    pub fn binlog_expiry_seconds(&self) -> Option<u64> {
        let number = |name| self.variable(name).and_then(|value| value.parse::<f64>().ok());
        if self.variable("binlog_expire_logs_auto_purge").is_some_and(|value| value.eq_ignore_ascii_case("OFF")) {
            return None;
        }
        let seconds = match number("binlog_expire_logs_seconds") {
            Some(seconds) if seconds > 0.0 => seconds,
            // MySQL 8.0 still honours the old one where the new one is 0; MariaDB's are one.
            _ => number("expire_logs_days")? * 86_400.0,
        };
        (seconds > 0.0).then_some(seconds as u64)
    }

    /// Whether commit times in the log are those of the commit itself, in microseconds. Elsewhere an event carries the
    /// time at which its statement began.
    pub fn has_exact_commit_times(&self) -> bool {
        self.flavour == Flavour::Mysql && self.number >= ServerVersion(8, 0, 1)
    }

    fn show_position(&self) -> &'static str {
        match self.flavour {
            Flavour::Mysql if self.number >= ServerVersion(8, 2, 0) => "SHOW BINARY LOG STATUS",
            Flavour::Mysql | Flavour::Mariadb => "SHOW MASTER STATUS",
        }
    }

    fn show_replicas(&self) -> &'static str {
        match self.flavour {
            Flavour::Mysql if self.number >= ServerVersion(8, 0, 22) => "SHOW REPLICAS",
            Flavour::Mariadb if self.number >= ServerVersion(10, 5, 1) => "SHOW REPLICA HOSTS",
            Flavour::Mysql | Flavour::Mariadb => "SHOW SLAVE HOSTS",
        }
    }
}

/// One file of a server's binary log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BinaryLog {
    /// The file.
    pub file: BinlogFile,
    /// Its size in bytes.
    pub size: u64,
}

impl Connection {
    /// Asks what the server is.
    ///
    /// # Errors
    /// As [`query`](Self::query), and for a server that is neither MySQL nor MariaDB.
    pub async fn facts(&mut self) -> Result<ServerFacts, SourceError> {
        let version = self.scalar("SELECT VERSION()").await?.unwrap_or_default();
        let names: Vec<String> = VARIABLES.iter().map(|name| format!("'{name}'")).collect();
        let rows = self.query(&format!("SHOW GLOBAL VARIABLES WHERE Variable_name IN ({})", names.join(","))).await?;
        let variables: BTreeMap<String, String> =
            rows.iter().filter_map(|row| Some((row.text_at(0)?.to_ascii_lowercase(), row.text_at(1)?))).collect();
        let flavour = if version.to_ascii_lowercase().contains("mariadb") { Flavour::Mariadb } else { Flavour::Mysql };
        let server_id = variables.get("server_id").and_then(|id| id.parse().ok()).unwrap_or(0);
        let identity = match flavour {
            Flavour::Mariadb => format!("mariadb-{server_id}"),
            Flavour::Mysql => variables.get("server_uuid").cloned().unwrap_or_default(),
        };
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-';
        if identity.is_empty() || !identity.bytes().all(plain) {
            let reason = format!("it calls itself {version} and has no server_uuid; MySQL 5.7 or later is needed");
            return Err(SourceError::Unsuitable { server: self.endpoint().name(), reason });
        }
        Ok(ServerFacts { number: ServerVersion::parse(&version), version, flavour, identity, server_id, variables })
    }

    /// The first value of the first row.
    ///
    /// # Errors
    /// As [`query`](Self::query).
    pub async fn scalar(&mut self, statement: &str) -> Result<Option<String>, SourceError> {
        Ok(self.query(statement).await?.first().and_then(|row| row.text_at(0)))
    }

    /// The server's clock, UTC, in microseconds.
    ///
    /// # Errors
    /// As [`query`](Self::query).
    pub async fn clock(&mut self) -> Result<OffsetDateTime, SourceError> {
        let text = self.scalar("SELECT DATE_FORMAT(UTC_TIMESTAMP(6), '%Y-%m-%dT%H:%i:%s.%f')").await?;
        self.time(&text.unwrap_or_default())
    }

    /// When the oldest statement began that is running and may yet write to the binary log; `None` where none is. Needs
    /// PROCESS. On servers without [exact commit times](ServerFacts::has_exact_commit_times) what such a statement commits
    /// will carry that time.
    ///
    /// A SELECT counts where there are stored functions, through which it can write. The threads of a replica's applier do
    /// not count: they write their own source's times.
    ///
    /// # Errors
    /// As [`query`](Self::query).
    pub async fn oldest_statement(&mut self, facts: &ServerFacts) -> Result<Option<OffsetDateTime>, SourceError> {
        // MySQL counts in whole seconds, from one whole second to another.
        let (now, elapsed) = match facts.flavour {
            Flavour::Mariadb => ("UTC_TIMESTAMP(6)", "CAST(TIME_MS * 1000 AS SIGNED)"),
            Flavour::Mysql => ("UTC_TIMESTAMP()", "TIME * 1000000"),
        };
        let query = format!(
            "SELECT DATE_FORMAT({now} - INTERVAL MAX({elapsed}) MICROSECOND, '%Y-%m-%dT%H:%i:%s.%f') \
             FROM information_schema.PROCESSLIST WHERE ID <> CONNECTION_ID() AND USER <> 'system user' \
             AND COMMAND NOT IN ('Sleep', 'Daemon', 'Binlog Dump', 'Binlog Dump GTID') \
             AND (INFO IS NULL OR INFO NOT LIKE 'SELECT%' OR EXISTS (SELECT 1 FROM information_schema.ROUTINES \
             WHERE ROUTINE_TYPE = 'FUNCTION' AND ROUTINE_SCHEMA NOT IN ('mysql', 'sys')))"
        );
        match self.scalar(&query).await? {
            Some(text) => self.time(&text).map(Some),
            None => Ok(None),
        }
    }

    fn time(&self, text: &str) -> Result<OffsetDateTime, SourceError> {
        let format = format_description!("[year]-[month]-[day]T[hour]:[minute]:[second].[subsecond]");
        PrimitiveDateTime::parse(text, format)
            .map(PrimitiveDateTime::assume_utc)
            .map_err(|_| self.protocol("a clock without a time"))
    }

    /// Where the binary log ends now.
    ///
    /// # Errors
    /// As [`query`](Self::query), and where there is no binary log.
    pub async fn position(&mut self, facts: &ServerFacts) -> Result<BinlogPosition, SourceError> {
        let rows = self.query(facts.show_position()).await?;
        let Some(row) = rows.first() else {
            let reason = "it writes no binary log; set log_bin".to_owned();
            return Err(SourceError::Unsuitable { server: self.endpoint().name(), reason });
        };
        let file = row.text("File").and_then(|file| file.parse().ok());
        let offset = row.text("Position").and_then(|offset| offset.parse().ok());
        let (Some(file), Some(offset)) = (file, offset) else {
            return Err(self.protocol("a position that is none"));
        };
        Ok(BinlogPosition { file, offset })
    }

    /// Where the binary log ends now; `None` where there is none, or the account may not know.
    ///
    /// # Errors
    /// The connection broke, or the deadline passed.
    pub async fn visible_position(&mut self, facts: &ServerFacts) -> Result<Option<BinlogPosition>, SourceError> {
        match self.position(facts).await {
            Ok(position) => Ok(Some(position)),
            Err(SourceError::Refused { .. } | SourceError::Unsuitable { .. }) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// The files of the binary log, oldest first.
    ///
    /// # Errors
    /// As [`query`](Self::query).
    pub async fn binary_logs(&mut self) -> Result<Vec<BinaryLog>, SourceError> {
        let mut files = Vec::new();
        for row in self.query("SHOW BINARY LOGS").await? {
            let file = row.text_at(0).and_then(|name| name.parse().ok());
            let size = row.text_at(1).and_then(|size| size.parse().ok());
            let (Some(file), Some(size)) = (file, size) else {
                return Err(self.protocol("a binary log file without name and size"));
            };
            files.push(BinaryLog { file, size });
        }
        files.sort_by(|a, b| a.file.cmp(&b.file));
        Ok(files)
    }

    /// The replication ids of the replicas that are registered with the server, and the host names they gave.
    ///
    /// # Errors
    /// As [`query`](Self::query).
    pub async fn replicas(&mut self, facts: &ServerFacts) -> Result<Vec<(u32, String)>, SourceError> {
        let rows = self.query(facts.show_replicas()).await?;
        Ok(rows
            .iter()
            .filter_map(|row| Some((row.text_at(0)?.parse().ok()?, row.text("Host").unwrap_or_default())))
            .collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_by_number() {
        for (text, version) in [
            ("10.11.19-MariaDB-0+deb12u1-log", ServerVersion(10, 11, 19)),
            ("5.5.5-10.6.1-MariaDB", ServerVersion(10, 6, 1)),
            ("8.0.36", ServerVersion(8, 0, 36)),
            ("9.7.0-1", ServerVersion(9, 7, 0)),
            ("5.7.44-log", ServerVersion(5, 7, 44)),
            ("odd", ServerVersion(0, 0, 0)),
        ] {
            assert_eq!(ServerVersion::parse(text), version, "{text}");
        }
    }

    #[test]
    fn expiry_by_old_and_new_variables() {
        let facts = |pairs: &[(&str, &str)]| ServerFacts {
            version: String::new(),
            number: ServerVersion(8, 0, 0),
            flavour: Flavour::Mysql,
            identity: String::new(),
            server_id: 1,
            variables: pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect(),
        };
        for (pairs, expected) in [
            (&[("binlog_expire_logs_seconds", "2592000"), ("expire_logs_days", "0")][..], Some(2_592_000)),
            (&[("binlog_expire_logs_seconds", "0"), ("expire_logs_days", "0.5")], Some(43_200)),
            (&[("expire_logs_days", "10")], Some(864_000)),
            (&[("expire_logs_days", "0")], None),
            (&[("binlog_expire_logs_seconds", "60"), ("binlog_expire_logs_auto_purge", "OFF")], None),
            (&[], None),
        ] {
            assert_eq!(facts(pairs).binlog_expiry_seconds(), expected, "{pairs:?}");
        }
    }
}
