//! Clauses of ALTER TABLE, and what the table is like behind them.

use super::kinds::{Column, Dialect, Kind, MEMBERS};
use super::model::{Key, Table};
use super::tables;
use crate::random::Random;
use crate::server::quoted;

/// One or more clauses for a table; the table is changed accordingly.
pub(super) fn clauses(dialect: Dialect, table: &mut Table, random: &mut Random) -> String {
    let count = *random.weighted(&[(70, 1), (22, 2), (8, 3)]);
    let clauses: Vec<String> = (0..count).filter_map(|_| clause(dialect, table, random)).collect();
    if clauses.is_empty() { "COMMENT = 'x'".to_owned() } else { clauses.join(", ") }
}

fn clause(dialect: Dialect, table: &mut Table, random: &mut Random) -> Option<String> {
    match *random.weighted(&[(26, 0), (12, 1), (10, 2), (22, 3), (8, 4), (8, 5), (8, 6), (6, 7)]) {
        0 => Some(add_column(dialect, table, random)),
        1 => drop_column(table, random),
        2 => rename_column(table, random),
        3 => modify(dialect, table, random),
        4 => Some(index(dialect, table, random)),
        5 => key(table, random),
        6 => Some(option(random)),
        _ => default(dialect, table, random),
    }
}

fn place(table: &Table, random: &mut Random) -> (usize, String) {
    match random.below(4) {
        0 => (0, " FIRST".to_owned()),
        1 if !table.columns.is_empty() => {
            let at = random.below(table.columns.len());
            (at + 1, format!(" AFTER {}", quoted(&table.columns[at].name)))
        }
        _ => (table.columns.len(), String::new()),
    }
}

fn add_column(dialect: Dialect, table: &mut Table, random: &mut Random) -> String {
    let mut column = tables::column(dialect, table, random);
    if random.percent(10) {
        column = Column::new(table.free_name("gen"), Kind::Int { bytes: 4, unsigned: false });
        column.generated = Some(("2 + 3".to_owned(), random.percent(50)));
    }
    let (at, place) = place(table, random);
    let word = random.word(&["ADD COLUMN", "ADD", "add column"]);
    let sql = format!("{word} {}{place}", column.sql());
    table.insert_column(at, column);
    sql
}

fn drop_column(table: &mut Table, random: &mut Random) -> Option<String> {
    let free = table.free_columns();
    if free.is_empty() || table.columns.len() < 3 {
        return None;
    }
    let at = *random.pick(&free);
    let sql = format!("{} {}", random.word(&["DROP COLUMN", "DROP"]), quoted(&table.columns[at].name));
    table.remove_column(at);
    Some(sql)
}

fn rename_column(table: &mut Table, random: &mut Random) -> Option<String> {
    let mut candidates = table.free_columns();
    candidates.extend_from_slice(table.key.columns());
    candidates.retain(|at| {
        let name = quoted(&table.columns[*at].name);
        !table.columns.iter().any(|column| column.generated.as_ref().is_some_and(|(text, _)| text.contains(&name)))
    });
    if candidates.is_empty() || table.partitioned {
        return None;
    }
    let at = *random.pick(&candidates);
    let new = table.free_name(random.word(&["renamed", "neu é", "new name", "x"]));
    let old = std::mem::replace(&mut table.columns[at].name, new.clone());
    Some(if random.percent(60) {
        format!("RENAME COLUMN {} TO {}", quoted(&old), quoted(&new))
    } else {
        format!("CHANGE COLUMN {} {}", quoted(&old), table.columns[at].sql())
    })
}

/// A change of a column's type, place or nullability.
fn modify(dialect: Dialect, table: &mut Table, random: &mut Random) -> Option<String> {
    let mut candidates = table.free_columns();
    if random.percent(20) && table.parent.is_none() && !table.partitioned {
        candidates.extend_from_slice(table.key.columns());
    }
    if candidates.is_empty() {
        return None;
    }
    let at = *random.pick(&candidates);
    let mut column = table.columns[at].clone();
    let of_key = table.key.columns().contains(&at);
    match random.below(10) {
        0 if !of_key => column.nullable = !column.nullable,
        1 if !of_key => {
            column.kind = Kind::any(dialect, random);
            column.default = None;
        }
        2 => {}
        _ => column.kind = wider(column.kind, random),
    }
    if !column.nullable && column.default.as_deref() == Some("NULL") {
        column.default = None;
    }
    let (to, place) = if random.percent(25) { place(table, random) } else { (usize::MAX, String::new()) };
    let sql = format!("MODIFY COLUMN {}{place}", column.sql());
    if to == usize::MAX || place.is_empty() {
        table.columns[at] = column;
        return Some(sql);
    }
    if place.ends_with(&quoted(&column.name)) {
        return None;
    }
    move_column(table, at, to, column);
    Some(sql)
}

