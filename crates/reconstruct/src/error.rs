//! Why a recovery failed.

use std::fmt;
use std::io;

use backtrail_binlog::BinlogError;
use backtrail_domain::{BinlogPosition, TableName};
use backtrail_dump::DumpError;
use backtrail_dump::metadata::MetadataError;
use backtrail_dump::names::NameError;

use crate::plan::{Gap, Refusal};

/// Why a recovery failed. The result is then to be thrown away.
#[derive(Debug, thiserror::Error)]
pub enum EngineError {
    /// The caller's [`Observer`](crate::Observer) said so.
    #[error("cancelled")]
    Cancelled,

    /// The baseline's directory could not be listed, or a file of it not be opened or read.
    #[error("cannot read the baseline's {file}")]
    BaselineRead {
        /// The file, or what else.
        file: String,
        /// Why.
        source: io::Error,
    },
    /// The dump is not finished, or not a dump.
    #[error("the baseline is not a complete dump: {reason}; take another backup, or name an older one")]
    BaselineIncomplete {
        /// What is missing.
        reason: String,
    },
    /// The dump does not say where in the binary log it stands.
    #[error(
        "the baseline's metadata has no binlog coordinates, so its rows have no known place in the log; this happens with \
         mydumper 0.10 on MySQL 8.4 and later, and without the REPLICATION CLIENT privilege; take a backup with a mydumper \
         that writes them"
    )]
    NoCoordinates,
    /// The metadata cannot be read.
    #[error("the baseline's metadata cannot be understood")]
    Metadata {
        /// Why.
        #[from]
        source: MetadataError,
    },
    /// A file of the dump has a name of which the table cannot be told.
    #[error("a file of the baseline has a doubtful name")]
    FileName {
        /// Which and why.
        #[from]
        source: NameError,
    },
    /// A data file of the dump cannot be read.
    #[error("the rows of {table} cannot be read from the baseline")]
    BaselineData {
        /// The table.
        table: TableName,
        /// Where and why.
        source: Box<DumpError>,
    },
    /// A data file of the dump holds something that cannot be merged.
    #[error("the rows of {table} cannot be taken from the baseline's {file}: {problem}")]
    BaselineRows {
        /// The table.
        table: TableName,
        /// The file, and where in it.
        file: String,
        /// What is wrong.
        problem: String,
    },
    /// Tables that were named are not there at the cut.
    #[error("not there at the target: {}; they are neither in the baseline nor made before the target, or dropped by then", list(.tables))]
    UnknownTables {
        /// Their names.
        tables: Vec<TableName>,
    },

    /// The log's pieces could not be listed, or one not be opened.
    #[error("cannot read the binary log's {piece}")]
    LogRead {
        /// The piece, or what else.
        piece: String,
        /// Why.
        source: io::Error,
    },
    /// The log itself is broken, or of a kind that cannot be read.
    #[error("the binary log cannot be read on")]
    Log {
        /// Where and why.
        #[from]
        source: BinlogError,
    },
    /// The same of a segment of it, by the name of its object or file.
    #[error("the binary log's segment {piece} cannot be read on: it is damaged or cut short")]
    LogPiece {
        /// The segment.
        piece: String,
        /// Where and why.
        source: Box<BinlogError>,
    },
    /// The log does not hold the baseline's place.
    #[error("the binary log does not reach back to the baseline's position {baseline}: {reason}")]
    LogDoesNotReachBaseline {
        /// The place.
        baseline: BinlogPosition,
        /// What there is instead.
        reason: String,
    },
    /// Transactions are missing between baseline and cut.
    #[error("the binary log has a gap {gap}; find the missing piece, or allow gaps and take a result that lacks it")]
    LogGap {
        /// Where.
        gap: Box<Gap>,
    },
    /// An event that nothing can be made of, or that says that the log is incomplete.
    #[error("{position}: {problem}")]
    LogEvent {
        /// The event.
        position: BinlogPosition,
        /// What is wrong with it.
        problem: String,
    },

    /// The target lies before the baseline.
    #[error("the target {target} lies before the baseline ({evidence}); take an older baseline")]
    TargetBeforeBaseline {
        /// What was asked for.
        target: String,
        /// How that is known.
        evidence: String,
    },
    /// The log ends before the target.
    #[error(
        "the target {target} is not covered by the binary log, which ends {end}; wait for it to be archived, or choose an earlier target"
    )]
    TargetNotCovered {
        /// What was asked for.
        target: String,
        /// The last place and time there are.
        end: String,
    },
    /// A position that is not between two transactions.
    #[error("{position} is not between two transactions: the nearest places that are, are {} and {}", .nearest.0, .nearest.1)]
    TargetInsideTransaction {
        /// What was asked for.
        position: BinlogPosition,
        /// The last boundary before it and the first one after it.
        nearest: Box<(BinlogPosition, BinlogPosition)>,
    },
    /// A target that can never be found in this log.
    #[error("the target {target} has no meaning in this log: {reason}")]
    TargetImpossible {
        /// What was asked for.
        target: String,
        /// Why.
        reason: String,
    },

    /// Wanted tables cannot be rebuilt.
    #[error("{} of the wanted tables cannot be rebuilt:{}", .refusals.len(), lines(.refusals))]
    Refused {
        /// Every one of them.
        refusals: Vec<Refusal>,
    },

    /// As [`EngineError::HistoryDoesNotFit`], of a table whose rows the dump tells apart by the six digits of a FLOAT.
    #[error(
        "rows of {table} cannot be told apart: row {key}: {problem} (event at {position}); it has a FLOAT column, of which \
         a dump holds six digits, so that rows may look alike that are not: leave the table out"
    )]
    RowsLookAlike {
        /// The table.
        table: TableName,
        /// The key's values.
        key: String,
        /// The event.
        position: Box<BinlogPosition>,
        /// What does not fit.
        problem: String,
    },

    /// Event and event, or event and baseline, contradict each other: rows changed without the log knowing, or the
    /// baseline is not of this log.
    #[error(
        "the history of {table} does not fit together: row {key}: {problem} (event at {position}); the baseline does not \
         belong to this log, or rows were changed past the log"
    )]
    HistoryDoesNotFit {
        /// The table.
        table: TableName,
        /// The key's values.
        key: String,
        /// The event.
        position: Box<BinlogPosition>,
        /// What does not fit.
        problem: String,
    },
    /// A sum that does not add up.
    #[error("the account of {table} does not balance: {problem}; the result is not to be used")]
    Accounting {
        /// The table.
        table: TableName,
        /// Which numbers.
        problem: String,
    },
    /// Events of the log that were seen and are neither applied nor skipped for a reason.
    #[error("the account of the log's events does not balance: {problem}; the result is not to be used")]
    EventAccounting {
        /// Which numbers.
        problem: String,
    },
    /// A file of the baseline of which not all was read that should have been, or more.
    #[error(
        "the account of the baseline's {file} does not balance: {problem}; take another copy of it, or another baseline"
    )]
    InputAccounting {
        /// The file.
        file: String,
        /// Which numbers.
        problem: String,
    },
    /// A value that cannot be written.
    #[error("a value of {table}.{column} at {position} cannot be written: {problem}")]
    Value {
        /// The table.
        table: TableName,
        /// The column.
        column: String,
        /// The event.
        position: Box<BinlogPosition>,
        /// Why.
        problem: String,
    },
    /// A file or segment that is not what was stored, found when an error that may come of that was looked into.
    #[error(
        "{input} is damaged: {reason}; put a good copy of it in its place, or choose a target that is reached without it \
         (it showed as: {shown})"
    )]
    Damaged {
        /// Which.
        input: DamagedInput,
        /// How that is known.
        reason: String,
        /// The error that it showed as.
        shown: Box<EngineError>,
    },
    /// Inputs are not what they were when the plan was made.
    #[error("the plan does not fit the inputs any more: {reason}; plan again")]
    StalePlan {
        /// What differs.
        reason: String,
    },

    /// The result could not be written.
    #[error("cannot write the result's {file}")]
    Result {
        /// The file.
        file: String,
        /// Why.
        source: io::Error,
    },
    /// The temporary files could not be written or read.
    #[error("cannot use the room for change sets past their memory budget")]
    Spill {
        /// Why.
        source: io::Error,
    },
}

