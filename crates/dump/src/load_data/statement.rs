//! A file with a LOAD DATA statement, taken apart.

use super::{Conversion, Format, LoadColumn, LoadData, LoadDataError};
use crate::head::{self, Parsed, Words};

/// The file that says how rows are written: the session's settings, then the statement.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LoadFile<'a> {
    /// The statements before, as written.
    pub preamble: Vec<&'a [u8]>,
    /// The statement, as written.
    pub raw: &'a [u8],
    /// What it says.
    pub statement: LoadData,
}

impl<'a> LoadFile<'a> {
    /// Reads a whole (decompressed) file.
    ///
    /// # Errors
    /// A file that holds something else, a statement that mydumper does not write, and one under which different values
    /// are written alike.
    pub fn parse(file: &'a [u8]) -> Result<Self, LoadDataError> {
        parse(file).map_err(LoadDataError)
    }
}

fn parse(file: &[u8]) -> Result<LoadFile<'_>, String> {
    let mut preamble = Vec::new();
    let mut rest = file;
    loop {
        rest = rest.trim_ascii_start();
        if rest.get(..4).is_some_and(|word| word.eq_ignore_ascii_case(b"LOAD")) {
            break;
        }
        let length = match head::length(rest, true)? {
            Parsed::Whole(length) => length,
            Parsed::More => return Err("there is no LOAD DATA statement".to_owned()),
        };
        let (raw, behind) = rest.split_at_checked(length).ok_or("there is no LOAD DATA statement")?;
        if head::parse(raw)?.is_some() {
            return Err("an INSERT stands beside the rows of another file".to_owned());
        }
        preamble.push(raw);
        rest = behind;
    }
    let raw = rest.trim_ascii_end();
    let statement = statement(raw)?;
    Ok(LoadFile { preamble, raw, statement })
}

fn statement(raw: &[u8]) -> Result<LoadData, String> {
    let mut words = Words { bytes: raw, position: 0 };
    expect(&mut words, &["LOAD", "DATA", "LOCAL", "INFILE"])?;
    let file = String::from_utf8(text(&mut words)?).map_err(|_| "the name of a file is not UTF-8")?;
    let mut word = words.keyword()?;
    if word == b"REPLACE" {
        return Err("it was written by a mydumper before 0.15.3, which does not mark all that has to be: \
                    take the dump with a newer one"
            .to_owned());
    }
    if word != b"INTO" {
        return Err(not_expected(&word));
    }
    expect(&mut words, &["TABLE"])?;
    let table = words.name()?;
    let mut format = Format {
        field_end: b"\t".to_vec(),
        quoted: false,
        line_start: Vec::new(),
        line_end: b"\n".to_vec(),
        header: false,
    };
    let mut part: &[u8] = b"";
    loop {
        if words.rest().first() == Some(&b'(') {
            break;
        }
        word = words.keyword()?;
        match (part, word.as_slice()) {
            (b"", b"CHARACTER") => {
                expect(&mut words, &["SET"])?;
                words.name()?;
            }
            (b"", b"FIELDS") => part = b"FIELDS",
            (b"" | b"FIELDS", b"LINES") => part = b"LINES",
            (b"FIELDS", b"TERMINATED") => format.field_end = by(&mut words)?,
            (b"FIELDS", b"ENCLOSED") => {
                format.quoted = match by(&mut words)?.as_slice() {
                    [] => false,
                    b"\"" => true,
                    other => return Err(format!("fields are enclosed by `{}`, which values may hold", shown(other))),
                };
            }
            (b"FIELDS", b"ESCAPED") => {
                let escape = by(&mut words)?;
                if escape != b"\\" {
                    return Err(format!("`{}` is the escape, which values may hold", shown(&escape)));
                }
            }
            (b"LINES", b"STARTING") => format.line_start = by(&mut words)?,
            (b"LINES", b"TERMINATED") => format.line_end = by(&mut words)?,
            (b"" | b"LINES", b"IGNORE") => {
                expect(&mut words, &["1", "LINES"])?;
                format.header = true;
                part = b"IGNORE";
            }
            _ => return Err(not_expected(&word)),
        }
    }
    can_be_undone(&format)?;
    let columns = columns(words.rest())?;
    Ok(LoadData { file, table, columns, format })
}

