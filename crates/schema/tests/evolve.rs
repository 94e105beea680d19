//! Tables through statements: beside what real servers made of them (`data/alters-*.sql`), and value by value.

#![expect(clippy::disallowed_methods, reason = "tests read their files")]
#![expect(clippy::unwrap_used, clippy::panic, reason = "a test's helpers fail by panicking")]

use std::path::Path;

use backtrail_domain::TableName;
use backtrail_schema::{
    AddedValue, Charset, ColumnOrigin, Ddl, DdlContext, Evolution, Flavour, Key, KeyPart, SqlDialect, SqlMode,
    Statement, StatementTimeKind, TableShape, Unfaithful, ValueChange, alter, alter_empty, classify,
    parse_create_table, rename_in_statement,
};
use proptest::prelude::*;

const STRICT: u64 = 1 << 22;
const LAX: u64 = 0;

fn context(flavour: Flavour, sql_mode: u64) -> DdlContext<'static> {
    DdlContext {
        sql_mode: Some(SqlMode(sql_mode)),
        schema_charset: Some("utf8mb4"),
        schema_collation: Some("utf8mb4_bin"),
        explicit_defaults_for_timestamp: Some(true),
        ..DdlContext::new(SqlDialect::of_sql_mode(flavour, sql_mode))
    }
}

#[track_caller]
fn ddl(sql: &str, dialect: &SqlDialect) -> Ddl {
    match classify(sql.as_bytes(), "shop", dialect) {
        Statement::Ddl(ddl) => ddl,
        other => panic!("{sql}: {other:?}"),
    }
}

#[track_caller]
fn table(sql: &str, flavour: Flavour) -> TableShape {
    parse_create_table(sql, "shop", &SqlDialect::of_flavour(flavour)).unwrap_or_else(|error| panic!("{sql}: {error}"))
}

/// `CREATE TABLE t (columns)` in utf8mb4, then `ALTER TABLE t clauses`.
fn evolve(columns: &str, clauses: &str, flavour: Flavour, sql_mode: u64) -> Result<Evolution, Unfaithful> {
    let context = context(flavour, sql_mode);
    let shape = table(&format!("CREATE TABLE t ({columns}) DEFAULT CHARSET=utf8mb4"), flavour);
    alter(&shape, &ddl(&format!("ALTER TABLE t {clauses}"), &context.dialect), &context)
}

/// What two shapes of the same table have to agree in. The definition says it in more than one way: how long a key's
/// prefix is (servers choose for long columns), the order of keys, collations and defaults as text.
fn comparable(shape: &TableShape, flavour: Flavour) -> String {
    use std::fmt::Write;
    let mut out = String::new();
    for column in &shape.columns {
        let column = backtrail_schema::Column {
            default: column.default.clone().filter(|text| !text.eq_ignore_ascii_case("NULL")).map(|_| String::new()),
            on_update: column.on_update.as_ref().map(|_| String::new()),
            collation: column.collation.clone().filter(|name| name.ends_with("_bin")),
            ..column.clone()
        };
        writeln!(out, "{column:?}").unwrap();
    }
    let parts = |parts: &[KeyPart]| {
        parts.iter().map(|part| shape.columns[part.column].name.clone()).collect::<Vec<_>>().join(",")
    };
    writeln!(out, "primary key {:?}", shape.primary_key.as_deref().map(parts)).unwrap();
    for (kind, keys) in [("unique", &shape.unique_keys), ("index", &shape.indexes)] {
        let shown =
            |key: &Key| format!("{kind} {} ({}) {}\n", key.name.to_lowercase(), parts(&key.parts), key.has_expression);
        let mut lines: Vec<_> = keys.iter().map(shown).collect();
        lines.sort();
        out.extend(lines);
    }
    let mut foreign: Vec<_> = shape.foreign_keys.iter().map(|key| format!("{key:?}\n")).collect();
    foreign.sort();
    out.extend(foreign);
    let mut checks = shape.checks.clone();
    checks.sort();
    write!(out, "{checks:?} {:?} {} {flavour:?}", shape.charset, shape.partitioned).unwrap();
    out
}

