//! Baselines that mydumper wrote with LOAD DATA statements, rebuilt behind changes by `backtrail reconstruct` alone.

use std::path::Path;

use anyhow::{Context, ensure};
use backtrail_devstack::{DatabaseAddress, DatabaseOptions, Family, MariaDb, MySql, StackDirectory};
use backtrail_tests::{contents, copy_log, dump, execute, load, newer_mydumper, position, reconstruct};

/// What both families have: every type, and texts that look like the marks around them.
const TABLES: &[&str] = &[
    "CREATE DATABASE shop CHARACTER SET utf8mb4",
    "CREATE TABLE shop.numbers (a TINYINT, b SMALLINT UNSIGNED, c MEDIUMINT, d INT ZEROFILL, e BIGINT UNSIGNED NOT NULL PRIMARY KEY, \
     f DECIMAL(30,9), g DOUBLE, h YEAR, i BIT(64), j BIT(3))",
    "CREATE TABLE shop.texts (id INT NOT NULL PRIMARY KEY, c CHAR(20), v VARCHAR(200), t MEDIUMTEXT, \
     l VARCHAR(50) CHARACTER SET latin1, u VARCHAR(50) CHARACTER SET utf16, e ENUM('a','b,c','d\"e'), s SET('x','y','z\tw'))",
    "CREATE TABLE shop.`bytes` (k VARBINARY(30) NOT NULL PRIMARY KEY, b BINARY(6), m MEDIUMBLOB)",
    "CREATE TABLE shop.times (id INT NOT NULL PRIMARY KEY, d DATE, t TIME(6), dt DATETIME(3), ts TIMESTAMP(6) NULL)",
    "CREATE TABLE shop.documents (id INT NOT NULL PRIMARY KEY, `j n` JSON)",
    "CREATE TABLE shop.places (id INT NOT NULL PRIMARY KEY, p POINT, g GEOMETRY)",
    "CREATE TABLE shop.made (id INT NOT NULL PRIMARY KEY, a INT, b INT AS (a + 1) VIRTUAL, c INT AS (a * 2) STORED, s VARCHAR(10))",
    "CREATE TABLE shop.alone (s VARCHAR(20))",
    "CREATE TABLE shop.empty_one (id INT NOT NULL PRIMARY KEY)",
    "CREATE TABLE shop.`odd.na``me, \"x` (id INT NOT NULL PRIMARY KEY, `c,d` INT)",
    "CREATE TABLE shop.quiet (id INT NOT NULL PRIMARY KEY, v VARCHAR(30), b VARBINARY(30))",
    "CREATE TABLE shop.grown (id INT NOT NULL PRIMARY KEY, n INT ZEROFILL, v VARCHAR(30))",
    "INSERT INTO shop.numbers VALUES (-1, 2, -3, 4, 18446744073709551615, -12.5, 2.2250738585072014e-308, 2024, \
     x'0D0A27225C091A00', b'101'), (NULL, NULL, NULL, NULL, 5, NULL, NULL, NULL, NULL, NULL), (0, 0, 0, 0, 0, 0, 0, 0, 0, 0)",
    "INSERT INTO shop.texts VALUES (1, '', '', '', '', '', 'a', ''), (2, NULL, NULL, NULL, NULL, NULL, NULL, NULL), \
     (3, 'NULL', '\\\\N', '\\\\\\\\N', 'é', 'é漢', 'b,c', 'x,y'), \
     (4, 'a\\tb', 'a,b', 'line\\nline\\r\\n\\0end', 'q\"uo\\'te', 'a\\\\b', 'd\"e', 'x,z\\tw'), \
     (5, '\\t', '\\\\', '\\\\\\t', '\"', '\\'', 'a', 'y'), (6, ';;', '>>', '<<\\n', ');(', '<<', 'a', 'x'), \
     (7, '\",\"', '\"\\n\"', '\\n', '\\',\\'', '\\t\\t', 'a', 'x'), (8, 'N', '0x41', 'NULL', '41', '0', 'a', 'x')",
    "INSERT INTO shop.`bytes` VALUES (x'000102030405', 'A', NULL), (x'0009000A0D5C2722271A', '', ''), ('', NULL, REPEAT(x'095C', 50)), \
     ('NULL', x'4E', '\\\\N')",
    "INSERT INTO shop.times VALUES (1, '2024-02-29', '-12:34:56.123456', '2024-01-02 03:04:05.678', '2024-01-02 03:04:05.678901'), \
     (2, NULL, NULL, NULL, NULL)",
    "INSERT INTO shop.documents VALUES (1, '{\"a\": \"t\\\\tb\\\\\"q\\\\\\\\\", \"é\": [1, 2.5, null, true]}'), (2, NULL), (3, 'null'), (4, '\"\"')",
    "INSERT INTO shop.places VALUES (1, POINT(1, 2), ST_GeomFromText('LINESTRING(0 9,9 39)')), (2, NULL, NULL)",
    "INSERT INTO shop.made (id, a, s) VALUES (1, 5, 'x'), (2, NULL, NULL)",
    "INSERT INTO shop.alone VALUES (''), (NULL), ('x'), (''), ('\\t')",
    "INSERT INTO shop.`odd.na``me, \"x` VALUES (1, 2)",
    "INSERT INTO shop.quiet VALUES (1, 'stays\\t\\n', x'5C4E'), (2, NULL, ''), (3, '', NULL)",
    "INSERT INTO shop.grown VALUES (1, 7, 'a,b'), (2, NULL, NULL), (3, 0, '\\\\')",
];

