//! The accounts of what is not told by a plain committed transaction, on logs made by hand: they add up, and say which is
//! which.

#![expect(clippy::disallowed_methods, reason = "what tests share also reads recorded histories, which are files")]
#![expect(clippy::unwrap_used, reason = "a test's helpers may panic like the test")]

#[path = "support/log.rs"]
#[expect(dead_code, reason = "other tests use the rest")]
mod log;
#[path = "support/memory.rs"]
#[expect(dead_code, reason = "other tests use the rest")]
mod memory;

use backtrail_binlog::EventType;
use backtrail_domain::{CutTarget, TableFilter};
use backtrail_reconstruct::{
    EngineError, Inputs, NoObserver, Plan, RefusalPolicy, Report, Request, TableAction, plan, reconstruct,
};
use log::{Log, baseline, pieces};
use memory::{Memory, Pieces};

const MYSQL: &str = "8.0.40";
const MARIADB: &str = "10.11.6-MariaDB-log";

fn request(target: &str, tables: &str) -> Request {
    let target = target.parse().map_or_else(|_| CutTarget::parse_time(target).unwrap(), CutTarget::Position);
    let tables = if tables.is_empty() { TableFilter::All } else { tables.parse().unwrap() };
    let mut request = Request::new(target, tables);
    request.refusals = RefusalPolicy::Skip;
    request
}

/// What is done to a plan before it is carried out.
type Change<'a> = &'a dyn Fn(&mut Plan);

fn run(baseline: &Memory, log: &Pieces, request: &Request, change: Change<'_>) -> Result<Report, EngineError> {
    let inputs = Inputs { baseline, log, spill: &Memory::default(), observer: &NoObserver };
    let mut plan = plan(&inputs, request)?;
    change(&mut plan);
    reconstruct(&inputs, &plan, request, &Memory::default())
}

/// Row events in the window and carried into it; then applied, rolled back, refused, not wanted, ended, of other tables: of
/// all together, and of a table as one of `expected` has it behind its name.
#[track_caller]
fn check(baseline: &Memory, log: &Pieces, request: &Request, expected: &[(&str, [u64; 8])]) -> Report {
    let report = run(baseline, log, request, &|_| {}).unwrap();
    for (table, wanted) in expected {
        let found = if table.is_empty() {
            let all = report.events;
            [
                all.row_events,
                all.row_events_carried,
                all.row_events_applied,
                all.row_events_rolled_back,
                all.row_events_refused,
                all.row_events_not_wanted,
                all.row_events_ended,
                all.row_events_other_tables,
            ]
        } else {
            let one = report.row_events.get(&format!("d.{table}").parse().unwrap()).copied().unwrap_or_default();
            let parts = [one.applied, one.rolled_back, one.refused, one.not_wanted, one.ended, one.other_tables];
            [&[one.seen, one.carried][..], &parts].concat().try_into().unwrap()
        };
        assert_eq!(found, *wanted, "{table:?}: {:?}", report.row_events);
    }
    report
}

/// Two rows change and one comes, one of them only to be undone, in an XA transaction; one of an unknown table.
fn prepared(log: &mut Log, sequence: u64) {
    log.gtid(0, sequence, true).query("XA START X'61',X'',1");
    log.update("t", (1, 1), (1, 10)).query("SAVEPOINT `s`").delete("t", (2, 2)).query("ROLLBACK TO `s`");
    log.insert("t", &[(9, 9)]).insert("v", &[(1, 1)]).query("XA END X'61',X'',1").xa_prepare("a");
}