/// Puts a column to another place, the key and the reference following it.
fn move_column(table: &mut Table, from: usize, to: usize, column: Column) {
    let of_key: Vec<String> = table.key.columns().iter().map(|at| table.columns[*at].name.clone()).collect();
    let child = table.parent.as_ref().map(|(at, _)| table.columns[*at].name.clone());
    table.columns.remove(from);
    table.columns.insert((to - usize::from(to > from)).min(table.columns.len()), column);
    let find = |columns: &[Column], name: &str| columns.iter().position(|column| column.name == name).unwrap_or(0);
    let places: Vec<usize> = of_key.iter().map(|name| find(&table.columns, name)).collect();
    match &mut table.key {
        Key::Primary(columns) | Key::Unique(columns) => *columns = places,
        Key::None => {}
    }
    if let (Some((at, _)), Some(name)) = (&mut table.parent, child) {
        *at = find(&table.columns, &name);
    }
}

/// A type that holds all values of another one, mostly.
fn wider(kind: Kind, random: &mut Random) -> Kind {
    match kind {
        Kind::Int { bytes, unsigned } => match bytes {
            1 => Kind::Int { bytes: 2, unsigned },
            2 => Kind::Int { bytes: 4, unsigned },
            _ => Kind::Int { bytes: 8, unsigned: unsigned && random.percent(90) },
        },
        Kind::Decimal { digits, scale, unsigned } if digits < 60 => {
            let more = random.below(3);
            Kind::Decimal { digits: digits + 3, scale: (scale + more).min(30), unsigned }
        }
        Kind::Float => Kind::Double,
        Kind::Bit(width) => Kind::Bit((width + 8).min(64)),
        Kind::Char { length, charset } if random.percent(50) => Kind::Varchar { length, charset },
        Kind::Char { length, charset } => Kind::Char { length: (length + 5).min(200), charset },
        Kind::Varchar { charset, .. } if random.percent(30) => Kind::Text { size: 1, charset: charset.wider(random) },
        Kind::Varchar { length, charset } => {
            Kind::Varchar { length: length + *random.pick(&[0, 10, 260]), charset: charset.wider(random) }
        }
        Kind::Text { size, charset } => Kind::Text { size: (size + 1).min(3), charset: charset.wider(random) },
        Kind::Binary(length) if random.percent(50) => Kind::Varbinary(length),
        Kind::Binary(length) => Kind::Binary(length + 3),
        Kind::Varbinary(_) if random.percent(40) => Kind::Blob(1),
        Kind::Varbinary(length) => Kind::Varbinary(length + 300),
        Kind::Blob(size) => Kind::Blob((size + 1).min(3)),
        Kind::Enum { members, charset } => Kind::Enum { members: other_members(members, random), charset },
        Kind::Set { members, charset } => Kind::Set { members: other_members(members, random), charset },
        Kind::Time(fsp) => Kind::Time((fsp + random.below(3)).min(6)),
        Kind::Datetime(fsp) => Kind::Datetime((fsp + random.below(3)).min(6)),
        Kind::Timestamp(fsp) if random.percent(20) => Kind::Datetime(fsp),
        Kind::Timestamp(fsp) => Kind::Timestamp((fsp + random.below(3)).min(6)),
        Kind::Date if random.percent(50) => Kind::Datetime(0),
        other => other,
    }
}

