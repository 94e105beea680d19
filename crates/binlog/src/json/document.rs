//! A JSON value that can be changed.

use super::binary::{Node, budget, spend};
use super::path::{Step, parse};
use super::{JsonError, write};
use crate::Malformed;
use crate::bytes::{Cursor, text};

/// A JSON value in memory. Scalars are kept as their text, so that numbers keep every digit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Document {
    /// A string (in quotes, escaped), a number, `true`, `false` or `null`, as text.
    Scalar(String),
    /// An array.
    Array(Vec<Document>),
    /// An object: members in the server's order, by the key's length and then its bytes.
    Object(Vec<(String, Document)>),
}

impl Document {
    /// Reads binary JSON.
    ///
    /// # Errors
    /// Bytes that are none.
    pub fn from_binary(binary: &[u8]) -> Result<Self, JsonError> {
        Self::from_node(Node::root(binary)?, 0, &mut budget(binary))
    }

    fn from_node(node: Node<'_>, depth: usize, budget: &mut usize) -> Result<Self, JsonError> {
        spend(budget)?;
        Ok(match node {
            Node::Array(container) => {
                write::deeper(depth)?;
                let values =
                    (0..container.len()).map(|index| Self::from_node(container.value(index)?, depth + 1, budget));
                Self::Array(values.collect::<Result<_, _>>()?)
            }
            Node::Object(container) => {
                write::deeper(depth)?;
                let members = (0..container.len()).map(|index| {
                    let value = Self::from_node(container.value(index)?, depth + 1, budget)?;
                    Ok::<_, JsonError>((container.key(index)?.to_owned(), value))
                });
                Self::Object(members.collect::<Result<_, _>>()?)
            }
            scalar => {
                let mut text = String::new();
                write::write_scalar(&mut text, scalar)?;
                Self::Scalar(text)
            }
        })
    }

    /// Reads text, such as a dump has it.
    ///
    /// # Errors
    /// Text that is not JSON.
    pub fn from_text(json: &str) -> Result<Self, JsonError> {
        let mut parser = TextParser { text: json, at: 0 };
        let document = parser.value(0)?;
        parser.blank();
        if parser.at < json.len() {
            return Err(parser.bad("something behind the value"));
        }
        Ok(document)
    }

    /// Writes the server's text.
    pub fn to_text(&self) -> String {
        let mut text = String::new();
        self.write(&mut text);
        text
    }

    fn write(&self, text: &mut String) {
        match self {
            Self::Scalar(scalar) => text.push_str(scalar),
            Self::Array(values) => {
                text.push('[');
                for (index, value) in values.iter().enumerate() {
                    if index > 0 {
                        text.push_str(", ");
                    }
                    value.write(text);
                }
                text.push(']');
            }
            Self::Object(members) => {
                text.push('{');
                for (index, (key, value)) in members.iter().enumerate() {
                    if index > 0 {
                        text.push_str(", ");
                    }
                    write::string(text, key);
                    text.push_str(": ");
                    value.write(text);
                }
                text.push('}');
            }
        }
    }

    /// The value that some steps lead to.
    fn descend(&mut self, steps: &[Step]) -> Option<&mut Self> {
        steps.iter().try_fold(self, |document, step| match (document, step) {
            (Self::Array(values), Step::Cell(index)) => values.get_mut(*index),
            (Self::Object(members), Step::Member(name)) => {
                members.iter_mut().find(|(key, _)| key == name).map(|(_, value)| value)
            }
            // A value that is no array is as good as an array of it alone.
            (document @ (Self::Scalar(_) | Self::Object(_)), Step::Cell(0)) => Some(document),
            _ => None,
        })
    }
}

/// Where a key stands among its object's.
fn key_order(key: &str) -> (usize, &[u8]) {
    (key.len(), key.as_bytes())
}

