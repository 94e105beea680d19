//! What a table looks like.

use std::collections::HashMap;

use backtrail_domain::TableName;
use serde::{Deserialize, Serialize};

use crate::Flavour;

/// A table's columns and keys at one moment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TableShape {
    /// The table.
    pub name: TableName,
    /// Its columns in the order of the definition, which is the order in the binary log's row images. Generated columns
    /// (virtual ones too) and invisible ones are among them.
    pub columns: Vec<Column>,
    /// The primary key's parts, in key order.
    pub primary_key: Option<Vec<KeyPart>>,
    /// The unique keys in the order of the definition, without the primary key.
    pub unique_keys: Vec<Key>,
    /// The other indexes. Their names are taken, and a DROP INDEX may mean them.
    #[serde(default)]
    pub indexes: Vec<Key>,
    /// Foreign keys that this table holds.
    pub foreign_keys: Vec<ForeignKey>,
    /// The names of its CHECK constraints; MariaDB's that stand at a column have none.
    #[serde(default)]
    pub checks: Vec<String>,
    /// The table's default character set, lower case (`utf8mb4`), when the definition says.
    pub charset: Option<String>,
    /// The table's default collation, lower case, when the definition says.
    pub collation: Option<String>,
    /// The storage engine as written.
    pub engine: Option<String>,
    /// Whether the table is partitioned.
    pub partitioned: bool,
    /// `AUTO_INCREMENT=`: the next value.
    pub auto_increment: Option<u64>,
    /// MariaDB's `WITH SYSTEM VERSIONING`: the table also holds rows of the past, and every key ends in `ROW END`.
    pub system_versioned: bool,
    /// MariaDB's `SEQUENCE=1`: it is a sequence, whose state is its one row.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub sequence: bool,
}

impl TableShape {
    /// A column's place by name. Servers compare column names without regard to case.
    pub fn column_index(&self, name: &str) -> Option<usize> {
        self.columns.iter().position(|column| same_column_name(&column.name, name))
    }

    /// The places of the columns by their names in lower case.
    pub(crate) fn column_places(&self) -> HashMap<String, usize> {
        self.columns.iter().enumerate().map(|(place, column)| (column.name.to_lowercase(), place)).rev().collect()
    }

