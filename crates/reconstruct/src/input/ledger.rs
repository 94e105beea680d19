//! The account of the inputs: what was read of every file, its checksum made on the way.
//!
//! The engine reads through [`AccountedBaseline`] and [`AccountedLog`]. A file that is read to its end is compared with
//! what a manifest promises of it, with its size in the directory, and with itself when it was read before; a difference
//! is an error of that very read, before anything is made of the file's last rows.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{self, Read};
use std::sync::{Arc, Mutex, PoisonError};

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::EngineError;
use crate::input::place::PlannedPiece;
use crate::io::{Baseline, BinaryLog, FileInfo, LogPiece, NameCase, Promised};

/// What was read of one stored file.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Reading {
    /// Bytes read from its beginning, as stored.
    pub bytes: u64,
    /// SHA-256 of these bytes, in hexadecimal.
    pub sha256: String,
    /// Whether these bytes are all of the file.
    pub whole: bool,
    /// Whether size and checksum were compared with what a manifest (or the archive's index) says: only a file that was
    /// read whole can be.
    pub compared: bool,
}

/// What was read of a file of the baseline.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct BaselineReading {
    /// Its name.
    pub name: String,
    /// Bytes and checksum.
    #[serde(flatten)]
    pub reading: Reading,
    /// Rows read from it, for data files of tables that are written.
    pub rows: Option<u64>,
}

/// What was read of the baseline to make a plan and to carry it out; of a file that was read both times, the longer reading.
///
/// # Errors
/// A file that was another one the second time.
pub(crate) fn both_times(
    planning: &[BaselineReading],
    carrying_out: Vec<BaselineReading>,
) -> Result<Vec<BaselineReading>, EngineError> {
    let mut all: BTreeMap<String, BaselineReading> =
        planning.iter().map(|reading| (reading.name.clone(), reading.clone())).collect();
    for later in carrying_out {
        let Some(earlier) = all.get_mut(&later.name) else {
            all.insert(later.name.clone(), later);
            continue;
        };
        if earlier.reading.whole && later.reading.whole && earlier.reading.sha256 != later.reading.sha256 {
            return Err(EngineError::StalePlan { reason: format!("{} of the baseline has other bytes", later.name) });
        }
        earlier.rows = later.rows.or(earlier.rows);
        if later.reading.whole || (!earlier.reading.whole && later.reading.bytes > earlier.reading.bytes) {
            earlier.reading = later.reading;
        }
    }
    Ok(all.into_values().collect())
}

/// The readings of all files, by name.
#[derive(Debug, Default)]
pub(crate) struct Ledger(Mutex<BTreeMap<String, Reading>>);

impl Ledger {
    /// What was read of a file; nothing of one that was not opened.
    pub(crate) fn reading(&self, name: &str) -> Reading {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).get(name).cloned().unwrap_or_default()
    }

    /// Every file that was read.
    pub(crate) fn readings(&self) -> Vec<(String, Reading)> {
        let readings = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        readings.iter().map(|(name, reading)| (name.clone(), reading.clone())).collect()
    }

    /// The longest reading of a file counts. Two that went to its end must be the same.
    fn note(&self, name: &str, reading: Reading) -> Result<(), String> {
        let mut readings = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let known = readings.entry(name.to_owned()).or_default();
        if known.whole && reading.whole && (known.bytes, &known.sha256) != (reading.bytes, &reading.sha256) {
            return Err("it is not what it was when it was read before".to_owned());
        }
        if !known.whole && (reading.whole || reading.bytes >= known.bytes) {
            *known = reading;
        }
        Ok(())
    }
}

/// A baseline that is accounted for.
pub(crate) struct AccountedBaseline<'a> {
    inner: &'a dyn Baseline,
    ledger: Arc<Ledger>,
    sizes: Mutex<BTreeMap<String, u64>>,
    rows: Mutex<BTreeMap<String, u64>>,
}

impl<'a> AccountedBaseline<'a> {
    pub(crate) fn new(inner: &'a dyn Baseline) -> Self {
        Self { inner, ledger: Arc::default(), sizes: Mutex::default(), rows: Mutex::default() }
    }

    /// A data file was read to its end, and so many rows were in it: as many as its manifest says.
    pub(crate) fn rows_read(&self, file: &str, rows: u64) -> Result<(), EngineError> {
        let different = |problem| Err(EngineError::InputAccounting { file: file.to_owned(), problem });
        if !self.ledger.reading(file).whole {
            return different("its rows were taken, but it was not read to its end".to_owned());
        }
        match self.inner.promised(file).and_then(|promised| promised.rows) {
            Some(promised) if promised != rows => {
                return different(format!("{rows} rows were read, its manifest says {promised}"));
            }
            _ => {}
        }
        self.rows.lock().unwrap_or_else(PoisonError::into_inner).insert(file.to_owned(), rows);
        Ok(())
    }

    /// All that was read so far, by name.
    pub(crate) fn readings(&self) -> Vec<BaselineReading> {
        let rows = self.rows.lock().unwrap_or_else(PoisonError::into_inner);
        let readings = self.ledger.readings().into_iter();
        readings.map(|(name, reading)| BaselineReading { rows: rows.get(&name).copied(), name, reading }).collect()
    }
}

