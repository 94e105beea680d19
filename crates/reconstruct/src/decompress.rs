//! Files as stored to their content.

use std::io::{self, BufRead, BufReader, Read};

const BUFFER: usize = 256 << 10;
const ZSTD_MAGIC: [u8; 4] = [0x28, 0xb5, 0x2f, 0xfd];
const GZIP_MAGIC: [u8; 2] = [0x1f, 0x8b];

/// Decompresses zstd and gzip, told by the first bytes; anything else comes through as it is. Several zstd frames or gzip
/// members one after the other are one content.
pub(crate) fn reader(source: Box<dyn Read + Send>) -> io::Result<Box<dyn Read + Send>> {
    let mut source = BufReader::with_capacity(BUFFER, source);
    let start = source.fill_buf()?;
    // A first read that is shorter than a magic number comes of no store; a file that short is of no kind.
    Ok(if start.starts_with(&ZSTD_MAGIC) {
        Box::new(zstd::stream::read::Decoder::with_buffer(source)?)
    } else if start.starts_with(&GZIP_MAGIC) {
        Box::new(flate2::bufread::MultiGzDecoder::new(source))
    } else {
        Box::new(source)
    })
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
}
