//! The merge: the baseline's files with the changes in them.
//!
//! Rows are taken apart just far enough to find their key; untouched ones are copied as they are. What the window added
//! goes to a last file. Each table's files are worked on by any threads; names and contents of the result do not depend on
//! which.

use std::borrow::Cow;
use std::ops::Range;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use backtrail_domain::{BinlogFile, BinlogPosition, TableName};
use backtrail_dump::literal::{parse_literal, write_string};
use backtrail_dump::tokenizer::{InsertHead, Piece, Row};
use backtrail_dump::writer::TableDataWriter;

use crate::EngineError;
use crate::address::Address;
use crate::baseline::{Catalog, DataHead, TableFiles};
use crate::cascade::{Cascades, LinkLookup};
use crate::changes::{Changes, Lookup};
use crate::collect::{TableChanges, does_not_fit, position};
use crate::decide::{file_columns, mergeable};
use crate::image::{Cell, Layout};
use crate::io::{FileInfo, ResultSink};
use crate::key::KeyPart;
use crate::life::Trace;
use crate::output::OutputFile;
use crate::recipe::Recipe;
use crate::record::{Effect, EventAt, Record, RowEvent};
use crate::render;
use crate::report::{FileReport, TableReport};
use crate::request::Compression;
use crate::rows::RowsReader;
use crate::work::Watch;

mod live;

use live::Patch;

/// Data files of the result are cut here.
const FILE_SIZE: u64 = 64 << 20;

/// One table's merge, shared by the threads that work on it.
pub(crate) struct TableMerge<'a> {
    pub(crate) table: TableChanges<'a>,
    /// The baseline's files whose rows it begins with.
    pub(crate) files: &'a [FileInfo],
    /// All that the baseline has of the table whose rows it begins with.
    origin: Option<&'a TableFiles>,
    /// Rows in them, where the metadata says.
    rows: Option<u64>,
    /// What the result's files are called.
    pub(crate) stem: &'a str,
    /// Files that are not done.
    pub(crate) open: AtomicUsize,
    pub(crate) counts: Mutex<TableReport>,
    /// It is only lived through, for what becomes of other tables.
    pub(crate) unwanted: bool,
}

/// What all merges need.
#[derive(Clone, Copy)]
pub(crate) struct Merger<'a> {
    pub(crate) catalog: &'a Catalog<'a>,
    pub(crate) sink: &'a dyn ResultSink,
    pub(crate) compression: Compression,
    pub(crate) cut: &'a BinlogPosition,
    pub(crate) log_files: &'a [BinlogFile],
    pub(crate) watch: &'a Watch<'a>,
    pub(crate) cascades: &'a Cascades<'a>,
    /// Nothing is written or counted: what is looked for is cascades.
    pub(crate) rehearsal: bool,
}

/// Writes a table's rows to files of limited size.
struct PartWriter<'a> {
    merger: &'a Merger<'a>,
    merge: &'a TableMerge<'a>,
    /// The number of the baseline's file.
    file: usize,
    part: usize,
    writer: Option<TableDataWriter<OutputFile>>,
    files: Vec<FileReport>,
}

impl PartWriter<'_> {
    fn failed(&self, source: std::io::Error) -> EngineError {
        EngineError::Result { file: self.stem(), source }
    }

    fn stem(&self) -> String {
        let stem = &self.merge.stem;
        match self.part {
            0 => format!("{stem}.{:05}.sql", self.file),
            part => format!("{stem}.{:05}.{part:05}.sql", self.file),
        }
    }

    fn row(&mut self, row: &[u8]) -> Result<(), EngineError> {
        if self.merger.rehearsal || self.merge.unwanted {
            return Ok(());
        }
        if self.writer.as_ref().is_some_and(|writer| writer.bytes() >= FILE_SIZE) {
            self.end_part()?;
            self.part += 1;
        }
        if self.writer.is_none() {
            let file = OutputFile::create(self.merger.sink, &self.stem(), self.merger.compression)?;
            let writer = TableDataWriter::new(
                file,
                &self.merge.table.name.table,
                self.merge.table.recipe.column_names.as_deref(),
            )
            .map_err(|source| self.failed(source))?;
            self.writer = Some(writer);
        }
        match &mut self.writer {
            Some(writer) => match writer.write_row(row) {
                Ok(()) => Ok(()),
                Err(source) => Err(self.failed(source)),
            },
            None => Ok(()),
        }
    }

    fn end_part(&mut self) -> Result<(), EngineError> {
        if let Some(writer) = self.writer.take() {
            let rows = writer.rows();
            let file = writer.finish().map_err(|source| self.failed(source))?;
            self.files.push(file.finish(Some(self.merge.table.name), Some(rows))?);
        }
        Ok(())
    }

    fn finish(mut self) -> Result<Vec<FileReport>, EngineError> {
        self.end_part()?;
        Ok(self.files)
    }
}

