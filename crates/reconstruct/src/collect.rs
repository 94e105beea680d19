//! The second pass over the log: row events into change sets.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use backtrail_binlog::{
    Boundary, ColumnImage, Event, EventBody, EventType, RowImage, RowsEvent, RowsKind, TableMap, TableMaps,
    decode_value,
};
use backtrail_domain::{BinlogFile, BinlogPosition, TableName};
use backtrail_schema::TableShape;

use crate::EngineError;
use crate::changes::{ChangeSet, Changes};
use crate::image::{self, Layouts};
use crate::io::{Observer, Phase, Progress, Spill};
use crate::key::KeyCodec;
use crate::log::{Flow, Place, Visitor, at_event, corrupt};
use crate::plan::Plan;
use crate::record::{EventAt, Misfit};
use crate::render::is_unsigned;

/// Progress is reported once in so many bytes.
const REPORT_EVERY: u64 = 4 << 20;

/// A table whose changes are collected.
pub(crate) struct Collected {
    pub(crate) name: TableName,
    pub(crate) shape: TableShape,
    pub(crate) codec: KeyCodec,
    pub(crate) layouts: Layouts,
    pub(crate) row_events: u64,
    pub(crate) inserts: u64,
    pub(crate) updates: u64,
    pub(crate) deletes: u64,
    set: ChangeSet,
    /// Bytes of the set when last looked at.
    bytes: usize,
}

/// What was collected of a table.
pub(crate) struct TableChanges {
    pub(crate) name: TableName,
    pub(crate) shape: TableShape,
    pub(crate) codec: KeyCodec,
    pub(crate) layouts: Layouts,
    pub(crate) row_events: u64,
    pub(crate) inserts: u64,
    pub(crate) updates: u64,
    pub(crate) deletes: u64,
    pub(crate) changes: Changes,
}

impl Collected {
    pub(crate) fn new(name: TableName, shape: TableShape, codec: KeyCodec, counted: bool) -> Self {
        Self {
            name,
            shape,
            codec,
            layouts: Layouts::default(),
            row_events: 0,
            inserts: 0,
            updates: 0,
            deletes: 0,
            set: if counted { ChangeSet::counted() } else { ChangeSet::keyed() },
            bytes: 0,
        }
    }

    fn key(&self, map: &TableMap, row: &RowImage<'_, '_>, out: &mut Vec<u8>) -> Result<(), String> {
        out.clear();
        for part in self.codec.parts() {
            let column = self.shape.columns.get(part.column).ok_or("a column of the key is not there")?;
            let logged = map.columns.get(part.column).ok_or("a column of the key is not in the log")?;
            match row.column(part.column) {
                ColumnImage::Null => part.push_null(out).map_err(|problem| problem.to_string())?,
                ColumnImage::Bytes(raw) => {
                    let value = decode_value(logged.kind, is_unsigned(&column.ty), raw)
                        .map_err(|problem| format!("column `{}`: {problem}", column.name))?;
                    part.push_value(&value, out).map_err(|problem| format!("column `{}`: {problem}", column.name))?;
                }
                ColumnImage::Absent | ColumnImage::JsonDiff(_) => {
                    return Err(format!("column `{}` of the key is not in the row image", column.name));
                }
            }
        }
        Ok(())
    }
}

/// The second pass.
pub(crate) struct Collector<'a> {
    plan: &'a Plan,
    spill: &'a dyn Spill,
    observer: &'a dyn Observer,
    memory_budget: usize,
    pub(crate) tables: Vec<Collected>,
    by_name: HashMap<TableName, usize>,
    rolled_back: BTreeSet<&'a BinlogPosition>,
    reached_baseline: bool,
    table_maps: TableMaps,
    /// The table of a number, for maps that have been seen; `None`: not one of ours.
    files: Vec<BinlogFile>,
    /// The open transaction is one that was rolled back.
    skipping: bool,
    bytes_in_memory: usize,
    bytes_seen: u64,
    bytes_reported: u64,
    events: u64,
    before_key: Vec<u8>,
    after_key: Vec<u8>,
    image: Vec<u8>,
}

