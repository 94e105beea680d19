//! The life of a table: the eras between the statements that changed it, and how values go from one era to a later one.
//!
//! A row belongs to the era in which it was last written. It reaches the result through [`Trace`]s, one per column of the
//! last era: each says from which column of the row's own era the value comes and what happened to it on the way. Most
//! often nothing: the literal is inserted as it is, and the loading server makes of it what ALTER TABLE made of the value.

use std::borrow::Cow;
use std::sync::Arc;

use backtrail_domain::{BinlogPosition, TableName};
use backtrail_dump::literal::{Literal, parse_literal, write_string};
use backtrail_schema::{AddedValue, ColumnOrigin, Evolution, TableShape, ValueChange, transcode};

use crate::history::definition::Definition;

/// One table from the baseline (or from its making) to the cut.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Life {
    /// The table of the baseline whose rows it began with: none for one that was made or emptied in the window.
    pub(crate) origin: Option<TableName>,
    /// Empty only of a table whose definition is not known, or which was made in the window and came to its end.
    pub(crate) eras: Vec<Era>,
    /// What makes the table, in SQL.
    pub(crate) definition: Definition,
}

/// A time in which a table has one name and one shape.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Era {
    pub(crate) name: TableName,
    pub(crate) shape: Arc<TableShape>,
    /// Where the columns' values came from in the era before. None in a life's first era, and where nothing but the name
    /// changed.
    pub(crate) evolution: Option<Evolution>,
    /// The statement that began it.
    pub(crate) began: Option<Began>,
    pub(crate) row_events: u64,
    pub(crate) row_event_bytes: u64,
}

/// The statement that began an era.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Began {
    pub(crate) position: BinlogPosition,
    pub(crate) statement: String,
}

/// How a value of a later era comes from an earlier one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Trace(ColumnOrigin);

impl Trace {
    /// The value is that of this column.
    pub(crate) fn same(column: usize) -> Self {
        Self(ColumnOrigin::Kept { from: column, change: ValueChange::Same, null_becomes: None, numbered: false })
    }

    /// The column of the earlier era, unless the value is one that rows got when the column was added.
    pub(crate) fn column(&self) -> Option<usize> {
        match self.0 {
            ColumnOrigin::Kept { from, .. } => Some(from),
            ColumnOrigin::Added(_) => None,
        }
    }

    /// Whether the literal in the earlier era's column is the one to be written.
    pub(crate) fn is_plain(&self) -> bool {
        matches!(
            &self.0,
            ColumnOrigin::Kept {
                change: ValueChange::Same | ValueChange::Equal | ValueChange::Rounded,
                null_becomes: None,
                numbered: false,
                ..
            }
        )
    }

    /// Whether the value itself is the earlier column's, however it is written.
    pub(crate) fn keeps_value(&self) -> bool {
        !matches!(self.0, ColumnOrigin::Kept { change: ValueChange::Rounded, .. })
    }

    /// What becomes of a literal of the earlier column.
    pub(crate) fn apply<'a>(&'a self, literal: &'a [u8]) -> Result<Cow<'a, [u8]>, String> {
        match &self.0 {
            ColumnOrigin::Added(value) => added(value).map(Cow::Borrowed),
            ColumnOrigin::Kept { change, null_becomes, numbered, .. } => {
                let is_null = literal.eq_ignore_ascii_case(b"NULL");
                if *numbered && (is_null || literal == b"0") {
                    return Err("the server gave the row a number of its own when AUTO_INCREMENT was added".to_owned());
                }
                match (null_becomes, change) {
                    (Some(value), _) if is_null => added(value).map(Cow::Borrowed),
                    (_, ValueChange::Transcoded { from, to }) => {
                        let bytes = match parse_literal(literal).map_err(|problem| problem.to_string())? {
                            Literal::Null => return Ok(Cow::Borrowed(literal)),
                            literal => literal.into_bytes().unwrap_or_default(),
                        };
                        let converted = transcode(*from, *to, &bytes).map_err(|problem| problem.to_string())?;
                        let mut out = Vec::with_capacity(converted.len() + 2);
                        write_string(&mut out, &converted);
                        Ok(Cow::Owned(out))
                    }
                    _ => Ok(Cow::Borrowed(literal)),
                }
            }
        }
    }
}

fn added(value: &AddedValue) -> Result<&[u8], String> {
    match value {
        AddedValue::Null => Ok(b"NULL"),
        AddedValue::Literal(literal) => Ok(literal),
        AddedValue::SessionTimestamp(_) | AddedValue::StatementTime { .. } | AddedValue::Computed => {
            Err("a value that only the server knew".to_owned())
        }
    }
}

/// Why a value cannot be followed: the number of the era whose statement stands in the way, and the sentence.
pub(crate) type Untraceable = (usize, String);

impl Life {
    pub(crate) fn last_number(&self) -> usize {
        self.eras.len().saturating_sub(1)
    }

    pub(crate) fn last(&self) -> Option<&Era> {
        self.eras.last()
    }

    /// The columns of an INSERT into the last era's table: all that are not computed.
    pub(crate) fn written_columns(&self) -> Vec<usize> {
        let columns = self.last().into_iter().flat_map(|era| era.shape.columns.iter().enumerate());
        columns.filter(|(_, column)| column.generated.is_none()).map(|(index, _)| index).collect()
    }

    /// Where every column of one era comes from in an earlier one; None for those that are computed.
    pub(crate) fn origins(&self, of: usize, from: usize) -> Result<Vec<Option<Trace>>, Untraceable> {
        let Some(shape) = self.eras.get(of).map(|era| &era.shape) else { return Ok(Vec::new()) };
        let mut composed: Option<Evolution> = None;
        for number in from + 1..=of {
            let Some(next) = self.eras.get(number).and_then(|era| era.evolution.as_ref()) else { continue };
            composed = Some(match composed {
                None => next.clone(),
                Some(earlier) => earlier.then(next).map_err(|problem| (number, problem.reason))?,
            });
        }
        Ok(match composed {
            None => (0..shape.columns.len()).map(|column| Some(Trace::same(column))).collect(),
            Some(evolution) => evolution
                .columns
                .into_iter()
                .map(|origin| (origin != ColumnOrigin::Added(AddedValue::Computed)).then_some(Trace(origin)))
                .collect(),
        })
    }

    /// How some columns of one era get their values from an earlier one. `exactly`: for a key, whose value has to be known
    /// here, not to the loading server alone.
    pub(crate) fn traces(
        &self,
        columns: &[usize],
        of: usize,
        from: usize,
        exactly: bool,
    ) -> Result<Vec<Trace>, Untraceable> {
        let origins = self.origins(of, from)?;
        columns
            .iter()
            .map(|column| {
                let name = || {
                    let column = self.eras.get(of).and_then(|era| era.shape.columns.get(*column));
                    column.map_or_else(String::new, |column| column.name.clone())
                };
                match origins.get(*column).cloned().flatten() {
                    Some(trace) if exactly && !trace.keeps_value() => {
                        Err((of, format!("the values of its key's column `{}` were rounded or cut", name())))
                    }
                    Some(trace) => Ok(trace),
                    None => Err((of, format!("the values of `{}` were computed by the server", name()))),
                }
            })
            .collect()
    }
}
