//! The baseline: what is in the dump, and whether it can be one.

use std::collections::{BTreeMap, HashMap};
use std::io::Read;

use backtrail_domain::{BinlogPosition, GtidSet, TableName};
use backtrail_dump::metadata::DumpMetadata;
use backtrail_dump::names::{Compression, DataFile, Layout};
use backtrail_dump::tokenizer::{Piece, StatementReader};
use backtrail_schema::{SchemaError, SqlDialect, TableShape};

use crate::EngineError;
use crate::history::definition::shape_of_file;
use crate::input::declared::in_utf8;
use crate::input::decompress;
use crate::input::ledger::AccountedBaseline;
use crate::input::place::Coordinates;
use crate::input::rows::{column_names, described};
use crate::io::{Baseline, FileInfo};

/// Metadata and schema files are texts; beyond this they are something else.
pub(crate) const LONGEST_TEXT: u64 = 64 << 20;

/// A dump's files, by what they are for.
pub(crate) struct Catalog<'a> {
    pub(crate) source: &'a AccountedBaseline<'a>,
    pub(crate) coordinates: Coordinates,
    pub(crate) metadata: DumpMetadata,
    pub(crate) tables: BTreeMap<TableName, TableFiles>,
    /// By name: the table that holds its place, then the view.
    pub(crate) views: BTreeMap<TableName, Vec<FileInfo>>,
    pub(crate) sequences: BTreeMap<TableName, Vec<FileInfo>>,
    /// Files that belong to a schema as a whole: CREATE DATABASE, routines and events, triggers.
    pub(crate) schemas: BTreeMap<String, Vec<FileInfo>>,
}

/// The baseline's definitions, as far as they are needed.
#[derive(Default)]
pub(crate) struct Shapes {
    pub(crate) known: BTreeMap<TableName, TableShape>,
    pub(crate) unreadable: BTreeMap<TableName, SchemaError>,
}

/// A table's files.
#[derive(Debug, Clone, Default)]
pub(crate) struct TableFiles {
    pub(crate) schema: Option<FileInfo>,
    /// In the order of their chunks.
    pub(crate) data: Vec<FileInfo>,
    pub(crate) triggers: Vec<FileInfo>,
    /// For files of `data` that hold a LOAD DATA statement, by their names: the files with the rows.
    pub(crate) beside: BTreeMap<String, FileInfo>,
    /// A file with rows that no file of `data` is beside.
    pub(crate) unexplained: Option<FileInfo>,
    /// Rows, where the metadata says, or else a manifest.
    pub(crate) rows: Option<u64>,
    /// Why its files cannot be told from those of another table.
    pub(crate) doubtful: Option<String>,
    /// The schema's name in file names.
    pub(crate) schema_file_name: String,
    /// The table's name in file names.
    pub(crate) file_name: String,
    /// What the table's file names begin with: `shop.t`.
    pub(crate) stem: String,
}

impl TableFiles {
    /// The bytes of its rows, as stored.
    pub(crate) fn bytes(&self) -> u64 {
        self.data.iter().chain(self.beside.values()).map(|file| file.size).sum()
    }

    /// The bytes of a file of `data` and of the rows beside it, as stored.
    pub(crate) fn size_of(&self, file: &FileInfo) -> u64 {
        file.size + self.beside.get(&file.name).map_or(0, |beside| beside.size)
    }

    fn check(&self, name: &TableName) -> Result<(), EngineError> {
        let incomplete = |reason: String| Err(EngineError::BaselineIncomplete { reason });
        if self.doubtful.is_some() {
            return Ok(());
        }
        if self.schema.is_none() {
            let rows = self.rows.map_or_else(String::new, |rows| format!(" of {rows} rows"));
            return incomplete(format!("the table {name}{rows} has no file with its definition"));
        }
        match self.rows {
            Some(rows) if rows > 0 && self.data.is_empty() && self.unexplained.is_none() => {
                incomplete(format!("{name} has {rows} rows by the metadata and no data file"))
            }
            _ => Ok(()),
        }
    }
}

/// What a data file says before its first row.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct DataHead {
    pub(crate) names_binary: bool,
    pub(crate) time_zone_utc: bool,
    pub(crate) no_backslash_escapes: bool,
    /// The first INSERT's column list: `None` where there is no INSERT.
    pub(crate) columns: Option<Option<Vec<String>>>,
    /// Why the rows beside the file cannot be read.
    pub(crate) unread: Option<String>,
}

pub(crate) fn failed(file: &str) -> impl FnOnce(std::io::Error) -> EngineError + '_ {
    move |source| EngineError::BaselineRead { file: file.to_owned(), source }
}

