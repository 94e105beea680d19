//! What a statement has in it, told by its tokens: outside of strings, quoted names and comments.

use crate::SqlDialect;
use crate::lexer::{self, Kind, Token};

/// Tokens of the longest statement.
const MOST_TOKENS: usize = 4_000_000;

/// Where a statement has texts beyond ASCII.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum TextPlace {
    /// It has none.
    Nowhere,
    /// As comments, members of ENUM and SET, and whole defaults of columns.
    Definition,
    /// In expressions, with a character set of their own, or elsewhere.
    Elsewhere,
}

/// Whether a statement has a keyword; true of one that is not understood.
pub fn has_keyword(statement: &str, dialect: &SqlDialect, keyword: &str) -> bool {
    let tokens = lexer::lex(statement, dialect, MOST_TOKENS);
    tokens.map_or(true, |tokens| tokens.iter().any(|token| is(token, &[keyword])))
}

/// Where a statement has texts beyond ASCII; elsewhere, if it is not understood.
pub fn texts_beyond_ascii(statement: &str, dialect: &SqlDialect) -> TextPlace {
    let Ok(tokens) = lexer::lex(statement, dialect, MOST_TOKENS) else { return TextPlace::Elsewhere };
    let mut place = TextPlace::Nowhere;
    let mut in_members = false;
    for (at, token) in tokens.iter().enumerate() {
        let before = |count: usize| at.checked_sub(count).and_then(|at| tokens.get(at));
        let behind = |count: usize, words: &[&str]| before(count).is_some_and(|token| is(token, words));
        match &token.kind {
            Kind::Symbol('(') => in_members = behind(1, &["ENUM", "SET"]),
            Kind::Symbol(')') => in_members = false,
            Kind::Text(text) if !text.is_ascii() => {
                let equals = before(1).is_some_and(|token| token.kind == Kind::Symbol('='));
                let member = in_members && before(1).is_some_and(|token| matches!(token.kind, Kind::Symbol('(' | ',')));
                let own = member || behind(1, &["COMMENT", "DEFAULT"]) || (equals && behind(2, &["COMMENT"]));
                place = place.max(if own { TextPlace::Definition } else { TextPlace::Elsewhere });
            }
            _ => {}
        }
    }
    place
}

fn is(token: &Token<'_>, words: &[&str]) -> bool {
    matches!(token.kind, Kind::Word(own) if words.iter().any(|word| own.eq_ignore_ascii_case(word)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_and_what_looks_like_them() {
        let dialect = SqlDialect::mysql();
        let check = |statement: &str, keyword: bool| {
            assert_eq!(has_keyword(statement, &dialect, "CHECK"), keyword, "{statement}");
        };
        check("ALTER TABLE t ADD check (a > 1)", true);
        check("ALTER TABLE t ADD `check` INT COMMENT 'CHECK' /* check */", false);
        check("ALTER TABLE t COMMENT 'not closed", true);
    }

    #[test]
    fn places_of_texts() {
        let dialect = SqlDialect::mysql();
        let check = |clause: &str, place: TextPlace| {
            assert_eq!(texts_beyond_ascii(&format!("ALTER TABLE `é` {clause}"), &dialect), place, "{clause}");
        };
        check("ADD `é` INT DEFAULT 'e' COMMENT '_latin1''e''' /* 'é' */", TextPlace::Nowhere);
        check("ADD a ENUM('é', 'b','ö') DEFAULT 'é' COMMENT 'é', COMMENT = 'é'", TextPlace::Definition);
        check("ADD a INT DEFAULT _latin1'é'", TextPlace::Elsewhere);
        check("ADD a INT DEFAULT N'é'", TextPlace::Elsewhere);
        check("ADD a INT DEFAULT ('é')", TextPlace::Elsewhere);
        check("ADD a INT DEFAULT 'a' 'é'", TextPlace::Elsewhere);
        check("ADD a ENUM('a' 'é')", TextPlace::Elsewhere);
        check("ADD a INT AS (LENGTH('é')) STORED", TextPlace::Elsewhere);
        check("ADD PARTITION (PARTITION p VALUES IN ('é'))", TextPlace::Elsewhere);
        check("COMMENT 'not closed", TextPlace::Elsewhere);
    }
}
