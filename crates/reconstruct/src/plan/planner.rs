//! Facts, then the plan.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use backtrail_binlog::FormatDescription;
use backtrail_domain::{BinlogPosition, GtidSet, TableFilter, TableName};
use backtrail_schema::{Flavour, SqlDialect};

use crate::EngineError;
use crate::account::{EventCounts, Fate, Followed};
use crate::around;
use crate::cascade::Family;
use crate::damage;
use crate::history::life::Began;
use crate::history::{Binding, History, Tracked};
use crate::input::baseline::Catalog;
use crate::input::baseline::Shapes;
use crate::input::ledger::{AccountedBaseline, AccountedLog};
use crate::input::log::Log;
use crate::input::span::ordered;
use crate::plan::decide::decide;
use crate::plan::facts::LATER_BASELINE;
use crate::plan::{Coordinates, EndedTable, ExpectedWork, PLAN_VERSION, Plan, PlannedPiece, Refusal, TableAction};
use crate::request::{Inputs, Request};
use crate::scan::cut::CutFinder;
use crate::scan::xa::{Foreigners, xa_text};
use crate::scan::{Scan, is_system_schema};

/// Gathers facts and decides: finds the cut, proves that the log is whole up to it, and says of every wanted table what
/// is to be done or why it cannot be. A plan with refusals is returned as it is; [`reconstruct`](crate::reconstruct) fails
/// with them unless the request says to skip.
///
/// # Errors
/// A baseline that cannot be one, a log with a gap, a target that cannot be reached: see [`EngineError`].
pub fn plan(inputs: &Inputs<'_>, request: &Request) -> Result<Plan, EngineError> {
    let log = AccountedLog::new(inputs.log);
    gather(inputs, request, &log).map_err(|error| damage::explained(error, inputs, &log.opened(), None))
}

fn gather(inputs: &Inputs<'_>, request: &Request, accounted_log: &AccountedLog<'_>) -> Result<Plan, EngineError> {
    let baseline = AccountedBaseline::new(inputs.baseline);
    let catalog = Catalog::read(&baseline)?;
    let finder = CutFinder::new(request, &catalog.coordinates)?;
    let log = Log::open(accounted_log)?;
    let format = log.format(&catalog.coordinates.position)?;
    let dialect = dialect(&format, &catalog.coordinates);
    let shapes = read_shapes(inputs, request, &catalog, &dialect)?;

    let history = History::new(&catalog, &shapes, dialect);
    let mut scan = Scan::new(&catalog, history, !logs_cascades(&format), dialect, inputs.observer, finder);
    let walked = log.walk(&catalog.coordinates, request.allow_gaps, &mut scan)?;
    let left_prepared = scan.leave_prepared();
    let Scan {
        finder,
        mut history,
        events: counted,
        mut tally,
        cascades,
        around,
        mut unknown,
        sequences,
        created_schemas,
        rolled_back,
        mut undone,
        foreign,
        ..
    } = scan;
    let foreigners = Foreigners {
        log: &log,
        baseline: &catalog.coordinates,
        history: &mut history,
        silent_cascades: !logs_cascades(&format),
        observer: inputs.observer,
        completed: &foreign,
    };
    let carried = foreigners.resolve(&mut unknown)?;
    tally.carry(carried.rows);
    undone.extend(carried.undone);
    let undone = ordered(undone);
    let mut warnings = Vec::new();
    let cut = finder.finish(&walked, &mut warnings)?;
    warnings.extend(walked.warnings);
    warnings.extend(
        walked.gaps.iter().map(|gap| format!("the log has a gap {gap}; what was lost in it is not in the result")),
    );

    warnings.extend(left_prepared.iter().map(|(xid, at)| {
        format!(
            "the XA transaction {} at {at} is prepared and not committed at the cut: it is not in the result, and a replica \
             that starts there cannot commit it",
            xa_text(xid)
        )
    }));

    let present = history.present();
    check_named_tables(&catalog, &present, &request.tables)?;
    let in_scope = |name: &TableName| match &request.tables {
        TableFilter::Only(names) => names.contains(name),
        TableFilter::All => {
            !is_system_schema(&name.schema)
                && (catalog.has_schema(&name.schema)
                    || created_schemas.contains(&name.schema)
                    || catalog.has_schema(&name.schema.to_lowercase()))
        }
    };
    history.mark_parents(&present);
    let mut tables = BTreeMap::new();
    let mut recipes = BTreeMap::new();
    for (name, id) in present.iter().filter(|(name, _)| in_scope(name)) {
        let Some(tracked) = history.tracked.get(*id) else { continue };
        if tracked.sequence.is_some() && tracked.obstacle.is_none() {
            continue;
        }
        let (action, recipe) = decide(&catalog, name, tracked, &mut warnings)?;
        tables.insert(name.clone(), action);
        recipes.extend(recipe.map(|recipe| (name.clone(), recipe)));
    }
    let family = Family { catalog: &catalog, history: &history, present: &present, feeds: &cascades.feeds };
    family.follow(&mut tables, &mut recipes)?;
    let mut beyond = BTreeSet::new();
    for (name, at) in &unknown {
        // One of the name was made later.
        if present.contains_key(name) {
            continue;
        }
        if !in_scope(name) {
            beyond.insert(name.schema.as_str());
            continue;
        }
        let reason = "rows change that the baseline does not have: the table is not in it";
        tables.insert(name.clone(), refused(name, at, reason, LATER_BASELINE));
    }
    beyond.retain(|schema| !catalog.has_schema(schema));
    if !beyond.is_empty() {
        let names: Vec<&str> = beyond.into_iter().collect();
        warnings.push(format!("the baseline has nothing of the schemas {}, whose tables changed", names.join(", ")));
    }
    for (name, at) in sequences.iter().filter(|(name, _)| request.tables.matches(name)) {
        let reason = "it is a sequence, whose value moved on or whose definition changed";
        tables.insert(name.clone(), refused(name, at, reason, "leave it out and set its value by hand"));
    }
    let followed = followed(&history, &present, &tables, &request.tables);
    let elsewhere = |name: &TableName| match tables.get(name) {
        Some(TableAction::Refused(_)) => Fate::Refused,
        _ => Fate::OtherTable,
    };
    let (events, row_events) = tally.account(walked.events, &cut.position, followed, &elsewhere)?;
    let events = EventCounts { transactions: counted.transactions, ..events };
    let rebuilt: BTreeMap<usize, usize> =
        recipes.keys().enumerate().filter_map(|(number, name)| present.get(name).map(|id| (*id, number))).collect();
    let mut feeds = cascades.feeds;
    feeds.keep(&rebuilt);
    for (id, number) in &rebuilt {
        // A row whose images lack values is lived through as well, if no cascade comes for it.
        if history.tracked.get(*id).is_some_and(|tracked| tracked.partial)
            && let Some(recipe) = recipes.values_mut().nth(*number)
        {
            recipe.routes.get_or_insert_with(Vec::new);
        }
    }
    let mut pieces = together(carried.pieces, walked.pieces);
    accounted_log.fill(&mut pieces);
    let beside = follow_around(&catalog, &around, &history, &shapes, &tables, &present, request, dialect)?;
    warnings.extend(beside.warnings);
    Ok(Plan {
        version: PLAN_VERSION,
        target: request.target.to_string(),
        baseline: catalog.coordinates.clone(),
        cut,
        log: pieces,
        gaps: walked.gaps,
        ended: ended(&catalog, &history, &request.tables),
        expected: ExpectedWork::of(tables.values(), events.bytes),
        bindings: bindings(&history, &rebuilt),
        cascades: feeds,
        dialect,
        rebuilt,
        tables,
        around: beside.objects,
        around_files: Some(beside.files),
        read: baseline.readings(),
        rolled_back,
        undone,
        carried: carried.spans,
        events,
        row_events,
        warnings,
        recipes,
    })
}

