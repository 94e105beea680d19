//! A table's columns by name, as far as views have to do with them.

use backtrail_schema::TableShape;

/// The columns of a table at some moment.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Columns {
    visible: Vec<String>,
    /// A query reaches them by their names only.
    invisible: Vec<String>,
}

impl Columns {
    pub(crate) fn of(shape: &TableShape) -> Self {
        let (invisible, visible): (Vec<_>, Vec<_>) = shape.columns.iter().partition(|column| column.invisible);
        let names =
            |columns: Vec<&backtrail_schema::Column>| columns.iter().map(|column| column.name.clone()).collect();
        Self { visible: names(visible), invisible: names(invisible) }
    }

    /// What `*` stands for in a query.
    pub(crate) fn visible(&self) -> &[String] {
        &self.visible
    }

    /// All that a query can name.
    pub(crate) fn names(&self) -> impl Iterator<Item = &String> {
        self.visible.iter().chain(&self.invisible)
    }
}
