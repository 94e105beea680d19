#![doc = include_str!("../README.md")]

mod alter;
mod charset;
mod classify;
mod client;
mod column_type;
mod create_table;
mod cursor;
mod definitions;
mod dialect;
mod error;
mod evolve;
mod general_ci;
mod lexer;
mod objects;
mod rewrite;
mod shape;
mod statement;
mod view;
mod words;

pub use charset::{Charset, TranscodeError, transcode};
pub use classify::classify;
pub use client::ClientCharset;
pub use create_table::{SchemaDefaults, parse_create_table, parse_create_table_in};
pub use dialect::{Flavour, SqlDialect};
pub use error::SchemaError;
pub use evolve::{
    AddedValue, ColumnOrigin, DdlContext, Evolution, SqlMode, StatementTimeKind, Unfaithful, ValueChange, alter,
    alter_empty, insert_default,
};
pub use general_ci::general_ci;
pub use objects::{
    ObjectKind, ObjectNames, ObjectStatement, ObjectVerb, SchemaStatement, TriggerPlace, object_kind,
    read_object_statement, read_schema_statement,
};
pub use rewrite::{
    dropped_constraint, foreign_key_columns, quoted_name, rename_in_sequence, rename_in_statement, sequence_type,
    with_auto_increment, with_table_options, without_column_references, without_foreign_keys,
};
pub use shape::{
    Column, ColumnType, ForeignKey, Generated, GeometryKind, Key, KeyPart, ReferentialAction, RowKey, TableShape,
};
pub use statement::{AlterClause, AlterKind, DataChange, DataChangeVerb, Ddl, DdlVerb, Statement, TransactionControl};
pub use view::{OutputColumn, Star, ViewQuery, read_view_query};
pub use words::{TextPlace, has_keyword, texts_beyond_ascii};
