//! How one table is rebuilt: which changes are collected under which keys, and what is written.
//!
//! A **stage** is a run of eras in which one key names the rows. A row of the baseline goes through the stages one after the
//! other; each may replace or drop it. Where the key changes, so does the stage, and nothing has to be looked up twice.

use backtrail_domain::TableName;
use backtrail_schema::{ColumnType, TableShape};

use crate::cascade::Route;
use crate::history::life::{Life, Trace, Untraceable};
use crate::input::baseline::{Catalog, DataHead};
use crate::input::columns::{file_columns, mergeable};
use crate::plan::decide::row_key;
use crate::plan::{PlannedEra, PlannedKey, PlannedStage};
use crate::values::address::Address;
use crate::values::key::{KeyCodec, member_bytes};

/// How one table is rebuilt.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Recipe {
    pub(crate) life: Life,
    /// None where no row changed.
    pub(crate) stages: Vec<Stage>,
    /// The stage of each era.
    pub(crate) stage_of_era: Vec<usize>,
    /// The columns of an INSERT into the result, as places in the last era's shape, in the order in which they are written.
    pub(crate) columns: Vec<usize>,
    /// Their names, where the INSERT has to say them.
    pub(crate) column_names: Option<Vec<String>>,
    /// For each era, where these columns come from.
    pub(crate) sources: Vec<Vec<Trace>>,
    /// The baseline's data files name these columns (as places in the first era's shape): empty without data.
    pub(crate) file_columns: Vec<usize>,
    /// Whether the baseline's rows can be written as they are.
    pub(crate) rows_as_they_are: bool,
    /// How many fields of the baseline's rows have to be found.
    pub(crate) fields_needed: usize,
    /// The table has no name or definition but the baseline's.
    pub(crate) unaltered: bool,
    /// How cascades come for its rows, where its rows are lived through: because cascades may come, or because images of
    /// updated rows lack values.
    pub(crate) routes: Option<Vec<Route>>,
}

/// Eras in which one key names the rows.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Stage {
    pub(crate) first_era: usize,
    pub(crate) key: PlannedKey,
    /// For each era of the stage: its columns as this stage's key. All encode alike.
    pub(crate) codecs: Vec<KeyCodec>,
    /// For each era before the stage: where the key's columns (of the stage's first era) come from.
    pub(crate) from_earlier: Vec<Vec<Trace>>,
}

impl Stage {
    pub(crate) fn counted(&self) -> bool {
        self.key == PlannedKey::WholeRow
    }

    /// Where a part of the key is in rows of an era, and what happened to its value since.
    pub(crate) fn source(&self, era: usize, part: usize) -> (Option<usize>, Option<&Trace>) {
        match self.from_earlier.get(era) {
            Some(traces) => {
                let trace = traces.get(part);
                (trace.and_then(Trace::column), trace)
            }
            None => (self.codec(era).and_then(|codec| codec.parts().get(part)).map(|part| part.column), None),
        }
    }

    /// How the keys of an era are encoded.
    pub(crate) fn codec(&self, era: usize) -> Option<&KeyCodec> {
        self.codecs.get(era.saturating_sub(self.first_era))
    }
}

