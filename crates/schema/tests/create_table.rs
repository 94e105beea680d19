//! CREATE TABLE statements of every kind, as a table.

#![expect(clippy::panic, reason = "a test's helpers fail by panicking")]

use backtrail_schema::{
    Column, ColumnType, Flavour, Generated, GeometryKind, ReferentialAction, SchemaError, SqlDialect, TableShape,
    parse_create_table,
};
use proptest::prelude::*;

#[track_caller]
fn parse(sql: &str, flavour: Flavour) -> TableShape {
    parse_create_table(sql, "db", &SqlDialect::of_flavour(flavour)).unwrap_or_else(|error| panic!("{sql}: {error}"))
}

#[track_caller]
fn mysql(sql: &str) -> TableShape {
    parse(sql, Flavour::Mysql)
}

#[track_caller]
fn column(definition: &str, flavour: Flavour) -> Column {
    let sql = format!("CREATE TABLE t (c {definition}) DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_general_ci");
    parse(&sql, flavour).columns.remove(0)
}

#[track_caller]
fn check_type(definition: &str, expect: ColumnType) {
    for flavour in [Flavour::Mysql, Flavour::Mariadb] {
        assert_eq!(column(definition, flavour).ty, expect, "{definition}");
    }
}

#[test]
fn types() {
    use ColumnType::*;
    check_type("tinyint(1)", TinyInt { unsigned: false });
    check_type("bool", TinyInt { unsigned: false });
    check_type("smallint unsigned", SmallInt { unsigned: true });
    check_type("mediumint(8) unsigned zerofill", MediumInt { unsigned: true });
    check_type("int(5) zerofill", Int { unsigned: true });
    check_type("INTEGER SIGNED", Int { unsigned: false });
    check_type("bigint(20) unsigned", BigInt { unsigned: true });
    check_type("SERIAL", BigInt { unsigned: true });
    check_type("decimal(65,30)", Decimal { precision: 65, scale: 30, unsigned: false });
    check_type("NUMERIC", Decimal { precision: 10, scale: 0, unsigned: false });
    check_type("dec(5) unsigned", Decimal { precision: 5, scale: 0, unsigned: true });
    check_type("float", Float { unsigned: false });
    check_type("float(7,4) unsigned", Float { unsigned: true });
    check_type("float(24)", Float { unsigned: false });
    check_type("float(25)", Double { unsigned: false });
    check_type("double precision", Double { unsigned: false });
    check_type("real", Double { unsigned: false });
    check_type("bit", Bit { bits: 1 });
    check_type("bit(64)", Bit { bits: 64 });
    check_type("date", Date);
    check_type("time(3)", Time { fsp: 3 });
    check_type("datetime", DateTime { fsp: 0 });
    check_type("timestamp(6) NULL DEFAULT NULL", Timestamp { fsp: 6 });
    check_type("year(4)", Year);
    check_type("char", Char { length: 1 });
    check_type("char(10) CHARACTER SET binary", Binary { length: 10 });
    check_type("varchar(300)", VarChar { length: 300 });
    check_type("varchar(9) collate binary", VarBinary { length: 9 });
    check_type("national varchar(9)", VarChar { length: 9 });
    check_type("binary(8)", Binary { length: 8 });
    check_type("varbinary(65000)", VarBinary { length: 65000 });
    check_type("tinytext", TinyText);
    check_type("text", Text);
    check_type("text character set binary", Blob);
    check_type("text(100)", Text);
    check_type("text(60)", TinyText);
    check_type("blob(70000)", MediumBlob);
    check_type("mediumtext", MediumText);
    check_type("long varchar", MediumText);
    check_type("longtext", LongText);
    check_type("longblob", LongBlob);
    check_type(
        "enum('a','it''s','x,y','q\"','') NOT NULL",
        Enum { values: ["a", "it's", "x,y", "q\"", ""].map(String::from).to_vec() },
    );
    check_type("set('one','f our',')')", Set { values: ["one", "f our", ")"].map(String::from).to_vec() });
    check_type("geometry", Geometry { kind: GeometryKind::Geometry });
    check_type("point NOT NULL", Geometry { kind: GeometryKind::Point });
    check_type("vector(3)", Vector { dimensions: 3 });
    check_type("uuid", Uuid);
    check_type("inet6 DEFAULT '::'", Inet6);
    check_type("inet4", Inet4);
    assert_eq!(column("json", Flavour::Mysql).ty, Json);
    let json = column("json", Flavour::Mariadb);
    assert_eq!((json.ty, json.collation.as_deref()), (LongText, Some("utf8mb4_bin")));
    assert_eq!(
        column("geomcollection /*!80003 SRID 4326 */", Flavour::Mysql).ty,
        Geometry { kind: GeometryKind::GeometryCollection }
    );
}

