//! Transactions of every kind, on logs made by hand: what servers of today write seldom, or not at all.

#![expect(clippy::disallowed_methods, reason = "what tests share also reads recorded histories, which are files")]
#![expect(clippy::unwrap_used, clippy::panic, reason = "a test's helpers may panic like the test")]

#[path = "support/log.rs"]
#[expect(dead_code, reason = "other tests use the rest")]
mod log;
#[path = "support/memory.rs"]
#[expect(dead_code, reason = "other tests use the rest")]
mod memory;

use backtrail_binlog::EventType;
use backtrail_domain::{CutTarget, TableFilter};
use backtrail_reconstruct::{EngineError, Inputs, NoObserver, Plan, RefusalPolicy, Request, plan, reconstruct};
use log::{Log, baseline, pieces};
use memory::{Memory, Pieces};

const MYSQL: &str = "8.0.40";
const MARIADB: &str = "10.11.6-MariaDB-log";

fn rows(result: &Memory, table: &str) -> String {
    let mut rows = Vec::new();
    for (name, bytes) in result.files() {
        if name.starts_with(&format!("d.{table}.")) {
            let text = String::from_utf8(bytes).unwrap();
            let row = |line: &str| line.strip_prefix('(').map(|row| row.trim_end_matches([')', ',', ';']).to_owned());
            rows.extend(text.lines().filter_map(row));
        }
    }
    rows.sort();
    rows.join(" ")
}

fn run(baseline: &Memory, log: &Pieces, target: &str) -> Result<(Plan, Memory), EngineError> {
    let spill = Memory::default();
    let inputs = Inputs { baseline, log, spill: &spill, observer: &NoObserver };
    let mut request = Request::new(CutTarget::Position(target.parse().unwrap()), TableFilter::All);
    request.refusals = RefusalPolicy::Fail;
    let plan = plan(&inputs, &request)?;
    let result = Memory::default();
    reconstruct(&inputs, &plan, &request, &result)?;
    Ok((plan, result))
}

#[track_caller]
fn check(baseline: &Memory, log: &Pieces, target: &str, expected: &[(&str, &str)]) -> Plan {
    let (plan, result) = run(baseline, log, target).unwrap();
    for (table, wanted) in expected {
        assert_eq!(rows(&result, table), *wanted, "{table} at {target}");
    }
    plan
}

#[track_caller]
fn check_refused(baseline: &Memory, log: &Pieces, target: &str, tables: &[&str], reason: &str) {
    let EngineError::Refused { refusals } = run(baseline, log, target).map(|_| ()).unwrap_err() else {
        panic!("no refusal")
    };
    let named: Vec<String> = refusals.iter().map(|refusal| refusal.table.to_string()).collect();
    assert_eq!(named, tables.iter().map(|table| format!("d.{table}")).collect::<Vec<_>>());
    for refusal in refusals {
        assert!(refusal.reason.contains(reason) && refusal.position.is_some(), "{refusal}");
    }
}

/// Rows 1 and 2 change, row 9 comes, in an XA transaction.
fn xa(log: &mut Log, sequence: u64, name: &str) {
    let hex: String = name.bytes().map(|byte| format!("{byte:02x}")).collect();
    log.gtid(0, sequence, true).query(&format!("XA START X'{hex}',X'',1"));
    log.update("t", (1, 1), (1, 10)).delete("t", (2, 2)).insert("t", &[(9, 9)]);
    log.query(&format!("XA END X'{hex}',X'',1")).xa_prepare(name);
}

