//! A cursor over bytes that nobody vouches for.

use crate::Malformed;

/// Reads from the front of a slice; every read is checked.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Cursor<'a> {
    rest: &'a [u8],
}

impl<'a> Cursor<'a> {
    pub(crate) fn new(bytes: &'a [u8]) -> Self {
        Self { rest: bytes }
    }

    pub(crate) fn rest(&self) -> &'a [u8] {
        self.rest
    }

    pub(crate) fn len(&self) -> usize {
        self.rest.len()
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.rest.is_empty()
    }

    #[inline]
    pub(crate) fn take(&mut self, length: usize, what: &'static str) -> Result<&'a [u8], Malformed> {
        match self.rest.split_at_checked(length) {
            Some((taken, rest)) => {
                self.rest = rest;
                Ok(taken)
            }
            None => Err(Malformed::Short { what, wanted: length as u64, left: self.rest.len() as u64 }),
        }
    }

    #[inline]
    pub(crate) fn array<const N: usize>(&mut self, what: &'static str) -> Result<[u8; N], Malformed> {
        match self.rest.split_first_chunk::<N>() {
            Some((taken, rest)) => {
                self.rest = rest;
                Ok(*taken)
            }
            None => Err(Malformed::Short { what, wanted: N as u64, left: self.rest.len() as u64 }),
        }
    }

    #[inline]
    pub(crate) fn u8(&mut self, what: &'static str) -> Result<u8, Malformed> {
        Ok(self.array::<1>(what)?[0])
    }

    #[inline]
    pub(crate) fn u16(&mut self, what: &'static str) -> Result<u16, Malformed> {
        Ok(u16::from_le_bytes(self.array(what)?))
    }

    #[inline]
    pub(crate) fn u32(&mut self, what: &'static str) -> Result<u32, Malformed> {
        Ok(u32::from_le_bytes(self.array(what)?))
    }

    #[inline]
    pub(crate) fn u64(&mut self, what: &'static str) -> Result<u64, Malformed> {
        Ok(u64::from_le_bytes(self.array(what)?))
    }

    /// A little-endian integer of one to eight bytes.
    #[inline]
    pub(crate) fn uint(&mut self, length: usize, what: &'static str) -> Result<u64, Malformed> {
        Ok(little_endian(self.take(length, what)?))
    }

    /// The protocol's length-encoded integer.
    pub(crate) fn packed(&mut self, what: &'static str) -> Result<u64, Malformed> {
        match self.u8(what)? {
            small @ 0..=250 => Ok(u64::from(small)),
            252 => self.uint(2, what),
            253 => self.uint(3, what),
            254 => self.uint(8, what),
            251 => Err(Malformed::invalid(what, "a NULL length")),
            255 => Err(Malformed::invalid(what, "an impossible length prefix")),
        }
    }

    /// As many bytes as the length-encoded integer before them says.
    pub(crate) fn packed_bytes(&mut self, what: &'static str) -> Result<&'a [u8], Malformed> {
        let length = self.packed(what)?;
        self.take(size(length), what)
    }

    /// Unsigned variable-length integer of MySQL's serialization library: as many further bytes as the first one has
    /// trailing ones.
    pub(crate) fn varint(&mut self, what: &'static str) -> Result<u64, Malformed> {
        let first = self.u8(what)?;
        let more = first.trailing_ones() as usize;
        let high = self.uint(more, what)?;
        // Eight ones: the number is all in the bytes that follow. Seven: no bit of the first byte is left.
        Ok(match more {
            8 => high,
            7 => high,
            _ => (high << (7 - more)) | u64::from(first) >> (more + 1),
        })
    }
}

/// A length from a file as a `usize`; what does not fit is beyond any slice.
#[inline]
pub(crate) fn size(length: u64) -> usize {
    usize::try_from(length).unwrap_or(usize::MAX)
}

/// At most eight bytes, the least significant first.
#[inline]
pub(crate) fn little_endian(bytes: &[u8]) -> u64 {
    let mut value = [0; 8];
    let length = bytes.len().min(8);
    value[..length].copy_from_slice(&bytes[..length]);
    u64::from_le_bytes(value)
}

/// At most eight bytes, the most significant first.
#[inline]
pub(crate) fn big_endian(bytes: &[u8]) -> u64 {
    bytes.iter().take(8).fold(0, |value, byte| value << 8 | u64::from(*byte))
}

/// Bit `index` of a bitmap whose first bit is the least significant of its first byte; absent bits are clear.
#[inline]
pub(crate) fn bit(bitmap: &[u8], index: usize) -> bool {
    bitmap.get(index / 8).is_some_and(|byte| byte >> (index % 8) & 1 == 1)
}

/// Text that must be UTF-8.
pub(crate) fn text<'a>(bytes: &'a [u8], what: &'static str) -> Result<&'a str, Malformed> {
    std::str::from_utf8(bytes).map_err(|_| Malformed::invalid(what, "not UTF-8"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn varints_of_every_length() {
        // The two examples of the format's description, and the ends of the lengths.
        let check = |bytes: &[u8], expected: u64| {
            let mut cursor = Cursor::new(bytes);
            assert_eq!(cursor.varint("number").unwrap(), expected, "{bytes:02x?}");
            assert!(cursor.is_empty(), "{bytes:02x?}");
        };
        check(&[0b1111_1011, 0xff, 0x07], 65535);
        check(&[0x00], 0);
        check(&[0xfe], 127);
        check(&[0x01, 0x02], 128);
        check(&[0x7f, 1, 2, 3, 4, 5, 6, 7], 0x07_0605_0403_0201);
        check(&[0xff, 1, 2, 3, 4, 5, 6, 7, 0x80], 0x8007_0605_0403_0201);
    }

    #[test]
    fn packed_integers() {
        let read = |bytes: &[u8]| Cursor::new(bytes).packed("number");
        assert_eq!(read(&[250]).unwrap(), 250);
        assert_eq!(read(&[252, 251, 0]).unwrap(), 251);
        assert_eq!(read(&[253, 0, 0, 1]).unwrap(), 65536);
        assert_eq!(read(&[254, 0, 0, 0, 0, 0, 0, 0, 0x80]).unwrap(), 1 << 63);
        assert!(read(&[251]).is_err() && read(&[255]).is_err() && read(&[252, 1]).is_err() && read(&[]).is_err());
    }
}
