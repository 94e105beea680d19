//! The baseline's objects through the window's statements, and the files that follow from it.

use std::collections::{BTreeMap, BTreeSet};

use backtrail_domain::{BinlogPosition, TableFilter, TableName};
use backtrail_schema::{ObjectKind, ObjectNames, ObjectVerb, SqlDialect};

use super::files::{Object, Parsed, parse};
use super::schemas::{self, Schema};
use super::sequences::{Sequence, row_of_file};
use super::source::{Around, Step};
use super::told::{Told, What};
use super::views::View;
use super::{AroundFile, Content, FileOf, ObjectAction, PlannedObject};
use crate::EngineError;
use crate::baseline::Catalog;
use crate::scan::is_system_schema;

/// What there is besides, at the cut.
pub(crate) struct Scope<'a> {
    pub(crate) catalog: &'a Catalog<'a>,
    pub(crate) filter: &'a TableFilter,
    pub(crate) dialect: SqlDialect,
    /// The tables that are going to be written.
    pub(crate) written: &'a BTreeSet<TableName>,
    /// Those that are refused.
    pub(crate) refused: &'a BTreeSet<TableName>,
    /// The tables that there are, with their visible columns; None where they are not known.
    pub(crate) tables: &'a BTreeMap<TableName, Option<Vec<String>>>,
    /// The sequences that there are, and under which name the baseline has each.
    pub(crate) sequences: &'a BTreeMap<TableName, (&'a Sequence, Option<&'a TableName>)>,
    /// The visible columns of tables of the baseline whose definition changed, as they were.
    pub(crate) before: &'a BTreeMap<TableName, Vec<String>>,
}

/// The files that hold no rows, and what is to be said about them.
#[derive(Debug, Default)]
pub(crate) struct Followed {
    pub(crate) files: Vec<AroundFile>,
    pub(crate) objects: Vec<PlannedObject>,
    pub(crate) warnings: Vec<String>,
}

/// The triggers, or the routines and events, of a schema.
#[derive(Debug, Default)]
struct List {
    head: Vec<u8>,
    objects: Vec<Object>,
    /// Files that could not be taken apart, and why.
    unreadable: Vec<(String, String)>,
}

/// A view at some moment.
enum ViewState {
    Baseline,
    Changed(Box<View>),
}

type Key = (ObjectKind, TableName);

/// What was last said about an object.
struct Last {
    position: BinlogPosition,
    shown: String,
    left_out: Option<String>,
}

struct Follower<'a> {
    scope: &'a Scope<'a>,
    views: BTreeMap<TableName, ViewState>,
    /// Read when needed.
    triggers: BTreeMap<String, List>,
    post: BTreeMap<String, List>,
    schemas: BTreeMap<String, Schema>,
    /// Tables whose triggers changed, under all their names.
    changed_tables: BTreeSet<TableName>,
    changed_triggers: BTreeSet<String>,
    changed_post: BTreeSet<String>,
    last: BTreeMap<Key, Last>,
    schemas_told: BTreeMap<String, Last>,
}

/// Takes the baseline's objects through the window.
///
/// # Errors
/// A file of the baseline that cannot be read. One that is not understood is none.
pub(crate) fn follow(told: &[Told], scope: &Scope<'_>) -> Result<Followed, EngineError> {
    let baseline = || scope.catalog.schemas.keys().map(|name| (name.clone(), Schema::Baseline(Vec::new())));
    let mut follower = Follower {
        scope,
        views: scope.catalog.views.keys().map(|name| (name.clone(), ViewState::Baseline)).collect(),
        triggers: BTreeMap::new(),
        post: BTreeMap::new(),
        schemas: baseline().collect(),
        changed_tables: BTreeSet::new(),
        changed_triggers: BTreeSet::new(),
        changed_post: BTreeSet::new(),
        last: BTreeMap::new(),
        schemas_told: BTreeMap::new(),
    };
    for told in told {
        follower.take(told)?;
    }
    follower.files()
}

