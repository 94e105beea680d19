//! Statements as bytes, with the settings of the session that ran them.

use super::files::Object;
use backtrail_binlog::QueryEvent;
use backtrail_schema::{ClientCharset, Flavour, ObjectKind, ObjectNames, ObjectStatement, SqlDialect, quoted_name};

/// A statement's text. One of a client that does not send UTF-8 is held with a character for each byte, so that it can be
/// read and written back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Source {
    pub(crate) text: String,
    /// What its bytes are; None where the text is UTF-8.
    client: Option<ClientCharset>,
}

/// Bytes that look like ASCII and are a part of a character stand in the text as characters from here on.
const PART_OF_CHARACTER: u32 = 0xe000;

/// What no loader reads as the server did.
pub(crate) const TRAP: &str = "it has characters of which the stock client takes a part for a quote or a backslash, in its client's character set";

impl Source {
    /// Takes a statement in. `head`: how much at its beginning the server wrote, in UTF-8. Err: what stands in the way.
    pub(crate) fn new(bytes: &[u8], client: ClientCharset, head: usize) -> Result<Self, &'static str> {
        // Names may be put into what is ASCII.
        if (client.is_utf8() || (bytes.is_ascii() && !client.can_be_split()))
            && let Ok(text) = std::str::from_utf8(bytes)
        {
            return Ok(Self { text: text.to_owned(), client: None });
        }
        if !client.can_be_split() {
            return Err("its client's character set is not known");
        }
        let (head, rest) = bytes.split_at_checked(head).unwrap_or((&[], bytes));
        let mut source = Self { text: String::with_capacity(bytes.len()), client: Some(client) };
        if !head.is_empty() {
            let head = std::str::from_utf8(head).map_err(|_| "what the server wrote of it is not UTF-8")?;
            source.text =
                source.in_text(head).ok_or("it has names whose bytes in its client's character set are not known")?;
        }
        source.push(rest);
        Ok(source)
    }

    /// Takes bytes of the client in.
    fn push(&mut self, bytes: &[u8]) {
        let client = self.client.unwrap_or(ClientCharset::UTF8);
        let mut rest = bytes;
        while !rest.is_empty() {
            let length = client.length(rest).min(rest.len());
            let (character, behind) = rest.split_at(length);
            self.text.extend(character.iter().map(|byte| {
                let masked = if length > 1 && byte.is_ascii() { PART_OF_CHARACTER } else { 0 };
                char::from_u32(masked + u32::from(*byte)).unwrap_or(char::REPLACEMENT_CHARACTER)
            }));
            rest = behind;
        }
    }

    /// Whether some of its bytes look like ASCII and are not.
    pub(crate) fn has_wide_characters(&self) -> bool {
        self.client.is_some() && self.text.chars().any(|own| u32::from(own) >= PART_OF_CHARACTER)
    }

    /// Whether a client that does not know the character set takes something in it for a quote or a backslash.
    pub(crate) fn is_trap(&self) -> bool {
        let trap = |byte: u8| char::from_u32(PART_OF_CHARACTER + u32::from(byte));
        self.client.is_some() && self.text.chars().any(|own| [b'\\', b'`'].iter().any(|byte| trap(*byte) == Some(own)))
    }

    /// A name that was read in the text, as the server has it; None where that is not certain.
    pub(crate) fn name(&self, read: &str) -> Option<String> {
        match self.client {
            None => Some(read.to_owned()),
            Some(client) => client.decode(&self.bytes(read)),
        }
    }

    /// A name, or SQL with names, as it stands in such a text; None where that is not certain.
    pub(crate) fn in_text(&self, name: &str) -> Option<String> {
        let Some(client) = self.client else { return Some(name.to_owned()) };
        let mut written = Self { text: String::new(), client: Some(client) };
        written.push(&client.encode(name)?);
        Some(written.text)
    }

    /// What is made of the text, as it goes into a file.
    pub(crate) fn bytes(&self, text: &str) -> Vec<u8> {
        if self.client.is_none() {
            return text.as_bytes().to_vec();
        }
        let mut out = Vec::with_capacity(text.len());
        for character in text.chars() {
            let code = u32::from(character);
            match u8::try_from(code).or_else(|_| u8::try_from(code.wrapping_sub(PART_OF_CHARACTER))) {
                Ok(byte) => out.push(byte),
                Err(_) => out.extend_from_slice(character.encode_utf8(&mut [0; 4]).as_bytes()),
            }
        }
        out
    }
}

