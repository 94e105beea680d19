//! What becomes of what a transaction did.

use std::collections::BTreeMap;

use backtrail_binlog::{Boundary, CommitInfo, XaId};
use backtrail_domain::BinlogPosition;
use backtrail_schema::{ObjectVerb, SchemaStatement};

use super::Scan;
use crate::account::EventCounts;
use crate::input::log::{Flow, Place};
use crate::plan::facts::{LATER_BASELINE, Obstacle, statement_text};
use crate::scan::pending::Pending;
use crate::scan::xa::{Completion, Foreign, Prepared};
use crate::{EngineError, around};

impl Scan<'_> {
    pub(super) fn ends(
        &mut self,
        place: &Place<'_>,
        boundary: &Boundary,
        commit: &CommitInfo,
    ) -> Result<Flow, EngineError> {
        let in_window = self.finder.in_window();
        let included = self.finder.transaction(commit, &place.end_position());
        let began = self.began.take();
        let completing = self.completing.take();
        let mut pending = std::mem::take(&mut self.pending);
        if in_window && included {
            pending.events.transactions += 1;
            if let Some((completion, statement)) = completing {
                self.complete(&completion, &statement, place, &mut pending);
            }
            let begin = began.unwrap_or_else(|| place.start_position());
            match boundary {
                Boundary::RollsBack(_) => {
                    self.history.revert();
                    pending.around.clear();
                    self.roll_back(&begin, place, &mut pending);
                    self.rolled_back.push(begin);
                    self.absorb(pending);
                }
                Boundary::Prepares(_) => self.prepare(begin, place, pending),
                _ => self.absorb(pending),
            }
            self.history.settle();
        } else {
            self.history.revert();
        }
        self.tally.ends(in_window && included);
        Ok(if self.finder.seen_enough(commit) { Flow::Stop } else { Flow::Continue })
    }

    pub(super) fn roll_back(&mut self, begin: &BinlogPosition, place: &Place<'_>, pending: &mut Pending) {
        let history = &self.history;
        let engine = |touched| history.is_transactional(touched);
        let unknown = pending.rollback(begin.clone(), place.end_position(), &engine).err();
        for id in unknown.into_iter().flatten() {
            let obstacle = Obstacle {
                position: place.start_position(),
                statement: None,
                reason: "a transaction that changed it was rolled back, and it cannot be told whether its storage engine knows transactions".to_owned(),
                remedy: LATER_BASELINE,
            };
            pending.obstacles.push((id, obstacle));
        }
    }

    /// Whether the rows of an XA transaction count, a later statement says.
    pub(super) fn prepare(&mut self, begin: BinlogPosition, place: &Place<'_>, mut pending: Pending) {
        let events = std::mem::take(&mut pending.events);
        self.count(&events);
        self.count_sequences(std::mem::take(&mut pending.sequences));
        let prepared = Prepared { begin, end: place.end_position(), pending };
        // One that was prepared before under this name is gone: else the server had not taken the name again.
        if let Some(xid) = self.preparing.take()
            && let Some(gone) = self.prepared.insert(xid, prepared)
        {
            self.drop_prepared(gone);
        }
    }

    /// A prepared XA transaction was rolled back.
    pub(super) fn drop_prepared(&mut self, gone: Prepared) {
        let Prepared { begin, end, mut pending } = gone;
        let place = Place { file: &end.file, offset: end.offset, end: end.offset };
        self.roll_back(&begin, &place, &mut pending);
        self.rolled_back.push(begin);
        self.absorb(pending);
    }

    /// A prepared XA transaction is committed or rolled back.
    pub(super) fn complete(
        &mut self,
        completion: &Completion,
        statement: &str,
        place: &Place<'_>,
        pending: &mut Pending,
    ) {
        let obstacle = |reason: &str| Obstacle {
            position: place.start_position(),
            statement: Some(statement_text(statement.as_bytes())),
            reason: reason.to_owned(),
            remedy: LATER_BASELINE,
        };
        let Some(xid) = &completion.xid else {
            pending.of_all.push(obstacle("an XA transaction is completed, and it cannot be told which"));
            return;
        };
        match self.prepared.remove(xid) {
            Some(prepared) if completion.commits => {
                for touched in prepared.pending.touched() {
                    if !self.history.is_unchanged(touched) {
                        let reason =
                            "its definition changed while an XA transaction that changed its rows was prepared";
                        pending.obstacles.push((touched.0, obstacle(reason)));
                    }
                }
                pending.adopt(prepared.pending);
            }
            Some(prepared) => self.drop_prepared(prepared),
            None if completion.commits => {
                let position = place.start_position();
                self.foreign.push(Foreign { xid: xid.clone(), position, statement: statement.to_owned() });
            }
            None => {}
        }
    }

    /// XA transactions that are still prepared do not count.
    pub(crate) fn leave_prepared(&mut self) -> Vec<(XaId, BinlogPosition)> {
        let mut left = Vec::new();
        for (xid, prepared) in std::mem::take(&mut self.prepared) {
            left.push((xid, prepared.begin.clone()));
            self.drop_prepared(prepared);
        }
        left
    }

    pub(super) fn absorb(&mut self, mut pending: Pending) {
        for obstacle in &pending.of_all {
            self.history.obstruct_all(obstacle);
        }
        for (id, obstacle) in &pending.obstacles {
            self.history.obstruct(*id, obstacle.clone());
        }
        self.undone.extend(pending.undone.iter().cloned());
        self.tally.undone(&pending.undone_events);
        self.count(&pending.events);
        for id in &pending.partial {
            if let Some(tracked) = self.history.tracked.get_mut(*id) {
                tracked.partial = true;
            }
        }
        self.count_sequences(std::mem::take(&mut pending.sequences));
        for told in &pending.around {
            if let around::What::Schema { statement, session } = &told.what
                && !self.there_already(statement)
                && let Some(options) = around::table_options(statement, session)
            {
                self.history.schema_gives(&statement.schema, options);
            }
        }
        self.around.append(&mut pending.around);
        for (id, position) in &pending.cascaded {
            if let Some(tracked) = self.history.tracked.get_mut(*id) {
                tracked.cascaded.get_or_insert(position.clone());
            }
        }
        let (rows, obstacles) = pending.rows();
        for (id, obstacle) in obstacles {
            self.history.obstruct(id, obstacle);
        }
        for ((id, era), rows) in rows {
            self.history.count_rows(id, era, &rows);
        }
    }

    /// Numbers that were taken from a sequence stay taken, whatever becomes of the transaction.
    pub(super) fn count_sequences(&mut self, rows: BTreeMap<usize, String>) {
        for (id, row) in rows {
            if let Some(sequence) = self.history.tracked.get_mut(id).and_then(|tracked| tracked.sequence.as_mut()) {
                sequence.row(row);
            }
        }
    }

    /// Whether a CREATE DATABASE does nothing.
    pub(super) fn there_already(&self, statement: &SchemaStatement) -> bool {
        let same = |told: &&around::Told| match &told.what {
            around::What::Schema { statement: own, .. } => own.schema == statement.schema,
            _ => false,
        };
        let last = self.around.iter().rev().find(same);
        let there = match last.map(|told| &told.what) {
            Some(around::What::Schema { statement, .. }) => statement.verb != ObjectVerb::Drop,
            _ => self.catalog.has_schema(&statement.schema),
        };
        statement.verb == ObjectVerb::Create && !statement.or_replace && there
    }

    pub(super) fn count(&mut self, counts: &EventCounts) {
        self.events.seen += counts.seen;
        self.events.transactions += counts.transactions;
    }

    /// The open transaction never committed: the server crashed in it.
    pub(super) fn abandon(&mut self) {
        let mut pending = std::mem::take(&mut self.pending);
        self.history.revert();
        let Some(began) = self.began.take().filter(|_| self.finder.in_window()) else { return };
        let end = BinlogPosition { file: began.file.clone(), offset: self.read_to };
        let place = Place { file: &end.file, offset: end.offset, end: end.offset };
        for (id, _) in pending.touched().into_iter().filter(|t| self.history.is_transactional(*t) == Some(false)) {
            let obstacle = Obstacle {
                position: began.clone(),
                statement: None,
                reason: "the log breaks off within a transaction that changed it, and its storage engine knows no transactions".to_owned(),
                remedy: LATER_BASELINE,
            };
            pending.obstacles.push((id, obstacle));
        }
        self.roll_back(&began, &place, &mut pending);
        self.rolled_back.push(began);
        // No row of it committed, also where that is an obstacle.
        let undone = pending.give_up();
        self.tally.undone_if_seen(&undone);
        self.absorb(pending);
        self.history.settle();
    }
}
