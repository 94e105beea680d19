//! Names in statements of clients that do not send UTF-8.
//!
//! A server decodes a statement by its client's character set; the log has the client's bytes. MySQL writes the beginning of
//! some statements itself, in UTF-8, before it logs them: in CREATE and ALTER VIEW up to the query, in CREATE PROCEDURE and
//! FUNCTION up to the parameters, in CREATE TRIGGER and EVENT the definer. MariaDB has all in the client's characters.
//!
//! A name whose characters are not certain may be that of every object whose name begins alike.

use backtrail_binlog::QueryEvent;
use backtrail_domain::TableName;
use backtrail_schema::{
    ClientCharset, Ddl, DdlVerb, Flavour, ObjectKind, ObjectStatement, OutputColumn, SqlDialect, Statement, ViewQuery,
    classify, object_kind, read_view_query,
};

use super::source::Source;
use crate::scan::statement::StatementText;

/// Stands for the session's schema while a statement is read, since that is in UTF-8 whatever the statement is in.
pub(crate) const CURRENT_SCHEMA: &str = "\u{f0000}";

/// A name, or what is known of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Part {
    Known(String),
    /// What it begins with: all ASCII. Then something follows.
    Begins(String),
}

impl Default for Part {
    /// Any name.
    fn default() -> Self {
        Self::Begins(String::new())
    }
}

impl Part {
    /// What is certain of a name that was read in other characters than it is in.
    pub(crate) fn read(name: &str) -> Self {
        match name.find(|character: char| !character.is_ascii()) {
            None => Self::Known(name.to_owned()),
            Some(end) => Self::Begins(name.get(..end).unwrap_or_default().to_owned()),
        }
    }

    /// A schema's name that was read so, unless it is the session's.
    pub(crate) fn of_schema(name: &str, current: &str) -> Self {
        if name == current { Self::Known(name.to_owned()) } else { Self::read(name) }
    }

    /// Whether it may be this name, as `folded` has names that are one.
    pub(crate) fn may_be(&self, name: &str, folded: impl Fn(&str) -> String) -> bool {
        match self {
            Self::Known(own) => folded(own) == folded(name),
            Self::Begins(own) => {
                let (own, name) = (folded(own), folded(name));
                name.len() > own.len() && name.starts_with(&own)
            }
        }
    }

    /// For messages and as a key.
    pub(crate) fn shown(&self) -> String {
        match self {
            Self::Known(name) => name.clone(),
            Self::Begins(name) => format!("{name}…"),
        }
    }
}

pub(crate) fn client_of(query: &QueryEvent<'_>) -> ClientCharset {
    query.status.charset.map_or(ClientCharset::UTF8, |(client, ..)| ClientCharset::of_collation(client))
}

impl Source {
    /// A schema's name that was read in the text.
    pub(crate) fn known_schema(&self, name: &str, current: &str) -> Part {
        if name == CURRENT_SCHEMA {
            return Part::Known(current.to_owned());
        }
        self.name(name).map_or_else(|| Part::read(name), Part::Known)
    }

    /// Schema and name as they were read in the text.
    pub(crate) fn known(&self, name: &TableName, current: &str) -> (Part, Part) {
        let own = self.name(&name.table).map_or_else(|| Part::read(&name.table), Part::Known);
        (self.known_schema(&name.schema, current), own)
    }
}

/// How many bytes at a statement's beginning are the server's own, in UTF-8.
pub(crate) fn head_of_server(statement: &[u8], verb: DdlVerb, flavour: Flavour) -> usize {
    if flavour != Flavour::Mysql {
        return 0;
    }
    let ends: &[&[u8]] = match verb {
        DdlVerb::CreateView | DdlVerb::AlterView => &[b"AS"],
        DdlVerb::CreateTrigger => &[b"TRIGGER"],
        DdlVerb::CreateEvent => &[b"EVENT"],
        DdlVerb::CreateRoutine => &[b"("],
        _ => return 0,
    };
    let mut quote = None;
    for (at, byte) in statement.iter().enumerate() {
        match (quote, byte) {
            (Some(open), _) if open == *byte => quote = None,
            (Some(_), _) => {}
            (None, b'`' | b'"') => quote = Some(*byte),
            (None, _) => {
                let begins = |word: &&&[u8]| {
                    let part = statement.get(at..at + word.len());
                    let alone = |at: Option<usize>| {
                        let byte = at.and_then(|at| statement.get(at)).copied().unwrap_or(b' ');
                        !byte.is_ascii_alphanumeric() && byte.is_ascii() && byte != b'_'
                    };
                    part.is_some_and(|part| part.eq_ignore_ascii_case(word))
                        && (**word == b"(" || (alone(at.checked_sub(1)) && alone(Some(at + word.len()))))
                };
                if ends.iter().any(|word| begins(&word)) {
                    return at;
                }
            }
        }
    }
    0
}

/// Reads a statement byte for byte, whose characters are not known to who reads texts: what is no table's can be followed by
/// its bytes. None where it is something else, or nothing can be told.
pub(crate) fn read_again(query: &QueryEvent<'_>, statement: &StatementText<'_>) -> Option<Statement> {
    let (client, bytes, dialect) = (client_of(query), &query.statement, &statement.dialect);
    let verb = match object_kind(&statement.text, dialect) {
        Some(ObjectKind::View) => DdlVerb::CreateView,
        Some(ObjectKind::Trigger) => DdlVerb::CreateTrigger,
        Some(ObjectKind::Event) => DdlVerb::CreateEvent,
        _ => DdlVerb::CreateRoutine,
    };
    let head = head_of_server(bytes, verb, dialect.flavour);
    let source = Source::new(bytes, client, head).or_else(|_| Source::new(bytes, client, 0)).ok()?;
    match classify(source.text.as_bytes(), &statement.schema, dialect) {
        read @ (Statement::Ddl(_) | Statement::Harmless { .. }) => Some(read),
        _ => None,
    }
}

