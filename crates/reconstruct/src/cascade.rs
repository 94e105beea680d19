//! Foreign keys that change a child's rows without an event.
//!
//! InnoDB carries out `ON DELETE` and `ON UPDATE` with `CASCADE` or `SET NULL` below the binary log (MariaDB always, MySQL
//! before 9.6): a parent's row event is all there is of them. What they did is worked out here.
//!
//! A [`Link`] is one foreign key of one child in one of its eras; a [`Feed`] is what makes cascades come over a link: the
//! parent's referenced columns and the key's actions. Every change of a row in the log has a **tick**, a number that grows
//! along the log ([`first_tick`]). A parent's row that is deleted, or whose referenced columns change, puts a *cascade*
//! on the link: the referenced values it had, its tick, and what becomes of the children. The planning pass finds the links
//! ([`find`]); the second pass collects the cascades that come of logged events ([`store`]).
//!
//! A child of such a link has its events kept one by one, in place of one folded entry for each key, and each of its rows
//! is *lived through* in the order of ticks ([`crate::merge`]): its own next event, or the next cascade on the values it has now,
//! whichever comes first. What happens to it silently is in turn a cascade for its own children, which are therefore merged
//! later ([`order`]); where tables refer to each other or to themselves, they are lived through without writing anything
//! until no further cascade is found.

use std::collections::BTreeMap;
use std::sync::Arc;

use backtrail_domain::TableName;
use backtrail_schema::{ReferentialAction, TableShape};

pub(crate) use family::Family;
pub(crate) use find::Finder;
pub(crate) use key::{Encoded, LinkCodec};
pub(crate) use route::Route;
use route::routes;
pub(crate) use store::{Action, Cascades, LinkLookup};

mod family;
pub(crate) mod find;
mod key;
pub(crate) mod order;
mod route;
mod store;

/// A tick is the number of an event in the window, with this many bits behind it for the rows in the event.
pub(crate) const ROW_BITS: u32 = 24;

/// The first tick of an event.
pub(crate) fn first_tick(moment: u64) -> u64 {
    moment << ROW_BITS
}

/// The event of a tick.
pub(crate) fn moment_of(tick: u64) -> u64 {
    tick >> ROW_BITS
}

/// A foreign key of a table in one of its eras.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Link {
    /// The child's number among the tracked tables.
    pub(crate) child: usize,
    /// The child's era.
    pub(crate) era: usize,
    /// The constraint's name.
    pub(crate) name: String,
    /// The child's columns.
    pub(crate) columns: Vec<usize>,
    /// How values are compared, or why they cannot be.
    pub(crate) codec: Result<LinkCodec, String>,
}

/// What brings cascades to a link.
#[derive(Debug, Clone)]
pub(crate) struct Feed {
    pub(crate) link: usize,
    /// The parent's number among the tracked tables.
    pub(crate) parent: usize,
    pub(crate) shape: Arc<TableShape>,
    /// The referenced columns, in the order of the link's.
    pub(crate) columns: Vec<usize>,
    pub(crate) on_delete: ReferentialAction,
    pub(crate) on_update: ReferentialAction,
}

impl PartialEq for Feed {
    fn eq(&self, other: &Self) -> bool {
        let parts = |feed: &Self| (feed.link, feed.parent, feed.columns.clone(), feed.on_delete, feed.on_update);
        parts(self) == parts(other) && (Arc::ptr_eq(&self.shape, &other.shape) || self.shape == other.shape)
    }
}

/// All links of a window, and what feeds them when.
#[derive(Debug, Clone, PartialEq, Default)]
pub(crate) struct Feeds {
    pub(crate) links: Vec<Link>,
    /// From a moment on, a change of a table of this name goes over these links. A name without an entry has none.
    by_parent: BTreeMap<TableName, Vec<(u64, Vec<Feed>)>>,
}

impl Feeds {
    /// What a change of this table feeds.
    pub(crate) fn at(&self, parent: &TableName, moment: u64) -> &[Feed] {
        let history = self.by_parent.get(parent);
        let entry = history.and_then(|history| history.iter().rev().find(|(from, _)| *from <= moment));
        entry.map_or(&[], |(_, feeds)| feeds)
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.by_parent.is_empty()
    }

    /// Whether changes of this table ever feed a link.
    fn has(&self, parent: &TableName) -> bool {
        self.by_parent.contains_key(parent)
    }

    /// Notes what a change of this table feeds from a moment on.
    fn note(&mut self, parent: &TableName, moment: u64, feeds: &[Feed]) {
        let history = match self.by_parent.get_mut(parent) {
            Some(history) => history,
            None => self.by_parent.entry(parent.clone()).or_default(),
        };
        if history.last().is_none_or(|(_, last)| last != feeds) {
            history.push((moment, feeds.to_vec()));
        }
    }

    /// All that feeds a table's links.
    pub(crate) fn of_child(&self, child: usize) -> impl Iterator<Item = &Feed> {
        let feeds = self.by_parent.values().flatten().flat_map(|(_, feeds)| feeds);
        feeds.filter(move |feed| self.links.get(feed.link).is_some_and(|link| link.child == child))
    }

    /// Leaves out what feeds tables that are not rebuilt. Links keep their numbers.
    pub(crate) fn keep(&mut self, rebuilt: &BTreeMap<usize, usize>) {
        let Self { links, by_parent } = self;
        let is_rebuilt = |feed: &Feed| links.get(feed.link).is_some_and(|link| rebuilt.contains_key(&link.child));
        by_parent.retain(|_, history| {
            history.iter_mut().for_each(|(_, feeds)| feeds.retain(is_rebuilt));
            history.iter().any(|(_, feeds)| !feeds.is_empty())
        });
    }
}