#[test]
fn attributes() {
    let c = column("varchar(20) NOT NULL DEFAULT 'it''s, (x)' COMMENT 'a, b)' COLUMN_FORMAT FIXED", Flavour::Mysql);
    assert_eq!((c.nullable, c.default.as_deref()), (false, Some("'it''s, (x)'")));
    for (definition, default) in [
        ("int", None),
        ("int DEFAULT NULL", Some("NULL")),
        ("int DEFAULT -1 COMMENT 'x'", Some("-1")),
        ("decimal(5,2) DEFAULT '1.50'", Some("'1.50'")),
        ("double DEFAULT 1.5", Some("1.5")),
        ("double DEFAULT -1.5e10 NOT NULL", Some("-1.5e10")),
        ("bit(4) DEFAULT b'101' NOT NULL", Some("b'101'")),
        ("varbinary(9) DEFAULT x'00ff'", Some("x'00ff'")),
        ("varchar(9) DEFAULT _utf8mb4'a'", Some("_utf8mb4'a'")),
        ("varchar(99) DEFAULT (uuid()) NOT NULL", Some("(uuid())")),
        ("varchar(99) DEFAULT uuid() NOT NULL", Some("uuid()")),
        ("varchar(99) DEFAULT (concat('a',')')) NOT NULL", Some("(concat('a',')'))")),
        ("bigint DEFAULT nextval(`db`.`s`)", Some("nextval(`db`.`s`)")),
        ("date DEFAULT DATE '2020-01-01'", Some("DATE '2020-01-01'")),
        ("tinyint DEFAULT TRUE", Some("TRUE")),
    ] {
        assert_eq!(column(definition, Flavour::Mariadb).default.as_deref(), default, "{definition}");
    }
    let c =
        column("datetime(3) NOT NULL DEFAULT current_timestamp(3) ON UPDATE current_timestamp(3)", Flavour::Mariadb);
    assert_eq!(c.default.as_deref(), Some("current_timestamp(3)"));
    assert_eq!(c.on_update.as_deref(), Some("current_timestamp(3)"));

    for (definition, generated) in [
        ("int GENERATED ALWAYS AS (`a` * 2) VIRTUAL", Some(Generated::Virtual)),
        ("int GENERATED ALWAYS AS ((`a` * 2)) STORED NOT NULL COMMENT 'x'", Some(Generated::Stored)),
        ("int AS (a + 1)", Some(Generated::Virtual)),
        ("int AS (concat('),',a)) PERSISTENT", Some(Generated::Stored)),
        ("timestamp(6) GENERATED ALWAYS AS ROW START INVISIBLE", Some(Generated::Stored)),
        ("int", None),
    ] {
        assert_eq!(column(definition, Flavour::Mariadb).generated, generated, "{definition}");
    }
    assert!(column("int INVISIBLE DEFAULT 7", Flavour::Mariadb).invisible);
    assert!(column("int DEFAULT NULL /*!80023 INVISIBLE */", Flavour::Mysql).invisible);
    assert!(!column("int DEFAULT NULL /*!80023 INVISIBLE */", Flavour::Mariadb).invisible);
    column("longtext CHARACTER SET utf8mb4 COLLATE utf8mb4_bin DEFAULT NULL CHECK (json_valid(`c`))", Flavour::Mariadb);
    column("int CHECK (c > 1) NOT ENFORCED", Flavour::Mysql);
    column("int NOT NULL CONSTRAINT x CHECK (c > 1)", Flavour::Mysql);
    column("blob COMPRESSED=zlib", Flavour::Mariadb);
    column("varchar(9) /*M!100301 COMPRESSED*/ DEFAULT NULL", Flavour::Mariadb);
    column("int WITHOUT SYSTEM VERSIONING", Flavour::Mariadb);
    column("int DEFAULT NULL `x`='y'", Flavour::Mariadb);
    column("vector(3) DEFAULT NULL NOT SECONDARY", Flavour::Mysql);
}

