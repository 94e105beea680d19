#![doc = include_str!("../README.md")]

mod arena;
mod baseline;
pub mod changes;
mod collect;
mod cut;
mod decide;
mod decompress;
mod error;
mod facts;
mod image;
pub mod io;
pub mod key;
mod layout;
mod log;
mod merge;
mod output;
mod plan;
mod planner;
mod rebuild;
pub mod record;
pub mod render;
mod report;
mod request;
mod scan;
mod spill;
mod temporal;
mod threads;
mod wire;
mod work;

pub use error::EngineError;
pub use io::{
    Baseline, BinaryLog, FileInfo, LogPiece, NoObserver, Observer, Phase, Progress, ResultFile, ResultSink, Spill,
    SpillFile,
};
pub use plan::{Coordinates, Cut, EventCounts, Gap, Plan, PlannedKey, PlannedPiece, Refusal, TableAction};
pub use planner::plan;
pub use rebuild::reconstruct;
pub use report::{FileReport, Report, TableReport};
pub use request::{Compression, Inputs, RefusalPolicy, Request};