impl<'a> Collector<'a> {
    pub(crate) fn new(
        plan: &'a Plan,
        spill: &'a dyn Spill,
        observer: &'a dyn Observer,
        memory_budget: u64,
        tables: Vec<Collected>,
    ) -> Self {
        Self {
            plan,
            spill,
            observer,
            memory_budget: usize::try_from(memory_budget).unwrap_or(usize::MAX),
            by_name: tables.iter().enumerate().map(|(index, table)| (table.name.clone(), index)).collect(),
            tables,
            rolled_back: plan.rolled_back.iter().collect(),
            reached_baseline: false,
            table_maps: TableMaps::new(),
            files: Vec::new(),
            skipping: false,
            bytes_in_memory: 0,
            bytes_seen: 0,
            bytes_reported: 0,
            events: 0,
            before_key: Vec::new(),
            after_key: Vec::new(),
            image: Vec::new(),
        }
    }

    fn event_at(&mut self, place: &Place<'_>) -> EventAt {
        if self.files.last() != Some(place.file) {
            self.files.push(place.file.clone());
        }
        EventAt::new(self.files.len() as u32 - 1, place.offset)
    }

    fn rows(&mut self, place: &Place<'_>, event: &Event<'_>, rows: &RowsEvent<'_>) -> Result<(), EngineError> {
        if rows.column_count == 0 {
            return Ok(());
        }
        let at = self.event_at(place);
        let Some(map) = self.table_maps.get(rows.table_id) else {
            return Err(at_event(place, "rows of a table that no table map has named"));
        };
        let Some(table) = self.by_name.get(&map.name).and_then(|index| self.tables.get_mut(*index)) else {
            return Ok(());
        };
        table.row_events += 1;
        let layout = if rows.kind == RowsKind::Delete { 0 } else { table.layouts.number(map, rows.columns_after) };
        let broken = |problem: String| at_event(place, format!("rows of {}: {problem}", map.name));
        let mut changes = rows.rows(map).map_err(|problem| corrupt(event, problem))?;
        while let Some(change) = changes.next_row().map_err(|problem| corrupt(event, problem))? {
            if let Some(before) = &change.before {
                table.key(map, before, &mut self.before_key).map_err(broken)?;
            }
            self.image.clear();
            if let Some(after) = &change.after {
                image::store(layout, after, change.before.as_ref(), &mut self.image).map_err(broken)?;
                table.key(map, after, &mut self.after_key).map_err(broken)?;
            }
            let (key, outcome) = match (&change.before, &change.after) {
                (None, Some(_)) => {
                    table.inserts += 1;
                    (&self.after_key, table.set.insert(&self.after_key, at, &self.image))
                }
                (Some(_), None) => {
                    table.deletes += 1;
                    (&self.before_key, table.set.delete(&self.before_key, at))
                }
                (Some(_), Some(_)) => {
                    table.updates += 1;
                    if self.before_key == self.after_key {
                        (&self.after_key, table.set.update(&self.after_key, at, &self.image))
                    } else {
                        match table.set.delete(&self.before_key, at) {
                            Err(problem) => (&self.before_key, Err(problem)),
                            Ok(()) => (&self.after_key, table.set.insert(&self.after_key, at, &self.image)),
                        }
                    }
                }
                (None, None) => continue,
            };
            outcome.map_err(|problem| EngineError::HistoryDoesNotFit {
                table: table.name.clone(),
                key: table.codec.describe(key),
                position: Box::new(place.start_position()),
                problem: problem.text().to_owned(),
            })?;
        }
        let bytes = table.set.bytes();
        self.bytes_in_memory = self.bytes_in_memory + bytes - table.bytes;
        table.bytes = bytes;
        while self.bytes_in_memory > self.memory_budget {
            if !self.spill_largest()? {
                break;
            }
        }
        Ok(())
    }

    /// Writes the largest set to disk; false when there is none worth it.
    fn spill_largest(&mut self) -> Result<bool, EngineError> {
        let Some(table) = self.tables.iter_mut().max_by_key(|table| table.bytes) else { return Ok(false) };
        if table.bytes == 0 {
            return Ok(false);
        }
        tracing::debug!(table = %table.name, bytes = table.bytes, "change set past the memory budget goes to disk");
        table.set.spill(self.spill)?;
        let bytes = table.set.bytes();
        self.bytes_in_memory -= table.bytes - bytes;
        table.bytes = bytes;
        Ok(true)
    }

