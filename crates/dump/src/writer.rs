//! Data files that the stock client and both loaders take.

use std::io::{self, Write};

/// What every file of a result begins with: bytes as they are, no foreign keys checked while loading, an SQL mode under
/// which any row that a server held can be loaded and in which double quotes and backslashes mean what the rows mean by
/// them, times in UTC. Unique keys are checked: see [`COPY_PREAMBLE`].
pub const PREAMBLE: &str = "\
/*!40101 SET NAMES binary*/;
/*!40014 SET FOREIGN_KEY_CHECKS=0*/;
/*!40014 SET UNIQUE_CHECKS=1*/;
/*!40101 SET SQL_MODE='NO_AUTO_VALUE_ON_ZERO,ALLOW_INVALID_DATES'*/;
/*!40103 SET TIME_ZONE='+00:00' */;
";

/// What goes before a file that mydumper wrote, which may go on to say otherwise.
///
/// The server checks unique keys while it loads, although myloader has switched that off: without it MariaDB (10.6 and
/// later) takes a lock on the whole of an empty table for the first insert into it, and two threads of myloader that begin
/// with two files of one table end in a deadlock. And the SQL mode is that of [`PREAMBLE`]: mydumper 0.10 sets none, so that
/// a 0 in an AUTO_INCREMENT column would load as the next number.
pub const COPY_PREAMBLE: &str = "\
/*!40014 SET UNIQUE_CHECKS=1*/;
/*!40101 SET SQL_MODE='NO_AUTO_VALUE_ON_ZERO,ALLOW_INVALID_DATES'*/;
";

/// Statements end here at the latest, unless one row is longer: well below any server's `max_allowed_packet`.
const STATEMENT_SIZE: usize = 1 << 20;

/// Bytes gathered before they go out.
const BUFFER_SIZE: usize = 256 * 1024;

/// Writes a data file of one table: the preamble, then INSERT statements of about 1 MiB, one row a line.
///
/// A writer that is dropped without [`TableDataWriter::finish`] leaves a file that is cut short.
#[derive(Debug)]
pub struct TableDataWriter<W> {
    out: W,
    head: Vec<u8>,
    buffer: Vec<u8>,
    /// Bytes of the open statement; 0 when none is open.
    statement: usize,
    rows: u64,
    bytes: u64,
}

impl<W: Write> TableDataWriter<W> {
    /// Writes to `out`: the preamble now, INSERT statements as rows come. `columns` is the column list, for tables with
    /// generated or invisible columns.
    ///
    /// # Errors
    /// When `out` fails.
    pub fn new(out: W, table: &str, columns: Option<&[String]>) -> io::Result<Self> {
        let mut head = b"INSERT INTO ".to_vec();
        write_name(&mut head, table);
        if let Some(columns) = columns {
            head.extend_from_slice(b" (");
            for (index, column) in columns.iter().enumerate() {
                if index > 0 {
                    head.push(b',');
                }
                write_name(&mut head, column);
            }
            head.push(b')');
        }
        head.extend_from_slice(b" VALUES\n");
        let mut writer = Self { out, head, buffer: Vec::new(), statement: 0, rows: 0, bytes: 0 };
        writer.put(PREAMBLE.as_bytes())?;
        Ok(writer)
    }

    /// Writes a row as it is: `(…)`, either copied from a baseline or rendered.
    ///
    /// # Errors
    /// When `out` fails.
    pub fn write_row(&mut self, row: &[u8]) -> io::Result<()> {
        debug_assert!(row.starts_with(b"(") && row.ends_with(b")"), "a row stands in parentheses");
        if self.statement > 0 && self.statement + row.len() + 3 > STATEMENT_SIZE {
            self.end_statement()?;
        }
        if self.statement == 0 {
            self.statement = self.head.len();
            let head = std::mem::take(&mut self.head);
            let written = self.put(&head);
            self.head = head;
            written?;
        } else {
            self.put(b",\n")?;
        }
        self.put(row)?;
        self.statement += row.len() + 2;
        self.rows += 1;
        Ok(())
    }

    /// Bytes written so far, by which the caller cuts files.
    pub fn bytes(&self) -> u64 {
        self.bytes
    }

    /// Rows written so far.
    pub fn rows(&self) -> u64 {
        self.rows
    }

    /// Ends the last statement, flushes and hands `out` back.
    ///
    /// # Errors
    /// When `out` fails.
    pub fn finish(mut self) -> io::Result<W> {
        if self.statement > 0 {
            self.end_statement()?;
        }
        self.out.write_all(&self.buffer)?;
        self.out.flush()?;
        Ok(self.out)
    }

    fn end_statement(&mut self) -> io::Result<()> {
        self.statement = 0;
        self.put(b";\n")
    }

    fn put(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.bytes += bytes.len() as u64;
        if self.buffer.len() + bytes.len() > BUFFER_SIZE {
            self.out.write_all(&self.buffer)?;
            self.buffer.clear();
        }
        if bytes.len() > BUFFER_SIZE {
            return self.out.write_all(bytes);
        }
        self.buffer.extend_from_slice(bytes);
        Ok(())
    }
}

/// Writes a name in backticks.
pub fn write_name(out: &mut Vec<u8>, name: &str) {
    out.push(b'`');
    for byte in name.bytes() {
        if byte == b'`' {
            out.push(b'`');
        }
        out.push(byte);
    }
    out.push(b'`');
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tokenizer::{Piece, StatementReader};

    #[test]
    fn writes_what_the_tokenizer_reads() {
        let columns = ["a".to_owned(), "va`l".to_owned()];
        let mut writer = TableDataWriter::new(Vec::new(), "odd `name", Some(&columns)).unwrap();
        writer.write_row(b"(1,'x')").unwrap();
        writer.write_row(b"(2,NULL)").unwrap();
        assert_eq!(writer.rows(), 2);
        let bytes = writer.bytes();
        let out = writer.finish().unwrap();
        assert_eq!(out.len() as u64, bytes + 2);
        let text = String::from_utf8(out).unwrap();
        assert_eq!(
            text.strip_prefix(PREAMBLE).unwrap(),
            "INSERT INTO `odd ``name` (`a`,`va``l`) VALUES\n(1,'x'),\n(2,NULL);\n"
        );
    }

    #[test]
    fn no_rows_no_statement() {
        let out = TableDataWriter::new(Vec::new(), "t", None).unwrap().finish().unwrap();
        assert_eq!(out, PREAMBLE.as_bytes());
    }

    #[test]
    fn statements_stay_small() {
        let mut writer = TableDataWriter::new(Vec::new(), "t", None).unwrap();
        let row = format!("(1,'{}')", "x".repeat(700));
        let long = format!("(2,'{}')", "y".repeat(3 << 20));
        for index in 0..10_000 {
            writer.write_row(if index == 5000 { long.as_bytes() } else { row.as_bytes() }).unwrap();
        }
        let out = writer.finish().unwrap();
        let mut reader = StatementReader::new(&out[..], "t");
        let (mut rows, mut statements, mut start) = (0, 0, 0);
        loop {
            let before = reader.offset();
            match reader.next_piece().unwrap() {
                None => break,
                Some(Piece::Row(_)) => rows += 1,
                Some(Piece::InsertHead(_)) => start = before,
                Some(Piece::End) => {
                    statements += 1;
                    let length = reader.offset() - start;
                    assert!(length <= 1 << 20 || length < (3 << 20) + 100, "{length}");
                }
                Some(Piece::Preamble(_)) => {}
            }
        }
        assert_eq!((rows, statements), (10_000, 9));
    }
}
