//! The clauses of an ALTER TABLE.

use crate::classify::Reason;
use crate::cursor::Cursor;
use crate::lexer::Kind;
use crate::statement::{AlterClause, AlterKind, Ddl};

/// Words that begin an option that changes neither rows nor columns.
const OPTIONS: &[&str] = &[
    "ALGORITHM",
    "AUTOEXTEND_SIZE",
    "AUTO_INCREMENT",
    "AVG_ROW_LENGTH",
    "CHARACTER",
    "CHARSET",
    "CHECKSUM",
    "COLLATE",
    "COMMENT",
    "COMPRESSION",
    "CONNECTION",
    "DATA",
    "DEFAULT",
    "DELAY_KEY_WRITE",
    "DISABLE",
    "ENABLE",
    "ENCRYPTED",
    "ENCRYPTION",
    "ENCRYPTION_KEY_ID",
    "ENGINE",
    "ENGINE_ATTRIBUTE",
    "FORCE",
    "IETF_QUOTES",
    "INDEX",
    "INSERT_METHOD",
    "KEY_BLOCK_SIZE",
    "LOCK",
    "MAX_ROWS",
    "MIN_ROWS",
    "NOWAIT",
    "PACK_KEYS",
    "PAGE_CHECKSUM",
    "PAGE_COMPRESSED",
    "PAGE_COMPRESSION_LEVEL",
    "PASSWORD",
    "ROW_FORMAT",
    "SECONDARY_ENGINE",
    "SECONDARY_ENGINE_ATTRIBUTE",
    "SECONDARY_LOAD",
    "SECONDARY_UNLOAD",
    "SEQUENCE",
    "STATS_AUTO_RECALC",
    "STATS_PERSISTENT",
    "STATS_SAMPLE_PAGES",
    "STORAGE",
    "TABLESPACE",
    "TRANSACTIONAL",
    "TYPE",
    "UNION",
    "VALIDATE",
    "WAIT",
    "WITHOUT",
];

/// Words that cannot begin another item of an ORDER BY list.
const VERBS: &[&str] = &["ADD", "ALTER", "CHANGE", "CONVERT", "DROP", "MODIFY", "RENAME", "ORDER", "ENGINE"];

/// Reads the clauses to the statement's end.
pub(crate) fn clauses(cursor: &mut Cursor<'_, '_>, default_schema: &str, ddl: &mut Ddl) -> Result<(), Reason> {
    let mut ordering = false;
    while !cursor.at_end() {
        let start = cursor.position;
        if ordering && !cursor.is_any_word(VERBS) {
            skip_clause(cursor)?;
            if let Some(clause) = ddl.clauses.last_mut() {
                clause.text.push_str(", ");
                clause.text.push_str(&cursor.text_since(start));
            }
            cursor.accept_symbol(',');
            continue;
        }
        ordering = cursor.is_word("ORDER");
        let kind = clause(cursor, default_schema, ddl)?;
        if whole_statement(kind) {
            // Lists of partitions have commas of their own.
            while !cursor.at_end() {
                if !cursor.skip_parentheses() {
                    cursor.advance();
                }
            }
        } else {
            skip_clause(cursor)?;
        }
        let text = cursor.text_since(start);
        ddl.clauses.push(AlterClause { kind, text });
        if !cursor.accept_symbol(',') && !cursor.at_end() {
            return Err("a clause of the ALTER is not understood");
        }
    }
    Ok(())
}

fn whole_statement(kind: AlterKind) -> bool {
    matches!(
        kind,
        AlterKind::ExchangePartition | AlterKind::PartitionRows | AlterKind::Partition | AlterKind::Tablespace
    )
}

/// Passes over what is left of a clause.
fn skip_clause(cursor: &mut Cursor<'_, '_>) -> Result<(), Reason> {
    while !cursor.at_end() && !cursor.is_symbol(',') {
        if cursor.is_symbol('(') {
            if !cursor.skip_parentheses() {
                return Err("a parenthesis is not closed");
            }
        } else {
            cursor.advance();
        }
    }
    Ok(())
}

