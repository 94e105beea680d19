//! A row on its way through what the window did to it.

use std::borrow::Cow;
use std::ops::Range;

use backtrail_dump::literal::{parse_literal, write_string};

use super::live::Patch;
use super::{Merger, PartWriter, TableMerge};
use crate::EngineError;
use crate::cascade::LinkLookup;
use crate::changes::Lookup;
use crate::changes::record::{Effect, EventAt};
use crate::collect::position;
use crate::history::life::Trace;
use crate::plan::recipe::Recipe;
use crate::report::TableReport;
use crate::values::address::Address;
use crate::values::image::{Cell, Layout};
use crate::values::key::KeyPart;
use crate::values::render;

/// What has become of a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Outcome {
    /// It is as it was.
    Kept,
    /// It is the flow's image now.
    Replaced,
    /// It is as it was, but for the flow's patches.
    Patched,
    Dropped,
}

/// A row of the baseline, taken apart.
pub(super) struct RawRow<'a> {
    pub(super) raw: &'a [u8],
    pub(super) fields: &'a [Range<usize>],
}

impl<'a> RawRow<'a> {
    /// The field of a column of the first era.
    pub(super) fn column(&self, recipe: &Recipe, column: usize) -> Result<&'a [u8], String> {
        let field = recipe.file_columns.iter().position(|own| *own == column);
        let range = field.and_then(|field| self.fields.get(field));
        range
            .and_then(|range| self.raw.get(range.clone()))
            .ok_or_else(|| "the row lacks a value of the table".to_owned())
    }
}

/// Rows on their way through the stages of a table.
pub(super) struct Flow<'a> {
    pub(super) merger: &'a Merger<'a>,
    pub(super) merge: &'a TableMerge<'a>,
    pub(super) lookups: Vec<Lookup<'a>>,
    pub(super) writer: PartWriter<'a>,
    pub(super) counts: TableReport,
    pub(super) key: Vec<u8>,
    /// The row as a change set has it, once one has.
    pub(super) image: Vec<u8>,
    /// The event that it is of.
    pub(super) at: EventAt,
    pub(super) rendered: Vec<u8>,
    /// Values that cascades gave the row since.
    pub(super) patches: Vec<Patch>,
    /// By which cascades come, one for each route of the table.
    pub(super) routes: Vec<Option<LinkLookup<'a>>>,
}

impl<'a> Flow<'a> {
    pub(super) fn new(merger: &'a Merger<'a>, merge: &'a TableMerge<'a>, file: usize) -> Self {
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

    pub(super) fn broken(&self, problem: impl Into<String>) -> EngineError {
        EngineError::BaselineRows {
            table: self.merge.table.name.clone(),
            file: "rows".to_owned(),
            problem: problem.into(),
        }
    }

    pub(super) fn bad_value(&self, column: String, problem: String) -> EngineError {
        EngineError::Value {
            table: self.merge.table.name.clone(),
            column,
            position: Box::new(position(self.merger.log_files, self.at, self.merger.cut)),
            problem,
        }
    }

    /// Takes an image of the table apart.
    pub(super) fn cells<'c>(&self, image: &'c [u8], cells: &mut Vec<Cell<'c>>) -> Result<&'a Layout, EngineError> {
        let layout = self.merge.table.layouts.cells(image, cells);
        layout.map_err(|problem| self.bad_value("*".to_owned(), problem.to_string()))
    }

    /// Takes a row through the stages from this one on; `raw`: it is still the baseline's.
    pub(super) fn later(&mut self, from: usize, mut raw: Option<&RawRow<'_>>) -> Result<Outcome, EngineError> {
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

    pub(super) fn key_of_row(&mut self, number: usize, row: &RawRow<'_>) -> Result<(), EngineError> {
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

    pub(super) fn key_of_image(&mut self, number: usize) -> Result<(), EngineError> {
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

    pub(super) fn write_image(&mut self) -> Result<(), EngineError> {
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
    pub(super) fn patched(&self, number: usize) -> Option<Result<Cow<'_, [u8]>, String>> {
        let sources = &self.merge.table.recipe.sources;
        self.patches.iter().rev().find_map(|patch| {
            let trace = sources.get(patch.era)?.get(number)?;
            (trace.column() == Some(patch.column)).then(|| trace.apply(&patch.literal))
        })
    }

    /// Writes a row of the baseline.
    pub(super) fn write_raw(&mut self, row: &RawRow<'_>) -> Result<(), EngineError> {
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

/// An address of the baseline, which is a text in whatever form, as one that loads: without a character set it would be
/// taken for the address's own bytes.
pub(super) fn write_address(value: &[u8], out: &mut Vec<u8>) -> Result<(), String> {
    match parse_literal(value).map_err(|problem| problem.to_string())?.into_bytes() {
        None => out.extend_from_slice(value),
        Some(text) => {
            out.extend_from_slice(b"_latin1");
            write_string(out, &text);
        }
    }
    Ok(())
}
