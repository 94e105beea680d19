//! The baseline's files of views, triggers, routines and events, taken apart.
//!
//! mydumper ends a statement with a semicolon at the end of a line, and lets no line within one end so. Before and behind
//! each CREATE it sets the session's character sets.

use backtrail_domain::TableName;
use backtrail_schema::{ClientCharset, ObjectStatement, ObjectVerb, SqlDialect, read_object_statement};

use super::characters::{CURRENT_SCHEMA, decode};
use super::source::{Around, Source, Step};

/// A file's objects.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Parsed {
    /// What stands before the first of them.
    pub(crate) head: Vec<u8>,
    /// In order; each with the statements that make it.
    pub(crate) objects: Vec<Object>,
}

/// Something around tables, and the statements that make it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Object {
    pub(crate) name: TableName,
    /// A trigger's table.
    pub(crate) table: Option<TableName>,
    /// The first one makes it.
    pub(crate) steps: Vec<Step>,
    /// Whose it is, where that is not who made it: an event is of whom renamed it.
    pub(crate) definer: Option<String>,
}

/// Takes a file apart.
pub(crate) fn parse(content: &[u8], schema: &str, dialect: &SqlDialect) -> Result<Parsed, String> {
    let mut parsed = Parsed::default();
    let mut before: Vec<u8> = Vec::new();
    let mut dropped: Option<ObjectStatement> = None;
    for statement in statements(content) {
        let text = statement.trim_ascii();
        let starts =
            |word: &str| text.get(..word.len()).is_some_and(|start| start.eq_ignore_ascii_case(word.as_bytes()));
        if text.is_empty() {
            continue;
        }
        let begun = !parsed.objects.is_empty() || !before.is_empty();
        let sets = starts("SET ") || is_executable_set(text);
        if !begun && sets && !starts("SET ") {
            parsed.head.extend_from_slice(statement);
            continue;
        }
        let restores = (starts("SET ") && !starts("SET @") && contains(text, b"@PREV_"))
            || starts("USE ")
            || starts("SET timestamp = DEFAULT");
        if restores
            && before.is_empty()
            && let Some(last) = parsed.objects.last_mut().and_then(|object| object.steps.last_mut())
            && let Around::Baseline { after, .. } = &mut last.around
        {
            after.extend_from_slice(statement);
            continue;
        }
        // What a view's or routine's file removes first is written anew.
        if starts("DROP ") {
            let text = std::str::from_utf8(text).unwrap_or_default();
            dropped = read_object_statement(text, schema, dialect).unwrap_or_default();
            continue;
        }
        if sets || starts("USE ") {
            before.extend_from_slice(statement);
            continue;
        }
        let name = dropped.take().map(|dropped| dropped.name);
        let (source, read, ansi_quotes) = read_statement(text, schema, dialect, &before, name.as_ref())?;
        let mut after = Vec::new();
        if ansi_quotes && !contains(&before, b"SET sql_mode = ") {
            before.extend_from_slice(b"SET @PREV_SQL_MODE=@@SQL_MODE;\nSET sql_mode = 'ANSI_QUOTES';\n");
            after.extend_from_slice(b"SET sql_mode = @PREV_SQL_MODE;\n");
        }
        let around = Around::Baseline { before: std::mem::take(&mut before), after };
        let (name, table) = (read.name.clone(), read.table.clone());
        match read.verb {
            ObjectVerb::Create => {
                let step = Step { statement: read, source, around };
                parsed.objects.push(Object { name, table, steps: vec![step], definer: None });
            }
            // A result of this program has the statements behind it that changed it.
            ObjectVerb::Alter => {
                let last = parsed.objects.last_mut().filter(|last| last.name == name && last.kind() == Some(read.kind));
                let Some(last) = last else { return Err("an ALTER does not follow what it alters".to_owned()) };
                last.steps.push(Step { statement: read, source, around });
            }
            ObjectVerb::Drop => {}
        }
    }
    if before.is_empty() { Ok(parsed) } else { Err("it ends before its last statement".to_owned()) }
}