#[test]
fn character_sets() {
    #[track_caller]
    fn check(definition: &str, charset: Option<&str>, collation: Option<&str>) {
        let c = column(definition, Flavour::Mariadb);
        assert_eq!((c.charset.as_deref(), c.collation.as_deref()), (charset, collation), "{definition}");
    }
    check("varchar(9)", Some("utf8mb4"), Some("utf8mb4_general_ci"));
    check("varchar(9) CHARACTER SET latin1", Some("latin1"), None);
    check("varchar(9) CHARSET latin1 COLLATE latin1_bin", Some("latin1"), Some("latin1_bin"));
    check("varchar(9) COLLATE gbk_chinese_ci", Some("gbk"), Some("gbk_chinese_ci"));
    check("varchar(9) COLLATE utf8mb4_bin", Some("utf8mb4"), Some("utf8mb4_bin"));
    check("varchar(9) CHARACTER SET utf8 COLLATE utf8_bin", Some("utf8mb3"), Some("utf8mb3_bin"));
    check("varchar(9) COLLATE uca1400_ai_ci", Some("utf8mb4"), Some("uca1400_ai_ci"));
    check("nchar(9)", Some("utf8mb3"), None);
    check("enum('a')", Some("utf8mb4"), Some("utf8mb4_general_ci"));
    check("int", None, None);
    check("blob", None, None);
    let shape = mysql("CREATE TABLE t (a text, b char(4) CHARSET ascii) COLLATE latin1_bin");
    assert_eq!(shape.charset.as_deref(), Some("latin1"));
    assert_eq!(shape.columns[0].collation.as_deref(), Some("latin1_bin"));
    assert_eq!(shape.columns[1].charset.as_deref(), Some("ascii"));
    let bytes = mysql("CREATE TABLE t (a text, b char(4)) CHARSET=binary");
    assert_eq!(bytes.columns[0].ty, ColumnType::Blob);
    assert_eq!(bytes.columns[1].ty, ColumnType::Binary { length: 4 });
    assert_eq!(mysql("CREATE TABLE t (a text)").columns[0].charset, None);
}

#[test]
fn keys() {
    let shape = mysql(
        "CREATE TABLE `t` (
          `a` int NOT NULL,
          `b``c` varchar(20) DEFAULT NULL,
          `d` int NOT NULL,
          PRIMARY KEY (`b``c`(10) DESC,`a`) USING BTREE,
          UNIQUE KEY `u` (`d`) COMMENT 'x, y' /*!80000 INVISIBLE */,
          UNIQUE KEY `f` ((lower(`b``c`)),`a`),
          KEY `k` (`a`,`d` DESC) KEY_BLOCK_SIZE=4,
          KEY `fk` ((cast(`a` as char(4) array))),
          FULLTEXT KEY `ft` (`b``c`) /*!50100 WITH PARSER `ngram` */ ,
          SPATIAL INDEX (`d`),
          CONSTRAINT `c` CHECK ((`a` > 1)) /*!80016 NOT ENFORCED */
        ) ENGINE=InnoDB",
    );
    let key = shape.row_key().unwrap();
    assert!(key.primary);
    assert_eq!(key.columns().collect::<Vec<_>>(), [1, 0]);
    assert_eq!(key.parts[0].prefix_length, Some(10));
    assert!(!shape.columns[1].nullable, "a primary key's column is NOT NULL");
    assert_eq!(shape.unique_keys.len(), 2);
    assert!(shape.unique_keys[1].has_expression);

    let unique = mysql("CREATE TABLE t (a int, b int NOT NULL, UNIQUE KEY x (a), UNIQUE y (b), UNIQUE ((b+1)))");
    let key = unique.row_key().unwrap();
    assert!(!key.primary);
    assert_eq!(key.columns().collect::<Vec<_>>(), [1]);
    assert_eq!(mysql("CREATE TABLE t (a int, UNIQUE (a))").row_key(), None);
    assert_eq!(mysql("CREATE TABLE t (a int NOT NULL, UNIQUE ((a+1)))").row_key(), None);
    assert!(mysql("CREATE TABLE t (a int PRIMARY KEY)").row_key().unwrap().primary);
    assert!(mysql("CREATE TABLE t (a int UNIQUE KEY NOT NULL)").row_key().is_some());
    assert!(mysql("CREATE TABLE t (Id int, PRIMARY KEY (iD))").row_key().is_some());
    assert!(mysql("CREATE TABLE t (id SERIAL)").row_key().is_some());
    let period = parse(
        "CREATE TABLE t (a int, s date, e date, PERIOD FOR p (s,e), PRIMARY KEY (a, p WITHOUT OVERLAPS))",
        Flavour::Mariadb,
    );
    assert_eq!(period.row_key(), None);
    let vector = parse(
        "CREATE TABLE t (a int primary key, v vector(3) NOT NULL, VECTOR KEY `v` (`v`) `M`=8 `DISTANCE`=cosine)",
        Flavour::Mariadb,
    );
    assert_eq!(vector.columns.len(), 2);
}

