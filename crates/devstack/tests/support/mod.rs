//! What the tests of this crate share.

use std::path::Path;
use std::time::{Duration, Instant};

/// The command lines of all processes that mention the directory, besides the watcher of the directory itself.
pub(crate) fn processes_of(directory: &Path) -> Vec<String> {
    let wanted = directory.display().to_string();
    std::fs::read_dir("/proc")
        .into_iter()
        .flatten()
        .flatten()
        .filter_map(|entry| std::fs::read(entry.path().join("cmdline")).ok())
        .map(|bytes| String::from_utf8_lossy(&bytes).replace('\0', " "))
        .filter(|line| line.contains(&wanted) && !line.contains("backtrail-janitor"))
        .collect()
}

/// Waits until the condition holds.
pub(crate) fn eventually(what: &str, deadline: Duration, mut condition: impl FnMut() -> bool) {
    let started = Instant::now();
    while !condition() {
        assert!(started.elapsed() < deadline, "{what}: not within {deadline:?}");
        std::thread::sleep(Duration::from_millis(20));
    }
}
