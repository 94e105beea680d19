//! Carrying a plan out.

use std::collections::BTreeMap;
use std::io::Write;

use backtrail_domain::TableName;
use backtrail_dump::metadata::{DumpCoordinates, ResultTable, render};
use backtrail_schema::TableShape;

use crate::EngineError;
use crate::account;
use crate::around::{AroundFile, Content};
use crate::cascade::{Cascades, order};
use crate::collect::{Collection, Collector, TableChanges};
use crate::damage;
use crate::history::definition::Base;
use crate::input::baseline::{Catalog, TableFiles};
use crate::input::ledger::{AccountedBaseline, AccountedLog, both_times};
use crate::input::log::Log;
use crate::io::{FileInfo, ResultSink};
use crate::merge::TableMerge;
use crate::merge::output::OutputFile;
use crate::merge::work::{Definition, Surroundings, TableCopy, Watch, Work};
use crate::names::ResultNames;
use crate::plan::planner::together;
use crate::plan::recipe::Recipe;
use crate::plan::{Coordinates, Plan, PlannedPiece, TableAction};
use crate::report::{InputReport, Report, TableReport};
use crate::request::{Compression, Inputs, Request};

/// Carries a plan out: writes a mydumper directory of the tables as they stood at the cut, `metadata` last.
///
/// # Errors
/// [`EngineError::Refused`] before anything is written, if the plan has refusals and the request's policy is to fail then; else
/// see [`EngineError`]. What was written by the time of an error is not a result, and has no `metadata`.
pub fn reconstruct(
    inputs: &Inputs<'_>,
    plan: &Plan,
    request: &Request,
    sink: &dyn ResultSink,
) -> Result<Report, EngineError> {
    carry_out(inputs, plan, request, sink).map_err(|error| {
        let pieces = plan.log.iter().map(|piece| piece.name.clone()).collect();
        damage::explained(error, inputs, &pieces, Some(plan))
    })
}

fn carry_out(
    inputs: &Inputs<'_>,
    plan: &Plan,
    request: &Request,
    sink: &dyn ResultSink,
) -> Result<Report, EngineError> {
    let refused: Vec<_> = plan.refusals().cloned().collect();
    if !refused.is_empty() && request.fails_with_refusals(plan.tables.len() - refused.len()) {
        return Err(EngineError::Refused { refusals: refused });
    }
    let baseline = AccountedBaseline::new(inputs.baseline);
    let catalog = Catalog::read(&baseline)?;
    if catalog.coordinates != plan.baseline {
        return Err(EngineError::StalePlan { reason: "the baseline has other coordinates".to_owned() });
    }
    if plan
        .tables
        .iter()
        .any(|(name, action)| matches!(action, TableAction::Merge { .. }) && !plan.recipes.contains_key(name))
    {
        let reason = "it was stored, and what is stored is to be read only".to_owned();
        return Err(EngineError::StalePlan { reason });
    }
    let Some(around) = &plan.around_files else {
        let reason = "it was stored, and what is stored is to be read only".to_owned();
        return Err(EngineError::StalePlan { reason });
    };
    let collector = Collector::new(plan, inputs.spill, inputs.observer, request.memory_budget);
    let (collection, pieces) = collect(inputs, plan, request, collector)?;
    let Collection { tables: changes, files: log_files, cascades } = collection;
    let cascades = Cascades::new(&plan.cascades, cascades, inputs.spill, request.memory_budget)?;
    let bytes_spilled = changes.iter().flat_map(|table| &table.changes).map(|changes| changes.bytes_spilled()).sum();

    let names = ResultNames::new(&catalog, plan);
    let copies: Vec<TableCopy<'_>> = plan
        .tables
        .iter()
        .filter(|(_, action)| matches!(action, TableAction::Copy { .. }))
        .filter_map(|(name, _)| catalog.tables.get(name).map(|files| TableCopy { name: name.clone(), files }))
        .collect();
    let mut warnings = plan.warnings.clone();
    let mut definitions = definitions(&catalog, plan, &names, &changes)?;
    for file in around {
        definitions.push(around_rows(&catalog, &names, file)?);
    }
    let bytes = catalog_bytes(&catalog, plan) + definitions.iter().map(Definition::size).sum::<u64>();
    let watch = Watch::new(inputs.observer, bytes, changes.len() as u64);
    let merges = changes
        .into_iter()
        .map(|table| {
            let origin = table.recipe.life.origin.as_ref().and_then(|origin| catalog.tables.get(origin));
            let stem = names.stem(table.name);
            let unwanted = !plan.tables.contains_key(table.name);
            TableMerge::new(table, origin, stem, unwanted)
        })
        .collect();
    let mut work = Work {
        surroundings: Surroundings {
            catalog: &catalog,
            sink,
            compression: request.compression,
            cut: &plan.cut.position,
            log_files: &log_files,
            watch: &watch,
        },
        cascades,
        definitions,
        copies,
        merges,
        groups: order::groups(plan),
    };
    let mut done = work.run(request.threads)?;
    drop(work);

    let read = both_times(&plan.read, baseline.readings())?;
    let metadata = metadata(plan, &catalog, &names, &done.tables);
    let mut file = OutputFile::create(sink, "metadata", Compression::None)?;
    file.write_all(metadata.as_bytes())
        .map_err(|source| EngineError::Result { file: "metadata".to_owned(), source })?;
    done.files.push(file.finish(None, None)?);

    warnings.extend(refused.iter().map(|refusal| format!("left out: {refusal}")));
    Ok(Report {
        cut: plan.cut.position.clone(),
        gtid_set: plan.cut.gtid_set.clone(),
        last_commit: plan.cut.last_commit.clone(),
        events: plan.events,
        row_events: plan.row_events.clone(),
        rows: TableReport::total(done.tables.values()),
        rows_written: done.tables.values().map(|table| table.rows_written).sum(),
        bytes_written: done.files.iter().map(|file| file.size).sum(),
        tables: done.tables,
        refused,
        around: plan.around.clone(),
        gaps: plan.gaps.clone(),
        files: done.files,
        inputs: InputReport { baseline: read, log: pieces },
        bytes_spilled,
        warnings,
    })
}

