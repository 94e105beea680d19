//! Which mydumper a test runs with.

use std::path::PathBuf;

use backtrail_devstack::cache_directory;
use backtrail_source::mydumper::{Mydumper, MydumperVersion};

/// Names a mydumper that knows newer MySQL servers, for the tests that want one.
const VARIABLE: &str = "BACKTRAIL_TEST_MYDUMPER";

/// The first that suits MySQL as distributions build it.
const NEWER: MydumperVersion = MydumperVersion(0, 20, 1);

/// A mydumper that knows every server: the one that `BACKTRAIL_TEST_MYDUMPER` names, `mydumper/bin/mydumper` in the
/// cache directory, or the machine's own. Where there is none says so, for the test to be left out: the stable
/// distribution's is too old.
pub async fn newer_mydumper() -> Option<PathBuf> {
    let named = std::env::var_os(VARIABLE).map(PathBuf::from);
    let cached = cache_directory().join("mydumper/bin/mydumper");
    for program in named.into_iter().chain([cached, PathBuf::from("mydumper")]) {
        if let Ok(found) = Mydumper::probe(&program).await
            && found.version >= NEWER
        {
            return Some(program);
        }
    }
    eprintln!("left out: no mydumper {NEWER} or later; name one in {VARIABLE}");
    None
}

/// The machine's own mydumper, and its version.
///
/// # Errors
/// There is none.
pub async fn stock_mydumper() -> anyhow::Result<Mydumper> {
    Ok(Mydumper::probe("mydumper").await?)
}
