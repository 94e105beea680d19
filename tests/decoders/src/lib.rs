#![doc = include_str!("../README.md")]

mod ours;
mod plain;
mod theirs;

use std::collections::BTreeMap;
use std::fmt;

/// Where the other decoder is known to be wrong, or does not say.
pub(crate) const ANYTHING: &str = "*";

/// What a decoder makes of an event.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct EventText {
    /// Type, timestamp, server, position, flags.
    pub(crate) header: String,
    /// The fields that both decoders know.
    pub(crate) fields: BTreeMap<&'static str, String>,
    /// A text for each value of each image.
    pub(crate) rows: Vec<Vec<String>>,
    /// The other decoder cannot read the rows.
    pub(crate) unreadable: bool,
}

impl EventText {
    pub(crate) fn field(&mut self, name: &'static str, value: impl fmt::Display) {
        self.fields.insert(name, value.to_string());
    }
}

/// How much was compared.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Compared {
    /// Events, those in compressed transactions too.
    pub events: usize,
    /// Fields of events.
    pub fields: usize,
    /// Rows.
    pub rows: usize,
    /// Values in them.
    pub values: usize,
    /// Rows that the other decoder could not read.
    pub unread: usize,
}

impl std::ops::AddAssign for Compared {
    fn add_assign(&mut self, other: Self) {
        self.events += other.events;
        self.fields += other.fields;
        self.rows += other.rows;
        self.values += other.values;
        self.unread += other.unread;
    }
}

/// Why two decoders do not agree.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Disagreement {
    /// Our decoder cannot read the log.
    Ours(String),
    /// The other one cannot.
    Theirs(String),
    /// The first differences, with their places.
    Differences(String),
}

impl fmt::Display for Disagreement {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Ours(error) => write!(f, "our decoder: {error}"),
            Self::Theirs(error) => write!(f, "the other decoder: {error}"),
            Self::Differences(differences) => f.write_str(differences),
        }
    }
}

impl std::error::Error for Disagreement {}

/// Compares what the two decoders say of a log.
///
/// # Errors
/// They do not agree, or one of them cannot read the log.
pub fn compare(log: &[u8]) -> Result<Compared, Disagreement> {
    let ours = ours::events(log).map_err(Disagreement::Ours)?;
    let plain = plain::without_compression(log).map_err(Disagreement::Theirs)?;
    let theirs = theirs::events(&plain, &ours).map_err(Disagreement::Theirs)?;
    compare_texts(&ours, &theirs).map_err(Disagreement::Differences)
}

/// Differences that are told of one log.
const MOST_DIFFERENCES: usize = 5;

fn compare_texts(ours: &[EventText], theirs: &[EventText]) -> Result<Compared, String> {
    let (mut compared, mut differences) = (Compared::default(), Vec::new());
    for (number, (ours, theirs)) in ours.iter().zip(theirs).enumerate() {
        let header = &ours.header;
        let mut differ = |what: &dyn Fn() -> String, ours: &str, theirs: &str| {
            let equal = match theirs.strip_prefix(LOOSE) {
                Some(theirs) => loose(ours) == theirs,
                None => ours == theirs || ours == ANYTHING,
            };
            if !equal && differences.len() < MOST_DIFFERENCES {
                differences.push(format!("event {number} ({header}): {}: {ours} and {theirs}", what()));
            }
        };
        differ(&|| "header".to_owned(), header, &theirs.header);
        // What it does not tell, it does not know: settings of newer servers, numbers that it has no name for.
        for (name, their) in &theirs.fields {
            differ(&|| (*name).to_owned(), ours.fields.get(name).map_or("nothing", String::as_str), their);
            compared.fields += 1;
        }
        if theirs.unreadable {
            compared.unread += ours.rows.len() - theirs.rows.len();
        } else if theirs.rows.is_empty() && matches!(ours.rows.as_slice(), [row] if row.is_empty()) {
            // The image of a row that has defaults alone may have no bytes at all; it does not see it.
            compared.unread += ours.rows.len();
        } else {
            differ(&|| "rows".to_owned(), &ours.rows.len().to_string(), &theirs.rows.len().to_string());
        }
        for (row, (ours, theirs)) in ours.rows.iter().zip(&theirs.rows).enumerate() {
            differ(&|| format!("values in row {row}"), &ours.len().to_string(), &theirs.len().to_string());
            for (column, (ours, theirs)) in ours.iter().zip(theirs).enumerate() {
                differ(&|| format!("row {row}, value {column}"), ours, theirs);
                compared.values += 1;
            }
        }
        compared.events += 1;
        compared.rows += theirs.rows.len();
    }
    if ours.len() != theirs.len() {
        differences.push(format!("{} events and {}", ours.len(), theirs.len()));
    }
    if differences.is_empty() { Ok(compared) } else { Err(differences.join("\n  ")) }
}

/// JSON in which the other decoder has decimals as strings: text that begins with this.
pub(crate) const LOOSE: &str = "~";

/// JSON text in which a number and a string of it are the same.
pub(crate) fn loose(json: &str) -> String {
    fn numbers(value: serde_json::Value) -> serde_json::Value {
        match value {
            serde_json::Value::Number(number) => number.as_f64().map_or(number.to_string(), |n| n.to_string()).into(),
            serde_json::Value::String(text) => text.parse::<f64>().map_or(text, |number| number.to_string()).into(),
            serde_json::Value::Array(values) => values.into_iter().map(numbers).collect(),
            serde_json::Value::Object(members) => members
                .into_iter()
                .map(|(name, value)| (name, numbers(value)))
                .collect::<serde_json::Map<_, _>>()
                .into(),
            other => other,
        }
    }
    serde_json::from_str(json).map_or_else(|_| json.to_owned(), |value| numbers(value).to_string())
}

pub(crate) fn hex(bytes: &[u8]) -> String {
    let digit = |half: u8| char::from_digit(half.into(), 16).unwrap_or('?');
    "0x".chars().chain(bytes.iter().flat_map(|byte| [digit(byte >> 4), digit(byte & 15)])).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn event(value: &str) -> EventText {
        let mut event = EventText { header: "type 30".to_owned(), ..EventText::default() };
        event.field("columns", 1);
        event.rows.push(vec![value.to_owned()]);
        event
    }

    #[test]
    fn what_differs_is_told() {
        let said = |ours: &[EventText], theirs: &[EventText]| compare_texts(ours, theirs).unwrap_err();
        assert_eq!(compare_texts(&[event("1")], &[event("1")]).unwrap().values, 1);
        assert_eq!(said(&[event("1")], &[event("2")]), "event 0 (type 30): row 0, value 0: 1 and 2");
        assert_eq!(said(&[event("1")], &[]), "1 events and 0");
        assert!(said(&[EventText { header: "type 31".to_owned(), ..event("1") }], &[event("1")]).contains("header"));
        assert!(said(&[EventText { rows: Vec::new(), ..event("1") }], &[event("1")]).contains("rows: 0 and 1"));
        assert!(
            said(&[EventText { fields: BTreeMap::new(), ..event("1") }], &[event("1")]).contains("columns: nothing")
        );
        // What the other is known to have wrong, and decimals in JSON.
        assert!(compare_texts(&[event(ANYTHING)], &[event("2")]).is_ok());
        assert!(compare_texts(&[event("{\"a\":1.5}")], &[event("~{\"a\":\"1.5\"}")]).is_ok());
        assert!(compare_texts(&[event("{\"a\":1.5}")], &[event("~{\"a\":\"1.6\"}")]).is_err());
    }
}