/// What the second pass collected, and the pieces of the log that it is from.
fn collect<'a>(
    inputs: &Inputs<'_>,
    plan: &'a Plan,
    request: &Request,
    mut collector: Collector<'a>,
) -> Result<(Collection<'a>, Vec<PlannedPiece>), EngineError> {
    let mut pieces = plan.log.clone();
    let mut seen = None;
    if !collector.is_idle() {
        let accounted = AccountedLog::new(inputs.log);
        let log = Log::open(&accounted)?;
        let mut before = Vec::new();
        if let Some(first) = plan.carried.first() {
            collector.look_back(true);
            let from = Coordinates { position: first.from.clone(), gtid_set: None };
            before = log.walk(&from, false, &mut collector)?.pieces;
            collector.look_back(false);
        }
        let walked = log.walk(&plan.baseline, request.allow_gaps, &mut collector)?;
        if walked.exhausted && walked.end < plan.cut.position {
            return Err(EngineError::StalePlan { reason: format!("the log now ends at {}", walked.end) });
        }
        if walked.gaps != plan.gaps {
            return Err(EngineError::StalePlan { reason: "the log has other gaps".to_owned() });
        }
        pieces = together(before, walked.pieces);
        accounted.fill(&mut pieces);
        seen = Some((walked.events, collector.account));
    }
    let collection = collector.finish()?;
    if let Some((delivered, pass)) = seen {
        account::balance(plan, delivered, &pass, &collection.tables)?;
    }
    same_pieces(&plan.log, &pieces)?;
    Ok((collection, pieces))
}

/// Whether pieces that were read to their end both times are what they were when planning.
fn same_pieces(planned: &[PlannedPiece], read: &[PlannedPiece]) -> Result<(), EngineError> {
    for piece in read.iter().filter(|piece| piece.reading.whole) {
        let before = planned.iter().find(|planned| planned.name == piece.name && planned.reading.whole);
        if before.is_some_and(|before| before.reading.sha256 != piece.reading.sha256) {
            return Err(EngineError::StalePlan { reason: format!("{} of the log has other bytes", piece.name) });
        }
    }
    Ok(())
}

/// A file that holds no rows and is not a table's.
fn around_rows<'a>(
    catalog: &'a Catalog<'_>,
    names: &ResultNames,
    file: &AroundFile,
) -> Result<Definition<'a>, EngineError> {
    let table = file.table().cloned();
    match &file.content {
        Content::Copied(name) => match catalog.file(name) {
            Some(file) => Ok(Definition::Copied { table, file }),
            None => Err(EngineError::StalePlan { reason: format!("the baseline's {name} is gone") }),
        },
        Content::Written(text) => Ok(Definition::Written { table, name: names.around(&file.of), text: text.clone() }),
    }
}

