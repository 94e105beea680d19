//! Where to begin to read a server's log: decided from what the archive and the server say, without doing anything.

use backtrail_domain::{BinlogFile, BinlogPosition, GtidSet, Timeline};
use backtrail_store::{FirstPlace, NewGap};
use time::OffsetDateTime;

use crate::ArchiveFrom;

/// Where the archive ends.
#[derive(Debug, Clone)]
pub(crate) struct ArchiveFacts {
    pub(crate) timeline: Timeline,
    pub(crate) position: BinlogPosition,
    pub(crate) gtid_set: Option<GtidSet>,
    /// When the source began the file of `position`, if a segment of that very file says.
    pub(crate) file_created_at: Option<OffsetDateTime>,
    /// Commit time of the last transaction archived.
    pub(crate) last_commit_at: Option<OffsetDateTime>,
}

/// What the server has.
#[derive(Debug, Clone)]
pub(crate) struct SourceFacts {
    pub(crate) identity: String,
    /// Oldest first, never empty.
    pub(crate) oldest: BinlogFile,
    pub(crate) newest: BinlogFile,
    /// The file in which the archive ends, or is to begin, if the server has one of that name.
    pub(crate) resumed: Option<ResumedFile>,
}

/// See [`SourceFacts::resumed`].
#[derive(Debug, Clone)]
pub(crate) struct ResumedFile {
    pub(crate) size: u64,
    pub(crate) created_at: Option<OffsetDateTime>,
    /// What had committed before it.
    pub(crate) gtids_before: Option<GtidSet>,
}

/// What to do.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Start {
    pub(crate) timeline: Timeline,
    pub(crate) from: BinlogPosition,
    /// What has committed there, where known.
    pub(crate) executed: Option<GtidSet>,
    /// What is missing before it.
    pub(crate) gap: Option<NewGap>,
}

const FIRST: u64 = 4;

/// What a start has to join.
#[derive(Debug)]
pub(crate) enum Before {
    /// The archive there is.
    Archive(ArchiveFacts),
    /// A place that the archive is to hold, where there is none yet.
    Place(FirstPlace),
}

impl Before {
    pub(crate) fn identity(&self) -> &str {
        match self {
            Self::Archive(archive) => &archive.timeline.identity,
            Self::Place(place) => &place.identity,
        }
    }

    pub(crate) fn position(&self) -> &BinlogPosition {
        match self {
            Self::Archive(archive) => &archive.position,
            Self::Place(place) => &place.position,
        }
    }
}

pub(crate) fn decide(before: &Before, source: &SourceFacts, from: ArchiveFrom) -> Start {
    match before {
        Before::Archive(archive) => resume(archive, source),
        Before::Place(place) => begin(place, source, from),
    }
}

/// Of the places that an archive is to hold: the one to begin at, the earliest of this server's own. Where there is none
/// of its own, another server answers; any place will do to say so.
pub(crate) fn earliest<'a>(places: &'a [FirstPlace], identity: &str) -> Option<&'a FirstPlace> {
    let own = places.iter().filter(|place| place.identity == identity).min_by_key(|place| &place.position);
    own.or_else(|| places.first())
}

/// Begins an archive such that it holds `first`.
fn begin(first: &FirstPlace, source: &SourceFacts, from: ArchiveFrom) -> Start {
    let timeline = Timeline { identity: first.identity.clone(), number: 1 };
    // A file that was made after the look is not the one that was seen.
    let anew = |file: &ResumedFile| file.created_at.is_some_and(|created| created > first.seen_at);
    if let Some(lost) = lost(&first.identity, &first.position, source, anew) {
        return behind_a_gap(&timeline, &first.position, Some(first.seen_at), &lost, source);
    }
    let file = match from {
        ArchiveFrom::Registration => &first.position.file,
        ArchiveFrom::Oldest => &source.oldest,
    };
    Start { timeline, from: beginning_of(file), executed: None, gap: None }
}

/// Goes on where the archive ends.
fn resume(archive: &ArchiveFacts, source: &SourceFacts) -> Start {
    let position = &archive.position;
    let anew = |file: &ResumedFile| {
        let another = match (archive.file_created_at, file.created_at) {
            (Some(known), Some(found)) => known != found,
            _ => false,
        };
        let starts_over = position.offset == FIRST
            && match (&archive.gtid_set, &file.gtids_before) {
                (Some(archived), Some(before)) => !before.is_superset(archived),
                (Some(archived), None) => !archived.is_empty(),
                (None, _) => false,
            };
        another || starts_over
    };
    if let Some(lost) = lost(&archive.timeline.identity, position, source, anew) {
        return behind_a_gap(&archive.timeline, position, archive.last_commit_at, &lost, source);
    }
    Start { timeline: archive.timeline.clone(), from: position.clone(), executed: archive.gtid_set.clone(), gap: None }
}