#[expect(clippy::too_many_arguments, reason = "it joins everything that is known at the cut")]
fn follow_around(
    catalog: &Catalog<'_>,
    told: &[around::Told],
    history: &History<'_>,
    shapes: &Shapes,
    actions: &BTreeMap<TableName, TableAction>,
    present: &BTreeMap<TableName, usize>,
    request: &Request,
    dialect: SqlDialect,
) -> Result<around::Followed, EngineError> {
    let (refused, written): (BTreeSet<TableName>, BTreeSet<TableName>) =
        actions.keys().cloned().partition(|name| matches!(actions.get(name), Some(TableAction::Refused(_))));
    let columns = |id: &usize| history.tracked.get(*id).and_then(Tracked::columns);
    let tables: BTreeMap<TableName, Option<around::Columns>> =
        present.iter().map(|(name, id)| (name.clone(), columns(id))).collect();
    let mut before = BTreeMap::new();
    for (name, now) in &tables {
        let Some(shape) = shapes.known.get(name) else { continue };
        let then = around::Columns::of(shape);
        if now.as_ref().is_some_and(|now| *now != then) {
            before.insert(name.clone(), then);
        }
    }
    let wanted = |name: &TableName| request.tables.matches(name) && !is_system_schema(&name.schema);
    let sequences = present.iter().filter(|(name, _)| wanted(name) && !actions.contains_key(*name));
    let sequences = sequences.filter_map(|(name, id)| {
        let tracked = history.tracked.get(*id)?;
        Some((name.clone(), (tracked.sequence.as_ref()?, tracked.life.origin.as_ref())))
    });
    let scope = around::Scope {
        sequences: &sequences.collect(),
        catalog,
        filter: &request.tables,
        dialect,
        written: &written,
        refused: &refused,
        tables: &tables,
        before: &before,
    };
    around::follow(told, &scope)
}

/// The pieces of two walks in the order of the log; of one that was read in both, what the second one says.
pub(crate) fn together(before: Vec<PlannedPiece>, pieces: Vec<PlannedPiece>) -> Vec<PlannedPiece> {
    let again = |piece: &PlannedPiece| pieces.iter().any(|other| other.name == piece.name);
    let mut all: Vec<PlannedPiece> = before.into_iter().filter(|piece| !again(piece)).collect();
    all.extend(pieces);
    all
}

