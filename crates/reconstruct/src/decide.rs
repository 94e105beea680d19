//! The plan for each table, out of the baseline's shapes and what the log says.

use std::collections::BTreeMap;

use backtrail_domain::TableName;
use backtrail_schema::{ColumnType, ReferentialAction, SchemaError, TableShape};

use crate::EngineError;
use crate::baseline::{Catalog, DataHead, TableFiles};
use crate::facts::Facts;
use crate::key::KeyCodec;
use crate::plan::{PlannedKey, Refusal, TableAction};

/// The baseline's definitions, as far as they are needed.
#[derive(Default)]
pub(crate) struct Shapes {
    pub(crate) known: BTreeMap<TableName, TableShape>,
    pub(crate) unreadable: BTreeMap<TableName, SchemaError>,
}

/// How rows of a table are told apart.
pub(crate) fn row_key(shape: &TableShape) -> Result<(PlannedKey, KeyCodec), String> {
    if shape.system_versioned {
        return Err("it is system-versioned: its rows of the past are not in the dump".to_owned());
    }
    let names = |columns: &[usize]| {
        columns.iter().filter_map(|index| shape.columns.get(*index)).map(|column| column.name.clone()).collect()
    };
    let (columns, key) = match shape.row_key() {
        Some(key) => {
            let columns: Vec<usize> = key.columns().collect();
            let generated = |index: &usize| shape.columns.get(*index).is_none_or(|column| column.generated.is_some());
            if columns.iter().any(generated) {
                return Err("its key has a generated column, whose values are not in the dump".to_owned());
            }
            let names = names(&columns);
            let planned = if key.primary {
                PlannedKey::Primary { columns: names }
            } else {
                PlannedKey::Unique { columns: names }
            };
            (columns, planned)
        }
        None => {
            let written = |(_, column): &(usize, &backtrail_schema::Column)| column.generated.is_none();
            (shape.columns.iter().enumerate().filter(written).map(|(index, _)| index).collect(), PlannedKey::WholeRow)
        }
    };
    let whole_row = key == PlannedKey::WholeRow;
    let codec = KeyCodec::new(shape, &columns, whole_row).map_err(|problem| {
        let what = if whole_row { "it has no primary key, and " } else { "of its key, " };
        format!("{what}{problem}")
    })?;
    Ok((key, codec))
}

/// The columns of a data file's rows, in order, as places in the shape.
pub(crate) fn file_columns(shape: &TableShape, listed: Option<&[String]>) -> Result<Vec<usize>, String> {
    match listed {
        Some(names) => names
            .iter()
            .map(|name| {
                shape
                    .column_index(name)
                    .ok_or_else(|| format!("a data file has the column `{name}`, the definition has not"))
            })
            .collect(),
        None if shape.has_generated_columns() => {
            Err("it has generated columns and a data file names no columns: which values they are cannot be told"
                .to_owned())
        }
        None => Ok(shape.positional_columns().collect()),
    }
}

/// What a data file must say, and a table be, for its rows to be merged.
pub(crate) fn mergeable(shape: &TableShape, head: &DataHead, columns: &[usize]) -> Result<(), String> {
    if !head.names_binary {
        return Err(
            "its data files do not begin with SET NAMES binary: the bytes of its texts cannot be told".to_owned()
        );
    }
    if head.no_backslash_escapes {
        return Err("its data files are written for NO_BACKSLASH_ESCAPES".to_owned());
    }
    let has_timestamp = shape.columns.iter().any(|column| matches!(column.ty, ColumnType::Timestamp { .. }));
    if has_timestamp && !head.time_zone_utc {
        return Err("it has TIMESTAMP columns and its data files do not set the time zone to +00:00".to_owned());
    }
    for (index, column) in shape.columns.iter().enumerate() {
        if column.generated.is_none() && !columns.contains(&index) {
            return Err(format!("the dump lacks its column `{}`", column.name));
        }
        if matches!(column.ty, ColumnType::Uuid | ColumnType::Inet4 | ColumnType::Inet6) {
            return Err(format!("column `{}` is of a type that is not yet written from the log", column.name));
        }
    }
    Ok(())
}

/// Tables whose rows changed without events of their own, through foreign keys: with the reason.
pub(crate) fn cascades(
    shapes: &Shapes,
    facts: &Facts,
) -> BTreeMap<TableName, (String, Option<backtrail_domain::BinlogPosition>)> {
    let mut silent: BTreeMap<TableName, (String, Option<backtrail_domain::BinlogPosition>)> = BTreeMap::new();
    loop {
        let before = silent.len();
        for (name, shape) in &shapes.known {
            if silent.contains_key(name) {
                continue;
            }
            for key in &shape.foreign_keys {
                let parent = facts.tables.get(&key.parent);
                let known = shapes.known.get(&key.parent);
                let deleted = parent.and_then(|parent| parent.rows_deleted.as_ref());
                let updated = parent.and_then(|parent| match known {
                    Some(shape) => key
                        .parent_columns
                        .iter()
                        .filter_map(|column| shape.column_index(column))
                        .find_map(|column| parent.columns_changed.get(&column)),
                    None => parent.first_row_event.as_ref(),
                });
                let deletes = key.on_delete.changes_child().then_some(deleted).flatten();
                let updates = key.on_update.changes_child().then_some(updated).flatten();
                let follows = (key.on_delete.changes_child() || key.on_update.changes_child())
                    .then(|| silent.get(&key.parent))
                    .flatten();
                // With its definition changed, which of its columns changed is not known.
                let unclear = (key.on_delete.changes_child() || key.on_update.changes_child())
                    .then(|| parent.and_then(|parent| parent.obstacle.as_ref()))
                    .flatten();
                let follows = match (follows, unclear) {
                    (Some((_, at)), _) => Some(at.clone()),
                    (None, Some(obstacle)) => Some(Some(obstacle.position.clone())),
                    (None, None) => None,
                };
                let (at, action, verb) = match (deletes, updates, follows) {
                    (Some(at), _, _) => (Some(at.clone()), key.on_delete, "DELETE"),
                    (None, Some(at), _) => (Some(at.clone()), key.on_update, "UPDATE"),
                    (None, None, Some(at)) => (at, key.on_delete, "change"),
                    (None, None, None) => continue,
                };
                let action = match action {
                    ReferentialAction::Cascade => "ON … CASCADE",
                    ReferentialAction::SetNull => "ON … SET NULL",
                    ReferentialAction::SetDefault | ReferentialAction::Restrict => "a referential action",
                };
                let reason = format!(
                    "a {verb} of rows of {} may have changed its rows by foreign key `{}` ({action}), which the server does not log",
                    key.parent, key.name
                );
                silent.insert(name.clone(), (reason, at));
                break;
            }
        }
        if silent.len() == before {
            return silent;
        }
    }
}