#[test]
fn an_xa_transaction_from_before_the_baseline() {
    let mut first = Log::file("binlog.000001", MYSQL, true, false);
    xa(&mut first, 1, "a");
    first.gtid(0, 2, false).update("t", (5, 4), (5, 5)).commit().rotate("binlog.000002");
    let mut second = Log::file("binlog.000002", MYSQL, true, false);
    second.gtid(0, 3, false).update("t", (4, 3), (4, 4)).commit();
    let baseline = baseline(&second.end(), &[("t", "InnoDB"), ("u", "InnoDB")]);
    second.gtid(0, 4, false).update("t", (3, 3), (3, 30)).commit();
    let before = second.end();
    second.gtid(0, 5, true).query("XA COMMIT X'61',X'',1");
    let committed = second.end();
    second.gtid(0, 6, false).update("t", (1, 10), (1, 11)).commit();
    let end = second.end();

    let all = pieces(&[&first, &second]);
    check(&baseline, &all, &before, &[("t", "1,1 2,2 3,30 4,4 5,5")]);
    let plan = check(&baseline, &all, &committed, &[("t", "1,10 3,30 4,4 5,5 9,9"), ("u", "1,1 2,2 3,3 4,4 5,5")]);
    assert_eq!(plan.carried.len(), 1);
    check(&baseline, &all, &end, &[("t", "1,11 3,30 4,4 5,5 9,9")]);
    // Without the file in which it is prepared, nobody knows which tables it changed.
    let reason = "(X'61',X'',1) commits that was prepared before the baseline";
    check(&baseline, &pieces(&[&second]), &before, &[("t", "1,1 2,2 3,30 4,4 5,5")]);
    check_refused(&baseline, &pieces(&[&second]), &end, &["t", "u"], reason);
}

#[test]
fn an_xa_transaction_that_was_completed_before_the_baseline_is_another() {
    let mut log = Log::file("binlog.000001", MYSQL, true, false);
    xa(&mut log, 1, "a");
    log.gtid(0, 2, true).query("XA ROLLBACK X'61',X'',1");
    let baseline = baseline(&log.end(), &[("t", "InnoDB")]);
    log.gtid(0, 3, true).query("XA COMMIT X'61',X'',1");
    check_refused(&baseline, &pieces(&[&log]), &log.end(), &["t"], "the log before it does not hold it");
}

#[test]
fn xa_transactions_in_the_window() {
    let mut log = Log::file("binlog.000001", MYSQL, true, false);
    let baseline = baseline(&log.end(), &[("t", "InnoDB")]);
    xa(&mut log, 1, "a");
    let prepared = log.end();
    let left = "1,1 2,2 3,3 4,4 5,5";
    log.gtid(0, 2, true).query("XA ROLLBACK X'61',X'',1");
    let gone = log.end();
    xa(&mut log, 3, "a");
    log.gtid(0, 4, false).update("t", (3, 3), (3, 30)).commit();
    let between = log.end();
    log.gtid(0, 5, true).query("XA COMMIT X'61',X'',1");
    let committed = log.end();
    let log = pieces(&[&log]);
    let plan = check(&baseline, &log, &prepared, &[("t", left)]);
    assert!(plan.warnings.iter().any(|warning| warning.contains("X'61',X'',1")), "{:?}", plan.warnings);
    let plan = check(&baseline, &log, &gone, &[("t", left)]);
    assert_eq!((plan.events.row_events, plan.events.row_events_rolled_back), (3, 3));
    check(&baseline, &log, &between, &[("t", "1,1 2,2 3,30 4,4 5,5")]);
    check(&baseline, &log, &committed, &[("t", "1,10 3,30 4,4 5,5 9,9")]);
}

/// Old servers logged rows of tables without transactions within the transaction that changed them.
#[test]
fn what_knows_no_transactions_stays() {
    let tables = [("t", "InnoDB"), ("m", "MyISAM"), ("x", "SPIDER")];
    for ending in ["ROLLBACK", "ROLLBACK TO `s`"] {
        for version in [MYSQL, MARIADB] {
            let mut log = Log::file("binlog.000001", version, false, false);
            let baseline = baseline(&log.end(), &tables);
            log.gtid(0, 1, false).query("SAVEPOINT `s`").insert("t", &[(7, 7)]).insert("m", &[(7, 7)]).query(ending);
            if ending != "ROLLBACK" {
                log.commit();
            }
            let end = log.end();
            let kept = "1,1 2,2 3,3 4,4 5,5";
            check(&baseline, &pieces(&[&log]), &end, &[("t", kept), ("m", &format!("{kept} 7,7"))]);
            log.gtid(0, 2, false).query("SAVEPOINT `s`").insert("x", &[(7, 7)]).query(ending);
            if ending != "ROLLBACK" {
                log.commit();
            }
            check_refused(&baseline, &pieces(&[&log]), &log.end(), &["x"], "it can");
        }
    }
}

