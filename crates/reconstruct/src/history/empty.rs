//! Tables that are emptied, by a statement or by a start of the server.

use backtrail_domain::{BinlogPosition, TableName};
use backtrail_schema::{TableShape, quoted_name};

use super::{History, Told, Tracked, first_era};
use crate::history::life::{Began, Life};
use crate::scan::pending::is_in_memory;

impl History<'_> {
    pub(crate) fn truncate(&mut self, name: &TableName, told: &Told<'_>) {
        let name = self.resolve(name);
        let Some(tracked) = self.find(&name).and_then(|id| self.tracked.get(id)) else { return };
        let shape = match (&tracked.unreadable, tracked.life.last()) {
            (None, Some(era)) => Ok((era.shape.truncated(), tracked.life.definition.emptied())),
            (problem, _) => Err(problem.clone().unwrap_or_else(|| "its definition is not known".to_owned())),
        };
        let otherwise = tracked.life.definition.clone();
        self.made(&name, shape, otherwise, told);
    }

    /// The server starts: what was in memory is gone.
    pub(crate) fn server_starts(&mut self, position: &BinlogPosition, moment: u64) {
        let in_memory = |shape: &TableShape| is_in_memory(shape.engine.as_deref());
        let of_baseline = self.shapes.known.iter().filter(|(_, shape)| in_memory(shape)).map(|(name, _)| name.clone());
        for name in of_baseline.collect::<Vec<_>>() {
            self.find(&name);
        }
        let known = self.names.iter().filter_map(|(name, id)| Some((name.clone(), (*id)?)));
        for (name, id) in known.collect::<Vec<_>>() {
            let Some(tracked) = self.tracked.get(id) else { continue };
            let Some(era) = tracked.life.last().filter(|era| in_memory(&era.shape)) else { continue };
            let began = Began { position: position.clone(), statement: "the server started".to_owned() };
            let eras = vec![first_era(&name, era.shape.truncated(), Some(began.clone()))];
            let life = Life { origin: None, eras, definition: tracked.life.definition.emptied() };
            let emptied = Tracked {
                obstacle: tracked.obstacle.clone(),
                unreadable: tracked.unreadable.clone(),
                sequence: tracked.sequence.clone(),
                ..Tracked::new(&name, life)
            };
            self.note_end(&name, Some(began));
            self.add(&name, emptied, moment);
        }
    }

    /// Whether the statement is the one with which servers used to log that a table in memory is empty since they started.
    pub(crate) fn says_empty(&mut self, name: &TableName, statement: &str) -> bool {
        let text = statement.split("/*").next().unwrap_or_default().trim();
        if text != format!("DELETE FROM {}.{}", quoted_name(&name.schema), quoted_name(&name.table)) {
            return false;
        }
        let era = self.find(name).and_then(|id| self.tracked.get(id)?.life.last());
        era.is_some_and(|era| is_in_memory(era.shape.engine.as_deref()))
    }
}
