//! What the files of the result are called.

use std::collections::{BTreeMap, BTreeSet};

use backtrail_domain::TableName;
use backtrail_dump::names::FileNames;

use crate::baseline::Catalog;
use crate::plan::Plan;

/// Names for files: the baseline's for tables that keep their name, new ones for the others.
pub(crate) struct ResultNames {
    stems: BTreeMap<TableName, String>,
    schemas: BTreeMap<String, String>,
}

impl ResultNames {
    pub(crate) fn new(catalog: &Catalog<'_>, plan: &Plan) -> Self {
        let mut fresh = FileNames::default();
        let mut schemas: BTreeMap<String, String> = BTreeMap::new();
        let mut stems = BTreeMap::new();
        for (name, files) in &catalog.tables {
            schemas.insert(name.schema.clone(), files.schema_file_name.clone());
        }
        let taken: BTreeSet<&str> =
            catalog.tables.values().flat_map(|files| [files.file_name.as_str(), &files.schema_file_name]).collect();
        let mut new_name = |name: &str| {
            let mut candidate = fresh.name(name);
            let mut salt = name.to_owned();
            while candidate != name && taken.contains(candidate.as_str()) {
                salt.push('\u{1}');
                candidate = fresh.name(&salt);
            }
            candidate
        };
        for name in plan.written() {
            let stem = match catalog.tables.get(name) {
                Some(files) => files.stem.clone(),
                None => {
                    let schema = schemas.entry(name.schema.clone()).or_insert_with(|| new_name(&name.schema)).clone();
                    format!("{schema}.{}", new_name(&name.table))
                }
            };
            stems.insert(name.clone(), stem);
        }
        Self { stems, schemas }
    }

    /// What the names of a table's files begin with: `shop.t`.
    pub(crate) fn stem(&self, table: &TableName) -> &str {
        self.stems.get(table).map_or("", String::as_str)
    }

    /// A schema's name in file names.
    pub(crate) fn schema(&self, schema: &str) -> String {
        self.schemas.get(schema).cloned().unwrap_or_else(|| schema.to_owned())
    }
}
