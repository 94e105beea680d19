//! Typed ids. Each is a UUID; making one is the business of the crate that stores it.

use serde::{Deserialize, Serialize};
use uuid::Uuid;

macro_rules! typed_id {
    ($($(#[$doc:meta])* $name:ident)+) => {$(
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(pub Uuid);

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                self.0.fmt(f)
            }
        }

        impl std::str::FromStr for $name {
            type Err = uuid::Error;

            fn from_str(text: &str) -> Result<Self, Self::Err> {
                text.parse().map(Self)
            }
        }

        impl From<Uuid> for $name {
            fn from(id: Uuid) -> Self {
                Self(id)
            }
        }

        impl From<$name> for Uuid {
            fn from(id: $name) -> Self {
                id.0
            }
        }
    )+};
}

typed_id! {
    /// A customer: owns servers, keys, schedules and runs, and sees nobody else's.
    TenantId
    /// An API key (not the key itself).
    ApiKeyId
    /// A registered MySQL or MariaDB server.
    ServerId
    /// A backup schedule.
    ScheduleId
    /// A backup run.
    BackupId
    /// A PITR run.
    PitrId
    /// An archived binlog segment.
    SegmentId
}