/// What becomes of the row events of every table that was followed.
fn followed(
    history: &History<'_>,
    present: &BTreeMap<TableName, usize>,
    tables: &BTreeMap<TableName, TableAction>,
    filter: &TableFilter,
) -> Vec<Followed> {
    let names: BTreeMap<usize, &TableName> = present.iter().map(|(name, id)| (*id, name)).collect();
    let each = |(id, tracked): (usize, &Tracked)| {
        let name = names.get(&id).copied().unwrap_or(&tracked.name);
        let fate = match (names.contains_key(&id), tables.get(name)) {
            (true, Some(TableAction::Refused(_))) => Fate::Refused,
            (true, Some(_)) => Fate::Applied,
            // Its last row is the state of a sequence.
            (true, None) if tracked.sequence.is_some() && filter.matches(name) => Fate::Applied,
            (true, None) => Fate::NotWanted,
            (false, _) if filter.matches(name) => Fate::Ended,
            (false, _) => Fate::NotWanted,
        };
        Followed { id, name: name.clone(), committed: tracked.committed, fate }
    };
    history.tracked.iter().enumerate().map(each).collect()
}

/// The wanted tables that came to their end.
fn ended(catalog: &Catalog<'_>, history: &History<'_>, filter: &TableFilter) -> Vec<EndedTable> {
    let each = |tracked: &Tracked| {
        let (began, origin) = (tracked.ended.as_ref()?, tracked.life.origin.as_ref());
        let name = tracked.name.clone();
        let row_events = tracked.committed;
        let rows = origin.map_or(Some(0), |origin| catalog.tables.get(origin)?.rows);
        let told = filter.matches(&name) && (origin.is_some() || row_events > 0);
        let Began { position, statement } = began.clone();
        told.then_some(EndedTable { name, position, statement, rows, row_events })
    };
    let mut ended: Vec<EndedTable> = history.tracked.iter().filter_map(each).collect();
    ended.sort_by(|a, b| a.position.cmp(&b.position));
    ended
}

fn refused(name: &TableName, at: &BinlogPosition, reason: &str, remedy: &str) -> TableAction {
    TableAction::Refused(Refusal {
        table: name.clone(),
        position: Some(at.clone()),
        statement: None,
        reason: reason.to_owned(),
        remedy: remedy.to_owned(),
    })
}

/// Which name means which table that is rebuilt, told by the table's name at the cut and the number of its era.
fn bindings(history: &History<'_>, rebuilt: &BTreeMap<usize, usize>) -> Vec<Binding> {
    let mut bindings = Vec::new();
    for (id, number) in rebuilt {
        let Some(tracked) = history.tracked.get(*id) else { continue };
        if let Some(origin) = &tracked.life.origin {
            bindings.push(Binding { moment: 0, name: origin.clone(), means: Some((*number, 0)) });
        }
    }
    for binding in &history.bindings {
        let means = binding.means.and_then(|(id, era)| rebuilt.get(&id).map(|number| (*number, era)));
        bindings.push(Binding { means, ..binding.clone() });
    }
    bindings
}

/// The server's dialect: as its log says, or else its GTIDs. Without a log no statement is read but CREATE TABLE.
fn dialect(format: &Option<FormatDescription>, baseline: &Coordinates) -> SqlDialect {
    let flavour = match (format.as_ref().map(|format| format.flavour), &baseline.gtid_set) {
        (Some(backtrail_binlog::Flavour::Mysql), _) | (None, Some(GtidSet::Mysql(_))) => Flavour::Mysql,
        (Some(backtrail_binlog::Flavour::Mariadb), _) | (None, Some(GtidSet::Mariadb(_)) | None) => Flavour::Mariadb,
    };
    let ignores_references =
        flavour == Flavour::Mysql && format.as_ref().is_some_and(|format| version(format) < (9, 0));
    SqlDialect { ignores_references, ..SqlDialect::of_flavour(flavour) }
}

fn version(format: &FormatDescription) -> (u32, u32) {
    let mut numbers = format.server_version.split(|c: char| !c.is_ascii_digit()).map(|n| n.parse::<u32>().unwrap_or(0));
    (numbers.next().unwrap_or(0), numbers.next().unwrap_or(0))
}

/// MySQL 9.6 carries out cascades above the storage engine and logs the children's rows.
fn logs_cascades(format: &Option<FormatDescription>) -> bool {
    let Some(format) = format else { return false };
    format.flavour == backtrail_binlog::Flavour::Mysql && version(format) >= (9, 6)
}

fn check_named_tables(
    catalog: &Catalog<'_>,
    present: &BTreeMap<TableName, usize>,
    filter: &TableFilter,
) -> Result<(), EngineError> {
    let TableFilter::Only(names) = filter else { return Ok(()) };
    let has = |name: &TableName| {
        present.contains_key(name) || catalog.views.contains_key(name) || catalog.sequences.contains_key(name)
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