/// The definitions of tables: carried over from the baseline, or written anew where they changed.
fn definitions<'a>(
    catalog: &'a Catalog<'_>,
    plan: &Plan,
    names: &ResultNames,
    changes: &[TableChanges<'_>],
) -> Result<Vec<Definition<'a>>, EngineError> {
    let copied = |table: Option<&TableName>, file: &'a FileInfo| Definition::Copied { table: table.cloned(), file };
    let mut files: Vec<Definition<'a>> = Vec::new();
    let counters: BTreeMap<&TableName, Option<u64>> =
        changes.iter().map(|table| (table.name, table.counts.counter)).collect();
    for name in plan.written() {
        let recipe = plan.recipes.get(name);
        let origin = recipe.map_or(Some(name), |recipe| recipe.life.origin.as_ref());
        let table = origin.and_then(|origin| catalog.tables.get(origin));
        let counter = counters.get(name).copied().flatten().and_then(|last| last.checked_add(1));
        let stated = recipe.and_then(|recipe| recipe.shape()).and_then(|shape| shape.auto_increment).unwrap_or(0);
        let counter = counter.filter(|next| *next > stated);
        match (recipe, table) {
            (Some(recipe), _) if !recipe.unaltered => {
                files.push(altered(catalog, name, recipe, names, counter)?);
            }
            (_, Some(table)) => {
                if let Some(file) = &table.schema {
                    files.push(match counter {
                        Some(next) => Definition::Counting { table: name.clone(), file, next },
                        None => copied(Some(name), file),
                    });
                }
            }
            _ => {}
        }
    }
    Ok(files)
}

/// The schema file of a table that is not as the baseline had it.
fn altered<'a>(
    catalog: &Catalog<'_>,
    name: &TableName,
    recipe: &Recipe,
    names: &ResultNames,
    counter: Option<u64>,
) -> Result<Definition<'a>, EngineError> {
    let mut text = None;
    if let Base::Baseline(own, _) = &recipe.life.definition.base
        && let Some(file) = catalog.tables.get(own).and_then(|files| files.schema.as_ref())
    {
        text = Some(catalog.text(&file.name)?);
    }
    let shape = recipe.shape().map(|shape| TableShape { name: name.clone(), ..shape.clone() });
    let shape = shape.ok_or_else(|| EngineError::Accounting {
        table: name.clone(),
        problem: "its definition is not known".to_owned(),
    })?;
    let rendered = recipe
        .life
        .definition
        .render(&shape, text.as_deref(), counter)
        .map_err(|problem| EngineError::Accounting { table: name.clone(), problem })?;
    Ok(Definition::Written {
        table: Some(name.clone()),
        name: format!("{}-schema.sql", names.stem(name)),
        text: rendered.into_bytes(),
    })
}

fn catalog_bytes(catalog: &Catalog<'_>, plan: &Plan) -> u64 {
    let origin = |name| plan.recipes.get(name).map_or(Some(name), |recipe| recipe.life.origin.as_ref());
    let tables = plan.written().filter_map(origin).filter_map(|name| catalog.tables.get(name));
    tables.map(TableFiles::bytes).sum()
}

fn metadata(
    plan: &Plan,
    catalog: &Catalog<'_>,
    names: &ResultNames,
    tables: &BTreeMap<TableName, crate::report::TableReport>,
) -> String {
    let when = plan.cut.last_commit.as_deref().and_then(classic_time).or_else(|| catalog.metadata.started_at.clone());
    let when = when.unwrap_or_else(|| "1970-01-01 00:00:00".to_owned());
    let coordinates = DumpCoordinates { position: plan.cut.position.clone(), gtid_set: plan.cut.gtid_set.clone() };
    let rows = tables.iter().filter_map(|(name, report)| {
        let (schema_file_name, file_name) = names.stem(name).split_once('.')?;
        Some(ResultTable {
            schema_file_name: schema_file_name.to_owned(),
            file_name: file_name.to_owned(),
            table: name.table.clone(),
            rows: report.rows_written,
        })
    });
    render(&when, &when, &coordinates, rows)
}

/// `2026-11-23T01:35:31.5Z` as `2026-11-23 01:35:31`.
fn classic_time(rfc3339: &str) -> Option<String> {
    Some(format!("{} {}", rfc3339.get(..10)?, rfc3339.get(11..19)?))
}
