//! Facts, then the plan.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use backtrail_binlog::FormatDescription;
use backtrail_domain::{TableFilter, TableName};
use backtrail_schema::{Flavour, SqlDialect};

use crate::EngineError;
use crate::baseline::Catalog;
use crate::cut::CutFinder;
use crate::decide::{Shapes, cascades, decide};
use crate::log::Log;
use crate::plan::{Plan, Refusal, TableAction};
use crate::request::{Inputs, Request};
use crate::scan::{Scan, Scope};

/// Gathers facts and decides: finds the cut, proves that the log is whole up to it, and says of every wanted table what
/// is to be done or why it cannot be. A plan with refusals is returned as it is; [`reconstruct`](crate::reconstruct) fails
/// with them unless the request says to skip.
///
/// # Errors
/// A baseline that cannot be one, a log with a gap, a target that cannot be reached: see [`EngineError`].
pub fn plan(inputs: &Inputs<'_>, request: &Request) -> Result<Plan, EngineError> {
    let catalog = Catalog::read(inputs.baseline)?;
    check_named_tables(&catalog, &request.tables)?;
    let finder = CutFinder::new(request, &catalog.coordinates)?;
    let log = Log::open(inputs.log)?;
    let format = log.format(&catalog.coordinates.position)?;
    let dialect = dialect(&format);
    let shapes = read_shapes(inputs, request, &catalog, &dialect)?;
    let watched = if logs_cascades(&format) { BTreeMap::new() } else { watched_parents(&shapes) };

    let scope = Scope::new(&catalog, &request.tables);
    let mut scan = Scan::new(scope, &shapes.known, &watched, dialect.flavour, inputs.observer, finder);
    let walked = log.walk(&catalog.coordinates, request.allow_gaps, &mut scan)?;
    let Scan { finder, facts, rolled_back, mut warnings, out_of_scope, .. } = scan;
    let cut = finder.finish(&walked, &mut warnings)?;
    warnings.extend(walked.warnings);
    warnings.extend(
        walked.gaps.iter().map(|gap| format!("the log has a gap {gap}; what was lost in it is not in the result")),
    );
    if !out_of_scope.is_empty() {
        let names: Vec<&str> = out_of_scope.iter().map(String::as_str).collect();
        warnings.push(format!("the baseline has nothing of the schemas {}, whose tables changed", names.join(", ")));
    }
    warnings.extend(facts.around.iter().map(|statement| {
        format!("views, triggers, routines and events are the baseline's: {statement} is not in the result")
    }));

    let silent = if logs_cascades(&format) { BTreeMap::new() } else { cascades(&shapes, &facts) };
    let mut tables = BTreeMap::new();
    for (name, files) in &catalog.tables {
        if request.tables.matches(name) {
            let action = decide(&catalog, name, files, &shapes, &facts, &silent, &mut warnings)?;
            tables.insert(name.clone(), action);
        }
    }
    for (name, obstacle) in &facts.created {
        tables.insert(name.clone(), TableAction::Refused(obstacle.refusal(name)));
    }
    for (name, table) in &facts.tables {
        let sequence = catalog.sequences.contains_key(name);
        if !request.tables.matches(name) {
            continue;
        }
        if let Some(obstacle) = &table.obstacle {
            tables.entry(name.clone()).or_insert_with(|| TableAction::Refused(obstacle.refusal(name)));
        } else if sequence && let Some(at) = &table.first_row_event {
            tables.insert(
                name.clone(),
                TableAction::Refused(Refusal {
                    table: name.clone(),
                    position: Some(at.clone()),
                    statement: None,
                    reason: "it is a sequence, whose value moved on".to_owned(),
                    remedy: "leave it out and set its value by hand".to_owned(),
                }),
            );
        }
    }
    let mut events = facts.events;
    for (name, table) in &facts.tables {
        match tables.get(name) {
            Some(TableAction::Merge { .. }) => events.row_events_applied += table.row_events,
            Some(TableAction::Refused(_)) => events.row_events_refused += table.row_events,
            Some(TableAction::Copy { .. }) | None => {}
        }
    }
    events.row_events_other_tables = events
        .row_events
        .saturating_sub(events.row_events_applied + events.row_events_refused + events.row_events_rolled_back);
    Ok(Plan {
        target: request.target.to_string(),
        baseline: catalog.coordinates.clone(),
        cut,
        log: walked.pieces,
        gaps: walked.gaps,
        tables,
        rolled_back,
        events,
        warnings,
    })
}

