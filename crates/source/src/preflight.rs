//! The checks made when a server is registered, and before every backup.

use backtrail_domain::BinlogPosition;
use serde::{Deserialize, Serialize};
use time::OffsetDateTime;

use crate::{Connection, Flavour, ServerFacts, ServerVersion, SourceEndpoint, SourceError, TablePromise, grants};

/// Everything found out about a server. Stored with it and shown to its owner; holds no secret.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PreflightReport {
    /// When it was looked at, by our clock.
    #[serde(with = "time::serde::rfc3339")]
    pub checked_at: OffsetDateTime,
    /// Whether we could log in.
    pub reachable: bool,
    /// Whether every required check passed.
    pub ok: bool,
    /// `SELECT VERSION()`.
    pub version: Option<String>,
    /// Its family.
    pub flavour: Option<Flavour>,
    /// What names it in timelines.
    pub identity: Option<String>,
    /// Whether the connection is under TLS.
    pub encrypted: Option<bool>,
    /// Whether it writes a binary log.
    pub log_bin: Option<bool>,
    /// Must be `ROW`.
    pub binlog_format: Option<String>,
    /// Should be `FULL` or MariaDB's `FULL_NODUP`: what `MINIMAL` and `NOBLOB` leave out is completed, with exceptions that are refused.
    pub binlog_row_image: Option<String>,
    /// After how many seconds it removes its binary log; absent for never.
    pub binlog_expire_seconds: Option<u64>,
    /// Where its binary log ended then; absent where it writes none, or does not tell this account.
    #[serde(default)]
    pub binlog_position: Option<BinlogPosition>,
    /// Its own clock, right after that.
    #[serde(default, with = "time::serde::rfc3339::option")]
    pub source_time: Option<OffsetDateTime>,
    /// MySQL's `gtid_mode`.
    pub gtid_mode: Option<String>,
    /// The account's privileges.
    pub grants: GrantReport,
    /// Each thing that was looked at.
    pub checks: Vec<Check>,
    /// What PITR promises for each table, in name order.
    pub tables: Vec<TablePromise>,
}

/// Privileges, of those that are needed.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct GrantReport {
    /// Held.
    pub present: Vec<String>,
    /// Not held.
    pub missing: Vec<String>,
}

/// One thing that was looked at.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Check {
    /// What.
    pub name: String,
    /// Whether it is as it should be.
    pub ok: bool,
    /// Whether nothing can be promised without it; else it is a warning.
    pub required: bool,
    /// As it is.
    pub found: String,
    /// As it should be.
    pub wanted: String,
    /// What to do, where it is not.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub remedy: Option<String>,
}

/// Less than this between a transaction and the removal of its log is too little to mend an outage of the agent.
const SHORT_EXPIRY_SECONDS: u64 = 24 * 3600;

/// Looks at a server. Never fails: what went wrong is in the report.
pub async fn preflight(endpoint: &SourceEndpoint) -> PreflightReport {
    let mut report = PreflightReport {
        checked_at: OffsetDateTime::now_utc(),
        reachable: false,
        ok: false,
        version: None,
        flavour: None,
        identity: None,
        encrypted: None,
        log_bin: None,
        binlog_format: None,
        binlog_row_image: None,
        binlog_expire_seconds: None,
        binlog_position: None,
        source_time: None,
        gtid_mode: None,
        grants: GrantReport::default(),
        checks: Vec::new(),
        tables: Vec::new(),
    };
    match look(endpoint, &mut report).await {
        Ok(connection) => connection.close().await,
        Err(error) => {
            let name = if report.reachable { "questions" } else { "reachable" };
            let mut found = error.to_string();
            let mut cause = std::error::Error::source(&error);
            while let Some(error) = cause {
                found = format!("{found}: {error}");
                cause = error.source();
            }
            report.checks.push(Check {
                name: name.to_owned(),
                ok: false,
                required: true,
                found,
                wanted: "a login and answers to our questions".to_owned(),
                remedy: Some("see what was found".to_owned()),
            });
        }
    }
    report.ok = report.reachable && report.checks.iter().all(|check| check.ok || !check.required);
    report
}

