//! Global transaction ids of MySQL and MariaDB, and sets of them.
//!
//! The two families share the word and little else. MySQL names a transaction `source-uuid[:tag]:number` and keeps sets
//! of intervals. MariaDB names it `domain-server-sequence`, and a *position* is the last transaction of each domain.

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

use uuid::Uuid;

use crate::position::serde_as_text;
use serde::{Deserialize, Serialize};

/// One transaction's id.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Gtid {
    /// MySQL: `source[:tag]:sequence`.
    Mysql {
        /// The originating server's UUID.
        source: Uuid,
        /// MySQL 8.3's tag, lower case, at most 32 characters; empty for none.
        tag: String,
        /// From 1.
        sequence: u64,
    },
    /// MariaDB: `domain-server-sequence`.
    Mariadb {
        /// Replication domain: transactions of different domains have no order.
        domain: u32,
        /// `server_id` of the originating server.
        server: u32,
        /// Rises within the domain.
        sequence: u64,
    },
}

/// A set of transactions: those before some place in a binary log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum GtidSet {
    /// MySQL: per source and tag, disjoint inclusive intervals that do not touch, in order.
    Mysql(BTreeMap<(Uuid, String), Vec<(u64, u64)>>),
    /// MariaDB: per domain, the server and sequence of its last transaction.
    Mariadb(BTreeMap<u32, (u32, u64)>),
}

impl Gtid {
    /// The set that holds this transaction (on MariaDB: the position right after it).
    pub fn to_set(&self) -> GtidSet {
        let mut set = match self {
            Self::Mysql { .. } => GtidSet::Mysql(BTreeMap::new()),
            Self::Mariadb { .. } => GtidSet::Mariadb(BTreeMap::new()),
        };
        set.insert(self);
        set
    }
}

impl GtidSet {
    /// Whether the set holds nothing.
    pub fn is_empty(&self) -> bool {
        match self {
            Self::Mysql(sets) => sets.is_empty(),
            Self::Mariadb(domains) => domains.is_empty(),
        }
    }

    /// Adds a transaction. A transaction of the other family is a caller's mistake and changes nothing.
    pub fn insert(&mut self, gtid: &Gtid) {
        match (self, gtid) {
            (Self::Mysql(sets), Gtid::Mysql { source, tag, sequence }) => {
                insert_interval(sets.entry((*source, tag.clone())).or_default(), (*sequence, *sequence));
            }
            (Self::Mariadb(domains), Gtid::Mariadb { domain, server, sequence }) => {
                domains.insert(*domain, (*server, *sequence));
            }
            _ => debug_assert!(false, "a GTID of the other family"),
        }
    }

    /// Whether the transaction is in the set. On MariaDB: whether its sequence is at or before its domain's last.
    pub fn contains(&self, gtid: &Gtid) -> bool {
        match (self, gtid) {
            (Self::Mysql(sets), Gtid::Mysql { source, tag, sequence }) => sets
                .get(&(*source, tag.clone()))
                .is_some_and(|intervals| intervals.iter().any(|(a, b)| a <= sequence && sequence <= b)),
            (Self::Mariadb(domains), Gtid::Mariadb { domain, sequence, .. }) => {
                domains.get(domain).is_some_and(|(_, last)| sequence <= last)
            }
            _ => false,
        }
    }

    /// Whether everything in `other` is in this set. An empty set of either family is a subset of every set.
    pub fn is_superset(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Mysql(mine), Self::Mysql(theirs)) => theirs.iter().all(|(key, intervals)| {
                mine.get(key)
                    .is_some_and(|mine| intervals.iter().all(|(a, b)| mine.iter().any(|(c, d)| c <= a && b <= d)))
            }),
            (Self::Mariadb(mine), Self::Mariadb(theirs)) => {
                theirs.iter().all(|(domain, (_, sequence))| mine.get(domain).is_some_and(|(_, last)| sequence <= last))
            }
            (_, other) => other.is_empty(),
        }
    }

    /// Adds everything in `other`. On MariaDB the later sequence of each domain wins.
    pub fn union(&mut self, other: &Self) {
        match (self, other) {
            (Self::Mysql(mine), Self::Mysql(theirs)) => {
                for (key, intervals) in theirs {
                    let mine = mine.entry(key.clone()).or_default();
                    intervals.iter().for_each(|interval| insert_interval(mine, *interval));
                }
            }
            (Self::Mariadb(mine), Self::Mariadb(theirs)) => {
                for (domain, (server, sequence)) in theirs {
                    let last = mine.entry(*domain).or_insert((*server, *sequence));
                    if *sequence > last.1 {
                        *last = (*server, *sequence);
                    }
                }
            }
            (this, other) if this.is_empty() => *this = other.clone(),
            (_, other) => debug_assert!(other.is_empty(), "a GTID set of the other family"),
        }
    }
}

fn insert_interval(intervals: &mut Vec<(u64, u64)>, (mut from, mut to): (u64, u64)) {
    // The intervals that overlap or touch the new one are neighbours: they melt into it.
    let first = intervals.partition_point(|(_, end)| end.saturating_add(1) < from);
    let last = intervals.partition_point(|(start, _)| *start <= to.saturating_add(1));
    if first < last {
        from = from.min(intervals[first].0);
        to = to.max(intervals[last - 1].1);
    }
    intervals.splice(first..last, [(from, to)]);
}

impl fmt::Display for Gtid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Mysql { source, tag, sequence } if tag.is_empty() => write!(f, "{source}:{sequence}"),
            Self::Mysql { source, tag, sequence } => write!(f, "{source}:{tag}:{sequence}"),
            Self::Mariadb { domain, server, sequence } => write!(f, "{domain}-{server}-{sequence}"),
        }
    }
}

