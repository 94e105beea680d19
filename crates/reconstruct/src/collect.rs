//! The second pass over the log: row events into change sets.

mod cascades;
mod keys;

use std::collections::{BTreeSet, HashMap};

use backtrail_binlog::{Boundary, Event, EventBody, EventType, RowsEvent, RowsKind, TableMap, TableMaps};
use backtrail_domain::{BinlogFile, BinlogPosition, TableName};

use crate::EngineError;
use crate::account;
use crate::cascade::first_tick;
use crate::changes::record::{EventAt, Misfit, RowEvent};
use crate::changes::{ChangeSet, Changes};
use crate::input::log::{Flow, Place, Visitor, at_event, corrupt};
use crate::input::span::{Span, is_within};
use crate::io::{Observer, Phase, Progress, Spill};
use crate::plan::Plan;
use crate::plan::recipe::{Recipe, Stage};
use crate::scan::partial::{ImageCheck, Images, Lacking, defaults, images, is_whole};
use crate::scan::pending::is_transactional;
use crate::values::image::{self, Layouts};
use crate::values::key::KeyCodec;
use cascades::cascade;
use keys::{counter, key_of};

/// Progress is reported once in so many bytes.
const REPORT_EVERY: u64 = 4 << 20;

/// A table whose changes are collected.
struct Collected<'a> {
    name: &'a TableName,
    recipe: &'a Recipe,
    layouts: Layouts,
    counts: RowCounts,
    /// One set for each stage.
    sets: Vec<ChangeSet>,
    /// Bytes of the sets when last looked at.
    bytes: usize,
}

/// What the log did to a table's rows.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct RowCounts {
    pub(crate) row_events: u64,
    pub(crate) inserts: u64,
    pub(crate) updates: u64,
    pub(crate) deletes: u64,
    /// Those of them whose images lack columns.
    pub(crate) partial_images: u64,
    /// The largest number that a row had in a column that the server counts up.
    pub(crate) counter: Option<u64>,
}

/// What was collected of a table.
pub(crate) struct TableChanges<'a> {
    pub(crate) name: &'a TableName,
    pub(crate) recipe: &'a Recipe,
    pub(crate) layouts: Layouts,
    pub(crate) counts: RowCounts,
    /// The changes of each stage.
    pub(crate) changes: Vec<Changes>,
}

/// What the second pass collected.
pub(crate) struct Collection<'a> {
    /// In the order of the plan's recipes.
    pub(crate) tables: Vec<TableChanges<'a>>,
    /// The files of the log.
    pub(crate) files: Vec<BinlogFile>,
    /// The cascades of each of the plan's links.
    pub(crate) cascades: Vec<Changes>,
}

impl<'a> Collected<'a> {
    fn new(name: &'a TableName, recipe: &'a Recipe) -> Self {
        let set = |stage: &Stage| match stage.codecs.first() {
            _ if recipe.routes.is_some() => ChangeSet::events(),
            Some(codec) if stage.counted() => ChangeSet::counted(codec.exact_length()),
            _ => ChangeSet::keyed(),
        };
        Self {
            name,
            recipe,
            layouts: Layouts::default(),
            counts: RowCounts::default(),
            sets: recipe.stages.iter().map(set).collect(),
            bytes: 0,
        }
    }
}

/// From a moment on a name means a table in one of its eras, or none.
type Meaning = (u64, Option<(usize, usize)>);

/// The second pass.
pub(crate) struct Collector<'a> {
    plan: &'a Plan,
    spill: &'a dyn Spill,
    observer: &'a dyn Observer,
    memory_budget: usize,
    tables: Vec<Collected<'a>>,
    /// What a name means, from which moment on: in the order of time.
    names: HashMap<&'a TableName, Vec<Meaning>>,
    rolled_back: BTreeSet<&'a BinlogPosition>,
    /// Parts of the log that were undone, from the next one on.
    undone: &'a [Span],
    /// XA transactions before the baseline, from the next one on.
    carried: &'a [Span],
    /// The walk is over the log before the baseline, for such transactions alone.
    looking_back: bool,
    reached_baseline: bool,
    /// Events of the window so far.
    moment: u64,
    pub(crate) account: account::Collected,
    table_maps: TableMaps,
    images: ImageCheck,
    /// The files of the log, in the order in which they were read.
    files: Vec<BinlogFile>,
    /// The number of the last row change.
    tick: u64,
    /// The cascades of each link.
    cascades: Vec<ChangeSet>,
    /// Bytes of these when last looked at.
    cascade_bytes: usize,
    /// The open transaction is one that was rolled back.
    skipping: bool,
    bytes_in_memory: usize,
    bytes_seen: u64,
    bytes_reported: u64,
    before_key: Vec<u8>,
    after_key: Vec<u8>,
    image: Vec<u8>,
}

