//! What a statement in the binary log does to tables.

use std::ops::Range;

use backtrail_domain::{TableName, lowered_name};
use serde::{Deserialize, Serialize};

/// What a statement means to tables and their rows.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "statement", rename_all = "snake_case")]
pub enum Statement {
    /// A definition changes: a table's, a schema's, or that of something around tables. See [`Ddl::concerns_rows`].
    Ddl(Ddl),
    /// A transaction's boundaries.
    TransactionControl {
        /// Which.
        verb: TransactionControl,
    },
    /// Rows change by a statement and not by row events. What a trigger or a stored function changes besides is not to
    /// be seen in it.
    DataChange(DataChange),
    /// Nothing that concerns a table's rows or shape: accounts, variables, maintenance, temporary tables.
    Harmless {
        /// The kind of statement, for a log line.
        what: String,
    },
    /// Not understood: it may do anything.
    Unknown {
        /// The statement's beginning, for an error message.
        beginning: String,
        /// What stopped the reading.
        reason: String,
    },
}

/// A change of a definition.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ddl {
    /// What it does.
    pub verb: DdlVerb,
    /// Every table (or view, sequence) that it makes, changes or removes, in the statement's order: all names of a
    /// multi-table DROP, the old and the new name of each RENAME, both sides of an EXCHANGE PARTITION. For a trigger, the
    /// table that it stands on (DROP TRIGGER does not say which).
    pub tables: Vec<TableName>,
    /// Where each of `tables` stands in the statement, with its schema as far as it is written: bytes of the statement's
    /// text (of `String::from_utf8_lossy`, where it is not UTF-8).
    pub name_spans: Vec<Range<usize>>,
    /// The schema that a CREATE, ALTER or DROP DATABASE is about; for things that live in a schema beside tables
    /// (triggers, routines, events), the schema they live in.
    pub schema: Option<String>,
    /// The name of a trigger, routine, event, index or view, unqualified.
    pub object: Option<String>,
    /// `IF EXISTS` or `IF NOT EXISTS` stands in it, so that it may have done nothing.
    pub conditional: bool,
    /// `OR REPLACE` stands in it: what had the name is gone.
    pub or_replace: bool,
    /// `ALTER IGNORE`: values are made to fit, and rows that a new unique key does not allow are gone.
    pub ignore: bool,
    /// RENAME TABLE: the pairs in order, each applied after the one before.
    pub renames: Vec<(TableName, TableName)>,
    /// CREATE TABLE … LIKE: the table whose definition is copied.
    pub like: Option<TableName>,
    /// ALTER TABLE: its clauses in order.
    pub clauses: Vec<AlterClause>,
}

impl Ddl {
    /// Whether it can change the rows, the shape or the name of a table. False for views, triggers, routines, events, and
    /// for making or altering a schema.
    pub fn concerns_rows(&self) -> bool {
        self.verb.concerns_rows()
    }

    /// The same with the names of schemas and tables in small letters, as a server keeps them whose `lower_case_table_names` is 1.
    #[must_use]
    pub fn lowered(self) -> Self {
        Self {
            tables: self.tables.iter().map(TableName::lowered).collect(),
            schema: self.schema.as_deref().map(lowered_name),
            renames: self.renames.iter().map(|(from, to)| (from.lowered(), to.lowered())).collect(),
            like: self.like.as_ref().map(TableName::lowered),
            ..self
        }
    }

    /// Whether it concerns the rows, shape or name of this table: by name, or because the table's schema goes.
    ///
    /// Letter case does not count: a server with `lower_case_table_names` takes `DROP TABLE Orders` for `orders`, and the
    /// binary log does not say that it does.
    pub fn concerns(&self, table: &TableName) -> bool {
        let same = |a: &str, b: &str| a == b || a.to_lowercase() == b.to_lowercase();
        self.concerns_rows()
            && (self.tables.iter().any(|t| same(&t.schema, &table.schema) && same(&t.table, &table.table))
                || (self.verb == DdlVerb::DropDatabase
                    && self.schema.as_deref().is_some_and(|schema| same(schema, &table.schema))))
    }
}