impl<'a> TableMerge<'a> {
    pub(crate) fn new(table: TableChanges<'a>, origin: Option<&'a TableFiles>, stem: &'a str, unwanted: bool) -> Self {
        let files = origin.map_or(&[][..], |files| &files.data);
        Self {
            table,
            files,
            origin,
            rows: origin.map_or(Some(0), |files| files.rows),
            stem,
            open: AtomicUsize::new(files.len()),
            counts: Mutex::new(TableReport::default()),
            unwanted,
        }
    }

    /// The bytes of one of its files and of the rows beside it, as stored.
    pub(crate) fn size_of(&self, file: &FileInfo) -> u64 {
        self.origin.map_or(file.size, |files| files.size_of(file))
    }

    /// Begins anew, behind a rehearsal.
    pub(crate) fn again(&self) {
        self.open.store(self.files.len(), Ordering::Release);
        self.table.changes.iter().for_each(Changes::forget_what_was_met);
    }

    fn add(&self, counts: &TableReport) {
        let mut total = self.counts.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        total.rows_read += counts.rows_read;
        total.rows_kept += counts.rows_kept;
        total.rows_replaced += counts.rows_replaced;
        total.rows_deleted += counts.rows_deleted;
        total.rows_added += counts.rows_added;
        total.cascade_deletes += counts.cascade_deletes;
        total.cascade_updates += counts.cascade_updates;
    }
}