    /// The key that names a row: the primary key, else the first unique key without expressions whose columns are all
    /// NOT NULL. None for a table without one, and for a system-versioned table.
    ///
    /// A part with a prefix length counts as its whole column: what is unique in its first characters is unique.
    pub fn row_key(&self) -> Option<RowKey<'_>> {
        if self.system_versioned {
            return None;
        }
        if let Some(parts) = &self.primary_key {
            return Some(RowKey { parts, primary: true });
        }
        self.unique_keys
            .iter()
            .find(|key| {
                !key.has_expression
                    && !key.parts.is_empty()
                    && key.parts.iter().all(|part| self.columns.get(part.column).is_some_and(|c| !c.nullable))
            })
            .map(|key| RowKey { parts: &key.parts, primary: false })
    }

    /// The table that CREATE TABLE … LIKE makes of this one: the same columns and keys, but no foreign keys, and counting
    /// from the beginning.
    #[must_use]
    pub fn like(&self, name: TableName) -> Self {
        Self { foreign_keys: Vec::new(), auto_increment: None, name, ..self.clone() }
    }

    /// A table that a server has shown, which does not say of an index whether it was made for a foreign key: one that is
    /// called and made like it is taken for it.
    #[must_use]
    pub fn with_implied_indexes(mut self) -> Self {
        let Self { columns, foreign_keys, indexes, .. } = &mut self;
        for index in indexes {
            let whole = !index.has_expression && index.parts.iter().all(|part| part.prefix_length.is_none());
            let first = index.parts.first().and_then(|part| columns.get(part.column));
            let named_so = |key: &ForeignKey| {
                // Without a name of its own it is called like the first column, with a number behind it where that is taken.
                let unnamed = key.name.rsplit_once("_ibfk_").is_some_and(|(_, number)| is_number(number));
                let rest = first.and_then(|column| index.name.strip_prefix(&column.name));
                let of_column =
                    rest.is_some_and(|rest| rest.is_empty() || rest.strip_prefix('_').is_some_and(is_number));
                same_column_name(&index.name, &key.name) || (unnamed && of_column)
            };
            let its_columns = |key: &ForeignKey| key.columns.iter().eq(index.parts.iter().map(|part| &part.column));
            index.implied |=
                whole && index.usable.is_none() && foreign_keys.iter().any(|key| its_columns(key) && named_so(key));
        }
        self
    }

    /// The table behind a TRUNCATE.
    #[must_use]
    pub fn truncated(&self) -> Self {
        Self { auto_increment: None, ..self.clone() }
    }

    /// The table under another name. The constraints that the server has named after the table are named after the new
    /// name.
    #[must_use]
    pub fn renamed(&self, name: TableName) -> Self {
        let mut shape = self.clone();
        let follow = |constraint: &mut String, middle: &str| {
            let number = constraint.strip_prefix(&self.name.table).and_then(|rest| rest.strip_prefix(middle));
            if let Some(number) = number.filter(|number| number.bytes().all(|byte| byte.is_ascii_digit())) {
                *constraint = format!("{}{middle}{number}", name.table);
            }
        };
        for key in &mut shape.foreign_keys {
            follow(&mut key.name, "_ibfk_");
            if key.parent == self.name {
                key.parent = name.clone();
            }
        }
        for check in &mut shape.checks {
            follow(check, "_chk_");
        }
        shape.name = name;
        shape
    }

    /// A table that foreign keys of this one point to has got another name.
    pub fn parent_renamed(&mut self, from: &TableName, to: &TableName) {
        for key in self.foreign_keys.iter_mut().filter(|key| key.parent == *from) {
            key.parent = to.clone();
        }
    }

    /// Columns of a table that foreign keys of this one point to have got other names: old and new.
    pub fn parent_columns_renamed(&mut self, parent: &TableName, renamed: &[(String, String)]) {
        for key in self.foreign_keys.iter_mut().filter(|key| key.parent == *parent) {
            crate::evolve::rename_all(&mut key.parent_columns, renamed);
        }
    }

    /// The columns that `INSERT INTO t VALUES (…)` without a column list sets, in order: all but the invisible ones.
    pub fn positional_columns(&self) -> impl Iterator<Item = usize> + '_ {
        self.columns.iter().enumerate().filter(|(_, column)| !column.invisible).map(|(index, _)| index)
    }

    /// Whether a column is generated, so that an INSERT needs a column list and must not name it.
    pub fn has_generated_columns(&self) -> bool {
        self.columns.iter().any(|column| column.generated.is_some())
    }
}

fn is_number(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())
}

/// Whether two names mean the same column.
pub(crate) fn same_column_name(a: &str, b: &str) -> bool {
    a == b || a.to_lowercase() == b.to_lowercase()
}

/// The key that names a row of a table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RowKey<'a> {
    /// Its parts in key order.
    pub parts: &'a [KeyPart],
    /// Whether it is the primary key, and not a unique key that stands in for it.
    pub primary: bool,
}

impl RowKey<'_> {
    /// The columns of the key, in key order, as places in [`TableShape::columns`].
    pub fn columns(&self) -> impl Iterator<Item = usize> + '_ {
        self.parts.iter().map(|part| part.column)
    }
}

/// One column.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Column {
    /// Its name, unquoted.
    pub name: String,
    /// Its type.
    pub ty: ColumnType,
    /// Whether NULL is allowed. False for the columns of a primary key even where the definition does not say so.
    pub nullable: bool,
    /// Whether its value is computed.
    pub generated: Option<Generated>,
    /// Whether `SELECT *` and an INSERT without a column list leave it out.
    pub invisible: bool,
    /// The default as written (`'a'`, `NULL`, `current_timestamp()`, `(uuid())`); None when there is none.
    pub default: Option<String>,
    /// `ON UPDATE` as written.
    pub on_update: Option<String>,
    /// Whether the server counts it up.
    pub auto_increment: bool,
    /// The column's character set, lower case: its own, else the table's. `utf8` is called `utf8mb3`. None for types
    /// without one, and where the definition leaves it to the server.
    pub charset: Option<String>,
    /// The column's collation, lower case: its own, else the table's if the character set is the table's.
    pub collation: Option<String>,
    /// `ZEROFILL`: as text, the number has leading zeros.
    #[serde(default)]
    pub zerofill: bool,
    /// `FLOAT(M,D)` and `DOUBLE(M,D)`: the D to which values are rounded.
    #[serde(default)]
    pub decimals: Option<u8>,
}

/// When a generated column is computed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Generated {
    /// When it is read.
    Virtual,
    /// When the row is written.
    Stored,
}

