//! Tables whose definitions change.

use backtrail_domain::TableName;
use backtrail_schema::{
    AddedValue, AlterKind, ColumnOrigin, Ddl, DdlContext, Evolution, StatementTimeKind, alter, alter_empty,
};

use super::{History, OTHER_TEXTS, Told, Tracked, first_era, timed_default};
use crate::history::life::Era;
use crate::scan::statement::StatementText;
use crate::values::temporal;

impl History<'_> {
    pub(super) fn alter(&mut self, ddl: &Ddl, told: &Told<'_>) {
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

    pub(super) fn evolve(&mut self, id: usize, name: &TableName, ddl: &Ddl, told: &Told<'_>) {
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
        let shape = shape.map(|shape| self.shape_as_kept(shape));
        let Some(tracked) = self.tracked.get_mut(id) else { return };
        let Some(era) = tracked.life.last() else { return };
        match shape {
            Ok(mut shape) => {
                if let Some(reason) = timed_default(&shape, Some(&era.shape), told.statement) {
                    tracked.obstacle.get_or_insert(told.obstacle(reason));
                }
                if told.statement.has_other_texts(&shape) {
                    tracked.obstacle.get_or_insert(told.obstacle(OTHER_TEXTS));
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
        let parents = self.tracked.get(id).map(Tracked::parents).unwrap_or_default();
        if let Some(reason) = self.doubtful_parent(&parents) {
            self.obstruct(id, told.obstacle(reason));
        }
        if !renamed.is_empty() {
            self.each_child(name, &mut |shape| shape.parent_columns_renamed(name, &renamed));
        }
    }
}

/// The storage engine that an ALTER TABLE names, if it names one; None inside, if it cannot be told which.
pub(super) fn named_engine(ddl: &Ddl) -> Option<Option<String>> {
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
pub(super) fn resolve_times(mut evolution: Evolution, statement: &StatementText<'_>) -> Result<Evolution, String> {
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
