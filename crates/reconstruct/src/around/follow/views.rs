//! Views through the window.

use std::collections::BTreeMap;

use backtrail_domain::TableName;
use backtrail_schema::{ObjectKind, ObjectVerb, SqlDialect};

use super::super::columns::Columns;
use super::super::files::{NO_LETTERS, Object};
use super::super::source::{Around, Step};
use super::super::told::{Rename, Told};
use super::super::views::View;
use super::alike::may_be;
use super::{Follower, ViewState};
use crate::EngineError;

impl Follower<'_> {
    pub(super) fn is_view(&self, name: &TableName) -> bool {
        self.views.contains_key(name)
    }

    /// Views that may have this name and have it in other letters.
    fn views_like(&self, name: &TableName) -> Vec<TableName> {
        if self.is_view(name) || self.tells_case {
            return Vec::new();
        }
        self.views.keys().filter(|own| own.lowered() == name.lowered()).cloned().collect()
    }

    /// Leaves views out that may be another one.
    fn leave_out(&mut self, told: &Told, views: Vec<TableName>, other: &TableName) {
        for own in views {
            self.views.remove(&own);
            self.note((ObjectKind::View, own), told, Some(may_be(other)));
        }
    }

    pub(super) fn view(
        &mut self,
        told: &Told,
        step: &Step,
        columns: &BTreeMap<TableName, Columns>,
        failed: bool,
    ) -> Result<(), EngineError> {
        let statement = &step.statement;
        let name = &statement.name;
        if statement.verb == ObjectVerb::Drop {
            for name in std::iter::once(name).chain(&statement.more_names) {
                let key = (ObjectKind::View, name.clone());
                let alike = self.views_like(name);
                if self.views.remove(name).is_some() || (alike.is_empty() && self.last_of(&key).is_some()) {
                    self.note(key, told, None);
                }
                self.leave_out(told, alike, name);
            }
            return Ok(());
        }
        let conditional = statement.conditional && !statement.or_replace;
        let is_new = !self.is_view(name);
        if conditional && !is_new {
            return Ok(());
        }
        let alike = self.views_like(name);
        let key = (ObjectKind::View, name.clone());
        if let Some(other) = alike.first() {
            if conditional {
                self.note(key, told, Some(may_be(other)));
                return Ok(());
            }
            if statement.verb == ObjectVerb::Create && !statement.or_replace && !failed {
                // A server to which they are one would not have made it.
                self.tells_case = true;
            } else {
                self.leave_out(told, alike, name);
            }
        }
        let object = Object { name: name.clone(), table: None, steps: vec![step.clone()], definer: None };
        let left_out = match View::new(object, columns.clone(), &self.dialect_of(step)) {
            Ok(view) => {
                self.views.insert(name.clone(), ViewState::Changed(Box::new(view)));
                None
            }
            Err(reason) => {
                self.views.remove(name);
                Some(reason)
            }
        };
        match left_out {
            None if is_new => self.note_made(key, told, statement)?,
            left_out => self.note(key, told, left_out),
        }
        Ok(())
    }

    pub(super) fn dialect_of(&self, step: &Step) -> SqlDialect {
        match &step.around {
            Around::Session(session) => session.dialect(),
            Around::Baseline { .. } => self.scope.dialect,
        }
    }

    pub(super) fn read_view(&self, name: &TableName) -> Result<Result<View, String>, EngineError> {
        let files = self.scope.catalog.views.get(name).map(Vec::as_slice).unwrap_or_default();
        let Some(file) = files.iter().find(|file| file.name.contains("-schema-view.sql")) else {
            return Ok(Err("the baseline has no file that makes it".to_owned()));
        };
        let content = self.scope.catalog.bytes(&file.name)?;
        Ok(View::of_file(&content, name, &self.scope.dialect))
    }

    pub(super) fn renamed(&mut self, told: &Told, rename: &Rename) -> Result<(), EngineError> {
        let Rename { from, to, is_table } = rename;
        if *is_table && !self.is_view(from) {
            return self.table_renamed(told, from, to);
        }
        let alike = self.views_like(from);
        if let Some(other) = alike.first().cloned() {
            self.leave_out(told, alike, from);
            self.note((ObjectKind::View, to.clone()), told, Some(may_be(&other)));
            return Ok(());
        }
        let view = match self.views.remove(from) {
            Some(ViewState::Changed(view)) => Ok(*view),
            Some(ViewState::Baseline) => self.read_view(from)?,
            None => return self.table_renamed(told, from, to),
        };
        self.note((ObjectKind::View, from.clone()), told, None);
        let left_out = match view {
            Ok(view) if !view.object.can_be_named(&to.table) => Some(NO_LETTERS.to_owned()),
            Ok(view) => {
                self.views.insert(to.clone(), ViewState::Changed(Box::new(view.named(to))));
                None
            }
            Err(reason) => Some(reason),
        };
        self.note((ObjectKind::View, to.clone()), told, left_out);
        Ok(())
    }
}
