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
    let renamed_locks = *version >= MydumperVersion(0, 18, 0);
    let mut arguments = vec![format!("--defaults-file={}", request.defaults_file.display())];
    let mut add = |options: &[&str]| arguments.extend(options.iter().map(|option| (*option).to_owned()));

    add(&["--host", &endpoint.host, "--port", &endpoint.port.to_string(), "--user", &endpoint.username]);
    add(&["--outputdir", &request.output.display().to_string()]);
    // Tables are chosen by this alone: `-T` hangs or dumps nothing in some versions, and both end with status 0.
    add(&["--regex", &format!(r"^(?!({})\.)", SYSTEM_SCHEMAS.join("|"))]);
    add(&["--triggers", "--events", "--routines"]);
    add(&["--threads", &request.threads.max(1).to_string()]);
    add(&["--chunk-filesize", &request.chunk_mebibytes.max(1).to_string()]);
    add(&["--long-query-guard", &request.long_query_seconds.to_string()]);
    // Messages tell when the lock is gone.
    add(&["--verbose", "3"]);
    if renamed_locks {
        add(&["--sync-thread-lock-mode", "FTWRL"]);
    }
    if request.all_transactional {
        add(&[if renamed_locks { "--trx-tables" } else { "--trx-consistency-only" }]);
    }
    match endpoint.tls {
        // Without TLS being offered, `--ssl` fails; whoever prefers it has chosen to go without, if need be.
        TlsMode::Disabled | TlsMode::Preferred => {}
        TlsMode::Required | TlsMode::VerifyCa | TlsMode::VerifyIdentity => {
            add(&["--ssl"]);
            if let Some(ca) = request.ca_file {
                add(&["--ca", &ca.display().to_string()]);
            }
        }
    }
    arguments.extend(request.more.iter().cloned());

    let blind = facts.flavour == Flavour::Mysql
        && facts.number >= ServerVersion(8, 4, 0)
        && *version < MydumperVersion(0, 16, 0);
    let not_a_baseline_because = blind.then(|| {
        format!(
            "mydumper {version} cannot ask MySQL {} for its place in the binary log (SHOW BINARY LOG STATUS); \
             use mydumper 0.16 or later",
            facts.number
        )
    });
    DumpPlan { arguments, lock_mode: "ftwrl", consistent: true, not_a_baseline_because }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    #[track_caller]
    fn plan(version: MydumperVersion, flavour: Flavour, number: ServerVersion, all_transactional: bool) -> DumpPlan {
        let facts = ServerFacts {
            version: number.to_string(),
            number,
            flavour,
            identity: "x".to_owned(),
            server_id: 1,
            variables: BTreeMap::new(),
        };
        let mut endpoint = SourceEndpoint::new("db", 3307, "backup", "hunter2".into());
        endpoint.tls = TlsMode::VerifyCa;
        plan_arguments(&DumpRequest {
            version,
            facts: &facts,
            endpoint: &endpoint,
            all_transactional,
            defaults_file: Path::new("/private/d.cnf"),
            ca_file: Some(Path::new("/private/ca.pem")),
            output: Path::new("/work/dump"),
            threads: 0,
            chunk_mebibytes: 64,
            long_query_seconds: 60,
            more: &["--no-backup-locks".to_owned()],
        })
    }

    #[test]
    fn options_follow_the_version() {
        let old = plan(MydumperVersion(0, 10, 1), Flavour::Mariadb, ServerVersion(10, 11, 4), true);
        assert_eq!(
            old.arguments.join(" "),
            r"--defaults-file=/private/d.cnf --host db --port 3307 --user backup --outputdir /work/dump --regex ^(?!(mysql|information_schema|performance_schema|sys)\.) --triggers --events --routines --threads 1 --chunk-filesize 64 --long-query-guard 60 --verbose 3 --trx-consistency-only --ssl --ca /private/ca.pem --no-backup-locks"
        );
        assert_eq!(old.not_a_baseline_because, None);
        let new = plan(MydumperVersion(1, 0, 1), Flavour::Mysql, ServerVersion(9, 7, 0), true);
        assert!(new.arguments.join(" ").contains("--sync-thread-lock-mode FTWRL --trx-tables"));
        assert_eq!(new.not_a_baseline_because, None);
        let mixed = plan(MydumperVersion(0, 10, 1), Flavour::Mysql, ServerVersion(8, 0, 36), false);
        assert!(!mixed.arguments.join(" ").contains("trx"));
    }

    #[test]
    fn old_tool_with_new_server_is_no_baseline() {
        for (number, baseline) in [(ServerVersion(8, 0, 36), true), (ServerVersion(8, 4, 0), false)] {
            let plan = plan(MydumperVersion(0, 10, 1), Flavour::Mysql, number, true);
            assert_eq!(plan.not_a_baseline_because.is_none(), baseline, "{number}");
        }
    }
}
