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
        /// The introducer without its underscore (`binary`, `utf8mb4`), or the character set of a CONVERT(… USING …).
        charset: Option<&'a [u8]>,
        /// The bytes.
        bytes: Cow<'a, [u8]>,
    },
    /// `0x…` or `X'…'`: bytes. (As a number in MySQL's eyes, big-endian.)
    Hex {
        /// As for strings.
        charset: Option<&'a [u8]>,
        /// The bytes.
        bytes: Vec<u8>,
    },
    /// `b'…'` or `0b…`: bits, the last one lowest, padded with zeros at the front to whole bytes.
    Bits(Vec<u8>),
    /// `TRUE`, `FALSE`, `DEFAULT` and what else is a bare word.
    Word(&'a [u8]),
}

/// Reads one field of a row.
///
/// # Errors
/// What is no literal.
pub fn parse_literal(text: &[u8]) -> Result<Literal<'_>, LiteralError> {
    Err(LiteralError { text: String::from_utf8_lossy(text).chars().take(40).collect(), reason: "nothing is read yet" })
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
    let _ = (out, bytes);
}

/// Writes a string of bytes (BINARY, BLOB, BIT, GEOMETRY, …) as a string with the `_binary` introducer.
pub fn write_binary(out: &mut Vec<u8>, bytes: &[u8]) {
    let _ = (out, bytes);
}

/// Writes bytes as `0x…`; no bytes as `''`.
pub fn write_hex(out: &mut Vec<u8>, bytes: &[u8]) {
    let _ = (out, bytes);
}

/// Writes text for MySQL's JSON type: `CONVERT('…' USING UTF8MB4)`, since under `SET NAMES binary` a plain string is
/// refused there.
pub fn write_json(out: &mut Vec<u8>, text: &str) {
    let _ = (out, text);
}
