//! SQL literals to bytes and back.

use std::borrow::Cow;

/// A field of a row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Literal<'a> {
    /// `NULL`.
    Null,
    /// Digits, sign, point, exponent, as written.
    Number(&'a [u8]),
    /// `'…'` or `"…"`, unescaped.
    String {
        /// The introducer without its underscore (`binary`, `utf8mb4`), or the character set of a `CONVERT(… USING …)`.
        charset: Option<&'a [u8]>,
        /// The bytes.
        bytes: Cow<'a, [u8]>,
    },
    /// `0x…` or `X'…'`: bytes, which for a number are its big-endian digits.
    Hex {
        /// As for strings.
        charset: Option<&'a [u8]>,
        /// The bytes.
        bytes: Vec<u8>,
    },
    /// `b'…'` or `0b…`: bits, the last one lowest, with zeros in front to whole bytes.
    Bits(Vec<u8>),
    /// A bare word other than NULL: `TRUE`, `DEFAULT`.
    Word(&'a [u8]),
}

impl<'a> Literal<'a> {
    /// The bytes of a string, hexadecimal or bit literal; a number's text; None for NULL and words.
    pub fn into_bytes(self) -> Option<Cow<'a, [u8]>> {
        match self {
            Self::Null | Self::Word(_) => None,
            Self::Number(text) => Some(Cow::Borrowed(text)),
            Self::String { bytes, .. } => Some(bytes),
            Self::Hex { bytes, .. } | Self::Bits(bytes) => Some(Cow::Owned(bytes)),
        }
    }
}

/// Reads one field of a row, without white space around it.
///
/// Strings come out byte for byte, as a server reads them under `SET NAMES binary` and without `NO_BACKSLASH_ESCAPES`,
/// which is how mydumper writes.
///
/// # Errors
/// What is no literal.
pub fn parse_literal(text: &[u8]) -> Result<Literal<'_>, LiteralError> {
    parse(text, 0).map_err(|reason| LiteralError {
        text: String::from_utf8_lossy(text.get(..text.len().min(60)).unwrap_or_default()).chars().take(40).collect(),
        reason,
    })
}

/// A field that is no literal.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{text}` is not a literal that a dump holds: {reason}")]
pub struct LiteralError {
    /// Its beginning.
    pub text: String,
    /// What is wrong.
    pub reason: &'static str,
}

fn parse(text: &[u8], depth: u8) -> Result<Literal<'_>, &'static str> {
    match text {
        [] => Err("it is empty"),
        [b'\'' | b'"', ..] => Ok(Literal::String { charset: None, bytes: unquote(text)? }),
        [b'0', b'x', digits @ ..] => Ok(Literal::Hex { charset: None, bytes: hexadecimal(digits)? }),
        [b'0', b'b', digits @ ..] => Ok(Literal::Bits(bits(digits)?)),
        [b'x' | b'X', b'\'', ..] => {
            let digits = plain_quoted(text.get(1..).unwrap_or_default())?;
            if digits.len() % 2 == 1 {
                return Err("X'…' needs an even number of digits");
            }
            let bytes = if digits.is_empty() { Vec::new() } else { hexadecimal(digits)? };
            Ok(Literal::Hex { charset: None, bytes })
        }
        [b'b' | b'B', b'\'', ..] => Ok(Literal::Bits(bits(plain_quoted(text.get(1..).unwrap_or_default())?)?)),
        [b'n' | b'N', b'\'', ..] => {
            Ok(Literal::String { charset: Some(b"utf8mb3"), bytes: unquote(text.get(1..).unwrap_or_default())? })
        }
        [b'_', rest @ ..] => introduced(rest, depth),
        [b'0'..=b'9' | b'+' | b'-' | b'.', ..] => number(text),
        _ if text.eq_ignore_ascii_case(b"NULL") => Ok(Literal::Null),
        _ if text.last() == Some(&b')') => converted(text, depth),
        _ if text.iter().all(|b| b.is_ascii_alphabetic() || *b == b'_') => Ok(Literal::Word(text)),
        _ => Err("it begins like none"),
    }
}

/// `_charset '…'`.
fn introduced(text: &[u8], depth: u8) -> Result<Literal<'_>, &'static str> {
    let length = text.iter().take_while(|b| b.is_ascii_alphanumeric()).count();
    let (name, rest) = text.split_at_checked(length).ok_or("the introducer has no name")?;
    let inner = rest.trim_ascii_start();
    with_charset(inner, name, depth)
}

