//! `devstack bench`: a recovery by `backtrail reconstruct` beside the classical one, on the same data in one run.
//!
//! Four tables like sysbench's are filled and dumped with mydumper; then rows change. The classical way loads the dump with
//! myloader and replays the binary log into a server; Backtrail's writes the dump as of the end of the log, which is then
//! loaded with myloader too. A number by itself says something about the machine; the ratio says something about the way.

use std::path::{Path, PathBuf};
use std::process::{ExitCode, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, bail};
use backtrail_devstack::{DatabaseAddress, DatabaseOptions, MariaDb, StackDirectory};
use mysql_async::prelude::Queryable;
use tokio::process::Command;

const TABLES: u32 = 4;

#[derive(Debug, clap::Args)]
pub(crate) struct Bench {
    /// Rows of each of the four tables.
    #[arg(long, default_value_t = 1_000_000)]
    rows: u32,
    /// Row changes after the dump.
    #[arg(long, default_value_t = 240_000)]
    changes: u32,
    /// The `backtrail` to measure.
    #[arg(long, default_value = "target/release/backtrail")]
    backtrail: PathBuf,
}

impl Bench {
    pub(crate) async fn run(self) -> anyhow::Result<ExitCode> {
        let backtrail = self
            .backtrail
            .canonicalize()
            .with_context(|| format!("{} does not exist; build it with `make release`", self.backtrail.display()))?;
        let directory = StackDirectory::create("bench")?;
        let below = |name: &str| directory.path().join(name);
        let source = MariaDb::start(&below("source"), DatabaseOptions::default()).await?;
        fill(&source, self.rows).await?;
        let password = below("client.cnf");
        source.write_client_options(&password)?;
        let dump = below("dump");
        let mydumper = took(
            Command::new("mydumper")
                .arg(format!("--defaults-file={}", password.display()))
                .args(["--host", &source.host, "--port", &source.port.to_string(), "--user", &source.user])
                .args(["--database", "sbtest", "--threads", "2", "--outputdir"])
                .arg(&dump),
        )
        .await?;
        change(&source, self.rows, self.changes).await?;
        let (file, end) = position(&source).await?;
        let (data, dump_size) = (source.data_directory(), size(&dump)?);
        let logs = below("logs");
        std::fs::create_dir(&logs)?;
        for entry in std::fs::read_dir(&data)? {
            let entry = entry?;
            if entry.file_name().to_string_lossy().starts_with("mariadb-bin.0") {
                std::fs::copy(entry.path(), logs.join(entry.file_name()))?;
            }
        }
        drop(source);
        println!(
            "{TABLES} tables of {} rows, a dump of {} MB (mydumper took {:.1} s), {} row changes, {} MB of binary log\n",
            self.rows,
            dump_size / 1_000_000,
            mydumper.as_secs_f64(),
            self.changes,
            size(&logs)? / 1_000_000
        );

        let out = below("out");
        let reconstruct =
            |threads: &str, out: &Path| {
                let mut command = Command::new(&backtrail);
                command
                    .args(["reconstruct", "--threads", threads, "--target-position", &format!("{file}:{end}")])
                    .args([Path::new("--baseline"), &dump, Path::new("--binlogs"), &logs, Path::new("--out"), out]);
                command
            };
        let ours = took(&mut reconstruct("2", &out)).await?;
        let one_thread = took(&mut reconstruct("1", &below("out-1"))).await?;
        std::fs::remove_dir_all(below("out-1"))?;
        let ours_loaded = load(&out, &below("ours")).await?;
        let classic_loaded = load(&dump, &below("classic")).await?;
        let replayed = replay(&logs, &dump, &file, end, &below("classic-replay")).await?;

        let line = |what: &str, time: Duration| println!("{:>8.2} s  {what}", time.as_secs_f64());
        line("backtrail reconstruct, two threads: the dump as it would be now", ours);
        line("backtrail reconstruct, one thread", one_thread);
        line("myloader: that dump into an empty server", ours_loaded);
        line("myloader: the old dump into an empty server", classic_loaded);
        line("mariadb-binlog | mariadb: the binary log into that server", replayed);
        println!(
            "\nthe change takes the classical way {:.0} times as long as backtrail ({:.1} s, {:.2} s)",
            replayed.as_secs_f64() / ours.as_secs_f64(),
            replayed.as_secs_f64(),
            ours.as_secs_f64()
        );
        println!(
            "a server as it was: {:.1} s classically, {:.1} s with backtrail",
            (classic_loaded + replayed).as_secs_f64(),
            (ours + ours_loaded).as_secs_f64()
        );
        Ok(ExitCode::SUCCESS)
    }
}

