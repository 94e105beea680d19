//! MariaDB's sequences: tables of one row, of which mydumper (0.10, and 1.0 as well) dumps the definition and the row.
//!
//! Each time that a server takes numbers from a sequence in advance, it logs the whole row; the last one is the state at the
//! cut. ALTER SEQUENCE is logged as a statement only: it follows behind the row.

use backtrail_binlog::{ColumnImage, RowImage};
use backtrail_domain::TableName;
use backtrail_schema::{
    ColumnType, Ddl, DdlVerb, SqlDialect, Statement, TableShape, classify, parse_create_table, quoted_name,
    rename_in_sequence, sequence_type,
};

use crate::history::definition::statements;

/// What the window did to a sequence.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Sequence {
    /// The statement that made it, where the baseline does not have it.
    create: Option<Told>,
    /// The last row that was logged.
    row: Option<String>,
    /// What altered it since.
    alters: Vec<Told>,
    numbers: Numbers,
    /// All of this is in its file of the baseline.
    of_file: bool,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Told {
    text: String,
    ddl: Ddl,
    dialect: SqlDialect,
}

/// The type of a sequence's numbers, which MariaDB lets one choose from 11.5 on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Numbers {
    sql: &'static str,
    unsigned: bool,
}

impl Default for Numbers {
    fn default() -> Self {
        Self { sql: "bigint(21)", unsigned: false }
    }
}

impl Numbers {
    /// Of a sequence in the form of a table.
    pub(crate) fn of_shape(shape: &TableShape) -> Option<Self> {
        let (sql, unsigned) = match shape.columns.first()?.ty {
            ColumnType::TinyInt { unsigned } => ("tinyint(5)", unsigned),
            ColumnType::SmallInt { unsigned } => ("smallint(7)", unsigned),
            ColumnType::MediumInt { unsigned } => ("mediumint(9)", unsigned),
            ColumnType::Int { unsigned } => ("int(12)", unsigned),
            ColumnType::BigInt { unsigned } => ("bigint(21)", unsigned),
            _ => return None,
        };
        Some(Self { sql, unsigned })
    }

    /// Of CREATE or ALTER SEQUENCE … AS; None where it does not say.
    fn told(text: &str, ddl: &Ddl, dialect: &SqlDialect) -> Option<Option<Self>> {
        let (words, unsigned) = sequence_type(text, ddl, dialect)?;
        let sql = match words.to_ascii_uppercase().as_str() {
            "TINYINT" | "INT1" => "tinyint(5)",
            "SMALLINT" | "INT2" => "smallint(7)",
            "MEDIUMINT" | "INT3" | "MIDDLEINT" => "mediumint(9)",
            "INT" | "INTEGER" | "INT4" => "int(12)",
            "BIGINT" | "INT8" => "bigint(21)",
            _ => return Some(None),
        };
        Some(Some(Self { sql, unsigned }))
    }

    /// As every server prints it.
    fn columns(self) -> String {
        let numbers = format!("{}{} NOT NULL", self.sql, if self.unsigned { " unsigned" } else { "" });
        format!(
            "(
  `next_not_cached_value` {numbers},
  `minimum_value` {numbers},
  `maximum_value` {numbers},
  `start_value` {numbers} COMMENT 'start value when sequences is created or value if RESTART is used',
  `increment` bigint(21) NOT NULL COMMENT 'increment value',
  `cache_size` bigint(21) unsigned NOT NULL,
  `cycle_option` tinyint(1) unsigned NOT NULL COMMENT '0 if no cycles are allowed, 1 if the sequence should begin a new cycle when maximum_value is passed',
  `cycle_count` bigint(21) NOT NULL COMMENT 'How many cycles have been done'
) ENGINE=InnoDB SEQUENCE=1"
        )
    }

    /// A sequence as a table.
    fn shape(self, name: &TableName) -> Option<TableShape> {
        let sql = format!("CREATE TABLE {} {}", quoted_name(&name.table), self.columns());
        parse_create_table(&sql, &name.schema, &SqlDialect::mariadb()).ok()
    }
}

/// The files of a sequence: the one that makes it, and the one with its row.
pub(crate) struct Files {
    pub(crate) made: Vec<u8>,
    pub(crate) row: Option<Vec<u8>>,
}