/// Why a place is not to be found in the source's log any more.
struct Lost {
    cause: &'static str,
    /// Whether file names go on as before.
    same_timeline: bool,
}

fn lost(
    identity: &str,
    place: &BinlogPosition,
    source: &SourceFacts,
    anew: impl Fn(&ResumedFile) -> bool,
) -> Option<Lost> {
    let another = |cause| Some(Lost { cause, same_timeline: false });
    if identity != source.identity {
        return another("another server answers");
    }
    let Some(file) = &source.resumed else {
        if place.file.base() != source.oldest.base() {
            return another("the binary log was renamed");
        }
        if place.file > source.newest {
            return another("RESET MASTER");
        }
        return Some(Lost { cause: "purged by the source", same_timeline: true });
    };
    if anew(file) {
        return another("RESET MASTER");
    }
    if file.size < place.offset {
        return another("the source lost the end of its binary log");
    }
    None
}

/// Goes on with the oldest file there is.
fn behind_a_gap(
    timeline: &Timeline,
    place: &BinlogPosition,
    time: Option<OffsetDateTime>,
    lost: &Lost,
    source: &SourceFacts,
) -> Start {
    let to_timeline = if lost.same_timeline {
        timeline.clone()
    } else {
        // The number rises whatever the identity: two stretches of one server with another's between them stay apart.
        Timeline { identity: source.identity.clone(), number: timeline.number.saturating_add(1) }
    };
    let from = beginning_of(&source.oldest);
    let gap = NewGap {
        from_timeline: timeline.clone(),
        from: place.clone(),
        to_timeline: to_timeline.clone(),
        to: from.clone(),
        from_time: time,
        to_time: None,
        cause: lost.cause.to_owned(),
    };
    Start { timeline: to_timeline, from, executed: None, gap: Some(gap) }
}

