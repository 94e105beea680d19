//! Reading a file, or anything else that delivers a file's bytes in order.

use std::io::Read;

use backtrail_domain::BinlogFile;

use crate::event::{check_size, parse_at};
use crate::{
    BinlogError, ENCRYPTED_MAGIC, Event, EventHeader, EventType, FormatDescription, HEADER_LENGTH, MAGIC, Malformed,
    Place,
};

/// How much of an event is asked of the source at once: memory grows with bytes that came, not with sizes claimed.
const CHUNK: usize = 1 << 20;

/// Pulls events out of a byte source, one at a time, into one buffer of the size of the largest event.
///
/// Offsets are physical: counted, never taken from the events, whose own are 32 bits wide.
pub struct EventReader<R> {
    source: R,
    file: BinlogFile,
    format: Option<FormatDescription>,
    buffer: Vec<u8>,
    /// Of the next event.
    offset: u64,
    /// Where the events after the format description begin, when that is not right after it.
    resume: Option<u64>,
}

impl<R: Read> EventReader<R> {
    /// Begins to read a whole file. `file` is its name, for messages.
    ///
    /// # Errors
    /// The source fails, is shorter than four bytes, or is no plain binary log.
    pub fn new(source: R, file: BinlogFile) -> Result<Self, BinlogError> {
        let mut reader = Self { source, file, format: None, buffer: Vec::new(), offset: 0, resume: None };
        let got = reader.fill(MAGIC.len())?;
        let place = Place { file: Some(reader.file.clone()), offset: Some(0) };
        if reader.buffer == ENCRYPTED_MAGIC {
            return Err(BinlogError::Encrypted { place });
        }
        if got < MAGIC.len() && MAGIC.starts_with(&reader.buffer) {
            let wanted = MAGIC.len() as u64;
            return Err(BinlogError::Truncated { place, got: got as u64, wanted, in_use: false });
        }
        if reader.buffer != MAGIC {
            return Err(BinlogError::NotBinlog { place, found: reader.buffer });
        }
        reader.offset = MAGIC.len() as u64;
        Ok(reader)
    }

    /// Begins to read a piece of a file: magic and format description of the file, then events that were in it from
    /// `start`. (With `start` inside the format description the piece is from the file's beginning.)
    ///
    /// # Errors
    /// As [`EventReader::new`].
    pub fn resumed(source: R, file: BinlogFile, start: u64) -> Result<Self, BinlogError> {
        let mut reader = Self::new(source, file)?;
        reader.resume = Some(start);
        Ok(reader)
    }

    /// The next event, or `None` at the end of the last whole event.
    ///
    /// # Errors
    /// See [`BinlogError`]; after an error the reader is of no more use, and [`EventReader::offset`] is the end of what
    /// was good.
    pub fn next_event(&mut self) -> Result<Option<Event<'_>>, BinlogError> {
        let got = self.fill(HEADER_LENGTH)?;
        if got == 0 {
            return Ok(None);
        }
        if got < HEADER_LENGTH {
            return Err(self.truncated(got, HEADER_LENGTH));
        }
        let header = EventHeader::parse(&self.buffer).map_err(|problem| self.corrupt(EventType(0), problem))?;
        check_size(&header, self.format.as_ref(), Some(&self.file), Some(self.offset))?;
        let size = header.event_size as usize;
        let got = self.fill_from(HEADER_LENGTH, size)?;
        if got < size {
            return Err(self.truncated(got, size));
        }
        if header.event_type == EventType::FORMAT_DESCRIPTION {
            let event = parse_at(&self.buffer, None, Some(&self.file), Some(self.offset))?;
            self.format = Some(event.format_description()?);
        }
        let offset = self.offset;
        let event = parse_at(&self.buffer, self.format.as_ref(), Some(&self.file), Some(offset))?;
        self.offset += u64::from(header.event_size);
        if header.event_type == EventType::FORMAT_DESCRIPTION
            && let Some(start) = self.resume.take()
        {
            self.offset = self.offset.max(start);
        }
        Ok(Some(event))
    }

    /// Offset of the next event: after `None`, the end of the file.
    pub fn offset(&self) -> u64 {
        self.offset
    }

    /// The file's name.
    pub fn file(&self) -> &BinlogFile {
        &self.file
    }

    /// The file's format description, once it has been read.
    pub fn format(&self) -> Option<&FormatDescription> {
        self.format.as_ref()
    }

    fn fill(&mut self, wanted: usize) -> Result<usize, BinlogError> {
        self.buffer.clear();
        self.fill_from(0, wanted)
    }

    /// Grows the buffer from `got` to `wanted` bytes, or fewer at the source's end; says how many.
    fn fill_from(&mut self, mut got: usize, wanted: usize) -> Result<usize, BinlogError> {
        while got < wanted {
            let target = wanted.min(got + CHUNK);
            if self.buffer.len() < target {
                self.buffer.resize(target, 0);
            }
            let Some(room) = self.buffer.get_mut(got..target) else { break };
            match self.source.read(room) {
                Ok(0) => break,
                Ok(count) => got += count,
                Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
                Err(source) => {
                    let place = Place { file: Some(self.file.clone()), offset: Some(self.offset) };
                    return Err(BinlogError::Read { place, source });
                }
            }
        }
        self.buffer.truncate(got);
        Ok(got)
    }

    fn truncated(&self, got: usize, wanted: usize) -> BinlogError {
        BinlogError::Truncated {
            place: Place { file: Some(self.file.clone()), offset: Some(self.offset) },
            got: got as u64,
            wanted: wanted as u64,
            in_use: self.format.as_ref().is_some_and(|format| format.in_use),
        }
    }

    fn corrupt(&self, event: EventType, problem: Malformed) -> BinlogError {
        let place = Place { file: Some(self.file.clone()), offset: Some(self.offset) };
        BinlogError::Corrupt { place, event, source: problem }
    }
}

impl<R> std::fmt::Debug for EventReader<R> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("EventReader").field("file", &self.file).field("offset", &self.offset).finish_non_exhaustive()
    }
}
