//! A binary log on S3.

use std::collections::BTreeMap;
use std::io::{self, Read};

use backtrail_reconstruct::{BinaryLog, LogPiece, Promised};
use tokio::runtime::Handle;

use super::ObjectReader;
use crate::pieces::pieces_of;
use crate::{ObjectError, ObjectStore, manifest};

/// A segment as its row describes it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ArchivedSegment {
    /// The piece; its name is the object's key.
    pub piece: LogPiece,
    /// Size of the stored object, in bytes.
    pub size: u64,
    /// SHA-256 of the stored object, 64 hex digits.
    pub sha256: String,
}

/// A server's binary log below a prefix: our segments, or the server's own files as somebody copied them there.
pub struct S3BinaryLog {
    store: ObjectStore,
    runtime: Handle,
    pieces: Vec<LogPiece>,
    /// Size and SHA-256 by key, where they are known.
    known: BTreeMap<String, Promised>,
}

impl S3BinaryLog {
    /// What lies below a prefix, by the names. To be called in the async runtime, used outside it.
    ///
    /// # Errors
    /// [`ObjectError::SeveralTimelines`], or the store's.
    pub async fn open(store: &ObjectStore, prefix: &str) -> Result<Self, ObjectError> {
        let directory = manifest::directory(prefix);
        let found = store.list(&directory).await?;
        let names = found.into_iter().filter_map(|object| object.key.strip_prefix(&directory).map(str::to_owned));
        let mut pieces = pieces_of(&store.url(&directory), names)?;
        for piece in &mut pieces {
            piece.name.insert_str(0, &directory);
        }
        Ok(Self { store: store.clone(), runtime: Handle::current(), pieces, known: BTreeMap::new() })
    }

    /// These segments, of which the engine checks each that it reads to its end. To be called in the async runtime, used outside it.
    pub fn of_segments(store: &ObjectStore, segments: Vec<ArchivedSegment>) -> Self {
        let promise = |segment: &ArchivedSegment| {
            let (size, sha256) = (segment.size, segment.sha256.clone());
            (segment.piece.name.clone(), Promised { size, sha256, rows: None })
        };
        let known = segments.iter().map(promise).collect();
        let pieces = segments.into_iter().map(|segment| segment.piece).collect();
        Self { store: store.clone(), runtime: Handle::current(), pieces, known }
    }
}

impl BinaryLog for S3BinaryLog {
    fn pieces(&self) -> io::Result<Vec<LogPiece>> {
        Ok(self.pieces.clone())
    }

    fn open(&self, piece: &LogPiece) -> io::Result<Box<dyn Read + Send>> {
        Ok(Box::new(ObjectReader::open(&self.store, &piece.name, &self.runtime)?))
    }

    fn promised(&self, piece: &LogPiece) -> Option<Promised> {
        self.known.get(&piece.name).cloned()
    }
}
