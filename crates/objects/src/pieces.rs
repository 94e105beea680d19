//! Which of the names in a directory or below a prefix are pieces of a binary log.

use std::collections::BTreeSet;

use backtrail_domain::BinlogFile;
use backtrail_reconstruct::LogPiece;

use crate::key::strip_compression;
use crate::{ObjectError, SegmentName};

/// A server's own file begins with four bytes of magic.
const FIRST_EVENT: u64 = 4;

/// Picks the segments and the servers' own files out of paths with `/` between their parts. `root` names what the paths are
/// below: a listing of `…/binlog.000012` alone has the file's name nowhere else.
///
/// Other names (`binlog.index`, notes) are passed over: that nothing is missing is proved from the pieces themselves.
pub(crate) fn pieces_of(root: &str, names: impl IntoIterator<Item = String>) -> Result<Vec<LogPiece>, ObjectError> {
    let mut pieces = Vec::new();
    let mut timelines = BTreeSet::new();
    let root_name = root.trim_end_matches('/').rsplit('/').next().unwrap_or_default();
    for name in names {
        let path = format!("{root_name}/{name}");
        if let Some(segment) = SegmentName::parse(&path) {
            timelines.insert(timeline_of(&path, &segment.file));
            let SegmentName { file, start, end } = segment;
            pieces.push(LogPiece { name, file, start, end: Some(end) });
        } else if let Some(file) = own_file(&name) {
            timelines.insert(name.rsplit_once('/').map_or("", |(directory, _)| directory).to_owned());
            pieces.push(LogPiece { name, file, start: FIRST_EVENT, end: None });
        }
    }
    if timelines.len() > 1 {
        let timelines = timelines.into_iter().collect::<Vec<_>>().join(", ");
        return Err(ObjectError::SeveralTimelines { place: root.to_owned(), timelines });
    }
    Ok(pieces)
}

/// The directory that holds the files' directories; for segments all in one directory, that one.
fn timeline_of(path: &str, file: &BinlogFile) -> String {
    let directory = path.rsplit_once('/').map_or("", |(directory, _)| directory);
    match directory.rsplit_once('/') {
        Some((above, last)) if last == file.to_string() => above.to_owned(),
        None if directory == file.to_string() => String::new(),
        _ => directory.to_owned(),
    }
}

/// `binlog.000012`, plain or compressed.
fn own_file(path: &str) -> Option<BinlogFile> {
    let name = path.rsplit('/').next()?;
    if name.starts_with('.') { None } else { strip_compression(name).parse().ok() }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(root: &str, names: &[&str], expect: &[(&str, u64, Option<u64>)]) {
        let pieces = pieces_of(root, names.iter().map(|name| (*name).to_owned())).unwrap();
        let got: Vec<_> = pieces.iter().map(|piece| (piece.file.to_string(), piece.start, piece.end)).collect();
        let got: Vec<_> = got.iter().map(|(file, start, end)| (file.as_str(), *start, *end)).collect();
        assert_eq!(got, expect);
    }

    const SEGMENT: &str = "00000000000000000004-00000000000000000900.binlog.zst";

    #[test]
    fn servers_own_files() {
        check(
            "/var/backup",
            &[
                "binlog.index",
                "binlog.000001",
                "binlog.000002.zst",
                "binlog.1000000.gz",
                "README",
                ".x.000001",
                "a.sql",
            ],
            &[("binlog.000001", 4, None), ("binlog.000002", 4, None), ("binlog.1000000", 4, None)],
        );
    }

    #[test]
    fn segments_at_any_depth() {
        let expect = [("binlog.000001", 4, Some(900))];
        check("s3://b/binlogs", &[&format!("acme/shop/mariadb-1-1/binlog.000001/{SEGMENT}")], &expect);
        check("/x/mariadb-1-1", &[&format!("binlog.000001/{SEGMENT}")], &expect);
        check("/x/binlog.000001", &[SEGMENT], &expect);
        check("/x/binlog.000001/", &[SEGMENT], &expect);
        check("/x/all", &[&format!("binlog.000001.{SEGMENT}")], &expect);
    }

    #[test]
    fn several_timelines_are_refused() {
        let names = |names: [&str; 2]| pieces_of("/x", names.map(str::to_owned));
        let segment = |directory: &str| format!("{directory}/binlog.000001/{SEGMENT}");
        let error = names([&segment("mariadb-1-1"), &segment("mariadb-1-2")]).unwrap_err().to_string();
        assert!(error.contains("mariadb-1-1, ") && error.contains("mariadb-1-2"), "{error}");
        assert!(names([&segment("mariadb-1-1"), &format!("mariadb-1-1/binlog.000002/{SEGMENT}")]).is_ok());
        assert!(names(["a/binlog.000001", "b/binlog.000001"]).is_err());
    }
}
