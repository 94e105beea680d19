//! Triggers through the window.

use backtrail_domain::TableName;
use backtrail_schema::{ObjectKind, ObjectVerb};

use super::super::files::{Object, Parsed, parse};
use super::super::source::Step;
use super::super::told::Told;
use super::{Follower, List, same};
use crate::EngineError;

impl Follower<'_> {
    pub(super) fn parsed(&self, file: &str, schema: &str, list: &mut List) -> Result<(), EngineError> {
        let content = self.scope.catalog.bytes(file)?;
        match parse(&content, schema, &self.scope.dialect) {
            Ok(Parsed { head, objects }) => {
                list.head = head;
                list.objects.extend(objects);
            }
            Err(reason) => list.unreadable.push((file.to_owned(), reason)),
        }
        Ok(())
    }

    pub(super) fn wide_triggers(&self, schema: &str) -> Option<&str> {
        self.scope.catalog.schema_file(schema, "-schema-triggers.sql")
    }

    pub(super) fn load_triggers(&mut self, schema: &str) -> Result<(), EngineError> {
        if self.triggers.contains_key(schema) {
            return Ok(());
        }
        let mut list = List::default();
        let catalog = self.scope.catalog;
        if let Some(file) = self.wide_triggers(schema).map(str::to_owned) {
            self.parsed(&file, schema, &mut list)?;
        }
        for (_, files) in catalog.tables.iter().filter(|(name, _)| name.schema == schema) {
            for file in &files.triggers {
                self.parsed(&file.name, schema, &mut list)?;
            }
        }
        self.triggers.insert(schema.to_owned(), list);
        Ok(())
    }

    pub(super) fn find_trigger(&self, name: &TableName) -> Option<usize> {
        let list = self.triggers.get(&name.schema)?;
        list.objects.iter().position(|object| same(&object.name.table, &name.table))
    }

    pub(super) fn remove_trigger(&mut self, schema: &str, at: usize) {
        let Some(list) = self.triggers.get_mut(schema).filter(|list| at < list.objects.len()) else { return };
        let gone = list.objects.remove(at);
        self.changed_triggers.insert(schema.to_owned());
        self.changed_tables.extend(gone.table);
    }

    pub(super) fn trigger(&mut self, told: &Told, step: &Step) -> Result<(), EngineError> {
        let statement = &step.statement;
        let schema = statement.name.schema.as_str();
        self.load_triggers(schema)?;
        let there = self.find_trigger(&statement.name);
        let key = (ObjectKind::Trigger, statement.name.clone());
        if statement.verb == ObjectVerb::Drop {
            if let Some(at) = there {
                self.remove_trigger(schema, at);
                self.note(key, told, None);
            } else if self.last.contains_key(&key) {
                self.note(key, told, None);
            }
            return Ok(());
        }
        if there.is_some() && statement.conditional && !statement.or_replace {
            return Ok(());
        }
        if let Some(at) = there {
            self.remove_trigger(schema, at);
        }
        let table = statement.table.clone();
        let object =
            Object { name: statement.name.clone(), table: table.clone(), steps: vec![step.clone()], definer: None };
        let Some(list) = self.triggers.get_mut(schema) else { return Ok(()) };
        let other = statement.place.as_ref().and_then(|place| {
            let at = list.objects.iter().position(|object| same(&object.name.table, &place.other))?;
            Some(if place.before { at } else { at + 1 })
        });
        list.objects.insert(other.unwrap_or(list.objects.len()), object);
        self.changed_triggers.insert(schema.to_owned());
        self.changed_tables.extend(table);
        self.note_made(key, told, statement)?;
        Ok(())
    }

    pub(super) fn has_triggers(&self, table: &TableName) -> bool {
        let files = self.scope.catalog.tables.get(table);
        self.triggers.contains_key(&table.schema)
            || self.wide_triggers(&table.schema).is_some()
            || files.is_some_and(|files| !files.triggers.is_empty())
    }

    pub(super) fn table_renamed(&mut self, told: &Told, from: &TableName, to: &TableName) -> Result<(), EngineError> {
        if !self.has_triggers(from) {
            return Ok(());
        }
        self.load_triggers(&from.schema)?;
        let mut moved = Vec::new();
        if let Some(list) = self.triggers.get_mut(&from.schema) {
            for object in list.objects.iter_mut().filter(|object| object.table.as_ref() == Some(from)) {
                object.table = Some(to.clone());
                moved.push(object.name.clone());
            }
        }
        // Even without a trigger: the file of the old name is not one of the table that may have it later.
        self.changed_tables.extend([from.clone(), to.clone()]);
        if !moved.is_empty() {
            self.changed_triggers.insert(from.schema.clone());
        }
        for name in moved {
            self.note((ObjectKind::Trigger, name), told, None);
        }
        Ok(())
    }

    pub(super) fn table_gone(&mut self, table: &TableName) -> Result<(), EngineError> {
        if !self.has_triggers(table) || self.find_view(table).is_some() {
            return Ok(());
        }
        self.load_triggers(&table.schema)?;
        let Some(list) = self.triggers.get_mut(&table.schema) else { return Ok(()) };
        let before = list.objects.len();
        list.objects.retain(|object| object.table.as_ref() != Some(table));
        if list.objects.len() < before {
            self.changed_triggers.insert(table.schema.clone());
        }
        self.changed_tables.insert(table.clone());
        Ok(())
    }
}
