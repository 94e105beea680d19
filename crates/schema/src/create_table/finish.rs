//! What can only be said when the whole definition is read: which columns the keys mean, what the server names them, and
//! which character set a column has.

use std::collections::HashSet;

use backtrail_domain::TableName;

use super::{Draft, DraftForeignKey, DraftKey, KeyKind, Parser};
use crate::charset::character_bytes;
use crate::shape::{Column, ForeignKey, Key, KeyPart, TableShape};
use crate::{ColumnType, Flavour, SchemaError};

/// The places of a list of columns, by name.
type Place<'c> = &'c dyn Fn(&str) -> Option<usize>;

impl Parser<'_, '_> {
    pub(super) fn finish(mut self) -> Result<TableShape, SchemaError> {
        let mut shape = self.shape;
        if shape.charset.is_none() {
            shape.charset = shape.collation.as_deref().and_then(charset_of_collation).map(str::to_owned);
        }
        for draft in std::mem::take(&mut self.drafts) {
            let column = finish_column(draft, &shape, self.flavour)?;
            shape.columns.push(column);
        }
        let places = shape.column_places();
        let place = |name: &str| places.get(&name.to_lowercase()).copied();
        let mut names = Names::default();
        let listed: Vec<Listed> = self.keys.iter().map(|key| Listed::of_draft(key, &place)).collect();
        let kept = self.keys.into_iter().zip(needless(&listed)).filter(|(_, needless)| !needless);
        for (key, _) in kept {
            add_key(&mut shape, &mut names, &place, key)?;
        }
        for key in self.foreign_keys {
            add_foreign_key(&mut shape, &place, key)?;
        }
        for check in self.checks {
            add_check(&mut shape, self.flavour, check.name);
        }
        Ok(shape)
    }
}

/// A key among those of a table, in the order in which the server looks at them.
pub(crate) struct Listed {
    /// Its columns by their places, and how much of each it is on.
    pub(crate) parts: Vec<(Option<usize>, Option<u32>)>,
    pub(crate) implied: bool,
    pub(crate) usable: Option<usize>,
}

impl Listed {
    pub(crate) fn of_key(key: &Key) -> Self {
        Self { implied: key.implied, usable: key.usable, ..Self::of_parts(&key.parts) }
    }

    pub(crate) fn of_parts(parts: &[KeyPart]) -> Self {
        let parts = parts.iter().map(|part| (Some(part.column), part.prefix_length)).collect();
        Self { parts, implied: false, usable: None }
    }

    pub(crate) fn of_draft(key: &DraftKey, place: Place<'_>) -> Self {
        let parts = key.parts.iter().map(|(name, prefix)| (place(name), *prefix)).collect();
        Self { parts, implied: key.kind == KeyKind::Foreign, usable: key.usable }
    }

    /// Whether a foreign key with the other's columns can use it.
    fn begins_with(&self, other: &Self) -> bool {
        self.parts.starts_with(&other.parts) && self.usable.is_none_or(|usable| other.parts.len() <= usable)
    }
}

/// Which keys are not made, or go: indexes of foreign keys with whose columns another key begins. Of two that are alike
/// the later one stays.
pub(crate) fn needless(keys: &[Listed]) -> Vec<bool> {
    let mut needless: Vec<bool> = Vec::with_capacity(keys.len());
    for key in keys {
        let before = keys.iter().zip(&mut needless).find(|(other, gone)| {
            !**gone && ((key.implied && other.begins_with(key)) || (other.implied && key.begins_with(other)))
        });
        let goes = match before {
            Some((other, gone)) if other.implied && !(key.implied && key.parts.len() < other.parts.len()) => {
                *gone = true;
                false
            }
            before => before.is_some(),
        };
        needless.push(goes);
    }
    needless
}

/// The names of a table's keys, to make new ones as the server does.
#[derive(Debug, Default)]
pub(crate) struct Names(HashSet<String>);

impl Names {
    pub(crate) fn of(shape: &TableShape) -> Self {
        Self(shape.unique_keys.iter().chain(&shape.indexes).map(|key| key.name.to_lowercase()).collect())
    }

    pub(crate) fn take(&mut self, name: &str) {
        self.0.insert(name.to_lowercase());
    }

    fn make(&self, first: &str) -> String {
        let is_free = |name: &str| !self.0.contains(&name.to_lowercase());
        if is_free(first) && !first.eq_ignore_ascii_case("PRIMARY") {
            return first.to_owned();
        }
        // A table has at most 64 keys.
        (2..200).map(|number| format!("{first}_{number}")).find(|name| is_free(name)).unwrap_or_default()
    }
}

/// A key's parts as places.
pub(crate) fn resolve_parts(table: &TableName, key: &DraftKey, place: Place<'_>) -> Result<Vec<KeyPart>, SchemaError> {
    let shown = if key.kind == KeyKind::Primary { "PRIMARY" } else { key.name.as_str() };
    let part = |(column, prefix_length): &(String, Option<u32>)| {
        let unknown = || SchemaError::UnknownColumn {
            table: table.to_string(),
            key: shown.to_owned(),
            column: column.to_owned(),
        };
        Ok(KeyPart { column: place(column).ok_or_else(unknown)?, prefix_length: *prefix_length })
    };
    key.parts.iter().map(part).collect()
}