/// What is damaged.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum DamagedInput {
    /// A file of the baseline, by its name there.
    Baseline(String),
    /// A segment of the log, by the name of its object or file.
    Log(String),
}

impl fmt::Display for DamagedInput {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Baseline(file) => write!(f, "the baseline's {file}"),
            Self::Log(piece) => write!(f, "the binary log's segment {piece}"),
        }
    }
}

impl EngineError {
    /// Whether the same run may succeed later: the world failed, not the data.
    pub fn retryable(&self) -> bool {
        match self {
            Self::BaselineRead { source, .. } | Self::LogRead { source, .. } => {
                source.kind() != io::ErrorKind::NotFound && source.kind() != io::ErrorKind::InvalidData
            }
            Self::Log { source } => passes(source),
            Self::LogPiece { source, .. } => passes(source),
            Self::BaselineData { source, .. } => match &**source {
                DumpError::Read { source, .. } => source.kind() != io::ErrorKind::InvalidData,
                _ => false,
            },
            Self::Result { .. } | Self::Spill { .. } => true,
            Self::Cancelled
            | Self::BaselineIncomplete { .. }
            | Self::NoCoordinates
            | Self::Metadata { .. }
            | Self::FileName { .. }
            | Self::BaselineRows { .. }
            | Self::UnknownTables { .. }
            | Self::LogDoesNotReachBaseline { .. }
            | Self::LogGap { .. }
            | Self::LogEvent { .. }
            | Self::TargetBeforeBaseline { .. }
            | Self::TargetNotCovered { .. }
            | Self::TargetInsideTransaction { .. }
            | Self::TargetImpossible { .. }
            | Self::Refused { .. }
            | Self::HistoryDoesNotFit { .. }
            | Self::RowsLookAlike { .. }
            | Self::Accounting { .. }
            | Self::EventAccounting { .. }
            | Self::InputAccounting { .. }
            | Self::Value { .. }
            | Self::Damaged { .. }
            | Self::StalePlan { .. } => false,
        }
    }
}