/// Reads as much of a clause as tells its kind, and the tables that it names.
fn clause(cursor: &mut Cursor<'_, '_>, default_schema: &str, ddl: &mut Ddl) -> Result<AlterKind, Reason> {
    let Some(verb) = cursor.keyword() else {
        // MariaDB: an engine's own option, `ENCRYPTED`=YES.
        let option = matches!(cursor.peek(), Some(Kind::Name(_))) && cursor.peek_at(1) == Some(&Kind::Symbol('='));
        return Ok(if option { AlterKind::Option } else { AlterKind::Unknown });
    };
    cursor.advance();
    Ok(match verb.as_str() {
        "ADD" => add(cursor),
        "DROP" => drop(cursor),
        "MODIFY" => AlterKind::ModifyColumn,
        "CHANGE" => AlterKind::ChangeColumn,
        "ALTER" => match cursor.keyword().as_deref() {
            Some("INDEX" | "KEY" | "CHECK" | "CONSTRAINT") => AlterKind::Index,
            _ => AlterKind::AlterColumn,
        },
        "RENAME" => return rename(cursor, default_schema, ddl),
        "CONVERT" => {
            if cursor.accept("TO") {
                AlterKind::ConvertCharset
            } else if cursor.accept("PARTITION") {
                // MariaDB: CONVERT PARTITION p TO TABLE t.
                cursor.name().ok_or("a partition is expected")?;
                if !cursor.accept_all(&["TO", "TABLE"]) {
                    return Err("TO TABLE is expected");
                }
                push_table(cursor, default_schema, ddl)?;
                AlterKind::PartitionRows
            } else if cursor.accept("TABLE") {
                // MariaDB: CONVERT TABLE t TO PARTITION p.
                push_table(cursor, default_schema, ddl)?;
                AlterKind::PartitionRows
            } else {
                AlterKind::Unknown
            }
        }
        "EXCHANGE" if cursor.accept("PARTITION") => {
            cursor.name().ok_or("a partition is expected")?;
            if !cursor.accept_all(&["WITH", "TABLE"]) {
                return Err("WITH TABLE is expected");
            }
            push_table(cursor, default_schema, ddl)?;
            AlterKind::ExchangePartition
        }
        "TRUNCATE" if cursor.is_word("PARTITION") => AlterKind::PartitionRows,
        "DISCARD" | "IMPORT" => AlterKind::Tablespace,
        "PARTITION" | "COALESCE" | "REORGANIZE" | "REMOVE" | "UPGRADE" => AlterKind::Partition,
        "ANALYZE" | "CHECK" | "OPTIMIZE" | "REBUILD" | "REPAIR" if cursor.is_word("PARTITION") => AlterKind::Partition,
        "ORDER" => AlterKind::Option,
        "SET" if cursor.is_word("SYSTEM") => AlterKind::Versioning,
        "WITH" if cursor.is_word("VALIDATION") => AlterKind::Option,
        "WITH" if cursor.is_word("SYSTEM") => AlterKind::Versioning,
        word if OPTIONS.contains(&word) => option(cursor),
        _ if cursor.is_symbol('=') => option(cursor),
        _ => AlterKind::Unknown,
    })
}

/// Options may follow each other without commas: none of them may hide another clause.
fn option(cursor: &Cursor<'_, '_>) -> AlterKind {
    let mut ahead = cursor.clone();
    while !ahead.at_end() && !ahead.is_symbol(',') {
        if ahead.is_any_word(&["ADD", "ALTER", "CHANGE", "CONVERT", "DROP", "MODIFY", "RENAME", "EXCHANGE", "TRUNCATE"])
        {
            return AlterKind::Unknown;
        }
        if ahead.is_symbol('(') {
            ahead.skip_parentheses();
        } else {
            ahead.advance();
        }
    }
    AlterKind::Option
}

fn add(cursor: &mut Cursor<'_, '_>) -> AlterKind {
    if cursor.accept("CONSTRAINT") {
        if !cursor.is_any_word(&["PRIMARY", "UNIQUE", "FOREIGN", "CHECK"]) {
            cursor.accept_all(&["IF", "NOT", "EXISTS"]);
            cursor.advance();
        }
        return match cursor.keyword().as_deref() {
            Some("PRIMARY" | "UNIQUE") => AlterKind::RowKey,
            Some("FOREIGN") => AlterKind::ForeignKey,
            Some("CHECK") => AlterKind::Index,
            _ => AlterKind::Unknown,
        };
    }
    match cursor.keyword().as_deref() {
        Some("PRIMARY" | "UNIQUE") => AlterKind::RowKey,
        Some("FOREIGN") => AlterKind::ForeignKey,
        Some("CHECK" | "INDEX" | "KEY" | "FULLTEXT" | "SPATIAL") => AlterKind::Index,
        Some("VECTOR") if cursor.is_word_at(1, "INDEX") || cursor.is_word_at(1, "KEY") => AlterKind::Index,
        Some("PARTITION") => AlterKind::Partition,
        Some("SYSTEM") if cursor.is_word_at(1, "VERSIONING") => AlterKind::Versioning,
        Some("PERIOD") if cursor.is_word_at(1, "FOR") => AlterKind::Versioning,
        _ => AlterKind::AddColumn,
    }
}

fn drop(cursor: &mut Cursor<'_, '_>) -> AlterKind {
    match cursor.keyword().as_deref() {
        // Whether an index is unique does not show in its name.
        Some("PRIMARY" | "INDEX" | "KEY" | "CONSTRAINT") => AlterKind::RowKey,
        Some("FOREIGN") => AlterKind::ForeignKey,
        Some("CHECK") => AlterKind::Index,
        Some("PARTITION") => AlterKind::PartitionRows,
        Some("SYSTEM") if cursor.is_word_at(1, "VERSIONING") => AlterKind::Versioning,
        Some("PERIOD") if cursor.is_word_at(1, "FOR") => AlterKind::Versioning,
        _ => AlterKind::DropColumn,
    }
}

fn rename(cursor: &mut Cursor<'_, '_>, default_schema: &str, ddl: &mut Ddl) -> Result<AlterKind, Reason> {
    if cursor.accept("COLUMN") {
        return Ok(AlterKind::RenameColumn);
    }
    if cursor.accept_any(&["INDEX", "KEY"]) {
        return Ok(AlterKind::Index);
    }
    if !cursor.accept_any(&["TO", "AS"]) {
        cursor.accept_symbol('=');
    }
    push_table(cursor, default_schema, ddl)?;
    if let [from, .., to] = ddl.tables.as_slice() {
        ddl.renames.push((from.clone(), to.clone()));
    }
    Ok(AlterKind::RenameTable)
}

/// A second table of the statement. Without a schema it is in the current one, which the altered table need not be in.
fn push_table(cursor: &mut Cursor<'_, '_>, default_schema: &str, ddl: &mut Ddl) -> Result<(), Reason> {
    let start = cursor.position;
    let name = cursor.table_name(default_schema).ok_or("a second table is expected, with its schema or after USE")?;
    ddl.tables.push(name);
    ddl.name_spans.push(cursor.span_since(start));
    Ok(())
}
