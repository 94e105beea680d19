//! Tables that get other names, and the foreign keys that follow them.

use std::collections::BTreeMap;
use std::sync::Arc;

use backtrail_domain::TableName;
use backtrail_schema::{Ddl, TableShape};

use super::{History, OTHER_CASE, Told, first_era};

impl History<'_> {
    pub(super) fn rename(&mut self, ddl: &Ddl, told: &Told<'_>) {
        for (from, to) in &ddl.renames {
            let from = self.resolve(from);
            self.rename_one(&from, to, told);
        }
    }

    pub(super) fn rename_one(&mut self, from: &TableName, to: &TableName, told: &Told<'_>) {
        let Some(id) = self.find(from) else { return };
        self.each_child(from, &mut |shape| shape.parent_renamed(from, to));
        self.remember(id);
        if let Some(tracked) = self.tracked.get_mut(id) {
            tracked.name = to.clone();
            if let Some(era) = tracked.life.last() {
                let shape = era.shape.renamed(to.clone());
                tracked.life.definition.foreign_keys_anew |= !shape.foreign_keys.is_empty();
                tracked.life.eras.push(first_era(to, shape, told.began()));
            }
        }
        if self.is_in_other_schema(to) {
            self.obstruct(id, told.obstacle(OTHER_CASE));
        }
        self.name(from, None, told.moment);
        self.name(to, Some(id), told.moment);
    }

    /// Changes the present shapes of the tables that have foreign keys to this one.
    pub(super) fn each_child(&mut self, parent: &TableName, change: &mut dyn FnMut(&mut TableShape)) {
        let of_baseline =
            self.shapes.known.iter().filter(|(_, shape)| shape.foreign_keys.iter().any(|key| key.parent == *parent));
        let names: Vec<TableName> = of_baseline.map(|(name, _)| name.clone()).collect();
        for name in names {
            self.find(&name);
        }
        let mut children: Vec<usize> = self.names.values().copied().flatten().collect();
        children.sort_unstable();
        let children: Vec<usize> = children
            .into_iter()
            .filter(|id| {
                let era = self.tracked.get(*id).and_then(|tracked| tracked.life.last());
                era.is_some_and(|era| era.shape.foreign_keys.iter().any(|key| key.parent == *parent))
            })
            .collect();
        for id in children {
            self.remember(id);
            let Some(tracked) = self.tracked.get_mut(id) else { continue };
            tracked.life.definition.foreign_keys_anew = true;
            if let Some(era) = tracked.life.eras.last_mut() {
                change(Arc::make_mut(&mut era.shape));
            }
        }
        self.children = None;
    }

    /// The tables that have a foreign key to this one which changes their rows.
    pub(crate) fn children(&mut self, parent: &TableName) -> Vec<TableName> {
        if self.children.is_none() {
            let mut children: BTreeMap<TableName, Vec<TableName>> = BTreeMap::new();
            let untouched = self.shapes.known.iter().filter(|(name, _)| !self.names.contains_key(*name));
            let known = self.names.iter().filter_map(|(name, id)| {
                let era = self.tracked.get((*id)?)?.life.last()?;
                Some((name, &*era.shape))
            });
            for (name, shape) in untouched.chain(known) {
                for key in &shape.foreign_keys {
                    let of_parent = children.entry(key.parent.clone()).or_default();
                    if (key.on_delete.changes_child() || key.on_update.changes_child()) && !of_parent.contains(name) {
                        of_parent.push(name.clone());
                    }
                }
            }
            self.children = Some(children);
        }
        self.children.as_ref().and_then(|children| children.get(parent)).cloned().unwrap_or_default()
    }
}