#[test]
fn xa_transactions_from_before_the_baseline() {
    let mut oldest = Log::file("binlog.000001", MYSQL, true, false);
    oldest.gtid(0, 1, false).update("t", (4, 3), (4, 4)).commit().rotate("binlog.000002");
    let mut first = Log::file("binlog.000002", MYSQL, true, false);
    prepared(&mut first, 2);
    first.gtid(0, 3, false).update("t", (5, 4), (5, 5)).commit().rotate("binlog.000003");
    let mut second = Log::file("binlog.000003", MYSQL, true, false);
    second.gtid(0, 4, false).update("u", (4, 3), (4, 4)).commit();
    let baseline = baseline(&second.end(), &[("t", "InnoDB"), ("u", "InnoDB")]);
    second.gtid(0, 5, false).update("u", (3, 3), (3, 30)).commit();
    let before = second.end();
    second.gtid(0, 6, true).query("XA COMMIT X'61',X'',1");
    let end = second.end();

    let log = pieces(&[&oldest, &first, &second]);
    let names =
        |report: &Report| report.inputs.log.iter().map(|piece| piece.name.clone()).collect::<Vec<_>>().join(" ");
    let report = check(&baseline, &log, &request(&before, ""), &[("", [1, 0, 1, 0, 0, 0, 0, 0])]);
    assert_eq!(names(&report), "binlog.000003/4");
    let all = [
        ("", [1, 4, 3, 1, 1, 0, 0, 0]),
        ("t", [0, 3, 2, 1, 0, 0, 0, 0]),
        ("u", [1, 0, 1, 0, 0, 0, 0, 0]),
        ("v", [0, 1, 0, 0, 1, 0, 0, 0]),
    ];
    let report = check(&baseline, &log, &request(&end, ""), &all);
    // The walk before the baseline is in no sum of the window's events, but what was read for it is an input.
    assert_eq!(names(&report), "binlog.000002/4 binlog.000003/4");
    assert!(report.inputs.log.iter().all(|piece| piece.reading.bytes > 0 && !piece.reading.sha256.is_empty()));
    assert_eq!(report.events.read, report.events.before_baseline + report.events.seen + report.events.behind_cut);
    let of_one = [("", [1, 4, 1, 1, 0, 2, 0, 1]), ("t", [0, 3, 0, 1, 0, 2, 0, 0])];
    check(&baseline, &log, &request(&end, "d.u"), &of_one);
    // Where nothing of the window is to be collected, neither is anything before it.
    check(&baseline, &log, &request(&end, "d.t"), &[("", [1, 4, 2, 1, 0, 1, 0, 1])]);

    let changes: [(Change<'_>, &str); 3] = [
        (&|plan| plan.events.row_events_carried += 1, "does not balance"),
        (&|plan| plan.carried.clear(), "0 were applied"),
        (
            &|plan| {
                plan.events.row_events_carried += 1;
                plan.events.row_events_other_tables += 1;
                let other = plan.row_events.entry("d.w".parse().unwrap()).or_default();
                (other.carried, other.other_tables) = (1, 1);
            },
            "5 row events carried from before the baseline, 4 were seen",
        ),
    ];
    for (change, problem) in changes {
        let error = run(&baseline, &log, &request(&end, ""), change).unwrap_err().to_string();
        assert!(error.contains(problem), "{error}");
    }
}

#[test]
fn xa_transactions_of_the_window() {
    let mut log = Log::file("binlog.000001", MYSQL, true, false);
    let baseline = baseline(&log.end(), &[("t", "InnoDB")]);
    prepared(&mut log, 1);
    let waiting = log.end();
    log.gtid(0, 2, true).query("XA ROLLBACK X'61',X'',1");
    let gone = log.end();
    prepared(&mut log, 3);
    let again = log.end();
    log.gtid(0, 4, true).query("XA COMMIT X'61',X'',1");
    let end = log.end();
    let log = pieces(&[&log]);
    for target in [&waiting, &gone] {
        check(
            &baseline,
            &log,
            &request(target, ""),
            &[("", [4, 0, 0, 3, 1, 0, 0, 0]), ("t", [3, 0, 0, 3, 0, 0, 0, 0])],
        );
    }
    check(&baseline, &log, &request(&again, ""), &[("t", [6, 0, 0, 6, 0, 0, 0, 0])]);
    check(&baseline, &log, &request(&end, ""), &[("", [8, 0, 2, 4, 2, 0, 0, 0]), ("t", [6, 0, 2, 4, 0, 0, 0, 0])]);
}

#[test]
fn what_knows_no_transactions_is_applied() {
    let mut log = Log::file("binlog.000001", MARIADB, true, false);
    let baseline = baseline(&log.end(), &[("t", "InnoDB"), ("m", "MyISAM")]);
    log.gtid(0, 1, false).query("SAVEPOINT `s`").insert("t", &[(7, 7)]).insert("m", &[(7, 7)]);
    log.query("ROLLBACK TO `s`").insert("m", &[(8, 8)]).insert("t", &[(8, 8)]).query("ROLLBACK");
    let expected = [("t", [2, 0, 0, 2, 0, 0, 0, 0]), ("m", [2, 0, 2, 0, 0, 0, 0, 0])];
    check(&baseline, &pieces(&[&log]), &request(&log.end(), ""), &expected);
}

/// A transaction that breaks off made a table, and changed one without transactions.
#[test]
fn a_transaction_that_breaks_off() {
    let executed = [&[1, 0, 0, 0, 0, 0, 0, 0, 7, 0, 0, 0, 1][..], &[0; 7]].concat();
    let mut log = Log::file("binlog.000001", MARIADB, true, false);
    log.event(EventType::GTID_LIST, &executed);
    let baseline = baseline(&log.end(), &[("t", "InnoDB"), ("m", "MyISAM")]);
    log.gtid(0, 2, false).insert("t", &[(6, 6)]).commit().later(10);
    log.gtid(0, 3, false).query("CREATE TABLE n (number INT PRIMARY KEY, value INT) ENGINE=InnoDB");
    log.insert("n", &[(1, 1)]).insert("t", &[(7, 7)]).insert("m", &[(7, 7)]);
    let mut next = Log::file("binlog.000002", MARIADB, true, true);
    next.event(EventType::GTID_LIST, &[&[1, 0, 0, 0, 0, 0, 0, 0, 7, 0, 0, 0, 2][..], &[0; 7]].concat()).later(20);
    next.gtid(0, 3, true).query("CREATE TABLE o (number INT PRIMARY KEY, value INT) ENGINE=InnoDB");
    next.gtid(0, 4, false).insert("o", &[(8, 8), (9, 9)]).commit();
    let end = next.end();
    let log = pieces(&[&log, &next]);
    let all = [
        ("", [5, 0, 2, 3, 0, 0, 0, 0]),
        ("t", [2, 0, 1, 1, 0, 0, 0, 0]),
        ("m", [1, 0, 0, 1, 0, 0, 0, 0]),
        ("n", [1, 0, 0, 1, 0, 0, 0, 0]),
        ("o", [1, 0, 1, 0, 0, 0, 0, 0]),
    ];
    let report = check(&baseline, &log, &request(&end, ""), &all);
    // The names that were met in it mean what they did.
    let refused: Vec<String> = report.refused.iter().map(|refusal| refusal.table.to_string()).collect();
    assert_eq!((refused, report.tables.len()), (vec!["d.m".to_owned()], 2));
    // Before the cut there is nothing of it.
    let report = check(&baseline, &log, &request("2023-11-14T22:13:21Z", ""), &[("", [1, 0, 1, 0, 0, 0, 0, 0])]);
    assert!(report.events.behind_cut > 4, "{:?}", report.events);
}

#[test]
fn tables_that_came_to_their_end() {
    let mut log = Log::file("binlog.000001", MYSQL, true, false);
    let baseline = baseline(&log.end(), &[("t", "InnoDB"), ("h", "MEMORY")]);
    // A definition that cannot be read, of a table whose rows are there and gone again.
    log.gtid(0, 1, false).query("CREATE TABLE n SELECT 1 AS number, 1 AS value").insert("n", &[(1, 1)]).commit();
    let made = log.end();
    log.gtid(0, 2, true).query("DROP TABLE n");
    log.gtid(0, 3, false).insert("h", &[(7, 7)]).commit().rotate("binlog.000002");
    let mut next = Log::file("binlog.000002", MYSQL, true, true);
    next.gtid(0, 4, false).insert("t", &[(7, 7)]).insert("h", &[(1, 9)]).commit();
    let end = next.end();
    let log = pieces(&[&log, &next]);
    check(&baseline, &log, &request(&made, ""), &[("n", [1, 0, 0, 0, 1, 0, 0, 0])]);
    let expected = [("", [4, 0, 2, 0, 0, 0, 2, 0]), ("n", [1, 0, 0, 0, 0, 0, 1, 0]), ("h", [2, 0, 1, 0, 0, 0, 1, 0])];
    check(&baseline, &log, &request(&end, ""), &expected);
    let ended = |plan: &mut Plan| {
        let ended: Vec<String> = plan.ended.iter().map(|e| format!("{}: {}", e.name, e.statement)).collect();
        assert!(ended.contains(&"d.h: the server started".to_owned()), "{ended:?}");
    };
    run(&baseline, &log, &request(&end, ""), &ended).unwrap();
}

/// What foreign keys do to children is told by no event of theirs, and has columns of its own.
#[test]
fn cascades() {
    let mut log = Log::file("binlog.000001", MARIADB, true, false);
    let baseline = baseline(&log.end(), &[("t", "InnoDB"), ("c", "InnoDB")]);
    let key = "PRIMARY KEY (`number`),\n  CONSTRAINT `f` FOREIGN KEY (`value`) REFERENCES `t` (`number`) ON DELETE CASCADE ON UPDATE CASCADE\n";
    let definition = baseline.text("d.c-schema.sql").replace("PRIMARY KEY (`number`)\n", key);
    baseline.put("d.c-schema.sql", definition.into_bytes());
    log.gtid(0, 1, false).insert("c", &[(6, 2), (7, 1)]).commit();
    log.gtid(0, 2, false).delete("t", (2, 2)).update("t", (3, 3), (30, 3)).commit();
    let log = pieces(&[&log]);
    let end = "binlog.000001";
    let last = log.0[0].1.len();
    let expected = [("t", [2, 0, 2, 0, 0, 0, 0, 0]), ("c", [1, 0, 1, 0, 0, 0, 0, 0])];
    let report = check(&baseline, &log, &request(&format!("{end}:{last}"), ""), &expected);
    let child = report.tables[&"d.c".parse().unwrap()];
    assert_eq!((child.rows_read, child.rows_kept, child.rows_replaced, child.rows_deleted), (5, 3, 1, 1));
    assert_eq!((child.inserts, child.updates, child.deletes), (2, 0, 0));
    assert_eq!((child.cascade_deletes, child.cascade_updates), (2, 1));
    assert_eq!((child.rows_added, child.rows_written), (1, 5));
    assert_eq!(child.rows_read + child.inserts, child.rows_written + child.deletes + child.cascade_deletes);
    assert_eq!((report.rows.cascade_deletes, report.rows.cascade_updates), (2, 1));

    // The same without an event of the child's own.
    let mut log = Log::file("binlog.000001", MARIADB, true, false);
    log.gtid(0, 2, false).delete("t", (2, 2)).commit();
    let (end, log) = (log.end(), pieces(&[&log]));
    let planned = |plan: &mut Plan| {
        let TableAction::Merge { row_events, cascaded, .. } = &plan.tables[&"d.c".parse().unwrap()] else { panic!() };
        assert!(*row_events == 0 && cascaded.is_some());
        let text = plan.to_string();
        let line = text.lines().skip_while(|line| !line.starts_with("d.c ")).take(2).collect::<Vec<_>>().join("\n");
        assert!(line.contains("merged") && line.contains("foreign keys may have changed its rows"), "{text}");
    };
    let report = run(&baseline, &log, &request(&end, ""), &planned).unwrap();
    let child = report.tables[&"d.c".parse().unwrap()];
    assert_eq!((child.rows_read, child.rows_deleted, child.cascade_deletes, child.rows_written), (5, 1, 1, 4));
}

#[test]
fn images_that_lack_columns() {
    let mut log = Log::file("binlog.000001", MYSQL, true, false);
    let baseline = baseline(&log.end(), &[("t", "InnoDB")]);
    let definition = baseline.text("d.t-schema.sql").replace("  PRIMARY", "  `extra` int DEFAULT NULL,\n  PRIMARY");
    baseline.put("d.t-schema.sql", definition.into_bytes());
    let rows = baseline.text("d.t.sql").replace("),", ",8),").replace(");", ",8);");
    baseline.put("d.t.sql", rows.into_bytes());
    log.gtid(0, 1, false).event(EventType::TABLE_MAP, b"t\0\0\0\0\0\x01\0\x01d\0\x01t\0\x03\x03\x03\x03\0\x06");
    // Before: the number; behind: the value.
    log.event(EventType::UPDATE_ROWS_V1, b"t\0\0\0\0\0\x01\0\x03\x01\x02\0\x02\0\0\0\0\x63\0\0\0").commit();
    let (end, log) = (log.end(), pieces(&[&log]));
    let report = check(&baseline, &log, &request(&end, ""), &[("t", [1, 0, 1, 0, 0, 0, 0, 0])]);
    let rows = report.tables[&"d.t".parse().unwrap()];
    assert_eq!((rows.rows_read, rows.rows_kept, rows.rows_replaced), (5, 4, 1));
    assert_eq!((rows.updates, rows.partial_images), (1, 1));
    assert_eq!(report.rows.partial_images, 1);
    run(&baseline, &log, &request(&end, ""), &|plan| {
        assert!(plan.to_string().contains("row images lack columns"), "{plan}");
    })
    .unwrap();
}

/// A sequence's rows are applied: the last one is its state.
#[test]
fn sequences() {
    let mut log = Log::file("binlog.000001", MARIADB, true, false);
    let baseline = baseline(&log.end(), &[("t", "InnoDB")]);
    log.gtid(0, 1, true).query("CREATE SEQUENCE s");
    for (number, next) in [(2, 1_u8), (3, 101)] {
        log.gtid(0, number, false)
            .event(EventType::TABLE_MAP, b"s\0\0\0\0\0\x01\0\x01d\0\x01s\0\x08\x08\x08\x08\x08\x08\x08\x01\x08\0\0");
        let row = [&b"s\0\0\0\0\0\x01\0\x08\xff\0"[..], &[next], &[0; 56]].concat();
        log.event(EventType::WRITE_ROWS_V1, &row).commit();
    }
    let there = log.end();
    log.gtid(0, 4, true).query("DROP SEQUENCE s");
    let (gone, log) = (log.end(), pieces(&[&log]));
    check(&baseline, &log, &request(&there, ""), &[("", [2, 0, 2, 0, 0, 0, 0, 0]), ("s", [2, 0, 2, 0, 0, 0, 0, 0])]);
    check(&baseline, &log, &request(&there, "d.t"), &[("s", [2, 0, 0, 0, 0, 2, 0, 0])]);
    check(&baseline, &log, &request(&gone, ""), &[("s", [2, 0, 0, 0, 0, 0, 2, 0])]);
    run(&baseline, &log, &request(&gone, ""), &|plan| assert_eq!(plan.ended.len(), 1, "{plan}")).unwrap();
}

/// What is read for the plan alone is an input like the rest, and must not change before it is carried out.
#[test]
fn files_that_are_read_for_the_plan() {
    let mut log = Log::file("binlog.000001", MARIADB, true, false);
    let baseline = baseline(&log.end(), &[("t", "InnoDB")]);
    let routines = "CREATE FUNCTION `f`() RETURNS int RETURN 1;\n";
    baseline.put("d-schema-post.sql", routines.as_bytes().to_vec());
    log.gtid(0, 1, true).query("CREATE FUNCTION g() RETURNS int RETURN 2");
    log.gtid(0, 2, false).delete("t", (2, 2)).commit();
    let (end, log) = (log.end(), pieces(&[&log]));
    let report = run(&baseline, &log, &request(&end, ""), &|_| {}).unwrap();
    let read = report.inputs.baseline.iter().find(|file| file.name == "d-schema-post.sql").unwrap();
    assert_eq!((read.reading.bytes, read.reading.whole), (routines.len() as u64, true));
    for file in ["d.t-schema.sql", "metadata"] {
        let text = baseline.text(file);
        let change = |_: &mut Plan| baseline.put(file, format!("{text}\n").into_bytes());
        let error = run(&baseline, &log, &request(&end, ""), &change).unwrap_err().to_string();
        assert!(error.contains(&format!("{file} of the baseline has other bytes")), "{error}");
        baseline.put(file, text.into_bytes());
    }
}
