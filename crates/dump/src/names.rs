//! What the files of a dump are, by their names.
//!
//! A data file is `schema.table.sql` or `schema.table.00000.sql`. Up to 0.11 mydumper writes names as they are, so that dots
//! and endings inside names make file names ambiguous; a [`Layout`] therefore looks at all names of a directory together.
//! Later versions put an alias (`mydumper_3`) in the place of an odd name: from 0.15 the metadata tells what it stands for,
//! before and for schemas only the SQL inside does. What a data file is for is in any case said by its INSERT statements:
//! a reader compares.

use std::collections::{BTreeMap, BTreeSet};

use backtrail_domain::TableName;
use serde::{Deserialize, Serialize};

use crate::metadata::DumpMetadata;

pub use crate::file_names::{FileNames, schema_create_file, table_data_file, table_schema_file};

/// How a file is compressed, by the end of its name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Compression {
    /// Not at all.
    None,
    /// `.gz`.
    Gzip,
    /// `.zst`.
    Zstd,
}

impl Compression {
    /// Takes the compression's suffix off a file name.
    pub fn split(file_name: &str) -> (&str, Self) {
        if let Some(stem) = file_name.strip_suffix(".zst") {
            (stem, Self::Zstd)
        } else if let Some(stem) = file_name.strip_suffix(".gz") {
            (stem, Self::Gzip)
        } else {
            (file_name, Self::None)
        }
    }

    /// The suffix, with its dot.
    pub fn suffix(self) -> &'static str {
        match self {
            Self::None => "",
            Self::Gzip => ".gz",
            Self::Zstd => ".zst",
        }
    }
}

/// A file of rows.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct DataFile {
    /// The numbers of the chunk: of the range, then of the file within it. Empty for a table in one file.
    pub chunk: Vec<u32>,
    /// Its whole name.
    pub name: String,
}

/// The files of one table or view.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct TableFiles {
    /// The schema's name in file names.
    pub schema_file_name: String,
    /// The table's name in file names: itself, or an alias.
    pub file_name: String,
    /// CREATE TABLE; for a view, the table that holds its place while loading.
    pub schema: Option<String>,
    /// CREATE VIEW.
    pub view: Option<String>,
    /// CREATE SEQUENCE (MariaDB, from mydumper 0.13).
    pub sequence: Option<String>,
    /// The table's triggers.
    pub triggers: Option<String>,
    /// Rows as INSERT statements, or the statement that says what the file of [`TableFiles::raw_data`] with the same chunk
    /// holds; in chunk order.
    pub data: Vec<DataFile>,
    /// Rows in another form: see [`crate::load_data`].
    pub raw_data: Vec<DataFile>,
    /// Rows by the metadata's count.
    pub rows: Option<u64>,
    /// Why its files cannot be told from those of another table. What else is said of them may then be wrong.
    pub doubtful: Option<String>,
}

impl TableFiles {
    /// Whether it holds rows of its own.
    pub fn is_table(&self) -> bool {
        self.view.is_none() && self.sequence.is_none()
    }
}

/// The files of one schema that belong to no table.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct SchemaFiles {
    /// CREATE DATABASE.
    pub create: Option<String>,
    /// Routines and events.
    pub post: Option<String>,
    /// All triggers of the schema.
    pub triggers: Option<String>,
}

/// The files of a dump's directory, sorted out.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Layout {
    /// Whether `metadata` is there: mydumper gives the file its name when it is done.
    pub has_metadata: bool,
    /// Whether a `metadata.partial` is there.
    pub has_partial_metadata: bool,
    /// Per schema, the files that belong to no table.
    pub schemas: BTreeMap<String, SchemaFiles>,
    /// Per table and view, its files.
    pub tables: BTreeMap<TableName, TableFiles>,
    /// Files of no interest: checksums, logs, tablespaces.
    pub other: Vec<String>,
}

/// File names that could mean more than one table.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the dump's file `{file}` cannot be told for one table: {reason}; take the baseline with a newer mydumper")]
pub struct NameError {
    /// The file.
    pub file: String,
    /// What is wrong with it.
    pub reason: String,
}

