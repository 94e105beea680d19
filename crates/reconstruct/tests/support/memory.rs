//! The engine's traits over memory: results that can be looked at and be baselines again, logs in pieces of any kind.

use std::collections::BTreeMap;
use std::io::{self, Cursor, Read, Write};
use std::sync::{Arc, Mutex};

use backtrail_binlog::{EventReader, EventType, MAGIC, TransactionTracker};
use backtrail_reconstruct::{Baseline, BinaryLog, FileInfo, LogPiece, ResultFile, ResultSink, Spill, SpillFile};

/// A directory.
#[derive(Debug, Default, Clone)]
pub(crate) struct Memory(pub(crate) Arc<Mutex<BTreeMap<String, Vec<u8>>>>);

impl Memory {
    pub(crate) fn read(path: &std::path::Path) -> Self {
        let memory = Self::default();
        for entry in std::fs::read_dir(path).unwrap() {
            let entry = entry.unwrap();
            let name = entry.file_name().into_string().unwrap();
            memory.put(&name, std::fs::read(entry.path()).unwrap());
        }
        memory
    }

    pub(crate) fn put(&self, name: &str, bytes: Vec<u8>) {
        self.0.lock().unwrap().insert(name.to_owned(), bytes);
    }

    pub(crate) fn files(&self) -> BTreeMap<String, Vec<u8>> {
        self.0.lock().unwrap().clone()
    }

    pub(crate) fn text(&self, name: &str) -> String {
        String::from_utf8_lossy(&self.0.lock().unwrap()[name]).into_owned()
    }
}

impl Baseline for Memory {
    fn files(&self) -> io::Result<Vec<FileInfo>> {
        let files = self.0.lock().unwrap();
        Ok(files.iter().map(|(name, bytes)| FileInfo { name: name.clone(), size: bytes.len() as u64 }).collect())
    }

    fn open(&self, name: &str) -> io::Result<Box<dyn Read + Send>> {
        match self.0.lock().unwrap().get(name) {
            Some(bytes) => Ok(Box::new(Cursor::new(bytes.clone()))),
            None => Err(io::ErrorKind::NotFound.into()),
        }
    }
}

struct Output {
    memory: Memory,
    name: String,
    bytes: Vec<u8>,
}

impl Write for Output {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.bytes.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl ResultFile for Output {
    fn finish(self: Box<Self>) -> io::Result<()> {
        let earlier = self.memory.0.lock().unwrap().insert(self.name.clone(), self.bytes);
        assert!(earlier.is_none(), "{} is written twice", self.name);
        Ok(())
    }
}

impl ResultSink for Memory {
    fn create(&self, name: &str) -> io::Result<Box<dyn ResultFile>> {
        Ok(Box::new(Output { memory: self.clone(), name: name.to_owned(), bytes: Vec::new() }))
    }
}

impl Spill for Memory {
    fn create(&self) -> io::Result<Box<dyn SpillFile>> {
        Ok(Box::new(Temporary(Vec::new())))
    }
}

struct Temporary(Vec<u8>);

impl SpillFile for Temporary {
    fn append(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.0.extend_from_slice(bytes);
        Ok(())
    }

    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> io::Result<()> {
        let start = usize::try_from(offset).unwrap();
        let bytes = self.0.get(start..start + buffer.len()).ok_or(io::ErrorKind::UnexpectedEof)?;
        buffer.copy_from_slice(bytes);
        Ok(())
    }
}

/// A log in pieces.
#[derive(Debug, Default, Clone)]
pub(crate) struct Pieces(pub(crate) Vec<(LogPiece, Vec<u8>)>);

impl Pieces {
    /// A server's files, whole.
    pub(crate) fn files(directory: &Memory) -> Self {
        let mut pieces = Vec::new();
        for (name, bytes) in directory.files() {
            let file = name.parse().unwrap();
            pieces.push((LogPiece { name, file, start: 4, end: None }, bytes));
        }
        Self(pieces)
    }

    /// The same as segments of some transactions each, compressed.
    pub(crate) fn segments(directory: &Memory, transactions: usize) -> Self {
        let mut pieces = Vec::new();
        for (name, bytes) in directory.files() {
            let file: backtrail_domain::BinlogFile = name.parse().unwrap();
            let mut reader = EventReader::new(bytes.as_slice(), file.clone()).unwrap();
            let mut tracker = TransactionTracker::new();
            let (mut format, mut content, mut start, mut count) = (Vec::new(), Vec::new(), 4, 0);
            let mut seal = |start: u64, end: u64, format: &[u8], content: &[u8]| {
                let format = if start == 4 { &[][..] } else { format };
                let segment = [&MAGIC[..], format, content].concat();
                let piece =
                    LogPiece { name: format!("{file}/{start}-{end}"), file: file.clone(), start, end: Some(end) };
                pieces.push((piece, zstd::encode_all(segment.as_slice(), 1).unwrap()));
            };
            let mut end = 4;
            while let Some(event) = reader.next_event().unwrap() {
                if event.header.event_type == EventType::FORMAT_DESCRIPTION {
                    format = event.raw.to_vec();
                }
                content.extend_from_slice(event.raw);
                end = event.offset.unwrap() + event.raw.len() as u64;
                count += usize::from(tracker.observe(&event).unwrap().ending().is_some());
                if count == transactions {
                    seal(start, end, &format, &content);
                    (start, count) = (end, 0);
                    content.clear();
                }
            }
            if !content.is_empty() {
                seal(start, end, &format, &content);
            }
        }
        Self(pieces)
    }
}

impl BinaryLog for Pieces {
    fn pieces(&self) -> io::Result<Vec<LogPiece>> {
        Ok(self.0.iter().rev().map(|(piece, _)| piece.clone()).collect())
    }

    fn open(&self, piece: &LogPiece) -> io::Result<Box<dyn Read + Send>> {
        let found = self.0.iter().find(|(own, _)| own == piece).ok_or(io::ErrorKind::NotFound)?;
        Ok(Box::new(Cursor::new(found.1.clone())))
    }
}
