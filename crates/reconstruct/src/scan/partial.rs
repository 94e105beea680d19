//! Row images that are not whole (`binlog_row_image` MINIMAL, NOBLOB or FULL_NODUP), and where the rest of a row comes from.
//!
//! | event | what its images lack | where it comes from |
//! |---|---|---|
//! | INSERT | columns that the statement did not name | their defaults |
//! | UPDATE | columns that it did not assign | the before-image; else the row as it was, which is therefore lived through |
//! | DELETE | all but the key | nothing of it is needed |
//!
//! MariaDB carries a REPLACE that meets a row out as an update, and logs it as one that lacks the columns that went back
//! to their defaults. Which of the two an update is only the statement tells that stands in front of it (ANNOTATE_ROWS):
//! see [`Annotation`]. With FULL_NODUP (MariaDB 11.4) it is not needed: inserts and replaced rows are whole, and an update
//! lacks nothing but what it did not assign: see [`is_without_repetition`].

use std::collections::BTreeSet;
use std::sync::Arc;

use backtrail_binlog::{BinlogError, Event, EventBody, EventType, RowsEvent, RowsKind, TableMaps};
use backtrail_domain::TableName;
use backtrail_schema::{
    ColumnType, DataChangeVerb, Flavour, SqlDialect, Statement, TableShape, classify, insert_default,
};

use crate::plan::PlannedKey;
use crate::plan::decide::row_key;

/// How much of its rows an event has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Images {
    /// All that is needed.
    Whole,
    /// All, with the before-image and the columns' defaults.
    Completed,
    /// The rest is in the row as it was.
    Partial,
}

/// What the columns are that an after-image lacks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Lacking {
    /// As they were.
    Kept,
    /// At their defaults.
    Defaults,
}

/// The columns whose values are written: all but computed ones.
fn written(shape: &TableShape) -> impl Iterator<Item = usize> + '_ {
    shape.columns.iter().enumerate().filter(|(_, column)| column.generated.is_none()).map(|(index, _)| index)
}

/// Whether an event lacks nothing but columns that the server computes.
pub(crate) fn is_whole(shape: &TableShape, rows: &RowsEvent<'_>) -> bool {
    rows.has_full_images() || rows.has_whole_images(written(shape))
}

/// What an event's images are good for, in a table whose rows are told apart by these columns (`whole_row`: by all).
///
/// # Errors
/// What cannot be told, in a sentence.
pub(crate) fn images(
    shape: &TableShape,
    key: &[usize],
    whole_row: bool,
    rows: &RowsEvent<'_>,
    lacking: Lacking,
    dialect: SqlDialect,
) -> Result<Images, String> {
    if is_whole(shape, rows) {
        return Ok(Images::Whole);
    }
    let lacks = |column: usize| {
        let name = shape.columns.get(column).map_or("?", |column| column.name.as_str());
        format!("a row image lacks column `{name}` (binlog_row_image is not FULL)")
    };
    if rows.kind != RowsKind::Write
        && let Some(column) = key.iter().find(|column| !rows.has_before(**column))
    {
        return Err(format!("{}, by which its rows are told apart", lacks(*column)));
    }
    let missing = written(shape).filter(|column| !rows.has_after(*column));
    match (rows.kind, lacking) {
        (RowsKind::Delete, _) => Ok(Images::Whole),
        (RowsKind::Write, _) | (RowsKind::Update, Lacking::Defaults) => {
            for column in missing {
                default(shape, column, dialect).map_err(|problem| format!("{}, and {problem}", lacks(column)))?;
            }
            Ok(Images::Completed)
        }
        (RowsKind::Update, Lacking::Kept) => {
            let is_json =
                |column: &usize| shape.columns.get(*column).is_some_and(|column| matches!(column.ty, ColumnType::Json));
            let json = written(shape)
                .filter(is_json)
                .find(|column| rows.partial && rows.has_after(*column) && !rows.has_before(*column));
            if let Some(column) = json {
                return Err(format!("{}, to which a partial JSON update applies", lacks(column)));
            }
            match missing.into_iter().find(|column| !rows.has_before(*column)) {
                None => Ok(Images::Completed),
                Some(column) if whole_row => Err(lacks(column)),
                Some(_) => Ok(Images::Partial),
            }
        }
    }
}

/// What a column has in a row that was inserted without a value for it.
fn default(shape: &TableShape, column: usize, dialect: SqlDialect) -> Result<Vec<u8>, String> {
    let column = shape.columns.get(column).ok_or("the column is not known")?;
    if matches!(column.ty, ColumnType::Json | ColumnType::Geometry { .. } | ColumnType::Vector { .. })
        && !column.nullable
        && column.default.is_none()
    {
        return Err("what the server puts there is not known".to_owned());
    }
    insert_default(column, dialect)
}

