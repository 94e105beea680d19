//! Recorded histories whose baselines hold their rows beside LOAD DATA statements: rebuilt as from INSERTs.

#![expect(clippy::disallowed_methods, reason = "the recorded histories are files")]
#![expect(clippy::unwrap_used, clippy::panic, reason = "a test's helpers may panic like the test")]

#[path = "support/memory.rs"]
mod memory;
mod support {
    pub(crate) use super::memory;
}
#[path = "support/rows.rs"]
mod rows;

use std::io::Read;
use std::path::PathBuf;

use backtrail_domain::{CutTarget, TableFilter, TableName};
use backtrail_dump::literal::parse_literal;
use backtrail_dump::tokenizer::{Piece, StatementReader};
use backtrail_reconstruct::{
    EngineError, Inputs, NoObserver, Plan, RefusalPolicy, Report, Request, TableAction, plan, reconstruct,
};
use backtrail_schema::{ColumnType, SqlDialect, TableShape, parse_create_table};
use memory::{Memory, Pieces};

/// How the rows are to be written.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Form {
    Tabs,
    Csv,
    /// Texts and bytes in hexadecimal, below a line with the columns' names.
    HexCsv,
}

const CASES: [&str; 2] = ["mariadb", "mysql"];

fn directory(case: &str) -> PathBuf {
    PathBuf::from("tests/data").join(case)
}

fn content(name: &str, stored: Vec<u8>) -> Vec<u8> {
    if !name.ends_with(".zst") {
        return stored;
    }
    let mut content = Vec::new();
    zstd::stream::read::Decoder::new(stored.as_slice()).unwrap().read_to_end(&mut content).unwrap();
    content
}

/// The same dump as mydumper writes it with `--format LOAD_DATA` or `CSV`.
fn beside(baseline: &Memory, form: Form) -> Memory {
    let dump = Memory::default();
    let files = baseline.files();
    for (name, bytes) in &files {
        let plain = name.strip_suffix(".zst").unwrap_or(name);
        let bytes = content(name, bytes.clone());
        let is_data = plain.ends_with(".sql") && !plain.contains("-schema");
        if !is_data {
            dump.put(plain, bytes);
            continue;
        }
        let table = plain.split('.').nth(1).unwrap();
        let definition = files.keys().find(|file| file.contains(&format!(".{table}-schema.sql"))).unwrap();
        let sql = String::from_utf8(content(definition, files[definition].clone())).unwrap();
        let shape = parse_create_table(&sql, "shop", &SqlDialect::mariadb())
            .or_else(|_| parse_create_table(&sql, "shop", &SqlDialect::mysql()))
            .unwrap();
        let (statement, rows) = written(plain, &bytes, &shape, form);
        dump.put(plain, statement);
        dump.put(&plain.replace(".sql", ".dat"), rows);
    }
    dump
}

fn written(name: &str, inserts: &[u8], shape: &TableShape, form: Form) -> (Vec<u8>, Vec<u8>) {
    let (separator, quote) = if form == Form::Tabs { (b'\t', "") } else { (b',', "\"") };
    let (mut preamble, mut rows, mut columns) = (Vec::new(), Vec::new(), Vec::new());
    let mut reader = StatementReader::new(inserts, name);
    let mut fields = Vec::new();
    while let Some(piece) = reader.next_piece().unwrap() {
        match piece {
            Piece::Preamble(statement) => preamble.extend_from_slice(&[statement, b"\n"].concat()),
            Piece::InsertHead(head) if columns.is_empty() => {
                columns = match head.columns {
                    Some(names) => names.iter().map(|name| shape.column_index(name).unwrap()).collect(),
                    None => shape.positional_columns().collect(),
                };
            }
            Piece::Row(row) => {
                row.fields(usize::MAX, &mut fields);
                for (number, (field, column)) in fields.iter().zip(&columns).enumerate() {
                    if number > 0 {
                        rows.push(separator);
                    }
                    let value = parse_literal(row.field(field)).unwrap().into_bytes();
                    let Some(value) = value else {
                        rows.extend_from_slice(b"\\N");
                        continue;
                    };
                    if form == Form::HexCsv && is_text(shape, *column) {
                        value.iter().for_each(|byte| rows.extend_from_slice(format!("{byte:02X}").as_bytes()));
                        continue;
                    }
                    let is_integer =
                        matches!(shape.columns[*column].ty, ColumnType::Int { .. } | ColumnType::BigInt { .. });
                    rows.extend_from_slice(if is_integer { b"" } else { quote.as_bytes() });
                    value.iter().for_each(|byte| escape(*byte, separator, &mut rows));
                    rows.extend_from_slice(if is_integer { b"" } else { quote.as_bytes() });
                }
                rows.push(b'\n');
            }
            Piece::InsertHead(_) | Piece::End => {}
        }
    }
    let names: Vec<&str> = columns.iter().map(|column| shape.columns[*column].name.as_str()).collect();
    let mut ignored = "";
    if form == Form::HexCsv {
        let header = names.iter().map(|name| format!("\"{name}\"")).collect::<Vec<_>>().join(",") + "\n";
        rows.splice(0..0, header.into_bytes());
        ignored = "IGNORE 1 LINES ";
    }
    let (mut list, mut set) = (Vec::new(), Vec::new());
    for (name, column) in names.iter().zip(&columns) {
        if form == Form::HexCsv && is_text(shape, *column) {
            list.push(format!("@{name}"));
            set.push(format!("`{name}`=UNHEX(@{name})"));
        } else if shape.columns[*column].ty == ColumnType::Json {
            list.push(format!("@{name}"));
            set.push(format!("`{name}`=CONVERT(@{name} USING UTF8MB4)"));
        } else {
            list.push(format!("`{name}`"));
        }
    }
    let set = if set.is_empty() { String::new() } else { format!("SET {}", set.join(",")) };
    let terminator = if separator == b'\t' { "\\t" } else { "," };
    let statement = format!(
        "LOAD DATA LOCAL INFILE '{}' INTO TABLE `{}` FIELDS TERMINATED BY '{terminator}' ENCLOSED BY '{quote}' ESCAPED BY '\\\\' LINES STARTING BY '' TERMINATED BY '\\n' {ignored}({}){set};\n",
        name.replace(".sql", ".dat"),
        shape.name.table,
        list.join(","),
    );
    preamble.extend_from_slice(statement.as_bytes());
    (preamble, rows)
}

