//! What an open transaction did, held back until it is known what becomes of it.
//!
//! A transaction can be undone in part (`ROLLBACK TO SAVEPOINT`) or as a whole and be in the log all the same: MariaDB
//! writes it out once it holds something that cannot be undone, a temporary table or rows of a table whose storage engine
//! knows no transactions. Only what transactional tables got is then undone, which their engines tell.

use std::collections::{BTreeMap, BTreeSet};

use backtrail_domain::BinlogPosition;

use crate::account::EventCounts;
use crate::around;
use crate::input::span::Span;
use crate::plan::facts::Obstacle;

/// Whether tables of a storage engine take part in transactions. `None`: nobody knows.
pub(crate) fn is_transactional(engine: Option<&str>) -> Option<bool> {
    const TRANSACTIONAL: [&str; 6] = ["InnoDB", "XtraDB", "RocksDB", "TokuDB", "ndbcluster", "ndb"];
    const NOT: [&str; 9] = ["MyISAM", "Aria", "MEMORY", "HEAP", "CSV", "ARCHIVE", "MRG_MyISAM", "MERGE", "BLACKHOLE"];
    let engine = engine?;
    let is = |names: &[&str]| names.iter().any(|name| name.eq_ignore_ascii_case(engine));
    match (is(&TRANSACTIONAL), is(&NOT)) {
        (true, _) => Some(true),
        (_, true) => Some(false),
        _ => None,
    }
}

/// Whether tables of a storage engine live as long as the server runs.
pub(crate) fn is_in_memory(engine: Option<&str>) -> bool {
    engine.is_some_and(|engine| engine.eq_ignore_ascii_case("MEMORY") || engine.eq_ignore_ascii_case("HEAP"))
}

/// A table by its number, and its era.
pub(crate) type Touched = (usize, usize);

/// Row events of one table and era.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct TouchedRows {
    pub(crate) events: u64,
    pub(crate) bytes: u64,
    /// The first of them.
    pub(crate) first: BinlogPosition,
}

/// What was done since a savepoint, or since the transaction began.
#[derive(Debug, Default)]
struct Part {
    /// Its name in lower case, and where it begins.
    savepoint: Option<(Vec<u8>, BinlogPosition)>,
    rows: BTreeMap<Touched, TouchedRows>,
    /// What stands in the way of tables because of their rows.
    obstacles: Vec<(usize, Obstacle)>,
}

/// What the open transaction did, besides statements that the history has taken in.
#[derive(Debug, Default)]
pub(crate) struct Pending {
    pub(crate) events: EventCounts,
    /// What stands in the way of tables because of statements.
    pub(crate) obstacles: Vec<(usize, Obstacle)>,
    /// What stands in the way of all tables.
    pub(crate) of_all: Vec<Obstacle>,
    /// Tables with images of updated rows that lack values.
    pub(crate) partial: BTreeSet<usize>,
    /// Tables whose rows foreign keys may have changed, and where.
    pub(crate) cascaded: Vec<(usize, BinlogPosition)>,
    /// Statements about what stands around tables.
    pub(crate) around: Vec<around::Told>,
    /// The last row of sequences, by their tables' numbers.
    pub(crate) sequences: BTreeMap<usize, String>,
    pub(crate) undone: Vec<Span>,
    /// How many row events of each table were undone.
    pub(crate) undone_events: BTreeMap<usize, u64>,
    /// It comes out of a compressed event, which is the place of all that is in it.
    pub(crate) inside_payload: bool,
    base: Part,
    savepoints: Vec<Part>,
    /// A savepoint has a name of which equal ones cannot be told: letters that the server may hold to be the same.
    odd_name: bool,
}

impl Pending {
    fn last(&mut self) -> &mut Part {
        self.savepoints.last_mut().unwrap_or(&mut self.base)
    }

    /// A row event.
    pub(crate) fn row_event(&mut self, touched: Touched, bytes: u64, at: BinlogPosition) {
        let rows = self.last().rows.entry(touched).or_insert_with(|| TouchedRows { events: 0, bytes: 0, first: at });
        rows.events += 1;
        rows.bytes += bytes;
    }

    /// A row event stands in the way of a table.
    pub(crate) fn row_obstacle(&mut self, id: usize, obstacle: Obstacle) {
        self.last().obstacles.push((id, obstacle));
    }

    /// The tables with row events.
    pub(crate) fn touched(&self) -> BTreeSet<Touched> {
        let parts = std::iter::once(&self.base).chain(&self.savepoints);
        parts.flat_map(|part| part.rows.keys().copied()).collect()
    }

    /// All that is left of the row events.
    pub(crate) fn rows(self) -> (BTreeMap<Touched, TouchedRows>, Vec<(usize, Obstacle)>) {
        let Self { mut base, savepoints, .. } = self;
        for part in savepoints {
            base.append(part, &mut |_| true);
        }
        (base.rows, base.obstacles)
    }

