//! Views through the window.

use std::collections::BTreeMap;

use backtrail_domain::TableName;
use backtrail_schema::{ObjectKind, ObjectVerb, SqlDialect};

use super::super::columns::Columns;
use super::super::files::Object;
use super::super::source::{Around, Step};
use super::super::told::Told;
use super::super::views::View;
use super::{Follower, ViewState, same};
use crate::EngineError;

impl Follower<'_> {
    pub(super) fn find_view(&self, name: &TableName) -> Option<TableName> {
        if self.views.contains_key(name) {
            return Some(name.clone());
        }
        let alike = |own: &&TableName| same(&own.schema, &name.schema) && same(&own.table, &name.table);
        self.views.keys().find(alike).cloned()
    }

    pub(super) fn view(
        &mut self,
        told: &Told,
        step: &Step,
        columns: &BTreeMap<TableName, Columns>,
    ) -> Result<(), EngineError> {
        let statement = &step.statement;
        if statement.verb == ObjectVerb::Drop {
            for name in std::iter::once(&statement.name).chain(&statement.more_names) {
                if let Some(own) = self.find_view(name) {
                    self.views.remove(&own);
                    self.note((ObjectKind::View, own), told, None);
                } else if self.last.contains_key(&(ObjectKind::View, name.clone())) {
                    self.note((ObjectKind::View, name.clone()), told, None);
                }
            }
            return Ok(());
        }
        let there = self.find_view(&statement.name);
        if statement.conditional && !statement.or_replace && there.is_some() {
            return Ok(());
        }
        let is_new = there.is_none();
        let name = there.unwrap_or_else(|| statement.name.clone());
        let object = Object { name: name.clone(), table: None, steps: vec![step.clone()], definer: None };
        let left_out = match View::new(object, columns.clone(), &self.dialect_of(step)) {
            Ok(view) => {
                self.views.insert(name.clone(), ViewState::Changed(Box::new(view)));
                None
            }
            Err(reason) => {
                self.views.remove(&name);
                Some(reason)
            }
        };
        let key = (ObjectKind::View, name);
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

    pub(super) fn renamed(&mut self, told: &Told, from: &TableName, to: &TableName) -> Result<(), EngineError> {
        let Some(own) = self.find_view(from) else { return self.table_renamed(told, from, to) };
        let view = match self.views.remove(&own) {
            Some(ViewState::Changed(view)) => Ok(*view),
            _ => self.read_view(&own)?,
        };
        self.note((ObjectKind::View, own), told, None);
        let left_out = match view {
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