fn is_text(shape: &TableShape, column: usize) -> bool {
    use ColumnType::{Blob, Char, LongBlob, LongText, MediumText, Text, VarBinary, VarChar};
    let ty = &shape.columns[column].ty;
    matches!(ty, Char { .. } | VarChar { .. } | VarBinary { .. } | Blob | LongBlob | LongText | MediumText | Text)
}

fn escape(byte: u8, separator: u8, out: &mut Vec<u8>) {
    match byte {
        0 => out.extend_from_slice(b"\\0"),
        b'\n' => out.extend_from_slice(b"\\n"),
        b'\r' => out.extend_from_slice(b"\\r"),
        0x1a => out.extend_from_slice(b"\\Z"),
        b'\\' | b'\'' | b'"' => out.extend_from_slice(&[b'\\', byte]),
        _ if byte == separator => out.extend_from_slice(&[b'\\', byte]),
        _ => out.push(byte),
    }
}

fn run(baseline: &Memory, log: &Pieces, request: &Request) -> Result<(Plan, Report, Memory), EngineError> {
    let (spill, result) = (Memory::default(), Memory::default());
    let inputs = Inputs { baseline, log, spill: &spill, observer: &NoObserver };
    let plan = plan(&inputs, request)?;
    let report = reconstruct(&inputs, &plan, request, &result)?;
    Ok((plan, report, result))
}

/// The recorded points of a case: the directory of what is expected, and the position.
fn points(case: &str) -> Vec<(Memory, CutTarget)> {
    let table = std::fs::read_to_string(directory(case).join("points.tsv")).unwrap();
    let point = |line: &str| {
        let fields: Vec<&str> = line.split('\t').collect();
        (Memory::read(&directory(case).join(fields[0])), CutTarget::Position(fields[1].parse().unwrap()))
    };
    table.lines().map(point).collect()
}

#[test]
fn every_recorded_point() {
    for case in CASES {
        let baseline = Memory::read(&directory(case).join("baseline"));
        let log = Memory::read(&directory(case).join("binlogs"));
        for form in [Form::Tabs, Form::Csv, Form::HexCsv] {
            let dump = beside(&baseline, form);
            let log = if form == Form::Tabs { Pieces::files(&log) } else { Pieces::segments(&log, 7) };
            assert!(dump.files().keys().filter(|name| name.ends_with(".dat")).count() >= 6, "{case}");
            for (expected, target) in points(case) {
                let request = Request::new(target, TableFilter::All);
                let (plan, report, result) = run(&dump, &log, &request).unwrap();
                assert!(
                    rows::rows(&result, &baseline) == rows::rows(&expected, &baseline),
                    "{case} {}",
                    request.target
                );
                let copied = plan.tables.values().filter(|action| matches!(action, TableAction::Copy { .. })).count();
                assert_eq!(copied, 0, "{case}: a table that did not change is written as INSERTs too");
                assert!(!result.files().keys().any(|name| name.ends_with(".dat")), "{case}");
                let beside = report.inputs.baseline.iter().filter(|file| file.name.ends_with(".dat"));
                let read: u64 = beside.map(|file| file.rows.unwrap()).sum();
                assert_eq!(read, report.tables.values().map(|table| table.rows_read).sum::<u64>(), "{case}");
            }
        }
    }
}

