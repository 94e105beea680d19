//! What stands around tables, on logs made by hand: what depends on how the baseline was dumped.

#![expect(clippy::disallowed_methods, reason = "what tests share also reads recorded histories, which are files")]
#![expect(clippy::unwrap_used, reason = "a test's helpers may panic like the test")]

#[path = "support/log.rs"]
#[expect(dead_code, reason = "other tests use the rest")]
mod log;
#[path = "support/memory.rs"]
#[expect(dead_code, reason = "other tests use the rest")]
mod memory;

use std::io::{self, Read};

use backtrail_domain::{CutTarget, TableFilter, TableName};
use backtrail_reconstruct::{
    Baseline, FileInfo, Inputs, NameCase, NoObserver, ObjectAction, Plan, RefusalPolicy, Request, plan, reconstruct,
};
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

/// A client's character set by the number of its collation, and a statement in it.
type Sent<'a> = (u8, &'a [u8]);

/// The plan, and the names and texts of the result's files.
fn result(files: &[(&str, &str)], statements: &[Sent<'_>], tables: TableFilter) -> (Plan, Memory) {
    let mut log = Log::file("binlog.000001", MARIADB, true, false);
    let baseline = baseline(&log.end(), files);
    for (number, (client, statement)) in (1..).zip(statements) {
        log.gtid(0, number, true).query_of_client(statement, *client);
    }
    let (log, end) = (pieces(&[&log]), log.end());
    let spill = Memory::default();
    let inputs = Inputs { baseline: &baseline, log: &log, spill: &spill, observer: &NoObserver };
    let mut request = Request::new(CutTarget::Position(end.parse().unwrap()), tables);
    request.refusals = RefusalPolicy::Skip;
    let plan = plan(&inputs, &request).unwrap();
    let result = Memory::default();
    reconstruct(&inputs, &plan, &request, &result).unwrap();
    (plan, result)
}

/// Kind, name and action of what the plan says, in order.
fn told(plan: &Plan) -> Vec<String> {
    let action = |action| match action {
        ObjectAction::Written => "written",
        ObjectAction::Dropped => "dropped",
        ObjectAction::LeftOut => "left out",
    };
    let mut told: Vec<String> =
        plan.around.iter().map(|own| format!("{} {} {}", own.kind, own.name, action(own.action))).collect();
    told.sort();
    told
}

const UTF8: u8 = 45;
const CP850: u8 = 4;
const LATIN1: u8 = 8;

#[test]
fn names_in_unknown_characters() {
    let files = [
        (
            "d-schema-post.sql",
            "CREATE PROCEDURE `pé`() SELECT 1;\nCREATE PROCEDURE `other`() SELECT 1;\nCREATE EVENT `pé` ON SCHEDULE EVERY 1 DAY DO SET @a = 1;\n",
        ),
        ("d.vé-schema-view.sql", "CREATE VIEW `vé` AS SELECT 1 AS `1`;\n"),
        ("d.w-schema-view.sql", "CREATE VIEW `w` AS SELECT 1 AS `1`;\n"),
    ];
    let check = |statement: &[u8], expected: &[&str], stays: &[&str], goes: &str| {
        let (plan, result) = result(&files, &[(CP850, statement)], TableFilter::All);
        assert_eq!(told(&plan), expected);
        let texts: String = result
            .files()
            .iter()
            .filter(|(name, _)| name.contains("post") || name.contains("view"))
            .map(|(_, bytes)| String::from_utf8_lossy(bytes).into_owned())
            .collect();
        for part in stays {
            assert!(texts.contains(part), "{part}: {texts}");
        }
        assert!(!texts.contains(goes), "{goes}: {texts}");
        assert_eq!(plan.warnings.len(), expected.len(), "{:?}", plan.warnings);
    };
    let event = "CREATE EVENT `pé`";
    check(b"DROP PROCEDURE p\x82", &["PROCEDURE d.pé left out"], &["`other`", event, "`vé`"], "PROCEDURE `pé`");
    check(
        b"CREATE OR REPLACE VIEW v\x82 AS SELECT 2",
        &["VIEW d.vé left out", "VIEW d.v… left out"],
        &["`w`", event],
        "VIEW `vé`",
    );
    check(b"DROP EVENT p\x82", &["EVENT d.pé left out"], &["PROCEDURE `pé`", "`other`"], event);
}

#[test]
fn what_is_told_of_named_tables_and_schemas() {
    let only = || TableFilter::Only([TableName::new("d", "t")].into());
    let check = |files: &[(&str, &str)], statements: &[&str], tables: TableFilter, expected: &[&str]| {
        let sent: Vec<Sent<'_>> = statements.iter().map(|statement| (UTF8, statement.as_bytes())).collect();
        let (plan, _) = result(files, &sent, tables);
        assert_eq!(told(&plan), expected, "{statements:?}");
        let left_out = plan.around.iter().filter(|own| own.action == ObjectAction::LeftOut);
        assert_eq!(left_out.clone().count(), left_out.filter(|own| own.reason.is_some()).count());
    };
    let statements = [
        "CREATE PROCEDURE p() SELECT 1",
        "CREATE VIEW v AS SELECT 1 AS one",
        "CREATE TRIGGER g BEFORE INSERT ON t FOR EACH ROW SET @a = 1",
        "CREATE DATABASE other",
    ];
    check(
        &[],
        &statements,
        TableFilter::All,
        &["DATABASE other.other written", "PROCEDURE d.p written", "TRIGGER d.g written", "VIEW d.v written"],
    );
    check(&[], &statements, only(), &["TRIGGER d.g written"]);
    // A schema of which the dump has no file; one of which a statement is not understood.
    let alter = "ALTER DATABASE e CHARACTER SET latin1";
    check(
        &[("e.u-schema.sql", "CREATE TABLE `u` (`id` int NOT NULL, PRIMARY KEY (`id`));\n")],
        &[alter],
        TableFilter::All,
        &["DATABASE e.e left out"],
    );
    check(&[], &["ALTER DATABASE d CHARACTER SET latin1"], TableFilter::All, &["DATABASE d.d written"]);
    let (plan, _) = result(
        &[],
        &[(CP850, b"ALTER DATABASE d COMMENT '\x82'"), (UTF8, b"ALTER DATABASE d CHARACTER SET latin1")],
        TableFilter::All,
    );
    assert_eq!(told(&plan), ["DATABASE d.d left out"]);
}

#[test]
fn a_sequence_whose_numbers_are_not_known() {
    let table = "CREATE TABLE `s` (
  `next_not_cached_value` smallint(7) unsigned NOT NULL,
  `minimum_value` smallint(7) unsigned NOT NULL,
  `maximum_value` smallint(7) unsigned NOT NULL,
  `start_value` smallint(7) unsigned NOT NULL COMMENT 'start value when sequences is created or value if RESTART is used',
  `increment` bigint(21) NOT NULL COMMENT 'increment value',
  `cache_size` bigint(21) unsigned NOT NULL,
  `cycle_option` tinyint(1) unsigned NOT NULL COMMENT '0 if no cycles are allowed, 1 if the sequence should begin a new cycle when maximum_value is passed',
  `cycle_count` bigint(21) NOT NULL COMMENT 'How many cycles have been done'
) ENGINE=InnoDB SEQUENCE=1;\n";
    let check = |row: Option<&str>, statement: &str, expected: &[&str], file: Option<&str>| {
        let mut files = vec![("d.s-schema.sql", table)];
        files.extend(row.map(|row| ("d.s.sql", row)));
        let (plan, result) = result(&files, &[(UTF8, statement.as_bytes())], TableFilter::All);
        assert_eq!(told(&plan), expected, "{statement}");
        let warned = plan
            .warnings
            .iter()
            .any(|warning| warning.contains("sequence d.") && warning.contains("not in the result"));
        assert_eq!(warned, file.is_none() && !statement.starts_with("DROP"), "{:?}", plan.warnings);
        if let Some(file) = file {
            let text = result.text(file);
            assert!(text.contains("`start_value` smallint(7) unsigned NOT NULL"), "{text}");
        }
    };
    let row = Some("INSERT INTO `s` VALUES\n(7,1,65534,7,1,3,0,0);\n");
    check(row, "RENAME TABLE s TO r", &["SEQUENCE d.r written"], Some("d.r-schema.sql"));
    check(row, "ALTER SEQUENCE s CACHE 9", &["SEQUENCE d.s written"], Some("d.s-schema.sql"));
    check(row, "DROP SEQUENCE s", &["SEQUENCE d.s dropped"], None);
    check(None, "RENAME TABLE s TO r", &["SEQUENCE d.r left out"], None);
    check(None, "ALTER SEQUENCE s CACHE 9", &["SEQUENCE d.s left out"], None);
    check(Some("INSERT INTO `s` SELECT 1;\n"), "ALTER SEQUENCE s CACHE 9", &["SEQUENCE d.s left out"], None);
}

