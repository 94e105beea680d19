//! Statements that change rows.

use super::kinds::{Column, Dialect, Kind};
use super::model::{Key, Table};
use super::values;
use crate::random::Random;
use crate::server::quoted;

/// How many keys there are; few, so that statements meet them again.
const KEYS: usize = 24;

/// Any statement about a table.
pub(crate) fn statement(dialect: Dialect, table: &Table, random: &mut Random) -> String {
    let choice = *random.weighted(&[(38, 0), (30, 1), (14, 2), (5, 3), (6, 4), (4, 5), (3, 6)]);
    match choice {
        0 => insert(dialect, table, "INSERT INTO", "", random),
        1 => update(dialect, table, random),
        2 => delete(dialect, table, random),
        3 => insert(dialect, table, "REPLACE INTO", "", random),
        4 => {
            let change = on_duplicate(dialect, table, random);
            insert(dialect, table, "INSERT INTO", &change, random)
        }
        5 => insert(dialect, table, "INSERT IGNORE INTO", "", random),
        _ => copies(dialect, table, random),
    }
}

/// A literal for a column.
fn literal(dialect: Dialect, column: &Column, random: &mut Random) -> String {
    if column.nullable && random.percent(18) {
        return "NULL".to_owned();
    }
    if random.percent(25) {
        let number = random.below(KEYS);
        return values::key_value(&column.kind, number, dialect, random);
    }
    if column.kind == Kind::Float && dialect.beyond_dumps && random.percent(50) {
        return random
            .word(&["16777217", "16777218", "0.123456789", "0.12345678", "1.1754944e-38", "3.4028235e38"])
            .to_owned();
    }
    let value = values::value(&column.kind, dialect, random);
    if value == "-0e0" && !dialect.beyond_dumps { "0".to_owned() } else { value }
}

fn given(dialect: Dialect, table: &Table, at: usize, random: &mut Random) -> String {
    let column = &table.columns[at];
    let refers = table.parent.as_ref().is_some_and(|(child, _)| *child == at);
    if (table.key.columns().contains(&at) || refers) && random.percent(93) {
        if column.automatic && random.percent(30) {
            return "NULL".to_owned();
        }
        let number = random.below(if refers { KEYS / 2 } else { KEYS }) + usize::from(column.automatic);
        return values::key_value(&column.kind, number, dialect, random);
    }
    if column.automatic {
        return "NULL".to_owned();
    }
    if column.default.is_some() && random.percent(8) {
        return "DEFAULT".to_owned();
    }
    literal(dialect, column, random)
}

/// An INSERT or REPLACE of some rows.
pub(crate) fn insert(dialect: Dialect, table: &Table, verb: &str, end: &str, random: &mut Random) -> String {
    let mut columns = table.writable();
    if random.percent(12) {
        columns.retain(|at| {
            let column = &table.columns[*at];
            table.key.columns().contains(at) || !(column.nullable || column.default.is_some()) || random.percent(60)
        });
    }
    if columns.is_empty() {
        return format!("{verb} {} () VALUES (){end}", table.sql());
    }
    let names: Vec<String> = columns.iter().map(|at| quoted(&table.columns[*at].name)).collect();
    let count = *random.weighted(&[(50, 1), (25, 2), (20, 4), (5, 15)]);
    let rows: Vec<String> = (0..count)
        .map(|_| {
            let values: Vec<String> = columns.iter().map(|at| given(dialect, table, *at, random)).collect();
            format!("({})", values.join(", "))
        })
        .collect();
    format!("{verb} {} ({}) VALUES {}{end}", table.sql(), names.join(", "), rows.join(", "))
}

fn on_duplicate(dialect: Dialect, table: &Table, random: &mut Random) -> String {
    let changes = assignments(dialect, table, random);
    if changes.is_empty() { String::new() } else { format!(" ON DUPLICATE KEY UPDATE {changes}") }
}

/// `column = value` for some columns outside the key.
fn assignments(dialect: Dialect, table: &Table, random: &mut Random) -> String {
    let others: Vec<usize> = table.writable().into_iter().filter(|at| !table.key.columns().contains(at)).collect();
    if others.is_empty() {
        return String::new();
    }
    let mut chosen: Vec<usize> = (0..random.between(1, 3)).map(|_| *random.pick(&others)).collect();
    chosen.sort_unstable();
    chosen.dedup();
    let changes: Vec<String> = chosen
        .into_iter()
        .map(|at| {
            let column = &table.columns[at];
            let name = quoted(&column.name);
            match &column.kind {
                Kind::Json if random.percent(60) => format!("{name} = {}", json_change(&name, random)),
                Kind::Int { .. } if random.percent(25) => format!("{name} = {name} + 1"),
                _ => format!("{name} = {}", given(dialect, table, at, random)),
            }
        })
        .collect();
    changes.join(", ")
}

