//! The files of the result that a table's rows go to.

use backtrail_dump::writer::TableDataWriter;

use super::{FILE_SIZE, Merger, TableMerge};
use crate::EngineError;
use crate::merge::output::OutputFile;
use crate::report::FileReport;

/// Writes a table's rows to files of limited size.
pub(super) struct PartWriter<'a> {
    pub(super) merger: &'a Merger<'a>,
    pub(super) merge: &'a TableMerge<'a>,
    /// The number of the baseline's file.
    pub(super) file: usize,
    pub(super) part: usize,
    pub(super) writer: Option<TableDataWriter<OutputFile>>,
    pub(super) files: Vec<FileReport>,
}

impl PartWriter<'_> {
    pub(super) fn failed(&self, source: std::io::Error) -> EngineError {
        EngineError::Result { file: self.stem(), source }
    }

    pub(super) fn stem(&self) -> String {
        let stem = &self.merge.stem;
        match self.part {
            0 => format!("{stem}.{:05}.sql", self.file),
            part => format!("{stem}.{:05}.{part:05}.sql", self.file),
        }
    }

    pub(super) fn row(&mut self, row: &[u8]) -> Result<(), EngineError> {
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

    pub(super) fn end_part(&mut self) -> Result<(), EngineError> {
        if let Some(writer) = self.writer.take() {
            let rows = writer.rows();
            let file = writer.finish().map_err(|source| self.failed(source))?;
            self.files.push(file.finish(Some(self.merge.table.name), Some(rows))?);
        }
        Ok(())
    }

    pub(super) fn finish(mut self) -> Result<Vec<FileReport>, EngineError> {
        self.end_part()?;
        Ok(self.files)
    }
}
