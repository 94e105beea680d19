//! A history as text: the statements of several sessions in the order in which they ran, with the places where the
//! baseline was taken and where the truth was recorded. Failures are written in this form, and the named cases of the
//! repository are read from it.
//!
//! ```sql
//! -- server: mariadb
//! CREATE DATABASE shop;
//! CREATE TABLE shop.t (id INT PRIMARY KEY, v INT);
//! -- baseline
//! -- session 2
//! BEGIN;
//! INSERT INTO shop.t VALUES (1, 1);
//! COMMIT;
//! -- point
//! ```
//!
//! Behind `SET NAMES cp1251` (koi8r, latin2, sjis, ujis, gbk, cp850, or `latin1 COLLATE …`) a session's statements are sent in
//! these characters, as they are told to be.
//!
//! A statement ends with a `;` at the end of a line that is not indented. Directives are lines that begin with `-- `:
//!
//! | | |
//! |---|---|
//! | `server: mariadb`, `mariadb-11.8`, … | for this kind of server only; for `mariadb` and `mysql` when left out |
//! | `session N` | the statements from here on are another session's |
//! | `baseline`, `baseline OPTIONS` | here the baseline is taken, on MariaDB with these options of mydumper |
//! | `point`, `point gtid`, `point time` | here the truth is recorded, and asked for in this way |
//! | `refused: SCHEMA.TABLE: TEXT` | at the last point this table must be refused for a reason that has this text |
//! | `statements may fail` | the server need not accept all statements |
//! | `open: TEXT` | known to be wrong still; the test says when it is not any more |
//!
//! Other lines that begin with `-- ` are remarks.

use std::fmt;

use anyhow::{Context, bail};

use crate::kind::ServerKind;

/// How a point is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum By {
    /// `file:position`.
    Position,
    /// The GTIDs executed.
    Gtid,
    /// The time, with a second in which nothing happens on either side.
    Time,
}

/// One step of a history.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Step {
    /// A statement of a session.
    Sql {
        /// Which session, from 1.
        session: usize,
        /// Without a closing semicolon.
        text: String,
    },
    /// Take the baseline, with these options of the dumper; without any, with random ones.
    Baseline(String),
    /// Record what every table holds.
    Point(By),
}

impl Step {
    /// A statement.
    pub fn sql(session: usize, text: impl Into<String>) -> Self {
        Self::Sql { session, text: text.into() }
    }
}

/// A whole history.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct History {
    /// The servers it is for.
    pub servers: Vec<ServerKind>,
    /// What happened, in order.
    pub steps: Vec<Step>,
    /// Tables (`schema.table`) that must be refused at the last point, and by what, where a case says so.
    pub refused: Vec<(String, String)>,
    /// Whether statements that the server does not accept are meant to be in it.
    pub may_fail: bool,
    /// What is still wrong with it: the test that replays it expects it to fail, and says when it does not any more.
    pub open: Option<String>,
    /// Remarks in front of it.
    pub remarks: Vec<String>,
}

impl History {
    /// A history of one kind of server.
    pub fn new(server: ServerKind, steps: Vec<Step>) -> Self {
        Self { servers: vec![server], steps, refused: Vec::new(), may_fail: true, open: None, remarks: Vec::new() }
    }

    /// Reads the text form.
    ///
    /// # Errors
    /// A directive that is not understood, or a statement without its end.
    pub fn parse(text: &str) -> anyhow::Result<Self> {
        let mut history = Self {
            servers: Vec::new(),
            steps: Vec::new(),
            refused: Vec::new(),
            may_fail: false,
            open: None,
            remarks: Vec::new(),
        };
        let (mut session, mut statement) = (1, String::new());
        for (number, line) in text.lines().enumerate() {
            if statement.is_empty() {
                if line.trim().is_empty() {
                    continue;
                }
                if let Some(directive) = line.strip_prefix("-- ") {
                    let context = || format!("line {}: {line}", number + 1);
                    history.directive(directive, &mut session).with_context(context)?;
                    continue;
                }
            } else {
                statement.push('\n');
            }
            statement.push_str(line);
            if let Some(whole) = statement.strip_suffix(';').filter(|_| !line.starts_with(' ')) {
                history.steps.push(Step::sql(session, whole.trim_end_matches('\n')));
                statement.clear();
            }
        }
        if !statement.is_empty() {
            bail!("the last statement has no end: {statement}");
        }
        if history.servers.is_empty() {
            history.servers = vec![ServerKind::Mariadb, ServerKind::Mysql];
        }
        Ok(history)
    }

    fn directive(&mut self, text: &str, session: &mut usize) -> anyhow::Result<()> {
        let (word, rest) = text.split_once(' ').unwrap_or((text, ""));
        match word {
            "server:" => self.servers.push(ServerKind::parse(rest.trim())?),
            "session" => *session = rest.trim().parse()?,
            "statements" if rest.trim() == "may fail" => self.may_fail = true,
            "open:" => self.open = Some(rest.trim().to_owned()),
            "baseline" => self.steps.push(Step::Baseline(rest.trim().to_owned())),
            "point" => self.steps.push(Step::Point(match rest.trim() {
                "" | "position" => By::Position,
                "gtid" => By::Gtid,
                "time" => By::Time,
                other => bail!("a point is not asked for by {other}"),
            })),
            "refused:" => {
                let (table, reason) = rest.split_once(": ").unwrap_or((rest, ""));
                self.refused.push((table.trim().to_owned(), reason.trim().to_owned()));
            }
            _ => self.remarks.push(text.to_owned()),
        }
        Ok(())
    }
}

/// Writes the text form.
impl fmt::Display for History {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for remark in &self.remarks {
            writeln!(f, "-- {remark}")?;
        }
        for server in &self.servers {
            writeln!(f, "-- server: {}", server.word())?;
        }
        for (table, reason) in &self.refused {
            writeln!(f, "-- refused: {table}: {reason}")?;
        }
        if self.may_fail {
            writeln!(f, "-- statements may fail")?;
        }
        if let Some(open) = &self.open {
            writeln!(f, "-- open: {open}")?;
        }
        let mut last = 1;
        for step in &self.steps {
            match step {
                Step::Sql { session, text } => {
                    if *session != last {
                        writeln!(f, "-- session {session}")?;
                        last = *session;
                    }
                    // A `;` behind an indented line ends nothing.
                    let indented = text.lines().last().is_some_and(|line| line.starts_with(' '));
                    writeln!(f, "{text}{};", if indented { "\n" } else { "" })?;
                }
                Step::Baseline(options) => writeln!(f, "{}", format!("-- baseline {options}").trim_end())?,
                Step::Point(By::Position) => writeln!(f, "-- point")?,
                Step::Point(By::Gtid) => writeln!(f, "-- point gtid")?,
                Step::Point(By::Time) => writeln!(f, "-- point time")?,
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read() {
        let mut history = History::new(
            ServerKind::Mysql,
            vec![
                Step::sql(1, "CREATE TABLE `a b`\n  (id INT)"),
                Step::Baseline("--rows 3".to_owned()),
                Step::sql(3, "INSERT INTO t VALUES ('-- point\\n;')"),
                Step::Point(By::Position),
                Step::Point(By::Time),
                Step::sql(1, "COMMIT"),
                Step::Point(By::Gtid),
            ],
        );
        history.refused.push(("shop.t".to_owned(), "it has no".to_owned()));
        history.remarks.push("a remark".to_owned());
        assert_eq!(History::parse(&history.to_string()).unwrap(), history);
    }
}