/// What MySQL alone has.
const OF_MYSQL: &[&str] = &[
    "CREATE TABLE shop.vectors (id INT NOT NULL PRIMARY KEY, v VECTOR(3))",
    "INSERT INTO shop.vectors VALUES (1, STRING_TO_VECTOR('[1.5, -2, 3e-5]')), (2, NULL)",
];

/// What MariaDB alone has.
const OF_MARIADB: &[&str] = &[
    "CREATE TABLE shop.addresses (id INT NOT NULL PRIMARY KEY, u UUID, i INET6, f INET4)",
    "INSERT INTO shop.addresses VALUES (1, '123e4567-e89b-12d3-a456-426655440000', '2001:db8::ff00:42:8329', '1.2.3.4'), (2, NULL, NULL, NULL)",
];

const CHANGES: &[&str] = &[
    "UPDATE shop.numbers SET f = f + 1, i = b'11' WHERE e = 18446744073709551615",
    "DELETE FROM shop.numbers WHERE e = 5",
    "UPDATE shop.texts SET v = 'tab\\tand \\\\' WHERE id IN (3, 6)",
    "DELETE FROM shop.texts WHERE id = 5",
    "INSERT INTO shop.texts (id, v) VALUES (99, 'new')",
    "UPDATE shop.`bytes` SET b = 'zz' WHERE k = x'0009000A0D5C2722271A'",
    "DELETE FROM shop.`bytes` WHERE k = ''",
    "UPDATE shop.times SET ts = '2025-01-01 00:00:00' WHERE id = 2",
    "UPDATE shop.documents SET `j n` = '[1]' WHERE id = 3",
    "UPDATE shop.places SET g = POINT(3, 4) WHERE id = 2",
    "UPDATE shop.made SET a = 6 WHERE id = 2",
    "DELETE FROM shop.alone WHERE s = 'x'",
    "UPDATE shop.alone SET s = 'was NULL' WHERE s IS NULL",
    "UPDATE shop.`odd.na``me, \"x` SET `c,d` = 3",
    "ALTER TABLE shop.grown ADD COLUMN later INT NOT NULL DEFAULT 5 AFTER id, MODIFY n BIGINT ZEROFILL",
    "UPDATE shop.grown SET later = 6 WHERE id = 2",
];

