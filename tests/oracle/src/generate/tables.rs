//! New tables.

use super::kinds::{Column, Dialect, Kind};
use super::model::{Key, Model, Table};
use super::values;
use crate::random::Random;
use crate::server::quoted;

/// Names of schemas, the odd ones too.
pub(crate) const SCHEMAS: &[&str] = &["shop", "odd db", "dä", "Mixed", "s-schema"];
const NAMES: &[&str] = &[
    "items",
    "odd name",
    "ünï",
    "select",
    "a-b",
    "日本",
    "per%cent",
    "Mixed",
    "t-schema",
    "0num",
    "a$b",
    "dot.ted",
    "back\\slash",
    "items2",
    "things",
    "rows",
];
const COLUMNS: &[&str] = &["v", "w", "name", "odd col", "é", "order", "a.b", "x'y", "Val", "日", "c)", "z,z"];

/// mydumper 0.10 puts names into queries without escaping the quotes in them.
const QUOTED_NAMES: &[&str] = &["x'y\"z", "it's", "quo`te"];

/// A definition and what the generator then knows of it.
pub(crate) fn create(dialect: Dialect, model: &mut Model, schema: &str, random: &mut Random) -> (String, Table) {
    let name = free_name(dialect, model, schema, random);
    let mut table = Table {
        schema: schema.to_owned(),
        name,
        columns: Vec::new(),
        key: Key::None,
        family: model.new_family(),
        parent: None,
        partitioned: false,
    };
    keyed(dialect, &mut table, random);
    let most = if random.percent(15) { 24 } else { 7 };
    for _ in 0..random.between(1, most) {
        let column = column(dialect, &table, random);
        table.columns.push(column);
    }
    if random.percent(20) {
        table.columns.push(generated(&table, random));
    }
    if random.percent(30) {
        // The key need not come first.
        let first = table.columns.remove(0);
        let count = table.columns.len();
        table.columns.push(first);
        match &mut table.key {
            Key::Primary(columns) | Key::Unique(columns) => {
                columns.iter_mut().for_each(|column| *column = if *column == 0 { count } else { *column - 1 });
            }
            Key::None => {}
        }
    }
    let mut extra = Vec::new();
    if random.percent(35) {
        foreign_key(model, &mut table, &mut extra, random);
    }
    let sql = definition(&mut table, &extra, random);
    (sql, table)
}

fn free_name(dialect: Dialect, model: &mut Model, schema: &str, random: &mut Random) -> String {
    let quoted = dialect.mysql && random.percent(12);
    let wish = random.word(if quoted { QUOTED_NAMES } else { NAMES });
    if model.find(schema, wish).is_none() {
        return wish.to_owned();
    }
    model.names += 1;
    format!("{wish} {}", model.names)
}

/// The columns that make up the key.
fn keyed(dialect: Dialect, table: &mut Table, random: &mut Random) {
    let kind = *random.weighted(&[(30, 0), (16, 1), (24, 2), (10, 3), (20, 4)]);
    let of_key = |kind: Kind, name: &str| Column { nullable: false, ..Column::new(name, kind) };
    match kind {
        0 => {
            let mut id = of_key(Kind::int(random), "id");
            id.automatic = random.percent(60);
            table.columns.push(id);
            table.key = Key::Primary(vec![0]);
        }
        1 => {
            let count = random.between(2, 3);
            for at in 0..count {
                table.columns.push(of_key(Kind::of_key(dialect, random), ["k1", "k 2", "k3"][at]));
            }
            // A key's order need not be the columns'.
            let mut columns: Vec<usize> = (0..count).collect();
            if random.percent(40) {
                columns.reverse();
            }
            table.key = if random.percent(80) { Key::Primary(columns) } else { Key::Unique(columns) };
        }
        2 | 3 => {
            table.columns.push(of_key(Kind::of_key(dialect, random), "k"));
            table.key = if kind == 2 { Key::Primary(vec![0]) } else { Key::Unique(vec![0]) };
        }
        _ => {}
    }
}

/// A column like any.
pub(crate) fn column(dialect: Dialect, table: &Table, random: &mut Random) -> Column {
    let name = table.free_name(random.word(COLUMNS));
    let mut column = Column::new(name, Kind::any(dialect, random));
    column.nullable = random.percent(75);
    let binary = matches!(column.kind, Kind::Binary(_) | Kind::Varbinary(_)) && !dialect.binary_defaults;
    if column.kind.takes_default() && !binary && random.percent(30) {
        column.default = Some(default(dialect, &column.kind, random));
    }
    column.invisible = dialect.invisible && random.percent(6) && (column.nullable || column.default.is_some());
    if random.percent(8) {
        column.comment = Some(random.word(&["a; b", "it\\'s", "-- x", "), (", "é"]));
    }
    column
}

fn default(dialect: Dialect, kind: &Kind, random: &mut Random) -> String {
    match kind {
        Kind::Datetime(fsp) | Kind::Timestamp(fsp) if random.percent(60) => {
            if *fsp == 0 {
                "CURRENT_TIMESTAMP".to_owned()
            } else {
                format!("CURRENT_TIMESTAMP({fsp})")
            }
        }
        Kind::Bit(_) => "b'1'".to_owned(),
        Kind::Float | Kind::Double => "1.5".to_owned(),
        _ => values::key_value(kind, random.below(3), dialect, random),
    }
}

