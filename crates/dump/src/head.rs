//! The beginnings of a data file's statements.

/// The beginning of an INSERT, up to and with `VALUES`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InsertHead<'a> {
    /// As written.
    pub raw: &'a [u8],
    /// INSERT, INSERT IGNORE or REPLACE.
    pub verb: InsertVerb,
    /// The schema, if written.
    pub schema: Option<String>,
    /// The table. Which table a file is for is to be checked against this: file names of old dumps are ambiguous.
    pub table: String,
    /// The column list, if written.
    pub columns: Option<Vec<String>>,
}

/// How the rows go in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum InsertVerb {
    /// `INSERT INTO`.
    Insert,
    /// `INSERT IGNORE INTO` (`--insert-ignore`).
    InsertIgnore,
    /// `REPLACE INTO` (`--replace`).
    Replace,
}

/// Whether a statement's end is in sight.
pub(crate) enum Parsed {
    /// The piece ends before this byte.
    Whole(usize),
    /// Not yet.
    More,
}

/// How long the preamble statement, comment or INSERT head is that `bytes` begin with.
pub(crate) fn length(bytes: &[u8], at_end: bool) -> Result<Parsed, &'static str> {
    if bytes == b"-" {
        return Ok(Parsed::More);
    }
    if bytes.starts_with(b"--") || bytes.starts_with(b"#") {
        return Ok(match memchr::memchr(b'\n', bytes) {
            Some(end) => Parsed::Whole(end + 1),
            None if at_end => Parsed::Whole(bytes.len()),
            None => Parsed::More,
        });
    }
    let mut position = 0;
    // An INSERT's head ends at VALUES, so the first word decides what ends the piece.
    let mut first_word: Option<bool> = None;
    while let Some(byte) = bytes.get(position) {
        match byte {
            b';' => return Ok(Parsed::Whole(position + 1)),
            b'\'' | b'"' | b'`' => match end_of_quoted(bytes, position) {
                Some(end) => position = end,
                None => return Ok(Parsed::More),
            },
            b'/' if bytes.len() == position + 1 => return Ok(Parsed::More),
            b'/' if bytes.get(position + 1) == Some(&b'*') => {
                match memchr::memmem::find(bytes.get(position + 2..).unwrap_or_default(), b"*/") {
                    Some(found) => position += found + 4,
                    None => return Ok(Parsed::More),
                }
            }
            byte if is_word(*byte) => {
                let end = position + bytes.iter().skip(position).take_while(|b| is_word(**b)).count();
                if end == bytes.len() && !at_end {
                    return Ok(Parsed::More);
                }
                let word = bytes.get(position..end).unwrap_or_default();
                let insert = *first_word.get_or_insert_with(|| {
                    word.eq_ignore_ascii_case(b"INSERT") || word.eq_ignore_ascii_case(b"REPLACE")
                });
                if insert && (word.eq_ignore_ascii_case(b"VALUES") || word.eq_ignore_ascii_case(b"VALUE")) {
                    return Ok(Parsed::Whole(end));
                }
                position = end;
            }
            b'(' | b')' | b',' | b'.' | b'=' | b'@' | b'*' | b'+' | b'-' => position += 1,
            byte if byte.is_ascii_whitespace() => position += 1,
            _ => return Err("an SQL statement is expected"),
        }
    }
    Ok(Parsed::More)
}

