//! The rows that a LOAD DATA statement describes, as an INSERT has them.

use std::io::Read;

use super::{Conversion, LoadColumn, LoadData};
use crate::DumpError;
use crate::buffer::Buffer;
use crate::literal::{Literal, parse_literal, unhex, write_null, write_string};
use crate::tokenizer::{Limits, Row};

/// Reads the file of rows beside a [`LoadData`] statement.
#[derive(Debug)]
pub struct LoadedRows<R> {
    buffer: Buffer<R>,
    statement: LoadData,
    /// For each column, whether its values are numbers, which an INSERT has without quotes.
    numbers: Vec<bool>,
    header_is_next: bool,
    /// The row as an INSERT has it.
    row: Vec<u8>,
    /// The field that is read.
    value: Vec<u8>,
}

/// A field's value is in the reader's `value`, or it is NULL.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Field {
    Null,
    Value,
}

impl<R: Read> LoadedRows<R> {
    /// Reads `source` (decompressed); `file` names it in errors. `is_number` says of a column's name whether its values are
    /// numbers.
    pub fn new(source: R, file: impl Into<String>, statement: LoadData, is_number: impl Fn(&str) -> bool) -> Self {
        Self::with_limits(source, file, statement, is_number, Limits::default())
    }

    /// The same with other limits.
    pub fn with_limits(
        source: R,
        file: impl Into<String>,
        statement: LoadData,
        is_number: impl Fn(&str) -> bool,
        limits: Limits,
    ) -> Self {
        Self {
            buffer: Buffer::new(source, file.into(), limits),
            numbers: statement.columns.iter().map(|column| is_number(&column.name)).collect(),
            header_is_next: statement.format.header,
            statement,
            row: Vec::new(),
            value: Vec::new(),
        }
    }

    /// The next row, whose offset is that of its line; None where the file ends behind a row.
    ///
    /// A file that was cut exactly between two rows cannot be told from a whole one here: the row counts of the dump's
    /// metadata tell.
    ///
    /// # Errors
    /// A file that cannot be read, is cut short, or holds what the statement does not describe. After an error there is no
    /// going on.
    pub fn next_row(&mut self) -> Result<Option<Row<'_>>, DumpError> {
        if self.header_is_next {
            self.header()?;
            self.header_is_next = false;
        }
        let offset = self.buffer.offset();
        let Some(length) = self.line()? else { return Ok(None) };
        let line = self.buffer.behind(length);
        let format = &self.statement.format;
        let line = line.strip_suffix(format.line_end.as_slice()).unwrap_or_default();
        let wrong = |at: usize, what: String| self.buffer.wrong(offset + at as u64, what);
        let mut at = format.line_start.len();
        if !line.starts_with(&format.line_start) {
            return Err(wrong(0, "a row does not begin as the LOAD DATA statement says".to_owned()));
        }
        self.row.clear();
        self.row.push(b'(');
        let columns = self.statement.columns.iter().zip(&self.numbers).enumerate();
        let last = self.statement.columns.len().saturating_sub(1);
        for (number, (column, is_number)) in columns {
            let (field, end) = read_field(line, at, format.quoted, &format.field_end, &mut self.value)
                .map_err(|(at, what)| wrong(at, format!("{what}, in the column `{}`", column.name)))?;
            if number > 0 {
                self.row.push(b',');
            }
            write(column, *is_number, field, &self.value, &mut self.row)
                .map_err(|what| wrong(at, format!("the column `{}` has {what}", column.name)))?;
            at = end;
            if number < last {
                if end >= line.len() {
                    return Err(wrong(end, format!("a row has {} fields of {}", number + 1, last + 1)));
                }
                at += format.field_end.len();
            } else if end < line.len() {
                return Err(wrong(end, format!("a row has more than {} fields", last + 1)));
            }
        }
        self.row.push(b')');
        Ok(Some(Row { raw: &self.row, offset }))
    }

    /// Goes on behind the next line, and says how long it is with its end; None at the file's end.
    fn line(&mut self) -> Result<Option<usize>, DumpError> {
        let mut seen = 0;
        loop {
            let rest = self.buffer.rest();
            if let Some(found) = memchr::memchr(b'\n', rest.get(seen..).unwrap_or_default()) {
                let length = seen + found + 1;
                if !rest.get(..length).is_some_and(|line| line.ends_with(&self.statement.format.line_end)) {
                    return Err(self.buffer.syntax(seen + found, "a line feed ends no row"));
                }
                self.buffer.skip(length);
                return Ok(Some(length));
            }
            seen = rest.len();
            if !self.buffer.fill("row", self.buffer.longest())? {
                return if seen == 0 { Ok(None) } else { Err(self.buffer.truncated("a row")) };
            }
        }
    }

    /// The line with the columns' names, which mydumper writes as they are.
    fn header(&mut self) -> Result<(), DumpError> {
        let quote: &[u8] = if self.statement.format.quoted { b"\"" } else { b"" };
        let mut expected = Vec::new();
        for (number, column) in self.statement.columns.iter().enumerate() {
            if number > 0 {
                expected.extend_from_slice(&self.statement.format.field_end);
            }
            expected.extend_from_slice(quote);
            expected.extend_from_slice(column.name.as_bytes());
            expected.extend_from_slice(quote);
        }
        expected.extend_from_slice(&self.statement.format.line_end);
        let offset = self.buffer.offset();
        let length = self.line()?.ok_or_else(|| self.buffer.truncated("the line with the columns' names"))?;
        if self.buffer.behind(length) != expected {
            let what = "the first line does not have the names of the LOAD DATA statement's columns".to_owned();
            return Err(self.buffer.wrong(offset, what));
        }
        Ok(())
    }
}