/// The names in a statement that is not understood otherwise. `of_server`: they are the server's own writing.
pub(crate) fn read_names(
    ddl: &Ddl,
    statement: &StatementText<'_>,
    source: Option<&Source>,
    of_server: bool,
) -> Option<(Part, Part)> {
    if let Some(source) = source
        && let Statement::Ddl(read) = classify(source.text.as_bytes(), CURRENT_SCHEMA, &statement.dialect)
        && let (Some(schema), Some(name)) = (read.schema, read.object)
    {
        return Some(source.known(&TableName::new(schema, name), &statement.schema));
    }
    let (schema, name) = (ddl.schema.as_deref()?, ddl.object.as_deref()?);
    if of_server && statement.damaged {
        // It was read byte for byte.
        let bytes = |name: &str| name.chars().map(|byte| u8::try_from(byte).ok()).collect::<Option<Vec<u8>>>();
        let known = |name: &str| bytes(name).and_then(|bytes| String::from_utf8(bytes).ok()).map(Part::Known);
        if let Some(name) = known(name) {
            return Some((known(schema).unwrap_or_else(|| Part::of_schema(schema, &statement.schema)), name));
        }
    }
    let schema = Part::of_schema(schema, &statement.schema);
    // Where the schema's name is not certain, what is taken for the object's may be a part of it.
    let name = if matches!(schema, Part::Known(_)) { Part::read(name) } else { Part::default() };
    Some((schema, name))
}

/// Puts the names of a statement as the server has them; false where some are not certain.
pub(crate) fn decode(read: &mut ObjectStatement, source: &Source, current: &str) -> bool {
    let full = |name: &mut TableName| match source.known(name, current) {
        (Part::Known(schema), Part::Known(table)) => {
            *name = TableName::new(schema, table);
            true
        }
        _ => false,
    };
    let plain = |name: &mut String| source.name(name).map(|known| *name = known).is_some();
    full(&mut read.name)
        && read.more_names.iter_mut().all(full)
        && read.table.as_mut().is_none_or(full)
        && read.rename_to.as_mut().is_none_or(full)
        && read.place.as_mut().is_none_or(|place| plain(&mut place.other))
        && read.columns.iter_mut().flatten().all(plain)
}

/// A view's query, with the names as the server has them.
pub(crate) fn read_columns(
    source: &Source,
    query_at: usize,
    schema: &str,
    dialect: &SqlDialect,
) -> Result<ViewQuery, &'static str> {
    const NAMES: &str = "it has names in characters, of its client's character set, that are not known for certain";
    let current = if schema.is_empty() { "" } else { CURRENT_SCHEMA };
    let mut query = read_view_query(&source.text, query_at, current, dialect)?;
    let full = |name: &mut TableName| match source.known(name, schema) {
        (Part::Known(schema), Part::Known(table)) => {
            *name = TableName::new(schema, table);
            true
        }
        _ => false,
    };
    let mut known = query.tables.iter_mut().all(full);
    for (alias, table) in query.stars.iter_mut().flat_map(|star| star.of.iter_mut().flatten()) {
        known &= full(table) && source.name(alias).map(|name| *alias = name).is_some();
    }
    let words: Option<_> = query.words.iter().map(|word| source.name(word)).collect();
    query.words = words.filter(|_| known).ok_or(NAMES)?;
    for column in &mut query.columns {
        if let OutputColumn::Named(name) = column {
            // Text in which a column got no name may have any character; nobody refers to it.
            *name = source.name(name).unwrap_or_else(|| name.chars().map(plain).collect());
        }
    }
    Ok(query)
}

fn plain(character: char) -> char {
    if character.is_ascii() { character } else { '?' }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_mysql_writes_itself() {
        let check = |verb, statement: &str, head: &str| {
            assert_eq!(head_of_server(statement.as_bytes(), verb, Flavour::Mysql), head.len(), "{statement}");
            assert_eq!(head_of_server(statement.as_bytes(), verb, Flavour::Mariadb), 0, "{statement}");
        };
        let view = "CREATE DEFINER=`AS `` `@`%` SQL SECURITY DEFINER VIEW `has AS`(`( AS `) ";
        check(DdlVerb::CreateView, &format!("{view}AS SELECT 1 AS x"), view);
        let procedure = "CREATE DEFINER=`(`@`%` PROCEDURE `p(` ";
        check(DdlVerb::CreateRoutine, &format!("{procedure}(a INT) SELECT ')'"), procedure);
        check(DdlVerb::CreateTrigger, "CREATE DEFINER=\"a\"@\"b\" TRIGGER x", "CREATE DEFINER=\"a\"@\"b\" ");
        check(DdlVerb::DropView, "DROP VIEW x", "");
    }

    #[test]
    fn what_a_name_may_be() {
        let check = |part: Part, name: &str, may: bool| assert_eq!(part.may_be(name, str::to_lowercase), may, "{name}");
        check(Part::read("V1"), "v1", true);
        check(Part::read("V1"), "v11", false);
        check(Part::read("Vé1"), "vвид", true);
        check(Part::read("vé"), "v", false);
        check(Part::default(), "x", true);
    }
}