pub(crate) fn dialect(format: &FormatDescription) -> SqlDialect {
    SqlDialect::of_flavour(match format.flavour {
        backtrail_binlog::Flavour::Mysql => Flavour::Mysql,
        backtrail_binlog::Flavour::Mariadb => Flavour::Mariadb,
    })
}

/// MySQL 9.6 carries out cascades above the storage engine and logs the children's rows.
fn logs_cascades(format: &FormatDescription) -> bool {
    let mut numbers = format.server_version.split(|c: char| !c.is_ascii_digit()).map(|n| n.parse::<u32>().unwrap_or(0));
    let version = (numbers.next().unwrap_or(0), numbers.next().unwrap_or(0));
    format.flavour == backtrail_binlog::Flavour::Mysql && version >= (9, 6)
}

fn check_named_tables(catalog: &Catalog<'_>, filter: &TableFilter) -> Result<(), EngineError> {
    let TableFilter::Only(names) = filter else { return Ok(()) };
    let has = |name: &TableName| {
        catalog.tables.contains_key(name) || catalog.views.contains_key(name) || catalog.sequences.contains_key(name)
    };
    let tables: Vec<TableName> = names.iter().filter(|name| !has(name)).cloned().collect();
    if tables.is_empty() { Ok(()) } else { Err(EngineError::UnknownTables { tables }) }
}

/// Reads the definitions of the wanted tables, and of the tables that cascade to them, and so on upwards.
fn read_shapes(
    inputs: &Inputs<'_>,
    request: &Request,
    catalog: &Catalog<'_>,
    dialect: &SqlDialect,
) -> Result<Shapes, EngineError> {
    let mut shapes = Shapes::default();
    let mut asked: BTreeSet<&TableName> = catalog.tables.keys().filter(|name| request.tables.matches(name)).collect();
    let mut wave: Vec<&TableName> = asked.iter().copied().collect();
    while !wave.is_empty() {
        let queue = std::sync::Mutex::new(wave.drain(..).collect::<VecDeque<_>>());
        let read = std::sync::Mutex::new(Vec::new());
        let work = || -> Result<(), EngineError> {
            loop {
                let next = queue.lock().unwrap_or_else(std::sync::PoisonError::into_inner).pop_front();
                let Some(name) = next else { return Ok(()) };
                if inputs.observer.cancelled() {
                    return Err(EngineError::Cancelled);
                }
                let shape = catalog.shape(name, dialect)?;
                read.lock().unwrap_or_else(std::sync::PoisonError::into_inner).push((name, shape));
            }
        };
        crate::threads::run(request.threads, &work)?;
        for (name, shape) in read.into_inner().unwrap_or_else(std::sync::PoisonError::into_inner) {
            match shape {
                Ok(shape) => {
                    for key in &shape.foreign_keys {
                        if (key.on_delete.changes_child() || key.on_update.changes_child())
                            && let Some((parent, _)) = catalog.tables.get_key_value(&key.parent)
                            && asked.insert(parent)
                        {
                            wave.push(parent);
                        }
                    }
                    shapes.known.insert(name.clone(), shape);
                }
                Err(problem) => {
                    shapes.unreadable.insert(name.clone(), problem);
                }
            }
        }
    }
    Ok(shapes)
}

/// The columns that cascading foreign keys refer to, by parent.
fn watched_parents(shapes: &Shapes) -> BTreeMap<TableName, BTreeSet<usize>> {
    let mut watched: BTreeMap<TableName, BTreeSet<usize>> = BTreeMap::new();
    for shape in shapes.known.values() {
        for key in &shape.foreign_keys {
            if !key.on_delete.changes_child() && !key.on_update.changes_child() {
                continue;
            }
            let columns = watched.entry(key.parent.clone()).or_default();
            if let Some(parent) = shapes.known.get(&key.parent) {
                columns.extend(key.parent_columns.iter().filter_map(|name| parent.column_index(name)));
            }
        }
    }
    watched
}