#[track_caller]
fn as_the_server_did(server: &str, flavour: Flavour) {
    let path = Path::new("tests/data").join(format!("alters-{server}.sql"));
    let text = std::fs::read_to_string(path).unwrap();
    let context = context(flavour, STRICT);
    let mut steps = 0;
    for history in text.trim_end().split("\n;;;\n") {
        let mut parts = history.split("\n;;\n");
        let title = parts.next().unwrap();
        let mut shape = table(parts.next().unwrap(), flavour);
        for step in parts {
            let (statement, outcome) = step.split_once("\n=>\n").unwrap();
            let ddl = ddl(statement, &context.dialect);
            let outcome = table(outcome, flavour);
            let evolved =
                alter_empty(&shape, &ddl, &context).unwrap_or_else(|error| panic!("{title}: {statement}: {error}"));
            assert_eq!(comparable(&evolved, flavour), comparable(&outcome, flavour), "{title}: {statement}");
            // Written again for another table it does the same.
            let again = rename_in_statement(statement, &ddl, &context.dialect, "a `b").unwrap();
            let again = self::ddl(&again, &SqlDialect::of_flavour(flavour));
            assert_eq!(again.tables, [TableName::new("shop", "a `b")], "{title}: {statement}");
            assert!(!again.conditional || ddl.verb != backtrail_schema::DdlVerb::AlterTable);
            if let Ok(rewritten) = alter_empty(&shape, &again, &context) {
                assert_eq!(comparable(&rewritten, flavour), comparable(&evolved, flavour), "{title}: {statement}");
            } else {
                panic!("{title}: {statement}: it is not understood when it is written again");
            }
            shape = evolved;
            steps += 1;
        }
    }
    assert!(steps > 40, "only {steps} statements in the file");
}

#[test]
fn shapes_as_mariadb_makes_them() {
    as_the_server_did("mariadb-10.11", Flavour::Mariadb);
}

#[test]
fn shapes_as_mysql_makes_them() {
    as_the_server_did("mysql-9.7", Flavour::Mysql);
}

#[track_caller]
fn change(old: &str, new: &str, flavour: Flavour, sql_mode: u64) -> Result<ValueChange, String> {
    let evolution = evolve(&format!("v {old}"), &format!("MODIFY v {new}"), flavour, sql_mode);
    match evolution.map(|evolution| evolution.columns.into_iter().next()) {
        Ok(Some(ColumnOrigin::Kept { from: 0, change, .. })) => Ok(change),
        Ok(other) => panic!("{old} to {new}: {other:?}"),
        Err(refused) => Err(refused.reason),
    }
}

/// One line for each pair of types: what becomes of values in strict mode, and without it.
#[test]
fn values_of_changed_types() {
    let name = |change: Result<ValueChange, String>| match change {
        Ok(ValueChange::Same) => "same".to_owned(),
        Ok(ValueChange::Equal) => "equal".to_owned(),
        Ok(ValueChange::Rounded) => "rounded".to_owned(),
        Ok(ValueChange::Transcoded { from, to }) => format!("{from}>{to}"),
        Err(_) => "refused".to_owned(),
    };
    for line in include_str!("data/changes.txt").lines().filter(|line| !line.is_empty() && !line.starts_with('#')) {
        let fields: Vec<&str> = line.split('|').map(str::trim).collect();
        let [servers, old, new, strict, lax] = fields.as_slice() else { panic!("{line}") };
        for (server, flavour) in [("mysql", Flavour::Mysql), ("mariadb", Flavour::Mariadb)] {
            if *servers == "both" || *servers == server {
                assert_eq!(name(change(old, new, flavour, STRICT)), *strict, "{line} ({server}, strict)");
                assert_eq!(name(change(old, new, flavour, LAX)), *lax, "{line} ({server})");
            }
        }
    }
}

#[test]
fn what_depends_on_an_unknown_mode_is_refused() {
    let dialect = SqlDialect::mysql();
    let shape = table("CREATE TABLE t (a datetime(3), b int)", Flavour::Mysql);
    let unknown = DdlContext::new(dialect);
    let check = |clause: &str| alter(&shape, &ddl(&format!("ALTER TABLE t {clause}"), &dialect), &unknown);
    assert!(check("MODIFY a datetime").is_err());
    assert!(check("ADD c real").is_err());
    assert!(check("ADD c timestamp").is_err());
    check("ADD c timestamp NULL, ADD d timestamp NOT NULL DEFAULT CURRENT_TIMESTAMP").unwrap();
    let change = |evolution: &Evolution| match evolution.columns[1] {
        ColumnOrigin::Kept { change, .. } => change,
        ColumnOrigin::Added(_) => panic!("it was there"),
    };
    assert_eq!(change(&check("MODIFY b bigint").unwrap()), ValueChange::Same);
    assert_eq!(change(&check("MODIFY b tinyint").unwrap()), ValueChange::Rounded);
}

