//! The plan for each table, out of the baseline's shapes and what the log says.

use std::collections::BTreeMap;

use backtrail_domain::TableName;
use backtrail_schema::{ColumnType, SchemaError, TableShape};

use crate::EngineError;
use crate::baseline::{Catalog, DataHead, TableFiles};
use crate::history::Tracked;
use crate::key::KeyCodec;
use crate::plan::{PlannedKey, Refusal, TableAction};
use crate::recipe::Recipe;

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
    }
    Ok(())
}

const LEAVE_OUT: &str = "leave the table out, or take a baseline behind this event";

/// What is done about a table that is there at the cut, and how.
pub(crate) fn decide(
    catalog: &Catalog<'_>,
    name: &TableName,
    tracked: &Tracked,
    warnings: &mut Vec<String>,
) -> Result<(TableAction, Option<Recipe>), EngineError> {
    let refused = |reason: String, position, statement, remedy: &str| {
        Ok((
            TableAction::Refused(Refusal {
                table: name.clone(),
                position,
                statement,
                reason,
                remedy: remedy.to_owned(),
            }),
            None,
        ))
    };
    let none = TableFiles::default();
    let origin = tracked.life.origin.as_ref();
    let files = origin.and_then(|origin| catalog.tables.get(origin)).unwrap_or(&none);
    if !files.raw_data.is_empty() {
        let remedy = "take a backup without --csv and --load-data";
        return refused("its rows are not dumped as INSERT statements".to_owned(), None, None, remedy);
    }
    if let Some(obstacle) = &tracked.obstacle {
        return Ok((TableAction::Refused(obstacle.refusal(name)), None));
    }
    let bytes = files.data.iter().map(|file| file.size).sum();
    let at = tracked.first_row_event.clone().or_else(|| tracked.cascaded.clone());
    // Events of a table whose definition cannot be read belong to no era.
    let changed = tracked.first_row_event.is_some() || tracked.row_events() > 0 || tracked.cascaded.is_some();
    let is_baselines = origin == Some(name) && tracked.life.definition.is_baselines() && tracked.life.eras.len() < 2;
    if let Some(shape) = tracked.life.last().map(|era| &era.shape) {
        warn_of_floats(name, shape, warnings);
    }
    if let Some(problem) = &tracked.unreadable {
        if changed || !is_baselines {
            return refused(format!("its definition cannot be read: {problem}"), at, None, LEAVE_OUT);
        }
        return Ok((TableAction::Copy { rows: files.rows, bytes }, None));
    }
    let head = match origin {
        Some(origin) => Recipe::head(catalog, origin)?,
        None => None,
    };
    if let Some(reason) = mixed_characters(catalog, tracked)? {
        return refused(reason, None, None, "leave the table out, or take its definition from the server");
    }
    let shape = tracked.life.last().map(|era| &*era.shape);
    let rewritten = shape.is_some_and(|shape| {
        shape.has_generated_columns() || shape.columns.iter().any(|column| is_text_of_value(&column.ty))
    });
    if changed && let Some(column) = shape.and_then(|shape| shape.columns.iter().find(|c| is_text_of_value(&c.ty))) {
        let reason = format!("column `{}` is of a type that is not yet written from the log", column.name);
        return refused(reason, at, None, LEAVE_OUT);
    }
    if !changed && is_baselines && !rewritten {
        let shape = tracked.life.last().map(|era| &*era.shape);
        return match shape.and_then(|shape| missing_column(shape, head.as_ref())) {
            Some(reason) => refused(reason, None, None, "take a backup with a newer mydumper, or leave the table out"),
            None => Ok((TableAction::Copy { rows: files.rows, bytes }, None)),
        };
    }
    let recipe = match Recipe::new(tracked.life.clone(), head.as_ref(), tracked.cascaded.is_some() || tracked.partial) {
        Ok(recipe) => recipe,
        Err((era, reason)) => {
            let began = tracked.life.eras.get(era).and_then(|era| era.began.clone());
            let position = began.as_ref().map(|began| began.position.clone()).or(at);
            return refused(reason, position, began.map(|began| began.statement), LEAVE_OUT);
        }
    };
    let (row_events, row_event_bytes) = recipe.row_events();
    let action = TableAction::Merge {
        origin: origin.cloned(),
        key: recipe.key(),
        rows: if origin.is_some() { files.rows } else { Some(0) },
        bytes,
        row_events,
        row_event_bytes,
        eras: recipe.planned_eras(),
        stages: recipe.planned_stages(),
        cascaded: tracked.cascaded.clone(),
        partial_images: tracked.partial,
    };
    Ok((action, Some(recipe)))
}

/// Types whose dumped text loads as text only, not as the bytes that SET NAMES binary makes of it.
pub(crate) fn is_text_of_value(ty: &ColumnType) -> bool {
    matches!(ty, ColumnType::Uuid | ColumnType::Inet4 | ColumnType::Inet6)
}

/// A definition that holds the bytes of a binary default cannot be declared as UTF-8; names and members beyond ASCII would
/// become others.
fn mixed_characters(catalog: &Catalog<'_>, tracked: &Tracked) -> Result<Option<String>, EngineError> {
    let Some(shape) = tracked.life.eras.first().map(|era| &*era.shape) else { return Ok(None) };
    let members = shape.columns.iter().flat_map(|column| match &column.ty {
        ColumnType::Enum { values } | ColumnType::Set { values } => values.as_slice(),
        _ => &[],
    });
    let mut texts = shape.columns.iter().map(|column| &column.name).chain(members);
    let wide = |column: &backtrail_schema::Column| {
        matches!(column.ty, ColumnType::Enum { .. } | ColumnType::Set { .. })
            && matches!(column.charset.as_deref(), Some("ucs2" | "utf16" | "utf16le" | "utf32"))
    };
    if texts.all(|text| text.is_ascii()) && !shape.columns.iter().any(wide) {
        return Ok(None);
    }
    let file = tracked.life.origin.as_ref().and_then(|origin| catalog.tables.get(origin)?.schema.as_ref());
    let Some(file) = file else { return Ok(None) };
    let mixed = catalog.text(&file.name)?.contains('\u{fffd}');
    Ok(mixed.then(|| "its definition has a binary default beside names or members beyond ASCII".to_owned()))
}

/// A column that the data files of a table leave out although it is not generated: mydumper 0.10 takes a default such as
/// CURRENT_TIMESTAMP on MySQL 8 for a generated one, and leaves invisible columns out.
fn missing_column(shape: &TableShape, head: Option<&DataHead>) -> Option<String> {
    let listed = head?.columns.as_ref()?;
    let written = |column: &&backtrail_schema::Column| match listed {
        Some(listed) => listed.iter().any(|name| name.eq_ignore_ascii_case(&column.name)),
        None => !column.invisible,
    };
    let missing = shape.columns.iter().filter(|column| column.generated.is_none()).find(|column| !written(column));
    missing.map(|column| format!("the dump lacks its column `{}`", column.name))
}

fn warn_of_floats(name: &TableName, shape: &TableShape, warnings: &mut Vec<String>) {
    let floats = shape.columns.iter().filter(|column| matches!(column.ty, ColumnType::Float { .. }));
    let floats: Vec<&str> = floats.map(|column| column.name.as_str()).collect();
    if !floats.is_empty() {
        warnings.push(format!(
            "{} has FLOAT columns ({}): mydumper writes them with six digits, so that rows which did not change in the window are as exact as the dump is",
            name,
            floats.join(", ")
        ));
    }
}