fn can_be_undone(format: &Format) -> Result<(), String> {
    let Some(first) = format.field_end.first() else { return Err("nothing stands between fields".to_owned()) };
    let ambiguous = first.is_ascii_alphanumeric() || b"+-.\\'\"\n\r\0\x1a".contains(first);
    if ambiguous || format.field_end.contains(&b'\n') {
        return Err(format!("fields end with `{}`, which values may hold", shown(&format.field_end)));
    }
    let line_feeds = format.line_end.iter().filter(|byte| **byte == b'\n').count();
    if line_feeds != 1 || format.line_end.last() != Some(&b'\n') {
        return Err(format!("rows end with `{}`, which values may hold", shown(&format.line_end)));
    }
    if format.line_start.contains(&b'\n') {
        return Err("rows begin with a line feed".to_owned());
    }
    Ok(())
}

/// The columns in parentheses and their SET clause, up to the statement's end. mydumper writes names as they are, and in the
/// SET clause what follows from the list: whatever does not is a name that was taken for several.
fn columns(list: &[u8]) -> Result<Vec<LoadColumn>, String> {
    const ODD: &str = "the names of its columns cannot be told apart";
    let mut rest = list.strip_prefix(b"(").ok_or("a list of columns is expected")?;
    let mut names: Vec<(&[u8], Option<u8>)> = Vec::new();
    loop {
        let (quote, inside) = match rest {
            [quote @ (b'`' | b'"'), inside @ ..] => (Some(*quote), inside),
            [b'@', inside @ ..] => (None, inside),
            _ => return Err(ODD.to_owned()),
        };
        let ends = |at: &usize| match quote {
            Some(quote) => inside.get(*at) == Some(&quote) && matches!(inside.get(at + 1), Some(b',' | b')')),
            None => matches!(inside.get(*at), Some(b',' | b')')),
        };
        let end = (0..inside.len()).find(ends).ok_or(ODD)?;
        let (name, behind) = inside.split_at_checked(end).ok_or(ODD)?;
        if name.is_empty() || name.contains(&b'`') || quote.is_some_and(|quote| name.contains(&quote)) {
            return Err(ODD.to_owned());
        }
        names.push((name, quote));
        let behind = behind.get(usize::from(quote.is_some())..).unwrap_or_default();
        let (separator, behind) = behind.split_first().ok_or(ODD)?;
        rest = behind;
        if *separator == b')' {
            break;
        }
    }
    let mut columns = Vec::with_capacity(names.len());
    let mut set: &[u8] = b"SET ";
    for (name, quote) in names {
        let mut conversion = Conversion::Plain;
        if quote.is_none() {
            rest = rest.strip_prefix(set).ok_or(ODD)?;
            set = b",";
            (conversion, rest) = converted(rest, name).ok_or(ODD)?;
        }
        let name = String::from_utf8(name.to_vec()).map_err(|_| "the name of a column is not UTF-8")?;
        columns.push(LoadColumn { name, conversion });
    }
    if rest != b";" {
        return Err(if rest.is_empty() { "the statement is not finished".to_owned() } else { ODD.to_owned() });
    }
    Ok(columns)
}

/// An assignment of the SET clause, and what stands behind it.
fn converted<'a>(text: &'a [u8], name: &[u8]) -> Option<(Conversion, &'a [u8])> {
    let (quote, text) = text.split_first().filter(|(quote, _)| matches!(quote, b'`' | b'"'))?;
    let text = text.strip_prefix(name)?.strip_prefix(&[*quote])?.strip_prefix(b"=")?;
    if let Some(value) = text.strip_prefix(b"UNHEX(@") {
        return Some((Conversion::Unhex, value.strip_prefix(name)?.strip_prefix(b")")?));
    }
    let value = text.strip_prefix(b"CONVERT(@")?.strip_prefix(name)?;
    Some((Conversion::Json, value.strip_prefix(b" USING UTF8MB4)")?))
}

fn expect(words: &mut Words<'_>, expected: &[&str]) -> Result<(), String> {
    for expected in expected {
        let word = words.keyword()?;
        if word != expected.as_bytes() {
            return Err(not_expected(&word));
        }
    }
    Ok(())
}