/// More members, in another order, or fewer.
fn other_members(mut members: Vec<&'static str>, random: &mut Random) -> Vec<&'static str> {
    match random.below(5) {
        0 => members.reverse(),
        1 => {
            let last = members.len() - 1;
            members.swap(0, last);
        }
        2 if members.len() > 2 => {
            members.pop();
        }
        _ => {
            let more = MEMBERS.iter().find(|member| !members.contains(member));
            let at = if random.percent(70) { members.len() } else { 0 };
            more.into_iter().for_each(|member| members.insert(at, member));
        }
    }
    members
}

fn index(dialect: Dialect, table: &Table, random: &mut Random) -> String {
    let vector = table.columns.iter().find(|column| matches!(column.kind, Kind::Vector(_)) && !column.nullable);
    if let Some(vector) = vector.filter(|_| dialect.newer && random.percent(60)) {
        return format!("ADD VECTOR INDEX `near` ({})", quoted(&vector.name));
    }
    let usable: Vec<&Column> = table
        .columns
        .iter()
        .filter(|column| {
            let kind = &column.kind;
            !kind.needs_prefix() && !matches!(kind, Kind::Json | Kind::Geometry(_) | Kind::Vector(_))
        })
        .collect();
    if usable.is_empty() {
        return "FORCE".to_owned();
    }
    let column = quoted(&random.pick(&usable).name);
    let number = random.below(1000);
    match random.below(4) {
        0 => format!("ADD UNIQUE KEY `u {number}` ({column})"),
        1 => format!("ADD KEY `n {number}` ({column}), COMMENT = 'indexed'"),
        _ => format!("ADD INDEX `n {number}` ({column})"),
    }
}

/// Another primary key, or none.
fn key(table: &mut Table, random: &mut Random) -> Option<String> {
    if table.parent.is_some() || table.partitioned || table.columns.iter().any(|column| column.automatic) {
        return None;
    }
    let usable: Vec<usize> = (0..table.columns.len())
        .filter(|at| {
            let column = &table.columns[*at];
            let kind = &column.kind;
            !column.nullable
                && column.generated.is_none()
                && !kind.needs_prefix()
                && !matches!(kind, Kind::Json | Kind::Geometry(_) | Kind::Vector(_) | Kind::Float | Kind::Double)
        })
        .collect();
    match table.key.clone() {
        Key::Primary(columns) => {
            if random.percent(40) || usable.is_empty() {
                table.key = Key::None;
                return Some("DROP PRIMARY KEY".to_owned());
            }
            let mut new = columns;
            new.push(*random.pick(&usable));
            new.sort_unstable();
            new.dedup();
            let names: Vec<String> = new.iter().map(|at| quoted(&table.columns[*at].name)).collect();
            if new.iter().any(|at| table.columns[*at].kind.needs_prefix()) {
                return None;
            }
            table.key = Key::Primary(new);
            Some(format!("DROP PRIMARY KEY, ADD PRIMARY KEY ({})", names.join(", ")))
        }
        Key::Unique(_) => Some("RENAME INDEX `the key` TO `the key 2`".to_owned()).filter(|_| random.percent(30)),
        Key::None => {
            if random.percent(50) || usable.is_empty() {
                let name = table.free_name("new id");
                let mut column = Column::new(name.clone(), Kind::Int { bytes: 4, unsigned: true });
                column.nullable = false;
                column.automatic = true;
                let sql = format!("ADD COLUMN {} PRIMARY KEY FIRST", column.sql());
                table.insert_column(0, column);
                table.key = Key::Primary(vec![0]);
                return Some(sql);
            }
            let at = *random.pick(&usable);
            table.key = Key::Primary(vec![at]);
            Some(format!("ADD PRIMARY KEY ({})", quoted(&table.columns[at].name)))
        }
    }
}

fn option(random: &mut Random) -> String {
    random
        .word(&[
            "COMMENT = 'a; comment'",
            "ROW_FORMAT = DYNAMIC",
            "ENGINE = InnoDB",
            "FORCE",
            "AUTO_INCREMENT = 500",
            "DEFAULT CHARACTER SET latin1",
            "DEFAULT CHARACTER SET utf8mb4",
            "CONVERT TO CHARACTER SET utf8mb4",
            "STATS_PERSISTENT = 1",
            "KEY_BLOCK_SIZE = 0",
            "ALGORITHM = COPY",
            "ORDER BY 1",
        ])
        .to_owned()
}

fn default(dialect: Dialect, table: &Table, random: &mut Random) -> Option<String> {
    let free: Vec<usize> =
        table.free_columns().into_iter().filter(|at| matches!(table.columns[*at].kind, Kind::Int { .. })).collect();
    if free.is_empty() {
        return None;
    }
    let column = &table.columns[*random.pick(&free)];
    let name = quoted(&column.name);
    // A column that may be NULL and has no default is shown like one that has NULL for its default.
    let shown = !column.nullable || dialect.beyond_dumps;
    Some(match random.below(2) {
        number if number == 0 || !shown => format!("ALTER COLUMN {name} SET DEFAULT 7"),
        _ => format!("ALTER {name} DROP DEFAULT"),
    })
}