/// A server keeps the columns that `*` stands for. The result may be the next baseline, with a table that has others.
#[test]
fn a_view_keeps_its_columns() {
    let statement = b"CREATE VIEW d.v AS SELECT x.*, 1 AS one FROM d.t x";
    let (_, result) = result(&[], &[(UTF8, statement)], TableFilter::All);
    let text = result.text("d.v-schema-view.sql");
    assert!(text.contains("SELECT `x`.`id`, 1 AS one FROM"), "{text}");
    // All ASCII itself: names that are put into it have to be in its client's characters, or it stays.
    let schema = "CREATE TABLE `t` (\n  `日` int NOT NULL,\n  PRIMARY KEY (`日`)\n) ENGINE=InnoDB;\n";
    for client in [LATIN1, CP850] {
        let (_, result) = self::result(&[("d.t-schema.sql", schema)], &[(client, statement)], TableFilter::All);
        let text = result.text("d.v-schema-view.sql");
        assert!(text.contains("SELECT x.*, 1 AS one FROM"), "{text}");
    }
}

/// A result of which nothing changes is the next one's baseline.
#[test]
fn results_as_baselines() {
    let view = b"CREATE VIEW d.`v\xe9` AS SELECT 1 AS one";
    let sequence = (UTF8, &b"CREATE SEQUENCE d.s START WITH 5"[..]);
    let schema = (UTF8, &b"CREATE DATABASE e"[..]);
    let (plan_of_first, first) = result(&[], &[(LATIN1, view), sequence, schema], TableFilter::All);
    let cut = &plan_of_first.cut.position;
    let mut log = Log::segment(&cut.file.to_string(), MARIADB, cut.offset);
    let baseline = Memory::default();
    first.files().into_iter().for_each(|(name, bytes)| baseline.put(&name, bytes));
    log.gtid(0, 50, true).query_of_client(b"ALTER SEQUENCE d.s RESTART 12", UTF8);
    log.gtid(0, 51, true).query_of_client(b"CREATE TABLE e.t (a CHAR(3))", UTF8);
    log.gtid(0, 52, true).query_of_client(b"ALTER DATABASE e COLLATE utf8mb4_bin", UTF8);
    let end = log.end();
    let log = pieces(&[&log]);
    let spill = Memory::default();
    let inputs = Inputs { baseline: &baseline, log: &log, spill: &spill, observer: &NoObserver };
    let mut request = Request::new(CutTarget::Position(end.parse().unwrap()), TableFilter::All);
    request.refusals = RefusalPolicy::Fail;
    let plan = plan(&inputs, &request).unwrap();
    let second = Memory::default();
    reconstruct(&inputs, &plan, &request, &second).unwrap();
    let (before, after) = (first.files(), second.files());
    let of_view: Vec<&String> = before.keys().filter(|name| name.ends_with("-schema-view.sql")).collect();
    assert_eq!(of_view.len(), 1, "{:?}", before.keys());
    assert_eq!(before[of_view[0]], after[of_view[0]]);
    let text = second.text("d.s-schema.sql");
    assert!(text.contains("START WITH 5;\nALTER SEQUENCE `s` RESTART 12;"), "{text}");
    // The schema's own before it changed.
    let text = second.text("e.t-schema.sql");
    assert!(text.contains("COLLATE utf8mb4_general_ci"), "{text}");
}

