//! What the files of the result are called.

use std::collections::{BTreeMap, BTreeSet};

use backtrail_domain::TableName;
use backtrail_dump::names::{FileNames, schema_create_file};

use crate::around::FileOf;
use crate::input::baseline::Catalog;
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
        let mut view_stems: BTreeMap<&TableName, &str> = BTreeMap::new();
        for (name, files) in catalog.views.iter().chain(&catalog.sequences) {
            let stem = files.iter().find_map(|file| file.name.split_once("-schema").map(|(stem, _)| stem));
            let Some((schema, _)) = stem.and_then(|stem| stem.rsplit_once('.')) else { continue };
            schemas.entry(name.schema.clone()).or_insert_with(|| schema.to_owned());
            view_stems.insert(name, stem.unwrap_or_default());
        }
        for name in catalog.schemas.keys() {
            let file = catalog.schema_file(name, "-schema-create.sql");
            let stem = file.and_then(|file| file.split_once("-schema-create.sql")).map(|(stem, _)| stem);
            schemas.entry(name.clone()).or_insert_with(|| stem.unwrap_or(name).to_owned());
        }
        let taken: BTreeSet<&str> = catalog
            .tables
            .values()
            .flat_map(|files| [files.file_name.as_str(), &files.schema_file_name])
            .chain(view_stems.values().filter_map(|stem| stem.rsplit_once('.').map(|(_, table)| table)))
            .collect();
        let mut new_name = |name: &str| {
            let mut candidate = fresh.name(name);
            let mut salt = name.to_owned();
            while candidate != name && taken.contains(candidate.as_str()) {
                salt.push('\u{1}');
                candidate = fresh.name(&salt);
            }
            candidate
        };
        let views = plan.around_files.iter().flatten().filter_map(|file| match &file.of {
            FileOf::View(name) | FileOf::Sequence(name) | FileOf::SequenceTable(name) => Some(name),
            _ => None,
        });
        for name in plan.written().chain(views) {
            let stem = match (catalog.tables.get(name), view_stems.get(name)) {
                (Some(files), _) => files.stem.clone(),
                (None, Some(stem)) => (*stem).to_owned(),
                (None, None) => {
                    let schema = schemas.entry(name.schema.clone()).or_insert_with(|| new_name(&name.schema)).clone();
                    format!("{schema}.{}", new_name(&name.table))
                }
            };
            stems.insert(name.clone(), stem);
        }
        for file in plan.around_files.iter().flatten() {
            if let FileOf::Schema(schema) = &file.of {
                schemas.entry(schema.clone()).or_insert_with(|| new_name(schema));
            }
        }
        Self { stems, schemas }
    }

    /// What a file that holds no rows is called.
    pub(crate) fn around(&self, of: &FileOf) -> String {
        match of {
            FileOf::Schema(schema) => schema_create_file(&self.schema(schema)),
            FileOf::Post(schema) => format!("{}-schema-post.sql", self.schema(schema)),
            FileOf::SchemaTriggers(schema) => format!("{}-schema-triggers.sql", self.schema(schema)),
            FileOf::TableTriggers(table) => format!("{}-schema-triggers.sql", self.stem(table)),
            FileOf::Placeholder(view) => format!("{}-schema.sql", self.stem(view)),
            FileOf::View(view) => format!("{}-schema-view.sql", self.stem(view)),
            FileOf::SequenceTable(sequence) => format!("{}-schema.sql", self.stem(sequence)),
            FileOf::SequenceRow(sequence) => format!("{}.00000.sql", self.stem(sequence)),
            FileOf::Sequence(sequence) => format!("{}-schema-sequence.sql", self.stem(sequence)),
        }
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