/// For each column of the shape its default, where it has that in the rows of an event which leaves it out.
pub(crate) fn defaults(
    shape: &TableShape,
    rows: &RowsEvent<'_>,
    lacking: Lacking,
    dialect: SqlDialect,
) -> Result<Vec<Option<Vec<u8>>>, String> {
    let value = |(index, column): (usize, &backtrail_schema::Column)| {
        let wanted = (rows.kind == RowsKind::Write || (rows.kind == RowsKind::Update && lacking == Lacking::Defaults))
            && column.generated.is_none()
            && !rows.has_after(index);
        if wanted { default(shape, index, dialect).map(Some) } else { Ok(None) }
    };
    shape.columns.iter().enumerate().map(value).collect()
}

/// Whether an update is one of FULL_NODUP, or might as well be: the before-image has all columns. MINIMAL and NOBLOB have
/// in it the columns of a key and no others, or none of the columns that the after-image lacks, in every table that has a
/// key by which the server can tell rows apart.
fn is_without_repetition(shape: &TableShape, rows: &RowsEvent<'_>) -> bool {
    let Some(key) = shape.row_key() else { return false };
    let whole_columns = key.primary || key.parts.iter().all(|part| part.prefix_length.is_none());
    let of_keys: BTreeSet<usize> = key
        .columns()
        .chain(shape.unique_keys.iter().flat_map(|key| key.parts.iter().map(|part| part.column)))
        .collect();
    rows.kind == RowsKind::Update
        && whole_columns
        && written(shape).all(|column| rows.has_before(column))
        && written(shape).any(|column| !of_keys.contains(&column))
}

/// The statement behind row events, as far as MariaDB has told it.
#[derive(Debug)]
struct Annotation {
    verb: Option<DataChangeVerb>,
    /// The table that it names; the schema may be left out.
    table: Option<(Option<String>, String)>,
    /// All tables that its row events may be of.
    tables: BTreeSet<TableName>,
}

/// What no schema is called.
const NO_SCHEMA: &str = "\u{0}";

impl Annotation {
    fn read(statement: &[u8], dialect: SqlDialect) -> Self {
        let text = String::from_utf8_lossy(statement);
        let (verb, table) = match classify(text.as_bytes(), NO_SCHEMA, &dialect) {
            Statement::DataChange(change) => (Some(change.verb), change.tables),
            _ => (None, None),
        };
        let table = table.and_then(|tables| match tables.as_slice() {
            [only] => Some((Some(only.schema.clone()).filter(|schema| schema != NO_SCHEMA), only.table.clone())),
            _ => None,
        });
        Self { verb, table, tables: BTreeSet::new() }
    }

    /// A table that the statement opened.
    fn opens(&mut self, table: &TableName) {
        self.tables.insert(table.clone());
    }

    /// What the statement left out in its changes of the table's rows; None where it is not known to have changed them
    /// itself. (A trigger may have changed rows of other tables, by whatever statement.)
    fn lacking(&self, table: &TableName, kind: RowsKind) -> Option<Lacking> {
        use DataChangeVerb as Verb;
        let lacking = match (kind, self.verb?) {
            (RowsKind::Update, Verb::Update | Verb::Insert) | (RowsKind::Delete, _) => Lacking::Kept,
            (RowsKind::Update, Verb::Replace) | (RowsKind::Write, Verb::Insert | Verb::Replace | Verb::LoadData) => {
                Lacking::Defaults
            }
            _ => return None,
        };
        let (schema, name) = self.table.as_ref()?;
        let same = |other: &TableName| {
            other.table.eq_ignore_ascii_case(name)
                && schema.as_ref().is_none_or(|schema| schema.eq_ignore_ascii_case(&other.schema))
        };
        (same(table) && self.tables.iter().filter(|other| same(other)).count() < 2).then_some(lacking)
    }
}

/// The columns by which rows are told apart, and whether these are all.
type ToldApart = (Vec<usize>, bool);

/// The most of a statement that is looked at: its head.
const STATEMENT_HEAD: usize = 16 << 10;

/// Looks at the images of a log.
pub(crate) struct ImageCheck {
    flavour: Flavour,
    /// The head of the statement behind the next row events, and the tables that it opened.
    statement: Option<Vec<u8>>,
    opened: Vec<TableName>,
    /// How the rows of the last table with such images are told apart.
    last: Option<(Arc<TableShape>, Result<ToldApart, String>)>,
}

impl ImageCheck {
    pub(crate) fn new(flavour: Flavour) -> Self {
        Self { flavour, statement: None, opened: Vec::new(), last: None }
    }

    /// Takes in what stands in front of row events: the statement behind them, and the tables that it opened.
    pub(crate) fn before_rows(&mut self, event: &Event<'_>, table_maps: &mut TableMaps) -> Result<(), BinlogError> {
        match event.header.event_type {
            EventType::TABLE_MAP => self.opens(&table_maps.insert(event)?.name),
            EventType::ANNOTATE_ROWS => {
                if let EventBody::RowsQuery(statement) = event.body()? {
                    self.annotated(statement);
                }
            }
            _ => {}
        }
        Ok(())
    }

