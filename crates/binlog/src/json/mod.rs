//! MySQL's binary JSON, as text that the server reads back as an equal value, and partial updates of it.
//!
//! The text is the server's own: a blank after `:` and `,`, object members in the stored order (by length of the key,
//! then by its bytes), DECIMAL with all its digits, dates and times as strings with six digits of fraction, other opaque
//! values as `"base64:typeNN:…"`.

mod binary;
mod document;
mod path;
mod write;

pub use document::{Document, apply_diffs};

use crate::Malformed;

/// Deeper nesting is refused; the server's own limit is 100.
pub const MAX_DEPTH: usize = 120;

/// JSON that cannot be read or changed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum JsonError {
    /// Binary JSON that is none.
    #[error("binary JSON cannot be read")]
    Binary(#[from] Malformed),
    /// Nested too deep.
    #[error("JSON is nested deeper than {MAX_DEPTH} levels")]
    TooDeep,
    /// Text that is not JSON.
    #[error("JSON text cannot be read at byte {offset}: {problem}")]
    Text {
        /// Where.
        offset: usize,
        /// What is wrong there.
        problem: &'static str,
    },
    /// A partial update that does not fit the value it is for.
    #[error("partial JSON update at `{path}` cannot be applied: {problem}")]
    Diff {
        /// The path in the update.
        path: String,
        /// What does not fit.
        problem: &'static str,
    },
}

/// Writes a column's binary JSON as text. No bytes at all are `null`, as for the server.
///
/// # Errors
/// Bytes that are not binary JSON.
pub fn to_text(binary: &[u8]) -> Result<String, JsonError> {
    let mut text = String::with_capacity(binary.len() + binary.len() / 2);
    write::value(&mut text, binary::Node::root(binary)?, 0, &mut binary::budget(binary))?;
    Ok(text)
}