impl<'a> Collector<'a> {
    pub(crate) fn new(plan: &'a Plan, spill: &'a dyn Spill, observer: &'a dyn Observer, memory_budget: u64) -> Self {
        let mut names: HashMap<&TableName, Vec<Meaning>> = HashMap::new();
        for binding in &plan.bindings {
            names.entry(&binding.name).or_default().push((binding.moment, binding.means));
        }
        Self {
            plan,
            spill,
            observer,
            memory_budget: usize::try_from(memory_budget).unwrap_or(usize::MAX),
            tables: plan.recipes.iter().map(|(name, recipe)| Collected::new(name, recipe)).collect(),
            names,
            rolled_back: plan.rolled_back.iter().collect(),
            undone: &plan.undone,
            carried: &plan.carried,
            looking_back: false,
            reached_baseline: false,
            moment: 0,
            account: account::Collected::default(),
            table_maps: TableMaps::new(),
            images: ImageCheck::new(plan.dialect.flavour),
            files: Vec::new(),
            tick: 0,
            cascades: plan.cascades.links.iter().map(|_| ChangeSet::events()).collect(),
            cascade_bytes: 0,
            skipping: false,
            bytes_in_memory: 0,
            bytes_seen: 0,
            bytes_reported: 0,
            before_key: Vec::new(),
            after_key: Vec::new(),
            image: Vec::new(),
        }
    }

    /// Whether the next walk is over the log before the baseline.
    pub(crate) fn look_back(&mut self, back: bool) {
        self.looking_back = back;
        self.undone = &self.plan.undone;
    }

    /// Whether there is nothing to collect.
    pub(crate) fn is_idle(&self) -> bool {
        self.plan.cascades.is_empty() && self.tables.iter().all(|table| table.recipe.row_events().0 == 0)
    }

    /// What a name means at this moment: a table and its era.
    fn means(&self, name: &TableName) -> Option<(usize, usize)> {
        let history = self.names.get(name)?;
        history.iter().rev().find(|(moment, _)| *moment <= self.moment)?.1
    }