fn not_expected(word: &[u8]) -> String {
    format!("`{}` is not understood there", shown(word))
}

fn shown(bytes: &[u8]) -> String {
    bytes.escape_ascii().to_string()
}

/// `BY '…'`.
fn by(words: &mut Words<'_>) -> Result<Vec<u8>, String> {
    expect(words, &["BY"])?;
    text(words)
}

/// A text in single quotes, in which mydumper means by a backslash what the server does.
fn text(words: &mut Words<'_>) -> Result<Vec<u8>, String> {
    const NOT_CLOSED: &str = "a text is not closed";
    let rest = words.rest().strip_prefix(b"'").ok_or("a text in single quotes is expected")?;
    words.position += 1;
    let mut out = Vec::new();
    let mut bytes = rest.iter();
    loop {
        words.position += 1;
        match bytes.next().ok_or(NOT_CLOSED)? {
            b'\'' => break,
            b'\\' => {
                words.position += 1;
                out.push(match bytes.next().ok_or(NOT_CLOSED)? {
                    b'n' => b'\n',
                    b't' => b'\t',
                    b'r' => b'\r',
                    b'\\' => b'\\',
                    other => return Err(format!("`\\{}` in a text is not understood", shown(&[*other]))),
                });
            }
            byte => out.push(*byte),
        }
    }
    // A quote within the text, which mydumper writes as it is.
    if bytes.next() == Some(&b'\'') {
        return Err("a text has a quote in it".to_owned());
    }
    Ok(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    const FIELDS: &str =
        r"FIELDS TERMINATED BY '\t' ENCLOSED BY '' ESCAPED BY '\\' LINES STARTING BY '' TERMINATED BY '\n'";

    #[track_caller]
    fn check(clauses: &str, columns: &str, expect: &str) {
        let file = format!(
            "/*!40101 SET NAMES binary*/;\n/*!40103 SET TIME_ZONE='+00:00' */;\nLOAD DATA LOCAL INFILE 's.t.00000.dat' {clauses} {columns};\n"
        );
        let found = LoadFile::parse(file.as_bytes());
        let shown = match &found {
            Ok(file) => {
                assert_eq!(file.preamble.len(), 2);
                assert_eq!(file.statement.file, "s.t.00000.dat");
                let format = &file.statement.format;
                let names = file.statement.columns.iter().map(|column| match column.conversion {
                    Conversion::Plain => column.name.clone(),
                    other => format!("{other:?} {}", column.name),
                });
                format!(
                    "{} {} {:?} {} {} {}{}",
                    file.statement.table,
                    names.collect::<Vec<_>>().join("/"),
                    super::shown(&format.field_end),
                    format.quoted,
                    super::shown(&format.line_start),
                    super::shown(&format.line_end),
                    if format.header { " header" } else { "" },
                )
            }
            Err(error) => error.0.clone(),
        };
        assert_eq!(shown, expect, "{clauses} {columns}");
    }

    #[test]
    fn every_form_that_is_read() {
        check(&format!("INTO TABLE `t` {FIELDS}"), "(`id`,`a b`,`c,d`)", r#"t id/a b/c,d "\\t" false  \n"#);
        check(
            &format!("INTO TABLE `odd.na``me, \"x` CHARACTER SET utf8mb4 {FIELDS}"),
            "(`id`)",
            r#"odd.na`me, "x id "\\t" false  \n"#,
        );
        check(
            r#"INTO TABLE `t` FIELDS TERMINATED BY ',' ENCLOSED BY '"' ESCAPED BY '\\' LINES STARTING BY '' TERMINATED BY '\n' IGNORE 1 LINES"#,
            "(`id`,@odd name,@b)SET `odd name`=CONVERT(@odd name USING UTF8MB4),`b`=UNHEX(@b)",
            r#"t id/Json odd name/Unhex b "," true  \n header"#,
        );
        check(
            r"INTO TABLE `t` FIELDS TERMINATED BY ';;' ENCLOSED BY '' ESCAPED BY '\\' LINES STARTING BY '>>' TERMINATED BY '<<\r\n'",
            "(`id`)",
            r#"t id ";;" false >> <<\r\n"#,
        );
        check(
            &format!("INTO TABLE \"t\" {FIELDS}"),
            "(\"id\",@j)SET \"j\"=UNHEX(@j)",
            r#"t id/Unhex j "\\t" false  \n"#,
        );
        check("INTO TABLE `t`", "(`id`)", r#"t id "\\t" false  \n"#);
    }

    #[test]
    fn every_form_that_is_refused() {
        let with = |before: &str, behind: &str| format!("INTO TABLE `t` {}", FIELDS.replacen(before, behind, 1));
        let refused = |before: &str, behind: &str, expect: &str| check(&with(before, behind), "(`id`)", expect);
        check(
            &format!("REPLACE INTO TABLE `t` {FIELDS}"),
            "(`id`)",
            "it was written by a mydumper before 0.15.3, which does not mark all that has to be: take the dump with a newer one",
        );
        refused(r"ESCAPED BY '\\'", "ESCAPED BY '|'", "`|` is the escape, which values may hold");
        refused(r"ESCAPED BY '\\'", "ESCAPED BY ''", "`` is the escape, which values may hold");
        refused("ENCLOSED BY ''", "ENCLOSED BY '|'", "fields are enclosed by `|`, which values may hold");
        refused("ENCLOSED BY ''", "ENCLOSED BY '''", "a text has a quote in it");
        refused("ENCLOSED BY", "OPTIONALLY ENCLOSED BY", "`OPTIONALLY` is not understood there");
        for end in ["n", "0", "-", ".", "\"", "N|", r"\n", r"\r", r"\\", r"|\n"] {
            let problem = match end {
                r"\\" => r"fields end with `\\`, which values may hold".to_owned(),
                end => format!("fields end with `{}`, which values may hold", if end == "\"" { "\\\"" } else { end }),
            };
            refused(r"TERMINATED BY '\t'", &format!("TERMINATED BY '{end}'"), &problem);
        }
        refused(r"TERMINATED BY '\t'", "TERMINATED BY ''", "nothing stands between fields");
        refused(r"TERMINATED BY '\t'", r"TERMINATED BY '\f'", r"`\f` in a text is not understood");
        for end in ["", "|", r"\r", r"\n\n", r"\n|"] {
            let problem = format!("rows end with `{end}`, which values may hold");
            refused(r"TERMINATED BY '\n'", &format!("TERMINATED BY '{end}'"), &problem);
        }
        refused("STARTING BY ''", r"STARTING BY '\n'", "rows begin with a line feed");
        let odd = "the names of its columns cannot be told apart";
        let list = |columns: &str, expect: &str| check(&with("", ""), columns, expect);
        list("(`a`b`)", odd);
        list("(`a``b`)", odd);
        list("(@c,d)SET `c,d`=UNHEX(@c,d)", odd);
        list("(@c)SET `c`=UPPER(@c)", odd);
        list("(@c,@d)SET `d`=UNHEX(@d),`c`=UNHEX(@c)", odd);
        list("(@c)", odd);
        list("(`c`) ON", odd);
        list("", "a keyword is expected".replace("a keyword is expected", "`` is not understood there").as_str());
    }

    #[test]
    fn other_files() {
        let check = |file: &str, expect: &str| {
            assert_eq!(LoadFile::parse(file.as_bytes()).unwrap_err().0, expect, "{file}");
        };
        check("", "there is no LOAD DATA statement");
        check("SET NAMES binary;", "there is no LOAD DATA statement");
        check("INSERT INTO `t` VALUES (1);", "an INSERT stands beside the rows of another file");
        check("INSERT INTO `t` FROM INFILE 'x.dat' FORMAT MySQLDump;", "VALUES is expected");
        check("LOAD DATA LOCAL INFILE 'x", "a text is not closed");
        check("LOAD DATA LOCAL INFILE 'x' INTO TABLE `t` (`a`)", "the statement is not finished");
        check("LOAD DATA INFILE 'x' INTO TABLE `t` (`a`);", "`INFILE` is not understood there");
        check("LOAD XML LOCAL INFILE 'x' INTO TABLE `t` (`a`);", "`XML` is not understood there");
    }
}
