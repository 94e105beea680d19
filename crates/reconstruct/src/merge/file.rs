//! A file of the baseline, row by row.

use std::ops::Range;

use backtrail_domain::TableName;
use backtrail_dump::tokenizer::{InsertHead, Row};

use super::{Flow, Outcome, RawRow};
use crate::EngineError;
use crate::input::baseline::DataHead;
use crate::input::columns::{file_columns, mergeable};

/// The merge of one file.
pub(super) struct FileMerge<'a> {
    pub(super) flow: Flow<'a>,
    pub(super) origin: &'a TableName,
    pub(super) file: &'a str,
    pub(super) head: DataHead,
    /// INSERTs so far.
    pub(super) heads: u64,
    pub(super) fields: Vec<Range<usize>>,
}

impl FileMerge<'_> {
    pub(super) fn broken(&self, offset: Option<u64>, problem: String) -> EngineError {
        let place = offset.map_or_else(String::new, |offset| format!(" at byte {offset}"));
        EngineError::BaselineRows {
            table: self.flow.merge.table.name.clone(),
            file: format!("{}{place}", self.file),
            problem,
        }
    }

    pub(super) fn insert_head(&mut self, head: &InsertHead<'_>) -> Result<(), EngineError> {
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

    pub(super) fn row(&mut self, row: &Row<'_>) -> Result<(), EngineError> {
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
    pub(super) fn placed(&self, error: EngineError, offset: u64) -> EngineError {
        match error {
            EngineError::BaselineRows { problem, .. } => self.broken(Some(offset), problem),
            other => other,
        }
    }
}
