#![doc = include_str!("../README.md")]

pub mod binlog;
pub mod ddl;
pub mod dump;
pub mod load_data;
pub mod metadata;
pub mod seeds;

use std::sync::Mutex;

use peak_alloc::PeakAlloc;

/// Counts what every program with this library has allocated.
#[global_allocator]
static MEMORY: PeakAlloc = PeakAlloc;

/// The readers of foreign bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Target {
    /// [`binlog`].
    Binlog,
    /// [`dump`].
    Dump,
    /// [`load_data`].
    LoadData,
    /// [`ddl`].
    Ddl,
    /// [`metadata`].
    Metadata,
}

/// How much memory an input may cost.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cost {
    /// In proportion to the input.
    Proportional,
    /// In proportion to what it decompresses to.
    Decompressed,
}

/// Buffers that are there for the smallest input: a reader of logs asks for 1 MiB at once, and doubles it.
const BASE: usize = 4 << 20;

/// Bytes of memory for a byte of input: the greatest ratio is that of lists of empty lists and of tokens of one byte.
const FACTOR: usize = 400;

/// zlib makes at most 1,032 bytes of one; a vector that grows holds its content twice, and half again.
const DECOMPRESSED_FACTOR: usize = 4_000;

/// The window that a compressed transaction may ask for, and the largest event that one could claim.
const DECOMPRESSED_BASE: usize = 512 << 20;

/// Peaks are the process's.
static ONE_AT_A_TIME: Mutex<()> = Mutex::new(());

impl Target {
    /// All of them.
    pub const ALL: [Self; 5] = [Self::Binlog, Self::Dump, Self::LoadData, Self::Ddl, Self::Metadata];

    /// Its name: of the program and of the corpus's directory.
    pub fn name(self) -> &'static str {
        match self {
            Self::Binlog => "binlog",
            Self::Dump => "dump",
            Self::LoadData => "load_data",
            Self::Ddl => "ddl",
            Self::Metadata => "metadata",
        }
    }

    /// Reads an input to its end.
    ///
    /// # Panics
    /// When the reader does, when what it says contradicts itself, or when it takes more memory than the input may cost.
    pub fn check(self, input: &[u8]) {
        let _alone = ONE_AT_A_TIME.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        let before = MEMORY.current_usage();
        MEMORY.reset_peak_usage();
        let cost = match self {
            Self::Binlog => binlog::check(input),
            Self::Dump => dump::check(input),
            Self::LoadData => load_data::check(input),
            Self::Ddl => ddl::check(input),
            Self::Metadata => metadata::check(input),
        };
        let used = MEMORY.peak_usage().saturating_sub(before);
        let most = match cost {
            Cost::Proportional => BASE + FACTOR * input.len(),
            Cost::Decompressed => DECOMPRESSED_BASE + DECOMPRESSED_FACTOR * input.len(),
        };
        assert!(used <= most, "{}: {} bytes of input took {used} bytes of memory", self.name(), input.len());
    }
}