#[test]
fn a_transaction_that_breaks_off() {
    // Both files say that 0-7-1 was executed before them, so that nothing is missing in between.
    let before = [&[1, 0, 0, 0, 0, 0, 0, 0, 7, 0, 0, 0, 1][..], &[0; 7]].concat();
    let mut log = Log::file("binlog.000001", MARIADB, true, false);
    log.event(EventType::GTID_LIST, &before);
    let baseline = baseline(&log.end(), &[("t", "InnoDB"), ("m", "MyISAM")]);
    log.gtid(0, 2, false).insert("t", &[(7, 7)]);
    let mut next = Log::file("binlog.000002", MARIADB, true, true);
    next.event(EventType::GTID_LIST, &before);
    next.gtid(0, 2, false).insert("t", &[(8, 8)]).commit();
    let end = next.end();
    check(&baseline, &pieces(&[&log, &next]), &end, &[("t", "1,1 2,2 3,3 4,4 5,5 8,8")]);
    log.insert("m", &[(7, 7)]);
    check_refused(&baseline, &pieces(&[&log, &next]), &end, &["m"], "breaks off");
}

/// Tables in memory are empty when the server has started, and it says so at their first use only.
#[test]
fn tables_in_memory_are_empty_after_a_start() {
    for emptied in
        ["TRUNCATE TABLE `d`.`h` /* generated by server, implicitly emptying in-memory table */", "DELETE FROM `d`.`h`"]
    {
        let mut log = Log::file("binlog.000001", MYSQL, true, false);
        let baseline = baseline(&log.end(), &[("h", "MEMORY"), ("t", "InnoDB")]);
        log.gtid(0, 1, false).insert("h", &[(7, 7)]).commit().rotate("binlog.000002");
        let mut next = Log::file("binlog.000002", MYSQL, true, true);
        next.gtid(0, 2, false).insert("t", &[(8, 8)]).commit();
        let started = next.end();
        next.gtid(0, 3, true).query(emptied);
        next.gtid(0, 4, false).insert("h", &[(1, 9)]).commit();
        let end = next.end();
        let log = pieces(&[&log, &next]);
        check(&baseline, &log, "binlog.000002:4", &[("h", "1,1 2,2 3,3 4,4 5,5 7,7")]);
        check(&baseline, &log, &started, &[("h", ""), ("t", "1,1 2,2 3,3 4,4 5,5 8,8")]);
        check(&baseline, &log, &end, &[("h", "1,9")]);
    }
    // Of another table such a statement is what it is: rows changed by a statement.
    let mut log = Log::file("binlog.000001", MYSQL, true, false);
    let baseline = baseline(&log.end(), &[("t", "InnoDB")]);
    log.gtid(0, 1, true).query("DELETE FROM `d`.`t`");
    check_refused(&baseline, &pieces(&[&log]), &log.end(), &["t"], "changed by a statement");
}

/// Rows of a table that the baseline does not have are nothing to one of the same name that is made later.
#[test]
fn a_table_that_is_made_where_an_unknown_one_was() {
    let mut log = Log::file("binlog.000001", MYSQL, true, false);
    let baseline = baseline(&log.end(), &[("t", "InnoDB")]);
    log.gtid(0, 1, false).insert("u", &[(7, 7)]).commit();
    let unknown = log.end();
    log.gtid(0, 2, true).query("DROP TABLE `u`");
    log.gtid(0, 3, true).query("CREATE TABLE u (number INT NOT NULL PRIMARY KEY, value INT) ENGINE=InnoDB");
    log.gtid(0, 4, false).insert("u", &[(8, 8)]).commit();
    check_refused(&baseline, &pieces(&[&log]), &unknown, &["u"], "the baseline does not have");
    check(&baseline, &pieces(&[&log]), &log.end(), &[("t", "1,1 2,2 3,3 4,4 5,5"), ("u", "8,8")]);
}

