//! The values that a foreign key compares, as bytes.
//!
//! Numbers, times and binary strings refer to what is equal to them. Texts refer by collation: `'a'` may be the child of
//! `'A'`. Of the common collations it is known when texts of printable ASCII are equal: without regard to case, and where
//! the collation pads, to spaces at the end. For other texts equality is not known here, and that is said.

use backtrail_dump::literal::{Literal, parse_literal};
use backtrail_schema::{Column, ColumnType, TableShape};

use crate::values::key::{KeyCodec, KeyPart};

/// How the values of a foreign key are encoded, the parent's and the child's alike.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct LinkCodec {
    parts: Vec<Part>,
}

#[derive(Debug, Clone, PartialEq)]
enum Part {
    Exact(KeyPart),
    Text {
        /// Spaces at the end do not count.
        pads: bool,
        /// Case does not count.
        folds: bool,
    },
}

/// What has become of a value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Encoded {
    /// It refers to nothing.
    Null,
    Known,
    /// A text that may be equal to others than itself: what is ASCII in it, which all of these hold in this order, if it is
    /// they that are ASCII.
    Doubtful(Vec<u8>),
}

/// Endings of the names of collations in which printable ASCII texts are equal if they differ in nothing but case.
const CASE_ONLY: [&str; 6] =
    ["_general_ci", "_general_mysql500_ci", "_unicode_ci", "_unicode_520_ci", "_ai_ci", "_as_ci"];

impl LinkCodec {
    /// Of these columns of the child.
    ///
    /// # Errors
    /// Why values of one cannot be compared.
    pub(crate) fn new(shape: &TableShape, columns: &[usize]) -> Result<Self, String> {
        let part = |index: &usize| {
            let column = shape.columns.get(*index).ok_or("a column of the key is not there")?;
            if column.generated.is_some() {
                return Err(format!("its column `{}` is generated, and its values are not in the dump", column.name));
            }
            part(shape, *index, column).map_err(|problem| format!("its column `{}` {problem}", column.name))
        };
        Ok(Self { parts: columns.iter().map(part).collect::<Result<_, String>>()? })
    }

    /// Whether a parent's column can be what the child's column refers to.
    pub(crate) fn fits(child: &ColumnType, parent: &ColumnType) -> bool {
        let text = |ty: &ColumnType| matches!(ty, ColumnType::Char { .. } | ColumnType::VarChar { .. });
        (text(child) && text(parent)) || std::mem::discriminant(child) == std::mem::discriminant(parent)
    }

    /// Whether some texts are compared without regard to case.
    pub(crate) fn folds(&self) -> bool {
        self.parts.iter().any(|part| matches!(part, Part::Text { folds: true, .. }))
    }

    /// Adds the value of one part, as a literal of a dump.
    pub(crate) fn push(&self, part: usize, literal: &[u8], out: &mut Vec<u8>) -> Result<Encoded, String> {
        let literal = parse_literal(literal).map_err(|problem| problem.to_string())?;
        if literal == Literal::Null {
            return Ok(Encoded::Null);
        }
        match self.parts.get(part) {
            None => Err("a value without a column".to_owned()),
            Some(Part::Exact(part)) => {
                part.push_literal(&literal, out).map_err(|problem| problem.to_string())?;
                Ok(Encoded::Known)
            }
            Some(Part::Text { pads, folds }) => {
                let bytes = literal.into_bytes().ok_or("a word in place of a text")?;
                let mut text: &[u8] = &bytes;
                while *pads && let Some(shorter) = text.strip_suffix(b" ") {
                    text = shorter;
                }
                let printable = |byte: &u8| (0x20..0x7f).contains(byte);
                let start = out.len();
                out.extend_from_slice(&(text.len() as u32).to_be_bytes());
                out.extend_from_slice(text);
                if *folds {
                    out.iter_mut().skip(start + 4).for_each(u8::make_ascii_lowercase);
                    if !text.iter().all(printable) {
                        let mut rest: Vec<u8> = text.iter().copied().filter(printable).collect();
                        rest.make_ascii_lowercase();
                        return Ok(Encoded::Doubtful(rest));
                    }
                }
                Ok(Encoded::Known)
            }
        }
    }
}

fn part(shape: &TableShape, index: usize, column: &Column) -> Result<Part, String> {
    match &column.ty {
        ColumnType::Char { .. } | ColumnType::VarChar { .. } => text(column),
        ColumnType::TinyInt { .. }
        | ColumnType::SmallInt { .. }
        | ColumnType::MediumInt { .. }
        | ColumnType::Int { .. }
        | ColumnType::BigInt { .. }
        | ColumnType::Decimal { .. }
        | ColumnType::Date
        | ColumnType::Time { .. }
        | ColumnType::DateTime { .. }
        | ColumnType::Timestamp { .. }
        | ColumnType::Year
        | ColumnType::Binary { .. }
        | ColumnType::VarBinary { .. } => {
            let codec = KeyCodec::new(shape, &[index], false).map_err(|problem| problem.to_string())?;
            codec.parts().first().cloned().map(Part::Exact).ok_or_else(|| "has no encoding".to_owned())
        }
        _ => Err("is of a type whose references cannot be followed".to_owned()),
    }
}