    /// A savepoint is set.
    pub(crate) fn savepoint(&mut self, name: &[u8], at: BinlogPosition) {
        self.odd_name |= is_odd(name);
        let savepoint = Some((name.to_ascii_lowercase(), at));
        self.savepoints.push(Part { savepoint, ..Part::default() });
    }

    /// What was done since a savepoint is undone, up to `end`, but for tables that are not transactional.
    ///
    /// # Errors
    /// It cannot be told which part that is, or `transactional` does not know of a table that it touched.
    pub(crate) fn rollback_to(
        &mut self,
        name: &[u8],
        end: BinlogPosition,
        transactional: &dyn Fn(Touched) -> Option<bool>,
    ) -> Result<(), BTreeSet<usize>> {
        let name_of = |part: &Part| part.savepoint.as_ref().is_some_and(|(own, _)| own.eq_ignore_ascii_case(name));
        let found = self.savepoints.iter().rposition(name_of).filter(|_| !self.odd_name && !is_odd(name));
        let Some(found) = found else { return Err(self.touched().into_iter().map(|(id, _)| id).collect()) };
        let from = self.savepoints.get(found).and_then(|part| Some(part.savepoint.as_ref()?.1.clone()));
        let undone = self.savepoints.split_off(found);
        let known = self.undo(undone, from.unwrap_or_else(|| end.clone()), end.clone(), transactional);
        // The savepoint itself stays.
        self.savepoint(name, end);
        known
    }

    /// All of it is undone, but for tables that are not transactional.
    ///
    /// # Errors
    /// The tables that it touched of which `transactional` does not know.
    pub(crate) fn rollback(
        &mut self,
        begin: BinlogPosition,
        end: BinlogPosition,
        transactional: &dyn Fn(Touched) -> Option<bool>,
    ) -> Result<(), BTreeSet<usize>> {
        let mut parts = vec![std::mem::take(&mut self.base)];
        parts.append(&mut self.savepoints);
        self.undo(parts, begin, end, transactional)
    }

    fn undo(
        &mut self,
        parts: Vec<Part>,
        from: BinlogPosition,
        to: BinlogPosition,
        transactional: &dyn Fn(Touched) -> Option<bool>,
    ) -> Result<(), BTreeSet<usize>> {
        let mut unknown = BTreeSet::new();
        for part in parts {
            let gone = |touched: Touched| transactional(touched) == Some(true);
            for ((id, _), rows) in part.rows.iter().filter(|(touched, _)| gone(**touched)) {
                *self.undone_events.entry(*id).or_default() += rows.events;
            }
            unknown.extend(part.rows.keys().filter(|touched| transactional(**touched).is_none()).map(|(id, _)| *id));
            self.last().append(part, &mut |touched| !gone(touched));
        }
        self.undone.push(Span { from, to });
        if unknown.is_empty() { Ok(()) } else { Err(unknown) }
    }

    /// Nothing that is left of the row events counts. Says how many of each table were undone, now and before.
    pub(crate) fn give_up(&mut self) -> BTreeMap<usize, u64> {
        let mut undone = std::mem::take(&mut self.undone_events);
        let mut parts = vec![std::mem::take(&mut self.base)];
        parts.append(&mut self.savepoints);
        for part in parts {
            for ((id, _), rows) in part.rows {
                *undone.entry(id).or_default() += rows.events;
            }
            self.base.obstacles.extend(part.obstacles);
        }
        undone
    }

    /// Takes in what a part of the log did that counts along with this transaction.
    pub(crate) fn adopt(&mut self, other: Self) {
        self.undone.extend(other.undone.iter().cloned());
        for (id, events) in &other.undone_events {
            *self.undone_events.entry(*id).or_default() += events;
        }
        self.partial.extend(other.partial.iter().copied());
        self.cascaded.extend(other.cascaded.iter().cloned());
        self.obstacles.extend(other.obstacles.iter().cloned());
        self.of_all.extend(other.of_all.iter().cloned());
        let (rows, obstacles) = other.rows();
        self.last().append(Part { savepoint: None, rows, obstacles }, &mut |_| true);
    }
}

impl Part {
    /// Takes in what a later part did to the tables that are wanted.
    fn append(&mut self, later: Self, wanted: &mut dyn FnMut(Touched) -> bool) {
        let mut kept = BTreeSet::new();
        for (touched, rows) in later.rows {
            if !wanted(touched) {
                continue;
            }
            kept.insert(touched.0);
            let own =
                self.rows.entry(touched).or_insert_with(|| TouchedRows { events: 0, bytes: 0, first: rows.first });
            own.events += rows.events;
            own.bytes += rows.bytes;
        }
        self.obstacles.extend(later.obstacles.into_iter().filter(|(id, _)| kept.contains(id)));
    }
}

