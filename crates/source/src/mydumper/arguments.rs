//! Which options mydumper gets: decided from its version and the server's, without doing anything.

use std::path::Path;

use crate::tables::SYSTEM_SCHEMAS;
use crate::{Flavour, ServerFacts, ServerVersion, SourceEndpoint, TlsMode};

use super::MydumperVersion;

/// What is to be dumped, and with what.
#[derive(Debug, Clone, Copy)]
pub struct DumpRequest<'a> {
    /// The tool's version.
    pub version: MydumperVersion,
    /// The server.
    pub facts: &'a ServerFacts,
    /// How to reach it. The password is not looked at here.
    pub endpoint: &'a SourceEndpoint,
    /// Whether every table is transactional: then the lock lasts only until every thread has its snapshot.
    pub all_transactional: bool,
    /// Whether the account may lock DDL out of MySQL 8 (`BACKUP_ADMIN`).
    pub may_lock_ddl: bool,
    /// The file with the password.
    pub defaults_file: &'a Path,
    /// A file with the CA, where one is given.
    pub ca_file: Option<&'a Path>,
    /// Where the dump goes: a directory that does not exist.
    pub output: &'a Path,
    /// How many tables are dumped at a time.
    pub threads: u16,
    /// About how large a file of a table's rows gets, in MiB.
    pub chunk_mebibytes: u32,
    /// Longer than this, in seconds, no query may be running when the lock is asked for.
    pub long_query_seconds: u32,
    /// More options, as the operator wants them.
    pub more: &'a [String],
}

/// What comes of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DumpPlan {
    /// The command line after the program's name. No secret is in it.
    pub arguments: Vec<String>,
    /// How the dump is made consistent, in the manifest's words.
    pub lock_mode: &'static str,
    /// Whether every table will stand at one place of the binary log.
    pub consistent: bool,
    /// Why the dump will be no baseline, where that is known beforehand.
    pub not_a_baseline_because: Option<String>,
}

/// Chooses the options.
pub fn plan_arguments(request: &DumpRequest<'_>) -> DumpPlan {
    let DumpRequest { version, facts, endpoint, .. } = request;
    let mut arguments = vec![format!("--defaults-file={}", request.defaults_file.display())];
    let mut add = |options: &[&str]| arguments.extend(options.iter().map(|option| (*option).to_owned()));

    add(&["--host", host_for_tcp(&endpoint.host), "--port", &endpoint.port.to_string(), "--user", &endpoint.username]);
    add(&["--outputdir", &request.output.display().to_string()]);
    // Tables are chosen by this alone: `-T` hangs or dumps nothing in some versions, and both end with status 0. Newer
    // versions ask it about the name of a schema too, without a dot.
    add(&["--regex", &format!(r"^(?!({})(\.|$))", SYSTEM_SCHEMAS.join("|"))]);
    add(&["--triggers", "--events", "--routines"]);
    add(&["--threads", &request.threads.max(1).to_string()]);
    add(&["--chunk-filesize", &request.chunk_mebibytes.max(1).to_string()]);
    add(&["--long-query-guard", &request.long_query_seconds.to_string()]);
    // Messages tell when the lock is gone.
    add(&["--verbose", "3"]);
    if version.has_lock_modes() {
        add(&["--sync-thread-lock-mode", "FTWRL"]);
    }
    if version.has_lock_retries() {
        // Without a number it tries for ever, with all writers behind it each time.
        add(&["--ftwrl-timeout-retries", "1"]);
    }
    match (request.all_transactional, version.has_lock_modes()) {
        (true, true) => add(&["--trx-tables"]),
        (true, false) => add(&["--trx-consistency-only"]),
        (false, _) if version.has_no_trx_tables() => add(&["--no-trx-tables"]),
        (false, _) => {}
    }
    if facts.flavour == Flavour::Mysql && version.locks_ddl() && !request.may_lock_ddl {
        // It would end at the refusal. Without the lock a table that DDL changes meanwhile makes the dump fail.
        add(&["--skip-ddl-locks"]);
    }
    if version.takes_server_version() && facts.is_mysql_by_another_name() {
        // It looks for the product's name in the server's comment, and takes a server without one for version 0.
        add(&["--server-version", &format!("mysql-{}", facts.number)]);
    }
    match endpoint.tls {
        // Without TLS being offered, `--ssl` fails; whoever prefers it has chosen to go without, if need be.
        TlsMode::Disabled | TlsMode::Preferred => {}
        TlsMode::Required | TlsMode::VerifyCa | TlsMode::VerifyIdentity => {
            add(&["--ssl"]);
            if version.has_ssl_mode() {
                // The option file asks for more, where more is wanted, in words that every client library knows.
                add(&["--ssl-mode", "REQUIRED"]);
            }
            if let Some(ca) = request.ca_file {
                add(&["--ca", &ca.display().to_string()]);
            }
        }
    }
    arguments.extend(request.more.iter().cloned());

    let not_a_baseline_because = cannot_tell_position(*version, facts);
    DumpPlan { arguments, lock_mode: "ftwrl", consistent: true, not_a_baseline_because }
}

