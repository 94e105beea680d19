//! What a view's query reads and what its columns are called, as far as that can be told without a server.

use std::collections::BTreeSet;
use std::ops::Range;

use backtrail_domain::TableName;

use crate::SqlDialect;
use crate::cursor::Cursor;
use crate::lexer::{self, Kind, Token};
use crate::objects::MOST_TOKENS;

/// A view's query.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ViewQuery {
    /// The tables and views that it reads, each once.
    pub tables: Vec<TableName>,
    /// Its columns, in order.
    pub columns: Vec<OutputColumn>,
    /// The places where a `*` stands for columns.
    pub stars: Vec<Star>,
    /// Names that may be columns of the tables: all words but those behind AS.
    pub words: BTreeSet<String>,
}

/// A column of a view, or several.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum OutputColumn {
    /// One of this name.
    Named(String),
    /// Those of a [`ViewQuery::stars`].
    Star(usize),
}

/// A `*` or `t.*`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Star {
    /// Its bytes in the statement.
    pub span: Range<usize>,
    /// The tables whose columns it stands for, under the names that they have in the query; None where these cannot be told.
    pub of: Option<Vec<(String, TableName)>>,
}

/// A query block: one SELECT.
#[derive(Default)]
struct Block {
    /// Name in the query and table; None for what is no table.
    tables: Vec<(String, Option<TableName>)>,
    /// NATURAL or USING puts columns together.
    joined: bool,
    /// Stars: their number, and the qualifier.
    stars: Vec<(usize, Option<String>)>,
}

/// What an open parenthesis, or the statement, is in the middle of.
#[derive(Clone, Copy, Default)]
struct Frame {
    block: Option<usize>,
    /// Behind FROM.
    from: bool,
    /// A table is to come.
    table: bool,
    /// It holds a query that stands in the place of a table.
    derived: bool,
}

/// Reads a view's query, which begins at byte `query_at` of the statement.
///
/// # Errors
/// Text without a SELECT.
pub fn read_view_query(
    text: &str,
    query_at: usize,
    default_schema: &str,
    dialect: &SqlDialect,
) -> Result<ViewQuery, &'static str> {
    let tokens = lexer::lex(text, dialect, MOST_TOKENS).map_err(|_| "a string, name or comment in it is not closed")?;
    let start = tokens.iter().position(|token| token.start >= query_at).unwrap_or(tokens.len());
    let tokens = tokens.get(start..).unwrap_or_default();
    let mut walk = Walk {
        cursor: Cursor::new(text, tokens),
        default_schema,
        found: ViewQuery::default(),
        blocks: Vec::new(),
        common: BTreeSet::new(),
    };
    walk.common_tables(tokens);
    walk.blocks(tokens);
    walk.columns(text, tokens)?;
    Ok(walk.found)
}

/// What may stand behind a table's name without being its other name, beside [`ENDS_FROM`].
const BEHIND_TABLE: &[&str] = &[
    "ON",
    "USING",
    "JOIN",
    "LEFT",
    "RIGHT",
    "INNER",
    "CROSS",
    "STRAIGHT_JOIN",
    "NATURAL",
    "FULL",
    "FOR",
    "USE",
    "FORCE",
    "IGNORE",
    "PARTITION",
    "WITH",
    "TABLESAMPLE",
];
const ENDS_FROM: &[&str] = &[
    "WHERE",
    "GROUP",
    "HAVING",
    "ORDER",
    "LIMIT",
    "UNION",
    "EXCEPT",
    "INTERSECT",
    "WINDOW",
    "PROCEDURE",
    "LOCK",
    "FETCH",
    "OFFSET",
    "INTO",
    "QUALIFY",
];
const BEFORE_COLUMNS: &[&str] = &[
    "SELECT",
    "ALL",
    "DISTINCT",
    "DISTINCTROW",
    "HIGH_PRIORITY",
    "STRAIGHT_JOIN",
    "SQL_SMALL_RESULT",
    "SQL_BIG_RESULT",
    "SQL_BUFFER_RESULT",
    "SQL_NO_CACHE",
    "SQL_CACHE",
    "SQL_CALC_FOUND_ROWS",
];