#[test]
fn nulls_that_are_no_longer_allowed() {
    let becomes = |columns: &str, clause: &str, sql_mode: u64| match evolve(columns, clause, Flavour::Mysql, sql_mode)
        .unwrap()
        .columns[0]
        .clone()
    {
        ColumnOrigin::Kept { null_becomes, numbered, .. } => (null_becomes, numbered),
        ColumnOrigin::Added(_) => panic!("it was there"),
    };
    let literal = |text: &str| Some(AddedValue::Literal(text.as_bytes().to_vec()));
    assert_eq!(becomes("v int", "MODIFY v int NOT NULL", STRICT), (None, false));
    assert_eq!(becomes("v int", "MODIFY v int NOT NULL", LAX), (literal("0"), false));
    assert_eq!(becomes("v enum('a')", "MODIFY v enum('a') NOT NULL", LAX), (literal("''"), false));
    assert_eq!(becomes("v enum('a','')", "MODIFY v enum('a','') NOT NULL", LAX), (literal("0"), false));
    assert_eq!(becomes("v time(2)", "MODIFY v time(2) NOT NULL", LAX), (literal("'00:00:00.00'"), false));
    assert_eq!(becomes("v int", "ADD PRIMARY KEY (v)", LAX), (literal("0"), false));
    // In place, MariaDB's InnoDB puts the default of before there.
    let on_mariadb = |columns: &str, clause: &str, mode| evolve(columns, clause, Flavour::Mariadb, mode);
    for (columns, clause) in [
        ("v int DEFAULT 5", "MODIFY v int NOT NULL DEFAULT 5"),
        ("v time(3) DEFAULT '02:00:01.02'", "MODIFY v time(3) NOT NULL"),
        ("v varchar(9) DEFAULT 'a'", "MODIFY v varchar(9) NOT NULL DEFAULT 'b'"),
    ] {
        let refused = on_mariadb(columns, clause, LAX).unwrap_err().reason;
        assert!(refused.contains("its old default or a zero"), "{refused}");
        assert!(on_mariadb(columns, clause, STRICT).is_ok());
    }
    let refused = on_mariadb("v json", "MODIFY v json NOT NULL", LAX).unwrap_err().reason;
    assert!(refused.contains("empty texts"), "{refused}");
    assert!(on_mariadb("v int DEFAULT 0", "MODIFY v int NOT NULL DEFAULT 5", LAX).is_ok());
    assert!(on_mariadb("v int DEFAULT NULL", "MODIFY v int NOT NULL DEFAULT 5", LAX).is_ok());
    let now = AddedValue::StatementTime { fsp: 3, kind: StatementTimeKind::Timestamp };
    assert_eq!(becomes("v timestamp(3) NULL", "MODIFY v timestamp(3) NOT NULL", STRICT), (Some(now), false));
    assert_eq!(becomes("v int", "MODIFY v int AUTO_INCREMENT UNIQUE", STRICT), (None, true));
    assert_eq!(becomes("v int NOT NULL", "MODIFY v int AUTO_INCREMENT UNIQUE", STRICT | 1 << 19), (None, false));
}

#[track_caller]
fn added(definition: &str, flavour: Flavour, sql_mode: u64) -> Result<AddedValue, String> {
    match evolve("id int", &format!("ADD v {definition}"), flavour, sql_mode) {
        Ok(evolution) => match evolution.columns.into_iter().nth(1) {
            Some(ColumnOrigin::Added(value)) => Ok(value),
            other => panic!("{definition}: {other:?}"),
        },
        Err(refused) => Err(refused.reason),
    }
}