impl Baseline for AccountedBaseline<'_> {
    fn files(&self) -> io::Result<Vec<FileInfo>> {
        let files = self.inner.files()?;
        let sizes = files.iter().map(|file| (file.name.clone(), file.size)).collect();
        *self.sizes.lock().unwrap_or_else(PoisonError::into_inner) = sizes;
        Ok(files)
    }

    fn open(&self, name: &str) -> io::Result<Box<dyn Read + Send>> {
        let listed = self.sizes.lock().unwrap_or_else(PoisonError::into_inner).get(name).copied();
        let source = self.inner.open(name)?;
        Ok(Box::new(AccountedReader::new(source, name, self.inner.promised(name), listed, &self.ledger)))
    }

    fn promised(&self, name: &str) -> Option<Promised> {
        self.inner.promised(name)
    }

    fn name_case(&self) -> Option<NameCase> {
        self.inner.name_case()
    }
}

/// A binary log that is accounted for.
pub(crate) struct AccountedLog<'a> {
    inner: &'a dyn BinaryLog,
    ledger: Arc<Ledger>,
}

impl<'a> AccountedLog<'a> {
    pub(crate) fn new(inner: &'a dyn BinaryLog) -> Self {
        Self { inner, ledger: Arc::default() }
    }

    /// The pieces that were read, in part or whole.
    pub(crate) fn opened(&self) -> BTreeSet<String> {
        self.ledger.readings().into_iter().map(|(name, _)| name).collect()
    }

    /// Puts what was read of each piece beside it.
    pub(crate) fn fill(&self, pieces: &mut [PlannedPiece]) {
        for piece in pieces {
            piece.reading = self.ledger.reading(&piece.name);
        }
    }
}

impl BinaryLog for AccountedLog<'_> {
    fn pieces(&self) -> io::Result<Vec<LogPiece>> {
        self.inner.pieces()
    }

    fn open(&self, piece: &LogPiece) -> io::Result<Box<dyn Read + Send>> {
        let source = self.inner.open(piece)?;
        let promised = self.inner.promised(piece);
        Ok(Box::new(AccountedReader::new(source, &piece.name, promised, None, &self.ledger)))
    }

    fn promised(&self, piece: &LogPiece) -> Option<Promised> {
        self.inner.promised(piece)
    }
}

/// Hashes and counts what comes through; what it saw goes to the ledger at the end, or when it is dropped before.
struct AccountedReader {
    source: Box<dyn Read + Send>,
    name: String,
    promised: Option<Promised>,
    /// The size that the directory listed.
    listed: Option<u64>,
    ledger: Arc<Ledger>,
    sha256: Sha256,
    bytes: u64,
    state: State,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Reading,
    Ended,
    Failed,
}

impl AccountedReader {
    fn new(
        source: Box<dyn Read + Send>,
        name: &str,
        promised: Option<Promised>,
        listed: Option<u64>,
        ledger: &Arc<Ledger>,
    ) -> Self {
        Self {
            source,
            name: name.to_owned(),
            promised,
            listed,
            ledger: Arc::clone(ledger),
            sha256: Sha256::new(),
            bytes: 0,
            state: State::Reading,
        }
    }

    fn damaged(&self, reason: &str) -> io::Error {
        io::Error::new(io::ErrorKind::InvalidData, format!("{} is damaged: {reason}", self.name))
    }

    fn end(&mut self) -> io::Result<()> {
        match std::mem::replace(&mut self.state, State::Failed) {
            State::Reading => {
                self.compare()?;
                self.state = State::Ended;
                Ok(())
            }
            State::Ended => {
                self.state = State::Ended;
                Ok(())
            }
            State::Failed => Err(self.damaged("reading goes on after an error")),
        }
    }

    fn compare(&mut self) -> io::Result<()> {
        let sha256 = hexadecimal(&std::mem::take(&mut self.sha256).finalize());
        let size = self.promised.as_ref().map(|promised| promised.size).or(self.listed);
        if let Some(size) = size.filter(|size| *size != self.bytes) {
            return Err(self.damaged(&format!("it has {} bytes where {size} were stored", self.bytes)));
        }
        if let Some(promised) = &self.promised
            && !promised.sha256.eq_ignore_ascii_case(&sha256)
        {
            let reason = format!("its SHA-256 is {sha256} where {} was stored", promised.sha256);
            return Err(self.damaged(&reason));
        }
        let reading = Reading { bytes: self.bytes, sha256, whole: true, compared: self.promised.is_some() };
        self.ledger.note(&self.name, reading).map_err(|reason| self.damaged(&reason))
    }
}

impl Read for AccountedReader {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if buffer.is_empty() {
            return Ok(0);
        }
        let count = self.source.read(buffer)?;
        if count == 0 {
            self.end()?;
            return Ok(0);
        }
        self.bytes += count as u64;
        self.sha256.update(buffer.get(..count).unwrap_or_default());
        if let Some(promised) = self.promised.as_ref().filter(|promised| self.bytes > promised.size) {
            return Err(self.damaged(&format!("it has more than the {} bytes that were stored", promised.size)));
        }
        Ok(count)
    }
}

impl Drop for AccountedReader {
    fn drop(&mut self) {
        if self.state == State::Reading {
            let sha256 = hexadecimal(&std::mem::take(&mut self.sha256).finalize());
            // A beginning contradicts nothing.
            let _ = self.ledger.note(&self.name, Reading { bytes: self.bytes, sha256, whole: false, compared: false });
        }
    }
}

pub(crate) fn hexadecimal(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