async fn look(endpoint: &SourceEndpoint, report: &mut PreflightReport) -> Result<Connection, SourceError> {
    let mut connection = endpoint.connect().await?;
    report.reachable = true;
    report.encrypted = Some(connection.is_encrypted());
    let facts = connection.facts().await?;
    report.version = Some(facts.version.clone());
    report.flavour = Some(facts.flavour);
    report.identity = Some(facts.identity.clone());
    report.log_bin = Some(facts.is_on("log_bin"));
    report.binlog_format = facts.variable("binlog_format").map(str::to_owned);
    report.binlog_row_image = facts.variable("binlog_row_image").map(str::to_owned);
    report.binlog_expire_seconds = facts.binlog_expiry_seconds();
    report.gtid_mode = facts.variable("gtid_mode").map(str::to_owned);
    report.checks = judge(&facts);
    // Before anything else is asked: from here on nothing of its log is to be lost.
    report.binlog_position = connection.visible_position(&facts).await?;
    report.source_time = Some(connection.clock().await?);
    let grants = connection.grants(&facts).await?;
    for need in grants::needs(&facts) {
        let ok = grants.allows(need);
        let name = need.names.first().copied().unwrap_or_default();
        let list = if ok { &mut report.grants.present } else { &mut report.grants.missing };
        list.push(name.to_owned());
        report.checks.push(Check {
            name: format!("grant {name}"),
            ok,
            required: need.required,
            found: if ok { "granted" } else { "not granted" }.to_owned(),
            wanted: format!("granted on *.*, to {}", need.purpose),
            remedy: (!ok).then(|| format!("GRANT {name} ON *.* TO the account")),
        });
    }
    report.tables = connection.tables().await?.iter().map(|table| table.promise(&facts)).collect();
    Ok(connection)
}

/// What follows from a server's version and variables.
fn judge(facts: &ServerFacts) -> Vec<Check> {
    let mut checks = Vec::new();
    let mut check = |name: &str, ok: bool, required: bool, found: String, wanted: &str, remedy: &str| {
        let remedy = (!ok).then(|| remedy.to_owned());
        checks.push(Check { name: name.to_owned(), ok, required, found, wanted: wanted.to_owned(), remedy });
    };
    let value = |name: &str| facts.variable(name).unwrap_or("not known to the server").to_owned();
    let is = |name: &str, wanted: &str| facts.variable(name).is_some_and(|value| value.eq_ignore_ascii_case(wanted));

    let supported = match facts.flavour {
        Flavour::Mysql => facts.number >= ServerVersion(5, 7, 0) && facts.number < ServerVersion(10, 0, 0),
        Flavour::Mariadb => facts.number >= ServerVersion(10, 5, 0) && facts.number < ServerVersion(12, 0, 0),
    };
    check(
        "version",
        supported,
        true,
        facts.version.clone(),
        "MySQL 5.7 to 9.x, or MariaDB 10.5 to 11.x",
        "this version has not been tried; upgrade the server, or Backtrail",
    );
    check(
        "log_bin",
        facts.is_on("log_bin"),
        true,
        value("log_bin"),
        "ON",
        "set log_bin in the server's configuration and restart it",
    );
    check(
        "binlog_format",
        is("binlog_format", "ROW"),
        true,
        value("binlog_format"),
        "ROW",
        "SET GLOBAL binlog_format = 'ROW', in the configuration too",
    );
    check(
        "binlog_row_image",
        is("binlog_row_image", "FULL") || is("binlog_row_image", "FULL_NODUP"),
        !facts.logs_partial_images(),
        value("binlog_row_image"),
        "FULL",
        if facts.logs_partial_images() {
            "tables are rebuilt from such images too, except where what they leave out cannot be told; then the table is \
             refused by name. SET GLOBAL binlog_row_image = 'FULL' mends that; on MariaDB keep \
             binlog_annotate_row_events = ON without it"
        } else {
            "SET GLOBAL binlog_row_image = 'FULL', in the configuration too"
        },
    );
    check("server_id", facts.server_id != 0, true, value("server_id"), "not 0", "give the server a server_id");
    let expiry = facts.binlog_expiry_seconds();
    check(
        "binlog expiry",
        expiry.is_none_or(|seconds| seconds >= SHORT_EXPIRY_SECONDS),
        false,
        expiry.map_or_else(|| "never".to_owned(), |seconds| format!("{seconds} s")),
        "a day or more",
        "raise binlog_expire_logs_seconds: what the server removes before it is archived is lost",
    );
    checks
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    #[test]
    fn images_that_are_not_full_are_a_warning() {
        let row_image = |value: &str| {
            let variables = [("binlog_row_image", value), ("log_bin", "ON"), ("binlog_format", "ROW")];
            let facts = ServerFacts {
                version: "10.11.6-MariaDB-log".to_owned(),
                number: ServerVersion(10, 11, 6),
                flavour: Flavour::Mariadb,
                identity: String::new(),
                server_id: 1,
                variables: BTreeMap::from(variables.map(|(name, value)| (name.to_owned(), value.to_owned()))),
            };
            let check = judge(&facts).into_iter().find(|check| check.name == "binlog_row_image").unwrap();
            (check.ok, check.required, check.remedy.unwrap_or_default())
        };
        // Before an update all of the row, behind it what was set: nothing is missing.
        for whole in ["FULL", "FULL_NODUP"] {
            let (ok, required, _) = row_image(whole);
            assert!(ok && required, "{whole}");
        }
        for partial in ["MINIMAL", "NOBLOB"] {
            let (ok, required, remedy) = row_image(partial);
            assert!(!ok && !required && remedy.contains("refused by name"), "{partial}: {remedy}");
        }
        // Nothing is known of what a value of the future leaves out.
        let (ok, required, _) = row_image("HALF");
        assert!(!ok && required);
    }
}
