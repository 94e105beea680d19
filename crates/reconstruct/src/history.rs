//! What became of the baseline's tables, and of those made later, statement by statement.
//!
//! A name means different tables at different times; a [`Tracked`] table keeps its number through every RENAME. What a
//! statement did can be undone, until its transaction is known to be in the window.

mod alter;
pub(crate) mod collations;
mod create;
pub(crate) mod definition;
mod empty;
pub(crate) mod life;
mod names_by_case;
mod rename;
pub(crate) mod schema_defaults;
pub(crate) mod schema_file;
pub(crate) mod session;

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use backtrail_domain::{BinlogPosition, TableName, lowered_name};
use backtrail_schema::{ColumnType, Ddl, DdlVerb, SqlDialect, TableShape, read_schema_statement};

use crate::around::Columns;
use crate::around::sequences::Sequence;
use crate::history::collations::name_of;
use crate::history::definition::{Base, Definition, Step, statements};
use crate::history::life::{Began, Era, Life};
use crate::history::names_by_case::NamesByCase;
use crate::history::schema_defaults::Defaults;
use crate::input::baseline::Catalog;
use crate::input::baseline::Shapes;
use crate::io::{Baseline, NameCase};
use crate::plan::facts::{LATER_BASELINE, Obstacle, statement_text};
use crate::scan::pending::{Touched, TouchedRows, is_transactional};
use crate::scan::statement::StatementText;
use crate::scan::xa::Origin;

/// A table that is followed.
#[derive(Debug, Clone)]
pub(crate) struct Tracked {
    /// Its last name, also where its definition is not known.
    pub(crate) name: TableName,
    pub(crate) life: Life,
    /// Row events that committed, in whatever era.
    pub(crate) committed: u64,
    /// What stands in the way of rebuilding it.
    pub(crate) obstacle: Option<Obstacle>,
    /// Why its shape is not known, where it is not.
    pub(crate) unreadable: Option<String>,
    /// The first event that changed rows.
    pub(crate) first_row_event: Option<BinlogPosition>,
    /// What ended it: it was dropped, emptied or replaced.
    pub(crate) ended: Option<Began>,
    /// Where foreign keys first may have changed its rows without an event.
    pub(crate) cascaded: Option<BinlogPosition>,
    /// Images of updated rows lack values that only the rows before have.
    pub(crate) partial: bool,
    /// What a sequence went through.
    pub(crate) sequence: Option<Sequence>,
}

impl Tracked {
    /// A table to which nothing has happened yet.
    fn new(name: &TableName, life: Life) -> Self {
        Self {
            name: name.clone(),
            life,
            committed: 0,
            obstacle: None,
            unreadable: None,
            first_row_event: None,
            ended: None,
            cascaded: None,
            partial: false,
            sequence: None,
        }
    }

    pub(crate) fn row_events(&self) -> u64 {
        self.life.eras.iter().map(|era| era.row_events).sum()
    }

    /// The tables that its foreign keys name at present.
    fn parents(&self) -> Vec<TableName> {
        let keys = self.life.last().map(|era| era.shape.foreign_keys.as_slice()).unwrap_or_default();
        keys.iter().map(|key| key.parent.clone()).collect()
    }

    /// The columns that `*` stands for at present, where they are known.
    pub(crate) fn columns(&self) -> Option<Columns> {
        let era = self.life.last().filter(|_| self.unreadable.is_none())?;
        Some(Columns::of(&era.shape))
    }
}

/// From a moment on, a name means this table in this era, or none.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Binding {
    pub(crate) moment: u64,
    pub(crate) name: TableName,
    pub(crate) means: Option<(usize, usize)>,
}

/// A statement and where it stands.
pub(crate) struct Told<'a> {
    pub(crate) statement: &'a StatementText<'a>,
    pub(crate) position: BinlogPosition,
    /// The number of its event within the window.
    pub(crate) moment: u64,
}

