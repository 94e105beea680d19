//! Files of the result: compressed, hashed and counted on their way to the sink.

use std::io::{self, Read, Write};

use backtrail_domain::TableName;
use flate2::write::GzEncoder;
use sha2::{Digest, Sha256};

use crate::EngineError;
use crate::input::ledger::hexadecimal;
use crate::io::{ResultFile, ResultSink};
use crate::report::FileReport;
use crate::request::Compression;

const ZSTD_LEVEL: i32 = 3;

/// A file of the result, being written.
pub(crate) struct OutputFile {
    name: String,
    encoder: Encoder,
    content_size: u64,
}

enum Encoder {
    None(Hashing),
    Gzip(Box<GzEncoder<Hashing>>),
    Zstd(Box<zstd::stream::write::Encoder<'static, Hashing>>),
}

/// Hashes and counts what goes to the sink.
struct Hashing {
    file: Box<dyn ResultFile>,
    sha256: Sha256,
    size: u64,
}

impl Write for Hashing {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = self.file.write(bytes)?;
        self.sha256.update(bytes.get(..written).unwrap_or_default());
        self.size += written as u64;
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

fn suffix(compression: Compression) -> &'static str {
    match compression {
        Compression::None => "",
        Compression::Gzip => ".gz",
        Compression::Zstd => ".zst",
    }
}

impl OutputFile {
    /// Begins a file; `stem` is its name without a suffix for the compression.
    pub(crate) fn create(sink: &dyn ResultSink, stem: &str, compression: Compression) -> Result<Self, EngineError> {
        let name = format!("{stem}{}", suffix(compression));
        let failed = |source| EngineError::Result { file: name.clone(), source };
        let hashing = Hashing { file: sink.create(&name).map_err(failed)?, sha256: Sha256::new(), size: 0 };
        let encoder = match compression {
            Compression::None => Encoder::None(hashing),
            Compression::Gzip => Encoder::Gzip(Box::new(GzEncoder::new(hashing, flate2::Compression::default()))),
            Compression::Zstd => {
                let mut encoder = zstd::stream::write::Encoder::new(hashing, ZSTD_LEVEL).map_err(failed)?;
                encoder.include_checksum(true).map_err(failed)?;
                Encoder::Zstd(Box::new(encoder))
            }
        };
        Ok(Self { name, encoder, content_size: 0 })
    }

    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    /// Ends the file: from now on it exists.
    pub(crate) fn finish(self, table: Option<&TableName>, rows: Option<u64>) -> Result<FileReport, EngineError> {
        let name = self.name;
        let failed = |source| EngineError::Result { file: name.clone(), source };
        let mut hashing = match self.encoder {
            Encoder::None(hashing) => hashing,
            Encoder::Gzip(encoder) => encoder.finish().map_err(failed)?,
            Encoder::Zstd(encoder) => encoder.finish().map_err(failed)?,
        };
        hashing.flush().map_err(failed)?;
        hashing.file.finish().map_err(failed)?;
        let sha256 = hexadecimal(&hashing.sha256.finalize());
        Ok(FileReport {
            size: hashing.size,
            content_size: self.content_size,
            sha256,
            table: table.cloned(),
            rows,
            name,
        })
    }
}

impl Write for OutputFile {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = match &mut self.encoder {
            Encoder::None(hashing) => hashing.write(bytes)?,
            Encoder::Gzip(encoder) => encoder.write(bytes)?,
            Encoder::Zstd(encoder) => encoder.write(bytes)?,
        };
        self.content_size += written as u64;
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        // Flushing an encoder in the middle costs compression; the end flushes.
        Ok(())
    }
}

/// Reads from a source and writes what it read to a file on the way.
pub(crate) struct Tee<R> {
    source: R,
    file: OutputFile,
    /// Why a write failed: the reader's caller sees only that reading did.
    pub(crate) failure: Option<io::Error>,
    /// The last byte that was neither blank nor line end.
    pub(crate) last: Option<u8>,
    pub(crate) bytes: u64,
}

impl<R: Read> Tee<R> {
    pub(crate) fn new(source: R, file: OutputFile) -> Self {
        Self { source, file, failure: None, last: None, bytes: 0 }
    }

    pub(crate) fn into_file(self) -> OutputFile {
        self.file
    }

    pub(crate) fn file_name(&self) -> &str {
        self.file.name()
    }
}

impl<R: Read> Read for Tee<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.source.read(buffer)?;
        let read = buffer.get(..count).unwrap_or_default();
        if let Err(problem) = self.file.write_all(read) {
            self.failure = Some(problem);
            return Err(io::Error::other("the copy could not be written"));
        }
        if let Some(last) = read.iter().rev().find(|byte| !byte.is_ascii_whitespace()) {
            self.last = Some(*last);
        }
        self.bytes += count as u64;
        Ok(count)
    }
}