#[test]
fn stars_that_stay() {
    let check = |statements: &[&str], view: Option<&str>| {
        let sent: Vec<Sent<'_>> = statements.iter().map(|statement| (UTF8, statement.as_bytes())).collect();
        let (plan, result) = result(&[], &sent, TableFilter::All);
        let files = result.files();
        let own = files.get("d.w-schema-view.sql").map(|bytes| String::from_utf8_lossy(bytes).into_owned());
        match (view, own) {
            (Some(text), Some(own)) => assert!(own.contains(text), "{own}"),
            (None, None) => assert!(plan.warnings.iter().any(|told| told.contains("d.w")), "{:?}", plan.warnings),
            (wanted, own) => panic!("{wanted:?}: {own:?}"),
        }
    };
    let (over, made) = ("CREATE VIEW d.w AS SELECT * FROM d.v", "CREATE VIEW d.v AS SELECT 1 AS a");
    check(&[made, over], Some("SELECT * FROM"));
    check(&[made, over, "CREATE OR REPLACE VIEW d.v AS SELECT 1 AS a, 2 AS b"], None);
    // Of two tables of one name their schemas tell which it is.
    check(&["CREATE VIEW d.w AS SELECT d.t.* FROM d.t JOIN e.t"], Some("SELECT d.t.* FROM"));
}