/// Reads a statement of a file. mydumper writes names in UTF-8, also where the rest is in the characters of who made the
/// object; in a result of this program all is in those. What was `dropped` before it has its name, in UTF-8.
fn read_statement(
    text: &[u8],
    schema: &str,
    dialect: &SqlDialect,
    before: &[u8],
    dropped: Option<&TableName>,
) -> Result<(Source, ObjectStatement, bool), &'static str> {
    let client = client_set(before).filter(|client| !client.is_utf8());
    let candidates: Vec<Source> = std::iter::once(ClientCharset::UTF8)
        .chain(client)
        .filter_map(|client| Source::new(text, client, 0).ok())
        .collect();
    if std::str::from_utf8(text).is_err() && dropped.is_none() && candidates.iter().any(Source::has_wide_characters) {
        return Err("it is in a character set in which quotes cannot be told from parts of characters");
    }
    let mut first = None;
    let mut reason = "its character set is not known";
    for source in candidates {
        let read = dialects(dialect, before)
            .iter()
            .map(|dialect| Ok((read_object_statement(&source.text, CURRENT_SCHEMA, dialect)?, dialect.ansi_quotes)))
            .reduce(|first: Result<_, &str>, other| first.or_else(|reason| other.map_err(|_| reason)));
        match read {
            Some(Ok((Some(mut read), ansi_quotes))) => {
                if !decode(&mut read, &source, schema) {
                    continue;
                }
                let certain = dropped.is_none_or(|dropped| dropped.table == read.name.table);
                let found = (source, read, ansi_quotes);
                if certain {
                    return Ok(found);
                }
                first.get_or_insert(found);
            }
            Some(Ok((None, _))) => reason = "there is a statement in it that does not belong there",
            Some(Err(own)) => reason = own,
            None => {}
        }
    }
    first.ok_or(reason)
}

/// The client's character set that is set before a statement.
fn client_set(before: &[u8]) -> Option<ClientCharset> {
    let before = std::str::from_utf8(before).ok()?;
    let (_, value) = before.rsplit_once("SET character_set_client = ")?;
    Some(ClientCharset::of_name(value.split(';').next()?.trim()))
}

/// How a statement may have to be read: as what stands before it says, else in every way, since mydumper does not keep the
/// SQL mode. Under ANSI_QUOTES a server prints names in double quotes.
fn dialects(dialect: &SqlDialect, before: &[u8]) -> Vec<SqlDialect> {
    let before = String::from_utf8_lossy(before);
    if let Some((_, mode)) = before.rsplit_once("SET sql_mode = '") {
        let mode = mode.split('\'').next().unwrap_or_default();
        let has = |name: &str| mode.split(',').any(|own| own == name);
        let own = SqlDialect {
            ansi_quotes: has("ANSI_QUOTES"),
            no_backslash_escapes: has("NO_BACKSLASH_ESCAPES"),
            ..*dialect
        };
        return vec![own];
    }
    let modes = [(false, false), (true, false), (false, true), (true, true)];
    let with = |(ansi_quotes, no_backslash_escapes)| SqlDialect { ansi_quotes, no_backslash_escapes, ..*dialect };
    modes.into_iter().map(with).collect()
}

/// Whether a file has a statement that only loads under ANSI_QUOTES, which mydumper 0.10 does not set: the server prints its
/// definer in such quotes.
pub(crate) fn has_ansi_quotes(content: &[u8]) -> bool {
    let mut mode_set = false;
    statements(content).into_iter().any(|statement| {
        let text = statement.trim_ascii();
        if text.starts_with(b"SET sql_mode = ") {
            mode_set = !contains(text, b"@PREV_");
        }
        !mode_set && has_definer_in_ansi_quotes(text)
    })
}

/// `CREATE … DEFINER="…`, as a server prints it.
fn has_definer_in_ansi_quotes(statement: &[u8]) -> bool {
    let before = ["CREATE ", "AGGREGATE ", "ALGORITHM=UNDEFINED ", "ALGORITHM=MERGE ", "ALGORITHM=TEMPTABLE "];
    let mut rest = statement;
    while let Some(behind) = before.iter().find_map(|word| rest.strip_prefix(word.as_bytes())) {
        rest = behind;
    }
    rest.len() < statement.len() && rest.starts_with(b"DEFINER=\"")
}

/// Why an object with a new name is left out.
pub(crate) const NO_LETTERS: &str = "the character set of the client that made it lacks letters of its new name";

impl Object {
    /// Whether its statements can have a name (or, of a trigger, a table's).
    pub(crate) fn can_be_named(&self, name: &str) -> bool {
        self.steps.iter().all(|step| step.can_name(name))
    }

    pub(crate) fn kind(&self) -> Option<backtrail_schema::ObjectKind> {
        self.steps.first().map(|step| step.statement.kind)
    }
}

/// `/*!40101 SET …*/`
fn is_executable_set(text: &[u8]) -> bool {
    let Some(rest) = text.strip_prefix(b"/*!") else { return false };
    let word = rest.trim_ascii_start().iter().position(|byte| !byte.is_ascii_digit() && *byte != b' ').unwrap_or(0);
    rest.get(word..word + 4).is_some_and(|word| word.eq_ignore_ascii_case(b"SET "))
}

fn contains(text: &[u8], wanted: &[u8]) -> bool {
    text.windows(wanted.len()).any(|window| window == wanted)
}

