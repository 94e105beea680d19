//! Literals at the edges of every type.

use super::kinds::{Dialect, Kind};
use crate::random::Random;

const ASCII: &[&str] = &[
    "",
    " ",
    "a",
    "A",
    "a ",
    " a",
    "O'Reilly",
    "back\\slash\\",
    "line\nbreak\r\n",
    "\0nul\0",
    "\u{1a}",
    "),(",
    "'),('",
    "x VALUES (1)",
    "NULL",
    "null",
    "\"",
    "`b`",
    "0x41",
    "false",
    "1e3",
    "-0",
    "/*!50000 x*/ -- y",
    "# z",
    ";",
    "\t",
    "%_",
    "\\N",
    "\\'",
    "a\\0b",
    "{\"a\": 1}",
    "_binary 'x'",
    "aa",
    "aA",
];
const LATIN: &[&str] = &["é", "É", "ÿ", "ßtraße", "á", "ü\u{a0}"];
const CHINESE: &[&str] = &["中文", "運", "中a\\文"];
const JAPANESE: &[&str] = &["表", "ソ", "日本"];
const WIDE: &[&str] = &["İ", "日本", "\u{301}", "ﬀ", "\u{feff}x", "Ωω"];
const EMOJI: &[&str] = &["😀", "a😀b", "\u{10ffff}"];

/// A string literal that is read alike in every mode but NO_BACKSLASH_ESCAPES.
pub(crate) fn text_literal(text: &str) -> String {
    let mut literal = String::from("'");
    for c in text.chars() {
        match c {
            '\'' => literal.push_str("\\'"),
            '\\' => literal.push_str("\\\\"),
            '\n' => literal.push_str("\\n"),
            '\r' => literal.push_str("\\r"),
            '\0' => literal.push_str("\\0"),
            '\u{1a}' => literal.push_str("\\Z"),
            c => literal.push(c),
        }
    }
    literal.push('\'');
    literal
}

fn characters(charset: &str, random: &mut Random) -> String {
    let repertoire: Vec<&[&str]> = match charset {
        "latin1" => vec![ASCII, LATIN],
        "gbk" | "big5" => vec![ASCII, CHINESE],
        "sjis" => vec![ASCII, JAPANESE],
        "ascii" => vec![ASCII],
        "ucs2" => vec![ASCII, LATIN, WIDE],
        _ => vec![ASCII, LATIN, WIDE, EMOJI],
    };
    let one = |random: &mut Random| {
        let characters = *random.pick(&repertoire);
        (*random.pick(characters)).to_owned()
    };
    let first = one(random);
    if random.percent(20) { first + &one(random) } else { first }
}

fn text(charset: &str, limit: usize, random: &mut Random) -> String {
    if limit > 250 && random.percent(8) {
        let length = if limit > 60_000 && random.percent(15) { 70_000.min(limit) } else { 260.min(limit) };
        return format!("REPEAT('x{}', {})", random.below(10), length / 2);
    }
    let text = characters(charset, random);
    let shortened: String = text.chars().take(limit).collect();
    text_literal(&shortened)
}

fn bytes(limit: usize, random: &mut Random) -> String {
    let choice = random.below(10);
    let bytes: Vec<u8> = match choice {
        0 => Vec::new(),
        1 => vec![0],
        2 => vec![0, 0, 1, 0],
        3 => vec![0xff, 0xfe, 0x5c, 0x27],
        4 => b"a   ".to_vec(),
        5 => b"'\\\n\x1a\"\0),(".to_vec(),
        6 if limit > 250 => return format!("REPEAT(X'00ff', {})", limit.min(600) / 2),
        _ => (0..random.between(1, 12)).map(|_| random.bits().to_le_bytes()[0]).collect(),
    };
    let hex: String = bytes.iter().take(limit).map(|byte| format!("{byte:02X}")).collect();
    format!("X'{hex}'")
}

