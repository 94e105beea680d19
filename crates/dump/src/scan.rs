//! Walking over the text of a row: the hot path.
//!
//! Inside a string only its quote and a backslash matter, and `memchr` finds them. Between strings rows are short runs of
//! digits and commas, for which a table lookup per byte is quicker than a call.

use memchr::memchr2;

/// What a byte means outside strings.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Class {
    Plain,
    Quote,
    Open,
    Close,
    Comma,
    /// `;` outside a string: no row holds it.
    Stop,
}

const CLASSES: [Class; 256] = {
    let mut classes = [Class::Plain; 256];
    classes[b'\'' as usize] = Class::Quote;
    classes[b'"' as usize] = Class::Quote;
    classes[b'(' as usize] = Class::Open;
    classes[b')' as usize] = Class::Close;
    classes[b',' as usize] = Class::Comma;
    classes[b';' as usize] = Class::Stop;
    classes
};

/// A walk over one row that can wait for more bytes anywhere.
#[derive(Debug, Clone, Default)]
pub(crate) struct RowScan {
    /// The next byte to look at.
    position: usize,
    depth: u32,
    /// The open string's quote.
    quote: Option<u8>,
}

/// How far a walk came.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Scan {
    /// The row ends before this byte.
    Done(usize),
    /// All bytes are seen and the row is not at its end.
    More,
    /// A byte that no row holds outside strings.
    Bad(usize),
}

impl RowScan {
    /// Goes on over `bytes`, which begin at the row's `(` and have only grown since the last call.
    pub(crate) fn advance(&mut self, bytes: &[u8]) -> Scan {
        loop {
            if let Some(quote) = self.quote {
                match end_of_string(bytes, self.position, quote) {
                    StringEnd::At(end) => {
                        self.position = end;
                        self.quote = None;
                    }
                    StringEnd::Beyond(resume) => {
                        self.position = resume;
                        return Scan::More;
                    }
                }
            }
            let Some((at, class)) = next_special(bytes, self.position) else {
                self.position = bytes.len();
                return Scan::More;
            };
            self.position = at + 1;
            match class {
                Class::Quote => self.quote = bytes.get(at).copied(),
                Class::Open => self.depth += 1,
                Class::Close if self.depth <= 1 => return Scan::Done(at + 1),
                Class::Close => self.depth -= 1,
                Class::Stop => return Scan::Bad(at),
                Class::Comma | Class::Plain => {}
            }
        }
    }
}

/// Where a field ends: at the comma or parenthesis that closes it at its own level, else at the end of `bytes`.
pub(crate) fn end_of_field(bytes: &[u8], from: usize) -> usize {
    let mut position = from;
    let mut depth = 0u32;
    while let Some((at, class)) = next_special(bytes, position) {
        position = at + 1;
        match class {
            Class::Quote => {
                let quote = bytes.get(at).copied().unwrap_or(b'\'');
                match end_of_string(bytes, position, quote) {
                    StringEnd::At(end) => position = end,
                    StringEnd::Beyond(_) => return bytes.len(),
                }
            }
            Class::Open => depth += 1,
            Class::Close | Class::Comma if depth == 0 => return at,
            Class::Close => depth -= 1,
            Class::Comma | Class::Stop | Class::Plain => {}
        }
    }
    bytes.len()
}

#[inline]
fn next_special(bytes: &[u8], from: usize) -> Option<(usize, Class)> {
    bytes.get(from..)?.iter().enumerate().find_map(|(index, byte)| {
        let class = CLASSES[usize::from(*byte)];
        (class != Class::Plain).then_some((from + index, class))
    })
}

enum StringEnd {
    /// The first byte behind the closing quote. (A doubled quote ends one string and opens the next, which comes to the
    /// same for finding ends.)
    At(usize),
    /// The bytes end first; where to go on.
    Beyond(usize),
}

#[inline]
fn end_of_string(bytes: &[u8], from: usize, quote: u8) -> StringEnd {
    let mut position = from;
    loop {
        let Some(found) = bytes.get(position..).and_then(|rest| memchr2(quote, b'\\', rest)) else {
            return StringEnd::Beyond(bytes.len());
        };
        let at = position + found;
        if bytes.get(at) == Some(&quote) {
            return StringEnd::At(at + 1);
        }
        if at + 1 >= bytes.len() {
            // The escaped byte is not here yet: look at the backslash again.
            return StringEnd::Beyond(at);
        }
        position = at + 2;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, expect: Scan) {
        assert_eq!(RowScan::default().advance(text.as_bytes()), expect, "{text}");
        // The same byte by byte.
        let mut scan = RowScan::default();
        let mut last = Scan::More;
        for end in 1..=text.len() {
            last = scan.advance(&text.as_bytes()[..end]);
            if last != Scan::More {
                break;
            }
        }
        assert_eq!(last, expect, "{text}, byte by byte");
    }

    #[test]
    fn rows_end_at_their_parenthesis() {
        check("(1,2)", Scan::Done(5));
        check("(1,2),(3)", Scan::Done(5));
        check(r#"("),(",1)"#, Scan::Done(9));
        check(r#"('a''b)',1)"#, Scan::Done(11));
        check(r#"("a\")",1)"#, Scan::Done(10));
        check(r#"("a\\",1)"#, Scan::Done(9));
        check(r#"(CONVERT("{)" USING UTF8MB4),2)"#, Scan::Done(31));
        check("()", Scan::Done(2));
        check("(1,2", Scan::More);
        check("(\"a\\", Scan::More);
        check("(1;", Scan::Bad(2));
    }
}