impl Told<'_> {
    fn obstacle(&self, reason: impl Into<String>) -> Obstacle {
        Obstacle {
            position: self.position.clone(),
            statement: Some(statement_text(self.statement.text.as_bytes())),
            reason: reason.into(),
            remedy: LATER_BASELINE,
        }
    }

    fn began(&self) -> Option<Began> {
        Some(Began { position: self.position.clone(), statement: statement_text(self.statement.text.as_bytes()) })
    }

    fn step(&self, ddl: &Ddl) -> Step {
        Step {
            text: self.statement.text.clone(),
            ddl: ddl.clone(),
            dialect: self.statement.dialect,
            session: self.statement.session(),
            schema_options: None,
        }
    }
}

pub(crate) const OTHER_CHARACTERS: &str = "the statement holds characters that are not read here: neither UTF-8, nor letters of its client's character set alone";

const OTHER_TEXTS: &str = "the statement holds texts beyond ASCII that would be others where it is written in UTF-8: its client, or the connection, \
     is in another character set";

/// Where the server tells the two apart, such a statement did nothing; where it does not, it did. (Without a condition it
/// would have failed, and not be in the log.)
const OTHER_CASE: &str = "a statement names it, or its schema, in other letters, small for capital or the reverse: whether the \
     server tells the two apart is not known";

enum Undo {
    Name(TableName, Option<Option<usize>>),
    Bindings(usize),
    /// What a tracked table was like.
    Tracked(usize, Box<Tracked>),
}

/// What a statement ended, until it is known whether it counts.
#[derive(Debug, Default)]
struct Ended {
    tables: Vec<usize>,
    names: Vec<TableName>,
}

/// All tables through the window.
pub(crate) struct History<'a> {
    catalog: &'a Catalog<'a>,
    shapes: &'a Shapes,
    dialect: SqlDialect,
    pub(crate) tracked: Vec<Tracked>,
    /// Names that have been looked up or changed; others are the baseline's.
    names: HashMap<TableName, Option<usize>>,
    /// The baseline's names and those.
    by_case: NamesByCase,
    /// How the server tells names apart, where that is known.
    name_case: Option<NameCase>,
    ended: Ended,
    pub(crate) bindings: Vec<Binding>,
    undo: Vec<Undo>,
    /// By schema: see [`History::table_options`].
    table_options: HashMap<String, Option<String>>,
    /// Tables that foreign keys change along with a parent; made anew when definitions have changed.
    children: Option<BTreeMap<TableName, Vec<TableName>>>,
}

impl<'a> History<'a> {
    pub(crate) fn new(catalog: &'a Catalog<'a>, shapes: &'a Shapes, dialect: SqlDialect) -> Self {
        let by_case: NamesByCase = catalog.tables.keys().collect();
        Self {
            name_case: if by_case.has_pair() { Some(NameCase::Distinct) } else { catalog.source.name_case() },
            catalog,
            shapes,
            dialect,
            tracked: Vec::new(),
            names: HashMap::new(),
            by_case,
            ended: Ended::default(),
            bindings: Vec::new(),
            undo: Vec::new(),
            table_options: HashMap::new(),
            children: None,
        }
    }

    /// The table that a name means now.
    pub(crate) fn find(&mut self, name: &TableName) -> Option<usize> {
        if let Some(known) = self.names.get(name) {
            return *known;
        }
        self.catalog.tables.get(name)?;
        let shape = match (self.shapes.known.get(name), self.shapes.unreadable.get(name)) {
            (Some(shape), _) => Ok(shape.clone()),
            (None, Some(problem)) => Err(problem.to_string()),
            (None, None) => match self.catalog.shape(name, &self.dialect) {
                Ok(Ok(shape)) => Ok(shape),
                Ok(Err(problem)) => Err(problem.to_string()),
                Err(problem) => Err(problem.to_string()),
            },
        };
        let mut of_file = None;
        let shape = shape.or_else(|problem| {
            let file = self.catalog.tables.get(name).and_then(|files| files.schema.as_ref());
            let text = file.and_then(|file| self.catalog.text(&file.name).ok());
            let made = text.and_then(|text| Sequence::of_file(name, &text, &self.dialect));
            let (sequence, shape) = made.ok_or(problem)?;
            of_file = Some(sequence);
            Ok::<_, String>(shape)
        });
        let (eras, unreadable) = match shape {
            Ok(shape) => (vec![first_era(name, shape, None)], None),
            Err(problem) => (Vec::new(), Some(problem)),
        };
        let life = Life {
            origin: Some(name.clone()),
            eras,
            definition: Definition::new(Base::Baseline(name.clone(), self.dialect)),
        };
        let id = self.tracked.len();
        let sequence = of_file
            .or_else(|| life.last().filter(|era| era.shape.sequence).and_then(|era| Sequence::of_shape(&era.shape)));
        self.tracked.push(Tracked { unreadable, sequence, ..Tracked::new(name, life) });
        self.names.insert(name.clone(), Some(id));
        Some(id)
    }

