//! The work of a run, split among threads: files to copy, files to merge, and what the merges leave to append.

use std::collections::{BTreeMap, VecDeque};
use std::io::Read;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use backtrail_domain::{BinlogFile, BinlogPosition, TableName};
use backtrail_dump::tokenizer::{Piece, StatementReader};
use backtrail_dump::writer::COPY_PREAMBLE;

use crate::EngineError;
use crate::cascade::Cascades;
use crate::cascade::order::Group;
use crate::history::definition::counting;
use crate::input::baseline::{Catalog, TableFiles};
use crate::input::declared;
use crate::input::decompress;
use crate::io::{Baseline as _, FileInfo, Observer, Phase, Progress, ResultSink};
use crate::merge::output::{OutputFile, Tee};
use crate::merge::{Merger, TableMerge, file_done};
use crate::report::{FileReport, TableReport};
use crate::request::Compression;

/// Progress is reported once in so many bytes or rows.
const REPORT_EVERY: u64 = 1 << 20;

/// Counts what is done, tells the observer, and stops everybody when one has failed or the run is cancelled.
pub(crate) struct Watch<'a> {
    observer: &'a dyn Observer,
    stopped: AtomicBool,
    pub(crate) bytes: Arc<AtomicU64>,
    bytes_expected: u64,
    rows: AtomicU64,
    reported: AtomicU64,
    tables_done: AtomicU64,
    tables_total: u64,
}

impl<'a> Watch<'a> {
    pub(crate) fn new(observer: &'a dyn Observer, bytes_expected: u64, tables_total: u64) -> Self {
        Self {
            observer,
            stopped: AtomicBool::new(false),
            bytes: Arc::new(AtomicU64::new(0)),
            bytes_expected,
            rows: AtomicU64::new(0),
            reported: AtomicU64::new(0),
            tables_done: AtomicU64::new(0),
            tables_total,
        }
    }

    /// Rows were read.
    pub(crate) fn rows(&self, count: u64) -> Result<(), EngineError> {
        self.rows.fetch_add(count, Ordering::Relaxed);
        self.check()
    }

    fn check(&self) -> Result<(), EngineError> {
        if self.stopped.load(Ordering::Relaxed) {
            return Err(EngineError::Cancelled);
        }
        let bytes = self.bytes.load(Ordering::Relaxed);
        let reported = self.reported.load(Ordering::Relaxed);
        if bytes.saturating_sub(reported) < REPORT_EVERY
            || self.reported.compare_exchange(reported, bytes, Ordering::Relaxed, Ordering::Relaxed).is_err()
        {
            return Ok(());
        }
        self.report();
        if self.observer.cancelled() { Err(EngineError::Cancelled) } else { Ok(()) }
    }

    pub(crate) fn report(&self) {
        self.observer.progress(&Progress {
            phase: Phase::Merging,
            tables_done: self.tables_done.load(Ordering::Relaxed),
            tables_total: self.tables_total,
            rows: self.rows.load(Ordering::Relaxed),
            bytes_done: self.bytes.load(Ordering::Relaxed),
            bytes_expected: self.bytes_expected,
            events: 0,
        });
    }

    /// Opens a file of the baseline, whose bytes count as they are read.
    pub(crate) fn open(&self, catalog: &Catalog<'_>, name: &str) -> Result<Box<dyn Read + Send>, EngineError> {
        let counting = Counting { source: catalog.open_raw(name)?, bytes: Arc::clone(&self.bytes) };
        decompress::reader(Box::new(counting))
            .map_err(|source| EngineError::BaselineRead { file: name.to_owned(), source })
    }
}

struct Counting {
    source: Box<dyn Read + Send>,
    bytes: Arc<AtomicU64>,
}

/// Whether a file may hold statements in their clients' characters, beside what servers show in UTF-8.
fn is_of_clients(file: &str) -> bool {
    ["-schema-view.sql", "-schema-triggers.sql", "-schema-post.sql"].iter().any(|part| file.contains(part))
}

impl Read for Counting {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        let count = self.source.read(buffer)?;
        self.bytes.fetch_add(count as u64, Ordering::Relaxed);
        Ok(count)
    }
}

/// A table that is copied.
pub(crate) struct TableCopy<'a> {
    pub(crate) name: TableName,
    pub(crate) files: &'a TableFiles,
}

