//! The merge: the baseline's files with the changes in them.
//!
//! Rows are taken apart just far enough to find their key; untouched ones are copied as they are. What the window added
//! goes to a last file. Each table's files are worked on by any threads; names and contents of the result do not depend on
//! which.

use std::ops::Range;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use backtrail_domain::{BinlogFile, BinlogPosition, TableName};
use backtrail_dump::literal::parse_literal;
use backtrail_dump::tokenizer::{InsertHead, Piece, Row, StatementReader};
use backtrail_dump::writer::TableDataWriter;

use crate::EngineError;
use crate::baseline::{Catalog, DataHead, TableFiles};
use crate::changes::Lookup;
use crate::collect::{TableChanges, position};
use crate::decide::{file_columns, mergeable};
use crate::image::Cell;
use crate::io::ResultSink;
use crate::key::KeyCodec;
use crate::output::OutputFile;
use crate::record::{Effect, Record};
use crate::render;
use crate::report::{FileReport, TableReport};
use crate::request::Compression;
use crate::work::Watch;

/// Data files of the result are cut here.
const FILE_SIZE: u64 = 64 << 20;

/// One table's merge, shared by the threads that work on it.
pub(crate) struct TableMerge<'a> {
    pub(crate) table: TableChanges,
    pub(crate) files: &'a TableFiles,
    /// The column list of its INSERTs.
    columns: Option<Vec<String>>,
    /// Files that are not done.
    pub(crate) open: AtomicUsize,
    pub(crate) counts: Mutex<TableReport>,
}

/// What all merges need.
pub(crate) struct Merger<'a> {
    pub(crate) catalog: &'a Catalog<'a>,
    pub(crate) sink: &'a dyn ResultSink,
    pub(crate) compression: Compression,
    pub(crate) cut: &'a BinlogPosition,
    pub(crate) log_files: &'a [BinlogFile],
    pub(crate) watch: &'a Watch<'a>,
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
        let stem = &self.merge.files.stem;
        match self.part {
            0 => format!("{stem}.{:05}.sql", self.file),
            part => format!("{stem}.{:05}.{part:05}.sql", self.file),
        }
    }

    fn row(&mut self, row: &[u8]) -> Result<(), EngineError> {
        if self.writer.as_ref().is_some_and(|writer| writer.bytes() >= FILE_SIZE) {
            self.end_part()?;
            self.part += 1;
        }
        if self.writer.is_none() {
            let file = OutputFile::create(self.merger.sink, &self.stem(), self.merger.compression)?;
            let writer = TableDataWriter::new(file, &self.merge.table.name.table, self.merge.columns.as_deref())
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
            self.files.push(file.finish(Some(&self.merge.table.name), Some(rows))?);
        }
        Ok(())
    }

    fn finish(mut self) -> Result<Vec<FileReport>, EngineError> {
        self.end_part()?;
        Ok(self.files)
    }
}

/// Where the key is in the rows of a file, and what else its INSERTs say.
struct RowShape {
    columns: Vec<usize>,
    /// The field of each part of the key, in key order.
    key_fields: Vec<usize>,
    /// Fields up to the last of them.
    up_to: usize,
}

impl<'a> TableMerge<'a> {
    /// Prepares a table: reads from its first file which columns its INSERTs name.
    pub(crate) fn new(catalog: &Catalog<'_>, table: TableChanges, files: &'a TableFiles) -> Result<Self, EngineError> {
        let mut listed = None;
        if let Some(file) = files.data.first() {
            listed = catalog.data_head(&table.name, &file.name)?.columns;
        }
        let columns = match listed {
            Some(columns) => columns,
            None => {
                let hidden = |column: &backtrail_schema::Column| column.generated.is_some() || column.invisible;
                let names = table.shape.columns.iter().filter(|column| column.generated.is_none());
                table.shape.columns.iter().any(hidden).then(|| names.map(|column| column.name.clone()).collect())
            }
        };
        let open = AtomicUsize::new(files.data.len());
        Ok(Self { table, files, columns, open, counts: Mutex::new(TableReport::default()) })
    }

    fn row_shape(&self, listed: Option<&[String]>) -> Result<RowShape, String> {
        let columns = file_columns(&self.table.shape, listed)?;
        let key_fields: Vec<usize> = self
            .table
            .codec
            .parts()
            .iter()
            .map(|part| {
                let field = columns.iter().position(|column| *column == part.column);
                field.ok_or_else(|| "the rows lack a column of the key".to_owned())
            })
            .collect::<Result<_, _>>()?;
        let up_to = key_fields.iter().max().map_or(0, |last| last + 1);
        Ok(RowShape { columns, key_fields, up_to })
    }

    fn add(&self, counts: &TableReport) {
        let mut total = self.counts.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        total.rows_read += counts.rows_read;
        total.rows_kept += counts.rows_kept;
        total.rows_replaced += counts.rows_replaced;
        total.rows_deleted += counts.rows_deleted;
        total.rows_added += counts.rows_added;
    }
}