    /// The columns that `*` stands for in a query of this table, where they are known.
    pub(crate) fn columns(&mut self, name: &TableName) -> Option<Columns> {
        let name = self.resolve(name);
        let id = self.find(&name)?;
        self.tracked.get(id)?.columns()
    }

    /// The name by which a table is known here: as given, else the one that differs in nothing but case, since on some
    /// servers (`lower_case_table_names`) case does not count and statements are logged as typed.
    pub(crate) fn resolve(&mut self, name: &TableName) -> TableName {
        if self.find(name).is_some() || self.name_case == Some(NameCase::Distinct) {
            return name.clone();
        }
        let there = |other: &&TableName| match self.names.get(*other) {
            Some(means) => means.is_some(),
            None => self.catalog.tables.contains_key(*other),
        };
        self.by_case.alike(name).find(there).cloned().unwrap_or_else(|| name.clone())
    }

    /// The server keeps names in small letters.
    pub(crate) fn lowers_names(&self) -> bool {
        self.name_case == Some(NameCase::Lowered)
    }

    /// A statement with its names as the server keeps them.
    pub(crate) fn as_kept(&self, ddl: Ddl) -> Ddl {
        if self.lowers_names() { ddl.lowered() } else { ddl }
    }

    /// A table's shape with its names as the server keeps them.
    fn shape_as_kept(&self, shape: TableShape) -> TableShape {
        if !self.lowers_names() {
            return shape;
        }
        let mut shape = shape.renamed(shape.name.lowered());
        shape.foreign_keys.iter_mut().for_each(|key| key.parent = key.parent.lowered());
        shape
    }

    /// The table that a server may mean which does not tell case apart (`lower_case_table_names`), where there is none of
    /// this very name: it writes the names of statements as typed and those of rows in small letters.
    pub(crate) fn in_other_case(&mut self, name: &TableName) -> Option<usize> {
        if self.name_case == Some(NameCase::Distinct) {
            return None;
        }
        let other = self.resolve(name);
        if other == *name { None } else { self.find(&other) }
    }

    /// A table of this name is made: what it may take the place of cannot be told then.
    fn may_replace(&mut self, name: &TableName, told: &Told<'_>) {
        if self.find(name).is_none()
            && let Some(other) = self.in_other_case(name)
        {
            self.obstruct(other, told.obstacle(OTHER_CASE));
        }
    }

    /// Whether the schema of a name is known in other letters only.
    fn is_in_other_schema(&self, name: &TableName) -> bool {
        let known = |schema: &str| schema != name.schema && lowered_name(schema) == lowered_name(&name.schema);
        !matches!(self.name_case, Some(NameCase::Distinct | NameCase::Lowered))
            && !self.catalog.has_schema(&name.schema)
            && self.catalog.tables.keys().any(|table| known(&table.schema))
    }

    /// Why it cannot be told which tables these are, which foreign keys name.
    fn doubtful_parent(&mut self, parents: &[TableName]) -> Option<String> {
        let doubtful = |parent: &&TableName| self.find(parent).is_none() && self.in_other_case(parent).is_some();
        let parent = parents.iter().find(doubtful)?;
        Some(format!(
            "a foreign key names its parent {parent} in other letters than it has, small for capital or the reverse: whether \
             the server tells the two apart is not known"
        ))
    }

