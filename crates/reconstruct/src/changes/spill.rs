//! Change sets on disk: sorted runs, and the one sorted file that they become.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::io;

use crate::EngineError;
use crate::changes::record::{Effect, EventAt, Misfit, Record};
use crate::io::{Spill, SpillFile};

/// Runs are written and read in pieces of about this size.
const BUFFER: usize = 256 << 10;
/// What a lookup reads at once.
const BLOCK: usize = 32 << 10;

/// Entries in key order, each key once, in a temporary file.
pub(crate) struct Run {
    file: Box<dyn SpillFile>,
    length: u64,
    pub(crate) records: u64,
}

/// Writes a [`Run`].
pub(crate) struct RunWriter {
    file: Box<dyn SpillFile>,
    buffer: Vec<u8>,
    length: u64,
    records: u64,
}

fn failed(source: io::Error) -> EngineError {
    EngineError::Spill { source }
}

fn damaged() -> EngineError {
    failed(io::Error::new(io::ErrorKind::InvalidData, "a temporary file does not hold what was written to it"))
}

impl RunWriter {
    pub(crate) fn new(spill: &dyn Spill) -> Result<Self, EngineError> {
        Ok(Self { file: spill.create().map_err(failed)?, buffer: Vec::new(), length: 0, records: 0 })
    }

    /// Adds an entry, whose key must come after the last one's.
    pub(crate) fn push(&mut self, record: &Record<'_>) -> Result<(), EngineError> {
        record.write(&mut self.buffer);
        self.records += 1;
        if self.buffer.len() >= BUFFER { self.flush() } else { Ok(()) }
    }

    /// Offset of the next entry.
    fn offset(&self) -> u64 {
        self.length + self.buffer.len() as u64
    }

    fn flush(&mut self) -> Result<(), EngineError> {
        self.file.append(&self.buffer).map_err(failed)?;
        self.length += self.buffer.len() as u64;
        self.buffer.clear();
        Ok(())
    }

    pub(crate) fn finish(mut self) -> Result<Run, EngineError> {
        self.flush()?;
        Ok(Run { file: self.file, length: self.length, records: self.records })
    }
}

impl Run {
    pub(crate) fn length(&self) -> u64 {
        self.length
    }

    /// Reads the entries in order.
    pub(crate) fn read(&self) -> RunReader<'_> {
        RunReader { run: self, next: 0, buffer: Vec::new(), at: 0 }
    }
}

/// Reads a [`Run`] from front to back.
pub(crate) struct RunReader<'a> {
    run: &'a Run,
    /// Offset in the file of the end of the buffer.
    next: u64,
    buffer: Vec<u8>,
    at: usize,
}

impl RunReader<'_> {
    /// Brings the next entry to the front of the buffer and says how long it is; None at the end.
    fn load(&mut self) -> Result<Option<usize>, EngineError> {
        loop {
            let rest = self.buffer.get(self.at..).unwrap_or_default();
            let mut after = rest;
            if Record::read(&mut after).is_some() {
                return Ok(Some(rest.len() - after.len()));
            }
            if self.next == self.run.length {
                return if rest.is_empty() { Ok(None) } else { Err(damaged()) };
            }
            self.refill()?;
        }
    }

    /// The entry at the front, which must have been loaded.
    fn front(&self) -> Result<Record<'_>, EngineError> {
        Record::read(&mut self.buffer.get(self.at..).unwrap_or_default()).ok_or_else(damaged)
    }

    fn refill(&mut self) -> Result<(), EngineError> {
        self.buffer.drain(..self.at);
        self.at = 0;
        let kept = self.buffer.len();
        // An entry longer than the buffer makes the buffer grow by doubling.
        let more = (BUFFER.max(kept) as u64).min(self.run.length - self.next);
        self.buffer.resize(kept + more as usize, 0);
        let room = self.buffer.get_mut(kept..).unwrap_or_default();
        self.run.file.read_at(self.next, room).map_err(failed)?;
        self.next += more;
        Ok(())
    }
}

