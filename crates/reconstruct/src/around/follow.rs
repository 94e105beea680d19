//! The baseline's objects through the window's statements, and the files that follow from it.

mod alike;
mod routines;
mod triggers;
mod unclear;
mod views;

mod result;
mod say;
mod sequences;

use std::collections::{BTreeMap, BTreeSet};

use backtrail_domain::{BinlogPosition, TableFilter, TableName, lowered_name};
use backtrail_schema::{ObjectKind, ObjectStatement, ObjectVerb, SqlDialect};

use super::characters::Part;
use super::columns::Columns;
use super::files::{Object, parse};
use super::schemas::Schema;
use super::sequences::Sequence;
use super::source::Step;
use super::told::{Rename, Told, Unclear, What};
use super::views::View;
use super::{AroundFile, PlannedObject};
use crate::EngineError;
use crate::input::baseline::Catalog;
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
    /// The tables that there are, with their columns; None where they are not known.
    pub(crate) tables: &'a BTreeMap<TableName, Option<Columns>>,
    /// The sequences that there are, and under which name the baseline has each.
    pub(crate) sequences: &'a BTreeMap<TableName, (&'a Sequence, Option<&'a TableName>)>,
    /// The columns of tables of the baseline whose definition changed, as they were.
    pub(crate) before: &'a BTreeMap<TableName, Columns>,
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

/// Kind, schema and folded name.
type FoldedKey = (ObjectKind, String, String);