impl Merger<'_> {
    /// Merges one file of the baseline.
    pub(crate) fn file(&self, merge: &TableMerge<'_>, number: usize) -> Result<Vec<FileReport>, EngineError> {
        let Some(file) = merge.files.get(number) else { return Ok(Vec::new()) };
        let name = merge.table.name;
        let origin = merge.table.recipe.life.origin.as_ref().unwrap_or(name);
        let Some(files) = merge.origin else { return Ok(Vec::new()) };
        let open = |name: &str| {
            if self.rehearsal { self.catalog.open(name) } else { self.watch.open(self.catalog, name) }
        };
        let shape = merge.table.recipe.life.eras.first().map(|era| &*era.shape);
        let mut reader = RowsReader::open(name, files, file, shape, &open)?;
        let rows_in = files.beside.get(&file.name).unwrap_or(file);
        let mut one = FileMerge {
            flow: Flow::new(self, merge, number),
            origin,
            file: &rows_in.name,
            head: DataHead::default(),
            heads: 0,
            fields: Vec::new(),
        };
        let mut reported = 0;
        loop {
            let piece = reader.next_piece();
            match piece.map_err(|source| EngineError::BaselineData { table: name.clone(), source: Box::new(source) })? {
                Some(Piece::Row(row)) => {
                    one.row(&row)?;
                    if one.flow.counts.rows_read - reported >= 4096 {
                        let count = if self.rehearsal { 0 } else { one.flow.counts.rows_read - reported };
                        self.watch.rows(count)?;
                        reported = one.flow.counts.rows_read;
                    }
                }
                Some(Piece::InsertHead(head)) => one.insert_head(&head)?,
                Some(Piece::Preamble(statement)) => one.head.note(statement),
                Some(Piece::End) => {}
                None => break,
            }
        }
        if !self.rehearsal {
            self.watch.rows(one.flow.counts.rows_read - reported)?;
            self.catalog.source.rows_read(&rows_in.name, one.flow.counts.rows_read)?;
            merge.add(&one.flow.counts);
        }
        one.flow.writer.finish()
    }

    /// Appends what the baseline did not have, when all files are done, and balances the table's account.
    pub(crate) fn rest(&self, merge: &TableMerge<'_>) -> Result<Vec<FileReport>, EngineError> {
        let mut flow = Flow::new(self, merge, merge.files.len());
        if merge.table.recipe.routes.is_some() {
            self.rest_of_events(merge, &mut flow)?;
            if self.rehearsal {
                return Ok(Vec::new());
            }
            merge.add(&flow.counts);
            self.balance(merge)?;
            return flow.writer.finish();
        }
        for (number, changes) in merge.table.changes.iter().enumerate() {
            changes.for_each(&mut |record, seen| {
                let times = match record.effect {
                    Effect::Row { existed: true, .. } if seen == 0 => {
                        return Err(self.misfit(
                            merge,
                            number,
                            record,
                            "the log changes or deletes it, the baseline does not have it",
                        ));
                    }
                    Effect::Row { existed: false, present: true } => 1,
                    Effect::Row { .. } => 0,
                    Effect::Count { delta, low } => {
                        if i64::from(seen) + low < 0 && !changes.is_rounded() {
                            return Err(self.misfit(
                                merge,
                                number,
                                record,
                                "the log changes or deletes more such rows than the baseline has",
                            ));
                        }
                        let (_, comes) = changes.goes_and_comes(delta, low);
                        u64::try_from(comes).unwrap_or(0)
                    }
                    Effect::Event(_) => 0,
                };
                for _ in 0..times {
                    flow.image.clear();
                    flow.image.extend_from_slice(record.image);
                    flow.at = record.at;
                    if flow.later(number + 1, None)? != Outcome::Dropped {
                        flow.write_image()?;
                        flow.counts.rows_added += 1;
                    }
                }
                Ok(())
            })?;
            changes.check_rounded(&mut |record, problem| self.misfit(merge, number, record, problem))?;
        }
        merge.add(&flow.counts);
        self.balance(merge)?;
        flow.writer.finish()
    }

    /// Lives the rows through that the log inserted, and makes sure that every event was some row's.
    fn rest_of_events(&self, merge: &TableMerge<'_>, flow: &mut Flow<'_>) -> Result<(), EngineError> {
        for (number, changes) in merge.table.changes.iter().enumerate() {
            changes.for_each(&mut |record, _| {
                if record.effect != Effect::Event(RowEvent::Inserted) {
                    return Ok(());
                }
                let Some((_, tick)) = record.key.split_last_chunk::<8>() else { return Ok(()) };
                flow.image.clear();
                flow.image.extend_from_slice(record.image);
                flow.at = record.at;
                if flow.live(number, None, u64::from_be_bytes(*tick))? != Outcome::Dropped {
                    flow.write_image()?;
                    flow.counts.rows_added += 1;
                }
                Ok(())
            })?;
        }
        for (number, changes) in merge.table.changes.iter().enumerate() {
            changes.for_each(&mut |record, seen| {
                if seen == 0 && record.effect != Effect::Event(RowEvent::Inserted) {
                    let problem = "the log changes or deletes it, neither the baseline nor the log has it";
                    return Err(self.misfit(merge, number, record, problem));
                }
                Ok(())
            })?;
        }
        Ok(())
    }

    fn balance(&self, merge: &TableMerge<'_>) -> Result<(), EngineError> {
        let table = &merge.table;
        let mut counts = merge.counts.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        counts.rows_written = counts.rows_kept + counts.rows_replaced + counts.rows_added;
        counts.inserts = table.counts.inserts;
        counts.updates = table.counts.updates;
        counts.deletes = table.counts.deletes;
        counts.partial_images = table.counts.partial_images;
        let unbalanced = |problem: String| Err(EngineError::Accounting { table: table.name.clone(), problem });
        if counts.rows_read != counts.rows_kept + counts.rows_replaced + counts.rows_deleted {
            return unbalanced(format!(
                "{} rows read, {} kept, {} replaced, {} deleted",
                counts.rows_read, counts.rows_kept, counts.rows_replaced, counts.rows_deleted
            ));
        }
        if counts.rows_read + counts.inserts != counts.rows_written + counts.deletes + counts.cascade_deletes {
            return unbalanced(format!(
                "{} rows read, {} inserted and {} deleted by the log, {} deleted along with a parent, {} written",
                counts.rows_read, counts.inserts, counts.deletes, counts.cascade_deletes, counts.rows_written
            ));
        }
        let changes = counts.inserts + counts.updates + counts.deletes;
        if counts.partial_images > changes {
            return unbalanced(format!("{} of {changes} row images lack columns", counts.partial_images));
        }
        match merge.rows {
            Some(rows) if rows != counts.rows_read => unbalanced(format!(
                "{} rows were read from the baseline, whose metadata says {rows}: rows of it are missing",
                counts.rows_read
            )),
            _ => Ok(()),
        }
    }

    fn misfit(&self, merge: &TableMerge<'_>, stage: usize, record: &Record<'_>, problem: &str) -> EngineError {
        let codec = merge.table.recipe.stages.get(stage).and_then(|stage| stage.codecs.first());
        does_not_fit(merge.table.name, codec, record.key, position(self.log_files, record.at, self.cut), problem)
    }
}

