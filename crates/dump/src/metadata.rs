//! The `metadata` file: coordinates, row counts, the completion mark.
//!
//! Up to 0.13 the file is prose with indented lines (`SHOW MASTER STATUS:`, `Log:`, `Pos:`, `GTID:`). From 0.14 it is made
//! of sections: `[master]`, later `[source]`, with the coordinates; one section per table; times as comments. The
//! coordinates' keys changed from `File`, `Position`, `Executed_Gtid_Set` to `SOURCE_LOG_FILE`, `SOURCE_LOG_POS`,
//! `executed_gtid_set`, mostly written as comments, with and without quotes and space. All mean the same here.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use backtrail_domain::{BinlogFile, BinlogPosition, GtidSet, TableName};

/// The dialects of the file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Dialect {
    /// Up to 0.13: `SHOW MASTER STATUS:` and indented lines.
    Classic,
    /// From 0.14: sections in brackets, keys and values.
    Sections,
}

/// How names are quoted in the dump's SQL.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum QuoteCharacter {
    /// `` `name` ``.
    #[default]
    Backtick,
    /// `"name"`.
    DoubleQuote,
}

/// What the `metadata` file says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DumpMetadata {
    /// When the dump began, as written: the dumping host's local time without a zone.
    pub started_at: Option<String>,
    /// When the dump ended, as written. It is the completion mark: a dump without it is not complete.
    pub finished_at: Option<String>,
    /// The place in the dumped server's own binary log that the rows belong to; what the server replicates from is not
    /// it. None where mydumper wrote none (no binary log, or MySQL 8.4 and later dumped by 0.10).
    pub coordinates: Option<DumpCoordinates>,
    /// Tables with a section of their own, by real name; the schema is named as in file names (see
    /// [`crate::names::Layout`] for aliases).
    pub tables: BTreeMap<TableName, TableEntry>,
    /// How the dump's SQL quotes names.
    pub quote: QuoteCharacter,
    /// The file's dialect.
    pub dialect: Dialect,
}

/// A place in the source's binary log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DumpCoordinates {
    /// The place.
    pub position: BinlogPosition,
    /// What had been executed, where it is written.
    pub gtid_set: Option<GtidSet>,
}

/// What the metadata says about a table.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct TableEntry {
    /// The table's name in file names: itself, or an alias (`mydumper_3`).
    pub file_name: String,
    /// Rows in the dump.
    pub rows: Option<u64>,
    /// Whether the section is a view's.
    pub is_view: bool,
    /// Whether the section is a sequence's.
    pub is_sequence: bool,
}

impl DumpMetadata {
    /// Whether the completion mark is there.
    pub fn is_finished(&self) -> bool {
        self.finished_at.is_some()
    }

    /// Reads a `metadata` file of any dialect from 0.10 to 1.0.
    ///
    /// # Errors
    /// Text of no dialect, and coordinates or counts that are no numbers.
    pub fn parse(text: &str) -> Result<Self, MetadataError> {
        let sections = text.lines().any(|line| line.starts_with('[') || line.starts_with("# Started dump at:"));
        let reader = Reader::new(if sections { Dialect::Sections } else { Dialect::Classic });
        reader.read(text)
    }
}

/// Where a line belongs.
enum Section {
    /// Before the first one, and those of no interest.
    Other,
    Own,
    Config,
    /// A table under the name that it has so far. It goes among the others at the section's end: until its real name is
    /// read it may have the name of another.
    Table(TableName, TableEntry),
}

struct Reader {
    found: DumpMetadata,
    section: Section,
    file: Option<(usize, String)>,
    position: Option<(usize, String)>,
    gtid: Option<(usize, String)>,
    /// The lines that follow belong to the GTID set.
    gtid_open: bool,
}

impl Reader {
    fn new(dialect: Dialect) -> Self {
        let found = DumpMetadata {
            started_at: None,
            finished_at: None,
            coordinates: None,
            tables: BTreeMap::new(),
            quote: QuoteCharacter::default(),
            dialect,
        };
        Self { found, section: Section::Other, file: None, position: None, gtid: None, gtid_open: false }
    }

