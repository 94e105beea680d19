//! Walking over a statement's tokens.

use std::borrow::Cow;
use std::ops::Range;

use backtrail_domain::TableName;

use crate::lexer::{Kind, Token};

/// A place among tokens.
#[derive(Debug, Clone)]
pub(crate) struct Cursor<'t, 'a> {
    sql: &'a str,
    tokens: &'t [Token<'a>],
    pub(crate) position: usize,
}

impl<'t, 'a> Cursor<'t, 'a> {
    pub(crate) fn new(sql: &'a str, tokens: &'t [Token<'a>]) -> Self {
        Self { sql, tokens, position: 0 }
    }

    pub(crate) fn peek(&self) -> Option<&'t Kind<'a>> {
        self.peek_at(0)
    }

    pub(crate) fn peek_at(&self, ahead: usize) -> Option<&'t Kind<'a>> {
        self.tokens.get(self.position + ahead).map(|token| &token.kind)
    }

    /// The byte at which the next token begins; the text's length at its end.
    pub(crate) fn offset(&self) -> usize {
        self.tokens.get(self.position).map_or(self.sql.len(), |token| token.start)
    }

    /// The text from a token (by its place) to the one before the cursor. A comment, also half of an executable one, is a
    /// space in it, so that it can be read again.
    pub(crate) fn text_since(&self, position: usize) -> String {
        let mut out = String::new();
        let mut end = None;
        for token in self.tokens.get(position..self.position).unwrap_or_default() {
            if let Some(end) = end {
                let gap = self.sql.get(end..token.start).unwrap_or_default();
                let blank = gap.bytes().all(|byte| byte.is_ascii_whitespace());
                out.push_str(if blank { gap } else { " " });
            }
            out.push_str(self.sql.get(token.start..token.end).unwrap_or_default());
            end = Some(token.end);
        }
        out
    }

    /// The bytes that the tokens from one (by its place) to the one before the cursor take.
    pub(crate) fn span_since(&self, position: usize) -> Range<usize> {
        let start = self.tokens.get(position).map_or(self.sql.len(), |token| token.start);
        let end = self.position.checked_sub(1).and_then(|last| self.tokens.get(last)).map_or(start, |token| token.end);
        start..end.max(start)
    }

    pub(crate) fn advance(&mut self) -> Option<&'t Kind<'a>> {
        let kind = self.peek();
        self.position += usize::from(kind.is_some());
        kind
    }

    /// Whether nothing but a last `;` is left.
    pub(crate) fn at_end(&self) -> bool {
        self.tokens.get(self.position..).unwrap_or_default().iter().all(|token| token.kind == Kind::Symbol(';'))
    }

    pub(crate) fn is_word_at(&self, ahead: usize, word: &str) -> bool {
        matches!(self.peek_at(ahead), Some(Kind::Word(w)) if w.eq_ignore_ascii_case(word))
    }

    pub(crate) fn is_word(&self, word: &str) -> bool {
        self.is_word_at(0, word)
    }

    pub(crate) fn is_any_word(&self, words: &[&str]) -> bool {
        words.iter().any(|word| self.is_word(word))
    }

    /// The next token as an upper-case keyword, if it is a bare word.
    pub(crate) fn keyword(&self) -> Option<String> {
        match self.peek() {
            Some(Kind::Word(word)) => Some(word.to_ascii_uppercase()),
            _ => None,
        }
    }

    /// Passes over a keyword, if it is there.
    pub(crate) fn accept(&mut self, word: &str) -> bool {
        let found = self.is_word(word);
        self.position += usize::from(found);
        found
    }

    /// Passes over keywords, if they are all there.
    pub(crate) fn accept_all(&mut self, words: &[&str]) -> bool {
        let found = words.iter().enumerate().all(|(ahead, word)| self.is_word_at(ahead, word));
        if found {
            self.position += words.len();
        }
        found
    }

    pub(crate) fn accept_any(&mut self, words: &[&str]) -> bool {
        words.iter().any(|word| self.accept(word))
    }

    pub(crate) fn is_symbol(&self, symbol: char) -> bool {
        self.peek() == Some(&Kind::Symbol(symbol))
    }

    pub(crate) fn accept_symbol(&mut self, symbol: char) -> bool {
        let found = self.is_symbol(symbol);
        self.position += usize::from(found);
        found
    }

    /// A name, quoted or bare.
    pub(crate) fn name(&mut self) -> Option<String> {
        let name = match self.peek()? {
            Kind::Word(word) => (*word).to_owned(),
            Kind::Name(name) => name.clone().into_owned(),
            _ => return None,
        };
        self.position += 1;
        (!name.is_empty()).then_some(name)
    }

    /// `table` or `schema.table`.
    pub(crate) fn table_name(&mut self, default_schema: &str) -> Option<TableName> {
        let first = self.name()?;
        if self.accept_symbol('.') {
            return Some(TableName::new(first, self.name()?));
        }
        (!default_schema.is_empty()).then(|| TableName::new(default_schema, first))
    }

    pub(crate) fn text(&mut self) -> Option<Cow<'a, str>> {
        match self.peek()? {
            Kind::Text(text) => {
                self.position += 1;
                Some(text.clone())
            }
            _ => None,
        }
    }

    pub(crate) fn number<N: std::str::FromStr>(&mut self) -> Option<N> {
        match self.peek()? {
            Kind::Number(number) => {
                let number = number.parse().ok()?;
                self.position += 1;
                Some(number)
            }
            _ => None,
        }
    }

    /// Passes over `( … )` with everything in it; false (and nowhere useful) where there is none or it is not closed.
    pub(crate) fn skip_parentheses(&mut self) -> bool {
        if !self.is_symbol('(') {
            return false;
        }
        let mut depth = 0u32;
        while let Some(kind) = self.advance() {
            match kind {
                Kind::Symbol('(') => depth += 1,
                Kind::Symbol(')') => {
                    depth -= 1;
                    if depth == 0 {
                        return true;
                    }
                }
                _ => {}
            }
        }
        false
    }

    /// What stands at the cursor, for an error message.
    pub(crate) fn shown(&self) -> String {
        self.sql.get(self.offset()..).unwrap_or_default().chars().take(40).collect()
    }
}