fn beginning_of(file: &BinlogFile) -> BinlogPosition {
    BinlogPosition { file: file.clone(), offset: FIRST }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SERVER: &str = "79f916ce-e6dc-11f1-a03a-02fc00000001";

    fn at(seconds: i64) -> Option<OffsetDateTime> {
        OffsetDateTime::from_unix_timestamp(seconds).ok()
    }

    fn archive(position: &str) -> ArchiveFacts {
        ArchiveFacts {
            timeline: format!("{SERVER}-2").parse().unwrap(),
            position: position.parse().unwrap(),
            gtid_set: format!("{SERVER}:1-9").parse().ok(),
            file_created_at: at(100),
            last_commit_at: None,
        }
    }

    fn source(oldest: &str, newest: &str, resumed: Option<(u64, i64, &str)>) -> SourceFacts {
        SourceFacts {
            identity: SERVER.to_owned(),
            oldest: oldest.parse().unwrap(),
            newest: newest.parse().unwrap(),
            resumed: resumed.map(|(size, created, gtids)| ResumedFile {
                size,
                created_at: at(created),
                gtids_before: format!("{SERVER}:{gtids}").parse().ok(),
            }),
        }
    }

    #[track_caller]
    fn check(archive: ArchiveFacts, source: &SourceFacts, expect: (&str, &str, Option<&str>)) {
        check_start(resume(&archive, source), expect);
    }

    #[track_caller]
    fn check_start(start: Start, expect: (&str, &str, Option<&str>)) {
        let timeline = start.timeline.to_string();
        let short = timeline.replace(SERVER, "S");
        let cause = start.gap.as_ref().map(|gap| gap.cause.as_str());
        assert_eq!((short.as_str(), start.from.to_string().as_str(), cause), expect);
        if let Some(gap) = start.gap {
            assert_eq!(gap.to, start.from);
        }
    }

    fn place(identity: &str, position: &str, seen: i64) -> FirstPlace {
        let seen_at = OffsetDateTime::from_unix_timestamp(seen).unwrap();
        FirstPlace { identity: identity.to_owned(), position: position.parse().unwrap(), seen_at }
    }

    #[test]
    fn begins_in_the_file_of_the_first_look() {
        let first = place(SERVER, "b.000004:400", 150);
        let there = source("b.000003", "b.000007", Some((500, 100, "1-5")));
        check_start(begin(&first, &there, ArchiveFrom::Registration), ("S-1", "b.000004:4", None));
        check_start(begin(&first, &there, ArchiveFrom::Oldest), ("S-1", "b.000003:4", None));
    }

    #[test]
    fn what_is_lost_before_the_archive_begins_is_a_gap() {
        let first = place(SERVER, "b.000004:400", 150);
        for (source, expect) in [
            (source("b.000006", "b.000007", None), ("S-1", "b.000006:4", Some("purged by the source"))),
            (source("b.000001", "b.000002", None), ("S-2", "b.000001:4", Some("RESET MASTER"))),
            (source("b.000001", "b.000005", Some((900, 151, "1-2"))), ("S-2", "b.000001:4", Some("RESET MASTER"))),
            (
                source("b.000003", "b.000005", Some((300, 100, "1-2"))),
                ("S-2", "b.000003:4", Some("the source lost the end of its binary log")),
            ),
            (source("c.000001", "c.000001", None), ("S-2", "c.000001:4", Some("the binary log was renamed"))),
        ] {
            for from in [ArchiveFrom::Registration, ArchiveFrom::Oldest] {
                let start = begin(&first, &source, from);
                let gap = start.gap.as_ref().unwrap();
                assert_eq!((&gap.from, gap.from_time), (&first.position, Some(first.seen_at)));
                check_start(start, expect);
            }
        }
        let other = place("mariadb-7", "b.000004:400", 150);
        let there = source("b.000003", "b.000007", Some((500, 100, "1-5")));
        let expect = ("S-2", "b.000003:4", Some("another server answers"));
        check_start(begin(&other, &there, ArchiveFrom::Registration), expect);
    }

    #[test]
    fn the_earliest_place_of_the_server_is_the_one_to_begin_at() {
        let places = [
            place("mariadb-7", "b.000001:4", 1),
            place(SERVER, "b.1000000:4", 2),
            place(SERVER, "b.999999:700", 3),
            place(SERVER, "b.999999:800", 4),
        ];
        assert_eq!(earliest(&places, SERVER), Some(&places[2]));
        assert_eq!(earliest(&places, "another"), Some(&places[0]));
        assert_eq!(earliest(&[], SERVER), None);
    }

    #[test]
    fn goes_on_where_the_archive_ends() {
        let there = source("b.000003", "b.000007", Some((500, 100, "1-5")));
        check(archive("b.000004:400"), &there, ("S-2", "b.000004:400", None));
        check(archive("b.000004:500"), &there, ("S-2", "b.000004:500", None));
        let next = ArchiveFacts { file_created_at: None, ..archive("b.000005:4") };
        check(next, &source("b.000003", "b.000007", Some((500, 200, "1-9"))), ("S-2", "b.000005:4", None));
    }

    #[test]
    fn gaps_and_their_causes() {
        let purged = source("b.000006", "b.000007", None);
        check(archive("b.000004:400"), &purged, ("S-2", "b.000006:4", Some("purged by the source")));
        let reset = source("b.000001", "b.000002", None);
        check(archive("b.000004:400"), &reset, ("S-3", "b.000001:4", Some("RESET MASTER")));
        let same_name = source("b.000001", "b.000005", Some((900, 300, "1-2")));
        check(archive("b.000004:400"), &same_name, ("S-3", "b.000001:4", Some("RESET MASTER")));
        let unseen = ArchiveFacts { file_created_at: None, ..archive("b.000004:4") };
        check(unseen, &same_name, ("S-3", "b.000001:4", Some("RESET MASTER")));
        let shorter = source("b.000003", "b.000005", Some((300, 100, "1-5")));
        let lost = Some("the source lost the end of its binary log");
        check(archive("b.000004:400"), &shorter, ("S-3", "b.000003:4", lost));
        let other = SourceFacts { identity: "mariadb-7".to_owned(), ..shorter };
        let start = resume(&archive("b.000004:400"), &other);
        assert_eq!(start.timeline.to_string(), "mariadb-7-3");
        let renamed = source("c.000001", "c.000001", None);
        check(archive("b.000004:400"), &renamed, ("S-3", "c.000001:4", Some("the binary log was renamed")));
    }
}
