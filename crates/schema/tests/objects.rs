//! Statements about views, triggers, routines and events, read and written again.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test's helpers fail by panicking")]

use backtrail_schema::{
    ObjectNames, ObjectStatement, OutputColumn, SqlDialect, read_object_statement, read_schema_statement,
    read_view_query, with_table_options,
};

const DIALECT: SqlDialect = SqlDialect::mariadb();

fn read(sql: &str) -> ObjectStatement {
    read_object_statement(sql, "shop", &DIALECT).unwrap().unwrap_or_else(|| panic!("no object: {sql}"))
}

#[test]
fn statements_are_written_as_mydumper_has_them() {
    let check = |sql: &str, expect: &str| {
        let found = read(sql);
        let table = found.table.as_ref().map(|table| table.table.as_str());
        let names = ObjectNames { name: &found.name.table, table, ..ObjectNames::default() };
        assert_eq!(found.write(sql, &names), expect, "{sql}");
    };
    check(
        "CREATE OR REPLACE ALGORITHM=UNDEFINED DEFINER=`root`@`localhost` SQL SECURITY DEFINER VIEW `log1`.`v`(`a`, `b`) AS SELECT id, v FROM log1.t  WITH CHECK OPTION",
        "CREATE  ALGORITHM=UNDEFINED DEFINER=`root`@`localhost` SQL SECURITY DEFINER VIEW `v`(`a`, `b`) AS SELECT id, v FROM log1.t  WITH CHECK OPTION",
    );
    check("ALTER DEFINER=`a`@`b` VIEW w AS SELECT 1 -- end", "CREATE DEFINER=`a`@`b` VIEW w AS SELECT 1 -- end\n");
    check(
        "CREATE DEFINER=`a`@`%` TRIGGER IF NOT EXISTS shop.tr BEFORE INSERT ON shop.t FOR EACH ROW PRECEDES tr0 SET NEW.v = 1",
        "CREATE DEFINER=`a`@`%` TRIGGER  `tr` BEFORE INSERT ON `t` FOR EACH ROW  SET NEW.v = 1",
    );
    check(
        "CREATE PROCEDURE p()\nBEGIN\n SELECT 1;\n SELECT ';\n';\nEND;",
        "CREATE PROCEDURE p()\nBEGIN\n SELECT 1; \n SELECT ';\\n'; \nEND",
    );
    check("SET STATEMENT max_statement_time=1 FOR ALTER PROCEDURE p COMMENT 'y'", "ALTER PROCEDURE p COMMENT 'y'");
    check(
        "CREATE PACKAGE BODY pk AS PROCEDURE p1 AS BEGIN SELECT 1; END; END",
        "CREATE PACKAGE BODY pk AS PROCEDURE p1 AS BEGIN SELECT 1; END; END",
    );
}

#[test]
fn names_and_definers_change() {
    let sql = "ALTER EVENT shop.e RENAME TO f";
    let found = read(sql);
    assert!(!found.says_more);
    assert_eq!(found.rename_to.unwrap().to_string(), "shop.f");
    let sql = "ALTER EVENT e ON SCHEDULE EVERY 1 HOUR RENAME TO other.f ENABLE DO SET @now = NOW()";
    let found = read(sql);
    assert!(found.says_more && found.counts_from_now);
    let names = ObjectNames { name: "f`", definer: Some("`a`@`b`"), ..ObjectNames::default() };
    assert_eq!(
        found.write(sql, &names),
        "ALTER DEFINER=`a`@`b` EVENT `f```  ON SCHEDULE EVERY 1 HOUR  ENABLE DO SET @now = NOW()"
            .replace("`  ON", "` ON")
    );
    for (schedule, counts) in [
        ("EVERY 1 DAY", true),
        ("EVERY 1 DAY STARTS '2030-01-01'", false),
        ("AT '2030-01-01'", false),
        ("AT CURRENT_TIMESTAMP + INTERVAL 1 DAY", true),
    ] {
        let found = read(&format!("CREATE EVENT e ON SCHEDULE {schedule} DO SET @n = NOW()"));
        assert_eq!(found.counts_from_now, counts, "{schedule}");
    }
    let sql = "CREATE DEFINER=`a`@`b` EVENT e ON SCHEDULE AT '2030-01-01' DO SET @x = 1";
    let names = ObjectNames { name: "e", other_definer: Some("`c`@`%`"), ..ObjectNames::default() };
    assert_eq!(read(sql).write(sql, &names), sql.replace("`a`@`b`", "`c`@`%`"));
    let sql = "CREATE TRIGGER tr AFTER DELETE ON t FOR EACH ROW DELETE FROM u";
    let names = ObjectNames { name: "tr", table: Some("t2"), ..ObjectNames::default() };
    assert_eq!(read(sql).write(sql, &names), "CREATE TRIGGER tr AFTER DELETE ON `t2` FOR EACH ROW DELETE FROM u");
}

