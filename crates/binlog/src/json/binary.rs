//! The binary format, as a tree that is walked in place.
//!
//! Source: <https://dev.mysql.com/doc/dev/mysql-server/latest/json__binary_8h.html>

use super::JsonError;
use crate::Malformed;
use crate::bytes::{Cursor, text};

/// One value.
#[derive(Debug, Clone, Copy)]
pub(super) enum Node<'a> {
    Null,
    Bool(bool),
    Int(i64),
    UInt(u64),
    Double(f64),
    String(&'a str),
    Opaque(u8, &'a [u8]),
    Array(Container<'a>),
    Object(Container<'a>),
}

/// An array or object: entries of fixed size that point to keys and values in `bytes`.
#[derive(Debug, Clone, Copy)]
pub(super) struct Container<'a> {
    bytes: &'a [u8],
    count: usize,
    large: bool,
    object: bool,
}

const WHAT: &str = "binary JSON";

/// How many values a document of this size can have: each takes an entry of three bytes at least. Offsets that lead
/// several entries to one value could make a small document grow without bounds.
pub(super) fn budget(binary: &[u8]) -> usize {
    binary.len() / 3 + 1
}

/// Takes one value off the budget.
pub(super) fn spend(budget: &mut usize) -> Result<(), JsonError> {
    match budget.checked_sub(1) {
        Some(left) => {
            *budget = left;
            Ok(())
        }
        None => Err(invalid("more values than it has room for").into()),
    }
}

fn invalid(problem: &'static str) -> Malformed {
    Malformed::invalid(WHAT, problem)
}

impl<'a> Node<'a> {
    pub(super) fn root(binary: &'a [u8]) -> Result<Self, Malformed> {
        match binary.split_first() {
            None => Ok(Self::Null),
            Some((kind, rest)) => Self::parse(*kind, rest),
        }
    }

    fn parse(kind: u8, bytes: &'a [u8]) -> Result<Self, Malformed> {
        let mut cursor = Cursor::new(bytes);
        Ok(match kind {
            0 | 1 => Self::Object(Container::parse(bytes, kind == 1, true)?),
            2 | 3 => Self::Array(Container::parse(bytes, kind == 3, false)?),
            4 => match cursor.u8(WHAT)? {
                0 => Self::Null,
                1 => Self::Bool(true),
                2 => Self::Bool(false),
                _ => return Err(invalid("an unknown literal")),
            },
            5 => Self::Int(i64::from(cursor.u16(WHAT)?.cast_signed())),
            6 => Self::UInt(u64::from(cursor.u16(WHAT)?)),
            7 => Self::Int(i64::from(cursor.u32(WHAT)?.cast_signed())),
            8 => Self::UInt(u64::from(cursor.u32(WHAT)?)),
            9 => Self::Int(cursor.u64(WHAT)?.cast_signed()),
            10 => Self::UInt(cursor.u64(WHAT)?),
            11 => match f64::from_bits(cursor.u64(WHAT)?) {
                number if number.is_finite() => Self::Double(number),
                _ => return Err(invalid("a number that is not finite")),
            },
            12 => {
                let length = length(&mut cursor)?;
                Self::String(text(cursor.take(length, WHAT)?, "JSON string")?)
            }
            15 => {
                let kind = cursor.u8(WHAT)?;
                let length = length(&mut cursor)?;
                Self::Opaque(kind, cursor.take(length, WHAT)?)
            }
            _ => return Err(invalid("an unknown type")),
        })
    }
}

/// Seven bits a byte, the lowest first, the top bit set on all but the last; at most 32 bits.
fn length(cursor: &mut Cursor<'_>) -> Result<usize, Malformed> {
    let mut length = 0u64;
    for shift in (0..35).step_by(7) {
        let byte = cursor.u8(WHAT)?;
        length |= u64::from(byte & 0x7f) << shift;
        if byte & 0x80 == 0 {
            return usize::try_from(length).map_err(|_| invalid("a length beyond memory"));
        }
    }
    Err(invalid("a length of more than five bytes"))
}

impl<'a> Container<'a> {
    fn parse(bytes: &'a [u8], large: bool, object: bool) -> Result<Self, Malformed> {
        let width = if large { 4 } else { 2 };
        let mut cursor = Cursor::new(bytes);
        let count = cursor.uint(width, WHAT)? as usize;
        let size = cursor.uint(width, WHAT)? as usize;
        let bytes = bytes.get(..size).ok_or_else(|| invalid("a container larger than what holds it"))?;
        let this = Self { bytes, count, large, object };
        let entries = count.saturating_mul(this.value_entry() + if object { this.key_entry() } else { 0 });
        if entries > size.saturating_sub(2 * width) {
            return Err(invalid("more entries than there is room for"));
        }
        Ok(this)
    }

    pub(super) fn len(&self) -> usize {
        self.count
    }

    fn width(&self) -> usize {
        if self.large { 4 } else { 2 }
    }

    /// Offset and length of a key.
    fn key_entry(&self) -> usize {
        self.width() + 2
    }

    /// Type and offset of a value, or the value itself where it fits.
    fn value_entry(&self) -> usize {
        self.width() + 1
    }

    fn at(&self, offset: usize) -> Result<Cursor<'a>, Malformed> {
        self.bytes.get(offset..).map(Cursor::new).ok_or_else(|| invalid("an offset beyond the container"))
    }

    pub(super) fn key(&self, index: usize) -> Result<&'a str, Malformed> {
        let mut entry = self.at(2 * self.width() + index * self.key_entry())?;
        let offset = entry.uint(self.width(), WHAT)? as usize;
        let length = usize::from(entry.u16(WHAT)?);
        text(self.at(offset)?.take(length, WHAT)?, "JSON key")
    }

    pub(super) fn value(&self, index: usize) -> Result<Node<'a>, Malformed> {
        let keys = if self.object { self.count * self.key_entry() } else { 0 };
        let mut entry = self.at(2 * self.width() + keys + index * self.value_entry())?;
        let kind = entry.u8(WHAT)?;
        // Literals and 16-bit integers stand in the entry itself, 32-bit ones too where entries are large.
        if matches!(kind, 4..=6) || self.large && matches!(kind, 7 | 8) {
            return Node::parse(kind, entry.rest());
        }
        let offset = entry.uint(self.width(), WHAT)? as usize;
        Node::parse(kind, self.at(offset)?.rest())
    }
}
