//! The baseline's objects through the window's statements, and the files that follow from it.

mod result;

use std::collections::{BTreeMap, BTreeSet};

use backtrail_domain::{BinlogPosition, TableFilter, TableName};
use backtrail_schema::{ObjectKind, ObjectStatement, ObjectVerb, SqlDialect};

use super::files::{Object, Parsed, parse};
use super::schemas::Schema;
use super::sequences::Sequence;
use super::source::{Around, Step};
use super::told::{Told, What};
use super::views::View;
use super::{AroundFile, PlannedObject};
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
    /// What the result has although there may have been another one of that name.
    doubts: Vec<String>,
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
        doubts: Vec::new(),
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

    /// `IF NOT EXISTS` of something that the baseline lacks did nothing if the server had it all the same: a dump can be
    /// made without objects of its kind. Where nothing says that this one was not, the result has it with a warning.
    fn note_made(&mut self, key: Key, told: &Told, statement: &ObjectStatement) -> Result<(), EngineError> {
        let (kind, name) = &key;
        let made_here = matches!(self.schemas.get(&name.schema), Some(Schema::Made { .. }));
        let sure = !statement.conditional
            || statement.or_replace
            || made_here
            || self.last.get(&key).is_some_and(|last| last.left_out.is_none())
            || self.baseline_shows(*kind)?;
        if !sure {
            self.doubts.push(format!(
                "the {kind} {name} is in the result as `{}` at {} makes it; the baseline has no {kind} at all: if it was \
                 dumped without them and there was one of this name, the statement did nothing",
                told.shown,
                told.position,
                kind = kind.sql().to_lowercase(),
            ));
        }
        self.note(key, told, None);
        Ok(())
    }

    /// Whether the dump has anything of a kind, so that it was made with such objects. Functions and procedures are dumped
    /// together.
    fn baseline_shows(&self, kind: ObjectKind) -> Result<bool, EngineError> {
        let catalog = self.scope.catalog;
        let of_kind = |object: &Object| match kind {
            ObjectKind::Function | ObjectKind::Procedure => {
                matches!(object.kind(), Some(ObjectKind::Function | ObjectKind::Procedure))
            }
            kind => object.kind() == Some(kind),
        };
        match kind {
            ObjectKind::View => Ok(!catalog.views.is_empty()),
            ObjectKind::Trigger => Ok(catalog.tables.values().any(|files| !files.triggers.is_empty())
                || catalog.schemas.keys().any(|schema| self.wide_triggers(schema).is_some())),
            _ => {
                for schema in catalog.schemas.keys() {
                    let Some(file) = catalog.schema_file(schema, "-schema-post.sql") else { continue };
                    let parsed = parse(&catalog.bytes(file)?, schema, &self.scope.dialect);
                    if parsed.is_ok_and(|parsed| parsed.objects.iter().any(of_kind)) {
                        return Ok(true);
                    }
                }
                Ok(false)
            }
        }
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
                let before = self
                    .schemas
                    .remove(&name)
                    .or_else(|| self.scope.catalog.has_schema(&name).then(|| Schema::Baseline(Vec::new())));
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
                        same(&object.name.table, &name.table) && kind.is_none_or(|kind| object.kind() == Some(kind))
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
        match statement.verb {
            ObjectVerb::Create => self.note_made(key, told, statement)?,
            ObjectVerb::Drop | ObjectVerb::Alter => self.note(key, told, None),
        }
        Ok(())
    }
}
