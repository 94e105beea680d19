//! The plan for each table, out of the baseline's shapes and what the log says.

use backtrail_domain::TableName;
use backtrail_schema::{ColumnType, TableShape};

use crate::EngineError;
use crate::history::Tracked;
use crate::history::definition::Base;
use crate::input::baseline::{Catalog, DataHead, TableFiles};
use crate::plan::recipe::Recipe;
use crate::plan::{PlannedKey, Refusal, TableAction};
use crate::values::address::Address;
use crate::values::key::KeyCodec;

/// How rows of a table are told apart.
pub(crate) fn row_key(shape: &TableShape) -> Result<(PlannedKey, KeyCodec), String> {
    if shape.system_versioned {
        return Err("it is system-versioned: its rows of the past are not in the dump".to_owned());
    }
    let names = |columns: &[usize]| {
        columns.iter().filter_map(|index| shape.columns.get(*index)).map(|column| column.name.clone()).collect()
    };
    let generated = |index: &usize| shape.columns.get(*index).is_none_or(|column| column.generated.is_some());
    // The values of generated columns are not in the dump: a row is then known by all that is.
    let key = shape.row_key().filter(|key| !key.columns().any(|index| generated(&index)));
    let (columns, key) = match key {
        Some(key) => {
            let columns: Vec<usize> = key.columns().collect();
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

const AS_INSERTS: &str =
    "take a backup with INSERT statements, or with the separators and the escape that mydumper has of itself";

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
    if let Some(reason) = &files.doubtful {
        let remedy = "take a backup with a newer mydumper, which gives such tables other names";
        return refused(reason.clone(), None, None, remedy);
    }
    if let Some(rows) = &files.unexplained {
        let reason = format!("no file of the dump says how the rows in `{}` are written", rows.name);
        return refused(reason, None, None, AS_INSERTS);
    }
    let versioned = tracked.life.eras.iter().any(|era| era.shape.system_versioned);
    if versioned && (tracked.obstacle.is_some() || tracked.first_row_event.is_some()) {
        let reason = "it is system-versioned: its rows of the past are not in the dump".to_owned();
        return refused(reason, tracked.first_row_event.clone(), None, LEAVE_OUT);
    }
    if versioned {
        warnings.push(format!("{name} is system-versioned: it has its present rows, the dump holds none of the past"));
    }
    if let Some(obstacle) = &tracked.obstacle {
        return Ok((TableAction::Refused(obstacle.refusal(name)), None));
    }
    let bytes = files.bytes();
    let at = tracked.first_row_event.clone().or_else(|| tracked.cascaded.clone());
    // Events of a table whose definition cannot be read belong to no era.
    let changed = tracked.first_row_event.is_some() || tracked.row_events() > 0 || tracked.cascaded.is_some();
    let is_baselines = origin == Some(name) && tracked.life.definition.is_baselines() && tracked.life.eras.len() < 2;
    if let Some(shape) = tracked.life.last().map(|era| &era.shape) {
        warn_of_floats(name, shape, warnings);
    }
    if let Some(problem) = &tracked.unreadable {
        if changed || !is_baselines || !files.beside.is_empty() {
            return refused(format!("its definition cannot be read: {problem}"), at, None, LEAVE_OUT);
        }
        return Ok((TableAction::Copy { rows: files.rows, bytes }, None));
    }
    let head = match origin {
        Some(origin) => Recipe::head(catalog, origin)?,
        None => None,
    };
    if let Some(reason) = head.as_ref().and_then(|head| head.unread.clone()) {
        return refused(reason, None, None, AS_INSERTS);
    }
    if let Some(reason) = mixed_characters(catalog, tracked)? {
        return refused(reason, None, None, "leave the table out, or take its definition from the server");
    }
    let shape = tracked.life.last().map(|era| &*era.shape);
    // Rows that stand beside a LOAD DATA statement are written as INSERTs.
    let rewritten = !files.beside.is_empty()
        || shape.is_some_and(|shape| {
            shape.has_generated_columns() || shape.columns.iter().any(|column| Address::of(&column.ty).is_some())
        });
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
    if let Some(reason) = unwritable(catalog, name, &recipe)? {
        return refused(reason, at, None, LEAVE_OUT);
    }
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

/// Why the definition of a table that is not as the baseline had it cannot be written.
fn unwritable(catalog: &Catalog<'_>, name: &TableName, recipe: &Recipe) -> Result<Option<String>, EngineError> {
    let definition = &recipe.life.definition;
    let Some(shape) = recipe.shape().filter(|_| !recipe.unaltered) else { return Ok(None) };
    let mut text = None;
    if let Base::Baseline(own, _) = &definition.base
        && let Some(file) = catalog.tables.get(own).and_then(|files| files.schema.as_ref())
    {
        text = Some(catalog.text(&file.name)?);
    }
    let shape = TableShape { name: name.clone(), ..shape.clone() };
    Ok(definition.render(&shape, text.as_deref(), None).err())
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
