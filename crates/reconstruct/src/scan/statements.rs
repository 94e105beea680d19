//! What statements mean for the tables.

use backtrail_binlog::{Event, QueryEvent};
use backtrail_schema::{DataChange, DataChangeVerb, Ddl, DdlVerb, Statement, TransactionControl, classify};

use super::{Scan, is_system_schema};
use crate::history::{OTHER_CHARACTERS, Told};
use crate::input::log::Place;
use crate::plan::facts::{LATER_BASELINE, Obstacle, STATEMENT_FORMAT, statement_text};
use crate::scan::pending::savepoint_name;
use crate::scan::statement::StatementText;
use crate::scan::xa::Completion;
use crate::{EngineError, around};

/// A CREATE TABLE to which MySQL has added an invisible primary key is its own words too, in UTF-8.
fn has_generated_key(statement: &[u8]) -> bool {
    const KEY: &str = " (\n  `my_row_id` bigint unsigned NOT NULL AUTO_INCREMENT /*!80023 INVISIBLE */,\n";
    let text = std::str::from_utf8(statement).unwrap_or_default();
    text.starts_with("CREATE TABLE `") && text.contains(KEY)
}

/// Whether a statement that is read as other characters than it has names something by them.
fn names_are_damaged(ddl: &Ddl, statement: &StatementText<'_>) -> bool {
    let renamed = ddl.renames.iter().flat_map(|(from, to)| [from, to]);
    let mut tables = ddl.tables.iter().chain(renamed);
    ddl.concerns_rows()
        && (!statement.has_ascii()
            || tables.any(|name| !name.schema.is_ascii() || !name.table.is_ascii())
            || ddl.schema.as_ref().is_some_and(|schema| !schema.is_ascii()))
}

