//! Which tables cascades may come for, found while planning.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use backtrail_binlog::{ColumnImage, RowImage, RowsEvent, RowsKind, TableMap};
use backtrail_domain::TableName;
use backtrail_schema::{ReferentialAction, TableShape};

use super::{Encoded, Feed, Feeds, Link, LinkCodec};
use crate::history::History;
use crate::values::render;

/// What a row event may have done below the log.
#[derive(Debug, Default)]
pub(crate) struct Reach {
    /// Tables whose rows may have changed.
    pub(crate) children: Vec<usize>,
    /// Tables whose rows may have changed in a way that cannot be followed, and why.
    pub(crate) obstacles: Vec<(usize, String)>,
}

/// Finds links and what feeds them.
#[derive(Debug, Default)]
pub(crate) struct Finder {
    pub(crate) feeds: Feeds,
    links: HashMap<(usize, usize, String), usize>,
}

/// What happened to rows of a parent.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
enum Change {
    Gone,
    /// These columns have other values.
    Columns(BTreeSet<usize>),
}

/// A feed, or why there can be none.
struct Candidate {
    child: usize,
    link: usize,
    on_delete: ReferentialAction,
    on_update: ReferentialAction,
    feed: Result<Feed, String>,
}

impl Candidate {
    /// Whether the foreign key does something about a change of the parent. (Of an unusable one it is not known.)
    fn acts_on(&self, change: &Change) -> bool {
        match change {
            Change::Gone => self.on_delete.changes_child(),
            Change::Columns(columns) => {
                let refers = |feed: &Feed| feed.columns.iter().any(|column| columns.contains(column));
                self.on_update.changes_child() && self.feed.as_ref().map_or(true, refers)
            }
        }
    }
}

impl Finder {
    /// Takes in an event that deletes or updates rows of a table.
    ///
    /// # Errors
    /// Rows that cannot be read.
    pub(crate) fn event(
        &mut self,
        history: &mut History<'_>,
        moment: u64,
        rows: &RowsEvent<'_>,
        map: &TableMap,
    ) -> Result<Reach, backtrail_binlog::Malformed> {
        let mut reach = Reach::default();
        let known = self.feeds.has(&map.name);
        if !known && history.children(&map.name).is_empty() {
            return Ok(reach);
        }
        let candidates = self.candidates(history, &map.name);
        if known {
            // Its children may have lost their foreign keys since.
            self.feeds.note(&map.name, moment, &usable(&candidates));
        }
        let change = if rows.kind == RowsKind::Delete {
            Change::Gone
        } else {
            Change::Columns(changed_columns(rows, map, &candidates)?)
        };
        let acting = |candidate: &&Candidate| candidate.acts_on(&change);
        if !candidates.iter().any(|candidate| acting(&candidate)) {
            return Ok(reach);
        }
        for candidate in candidates.iter().filter(acting) {
            if let Ok(feed) = &candidate.feed
                && let Some(problem) = self.unknown_values(feed, rows, map)?
            {
                reach.obstacles.push((candidate.child, problem));
            }
        }
        self.spread(history, moment, &map.name, change, &mut reach);
        Ok(reach)
    }

    /// Follows a change from parent to child, and notes what feeds what.
    fn spread(
        &mut self,
        history: &mut History<'_>,
        moment: u64,
        parent: &TableName,
        change: Change,
        reach: &mut Reach,
    ) {
        let mut wave = vec![(parent.clone(), change)];
        let mut seen = BTreeSet::new();
        while let Some((parent, change)) = wave.pop() {
            if !seen.insert((parent.clone(), change.clone())) {
                continue;
            }
            let candidates = self.candidates(history, &parent);
            self.feeds.note(&parent, moment, &usable(&candidates));
            for candidate in candidates.iter().filter(|candidate| candidate.acts_on(&change)) {
                if let Err(problem) = &candidate.feed {
                    reach.obstacles.push((candidate.child, problem.clone()));
                    continue;
                }
                reach.children.push(candidate.child);
                let action = if change == Change::Gone { candidate.on_delete } else { candidate.on_update };
                let Some(link) = self.feeds.links.get(candidate.link) else { continue };
                let next = match action {
                    ReferentialAction::Cascade if change == Change::Gone => Change::Gone,
                    _ => Change::Columns(link.columns.iter().copied().collect()),
                };
                if let Some(era) = history.tracked.get(candidate.child).and_then(|child| child.life.last()) {
                    wave.push((era.name.clone(), next));
                }
            }
        }
    }