/// A column's type.
///
/// Aliases are resolved (`INTEGER`, `BOOL`, `DEC`, `NVARCHAR`, MariaDB's `JSON`); text types of the character set
/// `binary` are the binary types they stand for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
#[expect(missing_docs, reason = "the fields are the types' own attributes under their SQL names")]
pub enum ColumnType {
    TinyInt {
        unsigned: bool,
    },
    SmallInt {
        unsigned: bool,
    },
    MediumInt {
        unsigned: bool,
    },
    Int {
        unsigned: bool,
    },
    BigInt {
        unsigned: bool,
    },
    Decimal {
        precision: u8,
        scale: u8,
        unsigned: bool,
    },
    Float {
        unsigned: bool,
    },
    Double {
        unsigned: bool,
    },
    Bit {
        bits: u8,
    },
    Date,
    Time {
        fsp: u8,
    },
    DateTime {
        fsp: u8,
    },
    Timestamp {
        fsp: u8,
    },
    Year,
    /// Length in characters.
    Char {
        length: u32,
    },
    /// Length in characters.
    VarChar {
        length: u32,
    },
    /// Length in bytes.
    Binary {
        length: u32,
    },
    /// Length in bytes.
    VarBinary {
        length: u32,
    },
    TinyText,
    Text,
    MediumText,
    LongText,
    TinyBlob,
    Blob,
    MediumBlob,
    LongBlob,
    Enum {
        values: Vec<String>,
    },
    Set {
        values: Vec<String>,
    },
    /// MySQL's binary JSON. MariaDB's JSON is [`ColumnType::LongText`].
    Json,
    Geometry {
        kind: GeometryKind,
    },
    Vector {
        dimensions: u32,
    },
    /// MariaDB's UUID: 16 bytes.
    Uuid,
    /// MariaDB's INET4: 4 bytes.
    Inet4,
    /// MariaDB's INET6: 16 bytes.
    Inet6,
}

/// The geometry types.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[expect(missing_docs, reason = "the geometry types' SQL names")]
pub enum GeometryKind {
    Geometry,
    Point,
    LineString,
    Polygon,
    MultiPoint,
    MultiLineString,
    MultiPolygon,
    GeometryCollection,
}

/// A key other than the primary key.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Key {
    /// Its name; the one that the server makes where the definition leaves it to the server.
    pub name: String,
    /// Its column parts in key order.
    pub parts: Vec<KeyPart>,
    /// Whether it also has functional parts (`((lower(a)))`), which `parts` leaves out: it is unique in a computed value
    /// and names no row.
    pub has_expression: bool,
    /// Whether the server made it for a foreign key: it goes when another key comes that begins with its columns.
    #[serde(default)]
    pub implied: bool,
    /// How many of its first columns a foreign key can use in place of an index of its own, where it is not all of them.
    #[serde(default)]
    pub usable: Option<usize>,
}

/// One column of a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeyPart {
    /// Its place in [`TableShape::columns`].
    pub column: usize,
    /// How many characters (bytes, for binary types) count.
    pub prefix_length: Option<u32>,
}

/// A foreign key, seen from the child.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ForeignKey {
    /// The constraint's name; the one that the server makes where the definition leaves it to the server.
    pub name: String,
    /// The child's columns, as places in [`TableShape::columns`].
    pub columns: Vec<usize>,
    /// The parent.
    pub parent: TableName,
    /// The parent's columns, in the order of `columns`.
    pub parent_columns: Vec<String>,
    /// What happens to the child when the parent row goes.
    pub on_delete: ReferentialAction,
    /// What happens to the child when the parent's key changes.
    pub on_update: ReferentialAction,
}

/// What a foreign key does to the child's rows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ReferentialAction {
    /// The change is refused. What MariaDB takes when nothing is said.
    #[default]
    Restrict,
    /// The same. What MySQL takes when nothing is said.
    NoAction,
    /// The child follows.
    Cascade,
    /// The child's columns become NULL.
    SetNull,
    /// The child's columns take their defaults. InnoDB refuses it; a definition may still say it.
    SetDefault,
}

impl ReferentialAction {
    /// Whether child rows change without an event of their own in the binary log (InnoDB before MySQL 9.6, MariaDB).
    pub fn changes_child(self) -> bool {
        !matches!(self, Self::Restrict | Self::NoAction)
    }

    /// What is meant where a definition does not say.
    pub fn unsaid(flavour: Flavour) -> Self {
        match flavour {
            Flavour::Mysql => Self::NoAction,
            Flavour::Mariadb => Self::Restrict,
        }
    }
}