/// `CONVERT('…' USING charset)`.
fn converted(text: &[u8], depth: u8) -> Result<Literal<'_>, &'static str> {
    const NOT_KNOWN: &str = "an expression other than CONVERT(… USING …)";
    let (name, rest) = text.split_at_checked(7).ok_or(NOT_KNOWN)?;
    let rest = rest.trim_ascii_start();
    if !name.eq_ignore_ascii_case(b"CONVERT") {
        return Err(NOT_KNOWN);
    }
    let inner = rest.strip_prefix(b"(").and_then(|r| r.strip_suffix(b")")).ok_or(NOT_KNOWN)?.trim_ascii();
    let charset_length = inner.iter().rev().take_while(|b| b.is_ascii_alphanumeric() || **b == b'_').count();
    let (before, charset) = inner.split_at_checked(inner.len() - charset_length).ok_or(NOT_KNOWN)?;
    let before = before.trim_ascii_end();
    let (literal, using) = before.split_at_checked(before.len().saturating_sub(5)).ok_or(NOT_KNOWN)?;
    if !using.eq_ignore_ascii_case(b"USING") || charset.is_empty() {
        return Err(NOT_KNOWN);
    }
    let literal = literal.trim_ascii();
    if literal.eq_ignore_ascii_case(b"NULL") {
        return Ok(Literal::Null);
    }
    with_charset(literal, charset, depth)
}

fn with_charset<'a>(text: &'a [u8], name: &'a [u8], depth: u8) -> Result<Literal<'a>, &'static str> {
    if depth > 2 {
        return Err("introducers are nested");
    }
    match parse(text, depth + 1)? {
        Literal::String { bytes, .. } => Ok(Literal::String { charset: Some(name), bytes }),
        Literal::Hex { bytes, .. } => Ok(Literal::Hex { charset: Some(name), bytes }),
        Literal::Bits(bytes) => Ok(Literal::Bits(bytes)),
        _ => Err("a string is expected behind the introducer"),
    }
}

fn number(text: &[u8]) -> Result<Literal<'_>, &'static str> {
    let digits = |bytes: &[u8]| bytes.iter().take_while(|b| b.is_ascii_digit()).count();
    let mut rest = text.strip_prefix(b"-").or_else(|| text.strip_prefix(b"+")).unwrap_or(text);
    let whole = digits(rest);
    rest = rest.get(whole..).unwrap_or_default();
    let mut fraction = 0;
    if let Some(after) = rest.strip_prefix(b".") {
        fraction = digits(after);
        rest = after.get(fraction..).unwrap_or_default();
    }
    if let [b'e' | b'E', exponent @ ..] = rest {
        let exponent = exponent.strip_prefix(b"-").or_else(|| exponent.strip_prefix(b"+")).unwrap_or(exponent);
        rest = if exponent.is_empty() { exponent } else { exponent.get(digits(exponent)..).unwrap_or_default() };
        if exponent.is_empty() {
            return Err("the exponent is missing");
        }
    }
    if !rest.is_empty() || whole + fraction == 0 {
        return Err("it is no number");
    }
    Ok(Literal::Number(text))
}

/// The inside of a quoted literal that holds no escapes.
fn plain_quoted(text: &[u8]) -> Result<&[u8], &'static str> {
    text.strip_prefix(b"'").and_then(|t| t.strip_suffix(b"'")).ok_or("its quote is not closed")
}

/// Undoes the quoting of one string; borrowed where there is nothing to undo.
fn unquote(text: &[u8]) -> Result<Cow<'_, [u8]>, &'static str> {
    let (quote, rest) = text.split_first().ok_or("it is empty")?;
    let mut out: Option<Vec<u8>> = None;
    let mut rest = rest;
    loop {
        let found = memchr::memchr2(*quote, b'\\', rest).ok_or("its quote is not closed")?;
        let (head, tail) = rest.split_at_checked(found).ok_or("its quote is not closed")?;
        match tail {
            [q, after @ ..] if q == quote => {
                if let [next, after @ ..] = after {
                    if next != quote {
                        return Err("something stands behind its closing quote");
                    }
                    let out = out.get_or_insert_with(Vec::new);
                    out.extend_from_slice(head);
                    out.push(*quote);
                    rest = after;
                    continue;
                }
                return Ok(match out {
                    Some(mut out) => {
                        out.extend_from_slice(head);
                        Cow::Owned(out)
                    }
                    None => Cow::Borrowed(head),
                });
            }
            [_, escaped, after @ ..] => {
                let out = out.get_or_insert_with(Vec::new);
                out.extend_from_slice(head);
                match escaped {
                    b'0' => out.push(0),
                    b'n' => out.push(b'\n'),
                    b'r' => out.push(b'\r'),
                    b't' => out.push(b'\t'),
                    b'b' => out.push(8),
                    b'Z' => out.push(0x1a),
                    // Outside LIKE these two keep their backslash.
                    b'%' | b'_' => out.extend_from_slice(&[b'\\', *escaped]),
                    other => out.push(*other),
                }
                rest = after;
            }
            _ => return Err("its quote is not closed"),
        }
    }
}

