//! Sequences of which a dump has tables: the files of the result.

use backtrail_domain::TableName;

use super::super::sequences::{Files, Sequence, row_of_file};
use super::super::{AroundFile, Content, FileOf, ObjectAction, PlannedObject};
use super::{Followed, Follower};
use crate::EngineError;

impl Follower<'_> {
    /// Sequences that the dump has in the form of tables, and those made since.
    pub(super) fn sequence_files(&self, followed: &mut Followed) -> Result<(), EngineError> {
        for (name, (sequence, origin)) in self.scope.sequences {
            self.sequence(name, sequence, *origin, followed)?;
        }
        let removed = self.tables_told.iter().filter(|(name, (_, of_sequence))| {
            *of_sequence && !self.scope.sequences.contains_key(*name) && self.scope.filter.matches(name)
        });
        for (name, _) in removed.filter(|(name, _)| !self.scope.tables.contains_key(*name)) {
            self.plan_sequence(name, ObjectAction::Dropped, None, followed);
        }
        Ok(())
    }

    fn plan_sequence(&self, name: &TableName, action: ObjectAction, reason: Option<String>, followed: &mut Followed) {
        followed.objects.push(PlannedObject {
            kind: "SEQUENCE".to_owned(),
            name: name.clone(),
            action,
            position: self.tables_told.get(name).map(|(position, _)| position.clone()),
            reason,
        });
    }

    fn sequence(
        &self,
        name: &TableName,
        sequence: &Sequence,
        origin: Option<&TableName>,
        followed: &mut Followed,
    ) -> Result<(), EngineError> {
        let catalog = self.scope.catalog;
        let files = origin.and_then(|origin| catalog.tables.get(origin));
        if let Some(file) = files.and_then(|files| files.beside.values().next()) {
            let reason = format!("the numbers of the sequence {name} are in {}, not in an INSERT", file.name);
            return Err(EngineError::BaselineIncomplete { reason });
        }
        let mut add = |of: FileOf, content: Content| followed.files.push(AroundFile { of, content });
        if sequence.is_baselines() && origin == Some(name) {
            for file in files.into_iter().flat_map(|files| files.schema.iter().chain(&files.data)) {
                add(FileOf::SequenceTable(name.clone()), Content::Copied(file.name.clone()));
            }
            return Ok(());
        }
        let file = files.and_then(|files| files.data.first());
        let row = match file {
            Some(file) => row_of_file(&catalog.bytes(&file.name)?),
            None => None,
        };
        match sequence.files(&name.table, row) {
            Some(Files { made, row }) => {
                add(FileOf::SequenceTable(name.clone()), Content::Written(made));
                if let Some(row) = row {
                    add(FileOf::SequenceRow(name.clone()), Content::Written(row));
                }
                if sequence.is_altered() {
                    followed.warnings.push(format!(
                        "the sequence {name} was altered, and no numbers were taken from it since: the log does not tell from where on it counts, so that it may pass over numbers"
                    ));
                }
                self.plan_sequence(name, ObjectAction::Written, None, followed);
            }
            None => {
                let reason = match file {
                    None => "it was renamed or altered, and the baseline has no file with its numbers".to_owned(),
                    Some(file) => format!(
                        "it was renamed or altered, and the baseline's file with its numbers is not understood: {}",
                        file.name
                    ),
                };
                followed.warnings.push(format!("the sequence {name} is not in the result: {reason}"));
                self.plan_sequence(name, ObjectAction::LeftOut, Some(reason), followed);
            }
        }
        Ok(())
    }
}
