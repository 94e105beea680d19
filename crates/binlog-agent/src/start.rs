//! Where to begin to read a server's log: decided from what the archive and the server say, without doing anything.

use backtrail_domain::{BinlogFile, BinlogPosition, GtidSet, Timeline};
use backtrail_store::NewGap;
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
    /// The file in which the archive ends, if the server has one of that name.
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

pub(crate) fn decide(archive: Option<&ArchiveFacts>, source: &SourceFacts, first: ArchiveFrom) -> Start {
    let beginning_of = |file: &BinlogFile| BinlogPosition { file: file.clone(), offset: FIRST };
    let Some(archive) = archive else {
        let file = if first == ArchiveFrom::Newest { &source.newest } else { &source.oldest };
        let timeline = Timeline { identity: source.identity.clone(), number: 1 };
        return Start { timeline, from: beginning_of(file), executed: None, gap: None };
    };
    let behind_a_gap = |timeline: Timeline, cause: &str| {
        let from = beginning_of(&source.oldest);
        let gap = NewGap {
            from_timeline: archive.timeline.clone(),
            from: archive.position.clone(),
            to_timeline: timeline.clone(),
            to: from.clone(),
            from_time: archive.last_commit_at,
            to_time: None,
            cause: cause.to_owned(),
        };
        Start { timeline, from, executed: None, gap: Some(gap) }
    };
    // The number rises whatever the identity: two stretches of one server with another's between them stay apart.
    let next = Timeline { identity: source.identity.clone(), number: archive.timeline.number.saturating_add(1) };
    if archive.timeline.identity != source.identity {
        return behind_a_gap(next, "another server answers");
    }
    let file = &archive.position.file;
    let Some(resumed) = &source.resumed else {
        if file.base() != source.oldest.base() {
            return behind_a_gap(next, "the binary log was renamed");
        }
        if *file > source.newest {
            return behind_a_gap(next, "RESET MASTER");
        }
        return behind_a_gap(archive.timeline.clone(), "purged by the source");
    };
    let begun_anew = match (archive.file_created_at, resumed.created_at) {
        (Some(known), Some(found)) => known != found,
        _ => false,
    };
    let starts_over = archive.position.offset == FIRST
        && match (&archive.gtid_set, &resumed.gtids_before) {
            (Some(archived), Some(before)) => !before.is_superset(archived),
            (Some(archived), None) => !archived.is_empty(),
            (None, _) => false,
        };
    if begun_anew || starts_over {
        return behind_a_gap(next, "RESET MASTER");
    }
    if resumed.size < archive.position.offset {
        return behind_a_gap(next, "the source lost the end of its binary log");
    }
    Start {
        timeline: archive.timeline.clone(),
        from: archive.position.clone(),
        executed: archive.gtid_set.clone(),
        gap: None,
    }
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
    fn check(archive: Option<ArchiveFacts>, source: &SourceFacts, expect: (&str, &str, Option<&str>)) {
        let start = decide(archive.as_ref(), source, ArchiveFrom::Newest);
        let timeline = start.timeline.to_string();
        let short = timeline.replace(SERVER, "S");
        let cause = start.gap.as_ref().map(|gap| gap.cause.as_str());
        assert_eq!((short.as_str(), start.from.to_string().as_str(), cause), expect);
        if let Some(gap) = start.gap {
            assert_eq!(gap.to, start.from);
        }
    }

    #[test]
    fn the_first_time() {
        check(None, &source("b.000003", "b.000007", None), ("S-1", "b.000007:4", None));
    }

    #[test]
    fn goes_on_where_the_archive_ends() {
        let there = source("b.000003", "b.000007", Some((500, 100, "1-5")));
        check(Some(archive("b.000004:400")), &there, ("S-2", "b.000004:400", None));
        check(Some(archive("b.000004:500")), &there, ("S-2", "b.000004:500", None));
        let next = ArchiveFacts { file_created_at: None, ..archive("b.000005:4") };
        check(Some(next), &source("b.000003", "b.000007", Some((500, 200, "1-9"))), ("S-2", "b.000005:4", None));
    }

    #[test]
    fn gaps_and_their_causes() {
        let purged = source("b.000006", "b.000007", None);
        check(Some(archive("b.000004:400")), &purged, ("S-2", "b.000006:4", Some("purged by the source")));
        let reset = source("b.000001", "b.000002", None);
        check(Some(archive("b.000004:400")), &reset, ("S-3", "b.000001:4", Some("RESET MASTER")));
        let same_name = source("b.000001", "b.000005", Some((900, 300, "1-2")));
        check(Some(archive("b.000004:400")), &same_name, ("S-3", "b.000001:4", Some("RESET MASTER")));
        let unseen = ArchiveFacts { file_created_at: None, ..archive("b.000004:4") };
        check(Some(unseen), &same_name, ("S-3", "b.000001:4", Some("RESET MASTER")));
        let shorter = source("b.000003", "b.000005", Some((300, 100, "1-5")));
        let lost = Some("the source lost the end of its binary log");
        check(Some(archive("b.000004:400")), &shorter, ("S-3", "b.000003:4", lost));
        let other = SourceFacts { identity: "mariadb-7".to_owned(), ..shorter };
        let start = decide(Some(&archive("b.000004:400")), &other, ArchiveFrom::Newest);
        assert_eq!(start.timeline.to_string(), "mariadb-7-3");
        let renamed = source("c.000001", "c.000001", None);
        check(Some(archive("b.000004:400")), &renamed, ("S-3", "c.000001:4", Some("the binary log was renamed")));
    }
}
