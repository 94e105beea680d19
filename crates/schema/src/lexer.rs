//! SQL text to tokens.

use std::borrow::Cow;

use crate::{Flavour, SchemaError, SqlDialect};

/// A token and where it stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Token<'a> {
    pub(crate) kind: Kind<'a>,
    /// The first byte.
    pub(crate) start: usize,
    /// The first byte behind.
    pub(crate) end: usize,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Kind<'a> {
    /// A bare word: keyword or name.
    Word(&'a str),
    /// A quoted name, unquoted.
    Name(Cow<'a, str>),
    /// A string, unquoted.
    Text(Cow<'a, str>),
    /// A number.
    Number(&'a str),
    /// Any other character.
    Symbol(char),
}

/// Splits `sql` into at most `limit` tokens. Comments are left out; executable comments that the server executed are not
/// comments.
pub(crate) fn lex<'a>(sql: &'a str, dialect: &SqlDialect, limit: usize) -> Result<Vec<Token<'a>>, SchemaError> {
    let mut lexer = Lexer { sql, position: 0, executable: 0, dialect: *dialect };
    let mut tokens = Vec::new();
    while tokens.len() < limit {
        match lexer.token()? {
            Some(token) => tokens.push(token),
            None => break,
        }
    }
    Ok(tokens)
}

struct Lexer<'a> {
    sql: &'a str,
    position: usize,
    /// Executable comments that are open.
    executable: u32,
    dialect: SqlDialect,
}

impl<'a> Lexer<'a> {
    fn token(&mut self) -> Result<Option<Token<'a>>, SchemaError> {
        self.skip_space_and_comments()?;
        let start = self.position;
        let Some(first) = self.rest().chars().next() else { return Ok(None) };
        let kind = match first {
            '`' => Kind::Name(self.quoted('`', false, "name")?),
            '"' if self.dialect.ansi_quotes => Kind::Name(self.quoted('"', false, "name")?),
            '\'' | '"' => Kind::Text(self.quoted(first, !self.dialect.no_backslash_escapes, "string")?),
            c if is_word(c) => self.word_or_number(),
            c => {
                self.position += c.len_utf8();
                Kind::Symbol(c)
            }
        };
        Ok(Some(Token { kind, start, end: self.position }))
    }

    fn rest(&self) -> &'a str {
        self.sql.get(self.position..).unwrap_or_default()
    }

    fn skip_space_and_comments(&mut self) -> Result<(), SchemaError> {
        loop {
            let rest = self.rest();
            let trimmed = rest.trim_start_matches(|c: char| c.is_ascii_whitespace() || c == '\u{b}' || c == '\0');
            self.position += rest.len() - trimmed.len();
            let dashes = trimmed.strip_prefix("--").is_some_and(|after| {
                after.chars().next().is_none_or(|c| c.is_ascii_whitespace() || c.is_ascii_control())
            });
            if dashes || trimmed.starts_with('#') {
                self.position += trimmed.find('\n').map_or(trimmed.len(), |end| end + 1);
            } else if let Some(marker) = self.executable_marker(trimmed) {
                self.position += marker;
                self.executable += 1;
            } else if trimmed.starts_with("/*") {
                let open = SchemaError::NotClosed { what: "comment", offset: self.position };
                let after = trimmed.get(2..).unwrap_or_default();
                self.position += after.find("*/").ok_or(open)? + 4;
            } else if self.executable > 0 && trimmed.starts_with("*/") {
                self.position += 2;
                self.executable -= 1;
            } else if trimmed.is_empty() && self.executable > 0 {
                return Err(SchemaError::NotClosed { what: "executable comment", offset: self.position });
            } else {
                return Ok(());
            }
        }
    }

    /// How many bytes to pass over to the text of a comment that the server executes; None for other text.
    ///
    /// A server that does not execute such a comment, since it is older, makes a plain comment of it before it writes the
    /// statement to the binary log. MariaDB passes over those for MySQL 5.7 to 9.99 (50700 to 99999), MySQL over
    /// MariaDB's own.
    fn executable_marker(&self, text: &str) -> Option<usize> {
        let (marker, body) = if let Some(body) = text.strip_prefix("/*!") {
            (3, body)
        } else {
            (4, text.strip_prefix("/*M!").filter(|_| self.dialect.flavour == Flavour::Mariadb)?)
        };
        let digits = body.bytes().take(6).take_while(u8::is_ascii_digit).count();
        let digits = if digits >= 5 { digits } else { 0 };
        if marker == 3 && self.dialect.flavour == Flavour::Mariadb {
            let version: u32 = body.get(..digits).unwrap_or_default().parse().unwrap_or(0);
            if (50_700..=99_999).contains(&version) {
                return None;
            }
        }
        Some(marker + digits)
    }

    fn quoted(&mut self, quote: char, backslashes: bool, what: &'static str) -> Result<Cow<'a, str>, SchemaError> {
        let open = self.position;
        let start = open + 1;
        let mut clean = start;
        let mut out: Option<String> = None;
        let bytes = self.sql.as_bytes();
        let mut position = start;
        let slice = |from: usize, to: usize| self.sql.get(from..to).unwrap_or_default();
        loop {
            let Some(byte) = bytes.get(position).copied() else {
                return Err(SchemaError::NotClosed { what, offset: open });
            };
            if byte == quote as u8 {
                if bytes.get(position + 1) == Some(&byte) {
                    let text = out.get_or_insert_with(String::new);
                    text.push_str(slice(clean, position + 1));
                    position += 2;
                    clean = position;
                    continue;
                }
                self.position = position + 1;
                return Ok(match out {
                    Some(mut text) => {
                        text.push_str(slice(clean, position));
                        Cow::Owned(text)
                    }
                    None => Cow::Borrowed(slice(start, position)),
                });
            }
            if byte == b'\\' && backslashes {
                let text = out.get_or_insert_with(String::new);
                text.push_str(slice(clean, position));
                let Some(escaped) = slice(position + 1, self.sql.len()).chars().next() else {
                    return Err(SchemaError::NotClosed { what, offset: open });
                };
                match escaped {
                    '0' => text.push('\0'),
                    'n' => text.push('\n'),
                    'r' => text.push('\r'),
                    't' => text.push('\t'),
                    'b' => text.push('\u{8}'),
                    'Z' => text.push('\u{1a}'),
                    '%' | '_' => text.extend(['\\', escaped]),
                    other => text.push(other),
                }
                position += 1 + escaped.len_utf8();
                clean = position;
                continue;
            }
            position += 1;
        }
    }

    fn word_or_number(&mut self) -> Kind<'a> {
        let rest = self.rest();
        if let Some(length) = number_length(rest) {
            self.position += length;
            return Kind::Number(rest.get(..length).unwrap_or_default());
        }
        let length = rest.find(|c| !is_word(c)).unwrap_or(rest.len());
        self.position += length;
        Kind::Word(rest.get(..length).unwrap_or_default())
    }
}