#[test]
fn values_of_new_columns() {
    for (definition, literal) in [
        ("int DEFAULT '7'", &b"7"[..]),
        ("int DEFAULT 1.5", b"2"),
        ("int DEFAULT (-(5))", b"-5"),
        ("int DEFAULT 0x10", b"16"),
        ("bool DEFAULT true", b"1"),
        ("bigint unsigned DEFAULT 18446744073709551615", b"18446744073709551615"),
        ("int NOT NULL", b"0"),
        ("decimal(6,2) DEFAULT '1.005'", b"1.01"),
        ("decimal(6,2) DEFAULT -0.001", b"0.00"),
        ("decimal(3,3) NOT NULL", b"0.000"),
        ("float DEFAULT 1.1", b"1.100000023841858e0"),
        ("bit(5) DEFAULT b'101'", b"5"),
        ("date DEFAULT '2020-1-2'", b"'2020-01-02'"),
        ("date NOT NULL", b"'0000-00-00'"),
        ("datetime(3) DEFAULT '2020-01-02 3:04:05.5'", b"'2020-01-02 03:04:05.500'"),
        ("timestamp(1) NOT NULL DEFAULT '0000-00-00 00:00:00'", b"'0000-00-00 00:00:00.0'"),
        ("time DEFAULT '-1:2:3'", b"'-01:02:03'"),
        ("year DEFAULT 2020", b"2020"),
        ("varchar(9) DEFAULT 'it''s \\\\ \\n'", b"'it\\'s \\\\ \\n'"),
        ("varchar(9) DEFAULT ''", b"''"),
        ("varchar(9) CHARACTER SET latin1 DEFAULT 'é€'", b"'\xe9\x80'"),
        ("varchar(9) CHARACTER SET utf16 DEFAULT 'a'", b"'\\0a'"),
        ("char(5) DEFAULT 'a  '", b"'a'"),
        ("varchar(9) DEFAULT 5", b"'5'"),
        ("varchar(9) DEFAULT (_utf8mb4'é')", "'é'".as_bytes()),
        ("binary(3) DEFAULT 'a'", b"_binary 'a\\0\\0'"),
        ("varbinary(3) DEFAULT x'ff00'", b"_binary '\xff\\0'"),
        ("enum('a','b') DEFAULT 'B'", b"'b'"),
        ("enum('x','b') NOT NULL", b"'x'"),
        ("set('x','y','z') DEFAULT 'z,X'", b"'x,z'"),
        ("text NOT NULL", b"''"),
    ] {
        for flavour in [Flavour::Mysql, Flavour::Mariadb] {
            assert_eq!(added(definition, flavour, STRICT), Ok(AddedValue::Literal(literal.to_vec())), "{definition}");
        }
    }
    for (definition, literal) in [
        ("uuid DEFAULT '41bd3218-0000-11ee-8000-C72CE1F45E99'", &b"_latin1'41bd3218-0000-11ee-8000-C72CE1F45E99'"[..]),
        ("uuid NOT NULL", b"_latin1'00000000-0000-0000-0000-000000000000'"),
        ("inet4 DEFAULT '10.0.0.9'", b"_latin1'10.0.0.9'"),
        ("inet6 NOT NULL DEFAULT '::ffff:1.2.3.4'", b"_latin1'::ffff:1.2.3.4'"),
        ("inet6 NOT NULL", b"_latin1'::'"),
    ] {
        let value = Ok(AddedValue::Literal(literal.to_vec()));
        assert_eq!(added(definition, Flavour::Mariadb, STRICT), value, "{definition}");
    }
    assert!(added("uuid DEFAULT 'x'", Flavour::Mariadb, STRICT).is_err());
    assert!(added("inet6 DEFAULT '1.2.3.4'", Flavour::Mariadb, STRICT).is_err());
    let json = Ok(AddedValue::Literal(b"CONVERT('[]' USING UTF8MB4)".to_vec()));
    assert_eq!(added("json DEFAULT (json_array())", Flavour::Mysql, STRICT), json);
    assert_eq!(added("int", Flavour::Mysql, STRICT), Ok(AddedValue::Null));
    assert_eq!(added("text DEFAULT NULL", Flavour::Mysql, STRICT), Ok(AddedValue::Null));
    assert_eq!(added("int AS (id + 1) STORED", Flavour::Mysql, STRICT), Ok(AddedValue::Computed));
    let session = Ok(AddedValue::SessionTimestamp("2020-06-02 03:04:05".to_owned()));
    assert_eq!(added("timestamp DEFAULT '2020-06-02 03:04:05'", Flavour::Mysql, STRICT), session);
}

#[test]
fn the_time_of_a_statement() {
    use StatementTimeKind::{Date, DateTime, Time, Timestamp};
    for (definition, fsp, kind) in [
        ("datetime DEFAULT CURRENT_TIMESTAMP", 0, DateTime),
        ("datetime(6) NOT NULL DEFAULT now(6)", 6, DateTime),
        ("timestamp(3) NULL DEFAULT localtimestamp(3) ON UPDATE now(3)", 3, Timestamp),
        ("datetime(6) DEFAULT (now(3))", 3, DateTime),
        ("date DEFAULT (curdate())", 0, Date),
        ("time(2) DEFAULT (current_time(2))", 2, Time),
    ] {
        for flavour in [Flavour::Mysql, Flavour::Mariadb] {
            assert_eq!(added(definition, flavour, STRICT), Ok(AddedValue::StatementTime { fsp, kind }), "{definition}");
        }
    }
    let value = added("datetime(6) DEFAULT (now())", Flavour::Mariadb, STRICT);
    assert_eq!(value, Ok(AddedValue::StatementTime { fsp: 6, kind: DateTime }));
    let value = added("datetime(6) DEFAULT (now())", Flavour::Mysql, STRICT);
    assert_eq!(value, Ok(AddedValue::StatementTime { fsp: 0, kind: DateTime }));
    assert!(added("datetime DEFAULT (now(6))", Flavour::Mysql, STRICT).is_err());
}

