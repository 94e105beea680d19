//! What the generator believes of the server's schemas.

use super::kinds::{Column, Kind};
use crate::server::quoted;

/// What tells rows apart.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Key {
    Primary(Vec<usize>),
    Unique(Vec<usize>),
    None,
}

impl Key {
    /// Its columns.
    pub(crate) fn columns(&self) -> &[usize] {
        match self {
            Self::Primary(columns) | Self::Unique(columns) => columns,
            Self::None => &[],
        }
    }
}

/// A table.
#[derive(Debug, Clone)]
pub(crate) struct Table {
    pub(crate) schema: String,
    pub(crate) name: String,
    pub(crate) columns: Vec<Column>,
    pub(crate) key: Key,
    /// Tables joined by foreign keys have one number: a session that changes one may lock rows of the others.
    pub(crate) family: usize,
    /// The column that refers to another table, and that table.
    pub(crate) parent: Option<(usize, String)>,
    pub(crate) partitioned: bool,
}

impl Table {
    /// Its qualified name.
    pub(crate) fn sql(&self) -> String {
        format!("{}.{}", quoted(&self.schema), quoted(&self.name))
    }

    /// The places of columns to which a value may be given.
    pub(crate) fn writable(&self) -> Vec<usize> {
        (0..self.columns.len()).filter(|at| self.columns[*at].writable()).collect()
    }

    /// A column name that is not taken.
    pub(crate) fn free_name(&self, wish: &str) -> String {
        let taken = |name: &str| self.columns.iter().any(|column| column.name.eq_ignore_ascii_case(name));
        if !taken(wish) {
            return wish.to_owned();
        }
        (2..).map(|number| format!("{wish}{number}")).find(|name| !taken(name)).unwrap_or_default()
    }

    /// Columns that are neither of the key nor generated nor refer to another table, and on which nothing generated
    /// depends.
    pub(crate) fn free_columns(&self) -> Vec<usize> {
        let used = |name: &str| {
            let name = quoted(name);
            self.columns.iter().any(|column| column.generated.as_ref().is_some_and(|(text, _)| text.contains(&name)))
        };
        (0..self.columns.len())
            .filter(|at| {
                !self.key.columns().contains(at)
                    && self.columns[*at].generated.is_none()
                    && self.parent.as_ref().is_none_or(|(child, _)| child != at)
                    && !used(&self.columns[*at].name)
            })
            .collect()
    }

    /// Takes a column out.
    pub(crate) fn remove_column(&mut self, at: usize) {
        self.columns.remove(at);
        let moved = |column: &mut usize| *column -= usize::from(*column > at);
        match &mut self.key {
            Key::Primary(columns) | Key::Unique(columns) => columns.iter_mut().for_each(moved),
            Key::None => {}
        }
        if let Some((child, _)) = &mut self.parent {
            moved(child);
        }
    }

    /// Puts a column in.
    pub(crate) fn insert_column(&mut self, at: usize, column: Column) {
        let moved = |column: &mut usize| *column += usize::from(*column >= at);
        match &mut self.key {
            Key::Primary(columns) | Key::Unique(columns) => columns.iter_mut().for_each(moved),
            Key::None => {}
        }
        if let Some((child, _)) = &mut self.parent {
            moved(child);
        }
        self.columns.insert(at, column);
    }

    /// Whether its key is one number.
    pub(crate) fn numbered(&self) -> Option<&Column> {
        match self.key.columns() {
            [one] => self.columns.get(*one).filter(|column| matches!(column.kind, Kind::Int { .. })),
            _ => None,
        }
    }
}

/// All of it.
#[derive(Debug, Clone, Default)]
pub(crate) struct Model {
    pub(crate) schemas: Vec<String>,
    pub(crate) tables: Vec<Table>,
    pub(crate) families: usize,
    pub(crate) names: usize,
}

impl Model {
    /// The place of a table.
    pub(crate) fn find(&self, schema: &str, name: &str) -> Option<usize> {
        self.tables.iter().position(|table| table.schema == schema && table.name == name)
    }

    /// A number that was not given before.
    pub(crate) fn new_family(&mut self) -> usize {
        self.families += 1;
        self.families
    }
}