    fn read(mut self, text: &str) -> Result<DumpMetadata, MetadataError> {
        // Not `lines`, which would take the carriage return at the end of a table's name for a part of the line's end.
        for (index, line) in text.split('\n').enumerate() {
            let bare = line.strip_prefix("# ").unwrap_or(line);
            if let Some(time) = bare.strip_prefix("Started dump at:") {
                self.found.started_at = Some(time.trim().to_owned());
            } else if let Some(time) = bare.strip_prefix("Finished dump at:") {
                self.found.finished_at = Some(time.trim().to_owned());
            } else {
                match self.found.dialect {
                    Dialect::Classic => self.classic_line(index + 1, line),
                    Dialect::Sections => self.section_line(index + 1, line)?,
                }
            }
        }
        self.end_section();
        if self.found.started_at.is_none() {
            return Err(MetadataError::NotMetadata);
        }
        self.found.coordinates = self.coordinates()?;
        Ok(self.found)
    }

    fn classic_line(&mut self, number: usize, line: &str) {
        let text = line.trim();
        if line.starts_with("SHOW ") {
            let own = ["SHOW MASTER STATUS", "SHOW BINARY LOG STATUS"].iter().any(|start| line.starts_with(start));
            self.section = if own { Section::Own } else { Section::Other };
            self.gtid_open = false;
        } else if !matches!(self.section, Section::Own) {
        } else if let Some(file) = text.strip_prefix("Log:") {
            keep(&mut self.file, number, file);
        } else if let Some(position) = text.strip_prefix("Pos:") {
            keep(&mut self.position, number, position);
        } else if let Some(gtid) = text.strip_prefix("GTID:") {
            keep(&mut self.gtid, number, gtid);
            self.gtid_open = true;
        } else if text.is_empty() {
            self.gtid_open = false;
        } else {
            self.continue_gtid(text);
        }
    }

    fn section_line(&mut self, number: usize, line: &str) -> Result<(), MetadataError> {
        if let Some(header) = line.strip_prefix('[').and_then(|rest| rest.trim_end().strip_suffix(']')) {
            self.gtid_open = false;
            self.end_section();
            self.section = match header {
                "master" | "source" => Section::Own,
                "config" => Section::Config,
                _ => match table_header(header) {
                    Some(name) => {
                        let file_name = name.table.clone();
                        Section::Table(name, TableEntry { file_name, ..TableEntry::default() })
                    }
                    None => Section::Other,
                },
            };
            return Ok(());
        }
        let Some((key, value)) = line.split_once('=') else {
            self.continue_gtid(line.trim_start_matches(['#', ' ']).trim());
            return Ok(());
        };
        self.gtid_open = false;
        let key = key.trim_start_matches(['#', ' ']).trim().to_ascii_lowercase();
        match &mut self.section {
            Section::Own => match key.as_str() {
                "file" | "source_log_file" => keep(&mut self.file, number, value),
                "position" | "source_log_pos" => keep(&mut self.position, number, value),
                "executed_gtid_set" => {
                    self.gtid_open = self.gtid.is_none();
                    keep(&mut self.gtid, number, value);
                }
                _ => {}
            },
            Section::Config => {
                if matches!(key.as_str(), "quote-character" | "quote_character") {
                    self.found.quote = match value.trim() {
                        "DOUBLE_QUOTE" => QuoteCharacter::DoubleQuote,
                        _ => QuoteCharacter::Backtick,
                    };
                }
            }
            Section::Table(name, entry) => table_line(number, name, entry, &key, value)?,
            Section::Other => {}
        }
        Ok(())
    }

    fn end_section(&mut self) {
        if let Section::Table(name, entry) = std::mem::replace(&mut self.section, Section::Other) {
            self.found.tables.insert(name, entry);
        }
    }

    /// MySQL breaks long GTID sets into lines.
    fn continue_gtid(&mut self, text: &str) {
        if let Some((_, set)) = self.gtid.as_mut().filter(|_| self.gtid_open) {
            set.push_str(text);
        }
    }

    fn coordinates(&self) -> Result<Option<DumpCoordinates>, MetadataError> {
        let (Some((file_line, file)), Some((position_line, position))) = (&self.file, &self.position) else {
            return Ok(None);
        };
        let value = |line: usize, text: &str, expected| MetadataError::Value { line, text: text.to_owned(), expected };
        let file: BinlogFile = unquoted(file)
            .parse()
            .map_err(|_| value(*file_line, file, "a binlog file name such as `binlog.000001`"))?;
        let offset =
            unquoted(position).parse().map_err(|_| value(*position_line, position, "a position in a binlog file"))?;
        let gtid_set = match &self.gtid {
            Some((line, text)) if !unquoted(text).is_empty() => {
                Some(unquoted(text).parse().map_err(|_| value(*line, text, "a GTID set"))?)
            }
            _ => None,
        };
        Ok(Some(DumpCoordinates { position: BinlogPosition { file, offset }, gtid_set }))
    }
}

