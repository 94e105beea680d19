//! Routines, packages and events through the window.

use backtrail_schema::{ObjectKind, ObjectVerb, general_ci};

use super::super::files::{NO_LETTERS, Object};
use super::super::source::{Around, Step};
use super::super::told::Told;
use super::{Follower, List};
use crate::EngineError;

impl Follower<'_> {
    pub(super) fn load_post(&mut self, schema: &str) -> Result<(), EngineError> {
        if self.post.contains_key(schema) {
            return Ok(());
        }
        let mut list = List::default();
        if let Some(file) = self.scope.catalog.schema_file(schema, "-schema-post.sql").map(str::to_owned) {
            self.parsed(&file, schema, &mut list)?;
        }
        self.post.insert(schema.to_owned(), list);
        Ok(())
    }

    pub(super) fn routine(&mut self, told: &Told, step: &Step) -> Result<(), EngineError> {
        let statement = &step.statement;
        let schema = statement.name.schema.clone();
        self.load_post(&schema)?;
        let key = (statement.kind, statement.name.clone());
        let was_told = self.last_of(&key).is_some();
        let was_left_out = self.last_of(&key).is_some_and(|last| last.left_out.is_some());
        let Some(list) = self.post.get_mut(&schema) else { return Ok(()) };
        let is = |object: &Object, kind: ObjectKind, name: &str| {
            object.kind() == Some(kind) && general_ci(&object.name.table) == general_ci(name)
        };
        let at = list.objects.iter().position(|object| is(object, statement.kind, &statement.name.table));
        match statement.verb {
            ObjectVerb::Drop => {
                if at.is_none() && !was_told {
                    return Ok(());
                }
                let body = statement.kind == ObjectKind::Package;
                let gone = |object: &Object| {
                    is(object, statement.kind, &statement.name.table)
                        || (body && is(object, ObjectKind::PackageBody, &statement.name.table))
                };
                list.objects.retain(|object| !gone(object));
            }
            ObjectVerb::Create => {
                if at.is_some() && statement.conditional && !statement.or_replace {
                    return Ok(());
                }
                if let Some(at) = at {
                    list.objects.remove(at);
                }
                // A specification that is made anew has no body.
                if statement.kind == ObjectKind::Package {
                    list.objects.retain(|object| !is(object, ObjectKind::PackageBody, &statement.name.table));
                }
                if !step.can_name(&statement.name.table) {
                    self.changed_post.insert(schema);
                    self.note(key, told, Some(NO_LETTERS.to_owned()));
                    return Ok(());
                }
                list.objects.push(Object {
                    name: statement.name.clone(),
                    table: None,
                    steps: vec![step.clone()],
                    definer: None,
                });
            }
            ObjectVerb::Alter => {
                let Some(object) = at.and_then(|at| list.objects.get_mut(at)) else {
                    if !was_left_out {
                        self.note(key, told, Some("it is altered, and the baseline does not have it".to_owned()));
                    }
                    return Ok(());
                };
                if statement.says_more {
                    if !step.can_name(&object.name.table) {
                        list.objects.remove(at.unwrap_or_default());
                        self.changed_post.insert(schema);
                        self.note(key, told, Some(NO_LETTERS.to_owned()));
                        return Ok(());
                    }
                    object.steps.push(step.clone());
                } else if let Around::Session(session) = &step.around {
                    if session.invoker.as_deref().is_some_and(|invoker| !object.can_be_named(invoker)) {
                        list.objects.remove(at.unwrap_or_default());
                        self.changed_post.insert(schema);
                        self.note(key, told, Some(NO_LETTERS.to_owned()));
                        return Ok(());
                    }
                    object.definer = session.invoker.clone().or(object.definer.take());
                }
                if let Some(to) = &statement.rename_to {
                    let mut object = list.objects.remove(at.unwrap_or_default());
                    let reason = if !object.can_be_named(&to.table) {
                        Some(NO_LETTERS)
                    } else if !statement.says_more && step.reads_otherwise(&object, &to.table) {
                        Some("who renamed it has another character set, in which the server reads it since")
                    } else {
                        None
                    };
                    if let Some(reason) = reason {
                        self.changed_post.insert(schema);
                        self.note(key, told, None);
                        self.note((statement.kind, to.clone()), told, Some(reason.to_owned()));
                        return Ok(());
                    }
                    object.name = to.clone();
                    self.changed_post.insert(schema.clone());
                    self.load_post(&to.schema)?;
                    if let Some(list) = self.post.get_mut(&to.schema) {
                        list.objects.push(object);
                    }
                    self.changed_post.insert(to.schema.clone());
                    self.note(key, told, None);
                    self.note((statement.kind, to.clone()), told, None);
                    return Ok(());
                }
            }
        }
        self.changed_post.insert(schema);
        match statement.verb {
            ObjectVerb::Create => self.note_made(key, told, statement)?,
            ObjectVerb::Drop | ObjectVerb::Alter => self.note(key, told, None),
        }
        Ok(())
    }
}