impl Merger<'_> {
    /// Merges one file of the baseline.
    pub(crate) fn file(&self, merge: &TableMerge<'_>, number: usize) -> Result<Vec<FileReport>, EngineError> {
        let Some(file) = merge.files.data.get(number) else { return Ok(Vec::new()) };
        let name = &merge.table.name;
        let source = self.watch.open(self.catalog, &file.name)?;
        let mut reader = StatementReader::new(source, &file.name);
        let mut one = FileMerge {
            merger: self,
            merge,
            file: &file.name,
            head: DataHead::default(),
            shape: None,
            lookup: merge.table.changes.lookup(),
            writer: PartWriter { merger: self, merge, file: number, part: 0, writer: None, files: Vec::new() },
            fields: Vec::new(),
            key: Vec::new(),
            rendered: Vec::new(),
            counts: TableReport::default(),
        };
        let mut reported = 0;
        loop {
            let piece = reader.next_piece();
            match piece.map_err(|source| EngineError::BaselineData { table: name.clone(), source: Box::new(source) })? {
                Some(Piece::Row(row)) => {
                    one.row(&row)?;
                    if one.counts.rows_read - reported >= 4096 {
                        self.watch.rows(one.counts.rows_read - reported)?;
                        reported = one.counts.rows_read;
                    }
                }
                Some(Piece::InsertHead(head)) => one.insert_head(&head)?,
                Some(Piece::Preamble(statement)) => one.head.note(statement),
                Some(Piece::End) => {}
                None => break,
            }
        }
        self.watch.rows(one.counts.rows_read - reported)?;
        merge.add(&one.counts);
        one.writer.finish()
    }

    /// Appends what the baseline did not have, when all files are done, and balances the table's account.
    pub(crate) fn rest(&self, merge: &TableMerge<'_>) -> Result<Vec<FileReport>, EngineError> {
        let mut writer =
            PartWriter { merger: self, merge, file: merge.files.data.len(), part: 0, writer: None, files: Vec::new() };
        let listed = merge.columns.as_deref();
        let columns = file_columns(&merge.table.shape, listed).map_err(|problem| EngineError::BaselineRows {
            table: merge.table.name.clone(),
            file: "INSERTs".to_owned(),
            problem,
        })?;
        let mut rendered = Vec::new();
        let mut counts = TableReport::default();
        merge.table.changes.for_each(&mut |record, seen| {
            let times = match record.effect {
                Effect::Row { existed: true, .. } if seen == 0 => {
                    return Err(self.misfit(
                        merge,
                        record,
                        "the log changes or deletes it, the baseline does not have it",
                    ));
                }
                Effect::Row { existed: false, present: true } => 1,
                Effect::Row { .. } => 0,
                Effect::Count { delta, low } => {
                    if i64::from(seen) + low < 0 {
                        return Err(self.misfit(
                            merge,
                            record,
                            "the log changes or deletes more such rows than the baseline has",
                        ));
                    }
                    u64::try_from(delta).unwrap_or(0)
                }
            };
            if times > 0 {
                self.render(merge, &columns, record, &mut rendered)?;
                for _ in 0..times {
                    writer.row(&rendered)?;
                }
                counts.rows_added += times;
            }
            Ok(())
        })?;
        merge.add(&counts);
        self.balance(merge)?;
        writer.finish()
    }

    fn balance(&self, merge: &TableMerge<'_>) -> Result<(), EngineError> {
        let table = &merge.table;
        let mut counts = merge.counts.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        counts.rows_written = counts.rows_kept + counts.rows_replaced + counts.rows_added;
        counts.inserts = table.inserts;
        counts.updates = table.updates;
        counts.deletes = table.deletes;
        let unbalanced = |problem: String| Err(EngineError::Accounting { table: table.name.clone(), problem });
        if counts.rows_read != counts.rows_kept + counts.rows_replaced + counts.rows_deleted {
            return unbalanced(format!(
                "{} rows read, {} kept, {} replaced, {} deleted",
                counts.rows_read, counts.rows_kept, counts.rows_replaced, counts.rows_deleted
            ));
        }
        if counts.rows_read + table.inserts != counts.rows_written + table.deletes {
            return unbalanced(format!(
                "{} rows read, {} inserted and {} deleted by the log, {} written",
                counts.rows_read, table.inserts, table.deletes, counts.rows_written
            ));
        }
        match merge.files.rows {
            Some(rows) if rows != counts.rows_read => unbalanced(format!(
                "{} rows were read from the baseline, whose metadata says {rows}: rows of it are missing",
                counts.rows_read
            )),
            _ => Ok(()),
        }
    }

    fn misfit(&self, merge: &TableMerge<'_>, record: &Record<'_>, problem: &str) -> EngineError {
        EngineError::HistoryDoesNotFit {
            table: merge.table.name.clone(),
            key: describe(&merge.table.codec, record.key),
            position: Box::new(position(self.log_files, record.at, self.cut)),
            problem: problem.to_owned(),
        }
    }

    fn render(
        &self,
        merge: &TableMerge<'_>,
        columns: &[usize],
        record: &Record<'_>,
        out: &mut Vec<u8>,
    ) -> Result<(), EngineError> {
        out.clear();
        let failed = |column: String, problem: String| EngineError::Value {
            table: merge.table.name.clone(),
            column,
            position: Box::new(position(self.log_files, record.at, self.cut)),
            problem,
        };
        let mut cells: Vec<Cell<'_>> = Vec::with_capacity(merge.table.shape.columns.len());
        let layout = merge
            .table
            .layouts
            .cells(record.image, &mut cells)
            .map_err(|problem| failed("*".to_owned(), problem.to_string()))?;
        render::row(&merge.table.shape, columns, layout, &cells, out)
            .map_err(|(column, problem)| failed(column, problem))
    }
}

