//! Names of tables that differ in nothing but case.

use std::collections::{BTreeSet, HashMap};

use backtrail_domain::TableName;

/// Names by what they are in small letters.
#[derive(Debug, Default)]
pub(super) struct NamesByCase(HashMap<TableName, BTreeSet<TableName>>);

impl NamesByCase {
    pub(super) fn insert(&mut self, name: &TableName) {
        self.0.entry(name.lowered()).or_default().insert(name.clone());
    }

    pub(super) fn remove(&mut self, name: &TableName) {
        let small = name.lowered();
        if let Some(names) = self.0.get_mut(&small) {
            names.remove(name);
            if names.is_empty() {
                self.0.remove(&small);
            }
        }
    }

    /// Whether two of the names differ in nothing but case: then the server tells them apart.
    pub(super) fn has_pair(&self) -> bool {
        self.0.values().any(|names| names.len() > 1)
    }

    pub(super) fn alike(&self, name: &TableName) -> impl Iterator<Item = &TableName> {
        self.0.get(&name.lowered()).into_iter().flatten()
    }
}

impl<'a> FromIterator<&'a TableName> for NamesByCase {
    fn from_iter<I: IntoIterator<Item = &'a TableName>>(names: I) -> Self {
        let mut letters = Self::default();
        names.into_iter().for_each(|name| letters.insert(name));
        letters
    }
}