impl<'a> Catalog<'a> {
    /// Reads the directory and its metadata.
    pub(crate) fn read(source: &'a AccountedBaseline<'a>) -> Result<Self, EngineError> {
        let files = source.files().map_err(failed("directory"))?;
        let metadata = metadata(source, &files)?;
        let Some(stated) = &metadata.coordinates else { return Err(EngineError::NoCoordinates) };
        let coordinates = coordinates(stated);
        let mut catalog = Self {
            source,
            coordinates,
            metadata,
            tables: BTreeMap::new(),
            views: BTreeMap::new(),
            sequences: BTreeMap::new(),
            schemas: BTreeMap::new(),
        };
        let names: Vec<&str> = files.iter().map(|file| file.name.as_str()).collect();
        let mut layout = Layout::of(names, Some(&catalog.metadata))?;
        if layout.has_partial_metadata {
            return Err(EngineError::BaselineIncomplete { reason: "a `metadata.partial` is there".to_owned() });
        }
        catalog.resolve_aliases(&mut layout)?;
        let sizes: HashMap<&str, u64> = files.iter().map(|file| (file.name.as_str(), file.size)).collect();
        let info = |name: String| FileInfo { size: sizes.get(name.as_str()).copied().unwrap_or(0), name };
        for (schema, own) in layout.schemas {
            let own = own.create.into_iter().chain(own.post).chain(own.triggers);
            catalog.schemas.insert(schema, own.map(info).collect());
        }
        for (name, own) in layout.tables {
            let stem = format!("{}.{}", own.schema_file_name, own.file_name);
            if let Some(special) = own.view.clone().or(own.sequence.clone()) {
                let files = own.schema.into_iter().chain([special]).chain(own.triggers).map(info).collect();
                let kind = if own.view.is_some() { &mut catalog.views } else { &mut catalog.sequences };
                kind.insert(name, files);
                continue;
            }
            let promised = own.raw_data.is_empty().then(|| promised_rows(source, &own.data)).flatten();
            let (beside, unexplained) = pair(&own.data, &own.raw_data);
            let table = TableFiles {
                schema: own.schema.map(info),
                triggers: own.triggers.into_iter().map(info).collect(),
                rows: own.rows.or(promised),
                data: own.data.into_iter().map(|file| info(file.name)).collect(),
                beside: beside.into_iter().map(|(file, rows)| (file, info(rows))).collect(),
                unexplained: unexplained.map(info),
                doubtful: own.doubtful,
                schema_file_name: own.schema_file_name,
                file_name: own.file_name,
                stem,
            };
            table.check(&name)?;
            catalog.tables.insert(name, table);
        }
        Ok(catalog)
    }

    /// Whether the dump has anything of a schema.
    pub(crate) fn has_schema(&self, schema: &str) -> bool {
        let mut names = self.tables.keys().chain(self.views.keys()).chain(self.sequences.keys());
        self.schemas.contains_key(schema) || names.any(|name| name.schema == schema)
    }

    /// Names that the metadata does not resolve are told by the SQL inside.
    fn resolve_aliases(&self, layout: &mut Layout) -> Result<(), EngineError> {
        let doubtful = |file: &str| EngineError::BaselineIncomplete {
            reason: format!("{file} does not say what its alias stands for"),
        };
        for (alias, file) in layout.aliased_schemas() {
            let Some(file) = file else { continue };
            let text = self.text(&file)?;
            let real = first_quoted(&text).ok_or_else(|| doubtful(&file))?;
            layout.rename_schema(&alias, &real);
        }
        for (alias, file) in layout.aliased_tables() {
            let Some(file) = file else { continue };
            let text = self.text(&file)?;
            let shape = shape_of_file(&text, &alias.schema, &SqlDialect::mariadb())
                .or_else(|_| shape_of_file(&text, &alias.schema, &SqlDialect::mysql()))
                .map_err(|_| doubtful(&file))?;
            layout.rename_table(&alias, &shape.name.table);
        }
        Ok(())
    }

    /// The files that are there, opened and decompressed.
    pub(crate) fn open(&self, name: &str) -> Result<Box<dyn Read + Send>, EngineError> {
        let raw = self.source.open(name).map_err(failed(name))?;
        decompress::reader(raw).map_err(failed(name))
    }

    /// Opens a file as stored.
    pub(crate) fn open_raw(&self, name: &str) -> Result<Box<dyn Read + Send>, EngineError> {
        self.source.open(name).map_err(failed(name))
    }

