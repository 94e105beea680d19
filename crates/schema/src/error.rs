//! What can be wrong with a table's definition.

/// A `CREATE TABLE` that could not be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SchemaError {
    /// The text is no `CREATE TABLE` of columns at all: a view, `CREATE TABLE … LIKE`, `CREATE TABLE … SELECT`.
    #[error("the statement `{beginning}` does not define a table's columns: {what}")]
    NotATable {
        /// The statement's first characters.
        beginning: String,
        /// What it is instead.
        what: &'static str,
    },
    /// The text stops making sense.
    #[error("the definition of table {table} is not understood at `{at}` (byte {offset}): {what} is expected")]
    Syntax {
        /// As far as it was read.
        table: String,
        /// The characters that were not understood.
        at: String,
        /// Where they stand in the statement.
        offset: usize,
        /// What would have been.
        what: &'static str,
    },
    /// A column of a type that this program does not know.
    #[error("column `{column}` of table {table} has the type `{type_name}`, which is not known: leave the table out")]
    UnknownType {
        /// The table.
        table: String,
        /// The column.
        column: String,
        /// The type as written.
        type_name: String,
    },
    /// A key or foreign key that names a column the table does not have.
    #[error("key {key} of table {table} names the column `{column}`, which the table does not have")]
    UnknownColumn {
        /// The table.
        table: String,
        /// The key.
        key: String,
        /// The column.
        column: String,
    },
    /// A string, name or comment without an end, or a name that is not UTF-8.
    #[error("a {what} that begins at byte {offset} is not closed or not valid UTF-8")]
    Text {
        /// Which kind of token.
        what: &'static str,
        /// Where it begins.
        offset: usize,
    },
    /// Longer or deeper than any server would write.
    #[error("the definition of table {table} is beyond a limit: {what}")]
    Limit {
        /// As far as it was read.
        table: String,
        /// Which limit.
        what: &'static str,
    },
}