/// What was last said about an object.
struct Last {
    name: TableName,
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
    last: BTreeMap<FoldedKey, Last>,
    /// The last statement about a sequence, or that renamed something.
    tables_told: BTreeMap<TableName, (BinlogPosition, bool)>,
    schemas_told: BTreeMap<String, Last>,
    /// What the result has although there may have been another one of that name.
    doubts: Vec<String>,
    /// Names of views, and on MariaDB those of triggers, that differ in their letters' case are two.
    tells_case: bool,
    /// The kinds of routines and events of which the dump has any.
    dumped: Option<BTreeSet<ObjectKind>>,
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
        tables_told: BTreeMap::new(),
        schemas_told: BTreeMap::new(),
        doubts: Vec::new(),
        tells_case: alike::tells_case(scope.catalog),
        dumped: None,
    };
    for told in told {
        follower.take(told)?;
    }
    follower.files()
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
        let folded = self.key(&key);
        let (position, shown) = (told.position.clone(), told.shown.clone());
        self.last.insert(folded, Last { name: key.1, position, shown, left_out });
    }

    fn key(&self, (kind, name): &Key) -> FoldedKey {
        (*kind, name.schema.clone(), self.folded(*kind, &name.table))
    }

    fn last_of(&self, key: &Key) -> Option<&Last> {
        self.last.get(&self.key(key))
    }

    /// `IF NOT EXISTS` of something that the baseline lacks did nothing if the server had it all the same: a dump can be
    /// made without objects of its kind. Where nothing says that this one was not, the result has it with a warning.
    fn note_made(&mut self, key: Key, told: &Told, statement: &ObjectStatement) -> Result<(), EngineError> {
        let (kind, name) = &key;
        let made_here = matches!(self.schemas.get(&name.schema), Some(Schema::Made { .. }));
        let sure = !statement.conditional
            || statement.or_replace
            || made_here
            || self.last_of(&key).is_some_and(|last| last.left_out.is_none())
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
    fn baseline_shows(&mut self, kind: ObjectKind) -> Result<bool, EngineError> {
        let catalog = self.scope.catalog;
        match kind {
            ObjectKind::View => Ok(!catalog.views.is_empty()),
            ObjectKind::Trigger => Ok(catalog.tables.values().any(|files| !files.triggers.is_empty())
                || catalog.schemas.keys().any(|schema| self.wide_triggers(schema).is_some())),
            _ => {
                let dumped = match self.dumped.take() {
                    Some(dumped) => dumped,
                    None => self.dumped_kinds()?,
                };
                let shows = match kind {
                    ObjectKind::Function | ObjectKind::Procedure => {
                        dumped.contains(&ObjectKind::Function) || dumped.contains(&ObjectKind::Procedure)
                    }
                    kind => dumped.contains(&kind),
                };
                self.dumped = Some(dumped);
                Ok(shows)
            }
        }
    }

    fn dumped_kinds(&self) -> Result<BTreeSet<ObjectKind>, EngineError> {
        let catalog = self.scope.catalog;
        let mut kinds = BTreeSet::new();
        for schema in catalog.schemas.keys() {
            let Some(file) = catalog.schema_file(schema, "-schema-post.sql") else { continue };
            if let Ok(parsed) = parse(&catalog.bytes(file)?, schema, &self.scope.dialect) {
                kinds.extend(parsed.objects.iter().filter_map(Object::kind));
            }
        }
        Ok(kinds)
    }

    fn take(&mut self, told: &Told) -> Result<(), EngineError> {
        match &told.what {
            What::Object { step, columns, failed } if self.has_schema(&step.statement.name.schema) => {
                self.object(told, step, columns, *failed)
            }
            What::Object { step, .. } => {
                let statement = &step.statement;
                let like = |own: &&String| lowered_name(own) == lowered_name(&statement.name.schema);
                let schema = self.scope.catalog.schemas.keys().find(like).filter(|_| !self.tells_case).cloned();
                let Some(schema) = schema else { return Ok(()) };
                // The server may take it for this one.
                let unclear = Unclear {
                    kind: Some(statement.kind),
                    schema: Part::Known(schema.clone()),
                    name: Part::Known(statement.name.table.clone()),
                    makes: statement.verb != ObjectVerb::Drop,
                    reason: alike::may_be(&TableName::new(schema, &statement.name.table)),
                };
                self.unclear(told, &unclear)
            }
            What::Unclear(unclear) => self.unclear(told, unclear),
            What::Sequence(names) => {
                for name in names {
                    self.tables_told.insert(name.clone(), (told.position.clone(), true));
                }
                Ok(())
            }
            What::Renamed(renames) => {
                for rename in renames {
                    let Rename { from, to, .. } = rename;
                    if let Some((_, sequence)) = self.tables_told.get(from) {
                        let sequence = *sequence;
                        self.tables_told.insert(from.clone(), (told.position.clone(), sequence));
                    }
                    self.tables_told.insert(to.clone(), (told.position.clone(), false));
                    self.renamed(told, rename)?;
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
                let was = before.clone();
                if let Some(after) = Schema::after(before, statement, session) {
                    if after == Schema::Gone || replaces {
                        self.empty(&name);
                    }
                    // What was not understood once is not known again until the schema is made anew.
                    let changes = was.as_ref() != Some(&after) || replaces;
                    self.schemas.insert(name.clone(), after);
                    if changes {
                        self.note_schema(&name, told, None);
                    }
                }
                Ok(())
            }
            What::UnclearSchema { schema, reason, drops } => {
                self.unclear_schema(told, schema, reason, *drops);
                Ok(())
            }
        }
    }

    fn note_schema(&mut self, schema: &str, told: &Told, left_out: Option<String>) {
        let name = TableName::new(schema, schema);
        let last = Last { name, position: told.position.clone(), shown: told.shown.clone(), left_out };
        self.schemas_told.insert(schema.to_owned(), last);
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
        self.last.retain(|(_, own, _), _| own != schema);
    }

    fn object(
        &mut self,
        told: &Told,
        step: &Step,
        columns: &BTreeMap<TableName, Columns>,
        failed: bool,
    ) -> Result<(), EngineError> {
        match step.statement.kind {
            ObjectKind::View => self.view(told, step, columns, failed),
            ObjectKind::Trigger => self.trigger(told, step),
            _ => self.routine(told, step),
        }
    }
}
