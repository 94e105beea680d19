//! What a statement has in it, told by its tokens: outside of strings, quoted names and comments.

use crate::SqlDialect;
use crate::lexer::{self, Kind, Token};

/// Tokens of the longest statement.
const MOST_TOKENS: usize = 4_000_000;

/// Whether a statement has a keyword; true of one that is not understood.
pub fn has_keyword(statement: &str, dialect: &SqlDialect, keyword: &str) -> bool {
    any(
        statement,
        dialect,
        |tokens| matches!(tokens, [token, ..] if matches!(token.kind, Kind::Word(word) if word.eq_ignore_ascii_case(keyword))),
    )
}

/// Whether a statement has text beyond ASCII that says itself which character set it is in (`_latin1'é'`, `N'é'`); true of one
/// that is not understood.
pub fn has_introduced_text(statement: &str, dialect: &SqlDialect) -> bool {
    any(statement, dialect, |tokens| {
        let [Token { kind: Kind::Word(word), .. }, Token { kind: Kind::Text(text), .. }, ..] = tokens else {
            return false;
        };
        !text.is_ascii() && (word.starts_with('_') || word.eq_ignore_ascii_case("N"))
    })
}

/// Whether it holds anywhere, of the tokens from there on.
fn any(statement: &str, dialect: &SqlDialect, holds: impl Fn(&[Token<'_>]) -> bool) -> bool {
    let Ok(tokens) = lexer::lex(statement, dialect, MOST_TOKENS) else { return true };
    (0..tokens.len()).any(|at| tokens.get(at..).is_some_and(&holds))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_and_what_looks_like_them() {
        let dialect = SqlDialect::mysql();
        let check = |statement: &str, keyword: bool, introduced: bool| {
            assert_eq!(has_keyword(statement, &dialect, "CHECK"), keyword, "{statement}");
            assert_eq!(has_introduced_text(statement, &dialect), introduced, "{statement}");
        };
        check("ALTER TABLE t ADD check (a > 1)", true, false);
        check("ALTER TABLE t ADD `check` INT COMMENT 'CHECK' /* check */", false, false);
        check("ALTER TABLE t ADD a INT DEFAULT _latin1'é'", false, true);
        check("ALTER TABLE t ADD a INT DEFAULT N'é'", false, true);
        check("ALTER TABLE t ADD a INT DEFAULT _latin1'e' COMMENT 'é _latin1''é'''", false, false);
        check("ALTER TABLE t COMMENT 'not closed", true, true);
    }
}