fn describe(codec: &KeyCodec, key: &[u8]) -> String {
    codec.describe(key)
}

/// The merge of one file.
struct FileMerge<'a> {
    merger: &'a Merger<'a>,
    merge: &'a TableMerge<'a>,
    file: &'a str,
    head: DataHead,
    shape: Option<RowShape>,
    lookup: Lookup<'a>,
    writer: PartWriter<'a>,
    fields: Vec<Range<usize>>,
    key: Vec<u8>,
    rendered: Vec<u8>,
    counts: TableReport,
}

impl FileMerge<'_> {
    fn broken(&self, offset: Option<u64>, problem: String) -> EngineError {
        let place = offset.map_or_else(String::new, |offset| format!(" at byte {offset}"));
        EngineError::BaselineRows {
            table: self.merge.table.name.clone(),
            file: format!("{}{place}", self.file),
            problem,
        }
    }

    fn insert_head(&mut self, head: &InsertHead<'_>) -> Result<(), EngineError> {
        let name: &TableName = &self.merge.table.name;
        let same_schema = head.schema.as_ref().is_none_or(|schema| *schema == name.schema);
        if head.table != name.table || !same_schema {
            return Err(self.broken(None, format!("it inserts into `{}`", head.table)));
        }
        if head.columns != self.merge.columns {
            return Err(
                self.broken(None, "its INSERTs name other columns than those of the table's first file".to_owned())
            );
        }
        if self.shape.is_none() {
            let shape = self.merge.row_shape(head.columns.as_deref()).map_err(|problem| self.broken(None, problem))?;
            mergeable(&self.merge.table.shape, &self.head, &shape.columns)
                .map_err(|problem| self.broken(None, problem))?;
            self.shape = Some(shape);
        }
        Ok(())
    }

    fn row(&mut self, row: &Row<'_>) -> Result<(), EngineError> {
        self.counts.rows_read += 1;
        self.row_key(row)?;
        let Some((record, before)) = self.lookup.meet(&self.key)? else {
            self.counts.rows_kept += 1;
            return self.writer.row(row.raw);
        };
        match record.effect {
            Effect::Row { existed: false, .. } => {
                Err(self.merger.misfit(self.merge, &record, "the log inserts it first, the baseline has it already"))
            }
            Effect::Row { .. } if before > 0 => {
                Err(self.merger.misfit(self.merge, &record, "the baseline has it twice"))
            }
            Effect::Row { present: true, .. } => {
                let columns = self.shape.as_ref().map_or(&[][..], |shape| &shape.columns);
                self.merger.render(self.merge, columns, &record, &mut self.rendered)?;
                self.counts.rows_replaced += 1;
                self.writer.row(&self.rendered)
            }
            Effect::Row { present: false, .. } => {
                self.counts.rows_deleted += 1;
                Ok(())
            }
            // Equal rows: which of them go is all the same, so the first ones do.
            Effect::Count { delta, .. } if i64::from(before) < -delta => {
                self.counts.rows_deleted += 1;
                Ok(())
            }
            Effect::Count { .. } => {
                self.counts.rows_kept += 1;
                self.writer.row(row.raw)
            }
        }
    }

    fn row_key(&mut self, row: &Row<'_>) -> Result<(), EngineError> {
        let Some(shape) = &self.shape else {
            return Err(self.broken(Some(row.offset), "a row without an INSERT".to_owned()));
        };
        row.fields(shape.up_to, &mut self.fields);
        self.key.clear();
        for (part, field) in self.merge.table.codec.parts().iter().zip(&shape.key_fields) {
            let Some(range) = self.fields.get(*field) else {
                return Err(
                    self.broken(Some(row.offset), "the row has fewer values than the table has columns".to_owned())
                );
            };
            let pushed = match parse_literal(row.field(range)) {
                Ok(literal) => part.push_literal(&literal, &mut self.key).map_err(|problem| problem.to_string()),
                Err(problem) => Err(problem.to_string()),
            };
            pushed.map_err(|problem| self.broken(Some(row.offset), format!("a value of the key: {problem}")))?;
        }
        Ok(())
    }
}

/// Counts down a table's open files; true for whoever ends the last.
pub(crate) fn file_done(merge: &TableMerge<'_>) -> bool {
    merge.open.fetch_sub(1, Ordering::AcqRel) == 1
}
