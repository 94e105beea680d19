//! Triggers through the window.

use backtrail_domain::TableName;
use backtrail_schema::{ObjectKind, ObjectVerb, general_ci};

use super::super::files::{NO_LETTERS, Object, Parsed, parse};
use super::super::source::Step;
use super::super::told::Told;
use super::alike::may_be;
use super::{Follower, List};
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
        list.objects.iter().position(|object| self.same(ObjectKind::Trigger, &object.name.table, &name.table))
    }

    /// Triggers that may have this name and have it in other letters.
    fn triggers_like(&self, name: &TableName) -> Vec<TableName> {
        if self.find_trigger(name).is_some() {
            return Vec::new();
        }
        let list = self.triggers.get(&name.schema).map(|list| list.objects.as_slice()).unwrap_or_default();
        let like = list.iter().filter(|own| self.perhaps(ObjectKind::Trigger, &own.name.table, &name.table));
        like.map(|own| own.name.clone()).collect()
    }

    fn leave_triggers_out(&mut self, told: &Told, triggers: Vec<TableName>, other: &TableName) {
        for own in triggers {
            if let Some(at) = self.find_trigger(&own) {
                self.remove_trigger(&own.schema, at);
            }
            self.note((ObjectKind::Trigger, own), told, Some(may_be(other)));
        }
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
            let alike = self.triggers_like(&statement.name);
            if let Some(at) = there {
                self.remove_trigger(schema, at);
                self.note(key, told, None);
            } else if alike.is_empty() && self.last_of(&key).is_some() {
                self.note(key, told, None);
            }
            self.leave_triggers_out(told, alike, &statement.name);
            return Ok(());
        }
        let conditional = statement.conditional && !statement.or_replace;
        if there.is_some() && conditional {
            return Ok(());
        }
        let alike = self.triggers_like(&statement.name);
        if let Some(other) = alike.first() {
            if conditional {
                self.note(key, told, Some(may_be(other)));
                return Ok(());
            }
            if statement.or_replace {
                self.leave_triggers_out(told, alike, &statement.name);
            } else {
                // A server to which they are one would not have made it.
                self.tells_case = true;
            }
        }
        if let Some(at) = there {
            self.remove_trigger(schema, at);
        }
        let table = statement.table.clone();
        let object =
            Object { name: statement.name.clone(), table: table.clone(), steps: vec![step.clone()], definer: None };
        let Some(list) = self.triggers.get_mut(schema) else { return Ok(()) };
        let other = statement.place.as_ref().and_then(|place| {
            let named = |object: &Object, exact: bool| match exact {
                true => object.name.table == place.other,
                false => general_ci(&object.name.table) == general_ci(&place.other),
            };
            let at = |exact| list.objects.iter().position(|object| named(object, exact));
            let at = at(true).or_else(|| at(false))?;
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
        let (mut moved, mut lost) = (Vec::new(), Vec::new());
        if let Some(list) = self.triggers.get_mut(&from.schema) {
            list.objects.retain_mut(|object| {
                if object.table.as_ref() != Some(from) {
                    return true;
                }
                let can = object.can_be_named(&to.table);
                let names = if can { &mut moved } else { &mut lost };
                names.push(object.name.clone());
                object.table = Some(to.clone());
                can
            });
        }
        // Even without a trigger: the file of the old name is not one of the table that may have it later.
        self.changed_tables.extend([from.clone(), to.clone()]);
        if !moved.is_empty() || !lost.is_empty() {
            self.changed_triggers.insert(from.schema.clone());
        }
        for name in moved {
            self.note((ObjectKind::Trigger, name), told, None);
        }
        for name in lost {
            self.note((ObjectKind::Trigger, name), told, Some(NO_LETTERS.to_owned()));
        }
        Ok(())
    }

    pub(super) fn table_gone(&mut self, table: &TableName) -> Result<(), EngineError> {
        if !self.has_triggers(table) || self.is_view(table) {
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