/// What a file holds, before names are resolved.
enum Content<'a> {
    Schema,
    View,
    Triggers,
    Sequence,
    Data {
        chunk: Vec<u32>,
        raw: bool,
    },
    /// Of the whole schema.
    OfSchema(&'a str),
    /// The definition of this table, or the rows of the one that the file is named after: mydumper up to 0.11 has written
    /// both to it.
    Doubtful(&'a str),
}

impl Layout {
    /// Sorts out the names of a directory's files (names, not paths). `metadata` gives the names behind aliases and the
    /// row counts.
    ///
    /// # Errors
    /// A file whose schema cannot be told, or of which there are two.
    pub fn of<'a>(
        file_names: impl IntoIterator<Item = &'a str>,
        metadata: Option<&DumpMetadata>,
    ) -> Result<Self, NameError> {
        let names: BTreeSet<&str> = file_names.into_iter().collect();
        let stems: BTreeSet<&str> = names.iter().map(|name| Compression::split(name).0).collect();
        let sorter = Sorter::new(&stems, metadata);
        let mut layout = Self::default();
        if let Some(metadata) = metadata {
            for (name, entry) in &metadata.tables {
                let files = layout.table(&sorter, &name.schema, &entry.file_name);
                files.rows = entry.rows;
            }
        }
        for name in &names {
            layout.add(&sorter, name)?;
        }
        for files in layout.tables.values_mut() {
            files.data.sort();
            files.raw_data.sort();
        }
        Ok(layout)
    }

    fn add(&mut self, sorter: &Sorter<'_>, name: &str) -> Result<(), NameError> {
        let (stem, _) = Compression::split(name);
        if stem == "metadata" {
            self.has_metadata = true;
            return Ok(());
        }
        if stem.starts_with("metadata.") {
            self.has_partial_metadata |= stem.starts_with("metadata.partial");
            return Ok(());
        }
        let raw_body = stem.strip_suffix(".dat").or_else(|| stem.strip_suffix(".csv"));
        let raw = raw_body.is_some();
        let Some(body) = stem.strip_suffix(".sql").or(raw_body) else {
            self.other.push(name.to_owned());
            return Ok(());
        };
        if body == "all-schema-create-tablespace" {
            self.other.push(name.to_owned());
            return Ok(());
        }
        let (schema, table, content) = sorter.sort(name, body, raw)?;
        let place = match content {
            Content::OfSchema(kind) => {
                let files = self.schemas.entry(schema.to_owned()).or_default();
                match kind {
                    "create" => &mut files.create,
                    "post" => &mut files.post,
                    _ => &mut files.triggers,
                }
            }
            Content::Data { chunk, raw } => {
                let files = self.table(sorter, schema, table);
                let list = if raw { &mut files.raw_data } else { &mut files.data };
                list.push(DataFile { chunk, name: name.to_owned() });
                return Ok(());
            }
            Content::Doubtful(other) => {
                for (table, other) in [(table, other), (other, table)] {
                    let files = self.table(sorter, schema, table);
                    files.doubtful = Some(format!("the dump's file `{name}` is for it and for the table `{other}`"));
                }
                return Ok(());
            }
            Content::Schema => &mut self.table(sorter, schema, table).schema,
            Content::View => &mut self.table(sorter, schema, table).view,
            Content::Triggers => &mut self.table(sorter, schema, table).triggers,
            Content::Sequence => &mut self.table(sorter, schema, table).sequence,
        };
        if let Some(before) = place.replace(name.to_owned()) {
            let reason = format!("`{before}` holds the same");
            return Err(NameError { file: name.to_owned(), reason });
        }
        Ok(())
    }

    fn table(&mut self, sorter: &Sorter<'_>, schema: &str, table: &str) -> &mut TableFiles {
        let real = sorter.real_names.get(&(schema, table)).copied().unwrap_or(table);
        let files = self.tables.entry(TableName::new(schema, real)).or_default();
        files.schema_file_name = schema.to_owned();
        files.file_name = table.to_owned();
        files
    }

    /// Schemas whose name here is an alias, with the file whose CREATE DATABASE tells the real one.
    pub fn aliased_schemas(&self) -> Vec<(String, Option<String>)> {
        self.schemas
            .iter()
            .filter(|(name, _)| is_alias(name))
            .map(|(name, files)| (name.clone(), files.create.clone()))
            .collect()
    }

    /// Gives a schema its real name.
    pub fn rename_schema(&mut self, alias: &str, real: &str) {
        if let Some(files) = self.schemas.remove(alias) {
            self.schemas.insert(real.to_owned(), files);
        }
        let (aliased, rest) = std::mem::take(&mut self.tables).into_iter().partition(|(name, _)| name.schema == alias);
        let aliased: BTreeMap<TableName, TableFiles> = aliased;
        self.tables = rest;
        self.tables.extend(aliased.into_iter().map(|(name, files)| (TableName::new(real, name.table), files)));
    }

    /// Tables whose name here is an alias that the metadata does not resolve, or a name with quotes, which some versions
    /// write twice there, with the file whose CREATE TABLE tells the real one.
    pub fn aliased_tables(&self) -> Vec<(TableName, Option<String>)> {
        let quoted = |name: &TableName| name.table.contains(['`', '"', '\\']);
        self.tables
            .iter()
            .filter(|(name, files)| {
                is_alias(&files.file_name) && (name.table == files.file_name || (files.is_table() && quoted(name)))
            })
            .map(|(name, files)| (name.clone(), files.schema.clone()))
            .collect()
    }

    /// Gives a table its real name.
    pub fn rename_table(&mut self, alias: &TableName, real: &str) {
        if let Some(files) = self.tables.remove(alias) {
            self.tables.insert(TableName::new(alias.schema.clone(), real), files);
        }
    }
}