/// A server that keeps names in small letters is given them as typed.
#[test]
fn objects_of_a_server_of_small_letters() {
    let statements = [
        "DROP PROCEDURE D.p",
        "DROP VIEW D.V",
        "CREATE DATABASE E",
        "CREATE TABLE E.T (a INT)",
        "ALTER DATABASE D COLLATE utf8mb4_bin",
    ];
    let files = [
        ("d-schema-post.sql", "CREATE PROCEDURE `p`() SELECT 1;\n"),
        ("d.v-schema.sql", "CREATE TABLE `v` (`a` int);\n"),
        ("d.v-schema-view.sql", "CREATE VIEW `v` AS SELECT 1 AS `a`;\n"),
    ];
    let mut log = Log::file("binlog.000001", MARIADB, true, false);
    let baseline = Lowering(baseline(&log.end(), &files));
    for (number, statement) in (1..).zip(statements) {
        log.gtid(0, number, true).query(statement);
    }
    let (log, end) = (pieces(&[&log]), log.end());
    let inputs = Inputs { baseline: &baseline, log: &log, spill: &Memory::default(), observer: &NoObserver };
    let request = Request::new(CutTarget::Position(end.parse().unwrap()), TableFilter::All);
    let plan = plan(&inputs, &request).unwrap();
    let result = Memory::default();
    reconstruct(&inputs, &plan, &request, &result).unwrap();
    let files = result.files();
    let names: Vec<&str> = files.keys().map(String::as_str).collect();
    let wanted = ["d-schema-create.sql", "d.t-schema.sql", "e-schema-create.sql", "e.t-schema.sql", "metadata"];
    assert_eq!(names, wanted);
    assert!(result.text("d-schema-create.sql").contains("ALTER DATABASE `d` COLLATE utf8mb4_bin"));
}

struct Lowering(Memory);

impl Baseline for Lowering {
    fn files(&self) -> io::Result<Vec<FileInfo>> {
        Baseline::files(&self.0)
    }

    fn open(&self, name: &str) -> io::Result<Box<dyn Read + Send>> {
        Baseline::open(&self.0, name)
    }

    fn name_case(&self) -> Option<NameCase> {
        Some(NameCase::Lowered)
    }
}

/// Without a manifest it is not known whether the server takes two schemas for one.
#[test]
fn objects_of_a_schema_in_other_letters() {
    let files = [("d-schema-post.sql", "CREATE PROCEDURE `p`() SELECT 1;\n")];
    let (plan, result) = result(&files, &[(UTF8, b"DROP PROCEDURE D.p")], TableFilter::All);
    assert_eq!(told(&plan), ["PROCEDURE d.p left out"]);
    assert!(!result.files().contains_key("d-schema-post.sql"));
}
