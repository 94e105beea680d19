//! Statements that are not understood, or whose names are not certain: what they may be about is left out.

use std::collections::BTreeSet;

use backtrail_domain::TableName;
use backtrail_schema::ObjectKind;

use super::super::characters::Part;
use super::super::schemas::Schema;
use super::super::told::{Told, Unclear};
use super::{Follower, List};
use crate::EngineError;

impl Follower<'_> {
    pub(super) fn unclear(&mut self, told: &Told, unclear: &Unclear) -> Result<(), EngineError> {
        for schema in self.schemas_of(&unclear.schema) {
            let kinds: &[ObjectKind] = match &unclear.kind {
                None => &[ObjectKind::Procedure, ObjectKind::Function, ObjectKind::Package, ObjectKind::PackageBody],
                Some(ObjectKind::Package) => &[ObjectKind::Package, ObjectKind::PackageBody],
                Some(kind) => std::slice::from_ref(kind),
            };
            let mut found = Vec::new();
            for kind in kinds {
                let names = self.take_out(*kind, &schema, &unclear.name)?;
                found.extend(names.into_iter().map(|name| (*kind, name)));
            }
            // What it makes is not there either.
            let made = (unclear.kind.unwrap_or(ObjectKind::Procedure), TableName::new(&schema, unclear.name.shown()));
            if unclear.makes && matches!(unclear.schema, Part::Known(_)) && !found.contains(&made) {
                found.push(made);
            }
            for key in found {
                self.note(key, told, Some(unclear.reason.clone()));
            }
        }
        Ok(())
    }

    pub(super) fn unclear_schema(&mut self, told: &Told, schema: &Part, reason: &str, drops: bool) {
        let mut schemas = self.schemas_of(schema);
        if let Part::Known(name) = schema
            && !schemas.contains(name)
            && !drops
        {
            schemas.push(name.clone());
        }
        for schema in schemas {
            if drops {
                self.empty(&schema);
                self.doubts.push(format!(
                    "what stands beside tables in the schema {schema} is not in the result, for it may have been dropped: {reason}; \
                     the statement at {} is `{}`",
                    told.position, told.shown
                ));
            }
            self.schemas.insert(schema.clone(), Schema::Unclear);
            self.note_schema(&schema, told, Some(reason.to_owned()));
        }
    }

    /// The schemas that may be meant.
    fn schemas_of(&self, schema: &Part) -> Vec<String> {
        let catalog = self.scope.catalog;
        let tables = catalog.tables.keys().chain(catalog.views.keys()).map(|name| &name.schema);
        let all: BTreeSet<&String> = self.schemas.keys().chain(catalog.schemas.keys()).chain(tables).collect();
        let fold = |name: &str| if matches!(schema, Part::Known(_)) { name.to_owned() } else { name.to_lowercase() };
        all.into_iter().filter(|own| schema.may_be(own, fold) && self.has_schema(own)).cloned().collect()
    }

    /// Takes out what may have the name, and says what that was.
    fn take_out(&mut self, kind: ObjectKind, schema: &str, name: &Part) -> Result<Vec<TableName>, EngineError> {
        let mut gone = Vec::new();
        match kind {
            ObjectKind::View => {
                let of_schema = self.views.keys().filter(|own| own.schema == schema);
                gone.extend(of_schema.filter(|own| self.may_be(kind, name, &own.table)).cloned());
                for own in &gone {
                    self.views.remove(own);
                }
            }
            ObjectKind::Trigger => {
                self.load_triggers(schema)?;
                loop {
                    let list = self.triggers.get(schema).map(|list| list.objects.as_slice()).unwrap_or_default();
                    let Some(at) = list.iter().position(|own| self.may_be(kind, name, &own.name.table)) else { break };
                    gone.extend(list.get(at).map(|own| own.name.clone()));
                    self.remove_trigger(schema, at);
                }
            }
            _ => {
                self.load_post(schema)?;
                let List { head, objects, unreadable } = self.post.remove(schema).unwrap_or_default();
                let (out, objects): (Vec<_>, Vec<_>) = objects
                    .into_iter()
                    .partition(|own| own.kind() == Some(kind) && self.may_be(kind, name, &own.name.table));
                gone.extend(out.into_iter().map(|own| own.name));
                // Also where nothing was found: a file that is not understood may hold it.
                self.changed_post.insert(schema.to_owned());
                self.post.insert(schema.to_owned(), List { head, objects, unreadable });
            }
        }
        Ok(gone)
    }

    fn may_be(&self, kind: ObjectKind, part: &Part, name: &str) -> bool {
        part.may_be(name, |name| self.widely_folded(kind, name))
    }
}