/// Reads the field that begins `at`: what it is, and where it ends.
fn read_field(
    line: &[u8],
    at: usize,
    quoted: bool,
    field_end: &[u8],
    value: &mut Vec<u8>,
) -> Result<(Field, usize), (usize, &'static str)> {
    value.clear();
    let text = line.get(at..).unwrap_or_default();
    let enclosed = quoted && text.first() == Some(&b'"');
    let first = field_end.first().copied().unwrap_or(b'\t');
    let stop = if enclosed { b'"' } else { first };
    let ends =
        |position: usize| line.get(position..).is_some_and(|behind| behind.is_empty() || behind.starts_with(field_end));
    if !enclosed && text.starts_with(b"\\N") && ends(at + 2) {
        return Ok((Field::Null, at + 2));
    }
    let mut position = at + usize::from(enclosed);
    loop {
        let rest = line.get(position..).unwrap_or_default();
        let found = memchr::memchr2(stop, b'\\', rest).unwrap_or(rest.len());
        value.extend_from_slice(rest.get(..found).unwrap_or_default());
        position += found;
        match rest.get(found..).unwrap_or_default() {
            [] if enclosed => return Err((position, "a value's quote is not closed")),
            [] => break,
            [b'\\', escaped, ..] => {
                value.push(unescaped(*escaped, first).ok_or((position, "a backslash has no meaning"))?);
                position += 2;
            }
            [b'\\'] => return Err((position, "a backslash stands before a row's end")),
            _ if enclosed && ends(position + 1) => return Ok((Field::Value, position + 1)),
            _ if enclosed => return Err((position, "something stands behind a value's closing quote")),
            _ if ends(position) => break,
            _ => return Err((position, "the beginning of a field's end has no backslash")),
        }
    }
    // As the server takes it; mydumper encloses such a text.
    let null = quoted && line.get(at..position) == Some(b"NULL");
    Ok((if null { Field::Null } else { Field::Value }, position))
}

/// What an escaped byte stands for. `\N` alone is NULL, and within a value mydumper does not write it.
fn unescaped(byte: u8, field_end: u8) -> Option<u8> {
    match byte {
        b'0' => Some(0),
        b'n' => Some(b'\n'),
        b'r' => Some(b'\r'),
        b't' => Some(b'\t'),
        b'b' => Some(8),
        b'Z' => Some(0x1a),
        b'\\' | b'\'' | b'"' => Some(byte),
        _ if byte == field_end => Some(byte),
        _ => None,
    }
}