impl Scan<'_> {
    pub(super) fn query(
        &mut self,
        place: &Place<'_>,
        event: &Event<'_>,
        query: &QueryEvent<'_>,
        inside: bool,
    ) -> Result<(), EngineError> {
        let trimmed = query.statement.trim_ascii();
        if [&b"BEGIN"[..], b"COMMIT", b"ROLLBACK"].iter().any(|word| trimmed.eq_ignore_ascii_case(word)) {
            return Ok(());
        }
        self.pending.inside_payload |= event.is_in_payload();
        // A definition that does not commit by itself is of CREATE … SELECT, and the server's own words. (Those of a DROP TABLE
        // are in the client's characters.)
        let of_server = (inside && trimmed.starts_with(b"CREATE")) || has_generated_key(trimmed);
        let mut statement = StatementText::read(query, self.dialect, event.header.timestamp, of_server);
        let mut read = classify(statement.text.as_bytes(), &statement.schema, &statement.dialect);
        if statement.damaged
            && let Some(decoded) = statement.decoded()
            && let known @ Statement::Ddl(_) = classify(decoded.text.as_bytes(), &decoded.schema, &decoded.dialect)
            && matches!(&known, Statement::Ddl(ddl) if ddl.concerns_rows())
        {
            (statement, read) = (decoded, known);
        }
        let obstacle = |reason: &str, remedy: &'static str| Obstacle {
            position: place.start_position(),
            statement: Some(statement_text(statement.text.as_bytes())),
            reason: reason.to_owned(),
            remedy,
        };
        let read = match read {
            Statement::Ddl(ddl) => Statement::Ddl(self.history.as_kept(ddl)),
            unknown @ Statement::Unknown { .. } if statement.damaged => {
                around::read_again(query, &statement).unwrap_or(unknown)
            }
            read => read,
        };
        match read {
            Statement::Harmless { .. } => {}
            Statement::Ddl(ref ddl) if statement.damaged && names_are_damaged(ddl, &statement) => {
                let reason = format!("{OTHER_CHARACTERS}, and whose it is cannot be told");
                self.pending.of_all.push(obstacle(&reason, LATER_BASELINE));
                self.pending.around.extend(around::of_damaged(ddl, &statement, &place.start_position()));
            }
            Statement::Ddl(ddl) if ddl.concerns_rows() => {
                self.sequence(&ddl, place);
                let position = place.start_position();
                let around = around::of_tables(&ddl, &statement, query, &position, &mut self.history);
                self.pending.around.extend(around);
                let told = Told { statement: &statement, position: place.start_position(), moment: self.moment };
                self.history.ddl(&ddl, &told);
            }
            Statement::Ddl(ddl) => self.around(place, event, query, &ddl, &statement),
            Statement::TransactionControl { verb } => {
                self.control(verb, &statement.text, place, &|reason: &str| obstacle(reason, LATER_BASELINE));
            }
            Statement::DataChange(ref change)
                if change.verb == DataChangeVerb::Delete
                    && let Some([name]) = change.tables.as_deref()
                    && self.history.says_empty(name, &statement.text) =>
            {
                let told = Told { statement: &statement, position: place.start_position(), moment: self.moment };
                self.history.truncate(name, &told);
            }
            Statement::DataChange(change) => {
                self.data_change(&change, &|reason: &str| obstacle(reason, STATEMENT_FORMAT));
            }
            Statement::Unknown { reason, .. } => {
                let reason = format!("a statement is not understood ({reason}) and may concern any table");
                self.pending.of_all.push(obstacle(&reason, LATER_BASELINE));
                self.pending.around.extend(around::of_unread(&statement, &place.start_position()));
            }
        }
        Ok(())
    }

    /// Sequences are the baseline's; what is done to them is noted.
    pub(super) fn sequence(&mut self, ddl: &Ddl, place: &Place<'_>) {
        for name in &ddl.tables {
            if self.catalog.sequences.contains_key(name) {
                self.sequences.entry(name.clone()).or_insert_with(|| place.start_position());
            }
        }
    }

    /// Views, triggers, routines and events, and schemas that are made or altered.
    pub(super) fn around(
        &mut self,
        place: &Place<'_>,
        event: &Event<'_>,
        query: &QueryEvent<'_>,
        ddl: &Ddl,
        statement: &StatementText<'_>,
    ) {
        let position = place.start_position();
        let lowers = self.history.lowers_names();
        let as_kept = |told: around::Told| if lowers { told.lowered() } else { told };
        let told: Vec<around::Told> = match ddl.verb {
            DdlVerb::Storage => Vec::new(),
            DdlVerb::CreateDatabase | DdlVerb::AlterDatabase => {
                let told = around::of_schema(ddl, statement, query, &position).map(as_kept);
                if ddl.verb == DdlVerb::CreateDatabase
                    && let Some(around::What::Schema { statement, .. }) = told.as_ref().map(|told| &told.what)
                    && !self.catalog.has_schema(&statement.schema)
                {
                    self.created_schemas.insert(statement.schema.clone());
                }
                told.into_iter().collect()
            }
            _ => {
                let second = event.header.timestamp;
                around::of_objects(ddl, statement, query, second, &position, &mut self.history)
            }
        };
        self.pending.around.extend(told.into_iter().map(as_kept));
    }

    pub(super) fn control(
        &mut self,
        verb: TransactionControl,
        statement: &str,
        place: &Place<'_>,
        obstacle: &dyn Fn(&str) -> Obstacle,
    ) {
        match verb {
            TransactionControl::Savepoint => {
                self.pending.savepoint(&savepoint_name(statement), place.start_position());
            }
            TransactionControl::RollbackToSavepoint => {
                let history = &self.history;
                let engine = |touched| history.is_transactional(touched);
                let name = savepoint_name(statement);
                // Places within a compressed transaction are not told apart.
                let outcome = if self.pending.inside_payload {
                    Err(self.pending.touched().into_iter().map(|(id, _)| id).collect())
                } else {
                    self.pending.rollback_to(&name, place.end_position(), &engine)
                };
                for id in outcome.err().into_iter().flatten() {
                    let reason = "a transaction that changed it was rolled back in part, and it cannot be told which of its rows that concerned";
                    self.pending.obstacles.push((id, obstacle(reason)));
                }
            }
            TransactionControl::XaCommit | TransactionControl::XaRollback => {
                self.completing = Completion::read(statement).map(|completion| (completion, statement.to_owned()));
            }
            TransactionControl::Begin
            | TransactionControl::Commit
            | TransactionControl::Rollback
            | TransactionControl::ReleaseSavepoint
            | TransactionControl::XaStart
            | TransactionControl::XaEnd
            | TransactionControl::XaPrepare => {}
        }
    }

    pub(super) fn data_change(&mut self, change: &DataChange, obstacle: &dyn Fn(&str) -> Obstacle) {
        const REASON: &str = "rows were changed by a statement that was logged as such, not as rows";
        let Some(tables) = &change.tables else {
            self.pending.of_all.push(obstacle(REASON));
            return;
        };
        // A trigger's changes to other tables are part of the statement.
        let catalog = self.catalog;
        let triggers = catalog.tables.values().any(|files| !files.triggers.is_empty())
            || catalog.schemas.values().flatten().any(|file| file.name.contains("-triggers"));
        if triggers && !tables.iter().all(|name| is_system_schema(&name.schema)) {
            self.pending.of_all.push(obstacle(REASON));
        }
        for name in tables {
            let name = self.history.resolve(name);
            if let Some(id) = self.history.find(&name) {
                self.pending.obstacles.push((id, obstacle(REASON)));
            }
        }
    }
}
