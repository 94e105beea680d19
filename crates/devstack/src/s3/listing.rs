//! One page of a bucket's listing: pure, over the sorted keys.

use std::collections::BTreeMap;
use std::ops::Bound;
use std::sync::Arc;

use super::store::StoredObject;

/// What to list.
#[derive(Debug, Default)]
pub(super) struct Query<'a> {
    pub(super) prefix: &'a str,
    pub(super) delimiter: Option<&'a str>,
    /// Only what comes after this key or common prefix.
    pub(super) after: Option<&'a str>,
    pub(super) limit: usize,
}

/// One page.
#[derive(Debug, Default)]
pub(super) struct Page {
    pub(super) objects: Vec<Arc<StoredObject>>,
    pub(super) common_prefixes: Vec<String>,
    /// The last entry of this page, when there are more.
    pub(super) next: Option<String>,
}

pub(super) fn page(objects: &BTreeMap<String, Arc<StoredObject>>, query: &Query<'_>) -> Page {
    let mut page = Page::default();
    let mut last = String::new();
    let delimiter = query.delimiter.filter(|delimiter| !delimiter.is_empty());
    let start = match query.after {
        Some(after) if after >= query.prefix => Bound::Excluded(after),
        _ => Bound::Included(query.prefix),
    };
    for (key, object) in objects.range::<str, _>((start, Bound::Unbounded)) {
        let Some(rest) = key.strip_prefix(query.prefix) else { break };
        let common = delimiter.and_then(|delimiter| {
            let end = query.prefix.len() + rest.find(delimiter)? + delimiter.len();
            key.get(..end)
        });
        if let Some(common) = common {
            let seen = page.common_prefixes.last().is_some_and(|previous| previous == common);
            // The page before ended with this very prefix, or inside of it.
            if seen || query.after.is_some_and(|after| after.starts_with(common)) {
                continue;
            }
        }
        if page.objects.len() + page.common_prefixes.len() == query.limit {
            page.next = Some(last);
            return page;
        }
        match common {
            Some(common) => {
                last = common.to_owned();
                page.common_prefixes.push(common.to_owned());
            }
            None => {
                last = key.clone();
                page.objects.push(Arc::clone(object));
            }
        }
    }
    page
}

#[cfg(test)]
mod tests {
    use super::super::store::{Attributes, Checksums};
    use super::*;

    fn check(keys: &[&str], query: Query<'_>, expected: &str) {
        let objects = keys
            .iter()
            .map(|key| {
                let object = StoredObject {
                    key: (*key).to_owned(),
                    file: String::new(),
                    size: 0,
                    e_tag: String::new(),
                    modified: std::time::SystemTime::UNIX_EPOCH,
                    attributes: Attributes::default(),
                    checksums: Checksums::default(),
                };
                ((*key).to_owned(), Arc::new(object))
            })
            .collect();
        let page = page(&objects, &query);
        let keys: Vec<&str> = page.objects.iter().map(|object| object.key.as_str()).collect();
        let next = page.next.map(|next| format!(" next {next}")).unwrap_or_default();
        assert_eq!(format!("{} | {}{next}", keys.join(" "), page.common_prefixes.join(" ")), expected);
    }

    #[test]
    fn pages() {
        let keys = ["a", "a/1", "a/2", "b/1", "b/2/3", "c"];
        let query = || Query { limit: 10, ..Query::default() };
        check(&keys, query(), "a a/1 a/2 b/1 b/2/3 c | ");
        check(&keys, Query { prefix: "a/", ..query() }, "a/1 a/2 | ");
        check(&keys, Query { prefix: "b/", delimiter: Some("/"), ..query() }, "b/1 | b/2/");
        check(&keys, Query { delimiter: Some("/"), ..query() }, "a c | a/ b/");
        check(&keys, Query { delimiter: Some("/"), limit: 2, ..query() }, "a | a/ next a/");
        check(&keys, Query { delimiter: Some("/"), limit: 2, after: Some("a/"), ..query() }, "c | b/");
        check(&keys, Query { limit: 2, after: Some("a/1"), ..query() }, "a/2 b/1 |  next b/1");
        check(&keys, Query { limit: 2, after: Some("b/2/3"), ..query() }, "c | ");
        check(&keys, Query { prefix: "b/", after: Some("a"), ..query() }, "b/1 b/2/3 | ");
        check(&keys, Query { prefix: "b/", after: Some("bb"), ..query() }, " | ");
        check(&[], query(), " | ");
    }
}