fn table_line(
    number: usize,
    name: &mut TableName,
    entry: &mut TableEntry,
    key: &str,
    value: &str,
) -> Result<(), MetadataError> {
    let trimmed = value.trim();
    match key {
        // The section is named as the files are.
        "real_table_name" => value.clone_into(&mut name.table),
        "rows" => {
            entry.rows = Some(trimmed.parse().map_err(|_| MetadataError::Value {
                line: number,
                text: trimmed.to_owned(),
                expected: "a number of rows",
            })?);
        }
        "is_view" => entry.is_view = trimmed != "0",
        "is_sequence" => entry.is_sequence = trimmed != "0",
        _ => {}
    }
    Ok(())
}

/// Keeps the first value that says something: the same coordinates come twice, as a comment and as a key.
fn keep(slot: &mut Option<(usize, String)>, line: usize, value: &str) {
    let value = value.trim();
    if slot.is_none() && !unquoted(value).is_empty() {
        *slot = Some((line, value.to_owned()));
    }
}

/// Without white space around it and one pair of quotes: those inside are the value's own.
fn unquoted(value: &str) -> &str {
    let value = value.trim();
    let inside = |quote: char| value.strip_prefix(quote)?.strip_suffix(quote);
    inside('"').or_else(|| inside('\'')).unwrap_or(value)
}

/// `` `schema`.`table` ``, also in double quotes.
fn table_header(header: &str) -> Option<TableName> {
    let quote = header.chars().next().filter(|c| matches!(c, '`' | '"'))?;
    let inner = header.strip_prefix(quote)?.strip_suffix(quote)?;
    let (schema, table) = inner.split_once(&format!("{quote}.{quote}"))?;
    let undouble = |name: &str| name.replace(&format!("{quote}{quote}"), &quote.to_string());
    Some(TableName::new(undouble(schema), undouble(table)))
}

/// A table of a result, for its metadata.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ResultTable {
    /// The schema's name in file names.
    pub schema_file_name: String,
    /// The table's name in file names.
    pub file_name: String,
    /// The table.
    pub table: String,
    /// Its rows.
    pub rows: u64,
}

/// Writes the `metadata` of a result. It is mydumper 1.0's dialect: the loaders up to 0.12 only want the file to exist, the
/// later ones read the sections. The times are texts of the form `2026-11-23 01:35:31`.
pub fn render(
    started_at: &str,
    finished_at: &str,
    coordinates: &DumpCoordinates,
    tables: impl IntoIterator<Item = ResultTable>,
) -> String {
    let mut out = format!("# Started dump at: {started_at}\n[config]\nquote-character = BACKTICK\n\n[source]\n");
    // Writing to a String does not fail.
    if let Some(set) = &coordinates.gtid_set {
        let _ = writeln!(out, "# executed_gtid_set = \"{set}\"");
    }
    let BinlogPosition { file, offset } = &coordinates.position;
    let _ = writeln!(out, "# SOURCE_LOG_FILE = \"{file}\"\n# SOURCE_LOG_POS = {offset}");
    for ResultTable { schema_file_name, file_name, table, rows } in tables {
        // A line break in a name, as mydumper writes and myloader reads it.
        let table = table.replace('\n', "\u{1000}0");
        let _ = writeln!(out, "\n[`{schema_file_name}`.`{file_name}`]\nreal_table_name={table}\nrows = {rows}");
    }
    let _ = writeln!(out, "# Finished dump at: {finished_at}");
    out
}

/// A metadata file that could not be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum MetadataError {
    /// Not a metadata file.
    #[error("the dump's metadata file does not say when the dump began; is this a mydumper directory?")]
    NotMetadata,
    /// A value that is not what its key promises.
    #[error("line {line} of the dump's metadata has `{text}` where {expected} should be")]
    Value {
        /// Counted from 1.
        line: usize,
        /// The value.
        text: String,
        /// What it should be.
        expected: &'static str,
    },
}

#[cfg(test)]
mod tests {
    use super::*;

    const A: &str = "79f916ce-e6dc-11f1-a03a-02fc00000001";
    const B: &str = "89f916ce-e6dc-11f1-a03a-02fc00000001";

