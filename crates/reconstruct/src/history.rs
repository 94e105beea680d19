//! What became of the baseline's tables, and of those made later, statement by statement.
//!
//! A name means different tables at different times; a [`Tracked`] table keeps its number through every RENAME. What a
//! statement did can be undone, until its transaction is known to be in the window.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use backtrail_domain::{BinlogPosition, TableName};
use backtrail_schema::{
    AddedValue, AlterKind, Column, ColumnOrigin, ColumnType, Ddl, DdlContext, DdlVerb, Evolution, SchemaError,
    SqlDialect, StatementTimeKind, TableShape, alter, alter_empty, parse_create_table, parse_create_table_in,
    read_schema_statement,
};

use crate::around::Columns;
use crate::around::sequences::{self, Sequence};
use crate::baseline::Catalog;
use crate::decide::Shapes;
use crate::definition::{Base, Definition, Step, statements};
use crate::facts::{LATER_BASELINE, Obstacle, statement_text};
use crate::life::{Began, Era, Life};
use crate::pending::{Touched, TouchedRows, is_in_memory, is_transactional};
use crate::schema_defaults::Defaults;
use crate::statement::StatementText;
use crate::temporal;
use crate::xa::Origin;

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
    pub(crate) fn row_events(&self) -> u64 {
        self.life.eras.iter().map(|era| era.row_events).sum()
    }
}

impl Tracked {
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

const OTHER_CHARACTERS: &str = "the statement holds characters that are not read here: neither UTF-8 nor latin1";

enum Undo {
    Name(TableName, Option<Option<usize>>),
    Bindings(usize),
    /// What a tracked table was like.
    Tracked(usize, Box<Tracked>),
}

/// All tables through the window.
pub(crate) struct History<'a> {
    catalog: &'a Catalog<'a>,
    shapes: &'a Shapes,
    dialect: SqlDialect,
    pub(crate) tracked: Vec<Tracked>,
    /// Names that have been looked up or changed; others are the baseline's.
    names: HashMap<TableName, Option<usize>>,
    pub(crate) bindings: Vec<Binding>,
    undo: Vec<Undo>,
    /// By schema: see [`History::table_options`].
    table_options: HashMap<String, Option<String>>,
    /// Tables that foreign keys change along with a parent; made anew when definitions have changed.
    children: Option<BTreeMap<TableName, Vec<TableName>>>,
}