/// Applies the differences of a [`crate::ColumnImage::JsonDiff`] to the value that the row had before.
///
/// # Errors
/// Differences that are none, or that do not fit the value.
pub fn apply_diffs(document: &mut Document, diffs: &[u8]) -> Result<(), JsonError> {
    const WHAT: &str = "partial JSON update";
    let mut cursor = Cursor::new(diffs);
    while !cursor.is_empty() {
        let operation = cursor.u8(WHAT)?;
        let path = text(cursor.packed_bytes(WHAT)?, "JSON path")?;
        let fail = |problem| JsonError::Diff { path: path.to_owned(), problem };
        let steps = parse(path)?;
        match operation {
            0 => {
                let value = Document::from_binary(cursor.packed_bytes(WHAT)?)?;
                *document.descend(&steps).ok_or_else(|| fail("there is nothing to replace"))? = value;
            }
            1 => {
                let value = Document::from_binary(cursor.packed_bytes(WHAT)?)?;
                let (last, parents) = steps.split_last().ok_or_else(|| fail("the whole value cannot be inserted"))?;
                let parent = document.descend(parents).ok_or_else(|| fail("there is nothing to insert into"))?;
                match (parent, last) {
                    (Document::Array(values), Step::Cell(index)) => values.insert((*index).min(values.len()), value),
                    (Document::Object(members), Step::Member(name)) => {
                        let order = key_order(name);
                        match members.binary_search_by(|(key, _)| key_order(key).cmp(&order)) {
                            Err(place) => members.insert(place, (name.clone(), value)),
                            Ok(_) => return Err(fail("the member to insert is there")),
                        }
                    }
                    _ => return Err(fail("what it inserts into is of another kind")),
                }
            }
            2 => {
                let (last, parents) = steps.split_last().ok_or_else(|| fail("the whole value cannot be removed"))?;
                let removed = match (document.descend(parents), last) {
                    (Some(Document::Array(values)), Step::Cell(index)) if *index < values.len() => {
                        values.remove(*index);
                        true
                    }
                    (Some(Document::Object(members)), Step::Member(name)) => {
                        let before = members.len();
                        members.retain(|(key, _)| key != name);
                        members.len() < before
                    }
                    _ => false,
                };
                if !removed {
                    return Err(fail("there is nothing to remove"));
                }
            }
            other => return Err(Malformed::unsupported(format!("operation {other} in a {WHAT}")).into()),
        }
    }
    Ok(())
}

/// The value of a JSON string literal, quotes included.
pub(super) fn unquote(literal: &str) -> Option<String> {
    let mut parser = TextParser { text: literal, at: 0 };
    let value = parser.string().ok()?;
    (parser.at == literal.len()).then_some(value)
}

struct TextParser<'t> {
    text: &'t str,
    at: usize,
}

