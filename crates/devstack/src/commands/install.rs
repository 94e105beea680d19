//! `devstack install`: what no package of the distribution provides.

use std::process::ExitCode;

use backtrail_devstack::{MySql, MySqlTree};

#[derive(Debug, clap::Args)]
pub(crate) struct Install {
    /// Fetch a MySQL server from Debian's newest suite into the cache directory.
    #[arg(long)]
    mysql: bool,
}

impl Install {
    pub(crate) async fn run(self) -> anyhow::Result<ExitCode> {
        if !self.mysql {
            println!("nothing to do: name what to install, for example --mysql");
            return Ok(ExitCode::SUCCESS);
        }
        if MySql::available() {
            println!("MySQL is installed in {}", MySqlTree::location().display());
            return Ok(ExitCode::SUCCESS);
        }
        println!("fetching MySQL into {}", MySqlTree::location().display());
        backtrail_devstack::install_mysql().await?;
        println!("done");
        Ok(ExitCode::SUCCESS)
    }
}