    /// The foreign keys to a table that do something about its changes.
    fn candidates(&mut self, history: &mut History<'_>, parent: &TableName) -> Vec<Candidate> {
        let Some(parent_id) = history.find(parent) else { return Vec::new() };
        let tracked = history.tracked.get(parent_id);
        let shape = tracked.filter(|tracked| tracked.unreadable.is_none()).and_then(|tracked| tracked.life.last());
        let shape = shape.map(|era| Arc::clone(&era.shape));
        let mut candidates = Vec::new();
        for child in history.children(parent) {
            let Some(id) = history.find(&child) else { continue };
            let Some(tracked) = history.tracked.get(id) else { continue };
            let era = tracked.life.last_number();
            let Some(own) = tracked.life.last().map(|era| Arc::clone(&era.shape)) else { continue };
            for key in own.foreign_keys.iter().filter(|key| key.parent == *parent) {
                // A key back to its own table acts as RESTRICT when the referenced columns are updated.
                let on_update = if id == parent_id { ReferentialAction::Restrict } else { key.on_update };
                if !key.on_delete.changes_child() && !on_update.changes_child() {
                    continue;
                }
                let link = *self.links.entry((id, era, key.name.clone())).or_insert_with(|| {
                    self.feeds.links.push(Link {
                        child: id,
                        era,
                        name: key.name.clone(),
                        columns: key.columns.clone(),
                        codec: LinkCodec::new(&own, &key.columns),
                    });
                    self.feeds.links.len() - 1
                });
                let feed = || {
                    let shape = shape.clone().ok_or_else(|| format!("the definition of {parent} cannot be read"))?;
                    if let Some(Err(problem)) = self.feeds.links.get(link).map(|link| &link.codec) {
                        return Err(problem.clone());
                    }
                    if [key.on_delete, on_update].contains(&ReferentialAction::SetDefault) {
                        return Err(format!("the foreign key `{}` says SET DEFAULT", key.name));
                    }
                    let columns = referenced(&own, &key.columns, &shape, &key.parent_columns)?;
                    Ok(Feed { link, parent: parent_id, shape, columns, on_delete: key.on_delete, on_update })
                };
                candidates.push(Candidate { child: id, link, on_delete: key.on_delete, on_update, feed: feed() });
            }
        }
        candidates
    }

    /// Referenced values of an event's rows that are not there, or of which it is not known what they are equal to.
    fn unknown_values(
        &self,
        feed: &Feed,
        rows: &RowsEvent<'_>,
        map: &TableMap,
    ) -> Result<Option<String>, backtrail_binlog::Malformed> {
        let Some(Ok(codec)) = self.feeds.links.get(feed.link).map(|link| &link.codec) else { return Ok(None) };
        if !feed.columns.iter().all(|column| rows.has_before(*column)) {
            let problem = "a row image of its parent lacks a referenced column (binlog_row_image is not FULL)";
            return Ok(Some(problem.to_owned()));
        }
        if !codec.folds() {
            return Ok(None);
        }
        let mut changes = rows.rows(map)?;
        while let Some(change) = changes.next_row()? {
            let Some(before) = &change.before else { continue };
            match feed.key(codec, map, before, &mut Vec::new()) {
                Ok(Encoded::Doubtful(_)) => {
                    return Ok(Some("a referenced text beyond ASCII may be equal to others".to_owned()));
                }
                Ok(_) => {}
                Err(problem) => return Ok(Some(problem)),
            }
        }
        Ok(None)
    }
}