/// Knows all names while it looks at one.
struct Sorter<'a> {
    /// File names without `.sql` and compression.
    bodies: BTreeSet<&'a str>,
    /// Schemas that are known to exist.
    schemas: BTreeSet<&'a str>,
    /// (schema, alias) to the real name.
    real_names: BTreeMap<(&'a str, &'a str), &'a str>,
}

impl<'a> Sorter<'a> {
    fn new(stems: &BTreeSet<&'a str>, metadata: Option<&'a DumpMetadata>) -> Self {
        let bodies: BTreeSet<&str> = stems.iter().filter_map(|stem| stem.strip_suffix(".sql")).collect();
        let mut schemas: BTreeSet<&str> =
            bodies.iter().filter_map(|body| body.strip_suffix("-schema-create")).collect();
        let mut real_names = BTreeMap::new();
        for (name, entry) in metadata.into_iter().flat_map(|metadata| &metadata.tables) {
            schemas.insert(name.schema.as_str());
            real_names.insert((name.schema.as_str(), entry.file_name.as_str()), name.table.as_str());
        }
        Self { bodies, schemas, real_names }
    }

    fn sort<'n>(&self, file: &str, body: &'n str, raw: bool) -> Result<(&'n str, &'n str, Content<'n>), NameError> {
        for kind in ["create", "post", "triggers"] {
            let schema = body.strip_suffix(kind).and_then(|rest| rest.strip_suffix("-schema-"));
            if let Some(schema) = schema.filter(|schema| kind == "create" || self.is_schema(schema)) {
                return Ok((schema, "", Content::OfSchema(kind)));
            }
        }
        let (schema, rest) = self.split_schema(file, body)?;
        for (suffix, content) in [
            ("-schema-view", Content::View),
            ("-schema-triggers", Content::Triggers),
            ("-schema-sequence", Content::Sequence),
            ("-schema", Content::Schema),
        ] {
            if let Some(table) = rest.strip_suffix(suffix).filter(|table| !table.is_empty()) {
                // `shop.x-schema.sql` holds the rows of a table `x-schema`, if there is one.
                if !raw && self.exists(schema, &format!("{rest}-schema")) {
                    if self.has_data(schema, table) {
                        return Ok((schema, rest, Content::Doubtful(table)));
                    }
                    break;
                }
                return Ok((schema, table, content));
            }
        }
        // A table may be called `n.00001`.
        let mut table = rest;
        let mut chunk = Vec::new();
        while chunk.len() < 2 && !self.exists(schema, &format!("{table}-schema")) {
            let Some((before, number)) = table.rsplit_once('.').filter(|(before, _)| !before.is_empty()) else { break };
            let digits = number.len() >= 5 && number.bytes().all(|b| b.is_ascii_digit());
            let Some(number) = number.parse().ok().filter(|_| digits) else { break };
            chunk.insert(0, number);
            table = before;
        }
        Ok((schema, table, Content::Data { chunk, raw }))
    }

    fn is_schema(&self, name: &str) -> bool {
        self.schemas.contains(name) || !name.contains('.')
    }

    fn exists(&self, schema: &str, rest: &str) -> bool {
        self.bodies.contains(format!("{schema}.{rest}").as_str())
    }

    fn has_data(&self, schema: &str, table: &str) -> bool {
        self.exists(schema, table) || self.exists(schema, &format!("{table}.00000"))
    }

    fn split_schema<'n>(&self, file: &str, body: &'n str) -> Result<(&'n str, &'n str), NameError> {
        let error = |reason: &str| NameError { file: file.to_owned(), reason: reason.to_owned() };
        let mut found = None;
        for (dot, _) in body.match_indices('.') {
            let (Some(schema), Some(table)) = (body.get(..dot), body.get(dot + 1..)) else { continue };
            if self.schemas.contains(schema) && !table.is_empty() {
                if found.is_some() {
                    return Err(error("two schemas of the dump fit"));
                }
                found = Some((schema, table));
            }
        }
        // A dump without schema files (`--no-schemas`) of old does not name its schemas.
        found
            .or_else(|| body.split_once('.'))
            .filter(|(schema, table)| !schema.is_empty() && !table.is_empty())
            .ok_or_else(|| error("its name is not made of a schema and a table"))
    }
}