    /// The tables there are now, by name.
    pub(crate) fn present(&mut self) -> BTreeMap<TableName, usize> {
        let baseline: Vec<TableName> = self.catalog.tables.keys().cloned().collect();
        for name in baseline {
            self.find(&name);
        }
        self.names.iter().filter_map(|(name, id)| id.map(|id| (name.clone(), id))).collect()
    }

    /// The names of the tables there are now in a schema.
    fn names_in(&self, schema: &str) -> Vec<TableName> {
        let same = |name: &&TableName| name.schema.eq_ignore_ascii_case(schema);
        let untouched = self.catalog.tables.keys().filter(|name| !self.names.contains_key(*name));
        let known = self.names.iter().filter(|(_, id)| id.is_some()).map(|(name, _)| name);
        untouched.chain(known).filter(same).cloned().collect()
    }

    /// Tells definitions whether foreign keys of the present tables point to them.
    pub(crate) fn mark_parents(&mut self, present: &BTreeMap<TableName, usize>) {
        let shapes = present.values().filter_map(|id| Some(&self.tracked.get(*id)?.life.last()?.shape));
        let parents: BTreeSet<TableName> =
            shapes.flat_map(|shape| &shape.foreign_keys).map(|key| key.parent.clone()).collect();
        for tracked in &mut self.tracked {
            tracked.life.definition.is_parent = parents.contains(&tracked.name);
        }
    }

    /// Notes what stands in the way of a table, unless something did before.
    pub(crate) fn obstruct(&mut self, id: usize, obstacle: Obstacle) {
        self.remember(id);
        if let Some(tracked) = self.tracked.get_mut(id) {
            tracked.obstacle.get_or_insert(obstacle);
        }
    }

    /// Notes what stands in the way of the tables that a statement names.
    fn obstruct_each(&mut self, names: &[TableName], obstacle: &Obstacle) {
        for name in names {
            let name = self.resolve(name);
            if let Some(id) = self.find(&name) {
                self.obstruct(id, obstacle.clone());
            }
        }
    }

    /// Notes what stands in the way of every table there is now.
    pub(crate) fn obstruct_all(&mut self, obstacle: &Obstacle) {
        for id in self.present().into_values() {
            self.obstruct(id, obstacle.clone());
        }
    }

    /// The tables of the baseline by their names there.
    pub(crate) fn origins(&mut self) -> BTreeMap<TableName, Origin> {
        self.present();
        let origin = |(id, tracked): (usize, &Tracked)| {
            let shape = tracked.life.eras.first().map(|era| Arc::clone(&era.shape));
            Some((tracked.life.origin.clone()?, Origin { id, shape }))
        };
        self.tracked.iter().enumerate().filter_map(origin).collect()
    }

    /// Row events of a table in one of its eras.
    pub(crate) fn count_rows(&mut self, id: usize, era: usize, rows: &TouchedRows) {
        let Some(tracked) = self.tracked.get_mut(id) else { return };
        if tracked.first_row_event.as_ref().is_none_or(|first| rows.first < *first) {
            tracked.first_row_event = Some(rows.first.clone());
        }
        tracked.committed += rows.events;
        if let Some(era) = tracked.life.eras.get_mut(era) {
            era.row_events += rows.events;
            era.row_event_bytes += rows.bytes;
        }
    }

    /// Whether a table takes part in transactions.
    pub(crate) fn is_transactional(&self, (id, era): Touched) -> Option<bool> {
        is_transactional(self.tracked.get(id)?.life.eras.get(era)?.shape.engine.as_deref())
    }

    /// Whether a table has the same name and definition as in one of its eras.
    pub(crate) fn is_unchanged(&self, (id, era): Touched) -> bool {
        let last = self.tracked.get(id).and_then(|tracked| Some((tracked.life.last_number(), tracked.life.last()?)));
        last.is_some_and(|(number, last)| number == era && self.names.get(&last.name) == Some(&Some(id)))
    }

