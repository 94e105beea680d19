//! What the window's statements say about what stands around tables.

use std::collections::BTreeMap;

use backtrail_binlog::QueryEvent;
use backtrail_domain::{BinlogPosition, TableName};
use backtrail_schema::{
    Ddl, DdlVerb, ObjectKind, ObjectVerb, SchemaStatement, read_object_statement, read_schema_statement,
    read_view_query,
};

use super::columns::Columns;
use super::source::{Around, Session, Source, Step};
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

/// What it does.
#[derive(Debug, Clone)]
pub(crate) enum What {
    /// A view, trigger, routine or event is made, changed or removed. For a view, with the columns of the tables that it
    /// reads, as they are at this moment.
    Object {
        step: Box<Step>,
        columns: BTreeMap<TableName, Columns>,
    },
    /// One of which no more than this is understood.
    Unclear {
        kind: Option<ObjectKind>,
        name: TableName,
        reason: String,
    },
    /// Tables or views change their names.
    Renamed(Vec<(TableName, TableName)>),
    /// Tables are dropped or replaced, and their triggers with them.
    TablesGone(Vec<TableName>),
    Schema {
        statement: SchemaStatement,
        session: Session,
    },
    /// As above, not understood.
    UnclearSchema {
        schema: String,
        reason: String,
    },
}

fn shown(statement: &StatementText<'_>) -> String {
    statement_text(statement.text.as_bytes())
}

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
            let renames = ddl.renames.iter().map(|(from, to)| (history.resolve(from), to.clone()));
            What::Renamed(renames.collect())
        }
        DdlVerb::DropTable => What::TablesGone(ddl.tables.iter().map(|name| history.resolve(name)).collect()),
        DdlVerb::CreateTable | DdlVerb::CreateTableLike | DdlVerb::CreateTableSelect if ddl.or_replace => {
            What::TablesGone(ddl.tables.iter().take(1).map(|name| history.resolve(name)).collect())
        }
        DdlVerb::DropDatabase => return of_schema(ddl, statement, query, position),
        _ => return None,
    };
    Some(Told { what, position: position.clone(), shown: shown(statement) })
}

/// CREATE, ALTER and DROP DATABASE.
pub(crate) fn of_schema(
    ddl: &Ddl,
    statement: &StatementText<'_>,
    query: &QueryEvent<'_>,
    position: &BinlogPosition,
) -> Option<Told> {
    let schema = ddl.schema.clone()?;
    let read = read_schema_statement(&statement.text, &statement.schema, &statement.dialect);
    let what = match read {
        Ok(Some(read)) => What::Schema { statement: read, session: Session::of(query, statement.dialect.flavour, 0) },
        Ok(None) => What::UnclearSchema { schema, reason: "it is not understood".to_owned() },
        Err(reason) => What::UnclearSchema { schema, reason: reason.to_owned() },
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
) -> Option<Told> {
    let told = |what| Some(Told { what, position: position.clone(), shown: shown(statement) });
    let unclear = |reason: &str| {
        let kind = match ddl.verb {
            DdlVerb::CreateView | DdlVerb::AlterView | DdlVerb::DropView => Some(ObjectKind::View),
            DdlVerb::CreateTrigger | DdlVerb::DropTrigger => Some(ObjectKind::Trigger),
            DdlVerb::CreateEvent | DdlVerb::AlterEvent | DdlVerb::DropEvent => Some(ObjectKind::Event),
            _ => None,
        };
        let name = TableName::new(ddl.schema.clone()?, ddl.object.clone()?);
        told(What::Unclear { kind, name, reason: reason.to_owned() })
    };
    let client = query.status.charset.map(|(client, ..)| client);
    let Some(source) = Source::new(&query.statement, client) else {
        return unclear("its character set is one in which quotes cannot be told from parts of characters");
    };
    match read_object_statement(&source.text, &statement.schema, &statement.dialect) {
        Ok(Some(mut read)) => {
            // A server without transactional DDL logs a DROP of which some names were not there.
            if statement.failed() && read.verb != ObjectVerb::Drop {
                return unclear("it failed half-way");
            }
            let mut columns = BTreeMap::new();
            if read.kind == ObjectKind::View && read.verb != ObjectVerb::Drop {
                let reads = read_view_query(&source.text, read.query_at, &statement.schema, &statement.dialect);
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
            let step = Step { statement: read, source, around: Around::Session(session) };
            told(What::Object { step: Box::new(step), columns })
        }
        // Loadable functions are no schema's.
        Ok(None) => None,
        Err(reason) => unclear(reason),
    }
}