fn hexadecimal(digits: &[u8]) -> Result<Vec<u8>, &'static str> {
    if digits.is_empty() {
        return Err("it has no digits");
    }
    let mut out = Vec::with_capacity(digits.len().div_ceil(2));
    let (first, pairs) = digits.split_at(digits.len() % 2);
    for digit in first {
        out.push(nibble(*digit)?);
    }
    for pair in pairs.chunks_exact(2) {
        if let [high, low] = pair {
            out.push(nibble(*high)? << 4 | nibble(*low)?);
        }
    }
    Ok(out)
}

/// Digits in pairs; None of an odd number of them, and of anything else.
pub(crate) fn unhex(digits: &[u8]) -> Option<Vec<u8>> {
    if digits.is_empty() {
        return Some(Vec::new());
    }
    digits.len().is_multiple_of(2).then(|| hexadecimal(digits).ok()).flatten()
}

fn nibble(digit: u8) -> Result<u8, &'static str> {
    match digit {
        b'0'..=b'9' => Ok(digit - b'0'),
        b'a'..=b'f' => Ok(digit - b'a' + 10),
        b'A'..=b'F' => Ok(digit - b'A' + 10),
        _ => Err("it holds something other than hexadecimal digits"),
    }
}

fn bits(digits: &[u8]) -> Result<Vec<u8>, &'static str> {
    let mut out = vec![0; digits.len().div_ceil(8)];
    let last = digits.len().saturating_sub(1);
    for (index, digit) in digits.iter().enumerate() {
        let place = last - index;
        let bit = match digit {
            b'0' => 0,
            b'1' => 1u8,
            _ => return Err("it holds something other than bits"),
        };
        let length = out.len();
        if let Some(byte) = out.get_mut(length - 1 - place / 8) {
            *byte |= bit << (place % 8);
        }
    }
    Ok(out)
}

/// Writes `NULL`.
pub fn write_null(out: &mut Vec<u8>) {
    out.extend_from_slice(b"NULL");
}

/// Writes a number's text as it is.
pub fn write_number(out: &mut Vec<u8>, text: &str) {
    out.extend_from_slice(text.as_bytes());
}

/// Writes a string in single quotes, which every SQL mode takes for a string, with backslash escapes (`\0 \n \r \\ \' \"
/// \Z`). The bytes are those of the column's own character set, as under `SET NAMES binary`.
pub fn write_string(out: &mut Vec<u8>, bytes: &[u8]) {
    out.reserve(bytes.len() + 2);
    out.push(b'\'');
    let mut clean = 0;
    for (index, byte) in bytes.iter().enumerate() {
        let escaped = ESCAPES[usize::from(*byte)];
        if escaped != 0 {
            out.extend_from_slice(bytes.get(clean..index).unwrap_or_default());
            out.extend_from_slice(&[b'\\', escaped]);
            clean = index + 1;
        }
    }
    out.extend_from_slice(bytes.get(clean..).unwrap_or_default());
    out.push(b'\'');
}

/// What stands behind the backslash, or 0 for bytes that need none.
const ESCAPES: [u8; 256] = {
    let mut escapes = [0; 256];
    escapes[0] = b'0';
    escapes[b'\n' as usize] = b'n';
    escapes[b'\r' as usize] = b'r';
    escapes[b'\\' as usize] = b'\\';
    escapes[b'\'' as usize] = b'\'';
    escapes[b'"' as usize] = b'"';
    escapes[0x1a] = b'Z';
    escapes
};

/// Writes bytes (BINARY, BLOB, BIT, GEOMETRY, VECTOR) as a string with the `_binary` introducer, which spares the server a
/// check against the connection's character set.
pub fn write_binary(out: &mut Vec<u8>, bytes: &[u8]) {
    out.extend_from_slice(b"_binary ");
    write_string(out, bytes);
}