fn json_change(name: &str, random: &mut Random) -> String {
    let path = *random.pick(&["$.a", "$.b[1]", "$[0]", "$.c", "$.\"é\""]);
    let value =
        *random.pick(&["7", "'x'", "NULL", "1.5", "CAST('[1, {}]' AS CHAR)", "'longer than it was before'", "true"]);
    match random.below(4) {
        0 => format!("JSON_SET({name}, '{path}', {value})"),
        1 => format!("JSON_REPLACE({name}, '{path}', {value})"),
        2 if path != "$" => format!("JSON_REMOVE({name}, '{path}')"),
        _ => format!("JSON_SET({name}, '{path}', {value}, '$.a', {value})"),
    }
}

/// Which rows.
fn condition(dialect: Dialect, table: &Table, random: &mut Random) -> String {
    let Some(first) = table.key.columns().first() else {
        return match random.below(3) {
            0 => " LIMIT 1".to_owned(),
            1 => {
                let column = &table.columns[random.below(table.columns.len())];
                format!(" WHERE {} IS NOT NULL LIMIT 2", quoted(&column.name))
            }
            _ => " LIMIT 3".to_owned(),
        };
    };
    let column = &table.columns[*first];
    let name = quoted(&column.name);
    let number = random.below(KEYS);
    let value = values::key_value(&column.kind, number, dialect, random);
    match random.below(10) {
        0..=5 => format!(" WHERE {name} = {value}"),
        6 => format!(" WHERE {name} > {value} ORDER BY {name} LIMIT 2"),
        7 => format!(" WHERE {name} < {value} ORDER BY {name} LIMIT 5"),
        8 => format!(" ORDER BY {name} DESC LIMIT {}", random.between(1, 3)),
        _ => format!(" WHERE {name} <> {value}"),
    }
}

fn update(dialect: Dialect, table: &Table, random: &mut Random) -> String {
    if random.percent(30) && !table.key.columns().is_empty() {
        return key_change(dialect, table, random);
    }
    let changes = assignments(dialect, table, random);
    if changes.is_empty() {
        return delete(dialect, table, random);
    }
    format!("UPDATE {} SET {changes}{}", table.sql(), condition(dialect, table, random))
}

/// An UPDATE of the key: to another value, of all by one, of signs, of case.
fn key_change(dialect: Dialect, table: &Table, random: &mut Random) -> String {
    let at = *random.pick(table.key.columns());
    let column = &table.columns[at];
    let name = quoted(&column.name);
    let change = match &column.kind {
        Kind::Int { unsigned, .. } if random.percent(50) => {
            return match random.below(4) {
                0 => format!("UPDATE {} SET {name} = {name} + 1 ORDER BY {name} DESC", table.sql()),
                1 => format!("UPDATE {} SET {name} = {name} - 1 ORDER BY {name}", table.sql()),
                2 if !unsigned => format!("UPDATE {} SET {name} = -{name}", table.sql()),
                _ => format!("UPDATE {} SET {name} = {name} + 50 WHERE {name} < 20", table.sql()),
            };
        }
        Kind::Char { .. } | Kind::Varchar { .. } if random.percent(30) => match random.below(3) {
            0 => format!("UPPER({name})"),
            1 => format!("LOWER({name})"),
            _ => format!("CONCAT({name}, ' ')"),
        },
        kind => {
            let number = random.below(KEYS);
            values::key_value(kind, number, dialect, random)
        }
    };
    format!("UPDATE {} SET {name} = {change}{}", table.sql(), condition(dialect, table, random))
}

/// Three statements that exchange two keys of a table whose key is one number.
pub(crate) fn swap(table: &Table, random: &mut Random) -> Option<Vec<String>> {
    let column = table.numbered()?;
    let name = quoted(&column.name);
    let (one, other) = (random.below(12) + 1, random.below(12) + 13);
    let step = |from: usize, to: usize| format!("UPDATE {} SET {name} = {to} WHERE {name} = {from}", table.sql());
    Some(vec![step(one, 99), step(other, one), step(99, other)])
}

fn delete(dialect: Dialect, table: &Table, random: &mut Random) -> String {
    if random.percent(4) {
        return format!("DELETE FROM {}", table.sql());
    }
    format!("DELETE FROM {}{}", table.sql(), condition(dialect, table, random))
}

/// Rows once more, where nothing forbids it; else a few deleted.
fn copies(dialect: Dialect, table: &Table, random: &mut Random) -> String {
    if table.key != Key::None {
        return delete(dialect, table, random);
    }
    let names: Vec<String> = table.writable().into_iter().map(|at| quoted(&table.columns[at].name)).collect();
    let names = names.join(", ");
    format!("INSERT INTO {} ({names}) SELECT {names} FROM {} LIMIT 3", table.sql(), table.sql())
}
