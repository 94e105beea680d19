//! A data file of the baseline as statements and rows, in whichever form its rows are dumped.

use std::io::Read;

use backtrail_domain::TableName;
use backtrail_dump::DumpError;
use backtrail_dump::load_data::{LoadData, LoadFile, LoadedRows};
use backtrail_dump::names::Compression;
use backtrail_dump::tokenizer::{InsertHead, InsertVerb, Piece, StatementReader};
use backtrail_schema::{ColumnType, TableShape};

use crate::EngineError;
use crate::input::baseline::{LONGEST_TEXT, TableFiles, failed};
use crate::io::FileInfo;

type Source = Box<dyn Read + Send>;

/// Reads one data file.
pub(crate) enum RowsReader {
    /// INSERT statements.
    Inserts(StatementReader<Source>),
    /// A LOAD DATA statement, and its rows in a file beside.
    Beside(Box<Beside>),
}

/// Rows that stand in a file beside their statement.
pub(crate) struct Beside {
    preamble: std::vec::IntoIter<Vec<u8>>,
    /// The statement that was handed out last.
    statement: Vec<u8>,
    /// The LOAD DATA statement, until it is handed out.
    head: Option<Vec<u8>>,
    table: String,
    columns: Vec<String>,
    rows: LoadedRows<Source>,
}

impl RowsReader {
    /// Opens a file of `files.data`, and the one beside it. `shape` is the table's in the baseline.
    pub(crate) fn open(
        table: &TableName,
        files: &TableFiles,
        file: &FileInfo,
        shape: Option<&TableShape>,
        open: &dyn Fn(&str) -> Result<Source, EngineError>,
    ) -> Result<Self, EngineError> {
        let source = open(&file.name)?;
        let Some(beside) = files.beside.get(&file.name) else {
            return Ok(Self::Inserts(StatementReader::new(source, &file.name)));
        };
        let mut text = Vec::new();
        source.take(LONGEST_TEXT).read_to_end(&mut text).map_err(failed(&file.name))?;
        let described = described(&text, beside).map_err(|what| EngineError::BaselineData {
            table: table.clone(),
            source: Box::new(DumpError::Syntax { file: file.name.clone(), offset: 0, what }),
        })?;
        let LoadFile { preamble, raw, statement } = described;
        let preamble: Vec<Vec<u8>> = preamble.into_iter().map(<[u8]>::to_vec).collect();
        let is_number = |name: &str| {
            let column = shape.and_then(|shape| shape.columns.get(shape.column_index(name)?));
            column.is_some_and(|column| is_number(&column.ty))
        };
        Ok(Self::Beside(Box::new(Beside {
            preamble: preamble.into_iter(),
            statement: Vec::new(),
            head: Some(raw.to_vec()),
            table: statement.table.clone(),
            columns: column_names(&statement),
            rows: LoadedRows::new(open(&beside.name)?, &beside.name, statement, is_number),
        })))
    }

    /// The next piece; None at the end.
    pub(crate) fn next_piece(&mut self) -> Result<Option<Piece<'_>>, DumpError> {
        match self {
            Self::Inserts(reader) => reader.next_piece(),
            Self::Beside(beside) => beside.next_piece(),
        }
    }
}

impl Beside {
    fn next_piece(&mut self) -> Result<Option<Piece<'_>>, DumpError> {
        if let Some(statement) = self.preamble.next() {
            self.statement = statement;
            return Ok(Some(Piece::Preamble(&self.statement)));
        }
        if let Some(statement) = self.head.take() {
            self.statement = statement;
            return Ok(Some(Piece::InsertHead(InsertHead {
                raw: &self.statement,
                verb: InsertVerb::Insert,
                schema: None,
                table: self.table.clone(),
                columns: Some(self.columns.clone()),
            })));
        }
        Ok(self.rows.next_row()?.map(Piece::Row))
    }
}

/// What a file says of the rows `beside` it.
///
/// # Errors
/// Why they cannot be read.
pub(crate) fn described<'a>(text: &'a [u8], beside: &FileInfo) -> Result<LoadFile<'a>, String> {
    let file = LoadFile::parse(text).map_err(|problem| problem.to_string())?;
    if Compression::split(&file.statement.file).0 != Compression::split(&beside.name).0 {
        return Err(format!("its rows are in `{}`, not in `{}`", file.statement.file, beside.name));
    }
    Ok(file)
}

/// The columns in the order of the fields.
pub(crate) fn column_names(statement: &LoadData) -> Vec<String> {
    statement.columns.iter().map(|column| column.name.clone()).collect()
}

/// Whether an INSERT of mydumper's has the type's values without quotes.
fn is_number(ty: &ColumnType) -> bool {
    matches!(
        ty,
        ColumnType::TinyInt { .. }
            | ColumnType::SmallInt { .. }
            | ColumnType::MediumInt { .. }
            | ColumnType::Int { .. }
            | ColumnType::BigInt { .. }
            | ColumnType::Decimal { .. }
            | ColumnType::Float { .. }
            | ColumnType::Double { .. }
            | ColumnType::Year
    )
}