    /// Ends the pass.
    pub(crate) fn finish(self) -> Result<(Vec<TableChanges>, Vec<BinlogFile>), EngineError> {
        let files = self.files;
        let mut done = Vec::with_capacity(self.tables.len());
        for table in self.tables {
            let (name, codec) = (table.name.clone(), table.codec.clone());
            let changes =
                table.set.freeze(self.spill, &mut |problem: Misfit, record| EngineError::HistoryDoesNotFit {
                    table: name.clone(),
                    key: codec.describe(record.key),
                    position: Box::new(position(&files, record.at, &self.plan.cut.position)),
                    problem: problem.text().to_owned(),
                })?;
            done.push(TableChanges {
                name: table.name,
                shape: table.shape,
                codec: table.codec,
                layouts: table.layouts,
                row_events: table.row_events,
                inserts: table.inserts,
                updates: table.updates,
                deletes: table.deletes,
                changes,
            });
        }
        Ok((done, files))
    }
}

/// The place of an event, out of the files that were read.
pub(crate) fn position(files: &[BinlogFile], at: EventAt, otherwise: &BinlogPosition) -> BinlogPosition {
    match files.get(at.file() as usize) {
        Some(file) => BinlogPosition { file: file.clone(), offset: at.offset() },
        None => otherwise.clone(),
    }
}

impl Visitor for Collector<'_> {
    fn boundary(&mut self, at: &Place<'_>) -> Result<Flow, EngineError> {
        let at = at.start_position();
        if at >= self.plan.baseline.position {
            self.reached_baseline = true;
        }
        match at.cmp(&self.plan.cut.position) {
            std::cmp::Ordering::Less => Ok(Flow::Continue),
            std::cmp::Ordering::Equal => Ok(Flow::Stop),
            std::cmp::Ordering::Greater if at.file > self.plan.cut.position.file => Ok(Flow::Stop),
            std::cmp::Ordering::Greater => Err(EngineError::StalePlan {
                reason: format!("the cut {} is no place between two transactions", self.plan.cut.position),
            }),
        }
    }

    fn event(&mut self, place: &Place<'_>, event: &Event<'_>, boundary: &Boundary) -> Result<Flow, EngineError> {
        if event.header.event_type == EventType::FORMAT_DESCRIPTION {
            self.table_maps.clear();
        }
        if !self.reached_baseline {
            return Ok(Flow::Continue);
        }
        self.events += 1;
        self.bytes_seen += u64::from(event.header.event_size);
        if self.bytes_seen - self.bytes_reported >= REPORT_EVERY {
            self.bytes_reported = self.bytes_seen;
            if self.observer.cancelled() {
                return Err(EngineError::Cancelled);
            }
            self.observer.progress(&Progress {
                phase: Phase::Collecting,
                bytes_done: self.bytes_seen,
                bytes_expected: self.plan.events.bytes,
                events: self.events,
                ..Progress::default()
            });
        }
        if let Boundary::Begins(_) = boundary {
            self.skipping = self.rolled_back.contains(&place.start_position());
        }
        match event.header.event_type {
            EventType::TABLE_MAP => {
                self.table_maps.insert(event)?;
            }
            event_type if event_type.is_rows() && !self.skipping => {
                if let EventBody::Rows(rows) = event.body()? {
                    self.rows(place, event, &rows)?;
                }
            }
            _ => {}
        }
        match boundary {
            Boundary::RollsBack(_) if !self.skipping => {
                Err(EngineError::StalePlan { reason: format!("a transaction before {} is rolled back", place.end) })
            }
            Boundary::RollsBack(_) => {
                self.skipping = false;
                Ok(Flow::Continue)
            }
            Boundary::Commits(_) | Boundary::Standalone(_) if self.skipping => {
                Err(EngineError::StalePlan { reason: format!("a transaction before {} commits", place.end) })
            }
            Boundary::Abandons(_) => {
                self.skipping = false;
                Ok(Flow::Continue)
            }
            _ => Ok(Flow::Continue),
        }
    }

    fn interrupted(&mut self) -> Result<(), EngineError> {
        self.skipping = false;
        self.table_maps.clear();
        Ok(())
    }
}

/// What the plan's row events come to, by table.
pub(crate) fn check_counts(plan: &Plan, tables: &[TableChanges]) -> Result<(), EngineError> {
    let expected: BTreeMap<&TableName, u64> = plan
        .tables
        .iter()
        .filter_map(|(name, action)| match action {
            crate::plan::TableAction::Merge { row_events, .. } => Some((name, *row_events)),
            _ => None,
        })
        .collect();
    for table in tables {
        let planned = expected.get(&table.name).copied().unwrap_or(0);
        if planned != table.row_events {
            return Err(EngineError::Accounting {
                table: table.name.clone(),
                problem: format!("the plan counted {planned} row events, {} were applied", table.row_events),
            });
        }
    }
    Ok(())
}