/// Whether a name is one of mydumper's aliases.
fn is_alias(name: &str) -> bool {
    name.strip_prefix("mydumper_")
        .is_some_and(|number| !number.is_empty() && number.bytes().all(|b| b.is_ascii_digit()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn layout(names: &[&str]) -> Layout {
        Layout::of(names.iter().copied(), None).unwrap()
    }

    fn data(layout: &Layout, schema: &str, table: &str) -> Vec<(Vec<u32>, String)> {
        let files = &layout.tables[&TableName::new(schema, table)];
        files.data.iter().map(|file| (file.chunk.clone(), file.name.clone())).collect()
    }

    #[test]
    fn classic_names() {
        let found = layout(&[
            "metadata",
            "shop-schema-create.sql.gz",
            "shop-schema-post.sql.gz",
            "shop.t-schema.sql.gz",
            "shop.t-schema-triggers.sql.gz",
            "shop.t.00010.sql.gz",
            "shop.t.00009.sql.gz",
            "shop.one-schema.sql",
            "shop.one.sql",
            "shop.vw-schema.sql",
            "shop.vw-schema-view.sql",
            "shop.empty-schema.sql",
            "shop.t-checksum",
        ]);
        assert!(found.has_metadata && !found.has_partial_metadata);
        assert_eq!(found.schemas["shop"].create.as_deref(), Some("shop-schema-create.sql.gz"));
        assert_eq!(found.schemas["shop"].post.as_deref(), Some("shop-schema-post.sql.gz"));
        assert_eq!(
            data(&found, "shop", "t"),
            [(vec![9], "shop.t.00009.sql.gz".to_owned()), (vec![10], "shop.t.00010.sql.gz".to_owned())]
        );
        let t = &found.tables[&TableName::new("shop", "t")];
        assert_eq!(t.triggers.as_deref(), Some("shop.t-schema-triggers.sql.gz"));
        assert!(!found.tables[&TableName::new("shop", "vw")].is_table());
        assert!(found.tables[&TableName::new("shop", "empty")].data.is_empty());
        assert_eq!(found.tables.len(), 4);
        assert_eq!(found.other, ["shop.t-checksum"]);
    }

    #[test]
    fn odd_names_as_they_are() {
        let found = layout(&[
            "a-b c.d%e-schema-create.sql",
            "a-b c.d%e.t.u v-schema.sql",
            "a-b c.d%e.t.u v.sql",
            "s.p-schema-create.sql",
            "s.p.q-schema.sql",
            "s.p.q.sql",
            "shop-schema-create.sql",
            "shop.n.00001-schema.sql",
            "shop.n.00001.sql",
            "shop.00001-schema.sql",
            "shop.00001.sql",
            "shop.x-schema-schema.sql",
            "shop.x-schema.sql",
            "shop.v.w-schema-view.sql",
            "shop.v.w-schema.sql",
        ]);
        assert_eq!(data(&found, "a-b c.d%e", "t.u v").len(), 1);
        assert_eq!(data(&found, "s.p", "q").len(), 1);
        assert_eq!(data(&found, "shop", "n.00001"), [(vec![], "shop.n.00001.sql".to_owned())]);
        assert_eq!(data(&found, "shop", "00001"), [(vec![], "shop.00001.sql".to_owned())]);
        assert_eq!(data(&found, "shop", "x-schema"), [(vec![], "shop.x-schema.sql".to_owned())]);
        assert!(!found.tables[&TableName::new("shop", "v.w")].is_table());
        assert_eq!(found.tables.len(), 6);
    }

    #[test]
    fn what_cannot_be_told_is_refused() {
        for names in [
            &["s-schema-create.sql", "s.p-schema-create.sql", "s.p.q.sql"][..],
            &["nothing.sql"],
            &["s.t-schema.sql", "s.t-schema.sql.gz"],
        ] {
            assert!(Layout::of(names.iter().copied(), None).is_err(), "{names:?}");
        }
    }

    #[test]
    fn two_tables_in_one_file() {
        let found = layout(&["s.x-schema-schema.sql", "s.x-schema.sql", "s.x.sql", "s.y-schema.sql", "s.y.sql"]);
        let doubtful = |table: &str| found.tables[&TableName::new("s", table)].doubtful.as_deref();
        assert_eq!(doubtful("x"), Some("the dump's file `s.x-schema.sql` is for it and for the table `x-schema`"));
        assert_eq!(doubtful("x-schema"), Some("the dump's file `s.x-schema.sql` is for it and for the table `x`"));
        assert_eq!(doubtful("y"), None);
        assert_eq!(found.tables.len(), 3);
    }

    #[test]
    fn names_of_few_letters_are_other_files() {
        let names = ["a", "ab", ".gz", "c.zst", ".sq", "log"];
        assert_eq!(layout(&names).other.len(), names.len());
    }

    #[test]
    fn aliases() {
        let metadata = DumpMetadata::parse(
            "# Started dump at: t\n[`mydumper_1`.`mydumper_0`]\nreal_table_name=odd.t\nrows = 3\n\n[`shop`.`gone`]\n\
             real_table_name=gone\nrows = 0\n",
        )
        .unwrap();
        let names = [
            "metadata.partial",
            "mydumper_1-schema-create.sql.zst",
            "mydumper_1-schema-triggers.sql",
            "mydumper_1.mydumper_0-schema.sql",
            "mydumper_1.mydumper_0.00000.00002.sql",
            "mydumper_1.mydumper_0.00000.sql",
            "mydumper_1.mydumper_7-schema.sql",
            "mydumper_1.mydumper_7.00000.dat",
        ];
        let mut found = Layout::of(names, Some(&metadata)).unwrap();
        assert!(found.has_partial_metadata && !found.has_metadata);
        let create = Some("mydumper_1-schema-create.sql.zst".to_owned());
        assert_eq!(found.aliased_schemas(), [("mydumper_1".to_owned(), create)]);
        found.rename_schema("mydumper_1", "odd.schema");
        let chunks: Vec<_> = data(&found, "odd.schema", "odd.t").into_iter().map(|(chunk, _)| chunk).collect();
        assert_eq!(chunks, [vec![0], vec![0, 2]]);
        assert_eq!(found.tables[&TableName::new("odd.schema", "odd.t")].rows, Some(3));
        assert_eq!(found.tables[&TableName::new("shop", "gone")].rows, Some(0));
        assert!(found.schemas["odd.schema"].triggers.is_some());
        let aliased = found.aliased_tables();
        let [(alias, Some(file))] = aliased.as_slice() else { panic!("one is expected") };
        assert_eq!(file, "mydumper_1.mydumper_7-schema.sql");
        found.rename_table(alias, "x y");
        assert_eq!(found.tables[&TableName::new("odd.schema", "x y")].raw_data.len(), 1);
        assert!(found.aliased_tables().is_empty());
        // One backtick or two: the metadata does not say.
        let quoted = TableName::new("odd.schema", "x``y");
        found.rename_table(&TableName::new("odd.schema", "x y"), &quoted.table);
        assert_eq!(found.aliased_tables(), [(quoted, Some(file.clone()))]);
    }
}
