//! Which names are one to a server.
//!
//! Those of routines, packages and events, and on MySQL those of triggers, are compared by a collation that makes no
//! difference between capital and small letters, nor between most accents. Those of views, and on MariaDB those of triggers,
//! are files' names: `lower_case_table_names` decides whether `v` and `V` are one. No log tells it; a manifest does. Where two
//! such names were there at once, the server tells them apart.

use backtrail_domain::TableName;
use backtrail_schema::{Flavour, ObjectKind, general_ci};

use super::Follower;
use crate::input::baseline::Catalog;
use crate::io::{Baseline, NameCase};

/// Whether a server tells names apart that differ in their letters' case only: it says so, or a dump has two of them.
pub(super) fn tells_case(catalog: &Catalog<'_>) -> bool {
    if catalog.source.name_case() == Some(NameCase::Distinct) {
        return true;
    }
    let mut names: Vec<_> = catalog.tables.keys().chain(catalog.views.keys()).map(TableName::lowered).collect();
    let mut schemas: Vec<_> = catalog.schemas.keys().map(|schema| schema.to_lowercase()).collect();
    names.sort_unstable();
    schemas.sort_unstable();
    names.windows(2).any(|pair| pair.first() == pair.last())
        || schemas.windows(2).any(|pair| pair.first() == pair.last())
}

impl Follower<'_> {
    /// A name so that two which are certainly one are equal.
    pub(super) fn folded(&self, kind: ObjectKind, name: &str) -> String {
        if self.is_collated(kind) { general_ci(name) } else { name.to_owned() }
    }

    /// A name so that two which may be one are equal.
    pub(super) fn widely_folded(&self, kind: ObjectKind, name: &str) -> String {
        if self.is_collated(kind) || self.tells_case { self.folded(kind, name) } else { name.to_lowercase() }
    }

    fn is_collated(&self, kind: ObjectKind) -> bool {
        match kind {
            ObjectKind::View => false,
            ObjectKind::Trigger => self.scope.dialect.flavour == Flavour::Mysql,
            _ => true,
        }
    }

    pub(super) fn same(&self, kind: ObjectKind, a: &str, b: &str) -> bool {
        self.folded(kind, a) == self.folded(kind, b)
    }

    /// They may be one, and nothing says so.
    pub(super) fn perhaps(&self, kind: ObjectKind, a: &str, b: &str) -> bool {
        !self.same(kind, a, b) && self.widely_folded(kind, a) == self.widely_folded(kind, b)
    }
}

/// Why an object is left out whose name may be that of a statement.
pub(super) fn may_be(other: &TableName) -> String {
    format!("a statement is about {other}, and whether the server takes the two names for one is in no log")
}