#[test]
fn what_rows_cannot_be_followed_through() {
    for (clause, flavour, reason) in [
        ("ADD c varchar(40) DEFAULT (uuid())", Flavour::Mysql, "column `c`: its default is an expression"),
        ("ADD c int DEFAULT (rand() * 10)", Flavour::Mysql, "an expression"),
        ("ADD c bigint DEFAULT nextval(s)", Flavour::Mariadb, "an expression"),
        ("ADD c int AUTO_INCREMENT UNIQUE", Flavour::Mysql, "column `c`: rows are numbered"),
        ("ADD c varchar(9) CHARACTER SET gbk DEFAULT 'é'", Flavour::Mysql, "not known here"),
        ("ADD c json NOT NULL", Flavour::Mariadb, "its own check"),
        ("ADD c vector(3) NOT NULL", Flavour::Mysql, "vectors without numbers"),
        ("MODIFY b int", Flavour::Mysql, "column `b`: VARCHAR to INT has no exact map"),
        ("MODIFY b varchar(9) CHARACTER SET gbk", Flavour::Mysql, "from utf8mb4 to gbk"),
        ("MODIFY g int", Flavour::Mysql, "column `g`: it was computed"),
        ("TRUNCATE PARTITION p0", Flavour::Mysql, "`TRUNCATE PARTITION p0`: rows come or go"),
        ("DROP PARTITION p0", Flavour::Mysql, "rows come or go"),
        ("EXCHANGE PARTITION p0 WITH TABLE u", Flavour::Mysql, "rows come or go"),
        ("CONVERT PARTITION p0 TO TABLE u", Flavour::Mariadb, "rows come or go"),
        ("DISCARD TABLESPACE", Flavour::Mysql, "tablespace"),
        ("ENGINE=BLACKHOLE", Flavour::Mysql, "engine"),
    ] {
        let columns = "a int, b varchar(9), g int AS (a + 1) STORED";
        let refused = evolve(columns, clause, flavour, STRICT).unwrap_err();
        assert!(refused.reason.contains(reason), "{clause}: {refused}");
        // Without a row it does not matter.
        let shape = table(&format!("CREATE TABLE t ({columns}) DEFAULT CHARSET=utf8mb4"), flavour);
        let context = context(flavour, STRICT);
        alter_empty(&shape, &ddl(&format!("ALTER TABLE t {clause}"), &context.dialect), &context).unwrap();
    }
    let ignoring = "ALTER IGNORE TABLE t ADD UNIQUE (a)";
    let (shape, context) = (table("CREATE TABLE t (a int)", Flavour::Mariadb), context(Flavour::Mariadb, STRICT));
    let refused = alter(&shape, &ddl(ignoring, &context.dialect), &context).unwrap_err();
    assert!(refused.reason.contains("not unique"), "{refused}");
}

#[test]
fn what_does_not_fit_the_table_is_refused() {
    for (clause, reason) in [
        ("FROBNICATE", "`FROBNICATE`: it is not understood"),
        ("ADD SYSTEM VERSIONING", "system versioning"),
        ("DROP nope", "column `nope`: the statement names it"),
        ("MODIFY nope int", "column `nope`"),
        ("ADD b int AFTER nope", "behind `nope`"),
        ("ADD a int", "column `a`: the table would have it twice"),
        ("DROP a", "no column"),
        ("ADD UNIQUE (nope)", "nope"),
        ("ADD b frob", "the type `FROB`"),
        ("ADD b varchar(70000)", "column `b`: it is too long"),
        ("CONVERT TO CHARACTER SET utf8mb4, CHARACTER SET latin1", "twice"),
        ("CONVERT TO CHARACTER SET latin1, MODIFY a tinytext", "column `a`: one statement"),
    ] {
        let refused = evolve("a int", clause, Flavour::Mysql, STRICT).unwrap_err();
        assert!(refused.reason.contains(reason), "{clause}: {refused}");
    }
    let versioned = table("CREATE TABLE t (a int) WITH SYSTEM VERSIONING", Flavour::Mariadb);
    let context = context(Flavour::Mariadb, STRICT);
    assert!(alter_empty(&versioned, &ddl("ALTER TABLE t ADD b int", &context.dialect), &context).is_err());
    let shape = table("CREATE TABLE t (a int)", Flavour::Mariadb);
    assert!(alter(&shape, &ddl("TRUNCATE t", &context.dialect), &context).is_err());
}

/// Several statements, each from the table before it, made one.
fn composed(columns: &str, clauses: &[&str], sql_mode: u64) -> Result<Evolution, Unfaithful> {
    let context = context(Flavour::Mysql, sql_mode);
    let mut shape = table(&format!("CREATE TABLE t ({columns}) DEFAULT CHARSET=utf8mb4"), Flavour::Mysql);
    let mut all: Option<Evolution> = None;
    for clause in clauses {
        let step = alter(&shape, &ddl(&format!("ALTER TABLE t {clause}"), &context.dialect), &context)?;
        shape = step.shape.clone();
        all = Some(match all {
            None => step,
            Some(before) => before.then(&step)?,
        });
    }
    Ok(all.unwrap())
}

