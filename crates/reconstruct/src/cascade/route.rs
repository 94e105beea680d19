//! How a table's rows meet the cascades of its links.

use super::{Feeds, LinkCodec};
use crate::history::life::{Life, Trace, Untraceable};

/// One link, seen from the table that is rebuilt.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Route {
    pub(crate) link: usize,
    /// The era in which cascades come over it.
    pub(crate) era: usize,
    /// The stage of that era.
    pub(crate) stage: usize,
    /// The key's columns, of that era.
    pub(crate) columns: Vec<usize>,
    pub(crate) codec: LinkCodec,
    /// For each era up to this one: where each column of this one comes from. None for those that are computed.
    pub(crate) origins: Vec<Vec<Option<Trace>>>,
}

/// The routes of a table: none that is not there where no cascade can come.
///
/// # Errors
/// Why the values of a foreign key cannot be followed, and the era that stands in the way.
pub(crate) fn routes(
    life: &Life,
    stage_of_era: &[usize],
    feeds: &Feeds,
    child: usize,
) -> Result<Vec<Route>, Untraceable> {
    let mut routes = Vec::new();
    for (number, link) in feeds.links.iter().enumerate().filter(|(_, link)| link.child == child) {
        let codec = link.codec.clone().map_err(|problem| (link.era, problem))?;
        let origins =
            (0..=link.era).map(|earlier| life.origins(link.era, earlier)).collect::<Result<Vec<_>, Untraceable>>()?;
        for columns in &origins {
            for column in &link.columns {
                let exact = columns.get(*column).and_then(Option::as_ref).is_some_and(Trace::keeps_value);
                if !exact {
                    let reason = format!("the values of its foreign key `{}` were changed by an ALTER", link.name);
                    return Err((link.era, reason));
                }
            }
        }
        routes.push(Route {
            link: number,
            era: link.era,
            stage: stage_of_era.get(link.era).copied().unwrap_or_default(),
            columns: link.columns.clone(),
            codec,
            origins,
        });
    }
    Ok(routes)
}