    /// A schema file's text.
    pub(crate) fn text(&self, name: &str) -> Result<String, EngineError> {
        Ok(String::from_utf8_lossy(&in_utf8(&self.bytes(name)?)).into_owned())
    }

    /// The whole of a file that holds no rows, decompressed.
    pub(crate) fn bytes(&self, name: &str) -> Result<Vec<u8>, EngineError> {
        let mut bytes = Vec::new();
        self.open(name)?.take(LONGEST_TEXT).read_to_end(&mut bytes).map_err(failed(name))?;
        Ok(bytes)
    }

    /// A file by its name.
    pub(crate) fn file(&self, name: &str) -> Option<&FileInfo> {
        let triggers = self.tables.values().flat_map(|files| [&files.triggers, &files.data]);
        let schemas = self.tables.values().filter_map(|files| files.schema.as_ref());
        if let Some(found) = schemas.into_iter().find(|file| file.name == name) {
            return Some(found);
        }
        let lists = self.views.values().chain(self.sequences.values()).chain(self.schemas.values()).chain(triggers);
        lists.flatten().find(|file| file.name == name)
    }

    /// A file that belongs to a schema as a whole, by the end of its name without compression.
    pub(crate) fn schema_file(&self, schema: &str, ending: &str) -> Option<&str> {
        let files = self.schemas.get(schema)?;
        files.iter().map(|file| file.name.as_str()).find(|name| Compression::split(name).0.ends_with(ending))
    }

    /// What a table looked like in the baseline.
    pub(crate) fn shape(
        &self,
        name: &TableName,
        dialect: &SqlDialect,
    ) -> Result<Result<TableShape, SchemaError>, EngineError> {
        let files = self.tables.get(name);
        if files.is_some_and(|files| files.doubtful.is_some()) {
            let beginning = format!("CREATE TABLE {name}");
            return Ok(Err(SchemaError::NotATable { beginning, what: "the dump's file is for two tables" }));
        }
        let Some(file) = files.and_then(|files| files.schema.as_ref()) else {
            return Err(EngineError::UnknownTables { tables: vec![name.clone()] });
        };
        Ok(shape_of_file(&self.text(&file.name)?, &name.schema, dialect))
    }

    /// What a data file says before its first row.
    pub(crate) fn data_head(&self, table: &TableName, file: &str) -> Result<DataHead, EngineError> {
        let mut head = DataHead::default();
        if let Some(beside) = self.tables.get(table).and_then(|files| files.beside.get(file)) {
            match described(&self.bytes(file)?, beside) {
                Ok(file) => {
                    file.preamble.iter().for_each(|statement| head.note(statement));
                    head.columns = Some(Some(column_names(&file.statement)));
                }
                Err(reason) => head.unread = Some(reason),
            }
            return Ok(head);
        }
        let mut reader = StatementReader::new(self.open(file)?, file);
        loop {
            match reader
                .next_piece()
                .map_err(|source| EngineError::BaselineData { table: table.clone(), source: Box::new(source) })?
            {
                Some(Piece::Preamble(statement)) => head.note(statement),
                Some(Piece::InsertHead(insert)) => {
                    head.columns = Some(insert.columns);
                    return Ok(head);
                }
                Some(Piece::Row(_) | Piece::End) | None => return Ok(head),
            }
        }
    }
}

impl DataHead {
    /// Takes in a statement of a file's preamble.
    pub(crate) fn note(&mut self, statement: &[u8]) {
        let text = String::from_utf8_lossy(statement).to_ascii_uppercase();
        if let Some((_, names)) = text.split_once("SET NAMES ") {
            self.names_binary = names.trim_start_matches(['\'', '"']).starts_with("BINARY");
        }
        if let Some((_, zone)) = text.split_once("TIME_ZONE=") {
            self.time_zone_utc =
                ["'+00:00'", "\"+00:00\"", "'UTC'"].iter().any(|utc| zone.trim_start().starts_with(utc));
        }
        if let Some((_, mode)) = text.split_once("SQL_MODE=") {
            self.no_backslash_escapes = mode.contains("NO_BACKSLASH_ESCAPES");
        }
    }
}

/// The first name in backticks.
fn first_quoted(text: &str) -> Option<String> {
    let (_, inside) = text.split_once('`')?;
    let mut name = String::new();
    let mut rest = inside;
    loop {
        let (part, behind) = rest.split_once('`')?;
        name.push_str(part);
        match behind.strip_prefix('`') {
            Some(behind) => {
                name.push('`');
                rest = behind;
            }
            None => return Some(name),
        }
    }
}

