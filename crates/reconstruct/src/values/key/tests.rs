use std::borrow::Cow;

use backtrail_binlog::{Date, DateTime, Decimal, Time, Timestamp};
use backtrail_dump::literal::{parse_literal, write_binary, write_hex, write_string};
use backtrail_schema::{SqlDialect, parse_create_table};
use proptest::prelude::*;

use super::*;

/// The codec of all columns of a definition's inside.
fn codec(columns: &str, whole_row: bool) -> KeyCodec {
    let sql = format!("CREATE TABLE `t` ({columns}) DEFAULT CHARSET=utf8mb4");
    let shape = parse_create_table(&sql, "shop", &SqlDialect::mysql()).unwrap();
    let all: Vec<usize> = (0..shape.columns.len()).collect();
    KeyCodec::new(&shape, &all, whole_row).unwrap()
}

fn of_values(codec: &KeyCodec, values: &[Value<'_>]) -> Vec<u8> {
    let mut out = Vec::new();
    for (part, value) in codec.parts().iter().zip(values) {
        part.push_value(value, &mut out).unwrap();
    }
    out
}

fn of_literals(codec: &KeyCodec, literals: &[&str]) -> Vec<u8> {
    let mut out = Vec::new();
    for (part, literal) in codec.parts().iter().zip(literals) {
        part.push_literal(&parse_literal(literal.as_bytes()).unwrap(), &mut out).unwrap();
    }
    out
}

#[track_caller]
fn same(column: &str, value: Value<'_>, literals: &[&str]) {
    let codec = codec(&format!("`a` {column}"), false);
    let expected = of_values(&codec, &[value]);
    for literal in literals {
        assert_eq!(of_literals(&codec, &[literal]), expected, "{column} {literal}");
    }
}

#[track_caller]
fn refused(column: &str, literals: &[&str]) {
    let codec = codec(&format!("`a` {column}"), false);
    for literal in literals {
        let literal = parse_literal(literal.as_bytes()).unwrap();
        assert!(codec.parts()[0].push_literal(&literal, &mut Vec::new()).is_err(), "{column} {literal:?}");
    }
}

fn bytes(bytes: &[u8]) -> Value<'_> {
    Value::Bytes(Cow::Borrowed(bytes))
}

