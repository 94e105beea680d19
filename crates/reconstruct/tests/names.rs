//! Names that differ in nothing but case: with `lower_case_table_names` a server writes those of statements as typed and those of
//! rows in small letters.

#![expect(clippy::disallowed_methods, reason = "what tests share also reads recorded histories, which are files")]
#![expect(clippy::unwrap_used, reason = "a test's helpers may panic like the test")]

#[path = "support/log.rs"]
#[expect(dead_code, reason = "other tests use the rest")]
mod log;
#[path = "support/memory.rs"]
#[expect(dead_code, reason = "other tests use the rest")]
mod memory;

use std::io::{self, Read};

use backtrail_domain::{CutTarget, TableFilter};
use backtrail_reconstruct::{Baseline, FileInfo, Inputs, NameCase, NoObserver, RefusalPolicy, Request, plan};
use log::{Log, baseline, pieces};
use memory::Memory;

/// A baseline whose manifest says how its server tells names apart.
struct Named(Memory, Option<NameCase>);

impl Baseline for Named {
    fn files(&self) -> io::Result<Vec<FileInfo>> {
        Baseline::files(&self.0)
    }

    fn open(&self, name: &str) -> io::Result<Box<dyn Read + Send>> {
        Baseline::open(&self.0, name)
    }

    fn name_case(&self) -> Option<NameCase> {
        self.1
    }
}

/// The refused tables with their reasons. The baseline has these tables; the log these statements and then rows of a table.
fn refused(case: Option<NameCase>, tables: &[&str], statements: &[&str], rows_of: &str) -> Vec<(String, String)> {
    let mut log = Log::file("binlog.000001", "8.0.40", true, false);
    let tables: Vec<(&str, &str)> = tables.iter().map(|table| (*table, "InnoDB")).collect();
    let baseline = Named(baseline(&log.end(), &tables), case);
    for (sequence, statement) in (1..).zip(statements) {
        log.gtid(0, sequence, true).query(statement);
    }
    log.gtid(0, 99, false).insert(rows_of, &[(9, 9)]).commit();
    let (pieces, end) = (pieces(&[&log]), log.end());
    let inputs = Inputs { baseline: &baseline, log: &pieces, spill: &Memory::default(), observer: &NoObserver };
    let mut request = Request::new(CutTarget::Position(end.parse().unwrap()), TableFilter::All);
    request.refusals = RefusalPolicy::Skip;
    let plan = plan(&inputs, &request).unwrap();
    if let Some(last) = statements.last().filter(|_| case == Some(NameCase::Lowered)) {
        let all_small = plan.tables.keys().all(|name| name.table == name.table.to_lowercase());
        assert!(all_small, "{last}: {:?}", plan.tables.keys());
    }
    plan.refusals().map(|refusal| (refusal.table.to_string(), refusal.reason.clone())).collect()
}

#[test]
fn rows_of_a_table_in_other_letters() {
    let check_of = |case, tables: &[&str], statements: &[&str], rows_of: &str, expected: &[(&str, &str)]| {
        let refused = refused(case, tables, statements, rows_of);
        let as_expected = refused.len() == expected.len()
            && refused
                .iter()
                .zip(expected)
                .all(|((table, reason), (name, text))| table == name && reason.contains(text));
        assert!(as_expected, "{statements:?}: {refused:?}");
    };
    let check = |tables: &[&str], statements: &[&str], rows_of: &str, expected: &[(&str, &str)]| {
        check_of(None, tables, statements, rows_of, expected);
    };
    let create = "CREATE TABLE Kid (number INT PRIMARY KEY, value INT)";
    let (letters, absent) = ("small and capital letters only", "the table is not in it");
    check(&["t"], &[create], "Kid", &[]);
    check(&["t"], &[create], "kid", &[("d.Kid", letters), ("d.kid", absent)]);
    check(&["t"], &["RENAME TABLE t TO U"], "u", &[("d.U", letters), ("d.u", absent)]);
    // Two names that were there at once are two tables.
    check(&["t", "T"], &[create], "kid", &[("d.kid", absent)]);
    check(&["t", "T"], &[], "T", &[]);
    let names = "a foreign key names its parent d.T in other letters";
    let child = "CREATE TABLE k (number INT PRIMARY KEY, value INT, FOREIGN KEY (value) REFERENCES T (number))";
    check(&["t"], &[child], "t", &[("d.k", names)]);
    check(&["k", "t"], &["ALTER TABLE k ADD FOREIGN KEY (value) REFERENCES T (number)"], "t", &[("d.k", names)]);

    let alter = "ALTER TABLE k ADD FOREIGN KEY (value) REFERENCES T (number)";
    for (tables, statement, rows_of) in [
        (&["t"][..], create, "kid"),
        (&["t"], "RENAME TABLE T TO U", "u"),
        (&["t"], child, "t"),
        (&["k", "t"], alter, "t"),
    ] {
        check_of(Some(NameCase::Lowered), tables, &[statement], rows_of, &[]);
    }
    check_of(Some(NameCase::Distinct), &["t"], &[create], "kid", &[("d.kid", absent)]);
    check_of(Some(NameCase::Distinct), &["t"], &["DROP TABLE IF EXISTS T"], "t", &[]);
    check(&["t"], &["CREATE OR REPLACE TABLE T (number INT PRIMARY KEY, value INT)"], "t", &[("d.t", "other letters")]);
    check(&["t"], &["RENAME TABLE d.t TO D.u"], "x", &[("D.u", "other letters"), ("d.x", absent)]);
    check(&["t"], &["DROP DATABASE D"], "t", &[("d.t", "other letters")]);
    check_of(Some(NameCase::Distinct), &["t"], &["DROP DATABASE D"], "t", &[]);
    check(&["t"], &["DROP TABLE IF EXISTS T"], "t", &[("d.t", "other letters")]);
}
