//! A schema file that is written anew: a CREATE TABLE, and behind it the statements that changed the table.
//!
//! myloader 1.0 holds back the indexes and foreign keys of a CREATE TABLE until the rows are there, and of several statements
//! in a file keeps the last. It leaves alone, in their order, statements with a comment of versions 4.x in them: where there
//! are several, each gets an empty one, which says nothing to a server.

/// Statements are written for the default quotes; their text is UTF-8.
const PREAMBLE: &str = "\
/*!40101 SET NAMES utf8mb4*/;
/*!40014 SET FOREIGN_KEY_CHECKS=0*/;
/*!40101 SET SQL_MODE='NO_AUTO_VALUE_ON_ZERO,ALLOW_INVALID_DATES'*/;
/*!40103 SET TIME_ZONE='+00:00' */;
";

/// Tells a loader to take a statement as it is.
pub(crate) const AS_IT_IS: &str = " /*!40000 */";

/// The statements of a schema file, without what ends them.
#[derive(Debug, Default)]
pub(crate) struct SchemaFile(Vec<String>);

impl SchemaFile {
    pub(crate) fn push(&mut self, statement: impl Into<String>) {
        self.0.push(statement.into());
    }

    pub(crate) fn finish(self) -> String {
        let mark = if self.0.len() > 1 { AS_IT_IS } else { "" };
        let mut text = String::from(PREAMBLE);
        for statement in self.0 {
            text.push_str(&statement);
            text.push_str(mark);
            text.push_str(";\n");
        }
        text
    }
}

/// A statement of a schema file, without what a loader is told by it.
pub(crate) fn without_mark(statement: &str) -> &str {
    statement.strip_suffix(AS_IT_IS).unwrap_or(statement)
}