    #[track_caller]
    fn check(text: &str, expect: Option<(&str, Option<&str>)>) -> DumpMetadata {
        let found = DumpMetadata::parse(text).unwrap();
        let got =
            found.coordinates.as_ref().map(|c| (c.position.to_string(), c.gtid_set.as_ref().map(|s| s.to_string())));
        let got = got.as_ref().map(|(position, set)| (position.as_str(), set.as_deref()));
        assert_eq!(got, expect, "{text}");
        found
    }

    #[test]
    fn classic() {
        let text = "Started dump at: 2026-11-23 01:35:31\nSHOW MASTER STATUS:\n\tLog: binlog.000001\n\tPos: 668285\n\
                    \tGTID:0-77-485\n\nFinished dump at: 2026-11-23 01:35:32\n";
        let found = check(text, Some(("binlog.000001:668285", Some("0-77-485"))));
        assert_eq!(found.dialect, Dialect::Classic);
        assert_eq!(found.started_at.as_deref(), Some("2026-11-23 01:35:31"));
        assert_eq!(found.finished_at.as_deref(), Some("2026-11-23 01:35:32"));

        // MySQL's set over several lines; then a replica's own source, which is not the place wanted.
        let text = format!(
            "Started dump at: x\nSHOW MASTER STATUS:\n\tLog: b.000009\n\tPos: 8589934592\n\tGTID:{A}:1-5,\n{B}:1-7\n\n\
             SHOW SLAVE STATUS:\n\tHost: other\n\tLog: other.000001\n\tPos: 4\n\tGTID:\n\n"
        );
        let set = format!("{A}:1-5,{B}:1-7");
        let found = check(&text, Some(("b.000009:8589934592", Some(&set))));
        assert!(!found.is_finished());

        // Only the replica's source is there, as on MySQL 8.4 and later with an old mydumper.
        check(
            "Started dump at: x\nSHOW SLAVE STATUS:\n\tHost: h\n\tLog: o.000001\n\tPos: 4\n\nFinished dump at: y\n",
            None,
        );
        check("Started dump at: x\n\nFinished dump at: y\n", None);
        check("Started dump at: x\nSHOW MASTER STATUS:\n\tLog: \n\tPos: \n\tGTID:\n\nFinished dump at: y\n", None);
        check(
            "Started dump at: x\nSHOW MASTER STATUS:\n\tLog: b.000001\n\tPos: 4\n\tGTID:\n",
            Some(("b.000001:4", None)),
        );
    }

    #[test]
    fn sections_of_the_first_kind() {
        let text = format!(
            "# Started dump at: 2023-06-09 11:47:18\n[master]\n# Channel_Name = '' # It can be use to setup replication FOR \
             CHANNEL\nFile = mydumper1-bin.000017\nPosition = 241149225\nExecuted_Gtid_Set = {A}:1-14,{B}:1-6\n\n\
             [replication]\n# relay_master_log_file = 'x.000001'\nFile = x.000001\n\n[`sakila`.`store`]\nRows = 2\n\
             data_checksum = 3119812626\n\n[`sakila`]\nschema_checksum = FDF2173B\n# Finished dump at: 2023-06-09 11:47:18\n"
        );
        let set = format!("{A}:1-14,{B}:1-6");
        let found = check(&text, Some(("mydumper1-bin.000017:241149225", Some(&set))));
        assert!(found.is_finished());
        assert_eq!(found.tables[&TableName::new("sakila", "store")].rows, Some(2));
        assert_eq!(found.tables.len(), 1);
    }

