//! One segment while it is being read: compressed, in memory or in a temporary file.

use std::io::{self, Seek, SeekFrom, Write};
use std::path::PathBuf;
use std::time::Instant;

use backtrail_objects::{ObjectError, ObjectStore, StoredObject};
use bytes::Bytes;
use tokio::io::AsyncReadExt;

/// About this much of the log is a frame, which can be decompressed by itself.
const FRAME: usize = 1 << 20;
/// Compressed bytes of a segment that stay in memory.
const IN_MEMORY: usize = 16 << 20;
/// Bytes handed to an upload at a time.
const PIECE: usize = 1 << 20;
/// zstd's own default.
const LEVEL: i32 = 3;
/// What every binary log file begins with.
const MAGIC: &[u8] = b"\xfebin";

/// Collects the events of a segment.
#[derive(Debug)]
pub(crate) struct SegmentBuffer {
    pub(crate) start: u64,
    pub(crate) end: u64,
    /// When its first event came.
    pub(crate) since: Instant,
    /// Bytes of the decompressed content.
    content: u64,
    frame: Vec<u8>,
    frames: u32,
    compressed: Vec<u8>,
    spilled: Option<std::fs::File>,
    directory: PathBuf,
}

/// A segment that could not be written to the local disk.
#[derive(Debug, thiserror::Error)]
#[error("a segment could not be kept in {}; is the disk full?", directory.display())]
pub(crate) struct SpillError {
    directory: PathBuf,
    source: io::Error,
}

impl SegmentBuffer {
    /// Begins a segment at an offset of its file. `format` is the file's format description; at offset 4 it is the first
    /// event itself.
    pub(crate) fn new(start: u64, format: &[u8], directory: PathBuf) -> Self {
        let mut frame = Vec::with_capacity(FRAME + FRAME / 8);
        frame.extend_from_slice(MAGIC);
        if start != MAGIC.len() as u64 {
            frame.extend_from_slice(format);
        }
        let content = frame.len() as u64;
        Self {
            start,
            end: start,
            since: Instant::now(),
            content,
            frame,
            frames: 0,
            compressed: Vec::new(),
            spilled: None,
            directory,
        }
    }

    /// Adds the next event.
    pub(crate) fn push(&mut self, event: &[u8]) -> Result<(), SpillError> {
        self.frame.extend_from_slice(event);
        self.end += event.len() as u64;
        self.content += event.len() as u64;
        if self.frame.len() >= FRAME { self.end_frame() } else { Ok(()) }
    }

    /// The frame that the next event goes to.
    pub(crate) fn frame(&self) -> u32 {
        self.frames
    }

    pub(crate) fn content_size(&self) -> u64 {
        self.content
    }

    fn end_frame(&mut self) -> Result<(), SpillError> {
        self.compress().map_err(|source| SpillError { directory: self.directory.clone(), source })
    }

    fn compress(&mut self) -> io::Result<()> {
        let frame = zstd::bulk::compress(&self.frame, LEVEL)?;
        self.frame.clear();
        // One large event must not leave its memory behind.
        self.frame.shrink_to(2 * FRAME);
        self.frames += 1;
        self.compressed.extend_from_slice(&frame);
        if self.compressed.len() > IN_MEMORY {
            let file = match &mut self.spilled {
                Some(file) => file,
                empty => empty.insert(tempfile::tempfile_in(&self.directory)?),
            };
            file.write_all(&self.compressed)?;
            self.compressed.clear();
        }
        Ok(())
    }

    /// Stores the segment under its key.
    pub(crate) async fn upload(mut self, objects: &ObjectStore, key: &str) -> Result<StoredObject, UploadError> {
        if !self.frame.is_empty() {
            self.end_frame()?;
        }
        let mut upload = objects.upload(key)?;
        if let Some(mut file) = self.spilled.take() {
            let failed = |source| SpillError { directory: self.directory.clone(), source };
            file.seek(SeekFrom::Start(0)).map_err(failed)?;
            let mut file = tokio::fs::File::from_std(file);
            loop {
                let mut piece = bytes::BytesMut::with_capacity(PIECE);
                if file.read_buf(&mut piece).await.map_err(failed)? == 0 {
                    break;
                }
                upload.write(piece.freeze()).await?;
            }
        }
        let mut rest = Bytes::from(self.compressed);
        while !rest.is_empty() {
            upload.write(rest.split_to(PIECE.min(rest.len()))).await?;
        }
        Ok(upload.finish().await?)
    }
}

/// A segment that could not be stored.
#[derive(Debug, thiserror::Error)]
pub(crate) enum UploadError {
    /// Here.
    #[error(transparent)]
    Spill(#[from] SpillError),
    /// There.
    #[error(transparent)]
    Objects(#[from] ObjectError),
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn frames_are_plain_zstd_and_large_segments_go_to_disk() {
        let mut buffer = SegmentBuffer::new(1000, b"FORMAT", std::env::temp_dir());
        let mut expected = b"\xfebinFORMAT".to_vec();
        // Bytes that do not compress.
        let mut state = 1_u64;
        let event: Vec<u8> = (0..300_000)
            .map(|_| {
                state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
                (state >> 56) as u8
            })
            .collect();
        for _ in 0..240 {
            buffer.push(&event).unwrap();
            expected.extend_from_slice(&event);
        }
        assert_eq!((buffer.start, buffer.end), (1000, 1000 + 240 * 300_000));
        assert_eq!(buffer.content_size(), expected.len() as u64);
        assert!(buffer.compressed.len() <= IN_MEMORY && buffer.frame() > 10);
        buffer.end_frame().unwrap();
        let mut file = buffer.spilled.take().unwrap();
        file.seek(SeekFrom::Start(0)).unwrap();
        let stored = io::Read::chain(file, io::Cursor::new(std::mem::take(&mut buffer.compressed)));
        assert!(zstd::decode_all(stored).unwrap() == expected);
    }

    #[test]
    fn the_first_segment_of_a_file_has_its_format_once() {
        let mut buffer = SegmentBuffer::new(4, b"FORMAT", std::env::temp_dir());
        buffer.push(b"FORMAT").unwrap();
        buffer.end_frame().unwrap();
        assert_eq!(zstd::decode_all(buffer.compressed.as_slice()).unwrap(), b"\xfebinFORMAT");
        assert_eq!(buffer.end, 10);
    }
}