#[test]
fn what_is_no_such_statement() {
    for sql in
        ["CREATE TABLE t (id INT)", "DROP TABLE t", "CREATE FUNCTION f RETURNS INTEGER SONAME 'f.so'", "SET @x = 1"]
    {
        assert_eq!(read_object_statement(sql, "shop", &DIALECT), Ok(None), "{sql}");
    }
    for sql in [
        "CREATE TRIGGER t BEFORE INSERT",
        "CREATE VIEW v SELECT 1",
        "ALTER TRIGGER t x",
        "CREATE PROCEDURE p() SELECT 'x",
    ] {
        assert!(read_object_statement(sql, "shop", &DIALECT).is_err(), "{sql}");
    }
    let strict = SqlDialect { no_backslash_escapes: true, ..DIALECT };
    assert!(read_object_statement("CREATE PROCEDURE p() SELECT ';\n'", "shop", &strict).is_err());
}

#[test]
fn view_queries() {
    let check = |query: &str, tables: &str, columns: &str| {
        let sql = format!("CREATE VIEW v AS {query}");
        let found = read_view_query(&sql, read(&sql).query_at, "shop", &DIALECT).unwrap();
        let names: Vec<String> = found.tables.iter().map(ToString::to_string).collect();
        assert_eq!(names.join(" "), tables, "{query}");
        let names: Vec<String> = found
            .columns
            .iter()
            .map(|column| match column {
                OutputColumn::Named(name) => name.clone(),
                OutputColumn::Star(star) => {
                    let of = found.stars[*star].of.as_ref();
                    of.map_or("?".to_owned(), |of| {
                        of.iter().map(|(alias, table)| format!("{alias}={table}.*")).collect::<Vec<_>>().join("+")
                    })
                }
            })
            .collect();
        assert_eq!(names.join("|"), columns, "{query}");
    };
    check("SELECT id, v AS w, t.x, 1 + 1, COUNT(*) c FROM t", "shop.t", "id|w|x|1 + 1|c");
    check("select `t`.`id` AS `id`,'é' AS `e` from `t`", "shop.t", "id|e");
    check("SELECT * FROM t", "shop.t", "t=shop.t.*");
    check(
        "SELECT a.*, b.id FROM t a JOIN o.u AS b ON a.id = b.id WHERE a.id IN (SELECT id FROM w)",
        "shop.t o.u shop.w",
        "a=shop.t.*|id",
    );
    check("SELECT * FROM t, u", "shop.t shop.u", "t=shop.t.*+u=shop.u.*");
    check("SELECT * FROM t NATURAL JOIN u", "shop.t shop.u", "?");
    check("SELECT * FROM (SELECT id FROM t) d", "shop.t", "?");
    check("SELECT EXTRACT(YEAR FROM d) y, TRIM(LEADING 'a' FROM s) FROM t", "shop.t", "y|TRIM(LEADING 'a' FROM s)");
    check("WITH c AS (SELECT id FROM t) SELECT c.id, u.v FROM c, u", "shop.t shop.u", "id|v");
    check("(SELECT a FROM t) UNION ALL (SELECT b FROM u)", "shop.t shop.u", "a");
    check("SELECT a b FROM (t x LEFT JOIN u ON x.id = u.id)", "shop.t shop.u", "b");
    check(
        "SELECT 2 * 3, x*y, CASE WHEN a THEN 1 END FROM t FOR SYSTEM_TIME ALL",
        "shop.t",
        "2 * 3|x*y|CASE WHEN a THEN 1 END",
    );
}

#[test]
fn schemas() {
    let check = |sql: &str, schema: &str, options: &str, charset: &str| {
        let found = read_schema_statement(sql, "now", &DIALECT).unwrap().unwrap();
        assert_eq!(
            (found.schema.as_str(), found.options.as_str(), found.charset.as_str()),
            (schema, options, charset),
            "{sql}"
        );
    };
    check(
        "CREATE DATABASE IF NOT EXISTS `a``b` /*!40100 DEFAULT CHARACTER SET latin1 */;",
        "a`b",
        "DEFAULT CHARACTER SET latin1",
        "CHARACTER SET latin1",
    );
    check("ALTER DATABASE COLLATE latin1_bin", "now", "COLLATE latin1_bin", "COLLATE latin1_bin");
    check("CREATE OR REPLACE SCHEMA x COMMENT 'it''s'", "x", "COMMENT 'it''s'", "");
    check(
        "CREATE DATABASE x DEFAULT CHARSET = 'utf8mb4' COLLATE=`utf8mb4_bin`",
        "x",
        "DEFAULT CHARSET = 'utf8mb4' COLLATE=`utf8mb4_bin`",
        "CHARACTER SET utf8mb4 COLLATE utf8mb4_bin",
    );
    let options = |sql: &str| with_table_options(sql, &DIALECT, "COLLATE latin1_bin");
    assert_eq!(
        options("CREATE TABLE t (a INT, b CHAR(3)) PARTITION BY HASH (a)").unwrap(),
        "CREATE TABLE t (a INT, b CHAR(3)) COLLATE latin1_bin PARTITION BY HASH (a)"
    );
    assert_eq!(options("CREATE TABLE t LIKE u"), None);
    assert_eq!(read_schema_statement("CREATE TABLE x (a INT)", "now", &DIALECT), Ok(None));
}