fn int(bytes: usize, unsigned: bool, random: &mut Random) -> String {
    let bits = u32::try_from(bytes * 8).unwrap_or(64);
    let (low, high) =
        if unsigned { (0, (1_i128 << bits) - 1) } else { (-(1_i128 << (bits - 1)), (1_i128 << (bits - 1)) - 1) };
    let value = match random.below(8) {
        0 => low,
        1 => high,
        2 => 0,
        3 => high - 1,
        4 => 1,
        5 if !unsigned => -1,
        5 => high / 2 + 1,
        _ => low + i128::from(random.bits()) % (high - low + 1),
    };
    value.to_string()
}

fn decimal(digits: usize, scale: usize, unsigned: bool, random: &mut Random) -> String {
    let sign = if unsigned || random.percent(50) { "" } else { "-" };
    let room = digits - scale;
    let (whole, part) = match random.below(6) {
        0 => ("9".repeat(room), "9".repeat(scale)),
        1 => ("0".to_owned(), "0".repeat(scale)),
        2 => ("1".to_owned(), "5".to_owned()),
        3 => ("0".to_owned(), format!("{}1", "0".repeat(scale.saturating_sub(1)))),
        _ => {
            let digits = |count: usize, random: &mut Random| -> String {
                (0..count).map(|_| char::from(b'0' + random.bits().to_le_bytes()[0] % 10)).collect()
            };
            let whole = random.between(1, room.max(1));
            (digits(whole, random), digits(scale, random))
        }
    };
    let whole = if digits == scale { "0".to_owned() } else { whole };
    if scale == 0 { format!("{sign}{whole}") } else { format!("{sign}{whole}.{part}") }
}

fn fraction(random: &mut Random) -> &'static str {
    random.word(&["", "", ".5", ".999999", ".000001", ".120000", ".123456"])
}

fn json(random: &mut Random, mysql: bool) -> String {
    let plain = [
        "{}",
        "[]",
        "null",
        "true",
        "0",
        "-1",
        "\"\"",
        "\"a\\\"b\\\\c\\n\"",
        "{\"b\": 1, \"aa\": 2, \"a\": 3}",
        "[1, \"x\", null, {\"k\": [true, false]}]",
        "18446744073709551615",
        "-9223372036854775808",
        "1.5",
        "0.1",
        "1e100",
        "{\"a\": {\"b\": {\"c\": \"日本😀\"}}}",
        "{\"\": \"empty key\", \"é\": \"\\u0000\"}",
        "false",
        "\"false\"",
        "[[], {}, [[]]]",
        "1.0",
        "-0.0",
        "12345678901234567890123",
    ];
    match random.below(12) {
        0 => format!("CONCAT('[\"', REPEAT('y', {}), '\"]')", random.pick(&[100, 300, 20_000])),
        1 if mysql => "JSON_OBJECT('d', CAST('2024-02-29 03:04:05.678901' AS DATETIME(6)), 't', CAST('-12:34:56' AS TIME), 'n', 7)".to_owned(),
        2 if mysql => "JSON_ARRAY(CAST('2024-02-29' AS DATE), 1.25, true, NULL)".to_owned(),
        3 => format!("'{{\"a\": {}, \"b\": [1, 2, {}], \"c\": \"{}\"}}'", random.below(100), random.below(9), "z".repeat(random.below(40))),
        _ => text_literal(random.word(&plain)),
    }
}