/// The forms that are told apart by more than their separators, and INSERTs, which are to give the same.
const FORMS: &[(&str, &[&str])] = &[
    ("inserts", &[]),
    ("tabs", &["--format", "LOAD_DATA"]),
    ("tabs-hex", &["--format", "LOAD_DATA", "--hex-blob", "--compress", "zstd"]),
    ("csv", &["--format", "CSV", "--compress", "gzip", "--rows", "2"]),
    ("csv-header", &["--format", "CSV", "--include-header", "--hex-blob", "--load-data-character-set", "latin1"]),
    (
        "own",
        &[
            "--format",
            "LOAD_DATA",
            "--fields-terminated-by",
            ";;",
            "--lines-starting-by",
            ">>",
            "--lines-terminated-by",
            "<<\\n",
        ],
    ),
];

async fn comes_back(
    mydumper: &Path,
    directory: &Path,
    source: &DatabaseAddress,
    data: &Path,
    scratch: &DatabaseAddress,
) -> anyhow::Result<()> {
    execute(source, TABLES).await?;
    execute(source, if source.family == Family::Mysql { OF_MYSQL } else { OF_MARIADB }).await?;
    for (form, options) in FORMS {
        dump(mydumper, source, &directory.join(form), options).await.context(*form)?;
    }
    let before = contents(source, "shop").await?;
    let place_before = position(source).await?.0;
    execute(source, CHANGES).await?;
    let behind = contents(source, "shop").await?;
    let place_behind = position(source).await?.0;
    execute(source, &["DELETE FROM shop.texts", "DROP TABLE shop.quiet"]).await?;
    let log = directory.join("log");
    copy_log(data, &log)?;
    for (form, _) in FORMS {
        for (truth, target) in [(&before, &place_before), (&behind, &place_behind)] {
            let out = directory.join(format!("{form}-{}", target.replace(':', "-")));
            reconstruct(&directory.join(form), &log, target, &out)
                .await
                .with_context(|| format!("{form} at {target}"))?;
            execute(scratch, &["DROP DATABASE IF EXISTS shop"]).await?;
            load(&out, "shop", scratch).await.with_context(|| format!("{form} at {target}"))?;
            let loaded = contents(scratch, "shop").await?;
            ensure!(loaded.keys().eq(truth.keys()), "{form} at {target}: other tables");
            for (table, rows) in truth {
                ensure!(loaded[table] == *rows, "{form} at {target}: {table} is {:#?}, not {rows:#?}", loaded[table]);
            }
        }
    }
    Ok(())
}

#[tokio::test]
async fn mariadb_tables_come_back_from_every_form() {
    let Some(mydumper) = newer_mydumper().await else { return };
    let directory = StackDirectory::create("load-data").unwrap();
    let source = MariaDb::start(directory.path().join("source"), DatabaseOptions::default()).await.unwrap();
    let options = DatabaseOptions { server_id: 2, ..DatabaseOptions::default() };
    let scratch = MariaDb::start(directory.path().join("scratch"), options).await.unwrap();
    comes_back(&mydumper, directory.path(), &source, &source.data_directory(), &scratch).await.unwrap();
}

#[tokio::test]
async fn mysql_tables_come_back_from_every_form() {
    let Some(mydumper) = newer_mydumper().await else { return };
    if !MySql::available() {
        eprintln!("left out: MySQL is not installed (`devstack install --mysql`)");
        return;
    }
    let directory = StackDirectory::create("load-data").unwrap();
    let options = DatabaseOptions::with_arguments(["--explain-format=TRADITIONAL"]);
    let source = MySql::start(directory.path().join("source"), options).await.unwrap();
    let options = DatabaseOptions { server_id: 2, ..DatabaseOptions::default() };
    let scratch = MySql::start(directory.path().join("scratch"), options).await.unwrap();
    comes_back(&mydumper, directory.path(), &source, &source.data_directory(), &scratch).await.unwrap();
}
