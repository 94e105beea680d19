//! What the plan says of what stands around tables.

use std::collections::BTreeSet;

use backtrail_domain::{TableFilter, TableName};
use backtrail_schema::ObjectKind;

use super::super::schemas::Schema;
use super::super::{FileOf, ObjectAction, PlannedObject};
use super::{Followed, Follower, Last};

impl Follower<'_> {
    /// What became of what the window's statements were about.
    pub(super) fn say(&self, followed: &mut Followed) {
        let filter = self.scope.filter;
        followed.warnings.extend(self.doubts.iter().cloned());
        let written_views: BTreeSet<&TableName> = followed
            .files
            .iter()
            .filter_map(|file| if let FileOf::View(name) = &file.of { Some(name) } else { None })
            .collect();
        let mut objects = Vec::new();
        for ((kind, ..), last) in &self.last {
            let name = &last.name;
            if !self.wanted_schema(&name.schema) {
                continue;
            }
            let mut left_out = last.left_out.clone();
            let there = match kind {
                ObjectKind::View if !filter.matches(name) => continue,
                ObjectKind::View => written_views.contains(name),
                ObjectKind::Trigger => match self.table_of_trigger(name) {
                    Some(table) if self.written_table(table).is_some() => true,
                    Some(table) if !filter.matches(table) => continue,
                    Some(table) => {
                        left_out.get_or_insert_with(|| format!("its table {table} is not in the result"));
                        true
                    }
                    // Whose it was is not known.
                    None if *filter != TableFilter::All => continue,
                    None => false,
                },
                // A result of named tables has none of them.
                _ if *filter != TableFilter::All => continue,
                _ => self.post.get(&name.schema).is_some_and(|list| {
                    list.objects
                        .iter()
                        .any(|own| own.kind() == Some(*kind) && self.same(*kind, &own.name.table, &name.table))
                }),
            };
            let action = match (&left_out, there) {
                (Some(_), _) => ObjectAction::LeftOut,
                (None, true) => ObjectAction::Written,
                (None, false) => ObjectAction::Dropped,
            };
            if let Some(reason) = &left_out {
                followed.warnings.push(format!(
                    "the {} {name} is not in the result: {reason}; the statement at {} is `{}`",
                    kind.sql().to_lowercase(),
                    last.position,
                    last.shown
                ));
            }
            objects.push(PlannedObject {
                kind: kind.sql().to_owned(),
                name: name.clone(),
                action,
                position: Some(last.position.clone()),
                reason: left_out,
            });
        }
        for (schema, last) in &self.schemas_told {
            let wanted = match filter {
                TableFilter::All => true,
                TableFilter::Only(names) => names.iter().any(|name| name.schema == *schema),
            };
            if wanted {
                objects.push(self.say_schema(schema, last, followed));
            }
        }
        followed.objects.extend(objects);
    }

    fn say_schema(&self, schema: &str, last: &Last, followed: &mut Followed) -> PlannedObject {
        let gone = self.schemas.get(schema) == Some(&Schema::Gone);
        let has_file = followed.files.iter().any(|file| matches!(&file.of, FileOf::Schema(own) if own == schema));
        let mut reason = last.left_out.clone();
        if let Some(reason) = &reason {
            let what = if has_file { "is the baseline's" } else { "is not in the result" };
            followed.warnings.push(format!(
                "the definition of the schema {schema} {what}: {reason}; the statement at {} is `{}`",
                last.position, last.shown
            ));
        } else if !gone && !has_file {
            let own = "the baseline has no file that makes the schema";
            followed.warnings.push(format!(
                "the definition of the schema {schema} is not in the result: {own}; the statement at {} is `{}`",
                last.position, last.shown
            ));
            reason = Some(own.to_owned());
        }
        let action = match (&reason, gone) {
            (_, true) => ObjectAction::Dropped,
            (Some(_), false) => ObjectAction::LeftOut,
            (None, false) => ObjectAction::Written,
        };
        let name = TableName::new(schema, schema);
        PlannedObject { kind: "DATABASE".to_owned(), name, action, position: Some(last.position.clone()), reason }
    }

    fn table_of_trigger(&self, name: &TableName) -> Option<&TableName> {
        let at = self.find_trigger(name)?;
        self.triggers.get(&name.schema)?.objects.get(at)?.table.as_ref()
    }
}
