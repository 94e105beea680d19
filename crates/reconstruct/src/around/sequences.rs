//! MariaDB's sequences: tables of one row, of which mydumper (0.10, and 1.0 as well) dumps the definition and the row.
//!
//! Each time that a server takes numbers from a sequence in advance, it logs the whole row; the last one is the state at the
//! cut. ALTER SEQUENCE is logged as a statement only: it follows behind the row.

use backtrail_binlog::{ColumnImage, RowImage};
use backtrail_domain::TableName;
use backtrail_schema::{Ddl, DdlVerb, SqlDialect, TableShape, parse_create_table, quoted_name, rename_in_sequence};

/// What the window did to a sequence.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Sequence {
    /// The statement that made it, where the baseline does not have it.
    create: Option<Statement>,
    /// The last row that was logged.
    row: Option<String>,
    /// What altered it since.
    alters: Vec<Statement>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Statement {
    text: String,
    ddl: Ddl,
    dialect: SqlDialect,
}

/// As every server prints it.
const COLUMNS: &str = "(
  `next_not_cached_value` bigint(21) NOT NULL,
  `minimum_value` bigint(21) NOT NULL,
  `maximum_value` bigint(21) NOT NULL,
  `start_value` bigint(21) NOT NULL COMMENT 'start value when sequences is created or value if RESTART is used',
  `increment` bigint(21) NOT NULL COMMENT 'increment value',
  `cache_size` bigint(21) unsigned NOT NULL,
  `cycle_option` tinyint(1) unsigned NOT NULL COMMENT '0 if no cycles are allowed, 1 if the sequence should begin a new cycle when maximum_value is passed',
  `cycle_count` bigint(21) NOT NULL COMMENT 'How many cycles have been done'
) ENGINE=InnoDB SEQUENCE=1";

/// A sequence as a table.
pub(crate) fn shape(name: &TableName) -> Option<TableShape> {
    let sql = format!("CREATE TABLE {} {COLUMNS}", quoted_name(&name.table));
    parse_create_table(&sql, &name.schema, &SqlDialect::mariadb()).ok()
}

impl Sequence {
    /// Made by a CREATE SEQUENCE of the window.
    pub(crate) fn made(text: &str, ddl: &Ddl, dialect: &SqlDialect) -> Self {
        debug_assert_eq!(ddl.verb, DdlVerb::CreateSequence);
        let create = Statement { text: text.to_owned(), ddl: ddl.clone(), dialect: *dialect };
        Self { create: Some(create), ..Self::default() }
    }

    pub(crate) fn altered(&mut self, text: &str, ddl: &Ddl, dialect: &SqlDialect) {
        self.alters.push(Statement { text: text.to_owned(), ddl: ddl.clone(), dialect: *dialect });
    }

    /// Whether numbers may have been taken that no row tells of.
    pub(crate) fn is_altered(&self) -> bool {
        !self.alters.is_empty()
    }

    /// A row of the log takes the place of all that was known.
    pub(crate) fn row(&mut self, row: String) {
        self.row = Some(row);
        self.alters.clear();
    }

    /// Nothing happened to it.
    pub(crate) fn is_baselines(&self) -> bool {
        *self == Self::default()
    }

    /// The file that makes it and the one with its row; None for what is the baseline's. `row`: the baseline's row, where
    /// the sequence has another name now.
    pub(crate) fn files(&self, name: &str, row: Option<String>) -> (Option<Vec<u8>>, Option<Vec<u8>>) {
        const HEAD: &str = "/*!40101 SET NAMES utf8mb4*/;\n/*!40014 SET FOREIGN_KEY_CHECKS=0*/;\n";
        let alters: String = self.alters.iter().filter_map(|alter| alter.write(name)).collect();
        let table = format!("{HEAD}CREATE TABLE {} {COLUMNS};\n", quoted_name(name));
        match (self.row.clone().or(row), &self.create) {
            (Some(row), _) => {
                let rows = format!("{HEAD}INSERT INTO {} VALUES\n{row};\n{alters}", quoted_name(name));
                (Some(table.into_bytes()), Some(rows.into_bytes()))
            }
            (None, Some(create)) => {
                let create = create.write(name).unwrap_or_default();
                (Some(format!("{HEAD}{create}{alters}").into_bytes()), None)
            }
            (None, None) => (None, None),
        }
    }
}

impl Statement {
    fn write(&self, name: &str) -> Option<String> {
        Some(format!("{};\n", rename_in_sequence(&self.text, &self.ddl, &self.dialect, name)?))
    }
}

/// A row image of a sequence as SQL; None where it is none.
pub(crate) fn literal(image: &RowImage<'_, '_>) -> Option<String> {
    let mut values = Vec::new();
    for (index, column) in image.columns().iter().enumerate() {
        let ColumnImage::Bytes(bytes) = column else { return None };
        values.push(match (index, *bytes) {
            (6, [flag]) => flag.to_string(),
            (5, bytes) => u64::from_le_bytes(bytes.try_into().ok()?).to_string(),
            (_, bytes) => i64::from_le_bytes(bytes.try_into().ok()?).to_string(),
        });
    }
    (values.len() == 8).then(|| format!("({})", values.join(",")))
}

/// The row in a data file of a sequence.
pub(crate) fn row_of_file(content: &[u8]) -> Option<String> {
    let text = std::str::from_utf8(content).ok()?;
    let row = text.rsplit_once("VALUES")?.1;
    let (from, to) = (row.find('(')?, row.find(')')?);
    row.get(from..=to).map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;
    use backtrail_schema::{Statement as Read, classify};

    fn ddl(sql: &str) -> Ddl {
        match classify(sql.as_bytes(), "shop", &SqlDialect::mariadb()) {
            Read::Ddl(ddl) => ddl,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn files_of_a_sequence() {
        let dialect = SqlDialect::mariadb();
        let (create, alter) =
            ("CREATE OR REPLACE SEQUENCE IF NOT EXISTS shop.s START WITH 5;", "ALTER SEQUENCE s CACHE 3");
        let mut sequence = Sequence::made(create, &ddl(create), &dialect);
        sequence.altered(alter, &ddl(alter), &dialect);
        let (made, rows) = sequence.files("t", None);
        let made = String::from_utf8(made.unwrap()).unwrap();
        assert!(
            made.ends_with("CREATE SEQUENCE `t` START WITH 5;\nALTER SEQUENCE `t` CACHE 3;\n") && rows.is_none(),
            "{made}"
        );
        sequence.row("(1,2,3,4,5,6,7,8)".to_owned());
        sequence.altered(alter, &ddl(alter), &dialect);
        let (made, rows) = sequence.files("t", None);
        assert!(shape(&TableName::new("shop", "t")).unwrap().sequence);
        assert!(String::from_utf8(made.unwrap()).unwrap().ends_with("SEQUENCE=1;\n"));
        let rows = rows.unwrap();
        assert!(rows.ends_with(b"VALUES\n(1,2,3,4,5,6,7,8);\nALTER SEQUENCE `t` CACHE 3;\n"));
        assert_eq!(row_of_file(&rows).unwrap(), "(1,2,3,4,5,6,7,8)");
        assert!(Sequence::default().is_baselines());
    }
}