/// A file beyond 4 GiB, where events' own idea of their end begins anew, with or without checksums, or say none.
#[test]
fn offsets_beyond_four_gigabytes() {
    const LINE: u64 = 1 << 32;
    for start in [LINE - 300, LINE - 40, LINE, 3 * LINE + 7] {
        for silent in [false, true] {
            let mut log = Log::segment("binlog.000001", MARIADB, start);
            if silent {
                log = log.silent_about_ends();
            }
            log.gtid(0, 1, false).update("t", (1, 0), (1, 1)).commit();
            let baseline = baseline(&log.end(), &[("t", "InnoDB")]);
            log.gtid(0, 2, false).update("t", (1, 1), (1, 10)).commit();
            let middle = log.end();
            log.gtid(0, 3, false).delete("t", (2, 2)).query("ROLLBACK");
            log.gtid(0, 4, false).delete("t", (3, 3)).commit();
            let end = log.end();
            let log = pieces(&[&log]);
            check(&baseline, &log, &middle, &[("t", "1,10 2,2 3,3 4,4 5,5")]);
            check(&baseline, &log, &end, &[("t", "1,10 2,2 4,4 5,5")]);
        }
    }
}

#[test]
fn files_are_counted_on_past_six_digits() {
    let mut logs = Vec::new();
    for (number, next) in [("999998", "999999"), ("999999", "1000000"), ("1000000", "1000001")] {
        let mut log = Log::file(&format!("binlog.{number}"), MYSQL, logs.len() == 1, false);
        let sequence = logs.len() as u64;
        log.gtid(0, sequence + 1, false).insert("t", &[(7 + sequence as i32, 7)]).commit();
        logs.push((log.end(), log.rotate(&format!("binlog.{next}")).end(), log));
    }
    let baseline = baseline(&logs[0].0, &[("t", "InnoDB")]);
    let all = pieces(&logs.iter().map(|(.., log)| log).collect::<Vec<_>>());
    check(&baseline, &all, &logs[2].0, &[("t", "1,1 2,2 3,3 4,4 5,5 8,7 9,7")]);
    check(&baseline, &all, &logs[1].0, &[("t", "1,1 2,2 3,3 4,4 5,5 8,7")]);
    // One of them missing is a gap, not the end.
    let error = run(&baseline, &pieces(&[&logs[0].2, &logs[2].2]), &logs[2].0).map(|_| ()).unwrap_err();
    assert!(matches!(error, EngineError::LogGap { .. }), "{error}");
}

/// Anonymous transactions, and MariaDB's of several domains; a GTID target needs every domain of its own.
#[test]
fn names_of_transactions() {
    let mut log = Log::file("binlog.000001", MYSQL, true, false);
    let anonymous = baseline(&log.end(), &[("t", "InnoDB")]);
    log.gtid(0, 0, false).delete("t", (1, 1)).commit();
    log.gtid(0, 0, false).delete("t", (2, 2)).commit();
    check(&anonymous, &pieces(&[&log]), &log.end(), &[("t", "3,3 4,4 5,5")]);

    let mut log = Log::file("binlog.000001", MARIADB, true, false);
    let domains = baseline(&log.end(), &[("t", "InnoDB")]);
    log.gtid(1, 10, false).delete("t", (1, 1)).commit();
    log.gtid(2, 5, false).delete("t", (2, 2)).commit();
    log.gtid(1, 11, false).delete("t", (3, 3)).commit();
    log.gtid(2, 6, false).delete("t", (4, 4)).commit();
    let log = pieces(&[&log]);
    for (gtid, expected) in [("2-7-5,1-7-10", "3,3 4,4 5,5"), ("2-7-5,1-7-11", "4,4 5,5"), ("1-7-10,2-7-6", "5,5")] {
        let spill = Memory::default();
        let inputs = Inputs { baseline: &domains, log: &log, spill: &spill, observer: &NoObserver };
        let request = Request::new(CutTarget::Gtid(gtid.parse().unwrap()), TableFilter::All);
        let result = Memory::default();
        let plan = plan(&inputs, &request).unwrap();
        reconstruct(&inputs, &plan, &request, &result).unwrap();
        assert_eq!(rows(&result, "t"), expected, "{gtid}");
    }
}