/// A literal of a type.
pub(crate) fn value(kind: &Kind, dialect: Dialect, random: &mut Random) -> String {
    match kind {
        Kind::Int { bytes, unsigned } => int(*bytes, *unsigned, random),
        Kind::Decimal { digits, scale, unsigned } => decimal(*digits, *scale, *unsigned, random),
        // With six digits, as dumps have them.
        Kind::Float => {
            let edges = ["0", "-0e0", "1.5", "-0.25", "3.40282e38", "1.17549e-38", "123456", "1e20", "0.1"];
            (*random.pick(&edges)).to_owned()
        }
        Kind::Double => {
            let edges = [
                "0",
                "-0e0",
                "1.5",
                "0.1",
                "1.7976931348623157e308",
                "-1.7976931348623157e308",
                "2.2250738585072014e-308",
                "4.9e-324",
                "123456789012345680",
                "1e15",
                "1e16",
                "-1e-7",
                "9007199254740993",
                "0.30000000000000004",
            ];
            (*random.pick(&edges)).to_owned()
        }
        Kind::Bit(width) => match random.below(4) {
            0 => "b'0'".to_owned(),
            1 => format!("b'{}'", "1".repeat(*width)),
            2 => format!("b'1{}'", "0".repeat(width - 1)),
            _ => format!("{} & {}", random.bits(), u64::MAX >> (64 - width)),
        },
        Kind::Char { length, charset } | Kind::Varchar { length, charset } => text(charset.name, *length, random),
        Kind::Text { size, charset } => text(charset.name, [60, 10_000, 100_000, 100_000][(*size).min(3)], random),
        Kind::Binary(length) | Kind::Varbinary(length) => bytes(*length, random),
        Kind::Blob(size) => bytes([200, 10_000, 10_000, 10_000][(*size).min(3)], random),
        Kind::Enum { members, .. } => text_literal(random.word(members)),
        Kind::Set { members, .. } => {
            let chosen: Vec<&str> = members.iter().filter(|_| random.percent(40)).copied().collect();
            text_literal(&chosen.join(","))
        }
        Kind::Date => text_literal(random.word(&[
            "0000-00-00",
            "1000-01-01",
            "9999-12-31",
            "2024-02-29",
            "2024-00-10",
            "0001-01-01",
            "1969-12-31",
            "2024-12-00",
        ])),
        Kind::Time(_) => {
            let time = *random.pick(&[
                "00:00:00",
                "-00:00:00",
                "838:59:58",
                "-838:59:58",
                "12:34:56",
                "-01:00:00",
                "23:59:59",
            ]);
            format!("'{time}{}'", fraction(random))
        }
        Kind::Datetime(_) => {
            let times = [
                "0000-00-00 00:00:00",
                "1000-01-01 00:00:00",
                "9999-12-31 23:59:58",
                "2024-02-29 12:34:56",
                "2024-00-00 00:00:00",
                "1969-12-31 23:59:59",
                "0001-01-01 00:00:00",
            ];
            let time = *random.pick(&times);
            format!("'{time}{}'", if time.starts_with("0000") { "" } else { fraction(random) })
        }
        Kind::Timestamp(_) => {
            let times = [
                "0000-00-00 00:00:00",
                "1970-01-02 00:00:01",
                "2038-01-18 03:14:06",
                "2024-02-29 12:34:56",
                "2024-03-31 02:30:00",
                "2024-10-27 02:30:00",
                "2001-09-09 01:46:40",
            ];
            let late = ["2038-01-19 03:14:08", "2106-02-06 06:28:14", "2079-06-06 12:00:00"];
            let time = *if dialect.newer && random.percent(30) { random.pick(&late) } else { random.pick(&times) };
            format!("'{time}{}'", if time.starts_with("0000") { "" } else { fraction(random) })
        }
        Kind::Year => (*random.pick(&["0", "1901", "2155", "2024", "1970"])).to_owned(),
        Kind::Json => json(random, dialect.mysql),
        Kind::Geometry(name) => geometry(name, dialect.mysql, random),
        Kind::Vector(length) => {
            let numbers: Vec<&str> =
                (0..*length).map(|_| *random.pick(&["0", "1.5", "-2.25", "1e10", "-0.0", "0.1"])).collect();
            let function = if dialect.mysql { "TO_VECTOR" } else { "VEC_FromText" };
            format!("{function}('[{}]')", numbers.join(","))
        }
        Kind::Uuid => format!("'{:08x}-0000-11ee-8000-{:012x}'", random.bits() >> 32, random.bits() >> 16),
        Kind::Inet4 => format!("'{}.0.0.{}'", random.below(256), random.below(256)),
        Kind::Inet6 => (*random.pick(&["'::'", "'::1'", "'2001:db8::ff00:42:8329'", "'::ffff:192.0.2.1'"])).to_owned(),
    }
}