fn text(column: &Column) -> Result<Part, String> {
    let charset = column.charset.as_deref().unwrap_or("utf8mb4");
    if matches!(charset, "ucs2" | "utf16" | "utf16le" | "utf32") {
        return Err(format!("is in the character set {charset}, whose equal texts are not known"));
    }
    let Some(collation) = column.collation.as_deref() else {
        // What servers leave out in a definition is the default of old: it pads and folds.
        return match charset {
            "utf8mb4" | "utf8mb3" | "latin1" | "ascii" => Ok(Part::Text { pads: true, folds: true }),
            _ => Err(format!("is in the character set {charset}, whose default collation is not known")),
        };
    };
    let pads = !collation.contains("_0900_") && !collation.contains("_nopad_");
    if collation.ends_with("_bin") {
        return Ok(Part::Text { pads, folds: false });
    }
    let plain = collation.replace("_nopad", "");
    let known = |ending: &str| plain.strip_suffix(ending).is_some_and(is_family);
    if collation == "latin1_swedish_ci" || CASE_ONLY.iter().any(|ending| known(ending)) {
        return Ok(Part::Text { pads, folds: true });
    }
    Err(format!("has the collation {collation}, whose equal texts are not known"))
}

/// What stands before the ending, in the collations of no language in particular.
fn is_family(start: &str) -> bool {
    let start = start.strip_suffix("_0900").or_else(|| start.strip_suffix("_uca1400")).unwrap_or(start);
    !start.contains('_') || start == "utf8mb3" || start == "uca1400"
}

#[cfg(test)]
mod tests {
    use backtrail_schema::{SqlDialect, parse_create_table};

    use super::*;

    fn codec(definition: &str) -> Result<LinkCodec, String> {
        let create = format!("CREATE TABLE t (a {definition}) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4");
        LinkCodec::new(&parse_create_table(&create, "s", &SqlDialect::mariadb()).unwrap(), &[0])
    }

    #[test]
    fn references_are_by_collation() {
        let check = |definition: &str, a: &str, b: &str, equal: bool| {
            let codec = codec(definition).unwrap();
            let (mut left, mut right) = (Vec::new(), Vec::new());
            assert_eq!(codec.push(0, a.as_bytes(), &mut left), Ok(Encoded::Known));
            assert_eq!(codec.push(0, b.as_bytes(), &mut right), Ok(Encoded::Known));
            assert_eq!(left == right, equal, "{definition}: {a} {b}");
        };
        check("varchar(9)", "'Ab '", "'aB'", true);
        check("varchar(9)", "'ab'", "'ac'", false);
        check("char(9) COLLATE utf8mb4_bin", "'ab '", "'ab'", true);
        check("varchar(9) COLLATE utf8mb4_bin", "'ab'", "'aB'", false);
        check("varchar(9) COLLATE utf8mb4_0900_ai_ci", "'ab '", "'ab'", false);
        check("varchar(9) COLLATE utf8mb4_0900_ai_ci", "'AB'", "'ab'", true);
        check("varchar(9) COLLATE utf8mb4_uca1400_ai_ci", "'AB '", "'ab'", true);
        check("varchar(9) COLLATE utf8mb4_nopad_bin", "'ab '", "'ab'", false);
        check("int", "7", "'7'", true);
        check("decimal(6,2)", "7.50", "7.5", true);
        check("varbinary(9)", "'a'", "0x61", true);
    }

    #[test]
    fn what_cannot_be_compared_is_said() {
        for definition in [
            "varchar(9) COLLATE utf8mb4_danish_ci",
            "varchar(9) COLLATE utf8mb4_roman_ci",
            "varchar(9) COLLATE utf8mb4_de_pb_0900_ai_ci",
            "varchar(9) CHARACTER SET utf16 COLLATE utf16_general_ci",
            "varchar(9) CHARACTER SET gbk",
            "double",
            "enum('a')",
            "int GENERATED ALWAYS AS (1)",
        ] {
            assert!(codec(definition).is_err(), "{definition}");
        }
        let codec = codec("varchar(9)").unwrap();
        assert!(codec.folds());
        assert_eq!(codec.push(0, "'Ünz'".as_bytes(), &mut Vec::new()), Ok(Encoded::Doubtful(b"nz".to_vec())));
        assert_eq!(codec.push(0, b"NULL", &mut Vec::new()), Ok(Encoded::Null));
    }
}
