#![doc = include_str!("../README.md")]

mod alter;
mod classify;
mod column_type;
mod create_table;
mod cursor;
mod definitions;
mod dialect;
mod error;
mod lexer;
mod shape;
mod statement;

pub use classify::classify;
pub use create_table::parse_create_table;
pub use dialect::{Flavour, SqlDialect};
pub use error::SchemaError;
pub use shape::{
    Column, ColumnType, ForeignKey, Generated, GeometryKind, Key, KeyPart, ReferentialAction, RowKey, TableShape,
};
pub use statement::{AlterClause, AlterKind, DataChange, DataChangeVerb, Ddl, DdlVerb, Statement, TransactionControl};