impl<'a> History<'a> {
    pub(crate) fn new(catalog: &'a Catalog<'a>, shapes: &'a Shapes, dialect: SqlDialect) -> Self {
        Self {
            catalog,
            shapes,
            dialect,
            tracked: Vec::new(),
            names: HashMap::new(),
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
        let sequence = life.last().is_some_and(|era| era.shape.sequence).then(Sequence::default);
        self.tracked.push(Tracked {
            name: name.clone(),
            life,
            committed: 0,
            obstacle: None,
            unreadable,
            first_row_event: None,
            ended: None,
            cascaded: None,
            partial: false,
            sequence,
        });
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
        if self.find(name).is_some() {
            return name.clone();
        }
        let folded = |name: &TableName| (name.schema.to_lowercase(), name.table.to_lowercase());
        let wanted = folded(name);
        let gone = |other: &TableName| matches!(self.names.get(other), Some(None));
        let mut alike = self.catalog.tables.keys().chain(self.names.keys()).filter(|other| folded(other) == wanted);
        alike.find(|other| !gone(other)).cloned().unwrap_or_else(|| name.clone())
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
        self.undo.push(Undo::Name(name.clone(), self.names.get(name).copied()));
        self.names.insert(name.clone(), id);
        self.children = None;
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
    }

    /// What was done since then does not count. Tables that were made keep their numbers, which rows were told by and others
    /// come behind; no name means them any more.
    pub(crate) fn revert(&mut self) {
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
            for name in &ddl.tables {
                let name = self.resolve(name);
                if let Some(id) = self.find(&name) {
                    self.obstruct(id, told.obstacle("a statement that changes it failed half-way"));
                }
            }
            return;
        }
        if told.statement.damaged && matches!(ddl.verb, DdlVerb::AlterTable | DdlVerb::CreateIndex) {
            for name in &ddl.tables {
                let name = self.resolve(name);
                if let Some(id) = self.find(&name) {
                    self.obstruct(id, told.obstacle(OTHER_CHARACTERS));
                }
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
                    self.end(name, told);
                }
            }
            DdlVerb::TruncateTable => {
                for name in &ddl.tables {
                    self.truncate(name, told);
                }
            }
            DdlVerb::DropDatabase => {
                for name in ddl.schema.as_deref().map(|schema| self.names_in(schema)).unwrap_or_default() {
                    self.end(&name, told);
                }
            }
            _ => {}
        }
    }

    fn end(&mut self, name: &TableName, told: &Told<'_>) {
        let name = self.resolve(name);
        if self.find(&name).is_some() {
            self.note_end(&name, told.began());
            self.name(&name, None, told.moment);
        }
    }

    /// The table of a name comes to its end, if there is one.
    fn note_end(&mut self, name: &TableName, by: Option<Began>) {
        let Some(id) = self.find(name) else { return };
        self.remember(id);
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
            read.rfind(|charset| !charset.is_empty())
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

    /// Whether a CREATE does nothing, since the table is there.
    fn is_there(&mut self, ddl: &Ddl, name: &TableName) -> bool {
        let there = self.resolve(name);
        self.find(&there).is_some() && ddl.conditional && !ddl.or_replace
    }

    fn create(&mut self, ddl: &Ddl, told: &Told<'_>) {
        let Some(name) = ddl.tables.first() else { return };
        if self.is_there(ddl, name) {
            return;
        }
        let options = self.table_options(&name.schema);
        let defaults = options.as_deref().map(Defaults::of_options).unwrap_or_default();
        let mut step = told.step(ddl);
        let mut parse = |text: &str| -> Result<TableShape, SchemaError> {
            let StatementText { schema, dialect, .. } = told.statement;
            let shape = parse_create_table(text, schema, dialect)?;
            if shape.charset.is_some() || shape.collation.is_some() {
                return Ok(shape);
            }
            step.schema_options = options.clone();
            parse_create_table_in(text, schema, dialect, &defaults.of_definition())
        };
        let parsed = match ddl.verb {
            DdlVerb::CreateTableSelect => Err("its rows came of a query that was logged as a statement".to_owned()),
            _ if told.statement.damaged => Err(OTHER_CHARACTERS.to_owned()),
            _ if let Some(reason) = told.statement.unreadable() => Err(reason),
            _ => parse(&told.statement.text)
                .map_err(|problem| format!("the statement that made it cannot be read: {problem}")),
        };
        let parsed = parsed.and_then(|shape| match lost_default(&shape, &told.statement.text) {
            Some(column) => {
                Err(format!("the server has logged `?` in the place of bytes in the default of its `{column}`"))
            }
            None => Ok(shape),
        });
        let parsed = parsed.and_then(|shape| match timed_default(&shape, None, told.statement) {
            Some(reason) => Err(reason),
            None => Ok(shape),
        });
        let definition = Definition::new(Base::Made(Box::new(step)));
        self.made(name, parsed.map(|shape| (shape, definition.clone())), definition, told);
    }

    fn made(
        &mut self,
        name: &TableName,
        shape: Result<(TableShape, Definition), String>,
        otherwise: Definition,
        told: &Told<'_>,
    ) {
        let tracked = match shape {
            Ok((shape, definition)) => Tracked {
                name: name.clone(),
                life: Life { origin: None, eras: vec![first_era(name, shape, told.began())], definition },
                committed: 0,
                obstacle: None,
                unreadable: None,
                first_row_event: None,
                ended: None,
                cascaded: None,
                partial: false,
                sequence: None,
            },
            Err(reason) => Tracked {
                name: name.clone(),
                life: Life { origin: None, eras: Vec::new(), definition: otherwise },
                committed: 0,
                obstacle: Some(told.obstacle(reason.clone())),
                unreadable: Some(reason),
                first_row_event: None,
                ended: None,
                cascaded: None,
                partial: false,
                sequence: None,
            },
        };
        self.note_end(name, told.began());
        self.add(name, tracked, told.moment);
    }

    fn create_like(&mut self, ddl: &Ddl, told: &Told<'_>) {
        let (Some(name), Some(model)) = (ddl.tables.first(), &ddl.like) else { return };
        if self.is_there(ddl, name) {
            return;
        }
        let model = self.resolve(model);
        let found = self.find(&model).and_then(|id| self.tracked.get(id)).and_then(|tracked| {
            let era = tracked.life.last().filter(|_| tracked.unreadable.is_none())?;
            Some((era.shape.like(name.clone()), tracked.life.definition.like()))
        });
        let shape = found.ok_or_else(|| format!("it was made like {model}, whose definition is not known"));
        self.made(name, shape, Definition::new(Base::Made(Box::new(told.step(ddl)))), told);
    }

    fn create_sequence(&mut self, ddl: &Ddl, told: &Told<'_>) {
        let Some(name) = ddl.tables.first() else { return };
        if self.is_there(ddl, name) {
            return;
        }
        let Some(shape) = sequences::shape(name) else { return };
        let life = Life {
            origin: None,
            eras: vec![first_era(name, shape, told.began())],
            definition: Definition::new(Base::Made(Box::new(told.step(ddl)))),
        };
        let sequence = Some(Sequence::made(&told.statement.text, ddl, &told.statement.dialect));
        let tracked = Tracked {
            name: name.clone(),
            life,
            committed: 0,
            obstacle: None,
            unreadable: None,
            first_row_event: None,
            ended: None,
            cascaded: None,
            partial: false,
            sequence,
        };
        self.note_end(name, told.began());
        self.add(name, tracked, told.moment);
    }

    fn alter_sequence(&mut self, ddl: &Ddl, told: &Told<'_>) {
        let Some(name) = ddl.tables.first().map(|name| self.resolve(name)) else { return };
        let Some(id) = self.find(&name) else { return };
        self.remember(id);
        if let Some(sequence) = self.tracked.get_mut(id).and_then(|tracked| tracked.sequence.as_mut()) {
            sequence.altered(&told.statement.text, ddl, &told.statement.dialect);
        }
    }

    pub(crate) fn truncate(&mut self, name: &TableName, told: &Told<'_>) {
        let name = self.resolve(name);
        let Some(tracked) = self.find(&name).and_then(|id| self.tracked.get(id)) else { return };
        let shape = match (&tracked.unreadable, tracked.life.last()) {
            (None, Some(era)) => Ok((era.shape.truncated(), tracked.life.definition.emptied())),
            (problem, _) => Err(problem.clone().unwrap_or_else(|| "its definition is not known".to_owned())),
        };
        let otherwise = tracked.life.definition.clone();
        self.made(&name, shape, otherwise, told);
    }

    /// The server starts: what was in memory is gone.
    pub(crate) fn server_starts(&mut self, position: &BinlogPosition, moment: u64) {
        let in_memory = |shape: &TableShape| is_in_memory(shape.engine.as_deref());
        let of_baseline = self.shapes.known.iter().filter(|(_, shape)| in_memory(shape)).map(|(name, _)| name.clone());
        for name in of_baseline.collect::<Vec<_>>() {
            self.find(&name);
        }
        let known = self.names.iter().filter_map(|(name, id)| Some((name.clone(), (*id)?)));
        for (name, id) in known.collect::<Vec<_>>() {
            let Some(tracked) = self.tracked.get(id) else { continue };
            let Some(era) = tracked.life.last().filter(|era| in_memory(&era.shape)) else { continue };
            let began = Began { position: position.clone(), statement: "the server started".to_owned() };
            let eras = vec![first_era(&name, era.shape.truncated(), Some(began.clone()))];
            let life = Life { origin: None, eras, definition: tracked.life.definition.emptied() };
            let emptied = Tracked {
                name: name.clone(),
                life,
                committed: 0,
                obstacle: tracked.obstacle.clone(),
                unreadable: tracked.unreadable.clone(),
                first_row_event: None,
                ended: None,
                cascaded: None,
                partial: false,
                sequence: tracked.sequence.clone(),
            };
            self.note_end(&name, Some(began));
            self.add(&name, emptied, moment);
        }
    }

    /// Whether the statement is the one with which servers used to log that a table in memory is empty since they started.
    pub(crate) fn says_empty(&mut self, name: &TableName, statement: &str) -> bool {
        let text = statement.split("/*").next().unwrap_or_default().trim();
        let quoted = |name: &str| format!("`{}`", name.replace('`', "``"));
        if text != format!("DELETE FROM {}.{}", quoted(&name.schema), quoted(&name.table)) {
            return false;
        }
        let era = self.find(name).and_then(|id| self.tracked.get(id)?.life.last());
        era.is_some_and(|era| is_in_memory(era.shape.engine.as_deref()))
    }

    fn alter(&mut self, ddl: &Ddl, told: &Told<'_>) {
        let Some(name) = ddl.tables.first() else { return };
        let name = self.resolve(name);
        let Some(id) = self.find(&name) else { return };
        if ddl.clauses.iter().any(|clause| clause.kind == AlterKind::ExchangePartition) {
            // A table that was empty may have rows from now on.
            self.obstruct(id, told.obstacle("rows come or go with the partition that it exchanged"));
            for other in ddl.tables.iter().skip(1) {
                let other = self.resolve(other);
                if let Some(id) = self.find(&other) {
                    self.obstruct(id, told.obstacle("its rows changed places with those of a partition"));
                }
            }
        }
        self.remember(id);
        let only_renames = ddl.clauses.iter().all(|clause| clause.kind == AlterKind::RenameTable);
        if !only_renames {
            self.evolve(id, &name, ddl, told);
        }
        for (_, to) in &ddl.renames {
            self.rename_one(&name, to, told);
        }
    }

    fn evolve(&mut self, id: usize, name: &TableName, ddl: &Ddl, told: &Told<'_>) {
        let defaults = self.schema_defaults(&name.schema);
        let Some(tracked) = self.tracked.get_mut(id) else { return };
        let Some(era) = tracked.life.last() else { return };
        let context = DdlContext {
            schema_charset: defaults.charset(),
            schema_collation: defaults.collation(),
            ..told.statement.context()
        };
        let was_empty = tracked.life.origin.is_none() && tracked.row_events() == 0;
        let mut renamed = Vec::new();
        let (shape, evolution) = match alter(&era.shape, ddl, &context) {
            Ok(evolution) if !was_empty => {
                renamed.clone_from(&evolution.renamed_columns);
                match resolve_times(evolution, told.statement) {
                    Ok(evolution) => (Ok(evolution.shape.clone()), Some(evolution)),
                    Err(reason) => {
                        tracked.obstacle.get_or_insert(told.obstacle(reason));
                        (alter_empty(&era.shape, ddl, &context), None)
                    }
                }
            }
            Ok(evolution) => {
                renamed.clone_from(&evolution.renamed_columns);
                (Ok(evolution.shape), None)
            }
            Err(problem) => {
                if !was_empty {
                    tracked.obstacle.get_or_insert(told.obstacle(problem.reason));
                }
                (alter_empty(&era.shape, ddl, &context), None)
            }
        };
        match shape {
            Ok(mut shape) => {
                if let Some(reason) = timed_default(&shape, Some(&era.shape), told.statement) {
                    tracked.obstacle.get_or_insert(told.obstacle(reason));
                }
                if let Some(engine) = named_engine(ddl) {
                    shape.engine = engine;
                }
                let era = Era { evolution, ..first_era(name, shape, told.began()) };
                if was_empty {
                    tracked.life.eras.clear();
                }
                tracked.life.eras.push(era);
                tracked.life.definition.steps.push(told.step(ddl));
            }
            Err(problem) => {
                tracked.obstacle.get_or_insert(told.obstacle(problem.reason.clone()));
                tracked.unreadable.get_or_insert(problem.reason);
            }
        }
        self.name(name, Some(id), told.moment);
        if !renamed.is_empty() {
            self.each_child(name, &mut |shape| shape.parent_columns_renamed(name, &renamed));
        }
    }

    fn rename(&mut self, ddl: &Ddl, told: &Told<'_>) {
        for (from, to) in &ddl.renames {
            let from = self.resolve(from);
            self.rename_one(&from, to, told);
        }
    }

    fn rename_one(&mut self, from: &TableName, to: &TableName, told: &Told<'_>) {
        let Some(id) = self.find(from) else { return };
        self.each_child(from, &mut |shape| shape.parent_renamed(from, to));
        self.remember(id);
        if let Some(tracked) = self.tracked.get_mut(id) {
            tracked.name = to.clone();
            if let Some(era) = tracked.life.last() {
                let shape = era.shape.renamed(to.clone());
                tracked.life.definition.foreign_keys_anew |= !shape.foreign_keys.is_empty();
                tracked.life.eras.push(first_era(to, shape, told.began()));
            }
        }
        self.name(from, None, told.moment);
        self.name(to, Some(id), told.moment);
    }

    /// Changes the present shapes of the tables that have foreign keys to this one.
    fn each_child(&mut self, parent: &TableName, change: &mut dyn FnMut(&mut TableShape)) {
        let of_baseline =
            self.shapes.known.iter().filter(|(_, shape)| shape.foreign_keys.iter().any(|key| key.parent == *parent));
        let names: Vec<TableName> = of_baseline.map(|(name, _)| name.clone()).collect();
        for name in names {
            self.find(&name);
        }
        let children: Vec<usize> = (0..self.tracked.len())
            .filter(|id| {
                let era = self.tracked.get(*id).and_then(|tracked| tracked.life.last());
                era.is_some_and(|era| era.shape.foreign_keys.iter().any(|key| key.parent == *parent))
            })
            .collect();
        for id in children {
            self.remember(id);
            let Some(tracked) = self.tracked.get_mut(id) else { continue };
            tracked.life.definition.foreign_keys_anew = true;
            if let Some(era) = tracked.life.eras.last_mut() {
                change(Arc::make_mut(&mut era.shape));
            }
        }
        self.children = None;
    }

    /// The tables that have a foreign key to this one which changes their rows.
    pub(crate) fn children(&mut self, parent: &TableName) -> Vec<TableName> {
        if self.children.is_none() {
            let mut children: BTreeMap<TableName, Vec<TableName>> = BTreeMap::new();
            let untouched = self.shapes.known.iter().filter(|(name, _)| !self.names.contains_key(*name));
            let known = self.names.iter().filter_map(|(name, id)| {
                let era = self.tracked.get((*id)?)?.life.last()?;
                Some((name, &*era.shape))
            });
            for (name, shape) in untouched.chain(known) {
                for key in &shape.foreign_keys {
                    let of_parent = children.entry(key.parent.clone()).or_default();
                    if (key.on_delete.changes_child() || key.on_update.changes_child()) && !of_parent.contains(name) {
                        of_parent.push(name.clone());
                    }
                }
            }
            self.children = Some(children);
        }
        self.children.as_ref().and_then(|children| children.get(parent)).cloned().unwrap_or_default()
    }
}