fn usable(candidates: &[Candidate]) -> Vec<Feed> {
    candidates.iter().filter_map(|candidate| candidate.feed.as_ref().ok().cloned()).collect()
}

impl Feed {
    /// The referenced values of a parent's row, as the link has them.
    pub(crate) fn key(
        &self,
        codec: &LinkCodec,
        map: &TableMap,
        row: &RowImage<'_, '_>,
        out: &mut Vec<u8>,
    ) -> Result<Encoded, String> {
        out.clear();
        let mut whole = Encoded::Known;
        for (part, column) in self.columns.iter().enumerate() {
            match codec.push(part, &self.literal(map, row, *column)?, out)? {
                Encoded::Null => return Ok(Encoded::Null),
                Encoded::Known => {}
                doubtful => whole = doubtful,
            }
        }
        Ok(whole)
    }

    /// A value of a parent's row as a literal.
    pub(crate) fn literal(&self, map: &TableMap, row: &RowImage<'_, '_>, column: usize) -> Result<Vec<u8>, String> {
        let (Some(own), Some(logged)) = (self.shape.columns.get(column), map.columns.get(column)) else {
            return Err("a referenced column is not known".to_owned());
        };
        let mut literal = Vec::new();
        match row.column(column) {
            ColumnImage::Null => literal.extend_from_slice(b"NULL"),
            ColumnImage::Bytes(raw) => {
                let value = backtrail_binlog::decode_value(logged.kind, render::is_unsigned(&own.ty), raw)
                    .map_err(|problem| format!("column `{}`: {problem}", own.name))?;
                render::literal(own, &value, &mut literal)?;
            }
            ColumnImage::Absent | ColumnImage::JsonDiff(_) => {
                return Err(format!("the referenced column `{}` is not in the row image", own.name));
            }
        }
        Ok(literal)
    }
}

/// The places of the referenced columns in the parent, each of a type that the child's column can refer to.
fn referenced(
    child: &TableShape,
    columns: &[usize],
    parent: &TableShape,
    names: &[String],
) -> Result<Vec<usize>, String> {
    let mut places = Vec::with_capacity(names.len());
    for (name, own) in names.iter().zip(columns) {
        let place = parent
            .column_index(name)
            .ok_or_else(|| format!("it refers to a column `{name}` that {} does not have", parent.name))?;
        let types = (child.columns.get(*own), parent.columns.get(place));
        if let (Some(own), Some(other)) = types
            && !LinkCodec::fits(&own.ty, &other.ty)
        {
            return Err(format!("its column `{}` refers to a column of another type", own.name));
        }
        places.push(place);
    }
    Ok(places)
}

/// The referenced columns whose values change in some row of an event.
fn changed_columns(
    rows: &RowsEvent<'_>,
    map: &TableMap,
    candidates: &[Candidate],
) -> Result<BTreeSet<usize>, backtrail_binlog::Malformed> {
    let mut left: BTreeSet<usize> = candidates
        .iter()
        .filter_map(|candidate| candidate.feed.as_ref().ok())
        .flat_map(|f| f.columns.clone())
        .collect();
    let mut changed = BTreeSet::new();
    let mut changes = rows.rows(map)?;
    while let Some(change) = changes.next_row()?
        && !left.is_empty()
    {
        let (Some(before), Some(after)) = (&change.before, &change.after) else { continue };
        left.retain(|column| {
            let differs = differs(before, after, *column);
            if differs {
                changed.insert(*column);
            }
            !differs
        });
    }
    Ok(changed)
}

/// Whether a column has another value after an update. One that an image leaves out has not changed.
pub(crate) fn differs(before: &RowImage<'_, '_>, after: &RowImage<'_, '_>, column: usize) -> bool {
    !matches!(after.column(column), ColumnImage::Absent) && before.column(column) != after.column(column)
}