    fn remember(&mut self, id: usize) {
        if let Some(tracked) = self.tracked.get(id) {
            self.undo.push(Undo::Tracked(id, Box::new(tracked.clone())));
        }
    }

    fn name(&mut self, name: &TableName, id: Option<usize>, moment: u64) {
        let before = self.names.insert(name.clone(), id);
        self.undo.push(Undo::Name(name.clone(), before));
        self.by_case.insert(name);
        if id.is_none() {
            self.ended.names.push(name.clone());
        }
        let refers = |id: Option<usize>| {
            let last = id.and_then(|id| self.tracked.get(id)?.life.last());
            last.is_some_and(|era| !era.shape.foreign_keys.is_empty())
        };
        // What is not looked up yet may refer.
        if before.is_none_or(refers) || refers(id) {
            self.children = None;
        }
        let means = id.and_then(|id| self.tracked.get(id).map(|tracked| (id, tracked.life.last_number())));
        self.undo.push(Undo::Bindings(self.bindings.len()));
        self.bindings.push(Binding { moment, name: name.clone(), means });
    }

    fn add(&mut self, name: &TableName, tracked: Tracked, moment: u64) {
        self.tracked.push(tracked);
        self.name(name, Some(self.tracked.len() - 1), moment);
    }

    /// What was done since the last call of this or of [`History::revert`] counts.
    pub(crate) fn settle(&mut self) {
        self.undo.clear();
        let Ended { tables, names } = std::mem::take(&mut self.ended);
        for name in names {
            if self.names.get(&name) == Some(&None) && !self.catalog.tables.contains_key(&name) {
                self.names.remove(&name);
                self.by_case.remove(&name);
            }
        }
        for id in tables {
            // Their number alone counts, and that rows were changed.
            if let Some(tracked) = self.tracked.get_mut(id).filter(|tracked| tracked.life.origin.is_none()) {
                tracked.life.eras = Vec::new();
                tracked.life.definition = Definition::new(Base::Gone);
            }
        }
    }

    /// What was done since then does not count. Tables that were made keep their numbers, which rows were told by and others
    /// come behind; no name means them any more.
    pub(crate) fn revert(&mut self) {
        self.ended = Ended::default();
        if self.undo.is_empty() {
            return;
        }
        while let Some(undo) = self.undo.pop() {
            match undo {
                Undo::Name(name, Some(before)) => drop(self.names.insert(name, before)),
                Undo::Name(name, None) => drop(self.names.remove(&name)),
                Undo::Bindings(count) => self.bindings.truncate(count),
                Undo::Tracked(id, before) => {
                    if let Some(tracked) = self.tracked.get_mut(id) {
                        *tracked = *before;
                    }
                }
            }
        }
        self.children = None;
    }

    /// Takes in a statement that changes tables.
    pub(crate) fn ddl(&mut self, ddl: &Ddl, told: &Told<'_>) {
        if told.statement.failed() && ddl.verb != DdlVerb::DropTable {
            self.obstruct_each(&ddl.tables, &told.obstacle("a statement that changes it failed half-way"));
            return;
        }
        if matches!(ddl.verb, DdlVerb::AlterTable | DdlVerb::CreateIndex) {
            let characters = told.statement.damaged.then(|| OTHER_CHARACTERS.to_owned());
            for reason in characters.into_iter().chain(told.statement.unfollowed()) {
                self.obstruct_each(&ddl.tables, &told.obstacle(reason));
            }
        }
        match ddl.verb {
            DdlVerb::CreateTable | DdlVerb::CreateTableSelect => self.create(ddl, told),
            DdlVerb::CreateTableLike => self.create_like(ddl, told),
            DdlVerb::AlterTable | DdlVerb::CreateIndex | DdlVerb::DropIndex => self.alter(ddl, told),
            DdlVerb::RenameTable => self.rename(ddl, told),
            DdlVerb::CreateSequence => self.create_sequence(ddl, told),
            DdlVerb::AlterSequence => self.alter_sequence(ddl, told),
            DdlVerb::DropTable | DdlVerb::DropSequence => {
                for name in &ddl.tables {
                    self.end(name, ddl.conditional, told);
                }
            }
            DdlVerb::TruncateTable => {
                for name in &ddl.tables {
                    self.truncate(name, told);
                }
            }
            DdlVerb::DropDatabase => {
                let Some(schema) = ddl.schema.as_deref() else { return };
                for name in self.names_in(schema) {
                    if name.schema == schema {
                        self.end(&name, false, told);
                    } else if !matches!(self.name_case, Some(NameCase::Distinct | NameCase::Lowered))
                        && let Some(id) = self.find(&name)
                    {
                        self.obstruct(id, told.obstacle(OTHER_CASE));
                    }
                }
            }
            _ => {}
        }
    }