/// What has become of a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Outcome {
    /// It is as it was.
    Kept,
    /// It is the flow's image now.
    Replaced,
    /// It is as it was, but for the flow's patches.
    Patched,
    Dropped,
}

/// A row of the baseline, taken apart.
struct RawRow<'a> {
    raw: &'a [u8],
    fields: &'a [Range<usize>],
}

impl<'a> RawRow<'a> {
    /// The field of a column of the first era.
    fn column(&self, recipe: &Recipe, column: usize) -> Result<&'a [u8], String> {
        let field = recipe.file_columns.iter().position(|own| *own == column);
        let range = field.and_then(|field| self.fields.get(field));
        range
            .and_then(|range| self.raw.get(range.clone()))
            .ok_or_else(|| "the row lacks a value of the table".to_owned())
    }
}

/// Rows on their way through the stages of a table.
struct Flow<'a> {
    merger: &'a Merger<'a>,
    merge: &'a TableMerge<'a>,
    lookups: Vec<Lookup<'a>>,
    writer: PartWriter<'a>,
    counts: TableReport,
    key: Vec<u8>,
    /// The row as a change set has it, once one has.
    image: Vec<u8>,
    /// The event that it is of.
    at: EventAt,
    rendered: Vec<u8>,
    /// Values that cascades gave the row since.
    patches: Vec<Patch>,
    /// By which cascades come, one for each route of the table.
    routes: Vec<Option<LinkLookup<'a>>>,
}

impl<'a> Flow<'a> {
    fn new(merger: &'a Merger<'a>, merge: &'a TableMerge<'a>, file: usize) -> Self {
        Self {
            merger,
            merge,
            lookups: merge.table.changes.iter().map(|changes| changes.lookup()).collect(),
            writer: PartWriter { merger, merge, file, part: 0, writer: None, files: Vec::new() },
            counts: TableReport::default(),
            key: Vec::new(),
            image: Vec::new(),
            at: EventAt::default(),
            rendered: Vec::new(),
            patches: Vec::new(),
            routes: merge
                .table
                .recipe
                .routes
                .iter()
                .flatten()
                .map(|route| merger.cascades.lookup(route.link))
                .collect(),
        }
    }

    fn broken(&self, problem: impl Into<String>) -> EngineError {
        EngineError::BaselineRows {
            table: self.merge.table.name.clone(),
            file: "rows".to_owned(),
            problem: problem.into(),
        }
    }

