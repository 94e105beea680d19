//! A row of a table that cascades come for, lived through event by event: see [`crate::cascade`].

use std::borrow::Cow;

use backtrail_dump::literal::parse_literal;
use backtrail_schema::ReferentialAction;

use super::{Flow, Outcome, RawRow};
use crate::EngineError;
use crate::cascade::{Action, Encoded, Feed, LinkCodec, Route, moment_of};
use crate::changes::record::{Effect, EventAt, Record, RowEvent};
use crate::history::life::Trace;
use crate::plan::recipe::Stage;
use crate::values::image::{Cell, may_lack};
use crate::values::key::KeyPart;
use crate::values::render;

/// A value that a cascade gave a row, or an image that lacks others.
pub(super) struct Patch {
    /// The column, and the era of which it is one.
    pub(super) era: usize,
    pub(super) column: usize,
    pub(super) literal: Vec<u8>,
}

/// The next event of a row.
struct Own {
    tick: u64,
    number: u64,
    event: RowEvent,
    at: EventAt,
    image: Vec<u8>,
}

/// The next cascades of a row, all of one tick: by which route each comes.
struct Coming {
    tick: u64,
    at: EventAt,
    actions: Vec<(usize, Action)>,
}

/// Values of several columns, and the key that they are as seen from a link: None with a NULL among them.
type LinkKey = Option<Vec<u8>>;