/// What the session had set that an object keeps or that decides how its statement is read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Session {
    pub(crate) flavour: Flavour,
    /// The current schema.
    pub(crate) schema: String,
    sql_mode: Option<u64>,
    /// Collation ids of client, connection and server.
    charset: Option<(u16, u16, u16)>,
    time_zone: Option<String>,
    /// When the statement began: seconds and microseconds.
    clock: (u32, u32),
    /// As SQL.
    pub(crate) invoker: Option<String>,
}

impl Session {
    pub(crate) fn of(query: &QueryEvent<'_>, flavour: Flavour, timestamp: u32) -> Self {
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        let quoted = |bytes: &[u8]| quoted_name(&text(bytes));
        let status = &query.status;
        Self {
            flavour,
            schema: text(query.schema),
            sql_mode: status.sql_mode,
            charset: status.charset,
            time_zone: status.time_zone.map(text),
            clock: (timestamp, status.microseconds.unwrap_or(0)),
            // A role has no host.
            invoker: status.invoker.filter(|(user, _)| !user.is_empty()).map(|(user, host)| {
                if host.is_empty() { quoted(user) } else { format!("{}@{}", quoted(user), quoted(host)) }
            }),
        }
    }

    /// How its statements are read.
    pub(crate) fn dialect(&self) -> SqlDialect {
        SqlDialect::of_sql_mode(self.flavour, self.sql_mode.unwrap_or(0))
    }

    /// The collation that a schema gets which says none, as the server's number.
    pub(crate) fn server_collation(&self) -> Option<u16> {
        self.charset.map(|(.., server)| server)
    }

    /// What is set before a statement, and set back behind it: as mydumper has it, and what mydumper does not keep.
    fn settings(&self, statement: &ObjectStatement) -> (String, String) {
        let (mut before, mut after) = (String::new(), String::new());
        let mut set = |variable: &str, value: &str| {
            let previous = variable.to_ascii_uppercase();
            before.push_str(&format!("SET @PREV_{previous}=@@{previous};\nSET {variable} = {value};\n"));
            after.push_str(&format!("SET {variable} = @PREV_{previous};\n"));
        };
        if let Some((client, connection, _)) = self.charset {
            set("character_set_client", &charset_of(client));
            set("character_set_results", &charset_of(client));
            set("collation_connection", &connection.to_string());
        }
        if let Some(mode) = self.sql_mode {
            set("sql_mode", &format!("'{}'", sql_mode_names(self.flavour, mode)));
        }
        if statement.kind == ObjectKind::Event {
            if let Some(zone) = self.time_zone.as_deref().filter(|zone| !zone.contains(['\'', '\\'])) {
                set("time_zone", &format!("'{zone}'"));
            }
            if statement.counts_from_now {
                before.push_str(&format!("SET timestamp = {}.{:06};\n", self.clock.0, self.clock.1));
                after.push_str("SET timestamp = DEFAULT;\n");
            }
        }
        (before, after)
    }
}

