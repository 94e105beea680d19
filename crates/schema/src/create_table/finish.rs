//! What can only be said when the whole definition is read: which columns the keys mean, and which character set a column
//! has.

use super::{Draft, KeyKind, Parser};
use crate::shape::{Column, ForeignKey, Key, KeyPart, TableShape, same_column_name};
use crate::{Flavour, SchemaError};

impl Parser<'_, '_> {
    pub(super) fn finish(mut self) -> Result<TableShape, SchemaError> {
        let mut shape = self.shape;
        if shape.charset.is_none() {
            shape.charset = shape.collation.as_deref().and_then(charset_of_collation).map(str::to_owned);
        }
        let table = shape.name.to_string();
        for draft in std::mem::take(&mut self.drafts) {
            shape.columns.push(finish_column(draft, &shape, self.flavour, &table)?);
        }
        let index_of = |shape: &TableShape, key: &str, column: &str| {
            shape.columns.iter().position(|c| same_column_name(&c.name, column)).ok_or_else(|| {
                SchemaError::UnknownColumn { table: table.clone(), key: key.to_owned(), column: column.to_owned() }
            })
        };
        for key in self.keys {
            let shown = if matches!(key.kind, KeyKind::Primary) { "PRIMARY" } else { key.name.as_str() };
            let parts = key
                .parts
                .iter()
                .map(|(column, prefix_length)| {
                    Ok(KeyPart { column: index_of(&shape, shown, column)?, prefix_length: *prefix_length })
                })
                .collect::<Result<Vec<_>, SchemaError>>()?;
            match key.kind {
                KeyKind::Primary if !key.has_expression => {
                    for part in &parts {
                        if let Some(column) = shape.columns.get_mut(part.column) {
                            column.nullable = false;
                        }
                    }
                    shape.primary_key = Some(parts);
                }
                // MariaDB's PRIMARY KEY (id, period WITHOUT OVERLAPS): rows of one id differ in their period.
                KeyKind::Primary => {
                    shape.unique_keys.push(Key { name: "PRIMARY".to_owned(), parts, has_expression: true });
                }
                KeyKind::Unique => {
                    shape.unique_keys.push(Key { name: key.name, parts, has_expression: key.has_expression });
                }
            }
        }
        for key in self.foreign_keys {
            let columns = key
                .columns
                .iter()
                .map(|column| index_of(&shape, &key.name, column))
                .collect::<Result<Vec<_>, SchemaError>>()?;
            shape.foreign_keys.push(ForeignKey {
                name: key.name,
                columns,
                parent: key.parent,
                parent_columns: key.parent_columns,
                on_delete: key.on_delete,
                on_update: key.on_update,
            });
        }
        Ok(shape)
    }
}

fn finish_column(draft: Draft, shape: &TableShape, flavour: Flavour, table: &str) -> Result<Column, SchemaError> {
    let Draft { mut column, mut spec, charset, collation } = draft;
    let of_collation = collation.as_deref().and_then(charset_of_collation).map(str::to_owned);
    let inherits = charset.is_none() && of_collation.is_none();
    let charset = charset.or(of_collation).or_else(|| shape.charset.clone());
    // A table's default of `binary` makes bytes of its text columns just as the column's own does.
    spec.bytes |= charset.as_deref() == Some("binary");
    spec.widest = match charset.as_deref() {
        Some("utf8mb3") => 3,
        Some("utf8mb4" | "utf16" | "utf16le" | "utf32") | None => 4,
        Some("gbk" | "big5" | "sjis" | "cp932" | "euckr" | "gb2312" | "ucs2") => 2,
        Some("ujis" | "eucjpms") => 3,
        Some("gb18030") => 4,
        Some(_) => 1,
    };
    let mariadb_json = spec.name == "JSON" && flavour == Flavour::Mariadb;
    let type_name = spec.name.clone();
    column.ty = spec.resolve(flavour).ok_or_else(|| SchemaError::UnknownType {
        table: table.to_owned(),
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
fn charset_of_collation(collation: &str) -> Option<&str> {
    let charset = collation.split('_').next()?;
    (charset != "uca1400").then_some(charset)
}
