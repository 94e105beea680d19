//! What the texts of a statement are worth. A server reads them by the character sets of client and connection; a schema file
//! has the statement in UTF-8.

use backtrail_schema::{ClientCharset, Column, ColumnType, SqlDialect, TableShape, TextPlace, texts_beyond_ascii};

/// How the server's texts differ from those of the statement in UTF-8.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Texts {
    /// They do not.
    Same,
    /// They are bytes, which every column takes as characters of its own.
    Bytes,
    /// Their bytes were others, which is what a binary column has.
    Decoded,
    /// They passed through a character set that may not have all of their characters, or are not plain texts.
    Lost,
}

impl Texts {
    /// Those of a statement that has been read by its client's character set.
    pub(crate) fn of(statement: &str, dialect: &SqlDialect, client: ClientCharset, connection: ClientCharset) -> Self {
        let bytes = client.is_binary() || connection.is_binary();
        let place = match texts_beyond_ascii(statement, dialect) {
            TextPlace::Nowhere => return Self::Same,
            place => place,
        };
        let passes = connection == client || (connection.is_utf8() && (client.is_utf8() || !connection.is_binary()));
        let beyond = connection.is_utf8mb3() && statement.chars().any(|character| character > '\u{ffff}');
        if !passes || beyond {
            return Self::Lost;
        }
        match place {
            TextPlace::Elsewhere if bytes || !client.is_utf8() => Self::Lost,
            _ if bytes => Self::Bytes,
            _ if client.is_utf8() => Self::Same,
            _ => Self::Decoded,
        }
    }

    /// Whether a column of the table that a statement with such texts has made holds a text that would be another. (Which of
    /// them the statement has brought does not show: it may bring the same text in other bytes.)
    pub(crate) fn differ_in(self, shape: &TableShape) -> bool {
        let differs = |column: &Column| {
            let members = match &column.ty {
                ColumnType::Enum { values } | ColumnType::Set { values } => values.as_slice(),
                _ => &[],
            };
            let is_text = column.ty.is_text() || !members.is_empty();
            let has_text = column.default.as_ref().is_some_and(|default| !default.is_ascii())
                || members.iter().any(|member| !member.is_ascii());
            let charset = column.charset.as_deref().unwrap_or_default();
            has_text
                && match self {
                    Self::Same => false,
                    Self::Bytes => is_text && !charset.starts_with("utf8"),
                    Self::Decoded => !is_text || charset == "binary",
                    Self::Lost => true,
                }
        };
        self == Self::Lost || shape.columns.iter().any(differs)
    }
}

#[cfg(test)]
mod tests {
    use backtrail_schema::parse_create_table;

    use super::*;

    #[test]
    fn texts_that_would_be_others() {
        let check = |client: &str, connection: &str, columns: &str, differ: bool| {
            let dialect = SqlDialect::mysql();
            let statement = format!("CREATE TABLE `ж` (id INT PRIMARY KEY, {columns}) CHARSET=utf8mb4");
            let (client, connection) = (ClientCharset::of_name(client), ClientCharset::of_name(connection));
            let texts = Texts::of(&statement, &dialect, client, connection);
            let shape = parse_create_table(&statement, "d", &dialect).unwrap();
            assert_eq!(texts.differ_in(&shape), differ, "{columns}: {texts:?}");
        };
        check("utf8mb4", "utf8mb4", "v VARBINARY(9) DEFAULT 'да', g INT AS (LENGTH('да'))", false);
        check("utf8mb4", "latin1", "v VARCHAR(9) DEFAULT 'я'", true);
        check("utf8mb4", "latin1", "v VARCHAR(9) DEFAULT 'a'", false);
        check("cp1251", "cp1251", "v VARCHAR(9) DEFAULT 'да' COMMENT 'да', e ENUM('да')", false);
        check("cp1251", "utf8mb4", "v VARCHAR(9) DEFAULT 'да'", false);
        check("cp1251", "latin1", "v VARCHAR(9) DEFAULT 'да'", true);
        check("cp1251", "cp1251", "v VARBINARY(9) DEFAULT 'да'", true);
        check("cp1251", "cp1251", "v VARBINARY(9) DEFAULT 'a' COMMENT 'да'", false);
        check("latin1", "binary", "v VARBINARY(9) DEFAULT 'é'", true);
        check("utf8mb4", "utf8mb3", "v VARCHAR(9) DEFAULT 'é'", false);
        check("utf8mb4", "utf8mb3", "v VARCHAR(9) DEFAULT '😀'", true);
        check("latin1", "latin1", "g INT AS (LENGTH('é'))", true);
        check("binary", "binary", "v VARCHAR(9) DEFAULT 'да', w VARBINARY(9) DEFAULT 'да'", false);
        check("binary", "binary", "v VARCHAR(9) CHARACTER SET latin1 DEFAULT 'é'", true);
        check("binary", "binary", "e ENUM('é') CHARACTER SET utf16", true);
    }
}