/// The length of the number that `text` begins with; None where it is a word that begins with a digit.
fn number_length(text: &str) -> Option<usize> {
    let digits = |from: usize| text.bytes().skip(from).take_while(u8::is_ascii_digit).count();
    let ends_at = |end: usize| !text.get(end..).and_then(|rest| rest.chars().next()).is_some_and(is_word);
    let exponent_at = |from: usize| {
        let rest = text.get(from..)?.strip_prefix(['e', 'E'])?;
        let sign = usize::from(rest.starts_with(['+', '-']));
        let count = digits(from + 1 + sign);
        (count > 0).then_some(from + 1 + sign + count)
    };
    let whole = digits(0);
    if whole == 0 {
        return None;
    }
    let mut end = whole;
    if text.get(end..).is_some_and(|rest| rest.starts_with('.')) {
        let fraction = end + 1 + digits(end + 1);
        // In `t.1a` and `1.t` the dot stands between names.
        if ends_at(fraction) || exponent_at(fraction).is_some() {
            end = fraction;
        }
    }
    if let Some(exponent) = exponent_at(end) {
        end = exponent;
    }
    ends_at(end).then_some(end)
}

fn is_word(c: char) -> bool {
    c.is_ascii_alphanumeric() || c == '_' || c == '$' || (c as u32) >= 0x80
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(sql: &str, dialect: SqlDialect) -> Vec<String> {
        lex(sql, &dialect, usize::MAX)
            .unwrap()
            .into_iter()
            .map(|token| match token.kind {
                Kind::Word(w) => w.to_owned(),
                Kind::Name(n) => format!("`{n}`"),
                Kind::Text(t) => format!("'{t}'"),
                Kind::Number(n) => n.to_owned(),
                Kind::Symbol(c) => c.to_string(),
            })
            .collect()
    }

    #[test]
    fn tokens() {
        let check = |sql: &str, expect: &str| assert_eq!(words(sql, SqlDialect::mysql()).join(" "), expect, "{sql}");
        check("DROP/**/TABLE -- x\n`a``b`# y\n . t", "DROP TABLE `a`b` . t");
        check("a--b", "a - - b");
        check("/*!50100 PARTITION BY HASH(a)*/;", "PARTITION BY HASH ( a ) ;");
        check("/*!80023 INVISIBLE */ /*!INVISIBLE*/ /*! x /* y */ z*/", "INVISIBLE INVISIBLE x z");
        check("/*!999999 a */ /*M! b */ /*M!100301 c*/", "a");
        check(r#"'it''s' "a\"b" 'x\\' '\%'"#, r#"'it's' 'a"b' 'x\' '\%'"#);
        check("1.5 t.1a 0x1F 1e5 é漢", "1.5 t . 1a 0x1F 1e5 é漢");
        check("-1.5e10 1e-5 1.E+3 5,1. 1e 2x", "- 1.5e10 1e-5 1.E+3 5 , 1. 1e 2x");
        let mariadb =
            |sql: &str, expect: &str| assert_eq!(words(sql, SqlDialect::mariadb()).join(" "), expect, "{sql}");
        mariadb("/*!50701 a */ b /*!50699 c */ /*!100100 d*/ /*M!100301 e*/ /*M! f*/", "b c d e f");
        let ansi = SqlDialect { ansi_quotes: true, no_backslash_escapes: true, ..SqlDialect::mysql() };
        assert_eq!(words(r#""a b"."c""d" 'x\'"#, ansi).join(" "), r#"`a b` . `c"d` 'x\'"#);
    }

    #[test]
    fn refuses_what_is_not_closed() {
        for sql in ["`a", "'a", "'a\\'", "/* a", "/*!50100 a", "\"a"] {
            assert!(lex(sql, &SqlDialect::mysql(), usize::MAX).is_err(), "{sql}");
        }
    }
}