/// The files with rows by the names of those that say what is in them, which have the same chunk; and one of which none says
/// so.
fn pair(data: &[DataFile], raw: &[DataFile]) -> (BTreeMap<String, String>, Option<String>) {
    let mut beside = BTreeMap::new();
    let mut unexplained = None;
    for rows in raw {
        let file = data.iter().find(|file| file.chunk == rows.chunk && !beside.contains_key(&file.name));
        match file {
            Some(file) => drop(beside.insert(file.name.clone(), rows.name.clone())),
            None => unexplained = Some(rows.name.clone()),
        }
    }
    (beside, unexplained)
}

/// The rows of some data files, where a manifest has them of every file.
fn promised_rows(source: &AccountedBaseline<'_>, files: &[DataFile]) -> Option<u64> {
    let rows = |file: &DataFile| source.promised(&file.name)?.rows;
    if files.is_empty() { None } else { files.iter().map(rows).sum() }
}

fn coordinates(stated: &backtrail_dump::metadata::DumpCoordinates) -> Coordinates {
    let gtid_set: Option<GtidSet> = stated.gtid_set.clone().filter(|set| !set.is_empty());
    let position: BinlogPosition = stated.position.clone();
    Coordinates { position, gtid_set }
}

fn metadata(source: &dyn Baseline, files: &[FileInfo]) -> Result<DumpMetadata, EngineError> {
    let incomplete = |reason: &str| EngineError::BaselineIncomplete { reason: reason.to_owned() };
    let Some(file) = files.iter().find(|file| matches!(Compression::split(&file.name), ("metadata", _))) else {
        return Err(incomplete(if files.iter().any(|file| file.name.starts_with("metadata.partial")) {
            "its metadata is still `metadata.partial`: the dump was not finished"
        } else {
            "there is no `metadata` file"
        }));
    };
    let mut bytes = Vec::new();
    let reader =
        decompress::reader(source.open(&file.name).map_err(failed(&file.name))?).map_err(failed(&file.name))?;
    reader.take(LONGEST_TEXT).read_to_end(&mut bytes).map_err(failed(&file.name))?;
    let metadata = DumpMetadata::parse(&String::from_utf8_lossy(&bytes))?;
    if !metadata.is_finished() {
        return Err(incomplete("its metadata has no `Finished dump at` line: the dump was cut short"));
    }
    Ok(metadata)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_in_backticks() {
        let check = |text: &str, expect: Option<&str>| assert_eq!(first_quoted(text).as_deref(), expect, "{text}");
        check("CREATE DATABASE `odd.schema` /*!40100 DEFAULT */;", Some("odd.schema"));
        check("CREATE DATABASE `a``b`;\nUSE `c`;", Some("a`b"));
        check("CREATE DATABASE ````;", Some("`"));
        check("CREATE DATABASE `a``", None);
        check("CREATE DATABASE a;", None);
    }

    #[test]
    fn rows_and_what_says_how_they_are_written() {
        let file = |name: &str, chunk: &[u32]| DataFile { chunk: chunk.to_vec(), name: name.to_owned() };
        let data = [file("s.t.00000.sql", &[0]), file("s.t.00001.sql.zst", &[1])];
        let (beside, unexplained) = pair(&data, &[file("s.t.00001.dat.zst", &[1]), file("s.t.00000.dat.gz", &[0])]);
        assert_eq!(beside["s.t.00000.sql"], "s.t.00000.dat.gz");
        assert_eq!(beside["s.t.00001.sql.zst"], "s.t.00001.dat.zst");
        assert_eq!(unexplained, None);
        for rows in [file("s.t.00002.dat", &[2]), file("s.t.00000.csv", &[0])] {
            let (_, unexplained) = pair(&data, &[file("s.t.00000.dat", &[0]), rows.clone()]);
            assert_eq!(unexplained, Some(rows.name));
        }
    }

    #[test]
    fn preambles() {
        let mut head = DataHead::default();
        head.note(b"/*!40101 SET NAMES binary*/;");
        head.note(b"/*!40103 SET TIME_ZONE='+00:00' */;");
        head.note(b"/*!40101 SET SQL_MODE='NO_AUTO_VALUE_ON_ZERO,NO_BACKSLASH_ESCAPES'*/;");
        assert!(head.names_binary && head.time_zone_utc && head.no_backslash_escapes);
        head.note(b"SET NAMES utf8mb4;");
        head.note(b"SET TIME_ZONE='SYSTEM';");
        assert!(!head.names_binary && !head.time_zone_utc);
    }
}