impl Sequence {
    /// The baseline's.
    pub(crate) fn of_shape(shape: &TableShape) -> Option<Self> {
        Some(Self { numbers: Numbers::of_shape(shape)?, ..Self::default() })
    }

    /// Made by a CREATE SEQUENCE of the window: with its form as a table. None where its type is not known.
    pub(crate) fn made(name: &TableName, text: &str, ddl: &Ddl, dialect: &SqlDialect) -> Option<(Self, TableShape)> {
        debug_assert_eq!(ddl.verb, DdlVerb::CreateSequence);
        let create = Told { text: text.to_owned(), ddl: ddl.clone(), dialect: *dialect };
        let numbers = Numbers::told(text, ddl, dialect).unwrap_or_else(|| Some(Numbers::default()))?;
        Some((Self { create: Some(create), numbers, ..Self::default() }, numbers.shape(name)?))
    }

    /// The baseline's, from which no numbers were taken before: its file has the statements that made it.
    pub(crate) fn of_file(name: &TableName, text: &str, dialect: &SqlDialect) -> Option<(Self, TableShape)> {
        let mut found = None;
        for statement in statements(text) {
            let Statement::Ddl(ddl) = classify(statement.as_bytes(), &name.schema, dialect) else { continue };
            match (ddl.verb, &mut found) {
                (DdlVerb::CreateSequence, None) => found = Some(Self::made(name, statement, &ddl, dialect)?),
                (DdlVerb::AlterSequence, Some((sequence, _))) => drop(sequence.altered(statement, &ddl, dialect)),
                _ => return None,
            }
        }
        found.map(|(sequence, shape)| (Self { of_file: true, ..sequence }, shape))
    }

    /// False where it gets another type.
    pub(crate) fn altered(&mut self, text: &str, ddl: &Ddl, dialect: &SqlDialect) -> bool {
        self.of_file = false;
        self.alters.push(Told { text: text.to_owned(), ddl: ddl.clone(), dialect: *dialect });
        Numbers::told(text, ddl, dialect).is_none_or(|told| told == Some(self.numbers))
    }

    /// Whether numbers may have been taken that no row tells of.
    pub(crate) fn is_altered(&self) -> bool {
        !self.alters.is_empty()
    }

    /// A row of the log takes the place of all that was known.
    pub(crate) fn row(&mut self, row: String) {
        self.row = Some(row);
        self.of_file = false;
        self.alters.clear();
    }

    /// Nothing happened to it.
    pub(crate) fn is_baselines(&self) -> bool {
        self.of_file || (self.create.is_none() && self.row.is_none() && self.alters.is_empty())
    }

    /// Its files; None where no row is known. `row`: the baseline's.
    pub(crate) fn files(&self, name: &str, row: Option<String>) -> Option<Files> {
        const HEAD: &str = "/*!40101 SET NAMES utf8mb4*/;\n/*!40014 SET FOREIGN_KEY_CHECKS=0*/;\n";
        let alters: String = self.alters.iter().filter_map(|alter| alter.write(name)).collect();
        let table = format!("{HEAD}CREATE TABLE {} {};\n", quoted_name(name), self.numbers.columns());
        match (self.row.clone().or(row), &self.create) {
            (Some(row), _) => {
                let rows = format!("{HEAD}INSERT INTO {} VALUES\n{row};\n{alters}", quoted_name(name));
                Some(Files { made: table.into_bytes(), row: Some(rows.into_bytes()) })
            }
            (None, Some(create)) => {
                let create = create.write(name).unwrap_or_default();
                Some(Files { made: format!("{HEAD}{create}{alters}").into_bytes(), row: None })
            }
            (None, None) => None,
        }
    }
}

impl Told {
    fn write(&self, name: &str) -> Option<String> {
        Some(format!("{};\n", rename_in_sequence(&self.text, &self.ddl, &self.dialect, name)?))
    }
}

impl Sequence {
    /// A row image of it as SQL; None where it is none.
    pub(crate) fn literal(&self, image: &RowImage<'_, '_>) -> Option<String> {
        literal(image, self.numbers.unsigned)
    }
}

