//! Carrying a plan out.

use std::collections::BTreeMap;
use std::io::Write;

use backtrail_domain::{TableFilter, TableName};
use backtrail_dump::metadata::{DumpCoordinates, ResultTable, render};

use crate::EngineError;
use crate::baseline::Catalog;
use crate::collect::{Collected, Collector, check_counts};
use crate::decide::row_key;
use crate::io::{FileInfo, ResultSink};
use crate::log::Log;
use crate::merge::Merger;
use crate::output::OutputFile;
use crate::plan::{Plan, PlannedKey, TableAction};
use crate::planner::dialect;
use crate::report::Report;
use crate::request::{Compression, Inputs, RefusalPolicy, Request};
use crate::work::{TableCopy, Watch, Work, merges};

/// Carries a plan out: writes a mydumper directory of the tables as they stood at the cut, `metadata` last.
///
/// # Errors
/// [`EngineError::Refused`] before anything is written, if the plan has refusals and the request does not skip them; else
/// see [`EngineError`]. What was written by the time of an error is not a result, and has no `metadata`.
pub fn reconstruct(
    inputs: &Inputs<'_>,
    plan: &Plan,
    request: &Request,
    sink: &dyn ResultSink,
) -> Result<Report, EngineError> {
    let refused: Vec<_> = plan.refusals().cloned().collect();
    if !refused.is_empty() && request.refusals == RefusalPolicy::Fail {
        return Err(EngineError::Refused { refusals: refused });
    }
    let catalog = Catalog::read(inputs.baseline)?;
    if catalog.coordinates != plan.baseline {
        return Err(EngineError::StalePlan { reason: "the baseline has other coordinates".to_owned() });
    }
    let collector =
        Collector::new(plan, inputs.spill, inputs.observer, request.memory_budget, tables(inputs, plan, &catalog)?);
    let (changes, log_files) = collect(inputs, plan, request, collector)?;
    check_counts(plan, &changes)?;
    let bytes_spilled = changes.iter().map(|table| table.changes.bytes_spilled()).sum();

    let copies: Vec<TableCopy<'_>> = plan
        .tables
        .iter()
        .filter(|(_, action)| matches!(action, TableAction::Copy { .. }))
        .filter_map(|(name, _)| catalog.tables.get(name).map(|files| TableCopy { name: name.clone(), files }))
        .collect();
    let definitions = definitions(&catalog, plan, &request.tables);
    let bytes = catalog_bytes(&catalog, plan) + definitions.iter().map(|(_, file)| file.size).sum::<u64>();
    let watch = Watch::new(inputs.observer, bytes, changes.len() as u64);
    let work = Work {
        merger: Merger {
            catalog: &catalog,
            sink,
            compression: request.compression,
            cut: &plan.cut.position,
            log_files: &log_files,
            watch: &watch,
        },
        definitions,
        copies,
        merges: merges(&catalog, changes)?,
    };
    let mut done = work.run(request.threads)?;
    drop(work);

    let metadata = metadata(plan, &catalog, &done.tables);
    let mut file = OutputFile::create(sink, "metadata", Compression::None)?;
    file.write_all(metadata.as_bytes())
        .map_err(|source| EngineError::Result { file: "metadata".to_owned(), source })?;
    done.files.push(file.finish(None, None)?);

    let mut warnings = plan.warnings.clone();
    warnings.extend(refused.iter().map(|refusal| format!("left out: {refusal}")));
    Ok(Report {
        cut: plan.cut.position.clone(),
        gtid_set: plan.cut.gtid_set.clone(),
        last_commit: plan.cut.last_commit.clone(),
        events: plan.events,
        rows_written: done.tables.values().map(|table| table.rows_written).sum(),
        bytes_written: done.files.iter().map(|file| file.size).sum(),
        tables: done.tables,
        refused,
        gaps: plan.gaps.clone(),
        files: done.files,
        bytes_spilled,
        warnings,
    })
}