    fn annotated(&mut self, statement: &[u8]) {
        let mut head = self.statement.take().unwrap_or_default();
        head.clear();
        head.extend_from_slice(statement.get(..STATEMENT_HEAD).unwrap_or(statement));
        self.statement = Some(head);
        self.opened.clear();
    }

    fn opens(&mut self, table: &TableName) {
        if self.statement.is_some() && !self.opened.contains(table) {
            self.opened.push(table.clone());
        }
    }

    /// Takes in row events, when they have been looked at.
    pub(crate) fn behind_rows(&mut self, rows: &RowsEvent<'_>) {
        if rows.ends_statement() {
            self.statement_ends();
        }
    }

    pub(crate) fn statement_ends(&mut self) {
        self.statement = None;
    }

    /// See [`images`].
    pub(crate) fn of(
        &mut self,
        shape: &Arc<TableShape>,
        table: &TableName,
        rows: &RowsEvent<'_>,
    ) -> Result<Images, String> {
        if is_whole(shape, rows) {
            return Ok(Images::Whole);
        }
        if !self.last.as_ref().is_some_and(|(last, _)| Arc::ptr_eq(last, shape)) {
            let key = row_key(shape).map(|(key, codec)| {
                (codec.parts().iter().map(|part| part.column).collect(), key == PlannedKey::WholeRow)
            });
            self.last = Some((Arc::clone(shape), key));
        }
        match &self.last {
            Some((_, Ok((key, whole_row)))) => {
                let lacking = self.lacking(shape, table, rows)?;
                images(shape, key, *whole_row, rows, lacking, SqlDialect::of_flavour(self.flavour))
            }
            // The table is refused for that.
            Some((_, Err(_))) | None => Ok(Images::Completed),
        }
    }

    /// What the columns are that an event's images lack.
    ///
    /// # Errors
    /// That it is not known, in a sentence.
    pub(crate) fn lacking(
        &self,
        shape: &TableShape,
        table: &TableName,
        rows: &RowsEvent<'_>,
    ) -> Result<Lacking, String> {
        match (self.flavour, rows.kind) {
            (_, RowsKind::Delete) | (Flavour::Mysql, RowsKind::Update) => return Ok(Lacking::Kept),
            (Flavour::Mysql, RowsKind::Write) => return Ok(Lacking::Defaults),
            (Flavour::Mariadb, _) if is_without_repetition(shape, rows) => return Ok(Lacking::Kept),
            (Flavour::Mariadb, _) => {}
        }
        let lacking = self.statement.as_ref().and_then(|statement| {
            let mut annotation = Annotation::read(statement, SqlDialect::of_flavour(self.flavour));
            self.opened.iter().for_each(|table| annotation.opens(table));
            annotation.lacking(table, rows.kind)
        });
        lacking.ok_or_else(|| {
            "a row image lacks columns (binlog_row_image is not FULL), and no plain UPDATE, INSERT or REPLACE of the table \
             stands before it: whether they kept their values or went back to their defaults cannot be told"
                .to_owned()
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn statements_that_explain() {
        let check = |statement: &str, tables: &[&str], kind: RowsKind, expected: Option<Lacking>| {
            let dialect = SqlDialect::of_flavour(backtrail_schema::Flavour::Mariadb);
            let mut annotation = Annotation::read(statement.as_bytes(), dialect);
            tables.iter().for_each(|table| annotation.opens(&table.parse().unwrap()));
            assert_eq!(annotation.lacking(&tables[0].parse().unwrap(), kind), expected, "{statement}");
        };
        let (kept, defaults) = (Some(Lacking::Kept), Some(Lacking::Defaults));
        check("update t set v = 1", &["d.t"], RowsKind::Update, kept);
        check("UPDATE `d`.`T` SET v = 1", &["d.t", "d.log"], RowsKind::Update, kept);
        check("UPDATE t SET v = 1", &["d.log", "d.t"], RowsKind::Update, None);
        check("UPDATE t SET v = 1", &["d.t", "e.t"], RowsKind::Update, None);
        check("UPDATE d.t SET v = 1", &["d.t", "e.t"], RowsKind::Update, kept);
        check("UPDATE t, u SET t.v = 1", &["d.t", "d.u"], RowsKind::Update, None);
        check("INSERT INTO t VALUES (1) ON DUPLICATE KEY UPDATE v = 1", &["d.t"], RowsKind::Update, kept);
        check("REPLACE INTO t VALUES (1)", &["d.t"], RowsKind::Update, defaults);
        check("REPLACE INTO t VALUES (1)", &["d.t"], RowsKind::Write, defaults);
        check("UPDATE t FOR PORTION OF p FROM 1 TO 2 SET v = 1", &["d.t"], RowsKind::Write, None);
        check("LOAD DATA INFILE 'x' REPLACE INTO TABLE t", &["d.t"], RowsKind::Update, None);
        check("SELECT f()", &["d.t"], RowsKind::Update, None);
    }
}