#[test]
fn statements_one_behind_another() {
    let change = |columns: &str, clauses: &[&str]| match composed(columns, clauses, STRICT)?.columns.remove(0) {
        ColumnOrigin::Kept { change, .. } => Ok::<_, Unfaithful>(change),
        ColumnOrigin::Added(_) => panic!("it was there"),
    };
    let refused = |columns: &str, clauses: &[&str]| {
        assert!(change(columns, clauses).is_err(), "{columns} {clauses:?}");
    };
    let check = |columns: &str, clauses: &[&str], expect: ValueChange| {
        assert_eq!(change(columns, clauses), Ok(expect), "{columns} {clauses:?}");
    };
    use ValueChange::{Equal, Rounded, Same};
    check("v int", &["MODIFY v bigint", "ADD x int", "MODIFY v bigint unsigned"], Same);
    check("v date", &["MODIFY v datetime", "MODIFY v datetime(3)"], Equal);
    check("v decimal(5,2)", &["MODIFY v decimal(6,3)", "MODIFY v decimal(4,1)"], Rounded);
    check("v decimal(5,2)", &["MODIFY v decimal(4,1)", "ADD x int", "RENAME COLUMN v TO w"], Rounded);
    check("v set('a','b')", &["MODIFY v set('b','a')", "MODIFY v set('b','a','c')"], Equal);
    check(
        "v varchar(9) CHARACTER SET latin1",
        &["MODIFY v varchar(9)", "MODIFY v varchar(20) CHARACTER SET utf16"],
        ValueChange::Transcoded { from: Charset::Latin1, to: Charset::Utf16 },
    );
    check(
        "v varchar(9) CHARACTER SET latin1",
        &["MODIFY v varchar(9)", "MODIFY v varchar(9) CHARACTER SET latin1"],
        Same,
    );
    // The literal of the first type would be taken for another value, or another text.
    refused("v date", &["MODIFY v datetime", "MODIFY v varchar(30)"]);
    refused("v decimal(5,2)", &["MODIFY v decimal(4,1)", "MODIFY v decimal(5,2)"]);
    refused("v decimal(5,2)", &["MODIFY v decimal(8,4)", "MODIFY v varchar(20)"]);
    refused("v binary(3)", &["MODIFY v binary(5)", "MODIFY v varbinary(5)"]);
    refused("v set('a','b')", &["MODIFY v set('b','a')", "MODIFY v varchar(20)"]);
    refused("v int", &["MODIFY v varchar(20)", "MODIFY v enum('1','2')"]);
    refused("v varchar(9)", &["MODIFY v varchar(9) CHARACTER SET latin1", "MODIFY v varchar(9) CHARACTER SET utf16"]);

    let origins = |clauses: &[&str]| composed("a int, b int", clauses, LAX).map(|evolution| evolution.columns);
    let literal = |text: &[u8]| ColumnOrigin::Added(AddedValue::Literal(text.to_vec()));
    assert_eq!(
        origins(&["ADD c date DEFAULT '2020-01-02'", "MODIFY c datetime", "MODIFY c varchar(30)"]).unwrap()[2],
        literal(b"'2020-01-02 00:00:00'")
    );
    assert_eq!(
        origins(&["ADD c varchar(9) DEFAULT 'é'", "MODIFY c varchar(9) CHARACTER SET utf16"]).unwrap()[2],
        literal(b"'\\0\xe9'")
    );
    assert_eq!(origins(&["ADD c int", "MODIFY c int NOT NULL"]).unwrap()[2], literal(b"0"));
    assert!(origins(&["ADD c int DEFAULT 5", "MODIFY c decimal(3,2)", "MODIFY c tinyint"]).is_err());
    let moved = composed("a int, b int", &["MODIFY b int FIRST", "CHANGE a aa int FIRST, DROP b"], LAX).unwrap();
    assert_eq!(moved.columns, [ColumnOrigin::Kept { from: 0, change: Same, null_becomes: None, numbered: false }]);
    assert_eq!(moved.renamed_columns, [("a".to_owned(), "aa".to_owned())]);
    let there_and_back = composed("a int", &["RENAME COLUMN a TO b", "RENAME COLUMN b TO a"], LAX).unwrap();
    assert!(there_and_back.keeps_rows() && there_and_back.renamed_columns.is_empty());
}

#[test]
fn copies_truncations_and_renames() {
    let shape = table(
        "CREATE TABLE t (id int AUTO_INCREMENT PRIMARY KEY, up int, CHECK (up > 0), KEY k (up), FOREIGN KEY (up) REFERENCES t \
         (id) ON DELETE CASCADE) AUTO_INCREMENT=7 DEFAULT CHARSET=latin1",
        Flavour::Mysql,
    );
    assert_eq!((shape.foreign_keys[0].name.as_str(), shape.checks[0].as_str()), ("t_ibfk_1", "t_chk_1"));
    assert_eq!(shape.truncated(), TableShape { auto_increment: None, ..shape.clone() });
    let copy = shape.like(TableName::new("x", "u"));
    assert_eq!(copy.name, TableName::new("x", "u"));
    assert_eq!((copy.foreign_keys.len(), copy.auto_increment), (0, None));
    assert_eq!((&copy.columns, &copy.indexes, &copy.primary_key), (&shape.columns, &shape.indexes, &shape.primary_key));
    let renamed = shape.renamed(TableName::new("shop", "t2"));
    let key = &renamed.foreign_keys[0];
    assert_eq!((key.name.as_str(), key.parent.to_string().as_str()), ("t2_ibfk_1", "shop.t2"));
    assert_eq!(renamed.checks, ["t2_chk_1"]);

    let mut child = table("CREATE TABLE c (a int, FOREIGN KEY (a) REFERENCES t (id))", Flavour::Mysql);
    child.parent_renamed(&shape.name, &renamed.name);
    child.parent_columns_renamed(&renamed.name, &[("id".to_owned(), "number".to_owned())]);
    assert_eq!(child.foreign_keys[0].parent.table, "t2");
    assert_eq!(child.foreign_keys[0].parent_columns, ["number"]);
    let context = context(Flavour::Mysql, STRICT);
    let own = alter(&shape, &ddl("ALTER TABLE t RENAME COLUMN id TO number", &context.dialect), &context).unwrap();
    assert_eq!(own.shape.foreign_keys[0].parent_columns, ["number"]);
}

