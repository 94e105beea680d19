//! What a statement's session had set that decides what the statement makes, so that the result's schema file can set the
//! same around it. Quotes and backslashes are not among it: statements are written anew for the default mode.

use backtrail_schema::{DdlContext, Flavour, SqlDialect, SqlMode};

use crate::history::schema_file::SchemaFile;

/// The SQL modes by which expressions, types and defaults are read, with their bits; with a family where only one has it.
const MODES: [(u64, &str, Option<Flavour>); 8] = [
    (1, "REAL_AS_FLOAT", None),
    (2, "PIPES_AS_CONCAT", None),
    (8, "IGNORE_SPACE", None),
    (64, "NO_UNSIGNED_SUBTRACTION", None),
    (1 << 29, "HIGH_NOT_PRECEDENCE", None),
    (1 << 32, "EMPTY_STRING_IS_NULL", Some(Flavour::Mariadb)),
    (1 << 32, "TIME_TRUNCATE_FRACTIONAL", Some(Flavour::Mysql)),
    (1 << 34, "TIME_ROUND_FRACTIONAL", Some(Flavour::Mariadb)),
];
/// ORACLE and MAXDB, in which types mean others.
const OTHER_TYPES: u64 = 1 << 9 | 1 << 12;

/// The mode in which schema files are loaded.
pub(crate) const LOADING: &str = "NO_AUTO_VALUE_ON_ZERO,ALLOW_INVALID_DATES";

/// A session's settings, as far as a statement depends on them.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct SessionSettings {
    /// Of [`MODES`].
    modes: u64,
    /// Not `explicit_defaults_for_timestamp`: a bare TIMESTAMP column is NOT NULL and may keep the time by itself.
    implicit_timestamps: bool,
    /// The time zone in which the default of a TIMESTAMP column is written, in seconds east of UTC.
    east: i64,
    /// MariaDB's `character_set_collations`, where the statement depends on it.
    collations: Option<String>,
}

impl SessionSettings {
    /// Those of a statement.
    pub(crate) fn new(text: &str, sql_mode: Option<u64>, explicit_timestamps: Option<bool>, east: Option<i64>) -> Self {
        let known = MODES.iter().fold(0, |bits, (bit, ..)| bits | bit);
        let text = text.to_ascii_uppercase();
        let has_timestamp = text.contains("TIMESTAMP");
        Self {
            modes: sql_mode.unwrap_or(0) & known,
            implicit_timestamps: has_timestamp && explicit_timestamps == Some(false),
            east: east.filter(|_| has_timestamp && text.contains("DEFAULT")).unwrap_or(0),
            collations: None,
        }
    }

    /// With MariaDB's `character_set_collations`.
    pub(crate) fn with_collations(self, collations: Option<String>) -> Self {
        Self { collations, ..self }
    }

    /// Why a table cannot be read that a statement made in such a mode.
    pub(crate) fn unreadable(text: &str, sql_mode: Option<u64>) -> Option<String> {
        let mode = sql_mode.unwrap_or(0);
        let real = mode & 1 != 0 && text.to_ascii_uppercase().contains("REAL");
        let reason = if mode & OTHER_TYPES != 0 {
            "it was made in the SQL mode ORACLE or MAXDB, in which types mean others"
        } else if real {
            "it was made in the SQL mode REAL_AS_FLOAT, with REAL in its definition"
        } else {
            return None;
        };
        Some(reason.to_owned())
    }

    /// What is known of the session in which a schema file's statement is loaded.
    pub(crate) fn context(&self, dialect: SqlDialect) -> DdlContext<'static> {
        DdlContext {
            sql_mode: Some(SqlMode(self.modes)),
            explicit_defaults_for_timestamp: Some(!self.implicit_timestamps),
            ..DdlContext::new(dialect)
        }
    }

    /// How a schema file's statement is read.
    pub(crate) fn dialect(&self, dialect: SqlDialect) -> SqlDialect {
        let of_mode = SqlDialect::of_sql_mode(dialect.flavour, self.modes);
        SqlDialect { empty_string_is_null: of_mode.empty_string_is_null, ..dialect }
    }

    /// Takes in a statement of a schema file; false for one that sets nothing of this.
    pub(crate) fn note(&mut self, statement: &str) -> bool {
        let text = statement.to_ascii_uppercase();
        let executed = text.strip_prefix("/*M!").or_else(|| text.strip_prefix("/*!")).unwrap_or(&text);
        if !executed.trim_start_matches(|c: char| c.is_ascii_digit() || c == ' ').starts_with("SET ") {
            return false;
        }
        if let Some((_, value)) = text.split_once("SQL_MODE=") {
            let has =
                |name: &str| value.split(|c: char| !(c.is_ascii_alphanumeric() || c == '_')).any(|word| word == name);
            self.modes = MODES.iter().filter(|(_, name, _)| has(name)).fold(0, |bits, (bit, ..)| bits | bit);
            true
        } else if let Some((_, value)) = text.split_once("EXPLICIT_DEFAULTS_FOR_TIMESTAMP=") {
            self.implicit_timestamps = value.starts_with('0');
            true
        } else if let Some((_, value)) = text.split_once("TIME_ZONE=") {
            self.east = value.split('\'').nth(1).and_then(seconds_east).unwrap_or(0);
            true
        } else if let Some((_, value)) = text.split_once("CHARACTER_SET_COLLATIONS=") {
            self.collations = value.split('\'').nth(1).map(str::to_ascii_lowercase);
            true
        } else {
            false
        }
    }

    /// Writes a statement with what has to be set before it, and set back behind it.
    pub(crate) fn around(&self, statement: &str, flavour: Flavour, file: &mut SchemaFile) {
        // Servers that do not let a session decide skip it.
        let version = match flavour {
            Flavour::Mariadb => "M!101000",
            Flavour::Mysql => "!80000",
        };
        let has = |bit: u64, family: Option<Flavour>| self.modes & bit != 0 && family.is_none_or(|own| own == flavour);
        let names: Vec<&str> =
            MODES.iter().filter(|(bit, _, family)| has(*bit, *family)).map(|(_, name, _)| *name).collect();
        if !names.is_empty() {
            file.push(format!("SET SESSION sql_mode='{LOADING},{}'", names.join(",")));
        }
        if self.implicit_timestamps {
            file.push(format!("/*{version} SET SESSION explicit_defaults_for_timestamp=0 */"));
        }
        if self.east != 0 {
            let (sign, minutes) = (if self.east < 0 { '-' } else { '+' }, self.east.abs() / 60);
            file.push(format!("SET SESSION time_zone='{sign}{:02}:{:02}'", minutes / 60, minutes % 60));
        }
        if let Some(collations) = &self.collations {
            file.push(format!("/*M!110200 SET SESSION character_set_collations='{collations}' */"));
        }
        file.push(statement);
        if self.collations.is_some() {
            file.push("/*M!110200 SET SESSION character_set_collations=DEFAULT */");
        }
        if self.east != 0 {
            file.push("SET SESSION time_zone='+00:00'");
        }
        if self.implicit_timestamps {
            file.push(format!("/*{version} SET SESSION explicit_defaults_for_timestamp=DEFAULT */"));
        }
        if !names.is_empty() {
            file.push(format!("SET SESSION sql_mode='{LOADING}'"));
        }
    }
}

