//! The schema files of recorded dumps. `BACKTRAIL_CASES` names the directory of cases; without it there is nothing to do.

#![expect(clippy::disallowed_methods, reason = "tests read their files")]
#![expect(clippy::unwrap_used, reason = "a test's helpers fail by panicking")]

use std::path::{Path, PathBuf};

use backtrail_schema::{Flavour, SqlDialect, parse_create_table};

#[test]
fn every_schema_of_the_recorded_cases_is_read() {
    let Some(cases) = std::env::var_os("BACKTRAIL_CASES") else {
        eprintln!("BACKTRAIL_CASES is not set: no recorded cases to read");
        return;
    };
    let mut read = 0;
    for case in directory(Path::new(&cases)) {
        let flavour = if case.to_string_lossy().contains("mariadb") { Flavour::Mariadb } else { Flavour::Mysql };
        for file in directory(&case.join("baseline")) {
            let name = file.file_name().unwrap().to_string_lossy().into_owned();
            let Some(stem) = name.strip_suffix("-schema.sql") else { continue };
            let sql = std::fs::read_to_string(&file).unwrap();
            let shape = parse_create_table(&sql, "shop", &SqlDialect::of_flavour(flavour))
                .unwrap_or_else(|error| panic!("{}: {error}", file.display()));
            assert_eq!(shape.name.to_string(), stem, "{}", file.display());
            assert!(!shape.columns.is_empty());
            assert_eq!(shape.columns.len(), sql.lines().filter(|line| line.starts_with("  `")).count(), "{name}");
            read += 1;
        }
    }
    assert!(read > 0, "no schema file in {}", cases.to_string_lossy());
}

fn directory(path: &Path) -> Vec<PathBuf> {
    std::fs::read_dir(path).unwrap().map(|entry| entry.unwrap().path()).collect()
}