/// Larger than any packet of the protocol, which is no bound for an event.
#[test]
fn an_event_of_many_megabytes() {
    let mut log = Log::file("binlog.000001", MYSQL, true, false);
    let baseline = baseline(&log.end(), &[("b", "InnoDB")]);
    let definition = baseline.text("d.b-schema.sql").replace("`value` int", "`value` longblob");
    baseline.put("d.b-schema.sql", definition.into_bytes());
    let value = vec![b'x'; 20 << 20];
    log.gtid(0, 1, false).event(EventType::TABLE_MAP, b"b\0\0\0\0\0\x01\0\x01d\0\x01b\0\x02\x03\xfc\x01\x04\x02");
    let head = b"b\0\0\0\0\0\x01\0\x02\x03\0\x09\0\0\0";
    log.event(EventType::WRITE_ROWS_V1, &[&head[..], &(value.len() as u32).to_le_bytes(), &value].concat()).commit();
    let (_, result) = run(&baseline, &pieces(&[&log]), &log.end()).unwrap();
    let longest = result.files().into_values().map(|bytes| bytes.len()).max().unwrap();
    assert!(longest > value.len() && longest < value.len() + 1000, "{longest}");
}

#[test]
fn a_checksum_that_does_not_fit_is_found() {
    let mut log = Log::file("binlog.000001", MYSQL, true, false);
    let baseline = baseline(&log.end(), &[("t", "InnoDB")]);
    log.gtid(0, 1, false).delete("t", (1, 1)).commit();
    let mut damaged = pieces(&[&log]);
    let bytes = &mut damaged.0[0].1;
    let last = bytes.len() - 40;
    bytes[last] ^= 1;
    let error = run(&baseline, &damaged, &log.end()).map(|_| ()).unwrap_err();
    assert!(matches!(error, EngineError::Log { .. }), "{error}");
}

#[test]
fn a_refused_table_ends_only_what_asks_for_it() {
    let mut log = Log::file("binlog.000001", MYSQL, true, false);
    let baseline = baseline(&log.end(), &[("t", "InnoDB"), ("u", "InnoDB")]);
    log.gtid(0, 1, true).query("ALTER TABLE t TRUNCATE PARTITION p0");
    log.gtid(0, 2, false).update("u", (1, 1), (1, 10)).commit();
    let (log, end) = (pieces(&[&log]), log.end());
    let named = |tables: &str| -> TableFilter { tables.parse().unwrap() };
    for (tables, policy, rebuilt) in [
        (TableFilter::All, RefusalPolicy::FailIfNamed, true),
        (TableFilter::All, RefusalPolicy::Skip, true),
        (TableFilter::All, RefusalPolicy::Fail, false),
        (named("d.u"), RefusalPolicy::Fail, true),
        (named("d.t,d.u"), RefusalPolicy::FailIfNamed, false),
        (named("d.t,d.u"), RefusalPolicy::Skip, true),
        (named("d.t"), RefusalPolicy::FailIfNamed, false),
    ] {
        let spill = Memory::default();
        let inputs = Inputs { baseline: &baseline, log: &log, spill: &spill, observer: &NoObserver };
        let mut request = Request::new(CutTarget::Position(end.parse().unwrap()), tables.clone());
        assert_eq!(request.refusals, RefusalPolicy::FailIfNamed);
        request.refusals = policy;
        let plan = plan(&inputs, &request).unwrap();
        let result = Memory::default();
        match reconstruct(&inputs, &plan, &request, &result) {
            Ok(report) => {
                assert!(rebuilt, "{tables:?} {policy:?}");
                assert_eq!(rows(&result, "u"), "1,10 2,2 3,3 4,4 5,5");
                let told = report.warnings.iter().any(|warning| warning.starts_with("left out: d.t"));
                assert_eq!(told, plan.refusals().count() == 1, "{:?}", report.warnings);
            }
            Err(error) => assert!(!rebuilt && error.to_string().contains("d.t"), "{tables:?} {policy:?}: {error}"),
        }
    }
}