/// Reads a piece that [`length`] measured: an INSERT head, or None for a preamble statement.
pub(crate) fn parse(raw: &[u8]) -> Result<Option<InsertHead<'_>>, &'static str> {
    if raw.starts_with(b"--") || raw.starts_with(b"#") {
        return Ok(None);
    }
    let mut words = Words { bytes: raw, position: 0 };
    let mut verb = match words.keyword()?.as_slice() {
        b"" | b"SET" | b"UNLOCK" => return Ok(None),
        b"INSERT" => InsertVerb::Insert,
        b"REPLACE" => InsertVerb::Replace,
        b"LOAD" => {
            return Err("its rows stand in another file (LOAD DATA), and the dump has none of that name");
        }
        _ => return Err("a statement that no data file holds"),
    };
    let mut word = words.keyword()?;
    if word == b"IGNORE" {
        verb = InsertVerb::InsertIgnore;
        word = words.keyword()?;
    }
    if word != b"INTO" {
        return Err("INTO is expected");
    }
    let mut table = words.name()?;
    let mut schema = None;
    if words.take(b'.') {
        schema = Some(std::mem::replace(&mut table, words.name()?));
    }
    let mut columns = None;
    if words.take(b'(') {
        let mut names = vec![words.name()?];
        while words.take(b',') {
            names.push(words.name()?);
        }
        if !words.take(b')') {
            return Err("the column list is not closed");
        }
        columns = Some(names);
    }
    match words.keyword()?.as_slice() {
        b"VALUES" | b"VALUE" if words.rest().is_empty() => Ok(Some(InsertHead { raw, verb, schema, table, columns })),
        _ => Err("VALUES is expected"),
    }
}

/// The first characters, for an error message.
pub(crate) fn beginning(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes.get(..bytes.len().min(60)).unwrap_or_default()).chars().take(40).collect()
}

fn is_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'$' || byte >= 0x80
}

/// The first byte behind a quoted name or string; backslashes escape in strings.
fn end_of_quoted(bytes: &[u8], from: usize) -> Option<usize> {
    let quote = *bytes.get(from)?;
    let mut position = from + 1;
    loop {
        match bytes.get(position)? {
            byte if *byte == quote => return Some(position + 1),
            b'\\' if quote != b'`' => position += 2,
            _ => position += 1,
        }
    }
}

/// A statement, word by word.
pub(crate) struct Words<'a> {
    pub(crate) bytes: &'a [u8],
    pub(crate) position: usize,
}

impl<'a> Words<'a> {
    /// What is left behind white space and comments. The text of an executable comment counts.
    pub(crate) fn rest(&mut self) -> &'a [u8] {
        loop {
            let rest = self.bytes.get(self.position..).unwrap_or_default();
            if let Some(executable) = rest.strip_prefix(b"/*!") {
                self.position += 3 + executable.iter().take_while(|b| b.is_ascii_digit()).count();
            } else if rest.starts_with(b"/*") {
                let length = memchr::memmem::find(rest, b"*/").map_or(rest.len(), |found| found + 2);
                self.position += length;
            } else if rest.starts_with(b"*/") {
                self.position += 2;
            } else if rest.first().is_some_and(|b| b.is_ascii_whitespace()) {
                self.position += 1;
            } else {
                return rest;
            }
        }
    }

    /// The next bare word in upper case; empty where there is none.
    pub(crate) fn keyword(&mut self) -> Result<Vec<u8>, &'static str> {
        let rest = self.rest();
        let length = rest.iter().take_while(|b| is_word(**b)).count();
        let word = rest.get(..length).unwrap_or_default().to_ascii_uppercase();
        self.position += length;
        if word.is_empty() && !matches!(rest.first(), None | Some(b';')) {
            return Err("a keyword is expected");
        }
        Ok(word)
    }

    fn take(&mut self, byte: u8) -> bool {
        let found = self.rest().first() == Some(&byte);
        self.position += usize::from(found);
        found
    }

    /// A name: quoted with backticks or double quotes, or bare.
    pub(crate) fn name(&mut self) -> Result<String, &'static str> {
        let rest = self.rest();
        let bytes = match rest.first() {
            Some(quote @ (b'`' | b'"')) => {
                let mut name = Vec::new();
                let mut position = 1;
                loop {
                    match rest.get(position) {
                        Some(byte) if byte == quote => {
                            position += 1;
                            if rest.get(position) != Some(quote) {
                                break;
                            }
                            name.push(*quote);
                        }
                        Some(byte) => name.push(*byte),
                        None => return Err("a name is not closed"),
                    }
                    position += 1;
                }
                self.position += position;
                name
            }
            _ => {
                let length = rest.iter().take_while(|b| is_word(**b)).count();
                self.position += length;
                rest.get(..length).unwrap_or_default().to_vec()
            }
        };
        if bytes.is_empty() {
            return Err("a name is expected");
        }
        String::from_utf8(bytes).map_err(|_| "a name is not UTF-8")
    }
}
