//! What changes of parents mean for the rows that refer to them.

use backtrail_binlog::{RowImage, TableMap};
use backtrail_schema::ReferentialAction;

use crate::cascade::{Action, Encoded, Feed, Feeds, find};

/// What the change of a parent's row means for the rows that refer to it over a link: for which values it comes.
pub(super) fn cascade(
    feeds: &Feeds,
    feed: &Feed,
    map: &TableMap,
    before: &RowImage<'_, '_>,
    after: Option<&RowImage<'_, '_>>,
) -> Result<Option<(Vec<u8>, Action)>, String> {
    let Some(Ok(codec)) = feeds.links.get(feed.link).map(|link| &link.codec) else { return Ok(None) };
    let changed = |column: &usize| after.is_none_or(|after| find::differs(before, after, *column));
    let action = if after.is_some() { feed.on_update } else { feed.on_delete };
    if !action.changes_child() || !feed.columns.iter().any(changed) {
        return Ok(None);
    }
    let mut key = Vec::new();
    match feed.key(codec, map, before, &mut key)? {
        Encoded::Null => return Ok(None),
        Encoded::Known => {}
        Encoded::Doubtful(_) => return Err("a referenced text beyond ASCII may be equal to others".to_owned()),
    }
    let action = match (action, after) {
        (ReferentialAction::Cascade, None) => Action::Delete,
        (ReferentialAction::Cascade, Some(after)) => {
            let parts = feed.columns.iter().enumerate().filter(|(_, column)| changed(column));
            let values = parts.map(|(part, column)| Ok((part, feed.literal(map, after, *column)?)));
            Action::Update(values.collect::<Result<_, String>>()?)
        }
        _ => Action::SetNull,
    };
    Ok(Some((key, action)))
}