impl Recipe {
    /// Works out how a table is rebuilt.
    ///
    /// # Errors
    /// Why it cannot be, and the era whose statement stands in the way.
    /// `lived`: its rows are lived through.
    pub(crate) fn new(life: Life, head: Option<&DataHead>, lived: bool) -> Result<Self, Untraceable> {
        let last = life.last_number();
        let first = life.eras.first().ok_or((0, "its definition is not known".to_owned()))?;
        let mut listed: Option<Option<Vec<String>>> = None;
        let mut in_files = Vec::new();
        if let Some(head) = head
            && let Some(columns) = &head.columns
        {
            in_files = file_columns(&first.shape, columns.as_deref()).map_err(|reason| (0, reason))?;
            mergeable(&first.shape, head, &in_files).map_err(|reason| (0, reason))?;
            listed = Some(columns.clone());
        }
        let unchanged = !lived && life.eras.iter().all(|era| era.row_events == 0);
        let (stages, stage_of_era) = if unchanged { Default::default() } else { stages(&life)? };
        let rounded = |stage: &&Stage| stage.codecs.iter().any(|codec| codec.exact_length() > 0);
        if let Some(stage) = stages.iter().find(rounded).filter(|_| lived) {
            let reason = "it has no key, and a FLOAT column of which a dump holds six digits: which of its rows a cascade or an \
                          image that is not FULL changes cannot be told";
            return Err((stage.first_era, reason.to_owned()));
        }
        let mut columns = life.written_columns();
        let mut rows_as_they_are = false;
        let as_text = |column: &backtrail_schema::Column| Address::of(&column.ty).is_some();
        let texts = first.shape.columns.iter().any(as_text);
        if let Some(ordered) = as_written(&life, &in_files, &columns)? {
            columns = ordered;
            rows_as_they_are = !texts;
        }
        let sources = (0..=last).map(|era| life.traces(&columns, last, era, false)).collect::<Result<Vec<_>, _>>()?;
        for (number, traces) in sources.iter().enumerate() {
            members_keep_their_numbers(&life, number, &columns, traces)?;
        }
        let from_files = sources.first().into_iter().flatten().filter_map(Trace::column);
        if listed.is_some()
            && let Some(missing) = from_files.into_iter().find(|column| !in_files.contains(column))
        {
            let name = first.shape.columns.get(missing).map_or("?", |column| column.name.as_str());
            return Err((0, format!("the dump lacks its column `{name}`")));
        }
        let fields_needed = if (rows_as_they_are && !lived) || listed.is_none() {
            let of_stage = |stage: &Stage| match stage.from_earlier.first() {
                Some(traces) => traces.iter().filter_map(Trace::column).collect::<Vec<_>>(),
                None => stage.codecs.first().into_iter().flat_map(|c| c.parts()).map(|part| part.column).collect(),
            };
            let columns = stages.iter().flat_map(of_stage);
            let field = |column: usize| in_files.iter().position(|own| *own == column);
            columns.filter_map(field).max().map_or(0, |field| field + 1)
        } else {
            usize::MAX
        };
        let shape = life.eras.get(last).map(|era| std::sync::Arc::clone(&era.shape));
        let unaltered = last == 0 && life.origin.is_some() && life.definition.is_baselines();
        let column_names = shape.and_then(|shape| {
            let hidden = |column: &backtrail_schema::Column| column.generated.is_some() || column.invisible;
            let named = match &listed {
                Some(listed) if unaltered => listed.is_some(),
                _ => !unaltered || shape.columns.iter().any(hidden),
            };
            let names = columns.iter().filter_map(|column| shape.columns.get(*column));
            named.then(|| names.map(|column| column.name.clone()).collect())
        });
        Ok(Self {
            life,
            stages,
            stage_of_era,
            columns,
            column_names,
            sources,
            file_columns: in_files,
            rows_as_they_are,
            fields_needed,
            unaltered,
            routes: None,
        })
    }

    /// The key by which the rows of the last era are told apart.
    pub(crate) fn key(&self) -> PlannedKey {
        self.stages.last().map_or(PlannedKey::WholeRow, |stage| stage.key.clone())
    }

    /// Row events of all eras.
    pub(crate) fn row_events(&self) -> (u64, u64) {
        let eras = || self.life.eras.iter();
        (eras().map(|era| era.row_events).sum(), eras().map(|era| era.row_event_bytes).sum())
    }

    /// The shape of the result.
    pub(crate) fn shape(&self) -> Option<&TableShape> {
        self.life.last().map(|era| &*era.shape)
    }

    /// The eras in words.
    pub(crate) fn planned_eras(&self) -> Vec<PlannedEra> {
        if self.life.eras.len() < 2 && self.life.eras.iter().all(|era| era.began.is_none()) {
            return Vec::new();
        }
        let era = |era: &crate::history::life::Era| PlannedEra {
            name: era.name.clone(),
            from: era.began.as_ref().map(|began| began.position.clone()),
            statement: era.began.as_ref().map(|began| began.statement.clone()),
            row_events: era.row_events,
        };
        self.life.eras.iter().map(era).collect()
    }

    /// The stages in words, where there is more than one.
    pub(crate) fn planned_stages(&self) -> Vec<PlannedStage> {
        if self.stages.len() < 2 {
            return Vec::new();
        }
        self.stages.iter().map(|stage| PlannedStage { first_era: stage.first_era, key: stage.key.clone() }).collect()
    }

    /// The head of the first data file that has rows, and whether all of them agree is the merge's to check.
    pub(crate) fn head(catalog: &Catalog<'_>, origin: &TableName) -> Result<Option<DataHead>, crate::EngineError> {
        let Some(files) = catalog.tables.get(origin) else { return Ok(None) };
        for file in &files.data {
            let head = catalog.data_head(origin, &file.name)?;
            if head.columns.is_some() || head.unread.is_some() {
                return Ok(Some(head));
            }
        }
        Ok(None)
    }
}

