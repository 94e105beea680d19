//! A dump goes into a server, with the stock client.

use std::io::{Read, Write};
use std::path::Path;
use std::process::Stdio;

use anyhow::{Context, bail};
use backtrail_devstack::ServerTree;

use crate::kind::ServerKind;
use crate::server::{Server, quoted};

/// What a session is like that has just been opened.
const NEW_SESSION: &str = "SET NAMES utf8mb4; SET SESSION sql_mode = DEFAULT, time_zone = DEFAULT, \
     foreign_key_checks = DEFAULT, unique_checks = DEFAULT;";

/// A file of a dump, unpacked.
struct DumpFile {
    name: String,
    schema: Option<String>,
    bytes: Vec<u8>,
}

/// Loads a dump: schemas, definitions, rows, then views, triggers and the like; one client for all files, or one for each;
/// only the tables where some are missing on which views and triggers may depend.
///
/// # Errors
/// The client refuses something; the message names the file.
pub(crate) async fn load(
    dump: &Path,
    server: &Server,
    schemas: &[String],
    each: bool,
    tables_only: bool,
) -> anyhow::Result<()> {
    let mut files = read(dump, schemas)?;
    files.retain(|file| !tables_only || rank(&file.name) <= RANK_OF_ROWS);
    let options = dump.join(".client.cnf");
    server.address().write_client_options(&options)?;
    let result = if each {
        let mut result = Ok(());
        for file in &files {
            result = client(server.kind(), &options, &script(std::slice::from_ref(file))).await;
            if result.is_err() {
                break;
            }
        }
        result
    } else {
        client(server.kind(), &options, &script(&files)).await
    };
    std::fs::remove_file(&options)?;
    result
}

/// Where files stand in the order of loading.
const RANK_OF_ROWS: usize = 2;

fn rank(name: &str) -> usize {
    let suffixes =
        ["-schema-create.sql", "-schema.sql", "", "-schema-view.sql", "-schema-triggers.sql", "-schema-post.sql"];
    suffixes.iter().position(|suffix| !suffix.is_empty() && name.ends_with(suffix)).unwrap_or(RANK_OF_ROWS)
}

fn read(dump: &Path, schemas: &[String]) -> anyhow::Result<Vec<DumpFile>> {
    let mut files = Vec::new();
    for entry in std::fs::read_dir(dump)? {
        let path = entry?.path();
        let stored = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let name = stored.trim_end_matches(".gz").trim_end_matches(".zst").to_owned();
        if !name.ends_with(".sql") {
            continue;
        }
        let bytes = std::fs::read(&path)?;
        let bytes = if stored.ends_with(".gz") {
            let mut plain = Vec::new();
            flate2::read::MultiGzDecoder::new(bytes.as_slice()).read_to_end(&mut plain)?;
            plain
        } else if stored.ends_with(".zst") {
            zstd::decode_all(bytes.as_slice())?
        } else {
            bytes
        };
        let schema = match rank(&name) {
            0 => None,
            _ => Some(schema_of(&name, schemas).with_context(|| format!("of which schema is {name}?"))?),
        };
        files.push(DumpFile { name, schema, bytes });
    }
    files.sort_by(|a, b| (rank(&a.name), &a.name).cmp(&(rank(&b.name), &b.name)));
    Ok(files)
}

/// The longest schema name that a file's name begins with.
fn schema_of(name: &str, schemas: &[String]) -> Option<String> {
    let begins = |schema: &&String| {
        let rest = name.strip_prefix(schema.as_str());
        rest.is_some_and(|rest| rest.starts_with('.') || rest.starts_with("-schema"))
    };
    schemas.iter().filter(begins).max_by_key(|schema| schema.len()).cloned()
}

fn script(files: &[DumpFile]) -> Vec<u8> {
    let mut script = Vec::new();
    for file in files {
        let using = file.schema.as_ref().map_or_else(String::new, |schema| format!("USE {};", quoted(schema)));
        let _ = writeln!(script, "\nSELECT {} AS `file`; {NEW_SESSION} {using}", literal(&file.name));
        if rank(&file.name) > RANK_OF_ROWS {
            // As mydumper writes them, and myloader reads: a statement ends with its line.
            let _ = writeln!(script, "DELIMITER {DELIMITER}");
            let text = [file.bytes.as_slice(), b"\n"].concat();
            for statement in split(&text) {
                script.extend_from_slice(statement);
                let _ = writeln!(script, "\n{DELIMITER}");
            }
            let _ = writeln!(script, "DELIMITER ;");
        } else {
            script.extend_from_slice(&file.bytes);
        }
    }
    script
}

/// In no statement.
const DELIMITER: &str = "$$end$$";

/// Statements without their semicolons.
fn split(text: &[u8]) -> Vec<&[u8]> {
    let (mut found, mut start) = (Vec::new(), 0);
    for (at, pair) in text.windows(2).enumerate() {
        if pair == b";\n" {
            found.push(&text[start..at]);
            start = at + 2;
        }
    }
    found.push(&text[start..]);
    found.retain(|statement| !statement.trim_ascii().is_empty());
    found
}

fn literal(text: &str) -> String {
    format!("'{}'", text.replace('\\', "\\\\").replace('\'', "\\'"))
}

/// Runs a script in the stock client.
async fn client(kind: ServerKind, options: &Path, script: &[u8]) -> anyhow::Result<()> {
    let mut command = stock_client(kind)?;
    command.arg(format!("--defaults-file={}", options.display()));
    command.args([
        "--binary-mode",
        "--comments",
        "--default-character-set=utf8mb4",
        "--max-allowed-packet=64M",
        "--skip-column-names",
    ]);
    command.args(["--unbuffered", "--batch"]);
    let mut child =
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).kill_on_drop(true).spawn()?;
    let mut input = child.stdin.take().context("the client has no input")?;
    let script = script.to_vec();
    let feeding = tokio::spawn(async move {
        use tokio::io::AsyncWriteExt;
        // A client that fails stops reading; its own message says why.
        let _ = input.write_all(&script).await;
    });
    let output = child.wait_with_output().await?;
    feeding.await?;
    if !output.status.success() {
        let shown = String::from_utf8_lossy(&output.stdout).into_owned();
        bail!(
            "{} does not load: {}",
            shown.lines().last().unwrap_or("the dump"),
            String::from_utf8_lossy(&output.stderr).trim()
        );
    }
    Ok(())
}

/// The one that came with the server.
fn stock_client(kind: ServerKind) -> anyhow::Result<tokio::process::Command> {
    let Some(release) = kind.release() else { return Ok(tokio::process::Command::new("mariadb")) };
    let words = ServerTree::find(release)?.command(release.client());
    let (program, arguments) = words.split_first().context("there is no client")?;
    let mut command = tokio::process::Command::new(program);
    command.args(arguments);
    Ok(command)
}
