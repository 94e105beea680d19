//! Bytes of many sizes in few allocations.

/// The first chunk is small, since most tables of a server change little.
const FIRST_CHUNK: usize = 4 << 10;
const LARGEST_CHUNK: usize = 1 << 20;

/// Where bytes lie in an [`Arena`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Spot {
    chunk: u32,
    offset: u32,
    pub(crate) length: u32,
}

/// A heap of byte strings that only grows, until it is dropped as a whole.
#[derive(Debug, Default)]
pub(crate) struct Arena {
    chunks: Vec<Vec<u8>>,
    allocated: usize,
}

impl Arena {
    /// Copies bytes in. At most 4 GiB at once: no row of a server is longer.
    pub(crate) fn push(&mut self, bytes: &[u8]) -> Spot {
        debug_assert!(u32::try_from(bytes.len()).is_ok(), "a row beyond 4 GiB");
        let fits = self.chunks.last().is_some_and(|chunk| chunk.capacity() - chunk.len() >= bytes.len());
        if !fits {
            let usual = (FIRST_CHUNK << self.chunks.len().min(8)).min(LARGEST_CHUNK);
            let size = usual.max(bytes.len());
            self.chunks.push(Vec::with_capacity(size));
            self.allocated += size;
        }
        let chunk = self.chunks.len().saturating_sub(1);
        let mut offset = 0;
        if let Some(last) = self.chunks.last_mut() {
            offset = last.len();
            last.extend_from_slice(bytes);
        }
        Spot { chunk: chunk as u32, offset: offset as u32, length: bytes.len() as u32 }
    }

    /// The bytes of a spot of this arena.
    pub(crate) fn get(&self, spot: Spot) -> &[u8] {
        let start = spot.offset as usize;
        self.chunks
            .get(spot.chunk as usize)
            .and_then(|chunk| chunk.get(start..start + spot.length as usize))
            .unwrap_or_default()
    }

    /// Puts bytes in the place of a spot's, which must not be shorter than they are; else says false.
    pub(crate) fn overwrite(&mut self, spot: Spot, room: u32, bytes: &[u8]) -> bool {
        let start = spot.offset as usize;
        if bytes.len() > room as usize {
            return false;
        }
        match self.chunks.get_mut(spot.chunk as usize).and_then(|chunk| chunk.get_mut(start..start + bytes.len())) {
            Some(place) => {
                place.copy_from_slice(bytes);
                true
            }
            None => false,
        }
    }

    /// Bytes taken from the allocator.
    pub(crate) fn allocated(&self) -> usize {
        self.allocated
    }
}