/// A binary column whose default is not to be trusted: in a definition that a server writes itself (for CREATE … SELECT),
/// `?` stands for every byte that is not ASCII.
fn lost_default<'s>(shape: &'s TableShape, text: &str) -> Option<&'s str> {
    let of_server = text.starts_with("CREATE TABLE ") && text.contains("(\n  ");
    let doubtful = |column: &&Column| {
        matches!(column.ty, ColumnType::Binary { .. } | ColumnType::VarBinary { .. })
            && column.default.as_ref().is_some_and(|default| default.contains('?'))
    };
    shape.columns.iter().find(doubtful).filter(|_| of_server).map(|column| column.name.as_str())
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

/// The storage engine that an ALTER TABLE names, if it names one; None inside, if it cannot be told which.
fn named_engine(ddl: &Ddl) -> Option<Option<String>> {
    let options = ddl.clauses.iter().filter(|clause| clause.kind == AlterKind::Option);
    let mut named = None;
    for clause in options {
        let mut words =
            clause.text.split(|c: char| c.is_ascii_whitespace() || c == '=').filter(|word| !word.is_empty());
        while let Some(word) = words.next() {
            if word.eq_ignore_ascii_case("ENGINE") {
                named = Some(words.next().map(|name| name.trim_matches(['`', '\'', '"', ',']).to_owned()));
            }
        }
    }
    named
}