/// The statements with their ends.
fn statements(content: &[u8]) -> Vec<&[u8]> {
    let mut found = Vec::new();
    let mut start = 0;
    for (at, byte) in content.iter().enumerate() {
        if *byte == b'\n' && at > 0 && content.get(at - 1) == Some(&b';') {
            found.push(content.get(start..=at).unwrap_or_default());
            start = at + 1;
        }
    }
    found.push(content.get(start..).unwrap_or_default());
    found
}

#[cfg(test)]
mod tests {
    use super::*;
    use backtrail_schema::{ObjectKind, ObjectNames};

    const POST: &str = "/*!40101 SET NAMES binary*/;\nSET @PREV_CHARACTER_SET_CLIENT=@@CHARACTER_SET_CLIENT;\nSET character_set_client = utf8mb4;\nDROP FUNCTION IF EXISTS `f`;\nCREATE DEFINER=`root`@`localhost` FUNCTION `f`() RETURNS int(11)\nRETURN 1;\nSET character_set_client = @PREV_CHARACTER_SET_CLIENT;\nSET @PREV_CHARACTER_SET_CLIENT=@@CHARACTER_SET_CLIENT;\nSET character_set_client = latin1;\nDROP PROCEDURE IF EXISTS `p`;\nCREATE DEFINER=`root`@`localhost` PROCEDURE `p`()\nBEGIN\n SELECT 1; \n SELECT ';'; \nEND;\nSET character_set_client = @PREV_CHARACTER_SET_CLIENT;\nSET @PREV_SQL_MODE=@@SQL_MODE;\nSET sql_mode = '';\nALTER PROCEDURE p COMMENT 'x';\nSET sql_mode = @PREV_SQL_MODE;\n";

    #[test]
    fn a_file_is_taken_apart_and_put_together() {
        let parsed = parse(POST.as_bytes(), "shop", &SqlDialect::mariadb()).unwrap();
        assert_eq!(parsed.head, b"/*!40101 SET NAMES binary*/;\n");
        let kinds: Vec<_> = parsed.objects.iter().map(|object| (object.kind().unwrap(), object.steps.len())).collect();
        assert_eq!(kinds, [(ObjectKind::Function, 1), (ObjectKind::Procedure, 2)]);
        let mut out = parsed.head.clone();
        for object in &parsed.objects {
            for step in &object.steps {
                step.write(ObjectNames { name: &object.name.table, ..ObjectNames::default() }, &mut out);
            }
        }
        let expected: String =
            POST.lines().filter(|line| !line.starts_with("DROP")).map(|line| format!("{line}\n")).collect();
        assert_eq!(String::from_utf8(out).unwrap(), expected);
    }

    #[test]
    fn what_is_not_understood() {
        let check = |text: &str| assert!(parse(text.as_bytes(), "shop", &SqlDialect::mysql()).is_err(), "{text}");
        check("CREATE TABLE t (id INT);\n");
        check("SET character_set_client = utf8mb4;\n");
        check("ALTER PROCEDURE p COMMENT 'x';\n");
        let ansi = "CREATE DEFINER=\"root\"@\"localhost\" TRIGGER \"t 1\" BEFORE INSERT ON \"t\" FOR EACH ROW SET NEW.\"v\" = 1;\n";
        let parsed = parse(ansi.as_bytes(), "shop", &SqlDialect::mysql()).unwrap();
        assert_eq!(parsed.objects[0].table.as_ref().unwrap().to_string(), "shop.t");
        let body =
            "CREATE DEFINER=`a`@`b` TRIGGER t BEFORE INSERT ON t FOR EACH ROW SET @a = '\nCREATE DEFINER=\"x';\n";
        for (file, has) in
            [(ansi, true), (body, false), ("CREATE DEFINER=\"a\"@\"b\" AGGREGATE FUNCTION \"f\"();\n", true)]
        {
            assert_eq!(has_ansi_quotes(file.as_bytes()), has, "{file}");
            let set = format!(
                "SET @PREV_SQL_MODE=@@SQL_MODE;\nSET sql_mode = 'ANSI_QUOTES';\n{file}SET sql_mode = @PREV_SQL_MODE;\n"
            );
            assert!(!has_ansi_quotes(set.as_bytes()));
            assert_eq!(has_ansi_quotes(format!("{set}{file}").as_bytes()), has);
        }
        let strict = "SET @PREV_SQL_MODE=@@SQL_MODE;\nSET sql_mode = 'ANSI_QUOTES,NO_BACKSLASH_ESCAPES';\nCREATE TRIGGER \"a\" AFTER DELETE ON \"t\" FOR EACH ROW SET @d = '\\';\nSET sql_mode = @PREV_SQL_MODE;\n";
        assert_eq!(parse(strict.as_bytes(), "shop", &SqlDialect::mysql()).unwrap().objects.len(), 1);
    }
}