/// A character set by one of its collations: by name where every version knows it, else by the collation's number.
fn charset_of(collation: u16) -> String {
    match collation {
        5 | 8 | 15 | 31 | 47 | 48 | 49 | 94 => "latin1".to_owned(),
        11 | 65 => "ascii".to_owned(),
        // MariaDB 10.10 and later number the collations of a character set by its place: utf8mb3 is the first.
        2048..2304 => "utf8mb3".to_owned(),
        45 | 46 | 224..=247 | 255..=323 | 2304..2560 => "utf8mb4".to_owned(),
        63 => "binary".to_owned(),
        other => other.to_string(),
    }
}

fn sql_mode_names(flavour: Flavour, mode: u64) -> String {
    const BOTH: &[(u32, &str)] = &[
        (0, "REAL_AS_FLOAT"),
        (1, "PIPES_AS_CONCAT"),
        (2, "ANSI_QUOTES"),
        (3, "IGNORE_SPACE"),
        (5, "ONLY_FULL_GROUP_BY"),
        (6, "NO_UNSIGNED_SUBTRACTION"),
        (7, "NO_DIR_IN_CREATE"),
        (18, "ANSI"),
        (19, "NO_AUTO_VALUE_ON_ZERO"),
        (20, "NO_BACKSLASH_ESCAPES"),
        (21, "STRICT_TRANS_TABLES"),
        (22, "STRICT_ALL_TABLES"),
        (23, "NO_ZERO_IN_DATE"),
        (24, "NO_ZERO_DATE"),
        (25, "ALLOW_INVALID_DATES"),
        (26, "ERROR_FOR_DIVISION_BY_ZERO"),
        (27, "TRADITIONAL"),
        (29, "HIGH_NOT_PRECEDENCE"),
        (30, "NO_ENGINE_SUBSTITUTION"),
        (31, "PAD_CHAR_TO_FULL_LENGTH"),
    ];
    // MySQL 8 has none of those that were for other products, and refuses NO_AUTO_CREATE_USER.
    const MYSQL: &[(u32, &str)] = &[(32, "TIME_TRUNCATE_FRACTIONAL")];
    const MARIADB: &[(u32, &str)] = &[
        (4, "IGNORE_BAD_TABLE_OPTIONS"),
        (8, "POSTGRESQL"),
        (9, "ORACLE"),
        (10, "MSSQL"),
        (11, "DB2"),
        (12, "MAXDB"),
        (13, "NO_KEY_OPTIONS"),
        (14, "NO_TABLE_OPTIONS"),
        (15, "NO_FIELD_OPTIONS"),
        (16, "MYSQL323"),
        (17, "MYSQL40"),
        (28, "NO_AUTO_CREATE_USER"),
        (32, "EMPTY_STRING_IS_NULL"),
        (33, "SIMULTANEOUS_ASSIGNMENT"),
        (34, "TIME_ROUND_FRACTIONAL"),
    ];
    let own = if flavour == Flavour::Mariadb { MARIADB } else { MYSQL };
    let mut names: Vec<(u32, &str)> =
        BOTH.iter().chain(own).filter(|(bit, _)| mode & (1 << bit) != 0).copied().collect();
    names.sort_unstable();
    names.into_iter().map(|(_, name)| name).collect::<Vec<_>>().join(",")
}

/// One statement on the way to an object.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Step {
    pub(crate) statement: ObjectStatement,
    pub(crate) source: Source,
    pub(crate) around: Around,
}

/// What stands before and behind a statement in a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Around {
    /// As the baseline has it.
    Baseline {
        before: Vec<u8>,
        after: Vec<u8>,
    },
    Session(Session),
}

impl Step {
    /// Whether an event that it renames is read in other characters from then on: those of who did it last count.
    pub(crate) fn reads_otherwise(&self, event: &Object, name: &str) -> bool {
        let Around::Session(session) = &self.around else { return false };
        let ascii = name.is_ascii() && event.steps.iter().all(|step| step.source.text.is_ascii());
        !ascii && session.charset.is_some_and(|(client, ..)| !ClientCharset::of_collation(client).is_utf8())
    }