impl TextParser<'_> {
    fn bad(&self, problem: &'static str) -> JsonError {
        JsonError::Text { offset: self.at, problem }
    }

    fn peek(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    fn blank(&mut self) {
        while matches!(self.peek(), Some(b' ' | b'\t' | b'\n' | b'\r')) {
            self.at += 1;
        }
    }

    fn eat(&mut self, byte: u8) -> bool {
        self.blank();
        let found = self.peek() == Some(byte);
        self.at += usize::from(found);
        found
    }

    fn value(&mut self, depth: usize) -> Result<Document, JsonError> {
        self.blank();
        match self.peek() {
            Some(b'[') => {
                write::deeper(depth)?;
                self.at += 1;
                let mut values = Vec::new();
                if self.eat(b']') {
                    return Ok(Document::Array(values));
                }
                loop {
                    values.push(self.value(depth + 1)?);
                    if self.eat(b']') {
                        return Ok(Document::Array(values));
                    }
                    if !self.eat(b',') {
                        return Err(self.bad("neither `,` nor `]`"));
                    }
                }
            }
            Some(b'{') => {
                write::deeper(depth)?;
                self.at += 1;
                let mut members: Vec<(String, Document)> = Vec::new();
                if self.eat(b'}') {
                    return Ok(Document::Object(members));
                }
                loop {
                    self.blank();
                    let key = self.string()?;
                    if !self.eat(b':') {
                        return Err(self.bad("a name without `:`"));
                    }
                    members.push((key, self.value(depth + 1)?));
                    if self.eat(b'}') {
                        break;
                    }
                    if !self.eat(b',') {
                        return Err(self.bad("neither `,` nor `}`"));
                    }
                }
                // The last of equal names counts.
                members.reverse();
                members.sort_by(|(a, _), (b, _)| key_order(a).cmp(&key_order(b)));
                members.dedup_by(|(later, _), (earlier, _)| later == earlier);
                Ok(Document::Object(members))
            }
            Some(b'"') => {
                let value = self.string()?;
                let mut scalar = String::with_capacity(value.len() + 2);
                write::string(&mut scalar, &value);
                Ok(Document::Scalar(scalar))
            }
            _ => self.word(),
        }
    }

    /// A number or literal.
    fn word(&mut self) -> Result<Document, JsonError> {
        let rest = self.text.get(self.at..).unwrap_or_default();
        let length =
            rest.bytes().take_while(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'-' | b'.')).count();
        let word = rest.get(..length).unwrap_or_default();
        let number = word.starts_with(|c: char| c.is_ascii_digit() || c == '-') && word.parse::<f64>().is_ok();
        if number || matches!(word, "true" | "false" | "null") {
            self.at += length;
            return Ok(Document::Scalar(word.to_owned()));
        }
        Err(self.bad("no value"))
    }

    fn string(&mut self) -> Result<String, JsonError> {
        if self.peek() != Some(b'"') {
            return Err(self.bad("no string"));
        }
        self.at += 1;
        let mut value = String::new();
        loop {
            let rest = self.text.get(self.at..).unwrap_or_default();
            let plain = rest.find(['"', '\\']).ok_or_else(|| self.bad("a string without its closing quote"))?;
            value.push_str(rest.get(..plain).unwrap_or_default());
            self.at += plain + 1;
            if rest.as_bytes().get(plain) == Some(&b'"') {
                return Ok(value);
            }
            let escape = self.peek().ok_or_else(|| self.bad("a backslash at the end"))?;
            self.at += 1;
            value.push(match escape {
                b'"' | b'\\' | b'/' => char::from(escape),
                b'b' => '\u{8}',
                b'f' => '\u{c}',
                b'n' => '\n',
                b'r' => '\r',
                b't' => '\t',
                b'u' => self.unicode()?,
                _ => return Err(self.bad("an unknown escape")),
            });
        }
    }

    /// The digits behind `\u`, and behind a second one where it takes two.
    fn unicode(&mut self) -> Result<char, JsonError> {
        let first = self.four_digits()?;
        let code = if (0xd800..0xdc00).contains(&first) {
            let second = match self.text.get(self.at..).is_some_and(|rest| rest.starts_with("\\u")) {
                true => {
                    self.at += 2;
                    self.four_digits()?
                }
                false => 0,
            };
            let low =
                second.checked_sub(0xdc00).filter(|low| *low < 0x400).ok_or_else(|| self.bad("half a character"))?;
            0x1_0000 + ((first - 0xd800) << 10) + low
        } else {
            first
        };
        char::from_u32(code).ok_or_else(|| self.bad("half a character"))
    }

    fn four_digits(&mut self) -> Result<u32, JsonError> {
        let digits = self.text.get(self.at..self.at + 4).filter(|digits| digits.bytes().all(|b| b.is_ascii_hexdigit()));
        let value = digits.and_then(|digits| u32::from_str_radix(digits, 16).ok());
        let value = value.ok_or_else(|| self.bad("no four hexadecimal digits"))?;
        self.at += 4;
        Ok(value)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn diff(operation: u8, path: &str, value: Option<&[u8]>) -> Vec<u8> {
        let mut diff = vec![operation, path.len() as u8];
        diff.extend_from_slice(path.as_bytes());
        if let Some(value) = value {
            diff.push(value.len() as u8);
            diff.extend_from_slice(value);
        }
        diff
    }

    fn check(before: &str, diffs: &[Vec<u8>], after: &str) {
        let mut document = Document::from_text(before).unwrap();
        apply_diffs(&mut document, &diffs.concat()).unwrap();
        assert_eq!(document.to_text(), after, "{before}");
    }

    const SEVEN: &[u8] = &[5, 7, 0];

    #[test]
    fn differences() {
        check(r#"{"a": 1}"#, &[diff(0, "$.a", Some(SEVEN))], r#"{"a": 7}"#);
        check(r#"{"bb": 1, "c": 2}"#, &[diff(1, "$.aa", Some(SEVEN))], r#"{"c": 2, "aa": 7, "bb": 1}"#);
        check(r#"{"a": [1, 2]}"#, &[diff(1, "$.a[1]", Some(SEVEN))], r#"{"a": [1, 7, 2]}"#);
        check(r#"{"a": [1, 2]}"#, &[diff(1, "$.a[9]", Some(SEVEN))], r#"{"a": [1, 2, 7]}"#);
        check(r#"{"a": [1, 2], "b": 3}"#, &[diff(2, "$.a[0]", None), diff(2, "$.b", None)], r#"{"a": [2]}"#);
        check("[1]", &[diff(0, "$", Some(SEVEN))], "7");
        check("[1]", &[], "[1]");
    }

    #[test]
    fn differences_that_do_not_fit() {
        for (before, diff) in [
            ("{}", diff(0, "$.a", Some(SEVEN))),
            (r#"{"a": 1}"#, diff(1, "$.a", Some(SEVEN))),
            ("{}", diff(2, "$.a", None)),
            ("[]", diff(2, "$[0]", None)),
            ("[]", diff(1, "$", Some(SEVEN))),
            ("[]", diff(3, "$", None)),
            ("[]", vec![0, 200]),
        ] {
            let mut document = Document::from_text(before).unwrap();
            assert!(apply_diffs(&mut document, &diff).is_err(), "{before} {diff:?}");
        }
    }

    #[test]
    fn text_comes_back_in_the_servers_order_and_with_all_digits() {
        let check = |text: &str, expected: &str| {
            assert_eq!(Document::from_text(text).unwrap().to_text(), expected);
        };
        check(r#" {"bb":1.50,"a":18446744073709551615 ,"c":[ ],"a":-0.0} "#, r#"{"a": -0.0, "c": [], "bb": 1.50}"#);
        check(r#""\u00e9\ud83d\ude00\/\u0001""#, "\"é\u{1f600}/\\u0001\"");
        check("[1e5, true, null, false]", "[1e5, true, null, false]");
        for bad in ["", "{", "[1", "[1,]", "{\"a\"}", "\"", "\"\\x\"", "\"\\ud800\"", "nul", "1 2", "-", "inf", "{a:1}"]
        {
            assert!(Document::from_text(bad).is_err(), "{bad}");
        }
        assert_eq!(Document::from_text(&"[".repeat(1000)), Err(JsonError::TooDeep));
    }
}