#[test]
fn log_and_dump_agree() {
    same("int NOT NULL", Value::Int(-7), &["-7", "'-7'", "\"-7\"", "-07"]);
    same("bigint unsigned NOT NULL", Value::UInt(u64::MAX), &["18446744073709551615", "\"18446744073709551615\""]);
    same("int unsigned zerofill NOT NULL", Value::UInt(42), &["42", "0000000042"]);
    let decimal = Decimal::decode(7, 2, &[0x80, 0x00, 0x07, 0x32]).unwrap();
    same("decimal(7,2) NOT NULL", Value::Decimal(decimal), &["7.50", "7.5", "007.5", "+7.50", "\"7.500\""]);
    same("double NOT NULL", Value::Double(1.5), &["1.5", "15e-1", "\"1.5\""]);
    same("double NOT NULL", Value::Double(-0.0), &["0", "-0", "0.0"]);
    same(
        "bit(17) NOT NULL",
        Value::Bit { value: 0x1_0002, bits: 17 },
        &["'\u{1}\\0\u{2}'", "0x010002", "65538", "b'10000000000000010'"],
    );
    same("date NOT NULL", Value::Date(Date { year: 0, month: 0, day: 0 }), &["'0000-00-00'", "_binary \"0000-00-00\""]);
    same("year NOT NULL", Value::Year(0), &["0000", "'0000'", "0"]);
    let time = Time { negative: true, hours: 0, minutes: 0, seconds: 0, micros: 1000, fsp: 3 };
    same("time(3) NOT NULL", Value::Time(time), &["'-00:00:00.001'", "_binary '-00:00:00.001000'"]);
    let date = Date { year: 2024, month: 2, day: 19 };
    let at = DateTime { date, hour: 17, minute: 45, second: 20, micros: 538_000, fsp: 3 };
    same("datetime(3) NOT NULL", Value::DateTime(at), &["'2024-02-19 17:45:20.538'"]);
    let stamp = Timestamp { seconds: 1_708_364_720, micros: 0, fsp: 0 };
    same("timestamp NOT NULL", Value::Timestamp(stamp), &["'2024-02-19 17:45:20'"]);
    let zero = Timestamp { seconds: 0, micros: 0, fsp: 0 };
    same("timestamp NOT NULL", Value::Timestamp(zero), &["'0000-00-00 00:00:00'"]);
    same("enum('a','it''s','') NOT NULL", Value::Enum(2), &["'it\\'s'", "2"]);
    same("enum('a','b') NOT NULL", Value::Enum(0), &["''", "0"]);
    same("set('a','b','c d') NOT NULL", Value::Set(5), &["'a,c d'", "5"]);
    same("set('a') NOT NULL", Value::Set(0), &["''"]);
    same("char(9) NOT NULL", bytes(b"a b"), &["'a b'", "'a b  '"]);
    same("varchar(9) NOT NULL", bytes(b"a b "), &["'a b '"]);
    same("binary(4) NOT NULL", bytes(b"\x01"), &["'\u{1}\\0\\0\\0'", "0x01000000", "_binary '\u{1}'"]);
    same("varbinary(4) NOT NULL", bytes(b"\x01\0"), &["'\u{1}\\0'", "0x0100", "X'0100'"]);
    same(
        "varchar(9) CHARACTER SET latin1 NOT NULL",
        bytes(b"\xe9"),
        &["0xE9", "_latin1 0xE9", "X'e9'", "CONVERT(0xE9 USING latin1)"],
    );
    same(
        "varchar(9) NOT NULL",
        bytes(b"a"),
        &["_utf8mb4 'a'", "_utf8mb4 X'61'", "CONVERT('a' USING utf8mb4)", "b'1100001'"],
    );
    same("enum('a','\u{20ac}') CHARACTER SET latin1 NOT NULL", Value::Enum(2), &["0x80", "2"]);
    same("enum('a','b') CHARACTER SET utf16 NOT NULL", Value::Enum(2), &["'\\0b'", "0x0062"]);
    same("set('a','b','c') CHARACTER SET utf16le NOT NULL", Value::Set(5), &["'a\\0,\\0c\\0'"]);
}

#[test]
fn texts_that_differ_are_different_rows() {
    let codec = codec("`a` varchar(9) NOT NULL", false);
    let keys: Vec<Vec<u8>> = ["'a'", "'A'", "'a '", "'\u{e4}'", "''", "'\\0'"]
        .iter()
        .map(|literal| of_literals(&codec, &[literal]))
        .collect();
    for (index, key) in keys.iter().enumerate() {
        assert_eq!(keys.iter().position(|other| other == key), Some(index));
    }
}

#[test]
fn odd_literals_are_refused() {
    refused("int NOT NULL", &["'x'", "1.5", "NULL", "'2147483648000000000000'", "0x01"]);
    refused("int unsigned NOT NULL", &["-1"]);
    refused("decimal(4,2) NOT NULL", &["123.4", "1.234", "'x'", "''"]);
    refused("enum('a') NOT NULL", &["'b'"]);
    refused("set('a') NOT NULL", &["'a,b'"]);
    refused("date NOT NULL", &["'2024-13-01'", "'x'", "20240101"]);
    refused("varchar(9) NOT NULL", &["_latin1 'a'", "NULL"]);
    refused("timestamp NOT NULL", &["'1960-01-01 00:00:00'"]);
}

#[test]
fn whole_rows() {
    let codec = codec("`a` int, `b` varchar(9), `c` double", true);
    let row = of_values(&codec, &[Value::Null, bytes(b""), Value::Double(-0.0)]);
    assert_eq!(row, of_literals(&codec, &["NULL", "''", "-0"]));
    assert_ne!(row, of_literals(&codec, &["NULL", "''", "0"]));
    assert_ne!(row, of_literals(&codec, &["NULL", "NULL", "-0"]));
    assert_eq!(codec.describe(&row), "(NULL,'',-0)");
}