/// Names of savepoints are equal by the server's collation, of which only this much is certain.
fn is_odd(name: &[u8]) -> bool {
    name.is_empty()
        || name.last() == Some(&b' ')
        || !name.iter().all(|byte| byte.is_ascii_alphanumeric() || b" _-$.:".contains(byte))
}

/// The name in `SAVEPOINT x`, `ROLLBACK TO x` and their like, which is the statement's last word.
pub(crate) fn savepoint_name(statement: &str) -> Vec<u8> {
    let text = statement.trim_end_matches([';', '\0']).trim_end();
    for quote in ['`', '"'] {
        if let Some(inner) = text.strip_suffix(quote)
            && let Some(start) = inner.find(quote)
        {
            let doubled = String::from_iter([quote, quote]);
            return inner.get(start + 1..).unwrap_or_default().replace(&doubled, &quote.to_string()).into_bytes();
        }
    }
    text.rsplit(|c: char| c.is_ascii_whitespace()).next().unwrap_or_default().as_bytes().to_vec()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(offset: u64) -> BinlogPosition {
        format!("binlog.000001:{offset}").parse().unwrap()
    }

    /// Tables 0 and 1 are transactional, 8 is not, 9 is unknown.
    fn transactional((id, _): Touched) -> Option<bool> {
        match id {
            8 => Some(false),
            9 => None,
            _ => Some(true),
        }
    }

    /// `+3`: a row event of table 3; `s name`: a savepoint; `r name`: a rollback to it; `R`: all rolled back.
    fn check(script: &str, left: &[(usize, u64)], undone: &[(u64, u64)], unknown: &[usize]) {
        let mut pending = Pending::default();
        let mut refused = BTreeSet::new();
        for (number, step) in script.split(',').enumerate() {
            let place = number as u64 + 10;
            let (verb, rest) = step.split_at(1);
            let outcome = match verb {
                "+" => {
                    pending.row_event((rest.parse().unwrap(), 0), 5, at(place));
                    Ok(())
                }
                "s" => {
                    pending.savepoint(rest.as_bytes(), at(place));
                    Ok(())
                }
                "r" => pending.rollback_to(rest.as_bytes(), at(place + 1), &transactional),
                _ => pending.rollback(at(10), at(place + 1), &transactional),
            };
            refused.extend(outcome.err().into_iter().flatten());
        }
        let spans: Vec<_> = pending.undone.iter().map(|span| (span.from.offset, span.to.offset)).collect();
        assert_eq!(spans, undone, "{script}");
        assert_eq!(refused.into_iter().collect::<Vec<_>>(), unknown, "{script}");
        let rows = pending.rows().0;
        let counts: Vec<_> = rows.iter().map(|((id, _), rows)| (*id, rows.events)).collect();
        assert_eq!(counts, left, "{script}");
    }

    #[test]
    fn parts_are_undone() {
        check("+0,s a,+0,+1,r a,+1", &[(0, 1), (1, 1)], &[(11, 15)], &[]);
        check("+0,s a,+1,s b,+1,r b,+1,r a", &[(0, 1)], &[(13, 16), (11, 18)], &[]);
        // A savepoint outlives the rollback to it; the latest of a name is meant; case does not count.
        check("s a,+0,r a,+0,+1,r a,+1", &[(1, 1)], &[(10, 13), (13, 16)], &[]);
        check("s A,+0,s a,+1,r A", &[(0, 1)], &[(12, 15)], &[]);
        check("+0,s a,+8,+0,r a,+8", &[(0, 1), (8, 2)], &[(11, 15)], &[]);
        check("+0,+8,s a,+8,R", &[(8, 2)], &[(10, 15)], &[]);
        check("+0,s a,+9,r a", &[(0, 1), (9, 1)], &[(11, 14)], &[9]);
        // What cannot be told is refused for all tables that were touched.
        check("+0,s a,+1,r b", &[(0, 1), (1, 1)], &[], &[0, 1]);
        check("+0,s é,+1,s e,r e", &[(0, 1), (1, 1)], &[], &[0, 1]);
        check("+0,s a ,+1,r a ", &[(0, 1), (1, 1)], &[], &[0, 1]);
    }

    #[test]
    fn names_of_savepoints() {
        let check = |statement: &str, name: &str| {
            assert_eq!(String::from_utf8(savepoint_name(statement)).unwrap(), name, "{statement}");
        };
        check("SAVEPOINT `s 1`", "s 1");
        check("ROLLBACK TO `a``b`", "a`b");
        check("ROLLBACK WORK TO SAVEPOINT s1", "s1");
        check("rollback to \"x\"", "x");
    }

    #[test]
    fn engines() {
        assert_eq!(is_transactional(Some("innodb")), Some(true));
        assert_eq!(is_transactional(Some("MyISAM")), Some(false));
        assert_eq!(is_transactional(Some("SPIDER")), None);
        assert_eq!(is_transactional(None), None);
    }
}
