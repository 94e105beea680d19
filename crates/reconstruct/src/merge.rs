//! The merge: the baseline's files with the changes in them.
//!
//! Rows are taken apart just far enough to find their key; untouched ones are copied as they are. What the window added
//! goes to a last file. Each table's files are worked on by any threads; names and contents of the result do not depend on
//! which.

mod file;
mod flow;
mod live;
pub(crate) mod output;
mod part;
pub(crate) mod work;

use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use backtrail_domain::{BinlogFile, BinlogPosition};

use backtrail_dump::tokenizer::Piece;

use crate::EngineError;
use crate::cascade::Cascades;
use crate::changes::Changes;
use crate::changes::record::{Effect, Record, RowEvent};
use crate::collect::{TableChanges, does_not_fit, position};
use crate::input::baseline::{Catalog, DataHead, TableFiles};
use crate::input::rows::RowsReader;
use crate::io::{FileInfo, ResultSink};
use crate::merge::work::Watch;
use crate::report::{FileReport, TableReport};
use crate::request::Compression;
use file::FileMerge;
use flow::{Flow, Outcome, RawRow};
use part::PartWriter;

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

/// Counts down a table's open files; true for whoever ends the last.
pub(crate) fn file_done(merge: &TableMerge<'_>) -> bool {
    merge.open.fetch_sub(1, Ordering::AcqRel) == 1
}