#[test]
fn foreign_keys() {
    let shape = mysql(
        "CREATE TABLE c (id int, a int, b int,
          CONSTRAINT `fk1` FOREIGN KEY `ix` (`a`,`b`) REFERENCES `p` (`x`,`y`) ON DELETE CASCADE ON UPDATE SET NULL,
          FOREIGN KEY (b) REFERENCES other.q (z) MATCH SIMPLE ON DELETE NO ACTION,
          FOREIGN KEY own (b) REFERENCES q (z) ON UPDATE SET DEFAULT)",
    );
    let [first, second, third] = shape.foreign_keys.as_slice() else { panic!("three are expected") };
    assert_eq!((first.name.as_str(), first.columns.as_slice()), ("fk1", &[1, 2][..]));
    assert_eq!((first.parent.to_string().as_str(), first.parent_columns.join(",").as_str()), ("db.p", "x,y"));
    assert_eq!((first.on_delete, first.on_update), (ReferentialAction::Cascade, ReferentialAction::SetNull));
    assert_eq!((second.parent.to_string().as_str(), second.on_delete), ("other.q", ReferentialAction::NoAction));
    assert!(!second.on_delete.changes_child());
    assert_eq!((third.name.as_str(), third.on_update), ("c_ibfk_2", ReferentialAction::SetDefault));
    let indexes: Vec<_> = shape.indexes.iter().map(|key| (key.name.as_str(), key.implied)).collect();
    assert_eq!(indexes, [("fk1", true), ("own", true)]);
    // MariaDB calls the constraint so, too.
    let own = parse("CREATE TABLE c (b int, FOREIGN KEY own (b) REFERENCES q (z))", Flavour::Mariadb);
    assert_eq!(own.foreign_keys[0].name, "own");
}

#[test]
fn options() {
    let shape = mysql(
        "/*!40101 SET NAMES binary*/;\n/*!40014 SET FOREIGN_KEY_CHECKS=0*/;\n\n/*!40103 SET TIME_ZONE='+00:00' */;\n\
         CREATE TABLE IF NOT EXISTS `x y`.`t` (`id` int NOT NULL) /*!50100 TABLESPACE `ts` STORAGE DISK */ ENGINE=InnoDB \
         AUTO_INCREMENT=18446744073709551615 DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_0900_ai_ci STATS_PERSISTENT=1 \
         ROW_FORMAT=COMPRESSED COMMENT='select, (' ENCRYPTION='Y' DATA DIRECTORY='/x'\n/*!50100 PARTITION BY RANGE (`id`)\n\
         (PARTITION p0 VALUES LESS THAN (10) ENGINE = InnoDB,\n PARTITION p1 VALUES LESS THAN MAXVALUE) */;\n",
    );
    assert_eq!(shape.name.to_string(), "x y.t");
    assert_eq!(shape.auto_increment, Some(u64::MAX));
    assert_eq!(shape.engine.as_deref(), Some("InnoDB"));
    assert!(shape.partitioned);
    let shape = parse(
        "CREATE TABLE `v` (`a` int(11) NOT NULL, `rs` timestamp(6) GENERATED ALWAYS AS ROW START, `re` timestamp(6) \
         GENERATED ALWAYS AS ROW END, PERIOD FOR SYSTEM_TIME (`rs`,`re`), PRIMARY KEY (`a`,`re`)) ENGINE=InnoDB DEFAULT \
         CHARSET=utf8mb4 `ENCRYPTED`=YES PAGE_COMPRESSED=1 WITH SYSTEM VERSIONING\n PARTITION BY SYSTEM_TIME \n(PARTITION p0 \
         HISTORY ENGINE = InnoDB, PARTITION pn CURRENT ENGINE = InnoDB)",
        Flavour::Mariadb,
    );
    assert!(shape.system_versioned && shape.partitioned);
    assert_eq!(shape.row_key(), None);
    mysql("CREATE TABLE `t` (`a` int) ENGINE=InnoDB START TRANSACTION");
    // A generated invisible primary key: an INSERT without column list leaves it out.
    let shape = mysql(
        "CREATE TABLE `t` (`my_row_id` bigint unsigned NOT NULL AUTO_INCREMENT /*!80023 INVISIBLE */, `a` int, PRIMARY KEY \
         (`my_row_id`))",
    );
    assert!(shape.columns[0].invisible && shape.columns[0].auto_increment);
    assert_eq!(shape.positional_columns().collect::<Vec<_>>(), [1]);
}

