//! The readers of statements: what a statement is, a table's definition, the table behind an ALTER.
//!
//! An input's first byte chooses the server's family and the session's SQL mode. The rest is statements with `;;` between
//! them; the first is a table's CREATE, through which the others take it.

use backtrail_schema::{
    AlterKind, Charset, Ddl, DdlContext, Evolution, Flavour, SqlDialect, SqlMode, Statement, TableShape, alter,
    alter_empty, classify, parse_create_table, rename_in_statement, transcode,
};

use crate::Cost;

const ANSI_QUOTES: u64 = 4;
const NO_BACKSLASH_ESCAPES: u64 = 0x10_0000;
const STRICT: u64 = 1 << 22;

/// Reads statements.
pub fn check(input: &[u8]) -> Cost {
    let (choice, text) = input.split_first().unwrap_or((&0, &[]));
    let flavour = if choice & 1 == 0 { Flavour::Mysql } else { Flavour::Mariadb };
    let modes = [(2, ANSI_QUOTES), (4, NO_BACKSLASH_ESCAPES), (8, STRICT)];
    let sql_mode = modes.iter().filter(|(bit, _)| choice & bit != 0).map(|(_, mode)| mode).sum();
    let context = DdlContext {
        sql_mode: (choice & 16 == 0).then_some(SqlMode(sql_mode)),
        schema_charset: (choice & 32 == 0).then_some("utf8mb4"),
        schema_collation: (choice & 32 == 0).then_some("utf8mb4_bin"),
        explicit_defaults_for_timestamp: (choice & 64 == 0).then_some(true),
        ..DdlContext::new(SqlDialect::of_sql_mode(flavour, sql_mode))
    };
    let mut table = None;
    let mut before: Option<Evolution> = None;
    for statement in split(text) {
        let lossy = String::from_utf8_lossy(statement);
        if let Ok(shape) = parse_create_table(&lossy, "shop", &context.dialect) {
            consistent(&shape);
            table = Some(shape);
            before = None;
        }
        let Statement::Ddl(ddl) = classify(statement, "shop", &context.dialect) else { continue };
        spans(&ddl, &lossy);
        renamed(&ddl, &lossy, &context.dialect);
        let Some(shape) = &table else { continue };
        let _ = (ddl.concerns(&shape.name), ddl.concerns_rows());
        let empty = alter_empty(shape, &ddl, &context);
        match alter(shape, &ddl, &context) {
            Ok(evolution) => {
                assert_eq!(empty.as_ref(), Ok(&evolution.shape), "rows make no difference to the definition");
                evolved(shape, &evolution);
                if let Some(before) = &before
                    && let Ok(both) = before.then(&evolution)
                {
                    assert_eq!(both.columns.len(), evolution.shape.columns.len());
                }
                table = Some(evolution.shape.clone());
                before = Some(evolution);
            }
            Err(refusal) => {
                assert!(!refusal.to_string().is_empty());
                if let Ok(shape) = empty {
                    consistent(&shape);
                    table = Some(shape);
                    before = None;
                }
            }
        }
    }
    transcoded(text);
    Cost::Proportional
}

fn split(text: &[u8]) -> impl Iterator<Item = &[u8]> {
    let mut rest = Some(text);
    std::iter::from_fn(move || {
        let text = rest?;
        let end = text.windows(2).position(|two| two == b";;");
        rest = end.and_then(|end| text.get(end + 2..));
        Some(end.map_or(text, |end| &text[..end]))
    })
}

/// What numbers its columns does so within its columns.
fn consistent(shape: &TableShape) {
    let count = shape.columns.len();
    assert!(count > 0, "{} has no columns", shape.name);
    let keys = shape.unique_keys.iter().chain(&shape.indexes).flat_map(|key| &key.parts);
    for part in shape.primary_key.iter().flatten().chain(keys) {
        assert!(part.column < count, "{}: a key names column {} of {count}", shape.name, part.column);
    }
    if let Some(key) = shape.row_key() {
        assert!(key.columns().all(|column| column < count && !shape.columns[column].nullable), "{}", shape.name);
    }
}

fn evolved(before: &TableShape, evolution: &Evolution) {
    consistent(&evolution.shape);
    assert_eq!(evolution.columns.len(), evolution.shape.columns.len());
    for origin in &evolution.columns {
        if let backtrail_schema::ColumnOrigin::Kept { from, .. } = origin {
            assert!(*from < before.columns.len());
        }
    }
    let _ = evolution.keeps_rows();
}

fn spans(ddl: &Ddl, text: &str) {
    assert_eq!(ddl.name_spans.len(), ddl.tables.len(), "{text}");
    for span in &ddl.name_spans {
        assert!(text.get(span.clone()).is_some_and(|name| !name.is_empty()), "{span:?} of {text}");
    }
}

/// A statement for another table does the same, to that table. (Where a clause is not understood, nothing is promised.)
fn renamed(ddl: &Ddl, text: &str, dialect: &SqlDialect) {
    const NAME: &str = "another `name";
    if ddl.clauses.iter().any(|clause| clause.kind == AlterKind::Unknown) {
        return;
    }
    let Some(renamed) = rename_in_statement(text, ddl, dialect, NAME) else { return };
    let Statement::Ddl(again) = classify(renamed.as_bytes(), "shop", &SqlDialect::of_flavour(dialect.flavour)) else {
        panic!("{text}\nbecame\n{renamed}");
    };
    assert_eq!(again.verb, ddl.verb, "{text}\n{renamed}");
    assert_eq!(again.tables.first().map(|name| name.table.as_str()), Some(NAME), "{text}\n{renamed}");
    assert_eq!(kinds(&again), kinds(ddl), "{text}\n{renamed}");
}

/// The kinds of an ALTER's clauses, but for those that a renamed statement may leave out.
fn kinds(ddl: &Ddl) -> Vec<AlterKind> {
    let kinds = ddl.clauses.iter().map(|clause| clause.kind);
    kinds.filter(|kind| !matches!(kind, AlterKind::RenameTable | AlterKind::Option)).collect()
}

/// What a character set has is the same on the way back.
fn transcoded(text: &[u8]) {
    for name in ["latin1", "utf8mb3", "utf8mb4", "ucs2", "utf16", "utf16le", "utf32", "ascii", "binary"] {
        let Some(charset) = Charset::from_name(name) else { continue };
        if let Ok(there) = transcode(charset, Charset::Utf8mb4, text) {
            assert_eq!(transcode(Charset::Utf8mb4, charset, &there).as_deref(), Ok(text), "{charset}");
        }
        if let Ok(there) = transcode(Charset::Utf8mb4, charset, text) {
            assert_eq!(transcode(charset, Charset::Utf8mb4, &there).as_deref(), Ok(text), "{charset}");
        }
    }
}