/// A time zone's seconds east of UTC, where it is a number.
pub(crate) fn seconds_east(zone: &str) -> Option<i64> {
    if zone.eq_ignore_ascii_case("UTC") {
        return Some(0);
    }
    let (sign, rest) = match zone.split_at_checked(1)? {
        ("+", rest) => (1, rest),
        ("-", rest) => (-1, rest),
        _ => return None,
    };
    let (hours, minutes) = rest.split_once(':')?;
    Some(sign * (hours.parse::<i64>().ok()? * 3600 + minutes.parse::<i64>().ok()? * 60))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_set_is_read_again() {
        for (text, mode, explicit, east, lines) in [
            ("ALTER TABLE t ADD c int", Some(2 | 8 | 4 | 1 << 21), None, None, 3),
            ("CREATE TABLE t (t Timestamp)", Some(0), Some(false), Some(3600), 3),
            ("CREATE TABLE t (t timestamp)", Some(1 << 29), Some(false), None, 5),
            ("CREATE TABLE t (t timestamp)", None, Some(true), None, 1),
            ("CREATE TABLE t (t int)", Some(4), Some(false), None, 1),
            ("CREATE TABLE t (t datetime)", Some(1 << 32 | 1 << 34), None, None, 3),
            ("CREATE TABLE t (t timestamp default '2024-01-01')", Some(4), Some(true), Some(-12_600), 3),
            ("CREATE TABLE t (t timestamp default '2024-01-01')", Some(4), Some(false), Some(46_800), 5),
        ] {
            let settings = SessionSettings::new(text, mode, explicit, east);
            let mut file = SchemaFile::default();
            settings.around(text, Flavour::Mariadb, &mut file);
            let out = file.finish();
            let written: Vec<&str> = out.lines().skip(4).collect();
            assert_eq!(written.len(), lines, "{out}");
            let place = written.iter().position(|line| line.starts_with(text)).unwrap();
            let mut again = SessionSettings::default();
            written[..place].iter().for_each(|line| assert!(again.note(line), "{line}"));
            assert_eq!(again, settings, "{out}");
            written[place + 1..].iter().for_each(|line| assert!(again.note(line), "{line}"));
            assert_eq!(again, SessionSettings::default(), "{out}");
        }
        for collations in ["", "utf8mb4=utf8mb4_general_ci,latin1=latin1_swedish_ci"] {
            let settings = SessionSettings::default().with_collations(Some(collations.to_owned()));
            let mut file = SchemaFile::default();
            settings.around("ALTER TABLE t CONVERT TO CHARACTER SET latin1", Flavour::Mariadb, &mut file);
            let out = file.finish();
            let mut again = SessionSettings::default();
            assert!(again.note(out.lines().nth(4).unwrap()), "{out}");
            assert_eq!(again, settings, "{out}");
            assert!(again.note(out.lines().nth(6).unwrap()), "{out}");
            assert_eq!(again, SessionSettings::default(), "{out}");
        }
        let mut file = SchemaFile::default();
        SessionSettings::new("ALTER TABLE t ADD c int", Some(2), None, None).around("x", Flavour::Mysql, &mut file);
        let out = file.finish();
        let modes = "SET SESSION sql_mode='NO_AUTO_VALUE_ON_ZERO,ALLOW_INVALID_DATES,PIPES_AS_CONCAT' /*!40000 */;\nx /*!40000 */;";
        assert!(out.contains(modes), "{out}");
        assert!(!SessionSettings::default().note("SET NAMES utf8mb4"));
        assert!(!SessionSettings::default().note("CREATE TABLE t (a int COMMENT 'TIME_ZONE=SYSTEM, SQL_MODE=ANSI')"));
    }

    #[test]
    fn modes_in_which_types_mean_others() {
        assert!(SessionSettings::unreadable("CREATE TABLE t (d date)", Some(1 << 9 | 2)).is_some());
        assert!(SessionSettings::unreadable("CREATE TABLE t (d real)", Some(1)).is_some());
        assert_eq!(SessionSettings::unreadable("CREATE TABLE t (d float)", Some(1)), None);
        assert_eq!(SessionSettings::unreadable("CREATE TABLE t (d real)", None), None);
    }
}