struct Walk<'r, 't, 'a> {
    cursor: Cursor<'t, 'a>,
    default_schema: &'r str,
    found: ViewQuery,
    blocks: Vec<Block>,
    common: BTreeSet<String>,
}

fn is_word(token: Option<&Token<'_>>, words: &[&str]) -> bool {
    matches!(token.map(|token| &token.kind), Some(Kind::Word(own)) if words.iter().any(|word| own.eq_ignore_ascii_case(word)))
}

fn is_symbol(token: Option<&Token<'_>>, symbol: char) -> bool {
    token.is_some_and(|token| token.kind == Kind::Symbol(symbol))
}

fn name_of(token: Option<&Token<'_>>) -> Option<String> {
    match &token?.kind {
        Kind::Word(word) => Some((*word).to_owned()),
        Kind::Name(name) => Some(name.clone().into_owned()),
        _ => None,
    }
}

impl Walk<'_, '_, '_> {
    /// The names of WITH … AS (SELECT …), which are no tables.
    fn common_tables(&mut self, tokens: &[Token<'_>]) {
        for at in 2..tokens.len() {
            let query =
                is_symbol(tokens.get(at), '(') && is_word(tokens.get(at + 1), &["SELECT", "WITH", "VALUES", "TABLE"]);
            if !query || !is_word(tokens.get(at - 1), &["AS"]) {
                continue;
            }
            let mut before = at - 2;
            if is_symbol(tokens.get(before), ')') {
                while before > 0 && !is_symbol(tokens.get(before), '(') {
                    before -= 1;
                }
                before = before.saturating_sub(1);
            }
            self.common.extend(name_of(tokens.get(before)).map(|name| name.to_lowercase()));
        }
    }

    fn is_common(&self, name: &str) -> bool {
        self.common.contains(&name.to_lowercase())
    }

    fn blocks(&mut self, tokens: &[Token<'_>]) {
        let mut frames = vec![Frame::default()];
        while let Some(kind) = self.cursor.peek() {
            let at = self.cursor.position;
            let before = at.checked_sub(1).and_then(|before| tokens.get(before));
            let Some(frame) = frames.last_mut() else { return };
            match kind {
                Kind::Symbol('(') => {
                    let query = is_word(tokens.get(at + 1), &["SELECT", "WITH", "VALUES", "TABLE"]);
                    let mut inner = Frame { block: frame.block, from: frame.table, table: frame.table, derived: false };
                    if query {
                        inner = Frame { derived: frame.table, ..Frame::default() };
                    } else if !frame.table {
                        inner = Frame::default();
                    }
                    frame.table = false;
                    frames.push(inner);
                    self.cursor.advance();
                }
                Kind::Symbol(')') => {
                    self.cursor.advance();
                    let closed = frames.pop();
                    if closed.is_some_and(|closed| closed.derived)
                        && let Some(block) = frames.last().and_then(|frame| frame.block)
                    {
                        let alias = self.alias().unwrap_or_default();
                        if let Some(block) = self.blocks.get_mut(block) {
                            block.tables.push((alias, None));
                        }
                    }
                }
                Kind::Symbol(',') if frame.from => {
                    frame.table = true;
                    self.cursor.advance();
                }
                Kind::Symbol('*') => {
                    self.star(tokens, frame.block.filter(|_| !frame.from), before);
                    self.cursor.advance();
                }
                Kind::Word(_) if self.cursor.is_word("SELECT") && !is_symbol(before, '.') => {
                    *frame = Frame { block: Some(self.blocks.len()), derived: frame.derived, ..Frame::default() };
                    self.blocks.push(Block::default());
                    self.cursor.advance();
                }
                Kind::Word(_) if self.cursor.is_word("FROM") && frame.block.is_some() && !frame.from => {
                    (frame.from, frame.table) = (true, true);
                    self.cursor.advance();
                }
                Kind::Word(_) if frame.from && self.cursor.is_any_word(ENDS_FROM) => {
                    (frame.from, frame.table) = (false, false);
                    self.cursor.advance();
                }
                Kind::Word(_) if frame.from && self.cursor.is_any_word(&["JOIN", "STRAIGHT_JOIN"]) => {
                    frame.table = true;
                    self.cursor.advance();
                }
                Kind::Word(_) if frame.from && self.cursor.is_any_word(&["NATURAL", "USING"]) => {
                    if let Some(block) = frame.block.and_then(|block| self.blocks.get_mut(block)) {
                        block.joined = true;
                    }
                    self.cursor.advance();
                }
                Kind::Word(_) if frame.table && self.cursor.is_word("LATERAL") => {
                    self.cursor.advance();
                }
                Kind::Word(_) | Kind::Name(_) if frame.table => {
                    frame.table = false;
                    let block = frame.block;
                    self.table(block);
                }
                Kind::Word(_) | Kind::Name(_) => {
                    if !is_word(before, &["AS"]) {
                        self.found.words.extend(name_of(tokens.get(at)));
                    }
                    self.cursor.advance();
                }
                _ => {
                    self.cursor.advance();
                }
            }
        }
        self.resolve_stars();
    }

    fn alias(&mut self) -> Option<String> {
        let behind = self.cursor.is_any_word(BEHIND_TABLE) || self.cursor.is_any_word(ENDS_FROM);
        if self.cursor.accept("AS") || !behind { self.cursor.name() } else { None }
    }

    fn table(&mut self, block: Option<usize>) {
        let Some(first) = self.cursor.name() else { return };
        let mut name = TableName::new(self.default_schema, first.clone());
        let mut qualified = false;
        if self.cursor.accept_symbol('.')
            && let Some(second) = self.cursor.name()
        {
            name = TableName::new(first, second);
            qualified = true;
        }
        let function = self.cursor.is_symbol('(');
        let common = !qualified && self.is_common(&name.table);
        let known = (!function && !common && !name.schema.is_empty()).then(|| name.clone());
        if function {
            self.cursor.skip_parentheses();
        }
        let alias = self.alias().unwrap_or_else(|| name.table.clone());
        if let Some(block) = block.and_then(|block| self.blocks.get_mut(block)) {
            block.tables.push((alias, known.clone()));
        }
        if let Some(known) = known.filter(|known| !self.found.tables.contains(known)) {
            self.found.tables.push(known);
        }
    }

    fn star(&mut self, tokens: &[Token<'_>], block: Option<usize>, before: Option<&Token<'_>>) {
        let Some(block) = block else { return };
        let Some(own) = tokens.get(self.cursor.position) else { return };
        let qualified = is_symbol(before, '.');
        if !qualified && !is_symbol(before, ',') && !is_word(before, BEFORE_COLUMNS) {
            return;
        }
        let mut start = own.start;
        let mut qualifier = None;
        if qualified {
            let place = self.cursor.position.checked_sub(2);
            qualifier = name_of(place.and_then(|place| tokens.get(place)));
            let deeper =
                self.cursor.position.checked_sub(4).filter(|_| {
                    is_symbol(self.cursor.position.checked_sub(3).and_then(|place| tokens.get(place)), '.')
                });
            let first = deeper.or(place).and_then(|place| tokens.get(place));
            start = first.map_or(start, |first| first.start);
        }
        let number = self.found.stars.len();
        self.found.stars.push(Star { span: start..own.end, of: None });
        if let Some(block) = self.blocks.get_mut(block) {
            block.stars.push((number, qualifier));
        }
    }

    fn resolve_stars(&mut self) {
        for block in &self.blocks {
            for (number, qualifier) in &block.stars {
                let own: Vec<&(String, Option<TableName>)> = match qualifier {
                    Some(alias) => block.tables.iter().filter(|(name, _)| name.eq_ignore_ascii_case(alias)).collect(),
                    None if block.joined => Vec::new(),
                    None => block.tables.iter().collect(),
                };
                // Two tables of one name in the query are told apart by their schemas.
                let twice = |alias: &str| {
                    block.tables.iter().filter(|(name, _)| name.to_lowercase() == alias.to_lowercase()).count() > 1
                };
                let of: Option<Vec<(String, TableName)>> = own
                    .into_iter()
                    .map(|(alias, table)| Some((alias.clone(), table.clone().filter(|_| !twice(alias))?)))
                    .collect();
                if let Some(star) = self.found.stars.get_mut(*number) {
                    star.of = of.filter(|of| !of.is_empty());
                }
            }
        }
    }

    /// The first SELECT that is not in a WITH names the columns.
    fn columns(&mut self, text: &str, tokens: &[Token<'_>]) -> Result<(), &'static str> {
        let mut depth = 0_usize;
        let with = is_word(tokens.first(), &["WITH"]);
        let mut select = None;
        for (at, token) in tokens.iter().enumerate() {
            match token.kind {
                Kind::Symbol('(') => depth += 1,
                Kind::Symbol(')') => depth = depth.saturating_sub(1),
                Kind::Word(_) if is_word(Some(token), &["SELECT"]) && (depth == 0 || !with) => {
                    select = Some(at);
                    break;
                }
                _ => {}
            }
        }
        let mut at = select.ok_or("there is no SELECT in it that names its columns")?;
        while is_word(tokens.get(at), BEFORE_COLUMNS) {
            at += 1;
        }
        let mut item = at;
        let mut depth = 0_usize;
        loop {
            let token = tokens.get(at);
            let ends = match token.map(|token| &token.kind) {
                None => true,
                Some(Kind::Symbol('(')) => {
                    depth += 1;
                    false
                }
                Some(Kind::Symbol(')')) if depth == 0 => true,
                Some(Kind::Symbol(')')) => {
                    depth -= 1;
                    false
                }
                Some(Kind::Symbol(';')) => true,
                Some(Kind::Word(_)) => depth == 0 && (is_word(token, &["FROM"]) || is_word(token, ENDS_FROM)),
                Some(_) => false,
            };
            if ends || (depth == 0 && is_symbol(token, ',')) {
                let column = self.column(text, tokens.get(item..at).unwrap_or_default());
                self.found.columns.extend(column);
                item = at + 1;
            }
            if ends {
                return Ok(());
            }
            at += 1;
        }
    }

    fn column(&self, text: &str, item: &[Token<'_>]) -> Option<OutputColumn> {
        let (first, last) = (item.first()?, item.last()?);
        if let Some(star) = self.found.stars.iter().position(|star| star.span.end == last.end) {
            return Some(OutputColumn::Star(star));
        }
        let before = item.len().checked_sub(2).and_then(|at| item.get(at));
        let named = match &last.kind {
            Kind::Text(text) if item.len() > 1 => Some(text.clone().into_owned()),
            _ => name_of(Some(last)),
        };
        let path = item.iter().enumerate().all(|(at, token)| {
            if at % 2 == 1 { token.kind == Kind::Symbol('.') } else { name_of(Some(token)).is_some() }
        });
        let no_alias_behind = [
            "AND", "OR", "XOR", "NOT", "DIV", "MOD", "LIKE", "RLIKE", "REGEXP", "IS", "IN", "BETWEEN", "COLLATE",
            "BINARY", "INTERVAL",
        ];
        let alias_may_stand = match before.map(|token| &token.kind) {
            Some(Kind::Word(_)) => !is_word(before, &no_alias_behind),
            Some(Kind::Name(_) | Kind::Text(_) | Kind::Number(_) | Kind::Symbol(')')) => true,
            _ => false,
        };
        let keyword = is_word(Some(last), &["END", "NULL", "TRUE", "FALSE"]);
        match named {
            Some(name) if path || is_word(before, &["AS"]) || (alias_may_stand && !keyword) => {
                Some(OutputColumn::Named(name))
            }
            _ => Some(OutputColumn::Named(match &first.kind {
                Kind::Text(text) if item.len() == 1 => text.clone().into_owned(),
                _ => text.get(first.start..last.end)?.to_owned(),
            })),
        }
    }
}