impl EngineError {
    /// Whether stored bytes are not those that were stored: a file that does not decompress, is cut short, or does not have
    /// its checksum. They do not mend themselves.
    pub fn is_damage(&self) -> bool {
        let of_io = |source: &io::Error| source.kind() == io::ErrorKind::InvalidData;
        let of_log = |source: &BinlogError| match source {
            BinlogError::Read { source, .. } => of_io(source),
            BinlogError::Truncated { .. } | BinlogError::Checksum { .. } => true,
            _ => false,
        };
        match self {
            Self::BaselineRead { source, .. } | Self::LogRead { source, .. } => of_io(source),
            Self::Log { source } => of_log(source),
            Self::LogPiece { source, .. } => of_log(source),
            Self::BaselineData { source, .. } => match &**source {
                DumpError::Read { source, .. } => of_io(source),
                DumpError::Truncated { .. } => true,
                _ => false,
            },
            Self::Damaged { .. } => true,
            _ => false,
        }
    }
}

/// Whether it was the reading that failed, and not what was read.
fn passes(error: &BinlogError) -> bool {
    matches!(error, BinlogError::Read { source, .. } if source.kind() != io::ErrorKind::InvalidData)
}

fn list(tables: &[TableName]) -> String {
    tables.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
}

fn lines(refusals: &[Refusal]) -> impl fmt::Display + '_ {
    struct Lines<'a>(&'a [Refusal]);
    impl fmt::Display for Lines<'_> {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            self.0.iter().try_for_each(|refusal| write!(f, "\n  {refusal}"))
        }
    }
    Lines(refusals)
}