#[test]
fn keys_in_words() {
    let codec = codec(
        "`a` int NOT NULL, `b` decimal(9,3) NOT NULL, `c` datetime(6) NOT NULL, `d` varbinary(9) NOT NULL, `e` time NOT NULL",
        false,
    );
    let key = of_literals(&codec, &["-5", "-1.25", "'2024-02-19 17:45:20.5'", "0xff00", "'-01:02:03'"]);
    assert_eq!(codec.describe(&key), "(-5,-1.250,'2024-02-19 17:45:20.500000',0xff00,'-01:02:03.000000')");
    assert_eq!(codec.describe(&key[..3]), "(?,?,?,?,?)");
}

#[test]
fn floats_are_what_is_printed() {
    same("float NOT NULL", Value::Float(16_777_216.0), &["16777200", "1.67772e7", "16777216", "'16777200'"]);
    same("float NOT NULL", Value::Float(0.1), &["0.1", "0.10000000149011612"]);
    same("float NOT NULL", Value::Float(-0.0), &["0", "-0", "-0e0"]);
    same("float(9,2) NOT NULL", Value::Float(-0.25), &["-0.25", "-0.250"]);
    refused("float NOT NULL", &["'x'", "1e39", "NULL"]);
    let keyed = codec("`a` float NOT NULL", false);
    assert_eq!((keyed.exact_length(), keyed.is_rounded()), (0, true));
    let row = codec("`a` float, `b` float NOT NULL, `c` int", true);
    assert_eq!((row.exact_length(), row.is_rounded()), (8, false));
    let values = [Value::Null, Value::Float(-0.0), Value::Int(1)];
    assert_eq!(of_values(&row, &values), of_literals(&row, &["NULL", "-0", "1"]));
    assert_ne!(of_values(&row, &values), of_literals(&row, &["NULL", "0", "1"]));
    assert_eq!(row.describe(&of_values(&row, &values)), "(NULL,-0,1)");
    let mut of_value = Vec::new();
    KeyPart::push_exact_value(Some(&Value::Float(16_777_218.0)), &mut of_value);
    let mut of_literal = Vec::new();
    KeyPart::push_exact_literal(&parse_literal(b"1.6777218e7").unwrap(), &mut of_literal).unwrap();
    assert_eq!((of_value.len(), &of_value), (4, &of_literal));
}