/// The statements that gh-ost and pt-online-schema-change issue, over an empty copy of the table.
#[test]
fn online_schema_changes() {
    let context = context(Flavour::Mysql, STRICT);
    let original = table(
        "CREATE TABLE `orders` (`id` int NOT NULL AUTO_INCREMENT, `note` varchar(20), PRIMARY KEY (`id`)) DEFAULT CHARSET=utf8mb4",
        Flavour::Mysql,
    );
    let like = ddl("create /* gh-ost */ table `shop`.`_orders_gho` like `shop`.`orders`", &context.dialect);
    assert_eq!(like.like.as_ref(), Some(&original.name));
    let ghost = original.like(like.tables[0].clone());
    let change = "alter /* gh-ost */ table `shop`.`_orders_gho` add column code char(36) not null default (uuid()), add unique key (code)";
    let ghost = alter_empty(&ghost, &ddl(change, &context.dialect), &context).unwrap();
    assert_eq!(ghost.unique_keys[0].name, "code");
    let swap = ddl(
        "rename /* gh-ost */ table `shop`.`orders` to `shop`.`_orders_del`, `shop`.`_orders_gho` to `shop`.`orders`",
        &context.dialect,
    );
    assert_eq!(swap.renames[1], (ghost.name.clone(), original.name.clone()));
    assert_eq!(ghost.renamed(swap.renames[1].1.clone()).name, original.name);

    let new = ddl("ALTER TABLE `shop`.`_orders_new` ENGINE=InnoDB", &context.dialect);
    let copy = original.like(new.tables[0].clone());
    assert_eq!(alter(&copy, &new, &context).unwrap().shape.columns, original.columns);
}

