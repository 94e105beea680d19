//! What the window's statements say about what stands around tables.

use std::collections::BTreeMap;

use backtrail_binlog::QueryEvent;
use backtrail_domain::{BinlogPosition, TableName, lowered_name};
use backtrail_schema::{
    Ddl, DdlVerb, ObjectKind, ObjectVerb, SchemaStatement, object_kind, read_object_statement, read_schema_statement,
};

use super::characters::{CURRENT_SCHEMA, Part, client_of, decode, head_of_server, read_columns, read_names};
use super::columns::Columns;
use super::source::{Around, Session, Source, Step, TRAP};
use crate::history::History;
use crate::plan::facts::statement_text;
use crate::scan::statement::StatementText;

/// A statement of the window.
#[derive(Debug, Clone)]
pub(crate) struct Told {
    pub(crate) what: What,
    pub(crate) position: BinlogPosition,
    /// For messages.
    pub(crate) shown: String,
}

impl Told {
    /// The same with the names of schemas, views and tables in small letters, as the server keeps them.
    pub(crate) fn lowered(mut self) -> Self {
        let part = |part: &mut Part| {
            let (Part::Known(name) | Part::Begins(name)) = part;
            *name = lowered_name(name);
        };
        match &mut self.what {
            What::Object { step, .. } => step.statement.lower_names(),
            What::Unclear(unclear) => part(&mut unclear.schema),
            What::Renamed(_) | What::TablesGone(_) | What::Sequence(_) => {}
            What::Schema { statement, .. } => statement.schema = lowered_name(&statement.schema),
            What::UnclearSchema { schema, .. } => part(schema),
        }
        self
    }
}

/// What it does.
#[derive(Debug, Clone)]
pub(crate) enum What {
    /// A view, trigger, routine or event is made, changed or removed. For a view, with the columns of the tables that it
    /// reads, as they are at this moment.
    Object {
        step: Box<Step>,
        columns: BTreeMap<TableName, Columns>,
        /// It had an error, and was logged for what it had done by then: of a DROP, some names were not there.
        failed: bool,
    },
    /// One of which no more than this is understood.
    Unclear(Unclear),
    /// Tables or views change their names.
    Renamed(Vec<Rename>),
    /// Tables are dropped or replaced, and their triggers with them.
    TablesGone(Vec<TableName>),
    /// A sequence is made, changed or removed.
    Sequence(Vec<TableName>),
    Schema {
        statement: SchemaStatement,
        session: Session,
    },
    /// As above, not understood. `drops`: it removes the schema.
    UnclearSchema {
        schema: Part,
        reason: String,
        drops: bool,
    },
}

/// A statement about an object that is not understood, or whose names are not.
#[derive(Debug, Clone)]
pub(crate) struct Unclear {
    /// None for a routine of whatever kind.
    pub(crate) kind: Option<ObjectKind>,
    pub(crate) schema: Part,
    pub(crate) name: Part,
    /// There is such an object behind it.
    pub(crate) makes: bool,
    pub(crate) reason: String,
}

/// A table or view with its old name and its new one.
#[derive(Debug, Clone)]
pub(crate) struct Rename {
    pub(crate) from: TableName,
    pub(crate) to: TableName,
    /// There is a table of the old name.
    pub(crate) is_table: bool,
}

fn shown(statement: &StatementText<'_>) -> String {
    statement_text(statement.text.as_bytes())
}

const NAMES: &str = "its names are in characters, of its client's character set, that are not known for certain";

/// What a statement about tables does to what stands around them. To be called before the history takes it in.
pub(crate) fn of_tables(
    ddl: &Ddl,
    statement: &StatementText<'_>,
    query: &QueryEvent<'_>,
    position: &BinlogPosition,
    history: &mut History<'_>,
) -> Option<Told> {
    let what = match ddl.verb {
        DdlVerb::RenameTable | DdlVerb::AlterTable if !ddl.renames.is_empty() => {
            let renames = ddl.renames.iter().map(|(from, to)| {
                let from = history.resolve(from);
                Rename { is_table: history.find(&from).is_some(), from, to: to.clone() }
            });
            What::Renamed(renames.collect())
        }
        DdlVerb::DropTable => What::TablesGone(ddl.tables.iter().map(|name| history.resolve(name)).collect()),
        DdlVerb::CreateTable | DdlVerb::CreateTableLike | DdlVerb::CreateTableSelect if ddl.or_replace => {
            What::TablesGone(ddl.tables.iter().take(1).map(|name| history.resolve(name)).collect())
        }
        DdlVerb::CreateSequence => What::Sequence(ddl.tables.clone()),
        DdlVerb::AlterSequence | DdlVerb::DropSequence => {
            What::Sequence(ddl.tables.iter().map(|name| history.resolve(name)).collect())
        }
        DdlVerb::DropDatabase => return of_schema(ddl, statement, query, position),
        _ => return None,
    };
    Some(Told { what, position: position.clone(), shown: shown(statement) })
}

/// A statement about tables whose names are not known: what it may do to what stands around them.
pub(crate) fn of_damaged(ddl: &Ddl, statement: &StatementText<'_>, position: &BinlogPosition) -> Vec<Told> {
    let told = |what| Told { what, position: position.clone(), shown: shown(statement) };
    if ddl.verb == DdlVerb::DropDatabase {
        let schema = ddl.schema.as_deref().map(Part::read).unwrap_or_default();
        return vec![told(What::UnclearSchema { schema, reason: NAMES.to_owned(), drops: true })];
    }
    // A view goes by its old name, and what has its new one is a view only where its old one was.
    let view = |name: &TableName| {
        let schema = Part::of_schema(&name.schema, &statement.schema);
        let name = if matches!(schema, Part::Known(_)) { Part::read(&name.table) } else { Part::default() };
        let kind = Some(ObjectKind::View);
        told(What::Unclear(Unclear { kind, schema, name, makes: false, reason: NAMES.to_owned() }))
    };
    ddl.renames.iter().flat_map(|(from, to)| [from, to]).map(view).collect()
}