/// What becomes of a table whose dump a change was made to.
fn refused(change: impl Fn(&Memory)) -> Result<String, EngineError> {
    let case = "mariadb";
    let dump = beside(&Memory::read(&directory(case).join("baseline")), Form::Tabs);
    change(&dump);
    let log = Pieces::files(&Memory::read(&directory(case).join("binlogs")));
    let (_, target) = points(case).remove(0);
    let request = Request { refusals: RefusalPolicy::Skip, ..Request::new(target, TableFilter::All) };
    let (plan, ..) = run(&dump, &log, &request)?;
    let refusals = plan.tables.values().filter_map(|action| match action {
        TableAction::Refused(refusal) => Some(refusal),
        _ => None,
    });
    let refusals: Vec<_> = refusals.collect();
    assert_eq!(refusals.len(), 1, "{refusals:?}");
    assert_eq!(refusals[0].table, TableName::new("shop", "items"));
    Ok(refusals[0].reason.clone())
}

fn replace(dump: &Memory, name: &str, from: &str, to: &str) {
    let text = dump.text(name);
    assert!(text.contains(from), "{name} has no {from}");
    dump.put(name, text.replacen(from, to, 1).into_bytes());
}

#[test]
fn what_cannot_be_told_is_refused_for_its_table() {
    let name = "shop.items.sql";
    let statement = |from: &'static str, to: &'static str| refused(|dump| replace(dump, name, from, to)).unwrap();
    assert_eq!(
        statement(r"ESCAPED BY '\\'", "ESCAPED BY '|'"),
        "its rows are dumped in a form that is not read: `|` is the escape, which values may hold"
    );
    assert!(statement("INTO TABLE", "REPLACE INTO TABLE").contains("a mydumper before 0.15.3"));
    assert_eq!(statement("items.dat'", "other.dat'"), "its rows are in `shop.other.dat`, not in `shop.items.dat`");
    assert!(statement("NAMES binary", "NAMES utf8mb4").contains("SET NAMES binary"));
    let unexplained = refused(|dump| {
        dump.put("shop.items.00007.dat", Vec::new());
    });
    assert_eq!(unexplained.unwrap(), "no file of the dump says how the rows in `shop.items.00007.dat` are written");
}

#[test]
fn damage_is_an_error_that_names_the_file() {
    let rows = "shop.items.dat";
    let error = |change: &dyn Fn(&Memory)| {
        let error = refused(change).unwrap_err();
        let source = std::error::Error::source(&error).map(ToString::to_string).unwrap_or_default();
        format!("{error}: {source}")
    };
    let cut = error(&|dump| {
        let mut bytes = dump.files()[rows].clone();
        bytes.truncate(bytes.len() - 2);
        dump.put(rows, bytes);
    });
    assert!(cut.contains("shop.items.dat is cut short"), "{cut}");
    let lacking = error(&|dump| {
        let bytes = dump.files()[rows].clone();
        let line = bytes.iter().position(|byte| *byte == b'\n').unwrap();
        dump.put(rows, bytes[line + 1..].to_vec());
    });
    assert!(lacking.contains("shop.items") && lacking.contains("rows"), "{lacking}");
    let alone = error(&|dump| drop(dump.0.lock().unwrap().remove(rows)));
    assert!(
        alone.contains("its rows stand in another file (LOAD DATA), and the dump has none of that name"),
        "{alone}"
    );
}

/// mydumper 1.0 writes a backtick in a table's name twice in its metadata, earlier ones once: what the SQL says counts.
#[test]
fn a_backtick_in_the_name_of_a_table() {
    let log = Memory::read(&directory("mariadb").join("binlogs"));
    for written in ["a``b", "a`b"] {
        let dump = Memory::default();
        let position = "# SOURCE_LOG_FILE = \"binlog.000001\"\n# SOURCE_LOG_POS = 4\n";
        let metadata = format!(
            "# Started dump at: 2026-03-01 10:00:00\n[config]\nquote-character = BACKTICK\n\n[source]\n{position}\n\
             [`s`.`mydumper_0`]\nreal_table_name={written}\nrows = 1\n\n# Finished dump at: 2026-03-01 10:00:01\n"
        );
        dump.put("metadata", metadata.into_bytes());
        dump.put("s-schema-create.sql", b"CREATE DATABASE `s`;\n".to_vec());
        let definition = "CREATE TABLE `a``b` (\n  `id` int(11) NOT NULL,\n  PRIMARY KEY (`id`)\n) ENGINE=InnoDB;\n";
        dump.put("s.mydumper_0-schema.sql", definition.as_bytes().to_vec());
        let statement =
            "/*!40101 SET NAMES binary*/;\nLOAD DATA LOCAL INFILE 's.mydumper_0.00000.dat' INTO TABLE `a``b` (`id`);\n";
        dump.put("s.mydumper_0.00000.sql", statement.as_bytes().to_vec());
        dump.put("s.mydumper_0.00000.dat", b"7\n".to_vec());
        let name = TableName::new("s", "a`b");
        let request = Request::new(points("mariadb").remove(0).1, TableFilter::Only([name.clone()].into()));
        let (_, report, result) = run(&dump, &Pieces::files(&log), &request).unwrap();
        assert_eq!(report.tables[&name].rows_written, 1, "{written}");
        assert!(result.text("s.mydumper_0.00000.sql").contains("INSERT INTO `a``b` (`id`) VALUES\n(7);"), "{written}");
    }
}