    fn end(&mut self, name: &TableName, conditional: bool, told: &Told<'_>) {
        let own = self.resolve(name);
        let Some(id) = self.find(&own) else { return };
        if conditional && own != *name {
            self.obstruct(id, told.obstacle(OTHER_CASE));
            return;
        }
        self.note_end(&own, told.began());
        self.name(&own, None, told.moment);
    }

    /// The table of a name comes to its end, if there is one.
    fn note_end(&mut self, name: &TableName, by: Option<Began>) {
        let Some(id) = self.find(name) else { return };
        self.remember(id);
        self.ended.tables.push(id);
        if let Some(tracked) = self.tracked.get_mut(id) {
            tracked.ended = by;
        }
    }

    /// What a schema gives to tables that name no character set, where it is known.
    fn table_options(&mut self, schema: &str) -> Option<String> {
        let catalog = self.catalog;
        let dialect = self.dialect;
        let known = self.table_options.entry(schema.to_owned()).or_insert_with(|| {
            let file = catalog.schema_file(schema, "-schema-create.sql")?;
            let text = catalog.text(file).ok()?;
            let mut read = statements(&text).into_iter().filter_map(|statement| {
                read_schema_statement(statement, schema, &dialect).ok().flatten().map(|read| read.charset)
            });
            // As results of this program have it.
            let of_server = |statement: &str| {
                let number = statement.strip_prefix("SET collation_server = ")?.parse().ok()?;
                Some(format!("COLLATE {}", name_of(number)?))
            };
            read.rfind(|charset| !charset.is_empty()).or_else(|| statements(&text).into_iter().find_map(of_server))
        });
        known.clone()
    }

    /// The same, for reading definitions.
    fn schema_defaults(&mut self, schema: &str) -> Defaults {
        self.table_options(schema).as_deref().map(Defaults::of_options).unwrap_or_default()
    }

    /// A statement about a schema counts.
    pub(crate) fn schema_gives(&mut self, schema: &str, options: String) {
        self.table_options.insert(schema.to_owned(), Some(options).filter(|options| !options.is_empty()));
    }
}

/// Why the default of a TIMESTAMP column cannot be told that the statement has brought: it is a time in a zone that the log
/// does not tell.
fn timed_default(shape: &TableShape, before: Option<&TableShape>, statement: &StatementText<'_>) -> Option<String> {
    if !statement.is_in_unknown_zone() {
        return None;
    }
    let mut columns = shape.columns.iter().filter(|column| {
        let default = column.default.as_deref().unwrap_or_default();
        matches!(column.ty, ColumnType::Timestamp { .. })
            && default.starts_with(|c: char| c.is_ascii_digit() || c == '\'' || c == '"')
            && !default.trim_matches(['\'', '"']).starts_with('0')
    });
    let is_new = |column: &&backtrail_schema::Column| {
        let old = before.and_then(|before| before.columns.iter().find(|old| old.name == column.name));
        old.is_none_or(|old| old.default != column.default)
    };
    let column = columns.find(is_new)?;
    Some(format!(
        "the default of its `{}` is a time in the session's time zone, which the log does not tell",
        column.name
    ))
}

fn first_era(name: &TableName, shape: TableShape, began: Option<Began>) -> Era {
    Era { name: name.clone(), shape: Arc::new(shape), evolution: None, began, row_events: 0, row_event_bytes: 0 }
}
