//! What a key may do.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::run::named;

/// One right of an API key, written `object:verb`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Permission {
    /// Everything about backups, schedules and PITR.
    #[serde(rename = "backup:create")]
    BackupCreate,
    /// See registered servers.
    #[serde(rename = "servers:read")]
    ServersRead,
    /// Register, change and check servers.
    #[serde(rename = "servers:write")]
    ServersWrite,
    /// Remove servers.
    #[serde(rename = "servers:delete")]
    ServersDelete,
    /// Make and revoke keys of the tenant.
    #[serde(rename = "keys:manage")]
    KeysManage,
}

impl Permission {
    /// All of them.
    pub const ALL: &'static [Self] =
        &[Self::BackupCreate, Self::ServersRead, Self::ServersWrite, Self::ServersDelete, Self::KeysManage];

    /// As written in answers, rows and settings.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::BackupCreate => "backup:create",
            Self::ServersRead => "servers:read",
            Self::ServersWrite => "servers:write",
            Self::ServersDelete => "servers:delete",
            Self::KeysManage => "keys:manage",
        }
    }
}

impl fmt::Display for Permission {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl FromStr for Permission {
    type Err = crate::UnknownWordError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::ALL.iter().copied().find(|permission| permission.as_str() == text).ok_or_else(|| {
            crate::UnknownWordError {
                text: text.to_owned(),
                what: "a permission",
                known: &["backup:create", "servers:read", "servers:write", "servers:delete", "keys:manage"],
            }
        })
    }
}

named! {
    /// A named set of permissions.
    Role, "a role",
    /// Sees servers.
    Viewer = "viewer",
    /// Works with backups and servers, removes none.
    Operator = "operator",
    /// May do everything within the tenant.
    Admin = "admin",
}

impl Role {
    /// What the role may do. Each role may do all that the one before it may.
    pub fn permissions(self) -> &'static [Permission] {
        match self {
            Self::Viewer => &[Permission::ServersRead],
            Self::Operator => &[Permission::ServersRead, Permission::ServersWrite, Permission::BackupCreate],
            Self::Admin => Permission::ALL,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_read_back() {
        for permission in Permission::ALL {
            assert_eq!(permission.as_str().parse(), Ok(*permission));
        }
        for role in Role::ALL {
            assert_eq!(role.as_str().parse(), Ok(*role));
        }
        let error = "backup:destroy".parse::<Permission>().unwrap_err().to_string();
        assert!(error.contains("backup:destroy") && error.contains("keys:manage"), "{error}");
    }

    #[test]
    fn each_role_holds_the_one_before() {
        for pair in Role::ALL.windows(2) {
            assert!(pair[0].permissions().iter().all(|permission| pair[1].permissions().contains(permission)));
        }
    }
}