/// Calls `each` for every entry of the runs in key order; entries of the same key become one, in the order of the runs,
/// which is the order of the log.
fn merge_runs(
    runs: &[Run],
    misfit: &mut dyn FnMut(Misfit, &Record<'_>) -> EngineError,
    each: &mut dyn FnMut(&Record<'_>) -> Result<(), EngineError>,
) -> Result<(), EngineError> {
    let mut readers: Vec<RunReader<'_>> = runs.iter().map(Run::read).collect();
    // The readers that have an entry left, by its key, then by age.
    let mut heap: BinaryHeap<Reverse<(Vec<u8>, usize)>> = BinaryHeap::with_capacity(readers.len());
    for (index, reader) in readers.iter_mut().enumerate() {
        if reader.load()?.is_some() {
            heap.push(Reverse((reader.front()?.key.to_vec(), index)));
        }
    }
    let mut image = Vec::new();
    while let Some(Reverse((key, first))) = heap.pop() {
        let mut merged: Option<(Effect, EventAt)> = None;
        image.clear();
        let mut pending = Some((key.clone(), first));
        while let Some((mut buffer, index)) = pending.take() {
            let Some(reader) = readers.get_mut(index) else { break };
            let Some(size) = reader.load()? else { return Err(damaged()) };
            let record = reader.front()?;
            let effect = match merged {
                None => record.effect,
                Some((earlier, _)) => earlier.then(record.effect).map_err(|problem| misfit(problem, &record))?,
            };
            merged = Some((effect, record.at));
            // Equal rows that are counted share one image, and a delete brings none.
            if !record.image.is_empty() || !matches!(record.effect, Effect::Count { .. }) {
                image.clear();
                image.extend_from_slice(record.image);
            }
            reader.at += size;
            if reader.load()?.is_some() {
                buffer.clear();
                buffer.extend_from_slice(reader.front()?.key);
                debug_assert!(buffer > key, "a run out of order");
                heap.push(Reverse((buffer, index)));
            }
            if heap.peek().is_some_and(|Reverse((other, _))| *other == key) {
                pending = heap.pop().map(|Reverse(entry)| entry);
            }
        }
        if let Some((effect, at)) = merged {
            each(&Record { key: &key, effect, at, image: &image })?;
        }
    }
    Ok(())
}

/// A sorted file that can be searched: a sparse index in memory, one block read for each lookup that leaves the last.
pub(crate) struct SortedFile {
    run: Run,
    blocks: Vec<Block>,
}

struct Block {
    first_key: Box<[u8]>,
    offset: u64,
    first_record: u64,
}

impl SortedFile {
    /// Makes one searchable file of runs, which are in the order of the log. `misfit` makes the error of two entries that
    /// contradict each other.
    pub(crate) fn build(
        mut runs: Vec<Run>,
        spill: &dyn Spill,
        misfit: &mut dyn FnMut(Misfit, &Record<'_>) -> EngineError,
    ) -> Result<Self, EngineError> {
        let mut blocks = Vec::new();
        let run = match (runs.pop(), runs.is_empty()) {
            (Some(run), true) => {
                let mut reader = run.read();
                let (mut offset, mut number) = (0, 0);
                while let Some(size) = reader.load()? {
                    note(&mut blocks, reader.front()?.key, offset, number);
                    reader.at += size;
                    offset += size as u64;
                    number += 1;
                }
                run
            }
            (last, _) => {
                runs.extend(last);
                let mut writer = RunWriter::new(spill)?;
                merge_runs(&runs, misfit, &mut |record| {
                    note(&mut blocks, record.key, writer.offset(), writer.records);
                    writer.push(record)
                })?;
                writer.finish()?
            }
        };
        Ok(Self { run, blocks })
    }

    /// How many entries there are.
    pub(crate) fn records(&self) -> u64 {
        self.run.records
    }

    /// Bytes on disk.
    pub(crate) fn length(&self) -> u64 {
        self.run.length
    }

    /// A reader with a block cache of its own.
    pub(crate) fn cursor(&self) -> SortedCursor<'_> {
        SortedCursor { file: self, block: None, bytes: Vec::new(), starts: Vec::new() }
    }

    /// Calls `each` with the number of every entry and the entry, in key order.
    pub(crate) fn for_each(
        &self,
        each: &mut dyn FnMut(u64, &Record<'_>) -> Result<(), EngineError>,
    ) -> Result<(), EngineError> {
        let mut reader = self.run.read();
        let mut number = 0;
        while let Some(size) = reader.load()? {
            each(number, &reader.front()?)?;
            reader.at += size;
            number += 1;
        }
        Ok(())
    }
}

fn note(blocks: &mut Vec<Block>, key: &[u8], offset: u64, number: u64) {
    if blocks.last().is_none_or(|block| offset - block.offset >= BLOCK as u64) {
        blocks.push(Block { first_key: key.into(), offset, first_record: number });
    }
}

/// Looks entries up in a [`SortedFile`]. Keys that come in order (as a dump's rows do) read each block once.
pub(crate) struct SortedCursor<'a> {
    file: &'a SortedFile,
    block: Option<usize>,
    bytes: Vec<u8>,
    /// Where each entry of the block begins.
    starts: Vec<u32>,
}

impl SortedCursor<'_> {
    /// The entry of a key, with its number.
    pub(crate) fn find(&mut self, key: &[u8]) -> Result<Option<(u64, Record<'_>)>, EngineError> {
        let blocks = &self.file.blocks;
        let Some(wanted) = blocks.partition_point(|block| &*block.first_key <= key).checked_sub(1) else {
            return Ok(None);
        };
        if self.block != Some(wanted) {
            self.load(wanted)?;
        }
        let at = |start: &u32| Record::read(&mut self.bytes.get(*start as usize..).unwrap_or_default());
        let found = self
            .starts
            .binary_search_by(|start| at(start).map_or(std::cmp::Ordering::Greater, |record| record.key.cmp(key)));
        let (Ok(index), Some(block)) = (found, blocks.get(wanted)) else { return Ok(None) };
        let record = self.starts.get(index).and_then(at).ok_or_else(damaged)?;
        Ok(Some((block.first_record + index as u64, record)))
    }

    /// The first entry whose key is not before this one, with its number.
    pub(crate) fn first_from(&mut self, key: &[u8]) -> Result<Option<(u64, Record<'_>)>, EngineError> {
        let mut wanted = self.file.blocks.partition_point(|block| &*block.first_key <= key).saturating_sub(1);
        let (first_record, index) = loop {
            let Some(first_record) = self.file.blocks.get(wanted).map(|block| block.first_record) else {
                return Ok(None);
            };
            if self.block != Some(wanted) {
                self.load(wanted)?;
            }
            let before = |start: &u32| {
                Record::read(&mut self.bytes.get(*start as usize..).unwrap_or_default())
                    .is_some_and(|record| record.key < key)
            };
            let index = self.starts.partition_point(before);
            if index < self.starts.len() {
                break (first_record, index);
            }
            wanted += 1;
        };
        let start = self.starts.get(index).copied().unwrap_or_default();
        let record = Record::read(&mut self.bytes.get(start as usize..).unwrap_or_default());
        Ok(Some((first_record + index as u64, record.ok_or_else(damaged)?)))
    }

    fn load(&mut self, number: usize) -> Result<(), EngineError> {
        self.block = None;
        let start = self.file.blocks.get(number).map_or(0, |block| block.offset);
        let end = self.file.blocks.get(number + 1).map_or(self.file.run.length, |block| block.offset);
        let length = usize::try_from(end - start).map_err(|_| damaged())?;
        self.bytes.resize(length, 0);
        self.file.run.file.read_at(start, &mut self.bytes).map_err(failed)?;
        self.starts.clear();
        let mut rest = self.bytes.as_slice();
        while !rest.is_empty() {
            self.starts.push((length - rest.len()) as u32);
            Record::read(&mut rest).ok_or_else(damaged)?;
        }
        self.block = Some(number);
        Ok(())
    }
}