fn generated(table: &Table, random: &mut Random) -> Column {
    let numbers: Vec<&Column> =
        table.columns.iter().filter(|column| matches!(column.kind, Kind::Int { .. }) && !column.automatic).collect();
    let stored = random.percent(50);
    let mut column = match numbers.first() {
        Some(number) => {
            let mut column = Column::new(table.free_name("gen"), Kind::Double);
            column.generated = Some((format!("{} / 2", quoted(&number.name)), stored));
            column
        }
        None => {
            let mut column = Column::new(table.free_name("gen"), Kind::Int { bytes: 4, unsigned: false });
            column.generated = Some(("1 + 1".to_owned(), stored));
            column
        }
    };
    column.nullable = true;
    column
}

fn foreign_key(model: &Model, table: &mut Table, extra: &mut Vec<String>, random: &mut Random) {
    let own = random.percent(25).then(|| table.clone());
    let parents: Vec<&Table> = model.tables.iter().chain(own.as_ref()).collect();
    let parents: Vec<&Table> = parents
        .into_iter()
        .filter(|parent| matches!(parent.key, Key::Primary(_)) && parent.numbered().is_some() && !parent.partitioned)
        .collect();
    if parents.is_empty() {
        return;
    }
    let parent = *random.pick(&parents);
    let Some(referred) = parent.numbered() else { return };
    let column = Column::new(table.free_name("parent id"), referred.kind.clone());
    let actions = ["CASCADE", "SET NULL", "RESTRICT", "NO ACTION", "CASCADE"];
    let (delete, update) = (random.pick(&actions), random.pick(&actions));
    extra.push(format!(
        "FOREIGN KEY ({}) REFERENCES {} ({}) ON DELETE {delete} ON UPDATE {update}",
        quoted(&column.name),
        parent.sql(),
        quoted(&referred.name)
    ));
    if parent.name != table.name || parent.schema != table.schema {
        table.family = parent.family;
    }
    table.parent = Some((table.columns.len(), parent.name.clone()));
    table.columns.push(column);
}

fn definition(table: &mut Table, extra: &[String], random: &mut Random) -> String {
    let mut parts: Vec<String> = table.columns.iter().map(|column| column.sql()).collect();
    let key_part = |at: &usize| {
        let column = &table.columns[*at];
        if column.kind.needs_prefix() { format!("{}(20)", quoted(&column.name)) } else { quoted(&column.name) }
    };
    let list = |columns: &[usize]| columns.iter().map(key_part).collect::<Vec<_>>().join(", ");
    match &table.key {
        Key::Primary(columns) => parts.push(format!("PRIMARY KEY ({})", list(columns))),
        Key::Unique(columns) => parts.push(format!("UNIQUE KEY `the key` ({})", list(columns))),
        Key::None => {}
    }
    let others: Vec<usize> = table
        .free_columns()
        .into_iter()
        .filter(|at| !matches!(table.columns[*at].kind, Kind::Json | Kind::Geometry(_) | Kind::Vector(_)))
        .collect();
    if !others.is_empty() && random.percent(25) {
        let at = *random.pick(&others);
        let prefix = |column: &Column| match column.kind {
            Kind::Text { .. } | Kind::Blob(_) => "(10)",
            _ => "",
        };
        parts.push(format!("KEY `i {at}` ({}{})", quoted(&table.columns[at].name), prefix(&table.columns[at])));
    }
    parts.extend_from_slice(extra);
    // What refers to others has to be of InnoDB.
    let engine =
        if extra.is_empty() { *random.weighted(&[(90, "InnoDB"), (7, "MyISAM"), (3, "Aria")]) } else { "InnoDB" };
    let mut sql = format!("CREATE TABLE {} (\n  {}\n) ENGINE={engine}", table.sql(), parts.join(",\n  "));
    if random.percent(30) {
        sql.push_str(random.word(&[
            " DEFAULT CHARSET=utf8mb4",
            " DEFAULT CHARSET=latin1",
            " COMMENT='it''s; a table'",
            " ROW_FORMAT=DYNAMIC",
        ]));
    }
    if extra.is_empty()
        && random.percent(25)
        && let (Key::Primary(columns), Some(number)) = (&table.key, table.numbered())
        && columns.len() == 1
    {
        let name = quoted(&number.name);
        sql.push_str(&match random.below(3) {
            0 => format!(" PARTITION BY HASH ({name}) PARTITIONS 3"),
            1 => format!(" PARTITION BY KEY ({name}) PARTITIONS 2"),
            _ => format!(
                " PARTITION BY RANGE ({name}) (PARTITION p0 VALUES LESS THAN (10), PARTITION p1 VALUES LESS THAN (40), \
                 PARTITION p2 VALUES LESS THAN MAXVALUE)"
            ),
        });
        table.partitioned = true;
    }
    sql
}
