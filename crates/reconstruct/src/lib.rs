#![doc = include_str!("../README.md")]

mod account;
mod around;
mod cascade;
pub mod changes;
mod collect;
mod damage;
mod error;
mod history;
mod input;
pub mod io;
mod merge;
mod names;
mod plan;
mod rebuild;
mod report;
mod request;
mod scan;
mod threads;
pub mod values;

pub use account::{EventCounts, RowEventCounts};
pub use around::{ObjectAction, PlannedObject};
pub use error::{DamagedInput, EngineError};
pub use input::ledger::{BaselineReading, Reading};
pub use input::span::Span;
pub use io::{
    Baseline, BinaryLog, FileInfo, LogPiece, NameCase, NoObserver, Observer, Phase, Progress, Promised, ResultFile,
    ResultSink, Spill, SpillFile,
};
pub use plan::planner::plan;
pub use plan::{
    Coordinates, Cut, EndedTable, ExpectedWork, Gap, PLAN_VERSION, Plan, PlannedEra, PlannedKey, PlannedPiece,
    PlannedStage, Refusal, TableAction,
};
pub use rebuild::reconstruct;
pub use report::{FileReport, InputReport, Report, TableReport};
pub use request::{Compression, Inputs, RefusalPolicy, Request};
