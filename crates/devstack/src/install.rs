//! Fetching servers that the stable distribution lacks: packages of another suite, extracted into the user's cache directory.

use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use tokio::process::Command;

use crate::directory::{create_directory, random_name, remove_directory};
use crate::error::DevstackError;
use crate::process::{ProcessSpec, find_program, is_root, search_path};
use crate::tree::{Release, ServerTree};

const DEADLINE: Duration = Duration::from_secs(900);

/// Installs a server where [`Release::location`] says; does nothing when it is there.
///
/// The packages come from the mirror that this machine's own apt uses for Debian.
pub async fn install(release: Release) -> Result<ServerTree, DevstackError> {
    if let Ok(tree) = ServerTree::find(release) {
        return Ok(tree);
    }
    let target = release.location();
    let parent = target.parent().unwrap_or(Path::new("/"));
    if !parent.is_dir() {
        create_directory(parent, 0o755)?;
    }
    let mmdebstrap = find_program(&["mmdebstrap"], "mmdebstrap")?;
    let mirror = debian_mirror().await?;
    // Extracted beside its place and moved there when complete, so that a cut-off download is never taken for a tree.
    let unfinished = parent.join(random_name("server-unfinished-"));
    let log = parent.join(format!("install-{}.log", release.suite()));
    let result = ProcessSpec::new("mmdebstrap", mmdebstrap, parent, &log)
        .argument("--variant=extract")
        .argument(if is_root() { "--mode=root" } else { "--mode=unshare" })
        .argument("--aptopt=Acquire::Check-Valid-Until \"false\"")
        .argument(format!("--include={}", release.packages()))
        .argument(release.suite())
        .argument(&unfinished)
        .argument(&mirror)
        .inherit(["http_proxy", "https_proxy", "no_proxy"])
        .run(DEADLINE)
        .await
        .and_then(|()| std::fs::rename(&unfinished, &target).map_err(DevstackError::file("create", &target)));
    if let Err(error) = result {
        remove_directory(&unfinished);
        // Another process may have been faster.
        return ServerTree::find(release).map_err(|_| error);
    }
    let _ = std::fs::remove_file(&log);
    ServerTree::find(release)
}

/// The Debian mirror of this machine's apt configuration.
async fn debian_mirror() -> Result<String, DevstackError> {
    let output = Command::new("apt-get")
        .args(["indextargets", "--format", "$(ORIGIN)|$(LABEL)|$(REPO_URI)", "Created-By: Packages"])
        .env("PATH", search_path())
        .stdin(Stdio::null())
        .output()
        .await
        .map_err(|source| DevstackError::Spawn { part: "apt-get".to_owned(), program: "apt-get".to_owned(), source })?;
    let listing = String::from_utf8_lossy(&output.stdout);
    mirror_of(&listing).map(str::to_owned).ok_or_else(|| {
        DevstackError::Unsuitable(
            "this machine's apt configuration names no Debian mirror from which a server could be installed; on another \
             distribution put its tree into place by hand"
                .to_owned(),
        )
    })
}

/// The archive itself, not its security or update repositories, which have other suites.
fn mirror_of(listing: &str) -> Option<&str> {
    let mut candidates = listing.lines().filter_map(|line| {
        let mut fields = line.splitn(3, '|');
        let (origin, label, uri) = (fields.next()?, fields.next()?, fields.next()?);
        (origin == "Debian" && label == "Debian").then_some(uri.trim())
    });
    candidates.next().or_else(|| {
        // Before the first `apt-get update` origin and label are unknown.
        listing
            .lines()
            .filter_map(|line| line.rsplit('|').next())
            .map(str::trim)
            .find(|uri| uri.trim_end_matches('/').ends_with("/debian"))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_archive_is_told_from_other_repositories() {
        let listing = "Debian|Debian-Security|http://m/debian-security/\nOther|Other|http://o/apt/\n\
                       Debian|Debian|http://m/debian/\n";
        assert_eq!(mirror_of(listing), Some("http://m/debian/"));
        assert_eq!(mirror_of("||http://m/debian-security/\n||http://m/debian/\n"), Some("http://m/debian/"));
        assert_eq!(mirror_of("Ubuntu|Ubuntu|http://u/ubuntu/\n"), None);
    }
}