/// What stands around rows: definitions, views, routines.
pub(crate) enum Definition<'a> {
    /// As the baseline has it.
    Copied { table: Option<TableName>, file: &'a FileInfo },
    /// As the baseline has it, and the table counts on from a later number.
    Counting { table: TableName, file: &'a FileInfo, next: u64 },
    /// Made anew.
    Written { table: Option<TableName>, name: String, text: Vec<u8> },
}

impl Definition<'_> {
    pub(crate) fn size(&self) -> u64 {
        match self {
            Self::Copied { file, .. } | Self::Counting { file, .. } => file.size,
            Self::Written { text, .. } => text.len() as u64,
        }
    }
}

/// A piece of work.
enum Task<'a> {
    Definition(&'a Definition<'a>),
    /// A data file of an unchanged table.
    Copy(usize, &'a FileInfo),
    Merge(usize, usize),
    /// A changed table of which the baseline has no rows.
    Append(usize),
}

/// Everything that is to be written but the metadata.
pub(crate) struct Work<'a> {
    pub(crate) surroundings: Surroundings<'a>,
    pub(crate) cascades: Cascades<'a>,
    pub(crate) definitions: Vec<Definition<'a>>,
    pub(crate) copies: Vec<TableCopy<'a>>,
    pub(crate) merges: Vec<TableMerge<'a>>,
    /// Which tables are merged when, by their places in `merges`.
    pub(crate) groups: Vec<Group>,
}

/// What all merges of a run have around them.
#[derive(Clone, Copy)]
pub(crate) struct Surroundings<'a> {
    pub(crate) catalog: &'a Catalog<'a>,
    pub(crate) sink: &'a dyn ResultSink,
    pub(crate) compression: Compression,
    pub(crate) cut: &'a BinlogPosition,
    pub(crate) log_files: &'a [BinlogFile],
    pub(crate) watch: &'a Watch<'a>,
}

/// How often tables that refer to each other are lived through at most: the longest chain of rows that refer to rows.
const LONGEST_CHAIN: usize = 10_000;

/// What was written.
pub(crate) struct Done {
    pub(crate) files: Vec<FileReport>,
    pub(crate) tables: BTreeMap<TableName, TableReport>,
}

