//! Tables and sequences that the window makes.

use backtrail_domain::TableName;
use backtrail_schema::{
    Column, ColumnType, Ddl, DdlVerb, Flavour, SchemaError, SqlDialect, Statement, TableShape, classify,
    parse_create_table, parse_create_table_in, quoted_name,
};

use super::{History, OTHER_CASE, OTHER_CHARACTERS, OTHER_TEXTS, Told, Tracked, first_era, timed_default};
use crate::around::sequences::Sequence;
use crate::history::definition::{Base, Definition, Step};
use crate::history::life::Life;
use crate::history::schema_defaults::Defaults;
use crate::history::session::SessionSettings;
use crate::scan::statement::StatementText;

impl History<'_> {
    /// Whether a CREATE does nothing, since the table is there.
    pub(super) fn is_there(&mut self, ddl: &Ddl, name: &TableName, told: &Told<'_>) -> bool {
        let there = self.resolve(name);
        let Some(id) = self.find(&there).filter(|_| ddl.conditional && !ddl.or_replace) else { return false };
        if there != *name {
            self.obstruct(id, told.obstacle(OTHER_CASE));
        }
        true
    }

    pub(super) fn create(&mut self, ddl: &Ddl, told: &Told<'_>) {
        let Some(name) = ddl.tables.first() else { return };
        if self.is_there(ddl, name, told) {
            return;
        }
        if ddl.or_replace {
            self.may_replace(name, told);
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
        let parsed = parsed.and_then(|shape| match told.statement.has_other_texts(&shape) {
            true => Err(OTHER_TEXTS.to_owned()),
            false => Ok(shape),
        });
        let parsed = parsed.map(|shape| self.shape_as_kept(shape));
        let parents: Vec<TableName> =
            parsed.iter().flat_map(|shape| &shape.foreign_keys).map(|key| key.parent.clone()).collect();
        let parsed = match self.doubtful_parent(&parents) {
            Some(reason) => Err(reason),
            None => parsed,
        };
        let without = parsed.iter().filter(|_| told.statement.of_server);
        let flavour = self.dialect.flavour;
        let without = without.flat_map(|shape| without_default(shape, flavour));
        let later = without.filter_map(|column| dropped_default(name, column, &step)).collect();
        let mut definition = Definition::new(Base::Made(Box::new(step)));
        definition.steps = later;
        self.made(name, parsed.map(|shape| (shape, definition.clone())), definition, told);
    }

    pub(super) fn made(
        &mut self,
        name: &TableName,
        shape: Result<(TableShape, Definition), String>,
        otherwise: Definition,
        told: &Told<'_>,
    ) {
        let tracked = match shape {
            Ok((shape, definition)) => {
                // As a dump makes it: CREATE TABLE … SEQUENCE=1.
                let sequence = Sequence::of_shape(&shape).filter(|_| shape.sequence);
                let eras = vec![first_era(name, shape, told.began())];
                Tracked { sequence, ..Tracked::new(name, Life { origin: None, eras, definition }) }
            }
            Err(reason) => Tracked {
                obstacle: Some(told.obstacle(reason.clone())),
                unreadable: Some(reason),
                ..Tracked::new(name, Life { origin: None, eras: Vec::new(), definition: otherwise })
            },
        };
        self.note_end(name, told.began());
        self.add(name, tracked, told.moment);
    }

    pub(super) fn create_like(&mut self, ddl: &Ddl, told: &Told<'_>) {
        let (Some(name), Some(model)) = (ddl.tables.first(), &ddl.like) else { return };
        if self.is_there(ddl, name, told) {
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

    pub(super) fn create_sequence(&mut self, ddl: &Ddl, told: &Told<'_>) {
        let Some(name) = ddl.tables.first() else { return };
        if self.is_there(ddl, name, told) {
            return;
        }
        let statement = told.statement;
        let Some((sequence, shape)) = Sequence::made(name, &statement.text, ddl, &statement.dialect) else {
            let reason = "it was made as a sequence of a type that is not known".to_owned();
            return self.made(name, Err(reason), Definition::new(Base::Made(Box::new(told.step(ddl)))), told);
        };
        let life = Life {
            origin: None,
            eras: vec![first_era(name, shape, told.began())],
            definition: Definition::new(Base::Made(Box::new(told.step(ddl)))),
        };
        let sequence = Some(sequence);
        self.note_end(name, told.began());
        self.add(name, Tracked { sequence, ..Tracked::new(name, life) }, told.moment);
    }

    pub(super) fn alter_sequence(&mut self, ddl: &Ddl, told: &Told<'_>) {
        let Some(name) = ddl.tables.first().map(|name| self.resolve(name)) else { return };
        let Some(id) = self.find(&name) else { return };
        self.remember(id);
        let sequence = self.tracked.get_mut(id).and_then(|tracked| tracked.sequence.as_mut());
        let altered = sequence.map(|sequence| sequence.altered(&told.statement.text, ddl, &told.statement.dialect));
        let reason = match altered {
            Some(true) => return,
            Some(false) => "it is a sequence, and its numbers get another type",
            None => "it is altered as a sequence, and is not known as one",
        };
        self.obstruct(id, told.obstacle(reason));
    }
}

/// A binary column whose default is not to be trusted: in a definition that a server writes itself (for CREATE … SELECT),
/// `?` stands for every byte that is not ASCII.
pub(super) fn lost_default<'s>(shape: &'s TableShape, text: &str) -> Option<&'s str> {
    let of_server = text.starts_with("CREATE TABLE ") && text.contains("(\n  ");
    let doubtful = |column: &&Column| {
        matches!(column.ty, ColumnType::Binary { .. } | ColumnType::VarBinary { .. })
            && column.default.as_ref().is_some_and(|default| default.contains('?'))
    };
    shape.columns.iter().find(doubtful).filter(|_| of_server).map(|column| column.name.as_str())
}

/// The columns of a definition that a server wrote itself which may be NULL and have no default, not even that: CREATE …
/// SELECT takes them over from such columns (they lost it by DROP DEFAULT). By a statement that says nothing it would be NULL.
fn without_default(shape: &TableShape, flavour: Flavour) -> impl Iterator<Item = &Column> {
    shape.columns.iter().filter(move |column| {
        // MariaDB shows it of every type, MySQL not of those that take no literal for a default.
        let says_null = flavour == Flavour::Mariadb
            || !matches!(
                column.ty,
                ColumnType::TinyText
                    | ColumnType::Text
                    | ColumnType::MediumText
                    | ColumnType::LongText
                    | ColumnType::TinyBlob
                    | ColumnType::Blob
                    | ColumnType::MediumBlob
                    | ColumnType::LongBlob
                    | ColumnType::Json
                    | ColumnType::Geometry { .. }
                    | ColumnType::Vector { .. }
            );
        says_null && column.nullable && column.default.is_none() && column.generated.is_none()
    })
}

/// The statement after which a column has no default.
fn dropped_default(name: &TableName, column: &Column, made: &Step) -> Option<Step> {
    let text =
        format!("ALTER TABLE {} ALTER COLUMN {} DROP DEFAULT", quoted_name(&name.table), quoted_name(&column.name));
    let dialect = SqlDialect::of_flavour(made.dialect.flavour);
    let Statement::Ddl(ddl) = classify(text.as_bytes(), &name.schema, &dialect) else { return None };
    Some(Step { text, ddl, dialect, session: SessionSettings::default(), schema_options: None })
}