    fn bad_value(&self, column: String, problem: String) -> EngineError {
        EngineError::Value {
            table: self.merge.table.name.clone(),
            column,
            position: Box::new(position(self.merger.log_files, self.at, self.merger.cut)),
            problem,
        }
    }

    /// Takes an image of the table apart.
    fn cells<'c>(&self, image: &'c [u8], cells: &mut Vec<Cell<'c>>) -> Result<&'a Layout, EngineError> {
        let layout = self.merge.table.layouts.cells(image, cells);
        layout.map_err(|problem| self.bad_value("*".to_owned(), problem.to_string()))
    }

    /// Takes a row through the stages from this one on; `raw`: it is still the baseline's.
    fn later(&mut self, from: usize, mut raw: Option<&RawRow<'_>>) -> Result<Outcome, EngineError> {
        for number in from..self.lookups.len() {
            match raw {
                Some(row) => self.key_of_row(number, row)?,
                None => self.key_of_image(number)?,
            }
            let Some(lookup) = self.lookups.get_mut(number) else { break };
            let counted = lookup.changes();
            let met = if raw.is_some() { lookup.meet_written(&self.key) } else { lookup.meet(&self.key) };
            let Some((record, before)) = met? else { continue };
            match record.effect {
                Effect::Row { existed: false, .. } => {
                    let problem = "the log inserts it first, the baseline has it already";
                    return Err(self.merger.misfit(self.merge, number, &record, problem));
                }
                Effect::Row { .. } if before > 0 => {
                    return Err(self.merger.misfit(self.merge, number, &record, "the baseline has it twice"));
                }
                Effect::Row { present: true, .. } => {
                    self.image.clear();
                    self.image.extend_from_slice(record.image);
                    self.at = record.at;
                    raw = None;
                }
                Effect::Row { present: false, .. } => return Ok(Outcome::Dropped),
                // Equal rows: which of them go is all the same, so the first ones do.
                Effect::Count { delta, low } if i64::from(before) < counted.goes_and_comes(delta, low).0 => {
                    return Ok(Outcome::Dropped);
                }
                Effect::Count { .. } | Effect::Event(_) => {}
            }
        }
        Ok(if raw.is_some() { Outcome::Kept } else { Outcome::Replaced })
    }

    fn key_of_row(&mut self, number: usize, row: &RawRow<'_>) -> Result<(), EngineError> {
        self.key.clear();
        let recipe = self.merge.table.recipe;
        let Some(stage) = recipe.stages.get(number) else { return Ok(()) };
        let Some(codec) = stage.codecs.first() else { return Ok(()) };
        let traces = stage.from_earlier.first();
        for (index, part) in codec.parts().iter().enumerate() {
            let trace = traces.and_then(|traces| traces.get(index));
            let column = trace.map_or(Some(part.column), Trace::column);
            let written = match column {
                Some(column) => row.column(recipe, column),
                None => Ok(&b"NULL"[..]),
            };
            let pushed = written.and_then(|written| {
                let literal = match trace {
                    Some(trace) => trace.apply(written)?,
                    None => Cow::Borrowed(written),
                };
                let literal = parse_literal(&literal).map_err(|problem| problem.to_string())?;
                part.push_literal(&literal, &mut self.key).map_err(|problem| problem.to_string())
            });
            pushed.map_err(|problem| self.broken(format!("a value of the key: {problem}")))?;
        }
        Ok(())
    }

