//! The servers on which histories can happen.

use anyhow::bail;
use backtrail_devstack::{Family, Release};

/// A kind of server.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ServerKind {
    /// The distribution's MariaDB.
    Mariadb,
    /// MariaDB 11.8.
    Mariadb118,
    /// MariaDB 10.5.
    Mariadb105,
    /// MySQL.
    Mysql,
}

impl ServerKind {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Mariadb, Self::Mariadb118, Self::Mariadb105, Self::Mysql];

    /// The word that `SERVER=` takes.
    pub fn word(self) -> &'static str {
        match self {
            Self::Mariadb => "mariadb",
            Self::Mariadb118 => "mariadb-11.8",
            Self::Mariadb105 => "mariadb-10.5",
            Self::Mysql => "mysql",
        }
    }

    /// A kind by its word.
    ///
    /// # Errors
    /// There is none.
    pub fn parse(word: &str) -> anyhow::Result<Self> {
        let Some(kind) = Self::ALL.into_iter().find(|kind| kind.word() == word) else {
            let words: Vec<&str> = Self::ALL.into_iter().map(Self::word).collect();
            bail!("{word} is none of {}", words.join(", "));
        };
        Ok(kind)
    }

    /// The family that it is of.
    pub fn family(self) -> Family {
        if self == Self::Mysql { Family::Mysql } else { Family::Mariadb }
    }

    /// What has to be fetched for it; nothing for the distribution's own.
    pub fn release(self) -> Option<Release> {
        match self {
            Self::Mariadb => None,
            Self::Mariadb118 => Some(Release::MariaDb118),
            Self::Mariadb105 => Some(Release::MariaDb105),
            Self::Mysql => Some(Release::MySql),
        }
    }

    /// Whether it is there; says on standard error how to get it where it is not.
    pub fn available(self) -> bool {
        let Some(release) = self.release().filter(|release| !release.available()) else { return true };
        eprintln!("left out: no {} (`devstack install {}`)", release.name(), release.option());
        false
    }

    /// Whether a history that is meant for a kind can happen here too: what the distribution's MariaDB takes, the newer
    /// one takes as well.
    pub fn takes(self, meant_for: Self) -> bool {
        self == meant_for || (self == Self::Mariadb118 && meant_for == Self::Mariadb)
    }
}