    /// Whether such a name can stand in it, and, of an event, that of whom it belongs to.
    pub(crate) fn can_name(&self, name: &str) -> bool {
        let invoker = match &self.around {
            Around::Session(session) if self.statement.kind == ObjectKind::Event => session.invoker.as_deref(),
            _ => None,
        };
        std::iter::once(name).chain(invoker).all(|name| self.source.in_text(name).is_some())
    }

    /// Writes it for an object of this name.
    pub(crate) fn write(&self, names: ObjectNames<'_>, out: &mut Vec<u8>) {
        let (before, after, definer) = match &self.around {
            Around::Baseline { before, after } => (before.clone(), after.clone(), None),
            Around::Session(session) => {
                let (before, after) = session.settings(&self.statement);
                // An event belongs to whom altered it last.
                let definer = session.invoker.as_deref().filter(|_| self.statement.kind == ObjectKind::Event);
                (before.into_bytes(), after.into_bytes(), definer)
            }
        };
        out.extend_from_slice(&before);
        // Who follows the statements has seen to it that names can be written here.
        let in_text = |name: &str| self.source.in_text(name).unwrap_or_else(|| name.to_owned());
        let (name, schema, table) = (in_text(names.name), names.schema.map(in_text), names.table.map(in_text));
        let (definer, other) = (names.definer.or(definer).map(in_text), names.other_definer.map(in_text));
        let names = ObjectNames {
            name: &name,
            schema: schema.as_deref(),
            table: table.as_deref(),
            definer: definer.as_deref(),
            other_definer: other.as_deref(),
        };
        let text = self.statement.write(&self.source.text, &names);
        out.extend_from_slice(&self.source.bytes(&text));
        out.extend_from_slice(b";\n");
        out.extend_from_slice(&after);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn modes_by_name() {
        let check = |flavour, mode, expected: &str| assert_eq!(sql_mode_names(flavour, mode), expected);
        check(
            Flavour::Mariadb,
            1_411_383_296,
            "STRICT_TRANS_TABLES,ERROR_FOR_DIVISION_BY_ZERO,NO_AUTO_CREATE_USER,NO_ENGINE_SUBSTITUTION",
        );
        check(
            Flavour::Mysql,
            1_168_113_696,
            "ONLY_FULL_GROUP_BY,STRICT_TRANS_TABLES,NO_ZERO_IN_DATE,NO_ZERO_DATE,ERROR_FOR_DIVISION_BY_ZERO,NO_ENGINE_SUBSTITUTION",
        );
        check(Flavour::Mysql, 0, "");
    }

    #[test]
    fn bytes_come_back() {
        for (charset, bytes) in [
            ("latin1", &b"SELECT '\xe9\x80'"[..]),
            ("utf8", "SELECT 'é'".as_bytes()),
            ("sjis", b"SELECT '\x83\x5c', \x83\x7b"),
        ] {
            let source = Source::new(bytes, ClientCharset::of_name(charset), 0).unwrap();
            assert_eq!(source.bytes(&source.text), bytes);
            assert_eq!(source.is_trap(), charset == "sjis");
        }
        assert!(Source::new(b"\xe9", ClientCharset::of_name("utf16"), 0).is_err());
    }

    #[test]
    fn names_in_a_clients_characters() {
        let cp1251 = ClientCharset::of_name("cp1251");
        let server = "CREATE VIEW `вид` AS ";
        let statement = [server.as_bytes(), b"SELECT '\xe6'"].concat();
        let source = Source::new(&statement, cp1251, server.len()).unwrap();
        assert_eq!(source.bytes(&source.text), b"CREATE VIEW `\xe2\xe8\xe4` AS SELECT '\xe6'");
        assert_eq!(source.name("\u{e2}\u{e8}\u{e4}").unwrap(), "вид");
        assert_eq!(source.in_text("вид").unwrap(), "\u{e2}\u{e8}\u{e4}");
        assert_eq!(source.in_text("日"), None);
    }
}
