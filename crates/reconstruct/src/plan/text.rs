//! A plan for people: lines and a table.

use std::fmt::{self, Display, Formatter};

use backtrail_domain::TableName;

use crate::around::{ObjectAction, PlannedObject};
use crate::input::span::Span;
use crate::plan::{Coordinates, EndedTable, Plan, PlannedKey, TableAction};

const HEADINGS: [&str; 6] = ["TABLE", "WILL BE", "ROWS", "BYTES", "ROW EVENTS", "KEY"];
/// These are numbers and stand at the right.
const NUMBERS: [usize; 3] = [2, 3, 4];

/// A line of the table, and the lines below that explain it.
struct Row {
    cells: [String; 6],
    notes: Vec<String>,
}

impl Display for Plan {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        writeln!(f, "target    {}", self.target)?;
        writeln!(f, "baseline  {}", Place(&self.baseline))?;
        let cut = Coordinates { position: self.cut.position.clone(), gtid_set: self.cut.gtid_set.clone() };
        write!(f, "cut       {}: {} transactions behind the baseline", Place(&cut), self.cut.transactions)?;
        match &self.cut.last_commit {
            Some(time) => writeln!(f, ", the last one of {time}")?,
            None => writeln!(f)?,
        }
        for (number, piece) in self.log.iter().enumerate() {
            let heading = if number == 0 { "log" } else { "" };
            writeln!(f, "{heading:9} {} of {}, from {} to {}", piece.name, piece.file, piece.from, piece.to)?;
        }
        for Span { from, to } in &self.carried {
            writeln!(f, "carried   an XA transaction from {from} to {to}, which commits behind the baseline")?;
        }
        for gap in &self.gaps {
            writeln!(f, "gap       {gap}")?;
        }
        writeln!(f)?;
        table(f, &self.rows())?;
        writeln!(f)?;
        for object in &self.around {
            writeln!(f, "around    {}", Beside(object))?;
        }
        self.write_events(f)?;
        self.write_expected(f)?;
        for warning in &self.warnings {
            writeln!(f, "warning   {warning}")?;
        }
        Ok(())
    }
}

impl Plan {
    fn rows(&self) -> Vec<Row> {
        let wanted = self.tables.iter().map(|(name, action)| row(name, action));
        let ended = self.ended.iter().map(|ended| self.ended_row(ended));
        let mut rows: Vec<Row> = wanted.chain(ended).collect();
        rows.sort_by(|a, b| a.cells.first().cmp(&b.cells.first()));
        rows
    }

    fn ended_row(&self, ended: &EndedTable) -> Row {
        let word = if self.tables.contains_key(&ended.name) { "replaced" } else { "dropped" };
        let events = ended.row_events.to_string();
        let cells = [ended.name.to_string(), word.to_owned(), rows(ended.rows), String::new(), events, String::new()];
        Row { cells, notes: vec![format!("at {}: {}", ended.position, ended.statement)] }
    }

    fn write_events(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let events = &self.events;
        write!(f, "events    {} between baseline and cut, {} of them with rows", events.seen, events.row_events)?;
        if events.row_events_carried > 0 {
            write!(f, ", and {} with rows of XA transactions from before the baseline", events.row_events_carried)?;
        }
        write!(f, ": {} to apply", events.row_events_applied)?;
        for (count, why) in [
            (events.row_events_rolled_back, "rolled back or not committed"),
            (events.row_events_refused, "of refused tables"),
            (events.row_events_not_wanted, "of tables not asked for"),
            (events.row_events_ended, "of tables dropped or emptied later"),
            (events.row_events_other_tables, "of tables not in the baseline"),
        ] {
            if count > 0 {
                write!(f, ", {count} {why}")?;
            }
        }
        writeln!(f)
    }

    fn write_expected(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let work = &self.expected;
        writeln!(
            f,
            "to do     {} tables to copy, {} to merge: {} rows and {} of the baseline, {} row events of {}",
            work.tables_copied,
            work.tables_merged,
            rows(work.rows),
            bytes(work.bytes),
            work.row_events,
            bytes(work.row_event_bytes)
        )
    }
}