/// Writes the form the server prints: MySQL `uuid:1-5:7,uuid:tag:1`, MariaDB `0-1-5,1-1-9`.
impl fmt::Display for GtidSet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Mysql(sets) => {
                let mut previous: Option<&Uuid> = None;
                for ((source, tag), intervals) in sets {
                    if previous != Some(source) {
                        write!(f, "{}{source}", if previous.is_none() { "" } else { "," })?;
                        previous = Some(source);
                    }
                    if !tag.is_empty() {
                        write!(f, ":{tag}")?;
                    }
                    for (from, to) in intervals {
                        if from == to { write!(f, ":{from}")? } else { write!(f, ":{from}-{to}")? }
                    }
                }
                Ok(())
            }
            Self::Mariadb(domains) => {
                for (i, (domain, (server, sequence))) in domains.iter().enumerate() {
                    write!(f, "{}{domain}-{server}-{sequence}", if i == 0 { "" } else { "," })?;
                }
                Ok(())
            }
        }
    }
}

/// Reads either family's form, white space and line breaks anywhere between the parts. The family shows in the text: a
/// MySQL set has colons, a MariaDB position has none. An empty text is refused: it has no family.
impl FromStr for GtidSet {
    type Err = ParseGtidError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let bad = || ParseGtidError { text: text.to_owned() };
        let compact: String = text.chars().filter(|c| !c.is_whitespace()).collect();
        if compact.contains(':') { parse_mysql(&compact) } else { parse_mariadb(&compact) }.ok_or_else(bad)
    }
}

fn parse_mysql(text: &str) -> Option<GtidSet> {
    let mut sets: BTreeMap<(Uuid, String), Vec<(u64, u64)>> = BTreeMap::new();
    for part in text.split(',').filter(|part| !part.is_empty()) {
        let mut pieces = part.split(':');
        let source = pieces.next()?;
        // Only the hyphenated form is a GTID's.
        let source = (source.len() == 36).then(|| Uuid::parse_str(source).ok())??;
        let mut tag = String::new();
        let mut intervals = 0;
        for piece in pieces {
            if piece.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_') {
                let valid = piece.len() <= 32 && piece.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_');
                tag = valid.then(|| piece.to_ascii_lowercase())?;
                continue;
            }
            let (from, to) = piece.split_once('-').unwrap_or((piece, piece));
            let (from, to) = (number(from)?, number(to)?);
            (1 <= from && from <= to).then_some(())?;
            insert_interval(sets.entry((source, tag.clone())).or_default(), (from, to));
            intervals += 1;
        }
        (intervals > 0).then_some(())?;
    }
    (!sets.is_empty()).then_some(GtidSet::Mysql(sets))
}

fn parse_mariadb(text: &str) -> Option<GtidSet> {
    let mut domains = BTreeMap::new();
    for part in text.split(',') {
        let mut pieces = part.split('-');
        let domain = u32::try_from(number(pieces.next()?)?).ok()?;
        let server = u32::try_from(number(pieces.next()?)?).ok()?;
        let sequence = number(pieces.next()?)?;
        if pieces.next().is_some() || domains.insert(domain, (server, sequence)).is_some() {
            return None;
        }
    }
    Some(GtidSet::Mariadb(domains))
}

fn number(text: &str) -> Option<u64> {
    (!text.is_empty() && text.bytes().all(|b| b.is_ascii_digit())).then(|| text.parse().ok())?
}

/// A text that is no GTID set.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{text}` is not a GTID set; MySQL's is written `uuid:1-5`, MariaDB's `0-1-5`")]
pub struct ParseGtidError {
    text: String,
}

serde_as_text!(GtidSet);

#[cfg(test)]
mod tests {
    use super::*;

    const A: &str = "79f916ce-e6dc-11f1-a03a-02fc00000001";
    const B: &str = "89f916ce-e6dc-11f1-a03a-02fc00000001";

    fn set(text: &str) -> GtidSet {
        text.parse().unwrap()
    }

    #[test]
    fn reads_and_writes_both_families() {
        for text in [
            format!("{A}:1-5"),
            format!("{A}:1-5:7:9-10,{B}:1"),
            format!("{A}:1-5:blue:1-3:red:2,{B}:1"),
            "0-77-485".to_owned(),
            "0-77-485,1-1-2".to_owned(),
        ] {
            assert_eq!(set(&text).to_string(), text);
        }
        assert_eq!(set(&format!("{A}:1-5,\n{A}:6-7")).to_string(), format!("{A}:1-7"));
        assert_eq!(set(&format!("{A}:3:1:2")).to_string(), format!("{A}:1-3"));
    }

    #[test]
    fn refuses_what_is_no_set() {
        for text in [
            "",
            "x",
            "0-1",
            "0-1-2-3",
            "0-1-2,0-1-3",
            A,
            &format!("{A}:"),
            &format!("{A}:0"),
            &format!("{A}:5-3"),
            "1-2-x",
        ] {
            assert!(text.parse::<GtidSet>().is_err(), "{text}");
        }
    }

    #[test]
    fn membership() {
        let all = set(&format!("{A}:1-5:7,{B}:1"));
        assert!(all.is_superset(&set(&format!("{A}:2-3:7"))));
        assert!(!all.is_superset(&set(&format!("{A}:5-7"))));
        assert!(!all.is_superset(&set("0-1-1")));
        assert!(set("0-1-9,1-1-3").is_superset(&set("0-2-9")));
        assert!(!set("0-1-9").is_superset(&set("1-1-1")));
        let mut grown = set(&format!("{A}:1-5:7"));
        grown.insert(&Gtid::Mysql { source: A.parse().unwrap(), tag: String::new(), sequence: 6 });
        assert_eq!(grown.to_string(), format!("{A}:1-7"));
    }
}