const LEAVE_OUT: &str = "leave the table out, or take a baseline behind this event";

/// Decides about one table of the baseline.
pub(crate) fn decide(
    catalog: &Catalog<'_>,
    name: &TableName,
    files: &TableFiles,
    shapes: &Shapes,
    facts: &Facts,
    silent: &BTreeMap<TableName, (String, Option<backtrail_domain::BinlogPosition>)>,
    warnings: &mut Vec<String>,
) -> Result<TableAction, EngineError> {
    let refuse = |reason: String, position, remedy: &str| {
        Ok(TableAction::Refused(Refusal {
            table: name.clone(),
            position,
            statement: None,
            reason,
            remedy: remedy.to_owned(),
        }))
    };
    if !files.raw_data.is_empty() {
        return refuse(
            "its rows are not dumped as INSERT statements".to_owned(),
            None,
            "take a backup without --csv and --load-data",
        );
    }
    let table = facts.tables.get(name);
    if let Some(obstacle) = table.and_then(|table| table.obstacle.as_ref()).or(facts.any_table.as_ref()) {
        return Ok(TableAction::Refused(obstacle.refusal(name)));
    }
    if let Some((reason, at)) = silent.get(name) {
        return refuse(reason.clone(), at.clone(), LEAVE_OUT);
    }
    let bytes = files.data.iter().map(|file| file.size).sum();
    if let Some(shape) = shapes.known.get(name) {
        warn_of_floats(shape, warnings);
    }
    let Some(table) = table.filter(|table| table.row_events > 0) else {
        return match missing_column(catalog, name, files, shapes)? {
            Some(reason) => refuse(reason, None, "take a backup with a newer mydumper, or leave the table out"),
            None => Ok(TableAction::Copy { rows: files.rows, bytes }),
        };
    };
    let at = table.first_row_event.clone();
    if let Some(problem) = shapes.unreadable.get(name) {
        return refuse(format!("its definition cannot be read: {problem}"), at, LEAVE_OUT);
    }
    let Some(shape) = shapes.known.get(name) else {
        return refuse("its definition was not read".to_owned(), at, LEAVE_OUT);
    };
    let key = match row_key(shape) {
        Ok((key, _)) => key,
        Err(reason) => return refuse(reason, at, LEAVE_OUT),
    };
    let head = match files.data.first() {
        Some(file) => Some(catalog.data_head(name, &file.name)?),
        None => None,
    };
    // A file without rows says nothing, and nothing needs to be known of it.
    if let Some(head) = &head
        && let Some(columns) = &head.columns
    {
        let checked = file_columns(shape, columns.as_deref()).and_then(|columns| mergeable(shape, head, &columns));
        if let Err(reason) = checked {
            return refuse(reason, at, LEAVE_OUT);
        }
    }
    Ok(TableAction::Merge {
        key,
        rows: files.rows,
        bytes,
        row_events: table.row_events,
        row_event_bytes: table.row_event_bytes,
    })
}

/// A column that the data files of a table leave out although it is not generated: mydumper 0.10 takes a default such as
/// CURRENT_TIMESTAMP on MySQL 8 for a generated column. Files that name no columns leave none out.
fn missing_column(
    catalog: &Catalog<'_>,
    name: &TableName,
    files: &TableFiles,
    shapes: &Shapes,
) -> Result<Option<String>, EngineError> {
    let (Some(file), Some(shape)) = (files.data.first(), shapes.known.get(name)) else { return Ok(None) };
    let Some(Some(listed)) = catalog.data_head(name, &file.name)?.columns else { return Ok(None) };
    let mut expected = shape.columns.iter().filter(|column| column.generated.is_none());
    let missing = expected.find(|column| !listed.iter().any(|name| name.eq_ignore_ascii_case(&column.name)));
    Ok(missing.map(|column| format!("the dump lacks its column `{}`", column.name)))
}

fn warn_of_floats(shape: &TableShape, warnings: &mut Vec<String>) {
    let floats = shape.columns.iter().filter(|column| matches!(column.ty, ColumnType::Float { .. }));
    let floats: Vec<&str> = floats.map(|column| column.name.as_str()).collect();
    if !floats.is_empty() {
        warnings.push(format!(
            "{} has FLOAT columns ({}): mydumper writes them with six digits, so that rows which did not change in the window are as exact as the dump is",
            shape.name,
            floats.join(", ")
        ));
    }
}
