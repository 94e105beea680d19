//! Plain queries, answered as text.

use std::sync::Arc;

use bytes::Bytes;

use crate::connection::within;
use crate::packet::{Fields, error_packet, is_end};
use crate::{Connection, SourceError};

/// The largest row of an answer: we ask for names and numbers.
const ROW_LIMIT: usize = 16 << 20;
/// The largest answer, in bytes.
const ANSWER_LIMIT: usize = 256 << 20;

const QUERY: u8 = 3;

/// A row of an answer.
#[derive(Debug, Clone)]
pub struct Row {
    columns: Arc<[String]>,
    values: Vec<Option<Bytes>>,
}

impl Row {
    /// The value of a column by its place; `None` for NULL and for a column that is not there.
    pub fn at(&self, index: usize) -> Option<&[u8]> {
        self.values.get(index)?.as_deref()
    }

    /// The value of a column by its name, whatever its case (servers differ).
    pub fn get(&self, name: &str) -> Option<&[u8]> {
        self.at(self.columns.iter().position(|column| column.eq_ignore_ascii_case(name))?)
    }

    /// A value as text by its place.
    pub fn text_at(&self, index: usize) -> Option<String> {
        self.at(index).map(|value| String::from_utf8_lossy(value).into_owned())
    }

    /// A value as text by its name.
    pub fn text(&self, name: &str) -> Option<String> {
        self.get(name).map(|value| String::from_utf8_lossy(value).into_owned())
    }
}

impl Connection {
    /// Runs one statement and reads its whole answer.
    ///
    /// # Errors
    /// The connection broke, the deadline passed, or the server refuses the statement (the connection is then still good).
    pub async fn query(&mut self, statement: &str) -> Result<Vec<Row>, SourceError> {
        let (endpoint, deadline) = (self.endpoint.clone(), self.endpoint.query_deadline);
        within(deadline, &endpoint, statement, self.exchange(statement)).await
    }

    /// Runs a statement whose answer does not matter.
    ///
    /// # Errors
    /// As [`query`](Self::query).
    pub async fn execute(&mut self, statement: &str) -> Result<(), SourceError> {
        self.query(statement).await.map(|_| ())
    }

    async fn exchange(&mut self, statement: &str) -> Result<Vec<Row>, SourceError> {
        if self.unfinished {
            return Err(self.protocol("an earlier answer was not read to its end"));
        }
        self.unfinished = true;
        self.packets.restart();
        self.write(&[&[QUERY], statement.as_bytes()].concat()).await?;
        let answer = self.answer(statement).await;
        // After a refusal the connection goes on as after an answer.
        self.unfinished = !matches!(answer, Ok(_) | Err(SourceError::Refused { .. }));
        answer
    }

    async fn answer(&mut self, statement: &str) -> Result<Vec<Row>, SourceError> {
        let first = self.read(ROW_LIMIT).await?;
        let count = match first.first() {
            Some(0) => return Ok(Vec::new()),
            Some(0xff) => return Err(self.refusal(&first, statement)),
            _ => Fields(&first).packed().flatten().and_then(|count| usize::try_from(count).ok()),
        };
        let Some(count) = count.filter(|count| *count <= 4096) else {
            return Err(self.protocol("an answer without columns"));
        };
        let mut columns = Vec::with_capacity(count);
        for _ in 0..count {
            let packet = self.read(ROW_LIMIT).await?;
            columns.push(column_name(&packet).ok_or_else(|| self.protocol("a broken column"))?);
        }
        if !is_end(&self.read(ROW_LIMIT).await?) {
            return Err(self.protocol("columns without an end"));
        }
        let columns: Arc<[String]> = columns.into();
        let (mut rows, mut size) = (Vec::new(), 0);
        loop {
            let packet = self.read(ROW_LIMIT).await?;
            if is_end(&packet) {
                return Ok(rows);
            }
            if packet.first() == Some(&0xff) {
                return Err(self.refusal(&packet, statement));
            }
            size += packet.len();
            if size > ANSWER_LIMIT {
                return Err(self.protocol("an answer of more than 256 MiB"));
            }
            let mut fields = Fields(&packet);
            let mut values = Vec::with_capacity(count);
            for _ in 0..count {
                let value = fields.packed_bytes().ok_or_else(|| self.protocol("a broken row"))?;
                values.push(value.map(|value| packet.slice_ref(value)));
            }
            rows.push(Row { columns: columns.clone(), values });
        }
    }

    pub(crate) fn refusal(&self, packet: &[u8], doing: &str) -> SourceError {
        match error_packet(packet) {
            Some((code, message)) => {
                let doing = format!("`{}`", doing.chars().take(200).collect::<String>());
                SourceError::Refused { server: self.endpoint.name(), doing, code, message }
            }
            None => self.protocol("a broken error"),
        }
    }
}

/// The name in a column definition: catalog, schema, table, original table, name.
fn column_name(packet: &[u8]) -> Option<String> {
    let mut fields = Fields(packet);
    for _ in 0..4 {
        fields.packed_bytes()?;
    }
    fields.packed_bytes()?.map(|name| String::from_utf8_lossy(name).into_owned())
}