impl Work<'_> {
    pub(crate) fn run(&mut self, threads: usize) -> Result<Done, EngineError> {
        let files = Mutex::new(Vec::new());
        let copied = Mutex::new(vec![0_u64; self.copies.len()]);
        for (number, group) in std::mem::take(&mut self.groups).iter().enumerate() {
            for link in &group.links {
                self.cascades.settle(*link)?;
            }
            if group.circular {
                self.rehearse(group, threads, &files, &copied)?;
            }
            self.pass(threads, self.tasks(group, number == 0), false, &files, &copied)?;
        }
        self.surroundings.watch.report();
        let mut tables: BTreeMap<TableName, TableReport> = BTreeMap::new();
        let copied = copied.into_inner().unwrap_or_else(PoisonError::into_inner);
        for (copy, counted) in self.copies.iter().zip(copied) {
            let report =
                TableReport { rows_read: counted, rows_kept: counted, rows_written: counted, ..TableReport::default() };
            balance_copy(copy, counted)?;
            tables.insert(copy.name.clone(), report);
        }
        for merge in self.merges.iter().filter(|merge| !merge.unwanted) {
            let counts = *merge.counts.lock().unwrap_or_else(PoisonError::into_inner);
            tables.insert(merge.table.name.clone(), counts);
        }
        let mut files = files.into_inner().unwrap_or_else(PoisonError::into_inner);
        files.sort_by(|a: &FileReport, b: &FileReport| a.name.cmp(&b.name));
        Ok(Done { files, tables })
    }

    /// Lives tables that refer to each other through until no further cascade is found among them.
    fn rehearse(
        &mut self,
        group: &Group,
        threads: usize,
        files: &Mutex<Vec<FileReport>>,
        copied: &Mutex<Vec<u64>>,
    ) -> Result<(), EngineError> {
        for _ in 0..LONGEST_CHAIN {
            self.pass(threads, self.tasks(group, false), true, files, copied)?;
            let mut news = false;
            for link in &group.links {
                news |= self.cascades.settle(*link)?;
            }
            for merge in group.tables.iter().filter_map(|index| self.merges.get(*index)) {
                merge.again();
            }
            if !news {
                return Ok(());
            }
        }
        let first = group.tables.first().and_then(|index| self.merges.get(*index));
        Err(EngineError::Accounting {
            table: first.map_or_else(|| TableName::new("?", "?"), |merge| merge.table.name.clone()),
            problem: format!("its foreign keys make a chain of more than {LONGEST_CHAIN} rows; leave the table out"),
        })
    }

    fn merger(&self, rehearsal: bool) -> Merger<'_> {
        let Surroundings { catalog, sink, compression, cut, log_files, watch } = self.surroundings;
        Merger { catalog, sink, compression, cut, log_files, watch, cascades: &self.cascades, rehearsal }
    }

    /// Works some tasks off.
    fn pass(
        &self,
        threads: usize,
        tasks: VecDeque<Task<'_>>,
        rehearsal: bool,
        files: &Mutex<Vec<FileReport>>,
        copied: &Mutex<Vec<u64>>,
    ) -> Result<(), EngineError> {
        let merger = self.merger(rehearsal);
        let queue = Mutex::new(tasks);
        let work = || {
            let result = self.worker(&merger, &queue, files, copied);
            if result.is_err() {
                merger.watch.stopped.store(true, Ordering::Relaxed);
            }
            result
        };
        crate::threads::run(threads, &work)
    }

    /// The largest first, so that the last to end are small.
    fn tasks(&self, group: &Group, first: bool) -> VecDeque<Task<'_>> {
        let mut sized: Vec<(u64, Task<'_>)> = Vec::new();
        for definition in self.definitions.iter().filter(|_| first) {
            sized.push((definition.size(), Task::Definition(definition)));
        }
        for (index, copy) in self.copies.iter().enumerate().filter(|_| first) {
            sized.extend(copy.files.data.iter().map(|file| (file.size, Task::Copy(index, file))));
        }
        for index in group.tables.iter().copied() {
            let Some(merge) = self.merges.get(index) else { continue };
            let files = merge.files.iter().enumerate();
            sized.extend(files.map(|(number, file)| (merge.size_of(file), Task::Merge(index, number))));
            if merge.files.is_empty() {
                sized.push((0, Task::Append(index)));
            }
        }
        sized.sort_by_key(|(size, _)| std::cmp::Reverse(*size));
        sized.into_iter().map(|(_, task)| task).collect()
    }

    fn worker(
        &self,
        merger: &Merger<'_>,
        queue: &Mutex<VecDeque<Task<'_>>>,
        files: &Mutex<Vec<FileReport>>,
        copied: &Mutex<Vec<u64>>,
    ) -> Result<(), EngineError> {
        loop {
            let next = queue.lock().unwrap_or_else(PoisonError::into_inner).pop_front();
            let Some(task) = next else { return Ok(()) };
            merger.watch.check()?;
            let written = match task {
                Task::Definition(definition) => vec![self.definition(definition)?],
                Task::Copy(index, file) => {
                    let Some(copy) = self.copies.get(index) else { continue };
                    let (report, rows) = self.copy(copy, file)?;
                    if let Some(count) = copied.lock().unwrap_or_else(PoisonError::into_inner).get_mut(index) {
                        *count += rows;
                    }
                    vec![report]
                }
                Task::Merge(index, number) => {
                    let Some(merge) = self.merges.get(index) else { continue };
                    let mut written = merger.file(merge, number)?;
                    if file_done(merge) {
                        written.extend(rest(merger, merge)?);
                    }
                    written
                }
                Task::Append(index) => match self.merges.get(index) {
                    Some(merge) => rest(merger, merge)?,
                    None => continue,
                },
            };
            files.lock().unwrap_or_else(PoisonError::into_inner).extend(written);
        }
    }

    fn output(&self, name: &str) -> Result<OutputFile, EngineError> {
        let (stem, _) = Compression::split(name);
        OutputFile::create(self.surroundings.sink, stem, self.surroundings.compression)
    }

    fn definition(&self, definition: &Definition<'_>) -> Result<FileReport, EngineError> {
        let (table, file, counter) = match definition {
            Definition::Copied { table, file } => (table.as_ref(), file, None),
            Definition::Counting { table, file, next } => (Some(table), file, Some(*next)),
            Definition::Written { table, name, text } => {
                let mut output = self.output(name)?;
                std::io::Write::write_all(&mut output, text)
                    .map_err(|source| EngineError::Result { file: name.clone(), source })?;
                return output.finish(table.as_ref(), None);
            }
        };
        let mut output = self.output(&file.name)?;
        let mut content = Vec::new();
        self.surroundings
            .watch
            .open(self.surroundings.catalog, &file.name)?
            .read_to_end(&mut content)
            .map_err(|source| EngineError::BaselineRead { file: file.name.clone(), source })?;
        let as_it_is = is_of_clients(&file.name) && std::str::from_utf8(&content).is_err();
        let mut content = if as_it_is { content } else { declared::loadable(content) };
        if let (Some(next), Some(table)) = (counter, table) {
            // Bytes that are not UTF-8 are left alone: the rows that are loaded count the table up all the same.
            if let Ok(text) = std::str::from_utf8(&content) {
                content = counting(text, &table.table, next).into_bytes();
            }
        }
        std::io::Write::write_all(&mut output, &content)
            .map_err(|source| EngineError::Result { file: file.name.clone(), source })?;
        output.finish(table, None)
    }

    /// Copies a data file of a table that did not change. Where a manifest has the file's checksum and rows, it is copied
    /// unread; else its rows are counted, which also proves that it is whole.
    fn copy(&self, copy: &TableCopy<'_>, file: &FileInfo) -> Result<(FileReport, u64), EngineError> {
        let mut output = self.output(&file.name)?;
        std::io::Write::write_all(&mut output, COPY_PREAMBLE.as_bytes())
            .map_err(|source| EngineError::Result { file: file.name.clone(), source })?;
        let mut tee = Tee::new(self.surroundings.watch.open(self.surroundings.catalog, &file.name)?, output);
        let broken = |problem: &str| EngineError::BaselineRows {
            table: copy.name.clone(),
            file: file.name.clone(),
            problem: problem.to_owned(),
        };
        let promised = self.surroundings.catalog.source.promised(&file.name).and_then(|promised| promised.rows);
        if let Some(rows) = promised {
            let mut buffer = vec![0; 256 << 10];
            loop {
                match tee.read(&mut buffer) {
                    Ok(0) => break,
                    Ok(_) => self.surroundings.watch.check()?,
                    Err(source) => {
                        return Err(match tee.failure.take() {
                            Some(source) => EngineError::Result { file: tee.file_name().to_owned(), source },
                            None => EngineError::BaselineRead { file: file.name.clone(), source },
                        });
                    }
                }
            }
            if !matches!(tee.last, None | Some(b';' | b'/')) {
                return Err(broken("it does not end with a finished statement: it is cut short"));
            }
            self.surroundings.catalog.source.rows_read(&file.name, rows)?;
            return Ok((tee.into_file().finish(Some(&copy.name), Some(rows))?, rows));
        }
        let mut rows = 0_u64;
        let mut reader = StatementReader::new(&mut tee, &file.name);
        let outcome = loop {
            match reader.next_piece() {
                Ok(Some(Piece::Row(_))) => {
                    rows += 1;
                    if rows.is_multiple_of(4096) {
                        self.surroundings.watch.rows(4096)?;
                    }
                }
                Ok(Some(_)) => {}
                Ok(None) => break Ok(()),
                Err(problem) => break Err(problem),
            }
        };
        drop(reader);
        if let Some(source) = tee.failure.take() {
            return Err(EngineError::Result { file: tee.file_name().to_owned(), source });
        }
        outcome.map_err(|source| EngineError::BaselineData { table: copy.name.clone(), source: Box::new(source) })?;
        self.surroundings.catalog.source.rows_read(&file.name, rows)?;
        Ok((tee.into_file().finish(Some(&copy.name), Some(rows))?, rows))
    }
}

/// The dump's own count, where it has one.
fn balance_copy(copy: &TableCopy<'_>, counted: u64) -> Result<(), EngineError> {
    match copy.files.rows {
        Some(rows) if rows != counted => Err(EngineError::Accounting {
            table: copy.name.clone(),
            problem: format!(
                "{counted} rows were read from the baseline, whose metadata says {rows}: rows of it are missing"
            ),
        }),
        _ => Ok(()),
    }
}

fn rest(merger: &Merger<'_>, merge: &TableMerge<'_>) -> Result<Vec<FileReport>, EngineError> {
    let written = merger.rest(merge)?;
    if !merger.rehearsal {
        merger.watch.tables_done.fetch_add(1, Ordering::Relaxed);
    }
    Ok(written)
}
