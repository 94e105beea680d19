//! The page on what is exact names tests that are there, and every case of the oracle.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

fn root() -> PathBuf {
    PathBuf::from("..")
}

fn read(path: &Path) -> String {
    std::fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// The lines of the page's tables, as cells.
fn lines(page: &str) -> Vec<Vec<&str>> {
    let rows = page.lines().filter(|line| line.starts_with('|') && !line.starts_with("|---"));
    rows.map(|line| line.trim_matches('|').split('|').map(str::trim).collect())
        .filter(|cells: &Vec<&str>| cells.first() != Some(&"What"))
        .collect()
}

/// What stands in backticks.
fn quoted(text: &str) -> impl Iterator<Item = &str> {
    text.split('`').skip(1).step_by(2)
}

/// Whether a source file has a test of this name: a function behind a test's attribute, or within `proptest!`.
fn has_test(source: &str, name: &str) -> bool {
    let lines: Vec<&str> = source.lines().map(str::trim_start).collect();
    lines.iter().enumerate().any(|(number, line)| {
        let function = line.trim_start_matches("async ").strip_prefix("fn ").and_then(|rest| rest.strip_prefix(name));
        function.is_some_and(|rest| rest.starts_with('('))
            && lines[..number]
                .iter()
                .rev()
                .take_while(|before| before.starts_with("#[") || before.starts_with("//"))
                .any(|before| before.starts_with("#[test]") || before.contains("::test]") || before.contains("::test("))
    })
}

/// What is wrong with a line.
fn problem(cells: &[&str]) -> Option<String> {
    let [_, _, status, _, tests] = cells else { return Some(format!("{} cells", cells.len())) };
    if !["exact", "refused", "open"].contains(status) {
        return Some(format!("the status `{status}`"));
    }
    let mut named = 0;
    for test in quoted(tests) {
        named += 1;
        let found = match (test.split_once("::"), test.strip_prefix("cases/")) {
            (Some((file, name)), _) => {
                std::fs::read_to_string(root().join(file)).is_ok_and(|source| has_test(&source, name))
            }
            (None, Some(case)) => {
                let text = std::fs::read_to_string(root().join("tests/oracle/cases").join(case));
                let Ok(text) = text else { return Some(format!("no case {case}")) };
                let directive = |word: &str| text.lines().any(|line| line.starts_with(&format!("-- {word}:")));
                if directive("open") != (*status == "open") {
                    return Some(format!("{case} is {} open", if directive("open") { "" } else { "not" }));
                }
                true
            }
            _ => false,
        };
        if !found {
            return Some(format!("no test {test}"));
        }
    }
    (named == 0).then(|| "no test is named".to_owned())
}

#[test]
fn every_line_of_the_page_on_exactness_is_backed_by_tests() {
    let page = read(&root().join("docs/exactness.md"));
    let lines = lines(&page);
    assert!(lines.len() > 50, "{} lines", lines.len());
    let wrong: Vec<String> =
        lines.iter().filter_map(|cells| problem(cells).map(|problem| format!("{}: {problem}", cells[0]))).collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn every_case_of_the_oracle_is_on_the_page() {
    let page = read(&root().join("docs/exactness.md"));
    let named: BTreeSet<&str> = quoted(&page).filter_map(|text| text.strip_prefix("cases/")).collect();
    let cases = std::fs::read_dir(root().join("tests/oracle/cases")).expect("the cases");
    for case in cases {
        let name = case.expect("a case").file_name().to_string_lossy().into_owned();
        assert!(named.contains(name.as_str()), "{name} is not in docs/exactness.md");
    }
}

#[test]
fn what_is_wrong_with_a_line_is_told() {
    let check = |tests: &str, status: &str, expected: Option<&str>| {
        let found = problem(&["What", "all", status, "", tests]);
        assert_eq!(found.as_deref(), expected, "{tests}");
    };
    check("`tests/exactness.rs::what_is_wrong_with_a_line_is_told`", "exact", None);
    check("`tests/exactness.rs::has_test`", "exact", Some("no test tests/exactness.rs::has_test"));
    check("`tests/nothing.rs::x`", "exact", Some("no test tests/nothing.rs::x"));
    check("`cases/nothing.sql`", "exact", Some("no case nothing.sql"));
    check("", "exact", Some("no test is named"));
    check("`tests/exactness.rs::what_is_wrong_with_a_line_is_told`", "fine", Some("the status `fine`"));
}