/// Writes bytes as `0x…`; no bytes as `''`.
pub fn write_hex(out: &mut Vec<u8>, bytes: &[u8]) {
    const DIGITS: [u8; 16] = *b"0123456789ABCDEF";
    if bytes.is_empty() {
        out.extend_from_slice(b"''");
        return;
    }
    out.reserve(bytes.len() * 2 + 2);
    out.extend_from_slice(b"0x");
    for byte in bytes {
        out.push(DIGITS[usize::from(byte >> 4)]);
        out.push(DIGITS[usize::from(byte & 15)]);
    }
}

/// Writes text for MySQL's JSON type: `CONVERT('…' USING UTF8MB4)`, since under `SET NAMES binary` a plain string is
/// refused there.
pub fn write_json(out: &mut Vec<u8>, text: &str) {
    out.extend_from_slice(b"CONVERT(");
    write_string(out, text.as_bytes());
    out.extend_from_slice(b" USING UTF8MB4)");
}

#[cfg(test)]
mod tests {
    use super::*;

    fn string<'a>(bytes: &'a [u8]) -> Literal<'a> {
        Literal::String { charset: None, bytes: Cow::Borrowed(bytes) }
    }

    #[track_caller]
    fn check(text: &str, expect: Literal<'_>) {
        assert_eq!(parse_literal(text.as_bytes()).unwrap(), expect, "{text}");
    }

    #[test]
    fn every_form() {
        check("NULL", Literal::Null);
        check("null", Literal::Null);
        check("'NULL'", string(b"NULL"));
        check("''", string(b""));
        check(r#""""#, string(b""));
        for number in ["0", "-0", "-0.0", "+1", ".5", "1.", "1e300", "-2.2250738585072014e-308", "00042", "1E+5"] {
            check(number, Literal::Number(number.as_bytes()));
        }
        check(r#""a\0b\Z\'\"\\\n\r\t\b\x\%\_c""#, string(b"a\0b\x1a'\"\\\n\r\t\x08x\\%\\_c"));
        check("'it''s'", string(b"it's"));
        check(r#""say ""so""""#, string(b"say \"so\""));
        check("'),('", string(b"),("));
        check("0x00fF", Literal::Hex { charset: None, bytes: vec![0, 255] });
        check("0xABC", Literal::Hex { charset: None, bytes: vec![0x0a, 0xbc] });
        check("X'0aFF'", Literal::Hex { charset: None, bytes: vec![10, 255] });
        check("x''", Literal::Hex { charset: None, bytes: vec![] });
        check("b'101010101'", Literal::Bits(vec![1, 0x55]));
        check("0b11", Literal::Bits(vec![3]));
        check("b''", Literal::Bits(vec![]));
        check("_binary \"\\0\"", Literal::String { charset: Some(b"binary"), bytes: Cow::Borrowed(b"\0") });
        check("_utf8mb4'x'", Literal::String { charset: Some(b"utf8mb4"), bytes: Cow::Borrowed(b"x") });
        check("_latin1 0xE9", Literal::Hex { charset: Some(b"latin1"), bytes: vec![0xe9] });
        check("_utf8mb4 X'C3A9'", Literal::Hex { charset: Some(b"utf8mb4"), bytes: vec![0xc3, 0xa9] });
        check("N'x'", Literal::String { charset: Some(b"utf8mb3"), bytes: Cow::Borrowed(b"x") });
        check(
            r#"CONVERT("{\"a\": \")\"}" USING UTF8MB4)"#,
            Literal::String { charset: Some(b"UTF8MB4"), bytes: Cow::Borrowed(b"{\"a\": \")\"}") },
        );
        check("CONVERT(0x7B7D USING utf8mb4)", Literal::Hex { charset: Some(b"utf8mb4"), bytes: b"{}".to_vec() });
        check("CONVERT(NULL USING utf8mb4)", Literal::Null);
        check("DEFAULT", Literal::Word(b"DEFAULT"));
        check("TRUE", Literal::Word(b"TRUE"));
    }

    #[test]
    fn refuses_what_is_none() {
        for text in [
            "",
            "'",
            "'a",
            "'a'b",
            "\"a\\\"",
            "0x",
            "0xg",
            "0b2",
            "X'1'",
            "X'1",
            "1a",
            "-",
            ".",
            "1e",
            "--1",
            "_binary",
            "_binary 5",
            "UNHEX('00')",
            "CONVERT('a')",
            "CONVERT('a' USING )",
            "a b",
            "?",
            "_a _b _c _d 'x'",
        ] {
            assert!(parse_literal(text.as_bytes()).is_err(), "{text}");
        }
    }
}