/// The tables to collect changes of.
fn tables(inputs: &Inputs<'_>, plan: &Plan, catalog: &Catalog<'_>) -> Result<Vec<Collected>, EngineError> {
    let format = Log::open(inputs.log)?.format(&plan.baseline.position)?;
    let dialect = dialect(&format);
    let mut tables = Vec::new();
    for (name, action) in &plan.tables {
        let TableAction::Merge { key, .. } = action else { continue };
        let stale = |reason: String| EngineError::StalePlan { reason: format!("{name}: {reason}") };
        let shape = catalog.shape(name, &dialect)?.map_err(|problem| stale(problem.to_string()))?;
        let (found, codec) = row_key(&shape).map_err(stale)?;
        if found != *key {
            return Err(stale("it has another key".to_owned()));
        }
        tables.push(Collected::new(name.clone(), shape, codec, *key == PlannedKey::WholeRow));
    }
    Ok(tables)
}

type Collection = (Vec<crate::collect::TableChanges>, Vec<backtrail_domain::BinlogFile>);

fn collect(
    inputs: &Inputs<'_>,
    plan: &Plan,
    request: &Request,
    mut collector: Collector<'_>,
) -> Result<Collection, EngineError> {
    if !collector.tables.is_empty() {
        let walked = Log::open(inputs.log)?.walk(&plan.baseline, request.allow_gaps, &mut collector)?;
        if walked.exhausted && walked.end < plan.cut.position {
            return Err(EngineError::StalePlan { reason: format!("the log now ends at {}", walked.end) });
        }
        if walked.gaps != plan.gaps {
            return Err(EngineError::StalePlan { reason: "the log has other gaps".to_owned() });
        }
    }
    collector.finish()
}

/// The files that are carried over as they are: what stands around the rows.
fn definitions<'a>(
    catalog: &'a Catalog<'_>,
    plan: &Plan,
    filter: &TableFilter,
) -> Vec<(Option<TableName>, &'a FileInfo)> {
    let mut files: Vec<(Option<TableName>, &FileInfo)> = Vec::new();
    for name in plan.written() {
        if let Some(table) = catalog.tables.get(name) {
            files.extend(table.schema.iter().chain(&table.triggers).map(|file| (Some(name.clone()), file)));
        }
    }
    let around = catalog.views.iter().chain(&catalog.sequences);
    for (name, own) in around.filter(|(name, _)| filter.matches(name) && !plan.tables.contains_key(*name)) {
        files.extend(own.iter().map(|file| (Some(name.clone()), file)));
    }
    let in_schema = |schema: &str| match filter {
        TableFilter::All => true,
        TableFilter::Only(names) => names.iter().any(|name| name.schema == schema),
    };
    for (schema, own) in catalog.schemas.iter().filter(|(schema, _)| in_schema(schema)) {
        // With some of a schema's tables only, its routines and triggers may have nothing to stand on.
        let whole = *filter == TableFilter::All;
        let _ = schema;
        files.extend(own.iter().filter(|file| whole || file.name.contains("-schema-create")).map(|file| (None, file)));
    }
    files
}

fn catalog_bytes(catalog: &Catalog<'_>, plan: &Plan) -> u64 {
    plan.written().filter_map(|name| catalog.tables.get(name)).flat_map(|table| &table.data).map(|file| file.size).sum()
}

fn metadata(plan: &Plan, catalog: &Catalog<'_>, tables: &BTreeMap<TableName, crate::report::TableReport>) -> String {
    let when = plan.cut.last_commit.as_deref().and_then(classic_time).or_else(|| catalog.metadata.started_at.clone());
    let when = when.unwrap_or_else(|| "1970-01-01 00:00:00".to_owned());
    let coordinates = DumpCoordinates { position: plan.cut.position.clone(), gtid_set: plan.cut.gtid_set.clone() };
    let rows = tables.iter().filter_map(|(name, report)| {
        let files = catalog.tables.get(name)?;
        Some(ResultTable {
            schema_file_name: files.schema_file_name.clone(),
            file_name: files.file_name.clone(),
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
