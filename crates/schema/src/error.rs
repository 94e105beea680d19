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
    /// A string, name or comment without an end.
    #[error("a {what} that begins at byte {offset} is not closed")]
    NotClosed {
        /// Which kind of token.
        what: &'static str,
        /// Where it begins.
        offset: usize,
    },
    /// A name, or a member of an ENUM or SET, that is not UTF-8.
    #[error("a name or an ENUM or SET member of table {table} is not UTF-8: `{text}`")]
    NotUtf8 {
        /// The table.
        table: String,
        /// What is left of it.
        text: String,
    },
    /// Longer than any server would write.
    #[error("the definition of a table in schema {schema} is beyond a limit: {what}")]
    Limit {
        /// The schema.
        schema: String,
        /// Which limit.
        what: &'static str,
    },
}
