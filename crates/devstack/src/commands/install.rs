//! `devstack install`: what no package of the distribution provides.

use std::process::ExitCode;

use backtrail_devstack::Release;

#[derive(Debug, clap::Args)]
pub(crate) struct Install {
    /// Fetch a MySQL server from Debian's newest suite into the cache directory.
    #[arg(long)]
    mysql: bool,
    /// Fetch a MariaDB server other than the distribution's, from another of Debian's suites.
    #[arg(long, value_enum, value_delimiter = ',')]
    mariadb: Vec<MariaDbVersion>,
}

#[derive(Debug, Clone, Copy, clap::ValueEnum)]
enum MariaDbVersion {
    #[value(name = "11.8")]
    Newer,
    #[value(name = "10.5")]
    Older,
}

impl Install {
    pub(crate) async fn run(self) -> anyhow::Result<ExitCode> {
        let mariadb = self.mariadb.iter().map(|version| match version {
            MariaDbVersion::Newer => Release::MariaDb118,
            MariaDbVersion::Older => Release::MariaDb105,
        });
        let wanted: Vec<Release> = self.mysql.then_some(Release::MySql).into_iter().chain(mariadb).collect();
        if wanted.is_empty() {
            println!("nothing to do: name what to install, for example --mysql");
        }
        for release in wanted {
            let (name, place) = (release.name(), release.location());
            if release.available() {
                println!("{name} is installed in {}", place.display());
                continue;
            }
            println!("fetching {name} into {}", place.display());
            backtrail_devstack::install(release).await?;
            println!("done");
        }
        Ok(ExitCode::SUCCESS)
    }
}
