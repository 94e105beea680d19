//! What stands around tables, on logs made by hand: what depends on how the baseline was dumped.

#![expect(clippy::disallowed_methods, reason = "what tests share also reads recorded histories, which are files")]
#![expect(clippy::unwrap_used, reason = "a test's helpers may panic like the test")]

#[path = "support/log.rs"]
#[expect(dead_code, reason = "other tests use the rest")]
mod log;
#[path = "support/memory.rs"]
#[expect(dead_code, reason = "other tests use the rest")]
mod memory;

use backtrail_domain::{CutTarget, TableFilter};
use backtrail_reconstruct::{Inputs, NoObserver, Request, plan, reconstruct};
use log::{Log, pieces};
use memory::Memory;

const MARIADB: &str = "10.11.6-MariaDB-log";

/// The schema `d` with a table, and the files given.
fn baseline(position: &str, files: &[(&str, &str)]) -> Memory {
    let (file, offset) = position.split_once(':').unwrap();
    let memory = Memory::default();
    let metadata = format!(
        "Started dump at: 2023-11-14 22:13:20\nSHOW MASTER STATUS:\n\tLog: {file}\n\tPos: {offset}\n\tGTID:\n\n\
         Finished dump at: 2023-11-14 22:13:20\n"
    );
    memory.put("metadata", metadata.into_bytes());
    memory.put("d-schema-create.sql", b"CREATE DATABASE `d`;\n".to_vec());
    memory.put(
        "d.t-schema.sql",
        b"CREATE TABLE `t` (\n  `id` int NOT NULL,\n  PRIMARY KEY (`id`)\n) ENGINE=InnoDB;\n".to_vec(),
    );
    for (name, text) in files {
        memory.put(name, text.as_bytes().to_vec());
    }
    memory
}

/// The warnings behind the statements, which are all about `d.p` in the result.
fn warnings(files: &[(&str, &str)], statements: &[&str]) -> Vec<String> {
    let mut log = Log::file("binlog.000001", MARIADB, true, false);
    let baseline = baseline(&log.end(), files);
    for (number, statement) in (1..).zip(statements) {
        log.gtid(0, number, true).query(statement);
    }
    let (log, end) = (pieces(&[&log]), log.end());
    let spill = Memory::default();
    let inputs = Inputs { baseline: &baseline, log: &log, spill: &spill, observer: &NoObserver };
    let request = Request::new(CutTarget::Position(end.parse().unwrap()), TableFilter::All);
    let plan = plan(&inputs, &request).unwrap();
    let result = Memory::default();
    reconstruct(&inputs, &plan, &request, &result).unwrap();
    plan.warnings.into_iter().filter(|warning| warning.contains("d.p")).collect()
}

#[test]
fn objects_that_may_have_been_there() {
    let routine = ("d-schema-post.sql", "CREATE FUNCTION `f`() RETURNS int RETURN 1;\n");
    let event = ("d-schema-post.sql", "CREATE EVENT `e` ON SCHEDULE EVERY 1 DAY DO SET @a = 1;\n");
    let triggers = ("d.t-schema-triggers.sql", "CREATE TRIGGER `a` BEFORE INSERT ON `t` FOR EACH ROW SET @a = 1;\n");
    let view = ("d.v-schema-view.sql", "CREATE VIEW `v` AS SELECT 1 AS `1`;\n");
    let made = |kind: &str| match kind {
        "view" => "CREATE VIEW IF NOT EXISTS p AS SELECT id FROM t",
        "trigger" => "CREATE TRIGGER IF NOT EXISTS p BEFORE INSERT ON t FOR EACH ROW SET @b = 1",
        "event" => "CREATE EVENT IF NOT EXISTS p ON SCHEDULE EVERY 1 DAY DO SET @a = 2",
        _ => "CREATE PROCEDURE IF NOT EXISTS p() SELECT 1",
    };
    for (kind, other, own) in [
        ("procedure", event, routine),
        ("event", routine, event),
        ("trigger", view, triggers),
        ("view", triggers, view),
    ] {
        let statement = made(kind);
        for files in [&[][..], &[other][..]] {
            let told = warnings(files, &[statement]);
            assert_eq!(told.len(), 1, "{kind}: {told:?}");
            assert!(told[0].contains(&format!("the {kind} d.p")) && told[0].contains(statement), "{told:?}");
        }
        assert_eq!(warnings(&[own], &[statement]), Vec::<String>::new(), "{kind}");
        assert_eq!(warnings(&[], &[&statement.replace("IF NOT EXISTS ", "")]), Vec::<String>::new(), "{kind}");
        let replaced = statement.replace("CREATE", "CREATE OR REPLACE").replace("IF NOT EXISTS ", "");
        assert_eq!(warnings(&[], &[&replaced, &format!("DROP {kind} p"), statement]), Vec::<String>::new(), "{kind}");
    }
}