    fn key_of_image(&mut self, number: usize) -> Result<(), EngineError> {
        self.key.clear();
        let recipe = self.merge.table.recipe;
        let Some(stage) = recipe.stages.get(number) else { return Ok(()) };
        let Some(codec) = stage.codecs.first() else { return Ok(()) };
        let mut cells: Vec<Cell<'_>> = Vec::new();
        let layout = self.cells(&self.image, &mut cells)?;
        let Some(shape) = recipe.life.eras.get(layout.era).map(|era| &*era.shape) else { return Ok(()) };
        let traces = stage.from_earlier.get(layout.era);
        let mut key = Vec::new();
        let mut exact = Vec::new();
        let mut literal = Vec::new();
        for (index, part) in codec.parts().iter().enumerate() {
            let trace = traces.and_then(|traces| traces.get(index));
            literal.clear();
            if let Some(column) = trace.map_or(Some(part.column), Trace::column) {
                render::cell(shape, column, layout, &cells, &mut literal)
                    .map_err(|(column, problem)| self.bad_value(column, problem))?;
            }
            let applied = trace.map_or(Ok(Cow::Borrowed(literal.as_slice())), |trace| trace.apply(&literal));
            let pushed = applied.and_then(|literal| {
                let literal = parse_literal(&literal).map_err(|problem| problem.to_string())?;
                if part.has_exact_value() {
                    KeyPart::push_exact_literal(&literal, &mut exact).map_err(|problem| problem.to_string())?;
                }
                part.push_literal(&literal, &mut key).map_err(|problem| problem.to_string())
            });
            pushed.map_err(|problem| self.bad_value("the key".to_owned(), problem))?;
        }
        key.append(&mut exact);
        self.key = key;
        Ok(())
    }

    fn write_image(&mut self) -> Result<(), EngineError> {
        let recipe = self.merge.table.recipe;
        let mut rendered = std::mem::take(&mut self.rendered);
        rendered.clear();
        let mut cells: Vec<Cell<'_>> = Vec::new();
        let layout = self.cells(&self.image, &mut cells)?;
        if let (Some(era), Some(sources)) = (recipe.life.eras.get(layout.era), recipe.sources.get(layout.era)) {
            let patched = |number: usize| self.patched(number);
            render::row(&era.shape, sources, layout, &cells, &patched, &mut rendered)
                .map_err(|(column, problem)| self.bad_value(column, problem))?;
        }
        let written = self.writer.row(&rendered);
        self.rendered = rendered;
        written
    }

    /// The value of one of the result's columns, if a cascade gave it.
    fn patched(&self, number: usize) -> Option<Result<Cow<'_, [u8]>, String>> {
        let sources = &self.merge.table.recipe.sources;
        self.patches.iter().rev().find_map(|patch| {
            let trace = sources.get(patch.era)?.get(number)?;
            (trace.column() == Some(patch.column)).then(|| trace.apply(&patch.literal))
        })
    }

    /// Writes a row of the baseline.
    fn write_raw(&mut self, row: &RawRow<'_>) -> Result<(), EngineError> {
        let recipe = self.merge.table.recipe;
        if recipe.rows_as_they_are && self.patches.is_empty() {
            return self.writer.row(row.raw);
        }
        let mut rendered = std::mem::take(&mut self.rendered);
        rendered.clear();
        rendered.push(b'(');
        for (number, source) in recipe.sources.first().into_iter().flatten().enumerate() {
            if number > 0 {
                rendered.push(b',');
            }
            if let Some(patched) = self.patched(number) {
                rendered.extend_from_slice(&patched.map_err(|problem| self.broken(problem))?);
                continue;
            }
            let written = match source.column() {
                Some(column) => row.column(recipe, column),
                None => Ok(&b"NULL"[..]),
            };
            let value = written.and_then(|written| source.apply(written)).map_err(|problem| self.broken(problem))?;
            let shape = recipe.life.eras.first().map(|era| &era.shape);
            let column = source.column().and_then(|column| shape?.columns.get(column));
            match column.and_then(|column| Address::of(&column.ty)) {
                Some(_) => write_address(&value, &mut rendered).map_err(|problem| self.broken(problem))?,
                None => rendered.extend_from_slice(&value),
            }
        }
        rendered.push(b')');
        let written = self.writer.row(&rendered);
        self.rendered = rendered;
        written
    }
}

/// The merge of one file.
struct FileMerge<'a> {
    flow: Flow<'a>,
    origin: &'a TableName,
    file: &'a str,
    head: DataHead,
    /// INSERTs so far.
    heads: u64,
    fields: Vec<Range<usize>>,
}