    fn content(&mut self, place: &Place<'_>, event: &Event<'_>) -> Result<(), EngineError> {
        match event.header.event_type {
            EventType::TABLE_MAP | EventType::ANNOTATE_ROWS => self.images.before_rows(event, &mut self.table_maps)?,
            event_type if event_type.is_rows() => {
                if let EventBody::Rows(rows) = event.body()? {
                    self.rows(place, event, &rows)?;
                    self.images.behind_rows(&rows);
                }
            }
            _ => {}
        }
        Ok(())
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
        if self.looking_back {
            self.account.carried += 1;
        } else {
            self.account.row_events += 1;
        }
        let at = self.event_at(place);
        let Some(map) = self.table_maps.get(rows.table_id) else {
            return Err(at_event(place, "rows of a table that no table map has named"));
        };
        let map = std::sync::Arc::clone(map);
        let before = self.tick.max(first_tick(self.moment));
        self.tick = before;
        let is_undone = is_within(&mut self.undone, place);
        if !is_undone {
            self.collect_cascades(place, event, rows, &map, at)?;
        }
        let mut tick = before;
        let Some((number, era)) = self.means(&map.name) else { return Ok(()) };
        let Some(table) = self.tables.get_mut(number) else { return Ok(()) };
        let recipe = table.recipe;
        let unknown = || at_event(place, format!("rows of {} of an era that is not known", map.name));
        let shape = recipe.life.eras.get(era).map(|era| &*era.shape).ok_or_else(unknown)?;
        if is_undone && is_transactional(shape.engine.as_deref()) != Some(false) {
            return Ok(());
        }
        let stage = recipe.stage_of_era.get(era).copied().ok_or_else(unknown)?;
        let codec = recipe.stages.get(stage).and_then(|stage| stage.codec(era)).ok_or_else(unknown)?;
        let set = table.sets.get_mut(stage).ok_or_else(unknown)?;
        table.counts.row_events += 1;
        let layout =
            if rows.kind == RowsKind::Delete { 0 } else { table.layouts.number(&map, era, rows.columns_after) };
        let broken = |problem: String| at_event(place, format!("rows of {}: {problem}", map.name));
        let dialect = self.plan.dialect;
        let whole = is_whole(shape, rows);
        let lacking =
            if whole { Lacking::Kept } else { self.images.lacking(shape, &map.name, rows).map_err(broken)? };
        let defaults = if whole { Vec::new() } else { defaults(shape, rows, lacking, dialect).map_err(broken)? };
        let counted = recipe.stages.get(stage).is_some_and(Stage::counted);
        let is_partial = !whole && {
            let key: Vec<usize> = codec.parts().iter().map(|part| part.column).collect();
            images(shape, &key, counted, rows, lacking, dialect).map_err(broken)? == Images::Partial
        };
        if is_partial && recipe.routes.is_none() {
            return Err(broken("its images lack columns, which the plan did not see".to_owned()));
        }
        let mut changes = rows.rows(&map).map_err(|problem| corrupt(event, problem))?;
        while let Some(change) = changes.next_row().map_err(|problem| corrupt(event, problem))? {
            tick += 1;
            table.counts.partial_images += u64::from(!whole);
            if let Some(before) = &change.before {
                key_of(codec, shape, &map, before, None, &[], &mut self.before_key).map_err(broken)?;
            }
            self.image.clear();
            if let Some(after) = &change.after {
                // What went back to its default is not what it was before.
                let before = change.before.as_ref().filter(|_| lacking == Lacking::Kept);
                image::store(layout, after, before, whole, &defaults, &mut self.image).map_err(broken)?;
                key_of(codec, shape, &map, after, before, &defaults, &mut self.after_key).map_err(broken)?;
                table.counts.counter = table.counts.counter.max(counter(shape, &map, after));
            }
            if recipe.routes.is_some() {
                let same = counted && self.before_key == self.after_key;
                match (&change.before, &change.after) {
                    (None, _) => table.counts.inserts += 1,
                    (_, None) => table.counts.deletes += 1,
                    _ => table.counts.updates += 1,
                }
                match (&change.before, &change.after) {
                    (Some(_), Some(_)) if same => {}
                    (Some(_), Some(_)) if self.before_key == self.after_key => {
                        set.note(&self.after_key, tick, RowEvent::Updated, at, &self.image);
                    }
                    (Some(_), Some(_)) if is_partial => {
                        set.note(&self.before_key, tick, RowEvent::Moved, at, &self.image);
                    }
                    (before, after) => {
                        if before.is_some() {
                            set.note(&self.before_key, tick, RowEvent::Deleted, at, &[]);
                        }
                        if after.is_some() {
                            set.note(&self.after_key, tick, RowEvent::Inserted, at, &self.image);
                        }
                    }
                }
                continue;
            }
            let (key, outcome) = match (&change.before, &change.after) {
                (None, Some(_)) => {
                    table.counts.inserts += 1;
                    (&self.after_key, set.insert(&self.after_key, at, &self.image))
                }
                (Some(_), None) => {
                    table.counts.deletes += 1;
                    (&self.before_key, set.delete(&self.before_key, at))
                }
                (Some(_), Some(_)) => {
                    table.counts.updates += 1;
                    if self.before_key == self.after_key {
                        (&self.after_key, set.update(&self.after_key, at, &self.image))
                    } else {
                        match set.delete(&self.before_key, at) {
                            Err(problem) => (&self.before_key, Err(problem)),
                            Ok(()) => (&self.after_key, set.insert(&self.after_key, at, &self.image)),
                        }
                    }
                }
                (None, None) => continue,
            };
            outcome.map_err(|problem| {
                does_not_fit(table.name, Some(codec), key, place.start_position(), problem.text())
            })?;
        }
        self.tick = self.tick.max(tick);
        let bytes = table.sets.iter().map(ChangeSet::bytes).sum();
        self.bytes_in_memory = self.bytes_in_memory + bytes - table.bytes;
        table.bytes = bytes;
        self.make_room()
    }

