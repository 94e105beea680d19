#![doc = include_str!("../README.md")]

mod account;
mod address;
mod arena;
mod around;
mod baseline;
mod cascade;
pub mod changes;
mod collect;
mod cut;
mod decide;
mod declared;
mod decompress;
mod definition;
mod error;
mod facts;
mod history;
mod image;
pub mod io;
pub mod key;
mod layout;
mod ledger;
mod life;
mod log;
mod merge;
mod names;
mod output;
mod partial;
mod pending;
mod plan;
mod plan_text;
mod planner;
mod rebuild;
mod recipe;
pub mod record;
pub mod render;
mod report;
mod request;
mod rows;
mod scan;
mod schema_defaults;
mod schema_file;
mod session;
mod span;
mod spill;
mod statement;
mod temporal;
mod threads;
mod wire;
mod work;
mod xa;

pub use account::{EventCounts, RowEventCounts};
pub use around::{ObjectAction, PlannedObject};
pub use error::EngineError;
pub use io::{
    Baseline, BinaryLog, FileInfo, LogPiece, NoObserver, Observer, Phase, Progress, Promised, ResultFile, ResultSink,
    Spill, SpillFile,
};
pub use ledger::{BaselineReading, Reading};
pub use plan::{
    Coordinates, Cut, EndedTable, ExpectedWork, Gap, PLAN_VERSION, Plan, PlannedEra, PlannedKey, PlannedPiece,
    PlannedStage, Refusal, TableAction,
};
pub use planner::plan;
pub use rebuild::reconstruct;
pub use report::{FileReport, InputReport, Report, TableReport};
pub use request::{Compression, Inputs, RefusalPolicy, Request};
pub use span::Span;