    #[test]
    fn sections_of_the_later_kind() {
        let text = format!(
            "# Started dump at: t\n[config]\nquote-character = DOUBLE_QUOTE\n\n[myloader_session_variables]\nSQL_MODE='X' \
             /*!40101\n\n[source]\n# Channel_Name = ''\n# executed_gtid_set = \"{A}:1-480\"\n# SOURCE_LOG_FILE = \
             \"binlog.000001\"\n# SOURCE_LOG_POS = 494645\n#SOURCE_HOST = \"h\"\nSOURCE_LOG_FILE = \"binlog.000001\"\n\
             SOURCE_LOG_POS = 494645\n\n[replication.channel]\nSOURCE_LOG_FILE = \"other.000003\"\n\n\
             [\"shop\".\"mydumper_0\"]\nreal_table_name=a.b `c\nrows = 13\n\n[\"shop\".\"v\"]\nreal_table_name=v\nrows = 0\n\
             is_view = 1\n\n[config]\nmax-statement-size = 82677\n# Finished dump at: t\n"
        );
        let set = format!("{A}:1-480");
        let found = check(&text, Some(("binlog.000001:494645", Some(&set))));
        assert_eq!(found.quote, QuoteCharacter::DoubleQuote);
        let entry = &found.tables[&TableName::new("shop", "a.b `c")];
        assert_eq!((entry.file_name.as_str(), entry.rows), ("mydumper_0", Some(13)));
        assert!(found.tables[&TableName::new("shop", "v")].is_view);

        // A set over several lines, as a comment or not.
        for mark in ["", "# "] {
            let text = format!(
                "# Started dump at: t\n[source]\n{mark}executed_gtid_set = \"{A}:1-4,\n{mark}{B}:1-2\"\n\
                 SOURCE_LOG_FILE = b.000002\nSOURCE_LOG_POS = 4\n"
            );
            let set = format!("{A}:1-4,{B}:1-2");
            check(&text, Some(("b.000002:4", Some(&set))));
        }
    }

    #[test]
    fn refuses_what_is_no_metadata() {
        assert_eq!(DumpMetadata::parse(""), Err(MetadataError::NotMetadata));
        assert_eq!(DumpMetadata::parse("[source]\nFile = b.000001\nPosition = 4\n"), Err(MetadataError::NotMetadata));
        for line in ["Pos: x", "Pos: -4", "Pos: 99999999999999999999"] {
            let text = format!("Started dump at: x\nSHOW MASTER STATUS:\n\tLog: b.000001\n\t{line}\n");
            assert!(matches!(DumpMetadata::parse(&text), Err(MetadataError::Value { line: 4, .. })), "{line}");
        }
        let text = "Started dump at: x\nSHOW MASTER STATUS:\n\tLog: b.000001\n\tPos: 4\n\tGTID:nonsense\n";
        assert!(matches!(DumpMetadata::parse(text), Err(MetadataError::Value { line: 5, .. })));
        assert!(DumpMetadata::parse("# Started dump at: t\n[`a`.`b`]\nrows = many\n").is_err());
    }

    #[test]
    fn reads_what_it_writes() {
        let coordinates = DumpCoordinates {
            position: "binlog.000003:9999999999".parse().unwrap(),
            gtid_set: Some(format!("{A}:1-5:blue:3,{B}:1").parse().unwrap()),
        };
        let table = ResultTable {
            schema_file_name: "shop".into(),
            file_name: "mydumper_0".into(),
            table: "odd.name".into(),
            rows: 7,
        };
        let broken = ResultTable { table: "a\n[b]".into(), ..table.clone() };
        let one_line = render("x", "y", &coordinates, [broken]);
        assert_eq!(DumpMetadata::parse(&one_line).unwrap().tables.len(), 1);
        let quoted = DumpCoordinates { position: "'b\".000003:4".parse().unwrap(), gtid_set: None };
        let found = DumpMetadata::parse(&render("x", "y", &quoted, [])).unwrap();
        assert_eq!(found.coordinates, Some(quoted));
        // A table that is named like another's alias.
        let like = ResultTable { file_name: "mydumper_1".into(), table: "mydumper_0".into(), ..table.clone() };
        let found = DumpMetadata::parse(&render("x", "y", &coordinates, [like, table.clone()])).unwrap();
        let file_names: Vec<_> = found.tables.values().map(|entry| entry.file_name.as_str()).collect();
        assert_eq!(file_names, ["mydumper_1", "mydumper_0"]);
        let returned = ResultTable { table: "a\r".into(), ..table.clone() };
        let found = DumpMetadata::parse(&render("x", "y", &coordinates, [returned])).unwrap();
        assert_eq!(found.tables[&TableName::new("shop", "a\r")].rows, Some(7));
        let text = render("2026-11-23 01:35:31", "2026-11-23 01:36:00", &coordinates, [table]);
        let found = DumpMetadata::parse(&text).unwrap();
        assert_eq!(found.coordinates, Some(coordinates));
        assert!(found.is_finished());
        let entry = &found.tables[&TableName::new("shop", "odd.name")];
        assert_eq!((entry.file_name.as_str(), entry.rows), ("mydumper_0", Some(7)));
    }
}
