#![doc = include_str!("../README.md")]

pub mod chain;
pub mod cron;
mod cut;
pub mod gtid;
mod ids;
pub mod permission;
mod position;
pub mod retention;
pub mod run;
pub mod schedule;
mod table;
mod timeline;

pub use chain::{BaselineFact, ChainFacts, Covered, GapFact, SegmentFact};
pub use cron::{CronExpression, ParseCronError, ParseZoneError, Zone};
pub use cut::{CutTarget, ParseCutTargetError};
pub use gtid::{Gtid, GtidSet, ParseGtidError};
pub use ids::{ApiKeyId, BackupId, PitrId, ScheduleId, SegmentId, ServerId, TenantId};
pub use permission::{Permission, Role};
pub use position::{BinlogFile, BinlogPosition, ParsePositionError};
pub use run::{Phase, RunKind, RunState, RunStatus, UnknownWordError};
pub use schedule::MissedRunPolicy;
pub use table::{ParseTableError, TableFilter, TableName, lowered_name};
pub use timeline::{ParseTimelineError, Timeline};
