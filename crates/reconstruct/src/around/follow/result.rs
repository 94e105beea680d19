//! The files of the result that follow from what became of the baseline's objects.

use std::collections::{BTreeMap, BTreeSet};

use backtrail_domain::{TableFilter, TableName};
use backtrail_schema::{ObjectKind, ObjectNames, quoted_name};

use super::super::columns::Columns;
use super::super::files::{Object, has_ansi_quotes};
use super::super::schemas::{self, Schema};
use super::super::views::View;
use super::super::{AroundFile, Content, FileOf, ObjectAction, PlannedObject};
use super::{Followed, Follower, ViewState};
use crate::EngineError;
use crate::scan::is_system_schema;

impl Follower<'_> {
    pub(super) fn wanted_schema(&self, schema: &str) -> bool {
        self.has_schema(schema)
            && match self.scope.filter {
                TableFilter::All => true,
                TableFilter::Only(names) => names.iter().any(|name| name.schema == schema),
            }
    }

    pub(super) fn files(mut self) -> Result<Followed, EngineError> {
        let mut followed = Followed::default();
        let mut schemas: BTreeSet<String> = self.schemas.keys().cloned().collect();
        schemas.extend(self.scope.written.iter().map(|name| name.schema.clone()));
        schemas.extend(self.views.keys().map(|name| name.schema.clone()));
        schemas.retain(|schema| self.wanted_schema(schema));
        for schema in &schemas {
            self.mend_quotes(schema)?;
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

    /// Has the files written anew that would not load as they are: mydumper does not set the SQL mode in which a server shows
    /// a routine or a trigger.
    fn mend_quotes(&mut self, schema: &str) -> Result<(), EngineError> {
        let catalog = self.scope.catalog;
        if let Some(file) = catalog.schema_file(schema, "-schema-post.sql")
            && has_ansi_quotes(&catalog.bytes(file)?)
        {
            self.load_post(schema)?;
            self.changed_post.insert(schema.to_owned());
        }
        if let Some(file) = self.wide_triggers(schema)
            && has_ansi_quotes(&catalog.bytes(file)?)
        {
            self.load_triggers(schema)?;
            self.changed_triggers.insert(schema.to_owned());
        }
        for (name, files) in catalog.tables.iter().filter(|(name, _)| name.schema == schema) {
            for file in &files.triggers {
                if has_ansi_quotes(&catalog.bytes(&file.name)?) {
                    self.load_triggers(schema)?;
                    self.changed_triggers.insert(schema.to_owned());
                    self.changed_tables.insert(name.clone());
                }
            }
        }
        Ok(())
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
        let Some(list) =
            self.triggers.get(schema).filter(|_| changed || (wide.is_none() && !self.changed_tables.is_empty()))
        else {
            return Ok(());
        };
        // Every loader takes a file for each table; one for all of a schema's, only later ones.
        let mut by_table: BTreeMap<TableName, Vec<u8>> = BTreeMap::new();
        for object in &list.objects {
            let Some(table) = object.table.as_ref().and_then(|table| self.written_table(table)) else { continue };
            if wide.is_some() || self.changed_tables.contains(table) {
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
        for (table, text) in by_table {
            let content = Content::Written([HEAD.to_vec(), text].concat());
            followed.files.push(AroundFile { of: FileOf::TableTriggers(table), content });
        }
        Ok(())
    }

    /// A table of the result, by a name that a trigger knows it by.
    pub(super) fn written_table(&self, name: &TableName) -> Option<&TableName> {
        let scope = self.scope;
        let another = scope.tables.contains_key(name) || scope.catalog.tables.contains_key(name);
        let like = || scope.written.iter().find(|own| !another && !self.tells_case && is_like(own, name));
        scope.written.get(name).or_else(like)
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

    fn view_files(&mut self, followed: &mut Followed) -> Result<(), EngineError> {
        let catalog = self.scope.catalog;
        let now = |name: &TableName| Some(self.scope.tables.get(name)?.as_ref()?.visible().to_vec());
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
                    Ok(()) => match self.changed_behind_star(&name, &view) {
                        Some(reason) => left_out.push((name, reason)),
                        None => drop(kept.insert(name, Some(*view))),
                    },
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
            let bad = kept.iter().find_map(|(name, view)| Some((name.clone(), self.hindrance(view.as_ref()?, &kept)?)));
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
                let columns =
                    |table: &TableName| now(table).or_else(|| Some(kept.get(table)?.as_ref()?.column_names(&now)));
                let placeholder = Content::Written(view.placeholder(&columns));
                followed.files.push(AroundFile { of: FileOf::Placeholder(name.clone()), content: placeholder });
                followed
                    .files
                    .push(AroundFile { of: FileOf::View(name.clone()), content: Content::Written(view.file()) });
            }
        }
        for (name, reason) in left_out {
            let key = self.key(&(ObjectKind::View, name.clone()));
            match self.last.get_mut(&key) {
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

    /// Why what a `*` of a view stands for cannot be told: it is over a view that changed since.
    fn changed_behind_star(&self, name: &TableName, view: &View) -> Option<String> {
        let since = |name: &TableName| Some(&self.last_of(&(ObjectKind::View, name.clone()))?.position);
        let own = since(name)?;
        let read = view.query.tables.iter().filter(|_| view.keeps_star).find(|read| since(read) > Some(own))?;
        Some(format!("what `*` stands for in it cannot be told, and {read}, which it reads, changed"))
    }

    /// Why a view cannot be made from what is in the result.
    fn hindrance(&self, view: &View, kept: &BTreeMap<TableName, Option<View>>) -> Option<String> {
        if let Some(other) = view.other_schema()
            && !self.has_schema(other)
            && !is_system_schema(other)
        {
            return Some(format!("its session was in the schema {other}, which is not in the result"));
        }
        for read in &view.query.tables {
            let there = self.written_table(read).is_some()
                || kept.contains_key(read)
                || (!self.tells_case
                    && !self.scope.catalog.views.contains_key(read)
                    && self.last_of(&(ObjectKind::View, read.clone())).is_none()
                    && kept.keys().any(|name| is_like(name, read)))
                || self.scope.sequences.contains_key(read)
                || self.scope.catalog.sequences.contains_key(read);
            if !there && self.scope.catalog.has_schema(&read.schema) {
                return Some(format!("it reads {read}, which is not in the result"));
            }
        }
        // A column that is gone, unless another table has one of this name.
        let known = |read: &TableName| self.scope.tables.get(read)?.as_ref();
        let present: BTreeSet<String> = view
            .query
            .tables
            .iter()
            .filter_map(known)
            .flat_map(Columns::names)
            .map(|column| column.to_lowercase())
            .collect();
        for read in &view.query.tables {
            let then = view.columns.get(read).or_else(|| self.scope.before.get(read));
            for column in then.into_iter().flat_map(Columns::names) {
                let used = view.query.words.iter().any(|word| word.to_lowercase() == column.to_lowercase());
                if used && known(read).is_some() && !present.contains(&column.to_lowercase()) {
                    return Some(format!("it uses the column `{column}` of {read}, which is gone"));
                }
            }
        }
        None
    }
}

fn is_like(a: &TableName, b: &TableName) -> bool {
    a.lowered() == b.lowered()
}

const HEAD: &[u8] = b"/*!40101 SET NAMES utf8mb4*/;\n";

fn write_object(object: &Object, table: Option<&str>, out: &mut Vec<u8>) {
    let Some(kind) = object.kind() else { return };
    let name = object.name.table.as_str();
    // MariaDB knows DROP PACKAGE in Oracle's mode only, and drops nothing that is not there.
    if !matches!(kind, ObjectKind::Package | ObjectKind::PackageBody) {
        out.extend_from_slice(format!("DROP {} IF EXISTS {};\n", kind.sql(), quoted_name(name)).as_bytes());
    }
    for (number, step) in object.steps.iter().enumerate() {
        let other_definer = object.definer.as_deref().filter(|_| number == 0);
        step.write(ObjectNames { name, table, definer: None, other_definer, schema: None }, out);
    }
}