impl FileMerge<'_> {
    fn broken(&self, offset: Option<u64>, problem: String) -> EngineError {
        let place = offset.map_or_else(String::new, |offset| format!(" at byte {offset}"));
        EngineError::BaselineRows {
            table: self.flow.merge.table.name.clone(),
            file: format!("{}{place}", self.file),
            problem,
        }
    }

    fn insert_head(&mut self, head: &InsertHead<'_>) -> Result<(), EngineError> {
        let recipe = self.flow.merge.table.recipe;
        let same_schema = head.schema.as_ref().is_none_or(|schema| *schema == self.origin.schema);
        if head.table != self.origin.table || !same_schema {
            return Err(self.broken(None, format!("it inserts into `{}`", head.table)));
        }
        let Some(shape) = recipe.life.eras.first().map(|era| &*era.shape) else { return Ok(()) };
        self.heads += 1;
        // mydumper 0.10 names the columns in a file's first INSERT only, and means the same ones in the others.
        let unnamed_follower = self.heads > 1 && head.columns.is_none() && shape.has_generated_columns();
        if !unnamed_follower {
            let columns = file_columns(shape, head.columns.as_deref()).map_err(|problem| self.broken(None, problem))?;
            if columns != recipe.file_columns {
                let problem = "its INSERTs name other columns than those of the table's first file";
                return Err(self.broken(None, problem.to_owned()));
            }
        }
        if self.heads == 1 {
            mergeable(shape, &self.head, &recipe.file_columns).map_err(|problem| self.broken(None, problem))?;
        }
        Ok(())
    }

    fn row(&mut self, row: &Row<'_>) -> Result<(), EngineError> {
        self.flow.counts.rows_read += 1;
        if self.heads == 0 {
            return Err(self.broken(Some(row.offset), "a row without an INSERT".to_owned()));
        }
        let recipe = self.flow.merge.table.recipe;
        row.fields(recipe.fields_needed, &mut self.fields);
        let raw = RawRow { raw: row.raw, fields: &self.fields };
        let outcome = match &recipe.routes {
            None => self.flow.later(0, Some(&raw)),
            Some(_) => self.flow.live(0, Some(&raw), 0),
        };
        let outcome = outcome.map_err(|error| self.placed(error, row.offset))?;
        let flow = &mut self.flow;
        match outcome {
            Outcome::Kept => {
                flow.counts.rows_kept += 1;
                let raw = RawRow { raw: row.raw, fields: &self.fields };
                flow.write_raw(&raw).map_err(|error| self.placed(error, row.offset))
            }
            Outcome::Patched => {
                flow.counts.rows_replaced += 1;
                let raw = RawRow { raw: row.raw, fields: &self.fields };
                flow.write_raw(&raw).map_err(|error| self.placed(error, row.offset))
            }
            Outcome::Replaced => {
                flow.counts.rows_replaced += 1;
                flow.write_image()
            }
            Outcome::Dropped => {
                flow.counts.rows_deleted += 1;
                Ok(())
            }
        }
    }

    /// Says where the row is that cannot be taken.
    fn placed(&self, error: EngineError, offset: u64) -> EngineError {
        match error {
            EngineError::BaselineRows { problem, .. } => self.broken(Some(offset), problem),
            other => other,
        }
    }
}

/// An address of the baseline, which is a text in whatever form, as one that loads: without a character set it would be
/// taken for the address's own bytes.
fn write_address(value: &[u8], out: &mut Vec<u8>) -> Result<(), String> {
    match parse_literal(value).map_err(|problem| problem.to_string())?.into_bytes() {
        None => out.extend_from_slice(value),
        Some(text) => {
            out.extend_from_slice(b"_latin1");
            write_string(out, &text);
        }
    }
    Ok(())
}

/// Counts down a table's open files; true for whoever ends the last.
pub(crate) fn file_done(merge: &TableMerge<'_>) -> bool {
    merge.open.fetch_sub(1, Ordering::AcqRel) == 1
}