/// Why a version of the tool cannot tell where a server's binary log stands, and what to do.
pub fn cannot_tell_position(version: MydumperVersion, facts: &ServerFacts) -> Option<String> {
    let asks_in_new_words = facts.flavour == Flavour::Mysql && facts.number >= ServerVersion(8, 4, 0);
    let (number, recommended) = (facts.number, MydumperVersion::RECOMMENDED);
    if !asks_in_new_words {
        None
    } else if !version.asks_for_binary_log_status() {
        Some(format!(
            "mydumper {version} cannot ask MySQL {number} for its place in the binary log (SHOW BINARY LOG STATUS); \
             give the backup worker mydumper {recommended} or later (BACKTRAIL_MYDUMPER)"
        ))
    } else if facts.is_mysql_by_another_name() && !version.takes_server_version() {
        Some(format!(
            "mydumper {version} does not recognise this server as MySQL {number}, and so cannot ask for its place in \
             the binary log; give the backup worker mydumper {recommended} or later (BACKTRAIL_MYDUMPER)"
        ))
    } else {
        None
    }
}

/// Client libraries take `localhost` for the server behind a socket of this machine, which may be another one than the one
/// at that port; and compare that name letter by letter, which resolvers and certificates do not.
fn host_for_tcp(host: &str) -> &str {
    if host == "localhost" { "LOCALHOST" } else { host }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    fn facts(flavour: Flavour, number: ServerVersion, comment: &str) -> ServerFacts {
        ServerFacts {
            version: number.to_string(),
            number,
            flavour,
            identity: "x".to_owned(),
            server_id: 1,
            variables: BTreeMap::from([("version_comment".to_owned(), comment.to_owned())]),
        }
    }

    fn plan(version: MydumperVersion, facts: &ServerFacts, all_transactional: bool, host: &str) -> DumpPlan {
        let mut endpoint = SourceEndpoint::new(host, 3307, "backup", "hunter2".into());
        endpoint.tls = TlsMode::VerifyCa;
        plan_arguments(&DumpRequest {
            version,
            facts,
            endpoint: &endpoint,
            all_transactional,
            may_lock_ddl: all_transactional,
            defaults_file: Path::new("/private/d.cnf"),
            ca_file: Some(Path::new("/private/ca.pem")),
            output: Path::new("/private/dump"),
            threads: 0,
            chunk_mebibytes: 64,
            long_query_seconds: 60,
            more: &["--no-backup-locks".to_owned()],
        })
    }

    const COMMON: &str = r"--user backup --outputdir /private/dump --regex ^(?!(mysql|information_schema|performance_schema|sys)(\.|$)) --triggers --events --routines --threads 1 --chunk-filesize 64 --long-query-guard 60 --verbose 3";

    #[test]
    fn options_follow_the_version() {
        let mariadb = facts(Flavour::Mariadb, ServerVersion(10, 11, 4), "Debian 12");
        let debian = facts(Flavour::Mysql, ServerVersion(9, 7, 4), "(Debian)");
        let oracle = facts(Flavour::Mysql, ServerVersion(8, 0, 36), "MySQL Community Server - GPL");
        let (old, new) = (MydumperVersion(0, 10, 1), MydumperVersion(1, 0, 1));
        for (version, facts, all_transactional, expected) in [
            (old, &mariadb, true, "--trx-consistency-only --ssl"),
            (old, &oracle, false, "--ssl"),
            (MydumperVersion(0, 17, 1), &oracle, false, "--skip-ddl-locks --ssl --ssl-mode REQUIRED"),
            (
                new,
                &mariadb,
                true,
                "--sync-thread-lock-mode FTWRL --ftwrl-timeout-retries 1 --trx-tables --ssl --ssl-mode REQUIRED",
            ),
            (
                new,
                &debian,
                true,
                "--sync-thread-lock-mode FTWRL --ftwrl-timeout-retries 1 --trx-tables --server-version mysql-9.7.4 --ssl --ssl-mode REQUIRED",
            ),
            (
                new,
                &oracle,
                false,
                "--sync-thread-lock-mode FTWRL --ftwrl-timeout-retries 1 --no-trx-tables --skip-ddl-locks --ssl --ssl-mode REQUIRED",
            ),
        ] {
            let plan = plan(version, facts, all_transactional, "db");
            let expected = format!(
                "--defaults-file=/private/d.cnf --host db --port 3307 {COMMON} {expected} --ca /private/ca.pem --no-backup-locks"
            );
            assert_eq!(plan.arguments.join(" "), expected, "{version} {}", facts.version);
            assert_eq!(plan.not_a_baseline_because, None);
        }
    }

    #[test]
    fn localhost_is_a_host() {
        let facts = facts(Flavour::Mariadb, ServerVersion(10, 11, 4), "");
        let plan = plan(MydumperVersion(0, 10, 1), &facts, true, "localhost");
        assert!(plan.arguments.join(" ").contains("--host LOCALHOST "));
    }

    #[test]
    fn old_tool_with_new_server_is_no_baseline() {
        for (version, number, comment, told) in [
            (MydumperVersion(0, 10, 1), ServerVersion(8, 0, 36), "(Debian)", true),
            (MydumperVersion(0, 10, 1), ServerVersion(8, 4, 0), "MySQL Community Server - GPL", false),
            (MydumperVersion(0, 16, 1), ServerVersion(8, 4, 0), "MySQL Community Server - GPL", false),
            (MydumperVersion(0, 16, 3), ServerVersion(9, 7, 4), "MySQL Community Server - GPL", true),
            (MydumperVersion(0, 16, 3), ServerVersion(9, 7, 4), "(Debian)", false),
            (MydumperVersion(0, 20, 1), ServerVersion(9, 7, 4), "(Debian)", true),
        ] {
            let reason = cannot_tell_position(version, &facts(Flavour::Mysql, number, comment));
            assert_eq!(reason.is_none(), told, "{version} {number}");
            assert!(reason.is_none_or(|reason| reason.contains("mydumper 1.0 or later")));
        }
    }
}
