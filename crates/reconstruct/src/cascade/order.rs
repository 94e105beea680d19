//! In which order tables are merged: a child's silent changes are only known when its parents have been lived through.

use std::collections::BTreeSet;

use crate::plan::Plan;
use crate::plan::recipe::Recipe;

/// Tables that are merged at the same time.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Group {
    /// Their numbers among the recipes.
    pub(crate) tables: Vec<usize>,
    /// The links over which silent cascades may come for them.
    pub(crate) links: Vec<usize>,
    /// They refer to each other: they are lived through again and again until no further cascade is found.
    pub(crate) circular: bool,
}

/// The groups of a plan, in order.
pub(crate) fn groups(plan: &Plan) -> Vec<Group> {
    let recipes: Vec<&Recipe> = plan.recipes.values().collect();
    let cascaded = |number: &usize| recipes.get(*number).is_some_and(|recipe| recipe.routes.is_some());
    let first = Group { tables: (0..recipes.len()).filter(|n| !cascaded(n)).collect(), ..Group::default() };
    let mut groups = vec![first];
    let mut left: BTreeSet<usize> = (0..recipes.len()).filter(cascaded).collect();
    let edges = edges(plan, &cascaded);
    while !left.is_empty() {
        // Tables that nothing left feeds; else the members of a circle that nothing outside of it feeds.
        let parents = |child: usize| edges.iter().filter(move |(_, own, _)| *own == child).map(|(parent, ..)| *parent);
        let free: Vec<usize> =
            left.iter().copied().filter(|own| !parents(*own).any(|parent| left.contains(&parent))).collect();
        let circular = free.is_empty();
        let tables = if circular { first_circle(&left, &parents) } else { free };
        left.retain(|number| !tables.contains(number));
        let links = edges.iter().filter(|(_, child, _)| tables.contains(child)).map(|(.., link)| *link);
        let links: BTreeSet<usize> = links.collect();
        groups.push(Group { tables, links: links.into_iter().collect(), circular });
    }
    groups
}

/// Parent, child and link, for parents whose rows also change silently; by their numbers among the recipes.
fn edges(plan: &Plan, cascaded: &dyn Fn(&usize) -> bool) -> Vec<(usize, usize, usize)> {
    let mut edges = Vec::new();
    for (id, child) in &plan.rebuilt {
        for feed in plan.cascades.of_child(*id) {
            if let Some(parent) = plan.rebuilt.get(&feed.parent)
                && cascaded(parent)
            {
                edges.push((*parent, *child, feed.link));
            }
        }
    }
    edges
}

/// The tables of a circle whose ancestors are all in it.
fn first_circle<I: Iterator<Item = usize>>(left: &BTreeSet<usize>, parents: &dyn Fn(usize) -> I) -> Vec<usize> {
    let ancestors = |of: usize| {
        let mut found = BTreeSet::new();
        let mut wave = vec![of];
        while let Some(child) = wave.pop() {
            wave.extend(parents(child).filter(|parent| left.contains(parent) && found.insert(*parent)));
        }
        found
    };
    let smallest = left.iter().map(|of| ancestors(*of)).min_by_key(BTreeSet::len);
    smallest.map(|found| found.into_iter().collect()).unwrap_or_default()
}