fn geometry(name: &str, mysql: bool, random: &mut Random) -> String {
    let point = format!("POINT({} {})", random.below(50), random.word(&["-1.5", "0", "12.25"]));
    let shape = match (name, random.below(4)) {
        ("POINT", _) | ("GEOMETRY", 0) => point,
        ("LINESTRING", _) | ("GEOMETRY", 1) => "LINESTRING(0 0, 1.5 2, 3 -4)".to_owned(),
        ("POLYGON", _) | ("GEOMETRY", 2) => "POLYGON((0 0, 10 0, 10 10, 0 10, 0 0), (1 1, 2 1, 2 2, 1 1))".to_owned(),
        _ => "MULTIPOINT(1 1, 2 2)".to_owned(),
    };
    let reference = if mysql && random.percent(30) { ", 4326" } else { "" };
    format!("ST_GeomFromText('{shape}'{reference})")
}

/// One of a few values of a type, so that statements meet the same keys again.
pub(crate) fn key_value(kind: &Kind, number: usize, dialect: Dialect, random: &mut Random) -> String {
    let texts = ["a", "A", "b", "B b", "é", "a,b", "", "x|y", "zz", "Q'q", "0", "m"];
    match kind {
        Kind::Int { unsigned: false, .. } if number % 7 == 6 => format!("-{number}"),
        Kind::Int { .. } => number.to_string(),
        Kind::Decimal { scale, digits, .. } if *scale > 0 && scale < digits => {
            format!("{}.{}", number % 100, number % 10)
        }
        Kind::Decimal { scale, .. } if *scale > 0 => format!("0.{number:02}"),
        Kind::Decimal { .. } => number.to_string(),
        Kind::Char { length, charset } | Kind::Varchar { length, charset } => {
            let ascii = ["ascii", "gbk", "sjis", "big5"].contains(&charset.name);
            let text = if ascii { texts[number % 4] } else { texts[number % texts.len()] };
            let text = if number >= texts.len() { format!("{text}{number}") } else { text.to_owned() };
            text_literal(&text.chars().take(*length).collect::<String>())
        }
        Kind::Text { .. } => text_literal(&format!("{}{number}", "long text ".repeat(number % 3))),
        Kind::Binary(length) | Kind::Varbinary(length) => {
            let bytes = [number.to_le_bytes()[0], 0, if number.is_multiple_of(2) { 0 } else { 255 }];
            let hex: String = bytes.iter().take(*length).map(|byte| format!("{byte:02X}")).collect();
            format!("X'{hex}'")
        }
        Kind::Blob(_) => format!("X'{number:04X}00'"),
        Kind::Bit(width) => format!("{}", number as u64 & (u64::MAX >> (64 - width))),
        Kind::Enum { members, .. } => text_literal(members[number % members.len()]),
        Kind::Set { members, .. } => text_literal(members[number % members.len()]),
        Kind::Date => format!("'2024-01-{:02}'", number % 28 + 1),
        Kind::Time(_) => {
            format!("'{}{:02}:00:01.{:02}'", if number.is_multiple_of(3) { "-" } else { "" }, number % 30, number)
        }
        Kind::Datetime(_) | Kind::Timestamp(_) => {
            format!("'2024-{:02}-11 01:02:{:02}.{:06}'", number % 12 + 1, number % 60, number * 10_007 % 1_000_000)
        }
        Kind::Year => format!("{}", 2000 + number),
        Kind::Uuid => format!("'00000000-0000-0000-0000-{number:012x}'"),
        Kind::Inet4 => format!("'10.0.0.{}'", number % 256),
        Kind::Inet6 => format!("'::{number:x}'"),
        Kind::Float | Kind::Double => format!("{number}.5"),
        _ => value(kind, dialect, random),
    }
}