/// A statement of which nothing can be told but what kind of object it is about.
pub(crate) fn of_unread(statement: &StatementText<'_>, position: &BinlogPosition) -> Option<Told> {
    let kind = object_kind(&statement.text, &statement.dialect)?;
    let (schema, name) = (Part::default(), Part::default());
    let what = What::Unclear(Unclear {
        kind: Some(kind),
        schema,
        name,
        makes: true,
        reason: "it is not understood".to_owned(),
    });
    Some(Told { what, position: position.clone(), shown: shown(statement) })
}

/// CREATE, ALTER and DROP DATABASE.
pub(crate) fn of_schema(
    ddl: &Ddl,
    statement: &StatementText<'_>,
    query: &QueryEvent<'_>,
    position: &BinlogPosition,
) -> Option<Told> {
    let drops = ddl.verb == DdlVerb::DropDatabase;
    let unclear = |schema: Part, reason: &str| What::UnclearSchema { schema, reason: reason.to_owned(), drops };
    let what = match Source::new(&query.statement, client_of(query), 0) {
        Err(reason) => unclear(Part::of_schema(ddl.schema.as_deref()?, &statement.schema), reason),
        Ok(source) => match read_schema_statement(&source.text, CURRENT_SCHEMA, &statement.dialect) {
            Ok(Some(mut read)) => {
                let schema = source.known_schema(&read.schema, &statement.schema);
                match (schema, source.name(&read.options)) {
                    (Part::Known(schema), Some(options)) => {
                        (read.schema, read.options) = (schema, options);
                        let session = Session::of(query, statement.dialect.flavour, 0);
                        What::Schema { statement: read, session }
                    }
                    (schema, _) => unclear(schema, NAMES),
                }
            }
            Ok(None) => unclear(Part::of_schema(ddl.schema.as_deref()?, &statement.schema), "it is not understood"),
            Err(reason) => unclear(Part::of_schema(ddl.schema.as_deref()?, &statement.schema), reason),
        },
    };
    Some(Told { what, position: position.clone(), shown: shown(statement) })
}

/// Views, triggers, routines, packages and events.
pub(crate) fn of_objects(
    ddl: &Ddl,
    statement: &StatementText<'_>,
    query: &QueryEvent<'_>,
    timestamp: u32,
    position: &BinlogPosition,
    history: &mut History<'_>,
) -> Vec<Told> {
    let told = |what| Told { what, position: position.clone(), shown: shown(statement) };
    let head = head_of_server(&query.statement, ddl.verb, statement.dialect.flavour);
    let source = Source::new(&query.statement, client_of(query), head);
    let kind = match ddl.verb {
        DdlVerb::CreateView | DdlVerb::AlterView | DdlVerb::DropView => Some(ObjectKind::View),
        DdlVerb::CreateTrigger | DdlVerb::DropTrigger => Some(ObjectKind::Trigger),
        DdlVerb::CreateEvent | DdlVerb::AlterEvent | DdlVerb::DropEvent => Some(ObjectKind::Event),
        _ => object_kind(&statement.text, &statement.dialect),
    };
    let drops =
        matches!(ddl.verb, DdlVerb::DropView | DdlVerb::DropTrigger | DdlVerb::DropEvent | DdlVerb::DropRoutine);
    let unclear = |(schema, name): (Part, Part), reason: &str| {
        told(What::Unclear(Unclear { kind, schema, name, makes: !drops, reason: reason.to_owned() }))
    };
    let unread = |reason: &str| match read_names(ddl, statement, source.as_ref().ok(), head > 0) {
        Some(names) => vec![unclear(names, reason)],
        None => Vec::new(),
    };
    let source = match &source {
        Ok(source) => source,
        Err(reason) => return unread(reason),
    };
    let mut read = match read_object_statement(&source.text, CURRENT_SCHEMA, &statement.dialect) {
        Ok(Some(read)) => read,
        // Loadable functions are no schema's.
        Ok(None) if kind == Some(ObjectKind::Function) => return Vec::new(),
        Ok(None) => return unread("dumps have nothing of its kind"),
        Err(reason) => return unread(reason),
    };
    let names = std::iter::once(&read.name).chain(&read.more_names);
    let names: Vec<(Part, Part)> = names.map(|name| source.known(name, &statement.schema)).collect();
    let all = |reason: &str| names.iter().map(|name| unclear(name.clone(), reason)).collect();
    if !decode(&mut read, source, &statement.schema) {
        return all(NAMES);
    }
    if read.verb != ObjectVerb::Drop {
        // A server without transactional DDL logs a DROP of which some names were not there.
        if statement.failed() {
            return all("it failed half-way");
        }
        if source.is_trap() {
            return all(TRAP);
        }
    }
    let mut columns = BTreeMap::new();
    if read.kind == ObjectKind::View && read.verb != ObjectVerb::Drop {
        let reads = read_columns(source, read.query_at, &statement.schema, &statement.dialect);
        for name in reads.map(|reads| reads.tables).unwrap_or_default() {
            if let Some(own) = history.columns(&name) {
                columns.insert(name, own);
            }
        }
    }
    if let Some(table) = &mut read.table {
        *table = history.resolve(table);
    }
    let session = Session::of(query, statement.dialect.flavour, timestamp);
    let step = Step { statement: read, source: source.clone(), around: Around::Session(session) };
    vec![told(What::Object { step: Box::new(step), columns, failed: statement.failed() })]
}