/// The kinds of DDL.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[expect(missing_docs, reason = "the statements' SQL names")]
pub enum DdlVerb {
    CreateTable,
    CreateTableLike,
    /// CREATE TABLE … SELECT: the rows come as row events, or not at all in statement format.
    CreateTableSelect,
    AlterTable,
    RenameTable,
    DropTable,
    TruncateTable,
    CreateIndex,
    DropIndex,
    DropDatabase,
    CreateDatabase,
    AlterDatabase,
    /// MariaDB's sequences are tables of one row.
    CreateSequence,
    AlterSequence,
    DropSequence,
    CreateView,
    AlterView,
    DropView,
    CreateTrigger,
    DropTrigger,
    CreateRoutine,
    AlterRoutine,
    DropRoutine,
    CreateEvent,
    AlterEvent,
    DropEvent,
    /// Tablespaces, log file groups, undo logs: storage, not rows.
    Storage,
}

impl DdlVerb {
    /// See [`Ddl::concerns_rows`].
    pub fn concerns_rows(self) -> bool {
        match self {
            Self::CreateTable
            | Self::CreateTableLike
            | Self::CreateTableSelect
            | Self::AlterTable
            | Self::RenameTable
            | Self::DropTable
            | Self::TruncateTable
            | Self::CreateIndex
            | Self::DropIndex
            | Self::DropDatabase
            | Self::CreateSequence
            | Self::AlterSequence
            | Self::DropSequence => true,
            Self::CreateDatabase
            | Self::AlterDatabase
            | Self::CreateView
            | Self::AlterView
            | Self::DropView
            | Self::CreateTrigger
            | Self::DropTrigger
            | Self::CreateRoutine
            | Self::AlterRoutine
            | Self::DropRoutine
            | Self::CreateEvent
            | Self::AlterEvent
            | Self::DropEvent
            | Self::Storage => false,
        }
    }
}

/// One clause of an ALTER TABLE.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AlterClause {
    /// What it does.
    pub kind: AlterKind,
    /// The clause as written, without comments; what executable ones hold is part of it.
    pub text: String,
}

/// What a clause of an ALTER TABLE does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AlterKind {
    /// `ADD [COLUMN] …`, also the form with several in parentheses.
    AddColumn,
    /// `DROP [COLUMN] …`.
    DropColumn,
    /// `MODIFY [COLUMN] …`.
    ModifyColumn,
    /// `CHANGE [COLUMN] …`.
    ChangeColumn,
    /// `RENAME COLUMN … TO …`.
    RenameColumn,
    /// `ALTER [COLUMN] … SET/DROP DEFAULT, SET VISIBLE`.
    AlterColumn,
    /// `RENAME [TO|AS] …`: the new name is the statement's second table.
    RenameTable,
    /// `ADD` or `DROP` of a primary or unique key: which key names a row may change.
    RowKey,
    /// Other indexes, their names and visibility, constraints, checks.
    Index,
    /// A foreign key comes or goes.
    ForeignKey,
    /// `CONVERT TO CHARACTER SET …`.
    ConvertCharset,
    /// `EXCHANGE PARTITION … WITH TABLE …`: rows change places with the statement's second table.
    ExchangePartition,
    /// `TRUNCATE` or `DROP PARTITION`, `CONVERT PARTITION … TO TABLE`, and the like: rows go or come without events.
    PartitionRows,
    /// Partitions are rearranged or maintained; the rows stay.
    Partition,
    /// `DISCARD` or `IMPORT TABLESPACE`: the rows go or come without events.
    Tablespace,
    /// System versioning or application-time periods come or go.
    Versioning,
    /// Options that change neither rows nor columns: ENGINE, COMMENT, AUTO_INCREMENT, ALGORITHM, ORDER BY, default
    /// character set, …
    Option,
    /// Not understood.
    Unknown,
}

/// Rows changed by a statement.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DataChange {
    /// How.
    pub verb: DataChangeVerb,
    /// The tables whose rows it changes, where the statement names them plainly; None where they cannot be told (several
    /// tables joined, a procedure called): then any table may be meant.
    pub tables: Option<Vec<TableName>>,
}

/// The statements that change rows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[expect(missing_docs, reason = "the statements' SQL names")]
pub enum DataChangeVerb {
    Insert,
    Replace,
    Update,
    Delete,
    LoadData,
    Call,
    /// `SELECT` or `DO` in the binary log: a stored function that changes data was called.
    Function,
}

/// A transaction's boundaries.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[expect(missing_docs, reason = "the statements' SQL names")]
pub enum TransactionControl {
    Begin,
    Commit,
    Rollback,
    Savepoint,
    RollbackToSavepoint,
    ReleaseSavepoint,
    XaStart,
    XaEnd,
    XaPrepare,
    XaCommit,
    XaRollback,
}