fn literal(image: &RowImage<'_, '_>, unsigned: bool) -> Option<String> {
    let mut values = Vec::new();
    for (index, column) in image.columns().iter().enumerate() {
        let ColumnImage::Bytes(bytes) = column else { return None };
        values.push(match (index, *bytes) {
            (6, [flag]) => flag.to_string(),
            (5, bytes) => integer(bytes, true)?,
            (0..=3, bytes) => integer(bytes, unsigned)?,
            (_, bytes) => integer(bytes, false)?,
        });
    }
    (values.len() == 8).then(|| format!("({})", values.join(",")))
}

/// A little-endian integer of up to eight bytes.
fn integer(bytes: &[u8], unsigned: bool) -> Option<String> {
    let negative = !unsigned && bytes.last().is_some_and(|last| last & 0x80 != 0);
    let mut whole = [if negative { 0xff } else { 0 }; 8];
    whole.get_mut(..bytes.len())?.copy_from_slice(bytes);
    Some(if unsigned { u64::from_le_bytes(whole).to_string() } else { i64::from_le_bytes(whole).to_string() })
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
        let name = TableName::new("shop", "s");
        let (mut sequence, shape) = Sequence::made(&name, create, &ddl(create), &dialect).unwrap();
        assert!(shape.sequence && sequence.altered(alter, &ddl(alter), &dialect));
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
        let files = sequence.files("t", None).unwrap();
        let made = text(files.made);
        assert!(made.ends_with("CREATE SEQUENCE `t` START WITH 5;\nALTER SEQUENCE `t` CACHE 3;\n"), "{made}");
        assert!(files.row.is_none());
        sequence.row("(1,2,3,4,5,6,7,8)".to_owned());
        assert!(sequence.altered(alter, &ddl(alter), &dialect));
        let files = sequence.files("t", None).unwrap();
        assert!(text(files.made).ends_with("SEQUENCE=1;\n"));
        let rows = files.row.unwrap();
        assert!(rows.ends_with(b"VALUES\n(1,2,3,4,5,6,7,8);\nALTER SEQUENCE `t` CACHE 3;\n"));
        assert_eq!(row_of_file(&rows).unwrap(), "(1,2,3,4,5,6,7,8)");
        assert!(Sequence::default().is_baselines());
        assert!(Sequence::default().files("t", None).is_none(), "nobody knows its numbers");
    }

    #[test]
    fn types_of_sequences() {
        let dialect = SqlDialect::mariadb();
        let name = TableName::new("shop", "s");
        let check = |as_type: &str, column: &str| {
            let create = format!("CREATE SEQUENCE s {as_type} START WITH 5 CACHE 3");
            let (mut sequence, shape) = Sequence::made(&name, &create, &ddl(&create), &dialect).unwrap();
            assert_eq!(Numbers::of_shape(&shape), Some(sequence.numbers), "{as_type}");
            sequence.row("(1,2,3,4,5,6,7,8)".to_owned());
            let made = String::from_utf8(sequence.files("s", None).unwrap().made).unwrap();
            assert!(made.contains(&format!("`start_value` {column} NOT NULL COMMENT")), "{made}");
            let alter = "ALTER SEQUENCE s AS INT UNSIGNED MAXVALUE 9";
            assert_eq!(sequence.altered(alter, &ddl(alter), &dialect), column == "int(12) unsigned", "{as_type}");
        };
        check("", "bigint(21)");
        check("AS SMALLINT UNSIGNED", "smallint(7) unsigned");
        check("as integer unsigned", "int(12) unsigned");
        check("AS BIGINT(20) UNSIGNED", "bigint(21) unsigned");
        check("AS TINYINT", "tinyint(5)");
        let create = "CREATE SEQUENCE s AS DECIMAL";
        assert!(Sequence::made(&name, create, &ddl(create), &dialect).is_none());
    }

    #[test]
    fn integers_of_any_width() {
        let check = |bytes: &[u8], unsigned: bool, text: &str| assert_eq!(integer(bytes, unsigned).unwrap(), text);
        check(&[0xfe], false, "-2");
        check(&[0xfe], true, "254");
        check(&[0xfe, 0xff, 0x7f], false, "8388606");
        check(&[0xff; 8], true, "18446744073709551615");
        assert_eq!(integer(&[0; 9], true), None);
    }
}