    /// What deleted and updated rows mean for the children of their table.
    fn collect_cascades(
        &mut self,
        place: &Place<'_>,
        event: &Event<'_>,
        rows: &RowsEvent<'_>,
        map: &TableMap,
        at: EventAt,
    ) -> Result<(), EngineError> {
        let plan = self.plan;
        let feeds = plan.cascades.at(&map.name, self.moment);
        if feeds.is_empty() || rows.kind == RowsKind::Write || rows.foreign_key_checks_off() {
            return Ok(());
        }
        let broken = |problem: String| at_event(place, format!("rows of {}: {problem}", map.name));
        let mut changes = rows.rows(map).map_err(|problem| corrupt(event, problem))?;
        while let Some(change) = changes.next_row().map_err(|problem| corrupt(event, problem))? {
            self.tick += 1;
            let Some(before) = &change.before else { continue };
            for feed in feeds {
                if let Some((key, action)) =
                    cascade(&plan.cascades, feed, map, before, change.after.as_ref()).map_err(broken)?
                    && let Some(set) = self.cascades.get_mut(feed.link)
                {
                    action.note(set, &key, self.tick, at);
                }
            }
        }
        let bytes = self.cascades.iter().map(ChangeSet::bytes).sum();
        self.bytes_in_memory = self.bytes_in_memory + bytes - self.cascade_bytes;
        self.cascade_bytes = bytes;
        self.make_room()
    }

    fn make_room(&mut self) -> Result<(), EngineError> {
        while self.bytes_in_memory > self.memory_budget {
            if !self.spill_largest()? {
                break;
            }
        }
        Ok(())
    }

    /// Writes the largest set to disk; false when there is none worth it.
    fn spill_largest(&mut self) -> Result<bool, EngineError> {
        let largest = self.tables.iter_mut().max_by_key(|table| table.bytes);
        let Some(table) = largest.filter(|table| table.bytes > 0 && table.bytes >= self.cascade_bytes) else {
            for set in &mut self.cascades {
                set.spill(self.spill)?;
            }
            let before = self.cascade_bytes;
            self.cascade_bytes = self.cascades.iter().map(ChangeSet::bytes).sum();
            self.bytes_in_memory -= before - self.cascade_bytes;
            return Ok(before > self.cascade_bytes);
        };
        tracing::debug!(table = %table.name, bytes = table.bytes, "change set past the memory budget goes to disk");
        for set in &mut table.sets {
            set.spill(self.spill)?;
        }
        let bytes = table.sets.iter().map(ChangeSet::bytes).sum();
        self.bytes_in_memory -= table.bytes - bytes;
        table.bytes = bytes;
        Ok(true)
    }

    /// Ends the pass.
    pub(crate) fn finish(self) -> Result<Collection<'a>, EngineError> {
        let files = self.files;
        let cascades = self.cascades.into_iter().map(|set| {
            set.freeze(self.spill, &mut |_, _| EngineError::StalePlan {
                reason: "cascades of several kinds on one foreign key".to_owned(),
            })
        });
        let cascades = cascades.collect::<Result<Vec<_>, _>>()?;
        let mut done = Vec::with_capacity(self.tables.len());
        for table in self.tables {
            let mut changes = Vec::with_capacity(table.sets.len());
            for (set, stage) in table.sets.into_iter().zip(&table.recipe.stages) {
                changes.push(set.freeze(self.spill, &mut |problem: Misfit, record| {
                    let place = position(&files, record.at, &self.plan.cut.position);
                    does_not_fit(table.name, stage.codecs.first(), record.key, place, problem.text())
                })?);
            }
            done.push(TableChanges {
                name: table.name,
                recipe: table.recipe,
                layouts: table.layouts,
                counts: table.counts,
                changes,
            });
        }
        Ok(Collection { tables: done, files, cascades })
    }
}

/// The error of a row whose history does not fit.
pub(crate) fn does_not_fit(
    table: &TableName,
    codec: Option<&KeyCodec>,
    key: &[u8],
    position: BinlogPosition,
    problem: &str,
) -> EngineError {
    let (table, position, problem) = (table.clone(), Box::new(position), problem.to_owned());
    let key = codec.map_or_else(String::new, |codec| codec.describe(key));
    if codec.is_some_and(|codec| codec.is_rounded() || codec.exact_length() > 0) {
        EngineError::RowsLookAlike { table, key, position, problem }
    } else {
        EngineError::HistoryDoesNotFit { table, key, position, problem }
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
            if self.looking_back {
                return Ok(Flow::Stop);
            }
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
            if !self.looking_back {
                self.account.before_baseline += 1;
            } else if is_within(&mut self.carried, place) {
                self.content(place, event)?;
            }
            return Ok(Flow::Continue);
        }
        self.account.seen += 1;
        self.moment += 1;
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
                events: self.account.seen,
                ..Progress::default()
            });
        }
        if let Boundary::Begins(_) = boundary {
            self.images.statement_ends();
            self.skipping = self.rolled_back.contains(&place.start_position());
        }
        self.content(place, event)?;
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