impl Flow<'_> {
    /// Lives a row through from a tick on, beginning in this stage; `raw`: it is the baseline's.
    pub(super) fn live(
        &mut self,
        from: usize,
        mut raw: Option<&RawRow<'_>>,
        mut now: u64,
    ) -> Result<Outcome, EngineError> {
        self.patches.clear();
        for number in from..self.lookups.len() {
            loop {
                self.key_now(number, raw)?;
                let own = self.next_own(number, now)?;
                let coming = self.next_cascades(number, raw, now)?;
                match (own, coming) {
                    (Some(own), coming) if coming.as_ref().is_none_or(|coming| own.tick <= coming.tick) => {
                        if !self.merge.table.changes.get(number).is_some_and(|changes| changes.claim(own.number)) {
                            if self.counted(number) {
                                // Another of the equal rows took it meanwhile.
                                continue;
                            }
                            if self.merger.rehearsal {
                                return Ok(Outcome::Dropped);
                            }
                            return Err(self.contradiction(number, own.at, "the baseline has it twice"));
                        }
                        now = own.tick;
                        match own.event {
                            // It will turn out what cascade had taken it away.
                            RowEvent::Inserted if self.merger.rehearsal => return Ok(Outcome::Dropped),
                            RowEvent::Inserted => {
                                let problem = "the log inserts it, it is there already";
                                return Err(self.contradiction(number, own.at, problem));
                            }
                            RowEvent::Deleted => return Ok(Outcome::Dropped),
                            RowEvent::Updated | RowEvent::Moved => {
                                self.at = own.at;
                                if !self.overlay(&own.image)? {
                                    self.image = own.image;
                                    self.patches.clear();
                                    raw = None;
                                }
                            }
                        }
                    }
                    (_, Some(coming)) => {
                        now = coming.tick;
                        if self.cascade(raw, &coming)? {
                            self.counts.cascade_deletes += 1;
                            return Ok(Outcome::Dropped);
                        }
                        self.counts.cascade_updates += 1;
                    }
                    (_, None) => break,
                }
            }
        }
        Ok(match raw {
            Some(_) if self.patches.is_empty() => Outcome::Kept,
            Some(_) => Outcome::Patched,
            None => Outcome::Replaced,
        })
    }

    /// Gives the row the values of an image that lacks some; false where it lacks none.
    fn overlay(&mut self, image: &[u8]) -> Result<bool, EngineError> {
        if !may_lack(image) {
            return Ok(false);
        }
        let merge = self.merge;
        let mut cells: Vec<Cell<'_>> = Vec::new();
        let layout = self.cells(image, &mut cells)?;
        let Some(shape) = merge.table.recipe.life.eras.get(layout.era).map(|era| &*era.shape) else { return Ok(false) };
        let written = |(index, _): &(usize, &Cell<'_>)| {
            shape.columns.get(*index).is_some_and(|column| column.generated.is_none())
        };
        if !cells.iter().enumerate().filter(written).any(|(_, cell)| *cell == Cell::Absent) {
            return Ok(false);
        }
        for (column, _) in cells.iter().enumerate().filter(written).filter(|(_, cell)| **cell != Cell::Absent) {
            let mut literal = Vec::new();
            render::cell(shape, column, layout, &cells, &mut literal)
                .map_err(|(column, problem)| self.bad_value(column, problem))?;
            self.patches.retain(|patch| (patch.era, patch.column) != (layout.era, column));
            self.patches.push(Patch { era: layout.era, column, literal });
        }
        Ok(true)
    }

    fn counted(&self, stage: usize) -> bool {
        self.merge.table.recipe.stages.get(stage).is_some_and(Stage::counted)
    }

    /// The row's next event of its own. Of equal rows any may take it.
    fn next_own(&mut self, stage: usize, mut now: u64) -> Result<Option<Own>, EngineError> {
        let counted = self.counted(stage);
        let changes = self.merge.table.changes.get(stage);
        let (Some(lookup), Some(changes)) = (self.lookups.get_mut(stage), changes) else { return Ok(None) };
        while let Some((number, tick, record)) = lookup.next(&self.key, now)? {
            let Effect::Event(event) = record.effect else { return Ok(None) };
            if counted && (event == RowEvent::Inserted || changes.is_claimed(number)) {
                now = tick;
                continue;
            }
            return Ok(Some(Own { tick, number, event, at: record.at, image: record.image.to_vec() }));
        }
        Ok(None)
    }

    /// The next cascades that come for the row as it is now.
    fn next_cascades(
        &mut self,
        stage: usize,
        raw: Option<&RawRow<'_>>,
        now: u64,
    ) -> Result<Option<Coming>, EngineError> {
        let recipe = self.merge.table.recipe;
        let mut next: Option<Coming> = None;
        let own_era = self.era(raw)?;
        for (number, route) in recipe.routes.iter().flatten().enumerate() {
            if route.stage != stage || route.era < own_era || self.merger.cascades.is_empty(route.link) {
                continue;
            }
            let Some(key) = self.encode(raw, route, &route.columns, &route.codec, Some(route.link))? else { continue };
            let Some(Some(lookup)) = self.routes.get_mut(number) else { continue };
            let Some((tick, action, at)) = lookup.next(&key, now)? else { continue };
            match &mut next {
                Some(coming) if coming.tick == tick => coming.actions.push((number, action)),
                Some(coming) if coming.tick < tick => {}
                _ => next = Some(Coming { tick, at, actions: vec![(number, action)] }),
            }
        }
        Ok(next)
    }

    /// Lets cascades happen to the row; true when it is gone.
    fn cascade(&mut self, raw: Option<&RawRow<'_>>, coming: &Coming) -> Result<bool, EngineError> {
        let recipe = self.merge.table.recipe;
        let routes = recipe.routes.as_deref().unwrap_or_default();
        let Some(first) = coming.actions.first().and_then(|(number, _)| routes.get(*number)) else { return Ok(false) };
        let gone = coming.actions.iter().any(|(_, action)| *action == Action::Delete);
        let mut patches: Vec<Patch> = Vec::new();
        for (number, action) in &coming.actions {
            let Some(route) = routes.get(*number).filter(|_| !gone) else { continue };
            let null = |part: usize| (part, b"NULL".to_vec());
            let values = match action {
                Action::Delete => Vec::new(),
                Action::SetNull => (0..route.columns.len()).map(null).collect(),
                Action::Update(values) => values.clone(),
            };
            for (part, literal) in values {
                let Some(column) = route.columns.get(part).copied() else { continue };
                let before = patches.iter().find(|patch| (patch.era, patch.column) == (route.era, column));
                if before.is_some_and(|before| before.literal != literal) {
                    let problem = "two foreign keys give one of its columns different values at once";
                    return Err(self.bad_value("the foreign keys".to_owned(), problem.to_owned()));
                }
                patches.push(Patch { era: route.era, column, literal });
            }
        }
        self.tell_children(raw, first, coming, gone, &patches)?;
        self.patches.extend(patches);
        self.at = coming.at;
        Ok(gone)
    }

    /// The row changes silently: cascades for the table's own children.
    fn tell_children(
        &mut self,
        raw: Option<&RawRow<'_>>,
        route: &Route,
        coming: &Coming,
        gone: bool,
        patches: &[Patch],
    ) -> Result<(), EngineError> {
        let recipe = self.merge.table.recipe;
        let cascades = self.merger.cascades;
        let Some(era) = recipe.life.eras.get(route.era) else { return Ok(()) };
        for feed in cascades.feeds.at(&era.name, moment_of(coming.tick)) {
            let changed = |column: usize| patches.iter().rev().find(|patch| patch.column == column);
            let action = if gone { feed.on_delete } else { feed.on_update };
            if !action.changes_child() || !(gone || feed.columns.iter().any(|column| changed(*column).is_some())) {
                continue;
            }
            let Some(Ok(codec)) = cascades.feeds.links.get(feed.link).map(|link| &link.codec) else { continue };
            let Some(key) = self.encode(raw, route, &feed.columns, codec, None)? else { continue };
            let action = match action {
                ReferentialAction::Cascade if gone => Action::Delete,
                ReferentialAction::Cascade => Action::Update(new_values(feed, &changed)),
                _ => Action::SetNull,
            };
            cascades.found(feed.link, &key, coming.tick, &action, coming.at)?;
        }
        Ok(())
    }

    /// Some of the row's values in an era, as a link has them. `link`: whose cascades are going to be looked up.
    fn encode(
        &self,
        raw: Option<&RawRow<'_>>,
        route: &Route,
        columns: &[usize],
        codec: &LinkCodec,
        link: Option<usize>,
    ) -> Result<LinkKey, EngineError> {
        let mut key = Vec::new();
        for (part, column) in columns.iter().enumerate() {
            let literal = self.value(raw, route, *column)?;
            let encoded = codec
                .push(part, &literal, &mut key)
                .map_err(|problem| self.bad_value("a foreign key".to_owned(), problem))?;
            match encoded {
                Encoded::Null => return Ok(None),
                Encoded::Known => {}
                doubtful => {
                    let may = match link {
                        Some(link) => self.merger.cascades.may_come_for(link, &doubtful)?,
                        None => true,
                    };
                    if may {
                        let problem = format!(
                            "the text {} may be equal to a referenced one of which rows were deleted or changed; leave the table out, or take a baseline behind that",
                            String::from_utf8_lossy(&literal)
                        );
                        return Err(self.bad_value("a foreign key".to_owned(), problem));
                    }
                }
            }
        }
        Ok(Some(key))
    }

    /// A value of the row in the era of a route, as a literal.
    fn value<'v>(
        &'v self,
        raw: Option<&RawRow<'v>>,
        route: &'v Route,
        column: usize,
    ) -> Result<Cow<'v, [u8]>, EngineError> {
        let trace_from = |era: usize| route.origins.get(era).and_then(|columns| columns.get(column)?.as_ref());
        let failed = |problem: String| self.bad_value("a foreign key".to_owned(), problem);
        for patch in self.patches.iter().rev() {
            if let Some(trace) = trace_from(patch.era)
                && trace.column() == Some(patch.column)
            {
                return trace.apply(&patch.literal).map_err(failed);
            }
        }
        let era = self.era(raw)?;
        let trace = trace_from(era).ok_or_else(|| failed("a value that the server computed".to_owned()))?;
        let Some(own) = trace.column() else { return trace.apply(b"NULL").map_err(failed) };
        let written = match raw {
            Some(row) => Cow::Borrowed(row.column(self.merge.table.recipe, own).map_err(failed)?),
            None => Cow::Owned(self.cell(own)?),
        };
        Ok(Cow::Owned(trace.apply(&written).map_err(failed)?.into_owned()))
    }

    /// The era in which the row was last written.
    fn era(&self, raw: Option<&RawRow<'_>>) -> Result<usize, EngineError> {
        if raw.is_some() {
            return Ok(0);
        }
        let layout = self.merge.table.layouts.layout(&self.image);
        layout.map(|layout| layout.era).map_err(|problem| self.bad_value("*".to_owned(), problem.to_string()))
    }

    /// A value of the row's image, as a literal.
    fn cell(&self, column: usize) -> Result<Vec<u8>, EngineError> {
        let mut cells: Vec<Cell<'_>> = Vec::new();
        let layout = self.cells(&self.image, &mut cells)?;
        let mut literal = Vec::new();
        if let Some(era) = self.merge.table.recipe.life.eras.get(layout.era) {
            render::cell(&era.shape, column, layout, &cells, &mut literal)
                .map_err(|(column, problem)| self.bad_value(column, problem))?;
        }
        Ok(literal)
    }

    /// The row's key in a stage, as it is now.
    fn key_now(&mut self, number: usize, raw: Option<&RawRow<'_>>) -> Result<(), EngineError> {
        let recipe = self.merge.table.recipe;
        let Some(stage) = recipe.stages.get(number) else { return Ok(()) };
        let Some(codec) = stage.codecs.first() else { return Ok(()) };
        let mut key = std::mem::take(&mut self.key);
        key.clear();
        let era = self.era(raw)?;
        for (index, part) in codec.parts().iter().enumerate() {
            let source = |era: usize| stage.source(era, index);
            let patched = self.patches.iter().rev().find(|patch| source(patch.era).0 == Some(patch.column));
            let (era, literal) = match patched {
                Some(patch) => (patch.era, Cow::Borrowed(patch.literal.as_slice())),
                None => {
                    let literal = match (source(era).0, raw) {
                        (None, _) => Cow::Borrowed(&b"NULL"[..]),
                        (Some(column), Some(row)) => Cow::Borrowed(
                            row.column(recipe, column)
                                .map_err(|problem| self.broken(format!("a value of the key: {problem}")))?,
                        ),
                        (Some(column), None) => Cow::Owned(self.cell(column)?),
                    };
                    (era, literal)
                }
            };
            push(part, &literal, source(era).1, &mut key)
                .map_err(|problem| self.broken(format!("a value of the key: {problem}")))?;
        }
        self.key = key;
        Ok(())
    }

    /// A row whose events and cascades contradict each other.
    fn contradiction(&self, stage: usize, at: EventAt, problem: &str) -> EngineError {
        let effect = Effect::Event(RowEvent::Inserted);
        self.merger.misfit(self.merge, stage, &Record { key: &self.key, effect, at, image: &[] }, problem)
    }
}

fn push(part: &KeyPart, literal: &[u8], trace: Option<&Trace>, key: &mut Vec<u8>) -> Result<(), String> {
    let literal = match trace {
        Some(trace) => trace.apply(literal)?,
        None => Cow::Borrowed(literal),
    };
    let literal = parse_literal(&literal).map_err(|problem| problem.to_string())?;
    part.push_literal(&literal, key).map_err(|problem| problem.to_string())
}

/// The parts of a link's key that follow the parent, with their new values.
fn new_values<'p>(feed: &Feed, changed: &dyn Fn(usize) -> Option<&'p Patch>) -> Vec<(usize, Vec<u8>)> {
    let part = |(part, column): (usize, &usize)| changed(*column).map(|patch| (part, patch.literal.clone()));
    feed.columns.iter().enumerate().filter_map(part).collect()
}
