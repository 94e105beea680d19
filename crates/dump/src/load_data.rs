//! Rows that stand in a file beside the SQL (`--format LOAD_DATA` and `CSV`, before 1.0 `--load-data` and `--csv`).
//!
//! For each chunk mydumper then writes two files: `shop.t.00000.sql` with the session's settings and one LOAD DATA statement
//! ([`LoadFile`]), and `shop.t.00000.dat` with the rows in the form that the statement describes. [`LoadedRows`] gives these
//! rows as an INSERT of the same mydumper would have them, so that whatever reads rows reads them alike.
//!
//! Values are told by how mydumper writes them, of which the statement is a description: bytes as the server sent them, with
//! the client library's backslashes (`\0 \n \r \\ \' \" \Z`), a backslash before each byte that a field's end could begin
//! with, `\N` for NULL, nothing around integers, and around other values what the statement encloses fields by. The CHARACTER
//! SET clause is what a server that loads the file would take the bytes for, and not what they are: `SET NAMES` says that,
//! as in every data file. What is written so that two values could have the same bytes is refused: see [`Format`].

mod rows;
mod statement;

pub use rows::LoadedRows;
pub use statement::LoadFile;

/// A LOAD DATA statement of mydumper's.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LoadData {
    /// The file with the rows, as it was called when mydumper closed it; another compression may have come since.
    pub file: String,
    /// The table. Which table a file is for is to be checked against this.
    pub table: String,
    /// The columns, in the order of the fields.
    pub columns: Vec<LoadColumn>,
    /// How rows are written.
    pub format: Format,
}

/// A column of a LOAD DATA statement.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LoadColumn {
    /// Its name.
    pub name: String,
    /// What becomes of the field's bytes.
    pub conversion: Conversion,
}

/// What a LOAD DATA statement makes of a field.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Conversion {
    /// The value itself.
    Plain,
    /// `CONVERT(@name USING UTF8MB4)`: MySQL's JSON.
    Json,
    /// `UNHEX(@name)`: with `--hex-blob`, texts and bytes.
    Unhex,
}

/// How rows are written, as far as it can be undone.
///
/// The escape is a backslash: with another one mydumper changes backslashes to it and leaves the same byte of the value as it
/// is. What ends a field does not begin with a byte that has another meaning behind a backslash, or that an integer holds,
/// which is written without. What ends a row ends in its only line feed: in a value there is none, it is written `\n`.
/// Fields are enclosed by nothing or by a double quote, before which the client library puts a backslash.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Format {
    /// Between fields.
    pub field_end: Vec<u8>,
    /// Whether values other than integers stand in double quotes.
    pub quoted: bool,
    /// Before each row.
    pub line_start: Vec<u8>,
    /// Behind each row.
    pub line_end: Vec<u8>,
    /// Whether the first line has the columns' names (`--include-header`).
    pub header: bool,
}

/// Why the rows beside a file cannot be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("its rows are dumped in a form that is not read: {0}")]
pub struct LoadDataError(pub(crate) String);
