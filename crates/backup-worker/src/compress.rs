//! From a file of the dump to compressed chunks, its rows counted on the way.
//!
//! The object is a sequence of zstd frames of about 1 MiB of content each, which every zstd reader takes for one stream. A
//! reader that knows where a frame begins need not read those before it.

use std::fs::File;
use std::io::{self, Read, Write};
use std::path::Path;

use backtrail_dump::DumpError;
use backtrail_dump::tokenizer::{Piece, StatementReader};
use bytes::Bytes;
use tokio::sync::mpsc;

/// Content of one frame, about.
const FRAME: usize = 1 << 20;
/// Compressed bytes handed on at once.
const CHUNK: usize = 256 << 10;

/// What a file held.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Counted {
    /// Bytes before compression.
    pub(crate) content_size: u64,
    /// Rows, for a file of rows.
    pub(crate) rows: Option<u64>,
}

/// Why a file could not be taken.
#[derive(Debug, thiserror::Error)]
pub(crate) enum CompressError {
    #[error("the dump's {file} cannot be read")]
    Read { file: String, source: io::Error },
    #[error("mydumper wrote a broken file; take the backup again")]
    Broken(#[from] DumpError),
    /// The upload ended first; its error says why.
    #[error("the upload ended before the file")]
    Abandoned,
}

/// Compresses a file into `chunks`. A file of rows must end where its last statement ends.
pub(crate) fn compress(
    path: &Path,
    name: &str,
    holds_rows: bool,
    level: i32,
    chunks: mpsc::Sender<Bytes>,
) -> Result<Counted, CompressError> {
    let read_error = |source| CompressError::Read { file: name.to_owned(), source };
    let file = File::open(path).map_err(read_error)?;
    let mut frames = Frames::new(chunks, level);
    let mut counted = Counted::default();
    let outcome = if holds_rows {
        let tee = Tee { source: file, frames: &mut frames };
        count_rows(tee, name).map(|rows| counted.rows = Some(rows))
    } else {
        io::copy(&mut &file, &mut frames).map(drop).map_err(read_error)
    };
    if frames.abandoned {
        return Err(CompressError::Abandoned);
    }
    outcome?;
    frames.end_frame().and_then(|()| frames.send(0)).map_err(|_| CompressError::Abandoned)?;
    counted.content_size = frames.content_size;
    Ok(counted)
}

fn count_rows(source: impl Read, name: &str) -> Result<u64, CompressError> {
    let mut reader = StatementReader::new(source, name);
    let mut rows = 0;
    while let Some(piece) = reader.next_piece()? {
        rows += u64::from(matches!(piece, Piece::Row(_)));
    }
    Ok(rows)
}

/// Hands on what it reads.
struct Tee<'a> {
    source: File,
    frames: &'a mut Frames,
}

impl Read for Tee<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.source.read(buffer)?;
        self.frames.write_all(buffer.get(..read).unwrap_or_default())?;
        Ok(read)
    }
}

/// Writes frames into chunks.
struct Frames {
    chunks: mpsc::Sender<Bytes>,
    level: i32,
    encoder: Option<zstd::stream::write::Encoder<'static, Vec<u8>>>,
    in_frame: usize,
    /// Ended frames that are not handed on yet.
    ready: Vec<u8>,
    content_size: u64,
    abandoned: bool,
}

impl Frames {
    fn new(chunks: mpsc::Sender<Bytes>, level: i32) -> Self {
        Self { chunks, level, encoder: None, in_frame: 0, ready: Vec::new(), content_size: 0, abandoned: false }
    }

    fn end_frame(&mut self) -> io::Result<()> {
        if let Some(encoder) = self.encoder.take() {
            self.ready = encoder.finish()?;
            self.in_frame = 0;
        }
        Ok(())
    }

    /// Hands on what is ready, if it is more than `keep`.
    fn send(&mut self, keep: usize) -> io::Result<()> {
        if self.ready.len() > keep {
            let chunk = Bytes::from(std::mem::take(&mut self.ready));
            if self.chunks.blocking_send(chunk).is_err() {
                self.abandoned = true;
                return Err(io::ErrorKind::BrokenPipe.into());
            }
        }
        Ok(())
    }
}

impl Write for Frames {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let encoder = match &mut self.encoder {
            Some(encoder) => encoder,
            None => {
                let mut encoder = zstd::stream::write::Encoder::new(std::mem::take(&mut self.ready), self.level)?;
                encoder.include_checksum(true)?;
                self.encoder.insert(encoder)
            }
        };
        let piece = bytes.get(..bytes.len().min(FRAME - self.in_frame.min(FRAME - 1))).unwrap_or(bytes);
        encoder.write_all(piece)?;
        self.in_frame += piece.len();
        self.content_size += piece.len() as u64;
        if self.in_frame >= FRAME {
            self.end_frame()?;
            self.send(CHUNK)?;
        }
        Ok(piece.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run(content: &[u8], holds_rows: bool) -> (Result<Counted, CompressError>, Vec<u8>) {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("file.sql");
        std::fs::write(&path, content).unwrap();
        let (sender, mut receiver) = mpsc::channel(1024);
        let counted = compress(&path, "file.sql", holds_rows, 1, sender);
        let mut compressed = Vec::new();
        while let Ok(chunk) = receiver.try_recv() {
            compressed.extend_from_slice(&chunk);
        }
        (counted, compressed)
    }

    #[test]
    fn what_goes_in_comes_out_and_rows_are_counted() {
        let mut content = b"INSERT INTO `t` VALUES\n(0,\"a),(b\")".to_vec();
        for number in 1..200_000 {
            content.extend_from_slice(format!(",\n({number},\"row {number}\")").as_bytes());
        }
        content.extend_from_slice(b";\n");
        let (counted, compressed) = run(&content, true);
        let counted = counted.unwrap();
        assert_eq!(counted, Counted { content_size: content.len() as u64, rows: Some(200_000) });
        assert_eq!(zstd::stream::decode_all(&*compressed).unwrap(), content);
        let frames = compressed.windows(4).filter(|window| *window == [0x28, 0xb5, 0x2f, 0xfd]).count();
        assert!(frames >= content.len() / FRAME, "{frames} frames");
    }

    #[test]
    fn a_file_that_breaks_off_is_refused() {
        let (counted, _) = run(b"INSERT INTO `t` VALUES\n(1,\"a\"),\n(2,\"b", true);
        assert!(matches!(counted, Err(CompressError::Broken(_))), "{counted:?}");
    }

    #[test]
    fn an_empty_file_is_an_empty_stream() {
        let (counted, compressed) = run(b"", false);
        assert_eq!(counted.unwrap(), Counted::default());
        assert_eq!(compressed, Vec::<u8>::new());
    }

    #[test]
    fn an_upload_that_ended_ends_the_reading() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("file");
        std::fs::write(&path, vec![b'x'; 3 * FRAME]).unwrap();
        let (sender, receiver) = mpsc::channel(1);
        drop(receiver);
        assert!(matches!(compress(&path, "file", false, 1, sender), Err(CompressError::Abandoned)));
    }
}