fn write(column: &LoadColumn, is_number: bool, field: Field, value: &[u8], row: &mut Vec<u8>) -> Result<(), String> {
    match (field, column.conversion) {
        (Field::Null, _) => write_null(row),
        (Field::Value, Conversion::Plain) if is_number => match parse_literal(value) {
            Ok(Literal::Number(text)) => row.extend_from_slice(text),
            _ => return Err(format!("`{}`, which is no number", crate::head::beginning(value))),
        },
        (Field::Value, Conversion::Plain) => write_string(row, value),
        (Field::Value, Conversion::Json) => {
            row.extend_from_slice(b"CONVERT(");
            write_string(row, value);
            row.extend_from_slice(b" USING UTF8MB4)");
        }
        (Field::Value, Conversion::Unhex) => {
            let bytes =
                unhex(value).ok_or_else(|| format!("`{}`, which is not hexadecimal", crate::head::beginning(value)))?;
            write_string(row, &bytes);
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::super::Format;
    use super::*;

    fn statement(columns: &[(&str, Conversion)], format: Format) -> LoadData {
        let columns =
            columns.iter().map(|(name, conversion)| LoadColumn { name: (*name).to_owned(), conversion: *conversion });
        LoadData { file: "s.t.dat".to_owned(), table: "t".to_owned(), columns: columns.collect(), format }
    }

    fn tabs() -> Format {
        Format {
            field_end: b"\t".to_vec(),
            quoted: false,
            line_start: Vec::new(),
            line_end: b"\n".to_vec(),
            header: false,
        }
    }

    fn commas() -> Format {
        Format { field_end: b",".to_vec(), quoted: true, ..tabs() }
    }

    /// The rows, or what is wrong with them; in pieces of any size the same.
    #[track_caller]
    fn check(statement: &LoadData, file: &[u8], expect: &[&str]) {
        for buffer in [1, 7, 1 << 16] {
            let limits = Limits { buffer, ..Limits::default() };
            let is_number = |name: &str| name.starts_with("number");
            let mut reader = LoadedRows::with_limits(file, "s.t.dat", statement.clone(), is_number, limits);
            let mut found = Vec::new();
            loop {
                match reader.next_row() {
                    Ok(Some(row)) => found.push(String::from_utf8_lossy(row.raw).into_owned()),
                    Ok(None) => break,
                    Err(error) => {
                        found.push(error.to_string().split_once("s.t.dat ").expect("it names the file").1.to_owned());
                        break;
                    }
                }
            }
            assert_eq!(found, expect, "{}", file.escape_ascii());
        }
    }

    const TWO: [(&str, Conversion); 2] = [("number", Conversion::Plain), ("text", Conversion::Plain)];

    #[test]
    fn values() {
        let plain = statement(&TWO, tabs());
        check(&plain, b"", &[]);
        check(&plain, b"1\ta\n\\N\t\\N\n-1.5e3\t\n", &["(1,'a')", "(NULL,NULL)", "(-1.5e3,'')"]);
        check(&plain, b"0007\tNULL\n", &["(0007,'NULL')"]);
        check(&plain, b"1\ta\\\tb\\\\\n2\t\\\\N\n3\t\\\\\\\t\n", &[r"(1,'a	b\\')", r"(2,'\\N')", r"(3,'\\	')"]);
        check(&plain, b"1\t\\0\\n\\r\\Z\\'\\\"\x08\n", &["(1,'\\0\\n\\r\\Z\\'\\\"\x08')"]);
        check(&plain, b"1\t),('\n", &[r"(1,'),(\'')"]);
        let one = statement(&[("text", Conversion::Plain)], tabs());
        check(&one, b"\n\\N\nx\n\n", &["('')", "(NULL)", "('x')", "('')"]);
        let hex = statement(&[("number", Conversion::Plain), ("text", Conversion::Unhex)], tabs());
        check(&hex, b"1\t4100ff\n2\t\n3\t\\N\n", &["(1,'A\\0\u{fffd}')", "(2,'')", "(3,NULL)"]);
        let json = statement(&[("j", Conversion::Json)], tabs());
        check(
            &json,
            b"{\\\"a\\\": 1}\n\\N\nnull\n",
            &[r#"(CONVERT('{\"a\": 1}' USING UTF8MB4))"#, "(NULL)", "(CONVERT('null' USING UTF8MB4))"],
        );
    }

    #[test]
    fn quoted_values() {
        let plain = statement(&TWO, commas());
        check(&plain, b"\"1.50\",\"a\\,b\"\n2,\"\"\n\\N,\\N\n", &["(1.50,'a,b')", "(2,'')", "(NULL,NULL)"]);
        check(&plain, b"1,\"a,b\"\n2,\"\\\"\\,\\\"\"\n", &["(1,'a,b')", r#"(2,'\",\"')"#]);
        check(&plain, b"1,\"NULL\"\n2,\"\\\\N\"\n3,NULL\n", &["(1,'NULL')", r"(2,'\\N')", "(3,NULL)"]);
        let header = statement(&TWO, Format { header: true, ..commas() });
        check(&header, b"\"number\",\"text\"\n1,\"a\"\n", &["(1,'a')"]);
        check(
            &header,
            b"1,\"a\"\n",
            &[
                "is not understood at byte 0: the first line does not have the names of the LOAD DATA statement's columns",
            ],
        );
        check(
            &header,
            b"",
            &[
                "is cut short: it ends at byte 0 inside the line with the columns' names; take a complete backup as the baseline",
            ],
        );
    }

    #[test]
    fn other_ends() {
        let format =
            Format { field_end: b";;".to_vec(), line_start: b">>".to_vec(), line_end: b"<<\n".to_vec(), ..tabs() };
        let plain = statement(&TWO, format);
        check(&plain, b">>1;;a\\;\\;b<<<\n>>2;;\\n<<\n", &["(1,'a;;b<')", r"(2,'\n')"]);
        check(
            &plain,
            b">>1;;a;b<<\n",
            &["is not understood at byte 6: the beginning of a field's end has no backslash, in the column `text`"],
        );
        check(
            &plain,
            b"1;;a<<\n",
            &["is not understood at byte 0: a row does not begin as the LOAD DATA statement says"],
        );
        check(&plain, b">>1;;a\n", &["is not understood at byte 6: a line feed ends no row, not `\n`"]);
        let windows = statement(&TWO, Format { line_end: b"\r\n".to_vec(), ..tabs() });
        check(&windows, b"1\ta\\r\r\n", &[r"(1,'a\r')"]);
    }

    #[test]
    fn what_the_statement_does_not_describe() {
        let plain = statement(&TWO, tabs());
        let quoted = statement(&TWO, commas());
        let hex = statement(&[("text", Conversion::Unhex)], tabs());
        let wrong = |statement: &LoadData, file: &[u8], at: usize, problem: &str| {
            check(statement, file, &[&format!("is not understood at byte {at}: {problem}")]);
        };
        wrong(&plain, b"1\n", 1, "a row has 1 fields of 2");
        wrong(&plain, b"1\ta\tb\n", 3, "a row has more than 2 fields");
        wrong(&plain, b"x\ta\n", 0, "the column `number` has `x`, which is no number");
        wrong(&plain, b"\ta\n", 0, "the column `number` has ``, which is no number");
        wrong(&plain, b"1\ta\\q\n", 3, "a backslash has no meaning, in the column `text`");
        wrong(&plain, b"1\ta\\N\n", 3, "a backslash has no meaning, in the column `text`");
        wrong(&plain, b"1\ta\\\n", 3, "a backslash stands before a row's end, in the column `text`");
        wrong(&quoted, b"1,\"a\n", 4, "a value's quote is not closed, in the column `text`");
        wrong(&quoted, b"1,\"a\"b\n", 4, "something stands behind a value's closing quote, in the column `text`");
        wrong(&quoted, b"1,\"a\"\"b\"\n", 4, "something stands behind a value's closing quote, in the column `text`");
        wrong(&hex, b"4\n", 0, "the column `text` has `4`, which is not hexadecimal");
        wrong(&hex, b"4x\n", 0, "the column `text` has `4x`, which is not hexadecimal");
        check(
            &plain,
            b"1\ta\n2\tb",
            &["(1,'a')", "is cut short: it ends at byte 7 inside a row; take a complete backup as the baseline"],
        );
    }

    #[test]
    fn every_cut_is_an_error_or_fewer_rows() {
        let plain = statement(&TWO, commas());
        let file = b"1,\"a\\,b\\\\\"\n2,\"\\\"\"\n\\N,\\N\n";
        let whole: Vec<usize> = [11, 18, 24].to_vec();
        for cut in 0..file.len() {
            let mut reader = LoadedRows::new(&file[..cut], "s.t.dat", plain.clone(), |name| name == "number");
            let mut rows = 0;
            let outcome = loop {
                match reader.next_row() {
                    Ok(Some(_)) => rows += 1,
                    Ok(None) => break true,
                    Err(DumpError::Truncated { .. }) => break false,
                    Err(error) => panic!("{error}"),
                }
            };
            assert_eq!(outcome, cut == 0 || whole.contains(&cut), "{cut}");
            assert_eq!(rows, whole.iter().filter(|end| **end <= cut).count(), "{cut}");
        }
    }

    #[test]
    fn a_row_beyond_the_limit_is_an_error() {
        let limits = Limits { buffer: 16, piece: 64 };
        let line = [vec![b'1', b'\t'], vec![b'a'; 100], b"\n".to_vec()].concat();
        let mut reader = LoadedRows::with_limits(&line[..], "s.t.dat", statement(&TWO, tabs()), |_| false, limits);
        assert!(matches!(reader.next_row(), Err(DumpError::TooLong { what: "row", limit: 64, .. })));
    }
}