fn row(name: &TableName, action: &TableAction) -> Row {
    let cells = |word: &str, rows: String, size: String, events: String, key: String| {
        [name.to_string(), word.to_owned(), rows, size, events, key]
    };
    match action {
        TableAction::Copy { rows: count, bytes: size } => {
            Row { cells: cells("copied", rows(*count), bytes(*size), "0".to_owned(), String::new()), notes: Vec::new() }
        }
        TableAction::Merge {
            origin,
            key,
            rows: count,
            bytes: size,
            row_events,
            eras,
            stages,
            cascaded,
            partial_images,
            ..
        } => {
            let word = match origin {
                None => "made anew",
                Some(_) if *row_events == 0 && cascaded.is_none() => "rewritten",
                Some(_) => "merged",
            };
            let mut notes = Vec::new();
            if let Some(origin) = origin.as_ref().filter(|origin| *origin != name) {
                notes.push(format!("with the rows of the baseline's {origin}"));
            }
            for (number, era) in eras.iter().enumerate() {
                let from = match (&era.from, &era.statement) {
                    (Some(from), Some(statement)) => format!("from {from} on, {statement}"),
                    (Some(from), None) => format!("from {from} on"),
                    (None, _) => "from the baseline on".to_owned(),
                };
                notes.push(format!("era {}: {}, {} row events, {from}", number + 1, era.name, era.row_events));
            }
            for (number, stage) in stages.iter().enumerate() {
                let from = stage.first_era + 1;
                notes.push(format!("stage {}: from era {from} on, by {}", number + 1, Key(&stage.key)));
            }
            if let Some(position) = cascaded {
                notes.push(format!("from {position} on foreign keys may have changed its rows below the log"));
            }
            if *partial_images {
                notes.push("row images lack columns, which are completed from the rows before".to_owned());
            }
            let key = Key(key).to_string();
            Row { cells: cells(word, rows(*count), bytes(*size), row_events.to_string(), key), notes }
        }
        TableAction::Refused(refusal) => {
            let mut notes = vec![refusal.reason.clone()];
            if let Some(position) = &refusal.position {
                let statement = refusal.statement.as_ref().map_or_else(String::new, |text| format!(": {text}"));
                notes.push(format!("at {position}{statement}"));
            }
            notes.push(refusal.remedy.clone());
            let none = String::new;
            Row { cells: cells("refused", none(), none(), none(), none()), notes }
        }
    }
}

fn table(f: &mut Formatter<'_>, rows: &[Row]) -> fmt::Result {
    let headings = HEADINGS.map(str::to_owned);
    let mut widths = [0; HEADINGS.len()];
    for cells in rows.iter().map(|row| &row.cells).chain([&headings]) {
        for (width, cell) in widths.iter_mut().zip(cells) {
            *width = cell.chars().count().max(*width);
        }
    }
    let line = |cells: &[String; 6]| {
        let cells = cells.iter().zip(widths).enumerate().map(|(column, (cell, width))| {
            if NUMBERS.contains(&column) { format!("{cell:>width$}") } else { format!("{cell:width$}") }
        });
        cells.collect::<Vec<_>>().join("  ").trim_end().to_owned()
    };
    writeln!(f, "{}", line(&headings))?;
    for row in rows {
        writeln!(f, "{}", line(&row.cells))?;
        for note in &row.notes {
            writeln!(f, "    {note}")?;
        }
    }
    Ok(())
}

struct Place<'a>(&'a Coordinates);

impl Display for Place<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0.position)?;
        match &self.0.gtid_set {
            Some(set) => write!(f, " ({set})"),
            None => Ok(()),
        }
    }
}

struct Beside<'a>(&'a PlannedObject);

impl Display for Beside<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let PlannedObject { kind, name, action, position, reason } = self.0;
        if kind == "DATABASE" {
            write!(f, "{kind} {}", name.schema)?;
        } else {
            write!(f, "{kind} {name}")?;
        }
        f.write_str(match action {
            ObjectAction::Written => " is written anew",
            ObjectAction::Dropped => " is dropped",
            ObjectAction::LeftOut => " is left out",
        })?;
        if let Some(position) = position {
            write!(f, ", last told at {position}")?;
        }
        match reason {
            Some(reason) => write!(f, ": {reason}"),
            None => Ok(()),
        }
    }
}

struct Key<'a>(&'a PlannedKey);

impl Display for Key<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self.0 {
            PlannedKey::Primary { columns } => write!(f, "primary ({})", columns.join(", ")),
            PlannedKey::Unique { columns } => write!(f, "unique ({})", columns.join(", ")),
            PlannedKey::WholeRow => f.write_str("the whole row"),
        }
    }
}

fn rows(count: Option<u64>) -> String {
    count.map_or_else(|| "?".to_owned(), |count| count.to_string())
}

/// As people read them: `26.0 MB`.
fn bytes(count: u64) -> String {
    const UNITS: [&str; 5] = ["kB", "MB", "GB", "TB", "PB"];
    let mut tenths = count.saturating_mul(10);
    let mut unit = "B";
    for larger in UNITS {
        if tenths < 10_000 {
            break;
        }
        tenths /= 1000;
        unit = larger;
    }
    if unit == "B" { format!("{count} B") } else { format!("{}.{} {unit}", tenths / 10, tenths % 10) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes() {
        let check = |count, expect: &str| assert_eq!(bytes(count), expect);
        check(0, "0 B");
        check(999, "999 B");
        check(1000, "1.0 kB");
        check(26_049_999, "26.0 MB");
        check(999_949, "999.9 kB");
        check(5_300_000_000_000, "5.3 TB");
    }
}
