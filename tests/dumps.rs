//! A dump, a copy of the binary log and `backtrail reconstruct`, without any service.

use std::path::{Path, PathBuf};

use anyhow::{Context, ensure};
use backtrail_devstack::{DatabaseAddress, Family};
use tokio::process::Command;

/// Dumps the schema `shop` with a mydumper; `form`: further options.
///
/// # Errors
/// It fails.
pub async fn dump(mydumper: &Path, server: &DatabaseAddress, directory: &Path, form: &[&str]) -> anyhow::Result<()> {
    let mut command = of_server(mydumper, server, directory)?;
    command.arg("--outputdir").arg(directory).args(["--database", "shop"]).args(form);
    if server.family == Family::Mysql {
        command.args(["--server-version", "mysql-9.7.0"]);
    }
    finished(command).await
}

/// Loads a dump with a myloader.
///
/// # Errors
/// It fails, or says that a statement did.
pub async fn load_with(myloader: &Path, server: &DatabaseAddress, directory: &Path) -> anyhow::Result<()> {
    let mut command = of_server(myloader, server, directory)?;
    command.arg("--directory").arg(directory).args(["--threads", "2"]);
    let output = command.output().await?;
    // Versions differ in whether a statement that fails ends the whole.
    let said = [output.stdout, output.stderr].map(|bytes| String::from_utf8_lossy(&bytes).into_owned()).concat();
    let failed = said.lines().find(|line| {
        let line = line.to_ascii_lowercase();
        line.contains("error") && !line.contains("errors: 0") && !line.contains("errors found: 0")
    });
    ensure!(output.status.success() && failed.is_none(), "{said}");
    Ok(())
}

fn of_server(program: &Path, server: &DatabaseAddress, directory: &Path) -> anyhow::Result<Command> {
    let options = directory.with_extension("cnf");
    server.write_client_options(&options)?;
    let mut command = Command::new(program);
    command.arg(format!("--defaults-file={}", options.display())).kill_on_drop(true);
    command.args(["--host", &server.host, "--port", &server.port.to_string(), "--user", &server.user]);
    Ok(command)
}

async fn finished(mut command: Command) -> anyhow::Result<()> {
    let output = command.output().await?;
    ensure!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    Ok(())
}

/// Copies a server's binary log.
///
/// # Errors
/// There is none.
pub fn copy_log(from: &Path, to: &Path) -> anyhow::Result<()> {
    std::fs::create_dir_all(to)?;
    let is_number = |path: &PathBuf| {
        path.extension()
            .is_some_and(|number| number.len() == 6 && number.to_string_lossy().bytes().all(|b| b.is_ascii_digit()))
    };
    let files = std::fs::read_dir(from)?.flatten().map(|entry| entry.path()).filter(is_number);
    let mut copied = 0;
    for file in files {
        std::fs::copy(&file, to.join(file.file_name().context("no name")?))?;
        copied += 1;
    }
    ensure!(copied > 0, "no binary log in {}", from.display());
    Ok(())
}

/// `backtrail` as on a machine that has nothing else of it: no settings, no home.
///
/// # Errors
/// The programs have not been built.
pub fn backtrail() -> anyhow::Result<Command> {
    let test = std::env::current_exe()?;
    let program = test.ancestors().nth(2).context("no directory of programs")?.join("backtrail");
    let mut command = Command::new(program);
    command.env_clear();
    Ok(command)
}

/// `backtrail reconstruct`, of all tables.
///
/// # Errors
/// It fails, or refuses one.
pub async fn reconstruct(dump: &Path, log: &Path, target: &str, out: &Path) -> anyhow::Result<()> {
    let mut command = backtrail()?;
    command.args(["reconstruct", "--all-or-nothing"]).arg("--baseline").arg(dump).arg("--binlogs").arg(log);
    command.args(["--target-position", target, "--out"]).arg(out);
    finished(command).await
}
