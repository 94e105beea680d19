//! Which tables have to be rebuilt for the sake of others, and which cannot be for want of them.

use std::collections::{BTreeMap, BTreeSet};

use backtrail_domain::TableName;

use super::{Feeds, routes};
use crate::EngineError;
use crate::history::History;
use crate::input::baseline::Catalog;
use crate::plan::decide::decide;
use crate::plan::facts::LATER_BASELINE;
use crate::plan::recipe::Recipe;
use crate::plan::{Refusal, TableAction};

/// What is known of the tables and their foreign keys.
pub(crate) struct Family<'a> {
    pub(crate) catalog: &'a Catalog<'a>,
    pub(crate) history: &'a History<'a>,
    /// The tables there are at the cut.
    pub(crate) present: &'a BTreeMap<TableName, usize>,
    pub(crate) feeds: &'a Feeds,
}

impl Family<'_> {
    /// Says of the recipes how cascades come for their rows, adds those of tables whose silent changes others follow, and
    /// refuses the tables that follow one that cannot be rebuilt.
    pub(crate) fn follow(
        &self,
        tables: &mut BTreeMap<TableName, TableAction>,
        recipes: &mut BTreeMap<TableName, Recipe>,
    ) -> Result<(), EngineError> {
        let names: BTreeMap<usize, &TableName> = self.present.iter().map(|(name, id)| (*id, name)).collect();
        // Tables that are not asked for and cannot be rebuilt, and why.
        let mut unusable: BTreeMap<TableName, String> = BTreeMap::new();
        loop {
            let mut missing = None;
            let mut refused = None;
            let known: BTreeSet<TableName> = recipes.keys().cloned().collect();
            for (name, recipe) in recipes.iter_mut() {
                let Some(id) = self.cascaded(name) else { continue };
                if recipe.routes.is_none() {
                    match routes(&recipe.life, &recipe.stage_of_era, self.feeds, id) {
                        Ok(routes) => recipe.routes = Some(routes),
                        Err((_, problem)) => {
                            refused = Some((name.clone(), problem));
                            break;
                        }
                    }
                }
                let silent = |parent: &usize| self.history.tracked.get(*parent).is_some_and(|t| t.cascaded.is_some());
                for parent in self.feeds.of_child(id).map(|feed| feed.parent).filter(silent) {
                    match names.get(&parent) {
                        Some(parent) if known.contains(*parent) => {}
                        Some(parent) if !matches!(tables.get(*parent), Some(TableAction::Refused(_))) => {
                            missing = Some(((*parent).clone(), name.clone()));
                        }
                        Some(parent) => {
                            refused =
                                Some((name.clone(), format!("its rows follow those of {parent}, which is refused")));
                        }
                        None => {
                            let problem = "its rows follow those of a table that was dropped or emptied later";
                            refused = Some((name.clone(), problem.to_owned()));
                        }
                    }
                }
                if missing.is_some() || refused.is_some() {
                    break;
                }
            }
            if let Some((name, reason)) = refused {
                if !tables.contains_key(&name) {
                    unusable.insert(name.clone(), reason.clone());
                }
                self.refuse(&name, reason, tables, recipes);
            } else if let Some((parent, child)) = missing {
                let support = match unusable.get(&parent) {
                    Some(problem) => Err(problem.clone()),
                    None => self.support(&parent)?,
                };
                match support {
                    Ok(recipe) => drop(recipes.insert(parent, recipe)),
                    Err(problem) => {
                        let reason = format!("its rows follow those of {parent}, which cannot be rebuilt: {problem}");
                        self.refuse(&child, reason, tables, recipes);
                    }
                }
            } else {
                return Ok(());
            }
        }
    }

    /// The number of a table whose rows foreign keys may have changed.
    fn cascaded(&self, name: &TableName) -> Option<usize> {
        let id = *self.present.get(name)?;
        self.history.tracked.get(id)?.cascaded.as_ref().map(|_| id)
    }

    /// The recipe of a table that is not asked for.
    fn support(&self, name: &TableName) -> Result<Result<Recipe, String>, EngineError> {
        let tracked = self.present.get(name).and_then(|id| self.history.tracked.get(*id));
        let Some(tracked) = tracked else { return Ok(Err("it is not there".to_owned())) };
        Ok(match decide(self.catalog, name, tracked, &mut Vec::new())? {
            (_, Some(recipe)) => Ok(recipe),
            (TableAction::Refused(refusal), None) => Err(refusal.reason),
            (_, None) => Err("it did not change".to_owned()),
        })
    }

    fn refuse(
        &self,
        name: &TableName,
        reason: String,
        tables: &mut BTreeMap<TableName, TableAction>,
        recipes: &mut BTreeMap<TableName, Recipe>,
    ) {
        recipes.remove(name);
        let tracked = self.present.get(name).and_then(|id| self.history.tracked.get(*id));
        let refusal = Refusal {
            table: name.clone(),
            position: tracked.and_then(|tracked| tracked.cascaded.clone()),
            statement: None,
            reason: format!("a foreign key may have changed its rows, which the server does not log: {reason}"),
            remedy: LATER_BASELINE.to_owned(),
        };
        // A table that is only there for others is not in the plan; those that follow it are looked at again.
        if let Some(action) = tables.get_mut(name) {
            *action = TableAction::Refused(refusal);
        }
    }
}
