//! MySQL's compressed transactions: one event that holds the others.

use std::io::Read;

use crate::bytes::{Cursor, size};
use crate::event::{check_size, parse_at};
use crate::{
    BinlogError, ChecksumAlgorithm, Event, EventHeader, FormatDescription, HEADER_LENGTH, MAX_EVENT_SIZE, Malformed,
};

/// A whole transaction (all after its GTID event), as one event.
///
/// Source: <https://dev.mysql.com/doc/dev/mysql-server/latest/classmysql_1_1binlog_1_1event_1_1Transaction__payload__event.html>
#[derive(Debug, Clone)]
pub struct TransactionPayload<'a> {
    /// How it is compressed.
    pub compression: PayloadCompression,
    /// Bytes of the events inside, where stated.
    pub uncompressed_size: Option<u64>,
    data: &'a [u8],
    outer: Event<'a>,
}

/// How a payload is compressed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum PayloadCompression {
    /// Not at all.
    None,
    /// zstd.
    Zstd,
}

/// Memory that zstd may take to look back: 128 MiB, which is the most that its levels use.
const WINDOW_LOG_MAX: u32 = 27;

impl<'a> TransactionPayload<'a> {
    pub(crate) fn parse(event: &Event<'a>) -> Result<Self, Malformed> {
        let mut cursor = Cursor::new(event.body);
        let (mut length, mut compression, mut uncompressed_size) = (None, None, None);
        loop {
            let field = cursor.packed("payload field")?;
            if field == 0 {
                break;
            }
            let mut value = Cursor::new(cursor.packed_bytes("payload field")?);
            match field {
                1 => length = Some(value.packed("payload size")?),
                2 => {
                    compression = Some(match value.packed("payload compression")? {
                        0 => PayloadCompression::Zstd,
                        255 => PayloadCompression::None,
                        other => return Err(Malformed::unsupported(format!("payload compression {other}"))),
                    });
                }
                3 => uncompressed_size = Some(value.packed("uncompressed size")?),
                _ => {}
            }
        }
        let missing = |what| Malformed::invalid("transaction payload", format!("without its {what}"));
        let length = length.ok_or_else(|| missing("size"))?;
        let compression = compression.ok_or_else(|| missing("compression"))?;
        let data = cursor.take(size(length), "transaction payload")?;
        Ok(Self { compression, uncompressed_size, data, outer: *event })
    }

    /// Walks the events inside, decompressing as it goes: the memory is that of the largest event and zstd's window.
    ///
    /// # Errors
    /// The decompressor does not start.
    pub fn events(&self) -> Result<PayloadEvents<'a>, BinlogError> {
        let source = match self.compression {
            PayloadCompression::None => Source::Plain(self.data),
            PayloadCompression::Zstd => {
                let failed = |error: std::io::Error| self.outer.corrupt(Malformed::invalid(ZSTD, error.to_string()));
                let mut decoder = zstd::stream::read::Decoder::with_buffer(self.data).map_err(failed)?;
                decoder.window_log_max(WINDOW_LOG_MAX).map_err(failed)?;
                Source::Zstd(Box::new(decoder))
            }
        };
        // Inside there are no checksums: the outer event's covers all.
        let format = self.outer.format.map(|format| FormatDescription {
            checksum: ChecksumAlgorithm::None,
            post_header_lengths: format.post_header_lengths.clone(),
            server_version: format.server_version.clone(),
            ..*format
        });
        Ok(PayloadEvents { source, outer: self.outer, format, buffer: Vec::new() })
    }
}

const ZSTD: &str = "compressed transaction";

enum Source<'a> {
    Plain(&'a [u8]),
    Zstd(Box<zstd::stream::read::Decoder<'static, &'a [u8]>>),
}

/// Walks the events of a [`TransactionPayload`].
pub struct PayloadEvents<'a> {
    source: Source<'a>,
    outer: Event<'a>,
    format: Option<FormatDescription>,
    buffer: Vec<u8>,
}

impl PayloadEvents<'_> {
    /// The next event, or `None` after the last. Its offset is that of the payload.
    ///
    /// # Errors
    /// Data that does not decompress into whole events.
    pub fn next_event(&mut self) -> Result<Option<Event<'_>>, BinlogError> {
        self.buffer.clear();
        self.fill(HEADER_LENGTH)?;
        if self.buffer.is_empty() {
            return Ok(None);
        }
        let header = EventHeader::parse(&self.buffer).map_err(|problem| self.outer.corrupt(problem))?;
        check_size(&header, self.format.as_ref(), self.outer.file, self.outer.offset)?;
        let wanted = header.event_size as usize;
        self.fill(wanted)?;
        if self.buffer.len() < wanted {
            let (wanted, left) = (wanted as u64, self.buffer.len() as u64);
            return Err(self.outer.corrupt(Malformed::Short { what: "an event of the transaction", wanted, left }));
        }
        let mut event = parse_at(&self.buffer, self.format.as_ref(), self.outer.file, self.outer.offset)?;
        event.outer_size = Some(self.outer.header.event_size);
        Ok(Some(event))
    }

    fn fill(&mut self, wanted: usize) -> Result<(), BinlogError> {
        debug_assert!(wanted <= MAX_EVENT_SIZE as usize);
        let missing = wanted.saturating_sub(self.buffer.len()) as u64;
        let read = match &mut self.source {
            Source::Plain(data) => data.by_ref().take(missing).read_to_end(&mut self.buffer),
            Source::Zstd(decoder) => decoder.by_ref().take(missing).read_to_end(&mut self.buffer),
        };
        read.map_err(|error| self.outer.corrupt(Malformed::invalid(ZSTD, error.to_string())))?;
        Ok(())
    }
}

impl std::fmt::Debug for PayloadEvents<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("PayloadEvents").field("outer", &self.outer.header).finish_non_exhaustive()
    }
}