#[test]
fn refuses_what_it_does_not_understand() {
    for sql in [
        "",
        "SELECT 1",
        "DROP TABLE t",
        "CREATE VIEW v AS SELECT 1",
        "CREATE TABLE t LIKE u",
        "CREATE TABLE t SELECT 1",
        "CREATE TABLE t (a int) SELECT 1",
        "CREATE TABLE t (a int) AS SELECT 1",
        "CREATE TABLE t (SELECT 1)",
        "CREATE TABLE t (LIKE u)",
    ] {
        let found = parse_create_table(sql, "db", &SqlDialect::mysql());
        assert!(matches!(found, Err(SchemaError::NotATable { .. })), "{sql}: {found:?}");
    }
    for sql in [
        "CREATE TABLE t ()",
        "CREATE TABLE t (a int",
        "CREATE TABLE t (a int,)",
        "CREATE TABLE t (a int b int)",
        "CREATE TABLE t (a int) foo bar baz",
        "CREATE TABLE t (a int frob)",
        "CREATE TABLE t (a int, KEY)",
        "CREATE TABLE t (a int DEFAULT)",
        "CREATE TABLE t (a int); DROP TABLE u",
        "CREATE TABLE t (a int))",
    ] {
        let found = parse_create_table(sql, "db", &SqlDialect::mysql());
        assert!(matches!(found, Err(SchemaError::Syntax { .. })), "{sql}: {found:?}");
    }
    for definition in ["frob", "decimal(66,2)", "bit(65)", "enum()", "varchar", "time(7)"] {
        let sql = format!("CREATE TABLE t (a {definition})");
        let found = parse_create_table(&sql, "db", &SqlDialect::mysql());
        assert!(matches!(found, Err(SchemaError::UnknownType { .. } | SchemaError::Syntax { .. })), "{sql}: {found:?}");
    }
    let found = parse_create_table("CREATE TABLE t (a int, PRIMARY KEY (b))", "db", &SqlDialect::mysql());
    assert!(matches!(found, Err(SchemaError::UnknownColumn { .. })), "{found:?}");
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn never_panics(text in "[ -~\n]{0,60}") {
        let _ = parse_create_table(&format!("CREATE TABLE t ({text}"), "db", &SqlDialect::mysql());
    }

    #[test]
    fn any_name_comes_through(name in "[a-zA-Z0-9`, .;'\"\\\\é*/-]{1,20}") {
        let quoted = name.replace('`', "``");
        let shape = parse_create_table(&format!("CREATE TABLE `{quoted}` (`{quoted}` int PRIMARY KEY)"), "db", &SqlDialect::mysql()).unwrap();
        prop_assert_eq!(&shape.name.table, &name);
        prop_assert_eq!(&shape.columns[0].name, &name);
    }

    #[test]
    fn any_member_comes_through(values in prop::collection::vec("[a-z,')(\\\\\"é]{0,8}", 1..9)) {
        let list = values.iter().map(|v| format!("'{}'", v.replace('\\', "\\\\").replace('\'', "''"))).collect::<Vec<_>>();
        let shape = parse_create_table(&format!("CREATE TABLE t (a enum({}))", list.join(",")), "db", &SqlDialect::mysql()).unwrap();
        prop_assert_eq!(&shape.columns[0].ty, &ColumnType::Enum { values });
    }
}
