//! Files as stored to their content.

use std::io::{self, BufRead, BufReader, Read};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

const BUFFER: usize = 256 << 10;
const ZSTD_MAGIC: [u8; 4] = [0x28, 0xb5, 0x2f, 0xfd];
const GZIP_MAGIC: [u8; 2] = [0x1f, 0x8b];

/// Decompresses zstd and gzip, told by the first bytes; anything else comes through as it is. Several zstd frames or gzip
/// members one after the other are one content. What does not decompress is [`io::ErrorKind::InvalidData`], which no second
/// try mends; what the source says comes through as it is.
pub(crate) fn reader(source: Box<dyn Read + Send>) -> io::Result<Box<dyn Read + Send>> {
    let failed = Arc::new(AtomicBool::new(false));
    let mut source = BufReader::with_capacity(BUFFER, Stored { source, failed: failed.clone() });
    let start = source.fill_buf()?;
    // A first read that is shorter than a magic number comes of no store; a file that short is of no kind.
    Ok(if start.starts_with(&ZSTD_MAGIC) {
        Box::new(Content { decoder: zstd::stream::read::Decoder::with_buffer(source)?, source_failed: failed })
    } else if start.starts_with(&GZIP_MAGIC) {
        Box::new(Content { decoder: flate2::bufread::MultiGzDecoder::new(source), source_failed: failed })
    } else {
        Box::new(source)
    })
}

/// The bytes as stored; remembers whether they failed to come.
struct Stored {
    source: Box<dyn Read + Send>,
    failed: Arc<AtomicBool>,
}

impl Read for Stored {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.source.read(buffer);
        if read.as_ref().is_err_and(|error| error.kind() != io::ErrorKind::Interrupted) {
            self.failed.store(true, Ordering::Relaxed);
        }
        read
    }
}

/// What they decompress to. The decoders' own errors are of several kinds, none of which says whose fault it was.
struct Content<D> {
    decoder: D,
    source_failed: Arc<AtomicBool>,
}

impl<D: Read> Read for Content<D> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.decoder.read(buffer).map_err(|error| {
            let theirs = error.kind() == io::ErrorKind::Interrupted || self.source_failed.load(Ordering::Relaxed);
            if theirs { error } else { io::Error::new(io::ErrorKind::InvalidData, error) }
        })
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    fn read(stored: Vec<u8>) -> Vec<u8> {
        let mut content = Vec::new();
        reader(Box::new(io::Cursor::new(stored))).unwrap().read_to_end(&mut content).unwrap();
        content
    }

    #[test]
    fn every_form() {
        assert_eq!(read(Vec::new()), b"");
        assert_eq!(read(b"x".to_vec()), b"x");
        let mut frames = zstd::encode_all(&b"one "[..], 1).unwrap();
        frames.extend(zstd::encode_all(&b"two"[..], 1).unwrap());
        assert_eq!(read(frames), b"one two");
        let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        gzip.write_all(b"three").unwrap();
        assert_eq!(read(gzip.finish().unwrap()), b"three");
    }

    /// Some bytes, and then what the test says.
    struct Breaks(io::Cursor<Vec<u8>>, io::ErrorKind);

    impl Read for Breaks {
        fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
            match self.0.read(buffer)? {
                0 => Err(self.1.into()),
                count => Ok(count),
            }
        }
    }

    #[test]
    fn whose_fault_it_was() {
        let content: Vec<u8> =
            (0..100_000_u32).flat_map(|number| number.wrapping_mul(2_654_435_761).to_le_bytes()).collect();
        let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        gzip.write_all(&content).unwrap();
        for stored in [zstd::encode_all(&content[..], 1).unwrap(), gzip.finish().unwrap()] {
            let half = stored[..stored.len() / 2].to_vec();
            let mut flipped = stored.clone();
            // In a block's header of the one, in the checksum behind the other.
            flipped[6] ^= 0xff;
            let last = flipped.len() - 6;
            flipped[last] ^= 0xff;
            let check = |source: Box<dyn Read + Send>, kind| {
                let error = reader(source).unwrap().read_to_end(&mut Vec::new()).unwrap_err();
                assert_eq!(error.kind(), kind, "{error}");
            };
            check(Box::new(io::Cursor::new(half.clone())), io::ErrorKind::InvalidData);
            check(Box::new(io::Cursor::new(flipped)), io::ErrorKind::InvalidData);
            for kind in [io::ErrorKind::TimedOut, io::ErrorKind::UnexpectedEof, io::ErrorKind::Other] {
                check(Box::new(Breaks(io::Cursor::new(half.clone()), kind)), kind);
            }
        }
    }
}