#[test]
fn statements_written_again() {
    let check = |sql: &str, flavour: Flavour, sql_mode: u64, expect: Option<&str>| {
        let dialect = SqlDialect::of_sql_mode(flavour, sql_mode);
        let again = rename_in_statement(sql, &ddl(sql, &dialect), &dialect, "n`");
        assert_eq!(again.as_deref(), expect, "{sql}");
    };
    let mysql = |sql: &str, expect: &str| check(sql, Flavour::Mysql, 0, Some(expect));
    mysql("ALTER TABLE x.t ADD a int, RENAME TO u, DROP b;", "ALTER TABLE `n``` ADD a int, DROP b");
    mysql(
        "alter table t add a int /*!80023 INVISIBLE */, algorithm = instant, lock=none",
        "ALTER TABLE `n``` add a int INVISIBLE",
    );
    mysql("ALTER TABLE t ORDER BY a, b, ADD c int", "ALTER TABLE `n``` ORDER BY a, b, ADD c int");
    mysql(
        "ALTER TABLE t ADD FOREIGN KEY (a) REFERENCES x.t (a)",
        "ALTER TABLE `n``` ADD FOREIGN KEY (a) REFERENCES x.t (a)",
    );
    mysql("CREATE UNIQUE INDEX i ON `x` . `t`(a DESC)", "CREATE UNIQUE INDEX i ON `n``` (a DESC)");
    mysql("DROP INDEX `PRIMARY` ON t /* x */;", "DROP INDEX `PRIMARY` ON `n```");
    mysql(
        "CREATE TABLE IF NOT EXISTS x.t (a int, b int DEFAULT 5) ENGINE=InnoDB START TRANSACTION",
        "CREATE TABLE `n``` (a int, b int DEFAULT 5) ENGINE=InnoDB",
    );
    mysql(
        "CREATE TABLE t(`start` int, transaction int)COMMENT='START TRANSACTION';",
        "CREATE TABLE `n``` (`start` int, transaction int)COMMENT='START TRANSACTION'",
    );
    check("ALTER TABLE t RENAME TO u", Flavour::Mysql, 0, None);
    check("ALTER TABLE t ALGORITHM=COPY", Flavour::Mysql, 0, None);
    check("DROP TABLE t", Flavour::Mysql, 0, None);
    let ansi = 4 | 0x10_0000;
    check(
        r#"ALTER TABLE "x"."t" ADD "a`b" varchar(9) DEFAULT 'a\b''' COMMENT '"'"#,
        Flavour::Mysql,
        ansi,
        Some(r#"ALTER TABLE `n``` ADD `a``b` varchar(9) DEFAULT 'a\\b''' COMMENT '"'"#),
    );
    check("CREATE OR REPLACE TABLE t (a int)", Flavour::Mariadb, 0, Some("CREATE TABLE `n``` (a int)"));
    check(
        "SET STATEMENT sql_mode=(SELECT 'FOR') FOR CREATE TABLE t (a int)",
        Flavour::Mariadb,
        0,
        Some("CREATE TABLE `n``` (a int)"),
    );
    check(
        "SET STATEMENT max_statement_time=5 FOR ALTER IGNORE TABLE IF EXISTS t WAIT 5 ADD IF NOT EXISTS a int",
        Flavour::Mariadb,
        0,
        Some("ALTER IGNORE TABLE `n``` ADD IF NOT EXISTS a int"),
    );
}

#[test]
fn names_stand_where_the_spans_say() {
    for (sql, expect) in [
        ("RENAME TABLE `a` TO x.b, b\tTO c", &["`a`", "x.b", "b", "c"][..]),
        ("ALTER TABLE /* é */ x . `t` ADD a int, RENAME AS `y`.z", &["x . `t`", "`y`.z"]),
        ("SET STATEMENT max_statement_time=5 FOR DROP TABLE a, `b`", &["a", "`b`"]),
        ("CREATE INDEX i ON x.t (a)", &["x.t"]),
    ] {
        let ddl = ddl(sql, &SqlDialect::mariadb());
        assert_eq!(ddl.tables.len(), ddl.name_spans.len());
        let found: Vec<_> = ddl.name_spans.iter().map(|span| &sql[span.clone()]).collect();
        assert_eq!(found, expect, "{sql}");
    }
}

#[test]
fn a_long_statement_takes_no_long_time() {
    let columns: Vec<_> = (0..2000).map(|number| format!("c{number} int")).collect();
    let shape = table(&format!("CREATE TABLE t ({})", columns.join(",")), Flavour::Mysql);
    let clauses: Vec<_> = (0..2000).map(|number| format!("MODIFY c{number} bigint FIRST, ADD d{number} int")).collect();
    let statement = format!("ALTER TABLE t {}", clauses.join(","));
    let context = context(Flavour::Mysql, STRICT);
    let evolution = alter(&shape, &ddl(&statement, &context.dialect), &context).unwrap();
    assert_eq!(evolution.columns.len(), 4000);
    assert_eq!(evolution.shape.columns[0].name, "c1999");
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn never_panics(text in "[ -~\n\u{fffd}é]{0,80}") {
        for flavour in [Flavour::Mysql, Flavour::Mariadb] {
            let context = context(flavour, STRICT);
            let shape = table("CREATE TABLE t (a int, b varchar(9), UNIQUE u (a, b))", flavour);
            let statement = format!("ALTER TABLE t {text}");
            if let Statement::Ddl(ddl) = classify(statement.as_bytes(), "shop", &context.dialect) {
                let _ = alter(&shape, &ddl, &context);
                let _ = rename_in_statement(&statement, &ddl, &context.dialect, "x");
            }
        }
    }

    #[test]
    fn clauses_never_panic(words in prop::collection::vec(prop::sample::select(WORDS), 0..14)) {
        let context = context(Flavour::Mariadb, LAX);
        let shape = table("CREATE TABLE t (a int, b varchar(9), UNIQUE u (a, b))", Flavour::Mariadb);
        let statement = format!("ALTER TABLE t {}", words.join(" "));
        if let Statement::Ddl(ddl) = classify(statement.as_bytes(), "shop", &context.dialect) {
            if let Ok(evolution) = alter(&shape, &ddl, &context) {
                prop_assert_eq!(evolution.columns.len(), evolution.shape.columns.len());
                for key in &evolution.shape.unique_keys {
                    prop_assert!(key.parts.iter().all(|part| part.column < evolution.columns.len()));
                }
            }
            let _ = rename_in_statement(&statement, &ddl, &context.dialect, "x");
        }
    }
}

const WORDS: &[&str] = &[
    "ADD",
    "DROP",
    "MODIFY",
    "CHANGE",
    "COLUMN",
    "a",
    "b",
    "c",
    "int",
    "varchar(5)",
    "enum('a')",
    "(",
    ")",
    ",",
    ",",
    "FIRST",
    "AFTER",
    "UNIQUE",
    "KEY",
    "PRIMARY KEY",
    "DEFAULT",
    "'x'",
    "5",
    "(a)",
    "NOT NULL",
    "RENAME",
    "TO",
    "CONVERT TO CHARACTER SET",
    "latin1",
    "PARTITION",
    "BY HASH (a)",
    "IF EXISTS",
    "IF NOT EXISTS",
    "ALTER",
    "SET DEFAULT",
    "CONSTRAINT",
    "x",
    "FOREIGN KEY (a) REFERENCES t (a)",
    "u",
    "INDEX",
    ";",
    "AS (a + 1)",
    "now()",
    "timestamp",
];