#[test]
fn json_and_addresses() {
    let whole = |column: &str, dialect: SqlDialect| {
        let sql = format!("CREATE TABLE `t` (`a` {column})");
        let shape = parse_create_table(&sql, "shop", &dialect).unwrap();
        KeyCodec::new(&shape, &[0], true).unwrap()
    };
    let json = whole("json", SqlDialect::mysql());
    // {"a": 1.5}
    let binary = b"\0\x01\0\x14\0\x0b\0\x01\0\x0b\x0c\0a\0\0\0\0\0\0\xf8\x3f";
    let expected = of_values(&json, &[Value::Json(binary)]);
    for literal in
        [r#"CONVERT("{\"a\": 1.5}" USING UTF8MB4)"#, r#"'{"a":15e-1}'"#, "CONVERT(0x7B2261223A312E357D USING utf8mb4)"]
    {
        assert_eq!(of_literals(&json, &[literal]), expected, "{literal}");
    }
    assert_ne!(of_literals(&json, &["'{\"a\": 1}'"]), expected);
    assert_ne!(of_literals(&json, &["'null'"]), of_literals(&json, &["NULL"]));
    let mut of_text = Vec::new();
    json.parts()[0].push_json_text(r#"{"a": 1.5}"#, &mut of_text).unwrap();
    assert_eq!(of_text, expected);
    for (column, logged, literals) in [
        (
            "uuid",
            &b"\x01\x02"[..],
            ["'01020000-0000-0000-0000-000000000000'", "_latin1'01020000-0000-0000-0000-000000000000'"],
        ),
        ("inet4", &b"\x0a"[..], ["'10.0.0.0'", "\"10.0.0.0\""]),
        ("inet6", &b""[..], ["'::'", "_latin1 '::0.0.0.0'"]),
    ] {
        let codec = whole(column, SqlDialect::mariadb());
        for literal in literals {
            assert_eq!(of_literals(&codec, &[literal]), of_values(&codec, &[bytes(logged)]), "{literal}");
        }
    }
}

fn quoted(bytes: &[u8], form: u8) -> String {
    let mut out = Vec::new();
    match form % 3 {
        0 if std::str::from_utf8(bytes).is_ok() => write_string(&mut out, bytes),
        1 if std::str::from_utf8(bytes).is_ok() => write_binary(&mut out, bytes),
        _ => write_hex(&mut out, bytes),
    }
    String::from_utf8(out).unwrap()
}

proptest! {
    #[test]
    fn order_is_the_columns_order(a: (i64, u64, Vec<u8>), b: (i64, u64, Vec<u8>), form: u8) {
        let codec = codec("`a` bigint NOT NULL, `b` bigint unsigned NOT NULL, `c` varbinary(99) NOT NULL", false);
        let of = |row: &(i64, u64, Vec<u8>)| of_values(&codec, &[Value::Int(row.0), Value::UInt(row.1), bytes(&row.2)]);
        prop_assert_eq!(of(&a).cmp(&of(&b)), a.cmp(&b));
        let text = quoted(&a.2, form);
        prop_assert_eq!(of(&a), of_literals(&codec, &[&a.0.to_string(), &a.1.to_string(), &text]));
    }

    #[test]
    fn parts_do_not_run_into_each_other(
        a in prop::collection::vec(prop::collection::vec(0_u8..3, 0..4), 2),
        b in prop::collection::vec(prop::collection::vec(0_u8..3, 0..4), 2),
    ) {
        let codec = codec("`a` varbinary(9), `b` varbinary(9)", false);
        let of = |row: &[Vec<u8>]| of_values(&codec, &[bytes(&row[0]), bytes(&row[1])]);
        prop_assert_eq!(of(&a).cmp(&of(&b)), a.cmp(&b));
    }

    #[test]
    fn doubles_are_ordered(a: f64, b: f64) {
        prop_assume!(a.is_finite() && b.is_finite());
        let codec = codec("`a` double NOT NULL", false);
        let (left, right) = (of_values(&codec, &[Value::Double(a)]), of_values(&codec, &[Value::Double(b)]));
        prop_assert_eq!(left.cmp(&right), a.partial_cmp(&b).unwrap());
        prop_assert_eq!(left, of_literals(&codec, &[&format!("{a:e}")]));
    }

    #[test]
    fn decimals_are_ordered(a in -99_999_999_i64..99_999_999, b in -99_999_999_i64..99_999_999) {
        let codec = codec("`a` decimal(9,3) NOT NULL", false);
        let text = |n: i64| format!("{}{}.{:03}", if n < 0 { "-" } else { "" }, n.abs() / 1000, n.abs() % 1000);
        prop_assert_eq!(of_literals(&codec, &[&text(a)]).cmp(&of_literals(&codec, &[&text(b)])), a.cmp(&b));
    }

    #[test]
    fn times_are_ordered(a in -3_020_399_000_000_i64..3_020_399_000_000, b in -3_020_399_000_000_i64..3_020_399_000_000) {
        let codec = codec("`a` time(6) NOT NULL", false);
        let value = |micros: i64| {
            let seconds = micros.unsigned_abs() / 1_000_000;
            Value::Time(Time {
                negative: micros < 0,
                hours: (seconds / 3600) as u16,
                minutes: (seconds / 60 % 60) as u8,
                seconds: (seconds % 60) as u8,
                micros: (micros.unsigned_abs() % 1_000_000) as u32,
                fsp: 6,
            })
        };
        let of = |micros: i64| of_values(&codec, &[value(micros)]);
        prop_assert_eq!(of(a).cmp(&of(b)), a.cmp(&b));
        let Value::Time(time) = value(a) else { unreachable!() };
        prop_assert_eq!(of(a), of_literals(&codec, &[&format!("'{time}'")]));
    }
}
