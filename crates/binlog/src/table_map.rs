//! The shape of a table, as the server states it before the rows.

use std::collections::HashMap;
use std::sync::Arc;

use backtrail_domain::TableName;

use crate::bytes::{Cursor, bit, size, text};
use crate::metadata::{self, TableMetadata};
use crate::{BinlogError, ColumnKind, Event, Flavour, Malformed};

/// One column of a [`TableMap`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ColumnShape {
    /// Its type on the wire.
    pub kind: ColumnKind,
    /// Whether it can be NULL.
    pub nullable: bool,
    /// Whether a number is UNSIGNED; `None` where the server does not say (before MySQL 8.0.1 and MariaDB 10.5).
    pub unsigned: Option<bool>,
    /// Collation id of a text (63: bytes), where the server says.
    pub collation: Option<u32>,
}

/// A table's shape and number, for the row events that follow.
///
/// Source: <https://dev.mysql.com/doc/dev/mysql-server/latest/classmysql_1_1binlog_1_1event_1_1Table__map__event.html>
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TableMap {
    /// What row events call the table. Lasts no longer than the file.
    pub table_id: u64,
    /// Reserved, but for MariaDB: 0x4000 says that the table has triggers on the replica's side.
    pub flags: u16,
    /// Schema and name.
    pub name: TableName,
    /// The columns in order, generated ones too.
    pub columns: Vec<ColumnShape>,
    /// What else the server says (more of it with `binlog_row_metadata=FULL`).
    pub metadata: TableMetadata,
}

impl TableMap {
    pub(crate) fn parse(body: &[u8], post_header: usize, flavour: Flavour) -> Result<Self, Malformed> {
        let mut cursor = Cursor::new(body);
        let table_id = cursor.uint(if post_header == 6 { 4 } else { 6 }, "table id")?;
        let flags = cursor.u16("table flags")?;
        let schema = name(&mut cursor, "schema name")?;
        let table = name(&mut cursor, "table name")?;
        let count = size(cursor.packed("count of columns")?);
        let codes = cursor.take(count, "column types")?;
        let mut kinds = Cursor::new(cursor.packed_bytes("column metadata")?);
        let nullable = cursor.take(count.div_ceil(8), "nullability")?;
        let mut columns = Vec::with_capacity(count);
        for (index, code) in codes.iter().enumerate() {
            columns.push(ColumnShape {
                kind: ColumnKind::parse(*code, &mut kinds)?,
                nullable: bit(nullable, index),
                unsigned: None,
                collation: None,
            });
        }
        if !kinds.is_empty() {
            return Err(Malformed::invalid("column metadata", format!("{} bytes too many", kinds.len())));
        }
        let metadata = metadata::parse(cursor.rest(), &mut columns, flavour)?;
        Ok(Self { table_id, flags, name: TableName::new(schema, table), columns, metadata })
    }
}

fn name(cursor: &mut Cursor<'_>, what: &'static str) -> Result<String, Malformed> {
    let name = text(cursor.packed_bytes(what)?, what)?.to_owned();
    cursor.u8("a name's end")?;
    Ok(name)
}

/// The table maps in force, by number. A server writes one before every statement, mostly the same: parsing is saved
/// where the bytes are those of last time.
#[derive(Debug, Default)]
pub struct TableMaps {
    by_id: HashMap<u64, (Vec<u8>, Arc<TableMap>)>,
}

/// Most servers have fewer tables open; a stream that names more is cleared and starts anew (a map always precedes its
/// rows within the statement).
const MOST_TABLES: usize = 65_536;

impl TableMaps {
    /// None yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Takes in a TABLE_MAP event.
    ///
    /// # Errors
    /// An event of another type, or one that cannot be understood.
    pub fn insert(&mut self, event: &Event<'_>) -> Result<&Arc<TableMap>, BinlogError> {
        let id_length = if event.post_header_length(8) == 6 { 4 } else { 6 };
        let id = Cursor::new(event.body).uint(id_length, "table id").map_err(|problem| event.corrupt(problem))?;
        let known = self.by_id.get(&id).is_some_and(|(body, _)| body == event.body);
        if !known {
            let crate::EventBody::TableMap(map) = event.body()? else {
                return Err(event.corrupt(Malformed::invalid("table map", "an event of another type")));
            };
            if self.by_id.len() >= MOST_TABLES {
                self.by_id.clear();
            }
            self.by_id.insert(id, (event.body.to_vec(), Arc::new(map)));
        }
        let missing = || event.corrupt(Malformed::invalid("table map", "without a number"));
        self.by_id.get(&id).map(|(_, map)| map).ok_or_else(missing)
    }

    /// The table of this number.
    pub fn get(&self, table_id: u64) -> Option<&Arc<TableMap>> {
        self.by_id.get(&table_id).map(|(_, map)| map)
    }

    /// Forgets all: numbers are good for one file.
    pub fn clear(&mut self) {
        self.by_id.clear();
    }
}