fn same(a: &str, b: &str) -> bool {
    a == b || a.to_lowercase() == b.to_lowercase()
}

impl Follower<'_> {
    fn has_schema(&self, schema: &str) -> bool {
        if is_system_schema(schema) {
            return false;
        }
        match self.schemas.get(schema) {
            Some(state) => *state != Schema::Gone,
            None => self.scope.catalog.has_schema(schema),
        }
    }

    fn note(&mut self, key: Key, told: &Told, left_out: Option<String>) {
        let last = Last { position: told.position.clone(), shown: told.shown.clone(), left_out };
        self.last.insert(key, last);
    }

    fn take(&mut self, told: &Told) -> Result<(), EngineError> {
        match &told.what {
            What::Object { step, columns } if self.has_schema(&step.statement.name.schema) => {
                self.object(told, step, columns)
            }
            What::Unclear { kind, name, reason } if self.has_schema(&name.schema) => {
                self.unclear(told, *kind, name, reason)
            }
            What::Object { .. } | What::Unclear { .. } => Ok(()),
            What::Renamed(renames) => {
                for (from, to) in renames {
                    self.renamed(told, from, to)?;
                }
                Ok(())
            }
            What::TablesGone(names) => {
                for name in names {
                    self.table_gone(name)?;
                }
                Ok(())
            }
            What::Schema { statement, session } => {
                let name = statement.schema.clone();
                if is_system_schema(&name) {
                    return Ok(());
                }
                let replaces = statement.verb == ObjectVerb::Create && statement.or_replace;
                let before = self.schemas.remove(&name).or_else(|| {
                    self.scope.catalog.has_schema(&name).then(|| Schema::Baseline(Vec::new()))
                });
                if let Some(after) = Schema::after(before, statement, session) {
                    if after == Schema::Gone || replaces {
                        self.empty(&name);
                    }
                    self.schemas.insert(name.clone(), after);
                    let last = Last { position: told.position.clone(), shown: told.shown.clone(), left_out: None };
                    self.schemas_told.insert(name, last);
                }
                Ok(())
            }
            What::UnclearSchema { schema, reason } => {
                let last =
                    Last { position: told.position.clone(), shown: told.shown.clone(), left_out: Some(reason.clone()) };
                self.schemas.insert(schema.clone(), Schema::Unclear);
                self.schemas_told.insert(schema.clone(), last);
                Ok(())
            }
        }
    }

    /// A schema is dropped: nothing of the baseline in it counts any more.
    fn empty(&mut self, schema: &str) {
        self.views.retain(|name, _| name.schema != schema);
        self.triggers.insert(schema.to_owned(), List::default());
        self.post.insert(schema.to_owned(), List::default());
        self.changed_triggers.insert(schema.to_owned());
        self.changed_post.insert(schema.to_owned());
        let own = self.scope.catalog.tables.keys().filter(|name| name.schema == schema);
        self.changed_tables.extend(own.cloned());
        self.last.retain(|(_, name), _| name.schema != schema);
    }

    fn object(
        &mut self,
        told: &Told,
        step: &Step,
        columns: &BTreeMap<TableName, Vec<String>>,
    ) -> Result<(), EngineError> {
        match step.statement.kind {
            ObjectKind::View => self.view(told, step, columns),
            ObjectKind::Trigger => self.trigger(told, step),
            _ => self.routine(told, step),
        }
    }

    fn unclear(
        &mut self,
        told: &Told,
        kind: Option<ObjectKind>,
        name: &TableName,
        reason: &str,
    ) -> Result<(), EngineError> {
        match kind {
            Some(ObjectKind::View) => drop(self.views.remove(name)),
            Some(ObjectKind::Trigger) => {
                self.load_triggers(&name.schema)?;
                let schema = name.schema.clone();
                if let Some(at) = self.find_trigger(name) {
                    self.remove_trigger(&schema, at);
                }
            }
            _ => {
                self.load_post(&name.schema)?;
                self.changed_post.insert(name.schema.clone());
                if let Some(list) = self.post.get_mut(&name.schema) {
                    let own = |object: &Object| {
                        same(&object.name.table, &name.table)
                            && kind.is_none_or(|kind| object.kind() == Some(kind))
                    };
                    list.objects.retain(|object| !own(object));
                }
            }
        }
        // What kind of routine it is cannot be told.
        self.note((kind.unwrap_or(ObjectKind::Procedure), name.clone()), told, Some(reason.to_owned()));
        Ok(())
    }

    // Views

    fn find_view(&self, name: &TableName) -> Option<TableName> {
        if self.views.contains_key(name) {
            return Some(name.clone());
        }
        let alike = |own: &&TableName| same(&own.schema, &name.schema) && same(&own.table, &name.table);
        self.views.keys().find(alike).cloned()
    }

    fn view(
        &mut self,
        told: &Told,
        step: &Step,
        columns: &BTreeMap<TableName, Vec<String>>,
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
        self.note((ObjectKind::View, name), told, left_out);
        Ok(())
    }

    fn dialect_of(&self, step: &Step) -> SqlDialect {
        match &step.around {
            Around::Session(session) => session.dialect(),
            Around::Baseline { .. } => self.scope.dialect,
        }
    }

    fn read_view(&self, name: &TableName) -> Result<Result<View, String>, EngineError> {
        let files = self.scope.catalog.views.get(name).map(Vec::as_slice).unwrap_or_default();
        let Some(file) = files.iter().find(|file| file.name.contains("-schema-view.sql")) else {
            return Ok(Err("the baseline has no file that makes it".to_owned()));
        };
        let content = self.scope.catalog.bytes(&file.name)?;
        Ok(View::of_file(&content, name, &self.scope.dialect))
    }

    fn renamed(&mut self, told: &Told, from: &TableName, to: &TableName) -> Result<(), EngineError> {
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

    // Triggers

    fn parsed(&self, file: &str, schema: &str, list: &mut List) -> Result<(), EngineError> {
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

    fn wide_triggers(&self, schema: &str) -> Option<&str> {
        self.scope.catalog.schema_file(schema, "-schema-triggers.sql")
    }

    fn load_triggers(&mut self, schema: &str) -> Result<(), EngineError> {
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

    fn find_trigger(&self, name: &TableName) -> Option<usize> {
        let list = self.triggers.get(&name.schema)?;
        list.objects.iter().position(|object| same(&object.name.table, &name.table))
    }

    fn remove_trigger(&mut self, schema: &str, at: usize) {
        let Some(list) = self.triggers.get_mut(schema).filter(|list| at < list.objects.len()) else { return };
        let gone = list.objects.remove(at);
        self.changed_triggers.insert(schema.to_owned());
        self.changed_tables.extend(gone.table);
    }

    fn trigger(&mut self, told: &Told, step: &Step) -> Result<(), EngineError> {
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
        let object = Object { name: statement.name.clone(), table: table.clone(), steps: vec![step.clone()], definer: None };
        let Some(list) = self.triggers.get_mut(schema) else { return Ok(()) };
        let other = statement.place.as_ref().and_then(|place| {
            let at = list.objects.iter().position(|object| same(&object.name.table, &place.other))?;
            Some(if place.before { at } else { at + 1 })
        });
        list.objects.insert(other.unwrap_or(list.objects.len()), object);
        self.changed_triggers.insert(schema.to_owned());
        self.changed_tables.extend(table);
        self.note(key, told, None);
        Ok(())
    }

    fn has_triggers(&self, table: &TableName) -> bool {
        let files = self.scope.catalog.tables.get(table);
        self.triggers.contains_key(&table.schema)
            || self.wide_triggers(&table.schema).is_some()
            || files.is_some_and(|files| !files.triggers.is_empty())
    }

    fn table_renamed(&mut self, told: &Told, from: &TableName, to: &TableName) -> Result<(), EngineError> {
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

    fn table_gone(&mut self, table: &TableName) -> Result<(), EngineError> {
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

    // Routines, packages and events

    fn load_post(&mut self, schema: &str) -> Result<(), EngineError> {
        if self.post.contains_key(schema) {
            return Ok(());
        }
        let mut list = List::default();
        if let Some(file) = self.scope.catalog.schema_file(schema, "-schema-post.sql").map(str::to_owned) {
            self.parsed(&file, schema, &mut list)?;
        }
        self.post.insert(schema.to_owned(), list);
        Ok(())
    }

    fn routine(&mut self, told: &Told, step: &Step) -> Result<(), EngineError> {
        let statement = &step.statement;
        let schema = statement.name.schema.clone();
        self.load_post(&schema)?;
        let Some(list) = self.post.get_mut(&schema) else { return Ok(()) };
        let is = |object: &Object, kind: ObjectKind, name: &str| {
            object.kind() == Some(kind) && same(&object.name.table, name)
        };
        let at = list.objects.iter().position(|object| is(object, statement.kind, &statement.name.table));
        let key = (statement.kind, statement.name.clone());
        let was_left_out = self.last.get(&key).is_some_and(|last| last.left_out.is_some());
        match statement.verb {
            ObjectVerb::Drop => {
                if at.is_none() && !self.last.contains_key(&key) {
                    return Ok(());
                }
                let body = statement.kind == ObjectKind::Package;
                let gone = |object: &Object| {
                    is(object, statement.kind, &statement.name.table)
                        || (body && is(object, ObjectKind::PackageBody, &statement.name.table))
                };
                list.objects.retain(|object| !gone(object));
            }
            ObjectVerb::Create => {
                if at.is_some() && statement.conditional && !statement.or_replace {
                    return Ok(());
                }
                if let Some(at) = at {
                    list.objects.remove(at);
                }
                // A specification that is made anew has no body.
                if statement.kind == ObjectKind::Package {
                    list.objects.retain(|object| !is(object, ObjectKind::PackageBody, &statement.name.table));
                }
                list.objects.push(Object {
                    name: statement.name.clone(),
                    table: None,
                    steps: vec![step.clone()],
                    definer: None,
                });
            }
            ObjectVerb::Alter => {
                let Some(object) = at.and_then(|at| list.objects.get_mut(at)) else {
                    if !was_left_out {
                        self.note(key, told, Some("it is altered, and the baseline does not have it".to_owned()));
                    }
                    return Ok(());
                };
                if statement.says_more {
                    object.steps.push(step.clone());
                } else if let Around::Session(session) = &step.around {
                    object.definer = session.invoker.clone().or(object.definer.take());
                }
                if let Some(to) = &statement.rename_to {
                    let mut object = list.objects.remove(at.unwrap_or_default());
                    object.name = to.clone();
                    self.changed_post.insert(schema.clone());
                    self.load_post(&to.schema)?;
                    if let Some(list) = self.post.get_mut(&to.schema) {
                        list.objects.push(object);
                    }
                    self.changed_post.insert(to.schema.clone());
                    self.note(key, told, None);
                    self.note((statement.kind, to.clone()), told, None);
                    return Ok(());
                }
            }
        }
        self.changed_post.insert(schema);
        self.note(key, told, None);
        Ok(())
    }

    // The result

    fn wanted_schema(&self, schema: &str) -> bool {
        self.has_schema(schema)
            && match self.scope.filter {
                TableFilter::All => true,
                TableFilter::Only(names) => names.iter().any(|name| name.schema == schema),
            }
    }

    fn files(mut self) -> Result<Followed, EngineError> {
        let mut followed = Followed::default();
        let mut schemas: BTreeSet<String> = self.schemas.keys().cloned().collect();
        schemas.extend(self.scope.written.iter().map(|name| name.schema.clone()));
        schemas.extend(self.views.keys().map(|name| name.schema.clone()));
        schemas.retain(|schema| self.wanted_schema(schema));
        for schema in &schemas {
            self.schema_file(schema, &mut followed)?;
            self.trigger_files(schema, &mut followed)?;
            if *self.scope.filter == TableFilter::All {
                self.post_file(schema, &mut followed)?;
            }
        }
        for (name, files) in &self.scope.catalog.sequences {
            let wanted = self.scope.filter.matches(name) && self.has_schema(&name.schema);
            for file in files.iter().filter(|_| wanted && !self.scope.refused.contains(name)) {
                let of = FileOf::Sequence(name.clone());
                followed.files.push(AroundFile { of, content: Content::Copied(file.name.clone()) });
            }
        }
        self.sequence_files(&mut followed)?;
        self.view_files(&mut followed)?;
        self.say(&mut followed);
        Ok(followed)
    }

    fn schema_file(&self, schema: &str, followed: &mut Followed) -> Result<(), EngineError> {
        let own = self.scope.catalog.schema_file(schema, "-schema-create.sql");
        let content = match (self.schemas.get(schema), own) {
            (Some(Schema::Made { create, collation, later }), _) => {
                Content::Written(schemas::made(schema, create, *collation, later))
            }
            (Some(Schema::Baseline(later)), Some(file)) if !later.is_empty() => {
                Content::Written(schemas::altered(schema, self.scope.catalog.bytes(file)?, later))
            }
            (_, Some(file)) => Content::Copied(file.to_owned()),
            (_, None) => return Ok(()),
        };
        followed.files.push(AroundFile { of: FileOf::Schema(schema.to_owned()), content });
        Ok(())
    }

    fn trigger_files(&mut self, schema: &str, followed: &mut Followed) -> Result<(), EngineError> {
        let catalog = self.scope.catalog;
        let wide = self.wide_triggers(schema).map(str::to_owned);
        // A file for all of a schema's tables holds triggers of tables that the result may not have.
        let missing = catalog.tables.keys().any(|name| name.schema == schema && !self.scope.written.contains(name));
        if wide.is_some() && missing {
            self.load_triggers(schema)?;
            self.changed_triggers.insert(schema.to_owned());
        }
        let changed = self.changed_triggers.contains(schema);
        if let Some(file) = &wide
            && !changed
        {
            let of = FileOf::SchemaTriggers(schema.to_owned());
            followed.files.push(AroundFile { of, content: Content::Copied(file.clone()) });
        }
        for name in self.scope.written.iter().filter(|name| name.schema == schema) {
            if self.changed_tables.contains(name) {
                continue;
            }
            for file in catalog.tables.get(name).into_iter().flat_map(|files| &files.triggers) {
                let of = FileOf::TableTriggers(name.clone());
                followed.files.push(AroundFile { of, content: Content::Copied(file.name.clone()) });
            }
        }
        let Some(list) = self.triggers.get(schema).filter(|_| changed || !self.changed_tables.is_empty()) else {
            return Ok(());
        };
        let mut by_table: BTreeMap<TableName, Vec<u8>> = BTreeMap::new();
        let mut all = Vec::new();
        for object in &list.objects {
            let Some(table) = object.table.as_ref().and_then(|table| self.written_table(table)) else { continue };
            if wide.is_some() {
                write_object(object, Some(&table.table), &mut all);
            } else if self.changed_tables.contains(table) {
                write_object(object, Some(&table.table), by_table.entry(table.clone()).or_default());
            }
        }
        for (file, reason) in &list.unreadable {
            let in_use = wide.as_ref() == Some(file)
                || self.changed_tables.iter().any(|name| {
                    catalog.tables.get(name).is_some_and(|files| files.triggers.iter().any(|own| own.name == *file))
                });
            if in_use {
                followed.warnings.push(format!(
                    "the triggers of the baseline's {file} are not in the result: some changed or have no table in it, and the file is not understood: {reason}"
                ));
            }
        }
        if changed && !all.is_empty() {
            let content = Content::Written([list.head.clone(), all].concat());
            followed.files.push(AroundFile { of: FileOf::SchemaTriggers(schema.to_owned()), content });
        }
        for (table, text) in by_table {
            let content = Content::Written([HEAD.to_vec(), text].concat());
            followed.files.push(AroundFile { of: FileOf::TableTriggers(table), content });
        }
        Ok(())
    }

    /// A table of the result, by a name that a trigger knows it by.
    fn written_table(&self, name: &TableName) -> Option<&TableName> {
        let written = self.scope.written;
        written.get(name).or_else(|| {
            written.iter().find(|own| same(&own.schema, &name.schema) && same(&own.table, &name.table))
        })
    }

    fn post_file(&self, schema: &str, followed: &mut Followed) -> Result<(), EngineError> {
        let file = self.scope.catalog.schema_file(schema, "-schema-post.sql");
        let of = FileOf::Post(schema.to_owned());
        let Some(list) = self.post.get(schema).filter(|_| self.changed_post.contains(schema)) else {
            followed.files.extend(file.map(|file| AroundFile { of, content: Content::Copied(file.to_owned()) }));
            return Ok(());
        };
        for (file, reason) in &list.unreadable {
            followed.warnings.push(format!(
                "the routines and events of the baseline's {file} are not in the result: some changed, and the file is not understood: {reason}"
            ));
        }
        let mut text = Vec::new();
        for object in &list.objects {
            write_object(object, None, &mut text);
        }
        if !text.is_empty() {
            let head = if list.head.is_empty() { HEAD.to_vec() } else { list.head.clone() };
            followed.files.push(AroundFile { of, content: Content::Written([head, text].concat()) });
        }
        Ok(())
    }

    /// Sequences that the dump has in the form of tables, and those made since.
    fn sequence_files(&self, followed: &mut Followed) -> Result<(), EngineError> {
        let catalog = self.scope.catalog;
        for (name, (sequence, origin)) in self.scope.sequences {
            let files = origin.and_then(|origin| catalog.tables.get(origin));
            let mut add = |of: FileOf, content: Content| followed.files.push(AroundFile { of, content });
            if sequence.is_baselines() && *origin == Some(name) {
                let files = files.into_iter().flat_map(|files| files.schema.iter().chain(&files.data));
                for file in files {
                    add(FileOf::SequenceTable(name.clone()), Content::Copied(file.name.clone()));
                }
                continue;
            }
            let row = match files.and_then(|files| files.data.first()) {
                Some(file) => row_of_file(&catalog.bytes(&file.name)?),
                None => None,
            };
            let (made, rows) = sequence.files(&name.table, row);
            if sequence.is_altered() {
                followed.warnings.push(format!(
                    "the sequence {name} was altered, and no numbers were taken from it since: the log does not tell from where on it counts, so that it may pass over numbers"
                ));
            }
            let mut add = |of: FileOf, text: Option<Vec<u8>>| {
                followed.files.extend(text.map(|text| AroundFile { of, content: Content::Written(text) }));
            };
            add(FileOf::SequenceTable(name.clone()), made);
            add(FileOf::SequenceRow(name.clone()), rows);
        }
        Ok(())
    }

    fn view_files(&mut self, followed: &mut Followed) -> Result<(), EngineError> {
        let catalog = self.scope.catalog;
        let now = |name: &TableName| self.scope.tables.get(name).cloned().flatten();
        let there = |name: &TableName| self.scope.written.contains(name) || self.scope.sequences.contains_key(name);
        let gone = catalog.tables.keys().any(|name| !there(name))
            || catalog.views.keys().any(|name| !self.views.contains_key(name) || !self.scope.filter.matches(name));
        let check_all = gone || !self.scope.before.is_empty();
        let mut kept: BTreeMap<TableName, Option<View>> = BTreeMap::new();
        let mut left_out: Vec<(TableName, String)> = Vec::new();
        let names: Vec<TableName> = self.views.keys().filter(|name| self.scope.filter.matches(name)).cloned().collect();
        for name in names {
            if !self.wanted_schema(&name.schema) {
                continue;
            }
            let state = self.views.remove(&name);
            match state {
                Some(ViewState::Changed(mut view)) => match view.without_stars(&now) {
                    Ok(()) => drop(kept.insert(name, Some(*view))),
                    Err(reason) => left_out.push((name, reason)),
                },
                Some(ViewState::Baseline) if check_all => {
                    // One that is not understood is copied as it is.
                    let view = self.read_view(&name)?.ok();
                    kept.insert(name.clone(), view);
                    self.views.insert(name, ViewState::Baseline);
                }
                Some(ViewState::Baseline) => {
                    kept.insert(name.clone(), None);
                    self.views.insert(name, ViewState::Baseline);
                }
                None => {}
            }
        }
        // A view of which something is missing is missing to others.
        loop {
            let bad = kept.iter().find_map(|(name, view)| {
                Some((name.clone(), self.hindrance(view.as_ref()?, &kept)?))
            });
            let Some((name, reason)) = bad else { break };
            kept.remove(&name);
            left_out.push((name, reason));
        }
        for (name, view) in &kept {
            if self.views.contains_key(name) {
                for file in catalog.views.get(name).into_iter().flatten() {
                    let of = if file.name.contains("-schema-view.sql") {
                        FileOf::View(name.clone())
                    } else {
                        FileOf::Placeholder(name.clone())
                    };
                    followed.files.push(AroundFile { of, content: Content::Copied(file.name.clone()) });
                }
            } else if let Some(view) = view {
                let columns = |table: &TableName| {
                    now(table).or_else(|| Some(kept.get(table)?.as_ref()?.column_names(&now)))
                };
                let placeholder = Content::Written(view.placeholder(&columns));
                followed.files.push(AroundFile { of: FileOf::Placeholder(name.clone()), content: placeholder });
                followed.files.push(AroundFile { of: FileOf::View(name.clone()), content: Content::Written(view.file()) });
            }
        }
        for (name, reason) in left_out {
            match self.last.get_mut(&(ObjectKind::View, name.clone())) {
                Some(last) => last.left_out = Some(reason),
                None => {
                    followed.warnings.push(format!("the view {name} is not in the result: {reason}"));
                    followed.objects.push(PlannedObject {
                        kind: ObjectKind::View.sql().to_owned(),
                        name,
                        action: ObjectAction::LeftOut,
                        position: None,
                        reason: Some(reason),
                    });
                }
            }
        }
        Ok(())
    }

    /// Why a view cannot be made from what is in the result.
    fn hindrance(&self, view: &View, kept: &BTreeMap<TableName, Option<View>>) -> Option<String> {
        let same_name = |a: &TableName, b: &TableName| same(&a.schema, &b.schema) && same(&a.table, &b.table);
        if let Some(other) = view.other_schema()
            && !self.has_schema(other)
            && !is_system_schema(other)
        {
            return Some(format!("its session was in the schema {other}, which is not in the result"));
        }
        for read in &view.query.tables {
            let there = self.written_table(read).is_some()
                || kept.keys().any(|name| same_name(name, read))
                || self.scope.sequences.contains_key(read)
                || self.scope.catalog.sequences.contains_key(read);
            if !there && self.scope.catalog.has_schema(&read.schema) {
                return Some(format!("it reads {read}, which is not in the result"));
            }
        }
        // A column that is gone, unless another table has one of this name.
        let known = |read: &TableName| self.scope.tables.get(read).cloned().flatten();
        let present: BTreeSet<String> =
            view.query.tables.iter().filter_map(known).flatten().map(|column| column.to_lowercase()).collect();
        for read in &view.query.tables {
            let then = view.columns.get(read).or_else(|| self.scope.before.get(read));
            for column in then.into_iter().flatten() {
                let used = view.query.words.iter().any(|word| same(word, column));
                if used && known(read).is_some() && !present.contains(&column.to_lowercase()) {
                    return Some(format!("it uses the column `{column}` of {read}, which is gone"));
                }
            }
        }
        None
    }

    /// What became of what the window's statements were about.
    fn say(&self, followed: &mut Followed) {
        let written_views: BTreeSet<&TableName> = followed
            .files
            .iter()
            .filter_map(|file| if let FileOf::View(name) = &file.of { Some(name) } else { None })
            .collect();
        let mut objects = Vec::new();
        for ((kind, name), last) in &self.last {
            if !self.wanted_schema(&name.schema) {
                continue;
            }
            let there = match kind {
                ObjectKind::View => written_views.contains(name),
                ObjectKind::Trigger => self.find_trigger(name).is_some_and(|at| {
                    let object = self.triggers.get(&name.schema).and_then(|list| list.objects.get(at));
                    object.and_then(|object| object.table.as_ref()).is_some_and(|table| self.written_table(table).is_some())
                }),
                _ => self.post.get(&name.schema).is_some_and(|list| {
                    list.objects.iter().any(|object| object.kind() == Some(*kind) && same(&object.name.table, &name.table))
                }),
            };
            let action = match (&last.left_out, there) {
                (Some(_), _) => ObjectAction::LeftOut,
                (None, true) => ObjectAction::Written,
                (None, false) => ObjectAction::Dropped,
            };
            if let Some(reason) = &last.left_out {
                followed.warnings.push(format!(
                    "the {} {name} is not in the result: {reason}; the statement at {} is `{}`",
                    kind.sql().to_lowercase(),
                    last.position,
                    last.shown
                ));
            }
            objects.push(PlannedObject {
                kind: kind.sql().to_owned(),
                name: name.clone(),
                action,
                position: Some(last.position.clone()),
                reason: last.left_out.clone(),
            });
        }
        for (schema, last) in &self.schemas_told {
            let gone = self.schemas.get(schema) == Some(&Schema::Gone);
            if let Some(reason) = &last.left_out {
                followed.warnings.push(format!(
                    "the definition of the schema {schema} is the baseline's: {reason}; the statement at {} is `{}`",
                    last.position, last.shown
                ));
            }
            objects.push(PlannedObject {
                kind: "DATABASE".to_owned(),
                name: TableName::new(schema.clone(), schema.clone()),
                action: if gone { ObjectAction::Dropped } else { ObjectAction::Written },
                position: Some(last.position.clone()),
                reason: last.left_out.clone(),
            });
        }
        followed.objects.extend(objects);
    }
}

const HEAD: &[u8] = b"/*!40101 SET NAMES utf8mb4*/;\n";

fn write_object(object: &Object, table: Option<&str>, out: &mut Vec<u8>) {
    let Some(kind) = object.kind() else { return };
    let name = object.name.table.as_str();
    // MariaDB knows DROP PACKAGE in Oracle's mode only, and drops nothing that is not there.
    if !matches!(kind, ObjectKind::Package | ObjectKind::PackageBody) {
        out.extend_from_slice(format!("DROP {} IF EXISTS `{}`;\n", kind.sql(), name.replace('`', "``")).as_bytes());
    }
    for (number, step) in object.steps.iter().enumerate() {
        let other_definer = object.definer.as_deref().filter(|_| number == 0);
        step.write(ObjectNames { name, table, definer: None, other_definer, schema: None }, out);
    }
}