/// Puts the statement's own time in the place of values that came from it.
fn resolve_times(mut evolution: Evolution, statement: &StatementText<'_>) -> Result<Evolution, String> {
    for (origin, column) in evolution.columns.iter_mut().zip(&evolution.shape.columns) {
        let value = match origin {
            ColumnOrigin::Added(value) => value,
            ColumnOrigin::Kept { null_becomes: Some(value), .. } => value,
            ColumnOrigin::Kept { .. } => continue,
        };
        let zone = || {
            statement.utc_offset().ok_or_else(|| {
                format!("the rows' `{}` is a time in the session's time zone, which the log does not tell", column.name)
            })
        };
        let literal = match value {
            AddedValue::StatementTime { fsp, kind } => {
                let east = if *kind == StatementTimeKind::Timestamp { 0 } else { zone()? };
                temporal::literal_of(statement.micros() + east * 1_000_000, *fsp, *kind)
            }
            AddedValue::SessionTimestamp(text) => temporal::in_utc(text, zone()?),
            AddedValue::Null | AddedValue::Literal(_) | AddedValue::Computed => continue,
        };
        let literal = literal.ok_or_else(|| format!("the rows' `{}` is a time out of range", column.name))?;
        *value = AddedValue::Literal(literal.into_bytes());
    }
    Ok(evolution)
}