/// The result's columns in the order of the files' columns, if every row can be copied as it is.
fn as_written(life: &Life, in_files: &[usize], columns: &[usize]) -> Result<Option<Vec<usize>>, Untraceable> {
    if in_files.len() != columns.len() {
        return Ok(None);
    }
    let traces = life.traces(columns, life.last_number(), 0, false)?;
    let mut ordered = Vec::with_capacity(columns.len());
    for wanted in in_files {
        let found = traces.iter().position(|trace| trace.is_plain() && trace.column() == Some(*wanted));
        match found.and_then(|at| columns.get(at)) {
            Some(column) => ordered.push(*column),
            None => return Ok(None),
        }
    }
    Ok(Some(ordered))
}

/// Members whose bytes are not known are written by their numbers, which must then mean the same in the last era.
fn members_keep_their_numbers(life: &Life, era: usize, columns: &[usize], traces: &[Trace]) -> Result<(), Untraceable> {
    let of_era = |era: usize, column: usize| {
        let column = life.eras.get(era)?.shape.columns.get(column)?;
        match &column.ty {
            ColumnType::Enum { values } | ColumnType::Set { values } => Some((values, column)),
            _ => None,
        }
    };
    let last = life.last_number();
    for (column, trace) in columns.iter().zip(traces) {
        let Some((before, own)) = trace.column().and_then(|column| of_era(era, column)) else { continue };
        let charset = own.charset.as_deref();
        let known = before.iter().all(|value| member_bytes(value, charset).is_some());
        if !known && of_era(last, *column).is_none_or(|(after, _)| !after.starts_with(before)) {
            let reason = format!(
                "the members of `{}`, some of which are beyond ASCII in the character set {}, were changed or put in another order",
                own.name,
                charset.unwrap_or_default()
            );
            return Err((last, reason));
        }
    }
    Ok(())
}

fn stages(life: &Life) -> Result<(Vec<Stage>, Vec<usize>), Untraceable> {
    let mut stages: Vec<Stage> = Vec::new();
    let mut stage_of_era = Vec::new();
    for (number, era) in life.eras.iter().enumerate() {
        let (key, codec) = row_key(&era.shape).map_err(|reason| (number, reason))?;
        let key_columns: Vec<usize> = codec.parts().iter().map(|part| part.column).collect();
        let goes_on = match (stages.last(), number.checked_sub(1)) {
            (Some(stage), Some(before)) => {
                let alike = stage.codec(before).is_some_and(|earlier| {
                    earlier.encodes_like(&codec) && (stage.counted() == (key == PlannedKey::WholeRow))
                });
                let traces = life.traces(&key_columns, number, before, true);
                let same_columns = |earlier: &KeyCodec| {
                    traces.as_ref().is_ok_and(|traces| {
                        traces.len() == earlier.parts().len()
                            && traces
                                .iter()
                                .zip(earlier.parts())
                                .all(|(trace, part)| trace.is_plain() && trace.column() == Some(part.column))
                    })
                };
                alike && stage.codec(before).is_some_and(same_columns)
            }
            _ => false,
        };
        if goes_on && let Some(stage) = stages.last_mut() {
            stage.key = key;
            stage.codecs.push(codec);
        } else {
            let from_earlier = (0..number)
                .map(|earlier| {
                    let traces = life.traces(&key_columns, number, earlier, true)?;
                    floats_stay_floats(life, (number, &key_columns), (earlier, &traces))?;
                    Ok(traces)
                })
                .collect::<Result<Vec<_>, _>>()?;
            stages.push(Stage { first_era: number, key, codecs: vec![codec], from_earlier });
        }
        stage_of_era.push(stages.len() - 1);
    }
    Ok((stages, stage_of_era))
}

/// A dump has six digits of a FLOAT: what it became in a key's column of another type cannot be told from them.
fn floats_stay_floats(life: &Life, key: (usize, &[usize]), earlier: (usize, &[Trace])) -> Result<(), Untraceable> {
    let of_era = |era: usize, column: usize| life.eras.get(era)?.shape.columns.get(column);
    for (column, trace) in key.1.iter().zip(earlier.1) {
        let before = trace.column().and_then(|column| of_era(earlier.0, column));
        let (Some(before), Some(after)) = (before, of_era(key.0, *column)) else { continue };
        let is_float = matches!(before.ty, ColumnType::Float { .. });
        let same = matches!(after.ty, ColumnType::Float { .. }) && before.decimals == after.decimals;
        if is_float && !same {
            let reason =
                format!("`{}`, by which rows are told apart, was a FLOAT, of which a dump has six digits", after.name);
            return Err((key.0, reason));
        }
    }
    Ok(())
}
