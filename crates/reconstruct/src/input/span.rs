//! Parts of the log.

use backtrail_domain::BinlogPosition;
use serde::{Deserialize, Serialize};

use crate::input::log::Place;

/// From one place of the log to another.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Span {
    /// Where its first event begins.
    pub from: BinlogPosition,
    /// Where its last event ends.
    pub to: BinlogPosition,
}

/// In the order of the log, one behind the other.
pub(crate) fn ordered(mut spans: Vec<Span>) -> Vec<Span> {
    spans.sort_by(|a, b| a.from.cmp(&b.from));
    let mut merged: Vec<Span> = Vec::new();
    for span in spans {
        match merged.last_mut() {
            Some(last) if span.from <= last.to => {
                if span.to > last.to {
                    last.to = span.to;
                }
            }
            _ => merged.push(span),
        }
    }
    merged
}

/// Whether an event lies in one of these spans, which are in the order of the log, as the events are that are asked for:
/// those that lie behind are dropped.
pub(crate) fn is_within(spans: &mut &[Span], place: &Place<'_>) -> bool {
    let at = (place.file, place.offset);
    while let Some((first, rest)) = spans.split_first()
        && (&first.to.file, first.to.offset) <= at
    {
        *spans = rest;
    }
    spans.first().is_some_and(|first| (&first.from.file, first.from.offset) <= at)
}