async fn fill(source: &DatabaseAddress, rows: u32) -> anyhow::Result<()> {
    let mut connection = source.connect().await?;
    for statement in ["CREATE DATABASE sbtest", "USE sbtest"] {
        connection.query_drop(statement).await?;
    }
    for table in 1..=TABLES {
        connection
            .query_drop(format!(
                "CREATE TABLE sbtest{table} (id INT NOT NULL AUTO_INCREMENT PRIMARY KEY, k INT NOT NULL DEFAULT 0, \
                 c CHAR(120) NOT NULL DEFAULT '', pad CHAR(60) NOT NULL DEFAULT '', KEY k (k)) ENGINE=InnoDB"
            ))
            .await?;
        // What sysbench writes: groups of digits with dashes between.
        connection
            .query_drop(format!(
                "INSERT INTO sbtest{table} SELECT seq, 1 + CRC32(seq) % {rows}, \
                 LEFT(CONCAT_WS('-', CRC32(seq), CRC32(CONCAT(seq, 'b')), REPEAT(CRC32(CONCAT(seq, 'c')), 10)), 119), \
                 LEFT(CONCAT_WS('-', CRC32(CONCAT(seq, 'd')), REPEAT(CRC32(CONCAT(seq, 'e')), 6)), 59) FROM seq_1_to_{rows}"
            ))
            .await?;
    }
    connection.disconnect().await?;
    Ok(())
}

/// Half updates, a quarter deletes, a quarter inserts, in transactions of ten.
async fn change(source: &DatabaseAddress, rows: u32, changes: u32) -> anyhow::Result<()> {
    let mut connection = source.connect().await?;
    connection.query_drop("USE sbtest").await?;
    let per_table = changes / TABLES;
    for table in 1..=TABLES {
        for group in 0..per_table / 10 {
            connection.query_drop("BEGIN").await?;
            let id = |offset: u32| 1 + (u64::from(group) * 7919 + u64::from(offset) * 104_729) % u64::from(rows);
            for offset in 0..5 {
                let (id, c) = (id(offset), group.wrapping_mul(31) + offset);
                connection
                    .query_drop(format!("UPDATE sbtest{table} SET k = k + 1, c = REPEAT('{c}-', 8) WHERE id = {id}"))
                    .await?;
            }
            let ids: Vec<String> = (5..8).map(|offset| id(offset).to_string()).collect();
            connection.query_drop(format!("DELETE FROM sbtest{table} WHERE id IN ({})", ids.join(","))).await?;
            connection
                .query_drop(format!(
                    "INSERT INTO sbtest{table} (k, c, pad) VALUES ({group}, 'new', 'x'), ({group}, 'new', 'y')"
                ))
                .await?;
            connection.query_drop("COMMIT").await?;
        }
    }
    connection.disconnect().await?;
    Ok(())
}

async fn position(source: &DatabaseAddress) -> anyhow::Result<(String, u64)> {
    let mut connection = source.connect().await?;
    let row: Option<(String, u64, String, String)> = connection.query_first("SHOW MASTER STATUS").await?;
    connection.disconnect().await?;
    row.map(|row| (row.0, row.1)).context("the source has no binary log")
}

async fn load(dump: &Path, server: &Path) -> anyhow::Result<Duration> {
    let target = MariaDb::start(server, DatabaseOptions { binary_log: false, ..DatabaseOptions::default() }).await?;
    myloader(dump, server, &target).await
}

async fn myloader(dump: &Path, server: &Path, target: &MariaDb) -> anyhow::Result<Duration> {
    let password = server.join("client.cnf");
    target.write_client_options(&password)?;
    took(
        Command::new("myloader")
            .arg(format!("--defaults-file={}", password.display()))
            .args(["--host", &target.host, "--port", &target.port.to_string(), "--user", &target.user])
            .args(["--threads", "2", "--directory"])
            .arg(dump),
    )
    .await
}

/// Replays the log from the dump's position into a server that has the dump; the loading is not in the time.
async fn replay(logs: &Path, dump: &Path, file: &str, end: u64, server: &Path) -> anyhow::Result<Duration> {
    let target = MariaDb::start(server, DatabaseOptions { binary_log: false, ..DatabaseOptions::default() }).await?;
    myloader(dump, server, &target).await?;
    let metadata = std::fs::read_to_string(dump.join("metadata"))?;
    let after = |name: &str| metadata.lines().find_map(|line| line.trim().strip_prefix(name)).map(str::trim);
    let (first, start) = (after("Log:").context("no position")?, after("Pos:").context("no position")?);
    if first != file {
        bail!("the changes do not fit into one binary log file: {first} to {file}");
    }
    let password = server.join("client.cnf");
    took(Command::new("sh").arg("-c").arg(format!(
        "mariadb-binlog --start-position={start} --stop-position={end} {} | mariadb --defaults-file={} --binary-mode",
        logs.join(first).display(),
        password.display()
    )))
    .await
}

async fn took(command: &mut Command) -> anyhow::Result<Duration> {
    let began = Instant::now();
    let output = command.stdin(Stdio::null()).kill_on_drop(true).output().await?;
    let took = began.elapsed();
    if !output.status.success() {
        bail!(
            "{:?}: {} {}",
            command.as_std().get_program(),
            output.status,
            String::from_utf8_lossy(&output.stderr).trim()
        );
    }
    Ok(took)
}

fn size(directory: &Path) -> anyhow::Result<u64> {
    let mut bytes = 0;
    for entry in std::fs::read_dir(directory)? {
        bytes += entry?.metadata()?.len();
    }
    Ok(bytes)
}
