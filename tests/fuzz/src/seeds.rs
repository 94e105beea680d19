//! What a fuzzer begins with: the data that the crates' own tests recorded from real servers and mydumper.

use std::path::{Path, PathBuf};

use crate::{Target, binlog};

/// The inputs of a target, each with a name.
///
/// # Panics
/// When the crates' test data is not where it was.
pub fn of(target: Target) -> Vec<(String, Vec<u8>)> {
    match target {
        Target::Binlog => logs(),
        Target::Dump => dumps(),
        Target::LoadData => rows_beside(),
        Target::Ddl => statements(),
        Target::Metadata => metadata(),
    }
}

/// Where this package is, as cargo says when it runs something. (What it says while building may be another checkout's.)
fn package() -> PathBuf {
    std::env::var_os("CARGO_MANIFEST_DIR").map_or_else(PathBuf::new, PathBuf::from)
}

/// The directory of a target's corpus.
pub fn corpus(target: Target) -> PathBuf {
    package().join("corpus").join(target.name())
}

/// All files in a directory and below, by name.
pub fn files(directory: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(directory).unwrap_or_else(|error| panic!("{}: {error}", directory.display()));
    let mut files = Vec::new();
    for entry in entries {
        let path = entry.expect("a directory's entry").path();
        if path.is_dir() {
            files.extend(self::files(&path));
        } else {
            files.push(path);
        }
    }
    files.sort();
    files
}

/// # Panics
/// When the file cannot be read.
pub fn read(path: &Path) -> Vec<u8> {
    std::fs::read(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

fn data(of_crate: &str) -> PathBuf {
    package().join("../../crates").join(of_crate).join("tests/data")
}

fn name(path: &Path) -> String {
    path.file_name().unwrap_or_default().to_string_lossy().into_owned()
}

/// Each log as it is, and as the pieces that it is made of.
fn logs() -> Vec<(String, Vec<u8>)> {
    let mut logs = Vec::new();
    for path in files(&data("binlog")) {
        let bytes = read(&path);
        if bytes.starts_with(&backtrail_binlog::MAGIC) {
            let mariadb = u8::from(name(&path).starts_with("mariadb"));
            logs.push((format!("{}-pieces", name(&path)), binlog::to_pieces(&bytes, mariadb)));
            logs.push((format!("{}-without-checksums", name(&path)), binlog::to_pieces(&bytes, mariadb | 2)));
            logs.push((name(&path), bytes));
        }
    }
    logs
}

fn dumps() -> Vec<(String, Vec<u8>)> {
    let files = [files(&data("dump")), files(&data("reconstruct"))].concat();
    let sql = files.iter().filter(|path| path.extension().is_some_and(|extension| extension == "sql"));
    sql.enumerate()
        .map(|(number, path)| (format!("{number}-{}", name(path)), [&[number as u8], read(path).as_slice()].concat()))
        .collect()
}

/// Each LOAD DATA statement with its rows.
fn rows_beside() -> Vec<(String, Vec<u8>)> {
    let files = files(&data("dump").join("load_data"));
    let rows = files.iter().filter(|path| path.extension().is_some_and(|extension| extension == "dat"));
    rows.enumerate()
        .map(|(number, path)| {
            let input = [read(&path.with_extension("sql")).as_slice(), b"\0", &read(path)].concat();
            (format!("{number}-{}", name(path)), input)
        })
        .collect()
}

/// Each table with what the servers made of it, and each change of a type.
fn statements() -> Vec<(String, Vec<u8>)> {
    let mut seeds = Vec::new();
    let mut push = |name: String, mariadb: bool, text: &str| {
        let choice = if mariadb { b'9' } else { b'8' };
        seeds.push((name, [&[choice], text.as_bytes()].concat()));
    };
    for path in files(&data("schema")) {
        let text = String::from_utf8_lossy(&read(&path)).into_owned();
        let mariadb = name(&path).contains("mariadb");
        if name(&path) == "changes.txt" {
            for (number, line) in text.lines().enumerate() {
                let columns: Vec<&str> = line.split('|').map(str::trim).collect();
                if let [servers, before, behind, ..] = columns[..] {
                    let text = format!("CREATE TABLE t (c {before}) CHARSET utf8mb4;;ALTER TABLE t MODIFY c {behind}");
                    push(format!("change-{number}"), servers == "mariadb", &text);
                }
            }
            continue;
        }
        for (number, block) in text.split(";;;").enumerate() {
            push(format!("{}-{number}", name(&path)), mariadb, &block.replace("\n=>\n", "\n;;\n"));
        }
    }
    seeds
}

fn metadata() -> Vec<(String, Vec<u8>)> {
    let mut seeds = Vec::new();
    for of_crate in ["dump", "reconstruct"] {
        for path in files(&data(of_crate)).into_iter().filter(|path| name(path) == "metadata") {
            let directory = path.parent().expect("a file has a directory");
            let names: Vec<String> = files(directory).iter().map(|path| name(path)).collect();
            let input = [read(&path).as_slice(), b"\0", names.join("\n").as_bytes()].concat();
            seeds.push((format!("{of_crate}-{}", seeds.len()), input));
        }
    }
    seeds
}