/// Adds a key to a shape whose columns are complete.
pub(crate) fn add_key(
    shape: &mut TableShape,
    names: &mut Names,
    place: Place<'_>,
    key: DraftKey,
) -> Result<(), SchemaError> {
    let mut parts = resolve_parts(&shape.name, &key, place)?;
    for part in &mut parts {
        let column = shape.columns.get(part.column);
        part.prefix_length = part.prefix_length.filter(|length| column.is_some_and(|c| takes_prefix(&c.ty, *length)));
    }
    if key.kind == KeyKind::Primary {
        // MariaDB's PRIMARY KEY (id, period WITHOUT OVERLAPS): rows of one id differ in their period.
        if key.has_expression {
            shape.unique_keys.push(Key {
                name: "PRIMARY".to_owned(),
                parts,
                has_expression: true,
                implied: false,
                usable: key.usable,
            });
            return Ok(());
        }
        for part in &parts {
            if let Some(column) = shape.columns.get_mut(part.column) {
                column.nullable = false;
            }
        }
        shape.primary_key = Some(parts);
        return Ok(());
    }
    let name = if key.name.is_empty() {
        let first = parts.first().and_then(|part| shape.columns.get(part.column));
        names.make(first.map_or("functional_index", |column| column.name.as_str()))
    } else {
        key.name
    };
    names.take(&name);
    let keys = if key.kind == KeyKind::Unique { &mut shape.unique_keys } else { &mut shape.indexes };
    let implied = key.kind == KeyKind::Foreign;
    keys.push(Key { name, parts, has_expression: key.has_expression, implied, usable: key.usable });
    Ok(())
}

/// Whether a key can be on the first so many characters of a column, and not on all of it.
pub(crate) fn takes_prefix(ty: &ColumnType, prefix: u32) -> bool {
    match ty {
        ColumnType::Char { length }
        | ColumnType::VarChar { length }
        | ColumnType::Binary { length }
        | ColumnType::VarBinary { length } => prefix < *length,
        ColumnType::TinyText
        | ColumnType::Text
        | ColumnType::MediumText
        | ColumnType::LongText
        | ColumnType::TinyBlob
        | ColumnType::Blob
        | ColumnType::MediumBlob
        | ColumnType::LongBlob => true,
        _ => false,
    }
}

/// The number behind the constraint names that the server makes for a table (`t_ibfk_1`).
pub(crate) fn next_number<'n>(names: impl Iterator<Item = &'n str>, beginning: &str) -> u64 {
    let number = |name: &str| {
        let (start, rest) = name.split_at_checked(beginning.len())?;
        (start.to_lowercase() == beginning.to_lowercase()).then(|| rest.parse::<u64>().ok())?
    };
    names.filter_map(number).max().unwrap_or(0).saturating_add(1)
}

/// Adds a foreign key to a shape whose columns are complete.
pub(crate) fn add_foreign_key(
    shape: &mut TableShape,
    place: Place<'_>,
    key: DraftForeignKey,
) -> Result<(), SchemaError> {
    let mut name = key.name;
    if name.is_empty() {
        let beginning = format!("{}_ibfk_", shape.name.table);
        let number = next_number(shape.foreign_keys.iter().map(|key| key.name.as_str()), &beginning);
        name = format!("{beginning}{number}");
    }
    let column = |column: &String| {
        let unknown = || SchemaError::UnknownColumn {
            table: shape.name.to_string(),
            key: name.clone(),
            column: column.to_owned(),
        };
        place(column).ok_or_else(unknown)
    };
    let columns = key.columns.iter().map(column).collect::<Result<Vec<_>, SchemaError>>()?;
    shape.foreign_keys.push(ForeignKey {
        name,
        columns,
        parent: key.parent,
        parent_columns: key.parent_columns,
        on_delete: key.on_delete,
        on_update: key.on_update,
    });
    Ok(())
}

/// Adds the name of a CHECK.
pub(crate) fn add_check(shape: &mut TableShape, flavour: Flavour, name: String) {
    if !name.is_empty() {
        shape.checks.push(name);
        return;
    }
    let beginning = match flavour {
        Flavour::Mysql => format!("{}_chk_", shape.name.table),
        Flavour::Mariadb => "CONSTRAINT_".to_owned(),
    };
    let number = next_number(shape.checks.iter().map(String::as_str), &beginning);
    shape.checks.push(format!("{beginning}{number}"));
}

/// A column of a table whose own attributes are known.
pub(crate) fn finish_column(draft: Draft, shape: &TableShape, flavour: Flavour) -> Result<Column, SchemaError> {
    let Draft { mut column, mut spec, charset, collation, .. } = draft;
    let of_collation = collation.as_deref().and_then(charset_of_collation).map(str::to_owned);
    let inherits = charset.is_none() && of_collation.is_none();
    let charset = charset.or(of_collation).or_else(|| shape.charset.clone());
    // A table's default of `binary` makes bytes of its text columns just as the column's own does.
    spec.bytes |= charset.as_deref() == Some("binary");
    spec.widest = charset.as_deref().map_or(4, |name| character_bytes(name).map_or(1, |(widest, _)| widest));
    let mariadb_json = spec.name == "JSON" && flavour == Flavour::Mariadb;
    let type_name = spec.name.clone();
    column.decimals = spec.decimals();
    column.nullable &= !column.auto_increment;
    column.ty = spec.resolve(flavour).ok_or_else(|| SchemaError::UnknownType {
        table: shape.name.to_string(),
        column: column.name.clone(),
        type_name,
    })?;
    if mariadb_json {
        column.charset = Some("utf8mb4".to_owned());
        column.collation = Some("utf8mb4_bin".to_owned());
    } else if column.ty.is_text() {
        column.charset = charset;
        column.collation = collation.or_else(|| inherits.then(|| shape.collation.clone()).flatten());
    }
    Ok(column)
}

/// The character set that a collation's name begins with. MariaDB's `uca1400_…` may stand for several.
pub(crate) fn charset_of_collation(collation: &str) -> Option<&str> {
    let charset = collation.split('_').next()?;
    (charset != "uca1400").then_some(charset)
}
