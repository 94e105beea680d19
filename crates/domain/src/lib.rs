#![doc = include_str!("../README.md")]

mod cut;
pub mod gtid;
mod ids;
mod position;
mod table;

pub use cut::{CutTarget, ParseCutTargetError};
pub use gtid::{Gtid, GtidSet, ParseGtidError};
pub use ids::{ApiKeyId, BackupId, PitrId, ScheduleId, SegmentId, ServerId, TenantId};
pub use position::{BinlogFile, BinlogPosition, ParsePositionError};
pub use table::{ParseTableError, TableFilter, TableName};
